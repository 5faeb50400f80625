/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rt/loop.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define N_SIGNALS 3

struct rt_loop {
    uv_loop_t uv;
    uv_signal_t sig[N_SIGNALS];
    bool has_signals;
    void (*term)(void *ctx);
    void (*reload)(void *ctx);
    void *sig_ctx;
    void *slot;
};

struct rt_timer {
    uv_timer_t uv;
    uint64_t at_us;
    void (*fire)(void *ctx);
    void *ctx;
};

struct rt_poll {
    uv_poll_t uv;
    int want;
    void (*ready)(void *ctx, int events);
    void *ctx;
};

struct rt_flush {
    uv_prepare_t uv;
    void (*flush)(void *ctx);
    void *ctx;
};

/* Every handle's data points to the block that holds it. */
static void free_closed(uv_handle_t *h)
{
    free(h->data);
}

struct rt_loop *rt_loop_new(void)
{
    struct rt_loop *l = calloc(1, sizeof(*l));

    if (l == NULL)
        return NULL;
    if (uv_loop_init(&l->uv) != 0) {
        free(l);
        return NULL;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    return l;
}

void rt_loop_free(struct rt_loop *l)
{
    if (l == NULL)
        return;
    if (l->has_signals)
        for (size_t i = 0; i < N_SIGNALS; i++)
            uv_close((uv_handle_t *)&l->sig[i], NULL);
    /* Closing takes a round or two; a handle that its owner forgot must not make the end of the process wait. */
    for (int i = 0; i < 64 && uv_run(&l->uv, UV_RUN_NOWAIT) != 0; i++)
        ;
    if (uv_loop_close(&l->uv) == 0)
        free(l);
}

uv_loop_t *rt_loop_uv(struct rt_loop *l)
{
    return &l->uv;
}

void **rt_loop_slot(struct rt_loop *l)
{
    return &l->slot;
}

void rt_loop_run(struct rt_loop *l)
{
    (void)uv_run(&l->uv, UV_RUN_DEFAULT);
}

void rt_loop_stop(struct rt_loop *l)
{
    uv_stop(&l->uv);
}

uint64_t rt_now_us(void)
{
    struct timespec ts;

    if (clock_gettime(CLOCK_BOOTTIME, &ts) != 0)
        abort();
    return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u + 1u;
}

uint64_t rt_wall_s(void)
{
    struct timespec ts;

    if (clock_gettime(CLOCK_REALTIME, &ts) != 0)
        abort();
    return (uint64_t)ts.tv_sec;
}

/* ---- timers ---- */

static void on_timer(uv_timer_t *uv);

static void timer_arm(struct rt_timer *t)
{
    uint64_t now = rt_now_us();
    uint64_t ms = t->at_us > now ? (t->at_us - now + 999u) / 1000u : 0;

    uv_update_time(t->uv.loop);
    (void)uv_timer_start(&t->uv, on_timer, ms, 0);
}

static void on_timer(uv_timer_t *uv)
{
    struct rt_timer *t = uv->data;

    /* libuv's clock stands still while the machine sleeps and is rounded: look at ours. */
    if (rt_now_us() < t->at_us) {
        timer_arm(t);
        return;
    }
    t->at_us = HEAP_NEVER;
    t->fire(t->ctx);
}

struct rt_timer *rt_timer_new(struct rt_loop *l, void (*fire)(void *ctx), void *ctx)
{
    struct rt_timer *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return NULL;
    (void)uv_timer_init(&l->uv, &t->uv);
    t->uv.data = t;
    t->at_us = HEAP_NEVER;
    t->fire = fire;
    t->ctx = ctx;
    return t;
}

void rt_timer_at(struct rt_timer *t, uint64_t at_us)
{
    if (at_us == t->at_us)
        return;
    t->at_us = at_us;
    if (at_us == HEAP_NEVER)
        (void)uv_timer_stop(&t->uv);
    else
        timer_arm(t);
}

void rt_timer_free(struct rt_timer *t)
{
    if (t != NULL)
        uv_close((uv_handle_t *)&t->uv, free_closed);
}

/* ---- descriptors ---- */

static void on_poll(uv_poll_t *uv, int status, int events)
{
    struct rt_poll *p = uv->data;
    int ev = 0;

    /* An error (an ICMP answer of a datagram socket) is found out by whoever reads or writes next; libuv stopped watching. */
    if (status < 0) {
        ev = p->want;
        p->want = 0;
        rt_poll_want(p, ev);
    }
    if (events & (UV_READABLE | UV_DISCONNECT))
        ev |= RT_READABLE;
    if (events & UV_WRITABLE)
        ev |= RT_WRITABLE;
    if (ev != 0)
        p->ready(p->ctx, ev);
}

struct rt_poll *rt_poll_new(struct rt_loop *l, int fd, void (*ready)(void *ctx, int events), void *ctx)
{
    struct rt_poll *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return NULL;
    if (uv_poll_init(&l->uv, &p->uv, fd) != 0) {
        free(p);
        return NULL;
    }
    p->uv.data = p;
    p->ready = ready;
    p->ctx = ctx;
    return p;
}

void rt_poll_want(struct rt_poll *p, int events)
{
    int uv = 0;

    if (events == p->want)
        return;
    p->want = events;
    if (events & RT_READABLE)
        uv |= UV_READABLE;
    if (events & RT_WRITABLE)
        uv |= UV_WRITABLE;
    if (uv == 0)
        (void)uv_poll_stop(&p->uv);
    else
        (void)uv_poll_start(&p->uv, uv, on_poll);
}

void rt_poll_free(struct rt_poll *p)
{
    if (p != NULL)
        uv_close((uv_handle_t *)&p->uv, free_closed);
}

/* ---- before the loop sleeps ---- */

static void on_prepare(uv_prepare_t *uv)
{
    struct rt_flush *f = uv->data;
    f->flush(f->ctx);
}

struct rt_flush *rt_flush_new(struct rt_loop *l, void (*flush)(void *ctx), void *ctx)
{
    struct rt_flush *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return NULL;
    (void)uv_prepare_init(&l->uv, &f->uv);
    f->uv.data = f;
    f->flush = flush;
    f->ctx = ctx;
    (void)uv_prepare_start(&f->uv, on_prepare);
    uv_unref((uv_handle_t *)&f->uv);
    return f;
}

void rt_flush_free(struct rt_flush *f)
{
    if (f != NULL)
        uv_close((uv_handle_t *)&f->uv, free_closed);
}

/* ---- signals ---- */

static void on_signal(uv_signal_t *uv, int signum)
{
    struct rt_loop *l = uv->data;

    if (signum == SIGHUP) {
        if (l->reload)
            l->reload(l->sig_ctx);
        return;
    }
    l->term(l->sig_ctx);
}

err rt_loop_signals(struct rt_loop *l, void (*term)(void *ctx), void (*reload)(void *ctx), void *ctx)
{
    static const int nums[N_SIGNALS] = { SIGTERM, SIGINT, SIGHUP };

    if (l->has_signals)
        return ERR_STATE;
    l->term = term;
    l->reload = reload;
    l->sig_ctx = ctx;
    l->has_signals = true;
    for (size_t i = 0; i < N_SIGNALS; i++) {
        (void)uv_signal_init(&l->uv, &l->sig[i]);
        l->sig[i].data = l;
        uv_unref((uv_handle_t *)&l->sig[i]);
    }
    for (size_t i = 0; i < N_SIGNALS; i++)
        if (uv_signal_start(&l->sig[i], on_signal, nums[i]) != 0)
            return ERR_IO;
    return ERR_OK;
}
