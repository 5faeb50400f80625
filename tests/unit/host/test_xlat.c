/* SPDX-License-Identifier: Apache-2.0
 * Packets between LSIs and between HITs: what one becomes, back again, and what is left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/insum.h"
#include "hip/esp/beet.h"
#include "host/icmp4.h"
#include "host/icmp6.h"
#include "host/xlat.h"

static const struct xlat_ends E = { .src4 = { 198, 19, 0, 1 },
                                    .dst4 = { 198, 19, 7, 7 },
                                    .src6 = { { 0x20, 0x01, 0x00, 0x22, 1, 2, 3, 4 } },
                                    .dst6 = { { 0x20, 0x01, 0x00, 0x21, 9, 8, 7, 6 } } };
static const struct xlat_ends BACK = { .src4 = { 198, 19, 7, 7 },
                                       .dst4 = { 198, 19, 0, 1 },
                                       .src6 = { { 0x20, 0x01, 0x00, 0x21, 9, 8, 7, 6 } },
                                       .dst6 = { { 0x20, 0x01, 0x00, 0x22, 1, 2, 3, 4 } } };
enum { ICMP = 1, TCP = 6, UDP = 17, ICMP6 = 58 };

static size_t sum_at(uint8_t proto)
{
    return proto == TCP ? 16 : proto == UDP ? 6 : 2;
}

static void put_sum(uint8_t *body, size_t n, uint8_t proto, uint32_t pseudo)
{
    size_t at = sum_at(proto);

    body[at] = body[at + 1] = 0;
    uint16_t sum = (uint16_t)~insum_fold(insum_add(pseudo, span_of(body, n)));
    body[at] = (uint8_t)(sum >> 8);
    body[at + 1] = (uint8_t)sum;
}

static uint32_t pseudo4(const struct xlat_ends *e, uint8_t proto, size_t n)
{
    if (proto == ICMP)
        return 0;
    return insum_add(insum_add(0, span_of(e->src4, 4)), span_of(e->dst4, 4)) + proto + (uint32_t)n;
}

static uint32_t pseudo6(const struct xlat_ends *e, uint8_t proto, size_t n)
{
    return insum_add(insum_add(0, span_of(e->src6.b, 16)), span_of(e->dst6.b, 16)) + proto + (uint32_t)n;
}

/* Is the checksum of this body right, there where it ends? */
static bool right4(const uint8_t *ip4, const struct xlat_ends *e)
{
    size_t head = (size_t)(ip4[0] & 15) * 4, n = (size_t)(ip4[2] << 8 | ip4[3]) - head;
    return insum_fold(insum_add(pseudo4(e, ip4[9], n), span_of(ip4 + head, n))) == 0xffff &&
           insum_fold(insum_add(0, span_of(ip4, head))) == 0xffff;
}

static bool right6(const uint8_t *ip6, const struct xlat_ends *e)
{
    size_t n = (size_t)(ip6[4] << 8 | ip6[5]);
    return insum_fold(insum_add(pseudo6(e, ip6[6], n), span_of(ip6 + 40, n))) == 0xffff;
}

/* A packet of n octets of body, as the stack makes it. */
static size_t make4(uint8_t *out, const struct xlat_ends *e, uint8_t proto, size_t n,
                    const struct beet4_packet *more)
{
    struct beet4_packet p = more ? *more : (struct beet4_packet){ .df = true };
    size_t head;

    p.protocol = proto;
    p.tos = 0xb9;
    p.ttl = 63;
    memcpy(p.src, e->src4, 4);
    memcpy(p.dst, e->dst4, 4);
    assert_int_equal(beet4_header(&p, n, out, &head), ERR_OK);
    for (size_t i = 0; i < n; i++)
        out[head + i] = (uint8_t)(7 * i + proto);
    if (proto == ICMP) {
        out[head] = 8;
        out[head + 1] = 0;
    }
    if (!p.offset && n > sum_at(proto) + 1)
        put_sum(out + head, n, proto, pseudo4(e, proto, n));
    return head + n;
}

