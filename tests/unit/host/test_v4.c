/* SPDX-License-Identifier: Apache-2.0
 * Applications that know only IPv4: two data planes back to back, and the flows that say who speaks what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/insum.h"
#include "common/crypto/secret.h"
#include "hip/esp/beet4.h"
#include "host/data.h"
#include "host/flow.h"
#include "host/icmp6.h"
#include "host/v4.h"

static const struct hit A = { { 0x20, 0x01, 0x00, 0x22, 1 } }, B = { { 0x20, 0x01, 0x00, 0x22, 2 } };
static const struct hip_ref REF = { 1, 1 };
static const struct beet_outer OUTER = { .tclass = 0xb9, .hop_limit = 61 };
enum { ICMP = 1, TCP = 6, UDP = 17, FRAGMENT = 44 };
#define PORT 4000
#define ROOM HOST_DATA_ROOM

struct side {
    struct host_data *d;
    struct host_v4 *v;
    struct host_lsis *lsis;
    struct addr peer; /* LSI of the other one */
    uint8_t wire[8][2048];
    size_t wire_len[8], wires;
    uint8_t app[16][2048];
    size_t app_len[16], apps;
    unsigned wants, mtu;
    bool takes4, takes6; /* what sockets there are */
    unsigned asked;
    struct addr asked_local, asked_peer;
};

static void fill(void *ctx, void *out, size_t n)
{
    static uint8_t v;
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = ++v;
}

static void esp_out(void *ctx, const struct hip_path *path, const struct beet_outer *outer, struct span o)
{
    struct side *s = ctx;
    memcpy(s->wire[s->wires % 8], o.p, o.n);
    s->wire_len[s->wires++ % 8] = o.n;
}

static void app_out(void *ctx, const uint8_t *p, size_t n)
{
    struct side *s = ctx;
    memcpy(s->app[s->apps % 16], p, n);
    s->app_len[s->apps++ % 16] = n;
}

static void want(void *ctx, const struct hit *peer)
{
    ((struct side *)ctx)->wants++;
}

static void silent(void *ctx, struct hip_ref ref, uint64_t us)
{
}

static void used(void *ctx, struct hip_ref ref, uint64_t octets, uint64_t sent_us)
{
}

static void due(void *ctx, struct hip_ref ref)
{
}

static void rekeyed(void *ctx, struct hip_ref ref, uint32_t spi)
{
}

static unsigned path_mtu(void *ctx, const struct hip_path *path)
{
    return ((struct side *)ctx)->mtu;
}

