/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "fa/worker.h"

#define LIST_MAX 100000 /* rows in one listing */

struct listing {
    worker_list_fn done;
    void *ctx;
    err err;
    struct store_counts counts;
    struct store_answer page;
    struct fa_binding *rows;
    size_t n, cap;
};

static err add(struct listing *l)
{
    if (l->n + l->page.n > l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 64;
        struct fa_binding *more = cap <= LIST_MAX ? realloc(l->rows, cap * sizeof *more) : NULL;
        if (!more)
            return ERR_MEMORY;
        l->rows = more;
        l->cap = cap;
    }
    memcpy(l->rows + l->n, l->page.v, l->page.n * sizeof l->rows[0]);
    l->n += l->page.n;
    return ERR_OK;
}

/* On a thread. */
static void list_run(void *arg, const struct store *s)
{
    struct listing *l = arg;
    uint64_t after = 0;
    l->err = s->ops->counts(s->ctx, &l->counts);
    while (l->err == ERR_OK) {
        l->err = s->ops->list(s->ctx, after, &l->page);
        if (l->err != ERR_OK || l->page.n == 0)
            break;
        l->err = add(l);
        if (l->err != ERR_OK || !l->page.more)
            break;
        after = l->rows[l->n - 1].id;
    }
}

static void list_done(void *arg, bool ran)
{
    struct listing *l = arg;
    l->done(l->ctx, ran ? l->err : ERR_IO, &l->counts, l->rows, l->n);
    free(l->rows);
    free(l);
}

err worker_list(struct worker *w, worker_list_fn done, void *ctx)
{
    struct listing *l = calloc(1, sizeof *l);
    if (!l)
        return ERR_MEMORY;
    *l = (struct listing){ .done = done, .ctx = ctx };
    err e = worker_store(w, list_run, list_done, l);
    if (e != ERR_OK)
        free(l);
    return e;
}