static err to6(const uint8_t *ip4, size_t n, bool options, uint8_t out[2048], size_t *len)
{
    struct beet4_packet p;

    assert_int_equal(beet4_parse(span_of(ip4, n), &p), ERR_OK);
    return xlat_4to6(&E, &p, 0, options, out, 2048, len);
}

static void there_and_back(void **state)
{
    static const uint8_t protos[] = { ICMP, TCP, UDP };
    uint8_t a[2048], b[2048], c[2048];
    size_t n, m, k;

    for (size_t i = 0; i < sizeof(protos); i++)
        for (size_t body = 20; body < 1400; body += 271) {
            n = make4(a, &E, protos[i], body, NULL);
            assert_int_equal(to6(a, n, false, b, &m), ERR_OK);
            assert_int_equal(m, n + 20);
            assert_int_equal(b[0] >> 4, 6);
            assert_int_equal((b[0] & 15) << 4 | b[1] >> 4, 0xb9);
            assert_int_equal(b[6], protos[i] == ICMP ? ICMP6 : protos[i]);
            assert_int_equal(b[7], 63);
            assert_memory_equal(b + 8, E.src6.b, 16);
            assert_memory_equal(b + 24, E.dst6.b, 16);
            assert_true(right6(b, &E));
            if (protos[i] == ICMP)
                assert_int_equal(b[40], 128);
            assert_int_equal(xlat_6to4(&E, span_of(b, m), 0, c, sizeof(c), &k), ERR_OK);
            assert_int_equal(k, n);
            assert_true(right4(c, &E));
            assert_memory_equal(c, a, n);
        }
    /* A checksum that is wrong stays so. */
    n = make4(a, &E, TCP, 40, NULL);
    a[36] ^= 4;
    assert_int_equal(to6(a, n, false, b, &m), ERR_OK);
    assert_false(right6(b, &E));
}

/* RFC 7915 s4.5: one that UDP went without is made; in a fragment it cannot be. RFC 768: zero is written as its other form. */
static void udp_without_checksum(void **state)
{
    struct beet4_packet first = { .mf = true };
    uint8_t a[2048], b[2048], c[2048];
    size_t n = make4(a, &E, UDP, 30, NULL), m;

    a[26] = a[27] = 0;
    assert_int_equal(to6(a, n, false, b, &m), ERR_OK);
    assert_true(right6(b, &E));
    b[46] = b[47] = 0;
    assert_int_equal(xlat_6to4(&E, span_of(b, m), 0, c, sizeof(c), &n), ERR_UNSUPPORTED);
    n = make4(a, &E, UDP, 32, &first);
    assert_int_equal(to6(a, n, false, b, &m), ERR_OK);
    a[26] = a[27] = 0;
    assert_int_equal(to6(a, n, false, b, &m), ERR_UNSUPPORTED);
    /* A body whose sum between HITs comes out as zero. */
    n = make4(a, &E, UDP, 10, NULL);
    uint16_t bare = insum_fold(insum_add(pseudo6(&E, UDP, 10), span_of(a + 20, 6)));
    bare = (uint16_t)~bare;
    a[28] = (uint8_t)(bare >> 8);
    a[29] = (uint8_t)bare;
    put_sum(a + 20, 10, UDP, pseudo4(&E, UDP, 10));
    assert_int_equal(to6(a, n, false, b, &m), ERR_OK);
    assert_int_equal(b[46] << 8 | b[47], 0xffff);
}

