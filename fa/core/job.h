/* SPDX-License-Identifier: Apache-2.0
 *
 * What the core of the Forwarding Agent asks of the slow world (authentication server, subscriber data, binding store, DNS), and what
 * comes back. Nothing in this file is HIP's: a binding is of a subscriber, a public key and a name.
 *
 * A job is a value: it holds everything it needs, points to nothing, and may be copied, queued and carried out on another thread. It is
 * named by (slot, gen); its result carries the same pair, and one that comes too late, twice or not at all does no harm.
 * Every job can fail: err says how, and each job's comment which values mean what; any other error is "did not work, maybe later".
 *
 * Names are text: lower case, no final dot, at most 253 characters. Times are lengths from now; only the store knows the calendar.
 */
#pragma once

#include "common/base/addr.h"
#include "common/base/err.h"
#include "common/base/span.h"

#define FA_ID_MAX       64  /* subscriber id, text with NUL */
#define FA_IMSI_MAX     16  /* digits with NUL */
#define FA_NAME_MAX     254 /* domain name, text with NUL */
#define FA_LABEL_MAX    64
#define FA_TEXT_MAX     128
#define FA_POSTAL_MAX   256
#define FA_MSISDN_MAX   4
#define FA_HI_MAX       600  /* Algorithm(2) Host Identity */
#define FA_RDATA_MAX    1024 /* of one HIP record */
#define FA_BINDINGS_MAX 8    /* rows in one answer */
#define FA_EAP_MAX      1020
#define FA_IDENTITY_MAX 254
#define FA_STATE_MAX    253 /* RADIUS State */
#define FA_ADDRS_MAX    4
#define FA_CHARGE_MAX   253 /* a RADIUS attribute */
#define FA_CLASS_MAX    1024

/* ---- subscriber data (step 8 of the main job) ---- */

struct fa_subscriber {
    char id[FA_ID_MAX]; /* the operator's; the IMSI only if there is no other */
    char imsi[FA_IMSI_MAX];
    bool active;                                   /* mobility service: subscribed and not barred */
    char given[FA_TEXT_MAX], surname[FA_TEXT_MAX]; /* UTF-8 */
    char postal[FA_POSTAL_MAX];
    uint8_t n_msisdn;
    char msisdn[FA_MSISDN_MAX][16];    /* E.164 digits without "+" */
    bool publish_name, publish_number; /* the record allows these in the DNS */
    uint16_t devices_max;              /* 0: one */
    uint32_t lifetime_max_s;           /* longest binding; 0: the FA's own limit */
};

/* ---- bindings ---- */

enum fa_binding_state {
    FA_BINDING_INTENT = 1,    /* name reserved, answered or not; the DNS may or may not have it */
    FA_BINDING_BOUND = 2,     /* the DNS has it */
    FA_BINDING_UNBINDING = 3, /* to be taken out of the DNS; may or may not be there still */
    FA_BINDING_REVOKED =
        4, /* gone from the DNS, or the name moved on; the key is remembered so that its host learns it */
};

struct fa_binding {
    uint64_t id; /* given by the store; 0: not stored yet */
    char subscriber[FA_ID_MAX];
    enum fa_binding_state state;
    uint8_t hit[16]; /* index; the key is compared whole */
    uint16_t hi_len;
    uint8_t hi[FA_HI_MAX];
    char name[FA_NAME_MAX];
    char skeleton[FA_LABEL_MAX]; /* fa_name_skeleton() of the first label */
    bool own_name; /* the subscriber's data yield it (name, number): its skeleton may be like another's */
    uint32_t lifetime_s; /* granted */
    uint32_t left_s;     /* from the store: what is left of it; 0 = expired */
    uint16_t rdata_len;  /* HIP record wanted */
    uint8_t rdata[FA_RDATA_MAX];
    uint16_t last_len; /* HIP record that the DNS was last known to have from us; 0: none yet */
    uint8_t last[FA_RDATA_MAX];
    char device[FA_LABEL_MAX]; /* BIND_REQUEST item 4, shown only */
    bool has_secret;           /* BIND_REQUEST item 5, salted hash of it */
    uint8_t secret_salt[16];
    uint8_t secret_hash[32];
    bool moved;     /* REVOKED: the name is another HI's of the same subscriber */
    bool rekey;     /* a run is owed before the next registration */
    bool suspended; /* its subscriber is, by the operator's command */
    uint32_t
        unseen_s; /* since the host was last known to be registered; the row was made then at the latest */
};

