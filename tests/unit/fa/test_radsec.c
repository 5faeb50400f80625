/* SPDX-License-Identifier: Apache-2.0
 *
 * The RADIUS client over TLS (RFC 6614) against a server in the same loop, which answers, stays silent, forges, or hangs up; the certificates of both ends;
 * connections lost with requests on them.
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

#include "common/crypto/secret.h"
#include "common/rt/osrand.h"
#include "common/rt/tls_stream.h"
#include "fa/as_radius.h"
#include "tests/unit/crypto/made_cert.h"

#define CONNS 16

enum { ROOT, STRANGER, SERVER, CLIENT, STRANGE_CLIENT, N_CERTS };
static struct made_cert *cert[N_CERTS];

enum how { RIGHT, SILENT, HANGS_UP_ONCE, HANGS_UP, FORGES, NO_FRAME, DEAF };

struct conn {
    struct fixture *f;
    struct rt_tls *tls;
};

struct server {
    struct rt_listen *listen;
    struct tls_ctx *tls;
    struct conn conn[CONNS];
    size_t conns, requests, probes, hung_up;
    enum how how;
    uint8_t seen[RADIUS_MAX]; /* the last request */
    size_t seen_n;
    unsigned same; /* requests that were the one before, octet for octet */
    bool id[256];  /* identifiers that requests had, */
    unsigned ids;  /* so many */
};

struct fixture {
    struct rt_loop *loop;
    struct env env;
    struct server server[2];
    struct as as;
    size_t results, wanted;
    struct fa_result last;
    unsigned lost, back;
    char why[AS_SERVER_TEXT_MAX];
};

static struct server *server_of(struct conn *c)
{
    return &c->f->server[c >= c->f->server[1].conn ? 1 : 0];
}

static size_t frame(void *ctx, struct span in)
{
    (void)ctx;
    return radius_frame(in);
}

static void reply(struct conn *c, const struct radius_pkt *p, enum how how)
{
    uint8_t out[RADIUS_MAX];
    size_t n = 0;
    struct radius_wr w = radius_wr_begin(
        out, sizeof out, p->code == RADIUS_STATUS_SERVER ? RADIUS_ACCESS_ACCEPT : RADIUS_ACCESS_CHALLENGE,
        p->id, p->auth);
    if (p->code == RADIUS_ACCESS_REQUEST) {
        radius_wr_eap(&w, span_of("\x01\x02\x00\x05\x01", 5));
        radius_wr_attr(&w, RADIUS_STATE, span_str("state"));
    }
    struct span secret = how == FORGES ? span_str("another") : span_str(RADIUS_TLS_SECRET);
    assert_int_equal(radius_wr_end(&w, secret, &n), ERR_OK);
    if (how == NO_FRAME)
        out[2] = out[3] = 0; /* Length 0 */
    assert_int_equal(rt_tls_send(c->tls, span_of(out, n)), ERR_OK);
}

static void hang_up(struct conn *c)
{
    rt_tls_free(c->tls);
    c->tls = NULL;
    server_of(c)->hung_up++;
}

static void on_input(void *ctx, struct span in)
{
    struct conn *c = ctx;
    struct server *s = server_of(c);
    struct radius_pkt p;
    assert_int_equal(radius_parse(in, &p), ERR_OK);
    assert_int_equal(radius_check_request(&p, span_str(RADIUS_TLS_SECRET)), ERR_OK);
    if (p.code == RADIUS_STATUS_SERVER) {
        s->probes++;
        if (s->how != DEAF)
            reply(c, &p, RIGHT);
        return;
    }
    s->ids += !s->id[p.id];
    s->id[p.id] = true;
    s->same += s->requests && span_eq(in, span_of(s->seen, s->seen_n));
    memcpy(s->seen, in.p, in.n);
    s->seen_n = in.n;
    s->requests++;
    if (s->how == HANGS_UP || (s->how == HANGS_UP_ONCE && s->requests == 1))
        hang_up(c);
    else if (s->how != SILENT && s->how != DEAF)
        reply(c, &p, s->how);
}

