/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rt/work.h"

#include <stdlib.h>

struct job {
    struct job *next;
    void (*run)(void *arg);
    void (*done)(void *arg, bool ran);
    void *arg;
};

struct rt_work {
    uv_work_t uv;
    uv_loop_t *loop;
    struct rt_work_batch batch;
    struct job *head, **tail; /* waiting ones */
    struct job
        *running; /* and those behind it: the batch on the thread, then those of it that are not done yet */
    bool busy, lasts;
    size_t n, limit;
    bool closing;
};

static void begin_nothing(void *ctx)
{
    (void)ctx;
}

static bool end_nothing(void *ctx)
{
    (void)ctx;
    return true;
}

struct rt_work *rt_work_new_batched(struct rt_loop *l, size_t limit, const struct rt_work_batch *b)
{
    struct rt_work *w = calloc(1, sizeof(*w));

    if (w == NULL)
        return NULL;
    w->loop = rt_loop_uv(l);
    w->limit = limit;
    w->batch = *b;
    w->tail = &w->head;
    w->uv.data = w;
    return w;
}

struct rt_work *rt_work_new(struct rt_loop *l, size_t limit)
{
    static const struct rt_work_batch alone = { .max = 1, .begin = begin_nothing, .end = end_nothing };
    return rt_work_new_batched(l, limit, &alone);
}

static void start_next(struct rt_work *w);

static void on_thread(uv_work_t *uv)
{
    struct rt_work *w = uv->data;

    w->batch.begin(w->batch.ctx);
    for (struct job *j = w->running; j != NULL; j = j->next)
        j->run(j->arg);
    w->lasts = w->batch.end(w->batch.ctx);
}

static void on_done(uv_work_t *uv, int status)
{
    struct rt_work *w = uv->data;
    bool lasts = status == 0 && w->lasts;

    while (w->running != NULL) {
        struct job *j = w->running;
        w->running = j->next;
        w->n--;
        j->done(j->arg, lasts);
        free(j);
    }
    w->busy = false;
    start_next(w);
}

/* The first of those that wait, with as many as may go with it. */
static void start_next(struct rt_work *w)
{
    struct job **end = &w->head;

    if (w->busy || w->head == NULL || w->closing)
        return;
    for (size_t i = 0; i < w->batch.max && *end != NULL; i++)
        end = &(*end)->next;
    w->running = w->head;
    w->head = *end;
    *end = NULL;
    if (w->head == NULL)
        w->tail = &w->head;
    w->busy = true;
    (void)uv_queue_work(w->loop, &w->uv, on_thread, on_done);
}

err rt_work_submit(struct rt_work *w, void (*run)(void *arg), void (*done)(void *arg, bool ran), void *arg)
{
    struct job *j;

    if (w->n >= w->limit || w->closing)
        return ERR_FULL;
    j = calloc(1, sizeof(*j));
    if (j == NULL)
        return ERR_MEMORY;
    *j = (struct job){ .run = run, .done = done, .arg = arg };
    *w->tail = j;
    w->tail = &j->next;
    w->n++;
    start_next(w);
    return ERR_OK;
}

void rt_work_free(struct rt_work *w)
{
    if (w == NULL)
        return;
    w->closing = true;
    for (struct job *j = w->head, *next; j != NULL; j = next) {
        next = j->next;
        j->done(j->arg, false);
        free(j);
    }
    w->head = NULL;
    if (w->busy)
        (void)uv_cancel((uv_req_t *)&w->uv); /* not begun yet: comes back cancelled */
    while (w->busy)
        (void)uv_run(w->loop, UV_RUN_ONCE);
    free(w);
}

size_t rt_work_pending(const struct rt_work *w)
{
    return w->n;
}
