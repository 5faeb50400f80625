/* SPDX-License-Identifier: Apache-2.0
 *
 * The association: what two hosts share from the first packet of a base exchange to the last one of CLOSE (RFC 7401 s4.4),
 * and the table that owns it. hip_assoc_set_state() is the only place where the state changes.
 *
 * An embryo is an association whose I2 was verified and whose owner has not said yet what goes into R2: it lives beside
 * whatever association the pair has, and takes its place when R2 leaves (s6.9 step 20).
 */
#pragma once

#include "common/base/limiter.h"
#include "hip/drop.h"
#include "hip/engine.h"
#include "hip/keyset.h"
#include "hip/timers.h"

struct hip_identity;
struct hip_exchange;
struct hip_ice;

#define HIP_UPDATES_OWNER 8 /* of our owner's, not yet acknowledged */
#define HIP_CHECKS_MAX    4 /* address checks under way at once */
/* Of ours altogether: places for a move, a rekey, the checks, a NAT's new mapping and both of candidates, so that owners cannot stand in their way. */
#define HIP_UPDATES_MAX   (HIP_UPDATES_OWNER + 5 + HIP_CHECKS_MAX)
#define HIP_ACKS_OWED     16 /* Update IDs of the peer's that wait for our ACK */
#define HIP_UPDATE_WINDOW 64 /* Update IDs remembered behind the newest one */
#define HIP_UPDATE_AHEAD \
    1024 /* accepted before it: connectivity checks take Update IDs too and may all be lost */
#define HIP_ECHO_LEN 16

enum hip_update_kind {
    HIP_UPD_OWNER,           /* from hip_update() */
    HIP_UPD_MOVE,            /* our LOCATOR_SET */
    HIP_UPD_VERIFY,          /* an address check of ours: goes to the address that is checked */
    HIP_UPD_REKEY,           /* our half of a rekey */
    HIP_UPD_CANDIDATES,      /* our candidates: through the relay (RFC 9028 s4.9) */
    HIP_UPD_CANDIDATES_ECHO, /* the peer's: goes back the way they came */
    HIP_UPD_SEEN,            /* a check of where a NAT shows the peer now */
};

struct hip_sent_update {
    struct hip_stored pkt; /* p NULL: free place */
    enum hip_update_kind kind;
    uint32_t id;
    uint8_t tries;
    uint64_t due_us;
    struct hip_path path; /* HIP_UPD_VERIFY and own_path; others follow the association's */
    bool own_path;        /* from hip_update_on() */
    bool has_echo;        /* it asked for this: an ACK without it does not count */
    uint8_t echo[HIP_ECHO_LEN];
};

#define HIP_PROBES_MAX 4
#define HIP_PROBE_US   UINT64_C(2000000) /* no answer by then: none */
struct hip_probe_sent {
    bool on;
    uint32_t id;
    uint8_t nonce[HIP_ECHO_LEN];
    uint64_t sent_us;
    struct hip_path path;
};

/* RFC 8046 s5.1 */
enum hip_locator_state {
    HIP_LOCATOR_NONE,
    HIP_LOCATOR_UNVERIFIED,
    HIP_LOCATOR_ACTIVE,
    HIP_LOCATOR_DEPRECATED
};
struct hip_peer_locator {
    enum hip_locator_state state;
    struct addr addr;
    uint8_t traffic;      /* enum hip_locator_traffic */
    uint8_t rank;         /* place in the LOCATOR_SET, the preferred one 0 */
    uint64_t expires_us;  /* HEAP_NEVER: unbounded */
    struct hip_path path; /* over which it is, or was, checked */
    uint32_t spi;         /* our inbound one, as the check names it */
    uint32_t verify_id;   /* Update ID of the check under way */
    uint8_t nonce[HIP_ECHO_LEN];
    bool verifying;
    bool by_move; /* by our LOCATOR_SET's UPDATE instead of one of its own */
    bool failed;  /* its check was not answered: tried again when the peer is heard from there */
};

struct hip_assoc {
    uint32_t slot, gen;
    enum hip_state state;
    uint64_t since_us;
    struct hip_timers timers;

