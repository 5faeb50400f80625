/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/puzzle.h"

#include <string.h>

/* Ltrunc(): the lowest-order bits are those at the end of the digest. */
static bool low_bits_zero(const uint8_t *d, size_t n, unsigned k)
{
    for (; k >= 8; k -= 8)
        if (d[--n])
            return false;
    return k == 0 || (d[n - 1] & ((1u << k) - 1)) == 0;
}

static err puzzle_hash(enum hash_alg rhash, struct span i, const struct hit *hit_i, const struct hit *hit_r,
                       struct span j, uint8_t out[HASH_LEN_MAX])
{
    struct span in[4] = { i, span_of(hit_i->b, sizeof(hit_i->b)), span_of(hit_r->b, sizeof(hit_r->b)), j };
    return hash_spans(rhash, in, 4, out);
}

/* RFC 7401 s4.1.2, s6.3 MUST */
err hip_puzzle_check(enum hash_alg rhash, uint8_t k, struct span i, const struct hit *hit_i,
                     const struct hit *hit_r, struct span j)
{
    uint8_t d[HASH_LEN_MAX];
    size_t n = hash_len(rhash);
    if (n == 0 || i.n != n || j.n != n || k > n * 8)
        return ERR_RANGE;
    if (k == 0) /* any #J solves it */
        return ERR_OK;
    err e = puzzle_hash(rhash, i, hit_i, hit_r, j, d);
    if (e != ERR_OK)
        return e;
    return low_bits_zero(d, n, k) ? ERR_OK : ERR_AUTH;
}

err hip_solver_init(struct hip_solver *s, enum hash_alg rhash, uint8_t k, struct span i,
                    const struct hit *hit_i, const struct hit *hit_r, const uint8_t *start)
{
    size_t n = hash_len(rhash);
    if (n == 0 || i.n != n || k > n * 8)
        return ERR_RANGE;
    *s = (struct hip_solver){ .rhash = rhash, .k = k, .len = (uint8_t)n, .hit_i = *hit_i, .hit_r = *hit_r };
    memcpy(s->i, i.p, n);
    memcpy(s->j, start, n);
    return ERR_OK;
}

static void count_up(uint8_t *p, size_t n)
{
    while (n > 0 && ++p[n - 1] == 0)
        n--;
}

err hip_solver_step(struct hip_solver *s, uint32_t tries)
{
    while (!s->solved && tries-- > 0) {
        err e = hip_puzzle_check(s->rhash, s->k, span_of(s->i, s->len), &s->hit_i, &s->hit_r,
                                 span_of(s->j, s->len));
        s->tried++;
        if (e == ERR_OK)
            s->solved = true;
        else if (e == ERR_AUTH)
            count_up(s->j, s->len);
        else
            return e;
    }
    return s->solved ? ERR_OK : ERR_NOT_FOUND;
}
