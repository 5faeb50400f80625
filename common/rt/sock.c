/* SPDX-License-Identifier: Apache-2.0
 * Sockets opened, set up and closed; sock_io.c moves the packets. */
#include "common/rt/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/rt/sa.h"
#include "common/rt/sock_io.h"

#define SOCK_BUFFER (4 * 1024 * 1024)

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

static void set_buffers(int fd)
{
    if (!set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCK_BUFFER))
        (void)set_int(fd, SOL_SOCKET, SO_RCVBUF, SOCK_BUFFER);
    if (!set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCK_BUFFER))
        (void)set_int(fd, SOL_SOCKET, SO_SNDBUF, SOCK_BUFFER);
}

static bool set_options(int fd, uint8_t family, bool raw, bool any)
{
    set_buffers(fd);
    if (!raw)
        (void)set_int(fd, SOL_UDP, UDP_GRO, 1); /* without it packets come one by one */
    if (family == ADDR_V4) {
        /* No DF: HIP and ESP packets may be fragmented on the way (RFC 7401 s5.1.3 MUST). */
        return (!any || set_int(fd, IPPROTO_IP, IP_PKTINFO, 1)) &&
               (!raw || set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT));
    }
    return (raw || set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) &&
           (!any || set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1));
}

/* recv NULL: only to send from. */
static err sock_open(struct rt_loop *l, int fd, uint8_t family, bool raw, rt_recv_fn recv, void *ctx,
                     struct rt_sock **out)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    struct rt_sock *s = calloc(1, sizeof(*s));

    if (s == NULL) {
        close(fd);
        return ERR_MEMORY;
    }
    s->fd = fd;
    s->hears_fd = -1;
    s->raw = raw;
    s->gso = !raw;
    s->family = family;
    s->recv = recv;
    s->ctx = ctx;
    if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
        (void)!rt_sa_to_addr((struct sockaddr *)&ss, len, &s->bound);
    if (raw)
        s->bound.port = 0;
    s->any = raw || addr_is_unspecified(&s->bound);
    s->io = rt_io_get(l);
    s->poll = recv ? rt_poll_new(l, fd, rt_io_ready, s) : NULL;
    if (s->io == NULL || (recv && s->poll == NULL)) {
        rt_sock_close(s);
        return ERR_MEMORY;
    }
    if (recv)
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
    /* The kernel makes the checksum of ICMPv6 whatever we say (RFC 3542 s3.1), and of nothing else. */
    bool sum = family == ADDR_V6 && protocol != IPPROTO_ICMPV6;
    if (!set_options(fd, family, true, true) || (sum && !set_int(fd, IPPROTO_IPV6, IPV6_CHECKSUM, -1))) {
        close(fd);
        return ERR_IO;
    }
    return sock_open(l, fd, family, true, recv, ctx, out);
}

err rt_raw_open_out(struct rt_loop *l, enum addr_family family, uint8_t protocol, struct rt_sock **out)
{
    static const struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
    struct rt_sock *s;
    err e = rt_raw_open(l, family, protocol, NULL, NULL, &s);

    if (e != ERR_OK)
        return e;
    e = rt_sock_filter(s, &nothing, 1);
    if (e != ERR_OK) {
        rt_sock_close(s);
        return e;
    }
    *out = s;
    return ERR_OK;
}

err rt_udp_open(struct rt_loop *l, const struct addr *bind_to, rt_recv_fn recv, void *ctx,
                struct rt_sock **out)
{
    return rt_udp_open_with(l, bind_to, (struct rt_udp_opts){ 0 }, recv, ctx, out);
}

err rt_udp_open_with(struct rt_loop *l, const struct addr *bind_to, struct rt_udp_opts opts, rt_recv_fn recv,
                     void *ctx, struct rt_sock **out)
{
    struct sockaddr_storage ss;
    socklen_t len = rt_sa_from_addr(bind_to, &ss);
    int fd;

    if (len == 0)
        return ERR_RANGE;
    fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno_to_err(errno);
    if (!set_options(fd, bind_to->family, false, addr_is_unspecified(bind_to)) ||
        (opts.group && !set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1))) {
        close(fd);
        return ERR_IO;
    }
    if (bind(fd, (struct sockaddr *)&ss, len) != 0) {
        err e = errno_to_err(errno);
        close(fd);
        return e;
    }
    err e = sock_open(l, fd, bind_to->family, false, recv, ctx, out);
    if (e == ERR_OK)
        (*out)->runs = opts.runs;
    return e;
}

err rt_sock_dup(const struct rt_sock *s, int *fd)
{
    int other = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);

    if (other < 0)
        return ERR_IO;
    *fd = other;
    return ERR_OK;
}

