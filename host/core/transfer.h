/* SPDX-License-Identifier: Apache-2.0
 *
 * The secret of a takeover (docs/sim-binding.md section 2, item 5) as people carry it from one host to another: 17 groups of four hexadecimal digits, the last
 * one a check of the others (the first two octets of their SHA-256).
 */
#pragma once

#include "host/core/host.h"

#define HOST_CODE_MAX (17 * 5)

void host_code_write(const uint8_t secret[HOST_SECRET_LEN], char out[HOST_CODE_MAX]);
/* Blanks and hyphens count for nothing. ERR_MALFORMED: not such a code; ERR_AUTH: one that was copied wrongly. */
MUST_USE err host_code_read(const char *text, uint8_t secret[HOST_SECRET_LEN]);
