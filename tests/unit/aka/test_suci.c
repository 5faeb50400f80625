/* SPDX-License-Identifier: Apache-2.0
 * SUCI: the vectors, which error says what, and any IMSI there and back. */
#include "tests/unit/aka/vec.h"

#include <stdlib.h>

#include "aka/suci.h"
#include "common/crypto/secret.h"
#include "common/rt/osrand.h"

static struct env env;

/* The one test whose comment begins so. */
static void nai_of(const char *comment, struct suci_key *k, char nai[NAI_TEXT_MAX])
{
    struct vec_walk w = vec_open("aka/suci", "SuciTest");
    nai[0] = '\0';
    for (json_t *t; (t = vec_next(&w));) {
        uint8_t private[32];
        if (nai[0] || strcmp(vec_str(t, "comment"), comment) != 0)
            continue;
        vec_fixed(t, "hn_private", private, 32);
        assert_int_equal(suci_key_set(k, vec_str(t, "profile")[0] == 'A' ? SUCI_PROFILE_A : SUCI_PROFILE_B,
                                      span_of(private, 32)),
                         ERR_OK);
        k->id = (uint8_t)json_integer_value(json_object_get(t, "hnkey"));
        snprintf(k->plmn, sizeof k->plmn, "%s", vec_str(t, "plmn"));
        snprintf(nai, NAI_TEXT_MAX, "%s", vec_str(t, "nai"));
    }
    assert_true(nai[0]);
}

static void test_vectors(void **state)
{
    struct vec_walk w = vec_open("aka/suci", "SuciTest");
    unsigned good = 0, bad = 0;
    for (json_t *t; (t = vec_next(&w));) {
        struct suci_key k = { .id = (uint8_t)json_integer_value(json_object_get(t, "hnkey")) };
        uint8_t private[32], public[SUCI_PUBLIC_MAX];
        char imsi[IMSI_MAX + 1] = "untouched";
        snprintf(k.plmn, sizeof k.plmn, "%s", vec_str(t, "plmn"));
        vec_fixed(t, "hn_private", private, 32);
        assert_int_equal(suci_key_set(&k, vec_str(t, "profile")[0] == 'A' ? SUCI_PROFILE_A : SUCI_PROFILE_B,
                                      span_of(private, 32)),
                         ERR_OK);
        vec_same(t, "hn_public", public, suci_key_public(&k, public));
        err e = suci_open(&k, 1, span_str(vec_str(t, "nai")), imsi);
        if (strcmp(vec_str(t, "result"), "valid") == 0) {
            assert_int_equal(e, ERR_OK);
            assert_string_equal(imsi, vec_str(t, "imsi"));
            good++;
        } else {
            assert_int_not_equal(e, ERR_OK);
            assert_string_equal(imsi, "untouched");
            bad++;
        }
        suci_key_done(&k);
    }
    assert_true(good >= 12 && bad >= 40);
}

static void test_errors(void **state)
{
    static const struct {
        const char *comment;
        err e;
    } what[] = {
        { "a digit of the tag altered", ERR_AUTH },
        { "a digit of the ciphertext altered", ERR_AUTH },
        { "another ephemeral key", ERR_AUTH },
        { "the null scheme", ERR_UNSUPPORTED },
        { "a scheme that nobody has", ERR_UNSUPPORTED },
        { "a network specific identifier", ERR_UNSUPPORTED },
        { "another home network key", ERR_REFUSED },
        { "another home network's realm", ERR_REFUSED },
        { "a tag of seven octets", ERR_MALFORMED },
        { "one field too many", ERR_MALFORMED },
        { "an ephemeral key of small order", ERR_MALFORMED },
        { "an ephemeral key that is no point", ERR_MALFORMED },
        { "an MSIN too long for an IMSI", ERR_MALFORMED },
        { "an MSIN with a digit above nine", ERR_MALFORMED },
    };
    char nai[NAI_TEXT_MAX], imsi[IMSI_MAX + 1];
    for (size_t i = 0; i < sizeof what / sizeof what[0]; i++) {
        struct suci_key k = { .id = 0 };
        nai_of(what[i].comment, &k, nai);
        err e = suci_open(&k, 1, span_str(nai), imsi);
        if (e != what[i].e)
            fail_msg("%s: %s", what[i].comment, err_name(e));
        assert_true(suci_is(span_str(nai)));
        suci_key_done(&k);
    }
    /* TS 29.503 Annex C, example 2: of the form, and under nobody's key here */
    assert_int_equal(
        suci_open(NULL, 0,
                  span_str("type0.rid0002.schid1.hnkey17."
                           "ecckeye9b9916c911f448d8792e6b2f387f85d3ecab9040049427d9edbb5431b0bc711."
                           "cip023be6a057.macb45d936238aebeb7@5gc.mnc045.mcc123.3gppnetwork.org"),
                  imsi),
        ERR_REFUSED);
    static const char *const others[] = { "6001010000000001@wlan.mnc001.mcc001.3gppnetwork.org", "type",
                                          "typex.rid", "" };
    for (size_t i = 0; i < 4; i++) {
        assert_false(suci_is(span_str(others[i])));
        assert_int_equal(suci_open(NULL, 0, span_str(others[i]), imsi), ERR_NOT_FOUND);
    }
    assert_int_equal(suci_open(NULL, 0, span_str("type0.rid1.schid1.hnkey1.ecckey00.cip00.mac00@x"), imsi),
                     ERR_MALFORMED);
}

