/* SPDX-License-Identifier: Apache-2.0
 *
 * Transactions: what changes a binding. Those of one subscriber are serial (docs/sim-binding.md section 7): each holds the subscriber's lock from before it
 * reads the epoch until it ends; the others wait in order of arrival. A transaction outlives the run and the association that began it: once a row is
 * written it is finished or undone, here or by the sweep of intent.c.
 */
#include <stdlib.h>
#include <string.h>

#include "fa/core/core.h"

struct fa_txn *fa_txn_new(struct fa *f, enum fa_txn_kind kind, const struct fa_guest *g)
{
    uint32_t i = 0;
    while (i < FA_TXN_MAX && f->txns[i])
        i++;
    struct fa_txn *t = i < FA_TXN_MAX ? calloc(1, sizeof *t) : NULL;
    if (!t)
        return NULL;
    t->timer.kind = FA_TIMER_TXN;
    t->index = i;
    if (++f->gen == 0)
        f->gen = 1;
    t->gen = f->gen;
    t->kind = kind;
    t->order = ++f->order;
    if (g) {
        t->guest = g->ref;
        t->local = g->local;
        t->answer_us = f->now + FA_ANSWER_US;
    }
    f->txns[i] = t;
    f->n_txn++;
    return t;
}

struct fa_txn *fa_txn_get(struct fa *f, uint32_t index, uint32_t gen)
{
    struct fa_txn *t = index < FA_TXN_MAX ? f->txns[index] : NULL;
    return t && t->gen == gen ? t : NULL;
}

void fa_txn_free(struct fa *f, struct fa_txn *t)
{
    heap_remove(&f->heap, &t->timer.node);
    f->txns[t->index] = NULL;
    f->n_txn--;
    fa_takeover_free(t->take);
    free(t);
}

bool fa_txn_working_on(const struct fa *f, uint64_t row, const char *subscriber)
{
    for (uint32_t i = 0; i < FA_TXN_MAX; i++) {
        const struct fa_txn *t = f->txns[i];
        if (t && ((t->b.id && t->b.id == row) || (t->locked && strcmp(t->b.subscriber, subscriber) == 0)))
            return true;
    }
    return false;
}

bool fa_txn_unbinding(const struct fa *f, const struct fa_guest *g)
{
    for (uint32_t i = 0; i < FA_TXN_MAX; i++) {
        const struct fa_txn *t = f->txns[i];
        if (t && t->kind == TXN_UNBIND && t->guest.slot == g->ref.slot && t->guest.gen == g->ref.gen)
            return true;
    }
    return false;
}

/* ---- the lock ---- */

static bool held_by_other(const struct fa *f, const struct fa_txn *t)
{
    for (uint32_t i = 0; i < FA_TXN_MAX; i++) {
        const struct fa_txn *o = f->txns[i];
        if (o && o != t && o->locked && strcmp(o->b.subscriber, t->b.subscriber) == 0)
            return true;
    }
    return false;
}

void fa_txn_run(struct fa *f, struct fa_txn *t)
{
    t->locked = true;
    if (t->kind == TXN_BIND)
        fa_txn_bind_locked(f, t);
    else
        fa_txn_row_locked(f, t);
}

/* The lock that other engines see, if there are any. */
static bool lock_shared(struct fa *f, struct fa_txn *t)
{
    if (f->c.locks && !t->shared)
        t->shared = fa_locks_try(f->c.locks, t->b.subscriber, f->c.lock_owner);
    return !f->c.locks || t->shared;
}

void fa_txn_lock(struct fa *f, struct fa_txn *t)
{
    bool here = !held_by_other(f, t);
    t->retry_us = 0;
    if (here && lock_shared(f, t)) {
        fa_txn_run(f, t);
        return;
    }
    t->step = STEP_QUEUED;
    if (here) {
        t->locked = true; /* those who come later queue behind it */
        t->retry_us = f->now + FA_LOCK_RETRY_US;
    }
    fa_txn_timer(f, t);
}

/* The next in the queue of this subscriber gets the lock, and goes on when its timer fires, which is at once. */
static void hand_on(struct fa *f, const char *subscriber)
{
    struct fa_txn *next = NULL;
    for (uint32_t i = 0; i < FA_TXN_MAX; i++) {
        struct fa_txn *o = f->txns[i];
        if (o && o->step == STEP_QUEUED && !o->locked && strcmp(o->b.subscriber, subscriber) == 0 &&
            (!next || o->order < next->order))
            next = o;
    }
    if (!next)
        return;
    next->locked = true;
    fa_timer_set(f, &next->timer, f->now);
}

