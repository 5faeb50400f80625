/* SPDX-License-Identifier: Apache-2.0
 *
 * A bar on standard error while something long goes on, if that is a terminal; ten times a second at most.
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"

struct progress {
    const char *what;
    bool on;
    uint64_t began_us, shown_us;
};

void progress_begin(struct progress *p, const char *what);
/* of 0: not known, no bar. count: things done, for the rate. */
void progress_show(struct progress *p, uint64_t done, uint64_t of, uint64_t count);
void progress_end(struct progress *p); /* its line is gone */
