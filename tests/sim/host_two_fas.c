/* SPDX-License-Identifier: Apache-2.0
 *
 * A host at two Forwarding Agents of one operator (docs/sim-binding.md section 17): the first binds, the second believes the zone. One of them ends, and
 * the host is reached by the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dnsupd/hiprr.h"
#include "tests/sim/core_fa.h"

#define NAME "matti-virtanen.operator.example"
#define FA1  "fa.operator.example"
#define FA2  "fa2.operator.example"

struct scene {
    struct world *w;
    struct w_node *fa1, *fa2, *mn, *cn;
    struct host_fa_conf fa[2];
    struct hip_hi cn_hi;
};

static struct w_node *fixed(struct world *w, struct hip_hi *hi)
{
    struct host_config c = w_config();
    struct w_node *n;

    assert_int_equal(hip_hi_generate(SIG_ECDSA_P256, 0, hi), ERR_OK);
    c.hi = hi;
    n = w_host(w, "cn", &c);
    w_addr_up(w, n, "192.0.2.50", 2, 0);
    w_start(w, n);
    return n;
}

static struct scene scene_of(uint64_t seed, bool partner)
{
    struct scene s = { .w = w_new(w_seed(seed)) };
    struct host_config c = w_config();

    s.fa1 = w_core_new(s.w, "fa1", "192.0.2.18", FA1);
    s.fa1->core->c.partner[0] = FA2;
    s.fa1->core->c.n_partner = 1;
    s.fa2 = w_core_new(s.w, "fa2", "192.0.2.19", FA2);
    s.fa2->core->c.by_zone = partner;
    s.fa[0] = w_core_conf(s.fa1);
    s.fa[1] = w_core_conf(s.fa2);
    c.fa = s.fa;
    c.n_fa = 2;
    s.mn = w_host(s.w, "mn", &c);
    s.mn->card = w_card_new(s.w, "001010000000001", 0x46);
    w_core_subscriber(s.fa1, s.mn->card, "Matti", "Virtanen");
    w_addr_up(s.w, s.mn, "198.51.100.10", 2, 1);
    s.cn = fixed(s.w, &s.cn_hi);
    w_core_start(s.w, s.fa1);
    w_core_start(s.w, s.fa2);
    w_start(s.w, s.mn);
    w_run(s.w, 8 * W_S);
    assert_int_equal(w_status(s.w, s.mn).bind, HOST_BIND_BOUND);
    return s;
}

static void scene_free(struct scene *s)
{
    hip_hi_done(&s->cn_hi);
    w_free(s->w);
}

static bool registered(const struct w_node *fa, const struct w_node *mn, struct fa_registration *r)
{
    size_t pos = 0;
    while (fa_registration_next(fa->core->f, &pos, r))
        if (hit_eq(&r->hit, &mn->id))
            return true;
    return false;
}

static bool at(const struct w_node *fa, const struct w_node *mn)
{
    struct fa_registration r;
    return registered(fa, mn, &r);
}

static bool reached(struct scene *s, uint64_t us)
{
    w_resolve(s->w, s->cn, NAME);
    w_run(s->w, 100 * W_MS);
    assert_int_equal(s->cn->resolved_e, ERR_OK);
    return w_ping(s->w, s->cn, s->mn, us);
}

static void test_registered_at_both(void **state)
{
    struct scene s = scene_of(1, true);
    const struct w_name *n = w_dns(s.w, NAME);
    struct fa_registration r;
    struct dnsu_hiprr rr;
    struct dnsu_name rvs;
    char text[DNSU_NAME_TEXT_MAX];

    assert_true(at(s.fa1, s.mn));
    assert_true(registered(s.fa2, s.mn, &r));
    assert_true(r.bound);
    assert_string_equal(r.name, NAME);
    assert_int_equal(s.fa2->core->as_asked, 0); /* no SIM there */
    assert_int_equal(s.fa2->core->dns_asked, 0);
    assert_int_equal(dnsu_hiprr_parse(span_of(n->rdata, n->rdata_n), &rr), ERR_OK);
    assert_int_equal(rr.n_rvs, 2);
    assert_int_equal(dnsu_hiprr_rvs(&rr, 0, &rvs), ERR_OK);
    assert_string_equal(dnsu_name_text(&rvs, text), FA1 ".");
    assert_int_equal(dnsu_hiprr_rvs(&rr, 1, &rvs), ERR_OK);
    assert_string_equal(dnsu_name_text(&rvs, text), FA2 ".");
    w_run(s.w, 1200 * W_S); /* two lifetimes: each renews */
    assert_true(at(s.fa1, s.mn));
    assert_true(at(s.fa2, s.mn));
    assert_int_equal(s.mn->events[HOST_EV_LOST], 0);
    scene_free(&s);
}