/* Whom the authentication server wants to have charged: attributes of its Access-Accept, given back unread. */
struct fa_charge {
    uint8_t user_len, cui_len; /* 0: it did not say */
    uint16_t class_len;
    uint8_t user[FA_CHARGE_MAX];   /* User-Name */
    uint8_t cui[FA_CHARGE_MAX];    /* Chargeable-User-Identity */
    uint8_t class_v[FA_CLASS_MAX]; /* Class, each with an octet of length in front */
};

/* ---- jobs ---- */

#define FA_JOB_LIST(X) \
    X(AS, "authentication server") \
    X(SUBSCRIBER, "subscriber data") \
    X(CLAIM, "whose name is this like") \
    X(FIND, "bindings") \
    X(ZONE, "zone contents") \
    X(INTENT, "write intent") \
    X(DNS, "DNS update") \
    X(DNS_OWN, "DNS update of the own name") \
    X(BOUND, "write bound") \
    X(UNBIND, "write unbinding") \
    X(DROP, "drop binding") \
    X(SEEN, "note that it is registered") \
    X(HOLD, "ask for a takeover") \
    X(AUDIT, "audit record") \
    X(CHARGE, "note who is charged")

enum fa_job_type {
#define X(name, text) FA_JOB_##name,
    FA_JOB_LIST(X)
#undef X
        FA_JOB__COUNT
};
const char *fa_job_name(enum fa_job_type t);

struct fa_job_ref {
    uint32_t slot;
    uint32_t gen; /* 0: no answer is wanted */
};

enum fa_find_by {
    FA_FIND_HIT,        /* every row with this HIT, revoked ones too */
    FA_FIND_SUBSCRIBER, /* every row of the subscriber but revoked ones; its epoch, and whether it is suspended */
    FA_FIND_NAME,
    FA_FIND_ID,
    FA_FIND_OPEN, /* INTENT and UNBINDING, and BOUND ones that ended, with id > after; ascending */
};

enum fa_booking { FA_BOOK_NONE, FA_BOOK_BIND, FA_BOOK_REFRESH, FA_BOOK_UNBIND, FA_BOOK_REVOKE, FA_BOOK_MOVE };

/* What stands in the way of a takeover (docs/sim-binding.md section 7). */
enum fa_hold_says { FA_HOLD_WAITS, FA_HOLD_ALLOWED, FA_HOLD_REFUSED };

