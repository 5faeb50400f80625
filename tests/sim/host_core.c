/* SPDX-License-Identifier: Apache-2.0
 *
 * host/core against fa/core: the main job without a kernel. Bound, reached by name through the FA, moved, restarted, refused; every write of a
 * binding the FA's last; air that loses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/core_fa.h"

#define NAME "matti-virtanen.operator.example"
#define FA   "fa.operator.example"

struct scene {
    struct world *w;
    struct w_node *fa, *mn, *cn;
    struct w_card *card;
    struct hip_hi cn_hi;
};

static struct scene scene_of(uint64_t seed, bool known, bool reveal)
{
    struct scene s = { .w = w_new(w_seed(seed)) };
    struct host_config c = w_config();
    struct host_fa_conf fa;

    s.fa = w_core_new(s.w, "fa", "192.0.2.18", FA);
    fa = w_core_conf(s.fa);
    if (!known)
        memset(&fa.hit, 0, sizeof fa.hit);
    c.fa = &fa;
    c.n_fa = 1;
    c.reveal_imsi = reveal;
    s.mn = w_host(s.w, "mn", &c);
    s.card = s.mn->card = w_card_new(s.w, "001010000000001", 0x46);
    w_core_subscriber(s.fa, s.card, "Matti", "Virtanen");
    w_addr_up(s.w, s.mn, "198.51.100.10", 2, 1);
    assert_int_equal(hip_hi_generate(SIG_ECDSA_P256, 0, &s.cn_hi), ERR_OK);
    c = w_config();
    c.hi = &s.cn_hi;
    s.cn = w_host(s.w, "cn", &c);
    w_addr_up(s.w, s.cn, "192.0.2.50", 2, 0);
    w_start(s.w, s.cn);
    return s;
}

static void go(struct scene *s, uint64_t us)
{
    w_core_start(s->w, s->fa);
    w_start(s->w, s->mn);
    w_run(s->w, us);
}

static struct scene scene(uint64_t seed)
{
    struct scene s = scene_of(seed, true, false);
    go(&s, 5 * W_S);
    return s;
}

static void scene_free(struct scene *s)
{
    hip_hi_done(&s->cn_hi);
    w_free(s->w);
}

static bool registered(const struct scene *s)
{
    struct fa_registration r;
    size_t pos = 0;
    while (fa_registration_next(s->fa->core->f, &pos, &r))
        if (hit_eq(&r.hit, &s->mn->id))
            return true;
    return false;
}

static void assert_bound(const struct scene *s)
{
    struct host_status st = w_status(s->w, s->mn);
    const struct fa_binding *b = w_core_row(s->fa, NAME);

    assert_int_equal(st.bind, HOST_BIND_BOUND);
    assert_string_equal(st.fqdn, NAME ".");
    assert_int_equal(st.fa, HOST_FA_REGISTERED);
    assert_non_null(b);
    assert_int_equal(b->state, FA_BINDING_BOUND);
    assert_memory_equal(b->hit, s->mn->id.b, 16);
    assert_true(registered(s));
    assert_true(w_core_consistent(s->w, s->fa));
}

static void assert_nothing(const struct scene *s)
{
    assert_int_not_equal(w_status(s->w, s->mn).bind, HOST_BIND_BOUND);
    assert_null(w_core_row(s->fa, NAME));
    assert_int_equal(w_dns(s->w, NAME)->rdata_n, 0);
    assert_int_equal(s->fa->core->booked, 0);
    assert_false(registered(s));
}

static void reach(struct scene *s)
{
    w_resolve(s->w, s->cn, NAME);
    w_run(s->w, W_S);
    assert_int_equal(s->cn->resolved_e, ERR_OK);
    assert_int_equal(s->cn->resolved_n, 1);
    assert_true(hit_eq(&s->cn->resolved[0], &s->mn->id));
    assert_true(w_ping(s->w, s->cn, s->mn, 3 * W_S));
}

static void test_main_job(void **state)
{
    struct scene s = scene(1);

    assert_bound(&s);
    assert_int_equal(s.fa->core->booked, 1);
    assert_int_equal(s.card->asked, 1);
    reach(&s);
    assert_int_equal(s.fa->core->relayed, 1);
    scene_free(&s);
}

static void test_moves(void **state)
{
    struct scene s = scene(2);
    struct fa_registration r;
    size_t pos = 0;

    reach(&s);
    w_addr_down(s.w, s.mn, "198.51.100.10");
    w_addr_up(s.w, s.mn, "203.0.113.7", 3, 0);
    w_run(s.w, 2 * W_S);
    assert_bound(&s);
    assert_true(w_ping(s.w, s.cn, s.mn, W_S));
    assert_true(fa_registration_next(s.fa->core->f, &pos, &r));
    assert_true(addr_same_ip(&r.path.peer, &s.mn->addr[1].addr));
    scene_free(&s);
}

/* Somebody who connects only after the move reaches it through the FA at its new place. */
static void test_reached_after_move(void **state)
{
    struct scene s = scene(3);

    w_addr_down(s.w, s.mn, "198.51.100.10");
    w_addr_up(s.w, s.mn, "203.0.113.7", 3, 0);
    w_run(s.w, 2 * W_S);
    reach(&s);
    scene_free(&s);
}

