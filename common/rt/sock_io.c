/* SPDX-License-Identifier: Apache-2.0
 * Batches: what recvmmsg and sendmmsg get and leave. */
#include "common/rt/sock_io.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

#include "common/rt/sa.h"

#define RECV_ROUNDS  8 /* batches taken before others on the loop get their turn */
#define IPV4_HDR_MIN 20

/* ---- the loop's buffers ---- */

static void flush_all(void *ctx);

struct rt_io *rt_io_get(struct rt_loop *l)
{
    void **slot = rt_loop_slot(l);
    struct rt_io *io = *slot;

    if (io == NULL) {
        io = calloc(1, sizeof(*io));
        if (io == NULL)
            return NULL;
        io->loop = l;
        io->slots = malloc(SLOT_LEN * RT_SOCK_BATCH * RECV_BATCHES);
        io->arena = malloc(ARENA_LEN);
        io->flush = rt_flush_new(l, flush_all, io);
        *slot = io;
    }
    io->users++;
    if (io->slots == NULL || io->arena == NULL || io->flush == NULL) {
        rt_io_put(io);
        return NULL;
    }
    for (size_t i = 0; i < RT_SOCK_BATCH; i++) {
        io->in_iov[i].iov_len = SLOT_LEN;
        io->in[i].msg_hdr = (struct msghdr){ .msg_name = &io->in_name[i],
                                             .msg_iov = &io->in_iov[i],
                                             .msg_iovlen = 1,
                                             .msg_control = io->in_ctl[i].b };
    }
    return io;
}

void rt_io_put(struct rt_io *io)
{
    if (io == NULL || --io->users > 0)
        return;
    *rt_loop_slot(io->loop) = NULL;
    rt_flush_free(io->flush);
    free(io->slots);
    free(io->arena);
    free(io);
}

/* ---- receiving ---- */

/* Linux: one octet for IPv4's TOS, an int for the others. */
static uint8_t field(const struct cmsghdr *c)
{
    int v = 0;

    if (c->cmsg_len < CMSG_LEN(sizeof(v)))
        return *CMSG_DATA(c);
    memcpy(&v, CMSG_DATA(c), sizeof(v));
    return (uint8_t)v;
}

static void read_ctl(const struct rt_sock *s, struct msghdr *m, struct rt_pkt *p)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo pi;
            memcpy(&pi, CMSG_DATA(c), sizeof(pi));
            p->local.family = ADDR_V4;
            memcpy(p->local.ip, &pi.ipi_addr, 4);
            p->ifindex = (unsigned)pi.ipi_ifindex;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo pi;
            memcpy(&pi, CMSG_DATA(c), sizeof(pi));
            p->local.family = ADDR_V6;
            memcpy(p->local.ip, &pi.ipi6_addr, 16);
            p->ifindex = pi.ipi6_ifindex;
        } else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) ||
                   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS)) {
            p->tclass = field(c);
        } else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
                   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)) {
            p->hop_limit = field(c);
        } else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
            int v;
            memcpy(&v, CMSG_DATA(c), sizeof(v));
            if (v > 0 && (size_t)v < p->octets.n)
                p->seg = (uint16_t)v;
        }
    }
    p->local.port = s->bound.port;
    if (p->ifindex && addr_is_link_local(&p->local))
        p->local.scope = p->ifindex;
}

/* False: not a packet for the owner. */
static bool take_one(struct rt_sock *s, size_t i, struct rt_pkt *p)
{
    const struct mmsghdr *m = &s->io->in[i];
    const uint8_t *at = s->io->in_iov[i].iov_base;
    size_t n = m->msg_len;

    if (rt_sa_to_addr(m->msg_hdr.msg_name, m->msg_hdr.msg_namelen, &p->peer))
        return false;
    p->tclass = p->hop_limit = 0;
    if (s->raw) {
        p->peer.port = 0; /* raw sockets report the protocol there */
        if (s->family == ADDR_V4) {
            size_t hdr = n >= IPV4_HDR_MIN ? (size_t)(at[0] & 0x0f) * 4 : 0;
            if (hdr < IPV4_HDR_MIN || hdr > n)
                return false;
            if (s->header) {
                p->tclass = at[1];
                p->hop_limit = at[8];
            }
            at += hdr;
            n -= hdr;
        }
    }
    p->local = s->any ? (struct addr){ 0 } : s->bound;
    p->ifindex = 0;
    p->seg = 0;
    p->octets = span_of(at, n);
    read_ctl(s, (struct msghdr *)&m->msg_hdr, p);
    if ((m->msg_hdr.msg_flags & MSG_TRUNC) || (p->seg ? p->seg : n) > RT_SOCK_MTU) {
        s->stats.in_cut++;
        return false;
    }
    if (p->seg) {
        s->stats.in += (n + p->seg - 1) / p->seg;
        s->stats.runs_in++;
    } else {
        s->stats.in++;
    }
    return true;
}

