/* SPDX-License-Identifier: Apache-2.0
 * The host's data plane: two of them back to back; what waits, what is told, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/crypto/secret.h"
#include "host/data.h"
#include "host/icmp6.h"

static const struct hit A = { { 0x20, 0x01, 0x00, 0x22, 1 } }, B = { { 0x20, 0x01, 0x00, 0x22, 2 } };
static const struct hip_ref REF = { 1, 1 };
static const struct beet_outer OUTER = { 0 }; /* nothing known of it */

struct side {
    struct host_data *d;
    uint8_t wire[4][2048]; /* ESP packets that went out */
    size_t wire_len[4], wires;
    struct hip_path path;  /* of the last */
    uint8_t app[12][2048]; /* to the application */
    size_t app_len[12], apps;
    unsigned wants, used, silent;
    uint64_t silent_us;
    struct beet_outer outer; /* of the last packet out */
    unsigned mtu, mtu_asked;
    unsigned due, rekeyed;
    uint32_t rekeyed_spi;
    uint64_t octets; /* told by `used` */
    uint64_t sent_us;
};

static void fill(void *ctx, void *out, size_t n)
{
    static uint8_t v;
    (void)ctx;
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = ++v;
}

static void esp_out(void *ctx, const struct hip_path *path, const struct beet_outer *outer, struct span o)
{
    struct side *s = ctx;
    s->outer = *outer;
    size_t i = s->wires++ % 4;

    s->path = *path;
    memcpy(s->wire[i], o.p, o.n);
    s->wire_len[i] = o.n;
}

static void app_out(void *ctx, const uint8_t *p, size_t n)
{
    struct side *s = ctx;

    memcpy(s->app[s->apps], p, n);
    s->app_len[s->apps++] = n;
}

static void want(void *ctx, const struct hit *peer)
{
    struct side *s = ctx;
    (void)peer;
    s->wants++;
}

static void used(void *ctx, struct hip_ref ref, uint64_t octets, uint64_t sent_us)
{
    struct side *s = ctx;
    s->sent_us = sent_us;
    s->octets += octets;
    assert_int_equal(ref.gen, REF.gen);
    s->used++;
}

static void silent(void *ctx, struct hip_ref ref, uint64_t us)
{
    struct side *s = ctx;
    assert_int_equal(ref.gen, REF.gen);
    s->silent_us = us;
    s->silent++;
}

static void due(void *ctx, struct hip_ref ref)
{
    struct side *s = ctx;
    assert_int_equal(ref.gen, REF.gen);
    s->due++;
}

static void rekeyed_by_traffic(void *ctx, struct hip_ref ref, uint32_t spi)
{
    struct side *s = ctx;
    assert_int_equal(ref.gen, REF.gen);
    s->rekeyed_spi = spi;
    s->rekeyed++;
}

static unsigned path_mtu(void *ctx, const struct hip_path *path)
{
    struct side *s = ctx;
    (void)path;
    s->mtu_asked++;
    return s->mtu;
}

static void side_with(struct side *s, const struct host_data_limits *limits)
{
    static const struct env env = { .random = fill };
    const struct host_data_io io = { s,       esp_out, app_out, want, silent, used, due, rekeyed_by_traffic,
                                     path_mtu };

    memset(s, 0, sizeof(*s));
    s->d = host_data_new(&env, &io, limits);
    assert_non_null(s->d);
}

static void side_init(struct side *s)
{
    side_with(s, &(struct host_data_limits){ 0 });
}

static struct esp_sa *sa(uint32_t spi, bool out, uint8_t key)
{
    uint8_t enc[20];
    struct esp_sa_params p = {
        .spi = spi, .suite = ESP_AES128_GCM16, .enc = span_of(enc, sizeof(enc)), .outbound = out
    };
    struct esp_sa *made = NULL;

    memset(enc, key, sizeof(enc));
    assert_int_equal(esp_sa_new(&p, &made), ERR_OK);
    return made;
}

static struct hip_path path(uint32_t peer)
{
    return (struct hip_path){ .local = addr_v4(0x0a000001), .peer = addr_v4(peer) };
}

static void up(struct side *a, uint32_t peer, uint8_t key, uint64_t now)
{
    struct hip_path p = path(peer);
    host_data_up(a->d, REF, &A, &B, sa(0x100u + key, false, key), sa(0x200u + key, true, (uint8_t)(key + 1)),
                 &p, now);
}

static void up_other(struct side *b, uint8_t key, uint64_t now)
{
    struct hip_path p = path(0x0a000001);
    host_data_up(b->d, REF, &B, &A, sa(0x200u + key, false, (uint8_t)(key + 1)), sa(0x100u + key, true, key),
                 &p, now);
}

