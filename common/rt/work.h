/* SPDX-License-Identifier: Apache-2.0
 *
 * Blocking jobs (SQLite, files, card readers) on libuv's threads, with a bound on how many may wait. `run` is on a
 * thread and must touch nothing of the loop's; `done` is on the loop. Jobs of one queue run one after another, in order.
 */
#pragma once

#include "common/rt/loop.h"

struct rt_work;

/* limit: jobs waiting or running at most. NULL: out of memory. */
struct rt_work *rt_work_new(struct rt_loop *l, size_t limit);
/* Waiting jobs get done(arg, false); a running one is waited for and gets done(arg, true). Runs the loop: only where rt_loop_run() has returned. */
void rt_work_free(struct rt_work *w);
/* done's `ran` is false when the queue was freed first. ERR_FULL, ERR_MEMORY: neither is called. */
MUST_USE err rt_work_submit(struct rt_work *w, void (*run)(void *arg), void (*done)(void *arg, bool ran),
                            void *arg);
size_t rt_work_pending(const struct rt_work *w);
