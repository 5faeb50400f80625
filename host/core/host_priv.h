/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of the host's engine. Each part has a file:
 *   host.c   the calls, the HIP engine's actions handed to who they are for
 *   acts.c   the list of actions, jobs, timers, events
 *   sim.c    card in, store opened, identity up; card out
 *   names.c  HIP records and addresses of names
 *   peers.c  who can be reached, and connecting on demand
 *   move.c   own addresses, and telling FA and peers
 *   nat.c    candidates, registrations that a NAT makes necessary, permissions at the data relay
 *   fa.c     which Forwarding Agent, associating and registering with it, coming back
 *   partner.c  registering at its partners too
 *   ping.c   probes, and how far an attempt to reach a peer went
 *   identity.c  which identity is shown to whom
 *   bind.c   one run of the SIM binding
 *
 * During a call h->now and h->out are set; what the HIP engine answers is collected and handled before the call returns (host_leave).
 */
#pragma once

#include "aka/peer.h"
#include "common/base/heap.h"
#include "hip/bind_key.h"
#include "hip/bind_param.h"
#include "host/core/host.h"
#include "host/core/sealed.h"

#define HOST_CACHE_MAX   256 /* names */
#define HOST_TICKETS_MAX 8   /* applications that wait for one name */
#define HOST_JOBS_MAX    256 /* at most: the low octet of a job's id is its slot */
#define HOST_TIMERS_MAX  (HOST_PEERS_MAX + HOST_CACHE_MAX + 2 * HOST_FAS_MAX + 16)
#define HOST_S           UINT64_C(1000000) /* a second */
#define HOST_PATHS_MAX   6                 /* of one exchange: hip_connect() */

#define HOST_MEMBER(ptr, type, field) ((type *)(void *)((char *)(ptr)-offsetof(type, field)))

struct host_timer {
    struct heap_node node;
    void (*fire)(struct host *h, struct host_timer *t);
};

/* ---- names ---- */

struct host_record { /* a HIP RR whose HIT is its key's */
    struct hit hit;
    size_t n_rvs;
    struct dnsu_name rvs[HOST_RVS_MAX];
};

struct host_ask { /* one question about a name */
    bool asking, known;
    err e;
    uint64_t until_us; /* known until */
    uint64_t asked_us; /* while asking */
    uint64_t job;
    enum dnsu_security security;
};

struct host_name {
    bool used;
    struct dnsu_name name;
    struct host_ask hip, addr;
    size_t n_record;
    struct host_record record[HOST_RESOLVED_MAX];
    size_t n_addr;
    struct addr a[HOST_ADDRS_MAX];
    size_t n_ticket;
    uint64_t ticket[HOST_TICKETS_MAX];
    uint64_t used_us; /* last time somebody wanted it */
};

/* ---- peers ---- */

struct host_peer {
    bool used, configured, fa;
    struct hit hit;
    enum host_peer_state state;
    struct dnsu_name name; /* looked up by; len 0: none */
    enum dnsu_security security;
    uint64_t known_until_us; /* of what the name told us; HEAP_NEVER: configured */
    size_t n_addr;
    struct addr addr[HOST_ADDRS_MAX];
    size_t n_rvs;
    struct dnsu_name rvs[HOST_RVS_MAX];
    bool wanted; /* packets wait */
    uint64_t since_us, used_us;
    uint64_t probe_us; /* asked for a sign of life then, no answer yet; 0: not asked */
    struct hip_ref ref;
    struct hip_path path;
    uint64_t cand_gen; /* of the candidates it was told */
    struct host_timer timer;
    struct host_trace trace;
};

#define HOST_PINGS_MAX 16
struct host_ping {
    uint64_t ticket; /* 0: free */
    struct hit hit;
    struct hip_ref ref;
    uint32_t id;
    bool sent;
    uint64_t end_us;
};

/* ---- through NATs ---- */

#define HOST_PERMITS_MAX 128