static bool takes(void *ctx, uint8_t proto, const struct addr *local, const struct addr *peer)
{
    struct side *s = ctx;
    s->asked++;
    s->asked_local = *local;
    s->asked_peer = *peer;
    return local->family == ADDR_V4 ? s->takes4 : s->takes6;
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

static void side_init(struct side *s, const struct hit *own, const struct hit *peer, bool options)
{
    static const struct env env = { .random = fill };
    const struct host_data_io io = { s, esp_out, app_out, want, silent, used, due, rekeyed, path_mtu };
    const struct host_v4_io v4_io = { s, app_out, takes };
    const struct host_lsi_conf conf = { .prefix = addr_v4(0xc6130000), .bits = 16, .key = { own->b[4] } };

    memset(s, 0, sizeof(*s));
    s->d = host_data_new(&env, &io, &(struct host_data_limits){ 0 });
    s->lsis = host_lsis_new(&conf);
    s->v = host_v4_new(&env, &v4_io, s->lsis, options);
    assert_true(s->d && s->lsis && s->v);
    host_data_v4(s->d, s->v);
    host_v4_identity(s->v, own, true);
    assert_int_equal(host_lsi_give(s->lsis, peer, 1, &s->peer), ERR_OK);
}

static void up(struct side *a, struct side *b)
{
    struct hip_path p = { .local = addr_v4(0x0a000001), .peer = addr_v4(0x0a000002) };

    host_data_up(a->d, REF, &A, &B, sa(0x100, false, 1), sa(0x200, true, 2), &p, 1);
    if (b)
        host_data_up(b->d, REF, &B, &A, sa(0x200, false, 2), sa(0x100, true, 1), &p, 1);
}

static void both(struct side *a, struct side *b)
{
    side_init(a, &A, &B, false);
    side_init(b, &B, &A, false);
    up(a, b);
}

static void done(struct side *s)
{
    host_data_free(s->d);
    host_v4_free(s->v);
    host_lsis_free(s->lsis);
}

static const struct host_v4_count *count(const struct side *s)
{
    return host_v4_count(s->v);
}

/* An IPv4 packet in a buffer with room around it; the application of s sends it. */
struct made {
    uint8_t buf[ROOM + 4096 + ROOM];
    size_t len;
};

static uint8_t *make(struct made *m, const struct side *s, uint8_t proto, uint16_t from, uint16_t to,
                     size_t body, bool df)
{
    struct beet4_packet p = { .protocol = proto, .ttl = 61, .tos = 0xb9, .df = df };
    struct addr own = host_lsi_own(s->lsis);
    uint8_t *ip = m->buf + ROOM, *b;
    size_t head;

    memcpy(p.src, own.ip, 4);
    memcpy(p.dst, s->peer.ip, 4);
    assert_int_equal(beet4_header(&p, body, ip, &head), ERR_OK);
    b = ip + head;
    for (size_t i = 0; i < body; i++)
        b[i] = (uint8_t)i;
    b[0] = (uint8_t)(from >> 8);
    b[1] = (uint8_t)from;
    b[2] = (uint8_t)(to >> 8);
    b[3] = (uint8_t)to;
    m->len = head + body;
    return ip;
}

static void send4(struct side *s, uint8_t proto, uint16_t from, uint16_t to, size_t body, bool df,
                  uint64_t now)
{
    struct made m;
    uint8_t *ip = make(&m, s, proto, from, to, body, df);

    host_data_from_app(s->d, ip, m.len, now);
}

/* The same between HITs. */
static void send6(struct side *s, const struct hit *from, const struct hit *to, uint8_t proto, uint16_t sport,
                  uint16_t dport, uint64_t now)
{
    uint8_t buf[ROOM + 80 + ROOM] = { 0 }, *p = buf + ROOM;

    assert_int_equal(beet_header(from, to, proto, 0, 64, 40, p), ERR_OK);
    p[40] = (uint8_t)(sport >> 8);
    p[41] = (uint8_t)sport;
    p[42] = (uint8_t)(dport >> 8);
    p[43] = (uint8_t)dport;
    p[53] = proto == TCP ? 0x10 : 0;
    host_data_from_app(s->d, p, 80, now);
}

/* What went out last at one end comes in at the other. */
static void carry(const struct side *from, struct side *to, size_t which, uint64_t now)
{
    host_data_from_net(to->d, &OUTER, span_of(from->wire[which % 8], from->wire_len[which % 8]), now);
}

static unsigned version(const struct side *s, size_t which)
{
    return s->app[which % 16][0] >> 4;
}

static void there_and_back(void **state)
{
    struct side a, b;
    struct made m;

    both(&a, &b);
    b.takes4 = true;
    uint8_t *sent = make(&m, &a, UDP, PORT, 7, 40, true);
    send4(&a, UDP, PORT, 7, 40, true, 10);
    assert_int_equal(a.wires, 1);
    carry(&a, &b, 0, 11);
    assert_int_equal(b.apps, 1);
    assert_int_equal(version(&b, 0), 4);
    assert_int_equal(b.app_len[0], 60);
    /* Asked for: first a socket for HITs, then one for LSIs, as the packet would find it. */
    assert_int_equal(b.asked, 2);
    assert_int_equal(b.asked_local.port, 7);
    assert_int_equal(b.asked_peer.port, PORT);
    assert_true(addr_same_ip(&b.asked_peer, &b.peer));
    const uint8_t *got = b.app[0];
    assert_int_equal(got[1], 0xb9);
    assert_int_equal(got[8], 61);
    assert_memory_equal(got + 12, b.peer.ip, 4);
    assert_memory_equal(got + 16, ((uint8_t[]){ 198, 19, 0, 1 }), 4);
    assert_memory_equal(got + 28, sent + 28, 32);
    /* The way back: the flow is known at both ends. */
    send4(&b, UDP, 7, PORT, 40, true, 12);
    carry(&b, &a, 0, 13);
    assert_int_equal(version(&a, 0), 4);
    send4(&a, UDP, PORT, 7, 40, true, 14);
    carry(&a, &b, 1, 15);
    assert_int_equal(version(&b, 1), 4);
    assert_int_equal(a.asked, 0);
    assert_int_equal(b.asked, 2);
    assert_int_equal(count(&a)->out, 2);
    assert_int_equal(count(&a)->in, 1);
    done(&a);
    done(&b);
}

/* Who listens for HITs has HITs, whatever the other end speaks; where nobody listens the stack answers. */
static void the_socket_decides(void **state)
{
    struct side a, b;

    both(&a, &b);
    b.takes4 = b.takes6 = true;
    send4(&a, TCP, PORT, 80, 40, true, 10);
    carry(&a, &b, 0, 11);
    assert_int_equal(version(&b, 0), 6);
    assert_int_equal(b.asked, 1);
    assert_true(b.asked_local.family == ADDR_V6 && memcmp(b.asked_local.ip, B.b, 16) == 0);
    assert_true(b.asked_peer.family == ADDR_V6 && memcmp(b.asked_peer.ip, A.b, 16) == 0);
    b.takes4 = b.takes6 = false;
    send4(&a, UDP, PORT, 81, 40, true, 12);
    carry(&a, &b, 1, 13);
    assert_int_equal(version(&b, 1), 6);
    /* b answers with HITs; a's application has LSIs. */
    send6(&b, &B, &A, TCP, 80, PORT, 14);
    carry(&b, &a, 0, 15);
    assert_int_equal(version(&a, 0), 4);
    /* One that spoke with HITs is answered with HITs. */
    send6(&a, &A, &B, TCP, PORT + 1, 80, 16);
    send6(&b, &B, &A, TCP, 80, PORT + 1, 17);
    carry(&b, &a, 1, 18);
    assert_int_equal(version(&a, 1), 6);
    /* ICMP echo: the stack answers what came; what was asked by LSI is answered so. */
    struct made m;
    uint8_t *ip = make(&m, &a, ICMP, 0x0800, 0, 40, true);
    ip[24] = 0x12;
    host_data_from_app(a.d, ip, m.len, 20);
    carry(&a, &b, a.wires - 1, 21);
    assert_int_equal(version(&b, b.apps - 1), 6);
    assert_int_equal(b.app[b.apps - 1][40], 128);
    uint8_t buf[ROOM + 80 + ROOM] = { 0 }, *p = buf + ROOM;
    assert_int_equal(beet_header(&B, &A, 58, 0, 64, 40, p), ERR_OK);
    p[40] = 129;
    memcpy(p + 44, ip + 24, 2);
    host_data_from_app(b.d, p, 80, 22);
    carry(&b, &a, b.wires - 1, 23);
    assert_int_equal(version(&a, a.apps - 1), 4);
    assert_int_equal(a.app[a.apps - 1][20], 0);
    done(&a);
    done(&b);
}

/* A TCP connection that begins is another one than the last of these ports. */
static void opened_anew(void **state)
{
    struct side a, b;
    uint8_t syn[ROOM + 80 + ROOM] = { 0 }, *p = syn + ROOM, again[80];

    both(&a, &b);
    b.takes4 = true;
    send4(&a, TCP, PORT, 80, 40, true, 10);
    carry(&a, &b, 0, 11);
    assert_int_equal(version(&b, 0), 4);
    assert_int_equal(beet_header(&A, &B, TCP, 0, 64, 40, p), ERR_OK);
    p[40] = PORT >> 8;
    p[41] = PORT & 255;
    p[43] = 80;
    p[53] = 0x02;
    memcpy(again, p, 80);
    b.takes6 = true; /* another server is there now */
    host_data_from_app(a.d, p, 80, 12);
    carry(&a, &b, 1, 13);
    assert_int_equal(version(&b, 1), 6);
    memcpy(p, again, 80);
    p[53] = 0x12; /* SYN and ACK answer one: nothing new */
    unsigned asked = b.asked;
    host_data_from_app(a.d, p, 80, 14);
    carry(&a, &b, 2, 15);
    assert_int_equal(b.asked, asked);
    done(&a);
    done(&b);
}

/* Packets wait for the base exchange as those between HITs do; where it fails IPv4 hears it in its own way. */
static void waiting(void **state)
{
    struct side a, b;

    side_init(&a, &A, &B, false);
    side_init(&b, &B, &A, false);
    send4(&a, UDP, PORT, 7, 40, true, 10);
    send4(&a, UDP, PORT, 7, 40, true, 11);
    assert_int_equal(a.wants, 2);
    host_data_unreachable(a.d, &B, 12);
    assert_int_equal(a.apps, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(version(&a, i), 4);
        assert_int_equal(a.app[i][9], ICMP);
        assert_int_equal(a.app[i][20], 3);
        assert_int_equal(a.app[i][21], 1);
        assert_memory_equal(a.app[i] + 12, a.peer.ip, 4); /* from whom it was for */
        assert_memory_equal(a.app[i] + 28 + 16, a.peer.ip, 4);
    }
    send4(&a, UDP, PORT, 7, 40, true, 13);
    b.takes4 = true;
    up(&a, &b);
    assert_int_equal(a.wires, 1);
    carry(&a, &b, 0, 14);
    assert_int_equal(version(&b, 0), 4);
    done(&a);
    done(&b);
}

static void path_takes_less(void **state)
{
    struct side a, b;
    struct made m;
    static uint8_t whole[4096], got[4096];
    size_t end = 0;

    both(&a, &b);
    b.takes4 = true;
    a.mtu = 1340;
    /* 1340 - 20 - 8 - 8 - 16 - 2 between HITs without their header, and 20 less than with theirs. */
    send4(&a, UDP, PORT, 7, 1286, true, 10);
    assert_int_equal(a.wires, 1);
    assert_int_equal(a.apps, 0);
    send4(&a, UDP, PORT, 7, 1287, true, 11);
    assert_int_equal(a.wires, 1);
    assert_int_equal(a.apps, 1);
    assert_int_equal(a.app[0][20], 3);
    assert_int_equal(a.app[0][21], 4);
    assert_int_equal(a.app[0][26] << 8 | a.app[0][27], 1306);
    assert_int_equal(host_data_count(a.d)->too_big, 1);
    /* Without DF: pieces that fit, the same datagram at the other end, in IPv4. */
    uint8_t *ip = make(&m, &a, UDP, PORT, 7, 3000, false);
    memcpy(whole, ip, m.len);
    host_data_from_app(a.d, ip, m.len, 12);
    assert_int_equal(a.wires, 4);
    for (size_t i = 1; i < 4; i++) {
        struct beet4_packet p;
        assert_true(a.wire_len[i] + 20 <= 1340);
        carry(&a, &b, i, 13);
        assert_int_equal(beet4_parse(span_of(b.app[i - 1], b.app_len[i - 1]), &p), ERR_OK);
        assert_int_equal(p.mf, i < 3);
        assert_int_equal(p.offset, end);
        memcpy(got + end, p.payload.p, p.payload.n);
        end += p.payload.n;
    }
    assert_int_equal(end, 3000);
    assert_memory_equal(got, whole + 20, 6);
    assert_memory_equal(got + 8, whole + 28, 2992);
    /* A fragment that is too long is split again, and keeps who it is of. */
    struct beet4_packet f = { .protocol = UDP, .ttl = 61, .mf = true, .offset = 4000, .id = 0x4321 };
    size_t head;
    memcpy(f.src, whole + 12, 4);
    memcpy(f.dst, whole + 16, 4);
    assert_int_equal(beet4_header(&f, 1400, ip, &head), ERR_OK);
    host_data_from_app(a.d, ip, head + 1400, 14);
    assert_int_equal(a.wires, 6);
    done(&a);
    done(&b);
}

/* Fragments behind the first have no ports: they go where the first one went. */
static void fragments_follow(void **state)
{
    struct side a, b;
    struct beet4_packet f = { .protocol = UDP, .ttl = 61, .mf = true, .id = 7 };
    uint8_t buf[ROOM + 400 + ROOM], *ip = buf + ROOM;
    size_t head;

    both(&a, &b);
    b.takes4 = true;
    memcpy(f.src, ((uint8_t[]){ 198, 19, 0, 1 }), 4);
    memcpy(f.dst, a.peer.ip, 4);
    for (unsigned i = 0; i < 3; i++) {
        f.mf = i < 2;
        f.offset = (uint16_t)(80 * (i % 2)); /* the last one is the first of another datagram */
        f.id = i < 2 ? 7 : 8;
        assert_int_equal(beet4_header(&f, 80, ip, &head), ERR_OK);
        memset(ip + head, 3, 80);
        host_data_from_app(a.d, ip, head + 80, 10 + i);
        carry(&a, &b, i, 20 + i);
        assert_int_equal(version(&b, i), 4);
    }
    /* Of a datagram whose first one nobody has seen. */
    f.id = 9;
    f.offset = 800;
    assert_int_equal(beet4_header(&f, 80, ip, &head), ERR_OK);
    host_data_from_app(a.d, ip, head + 80, 30);
    carry(&a, &b, 3, 31);
    assert_int_equal(version(&b, 3), 6);
    done(&a);
    done(&b);
}

/* One fragment of a long echo request by LSI: of 3 * 80 octets and a few. */
static void echo_part(struct side *s, unsigned i, uint16_t id, uint64_t now)
{
    struct beet4_packet f = {
        .protocol = ICMP, .ttl = 61, .mf = i < 3, .offset = (uint16_t)(80 * i), .id = id
    };
    uint8_t buf[ROOM + 120 + ROOM], *ip = buf + ROOM;
    size_t head, n = i < 3 ? 80 : 9;

    memcpy(f.src, ((uint8_t[]){ 198, 19, 0, 1 }), 4);
    memcpy(f.dst, s->peer.ip, 4);
    assert_int_equal(beet4_header(&f, n, ip, &head), ERR_OK);
    memset(ip + head, 3, n);
    if (i == 0)
        memcpy(ip + head, ((uint8_t[]){ 8, 0, 0, 0, 0x12, 0x34, 0, 1 }), 8);
    host_data_from_app(s->d, ip, head + n, now);
}

/* The first fragment goes when the last one is there, and the answer comes by LSI as well. */
static void long_echo(void **state)
{
    struct side a, b;

    both(&a, &b);
    for (unsigned i = 0; i < 4; i++) {
        echo_part(&a, i, 7, 10 + i);
        assert_int_equal(a.wires, i < 3 ? i : 4);
    }
    for (unsigned i = 0; i < 4; i++)
        carry(&a, &b, i, 20);
    assert_int_equal(b.apps, 4);
    assert_int_equal(version(&b, 3), 6);
    assert_int_equal(b.app[3][48], 128);
    assert_int_equal(b.app[3][42] << 8 | b.app[3][43], 1);
    /* b's stack answers in IPv6, in fragments, the first one first. */
    for (unsigned i = 0; i < 4; i++) {
        uint8_t buf[ROOM + 200 + ROOM], *p = buf + ROOM;
        unsigned from = i == 0 ? 3 : i - 1;
        size_t n = b.app_len[from];
        memcpy(p, b.app[from], n);
        memcpy(p + 8, B.b, 16);
        memcpy(p + 24, A.b, 16);
        if (i == 0)
            p[48] = 129;
        host_data_from_app(b.d, p, n, 30);
        carry(&b, &a, b.wires - 1, 31);
        assert_int_equal(a.apps, i == 0 ? 0 : i < 3 ? i : 4);
    }
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(version(&a, i), 4);
    assert_int_equal(a.app[2][20], 0); /* echo reply, released by the last one, before it */
    assert_int_equal(a.app[2][6] & 0x20, 0x20);
    assert_int_equal(a.app[3][6] & 0x20, 0);
    assert_int_equal(count(&a)->untranslated, 0);
    /* Too late; another datagram's; one too many: the one held for longest goes nowhere. */
    unsigned was = (unsigned)a.wires;
    echo_part(&a, 0, 8, 100);
    echo_part(&a, 3, 8, 100 + HOST_V4_HELD_US);
    assert_int_equal(a.wires, was + 1);
    echo_part(&a, 0, 9, 101 + HOST_V4_HELD_US);
    echo_part(&a, 3, 10, 102 + HOST_V4_HELD_US);
    assert_int_equal(a.wires, was + 2);
    for (unsigned i = 0; i < HOST_V4_HELD_MAX; i++)
        echo_part(&a, 0, (uint16_t)(20 + i), 103 + HOST_V4_HELD_US + i);
    assert_int_equal(count(&a)->untranslated, 2);
    echo_part(&a, 3, 9, 200 + HOST_V4_HELD_US);
    assert_int_equal(a.wires, was + 3);
    echo_part(&a, 3, 20, 201 + HOST_V4_HELD_US);
    assert_int_equal(a.wires, was + 5);
    done(&a);
    done(&b);
}

static void refused(void **state)
{
    struct side a;
    struct made m;
    uint8_t *ip;

    side_init(&a, &A, &B, false);
    up(&a, NULL);
    ip = make(&m, &a, UDP, PORT, 7, 40, true);
    host_data_from_app(a.d, ip, m.len - 1, 1);
    assert_int_equal(count(&a)->malformed, 1);
    host_data_from_app(a.d, ip, 1, 1);
    assert_int_equal(count(&a)->malformed, 2);
    struct addr own = host_lsi_own(a.lsis), peer = a.peer;
    uint8_t bad[ROOM + 60 + ROOM], *q = bad + ROOM;
    struct beet4_packet p = { .protocol = UDP, .ttl = 1 };
    size_t head;
    memcpy(p.src, ((uint8_t[]){ 198, 19, 0, 2 }), 4);
    memcpy(p.dst, peer.ip, 4);
    assert_int_equal(beet4_header(&p, 40, q, &head), ERR_OK);
    host_data_from_app(a.d, q, 60, 1);
    assert_int_equal(count(&a)->spoofed, 1);
    assert_int_equal(a.apps, 0);
    memcpy(p.src, own.ip, 4);
    memcpy(p.dst, ((uint8_t[]){ 198, 19, 255, 255 }), 4);
    assert_int_equal(beet4_header(&p, 40, q, &head), ERR_OK);
    host_data_from_app(a.d, q, 60, 1);
    assert_int_equal(count(&a)->unknown, 1);
    assert_int_equal(a.apps, 1);
    assert_int_equal(a.app[0][20] << 8 | a.app[0][21], 0x0301);
    memcpy(p.dst, ((uint8_t[]){ 224, 0, 0, 22 }), 4); /* the stack's own */
    assert_int_equal(beet4_header(&p, 40, q, &head), ERR_OK);
    host_data_from_app(a.d, q, 60, 1);
    assert_int_equal(count(&a)->unknown, 2);
    assert_int_equal(a.apps, 1);
    p.protocol = 58;
    memcpy(p.dst, peer.ip, 4);
    assert_int_equal(beet4_header(&p, 40, q, &head), ERR_OK);
    host_data_from_app(a.d, q, 60, 1);
    assert_int_equal(count(&a)->untranslated, 1);
    assert_int_equal(a.wires, 0);
    host_v4_identity(a.v, &B, false); /* not ours anyway */
    send4(&a, UDP, PORT, 7, 40, true, 2);
    assert_int_equal(a.wires, 1);
    host_v4_identity(a.v, &A, false);
    send4(&a, UDP, PORT, 7, 40, true, 3);
    assert_int_equal(a.wires, 1);
    assert_int_equal(count(&a)->no_identity, 1);
    assert_int_equal(a.apps, 2);
    assert_int_equal(a.app[1][20] << 8 | a.app[1][21], 0x0301);
    /* Without the IPv4 side it is no packet between HITs; nor is one that only IPv4 becomes. */
    host_data_v4(a.d, NULL);
    send4(&a, UDP, PORT, 7, 40, true, 4);
    send6(&a, &A, &B, BEET4_NH_PSEUDO, 0, 0, 5);
    assert_int_equal(host_data_count(a.d)->not_hit, 2);
    done(&a);
}

/* The same ports in both families: who is there keeps them, while a socket of its is there. */
static void clash(void **state)
{
    struct side a;

    side_init(&a, &A, &B, false);
    up(&a, NULL);
    send6(&a, &A, &B, TCP, PORT, 80, 10);
    a.takes6 = true;
    send4(&a, TCP, PORT, 80, 40, true, 11);
    assert_int_equal(count(&a)->clash, 1);
    assert_int_equal(a.wires, 1);
    assert_int_equal(a.app[0][20] << 8 | a.app[0][21], 0x0301);
    assert_true(a.asked_local.family == ADDR_V6 && a.asked_local.port == PORT && a.asked_peer.port == 80);
    send4(&a, TCP, PORT + 1, 80, 40, true, 12); /* other ports */
    assert_int_equal(a.wires, 2);
    a.takes6 = false;
    send4(&a, TCP, PORT, 80, 40, true, 13); /* its socket is gone */
    assert_int_equal(a.wires, 3);
    a.takes4 = true;
    send6(&a, &A, &B, TCP, PORT, 80, 14);
    assert_int_equal(count(&a)->clash, 2);
    assert_int_equal(a.wires, 3);
    assert_int_equal(a.apps, 2);
    assert_int_equal(version(&a, 1), 6); /* told in its own family, not in the flow's */
    assert_int_equal(a.app[1][40], 1);
    a.takes4 = false;
    send6(&a, &A, &B, TCP, PORT, 80, 15);
    assert_int_equal(a.wires, 4);
    done(&a);
}

/* A peer that has no LSI when all are in use. */
static void no_lsi(void **state)
{
    struct side a, b;

    both(&a, &b);
    b.takes4 = true;
    for (unsigned i = 0; i < HOST_LSI_MAX + 5; i++) {
        struct hit h = { { 0x20, 0x01, 0x00, 0x22, 9, [14] = (uint8_t)(i >> 8), [15] = (uint8_t)i } };
        struct addr any;
        (void)!host_lsi_give(b.lsis, &h, HOST_LSI_KEEP_US + 1, &any); /* a's is the oldest */
    }
    struct addr any;
    assert_false(host_lsi_find(b.lsis, &A, &any));
    send4(&a, UDP, PORT, 7, 40, true, 10);
    carry(&a, &b, 0, HOST_LSI_KEEP_US + 2);
    assert_int_equal(b.apps, 0);
    assert_int_equal(count(&b)->full, 1);
    done(&a);
    done(&b);
}

/* RFC 7402 B.1.6 MUST: what came in a pseudo-header stands behind an IPv4 header. Without the IPv4 side there is none. */
static void options(void **state)
{
    static const uint8_t alert[] = { 148, 4, 0, 0 };
    struct side a, b;
    struct beet4_packet p = { .protocol = UDP, .ttl = 61, .df = true, .options = span_of(alert, 4) }, q;
    uint8_t buf[ROOM + 64 + ROOM], *ip = buf + ROOM;
    size_t head;

    side_init(&a, &A, &B, true);
    side_init(&b, &B, &A, false);
    up(&a, &b);
    memcpy(p.src, ((uint8_t[]){ 198, 19, 0, 1 }), 4);
    memcpy(p.dst, a.peer.ip, 4);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(beet4_header(&p, 40, ip, &head), ERR_OK);
        memset(ip + head, 5, 40);
        host_data_from_app(a.d, ip, head + 40, 10);
        carry(&a, &b, i, 11);
        if (i == 0)
            host_data_v4(b.d, NULL);
    }
    assert_int_equal(b.apps, 1);
    assert_int_equal(beet4_parse(span_of(b.app[0], b.app_len[0]), &q), ERR_OK);
    assert_true(span_eq(q.options, span_of(alert, 4)));
    assert_int_equal(q.protocol, UDP);
    assert_int_equal(host_data_count(b.d)->bad, 1);
    done(&a);
    done(&b);
}

