/* SPDX-License-Identifier: Apache-2.0
 *
 * RANDs given out lately, of one subscriber: a row's blob of entries, oldest first. AUTS counts only for a RAND in it, from the asker (IND) that got
 * it, once. At most AUC_GIVEN_MAX; who asks often pushes out his own before he pushes out another's.
 */
#pragma once

#include "as/auc_sqlite.h"

#define GIVEN_ENTRY (1 + 4 + AKA_RAND_LEN) /* IND, seconds of the wall clock, RAND */
#define GIVEN_OWN   (AUC_GIVEN_MAX / 4)    /* of one asker, before his oldest makes room for his newest */

struct given {
    uint8_t n; /* entries */
    uint8_t octets[AUC_GIVEN_MAX * GIVEN_ENTRY];
};

/* ERR_MALFORMED: not whole entries, or too many. */
MUST_USE err given_load(struct given *g, struct span blob);
struct span given_blob(const struct given *g);
void given_add(struct given *g, unsigned ind, uint64_t wall_s, const uint8_t rand[AKA_RAND_LEN]);
/* True when it was given to this asker within AUC_GIVEN_S: it is taken out. A clock that went back makes nothing older. */
bool given_take(struct given *g, unsigned ind, uint64_t wall_s, const uint8_t rand[AKA_RAND_LEN]);
