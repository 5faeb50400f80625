/* SPDX-License-Identifier: Apache-2.0
 *
 * RADIUS in TLS (RFC 6614), the server's side: connections on TCP, each end with a certificate; which client it is stands on its certificate. What
 * comes in goes to radiusd, what does not verify ends the connection (RFC 6613 s2.6.4). A connection that is idle for long is closed. When all places are taken, the
 * connection that has been at its handshake longest makes room.
 */
#pragma once

#include <jansson.h>

#include "as/schema.h"
#include "common/base/env.h"
#include "common/rt/loop.h"

struct radsec;

/* A packet of this client's on this connection, which is called conn (never 0) as long as it lives. False: the connection is to be closed. */
typedef bool (*radsec_input_fn)(void *ctx, uint32_t client, uint32_t conn, const struct addr *peer,
                                struct span packet);

/* conf->radsec says where. ERR_IO: which address is in the log; ERR_MEMORY. */
MUST_USE err radsec_open(struct rt_loop *l, const struct as_conf *conf, const struct env *env,
                         radsec_input_fn input, void *ctx, struct radsec **out);
void radsec_close(struct radsec *r); /* NULL is fine */
/* False: that connection is gone. */
bool radsec_send(struct radsec *r, uint32_t conn, struct span packet);
json_t *radsec_status(const struct radsec *r);
