/* SPDX-License-Identifier: Apache-2.0
 *
 * Jobs of fa/core: to the authentication server, the DNS, the accounting queue; those that block, to the threads of subscriber data and binding store. Each result
 * goes back to the engine on the loop's thread; a job that finds no place is answered in the loop's next round.
 */
#include <stdlib.h>
#include <string.h>

#include "fa/worker_priv.h"

#define WORK_LIMIT     4096
#define STORE_TOGETHER 64 /* jobs of the store that share a commit */

/* ---- blocking jobs ---- */

struct blocking {
    struct worker *w;
    struct fa_job job;
    err err;
    union {
        struct store_answer answer;
        struct fa_subscriber subscriber;
    };
};

/* On a thread. */
static void blocking_run(void *arg)
{
    struct blocking *b = arg;
    struct worker *w = b->w;
    switch (b->job.type) {
    case FA_JOB_SUBSCRIBER:
        b->err =
            w->c.subs.ops->get(w->c.subs.ctx, b->job.subscriber.imsi, b->job.subscriber.id, &b->subscriber);
        break;
    case FA_JOB_CLAIM:
        b->err = w->c.subs.ops->claim(w->c.subs.ctx, b->job.claim.skeleton, b->job.claim.subscriber);
        break;
    default:
        b->err = w->c.store.ops->run(w->c.store.ctx, &b->job, &b->answer);
    }
}

/* What the embedded backend has nothing of goes to the HLRs, if it is one of theirs. True: it did. */
static bool passed_on(struct worker *w, const struct fa_job *job, err e)
{
    bool next =
        (job->type == FA_JOB_SUBSCRIBER && e == ERR_NOT_FOUND) || (job->type == FA_JOB_CLAIM && e == ERR_OK);
    return next && w->hlrs && !w->closing && subs_hlr_ask(w->hlrs, job) == ERR_OK;
}

static void blocking_done(void *arg, bool ran)
{
    struct blocking *b = arg;
    struct worker *w = b->w;
    if (ran && passed_on(w, &b->job, b->err)) {
        free(b);
        return;
    }
    struct fa_result r = { .ref = b->job.ref, .type = b->job.type, .err = ran ? b->err : ERR_IO };
    if (r.err == ERR_OK) {
        if (r.type == FA_JOB_SUBSCRIBER) {
            r.subscriber.s = &b->subscriber;
        } else if (r.type == FA_JOB_FIND) {
            r.find.epoch = b->answer.epoch;
            r.find.suspended = b->answer.suspended;
            r.find.n = b->answer.n;
            r.find.v = b->answer.v;
            r.find.more = b->answer.more;
        } else if (r.type == FA_JOB_INTENT) {
            r.intent.id = b->answer.id;
        } else if (r.type == FA_JOB_HOLD) {
            r.hold.says = b->answer.hold;
            r.hold.fresh = b->answer.fresh;
        }
    } else if (r.err == ERR_IO && !w->closing) {
        log_at(&w->c.env->log, LOG_LV_ERROR, "store", "job failed: %s: %s", fa_job_name(r.type),
               err_text(r.err));
    }
    if (r.ref.gen)
        worker_complete(w, &r);
    free(b);
}

static void batch_begin(void *ctx)
{
    struct worker *w = ctx;
    w->c.store.ops->batch_begin(w->c.store.ctx);
}

static bool batch_end(void *ctx)
{
    struct worker *w = ctx;
    return w->c.store.ops->batch_end(w->c.store.ctx) == ERR_OK;
}

static err submit_blocking(struct worker *w, const struct fa_job *job)
{
    bool subs = job->type == FA_JOB_SUBSCRIBER || job->type == FA_JOB_CLAIM;
    struct blocking *b = calloc(1, sizeof *b);
    if (!b)
        return ERR_MEMORY;
    b->w = w;
    b->job = *job;
    err e = rt_work_submit(subs ? w->subs_work : w->store_work, blocking_run, blocking_done, b);
    if (e != ERR_OK)
        free(b);
    return e;
}

/* ---- to who does it ---- */

static err submit(struct worker *w, const struct fa_job *job)
{
    switch (job->type) {
    case FA_JOB_AS:
        return w->as.ops->ask(w->as.ctx, job);
    case FA_JOB_ZONE:
    case FA_JOB_DNS:
    case FA_JOB_DNS_OWN:
        return fa_dns_submit(w->dns, job);
    case FA_JOB_CHARGE:
        acct_way_charge(&w->c.acct, job);
        return ERR_OK;
    default:
        return submit_blocking(w, job);
    }
}

void worker_job_start(struct worker *w, const struct fa_job *job)
{
    err e = submit(w, job);
    if (e == ERR_OK)
        return;
    w->jobs_refused++;
    log_at(&w->c.env->log, LOG_LV_WARN, "fa", "job not started: %s: %s", fa_job_name(job->type), err_text(e));
    if (!job->ref.gen || w->n_failed == WORKER_FAILED_MAX) /* the core's own timers end what gets no answer */
        return;
    w->failed[w->n_failed++] = (struct failed){ .ref = job->ref, .type = job->type, .err = e };
    rt_timer_at(w->failed_timer, 1);
}

static void on_failed(void *ctx)
{
    struct worker *w = ctx;
    struct failed now[WORKER_FAILED_MAX];
    size_t n = w->n_failed;
    memcpy(now, w->failed, n * sizeof now[0]);
    w->n_failed = 0;
    for (size_t i = 0; i < n; i++) {
        struct fa_result r = { .ref = now[i].ref, .type = now[i].type, .err = now[i].err };
        worker_complete(w, &r);
    }
}

/* ---- making and ending ---- */

err worker_jobs_open(struct worker *w)
{
    const struct rt_work_batch together = {
        .max = STORE_TOGETHER, .begin = batch_begin, .end = batch_end, .ctx = w
    };
    w->store_work = rt_work_new_batched(w->c.loop, WORK_LIMIT, &together);
    w->subs_work = rt_work_new(w->c.loop, WORK_LIMIT);
    w->failed_timer = rt_timer_new(w->c.loop, on_failed, w);
    return w->store_work && w->subs_work && w->failed_timer ? ERR_OK : ERR_MEMORY;
}

void worker_jobs_close(struct worker *w)
{
    if (w->store_work)
        rt_work_free(w->store_work);
    if (w->subs_work)
        rt_work_free(w->subs_work);
    rt_timer_free(w->failed_timer);
}

/* ---- work of others on the store ---- */

struct store_job {
    struct worker *w;
    void (*run)(void *arg, const struct store *s);
    void (*done)(void *arg, bool ran);
    void *arg;
};

static void store_run(void *arg)
{
    struct store_job *j = arg;
    j->run(j->arg, &j->w->c.store);
}

static void store_done(void *arg, bool ran)
{
    struct store_job *j = arg;
    j->done(j->arg, ran);
    free(j);
}

err worker_store(struct worker *w, void (*run)(void *arg, const struct store *s),
                 void (*done)(void *arg, bool ran), void *arg)
{
    struct store_job *j = malloc(sizeof *j);
    if (!j)
        return ERR_MEMORY;
    *j = (struct store_job){ .w = w, .run = run, .done = done, .arg = arg };
    err e = rt_work_submit(w->store_work, store_run, store_done, j);
    if (e != ERR_OK)
        free(j);
    return e;
}
