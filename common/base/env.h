/* SPDX-License-Identifier: Apache-2.0
 *
 * What an engine gets from outside: randomness and a log sink. The one real source of randomness is
 * common/rt/osrand; the simulator and the vectors bring their own. Time is an argument of every call: uint64_t
 * microseconds of a monotonic clock.
 */
#pragma once

#include "common/base/log.h"
#include "common/base/span.h"

struct env {
    void *ctx;
    void (*random)(void *ctx, void *out,
                   size_t n); /* never fails: an implementation that cannot deliver aborts */
    struct log log;
};

static inline void env_random(const struct env *e, void *out, size_t n)
{
    e->random(e->ctx, out, n);
}
uint32_t env_random_u32(const struct env *e);
