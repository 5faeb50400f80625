/* SPDX-License-Identifier: Apache-2.0
 * TSIG against test-vectors/tsig.json, and each verdict. */
#include "tests/unit/dnsupd/vec.h"

#include "common/crypto/secret.h"
#include "dnsupd/tsig.h"
#include "dnsupd/update.h"

/* The key of a vector: the one that the verifier knows. */
static struct dnsu_tsig_key key_of(json_t *t)
{
    struct dnsu_tsig_key k;
    struct octets secret = vec_hex(t, "key");
    assert_int_equal(
        dnsu_tsig_key_init(&k, vec_text(t, "key_name"), vec_text(t, "algorithm"), octets_span(&secret)),
        ERR_OK);
    k.mac_min = 10;
    return k;
}

static const char *verdict_name(enum dnsu_tsig_verdict v)
{
    if (v == DNSU_TSIG_MISSING || v == DNSU_TSIG_FORMERR)
        return "FORMERR";
    return v == DNSU_TSIG_GOOD ? NULL : dnsu_tsig_verdict_name(v);
}

static void check_verify(json_t *t)
{
    struct dnsu_tsig_key k = key_of(t);
    struct octets m = vec_hex(t, "message"), req = vec_hex(t, "request_mac");
    struct dnsu_tsig got;
    json_t *expect = json_object_get(t, "expect");
    enum dnsu_tsig_verdict v =
        dnsu_tsig_verify(&k, octets_span(&m), octets_span(&req), (uint64_t)vec_int(t, "now"), &got);
    const char *say = verdict_name(v), *want = expect ? json_string_value(expect) : NULL;
    if ((say == NULL) != (want == NULL) || (say && strcmp(say, want) != 0))
        fail_msg("tcId %lld: %s, expected %s", vec_int(t, "tcId"), dnsu_tsig_verdict_name(v),
                 want ? want : "good");
    if (v == DNSU_TSIG_GOOD) {
        struct octets mac = vec_hex(t, "mac"), other = vec_hex(t, "other");
        assert_true(span_eq(got.mac, octets_span(&mac)) && span_eq(got.other, octets_span(&other)));
        assert_int_equal(got.time_signed, vec_int(t, "time_signed"));
        assert_int_equal(got.fudge, vec_int(t, "fudge"));
        assert_int_equal(got.original_id, vec_int(t, "original_id"));
        assert_int_equal(got.error, vec_int(t, "error"));
    }
    dnsu_tsig_key_done(&k);
}

/* The MAC from the fields; a truncated one in the vector is the beginning of it. */
static void check_mac(json_t *t)
{
    struct dnsu_tsig_key k = key_of(t);
    struct octets m = vec_hex(t, "message_to_digest"), req = vec_hex(t, "request_mac"),
                  want = vec_hex(t, "mac");
    struct octets other = vec_hex(t, "other");
    struct dnsu_tsig f = { .time_signed = (uint64_t)vec_int(t, "time_signed"),
                           .fudge = (uint16_t)vec_int(t, "fudge"),
                           .error = (uint16_t)vec_int(t, "error"),
                           .other = octets_span(&other) };
    struct dnsu_tsig_mac mac;
    assert_int_equal(dnsu_name_from_text(vec_text(t, "key_name"), &f.key), ERR_OK);
    assert_int_equal(dnsu_name_from_text(vec_text(t, "algorithm"), &f.alg), ERR_OK);
    assert_int_equal(dnsu_tsig_digest(&k, octets_span(&req), octets_span(&m), &f, &mac), ERR_OK);
    assert_true(mac.len >= want.n);
    assert_memory_equal(mac.v, want.v, want.n);
    dnsu_tsig_key_done(&k);
}

static void vectors(void **state)
{
    json_t *j = vec_load("tsig.json"), *g, *t;
    size_t gi, ti, n = 0;
    json_array_foreach (json_object_get(j, "testGroups"), gi, g)
        json_array_foreach (json_object_get(g, "tests"), ti, t) {
            bool valid = !strcmp(vec_text(t, "result"), "valid");
            if (!strcmp(vec_text(g, "type"), "TsigVerifyTest"))
                check_verify(t);
            if (valid)
                check_mac(t);
            n++;
        }
    assert_int_equal(n, vec_int(j, "numberOfTests"));
    json_decref(j);
}

/* ---- messages of our own ---- */

struct fixture {
    struct dnsu_tsig_key key;
    uint8_t buf[1024];
    size_t len;
    struct dnsu_tsig_mac mac;
};

