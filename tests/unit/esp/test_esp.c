/* SPDX-License-Identifier: Apache-2.0
 * ESP packets against test-vectors/esp.json, and what must not be taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "common/base/hex.h"
#include "common/crypto/secret.h"
#include "hip/esp/seal.h"

struct bytes {
    uint8_t b[2048];
    size_t n;
};

static struct bytes get(const json_t *t, const char *key)
{
    struct bytes o = { .n = 0 };
    const char *s = json_string_value(json_object_get(t, key));
    if (s)
        assert_int_equal(hex_decode(s, strlen(s), o.b, sizeof o.b, &o.n), ERR_OK);
    return o;
}

static uint64_t seq_of(const json_t *t)
{
    struct bytes lo = get(t, "seq"), hi = get(t, "seq_hi");
    uint64_t s = 0;
    for (size_t i = 0; i < hi.n; i++)
        s = s << 8 | hi.b[i];
    for (size_t i = 0; i < lo.n; i++)
        s = s << 8 | lo.b[i];
    return s;
}

static struct esp_sa *sa_of(const json_t *t, uint16_t suite, bool outbound)
{
    struct bytes enc = get(t, "encr_key"), auth = get(t, "auth_key"), salt = get(t, "salt"),
                 spi = get(t, "spi");
    struct esp_sa *sa = NULL;
    memcpy(enc.b + enc.n, salt.b, salt.n);
    struct esp_sa_params p = {
        .spi = (uint32_t)spi.b[0] << 24 | (uint32_t)spi.b[1] << 16 | (uint32_t)spi.b[2] << 8 | spi.b[3],
        .suite = suite,
        .enc = span_of(enc.b, enc.n + salt.n),
        .auth = span_of(auth.b, auth.n),
        .outbound = outbound,
        .short_seq = !json_is_true(json_object_get(t, "esn")),
        .seq = seq_of(t) - 1,
    };
    assert_int_equal(esp_sa_new(&p, &sa), ERR_OK);
    return sa;
}

static bool standard_pad(const struct bytes *pad)
{
    for (size_t i = 0; i < pad->n; i++)
        if (pad->b[i] != i + 1)
            return false;
    return true;
}

static void one(const json_t *t, uint16_t suite, unsigned *valid, unsigned *invalid)
{
    bool good = strcmp(json_string_value(json_object_get(t, "result")), "valid") == 0;
    struct bytes esp = get(t, "esp"), plain = get(t, "plaintext"), pad = get(t, "pad"), iv = get(t, "iv");
    struct esp_sa *in = sa_of(t, suite, false);
    struct esp_opened o;
    uint8_t copy[2048];
    uint8_t nh = (uint8_t)json_integer_value(json_object_get(t, "next_header"));
    err e;

    memcpy(copy, esp.b, esp.n);
    e = esp_open(in, copy, esp.n, &o);
    if (!good) {
        if (!e)
            fail_msg("tcId %d was taken", (int)json_integer_value(json_object_get(t, "tcId")));
        ++*invalid;
        esp_sa_free(in);
        return;
    }
    if (e)
        fail_msg("tcId %d: %s", (int)json_integer_value(json_object_get(t, "tcId")), err_name(e));
    assert_int_equal(o.len, plain.n);
    assert_memory_equal(o.payload, plain.b, plain.n);
    assert_int_equal(o.next_header, nh);
    assert_true(o.seq == seq_of(t));
    memcpy(copy, esp.b, esp.n);
    assert_int_equal(esp_open(in, copy, esp.n, &o), ERR_REPLAY);
    assert_int_equal(esp_sa_counters(in)->replayed, 1);
    esp_sa_free(in);

    if (standard_pad(&pad)) {
        struct esp_sa *out = sa_of(t, suite, true);
        size_t n = 0;
        assert_int_equal(esp_sealed_len(out, plain.n), esp.n);
        assert_int_equal(esp_seal_iv(out, iv.b, nh, span_of(plain.b, plain.n), copy, sizeof copy, &n),
                         ERR_OK);
        assert_int_equal(n, esp.n);
        assert_memory_equal(copy, esp.b, n);
        esp_sa_free(out);
    }
    ++*valid;
}

static void test_vectors(void **state)
{
    json_error_t je;
    json_t *root = json_load_file(VECTORS "/esp.json", 0, &je);
    size_t gi, ti;
    json_t *g, *t;
    unsigned valid = 0, invalid = 0;

    assert_non_null(root);
    json_array_foreach (json_object_get(root, "testGroups"), gi, g) {
        const char *type = json_string_value(json_object_get(g, "type"));
        json_array_foreach (json_object_get(g, "tests"), ti, t) {
            if (strcmp(type, "EspTest") == 0)
                one(t, (uint16_t)json_integer_value(json_object_get(t, "suite")), &valid, &invalid);
            else if (strcmp(type, "EspGcmTest") == 0)
                one(t, ESP_AES128_GCM16, &valid, &invalid);
        }
    }
    json_decref(root);
    assert_int_equal(valid, 23);
    assert_int_equal(invalid, 10);
}

/* ---- the same at run time ---- */

