/* SPDX-License-Identifier: Apache-2.0
 *
 * RADIUS client (RFC 2865, 3579, 5080, 6614): each realm has its servers (fa/as_server.h), best first, and so many new requests a second. The first server that
 * is there is asked; none that is: the one that may be back first.
 *
 * Over UDP a request is sent three times within 5 s, the same octets each time, after 1 s, then 2 s, each up to a tenth more or less (RFC 5080 s2.2.1; docs/sim-binding.md
 * sections 6, 8, 9). Over TLS it is sent once on a connection, and once more on the next if that one is lost.
 *
 * A conversation stays with the server that gave its State. A request that begins one goes on to the next server that is there when two tries over UDP,
 * or half of the time over TLS, or its connection, came to nothing: once, with an identifier and an authenticator of that server's own, and within the same 5 s.
 */
#pragma once

#include <jansson.h>

#include "common/base/env.h"
#include "common/rt/loop.h"
#include "fa/as.h"
#include "fa/as_server.h"
#include "fa/core/fa.h"

#define AS_RADIUS_SERVERS_MAX 4
#define AS_RADIUS_PER_SECOND  100

struct as_radius_realm {
    uint8_t n_server;
    struct as_server_conf server[AS_RADIUS_SERVERS_MAX];
};

struct as_radius_times {
    uint64_t irt_us, mrt_us, mrd_us; /* RFC 5080 s2.2.1: first wait, longest wait, in all */
    struct as_server_times server;
};

/* A server of that realm is there again, or is not. */
typedef void (*as_radius_told_fn)(void *ctx, uint16_t realm, const struct as_server *s, bool there,
                                  const char *why);

struct as_radius_config {
    struct rt_loop *loop;
    const struct env *env;                /* outlives it */
    const struct as_radius_realm *realms; /* copied as as_server_new() says; index is fa_job.as.realm */
    size_t n_realms;
    const struct as_radius_times *times; /* NULL: 1 s, 2 s, 5 s */
    uint32_t per_second; /* new requests for each realm, at most 1000000; 0: AS_RADIUS_PER_SECOND */
    fa_done_fn done;
    as_radius_told_fn told; /* NULL is fine */
    void *ctx;
};

/* ERR_MEMORY, ERR_IO, ERR_RANGE (a realm without servers); certificates as as_server_new(), why is filled in any case. */
MUST_USE err as_radius_open(const struct as_radius_config *c, struct as *out, char why[AS_SERVER_TEXT_MAX]);
/* Server i of a realm; false: there is none. */
bool as_radius_server(const struct as *as, uint16_t realm, uint8_t i, struct as_server_view *out);
/* For people: realm -> "udp 192.0.2.2:1812" -> what is known of that server. names: of the realms, as many as there were. */
json_t *as_radius_status(const struct as *as, const struct fa_realm *names);