static struct host_flow flow(unsigned n)
{
    return (struct host_flow){ .peer = A, .proto = UDP, .local = (uint16_t)n, .remote = (uint16_t)(n >> 16) };
}

static void flow_table(void **state)
{
    const uint8_t seed[16] = { 1 };
    struct host_flows *t = host_flows_new(seed);
    struct host_flow f = flow(1), g = f;
    unsigned kept = 0;

    assert_int_equal(host_flows_get(t, &f, 1), 0);
    host_flows_put(t, &f, 4, 1);
    assert_int_equal(host_flows_get(t, &f, 2), 4);
    host_flows_put(t, &f, 6, 3);
    assert_int_equal(host_flows_get(t, &f, 4), 6);
    g.proto = TCP;
    assert_int_equal(host_flows_get(t, &g, 4), 0);
    g = f;
    g.peer.b[15] ^= 1;
    assert_int_equal(host_flows_get(t, &g, 4), 0);
    g = f;
    g.remote++;
    assert_int_equal(host_flows_get(t, &g, 4), 0);
    assert_int_equal(host_flows_get(t, &f, 4 + HOST_FLOW_IDLE_US - 1), 6); /* asked for: not quiet */
    assert_int_equal(host_flows_get(t, &f, 4 + 2 * HOST_FLOW_IDLE_US - 2), 6);
    assert_int_equal(host_flows_get(t, &f, 4 + 3 * HOST_FLOW_IDLE_US), 0);
    /* More than fit: the latest are there. */
    for (unsigned i = 0; i < 3 * HOST_FLOWS_MAX; i++) {
        f = flow(i + 10);
        host_flows_put(t, &f, 4, 100 + i);
        assert_int_equal(host_flows_get(t, &f, 100 + i), 4);
    }
    for (unsigned i = 0; i < 3 * HOST_FLOWS_MAX; i++) {
        f = flow(i + 10);
        kept += host_flows_get(t, &f, 100 + 3 * HOST_FLOWS_MAX) != 0;
    }
    assert_true(kept <= HOST_FLOWS_MAX && kept > HOST_FLOWS_MAX / 2);
    host_flows_free(t);
}

