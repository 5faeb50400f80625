/* SPDX-License-Identifier: Apache-2.0
 *
 * An R1 out of the pool is a copy: once a generation is made, an I1 is answered without memory from the heap and without a signature (RFC 7401 s6.7 step 1
 * wants R1s made ahead). Signatures take memory, in any library: no allocation means no signature. Allocations are counted by the sanitizer's
 * hook, or by a malloc() of this program's own where there is no sanitizer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/crypto/secret.h"
#include "hip/build.h"
#include "hip/param_core.h"
#include "hip/pkt.h"
#include "hip/r1pool.h"
#include "tests/sim/sim.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif

static volatile size_t allocations;

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));

static void on_malloc(const volatile void *p, size_t n)
{
    (void)p;
    (void)n;
    allocations++;
}

static void on_free(const volatile void *p)
{
    (void)p;
}

static void count_allocations(void)
{
    assert_int_not_equal(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free), 0);
}
#else
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t each);
extern void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
    allocations++;
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t each)
{
    allocations++;
    return __libc_calloc(n, each);
}

void *realloc(void *p, size_t n)
{
    allocations++;
    return __libc_realloc(p, n);
}

static void count_allocations(void)
{
}
#endif

static struct span i1_of(const struct hit *from, const struct hit *to, const struct hip_path *p, uint8_t *buf)
{
    struct hip_build b;
    struct span i1;
    hip_build_init(&b, buf, HIP_PACKET_MAX, HIP_PKT_I1, from, to, 0);
    hip_put_dh_groups(&b, &(struct hip_ids8){ .n = 2, .id = { 7, 8 } });
    assert_int_equal(hip_build_finish(&b, &p->peer, &p->local, &i1), ERR_OK);
    return i1;
}

/* Each kind of identity, each time for another Initiator at another address. */
static void from_the_pool(void **state)
{
    static const int keys[] = { 0, 4, 5 }; /* ECDSA P-256, P-384; RSA */
    static struct hip_actions out;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct hip_config c = sim_config();
        struct sim *s = sim_new(1);
        struct sim_host *fa = sim_host(s, "fa", &c, keys[i], "198.51.100.1");
        struct sim_host *mn = sim_host(s, "mn", &c, 1, "192.0.2.1");
        struct hip_path p = sim_path(fa, mn);
        struct hit from = *sim_hit(mn);
        uint8_t buf[HIP_PACKET_MAX];
        size_t before = 0;
        for (int n = 0; n < 100; n++) {
            from.b[15] = p.peer.ip[3] = (uint8_t)(n + 1);
            struct span i1 = i1_of(&from, sim_hit(fa), &p, buf);
            hip_actions_reset(&out);
            before = allocations;
            assert_int_equal(hip_input(fa->e, &p, i1, s->now, &out), HIP_TAKEN);
            if (n == 0) {
                assert_true(allocations > before); /* the generation is made: the counter counts */
                continue;
            }
            assert_int_equal(allocations, before);
            assert_int_equal(out.n, 1);
            assert_int_equal(out.v[0].send.octets.p[2] & 0x7f, HIP_PKT_R1);
        }
        sim_free(s);
    }
}

/* Solutions number first to last - 1 of one Initiator's R1, all of them right (K is 0). The error of the last one. */
static err use_up(struct hip_r1pool *p, const struct hip_r1_client *c, uint64_t counter,
                  const struct hip_puzzle *z, unsigned first, unsigned last)
{
    struct hip_r1_match m;
    err e = ERR_OK;
    for (unsigned n = first; n < last; n++) {
        uint8_t j[HIP_RHASH_MAX] = { (uint8_t)(n >> 8), (uint8_t)n };
        struct hip_solution s = { .k = z->k, .opaque = z->opaque, .i = z->i, .j = span_of(j, z->i.n) };
        assert_int_equal(e, ERR_OK);
        assert_int_equal(hip_r1pool_check(p, c, counter, &s, &m), HIP_TAKEN);
        e = hip_r1pool_use(p, &m);
    }
    return e;
}

/* Many hosts at once: new R1s are of another generation before this one can serve no more, so that none is left with an R1 that is good for nothing. */
static void a_generation_in_time(void **state)
{
    struct sim *s = sim_new(1);
    struct hip_config c = sim_config();
    c.env = &s->env;
    c.puzzle_k = 0;
    c.r1_life_us = 120000000;
    c.hit_suites[0] = 1;
    const struct hip_r1_variant v = { .group = 7 };
    struct hip_r1_client who = { .hit = { .b = { 0x20, 1, 0, 0x21, 5 } },
                                 .ip = addr_v4(1),
                                 .local = addr_v4(2) };
    struct hip_hi hi;
    struct hip_pkt pkt;
    struct hip_puzzle z;
    uint8_t r1[HIP_PACKET_MAX];
    size_t n;
    (void)state;
    assert_int_equal(hip_hi_generate(SIG_ECDSA_P256, 0, &hi), ERR_OK);
    struct hip_r1pool *p = hip_r1pool_new(&hi, &c, 0);
    assert_int_equal(hip_r1pool_write(p, &who, &v, NULL, 1000, r1, &n), ERR_OK);
    assert_int_equal(hip_pkt_parse(span_of(r1, n), &pkt), HIP_TAKEN);
    assert_int_equal(hip_get_puzzle(hip_pkt_span(&pkt, HIP_PAR_PUZZLE), hi.rhash, &z), ERR_OK);
    uint8_t i[HIP_RHASH_MAX];
    memcpy(i, z.i.p, z.i.n);
    z.i.p = i;
    uint64_t old = hip_r1pool_counter(p);
    assert_int_equal(use_up(p, &who, old, &z, 0, HIP_R1_SOLUTIONS_NEW - 1), ERR_OK);
    assert_int_equal(hip_r1pool_write(p, &who, &v, NULL, 2000, r1, &n), ERR_OK);
    assert_int_equal(hip_r1pool_counter(p), old);
    assert_int_equal(use_up(p, &who, old, &z, HIP_R1_SOLUTIONS_NEW - 1, HIP_R1_SOLUTIONS_NEW), ERR_OK);
    assert_int_equal(hip_r1pool_write(p, &who, &v, NULL, 3000, r1, &n), ERR_OK);
    assert_int_equal(hip_r1pool_counter(p), old + 1);
    assert_int_equal(use_up(p, &who, old, &z, HIP_R1_SOLUTIONS_NEW, HIP_R1_SOLUTIONS_MAX), ERR_OK);
    assert_int_equal(use_up(p, &who, old, &z, HIP_R1_SOLUTIONS_MAX, HIP_R1_SOLUTIONS_MAX + 1), ERR_FULL);
    hip_r1pool_free(p);
    hip_hi_done(&hi);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest t[] = { cmocka_unit_test(from_the_pool), cmocka_unit_test(a_generation_in_time) };
    if (crypto_init() != ERR_OK)
        return 1;
    count_allocations();
    return cmocka_run_group_tests_name("hip_r1", t, NULL, NULL);
}
