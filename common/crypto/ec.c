/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/ec.h"

#include <string.h>

#include "common/crypto/fetched.h"
#include "common/crypto/secret.h"

static const struct {
    int nid;
    uint8_t field, order;
    const char *name; /* OpenSSL's */
} curves[EC__COUNT] = {
    [EC_P256] = { NID_X9_62_prime256v1, 32, 32, SN_X9_62_prime256v1 },
    [EC_P384] = { NID_secp384r1, 48, 48, SN_secp384r1 },
    [EC_P521] = { NID_secp521r1, 66, 66, SN_secp521r1 },
    [EC_SECP160R1] = { NID_secp160r1, 20, 21, SN_secp160r1 },
};

size_t ec_field_len(enum ec_curve c)
{
    return curves[c].field;
}

size_t ec_order_len(enum ec_curve c)
{
    return curves[c].order;
}

static EVP_PKEY *from_params(OSSL_PARAM_BLD *bld, int selection)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, selection, params) != 1)
        pkey = NULL;
    OSSL_PARAM *d = params ? OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_PRIV_KEY) : NULL;
    if (d && d->data)
        sec_wipe(d->data, d->data_size);
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

static bool push_group(OSSL_PARAM_BLD *bld, enum ec_curve c)
{
    return bld && OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, curves[c].name, 0) == 1;
}

bool ec_fetch(enum ec_curve c, EC_GROUP **group, EVP_PKEY **params)
{
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    *group = EC_GROUP_new_by_curve_name(curves[c].nid);
    *params = push_group(bld, c) ? from_params(bld, EVP_PKEY_KEY_PARAMETERS) : NULL;
    OSSL_PARAM_BLD_free(bld);
    return *group && *params;
}

enum ec_curve ec_curve_of(const EVP_PKEY *pkey)
{
    char group[32] = "";
    if (!EVP_PKEY_is_a(pkey, "EC") ||
        EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, NULL) != 1)
        return EC__COUNT;
    for (int c = 0; c < EC__COUNT; c++)
        if (strcmp(group, curves[c].name) == 0)
            return (enum ec_curve)c;
    return EC__COUNT;
}

/* Copying parameters that were looked up once costs a third of building the key from a curve's name. OpenSSL refuses a point
 * that is not on the curve. */
EVP_PKEY *ec_public_pkey(enum ec_curve c, struct span xy)
{
    uint8_t point[1 + EC_POINT_MAX] = { 0x04 };
    if (xy.n != 2 * ec_field_len(c) || !crypto_fetched.ec_params[c])
        return NULL;
    memcpy(point + 1, xy.p, xy.n);
    EVP_PKEY *pkey = EVP_PKEY_new();
    if (pkey && EVP_PKEY_copy_parameters(pkey, crypto_fetched.ec_params[c]) == 1 &&
        EVP_PKEY_set1_encoded_public_key(pkey, point, 1 + xy.n) == 1)
        return pkey;
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return NULL;
}

EVP_PKEY *ec_pair_pkey(enum ec_curve c, const BIGNUM *d, uint8_t *xy)
{
    const EC_GROUP *group = crypto_fetched.group[c];
    uint8_t point[1 + EC_POINT_MAX];
    size_t n = 1 + 2 * ec_field_len(c);
    if (!group || BN_is_zero(d) || BN_is_negative(d) || BN_cmp(d, EC_GROUP_get0_order(group)) >= 0)
        return NULL;
    EVP_PKEY *pkey = NULL;
    EC_POINT *at = EC_POINT_new(group);
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    if (at && EC_POINT_mul(group, at, d, NULL, NULL, NULL) == 1 &&
        EC_POINT_point2oct(group, at, POINT_CONVERSION_UNCOMPRESSED, point, sizeof point, NULL) == n &&
        push_group(bld, c) && OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, d) == 1)
        pkey = from_params(bld, EVP_PKEY_KEYPAIR);
    if (pkey && xy)
        memcpy(xy, point + 1, n - 1);
    OSSL_PARAM_BLD_free(bld);
    EC_POINT_free(at);
    if (!pkey)
        ERR_clear_error();
    return pkey;
}

EVP_PKEY *ec_generate_pkey(enum ec_curve c)
{
    return EVP_PKEY_Q_keygen(NULL, NULL, "EC", curves[c].name);
}

bool ec_get_point(const EVP_PKEY *pkey, enum ec_curve c, uint8_t *xy)
{
    uint8_t point[1 + EC_POINT_MAX];
    size_t n = 0;
    if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &n) != 1 ||
        n != 1 + 2 * ec_field_len(c) || point[0] != 0x04)
        return false;
    memcpy(xy, point + 1, n - 1);
    return true;
}
