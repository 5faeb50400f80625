/* SPDX-License-Identifier: Apache-2.0
 * Base64 (RFC 4648 s4), with padding, without blanks; libsodium's, which has no look-up by secret octets: TSIG keys come through here. */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"

#define B64_LEN(n) (((n) + 2) / 3 * 4)

/* NUL-terminated; out holds B64_LEN(s.n) + 1. Returns out. */
char *b64_encode(struct span s, char *out);
/* ERR_MALFORMED (also for bits set beside the last octet), ERR_SPACE. */
MUST_USE err b64_decode(const char *text, size_t len, uint8_t *out, size_t cap, size_t *out_len);
