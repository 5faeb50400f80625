/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/fetched.h"

#include <sodium.h>

#include "common/crypto/secret.h"

struct crypto_fetched crypto_fetched;

static const char *const md_names[HASH__COUNT] = { [HASH_SHA1] = "SHA1",
                                                   [HASH_SHA256] = "SHA2-256",
                                                   [HASH_SHA384] = "SHA2-384",
                                                   [HASH_SHA512] = "SHA2-512",
                                                   [HASH_MD5] = "MD5" };

static const char *const cipher_names[CIPHER__COUNT] = { [CIPHER_AES128_CBC] = "AES-128-CBC",
                                                         [CIPHER_AES256_CBC] = "AES-256-CBC",
                                                         [CIPHER_AES128_ECB] = "AES-128-ECB",
                                                         [CIPHER_AES128_GCM] = "AES-128-GCM",
                                                         [CIPHER_AES256_GCM] = "AES-256-GCM" };

static bool fetch_hash(enum hash_alg a, EVP_MAC *hmac)
{
    struct crypto_fetched *f = &crypto_fetched;
    OSSL_PARAM p[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)md_names[a], 0),
                       OSSL_PARAM_construct_end() };
    f->md[a] = EVP_MD_fetch(NULL, md_names[a], NULL);
    f->hmac[a] = EVP_MAC_CTX_new(hmac);
    return f->md[a] && f->hmac[a] && EVP_MAC_CTX_set_params(f->hmac[a], p) == 1;
}

static bool fetch_all(EVP_MAC *hmac)
{
    struct crypto_fetched *f = &crypto_fetched;
    for (int a = HASH_NONE + 1; a < HASH__COUNT; a++)
        if (!fetch_hash((enum hash_alg)a, hmac))
            return false;
    for (int a = 0; a < CIPHER__COUNT; a++) {
        f->cipher[a] = EVP_CIPHER_fetch(NULL, cipher_names[a], NULL);
        if (!f->cipher[a])
            return false;
    }
    for (int c = 0; c < EC__COUNT; c++)
        if (!ec_fetch((enum ec_curve)c, &f->group[c], &f->ec_params[c]))
            return false;
    return true;
}

static void free_all(void)
{
    struct crypto_fetched *f = &crypto_fetched;
    for (int a = 0; a < HASH__COUNT; a++) {
        EVP_MD_free(f->md[a]);
        EVP_MAC_CTX_free(f->hmac[a]);
    }
    for (int a = 0; a < CIPHER__COUNT; a++)
        EVP_CIPHER_free(f->cipher[a]);
    for (int c = 0; c < EC__COUNT; c++) {
        EC_GROUP_free(f->group[c]);
        EVP_PKEY_free(f->ec_params[c]);
    }
    *f = (struct crypto_fetched){ 0 };
}

err crypto_init(void)
{
    if (crypto_fetched.group[EC_P256]) /* done already */
        return ERR_OK;
    if (sodium_init() < 0)
        return ERR_CRYPTO;
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    bool good = hmac && fetch_all(hmac);
    EVP_MAC_free(hmac); /* the contexts hold it */
    if (!good) {
        free_all();
        ERR_clear_error();
        return ERR_CRYPTO;
    }
    return ERR_OK;
}
