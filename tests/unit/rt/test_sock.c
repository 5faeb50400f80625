/* SPDX-License-Identifier: Apache-2.0
 * Datagrams on loopback: UDP, raw protocols 139 and 50 (where permitted), addresses at both ends; netlink's dump. */
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
    uint8_t first[64];
};

static void on_recv(void *ctx, const struct rt_pkt *p, size_t n)
{
    struct got *g = ctx;

    g->local = p[n - 1].local;
    g->peer = p[n - 1].peer;
    g->ifindex = p[n - 1].ifindex;
    g->len = p[n - 1].octets.n;
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

static void source(void **state)
{
    struct addr to = at("127.0.0.9"), out;
    (void)state;

    assert_int_equal(rt_source_for(&to, &out), ERR_OK);
    assert_true(addr_is_loopback(&out));
    assert_int_equal(out.port, 0);
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
        cmocka_unit_test(udp),    cmocka_unit_test(udp_bounds), cmocka_unit_test(raw),
        cmocka_unit_test(source), cmocka_unit_test(netlink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
