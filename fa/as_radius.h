/* SPDX-License-Identifier: Apache-2.0
 *
 * RADIUS client (RFC 2865, 3579): each realm has a socket a family, up to 256 requests open and 100 new ones a second. A request is
 * sent three times within 5 s, the same octets each time (docs/sim-binding.md sections 6, 8, 9). A packet that is not from the asked server, or whose
 * Response Authenticator or Message-Authenticator is missing or wrong, is counted and changes nothing: the wait for the true answer goes on.
 * A server that did not answer is left for the next one in the list at the next request.
 */
#pragma once

#include "common/base/env.h"
#include "common/rt/loop.h"
#include "fa/as.h"

#define AS_RADIUS_SERVERS_MAX 4

struct as_radius_realm {
    uint8_t n_server;
    struct addr server[AS_RADIUS_SERVERS_MAX];
    struct span secret; /* locked memory of the caller's, as long as the client lives */
};

struct as_radius_times {
    uint64_t second_us, third_us; /* when it is sent again, from the first time on */
    uint64_t given_us;            /* in all */
};

/* realms: copied, index is fa_job.as.realm. env outlives it. times NULL: 1 s, 2.5 s, 5 s. ERR_MEMORY, ERR_IO, ERR_RANGE. */
MUST_USE err as_radius_open(struct rt_loop *l, const struct env *env, const struct as_radius_realm *realms,
                            size_t n_realms, const struct as_radius_times *times, fa_done_fn done, void *ctx,
                            struct as *out);