/* An echo in fragments: the checksum of the first one is for the whole, whose length has to be known. */
static void echo_in_fragments(void **state)
{
    struct beet4_packet first = { .mf = true, .id = 7 }, last = { .offset = 80, .id = 7 };
    uint8_t a[2048], b[2048], c[2048], all[2048], six[128];
    struct beet4_packet p;
    size_t n = make4(all, &E, ICMP, 101, NULL), m, k;

    /* The datagram cut in two: checksum of the whole in the first. */
    n = make4(a, &E, ICMP, 80, &first);
    memcpy(a + 20, all + 20, 80);
    assert_int_equal(to6(a, n, false, b, &m), ERR_UNSUPPORTED);
    assert_int_equal(beet4_parse(span_of(a, n), &p), ERR_OK);
    assert_int_equal(xlat_4to6(&E, &p, 101, false, b, sizeof(b), &m), ERR_OK);
    assert_int_equal(b[6], 44);
    assert_int_equal(b[40], ICMP6);
    assert_int_equal(b[48], 128);
    memcpy(six, b + 48, 80);
    assert_int_equal(xlat_6to4(&E, span_of(b, m), 0, c, sizeof(c), &k), ERR_UNSUPPORTED);
    assert_int_equal(xlat_6to4(&E, span_of(b, m), 101, c, sizeof(c), &k), ERR_OK);
    assert_int_equal(k, n);
    assert_memory_equal(c, a, n);
    n = make4(a, &E, ICMP, 21, &last);
    memcpy(a + 20, all + 100, 21);
    assert_int_equal(to6(a, n, false, b, &m), ERR_OK);
    assert_int_equal(b[40], ICMP6);
    memcpy(six + 80, b + 48, 21);
    assert_int_equal(insum_fold(insum_add(pseudo6(&E, ICMP6, 101), span_of(six, 101))), 0xffff);
    assert_int_equal(xlat_6to4(&E, span_of(b, m), 0, c, sizeof(c), &k), ERR_OK);
    assert_memory_equal(c, a, n);
    /* No error is in fragments. */
    n = make4(a, &E, ICMP, 80, &first);
    a[20] = 3;
    assert_int_equal(beet4_parse(span_of(a, n), &p), ERR_OK);
    assert_int_equal(xlat_4to6(&E, &p, 101, false, b, sizeof(b), &m), ERR_UNSUPPORTED);
}

/* RFC 7915 s4.1, s5.1.1: fragments have the fragment header. */
static void fragments(void **state)
{
    struct beet4_packet first = { .mf = true, .id = 0x1234 }, last = { .offset = 1480, .id = 0x1234 };
    uint8_t a[2048], b[2048], c[2048];
    size_t n = make4(a, &E, UDP, 80, &first), m, k;

    assert_int_equal(to6(a, n, false, b, &m), ERR_OK);
    assert_int_equal(m, n + 28);
    assert_int_equal(b[6], 44);
    assert_int_equal(b[40], UDP);
    assert_int_equal(b[42] << 8 | b[43], 1);
    assert_memory_equal(b + 44, ((uint8_t[]){ 0, 0, 0x12, 0x34 }), 4);
    assert_int_equal(xlat_6to4(&E, span_of(b, m), 0, c, sizeof(c), &k), ERR_OK);
    assert_int_equal(k, n);
    assert_memory_equal(c, a, n);
    b[5] -= 1; /* a first one that ends within eight octets; one that reaches beyond every datagram */
    assert_int_equal(xlat_6to4(&E, span_of(b, m - 1), 0, c, sizeof(c), &k), ERR_MALFORMED);
    b[5] += 1;
    b[42] = 0xff;
    b[43] = 0xf8;
    assert_int_equal(xlat_6to4(&E, span_of(b, m), 0, c, sizeof(c), &k), ERR_MALFORMED);
    n = make4(a, &E, UDP, 33, &last);
    assert_int_equal(to6(a, n, false, b, &m), ERR_OK);
    assert_int_equal(b[42] << 8 | b[43], 1480);
    assert_memory_equal(b + 48, a + 20, 33);
    assert_int_equal(xlat_6to4(&E, span_of(b, m), 0, c, sizeof(c), &k), ERR_OK);
    assert_memory_equal(c, a, n);
    n = make4(a, &E, ICMP, 80, &first);
    assert_int_equal(to6(a, n, false, b, &m), ERR_UNSUPPORTED);
    b[6] = 44;
    assert_int_equal(xlat_6to4(&E, span_of(b, 44), 0, c, sizeof(c), &k), ERR_MALFORMED);
}