struct host_permit {    /* one PEER_PERMISSION at a data relay of ours */
    struct hip_ref ref; /* the peer's association */
    struct hip_peer_permission p;
    uint64_t at_us; /* asked for last */
};

struct host_nat_state {
    uint64_t gen; /* of our candidates */
    struct {
        struct addr local, mapped;
    } found[HOST_ADDRS_MAX]; /* CANDIDATE_DISCOVERY: where other addresses of ours are seen */
    size_t n_found;
    struct host_permit permit[HOST_PERMITS_MAX];
    size_t n_permit;
    struct host_timer told;    /* the peers are to hear of other candidates */
    struct host_timer permits; /* permissions are to be asked for again */
};

/* ---- forwarding agents ---- */

struct host_fa {
    bool configured;
    bool home;             /* found by the name of the SIM's home network */
    struct dnsu_name name; /* len 0: none */
    struct hit hit;        /* null: not known yet */
    bool known;            /* section 4; a named FA becomes known by a good BIND_MAC */
    struct hit hit_conf;   /* as configured */
    bool udp_only;         /* UDP_WANTED: it is met over UDP from now on */
    uint64_t no_udp_us;    /* UDP did not get through: no UDP_WANTED counts until then */
    bool unanswered;       /* the last try had no answer: another network may have one */
    bool looked;           /* its HIP record was asked for */
    size_t n_addr;
    struct addr addr[HOST_ADDRS_MAX];
    char network_name[128];
    unsigned fails;
    uint64_t not_before_us; /* back-off */
    bool cert_invalid;      /* it answered our certificate with failure 3 */
    unsigned partner_fails; /* the same as a partner */
    uint64_t partner_at_us;
};

/* An association with an FA in use. One of them is the main one: it binds the SIM; the others only register, at partners of the FA that
 * bound us (docs/sim-binding.md section 17). */
#define HOST_LINKS_MAX HOST_FAS_MAX
struct host_link {
    enum host_fa_state state;
    struct host_fa *fa;
    struct hip_ref ref;
    struct hit peer; /* FA's HIT once the exchange told it */
    size_t n_addr;   /* its addresses, configured or looked up */
    struct addr addr[HOST_ADDRS_MAX];
    bool established, opportunistic, offered, trusted;
    bool udp; /* the association runs over UDP */
    struct hip_reg_info
        info; /* R1's, or that of the latest UPDATE with one: nothing else is asked for (RFC 8003 s4.3) */
    struct hip_reg_list service; /* what we ask for: rendezvous, or the relays (RFC 9028 s7.8: never both) */
    struct addr reg_from;        /* where the FA sees us: REG_FROM */
    struct addr relayed;         /* port of its data relay that is ours: RELAYED_ADDRESS */
    bool discovery;              /* it offers CANDIDATE_DISCOVERY */
    bool withdrawn;              /* its latest REG_INFO has no longer what we registered for */
    bool moving;                 /* it was told another address; its REG_FROM is not here yet */
    uint64_t patience_us;        /* for an answer to what was asked */
    bool bind_wanted;            /* this I2 began a run */
    bool good_mac;               /* a BIND_MAC on this association was right: notices count */
    uint64_t reg_until_us, reg_life_us;
    uint64_t heard_us;      /* last sign of life */
    uint64_t asked_us;      /* probe or renewal that waits for one; 0: none */
    uint64_t renew_us;      /* when to renew */
    uint64_t refresh_at_us; /* no REFRESH before */
    struct host_timer timer;
};

/* ---- the binding run ---- */

enum host_identity { HOST_IDENT_NONE, HOST_IDENT_PSEUDONYM, HOST_IDENT_SUCI, HOST_IDENT_IMSI };

