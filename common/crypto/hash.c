/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/hash.h"

#include <string.h>

#include "common/crypto/fetched.h"
#include "common/crypto/scratch.h"
#include "common/crypto/secret.h"

static const struct {
    size_t len;
    const char *name;
} hashes[HASH__COUNT] = { [HASH_NONE] = { 0, "none" },           [HASH_SHA1] = { 20, "SHA-1" },
                          [HASH_SHA256] = { 32, "SHA-256" },     [HASH_SHA384] = { 48, "SHA-384" },
                          [HASH_SHA512] = { 64, "SHA-512" },     [HASH_MD5] = { 16, "MD5" },
                          [HASH_CSHAKE128] = { 32, "cSHAKE128" } };

size_t hash_len(enum hash_alg a)
{
    return (unsigned)a < HASH__COUNT ? hashes[a].len : 0;
}

const char *hash_name(enum hash_alg a)
{
    return (unsigned)a < HASH__COUNT ? hashes[a].name : "unknown";
}

err hash_spans(enum hash_alg a, const struct span *in, size_t n, uint8_t *out)
{
    if (!hash_len(a))
        return ERR_UNSUPPORTED;
    EVP_MD_CTX *ctx = scratch_md(a);
    bool good =
        ctx && EVP_DigestInit_ex2(ctx, crypto_fetched.md[a], NULL) == 1 && scratch_feed(ctx, in, n) &&
        /* empty N and S: cSHAKE128 is SHAKE128 (SP 800-185 s3.3), whose length OpenSSL 3.0 takes at the end */
        (a == HASH_CSHAKE128 ? EVP_DigestFinalXOF(ctx, out, hash_len(a))
                             : EVP_DigestFinal_ex(ctx, out, NULL)) == 1;
    if (ctx)
        (void)EVP_MD_CTX_reset(ctx); /* wipes */
    if (!good)
        ERR_clear_error();
    return good ? ERR_OK : ERR_CRYPTO;
}

#define CSHAKE128_RATE 168
#define CSHAKE_S_MAX   128

/* bytepad(encode_string(N) | encode_string(S), rate) with empty N (SP 800-185 s2.3, s3.3). */
static err cshake_head(struct span s, uint8_t out[CSHAKE128_RATE])
{
    const uint8_t head[] = { 1, CSHAKE128_RATE, 1, 0 }; /* left_encode(rate), encode_string("") */
    uint8_t *at = out + sizeof head;
    size_t bits = 8 * s.n;
    if (s.n > CSHAKE_S_MAX)
        return ERR_RANGE;
    memset(out, 0, CSHAKE128_RATE);
    memcpy(out, head, sizeof head);
    *at++ = bits > 255 ? 2 : 1;
    if (bits > 255)
        *at++ = (uint8_t)(bits >> 8);
    *at++ = (uint8_t)bits;
    if (s.n)
        memcpy(at, s.p, s.n);
    return ERR_OK;
}

err cshake128(struct span s, const struct span *in, size_t n, uint8_t *out, size_t out_len)
{
    uint8_t head[CSHAKE128_RATE];
    err e = cshake_head(s, head);
    if (e != ERR_OK)
        return e;
    /* KECCAK-KMAC-128 is the sponge with cSHAKE's padding, without its head; SHAKE128 is what is meant when S is empty. */
    const EVP_MD *md = s.n ? crypto_fetched.cshake128 : crypto_fetched.md[HASH_CSHAKE128];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx && EVP_DigestInit_ex2(ctx, md, NULL) == 1 &&
                (s.n == 0 || EVP_DigestUpdate(ctx, head, sizeof head) == 1);
    good = good && scratch_feed(ctx, in, n) && EVP_DigestFinalXOF(ctx, out, out_len) == 1;
    EVP_MD_CTX_free(ctx);
    if (!good)
        ERR_clear_error();
    return good ? ERR_OK : ERR_CRYPTO;
}

err hash_once(enum hash_alg a, struct span in, uint8_t *out)
{
    return hash_spans(a, &in, 1, out);
}
