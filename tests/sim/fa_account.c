/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions as fa/core tells of them (fa/core/session.h): one for each time that a bound host is registered, whatever ends it, with the octets that the data
 * relay carried for it through all of its associations; whom the authentication server wants to have charged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "fa/core/core.h"
#include "tests/sim/fa_world.h"

#define MATTI     "matti.operator.example"
#define INTERIM_S 60

static struct fw *world(void)
{
    const char *seed = getenv("SEED");
    struct fw *w = fw_new(seed ? strtoull(seed, NULL, 10) : 11);
    w->c.account_s = INTERIM_S;
    w->c.relay = (struct fa_relay_config){ .control = true,
                                           .data = true,
                                           .port_first = 20000,
                                           .port_last = 20007,
                                           .n_local = 1,
                                           .local = { w->fa_addr },
                                           .table = { .flows = 64, .clients = 8 } };
    return w;
}

static struct fw_mn *matti(struct fw *w, const char *addr)
{
    struct fw_mn *m = fw_mn(w, "mn", addr, &w->card[0]);
    m->wanted[0] = MATTI ".";
    m->want_sim = true;
    m->want_rvs = m->addr.port == 0;
    if (m->addr.port) {
        m->want[m->n_want++] = FA_REG_RELAY_HIP;
        m->want[m->n_want++] = FA_REG_RELAY_ESP;
    }
    m->reg_code = 156; /* 2896 s */
    return m;
}

/* Bound and registered; its session has begun. */
static struct fw *bound(const char *addr, struct fw_mn **m)
{
    struct fw *w = world();
    fw_start(w);
    *m = matti(w, addr);
    fw_connect(w, *m);
    fw_run(w, 3 * FW_S);
    assert_int_equal((*m)->status, HIP_BIND_ST_BOUND);
    return w;
}

static const struct fa_session *last(const struct fw *w)
{
    assert_true(w->n_session > 0);
    return &w->session[w->n_session - 1];
}

/* The session ended, for this reason, and nothing else came after its beginning. */
static void assert_ended(const struct fw *w, enum fa_ended why)
{
    assert_int_equal(w->n_session, 2);
    assert_int_equal(w->session[1].what, FA_SESSION_ENDED);
    if (w->session[1].end != why)
        fail_msg("ended: %s, not: %s", fa_ended_name(w->session[1].end), fa_ended_name(why));
}

