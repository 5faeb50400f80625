/* SPDX-License-Identifier: Apache-2.0
 *
 * rtnetlink through libmnl: what addresses, links and default routes there are, what changes, and the few
 * things we set (a TUN's addresses, its route, link up). Requests are answered by the kernel at once; they
 * do not wait for anybody else.
 */
#pragma once

#include "common/base/addr.h"
#include "common/rt/loop.h"

struct rt_link {
    unsigned index;
    char name[16];
    bool up;      /* IFF_UP */
    bool running; /* carrier */
    unsigned mtu;
};

struct rt_ifaddr {
    unsigned index; /* of the link */
    struct addr addr;
    uint8_t prefix_len;
    bool usable; /* not tentative, not a duplicate, not deprecated, scope global */
};

struct rt_route {
    struct addr dst; /* family and prefix; all zero with len 0: default */
    uint8_t prefix_len;
    unsigned index;      /* outgoing link */
    struct addr gateway; /* family ADDR_NONE: on link */
    uint32_t metric;
    uint32_t table; /* RT_TABLE_MAIN (254) or another one that a rule may choose; never the local one */
};

enum rt_net_type { RT_NET_LINK, RT_NET_ADDR, RT_NET_ROUTE };

struct rt_net_event {
    enum rt_net_type type;
    bool gone; /* it went away; else it is new or changed */
    union {
        struct rt_link link;
        struct rt_ifaddr addr;
        struct rt_route route; /* of every table but the local one */
    };
};

typedef void (*rt_net_fn)(void *ctx, const struct rt_net_event *ev);

struct rt_netlink;
/* Changes are reported on the loop from now on. If the kernel's buffer overran, everything is dumped again through
 * on_event after on_lost (NULL is fine). */
MUST_USE err rt_netlink_open(struct rt_loop *l, rt_net_fn on_event, void (*on_lost)(void *ctx), void *ctx,
                             struct rt_netlink **out);
void rt_netlink_close(struct rt_netlink *n); /* NULL is fine */
/* Report all links, then addresses, then routes as they are, through fn before it returns. */
MUST_USE err rt_netlink_dump(struct rt_netlink *n, rt_net_fn fn, void *ctx);
/* The routes only. The kernel does not report IPv4 routes that go because their address or link went. */
MUST_USE err rt_netlink_dump_routes(struct rt_netlink *n, rt_net_fn fn, void *ctx);

/* Each: ERR_EXISTS, ERR_NOT_FOUND, ERR_REFUSED (no CAP_NET_ADMIN), ERR_IO. */
MUST_USE err rt_netlink_link_up(struct rt_netlink *n, unsigned ifindex, unsigned mtu /* 0: leave */);
MUST_USE err rt_netlink_addr_add(struct rt_netlink *n, unsigned ifindex, const struct addr *a,
                                 uint8_t prefix_len);
MUST_USE err rt_netlink_addr_del(struct rt_netlink *n, unsigned ifindex, const struct addr *a,
                                 uint8_t prefix_len);
/* On-link route of the main table to dst/prefix_len through the link. src: preferred source, NULL none; mtu: of what goes there, 0: the link's. */
MUST_USE err rt_netlink_route_add(struct rt_netlink *n, unsigned ifindex, const struct addr *dst,
                                  uint8_t prefix_len, const struct addr *src, unsigned mtu);
