/* SPDX-License-Identifier: Apache-2.0
 *
 * In which family an application here speaks in a flow: IPv4 with LSIs, or IPv6 with HITs. ESP does not say it, since both are the same outside
 * (docs/architecture.md); who began the flow here, or what socket is there for it, does. A flow is a peer's HIT, a protocol and two ports (ICMP echo: its
 * identifier; fragments behind the first: the identification).
 *
 * A table of fixed size that forgets what has been quiet for HOST_FLOW_IDLE_US, or longest where it is full: forgetting is safe, the socket is looked for
 * again. Keyed, so that a peer cannot choose what is pushed out.
 */
#pragma once

#include "common/base/span.h"
#include "hip/hit.h"

#define HOST_FLOWS_MAX    4096
#define HOST_FLOW_IDLE_US UINT64_C(60000000)

struct host_flow {
    struct hit peer;
    uint8_t proto;
    uint16_t local, remote; /* ports */
    uint32_t fragment;      /* identification of a datagram in fragments; proto is 44 then */
};

enum host_flow_kind {
    HOST_FLOW_NONE,  /* no flow: of no protocol that has some, or cut off */
    HOST_FLOW_OPENS, /* TCP's first segment: what was known of these ports is of another connection */
    HOST_FLOW_GOES_ON,
};
/* Of an IPv6 packet between HITs; out: sent by an application here. An ICMP error is of the flow that it quotes. *first_fragment: the flow of the other
 * fragments of this datagram; proto 0: it is whole. */
enum host_flow_kind host_flow_of(struct span ip6, bool out, struct host_flow *flow,
                                 struct host_flow *first_fragment);

struct host_flows;
struct host_flows *host_flows_new(const uint8_t seed[16]); /* NULL: out of memory */
void host_flows_free(struct host_flows *f);
/* 4, 6, or 0: not known. A flow that is asked for is not quiet. */
unsigned host_flows_get(struct host_flows *f, const struct host_flow *flow, uint64_t now);
void host_flows_put(struct host_flows *f, const struct host_flow *flow, unsigned family, uint64_t now);
