/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "aka/eap_method.h"
#include "aka/eap_tls.h"

static void taken(void **state)
{
    struct eap_tls t;
    assert_int_equal(eap_tls_parse(span_of("\x20", 1), &t), ERR_OK);
    assert_true(t.start && !t.more && !t.has_total && t.piece.n == 0);
    assert_int_equal(eap_tls_parse(span_of("\xc0\x00\x00\x00\x05"
                                           "abc",
                                           8),
                                   &t),
                     ERR_OK);
    assert_true(!t.start && t.more && t.has_total);
    assert_int_equal(t.total, 5);
    assert_true(span_eq(t.piece, span_str("abc")));
    assert_int_equal(eap_tls_parse(span_of("\x00", 1), &t), ERR_OK);
    assert_int_equal(t.piece.n, 0);
}

static void refused(void **state)
{
    static const struct {
        const char *what, *octets;
        size_t n;
    } rows[] = {
        { "nothing", "", 0 },
        { "half a length", "\x80\x00\x00\x00", 4 },
        { "a piece longer than all",
          "\x80\x00\x00\x00\x02"
          "abc",
          8 },
        { "64 KiB and one",
          "\xc0\x00\x01\x00\x01"
          "abc",
          8 },
        { "more of nothing", "\x40", 1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eap_tls t = { .total = 77 };
        if (eap_tls_parse(span_of(rows[i].octets, rows[i].n), &t) != ERR_MALFORMED || t.total != 77)
            fail_msg("%s", rows[i].what);
    }
}

static void written(void **state)
{
    uint8_t out[EAP_MAX], big[EAP_MAX] = { 0 };
    struct eap_pkt p;
    struct eap_tls t;
    size_t n = eap_tls_write(out, sizeof out, EAP_RESPONSE, 9, &(struct eap_tls){ .more = false });
    assert_int_equal(n, 6);
    assert_memory_equal(out, "\x02\x09\x00\x06\x0d\x00", 6);
    n = eap_tls_write(
        out, sizeof out, EAP_RESPONSE, 9,
        &(struct eap_tls){
            .more = true, .has_total = true, .total = 3000, .piece = span_of(big, EAP_TLS_PIECE_MAX) });
    assert_int_equal(n, EAP_MAX); /* the longest */
    assert_int_equal(eap_parse(span_of(out, n), &p), ERR_OK);
    assert_int_equal(eap_tls_parse(p.data, &t), ERR_OK);
    assert_true(t.more && t.total == 3000 && t.piece.n == EAP_TLS_PIECE_MAX);
    assert_int_equal(
        eap_tls_write(out, sizeof out, EAP_RESPONSE, 9,
                      &(struct eap_tls){ .has_total = true, .piece = span_of(big, EAP_TLS_PIECE_MAX + 1) }),
        0);
}

static void methods(void **state)
{
    char text[EAP_REFUSAL_MAX];
    assert_true(eap_method_binds(EAP_TYPE_AKA_PRIME) && eap_method_binds(EAP_TYPE_AKA) &&
                eap_method_binds(EAP_TYPE_TLS));
    for (unsigned t = 0; t < 256; t++)
        if (eap_method_binds((uint8_t)t) != (t == 13 || t == 23 || t == 50))
            fail_msg("%u", t);
    assert_string_equal(eap_method_name(25), "PEAP");
    assert_null(eap_method_name(99));
    assert_string_equal(eap_method_refusal(6, text), "EAP method GTC is not permitted: no keys");
    assert_string_equal(eap_method_refusal(13, text),
                        "EAP method TLS is not permitted: the configuration does not allow it");
    assert_string_equal(eap_method_refusal(99, text), "EAP method 99 is not permitted: not known");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(taken), cmocka_unit_test(refused),
                                        cmocka_unit_test(written), cmocka_unit_test(methods) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
