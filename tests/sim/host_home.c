/* SPDX-License-Identifier: Apache-2.0
 *
 * A host whose configuration names no Forwarding Agent: that of the SIM's home network is looked for by name (docs/sim-binding.md sections 4, 16), known
 * by a signed record, else named by the home network. And cards that cannot be used at first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/world.h"

#define IMSI "001010000000001"
#define HOME "hip-fa.mnc001.mcc001.pub.3gppnetwork.org"

struct scene {
    struct world *w;
    struct w_node *fa, *mn;
    struct w_card *card;
};

static struct scene scene_of(uint64_t seed, struct host_config c)
{
    struct scene s = { .w = w_new(w_seed(seed)) };

    c.fa = NULL;
    c.n_fa = 0;
    s.fa = w_fa_new(s.w, "fa", "192.0.2.18", "fa.operator.example");
    s.mn = w_host(s.w, "mn", &c);
    s.card = w_card_new(s.w, IMSI, 0x46);
    s.mn->card = s.card;
    w_addr_up(s.w, s.mn, "198.51.100.10", 2, 0);
    return s;
}

static struct host_config finding(bool reveal)
{
    struct host_config c = w_config();
    c.find_fa = true;
    c.reveal_imsi = reveal;
    return c;
}

static void go(const struct scene *s, uint64_t us)
{
    w_start(s->w, s->mn);
    w_run(s->w, us);
}

static bool bound(const struct scene *s)
{
    struct host_status st = w_status(s->w, s->mn);
    return st.bind == HOST_BIND_BOUND && st.fa == HOST_FA_REGISTERED && s->fa->fa->n_reg == 1;
}

/* Signed: known, and the IMSI may be shown to it. Unsigned: not. Bogus: not even an I1. */
static void test_signed(void **state)
{
    static const enum dnsu_security how[] = { DNSU_SECURE, DNSU_INSECURE, DNSU_BOGUS };

    for (size_t i = 0; i < 3; i++) {
        struct scene s = scene_of(1 + i, finding(false));
        w_dns_hip(s.w, HOME, &s.fa->fa->hi, NULL);
        w_dns_addr(s.w, HOME, "192.0.2.18");
        w_dns(s.w, HOME)->security = how[i];
        go(&s, 5 * W_S);
        assert_int_equal(bound(&s), i == 0);
        assert_int_equal(s.fa->fa->runs, i == 0);
        assert_int_equal(s.card->asked, i == 0);
        if (i == 2)
            assert_true(s.mn->events[HOST_EV_ALARM] > 0);
        w_free(s.w);
    }
}

/* Unsigned, or no record at all: an opportunistic I1, and the home network names the FA in its challenge. */
static void test_named(void **state)
{
    for (int record = 0; record < 2; record++) {
        struct scene s = scene_of(10 + (uint64_t)record, finding(true));
        if (record)
            w_dns_hip(s.w, HOME, &s.fa->fa->hi, NULL);
        w_dns_addr(s.w, HOME, "192.0.2.18");
        w_dns(s.w, HOME)->security = DNSU_INSECURE;
        go(&s, 5 * W_S);
        assert_true(bound(&s));
        assert_false(s.fa->fa->saw_imsi);
        w_free(s.w);
    }
}

/* Somebody answers for the name who is not the one that the home network names; or an unsigned record, where those are used, is another one's. */
static void test_not_named(void **state)
{
    for (int record = 0; record < 2; record++) {
        struct host_config c = finding(true);
        c.require_dnssec = !record;
        struct scene s = scene_of(20 + (uint64_t)record, c);
        if (record)
            w_dns_hip(s.w, HOME, &s.fa->fa->other, NULL);
        else
            s.fa->fa->lie = W_NET_NAME;
        w_dns_addr(s.w, HOME, "192.0.2.18");
        w_dns(s.w, HOME)->security = DNSU_INSECURE;
        go(&s, 20 * W_S);
        assert_false(bound(&s));
        assert_int_equal(s.card->asked, 0);
        assert_int_equal(s.fa->fa->n_bound, 0);
        w_free(s.w);
    }
}

/* No such name: said so, left alone for longer and longer, found when it is there. */
static void test_absent(void **state)
{
    struct scene s = scene_of(30, finding(false));
    unsigned lookups;

    go(&s, 2 * W_S);
    assert_non_null(strstr(s.mn->text[HOST_EV_CONNECT], HOME));
    assert_non_null(strstr(s.mn->text[HOST_EV_CONNECT], "there is no such name"));
    assert_int_equal(w_status(s.w, s.mn).fa, HOST_FA_BACKOFF);
    w_run(s.w, 600 * W_S);
    lookups = s.mn->lookups;
    assert_true(lookups < 40); /* 5 s doubling to an hour: about eight tries, two questions each */
    w_dns_hip(s.w, HOME, &s.fa->fa->hi, NULL);
    w_dns_addr(s.w, HOME, "192.0.2.18");
    host_actions_reset(&s.mn->out);
    host_retry(s.mn->h, s.w->now, &s.mn->out);
    w_act(s.w, s.mn);
    w_run(s.w, 5 * W_S);
    assert_true(bound(&s));
    w_free(s.w);
}

