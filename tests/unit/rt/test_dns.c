/* SPDX-License-Identifier: Apache-2.0
 *
 * dns_io and the resolver against servers on the loopback interface, in the same loop: UDP, TCP in pieces, dead ports, closing inside a
 * callback; answers, absent names, refused names, silence, cancelling.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/rt/dns_io.h"
#include "common/rt/resolve.h"
#include "common/rt/sa.h"
#include "common/rt/sock.h"

static struct rt_loop *loop;

struct seen {
    struct rt_dns *d;
    unsigned replies, failures;
    uint32_t failed_tag;
    uint8_t msg[70000];
    size_t n;
    unsigned want; /* end the loop after so many events */
    bool free_inside;
};

static void count(struct seen *s)
{
    if (s->replies + s->failures >= s->want)
        rt_loop_stop(loop);
}

static void on_reply(void *ctx, const struct addr *from, struct span msg)
{
    struct seen *s = ctx;
    s->replies++;
    memcpy(s->msg, msg.p, msg.n);
    s->n = msg.n;
    if (s->free_inside) {
        rt_dns_free(s->d);
        s->d = NULL;
    }
    count(s);
}

static void on_failed(void *ctx, uint32_t tag)
{
    struct seen *s = ctx;
    s->failures++;
    s->failed_tag = tag;
    if (s->free_inside) {
        rt_dns_free(s->d);
        s->d = NULL;
    }
    count(s);
}

static const struct rt_dns_ops ops = { .reply = on_reply, .failed = on_failed };

static void too_long(void *ctx)
{
    fail_msg("nothing happened for ten seconds");
}

static void run(void)
{
    struct rt_timer *t = rt_timer_new(loop, too_long, NULL);
    rt_timer_at(t, rt_now_us() + 10000000u);
    rt_loop_run(loop);
    rt_timer_free(t);
}

/* ---- a UDP server: echoes, or answers as a zone ---- */

struct udp_server {
    struct rt_sock *s;
    struct addr at, ports[64];
    unsigned got;
    bool silent;
};

/* The name "has.mine": an A record; everything else there is not. */
static size_t zone_answer(const uint8_t *q, size_t n, uint8_t *out)
{
    static const uint8_t has[] = "\3has\4mine";
    size_t end = 12;
    while (end < n && q[end])
        end += 1u + q[end];
    end += 5; /* root label, type, class */
    if (end > n)
        return 0;
    memcpy(out, q, end);
    memset(out + 6, 0, 6);
    out[2] = 0x84;
    out[3] = 0;
    char name[10] = { 0 };
    for (size_t i = 0; i < 9 && 12 + i < end; i++) /* the resolver plays with letter case */
        name[i] = (char)(q[12 + i] >= 'A' && q[12 + i] <= 'Z' ? q[12 + i] + 32 : q[12 + i]);
    static const uint8_t cname[] = { 0xc0, 12,  0,   5,   0,   1,   0,   0, 0,   77,  0,   13, 7,
                                     'e',  'x', 'a', 'm', 'p', 'l', 'e', 3, 'c', 'o', 'm', 0 };
    if (memcmp(name, "\4away\4mi", 8) == 0) {
        out[7] = 1;
        memcpy(out + end, cname, sizeof cname);
        return end + sizeof cname;
    }
    if (memcmp(name, has, 9) != 0 || q[21] != 0) {
        out[3] = memcmp(name, "\4fail\4mi", 8) == 0 ? 5 : 3;
        return end;
    }
    if (q[23] == 1) {
        static const uint8_t rr[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 77, 0, 4, 192, 0, 2, 9 };
        out[7] = 1;
        memcpy(out + end, rr, sizeof rr);
        end += sizeof rr;
    }
    return end;
}

static void serve_udp(void *ctx, const struct rt_pkt *p, size_t n)
{
    struct udp_server *u = ctx;
    for (size_t i = 0; i < n; i++) {
        uint8_t out[1024];
        size_t len = p[i].octets.n;
        u->ports[u->got++ % 64] = p[i].peer;
        if (u->silent)
            continue;
        if (len > 12)
            len = zone_answer(p[i].octets.p, len, out);
        else
            memcpy(out, p[i].octets.p, len);
        assert_int_equal(rt_sock_send(u->s, &p[i].local, &p[i].peer, 0, span_of(out, len)), ERR_OK);
    }
}

