/* SPDX-License-Identifier: Apache-2.0 */
#include "as/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/rt/loop.h"

#define WIDTH 30
#define EVERY 100000 /* us */

void progress_begin(struct progress *p, const char *what)
{
    *p = (struct progress){ .what = what, .on = isatty(STDERR_FILENO) == 1, .began_us = rt_now_us() };
}

void progress_show(struct progress *p, uint64_t done, uint64_t of, uint64_t count)
{
    uint64_t now = p->on ? rt_now_us() : 0;
    char bar[WIDTH + 1];
    if (!p->on || now - p->shown_us < EVERY)
        return;
    p->shown_us = now;
    uint64_t rate = count * 1000000 / (now - p->began_us + 1);
    if (of == 0) {
        fprintf(stderr, "\r%s: %" PRIu64 " lines, %" PRIu64 "/s\033[K", p->what, count, rate);
    } else {
        size_t full = (size_t)(done < of ? done * WIDTH / of : WIDTH);
        memset(bar, '.', WIDTH);
        memset(bar, '#', full);
        bar[WIDTH] = '\0';
        fprintf(stderr, "\r%s [%s] %3" PRIu64 " %%  %" PRIu64 "  %" PRIu64 "/s\033[K", p->what, bar,
                done < of ? done * 100 / of : 100, count, rate);
    }
    fflush(stderr);
}

void progress_end(struct progress *p)
{
    if (p->on && p->shown_us)
        fputs("\r\033[K", stderr);
}
