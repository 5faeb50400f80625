/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "aka/radius_acct.h"
#include "common/crypto/secret.h"

#define SECRET span_str("xyzzy5461")

/* Computed from RFC 2866 s3 by an independent program (hashlib): identifier 7, Acct-Status-Type Start, Acct-Session-Id "abcd". */
static const uint8_t request[] = { 0x04, 0x07, 0x00, 0x20, 0xdb, 0xe7, 0x28, 0xba, 0xff, 0x2f, 0x2e,
                                   0x49, 0x59, 0x19, 0xbb, 0x2f, 0xdc, 0xf2, 0x26, 0x9c, 0x28, 0x06,
                                   0x00, 0x00, 0x00, 0x01, 0x2c, 0x06, 'a',  'b',  'c',  'd' };
static const uint8_t response[] = { 0x05, 0x07, 0x00, 0x14, 0x05, 0x0b, 0x50, 0x3f, 0x59, 0x74,
                                    0x16, 0x67, 0x5f, 0xe1, 0x28, 0xec, 0x79, 0x6e, 0x0e, 0x20 };

static void written(void **state)
{
    uint8_t out[RADIUS_MAX], attrs[64];
    size_t n = 0;
    struct radius_wr a = radius_acct_attrs(attrs, sizeof attrs);
    radius_wr_u32(&a, RADIUS_ACCT_STATUS_TYPE, RADIUS_ACCT_START);
    struct radius_wr w = radius_acct_begin(out, sizeof out, RADIUS_ACCOUNTING_REQUEST, 7, NULL);
    radius_acct_put(&w, wcur_done(&a.c));
    radius_wr_attr(&w, RADIUS_ACCT_SESSION_ID, span_str("abcd"));
    assert_int_equal(radius_acct_end(&w, SECRET, &n), ERR_OK);
    assert_int_equal(n, sizeof request);
    assert_memory_equal(out, request, n);

    w = radius_acct_begin(out, sizeof out, RADIUS_ACCOUNTING_RESPONSE, 7, request + 4);
    assert_int_equal(radius_acct_end(&w, SECRET, &n), ERR_OK);
    assert_int_equal(n, sizeof response);
    assert_memory_equal(out, response, n);

    w = radius_acct_begin(out, 24, RADIUS_ACCOUNTING_REQUEST, 7, NULL);
    radius_wr_attr(&w, RADIUS_ACCT_SESSION_ID, span_str("abcd"));
    assert_int_equal(radius_acct_end(&w, SECRET, &n), ERR_SPACE);
}

/* No octet of either may change, and neither may stand for the other. */
static void checked(void **state)
{
    struct radius_pkt p;
    uint8_t b[sizeof request];
    assert_int_equal(radius_parse(span_of(request, sizeof request), &p), ERR_OK);
    assert_int_equal(radius_acct_check_request(&p, SECRET), ERR_OK);
    assert_int_equal(radius_acct_check_request(&p, span_str("another")), ERR_AUTH);
    assert_int_equal(radius_acct_check_reply(&p, SECRET, 7, request + 4), ERR_AUTH);
    memcpy(b, request, sizeof b);
    for (size_t i = 0; i < sizeof b; i++) {
        b[i] ^= 1;
        if (radius_parse(span_of(b, sizeof b), &p) == ERR_OK)
            assert_int_equal(radius_acct_check_request(&p, SECRET), ERR_AUTH);
        b[i] ^= 1;
    }
    assert_int_equal(radius_parse(span_of(response, sizeof response), &p), ERR_OK);
    assert_int_equal(radius_acct_check_reply(&p, SECRET, 7, request + 4), ERR_OK);
    assert_int_equal(radius_acct_check_reply(&p, SECRET, 8, request + 4), ERR_AUTH);
    assert_int_equal(radius_acct_check_reply(&p, SECRET, 7, request + 5), ERR_AUTH); /* of another request */
    assert_int_equal(radius_acct_check_reply(&p, span_str("another"), 7, request + 4), ERR_AUTH);
    assert_int_equal(radius_acct_check_request(&p, SECRET), ERR_AUTH);
    memcpy(b, response, sizeof response);
    for (size_t i = 0; i < sizeof response; i++) {
        b[i] ^= 1;
        if (radius_parse(span_of(b, sizeof response), &p) == ERR_OK)
            assert_int_equal(radius_acct_check_reply(&p, SECRET, 7, request + 4), ERR_AUTH);
        b[i] ^= 1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(written), cmocka_unit_test(checked) };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