static void open_udp(struct udp_server *u)
{
    struct addr any;
    memset(u, 0, sizeof *u);
    assert_int_equal(addr_parse("127.0.0.1", &any), ERR_OK);
    assert_int_equal(rt_udp_open(loop, &any, serve_udp, u, &u->s), ERR_OK);
    u->at = rt_sock_local(u->s);
}

/* ---- a TCP server: sends back what came, in pieces of k octets ---- */

struct tcp_server {
    uv_tcp_t listen;
    struct addr at;
    bool hang_up; /* closes instead of answering */
    uint8_t in[70000];
    size_t n;
    uv_tcp_t *peer;
    size_t sent, piece;
};

static void free_handle(uv_handle_t *h)
{
    free(h);
}

static void send_piece(struct tcp_server *t);
static void wrote(uv_write_t *w, int status)
{
    struct tcp_server *t = w->data;
    free(w);
    if (status == 0 && t->sent < t->n)
        send_piece(t);
}

static void send_piece(struct tcp_server *t)
{
    uv_write_t *w = malloc(sizeof *w);
    size_t k = t->n - t->sent < t->piece ? t->n - t->sent : t->piece;
    uv_buf_t b = uv_buf_init((char *)t->in + t->sent, (unsigned)k);
    w->data = t;
    t->sent += k;
    assert_int_equal(uv_write(w, (uv_stream_t *)t->peer, &b, 1, wrote), 0);
}

static void tcp_alloc(uv_handle_t *h, size_t want, uv_buf_t *b)
{
    struct tcp_server *t = h->data;
    *b = uv_buf_init((char *)t->in + t->n, (unsigned)(sizeof t->in - t->n));
}

static void tcp_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    struct tcp_server *t = s->data;
    if (n > 0)
        t->n += (size_t)n;
    if (n < 0 || t->hang_up) {
        uv_close((uv_handle_t *)s, free_handle);
        return;
    }
    if (t->n >= 2 && t->n >= 2u + (size_t)(t->in[0] << 8 | t->in[1]))
        send_piece(t);
}

static void tcp_accept(uv_stream_t *l, int status)
{
    struct tcp_server *t = l->data;
    t->peer = malloc(sizeof *t->peer);
    uv_tcp_init(l->loop, t->peer);
    t->peer->data = t;
    assert_int_equal(uv_accept(l, (uv_stream_t *)t->peer), 0);
    uv_read_start((uv_stream_t *)t->peer, tcp_alloc, tcp_read);
}

static void open_tcp(struct tcp_server *t)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct sockaddr_storage sa;
    int len = sizeof sa;
    memset(t, 0, sizeof *t);
    t->piece = 70000;
    uv_tcp_init(rt_loop_uv(loop), &t->listen);
    t->listen.data = t;
    assert_int_equal(uv_tcp_bind(&t->listen, (struct sockaddr *)&in, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&t->listen, 4, tcp_accept), 0);
    assert_int_equal(uv_tcp_getsockname(&t->listen, (struct sockaddr *)&sa, &len), 0);
    assert_int_equal(rt_sa_to_addr((struct sockaddr *)&sa, (socklen_t)len, &t->at), ERR_OK);
}

/* ---- dns_io ---- */

static void udp(void **state)
{
    struct seen s = { .want = 2 };
    struct udp_server u;
    open_udp(&u);
    s.d = rt_dns_new(loop, &ops, &s);
    assert_int_equal(rt_dns_udp(s.d, 1, &u.at, span_str("one")), ERR_OK);
    assert_int_equal(rt_dns_udp(s.d, 2, &u.at, span_str("two")), ERR_OK);
    run();
    assert_int_equal(s.replies, 2);
    assert_int_equal(s.n, 3);
    assert_false(u.ports[0].port == u.ports[1].port); /* a port for each try */
    rt_dns_free(s.d);
    rt_sock_close(u.s);
}

