/* SPDX-License-Identifier: Apache-2.0
 *
 * HIP_MAC, HIP_MAC_2, RVS_HMAC, RELAY_HMAC, HIP_SIGNATURE, HIP_SIGNATURE_2: made over and checked against exactly the octets of
 * RFC 7401 s5.2.12-5.2.15, s6.4 and RFC 8004 s4.2.1: everything in front of the parameter, checksum zero, Header Length up to
 * the parameter; HIP_MAC_2 with the Responder's HOST_ID TLV behind it; HIP_SIGNATURE_2 with the receiver's HIT, Opaque and #I as
 * zeros.
 *
 * _add: sticky errors of the builder. _check: OK, ERR_NOT_FOUND (parameter absent), ERR_AUTH, ERR_CRYPTO.
 */
#pragma once

#include "common/crypto/hash.h"
#include "hip/build.h"
#include "hip/hi.h"

/* type: HIP_PAR_HIP_MAC, HIP_PAR_RVS_HMAC or HIP_PAR_RELAY_HMAC. key: the sender's integrity key; of the registration's
 * association (and its RHASH) for the latter two. */
void hip_mac_add(struct hip_build *b, uint16_t type, enum hash_alg rhash, struct span key);
MUST_USE err hip_mac_check(const struct hip_pkt *k, uint16_t type, enum hash_alg rhash, struct span key);

/* host_id_tlv: the Responder's HOST_ID as it stood in R1, TLV header and padding included (hip_par_tlv). */
void hip_mac2_add(struct hip_build *b, enum hash_alg rhash, struct span key, struct span host_id_tlv);
MUST_USE err hip_mac2_check(const struct hip_pkt *k, enum hash_alg rhash, struct span key,
                            struct span host_id_tlv);

/* type: HIP_PAR_HIP_SIGNATURE or HIP_PAR_HIP_SIGNATURE_2. */
void hip_sign_add(struct hip_build *b, uint16_t type, const struct hip_hi *own);
MUST_USE err hip_sign_check(const struct hip_pkt *k, uint16_t type, const struct hip_hi *peer);