static void on_down(void *ctx, err why, const char *text)
{
    struct conn *c = ctx;
    (void)why, (void)text;
    rt_tls_free(c->tls);
    c->tls = NULL;
}

static void on_up(void *ctx)
{
    (void)ctx;
}

static const struct rt_tls_ops server_ops = {
    .up = on_up, .frame = frame, .input = on_input, .down = on_down
};

static void on_accept(void *ctx, struct rt_accepted *a, const struct addr *peer)
{
    struct conn *first = ctx;
    struct server *s = server_of(first);
    struct conn *c = &s->conn[s->conns++ % CONNS];
    (void)peer;
    c->tls = rt_tls_accept(
        c->f->loop, a,
        &(struct rt_tls_conf){ .tls = s->tls, .frame_max = RADIUS_MAX, .handshake_us = 1000000 }, &server_ops,
        c);
    assert_non_null(c->tls);
}

static struct addr open_server(struct fixture *f, size_t i, struct addr at, int own, enum tls_version least,
                               enum tls_version most)
{
    struct server *s = &f->server[i];
    char why[TLS_WHY_MAX];
    for (size_t k = 0; k < CONNS; k++)
        s->conn[k].f = f;
    assert_int_equal(tls_ctx_new(&(struct tls_conf){ .server = true,
                                                     .ca_pem = made_cert_pem(cert[ROOT]),
                                                     .cert_pem = made_cert_pem(cert[own]),
                                                     .key_pem = made_cert_key(cert[own]),
                                                     .least = least,
                                                     .most = most },
                                 &s->tls, why),
                     ERR_OK);
    assert_int_equal(rt_listen_open(f->loop, &at, CONNS, on_accept, &s->conn[0], &s->listen), ERR_OK);
    return rt_listen_local(s->listen);
}

static void close_server(struct server *s)
{
    for (size_t k = 0; k < CONNS; k++) {
        rt_tls_free(s->conn[k].tls);
        s->conn[k].tls = NULL;
    }
    rt_listen_close(s->listen);
    tls_ctx_free(s->tls);
    s->listen = NULL;
    s->tls = NULL;
}

static void on_result(void *ctx, const struct fa_result *r)
{
    struct fixture *f = ctx;
    f->last = *r;
    if (++f->results == f->wanted)
        rt_loop_stop(f->loop);
}

static void on_told(void *ctx, uint16_t realm, const struct as_server *s, bool there, const char *why)
{
    struct fixture *f = ctx;
    (void)realm, (void)s;
    *(there ? &f->back : &f->lost) += 1;
    if (!there)
        snprintf(f->why, sizeof f->why, "%s", why);
}

static void open_client(struct fixture *f, const struct addr *at, uint8_t n, int own, const char *name)
{
    struct as_radius_times times = { 40000, 80000, 600000, as_server_default_times };
    struct as_radius_realm realm = { .n_server = n };
    char why[AS_SERVER_TEXT_MAX];
    times.server.watch_us = 100000;
    times.server.answer_us = 100000;
    times.server.retry_us = 20000;
    times.server.retry_max_us = 80000;
    for (uint8_t i = 0; i < n; i++)
        realm.server[i] = (struct as_server_conf){ .address = at[i],
                                                   .tls = true,
                                                   .name = name,
                                                   .ca_pem = made_cert_pem(cert[ROOT]),
                                                   .cert_pem = made_cert_pem(cert[own]),
                                                   .key_pem = made_cert_key(cert[own]) };
    const struct as_radius_config c = { .loop = f->loop,
                                        .env = &f->env,
                                        .realms = &realm,
                                        .n_realms = 1,
                                        .times = &times,
                                        .per_second = 1000,
                                        .done = on_result,
                                        .told = on_told,
                                        .ctx = f };
    assert_int_equal(as_radius_open(&c, &f->as, why), ERR_OK);
}