struct host_run {
    bool open;
    uint32_t gen; /* jobs of an older run are ignored */
    struct aka_peer *eap;
    struct host_login_peer *login; /* instead of eap, where the host logs in by a certificate */
    struct hip_bind_th *th;
    struct hip_bind_keys *keys; /* NULL until the proof was sent */
    uint8_t request_mac[HIP_BIND_KEY_LEN];
    bool at_card; /* the card is asked */
    enum host_identity shown_as;
    char shown[NAI_TEXT_MAX]; /* the identity as it was shown last */
    bool suci_shown;
    bool named;           /* by AT_KDF_INPUT */
    bool refresh, opaque; /* of the request */
    bool move;            /* of the request: another host's name */
    uint16_t attempt;
    bool retry_due;           /* another attempt when the timer says */
    uint64_t end_us, wait_us; /* 60 s in all; 20 s for the next packet */
    uint64_t retry_at_us;
    bool any_update;
    uint32_t last_update; /* Update ID of the last EAP packet taken */
    bool has_secret;
    uint8_t secret[HIP_BIND_SECRET_LEN];
    struct hip_reg_list granted; /* in the answer that is being stored */
    bool finishing;              /* the store is being written; then it counts */
    struct host_timer timer;
};

/* ---- the card and its store ---- */

struct host_sim { /* in locked memory */
    enum host_sim_state state;
    bool present;
    uint32_t gen;
    struct usim_identity id;
    char nai[NAI_TEXT_MAX];
    struct suci_home suci; /* profile 0: none */
    struct host_seal_params params;
    struct host_seal_key key;
    struct host_sealed sealed;
    bool dirty, saving;     /* a change came while the file was being written */
    bool take, take_secret; /* the user wants another host's name, and knows that one's secret: */
    uint8_t old_secret[HIP_BIND_SECRET_LEN];
    uint8_t platform[HOST_SEAL_KEY_LEN];
};

/* ---- jobs ---- */

struct host_job_slot {
    uint64_t id; /* 0: free */
    enum host_job_type type;
    uint32_t gen;    /* of the SIM or the run */
    uint8_t purpose; /* LOAD, SAVE: enum in sim.c */
    size_t index;    /* look-ups: of the name */
};

struct host {
    /* configuration, copied */
    const struct env *env;
    struct host_config c;
    struct hip_hi hi;
    struct dnsu_name want[HOST_NAMES_MAX];
    size_t n_want;
    char label[HIP_BIND_DEVICE_MAX + 1];

    struct hip_engine *hip;
    struct hip_actions *list[2]; /* one is filled while the other is handled */
    unsigned cur;
    bool draining;

    /* of the current call */
    uint64_t now;
    struct host_actions *out;
    uint64_t dropped;

    uint64_t wall_s, wall_at_us;
    bool started, stopping;
    bool has_id;
    struct hit id;

    struct heap timers;
    struct host_job_slot job[HOST_JOBS_MAX];
    uint64_t next_job;

    struct host_sim *sim;
    struct host_name name[HOST_CACHE_MAX];
    struct host_peer peer[HOST_PEERS_MAX];
    struct host_fa fa[2 * HOST_FAS_MAX]; /* configured ones, then those a BIND_RESPONSE told */
    size_t n_fa;
    struct host_link link[HOST_LINKS_MAX];
    struct host_link *main; /* of these; the run is on it */
    struct host_timer partner_timer;
    struct host_ping ping[HOST_PINGS_MAX];
    struct host_timer ping_timer;
    struct host_run run;

    size_t n_addr;
    struct host_addr addr[HOST_ADDRS_MAX]; /* best first */
    struct host_timer move_timer;
    bool addr_known;

    struct host_nat_state nat;
    uint32_t runs, runs_failed, moves, alarms;
};

/* ---- acts.c ---- */
void host_act_send(struct host *h, const struct hip_path *path, struct span octets);
struct host_action *host_act(struct host *h, enum host_act_type type); /* NULL: no room */
void host_event(struct host *h, enum host_event what, enum log_level lv, const struct hit *peer,
                const char *fmt, ...) PRINTF_LIKE(5, 6);