static void dead_ports(void **state)
{
    struct seen s = { .want = 1 };
    struct udp_server u;
    open_udp(&u);
    struct addr dead = u.at, none = { 0 };
    rt_sock_close(u.s);
    s.d = rt_dns_new(loop, &ops, &s);
    assert_int_equal(rt_dns_udp(s.d, 5, &dead, span_str("x")), ERR_OK);
    run();
    assert_int_equal(s.failures, 1);
    assert_int_equal(s.failed_tag, 5);
    s.want = 2;
    assert_int_equal(rt_dns_tcp(s.d, 6, &dead, span_str("x")), ERR_OK);
    run();
    assert_int_equal(s.failures, 2);
    assert_int_equal(s.failed_tag, 6);
    assert_int_equal(rt_dns_udp(s.d, 7, &none, span_str("x")), ERR_UNREACHABLE);
    assert_int_equal(rt_dns_tcp(s.d, 7, &none, span_str("x")), ERR_UNREACHABLE);
    rt_dns_free(s.d);
}

static void tcp(void **state)
{
    static uint8_t big[65535];
    static struct tcp_server t;
    struct seen *s = calloc(1, sizeof *s);
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (uint8_t)(i * 31);
    for (unsigned k = 0; k < 3; k++) {
        size_t n = k == 0 ? 3 : k == 1 ? 40 : sizeof big;
        open_tcp(&t);
        if (k == 1)
            t.piece = 1;
        memset(s, 0, sizeof *s);
        s->want = 1;
        s->d = rt_dns_new(loop, &ops, s);
        assert_int_equal(rt_dns_tcp(s->d, 1, &t.at, span_of(big, n)), ERR_OK);
        run();
        assert_int_equal(s->replies, 1);
        assert_int_equal(s->n, n);
        assert_memory_equal(s->msg, big, n);
        rt_dns_free(s->d);
        uv_close((uv_handle_t *)&t.listen, NULL);
        for (int i = 0; i < 20; i++)
            uv_run(rt_loop_uv(loop), UV_RUN_NOWAIT);
    }
    free(s);
}

static void tcp_hang_up(void **state)
{
    static struct tcp_server t;
    struct seen s = { .want = 1 };
    open_tcp(&t);
    t.hang_up = true;
    s.d = rt_dns_new(loop, &ops, &s);
    assert_int_equal(rt_dns_tcp(s.d, 9, &t.at, span_str("x")), ERR_OK);
    run();
    assert_int_equal(s.failures, 1);
    assert_int_equal(s.failed_tag, 9);
    rt_dns_free(s.d);
    uv_close((uv_handle_t *)&t.listen, NULL);
}

static void freed_inside(void **state)
{
    static struct tcp_server t;
    struct udp_server u;
    struct seen s = { .want = 1, .free_inside = true };
    open_udp(&u);
    s.d = rt_dns_new(loop, &ops, &s);
    assert_int_equal(rt_dns_udp(s.d, 1, &u.at, span_str("one")), ERR_OK);
    assert_int_equal(rt_dns_udp(s.d, 2, &u.at, span_str("two")), ERR_OK);
    run();
    assert_int_equal(s.replies, 1);
    for (int i = 0; i < 20; i++)
        uv_run(rt_loop_uv(loop), UV_RUN_NOWAIT);
    assert_int_equal(s.replies, 1); /* the other answer finds nobody */
    rt_sock_close(u.s);
    for (int k = 0; k < 2; k++) {
        open_tcp(&t);
        t.hang_up = k;
        memset(&s, 0, sizeof s);
        s.want = 1, s.free_inside = true;
        s.d = rt_dns_new(loop, &ops, &s);
        assert_int_equal(rt_dns_tcp(s.d, 1, &t.at, span_of("\0\0\0", 3)), ERR_OK);
        run();
        assert_null(s.d);
        uv_close((uv_handle_t *)&t.listen, NULL);
        for (int i = 0; i < 20; i++)
            uv_run(rt_loop_uv(loop), UV_RUN_NOWAIT);
    }
}

static void full(void **state)
{
    struct seen s = { .want = 1 };
    struct udp_server u;
    open_udp(&u);
    u.silent = true;
    s.d = rt_dns_new(loop, &ops, &s);
    for (uint32_t i = 0; i < RT_DNS_SOCKETS_MAX; i++)
        assert_int_equal(rt_dns_udp(s.d, i, &u.at, span_str("x")), ERR_OK);
    assert_int_equal(rt_dns_udp(s.d, 99, &u.at, span_str("x")), ERR_FULL);
    rt_dns_free(s.d);
    rt_sock_close(u.s);
}

