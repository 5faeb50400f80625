/* SPDX-License-Identifier: Apache-2.0
 * span, cursor, hex, log, err. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/cursor.h"
#include "common/base/env.h"
#include "common/base/hex.h"
#include "common/base/log.h"

static void read_in_order(void **st)
{
    static const uint8_t in[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21 };
    struct rcur c = rcur_of(span_of(in, sizeof in));
    assert_int_equal(rcur_u8(&c), 1);
    assert_int_equal(rcur_u16(&c), 0x0203);
    assert_int_equal(rcur_u32(&c), 0x04050607);
    assert_true(rcur_u48(&c) == 0x08090a0b0c0d);
    assert_true(rcur_u64(&c) == 0x0e0f101112131415);
    assert_true(rcur_end(&c));
    assert_int_equal(rcur_u8(&c), 0);
    assert_false(rcur_ok(&c));
    assert_false(rcur_end(&c));
}

static void read_error_is_sticky(void **st)
{
    static const uint8_t in[] = { 0xaa, 0xbb, 0xcc };
    uint8_t out[4] = { 1, 1, 1, 1 };
    struct rcur c = rcur_of(span_of(in, sizeof in));
    assert_int_equal(rcur_u32(&c), 0);
    assert_int_equal(rcur_u8(&c), 0); /* one octet was there, but the reader has failed */
    assert_false(rcur_ok(&c));
    c = rcur_of(span_of(in, sizeof in));
    rcur_copy(&c, out, 4);
    assert_memory_equal(out, "\0\0\0\0", 4);
    assert_int_equal(rcur_take(&c, 1).n, 0);
    c = rcur_of(span_of(in, sizeof in));
    struct rcur sub = rcur_sub(&c, 4);
    assert_false(rcur_ok(&sub));
    assert_false(rcur_ok(&c));
    c = rcur_of(span_of(in, sizeof in));
    rcur_skip(&c, SIZE_MAX);
    assert_false(rcur_ok(&c));
}

static void read_nested(void **st)
{
    static const uint8_t in[] = { 2, 0xaa, 0xbb, 0xcc };
    struct rcur c = rcur_of(span_of(in, sizeof in));
    size_t n = rcur_u8(&c);
    struct rcur sub = rcur_sub(&c, n);
    assert_int_equal(rcur_u8(&sub), 0xaa);
    assert_false(rcur_end(&sub));
    assert_int_equal(rcur_u8(&sub), 0xbb);
    assert_true(rcur_end(&sub));
    assert_int_equal(rcur_left(&c), 1);
    assert_int_equal(rcur_rest(&c).n, 1);
    assert_true(rcur_end(&c));
    struct rcur empty = rcur_of((struct span){ 0 });
    assert_true(rcur_end(&empty));
    rcur_copy(&empty, NULL, 0);
    assert_true(rcur_end(&empty));
}

static void write_and_patch(void **st)
{
    uint8_t buf[32];
    struct wcur w = wcur_of(buf, sizeof buf);
    wcur_u16(&w, 0);
    wcur_u8(&w, 0x11);
    wcur_u32(&w, 0x22334455);
    wcur_u48(&w, 0x66778899aabb);
    wcur_u64(&w, 0x0102030405060708);
    wcur_put(&w, "xy", 2);
    wcur_span(&w, span_str("z"));
    wcur_zero(&w, 2);
    wcur_patch_u16(&w, 0, (uint16_t)wcur_len(&w));
    assert_true(wcur_ok(&w));
    static const uint8_t want[] = { 0, 26, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb,
                                    1, 2,  3,    4,    5,    6,    7,    8,    'x',  'y',  'z',  0,    0 };
    assert_true(span_eq(wcur_done(&w), span_of(want, sizeof want)));
}

static void write_does_not_overrun(void **st)
{
    uint8_t *buf = malloc(3); /* a heap block: the sanitizer sees an overrun */
    struct wcur w = wcur_of(buf, 3);
    wcur_u16(&w, 1);
    wcur_u16(&w, 2);
    assert_false(wcur_ok(&w));
    assert_int_equal(wcur_len(&w), 2);
    wcur_u8(&w, 3); /* sticky */
    assert_int_equal(wcur_len(&w), 2);
    assert_int_equal(wcur_done(&w).n, 0);
    w = wcur_of(buf, 3);
    assert_null(wcur_reserve(&w, 4));
    w = wcur_of(buf, 3);
    wcur_u8(&w, 0);
    wcur_patch_u16(&w, 0, 1);
    assert_false(wcur_ok(&w));
    uint8_t six[6];
    w = wcur_of(six, 6);
    wcur_u48(&w, (uint64_t)1 << 48);
    assert_false(wcur_ok(&w));
    free(buf);
}

