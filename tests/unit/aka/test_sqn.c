/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aka/sqn.h"

static void test_coding(void **state)
{
    uint8_t b[6];
    sqn_put(0x0123456789abull, b);
    assert_int_equal(b[0], 0x01);
    assert_int_equal(b[5], 0xab);
    assert_int_equal(sqn_get(b), 0x0123456789abull);
    assert_int_equal(sqn_ind(0x3f), 0x1f);
    assert_int_equal(sqn_seq(0x3f), 1);
    assert_int_equal(sqn_make(1, 0x1f), 0x3f);
}

static void test_auc(void **state)
{
    uint64_t s = 0;
    assert_int_equal(sqn_next(0, 3, &s), ERR_OK);
    assert_int_equal(s, 1 << 5 | 3);
    assert_int_equal(sqn_next(s, 0, &s), ERR_OK); /* another asker: the SEQ still rises */
    assert_int_equal(s, 2 << 5);
    uint64_t last = sqn_make(SQN_SEQ_MAX - 1, 31);
    assert_int_equal(sqn_next(last, 1, &s), ERR_OK);
    assert_int_equal(sqn_next(s, 1, &s), ERR_RANGE);
    assert_int_equal(sqn_next(SQN_MAX + 1, 1, &s), ERR_RANGE);
}

static void test_fresh(void **state)
{
    struct sqn_usim u;
    sqn_usim_init(&u);
    assert_int_equal(sqn_usim_check(&u, 0), ERR_REPLAY); /* SEQ 0 is never fresh */
    uint64_t a = sqn_make(10, 1), b = sqn_make(9, 2);
    assert_int_equal(sqn_usim_check(&u, a), ERR_OK);
    assert_int_equal(sqn_usim_check(&u, a), ERR_OK); /* checking accepts nothing */
    sqn_usim_accept(&u, a);
    assert_int_equal(sqn_usim_check(&u, a), ERR_REPLAY); /* the same again */
    assert_int_equal(sqn_usim_check(&u, sqn_make(9, 1)), ERR_REPLAY);
    assert_int_equal(sqn_usim_check(&u, b), ERR_OK); /* older, but of another IND: out of order is fine */
    sqn_usim_accept(&u, b);
    assert_int_equal(sqn_usim_check(&u, b), ERR_REPLAY);
    assert_int_equal(sqn_usim_highest(&u), a);
}

static void test_delta(void **state)
{
    struct sqn_usim u;
    sqn_usim_init(&u);
    sqn_usim_accept(&u, sqn_make(100, 0));
    assert_int_equal(sqn_usim_check(&u, sqn_make(100 + SQN_DELTA_DEFAULT, 0)), ERR_OK);
    assert_int_equal(sqn_usim_check(&u, sqn_make(101 + SQN_DELTA_DEFAULT, 0)), ERR_REPLAY);
    assert_int_equal(sqn_usim_check(&u, sqn_make(101 + SQN_DELTA_DEFAULT, 7)), ERR_REPLAY);
    assert_int_equal(sqn_usim_check(&u, SQN_MAX + 33), ERR_REPLAY);
}

static void test_age(void **state)
{
    struct sqn_usim u;
    sqn_usim_init(&u);
    u.l = 32;
    sqn_usim_accept(&u, sqn_make(100, 0));
    assert_int_equal(sqn_usim_check(&u, sqn_make(69, 5)), ERR_OK);
    assert_int_equal(sqn_usim_check(&u, sqn_make(68, 5)), ERR_REPLAY);
}

/* After AUTS: what the AuC makes from SQN_MS is fresh on the card, for every IND. */
static void test_resync(void **state)
{
    struct sqn_usim u;
    sqn_usim_init(&u);
    for (unsigned i = 0; i < SQN_IND_COUNT; i++)
        sqn_usim_accept(&u, sqn_make(1000 + i, (i * 7) % SQN_IND_COUNT));
    for (unsigned i = 0; i < SQN_IND_COUNT; i++) {
        uint64_t s = 0;
        assert_int_equal(sqn_next(sqn_usim_highest(&u), i, &s), ERR_OK);
        assert_int_equal(sqn_usim_check(&u, s), ERR_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_coding), cmocka_unit_test(test_auc),
                                        cmocka_unit_test(test_fresh),  cmocka_unit_test(test_delta),
                                        cmocka_unit_test(test_age),    cmocka_unit_test(test_resync) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
