/* SPDX-License-Identifier: Apache-2.0
 *
 * Forward secrecy for EAP-AKA' (RFC 9678): a Diffie-Hellman exchange in AT_PUB_ECDHE beside the challenge. K_encr and K_aut stay as they are without it
 * (s6.3); K_re, MSK and EMSK hang on the shared secret as well. Both ends' keys are made for one run and wiped with it.
 */
#pragma once

#include "aka/akakeys.h"
#include "common/crypto/dh.h"

/* AT_KDF_FS. 0: none. */
enum aka_fs_kdf { AKA_FS_NONE = 0, AKA_FS_X25519 = 1, AKA_FS_P256 = 2 };

#define AKA_FS_PUBLIC_MAX DH_P256_SHORT
#define AKA_FS_SHARED_LEN 32

bool aka_fs_known(uint16_t kdf);
/* A fresh key (the draw dh_private). NULL: no such function, or no memory. */
struct dh_key *aka_fs_generate(uint16_t kdf, const struct env *env);
/* As AT_PUB_ECDHE carries it: 32 octets, or for P-256 33. Returns the length. */
size_t aka_fs_public(uint16_t kdf, const struct dh_key *k, uint8_t out[AKA_FS_PUBLIC_MAX]);
/* value: of AT_PUB_ECDHE, with the zeros behind it. ERR_MALFORMED: another length, or not zeros. ERR_RANGE: no public key (s6.3). */
MUST_USE err aka_fs_shared(uint16_t kdf, const struct dh_key *k, struct span value,
                           uint8_t out[AKA_FS_SHARED_LEN]);
/* All keys of a run with forward secrecy. */
MUST_USE err aka_keys_fs(const uint8_t ck_prime[AKA_CK_LEN], const uint8_t ik_prime[AKA_IK_LEN],
                         const uint8_t shared[AKA_FS_SHARED_LEN], struct span identity, struct aka_keys *out);
