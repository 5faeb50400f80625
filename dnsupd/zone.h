/* SPDX-License-Identifier: Apache-2.0
 *
 * Reconciliation: what an owner name should hold, what was written there last, and what the zone says now; out of the three comes the one
 * UPDATE that mends it, or the word that none is needed or none is allowed.
 *
 * An owner name given to a subscriber carries a HIP RRset of ours and nothing else that we touch. A new name has the prerequisite "name not
 * in use", a change or a removal "the RRset is exactly what we wrote last" (docs/sim-binding.md section 6): what somebody else wrote is
 * never overwritten. The FA's own name (A, AAAA) is its own: whatever stands there is replaced, guarded by what was read.
 */
#pragma once

#include "dnsupd/lookup.h"
#include "dnsupd/update.h"

enum dnsu_plan {
    DNSU_PLAN_NOTHING, /* the zone is as wanted */
    DNSU_PLAN_UPDATE,  /* message (and proof) built */
    DNSU_PLAN_FOREIGN, /* the zone holds what we did not write */
};
const char *dnsu_plan_name(enum dnsu_plan p);

#define DNSU_UPDATE_MAX 8192

/* Messages for dnsu_txn_new(). */
struct dnsu_zone_msgs {
    size_t message_len, proof_len;
    uint8_t message[DNSU_UPDATE_MAX];
    uint8_t proof[DNSU_UPDATE_MAX];
};

/* A subscriber's name, without having asked the zone. last empty: a new name; want empty: removal of what we wrote. ERR_SPACE, ERR_RANGE, ERR_STATE (both empty). */
MUST_USE err dnsu_zone_write(const struct dnsu_name *zone, const struct dnsu_name *owner,
                             const struct dnsu_set *last, const struct dnsu_set *want,
                             struct dnsu_zone_msgs *out);
/* The same after asking: holds is the RRset of last's and want's type that the zone has now, in_use whether the name has any data. */
MUST_USE err dnsu_zone_mend(const struct dnsu_name *zone, const struct dnsu_name *owner,
                            const struct dnsu_set *last, const struct dnsu_set *want,
                            const struct dnsu_set *holds, bool in_use, enum dnsu_plan *plan,
                            struct dnsu_zone_msgs *out);
/* A name of our own with n RRsets (one for each type), want[i] against holds[i]. */
MUST_USE err dnsu_zone_own(const struct dnsu_name *zone, const struct dnsu_name *owner,
                           const struct dnsu_set *want, const struct dnsu_set *holds, size_t n,
                           enum dnsu_plan *plan, struct dnsu_zone_msgs *out);
