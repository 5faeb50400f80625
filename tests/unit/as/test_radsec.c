/* SPDX-License-Identifier: Apache-2.0
 *
 * The server's side of RADIUS in TLS with clients in the same loop: who is a client, what closes a connection, who makes room.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "aka/radius.h"
#include "as/radsec.h"
#include "common/crypto/secret.h"
#include "common/rt/osrand.h"
#include "common/rt/tls_stream.h"
#include "tests/unit/crypto/made_cert.h"

#define CONNS 3

enum { ROOT, STRANGER, SERVER, CLIENT, OTHER, STRANGE_CLIENT, N_CERTS };
static struct made_cert *cert[N_CERTS];

struct peer {
    struct world *w;
    struct tls_ctx *tls;
    struct rt_tls *t;
    unsigned ups, downs, answers;
    err why;
};

struct world {
    struct rt_loop *loop;
    struct env env;
    struct as_conf conf;
    struct as_client clients[2];
    struct radsec *r;
    struct addr at;
    struct peer peer[CONNS + 2];
    unsigned inputs;
    uint32_t client, conn;
    bool good; /* what input says */
};

static bool on_input(void *ctx, uint32_t client, uint32_t conn, const struct addr *peer, struct span packet)
{
    struct world *w = ctx;
    w->inputs++;
    w->client = client;
    w->conn = conn;
    assert_int_equal(peer->family, ADDR_V4);
    assert_int_not_equal(conn, 0);
    if (w->good)
        assert_true(radsec_send(w->r, conn, packet)); /* what came goes back */
    return w->good;
}

static void peer_up(void *ctx)
{
    struct peer *p = ctx;
    p->ups++;
}

static size_t peer_frame(void *ctx, struct span in)
{
    (void)ctx;
    return radius_frame(in);
}

static void peer_input(void *ctx, struct span frame)
{
    struct peer *p = ctx;
    assert_int_equal(frame.n, RADIUS_HEADER);
    p->answers++;
}

static void peer_down(void *ctx, err why, const char *text)
{
    struct peer *p = ctx;
    (void)text;
    p->downs++;
    p->why = why;
}

static const struct rt_tls_ops peer_ops = {
    .up = peer_up, .frame = peer_frame, .input = peer_input, .down = peer_down
};

static void on_lingered(void *ctx)
{
    struct world *w = ctx;
    rt_loop_stop(w->loop);
}

static void linger(struct world *w, uint64_t us)
{
    struct rt_timer *t = rt_timer_new(w->loop, on_lingered, w);
    rt_timer_at(t, rt_now_us() + us);
    rt_loop_run(w->loop);
    rt_timer_free(t);
}

static struct tls_ctx *context(bool server, int own)
{
    struct tls_ctx *t = NULL;
    char why[TLS_WHY_MAX];
    assert_int_equal(tls_ctx_new(&(struct tls_conf){ .server = server,
                                                     .ca_pem = made_cert_pem(cert[ROOT]),
                                                     .cert_pem = made_cert_pem(cert[own]),
                                                     .key_pem = made_cert_key(cert[own]),
                                                     .least = TLS_1_2,
                                                     .most = TLS_1_3 },
                                 &t, why),
                     ERR_OK);
    return t;
}

/* A client connects; it stays away for long once it lost its connection. */
static struct peer *connect_peer(struct world *w, int i, int own)
{
    struct peer *p = &w->peer[i];
    p->w = w;
    p->tls = context(false, own);
    p->t = rt_tls_new(w->loop,
                      &(struct rt_tls_conf){ .tls = p->tls,
                                             .name = "as.example",
                                             .frame_max = RADIUS_MAX,
                                             .handshake_us = 1000000,
                                             .peer = w->at,
                                             .connect_us = 1000000,
                                             .retry_us = 60000000,
                                             .retry_max_us = 60000000 },
                      &peer_ops, p);
    assert_non_null(p->t);
    for (int k = 0; k < 500 && !p->ups && !p->downs; k++)
        linger(w, 10000);
    linger(w, 30000); /* what a server says of it with TLS 1.3 comes after that */
    return p;
}

