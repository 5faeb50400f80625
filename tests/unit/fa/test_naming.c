/* SPDX-License-Identifier: Apache-2.0
 * docs/sim-binding.md section 6: who may have which name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "fa/core/naming.h"

static char reserved[][FA_LABEL_MAX] = { "helpdesk" };
static const struct fa_naming rules = { .domain = "operator.example", .reserved = reserved, .n_reserved = 1 };
static const struct fa_naming own_only = { .domain = "operator.example", .own_only = true };

static struct fa_subscriber matti(void)
{
    return (struct fa_subscriber){ .id = "1",
                                   .given = "Matti",
                                   .surname = "Virtanen",
                                   .n_msisdn = 1,
                                   .msisdn = { "358401234567" },
                                   .publish_name = true };
}

static void random_octets(void *ctx, void *out, size_t n)
{
    memset(out, ++*(uint8_t *)ctx, n);
}

static void test_skeleton(void **state)
{
    static const char *const rows[][2] = {
        { "matti-virtanen", "mattlvlrtanen" },
        { "rn", "m" },
        { "r-n", "m" },
        { "vvvv", "ww" },
        { "0l1i", "olll" },
        { "bob", "bob" },
        { "b0b", "bob" },
        { "b-o-b", "bob" },
        { "corn", "com" },
        { "com", "com" },
        { "barn", "bam" },
        { "vv-w", "ww" },
    };
    char out[FA_LABEL_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(fa_name_skeleton(rows[i][0], out), rows[i][1]);
    char full[FA_LABEL_MAX];
    memset(full, 'a', sizeof full - 1);
    full[sizeof full - 1] = 0;
    assert_string_equal(fa_name_skeleton(full, out), full);
}

static void test_person(void **state)
{
    static const char *const rows[][3] = {
        { "Matti", "Virtanen", "matti-virtanen" },
        { "Åsa", "Öhman", "asa-ohman" },
        { "Jean-Luc", "d'Arc", "jean-luc-darc" },
        { "  Anna   Maria ", "von der Leyen", "anna-maria-von-der-leyen" },
        { "Łukasz", "Żółć", "lukasz-zolc" },
        { "Strauß", "Ærø", "strauss-aero" },
        { "", "Prince", "prince" },
        { "Prince", "", "prince" },
        { "王", "伟", "" },
        { "O\xff", "K", "o-k" },
        { "--", "--", "" },
    };
    char out[FA_LABEL_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(fa_name_of_person(rows[i][0], rows[i][1], out), rows[i][2]);
    char longest[200];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    assert_int_equal(strlen(fa_name_of_person(longest, "y", out)), 63);
}

static void test_judge(void **state)
{
    static const struct {
        const char *name;
        enum fa_name_verdict want;
    } rows[] = {
        { "matti-virtanen.operator.example", FA_NAME_OWN },
        { "matti.operator.example", FA_NAME_OK },
        { "358401234567.operator.example", FA_NAME_UNLISTED }, /* its number, but the record says no */
        { "358409999999.operator.example", FA_NAME_NUMBER },
        { "12.operator.example", FA_NAME_NUMBER },
        { "a1.operator.example", FA_NAME_OK },
        { "matti.other.example", FA_NAME_DOMAIN },
        { "matti.sub.operator.example", FA_NAME_DOMAIN },
        { "operator.example", FA_NAME_DOMAIN },
        { "matti.operator.example.evil.example", FA_NAME_DOMAIN },
        { "mattioperator.example", FA_NAME_DOMAIN },
        { "matti", FA_NAME_DOMAIN },
        { "", FA_NAME_DOMAIN },
        { ".operator.example", FA_NAME_SYNTAX },
        { "-a.operator.example", FA_NAME_SYNTAX },
        { "a-.operator.example", FA_NAME_SYNTAX },
        { "a_b.operator.example", FA_NAME_SYNTAX },
        { "A.operator.example", FA_NAME_SYNTAX },
        { "xn--bcher-kva.operator.example", FA_NAME_SYNTAX },
        { "ab--c.operator.example", FA_NAME_SYNTAX },
        { "www.operator.example", FA_NAME_RESERVED },
        { "localhost.operator.example", FA_NAME_RESERVED },
        { "helpdesk.operator.example", FA_NAME_RESERVED },
    };
    struct fa_subscriber s = matti();
    char label[FA_LABEL_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum fa_name_verdict v = fa_name_judge(&rules, &s, rows[i].name, label);
        if (v != rows[i].want)
            fail_msg("%s: %s", rows[i].name, fa_name_verdict_text(v));
    }
    s.publish_number = true;
    assert_int_equal(fa_name_judge(&rules, &s, "358401234567.operator.example", label), FA_NAME_OWN);
    s.publish_name = false;
    assert_int_equal(fa_name_judge(&rules, &s, "matti-virtanen.operator.example", label), FA_NAME_UNLISTED);
    assert_int_equal(fa_name_judge(&own_only, &s, "matti.operator.example", label), FA_NAME_NOT_OWN);
    assert_true(fa_name_is_own(&s, "matti-virtanen"));
    assert_true(fa_name_is_own(&s, "358401234567"));
    assert_false(fa_name_is_own(&s, "matti-virtanen-2"));
}

