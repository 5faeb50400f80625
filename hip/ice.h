/* SPDX-License-Identifier: Apache-2.0
 *
 * ICE-HIP-UDP on an association (RFC 9028 s4.6, s4.9): candidates told and heard, checks sent and answered, the pair in use.
 *
 * The candidates travel as a LOCATOR_SET of type 2 locators at the head of what I2, R2 and UPDATE carry inside ENCRYPTED. A check is an
 * UPDATE of its own kind (CANDIDATE_PRIORITY, MAPPED_ADDRESS or NOMINATE in it): its Update IDs come from the association's
 * counter, but it stands neither in the list of UPDATEs to be acknowledged nor in the window of those seen, so
 * that a hundred checks into nowhere keep no other UPDATE waiting.
 *
 * ESP has no path before a pair is nominated: SA_UP comes then, once for a set of keys; later changes are SA_PATH. Signalling follows a
 * direct pair and goes by the relay otherwise (`home`). A pair that no longer answers is left for the next one that does within
 * HIP_ICE_SILENT_US; better ones are tried again, two seconds later at first and every thirty in the end.
 */
#pragma once

#include "hip/checklist.h"
#include "hip/core.h"
#include "hip/param_loc.h"

#define HIP_ICE_EARLY_MAX   4
#define HIP_ICE_SILENT_US   UINT64_C(1250000) /* from the first unanswered check to the next pair */
#define HIP_ICE_AGAIN_US    UINT64_C(300000)  /* the second check of a silent pair, a new one */
#define HIP_ICE_RETRY_US    UINT64_C(2000000) /* doubling */
#define HIP_ICE_RETRY_MAX   UINT64_C(30000000)
#define HIP_ICE_RECHECK_MAX 8 /* pairs in one round */

/* What the peer's LOCATOR_SET said. */
struct hip_ice_offer {
    bool present;
    size_t n;
    struct hip_remote remote[HIP_REMOTES_MAX];
    struct addr relay; /* for signalling (item 66); ADDR_NONE: none listed */
};

struct hip_ice {
    struct hip_checklist list;
    bool formed; /* the list is; before that the peer's checks wait in `early` */
    struct hip_candidate local[HIP_CANDIDATES_MAX];
    size_t n_local;
    struct hip_ice_offer offer; /* of the peer's, in use */
    struct hip_path home;       /* signalling by the relay */

    enum hip_checks what;
    bool selected;
    struct hip_path esp;      /* where ESP goes, when selected */
    struct hip_pair *sel;     /* its pair; NULL: it is of an older list */
    struct hip_pair *pending; /* nominated by the peer, its echo is still to come */
    struct hip_pair
        *named; /* nominated by the peer last: we come back to it when it works again (controlled) */
    bool any_nominated;
    uint32_t nominated_id; /* Update ID of the newest NOMINATE taken (controlled) */

    uint64_t started_us;
    uint64_t choose_us; /* the wait for a better pair ends; HEAP_NEVER */
    uint64_t retry_us;  /* next round of checks for something better; HEAP_NEVER */
    unsigned rounds;
    uint64_t silent_us; /* since when the pair in use is in doubt; 0: it is not */
    bool silent_again;  /* its second check was sent */
    bool restart;       /* form the list anew as soon as there is time */

    struct {
        struct hip_path path;
        uint32_t priority;
    } early[HIP_ICE_EARLY_MAX];
    size_t n_early;
    bool any_in;
    uint32_t newest_in; /* of the checks that came */
    struct bucket answers;

    struct { /* what the data relay server was last asked to let through */
        struct addr relayed, peer;
        uint32_t spi_out, spi_in;
    } permit;

    /* RFC 9028 s4.9: ours on their way, and the peer's until its echo came back. */
    struct hip_candidate next[HIP_CANDIDATES_MAX];
    size_t n_next;
    bool has_next;
    struct hip_ice_offer moved;
    struct hip_path moved_path;
    bool any_moved;
    uint32_t moved_id;
    uint8_t moved_nonce[HIP_ECHO_LEN];
};

/* ---- base exchange ---- */

/* Our candidates, from the owner. Makes a->ice when it is not there. ERR_MEMORY, ERR_RANGE. */
MUST_USE err hip_ice_set(struct hip_assoc *a, const struct hip_candidate *cand, size_t n, uint64_t now);
/* What the peer offered; the same. */
MUST_USE err hip_ice_offered(struct hip_assoc *a, const struct hip_ice_offer *o, uint64_t now);
void hip_ice_free(struct hip_assoc *a);
/* LOCATOR_SET with these candidates and our control relay. */
void hip_ice_put(struct hip_build *b, const struct hip_assoc *a, const struct hip_candidate *cand, size_t n);
/* Takes a LOCATOR_SET off the head of what stood inside ENCRYPTED. HIP_TAKEN or a drop reason. */
MUST_USE int hip_ice_read(struct span *inner, struct hip_ice_offer *out);
/* R2 was sent, or came: the checks begin. */
void hip_ice_start(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out);

/* ---- UPDATE ---- */

/* Is this UPDATE a check, or the answer to one? */
bool hip_ice_is_check(const struct hip_pkt *k);
hip_handler hip_ice_receive;
/* In I2-SENT: it came before R2 with the candidates (s4.6.2). */
hip_handler hip_ice_early;
/* A bare UPDATE acknowledged a check of ours. HIP_TAKEN or a drop reason; HIP_DROP_BAD_ACK: it is none. */
MUST_USE int hip_ice_acked(struct hip_rx *rx, uint32_t id, struct span echo);
/* The peer's candidates changed, from the UPDATE with this id: an echo is asked for first (s4.9 step 3). */
void hip_ice_moved(struct hip_rx *rx, const struct hip_ice_offer *o, uint32_t id);
bool hip_ice_echo_ok(const struct hip_assoc *a, struct span echo);
/* ... and came back (step 6); ours were acknowledged (step 4). */
void hip_ice_moved_verified(struct hip_rx *rx);
void hip_ice_next_acked(struct hip_rx *rx);
void hip_ice_timeout(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out);

/* ---- where things go ---- */

/* PERMIT, where this pair needs a permission that was not asked for yet; after a rekey its SPIs are others. */
void hip_ice_permit(struct hip_engine *e, struct hip_assoc *a, const struct hip_pair *p, uint32_t spi_out,
                    uint32_t spi_in, struct hip_actions *out);

/* Is ESP still without a path? */
bool hip_ice_waits(const struct hip_assoc *a);
/* Where ESP goes: the association's path when there are no checks. */
const struct hip_path *hip_ice_esp(const struct hip_assoc *a);
/* Where the packet goes that was sent `tries` times in vain: the association's path, the relays in turn (s4.8, s4.11). */
struct hip_path hip_ice_signal(const struct hip_assoc *a, const struct hip_path *first, unsigned tries);

/* ---- between ice.c and ice_check.c ---- */

void hip_ice_schedule(struct hip_engine *e, struct hip_assoc *a);
/* A check of ours over this pair leaves. */
void hip_ice_check(struct hip_engine *e, struct hip_assoc *a, struct hip_pair *p, bool nominate, uint64_t now,
                   struct hip_actions *out);
/* ESP goes over this pair from now on. */
void hip_ice_select(struct hip_engine *e, struct hip_assoc *a, struct hip_pair *p, uint64_t now,
                    struct hip_actions *out);
/* A check ended: nominate, or give up. */
void hip_ice_evaluate(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out);
/* The pair in use is in doubt: check it, and those that could take its place. */
void hip_ice_doubt(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out);
