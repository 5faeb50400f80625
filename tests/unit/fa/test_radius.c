/* SPDX-License-Identifier: Apache-2.0
 *
 * The RADIUS client against a server in the same loop, which answers as each test wants: right, wrong, late, elsewhere, not at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aka/radius.h"
#include "common/crypto/hash.h"
#include "common/crypto/secret.h"
#include "common/rt/osrand.h"
#include "common/rt/sock.h"
#include "fa/as_radius.h"

#define SECRET "a secret of the operator's"

enum answer {
    RIGHT,
    SILENT_ONCE,
    SILENT,
    WRONG_SECRET,
    NO_MESSAGE_AUTH,
    OTHER_ID,
    OTHER_SOURCE,
    WRONG_THEN_RIGHT,
    REJECT,
    CHALLENGE,
    DROPS_BAD, /* silent to State "bad", else right */
};

struct fixture {
    struct rt_loop *loop;
    struct env env;
    struct rt_sock *server, *elsewhere;
    struct as as;
    enum answer how;
    size_t probes; /* Status-Server; answered if: */
    bool knows_status;
    size_t elsewhere_requests;
    bool elsewhere_answers;
    unsigned lost, back;
    char lost_why[AS_SERVER_TEXT_MAX];
    uint64_t at[8]; /* when requests came */
    size_t requests;
    uint8_t first[RADIUS_MAX];
    size_t first_len;
    bool same; /* every request had the same octets */
    size_t results, wanted;
    struct fa_result last;
    uint8_t recv[32], send[32];
    char imsi[32], state[8];
    unsigned n_class; /* so many Class attributes, of these octets */
    uint8_t class_of[RADIUS_VALUE_MAX], class_n;
    uint8_t class_v[FA_CLASS_MAX]; /* what came of them */
    size_t class_v_n;
    size_t eap_len;
};

static struct span own_secret(void)
{
    return span_str(SECRET);
}

/* Reply octets; the Message-Authenticator taken out again for one of the tests. */
static size_t reply_to(struct fixture *f, const struct radius_pkt *p, enum answer how,
                       uint8_t out[RADIUS_MAX])
{
    static const uint8_t msk[64] = { [0] = 0x40, [31] = 0x5f, [32] = 0x60, [63] = 0x7f };
    struct span secret = how == WRONG_SECRET ? span_str("another secret") : own_secret();
    enum radius_code code = how == REJECT      ? RADIUS_ACCESS_REJECT
                            : how == CHALLENGE ? RADIUS_ACCESS_CHALLENGE
                                               : RADIUS_ACCESS_ACCEPT;
    size_t n = 0;
    struct radius_wr w =
        radius_wr_begin(out, RADIUS_MAX, code, how == OTHER_ID ? (uint8_t)(p->id + 1) : p->id, p->auth);
    radius_wr_eap(&w, span_of("\x03\x01\x00\x04", 4));
    if (how == CHALLENGE)
        radius_wr_attr(&w, RADIUS_STATE, span_str("state"));
    if (code == RADIUS_ACCESS_ACCEPT) {
        radius_wr_mppe(&w, RADIUS_MS_MPPE_RECV, span_of(msk, 32), secret, p->auth, &f->env);
        radius_wr_mppe(&w, RADIUS_MS_MPPE_SEND, span_of(msk + 32, 32), secret, p->auth, &f->env);
        radius_wr_vendor(&w, RADIUS_VENDOR_3GPP, RADIUS_3GPP_IMSI, span_str("001010000000001"));
        for (unsigned i = 0; i < f->n_class; i++)
            radius_wr_attr(&w, RADIUS_CLASS, span_of(f->class_of, f->class_n));
    }
    assert_int_equal(radius_wr_end(&w, secret, &n), ERR_OK);
    if (how == NO_MESSAGE_AUTH) {
        memmove(out + RADIUS_HEADER, out + RADIUS_HEADER + 18, n - RADIUS_HEADER - 18);
        n -= 18;
        out[2] = (uint8_t)(n >> 8);
        out[3] = (uint8_t)n;
        struct span parts[] = { span_of(out, 4), span_of(p->auth, 16),
                                span_of(out + RADIUS_HEADER, n - RADIUS_HEADER), secret };
        assert_int_equal(hash_spans(HASH_MD5, parts, 4, out + 4),
                         ERR_OK); /* a right Response Authenticator all the same */
    }
    return n;
}

