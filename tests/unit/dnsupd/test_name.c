/* SPDX-License-Identifier: Apache-2.0
 * Names, and reading whole DNS messages. */
#include "tests/unit/dnsupd/vec.h"

#include "dnsupd/msg.h"

static struct dnsu_name name(const char *text)
{
    struct dnsu_name n;
    if (dnsu_name_from_text(text, &n) != ERR_OK)
        fail_msg("not a name: %s", text);
    return n;
}

static void text(void **state)
{
    static const char *const good[][2] = {
        { "a.example", "a.example." },
        { "a.example.", "a.example." },
        { ".", "." },
        { "A.Example", "A.Example." },
        { "a\\.b.example.", "a\\.b.example." },
        { "a\\032b.", "a\\032b." },
        { "\\255.x.", "\\255.x." },
        { "\\065.x.", "A.x." },
        { "_x.-y.", "_x.-y." },
    };
    static const char *const bad[] = { "", "..", ".a", "a..b", "a\\", "a\\25", "a\\256.", "a\\2x3." };
    char out[DNSU_NAME_TEXT_MAX];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct dnsu_name n = name(good[i][0]);
        assert_string_equal(dnsu_name_text(&n, out), good[i][1]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct dnsu_name n = { .len = 99 };
        if (dnsu_name_from_text(bad[i], &n) == ERR_OK)
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(n.len, 99);
    }
}

static void limits(void **state)
{
    char t[300];
    struct dnsu_name n;
    memset(t, 'x', sizeof t);
    t[63] = 0;
    assert_int_equal(dnsu_name_from_text(t, &n), ERR_OK);
    t[63] = 'x', t[64] = 0;
    assert_int_equal(dnsu_name_from_text(t, &n), ERR_MALFORMED);
    memset(t, 'x', sizeof t); /* 63.63.63.61: 255 octets of wire */
    t[63] = t[127] = t[191] = '.';
    t[253] = 0;
    assert_int_equal(dnsu_name_from_text(t, &n), ERR_OK);
    assert_int_equal(n.len, 255);
    char out[DNSU_NAME_TEXT_MAX];
    assert_int_equal(strlen(dnsu_name_text(&n, out)), 254);
    for (size_t i = 1; i < 255; i++) /* all of it escaped still fits */
        if (n.wire[i] == 'x')
            n.wire[i] = 1;
    assert_true(strlen(dnsu_name_text(&n, out)) < DNSU_NAME_TEXT_MAX);
    t[253] = 'x', t[254] = 0;
    assert_int_equal(dnsu_name_from_text(t, &n), ERR_MALFORMED);
}

static void relations(void **state)
{
    struct dnsu_name z = name("operator.example"), a = name("A.Operator.EXAMPLE."),
                     b = name("aoperator.example");
    struct dnsu_name root = name("."), lone = name("example");
    struct dnsu_name fake = name("x\\010operator.example"); /* its label holds the octets of the zone */
    assert_true(dnsu_name_in(&a, &z) && dnsu_name_in(&z, &z) && dnsu_name_in(&z, &root));
    assert_false(dnsu_name_in(&b, &z) || dnsu_name_in(&lone, &z) || dnsu_name_in(&root, &z) ||
                 dnsu_name_in(&fake, &z));
    struct dnsu_name l = a;
    dnsu_name_lower(&l);
    assert_true(dnsu_name_eq(&l, &a));
    assert_memory_not_equal(l.wire, a.wire, a.len);
    assert_false(dnsu_name_eq(&a, &b));
}

static void wire(void **state)
{
    struct dnsu_name n;
    assert_int_equal(dnsu_name_from_wire(span_of("\1a\0", 3), &n), ERR_OK);
    assert_int_equal(dnsu_name_from_wire(span_of("\1a\0x", 4), &n), ERR_MALFORMED);
    assert_int_equal(dnsu_name_from_wire(span_of("\1a", 2), &n), ERR_TRUNCATED);
    assert_int_equal(dnsu_name_from_wire(span_of("\2a\0", 3), &n), ERR_TRUNCATED);
    assert_int_equal(dnsu_name_from_wire(span_of("", 0), &n), ERR_TRUNCATED);
    assert_int_equal(dnsu_name_from_wire(span_of("\300\0", 2), &n), ERR_MALFORMED);
}