/* An ICMPv6 echo request from one HIT to another, in a buffer with room around it. */
#define LEN 60

static uint8_t *echo(const struct hit *from, const struct hit *to)
{
    static uint8_t buf[HOST_DATA_ROOM + LEN + HOST_DATA_ROOM];
    uint8_t *p = buf + HOST_DATA_ROOM;

    memset(buf, 0, sizeof(buf));
    p[0] = 0x60;
    p[5] = 20;
    p[6] = 58;
    p[7] = 64;
    memcpy(p + 8, from->b, 16);
    memcpy(p + 24, to->b, 16);
    p[40] = 128;
    memcpy(p + 48, "hello, host!", 12);
    return p;
}

static void through(void **state)
{
    struct side a, b;
    uint8_t *p = echo(&A, &B), plain[LEN];
    (void)state;

    side_init(&a);
    side_init(&b);
    up(&a, 0x0a000002, 7, 1000000);
    up_other(&b, 7, 1000000);
    memcpy(plain, p, LEN);
    host_data_from_app(a.d, p, LEN, 1000001);
    assert_int_equal(a.wires, 1);
    assert_true(a.path.peer.ip[3] == 2);
    assert_null(memmem(a.wire[0], a.wire_len[0], "hello", 5));
    host_data_from_net(b.d, &OUTER, span_of(a.wire[0], a.wire_len[0]), 1000002);
    assert_int_equal(b.apps, 1);
    assert_int_equal(b.app_len[0], LEN);
    assert_memory_equal(b.app[0], plain, LEN);
    assert_int_equal(b.used, 1); /* first sign of life, at once */
    assert_int_equal(a.used, 0);
    /* The same again is a replay; a changed one, one of an unknown SPI, a short one: none gets through. */
    host_data_from_net(b.d, &OUTER, span_of(a.wire[0], a.wire_len[0]), 1000003);
    a.wire[0][a.wire_len[0] - 1] ^= 1;
    host_data_from_net(b.d, &OUTER, span_of(a.wire[0], a.wire_len[0]), 1000004);
    assert_int_equal(host_data_count(b.d)->bad, 2);
    a.wire[0][0] ^= 1;
    host_data_from_net(b.d, &OUTER, span_of(a.wire[0], a.wire_len[0]), 1000005);
    host_data_from_net(b.d, &OUTER, span_of(a.wire[0], 3), 1000006);
    assert_int_equal(host_data_count(b.d)->no_spi, 2);
    assert_int_equal(b.apps, 1);
    /* Another path, then no SA. */
    struct hip_path elsewhere = path(0x0a000063);
    host_data_path(a.d, &A, &B, &elsewhere, false, 0, 1000006);
    host_data_from_app(a.d, echo(&A, &B), LEN, 1000007);
    assert_int_equal(a.path.peer.ip[3], 0x63);
    host_data_down(a.d, &A, &B);
    host_data_from_app(a.d, echo(&A, &B), LEN, 1000008);
    assert_int_equal(a.wires, 2);
    assert_int_equal(a.wants, 1);
    host_data_free(a.d);
    host_data_free(b.d);
}

static void replaced(void **state)
{
    struct side a, b;
    (void)state;

    side_init(&a);
    side_init(&b);
    up(&a, 0x0a000002, 7, 1);
    up(&a, 0x0a000002, 9, 2);
    up_other(&b, 7, 1);
    host_data_from_app(a.d, echo(&A, &B), LEN, 3);
    host_data_from_net(b.d, &OUTER, span_of(a.wire[0], a.wire_len[0]), 4);
    assert_int_equal(host_data_count(b.d)->no_spi, 1);
    up_other(&b, 9, 5);
    host_data_from_net(b.d, &OUTER, span_of(a.wire[0], a.wire_len[0]), 6);
    assert_int_equal(b.apps, 1);
    host_data_free(a.d);
    host_data_free(b.d);
}

static void waits_for_the_sa(void **state)
{
    struct side a;
    (void)state;

    side_init(&a);
    for (int i = 0; i < HOST_DATA_WAIT_MAX + 3; i++)
        host_data_from_app(a.d, echo(&A, &B), LEN, 1);
    assert_int_equal(a.wants, HOST_DATA_WAIT_MAX + 3);
    assert_int_equal(host_data_count(a.d)->waited, HOST_DATA_WAIT_MAX);
    assert_int_equal(host_data_count(a.d)->wait_dropped, 3);
    assert_int_equal(a.wires, 0);
    up(&a, 0x0a000002, 7, 2);
    assert_int_equal(a.wires, HOST_DATA_WAIT_MAX);
    /* Peers that packets wait for are bounded too. */
    for (unsigned i = 0; i < HOST_DATA_PEERS_MAX + 2; i++) {
        struct hit other = B;
        other.b[8] = (uint8_t)(i + 1);
        host_data_from_app(a.d, echo(&A, &other), LEN, 3);
    }
    assert_int_equal(host_data_count(a.d)->wait_dropped, 5);
    host_data_free(a.d); /* what still waits goes with it */
}

