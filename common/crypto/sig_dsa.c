/* SPDX-License-Identifier: Apache-2.0
 *
 * DSA with p of 1024 bits and q of 160: the largest that RFC 2536 can say (T = 8), and none smaller is taken. Public form (s2):
 * T, Q(20), P, G, Y of 64 + 8T octets each. Signature (s3): T, R(20), S(20).
 */
#include <string.h>

#include "common/base/env.h"
#include "common/crypto/fetched.h"
#include "common/crypto/sig_priv.h"

#define DSA_T       8
#define DSA_P_LEN   128
#define DSA_Q_LEN   20
#define DSA_PUB_LEN (1 + DSA_Q_LEN + 3 * DSA_P_LEN)
#define DSA_SIG_LEN (1 + 2 * DSA_Q_LEN)
#define DRAWS_MAX   8 /* a nonce that gives a zero is a matter of 2^-160 */

/* RFC 6979 A.2.1: the group of the keys that come from a seed. */
#define DRAWN_P \
    "86F5CA03DCFEB225063FF830A0C769B9DD9D6153AD91D7CE27F787C43278B447E6533B86B18BED6E8A48B784A14C252C" \
    "5BE0DBF60B86D6385BD2F12FB763ED8873ABFD3F5BA2E0A8C0A59082EAC056935E529DAF7C610467899C77ADEDFC846C" \
    "881870B7B19B2B58F9BE0521A17002E3BDD6B86685EE90B3D9A1B02B782B1779"
#define DRAWN_Q "996F967F6C8E388D9E28D01E205FBA957A5698B1"
#define DRAWN_G \
    "07B0F92546150B62514BB771E2A0C0CE387F03BDA6C56B505209FF25FD3C133D89BBCD97E904E09114D9A7DEFDEADFC9" \
    "078EA544D2E401AEECC40BB9FBBF78FD87995A10A1C27CB7789B594BA7EFB5C4326A9FE59A070E136DB77175464ADCA4" \
    "17BE5DCE2F40D10A46A3A3943F26AB7FD9C0398FF8C76EE0A56826A8A88F1DBD"

struct dsa {
    BIGNUM *p, *q, *g, *y, *x;
};

static void dsa_clear(struct dsa *d)
{
    BN_free(d->p);
    BN_free(d->q);
    BN_free(d->g);
    BN_free(d->y);
    BN_clear_free(d->x);
}

/* The sizes that have a form; g and y are no trivial elements. */
static bool dsa_is_good(const struct dsa *d)
{
    return d->p && d->q && d->g && d->y && BN_num_bits(d->p) == 8 * DSA_P_LEN &&
           BN_num_bits(d->q) == 8 * DSA_Q_LEN && BN_is_odd(d->p) && BN_is_odd(d->q) && !BN_is_zero(d->g) &&
           !BN_is_one(d->g) && BN_cmp(d->g, d->p) < 0 && !BN_is_zero(d->y) && !BN_is_one(d->y) &&
           BN_cmp(d->y, d->p) < 0;
}

static EVP_PKEY *dsa_pkey(const struct dsa *d)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    if (bld && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_FFC_P, d->p) == 1 &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_FFC_Q, d->q) == 1 &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_FFC_G, d->g) == 1 &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PUB_KEY, d->y) == 1 &&
        (!d->x || OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, d->x) == 1))
        pkey = sig_pkey_from("DSA", bld, d->x ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY);
    OSSL_PARAM_BLD_free(bld);
    return pkey;
}

static bool dsa_get(const EVP_PKEY *pkey, struct dsa *d)
{
    return EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_FFC_P, &d->p) == 1 &&
           EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_FFC_Q, &d->q) == 1 &&
           EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_FFC_G, &d->g) == 1 &&
           EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, &d->y) == 1;
}

static enum sig_type dsa_type_of(const EVP_PKEY *pkey)
{
    return EVP_PKEY_is_a(pkey, "DSA") ? SIG_DSA : SIG_NONE;
}