/* Header, one question a.example, then what is appended. */
static size_t head(uint8_t *buf, uint16_t answers)
{
    struct wcur w = wcur_of(buf, 512);
    struct dnsu_name n = name("a.example");
    wcur_u16(&w, 1);
    wcur_u16(&w, 0x8400);
    wcur_u16(&w, 1);
    wcur_u16(&w, answers);
    wcur_u32(&w, 0);
    wcur_span(&w, dnsu_name_span(&n));
    wcur_u16(&w, DNSU_TYPE_HIP);
    wcur_u16(&w, DNSU_CLASS_IN);
    return wcur_len(&w);
}

static void reader(void **state)
{
    uint8_t buf[512];
    struct dnsu_reader r;
    struct dnsu_question q;
    struct dnsu_rec rec;
    size_t n = head(buf, 2);
    static const uint8_t tail[] = { 0xc0, 12,  0,    55, 0, 1, 0, 0, 0, 9, 0, 2, 0xab, 0xcd,
                                    1,    'b', 0xc0, 14, 0, 1, 0, 1, 0, 0, 0, 9, 0,    0 };
    memcpy(buf + n, tail, sizeof tail);
    n += sizeof tail;
    assert_int_equal(dnsu_reader_init(&r, span_of(buf, n)), ERR_OK);
    assert_true(r.hdr.qr && r.hdr.aa && !r.hdr.tc && r.hdr.opcode == 0);
    assert_true(dnsu_reader_question(&r, &q));
    assert_false(dnsu_reader_question(&r, &q));
    assert_true(dnsu_reader_next(&r, &rec));
    struct dnsu_name a = name("a.example"), b = name("b.example");
    assert_true(dnsu_name_eq(&rec.owner, &a) && rec.type == 55 && rec.ttl == 9 && rec.rdata.n == 2 &&
                !rec.last);
    assert_false(dnsu_reader_end(&r));
    assert_true(dnsu_reader_next(&r, &rec));
    assert_true(dnsu_name_eq(&rec.owner, &b) && rec.rdata.n == 0 && rec.last && rec.section == 1);
    assert_false(dnsu_reader_next(&r, &rec));
    assert_true(dnsu_reader_end(&r));

    assert_int_equal(dnsu_reader_init(&r, span_of(buf, n + 1)), ERR_OK); /* an octet left over */
    while (dnsu_reader_next(&r, &rec))
        ;
    assert_false(r.failed || dnsu_reader_end(&r));
    for (size_t cut = DNSU_HDR_LEN; cut < n; cut++) {
        assert_int_equal(dnsu_reader_init(&r, span_of(buf, cut)), ERR_OK);
        while (dnsu_reader_next(&r, &rec))
            ;
        assert_true(r.failed);
    }
    assert_int_equal(dnsu_reader_init(&r, span_of(buf, 11)), ERR_TRUNCATED);
}

static void pointers(void **state)
{
    /* the record's owner is at 27: a pointer to itself, forward, into the header, to a pointer to itself */
    static const uint8_t bad[][4] = { { 0xc0, 27 },         { 0xc0, 40 }, { 0xc0, 2 }, { 0xff, 0xff },
                                      { 1, 'x', 0xc0, 27 }, { 0x40 },     { 0x80 } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t buf[512] = { 0 };
        struct dnsu_reader r;
        struct dnsu_rec rec;
        size_t n = head(buf, 1);
        assert_int_equal(n, 27);
        memcpy(buf + n, bad[i], 4);
        assert_int_equal(dnsu_reader_init(&r, span_of(buf, n + 40)), ERR_OK);
        assert_false(dnsu_reader_next(&r, &rec));
        assert_true(r.failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text), cmocka_unit_test(limits), cmocka_unit_test(relations),
        cmocka_unit_test(wire), cmocka_unit_test(reader), cmocka_unit_test(pointers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
