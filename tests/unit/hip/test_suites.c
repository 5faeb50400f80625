/* SPDX-License-Identifier: Apache-2.0
 * What two hosts agree on: base exchanges over every kind of host identity, Diffie-Hellman group and cipher, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/crypto/secret.h"
#include "hip/core.h"
#include "hip/param_core.h"
#include "hip/suite.h"
#include "tests/sim/forge.h"
#include "tests/unit/crypto/hexed.h"
#include "tests/unit/crypto/modp.h"

static const char full[] = "mn>fa I1\nfa>mn R1\nmn>fa I2\nfa>mn R2\n";

static const struct {
    enum sig_type t;
    uint8_t suite;
} kinds[] = { { SIG_RSA, 1 },
              { SIG_DSA, 1 },
              { SIG_ECDSA_P256, 2 },
              { SIG_ECDSA_P384, 2 },
              { SIG_ECDSA_SECP160R1, 3 },
              { SIG_ED25519, 5 },
              { SIG_ED448, 5 } };
#define KINDS (sizeof kinds / sizeof *kinds)

/* Two identities of each kind, from a seed. */
static struct hip_hi hi[KINDS][2];

static void drawn(void *ctx, const char *name, void *out, size_t n)
{
    uint32_t *seed = ctx;
    uint8_t *p = out;
    (void)name;
    for (size_t i = 0; i < n; i++) {
        *seed = *seed * 1664525 + 1013904223;
        p[i] = (uint8_t)(*seed >> 24);
    }
}

static int setup(void **st)
{
    uint32_t seed = 7;
    struct env env = { .ctx = &seed, .draw = drawn };
    if (crypto_init() != ERR_OK)
        return 1;
    for (size_t k = 0; k < KINDS; k++)
        for (size_t i = 0; i < 2; i++) {
            struct sig_key *key = sig_generate_drawn(kinds[k].t, 2048, &env);
            if (!key || hip_hi_from_key(key, &hi[k][i]) != ERR_OK)
                return 1;
        }
    return 0;
}

static int teardown(void **st)
{
    for (size_t k = 0; k < KINDS; k++)
        for (size_t i = 0; i < 2; i++)
            hip_hi_done(&hi[k][i]);
    return 0;
}

static struct hip_config config(uint8_t group)
{
    struct hip_config c = sim_config();
    memset(c.dh_groups, 0, sizeof c.dh_groups);
    c.dh_groups[0] = group;
    memcpy(c.hit_suites, (uint8_t[8]){ 1, 2, 3, 5 }, 8);
    return c;
}

/* Everybody with everybody's neighbour, over every group; the Responder's suite gives RHASH. Contents of I2 and R2 travel in ENCRYPTED. */
static void every_kind_and_group(void **st)
{
    static const uint8_t groups[] = { 3, 4, 7, 8, 9, 10, 11 };
    for (size_t k = 0; k < KINDS; k++)
        for (size_t g = 0; g < sizeof groups; g++) {
            struct hip_config c = config(groups[g]);
            struct sim *s = sim_new(sim_seed(10 + k));
            struct sim_host *mn = sim_host_hi(s, "mn", &c, &hi[k][0], g % 2 ? "192.0.2.1" : "2001:db8::1");
            struct sim_host *fa =
                sim_host_hi(s, "fa", &c, &hi[(k + g) % KINDS][1], g % 2 ? "192.0.2.2" : "2001:db8::2");
            struct hip_assoc_view v;
            (void)sim_connect(s, mn, fa);
            sim_run(s, 1000000);
            assert_true(sim_ladder_is(s, full));
            assert_true(sim_joined(mn, fa));
            assert_int_equal(hip_assoc_get(mn->e, mn->ref, &v), ERR_OK);
            assert_int_equal(v.dh_group, groups[g]);
            assert_int_equal(hit_suite(&v.peer), kinds[(k + g) % KINDS].suite);
            sim_free(s);
        }
}

