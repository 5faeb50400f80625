/* SPDX-License-Identifier: Apache-2.0
 * Inner headers of BEET mode (RFC 7402 appendix B). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hip/esp/beet.h"

static const struct hit a = { { 0x20, 0x01, 0x00, 0x21, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 } };
static const struct hit b = { { 0x20, 0x01, 0x00, 0x22, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1 } };

static size_t packet(uint8_t out[64], size_t payload)
{
    assert_int_equal(beet_header(&a, &b, 17, 0xb8, 61, payload, out), ERR_OK);
    memset(out + BEET_HEAD, 0x5a, payload);
    return BEET_HEAD + payload;
}

static void test_round(void **state)
{
    uint8_t buf[64];
    struct beet_packet p;
    size_t n = packet(buf, 20);

    assert_int_equal(buf[0] >> 4, 6);
    assert_int_equal(beet_parse(span_of(buf, n), &p), ERR_OK);
    assert_true(hit_eq(&p.src, &a) && hit_eq(&p.dst, &b));
    assert_int_equal(p.next_header, 17);
    assert_int_equal(p.tclass, 0xb8);
    assert_int_equal(p.hop_limit, 61);
    assert_int_equal(p.payload.n, 20);
    assert_ptr_equal(p.payload.p, buf + BEET_HEAD);
    /* octets behind the payload length do not belong to the packet */
    assert_int_equal(beet_parse(span_of(buf, n + 4), &p), ERR_OK);
    assert_int_equal(p.payload.n, 20);
}

static void test_bad(void **state)
{
    uint8_t buf[64];
    struct beet_packet p;
    size_t n = packet(buf, 20);

    for (size_t i = 0; i < BEET_HEAD; i++)
        assert_int_equal(beet_parse(span_of(buf, i), &p), ERR_TRUNCATED);
    assert_int_equal(beet_parse(span_of(buf, n - 1), &p), ERR_MALFORMED);
    buf[0] = 0x45;
    assert_int_equal(beet_parse(span_of(buf, n), &p), ERR_MALFORMED);
    n = packet(buf, 20);
    buf[8] = 0xfe; /* not a HIT */
    assert_int_equal(beet_parse(span_of(buf, n), &p), ERR_RANGE);
    n = packet(buf, 20);
    buf[24 + 3] = 0x42; /* outside 2001:20::/28 */
    assert_int_equal(beet_parse(span_of(buf, n), &p), ERR_RANGE);
    n = packet(buf, 20);
    memcpy(buf + 24, buf + 8, 16);
    assert_int_equal(beet_parse(span_of(buf, n), &p), ERR_REFUSED);
    n = packet(buf, 20);
    buf[7] = 0;
    assert_int_equal(beet_parse(span_of(buf, n), &p), ERR_REFUSED);
}

static void test_header_refuses(void **state)
{
    uint8_t h[BEET_HEAD];
    assert_int_equal(beet_header(&a, &b, 6, 0, 64, 65536, h), ERR_RANGE);
    assert_int_equal(beet_header(&a, &b, 59, 0, 64, 0, h), ERR_UNSUPPORTED);
    assert_int_equal(beet_header(&a, &b, 6, 0, 64, 65535, h), ERR_OK);
    assert_int_equal(h[4], 0xff);
    assert_int_equal(h[5], 0xff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_header_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
