/* SPDX-License-Identifier: Apache-2.0
 *
 * UDP encapsulation (RFC 9028 s5.1): the port where hosts speak to us (10500), one socket for each family, and the relayed ports of the data relay's
 * clients (s4.12.2). A HIP packet stands behind four zero octets and carries checksum 0; what is shorter (a keepalive of RFC 3948 s2.3) is
 * dropped and counted; anything else is ESP.
 *
 * ESP goes from batch to batch: fa/core/relay.h decides for as many packets of one flow as stand together, and they are passed on as they lie in
 * the receive buffers. HIP goes to the engine, from a relayed port by `relayed`.
 */
#pragma once

#include "common/rt/loop.h"
#include "fa/carrier.h"
#include "fa/core/relay.h"

struct carrier_udp;

struct carrier_udp_config {
    struct rt_loop *loop;
    bool v4, v6;
    bool group; /* other workers bind the same port: SO_REUSEPORT */
    uint16_t port;
    struct fa_flows *flows;  /* NULL: no data relay; outlives the carrier */
    carrier_recv_fn recv;    /* HIP at the port */
    carrier_recv_fn relayed; /* HIP at a relayed port; path->local is the relayed address */
    void *ctx;
};

/* The carrier is closed by its ops. ERR_EXISTS: somebody has the port. ERR_IO, ERR_MEMORY. */
MUST_USE err carrier_udp_open(const struct carrier_udp_config *c, struct carrier *out,
                              struct carrier_udp **udp);
/* The program that says which of the group's carriers a packet comes to (fa/steer.h): after all are open, to the first one. */
MUST_USE err carrier_udp_steer(struct carrier_udp *u, const void *prog, size_t n);
/* This relayed address (FA_ACT_PORT_OPEN). ERR_EXISTS: the port is in use. */
MUST_USE err carrier_udp_port_open(struct carrier_udp *u, const struct addr *port);
void carrier_udp_port_close(struct carrier_udp *u, uint16_t port);
/* ESP of a client may come to any worker, its relayed port is one worker's: the others get a descriptor to send from. */
MUST_USE err carrier_udp_port_dup(const struct carrier_udp *u, uint16_t port, int *fd);
MUST_USE err carrier_udp_port_lent(struct carrier_udp *u, uint16_t port,
                                   int fd); /* takes fd over, also on failure */