void fa_txn_end(struct fa *f, struct fa_txn *t)
{
    char subscriber[FA_ID_MAX];
    bool locked = t->locked;
    fa_text(subscriber, sizeof subscriber, t->b.subscriber);
    if (t->shared)
        fa_locks_drop(f->c.locks, t->b.subscriber, f->c.lock_owner);
    fa_txn_free(f, t);
    if (locked)
        hand_on(f, subscriber);
}

/* ---- jobs and time ---- */

struct fa_job *fa_txn_job(struct fa *f, struct fa_txn *t, enum fa_txn_step step, enum fa_job_type type)
{
    struct fa_job *j = fa_job_begin(f, FA_OWNER_TXN, t->index, type, &t->wait);
    t->step = step;
    fa_txn_timer(f, t);
    return j;
}

void fa_txn_timer(struct fa *f, struct fa_txn *t)
{
    uint64_t at = t->wait.gen ? t->wait.until_us : HEAP_NEVER;
    if (t->answer_us && !t->answered)
        at = fa_min(at, t->answer_us);
    if (t->retry_us)
        at = fa_min(at, t->retry_us);
    fa_timer_set(f, &t->timer, at);
}

void fa_txn_complete(struct fa *f, struct fa_txn *t, const struct fa_result *r)
{
    if (t->kind == TXN_BIND)
        fa_txn_bind_step(f, t, r);
    else
        fa_txn_row_step(f, t, r);
}

static void lost(struct fa *f, struct fa_txn *t)
{
    t->wait.gen = 0;
    if (t->kind == TXN_BIND)
        fa_txn_bind_lost(f, t);
    else
        fa_txn_row_lost(f, t);
}

/* Whoever asked has waited long enough. A name that is reserved is "pending"; before that there is nothing to promise, and what may have
 * been written meanwhile is the sweep's. */
static void answer_due(struct fa *f, struct fa_txn *t)
{
    t->answer_us = 0;
    if (t->kind != TXN_BIND) {
        fa_txn_timer(f, t);
    } else if (t->step == STEP_DNS || t->step == STEP_PROOF || (t->step == STEP_BOUND && !t->refresh_only)) {
        fa_txn_answer(f, t, HIP_BIND_ST_PENDING, 0, "the DNS has not answered yet");
        fa_txn_timer(f, t);
    } else if (t->step == STEP_DROP) {
        fa_txn_answer(f, t, t->out.status, t->out.wait_s, t->out.reason);
        fa_txn_timer(f, t);
    } else {
        fa_txn_answer(f, t, HIP_BIND_ST_UNAVAILABLE, FA_WAIT_SHORT, "not done in time");
        fa_txn_end(f, t);
        fa_intent_soon(f);
    }
}

void fa_txn_timeout(struct fa *f, struct fa_txn *t)
{
    if (t->step == STEP_QUEUED && t->locked && t->retry_us <= f->now)
        fa_txn_lock(f, t);
    else if (t->answer_us && !t->answered && t->answer_us <= f->now)
        answer_due(f, t);
    else if (t->wait.gen && t->wait.until_us <= f->now)
        lost(f, t);
    else
        fa_txn_timer(f, t);
}

/* ---- answers ---- */

static struct fa_guest *asker(struct fa *f, const struct fa_txn *t)
{
    struct fa_guest *g = fa_guest_by_ref(f, t->guest);
    if (!g || t->kind != TXN_BIND)
        return g;
    return g->run && g->run->txn == t->index && g->run->txn_gen == t->gen ? g : NULL;
}

static void answer_unbind(struct fa *f, struct fa_guest *g, uint8_t status)
{
    struct hip_contents c = { 0 };
    if (status == HIP_BIND_ST_BOUND) {
        fa_contents_cancel(f, &c);
        g->bound = false;
        fa_registry_drop(f, g, FA_ENDED_ASKED);
    } else {
        fa_contents_fail(&c, 2, FA_REG_SIM_BINDING);
    }
    if (fa_guest_send(f, g, &c) != ERR_OK)
        f->st.failed++;
}

void fa_txn_answer(struct fa *f, struct fa_txn *t, uint8_t status, uint32_t wait_s, const char *reason)
{
    struct fa_guest *g = t->answered ? NULL : asker(f, t);
    bool was_pending = t->answered && t->out.status == HIP_BIND_ST_PENDING;
    char text[FA_TEXT_MAX];
    fa_text(text, sizeof text, reason); /* reason may be t->out's own */
    t->out.status = status;
    t->out.wait_s = wait_s;
    fa_text(t->out.reason, sizeof t->out.reason, text);
    t->answered = true;
    if (g && t->kind == TXN_BIND)
        fa_attempt_answer(f, g, &t->out, status <= HIP_BIND_ST_PENDING ? &t->b : NULL);
    else if (g)
        answer_unbind(f, g, status);
    else if (was_pending && status == HIP_BIND_ST_BOUND)
        fa_notice(f, HIP_BIND_ST_BOUND, &t->b, "");
}