err rt_udp_adopt(struct rt_loop *l, int fd, struct rt_sock **out)
{
    struct sockaddr_storage ss = { 0 };
    socklen_t len = sizeof(ss);

    if (getsockname(fd, (struct sockaddr *)&ss, &len) != 0) {
        close(fd);
        return ERR_IO;
    }
    return sock_open(l, fd, ss.ss_family == AF_INET ? ADDR_V4 : ADDR_V6, false, NULL, NULL, out);
}

void rt_sock_close(struct rt_sock *s)
{
    if (s == NULL)
        return;
    if (s->io)
        rt_sock_flush(s);
    rt_poll_free(s->poll);
    rt_io_put(s->io);
    close(s->fd);
    if (s->hears_fd >= 0)
        close(s->hears_fd);
    free(s);
}

static err attach(struct rt_sock *s, int option, const void *prog, size_t n)
{
    struct sock_fprog p = { .len = (unsigned short)n, .filter = (struct sock_filter *)(uintptr_t)prog };

    if (n == 0 || n > BPF_MAXINSNS)
        return ERR_RANGE;
    return setsockopt(s->fd, SOL_SOCKET, option, &p, sizeof(p)) == 0 ? ERR_OK : ERR_IO;
}

err rt_sock_steer_group(struct rt_sock *s, const void *prog, size_t n)
{
    return attach(s, SO_ATTACH_REUSEPORT_CBPF, prog, n);
}

err rt_sock_filter(struct rt_sock *s, const void *prog, size_t n)
{
    return attach(s, SO_ATTACH_FILTER, prog, n);
}

struct addr rt_sock_local(const struct rt_sock *s)
{
    return s->bound;
}

struct rt_sock_stats rt_sock_stats(const struct rt_sock *s)
{
    return s->stats;
}

err rt_sock_want_header(struct rt_sock *s)
{
    bool done = s->family == ADDR_V4 ? s->raw || (set_int(s->fd, IPPROTO_IP, IP_RECVTOS, 1) &&
                                                  set_int(s->fd, IPPROTO_IP, IP_RECVTTL, 1))
                                     : set_int(s->fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1) &&
                                           set_int(s->fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
    if (done)
        s->header = true;
    return done ? ERR_OK : ERR_IO;
}

/* Linux learns what an IPv6 path takes from an ICMPv6 error about a raw socket's packet only where a socket of the protocol is connected or wants to hear
 * of errors (net/ipv6/raw.c). One that hears would have them between its packets; so there is another one that hears and that nobody reads: it takes
 * no packets, and a few errors are all that it keeps. */
static err hear_for(struct rt_sock *s)
{
    struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
    const struct sock_fprog p = { .len = 1, .filter = &nothing };
    int protocol = 0;
    socklen_t len = sizeof(protocol);

    if (s->hears_fd >= 0)
        return ERR_OK;
    if (getsockopt(s->fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) != 0)
        return ERR_IO;
    s->hears_fd = socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (s->hears_fd < 0)
        return errno_to_err(errno);
    (void)set_int(s->hears_fd, SOL_SOCKET, SO_RCVBUF, 1); /* the least there is */
    return setsockopt(s->hears_fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p)) == 0 &&
                   set_int(s->hears_fd, IPPROTO_IPV6, IPV6_RECVERR, 1)
               ? ERR_OK
               : ERR_IO;
}

err rt_sock_discover_mtu(struct rt_sock *s, bool on)
{
    int how = on ? IP_PMTUDISC_WANT : IP_PMTUDISC_DONT;

    if (s->family == ADDR_V6)
        return s->raw ? hear_for(s) : ERR_OK;
    return set_int(s->fd, IPPROTO_IP, IP_MTU_DISCOVER, how) ? ERR_OK : ERR_IO;
}

unsigned rt_path_mtu(const struct addr *local, const struct addr *peer, unsigned ifindex)
{
    struct sockaddr_storage ss;
    struct addr from = local ? *local : (struct addr){ 0 }, to = *peer;
    int mtu = 0, fd;
    socklen_t len, mtu_len = sizeof(mtu);

    from.port = 0;
    to.port = 9; /* any: nothing is sent */
    len = rt_sa_from_addr(&to, &ss);
    fd = len ? socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    if (fd < 0)
        return 0;
    if (ifindex)
        (void)set_int(fd, SOL_SOCKET, SO_BINDTOIFINDEX, (int)ifindex);
    struct sockaddr_storage own;
    socklen_t own_len = from.family == to.family ? rt_sa_from_addr(&from, &own) : 0;
    if ((own_len && bind(fd, (struct sockaddr *)&own, own_len) != 0) ||
        connect(fd, (struct sockaddr *)&ss, len) != 0 ||
        getsockopt(fd, to.family == ADDR_V4 ? IPPROTO_IP : IPPROTO_IPV6,
                   to.family == ADDR_V4 ? IP_MTU : IPV6_MTU, &mtu, &mtu_len) != 0)
        mtu = 0;
    close(fd);
    return mtu > 0 ? (unsigned)mtu : 0;
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