static void answer(struct fixture *f, const struct rt_pkt *in, const struct radius_pkt *p, enum answer how)
{
    uint8_t out[RADIUS_MAX];
    size_t n = reply_to(f, p, how, out);
    assert_int_equal(
        rt_sock_send(how == OTHER_SOURCE ? f->elsewhere : f->server, NULL, &in->peer, 0, span_of(out, n)),
        ERR_OK);
}

/* RFC 5997 s3: Message-Authenticator, and nothing of an Access-Request. */
static void status(struct fixture *f, const struct rt_pkt *in, const struct radius_pkt *p)
{
    uint8_t out[RADIUS_MAX];
    size_t n = 0;
    assert_int_equal(radius_count(p, RADIUS_MESSAGE_AUTHENTICATOR), 1);
    assert_int_equal(radius_count(p, RADIUS_EAP_MESSAGE) + radius_count(p, RADIUS_STATE), 0);
    f->probes++;
    if (!f->knows_status)
        return;
    struct radius_wr w = radius_wr_begin(out, sizeof out, RADIUS_ACCESS_ACCEPT, p->id, p->auth);
    assert_int_equal(radius_wr_end(&w, own_secret(), &n), ERR_OK);
    assert_int_equal(rt_sock_send(f->server, NULL, &in->peer, 0, span_of(out, n)), ERR_OK);
}

static void on_request(void *ctx, const struct rt_pkt *pkts, size_t n)
{
    struct fixture *f = ctx;
    for (size_t i = 0; i < n; i++) {
        struct radius_pkt p;
        struct span state;
        assert_int_equal(radius_parse(pkts[i].octets, &p), ERR_OK);
        assert_int_equal(radius_check_request(&p, own_secret()), ERR_OK);
        if (p.code == RADIUS_STATUS_SERVER) {
            status(f, &pkts[i], &p);
            continue;
        }
        if (f->requests < 8)
            f->at[f->requests] = rt_now_us();
        if (f->requests++ == 0) {
            f->first_len = pkts[i].octets.n;
            memcpy(f->first, pkts[i].octets.p, f->first_len);
        }
        f->same &= span_eq(span_of(f->first, f->first_len), pkts[i].octets);
        if (f->how == SILENT || (f->how == SILENT_ONCE && f->requests == 1) ||
            (f->how == DROPS_BAD && radius_find(&p, RADIUS_STATE, &state) == ERR_OK &&
             span_eq(state, span_str("bad"))))
            continue;
        answer(f, &pkts[i], &p,
               f->how == SILENT_ONCE || f->how == DROPS_BAD ? RIGHT
               : f->how == WRONG_THEN_RIGHT                 ? WRONG_SECRET
                                                            : f->how);
        if (f->how == WRONG_THEN_RIGHT)
            answer(f, &pkts[i], &p, RIGHT);
    }
}

/* The other server, where a test wants one: answers with a challenge. */
static void on_elsewhere(void *ctx, const struct rt_pkt *pkts, size_t n)
{
    struct fixture *f = ctx;
    for (size_t i = 0; i < n; i++) {
        struct radius_pkt p;
        uint8_t out[RADIUS_MAX];
        assert_int_equal(radius_parse(pkts[i].octets, &p), ERR_OK);
        assert_int_equal(radius_check_request(&p, own_secret()), ERR_OK);
        if (p.code != RADIUS_ACCESS_REQUEST)
            continue;
        f->elsewhere_requests++;
        if (f->elsewhere_answers) {
            size_t len = reply_to(f, &p, CHALLENGE, out);
            assert_int_equal(rt_sock_send(f->elsewhere, NULL, &pkts[i].peer, 0, span_of(out, len)), ERR_OK);
        }
    }
}