/* To an owner who wants every packet by itself. */
static void hand_singly(struct rt_sock *s, const struct rt_pkt *runs, size_t n)
{
    struct rt_pkt one[RT_SOCK_BATCH];
    size_t k = 0;

    for (size_t i = 0; i < n; i++) {
        size_t step = runs[i].seg ? runs[i].seg : runs[i].octets.n;
        size_t at = 0;
        do {
            one[k] = runs[i];
            one[k].seg = 0;
            one[k].octets.p += at;
            one[k].octets.n = runs[i].octets.n - at < step ? runs[i].octets.n - at : step;
            at += step;
            if (++k == RT_SOCK_BATCH) {
                s->recv(s->ctx, one, k);
                k = 0;
            }
        } while (at < runs[i].octets.n);
    }
    if (k > 0)
        s->recv(s->ctx, one, k);
}

/* One batch into the buffers from `slots` on; how many messages there were. */
static int receive(struct rt_sock *s, uint8_t *slots)
{
    struct rt_io *io = s->io;
    struct rt_pkt pkts[RT_SOCK_BATCH];
    size_t n = 0;
    bool run = false;

    for (size_t i = 0; i < RT_SOCK_BATCH; i++) { /* what the kernel writes over */
        io->in_iov[i].iov_base = slots + i * SLOT_LEN;
        io->in[i].msg_hdr.msg_namelen = sizeof(io->in_name[i]);
        io->in[i].msg_hdr.msg_controllen = sizeof(io->in_ctl[i].b);
    }
    int got = recvmmsg(s->fd, io->in, RT_SOCK_BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < got; i++)
        if (take_one(s, (size_t)i, &pkts[n])) {
            run = run || pkts[n].seg;
            n++;
        }
    if (n > 0 && run && !s->runs)
        hand_singly(s, pkts, n);
    else if (n > 0)
        s->recv(s->ctx, pkts, n);
    return got; /* below 0: nothing there, or an ICMP error of an earlier packet, which ends nothing: RFC 7401 s6.6.2 MUST NOT */
}

void rt_io_ready(void *ctx, int events)
{
    struct rt_sock *s = ctx;
    struct rt_io *io = s->io;
    int got = RT_SOCK_BATCH;

    (void)events;
    for (size_t round = 0; round < RECV_ROUNDS && got == RT_SOCK_BATCH; round++) {
        size_t batch = round % RECV_BATCHES;
        if (batch == 0 && io->borrowed)
            flush_all(io); /* the buffers are used again */
        got = receive(s, io->slots + batch * RT_SOCK_BATCH * SLOT_LEN);
    }
    if (io->borrowed)
        flush_all(io);
}

/* ---- what waits to be sent ---- */

static uint8_t write_info(union io_ctl *b, const struct addr *local, unsigned ifindex, uint8_t family)
{
    struct cmsghdr *c = (struct cmsghdr *)(void *)b->b;

    if ((local == NULL || local->family == ADDR_NONE) && ifindex == 0)
        return 0;
    if (family == ADDR_V4) {
        struct in_pktinfo pi = { .ipi_ifindex = (int)ifindex };
        if (local)
            memcpy(&pi.ipi_spec_dst, local->ip, 4);
        *c = (struct cmsghdr){ CMSG_LEN(sizeof(pi)), IPPROTO_IP, IP_PKTINFO };
        memcpy(CMSG_DATA(c), &pi, sizeof(pi));
        return CMSG_SPACE(sizeof(pi));
    }
    struct in6_pktinfo pi = { .ipi6_ifindex = ifindex };
    if (local)
        memcpy(&pi.ipi6_addr, local->ip, 16);
    *c = (struct cmsghdr){ CMSG_LEN(sizeof(pi)), IPPROTO_IPV6, IPV6_PKTINFO };
    memcpy(CMSG_DATA(c), &pi, sizeof(pi));
    return CMSG_SPACE(sizeof(pi));
}

