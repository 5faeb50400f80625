/* SPDX-License-Identifier: Apache-2.0
 *
 * What identities say they are; pseudonyms; attributes under K_encr.
 */
#include "tests/unit/aka/vec.h"

#include "aka/encr.h"
#include "aka/method.h"
#include "aka/pseudonym.h"
#include "common/crypto/secret.h"

#define IMSI "001010000000001"
#define DAY  86400ull

static uint8_t fill;
static void counting(void *ctx, void *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = fill++;
}
static const struct env env = { .random = counting };

static void test_kinds(void **state)
{
    static const struct {
        const char *text;
        enum nai_kind kind;
        uint8_t method; /* 0: does not say */
    } rows[] = {
        { "6" IMSI "@r", NAI_PERMANENT, EAP_TYPE_AKA_PRIME },
        { "0" IMSI "@r", NAI_PERMANENT, EAP_TYPE_AKA },
        { "0" IMSI, NAI_PERMANENT, EAP_TYPE_AKA },
        { "7abc@r", NAI_PSEUDONYM, EAP_TYPE_AKA_PRIME },
        { "2abc@r", NAI_PSEUDONYM, EAP_TYPE_AKA },
        { "8abc@r", NAI_REAUTH, EAP_TYPE_AKA_PRIME },
        { "4abc@r", NAI_REAUTH, EAP_TYPE_AKA },
        { "6abc@r", NAI_OTHER, EAP_TYPE_AKA_PRIME },
        { "1" IMSI "@r", NAI_OTHER, 0 }, /* EAP-SIM */
        { "anonymous@r", NAI_OTHER, 0 },
        { "@r", NAI_OTHER, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct aka_nai nai;
        assert_int_equal(nai_parse(span_str(rows[i].text), &nai), ERR_OK);
        const struct aka_method *m = aka_method_of_lead(nai.lead);
        if (nai_kind(&nai) != rows[i].kind || (m ? m->type : 0) != rows[i].method)
            fail_msg("%s", rows[i].text);
    }
    assert_null(aka_method_of_type(18));
    assert_ptr_equal(aka_method_of_name("aka"), aka_method_of_type(EAP_TYPE_AKA));
    assert_null(aka_method_of_name("AKA"));
}

static const struct pseudonym_keys keys = { .master = { 1, 2, 3 }, .period_s = 30 * DAY, .periods = 2 };

static void test_round(void **state)
{
    static const char *const imsis[] = { IMSI, "123456", "12345678901234", "999999999999999" };
    for (size_t i = 0; i < sizeof imsis / sizeof *imsis; i++) {
        char out[PSEUDONYM_LEN + 1], back[IMSI_MAX + 1];
        assert_int_equal(pseudonym_make(&keys, &env, '7', imsis[i], 1000 * DAY, out), ERR_OK);
        assert_int_equal(strlen(out), PSEUDONYM_LEN); /* whatever the length of the IMSI */
        assert_int_equal(out[0], '7');
        assert_int_equal(pseudonym_open(&keys, span_str(out), 1000 * DAY, back), ERR_OK);
        assert_string_equal(back, imsis[i]);
        assert_null(strstr(out, imsis[i]));
    }
    char out[PSEUDONYM_LEN + 1];
    assert_int_equal(pseudonym_make(&keys, &env, '7', "12x", 0, out), ERR_RANGE);
    assert_int_equal(pseudonym_make(&keys, &env, '7', "", 0, out), ERR_RANGE);
}

/* RFC 9048 s5.2 MUST: two of one subscriber have no more in common than two of two. */
static void test_unlinkable(void **state)
{
    char a[PSEUDONYM_LEN + 1], b[PSEUDONYM_LEN + 1];
    unsigned same = 0;
    assert_int_equal(pseudonym_make(&keys, &env, '7', IMSI, 1000 * DAY, a), ERR_OK);
    assert_int_equal(pseudonym_make(&keys, &env, '7', IMSI, 1000 * DAY, b), ERR_OK);
    for (size_t i = 3 + 48; i < PSEUDONYM_LEN;
         i++) /* behind digit, indicator and nonce (which only counts here) */
        same += a[i] == b[i];
    assert_true(same < 15); /* of 48 */
}

/* Every digit of it counts, and so does the method. */
static void test_forged(void **state)
{
    char good[PSEUDONYM_LEN + 1], imsi[IMSI_MAX + 1] = "kept";
    assert_int_equal(pseudonym_make(&keys, &env, '7', IMSI, 1000 * DAY, good), ERR_OK);
    for (size_t i = 0; i < PSEUDONYM_LEN; i++) {
        char bad[PSEUDONYM_LEN + 1];
        memcpy(bad, good, sizeof bad);
        bad[i] = bad[i] == '2' ? '3' : '2';
        assert_int_not_equal(pseudonym_open(&keys, span_str(bad), 1000 * DAY, imsi), ERR_OK);
    }
    assert_int_equal(pseudonym_open(&keys, span_of(good, PSEUDONYM_LEN - 1), 1000 * DAY, imsi),
                     ERR_MALFORMED);
    assert_int_equal(pseudonym_open(&keys, span_str("7abc"), 1000 * DAY, imsi), ERR_MALFORMED);
    struct pseudonym_keys other = keys;
    other.master[31] ^= 1;
    assert_int_equal(pseudonym_open(&other, span_str(good), 1000 * DAY, imsi), ERR_AUTH);
    assert_string_equal(imsi, "kept");
}

/* A key serves its period, and opens for some more; then it is as if it had never been. */
static void test_periods(void **state)
{
    static const struct {
        uint64_t day;
        err want;
    } rows[] = { { 990, ERR_OK },  { 1019, ERR_OK },   { 1020, ERR_OK },
                 { 1079, ERR_OK }, { 1080, ERR_AUTH }, { 1080 + 254 * 30, ERR_AUTH },
                 { 960, ERR_AUTH } /* a clock that went back */ };
    char out[PSEUDONYM_LEN + 1], imsi[IMSI_MAX + 1];
    assert_int_equal(pseudonym_make(&keys, &env, '2', IMSI, 990 * DAY, out), ERR_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (pseudonym_open(&keys, span_str(out), rows[i].day * DAY, imsi) != rows[i].want)
            fail_msg("day %u", (unsigned)rows[i].day);
    assert_int_equal(pseudonym_make(&keys, &env, '2', IMSI, 0, out), ERR_OK); /* at the very beginning */
    assert_int_equal(pseudonym_open(&keys, span_str(out), 29 * DAY, imsi), ERR_OK);
}

/* ---- AT_ENCR_DATA ---- */

static void test_padding(void **state)
{
    struct aka_keys k = { .k_aut_len = 32, .k_encr = { 5 } };
    for (size_t n = 1; n < 60; n++) {
        static const uint8_t name[64] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk",
                             iv[16] = { 1 };
        uint8_t pkt[EAP_MAX], inner[EAP_MAX], plain[EAP_MAX];
        size_t len;
        struct eap_pkt p;
        struct aka_msg m, in;
        struct aka_wr w =
            aka_wr_begin(pkt, sizeof pkt, EAP_REQUEST, 1, EAP_TYPE_AKA_PRIME, AKA_SUB_CHALLENGE);
        struct aka_wr i = aka_encr_begin(inner, sizeof inner, EAP_TYPE_AKA_PRIME);
        aka_wr_attr(&i, AKA_AT_NEXT_PSEUDONYM, span_of(name, n));
        aka_wr_encr(&w, &i, &k, iv);
        assert_int_equal(aka_wr_end(&w, NULL, span_of(NULL, 0), &len), ERR_OK);
        assert_int_equal(eap_parse(span_of(pkt, len), &p), ERR_OK);
        assert_int_equal(aka_msg_parse(&p, &m), AKA_R_OK);
        assert_int_equal(m.value[AKA_AT_ENCR_DATA].n % 16, 0);
        assert_int_equal(aka_encr_open(&m, &k, plain, &in), AKA_R_OK);
        assert_true(span_eq(in.value[AKA_AT_NEXT_PSEUDONYM], span_of(name, n)));
        m.value[AKA_AT_ENCR_DATA].n -= 4;
        assert_int_equal(aka_encr_open(&m, &k, plain, &in), AKA_R_MALFORMED);
        m.value[AKA_AT_ENCR_DATA].n = 0;
        assert_int_equal(aka_encr_open(&m, &k, plain, &in), AKA_R_MALFORMED);
    }
    struct aka_msg none = { 0 }, in;
    uint8_t plain[EAP_MAX];
    assert_int_equal(aka_encr_open(&none, &k, plain, &in), AKA_R_MISSING_ATTR);
}

/* Nothing to encrypt, or too much: the message is not written. */
static void test_encr_faults(void **state)
{
    static const uint8_t iv[16], big[1000];
    struct aka_keys k = { .k_aut_len = 32 };
    uint8_t pkt[EAP_MAX], inner[EAP_MAX];
    size_t len;
    for (int how = 0; how < 2; how++) {
        struct aka_wr w = aka_wr_begin(pkt, sizeof pkt, EAP_REQUEST, 1, EAP_TYPE_AKA, AKA_SUB_CHALLENGE);
        struct aka_wr i = aka_encr_begin(inner, sizeof inner, EAP_TYPE_AKA);
        if (how)
            aka_wr_attr(&i, AKA_AT_NEXT_PSEUDONYM, span_of(big, sizeof big));
        aka_wr_encr(&w, &i, &k, iv);
        assert_int_equal(aka_wr_end(&w, NULL, span_of(NULL, 0), &len), ERR_SPACE);
    }
}

/* Recorded and published ones. */
static void test_encr_vectors(void **state)
{
    static const char *const types[] = { "EapAkaTest", "EapAkaReauthTest", "EapAkaResyncTest" };
    unsigned n = 0;
    for (size_t i = 0; i < 3; i++) {
        struct vec_walk w = vec_open("eap-aka", types[i]);
        for (json_t *t; (t = vec_next(&w));) {
            struct aka_keys k = { 0 };
            bool seen = false;
            vec_fixed(t, "k_encr", k.k_encr, 16);
            json_t *list = json_object_get(t, "packets");
            for (size_t j = 0; j < json_array_size(list); j++) {
                uint8_t b[EAP_MAX], plain[EAP_MAX];
                struct eap_pkt p;
                struct aka_msg m, in;
                size_t len = vec_hex(json_array_get(list, j), "packet", b, sizeof b);
                if (eap_parse(span_of(b, len), &p) != ERR_OK || aka_msg_parse(&p, &m) != AKA_R_OK ||
                    !m.has[AKA_AT_ENCR_DATA] || m.code != EAP_REQUEST || seen)
                    continue;
                if (aka_encr_open(&m, &k, plain, &in) !=
                    AKA_R_OK) /* before a resynchronisation: other keys */
                    continue;
                vec_same(t, "encr_plaintext", plain, m.value[AKA_AT_ENCR_DATA].n);
                seen = true;
                n++;
            }
        }
    }
    assert_true(n >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),       cmocka_unit_test(test_round),
        cmocka_unit_test(test_unlinkable),  cmocka_unit_test(test_forged),
        cmocka_unit_test(test_periods),     cmocka_unit_test(test_padding),
        cmocka_unit_test(test_encr_faults), cmocka_unit_test(test_encr_vectors),
    };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