static void on_result(void *ctx, const struct fa_result *r)
{
    struct fixture *f = ctx;
    f->last = *r;
    memset(f->recv, 0, sizeof f->recv);
    if (r->err == ERR_OK) {
        if (r->as.recv_key.n == 32 && r->as.send_key.n == 32) {
            memcpy(f->recv, r->as.recv_key.p, 32);
            memcpy(f->send, r->as.send_key.p, 32);
        }
        f->class_v_n = r->as.class_v.n;
        if (r->as.class_v.n)
            memcpy(f->class_v, r->as.class_v.p, r->as.class_v.n);
        snprintf(f->imsi, sizeof f->imsi, "%.*s", (int)r->as.imsi.n,
                 r->as.imsi.n ? (const char *)r->as.imsi.p : "");
        snprintf(f->state, sizeof f->state, "%.*s", (int)r->as.state.n,
                 r->as.state.n ? (const char *)r->as.state.p : "");
        f->eap_len = r->as.eap.n;
    }
    if (++f->results == f->wanted)
        rt_loop_stop(f->loop);
}

static void on_told(void *ctx, uint16_t realm, const struct as_server *server, bool there, const char *why)
{
    struct fixture *f = ctx;
    assert_int_equal(realm, 0);
    assert_non_null(server);
    *(there ? &f->back : &f->lost) += 1;
    if (!there)
        snprintf(f->lost_why, sizeof f->lost_why, "%s", why);
}

/* 40 ms, 80 ms, and then until 200 ms are over. */
static struct as_radius_times short_times(void)
{
    struct as_radius_times t = { 40000, 80000, 200000, as_server_default_times };
    t.server.leave_us = 600000;
    t.server.probe_us = 30000;
    t.server.probe_max_us = 60000;
    return t;
}

