/* SPDX-License-Identifier: Apache-2.0
 *
 * What an engine gets from outside: randomness and a log sink. The one real source of randomness is
 * common/rt/osrand; the simulator and the vectors bring their own. Time is an argument of every call: uint64_t
 * microseconds of a monotonic clock.
 *
 * Draws that reach a packet or a key have a name (env_draw), so that a transcript can list them and a replay bring each one back. Seeds of
 * hash tables and the like have none (env_random).
 */
#pragma once

#include "common/base/log.h"
#include "common/base/span.h"

/* Where keys go when they are to be seen: whole lines, secrets in them. Nowhere (write NULL) but in a test set-up whose configuration names a file. */
struct key_sink {
    void *ctx;
    void (*write)(void *ctx, const char *lines, size_t n);
};

struct env {
    void *ctx;
    void (*random)(void *ctx, void *out,
                   size_t n); /* never fails: an implementation that cannot deliver aborts */
    void (*draw)(void *ctx, const char *name, void *out, size_t n); /* NULL: random, whatever the name */
    struct log log;
    struct key_sink keys;
};

static inline void env_random(const struct env *e, void *out, size_t n)
{
    e->random(e->ctx, out, n);
}

/* name: what is drawn, a constant: dh_private, enc_iv, spi, ... test-vectors/README.md lists them. */
static inline void env_draw(const struct env *e, const char *name, void *out, size_t n)
{
    if (e->draw)
        e->draw(e->ctx, name, out, n);
    else
        e->random(e->ctx, out, n);
}

uint32_t env_random_u32(const struct env *e);
/* d, up to a tenth less or more: so that many of us do not ask in step (RFC 5080 s2.2.1, RFC 3539 s3.4.1). */
uint64_t env_about(const struct env *e, uint64_t d);
uint32_t env_draw_u32(const struct env *e, const char *name); /* four octets, the first one highest */
