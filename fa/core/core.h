/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of fa/core share. Not for owners: they include fa/core/fa.h.
 *
 * A guest is an associated host as the FA sees it: one for each association, made when the HIP engine asks for R2, gone with the
 * association. It carries the registration, a question about it that is under way (check), and the SIM binding run. A transaction (txn) changes
 * bindings; it outlives the run that began it.
 */
#pragma once

#include "common/base/heap.h"
#include "common/base/htab.h"
#include "common/base/limiter.h"
#include "fa/core/fa.h"
#include "fa/core/naming.h"
#include "hip/bind_key.h"
#include "hip/bind_param.h"
#include "hip/reg.h"

#define US            UINT64_C(1000000)
#define FA_OWN_MAX    4
#define FA_R2_WAIT_US (US / 2) /* R2 goes bare after this (section 1) */
#define FA_AS_WAIT_US (5 * US)
#define FA_RUN_US     (60 * US)
#define FA_KEYS_US    (60 * US)
#define FA_CLOSE_US   (10 * US) /* CLOSE follows an EAP Failure after this */
#define FA_REJECT_CLOSE_US \
    (US / 5) /* CLOSE follows REG_FAILED and NOTIFY after this, so that they come first */
#define FA_ANSWER_US \
    (8 * US) /* a transaction that has reserved a name answers "pending" after this: the MN waits 20 s */
#define FA_JOB_US        (30 * US) /* a job that has not answered by now is taken for lost */
#define FA_INNER_MAX     HIP_INNER_MAX
#define FA_TXN_MAX       1024
#define FA_LOCK_RETRY_US (US / 50) /* a subscriber that another engine works on is asked for again */
#define FA_WAIT_DAY_S    3600      /* Wait of status 2 */
#define FA_WAIT_SHORT    10        /* Wait of status 4 */

#define NOTIFY_AUTHENTICATION_FAILED 24

enum fa_timer_kind { FA_TIMER_GUEST, FA_TIMER_TXN, FA_TIMER_INTENT };

struct fa_timer {
    struct heap_node node; /* first */
    enum fa_timer_kind kind;
};

/* Who waits for a job; the top of fa_job_ref.slot. */
enum fa_job_owner { FA_OWNER_CHECK = 1, FA_OWNER_RUN, FA_OWNER_TXN, FA_OWNER_INTENT, FA_OWNER_OWN_NAME };

/* The one job an owner waits for. */
struct fa_wait {
    uint32_t gen; /* 0: none */
    enum fa_job_type type;
    uint64_t until_us;
};

struct fa_own {
    struct hit hit;
    uint16_t hi_len;
    uint8_t hi[HIP_HI_MAX]; /* Algorithm(2) Host Identity */
};

/* ---- guests ---- */

/* A question to the stores about what a host may register, while I2 or an UPDATE waits for it. */
struct fa_check {
    bool second;  /* binding found, subscriber asked */
    bool partner; /* not bound here: the zone is asked */
    struct fa_wait wait;
    struct hip_reg_list req;
    uint16_t inner_n; /* 0: no EAP to go on with */
    uint8_t inner[FA_INNER_MAX];
};

/* ---- clients of the relays ---- */

struct fa_permit {
    uint32_t slot;    /* in the flow table */
    struct addr from; /* where the PEER_PERMISSION came from */
};

/* What a guest that is registered for RELAY_UDP_HIP or RELAY_UDP_ESP has of the relays. */
struct fa_relayed {
    uint32_t slot, gen; /* its client slot in the flow table */
    uint8_t n_port, n_flow;
    struct addr port[FA_CLIENT_PORTS_MAX]; /* relayed addresses */
    struct fa_permit flow[FA_CLIENT_FLOWS_MAX];
    uint64_t control_in, control_out;
    struct bucket control_to;   /* HIP packets to it, I1s left out: anybody can send them */
    struct bucket control_from; /* from it */
};

