/* SPDX-License-Identifier: Apache-2.0
 * Datagrams on loopback: UDP, runs, groups, raw protocols 139 and 50 (where permitted), addresses at both ends; netlink's dump. */
#include <linux/filter.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "common/rt/netlink.h"
#include "common/rt/sa.h"
#include "common/rt/sock.h"

struct got {
    struct rt_loop *loop;
    size_t n, want;
    struct addr local, peer;
    unsigned ifindex;
    size_t len;
    uint8_t tclass, hop_limit;
    uint8_t first[64];
};

static void on_recv(void *ctx, const struct rt_pkt *p, size_t n)
{
    struct got *g = ctx;

    g->local = p[n - 1].local;
    g->peer = p[n - 1].peer;
    g->ifindex = p[n - 1].ifindex;
    g->len = p[n - 1].octets.n;
    g->tclass = p[n - 1].tclass;
    g->hop_limit = p[n - 1].hop_limit;
    memcpy(g->first, p[n - 1].octets.p, g->len < sizeof(g->first) ? g->len : sizeof(g->first));
    g->n += n;
    if (g->n >= g->want)
        rt_loop_stop(g->loop);
}

static void on_late(void *ctx)
{
    rt_loop_stop(ctx);
}

static void run(struct rt_loop *l, unsigned ms)
{
    struct rt_timer *t = rt_timer_new(l, on_late, l);
    rt_timer_at(t, rt_now_us() + ms * 1000u);
    rt_loop_run(l);
    rt_timer_free(t);
}

static struct addr at(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(text, &a), ERR_OK);
    return a;
}

static void udp_pair(const char *a_text, const char *b_text, const char *any)
{
    struct rt_loop *l = rt_loop_new();
    struct got ga = { .loop = l, .want = 1 }, gb = { .loop = l, .want = 100 };
    struct rt_sock *a, *b;
    struct addr la = at(a_text), lb = at(any), to;

    assert_int_equal(rt_udp_open(l, &la, on_recv, &ga, &a), ERR_OK);
    assert_int_equal(rt_udp_open(l, &lb, on_recv, &gb, &b), ERR_OK);
    to = at(b_text);
    to.port = rt_sock_local(b).port;
    assert_int_not_equal(to.port, 0);
    /* More than a batch: flushed when full, the rest before the loop sleeps. */
    for (int i = 0; i < 100; i++)
        assert_int_equal(rt_sock_send(a, NULL, &to, 0, span_of("hello", 5)), ERR_OK);
    run(l, 2000);
    assert_int_equal(gb.n, 100);
    assert_true(addr_same_ip(&gb.local, &to)); /* not the unspecified one it is bound to */
    assert_int_equal(gb.local.port, to.port);
    assert_true(addr_same_ip(&gb.peer, &la));
    assert_int_equal(gb.peer.port, rt_sock_local(a).port);
    assert_int_not_equal(gb.ifindex, 0);
    assert_memory_equal(gb.first, "hello", 5);
    /* The answer from the address that was asked. */
    assert_int_equal(rt_sock_send(b, &gb.local, &gb.peer, 0, span_of("back", 4)), ERR_OK);
    run(l, 2000);
    assert_int_equal(ga.n, 1);
    assert_true(addr_eq(&ga.peer, &to));
    assert_int_equal(rt_sock_stats(b).out, 1);
    rt_sock_close(a);
    rt_sock_close(b);
    rt_loop_free(l);
}

static void udp(void **state)
{
    (void)state;
    udp_pair("127.0.0.1:0", "127.0.0.2", "0.0.0.0:0");
    udp_pair("[::1]:0", "::1", "[::]:0");
}

