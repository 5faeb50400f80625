/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams against each other over the loopback interface: frames in pieces and many at once, bounds in both directions, connecting to nobody and to
 * somebody who does not answer, back-off, and freeing or resetting inside each callback.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/crypto/secret.h"
#include "common/rt/stream.h"

static struct rt_loop *loop;

enum where { NOWHERE, IN_UP, IN_INPUT, IN_DOWN };

/* One end, and what it has seen. A frame is an octet with its length, itself included. */
struct end {
    struct rt_stream *s;
    struct rt_listen *from;
    unsigned ups, downs, frames;
    err why;
    uint8_t got[4096];
    size_t got_n;
    unsigned want_ups, want_downs, want_frames; /* the loop ends when one that is set is reached */
    enum where free_in, reset_in;
    bool echo;
    size_t in_max, out_max;
};

static void act(struct end *e, enum where w)
{
    if (e->reset_in == w)
        rt_stream_reset(e->s);
    if (e->free_in == w) {
        rt_stream_free(e->s);
        e->s = NULL;
    }
    if ((e->want_ups && e->ups >= e->want_ups) || (e->want_downs && e->downs >= e->want_downs) ||
        (e->want_frames && e->frames >= e->want_frames))
        rt_loop_stop(loop);
}

static void on_up(void *ctx)
{
    struct end *e = ctx;
    e->ups++;
    act(e, IN_UP);
}

static size_t on_frame(void *ctx, struct span in)
{
    return in.p[0] == 0xff ? RT_STREAM_BAD : in.p[0];
}

static void on_input(void *ctx, struct span f)
{
    struct end *e = ctx;
    e->frames++;
    assert_int_equal(f.n, f.p[0]);
    if (e->got_n + f.n <= sizeof e->got) {
        memcpy(e->got + e->got_n, f.p, f.n);
        e->got_n += f.n;
    }
    if (e->echo)
        assert_int_equal(rt_stream_send(e->s, f), ERR_OK);
    act(e, IN_INPUT);
}

static void on_down(void *ctx, err why)
{
    struct end *e = ctx;
    e->downs++;
    e->why = why;
    act(e, IN_DOWN);
}

static const struct rt_stream_ops ops = {
    .up = on_up, .frame = on_frame, .input = on_input, .down = on_down
};

static void on_accept(void *ctx, struct rt_accepted *a, const struct addr *peer)
{
    struct end *e = ctx;
    assert_true(addr_is_loopback(peer));
    if (e->s)
        rt_stream_free(e->s);
    e->s = rt_stream_accept(a, e->in_max, e->out_max, &ops, e);
    assert_non_null(e->s);
    assert_true(rt_stream_is_up(e->s));
    assert_null(rt_stream_accept(a, 1, 1, &ops, e));
    on_up(e);
}

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

static void stop(void *ctx)
{
    rt_loop_stop(loop);
}

static void run_for(uint64_t us)
{
    struct rt_timer *t = rt_timer_new(loop, stop, NULL);
    rt_timer_at(t, rt_now_us() + us);
    run();
    rt_timer_free(t);
}

static struct addr lo(uint16_t port)
{
    struct addr a = addr_v4(0x7f000001);
    a.port = port;
    return a;
}

/* A server and a client of it, both up. */
static void open_pair(struct end *server, struct end *client, bool secret)
{
    struct addr at = lo(0);
    if (!server->in_max)
        server->in_max = server->out_max = 256;
    assert_int_equal(rt_listen_open(loop, &at, 1, on_accept, server, &server->from), ERR_OK);
    struct rt_stream_conf c = { .peer = rt_listen_local(server->from),
                                .in_max = 256,
                                .out_max = 1024,
                                .secret = secret,
                                .connect_us = 2000000,
                                .retry_us = 20000,
                                .retry_max_us = 80000 };
    client->s = rt_stream_new(loop, &c, &ops, client);
    assert_non_null(client->s);
    assert_int_equal(rt_stream_send(client->s, span_str("x")), ERR_STATE);
}

static void close_pair(struct end *server, struct end *client)
{
    rt_stream_free(client->s);
    rt_stream_free(server->s);
    rt_listen_close(server->from);
}

static int set_up(void **state)
{
    loop = rt_loop_new();
    return loop ? 0 : -1;
}

static int tear_down(void **state)
{
    rt_loop_free(loop);
    return 0;
}

