/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rt/sock.h"

#include <errno.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/rt/sa.h"

#define RECV_ROUNDS  8 /* batches taken before others on the loop get their turn */
#define SOCK_BUFFER  (4 * 1024 * 1024)
#define IPV4_HDR_MIN 20

/* Room for one packet info and one hop count in either family. */
union ctl_buf {
    struct cmsghdr align;
    uint8_t b[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
};

struct batch {
    struct mmsghdr msg[RT_SOCK_BATCH];
    struct iovec iov[RT_SOCK_BATCH];
    struct sockaddr_storage name[RT_SOCK_BATCH];
    union ctl_buf ctl[RT_SOCK_BATCH];
    uint8_t data[RT_SOCK_BATCH][RT_SOCK_MTU];
};

struct rt_sock {
    int fd;
    bool raw;
    uint8_t family;
    struct addr bound;
    struct rt_poll *poll;
    struct rt_flush *flush;
    rt_recv_fn recv;
    void *ctx;
    struct rt_sock_stats stats;
    size_t out_n; /* messages waiting in out */
    struct batch in, out;
};

/* ---- receiving ---- */

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
        } else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
                   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)) {
            int v;
            memcpy(&v, CMSG_DATA(c), sizeof(v));
            p->ttl = (uint8_t)v;
        }
    }
    p->local.port = s->bound.port;
    if (addr_is_link_local(&p->local))
        p->local.scope = p->ifindex;
}

/* False: not a packet for the owner. */
static bool take_one(struct rt_sock *s, size_t i, struct rt_pkt *p)
{
    struct mmsghdr *m = &s->in.msg[i];

    memset(p, 0, sizeof(*p));
    if (m->msg_hdr.msg_flags & MSG_TRUNC) {
        s->stats.in_cut++;
        return false;
    }
    if (rt_sa_to_addr(m->msg_hdr.msg_name, m->msg_hdr.msg_namelen, &p->peer))
        return false;
    if (s->raw)
        p->peer.port = 0; /* raw sockets report the protocol there */
    p->octets = span_of(s->in.data[i], m->msg_len);
    if (s->raw && s->family == ADDR_V4) {
        size_t hdr = m->msg_len >= IPV4_HDR_MIN ? (size_t)(s->in.data[i][0] & 0x0f) * 4 : 0;
        if (hdr < IPV4_HDR_MIN || hdr > m->msg_len)
            return false;
        p->octets = span_of(s->in.data[i] + hdr, m->msg_len - hdr);
    }
    read_ctl(s, &m->msg_hdr, p);
    return true;
}

static void batch_reset_in(struct rt_sock *s)
{
    for (size_t i = 0; i < RT_SOCK_BATCH; i++) {
        s->in.iov[i] = (struct iovec){ .iov_base = s->in.data[i], .iov_len = RT_SOCK_MTU };
        s->in.msg[i].msg_hdr = (struct msghdr){
            .msg_name = &s->in.name[i],
            .msg_namelen = sizeof(s->in.name[i]),
            .msg_iov = &s->in.iov[i],
            .msg_iovlen = 1,
            .msg_control = s->in.ctl[i].b,
            .msg_controllen = sizeof(s->in.ctl[i].b),
        };
    }
}

static void on_ready(void *ctx, int events)
{
    struct rt_sock *s = ctx;

    (void)events;
    for (int round = 0; round < RECV_ROUNDS; round++) {
        struct rt_pkt pkts[RT_SOCK_BATCH];
        size_t n = 0;

        batch_reset_in(s);
        int got = recvmmsg(s->fd, s->in.msg, RT_SOCK_BATCH, MSG_DONTWAIT, NULL);
        if (got <= 0)
            return; /* nothing there, or an ICMP error of an earlier packet: not ours to report */
        for (int i = 0; i < got; i++)
            if (take_one(s, (size_t)i, &pkts[n]))
                n++;
        s->stats.in += n;
        if (n > 0)
            s->recv(s->ctx, pkts, n);
        if (got < RT_SOCK_BATCH)
            return;
    }
}

/* ---- sending ---- */

