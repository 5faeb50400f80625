/* SPDX-License-Identifier: Apache-2.0
 *
 * Subscribers of an HLR against a control interface that the test plays, in the same loop: records, numbers, silence, lies, connections that come and go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aka/ipa.h"
#include "aka/osmo_ctrl.h"
#include "common/rt/stream.h"
#include "fa/core/naming.h"
#include "fa/subs_hlr.h"

#define IMSI   "001010000000001"
#define NUMBER "358401234567"
#define RECORD "\nimsi\t" IMSI "\nmsisdn\t" NUMBER "\nnam_cs\t1\nnam_ps\t1"

static struct rt_loop *loop;
static const struct env env = { 0 };

/* One HLR's control interface. answer: what follows "GET_REPLY <id> <variable> " or, beginning with '!', "ERROR <id> "; or with '=', the whole text. */
struct server {
    struct rt_listen *at;
    struct rt_stream *s;
    const char *answer; /* NULL: none */
    unsigned asked, accepted;
    char last[128]; /* the last question without its id */
};

static void say(struct server *v, const char *text)
{
    uint8_t b[2048];
    size_t n = ipa_write(b, sizeof b, IPA_OSMO, IPA_EXT_CTRL, span_str(text));
    assert_true(n > 0);
    assert_int_equal(rt_stream_send(v->s, span_of(b, n)), ERR_OK);
}

static size_t on_frame(void *ctx, struct span in)
{
    return ipa_frame(in);
}

static void on_input(void *ctx, struct span f)
{
    struct server *v = ctx;
    struct ipa_pkt p;
    char get[128], reply[1024], variable[64];
    unsigned id;
    assert_int_equal(ipa_parse(f, &p), ERR_OK);
    assert_true(p.stream == IPA_OSMO && p.type == IPA_EXT_CTRL && p.body.n < sizeof get);
    memcpy(get, p.body.p, p.body.n);
    get[p.body.n] = 0;
    assert_int_equal(sscanf(get, "GET %u %63s", &id, variable), 2);
    snprintf(v->last, sizeof v->last, "%s", variable);
    v->asked++;
    if (!v->answer)
        return;
    if (v->answer[0] == '=')
        snprintf(reply, sizeof reply, "%s", v->answer + 1);
    else if (v->answer[0] == '!')
        snprintf(reply, sizeof reply, "ERROR %u %s", id, v->answer + 1);
    else
        snprintf(reply, sizeof reply, "GET_REPLY %u %s %s", id, variable, v->answer);
    say(v, reply);
}

static void on_down(void *ctx, err why)
{
    struct server *v = ctx;
    rt_stream_free(v->s);
    v->s = NULL;
}

static const struct rt_stream_ops ops = { .frame = on_frame, .input = on_input, .down = on_down };

static void on_accept(void *ctx, struct rt_accepted *a, const struct addr *peer)
{
    struct server *v = ctx;
    rt_stream_free(v->s);
    v->s = rt_stream_accept(a, 4096, 4096, &ops, v);
    v->accepted++;
}

struct world {
    struct server v[2];
    struct fa_hlr conf[2];
    struct subs_hlr *s;
    unsigned answers;
    struct fa_job_ref ref;
    enum fa_job_type type;
    err e;
    struct fa_subscriber sub;
    unsigned told, lies;
    char what[FA_TEXT_MAX];
};

static void on_done(void *ctx, const struct fa_result *r)
{
    struct world *w = ctx;
    w->answers++;
    w->ref = r->ref;
    w->type = r->type;
    w->e = r->err;
    if (r->err == ERR_OK && r->type == FA_JOB_SUBSCRIBER)
        w->sub = *r->subscriber.s;
    rt_loop_stop(loop);
}

static void on_told(void *ctx, const char *hlr, const char *what)
{
    struct world *w = ctx;
    if (strcmp(hlr, "hlr0") != 0)
        return;
    w->told++;
    w->lies += strncmp(what, "gives wrong answers", 19) == 0;
    snprintf(w->what, sizeof w->what, "%s", what);
}

