/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/aka/vec.h"

#include "aka/attr.h"
#include "aka/nai.h"
#include "common/crypto/secret.h"

static enum aka_reason parse_hex(const char *hex, struct aka_msg *m)
{
    static uint8_t b[1100];
    size_t n = 0;
    struct eap_pkt p;
    assert_int_equal(hex_decode(hex, strlen(hex), b, sizeof b, &n), ERR_OK);
    if (eap_parse(span_of(b, n), &p) != ERR_OK)
        return AKA_R_EAP;
    return aka_msg_parse(&p, m);
}

#define RAND "0105000000112233445566778899aabbccddeeff"
#define AUTN "0205000000112233445566778899aabbccddeeff"
#define MAC  "0b05000000112233445566778899aabbccddeeff"
#define KDF  "18010001"
#define NAME "17020004574c414e"

struct bad {
    const char *what, *hex;
    enum aka_reason want;
};

static const struct bad table[] = {
    { "challenge", "01010050320100 00" RAND AUTN KDF NAME MAC, AKA_R_OK },
    { "identity request", "0101000c320500000d010000", AKA_R_OK },
    { "skippable unknown attribute", "0101001032050000 0d010000 c8010000", AKA_R_OK },
    { "unknown attribute below 128", "0101001032050000 0d010000 48010000", AKA_R_UNKNOWN_ATTR },
    { "twice", "0101001032050000 0d010000 0d010000", AKA_R_DUP_ATTR },
    { "attribute length 0", "0101000c32050000 0d000000", AKA_R_MALFORMED },
    { "attribute longer than packet", "0101000c32050000 0d020000", AKA_R_MALFORMED },
    { "one octet left over", "0101000d32050000 0d010000 0d", AKA_R_MALFORMED },
    { "flag too long", "0101001032050000 0d02000000000000", AKA_R_MALFORMED },
    { "MAC in Identity request", "0101002032050000 0d010000" MAC, AKA_R_MISPLACED_ATTR },
    { "RES in a request", "0101001032010000 0302002000112233", AKA_R_MISPLACED_ATTR },
    { "no subtype", "0101000532", AKA_R_MALFORMED },
    { "subtype of another method", "01010008320a0000", AKA_R_SUBTYPE },
    { "Authentication-Reject as a request", "0101000832020000", AKA_R_SUBTYPE },
    { "IV without ENCR_DATA", "0101001c32010000 81050000 00112233445566778899aabbccddeeff",
      AKA_R_MISSING_ATTR },
    { "RES of 24 bits", "0201001032010000 0302001800112233", AKA_R_MALFORMED },
    { "RES of 33 bits", "0201001032010000 0302002100112233", AKA_R_MALFORMED },
    { "RES longer than its attribute", "0201001032010000 0302004000112233", AKA_R_MALFORMED },
    { "RES, four octets of padding", "0201001432010000 030300200011223344556677", AKA_R_MALFORMED },
    { "AUTS", "0201001832040000 040400112233445566778899aabbccdd", AKA_R_OK },
    { "AUTS short", "0201001432040000 0403001122334455667788ff", AKA_R_MALFORMED },
    { "padding outside ENCR_DATA", "0101000c32050000 06010000", AKA_R_MISPLACED_ATTR },
    { "KDF in EAP-AKA", "0101000c17010000" KDF, AKA_R_UNKNOWN_ATTR },
    { "BIDDING in AKA' is skipped", "0101001032050000 0d010000 88018000", AKA_R_OK },
    { "nine KDFs", "0101002c32010000" KDF KDF KDF KDF KDF KDF KDF KDF KDF, AKA_R_KDF },
    { "type 18", "0101000c120500000d010000", AKA_R_METHOD },
    { "Success", "03010004", AKA_R_CODE },
};

/* Without the blanks that make the rows readable. */
static const char *squeeze(const char *s)
{
    static char out[2200];
    size_t n = 0;
    for (; *s; s++)
        if (*s != ' ')
            out[n++] = *s;
    out[n] = '\0';
    return out;
}

static void test_table(void **state)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct aka_msg m;
        enum aka_reason r = parse_hex(squeeze(table[i].hex), &m);
        if (r != table[i].want)
            fail_msg("%s: %s, not %s", table[i].what, aka_reason_name(r), aka_reason_name(table[i].want));
    }
}