/* A job with its slot; NULL when there is no room. */
struct host_job *host_job_new(struct host *h, enum host_job_type type, struct host_job_slot **slot);
/* Its answer is not waited for any longer. */
void host_job_forget(struct host *h, uint64_t id);
void host_timer_set(struct host *h, struct host_timer *t, uint64_t at_us);
static inline void host_timer_stop(struct host *h, struct host_timer *t)
{
    heap_remove(&h->timers, &t->node);
}
/* Where engine calls put their actions. */
static inline struct hip_actions *host_hip(struct host *h)
{
    return h->list[h->cur];
}
/* Handle what the engine answered so far; does nothing while that is going on already. */
void host_drain(struct host *h);
uint64_t host_unix(const struct host *h);
bool host_ref_eq(struct hip_ref a, struct hip_ref b);
/* us plus or minus 25 % */
uint64_t host_jitter(struct host *h, uint64_t us);

/* ---- host.c ---- */
void host_id_use(struct host *h, const struct hip_hi *hi); /* NULL: none */

/* ---- sim.c ---- */
bool host_sim_start(struct host *h);
void host_sim_out(struct host *h);
void host_sim_complete(struct host *h, const struct host_job_slot *s, const struct host_result *r);
/* Write the sealed contents as they are now. */
void host_sim_save(struct host *h);
bool host_sim_bound(const struct host *h);

/* ---- identity.c ---- */
void host_identity_card(struct host *h);      /* the card said who it is */
bool host_identity_any(const struct host *h); /* there is one for the FA in use */
/* The one to show, as section 4 has it; empty: none. Borrowed until the next call. */
struct span host_identity_show(struct host *h, enum aka_id_req asked);
/* After a good BIND_MAC: the pseudonym of this run, if there was one, is what we show next time. False: nothing changed. */
bool host_identity_learn(struct host *h);

/* ---- names.c ---- */
struct host_name *host_name_find(struct host *h, const struct dnsu_name *name);
struct host_name *host_name_get(struct host *h,
                                const struct dnsu_name *name); /* made if need be; NULL: full */
/* Ask if not known; true when it is known (its answer may be an error). */
bool host_name_hip(struct host *h, struct host_name *n);
bool host_name_addr(struct host *h, struct host_name *n);
void host_name_resolve(struct host *h, const struct dnsu_name *name, uint64_t ticket);
void host_name_complete(struct host *h, const struct host_job_slot *s, const struct host_result *r);
void host_name_forget_failures(struct host *h);

/* ---- peers.c ---- */
struct host_peer *host_peer_find(struct host *h, const struct hit *hit);
void host_peer_learn(struct host *h, const struct hit *hit, const struct host_name *by,
                     const struct host_record *rec);
void host_peer_static(struct host *h, const struct host_peer_conf *c);
void host_peer_want(struct host *h, const struct hit *hit);
void host_peer_name_ready(struct host *h, const struct host_name *n);
bool host_peer_admit(struct host *h, const struct hit *hit);
void host_peer_up(struct host *h, const struct hip_action *a, const struct hip_path *path);
void host_peer_r1(struct host *h, const struct hip_action *a);
void host_peer_silent(struct host *h, struct hip_ref ref, uint64_t us);
void host_peer_acked(struct host *h, const struct hip_action *a);
void host_peer_gone(struct host *h, const struct hip_action *a);
/* We moved; if it does not say that it heard so, it is met anew. */
void host_peer_doubt(struct host *h, struct hip_ref ref);
void host_peer_checks(struct host *h, const struct hip_action *a);
/* Which way packets go and why; 0: no round trip measured. */
enum host_path_kind host_path_kind(const struct host *h, struct hip_ref ref);
uint32_t host_path_why(const struct host *h, struct hip_ref ref, char why[HOST_WHY_MAX]);
/* Its entry, made if need be; NULL: full. */
struct host_peer *host_peer_get(struct host *h, const struct hit *hit);
void host_peer_path(struct host *h, const struct hip_action *a, const struct hip_path *path);
void host_peers_reset(struct host *h); /* our identity went away */
void host_peers_retry(struct host *h); /* addresses came: who was wanted is tried */
/* I1 paths to these addresses, best first: at most three of IP protocol 139, then at most three over UDP. */
size_t host_paths(const struct host *h, const struct addr *a, size_t n, bool udp_only,
                  struct hip_path out[HOST_PATHS_MAX]);