static void test_fa_restart(void **state)
{
    struct scene s = scene(4);

    w_core_restart(s.w, s.fa);
    w_run(s.w, 40 * W_S);
    assert_bound(&s);
    assert_int_equal(s.card->asked, 1); /* without AKA */
    reach(&s);
    scene_free(&s);
}

static void test_host_restart(void **state)
{
    struct scene s = scene(5);
    struct host_fa_conf fa = w_core_conf(s.fa);

    s.mn->c.fa = &fa;
    w_restart(s.w, s.mn);
    w_run(s.w, 10 * W_S);
    assert_bound(&s);
    assert_int_equal(s.card->asked, 1);
    scene_free(&s);
}

static void test_opportunistic(void **state)
{
    struct scene s = scene_of(6, false, true);

    go(&s, 10 * W_S);
    assert_bound(&s);
    scene_free(&s);
    s = scene_of(7, false, false);
    go(&s, 10 * W_S);
    assert_nothing(&s);
    assert_int_equal(s.card->asked, 0);
    scene_free(&s);
}

/* Two subscribers whose data yield the same name; the second wants the first's. */
static void test_name_in_use(void **state)
{
    struct scene s = scene(8);
    struct host_config c = w_config();
    struct host_fa_conf fa = w_core_conf(s.fa);
    struct w_node *other;
    struct w_card *card = w_card_new(s.w, "001010000000002", 0x47);
    struct host_status st;

    w_core_subscriber(s.fa, card, "Matti", "Virtanen");
    c.fa = &fa;
    c.n_fa = 1;
    other = w_host(s.w, "other", &c);
    other->card = card;
    w_addr_up(s.w, other, "198.51.100.11", 2, 0);
    w_start(s.w, other);
    w_run(s.w, 10 * W_S);
    st = w_status(s.w, other);
    assert_bound(&s);
    assert_int_equal(st.bind, HOST_BIND_BOUND);
    assert_string_not_equal(st.fqdn, NAME ".");
    assert_true(w_core_consistent(s.w, s.fa));
    scene_free(&s);
}

static void test_other_sim_in_device(void **state)
{
    struct scene s = scene(9);
    struct w_card *card = w_card_new(s.w, "001010000000002", 0x47);
    struct hit id = s.mn->id;

    w_core_subscriber(s.fa, card, "Maija", "Virtanen");
    w_card_out(s.w, s.mn);
    w_run(s.w, W_S);
    w_card_in(s.w, s.mn, card);
    w_run(s.w, 10 * W_S);
    assert_int_equal(w_status(s.w, s.mn).bind, HOST_BIND_BOUND);
    assert_string_not_equal(w_status(s.w, s.mn).fqdn, NAME ".");
    assert_false(hit_eq(&s.mn->id, &id));
    w_card_out(s.w, s.mn);
    w_card_in(s.w, s.mn, s.card);
    w_run(s.w, 10 * W_S);
    assert_true(hit_eq(&s.mn->id, &id));
    assert_bound(&s);
    assert_int_equal(s.card->asked, 1);
    scene_free(&s);
}

/* ---- reauthenticate (docs/sim-binding.md section 18) ---- */

static void test_access_change(void **state)
{
    struct scene s = scene_of(60, true, false);
    struct host_fa_conf fa = w_core_conf(s.fa);

    s.fa->core->c.reauth_on_access = true;
    go(&s, 5 * W_S);
    assert_bound(&s);
    reach(&s);
    w_addr_down(s.w, s.mn, "198.51.100.10");
    w_addr_up(s.w, s.mn, "198.51.100.77", 2, 1);
    w_run(s.w, 30 * W_S);
    assert_int_equal(s.card->asked, 1); /* the same /24 */
    w_addr_down(s.w, s.mn, "198.51.100.77");
    w_addr_up(s.w, s.mn, "203.0.113.7", 3, 0);
    w_run(s.w, 50 * W_MS);
    assert_true(registered(&s)); /* what is bound stays bound meanwhile */
    w_run(s.w, 5 * W_S);
    assert_int_equal(s.card->asked, 2);
    assert_bound(&s);
    assert_int_equal(s.mn->events[HOST_EV_LOST], 0); /* in the same association */
    assert_true(w_ping(s.w, s.cn, s.mn, W_S));
    w_run(s.w, 600 * W_S);
    assert_int_equal(s.card->asked, 2); /* once for each change */
    /* Coming back from elsewhere by a plain exchange is a change too. */
    s.mn->down = true;
    w_run(s.w, W_S);
    s.mn->down = false;
    s.mn->c.fa = &fa;
    w_restart(s.w, s.mn);
    w_run(s.w, 5 * W_S);
    assert_int_equal(s.card->asked, 2);
    w_addr_down(s.w, s.mn, "203.0.113.7");
    w_addr_up(s.w, s.mn, "192.0.2.99", 4, 0);
    w_restart(s.w, s.mn);
    w_run(s.w, 20 * W_S);
    assert_int_equal(s.card->asked, 3);
    assert_bound(&s);
    scene_free(&s);
}

