/* SPDX-License-Identifier: Apache-2.0
 * Base64 (RFC 4648 s4), with padding, without blanks. No look-up by secret octets: it decodes TSIG keys too. */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"

#define B64_LEN(n) (((n) + 2) / 3 * 4)

/* NUL-terminated; out holds B64_LEN(s.n) + 1. Returns out. */
char *dnsu_b64_encode(struct span s, char *out);
/* ERR_MALFORMED (also for bits set beside the last octet), ERR_SPACE. */
MUST_USE err dnsu_b64_decode(const char *text, size_t len, uint8_t *out, size_t cap, size_t *out_len);
