/* SPDX-License-Identifier: Apache-2.0
 *
 * ECDSA. Public form X|Y; signature r|s, each as wide as the order (RFC 6090 s5; RFC 7401 s5.2.9 gives no other form).
 */
#include "common/base/env.h"
#include "common/crypto/ec.h"
#include "common/crypto/fetched.h"
#include "common/crypto/sig_priv.h"

#define DRAWS_MAX 8 /* a nonce that gives a zero is a matter of 2^-160 */

static enum ec_curve curve_of(enum sig_type t)
{
    switch (t) {
    case SIG_ECDSA_P256:
        return EC_P256;
    case SIG_ECDSA_P384:
        return EC_P384;
    case SIG_ECDSA_SECP160R1:
        return EC_SECP160R1;
    default:
        return EC__COUNT;
    }
}

static enum sig_type ecdsa_type_of(const EVP_PKEY *pkey)
{
    switch (ec_curve_of(pkey)) {
    case EC_P256:
        return SIG_ECDSA_P256;
    case EC_P384:
        return SIG_ECDSA_P384;
    case EC_SECP160R1:
        return SIG_ECDSA_SECP160R1;
    default:
        return SIG_NONE;
    }
}

static size_t ecdsa_public_of(const EVP_PKEY *pkey, enum sig_type t, uint8_t *out)
{
    return ec_get_point(pkey, curve_of(t), out) ? 2 * ec_field_len(curve_of(t)) : 0;
}

static err ecdsa_open(struct sig_key *k, struct span pub)
{
    enum ec_curve c = curve_of(k->type);
    k->pkey = ec_public_pkey(c, pub);
    k->sig_len = 2 * ec_order_len(c);
    return k->pkey ? ERR_OK : ERR_MALFORMED;
}

static EVP_PKEY *ecdsa_generate(enum sig_type t, unsigned bits)
{
    (void)bits;
    return ec_generate_pkey(curve_of(t));
}

static EVP_PKEY *ecdsa_generate_drawn(enum sig_type t, unsigned bits, const struct env *env)
{
    (void)bits;
    enum ec_curve c = curve_of(t);
    BIGNUM *d = sig_drawn_scalar(env, "hi_private", EC_GROUP_get0_order(crypto_fetched.group[c]));
    EVP_PKEY *pkey = d ? ec_pair_pkey(c, d, NULL) : NULL;
    BN_clear_free(d);
    return pkey;
}

/* No digest is named to OpenSSL: it takes the octets as they are, so one context serves each hash. */
static err ecdsa_prepare(struct sig_key *k)
{
    k->signer = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
    return k->signer && EVP_PKEY_sign_init(k->signer) == 1 ? ERR_OK : ERR_CRYPTO;
}

static err ecdsa_make(const struct sig_key *k, enum hash_alg h, struct span msg, uint8_t *out)
{
    uint8_t digest[HASH_LEN_MAX], der[SIG_DER_MAX];
    size_t n = sig_digest(h, msg, digest), der_len = sizeof der;
    if (n == 0)
        return ERR_UNSUPPORTED;
    EVP_PKEY_CTX *ctx = sig_signer(k);
    bool good = ctx && EVP_PKEY_sign(ctx, der, &der_len, digest, n) == 1 &&
                sig_rs_from_der(span_of(der, der_len), k->sig_len / 2, out);
    EVP_PKEY_CTX_free(ctx);
    return good ? ERR_OK : ERR_CRYPTO;
}

/* One try with one nonce. */
static bool sign_with(const EC_GROUP *group, const BIGNUM *d, const BIGNUM *k, struct span digest,
                      size_t width, uint8_t *out)
{
    EC_POINT *at = EC_POINT_new(group);
    BIGNUM *r = BN_new();
    BN_CTX *ctx = BN_CTX_new();
    const BIGNUM *order = EC_GROUP_get0_order(group);
    bool good = at && r && ctx && EC_POINT_mul(group, at, k, NULL, NULL, ctx) == 1 &&
                EC_POINT_get_affine_coordinates(group, at, r, NULL, ctx) == 1 &&
                BN_nnmod(r, r, order, ctx) == 1 && sig_rs_make(digest, order, d, k, r, width, out);
    BN_CTX_free(ctx);
    BN_free(r);
    EC_POINT_free(at);
    return good;
}

static err ecdsa_make_drawn(const struct sig_key *k, enum hash_alg h, struct span msg, const struct env *env,
                            uint8_t *out)
{
    const EC_GROUP *group = crypto_fetched.group[curve_of(k->type)];
    uint8_t digest[HASH_LEN_MAX];
    size_t n = sig_digest(h, msg, digest);
    BIGNUM *d = NULL;
    bool good = false;
    if (n == 0)
        return ERR_UNSUPPORTED;
    if (EVP_PKEY_get_bn_param(k->pkey, OSSL_PKEY_PARAM_PRIV_KEY, &d) != 1)
        return ERR_CRYPTO;
    for (int i = 0; i < DRAWS_MAX && !good; i++) {
        BIGNUM *nonce = sig_drawn_scalar(env, "sig_nonce", EC_GROUP_get0_order(group));
        good = nonce && sign_with(group, d, nonce, span_of(digest, n), k->sig_len / 2, out);
        BN_clear_free(nonce);
    }
    BN_clear_free(d);
    return good ? ERR_OK : ERR_CRYPTO;
}

static bool ecdsa_verify(const struct sig_key *k, enum hash_alg h, struct span msg, struct span sig)
{
    uint8_t digest[HASH_LEN_MAX], der[SIG_DER_MAX];
    size_t n = sig_digest(h, msg, digest);
    if (n == 0)
        return false;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
    bool good = ctx && EVP_PKEY_verify_init(ctx) == 1 &&
                EVP_PKEY_verify(ctx, der, sig_rs_to_der(sig, der), digest, n) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good;
}

const struct sig_family sig_ecdsa = {
    .type_of = ecdsa_type_of,
    .public_of = ecdsa_public_of,
    .open = ecdsa_open,
    .generate = ecdsa_generate,
    .generate_drawn = ecdsa_generate_drawn,
    .prepare = ecdsa_prepare,
    .make = ecdsa_make,
    .make_drawn = ecdsa_make_drawn,
    .verify = ecdsa_verify,
};
