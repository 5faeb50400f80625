/* SPDX-License-Identifier: Apache-2.0 */
#include "host/socks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROTO_HIP   139 /* RFC 7402 s6 MUST: between locators, never inside ESP */
#define PROTO_ESP   50
#define PROTO_ICMP  1
#define PROTO_ICMP6 58
#define SPI_LEN     4
#define PORT_FIRST  49152
#define PORT_TRIES  32

enum { V4, V6, FAMILIES };

struct host_socks {
    struct host_socks_conf c;
    struct rt_sock *hip[FAMILIES], *esp[FAMILIES], *udp[FAMILIES], *icmp[FAMILIES];
    uint16_t port;
};

/* ---- in ---- */

enum host_udp_kind host_udp_split(struct span d, struct span *octets)
{
    static const uint8_t mark[HOST_UDP_MARK];

    if (d.n < SPI_LEN)
        return HOST_UDP_NOTHING; /* a NAT keepalive of RFC 3948, or nobody's */
    if (memcmp(d.p, mark, sizeof(mark)) != 0) {
        *octets = d;
        return HOST_UDP_ESP;
    }
    *octets = span_of(d.p + HOST_UDP_MARK, d.n - HOST_UDP_MARK);
    return HOST_UDP_HIP;
}

static void on_hip(void *ctx, const struct rt_pkt *p, size_t n)
{
    struct host_socks *s = ctx;

    for (size_t i = 0; i < n; i++) {
        struct hip_path path = { .local = p[i].local, .peer = p[i].peer };
        s->c.hip(s->c.ctx, &path, p[i].octets);
    }
}

static void esp_one(struct host_socks *s, const struct rt_pkt *p, struct span octets)
{
    const struct beet_outer outer = { .tclass = p->tclass, .hop_limit = p->hop_limit };
    s->c.esp(s->c.ctx, &outer, octets);
}

static void on_esp(void *ctx, const struct rt_pkt *p, size_t n)
{
    struct host_socks *s = ctx;

    for (size_t i = 0; i < n; i++)
        esp_one(s, &p[i], p[i].octets);
}

static void on_udp(void *ctx, const struct rt_pkt *p, size_t n)
{
    struct host_socks *s = ctx;

    for (size_t i = 0; i < n; i++) {
        struct hip_path path = { .local = p[i].local, .peer = p[i].peer };
        struct span octets;
        switch (host_udp_split(p[i].octets, &octets)) {
        case HOST_UDP_HIP:
            s->c.hip(s->c.ctx, &path, octets);
            break;
        case HOST_UDP_ESP:
            esp_one(s, &p[i], octets);
            break;
        case HOST_UDP_NOTHING:
            break;
        }
    }
}

/* ---- out ---- */

static bool send_by(struct rt_sock *const sock[FAMILIES], const struct hip_path *path, unsigned ifindex,
                    struct span octets)
{
    struct rt_sock *s = path->peer.family == ADDR_V4 ? sock[V4] : sock[V6];

    return s != NULL && rt_sock_send(s, &path->local, &path->peer, ifindex, octets) == ERR_OK;
}

bool host_socks_hip(struct host_socks *s, const struct hip_path *path, unsigned ifindex, struct span octets)
{
    uint8_t d[HOST_UDP_MARK + HIP_PACKET_MAX] = { 0 };

    if (path->peer.port == 0)
        return send_by(s->hip, path, ifindex, octets);
    if (octets.n > HIP_PACKET_MAX)
        return false;
    memcpy(d + HOST_UDP_MARK, octets.p, octets.n);
    return send_by(s->udp, path, ifindex, span_of(d, HOST_UDP_MARK + octets.n));
}

bool host_socks_icmp(struct host_socks *s, const struct hip_path *path, unsigned ifindex, struct span octets)
{
    return send_by(s->icmp, path, ifindex, octets);
}

bool host_socks_esp(struct host_socks *s, const struct hip_path *path, unsigned ifindex,
                    const struct beet_outer *outer, struct span octets)
{
    struct rt_sock *const *by = path->peer.port ? s->udp : s->esp;
    struct rt_sock *sock = path->peer.family == ADDR_V4 ? by[V4] : by[V6];
    const struct rt_ip ip = { .tclass = outer->tclass, .hop_limit = outer->hop_limit };

    return sock != NULL && rt_sock_send_ip(sock, &path->local, &path->peer, ifindex, &ip, octets) == ERR_OK;
}

