/* SPDX-License-Identifier: Apache-2.0
 *
 * Binary heap of deadlines. The node lives in the caller's object; the heap owns only its array.
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"

#define HEAP_NEVER UINT64_MAX

struct heap_node {
    uint64_t at_us;
    size_t pos; /* 1-based place in the heap; 0 = not in it */
};

struct heap {
    struct heap_node **v;
    size_t n, cap;
};

MUST_USE err heap_init(struct heap *h, size_t cap);
void heap_done(struct heap *h);
/* Insert or move; at_us HEAP_NEVER removes. ERR_FULL. */
MUST_USE err heap_set(struct heap *h, struct heap_node *n, uint64_t at_us);
void heap_remove(struct heap *h, struct heap_node *n);
struct heap_node *heap_min(const struct heap *h); /* NULL when empty */
static inline bool heap_has(const struct heap_node *n)
{
    return n->pos != 0;
}
static inline uint64_t heap_deadline(const struct heap *h)
{
    struct heap_node *n = heap_min(h);
    return n ? n->at_us : HEAP_NEVER;
}
