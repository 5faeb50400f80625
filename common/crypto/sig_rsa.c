/* SPDX-License-Identifier: Apache-2.0
 *
 * RSA. Public form as RFC 3110 s2; RSASSA-PSS with MGF1 of the same hash and a salt of its length (RFC 7401 s5.2.9 MUST,
 * RFC 8017 s8.1).
 */
#include <string.h>

#include "common/base/cursor.h"
#include "common/base/env.h"
#include "common/crypto/fetched.h"
#include "common/crypto/secret.h"
#include "common/crypto/sig_priv.h"

#define RSA_BITS_MIN      1024
#define RSA_BITS_MAX      4096
#define RSA_GENERATED_MIN 2048
#define RSA_E_MAX         8           /* octets: what a peer chooses for us to compute with stays small */
#define NATURAL           HASH_SHA256 /* HIT suite 1's: what signing contexts are kept ready for */

static enum sig_type rsa_type_of(const EVP_PKEY *pkey)
{
    return EVP_PKEY_is_a(pkey, "RSA") ? SIG_RSA : SIG_NONE;
}

/* RFC 3110 s2: exponent length in one octet, or zero and two; neither number may begin with a zero octet. */
static err split(struct span pub, struct span *exponent, struct span *modulus)
{
    struct rcur c = rcur_of(pub);
    size_t n = rcur_u8(&c);
    if (n == 0) {
        n = rcur_u16(&c);
        if (n < 256)
            return ERR_MALFORMED;
    }
    struct span e = rcur_take(&c, n), m = rcur_rest(&c);
    if (!rcur_ok(&c) || e.n == 0 || e.n > RSA_E_MAX || m.n == 0 || e.p[0] == 0 || m.p[0] == 0)
        return ERR_MALFORMED;
    if (!(e.p[e.n - 1] & 1) || (e.n == 1 && e.p[0] < 3) || !(m.p[m.n - 1] & 1))
        return ERR_MALFORMED;
    size_t bits = 8 * m.n;
    for (uint8_t top = m.p[0]; !(top & 0x80); top = (uint8_t)(top << 1))
        bits--;
    if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
        return ERR_MALFORMED;
    *exponent = e;
    *modulus = m;
    return ERR_OK;
}

static size_t rsa_public_of(const EVP_PKEY *pkey, enum sig_type t, uint8_t *out)
{
    (void)t;
    BIGNUM *n = NULL, *e = NULL;
    size_t len = 0;
    if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
        EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_num_bytes(e) <= RSA_E_MAX &&
        BN_num_bits(n) <= RSA_BITS_MAX) {
        out[0] = (uint8_t)BN_num_bytes(e);
        size_t elen = (size_t)BN_bn2bin(e, out + 1);
        len = 1 + elen + (size_t)BN_bn2bin(n, out + 1 + elen);
    }
    BN_free(n);
    BN_free(e);
    return len;
}

