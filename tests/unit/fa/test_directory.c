/* SPDX-License-Identifier: Apache-2.0
 * The directory of registrations: what a worker writes any other one reads, whole. Built with -fsanitize=thread as well
 * (tests/lint/tsan.py), and with the flow table under the same load. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <pthread.h>
#include <stdatomic.h>

#include <cmocka.h>

#include "common/crypto/secret.h"
#include "fa/core/directory.h"
#include "fa/core/locks.h"
#include "fa/core/relay.h"
#include "hip/drop.h"

#define S UINT64_C(1000000)

static const uint8_t seed[16] = { 7 };

static struct hit hit_of(uint32_t i)
{
    struct hit h = { .b = { 0x20, 0x01, 0, 0x20 } };
    memcpy(h.b + 12, &i, sizeof i);
    return h;
}

/* Every field follows from the number and the version, so that a torn copy shows. */
static struct fa_dir_entry entry(uint32_t i, uint32_t version, uint16_t owner)
{
    struct fa_dir_entry e = { .hit = hit_of(i),
                              .expires_us = 1000 * S + version,
                              .owner = owner,
                              .kinds = (uint8_t)version,
                              .rhash = (uint8_t)(version >> 8),
                              .key_len = version % 2 ? 32 : FA_DIR_KEY_MAX };
    e.local = addr_v4(0xc0000201);
    e.local.port = (uint16_t)version;
    e.peer = addr_v4(version);
    e.peer.port = (uint16_t)(version + 1);
    memset(e.key, (int)(version & 0xff), e.key_len);
    return e;
}

static bool whole(const struct fa_dir_entry *e, uint32_t i)
{
    uint32_t version = (uint32_t)(e->expires_us - 1000 * S);
    struct fa_dir_entry want = entry(i, version, e->owner);
    return hit_eq(&e->hit, &want.hit) && addr_eq(&e->local, &want.local) && addr_eq(&e->peer, &want.peer) &&
           e->kinds == want.kinds && e->rhash == want.rhash && e->key_len == want.key_len &&
           memcmp(e->key, want.key, sizeof e->key) == 0;
}

static void one(void **state)
{
    struct fa_directory *d = fa_directory_new(4, 2, seed);
    struct fa_dir_entry e = entry(1, 77, 0), got;
    assert_false(fa_directory_find(d, &e.hit, 0, &got));
    assert_int_equal(fa_directory_put(d, &e), ERR_OK);
    assert_true(fa_directory_find(d, &e.hit, 0, &got));
    assert_true(whole(&got, 1));
    assert_int_equal(got.owner, 0);
    e = entry(1, 78, 0);
    assert_int_equal(fa_directory_put(d, &e), ERR_OK); /* in place */
    e = entry(2, 5, 0);
    assert_int_equal(fa_directory_put(d, &e), ERR_OK);
    e = entry(3, 5, 0);
    assert_int_equal(fa_directory_put(d, &e), ERR_FULL); /* worker 0's two are used */
    e.owner = 1;
    assert_int_equal(fa_directory_put(d, &e), ERR_OK);
    e.owner = 2;
    assert_int_equal(fa_directory_put(d, &e), ERR_RANGE);
    assert_true(fa_directory_find(d, &e.hit, 1000 * S + 4, &got));
    assert_false(fa_directory_find(d, &e.hit, 1000 * S + 5, &got)); /* its time is over */
    fa_directory_del(d, 0, &e.hit);                                 /* not worker 0's */
    assert_true(fa_directory_find(d, &e.hit, 0, &got));
    fa_directory_del(d, 1, &e.hit);
    assert_false(fa_directory_find(d, &e.hit, 0, &got));
    fa_directory_del(d, 1, &e.hit);
    assert_int_equal(fa_directory_put(d, &(struct fa_dir_entry){ .hit = e.hit, .owner = 1 }), ERR_RANGE);
    struct fa_dir_entry six = entry(9, 3, 1);
    assert_int_equal(addr_parse("[2001:db8::9]:10500", &six.peer), ERR_OK);
    assert_int_equal(fa_directory_put(d, &six), ERR_OK);
    assert_true(fa_directory_find(d, &six.hit, 0, &got));
    assert_true(addr_eq(&got.peer, &six.peer));
    fa_directory_free(d);
}