static void say(struct peer *p)
{
    const uint8_t packet[RADIUS_HEADER] = { RADIUS_STATUS_SERVER, 1, 0, RADIUS_HEADER };
    unsigned inputs = p->w->inputs;
    assert_int_equal(rt_tls_send(p->t, span_of(packet, sizeof packet)), ERR_OK);
    for (int k = 0; k < 500 && p->w->inputs == inputs; k++)
        linger(p->w, 10000);
    linger(p->w, 30000);
}

static json_int_t counted(struct world *w, const char *what)
{
    json_t *s = radsec_status(w->r), *v = json_object_get(s, what);
    json_int_t n = json_is_array(v) ? (json_int_t)json_array_size(v) : json_integer_value(v);
    json_decref(s);
    return n;
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    uint16_t port = 0;
    struct addr lo = addr_v4(0x7f000001);
    w->loop = rt_loop_new();
    w->env = rt_env((struct log){ 0 });
    w->good = true;
    w->clients[0] = (struct as_client){ .name = "ap", .address = lo }; /* over UDP alone */
    w->clients[1] = (struct as_client){ .name = "fa", .certificate = "fa.example" };
    w->conf = (struct as_conf){ .clients = w->clients, .n_clients = 2 };
    w->conf.radsec = (struct as_radsec_conf){
        .n_listen = 1, .tls = context(true, SERVER), .connections = CONNS, .idle_us = 10000000
    };
    for (int tries = 0; tries < 50 && !w->r; tries++) { /* a port that is free */
        rt_random(&port, sizeof port);
        w->at = lo;
        w->at.port = (uint16_t)(20000 + port % 30000);
        w->conf.radsec.listen[0] = w->at;
        if (radsec_open(w->loop, &w->conf, &w->env, on_input, w, &w->r) != ERR_OK)
            w->r = NULL;
    }
    assert_non_null(w->r);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < CONNS + 2; i++) {
        rt_tls_free(w->peer[i].t);
        tls_ctx_free(w->peer[i].tls);
    }
    radsec_close(w->r);
    tls_ctx_free(w->conf.radsec.tls);
    rt_loop_free(w->loop);
    free(w);
    return 0;
}

static void client(void **state)
{
    struct world *w = *state;
    struct peer *p = connect_peer(w, 0, CLIENT);
    assert_int_equal(p->ups, 1);
    say(p);
    assert_int_equal(w->inputs, 1);
    assert_int_equal(w->client, 1);
    assert_int_equal(p->answers, 1);
    assert_int_equal(counted(w, "connections"), 1);
    uint32_t first = w->conn;
    rt_tls_free(p->t);
    tls_ctx_free(p->tls);
    linger(w, 30000);
    assert_int_equal(counted(w, "connections"), 0);
    assert_false(radsec_send(w->r, first, span_of("x", 1)));
    p = connect_peer(w, 0, CLIENT); /* the same place, another connection */
    say(p);
    assert_int_not_equal(w->conn, first);
    assert_false(radsec_send(w->r, first, span_of("x", 1)));
    assert_false(radsec_send(w->r, 0xffffffff, span_of("x", 1)));
}

/* The CA stands for it, and no client is called so; and one for which the CA does not stand. */
static void nobody(void **state)
{
    struct world *w = *state;
    struct peer *p = connect_peer(w, 0, OTHER);
    assert_int_equal(p->downs, 1);
    assert_int_equal(counted(w, "refused"), 1);
    p = connect_peer(w, 1, STRANGE_CLIENT);
    assert_int_equal(p->downs, 1);
    assert_int_equal(p->why, ERR_AUTH);
    assert_int_equal(counted(w, "refused"), 2);
    assert_int_equal(counted(w, "connections"), 0);
    assert_int_equal(w->inputs, 0);
}