static size_t write_field(union io_ctl *b, size_t at, int level, int type, int v)
{
    struct cmsghdr *c = (struct cmsghdr *)(void *)(b->b + at);

    *c = (struct cmsghdr){ CMSG_LEN(sizeof(v)), level, type };
    memcpy(CMSG_DATA(c), &v, sizeof(v));
    return at + CMSG_SPACE(sizeof(v));
}

/* ip NULL: nothing of it. */
static uint8_t write_ctl(union io_ctl *b, const struct addr *local, unsigned ifindex, const struct rt_ip *ip,
                         uint8_t family)
{
    bool v4 = family == ADDR_V4;
    int level = v4 ? IPPROTO_IP : IPPROTO_IPV6;

    if ((local == NULL || local->family == ADDR_NONE) && ifindex == 0 && ip == NULL)
        return 0;
    memset(b, 0, sizeof(*b));
    size_t at = write_info(b, local, ifindex, family);
    if (ip && ip->tclass)
        at = write_field(b, at, level, v4 ? IP_TOS : IPV6_TCLASS, ip->tclass);
    if (ip && ip->hop_limit)
        at = write_field(b, at, level, v4 ? IP_TTL : IPV6_HOPLIMIT, ip->hop_limit);
    return (uint8_t)at;
}

static uint8_t write_name(union io_name *out, const struct rt_sock *s, const struct addr *peer,
                          unsigned ifindex)
{
    if (s->family == ADDR_V4) {
        out->in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(s->raw ? 0 : peer->port) };
        memcpy(&out->in.sin_addr, peer->ip, 4);
        return sizeof(out->in);
    }
    out->in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(s->raw ? 0 : peer->port) };
    memcpy(&out->in6.sin6_addr, peer->ip, 16);
    out->in6.sin6_scope_id = peer->scope;
    if (peer->scope == 0 && addr_is_link_local(peer))
        out->in6.sin6_scope_id = ifindex;
    return sizeof(out->in6);
}

static size_t packets_in(uint16_t seg, size_t n)
{
    return seg ? (n + seg - 1) / seg : 1;
}

/* Could these follow in the same message? seg is the length of the first packet. */
static bool fits_behind(const struct rt_sock *s, const struct out_msg *m, const struct out_msg *to,
                        uint16_t seg, size_t packets, size_t n)
{
    return s->gso && !m->closed && n > 0 && (seg == m->seg || (seg < m->seg && packets == 1)) &&
           m->packets + packets <= RUN_MAX && m->total + n <= RUN_OCTETS && m->name_len == to->name_len &&
           m->ctl_len == to->ctl_len && memcmp(&m->name, &to->name, to->name_len) == 0 &&
           memcmp(m->ctl.b, to->ctl.b, to->ctl_len) == 0;
}

static void add_piece(struct rt_io *io, struct out_msg *m, const uint8_t *p, size_t n)
{
    struct out_piece *last = m->first != NO_PIECE ? &io->piece[m->last] : NULL;
    uint16_t at = (uint16_t)io->piece_n;

    if (last && (const uint8_t *)last->v.iov_base + last->v.iov_len == p) {
        last->v.iov_len += n;
        return;
    }
    io->piece[io->piece_n++] =
        (struct out_piece){ .v = { .iov_base = (void *)(uintptr_t)p, .iov_len = n }, .next = NO_PIECE };
    if (last)
        last->next = at;
    else
        m->first = at;
    m->last = at;
}

/* Octets that stay where they are until the flush; room was made. */
static void enqueue(struct rt_sock *s, const struct out_msg *to, uint16_t seg, const uint8_t *p, size_t n)
{
    struct rt_io *io = s->io;
    size_t packets = packets_in(seg, n);
    uint16_t first = (uint16_t)(seg ? seg : n);
    struct out_msg *m = s->tail;

    if (m == NULL || !fits_behind(s, m, to, first, packets, n)) {
        m = &io->out[io->out_n++];
        *m = *to;
        m->first = NO_PIECE;
        m->seg = first;
        if (s->tail)
            s->tail->next = m;
        else
            s->head = m;
        s->tail = m;
    }
    if (!s->dirty) {
        s->dirty = true;
        s->dirty_next = io->dirty;
        io->dirty = s;
    }
    add_piece(io, m, p, n);
    m->packets = (uint16_t)(m->packets + packets);
    m->total += (uint32_t)n;
    m->closed = n == 0 || n % m->seg != 0;
}

