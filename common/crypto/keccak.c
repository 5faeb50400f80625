/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/keccak.h"

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

static uint64_t rotl(uint64_t v, unsigned n)
{
    return n ? v << n | v >> (64 - n) : v;
}

/* Every lane takes in the parities of two columns (s3.2.1). Lane (x, y) is a[x + 5 y]. */
static void theta(uint64_t a[LANES])
{
    uint64_t c[5];
    for (unsigned x = 0; x < 5; x++)
        c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
    for (unsigned i = 0; i < LANES; i++)
        a[i] ^= c[(i + 4) % 5] ^ rotl(c[(i + 1) % 5], 1);
    sec_wipe(c, sizeof(c));
}

/* Lanes rotated by the triangular numbers along the walk (x, y) -> (y, 2x + 3y), and moved to where it leads (s3.2.2, s3.2.3). */
static void rho_pi(uint64_t a[LANES])
{
    unsigned x = 1, y = 0;
    uint64_t carried = a[1];
    for (unsigned t = 0; t < 24; t++) {
        unsigned to_y = (2 * x + 3 * y) % 5;
        x = y;
        y = to_y;
        uint64_t taken = a[x + 5 * y];
        a[x + 5 * y] = rotl(carried, (t + 1) * (t + 2) / 2 % 64);
        carried = taken;
    }
}

/* The one step that is not linear, row by row (s3.2.4). */
static void chi(uint64_t a[LANES])
{
    for (unsigned y = 0; y < LANES; y += 5) {
        uint64_t r[5] = { a[y], a[y + 1], a[y + 2], a[y + 3], a[y + 4] };
        for (unsigned x = 0; x < 5; x++)
            a[y + x] = r[x] ^ (~r[(x + 1) % 5] & r[(x + 2) % 5]);
        sec_wipe(r, sizeof(r));
    }
}

void keccak_f1600(uint8_t state[KECCAK_STATE])
{
    uint64_t a[LANES] = { 0 };
    for (unsigned i = 0; i < KECCAK_STATE; i++)
        a[i / 8] |= (uint64_t)state[i] << 8 * (i % 8);
    for (unsigned n = 0; n < ROUNDS; n++) {
        theta(a);
        rho_pi(a);
        chi(a);
        a[0] ^= round_constant[n];
    }
    for (unsigned i = 0; i < KECCAK_STATE; i++)
        state[i] = (uint8_t)(a[i / 8] >> 8 * (i % 8));
    sec_wipe(a, sizeof(a));
}