static err rsa_open(struct sig_key *k, struct span pub)
{
    struct span exponent, modulus;
    err bad = split(pub, &exponent, &modulus);
    if (bad != ERR_OK)
        return bad;
    BIGNUM *e = BN_bin2bn(exponent.p, (int)exponent.n, NULL), *n = BN_bin2bn(modulus.p, (int)modulus.n, NULL);
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    if (e && n && bld && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        k->pkey = sig_pkey_from("RSA", bld, EVP_PKEY_PUBLIC_KEY);
    OSSL_PARAM_BLD_free(bld);
    BN_free(e);
    BN_free(n);
    k->sig_len = modulus.n;
    return k->pkey ? ERR_OK : ERR_MALFORMED;
}

static EVP_PKEY *rsa_generate(enum sig_type t, unsigned bits)
{
    (void)t;
    return bits < RSA_GENERATED_MIN || bits > RSA_BITS_MAX
               ? NULL
               : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
}

/* ---- a pair from named draws ---- */

/* The first prime p at or above a draw with its two highest bits and its lowest one set, for which e has an inverse modulo p - 1. */
static BIGNUM *drawn_prime(size_t octets, const BIGNUM *e, const struct env *env, BN_CTX *ctx)
{
    uint8_t draw[RSA_BITS_MAX / 16];
    BIGNUM *p = BN_new(), *rest = BN_new();
    bool good = p && rest;
    if (good) {
        env_draw(env, "hi_private", draw, octets);
        draw[0] |= 0xc0;
        draw[octets - 1] |= 1;
        good = BN_bin2bn(draw, (int)octets, p) != NULL;
        sec_wipe(draw, sizeof draw);
    }
    while (good) {
        int prime = BN_check_prime(p, ctx, NULL);
        /* e is prime: it shares a factor with p - 1 when p is 1 modulo e */
        if (prime < 0 || BN_mod(rest, p, e, ctx) != 1)
            good = false;
        else if (prime == 1 && !BN_is_one(rest))
            break;
        else
            good = BN_add_word(p, 2) == 1;
    }
    BN_clear_free(rest);
    if (good)
        return p;
    BN_clear_free(p);
    return NULL;
}

struct pair {
    BIGNUM *e, *p, *q, *n, *d, *dp, *dq, *qinv;
};

static void pair_clear(struct pair *r)
{
    BN_free(r->e);
    BN_free(r->n);
    BN_clear_free(r->p);
    BN_clear_free(r->q);
    BN_clear_free(r->d);
    BN_clear_free(r->dp);
    BN_clear_free(r->dq);
    BN_clear_free(r->qinv);
}

/* d modulo lcm(p - 1, q - 1), and what the Chinese remainder theorem wants (RFC 8017 s3.2). */
static bool pair_fill(struct pair *r, BN_CTX *ctx)
{
    BIGNUM *p1 = BN_dup(r->p), *q1 = BN_dup(r->q), *gcd = BN_new(), *lcm = BN_new();
    r->n = BN_new();
    r->dp = BN_new();
    r->dq = BN_new();
    bool good = p1 && q1 && gcd && lcm && r->n && r->dp && r->dq && BN_mul(r->n, r->p, r->q, ctx) == 1 &&
                BN_sub_word(p1, 1) == 1 && BN_sub_word(q1, 1) == 1 && BN_gcd(gcd, p1, q1, ctx) == 1 &&
                BN_mul(lcm, p1, q1, ctx) == 1 && BN_div(lcm, NULL, lcm, gcd, ctx) == 1;
    if (good) {
        r->d = BN_mod_inverse(NULL, r->e, lcm, ctx);
        r->qinv = BN_mod_inverse(NULL, r->q, r->p, ctx);
        good = r->d && r->qinv && BN_mod(r->dp, r->d, p1, ctx) == 1 && BN_mod(r->dq, r->d, q1, ctx) == 1;
    }
    BN_clear_free(p1);
    BN_clear_free(q1);
    BN_clear_free(gcd);
    BN_clear_free(lcm);
    return good;
}

static EVP_PKEY *pair_pkey(const struct pair *r)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    if (bld && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, r->n) == 1 &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, r->e) == 1 &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_D, r->d) == 1 &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_FACTOR1, r->p) == 1 &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_FACTOR2, r->q) == 1 &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_EXPONENT1, r->dp) == 1 &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_EXPONENT2, r->dq) == 1 &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, r->qinv) == 1)
        pkey = sig_pkey_from("RSA", bld, EVP_PKEY_KEYPAIR);
    OSSL_PARAM_BLD_free(bld);
    return pkey;
}

static EVP_PKEY *rsa_generate_drawn(enum sig_type t, unsigned bits, const struct env *env)
{
    (void)t;
    if (bits < RSA_GENERATED_MIN || bits > RSA_BITS_MAX || bits % 16)
        return NULL;
    struct pair r = { .e = BN_new() };
    EVP_PKEY *pkey = NULL;
    BN_CTX *ctx = BN_CTX_new();
    if (!r.e || !ctx || BN_set_word(r.e, RSA_F4) != 1)
        goto out;
    r.p = drawn_prime(bits / 16, r.e, env, ctx);
    r.q = r.p ? drawn_prime(bits / 16, r.e, env, ctx) : NULL;
    if (r.q && BN_cmp(r.p, r.q) < 0) {
        BIGNUM *swap = r.p;
        r.p = r.q;
        r.q = swap;
    }
    if (r.q && BN_cmp(r.p, r.q) != 0 && pair_fill(&r, ctx))
        pkey = pair_pkey(&r);
out:
    pair_clear(&r);
    BN_CTX_free(ctx);
    return pkey;
}

/* ---- signatures ---- */