/* RFC 7402 B.1.5, B.1.7: left out, or in a pseudo-header, which becomes options again. */
static void options(void **state)
{
    static const uint8_t alert[] = { 148, 4, 0, 0 };
    struct beet4_packet with = { .df = true, .options = span_of(alert, 4) };
    uint8_t a[2048], b[2048], c[2048];
    size_t n = make4(a, &E, TCP, 40, &with), m, k;

    assert_int_equal(n, 64);
    assert_int_equal(to6(a, n, false, b, &m), ERR_OK);
    assert_int_equal(m, 80);
    assert_int_equal(b[6], TCP);
    assert_int_equal(to6(a, n, true, b, &m), ERR_OK);
    assert_int_equal(b[6], BEET4_NH_PSEUDO);
    assert_int_equal(b[40], TCP);
    assert_int_equal(m, 88);
    assert_int_equal(xlat_6to4(&E, span_of(b, m), 0, c, sizeof(c), &k), ERR_OK);
    assert_int_equal(k, n);
    assert_memory_equal(c, a, n);
    b[42] = 3;
    assert_int_equal(xlat_6to4(&E, span_of(b, m), 0, c, sizeof(c), &k), ERR_MALFORMED);
    with.mf = true; /* a fragment's are left out */
    with.df = false;
    n = make4(a, &E, TCP, 40, &with);
    assert_int_equal(to6(a, n, true, b, &m), ERR_OK);
    assert_int_equal(b[6], 44);
}

/* RFC 7126 s4.3, s4.4: nobody chooses a way through the other host; and what is no option is none. */
static void options_refused(void **state)
{
    static const struct {
        uint8_t o[8];
        size_t n;
        err e;
    } rows[] = {
        { { 131, 7, 4, 10, 0, 0, 1, 0 }, 8, ERR_UNSUPPORTED },
        { { 1, 137, 7, 4, 10, 0, 0, 1 }, 8, ERR_UNSUPPORTED },
        { { 7, 7, 4, 0, 0, 0, 0, 0 }, 8, ERR_OK },
        { { 1, 1, 1, 0 }, 4, ERR_OK },
        { { 0, 131, 131, 131 }, 4, ERR_OK },
        { { 7, 9, 4, 0, 0, 0, 0, 0 }, 8, ERR_UNSUPPORTED },
        { { 7, 1, 1, 1 }, 4, ERR_UNSUPPORTED },
        { { 7, 0, 1, 1 }, 4, ERR_UNSUPPORTED },
        { { 1, 1, 1, 7 }, 4, ERR_UNSUPPORTED },
    };
    uint8_t a[2048], b[2048], c[2048];
    size_t n, m, k;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct beet4_packet with = { .df = true, .options = span_of(rows[i].o, rows[i].n) };
        n = make4(a, &E, TCP, 40, &with);
        assert_int_equal(to6(a, n, true, b, &m), rows[i].e);
        assert_int_equal(to6(a, n, false, b, &m), ERR_OK); /* left out */
        /* And from a peer that lets them through. */
        uint8_t ph[BEET4_PSEUDO_MAX];
        k = beet4_pseudo_write(TCP, span_of(rows[i].o, rows[i].n), ph);
        memmove(b + 40 + k, b + 40, m - 40);
        memcpy(b + 40, ph, k);
        b[5] = (uint8_t)(b[5] + k);
        b[6] = BEET4_NH_PSEUDO;
        assert_int_equal(xlat_6to4(&E, span_of(b, m + k), 0, c, sizeof(c), &n), rows[i].e);
    }
}

