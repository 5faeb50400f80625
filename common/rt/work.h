/* SPDX-License-Identifier: Apache-2.0
 *
 * Blocking jobs (SQLite, files, card readers) on libuv's threads, with a bound on how many may wait. `run` is on a
 * thread and must touch nothing of the loop's; `done` is on the loop. Jobs of one queue run one after another, in order.
 *
 * Jobs may be carried out together: those that wait when the thread is free form a batch, what they did is made to last at its end, once, and
 * only then is any of them done. One job alone is a batch of one and waits for nobody.
 */
#pragma once

#include "common/rt/loop.h"

struct rt_work;

/* limit: jobs waiting or running at most. NULL: out of memory. */
struct rt_work *rt_work_new(struct rt_loop *l, size_t limit);

struct rt_work_batch {
    size_t max; /* jobs */
    /* Around the jobs of a batch, on the thread. end says whether all they did came to last. */
    void (*begin)(void *ctx);
    bool (*end)(void *ctx);
    void *ctx;
};
struct rt_work *rt_work_new_batched(struct rt_loop *l, size_t limit, const struct rt_work_batch *b);
/* Waiting jobs get done(arg, false); a running one is waited for and gets done(arg, true). Runs the loop: only where rt_loop_run() has returned. */
void rt_work_free(struct rt_work *w);
/* done's `ran` is false when the queue was freed first, or its batch came to nothing. ERR_FULL, ERR_MEMORY: neither is called. */
MUST_USE err rt_work_submit(struct rt_work *w, void (*run)(void *arg), void (*done)(void *arg, bool ran),
                            void *arg);
size_t rt_work_pending(const struct rt_work *w);