static void echoes(bool secret)
{
    struct end server = { .echo = true }, client = { .want_ups = 1 };
    uint8_t sent[600];
    size_t n = 0;
    open_pair(&server, &client, secret);
    run();
    client.want_ups = 0;
    for (uint8_t len = 1; n + len <= sizeof sent; len = (uint8_t)(len * 2 > 200 ? 3 : len * 2)) {
        memset(sent + n, len, len);
        n += len;
        client.want_frames++;
    }
    /* in pieces of seven octets, as TCP may do it */
    for (size_t i = 0; i < n; i += 7)
        assert_int_equal(rt_stream_send(client.s, span_of(sent + i, n - i < 7 ? n - i : 7)), ERR_OK);
    run();
    assert_int_equal(client.got_n, n);
    assert_memory_equal(client.got, sent, n);
    assert_int_equal(server.frames, client.frames);
    assert_int_equal(rt_stream_waiting(client.s), 0);
    close_pair(&server, &client);
}

static void test_frames(void **state)
{
    echoes(false);
    echoes(true);
}

static void test_frame_bounds(void **state)
{
    static const struct {
        size_t in_max;
        uint8_t first;
        size_t sent;
        err why;
    } cases[] = { { 16, 17, 1, ERR_FULL },        /* announced: nothing of it is waited for */
                  { 16, 16, 16, ERR_OK },         /* as long as allowed */
                  { 16, 0, 16, ERR_FULL },        /* never says how long it is */
                  { 16, 0xff, 1, ERR_MALFORMED }, /* not the protocol */
                  { 16, 9, 5, ERR_TRUNCATED } };  /* ends in the middle */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct end server = { .in_max = cases[i].in_max, .out_max = 64, .want_downs = 1, .want_ups = 1 },
                   client = { 0 };
        uint8_t b[32] = { cases[i].first };
        open_pair(&server, &client, false);
        run();
        run_for(20000); /* the client's own up */
        server.want_ups = 0;
        assert_int_equal(rt_stream_send(client.s, span_of(b, cases[i].sent)), ERR_OK);
        if (cases[i].why == ERR_OK || cases[i].why == ERR_TRUNCATED) {
            rt_stream_free(client.s);
            client.s = NULL;
        }
        run();
        assert_int_equal(server.why, cases[i].why);
        assert_int_equal(server.frames, cases[i].why == ERR_OK);
        assert_false(rt_stream_is_up(server.s));
        assert_int_equal(rt_stream_send(server.s, span_str("x")), ERR_STATE);
        close_pair(&server, &client);
    }
}

/* The other side does not read: the queue fills up to its bound, and all that was taken arrives once it does. */
static void test_queue_bound(void **state)
{
    struct end server = { .want_ups = 1, .in_max = 256, .out_max = 256 }, client = { 0 };
    uint8_t b[100] = { 100 };
    size_t taken = 0, room = (size_t)64 << 20;
    open_pair(&server, &client, false);
    run();
    run_for(20000);
    assert_true(rt_stream_is_up(client.s));
    server.want_ups = 0;
    err e = ERR_OK;
    while (e == ERR_OK && taken < room) {
        e = rt_stream_send(client.s, span_of(b, sizeof b));
        taken += e == ERR_OK ? sizeof b : 0;
    }
    assert_int_equal(e, ERR_FULL);
    assert_true(rt_stream_waiting(client.s) > 1024 - sizeof b && rt_stream_waiting(client.s) <= 1024);
    assert_int_equal(rt_stream_send(client.s, span_of(NULL, 0)), ERR_OK);
    server.want_frames = (unsigned)(taken / sizeof b);
    for (unsigned seen = 0; server.frames < server.want_frames; seen = server.frames) {
        run_for(50000);
        assert_true(server.frames > seen);
    }
    assert_int_equal(server.frames * sizeof b, taken);
    close_pair(&server, &client);
}

static void test_nobody_there(void **state)
{
    struct end server = { 0 }, client = { .want_downs = 4 };
    struct addr at = lo(0);
    server.in_max = server.out_max = 256;
    assert_int_equal(rt_listen_open(loop, &at, 1, on_accept, &server, &server.from), ERR_OK);
    struct rt_stream_conf c = { .peer = rt_listen_local(server.from),
                                .in_max = 64,
                                .out_max = 64,
                                .connect_us = 1000000,
                                .retry_us = 20000,
                                .retry_max_us = 40000 };
    rt_listen_close(server.from);
    uint64_t t0 = rt_now_us();
    client.s = rt_stream_new(loop, &c, &ops, &client);
    run();
    uint64_t took = rt_now_us() - t0;
    assert_int_equal(client.why, ERR_UNREACHABLE);
    assert_int_equal(client.ups, 0);
    assert_true(took >= 10000 + 20000 + 20000); /* three pauses: 20, 40, 40 ms, half of each for certain */
    assert_true(rt_stream_retry_at(client.s) != HEAP_NEVER);
    /* somebody is there now: the client comes without being told */
    client.want_downs = 0;
    client.want_ups = 1;
    assert_int_equal(rt_listen_open(loop, &c.peer, 1, on_accept, &server, &server.from), ERR_OK);
    run();
    assert_true(rt_stream_retry_at(client.s) == HEAP_NEVER);
    close_pair(&server, &client);
}