static struct addr loopback(void)
{
    return addr_v4(0x7f000001);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->loop = rt_loop_new();
    f->env = rt_env((struct log){ 0 });
    f->wanted = 1;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    if (f->as.ops)
        f->as.ops->close(f->as.ctx);
    close_server(&f->server[0]);
    close_server(&f->server[1]);
    rt_loop_free(f->loop);
    free(f);
    return 0;
}

static struct fa_job request(uint8_t server)
{
    struct fa_job j = { .ref = { 7, 9 }, .type = FA_JOB_AS };
    snprintf(j.as.nas_id, sizeof j.as.nas_id, "HIP:20010022000000000000000000000001");
    snprintf(j.as.user, sizeof j.as.user, "6001010000000001@wlan.mnc001.mcc001.3gppnetwork.org");
    j.as.server = server;
    j.as.eap_len = 600;
    memset(j.as.eap, 0x5a, sizeof j.as.eap);
    return j;
}

static void begin(struct fixture *f, uint8_t server)
{
    struct fa_job j = request(server);
    assert_int_equal(f->as.ops->ask(f->as.ctx, &j), ERR_OK);
}

static void ask(struct fixture *f, uint8_t server)
{
    f->results = 0;
    begin(f, server);
    rt_loop_run(f->loop);
}

static void on_lingered(void *ctx)
{
    struct fixture *f = ctx;
    rt_loop_stop(f->loop);
}

static void linger(struct fixture *f, uint64_t us)
{
    struct rt_timer *t = rt_timer_new(f->loop, on_lingered, f);
    rt_timer_at(t, rt_now_us() + us);
    rt_loop_run(f->loop);
    rt_timer_free(t);
}

static struct as_server_view look(struct fixture *f, uint8_t i)
{
    struct as_server_view v;
    assert_true(as_radius_server(&f->as, 0, i, &v));
    return v;
}

/* Until server i is up, or five seconds. */
static void until_up(struct fixture *f, uint8_t i)
{
    for (int k = 0; k < 500 && strcmp(look(f, i).state, "up") != 0; k++)
        linger(f, 10000);
    assert_string_equal(look(f, i).state, "up");
}

static struct addr one(struct fixture *f, const char *name, enum tls_version least, enum tls_version most)
{
    struct addr at = open_server(f, 0, loopback(), SERVER, least, most);
    open_client(f, &at, 1, CLIENT, name);
    return at;
}

/* Asked before it was even connected: the request waits for that. Both versions, the server known by name or by address. */
static void versions(void **state)
{
    struct fixture *f = *state;
    one(f, "as.example", TLS_1_2, TLS_1_3);
    ask(f, 0);
    assert_int_equal(f->last.err, ERR_OK);
    assert_int_equal(f->last.as.code, FA_AS_CHALLENGE);
    assert_string_equal(look(f, 0).version, "TLSv1.3");
    assert_string_equal(look(f, 0).state, "up");
    assert_int_equal(look(f, 0).open, 0);
    f->as.ops->close(f->as.ctx);
    close_server(&f->server[0]);
    one(f, NULL, TLS_1_2, TLS_1_2);
    ask(f, 0);
    assert_int_equal(f->last.err, ERR_OK);
    assert_string_equal(look(f, 0).version, "TLSv1.2");
}

/* 256 at a time on one connection, each under an identifier of its own; there is no 257th. */
static void identifiers(void **state)
{
    struct fixture *f = *state;
    struct fa_job j = request(1);
    one(f, "as.example", TLS_1_3, TLS_1_3);
    until_up(f, 0);
    f->server[0].how = SILENT;
    f->wanted = AS_SERVER_IDS;
    for (size_t i = 0; i < f->wanted; i++)
        begin(f, 1);
    assert_int_equal(f->as.ops->ask(f->as.ctx, &j), ERR_FULL);
    rt_loop_run(f->loop);
    assert_int_equal(f->server[0].requests, AS_SERVER_IDS);
    assert_int_equal(f->server[0].same, 0);
    assert_int_equal(f->server[0].ids, AS_SERVER_IDS);
    assert_int_equal(f->server[0].conns, 1);
    assert_int_equal(look(f, 0).open, 0);
}

