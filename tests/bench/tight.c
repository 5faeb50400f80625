/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/tight.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/ossl.h"

#define HMAC_BLOCK_MAX 128

/* HMAC by hand over one digest context: half the time of EVP_MAC, whose key costs a parameter list. */
struct hmac {
    EVP_MD_CTX *inner, *outer; /* the key's two blocks taken in */
};

struct tight {
    struct tight_case c;
    size_t n; /* of RHASH */
    EVP_MD_CTX *md, *work;
    struct hmac hmac;
    EVP_MAC_CTX *kmac; /* RHASH cSHAKE128 */
    EVP_CIPHER_CTX *aes;
    EVP_CIPHER *cipher;
    EVP_PKEY *dh_params, *dh, *sig_params, *own;
    EVP_PKEY_CTX *generate, *derive, *sign;
    EVP_MD *sig_md;
    uint8_t ed25519[crypto_sign_SECRETKEYBYTES];
    uint8_t scratch[4096];
};

static void check(bool held, int line)
{
    if (!held) {
        fprintf(stderr, "tests/bench/tight.c:%d failed\n", line);
        exit(1);
    }
}
#define must(held) check(held, __LINE__)

static EVP_MD *fetch_md(enum hash_alg h)
{
    return EVP_MD_fetch(NULL,
                        h == HASH_CSHAKE128 ? "SHAKE128"
                        : h == HASH_SHA384  ? "SHA2-384"
                                            : "SHA2-256",
                        NULL);
}

/* ---- digests and MACs ---- */

static void digest_with(EVP_MD_CTX *ctx, bool xof, const struct span *in, size_t n, uint8_t *out, size_t len)
{
    must(EVP_DigestInit_ex2(ctx, NULL, NULL) == 1);
    for (size_t i = 0; i < n; i++)
        must(EVP_DigestUpdate(ctx, in[i].p, in[i].n) == 1);
    must((xof ? EVP_DigestFinalXOF(ctx, out, len) : EVP_DigestFinal_ex(ctx, out, NULL)) == 1);
}

static void digest(struct tight *t, const struct span *in, size_t n, uint8_t *out)
{
    digest_with(t->md, t->c.rhash == HASH_CSHAKE128, in, n, out, t->n);
}

static void hmac_key(struct tight *t, struct span key)
{
    uint8_t pad[HMAC_BLOCK_MAX] = { 0 }, hashed[HASH_LEN_MAX];
    size_t block = t->c.rhash == HASH_SHA384 ? 128 : 64;
    if (t->kmac) {
        must(EVP_MAC_init(t->kmac, key.p, key.n, NULL) == 1);
        return;
    }
    if (key.n > block) {
        digest(t, &key, 1, hashed);
        key = span_of(hashed, t->n);
    }
    memcpy(pad, key.p, key.n);
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36;
    must(EVP_DigestInit_ex2(t->hmac.inner, NULL, NULL) == 1 &&
         EVP_DigestUpdate(t->hmac.inner, pad, block) == 1);
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    must(EVP_DigestInit_ex2(t->hmac.outer, NULL, NULL) == 1 &&
         EVP_DigestUpdate(t->hmac.outer, pad, block) == 1);
}

static void hmac(struct tight *t, const struct span *in, size_t n, uint8_t *out)
{
    size_t got;
    if (t->kmac) {
        must(EVP_MAC_init(t->kmac, NULL, 0, NULL) == 1);
        for (size_t i = 0; i < n; i++)
            must(EVP_MAC_update(t->kmac, in[i].p, in[i].n) == 1);
        must(EVP_MAC_final(t->kmac, out, &got, t->n) == 1);
        return;
    }
    must(EVP_MD_CTX_copy_ex(t->work, t->hmac.inner) == 1);
    for (size_t i = 0; i < n; i++)
        must(EVP_DigestUpdate(t->work, in[i].p, in[i].n) == 1);
    must(EVP_DigestFinal_ex(t->work, out, NULL) == 1 && EVP_MD_CTX_copy_ex(t->work, t->hmac.outer) == 1 &&
         EVP_DigestUpdate(t->work, out, t->n) == 1 && EVP_DigestFinal_ex(t->work, out, NULL) == 1);
}

/* Once under a key: nothing of it is copied. */
static void hmac_once_with(struct tight *t, struct span key, struct span in, uint8_t *out)
{
    hmac_key(t, key);
    if (t->kmac) {
        size_t got;
        must(EVP_MAC_update(t->kmac, in.p, in.n) == 1 && EVP_MAC_final(t->kmac, out, &got, t->n) == 1);
        return;
    }
    must(EVP_DigestUpdate(t->hmac.inner, in.p, in.n) == 1 &&
         EVP_DigestFinal_ex(t->hmac.inner, out, NULL) == 1 &&
         EVP_DigestUpdate(t->hmac.outer, out, t->n) == 1 &&
         EVP_DigestFinal_ex(t->hmac.outer, out, NULL) == 1);
}