/* What is accounted for while it is registered (account.c). */
struct fa_account {
    bool open;        /* a session has begun and not ended */
    uint64_t binding; /* that it began with: a session is of one */
    uint64_t began_us, next_us;
    struct fa_usage usage; /* but for what its client slot counts now */
};

struct fa_guest {
    struct fa_timer timer;
    uint32_t index;
    struct hip_ref ref;
    struct hit local, peer;
    struct hip_path path;
    struct hip_path
        heard; /* the way of its last I2 or UPDATE that asked something: the answer says where it was seen (REG_FROM) */
    struct addr asked; /* RELAYED_ADDRESS in it */
    uint8_t
        cert_refused; /* why the certificate in it does not count (enum hip_reg_failure); 0: there was none, or it counts */
    struct bucket cert_told; /* NOTIFYs about certificates of its */
    uint64_t cert_until_s;   /* a certificate of its HIT counted, and does until then (wall clock); 0: none */

    bool direct;  /* the I1 and I2 came from the host itself */
    bool r2_owed; /* ASK_R2 is not answered yet */
    uint64_t r2_until_us;
    bool head_due;            /* grants and refusals that go with the next packet: */
    struct hip_contents head; /* inner empty */

    bool registered; /* it is this guest that by_hit names */
    uint8_t n_type;
    uint8_t type[HIP_REG_TYPES_MAX];
    uint64_t type_us
        [HIP_REG_TYPES_MAX]; /* each type's end (RFC 8003 s4.3: a request alters only the types that it lists) */
    uint32_t lifetime_s;
    uint64_t expires_us, touch_us, relayed; /* expires_us: the last of type_us */
    struct fa_relayed *relay;               /* NULL: no client of the relays */
    struct bucket i1;                       /* I1s passed on to it */
    uint64_t wanted_us;                     /* NOTIFY UDP_WANTED was sent; 0: not yet */

    bool bound, revoked; /* as last heard from the stores */
    bool moved;          /* its name is another HI's of the subscriber */
    bool rekey;          /* it owes a run before anything more is granted */
    uint64_t seen_us;    /* that it is registered was written down then */
    bool by_zone;        /* bound by a partner, as last heard from the zone */
    char said
        [FA_NAME_MAX]; /* the name in its HOST_ID, by its own word; "": none that could be of this domain */
    uint64_t fresh_us; /* until then */
    char subscriber[FA_ID_MAX], name[FA_NAME_MAX];
    uint64_t binding; /* row of what it is bound by; 0: a partner's */
    struct fa_account account;

    struct fa_check *check;
    struct fa_run *run;
    uint64_t close_at_us; /* 0: not */
    bool closing;         /* it was we who closed the association */
};

/* ---- runs ---- */

enum fa_run_state {
    RUN_AS,      /* an EAP packet of the MN is with the AS */
    RUN_MN,      /* an EAP Request is with the MN */
    RUN_TXN,     /* authenticated, BIND_MAC good, transaction under way */
    RUN_FURTHER, /* answered; another attempt is possible */
};

