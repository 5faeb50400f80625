/* SPDX-License-Identifier: Apache-2.0
 *
 * Key derivation of EAP-AKA (RFC 4187 s7) and EAP-AKA' (RFC 9048 s3.3, s3.4; CK' and IK' TS 33.402 Annex A.2), and AT_MAC
 * (RFC 4187 s10.15). Everything here is secret: in locked memory, wiped by its owner.
 */
#pragma once

#include "aka/eap.h"
#include "aka/vector.h"

#define AKA_K_ENCR_LEN   16
#define AKA_K_AUT_MAX    32
#define AKA_K_RE_LEN     32
#define AKA_MSK_LEN      64
#define AKA_EMSK_LEN     64
#define AKA_AT_MAC_LEN   16
#define AKA_NONCE_S_LEN  16
#define AKA_NET_NAME_MAX 253

struct aka_keys {
    uint8_t k_encr[AKA_K_ENCR_LEN];
    uint8_t k_aut[AKA_K_AUT_MAX]; /* k_aut_len octets: 16 (AKA), 32 (AKA') */
    uint8_t k_aut_len;
    uint8_t k_re[AKA_K_RE_LEN]; /* AKA' only */
    uint8_t mk[20];             /* AKA only: fast re-authentication starts from it */
    uint8_t msk[AKA_MSK_LEN];
    uint8_t emsk[AKA_EMSK_LEN];
};

/* CK' | IK' for the access network's name; sqn_xor_ak are the first six octets of AUTN. */
MUST_USE err aka_prime_ck_ik(const uint8_t ck[AKA_CK_LEN], const uint8_t ik[AKA_IK_LEN], struct span net_name,
                             const uint8_t sqn_xor_ak[6], uint8_t ck_prime[AKA_CK_LEN],
                             uint8_t ik_prime[AKA_IK_LEN]);
/* PRF'(K, S) of RFC 9048 s3.4.1. out_len at most 255 * 32. */
MUST_USE err aka_prf_prime(struct span key, struct span s, uint8_t *out, size_t out_len);
/* Full authentication; identity as RFC 4187 s7 says, octet for octet. */
MUST_USE err aka_keys_prime(const uint8_t ck_prime[AKA_CK_LEN], const uint8_t ik_prime[AKA_IK_LEN],
                            struct span identity, struct aka_keys *out);
MUST_USE err aka_keys_plain(const uint8_t ck[AKA_CK_LEN], const uint8_t ik[AKA_IK_LEN], struct span identity,
                            struct aka_keys *out);
/* Fast re-authentication (RFC 4187 s7, RFC 9048 s3.3): MSK and EMSK made anew in *k from its mk (AKA) or k_re (AKA'); its other keys stay. */
MUST_USE err aka_keys_reauth(uint8_t method, struct aka_keys *k, struct span identity, uint16_t counter,
                             const uint8_t nonce_s[AKA_NONCE_S_LEN]);
/* AT_MAC over a whole EAP packet whose MAC value stands at mac_off and counts as zero; extra: what some messages append (NONCE_S). */
MUST_USE err aka_mac(uint8_t method, const struct aka_keys *k, struct span packet, size_t mac_off,
                     struct span extra, uint8_t out[AKA_AT_MAC_LEN]);