    struct hip_identity *id;
    struct hit peer;
    struct hip_path path; /* of signalling */
    struct hip_path esp;  /* of data: the same, unless the peer's locators say otherwise (RFC 8046 s4) */
    bool esp_unverified;  /* within a credit only */
    uint64_t credit, credit_us; /* RFC 8046 s5.6: octets, and up to when it is aged */
    bool initiator;
    bool opportunistic; /* our I1 had, or has, a NULL HIT */
    bool relayed;       /* the I1 came through a rendezvous server */
    bool embryo;
    bool in_pairs, in_embryos, in_spis;
    bool rvs_trusted;
    bool has_export;
    bool sas_up;
    bool sa_waits;       /* initiator: the inbound SA alone is up, until R2 */
    struct hip_ice *ice; /* connectivity checks: hip/ice.h; NULL: none on this association */

    struct hip_hi peer_hi; /* alg 0: not known yet */
    enum hash_alg rhash;   /* of the Responder's HIT suite: puzzle, HKDF, HIP_MAC */
    uint8_t dh_group, puzzle_k;
    uint16_t cipher, esp_suite;
    uint32_t spi_in, spi_out;
    struct hip_keyset keys; /* empty before I2 */

    uint16_t nat_mode; /* enum hip_nat_mode; 0: raw, or not known yet */
    bool nat_explicit; /* R1 listed modes, I2 answers */
    bool via_relay;    /* initiator: R1 came through the Responder's control relay */
    uint32_t pacing_ms;
    uint64_t out_us;      /* something that keeps a NAT's mapping went out over path */
    uint64_t esp_us;      /* the same where ESP goes, if that is elsewhere */
    uint64_t seen_us;     /* when a packet from elsewhere last made us ask there; 0: never */
    uint32_t seen_locset; /* locset_id when a new mapping's check began */
    uint64_t heard_us;    /* a keepalive came, not looked at further */

    struct hip_stored
        last; /* I1, I2, R2 or CLOSE, as sent: again it differs in nothing but, after a move, the checksum */
    uint8_t tries;
    uint8_t i2_hash[32]; /* responder: SHA-256 of the I2 that this association came from */
    bool has_i2_hash;
    uint64_t i2_counter;    /* R1 counter in it */
    struct hip_exchange *x; /* initiator: until R2 */
    bool gone;              /* its owner was told so: it lingers in CLOSING, CLOSED or E-FAILED */
    struct hip_assoc *former,
        *heir;    /* I1-SENT: the CLOSED one before it, which answers the peer's CLOSE still; and back */
    bool closing; /* we sent CLOSE with this echo */
    uint8_t close_echo[HIP_ECHO_LEN];

    uint32_t next_id; /* of our next UPDATE */
    struct hip_sent_update sent[HIP_UPDATES_MAX];
    bool any_in; /* an UPDATE of the peer's was taken */
    uint32_t newest_in;
    uint64_t seen_in; /* bit i: newest_in - i was taken */
    uint32_t owed[HIP_ACKS_OWED];
    uint8_t n_owed;
    struct hip_path ack_path;   /* where the UPDATE that is owed an ACK came from */
    struct hip_stored echo;     /* what it wants to have back with the ACK; p NULL: nothing */
    struct hip_stored box_echo; /* what middleboxes want to have back with it, or with R2: hip/echo.h */
    struct addr ack_via;        /* the rendezvous server that it came through, else ADDR_NONE */
    struct bucket reack, notifies, told; /* repeated UPDATEs acknowledged, NOTIFYs looked at, NOTIFYs sent */
    struct hip_probe_sent probe[HIP_PROBES_MAX];
    uint64_t used_us; /* last sign of life, for UAL */
    uint64_t keep_until_us;

    struct hip_peer_locator loc[HIP_LOCATORS_MAX];
    bool any_locset;
    uint32_t locset_id;                /* Update ID of the newest LOCATOR_SET taken */
    uint64_t checks_from_us;           /* no further check before this moment */
    struct addr own[HIP_LOCATORS_MAX]; /* what we told the peer of ourselves */
    size_t n_own;
    struct addr rvs; /* rendezvous server of the peer's; ADDR_NONE: none known */

