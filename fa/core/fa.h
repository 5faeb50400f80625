/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine of the Forwarding Agent, without I/O: HIP responder, registrar (RFC 8003), rendezvous server (RFC 8004) and the FA's side of the SIM
 * binding (docs/sim-binding.md). Packets, time and results of jobs go in, actions come out; the caller carries the actions out in order
 * and asks fa_deadline() when to call fa_timeout(). One engine belongs to one worker.
 *
 * Limits: every table is bounded by fa_config; what does not fit is refused with REG_FAILED 2 or dropped with a reason.
 */
#pragma once

#include "common/crypto/cert.h"
#include "fa/core/flow.h"
#include "fa/core/job.h"
#include "fa/core/locks.h"
#include "fa/core/relay.h"
#include "fa/core/session.h"
#include "hip/drop.h"
#include "hip/engine.h"

struct fa;

#define FA_REG_SIM_BINDING 201
#define FA_REG_RENDEZVOUS  1
#define FA_REG_RELAY_HIP   2
#define FA_REG_RELAY_ESP   3
#define FA_REG_DISCOVERY   4

#define FA_CLIENT_PORTS_MAX 8  /* relayed ports of one client */
#define FA_CLIENT_FLOWS_MAX 64 /* permissions of one client */
#define FA_PARTNERS_MAX     3
#define FA_RVS_WIRE_MAX     480 /* rendezvous servers of a HIP record, wire form: beside RSA-4096 it still fits */

enum { FA_METHOD_AKA_PRIME = 1, FA_METHOD_AKA = 2, FA_METHOD_TLS = 4 };

/* A home network's realm and its authentication server. */
struct fa_realm {
    char realm[FA_NAME_MAX]; /* lower case */
    uint8_t n_plmn;
    char plmn[8][8]; /* MCC and MNC, 5 or 6 digits: IMSIs that may come from it */
    uint8_t methods; /* FA_METHOD_*; 0: AKA', and AKA where allow_eap_aka says so */
    bool
        trust_eap_identity; /* an AS that names no subscriber: believe a permanent identity that it accepted */
};

/* A host that may register without a SIM (RFC 8003 s3.3). */
struct fa_allow {
    struct hit hit;
    uint8_t n;
    uint8_t type[HIP_REG_TYPES_MAX];
};

/* Relays (RFC 9028). All false: only rendezvous. */
struct fa_relay_config {
    bool control;                   /* offer RELAY_UDP_HIP */
    bool data;                      /* offer RELAY_UDP_ESP; needs ports */
    bool discovery;                 /* offer CANDIDATE_DISCOVERY */
    uint16_t port_first, port_last; /* relayed ports are drawn from here */
    uint32_t share,
        shares; /* this engine's part of ports and flow table: ports p with p % shares == share; 0, 0: all */
    struct fa_flows *flows; /* the table that engines share; NULL: one of its own, from `table` */
    struct fa_flows_config table;
    uint8_t n_local;
    struct addr local[FA_ADDRS_MAX];   /* our addresses, ports 0 */
    const struct fa_prefix *forbidden; /* nothing is relayed there; copied */
    size_t n_forbidden;
    uint8_t ports_per_client;     /* 0: 4 */
    uint8_t flows_per_client;     /* 0: 64, which is the most */
    uint32_t i1_per_source_milli; /* relayed I1s a second and source prefix, in thousandths; 0: 10 a second */
    uint32_t i1_per_client_milli; /* ... and target client; 0: 50 a second */
    uint32_t
        control_per_client_milli; /* other HIP packets to a client, and as many from it; 0: 200 a second */
};

struct fa_config {
    const struct env *env;
    struct hip_config hip; /* offer and env are filled in by fa_new() */

    char name[FA_NAME_MAX]; /* the FA's own name: rendezvous server in HIP records, item 18 */
    uint8_t n_addr;
    struct addr addr[FA_ADDRS_MAX]; /* that the own name shall have; 0: the own name is not ours to write */
    const char *partner
        [FA_PARTNERS_MAX]; /* FAs of ours that serve our hosts too: named behind us in HIP records, in this order */
    size_t n_partner;
    bool reauth_on_access; /* a bound host that moved to another access is asked for a new run (section 18) */
    uint8_t access_prefix; /* bits of an IPv4 address that tell the access; 0: 24 */
    uint32_t reauth_s;     /* and so long after the last one; 0: not */
    /* Hosts that another FA bound may register whose HIP record names us (docs/sim-binding.md section 17). */
    bool by_zone;
    char domain[FA_NAME_MAX]; /* subscribers' names lie directly below it */
    uint32_t ttl_s;           /* of HIP records; 0: 300, which is the most */

    const struct fa_realm *realms; /* copied */
    size_t n_realms;
    bool allow_eap_aka; /* EAP type 23 besides 50 */

    const struct fa_allow *allow; /* copied */
    size_t n_allow;

    /* Hosts that bring a certificate under one of these CAs with their HIT in it may register for these types (RFC 8002, RFC 8003 s3.3). NULL:
     * none counts. Outlives the engine, which needs fa_wall(). */
    const struct cert_cas *ca;
    uint8_t n_cert_type;
    uint8_t cert_type[HIP_REG_TYPES_MAX];

