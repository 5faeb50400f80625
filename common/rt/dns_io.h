/* SPDX-License-Identifier: Apache-2.0
 *
 * The sockets of one DNS transaction: each message sent goes out of a UDP socket of its own, connected to the server, with a port of
 * the kernel's choice, or over a TCP connection of its own with the two-octet length in front (RFC 1035 s4.2.2). All of them stay open
 * until the transaction's owner is done, so an answer to an earlier message still comes in. What the octets mean is the owner's business.
 */
#pragma once

#include "common/base/addr.h"
#include "common/base/err.h"
#include "common/base/span.h"
#include "common/rt/loop.h"

struct rt_dns;

struct rt_dns_ops {
    /* A message came; borrowed. */
    void (*reply)(void *ctx, const struct addr *from, struct span msg);
    /* The transport of message `tag` is gone: ICMP error, refused, closed by the other side. */
    void (*failed)(void *ctx, uint32_t tag);
};

#define RT_DNS_SOCKETS_MAX 32

/* NULL: out of memory. ops is borrowed; both calls may end in rt_dns_free(). */
struct rt_dns *rt_dns_new(struct rt_loop *l, const struct rt_dns_ops *ops, void *ctx);
void rt_dns_free(struct rt_dns *d); /* closes what is open; no call comes after; NULL is fine */

/* ERR_UNREACHABLE: could not be sent (failed() is not called then). ERR_FULL, ERR_MEMORY, ERR_RANGE (longer than 65535). */
MUST_USE err rt_dns_udp(struct rt_dns *d, uint32_t tag, const struct addr *server, struct span msg);
MUST_USE err rt_dns_tcp(struct rt_dns *d, uint32_t tag, const struct addr *server, struct span msg);