static size_t dsa_public_of(const EVP_PKEY *pkey, enum sig_type t, uint8_t *out)
{
    (void)t;
    struct dsa d = { 0 };
    size_t n = 0;
    if (dsa_get(pkey, &d) && dsa_is_good(&d)) {
        uint8_t *at = out + 1 + DSA_Q_LEN;
        out[0] = DSA_T;
        if (BN_bn2binpad(d.q, out + 1, DSA_Q_LEN) == DSA_Q_LEN &&
            BN_bn2binpad(d.p, at, DSA_P_LEN) == DSA_P_LEN &&
            BN_bn2binpad(d.g, at + DSA_P_LEN, DSA_P_LEN) == DSA_P_LEN &&
            BN_bn2binpad(d.y, at + (size_t)2 * DSA_P_LEN, DSA_P_LEN) == DSA_P_LEN)
            n = DSA_PUB_LEN;
    }
    dsa_clear(&d);
    return n;
}

static err dsa_open(struct sig_key *k, struct span pub)
{
    if (pub.n != DSA_PUB_LEN || pub.p[0] != DSA_T)
        return ERR_MALFORMED;
    const uint8_t *at = pub.p + 1 + DSA_Q_LEN;
    struct dsa d = { .q = BN_bin2bn(pub.p + 1, DSA_Q_LEN, NULL),
                     .p = BN_bin2bn(at, DSA_P_LEN, NULL),
                     .g = BN_bin2bn(at + DSA_P_LEN, DSA_P_LEN, NULL),
                     .y = BN_bin2bn(at + (size_t)2 * DSA_P_LEN, DSA_P_LEN, NULL) };
    k->pkey = dsa_is_good(&d) ? dsa_pkey(&d) : NULL;
    k->sig_len = DSA_SIG_LEN;
    dsa_clear(&d);
    return k->pkey ? ERR_OK : ERR_MALFORMED;
}

/* Parameters of its own: takes a second or so. */
static EVP_PKEY *dsa_generate(enum sig_type t, unsigned bits)
{
    (void)t;
    (void)bits;
    EVP_PKEY *params = NULL, *pkey = NULL;
    EVP_PKEY_CTX *group = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL), *key = NULL;
    size_t p_bits = (size_t)8 * DSA_P_LEN, q_bits = (size_t)8 * DSA_Q_LEN;
    OSSL_PARAM sizes[] = { OSSL_PARAM_construct_size_t(OSSL_PKEY_PARAM_FFC_PBITS, &p_bits),
                           OSSL_PARAM_construct_size_t(OSSL_PKEY_PARAM_FFC_QBITS, &q_bits),
                           OSSL_PARAM_construct_end() };
    if (group && EVP_PKEY_paramgen_init(group) == 1 && EVP_PKEY_CTX_set_params(group, sizes) == 1 &&
        EVP_PKEY_generate(group, &params) == 1)
        key = EVP_PKEY_CTX_new_from_pkey(NULL, params, NULL);
    if (!key || EVP_PKEY_keygen_init(key) != 1 || EVP_PKEY_generate(key, &pkey) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(group);
    EVP_PKEY_CTX_free(key);
    EVP_PKEY_free(params);
    return pkey;
}

static EVP_PKEY *dsa_generate_drawn(enum sig_type t, unsigned bits, const struct env *env)
{
    (void)t;
    (void)bits;
    struct dsa d = { .y = BN_new() };
    EVP_PKEY *pkey = NULL;
    BN_CTX *ctx = BN_CTX_new();
    if (ctx && d.y && BN_hex2bn(&d.p, DRAWN_P) && BN_hex2bn(&d.q, DRAWN_Q) && BN_hex2bn(&d.g, DRAWN_G) &&
        (d.x = sig_drawn_scalar(env, "hi_private", d.q)) && BN_mod_exp(d.y, d.g, d.x, d.p, ctx) == 1)
        pkey = dsa_pkey(&d);
    BN_CTX_free(ctx);
    dsa_clear(&d);
    return pkey;
}

