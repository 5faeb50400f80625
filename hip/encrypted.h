/* SPDX-License-Identifier: Apache-2.0
 *
 * ENCRYPTED (RFC 7401 s5.2.18): Reserved(4) IV ciphertext. Inner TLVs are padded to 8 each, then as PKCS#5 (a whole block when
 * aligned). On receipt a missing pad block is tolerated.
 */
#pragma once

#include "common/base/env.h"
#include "hip/build.h"

/* cipher: HIP_CIPHER id (2 or 4); key: the sender's encryption key; inner: finished TLVs. IV from env. ERR_UNSUPPORTED, ERR_SPACE,
 * ERR_CRYPTO are the builder's. */
void hip_encrypted_add(struct hip_build *b, uint16_t cipher, struct span key, const struct env *env,
                       struct span inner);
/* v: contents of ENCRYPTED. out holds at least v.n octets; *inner borrows from it: the TLVs without cipher padding, for hip_inner_parse().
 * ERR_MALFORMED, ERR_UNSUPPORTED, ERR_CRYPTO. out may hold secrets: the caller wipes it. */
MUST_USE err hip_encrypted_open(struct span v, uint16_t cipher, struct span key, uint8_t *out, size_t cap,
                                struct span *inner);
