/* SPDX-License-Identifier: Apache-2.0
 * Queries of applications: what is understood, what is answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "host/stub_msg.h"

static const struct hit H = { { 0x20, 0x01, 0x00, 0x22, 0xab, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0x0a, 0xcd } };

static size_t query(uint8_t *out, const char *name, uint16_t type, bool edns)
{
    struct dnsu_name n;
    struct wcur w = wcur_of(out, 512);

    assert_int_equal(dnsu_name_from_text(name, &n), ERR_OK);
    wcur_u16(&w, 0x1234);
    wcur_u16(&w, 0x0100);
    wcur_u16(&w, 1);
    wcur_u32(&w, 0);
    wcur_u16(&w, edns ? 1 : 0);
    wcur_span(&w, dnsu_name_span(&n));
    wcur_u16(&w, type);
    wcur_u16(&w, 1);
    if (edns) {
        wcur_u8(&w, 0);
        wcur_u16(&w, DNSU_TYPE_OPT);
        wcur_u16(&w, 4096);
        wcur_u32(&w, 0);
        wcur_u16(&w, 0);
    }
    return wcur_done(&w).n;
}

static void parsed(void **state)
{
    uint8_t m[512];
    struct stub_query q;
    size_t n = query(m, "Host.operator.example", DNSU_TYPE_AAAA, false);
    (void)state;

    assert_int_equal(stub_query_parse(span_of(m, n), &q), ERR_OK);
    assert_int_equal(q.id, 0x1234);
    assert_true(q.rd && !q.cd && !q.edns);
    assert_int_equal(q.udp_size, 512);
    assert_int_equal(q.q.type, DNSU_TYPE_AAAA);
    assert_int_equal(q.question_end, n);
    n = query(m, "a.b", 1, true);
    assert_int_equal(stub_query_parse(span_of(m, n), &q), ERR_OK);
    assert_true(q.edns);
    assert_int_equal(q.udp_size, 4096);
}

static void refused(void **state)
{
    uint8_t m[512], out[64];
    struct stub_query q;
    size_t n = query(m, "a.b", 1, false);
    (void)state;

    assert_int_equal(stub_query_parse(span_of(m, 11), &q), ERR_TRUNCATED);
    assert_int_equal(stub_answer_bare(span_of(m, 11), 1, out, sizeof(out)), 0);
    assert_int_equal(stub_query_parse(span_of(m, n - 1), &q), ERR_MALFORMED);
    m[2] |= 0x80;
    assert_int_equal(stub_query_parse(span_of(m, n), &q), ERR_REFUSED);
    m[2] = 0x29; /* UPDATE */
    assert_int_equal(stub_query_parse(span_of(m, n), &q), ERR_UNSUPPORTED);
    assert_int_equal(stub_answer_bare(span_of(m, n), DNSU_RC_NOTIMP, out, sizeof(out)), 12);
    assert_memory_equal(out, "\x12\x34\xa9\x84\0\0\0\0\0\0\0\0", 12);
    m[2] = 1;
    m[5] = 2;
    assert_int_equal(stub_query_parse(span_of(m, n), &q), ERR_MALFORMED);
    m[5] = 1;
    m[7] = 1; /* an answer in a query */
    assert_int_equal(stub_query_parse(span_of(m, n), &q), ERR_MALFORMED);
}