static err dsa_prepare(struct sig_key *k)
{
    k->signer = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
    return k->signer && EVP_PKEY_sign_init(k->signer) == 1 ? ERR_OK : ERR_CRYPTO;
}

/* The leftmost octets of the digest that q has room for: OpenSSL wants no more (FIPS 186-4 s4.6). */
static size_t dsa_digest(enum hash_alg h, struct span msg, uint8_t digest[HASH_LEN_MAX])
{
    size_t n = sig_digest(h, msg, digest);
    return n < DSA_Q_LEN ? n : DSA_Q_LEN;
}

static err dsa_make(const struct sig_key *k, enum hash_alg h, struct span msg, uint8_t *out)
{
    uint8_t digest[HASH_LEN_MAX], der[SIG_DER_MAX];
    size_t n = dsa_digest(h, msg, digest), der_len = sizeof der;
    if (n == 0)
        return ERR_UNSUPPORTED;
    EVP_PKEY_CTX *ctx = sig_signer(k);
    bool good = ctx && EVP_PKEY_sign(ctx, der, &der_len, digest, n) == 1 &&
                sig_rs_from_der(span_of(der, der_len), DSA_Q_LEN, out + 1);
    out[0] = DSA_T;
    EVP_PKEY_CTX_free(ctx);
    return good ? ERR_OK : ERR_CRYPTO;
}

/* One try with one nonce: r = (g^k mod p) mod q. */
static bool sign_with(const struct dsa *d, const BIGNUM *k, struct span digest, uint8_t *out)
{
    BIGNUM *r = BN_new();
    BN_CTX *ctx = BN_CTX_new();
    bool good = r && ctx && BN_mod_exp(r, d->g, k, d->p, ctx) == 1 && BN_mod(r, r, d->q, ctx) == 1 &&
                sig_rs_make(digest, d->q, d->x, k, r, DSA_Q_LEN, out);
    BN_CTX_free(ctx);
    BN_free(r);
    return good;
}

static err dsa_make_drawn(const struct sig_key *k, enum hash_alg h, struct span msg, const struct env *env,
                          uint8_t *out)
{
    uint8_t digest[HASH_LEN_MAX];
    size_t n = dsa_digest(h, msg, digest);
    struct dsa d = { 0 };
    bool good = false;
    if (n == 0)
        return ERR_UNSUPPORTED;
    if (dsa_get(k->pkey, &d) && EVP_PKEY_get_bn_param(k->pkey, OSSL_PKEY_PARAM_PRIV_KEY, &d.x) == 1) {
        for (int i = 0; i < DRAWS_MAX && !good; i++) {
            BIGNUM *nonce = sig_drawn_scalar(env, "sig_nonce", d.q);
            good = nonce && sign_with(&d, nonce, span_of(digest, n), out + 1);
            BN_clear_free(nonce);
        }
    }
    out[0] = DSA_T;
    dsa_clear(&d);
    return good ? ERR_OK : ERR_CRYPTO;
}

static bool dsa_verify(const struct sig_key *k, enum hash_alg h, struct span msg, struct span sig)
{
    uint8_t digest[HASH_LEN_MAX], der[SIG_DER_MAX];
    size_t n = dsa_digest(h, msg, digest);
    if (n == 0 || sig.p[0] != DSA_T)
        return false;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
    bool good = ctx && EVP_PKEY_verify_init(ctx) == 1 &&
                EVP_PKEY_verify(ctx, der, sig_rs_to_der(span_sub(sig, 1, sig.n - 1), der), digest, n) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good;
}

const struct sig_family sig_dsa = {
    .type_of = dsa_type_of,
    .public_of = dsa_public_of,
    .open = dsa_open,
    .generate = dsa_generate,
    .generate_drawn = dsa_generate_drawn,
    .prepare = dsa_prepare,
    .make = dsa_make,
    .make_drawn = dsa_make_drawn,
    .verify = dsa_verify,
};