/* ---- move.c ---- */
void host_move_init(struct host *h);
void host_move_addresses(struct host *h, const struct host_addr *a, size_t n);
const struct host_addr *host_addr_best(const struct host *h, uint8_t family);

/* ---- nat.c ---- */
void host_nat_init(struct host *h); /* before the HIP engine is made */
/* What a registrar with these offers is asked for. false: it offers nothing of use. */
bool host_nat_service(bool udp, const struct hip_reg_info *offered, struct hip_reg_list *out);
/* What the registrar told, over this path, of where we are. */
void host_nat_told(struct host *h, struct host_link *l, const struct hip_path *path,
                   const struct hip_contents *c);
/* Registered, or renewed: our other addresses ask where they are seen. */
void host_nat_registered(struct host *h, struct host_link *l);
/* Where the FA sees us may have changed without our doing: the question, instead of an empty one. */
void host_nat_question(const struct host_link *l, struct hip_contents *out);
void host_nat_moved(struct host *h, struct host_link *l); /* the FA was told another address */
/* Data that goes through its relay does so from there. */
void host_nat_data(struct host *h, const struct hip_path *was, const struct hip_path *is);
void host_nat_addresses(struct host *h); /* ours changed */
/* Our candidates for this association. */
size_t host_nat_candidates(const struct host *h, struct hip_ref ref,
                           struct hip_candidate out[HIP_CANDIDATES_MAX]);
/* The same into the answer to R1 or I2, where connectivity checks will follow. */
void host_nat_answer(struct host *h, const struct hip_action *a, struct hip_answer *ans);
void host_nat_permit(struct host *h, const struct hip_action *a);
void host_nat_gone(struct host *h, struct hip_ref ref); /* this association ended */
bool host_nat_is_ice(const struct hip_assoc_view *v);

/* ---- fa.c ---- */
void host_fa_init(struct host *h);
void host_fa_kick(struct host *h);   /* something changed: go on */
void host_fa_learn(struct host *h);  /* FAs of the sealed store */
void host_fa_home(struct host *h);   /* that of the home network, where none is configured */
void host_fa_forget(struct host *h); /* back to what was configured */
void host_fa_name_ready(struct host *h, const struct host_name *n);
struct host_link *host_link_of(struct host *h, struct hip_ref ref); /* NULL: not with an FA of ours */
bool host_fa_is(const struct host *h, struct hip_ref ref);
bool host_fa_hit(const struct host *h, const struct hit *hit); /* one of ours */
/* Coding of a lifetime to ask for: the wanted one, within what the FA offers (RFC 8003 s4.2). */
uint8_t host_fa_lifetime(const struct host_link *l, uint64_t wanted_us);
/* REG_REQUEST of our service, and of a binding. */
void host_fa_request(const struct host_link *l, bool bind, uint8_t lifetime, struct hip_reg_list *out);
void host_fa_ask(struct host *h, struct host_link *l, const struct hip_action *a);
void host_fa_up(struct host *h, struct host_link *l, const struct hip_action *a);
void host_fa_update(struct host *h, struct host_link *l, const struct hip_action *a);
void host_fa_acked(struct host *h, struct host_link *l, const struct hip_action *a);
void host_fa_gone(struct host *h, struct host_link *l, const struct hip_action *a);
void host_fa_heard(struct host *h, struct host_link *l);
/* Its timer while it is registered: renew, ask for a sign of life, give up. */
void host_fa_stay(struct host *h, struct host_link *l);
/* What was registered is gone: met anew in so long. */
void host_fa_again(struct host *h, struct host_link *l, const char *why, uint64_t in_us);
/* Traffic through its relay is not answered: is it there at all? */
void host_fa_doubt(struct host *h, struct host_link *l);
/* It was told something and is to answer; soon: it may well not hear us. */
void host_fa_asked(struct host *h, struct host_link *l, bool soon);
void host_fa_notified(struct host *h, struct host_link *l, uint16_t code);
/* What REG_RESPONSE grants, if anything. */
bool host_fa_registered(struct host *h, struct host_link *l, const struct hip_reg_list *resp);
void host_fa_bound(struct host *h);                             /* the run ended well */
enum host_fa_end { HOST_FA_RETRY, HOST_FA_HOUR, HOST_FA_NEXT }; /* back-off; an hour; another FA at once */
/* The FA is of no use now: close, back off, try the next. wait_s: at least so long. */
void host_fa_give_up(struct host *h, struct host_link *l, enum host_fa_end how, uint32_t wait_s);
void host_fa_down(struct host *h, bool close); /* without back-off (card gone, stopping) */
void host_fa_network(struct host *h);          /* own addresses changed */
bool host_fa_wanted(const struct host *h);     /* an FA is of use now */
/* Some other link than `by` is with it already. */
bool host_fa_taken(const struct host *h, const struct host_link *by, const struct host_fa *f);
/* Next step of this link towards its l->fa; after a look-up again. */
void host_link_go(struct host *h, struct host_link *l);
void host_link_drop(struct host *h, struct host_link *l, bool close); /* idle then */
/* This FA bound us. */
bool host_fa_bound_us(const struct host *h, const struct hit *hit);

