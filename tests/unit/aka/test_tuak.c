/* SPDX-License-Identifier: Apache-2.0
 * TUAK against the sets of TS 35.233, and what it refuses. */
#include "tests/unit/aka/vec.h"

#include "aka/sqn.h"
#include "aka/usim_card.h"
#include "common/crypto/secret.h"

static struct tuak_shape shape_of(const json_t *t)
{
    return (struct tuak_shape){
        .k_len = (uint8_t)(strlen(vec_str(t, "k")) / 2),
        .mac_len = (uint8_t)json_integer_value(json_object_get(t, "macLen")),
        .res_len = (uint8_t)json_integer_value(json_object_get(t, "resLen")),
        .ck_len = (uint8_t)json_integer_value(json_object_get(t, "ckLen")),
        .ik_len = (uint8_t)json_integer_value(json_object_get(t, "ikLen")),
        .iterations = (unsigned)json_integer_value(json_object_get(t, "keccakIterations")),
    };
}

static void one_set(const json_t *t)
{
    uint8_t k[32], top[32], topc[32], rand[16], sqn[6], amf[2];
    struct tuak_shape s = shape_of(t);
    struct tuak_out o;
    vec_fixed(t, "k", k, s.k_len);
    vec_fixed(t, "top", top, 32);
    vec_fixed(t, "rand", rand, 16);
    vec_fixed(t, "sqn", sqn, 6);
    vec_fixed(t, "amf", amf, 2);
    assert_int_equal(tuak_topc(&s, k, top, topc), ERR_OK);
    vec_same(t, "topc", topc, 32);
    assert_int_equal(tuak_run(&s, k, topc, rand, sqn, amf, &o), ERR_OK);
    vec_same(t, "f1", o.mac_a, s.mac_len);
    vec_same(t, "f1star", o.mac_s, s.mac_len);
    vec_same(t, "f2", o.res, s.res_len);
    vec_same(t, "f3", o.ck, s.ck_len);
    vec_same(t, "f4", o.ik, s.ik_len);
    vec_same(t, "f5", o.ak, 6);
    vec_same(t, "f5star", o.ak_star, 6);
}

static void test_sets(void **state)
{
    static const char *const files[] = { "tuak", "tuak-more" };
    unsigned n = 0, twice = 0;
    for (size_t i = 0; i < 2; i++) {
        struct vec_walk w = vec_open(files[i], "TuakTest");
        for (json_t *t; (t = vec_next(&w)); n++) {
            one_set(t);
            twice += shape_of(t).iterations == 2;
        }
    }
    assert_true(n >= 9 && twice >= 1);
}

/* Lengths that INSTANCE cannot name, and no iteration at all: refused, nothing written. */
static void test_shapes(void **state)
{
    static const struct tuak_shape good = { 16, 8, 8, 16, 16, 1 };
    static const struct tuak_shape bad[] = {
        { 24, 8, 8, 16, 16, 1 },  { 16, 4, 8, 16, 16, 1 }, { 16, 0, 8, 16, 16, 1 },
        { 16, 12, 8, 16, 16, 1 }, { 16, 8, 0, 16, 16, 1 }, { 16, 8, 12, 16, 16, 1 },
        { 16, 8, 33, 16, 16, 1 }, { 16, 8, 8, 24, 16, 1 }, { 16, 8, 8, 16, 8, 1 },
        { 16, 8, 8, 16, 0, 1 },   { 16, 8, 8, 16, 16, 0 }, { 16, 8, 8, 16, 16, 256 },
        { 0, 8, 8, 16, 16, 1 },
    };
    static const uint8_t zero[32];
    uint8_t topc[32];
    struct tuak_out o, was;
    memset(&o, 0xa5, sizeof o);
    was = o;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(tuak_run(&bad[i], zero, zero, zero, zero, zero, &o), ERR_RANGE);
    assert_memory_equal(&o, &was, sizeof o);
    assert_int_equal(tuak_topc(&bad[0], zero, zero, topc), ERR_RANGE);
    assert_int_equal(tuak_topc(&bad[10], zero, zero, topc), ERR_RANGE);
    assert_int_equal(tuak_run(&good, zero, zero, zero, zero, zero, &o), ERR_OK);
}

/* Every length and the key's are told apart by INSTANCE: the same inputs under another shape give unrelated outputs. */
static void test_separation(void **state)
{
    static const uint8_t zero[32];
    struct tuak_shape s = { 16, 8, 8, 16, 16, 1 };
    struct tuak_out a, b;
    assert_int_equal(tuak_run(&s, zero, zero, zero, zero, zero, &a), ERR_OK);
    assert_memory_not_equal(a.mac_a, a.mac_s, 8);
    assert_memory_not_equal(a.ak, a.ak_star, 6);
    s.ck_len = 32;
    assert_int_equal(tuak_run(&s, zero, zero, zero, zero, zero, &b), ERR_OK);
    assert_memory_not_equal(a.ck, b.ck, 16);
    assert_memory_not_equal(a.ik, b.ik, 16);
    assert_memory_equal(a.mac_a, b.mac_a, 8);
    s.k_len = 32;
    assert_int_equal(tuak_run(&s, zero, zero, zero, zero, zero, &b), ERR_OK);
    assert_memory_not_equal(a.mac_a, b.mac_a, 8);
}

