/* SPDX-License-Identifier: Apache-2.0
 *
 * UDP encapsulation (RFC 9028 s5.1), one socket for each family: a HIP packet stands behind four zero octets and carries checksum 0, anything
 * else of four octets or more is ESP, and what is shorter (a keepalive of RFC 3948 s2.3) is dropped and counted.
 */
#pragma once

#include "common/rt/loop.h"
#include "fa/carrier.h"

/* ERR_EXISTS: somebody has the port. ERR_IO, ERR_MEMORY. */
MUST_USE err carrier_udp_open(struct rt_loop *l, bool v4, bool v6, uint16_t port, carrier_recv_fn recv,
                              void *ctx, struct carrier *out);
