/* SPDX-License-Identifier: Apache-2.0
 *
 * The accounting client against two servers in the same loop, which answer as each test wants: right, wrong, late, not at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/crypto/secret.h"
#include "common/rt/osrand.h"
#include "common/rt/sock.h"
#include "fa/acct.h"

#define SECRET "a secret of the operator's"
#define NAS    "HIP:20010022000000000000000000000001"
#define HEARD  64

enum how { RIGHT, SILENT, WRONG_SECRET, WRONG_ID, ANOTHER_CODE, FROM_ELSEWHERE, LIE_THEN_RIGHT };

struct heard {
    uint8_t id, status;
    char sid[ACCT_SID_MAX];
    uint32_t delay;
    size_t n;
    uint8_t octets[RADIUS_MAX];
};

struct server {
    struct fixture *f;
    struct rt_sock *sock;
    enum how how;
    unsigned n;
    struct heard v[HEARD];
};

struct fixture {
    char dir[64], path[96], why[SQL_WHY_MAX];
    struct rt_loop *loop;
    struct rt_timer *end;
    struct env env;
    struct server s[2];
    struct acct *a;
    bool (*until)(struct fixture *f);
    struct rt_timer *look;
    unsigned told, alarms;
    char said[FA_TEXT_MAX];
};

static const struct acct_times times = { 40000, 80000, 120000, 100000, 200000, 300000 };

static uint32_t u32_of(const struct radius_pkt *p, uint8_t type)
{
    struct span v;
    assert_int_equal(radius_find(p, type, &v), ERR_OK);
    return (uint32_t)v.p[0] << 24 | (uint32_t)v.p[1] << 16 | (uint32_t)v.p[2] << 8 | v.p[3];
}

static void answer(struct server *s, const struct rt_pkt *in, const struct radius_pkt *p, enum how how)
{
    uint8_t out[RADIUS_MAX];
    size_t n = 0;
    struct rt_sock *from = how == FROM_ELSEWHERE ? s->f->s[1].sock : s->sock;
    struct radius_wr w = radius_acct_begin(
        out, sizeof out, how == ANOTHER_CODE ? RADIUS_ACCESS_ACCEPT : RADIUS_ACCOUNTING_RESPONSE,
        how == WRONG_ID ? (uint8_t)(p->id + 1) : p->id, p->auth);
    assert_int_equal(radius_acct_end(&w, span_str(how == WRONG_SECRET ? "another" : SECRET), &n), ERR_OK);
    assert_int_equal(rt_sock_send(from, NULL, &in->peer, 0, span_of(out, n)), ERR_OK);
}

static void on_request(void *ctx, const struct rt_pkt *pkts, size_t n)
{
    struct server *s = ctx;
    for (size_t i = 0; i < n; i++) {
        struct radius_pkt p;
        struct span sid;
        struct heard *h = &s->v[s->n++ % HEARD];
        assert_int_equal(radius_parse(pkts[i].octets, &p), ERR_OK);
        assert_int_equal(radius_acct_check_request(&p, span_str(SECRET)), ERR_OK);
        assert_int_equal(radius_find(&p, RADIUS_ACCT_SESSION_ID, &sid), ERR_OK);
        h->id = p.id;
        h->status = (uint8_t)u32_of(&p, RADIUS_ACCT_STATUS_TYPE);
        h->delay = u32_of(&p, RADIUS_ACCT_DELAY_TIME);
        snprintf(h->sid, sizeof h->sid, "%.*s", (int)sid.n, (const char *)sid.p);
        h->n = pkts[i].octets.n;
        memcpy(h->octets, pkts[i].octets.p, h->n);
        if (s->how == SILENT)
            continue;
        if (s->how == LIE_THEN_RIGHT) {
            answer(s, &pkts[i], &p, WRONG_SECRET);
            answer(s, &pkts[i], &p, RIGHT);
        } else {
            answer(s, &pkts[i], &p, s->how);
        }
    }
}

static void on_end(void *ctx)
{
    rt_loop_stop(((struct fixture *)ctx)->loop);
}

static void on_look(void *ctx)
{
    struct fixture *f = ctx;
    if (f->until(f))
        rt_loop_stop(f->loop);
    else
        rt_timer_at(f->look, rt_now_us() + 2000);
}

/* Runs the loop until it holds, five seconds at most. */
static void run_until(struct fixture *f, bool (*until)(struct fixture *f))
{
    f->until = until;
    rt_timer_at(f->end, rt_now_us() + 5000000);
    rt_timer_at(f->look, 1);
    rt_loop_run(f->loop);
    rt_timer_at(f->look, HEAP_NEVER);
    rt_timer_at(f->end, HEAP_NEVER);
    if (!until(f))
        fail_msg("it did not come to that in 5 s");
}

static void on_told(void *ctx, bool alarm, const char *what)
{
    struct fixture *f = ctx;
    f->told++;
    f->alarms += alarm;
    snprintf(f->said, sizeof f->said, "%s", what);
}