/* Full to the last slot, every entry is found, and gone when it was taken out. */
static void many(void **state)
{
    const uint32_t n = 50000;
    struct fa_directory *d = fa_directory_new(n, 2, seed);
    struct fa_dir_entry e, got;
    assert_true(fa_directory_entry_octets(d) <= 300);
    for (uint32_t i = 0; i < n; i++) {
        e = entry(i, i, (uint16_t)(i % 2));
        assert_int_equal(fa_directory_put(d, &e), ERR_OK);
    }
    for (uint32_t i = 0; i < n; i++) {
        struct hit h = hit_of(i);
        assert_true(fa_directory_find(d, &h, 0, &got) && whole(&got, i));
    }
    for (uint32_t i = 0; i < n; i += 2) {
        struct hit h = hit_of(i);
        fa_directory_del(d, 0, &h);
    }
    for (uint32_t i = 0; i < n; i++) {
        struct hit h = hit_of(i);
        assert_int_equal(fa_directory_find(d, &h, 0, &got), i % 2);
    }
    fa_directory_free(d);
}

/* ---- two writers, two readers ---- */

#define ENTRIES 64
#ifndef ROUNDS
#define ROUNDS 3000
#endif

struct shared {
    struct fa_directory *d;
    struct fa_flows *t;
    _Atomic unsigned writers;
    _Atomic size_t seen, torn, relayed;
};

struct side {
    struct shared *s;
    uint16_t me;
};

static struct fa_flow flow_of(uint32_t i, uint32_t gen)
{
    struct addr client = addr_v4(0x0a000000 + i), local = addr_v4(0xc0000201), relayed = local,
                peer = addr_v4(0x0b000000 + i);
    client.port = 4500, local.port = 10500, relayed.port = (uint16_t)(20000 + i), peer.port = 777;
    return (struct fa_flow){ .hit = hit_of(i),
                             .client = fa_end_of(&client),
                             .local = fa_end_of(&local),
                             .relayed = fa_end_of(&relayed),
                             .peer = fa_end_of(&peer),
                             .spi_out = 0x1000 + i,
                             .spi_in = 0x2000 + i,
                             .expires_us = 1000 * S,
                             .owner = i,
                             .owner_gen = gen };
}

static void *writer(void *arg)
{
    struct side *w = arg;
    for (uint32_t round = 1; round <= ROUNDS; round++)
        for (uint32_t i = w->me; i < ENTRIES; i += 2) {
            struct fa_dir_entry e = entry(i, round, w->me);
            uint32_t slot = w->me * ENTRIES / 2 + i / 2;
            if (round % 5 == i % 5) {
                fa_directory_del(w->s->d, w->me, &e.hit);
                fa_flows_del(w->s->t, slot);
                fa_flows_port_set(w->s->t, (uint16_t)(20000 + i), FA_FLOW_NONE);
                fa_flows_client_del(w->s->t, i);
                continue;
            }
            assert_int_equal(fa_directory_put(w->s->d, &e), ERR_OK);
            struct fa_flow f;
            if (fa_flows_get(w->s->t, slot, &f)) {
                fa_flows_refresh(w->s->t, slot, 1000 * S + round);
            } else {
                f = flow_of(i, fa_flows_client_put(w->s->t, i, &e.hit));
                fa_flows_port_set(w->s->t, (uint16_t)(20000 + i), i);
                assert_int_equal(fa_flows_put(w->s->t, slot, &f), ERR_OK);
            }
        }
    atomic_fetch_sub(&w->s->writers, 1);
    return NULL;
}

