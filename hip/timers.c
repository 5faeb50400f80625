/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/timers.h"

#include <stdlib.h>

void hip_timers_init(struct hip_timers *t)
{
    t->node = (struct heap_node){ .at_us = HEAP_NEVER };
    for (int i = 0; i < HIP_TIMER__COUNT; i++)
        t->due[i] = HEAP_NEVER;
}

static void place(struct heap *h, struct hip_timers *t)
{
    uint64_t min = HEAP_NEVER;
    for (int i = 0; i < HIP_TIMER__COUNT; i++)
        if (t->due[i] < min)
            min = t->due[i];
    if (min == HEAP_NEVER)
        heap_remove(h, &t->node);
    else if (heap_set(h, &t->node, min) != ERR_OK)
        abort(); /* the heap is made for as many as there are associations */
}

void hip_timer_set(struct heap *h, struct hip_timers *t, enum hip_timer which, uint64_t at_us)
{
    if (t->due[which] == at_us)
        return;
    t->due[which] = at_us;
    place(h, t);
}

void hip_timers_stop(struct heap *h, struct hip_timers *t)
{
    for (int i = 0; i < HIP_TIMER__COUNT; i++)
        t->due[i] = HEAP_NEVER;
    heap_remove(h, &t->node);
}

enum hip_timer hip_timer_take(struct heap *h, struct hip_timers *t, uint64_t now)
{
    int first = HIP_TIMER__COUNT;
    for (int i = 0; i < HIP_TIMER__COUNT; i++)
        if (t->due[i] <= now && (first == HIP_TIMER__COUNT || t->due[i] < t->due[first]))
            first = i;
    if (first != HIP_TIMER__COUNT)
        hip_timer_set(h, t, (enum hip_timer)first, HEAP_NEVER);
    return (enum hip_timer)first;
}

const char *hip_timer_name(enum hip_timer which)
{
    static const char *const names[] = {
        "solve",   "retry",  "ask",    "ec",  "update",    "ack",   "idle",
        "locator", "verify", "linger", "udp", "keepalive", "check", "probe"
    };
    _Static_assert(sizeof names / sizeof *names == HIP_TIMER__COUNT, "one name for each event");
    return which < HIP_TIMER__COUNT ? names[which] : "?";
}

uint64_t hip_backoff(uint64_t first_us, unsigned tries)
{
    uint64_t us = first_us;
    for (unsigned i = 0; i < tries && us < UINT64_C(64000000); i++)
        us *= 2;
    return us;
}
