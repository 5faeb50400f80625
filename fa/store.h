/* SPDX-License-Identifier: Apache-2.0
 *
 * The binding store as the daemon sees it; fa/store_sqlite is the one behind it now. Every call is a job of fa/core/job.h carried out to its
 * end: when it returns OK the change is durable, in a batch when that has ended. Calls block and come from one thread at a time.
 */
#pragma once

#include "fa/core/job.h"

struct store_answer {
    uint64_t epoch;
    bool suspended;
    enum fa_hold_says hold;
    bool fresh;
    uint64_t id;
    bool more;
    uint8_t n;
    struct fa_binding v[FA_BINDINGS_MAX];
};

/* Which rows an operator means: one of the three is set. */
struct store_pick {
    const char *name, *subscriber;
    const uint8_t *hit;
};

/* What an operator orders. Each raises the epoch of the subscriber, so that runs under way end with status 4, and leaves a line in the audit trail. */
enum store_order {
    STORE_SUSPEND, /* no registration, no run, until resumed; names stay */
    STORE_RESUME,
    STORE_REKEY,       /* these rows owe a run before their next registration */
    STORE_HOLD_ALLOW,  /* takeovers of these rows that wait are done with the next attempt */
    STORE_HOLD_REFUSE, /* or never */
};

struct store_hold {
    uint64_t id;
    char subscriber[FA_ID_MAX], name[FA_NAME_MAX];
    uint8_t old_hit[16], hit[16];
    enum fa_hold_says says;
    uint32_t asked_s, unseen_s; /* so long ago */
};

struct store_subscriber {
    char id[FA_ID_MAX];
    uint64_t epoch;
    bool suspended;
    uint32_t bindings, revoked, reserved;
};

struct store_event {
    uint64_t at_s; /* wall clock */
    bool alarm;
    char what[FA_TEXT_MAX]; /* "bind", "refresh", ... of a booking; else a sentence */
    char subscriber[FA_ID_MAX], name[FA_NAME_MAX];
    uint8_t hit[16];
};

struct store_counts {
    uint64_t intent, bound, unbinding, revoked, reserved, bookings, audit;
};

struct store_ops {
    /* FIND, INTENT, BOUND, UNBIND, DROP, SEEN, HOLD, AUDIT with the results that fa/core/job.h gives them; anything else: ERR_UNSUPPORTED. */
    err (*run)(void *ctx, const struct fa_job *job, struct store_answer *out);
    /* Calls between these two are one transaction: what they answer counts when batch_end() is OK, and only then may anybody hear of it. One that fails
     * undoes what it did itself. After another answer of batch_end() nothing of them was done. */
    void (*batch_begin)(void *ctx);
    err (*batch_end)(void *ctx);
    /* Rows of every state, ascending, with id > after. */
    err (*list)(void *ctx, uint64_t after, struct store_answer *out);
    /* R1 generation counter of an identity: values [*out, *out + n) are ours from now on, also after a crash (RFC 7401 s5.2.3). */
    err (*r1_reserve)(void *ctx, const uint8_t hit[16], uint64_t n, uint64_t *out);
    err (*counts)(void *ctx, struct store_counts *out);
    /* ERR_NOT_FOUND: there is nothing that it could be about. ERR_RANGE: not one thing picked. */
    err (*order)(void *ctx, enum store_order what, const struct store_pick *pick);
    /* Rows that are picked, revoked ones left out, ascending, with id > after. */
    err (*picked)(void *ctx, const struct store_pick *pick, uint64_t after, struct store_answer *out);
    /* Pages for listings: *n entries behind the `after`th, in a fixed order; 0: no more. */
    err (*holds)(void *ctx, size_t after, struct store_hold *v, size_t cap, size_t *n);
    err (*subscribers)(void *ctx, size_t after, struct store_subscriber *v, size_t cap, size_t *n);
    err (*events)(void *ctx, size_t after, struct store_event *v, size_t cap, size_t *n); /* latest first */
    void (*close)(void *ctx);
};

struct store {
    const struct store_ops *ops;
    void *ctx;
};