    bool rekeying;     /* our half of a rekey was sent */
    bool rekey_acked;  /* and acknowledged */
    bool rekey_theirs; /* the peer's half is here: keys are in esp_next */
    uint16_t rekey_index;
    uint32_t spi_in_next, spi_out_next;
    uint64_t rekey_until_us;
    struct dh_key *dh_next;         /* NULL: ours stays */
    struct hip_stored peer_dh_next; /* p NULL: the peer's stays */
    struct hip_keymat *keymat_next; /* where one of them is new and both halves are here */
    uint32_t spi_out_was;           /* before the last rekey; 0: there was none */
};

struct hip_engine;

/* What a peer can make us do again and again: repeated UPDATEs acknowledged (RFC 7401 s6.12.1), NOTIFYs looked at. */
extern const struct bucket_rate hip_assoc_rate;
/* NOTIFYs that a peer hears of us. */
extern const struct bucket_rate hip_told_rate;

/* ---- the table ---- */

/* A new association in no index yet, state UNASSOCIATED. When the table is full the one that lingers longest goes first; NULL: none. */
struct hip_assoc *hip_assoc_new(struct hip_engine *e, struct hip_identity *id, const struct hit *peer);
/* Out of every index, memory given back, refs stale. No action. */
void hip_assoc_free(struct hip_engine *e, struct hip_assoc *a);
/* NULL: stale, or lingering (for its owner it is gone). */
struct hip_assoc *hip_assoc_by_ref(const struct hip_engine *e, struct hip_ref ref);
static inline struct hip_ref hip_assoc_ref(const struct hip_assoc *a)
{
    return (struct hip_ref){ .slot = a->slot, .gen = a->gen };
}
const struct hit *hip_assoc_local(const struct hip_assoc *a);
struct hip_assoc *hip_assoc_by_pair(const struct hip_engine *e, const struct hit *local,
                                    const struct hit *peer);
struct hip_assoc *hip_embryo_by_pair(const struct hip_engine *e, const struct hit *local,
                                     const struct hit *peer);
/* Into the index of pairs (or of embryos). ERR_EXISTS. */
MUST_USE err hip_assoc_enter(struct hip_engine *e, struct hip_assoc *a);
void hip_assoc_leave(struct hip_engine *e, struct hip_assoc *a);
/* A fresh inbound SPI, unique in this engine. */
MUST_USE err hip_assoc_new_spi(struct hip_engine *e, struct hip_assoc *a, uint32_t *spi);
void hip_assoc_release_spi(struct hip_engine *e, uint32_t spi);

/* ---- state ---- */

/* Checks the step against the table in assoc.c (a step that is not in it is our own defect and aborts), logs it. */
void hip_assoc_set_state(struct hip_engine *e, struct hip_assoc *a, enum hip_state next, uint64_t now);
/* SA_DOWN if SAs were up, GONE, once: from now on the association is none of its owner's. */
void hip_assoc_gone(struct hip_engine *e, struct hip_assoc *a, enum hip_gone why, struct hip_actions *out);
/* That; then CLOSED for UAL + 2 MSL when `linger` (RFC 7401 s4.4.3), else freed. */
void hip_assoc_end(struct hip_engine *e, struct hip_assoc *a, enum hip_gone why, bool linger, uint64_t now,
                   struct hip_actions *out);
/* The same, and E-FAILED for HIP_FAILED_US (s4.4.3: implementation-specific). hip_connect() ends it at once: an owner that asks again knows why. */
void hip_assoc_fail(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out);
/* a begins where `was`, CLOSED, lingers: that one leaves the index and answers CLOSE until a's I2 (s4.4.3: data to send in CLOSED). */
void hip_assoc_succeed(struct hip_engine *e, struct hip_assoc *a, struct hip_assoc *was);

/* ---- keys ---- */

/* The association takes *k over and forgets what it had. */
void hip_assoc_adopt(struct hip_assoc *a, struct hip_keyset *k);
/* What a rekey that is given up, or complete, had prepared. */
void hip_assoc_rekey_forget(struct hip_assoc *a);