static void inbound(struct side *a, uint8_t key, uint64_t now)
{
    struct hip_path p = path(0x0a000002);
    host_data_up(a->d, REF, &A, &B, sa(0x107, false, key), NULL, &p, now);
}

/* RFC 7402 s3.3.1: the Responder's ESP is there before its R2; ours waits for R2. Another I2 has other keys under the same SPI. */
static void esp_before_r2(void **state)
{
    struct side a, b;
    struct esp_counters in, out;
    (void)state;

    side_init(&a);
    side_init(&b);
    inbound(&a, 5, 1);
    inbound(&a, 7, 2);
    up_other(&b, 7, 2);
    for (int i = 0; i < 2; i++)
        host_data_from_app(b.d, echo(&B, &A), LEN, 3);
    host_data_from_net(a.d, &OUTER, span_of(b.wire[0], b.wire_len[0]), 4);
    assert_int_equal(a.apps, 1);
    assert_int_equal(a.used + a.due + a.rekeyed, 0); /* nothing that an engine in I2-SENT could use */
    assert_true(host_data_pair(a.d, &A, &B, &in, &out));
    assert_int_equal(in.packets, 1);
    assert_int_equal(out.packets, 0);
    host_data_from_app(a.d, echo(&A, &B), LEN, 5);
    assert_int_equal(a.wires, 0);
    assert_int_equal(a.wants, 1);
    up(&a, 0x0a000063, 7, 6); /* R2, from elsewhere */
    assert_int_equal(a.wires, 1);
    assert_int_equal(a.path.peer.ip[3], 0x63);
    host_data_from_net(b.d, &OUTER, span_of(a.wire[0], a.wire_len[0]), 7);
    assert_int_equal(b.apps, 1);
    /* The inbound SA is the one that there was: what it took is a replay still. */
    host_data_from_net(a.d, &OUTER, span_of(b.wire[0], b.wire_len[0]), 8);
    assert_int_equal(host_data_count(a.d)->bad, 1);
    host_data_from_net(a.d, &OUTER, span_of(b.wire[1], b.wire_len[1]), 9);
    assert_int_equal(a.apps, 2);
    assert_int_equal(a.rekeyed, 0);
    host_data_free(a.d);
    host_data_free(b.d);
}

/* No R2: the association fails and takes its SA along. */
static void esp_without_r2(void **state)
{
    struct side a, b;
    (void)state;

    side_init(&a);
    side_init(&b);
    inbound(&a, 7, 1);
    up_other(&b, 7, 2);
    host_data_from_app(b.d, echo(&B, &A), LEN, 3);
    host_data_down(a.d, &A, &B);
    host_data_from_net(a.d, &OUTER, span_of(b.wire[0], b.wire_len[0]), 4);
    assert_int_equal(host_data_count(a.d)->no_spi, 1);
    assert_int_equal(a.apps, 0);
    /* The next association finds the place empty. */
    up(&a, 0x0a000002, 7, 5);
    host_data_from_net(a.d, &OUTER, span_of(b.wire[0], b.wire_len[0]), 6);
    assert_int_equal(a.apps, 1);
    host_data_free(a.d);
    host_data_free(b.d);
}