static err open_client(struct fixture *f, struct rt_sock *first, struct rt_sock *second)
{
    struct as_radius_realm realm = { .n_server = second ? 2 : 1 };
    struct as_radius_times times = short_times();
    char why[AS_SERVER_TEXT_MAX];
    realm.server[0] = (struct as_server_conf){ .address = rt_sock_local(first), .secret = own_secret() };
    if (second)
        realm.server[1] = (struct as_server_conf){ .address = rt_sock_local(second), .secret = own_secret() };
    return as_radius_open(&(struct as_radius_config){ .loop = f->loop,
                                                      .env = &f->env,
                                                      .realms = &realm,
                                                      .n_realms = 1,
                                                      .times = &times,
                                                      .done = on_result,
                                                      .told = on_told,
                                                      .ctx = f },
                          &f->as, why);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct addr lo = addr_v4(0x7f000001);
    f->loop = rt_loop_new();
    f->env = rt_env((struct log){ 0 });
    f->same = true;
    f->wanted = 1;
    assert_int_equal(rt_udp_open(f->loop, &lo, on_request, f, &f->server), ERR_OK);
    assert_int_equal(rt_udp_open(f->loop, &lo, on_elsewhere, f, &f->elsewhere), ERR_OK);
    assert_int_equal(open_client(f, f->server, NULL), ERR_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    f->as.ops->close(f->as.ctx);
    rt_sock_close(f->server);
    rt_sock_close(f->elsewhere);
    rt_loop_free(f->loop);
    free(f);
    return 0;
}

static struct fa_job request(void)
{
    struct fa_job j = { .ref = { 7, 9 }, .type = FA_JOB_AS };
    snprintf(j.as.nas_id, sizeof j.as.nas_id, "HIP:20010022000000000000000000000001");
    snprintf(j.as.user, sizeof j.as.user, "6001010000000001@wlan.mnc001.mcc001.3gppnetwork.org");
    j.as.eap_len = 600;
    memset(j.as.eap, 0x5a, sizeof j.as.eap);
    j.as.state_len = 3;
    memcpy(j.as.state, "abc", 3);
    return j;
}

static void ask(struct fixture *f, enum answer how)
{
    struct fa_job j = request();
    f->how = how;
    f->results = 0;
    assert_int_equal(f->as.ops->ask(f->as.ctx, &j), ERR_OK);
    rt_loop_run(f->loop);
    assert_int_equal(f->results, 1);
    assert_int_equal(f->last.ref.slot, 7);
    assert_int_equal(f->last.ref.gen, 9);
    assert_int_equal(f->last.type, FA_JOB_AS);
}

static struct as_stats stats(struct fixture *f)
{
    struct as_stats s;
    f->as.ops->stats(f->as.ctx, &s);
    return s;
}

static void accepted(void **state)
{
    struct fixture *f = *state;
    ask(f, RIGHT);
    assert_int_equal(f->last.err, ERR_OK);
    assert_int_equal(f->last.as.code, FA_AS_ACCEPT);
    assert_int_equal(f->last.as.server, 1);
    assert_int_equal(f->recv[0], 0x40);
    assert_int_equal(f->recv[31], 0x5f);
    assert_int_equal(f->send[31], 0x7f);
    assert_string_equal(f->imsi, "001010000000001");
    assert_int_equal(f->eap_len, 4);
    assert_int_equal(stats(f).open, 0);

    struct radius_pkt p; /* and what was asked */
    struct span v;
    uint8_t eap[RADIUS_MAX];
    size_t n = 0;
    struct fa_job j = request();
    assert_int_equal(radius_parse(span_of(f->first, f->first_len), &p), ERR_OK);
    assert_int_equal(radius_find(&p, RADIUS_USER_NAME, &v), ERR_OK);
    assert_true(span_eq(v, span_str(j.as.user)));
    assert_int_equal(radius_find(&p, RADIUS_NAS_IDENTIFIER, &v), ERR_OK);
    assert_true(span_eq(v, span_str(j.as.nas_id)));
    assert_int_equal(radius_find(&p, RADIUS_STATE, &v), ERR_OK);
    assert_true(span_eq(v, span_str("abc")));
    assert_int_equal(radius_eap(&p, eap, sizeof eap, &n), ERR_OK);
    assert_int_equal(n, 600);
    assert_memory_equal(eap, j.as.eap, 600);
    assert_int_equal(p.attrs.p[0], RADIUS_MESSAGE_AUTHENTICATOR); /* first (blast-RADIUS) */
}

static void other_codes(void **state)
{
    struct fixture *f = *state;
    ask(f, REJECT);
    assert_int_equal(f->last.as.code, FA_AS_REJECT);
    assert_int_equal(f->last.as.recv_key.n, 0);
    ask(f, CHALLENGE);
    assert_int_equal(f->last.as.code, FA_AS_CHALLENGE);
    assert_string_equal(f->state, "state");
}

static void sent_again_the_same(void **state)
{
    struct fixture *f = *state;
    ask(f, SILENT_ONCE);
    assert_int_equal(f->last.err, ERR_OK);
    assert_int_equal(f->requests, 2);
    assert_true(f->same);
}

static void three_times_then_nothing(void **state)
{
    struct fixture *f = *state;
    ask(f, SILENT);
    assert_int_equal(f->last.err, ERR_TIMEOUT);
    assert_int_equal(f->requests, 3);
    assert_true(f->same);
    assert_int_equal(stats(f).timeouts, 1);
    assert_int_equal(stats(f).open, 0);
}

/* A forged answer changes nothing: the request goes on and ends as if it had not come. */
static void forgeries(void **state)
{
    static const enum answer bad[] = { WRONG_SECRET, NO_MESSAGE_AUTH, OTHER_ID, OTHER_SOURCE };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t before = stats(f).forged;
        f->requests = 0;
        ask(f, bad[i]);
        if (f->last.err != ERR_TIMEOUT)
            fail_msg("forgery %d was taken", (int)bad[i]);
        assert_int_equal(stats(f).forged - before, 3);
    }
    ask(f, WRONG_THEN_RIGHT); /* the forger was faster */
    assert_int_equal(f->last.err, ERR_OK);
    assert_string_equal(f->imsi, "001010000000001");
}

