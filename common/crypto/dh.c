/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/dh.h"

#include <string.h>

#include "common/crypto/fetched.h"
#include "common/crypto/secret.h"

struct dh_key {
    enum dh_curve curve;
    unsigned more;  /* holders besides the first: dh_share() */
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

static enum ec_curve curve_of(enum dh_curve c)
{
    return c == DH_P256 ? EC_P256 : EC_P384;
}

struct dh_key *dh_from_private(enum dh_curve c, struct span scalar)
{
    if ((unsigned)c >= DH__COUNT || scalar.n != dh_shared_len(c))
        return NULL;
    struct dh_key *k = OPENSSL_zalloc(sizeof *k);
    BIGNUM *priv = BN_secure_new();
    if (k && priv && BN_bin2bn(scalar.p, (int)scalar.n, priv)) {
        BN_set_flags(priv, BN_FLG_CONSTTIME);
        k->curve = c;
        k->pkey = ec_pair_pkey(curve_of(c), priv, k->pub);
    }
    BN_clear_free(priv);
    if (!k || !k->pkey) {
        OPENSSL_free(k);
        ERR_clear_error();
        return NULL;
    }
    return k;
}

struct dh_key *dh_generate(enum dh_curve c, const struct env *env)
{
    if ((unsigned)c >= DH__COUNT)
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

struct dh_key *dh_share(struct dh_key *k)
{
    k->more++;
    return k;
}

size_t dh_secret_len(const struct dh_key *k)
{
    return dh_shared_len(k->curve);
}

void dh_free(struct dh_key *k)
{
    if (!k)
        return;
    if (k->more > 0) {
        k->more--;
        return;
    }
    EVP_PKEY_free(k->pkey);
    OPENSSL_free(k);
}

struct span dh_public(const struct dh_key *k)
{
    return span_of(k->pub, dh_public_len(k->curve));
}

/* ec_public_pkey() refuses what is not on the curve (all cofactors are 1, so that is membership); the identity has no X|Y form
 * (RFC 5903 s7). So OpenSSL's own validation, as dear as the derivation itself, is left out. */
err dh_shared(const struct dh_key *k, struct span peer_public, uint8_t *out)
{
    size_t len = dh_shared_len(k->curve);
    uint8_t secret[DH_SHARED_MAX];
    size_t got = sizeof secret;
    EVP_PKEY *peer = ec_public_pkey(curve_of(k->curve), peer_public);
    if (!peer)
        return ERR_RANGE;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
    err e = ERR_CRYPTO;
    if (ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1 &&
        EVP_PKEY_derive(ctx, secret, &got) == 1 && got == len) {
        memcpy(out, secret, len);
        e = ERR_OK;
    }
    sec_wipe(secret, sizeof secret);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    if (e != ERR_OK)
        ERR_clear_error();
    return e;
}
