/* SPDX-License-Identifier: Apache-2.0
 * Loop, timers, the work queue, randomness, the log's lines. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/rt/lane.h"
#include "common/rt/logsink.h"
#include "common/rt/loop.h"
#include "common/rt/mail.h"
#include "common/rt/osrand.h"
#include "common/rt/work.h"

struct fixture {
    struct rt_loop *loop;
    uint64_t fired_us;
    int fires, flushes, terms, reloads;
};

static void on_fire(void *ctx)
{
    struct fixture *f = ctx;
    f->fired_us = rt_now_us();
    f->fires++;
    rt_loop_stop(f->loop);
}

static void timer_fires_once_and_not_early(void **state)
{
    struct fixture f = { .loop = rt_loop_new() };
    struct rt_timer *t = rt_timer_new(f.loop, on_fire, &f);
    uint64_t at = rt_now_us() + 7300;
    (void)state;

    rt_timer_at(t, at + 1000000);
    rt_timer_at(t, at);
    rt_loop_run(f.loop);
    assert_int_equal(f.fires, 1);
    assert_true(f.fired_us >= at);
    rt_timer_at(t, 1); /* long past */
    rt_loop_run(f.loop);
    assert_int_equal(f.fires, 2);
    rt_timer_at(t, rt_now_us() + 1000);
    rt_timer_at(t, HEAP_NEVER);
    rt_loop_run(f.loop); /* nothing left: returns */
    assert_int_equal(f.fires, 2);
    rt_timer_free(t);
    rt_loop_free(f.loop);
}

static void on_term(void *ctx)
{
    struct fixture *f = ctx;
    f->terms++;
    rt_loop_stop(f->loop);
}

static void on_reload(void *ctx)
{
    struct fixture *f = ctx;
    f->reloads++;
    (void)raise(SIGTERM);
}

static void signals(void **state)
{
    struct fixture f = { .loop = rt_loop_new() };
    struct rt_timer *t = rt_timer_new(f.loop, on_fire, &f);
    (void)state;

    assert_int_equal(rt_loop_signals(f.loop, on_term, on_reload, &f), ERR_OK);
    rt_timer_at(t, rt_now_us() + 3000000);
    (void)raise(SIGHUP);
    rt_loop_run(f.loop);
    assert_int_equal(f.reloads, 1);
    assert_int_equal(f.terms, 1);
    assert_int_equal(f.fires, 0);
    rt_timer_free(t);
    rt_loop_free(f.loop);
}

struct job {
    struct fixture *f;
    int *order;
    int at, ran, done;
};

static void job_run(void *arg)
{
    struct job *j = arg;
    usleep(2000);
    j->ran = 1;
}

static void job_done(void *arg, bool ran)
{
    struct job *j = arg;
    j->done = ran ? ++*j->order : -1;
}

static void work_in_order_and_bounded(void **state)
{
    struct fixture f = { .loop = rt_loop_new() };
    struct rt_work *w = rt_work_new(f.loop, 3);
    int order = 0;
    struct job j[4];
    (void)state;

    for (int i = 0; i < 4; i++) {
        j[i] = (struct job){ &f, &order, i, 0, 0 };
        assert_int_equal(rt_work_submit(w, job_run, job_done, &j[i]), i < 3 ? ERR_OK : ERR_FULL);
    }
    assert_int_equal(rt_work_pending(w), 3);
    rt_loop_run(f.loop);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(j[i].ran, 1);
        assert_int_equal(j[i].done, i + 1);
    }
    assert_int_equal(j[3].done, 0);
    assert_int_equal(rt_work_pending(w), 0);
    /* Freed with one running and one waiting: the first is waited for, the second told. */
    for (int i = 0; i < 2; i++) {
        j[i] = (struct job){ &f, &order, i, 0, 0 };
        assert_int_equal(rt_work_submit(w, job_run, job_done, &j[i]), ERR_OK);
    }
    usleep(1000);
    rt_work_free(w);
    assert_true((j[0].ran && j[0].done > 0) || (!j[0].ran && j[0].done == -1));
    assert_int_equal(j[1].ran, 0);
    assert_int_equal(j[1].done, -1);
    rt_loop_free(f.loop);
}

/* ---- jobs together ---- */

struct batches {
    int begun, ended, in;
    int size[8]; /* jobs in each */
    bool lasts;
};

struct part {
    struct batches *b;
    int at; /* batch it ran in, from 1; while one is open only */
    int done, lasts;
};

static void batch_begin(void *ctx)
{
    struct batches *b = ctx;
    b->begun++;
    b->in = 0;
}