/* RFC 6613 s2.6.4 */
static void closed_bad(void **state)
{
    struct world *w = *state;
    struct peer *p = connect_peer(w, 0, CLIENT);
    w->good = false;
    say(p);
    assert_int_equal(w->inputs, 1);
    assert_int_equal(p->downs, 1);
    assert_int_equal(counted(w, "closed_bad"), 1);
    assert_int_equal(counted(w, "connections"), 0);
    w->good = true;
    p = connect_peer(w, 1, CLIENT);
    const uint8_t no_packet[RADIUS_HEADER] = { 1, 1, 0, 3 };
    assert_int_equal(rt_tls_send(p->t, span_of(no_packet, sizeof no_packet)), ERR_OK);
    linger(w, 40000);
    assert_int_equal(p->downs, 1);
    assert_int_equal(w->inputs, 1);
}

static void silent_up(void *ctx)
{
    (void)ctx;
}

static void silent_down(void *ctx, err why)
{
    (void)why;
    ++*(unsigned *)ctx;
}

static const struct rt_stream_ops silent_ops = {
    .up = silent_up, .frame = NULL, .input = NULL, .down = silent_down
};

/* Strangers who show nothing take every place: a client gets in all the same, and no client is pushed out. */
static void room(void **state)
{
    struct world *w = *state;
    struct rt_stream *s[2 * CONNS];
    unsigned downs = 0;
    for (int i = 0; i < 2 * CONNS; i++) {
        s[i] = rt_stream_new(w->loop,
                             &(struct rt_stream_conf){ .peer = w->at,
                                                       .in_max = 64,
                                                       .out_max = 64,
                                                       .connect_us = 1000000,
                                                       .retry_us = 60000000,
                                                       .retry_max_us = 60000000 },
                             &silent_ops, &downs);
        linger(w, 10000);
    }
    assert_int_equal(downs, CONNS);
    for (int i = 0; i < CONNS; i++)
        assert_int_equal(connect_peer(w, i, CLIENT)->ups, 1);
    assert_int_equal(counted(w, "connections"), CONNS);
    assert_int_equal(downs, 2 * CONNS);
    struct peer *late = connect_peer(w, CONNS, CLIENT); /* full of clients */
    assert_int_equal(late->ups, 0);
    assert_int_equal(late->downs, 1);
    for (int i = 0; i < CONNS; i++) {
        assert_int_equal(w->peer[i].downs, 0);
        say(&w->peer[i]);
        assert_int_equal(w->peer[i].answers, 1);
    }
    for (int i = 0; i < 2 * CONNS; i++)
        rt_stream_free(s[i]);
}

static int group_setup(void **state)
{
    uint64_t now = (uint64_t)time(NULL), from = now - 86400, to = now + 86400;
    (void)state;
    if (crypto_init() != ERR_OK)
        return 1;
    cert[ROOT] =
        made_cert(&(struct made_cert_wish){ .name = "root", .ca = true, .from_s = from, .to_s = to });
    cert[STRANGER] =
        made_cert(&(struct made_cert_wish){ .name = "stranger", .ca = true, .from_s = from, .to_s = to });
    cert[SERVER] = made_cert(&(struct made_cert_wish){
        .name = "as", .by = cert[ROOT], .from_s = from, .to_s = to, .names = "DNS:as.example" });
    cert[CLIENT] = made_cert(&(struct made_cert_wish){
        .name = "fa", .by = cert[ROOT], .from_s = from, .to_s = to, .names = "DNS:fa.example" });
    cert[OTHER] = made_cert(&(struct made_cert_wish){
        .name = "fa.example", .by = cert[ROOT], .from_s = from, .to_s = to, .names = "DNS:other.example" });
    cert[STRANGE_CLIENT] = made_cert(&(struct made_cert_wish){
        .name = "fa", .by = cert[STRANGER], .from_s = from, .to_s = to, .names = "DNS:fa.example" });
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CERTS; i++)
        made_cert_free(cert[i]);
    return 0;
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest t[] = { T(client), T(nobody), T(closed_bad), T(room) };
    return cmocka_run_group_tests(t, group_setup, group_teardown);
}