/* RFC 4443 s3.1: type 1 code 3, the packet that caused it behind it, checksum over the pseudo-header. */
static void unreachable(void **state)
{
    struct side a;
    uint32_t sum = 0;
    (void)state;

    side_init(&a);
    host_data_from_app(a.d, echo(&A, &B), LEN, 1);
    host_data_from_app(a.d, echo(&A, &B), LEN, 2);
    host_data_unreachable(a.d, &A, 2);
    assert_int_equal(a.apps, 0);
    host_data_unreachable(a.d, &B, 2);
    host_data_unreachable(a.d, &B, 2);
    assert_int_equal(a.apps, 2);
    assert_int_equal(a.app_len[0], 40 + 8 + LEN);
    const uint8_t *p = a.app[0];
    assert_memory_equal(p + 8, B.b, 16);
    assert_memory_equal(p + 24, A.b, 16);
    assert_int_equal(p[40], 1);
    assert_int_equal(p[41], 3);
    assert_memory_equal(p + 48, echo(&A, &B), LEN);
    for (size_t i = 8; i < a.app_len[0]; i += 2)
        sum += (uint32_t)(p[i] << 8 | p[i + 1]);
    sum += 58 + 8 + (uint32_t)LEN;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    assert_int_equal(sum, 0xffff);
    /* No error about an error, about what is no IPv6 packet, about later fragments; never longer than 1280. */
    uint8_t out[ICMP6_ERROR_MAX], big[1500] = { 0x60 }, *q = echo(&A, &B);
    assert_int_equal(icmp6_unreachable(span_of(big, sizeof(big)), out), ICMP6_ERROR_MAX);
    q[40] = 1;
    assert_int_equal(icmp6_unreachable(span_of(q, LEN), out), 0);
    q[40] = 128;
    assert_int_equal(icmp6_unreachable(span_of(q, 39), out), 0);
    q[6] = 44;
    q[43] = 8;
    assert_int_equal(icmp6_unreachable(span_of(q, LEN), out), 0);
    q[0] = 0x45;
    assert_int_equal(icmp6_unreachable(span_of(q, LEN), out), 0);
    host_data_free(a.d);
}

static void only_hits(void **state)
{
    static const struct hit other = { { 0x20, 0x01, 0x0d, 0xb8, 1 } };
    struct side a;
    (void)state;

    side_init(&a);
    host_data_from_app(a.d, echo(&A, &other), LEN, 1);
    host_data_from_app(a.d, echo(&other, &B), LEN, 1);
    host_data_from_app(a.d, echo(&A, &A), LEN, 1);
    host_data_from_app(a.d, echo(&A, &B), LEN - 1, 1);
    assert_int_equal(host_data_count(a.d)->not_hit, 4);
    assert_int_equal(a.wants, 0);
    host_data_free(a.d);
}

static void silence_is_noticed(void **state)
{
    struct side a, b;
    uint64_t t = 1000000;
    (void)state;

    side_init(&a);
    side_init(&b);
    up(&a, 0x0a000002, 7, t);
    up_other(&b, 7, t);
    host_data_from_app(a.d, echo(&A, &B), LEN, t);
    host_data_from_app(a.d, echo(&A, &B), LEN, t + HOST_DATA_SILENT_US - 1);
    assert_int_equal(a.silent, 0);
    host_data_from_app(a.d, echo(&A, &B), LEN, t + HOST_DATA_SILENT_US);
    host_data_from_app(a.d, echo(&A, &B), LEN, t + HOST_DATA_LOST_US - 1);
    assert_int_equal(a.silent, 1);
    assert_int_equal(a.silent_us, HOST_DATA_SILENT_US);
    host_data_from_app(a.d, echo(&A, &B), LEN, t + HOST_DATA_LOST_US);
    host_data_from_app(a.d, echo(&A, &B), LEN, t + HOST_DATA_LOST_US + HOST_DATA_AGAIN_US - 1);
    assert_int_equal(a.silent, 2);
    assert_int_equal(a.silent_us, HOST_DATA_LOST_US);
    host_data_from_app(a.d, echo(&A, &B), LEN, t + HOST_DATA_LOST_US + HOST_DATA_AGAIN_US);
    assert_int_equal(a.silent, 3);
    host_data_from_app(b.d, echo(&B, &A), LEN, t);
    t += HOST_DATA_LOST_US + HOST_DATA_AGAIN_US;
    host_data_from_net(a.d, &OUTER, span_of(b.wire[0], b.wire_len[0]), t + HOST_DATA_SILENT_US);
    host_data_from_app(a.d, echo(&A, &B), LEN, t + 2 * HOST_DATA_SILENT_US);
    assert_int_equal(a.silent, 3); /* something came in: counted from the next packet on */
    host_data_from_app(a.d, echo(&A, &B), LEN, t + 3 * HOST_DATA_SILENT_US);
    assert_int_equal(a.silent, 4);
    host_data_free(a.d);
    host_data_free(b.d);
}

static int once(void **state)
{
    (void)state;
    return crypto_init() != ERR_OK;
}