static void look(struct shared *s, uint32_t i)
{
    struct fa_dir_entry e;
    struct hit h = hit_of(i);
    if (fa_directory_find(s->d, &h, 0, &e)) {
        atomic_fetch_add(&s->seen, 1);
        if (!whole(&e, i) || e.owner != i % 2)
            atomic_fetch_add(&s->torn, 1);
    }
    struct fa_relay_in in = {
        .local = addr_v4(0xc0000201), .from = addr_v4(0x0a000000 + i), .spi = 0x1000 + i, .len = 100
    };
    struct fa_relay_out out;
    in.local.port = 10500, in.from.port = 4500;
    if (fa_relay_esp(s->t, &in, S, &out) == HIP_TAKEN) {
        struct addr peer = addr_v4(0x0b000000 + i);
        peer.port = 777;
        atomic_fetch_add(&s->relayed, 1);
        if (!addr_eq(&out.to, &peer) || out.local.port != 20000 + i)
            atomic_fetch_add(&s->torn, 1);
    }
}

static void *reader(void *arg)
{
    struct side *r = arg;
    for (uint32_t i = r->me; atomic_load(&r->s->writers) > 0; i++)
        look(r->s, i % ENTRIES);
    return NULL;
}

static void stress(void **state)
{
    struct shared s = { .d = fa_directory_new(2 * ENTRIES, 2, seed), .writers = 2 };
    s.t = fa_flows_new(&(struct fa_flows_config){
        .flows = 2 * ENTRIES, .clients = ENTRIES, .client_bit_s = 1000000000, .total_bit_s = 100000000000 });
    struct side side[4] = { { &s, 0 }, { &s, 1 }, { &s, 0 }, { &s, 1 } };
    pthread_t t[4];
    assert_non_null(s.d);
    assert_non_null(s.t);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, i < 2 ? writer : reader, &side[i]), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(t[i], NULL), 0);
    assert_int_equal(s.torn, 0);
    assert_true(s.seen > 0 && s.relayed > 0);
    fa_directory_free(s.d);
    fa_flows_free(s.t);
}

/* ---- locks of subscribers ---- */

static void locks(void **state)
{
    static struct fa_locks l;
    char other[16] = "s0";
    assert_true(fa_locks_try(&l, "alice", 0));
    assert_true(fa_locks_try(&l, "alice", 0)); /* the engine sees to its own order */
    assert_false(fa_locks_try(&l, "alice", 1));
    fa_locks_drop(&l, "alice", 1); /* not its own: nothing */
    fa_locks_drop(&l, "alice", 0);
    assert_false(fa_locks_try(&l, "alice", 1));
    fa_locks_drop(&l, "alice", 0);
    assert_true(fa_locks_try(&l, "alice", 1));
    for (int i = 0; i < 10; i++) { /* somebody else is not held up, but for one in a thousand */
        snprintf(other, sizeof other, "s%d", i);
        if (fa_locks_try(&l, other, 0))
            return;
    }
    fail();
}

struct counter {
    struct fa_locks l;
    _Atomic unsigned inside, clashes;
    unsigned long n; /* under the lock only */
};

struct counting {
    struct counter *c;
    uint32_t me;
};

static void *count(void *arg)
{
    struct counting *k = arg;
    for (unsigned i = 0; i < 20000;) {
        if (!fa_locks_try(&k->c->l, "bob", k->me))
            continue;
        if (atomic_fetch_add(&k->c->inside, 1))
            atomic_fetch_add(&k->c->clashes, 1);
        k->c->n++;
        i++;
        atomic_fetch_sub(&k->c->inside, 1);
        fa_locks_drop(&k->c->l, "bob", k->me);
    }
    return NULL;
}

static void locks_race(void **state)
{
    static struct counter c;
    struct counting k[2] = { { &c, 0 }, { &c, 1 } };
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, count, &k[0]), 0);
    count(&k[1]);
    assert_int_equal(pthread_join(t, NULL), 0);
    assert_int_equal(c.clashes, 0);
    assert_int_equal(c.n, 40000);
}

static int setup(void **state)
{
    return crypto_init() != ERR_OK;
}

int main(void)
{
    const struct CMUnitTest t[] = { cmocka_unit_test(one), cmocka_unit_test(many), cmocka_unit_test(stress),
                                    cmocka_unit_test(locks), cmocka_unit_test(locks_race) };
    return cmocka_run_group_tests(t, setup, NULL);
}
