/* SPDX-License-Identifier: Apache-2.0
 * The carrier of UDP encapsulation on loopback: what is HIP, what is ESP, what is neither, what it sends and what it passes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/rt/sock.h"
#include "fa/carrier_udp.h"
#include "hip/drop.h"

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
    struct carrier_udp *u;
    struct carrier_udp_config k = {
        .loop = loop, .v4 = v4, .v6 = !v4, .port = port, .recv = on_hip, .relayed = on_hip, .ctx = &fa
    };
    assert_int_equal(carrier_udp_open(&k, &c, &u), ERR_OK);
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
    struct carrier_udp *u;
    struct carrier_udp_config k = {
        .loop = loop, .v4 = true, .v6 = true, .port = port, .recv = on_hip, .relayed = on_hip, .ctx = &s
    };
    assert_int_equal(carrier_udp_open(&k, &a, &u), ERR_OK);
    assert_int_equal(carrier_udp_open(&k, &b, &u), ERR_EXISTS);
    assert_null(b.ops);
    a.ops->close(a.ctx);
}

/* ---- relayed ports ---- */

/* client -> (127.0.0.1, FA's port) -> relayed port -> peer, and back; loopback addresses stand for the four. */
struct relay {
    struct fa_flows *t;
    struct carrier c;
    struct carrier_udp *u;
    struct rt_sock *client, *peer;
    struct addr fa, relayed, client_at, peer_at;
    struct seen hip, at_client, at_peer;
    struct seen at_relayed; /* HIP */
    bool close_inside;
};

#define SPI_OUT "\x00\x00\x11\x11"
#define SPI_IN  "\x00\x00\x22\x22"

static void on_relayed_hip(void *ctx, const struct hip_path *path, struct span octets)
{
    struct relay *r = ctx;
    r->at_relayed.path = *path;
    keep(&r->at_relayed, octets);
    if (r->close_inside)
        carrier_udp_port_close(r->u, path->local.port);
}

static void on_hip_here(void *ctx, const struct hip_path *path, struct span octets)
{
    on_hip(&((struct relay *)ctx)->hip, path, octets);
}

static void on_many(void *ctx, const struct rt_pkt *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        on_host(ctx, &p[i], 1);
}

static struct addr bound(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(text, &a), ERR_OK);
    return a;
}

static void relay_open(struct relay *r, const char *ip, struct fa_flows_config fc)
{
    *r = (struct relay){ .fa = bound(ip), .relayed = bound(ip) };
    struct addr any = bound(ip);
    r->fa.port = fc.hip_port = free_port();
    r->relayed.port = free_port();
    r->t = fa_flows_new(&fc);
    assert_non_null(r->t);
    assert_int_equal(rt_udp_open(loop, &any, on_many, &r->at_client, &r->client), ERR_OK);
    assert_int_equal(rt_udp_open(loop, &any, on_many, &r->at_peer, &r->peer), ERR_OK);
    r->client_at = rt_sock_local(r->client);
    r->peer_at = rt_sock_local(r->peer);
    struct carrier_udp_config k = { .loop = loop,
                                    .v4 = true,
                                    .v6 = true,
                                    .port = r->fa.port,
                                    .flows = r->t,
                                    .recv = on_hip_here,
                                    .relayed = on_relayed_hip,
                                    .ctx = r };
    assert_int_equal(carrier_udp_open(&k, &r->c, &r->u), ERR_OK);
    struct hit h = { .b = { 0x20, 1 } };
    struct fa_flow f = { .hit = h,
                         .client = fa_end_of(&r->client_at),
                         .local = fa_end_of(&r->fa),
                         .relayed = fa_end_of(&r->relayed),
                         .peer = fa_end_of(&r->peer_at),
                         .spi_out = 0x1111,
                         .spi_in = 0x2222,
                         .expires_us = UINT64_MAX };
    f.owner_gen = fa_flows_client_put(r->t, 0, &h);
    fa_flows_port_set(r->t, r->relayed.port, 0);
    assert_int_equal(fa_flows_put(r->t, 0, &f), ERR_OK);
    assert_int_equal(carrier_udp_port_open(r->u, &r->relayed), ERR_OK);
}

static void relay_close(struct relay *r)
{
    r->c.ops->close(r->c.ctx);
    rt_sock_close(r->client);
    rt_sock_close(r->peer);
    fa_flows_free(r->t);
}

static void put(struct rt_sock *s, const struct addr *to, const char *head, size_t n, uint8_t fill)
{
    uint8_t b[1500];
    memset(b, fill, sizeof b);
    memcpy(b, head, 4);
    assert_int_equal(rt_sock_send(s, NULL, to, 0, span_of(b, n)), ERR_OK);
}

static struct carrier_stats stats(const struct relay *r)
{
    struct carrier_stats st;
    r->c.ops->stats(r->c.ctx, &st);
    return st;
}

