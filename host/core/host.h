/* SPDX-License-Identifier: Apache-2.0
 *
 * A HIP host above hip/engine.h, without I/O: when to connect, where to move, how to be bound by the SIM (docs/sim-binding.md), what is
 * known of names and peers, what is sealed away.
 *
 * Packets, time and events go in; a bounded list of actions comes out, to be carried out in order. After every call the owner asks
 * host_deadline() when to call host_timeout(). What blocks (card, files, DNS) is a JOB action, answered once with host_complete();
 * a job whose answer is late or no longer wanted is ignored there. One thread at a time.
 *
 * Times: `now` in microseconds of a monotonic clock. Lifetimes that outlive the process are kept in wall-clock seconds (host_wall()).
 */
#pragma once

#include "aka/suci.h"
#include "aka/usim.h"
#include "common/base/addr.h"
#include "common/base/env.h"
#include "common/base/err.h"
#include "dnsupd/lookup.h"
#include "dnsupd/name.h"
#include "hip/engine.h"
#include "hip/esp/sa.h"
#include "host/core/login.h"

struct host;

/* ---- configuration ---- */

#define HOST_FAS_MAX    4
#define HOST_NAMES_MAX  4  /* desired FQDNs in a BIND_REQUEST */
#define HOST_STATIC_MAX 16 /* configured peers */
#define HOST_ADDRS_MAX  8  /* addresses of one FA, RVS or peer, and own ones */
#define HOST_PEERS_MAX  256
#define HOST_RVS_MAX    4

/* A forwarding agent (section 4). A HIT makes it known; without one its HIP RR does, if it is DNSSEC-validated; else it
 * must be named by the home network. */
struct host_fa_conf {
    const char *name; /* FQDN; NULL: by address only */
    struct hit hit;   /* all zero: none */
    struct addr addr[HOST_ADDRS_MAX];
    size_t n_addr;            /* 0: looked up by name */
    const char *network_name; /* accepted in AT_KDF_INPUT of a known FA besides its own; NULL */
};

struct host_peer_conf {
    struct hit hit;
    struct addr addr[HOST_ADDRS_MAX]; /* its own addresses or its rendezvous server's */
    size_t n_addr;
    const char *rvs; /* FQDN of its rendezvous server, looked up; NULL */
};

enum host_accept {
    HOST_ACCEPT_ANY,   /* whoever solves the puzzle */
    HOST_ACCEPT_KNOWN, /* configured peers, FAs and peers we looked up */
    HOST_ACCEPT_NONE,
};

/* Through NATs in UDP (RFC 9028). */
enum host_nat {
    HOST_NAT_AUTO, /* each exchange is tried without and with UDP; the first answer decides */
    HOST_NAT_OFF,
    HOST_NAT_ALWAYS, /* UDP alone */
};

struct host_config {
    const struct env *env;
    struct hip_config hip;   /* env, offer and nat_modes are set by us */
    const struct hip_hi *hi; /* with private key: identity while no SIM is in; NULL: none then */
    const struct host_fa_conf *fa;
    size_t n_fa;
    bool find_fa; /* where none is configured: by the name of the SIM's home network (section 4) */
    const struct host_peer_conf *peer;
    size_t n_peer;
    enum host_accept accept;
    bool reveal_imsi;      /* the IMSI to an FA that is not known (section 4) */
    struct suci_home suci; /* the home network's key, for cards that have none; profile 0: none */
    bool allow_eap_aka;    /* EAP-AKA too, with a known FA (section 4) */
    struct host_login
        login;           /* by a certificate instead of a SIM: EAP-TLS, with a known FA; identity NULL: not */
    bool no_fs;          /* no forward secrecy in EAP-AKA' (RFC 9678), offered or not */
    bool require_fs;     /* and nothing without it */
    bool no_binding_ok;  /* require_binding: no */
    bool require_dnssec; /* HIP RRs of unsigned zones are not used; bogus ones never are */
    enum host_nat nat;
    uint16_t udp_port;  /* of our UDP sockets; 0: there are none */
    bool hide_private;  /* private addresses are no candidates */
    bool announce_all;  /* LOCATOR_SET with every usable address, not the preferred one alone */
    bool rekey_dh;      /* new ESP keys from a new Diffie-Hellman */
    bool forget_secret; /* do not give the FA a secret to remember (item 5) */
    bool take_over;     /* ask for the name of another host with our SIM when there is no room beside it */
    const char *want[HOST_NAMES_MAX]; /* FQDNs, best first; NULL ends */
    const char *label;                /* device label, shown only; NULL */
    uint32_t want_lifetime_s;         /* 0: FA decides */
    struct span
        certs; /* CERT parameters (hip_contents.certs) that go with a registration without a run; stays where it is */
    enum sig_type hi_type;   /* of HIs made for SIMs; SIG_NONE: ECDSA P-256 */
    unsigned hi_bits;        /* RSA only; 0: 2048 */
    uint32_t reg_lifetime_s; /* registration asked for; 0: 600 */
    uint64_t probe_us;       /* an idle FA is asked for a sign of life; 0: 20 s */
    uint64_t settle_us;      /* a better address must last so long before we move to it; 0: 100 ms */
    uint64_t retry_us;       /* first back-off after a failed run; 0: 5 s (section 8) */
    uint64_t connect_us;     /* a packet's HIT must be reachable within; 0: 15 s */
    uint64_t peer_retry_us;  /* pause after a failed connect; 0: 3 s */
};

