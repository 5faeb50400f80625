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

int main(void)
{
    const struct CMUnitTest t[] = { cmocka_unit_test(from_the_pool) };
    if (crypto_init() != ERR_OK)
        return 1;
    count_allocations();
    return cmocka_run_group_tests_name("hip_r1", t, NULL, NULL);
}