static void udp_bounds(void **state)
{
    struct rt_loop *l = rt_loop_new();
    struct got g = { .loop = l, .want = 1 };
    struct rt_sock *a, *b;
    struct addr la = at("127.0.0.1"), six = at("[::1]:9");
    static uint8_t big[RT_SOCK_MTU + 1];
    (void)state;

    assert_int_equal(rt_udp_open(l, &la, on_recv, &g, &a), ERR_OK);
    struct addr used = rt_sock_local(a);
    assert_int_equal(rt_udp_open(l, &used, on_recv, &g, &b), ERR_EXISTS);
    assert_int_equal(rt_sock_send(a, NULL, &used, 0, span_of(big, sizeof(big))), ERR_RANGE);
    assert_int_equal(rt_sock_send(a, NULL, &six, 0, span_of(big, 1)), ERR_RANGE);
    assert_int_equal(rt_sock_send(a, NULL, &used, 0, span_of(big, RT_SOCK_MTU)), ERR_OK);
    run(l, 2000);
    assert_int_equal(g.len, RT_SOCK_MTU);
    /* An address that is not ours cannot be sent from: counted, and the one behind it still goes. */
    struct addr foreign = at("192.0.2.77");
    g.n = 0;
    assert_int_equal(rt_sock_send(a, &foreign, &used, 0, span_of("x", 1)), ERR_OK);
    assert_int_equal(rt_sock_send(a, NULL, &used, 0, span_of("yz", 2)), ERR_OK);
    run(l, 2000);
    assert_int_equal(g.n, 1);
    assert_int_equal(g.len, 2);
    assert_int_equal(rt_sock_stats(a).out_failed, 1);
    /* Longer than we take: cut by the kernel, counted, not handed on. */
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_storage ss;
    g.n = 0;
    assert_true(sendto(fd, big, sizeof(big), 0, (struct sockaddr *)&ss, rt_sa_from_addr(&used, &ss)) > 0);
    run(l, 50);
    assert_int_equal(g.n, 0);
    assert_int_equal(rt_sock_stats(a).in_cut, 1);
    close(fd);
    rt_sock_close(a);
    rt_loop_free(l);
}

/* The payload arrives as it was sent, without an IP header and with its own checksum untouched. */
static void raw_one(enum addr_family family, uint8_t protocol, const char *from, const char *to_text)
{
    struct rt_loop *l = rt_loop_new();
    struct got g = { .loop = l, .want = 1 };
    struct rt_sock *s;
    struct addr local = at(from), to = at(to_text);
    uint8_t payload[40];
    err e = rt_raw_open(l, family, protocol, on_recv, &g, &s);

    if (e == ERR_REFUSED) {
        rt_loop_free(l);
        skip();
    }
    assert_int_equal(e, ERR_OK);
    for (size_t i = 0; i < sizeof(payload); i++)
        payload[i] = (uint8_t)(0xff - i);
    assert_int_equal(rt_sock_send(s, &local, &to, 0, span_of(payload, sizeof(payload))), ERR_OK);
    run(l, 2000);
    assert_int_equal(g.n, 1);
    assert_int_equal(g.len, sizeof(payload));
    assert_memory_equal(g.first, payload, sizeof(payload));
    assert_true(addr_eq(&g.local, &to));
    assert_true(addr_eq(&g.peer, &local));
    rt_sock_close(s);
    rt_loop_free(l);
}

static void raw(void **state)
{
    (void)state;
    raw_one(ADDR_V4, 139, "127.0.0.3", "127.0.0.4");
    raw_one(ADDR_V4, 50, "127.0.0.4", "127.0.0.3");
    raw_one(ADDR_V6, 139, "::1", "::1");
    raw_one(ADDR_V6, 50, "::1", "::1");
}

