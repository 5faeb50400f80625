/* SPDX-License-Identifier: Apache-2.0
 *
 * Domain names as values, in uncompressed wire form with the root label (RFC 1035 s3.1). Letters keep the case they came with; comparison
 * ignores it (RFC 4343).
 */
#pragma once

#include "common/base/cursor.h"
#include "common/base/err.h"
#include "common/base/span.h"

#define DNSU_NAME_MAX      255
#define DNSU_NAME_TEXT_MAX 1025 /* every octet as \DDD, dots, NUL */

struct dnsu_name {
    uint8_t len; /* octets in wire, the root label's zero counted; 0: no name */
    uint8_t wire[DNSU_NAME_MAX];
};

/* "host.example.com" or "host.example.com."; \DDD and \X escapes. Every name is taken as absolute. ERR_MALFORMED. */
MUST_USE err dnsu_name_from_text(const char *text, struct dnsu_name *out);
/* With the final dot; octets that are not printable and dots inside labels are escaped. Returns out. */
const char *dnsu_name_text(const struct dnsu_name *n, char out[DNSU_NAME_TEXT_MAX]);
/* Exactly one uncompressed name fills s. ERR_TRUNCATED, ERR_MALFORMED. */
MUST_USE err dnsu_name_from_wire(struct span s, struct dnsu_name *out);
/* The uncompressed name at the cursor; compression pointers and reserved label types are ERR_MALFORMED. */
MUST_USE err dnsu_name_read(struct rcur *c, struct dnsu_name *out);
void dnsu_name_lower(struct dnsu_name *n);
bool dnsu_name_eq(const struct dnsu_name *a, const struct dnsu_name *b);
/* n is zone or lies below it. */
bool dnsu_name_in(const struct dnsu_name *n, const struct dnsu_name *zone);
static inline struct span dnsu_name_span(const struct dnsu_name *n)
{
    return span_of(n->wire, n->len);
}
