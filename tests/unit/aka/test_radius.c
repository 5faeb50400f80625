/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/aka/vec.h"

#include "aka/radius.h"
#include "common/crypto/hash.h"
#include "common/crypto/secret.h"

static uint8_t fill;

static void next_random(void *ctx, void *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = fill++;
}
static const struct env env = { .random = next_random };
static const uint8_t auth[16] = "0123456789abcdef";
#define SECRET span_str("radius secret")

static size_t make_request(uint8_t *b, size_t cap, size_t eap_n)
{
    uint8_t eap[1020];
    size_t n = 0;
    memset(eap, 0xe5, sizeof eap);
    struct radius_wr w = radius_wr_begin(b, cap, RADIUS_ACCESS_REQUEST, 9, auth);
    radius_wr_attr(&w, RADIUS_USER_NAME, span_str("6001010000000001@wlan"));
    radius_wr_eap(&w, span_of(eap, eap_n));
    radius_wr_attr(&w, RADIUS_STATE, span_str("state"));
    radius_wr_u32(&w, RADIUS_FRAMED_MTU, 1020);
    assert_int_equal(radius_wr_end(&w, SECRET, &n), ERR_OK);
    return n;
}

static void test_request(void **state)
{
    uint8_t b[RADIUS_MAX], eap[1020];
    struct radius_pkt p;
    struct span v;
    size_t n = make_request(b, sizeof b, 1000), len = 0;
    assert_int_equal(radius_parse(span_of(b, n), &p), ERR_OK);
    assert_int_equal(p.code, RADIUS_ACCESS_REQUEST);
    assert_memory_equal(p.auth, auth, 16);
    assert_int_equal(radius_check_request(&p, SECRET), ERR_OK);
    assert_int_equal(radius_check_request(&p, span_str("another")), ERR_AUTH);
    assert_int_equal(radius_find(&p, RADIUS_STATE, &v), ERR_OK);
    assert_memory_equal(v.p, "state", 5);
    assert_int_equal(radius_find(&p, RADIUS_CLASS, &v), ERR_NOT_FOUND);
    assert_int_equal(radius_count(&p, RADIUS_EAP_MESSAGE), 4); /* 253 * 3 + 241 */
    assert_int_equal(radius_eap(&p, eap, sizeof eap, &len), ERR_OK);
    assert_int_equal(len, 1000);
    assert_int_equal(radius_eap(&p, eap, 999, &len), ERR_SPACE);
    for (size_t i = 0; i < n; i++) { /* no octet may change */
        if (i == 2 || i == 3)
            continue; /* the length: another packet */
        b[i] ^= 1;
        if (radius_parse(span_of(b, n), &p) == ERR_OK)
            assert_int_not_equal(radius_check_request(&p, SECRET), ERR_OK);
        b[i] ^= 1;
    }
}

static void test_malformed(void **state)
{
    uint8_t b[RADIUS_MAX];
    struct radius_pkt p;
    size_t n = make_request(b, sizeof b, 20);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(radius_parse(span_of(b, i), &p), ERR_TRUNCATED);
    assert_int_equal(radius_parse(span_of(b, n + 3), &p), ERR_OK); /* padding is ignored */
    assert_int_equal(p.whole.n, n);
    uint8_t was = b[21];
    b[21] = 0;
    assert_int_equal(radius_parse(span_of(b, n), &p), ERR_MALFORMED);
    b[21] = 17; /* Message-Authenticator of 15 octets */
    assert_int_equal(radius_parse(span_of(b, n), &p), ERR_MALFORMED);
    b[21] = was;
    /* no Message-Authenticator at all */
    static const uint8_t bare[] = { 1, 2, 0, 25, 0, 0, 0, 0,  0, 0, 0, 0, 0,
                                    0, 0, 0, 0,  0, 0, 0, 79, 5, 2, 1, 0 };
    assert_int_equal(radius_parse(span_of(bare, sizeof bare), &p), ERR_OK);
    assert_int_equal(radius_check_request(&p, SECRET), ERR_NOT_FOUND);
    /* two of them */
    uint8_t two[20 + 36] = { 1, 2, 0, 56 };
    two[20] = two[38] = 80;
    two[21] = two[39] = 18;
    assert_int_equal(radius_parse(span_of(two, sizeof two), &p), ERR_MALFORMED);
    /* EAP-Message in two places */
    static const uint8_t split[] = { 1, 2, 0, 29, 0, 0,  0, 0, 0, 0, 0, 0,  0, 0, 0,
                                     0, 0, 0, 0,  0, 79, 3, 2, 1, 3, 9, 79, 3, 5 };
    size_t len = 0;
    assert_int_equal(radius_parse(span_of(split, sizeof split), &p), ERR_OK);
    assert_int_equal(radius_eap(&p, b, sizeof b, &len), ERR_MALFORMED);
}