static void keymat(struct tight *t, struct span salt, struct span kij, uint8_t *out)
{
    uint8_t prk[HASH_LEN_MAX], block[HASH_LEN_MAX], i = 0;
    hmac_once_with(t, salt, kij, prk);
    hmac_key(t, span_of(prk, t->n));
    for (size_t done = 0; done < t->c.keymat; done += t->n) {
        struct span in[] = { span_of(block, i ? t->n : 0), span_of(t->scratch, 32), span_of(&i, 1) };
        i++;
        hmac(t, in, 3, block);
        memcpy(out + done, block, t->n);
    }
}

/* ---- keys ---- */

static EVP_PKEY *params_of(const char *curve)
{
    EVP_PKEY *p = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM g[] = { OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)curve, 0),
                       OSSL_PARAM_construct_end() };
    must(ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
         EVP_PKEY_fromdata(ctx, &p, EVP_PKEY_KEY_PARAMETERS, g) == 1);
    EVP_PKEY_CTX_free(ctx);
    return p;
}

static EVP_PKEY *point_of(EVP_PKEY *params, struct span xy)
{
    uint8_t point[1 + 132] = { 0x04 };
    EVP_PKEY *p = EVP_PKEY_new();
    memcpy(point + 1, xy.p, xy.n);
    must(p && EVP_PKEY_copy_parameters(p, params) == 1 &&
         EVP_PKEY_set1_encoded_public_key(p, point, 1 + xy.n) == 1);
    return p;
}

static EVP_PKEY *rsa_of(struct span pub)
{
    size_t e_len = pub.p[0];
    BIGNUM *e = BN_bin2bn(pub.p + 1, (int)e_len, NULL),
           *n = BN_bin2bn(pub.p + 1 + e_len, (int)(pub.n - 1 - e_len), NULL);
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    must(bld && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
         OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) == 1);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *p = NULL;
    must(EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &p, EVP_PKEY_PUBLIC_KEY, params) == 1);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    BN_free(n);
    BN_free(e);
    return p;
}

static void set_pss(struct tight *t, EVP_PKEY_CTX *ctx)
{
    if (t->c.sig == SIG_RSA)
        must(EVP_PKEY_CTX_set_signature_md(ctx, t->sig_md) == 1 &&
             EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, t->sig_md) == 1 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
}

/* ---- signatures ---- */

static void sign(struct tight *t, size_t message)
{
    uint8_t d[HASH_LEN_MAX], sig[512];
    size_t n = sizeof sig;
    struct span m = span_of(t->scratch, message);
    if (t->c.sig == SIG_ED25519) {
        must(crypto_sign_detached(sig, NULL, m.p, m.n, t->ed25519) == 0);
        return;
    }
    digest(t, &m, 1, d);
    must(EVP_PKEY_sign(t->sign, sig, &n, d, t->n) == 1);
}

static size_t integer(struct span v, uint8_t *out)
{
    while (v.n > 1 && v.p[0] == 0)
        v = span_sub(v, 1, v.n - 1);
    size_t pad = v.p[0] >> 7;
    out[0] = 2;
    out[1] = (uint8_t)(v.n + pad);
    out[2] = 0;
    memcpy(out + 2 + pad, v.p, v.n);
    return 2 + pad + v.n;
}

static void verify(struct tight *t)
{
    uint8_t d[HASH_LEN_MAX], der[128];
    struct span s = t->c.i2_sig;
    if (t->c.sig == SIG_ED25519) {
        must(crypto_sign_verify_detached(s.p, t->c.i2_signed.p, t->c.i2_signed.n, t->c.peer_hi.p) == 0);
        return;
    }
    digest(t, &t->c.i2_signed, 1, d);
    if (t->c.sig != SIG_RSA) {
        size_t n = integer(span_sub(s, 0, s.n / 2), der + 2);
        n += integer(span_sub(s, s.n / 2, s.n / 2), der + 2 + n);
        der[0] = 0x30;
        der[1] = (uint8_t)n;
        s = span_of(der, n + 2);
    }
    EVP_PKEY *p = t->c.sig == SIG_RSA ? rsa_of(t->c.peer_hi) : point_of(t->sig_params, t->c.peer_hi);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, p, NULL);
    must(ctx && EVP_PKEY_verify_init(ctx) == 1);
    set_pss(t, ctx);
    must(EVP_PKEY_verify(ctx, s.p, s.n, d, t->n) == 1);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(p);
}

/* ---- the whole ---- */

static void derive(struct tight *t, uint8_t *out, size_t *n)
{
    EVP_PKEY *peer = point_of(t->dh_params, t->c.peer_dh);
    *n = 64;
    must(EVP_PKEY_derive_set_peer_ex(t->derive, peer, 0) == 1 && EVP_PKEY_derive(t->derive, out, n) == 1);
    EVP_PKEY_free(peer);
}

