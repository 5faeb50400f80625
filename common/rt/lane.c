/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rt/lane.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define WAKE_US 20000

struct job {
    struct job *next;
    void (*run)(void *arg);
    void (*done)(void *arg, bool ran);
    void *arg;
};

struct rt_lane {
    uv_async_t uv; /* first: freed when closed */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work, idle;
    struct job *head, **tail; /* waiting */
    struct job *running;
    struct job *ran; /* its done() is due */
    size_t n, limit; /* of the loop's side */
    bool ending, ended;
    bool left;   /* behind: nobody waits for the thread any more; */
    bool closed; /* and libuv has done with the handle */
};

static void destroy(struct rt_lane *w)
{
    (void)pthread_cond_destroy(&w->work);
    (void)pthread_cond_destroy(&w->idle);
    (void)pthread_mutex_destroy(&w->lock);
    free(w->ran);
    free(w);
}

static void *on_thread(void *arg)
{
    struct rt_lane *w = arg;
    bool last;

    (void)pthread_mutex_lock(&w->lock);
    for (;;) {
        while (!w->ending && (w->head == NULL || w->ran != NULL))
            (void)pthread_cond_wait(&w->work, &w->lock);
        if (w->ending)
            break;
        struct job *j = w->running = w->head;
        w->head = j->next;
        if (w->head == NULL)
            w->tail = &w->head;
        (void)pthread_mutex_unlock(&w->lock);
        j->run(j->arg);
        (void)pthread_mutex_lock(&w->lock);
        w->running = NULL;
        w->ran = j;
        if (!w->left)
            (void)uv_async_send(&w->uv);
    }
    w->ended = true;
    last = w->left && w->closed;
    (void)pthread_cond_signal(&w->idle);
    (void)pthread_mutex_unlock(&w->lock);
    if (last)
        destroy(w);
    return NULL;
}

static void finish(struct rt_lane *w, struct job *j, bool ran)
{
    w->n--;
    j->done(j->arg, ran);
    free(j);
}

static void on_async(uv_async_t *uv)
{
    struct rt_lane *w = uv->data;
    struct job *j;

    (void)pthread_mutex_lock(&w->lock);
    j = w->ran;
    w->ran = NULL;
    (void)pthread_cond_signal(&w->work);
    (void)pthread_mutex_unlock(&w->lock);
    if (j != NULL)
        finish(w, j, true);
}

/* Signals are the loop's. */
static bool start(struct rt_lane *w)
{
    sigset_t all, old;
    bool ok;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    ok = pthread_create(&w->thread, NULL, on_thread, w) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return ok;
}

static void on_closed(uv_handle_t *h)
{
    destroy(h->data);
}

/* The thread was left behind: who comes second takes the rest along. */
static void on_closed_left(uv_handle_t *h)
{
    struct rt_lane *w = h->data;
    bool last;

    (void)pthread_mutex_lock(&w->lock);
    w->closed = true;
    last = w->ended;
    (void)pthread_mutex_unlock(&w->lock);
    if (last)
        destroy(w);
}

struct rt_lane *rt_lane_new(struct rt_loop *l, size_t limit)
{
    struct rt_lane *w = calloc(1, sizeof(*w));
    pthread_condattr_t clock;

    if (w == NULL)
        return NULL;
    w->limit = limit;
    w->tail = &w->head;
    w->uv.data = w;
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&w->work, NULL);
    (void)pthread_cond_init(&w->idle, &clock);
    (void)pthread_condattr_destroy(&clock);
    if (uv_async_init(rt_loop_uv(l), &w->uv, on_async) != 0) {
        destroy(w);
        return NULL;
    }
    if (!start(w)) {
        uv_close((uv_handle_t *)&w->uv, on_closed);
        return NULL;
    }
    return w;
}

err rt_lane_submit(struct rt_lane *w, void (*run)(void *arg), void (*done)(void *arg, bool ran), void *arg)
{
    struct job *j;

    if (w->n >= w->limit)
        return ERR_FULL;
    j = calloc(1, sizeof(*j));
    if (j == NULL)
        return ERR_MEMORY;
    *j = (struct job){ .run = run, .done = done, .arg = arg };
    w->n++;
    (void)pthread_mutex_lock(&w->lock);
    *w->tail = j;
    w->tail = &j->next;
    (void)pthread_cond_signal(&w->work);
    (void)pthread_mutex_unlock(&w->lock);
    return ERR_OK;
}

size_t rt_lane_pending(const struct rt_lane *w)
{
    return w->n;
}

/* Locked. Until the thread ended or the time is over. */
static void await_end(struct rt_lane *w, void (*wake)(void *ctx), void *ctx, uint64_t patience_us)
{
    for (uint64_t waited = 0; !w->ended && waited < patience_us; waited += WAKE_US) {
        struct timespec t;
        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        t.tv_nsec += WAKE_US * 1000;
        t.tv_sec += t.tv_nsec / 1000000000;
        t.tv_nsec %= 1000000000;
        if (wake != NULL) {
            (void)pthread_mutex_unlock(&w->lock);
            wake(ctx);
            (void)pthread_mutex_lock(&w->lock);
        }
        if (!w->ended)
            (void)pthread_cond_timedwait(&w->idle, &w->lock, &t);
    }
}

bool rt_lane_free(struct rt_lane *w, void (*wake)(void *ctx), void *ctx, uint64_t patience_us)
{
    struct job *waiting, *ran;
    bool ended;

    if (w == NULL)
        return true;
    (void)pthread_mutex_lock(&w->lock);
    w->ending = true;
    waiting = w->head;
    w->head = NULL;
    (void)pthread_cond_signal(&w->work);
    await_end(w, wake, ctx, patience_us);
    ended = w->ended;
    w->left = !ended;
    ran = w->ran;
    w->ran = NULL;
    (void)pthread_mutex_unlock(&w->lock);
    if (ended)
        (void)pthread_join(w->thread, NULL);
    else
        (void)pthread_detach(w->thread);
    if (ran != NULL)
        finish(w, ran, true);
    for (struct job *next; waiting != NULL; waiting = next) {
        next = waiting->next;
        finish(w, waiting, false);
    }
    uv_close((uv_handle_t *)&w->uv, ended ? on_closed : on_closed_left);
    return ended;
}
