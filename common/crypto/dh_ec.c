/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/crypto/dh_priv.h"
#include "common/crypto/ec.h"
#include "common/crypto/fetched.h"

static enum ec_curve curve_of(const struct dh_key *k)
{
    return (enum ec_curve)k->group->which;
}

static bool pair(struct dh_key *k, struct span value)
{
    BIGNUM *d = BN_secure_new();
    if (d && BN_bin2bn(value.p, (int)value.n, d)) {
        BN_set_flags(d, BN_FLG_CONSTTIME);
        k->pkey = ec_pair_pkey(curve_of(k), d, k->pub);
    }
    BN_clear_free(d);
    k->deriver = k->pkey ? EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL) : NULL;
    return k->deriver && EVP_PKEY_derive_init(k->deriver) == 1;
}

static bool public_ok(int which, struct span value)
{
    EVP_PKEY *pub = ec_public_pkey((enum ec_curve)which, value);
    EVP_PKEY_free(pub);
    return pub != NULL;
}

/* ec_public_pkey() refuses what is not on the curve (all cofactors are 1, so that is membership); the identity has no X|Y form
 * (RFC 5903 s7). So OpenSSL's own validation, as dear as the derivation itself, is left out. */
static err shared(const struct dh_key *k, struct span peer, uint8_t *out)
{
    size_t got = DH_SHARED_MAX;
    EVP_PKEY *pub = ec_public_pkey(curve_of(k), peer);
    if (!pub)
        return ERR_RANGE;
    bool good = EVP_PKEY_derive_set_peer_ex(k->deriver, pub, 0) == 1 &&
                EVP_PKEY_derive(k->deriver, out, &got) == 1 && got == k->group->shared_len;
    EVP_PKEY_free(pub);
    return good ? ERR_OK : ERR_CRYPTO;
}

const struct dh_kind dh_ec = { pair, public_ok, shared };

void dh_p256_shorten(const uint8_t xy[64], uint8_t out[DH_P256_SHORT])
{
    out[0] = (uint8_t)(2 | (xy[63] & 1));
    memcpy(out + 1, xy, 32);
}

err dh_p256_expand(struct span point, uint8_t xy[64])
{
    const EC_GROUP *group = crypto_fetched.group[EC_P256];
    uint8_t whole[1 + 64];
    if (point.n != DH_P256_SHORT || (point.p[0] != 2 && point.p[0] != 3))
        return ERR_RANGE;
    EC_POINT *at = EC_POINT_new(group);
    bool good = at && EC_POINT_oct2point(group, at, point.p, point.n, NULL) == 1 &&
                EC_POINT_point2oct(group, at, POINT_CONVERSION_UNCOMPRESSED, whole, sizeof whole, NULL) ==
                    sizeof whole;
    if (good)
        memcpy(xy, whole + 1, 64);
    else
        ERR_clear_error();
    EC_POINT_free(at);
    return good ? ERR_OK : ERR_RANGE;
}
