/* SPDX-License-Identifier: Apache-2.0
 *
 * The authentication server as the daemon sees it; fa/as_radius is the one behind it now.
 */
#pragma once

#include "fa/core/job.h"

/* Exactly once for each job taken, on the loop; the result borrows, keys in it are wiped afterwards. */
typedef void (*fa_done_fn)(void *ctx, const struct fa_result *r);

struct as_stats {
    uint64_t asked, answered, sent, forged, timeouts;
    uint64_t moved; /* on to another server */
    uint32_t open;
};

struct as_ops {
    /* Takes a FA_JOB_AS over (copies it). ERR_FULL: too many open or too fast; ERR_RANGE; then done is not called. */
    err (*ask)(void *ctx, const struct fa_job *job);
    void (*stats)(void *ctx, struct as_stats *out);
    void (*close)(void *ctx); /* jobs open get no answer any more */
};

struct as {
    const struct as_ops *ops;
    void *ctx;
};
