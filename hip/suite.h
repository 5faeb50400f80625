/* SPDX-License-Identifier: Apache-2.0
 *
 * Cryptographic registries (RFC 7401 s5.2.7, s5.2.8, s5.2.10; RFC 7402 s5.1.2) and the choices between two lists.
 * Rows that are not `supported` are known by name only.
 */
#pragma once

#include "common/crypto/cipher.h"
#include "common/crypto/dh.h"
#include "common/crypto/hash.h"
#include "hip/hit.h"

struct hip_dh_suite {
    uint8_t id;
    bool supported;
    const char *name;
    enum dh_group group;
    uint16_t public_len, shared_len;
};

/* No cipher at all: MUST NOT be offered or taken unless the configuration says testing (s5.2.8), hip_config.null_encrypt. */
#define HIP_CIPHER_NULL 1

struct hip_cipher_suite {
    uint16_t id;
    bool supported;
    const char *name;
    enum cipher_alg alg; /* of no meaning when key_len is 0 */
    uint8_t key_len, iv_len;
};

struct hip_hit_suite {
    uint8_t id;
    bool supported;
    const char *name;
    enum hash_alg rhash;
};

struct hip_esp_suite {
    uint16_t id;
    bool supported;
    bool auth_only; /* no encryption: hip_esp_allowed() */
    const char *name;
    uint8_t
        enc_len; /* octets drawn from KEYMAT for encryption; AEAD: key and 3 (CCM) or 4 (GCM) octets of salt (RFC 4309 s7.1, RFC 4106 s8.1) */
    uint8_t auth_len; /* octets drawn for authentication; GMAC: key and 4 octets of salt (RFC 4543 s5) */
};

/* NULL: the id is in no registry that we know. */
const struct hip_dh_suite *hip_dh_suite(uint8_t id);
const struct hip_cipher_suite *hip_cipher_suite(uint16_t id);
const struct hip_hit_suite *hip_hit_suite(uint8_t id);
const struct hip_esp_suite *hip_esp_suite(uint16_t id);
/* i-th row; NULL past the end. */
const struct hip_dh_suite *hip_dh_suite_at(size_t i);
const struct hip_cipher_suite *hip_cipher_suite_at(size_t i);
const struct hip_hit_suite *hip_hit_suite_at(size_t i);
const struct hip_esp_suite *hip_esp_suite_at(size_t i);

/* By name, in any case ("nist-p-256", "AES-128-CBC"). 0: none. */
uint8_t hip_dh_named(const char *name);
uint16_t hip_cipher_named(const char *name);

/* RHASH of the suite in this HIT; HASH_NONE: suite not supported. */
enum hash_alg hip_rhash_of(const struct hit *h);

/* The first of `own` that stands in `offered` (RFC 7401 s5.2.6, s5.2.8) and is supported; 0: none. own is ended by 0 or own_n. */
uint8_t hip_choose_dh(const uint8_t *own, size_t own_n, const uint8_t *offered, size_t n);
uint16_t hip_choose_cipher(const uint16_t *own, size_t own_n, const uint16_t *offered, size_t n);
uint16_t hip_choose_esp(const uint16_t *own, size_t own_n, const uint16_t *offered, size_t n);
bool hip_has8(const uint8_t *list, size_t n, uint8_t id);
bool hip_has16(const uint16_t *list, size_t n, uint16_t id);