static size_t make_accept(uint8_t *b, const uint8_t msk[64])
{
    size_t n = 0;
    struct radius_wr w = radius_wr_begin(b, RADIUS_MAX, RADIUS_ACCESS_ACCEPT, 9, auth);
    radius_wr_eap(&w, span_of("\3\7\0\4", 4));
    radius_wr_mppe(&w, RADIUS_MS_MPPE_RECV, span_of(msk, 32), SECRET, auth, &env);
    radius_wr_mppe(&w, RADIUS_MS_MPPE_SEND, span_of(msk + 32, 32), SECRET, auth, &env);
    radius_wr_vendor(&w, RADIUS_VENDOR_3GPP, RADIUS_3GPP_IMSI, span_str("001010000000001"));
    radius_wr_attr(&w, RADIUS_CUI, span_str("001010000000001"));
    assert_int_equal(radius_wr_end(&w, SECRET, &n), ERR_OK);
    return n;
}

static void test_accept(void **state)
{
    uint8_t b[RADIUS_MAX], msk[64], got[64], other[16] = { 1 };
    struct radius_pkt p;
    struct span v;
    for (unsigned i = 0; i < 64; i++)
        msk[i] = (uint8_t)(0x40 + i);
    size_t n = make_accept(b, msk);
    assert_int_equal(radius_parse(span_of(b, n), &p), ERR_OK);
    assert_int_equal(radius_check_reply(&p, SECRET, 9, auth), ERR_OK);
    assert_int_equal(radius_check_reply(&p, SECRET, 8, auth), ERR_AUTH);
    assert_int_equal(radius_check_reply(&p, SECRET, 9, other), ERR_AUTH);
    assert_int_equal(radius_check_reply(&p, span_str("another"), 9, auth), ERR_AUTH);
    assert_int_equal(radius_msk(&p, SECRET, auth, got), ERR_OK);
    assert_memory_equal(got, msk, 64);
    assert_int_equal(radius_find_vendor(&p, RADIUS_VENDOR_3GPP, RADIUS_3GPP_IMSI, &v), ERR_OK);
    assert_int_equal(v.n, 15);
    assert_int_equal(radius_find_vendor(&p, RADIUS_VENDOR_3GPP, 2, &v), ERR_NOT_FOUND);
    assert_int_equal(radius_find_vendor(&p, 9, RADIUS_3GPP_IMSI, &v), ERR_NOT_FOUND);
    /* with a wrong secret the length octet is noise: an error or other octets, never the key */
    if (radius_msk(&p, span_str("another"), auth, got) == ERR_OK)
        assert_memory_not_equal(got, msk, 64);
    for (size_t i = 0; i < n; i++) {
        if (i == 2 || i == 3)
            continue;
        b[i] ^= 0x40;
        if (radius_parse(span_of(b, n), &p) == ERR_OK)
            assert_int_not_equal(radius_check_reply(&p, SECRET, 9, auth), ERR_OK);
        b[i] ^= 0x40;
    }
}

/* Response Authenticator right, Message-Authenticator missing or wrong: refused all the same (RFC 3579 s3.2). */
static void test_reply_authenticator(void **state)
{
    uint8_t b[64] = { RADIUS_ACCESS_ACCEPT, 9, 0, 26, [20] = RADIUS_EAP_MESSAGE, 6, 3, 7, 0, 4 };
    struct radius_pkt p;
    for (unsigned with = 0; with < 2; with++) {
        size_t n = with ? 44 : 26;
        b[3] = (uint8_t)n;
        b[26] = RADIUS_MESSAGE_AUTHENTICATOR;
        b[27] = 18;
        const struct span in[] = { span_of(b, 4), span_of(auth, 16), span_of(b + 20, n - 20), SECRET };
        assert_int_equal(hash_spans(HASH_MD5, in, 4, b + 4), ERR_OK);
        assert_int_equal(radius_parse(span_of(b, n), &p), ERR_OK);
        assert_int_equal(radius_check_reply(&p, SECRET, 9, auth), with ? ERR_AUTH : ERR_NOT_FOUND);
        /* To Status-Server it may be missing, not be wrong; the Response Authenticator must be right as ever. */
        assert_int_equal(radius_check_status_reply(&p, SECRET, 9, auth), with ? ERR_AUTH : ERR_OK);
        assert_int_equal(radius_check_status_reply(&p, span_str("another"), 9, auth), ERR_AUTH);
        assert_int_equal(radius_check_status_reply(&p, SECRET, 8, auth), ERR_AUTH);
    }
}

