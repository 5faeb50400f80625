/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/carrier_udp.h"

#include <stdlib.h>
#include <string.h>

#include "common/rt/sock.h"

#define MARKER_LEN 4 /* zero where an SPI would stand: HIP (RFC 9028 s5.1) */

static const uint8_t marker[MARKER_LEN];

struct udp {
    struct rt_sock *v4, *v6; /* NULL: family not in use */
    carrier_recv_fn recv;
    void *ctx;
    uint64_t keepalives, esp;
};

static void on_packets(void *ctx, const struct rt_pkt *pkts, size_t n)
{
    struct udp *u = ctx;
    for (size_t i = 0; i < n; i++) {
        struct span o = pkts[i].octets;
        if (o.n < MARKER_LEN) {
            u->keepalives++;
        } else if (memcmp(o.p, marker, MARKER_LEN) != 0) {
            u->esp++; /* no flow could be its */
        } else {
            struct hip_path path = { .local = pkts[i].local, .peer = pkts[i].peer };
            u->recv(u->ctx, &path, span_of(o.p + MARKER_LEN, o.n - MARKER_LEN));
        }
    }
}

static err op_send(void *ctx, const struct hip_path *path, struct span octets)
{
    struct udp *u = ctx;
    struct rt_sock *s = path->peer.family == ADDR_V4 ? u->v4 : path->peer.family == ADDR_V6 ? u->v6 : NULL;
    if (!s || !path->peer.port)
        return ERR_UNSUPPORTED;
    return rt_sock_send_headed(s, &path->local, &path->peer, 0, span_of(marker, MARKER_LEN), octets);
}

static void op_stats(void *ctx, struct carrier_stats *out)
{
    struct udp *u = ctx;
    *out = (struct carrier_stats){ .keepalives = u->keepalives, .esp_unknown = u->esp };
    if (u->v4) {
        struct rt_sock_stats s = rt_sock_stats(u->v4);
        out->v4.in = s.in, out->v4.out = s.out, out->v4.cut = s.in_cut, out->v4.out_failed = s.out_failed;
    }
    if (u->v6) {
        struct rt_sock_stats s = rt_sock_stats(u->v6);
        out->v6.in = s.in, out->v6.out = s.out, out->v6.cut = s.in_cut, out->v6.out_failed = s.out_failed;
    }
}

static void op_close(void *ctx)
{
    struct udp *u = ctx;
    if (!u)
        return;
    rt_sock_close(u->v4);
    rt_sock_close(u->v6);
    free(u);
}

static const struct carrier_ops ops = { .send = op_send, .stats = op_stats, .close = op_close };

err carrier_udp_open(struct rt_loop *l, bool v4, bool v6, uint16_t port, carrier_recv_fn recv, void *ctx,
                     struct carrier *out)
{
    struct addr any4 = { .family = ADDR_V4, .port = port }, any6 = { .family = ADDR_V6, .port = port };
    struct udp *u = calloc(1, sizeof *u);
    if (!u)
        return ERR_MEMORY;
    u->recv = recv;
    u->ctx = ctx;
    err e = v4 ? rt_udp_open(l, &any4, on_packets, u, &u->v4) : ERR_OK;
    if (e == ERR_OK && v6)
        e = rt_udp_open(l, &any6, on_packets, u, &u->v6);
    if (e != ERR_OK) {
        op_close(u);
        return e;
    }
    *out = (struct carrier){ .ops = &ops, .ctx = u };
    return ERR_OK;
}