/* RFC 8046 s5.6: to a locator that is not verified goes what came, and no more. */
static void only_what_the_credit_covers(void **state)
{
    struct side a, b;
    const struct hip_path elsewhere = path(0x0a000063), there = path(0x0a000002);
    uint64_t t = 1000000;

    side_init(&a);
    side_init(&b);
    up(&a, 0x0a000002, 1, t);
    up_other(&b, 1, t);
    for (int i = 0; i < 20; i++)
        host_data_from_app(a.d, echo(&A, &B), LEN, t);
    assert_int_equal(a.wires, 20); /* a verified one costs nothing */
    /* Credit for one packet and a bit. */
    host_data_path(a.d, &A, &B, &elsewhere, true, LEN + ESP_OVERHEAD + 3, t);
    host_data_from_app(a.d, echo(&A, &B), LEN, t);
    assert_int_equal(a.wires, 21);
    assert_true(addr_eq(&a.path.peer, &elsewhere.peer));
    for (int i = 0; i < 5; i++)
        host_data_from_app(a.d, echo(&A, &B), LEN, t);
    assert_int_equal(a.wires, 21);
    assert_int_equal(host_data_count(a.d)->no_credit, 5);
    /* What comes in the meantime counts; another path adds to what is left. */
    for (int i = 0; i < 4; i++) {
        host_data_from_app(b.d, echo(&B, &A), LEN, t);
        host_data_from_net(a.d, &OUTER, span_of(b.wire[i], b.wire_len[i]), t);
    }
    host_data_path(a.d, &A, &B, &elsewhere, true, 1000, t);
    unsigned before = (unsigned)a.wires;
    for (int i = 0; i < 30; i++)
        host_data_from_app(a.d, echo(&A, &B), LEN, t);
    assert_true(a.wires > before && (a.wires - before) * (LEN + ESP_OVERHEAD) <= 1003 + 4 * LEN);
    /* Verified: all goes, and what was left of the credit goes back. */
    host_data_path(a.d, &A, &B, &elsewhere, true, 5000, t);
    host_data_path(a.d, &A, &B, &there, false, 0, t);
    a.octets = 0;
    host_data_from_app(a.d, echo(&A, &B), LEN, t + 600000);
    assert_true(a.octets >= 5000 && a.octets < 6003);
    host_data_free(a.d);
    host_data_free(b.d);
}

/* An eighth of it goes every five seconds. */
static void credit_ages(void **state)
{
    const uint64_t one = LEN + ESP_OVERHEAD, t = 1000000;
    const struct hip_path elsewhere = path(0x0a000063);
    struct side a;

    for (int late = 0; late < 2; late++) {
        side_init(&a);
        up(&a, 0x0a000002, 1, t);
        host_data_path(a.d, &A, &B, &elsewhere, true, one + one / 8, t);
        host_data_from_app(a.d, echo(&A, &B), LEN, t + (late ? 10000000 : 4999999));
        assert_int_equal(a.wires, late ? 0 : 1);
        host_data_free(a.d);
    }
}

static void send_many(struct side *a, size_t n, uint64_t now)
{
    for (size_t i = 0; i < n; i++)
        host_data_from_app(a->d, echo(&A, &B), LEN, now);
}

/* New SAs are asked for before the limit, not much before, not for every packet; packets go on under the old ones. */
static void due_after_packets(void **state)
{
    struct side a;
    struct hip_path p = path(0x0a000002);

    for (int i = 0; i < 20; i++) {
        side_with(&a, &(struct host_data_limits){ .packets = 800 });
        up(&a, 0x0a000002, 1, 1);
        send_many(&a, 699, 2);
        assert_int_equal(a.due, 0);
        send_many(&a, 101, 2);
        assert_int_equal(a.due, 1);
        send_many(&a, 1000, 2);
        assert_int_equal(a.due, 1);
        assert_int_equal(a.wires, 1800);
        send_many(&a, 2, 2 + HOST_DATA_ASK_US); /* nobody came: again */
        assert_int_equal(a.due, 2);
        host_data_up(a.d, REF, &A, &B, sa(0x103u, false, 3), sa(0x203u, true, 4), &p, 3 + HOST_DATA_ASK_US);
        send_many(&a, 699, 4 + HOST_DATA_ASK_US);
        assert_int_equal(a.due, 2);
        send_many(&a, 101, 4 + HOST_DATA_ASK_US);
        assert_int_equal(a.due, 3);
        assert_int_equal(host_data_count(a.d)->due, 3);
        host_data_free(a.d);
    }
}

static void due_after_octets_and_age(void **state)
{
    const uint64_t hour = 3600000000u;
    struct side a, b;

    side_with(&a, &(struct host_data_limits){ .octets = (uint64_t)100 * 20 }); /* of payload: 20 a packet */
    side_with(&b, &(struct host_data_limits){ .octets = (uint64_t)100 * 20 });
    up(&a, 0x0a000002, 1, 1);
    up_other(&b, 1, 1);
    for (int i = 0; i < 100; i++) {
        send_many(&a, 1, 2);
        host_data_from_net(b.d, &OUTER, span_of(a.wire[i % 4], a.wire_len[i % 4]), 2);
        b.apps = 0;
        assert_true(i > 86 || (a.due == 0 && b.due == 0));
    }
    assert_int_equal(a.due, 1); /* who sends, and who receives */
    assert_int_equal(b.due, 1);
    host_data_free(a.d);
    host_data_free(b.d);
    side_with(&a, &(struct host_data_limits){ .age_us = hour });
    up(&a, 0x0a000002, 1, 1);
    send_many(&a, 1, hour / 8 * 7);
    assert_int_equal(a.due, 0);
    send_many(&a, 2, hour + 1); /* the first one tells of the silence */
    assert_int_equal(a.due, 1);
    host_data_free(a.d);
}

