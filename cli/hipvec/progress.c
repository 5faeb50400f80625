/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hipvec/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define FIRST_US UINT64_C(1000000)
#define EVERY_US UINT64_C(100000)
#define WIDTH    32

static uint64_t clock_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void progress_start(struct progress *p, size_t total, bool wanted)
{
    *p = (struct progress){ .on = wanted && isatty(STDERR_FILENO), .total = total };
    if (p->on)
        p->start_us = clock_us();
}

void progress_show(struct progress *p, size_t done, const char *what)
{
    char bar[WIDTH + 1];
    if (!p->on)
        return;
    uint64_t now = clock_us();
    if (now - p->start_us < FIRST_US || now - p->last_us < EVERY_US)
        return;
    for (size_t i = 0; i < WIDTH; i++)
        bar[i] = p->total && i * p->total < done * WIDTH ? '#' : '.';
    bar[WIDTH] = 0;
    fprintf(stderr, "\r\033[K[%s] %zu of %zu %s", bar, done, p->total, what);
    fflush(stderr);
    p->last_us = now;
    p->shown = true;
}

void progress_wipe(struct progress *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
    p->shown = false;
}
