/* SPDX-License-Identifier: Apache-2.0
 *
 * What the kernel tells about links, addresses and routes: any octets as a run of rtnetlink messages. The kernel is believed, but read within bounds.
 */
#include <stdlib.h>
#include <string.h>

#include "common/rt/netlink_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct nlmsghdr *nlh)
{
    struct rt_net_event ev;
    if (!rt_net_event_read(nlh, &ev))
        return;
    if (ev.type == RT_NET_LINK && !memchr(ev.link.name, 0, sizeof ev.link.name))
        abort();
    if (ev.type == RT_NET_ADDR && ev.addr.addr.family != ADDR_V4 && ev.addr.addr.family != ADDR_V6)
        abort();
    if (ev.type == RT_NET_ROUTE && ev.route.dst.family != ADDR_V4 && ev.route.dst.family != ADDR_V6)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int left = (int)size;
    struct nlmsghdr *first = malloc(size ? size : 1); /* aligned, and of exactly this size */
    if (!first)
        abort();
    if (size)
        memcpy(first, data, size);
    /* mnl_nlmsg_ok() takes a length of more than 2^31 for a negative one. */
    for (const struct nlmsghdr *nlh = first; mnl_nlmsg_ok(nlh, left) && nlh->nlmsg_len <= (unsigned)left;
         nlh = mnl_nlmsg_next(nlh, &left))
        look(nlh);
    free(first);
    return 0;
}
