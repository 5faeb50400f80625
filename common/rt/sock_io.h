/* SPDX-License-Identifier: Apache-2.0
 *
 * What sock.c and sock_io.c share: the buffers of a loop, and a socket. Not for others.
 *
 * struct rt_io belongs to a loop: receive buffers that are in use only while a recv callback runs, and the queue of what waits to be sent, whose
 * messages each name their socket. Queued octets lie in the arena, or (rt_sock_forward) still in the receive buffers; such a queue
 * is flushed as soon as the callback has returned.
 */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "common/rt/sock.h"

#define OUT_MAX    256  /* messages that wait */
#define PIECES     1024 /* that they consist of */
#define NO_PIECE   UINT16_MAX
#define ARENA_LEN  ((size_t)512 * 1024)
#define RUN_MAX    64    /* packets of a run that the kernel takes (UDP_MAX_SEGMENTS) */
#define RUN_OCTETS 65400 /* and octets, in either family */
/* A run of the longest datagram, and a colour: buffers must not begin at equal addresses modulo a cache's way. */
#define SLOT_LEN ((size_t)65536 + 1536 + 64)

/* Batches that lie in the receive buffers at once: what one flow has in all of them can leave as one run. */
#define RECV_BATCHES 4

union io_name {
    struct sockaddr sa;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

/* Room for a packet info in either family, traffic class, hop limit and a segment length. */
union io_ctl {
    size_t align; /* as struct cmsghdr's */
    uint8_t b[CMSG_SPACE(sizeof(struct in6_pktinfo)) + 3 * CMSG_SPACE(sizeof(int))];
};

struct out_msg {
    union io_name name;
    union io_ctl ctl;
    uint8_t name_len, ctl_len; /* ctl: without the segment length */
    bool closed;               /* its last packet is shorter: nothing may follow */
    uint16_t seg, packets;
    uint16_t first, last; /* in rt_io.piece */
    uint32_t total;
    struct out_msg *next; /* of the same socket */
};

struct out_piece {
    struct iovec v;
    uint16_t next; /* of the same message */
};

struct rt_io {
    struct rt_loop *loop;
    struct rt_flush *flush;
    unsigned users;
    bool borrowed; /* something in the queue lies in the receive buffers */

    struct mmsghdr in[RT_SOCK_BATCH];
    struct iovec in_iov[RT_SOCK_BATCH];
    union io_name in_name[RT_SOCK_BATCH];
    union io_ctl in_ctl[RT_SOCK_BATCH];
    uint8_t *slots;

    struct out_msg out[OUT_MAX];
    size_t out_n;
    struct out_piece piece[PIECES];
    size_t piece_n;
    struct iovec iov[PIECES]; /* of the messages of one sendmmsg */
    uint8_t *arena;
    size_t arena_n;
    struct rt_sock *dirty; /* sockets that have something in the queue */
};

struct rt_sock {
    int fd;
    int hears_fd; /* rt_sock_discover_mtu() of a raw IPv6 one; else -1 */
    bool raw, runs, gso, header;
    bool any; /* bound to the unspecified address: a packet says where it came to */
    uint8_t family;
    struct addr bound;
    struct rt_poll *poll;
    struct rt_io *io;
    rt_recv_fn recv;
    void *ctx;
    struct rt_sock_stats stats;
    struct out_msg *head, *tail; /* waiting */
    struct rt_sock *dirty_next;
    bool dirty;
};

struct rt_io *rt_io_get(struct rt_loop *l); /* one for each loop; NULL: out of memory */
void rt_io_put(struct rt_io *io);
void rt_io_ready(void *sock, int events); /* for rt_poll */