static void test_views(void **state)
{
    struct aka_msg m;
    assert_int_equal(parse_hex(squeeze(table[0].hex), &m), AKA_R_OK);
    assert_int_equal(m.subtype, AKA_SUB_CHALLENGE);
    assert_int_equal(m.n_kdf, 1);
    assert_int_equal(m.kdf[0], 1);
    assert_int_equal(m.value[AKA_AT_KDF_INPUT].n, 4);
    assert_memory_equal(m.value[AKA_AT_KDF_INPUT].p, "WLAN", 4);
    assert_int_equal(m.value[AKA_AT_RAND].n, 16);
    assert_ptr_equal(m.whole.p + m.mac_off, m.value[AKA_AT_MAC].p);
    assert_false(m.unknown_skippable);
    assert_int_equal(parse_hex(squeeze(table[2].hex), &m), AKA_R_OK);
    assert_true(m.unknown_skippable);
}

static void test_encr(void **state)
{
    static const struct {
        const char *hex;
        enum aka_reason want;
    } rows[] = {
        { "13010001060300000000000000000000", AKA_R_OK }, /* RFC 4186 A.10 */
        { "13010001060300000000000000000001", AKA_R_MALFORMED },
        { "06030000000000000000000013010001", AKA_R_MALFORMED },
        { "1301000106020000000000000b010000", AKA_R_MALFORMED },
        { "01050000000000000000000000000000000000000000000000000000", AKA_R_MISPLACED_ATTR },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t b[64];
        size_t n = 0;
        struct aka_msg m;
        assert_int_equal(hex_decode(rows[i].hex, strlen(rows[i].hex), b, sizeof b, &n), ERR_OK);
        enum aka_reason r = aka_encr_parse(span_of(b, n), EAP_TYPE_AKA, &m);
        if (r != rows[i].want)
            fail_msg("row %zu: %s", i, aka_reason_name(r));
        if (r == AKA_R_OK)
            assert_int_equal(m.u16[AKA_AT_COUNTER], 1);
    }
}

/* Every packet of the recorded conversations parses, and its AT_MAC verifies when it is the run's. */
static void test_recorded(void **state)
{
    static const char *const types[] = { "EapAkaTest", "EapAkaReauthTest", "EapAkaResyncTest",
                                         "EapAkaRejectTest" };
    unsigned parsed = 0;
    for (size_t i = 0; i < 4; i++) {
        struct vec_walk w = vec_open("eap-aka", types[i]);
        for (json_t *t; (t = vec_next(&w));) {
            json_t *list = json_object_get(t, "packets");
            for (size_t j = 0; j < json_array_size(list); j++) {
                uint8_t b[1020];
                struct eap_pkt p;
                struct aka_msg m;
                size_t n = vec_hex(json_array_get(list, j), "packet", b, sizeof b);
                assert_int_equal(eap_parse(span_of(b, n), &p), ERR_OK);
                if (p.type < EAP_TYPE_AKA)
                    continue;
                enum aka_reason r = aka_msg_parse(&p, &m);
                if (r != AKA_R_OK)
                    fail_msg("%s packet %zu: %s", vec_str(t, "comment"), j, aka_reason_name(r));
                parsed++;
            }
        }
    }
    assert_true(parsed >= 20);
}

static void test_writer(void **state)
{
    uint8_t b[EAP_MAX], small[30];
    struct aka_keys k = { .k_aut_len = 32 };
    size_t n = 0;
    struct aka_wr w = aka_wr_begin(b, sizeof b, EAP_RESPONSE, 7, EAP_TYPE_AKA_PRIME, AKA_SUB_CHALLENGE);
    aka_wr_attr(&w, AKA_AT_RES, span_of("\1\2\3\4\5", 5));
    aka_wr_attr(&w, AKA_AT_CHECKCODE, span_of(NULL, 0));
    aka_wr_mac(&w);
    assert_int_equal(aka_wr_end(&w, &k, span_of(NULL, 0), &n), ERR_OK);
    struct eap_pkt p;
    struct aka_msg m;
    assert_int_equal(eap_parse(span_of(b, n), &p), ERR_OK);
    assert_int_equal(p.whole.n, n);
    assert_int_equal(aka_msg_parse(&p, &m), AKA_R_OK);
    assert_int_equal(m.value[AKA_AT_RES].n, 5);
    assert_true(m.has[AKA_AT_CHECKCODE]);
    assert_int_equal(m.value[AKA_AT_CHECKCODE].n, 0);
    assert_int_equal(aka_msg_check_mac(&m, &k, span_of(NULL, 0)), ERR_OK);
    assert_int_equal(aka_msg_check_mac(&m, &k, span_of("x", 1)), ERR_AUTH);
    b[9] ^= 1; /* inside RES */
    assert_int_equal(aka_msg_check_mac(&m, &k, span_of(NULL, 0)), ERR_AUTH);
    w = aka_wr_begin(small, sizeof small, EAP_RESPONSE, 7, EAP_TYPE_AKA_PRIME, AKA_SUB_CHALLENGE);
    aka_wr_attr(&w, AKA_AT_RES, span_of("\1\2\3\4\5", 5));
    aka_wr_mac(&w);
    assert_int_equal(aka_wr_end(&w, &k, span_of(NULL, 0), &n), ERR_SPACE);
}

