/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside common/crypto only: what crypto_init() fetched once for the whole process. Read-only afterwards, so threads
 * share it. (An implicit fetch takes a lock and a string search in OpenSSL 3, too dear for each packet.)
 */
#pragma once

#include "common/crypto/cipher.h"
#include "common/crypto/dh_priv.h"
#include "common/crypto/ec.h"
#include "common/crypto/hash.h"
#include "common/crypto/ossl.h"

#define CIPHER__COUNT (CIPHER_AES128_CCM16 + 1)

struct crypto_fetched {
    EVP_MD *md[HASH__COUNT];
    EVP_MAC_CTX *kmac128; /* duplicated and keyed for each use */
    EVP_MD *cshake128;    /* KECCAK-KMAC-128 */
    EVP_MAC *cmac;        /* a context of it without a key cannot be duplicated */
    EVP_CIPHER *cipher[CIPHER__COUNT];
    EC_GROUP *group[EC__COUNT];
    EVP_PKEY *ec_params[EC__COUNT]; /* parameters without a point */
    struct dh_modulus modp[MODP__COUNT];
};

/* All NULL before crypto_init(). */
extern struct crypto_fetched crypto_fetched;
