/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/fetched.h"

#include <sodium.h>

#include "common/crypto/secret.h"

struct crypto_fetched crypto_fetched;

static const char *const md_names[HASH__COUNT] = {
    [HASH_SHA1] = "SHA1",       [HASH_SHA256] = "SHA2-256", [HASH_SHA384] = "SHA2-384",
    [HASH_SHA512] = "SHA2-512", [HASH_MD5] = "MD5",         [HASH_CSHAKE128] = "SHAKE-128"
};

static const char *const cipher_names[CIPHER__COUNT] = {
    [CIPHER_AES128_CBC] = "AES-128-CBC",  [CIPHER_AES256_CBC] = "AES-256-CBC",
    [CIPHER_AES128_ECB] = "AES-128-ECB",  [CIPHER_AES128_CTR] = "AES-128-CTR",
    [CIPHER_AES128_GCM] = "AES-128-GCM",  [CIPHER_AES256_GCM] = "AES-256-GCM",
    [CIPHER_AES128_CCM8] = "AES-128-CCM", [CIPHER_AES128_CCM16] = "AES-128-CCM"
};

/* KMAC128 with the length of our cSHAKE128. OpenSSL 3.0 duplicates only a context that has a key, so it gets one for now. */
static EVP_MAC_CTX *kmac_of(EVP_MAC *kmac)
{
    static const uint8_t no_key[16];
    size_t len = hash_len(HASH_CSHAKE128);
    OSSL_PARAM p[] = { OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &len), OSSL_PARAM_construct_end() };
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(kmac);
    if (ctx && EVP_MAC_init(ctx, no_key, sizeof no_key, p) == 1)
        return ctx;
    EVP_MAC_CTX_free(ctx);
    return NULL;
}

static bool fetch_all(EVP_MAC *kmac)
{
    struct crypto_fetched *f = &crypto_fetched;
    for (int a = HASH_NONE + 1; a < HASH__COUNT; a++) {
        f->md[a] = EVP_MD_fetch(NULL, md_names[a], NULL);
        if (!f->md[a])
            return false;
    }
    f->kmac128 = kmac_of(kmac);
    if (!f->kmac128)
        return false;
    f->cshake128 = EVP_MD_fetch(NULL, "KECCAK-KMAC-128", NULL);
    if (!f->cshake128)
        return false;
    f->cmac = EVP_MAC_fetch(NULL, "CMAC", NULL);
    if (!f->cmac)
        return false;
    for (int a = 0; a < CIPHER__COUNT; a++) {
        f->cipher[a] = EVP_CIPHER_fetch(NULL, cipher_names[a], NULL);
        if (!f->cipher[a])
            return false;
    }
    for (int c = 0; c < EC__COUNT; c++)
        if (!ec_fetch((enum ec_curve)c, &f->group[c], &f->ec_params[c]))
            return false;
    for (int m = 0; m < MODP__COUNT; m++)
        if (!dh_modp_fetch((enum dh_modp)m, &f->modp[m]))
            return false;
    return true;
}

static void free_all(void)
{
    struct crypto_fetched *f = &crypto_fetched;
    for (int a = 0; a < HASH__COUNT; a++)
        EVP_MD_free(f->md[a]);
    EVP_MAC_CTX_free(f->kmac128);
    EVP_MD_free(f->cshake128);
    EVP_MAC_free(f->cmac);
    for (int a = 0; a < CIPHER__COUNT; a++)
        EVP_CIPHER_free(f->cipher[a]);
    for (int c = 0; c < EC__COUNT; c++) {
        EC_GROUP_free(f->group[c]);
        EVP_PKEY_free(f->ec_params[c]);
    }
    for (int m = 0; m < MODP__COUNT; m++)
        dh_modp_free(&f->modp[m]);
    *f = (struct crypto_fetched){ 0 };
}

err crypto_init(void)
{
    if (crypto_fetched.group[EC_P256]) /* done already */
        return ERR_OK;
    if (sodium_init() < 0)
        return ERR_CRYPTO;
    EVP_MAC *kmac = EVP_MAC_fetch(NULL, "KMAC-128", NULL);
    bool good = kmac && fetch_all(kmac);
    EVP_MAC_free(kmac); /* its context holds it */
    if (!good) {
        free_all();
        ERR_clear_error();
        return ERR_CRYPTO;
    }
    return ERR_OK;
}
