/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rt/osrand.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void rt_random(void *out, size_t n)
{
    uint8_t *p = out;

    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            abort();
        p += got;
        n -= (size_t)got;
    }
}

static void env_fill(void *ctx, void *out, size_t n)
{
    (void)ctx;
    rt_random(out, n);
}

struct env rt_env(struct log log)
{
    return (struct env){ .random = env_fill, .log = log };
}
