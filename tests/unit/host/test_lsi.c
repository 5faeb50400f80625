/* SPDX-License-Identifier: Apache-2.0
 * Local Scope Identifiers: given once, the same after a restart, nobody else's; a full table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host/lsi.h"

static struct hit peer(unsigned n)
{
    return (struct hit){ { 0x20, 0x01, 0x00, 0x22, [14] = (uint8_t)(n >> 8), [15] = (uint8_t)n } };
}

static struct host_lsis *table(unsigned bits, uint8_t key)
{
    struct host_lsi_conf c = {
        .prefix = addr_v4(0xc6130000), .bits = bits, .key = { key }, .seed = { { 1 }, { 2 } }
    };
    struct host_lsis *t = host_lsis_new(&c);

    assert_non_null(t);
    return t;
}

static struct addr give(struct host_lsis *t, unsigned n, uint64_t now)
{
    struct hit h = peer(n);
    struct addr a;

    assert_int_equal(host_lsi_give(t, &h, now, &a), ERR_OK);
    return a;
}

static void both_ways(void **state)
{
    struct host_lsis *t = table(16, 1), *again = table(16, 1), *other = table(16, 2);
    struct addr own = host_lsi_own(t), none;
    struct hit h;
    unsigned differ = 0;

    assert_true(addr_same_ip(&own, &(struct addr){ .family = ADDR_V4, .ip = { 198, 19, 0, 1 } }));
    h = peer(1);
    assert_false(host_lsi_find(t, &h, &none));
    assert_int_equal(host_lsi_count(t), 0); /* looking gives none */
    for (unsigned i = 0; i < 100; i++) {
        struct addr a = give(t, i, 1), b = give(t, i, 2), found;
        assert_true(addr_eq(&a, &b));
        assert_true(host_lsi_in(t, &a) && !addr_same_ip(&a, &own));
        assert_true(host_lsi_hit(t, &a, 3, &h));
        assert_true(hit_eq(&h, &(struct hit){ { 0x20, 0x01, 0x00, 0x22, [15] = (uint8_t)i } }));
        assert_true(host_lsi_find(t, &h, &found) && addr_eq(&found, &a));
        /* Another life of the daemon with the same key; another host. */
        b = give(again, i, 1);
        assert_true(addr_eq(&a, &b));
        b = give(other, i, 1);
        differ += !addr_eq(&a, &b);
    }
    assert_true(differ > 90);
    assert_false(host_lsi_hit(t, &own, 1, &h));
    none = addr_v4(0xc6130000);
    assert_false(host_lsi_hit(t, &none, 1, &h));
    none = addr_v4(0xc6140001);
    assert_false(host_lsi_in(t, &none));
    none = (struct addr){ .family = ADDR_V6 };
    assert_false(host_lsi_hit(t, &none, 1, &h));
    host_lsis_free(t);
    host_lsis_free(again);
    host_lsis_free(other);
}

/* In the smallest prefix many draws meet: each still has one of its own, never the network's, ours or the broadcast address. */
static void draws_meet(void **state)
{
    static bool seen[4096];
    struct host_lsis *t = table(20, 1);

    memset(seen, 0, sizeof(seen));
    seen[0] = seen[1] = seen[4095] = true;
    for (unsigned i = 0; i < HOST_LSI_MAX; i++) {
        struct addr a = give(t, i, 1);
        unsigned n = (unsigned)(a.ip[2] << 8 | a.ip[3]);
        assert_true(n < 4096 && !seen[n]);
        seen[n] = true;
    }
    host_lsis_free(t);
}

/* What was used lately stays; the one that was not for longest goes. */
static void full(void **state)
{
    struct host_lsis *t = table(16, 1);
    struct addr first, a;
    struct hit h;

    first = give(t, 0, 10);
    for (unsigned i = 1; i < HOST_LSI_MAX; i++)
        (void)give(t, i, 20 + i);
    h = peer(5000);
    assert_int_equal(host_lsi_give(t, &h, 10 + HOST_LSI_KEEP_US - 1, &a), ERR_FULL);
    assert_int_equal(host_lsi_count(t), HOST_LSI_MAX);
    assert_true(host_lsi_hit(t, &first, 0, &h)); /* no use of it */
    (void)give(t, 5000, 10 + HOST_LSI_KEEP_US);
    assert_false(host_lsi_hit(t, &first, 1, &h));
    assert_int_equal(host_lsi_count(t), HOST_LSI_MAX);
    /* A packet to the next one keeps it: the one after it goes. */
    h = peer(1);
    assert_true(host_lsi_find(t, &h, &first));
    assert_true(host_lsi_hit(t, &first, 22 + HOST_LSI_KEEP_US, &h));
    (void)give(t, 5001, 22 + HOST_LSI_KEEP_US);
    assert_true(host_lsi_hit(t, &first, 0, &h));
    h = peer(2);
    assert_false(host_lsi_find(t, &h, &a));
    host_lsis_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways),
        cmocka_unit_test(draws_meet),
        cmocka_unit_test(full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