static void listen_at(struct server *v, const struct addr *at)
{
    assert_int_equal(rt_listen_open(loop, at, 4, on_accept, v, &v->at), ERR_OK);
}

static int set_up(void **state)
{
    static const char *const prefixes[] = { "00101", "00102" };
    struct world *w = calloc(1, sizeof *w);
    struct addr at = addr_v4(0x7f000001);
    loop = rt_loop_new();
    for (size_t i = 0; i < 2; i++) {
        listen_at(&w->v[i], &at);
        w->v[i].answer = "!No such subscriber.";
        w->conf[i] = (struct fa_hlr){ .address = rt_listen_local(w->v[i].at),
                                      .n_prefix = 1,
                                      .publish_number = true,
                                      .devices_max = 2,
                                      .lifetime_max_s = 3600,
                                      .request_us = 150000,
                                      .remember_us = 60000000 };
        snprintf(w->conf[i].name, sizeof w->conf[i].name, "hlr%zu", i);
        snprintf(w->conf[i].prefix[0], FA_IMSI_MAX, "%s", prefixes[i]);
    }
    assert_int_equal(subs_hlr_open(loop, &env, w->conf, 2, on_done, on_told, w, &w->s), ERR_OK);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    subs_hlr_close(w->s);
    for (size_t i = 0; i < 2; i++) {
        rt_stream_free(w->v[i].s);
        rt_listen_close(w->v[i].at);
    }
    rt_loop_free(loop);
    free(w);
    return 0;
}

static void too_long(void *ctx)
{
    fail_msg("nothing happened for ten seconds");
}

/* Until one more answer is there. */
static void run(struct world *w)
{
    struct rt_timer *t = rt_timer_new(loop, too_long, NULL);
    unsigned before = w->answers;
    rt_timer_at(t, rt_now_us() + 10000000u);
    while (w->answers == before)
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
    rt_loop_run(loop);
    rt_timer_free(t);
}

static err ask(struct world *w, const char *imsi, const char *id)
{
    struct fa_job j = { .ref = { .slot = 3, .gen = 4 }, .type = FA_JOB_SUBSCRIBER };
    snprintf(j.subscriber.imsi, sizeof j.subscriber.imsi, "%s", imsi);
    snprintf(j.subscriber.id, sizeof j.subscriber.id, "%s", id);
    return subs_hlr_ask(w->s, &j);
}

static err claim(struct world *w, const char *label, const char *not_this)
{
    struct fa_job j = { .ref = { .slot = 5, .gen = 6 }, .type = FA_JOB_CLAIM };
    fa_name_skeleton(label, j.claim.skeleton);
    snprintf(j.claim.subscriber, sizeof j.claim.subscriber, "%s", not_this);
    return subs_hlr_ask(w->s, &j);
}

static json_int_t count(const struct world *w, const char *name)
{
    json_t *all = subs_hlr_status(w->s);
    json_int_t n = json_integer_value(json_object_get(json_object_get(all, "hlr0"), name));
    json_decref(all);
    return n;
}