static void test_candidates(void **state)
{
    static const char wanted[4][FA_NAME_MAX] = { "www.operator.example", "matti-virtanen.operator.example",
                                                 "mv.operator.example", "mv.operator.example" };
    struct fa_candidate out[FA_CANDIDATES_MAX];
    enum fa_name_verdict why = FA_NAME_OK;
    struct fa_subscriber s = matti();
    uint8_t counter = 0;
    struct env env = { .ctx = &counter, .random = random_octets };
    size_t n = fa_name_candidates(&rules, &s, wanted, 4, &env, out, &why);
    assert_int_equal(n, 2 + 8);
    assert_string_equal(out[0].label, "matti-virtanen");
    assert_true(out[0].own);
    assert_string_equal(out[1].label, "mv");
    assert_false(out[1].own);
    assert_string_equal(out[2].label, "matti-virtanen-2");
    assert_false(
        out[2].own); /* the data yield the bare name only: a numbered one must differ from all others */
    assert_string_equal(out[9].label, "matti-virtanen-9");

    assert_int_equal(fa_name_candidates(&rules, &s, wanted, 1, &env, out, &why), 0);
    assert_int_equal(why, FA_NAME_RESERVED);

    s.publish_number = true;
    static const char number[1][FA_NAME_MAX] = { "358401234567.operator.example" };
    assert_int_equal(fa_name_candidates(&rules, &s, number, 1, &env, out, &why),
                     1); /* nothing is appended to a number */

    n = fa_name_candidates(&rules, &s, NULL, 0, &env, out,
                           &why); /* none asked for: opaque, never the person's */
    assert_true(n >= 2);
    assert_int_equal(strncmp(out[0].label, "m-", 2), 0);
    assert_int_equal(strlen(out[0].label), 12);
    assert_string_not_equal(out[0].label, out[1].label);
}

static void test_wire(void **state)
{
    uint8_t wire[255];
    char text[FA_NAME_MAX];
    size_t n = fa_name_to_wire("a.operator.example", wire);
    assert_int_equal(n, 20);
    assert_int_equal(fa_name_from_wire(span_of(wire, n), text), ERR_OK);
    assert_string_equal(text, "a.operator.example");
    assert_int_equal(fa_name_from_wire(span_of(wire, n - 1), text), ERR_MALFORMED);
    assert_int_equal(fa_name_from_wire(span_of("\x01"
                                               "A\x00",
                                               3),
                                       text),
                     ERR_MALFORMED);
    assert_int_equal(fa_name_from_wire(span_of("\x03"
                                               "a.b\x00",
                                               5),
                                       text),
                     ERR_MALFORMED); /* a dot inside a label */
    assert_int_equal(fa_name_from_wire(span_of("\x00", 1), text), ERR_MALFORMED);
    assert_int_equal(fa_name_to_wire("", wire), 0);
    assert_int_equal(fa_name_to_wire("a..b", wire), 0);
    char longest[300];
    memset(longest, 'a', sizeof longest);
    for (size_t i = 49; i < 299; i += 50)
        longest[i] = '.';
    longest[253] = 0;
    assert_int_equal(fa_name_to_wire(longest, wire), 255);
    longest[253] = 'a';
    longest[254] = 0;
    assert_int_equal(fa_name_to_wire(longest, wire), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_skeleton),   cmocka_unit_test(test_person), cmocka_unit_test(test_judge),
        cmocka_unit_test(test_candidates), cmocka_unit_test(test_wire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
