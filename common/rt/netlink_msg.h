/* SPDX-License-Identifier: Apache-2.0
 *
 * One rtnetlink message as an event (rtnetlink(7)). Total: whatever stands in it, nothing is read past nlmsg_len.
 */
#pragma once

#include <libmnl/libmnl.h>

#include "common/rt/netlink.h"

/* nlh: a header whose nlmsg_len octets are there (mnl_nlmsg_ok()). False: nothing that rt_net_fn is told. */
bool rt_net_event_read(const struct nlmsghdr *nlh, struct rt_net_event *ev);