/* RFC 6613 s2.6: nothing is sent twice on a connection. */
static void no_retransmission(void **state)
{
    struct fixture *f = *state;
    one(f, "as.example", TLS_1_2, TLS_1_3);
    f->server[0].how = SILENT;
    ask(f, 0);
    assert_int_equal(f->last.err, ERR_TIMEOUT);
    assert_int_equal(f->server[0].requests, 1);
    assert_true(f->server[0].probes >= 2); /* the watchdog asked, and the connection stayed */
    assert_int_equal(f->server[0].conns, 1);
    assert_int_equal(f->lost, 0);
}

/* The connection is lost with a request on it: once more on the next, the same octets; and not a third time. */
static void lost_in_flight(void **state)
{
    struct fixture *f = *state;
    one(f, "as.example", TLS_1_2, TLS_1_3);
    f->server[0].how = HANGS_UP_ONCE;
    ask(f, 0);
    assert_int_equal(f->last.err, ERR_OK);
    assert_int_equal(f->server[0].requests, 2);
    assert_int_equal(f->server[0].same, 1);
    assert_int_equal(f->lost, 1);
    until_up(f, 0);
    assert_int_equal(f->back, 1);
    f->server[0].requests = 0;
    f->server[0].how = HANGS_UP;
    ask(f, 0);
    assert_int_equal(f->last.err, ERR_TIMEOUT);
    assert_int_equal(f->server[0].requests, 2);
}

/* Nobody listens at first: the request ends in time, later ones find the connection. */
static void down_at_first(void **state)
{
    struct fixture *f = *state;
    struct addr at = open_server(f, 0, loopback(), SERVER, TLS_1_2, TLS_1_3);
    close_server(&f->server[0]);
    open_client(f, &at, 1, CLIENT, "as.example");
    uint64_t since = rt_now_us();
    ask(f, 0);
    assert_int_equal(f->last.err, ERR_TIMEOUT);
    assert_true(rt_now_us() - since >= 600000);
    assert_string_equal(look(f, 0).state, "connecting");
    (void)open_server(f, 0, at, SERVER, TLS_1_2, TLS_1_3);
    until_up(f, 0);
    ask(f, 0);
    assert_int_equal(f->last.err, ERR_OK);
    assert_int_equal(f->back, 1);
}

/* The first is lost with a request that begins a conversation: the second has it at once. One that goes on ends or waits for its own server. */
static void moves_on(void **state)
{
    struct fixture *f = *state;
    struct addr at[2] = { open_server(f, 0, loopback(), SERVER, TLS_1_2, TLS_1_3),
                          open_server(f, 1, loopback(), SERVER, TLS_1_2, TLS_1_3) };
    open_client(f, at, 2, CLIENT, "as.example");
    until_up(f, 0);
    until_up(f, 1);
    f->server[0].how = HANGS_UP;
    ask(f, 0);
    assert_int_equal(f->last.err, ERR_OK);
    assert_int_equal(f->last.as.server, 2);
    assert_int_equal(f->server[0].requests, 1);
    ask(f, 1);
    assert_int_equal(f->last.err, ERR_TIMEOUT);
    assert_int_equal(f->server[1].requests, 1);
}

/* Silent while it is connected: the second gets what begins, after half of the time. */
static void slow(void **state)
{
    struct fixture *f = *state;
    struct addr at[2] = { open_server(f, 0, loopback(), SERVER, TLS_1_2, TLS_1_3),
                          open_server(f, 1, loopback(), SERVER, TLS_1_2, TLS_1_3) };
    open_client(f, at, 2, CLIENT, "as.example");
    until_up(f, 0);
    until_up(f, 1);
    f->server[0].how = SILENT;
    uint64_t since = rt_now_us();
    ask(f, 0);
    assert_int_equal(f->last.err, ERR_OK);
    assert_int_equal(f->last.as.server, 2);
    assert_true(rt_now_us() - since >= 300000);
}