/* Two access networks in one /24, told apart by a longer prefix. */
static void test_access_prefix(void **state)
{
    for (int longer = 0; longer < 2; longer++) {
        struct scene s = scene_of(62, true, false);
        s.fa->core->c.reauth_on_access = true;
        s.fa->core->c.access_prefix = longer ? 25 : 0;
        go(&s, 15 * W_S);
        assert_bound(&s);
        w_addr_down(s.w, s.mn, "198.51.100.10");
        w_addr_up(s.w, s.mn, "198.51.100.140", 3, 0);
        w_run(s.w, 20 * W_S);
        assert_int_equal(s.card->asked, longer ? 2 : 1);
        assert_bound(&s);
        scene_free(&s);
    }
}

static void test_access_change_without_the_card(void **state)
{
    struct scene s = scene_of(61, true, false);
    struct w_card *fake = w_card_new(s.w, "001010000000009", 0x11);

    s.fa->core->c.reauth_on_access = true;
    go(&s, 5 * W_S);
    assert_bound(&s);
    s.mn->card = fake; /* one that the home network's challenge does not fit */
    w_addr_down(s.w, s.mn, "198.51.100.10");
    w_addr_up(s.w, s.mn, "203.0.113.7", 3, 0);
    w_run(s.w, 400 * W_S);
    assert_false(registered(&s));            /* nor by a plain exchange */
    assert_non_null(w_core_row(s.fa, NAME)); /* the row stays */
    assert_int_equal(w_core_row(s.fa, NAME)->state, FA_BINDING_BOUND);
    assert_true(w_core_consistent(s.w, s.fa));
    scene_free(&s);
}

static void test_every_hours(void **state)
{
    struct scene s = scene_of(62, true, false);

    s.fa->core->c.reauth_s = 3600;
    go(&s, 5 * W_S);
    assert_bound(&s);
    w_run(s.w, 3500 * W_S);
    assert_int_equal(s.card->asked, 1);
    w_run(s.w, 200 * W_S);
    assert_int_equal(s.card->asked, 2);
    assert_bound(&s);
    /* The AS is away for a minute: asked again within the grace period, and nothing is lost. */
    w_run(s.w, 3300 * W_S);
    s.fa->core->as_down = true;
    w_run(s.w, 240 * W_S);
    assert_true(registered(&s));
    s.fa->core->as_down = false;
    w_run(s.w, 120 * W_S);
    assert_bound(&s);
    assert_int_equal(s.mn->events[HOST_EV_LOST], 0);
    scene_free(&s);
}

static void test_wrong_k(void **state)
{
    struct scene s = scene_of(10, true, false);
    struct w_card *fake = w_card_new(s.w, "001010000000009", 0x11);

    memcpy(fake->id.imsi, s.card->id.imsi, sizeof fake->id.imsi);
    s.mn->card = fake;
    go(&s, 30 * W_S);
    assert_nothing(&s);
    scene_free(&s);
}

static void test_unknown_imsi(void **state)
{
    struct scene s = scene_of(11, true, false);

    s.mn->card = w_card_new(s.w, "001010000000005", 0x12);
    s.w->n_card--;
    go(&s, 30 * W_S);
    s.w->n_card++;
    assert_nothing(&s);
    scene_free(&s);
}

static void test_not_subscribed(void **state)
{
    struct scene s = scene_of(12, true, false);

    s.fa->core->sub[0].active = false;
    go(&s, 60 * W_S);
    assert_nothing(&s);
    assert_true(w_status(s.w, s.mn).retry_us > 3000 * W_S);
    scene_free(&s);
}

/* MS-MPPE keys that are not the run's: no K in common, BIND_MAC fails at the FA, nothing is bound. */
static void test_wrong_msk(void **state)
{
    struct scene s = scene_of(13, true, false);

    s.fa->core->bad_msk = true;
    go(&s, 30 * W_S);
    assert_nothing(&s);
    assert_true(s.fa->core->alarms > 0 || s.fa->core->events[FA_EVENT_ALARM] > 0);
    scene_free(&s);
}

