/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/aka/vec.h"

#include "aka/sqn.h"
#include "aka/vector.h"
#include "common/crypto/secret.h"

static void test_sets(void **state)
{
    struct vec_walk w = vec_open("milenage", "MilenageTest");
    unsigned n = 0;
    for (json_t *t; (t = vec_next(&w)); n++) {
        uint8_t k[16], op[16], opc[16], opc_given[16], rand[16], sqn[6], amf[2];
        struct milenage_out o;
        vec_fixed(t, "k", k, 16);
        vec_fixed(t, "op", op, 16);
        vec_fixed(t, "opc", opc_given, 16);
        vec_fixed(t, "rand", rand, 16);
        vec_fixed(t, "sqn", sqn, 6);
        vec_fixed(t, "amf", amf, 2);
        assert_int_equal(milenage_opc(k, op, opc), ERR_OK);
        assert_memory_equal(opc, opc_given, 16);
        assert_int_equal(milenage_run(k, opc, rand, sqn, amf, &o), ERR_OK);
        vec_same(t, "f1", o.mac_a, 8);
        vec_same(t, "f1star", o.mac_s, 8);
        vec_same(t, "f2", o.res, 8);
        vec_same(t, "f3", o.ck, 16);
        vec_same(t, "f4", o.ik, 16);
        vec_same(t, "f5", o.ak, 6);
        vec_same(t, "f5star", o.ak_star, 6);
    }
    assert_true(n >= 10);
}

static void cred_of(const json_t *t, struct aka_cred *c)
{
    *c = (struct aka_cred){ .alg = AKA_ALG_MILENAGE };
    vec_fixed(t, "k", c->k, 16);
    vec_fixed(t, "opc", c->opc, 16);
}

static void test_autn(void **state)
{
    struct vec_walk w = vec_open("milenage", "MilenageAutnTest");
    unsigned good = 0, bad = 0;
    for (json_t *t; (t = vec_next(&w));) {
        struct aka_cred c;
        struct aka_vector v = { 0 }, made;
        uint8_t rand[16], autn[16], amf[2], sqn6[6];
        uint64_t sqn = 99;
        cred_of(t, &c);
        vec_fixed(t, "rand", rand, 16);
        vec_fixed(t, "autn", autn, 16);
        err e = aka_autn_open(&c, rand, autn, &sqn, &v);
        if (!vec_valid(t)) {
            assert_int_equal(e, ERR_AUTH);
            assert_int_equal(sqn, 99);
            bad++;
            continue;
        }
        good++;
        assert_int_equal(e, ERR_OK);
        sqn_put(sqn, sqn6);
        vec_same(t, "sqn", sqn6, 6);
        vec_same(t, "res", v.res, v.res_len);
        vec_same(t, "ck", v.ck, 16);
        vec_same(t, "ik", v.ik, 16);
        vec_fixed(t, "amf", amf, 2);
        assert_int_equal(aka_vector_make(&c, sqn, amf, rand, &made), ERR_OK);
        vec_same(t, "autn", made.autn, 16);
        assert_memory_equal(&made, &v, sizeof v);
        assert_int_equal(aka_autn_separated(autn), (amf[0] & 0x80) != 0);
    }
    assert_true(good >= 4 && bad >= 3);
}

static void test_auts(void **state)
{
    struct vec_walk w = vec_open("milenage", "MilenageAutsTest");
    unsigned good = 0, bad = 0;
    for (json_t *t; (t = vec_next(&w));) {
        struct aka_cred c;
        uint8_t rand[16], auts[14], made[14], sqn6[6];
        uint64_t sqn = 99;
        cred_of(t, &c);
        vec_fixed(t, "rand", rand, 16);
        vec_fixed(t, "auts", auts, 14);
        err e = aka_auts_open(&c, rand, auts, &sqn);
        if (!vec_valid(t)) {
            assert_int_equal(e, ERR_AUTH);
            assert_int_equal(sqn, 99);
            bad++;
            continue;
        }
        good++;
        assert_int_equal(e, ERR_OK);
        sqn_put(sqn, sqn6);
        vec_same(t, "sqn", sqn6, 6);
        assert_int_equal(aka_auts_make(&c, rand, sqn, made), ERR_OK);
        assert_memory_equal(made, auts, 14);
        rand[3] ^= 1; /* made for another RAND */
        assert_int_equal(aka_auts_open(&c, rand, auts, &sqn), ERR_AUTH);
    }
    assert_true(good >= 3 && bad >= 2);
}

/* SRES and Kc of TS 35.208 set 1 (the third-generation outputs folded as TS 55.205 says; computed by hand from f2, f3, f4). */
static void test_gsm(void **state)
{
    static const struct aka_cred c = {
        .k = { 0x46, 0x5b, 0x5c, 0xe8, 0xb1, 0x99, 0xb4, 0x9f, 0xaa, 0x5f, 0x0a, 0x2e, 0xe2, 0x38, 0xa6,
               0xbc },
        .opc = { 0xcd, 0x63, 0xcb, 0x71, 0x95, 0x4a, 0x9f, 0x4e, 0x48, 0xa5, 0x99, 0x4e, 0x37, 0xa0, 0x2b,
                 0xaf },
    };
    static const uint8_t rand[16] = { 0x23, 0x55, 0x3c, 0xbe, 0x96, 0x37, 0xa8, 0x9d,
                                      0x21, 0x8a, 0xe6, 0x4d, 0xae, 0x47, 0xbf, 0x35 };
    static const uint8_t sres_want[4] = { 0x46, 0xf8, 0x41, 0x6a };
    static const uint8_t kc_want[8] = { 0xea, 0xe4, 0xbe, 0x82, 0x3a, 0xf9, 0xa0, 0x8b };
    uint8_t sres[4], kc[8];
    assert_int_equal(aka_gsm(&c, rand, sres, kc), ERR_OK);
    assert_memory_equal(sres, sres_want, 4);
    assert_memory_equal(kc, kc_want, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_sets), cmocka_unit_test(test_autn),
                                        cmocka_unit_test(test_auts), cmocka_unit_test(test_gsm) };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
