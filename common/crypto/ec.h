/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside common/crypto only: the curves that Diffie-Hellman and ECDSA share. A point travels as X|Y, each coordinate as wide
 * as the field, without 0x04 (RFC 5903 s7). The cofactor of each curve is 1, so a point on it, other than the identity (which
 * has no such form), is in the group.
 */
#pragma once

#include "common/base/span.h"
#include "common/crypto/ossl.h"

enum ec_curve { EC_P256, EC_P384, EC_P521, EC_SECP160R1, EC__COUNT };

#define EC_FIELD_MAX 66 /* octets of a coordinate */
#define EC_ORDER_MAX 66
#define EC_POINT_MAX (2 * EC_FIELD_MAX)

size_t ec_field_len(enum ec_curve c); /* 32, 48, 66, 20 */
size_t ec_order_len(enum ec_curve c); /* 32, 48, 66, 21: SECP160R1's order has 161 bits */
/* For crypto_init(): the group and a key that has its parameters and no point. */
bool ec_fetch(enum ec_curve c, EC_GROUP **group, EVP_PKEY **params);
/* The curve of a key; EC__COUNT: none of these. */
enum ec_curve ec_curve_of(const EVP_PKEY *pkey);
/* NULL: not a point of the curve, or of another length. */
EVP_PKEY *ec_public_pkey(enum ec_curve c, struct span xy);
/* A pair from its scalar, 0 < d < order; NULL otherwise. xy, if not NULL, gets the point. */
EVP_PKEY *ec_pair_pkey(enum ec_curve c, const BIGNUM *d, uint8_t *xy);
EVP_PKEY *ec_generate_pkey(enum ec_curve c);
/* X|Y of a key. */
bool ec_get_point(const EVP_PKEY *pkey, enum ec_curve c, uint8_t *xy);