/* Fields of the IP header, out and in; raw 0: UDP. */
static void header_one(uint8_t raw, const char *text)
{
    struct rt_loop *l = rt_loop_new();
    struct got g = { .loop = l, .want = 3 };
    struct addr to = at(text), none = { 0 };
    const struct rt_ip ip = { .tclass = 0xba, .hop_limit = 33 }, hops = { .hop_limit = 5 };
    struct rt_sock *s;
    err e = raw ? rt_raw_open(l, to.family, raw, on_recv, &g, &s) : rt_udp_open(l, &to, on_recv, &g, &s);

    if (e == ERR_REFUSED) {
        rt_loop_free(l);
        skip();
    }
    assert_int_equal(e, ERR_OK);
    to.port = rt_sock_local(s).port;
    assert_int_equal(rt_sock_send_ip(s, NULL, &to, 0, &ip, span_of("a", 1)), ERR_OK);
    run(l, 100);
    assert_true(g.n == 1 && g.tclass == 0 && g.hop_limit == 0); /* nobody asked */
    assert_int_equal(rt_sock_want_header(s), ERR_OK);
    assert_int_equal(rt_sock_send_ip(s, &none, &to, 0, &ip, span_of("b", 1)), ERR_OK);
    run(l, 100);
    assert_true(g.n == 2 && g.tclass == 0xba && g.hop_limit == 33);
    assert_int_equal(rt_sock_send_ip(s, &to, &to, 0, &hops, span_of("c", 1)), ERR_OK);
    run(l, 2000);
    assert_true(g.n == 3 && g.tclass == 0 && g.hop_limit == 5);
    assert_int_equal(rt_sock_discover_mtu(s, true), ERR_OK);
    assert_int_equal(rt_sock_discover_mtu(s, false), ERR_OK);
    assert_true(rt_path_mtu(NULL, &to, 0) >= 1500);
    assert_int_equal(rt_path_mtu(&to, &to, 0), rt_path_mtu(NULL, &to, 0));
    assert_int_equal(rt_path_mtu(NULL, &none, 0), 0);
    rt_sock_close(s);
    rt_loop_free(l);
}

static void header(void **state)
{
    (void)state;
    header_one(0, "127.0.0.3");
    header_one(0, "::1");
    header_one(50, "127.0.0.3");
    header_one(50, "::1");
}

/* ICMP from a socket that takes nothing in: another one hears it, of IPv6 with the checksum that the kernel makes. */
static void raw_out_one(enum addr_family family, uint8_t protocol, const char *at_text, uint8_t type)
{
    struct rt_loop *l = rt_loop_new();
    struct got g = { .loop = l, .want = 1 };
    struct rt_sock *s, *out;
    struct addr a = at(at_text);
    uint8_t message[48] = { type };
    err e = rt_raw_open(l, family, protocol, on_recv, &g, &s);

    if (e == ERR_REFUSED) {
        rt_loop_free(l);
        skip();
    }
    assert_int_equal(e, ERR_OK);
    assert_int_equal(rt_raw_open_out(l, family, protocol, &out), ERR_OK);
    if (family == ADDR_V4) { /* ones' complement of the one word that is not zero */
        message[2] = (uint8_t)~type;
        message[3] = 0xff;
    }
    assert_int_equal(rt_sock_send(out, &a, &a, 0, span_of(message, sizeof(message))), ERR_OK);
    run(l, 2000);
    assert_int_equal(g.n, 1);
    assert_int_equal(g.len, sizeof(message));
    if (family == ADDR_V6)
        assert_true(g.first[2] | g.first[3]);
    assert_int_equal(rt_sock_stats(out).in, 0);
    rt_sock_close(out);
    rt_sock_close(s);
    rt_loop_free(l);
}

static void raw_out(void **state)
{
    (void)state;
    raw_out_one(ADDR_V4, 1, "127.0.0.3", 12);
    raw_out_one(ADDR_V6, 58, "::1", 4);
}

static void source(void **state)
{
    struct addr to = at("127.0.0.9"), out;
    (void)state;

    assert_int_equal(rt_source_for(&to, &out), ERR_OK);
    assert_true(addr_is_loopback(&out));
    assert_int_equal(out.port, 0);
}

/* ---- runs ---- */

/* Every packet as it was, in order: its number in the first two octets, its length by its number. */
struct series {
    struct rt_loop *loop;
    struct rt_sock *on; /* passes on from here to `to`; NULL: the end */
    struct addr to;
    const uint16_t *len;
    size_t want, n, calls, runs, wrong;
};

static void one_of(struct series *r, struct span o)
{
    unsigned number = o.n >= 2 ? (unsigned)o.p[0] << 8 | o.p[1] : 0xffff;
    if (r->n >= r->want || number != r->n || o.n != r->len[r->n] ||
        (o.n > 2 && o.p[o.n - 1] != (uint8_t)number))
        r->wrong++;
    r->n++;
}

