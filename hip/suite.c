/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/suite.h"

#include <strings.h>

#define ARRAY_N(a) (sizeof(a) / sizeof((a)[0]))

/* RFC 7401 s5.2.7. Lengths: RFC 5903 (X|Y, X coordinate) and the moduli of RFC 3526. */
static const struct hip_dh_suite dh_suites[] = {
    { 3, true, "MODP-1536", DH_MODP1536, 192, 192 },  { 4, true, "MODP-3072", DH_MODP3072, 384, 384 },
    { 7, true, "NIST-P-256", DH_P256, 64, 32 },       { 8, true, "NIST-P-384", DH_P384, 96, 48 },
    { 9, true, "NIST-P-521", DH_P521, 132, 66 },      { 10, true, "SECP160R1", DH_SECP160R1, 40, 20 },
    { 11, true, "MODP-2048", DH_MODP2048, 256, 256 },
};

/* RFC 7401 s5.2.8. */
static const struct hip_cipher_suite cipher_suites[] = {
    { HIP_CIPHER_NULL, true, "NULL-ENCRYPT", CIPHER_AES128_CBC, 0, 0 },
    { 2, true, "AES-128-CBC", CIPHER_AES128_CBC, 16, 16 },
    { 4, true, "AES-256-CBC", CIPHER_AES256_CBC, 32, 16 },
};

/* RFC 7401 s5.2.10; 5: RFC 9374 s3.4.2. */
static const struct hip_hit_suite hit_suites[] = {
    { 1, true, "RSA,DSA/SHA-256", HASH_SHA256 },
    { 2, true, "ECDSA/SHA-384", HASH_SHA384 },
    { 3, true, "ECDSA_LOW/SHA-1", HASH_SHA1 },
    { 5, true, "EdDSA/cSHAKE128", HASH_CSHAKE128 },
};

/* RFC 7402 s5.1.2. Keys of CCM, GCM, CMAC and GMAC: 128 bits, which the registry leaves open (docs/conformance.md). */
static const struct hip_esp_suite esp_suites[] = {
    { 1, false, false, "AES-128-CBC/HMAC-SHA1", 16, 20 },
    { 7, true, true, "NULL/HMAC-SHA-256", 0, 32 },
    { 8, true, false, "AES-128-CBC/HMAC-SHA-256", 16, 32 },
    { 9, true, false, "AES-256-CBC/HMAC-SHA-256", 32, 32 },
    { 10, true, false, "AES-CCM-8", 19, 0 },
    { 11, true, false, "AES-CCM-16", 19, 0 },
    { 12, true, false, "AES-GCM-8", 20, 0 },
    { 13, true, false, "AES-GCM-16", 20, 0 },
    { 14, true, true, "AES-CMAC-96", 0, 16 },
    { 15, true, true, "AES-GMAC", 0, 20 },
};

#define LOOKUP(fn, type, key, table) \
    const struct type *fn(key id) \
    { \
        for (size_t i = 0; i < ARRAY_N(table); i++) \
            if ((table)[i].id == id) \
                return &(table)[i]; \
        return NULL; \
    } \
    const struct type *fn##_at(size_t i) \
    { \
        return i < ARRAY_N(table) ? &(table)[i] : NULL; \
    }

/* What is REQUIRED is there: RFC 7401 s5.2.7, s5.2.8, s5.2.10 MUST, RFC 7402 s3.3.5, s5.1.2 MUST. What is not `supported` is neither offered nor taken.
 * NULL-ENCRYPT is let through by an engine that is configured for testing alone, ESP without a cipher by hip_esp_allowed(). */
LOOKUP(hip_dh_suite, hip_dh_suite, uint8_t, dh_suites)
LOOKUP(hip_cipher_suite, hip_cipher_suite, uint16_t, cipher_suites)
LOOKUP(hip_hit_suite, hip_hit_suite, uint8_t, hit_suites)
LOOKUP(hip_esp_suite, hip_esp_suite, uint16_t, esp_suites)

uint8_t hip_dh_named(const char *name)
{
    for (size_t i = 0; i < ARRAY_N(dh_suites); i++)
        if (strcasecmp(dh_suites[i].name, name) == 0)
            return dh_suites[i].id;
    return 0;
}

uint16_t hip_cipher_named(const char *name)
{
    for (size_t i = 0; i < ARRAY_N(cipher_suites); i++)
        if (strcasecmp(cipher_suites[i].name, name) == 0)
            return cipher_suites[i].id;
    return 0;
}

/* RFC 7401 s2.3 MUST: that of the Responder's suite, whoever computes. */
enum hash_alg hip_rhash_of(const struct hit *h)
{
    const struct hip_hit_suite *s = hip_hit_suite(hit_suite(h));
    return s && s->supported ? s->rhash : HASH_NONE;
}

bool hip_has8(const uint8_t *list, size_t n, uint8_t id)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == id)
            return true;
    return false;
}

bool hip_has16(const uint16_t *list, size_t n, uint16_t id)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == id)
            return true;
    return false;
}

uint8_t hip_choose_dh(const uint8_t *own, size_t own_n, const uint8_t *offered, size_t n)
{
    for (size_t i = 0; i < own_n && own[i]; i++) {
        const struct hip_dh_suite *s = hip_dh_suite(own[i]);
        if (s && s->supported && hip_has8(offered, n, own[i]))
            return own[i];
    }
    return 0;
}

uint16_t hip_choose_cipher(const uint16_t *own, size_t own_n, const uint16_t *offered, size_t n)
{
    for (size_t i = 0; i < own_n && own[i]; i++) {
        const struct hip_cipher_suite *s = hip_cipher_suite(own[i]);
        if (s && s->supported && hip_has16(offered, n, own[i]))
            return own[i];
    }
    return 0;
}

uint16_t hip_choose_esp(const uint16_t *own, size_t own_n, const uint16_t *offered, size_t n)
{
    for (size_t i = 0; i < own_n && own[i]; i++) {
        const struct hip_esp_suite *s = hip_esp_suite(own[i]);
        if (s && s->supported && hip_has16(offered, n, own[i]))
            return own[i];
    }
    return 0;
}
