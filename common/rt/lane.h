/* SPDX-License-Identifier: Apache-2.0
 *
 * A thread of one's own for jobs that may block for seconds, or for ever: card readers. As common/rt/work.h otherwise: `run` is on the thread,
 * `done` on the loop, one job after another, in order.
 */
#pragma once

#include "common/rt/loop.h"

struct rt_lane;

/* limit: jobs waiting or running at most. NULL: out of memory, no thread. */
struct rt_lane *rt_lane_new(struct rt_loop *l, size_t limit);
/* ERR_FULL, ERR_MEMORY: neither is called. */
MUST_USE err rt_lane_submit(struct rt_lane *w, void (*run)(void *arg), void (*done)(void *arg, bool ran),
                            void *arg);
size_t rt_lane_pending(const struct rt_lane *w);
/* Waiting jobs get done(arg, false). A running one is waited for, at most patience_us; wake (may be NULL) is called every 20 ms meanwhile, to interrupt
 * what it does. true: all has ended. false: it did not come back; its done() is never called, and what it uses has to stay: the process is about to end. */
MUST_USE bool rt_lane_free(struct rt_lane *w, void (*wake)(void *ctx), void *ctx, uint64_t patience_us);