static bool batch_end(void *ctx)
{
    struct batches *b = ctx;
    b->size[b->ended++] = b->in;
    return b->lasts;
}

static void part_run(void *arg)
{
    struct part *p = arg;
    usleep(2000);
    p->at = p->b->begun == p->b->ended + 1 ? p->b->begun : -1;
    p->b->in++;
}

static void part_done(void *arg, bool ran)
{
    struct part *p = arg;
    p->done = p->b->ended; /* batches that had ended by then */
    p->lasts = ran;
}

static void work_together(void **state)
{
    struct batches b = { .lasts = true };
    struct rt_loop *loop = rt_loop_new();
    const struct rt_work_batch how = { .max = 4, .begin = batch_begin, .end = batch_end, .ctx = &b };
    struct rt_work *w = rt_work_new_batched(loop, 100, &how);
    struct part p[7];
    (void)state;

    for (int i = 0; i < 7; i++) { /* the first one does not wait for the others; these are 4 and 2 */
        p[i] = (struct part){ .b = &b };
        assert_int_equal(rt_work_submit(w, part_run, part_done, &p[i]), ERR_OK);
    }
    rt_loop_run(loop);
    assert_int_equal(b.begun, 3);
    assert_int_equal(b.ended, 3);
    assert_int_equal(b.size[0], 1);
    assert_int_equal(b.size[1], 4);
    assert_int_equal(b.size[2], 2);
    for (int i = 0; i < 7; i++) {
        int batch = i == 0 ? 1 : i < 5 ? 2 : 3;
        assert_int_equal(p[i].at, batch);
        assert_int_equal(p[i].done, batch); /* not before its batch has ended */
        assert_true(p[i].lasts);
    }
    b.lasts = false; /* what a batch did came to nothing: all of it */
    for (int i = 0; i < 3; i++) {
        p[i] = (struct part){ .b = &b, .lasts = true };
        assert_int_equal(rt_work_submit(w, part_run, part_done, &p[i]), ERR_OK);
    }
    rt_loop_run(loop);
    for (int i = 0; i < 3; i++)
        assert_true(p[i].at > 0 && p[i].done && !p[i].lasts);
    assert_int_equal(rt_work_pending(w), 0);
    rt_work_free(w);
    rt_loop_free(loop);
}

/* ---- a thread of one's own ---- */

static void lane_done(void *arg, bool ran)
{
    struct job *j = arg;
    job_done(arg, ran);
    if (ran && j->at == 2)
        rt_loop_stop(j->f->loop);
}

static void lane_in_order_and_bounded(void **state)
{
    struct fixture f = { .loop = rt_loop_new() };
    struct rt_lane *w = rt_lane_new(f.loop, 3);
    int order = 0;
    struct job j[4];
    (void)state;

    for (int i = 0; i < 4; i++) {
        j[i] = (struct job){ &f, &order, i, 0, 0 };
        assert_int_equal(rt_lane_submit(w, job_run, lane_done, &j[i]), i < 3 ? ERR_OK : ERR_FULL);
    }
    assert_int_equal(rt_lane_pending(w), 3);
    rt_loop_run(f.loop);
    for (int i = 0; i < 3; i++)
        assert_int_equal(j[i].done, i + 1);
    assert_int_equal(j[3].done, 0);
    assert_int_equal(rt_lane_pending(w), 0);
    assert_true(rt_lane_free(w, NULL, NULL, 1000000));
    assert_true(rt_lane_free(NULL, NULL, NULL, 0));
    rt_loop_free(f.loop);
}

struct stuck {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    int begun, woken, done;
    bool deaf;
};