static void test_record(void **state)
{
    struct world *w = *state;
    w->v[0].answer = RECORD;
    assert_int_equal(ask(w, IMSI, ""), ERR_OK); /* not connected yet: it waits */
    assert_int_equal(w->answers, 0);
    run(w);
    assert_int_equal(w->e, ERR_OK);
    assert_true(w->ref.slot == 3 && w->ref.gen == 4);
    assert_string_equal(w->v[0].last, "subscriber.by-imsi-" IMSI ".info");
    assert_string_equal(w->sub.id, "imsi:" IMSI);
    assert_string_equal(w->sub.imsi, IMSI);
    assert_true(w->sub.active && w->sub.publish_number && !w->sub.publish_name);
    assert_true(w->sub.n_msisdn == 1 && w->sub.devices_max == 2 && w->sub.lifetime_max_s == 3600);
    assert_string_equal(w->sub.msisdn[0], NUMBER);
    assert_string_equal(w->sub.given, "");
    assert_int_equal(ask(w, "", "imsi:" IMSI), ERR_OK); /* by the id that we gave */
    run(w);
    assert_int_equal(w->e, ERR_OK);
    assert_int_equal(w->v[0].asked, 2); /* asked each time */
    w->v[0].answer = "\nimsi\t" IMSI "\nmsisdn\tnone\nnam_ps\t0";
    assert_int_equal(ask(w, IMSI, ""), ERR_OK);
    run(w);
    assert_false(w->sub.active);
    assert_int_equal(w->sub.n_msisdn, 0);
    w->v[0].answer = "!No such subscriber.";
    assert_int_equal(ask(w, IMSI, ""), ERR_OK);
    run(w);
    assert_int_equal(w->e, ERR_NOT_FOUND);
    assert_int_equal(count(w, "unknown"), 1);
    w->v[0].answer = NULL; /* ... which is its last word: what it said before does not count any more */
    assert_int_equal(ask(w, IMSI, ""), ERR_OK);
    run(w);
    assert_int_equal(w->e, ERR_TIMEOUT);
}

static void test_not_ours(void **state)
{
    struct world *w = *state;
    static const char *const imsi[] = { "244050000000001", "0010", "", "00101x" };
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(ask(w, imsi[i], ""), ERR_NOT_FOUND);
    assert_int_equal(ask(w, "", "sub-000001"), ERR_NOT_FOUND);
    assert_int_equal(ask(w, "", "imsi:244050000000001"), ERR_NOT_FOUND);
    assert_int_equal(ask(w, "", IMSI), ERR_NOT_FOUND); /* an operator's id of digits is no IMSI */
    static const char *const label[] = { "matti-virtanen", "m-3584", "12", "1234567890123456", "358x40" };
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(claim(w, label[i], "x"), ERR_NOT_FOUND);
}

static void test_numbers(void **state)
{
    struct world *w = *state;
    w->v[1].answer = "\nimsi\t001020000000009\nmsisdn\t" NUMBER "\nnam_ps\t1";
    /* the first has none of this number, the second has; a look-alike of the number is no better */
    static const char *const label[] = { NUMBER, "35840i234567", "3584ol-234567" };
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(claim(w, label[i], "imsi:" IMSI), ERR_OK);
        run(w);
        assert_int_equal(w->type, FA_JOB_CLAIM);
        assert_int_equal(w->e, ERR_EXISTS);
        assert_string_equal(w->v[0].last, "subscriber.by-msisdn-" NUMBER ".info");
        assert_int_equal(w->v[1].asked, i + 1);
    }
    assert_int_equal(claim(w, NUMBER, "imsi:001020000000009"), ERR_OK); /* its own */
    run(w);
    assert_int_equal(w->e, ERR_OK);
    w->v[1].answer = "!No such subscriber.";
    assert_int_equal(claim(w, NUMBER, "x"), ERR_OK);
    run(w);
    assert_int_equal(w->e, ERR_OK);
    w->v[1].answer = NULL; /* not to be had: nobody gets the name meanwhile */
    assert_int_equal(claim(w, NUMBER, "x"), ERR_OK);
    run(w);
    assert_int_equal(w->e, ERR_TIMEOUT);
}