/* It takes octets and says nothing, not even to Status-Server: the connection is given up. */
static void deaf(void **state)
{
    struct fixture *f = *state;
    one(f, "as.example", TLS_1_2, TLS_1_3);
    f->server[0].how = DEAF;
    ask(f, 0);
    assert_int_equal(f->last.err, ERR_TIMEOUT);
    assert_true(f->server[0].conns > 1);
    assert_string_equal(f->why, "no answer on the connection");
    assert_string_equal(look(f, 0).state, "connecting");
}

/* RFC 6613 s2.6.4: what does not verify, or is no packet, ends the connection, and is never taken. */
static void forged(void **state)
{
    static const struct {
        enum how how;
        const char *why;
    } rows[] = { { FORGES, "an answer on the connection does not verify" },
                 { NO_FRAME, "input is malformed" } };
    struct fixture *f = *state;
    one(f, "as.example", TLS_1_2, TLS_1_3);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        f->why[0] = 0;
        f->server[0].how = rows[i].how;
        ask(f, 0);
        assert_int_equal(f->last.err, ERR_TIMEOUT);
        assert_string_equal(f->why, rows[i].why);
    }
    f->server[0].how = RIGHT;
    until_up(f, 0);
    ask(f, 0);
    assert_int_equal(f->last.err, ERR_OK);
}

/* Certificates that do not do: each side's, with a reason that says so; not a packet is exchanged. */
static void certificates(void **state)
{
    static const struct {
        int server, client;
        const char *name, *why;
    } rows[] = {
        { STRANGER, CLIENT, "as.example", "self-signed certificate" },
        { SERVER, CLIENT, "other.example", "hostname mismatch" },
        { SERVER, CLIENT, "192.0.2.9", "IP address mismatch" },
        { SERVER, STRANGE_CLIENT, "as.example", "tlsv1 alert unknown ca" },
        { CLIENT, CLIENT, "fa.example", NULL }, /* what the CA stands for and the name says will do */
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct addr at = open_server(f, 0, loopback(), rows[i].server, TLS_1_2, TLS_1_3);
        open_client(f, &at, 1, rows[i].client, rows[i].name);
        f->server[0].requests = f->server[0].probes = 0;
        ask(f, 0);
        if ((f->last.err == ERR_OK) != (rows[i].why == NULL))
            fail_msg("certificates %zu: %s", i, err_text(f->last.err));
        if (rows[i].why && !strstr(f->why, rows[i].why))
            fail_msg("certificates %zu: \"%s\" where \"%s\" was expected", i, f->why, rows[i].why);
        assert_int_equal(f->server[0].requests, rows[i].why ? 0 : 1);
        f->as.ops->close(f->as.ctx);
        f->as.ops = NULL;
        close_server(&f->server[0]);
    }
}

static int group_setup(void **state)
{
    uint64_t now = (uint64_t)time(NULL), from = now - 86400, to = now + 86400;
    (void)state;
    if (crypto_init() != ERR_OK)
        return 1;
    cert[ROOT] =
        made_cert(&(struct made_cert_wish){ .name = "root", .ca = true, .from_s = from, .to_s = to });
    cert[STRANGER] = made_cert(&(struct made_cert_wish){
        .name = "stranger", .ca = true, .from_s = from, .to_s = to, .names = "DNS:as.example" });
    cert[SERVER] = made_cert(&(struct made_cert_wish){
        .name = "as", .by = cert[ROOT], .from_s = from, .to_s = to, .names = "DNS:as.example,IP:127.0.0.1" });
    cert[CLIENT] = made_cert(&(struct made_cert_wish){
        .name = "fa", .by = cert[ROOT], .from_s = from, .to_s = to, .names = "DNS:fa.example" });
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
    const struct CMUnitTest t[] = { T(versions),       T(identifiers),   T(no_retransmission),
                                    T(lost_in_flight), T(down_at_first), T(moves_on),
                                    T(slow),           T(deaf),          T(forged),
                                    T(certificates) };
    return cmocka_run_group_tests(t, group_setup, group_teardown);
}