struct fa_run {
    enum fa_run_state state;
    struct fa_wait wait;
    struct addr source;      /* counted under this in admit */
    struct limiter *counted; /* and here as an identity or as a bound HI (budget.c); NULL: not yet */
    uint64_t counted_as;
    struct hip_reg_list req; /* what the last REG_REQUEST wanted, SIM_BINDING left out */
    uint16_t realm;
    uint8_t server;             /* of the realm, that this conversation is with; 0: none yet */
    char user[FA_IDENTITY_MAX]; /* Response/Identity */
    char imsi[FA_ID_MAX];       /* from Access-Accept; by_id: the operator's subscriber id instead */
    bool by_id;
    char at_identity[FA_IDENTITY_MAX]; /* last AT_IDENTITY */
    uint8_t state_len, as_state[FA_STATE_MAX];
    uint8_t eap_id;   /* of the outstanding Request */
    uint8_t method;   /* type of the last EAP packet of the MN */
    uint8_t last_sub; /* its subtype, AKA and AKA' */
    uint8_t rounds, identities, resyncs, notifications;
    struct hip_bind_th *th;
    struct hip_bind_keys *keys;
    uint64_t end_us, keys_until_us;
    uint16_t attempt; /* last one taken; 0: none */
    bool success_due; /* EAP Success goes with the next BIND_RESPONSE */
    uint8_t success[4];
    /* BIND_REQUEST and BIND_MAC, held unread until Access-Accept */
    bool held;
    uint32_t held_id;
    uint8_t held_mac[HIP_BIND_MAC_LEN];
    uint16_t held_n, request_off, request_n;
    uint8_t held_p[FA_INNER_MAX];
    uint32_t txn, txn_gen;    /* under way */
    bool other_hi;            /* the attempt binds another HI than the association's */
    struct fa_charge *charge; /* from Access-Accept; NULL: nobody wants to know */
};

/* ---- transactions ---- */

enum fa_txn_kind {
    TXN_BIND,   /* a BIND_REQUEST */
    TXN_SETTLE, /* an open row that nobody works on, or a binding that ended */
    TXN_UNBIND, /* asked by the host */
    TXN_REVOKE, /* asked by the operator */
};

enum fa_txn_step {
    STEP_WHO,    /* subscriber by IMSI: which id? */
    STEP_QUEUED, /* another transaction of this subscriber is under way */
    STEP_ROWS,   /* its bindings and epoch */
    STEP_RECORD, /* its data, read after the epoch */
    STEP_KEY,    /* bindings with this HIT */
    STEP_HOLD,   /* a takeover without a proof: what holds it up */
    STEP_CLAIM,  /* is the candidate like a name of somebody else's data */
    STEP_ZONE,   /* what the zone says about it */
    STEP_INTENT, /* row written */
    STEP_DNS,    /* update sent */
    STEP_PROOF,  /* prerequisite failed: is it ours? */
    STEP_BOUND,  /* row written */
    STEP_FIND,   /* settle, unbind, revoke: the row */
    STEP_UNBIND, /* row written */
    STEP_LOOK,   /* what the zone says before it is removed */
    STEP_REMOVE, /* update sent */
    STEP_DROP,   /* row removed */
};

struct fa_txn_out {
    uint8_t status; /* enum hip_bind_status */
    uint32_t wait_s;
    char reason[FA_TEXT_MAX];
};

struct fa_txn {
    struct fa_timer timer;
    uint32_t index, gen;
    enum fa_txn_kind kind;
    enum fa_txn_step step;
    struct fa_wait wait;
    bool locked;        /* holds the subscriber's lock */
    bool shared;        /* ... also the one that other engines see */
    uint64_t retry_us;  /* another engine has it: tried again then; 0: not */
    uint64_t order;     /* of arrival, among those queued */
    uint64_t answer_us; /* when "pending" is answered; 0: not */
    bool answered;
    struct hit local;     /* FA identity that deals with the host */
    struct hip_ref guest; /* that began it; its gen 0: none */
    bool by_id;           /* the AS named the subscriber's id: it must be of this realm: */
    uint16_t realm;
    struct fa_binding b;    /* what it makes or unmakes */
    struct fa_subscriber s; /* BIND */
    uint64_t epoch;
    uint16_t others; /* rows of other HIs of the subscriber */
    bool paged;      /* the first page of them is read */
    bool refresh, had_row, collected;
    bool refresh_only; /* bound already: only its lifetime changes */
    uint8_t n_wanted;
    char wanted[HIP_BIND_FQDN_MAX][FA_NAME_MAX];
    uint32_t wanted_s; /* lifetime asked for */
    size_t n_cand, cand;
    struct fa_candidate candidate[FA_CANDIDATES_MAX];
    enum fa_find_by by;       /* UNBIND, REVOKE: how the row is found */
    uint64_t replaces;        /* row of the candidate before */
    struct fa_takeover *take; /* MOVE was asked for; NULL: not */
    uint64_t takes;           /* its row, once it is taken over */
    bool ours;                /* the zone has our record already */
    struct fa_txn_out out;    /* answer to give after STEP_DROP */
    bool revoke, reserve;     /* for STEP_DROP */
};