/* Copies everything. NULL: out of memory, or an impossible configuration (names that do not parse). */
struct host *host_new(const struct host_config *c);
void host_free(struct host *h); /* wipes; SAs given out are their owner's */

/* ---- actions ---- */

enum host_act_type {
    HOST_ACT_SEND,  /* send: a HIP packet */
    HOST_ACT_ICMP,  /* send: an ICMP message, as HIP_ACT_ICMP */
    HOST_ACT_SA_UP, /* sa: a pair of SAs, yours from now on; replaces the pair of these HITs that there was; out may be NULL (host/data.h) */
    HOST_ACT_SA_PATH,     /* path: outbound ESP to this peer goes elsewhere from now on */
    HOST_ACT_SA_DOWN,     /* free the pair */
    HOST_ACT_ID_UP,       /* local: this HIT is ours now: address of the TUN */
    HOST_ACT_ID_DOWN,     /* local: no more */
    HOST_ACT_UNREACHABLE, /* peer: drop the packets that wait for it */
    HOST_ACT_RESOLVED,    /* resolved */
    HOST_ACT_PROBED,      /* probed: host_ping() */
    HOST_ACT_JOB,         /* job */
    HOST_ACT_EVENT,       /* event: something to log */
};

#define HOST_FILE_NAME_MAX 64
#define HOST_FILE_MAX      16384
#define HOST_LOCAL_RANDS   4

enum host_job_type {
    HOST_JOB_SIM_IDENTITY, /* usim_ops.identity */
    HOST_JOB_SIM_AUTH,     /* usim_ops.authenticate of rand, autn */
    HOST_JOB_SIM_LOCAL,  /* usim_ops.gsm of all the RANDs; ERR_REFUSED: the card or platform does not do it */
    HOST_JOB_LOAD,       /* file of the store folder; ERR_NOT_FOUND */
    HOST_JOB_SAVE,       /* the same, written durably before it is completed; mode 0600 */
    HOST_JOB_LOOKUP_HIP, /* HIP RRs of name */
    HOST_JOB_LOOKUP_ADDR, /* A and AAAA of name */
};
const char *host_job_name(enum host_job_type t);

struct host_job {
    uint64_t id;
    enum host_job_type type;
    union {
        struct {
            uint8_t rand[AKA_RAND_LEN];
            uint8_t autn[AKA_AUTN_LEN];
        } auth;
        struct {
            uint8_t rand[HOST_LOCAL_RANDS][AKA_RAND_LEN];
        } local;
        struct {
            char name[HOST_FILE_NAME_MAX]; /* letters, digits, dots and hyphens; no path */
            struct span octets;            /* SAVE; borrowed until the next call into the host */
        } file;
        struct dnsu_name name;
    };
};

/* Secret; wiped by its owner. */
struct host_local_key {
    uint8_t sres[HOST_LOCAL_RANDS][AKA_SRES_LEN];
    uint8_t kc[HOST_LOCAL_RANDS][AKA_KC_LEN];
};

