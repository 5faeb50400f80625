/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/carrier_udp.h"

#include <stdlib.h>
#include <string.h>

#include "common/rt/sock.h"
#include "hip/drop.h"

#define MARKER_LEN 4 /* zero where an SPI would stand: HIP (RFC 9028 s5.1) */
#define ESP_MIN    8
#define PORTS      65536
#define STRETCHES  32 /* flows of one batch that are put together */
#define PIECES     256
#define NONE       UINT16_MAX

static const uint8_t marker[MARKER_LEN];

/* A socket and whose it is. */
struct port {
    struct carrier_udp *u;
    struct rt_sock *s;
    bool relayed;
    bool closing;      /* inside its own callback: closed as soon as that is over */
    struct port *next; /* of those */
};

struct carrier_udp {
    struct carrier_udp_config c;
    struct port v4, v6;          /* s NULL: family not in use */
    struct port *by_port[PORTS]; /* relayed ones */
    struct port *busy;           /* whose callback is running */
    struct port *closing;
    struct rt_timer *reaper;
    uint64_t keepalives, esp_unknown, esp_in, esp_out;
};

/* ---- ESP ---- */

static uint32_t spi_of(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static struct rt_sock *sock_for(struct carrier_udp *u, const struct addr *local, const struct addr *peer)
{
    if (local->port && local->port != u->c.port)
        return u->by_port[local->port] ? u->by_port[local->port]->s : NULL;
    return peer->family == ADDR_V4 ? u->v4.s : peer->family == ADDR_V6 ? u->v6.s : NULL;
}

/* A packet, or a run of them (seg as in struct rt_pkt). */
struct piece {
    struct span octets;
    uint16_t seg;
    uint16_t next; /* of the same stretch; NONE: the last */
};

/* What a batch has of one flow: decided at once, passed on together, so that it can leave as a run again. */
struct stretch {
    struct fa_relay_in in;
    uint16_t first, last;
};

/* One batch. Flows change places in it, the packets of one do not. */
struct gather {
    uint64_t now;
    size_t n, n_piece;
    uint32_t spi[STRETCHES]; /* of v[i], to find it fast */
    struct stretch v[STRETCHES];
    struct piece piece[PIECES];
};

static void pass(struct carrier_udp *u, const struct fa_relay_out *o, const struct gather *g, uint16_t first,
                 uint32_t packets)
{
    struct rt_sock *s = sock_for(u, &o->local, &o->to);
    /* A relayed port's socket is bound to its address. */
    const struct addr *from = s && s != u->v4.s && s != u->v6.s ? NULL : &o->local;
    err e = s ? ERR_OK : ERR_NOT_FOUND;
    for (uint16_t i = first; e == ERR_OK && i != NONE; i = g->piece[i].next)
        e = rt_sock_forward(s, from, &o->to, g->piece[i].seg, g->piece[i].octets);
    if (e == ERR_OK)
        u->esp_out += packets;
}

/* Over a quota as a whole: packet by packet, as far as it goes. */
static void pass_singly(struct carrier_udp *u, const struct gather *g, const struct stretch *st)
{
    struct fa_relay_in in = st->in;
    struct fa_relay_out o;
    struct gather one = { .now = g->now };
    in.packets = 1;
    one.piece[0].next = NONE;
    for (uint16_t i = st->first; i != NONE; i = g->piece[i].next) {
        struct span run = g->piece[i].octets;
        size_t step = g->piece[i].seg ? g->piece[i].seg : run.n;
        for (size_t at = 0; at < run.n; at += step) {
            one.piece[0].octets = span_of(run.p + at, run.n - at < step ? run.n - at : step);
            in.len = (uint32_t)one.piece[0].octets.n;
            if (fa_relay_esp(u->c.flows, &in, g->now, &o) == HIP_TAKEN)
                pass(u, &o, &one, 0, 1);
        }
    }
}

static void decide(struct carrier_udp *u, const struct gather *g, const struct stretch *st)
{
    struct fa_relay_out o;
    u->esp_in += st->in.packets;
    int drop = u->c.flows ? fa_relay_esp(u->c.flows, &st->in, g->now, &o) : HIP_DROP_NO_PERMISSION;
    if (drop == HIP_TAKEN)
        pass(u, &o, g, st->first, st->in.packets);
    else if (st->in.packets > 1 && (drop == HIP_DROP_OVER_QUOTA || drop == HIP_DROP_RELAY_BUSY))
        pass_singly(u, g, st);
    else
        u->esp_unknown += st->in.packets;
}

static void gather_end(struct carrier_udp *u, struct gather *g)
{
    for (size_t i = 0; i < g->n; i++)
        decide(u, g, &g->v[i]);
    g->n = g->n_piece = 0;
}

static struct stretch *stretch_of(struct gather *g, const struct rt_pkt *p, uint32_t spi)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->spi[i] == spi && addr_eq(&g->v[i].in.from, &p->peer) && addr_eq(&g->v[i].in.local, &p->local))
            return &g->v[i];
    struct stretch *st = &g->v[g->n];
    *st = (struct stretch){ .in = { .local = p->local, .from = p->peer, .spi = spi }, .first = NONE };
    g->spi[g->n++] = spi;
    return st;
}

