/* SPDX-License-Identifier: Apache-2.0
 * HIP RR codec against test-vectors/hip-rr.json, against ldns, and against what a parser must refuse. */
#include "tests/unit/dnsupd/vec.h"

#include "dnsupd/hiprr.h"
#include "tests/unit/dnsupd/opinion.h"

static struct dnsu_hiprr from_fields(json_t *t, struct octets *hit, struct octets *pk, struct octets *rvs)
{
    json_t *names = json_object_get(t, "rvs");
    *hit = vec_hex(t, "hit");
    *pk = vec_hex(t, "public_key");
    rvs->n = 0;
    for (size_t i = 0; i < json_array_size(names); i++) {
        struct dnsu_name n;
        assert_int_equal(dnsu_name_from_text(json_string_value(json_array_get(names, i)), &n), ERR_OK);
        memcpy(rvs->v + rvs->n, n.wire, n.len);
        rvs->n += n.len;
    }
    return (struct dnsu_hiprr){ .pk_alg = (uint8_t)vec_int(t, "pk_algorithm"),
                                .hit = octets_span(hit),
                                .pk = octets_span(pk),
                                .rvs = octets_span(rvs),
                                .n_rvs = json_array_size(names) };
}

static void check_record(json_t *t)
{
    struct octets hit, pk, rvs, want = vec_hex(t, "rdata");
    struct dnsu_hiprr made = from_fields(t, &hit, &pk, &rvs), got;
    char text[4096], line[8192];
    uint8_t buf[4096];
    size_t len;
    assert_int_equal(dnsu_hiprr_encode(&made, buf, sizeof buf, &len), ERR_OK);
    assert_int_equal(len, want.n);
    assert_memory_equal(buf, want.v, len);
    assert_int_equal(dnsu_hiprr_encode(&made, buf, len - 1, &len), ERR_SPACE);

    assert_int_equal(dnsu_hiprr_parse(octets_span(&want), &got), ERR_OK);
    assert_int_equal(got.pk_alg, made.pk_alg);
    assert_true(span_eq(got.hit, made.hit) && span_eq(got.pk, made.pk) && span_eq(got.rvs, made.rvs));
    assert_int_equal(got.n_rvs, made.n_rvs);
    for (size_t i = 0; i < got.n_rvs; i++) {
        struct dnsu_name n;
        char name[DNSU_NAME_TEXT_MAX];
        assert_int_equal(dnsu_hiprr_rvs(&got, i, &n), ERR_OK);
        assert_string_equal(dnsu_name_text(&n, name),
                            json_string_value(json_array_get(json_object_get(t, "rvs"), i)));
    }
    struct dnsu_name none;
    assert_int_equal(dnsu_hiprr_rvs(&got, got.n_rvs, &none), ERR_NOT_FOUND);

    assert_int_equal(dnsu_hiprr_print(&got, text, sizeof text), ERR_OK);
    snprintf(line, sizeof line, "%s IN HIP %s", vec_text(t, "owner"), text);
    assert_string_equal(line, vec_text(t, "presentation"));
    for (size_t cap = 0; cap <= strlen(text); cap += 7) {
        char *tight = malloc(cap + 1); /* one octet past it is the sanitizer's */
        assert_int_equal(dnsu_hiprr_print(&got, tight, cap), ERR_SPACE);
        free(tight);
    }
    assert_int_equal(dnsu_hiprr_scan(text, buf, sizeof buf, &len), ERR_OK);
    assert_true(span_eq(span_of(buf, len), octets_span(&want)));
    assert_int_equal(dnsu_generic_print(octets_span(&want), text, sizeof text), ERR_OK);
    snprintf(line, sizeof line, "%s IN TYPE55 %s", vec_text(t, "owner"), text);
    assert_string_equal(line, vec_text(t, "rfc3597"));
    assert_int_equal(dnsu_hiprr_scan(text, buf, sizeof buf, &len), ERR_OK);
    assert_true(span_eq(span_of(buf, len), octets_span(&want)));
    assert_true(opinion_rdata(vec_text(t, "presentation"), want.v, want.n));
}

static void vectors(void **state)
{
    json_t *j = vec_load("hip-rr.json"), *g, *t;
    size_t gi, ti, valid = 0, invalid = 0;
    json_array_foreach (json_object_get(j, "testGroups"), gi, g)
        json_array_foreach (json_object_get(g, "tests"), ti, t) {
            if (!strcmp(vec_text(t, "result"), "valid")) {
                check_record(t);
                valid++;
            } else {
                struct octets o = vec_hex(t, "rdata");
                struct dnsu_hiprr rr;
                if (dnsu_hiprr_parse(octets_span(&o), &rr) == ERR_OK)
                    fail_msg("tcId %lld is taken", vec_int(t, "tcId"));
                invalid++;
            }
        }
    assert_true(valid >= 10 && invalid >= 6);
    json_decref(j);
}