static void test_as_down(void **state)
{
    struct scene s = scene_of(14, true, false);

    s.fa->core->as_down = true;
    go(&s, 10 * W_S);
    assert_nothing(&s);
    s.fa->core->as_down = false;
    w_run(s.w, 120 * W_S);
    assert_bound(&s);
    scene_free(&s);
}

/* The name is reserved; when the DNS is back the host is told. */
static void test_dns_down(void **state)
{
    struct scene s = scene_of(15, true, false);

    s.fa->core->dns_down = true;
    go(&s, 30 * W_S);
    assert_int_not_equal(w_status(s.w, s.mn).bind, HOST_BIND_BOUND);
    s.fa->core->dns_down = false;
    w_run(s.w, 600 * W_S);
    assert_bound(&s);
    scene_free(&s);
}

static void test_store_down(void **state)
{
    struct scene s = scene_of(16, true, false);

    s.fa->core->db_down = true;
    go(&s, 20 * W_S);
    assert_nothing(&s);
    s.fa->core->db_down = false;
    w_run(s.w, 600 * W_S);
    assert_bound(&s);
    scene_free(&s);
}

static void test_revoked(void **state)
{
    struct scene s = scene(17);

    assert_int_equal(fa_revoke(s.fa->core->f, NAME, NULL, s.w->now, &s.fa->core->out), ERR_OK);
    w_run(s.w, 60 * W_S);
    assert_int_equal(w_status(s.w, s.mn).bind, HOST_BIND_LOST);
    assert_int_equal(w_dns(s.w, NAME)->rdata_n, 0);
    assert_true(w_core_consistent(s.w, s.fa));
    scene_free(&s);
}

/* kill -9 behind every write of a binding: once all is up again, bound and in the DNS, or neither. */
static void test_killed_at_every_write(void **state)
{
    for (int n = 1; n <= 4; n++) {
        struct scene s = scene_of(20 + (uint64_t)n, true, false);
        s.fa->core->writes_left = n;
        go(&s, 3 * W_S);
        w_run(s.w, 60 * W_S);
        assert_true(w_core_consistent(s.w, s.fa));
        w_run(s.w, 300 * W_S);
        assert_bound(&s);
        scene_free(&s);
    }
}

/* kill -9 of the host at any moment of its binding: it ends bound under the same name, once. */
static void test_host_killed_at_any_moment(void **state)
{
    for (uint64_t ms = 0; ms < 110; ms += 3) {
        struct scene s = scene_of(4000 + ms, true, false);
        struct host_fa_conf fa = w_core_conf(s.fa);
        s.mn->c.fa = &fa;
        go(&s, ms * W_MS);
        w_restart(s.w, s.mn);
        w_run(s.w, 60 * W_S);
        assert_bound(&s);
        assert_true(s.fa->core->booked >= 1);
        reach(&s);
        scene_free(&s);
    }
}

static void test_bad_air(void **state)
{
    for (uint64_t i = 0; i < 20; i++) {
        struct scene s = scene_of(3000 + i, true, false);
        s.w->loss_pm = 150;
        s.w->dup_pm = 100;
        s.w->reorder_pm = 150;
        go(&s, 120 * W_S);
        s.w->loss_pm = 0;
        w_run(s.w, 60 * W_S);
        assert_bound(&s);
        assert_int_equal(s.fa->core->booked, 1);
        assert_int_equal(s.mn->events[HOST_EV_ALARM], 0);
        s.w->loss_pm = 150;
        w_addr_down(s.w, s.mn, "198.51.100.10");
        w_addr_up(s.w, s.mn, "203.0.113.7", 3, 0);
        w_run(s.w, 60 * W_S);
        s.w->loss_pm = 0;
        w_run(s.w, 30 * W_S);
        assert_bound(&s);
        reach(&s);
        scene_free(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_main_job),
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_reached_after_move),
        cmocka_unit_test(test_fa_restart),
        cmocka_unit_test(test_host_restart),
        cmocka_unit_test(test_opportunistic),
        cmocka_unit_test(test_name_in_use),
        cmocka_unit_test(test_other_sim_in_device),
        cmocka_unit_test(test_access_change),
        cmocka_unit_test(test_access_prefix),
        cmocka_unit_test(test_access_change_without_the_card),
        cmocka_unit_test(test_every_hours),
        cmocka_unit_test(test_wrong_k),
        cmocka_unit_test(test_unknown_imsi),
        cmocka_unit_test(test_not_subscribed),
        cmocka_unit_test(test_wrong_msk),
        cmocka_unit_test(test_as_down),
        cmocka_unit_test(test_dns_down),
        cmocka_unit_test(test_store_down),
        cmocka_unit_test(test_revoked),
        cmocka_unit_test(test_killed_at_every_write),
        cmocka_unit_test(test_host_killed_at_any_moment),
        cmocka_unit_test(test_bad_air),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