/* The sets whose lengths EAP-AKA has room for, as vectors: AUTN by the functions' own values, opened by the card; AUTS the other way. */
static void as_vector(const json_t *t, const struct aka_cred *c)
{
    uint8_t rand[16], sqn6[6], amf[2], ak[6], ak_star[6], f1[8], auts[AKA_AUTS_LEN];
    uint64_t sqn = 0;
    struct aka_vector v, card;
    vec_fixed(t, "rand", rand, 16);
    vec_fixed(t, "sqn", sqn6, 6);
    vec_fixed(t, "amf", amf, 2);
    vec_fixed(t, "f5", ak, 6);
    vec_fixed(t, "f5star", ak_star, 6);
    vec_fixed(t, "f1", f1, 8);
    assert_int_equal(aka_vector_make(c, sqn_get(sqn6), amf, rand, &v), ERR_OK);
    vec_same(t, "f2", v.res, c->tuak.res_len);
    assert_int_equal(v.res_len, c->tuak.res_len);
    vec_same(t, "f3", v.ck, 16);
    vec_same(t, "f4", v.ik, 16);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(v.autn[i], sqn6[i] ^ ak[i]);
    assert_memory_equal(v.autn + 6, amf, 2);
    assert_memory_equal(v.autn + 8, f1, 8);
    assert_int_equal(aka_autn_open(c, rand, v.autn, &sqn, &card), ERR_OK);
    assert_int_equal(sqn, sqn_get(sqn6));
    assert_memory_equal(card.res, v.res, sizeof v.res);
    v.autn[15] ^= 1;
    assert_int_equal(aka_autn_open(c, rand, v.autn, &sqn, &card), ERR_AUTH);
    assert_int_equal(aka_auts_make(c, rand, sqn_get(sqn6), auts), ERR_OK);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(auts[i], sqn6[i] ^ ak_star[i]);
    assert_int_equal(aka_auts_open(c, rand, auts, &sqn), ERR_OK);
    assert_int_equal(sqn, sqn_get(sqn6));
    auts[13] ^= 1;
    assert_int_equal(aka_auts_open(c, rand, auts, &sqn), ERR_AUTH);
}

static void test_as_vectors(void **state)
{
    static const char *const files[] = { "tuak", "tuak-more" };
    unsigned fit = 0, other = 0;
    for (size_t i = 0; i < 2; i++) {
        struct vec_walk w = vec_open(files[i], "TuakTest");
        for (json_t *t; (t = vec_next(&w));) {
            struct aka_cred c = { .alg = AKA_ALG_TUAK, .tuak = shape_of(t) };
            struct aka_vector v;
            static const uint8_t zero[16];
            vec_fixed(t, "k", c.k, c.tuak.k_len);
            vec_fixed(t, "topc", c.topc, 32);
            if (aka_cred_check(&c) == ERR_OK) {
                as_vector(t, &c);
                fit++;
            } else { /* no AUTN or AT_RES could carry it */
                assert_true(c.tuak.mac_len != 8 || c.tuak.res_len == 32 || c.tuak.ck_len == 32 ||
                            c.tuak.ik_len == 32);
                assert_int_equal(aka_vector_make(&c, 32, zero, zero, &v), ERR_RANGE);
                other++;
            }
        }
    }
    assert_true(fit >= 1 && other >= 3);
}

/* A card with TUAK: fresh once, then AUTS; the GSM values fold sixteen octets of RES. */
static void test_card(void **state)
{
    struct usim_card card = { .cred = { .alg = AKA_ALG_TUAK, .tuak = TUAK_SHAPE_DEFAULT, .k = { 7 } } };
    struct usim_auth a;
    struct aka_vector v;
    uint8_t rand[16] = { 3 }, amf[2] = { 0x80, 0 }, sres[4], kc[8];
    uint64_t ms = 0;
    card.cred.tuak.res_len = 16;
    sqn_usim_init(&card.sqn);
    assert_int_equal(aka_vector_make(&card.cred, sqn_make(9, 2), amf, rand, &v), ERR_OK);
    usim_card_authenticate(&card, v.rand, v.autn, &a);
    assert_int_equal(a.verdict, USIM_AUTHENTICATED);
    assert_int_equal(a.res_len, 16);
    assert_memory_equal(a.res, v.res, 16);
    usim_card_authenticate(&card, v.rand, v.autn, &a);
    assert_int_equal(a.verdict, USIM_SYNC_FAILURE);
    assert_int_equal(aka_auts_open(&card.cred, rand, a.auts, &ms), ERR_OK);
    assert_int_equal(ms, sqn_make(9, 2));
    assert_int_equal(usim_card_gsm(&card, rand, sres, kc), ERR_OK);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(sres[i], v.res[i] ^ v.res[i + 4] ^ v.res[i + 8] ^ v.res[i + 12]);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(kc[i], v.ck[i] ^ v.ck[i + 8] ^ v.ik[i] ^ v.ik[i + 8]);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_sets), cmocka_unit_test(test_shapes),
                                        cmocka_unit_test(test_separation), cmocka_unit_test(test_as_vectors),
                                        cmocka_unit_test(test_card) };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