static void open_acct(struct fixture *f, uint8_t n_server)
{
    struct acct_config c = { .loop = f->loop,
                             .env = &f->env,
                             .path = f->path,
                             .nas_id = NAS,
                             .queue_max = 1000,
                             .interim_s = 600,
                             .n_server = n_server,
                             .server = { rt_sock_local(f->s[0].sock), rt_sock_local(f->s[1].sock) },
                             .secret = span_str(SECRET),
                             .times = &times,
                             .told = on_told,
                             .ctx = f };
    if (acct_open(&c, &f->a, f->why) != ERR_OK)
        fail_msg("%s", f->why);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct addr lo = addr_v4(0x7f000001);
    snprintf(f->dir, sizeof f->dir, "/tmp/hipfa-acct-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/a.sqlite", f->dir);
    f->loop = rt_loop_new();
    f->env = rt_env((struct log){ 0 });
    f->end = rt_timer_new(f->loop, on_end, f);
    f->look = rt_timer_new(f->loop, on_look, f);
    for (int i = 0; i < 2; i++) {
        f->s[i].f = f;
        assert_int_equal(rt_udp_open(f->loop, &lo, on_request, &f->s[i], &f->s[i].sock), ERR_OK);
    }
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    static const char *const ends[] = { "", "-wal", "-shm" };
    struct fixture *f = *state;
    acct_close(f->a);
    rt_sock_close(f->s[0].sock);
    rt_sock_close(f->s[1].sock);
    rt_timer_free(f->end);
    rt_timer_free(f->look);
    rt_loop_free(f->loop);
    for (int i = 0; i < 3; i++) {
        char p[128];
        snprintf(p, sizeof p, "%s%s", f->path, ends[i]);
        unlink(p);
    }
    rmdir(f->dir);
    free(f);
    return 0;
}

static void happens(struct fixture *f, uint8_t host, enum fa_session_what what)
{
    struct acct_event *e = acct_event_new(f->a, ACCT_SESSION);
    e->session.what = what;
    e->session.hit[15] = host;
    e->session.binding = host;
    snprintf(e->session.subscriber, sizeof e->session.subscriber, "sub-%u", host);
    acct_take(e);
}

static struct acct_stats stats(struct fixture *f)
{
    struct acct_stats s;
    acct_stats(f->a, &s);
    return s;
}

static bool all_told(struct fixture *f)
{
    struct acct_stats s = stats(f);
    return s.queued == 0 && s.unwritten == 0 && s.open == 0 && s.answered > 0;
}

static bool moved_on(struct fixture *f)
{
    return stats(f).timeouts > 0;
}

/* The statuses that a server heard, in their order. */
static void assert_heard(const struct server *s, const char *want)
{
    char got[HEARD + 1] = "";
    for (unsigned i = 0; i < s->n && i < HEARD; i++)
        got[i] = (char)('0' + s->v[i].status);
    assert_string_equal(got, want);
}

static void told_in_order(void **state)
{
    struct fixture *f = *state;
    open_acct(f, 1);
    happens(f, 1, FA_SESSION_BEGAN);
    happens(f, 1, FA_SESSION_GOES_ON);
    happens(f, 1, FA_SESSION_ENDED);
    run_until(f, all_told);
    assert_heard(&f->s[0], "7132");
    assert_string_equal(f->s[0].v[1].sid, f->s[0].v[3].sid);
    for (int i = 1; i < 4; i++)
        assert_int_not_equal(f->s[0].v[i].id, f->s[0].v[i - 1].id);
    acct_close(f->a); /* and its end */
    f->a = NULL;
    assert_heard(&f->s[0], "71328");
    assert_int_equal(f->s[1].n, 0);
}

/* Many sessions at once: the records of each one in their order, none twice. */
static void many(void **state)
{
    struct fixture *f = *state;
    unsigned begun[256] = { 0 }, ended[256] = { 0 };
    open_acct(f, 1);
    run_until(f, all_told); /* the server is known to answer */
    for (unsigned round = 0; round < 4; round++) {
        f->s[0].n = 0;
        for (unsigned h = 1; h <= 25; h++)
            happens(f, (uint8_t)h, FA_SESSION_BEGAN);
        for (unsigned h = 1; h <= 25; h++)
            happens(f, (uint8_t)h, FA_SESSION_ENDED);
        run_until(f, all_told);
        assert_int_equal(f->s[0].n, 50);
        for (unsigned i = 0; i < 50; i++) {
            struct radius_pkt p;
            struct span hit;
            const struct heard *h = &f->s[0].v[i];
            assert_int_equal(radius_parse(span_of(h->octets, h->n), &p), ERR_OK);
            assert_int_equal(radius_find(&p, RADIUS_FRAMED_IPV6_ADDRESS, &hit), ERR_OK);
            unsigned *n = h->status == RADIUS_ACCT_START ? begun : ended;
            n[hit.p[15]]++;
            assert_true(begun[hit.p[15]] >= ended[hit.p[15]]);
        }
        for (unsigned h = 1; h <= 25; h++)
            assert_true(begun[h] == round + 1 && ended[h] == round + 1);
    }
    assert_int_equal(stats(f).forged, 0);
}

