/* SPDX-License-Identifier: Apache-2.0
 *
 * What later packets of a capture are judged by: who offered, asked and sent what, and whose host identities are known.
 */
#pragma once

#include "cli/hipvec/judge.h"

/* Of one packet; spans borrow from the items and are empty for what it does not carry. */
struct fact {
    size_t item;
    uint8_t type;
    struct hit from, to;
    struct span puzzle, counter, groups, dh, ciphers, esp, formats, host_id_tlv, echo, seq;
};

struct judge {
    const struct items *it;
    const struct keylog *keys;
    struct fact *fact;
    size_t n;
    struct hip_hi *hi;
    size_t his;
};

MUST_USE err facts_gather(struct judge *j);
void facts_done(struct judge *j);
/* The next fact behind *at (0 at first) of this type, from one HIT to another (or to NULL where `or_null`), not later than `item`; NULL: none left. */
const struct fact *facts_next(const struct judge *j, size_t *at, uint8_t type, const struct hit *from,
                              const struct hit *to, bool or_null, size_t item);
/* A host identity learnt; `wire`: Algorithm and Host Identity. False: it is not this HIT's. Unsupported ones are true and not kept. */
bool facts_learn(struct judge *j, const struct hit *hit, struct span wire);