static bool address(const struct rt_sock *s, const struct addr *local, const struct addr *peer,
                    unsigned ifindex, const struct rt_ip *ip, struct out_msg *to)
{
    if (peer->family != s->family || (local && local->family != ADDR_NONE && local->family != s->family))
        return false;
    to->name_len = write_name(&to->name, s, peer, ifindex);
    to->ctl_len = write_ctl(&to->ctl, local, ifindex, ip, s->family);
    to->closed = false;
    to->packets = 0;
    to->total = 0;
    to->next = NULL;
    return true;
}

static void make_room(struct rt_io *io, size_t arena)
{
    if (io->out_n == OUT_MAX || io->piece_n == PIECES || io->arena_n + arena > ARENA_LEN)
        flush_all(io);
}

/* head in front of octets, ip as in write_ctl(). */
static err send_copy(struct rt_sock *s, const struct addr *local, const struct addr *peer, unsigned ifindex,
                     const struct rt_ip *ip, struct span head, struct span octets)
{
    struct out_msg to;
    size_t n = head.n + octets.n;

    if (head.n > RT_SOCK_MTU || octets.n > RT_SOCK_MTU - head.n || !address(s, local, peer, ifindex, ip, &to))
        return ERR_RANGE;
    make_room(s->io, n);
    uint8_t *p = s->io->arena + s->io->arena_n;
    if (head.n)
        memcpy(p, head.p, head.n);
    if (octets.n)
        memcpy(p + head.n, octets.p, octets.n);
    s->io->arena_n += n;
    enqueue(s, &to, 0, p, n);
    return ERR_OK;
}

err rt_sock_send(struct rt_sock *s, const struct addr *local, const struct addr *peer, unsigned ifindex,
                 struct span octets)
{
    return send_copy(s, local, peer, ifindex, NULL, (struct span){ 0 }, octets);
}

err rt_sock_send_ip(struct rt_sock *s, const struct addr *local, const struct addr *peer, unsigned ifindex,
                    const struct rt_ip *ip, struct span octets)
{
    return send_copy(s, local, peer, ifindex, ip, (struct span){ 0 }, octets);
}

err rt_sock_send_headed(struct rt_sock *s, const struct addr *local, const struct addr *peer,
                        unsigned ifindex, struct span head, struct span octets)
{
    return send_copy(s, local, peer, ifindex, NULL, head, octets);
}

err rt_sock_forward(struct rt_sock *s, const struct addr *local, const struct addr *peer, uint16_t seg,
                    struct span octets)
{
    struct out_msg to;
    size_t most = seg ? RUN_OCTETS / seg : 1;

    if ((seg ? seg : octets.n) > RT_SOCK_MTU || !address(s, local, peer, 0, NULL, &to))
        return ERR_RANGE;
    if (most > RUN_MAX)
        most = RUN_MAX;
    do { /* more than once: a run of a length that only the other family can carry */
        size_t n = seg && octets.n > most * seg ? most * seg : octets.n;
        make_room(s->io, 0);
        s->io->borrowed =
            true; /* not before: making room may have sent, and given back, all that was borrowed */
        enqueue(s, &to, seg && n > seg ? seg : 0, octets.p, n);
        octets = span_of(octets.p + n, octets.n - n);
    } while (octets.n > 0);
    return ERR_OK;
}

/* ---- sending ---- */