/* Any IMSI, both profiles, two keys in the ring; a SUCI is never the same twice. */
static void test_round_trips(void **state)
{
    struct suci_key keys[2] = { { .id = 7, .plmn = "00101" }, { .id = 7, .plmn = "310410" } };
    struct suci_home home[2] = { { .id = 7, .rid = "" }, { .id = 7, .rid = "4321" } };
    char nai[2][NAI_TEXT_MAX], imsi[IMSI_MAX + 1], got[IMSI_MAX + 1];
    for (unsigned p = 0; p < 2; p++) {
        uint8_t private[32], public[SUCI_PUBLIC_MAX];
        enum suci_profile profile = p ? SUCI_PROFILE_B : SUCI_PROFILE_A;
        do
            env_random(&env, private, 32);
        while (suci_key_set(&keys[p], profile, span_of(private, 32)) != ERR_OK);
        assert_int_equal(suci_home_set(&home[p], profile, span_of(public, suci_key_public(&keys[p], public))),
                         ERR_OK);
        for (unsigned n = 1; n <= 15u - strlen(keys[p].plmn); n++) {
            unsigned mnc_len = (unsigned)strlen(keys[p].plmn) - 3;
            snprintf(imsi, sizeof imsi, "%s%.*s", keys[p].plmn, (int)n, "9012345678");
            for (unsigned i = 0; i < 2; i++) {
                err e = suci_make(&home[p], imsi, mnc_len, NULL, &env, nai[i]);
                assert_int_equal(e, strlen(imsi) >= IMSI_MIN ? ERR_OK : ERR_RANGE);
                if (e != ERR_OK)
                    continue;
                assert_int_equal(suci_open(keys, 2, span_str(nai[i]), got), ERR_OK);
                assert_string_equal(got, imsi);
                assert_true(n < 8 || !strstr(nai[i], imsi + strlen(imsi) - n)); /* nothing in clear */
            }
            if (strlen(imsi) >= IMSI_MIN)
                assert_string_not_equal(nai[0], nai[1]);
        }
    }
    assert_int_equal(suci_make(&home[0], "001010000000001", 4, NULL, &env, nai[0]), ERR_RANGE);
    assert_int_equal(suci_make(&home[0], "00101", 2, NULL, &env, nai[0]), ERR_RANGE);
    snprintf(home[0].rid, sizeof home[0].rid, "x");
    assert_int_equal(suci_make(&home[0], "001010000000001", 2, NULL, &env, nai[0]), ERR_RANGE);
    suci_key_done(&keys[0]);
    suci_key_done(&keys[1]);
}

static void test_keys(void **state)
{
    static const uint8_t zero[65];
    struct suci_key k = { .id = 0 };
    struct suci_home h = { .id = 0 };
    uint8_t point[65] = { 4 };
    assert_int_equal(suci_key_set(&k, SUCI_PROFILE_B, span_of(zero, 32)), ERR_RANGE);
    assert_int_equal(suci_key_set(&k, SUCI_PROFILE_A, span_of(zero, 31)), ERR_RANGE);
    assert_int_equal(suci_home_set(&h, SUCI_PROFILE_A, span_of(zero, 33)), ERR_RANGE);
    assert_int_equal(suci_home_set(&h, SUCI_PROFILE_B, span_of(zero, 33)), ERR_RANGE);
    assert_int_equal(suci_home_set(&h, SUCI_PROFILE_B, span_of(point, 65)), ERR_RANGE);
    struct dh_key *d = dh_generate(DH_P256, &env);
    memcpy(point + 1, dh_public(d).p, 64);
    assert_int_equal(suci_home_set(&h, SUCI_PROFILE_B, span_of(point, 65)), ERR_OK);
    assert_memory_equal(h.public, point + 1, 64);
    point[64] ^= 1; /* beside the curve */
    assert_int_equal(suci_home_set(&h, SUCI_PROFILE_B, span_of(point, 65)), ERR_RANGE);
    dh_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_vectors), cmocka_unit_test(test_errors),
                                        cmocka_unit_test(test_round_trips), cmocka_unit_test(test_keys) };
    if (crypto_init() != ERR_OK)
        return 1;
    env = rt_env((struct log){ 0 });
    return cmocka_run_group_tests(tests, NULL, NULL);
}
