/* SPDX-License-Identifier: Apache-2.0
 * A bar on a terminal's standard error for what takes longer than a second. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    bool on, shown;
    uint64_t start_us, last_us;
    size_t total;
};

void progress_start(struct progress *p, size_t total, bool wanted);
void progress_show(struct progress *p, size_t done, const char *what);
void progress_wipe(struct progress *p); /* before anything else is printed */