/* iov: the next free one; room was made for all pieces. */
static void fill(struct rt_io *io, struct out_msg *m, struct mmsghdr *h, size_t *iov)
{
    size_t ctl = m->ctl_len, first = *iov;

    for (uint16_t i = m->first; i != NO_PIECE; i = io->piece[i].next)
        io->iov[(*iov)++] = io->piece[i].v;

    if (m->packets > 1) {
        struct cmsghdr *c = (struct cmsghdr *)(void *)(m->ctl.b + ctl);
        *c = (struct cmsghdr){ CMSG_LEN(sizeof(m->seg)), SOL_UDP, UDP_SEGMENT };
        memcpy(CMSG_DATA(c), &m->seg, sizeof(m->seg));
        ctl += CMSG_SPACE(sizeof(m->seg));
    }
    h->msg_hdr = (struct msghdr){ .msg_name = &m->name,
                                  .msg_namelen = m->name_len,
                                  .msg_iov = &io->iov[first],
                                  .msg_iovlen = *iov - first,
                                  .msg_control = ctl ? m->ctl.b : NULL,
                                  .msg_controllen = ctl };
}

static void lost(struct rt_sock *s, unsigned packets)
{
    s->stats.last_errno = errno;
    s->stats.out_failed += packets;
}

/* The first that cannot go is lost, as datagrams are; the others get their chance. */
static void send_each(struct rt_sock *s, struct mmsghdr *h, size_t n)
{
    for (size_t at = 0; at < n;) {
        int sent = sendmmsg(s->fd, h + at, (unsigned)(n - at), MSG_DONTWAIT);
        if (sent > 0) {
            s->stats.out += (uint64_t)sent;
            at += (size_t)sent;
        } else if (errno != EINTR) {
            lost(s, 1);
            at++;
        }
    }
}

/* A run that the kernel did not take as one: longer than the path takes without fragments, or a device without checksums. */
static void send_singly(struct rt_sock *s, struct out_msg *m)
{
    struct mmsghdr h[RUN_MAX];
    struct iovec iov[RUN_MAX];
    size_t n = 0;

    for (uint16_t i = m->first; i != NO_PIECE; i = s->io->piece[i].next) {
        const struct iovec *v = &s->io->piece[i].v;
        for (size_t at = 0; at < v->iov_len; at += m->seg, n++) {
            size_t len = v->iov_len - at < m->seg ? v->iov_len - at : m->seg;
            iov[n] = (struct iovec){ .iov_base = (uint8_t *)v->iov_base + at, .iov_len = len };
            h[n].msg_hdr = (struct msghdr){ .msg_name = &m->name,
                                            .msg_namelen = m->name_len,
                                            .msg_iov = &iov[n],
                                            .msg_iovlen = 1,
                                            .msg_control = m->ctl_len ? m->ctl.b : NULL,
                                            .msg_controllen = m->ctl_len };
        }
    }
    send_each(s, h, n);
}

static bool refused_as_run(struct rt_sock *s, const struct out_msg *m)
{
    if (m->packets < 2)
        return false;
    if (errno == EIO || errno == EOPNOTSUPP)
        s->gso = false;
    return errno == EIO || errno == EOPNOTSUPP || errno == EINVAL || errno == EMSGSIZE;
}

/* At most a batch, from m on; the first that is not sent yet. */
static struct out_msg *send_batch(struct rt_sock *s, struct out_msg *m)
{
    struct mmsghdr h[RT_SOCK_BATCH];
    unsigned n = 0;
    size_t iov = 0;

    for (struct out_msg *i = m; i != NULL && n < RT_SOCK_BATCH; i = i->next)
        fill(s->io, i, &h[n++], &iov);
    int sent = sendmmsg(s->fd, h, n, MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR)
        return m;
    if (sent < 0) {
        if (refused_as_run(s, m))
            send_singly(s, m);
        else
            lost(s, m->packets);
        return m->next;
    }
    for (; sent > 0 && m != NULL; sent--, m = m->next) {
        s->stats.out += m->packets;
        s->stats.runs_out += m->packets > 1;
    }
    return m;
}

static void flush_sock(struct rt_sock *s)
{
    for (struct out_msg *m = s->head; m != NULL;)
        m = send_batch(s, m);
    s->head = s->tail = NULL;
    s->dirty = false;
}

static void flush_all(void *ctx)
{
    struct rt_io *io = ctx;

    for (struct rt_sock *s = io->dirty, *next; s != NULL; s = next) {
        next = s->dirty_next;
        flush_sock(s);
    }
    io->dirty = NULL;
    io->out_n = io->piece_n = io->arena_n = 0;
    io->borrowed = false;
}

void rt_sock_flush(struct rt_sock *s)
{
    flush_all(s->io); /* in the order in which things were sent, for every socket of the loop */
}