/* An error is of the flow that it quotes; no flow is read beyond what is there. */
static void flows_of_packets(void **state)
{
    uint8_t p[120] = { 0 }, icmp[ICMP6_ERROR_MAX];
    struct host_flow f, g, rest;

    assert_int_equal(beet_header(&A, &B, UDP, 0, 64, 80, p), ERR_OK);
    p[41] = 5;
    p[43] = 9;
    assert_int_equal(host_flow_of(span_of(p, 120), true, &f, &rest), HOST_FLOW_GOES_ON);
    assert_true(hit_eq(&f.peer, &B) && f.proto == UDP && f.local == 5 && f.remote == 9 && rest.proto == 0);
    assert_int_equal(host_flow_of(span_of(p, 120), false, &g, &rest), HOST_FLOW_GOES_ON);
    assert_true(hit_eq(&g.peer, &A) && g.local == 9 && g.remote == 5);
    size_t n = icmp6_unreachable(span_of(p, 120), icmp);
    assert_int_equal(host_flow_of(span_of(icmp, n), false, &g, &rest), HOST_FLOW_GOES_ON);
    assert_memory_equal(&f, &g, sizeof(f));
    for (size_t i = 0; i < 92; i++)
        assert_int_equal(host_flow_of(span_of(icmp, i), false, &g, &rest), HOST_FLOW_NONE);
    icmp[48 + 6] = 58; /* an error about an error */
    icmp[88] = 1;
    assert_int_equal(host_flow_of(span_of(icmp, n), false, &g, &rest), HOST_FLOW_NONE);
    for (size_t i = 0; i < 44; i++)
        assert_int_equal(host_flow_of(span_of(p, i), true, &f, &rest), HOST_FLOW_NONE);
    p[6] = FRAGMENT;
    p[40] = UDP;
    p[43] = 1;
    p[47] = 77;
    p[49] = 5;
    p[51] = 9;
    assert_int_equal(host_flow_of(span_of(p, 120), true, &f, &rest), HOST_FLOW_GOES_ON);
    assert_true(f.proto == UDP && f.local == 5 && f.remote == 9);
    assert_true(rest.proto == FRAGMENT && rest.fragment == 77);
    p[43] = 0x58;
    assert_int_equal(host_flow_of(span_of(p, 120), true, &f, &g), HOST_FLOW_GOES_ON);
    assert_memory_equal(&f, &rest, sizeof(f));
    assert_int_equal(g.proto, 0);
}

static int once(void **state)
{
    return crypto_init() != ERR_OK;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(the_socket_decides),
        cmocka_unit_test(opened_anew),
        cmocka_unit_test(waiting),
        cmocka_unit_test(path_takes_less),
        cmocka_unit_test(fragments_follow),
        cmocka_unit_test(refused),
        cmocka_unit_test(long_echo),
        cmocka_unit_test(clash),
        cmocka_unit_test(no_lsi),
        cmocka_unit_test(options),
        cmocka_unit_test(flow_table),
        cmocka_unit_test(flows_of_packets),
    };
    return cmocka_run_group_tests(tests, once, NULL);
}
