/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rt/netlink_msg.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define NL_BUF   32768
#define DUMP_MAX 3 /* tries of a dump that the kernel calls inconsistent */
#define GROUP(g) (1u << ((g)-1))

struct rt_netlink {
    struct mnl_socket *events, *requests;
    struct rt_poll *poll;
    rt_net_fn on_event;
    void (*on_lost)(void *ctx);
    void *ctx;
    unsigned seq;
};

struct sink { /* where parsed messages go */
    rt_net_fn fn;
    void *ctx;
};

static int on_message(const struct nlmsghdr *nlh, void *data)
{
    const struct sink *s = data;
    struct rt_net_event ev;

    if (rt_net_event_read(nlh, &ev))
        s->fn(s->ctx, &ev);
    return MNL_CB_OK;
}

/* ---- requests ---- */

static err errno_to_err(int e)
{
    switch (e) {
    case EEXIST:
        return ERR_EXISTS;
    case ENODEV:
    case EADDRNOTAVAIL:
    case ESRCH:
        return ERR_NOT_FOUND;
    case EPERM:
    case EACCES:
        return ERR_REFUSED;
    default:
        return ERR_IO;
    }
}

/* Sends nlh and hands the answers to cb until the kernel is done. */
static err talk(struct rt_netlink *n, struct nlmsghdr *nlh, mnl_cb_t cb, void *data)
{
    uint8_t buf[NL_BUF];
    unsigned port = mnl_socket_get_portid(n->requests);

    /* A dump that was interrupted leaves its rest behind. */
    while (recv(mnl_socket_get_fd(n->requests), buf, sizeof(buf), MSG_DONTWAIT) > 0)
        ;
    nlh->nlmsg_seq = ++n->seq;
    if (mnl_socket_sendto(n->requests, nlh, nlh->nlmsg_len) < 0)
        return errno_to_err(errno);
    for (;;) {
        ssize_t got = mnl_socket_recvfrom(n->requests, buf, sizeof(buf));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno_to_err(errno);
        int r = mnl_cb_run(buf, (size_t)got, n->seq, port, cb, data);
        if (r == MNL_CB_STOP)
            return ERR_OK;
        if (r == MNL_CB_ERROR)
            return errno_to_err(errno);
    }
}

static err dump_one(struct rt_netlink *n, uint16_t type, struct sink *s)
{
    uint8_t buf[256] = { 0 };
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

    nlh->nlmsg_type = type;
    nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    switch (type) {
    case RTM_GETLINK:
        (void)mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
        break;
    case RTM_GETADDR:
        (void)mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifaddrmsg));
        break;
    default:
        (void)mnl_nlmsg_put_extra_header(nlh, sizeof(struct rtmsg));
        break;
    }
    return talk(n, nlh, on_message, s);
}

/* Again when the kernel says that it changed meanwhile. */
static err dump_type(struct rt_netlink *n, uint16_t type, struct sink *s)
{
    err e = ERR_IO;

    for (int t = 0; t < DUMP_MAX && e == ERR_IO; t++)
        e = dump_one(n, type, s);
    return e;
}

err rt_netlink_dump(struct rt_netlink *n, rt_net_fn fn, void *ctx)
{
    struct sink s = { fn, ctx };
    err e = dump_type(n, RTM_GETLINK, &s);

    if (e == ERR_OK)
        e = dump_type(n, RTM_GETADDR, &s);
    return e ? e : dump_type(n, RTM_GETROUTE, &s);
}

err rt_netlink_dump_routes(struct rt_netlink *n, rt_net_fn fn, void *ctx)
{
    struct sink s = { fn, ctx };

    return dump_type(n, RTM_GETROUTE, &s);
}

err rt_netlink_link_up(struct rt_netlink *n, unsigned ifindex, unsigned mtu)
{
    uint8_t buf[256] = { 0 };
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
    struct ifinfomsg *m;

    nlh->nlmsg_type = RTM_NEWLINK;
    nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
    m->ifi_family = AF_UNSPEC;
    m->ifi_index = (int)ifindex;
    m->ifi_flags = IFF_UP;
    m->ifi_change = IFF_UP;
    if (mtu != 0)
        mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
    return talk(n, nlh, NULL, NULL);
}