static void life(void **state)
{
    struct fw_mn *m;
    struct fw *w = bound("192.0.2.20", &m);
    assert_int_equal(w->n_session, 1);
    const struct fa_session *s = &w->session[0];
    assert_int_equal(s->what, FA_SESSION_BEGAN);
    assert_memory_equal(s->hit, m->hi.hit.b, 16);
    assert_string_equal(s->name, MATTI);
    assert_string_equal(s->subscriber, w->sub[0].id);
    assert_int_equal(s->binding, fw_row_of(w, MATTI)->b.id);
    assert_true(addr_same_ip(&s->peer, &m->addr));
    assert_int_equal(s->seconds, 0);
    fw_run(w, 130 * FW_S);
    assert_int_equal(w->n_session, 3);
    for (int i = 1; i < 3; i++) {
        assert_int_equal(w->session[i].what, FA_SESSION_GOES_ON);
        assert_int_equal(w->session[i].seconds, i * INTERIM_S);
    }
    fw_unbind(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(w->n_session, 4);
    assert_int_equal(last(w)->what, FA_SESSION_ENDED);
    assert_int_equal(last(w)->end, FA_ENDED_ASKED);
    assert_in_range(last(w)->seconds, 130, 134);
    assert_string_equal(last(w)->subscriber, w->sub[0].id);
    fw_run(w, 200 * FW_S); /* and no more of it */
    assert_int_equal(w->n_session, 4);
    fw_free(w);
}

/* What the stores say of the HI meanwhile does not change whose session it is: its last record has the identifiers of the first. */
static void of_one_binding(void **state)
{
    struct fw_mn *m;
    struct fw *w = bound("192.0.2.20", &m);
    struct fa_guest *g = htab_get(w->fa->by_hit, &m->hi.hit);
    assert_non_null(g);
    g->binding = 0; /* a question to the stores is under way, or was not answered */
    fw_run(w, INTERIM_S * FW_S);
    hip_actions_reset(&m->out);
    assert_int_equal(hip_close(m->e, m->ref, w->now, &m->out), ERR_OK);
    fw_act_mn(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(w->n_session, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(w->session[i].binding, fw_row_of(w, MATTI)->b.id);
        assert_string_equal(w->session[i].subscriber, w->sub[0].id);
    }
    fw_free(w);
}

static void nobody_wants_to_know(void **state)
{
    struct fw *w = world();
    w->c.account_s = 0;
    fw_start(w);
    struct fw_mn *m = matti(w, "192.0.2.20");
    fw_connect(w, m);
    fw_run(w, 100 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    assert_int_equal(w->n_session, 0);
    assert_int_equal(w->asked[FA_JOB_CHARGE], 0);
    fw_free(w);
}

/* On the allow list, without a binding: nobody's session. */
static void not_bound(void **state)
{
    struct fw *w = world();
    struct fw_mn *m = fw_mn(w, "mn", "192.0.2.20", NULL);
    w->c.n_allow = 1;
    w->allow[0] = (struct fa_allow){ .hit = m->hi.hit, .n = 1, .type = { FA_REG_RENDEZVOUS } };
    m->want_rvs = true;
    fw_start(w);
    fw_connect(w, m);
    fw_run(w, 100 * FW_S);
    assert_true(m->granted_rvs);
    assert_int_equal(w->n_session, 0);
    fw_free(w);
}

static void charged_to(void **state)
{
    struct fw *w = world();
    w->as_user = span_of("user\0", 5);
    w->as_class = span_str("\x03one\x03two");
    fw_start(w);
    struct fw_mn *m = matti(w, "192.0.2.20");
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(w->asked[FA_JOB_CHARGE], 1);
    assert_memory_equal(w->charged_hit, m->hi.hit.b, 16);
    assert_int_equal(w->charged.user_len, 5);
    assert_memory_equal(w->charged.user, "user\0", 5);
    assert_int_equal(w->charged.cui_len, strlen(w->card[0].imsi));
    assert_memory_equal(w->charged.cui, w->card[0].imsi, w->charged.cui_len);
    assert_int_equal(w->charged.class_len, 8);
    assert_memory_equal(w->charged.class_v, "\x03one\x03two", 8);
    fw_free(w);
}

/* Who was not bound is charged to nobody. */
static void refused(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = matti(w, "192.0.2.20");
    m->cheat = MN_BAD_MAC;
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(w->asked[FA_JOB_CHARGE], 0);
    assert_int_equal(w->n_session, 0);
    fw_free(w);
}

/* ---- ends ---- */

static void closed_by_the_host(void **state)
{
    struct fw_mn *m;
    struct fw *w = bound("192.0.2.20", &m);
    hip_actions_reset(&m->out);
    assert_int_equal(hip_close(m->e, m->ref, w->now, &m->out), ERR_OK);
    fw_act_mn(w, m);
    fw_run(w, 3 * FW_S);
    assert_ended(w, FA_ENDED_ASKED);
    fw_free(w);
}

static void not_renewed(void **state)
{
    struct fw *w = world();
    w->c.account_s = 10000;
    fw_start(w);
    struct fw_mn *m = matti(w, "192.0.2.20");
    m->reg_code = 128; /* 256 s */
    fw_connect(w, m);
    fw_run(w, 300 * FW_S);
    assert_ended(w, FA_ENDED_LOST);
    assert_int_equal(last(w)->seconds, 256);
    fw_free(w);
}

static void binding_expired(void **state)
{
    struct fw *w = world();
    w->c.account_s = 10000;
    fw_start(w);
    struct fw_mn *m = matti(w, "192.0.2.20");
    m->lifetime_s = 600;
    fw_connect(w, m);
    fw_run(w, 1000 * FW_S);
    assert_ended(w, FA_ENDED_EXPIRED);
    fw_free(w);
}

static void revoked(void **state)
{
    struct fw_mn *m;
    struct fw *w = bound("192.0.2.20", &m);
    fa_actions_reset(w->out);
    assert_int_equal(fa_revoke(w->fa, MATTI, NULL, w->now, w->out), ERR_OK);
    fw_act(w);
    fw_run(w, 3 * FW_S);
    assert_ended(w, FA_ENDED_ORDERED);
    fw_free(w);
}

static void told(enum fa_tell_what what, enum fa_ended why)
{
    struct fw_mn *m;
    struct fw *w = bound("192.0.2.20", &m);
    struct fa_tell x = { .what = what, .hit = m->hi.hit };
    fa_actions_reset(w->out);
    fa_tell(w->fa, &x, w->now, w->out);
    fw_act(w);
    fw_run(w, 3 * FW_S);
    assert_ended(w, why);
    fw_free(w);
}

static void suspended(void **state)
{
    told(FA_TELL_SUSPENDED, FA_ENDED_ORDERED);
}

static void moved(void **state)
{
    told(FA_TELL_MOVED, FA_ENDED_MOVED);
}

static void stopped(void **state)
{
    struct fw_mn *m;
    struct fw *w = bound("192.0.2.20", &m);
    fa_actions_reset(w->out);
    assert_true(fa_stop(w->fa, w->now, w->out));
    fw_act(w);
    assert_ended(w, FA_ENDED_STOPPED);
    fw_free(w);
}

/* ---- octets ---- */

static const struct fa_guest *guest(const struct fw *w, const struct fw_mn *m)
{
    const struct fa_guest *g = htab_get(w->fa->by_hit, &m->hi.hit);
    assert_non_null(g);
    return g;
}

static void carry(struct fw *w, const struct fw_mn *m, bool out, uint32_t packets, size_t octets)
{
    const struct fa_guest *g = guest(w, m);
    assert_non_null(g->relay);
    assert_int_equal(
        fa_flows_take(fa_flow_table(w->fa), g->relay->slot, g->relay->gen, out, packets, octets, w->now),
        HIP_TAKEN);
}

static void assert_usage(const struct fa_session *s, uint64_t pout, uint64_t oout, uint64_t pin, uint64_t oin)
{
    assert_int_equal(s->usage.packets_out, pout);
    assert_int_equal(s->usage.octets_out, oout);
    assert_int_equal(s->usage.packets_in, pin);
    assert_int_equal(s->usage.octets_in, oin);
}

/* A new base exchange: the session goes on, and so do its sums. */
static void over_associations(void **state)
{
    struct fw_mn *m;
    struct fw *w = bound("198.51.100.7:4500", &m);
    carry(w, m, true, 2, 1000);
    carry(w, m, false, 3, 3000);
    m->want_sim = false;
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_true(m->up && guest(w, m)->relay);
    assert_int_equal(w->n_session, 1);
    carry(w, m, true, 1, 500);
    fw_run(w, INTERIM_S * FW_S);
    assert_int_equal(w->n_session, 2);
    assert_int_equal(last(w)->what, FA_SESSION_GOES_ON);
    assert_usage(last(w), 3, 1500, 3, 3000);
    assert_int_equal(last(w)->seconds, INTERIM_S);
    fw_unbind(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(last(w)->what, FA_SESSION_ENDED);
    assert_usage(last(w), 3, 1500, 3, 3000);
    fw_free(w);
}

/* What was carried before it was bound, as a host of the allow list's, is not its session's. */
static void before_it_was_bound(void **state)
{
    struct fw *w = world();
    struct fw_mn *m = matti(w, "198.51.100.7:4500");
    w->c.n_allow = 1;
    w->allow[0] =
        (struct fa_allow){ .hit = m->hi.hit, .n = 2, .type = { FA_REG_RELAY_HIP, FA_REG_RELAY_ESP } };
    fw_start(w);
    m->want_sim = false;
    fw_connect(w, m);
    fw_run(w, FW_S);
    carry(w, m, true, 7, 7000);
    assert_int_equal(w->n_session, 0);
    m->want_sim = true;
    fw_run_again(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    assert_int_equal(w->n_session, 1);
    carry(w, m, true, 1, 100);
    fw_unbind(w, m);
    fw_run(w, 3 * FW_S);
    assert_ended(w, FA_ENDED_ASKED);
    assert_usage(last(w), 1, 100, 0, 0);
    fw_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(life),
        cmocka_unit_test(of_one_binding),
        cmocka_unit_test(nobody_wants_to_know),
        cmocka_unit_test(not_bound),
        cmocka_unit_test(charged_to),
        cmocka_unit_test(refused),
        cmocka_unit_test(closed_by_the_host),
        cmocka_unit_test(not_renewed),
        cmocka_unit_test(binding_expired),
        cmocka_unit_test(revoked),
        cmocka_unit_test(suspended),
        cmocka_unit_test(moved),
        cmocka_unit_test(stopped),
        cmocka_unit_test(over_associations),
        cmocka_unit_test(before_it_was_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