/* Everything borrowed for the call. */
struct host_result {
    uint64_t id;
    err e;
    const char *why; /* for people, of a SIM_IDENTITY that failed; NULL, "": nothing to say */
    union {
        const struct usim_identity *identity;
        const struct usim_auth *auth;
        const struct host_local_key *local;
        struct span octets; /* LOAD */
        struct {
            enum dnsu_security security;
            bool nxdomain;
            uint32_t ttl;
            size_t n;
            const struct span *rdata;
        } hip; /* e is ERR_OK also when there are none */
        struct {
            enum dnsu_security security;
            uint32_t ttl;
            size_t n;
            const struct addr *v;
        } addrs;
    };
};

enum host_event {
    HOST_EV_SIM,        /* a card came, went, cannot be used */
    HOST_EV_STORE,      /* the sealed store: opened, empty, damaged */
    HOST_EV_CONNECT,    /* an exchange begins or failed */
    HOST_EV_BINDING,    /* a step of a binding run */
    HOST_EV_BOUND,      /* bound or pending: the name */
    HOST_EV_REFUSED,    /* the FA or the home network said no */
    HOST_EV_REGISTERED, /* registration granted, renewed */
    HOST_EV_LOST,       /* registration or association with the FA lost */
    HOST_EV_MOVE,       /* we go to another address, or the peer's acknowledgement of it */
    HOST_EV_PEER,       /* a peer came, went, moved */
    HOST_EV_NOTIFIED,   /* a NOTIFY came, which changes nothing */
    HOST_EV_NAME,       /* a name was looked up, or refused */
    HOST_EV_ALARM,      /* somebody tried something (section 6) */
};
const char *host_event_name(enum host_event e);

#define HOST_RESOLVED_MAX 4
#define HOST_TEXT_MAX     320

struct host_action {
    enum host_act_type type;
    struct hip_ref ref;
    struct hit local, peer;
    union {
        struct {
            struct hip_path path;
            struct span octets;
        } send;
        struct {
            struct esp_sa *in, *out;
            struct hip_path path; /* for outbound ESP */
        } sa;
        struct { /* SA_PATH */
            struct hip_path to;
            bool unverified; /* within the credit only: hip_cba_received() */
            uint64_t credit;
        } path;
        struct {
            uint64_t ticket;
            err e; /* OK: n HITs, or none: the name has no HIP RR (ask for it as usual); ERR_NOT_FOUND: there is no such name;
                      ERR_AUTH: bogus or the key is not the HIT's; ERR_UNREACHABLE: the DNS does not answer */
            uint32_t ttl;
            size_t n;
            struct hit hit[HOST_RESOLVED_MAX];
        } resolved;
        struct {
            uint64_t ticket;
            err e; /* OK: answered; ERR_UNREACHABLE: no association; ERR_TIMEOUT: no answer through it; ERR_UNSUPPORTED */
            uint32_t rtt_us;
            struct hip_path path;
        } probed;
        struct host_job job;
        struct {
            enum host_event what;
            enum log_level level;
            char text[HOST_TEXT_MAX]; /* no secret, no IMSI */
        } event;
    };
};

#define HOST_ACTIONS_MAX 160

/* Reset by the caller between calls. When full, packets and events are dropped and counted; SAs and jobs have room kept for them. */
struct host_actions {
    size_t n;
    struct host_action v[HOST_ACTIONS_MAX];
    size_t used;
    uint8_t buf[24 * HIP_PACKET_MAX];
};
static inline void host_actions_reset(struct host_actions *a)
{
    a->n = a->used = 0;
}

/* ---- what goes in ---- */

/* Once at the start, before anything else: a configured HI comes up, configured FAs are looked up. unix_s: wall clock. */
void host_start(struct host *h, uint64_t unix_s, uint64_t now, struct host_actions *out);
/* CLOSE to everybody; the answers are still to be brought in, a second or so. */
void host_stop(struct host *h, uint64_t now, struct host_actions *out);
/* What UNIX time it is at `now`; again whenever it was set. */
void host_wall(struct host *h, uint64_t unix_s, uint64_t now);

/* One HIP packet without IP header. Returns its drop reason (hip/drop.h), 0: taken. */
int host_input(struct host *h, const struct hip_path *path, struct span octets, uint64_t now,
               struct host_actions *out);
void host_timeout(struct host *h, uint64_t now, struct host_actions *out);
uint64_t host_deadline(const struct host *h); /* HEAP_NEVER: none */
void host_complete(struct host *h, const struct host_result *r, uint64_t now, struct host_actions *out);

/* A card came (or was there at the start), or may be asked again after it could not be used; or it went. */
void host_sim(struct host *h, bool present, uint64_t now, struct host_actions *out);

