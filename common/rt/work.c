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
    struct job *head, **tail; /* waiting ones */
    struct job *running;
    size_t n, limit;
    bool closing;
};

struct rt_work *rt_work_new(struct rt_loop *l, size_t limit)
{
    struct rt_work *w = calloc(1, sizeof(*w));

    if (w == NULL)
        return NULL;
    w->loop = rt_loop_uv(l);
    w->limit = limit;
    w->tail = &w->head;
    w->uv.data = w;
    return w;
}

static void start_next(struct rt_work *w);

static void on_thread(uv_work_t *uv)
{
    struct rt_work *w = uv->data;
    w->running->run(w->running->arg);
}

static void on_done(uv_work_t *uv, int status)
{
    struct rt_work *w = uv->data;
    struct job *j = w->running;

    w->running = NULL;
    w->n--;
    j->done(j->arg, status == 0);
    free(j);
    start_next(w);
}

static void start_next(struct rt_work *w)
{
    struct job *j = w->head;

    if (w->running != NULL || j == NULL || w->closing)
        return;
    w->head = j->next;
    if (w->head == NULL)
        w->tail = &w->head;
    w->running = j;
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
    if (w->running)
        (void)uv_cancel((uv_req_t *)&w->uv); /* not begun yet: comes back cancelled */
    while (w->running)
        (void)uv_run(w->loop, UV_RUN_ONCE);
    free(w);
}

size_t rt_work_pending(const struct rt_work *w)
{
    return w->n;
}