void tight_generation(struct tight *t)
{
    EVP_PKEY_CTX_free(t->derive);
    EVP_PKEY_free(t->dh);
    t->dh = NULL;
    must(EVP_PKEY_keygen(t->generate, &t->dh) == 1);
    t->derive = EVP_PKEY_CTX_new_from_pkey(NULL, t->dh, NULL);
    must(t->derive && EVP_PKEY_derive_init(t->derive) == 1);
    sign(t, t->c.r1_signed);
}

void tight_exchange(struct tight *t)
{
    uint8_t i[HASH_LEN_MAX], kij[64], mat[1024], salt[2 * HASH_LEN_MAX] = { 1 };
    size_t n;
    int len;
    struct span seed = span_of(t->scratch, 98), puzzle = span_of(t->scratch, 32 + 2 * t->n);
    digest(t, &seed, 1, i);
    digest(t, &seed, 1, i);
    digest(t, &puzzle, 1, i);
    derive(t, kij, &n);
    keymat(t, span_of(salt, 2 * t->n), span_of(kij, n), mat);
    hmac_once_with(t, span_of(mat, t->n), span_of(t->scratch, t->c.i2_maced), i);
    if (t->c.i2_encrypted)
        must(EVP_DecryptInit_ex2(t->aes, NULL, mat, mat + 16, NULL) == 1 &&
             EVP_DecryptUpdate(t->aes, t->scratch + 2048, &len, t->scratch, (int)t->c.i2_encrypted) == 1);
    digest(t, &t->c.host_id, 1, i);
    verify(t);
    hmac_once_with(t, span_of(mat + 32, t->n), span_of(t->scratch, t->c.r2_maced), i);
    sign(t, t->c.r2_signed);
}

static void begin_own(struct tight *t)
{
    const unsigned char *der = t->c.own_private.p;
    size_t n = crypto_sign_SEEDBYTES;
    uint8_t seed[crypto_sign_SEEDBYTES], pub[crypto_sign_PUBLICKEYBYTES];
    t->own = d2i_AutoPrivateKey(NULL, &der, (long)t->c.own_private.n);
    must(t->own);
    if (t->c.sig == SIG_ED25519) {
        must(EVP_PKEY_get_raw_private_key(t->own, seed, &n) == 1 &&
             crypto_sign_seed_keypair(pub, t->ed25519, seed) == 0);
        return;
    }
    t->sign = EVP_PKEY_CTX_new_from_pkey(NULL, t->own, NULL);
    must(t->sign && EVP_PKEY_sign_init(t->sign) == 1);
    set_pss(t, t->sign);
    if (t->c.sig != SIG_RSA)
        t->sig_params = params_of(t->c.sig == SIG_ECDSA_P384 ? "P-384" : "P-256");
}

struct tight *tight_new(const struct tight_case *c)
{
    struct tight *t = calloc(1, sizeof *t);
    must(t && c->keymat <= 1024 - HASH_LEN_MAX && c->i2_encrypted <= 2000);
    t->c = *c;
    t->n = hash_len(c->rhash);
    EVP_MD_CTX **ctx[] = { &t->md, &t->work, &t->hmac.inner, &t->hmac.outer };
    EVP_MD *md = fetch_md(c->rhash);
    for (size_t i = 0; i < sizeof ctx / sizeof *ctx; i++) {
        *ctx[i] = EVP_MD_CTX_new();
        must(md && *ctx[i] && EVP_DigestInit_ex2(*ctx[i], md, NULL) == 1);
    }
    t->sig_md = md;
    if (c->rhash == HASH_CSHAKE128) {
        EVP_MAC *mac = EVP_MAC_fetch(NULL, "KMAC-128", NULL);
        t->kmac = EVP_MAC_CTX_new(mac);
        EVP_MAC_free(mac);
        must(t->kmac != NULL);
    }
    t->cipher = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL);
    t->aes = EVP_CIPHER_CTX_new();
    must(t->cipher && t->aes && EVP_DecryptInit_ex2(t->aes, t->cipher, t->scratch, t->scratch, NULL) == 1);
    t->dh_params = params_of(c->curve);
    t->generate = EVP_PKEY_CTX_new_from_pkey(NULL, t->dh_params, NULL);
    must(t->generate && EVP_PKEY_keygen_init(t->generate) == 1);
    begin_own(t);
    tight_generation(t);
    return t;
}

void tight_free(struct tight *t)
{
    EVP_PKEY_CTX_free(t->generate);
    EVP_PKEY_CTX_free(t->derive);
    EVP_PKEY_CTX_free(t->sign);
    EVP_PKEY_free(t->dh_params);
    EVP_PKEY_free(t->sig_params);
    EVP_PKEY_free(t->dh);
    EVP_PKEY_free(t->own);
    EVP_CIPHER_CTX_free(t->aes);
    EVP_CIPHER_free(t->cipher);
    EVP_MAC_CTX_free(t->kmac);
    EVP_MD_CTX_free(t->md);
    EVP_MD_CTX_free(t->work);
    EVP_MD_CTX_free(t->hmac.inner);
    EVP_MD_CTX_free(t->hmac.outer);
    EVP_MD_free(t->sig_md);
    free(t);
}