struct fa_job {
    struct fa_job_ref ref;
    enum fa_job_type type;
    union {
        /* One Access-Request, and its answer within 5 s (fa/as_radius.h). Results: OK with code; ERR_UNREACHABLE, ERR_TIMEOUT;
         * ERR_FULL (requests to one AS). */
        struct {
            uint16_t realm;  /* index in fa_config.realms */
            uint8_t server;  /* whose State it is: as.server of the last result; 0: a conversation begins */
            char nas_id[48]; /* NAS-Identifier: "HIP:" and 32 hexadecimal digits */
            char user[FA_IDENTITY_MAX]; /* User-Name: Response/Identity */
            uint16_t eap_len;
            uint8_t eap[FA_EAP_MAX];
            uint8_t state_len; /* State of the last Access-Challenge; 0: none */
            uint8_t state[FA_STATE_MAX];
        } as;
        /* By IMSI or, when that is empty, by id. ERR_NOT_FOUND. */
        struct {
            char imsi[FA_IMSI_MAX];
            char id[FA_ID_MAX];
        } subscriber;
        /* Do the data (given-surname, numbers) of any subscriber but this one yield a label with this skeleton? OK: no; ERR_EXISTS: yes. */
        struct {
            char skeleton[FA_LABEL_MAX];
            char subscriber[FA_ID_MAX];
        } claim;
        /* OK with n = 0 when there are none. */
        struct {
            enum fa_find_by by;
            uint8_t hit[16];
            char text[FA_NAME_MAX]; /* subscriber id or name */
            uint64_t id;            /* FA_FIND_ID: which; FA_FIND_OPEN, FA_FIND_SUBSCRIBER: after */
        } find;
        /* What the primary says now about the name. */
        struct {
            char name[FA_NAME_MAX];
        } zone;
        /* One transaction of the store, durable when it answers: epoch of the subscriber still `epoch` (ERR_STATE), no row of another subscriber
         * with this HIT or key (ERR_REFUSED), fewer than devices_max rows of this subscriber in INTENT, BOUND or UNBINDING besides `replaces`, `takes` and
         * a row with the same HIT (ERR_FULL); name in no other row and not reserved for another subscriber, and unless own_name no other subscriber's
         * row or reservation with the same skeleton (ERR_EXISTS); then delete row `replaces`, write binding (id != 0: over that row) in state INTENT.
         * takes != 0: that row, BOUND and of this subscriber still (ERR_STATE), becomes REVOKED and moved, and the epoch goes up. */
        struct {
            uint64_t epoch;
            uint64_t replaces;
            uint64_t takes;
            uint16_t devices_max;
            struct fa_binding binding;
        } intent;
        /* One UPDATE. last empty: prerequisite "name not in use"; else "the HIP RRset is exactly last". want empty: delete; else the HIP RRset becomes want.
         * OK: the zone has it so (also when found done by an earlier try). ERR_EXISTS: name in use. ERR_STATE: the RRset is not last. ERR_REFUSED: server
         * refused. ERR_UNREACHABLE, ERR_TIMEOUT: not known whether it was done. */
        struct {
            char name[FA_NAME_MAX];
            uint32_t ttl_s;
            uint16_t last_len, want_len;
            uint8_t last[FA_RDATA_MAX];
            uint8_t want[FA_RDATA_MAX];
        } dns;
        /* A and AAAA of the FA's own name become these. */
        struct {
            char name[FA_NAME_MAX];
            uint32_t ttl_s;
            uint8_t n_addr;
            struct addr addr[FA_ADDRS_MAX];
        } dns_own;
        /* Row id, in one transaction: state BOUND, last = rdata, ends in lifetime_s from now; a booking record unless FA_BOOK_NONE. ERR_NOT_FOUND. */
        struct {
            uint64_t id;
            uint32_t lifetime_s;
            enum fa_booking book;
        } bound;
        /* Row id becomes UNBINDING and its subscriber's epoch goes up by one, in one transaction; written before the DNS is touched. ERR_NOT_FOUND. */
        struct {
            uint64_t id;
        } unbind;
        /* Row id is deleted, or becomes REVOKED (remembered 90 days); if reserve, its name stays reserved for its subscriber for 90 days; booking as above.
         * OK also when there is no such row. */
        struct {
            uint64_t id;
            bool revoked, reserve;
            enum fa_booking book;
        } drop;
        /* The host with this HIT is registered now. No result. */
        struct {
            uint8_t hit[16];
        } seen;
        /* The subscriber asks that HI `hit` takes over what row `old` has: written, unless it is already. */
        struct {
            uint64_t old;
            uint8_t hit[16];
            char subscriber[FA_ID_MAX];
        } hold;
        /* A line for the audit trail: what was refused or raised an alarm. No result. */
        struct {
            bool alarm;
            char what[FA_TEXT_MAX];
            char subscriber[FA_ID_MAX]; /* "": not known */
            uint8_t hit[16];
            char name[FA_NAME_MAX];
        } audit;
        /* Sessions of this HIT are charged to it from now on. No result. */
        struct {
            uint8_t hit[16];
            struct fa_charge who;
        } charge;
    };
};

/* ---- results ---- */

enum fa_as_code { FA_AS_CHALLENGE, FA_AS_ACCEPT, FA_AS_REJECT };

enum fa_zone_says {
    FA_ZONE_FREE,  /* the name has no data at all */
    FA_ZONE_HIP,   /* a HIP RRset: rdata is its only record; empty when there are several */
    FA_ZONE_OTHER, /* other data, no HIP RRset */
};

/* Everything is borrowed for the one call of fa_complete(); the caller wipes keys. */
struct fa_result {
    struct fa_job_ref ref;
    enum fa_job_type type;
    err err;
    union {
        struct { /* reply's authenticators verified; absent attributes are empty */
            enum fa_as_code code;
            uint8_t server;       /* of the realm, from 1 on: it answered */
            struct span eap;      /* EAP-Message, put together */
            struct span state;    /* State */
            struct span recv_key; /* MS-MPPE-Recv-Key, decrypted: MSK[0..31] */
            struct span send_key; /* MS-MPPE-Send-Key: MSK[32..63] */
            struct span imsi;     /* 3GPP-IMSI (10415/1) */
            struct span cui;      /* Chargeable-User-Identity */
            struct span user;     /* User-Name */
            struct span class_v;  /* as in struct fa_charge */
        } as;
        struct {
            const struct fa_subscriber *s;
        } subscriber;
        struct {
            uint64_t epoch; /* FA_FIND_SUBSCRIBER: 0 for a subscriber not seen before */
            bool suspended; /* FA_FIND_SUBSCRIBER */
            uint8_t n;
            const struct fa_binding *v; /* n of them */
            bool more;                  /* FA_FIND_OPEN, FA_FIND_SUBSCRIBER */
        } find;
        struct {
            enum fa_zone_says says;
            struct span rdata;
        } zone;
        struct {
            uint64_t id; /* of the row written */
        } intent;
        struct {
            enum fa_hold_says says;
            bool fresh; /* it was not asked for before */
        } hold;
    };
};