static void test_first_dies(void **state)
{
    struct scene s = scene_of(2, true);

    s.fa1->down = true;
    assert_true(reached(&s, 3 * W_S));
    assert_int_equal(s.fa1->core->relayed, 0);
    assert_int_equal(s.fa2->core->relayed, 1);
    w_run(s.w, 300 * W_S); /* the host has noticed; nobody bound it anew */
    assert_true(at(s.fa2, s.mn));
    assert_int_equal(s.fa2->core->as_asked, 0);
    assert_string_equal(w_status(s.w, s.mn).fqdn, NAME ".");
    s.fa1->down = false;
    w_core_restart(s.w, s.fa1);
    w_run(s.w, 100 * W_S);
    assert_true(at(s.fa1, s.mn));
    assert_true(at(s.fa2, s.mn));
    assert_int_equal(s.fa1->core->as_asked, 2); /* the identity and the response of the one run there was */
    scene_free(&s);
}

static void test_second_dies(void **state)
{
    struct scene s = scene_of(3, true);

    s.fa2->down = true;
    assert_true(reached(&s, 3 * W_S));
    w_run(s.w, 60 * W_S);
    assert_int_equal(w_status(s.w, s.mn).fa, HOST_FA_REGISTERED);
    assert_true(at(s.fa1, s.mn));
    s.fa2->down = false;
    w_core_restart(s.w, s.fa2);
    assert_false(at(s.fa2, s.mn));
    w_run(s.w, 100 * W_S);
    assert_true(at(s.fa2, s.mn));
    scene_free(&s);
}

/* The host begins while the FA that bound it is away: the partner serves it, and is only a partner again when the first is back. */
static void test_begins_at_second(void **state)
{
    struct scene s = scene_of(4, true);

    s.mn->c.fa = s.fa;
    s.fa1->down = true;
    w_restart(s.w, s.mn);
    w_run(s.w, 3 * W_S);
    assert_true(at(s.fa2, s.mn));
    assert_int_equal(s.fa2->core->as_asked, 0);
    assert_true(reached(&s, 3 * W_S));
    s.fa1->down = false;
    w_core_restart(s.w, s.fa1);
    w_run(s.w, 150 * W_S);
    assert_true(at(s.fa1, s.mn));
    assert_true(at(s.fa2, s.mn));
    struct host_status st = w_status(s.w, s.mn);
    assert_true(hit_eq(&st.fa_hit, &s.fa1->core->hi.hit));
    scene_free(&s);
}

/* One that is no partner says no; nothing else changes, and nobody is bound there. */
static void test_no_partner(void **state)
{
    struct scene s = scene_of(5, false);

    w_run(s.w, 100 * W_S);
    assert_true(at(s.fa1, s.mn));
    assert_false(at(s.fa2, s.mn));
    assert_int_equal(s.fa2->core->as_asked, 0);
    assert_int_equal(w_status(s.w, s.mn).fa, HOST_FA_REGISTERED);
    assert_int_equal(w_status(s.w, s.mn).runs, 1);
    scene_free(&s);
}

/* Both are told of a move. */
static void test_moves(void **state)
{
    struct scene s = scene_of(6, true);
    struct fa_registration r;

    w_addr_down(s.w, s.mn, "198.51.100.10");
    w_addr_up(s.w, s.mn, "203.0.113.7", 3, 0);
    w_run(s.w, 2 * W_S);
    assert_true(registered(s.fa1, s.mn, &r));
    assert_true(addr_same_ip(&r.path.peer, &s.mn->addr[1].addr));
    assert_true(registered(s.fa2, s.mn, &r));
    assert_true(addr_same_ip(&r.path.peer, &s.mn->addr[1].addr));
    scene_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registered_at_both), cmocka_unit_test(test_first_dies),
        cmocka_unit_test(test_second_dies),        cmocka_unit_test(test_begins_at_second),
        cmocka_unit_test(test_no_partner),         cmocka_unit_test(test_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
