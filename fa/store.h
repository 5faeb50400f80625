/* SPDX-License-Identifier: Apache-2.0
 *
 * The binding store as the daemon sees it; fa/store_sqlite is the one behind it now. Every call is a job of fa/core/job.h carried out to its
 * end: when it returns OK the change is durable. Calls block and come from one thread at a time.
 */
#pragma once

#include "fa/core/job.h"

struct store_answer {
    uint64_t epoch;
    uint64_t id;
    bool more;
    uint8_t n;
    struct fa_binding v[FA_BINDINGS_MAX];
};

struct store_counts {
    uint64_t intent, bound, unbinding, revoked, reserved, bookings, audit;
};

struct store_ops {
    /* FIND, INTENT, BOUND, UNBIND, DROP, AUDIT with the results that fa/core/job.h gives them; anything else: ERR_UNSUPPORTED. */
    err (*run)(void *ctx, const struct fa_job *job, struct store_answer *out);
    /* Rows of every state, ascending, with id > after. */
    err (*list)(void *ctx, uint64_t after, struct store_answer *out);
    /* R1 generation counter of an identity: values [*out, *out + n) are ours from now on, also after a crash (RFC 7401 s5.2.3). */
    err (*r1_reserve)(void *ctx, const uint8_t hit[16], uint64_t n, uint64_t *out);
    err (*counts)(void *ctx, struct store_counts *out);
    void (*close)(void *ctx);
};

struct store {
    const struct store_ops *ops;
    void *ctx;
};