static void stuck_run(void *arg)
{
    struct stuck *s = arg;
    pthread_mutex_lock(&s->lock);
    s->begun = 1;
    while (!s->woken)
        pthread_cond_wait(&s->cond, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

static void stuck_done(void *arg, bool ran)
{
    struct stuck *s = arg;
    s->done = ran ? 1 : -1;
}

static void stuck_wake(void *arg)
{
    struct stuck *s = arg;
    pthread_mutex_lock(&s->lock);
    s->woken |= !s->deaf;
    pthread_cond_signal(&s->cond);
    pthread_mutex_unlock(&s->lock);
}

static bool stuck_begun(struct stuck *s)
{
    pthread_mutex_lock(&s->lock);
    bool b = s->begun;
    pthread_mutex_unlock(&s->lock);
    return b;
}

/* A job that blocks is woken at the end; one that does not hear is left behind, and the loop ends all the same. */
static void lane_ends(void **state)
{
    for (int deaf = 0; deaf < 2; deaf++) {
        struct rt_loop *l = rt_loop_new();
        struct rt_lane *w = rt_lane_new(l, 3);
        static struct stuck s[2], waiting[2]; /* outlives the thread */
        uint64_t t = rt_now_us();
        (void)state;

        s[deaf] = (struct stuck){ .lock = PTHREAD_MUTEX_INITIALIZER,
                                  .cond = PTHREAD_COND_INITIALIZER,
                                  .deaf = deaf };
        assert_int_equal(rt_lane_submit(w, stuck_run, stuck_done, &s[deaf]), ERR_OK);
        assert_int_equal(rt_lane_submit(w, stuck_run, stuck_done, &waiting[deaf]), ERR_OK);
        while (!stuck_begun(&s[deaf]))
            usleep(1000);
        assert_int_equal(rt_lane_free(w, stuck_wake, &s[deaf], 200000), !deaf);
        assert_int_equal(s[deaf].done, deaf ? 0 : 1);
        assert_int_equal(waiting[deaf].done, -1);
        assert_true(rt_now_us() - t < 5000000);
        rt_loop_free(l);
        s[deaf].deaf = false; /* the one that was left may go now */
        stuck_wake(&s[deaf]);
        if (deaf)
            usleep(100000);
    }
}

static void randomness(void **state)
{
    struct env e = rt_env((struct log){ 0 });
    uint8_t a[64] = { 0 }, b[64] = { 0 };
    (void)state;

    env_random(&e, a, sizeof(a));
    env_random(&e, b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
}

static void log_lines(void **state)
{
    char path[] = "/tmp/rt-log-XXXXXX", got[1024] = "";
    int fd = mkstemp(path), keep = dup(STDERR_FILENO);
    (void)state;

    unsetenv("JOURNAL_STREAM");
    struct log l = rt_logsink(LOG_LV_INFO);
    dup2(fd, STDERR_FILENO);
    log_at(&l, LOG_LV_INFO, "net", "say \"%s\"\nlevel=error", "a\\b");
    log_at(&l, LOG_LV_DEBUG, "net", "not shown");
    dup2(keep, STDERR_FILENO);
    assert_true(pread(fd, got, sizeof(got) - 1, 0) > 0);
    assert_memory_equal(got, "ts=20", 5);
    assert_string_equal(got + strcspn(got, " "),
                        " level=info cat=net msg=\"say \\\"a\\\\b\\\"?level=error\"\n");
    close(fd);
    close(keep);
    unlink(path);
}

/* ---- mail between loops ---- */

struct post {
    struct rt_loop *loop;
    struct rt_mail *mail;
    size_t n, want, gone;
    uintptr_t last;
};

static void on_mail(void *ctx, void *arg)
{
    struct post *p = ctx;
    p->n++;
    assert_true((uintptr_t)arg > p->last); /* in order */
    p->last = (uintptr_t)arg;
    if (p->n == p->want)
        rt_loop_stop(p->loop);
}

static size_t gone;

static void on_gone(void *arg)
{
    gone++;
}

static void *poster(void *ctx)
{
    struct post *p = ctx;
    for (uintptr_t i = 1; i <= 10000;)
        if (rt_mail_post(p->mail, on_mail, on_gone, (void *)i) == ERR_OK)
            i++;
    return NULL;
}

static void mail(void **state)
{
    struct rt_loop *l = rt_loop_new();
    struct post p = { .loop = l, .want = 10000 };
    pthread_t t;
    p.mail = rt_mail_new(l, 8, &p);
    assert_non_null(p.mail);
    assert_int_equal(pthread_create(&t, NULL, poster, &p), 0);
    rt_loop_run(l);
    assert_int_equal(pthread_join(t, NULL), 0);
    assert_int_equal(p.n, 10000);
    for (uintptr_t i = 0; i < 8; i++)
        assert_int_equal(rt_mail_post(p.mail, on_mail, on_gone, (void *)i), ERR_OK);
    assert_int_equal(rt_mail_post(p.mail, on_mail, on_gone, NULL), ERR_FULL);
    rt_mail_free(p.mail);
    assert_int_equal(gone, 8);
    assert_int_equal(p.n, 10000);
    rt_loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timer_fires_once_and_not_early),
        cmocka_unit_test(signals),
        cmocka_unit_test(work_in_order_and_bounded),
        cmocka_unit_test(work_together),
        cmocka_unit_test(lane_in_order_and_bounded),
        cmocka_unit_test(lane_ends),
        cmocka_unit_test(randomness),
        cmocka_unit_test(mail),
        cmocka_unit_test(log_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