/* ---- resolver ---- */

struct answer {
    unsigned calls;
    err err;
    int rcode;
    bool nxdomain;
    enum rt_security security;
    size_t n;
    uint32_t ttl;
    uint8_t first[16];
    struct rt_resolver *free_inside;
};

static void on_answer(void *ctx, const struct rt_answer *a)
{
    struct answer *out = ctx;
    out->calls++;
    out->err = a->err;
    out->rcode = a->rcode;
    out->nxdomain = a->nxdomain;
    out->security = a->security;
    out->n = a->n;
    out->ttl = a->ttl;
    if (a->n && a->rdata[0].n <= sizeof out->first)
        memcpy(out->first, a->rdata[0].p, a->rdata[0].n);
    rt_resolver_free(out->free_inside);
    rt_loop_stop(loop);
}

static struct rt_resolver *resolver(const struct udp_server *u, uint64_t timeout_us, bool upstream)
{
    struct rt_resolve_zone z = { .zone = "mine", .n_server = 1, .server = { u->at } };
    struct rt_resolve_config c = { .n_zone = 1, .zone = &z, .timeout_us = timeout_us };
    struct rt_resolver *r = NULL;
    if (upstream) {
        c.n_zone = 0;
        c.n_upstream = 1;
        c.upstream[0] = u->at;
    }
    assert_int_equal(rt_resolver_new(loop, &c, &r), ERR_OK);
    return r;
}

static struct answer ask(struct rt_resolver *r, const char *name, int type)
{
    struct answer a = { 0 };
    uint32_t id;
    assert_int_equal(rt_resolve(r, name, type, on_answer, &a, &id), ERR_OK);
    assert_int_equal(a.calls, 0);
    run();
    assert_int_equal(a.calls, 1);
    rt_resolve_cancel(r, id); /* over: nothing happens */
    return a;
}

static void answers(void **state)
{
    for (int upstream = 0; upstream < 2; upstream++) {
        struct udp_server u;
        open_udp(&u);
        struct rt_resolver *r = resolver(&u, 0, upstream);
        struct answer a = ask(r, "has.mine", 1);
        assert_int_equal(a.err, ERR_OK);
        assert_int_equal(a.n, 1);
        assert_memory_equal(a.first, "\300\0\2\11", 4);
        assert_in_range(a.ttl, 1, 77);
        assert_int_equal(a.security, RT_DNS_INSECURE);
        a = ask(r, "has.mine", 55);
        assert_int_equal(a.err, ERR_OK);
        assert_true(a.n == 0 && !a.nxdomain);
        a = ask(r, "no.mine", 1);
        assert_int_equal(a.err, ERR_OK);
        assert_true(a.n == 0 && a.nxdomain);
        rt_resolver_free(r);
        rt_sock_close(u.s);
    }
}

static void refused(void **state)
{
    struct udp_server u;
    open_udp(&u);
    struct rt_resolver *r = resolver(&u, 0, false);
    struct answer a = ask(r, "www.example.com", 1); /* no upstream: nobody is asked */
    assert_int_equal(a.err, ERR_REFUSED);
    assert_int_equal(u.got, 0);
    a = ask(r, "mine.", 1);
    assert_int_equal(a.err, ERR_OK);
    assert_true(u.got > 0);
    a = ask(r, "away.mine", 1); /* a CNAME out of the zone leads nowhere */
    assert_int_equal(a.err, ERR_UNREACHABLE);
    a = ask(r, "a..b", 1);
    assert_int_equal(a.err, ERR_RANGE);
    a = ask(r, "fail.mine", 1);
    assert_int_equal(a.err, ERR_UNREACHABLE); /* REFUSED by the only server there is: SERVFAIL */
    rt_resolver_free(r);
    rt_sock_close(u.s);
}