static size_t write_ctl(union ctl_buf *b, const struct addr *local, unsigned ifindex, uint8_t family)
{
    struct msghdr m = { .msg_control = b->b, .msg_controllen = sizeof(b->b) };
    struct cmsghdr *c;

    if ((local == NULL || local->family == ADDR_NONE) && ifindex == 0)
        return 0;
    memset(b, 0, sizeof(*b));
    c = CMSG_FIRSTHDR(&m);
    if (family == ADDR_V4) {
        struct in_pktinfo pi = { .ipi_ifindex = (int)ifindex };
        if (local)
            memcpy(&pi.ipi_spec_dst, local->ip, 4);
        c->cmsg_level = IPPROTO_IP;
        c->cmsg_type = IP_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof(pi));
        memcpy(CMSG_DATA(c), &pi, sizeof(pi));
        return CMSG_SPACE(sizeof(pi));
    }
    struct in6_pktinfo pi = { .ipi6_ifindex = ifindex };
    if (local)
        memcpy(&pi.ipi6_addr, local->ip, 16);
    c->cmsg_level = IPPROTO_IPV6;
    c->cmsg_type = IPV6_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof(pi));
    memcpy(CMSG_DATA(c), &pi, sizeof(pi));
    return CMSG_SPACE(sizeof(pi));
}

err rt_sock_send(struct rt_sock *s, const struct addr *local, const struct addr *peer, unsigned ifindex,
                 struct span octets)
{
    return rt_sock_send_headed(s, local, peer, ifindex, (struct span){ 0 }, octets);
}

err rt_sock_send_headed(struct rt_sock *s, const struct addr *local, const struct addr *peer,
                        unsigned ifindex, struct span head, struct span octets)
{
    struct addr to = *peer;
    size_t i = s->out_n;

    if (head.n > RT_SOCK_MTU || octets.n > RT_SOCK_MTU - head.n || peer->family != s->family ||
        (local && local->family != ADDR_NONE && local->family != s->family))
        return ERR_RANGE;
    if (s->raw)
        to.port = 0;
    if (s->family == ADDR_V6 && to.scope == 0 && addr_is_link_local(&to))
        to.scope = ifindex;
    if (head.n)
        memcpy(s->out.data[i], head.p, head.n);
    memcpy(s->out.data[i] + head.n, octets.p, octets.n);
    s->out.iov[i] = (struct iovec){ .iov_base = s->out.data[i], .iov_len = head.n + octets.n };
    struct msghdr *m = &s->out.msg[i].msg_hdr;
    *m = (struct msghdr){ .msg_name = &s->out.name[i], .msg_iov = &s->out.iov[i], .msg_iovlen = 1 };
    m->msg_namelen = rt_sa_from_addr(&to, &s->out.name[i]);
    m->msg_controllen = write_ctl(&s->out.ctl[i], local, ifindex, s->family);
    m->msg_control = m->msg_controllen ? s->out.ctl[i].b : NULL;
    s->out_n++;
    if (s->out_n == RT_SOCK_BATCH)
        rt_sock_flush(s);
    return ERR_OK;
}

void rt_sock_flush(struct rt_sock *s)
{
    size_t at = 0;

    while (at < s->out_n) {
        int sent = sendmmsg(s->fd, s->out.msg + at, (unsigned)(s->out_n - at), MSG_DONTWAIT);
        if (sent > 0) {
            s->stats.out += (uint64_t)sent;
            at += (size_t)sent;
        } else if (errno != EINTR) {
            /* The first of the rest cannot go: it is lost, as datagrams are; the others get their chance. */
            s->stats.last_errno = errno;
            s->stats.out_failed++;
            at++;
        }
    }
    s->out_n = 0;
}

static void on_flush(void *ctx)
{
    struct rt_sock *s = ctx;
    if (s->out_n > 0)
        rt_sock_flush(s);
}

/* ---- opening ---- */

static err errno_to_err(int e)
{
    switch (e) {
    case EPERM:
    case EACCES:
        return ERR_REFUSED;
    case EADDRINUSE:
        return ERR_EXISTS;
    case EADDRNOTAVAIL:
        return ERR_NOT_FOUND;
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
        return ERR_UNSUPPORTED;
    default:
        return ERR_IO;
    }
}

static bool set_int(int fd, int level, int name, int v)
{
    return setsockopt(fd, level, name, &v, sizeof(v)) == 0;
}