static void on_series(void *ctx, const struct rt_pkt *p, size_t n)
{
    struct series *r = ctx;
    r->calls++;
    for (size_t i = 0; i < n; i++) {
        size_t step = p[i].seg ? p[i].seg : p[i].octets.n;
        r->runs += p[i].seg > 0;
        for (size_t at = 0; at < p[i].octets.n; at += step)
            one_of(r, span_sub(p[i].octets, at, step < p[i].octets.n - at ? step : p[i].octets.n - at));
        if (r->on)
            assert_int_equal(rt_sock_forward(r->on, NULL, &r->to, p[i].seg, p[i].octets), ERR_OK);
    }
    if (!r->on && r->n >= r->want)
        rt_loop_stop(r->loop);
}

static void send_series(struct rt_sock *s, const struct addr *to, const uint16_t *len, size_t n)
{
    static uint8_t b[RT_SOCK_MTU];
    for (size_t i = 0; i < n; i++) {
        memset(b, (int)(i & 0xff), len[i]);
        b[0] = (uint8_t)(i >> 8);
        b[1] = (uint8_t)i;
        assert_int_equal(rt_sock_send(s, NULL, to, 0, span_of(b, len[i])), ERR_OK);
    }
}

/* runs_at_end: the sink wants them. no_run: the kernel refuses what leaves the relay as one. */
static void relay_series(const char *text, bool runs_at_end, bool no_run)
{
    struct rt_loop *l = rt_loop_new();
    static uint16_t len[600];
    const size_t n = sizeof(len) / sizeof(len[0]);
    struct series relay = { .loop = l, .len = len, .want = n }, sink = relay;
    struct rt_sock *a, *b, *c;
    struct addr at_a = at(text), to;
    struct rt_udp_opts runs = { .runs = true };

    for (size_t i = 0; i < n; i++) /* long runs, runs that end shorter, single ones, the longest there is */
        len[i] = (uint16_t)(i < 200    ? 1400
                            : i < 300  ? (i % 7 == 6 ? 99 : 100)
                            : i < 400  ? 2 + i
                            : i == 450 ? RT_SOCK_MTU
                                       : 64);
    assert_int_equal(rt_udp_open(l, &at_a, on_series, &sink, &a), ERR_OK);
    assert_int_equal(rt_udp_open_with(l, &at_a, runs, on_series, &relay, &b), ERR_OK);
    assert_int_equal(
        rt_udp_open_with(l, &at_a, (struct rt_udp_opts){ .runs = runs_at_end }, on_series, &sink, &c),
        ERR_OK);
    relay.on = b;
    relay.to = rt_sock_local(c);
    to = rt_sock_local(b);
    if (no_run) {
        int fd, one = 1;
        assert_int_equal(rt_sock_dup(b, &fd), ERR_OK);
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &one, sizeof(one)), 0);
        close(fd);
    }
    send_series(a, &to, len, n);
    run(l, 3000);
    assert_int_equal(relay.n, n);
    assert_int_equal(sink.n, n);
    assert_int_equal(relay.wrong + sink.wrong, 0);
    assert_true(relay.runs > 0);
    assert_true(runs_at_end == (sink.runs > 0) || no_run);
    assert_true(sink.calls < n / 4 && relay.calls < n / 4); /* in batches */
    struct rt_sock_stats sa = rt_sock_stats(a), sb = rt_sock_stats(b), sc = rt_sock_stats(c);
    assert_int_equal(sa.out, n);
    assert_int_equal(sb.in, n);
    assert_int_equal(sb.out, n);
    assert_int_equal(sc.in, n);
    assert_int_equal(sb.out_failed, 0);
    assert_true(sa.runs_out > 0 && sb.runs_in > 0);
    assert_true(no_run ? sb.runs_out == 0 : sb.runs_out > 0);
    rt_sock_close(a);
    rt_sock_close(b);
    rt_sock_close(c);
    rt_loop_free(l);
}

