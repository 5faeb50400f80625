/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/heap.h"

#include <stdlib.h>

err heap_init(struct heap *h, size_t cap)
{
    if (cap > SIZE_MAX / sizeof(struct heap_node *))
        return ERR_MEMORY;
    struct heap_node **v = malloc((cap ? cap : 1) * sizeof(struct heap_node *));
    if (!v)
        return ERR_MEMORY;
    *h = (struct heap){ .v = v, .cap = cap };
    return ERR_OK;
}

void heap_done(struct heap *h)
{
    for (size_t i = 0; i < h->n; i++)
        h->v[i]->pos = 0;
    free(h->v);
    *h = (struct heap){ 0 };
}

static void place(struct heap *h, size_t i, struct heap_node *n)
{
    h->v[i] = n;
    n->pos = i + 1;
}

static void sift_up(struct heap *h, size_t i)
{
    struct heap_node *n = h->v[i];
    while (i > 0 && h->v[(i - 1) / 2]->at_us > n->at_us) {
        place(h, i, h->v[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    place(h, i, n);
}

static void sift_down(struct heap *h, size_t i)
{
    struct heap_node *n = h->v[i];
    for (;;) {
        size_t c = 2 * i + 1;
        if (c >= h->n)
            break;
        if (c + 1 < h->n && h->v[c + 1]->at_us < h->v[c]->at_us)
            c++;
        if (h->v[c]->at_us >= n->at_us)
            break;
        place(h, i, h->v[c]);
        i = c;
    }
    place(h, i, n);
}

err heap_set(struct heap *h, struct heap_node *n, uint64_t at_us)
{
    if (at_us == HEAP_NEVER) {
        heap_remove(h, n);
        return ERR_OK;
    }
    if (!n->pos) {
        if (h->n == h->cap)
            return ERR_FULL;
        place(h, h->n++, n);
    }
    n->at_us = at_us;
    size_t i = n->pos - 1;
    sift_up(h, i);
    if (h->v[i] == n)
        sift_down(h, i);
    return ERR_OK;
}

void heap_remove(struct heap *h, struct heap_node *n)
{
    n->at_us = HEAP_NEVER;
    if (!n->pos)
        return;
    size_t i = n->pos - 1;
    n->pos = 0;
    struct heap_node *last = h->v[--h->n];
    if (last == n)
        return;
    place(h, i, last);
    sift_up(h, i);
    if (h->v[i] == last)
        sift_down(h, i);
}

struct heap_node *heap_min(const struct heap *h)
{
    return h->n ? h->v[0] : NULL;
}