    const char *const *reserved; /* labels nobody gets, besides the built-in ones; copied */
    size_t n_reserved;
    bool own_names_only; /* only names that the subscriber's data yield */

    bool sim_binding;                  /* offer type 201 */
    uint32_t reg_min_s, reg_max_s;     /* registration lifetimes; 0: 10 s and 3600 s */
    uint32_t binding_s, binding_max_s; /* default and longest binding; 0: 30 days, 90 days */
    uint32_t
        takeover_hold_s; /* a MOVE without proof waits until the old HI was not seen for so long; 0: it does not wait */
    bool
        reg_required; /* an exchange that asks for no registration ends with NOTIFY REG_REQUIRED (RFC 8003 s3.2) */
    uint32_t registrations_max;              /* 0: 65536 */
    uint32_t runs_max;                       /* open runs; 0: 4096 */
    uint32_t runs_per_source;                /* 0: 16 */
    uint32_t new_runs_per_minute_and_source; /* 0: 10 */
    uint32_t runs_per_identity;   /* by HIs that are not bound, one after the other without success; 0: 3 */
    uint32_t identity_pause_s;    /* then one in so many seconds; 0: 300 */
    uint64_t subscriber_fresh_us; /* how long "active" is remembered; 0: one hour, which is the most */
    uint32_t account_s;           /* sessions are told of (FA_ACT_SESSION), again after so long; 0: not */

    struct fa_relay_config relay;

    struct fa_locks *locks; /* shared with other engines; NULL: there are none */
    uint32_t lock_owner;    /* this engine's number among them */
};

/* ---- actions ---- */

enum fa_act_type {
    FA_ACT_SEND,     /* send */
    FA_ACT_ICMP,     /* send: an ICMP message, as HIP_ACT_ICMP */
    FA_ACT_JOB,      /* *job: copy it, carry it out, answer with fa_complete() */
    FA_ACT_REG_UP,   /* reg: a host registered or renewed (lifetime), or moved (path) */
    FA_ACT_REG_DOWN, /* reg: its registration ended */
    FA_ACT_EVENT,    /* event: for logs and counters */
    FA_ACT_SESSION,  /* session: for accounting */
    FA_ACT_TELL,     /* tell: the host is not here: fa_tell() at the engine that may have it */
    FA_ACT_PORT_OPEN, /* port: open a UDP socket there, before what follows in the list; fa_port_failed() if that cannot be */
    FA_ACT_PORT_CLOSE, /* port */
};

#define FA_EVENT_LIST(X) \
    X(ASSOCIATED, "associated") \
    X(GONE, "association ended") \
    X(RUN, "SIM binding begun") \
    X(CHALLENGE, "challenge passed on") \
    X(ACCEPTED, "subscriber authenticated") \
    X(COLLECTED, "subscriber data collected") \
    X(NAMED, "name reserved") \
    X(DNS_DONE, "DNS updated") \
    X(BOUND, "bound") \
    X(PENDING, "bound, DNS pending") \
    X(UNBOUND, "unbound") \
    X(TAKEOVER, "takeover asked for") \
    X(MOVED, "name moved") \
    X(REFUSED, "refused") \
    X(ALARM, "alarm") \
    X(RELAYED, "I1 relayed") \
    X(RECONCILED, "intent settled") \
    X(OWN_NAME, "own name written")

enum fa_event_type {
#define X(name, text) FA_EVENT_##name,
    FA_EVENT_LIST(X)
#undef X
        FA_EVENT__COUNT
};
const char *fa_event_name(enum fa_event_type t);

struct fa_event {
    enum fa_event_type type;
    struct hit peer;            /* null when no host is concerned */
    char subscriber[FA_ID_MAX]; /* the daemon hashes it before it logs */
    char name[FA_NAME_MAX];
    char detail[FA_TEXT_MAX];
    uint32_t number; /* BIND_RESPONSE status, REG_FAILED type or the like; detail says which */
};

/* What concerns a host wherever it is associated. */
enum fa_tell_what {
    FA_TELL_ASKED,     /* its name is asked for by another HI of the subscriber */
    FA_TELL_MOVED,     /* and was given to it */
    FA_TELL_SUSPENDED, /* by the operator: nothing is granted to it any more */
    FA_TELL_REKEY,     /* by the operator: it owes a run */
};

struct fa_tell {
    enum fa_tell_what what;
    struct hit hit;
    char name[FA_NAME_MAX];
};

struct fa_registration {
    struct hit hit;
    struct hip_ref ref;
    struct hip_path path; /* where the host is now */
    uint8_t n;
    uint8_t type[HIP_REG_TYPES_MAX];
    uint32_t lifetime_s;
    uint64_t expires_us;
    bool bound;             /* by us or a partner; false: by the allow list */
    char name[FA_NAME_MAX]; /* of a bound one */
    uint64_t relayed;       /* I1s passed on */
};

