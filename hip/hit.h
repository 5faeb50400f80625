/* SPDX-License-Identifier: Apache-2.0
 *
 * Host identity tags: ORCHIDv2 (RFC 7343 s2) under 2001:20::/28 with the HIT suite in the low four bits of the prefix (RFC 7401 s3.2).
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"

struct hit {
    uint8_t b[16];
};

#define HIT_TEXT_MAX 46

bool hit_eq(const struct hit *a, const struct hit *b);
/* Unsigned 128-bit big-endian comparison (RFC 7401 s6.5): <0, 0, >0. */
int hit_cmp(const struct hit *a, const struct hit *b);
bool hit_is_null(const struct hit *h);
/* Inside 2001:20::/28. */
bool hit_is_valid(const struct hit *h);
uint8_t hit_suite(const struct hit *h);                              /* 1, 2, 3, 5 ... */
const char *hit_format(const struct hit *h, char out[HIT_TEXT_MAX]); /* as an IPv6 address */
MUST_USE err hit_parse(const char *text, struct hit *out);
/* The HIT of a Host Identity field (curve label included, Algorithm and DI not). ERR_UNSUPPORTED: suite not implemented. */
MUST_USE err hit_derive(uint8_t suite, struct span host_identity, struct hit *out);