static bool set_pss(EVP_PKEY_CTX *ctx, enum hash_alg h)
{
    const EVP_MD *md = crypto_fetched.md[h];
    return EVP_PKEY_CTX_set_signature_md(ctx, md) == 1 &&
           EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static err rsa_prepare(struct sig_key *k)
{
    k->signer = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
    return k->signer && EVP_PKEY_sign_init(k->signer) == 1 && set_pss(k->signer, NATURAL) ? ERR_OK
                                                                                          : ERR_CRYPTO;
}

static err rsa_make(const struct sig_key *k, enum hash_alg h, struct span msg, uint8_t *out)
{
    uint8_t digest[HASH_LEN_MAX];
    size_t n = sig_digest(h, msg, digest), len = SIG_LEN_MAX;
    if (n == 0)
        return ERR_UNSUPPORTED;
    EVP_PKEY_CTX *ctx = sig_signer(k);
    bool good = ctx && (h == NATURAL || set_pss(ctx, h)) && EVP_PKEY_sign(ctx, out, &len, digest, n) == 1 &&
                len == k->sig_len;
    EVP_PKEY_CTX_free(ctx);
    return good ? ERR_OK : ERR_CRYPTO;
}

/* MGF1 (RFC 8017 B.2.1), xored onto out. */
static err mgf1(enum hash_alg h, struct span seed, uint8_t *out, size_t n)
{
    uint8_t block[HASH_LEN_MAX], counter[4] = { 0 };
    for (size_t done = 0; done < n; done += hash_len(h), counter[3]++) {
        const struct span in[] = { seed, span_of(counter, sizeof counter) };
        err e = hash_spans(h, in, 2, block);
        if (e != ERR_OK)
            return e;
        for (size_t i = 0; i < hash_len(h) && done + i < n; i++)
            out[done + i] ^= block[i];
    }
    return ERR_OK;
}

/* EMSA-PSS-ENCODE (RFC 8017 s9.1.1) into as many octets as the modulus has; em_bits is one less than its bits. */
static err pss_encode(enum hash_alg h, struct span digest, struct span salt, size_t em_bits, uint8_t *out,
                      size_t len)
{
    static const uint8_t zeros[8];
    size_t em_len = (em_bits + 7) / 8, db_len = em_len - digest.n - 1;
    uint8_t *em = out + (len - em_len), *hash = em + db_len;
    if (em_len < digest.n + salt.n + 2)
        return ERR_RANGE;
    memset(out, 0, len);
    const struct span in[] = { span_of(zeros, sizeof zeros), digest, salt };
    err e = hash_spans(h, in, 3, hash);
    if (e != ERR_OK)
        return e;
    em[db_len - salt.n - 1] = 0x01;
    memcpy(em + db_len - salt.n, salt.p, salt.n);
    e = mgf1(h, span_of(hash, digest.n), em, db_len);
    em[0] = (uint8_t)(em[0] & 0xff >> (8 * em_len - em_bits));
    em[em_len - 1] = 0xbc;
    return e;
}

static err rsa_make_drawn(const struct sig_key *k, enum hash_alg h, struct span msg, const struct env *env,
                          uint8_t *out)
{
    uint8_t digest[HASH_LEN_MAX], salt[HASH_LEN_MAX], em[SIG_LEN_MAX];
    size_t n = sig_digest(h, msg, digest), len = SIG_LEN_MAX;
    if (n == 0)
        return ERR_UNSUPPORTED;
    env_draw(env, "rsa_pss_salt", salt, n);
    err e = pss_encode(h, span_of(digest, n), span_of(salt, n), (size_t)EVP_PKEY_get_bits(k->pkey) - 1, em,
                       k->sig_len);
    if (e != ERR_OK)
        return e;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
    bool good = ctx && EVP_PKEY_sign_init(ctx) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
                EVP_PKEY_sign(ctx, out, &len, em, k->sig_len) == 1 && len == k->sig_len;
    EVP_PKEY_CTX_free(ctx);
    return good ? ERR_OK : ERR_CRYPTO;
}

static bool rsa_verify(const struct sig_key *k, enum hash_alg h, struct span msg, struct span sig)
{
    uint8_t digest[HASH_LEN_MAX];
    size_t n = sig_digest(h, msg, digest);
    if (n == 0)
        return false;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
    bool good = ctx && EVP_PKEY_verify_init(ctx) == 1 && set_pss(ctx, h) &&
                EVP_PKEY_verify(ctx, sig.p, sig.n, digest, n) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good;
}

const struct sig_family sig_rsa = {
    .type_of = rsa_type_of,
    .public_of = rsa_public_of,
    .open = rsa_open,
    .generate = rsa_generate,
    .generate_drawn = rsa_generate_drawn,
    .prepare = rsa_prepare,
    .make = rsa_make,
    .make_drawn = rsa_make_drawn,
    .verify = rsa_verify,
};
