/* SPDX-License-Identifier: Apache-2.0
 *
 * Which identity and which method host/core shows to whom (docs/sim-binding.md section 4): pseudonyms, the IMSI, identity requests, EAP-AKA; and
 * who tries to get at more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/world.h"

#define IMSI  "001010000000001"
#define NAI   "6" IMSI "@wlan.mnc001.mcc001.3gppnetwork.org"
#define REALM "@wlan.mnc001.mcc001.3gppnetwork.org"

struct scene {
    struct world *w;
    struct w_node *fa, *mn;
    struct w_card *card;
};

/* A home network that gives out pseudonyms, an FA and a host with a card in; known: by its HIT. */
static struct scene scene_of(uint64_t seed, bool known, struct host_config c)
{
    struct scene s = { .w = w_new(w_seed(seed)) };
    struct host_fa_conf fa;

    s.fa = w_fa_new(s.w, "fa", "192.0.2.18", "fa.operator.example");
    s.fa->fa->names = (struct pseudonym_keys){ .master = { 7 }, .period_s = 86400, .periods = 9 };
    s.fa->fa->as.ask_who = true;
    fa = w_fa_conf(s.fa);
    if (!known)
        memset(&fa.hit, 0, sizeof fa.hit);
    c.fa = &fa;
    c.n_fa = 1;
    s.mn = w_host(s.w, "mn", &c);
    s.mn->c.fa = NULL;
    s.card = w_card_new(s.w, IMSI, 0x46);
    s.mn->card = s.card;
    w_addr_up(s.w, s.mn, "198.51.100.10", 2, 0);
    return s;
}

static bool is_bound(const struct scene *s)
{
    struct host_status st = w_status(s->w, s->mn);
    return st.bind == HOST_BIND_BOUND && st.fa == HOST_FA_REGISTERED;
}

static bool is_pseudonym(const char *said)
{
    return said[0] == '7' && strstr(said, REALM) && !strstr(said, "0000000001");
}

/* The FA lost its bindings and associations: another run. */
static void again(struct scene *s)
{
    s->fa->fa->n_bound = 0;
    s->fa->fa->heard_imsi = false;
    w_fa_restart(s->w, s->fa);
    w_run(s->w, 60 * W_S);
}

/* The IMSI once, then a new pseudonym each time; sealed, so that a new process has it. */
static void test_pseudonym(void **state)
{
    struct scene s = scene_of(1, true, w_config());
    struct host_fa_conf fa = w_fa_conf(s.fa);
    char first[NAI_TEXT_MAX];

    w_start(s.w, s.mn);
    w_run(s.w, 5 * W_S);
    assert_true(is_bound(&s));
    assert_string_equal(s.fa->fa->said[0], NAI);
    again(&s);
    assert_true(is_bound(&s));
    assert_true(is_pseudonym(s.fa->fa->said[0]));
    assert_false(s.fa->fa->heard_imsi);
    memcpy(first, s.fa->fa->said[0], sizeof first);
    s.mn->c.fa = &fa;
    s.fa->fa->n_bound = 0;
    w_fa_restart(s.w, s.fa);
    w_restart(s.w, s.mn);
    w_run(s.w, 60 * W_S);
    assert_true(is_bound(&s));
    assert_int_equal(s.fa->fa->runs, 3);
    assert_true(is_pseudonym(s.fa->fa->said[0]));
    assert_string_not_equal(s.fa->fa->said[0], first);
    assert_false(s.fa->fa->heard_imsi);
    w_free(s.w);
}

/* From an FA whose BIND_MAC is wrong nothing is kept. */
static void test_pseudonym_after_good_mac(void **state)
{
    struct scene s = scene_of(2, true, w_config());
    struct host_fa_conf fa = w_fa_conf(s.fa);

    s.fa->fa->lie = W_BAD_MAC;
    w_start(s.w, s.mn);
    w_run(s.w, 20 * W_S);
    assert_false(is_bound(&s));
    s.mn->c.fa = &fa;
    s.fa->fa->lie = W_HONEST;
    w_restart(s.w, s.mn);
    w_run(s.w, 5 * W_S);
    assert_true(is_bound(&s));
    assert_string_equal(s.fa->fa->said[0], NAI);
    w_free(s.w);
}