static void test_eap(void **state)
{
    static const struct {
        const char *hex;
        err want;
    } rows[] = {
        { "03010004", ERR_OK },          { "0301000400", ERR_OK }, /* padding behind Length */
        { "0301000500", ERR_MALFORMED }, { "030100", ERR_TRUNCATED },     { "0101000532", ERR_OK },
        { "01010004", ERR_MALFORMED },   { "0501000532", ERR_MALFORMED }, { "0001000532", ERR_MALFORMED },
        { "0101000632", ERR_TRUNCATED }, { "01010000", ERR_MALFORMED },   { "", ERR_TRUNCATED },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t b[16];
        size_t n = 0;
        struct eap_pkt p;
        assert_int_equal(hex_decode(rows[i].hex, strlen(rows[i].hex), b, sizeof b, &n), ERR_OK);
        if (eap_parse(span_of(b, n), &p) != rows[i].want)
            fail_msg("row %zu", i);
    }
    static uint8_t big[1100] = { 2, 1, 1021 >> 8, 1021 & 255, 1 };
    struct eap_pkt p;
    assert_int_equal(eap_parse(span_of(big, sizeof big), &p), ERR_RANGE);
    assert_int_equal(eap_write(big, sizeof big, EAP_RESPONSE, 1, 1, span_of(big, 1016)), 0);
    assert_int_equal(eap_write(big, 8, EAP_RESPONSE, 1, 1, span_of("abcd", 4)), 0);
    assert_int_equal(eap_write(big, 9, EAP_RESPONSE, 1, 1, span_of("abcd", 4)), 9);
}

static void test_nai(void **state)
{
    char t[NAI_TEXT_MAX];
    struct aka_nai n;
    assert_int_equal(nai_permanent('6', "001010000000001", 2, NULL, t), ERR_OK);
    assert_string_equal(t, "6001010000000001@wlan.mnc001.mcc001.3gppnetwork.org");
    assert_int_equal(nai_permanent('6', "310260000000001", 3, NULL, t), ERR_OK);
    assert_string_equal(t, "6310260000000001@wlan.mnc260.mcc310.3gppnetwork.org");
    assert_int_equal(nai_permanent('0', "310260000000001", 3, "example.org", t), ERR_OK);
    assert_string_equal(t, "0310260000000001@example.org");
    assert_int_equal(nai_permanent('6', "00101000000000x", 2, NULL, t), ERR_RANGE);
    assert_int_equal(nai_home_fa("001010000000001", 2, t), ERR_OK);
    assert_string_equal(t, "hip-fa.mnc001.mcc001.pub.3gppnetwork.org");
    assert_int_equal(nai_home_fa("310410000000003", 3, t), ERR_OK);
    assert_string_equal(t, "hip-fa.mnc410.mcc310.pub.3gppnetwork.org");
    assert_int_equal(nai_home_fa("310410000000003", 0, t), ERR_RANGE);
    assert_int_equal(nai_permanent('6', "0010100000000012", 2, NULL, t), ERR_RANGE);
    assert_int_equal(nai_permanent('6', "001010000000001", 4, NULL, t), ERR_RANGE);
    assert_int_equal(nai_parse(span_str("6001010000000001@a.b"), &n), ERR_OK);
    assert_string_equal(n.imsi, "001010000000001");
    assert_int_equal(n.lead, '6');
    assert_int_equal(n.realm.n, 3);
    assert_int_equal(nai_parse(span_str("600101000000000x@a"), &n), ERR_OK);
    assert_string_equal(n.imsi, "");
    assert_int_equal(nai_parse(span_str("7001010000000001@a"), &n), ERR_OK);
    assert_string_equal(n.imsi, "");
    assert_int_equal(nai_parse(span_str("60010100000000011@a"), &n), ERR_OK);
    assert_string_equal(n.imsi, ""); /* sixteen digits are no IMSI */
    assert_int_equal(nai_parse(span_str("@a"), &n), ERR_OK);
    assert_int_equal(n.lead, 0);
    assert_int_equal(nai_parse(span_of("6001\00010", 7), &n), ERR_MALFORMED);
    assert_int_equal(nai_parse(span_of("", 0), &n), ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),    cmocka_unit_test(test_views),  cmocka_unit_test(test_encr),
        cmocka_unit_test(test_recorded), cmocka_unit_test(test_writer), cmocka_unit_test(test_eap),
        cmocka_unit_test(test_nai),
    };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
