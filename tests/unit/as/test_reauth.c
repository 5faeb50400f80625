/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of fast re-authentication: each context good once, for a while, and never more of them than there is room for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "as/reauth.h"
#include "common/crypto/secret.h"

#define S 1000000ull

static uint8_t fill;
static void counting(void *ctx, void *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = fill++;
}
static const struct env env = { .random = counting };
static const uint8_t seed[16] = { 7 };

static void put(struct reauth *t, uint16_t counter, uint64_t now, char name[REAUTH_NAME_LEN + 1])
{
    struct aka_reauth c = { .method = EAP_TYPE_AKA, .counter = counter, .imsi = "001010000000001" };
    reauth_name(t, &env, '4', name);
    assert_int_equal(strlen(name), REAUTH_NAME_LEN);
    assert_int_equal(name[0], '4');
    reauth_put(t, span_str(name), &c, now);
}

static void test_once(void **state)
{
    struct reauth *t = reauth_new(4, 60 * S, seed);
    struct aka_reauth c;
    char name[REAUTH_NAME_LEN + 1];
    put(t, 5, 0, name);
    assert_int_equal(reauth_count(t), 1);
    assert_false(reauth_take(t, span_str("4abc"), S, &c));
    assert_true(reauth_take(t, span_str(name), S, &c));
    assert_int_equal(c.counter, 5);
    assert_string_equal(c.imsi, "001010000000001");
    assert_false(reauth_take(t, span_str(name), S, &c));
    assert_int_equal(reauth_count(t), 0);
    reauth_put(t, span_str("short"), &c, S);
    assert_int_equal(reauth_count(t), 0);
    reauth_free(t);
}

static void test_life(void **state)
{
    struct reauth *t = reauth_new(4, 60 * S, seed);
    struct aka_reauth c;
    char a[REAUTH_NAME_LEN + 1], b[REAUTH_NAME_LEN + 1];
    put(t, 1, 0, a);
    put(t, 2, 10 * S, b);
    assert_false(reauth_take(t, span_str(a), 60 * S, &c));
    assert_int_equal(reauth_count(t), 1);
    assert_true(reauth_take(t, span_str(b), 70 * S - 1, &c));
    reauth_free(t);
}

static void test_full(void **state)
{
    struct reauth *t = reauth_new(3, 60 * S, seed);
    struct aka_reauth c;
    char name[5][REAUTH_NAME_LEN + 1];
    for (uint16_t i = 0; i < 5; i++)
        put(t, i, i * S, name[i]);
    assert_int_equal(reauth_count(t), 3);
    for (uint16_t i = 0; i < 5; i++)
        assert_int_equal(reauth_take(t, span_str(name[i]), 6 * S, &c), i >= 2);
    reauth_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_once), cmocka_unit_test(test_life),
                                        cmocka_unit_test(test_full) };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
