/* SPDX-License-Identifier: Apache-2.0
 *
 * DNS over TCP for applications (RFC 7766): messages with their length in front, several on a connection, answered in any order. Bounded
 * in connections, in what they may say and in how long they may be silent.
 */
#pragma once

#include "common/base/addr.h"
#include "common/rt/loop.h"

#define STUB_TCP_CONNS_MAX 16
#define STUB_TCP_QUERY_MAX 1232
#define STUB_TCP_IDLE_US   10000000

struct stub_tcp;

/* conn names the connection in stub_tcp_reply(); msg is borrowed. */
typedef void (*stub_tcp_fn)(void *ctx, uint64_t conn, struct span msg);

/* ERR_EXISTS: port in use; ERR_REFUSED; ERR_IO. */
MUST_USE err stub_tcp_open(struct rt_loop *l, const struct addr *bind, stub_tcp_fn fn, void *ctx,
                           struct stub_tcp **out);
void stub_tcp_close(struct stub_tcp *t); /* NULL is fine */
/* A connection that is gone, or does not read, loses its answer. */
void stub_tcp_reply(struct stub_tcp *t, uint64_t conn, struct span msg);
