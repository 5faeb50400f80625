/* SPDX-License-Identifier: Apache-2.0
 *
 * Subscriber data as the daemon sees them. Calls block and come from one thread at a time: the embedded backend, fa/subs_sqlite, is behind this. What
 * it has nothing of is asked of the HLRs (fa/subs_hlr.h), which answer later and on the loop.
 */
#pragma once

#include "fa/core/job.h"

struct subs_ops {
    /* By IMSI or, when that is empty, by id. ERR_NOT_FOUND. */
    err (*get)(void *ctx, const char *imsi, const char *id, struct fa_subscriber *out);
    /* Do the data of any subscriber but `not_this` (an id) yield a label with this skeleton? OK: no; ERR_EXISTS: yes. */
    err (*claim)(void *ctx, const char *skeleton, const char *not_this);
    void (*close)(void *ctx);
};

struct subs {
    const struct subs_ops *ops;
    void *ctx;
};
