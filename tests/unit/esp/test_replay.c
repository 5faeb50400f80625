/* SPDX-License-Identifier: Apache-2.0
 * The anti-replay window: RFC 4303 s3.4.3 and appendix A2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hip/esp/replay.h"

static struct esp_replay window_at(uint64_t top)
{
    struct esp_replay w;
    esp_replay_init(&w, top);
    return w;
}

static void take(struct esp_replay *w, uint64_t seq)
{
    uint64_t got;
    assert_int_equal(esp_replay_infer(w, (uint32_t)seq, &got), ERR_OK);
    assert_true(got == seq);
    assert_int_equal(esp_replay_check(w, seq), ERR_OK);
    esp_replay_mark(w, seq);
}

static void test_order(void **state)
{
    struct esp_replay w = window_at(0);
    for (uint64_t s = 1; s < 5000; s++) {
        take(&w, s);
        assert_int_equal(esp_replay_check(&w, s), ERR_REPLAY);
    }
    assert_int_equal(esp_replay_check(&w, 0), ERR_REPLAY);
}

static void test_reordering(void **state)
{
    struct esp_replay w = window_at(0);
    /* every block of 512 backwards */
    for (uint64_t b = 0; b < 20; b++) {
        for (uint64_t i = 512; i > 0; i--)
            take(&w, b * 512 + i);
        for (uint64_t i = 1; i <= 512; i++)
            assert_int_equal(esp_replay_check(&w, b * 512 + i), ERR_REPLAY);
    }
}

static void test_left_edge(void **state)
{
    struct esp_replay w = window_at(0);
    take(&w, 3000);
    assert_int_equal(esp_replay_check(&w, 3000 - ESP_WINDOW + 1), ERR_OK);
    assert_int_equal(esp_replay_check(&w, 3000 - ESP_WINDOW), ERR_REPLAY);
    take(&w, 3000 - ESP_WINDOW + 1);
    assert_int_equal(esp_replay_check(&w, 3000 - ESP_WINDOW + 1), ERR_REPLAY);
}

static void test_jump_clears(void **state)
{
    struct esp_replay w = window_at(0);
    uint64_t far = UINT64_C(1) << 40 | 5;
    for (uint64_t s = 1; s <= 2000; s++)
        take(&w, s);
    esp_replay_mark(&w, far);
    for (uint64_t s = far - ESP_WINDOW + 1; s < far; s++) /* nothing of the old ring is left */
        assert_int_equal(esp_replay_check(&w, s), ERR_OK);
    assert_int_equal(esp_replay_check(&w, far), ERR_REPLAY);
}

static void test_jump_leaves_holes(void **state)
{
    static const uint64_t jumps[] = { 1, 63, 64, 65, 1023, 1024, 1025, 1087, 1088, 1089, 5000 };
    for (size_t j = 0; j < sizeof jumps / sizeof jumps[0]; j++) {
        struct esp_replay w = window_at(0);
        uint64_t top = 2000 + jumps[j];
        for (uint64_t s = 1; s <= 2000; s++)
            take(&w, s);
        take(&w, top);
        for (uint64_t s = top - ESP_WINDOW + 1; s < top; s++)
            assert_int_equal(esp_replay_check(&w, s), s <= 2000 ? ERR_REPLAY : ERR_OK);
    }
}

static void test_wrap_of_low_half(void **state)
{
    struct esp_replay w = window_at(0xfffffff0);
    for (uint64_t s = 0xfffffff1; s < UINT64_C(0x100000020); s += 2)
        take(&w, s);
    /* the ones left out, from before the wrap: the high half goes back */
    for (uint64_t s = 0xfffffff2; s < UINT64_C(0x100000020); s += 2)
        take(&w, s);
    assert_true(w.top == UINT64_C(0x10000001f) || w.top == UINT64_C(0x10000001e));
}

static void test_infer(void **state)
{
    static const struct {
        uint64_t top;
        uint32_t low;
        err e;
        uint64_t seq;
    } rows[] = {
        { 0, 0xffffffff, ERR_REPLAY, 0 },      /* before the first number */
        { 0, 0x7fffffff, ERR_OK, 0x7fffffff }, /* case B */
        { 5000, 4000, ERR_OK, 4000 },          /* case A, inside */
        { 5000, 5000 - ESP_WINDOW, ERR_OK,
          UINT64_C(0x100000000) + 5000 - ESP_WINDOW },                        /* behind: taken for the next */
        { UINT64_C(0x500000010), 0xfffffff0, ERR_OK, UINT64_C(0x4fffffff0) }, /* case B, one back */
        { UINT64_C(0x500000010), 0x11, ERR_OK, UINT64_C(0x500000011) },
        { UINT64_C(0xffffffff00005000), 0x10, ERR_REPLAY, 0 }, /* past the last number */
        { UINT64_C(0xffffffff00005000), 0x6000, ERR_OK, UINT64_C(0xffffffff00006000) },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct esp_replay w = window_at(rows[i].top);
        uint64_t seq = 0;
        assert_int_equal(esp_replay_infer(&w, rows[i].low, &seq), rows[i].e);
        if (!rows[i].e)
            assert_true(seq == rows[i].seq);
    }
}

static void test_start_counts_as_seen(void **state)
{
    struct esp_replay w = window_at(100);
    for (uint64_t s = 1; s <= 100; s++)
        assert_int_equal(esp_replay_check(&w, s), ERR_REPLAY);
    for (uint64_t s = 101; s < 1500; s++)
        take(&w, s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_reordering),
        cmocka_unit_test(test_left_edge),
        cmocka_unit_test(test_jump_clears),
        cmocka_unit_test(test_jump_leaves_holes),
        cmocka_unit_test(test_wrap_of_low_half),
        cmocka_unit_test(test_infer),
        cmocka_unit_test(test_start_counts_as_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