struct host_addr {
    struct addr addr; /* port 0 */
    unsigned link;
    unsigned rank; /* of the link, by configuration: 0 is best */
};
/* All usable own addresses as they are now (no loopback, link-local, HITs). */
void host_addresses(struct host *h, const struct host_addr *a, size_t n, uint64_t now,
                    struct host_actions *out);

/* An application's packet for a HIT found no SA; the owner keeps it (a few for each HIT) until SA_UP or UNREACHABLE. */
void host_want(struct host *h, const struct hit *peer, uint64_t now, struct host_actions *out);
/* An application asks for a name's AAAA. Answered by RESOLVED, at once or later. */
void host_resolve(struct host *h, const struct dnsu_name *name, uint64_t ticket, uint64_t now,
                  struct host_actions *out);
/* One probe to the peer through HIP; connects first if need be. Answered by PROBED, within 18 s. */
void host_ping(struct host *h, const struct hit *peer, uint64_t ticket, uint64_t now,
               struct host_actions *out);
/* Data went through the SAs of this association; octets: see hip_cba_received(); sent_us: see hip_sa_sent(), 0: nothing went out. */
void host_sa_used(struct host *h, struct hip_ref ref, uint64_t octets, uint64_t sent_us, uint64_t now,
                  struct host_actions *out);
/* Packets go out through the SAs of this association and nothing has come back for `us`: a path that was found by connectivity checks is
 * checked, and left for another one if it carries nothing; after five seconds the peer is asked for a sign of life. One that lost its
 * state does not answer; the association ends, and the next packet begins a new one. */
void host_sa_silent(struct host *h, struct hip_ref ref, uint64_t us, uint64_t now, struct host_actions *out);
/* Its keys have done enough (host/data.h): new ones. The old ones are used until the new ones are there; one that is under way already is waited for. */
void host_sa_due(struct host *h, struct hip_ref ref, uint64_t now, struct host_actions *out);
/* ESP came by the new inbound SPI while the outbound SA is still the old one (RFC 7402 s6.10 step 4). */
void host_sa_rekeyed(struct host *h, struct hip_ref ref, uint32_t spi, uint64_t now,
                     struct host_actions *out);
/* End a back-off: try the FAs again now, and a card or a store that was of no use (hipctl). A binding that was lost is asked for anew. */
void host_retry(struct host *h, uint64_t now, struct host_actions *out);

/* MOVE (docs/sim-binding.md section 7): the name that another host with our SIM holds is to be ours, at once with that host's secret, which is NULL where
 * it is not known. ERR_STATE: no SIM; ERR_EXISTS: we have a name. */
#define HOST_SECRET_LEN 32
MUST_USE err host_take_over(struct host *h, const uint8_t *secret, uint64_t now, struct host_actions *out);
/* The secret that proves us to the FA when another host takes our name over. ERR_STATE: no SIM; ERR_NOT_FOUND: the FA has none of ours. */
MUST_USE err host_secret(const struct host *h, uint8_t out[HOST_SECRET_LEN]);

/* ---- looking at it ---- */

enum host_sim_state {
    HOST_SIM_NONE,
    HOST_SIM_READING, /* card and store are being read */
    HOST_SIM_READY,
    HOST_SIM_LOCKED,   /* it wants its PIN */
    HOST_SIM_UNUSABLE, /* card refuses */
    HOST_SIM_DAMAGED,  /* its sealed file does not open: it is left alone until somebody removes it */
};
enum host_seal_level { HOST_SEAL_NONE, HOST_SEAL_KEY, HOST_SEAL_GATE };
enum host_bind_state {
    HOST_BIND_NONE,    /* no SIM, or never bound */
    HOST_BIND_RUNNING, /* a run is open */
    HOST_BIND_PENDING, /* name reserved, not yet in the DNS */
    HOST_BIND_BOUND,
    HOST_BIND_LOST, /* revoked or moved: the user is told */
};
enum host_fa_state {
    HOST_FA_IDLE,
    HOST_FA_LOOKUP,
    HOST_FA_CONNECTING,
    HOST_FA_BINDING,
    HOST_FA_REGISTERED,
    HOST_FA_BACKOFF,
};
const char *host_sim_state_name(enum host_sim_state s);
const char *host_seal_level_name(enum host_seal_level l); /* "sim-key", "sim-gate" */
const char *host_bind_state_name(enum host_bind_state s);
const char *host_fa_state_name(enum host_fa_state s);