/* ---- limits ---- */

struct fa_source {
    struct addr prefix;
    uint32_t open;
};

struct fa_admit {
    struct limiter *fresh; /* new runs per source */
    struct htab *sources;  /* prefix (17 octets) -> struct fa_source */
    uint32_t runs;
};

/* Runs per identity (budget.c), by keyed hash. */
struct fa_budget {
    struct limiter *stranger, *bound;
    uint8_t seed[16];
};

/* This engine's share of relayed ports and of the flow table, and what bounds strangers. */
struct fa_relays {
    struct limiter *i1_source;
    struct bucket_rate i1_rate, control_rate; /* of a client */
    struct fa_closed closed;
    struct fa_prefix *prefix;
    uint16_t port_first, port_step;
    uint32_t n_port;    /* ports that are ours: port_first + i * port_step */
    uint64_t *port_bad; /* i -> not before */
    uint32_t client_base, n_client;
    uint32_t *client_free, n_client_free;
    struct fa_guest **by_slot; /* client slot - client_base -> guest */
    uint32_t *flow_free, n_flow_free;
};

struct fa_intent {
    struct fa_timer timer;
    struct fa_wait wait;
    bool sweeping;  /* between first page and sweep_over() */
    bool more;      /* another page follows */
    bool hold;      /* a page is being handed out */
    bool left;      /* this sweep left something open */
    bool settled;   /* the last sweep left nothing */
    uint64_t after; /* last row of the page before */
    uint64_t sweep_at_us, pause_us;
    uint32_t working; /* SETTLE transactions under way */
    struct fa_wait own_wait;
    uint64_t own_at_us, own_pause_us;
};

struct fa {
    struct fa_config c;
    struct fa_realm *realms;
    struct fa_allow *allow;
    char (*reserved)[FA_LABEL_MAX];
    struct fa_naming naming;
    uint8_t name_wire[255];
    uint8_t name_wire_len;
    uint8_t rvs_wire[FA_RVS_WIRE_MAX]; /* own name, then partners */
    size_t rvs_wire_len, n_rvs;
    uint8_t base_k; /* puzzle when idle */

    struct hip_engine *hip;
    struct hip_actions *act[2];
    unsigned fill; /* the list that calls into the HIP engine write to */
    struct fa_own own[FA_OWN_MAX];
    size_t n_own;

    struct fa_guest **guests;
    uint32_t guests_max;
    uint32_t *guest_free;
    uint32_t n_guest_free;
    struct htab *by_ref; /* slot, gen -> guest */
    struct htab *by_hit; /* registered HIT -> guest */
    struct fa_txn *txns[FA_TXN_MAX];
    uint32_t n_txn;
    struct heap heap;
    struct fa_admit admit;
    struct fa_seen *seen; /* reauth.c */
    size_t n_seen;
    uint8_t seen_seed[16];
    struct fa_budget budget;
    struct fa_intent intent;
    struct fa_relays relays;
    struct fa_flows *flows;
    bool own_flows; /* nobody else's table */

    uint32_t gen;
    uint64_t order;
    uint64_t now;
    uint64_t wall_s, wall_at_us; /* fa_wall() */
    struct fa_actions *out;
    struct fa_stats st;
};

/* ---- fa.c: actions, jobs, timers ---- */
static inline struct hip_actions *fa_hip_out(struct fa *f)
{
    return f->act[f->fill];
}
/* A job to fill in, or NULL when this call has no room for more: then `w` stays empty and the owner treats it as failed. */
struct fa_job *fa_job_begin(struct fa *f, enum fa_job_owner owner, uint32_t index, enum fa_job_type type,
                            struct fa_wait *w);