/* Salts: top bit set, and two of one packet never equal (RFC 2548 s2.4.2). */
static void test_mppe_salts(void **state)
{
    uint8_t b[RADIUS_MAX], msk[64] = { 0 };
    struct radius_pkt p;
    struct span r, s;
    fill = 0x80; /* the second salt's first draw repeats the first: it must be drawn again */
    size_t n = make_accept(b, msk);
    assert_int_equal(radius_parse(span_of(b, n), &p), ERR_OK);
    assert_int_equal(radius_find_vendor(&p, RADIUS_VENDOR_MS, RADIUS_MS_MPPE_RECV, &r), ERR_OK);
    assert_int_equal(radius_find_vendor(&p, RADIUS_VENDOR_MS, RADIUS_MS_MPPE_SEND, &s), ERR_OK);
    assert_int_equal(r.n, 2 + 48);
    assert_true((r.p[0] & 0x80) && (s.p[0] & 0x80));
    assert_true(r.p[0] != s.p[0] || r.p[1] != s.p[1]);
    assert_memory_not_equal(r.p + 2, s.p + 2, 48); /* equal keys, different salts */
    uint8_t key[32];
    size_t len = 0;
    assert_int_equal(radius_mppe_open(r, SECRET, auth, key, 31, &len), ERR_SPACE);
    assert_int_equal(radius_mppe_open(span_of(r.p, 49), SECRET, auth, key, 32, &len), ERR_MALFORMED);
    assert_int_equal(radius_mppe_open(span_of(r.p, 2), SECRET, auth, key, 32, &len), ERR_MALFORMED);
}

/* A packet made with another implementation: Python's hashlib and hmac, see tests/unit/aka/radius_ref.py. */
static void test_foreign(void **state)
{
#include "tests/unit/aka/radius_ref.inc"
    struct radius_pkt p;
    uint8_t msk[64];
    assert_int_equal(radius_parse(span_of(ref_reply, sizeof ref_reply), &p), ERR_OK);
    assert_int_equal(radius_check_reply(&p, span_str(ref_secret), 66, ref_auth), ERR_OK);
    assert_int_equal(radius_msk(&p, span_str(ref_secret), ref_auth, msk), ERR_OK);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(msk[i], 0x40 + i);
    assert_int_equal(radius_parse(span_of(ref_request, sizeof ref_request), &p), ERR_OK);
    assert_int_equal(radius_check_request(&p, span_str(ref_secret)), ERR_OK);
}

static void test_writer_limits(void **state)
{
    uint8_t b[RADIUS_MAX], big[300] = { 0 };
    size_t n = 0;
    struct radius_wr w = radius_wr_begin(b, sizeof b, RADIUS_ACCESS_REQUEST, 1, auth);
    radius_wr_attr(&w, RADIUS_CLASS, span_of(big, 254));
    assert_int_equal(radius_wr_end(&w, SECRET, &n), ERR_SPACE);
    w = radius_wr_begin(b, sizeof b, RADIUS_ACCESS_REQUEST, 1, auth);
    radius_wr_attr(&w, RADIUS_CLASS, span_of(big, 0));
    assert_int_equal(radius_wr_end(&w, SECRET, &n), ERR_SPACE);
    w = radius_wr_begin(b, 60, RADIUS_ACCESS_REQUEST, 1, auth);
    radius_wr_attr(&w, RADIUS_CLASS, span_of(big, 200));
    assert_int_equal(radius_wr_end(&w, SECRET, &n), ERR_SPACE);
    w = radius_wr_begin(b, sizeof b, RADIUS_ACCESS_ACCEPT, 1, auth);
    radius_wr_mppe(&w, RADIUS_MS_MPPE_RECV, span_of(big, 250), SECRET, auth, &env);
    assert_int_equal(radius_wr_end(&w, SECRET, &n), ERR_SPACE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),       cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_accept),        cmocka_unit_test(test_reply_authenticator),
        cmocka_unit_test(test_mppe_salts),    cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_writer_limits),
    };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