/* Runs, single packets and HIP among them, in both directions: each where it belongs, unchanged, in order. */
static void esp_both_ways(void **state)
{
    static const char *const ip[] = { "127.0.0.1", "::1" };
    for (size_t k = 0; k < 2; k++) {
        struct relay r;
        relay_open(&r, ip[k], (struct fa_flows_config){ .flows = 16, .clients = 4 });
        for (uint8_t i = 0; i < 100; i++)
            put(r.client, &r.fa, SPI_OUT, 1400, i);
        put(r.client, &r.fa, "\0\0\0\0", 1400, 1); /* HIP of the same length: in the middle of a run */
        for (uint8_t i = 0; i < 50; i++)
            put(r.client, &r.fa, i % 2 ? SPI_OUT : "\0\0\x33\x33", 1400, i); /* another SPI: nobody's */
        put(r.client, &r.fa, SPI_OUT, 99, 7);
        put(r.client, &r.fa, SPI_OUT, 7, 8); /* no ESP is as short as this */
        put(r.client, &r.fa, SPI_IN, 99, 9); /* the other direction's */
        run(60);
        struct carrier_stats st = stats(&r);
        assert_int_equal(r.at_peer.n, 126);
        assert_int_equal(r.at_peer.len, 99);
        assert_memory_equal(r.at_peer.octets, SPI_OUT "\7\7\7", 7);
        assert_true(addr_eq(&r.at_peer.peer, &r.relayed));
        assert_int_equal(r.hip.n, 1);
        assert_int_equal(r.hip.len, 1396);
        assert_true(addr_eq(&r.hip.path.local, &r.fa));
        assert_int_equal(st.esp_in, 153);
        assert_int_equal(st.esp_out, 126);
        assert_int_equal(st.esp_unknown, 27);

        for (uint8_t i = 0; i < 100; i++)
            put(r.peer, &r.relayed, SPI_IN, 1400, i);
        put(r.peer, &r.relayed, "\0\0\0\0", 1400, 1);
        put(r.peer, &r.relayed, SPI_OUT, 1400, 1);
        put(r.client, &r.relayed, SPI_IN, 1400, 1); /* not the peer */
        run(60);
        assert_int_equal(r.at_client.n, 100);
        assert_int_equal(r.at_client.octets[5], 99);
        assert_true(addr_eq(&r.at_client.peer, &r.fa));
        assert_int_equal(r.at_relayed.n, 1);
        assert_true(addr_eq(&r.at_relayed.path.local, &r.relayed));
        assert_true(addr_eq(&r.at_relayed.path.peer, &r.peer_at));
        assert_int_equal(stats(&r).esp_unknown, 29);

        /* HIP leaves from the relayed port as well. */
        struct hip_path path = { .local = r.relayed, .peer = r.peer_at };
        assert_int_equal(r.c.ops->send(r.c.ctx, &path, span_of("check", 5)), ERR_OK);
        run(30);
        assert_int_equal(r.at_peer.n, 127);
        assert_true(addr_eq(&r.at_peer.peer, &r.relayed));
        assert_memory_equal(r.at_peer.octets, "\0\0\0\0check", 9);
        relay_close(&r);
    }
}

/* A run that is over the quota passes as far as the quota goes. */
static void part_of_a_run(void **state)
{
    struct relay r;
    relay_open(
        &r, "127.0.0.1",
        (struct fa_flows_config){ .flows = 16, .clients = 4, .client_packet_s = 40 }); /* ten at once */
    for (uint8_t i = 0; i < 30; i++)
        put(r.client, &r.fa, SPI_OUT, 200, i);
    run(30);
    assert_in_range(r.at_peer.n, 10, 12);
    struct carrier_stats st = stats(&r);
    assert_int_equal(st.esp_in, 30);
    assert_int_equal(st.esp_out, r.at_peer.n);
    assert_int_equal(fa_flows_refused(r.t, HIP_DROP_OVER_QUOTA), 30 - r.at_peer.n);
    relay_close(&r);
}

/* A port that its own packet closes, one that is closed from elsewhere, one that is taken. */
static void ports(void **state)
{
    struct relay r;
    relay_open(&r, "127.0.0.1", (struct fa_flows_config){ .flows = 16, .clients = 4 });
    assert_int_equal(carrier_udp_port_open(r.u, &r.relayed), ERR_EXISTS);
    assert_int_equal(carrier_udp_port_open(r.u, &r.peer_at), ERR_EXISTS);
    r.close_inside = true;
    for (int i = 0; i < 5; i++)
        put(r.peer, &r.relayed, "\0\0\0\0", 60, 1);
    run(30);
    assert_int_equal(r.at_relayed.n, 1);
    put(r.client, &r.fa, SPI_OUT, 99, 7); /* the flow stands still, its port does not */
    run(30);
    assert_int_equal(r.at_peer.n, 0);
    assert_int_equal(stats(&r).esp_out, 0);
    struct hip_path path = { .local = r.relayed, .peer = r.peer_at };
    assert_int_equal(r.c.ops->send(r.c.ctx, &path, span_of("check", 5)), ERR_UNSUPPORTED);
    assert_int_equal(carrier_udp_port_open(r.u, &r.relayed), ERR_OK);
    carrier_udp_port_close(r.u, r.relayed.port);
    carrier_udp_port_close(r.u, r.relayed.port);
    assert_int_equal(carrier_udp_port_open(r.u, &r.relayed), ERR_OK);
    relay_close(&r);
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
    const struct CMUnitTest t[] = { cmocka_unit_test(both_ways), cmocka_unit_test(port_in_use),
                                    cmocka_unit_test(esp_both_ways), cmocka_unit_test(part_of_a_run),
                                    cmocka_unit_test(ports) };
    return cmocka_run_group_tests(t, setup, teardown);
}
