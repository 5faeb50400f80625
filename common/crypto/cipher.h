/* SPDX-License-Identifier: Apache-2.0
 *
 * AES in the modes the protocols need. A context holds its key and is reused; it is bound to one direction.
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"
#include "common/crypto/hash.h"

#define AES_BLOCK 16

enum cipher_alg {
    CIPHER_AES128_CBC,
    CIPHER_AES256_CBC,
    CIPHER_AES128_ECB,
    CIPHER_AES128_CTR,
    CIPHER_AES128_GCM,
    CIPHER_AES256_GCM,
    CIPHER_AES128_CCM8, /* RFC 4309: eleven octets of nonce; the tag's length is part of CCM's first block, so it belongs to the key */
    CIPHER_AES128_CCM16
};

struct cipher;

size_t cipher_key_len(enum cipher_alg a);
/* NULL when out of memory. */
struct cipher *cipher_new(enum cipher_alg a, bool encrypt, struct span key);
void cipher_free(struct cipher *c); /* wipes; NULL is fine */

/* CBC (iv 16 octets) and ECB (iv ignored) without padding: in.n a multiple of 16. CTR (iv 16 octets, the first counter block): any in.n, either
 * direction. out may be in.p. ERR_RANGE, ERR_CRYPTO. */
MUST_USE err cipher_blocks(struct cipher *c, const uint8_t *iv, struct span in, uint8_t *out);

/* GCM (iv 12 octets; tag_len 8, 12 or 16) and CCM (iv 11 octets; tag_len 8 or 16, as the algorithm has it). Seal writes in.n octets and tag_len octets of
 * tag; open verifies (ERR_AUTH, nothing usable in out). */
#define CIPHER_GCM_IV 12
#define CIPHER_CCM_IV 11
MUST_USE err cipher_seal(struct cipher *c, const uint8_t *iv, struct span aad, struct span in, uint8_t *out,
                         uint8_t *tag, size_t tag_len);
MUST_USE err cipher_open(struct cipher *c, const uint8_t *iv, struct span aad, struct span in, uint8_t *out,
                         const uint8_t *tag, size_t tag_len);
/* GMAC (SP 800-38D) over n spans, 16 octets; of a GCM context that encrypts. The verifier computes it again and compares. */
MUST_USE err cipher_gmac(struct cipher *c, const uint8_t *iv, const struct span *in, size_t n, uint8_t *tag);

/* Keyed context for many packets under one key (ESP): HMAC, or AES-128-CMAC (RFC 4493; key 16, out 16 octets). */
#define CMAC_LEN 16
struct mac;
struct mac *mac_new(enum hash_alg a, struct span key);
struct mac *mac_cmac_new(struct span key);
void mac_free(struct mac *m);
MUST_USE err mac_spans(struct mac *m, const struct span *in, size_t n, uint8_t *out);

/* XChaCha20-Poly1305 (libsodium) for things at rest. key 32, nonce 24 octets; out holds in.n + 16. */
#define BOX_KEY   32
#define BOX_NONCE 24
#define BOX_TAG   16
MUST_USE err box_seal(const uint8_t key[BOX_KEY], const uint8_t nonce[BOX_NONCE], struct span aad,
                      struct span in, uint8_t *out);
MUST_USE err box_open(const uint8_t key[BOX_KEY], const uint8_t nonce[BOX_NONCE], struct span aad,
                      struct span in, uint8_t *out);
