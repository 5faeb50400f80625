/* SPDX-License-Identifier: Apache-2.0
 * The carrier of UDP encapsulation on loopback: what is HIP, what is ESP, what is neither, and what it sends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/rt/sock.h"
#include "fa/carrier_udp.h"

static struct rt_loop *loop;

struct seen {
    size_t n;
    struct hip_path path;
    struct addr peer; /* of a datagram that came to the other end */
    size_t len;
    uint8_t octets[64];
};

static void keep(struct seen *s, struct span o)
{
    s->len = o.n;
    memcpy(s->octets, o.p, o.n < sizeof s->octets ? o.n : sizeof s->octets);
    s->n++;
}

static void on_hip(void *ctx, const struct hip_path *path, struct span octets)
{
    struct seen *s = ctx;
    s->path = *path;
    keep(s, octets);
}

static void on_host(void *ctx, const struct rt_pkt *p, size_t n)
{
    struct seen *s = ctx;
    s->peer = p[n - 1].peer;
    keep(s, p[n - 1].octets);
}

static void on_late(void *ctx)
{
    rt_loop_stop(ctx);
}

static void run(unsigned ms)
{
    struct rt_timer *t = rt_timer_new(loop, on_late, loop);
    rt_timer_at(t, rt_now_us() + ms * 1000u);
    rt_loop_run(loop);
    rt_timer_free(t);
}

/* A port that nobody has at the moment. */
static uint16_t free_port(void)
{
    struct addr any = { .family = ADDR_V4 };
    struct rt_sock *s;
    assert_int_equal(rt_udp_open(loop, &any, on_host, NULL, &s), ERR_OK);
    uint16_t port = rt_sock_local(s).port;
    rt_sock_close(s);
    return port;
}

static void one_family(const char *text)
{
    struct seen fa = { 0 }, host = { 0 };
    struct addr at;
    struct rt_sock *h;
    struct carrier c;
    struct carrier_stats st;
    uint16_t port = free_port();
    static const char *const in[] = { "\0\0\0\0hip packet", "\0\0\0\1esp", "\0\0\0\0", "\xff", "", "\0\0\0" };
    static const size_t len[] = { 14, 7, 4, 1, 0, 3 };

    assert_int_equal(addr_parse(text, &at), ERR_OK);
    bool v4 = at.family == ADDR_V4;
    assert_int_equal(rt_udp_open(loop, &at, on_host, &host, &h), ERR_OK);
    assert_int_equal(carrier_udp_open(loop, v4, !v4, port, on_hip, &fa, &c), ERR_OK);
    at.port = port;
    for (size_t i = 0; i < sizeof in / sizeof in[0]; i++)
        assert_int_equal(rt_sock_send(h, NULL, &at, 0, span_of(in[i], len[i])), ERR_OK);
    run(30);
    assert_int_equal(fa.n,
                     2); /* the second one is an empty HIP packet: the engine says what is wrong with it */
    assert_int_equal(fa.len, 0);
    c.ops->stats(c.ctx, &st);
    assert_int_equal(st.esp_unknown, 1);
    assert_int_equal(st.keepalives, 3);
    assert_int_equal(v4 ? st.v4.in : st.v6.in, 6);
    assert_int_equal(rt_sock_send(h, NULL, &at, 0, span_of(in[0], len[0])), ERR_OK);
    run(30);
    assert_int_equal(fa.n, 3);
    assert_int_equal(fa.len, 10);
    assert_memory_equal(fa.octets, "hip packet", 10);
    assert_true(addr_eq(&fa.path.local, &at));
    assert_int_equal(fa.path.peer.port, rt_sock_local(h).port);
    assert_int_equal(fa.path.to.family, ADDR_NONE);

    /* The answer goes back by the same path, behind the marker. */
    assert_int_equal(c.ops->send(c.ctx, &fa.path, span_of("answer", 6)), ERR_OK);
    run(30);
    assert_int_equal(host.n, 1);
    assert_int_equal(host.len, 10);
    assert_memory_equal(host.octets, "\0\0\0\0answer", 10);
    assert_true(addr_eq(&host.peer, &at));

    struct hip_path raw = fa.path, other = fa.path;
    raw.peer.port = 0;
    other.peer.family = v4 ? ADDR_V6 : ADDR_V4;
    assert_int_equal(c.ops->send(c.ctx, &raw, span_of("x", 1)), ERR_UNSUPPORTED);
    assert_int_equal(c.ops->send(c.ctx, &other, span_of("x", 1)), ERR_UNSUPPORTED);
    c.ops->close(c.ctx);
    rt_sock_close(h);
}

static void both_ways(void **state)
{
    one_family("127.0.0.1");
    one_family("::1");
}

static void port_in_use(void **state)
{
    struct seen s = { 0 };
    struct carrier a, b = { 0 };
    uint16_t port = free_port();
    assert_int_equal(carrier_udp_open(loop, true, true, port, on_hip, &s, &a), ERR_OK);
    assert_int_equal(carrier_udp_open(loop, true, true, port, on_hip, &s, &b), ERR_EXISTS);
    assert_null(b.ops);
    a.ops->close(a.ctx);
}

static int setup(void **state)
{
    loop = rt_loop_new();
    return loop == NULL;
}

static int teardown(void **state)
{
    rt_loop_free(loop);
    return 0;
}

int main(void)
{
    const struct CMUnitTest t[] = { cmocka_unit_test(both_ways), cmocka_unit_test(port_in_use) };
    return cmocka_run_group_tests(t, setup, teardown);
}