/* RFC 7401 s5.2.8 MUST NOT: NULL-ENCRYPT is neither offered nor taken unless the configuration says testing. */
static void null_encrypt(void **st)
{
    for (int testing = 0; testing < 2; testing++) {
        struct hip_config c = config(7), r;
        memcpy(c.ciphers, (uint16_t[6]){ 1, 2 }, sizeof c.ciphers);
        r = c;
        c.null_encrypt = r.null_encrypt = testing;
        struct sim *s = sim_new(sim_seed(3));
        struct sim_host *mn = sim_host_hi(s, "mn", &c, &hi[2][0], "192.0.2.1");
        struct sim_host *fa = sim_host_hi(s, "fa", &r, &hi[2][1], "192.0.2.2");
        struct hip_pkt k;
        struct hip_ids16 l;
        struct hip_assoc_view v;
        (void)sim_connect(s, mn, fa);
        sim_run(s, 1000000);
        assert_true(sim_joined(mn, fa));
        assert_int_equal(hip_assoc_get(fa->e, fa->ref, &v), ERR_OK);
        assert_int_equal(v.cipher, testing ? 1 : 2);
        assert_int_equal(hip_pkt_parse(span_of(sim_sent(s, HIP_PKT_R1)->p, sim_sent(s, HIP_PKT_R1)->n), &k),
                         HIP_TAKEN);
        assert_int_equal(hip_get_ciphers(hip_pkt_span(&k, HIP_PAR_HIP_CIPHER), &l), ERR_OK);
        assert_int_equal(l.n, testing ? 2 : 1);
        /* the other side alone does not get it either */
        sim_free(s);
        c.null_encrypt = false;
        r.null_encrypt = true;
        s = sim_new(sim_seed(3));
        mn = sim_host_hi(s, "mn", &c, &hi[2][0], "192.0.2.1");
        fa = sim_host_hi(s, "fa", &r, &hi[2][1], "192.0.2.2");
        (void)sim_connect(s, mn, fa);
        sim_run(s, 1000000);
        assert_true(sim_joined(mn, fa));
        assert_int_equal(hip_assoc_get(fa->e, fa->ref, &v), ERR_OK);
        assert_int_equal(v.cipher, 2);
        sim_free(s);
    }
}

/* ECDSA_LOW's suite is spoken only where somebody asked for it, by configuration or by having such an identity. */
static void weak_suite_by_policy_only(void **st)
{
    struct hip_config c = config(7), r;
    memset(c.hit_suites, 0, sizeof c.hit_suites);
    r = c;
    struct sim *s = sim_new(sim_seed(4));
    struct sim_host *low = sim_host_hi(s, "low", &c, &hi[4][0], "192.0.2.1");
    struct sim_host *fa = sim_host_hi(s, "fa", &r, &hi[2][1], "192.0.2.2");
    struct hip_pkt k;
    struct hip_ids8 l;
    (void)sim_connect(s, low, fa);
    sim_run(s, 500000);
    assert_true(sim_ladder_is(s, "low>fa I1\nfa>low R1\n")); /* its suite is not in the list: no I2 */
    assert_int_equal(low->drop, HIP_DROP_UNSUPPORTED_SUITE);
    assert_int_equal(low->asked_i2, 0);
    struct hip_path path = sim_path(fa, low);
    struct hip_ref ref;
    assert_int_equal(hip_connect(fa->e, sim_hit(fa), sim_hit(low), &path, 1, s->now, &s->out, &ref),
                     ERR_UNSUPPORTED);
    sim_free(s);

    s = sim_new(sim_seed(4));
    low = sim_host_hi(s, "low", &c, &hi[4][0], "192.0.2.1");
    struct sim_host *other = sim_host_hi(s, "other", &r, &hi[4][1], "192.0.2.2");
    (void)sim_connect(s, low, other);
    sim_run(s, 1000000);
    assert_true(sim_joined(low, other));
    assert_int_equal(hip_pkt_parse(span_of(sim_sent(s, HIP_PKT_R1)->p, sim_sent(s, HIP_PKT_R1)->n), &k),
                     HIP_TAKEN);
    assert_int_equal(hip_get_hit_suites(hip_pkt_span(&k, HIP_PAR_HIT_SUITE_LIST), &l), ERR_OK);
    assert_int_equal(l.n, 4);
    assert_memory_equal(l.id, ((uint8_t[]){ 1, 2, 5, 3 }), 4);
    sim_free(s);
}

