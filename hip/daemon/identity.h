/* SPDX-License-Identifier: Apache-2.0
 *
 * A daemon's host identity in its file: a private key (PKCS#8, DER, mode 0600), made on the first start.
 */
#pragma once

#include "common/rt/file.h"
#include "hip/hi.h"

/* ERR_REFUSED: others may read it; ERR_MALFORMED: not such a key; ERR_IO. why: one line. out is freed with hip_hi_done(). */
MUST_USE err hipd_identity_open(const char *path, enum sig_type type, unsigned bits, struct hip_hi *out,
                                char why[RT_FILE_WHY_MAX]);