static void left_out(void **state)
{
    static const uint8_t not4[] = { 0, 43, 44, 58, 59, 60, 94, 135 }, not6[] = { 0, 1, 43, 59, 60, 135 };
    uint8_t a[2048], b[2048], c[2048];
    struct beet4_packet p;
    size_t n = make4(a, &E, 47, 40, NULL), m, k;

    assert_int_equal(to6(a, n, false, b, &m), ERR_OK); /* GRE: as it is */
    assert_memory_equal(b + 40, a + 20, 40);
    for (size_t i = 0; i < sizeof(not4); i++) {
        assert_int_equal(beet4_parse(span_of(a, n), &p), ERR_OK);
        p.protocol = not4[i];
        assert_int_equal(xlat_4to6(&E, &p, 0, false, b, sizeof(b), &m), ERR_UNSUPPORTED);
    }
    for (size_t i = 0; i < sizeof(not6); i++) {
        n = make4(a, &E, 47, 40, NULL);
        assert_int_equal(to6(a, n, false, b, &m), ERR_OK);
        b[6] = not6[i];
        assert_int_equal(xlat_6to4(&E, span_of(b, m), 0, c, sizeof(c), &k), ERR_UNSUPPORTED);
    }
    n = make4(a, &E, TCP, 17, NULL); /* no checksum in it */
    assert_int_equal(to6(a, n, false, b, &m), ERR_UNSUPPORTED);
    n = make4(a, &E, ICMP, 7, NULL);
    assert_int_equal(to6(a, n, false, b, &m), ERR_UNSUPPORTED);
    n = make4(a, &E, ICMP, 20, NULL);
    a[20] = 13; /* timestamp */
    assert_int_equal(to6(a, n, false, b, &m), ERR_UNSUPPORTED);
    n = make4(a, &E, UDP, 100, NULL);
    assert_int_equal(beet4_parse(span_of(a, n), &p), ERR_OK);
    assert_int_equal(xlat_4to6(&E, &p, 0, false, b, 139, &m), ERR_SPACE);
    assert_int_equal(xlat_4to6(&E, &p, 0, false, b, 140, &m), ERR_OK);
    assert_int_equal(xlat_6to4(&E, span_of(b, m), 0, c, 119, &k), ERR_SPACE);
    assert_int_equal(xlat_6to4(&BACK, span_of(b, m), 0, c, sizeof(c), &k), ERR_MALFORMED); /* other HITs */
    for (size_t i = 0; i < m; i++)
        assert_int_equal(xlat_6to4(&E, span_of(b, i), 0, c, sizeof(c), &k), ERR_MALFORMED);
}

/* An error about a packet that went from dst to src of E, so quoted with BACK's ends. */
static size_t error4(uint8_t *out, uint8_t type, uint8_t code, uint16_t word, uint8_t proto, size_t quoted)
{
    uint8_t inner[2048];
    size_t n = make4(inner, &BACK, proto, 100, NULL), head;
    struct beet4_packet p = { .protocol = ICMP, .ttl = 64 };

    n = quoted < n ? quoted : n;
    memcpy(p.src, E.src4, 4);
    memcpy(p.dst, E.dst4, 4);
    assert_int_equal(beet4_header(&p, 8 + n, out, &head), ERR_OK);
    memset(out + head, 0, 8);
    out[head] = type;
    out[head + 1] = code;
    out[head + 4] = (uint8_t)(type == 12 ? word : 0);
    out[head + 6] = (uint8_t)(type == 3 ? word >> 8 : 0);
    out[head + 7] = (uint8_t)(type == 3 ? word : 0);
    memcpy(out + head + 8, inner, n);
    put_sum(out + head, 8 + n, ICMP, 0);
    return head + 8 + n;
}

static uint32_t word6(const uint8_t *b)
{
    return (uint32_t)b[44] << 24 | (uint32_t)b[45] << 16 | (uint32_t)b[46] << 8 | b[47];
}

