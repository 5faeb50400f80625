/* SPDX-License-Identifier: Apache-2.0
 * Hexadecimal text and octets. */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"

/* Lower case, NUL-terminated; out holds 2 * s.n + 1. Returns out. */
char *hex_encode(struct span s, char *out);
/* Either case, no blanks; exactly cap octets at most. ERR_MALFORMED, ERR_SPACE. */
MUST_USE err hex_decode(const char *text, size_t len, uint8_t *out, size_t cap, size_t *out_len);
