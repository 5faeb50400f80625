/* SPDX-License-Identifier: Apache-2.0
 * htab, siphash, heap, limiter: each against a plain model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/heap.h"
#include "common/base/htab.h"
#include "common/base/limiter.h"

static uint32_t rnd(uint32_t *s)
{
    *s = *s * 1664525u + 1013904223u;
    return *s >> 8;
}

/* The test value of the SipHash paper, appendix A, and neighbours from the reference implementation's table. */
static void siphash_vectors(void **st)
{
    uint8_t key[16], in[64];
    for (uint8_t i = 0; i < 64; i++)
        in[i] = i;
    memcpy(key, in, 16);
    assert_true(siphash24(key, span_of(in, 0)) == 0x726fdb47dd0e0e31);
    assert_true(siphash24(key, span_of(in, 1)) == 0x74f839c593dc67fd);
    assert_true(siphash24(key, span_of(in, 8)) == 0x93f5f5799a932462);
    assert_true(siphash24(key, span_of(in, 15)) == 0xa129ca6149be45e5);
    assert_true(siphash24(key, span_of(in, 63)) == 0x958a324ceb064572);
}

#define KEYS 200
static void table_against_model(void **st)
{
    static int value[KEYS];
    bool in[KEYS] = { 0 };
    uint8_t seed[16] = { 9 };
    size_t count = 0, cap = 150;
    uint32_t s = 12345;
    struct htab *t = htab_new(cap, 4, seed);
    assert_non_null(t);
    for (int step = 0; step < 20000; step++) {
        uint32_t k = rnd(&s) % KEYS;
        if (rnd(&s) % 2) {
            err want = in[k] ? ERR_EXISTS : count == cap ? ERR_FULL : ERR_OK;
            assert_int_equal(htab_put(t, &k, &value[k]), want);
            if (want == ERR_OK) {
                in[k] = true;
                count++;
            }
        } else {
            assert_ptr_equal(htab_del(t, &k), in[k] ? &value[k] : NULL);
            count -= in[k];
            in[k] = false;
        }
        uint32_t q = rnd(&s) % KEYS;
        assert_ptr_equal(htab_get(t, &q), in[q] ? &value[q] : NULL);
        assert_int_equal(htab_count(t), count);
    }
    size_t pos = 0, seen = 0;
    for (int *v; (v = htab_next(t, &pos)); seen++)
        assert_true(in[v - value]);
    assert_int_equal(seen, count);
    htab_free(t);
    htab_free(NULL);
}

static void table_limits(void **st)
{
    uint8_t seed[16] = { 0 }, k[64] = { 1 };
    assert_null(htab_new(10, 0, seed));
    assert_null(htab_new(10, 65, seed));
    assert_null(htab_new(SIZE_MAX, 8, seed));
    struct htab *t = htab_new(1, 64, seed);
    int v;
    assert_int_equal(htab_put(t, k, &v), ERR_OK);
    k[63] = 1;
    assert_null(htab_get(t, k));
    assert_int_equal(htab_put(t, k, &v), ERR_FULL);
    htab_free(t);
    t = htab_new(0, 8, seed);
    assert_int_equal(htab_put(t, k, &v), ERR_FULL);
    htab_free(t);
}

#define NODES 64
static void heap_against_model(void **st)
{
    struct heap h;
    struct heap_node n[NODES] = { 0 };
    uint64_t at[NODES];
    uint32_t s = 99;
    for (int i = 0; i < NODES; i++)
        at[i] = HEAP_NEVER;
    assert_int_equal(heap_init(&h, NODES), ERR_OK);
    for (int step = 0; step < 20000; step++) {
        uint32_t i = rnd(&s) % NODES;
        switch (rnd(&s) % 4) {
        case 0:
            heap_remove(&h, &n[i]);
            at[i] = HEAP_NEVER;
            break;
        case 1:
            assert_int_equal(heap_set(&h, &n[i], HEAP_NEVER), ERR_OK);
            at[i] = HEAP_NEVER;
            break;
        default:
            at[i] = rnd(&s) % 1000;
            assert_int_equal(heap_set(&h, &n[i], at[i]), ERR_OK);
        }
        uint64_t min = HEAP_NEVER;
        for (int j = 0; j < NODES; j++)
            min = at[j] < min ? at[j] : min;
        assert_true(heap_deadline(&h) == min);
    }
    heap_done(&h);
    assert_int_equal(n[0].pos, 0);
}

static void heap_full(void **st)
{
    struct heap h;
    struct heap_node a = { 0 }, b = { 0 };
    assert_int_equal(heap_init(&h, 1), ERR_OK);
    assert_null(heap_min(&h));
    assert_true(heap_deadline(&h) == HEAP_NEVER);
    assert_int_equal(heap_set(&h, &a, 5), ERR_OK);
    assert_int_equal(heap_set(&h, &b, 4), ERR_FULL);
    assert_int_equal(heap_set(&h, &a, 7), ERR_OK); /* moving needs no room */
    assert_ptr_equal(heap_min(&h), &a);
    heap_remove(&h, &b);
    heap_done(&h);
}