/* Refused under a good BIND_MAC: the pseudonym is the home network's all the same. */
static void test_pseudonym_of_refusal(void **state)
{
    struct scene s = scene_of(3, true, w_config());

    s.fa->fa->status = HIP_BIND_ST_UNAVAILABLE;
    s.fa->fa->status_n = 1;
    s.fa->fa->wait_s = 100; /* longer than the run */
    w_start(s.w, s.mn);
    w_run(s.w, 5 * W_S);
    assert_false(is_bound(&s));
    w_run(s.w, 200 * W_S);
    assert_true(is_bound(&s));
    assert_true(is_pseudonym(s.fa->fa->said[0]));
    w_free(s.w);
}

/* Asked again by AKA-Identity: any and full-auth get the pseudonym, permanent does not. */
static void test_identity_requests(void **state)
{
    struct scene s = scene_of(4, true, w_config());
    struct w_fa *f = s.fa->fa;

    w_start(s.w, s.mn);
    w_run(s.w, 5 * W_S);
    f->as.ask_identity = true;
    again(&s);
    assert_true(is_bound(&s));
    assert_int_equal(f->n_said, 2); /* any */
    assert_string_equal(f->said[0], f->said[1]);
    assert_true(is_pseudonym(f->said[1]));
    f->names.master[0]++; /* the home network lost its keys: any, then permanent, which a known FA may hear */
    again(&s);
    assert_true(is_bound(&s));
    assert_int_equal(f->n_said, 3);
    assert_true(is_pseudonym(f->said[1]));
    assert_string_equal(f->said[2], NAI);
    w_free(s.w);
}

/* ---- SUCI ---- */

/* A home network with a key for SUCIs, which the host has by its configuration. */
static struct scene with_suci(uint64_t seed, bool known)
{
    static const uint8_t private[32] = { 1, 2, 3, 4 };
    struct suci_key key = { .id = 27, .plmn = "00101" };
    uint8_t public[SUCI_PUBLIC_MAX];
    struct host_config c = w_config();
    struct scene s;

    assert_int_equal(suci_key_set(&key, SUCI_PROFILE_A, span_of(private, sizeof private)), ERR_OK);
    c.suci.id = 27;
    assert_int_equal(suci_home_set(&c.suci, SUCI_PROFILE_A, span_of(public, suci_key_public(&key, public))),
                     ERR_OK);
    s = scene_of(seed, known, c);
    s.fa->fa->suci = key;
    return s;
}

static bool is_suci(const char *said)
{
    return suci_is(span_str(said)) && strstr(said, REALM) && !strstr(said, "0000000001");
}

/* An FA that nobody knows, and a SIM that was never here: bound all the same, the IMSI seen by nobody on the way. */
static void test_suci(void **state)
{
    struct scene s = with_suci(40, false);

    w_start(s.w, s.mn);
    w_run(s.w, 5 * W_S);
    assert_true(is_bound(&s));
    assert_true(is_suci(s.fa->fa->said[0]));
    assert_int_equal(s.fa->fa->n_said, 1);
    assert_false(s.fa->fa->heard_imsi);
    w_free(s.w);
}

/* A pseudonym that came of a run with a SUCI is good once (RFC 9048 s5.2 MUST NOT); one that came of a run with a pseudonym until there is another. */
static void test_pseudonym_of_suci(void **state)
{
    static const struct {
        unsigned named; /* so many runs get a pseudonym */
        const char *shown;
    } rows[] = { { 1, "sps" }, { 2, "sppp" }, { 0, "ss" } };

    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        struct scene s = with_suci(50 + k, false);

        for (size_t i = 0; rows[k].shown[i]; i++) {
            s.fa->fa->no_names = i >= rows[k].named;
            if (i == 0) {
                w_start(s.w, s.mn);
                w_run(s.w, 5 * W_S);
            } else {
                again(&s);
            }
            assert_true(is_bound(&s));
            assert_false(s.fa->fa->heard_imsi);
            assert_int_equal(s.fa->fa->n_said, 1);
            if (rows[k].shown[i] == 's' ? !is_suci(s.fa->fa->said[0]) : !is_pseudonym(s.fa->fa->said[0]))
                fail_msg("row %zu, run %zu: %s", k, i, s.fa->fa->said[0]);
        }
        w_free(s.w);
    }
}

