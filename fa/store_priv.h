/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by fa/store_sqlite.c (the core's jobs) and fa/store_order.c (the operator's orders and views).
 */
#pragma once

#include "fa/store_sqlite.h"

struct store_sqlite {
    sqlite3 *db;
    uint64_t (*wall_s)(void);
    bool together; /* between batch_begin and batch_end */
    bool open;     /* and the transaction of all of them has begun, */
    bool lost;     /* or came to nothing */
};

/* A job's transaction: one of its own, or a part of that of its batch, which undoes nothing but this job when it fails. store_end commits when e is OK, else
 * undoes and gives e back. */
MUST_USE err store_begin(struct store_sqlite *s);
MUST_USE err store_end(struct store_sqlite *s, err e);

/* Columns of a binding as store_read_rows() takes them. */
#define STORE_COLUMNS \
    "id, subscriber, state, hit, hi, name, skeleton, own_name, lifetime_s, ends_s, rdata, last, device, " \
    "secret_salt, secret_hash, moved, rekey, max(seen_s, changed_s), " \
    "coalesce((SELECT suspended FROM epoch WHERE epoch.subscriber = binding.subscriber), 0)"

int64_t store_now(const struct store_sqlite *s);
/* As many rows as fit; done with q then. */
MUST_USE err store_read_rows(const struct store_sqlite *s, sqlite3_stmt *q, struct store_answer *out);
MUST_USE err store_audit(struct store_sqlite *s, bool alarm, const char *what, const char *subscriber,
                         struct span hit, const char *name);
/* The subscriber's epoch, one more. */
MUST_USE err store_epoch_raise(struct store_sqlite *s, const char *subscriber);

err store_order(void *ctx, enum store_order what, const struct store_pick *pick);
err store_picked(void *ctx, const struct store_pick *pick, uint64_t after, struct store_answer *out);
err store_holds(void *ctx, size_t after, struct store_hold *v, size_t cap, size_t *n);
err store_subscribers(void *ctx, size_t after, struct store_subscriber *v, size_t cap, size_t *n);
err store_events(void *ctx, size_t after, struct store_event *v, size_t cap, size_t *n);