/* What a short tag would let through depends on how often it is tried: forged packets count. */
static void due_after_forgeries(void **state)
{
    struct side a, b;
    uint8_t forged[128];

    side_init(&a);
    side_with(&b, &(struct host_data_limits){ .packets = 100 });
    up(&a, 0x0a000002, 1, 1);
    up_other(&b, 1, 1);
    send_many(&a, 2, 2);
    memcpy(forged, a.wire[0], a.wire_len[0]);
    forged[a.wire_len[0] - 1] ^= 1;
    for (int i = 0; i < 99; i++)
        host_data_from_net(b.d, &OUTER, span_of(forged, a.wire_len[0]), 3);
    assert_int_equal(b.due, 0); /* one that verifies asks */
    host_data_from_net(b.d, &OUTER, span_of(a.wire[1], a.wire_len[1]), 3);
    assert_int_equal(b.due, 1);
    host_data_free(a.d);
    host_data_free(b.d);
}

/* RFC 7402 s6.10 step 4: traffic by the new inbound SA is as good as the ACK. */
static void traffic_completes_a_rekey(void **state)
{
    struct side a, b;
    struct hip_path p = path(0x0a000002);

    side_init(&a);
    side_init(&b);
    up(&a, 0x0a000002, 1, 1);
    up_other(&b, 1, 1);
    host_data_up(a.d, REF, &A, &B, sa(0x103u, false, 3), NULL, &p, 3);
    host_data_from_app(b.d, echo(&B, &A), LEN, 4);
    host_data_from_net(a.d, &OUTER, span_of(b.wire[0], b.wire_len[0]), 5);
    assert_int_equal(a.rekeyed, 0); /* by the old one */
    host_data_up(b.d, REF, &B, &A, sa(0x203u, false, 4), sa(0x103u, true, 3), &p, 6);
    host_data_from_app(b.d, echo(&B, &A), LEN, 7);
    host_data_from_net(a.d, &OUTER, span_of(b.wire[1], b.wire_len[1]), 8);
    assert_int_equal(a.rekeyed, 1);
    assert_int_equal(a.rekeyed_spi, 0x103);
    host_data_up(a.d, REF, &A, &B, sa(0x103u, false, 3), sa(0x203u, true, 4), &p, 9);
    host_data_from_app(b.d, echo(&B, &A), LEN, 10);
    host_data_from_net(a.d, &OUTER, span_of(b.wire[2], b.wire_len[2]), 11);
    assert_int_equal(a.rekeyed, 1);
    host_data_free(a.d);
    host_data_free(b.d);
}

/* RFC 7402 appendix B.1.5, B.1.6: what the inner header says of these goes out with the outer one, and what that has become comes in. */
static void outer_header(void **state)
{
    struct side a, b;
    uint8_t *p = echo(&A, &B);

    side_init(&a);
    side_init(&b);
    up(&a, 0x0a000002, 7, 1);
    up_other(&b, 7, 1);
    p[0] = 0x6b; /* DSCP EF, ECT(0) */
    p[1] = 0xa0;
    p[7] = 17;
    host_data_from_app(a.d, p, LEN, 2);
    assert_int_equal(a.outer.tclass, 0xba);
    assert_int_equal(a.outer.hop_limit, 17);
    const struct beet_outer marked = { .tclass = 0xbb, .hop_limit = 12 }; /* congestion experienced */
    host_data_from_net(b.d, &marked, span_of(a.wire[0], a.wire_len[0]), 3);
    assert_int_equal(b.apps, 1);
    assert_int_equal(b.app[0][0], 0x6b);
    assert_int_equal(b.app[0][1], 0xb0);
    assert_int_equal(b.app[0][7], 12);
    host_data_from_app(a.d, echo(&A, &B), LEN, 4);
    assert_int_equal(a.outer.tclass, 0);
    host_data_from_net(b.d, &OUTER, span_of(a.wire[1], a.wire_len[1]), 5);
    assert_int_equal(b.app[1][0], 0x60);
    assert_int_equal(b.app[1][7], 64);
    host_data_free(a.d);
    host_data_free(b.d);
}