/* So many packets with one SPI, each of ESP_MIN octets or more, unless it is one. */
static void esp(struct carrier_udp *u, struct gather *g, const struct rt_pkt *p, struct span octets,
                uint16_t seg, uint32_t packets)
{
    if (g->n == STRETCHES || g->n_piece == PIECES || octets.n < ESP_MIN)
        gather_end(u, g);
    struct stretch *st = stretch_of(g, p, spi_of(octets.p));
    uint16_t i = (uint16_t)g->n_piece++;
    g->piece[i] = (struct piece){ .octets = octets, .seg = seg, .next = NONE };
    if (st->first == NONE)
        st->first = i;
    else
        g->piece[st->last].next = i;
    st->last = i;
    st->in.packets += packets;
    st->in.len += (uint32_t)octets.n;
    if (octets.n < ESP_MIN) /* by itself: it has a drop reason of its own */
        gather_end(u, g);
}

/* ---- what came ---- */

static void hip_or_nothing(struct port *port, const struct rt_pkt *p, struct span o)
{
    struct carrier_udp *u = port->u;
    struct hip_path path = { .local = p->local, .peer = p->peer };
    if (o.n < MARKER_LEN) {
        u->keepalives++;
        return;
    }
    (port->relayed ? u->c.relayed : u->c.recv)(u->c.ctx, &path, span_of(o.p + MARKER_LEN, o.n - MARKER_LEN));
}

static bool is_esp(struct span o)
{
    return o.n >= MARKER_LEN && memcmp(o.p, marker, MARKER_LEN) != 0;
}

/* A run, or a packet: the longest parts that are ESP of one SPI, and each other one by itself. */
static void take_run(struct port *port, struct gather *g, const struct rt_pkt *p)
{
    struct carrier_udp *u = port->u;
    size_t step = p->seg ? p->seg : p->octets.n, at = 0;
    do {
        struct span o = span_of(p->octets.p + at, p->octets.n - at < step ? p->octets.n - at : step);
        if (!is_esp(o)) {
            gather_end(u, g); /* in the order they came */
            hip_or_nothing(port, p, o);
            at += step;
            continue;
        }
        size_t end = at + o.n;
        uint32_t n = 1;
        for (; step >= ESP_MIN && p->octets.n - end >= ESP_MIN &&
               memcmp(p->octets.p + end, o.p, MARKER_LEN) == 0;
             n++)
            end += p->octets.n - end < step ? p->octets.n - end : step;
        esp(u, g, p, span_of(o.p, end - at), n > 1 ? p->seg : 0, n);
        at = end;
    } while (at < p->octets.n && !port->closing);
}

static void on_packets(void *ctx, const struct rt_pkt *pkts, size_t n)
{
    struct port *port = ctx;
    struct gather g;
    g.now = rt_now_us();
    g.n = g.n_piece = 0;
    port->u->busy = port;
    for (size_t i = 0; i < n && !port->closing; i++)
        take_run(port, &g, &pkts[i]);
    gather_end(port->u, &g);
    port->u->busy = NULL;
}

/* ---- relayed ports ---- */

static void port_free(struct port *p)
{
    rt_sock_close(p->s);
    free(p);
}

static void on_reaper(void *ctx)
{
    struct carrier_udp *u = ctx;
    for (struct port *p = u->closing, *next; p; p = next) {
        next = p->next;
        port_free(p);
    }
    u->closing = NULL;
}

err carrier_udp_port_open(struct carrier_udp *u, const struct addr *port)
{
    if (port->port == 0 || u->by_port[port->port])
        return ERR_EXISTS;
    struct port *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_MEMORY;
    *p = (struct port){ .u = u, .relayed = true };
    err e = rt_udp_open_with(u->c.loop, port, (struct rt_udp_opts){ .runs = true }, on_packets, p, &p->s);
    if (e != ERR_OK) {
        free(p);
        return e;
    }
    u->by_port[port->port] = p;
    return ERR_OK;
}