static void errors_to6(void **state)
{
    static const struct {
        uint8_t type, code;
        uint16_t word;
        uint8_t type6, code6;
        uint32_t word6;
    } rows[] = {
        { 3, 0, 0, 1, 0, 0 },       { 3, 1, 0, 1, 0, 0 },      { 3, 2, 0, 4, 1, 6 },  { 3, 3, 0, 1, 4, 0 },
        { 3, 4, 1300, 2, 0, 1320 }, { 3, 4, 900, 2, 0, 1280 }, { 3, 9, 0, 1, 1, 0 },  { 3, 13, 0, 1, 1, 0 },
        { 11, 0, 0, 3, 0, 0 },      { 11, 1, 0, 3, 1, 0 },     { 12, 0, 9, 4, 0, 6 }, { 12, 2, 17, 4, 0, 24 },
    };
    static const uint8_t none[][3] = { { 3, 14, 0 },  { 12, 1, 0 }, { 12, 0, 4 },
                                       { 12, 0, 20 }, { 5, 0, 0 },  { 4, 0, 0 } };
    uint8_t a[2048], b[2048];
    size_t n, m;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (size_t quoted = 28; quoted <= 120; quoted += 92) {
            n = error4(a, rows[i].type, rows[i].code, rows[i].word, UDP, quoted);
            assert_int_equal(to6(a, n, false, b, &m), ERR_OK);
            assert_int_equal(m, n + 40);
            assert_int_equal(b[40], rows[i].type6);
            assert_int_equal(b[41], rows[i].code6);
            assert_int_equal(word6(b), rows[i].word6);
            assert_true(right6(b, &E));
            /* The quoted packet: what this host's peer sent, as long as it was. */
            assert_int_equal(b[48] >> 4, 6);
            assert_int_equal(b[52] << 8 | b[53], 100);
            assert_int_equal(b[54], UDP);
            assert_memory_equal(b + 56, E.dst6.b, 16);
            assert_memory_equal(b + 72, E.src6.b, 16);
            if (quoted == 120)
                assert_true(right6(b + 48, &BACK));
        }
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        n = error4(a, none[i][0], none[i][1], none[i][2], UDP, 28);
        assert_int_equal(to6(a, n, false, b, &m), ERR_UNSUPPORTED);
    }
    /* Cut within the quoted header; about another's packet; about an error. */
    n = error4(a, 3, 3, 0, UDP, 19);
    assert_int_equal(to6(a, n, false, b, &m), ERR_UNSUPPORTED);
    n = error4(a, 3, 3, 0, UDP, 60);
    a[28 + 15] ^= 1;
    assert_int_equal(to6(a, n, false, b, &m), ERR_UNSUPPORTED);
    n = error4(a, 3, 3, 0, ICMP, 60);
    assert_int_equal(to6(a, n, false, b, &m), ERR_OK);
    assert_int_equal(b[88], 128);
    a[28 + 20] = 3;
    assert_int_equal(to6(a, n, false, b, &m), ERR_UNSUPPORTED);
}

