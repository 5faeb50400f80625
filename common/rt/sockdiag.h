/* SPDX-License-Identifier: Apache-2.0
 *
 * Which sockets there are, asked of the kernel (NETLINK_SOCK_DIAG, through libmnl): the look-up that it makes itself for a packet that comes in. Needs no
 * privilege. It answers at once.
 */
#pragma once

#include "common/base/addr.h"

struct rt_sockdiag;
/* ERR_UNSUPPORTED: this kernel has no socket diagnosis; ERR_MEMORY, ERR_IO. */
MUST_USE err rt_sockdiag_open(struct rt_sockdiag **out);
void rt_sockdiag_close(struct rt_sockdiag *d); /* NULL is fine */
/* Would a packet of this protocol (TCP, UDP, UDP-Lite, DCCP, SCTP) from peer to local, each with its port, that comes in by this device be given to a socket? One
 * for IPv6 that takes IPv4 too counts for both. false also when the kernel cannot say. */
bool rt_sockdiag_takes(struct rt_sockdiag *d, uint8_t proto, const struct addr *local,
                       const struct addr *peer, unsigned ifindex);
