/* SPDX-License-Identifier: Apache-2.0
 *
 * Borrowed octets. A span owns nothing: it is valid as long as what it points into.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
    const uint8_t *p;
    size_t n;
};

static inline struct span span_of(const void *p, size_t n)
{
    return (struct span){ .p = p, .n = n };
}

/* The octets of a C string without its NUL. */
struct span span_str(const char *s);

/* Equal length and octets. NOT for MACs, keys or anything secret: sec_equal() is. */
bool span_eq(struct span a, struct span b);

/* Octets [off, off + n), or an empty span when that does not lie inside. */
struct span span_sub(struct span s, size_t off, size_t n);

static inline bool span_empty(struct span s)
{
    return s.n == 0;
}
