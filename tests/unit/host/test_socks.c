/* SPDX-License-Identifier: Apache-2.0
 * The host's UDP sockets on loopback: which port, what is HIP and what ESP, where a path's ports send a packet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/socks.h"

struct side {
    struct host_socks *s;
    struct hip_path path; /* of the last HIP packet */
    uint8_t hip[64], esp[64];
    struct beet_outer outer;
    size_t hip_len, esp_len;
    unsigned hips, esps;
};

static struct rt_loop *loop;
static struct env env;

static void fill(void *ctx, void *out, size_t n)
{
    static uint32_t v = 7;
    (void)ctx;
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = (uint8_t)((v = v * 1103515245u + 12345u) >> 16);
}

static void on_hip(void *ctx, const struct hip_path *path, struct span o)
{
    struct side *s = ctx;
    s->path = *path;
    memcpy(s->hip, o.p, s->hip_len = o.n);
    s->hips++;
}

static void on_esp(void *ctx, const struct beet_outer *outer, struct span o)
{
    struct side *s = ctx;
    memcpy(s->esp, o.p, s->esp_len = o.n);
    s->outer = *outer;
    s->esps++;
}

static void open_side(struct side *s, uint16_t port)
{
    const struct host_socks_conf c = {
        .ctx = s, .hip = on_hip, .esp = on_esp, .udp = true, .port = port, .no_raw = true
    };
    char why[HOST_SOCKS_WHY_MAX];
    memset(s, 0, sizeof(*s));
    assert_int_equal(host_socks_open(loop, &env, &c, &s->s, why), ERR_OK);
}

static struct hip_path between(const struct side *from, const struct side *to)
{
    struct hip_path p = { .local = addr_v4(0x7f000001), .peer = addr_v4(0x7f000001) };
    p.local.port = host_socks_port(from->s);
    p.peer.port = host_socks_port(to->s);
    return p;
}

static void on_late(void *ctx)
{
    (void)ctx;
    rt_loop_stop(loop);
}

static void settle(void)
{
    struct rt_timer *t = rt_timer_new(loop, on_late, NULL);
    rt_timer_at(t, rt_now_us() + 50000);
    rt_loop_run(loop);
    rt_timer_free(t);
}

static void split(void **state)
{
    static const uint8_t hip[] = { 0, 0, 0, 0, 59, 1 }, esp[] = { 0, 0, 1, 0, 7 }, alive[] = { 0xff };
    struct span o = { 0 };
    (void)state;

    assert_int_equal(host_udp_split(span_of(hip, sizeof(hip)), &o), HOST_UDP_HIP);
    assert_ptr_equal(o.p, hip + 4);
    assert_int_equal(o.n, 2);
    assert_int_equal(host_udp_split(span_of(esp, sizeof(esp)), &o), HOST_UDP_ESP);
    assert_ptr_equal(o.p, esp);
    assert_int_equal(o.n, sizeof(esp));
    assert_int_equal(host_udp_split(span_of(alive, 1), &o), HOST_UDP_NOTHING);
}

static void ports(void **state)
{
    struct side a, b;
    (void)state;

    open_side(&a, 0);
    assert_true(host_socks_port(a.s) >= 49152);
    open_side(&b, host_socks_port(a.s)); /* in use: another one */
    assert_true(host_socks_port(b.s) >= 49152);
    assert_int_not_equal(host_socks_port(a.s), host_socks_port(b.s));
    host_socks_close(a.s);
    host_socks_close(b.s);
}

static void there(void **state)
{
    static const uint8_t octets[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    struct side a, b;
    struct hip_path p;
    (void)state;

    open_side(&a, 0);
    open_side(&b, 0);
    p = between(&a, &b);
    assert_true(host_socks_hip(a.s, &p, 0, span_of(octets, sizeof(octets))));
    const struct beet_outer outer = { .tclass = 0xba, .hop_limit = 33 };
    assert_true(host_socks_esp(a.s, &p, 0, &outer, span_of(octets, sizeof(octets))));
    settle();
    assert_int_equal(b.hips, 1);
    assert_int_equal(b.esps, 1);
    assert_int_equal(b.hip_len, sizeof(octets));
    assert_memory_equal(b.hip, octets, sizeof(octets));
    assert_int_equal(b.esp_len, sizeof(octets));
    assert_memory_equal(b.esp, octets, sizeof(octets));
    assert_int_equal(b.outer.tclass, 0xba);
    assert_int_equal(b.outer.hop_limit, 33);
    assert_true(addr_eq(&b.path.peer, &p.local));
    assert_true(addr_eq(&b.path.local, &p.peer));
    p.peer.port = 0; /* without UDP: there is no raw socket here */
    assert_false(host_socks_hip(a.s, &p, 0, span_of(octets, sizeof(octets))));
    assert_false(host_socks_esp(a.s, &p, 0, &outer, span_of(octets, sizeof(octets))));
    host_socks_close(a.s);
    host_socks_close(b.s);
}

static int setup(void **state)
{
    (void)state;
    env = (struct env){ .random = fill };
    loop = rt_loop_new();
    return loop == NULL;
}

static int teardown(void **state)
{
    (void)state;
    rt_loop_free(loop);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(split),
        cmocka_unit_test(ports),
        cmocka_unit_test(there),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