struct fa_action *fa_action_new(struct fa *f, enum fa_act_type type); /* NULL: full */
/* A job whose result nobody waits for; NULL: full. */
struct fa_job *fa_job_unheard(struct fa *f, enum fa_job_type type);
/* A line of the audit trail. */
void fa_audit(struct fa *f, const struct hit *peer, const char *subscriber, const char *name,
              const char *what);
void fa_emit_event(struct fa *f, enum fa_event_type type, const struct hit *peer, const char *subscriber,
                   const char *name, uint32_t number, const char *detail);
/* Event, audit record, counter. */
void fa_alarm(struct fa *f, const struct hit *peer, const char *subscriber, const char *detail);
void fa_emit_reg(struct fa *f, enum fa_act_type type, const struct fa_guest *g);
void fa_timer_set(struct fa *f, struct fa_timer *t, uint64_t at_us);
void fa_text(char *out, size_t cap, const char *text); /* cut to fit */
struct fa_own *fa_own_find(struct fa *f, const struct hit *hit);
uint64_t fa_min(uint64_t a, uint64_t b);

/* ---- dispatch.c ---- */
int fa_dispatch(struct fa *f, const struct hip_path *path, struct span octets);
int fa_dispatch_relayed(struct fa *f, const struct hip_path *path, struct span octets);
void fa_pump(struct fa *f); /* until the HIP engine has nothing more to say */

/* ---- registry.c ---- */
struct fa_guest *fa_guest_new(struct fa *f, const struct hip_action *ask);
struct fa_guest *fa_guest_by_ref(const struct fa *f, struct hip_ref ref);
struct fa_guest *fa_guest_by_peer(const struct fa *f, const struct hit *peer); /* any association with it */
void fa_guest_free(struct fa *f, struct fa_guest *g);
void fa_guest_timer(struct fa *f, struct fa_guest *g); /* sets it to what is due next */
void fa_guest_timeout(struct fa *f, struct fa_guest *g);
/* False: no room. */
bool fa_registry_set(struct fa *f, struct fa_guest *g, const struct hip_reg_list *granted);
void fa_registry_drop(struct fa *f, struct fa_guest *g, enum fa_ended why);        /* all its types */
bool fa_registry_live(const struct fa *f, const struct fa_guest *g, uint8_t type); /* registered for it now */
void fa_registry_cancel(struct fa *f, struct fa_guest *g, uint8_t type,
                        enum fa_ended why); /* one of them; what hangs on it goes */

/* ---- account.c ---- */
void fa_account_begin(struct fa *f,
                      struct fa_guest *g);              /* if it is registered and bound, and has not begun */
void fa_account_keep(struct fa *f, struct fa_guest *g); /* its client slot is about to go */
void fa_account_inherit(struct fa_guest *g, struct fa_guest *old); /* the same host's earlier association */
void fa_account_end(struct fa *f, struct fa_guest *g, enum fa_ended why);
uint64_t fa_account_due(const struct fa_guest *g);
void fa_account_timeout(struct fa *f, struct fa_guest *g);

/* ---- registrar.c ---- */
void fa_registrar_ask(struct fa *f, const struct hip_action *a);
void fa_registrar_update(struct fa *f, struct fa_guest *g, const struct hip_action *a);
void fa_registrar_complete(struct fa *f, struct fa_guest *g, const struct fa_result *r);
/* The registrar ends it: told, and gone. */
void fa_registrar_end(struct fa *f, struct fa_guest *g, enum fa_ended why);
void fa_registrar_lost(struct fa *f, struct fa_guest *g); /* the check's job did not answer */
/* Grants and refusals of the types in req (SIM_BINDING left out) as things stand; grants take effect. Refusals of a kind that a bound HI would
 * be spared carry `reason` (RFC 8003 s4.5; 0: additional credentials required). */