/* Every Class, in its order and unmodified; none of them when they are too long together. */
static void classes(void **state)
{
    struct fixture *f = *state;
    ask(f, RIGHT);
    assert_int_equal(f->class_v_n, 0);
    memcpy(f->class_of,
           "\0\xff"
           "ab",
           4);
    f->class_n = 4;
    f->n_class = 2;
    ask(f, RIGHT);
    assert_int_equal(f->class_v_n, 10);
    assert_memory_equal(f->class_v,
                        "\4\0\xff"
                        "ab\4\0\xff"
                        "ab",
                        10);
    f->class_n = RADIUS_VALUE_MAX;
    f->n_class = FA_CLASS_MAX / (1 + RADIUS_VALUE_MAX);
    ask(f, RIGHT);
    assert_int_equal(f->class_v_n, f->n_class * (1 + RADIUS_VALUE_MAX));
    f->n_class++;
    ask(f, RIGHT);
    assert_int_equal(f->last.err, ERR_OK);
    assert_int_equal(f->class_v_n, 0);
}

static void bounds(void **state)
{
    struct fixture *f = *state;
    struct fa_job j = request();
    j.as.realm = 1;
    assert_int_equal(f->as.ops->ask(f->as.ctx, &j), ERR_RANGE);
    j = request();
    j.as.user[0] = 0;
    assert_int_equal(f->as.ops->ask(f->as.ctx, &j), ERR_RANGE);
    f->how = SILENT;
    f->results = 0;
    size_t taken = 0;
    j = request();
    while (f->as.ops->ask(f->as.ctx, &j) == ERR_OK) /* 100 at once, then 100 a second */
        taken++;
    assert_in_range(taken, 100, 256);
    f->wanted = taken;
    rt_loop_run(f->loop);
    assert_int_equal(f->results, taken);
    assert_int_equal(stats(f).open, 0);
    j = request();
    f->how = RIGHT;
    assert_int_equal(f->as.ops->ask(f->as.ctx, &j), ERR_OK); /* closing with one open */
}

/* limits.requests_per_second */
static void rate(void **state)
{
    struct fixture *f = *state;
    struct as_radius_realm realm = { .n_server = 1 };
    struct as_radius_times times = short_times();
    struct fa_job j = request();
    struct as as;
    char why[AS_SERVER_TEXT_MAX];
    realm.server[0] = (struct as_server_conf){ .address = rt_sock_local(f->server), .secret = own_secret() };
    assert_int_equal(as_radius_open(&(struct as_radius_config){ .loop = f->loop,
                                                                .env = &f->env,
                                                                .realms = &realm,
                                                                .n_realms = 1,
                                                                .times = &times,
                                                                .per_second = 7,
                                                                .done = on_result,
                                                                .ctx = f },
                                    &as, why),
                     ERR_OK);
    for (int i = 0; i < 7; i++)
        assert_int_equal(as.ops->ask(as.ctx, &j), ERR_OK);
    assert_int_equal(as.ops->ask(as.ctx, &j), ERR_FULL);
    as.ops->close(as.ctx);
}

