/* SPDX-License-Identifier: Apache-2.0
 * IPv4 inside BEET (RFC 7402 appendix B): the inner header, and its options in the pseudo-header; a packet with options through a pair of SAs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/insum.h"
#include "common/crypto/secret.h"
#include "hip/esp/beet4.h"
#include "hip/esp/seal.h"

static const struct beet4_packet HEAD = { .src = { 198, 19, 0, 1 },
                                          .dst = { 198, 19, 7, 7 },
                                          .protocol = 17,
                                          .tos = 0xb9,
                                          .ttl = 61,
                                          .df = true,
                                          .id = 0x1234 };
/* Router alert; then a record route that fills all of the 40 octets. */
static const uint8_t ALERT[4] = { 148, 4, 0, 0 }, ROUTE[40] = { 7, 39, 4 };

static size_t packet(uint8_t out[256], const struct beet4_packet *h, size_t payload)
{
    size_t n;

    assert_int_equal(beet4_header(h, payload, out, &n), ERR_OK);
    memset(out + n, 0x5a, payload);
    return n + payload;
}

/* RFC 1071 s3's example, an odd end, and RFC 1624 s4's. */
static void test_sum(void **state)
{
    static const uint8_t words[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

    assert_int_equal(insum_fold(insum_add(0, span_of(words, 8))), 0xddf2);
    assert_int_equal(insum_fold(insum_add(0, span_of(words, 3))), 0xf201);
    assert_int_equal(insum_adjust(0xdd2f, 0x5555, 0x3285), 0x0000);
}

static void test_round(void **state)
{
    uint8_t buf[256];
    struct beet4_packet h = HEAD, p;
    size_t n = packet(buf, &h, 20);

    assert_int_equal(n, 40);
    assert_int_equal(insum_fold(insum_add(0, span_of(buf, 20))), 0xffff);
    assert_int_equal(beet4_parse(span_of(buf, n + 3), &p),
                     ERR_OK); /* what lies behind its length is not of it */
    assert_memory_equal(p.src, h.src, 4);
    assert_memory_equal(p.dst, h.dst, 4);
    assert_int_equal(p.protocol, 17);
    assert_int_equal(p.tos, 0xb9);
    assert_int_equal(p.ttl, 61);
    assert_true(p.df && !p.mf && !beet4_is_fragment(&p));
    assert_int_equal(p.id, 0x1234);
    assert_int_equal(p.payload.n, 20);
    assert_ptr_equal(p.payload.p, buf + 20);
    h = (struct beet4_packet){
        .src = { 1 }, .protocol = 6, .ttl = 1, .mf = true, .offset = 1480, .options = span_of(ROUTE, 40)
    };
    n = packet(buf, &h, 16);
    assert_int_equal(n, 76);
    assert_int_equal(beet4_parse(span_of(buf, n), &p), ERR_OK);
    assert_true(!p.df && p.mf && beet4_is_fragment(&p));
    assert_int_equal(p.offset, 1480);
    assert_true(span_eq(p.options, span_of(ROUTE, 40)));
    assert_ptr_equal(p.payload.p, buf + 60);
}

/* One octet of a header changed, its checksum right for it. */
static err with(size_t at, uint8_t v, size_t n)
{
    uint8_t buf[256];
    struct beet4_packet p;

    (void)packet(buf, &HEAD, 20);
    buf[at] = v;
    buf[10] = buf[11] = 0;
    uint16_t sum = (uint16_t)~insum_fold(insum_add(0, span_of(buf, (size_t)(buf[0] & 15) * 4)));
    buf[10] = (uint8_t)(sum >> 8);
    buf[11] = (uint8_t)sum;
    return beet4_parse(span_of(buf, n), &p);
}

static void test_bad(void **state)
{
    uint8_t buf[256];
    struct beet4_packet p;
    size_t n = packet(buf, &HEAD, 20);

    for (size_t i = 0; i < BEET4_HEAD; i++)
        assert_int_equal(beet4_parse(span_of(buf, i), &p), ERR_TRUNCATED);
    assert_int_equal(beet4_parse(span_of(buf, n - 1), &p), ERR_MALFORMED);
    buf[10] ^= 1;
    assert_int_equal(beet4_parse(span_of(buf, n), &p), ERR_MALFORMED);
    assert_int_equal(with(1, 0, 40), ERR_OK);
    assert_int_equal(with(0, 0x65, 40), ERR_MALFORMED); /* version */
    assert_int_equal(with(0, 0x44, 40), ERR_MALFORMED); /* header of 16 octets */
    assert_int_equal(with(0, 0x4f, 40), ERR_MALFORMED); /* longer than the packet */
    assert_int_equal(with(3, 19, 40), ERR_MALFORMED);   /* total length below the header's */
    assert_int_equal(with(3, 41, 40), ERR_MALFORMED);   /* and beyond what came */
    assert_int_equal(with(6, 0x20, 40), ERR_MALFORMED); /* more fragments behind 20 octets */
    assert_int_equal(with(6, 0x1f, 40), ERR_OK);        /* the last one, far behind */
    assert_int_equal(with(8, 0, 40), ERR_REFUSED);      /* TTL */
    struct beet4_packet far = { .src = { 1 }, .protocol = 17, .ttl = 1, .offset = 65528 };
    n = packet(buf, &far, 20); /* beyond 65535 octets in all */
    assert_int_equal(beet4_parse(span_of(buf, n), &p), ERR_MALFORMED);
    far.offset = 0;
    memset(far.src, 0, 4); /* both 0.0.0.0 */
    n = packet(buf, &far, 20);
    assert_int_equal(beet4_parse(span_of(buf, n), &p), ERR_REFUSED);
}

static void test_header_refuses(void **state)
{
    uint8_t out[BEET4_HEAD + BEET4_OPTIONS_MAX];
    struct beet4_packet h = HEAD;
    size_t n;

    assert_int_equal(beet4_header(&h, 65515, out, &n), ERR_OK);
    assert_int_equal(beet4_header(&h, 65516, out, &n), ERR_RANGE);
    h.protocol = 59;
    assert_int_equal(beet4_header(&h, 0, out, &n), ERR_UNSUPPORTED);
    h.protocol = BEET4_NH_PSEUDO;
    assert_int_equal(beet4_header(&h, 0, out, &n), ERR_UNSUPPORTED);
    h = HEAD;
    h.options = span_of(ROUTE, 3);
    assert_int_equal(beet4_header(&h, 0, out, &n), ERR_RANGE);
    h.options = span_of(ROUTE, 44);
    assert_int_equal(beet4_header(&h, 0, out, &n), ERR_RANGE);
}

/* B.1.7: header length in units of eight octets without the first; NOPs in front where four octets are missing. */
static void test_pseudo(void **state)
{
    static const struct {
        size_t options;
        uint8_t len, pad;
    } rows[] = { { 4, 0, 0 }, { 8, 1, 4 }, { 12, 1, 0 }, { 36, 4, 0 }, { 40, 5, 4 } };
    uint8_t buf[BEET4_PSEUDO_MAX + 5];
    struct beet4_pseudo p;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t n = beet4_pseudo_write(6, span_of(ROUTE, rows[i].options), buf);
        assert_int_equal(n, 8 * (rows[i].len + 1u));
        assert_int_equal(buf[0], 6);
        assert_int_equal(buf[1], rows[i].len);
        assert_int_equal(buf[2], rows[i].pad);
        assert_int_equal(buf[3], 0);
        for (size_t k = 0; k < rows[i].pad; k++)
            assert_int_equal(buf[4 + k], 1);
        assert_int_equal(beet4_pseudo_read(span_of(buf, n + 5), &p), ERR_OK);
        assert_int_equal(p.protocol, 6);
        assert_true(span_eq(p.options, span_of(ROUTE, rows[i].options)));
        assert_ptr_equal(p.rest.p, buf + n);
        assert_int_equal(p.rest.n, 5);
        assert_int_equal(beet4_pseudo_read(span_of(buf, n - 1), &p), ERR_TRUNCATED);
    }
    assert_int_equal(beet4_pseudo_read(span_of(buf, 2), &p), ERR_TRUNCATED);
    buf[2] = 8; /* neither 0 nor 4 */
    assert_int_equal(beet4_pseudo_read(span_of(buf, sizeof buf), &p), ERR_MALFORMED);
    buf[2] = 0; /* 44 octets of options */
    assert_int_equal(beet4_pseudo_read(span_of(buf, sizeof buf), &p), ERR_MALFORMED);
    buf[2] = 4;
    buf[0] = BEET4_NH_PSEUDO;
    assert_int_equal(beet4_pseudo_read(span_of(buf, sizeof buf), &p), ERR_UNSUPPORTED);
    buf[0] = ESP_NH_DUMMY;
    assert_int_equal(beet4_pseudo_read(span_of(buf, sizeof buf), &p), ERR_UNSUPPORTED);
}