err carrier_udp_port_dup(const struct carrier_udp *u, uint16_t port, int *fd)
{
    const struct port *p = u->by_port[port];
    return p ? rt_sock_dup(p->s, fd) : ERR_NOT_FOUND;
}

err carrier_udp_port_lent(struct carrier_udp *u, uint16_t port, int fd)
{
    struct rt_sock *s;
    err e = rt_udp_adopt(u->c.loop, fd, &s);
    if (e != ERR_OK)
        return e;
    struct port *p = u->by_port[port] ? NULL : calloc(1, sizeof *p);
    if (!p) {
        rt_sock_close(s);
        return u->by_port[port] ? ERR_EXISTS : ERR_MEMORY;
    }
    *p = (struct port){ .u = u, .s = s, .relayed = true };
    u->by_port[port] = p;
    return ERR_OK;
}

void carrier_udp_port_close(struct carrier_udp *u, uint16_t port)
{
    struct port *p = u->by_port[port];
    if (!p)
        return;
    u->by_port[port] = NULL;
    if (p != u->busy) {
        port_free(p);
        return;
    }
    p->closing = true;
    p->next = u->closing;
    u->closing = p;
    rt_timer_at(u->reaper, 1);
}

/* ---- the carrier ---- */

err carrier_udp_steer(struct carrier_udp *u, const void *prog, size_t n)
{
    err e = u->v4.s ? rt_sock_steer_group(u->v4.s, prog, n) : ERR_OK;
    return e == ERR_OK && u->v6.s ? rt_sock_steer_group(u->v6.s, prog, n) : e;
}

static err op_send(void *ctx, const struct hip_path *path, struct span octets)
{
    struct carrier_udp *u = ctx;
    struct rt_sock *s = sock_for(u, &path->local, &path->peer);
    if (!s || !path->peer.port)
        return ERR_UNSUPPORTED;
    return rt_sock_send_headed(s, &path->local, &path->peer, 0, span_of(marker, MARKER_LEN), octets);
}

static void op_stats(void *ctx, struct carrier_stats *out)
{
    struct carrier_udp *u = ctx;
    *out = (struct carrier_stats){
        .keepalives = u->keepalives, .esp_unknown = u->esp_unknown, .esp_in = u->esp_in, .esp_out = u->esp_out
    };
    if (u->v4.s) {
        struct rt_sock_stats s = rt_sock_stats(u->v4.s);
        out->v4.in = s.in, out->v4.out = s.out, out->v4.cut = s.in_cut, out->v4.out_failed = s.out_failed;
    }
    if (u->v6.s) {
        struct rt_sock_stats s = rt_sock_stats(u->v6.s);
        out->v6.in = s.in, out->v6.out = s.out, out->v6.cut = s.in_cut, out->v6.out_failed = s.out_failed;
    }
}

static void op_close(void *ctx)
{
    struct carrier_udp *u = ctx;
    if (!u)
        return;
    on_reaper(u);
    for (size_t i = 0; i < PORTS; i++)
        if (u->by_port[i])
            port_free(u->by_port[i]);
    rt_sock_close(u->v4.s);
    rt_sock_close(u->v6.s);
    rt_timer_free(u->reaper);
    free(u);
}

static const struct carrier_ops ops = { .send = op_send, .stats = op_stats, .close = op_close };

err carrier_udp_open(const struct carrier_udp_config *c, struct carrier *out, struct carrier_udp **udp)
{
    struct addr any4 = { .family = ADDR_V4, .port = c->port }, any6 = { .family = ADDR_V6, .port = c->port };
    struct rt_udp_opts opts = { .runs = true, .group = c->group };
    struct carrier_udp *u = calloc(1, sizeof *u);
    if (!u)
        return ERR_MEMORY;
    u->c = *c;
    u->v4.u = u->v6.u = u;
    u->reaper = rt_timer_new(c->loop, on_reaper, u);
    err e = u->reaper ? ERR_OK : ERR_MEMORY;
    if (e == ERR_OK && c->v4)
        e = rt_udp_open_with(c->loop, &any4, opts, on_packets, &u->v4, &u->v4.s);
    if (e == ERR_OK && c->v6)
        e = rt_udp_open_with(c->loop, &any6, opts, on_packets, &u->v6, &u->v6.s);
    if (e != ERR_OK) {
        op_close(u);
        return e;
    }
    *out = (struct carrier){ .ops = &ops, .ctx = u };
    *udp = u;
    return ERR_OK;
}