/* A socket that listens with its queue full does not answer. */
static void test_connect_timeout(void **state)
{
    struct end client = { .want_downs = 1 };
    struct rt_stream_conf c = { .peer = addr_v4(0xc0000201), /* TEST-NET-1 */
                                .in_max = 64,
                                .out_max = 64,
                                .connect_us = 100000,
                                .retry_us = 1000000,
                                .retry_max_us = 1000000 };
    c.peer.port = 9;
    client.s = rt_stream_new(loop, &c, &ops, &client);
    uint64_t t0 = rt_now_us();
    run();
    assert_true(client.why == ERR_TIMEOUT ||
                client.why == ERR_UNREACHABLE); /* no route where the test runs */
    assert_true(client.why == ERR_UNREACHABLE || rt_now_us() - t0 >= 100000);
    rt_stream_free(client.s);
}

static void test_comes_back(void **state)
{
    struct end server = { .want_ups = 1 }, client = { 0 };
    open_pair(&server, &client, false);
    run();
    run_for(20000);
    for (unsigned i = 1; i <= 5; i++) {
        rt_stream_settled(client.s); /* else the pauses would grow */
        server.want_ups = 0;
        client.want_downs = i;
        rt_stream_free(server.s);
        server.s = NULL;
        run();
        assert_int_equal(client.why, ERR_OK);
        uint64_t pause = rt_stream_retry_at(client.s) - rt_now_us();
        assert_true(pause <= 20000);
        client.want_downs = 0;
        server.want_ups = i + 1;
        run();
    }
    run_for(20000);
    assert_int_equal(client.ups, 6);
    close_pair(&server, &client);
}

static void test_too_many(void **state)
{
    struct end server = { .want_ups = 1 }, client = { 0 }, other = { .want_downs = 1 };
    open_pair(&server, &client, false);
    run();
    struct rt_stream_conf c = { .peer = rt_listen_local(server.from),
                                .in_max = 64,
                                .out_max = 64,
                                .connect_us = 1000000,
                                .retry_us = 10000000,
                                .retry_max_us = 10000000 };
    server.want_ups = 0;
    other.s = rt_stream_new(loop, &c, &ops, &other);
    run();
    assert_int_equal(rt_listen_refused(server.from), 1);
    assert_int_equal(server.ups, 1);
    rt_stream_free(other.s);
    close_pair(&server, &client);
}

/* The owner lets go inside each callback: nothing is called, read or freed after it. */
static void test_free_inside(void **state)
{
    static const struct {
        enum where free_in, reset_in;
    } cases[] = {
        { IN_UP, NOWHERE },    { IN_INPUT, NOWHERE }, { IN_DOWN, NOWHERE },   { NOWHERE, IN_UP },
        { NOWHERE, IN_INPUT }, { IN_UP, IN_UP },      { IN_INPUT, IN_INPUT }, { NOWHERE, IN_DOWN }
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static const uint8_t three[] = { 2, 2, 2, 2, 2, 2 };
        struct end server = { .want_ups = 1 },
                   client = { .free_in = cases[i].free_in, .reset_in = cases[i].reset_in };
        open_pair(&server, &client, false);
        run();
        server.want_ups = 0;
        if (rt_stream_is_up(server.s))
            assert_int_equal(rt_stream_send(server.s, span_of(three, sizeof three)), ERR_OK);
        run_for(10000);
        rt_stream_free(server.s);
        server.s = NULL;
        run_for(10000);
        if (cases[i].free_in == IN_INPUT || cases[i].reset_in == IN_INPUT)
            assert_int_equal(client.frames, 1);
        if (cases[i].free_in != NOWHERE)
            assert_null(client.s);
        /* On a loaded machine it may have been up again, and lost that. */
        if (cases[i].reset_in != NOWHERE && cases[i].reset_in != IN_DOWN &&
            (cases[i].reset_in == IN_UP || client.ups == 1))
            assert_int_equal(client.downs, 0);
        close_pair(&server, &client);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_frames, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_frame_bounds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_queue_bound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nobody_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_connect_timeout, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_free_inside, set_up, tear_down),
    };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