static void answers(void **state)
{
    uint8_t m[512], out[STUB_REPLY_MAX];
    struct stub_query q;
    struct hit two[2] = { H, H };
    struct dnsu_reader r;
    struct dnsu_question question;
    struct dnsu_rec rec;
    size_t n = query(m, "host.operator.example", DNSU_TYPE_AAAA, true), len;
    (void)state;

    two[1].b[15] = 0xce;
    assert_int_equal(stub_query_parse(span_of(m, n), &q), ERR_OK);
    len = stub_answer_hits(span_of(m, n), &q, two, 2, 300, out, sizeof(out));
    assert_int_equal(dnsu_reader_init(&r, span_of(out, len)), ERR_OK);
    assert_true(r.hdr.qr && r.hdr.id == 0x1234 && r.hdr.rcode == 0);
    assert_int_equal(out[3], 0x80); /* RA, not AD */
    assert_true(dnsu_reader_question(&r, &question) && dnsu_name_eq(&question.name, &q.q.name));
    for (int i = 0; i < 2; i++) {
        assert_true(dnsu_reader_next(&r, &rec));
        assert_true(rec.section == 1 && rec.type == DNSU_TYPE_AAAA && rec.cls == 1 && rec.ttl == 300);
        assert_true(dnsu_name_eq(&rec.owner, &q.q.name));
        assert_true(span_eq(rec.rdata, span_of(two[i].b, 16)));
    }
    assert_true(dnsu_reader_next(&r, &rec) && rec.type == DNSU_TYPE_OPT && rec.section == 3);
    assert_true(!dnsu_reader_next(&r, &rec) && dnsu_reader_end(&r));

    len = stub_answer_empty(span_of(m, n), &q, DNSU_RC_SERVFAIL, out, sizeof(out));
    assert_int_equal(dnsu_reader_init(&r, span_of(out, len)), ERR_OK);
    assert_int_equal(r.hdr.rcode, DNSU_RC_SERVFAIL);
    assert_int_equal(r.hdr.count[1], 0);
    assert_true(dnsu_reader_question(&r, &question) && dnsu_reader_next(&r, &rec) &&
                !dnsu_reader_next(&r, &rec));
    assert_true(dnsu_reader_end(&r));
    const struct addr lsi[2] = { addr_v4(0xc6130102), addr_v4(0xc6130304) };
    n = query(m, "host.operator.example", DNSU_TYPE_A, false);
    assert_int_equal(stub_query_parse(span_of(m, n), &q), ERR_OK);
    len = stub_answer_lsis(span_of(m, n), &q, lsi, 2, 300, out, sizeof(out));
    assert_int_equal(dnsu_reader_init(&r, span_of(out, len)), ERR_OK);
    assert_true(dnsu_reader_question(&r, &question));
    for (int i = 0; i < 2; i++) {
        assert_true(dnsu_reader_next(&r, &rec));
        assert_true(rec.section == 1 && rec.type == DNSU_TYPE_A && rec.cls == 1 && rec.ttl == 300);
        assert_true(span_eq(rec.rdata, span_of(lsi[i].ip, 4)));
    }
    assert_true(!dnsu_reader_next(&r, &rec) && dnsu_reader_end(&r));
    n = query(m, "host.operator.example", DNSU_TYPE_AAAA, true);
    assert_int_equal(stub_query_parse(span_of(m, n), &q), ERR_OK);
    /* What does not fit is not half of an answer. */
    assert_int_equal(stub_answer_hits(span_of(m, n), &q, two, 2, 300, out, 60), 0);
}

static void reverse(void **state)
{
    struct dnsu_name n;
    struct hit h = { { 0 } };
    uint8_t m[512], out[STUB_REPLY_MAX];
    struct stub_query q;
    (void)state;

    const char *text = "d.c.a.0.9.0.8.0.7.0.6.0.5.0.4.0.3.0.2.0.1.0.b.a.2.2.0.0.1.0.0.2.IP6.arpa";
    assert_int_equal(dnsu_name_from_text(text, &n), ERR_OK);
    assert_true(stub_reverse_hit(&n, &h));
    assert_true(hit_eq(&h, &H));
    assert_int_equal(dnsu_name_from_text(text + 2, &n), ERR_OK);
    assert_false(stub_reverse_hit(&n, &h)); /* a digit short */
    assert_int_equal(
        dnsu_name_from_text("d.c.a.0.9.0.8.0.7.0.6.0.5.0.4.0.3.0.2.0.1.0.b.a.8.b.d.0.1.0.0.2.ip6.arpa", &n),
        ERR_OK);
    assert_false(stub_reverse_hit(&n, &h)); /* no HIT */
    assert_int_equal(
        dnsu_name_from_text("g.c.a.0.9.0.8.0.7.0.6.0.5.0.4.0.3.0.2.0.1.0.b.a.2.2.0.0.1.0.0.2.ip6.arpa", &n),
        ERR_OK);
    assert_false(stub_reverse_hit(&n, &h));
    size_t len = query(m, text, STUB_TYPE_PTR, false);
    assert_int_equal(stub_query_parse(span_of(m, len), &q), ERR_OK);
    assert_int_equal(dnsu_name_from_text("mn.operator.example", &n), ERR_OK);
    assert_int_equal(stub_answer_ptr(span_of(m, len), &q, &n, out, sizeof(out)), len + 12 + n.len);
}

static void reverse_ip4(void **state)
{
    static const char *const none[] = { "7.0.19.ip6.arpa",
                                        "1.7.0.19.198.in-addr.arpa",
                                        "0.19.198.in-addr.arpa",
                                        "256.0.19.198.in-addr.arpa",
                                        "07.0.19.198.in-addr.arpa",
                                        "x.0.19.198.in-addr.arpa",
                                        "7.0.19.198.in-addr.arpx",
                                        "7.0.19.1980.in-addr.arpa",
                                        "7.0.19.198.in-addr.arpa.example",
                                        "in-addr.arpa",
                                        "." };
    struct dnsu_name n;
    struct addr a;
    (void)state;

    assert_int_equal(dnsu_name_from_text("7.0.19.198.IN-ADDR.arpa", &n), ERR_OK);
    assert_true(stub_reverse_ip4(&n, &a));
    assert_true(a.family == ADDR_V4 && memcmp(a.ip, ((uint8_t[]){ 198, 19, 0, 7 }), 4) == 0);
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_int_equal(dnsu_name_from_text(none[i], &n), ERR_OK);
        assert_false(stub_reverse_ip4(&n, &a));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(parsed), cmocka_unit_test(refused),
                                        cmocka_unit_test(answers), cmocka_unit_test(reverse),
                                        cmocka_unit_test(reverse_ip4) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
