/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/keccak.h"

#include <string.h>

#include "common/crypto/secret.h"

#define LANES  25
#define ROUNDS 24

/* Iota's constants (FIPS 202 s3.2.5). */
static const uint64_t round_constant[ROUNDS] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

/* The state and what the steps put aside: wiped together. */
struct work {
    uint64_t a[LANES]; /* lane (x, y) is a[x + 5 y] */
    uint64_t c[5], r[5];
};

static inline uint64_t rotl(uint64_t v, unsigned n)
{
    return n ? v << n | v >> (64 - n) : v;
}

/* Every lane takes in the parities of two columns (s3.2.1). */
static inline void theta(struct work *w)
{
#pragma GCC unroll 5
    for (unsigned x = 0; x < 5; x++)
        w->c[x] = w->a[x] ^ w->a[x + 5] ^ w->a[x + 10] ^ w->a[x + 15] ^ w->a[x + 20];
#pragma GCC unroll 25
    for (unsigned i = 0; i < LANES; i++)
        w->a[i] ^= w->c[(i + 4) % 5] ^ rotl(w->c[(i + 1) % 5], 1);
}

/* Lanes rotated by the triangular numbers along the walk (x, y) -> (y, 2x + 3y), and moved to where it leads (s3.2.2, s3.2.3). */
static inline void rho_pi(struct work *w)
{
    unsigned x = 1, y = 0;
    uint64_t carried = w->a[1];
#pragma GCC unroll 24
    for (unsigned t = 0; t < 24; t++) {
        unsigned to_y = (2 * x + 3 * y) % 5;
        x = y;
        y = to_y;
        uint64_t taken = w->a[x + 5 * y];
        w->a[x + 5 * y] = rotl(carried, (t + 1) * (t + 2) / 2 % 64);
        carried = taken;
    }
}

/* The one step that is not linear, row by row (s3.2.4). */
static inline void chi(struct work *w)
{
#pragma GCC unroll 5
    for (unsigned y = 0; y < LANES; y += 5) {
        memcpy(w->r, w->a + y, sizeof(w->r));
#pragma GCC unroll 5
        for (unsigned x = 0; x < 5; x++)
            w->a[y + x] = w->r[x] ^ (~w->r[(x + 1) % 5] & w->r[(x + 2) % 5]);
    }
}

void keccak_f1600(uint8_t state[KECCAK_STATE])
{
    struct work w = { 0 };
    for (unsigned i = 0; i < KECCAK_STATE; i++)
        w.a[i / 8] |= (uint64_t)state[i] << 8 * (i % 8);
    for (unsigned n = 0; n < ROUNDS; n++) {
        theta(&w);
        rho_pi(&w);
        chi(&w);
        w.a[0] ^= round_constant[n];
    }
    for (unsigned i = 0; i < KECCAK_STATE; i++)
        state[i] = (uint8_t)(w.a[i / 8] >> 8 * (i % 8));
    sec_wipe(&w, sizeof(w));
}