/* Names beside a configured zone are refused too, however many zones and labels there are. */
static void siblings(void **state)
{
    static const char *const out[] = { "www.c.example", "example", "x.y.example", "b.example",
                                       "mine",          "com",     "zz.a.other" };
    struct udp_server u;
    struct rt_resolver *r;
    open_udp(&u);
    struct rt_resolve_zone z[3] = { { .zone = "a.b.example", .n_server = 1, .server = { u.at } },
                                    { .zone = "c.b.example", .n_server = 1, .server = { u.at } },
                                    { .zone = "operator.other", .n_server = 1, .server = { u.at } } };
    struct rt_resolve_config c = { .n_zone = 3, .zone = z };
    assert_int_equal(rt_resolver_new(loop, &c, &r), ERR_OK);
    for (size_t i = 0; i < sizeof out / sizeof *out; i++) {
        struct answer a = ask(r, out[i], 1);
        if (a.err != ERR_REFUSED)
            fail_msg("%s: %s", out[i], err_name(a.err));
    }
    assert_int_equal(u.got, 0);
    rt_resolver_free(r);
    rt_sock_close(u.s);
}

static void silence(void **state)
{
    struct udp_server u;
    open_udp(&u);
    u.silent = true;
    struct rt_resolver *r = resolver(&u, 300000, false);
    struct answer a = ask(r, "has.mine", 1);
    assert_int_equal(a.err, ERR_TIMEOUT);
    assert_true(u.got >= 1);
    u.silent = false; /* and it is asked again when it is back */
    for (int i = 0; i < 30 && a.err != ERR_OK; i++)
        a = ask(r, "has.mine", 1);
    assert_int_equal(a.err, ERR_OK);
    rt_resolver_free(r);
    rt_sock_close(u.s);
}

static void cancelled(void **state)
{
    struct udp_server u;
    open_udp(&u);
    struct rt_resolver *r = resolver(&u, 0, false);
    struct answer none = { 0 };
    uint32_t id;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(rt_resolve(r, "has.mine", 1, on_answer, &none, &id), ERR_OK);
        if (i % 2)
            uv_run(rt_loop_uv(loop), UV_RUN_NOWAIT);
        rt_resolve_cancel(r, id);
        rt_resolve_cancel(r, id);
    }
    unsigned before = none.calls; /* one that was answered before it was cancelled */
    struct answer a = ask(r, "has.mine", 1);
    assert_int_equal(a.err, ERR_OK);
    assert_int_equal(none.calls, before);
    assert_int_equal(rt_resolve(r, "other.mine", 1, on_answer, &none, &id), ERR_OK);
    rt_resolver_free(r); /* with one open */
    assert_int_equal(none.calls, before);

    r = resolver(&u, 0, false);
    a = (struct answer){ .free_inside = r };
    assert_int_equal(rt_resolve(r, "has.mine", 1, on_answer, &a, &id), ERR_OK);
    assert_int_equal(rt_resolve(r, "no.mine", 1, on_answer, &a, &id), ERR_OK);
    run();
    assert_int_equal(a.calls, 1);
    rt_sock_close(u.s);
}

static void bad_config(void **state)
{
    struct rt_resolve_zone z = { .zone = "mine", .n_server = 1 };
    struct rt_resolve_config c = { .n_zone = 1, .zone = &z };
    struct rt_resolver *r = NULL;
    assert_int_equal(rt_resolver_new(loop, &c, &r), ERR_CONFIG); /* no address */
    assert_int_equal(addr_parse("127.0.0.1", &z.server[0]), ERR_OK);
    z.zone = "a..b";
    assert_int_equal(rt_resolver_new(loop, &c, &r), ERR_CONFIG);
    z.zone = "mine";
    c.n_upstream = 99;
    assert_int_equal(rt_resolver_new(loop, &c, &r), ERR_CONFIG);
    assert_null(r);
    rt_resolver_free(NULL);
}

static int setup(void **state)
{
    loop = rt_loop_new();
    return loop ? 0 : -1;
}

static int teardown(void **state)
{
    rt_loop_free(loop);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(udp),         cmocka_unit_test(dead_ports),   cmocka_unit_test(tcp),
        cmocka_unit_test(tcp_hang_up), cmocka_unit_test(freed_inside), cmocka_unit_test(full),
        cmocka_unit_test(answers),     cmocka_unit_test(refused),      cmocka_unit_test(silence),
        cmocka_unit_test(siblings),    cmocka_unit_test(cancelled),    cmocka_unit_test(bad_config),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