static void counting(void *ctx, void *out, size_t n)
{
    uint8_t *seed = ctx;
    memset(out, ++*seed, n);
}

static const uint16_t all_suites[] = { ESP_NULL_SHA256, ESP_AES128_CBC_SHA256, ESP_AES256_CBC_SHA256,
                                       ESP_AES128_GCM16 };

static struct esp_sa *new_sa(uint16_t suite, bool outbound, uint64_t seq)
{
    uint8_t enc[32], auth[32];
    const struct esp_suite *s = esp_suite_get(suite);
    struct esp_sa *sa = NULL;
    memset(enc, 0x11, sizeof enc);
    memset(auth, 0x22, sizeof auth);
    struct esp_sa_params p = { .spi = 0x1001,
                               .suite = suite,
                               .enc = span_of(enc, s->enc_len),
                               .auth = span_of(auth, s->auth_len),
                               .outbound = outbound,
                               .seq = seq };
    assert_int_equal(esp_sa_new(&p, &sa), ERR_OK);
    return sa;
}

static void test_every_length(void **state)
{
    uint8_t seed = 0, buf[256], data[120];
    struct env env = { .ctx = &seed, .random = counting };

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)i;
    for (size_t s = 0; s < sizeof all_suites / sizeof all_suites[0]; s++) {
        struct esp_sa *out = new_sa(all_suites[s], true, 0), *in = new_sa(all_suites[s], false, 0);
        for (size_t n = 0; n < sizeof data; n++) {
            struct esp_opened o;
            size_t len = 0;
            uint8_t *at = buf + esp_head_len(out);
            memcpy(at, data, n); /* in place */
            assert_int_equal(esp_seal(out, &env, 17, span_of(at, n), buf, esp_sealed_len(out, n) - 1, &len),
                             ERR_SPACE);
            assert_int_equal(esp_seal(out, &env, 17, span_of(at, n), buf, sizeof buf, &len), ERR_OK);
            assert_int_equal(len, esp_sealed_len(out, n));
            assert_true(len <= n + ESP_OVERHEAD);
            assert_int_equal(esp_open(in, buf, len, &o), ERR_OK);
            assert_int_equal(o.len, n);
            assert_true(o.seq == n + 1);
            if (n)
                assert_memory_equal(o.payload, data, n);
        }
        esp_sa_free(out);
        esp_sa_free(in);
    }
}

static void test_every_octet_counts(void **state)
{
    uint8_t seed = 0, good[128], bad[128];
    struct env env = { .ctx = &seed, .random = counting };

    for (size_t s = 0; s < sizeof all_suites / sizeof all_suites[0]; s++) {
        struct esp_sa *out = new_sa(all_suites[s], true, 0), *in = new_sa(all_suites[s], false, 0);
        struct esp_opened o;
        size_t len = 0;
        assert_int_equal(esp_seal(out, &env, 6, span_of("twenty octets of it.", 20), good, sizeof good, &len),
                         ERR_OK);
        for (size_t i = 0; i < len; i++) {
            memcpy(bad, good, len);
            bad[i] ^= 0x01;
            assert_int_not_equal(esp_open(in, bad, len, &o), ERR_OK);
        }
        for (size_t i = 0; i < len; i++) {
            memcpy(bad, good, len);
            assert_int_not_equal(esp_open(in, bad, i, &o), ERR_OK);
        }
        /* nothing forged has moved the window */
        assert_int_equal(esp_sa_seq(in), 0);
        assert_int_equal(esp_open(in, good, len, &o), ERR_OK);
        esp_sa_free(out);
        esp_sa_free(in);
    }
}

