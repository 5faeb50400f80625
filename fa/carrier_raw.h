/* SPDX-License-Identifier: Apache-2.0
 *
 * Raw sockets of IP protocol 139 (RFC 7401 s5.1), one for each family in use, in batches.
 */
#pragma once

#include "common/rt/loop.h"
#include "fa/carrier.h"
#include "fa/steer.h"

/* steer: every raw socket gets every packet, this one takes those of `worker`; NULL: all. ERR_REFUSED: no CAP_NET_RAW. ERR_IO, ERR_MEMORY. */
MUST_USE err carrier_raw_open(struct rt_loop *l, bool v4, bool v6, const struct fa_steer *steer,
                              unsigned worker, carrier_recv_fn recv, void *ctx, struct carrier *out);
