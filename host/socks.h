/* SPDX-License-Identifier: Apache-2.0
 *
 * The host's sockets: raw for protocols 139 (HIP) and 50 (ESP), and one UDP socket of each family for both (RFC 9028 s5.1, s5.11), on one port that
 * stays the same for as long as the process lives (s4.1). What a path's ports say decides which of them a packet takes.
 *
 * In UDP a HIP packet follows four zero octets; anything that begins otherwise is ESP, whose SPI is never zero.
 */
#pragma once

#include "common/base/env.h"
#include "common/rt/sock.h"
#include "hip/engine.h"
#include "hip/esp/beet.h"

#define HOST_SOCKS_WHY_MAX 160
#define HOST_UDP_MARK      4 /* octets before HIP in UDP */

struct host_socks;

struct host_socks_conf {
    void *ctx;
    void (*hip)(void *ctx, const struct hip_path *path, struct span octets);
    void (*esp)(void *ctx, const struct beet_outer *outer, struct span octets);
    bool fragment; /* ESP and UDP over IPv4 without DF */
    bool udp;      /* open UDP sockets */
    uint16_t port; /* wanted; 0 or in use: one of 49152-65535 */
    bool no_raw;   /* neither 139 nor 50 */
};

/* why: one line for people. */
MUST_USE err host_socks_open(struct rt_loop *l, const struct env *env, const struct host_socks_conf *c,
                             struct host_socks **out, char why[HOST_SOCKS_WHY_MAX]);
void host_socks_close(struct host_socks *s);          /* NULL is fine */
uint16_t host_socks_port(const struct host_socks *s); /* of UDP; 0: none */

/* ifindex: where it must leave; 0: the routing table decides. false: no socket for it. */
bool host_socks_hip(struct host_socks *s, const struct hip_path *path, unsigned ifindex, struct span octets);
/* An ICMP message of HIP_ACT_ICMP. */
bool host_socks_icmp(struct host_socks *s, const struct hip_path *path, unsigned ifindex, struct span octets);
bool host_socks_esp(struct host_socks *s, const struct hip_path *path, unsigned ifindex,
                    const struct beet_outer *outer, struct span octets);

/* What a datagram on the UDP port is. */
enum host_udp_kind { HOST_UDP_NOTHING, HOST_UDP_HIP, HOST_UDP_ESP };
enum host_udp_kind host_udp_split(struct span datagram, struct span *octets);