/* A liar's last word would hide that it lies: nothing is remembered here. */
static void test_lies(void **state)
{
    static const struct {
        const char *answer;
        err e;
        const char *counter;
        bool reset;
    } cases[] = {
        { "\nimsi\t001010000000002\nmsisdn\tnone\nnam_ps\t1", ERR_MALFORMED, "foreign", false },
        { "!Command not found", ERR_IO, "failed", false },
        { "\nimsi\t" IMSI, ERR_TIMEOUT, "malformed", true },
        { "\nmsisdn\tnone\nnam_ps\t1", ERR_TIMEOUT, "malformed", true },
        { "=GET_REPLY", ERR_TIMEOUT, "malformed", true },
        { "=GET_REPLY 4711 x y", ERR_TIMEOUT, "unsolicited", true },
        { "=TRAP 0 x y", ERR_TIMEOUT, "unsolicited", true },
    };
    struct world *w = *state;
    subs_hlr_close(w->s);
    w->conf[0].remember_us = 0;
    assert_int_equal(subs_hlr_open(loop, &env, w->conf, 2, on_done, on_told, w, &w->s), ERR_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_int_t before = count(w, cases[i].counter);
        unsigned accepted = w->v[0].accepted;
        w->v[0].answer = cases[i].answer;
        assert_int_equal(ask(w, IMSI, ""), ERR_OK);
        run(w);
        assert_int_equal(w->e, cases[i].e);
        assert_true(count(w, cases[i].counter) > before);
        assert_int_equal(w->lies, 1); /* the first one, and no other within a minute */
        if (cases[i].reset) {         /* it comes back by itself */
            w->v[0].answer = RECORD;
            for (int k = 0; k < 100 && (w->v[0].accepted == accepted || !count(w, "connected")); k++)
                run_for(20000);
            assert_true(w->v[0].accepted > accepted);
            assert_int_equal(ask(w, IMSI, ""), ERR_OK);
            run(w);
            assert_int_equal(w->e, ERR_OK);
        }
    }
}

static void test_remembered(void **state)
{
    struct world *w = *state;
    w->v[0].answer = RECORD;
    assert_int_equal(ask(w, IMSI, ""), ERR_OK);
    run(w);
    /* gone for good */
    struct addr at = rt_listen_local(w->v[0].at);
    rt_listen_close(w->v[0].at);
    w->v[0].at = NULL;
    rt_stream_free(w->v[0].s);
    w->v[0].s = NULL;
    for (int i = 0; i < 100 && !w->told; i++)
        run_for(10000);
    assert_string_equal(w->what, "is gone: closed by the HLR");
    memset(&w->sub, 0, sizeof w->sub);
    assert_int_equal(ask(w, IMSI, ""), ERR_OK);
    run(w);
    assert_int_equal(w->e, ERR_OK);
    assert_string_equal(w->sub.msisdn[0], NUMBER);
    assert_int_equal(count(w, "remembered"), 1);
    assert_int_equal(ask(w, "001010000000002", ""), ERR_OK); /* nothing is known of this one */
    run(w);
    assert_int_equal(w->e, ERR_TIMEOUT);
    /* back: asked again, what was waiting too */
    listen_at(&w->v[0], &at);
    w->v[0].answer = "\nimsi\t" IMSI "\nmsisdn\tnone\nnam_ps\t0";
    for (int i = 0; i < 100 && count(w, "connected") == 0; i++)
        run_for(50000);
    assert_string_equal(w->what, "is there again");
    assert_int_equal(w->told, 2); /* not once for each try in between */
    assert_int_equal(ask(w, IMSI, ""), ERR_OK);
    run(w);
    assert_true(w->e == ERR_OK && !w->sub.active);
}

static void test_bounds(void **state)
{
    struct world *w = *state;
    unsigned n = 0;
    w->v[0].answer = NULL;
    err e = ERR_OK;
    for (; e == ERR_OK && n < 10000; n++)
        e = ask(w, IMSI, "");
    assert_int_equal(e, ERR_FULL);
    while (w->answers < n - 1) /* every one is answered, once */
        run(w);
    assert_int_equal(w->answers, n - 1);
    assert_int_equal(w->e, ERR_TIMEOUT);
    assert_int_equal(count(w, "timeouts"), n - 1);
    assert_int_equal(ask(w, IMSI, ""), ERR_OK); /* and closing with one open */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_record, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_not_ours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_remembered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bounds, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