void fa_registrar_decide(struct fa *f, struct fa_guest *g, const struct hip_reg_list *req, uint8_t reason,
                         struct hip_contents *c);
void fa_contents_fail(struct hip_contents *c, uint8_t reason, uint8_t type);
/* REG_RESPONSE with lifetime 0 for everything there is: the registrar ends it (RFC 8003 s5). */
void fa_contents_cancel(const struct fa *f, struct hip_contents *c);
/* R2 if it is owed, else UPDATE. */
err fa_guest_send(struct fa *f, struct fa_guest *g, const struct hip_contents *c);
void fa_guest_r2_bare(struct fa *f, struct fa_guest *g);

/* ---- control.c: HIP packets for registered hosts, and from clients to their peers ---- */
/* octets: a whole header at least. to: the receiver's HIT, not ours. A drop reason, counted. */
int fa_control(struct fa *f, const struct hit *to, const struct hip_path *path, struct span octets);
int fa_control_relayed(struct fa *f, const struct hit *to, const struct hip_path *path, struct span octets);
int fa_relay_refused(struct fa *f, const struct fa_guest *g, int drop); /* counts; drop */

/* ---- partner.c: hosts that another FA of this operator bound (section 17) ---- */
/* The name that a host says it has. */
void fa_partner_said(const struct fa *f, struct fa_guest *g, struct span fqdn);
/* Is the zone to be asked about it? */
bool fa_partner_asks(const struct fa *f, const struct fa_guest *g, const struct hip_reg_list *req);
/* Does the zone's answer give it the right to register here? */
bool fa_partner_judge(const struct fa *f, const struct fa_guest *g, const struct fa_result *r);

/* ---- reauth.c: a new run, when policy asks for it (section 18) ---- */
err fa_reauth_init(struct fa *f);
void fa_reauth_free(struct fa *f);
/* It is registered, as a bound host, or moved. */
void fa_reauth_seen(struct fa *f, struct fa_guest *g);
/* A run ended well: from where it is now. */
void fa_reauth_done(struct fa *f, struct fa_guest *g);
/* Its binding alone registers it for nothing. */
/* The realm of this HI's last good run; false: not remembered. */
bool fa_reauth_realm(const struct fa *f, const struct hit *hit, uint16_t *index);
bool fa_reauth_owes(const struct fa *f, const struct fa_guest *g);
uint64_t fa_reauth_due(const struct fa *f, const struct fa_guest *g);
void fa_reauth_timeout(struct fa *f, struct fa_guest *g);

/* ---- client.c: clients of the relays ---- */
err fa_clients_init(struct fa *f);
void fa_clients_done(struct fa *f);
struct fa_relayed *fa_client_make(struct fa *f,
                                  struct fa_guest *g); /* the one it has, or a new one; NULL: full */
void fa_client_drop(struct fa *f, struct fa_guest *g); /* ports closed, permissions gone */
/* Another relayed address where the client reaches us; NULL: no more. */
const struct addr *fa_client_port_open(struct fa *f, struct fa_guest *g);
void fa_client_port_close(struct fa *f, struct fa_guest *g, const struct addr *port);
void fa_client_ports_close(struct fa *f, struct fa_guest *g);
void fa_client_port_failed(struct fa *f, const struct addr *port);
struct fa_guest *fa_client_at(const struct fa *f,
                              const struct addr *relayed); /* whose it is; NULL: nobody's */
/* PEER_PERMISSION in an UPDATE that came from there: installed or refreshed, else a drop reason, counted. */
int fa_client_permit(struct fa *f, struct fa_guest *g, const struct hip_peer_permission *p,
                     const struct addr *from);
void fa_client_moved(struct fa *f, struct fa_guest *g, const struct addr *was);
uint64_t fa_client_due(const struct fa *f, const struct fa_guest *g); /* when its next permission ends */
void fa_client_expire(struct fa *f, struct fa_guest *g);

