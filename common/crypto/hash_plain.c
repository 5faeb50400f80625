/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashes without memory from the heap, which OpenSSL 3.0 takes each time a digest begins: libsodium's SHA-256, its SHA-512 begun and ended as SHA-384
 * (FIPS 180-4 s6.5), and SHAKE128 (FIPS 202 s6.2) over our own permutation.
 */
#include <sodium.h>
#include <string.h>

#include "common/crypto/hash.h"
#include "common/crypto/keccak.h"

#define SHAKE128_RATE 168

static void plain_sha256(const struct span *in, size_t n, uint8_t *out)
{
    crypto_hash_sha256_state s;
    crypto_hash_sha256_init(&s);
    for (size_t i = 0; i < n; i++)
        crypto_hash_sha256_update(&s, in[i].p, in[i].n);
    crypto_hash_sha256_final(&s, out);
}

static void plain_sha384(const struct span *in, size_t n, uint8_t *out)
{
    /* FIPS 180-4 s5.3.4 */
    static const uint64_t initial[8] = { 0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17,
                                         0x152fecd8f70e5939, 0x67332667ffc00b31, 0x8eb44a8768581511,
                                         0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4 };
    crypto_hash_sha512_state s;
    uint8_t whole[crypto_hash_sha512_BYTES];
    crypto_hash_sha512_init(&s);
    memcpy(s.state, initial, sizeof initial);
    for (size_t i = 0; i < n; i++)
        crypto_hash_sha512_update(&s, in[i].p, in[i].n);
    crypto_hash_sha512_final(&s, whole);
    memcpy(out, whole, hash_len(HASH_SHA384));
}

static void plain_shake128(const struct span *in, size_t n, uint8_t *out, size_t out_len)
{
    uint8_t state[KECCAK_STATE] = { 0 };
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < in[i].n; k++) {
            state[at++] ^= in[i].p[k];
            if (at == SHAKE128_RATE) {
                keccak_f1600(state);
                at = 0;
            }
        }
    state[at] ^= 0x1f;
    state[SHAKE128_RATE - 1] ^= 0x80;
    keccak_f1600(state);
    memcpy(out, state, out_len);
}

err hash_plain(enum hash_alg a, const struct span *in, size_t n, uint8_t *out)
{
    switch (a) {
    case HASH_SHA256:
        plain_sha256(in, n, out);
        return ERR_OK;
    case HASH_SHA384:
        plain_sha384(in, n, out);
        return ERR_OK;
    case HASH_CSHAKE128:
        plain_shake128(in, n, out, hash_len(a));
        return ERR_OK;
    default:
        return hash_spans(a, in, n, out);
    }
}