struct fa_action {
    enum fa_act_type type;
    union {
        struct {
            struct hip_path path;
            struct span octets; /* in fa_actions.buf */
        } send;
        const struct fa_job *job; /* in fa_actions.job */
        struct fa_registration reg;
        struct fa_event event;
        struct fa_session session;
        struct fa_tell tell;
        struct addr port; /* a relayed address: where the client reaches us, and the port */
    };
};

#define FA_ACTIONS_MAX 96
#define FA_JOBS_MAX    16 /* in one call */

/* Filled from the front; reset by the caller between calls. About 150 KiB: one for a worker. */
struct fa_actions {
    size_t n;
    struct fa_action v[FA_ACTIONS_MAX];
    size_t n_job;
    struct fa_job job[FA_JOBS_MAX];
    size_t used;
    uint8_t buf[24 * HIP_PACKET_MAX];
};
static inline void fa_actions_reset(struct fa_actions *a)
{
    a->n = a->n_job = a->used = 0;
}

/* ---- the calls ---- */

struct fa *fa_new(const struct fa_config *c); /* copies *c; NULL: out of memory, or no suite usable */
void fa_free(struct fa *f);
/* The engine keeps its own copy of hi. ERR_EXISTS, ERR_FULL. */
MUST_USE err fa_identity_add(struct fa *f, const struct hip_hi *hi, uint64_t r1_counter, uint64_t now);
/* Once, after the identities: settles what an earlier life left open, then writes the own name. Packets are served meanwhile. */
void fa_start(struct fa *f, uint64_t now, struct fa_actions *out);

/* Seconds of the wall clock, by which certificates expire; again when it was set. */
void fa_wall(struct fa *f, uint64_t unix_s, uint64_t now);

/* One datagram: HIP packet without IP header and UDP marker; path->local.port 0 (protocol 139) or 10500. Returns the drop reason (0 = taken),
 * counted already. */
int fa_input(struct fa *f, const struct hip_path *path, struct span octets, uint64_t now,
             struct fa_actions *out);
/* The same for one that came to a relayed port: path->local is that address and port (RFC 9028 s4.12.2). */
int fa_relayed_input(struct fa *f, const struct hip_path *path, struct span octets, uint64_t now,
                     struct fa_actions *out);
/* This relayed address could not be opened, or broke: it is taken back from its client. */
void fa_port_failed(struct fa *f, const struct addr *port, uint64_t now, struct fa_actions *out);
/* The table that fa_relay_esp() wants. Lives as long as the engine, or as long as its owner lets it (fa_relay_config.flows). */
struct fa_flows *fa_flow_table(struct fa *f);
/* The end: every registered host is told that its registration is over (RFC 8003 s5), as many as the list has room for. True: that was all. */
bool fa_stop(struct fa *f, uint64_t now, struct fa_actions *out);
void fa_timeout(struct fa *f, uint64_t now, struct fa_actions *out);
/* Result of a job. A result nobody waits for any more is counted and forgotten. */
void fa_complete(struct fa *f, const struct fa_result *r, uint64_t now, struct fa_actions *out);
uint64_t fa_deadline(const struct fa *f); /* HEAP_NEVER: none */

/* Operator's command: take the binding with this name or HIT back (name NULL or hit NULL). Its host is told if it is associated.
 * ERR_FULL, ERR_RANGE. The outcome is an event. */
MUST_USE err fa_revoke(struct fa *f, const char *name, const struct hit *hit, uint64_t now,
                       struct fa_actions *out);

/* The host may be here: another engine's FA_ACT_TELL, or an order of the operator's that the store has carried out. */
void fa_tell(struct fa *f, const struct fa_tell *x, uint64_t now, struct fa_actions *out);

/* ---- looking at it ---- */

/* *pos starts at 0; false at the end. */
bool fa_registration_next(const struct fa *f, size_t *pos, struct fa_registration *out);

/* A client of a relay, and what it was relayed and refused. */
struct fa_client {
    struct hit hit;
    char name[FA_NAME_MAX]; /* of a bound one */
    struct hip_path path;
    bool control, data;
    uint8_t n_port;
    struct addr port[FA_CLIENT_PORTS_MAX];
    uint8_t n_flow;
    uint64_t control_in, control_out; /* HIP packets to and from it */
    struct fa_traffic traffic;
};
bool fa_client_next(const struct fa *f, size_t *pos, struct fa_client *out);
/* A permission of this client's, by number; false past the end. */
bool fa_client_flow(const struct fa *f, const struct hit *client, size_t i, struct fa_flow *out);

struct fa_stats {
    uint32_t clients, ports_open, flows;
    uint64_t relayed_hip;                  /* HIP packets through the control and data relay */
    uint64_t not_relayed[HIP_DROP__COUNT]; /* HIP packets refused by a relay */
    uint32_t associations, registrations, runs_open, transactions_open, jobs_open;
    uint64_t runs, bound, pending, refused, failed, alarms, relayed, jobs, jobs_late;
    uint64_t dropped_dispatch; /* packets for a HIT that is neither ours nor registered, or not an I1 */
    bool settled;              /* nothing of an earlier life is open any more */
};
void fa_stats_get(const struct fa *f, struct fa_stats *out);
struct hip_engine *fa_hip(
    struct fa *f); /* for counters and the table of associations; do not change anything */
