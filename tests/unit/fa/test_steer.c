/* SPDX-License-Identifier: Apache-2.0
 * Workers: where the kernel delivers a packet is where fa_steer_*() says it belongs, for UDP and for protocol 139. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/rt/sa.h"
#include "common/rt/sock.h"
#include "fa/steer.h"

#define WORKERS 3
#define PACKETS 120

static struct rt_loop *loop;
static struct fa_steer steer = { .workers = WORKERS,
                                 .seed = { 0x12345678, 0xdeadbeef, 3, 0xfffffff0 },
                                 .n_own = 2 };

struct worker {
    unsigned me;
    bool udp;
    size_t n, wrong;
};

static void on_packets(void *ctx, const struct rt_pkt *p, size_t n)
{
    struct worker *w = ctx;
    for (size_t i = 0; i < n; i++, w->n++)
        if ((w->udp ? fa_steer_udp(&steer, p[i].octets) : fa_steer_hip(&steer, p[i].octets)) != w->me)
            w->wrong++;
}

static void on_late(void *ctx)
{
    rt_loop_stop(ctx);
}

static void run(unsigned ms)
{
    struct rt_timer *t = rt_timer_new(loop, on_late, loop);
    rt_timer_at(t, rt_now_us() + ms * 1000u);
    rt_loop_run(loop);
    rt_timer_free(t);
}

/* Packet i, all kinds in turn: for a client, for one of ours, for NULL, too short. */
static size_t hip_packet(unsigned i, uint8_t out[64])
{
    for (size_t k = 0; k < 64; k++)
        out[k] = (uint8_t)rand();
    if (i % 4 == 1)
        memcpy(out + 24, steer.own[i / 4 % 2].b, 16);
    if (i % 4 == 2)
        memset(out + 24, 0, 16);
    if (i % 8 == 3)
        memcpy(out + 24, steer.own[0].b, 15); /* nearly ours */
    return i % 16 == 7 ? i % 40 : 40 + i % 24;
}

static void spread(const struct worker *w, size_t all)
{
    size_t n = 0;
    for (size_t i = 0; i < WORKERS; i++) {
        assert_int_equal(w[i].wrong, 0);
        assert_true(w[i].n > all / WORKERS / 3); /* each one has something to do */
        n += w[i].n;
    }
    assert_int_equal(n, all);
}

static void udp(void **state)
{
    static const char *const ip[] = { "127.0.0.1", "::1" };
    for (size_t f = 0; f < 2; f++) {
        struct worker w[WORKERS] = { 0 };
        struct rt_sock *s[WORKERS];
        struct fa_steer_prog prog;
        struct addr at;
        struct sockaddr_storage ss;
        assert_int_equal(addr_parse(ip[f], &at), ERR_OK);
        for (unsigned i = 0; i < WORKERS; i++) {
            w[i] = (struct worker){ .me = i, .udp = true };
            assert_int_equal(
                rt_udp_open_with(loop, &at, (struct rt_udp_opts){ .group = true }, on_packets, &w[i], &s[i]),
                ERR_OK);
            at = rt_sock_local(s[i]);
        }
        fa_steer_udp_prog(&steer, &prog);
        assert_int_equal(rt_sock_steer_group(s[0], prog.v, prog.n), ERR_OK);
        int fd = socket(f ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
        socklen_t len = rt_sa_from_addr(&at, &ss);
        for (unsigned i = 0; i < PACKETS; i++) {
            uint8_t b[4 + 64] = { 0 };
            size_t n = 4 + hip_packet(i, b + 4);
            if (i % 3 == 0)
                memcpy(b, b + 12, 4); /* ESP */
            if (i % 20 == 19)
                n = i % 4;
            assert_true(sendto(fd, b, n, 0, (struct sockaddr *)&ss, len) >= 0);
        }
        run(50);
        spread(w, PACKETS);
        close(fd);
        for (unsigned i = 0; i < WORKERS; i++)
            rt_sock_close(s[i]);
    }
}

/* Every raw socket sees every packet; each takes its own, whatever the length of the IP header. */
static void raw(void **state)
{
    static const char *const ip[] = { "127.0.0.1", "::1" };
    static const uint8_t no_ops[8] = { 1, 1, 1, 1, 1, 1, 1, 0 };
    for (size_t f = 0; f < 2; f++) {
        struct worker w[WORKERS] = { 0 };
        struct rt_sock *s[WORKERS];
        struct addr at;
        struct sockaddr_storage ss;
        assert_int_equal(addr_parse(ip[f], &at), ERR_OK);
        for (unsigned i = 0; i < WORKERS; i++) {
            struct fa_steer_prog prog;
            w[i] = (struct worker){ .me = i };
            err e = rt_raw_open(loop, f ? ADDR_V6 : ADDR_V4, 139, on_packets, &w[i], &s[i]);
            if (e == ERR_REFUSED)
                skip();
            assert_int_equal(e, ERR_OK);
            fa_steer_raw_prog(&steer, f == 0, i, &prog);
            assert_int_equal(rt_sock_filter(s[i], prog.v, prog.n), ERR_OK);
        }
        int fd = socket(f ? AF_INET6 : AF_INET, SOCK_RAW, 139);
        socklen_t len = rt_sa_from_addr(&at, &ss);
        for (unsigned i = 0; i < PACKETS; i++) {
            uint8_t b[64];
            size_t n = hip_packet(i, b);
            if (f == 0 && i == PACKETS / 2)
                assert_int_equal(setsockopt(fd, IPPROTO_IP, 4 /* IP_OPTIONS */, no_ops, sizeof no_ops), 0);
            assert_true(sendto(fd, b, n, 0, (struct sockaddr *)&ss, len) >= 0);
        }
        run(50);
        spread(w, PACKETS);
        close(fd);
        for (unsigned i = 0; i < WORKERS; i++)
            rt_sock_close(s[i]);
    }
}

/* Both ends of an association with a client, and its I1, are one worker's; another seed is another order. */
static void one_client(void **state)
{
    struct fa_steer other = steer;
    unsigned differ = 0;
    other.seed[0]++;
    for (unsigned i = 0; i < 100; i++) {
        uint8_t to_us[64], i1[64], to_client[64];
        hip_packet(0, to_us);
        memcpy(i1, to_us, sizeof i1);
        memcpy(to_client, to_us, sizeof to_client);
        memcpy(to_us + 24, steer.own[1].b, 16);
        memset(i1 + 24, 0, 16);
        memcpy(to_client + 24, to_us + 8, 16);
        unsigned w = fa_steer_hip(&steer, span_of(to_us, 40));
        assert_int_equal(fa_steer_hip(&steer, span_of(i1, 40)), w);
        assert_int_equal(fa_steer_hip(&steer, span_of(to_client, 40)), w);
        differ += fa_steer_hip(&other, span_of(to_us, 40)) != w;
    }
    assert_true(differ > 30);
}

static int setup(void **state)
{
    srand(139);
    for (size_t i = 0; i < 16; i++) {
        steer.own[0].b[i] = (uint8_t)(0x20 + i);
        steer.own[1].b[i] = (uint8_t)(0xf0 - i);
    }
    loop = rt_loop_new();
    return loop == NULL;
}

static int teardown(void **state)
{
    rt_loop_free(loop);
    return 0;
}

int main(void)
{
    const struct CMUnitTest t[] = { cmocka_unit_test(udp), cmocka_unit_test(raw),
                                    cmocka_unit_test(one_client) };
    return cmocka_run_group_tests(t, setup, teardown);
}