/* ---- bind.c: the run ---- */
/* A run begins with a Response/Identity. What is refused is answered. */
void fa_bind_open(struct fa *f, struct fa_guest *g, struct span eap, const struct hip_reg_list *req);
/* The FA asks: EAP Request/Identity. */
void fa_bind_invite(struct fa *f, struct fa_guest *g, const struct hip_reg_list *req);
/* An UPDATE while a run is open. True: an answer will follow or was given. */
bool fa_bind_update(struct fa *f, struct fa_guest *g, const struct hip_bind_inner *in, uint32_t update_id);
void fa_bind_complete(struct fa *f, struct fa_guest *g, const struct fa_result *r);
void fa_bind_timeout(struct fa *f, struct fa_guest *g);
void fa_bind_end(struct fa *f, struct fa_guest *g); /* forgets the run, wipes its keys */
/* REG_FAILED with reason for SIM_BINDING and what else was asked for and not granted; the run ends. */
void fa_bind_fail(struct fa *f, struct fa_guest *g, uint8_t reason, struct span eap, const char *why);
/* The same with REG_FAILED 0, NOTIFY 24, CLOSE and an alarm. */
void fa_bind_reject(struct fa *f, struct fa_guest *g, const char *why);
void fa_bind_close_at(struct fa *f, struct fa_guest *g, uint64_t at_us);

/* ---- credential.c: certificates (RFC 8002) ---- */
void fa_credential_init(const struct fa *f, struct fa_guest *g);
/* Judges what this I2 or UPDATE asks with; what was accepted before holds until it expires. */
void fa_credential_heard(struct fa *f, struct fa_guest *g, const struct hip_contents *c);
/* A certificate that counts, now, gives it this type. */
bool fa_credential_allows(const struct fa *f, const struct fa_guest *g, uint8_t type);
/* The coding of a lifetime that does not go beyond the certificate's. */
uint8_t fa_credential_lifetime(const struct fa *f, const struct fa_guest *g, uint8_t lifetime);

/* This EAP method may bind in the run's realm. */
bool fa_bind_permits(const struct fa *f, const struct fa_run *r, uint8_t type);

/* ---- accept.c: Access-Accept, BIND_REQUEST, BIND_RESPONSE ---- */
void fa_accept(struct fa *f, struct fa_guest *g, const struct fa_result *r);
/* The IMSI is one of those that may come from this realm. */
bool fa_of_realm(const struct fa_realm *realm, const char *imsi);
/* The held BIND_REQUEST under K: checked, parsed, transaction begun or answered. */
void fa_attempt(struct fa *f, struct fa_guest *g);
/* The transaction of this guest's run has an answer. b: what was bound, for statuses 0 and 1. */
void fa_attempt_answer(struct fa *f, struct fa_guest *g, const struct fa_txn_out *o,
                       const struct fa_binding *b);
/* A BIND_RESPONSE without BIND_MAC to the host, if it is associated (section 7). */
void fa_notice(struct fa *f, uint8_t status, const struct fa_binding *b, const char *reason);

/* ---- takeover.c: MOVE, and the operator's orders at a host ---- */
/* The proofs in the request, for t->take. ERR_MEMORY, ERR_RANGE, ERR_CRYPTO. */
MUST_USE err fa_takeover_new(struct fa_txn *t, const struct fa_run *r, const struct hip_bind_request *q);
void fa_takeover_free(struct fa_takeover *k); /* NULL is fine */
/* Each row of the subscriber: is it the one that is meant? */
void fa_takeover_offer(struct fa_txn *t, const struct fa_binding *row);
bool fa_takeover_found(const struct fa_txn *t);
void fa_takeover_begin(struct fa *f, struct fa_txn *t);
void fa_takeover_step(struct fa *f, struct fa_txn *t, const struct fa_result *r);
void fa_takeover_done(struct fa *f, struct fa_txn *t);     /* the store has it: the old HI is told */
void fa_takeover_seen(struct fa *f, struct fa_guest *g);   /* it is registered */
void fa_takeover_remind(struct fa *f, struct fa_guest *g); /* that its name is another HI's */
void fa_tell_here(struct fa *f, const struct fa_tell *x);
void fa_tell_anywhere(struct fa *f, const struct fa_tell *x);