/* s6.9 step 2: an I2 of a suite that is not spoken (it was when R1 went out) gets no word. */
static void i2_of_a_suite_not_spoken(void **st)
{
    struct hip_config c = config(7);
    memcpy(c.hit_suites, (uint8_t[8]){ 1, 2, 3 }, 8);
    struct sim *s = sim_new(sim_seed(8));
    struct sim_host *low = sim_host_hi(s, "low", &c, &hi[4][0], "192.0.2.1");
    struct sim_host *fa = sim_host_hi(s, "fa", &c, &hi[2][1], "192.0.2.2");
    low->hold = true;
    (void)sim_connect(s, low, fa);
    sim_run(s, 100000);
    assert_int_equal(low->asked_i2, 1);
    fa->e->n_suites = 2;
    assert_int_equal(hip_answer(low->e, low->asked, &low->i2, s->now, &s->out), ERR_OK);
    sim_act(s, low);
    sim_run(s, 500000);
    assert_int_equal(fa->drop, HIP_DROP_UNSUPPORTED_SUITE);
    assert_int_equal(fa->asked_r2, 0);
    assert_int_equal(sim_count(s, "fa>"), 1); /* R1 */
    sim_free(s);
}

/* s6.7 step 5: a host with an identity of each suite answers an opportunistic I1 with one of the Initiator's suite. */
static void opportunistic_suite(void **st)
{
    static const struct hit null;
    for (size_t i = 0; i < KINDS; i++) {
        struct hip_config c = config(7);
        struct sim *s = sim_new(sim_seed(5));
        struct sim_host *mn = sim_host_hi(s, "mn", &c, &hi[i][0], "192.0.2.1");
        struct sim_host *fa = sim_host_hi(s, "fa", &c, &hi[0][1], "192.0.2.2"); /* suite 1 */
        for (size_t k = 2; k < KINDS; k += 2)                                   /* suites 2, 3, 5 */
            assert_int_equal(hip_identity_add(fa->e, &hi[k][1], 0, s->now), ERR_OK);
        struct hip_path path = sim_path(mn, fa);
        struct hip_ref ref;
        struct hip_assoc_view v;
        assert_int_equal(hip_connect(mn->e, sim_hit(mn), &null, &path, 1, s->now, &s->out, &ref), ERR_OK);
        sim_act(s, mn);
        sim_run(s, 1000000);
        assert_int_equal(mn->sa_up, 1);
        assert_int_equal(hip_assoc_get(mn->e, mn->ref, &v), ERR_OK);
        assert_int_equal(hit_suite(&v.peer), kinds[i].suite);
        sim_free(s);
    }
}

/* s6.8 step 6: an R1 whose list leaves our suite out. With any_identity the first identity of ours that it speaks asks anew, with the same groups
 * in the same order; each suite is tried once; without it, or with no such identity, the R1 is dropped. */