/* The card has the key itself (EF_SUCI_Calc_Info), which counts before the configuration's; one that is no key makes none. */
static void test_suci_of_card(void **state)
{
    static const uint8_t private[32] = { 9, 9, 9 };

    for (int good = 0; good < 2; good++) {
        struct suci_key key = { .id = 31, .plmn = "00101" };
        struct scene s = with_suci(60 + (uint64_t)good, false);
        struct usim_suci *card = &s.card->id.suci;

        assert_int_equal(suci_key_set(&key, SUCI_PROFILE_B, span_of(private, sizeof private)), ERR_OK);
        *card = (struct usim_suci){ .scheme = USIM_SUCI_B, .key_id = 31, .routing = "12" };
        card->key_len = (uint8_t)suci_key_public(&key, card->key);
        if (!good)
            card->key[0] = 7;
        suci_key_done(&s.fa->fa->suci);
        s.fa->fa->suci = key;
        w_start(s.w, s.mn);
        w_run(s.w, 10 * W_S);
        assert_int_equal(is_bound(&s), good);
        assert_int_equal(s.fa->fa->runs > 0, good);
        if (good)
            assert_non_null(strstr(s.fa->fa->said[0], ".rid12.schid2.hnkey31."));
        assert_false(s.fa->fa->heard_imsi);
        w_free(s.w);
    }
}

/* None is shown twice, and none is the same. */
static void test_suci_fresh(void **state)
{
    struct scene s = with_suci(41, false);
    char first[NAI_TEXT_MAX];

    s.fa->fa->names.period_s = 0;
    w_start(s.w, s.mn);
    w_run(s.w, 5 * W_S);
    assert_true(is_bound(&s) && is_suci(s.fa->fa->said[0]));
    memcpy(first, s.fa->fa->said[0], sizeof first);
    again(&s);
    assert_true(is_bound(&s) && is_suci(s.fa->fa->said[0]));
    assert_string_not_equal(first, s.fa->fa->said[0]);
    w_free(s.w);
}

/* Asked again in the run: a known FA hears the IMSI, another one nothing. */
static void test_suci_once_a_run(void **state)
{
    for (int known = 0; known < 2; known++) {
        struct scene s = with_suci(42 + (uint64_t)known, known);
        struct w_fa *f = s.fa->fa;

        f->suci.id = 28; /* the home network does not have this key any more */
        w_start(s.w, s.mn);
        w_run(s.w, 5 * W_S);
        assert_int_equal(is_bound(&s), known);
        assert_true(is_suci(f->said[0]));
        assert_int_equal(f->n_said, 1 + known);
        assert_int_equal(f->heard_imsi, known);
        w_free(s.w);
    }
}

/* ---- who wants to hear more ---- */

/* Bound at a known FA, which is away then; another one is configured by its address alone. */
static struct scene elsewhere(uint64_t seed, struct w_node **other)
{
    struct scene s = scene_of(seed, true, w_config());
    struct host_fa_conf conf[2];

    w_start(s.w, s.mn);
    w_run(s.w, 5 * W_S);
    assert_true(is_bound(&s));
    s.fa->down = true;
    *other = w_fa_new(s.w, "other", "192.0.2.19", "other.example");
    (*other)->fa->as.ask_who = true;
    (*other)->fa->names = s.fa->fa->names;
    conf[0] = w_fa_conf(*other);
    memset(&conf[0].hit, 0, sizeof conf[0].hit);
    s.mn->c.fa = conf;
    s.mn->c.n_fa = 1;
    w_restart(s.w, s.mn);
    s.mn->c.fa = NULL;
    return s;
}

/* IMSI catching by an unknown FA: whatever it asks for, it hears a pseudonym at most. */
static void test_imsi_catching(void **state)
{
    for (int how = 0; how < 3; how++) {
        struct w_node *other;
        struct scene s = elsewhere(10 + (uint64_t)how, &other);
        struct w_fa *f = other->fa;

        if (how == 1)
            f->names.master[0]++; /* "I do not know this pseudonym": the permanent identity, please */
        if (how == 2) {
            f->as.ask_identity = true; /* at once, and nothing but that one */
            f->as.ask_who = false;
        }
        w_run(s.w, 300 * W_S);
        assert_true(f->runs > 0);
        assert_true(is_pseudonym(f->said[0]));
        assert_false(f->heard_imsi);
        assert_int_equal(f->n_said, 1);
        /* an FA whose home network does know it, and names it to the card, is as good as any */
        assert_int_equal(w_status(s.w, s.mn).fa == HOST_FA_REGISTERED, how == 0);
        w_free(s.w);
    }
}