/* ---- txn.c, txn_bind.c, txn_row.c ---- */
struct fa_txn *fa_txn_new(struct fa *f, enum fa_txn_kind kind, const struct fa_guest *g); /* NULL: full */
struct fa_txn *fa_txn_get(struct fa *f, uint32_t index, uint32_t gen);
void fa_txn_free(struct fa *f, struct fa_txn *t);
bool fa_txn_working_on(const struct fa *f, uint64_t row, const char *subscriber);
/* An unbinding that this guest asked for is under way. */
bool fa_txn_unbinding(const struct fa *f, const struct fa_guest *g);
/* Waits for the lock of t->b.subscriber, then fa_txn_run(). */
void fa_txn_lock(struct fa *f, struct fa_txn *t);
void fa_txn_run(struct fa *f, struct fa_txn *t); /* has the lock now */
struct fa_job *fa_txn_job(struct fa *f, struct fa_txn *t, enum fa_txn_step step, enum fa_job_type type);
void fa_txn_complete(struct fa *f, struct fa_txn *t, const struct fa_result *r);
void fa_txn_timeout(struct fa *f, struct fa_txn *t);
void fa_txn_timer(struct fa *f, struct fa_txn *t);
/* Answers whoever waits, once; later ones become notices. */
void fa_txn_answer(struct fa *f, struct fa_txn *t, uint8_t status, uint32_t wait_s, const char *reason);
/* The transaction is over. */
void fa_txn_end(struct fa *f, struct fa_txn *t);
void fa_txn_bind_start(struct fa *f, struct fa_txn *t, const struct fa_run *r);
void fa_txn_bind_locked(struct fa *f, struct fa_txn *t);
void fa_txn_bind_step(struct fa *f, struct fa_txn *t, const struct fa_result *r);
void fa_txn_bind_lost(struct fa *f, struct fa_txn *t);
/* The answer, and the transaction's end. */
void fa_txn_bind_finish(struct fa *f, struct fa_txn *t, uint8_t status, uint32_t wait_s, const char *reason);
void fa_txn_bind_named(struct fa *f, struct fa_txn *t); /* goes on with the name in t->b */
void fa_txn_row_locked(struct fa *f, struct fa_txn *t);
void fa_txn_row_step(struct fa *f, struct fa_txn *t, const struct fa_result *r);
void fa_txn_row_lost(struct fa *f, struct fa_txn *t);

/* ---- admit.c ---- */
err fa_admit_init(struct fa *f);
void fa_admit_done(struct fa *f);
bool fa_admit_run(struct fa *f, const struct addr *from, struct addr *source);
void fa_admit_release(struct fa *f, const struct addr *source);

/* ---- budget.c: runs per identity ---- */
err fa_budget_init(struct fa *f);
void fa_budget_done(struct fa *f);
/* Another run of this guest's identity (g->run->user), or of its HI if that is bound. */
bool fa_budget_take(struct fa *f, struct fa_guest *g);
/* It succeeded, or nobody answered: nothing is counted any more. */
void fa_budget_free(const struct fa_run *r);

/* ---- intent.c ---- */
void fa_intent_start(struct fa *f);
void fa_intent_timeout(struct fa *f);
void fa_intent_complete(struct fa *f, const struct fa_result *r);
void fa_intent_own_complete(struct fa *f, const struct fa_result *r);
void fa_intent_next(struct fa *f);
void fa_intent_soon(struct fa *f);               /* something was left open */
void fa_intent_settled(struct fa *f, bool done); /* a SETTLE transaction ended */
