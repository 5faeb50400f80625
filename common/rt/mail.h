/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls from one loop to another: posted by any thread, carried out on the thread of the loop, in the order of posting. Bounded: a box that is full
 * refuses, and whoever posted drops what it had.
 */
#pragma once

#include "common/rt/loop.h"

struct rt_mail;

typedef void (*rt_mail_fn)(void *ctx, void *arg);

/* ctx goes with every call. */
struct rt_mail *rt_mail_new(struct rt_loop *l, size_t cap, void *ctx);
/* fn(ctx, arg) on the loop's thread; gone(arg) instead when the box ends before that (may be NULL). ERR_FULL: neither. Any thread. */
MUST_USE err rt_mail_post(struct rt_mail *m, rt_mail_fn fn, void (*gone)(void *arg), void *arg);
/* On the loop's thread, or when that has ended; nobody may post any more. NULL is fine. */
void rt_mail_free(struct rt_mail *m);