/* A SIM that was never here, and an FA that nobody knows: there is nothing to show. */
static void test_nothing_to_show(void **state)
{
    struct scene s = scene_of(13, false, w_config());

    w_start(s.w, s.mn);
    w_run(s.w, 30 * W_S);
    assert_int_equal(s.fa->fa->runs, 0);
    assert_false(s.fa->fa->heard_imsi);
    w_free(s.w);
}

/* ---- EAP-AKA ---- */

static struct scene with_aka(uint64_t seed, bool known, bool allowed)
{
    struct host_config c = w_config();
    struct scene s;

    c.allow_eap_aka = allowed;
    c.reveal_imsi = true;
    s = scene_of(seed, known, c);
    s.fa->fa->as.methods[0] = EAP_TYPE_AKA;
    w_start(s.w, s.mn);
    return s;
}

/* A home network that has nothing better: only where it is allowed, and with a known FA. */
static void test_aka(void **state)
{
    static const struct {
        bool known, allowed, binds;
    } rows[] = { { true, true, true }, { true, false, false }, { false, true, false } };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scene s = with_aka(20 + i, rows[i].known, rows[i].allowed);

        w_run(s.w, 5 * W_S);
        assert_int_equal(is_bound(&s), rows[i].binds);
        assert_int_equal(s.card->asked, rows[i].binds);
        assert_int_equal(s.mn->events[HOST_EV_ALARM], 0); /* Nak: there is no challenge to judge */
        if (rows[i].binds) { /* its pseudonym would bring the next run to AKA again: it is left */
            again(&s);
            assert_true(is_bound(&s));
            assert_string_equal(s.fa->fa->said[0], NAI);
        }
        w_free(s.w);
    }
}

/* AKA' refused on the victim's behalf: somebody between the two tells the home network that the host wants AKA. AT_BIDDING says that it could have
 * had AKA'. */
static void test_bidding_down(void **state)
{
    struct host_config c = w_config();
    struct scene s;

    c.allow_eap_aka = true;
    s = scene_of(30, true, c);
    s.fa->fa->as.methods[0] = EAP_TYPE_AKA_PRIME;
    s.fa->fa->as.methods[1] = EAP_TYPE_AKA;
    s.fa->fa->strip_prime = true;
    w_start(s.w, s.mn);
    w_run(s.w, 30 * W_S);
    assert_false(is_bound(&s));
    assert_true(s.fa->fa->runs > 0);
    assert_int_equal(s.card->asked, 0);
    assert_true(s.mn->events[HOST_EV_REFUSED] > 0);
    s.fa->fa->strip_prime =
        false; /* never with a weaker method meanwhile; with the right one as soon as it is there */
    w_run(s.w, 300 * W_S);
    assert_true(is_bound(&s));
    w_free(s.w);
}

/* RFC 9678 at the host: where it is offered, not at all, or nothing without it; the card is not asked in vain. */
static void test_forward_secrecy(void **state)
{
    static const struct {
        bool off, required, offered, bound, used;
    } rows[] = { { false, false, true, true, true },
                 { false, false, false, true, false },
                 { true, false, true, true, false },
                 { false, true, true, true, true },
                 { false, true, false, false, false } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct host_config c = w_config();
        c.no_fs = rows[i].off;
        c.require_fs = rows[i].required;
        struct scene s = scene_of(40 + i, true, c);
        s.fa->fa->no_fs = !rows[i].offered;
        w_start(s.w, s.mn);
        w_run(s.w, 30 * W_S);
        assert_int_equal(is_bound(&s), rows[i].bound);
        assert_int_equal(s.fa->fa->fs_runs > 0, rows[i].used);
        assert_int_equal(s.card->asked > 0, rows[i].bound);
        w_free(s.w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pseudonym),
        cmocka_unit_test(test_pseudonym_after_good_mac),
        cmocka_unit_test(test_pseudonym_of_refusal),
        cmocka_unit_test(test_identity_requests),
        cmocka_unit_test(test_suci),
        cmocka_unit_test(test_pseudonym_of_suci),
        cmocka_unit_test(test_suci_fresh),
        cmocka_unit_test(test_suci_of_card),
        cmocka_unit_test(test_suci_once_a_run),
        cmocka_unit_test(test_imsi_catching),
        cmocka_unit_test(test_nothing_to_show),
        cmocka_unit_test(test_aka),
        cmocka_unit_test(test_bidding_down),
        cmocka_unit_test(test_forward_secrecy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
