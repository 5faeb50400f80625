/* SPDX-License-Identifier: Apache-2.0
 *
 * How a worker tells the accounting, which is another's loop's, of what its engine said.
 */
#pragma once

#include "common/base/log.h"
#include "fa/acct.h"

struct acct_way {
    struct acct *acct; /* NULL: nothing is accounted for; outlives the way */
    /* Gives an event to acct on its own thread; false: it could not be. NULL: this is its thread. */
    bool (*post)(void *ctx, struct acct_event *e);
    void *ctx;
    const struct log *log;
};

/* What cannot be told is logged; the accounting ends what it hears no more of. */
void acct_way_session(const struct acct_way *w, const struct fa_session *s);
void acct_way_charge(const struct acct_way *w, const struct fa_job *job);