static void fill(void *ctx, void *out, size_t n)
{
    memset(out, 7, n);
}

static struct esp_sa *sa(bool out)
{
    static const uint8_t key[20] = { 3 };
    struct esp_sa_params p = {
        .spi = 256, .suite = ESP_AES128_GCM16, .enc = span_of(key, sizeof key), .outbound = out
    };
    struct esp_sa *made = NULL;

    assert_int_equal(esp_sa_new(&p, &made), ERR_OK);
    return made;
}

/* B.1.5 and B.1.6 for a SA whose inner addresses are IPv4: the datagram with its options is at the other end what it was. */
static void test_through_esp(void **state)
{
    static const struct env env = { .random = fill };
    struct esp_sa *out = sa(true), *in = sa(false);
    struct beet4_packet h = HEAD, p, q;
    struct beet4_pseudo ph;
    struct esp_opened o;
    uint8_t first[256], body[256], wire[512], back[256];
    size_t n, m;

    h.options = span_of(ALERT, 4);
    n = packet(first, &h, 50);
    assert_int_equal(beet4_parse(span_of(first, n), &p), ERR_OK);
    m = beet4_pseudo_write(p.protocol, p.options, body);
    memcpy(body + m, p.payload.p, p.payload.n);
    assert_int_equal(
        esp_seal(out, &env, BEET4_NH_PSEUDO, span_of(body, m + p.payload.n), wire, sizeof wire, &m), ERR_OK);

    assert_int_equal(esp_open(in, wire, m, &o), ERR_OK);
    assert_int_equal(o.next_header, BEET4_NH_PSEUDO);
    assert_int_equal(beet4_pseudo_read(span_of(o.payload, o.len), &ph), ERR_OK);
    q = HEAD; /* addresses of the SA; TOS, TTL and DF of the outer header; an identification of its own */
    q.protocol = ph.protocol;
    q.options = ph.options;
    assert_int_equal(beet4_header(&q, ph.rest.n, back, &m), ERR_OK);
    memcpy(back + m, ph.rest.p, ph.rest.n);
    assert_int_equal(m + ph.rest.n, n);
    assert_memory_equal(back, first, n);
    esp_sa_free(out);
    esp_sa_free(in);
}

static int once(void **state)
{
    return crypto_init() != ERR_OK;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sum),    cmocka_unit_test(test_round),
        cmocka_unit_test(test_bad),    cmocka_unit_test(test_header_refuses),
        cmocka_unit_test(test_pseudo), cmocka_unit_test(test_through_esp),
    };
    return cmocka_run_group_tests(tests, once, NULL);
}