static err addr_change(struct rt_netlink *n, uint16_t type, uint16_t flags, unsigned ifindex,
                       const struct addr *a, uint8_t prefix_len)
{
    uint8_t buf[256] = { 0 };
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
    struct ifaddrmsg *m;

    nlh->nlmsg_type = type;
    nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
    m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
    m->ifa_family = a->family == ADDR_V4 ? AF_INET : AF_INET6;
    m->ifa_prefixlen = prefix_len;
    /* No duplicate address detection: nobody else is on a TUN. */
    m->ifa_flags = a->family == ADDR_V6 ? IFA_F_NODAD : 0;
    m->ifa_scope = RT_SCOPE_UNIVERSE;
    m->ifa_index = ifindex;
    mnl_attr_put(nlh, IFA_LOCAL, addr_ip_len(a), a->ip);
    mnl_attr_put(nlh, IFA_ADDRESS, addr_ip_len(a), a->ip);
    return talk(n, nlh, NULL, NULL);
}

err rt_netlink_addr_add(struct rt_netlink *n, unsigned ifindex, const struct addr *a, uint8_t prefix_len)
{
    return addr_change(n, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, a, prefix_len);
}

err rt_netlink_addr_del(struct rt_netlink *n, unsigned ifindex, const struct addr *a, uint8_t prefix_len)
{
    return addr_change(n, RTM_DELADDR, 0, ifindex, a, prefix_len);
}

err rt_netlink_route_add(struct rt_netlink *n, unsigned ifindex, const struct addr *dst, uint8_t prefix_len,
                         const struct addr *src, unsigned mtu)
{
    uint8_t buf[256] = { 0 };
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
    struct rtmsg *m;

    nlh->nlmsg_type = RTM_NEWROUTE;
    nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
    m->rtm_family = dst->family == ADDR_V4 ? AF_INET : AF_INET6;
    m->rtm_dst_len = prefix_len;
    m->rtm_table = RT_TABLE_MAIN;
    m->rtm_protocol = RTPROT_STATIC;
    m->rtm_scope = dst->family == ADDR_V4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    m->rtm_type = RTN_UNICAST;
    mnl_attr_put(nlh, RTA_DST, addr_ip_len(dst), dst->ip);
    mnl_attr_put_u32(nlh, RTA_OIF, ifindex);
    if (src)
        mnl_attr_put(nlh, RTA_PREFSRC, addr_ip_len(src), src->ip);
    if (mtu) {
        struct nlattr *metrics = mnl_attr_nest_start(nlh, RTA_METRICS);
        mnl_attr_put_u32(nlh, RTAX_MTU, mtu);
        mnl_attr_nest_end(nlh, metrics);
    }
    return talk(n, nlh, NULL, NULL);
}

/* ---- watching ---- */

static void on_ready(void *ctx, int events)
{
    struct rt_netlink *n = ctx;
    struct sink s = { n->on_event, n->ctx };
    uint8_t buf[NL_BUF];

    (void)events;
    for (int i = 0; i < 64; i++) {
        ssize_t got = recv(mnl_socket_get_fd(n->events), buf, sizeof(buf), MSG_DONTWAIT);
        if (got < 0 && errno == ENOBUFS) {
            /* Events were lost: what is true now is dumped again. */
            if (n->on_lost)
                n->on_lost(n->ctx);
            (void)!rt_netlink_dump(n, n->on_event, n->ctx);
            continue;
        }
        if (got <= 0)
            return;
        (void)mnl_cb_run(buf, (size_t)got, 0, 0, on_message, &s);
    }
}

err rt_netlink_open(struct rt_loop *l, rt_net_fn on_event, void (*on_lost)(void *ctx), void *ctx,
                    struct rt_netlink **out)
{
    const unsigned groups = GROUP(RTNLGRP_LINK) | GROUP(RTNLGRP_IPV4_IFADDR) | GROUP(RTNLGRP_IPV6_IFADDR) |
                            GROUP(RTNLGRP_IPV4_ROUTE) | GROUP(RTNLGRP_IPV6_ROUTE);
    struct rt_netlink *n = calloc(1, sizeof(*n));

    if (n == NULL)
        return ERR_MEMORY;
    n->on_event = on_event;
    n->on_lost = on_lost;
    n->ctx = ctx;
    n->events = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
    n->requests = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (n->events == NULL || n->requests == NULL ||
        mnl_socket_bind(n->events, groups, MNL_SOCKET_AUTOPID) < 0 ||
        mnl_socket_bind(n->requests, 0, MNL_SOCKET_AUTOPID) < 0)
        goto fail;
    n->poll = rt_poll_new(l, mnl_socket_get_fd(n->events), on_ready, n);
    if (n->poll == NULL)
        goto fail;
    rt_poll_want(n->poll, RT_READABLE);
    *out = n;
    return ERR_OK;
fail:
    rt_netlink_close(n);
    return ERR_IO;
}

void rt_netlink_close(struct rt_netlink *n)
{
    if (n == NULL)
        return;
    rt_poll_free(n->poll);
    if (n->events)
        (void)mnl_socket_close(n->events);
    if (n->requests)
        (void)mnl_socket_close(n->requests);
    free(n);
}
