/* SPDX-License-Identifier: Apache-2.0
 *
 * A NAT box for the simulator: what it makes of a packet's addresses (RFC 4787's terms). Mapping: which outside port an inside
 * address and port gets for a destination. Filtering: from whom the outside port lets packets in. A full cone is endpoint-independent in
 * both, a symmetric NAT address-and-port-dependent in both. Mappings end after a time without outbound packets; sim_nat_restart()
 * forgets them all and gives other ports, and another outside address if told so.
 *
 * No I/O and no clock; one box owns its table. Packets without a port (HIP's own IP protocol) keep none: their addresses are
 * exchanged, and with that their checksum is wrong at the other end, as behind a real NAT.
 */
#pragma once

#include "common/base/addr.h"

enum sim_nat_kind {
    SIM_NAT_ENDPOINT_INDEPENDENT,
    SIM_NAT_ADDRESS_DEPENDENT,
    SIM_NAT_ADDRESS_AND_PORT_DEPENDENT,
};

#define SIM_NAT_MAPS  64
#define SIM_NAT_PEERS 32

struct sim_nat_map {
    bool used;
    struct addr inside;
    uint16_t port;     /* outside */
    struct addr first; /* the destination it was made for */
    uint64_t last_us;  /* outbound */
    size_t n_peers;    /* whom it was used to send to; the oldest is forgotten */
    struct addr peer[SIM_NAT_PEERS];
};

struct sim_nat {
    enum sim_nat_kind mapping, filtering;
    struct addr outside; /* port 0 */
    struct addr inside;  /* the network behind it ... */
    unsigned inside_bits;
    uint64_t timeout_us; /* 0: never */
    uint16_t next_port;
    struct sim_nat_map map[SIM_NAT_MAPS];
};

void sim_nat_init(struct sim_nat *n, enum sim_nat_kind mapping, enum sim_nat_kind filtering,
                  const char *outside, const char *inside_prefix, unsigned bits);
bool sim_nat_inside(const struct sim_nat *n, const struct addr *a);
/* A packet from the inside: *src becomes what the outside sees. False: no room for a mapping. */
bool sim_nat_out(struct sim_nat *n, struct addr *src, const struct addr *dst, uint64_t now);
/* A packet to the outside address: *dst becomes the inside one. False: no mapping, or filtered. */
bool sim_nat_in(struct sim_nat *n, const struct addr *src, struct addr *dst, uint64_t now);
/* Everything is forgotten; other ports from now on. outside NULL: the same address. */
void sim_nat_restart(struct sim_nat *n, const char *outside);
