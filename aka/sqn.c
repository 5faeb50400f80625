/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/sqn.h"

void sqn_put(uint64_t sqn, uint8_t out[6])
{
    for (unsigned i = 0; i < 6; i++)
        out[i] = (uint8_t)(sqn >> (40 - 8 * i));
}

uint64_t sqn_get(const uint8_t in[6])
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 6; i++)
        v = v << 8 | in[i];
    return v;
}

err sqn_next(uint64_t last, unsigned ind, uint64_t *out)
{
    if (last > SQN_MAX || sqn_seq(last) >= SQN_SEQ_MAX)
        return ERR_RANGE;
    *out = sqn_make(sqn_seq(last) + 1, ind);
    return ERR_OK;
}

void sqn_usim_init(struct sqn_usim *u)
{
    *u = (struct sqn_usim){ .delta = SQN_DELTA_DEFAULT, .l = SQN_L_DEFAULT };
}

static unsigned highest_ind(const struct sqn_usim *u)
{
    unsigned best = 0;
    for (unsigned i = 1; i < SQN_IND_COUNT; i++)
        if (u->seq[i] > u->seq[best])
            best = i;
    return best;
}

err sqn_usim_check(const struct sqn_usim *u, uint64_t sqn)
{
    uint64_t seq = sqn_seq(sqn), ms = u->seq[highest_ind(u)];
    uint64_t delta = u->delta ? u->delta : SQN_DELTA_DEFAULT;
    if (sqn > SQN_MAX)
        return ERR_REPLAY;
    if (seq > ms && seq - ms > delta) /* C.2.1: no jump that could use the numbers up */
        return ERR_REPLAY;
    if (u->l && seq < ms && ms - seq >= u->l) /* C.2.3 */
        return ERR_REPLAY;
    if (seq <= u->seq[sqn_ind(sqn)]) /* C.2.2 */
        return ERR_REPLAY;
    return ERR_OK;
}

void sqn_usim_accept(struct sqn_usim *u, uint64_t sqn)
{
    u->seq[sqn_ind(sqn)] = sqn_seq(sqn);
}

uint64_t sqn_usim_highest(const struct sqn_usim *u)
{
    unsigned i = highest_ind(u);
    return sqn_make(u->seq[i], i);
}