/* Not answered: the same octets three times, then the next server hears a new request; it is the one asked from then on. */
static void next_one(void **state)
{
    struct fixture *f = *state;
    f->s[0].how = SILENT;
    open_acct(f, 2);
    run_until(f, all_told);
    assert_heard(&f->s[0], "777");
    for (int i = 1; i < 3; i++) {
        assert_int_equal(f->s[0].v[i].n, f->s[0].v[0].n);
        assert_memory_equal(f->s[0].v[i].octets, f->s[0].v[0].octets, f->s[0].v[0].n);
    }
    assert_heard(&f->s[1], "7");
    assert_int_not_equal(f->s[1].v[0].id, f->s[0].v[0].id);
    assert_string_equal(f->s[1].v[0].sid, f->s[0].v[0].sid); /* by which a duplicate is known */
    happens(f, 1, FA_SESSION_BEGAN);
    run_until(f, all_told);
    assert_heard(&f->s[0], "777");
    assert_heard(&f->s[1], "71");
    assert_int_equal(stats(f).moved, 1);
}

/* Nobody answers: one record alone asks, with pauses; nothing is lost, the delay is told. */
static void nobody(void **state)
{
    struct fixture *f = *state;
    f->s[0].how = f->s[1].how = SILENT;
    open_acct(f, 2);
    happens(f, 1, FA_SESSION_BEGAN);
    happens(f, 2, FA_SESSION_BEGAN);
    run_until(f, moved_on);
    assert_false(stats(f).up);
    assert_non_null(strstr(f->said, ": no answer"));
    assert_heard(&f->s[0], "777");
    rt_timer_at(f->end, rt_now_us() + 1200000);
    rt_loop_run(f->loop);
    for (int k = 0; k < 2; k++)
        for (unsigned i = 0; i < f->s[k].n; i++)
            assert_int_equal(f->s[k].v[i].status, RADIUS_ACCT_ON);
    assert_int_equal(stats(f).queued, 3);
    assert_true(stats(f).oldest_s >= 1);
    f->s[0].how = f->s[1].how = RIGHT;
    f->s[0].n = f->s[1].n = 0;
    run_until(f, all_told);
    assert_int_equal(f->s[0].n + f->s[1].n, 3);
    const struct server *s = f->s[0].n ? &f->s[0] : &f->s[1];
    assert_heard(s, "711");
    assert_true(s->v[0].delay >= 1);
    assert_non_null(strstr(f->said, ": answers"));
    assert_true(f->told == 2 && f->alarms == 0); /* once each, however often it was tried */
}

/* What is not authentic is as if nobody had answered, and counted. */
static void lying(void **state)
{
    static const enum how lies[] = { WRONG_SECRET, WRONG_ID, ANOTHER_CODE, FROM_ELSEWHERE };
    struct fixture *f = *state;
    f->s[0].how = lies[0];
    open_acct(f, 1);
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        uint64_t forged = stats(f).forged, timeouts = stats(f).timeouts;
        f->s[0].how = lies[i];
        rt_timer_at(f->end, rt_now_us() + 500000);
        rt_loop_run(f->loop);
        assert_int_equal(stats(f).answered, 0);
        assert_true(stats(f).forged > forged && stats(f).timeouts > timeouts);
        assert_int_equal(stats(f).queued, 1);
    }
    f->s[0].how = LIE_THEN_RIGHT; /* and the wait for the true answer goes on */
    run_until(f, all_told);
    assert_int_equal(stats(f).answered, 1);
}

/* The server is away until after a restart: everything is told then, in its order, with its age. */
static void over_a_restart(void **state)
{
    struct fixture *f = *state;
    f->s[0].how = SILENT;
    open_acct(f, 1);
    happens(f, 1, FA_SESSION_BEGAN);
    happens(f, 1, FA_SESSION_ENDED);
    happens(f, 2, FA_SESSION_BEGAN);
    uint64_t since = rt_now_us();
    acct_close(f->a);
    assert_true(rt_now_us() - since < 2000000);
    f->s[0].n = 0;
    f->s[0].how = RIGHT;
    sleep(1);
    open_acct(f, 1);
    run_until(f, all_told);
    assert_heard(&f->s[0],
                 "7112827"); /* the second session was still open: its Stop is written by the next life */
    assert_true(f->s[0].v[0].delay >= 1);
    assert_true(f->s[0].v[6].delay <= 1);
    assert_string_equal(f->s[0].v[5].sid, f->s[0].v[2].sid);
}

static void refused(void **state)
{
    struct fixture *f = *state;
    struct acct *a = NULL;
    struct acct_config c = {
        .loop = f->loop, .env = &f->env, .path = "/nonexistent/a", .nas_id = NAS, .secret = span_str(SECRET)
    };
    assert_int_equal(acct_open(&c, &a, f->why), ERR_RANGE); /* no server */
    c.n_server = 1;
    c.server[0] = rt_sock_local(f->s[0].sock);
    assert_int_equal(acct_open(&c, &a, f->why), ERR_IO);
    assert_non_null(strstr(f->why, "/nonexistent/a"));
    assert_null(a);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = { T(told_in_order), T(many),           T(next_one), T(nobody),
                                        T(lying),         T(over_a_restart), T(refused) };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
