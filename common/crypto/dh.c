/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/dh.h"

#include <string.h>

#include "common/crypto/fetched.h"
#include "common/crypto/secret.h"

struct dh_key {
    enum dh_curve curve;
    EVP_PKEY *pkey; /* holds the scalar; wiped by OpenSSL when freed */
    uint8_t pub[DH_PUBLIC_MAX];
};

#define DRAWS_MAX \
    64 /* a scalar is out of range once in 2^32 draws or less; so many in a row is a broken env */

size_t dh_shared_len(enum dh_curve c)
{
    return c == DH_P256 ? 32 : 48;
}

size_t dh_public_len(enum dh_curve c)
{
    return 2 * dh_shared_len(c);
}

/* pub: 0x04 | X | Y. priv NULL: a public key. NULL on failure. */
static EVP_PKEY *make_pkey(enum dh_curve c, const uint8_t *pub, const BIGNUM *priv)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = NULL;
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (!bld || !ctx ||
        OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, crypto_curve_name(c), 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, pub, 1 + dh_public_len(c)) != 1)
        goto out;
    if (priv && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, priv) != 1)
        goto out;
    params = OSSL_PARAM_BLD_to_param(bld);
    if (!params || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, priv ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
out:
    if (params) {
        OSSL_PARAM *p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_PRIV_KEY);
        if (p && p->data)
            sec_wipe(p->data, p->data_size);
    }
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

struct dh_key *dh_from_private(enum dh_curve c, struct span scalar)
{
    if ((unsigned)c >= DH__COUNT || scalar.n != dh_shared_len(c) || !crypto_fetched.group[c])
        return NULL;
    const EC_GROUP *group = crypto_fetched.group[c];
    struct dh_key *k = OPENSSL_zalloc(sizeof *k);
    BIGNUM *priv = BN_secure_new();
    EC_POINT *point = EC_POINT_new(group);
    uint8_t pub[1 + DH_PUBLIC_MAX];
    bool good = false;
    if (!k || !priv || !point || !BN_bin2bn(scalar.p, (int)scalar.n, priv))
        goto out;
    BN_set_flags(priv, BN_FLG_CONSTTIME);
    if (BN_is_zero(priv) || BN_cmp(priv, EC_GROUP_get0_order(group)) >= 0)
        goto out;
    if (EC_POINT_mul(group, point, priv, NULL, NULL, NULL) != 1 ||
        EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, pub, sizeof pub, NULL) !=
            1 + dh_public_len(c))
        goto out;
    k->curve = c;
    memcpy(k->pub, pub + 1, dh_public_len(c));
    k->pkey = make_pkey(c, pub, priv);
    good = k->pkey != NULL;
out:
    BN_clear_free(priv);
    EC_POINT_free(point);
    if (!good) {
        OPENSSL_free(k);
        ERR_clear_error();
        return NULL;
    }
    return k;
}

struct dh_key *dh_generate(enum dh_curve c, const struct env *env)
{
    if ((unsigned)c >= DH__COUNT || !crypto_fetched.group[c])
        return NULL;
    uint8_t scalar[DH_SHARED_MAX];
    size_t n = dh_shared_len(c);
    struct dh_key *k = NULL;
    /* Both orders have as many bits as n octets: draw until one is below (RFC 7401 s6.3's keys; SP 800-56A 5.6.1.2.2). */
    for (int i = 0; i < DRAWS_MAX && !k; i++) {
        env_draw(env, "dh_private", scalar, n);
        k = dh_from_private(c, span_of(scalar, n));
    }
    sec_wipe(scalar, sizeof scalar);
    return k;
}

void dh_free(struct dh_key *k)
{
    if (!k)
        return;
    EVP_PKEY_free(k->pkey);
    OPENSSL_free(k);
}

struct span dh_public(const struct dh_key *k)
{
    return span_of(k->pub, dh_public_len(k->curve));
}

err dh_shared(const struct dh_key *k, struct span peer_public, uint8_t *out)
{
    size_t n = dh_public_len(k->curve), len = dh_shared_len(k->curve);
    if (peer_public.n != n)
        return ERR_RANGE;
    uint8_t pub[1 + DH_PUBLIC_MAX] = { 0x04 };
    uint8_t secret[DH_SHARED_MAX];
    const EC_GROUP *group = crypto_fetched.group[k->curve];
    EVP_PKEY_CTX *ctx = NULL;
    EVP_PKEY *peer = NULL;
    err e = ERR_RANGE;
    memcpy(pub + 1, peer_public.p, n);
    /* On the curve (both cofactors are 1, so that is membership); the identity has no X|Y form (RFC 5903 s7). */
    EC_POINT *point = EC_POINT_new(group);
    if (!point || EC_POINT_oct2point(group, point, pub, 1 + n, NULL) != 1 ||
        EC_POINT_is_at_infinity(group, point) || EC_POINT_is_on_curve(group, point, NULL) != 1)
        goto out;
    e = ERR_CRYPTO;
    peer = make_pkey(k->curve, pub, NULL);
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
    size_t got = sizeof secret;
    if (!peer || !ctx || EVP_PKEY_derive_init(ctx) != 1 || EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) != 1 ||
        EVP_PKEY_derive(ctx, secret, &got) != 1 || got != len)
        goto out;
    memcpy(out, secret, len);
    e = ERR_OK;
out:
    sec_wipe(secret, sizeof secret);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    EC_POINT_free(point);
    if (e != ERR_OK)
        ERR_clear_error();
    return e;
}
