/* SPDX-License-Identifier: Apache-2.0
 *
 * The TUN device: IPv6 packets between HITs and IPv4 packets between LSIs, to and from applications. One address for each HIT of ours and our own LSI, one
 * on-link route for all HITs (2001:20::/28) and one for all LSIs.
 */
#pragma once

#include "common/rt/loop.h"
#include "common/rt/netlink.h"
#include "hip/hit.h"

#define HOST_TUN_HEAD    64 /* octets free before a packet that was read, and behind it: room to seal in place */
#define HOST_TUN_MTU_MIN 1280 /* IPv6's */
#define HOST_TUN_MTU_MAX 8900

struct host_tun;

/* A packet that an application sent, borrowed; HOST_TUN_HEAD octets before and behind may be used too. */
typedef void (*host_tun_fn)(void *ctx, uint8_t *packet, size_t len);

#define HOST_TUN_WHY_MAX 256

/* Made, up, with the route. ERR_REFUSED: no CAP_NET_ADMIN; ERR_EXISTS: somebody else has the device. */
MUST_USE err host_tun_open(struct rt_loop *l, struct rt_netlink *nl, const char *name, unsigned mtu,
                           host_tun_fn fn, void *ctx, struct host_tun **out, char why[HOST_TUN_WHY_MAX]);
void host_tun_close(struct host_tun *t); /* the device goes with it; NULL is fine */
/* Our LSI and the route of its prefix; mtu: of packets between LSIs. ERR_EXISTS: there is a route for it already. */
MUST_USE err host_tun_lsi(struct host_tun *t, const struct addr *own, const struct addr *prefix, uint8_t bits,
                          unsigned mtu, char why[HOST_TUN_WHY_MAX]);
MUST_USE err host_tun_addr(struct host_tun *t, const struct hit *hit, bool add);
/* What the device does not take is lost, as packets are. */
void host_tun_write(struct host_tun *t, const uint8_t *packet, size_t len);
unsigned host_tun_index(const struct host_tun *t);
