/* SPDX-License-Identifier: Apache-2.0
 *
 * Datagram sockets in batches (recvmmsg, sendmmsg on uv_poll): UDP, and raw IP protocols such as 139 (HIP) and
 * 50 (ESP). Each packet comes with both of its addresses, and is sent from the address the caller chooses.
 *
 * Raw sockets: the IPv4 header is stripped, checksums of the payload are left alone, the family is fixed when
 * it is opened; ports are 0. Sending copies into buffers of the loop and flushes before the loop sleeps; what is full is
 * flushed at once. What the kernel refuses (no route, buffer full) is dropped and counted: these are datagrams.
 *
 * UDP: the kernel hands over packets of one length and source as one run (UDP_GRO), and takes such runs (UDP_SEGMENT):
 * packets to one destination that are queued one behind the other leave as one, where the kernel can do that, and one by one where it cannot. Buffers
 * belong to the loop and are shared by its sockets: a socket costs little. Nothing is allocated for a packet.
 */
#pragma once

#include "common/base/addr.h"
#include "common/rt/loop.h"

#define RT_SOCK_BATCH 64
#define RT_SOCK_MTU   9216 /* longest packet taken or sent */

struct rt_sock;

struct rt_pkt {
    struct addr local, peer;
    unsigned ifindex; /* where it came in; 0: unknown, as for a socket that is bound to an address */
    uint16_t
        seg; /* 0: one packet. Else a run: packets of this length one behind the other, the last may be shorter */
    uint8_t tclass, hop_limit; /* after rt_sock_want_header(): DSCP and ECN, TTL; else 0 */
    struct span octets;
};

/* Fields of the IP header, of either version, that a sender may choose. */
struct rt_ip {
    uint8_t tclass;    /* DSCP and ECN */
    uint8_t hop_limit; /* 0: the system's */
};

/* n packets, 1..RT_SOCK_BATCH, borrowed until it returns. The socket must not be closed inside. */
typedef void (*rt_recv_fn)(void *ctx, const struct rt_pkt *pkts, size_t n);

/* family ADDR_V4 or ADDR_V6. ERR_REFUSED: no CAP_NET_RAW. */
MUST_USE err rt_raw_open(struct rt_loop *l, enum addr_family family, uint8_t protocol, rt_recv_fn recv,
                         void *ctx, struct rt_sock **out);
/* To send from alone: what the kernel would hand to it (ICMP goes to every such socket) is thrown away there. */
MUST_USE err rt_raw_open_out(struct rt_loop *l, enum addr_family family, uint8_t protocol,
                             struct rt_sock **out);
/* Bound to *bind (its family, address may be unspecified, port may be 0). ERR_EXISTS: in use. */
MUST_USE err rt_udp_open(struct rt_loop *l, const struct addr *bind, rt_recv_fn recv, void *ctx,
                         struct rt_sock **out);

struct rt_udp_opts {
    bool runs;  /* recv gets runs as they come; else every packet by itself */
    bool group; /* others may bind to the same address: one socket for each worker (SO_REUSEPORT) */
};
MUST_USE err rt_udp_open_with(struct rt_loop *l, const struct addr *bind, struct rt_udp_opts opts,
                              rt_recv_fn recv, void *ctx, struct rt_sock **out);
/* A descriptor of the same socket for a loop on another thread, which sends from it and receives nothing. Closed with the answer. */
MUST_USE err rt_sock_dup(const struct rt_sock *s, int *fd);
MUST_USE err rt_udp_adopt(struct rt_loop *l, int fd,
                          struct rt_sock **out); /* takes fd over, also on failure */
void rt_sock_close(struct rt_sock *s);           /* flushes; NULL is fine */

/* A classic BPF program (struct sock_filter, n instructions) that says which packets come to this socket, of a group (the number of the socket in the
 * order of binding) or of a raw one (0: not this one). ERR_IO, ERR_RANGE. */
MUST_USE err rt_sock_steer_group(struct rt_sock *s, const void *prog, size_t n);
MUST_USE err rt_sock_filter(struct rt_sock *s, const void *prog, size_t n);

/* What comes says with which traffic class and hop limit. */
MUST_USE err rt_sock_want_header(struct rt_sock *s);
/* IPv4: true: packets carry DF where they fit the path as the kernel knows it, and it learns from ICMP what fits; false: no DF. What does not fit is fragmented here
 * in either case, and in IPv6, where a raw socket learns only after this call. UDP: true by itself, raw: false. */
MUST_USE err rt_sock_discover_mtu(struct rt_sock *s, bool on);

/* local: family ADDR_NONE or NULL lets the kernel choose. ifindex 0: the routing table decides; else it must
 * leave there. ERR_RANGE: longer than RT_SOCK_MTU or wrong family. */
MUST_USE err rt_sock_send(struct rt_sock *s, const struct addr *local, const struct addr *peer,
                          unsigned ifindex, struct span octets);
/* The same under this IP header. */
MUST_USE err rt_sock_send_ip(struct rt_sock *s, const struct addr *local, const struct addr *peer,
                             unsigned ifindex, const struct rt_ip *ip, struct span octets);
/* The same with `head` in front of the octets: an encapsulation's marker. */
MUST_USE err rt_sock_send_headed(struct rt_sock *s, const struct addr *local, const struct addr *peer,
                                 unsigned ifindex, struct span head, struct span octets);
/* What a recv callback of this loop was given, passed on without a copy: only inside that callback. seg as in struct rt_pkt. */
MUST_USE err rt_sock_forward(struct rt_sock *s, const struct addr *local, const struct addr *peer,
                             uint16_t seg, struct span octets);
void rt_sock_flush(struct rt_sock *s);
/* The bound address (UDP: with the port the kernel chose). */
struct addr rt_sock_local(const struct rt_sock *s);

struct rt_sock_stats {
    uint64_t in, out, in_cut /* longer than RT_SOCK_MTU */, out_failed;
    uint64_t runs_in, runs_out; /* several packets in one */
    int last_errno;             /* of the last failed send */
};
struct rt_sock_stats rt_sock_stats(const struct rt_sock *s);

/* The longest IP packet, header included, that the path to peer takes as far as the kernel knows; local and ifindex as in rt_sock_send(). 0: no route. */
unsigned rt_path_mtu(const struct addr *local, const struct addr *peer, unsigned ifindex);
/* The address the kernel would send from to reach peer (connect() of a UDP socket, nothing is sent). ERR_UNREACHABLE. */
MUST_USE err rt_source_for(const struct addr *peer, struct addr *out);