static void bucket_refills(void **st)
{
    struct bucket_rate r = { .per_second_milli = 2000, .burst = 3 };
    struct bucket b;
    bucket_init(&b, &r, 1000);
    for (int i = 0; i < 3; i++)
        assert_true(bucket_take(&b, &r, 1, 1000));
    assert_false(bucket_take(&b, &r, 1, 1000));
    assert_false(bucket_take(&b, &r, 1, 1000 + 499999));
    assert_true(bucket_take(&b, &r, 1, 1000 + 500000));
    assert_false(bucket_take(&b, &r, 1, 0));         /* a clock that goes back gives nothing */
    assert_true(bucket_take(&b, &r, 3, UINT64_MAX)); /* never more than the burst */
    assert_false(bucket_take(&b, &r, 1, UINT64_MAX));
}

/* 10 a minute, asked every 7 us: the remainders of the divisions must not be lost. */
static void bucket_slow_rate(void **st)
{
    struct bucket_rate r = { .per_second_milli = 167, .burst = 1 };
    struct bucket b;
    bucket_init(&b, &r, 0);
    int got = 0;
    for (uint64_t t = 0; t < 30000000; t += 7)
        got += bucket_take(&b, &r, 1, t);
    assert_int_equal(got, 6); /* one at once, then one each 5.99 s */
    struct bucket_rate never = { .per_second_milli = 0, .burst = 1 };
    bucket_init(&b, &never, 0);
    assert_true(bucket_take(&b, &never, 1, 1));
    assert_false(bucket_take(&b, &never, 1, UINT64_MAX));
}

static struct addr A(const char *text) {
    struct addr a = { 0 };
    if (addr_parse(text, &a) != ERR_OK)
        fail();
    return a;
}

static void
limiter_by_source(void **st)
{
    uint8_t seed[16] = { 1 };
    struct bucket_rate r = { .per_second_milli = 1, .burst = 2 };
    struct limiter *l = limiter_new(2, r, seed);
    struct addr a = A("192.0.2.1:7"), a2 = A("::ffff:192.0.2.1"), b = A("2001:db8::1"),
                b2 = A("2001:db8::ffff:0:1"), c = A("2001:db8:0:1::1");
    assert_true(limiter_take(l, &a, 0));
    assert_true(limiter_take(l, &a2, 0)); /* the same IPv4 host */
    assert_false(limiter_take(l, &a, 0));
    assert_true(limiter_take(l, &b, 0));
    assert_true(limiter_take(l, &b2, 0)); /* the same /64 */
    assert_false(limiter_take(l, &b, 0));
    assert_false(limiter_take(l, &a, 0)); /* now b is the one longest unused */
    assert_true(limiter_take(l, &c, 0));  /* takes b's place */
    assert_false(limiter_take(l, &a, 0)); /* a was kept */
    assert_true(limiter_take(l, &b, 0));  /* b was forgotten */
    limiter_free(l);
    limiter_free(NULL);
    assert_null(limiter_new(0, r, seed));
    struct addr s = limiter_source(&b2), want = A("2001:db8::");
    assert_true(addr_eq(&s, &want));
}

static void limiter_by_hash(void **st)
{
    uint8_t seed[16] = { 2 };
    struct bucket_rate r = { .per_second_milli = 1000, .burst = 2 };
    struct limiter *l = limiter_new(2, r, seed);
    for (uint64_t hash = 0; hash < 2; hash++) {
        assert_true(limiter_take_hash(l, hash, 0));
        assert_true(limiter_take_hash(l, hash, 0));
        assert_false(limiter_take_hash(l, hash, 0));
    }
    limiter_forget_hash(l, 7); /* not known */
    limiter_forget_hash(l, 1);
    assert_false(limiter_take_hash(l, 0, 0));
    assert_true(limiter_take_hash(l, 1, 0)); /* full again, and no more than full */
    assert_true(limiter_take_hash(l, 1, 0));
    assert_false(limiter_take_hash(l, 1, 0));
    assert_true(limiter_take_hash(l, 0, 1000000));
    assert_false(limiter_take_hash(l, 0, 1000000));
    limiter_free(l);
}

int main(void)
{
    const struct CMUnitTest t[] = {
        cmocka_unit_test(siphash_vectors),  cmocka_unit_test(table_against_model),
        cmocka_unit_test(table_limits),     cmocka_unit_test(heap_against_model),
        cmocka_unit_test(heap_full),        cmocka_unit_test(bucket_refills),
        cmocka_unit_test(bucket_slow_rate), cmocka_unit_test(limiter_by_source),
        cmocka_unit_test(limiter_by_hash),
    };
    return cmocka_run_group_tests(t, NULL, NULL);
}
