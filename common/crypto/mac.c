/* SPDX-License-Identifier: Apache-2.0
 *
 * MACs, and HKDF over them. HMAC is put together from digest contexts: EVP_MAC's is the same with a parameter list and three allocations for each
 * key. KMAC128 and CMAC are EVP_MAC's.
 */
#include <string.h>

#include "common/crypto/fetched.h"
#include "common/crypto/scratch.h"
#include "common/crypto/secret.h"

#define BLOCK_MAX 128 /* octets that a hash takes in at a time: SHA-384, SHA-512 */

struct mac {
    enum hash_alg alg; /* HASH_NONE: CMAC */
    size_t len;
    EVP_MD_CTX *inner, *outer; /* HMAC: the key's two blocks taken in */
    EVP_MD_CTX *work;
    EVP_MAC_CTX *evp; /* KMAC128, CMAC */
};

/* An empty key is HKDF's absent salt: as many zeros as the hash is long (RFC 5869 s2.2). HMAC pads it to that anyhow. */
static EVP_MAC_CTX *kmac_keyed(struct span key)
{
    static const uint8_t zeros[HASH_LEN_MAX];
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(crypto_fetched.kmac128);
    if (key.n == 0)
        key = span_of(zeros, hash_len(HASH_CSHAKE128));
    if (ctx && EVP_MAC_init(ctx, key.p, key.n, NULL) == 1)
        return ctx;
    EVP_MAC_CTX_free(ctx);
    return NULL;
}

static err evp_feed(EVP_MAC_CTX *ctx, const struct span *in, size_t n, uint8_t *out, size_t len)
{
    size_t got = 0;
    for (size_t i = 0; i < n; i++)
        if (in[i].n && EVP_MAC_update(ctx, in[i].p, in[i].n) != 1)
            return ERR_CRYPTO;
    return EVP_MAC_final(ctx, out, &got, len) == 1 && got == len ? ERR_OK : ERR_CRYPTO;
}

/* RFC 2104 s2: the key, hashed when it is longer than a block, xored with ipad and opad. */
static bool hmac_key(enum hash_alg a, struct span key, EVP_MD_CTX *inner, EVP_MD_CTX *outer)
{
    uint8_t pad[BLOCK_MAX] = { 0 };
    size_t block = (size_t)EVP_MD_get_block_size(crypto_fetched.md[a]);
    bool good = true;
    if (key.n > block)
        good = hash_once(a, key, pad) == ERR_OK;
    else if (key.n)
        memcpy(pad, key.p, key.n);
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36;
    good = good && EVP_DigestInit_ex2(inner, crypto_fetched.md[a], NULL) == 1 &&
           EVP_DigestUpdate(inner, pad, block) == 1;
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    good = good && EVP_DigestInit_ex2(outer, crypto_fetched.md[a], NULL) == 1 &&
           EVP_DigestUpdate(outer, pad, block) == 1;
    sec_wipe(pad, sizeof pad);
    return good;
}

static struct mac *mac_blank(enum hash_alg a)
{
    struct mac *m = OPENSSL_zalloc(sizeof *m);
    if (!m)
        return NULL;
    m->alg = a;
    m->len = hash_len(a);
    if (a == HASH_CSHAKE128)
        return m;
    EVP_MD_CTX **ctx[] = { &m->inner, &m->outer, &m->work };
    for (size_t i = 0; i < sizeof ctx / sizeof *ctx; i++) {
        *ctx[i] = EVP_MD_CTX_new();
        if (!*ctx[i]) {
            mac_free(m);
            return NULL;
        }
    }
    return m;
}

static bool mac_key(struct mac *m, struct span key)
{
    if (m->alg != HASH_CSHAKE128)
        return hmac_key(m->alg, key, m->inner, m->outer);
    m->evp = kmac_keyed(key);
    return m->evp != NULL;
}

/* The thread's own, without a key. */
static struct mac *mac_scratch(enum hash_alg a)
{
    struct mac **at = scratch_mac(a);
    if (at && !*at)
        *at = mac_blank(a);
    return at ? *at : NULL;
}

static void mac_unkey(struct mac *m)
{
    EVP_MAC_CTX_free(m->evp);
    m->evp = NULL;
    if (!m->inner)
        return;
    (void)EVP_MD_CTX_reset(m->inner); /* wipes */
    (void)EVP_MD_CTX_reset(m->outer);
    (void)EVP_MD_CTX_reset(m->work);
}

struct mac *mac_new(enum hash_alg a, struct span key)
{
    if (!hash_len(a) || !crypto_fetched.md[a])
        return NULL;
    struct mac *m = mac_blank(a);
    if (m && mac_key(m, key))
        return m;
    mac_free(m);
    ERR_clear_error();
    return NULL;
}

struct mac *mac_cmac_new(struct span key)
{
    OSSL_PARAM p[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, (char *)"AES-128-CBC", 0),
                       OSSL_PARAM_construct_end() };
    struct mac *m = key.n == 16 && crypto_fetched.cmac ? OPENSSL_zalloc(sizeof *m) : NULL;
    if (!m)
        return NULL;
    m->len = CMAC_LEN;
    m->evp = EVP_MAC_CTX_new(crypto_fetched.cmac);
    if (m->evp && EVP_MAC_init(m->evp, key.p, key.n, p) == 1)
        return m;
    mac_free(m);
    ERR_clear_error();
    return NULL;
}

