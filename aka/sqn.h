/* SPDX-License-Identifier: Apache-2.0
 *
 * Sequence numbers of TS 33.102 Annex C: SQN (48 bits) = SEQ | IND, IND the low five bits.
 *
 * AuC: one SEQ a subscriber, not time-based (C.1.1.1, C.3.2); IND is chosen by who asked for the vector, so that vectors of different
 * askers may arrive out of order (C.3.4). USIM: the array of the highest SEQ accepted for each IND (C.2.2), with the limits delta against
 * exhaustion (C.2.1) and L on the age of a number (C.2.3). Whoever owns these writes them to disk before the vector or the RES leaves.
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"

#define SQN_IND_BITS      5
#define SQN_IND_COUNT     (1u << SQN_IND_BITS)
#define SQN_MAX           ((1ull << 48) - 1)
#define SQN_SEQ_MAX       (SQN_MAX >> SQN_IND_BITS)
#define SQN_DELTA_DEFAULT (1ull << 28) /* C.3.2 */
#define SQN_L_DEFAULT     0            /* no age limit (C.2.3: optional) */

static inline uint64_t sqn_seq(uint64_t sqn)
{
    return sqn >> SQN_IND_BITS;
}
static inline unsigned sqn_ind(uint64_t sqn)
{
    return (unsigned)(sqn & (SQN_IND_COUNT - 1));
}
static inline uint64_t sqn_make(uint64_t seq, unsigned ind)
{
    return seq << SQN_IND_BITS | (ind & (SQN_IND_COUNT - 1));
}
void sqn_put(uint64_t sqn, uint8_t out[6]);
uint64_t sqn_get(const uint8_t in[6]);

/* AuC: the number after `last` (the last one handed out, or SQN_MS after a resynchronisation), with this IND. ERR_RANGE at the end of
 * the numbers: the subscriber needs a new K. */
MUST_USE err sqn_next(uint64_t last, unsigned ind, uint64_t *out);

/* USIM. */
struct sqn_usim {
    uint64_t seq[SQN_IND_COUNT]; /* SEQ_MS of each IND */
    uint64_t delta;              /* 0: SQN_DELTA_DEFAULT */
    uint64_t l;                  /* 0: no age limit */
};

void sqn_usim_init(struct sqn_usim *u);
/* Is it fresh? Changes nothing. ERR_REPLAY: not fresh, too old, or beyond delta: answer with AUTS. */
MUST_USE err sqn_usim_check(const struct sqn_usim *u, uint64_t sqn);
/* Accept a number that sqn_usim_check() found fresh and whose MAC was right. */
void sqn_usim_accept(struct sqn_usim *u, uint64_t sqn);
/* SQN_MS: the highest number accepted, as AUTS reports it. */
uint64_t sqn_usim_highest(const struct sqn_usim *u);
