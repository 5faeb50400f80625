/* SPDX-License-Identifier: Apache-2.0
 *
 * What follows from the FA's host identity (the key itself and its file: hip/daemon/identity.h).
 */
#pragma once

#include "hip/hi.h"

/* 16 octets that follow from the private key and reveal nothing of it: keys the hashes of subscribers in logs, the same after a restart. */
MUST_USE err fa_identity_log_key(const struct hip_hi *hi, uint8_t out[16]);