/* A fragment goes as it is: the application's stack made it and puts it together. */
static void fragments_pass(void **state)
{
    struct side a, b;
    uint8_t *p = echo(&A, &B), plain[LEN];

    side_init(&a);
    side_init(&b);
    up(&a, 0x0a000002, 7, 1);
    up_other(&b, 7, 1);
    p[6] = 44;
    p[40] = 58;
    p[43] = 1; /* more of them */
    memcpy(plain, p, LEN);
    host_data_from_app(a.d, p, LEN, 2);
    host_data_from_net(b.d, &OUTER, span_of(a.wire[0], a.wire_len[0]), 3);
    assert_memory_equal(b.app[0], plain, LEN);
    host_data_free(a.d);
    host_data_free(b.d);
}

static size_t long_packet(struct side *a, size_t len, uint64_t now)
{
    static uint8_t buf[HOST_DATA_ROOM + 9000 + HOST_DATA_ROOM];
    uint8_t *p = buf + HOST_DATA_ROOM;
    size_t before = a->wires;

    memcpy(p, echo(&A, &B), LEN);
    p[4] = (uint8_t)((len - 40) >> 8);
    p[5] = (uint8_t)(len - 40);
    host_data_from_app(a->d, p, len, now);
    return a->wires - before;
}

/* RFC 8201: the application hears what fits, and a packet of that length fits exactly. */
static void path_takes_less(void **state)
{
    static const struct {
        uint16_t port;
        bool v6;
        unsigned outer, inner;
    } v[] = {
        /* outer header, [UDP], ESP with GCM's IV, padding to four octets, trailer, ICV */
        { 0, false, 1400, 1400 - 20 - 16 - 16 - 2 + 40 },
        { 0, true, 1400, 1400 - 40 - 16 - 16 - 2 + 40 },
        { 10500, false, 1400, 1400 - 20 - 8 - 16 - 16 - 2 + 40 },
        { 10500, true, 1401, 1400 - 40 - 8 - 16 - 16 - 2 + 40 },
        { 0, false, 600, 1280 },
    };
    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        struct side a;
        struct hip_path to = path(0x0a000002);
        side_init(&a);
        up(&a, 0x0a000002, 1, 1);
        to.peer.port = v[i].port;
        if (v[i].v6)
            to.peer.family = to.local.family = ADDR_V6;
        host_data_path(a.d, &A, &B, &to, false, 0, 1);
        a.mtu = v[i].outer;
        assert_int_equal(long_packet(&a, 1280, 2), 1);
        assert_int_equal(a.mtu_asked, 0); /* those need not be asked about */
        assert_int_equal(long_packet(&a, v[i].inner + 1, 3), 0);
        assert_int_equal(a.apps, 1);
        assert_int_equal(a.app[0][40], 2);
        assert_int_equal(a.app[0][46] << 8 | a.app[0][47], v[i].inner);
        assert_memory_equal(a.app[0] + 8, B.b, 16);
        assert_int_equal(host_data_count(a.d)->too_big, 1);
        if (v[i].inner > 1280) {
            assert_int_equal(long_packet(&a, v[i].inner, 4), 1);
            assert_true(a.wire_len[1] + (v[i].v6 ? 40 : 20) + (v[i].port ? 8 : 0) <= v[i].outer);
        }
        assert_int_equal(a.mtu_asked, 1);
        a.mtu = 0; /* unknown: nothing is refused; asked again after a second */
        assert_int_equal(long_packet(&a, 1500, 5), 0);
        assert_int_equal(long_packet(&a, 1500, 3 + HOST_DATA_MTU_US), 1);
        assert_int_equal(a.mtu_asked, 2);
        a.mtu = 1300; /* another path: asked at once */
        host_data_path(a.d, &A, &B, &to, false, 0, 4 + HOST_DATA_MTU_US);
        assert_int_equal(long_packet(&a, 1500, 5 + HOST_DATA_MTU_US), 0);
        host_data_free(a.d);
    }
}