void mac_free(struct mac *m)
{
    if (!m)
        return;
    EVP_MD_CTX_free(m->inner); /* wipe what they hold */
    EVP_MD_CTX_free(m->outer);
    EVP_MD_CTX_free(m->work);
    EVP_MAC_CTX_free(m->evp);
    OPENSSL_free(m);
}

static bool inner_hash(EVP_MD_CTX *inner, const struct span *in, size_t n, uint8_t d[HASH_LEN_MAX])
{
    return scratch_feed(inner, in, n) && EVP_DigestFinal_ex(inner, d, NULL) == 1;
}

static bool outer_hash(EVP_MD_CTX *outer, const uint8_t *d, size_t len, uint8_t *out)
{
    return EVP_DigestUpdate(outer, d, len) == 1 && EVP_DigestFinal_ex(outer, out, NULL) == 1;
}

/* The keyed contexts stay as they are. */
static err hmac_again(struct mac *m, const struct span *in, size_t n, uint8_t *out)
{
    uint8_t d[HASH_LEN_MAX];
    bool good = EVP_MD_CTX_copy_ex(m->work, m->inner) == 1 && inner_hash(m->work, in, n, d) &&
                EVP_MD_CTX_copy_ex(m->work, m->outer) == 1 && outer_hash(m->work, d, hash_len(m->alg), out);
    return good ? ERR_OK : ERR_CRYPTO;
}

/* The keyed contexts are used up. */
static err hmac_last(struct mac *m, const struct span *in, size_t n, uint8_t *out)
{
    uint8_t d[HASH_LEN_MAX];
    bool good = inner_hash(m->inner, in, n, d) && outer_hash(m->outer, d, hash_len(m->alg), out);
    return good ? ERR_OK : ERR_CRYPTO;
}

err mac_spans(struct mac *m, const struct span *in, size_t n, uint8_t *out)
{
    if (m->inner)
        return hmac_again(m, in, n, out);
    return EVP_MAC_init(m->evp, NULL, 0, NULL) == 1 /* the same key again */
               ? evp_feed(m->evp, in, n, out, m->len)
               : ERR_CRYPTO;
}

err hmac_spans(enum hash_alg a, struct span key, const struct span *in, size_t n, uint8_t *out)
{
    if (!hash_len(a))
        return ERR_UNSUPPORTED;
    struct mac *m = mac_scratch(a);
    err e = ERR_CRYPTO;
    if (m && mac_key(m, key))
        e = a == HASH_CSHAKE128 ? evp_feed(m->evp, in, n, out, hash_len(a)) : hmac_last(m, in, n, out);
    if (m)
        mac_unkey(m);
    if (e != ERR_OK)
        ERR_clear_error();
    return e;
}

err hmac_once(enum hash_alg a, struct span key, struct span in, uint8_t *out)
{
    return hmac_spans(a, key, &in, 1, out);
}

/* ---- HKDF ---- */

/* RFC 5869 s2.2 */
err hkdf_extract(enum hash_alg a, struct span salt, struct span ikm, uint8_t *prk)
{
    return hmac_once(a, salt, ikm, prk);
}

/* RFC 5869 s2.3: T(i + 1) and so on from T(i). */
err hkdf_more(enum hash_alg a, struct span prk, struct span info, struct hkdf_state *t, uint8_t *out,
              size_t blocks)
{
    size_t len = hash_len(a);
    if (!len)
        return ERR_UNSUPPORTED;
    if (blocks > 255u - t->i)
        return ERR_RANGE;
    struct mac *m = mac_scratch(a);
    err e = m && mac_key(m, prk) ? ERR_OK : ERR_CRYPTO;
    for (size_t k = 0; e == ERR_OK && k < blocks; k++) {
        struct span prev = t->i ? span_of(t->last, len) : span_of(NULL, 0);
        t->i++;
        const struct span in[] = { prev, info, span_of(&t->i, 1) };
        e = mac_spans(m, in, 3, t->last);
        if (e == ERR_OK)
            memcpy(out + k * len, t->last, len);
    }
    if (m)
        mac_unkey(m);
    if (e != ERR_OK)
        ERR_clear_error();
    return e;
}

err hkdf_expand(enum hash_alg a, struct span prk, struct span info, uint8_t *out, size_t out_len)
{
    size_t len = hash_len(a);
    if (!len)
        return ERR_UNSUPPORTED;
    if (out_len > 255 * len)
        return ERR_RANGE;
    struct hkdf_state t = { 0 };
    uint8_t last[HASH_LEN_MAX];
    size_t whole = out_len / len, rest = out_len % len;
    err e = hkdf_more(a, prk, info, &t, out, whole);
    if (e == ERR_OK && rest)
        e = hkdf_more(a, prk, info, &t, last, 1);
    if (e == ERR_OK && rest)
        memcpy(out + whole * len, last, rest);
    sec_wipe(last, sizeof last);
    sec_wipe(&t, sizeof t);
    if (e != ERR_OK)
        sec_wipe(out, out_len);
    return e;
}