#define NOW 1700000000u

static void make(struct fixture *f, const char *alg)
{
    struct dnsu_update u;
    struct dnsu_name zone, host;
    assert_int_equal(
        dnsu_tsig_key_init_b64(&f->key, "FA1.example", alg, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
        ERR_OK);
    assert_int_equal(dnsu_name_from_text("example", &zone), ERR_OK);
    assert_int_equal(dnsu_name_from_text("a.example", &host), ERR_OK);
    dnsu_update_begin(&u, f->buf, sizeof f->buf, 0x1234, &zone);
    dnsu_pre_name_free(&u, &host);
    dnsu_upd_add(&u, &host, DNSU_TYPE_HIP, 60, span_str("xxxx"));
    assert_int_equal(dnsu_update_end(&u, &f->len), ERR_OK);
    assert_int_equal(
        dnsu_tsig_sign(&f->key, f->buf, sizeof f->buf, &f->len, NOW, (struct span){ 0 }, &f->mac), ERR_OK);
}

static enum dnsu_tsig_verdict check(const struct fixture *f, uint64_t now)
{
    struct dnsu_tsig t;
    return dnsu_tsig_verify(&f->key, span_of(f->buf, f->len), (struct span){ 0 }, now, &t);
}

static void round_trip(void **state)
{
    static const char *const algs[] = { "hmac-sha256", "hmac-sha512.", "HMAC-SHA384", "hmac-sha1" };
    for (size_t i = 0; i < 4; i++) {
        struct fixture f;
        make(&f, algs[i]);
        assert_int_equal(check(&f, NOW), DNSU_TSIG_GOOD);
        assert_int_equal(check(&f, NOW + 300), DNSU_TSIG_GOOD);
        assert_int_equal(check(&f, NOW + 301), DNSU_TSIG_BADTIME);
        assert_int_equal(check(&f, NOW - 300), DNSU_TSIG_GOOD);
        assert_int_equal(check(&f, NOW - 301), DNSU_TSIG_BADTIME);
        f.buf[0] ^= 1; /* the ID travels in Original ID: a forwarder may change it (s5.5) */
        assert_int_equal(check(&f, NOW), DNSU_TSIG_GOOD);
        dnsu_tsig_key_done(&f.key);
    }
}

/* Every single octet but those of the ID and of the key's letter case counts. */
static void each_octet(void **state)
{
    struct fixture f;
    make(&f, "hmac-sha256");
    for (size_t i = 2; i < f.len; i++) {
        f.buf[i] ^= 0x04;
        if (check(&f, NOW) == DNSU_TSIG_GOOD)
            fail_msg("octet %zu does not count", i);
        f.buf[i] ^= 0x04;
    }
    for (size_t n = 0; n < f.len; n++)
        assert_int_not_equal(dnsu_tsig_verify(&f.key, span_of(f.buf, n), (struct span){ 0 }, NOW, NULL),
                             DNSU_TSIG_GOOD);
    assert_int_not_equal(
        dnsu_tsig_verify(&f.key, span_of(f.buf, f.len), span_of(f.mac.v, f.mac.len), NOW, NULL),
        DNSU_TSIG_GOOD);
    assert_int_equal(check(&f, NOW), DNSU_TSIG_GOOD);
    dnsu_tsig_key_done(&f.key);
}

static void keys(void **state)
{
    struct fixture f;
    struct dnsu_tsig_key k;
    make(&f, "hmac-sha256");
    assert_int_equal(dnsu_tsig_key_init_b64(&k, "fa2.example", "hmac-sha256", "AAECAw=="), ERR_OK);
    assert_int_equal(dnsu_tsig_verify(&k, span_of(f.buf, f.len), (struct span){ 0 }, NOW, NULL),
                     DNSU_TSIG_BADKEY);
    dnsu_tsig_key_done(&k);
    assert_int_equal(dnsu_tsig_key_init_b64(&k, "fa1.example", "hmac-sha512", "AAECAw=="), ERR_OK);
    assert_int_equal(dnsu_tsig_verify(&k, span_of(f.buf, f.len), (struct span){ 0 }, NOW, NULL),
                     DNSU_TSIG_BADKEY);
    dnsu_tsig_key_done(&k);
    assert_int_equal(dnsu_tsig_key_init_b64(&k, "fa1.example", "hmac-sha256", "AAECAw=="), ERR_OK);
    assert_int_equal(dnsu_tsig_verify(&k, span_of(f.buf, f.len), (struct span){ 0 }, NOW, NULL),
                     DNSU_TSIG_BADSIG);
    dnsu_tsig_key_done(&k);
    assert_int_equal(dnsu_tsig_key_init_b64(&k, "fa1.example", "hmac-md5", "AAECAw=="), ERR_UNSUPPORTED);
    assert_int_equal(dnsu_tsig_key_init_b64(&k, "fa1.example", "hmac-sha256", "AAECA"), ERR_MALFORMED);
    assert_int_equal(dnsu_tsig_key_init_b64(&k, "fa1.example", "hmac-sha256", ""), ERR_MALFORMED);
    assert_int_equal(dnsu_tsig_key_init_b64(&k, "fa1..example", "hmac-sha256", "AAECAw=="), ERR_MALFORMED);
    uint8_t tight[600];
    size_t n = DNSU_HDR_LEN;
    memset(tight, 0, sizeof tight);
    struct dnsu_tsig_mac mac;
    assert_int_equal(dnsu_tsig_sign(&f.key, tight, DNSU_HDR_LEN + 20, &n, NOW, (struct span){ 0 }, &mac),
                     ERR_SPACE);
    assert_int_equal(n, DNSU_HDR_LEN);
    dnsu_tsig_key_done(&f.key);
}

/* Replaces the MAC by one of n octets, the rest of the record after it. */
static void cut_mac(struct fixture *f, size_t n)
{
    size_t tail = f->len - 6, mac = tail - 32, rdlen;
    rdlen = mac - 2 - 2 - 6 - 13 - 2; /* MAC size, fudge, time, algorithm name, RDLENGTH */
    uint8_t last[6];
    memcpy(last, f->buf + tail, 6);
    f->buf[mac - 1] = (uint8_t)n;
    f->buf[rdlen + 1] = (uint8_t)(f->buf[rdlen + 1] - 32 + n);
    if (n > 32)
        memset(f->buf + mac + 32, 0, n - 32);
    memcpy(f->buf + mac + n, last, 6);
    f->len = mac + n + 6;
}

static void mac_lengths(void **state)
{
    struct fixture f;
    static const struct {
        size_t n;
        uint8_t min;
        enum dnsu_tsig_verdict v;
    } row[] = {
        { 32, 0, DNSU_TSIG_GOOD },    { 31, 0, DNSU_TSIG_BADTRUNC },  { 16, 0, DNSU_TSIG_BADTRUNC },
        { 16, 16, DNSU_TSIG_GOOD },   { 16, 17, DNSU_TSIG_BADTRUNC }, { 15, 1, DNSU_TSIG_FORMERR },
        { 33, 0, DNSU_TSIG_FORMERR }, { 0, 0, DNSU_TSIG_FORMERR },
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        make(&f, "hmac-sha256");
        cut_mac(&f, row[i].n);
        f.key.mac_min = row[i].min;
        assert_int_equal(check(&f, NOW), row[i].v);
        /* time is looked at before truncation, the MAC before time (s5.2) */
        if (row[i].v == DNSU_TSIG_BADTRUNC)
            assert_int_equal(check(&f, NOW + 301), DNSU_TSIG_BADTIME);
        f.buf[14] ^= 1; /* a letter of the zone */
        if (row[i].v == DNSU_TSIG_BADTRUNC)
            assert_int_equal(check(&f, NOW + 301), DNSU_TSIG_BADSIG);
        dnsu_tsig_key_done(&f.key);
    }
    make(&f, "hmac-sha256");
    cut_mac(&f, 0);
    f.buf[f.len - 3] = DNSU_TSIG_ERR_BADKEY; /* an unsigned error says so, and is no answer */
    assert_int_equal(check(&f, NOW), DNSU_TSIG_UNSIGNED);
    dnsu_tsig_key_done(&f.key);
}

static void twice(void **state)
{
    struct fixture f;
    struct dnsu_tsig_mac mac;
    make(&f, "hmac-sha256");
    assert_int_equal(dnsu_tsig_sign(&f.key, f.buf, sizeof f.buf, &f.len, NOW, (struct span){ 0 }, &mac),
                     ERR_OK);
    assert_int_equal(check(&f, NOW), DNSU_TSIG_FORMERR);
    dnsu_tsig_key_done(&f.key);
}

static int setup(void **state)
{
    return crypto_init() == ERR_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors), cmocka_unit_test(round_trip),  cmocka_unit_test(each_octet),
        cmocka_unit_test(keys),    cmocka_unit_test(mac_lengths), cmocka_unit_test(twice),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