/* ---- opening ---- */

static const enum addr_family families[FAMILIES] = { ADDR_V4, ADDR_V6 };

/* HIP by itself stays without DF: its packets may be fragmented on the way (RFC 7401 s5.1.3). */
static err for_esp(struct host_socks *s, struct rt_sock *sock)
{
    err e = rt_sock_want_header(sock);
    return e ? e : rt_sock_discover_mtu(sock, !s->c.fragment);
}

static err open_raw(struct rt_loop *l, struct host_socks *s, char *why)
{
    for (size_t i = 0; i < FAMILIES; i++) {
        err e = rt_raw_open(l, families[i], PROTO_HIP, on_hip, s, &s->hip[i]);
        if (e == ERR_OK)
            e = rt_raw_open(l, families[i], PROTO_ESP, on_esp, s, &s->esp[i]);
        if (e == ERR_OK)
            e = for_esp(s, s->esp[i]);
        if (e == ERR_OK)
            e = rt_raw_open_out(l, families[i], i == V4 ? PROTO_ICMP : PROTO_ICMP6, &s->icmp[i]);
        /* A machine without IPv6, or without IPv4, still has the other. */
        if (e == ERR_UNSUPPORTED)
            continue;
        if (e) {
            (void)snprintf(why, HOST_SOCKS_WHY_MAX, "raw sockets for protocols 139 and 50: %s%s", err_text(e),
                           e == ERR_REFUSED ? " (CAP_NET_RAW is needed)" : "");
            return e;
        }
    }
    return ERR_OK;
}

/* Both families at one port, or neither. */
static err open_at(struct rt_loop *l, struct host_socks *s, uint16_t port)
{
    bool any = false;

    for (size_t i = 0; i < FAMILIES; i++) {
        const struct addr bind = { .family = families[i], .port = port };
        err e = rt_udp_open(l, &bind, on_udp, s, &s->udp[i]);
        if (e == ERR_OK)
            e = for_esp(s, s->udp[i]);
        any |= e == ERR_OK;
        if (e == ERR_OK || e == ERR_UNSUPPORTED)
            continue;
        for (size_t k = 0; k < i; k++) {
            rt_sock_close(s->udp[k]);
            s->udp[k] = NULL;
        }
        return e;
    }
    s->port = port;
    return any ? ERR_OK : ERR_UNSUPPORTED;
}

static err open_udp(struct rt_loop *l, const struct env *env, struct host_socks *s, char *why)
{
    err e = s->c.port ? open_at(l, s, s->c.port) : ERR_EXISTS;

    for (int i = 0; e == ERR_EXISTS && i < PORT_TRIES; i++)
        e = open_at(l, s, (uint16_t)(PORT_FIRST + env_random_u32(env) % (65536 - PORT_FIRST)));
    if (e)
        (void)snprintf(why, HOST_SOCKS_WHY_MAX, "UDP socket for HIP: %s", err_text(e));
    return e;
}

err host_socks_open(struct rt_loop *l, const struct env *env, const struct host_socks_conf *c,
                    struct host_socks **out, char why[HOST_SOCKS_WHY_MAX])
{
    struct host_socks *s = calloc(1, sizeof(*s));
    err e = ERR_OK;

    (void)snprintf(why, HOST_SOCKS_WHY_MAX, "out of memory");
    if (s == NULL)
        return ERR_MEMORY;
    s->c = *c;
    if (!c->no_raw)
        e = open_raw(l, s, why);
    if (e == ERR_OK && c->udp)
        e = open_udp(l, env, s, why);
    if (e) {
        host_socks_close(s);
        return e;
    }
    *out = s;
    return ERR_OK;
}

void host_socks_close(struct host_socks *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < FAMILIES; i++) {
        rt_sock_close(s->hip[i]);
        rt_sock_close(s->esp[i]);
        rt_sock_close(s->udp[i]);
        rt_sock_close(s->icmp[i]);
    }
    free(s);
}

uint16_t host_socks_port(const struct host_socks *s)
{
    return s->port;
}
