/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/carrier_raw.h"

#include <stdlib.h>

#include "common/rt/sock.h"

#define PROTO_HIP   139
#define PROTO_ICMP  1
#define PROTO_ICMP6 58

struct raw {
    struct rt_sock *v4, *v6; /* NULL: family not in use */
    struct rt_sock *icmp4, *icmp6;
    carrier_recv_fn recv;
    void *ctx;
};

static void on_packets(void *ctx, const struct rt_pkt *pkts, size_t n)
{
    struct raw *r = ctx;
    for (size_t i = 0; i < n; i++) {
        struct hip_path path = { .local = pkts[i].local, .peer = pkts[i].peer };
        r->recv(r->ctx, &path, pkts[i].octets);
    }
}

static err op_send(void *ctx, const struct hip_path *path, struct span octets)
{
    struct raw *r = ctx;
    struct rt_sock *s = path->peer.family == ADDR_V4 ? r->v4 : path->peer.family == ADDR_V6 ? r->v6 : NULL;
    if (!s || path->peer.port) /* with a port it would have to go in UDP */
        return ERR_UNSUPPORTED;
    return rt_sock_send(s, &path->local, &path->peer, 0, octets);
}

static err op_icmp(void *ctx, const struct hip_path *path, struct span octets)
{
    struct raw *r = ctx;
    struct rt_sock *s = path->peer.family == ADDR_V4 ? r->icmp4 : r->icmp6;
    return s ? rt_sock_send(s, &path->local, &path->peer, 0, octets) : ERR_UNSUPPORTED;
}

static void op_stats(void *ctx, struct carrier_stats *out)
{
    struct raw *r = ctx;
    *out = (struct carrier_stats){ 0 };
    if (r->v4) {
        struct rt_sock_stats s = rt_sock_stats(r->v4);
        out->v4.in = s.in, out->v4.out = s.out, out->v4.cut = s.in_cut, out->v4.out_failed = s.out_failed;
    }
    if (r->v6) {
        struct rt_sock_stats s = rt_sock_stats(r->v6);
        out->v6.in = s.in, out->v6.out = s.out, out->v6.cut = s.in_cut, out->v6.out_failed = s.out_failed;
    }
}

static void op_close(void *ctx)
{
    struct raw *r = ctx;
    if (!r)
        return;
    rt_sock_close(r->v4);
    rt_sock_close(r->v6);
    rt_sock_close(r->icmp4);
    rt_sock_close(r->icmp6);
    free(r);
}

static const struct carrier_ops ops = {
    .send = op_send, .icmp = op_icmp, .stats = op_stats, .close = op_close
};

static err open_one(struct raw *r, struct rt_loop *l, enum addr_family family, const struct fa_steer *steer,
                    unsigned worker, struct rt_sock **out)
{
    struct fa_steer_prog prog;
    err e = rt_raw_open(l, family, PROTO_HIP, on_packets, r, out);
    if (e != ERR_OK || !steer)
        return e;
    fa_steer_raw_prog(steer, family == ADDR_V4, worker, &prog);
    return rt_sock_filter(*out, prog.v, prog.n);
}

err carrier_raw_open(struct rt_loop *l, bool v4, bool v6, const struct fa_steer *steer, unsigned worker,
                     carrier_recv_fn recv, void *ctx, struct carrier *out)
{
    struct raw *r = calloc(1, sizeof *r);
    if (!r)
        return ERR_MEMORY;
    r->recv = recv;
    r->ctx = ctx;
    err e = v4 ? open_one(r, l, ADDR_V4, steer, worker, &r->v4) : ERR_OK;
    if (e == ERR_OK && v6)
        e = open_one(r, l, ADDR_V6, steer, worker, &r->v6);
    if (e == ERR_OK && v4)
        e = rt_raw_open_out(l, ADDR_V4, PROTO_ICMP, &r->icmp4);
    if (e == ERR_OK && v6)
        e = rt_raw_open_out(l, ADDR_V6, PROTO_ICMP6, &r->icmp6);
    if (e != ERR_OK) {
        op_close(r);
        return e;
    }
    *out = (struct carrier){ .ops = &ops, .ctx = r };
    return ERR_OK;
}
