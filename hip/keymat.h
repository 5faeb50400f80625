/* SPDX-License-Identifier: Apache-2.0
 *
 * KEYMAT (RFC 7401 s6.5): HKDF over Kij with salt #I | #J and the sorted HITs as info; keys are drawn in the order of the RFC (HOST_g is the
 * greater HIT). The exporter of docs/sim-binding.md section 3 shares the PRK.
 *
 * Lives in locked memory (sec_alloc), with the PRK: HKDF's output, HIP_KEYMAT_LEN octets at most, is expanded as it is drawn, and what was drawn is
 * wiped here.
 */
#pragma once

#include "common/crypto/hash.h"
#include "hip/hit.h"
#include "hip/proto.h"

#define HIP_KEYMAT_LEN 1024

struct hip_keymat;

/* a and b: the two HITs in any order. i, j: hash_len(rhash) octets each. */
MUST_USE err hip_keymat_new(enum hash_alg rhash, struct span kij, struct span i, struct span j,
                            const struct hit *a, const struct hit *b, struct hip_keymat **out);
void hip_keymat_free(struct hip_keymat *k); /* wipes; NULL is fine */

/* The next n octets; moves the index. ERR_SPACE: used up (a new Diffie-Hellman is due, RFC 7402 s5.1.1). */
MUST_USE err hip_keymat_draw(struct hip_keymat *k, uint8_t *out, size_t n);
/* So many will be drawn soon: expanded at once, which costs less. ERR_SPACE. */
MUST_USE err hip_keymat_expect(struct hip_keymat *k, size_t n);
size_t hip_keymat_index(const struct hip_keymat *k);
/* Move forward to an index (ESP_INFO of a rekey). ERR_RANGE: behind the next unused octet, or past the end. */
MUST_USE err hip_keymat_seek(struct hip_keymat *k, size_t index);

/* HKDF-Expand(PRK, label | smaller HIT | larger HIT, out_len). label must not be 0, 20, 32 or 48 octets long (ERR_RANGE). ERR_STATE:
 * after hip_keymat_close(). */
MUST_USE err hip_keymat_export(const struct hip_keymat *k, const char *label, uint8_t *out, size_t out_len);
void hip_keymat_close(struct hip_keymat *k); /* nothing is exported any more */

/* Keys of one direction: of what one host sends. Keep in sec_alloc memory. */
struct hip_key_pair {
    uint8_t enc_len, mac_len;
    uint8_t enc[32], mac[HIP_RHASH_MAX];
};
struct hip_keys {
    struct hip_key_pair out, in; /* what we send, what the peer sends */
};
static inline struct span hip_key_enc(const struct hip_key_pair *k)
{
    return span_of(k->enc, k->enc_len);
}
static inline struct span hip_key_mac(const struct hip_key_pair *k)
{
    return span_of(k->mac, k->mac_len);
}

/* Items 1-4: HIP-gl and HIP-lg. cipher: HIP_CIPHER id; integrity keys have hash_len(rhash). ERR_UNSUPPORTED. */
MUST_USE err hip_keymat_hip_keys(struct hip_keymat *k, uint16_t cipher, const struct hit *own,
                                 const struct hit *peer, struct hip_keys *out);
/* Items 5-8: SA-gl and SA-lg (RFC 7402 s7). */
MUST_USE err hip_keymat_esp_keys(struct hip_keymat *k, uint16_t esp_suite, const struct hit *own,
                                 const struct hit *peer, struct hip_keys *out);