/* RFC 7402 s6.10: both inbound SAs until the new one carries something, the outbound one changes at once. */
static void rekeyed(void **state)
{
    struct side a, b;
    struct hip_path p = path(0x0a000002), elsewhere = path(0x0a000063);

    side_init(&a);
    side_init(&b);
    up(&a, 0x0a000002, 1, 1);
    up_other(&b, 1, 1);
    host_data_path(a.d, &A, &B, &elsewhere, false, 0, 2);
    host_data_from_app(b.d, echo(&B, &A), LEN, 2);
    host_data_from_app(b.d, echo(&B, &A), LEN, 2);
    /* a has the new inbound SA, b not yet the outbound one. */
    host_data_up(a.d, REF, &A, &B, sa(0x103u, false, 3), NULL, &p, 3);
    host_data_from_net(a.d, &OUTER, span_of(b.wire[0], b.wire_len[0]), 4);
    assert_int_equal(a.apps, 1);
    host_data_from_app(a.d, echo(&A, &B), LEN, 4);
    host_data_from_net(b.d, &OUTER, span_of(a.wire[0], a.wire_len[0]), 5);
    assert_int_equal(b.apps, 1);                         /* a still sends by the old one */
    assert_true(addr_eq(&a.path.peer, &elsewhere.peer)); /* and where it did */
    /* The other half on both sides. */
    host_data_up(a.d, REF, &A, &B, sa(0x103u, false, 3), sa(0x203u, true, 4), &p, 6);
    host_data_up(b.d, REF, &B, &A, sa(0x203u, false, 4), sa(0x103u, true, 3), &p, 6);
    host_data_from_app(b.d, echo(&B, &A), LEN, 7);
    host_data_from_net(a.d, &OUTER, span_of(b.wire[2], b.wire_len[2]), 8);
    assert_int_equal(a.apps, 2);
    /* What was on its way under the old keys is late: taken for two seconds more. */
    host_data_from_net(a.d, &OUTER, span_of(b.wire[1], b.wire_len[1]), 8 + HOST_DATA_LATE_US - 1);
    assert_int_equal(a.apps, 3);
    host_data_from_net(a.d, &OUTER, span_of(b.wire[1], b.wire_len[1]), 8 + HOST_DATA_LATE_US - 1);
    assert_int_equal(host_data_count(a.d)->bad, 1); /* once */
    host_data_from_net(a.d, &OUTER, span_of(b.wire[1], b.wire_len[1]), 8 + HOST_DATA_LATE_US);
    assert_int_equal(a.apps, 3);
    assert_int_equal(host_data_count(a.d)->no_spi, 1);
    struct esp_counters in, out;
    assert_true(host_data_pair(a.d, &A, &B, &in, &out));
    assert_true(in.packets == 3 && in.replayed == 1 && out.packets == 1); /* of old and new ones */
    host_data_from_app(a.d, echo(&A, &B), LEN, 10);
    host_data_from_net(b.d, &OUTER, span_of(a.wire[1], a.wire_len[1]), 11);
    assert_int_equal(b.apps, 2);
    host_data_free(a.d);
    host_data_free(b.d);
}

/* NATs: when ESP went out is told with what is used, once; what came in does not count for it. */
static void when_sent(void **state)
{
    struct side a, b;
    uint64_t t = 1000000;
    (void)state;

    side_init(&a);
    side_init(&b);
    up(&a, 0x0a000002, 1, t);
    up_other(&b, 1, t);
    host_data_from_app(a.d, echo(&A, &B), LEN, t + 600000);
    assert_int_equal(a.sent_us, t + 600000);
    host_data_from_app(a.d, echo(&A, &B), LEN, t + 700000); /* too soon to be told by itself */
    assert_int_equal(a.used, 1);
    for (int i = 0; i < 2; i++) {
        host_data_from_app(b.d, echo(&B, &A), LEN, t);
        host_data_from_net(a.d, &OUTER, span_of(b.wire[i], b.wire_len[i]),
                           t + 9000000 + 1000000 * (uint64_t)i);
        assert_int_equal(a.sent_us, i ? 0 : t + 700000);
    }
    assert_int_equal(a.used, 3);
    host_data_free(a.d);
    host_data_free(b.d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(through),
        cmocka_unit_test(when_sent),
        cmocka_unit_test(replaced),
        cmocka_unit_test(waits_for_the_sa),
        cmocka_unit_test(esp_before_r2),
        cmocka_unit_test(esp_without_r2),
        cmocka_unit_test(unreachable),
        cmocka_unit_test(only_hits),
        cmocka_unit_test(silence_is_noticed),
        cmocka_unit_test(only_what_the_credit_covers),
        cmocka_unit_test(credit_ages),
        cmocka_unit_test(outer_header),
        cmocka_unit_test(fragments_pass),
        cmocka_unit_test(path_takes_less),
        cmocka_unit_test(rekeyed),
        cmocka_unit_test(due_after_packets),
        cmocka_unit_test(due_after_octets_and_age),
        cmocka_unit_test(due_after_forgeries),
        cmocka_unit_test(traffic_completes_a_rekey),
    };
    return cmocka_run_group_tests(tests, once, NULL);
}
