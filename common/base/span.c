/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/span.h"

#include <string.h>

struct span span_str(const char *s)
{
    return span_of(s, s ? strlen(s) : 0);
}

bool span_eq(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

struct span span_sub(struct span s, size_t off, size_t n)
{
    if (off > s.n || n > s.n - off)
        return (struct span){ 0 };
    /* NULL + 0 is undefined in C, so an empty span stays as it is */
    return off ? span_of(s.p + off, n) : span_of(s.p, n);
}
