/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/hash.h"

#include <string.h>

#include "common/crypto/fetched.h"
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
    err e = ERR_CRYPTO;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx || EVP_DigestInit_ex2(ctx, crypto_fetched.md[a], NULL) != 1)
        goto out;
    for (size_t i = 0; i < n; i++)
        if (in[i].n && EVP_DigestUpdate(ctx, in[i].p, in[i].n) != 1)
            goto out;
    /* empty N and S: cSHAKE128 is SHAKE128 (SP 800-185 s3.3), whose length OpenSSL 3.0 takes at the end */
    if ((a == HASH_CSHAKE128 ? EVP_DigestFinalXOF(ctx, out, hash_len(a))
                             : EVP_DigestFinal_ex(ctx, out, NULL)) == 1)
        e = ERR_OK;
out:
    EVP_MD_CTX_free(ctx);
    if (e != ERR_OK)
        ERR_clear_error();
    return e;
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
    for (size_t i = 0; good && i < n; i++)
        good = in[i].n == 0 || EVP_DigestUpdate(ctx, in[i].p, in[i].n) == 1;
    good = good && EVP_DigestFinalXOF(ctx, out, out_len) == 1;
    EVP_MD_CTX_free(ctx);
    if (!good)
        ERR_clear_error();
    return good ? ERR_OK : ERR_CRYPTO;
}

err hash_once(enum hash_alg a, struct span in, uint8_t *out)
{
    return hash_spans(a, &in, 1, out);
}

struct mac {
    EVP_MAC_CTX *ctx;
    size_t len;
};

/* A context keyed with key, or NULL. */
static EVP_MAC_CTX *keyed(enum hash_alg a, struct span key)
{
    static const uint8_t zeros[HASH_LEN_MAX];
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(crypto_fetched.mac[a]);
    /* An empty key is HKDF's absent salt: as many zeros as the hash is long (RFC 5869 s2.2). HMAC pads it to that anyhow. */
    if (key.n == 0)
        key = span_of(zeros, hash_len(a));
    if (ctx && EVP_MAC_init(ctx, key.p, key.n, NULL) != 1) {
        EVP_MAC_CTX_free(ctx);
        ctx = NULL;
    }
    return ctx;
}

static err mac_feed(EVP_MAC_CTX *ctx, const struct span *in, size_t n, uint8_t *out, size_t len)
{
    size_t got = 0;
    for (size_t i = 0; i < n; i++)
        if (in[i].n && EVP_MAC_update(ctx, in[i].p, in[i].n) != 1)
            return ERR_CRYPTO;
    return EVP_MAC_final(ctx, out, &got, len) == 1 && got == len ? ERR_OK : ERR_CRYPTO;
}

/* Takes ctx over. */
static struct mac *mac_of(EVP_MAC_CTX *ctx, size_t len)
{
    struct mac *m = OPENSSL_zalloc(sizeof *m);
    if (!m) {
        EVP_MAC_CTX_free(ctx);
        return NULL;
    }
    m->ctx = ctx;
    m->len = len;
    if (!m->ctx) {
        mac_free(m);
        ERR_clear_error();
        return NULL;
    }
    return m;
}

struct mac *mac_new(enum hash_alg a, struct span key)
{
    return hash_len(a) && crypto_fetched.mac[a] ? mac_of(keyed(a, key), hash_len(a)) : NULL;
}

struct mac *mac_cmac_new(struct span key)
{
    OSSL_PARAM p[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, (char *)"AES-128-CBC", 0),
                       OSSL_PARAM_construct_end() };
    EVP_MAC_CTX *ctx = key.n == 16 && crypto_fetched.cmac ? EVP_MAC_CTX_new(crypto_fetched.cmac) : NULL;
    if (ctx && EVP_MAC_init(ctx, key.p, key.n, p) != 1) {
        EVP_MAC_CTX_free(ctx);
        ctx = NULL;
    }
    return mac_of(ctx, CMAC_LEN);
}

void mac_free(struct mac *m)
{
    if (!m)
        return;
    EVP_MAC_CTX_free(m->ctx); /* wipes the key */
    OPENSSL_free(m);
}

err mac_spans(struct mac *m, const struct span *in, size_t n, uint8_t *out)
{
    if (EVP_MAC_init(m->ctx, NULL, 0, NULL) != 1) /* the same key again */
        return ERR_CRYPTO;
    return mac_feed(m->ctx, in, n, out, m->len);
}

err hmac_spans(enum hash_alg a, struct span key, const struct span *in, size_t n, uint8_t *out)
{
    if (!hash_len(a))
        return ERR_UNSUPPORTED;
    if (!crypto_fetched.mac[a])
        return ERR_CRYPTO;
    EVP_MAC_CTX *ctx = keyed(a, key);
    err e = ctx ? mac_feed(ctx, in, n, out, hash_len(a)) : ERR_CRYPTO;
    EVP_MAC_CTX_free(ctx);
    if (e != ERR_OK)
        ERR_clear_error();
    return e;
}

err hmac_once(enum hash_alg a, struct span key, struct span in, uint8_t *out)
{
    return hmac_spans(a, key, &in, 1, out);
}

/* RFC 5869 s2.2 */
err hkdf_extract(enum hash_alg a, struct span salt, struct span ikm, uint8_t *prk)
{
    return hmac_once(a, salt, ikm, prk);
}

/* RFC 5869 s2.3 */
err hkdf_expand(enum hash_alg a, struct span prk, struct span info, uint8_t *out, size_t out_len)
{
    size_t len = hash_len(a);
    if (!len)
        return ERR_UNSUPPORTED;
    if (out_len > 255 * len)
        return ERR_RANGE;
    struct mac *m = mac_new(a, prk);
    if (!m)
        return ERR_CRYPTO;
    uint8_t t[HASH_LEN_MAX], i = 0;
    err e = ERR_OK;
    for (size_t done = 0; done < out_len;) {
        size_t step = out_len - done < len ? out_len - done : len;
        struct span prev = i ? span_of(t, len) : span_of(NULL, 0);
        i++;
        const struct span in[] = { prev, info, span_of(&i, 1) };
        e = mac_spans(m, in, 3, t);
        if (e != ERR_OK)
            break;
        memcpy(out + done, t, step);
        done += step;
    }
    mac_free(m);
    sec_wipe(t, sizeof t);
    if (e != ERR_OK)
        sec_wipe(out, out_len);
    return e;
}