static bool set_options(int fd, uint8_t family, bool raw)
{
    if (!set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCK_BUFFER))
        (void)set_int(fd, SOL_SOCKET, SO_RCVBUF, SOCK_BUFFER);
    if (!set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCK_BUFFER))
        (void)set_int(fd, SOL_SOCKET, SO_SNDBUF, SOCK_BUFFER);
    if (family == ADDR_V4) {
        /* No DF: HIP and ESP packets may be fragmented on the way (RFC 7401 s5.1.3). */
        return set_int(fd, IPPROTO_IP, IP_PKTINFO, 1) && set_int(fd, IPPROTO_IP, IP_RECVTTL, 1) &&
               (!raw || set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT));
    }
    return (raw || set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) &&
           set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) &&
           set_int(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1) &&
           (!raw || set_int(fd, IPPROTO_IPV6, IPV6_CHECKSUM, -1));
}

static err sock_open(struct rt_loop *l, int fd, uint8_t family, bool raw, rt_recv_fn recv, void *ctx,
                     struct rt_sock **out)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    struct rt_sock *s = calloc(1, sizeof(*s));
    err e = ERR_MEMORY;

    if (s == NULL) {
        close(fd);
        return e;
    }
    s->fd = fd;
    s->raw = raw;
    s->family = family;
    s->recv = recv;
    s->ctx = ctx;
    if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
        (void)!rt_sa_to_addr((struct sockaddr *)&ss, len, &s->bound);
    if (raw)
        s->bound.port = 0;
    s->poll = rt_poll_new(l, fd, on_ready, s);
    s->flush = rt_flush_new(l, on_flush, s);
    if (s->poll == NULL || s->flush == NULL) {
        rt_sock_close(s);
        return e;
    }
    rt_poll_want(s->poll, RT_READABLE);
    *out = s;
    return ERR_OK;
}

err rt_raw_open(struct rt_loop *l, enum addr_family family, uint8_t protocol, rt_recv_fn recv, void *ctx,
                struct rt_sock **out)
{
    int fd =
        socket(family == ADDR_V4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

    if (fd < 0)
        return errno_to_err(errno);
    if (!set_options(fd, family, true)) {
        close(fd);
        return ERR_IO;
    }
    return sock_open(l, fd, family, true, recv, ctx, out);
}

err rt_udp_open(struct rt_loop *l, const struct addr *bind_to, rt_recv_fn recv, void *ctx,
                struct rt_sock **out)
{
    struct sockaddr_storage ss;
    socklen_t len = rt_sa_from_addr(bind_to, &ss);
    int fd;

    if (len == 0)
        return ERR_RANGE;
    fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno_to_err(errno);
    if (!set_options(fd, bind_to->family, false)) {
        close(fd);
        return ERR_IO;
    }
    if (bind(fd, (struct sockaddr *)&ss, len) != 0) {
        err e = errno_to_err(errno);
        close(fd);
        return e;
    }
    return sock_open(l, fd, bind_to->family, false, recv, ctx, out);
}

void rt_sock_close(struct rt_sock *s)
{
    if (s == NULL)
        return;
    rt_sock_flush(s);
    rt_poll_free(s->poll);
    rt_flush_free(s->flush);
    close(s->fd);
    free(s);
}

struct addr rt_sock_local(const struct rt_sock *s)
{
    return s->bound;
}

struct rt_sock_stats rt_sock_stats(const struct rt_sock *s)
{
    return s->stats;
}

err rt_source_for(const struct addr *peer, struct addr *out)
{
    struct sockaddr_storage ss, mine;
    struct addr to = *peer, a;
    socklen_t mine_len = sizeof(mine);
    err e = ERR_UNREACHABLE;

    if (to.port == 0)
        to.port = 9; /* any: nothing is sent */
    socklen_t len = rt_sa_from_addr(&to, &ss);
    if (len == 0)
        return ERR_RANGE;
    int fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno_to_err(errno);
    if (connect(fd, (struct sockaddr *)&ss, len) == 0 &&
        getsockname(fd, (struct sockaddr *)&mine, &mine_len) == 0)
        e = rt_sa_to_addr((struct sockaddr *)&mine, mine_len, &a);
    close(fd);
    if (e)
        return e;
    a.port = 0;
    *out = a;
    return ERR_OK;
}