/* The high half is not on the wire, but under the ICV. */
static void test_high_half_is_authenticated(void **state)
{
    uint8_t seed = 0, buf[128], copy[128];
    struct env env = { .ctx = &seed, .random = counting };

    for (size_t s = 0; s < sizeof all_suites / sizeof all_suites[0]; s++) {
        struct esp_sa *out = new_sa(all_suites[s], true, UINT64_C(0x500000000));
        struct esp_sa *in = new_sa(all_suites[s], false, UINT64_C(0x500000000));
        struct esp_sa *other = new_sa(all_suites[s], false, UINT64_C(0x600000000));
        struct esp_opened o;
        size_t len = 0;
        assert_int_equal(esp_seal(out, &env, 6, span_of("abcd", 4), buf, sizeof buf, &len), ERR_OK);
        memcpy(copy, buf, len);
        assert_int_equal(esp_open(other, copy, len, &o), ERR_AUTH);
        assert_int_equal(esp_sa_counters(other)->bad_icv, 1);
        memcpy(copy, buf, len);
        assert_int_equal(esp_open(in, copy, len, &o), ERR_OK);
        assert_true(o.seq == UINT64_C(0x500000001));
        esp_sa_free(out);
        esp_sa_free(in);
        esp_sa_free(other);
    }
}

static void test_across_the_wrap(void **state)
{
    uint8_t seed = 0, buf[8][128];
    struct env env = { .ctx = &seed, .random = counting };
    struct esp_sa *out = new_sa(ESP_AES128_GCM16, true, 0xfffffffc),
                  *in = new_sa(ESP_AES128_GCM16, false, 0xfffffffc);
    size_t len[8];
    struct esp_opened o;

    for (size_t i = 0; i < 8; i++)
        assert_int_equal(esp_seal(out, &env, 6, span_of("abcd", 4), buf[i], sizeof buf[i], &len[i]), ERR_OK);
    for (size_t i = 8; i-- > 0;) { /* the last one first */
        assert_int_equal(esp_open(in, buf[i], len[i], &o), ERR_OK);
        assert_true(o.seq == UINT64_C(0xfffffffd) + i);
    }
    esp_sa_free(out);
    esp_sa_free(in);
}

static void test_numbers_end(void **state)
{
    uint8_t seed = 0, buf[128];
    struct env env = { .ctx = &seed, .random = counting };
    struct esp_sa *out = new_sa(ESP_AES128_GCM16, true, UINT64_MAX - 1);
    size_t len;

    assert_int_equal(esp_seal(out, &env, 6, span_of("abcd", 4), buf, sizeof buf, &len), ERR_OK);
    assert_int_equal(esp_seal(out, &env, 6, span_of("abcd", 4), buf, sizeof buf, &len), ERR_STATE);
    esp_sa_free(out);
}

static void test_wrong_direction_and_keys(void **state)
{
    uint8_t seed = 0, buf[128] = { 0 }, key[32] = { 0 };
    struct env env = { .ctx = &seed, .random = counting };
    struct esp_sa *out = new_sa(ESP_AES128_CBC_SHA256, true, 0),
                  *in = new_sa(ESP_AES128_CBC_SHA256, false, 0);
    struct esp_opened o;
    size_t len;

    assert_int_equal(esp_seal(in, &env, 6, span_of("abcd", 4), buf, sizeof buf, &len), ERR_STATE);
    assert_int_equal(esp_open(out, buf, sizeof buf, &o), ERR_STATE);
    esp_sa_free(out);
    esp_sa_free(in);
    esp_sa_free(NULL);

    struct esp_sa_params p = { .spi = 1, .suite = 10, .enc = span_of(key, 16), .auth = span_of(key, 32) };
    assert_int_equal(esp_sa_new(&p, &in), ERR_UNSUPPORTED);
    p.suite = ESP_AES128_CBC_SHA256;
    p.enc.n = 15;
    assert_int_equal(esp_sa_new(&p, &in), ERR_RANGE);
    p.suite = ESP_AES128_GCM16;
    p.enc.n = 16; /* the salt is missing */
    p.auth.n = 0;
    assert_int_equal(esp_sa_new(&p, &in), ERR_RANGE);
}

static void test_spi(void **state)
{
    uint32_t spi = 0;
    assert_true(esp_spi(span_of("\x01\x02\x03\x04....", 8), &spi));
    assert_int_equal(spi, 0x01020304);
    assert_false(esp_spi(span_of("\x01\x02\x03\x04...", 7), &spi));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_every_octet_counts),
        cmocka_unit_test(test_high_half_is_authenticated),
        cmocka_unit_test(test_across_the_wrap),
        cmocka_unit_test(test_numbers_end),
        cmocka_unit_test(test_wrong_direction_and_keys),
        cmocka_unit_test(test_spi),
    };
    if (crypto_init())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