static void runs(void **state)
{
    (void)state;
    relay_series("127.0.0.1", true, false);
    relay_series("127.0.0.1", false, false);
    relay_series("127.0.0.1", true, true);
    relay_series("::1", true, false);
    relay_series("::1", false, false);
}

/* A second descriptor of the socket sends from its port. */
static void adopted(void **state)
{
    struct rt_loop *l = rt_loop_new();
    struct got g = { .loop = l, .want = 1 }, h = { .loop = l, .want = 1 };
    struct rt_sock *a, *b, *other;
    struct addr lo = at("127.0.0.1");
    int fd;
    (void)state;

    assert_int_equal(rt_udp_open(l, &lo, on_recv, &g, &a), ERR_OK);
    assert_int_equal(rt_udp_open(l, &lo, on_recv, &h, &b), ERR_OK);
    assert_int_equal(rt_sock_dup(a, &fd), ERR_OK);
    assert_int_equal(rt_udp_adopt(l, fd, &other), ERR_OK);
    struct addr to = rt_sock_local(b), from = rt_sock_local(a);
    assert_int_equal(rt_sock_send(other, NULL, &to, 0, span_of("x", 1)), ERR_OK);
    run(l, 2000);
    assert_int_equal(h.n, 1);
    assert_true(addr_eq(&h.peer, &from));
    rt_sock_close(other);
    assert_int_equal(rt_sock_send(b, NULL, &from, 0, span_of("y", 1)), ERR_OK);
    run(l, 2000);
    assert_int_equal(g.n, 1); /* the first one is open still */
    assert_int_equal(rt_udp_adopt(l, -1, &other), ERR_IO);
    rt_sock_close(a);
    rt_sock_close(b);
    rt_loop_free(l);
}

/* Two sockets of one address: the program says which of them. Without the group the address is taken. */
static void groups(void **state)
{
    struct rt_loop *l = rt_loop_new();
    struct got g[2] = { { .loop = l, .want = 30 }, { .loop = l, .want = 30 } }, none = { .loop = l };
    struct rt_sock *s[2], *from, *other;
    struct addr lo = at("127.0.0.1");
    struct rt_udp_opts group = { .group = true };
    struct sock_filter prog[] = { BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
                                  BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 1), BPF_STMT(BPF_RET | BPF_A, 0) };
    (void)state;

    assert_int_equal(rt_udp_open_with(l, &lo, group, on_recv, &g[0], &s[0]), ERR_OK);
    lo = rt_sock_local(s[0]);
    assert_int_equal(rt_udp_open_with(l, &lo, group, on_recv, &g[1], &s[1]), ERR_OK);
    assert_int_equal(rt_udp_open(l, &lo, on_recv, &none, &other), ERR_EXISTS);
    assert_int_equal(rt_sock_steer_group(s[0], prog, 0), ERR_RANGE);
    assert_int_equal(rt_sock_steer_group(s[0], prog, 3), ERR_OK);
    struct addr any = at("127.0.0.1");
    assert_int_equal(rt_udp_open(l, &any, on_recv, &none, &from), ERR_OK);
    for (uint8_t i = 0; i < 60; i++)
        assert_int_equal(rt_sock_send(from, NULL, &lo, 0, span_of(&i, 1)), ERR_OK);
    run(l, 200);
    assert_int_equal(g[0].n + g[1].n, 60); /* a run goes where its first packet belongs */
    for (uint8_t i = 0; i < 60; i++) {
        assert_int_equal(rt_sock_send(from, NULL, &lo, 0, span_of(&i, 1)), ERR_OK);
        rt_sock_flush(from);
    }
    g[0].n = g[1].n = 0;
    run(l, 100);
    run(l, 100);
    assert_int_equal(g[0].n, 30);
    assert_int_equal(g[1].n, 30);
    assert_int_equal(g[0].first[0] % 2, 0);
    assert_int_equal(g[1].first[0] % 2, 1);
    rt_sock_close(s[0]);
    rt_sock_close(s[1]);
    rt_sock_close(from);
    rt_loop_free(l);
}

