/* SPDX-License-Identifier: Apache-2.0
 *
 * The FA's host identity in its file: PKCS#8 DER, mode 0600, made when it is not there.
 */
#pragma once

#include "common/rt/file.h"
#include "hip/hi.h"

/* ERR_REFUSED: others may read the file. ERR_MALFORMED: no key that we can use. */
MUST_USE err fa_identity_open(const char *path, enum sig_type type, unsigned bits, struct hip_hi *out,
                              char why[RT_FILE_WHY_MAX]);
/* 16 octets that follow from the private key and reveal nothing of it: keys the hashes of subscribers in logs, the same after a restart. */
MUST_USE err fa_identity_log_key(const struct hip_hi *hi, uint8_t out[16]);