/* Without an address of its own the host asks nobody: answers that cannot come would hold it up when it has one. */
static void test_no_address(void **state)
{
    struct scene s = scene_of(35, finding(false));

    w_dns_hip(s.w, HOME, &s.fa->fa->hi, NULL);
    w_dns_addr(s.w, HOME, "192.0.2.18");
    w_start(s.w, s.mn);
    w_addr_down(s.w, s.mn, "198.51.100.10");
    w_run(s.w, 5 * W_S);
    s.mn->lookups = 0;
    w_run(s.w, 600 * W_S);
    assert_int_equal(s.mn->lookups, 0);
    assert_int_equal(w_status(s.w, s.mn).fa, HOST_FA_IDLE);
    w_addr_up(s.w, s.mn, "198.51.100.10", 2, 0);
    w_run(s.w, 2 * W_S);
    assert_true(bound(&s));
    w_free(s.w);
}

/* Addresses that lead nowhere, or back to us. */
static void test_hostile_addresses(void **state)
{
    static const char *const bad[] = { "198.51.100.10", "127.0.0.1", "224.0.0.1", "0.0.0.0" };
    struct scene s = scene_of(40, finding(true));

    for (size_t i = 0; i < 4; i++)
        w_dns_addr(s.w, HOME, bad[i]);
    go(&s, 20 * W_S);
    assert_false(bound(&s));
    assert_non_null(strstr(s.mn->text[HOST_EV_CONNECT], "no FA at " HOME));
    assert_int_equal(w_status(s.w, s.mn).fa, HOST_FA_BACKOFF);
    w_free(s.w);
}

/* Bound once, its FA is known by what it said under BIND_MAC: the name is not needed any more. */
static void test_remembered(void **state)
{
    struct scene s = scene_of(50, finding(false));
    struct w_card *card = s.card;

    w_dns_hip(s.w, HOME, &s.fa->fa->hi, NULL);
    w_dns_addr(s.w, HOME, "192.0.2.18");
    w_dns_addr(s.w, "fa.operator.example", "192.0.2.18");
    go(&s, 5 * W_S);
    assert_true(bound(&s));
    w_card_out(s.w, s.mn);
    w_run(s.w, 2 * W_S);
    assert_int_equal(w_status(s.w, s.mn).fa, HOST_FA_IDLE);
    w_dns(s.w, HOME)->security = DNSU_BOGUS;
    w_card_in(s.w, s.mn, card);
    w_run(s.w, 20 * W_S);
    assert_true(bound(&s));
    assert_int_equal(s.fa->fa->runs, 1);
    w_free(s.w);
}

/* Each card its home network; a MNC of three digits; and nobody is looked for where that is switched off. */
static void test_name(void **state)
{
    struct scene s = scene_of(60, finding(false));
    struct w_card *other = w_card_new(s.w, "310410000000003", 0x47);
    struct host_config off = w_config();

    go(&s, 2 * W_S);
    assert_non_null(strstr(s.mn->text[HOST_EV_CONNECT], HOME));
    w_card_out(s.w, s.mn);
    other->id.mnc_len = 3;
    w_card_in(s.w, s.mn, other);
    w_run(s.w, 2 * W_S);
    assert_non_null(strstr(s.mn->text[HOST_EV_CONNECT], "hip-fa.mnc410.mcc310.pub.3gppnetwork.org"));
    w_free(s.w);

    s = scene_of(61, off);
    w_dns_hip(s.w, HOME, &s.fa->fa->hi, NULL);
    w_dns_addr(s.w, HOME, "192.0.2.18");
    go(&s, 5 * W_S);
    assert_false(bound(&s));
    assert_int_equal(s.mn->lookups, 0);
    w_free(s.w);
}

/* ---- cards ---- */

/* It wants its PIN, says why, and is asked again when its owner says that something changed. */
static void test_locked(void **state)
{
    struct scene s = scene_of(70, finding(false));

    w_dns_hip(s.w, HOME, &s.fa->fa->hi, NULL);
    w_dns_addr(s.w, HOME, "192.0.2.18");
    s.card->refuses = ERR_REFUSED;
    go(&s, 2 * W_S);
    assert_int_equal(w_status(s.w, s.mn).sim, HOST_SIM_LOCKED);
    assert_non_null(strstr(s.mn->text[HOST_EV_SIM], "wants its PIN"));
    assert_null(host_card(s.mn->h));
    w_card_in(s.w, s.mn, s.card);
    w_run(s.w, 2 * W_S);
    assert_int_equal(w_status(s.w, s.mn).sim, HOST_SIM_LOCKED);
    s.card->refuses = ERR_UNSUPPORTED;
    w_card_in(s.w, s.mn, s.card);
    w_run(s.w, 2 * W_S);
    assert_int_equal(w_status(s.w, s.mn).sim, HOST_SIM_UNUSABLE);
    w_card_out(s.w, s.mn);
    assert_int_equal(w_status(s.w, s.mn).sim, HOST_SIM_NONE);
    s.card->refuses = ERR_OK;
    w_card_in(s.w, s.mn, s.card);
    w_run(s.w, 5 * W_S);
    assert_true(bound(&s));
    assert_string_equal(host_card(s.mn->h)->imsi, IMSI);
    w_card_in(s.w, s.mn, s.card); /* said twice: a card in use goes on */
    w_run(s.w, W_S);
    assert_true(bound(&s));
    assert_int_equal(s.fa->fa->runs, 1);
    w_free(s.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signed),     cmocka_unit_test(test_named),
        cmocka_unit_test(test_not_named),  cmocka_unit_test(test_absent),
        cmocka_unit_test(test_no_address), cmocka_unit_test(test_hostile_addresses),
        cmocka_unit_test(test_remembered), cmocka_unit_test(test_name),
        cmocka_unit_test(test_locked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