struct host_status {
    bool has_hit;
    struct hit hit;
    enum host_sim_state sim;
    enum host_seal_level seal;
    enum host_bind_state bind;
    char fqdn[DNSU_NAME_TEXT_MAX]; /* "" while there is none */
    uint64_t bound_until_s;        /* wall clock; 0: not bound */
    enum host_fa_state fa;
    struct hit fa_hit;
    char fa_name[DNSU_NAME_TEXT_MAX];
    uint64_t reg_left_us;
    uint64_t retry_us; /* back-off left */
    struct hip_path fa_path;
    struct addr fa_sees; /* where the FA sees us; ADDR_NONE: it did not say */
    struct addr relayed; /* port of its data relay that is ours; ADDR_NONE: none */
    uint32_t runs, runs_failed, moves, alarms;
    size_t n_addr;
    struct host_addr addr[HOST_ADDRS_MAX];
};
void host_status(const struct host *h, uint64_t now, struct host_status *out);

enum host_peer_state {
    HOST_PEER_KNOWN,      /* something is known, nothing goes on */
    HOST_PEER_LOOKUP,     /* its rendezvous server's addresses are looked up */
    HOST_PEER_CONNECTING, /* base exchange */
    HOST_PEER_UP,
    HOST_PEER_FAILED, /* pause before the next try */
};
const char *host_peer_state_name(enum host_peer_state s);

enum host_path_kind {
    HOST_PATH_NONE, /* not associated */
    HOST_PATH_RAW,  /* IP protocols 139 and 50 */
    HOST_PATH_UDP,  /* UDP, reached without checks (UDP-ENCAPSULATION) */
    HOST_PATH_CHECKING,
    HOST_PATH_DIRECT,  /* UDP, found by connectivity checks */
    HOST_PATH_RELAYED, /* through a data relay */
    HOST_PATH_FAILED,  /* no pair of candidates works: no data */
};
const char *host_path_kind_name(enum host_path_kind k);
#define HOST_WHY_MAX 160

struct host_peer_view {
    struct hip_ref ref; /* of the association, while there is one: hip_pair_next() */
    struct hit hit;
    enum host_peer_state state;
    bool fa, configured;
    char name[DNSU_NAME_TEXT_MAX]; /* by which it was looked up; "" */
    enum dnsu_security security;   /* of that name */
    struct hip_path path;          /* while up: signalling */
    struct hip_path esp;           /* data */
    enum host_path_kind kind;
    char why[HOST_WHY_MAX]; /* why this path */
    uint32_t rtt_us;        /* of the last check of the path in use; 0: not measured */
    uint64_t since_us;
    uint16_t esp_suite;
    uint32_t spi_in, spi_out;
};
/* *pos starts at 0; false at the end. */
bool host_peer_next(const struct host *h, size_t *pos, struct host_peer_view *out);
/* How far the last attempt to reach a peer went. Times are 0 where it did not get to. */
struct host_trace {
    uint64_t begun_us, i1_us, r1_us, up_us, failed_us;
    bool ours;    /* we began it */
    char why[64]; /* of the failure */
    size_t n_to;  /* I1s of the first try */
    struct addr to[6];
};
struct host_explained {
    bool asked; /* the name is known: */
    err name_e; /* as in HOST_ACT_RESOLVED */
    enum dnsu_security security;
    size_t n_record; /* whose HIT is their key's */
    size_t n_rvs;    /* rendezvous servers of this HIT, in order */
    struct {
        struct dnsu_name name;
        bool known;
        err e;
        size_t n;
        struct addr addr[HOST_ADDRS_MAX];
    } rvs[HOST_RVS_MAX];
    bool known;    /* the peer is: */
    size_t n_addr; /* its own, configured */
    struct addr addr[HOST_ADDRS_MAX];
    struct host_trace trace;
};
/* name: NULL if none was asked for. Looks at what is known; asks nobody. */
void host_explain(const struct host *h, const struct dnsu_name *name, const struct hit *hit,
                  struct host_explained *out);
const struct hip_engine *host_engine(const struct host *h); /* for counters and associations */
/* The card in use; NULL: none, or it is not ready. */
const struct usim_identity *host_card(const struct host *h);
/* Our HI as it is now, for showing (its public part); NULL: none. */
const struct hip_hi *host_identity(const struct host *h);