/* RFC 5080 s2.2.1: each wait is twice the one before, give or take a tenth, and no two clients the same. */
static void waits(void **state)
{
    struct fixture *f = *state;
    uint64_t asked = rt_now_us();
    ask(f, SILENT);
    assert_int_equal(f->requests, 3);
    assert_true(f->at[1] - asked >= 36000); /* sending and seeing may be late, never early */
    assert_true(f->at[2] - asked >= 36000 + 72000);
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

static void at_both(struct fixture *f, bool second_answers)
{
    f->as.ops->close(f->as.ctx);
    f->elsewhere_answers = second_answers;
    assert_int_equal(open_client(f, f->server, f->elsewhere), ERR_OK);
}

/* The first server is dead: the same request goes to the second within its time, and the next ones go there at once. */
static void next_server(void **state)
{
    struct fixture *f = *state;
    at_both(f, true);
    ask(f, SILENT);
    assert_int_equal(f->last.err, ERR_OK);
    assert_int_equal(f->last.as.server, 2);
    assert_int_equal(f->requests, 2);
    assert_int_equal(f->elsewhere_requests, 1);
    assert_int_equal(stats(f).moved, 1);
    assert_int_equal(f->lost, 1);
    assert_string_equal(f->lost_why, "no answer");
    assert_string_equal(look(f, 0).state, "left");
    ask(f, SILENT);
    assert_int_equal(f->last.as.server, 2);
    assert_int_equal(f->requests, 2); /* left alone */
    assert_int_equal(stats(f).open, 0);
}

/* Status-Server finds it again, and then it is the first once more; one that does not know Status-Server is tried when its time is over. */
static void back_again(void **state)
{
    struct fixture *f = *state;
    at_both(f, true);
    ask(f, SILENT);
    f->knows_status = true;
    for (int i = 0; i < 100 && !f->back; i++)
        linger(f, 50000);
    assert_int_equal(f->back, 1);
    assert_true(f->probes > 0);
    assert_string_equal(look(f, 0).state, "up");
    ask(f, RIGHT);
    assert_int_equal(f->last.as.server, 1);
}

/* State is the server's that gave it: nobody else gets it, and its silence is the end. */
static void conversation_stays(void **state)
{
    struct fixture *f = *state;
    struct fa_job j = request();
    at_both(f, true);
    j.as.server = 2; /* though the first is there */
    assert_int_equal(f->as.ops->ask(f->as.ctx, &j), ERR_OK);
    rt_loop_run(f->loop);
    assert_int_equal(f->last.as.server, 2);
    assert_int_equal(f->elsewhere_requests, 1);
    f->elsewhere_requests = 0;
    f->results = 0;
    j.as.server = 1;
    f->how = SILENT;
    assert_int_equal(f->as.ops->ask(f->as.ctx, &j), ERR_OK);
    rt_loop_run(f->loop);
    assert_int_equal(f->last.err, ERR_TIMEOUT);
    assert_int_equal(f->elsewhere_requests, 0);
    j.as.server = 2;
    f->results = 0;
    assert_int_equal(f->as.ops->ask(f->as.ctx, &j), ERR_OK);
    rt_loop_run(f->loop);
    assert_int_equal(f->last.err, ERR_OK);
    assert_int_equal(f->elsewhere_requests, 1);
    j.as.server = 3;
    assert_int_equal(f->as.ops->ask(f->as.ctx, &j), ERR_RANGE);
}

/* Both are dead: the request ends in time, and so does the next; nobody is asked more often for that. */
static void all_dead(void **state)
{
    struct fixture *f = *state;
    at_both(f, false);
    uint64_t since = rt_now_us();
    ask(f, SILENT);
    assert_int_equal(f->last.err, ERR_TIMEOUT);
    assert_true(rt_now_us() - since >= 200000);
    assert_int_equal(f->lost, 2);
    f->elsewhere_answers = true;
    ask(f, RIGHT); /* both are left, and one of them is tried all the same */
    assert_int_equal(f->last.err, ERR_OK);
    assert_int_equal(f->back, 1);
}

static void says_why(void **state)
{
    struct fixture *f = *state;
    ask(f, WRONG_SECRET);
    assert_string_equal(f->lost_why, "its answers are not made with our secret");
    assert_string_equal(look(f, 0).why, f->lost_why);
}

/* One request that a server drops for itself does not make it a dead one. */
static void dropped_alone(void **state)
{
    struct fixture *f = *state;
    struct fa_job j = request();
    memcpy(j.as.state, "bad", 3);
    f->how = DROPS_BAD;
    f->results = 0;
    assert_int_equal(f->as.ops->ask(f->as.ctx, &j), ERR_OK);
    linger(f, 20000);
    assert_int_equal(f->results, 0);
    ask(f, DROPS_BAD);
    assert_int_equal(f->last.err, ERR_OK);
    f->results = 0;
    rt_loop_run(f->loop);
    assert_int_equal(f->last.err, ERR_TIMEOUT);
    assert_int_equal(f->lost, 0);
}

static int group_setup(void **state)
{
    return crypto_init() != ERR_OK;
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest t[] = { T(accepted),
                                    T(classes),
                                    T(other_codes),
                                    T(sent_again_the_same),
                                    T(three_times_then_nothing),
                                    T(forgeries),
                                    T(bounds),
                                    T(next_server),
                                    T(waits),
                                    T(rate),
                                    T(back_again),
                                    T(conversation_stays),
                                    T(all_dead),
                                    T(says_why),
                                    T(dropped_alone) };
    return cmocka_run_group_tests(t, group_setup, NULL);
}