/* ---- partner.c ---- */
void host_partner_init(struct host *h);
void host_partner_kick(struct host *h); /* something changed: register where we are not registered yet */
void host_partner_failed(struct host *h, struct host_link *l, uint64_t pause_us);
void host_partner_refused(struct host *h, struct host_link *l); /* back-off, doubling */
/* A partner's registration stands; if it is the FA that bound us it is the main one from now on. */
void host_partner_registered(struct host *h, struct host_link *l);

/* ---- ping.c ---- */
void host_ping_init(struct host *h);
void host_ping_begin(struct host *h, const struct hit *hit, uint64_t ticket);
void host_ping_up(struct host *h, const struct hip_action *a);
void host_ping_unreachable(struct host *h, const struct hit *hit);
void host_ping_probed(struct host *h, const struct hip_action *a);
void host_ping_gone(struct host *h, const struct hip_action *a);

/* ---- bind.c ---- */
void host_run_init(struct host *h);
/* EAP Response/Identity for an I2 or UPDATE into w. ERR_STATE: no identity may be sent. */
MUST_USE err host_run_begin(struct host *h, bool refresh, struct wcur *w);
MUST_USE err host_run_begin_update(struct host *h, bool refresh); /* on the living association */
bool host_run_may_begin(const struct host *h);
void host_run_established(struct host *h); /* the base exchange that carried the identity is over */
/* Contents of R2 (id 0, first true) or of an UPDATE. */
void host_run_contents(struct host *h, const struct hip_contents *c, bool r2, uint32_t update_id);
void host_run_card(struct host *h, const struct host_job_slot *s, const struct host_result *r);
void host_run_end(struct host *h); /* wipe */
/* The run is over without success; an extension that failed leaves the binding as it was. */
void host_run_failed(struct host *h, enum host_fa_end how, uint32_t wait_s);
void host_run_timer(struct host *h); /* after wait_us, end_us or retry_* changed */
/* A further attempt under the same K: BIND_REQUEST alone. */
void host_run_next_attempt(struct host *h);
/* bind_answer.c */
/* BIND_RESPONSE to the run that is open. */
void host_run_response(struct host *h, const struct hip_bind_inner *in, uint32_t id,
                       const struct hip_reg_list *resp);
/* Without a run (section 7): it can end a binding or finish a pending one, never begin one. */
bool host_run_notice(struct host *h, const struct hip_bind_inner *in);
void host_run_stored(struct host *h, bool ok);