static void own_suite_not_listed(void **st)
{
    static const struct {
        bool any;
        uint8_t listed[8];
        const char *ladder;
        int suite; /* that the exchange ends with; 0: it does not */
    } cases[] = {
        { true, { 1 }, "mn>fa I1\nfa>mn R1\nmn>fa I1\nfa>mn R1\nmn>fa I2\nfa>mn R2\n", 1 },
        { true, { 5, 1 }, "mn>fa I1\nfa>mn R1\nmn>fa I1\nfa>mn R1\nmn>fa I2\nfa>mn R2\n", 5 },
        { true, { 2, 1 }, full, 2 },
        { false, { 1 }, "mn>fa I1\nfa>mn R1\n", 0 },
        { true, { 3 }, "mn>fa I1\nfa>mn R1\n", 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int opportunistic = 0; opportunistic < 2; opportunistic++) {
            static const struct hit null;
            struct hip_config c = config(7), r;
            c.dh_groups[1] = 9;
            c.any_identity = cases[i].any;
            r = c;
            memcpy(r.hit_suites, cases[i].listed, 8);
            struct sim *s = sim_new(sim_seed(6));
            struct sim_host *mn = sim_host_hi(s, "mn", &c, &hi[2][0], "192.0.2.1"); /* suites 2, 1, 5 */
            /* an RSA Responder would add suite 1 to its list: it has one of what it lists first */
            size_t own = cases[i].listed[0] == 1   ? 0
                         : cases[i].listed[0] == 2 ? 3
                         : cases[i].listed[0] == 3 ? 4
                                                   : 5;
            struct sim_host *fa = sim_host_hi(s, "fa", &r, &hi[own][1], "192.0.2.2");
            assert_int_equal(hip_identity_add(mn->e, &hi[0][0], 0, s->now), ERR_OK);
            assert_int_equal(hip_identity_add(mn->e, &hi[5][0], 0, s->now), ERR_OK);
            struct hip_path path = sim_path(mn, fa);
            struct hip_ref ref;
            struct hip_assoc_view v;
            struct hip_pkt k;
            struct hip_ids8 groups;
            assert_int_equal(hip_connect(mn->e, sim_hit(mn), opportunistic ? &null : sim_hit(fa), &path, 1,
                                         s->now, &s->out, &ref),
                             ERR_OK);
            sim_act(s, mn);
            sim_run(s, 500000);
            assert_true(sim_ladder_is(s, cases[i].ladder));
            assert_int_equal(
                hip_pkt_parse(span_of(sim_sent(s, HIP_PKT_I1)->p, sim_sent(s, HIP_PKT_I1)->n), &k),
                HIP_TAKEN);
            assert_int_equal(hip_get_dh_groups(hip_pkt_span(&k, HIP_PAR_DH_GROUP_LIST), &groups), ERR_OK);
            assert_int_equal(groups.n, 2);
            assert_memory_equal(groups.id, "\7\11", 2);
            assert_int_equal(mn->sa_up, cases[i].suite != 0);
            if (cases[i].suite) {
                assert_int_equal(hip_assoc_get(mn->e, ref, &v), ERR_OK);
                assert_int_equal(hit_suite(&v.local), cases[i].suite);
            } else {
                assert_int_equal(mn->drop, HIP_DROP_UNSUPPORTED_SUITE);
            }
            sim_free(s);
        }
}

/* A Responder whose R1s list in turn what we have just not asked with. */
static const struct sim_host *liar;

static void list_the_other(uint8_t *p, size_t *n)
{
    struct sim_edit e = { SIM_SET, HIP_PAR_HIT_SUITE_LIST, span_of(p[24 + 3] == 0x22 ? "\x10" : "\x20", 1) };
    sim_forge(liar, NULL, &e, 1, p, n);
}

static void each_suite_is_tried_once(void **st)
{
    struct hip_config c = config(7);
    c.any_identity = true;
    struct sim *s = sim_new(sim_seed(7));
    struct sim_host *mn = sim_host_hi(s, "mn", &c, &hi[2][0], "192.0.2.1"); /* suite 2, then 1 */
    struct sim_host *fa = sim_host_hi(s, "fa", &c, &hi[2][1], "192.0.2.2");
    assert_int_equal(hip_identity_add(mn->e, &hi[0][0], 0, s->now), ERR_OK);
    liar = fa;
    struct sim_rule *r = sim_rule(s, fa, HIP_PKT_R1, SIM_CHANGE);
    r->change = list_the_other;
    r->count = 100;
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    assert_true(sim_ladder_is(s, "mn>fa I1\nfa>mn R1 (changed)\nmn>fa I1\nfa>mn R1 (changed)\n"));
    assert_int_equal(mn->drop, HIP_DROP_UNSUPPORTED_SUITE);
    sim_free(s);
}

/* ---- public values that are none (RFC 7401 s5.3.2; RFC 2785 s3.1) ---- */

static const struct sim_host *forger, *victim;
static struct sim_edit bad_value;

static void put_bad_value(uint8_t *p, size_t *n)
{
    sim_forge(forger, p[2] == HIP_PKT_I2 ? sim_inside(forger, victim) : NULL, &bad_value, 1, p, n);
}

/* In I2: the Responder drops it without a word. In R1 the Initiator does, and waits for a better one. */
static void with_value(uint8_t group, struct span value)
{
    uint8_t dh[3 + DH_PUBLIC_MAX] = { group, (uint8_t)(value.n >> 8), (uint8_t)value.n };
    memcpy(dh + 3, value.p, value.n);
    for (int in_i2 = 0; in_i2 < 2; in_i2++) {
        struct hip_config c = config(group);
        c.tell = true;
        struct sim *s = sim_new(sim_seed(9));
        struct sim_host *mn = sim_host_hi(s, "mn", &c, &hi[2][0], "192.0.2.1");
        struct sim_host *fa = sim_host_hi(s, "fa", &c, &hi[2][1], "192.0.2.2");
        forger = in_i2 ? mn : fa;
        victim = in_i2 ? fa : mn;
        bad_value = (struct sim_edit){ SIM_SET, HIP_PAR_DIFFIE_HELLMAN, span_of(dh, 3 + value.n) };
        sim_rule(s, forger, in_i2 ? HIP_PKT_I2 : HIP_PKT_R1, SIM_CHANGE)->change = put_bad_value;
        (void)sim_connect(s, mn, fa);
        sim_run(s, 500000);
        if (in_i2) {
            assert_int_equal(fa->drop, HIP_DROP_BAD_DH);
            assert_int_equal(sim_count(s, "fa>"), 1); /* R1 */
            assert_int_equal(fa->asked_r2, 0);
        } else {
            assert_int_equal(mn->drop, HIP_DROP_BAD_DH);
            assert_int_equal(sim_count(s, "mn>"), sim_count(s, "mn>fa I1"));
            assert_int_equal(mn->gone, 0);
        }
        assert_int_equal(mn->sa_up + fa->sa_up, 0);
        sim_free(s);
    }
}

static void bad_public_values(void **st)
{
    static const struct {
        uint8_t group;
        const char *p;
    } modp[] = { { 3, MODP1536_P }, { 4, MODP3072_P }, { 11, MODP2048_P } };
    static const uint8_t curves[] = { 7, 8, 9, 10 };
    uint8_t v[DH_PUBLIC_MAX];
    for (size_t i = 0; i < sizeof modp / sizeof *modp; i++) {
        size_t n = hip_dh_suite(modp[i].group)->public_len;
        memset(v, 0, sizeof v);
        with_value(modp[i].group, span_of(v, n)); /* 0 */
        v[n - 1] = 1;
        with_value(modp[i].group, span_of(v, n)); /* 1 */
        memcpy(v, H(modp[i].p).p, n);
        with_value(modp[i].group, span_of(v, n)); /* p */
        v[n - 1] -= 1;
        with_value(modp[i].group, span_of(v, n)); /* p - 1 */
    }
    for (size_t i = 0; i < sizeof curves; i++) {
        memset(v, 0x11, sizeof v);
        with_value(curves[i], span_of(v, hip_dh_suite(curves[i])->public_len)); /* beside the curve */
    }
}

int main(void)
{
    const struct CMUnitTest t[] = {
        cmocka_unit_test(every_kind_and_group),      cmocka_unit_test(null_encrypt),
        cmocka_unit_test(weak_suite_by_policy_only), cmocka_unit_test(i2_of_a_suite_not_spoken),
        cmocka_unit_test(opportunistic_suite),       cmocka_unit_test(own_suite_not_listed),
        cmocka_unit_test(each_suite_is_tried_once),  cmocka_unit_test(bad_public_values)
    };
    return cmocka_run_group_tests(t, setup, teardown);
}