/* What the data plane itself tells (host/icmp6.h), and the others. */
static void errors_to4(void **state)
{
    static const uint8_t rows[][4] = { { 1, 0, 3, 1 },  { 1, 1, 3, 10 }, { 1, 2, 3, 1 },
                                       { 1, 3, 3, 1 },  { 1, 4, 3, 3 },  { 3, 0, 11, 0 },
                                       { 3, 1, 11, 1 }, { 4, 1, 3, 2 },  { 4, 0, 12, 0 } };
    static const uint8_t none[][2] = { { 1, 5 }, { 1, 7 }, { 4, 2 }, { 2, 1 }, { 100, 0 } };
    uint8_t a[2048], b[2048], icmp[ICMP6_ERROR_MAX], c[2048];
    size_t n, m, k;

    n = make4(a, &BACK, TCP, 1200, NULL);
    struct beet4_packet p;
    assert_int_equal(beet4_parse(span_of(a, n), &p), ERR_OK);
    assert_int_equal(xlat_4to6(&BACK, &p, 0, false, b, sizeof(b), &m), ERR_OK);
    k = icmp6_too_big(span_of(b, m), 1300, icmp);
    assert_int_equal(xlat_6to4(&E, span_of(icmp, k), 0, c, sizeof(c), &n), ERR_OK);
    assert_int_equal(n, 576);
    assert_int_equal(c[20], 3);
    assert_int_equal(c[21], 4);
    assert_int_equal(c[26] << 8 | c[27], 1280);
    assert_true(right4(c, &E));
    assert_int_equal(c[30] << 8 | c[31], 1220);
    assert_memory_equal(c + 28 + 12, BACK.src4, 4);
    assert_memory_equal(c + 28 + 16, BACK.dst4, 4);
    assert_memory_equal(c + 48, a + 20, 100); /* TCP's ports, numbers and its own checksum */
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        k = icmp6_unreachable(span_of(b, m), icmp);
        icmp[40] = rows[i][0];
        icmp[41] = rows[i][1];
        icmp[47] = rows[i][0] == 4 && rows[i][1] == 0 ? 7 : 0;
        assert_int_equal(xlat_6to4(&E, span_of(icmp, k), 0, c, sizeof(c), &n), ERR_OK);
        assert_int_equal(c[20], rows[i][2]);
        assert_int_equal(c[21], rows[i][3]);
        assert_int_equal(c[24], rows[i][0] == 4 && rows[i][1] == 0 ? 8 : 0);
        assert_true(right4(c, &E));
    }
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        icmp[40] = none[i][0];
        icmp[41] = none[i][1];
        assert_int_equal(xlat_6to4(&E, span_of(icmp, k), 0, c, sizeof(c), &n), ERR_UNSUPPORTED);
    }
    icmp[40] = 4;
    icmp[41] = 0;
    icmp[47] = 40; /* a pointer behind the header */
    assert_int_equal(xlat_6to4(&E, span_of(icmp, k), 0, c, sizeof(c), &n), ERR_UNSUPPORTED);
}

/* RFC 792, RFC 1122 s3.2.2. */
static void host_unreachable(void **state)
{
    struct beet4_packet p, later = { .offset = 80 };
    uint8_t a[2048], out[ICMP4_ERROR_MAX];
    size_t n = make4(a, &E, UDP, 40, NULL), k;

    assert_int_equal(beet4_parse(span_of(a, n), &p), ERR_OK);
    k = icmp4_unreachable(&p, span_of(a, n), out);
    assert_int_equal(k, 28 + n);
    assert_int_equal(out[20], 3);
    assert_int_equal(out[21], 1);
    assert_true(right4(out, &BACK));
    assert_memory_equal(out + 12, E.dst4, 4);
    assert_memory_equal(out + 16, E.src4, 4);
    assert_memory_equal(out + 28, a, n);
    n = make4(a, &E, UDP, 1400, NULL);
    assert_int_equal(beet4_parse(span_of(a, n), &p), ERR_OK);
    assert_int_equal(icmp4_unreachable(&p, span_of(a, n), out), ICMP4_ERROR_MAX);
    n = make4(a, &E, ICMP, 20, NULL);
    assert_int_equal(beet4_parse(span_of(a, n), &p), ERR_OK);
    assert_true(icmp4_unreachable(&p, span_of(a, n), out) > 0);
    a[20] = 11;
    assert_int_equal(icmp4_unreachable(&p, span_of(a, n), out), 0);
    n = make4(a, &E, UDP, 40, &later);
    assert_int_equal(beet4_parse(span_of(a, n), &p), ERR_OK);
    assert_int_equal(icmp4_unreachable(&p, span_of(a, n), out), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back), cmocka_unit_test(udp_without_checksum),
        cmocka_unit_test(fragments),      cmocka_unit_test(echo_in_fragments),
        cmocka_unit_test(options),        cmocka_unit_test(options_refused),
        cmocka_unit_test(left_out),       cmocka_unit_test(errors_to6),
        cmocka_unit_test(errors_to4),     cmocka_unit_test(host_unreachable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