/* What a socket borrows to pass on stays its own while another one of the loop receives, however much waits to be sent. */
enum { COPIES = 257 }; /* one more than messages that may wait (OUT_MAX): the last one finds no room */

struct copier {
    struct rt_sock *on;
    struct addr to[2];
};

static void on_copy(void *ctx, const struct rt_pkt *p, size_t n)
{
    struct copier *c = ctx;
    assert_int_equal(n, 1);
    for (int i = 0; i < COPIES; i++) /* neighbours do not go to the same place: no runs */
        assert_int_equal(rt_sock_forward(c->on, NULL, &c->to[i % 2], 0, p[0].octets), ERR_OK);
}

struct tally {
    struct rt_loop *loop;
    unsigned n, of[2];
};

static void on_copied(void *ctx, const struct rt_pkt *p, size_t n)
{
    struct tally *t = ctx;
    for (size_t i = 0; i < n; i++)
        t->of[p[i].octets.p[0] == 'b']++;
    t->n += (unsigned)n;
    if (t->n == 2 * COPIES)
        rt_loop_stop(t->loop);
}

static void borrowed(void **state)
{
    struct rt_loop *l = rt_loop_new();
    struct tally t = { .loop = l };
    struct copier c[2];
    struct rt_sock *sink[2];
    struct addr any = at("127.0.0.1");
    (void)state;

    for (int i = 0; i < 2; i++) {
        assert_int_equal(rt_udp_open(l, &any, on_copied, &t, &sink[i]), ERR_OK);
        assert_int_equal(rt_udp_open(l, &any, on_copy, &c[i], &c[i].on), ERR_OK);
    }
    for (int i = 0; i < 2; i++) {
        struct addr to = rt_sock_local(c[i].on);
        c[i].to[0] = rt_sock_local(sink[0]);
        c[i].to[1] = rt_sock_local(sink[1]);
        assert_int_equal(rt_sock_send(sink[0], NULL, &to, 0, span_of(i ? "bbbb" : "aaaa", 4)), ERR_OK);
    }
    run(l, 2000);
    assert_int_equal(t.of[0], COPIES);
    assert_int_equal(t.of[1], COPIES);
    for (int i = 0; i < 2; i++) {
        rt_sock_close(c[i].on);
        rt_sock_close(sink[i]);
    }
    rt_loop_free(l);
}

struct seen {
    unsigned lo;
    bool v4, v6_or_none, up;
};

static void on_event(void *ctx, const struct rt_net_event *ev)
{
    struct seen *s = ctx;

    assert_false(ev->gone);
    if (ev->type == RT_NET_LINK && strcmp(ev->link.name, "lo") == 0) {
        s->lo = ev->link.index;
        s->up = ev->link.up;
    }
    if (ev->type == RT_NET_ADDR && ev->addr.index == s->lo && ev->addr.addr.family == ADDR_V4)
        s->v4 = s->v4 || (addr_is_loopback(&ev->addr.addr) && ev->addr.prefix_len == 8);
}

static void netlink(void **state)
{
    struct rt_loop *l = rt_loop_new();
    struct rt_netlink *n;
    struct seen s = { 0 };
    struct addr a = at("192.0.2.1");
    (void)state;

    assert_int_equal(rt_netlink_open(l, on_event, NULL, &s, &n), ERR_OK);
    assert_int_equal(rt_netlink_dump(n, on_event, &s), ERR_OK);
    assert_int_not_equal(s.lo, 0);
    assert_true(s.up && s.v4);
    err e = rt_netlink_addr_add(n, 0x7ffffff0, &a, 24);
    assert_true(e == ERR_NOT_FOUND || e == ERR_REFUSED);
    rt_netlink_close(n);
    rt_loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(udp),     cmocka_unit_test(udp_bounds), cmocka_unit_test(raw),
        cmocka_unit_test(raw_out), cmocka_unit_test(runs),       cmocka_unit_test(adopted),
        cmocka_unit_test(groups),  cmocka_unit_test(header),     cmocka_unit_test(source),
        cmocka_unit_test(netlink), cmocka_unit_test(borrowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
