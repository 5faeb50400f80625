/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rt/netlink_msg.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#define ATTRS 32

struct attrs {
    const struct nlattr *v[ATTRS];
};

static int attr_cb(const struct nlattr *a, void *data)
{
    struct attrs *t = data;
    uint16_t type = mnl_attr_get_type(a);

    if (type < ATTRS)
        t->v[type] = a;
    return MNL_CB_OK;
}

static bool attr_addr(const struct nlattr *a, uint8_t family, struct addr *out)
{
    size_t want = family == AF_INET ? 4 : 16;

    memset(out, 0, sizeof(*out));
    if (a == NULL || mnl_attr_get_payload_len(a) != want)
        return false;
    out->family = family == AF_INET ? ADDR_V4 : ADDR_V6;
    memcpy(out->ip, mnl_attr_get_payload(a), want);
    return true;
}

static uint32_t attr_u32(const struct nlattr *a)
{
    return a != NULL && mnl_attr_get_payload_len(a) >= 4 ? mnl_attr_get_u32(a) : 0;
}

/* A text with or without its NUL, cut to what fits. */
static void attr_text(const struct nlattr *a, char *out, size_t cap)
{
    size_t n = a ? mnl_attr_get_payload_len(a) : 0;

    if (n > cap - 1)
        n = cap - 1;
    if (n)
        n = strnlen(mnl_attr_get_payload(a), n);
    if (n)
        memcpy(out, mnl_attr_get_payload(a), n);
    out[n] = '\0';
}

static bool on_link(const struct nlmsghdr *nlh, struct rt_net_event *ev)
{
    const struct ifinfomsg *m = mnl_nlmsg_get_payload(nlh);
    struct attrs t = { 0 };

    if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*m))
        return false;
    (void)mnl_attr_parse(nlh, sizeof(*m), attr_cb, &t);
    ev->type = RT_NET_LINK;
    ev->gone = nlh->nlmsg_type == RTM_DELLINK;
    ev->link.index = (unsigned)m->ifi_index;
    ev->link.up = (m->ifi_flags & IFF_UP) != 0;
    ev->link.running = (m->ifi_flags & IFF_RUNNING) != 0;
    ev->link.mtu = attr_u32(t.v[IFLA_MTU]);
    attr_text(t.v[IFLA_IFNAME], ev->link.name, sizeof(ev->link.name));
    return true;
}

static bool on_addr(const struct nlmsghdr *nlh, struct rt_net_event *ev)
{
    const struct ifaddrmsg *m = mnl_nlmsg_get_payload(nlh);
    struct attrs t = { 0 };
    uint32_t flags;

    if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*m))
        return false;
    if (m->ifa_family != AF_INET && m->ifa_family != AF_INET6)
        return false;
    (void)mnl_attr_parse(nlh, sizeof(*m), attr_cb, &t);
    flags = t.v[IFA_FLAGS] ? attr_u32(t.v[IFA_FLAGS]) : m->ifa_flags;
    ev->type = RT_NET_ADDR;
    ev->gone = nlh->nlmsg_type == RTM_DELADDR;
    /* IFA_LOCAL is ours and IFA_ADDRESS the other end on point-to-point links. */
    if (!attr_addr(t.v[IFA_LOCAL] ? t.v[IFA_LOCAL] : t.v[IFA_ADDRESS], m->ifa_family, &ev->addr.addr))
        return false;
    ev->addr.index = m->ifa_index;
    ev->addr.prefix_len = m->ifa_prefixlen;
    ev->addr.usable = m->ifa_scope == RT_SCOPE_UNIVERSE &&
                      (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED)) == 0;
    if (addr_is_link_local(&ev->addr.addr))
        ev->addr.addr.scope = m->ifa_index;
    return true;
}

static bool on_route(const struct nlmsghdr *nlh, struct rt_net_event *ev)
{
    const struct rtmsg *m = mnl_nlmsg_get_payload(nlh);
    struct attrs t = { 0 };

    if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*m))
        return false;
    if (m->rtm_family != AF_INET && m->rtm_family != AF_INET6)
        return false;
    (void)mnl_attr_parse(nlh, sizeof(*m), attr_cb, &t);
    ev->route.table = t.v[RTA_TABLE] ? attr_u32(t.v[RTA_TABLE]) : m->rtm_table;
    if (ev->route.table == RT_TABLE_LOCAL || m->rtm_type != RTN_UNICAST || (m->rtm_flags & RTM_F_CLONED) != 0)
        return false;
    ev->type = RT_NET_ROUTE;
    ev->gone = nlh->nlmsg_type == RTM_DELROUTE;
    if (!attr_addr(t.v[RTA_DST], m->rtm_family, &ev->route.dst))
        ev->route.dst.family = m->rtm_family == AF_INET ? ADDR_V4 : ADDR_V6;
    ev->route.prefix_len = m->rtm_dst_len;
    ev->route.index = attr_u32(t.v[RTA_OIF]);
    ev->route.metric = attr_u32(t.v[RTA_PRIORITY]);
    (void)attr_addr(t.v[RTA_GATEWAY], m->rtm_family, &ev->route.gateway);
    return true;
}

bool rt_net_event_read(const struct nlmsghdr *nlh, struct rt_net_event *ev)
{
    memset(ev, 0, sizeof(*ev));
    switch (nlh->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
        return on_link(nlh, ev);
    case RTM_NEWADDR:
    case RTM_DELADDR:
        return on_addr(nlh, ev);
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        return on_route(nlh, ev);
    default:
        return false;
    }
}