static void spans(void **st)
{
    struct span s = span_str("abcdef");
    assert_true(span_eq(span_sub(s, 2, 3), span_str("cde")));
    assert_int_equal(span_sub(s, 2, 5).n, 0);
    assert_int_equal(span_sub(s, 7, 0).n, 0);
    assert_int_equal(span_sub(s, 1, SIZE_MAX).n, 0);
    assert_true(span_eq((struct span){ 0 }, span_str("")));
    assert_false(span_eq(span_str("a"), span_str("b")));
    assert_false(span_eq(span_str("a"), span_str("ab")));
}

static void hex_both_ways(void **st)
{
    char text[9];
    uint8_t out[4];
    size_t n = 77;
    assert_string_equal(hex_encode(span_of("\x00\xff\x1a\xb2", 4), text), "00ff1ab2");
    assert_int_equal(hex_decode("00FF1ab2", 8, out, 4, &n), ERR_OK);
    assert_int_equal(n, 4);
    assert_memory_equal(out, "\x00\xff\x1a\xb2", 4);
    assert_int_equal(hex_decode("", 0, out, 4, &n), ERR_OK);
    assert_int_equal(n, 0);
    n = 77;
    assert_int_equal(hex_decode("123", 3, out, 4, &n), ERR_MALFORMED);
    assert_int_equal(hex_decode("0g", 2, out, 4, &n), ERR_MALFORMED);
    assert_int_equal(hex_decode(" 1", 2, out, 4, &n), ERR_MALFORMED);
    assert_int_equal(hex_decode("0011223344", 10, out, 4, &n), ERR_SPACE);
    assert_int_equal(n, 77);
}

static char seen[LOG_LINE_MAX + 8];
static void sink(void *ctx, enum log_level lv, const char *cat, const char *line)
{
    strcpy(seen, line);
    *(enum log_level *)ctx = lv;
}

static void log_lines(void **st)
{
    enum log_level lv = LOG_LV_DEBUG;
    struct log l = { .ctx = &lv, .write = sink, .max = LOG_LV_INFO };
    seen[0] = 0;
    log_at(&l, LOG_LV_DEBUG, "t", "not written");
    assert_string_equal(seen, "");
    log_at(&l, LOG_LV_WARN, "t", "a=%d b=%s", 1, "x\ny\x1b[31m\x7f");
    assert_string_equal(seen, "a=1 b=x?y?[31m?");
    assert_int_equal(lv, LOG_LV_WARN);
    char big[LOG_LINE_MAX * 2];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = 0;
    log_at(&l, LOG_LV_ERROR, "t", "%s", big);
    assert_int_equal(strlen(seen), LOG_LINE_MAX - 1);
    log_at(&(struct log){ 0 }, LOG_LV_ERROR, "t", "silent");
    assert_int_equal(log_level_parse("notice", &lv), ERR_OK);
    assert_int_equal(lv, LOG_LV_NOTICE);
    assert_string_equal(log_level_name(lv), "notice");
    assert_int_equal(log_level_parse("Notice", &lv), ERR_NOT_FOUND);
}

static void err_texts(void **st)
{
    assert_string_equal(err_name(ERR_OK), "OK");
    assert_string_equal(err_name(ERR_CONFIG), "CONFIG");
    assert_string_equal(err_text(ERR_AUTH), "authentication failed");
    assert_string_equal(err_text((err)999), "unknown error");
}

static void fixed(void *ctx, void *out, size_t n)
{
    memcpy(out, ctx, n);
}

static void env_u32(void **st)
{
    uint8_t r[4] = { 0xde, 0xad, 0xbe, 0xef };
    struct env e = { .ctx = r, .random = fixed };
    assert_true(env_random_u32(&e) == 0xdeadbeef);
    assert_true(env_draw_u32(&e, "spi") == 0xdeadbeef); /* nobody asked for names */
}

static void named(void *ctx, const char *name, void *out, size_t n)
{
    assert_string_equal(name, ctx);
    memset(out, 0x5a, n);
}

static void env_names(void **st)
{
    static char name[] = "spi";
    struct env e = { .ctx = name, .random = fixed, .draw = named };
    assert_int_equal(env_draw_u32(&e, "spi"), 0x5a5a5a5a);
    assert_true(env_random_u32(&e) ==
                ('s' << 24 | 'p' << 16 | 'i' << 8)); /* what has no name goes the other way */
}

int main(void)
{
    const struct CMUnitTest t[] = {
        cmocka_unit_test(read_in_order),
        cmocka_unit_test(read_error_is_sticky),
        cmocka_unit_test(read_nested),
        cmocka_unit_test(write_and_patch),
        cmocka_unit_test(write_does_not_overrun),
        cmocka_unit_test(spans),
        cmocka_unit_test(hex_both_ways),
        cmocka_unit_test(log_lines),
        cmocka_unit_test(err_texts),
        cmocka_unit_test(env_u32),
        cmocka_unit_test(env_names),
    };
    return cmocka_run_group_tests(t, NULL, NULL);
}
