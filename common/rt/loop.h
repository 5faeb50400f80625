/* SPDX-License-Identifier: Apache-2.0
 *
 * The event loop: libuv behind it, one clock, timers that take an absolute time of that clock (an engine's
 * deadline), descriptors watched for readiness, and the signals that end or reload a daemon.
 *
 * Everything runs on the thread that calls rt_loop_run(). Objects made with *_new() belong to the caller and
 * are released with *_free(); libuv's own closing goes on in the background and ends in rt_loop_free().
 */
#pragma once

#include <uv.h>

#include "common/base/err.h"
#include "common/base/heap.h" /* HEAP_NEVER */

struct rt_loop;

/* NULL: out of memory or descriptors. SIGPIPE is ignored from here on. */
struct rt_loop *rt_loop_new(void);
/* Everything on the loop must have been freed; what libuv still closes is waited for. NULL is fine. */
void rt_loop_free(struct rt_loop *l);
uv_loop_t *rt_loop_uv(struct rt_loop *l);
void **rt_loop_slot(struct rt_loop *l); /* of common/rt/sock_io: what the sockets of this loop share */
/* Until rt_loop_stop(). */
void rt_loop_run(struct rt_loop *l);
void rt_loop_stop(struct rt_loop *l);

/* CLOCK_BOOTTIME in microseconds (it goes on while the machine sleeps: lifetimes are real time). Never 0. */
uint64_t rt_now_us(void);
/* Wall clock, seconds since 1970: for records that people read, never for intervals. */
uint64_t rt_wall_s(void);

struct rt_timer;
struct rt_timer *rt_timer_new(struct rt_loop *l, void (*fire)(void *ctx), void *ctx);
/* Fire once at or after at_us; HEAP_NEVER stops it. Earlier than now: in the next round of the loop. */
void rt_timer_at(struct rt_timer *t, uint64_t at_us);
void rt_timer_free(struct rt_timer *t); /* NULL is fine */

enum { RT_READABLE = 1, RT_WRITABLE = 2 };
struct rt_poll;
/* Watches fd (its owner's, who closes it after rt_poll_free). Starts watching nothing. NULL on failure. */
struct rt_poll *rt_poll_new(struct rt_loop *l, int fd, void (*ready)(void *ctx, int events), void *ctx);
void rt_poll_want(struct rt_poll *p, int events);
void rt_poll_free(struct rt_poll *p); /* NULL is fine */

/* Calls back before the loop goes to sleep: where batches are flushed. */
struct rt_flush;
struct rt_flush *rt_flush_new(struct rt_loop *l, void (*flush)(void *ctx), void *ctx);
void rt_flush_free(struct rt_flush *f);

/* SIGTERM and SIGINT call term, SIGHUP calls reload (NULL: ignored), until rt_loop_free(). */
MUST_USE err rt_loop_signals(struct rt_loop *l, void (*term)(void *ctx), void (*reload)(void *ctx),
                             void *ctx);