static err parse_hex(const char *hex)
{
    struct octets o = octets_hex(hex);
    struct dnsu_hiprr rr;
    return dnsu_hiprr_parse(octets_span(&o), &rr);
}

static void refused(void **state)
{
    assert_int_equal(parse_hex("0102000111aa"), ERR_OK);            /* one octet of HIT, one of key */
    assert_int_equal(parse_hex("00020001aa"), ERR_MALFORMED);       /* no HIT */
    assert_int_equal(parse_hex("0102000011"), ERR_MALFORMED);       /* no key */
    assert_int_equal(parse_hex("0202000111aa"), ERR_TRUNCATED);     /* HIT length one too many */
    assert_int_equal(parse_hex("0102000211aa"), ERR_TRUNCATED);     /* key length one too many */
    assert_int_equal(parse_hex("0102000111aa00"), ERR_OK);          /* the root as rendezvous server */
    assert_int_equal(parse_hex("0102000111aa0161"), ERR_TRUNCATED); /* no root label */
    assert_int_equal(parse_hex("0102000111aa016100"), ERR_OK);      /* a. */
    assert_int_equal(parse_hex("0102000111aa01610003"), ERR_TRUNCATED);
    assert_int_equal(parse_hex("0102000111aac000"), ERR_MALFORMED); /* compression pointer */
    assert_int_equal(parse_hex("0102000111aa0161c006"), ERR_MALFORMED);
    assert_int_equal(parse_hex("0102000111aa416100"), ERR_MALFORMED); /* label type 01 */
    assert_int_equal(parse_hex("0102000111aa806100"), ERR_MALFORMED); /* label type 10 */
    /* a name of 255 octets, and one of 256 */
    for (unsigned extra = 0; extra < 2; extra++) {
        uint8_t buf[6 + 256] = { 1, 2, 0, 1, 0x11, 0xaa };
        size_t n = 6;
        for (int i = 0; i < 3; i++, n += 64) {
            buf[n] = 63;
            memset(buf + n + 1, 'x', 63);
        }
        buf[n] = (uint8_t)(61 + extra);
        memset(buf + n + 1, 'x', 61 + extra);
        n += 62 + extra;
        buf[n++] = 0;
        struct dnsu_hiprr rr;
        assert_int_equal(dnsu_hiprr_parse(span_of(buf, n), &rr), extra ? ERR_MALFORMED : ERR_OK);
    }
    struct dnsu_hiprr bad = {
        .pk_alg = 2, .hit = span_str("x"), .pk = span_str("y"), .rvs = span_str("\300\014")
    };
    uint8_t out[64];
    size_t len;
    assert_int_equal(dnsu_hiprr_encode(&bad, out, sizeof out, &len), ERR_MALFORMED);
    bad.rvs.n = 0;
    bad.hit.n = 0;
    assert_int_equal(dnsu_hiprr_encode(&bad, out, sizeof out, &len), ERR_RANGE);
}

static void text_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "2",
        "( 2 11 )",
        "( 256 11 qg== )",
        "( x 11 qg== )",
        "( 2 1 qg== )",
        "( 2 1g qg== )",
        "( 2 11 qg= )",
        "( 2 11 qh== )",
        "( 2 11 qg==qg== )",
        "( 2 11 q*== )",
        "( 2 11 qg== a..b. )",
        "( 2 11 qg== a\\2. )",
        "\\# 5 0102000111aa",
        "\\# 7 0102000111aa",
        "\\# x 0102000111aa",
        "\\# 6 0202000111aa",
        "\\# 6",
    };
    uint8_t buf[64];
    size_t len = 77;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (dnsu_hiprr_scan(bad[i], buf, sizeof buf, &len) != ERR_MALFORMED)
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(len, 77);
    }
    assert_int_equal(dnsu_hiprr_scan("2 11 qg== fa.example", buf, sizeof buf, &len), ERR_OK);
    assert_int_equal(len, 6 + 12);
    assert_int_equal(dnsu_hiprr_scan("2 11 qg== fa.example", buf, 17, &len), ERR_SPACE);
    assert_int_equal(dnsu_hiprr_scan("( 2 11 qg== a\\)b\\ c. )", buf, sizeof buf, &len), ERR_OK);
    assert_memory_equal(buf + 6, "\5a)b c", 7);
    assert_int_equal(dnsu_hiprr_scan("\\# 6 0102 0001 11aa", buf, sizeof buf, &len), ERR_OK);
    assert_int_equal(dnsu_hiprr_scan("\\# 6 0102 0001 11aa", buf, 5, &len), ERR_SPACE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(refused),
        cmocka_unit_test(text_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
