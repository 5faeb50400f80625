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
#include "hip/esp/sa_priv.h"
#include "hip/esp/seal.h"
#include "hip/suite.h"

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

/* ---- every suite, packets made by another library ---- */

/* SPI 0x1001f00d, next header 17; keys of 0x40, 0x41 ... and 0x80, 0x81 ..., salts the octets behind the AEAD's key. Made with PyCryptodome (which shares no
 * code with OpenSSL) from RFC 4303 and the RFC of each suite. */
static const struct {
    uint16_t suite;
    bool short_seq;
    uint64_t seq;
    const char *plain, *esp;
} made[] = {
    { 7, false, UINT64_C(0x100000002), "an upper layer, 29 octets....",
      "1001f00d00000002616e207570706572206c617965722c203239206f63746574732e2e2e2e010111148d21a274b8c5cd"
      "56e3d360ec24a5e9" },
    { 7, true, UINT64_C(0x7), "", "1001f00d00000007010202111dafacc7815990be818a0d32ef30adc9" },
    { 8, false, UINT64_C(0x100000002), "an upper layer, 29 octets....",
      "1001f00d00000002c0c1c2c3c4c5c6c7c8c9cacbcccdcecf2a94e3426f65df3b23a7abb639611d8b05fb34f20cff1c30"
      "b73cfef640e8bea0770f3c6203863e41f9dc147e2c7e3a8d" },
    { 8, true, UINT64_C(0x7), "",
      "1001f00d00000007c0c1c2c3c4c5c6c7c8c9cacbcccdcecff9c6abe25caf2ae5dc2c38b560eb21c109d1879604c3f247"
      "b671ed63daaec673" },
    { 9, false, UINT64_C(0x100000002), "an upper layer, 29 octets....",
      "1001f00d00000002c0c1c2c3c4c5c6c7c8c9cacbcccdcecf6a96361a1ba3ba1f350ad7f91c0c36ed12c2beb85383fffb"
      "25331c41d13759143a6b4c672a9ece1adbac838129bd48c1" },
    { 9, true, UINT64_C(0x7), "",
      "1001f00d00000007c0c1c2c3c4c5c6c7c8c9cacbcccdcecfb49f28f3cbda1d6bbf7943de97d743dee5e2b5ce6ca062b0"
      "4ee3ceb23d0a993d" },
    { 10, false, UINT64_C(0x100000002), "an upper layer, 29 octets....",
      "1001f00d00000002000000010000000268a090cb8fc1596a3048e8b9095e35686d4a233b2e9faa5ecd907a3bae27245a"
      "f1b20317ad065add" },
    { 10, true, UINT64_C(0x7), "", "1001f00d00000007000000000000000764b007add316f9712a236048" },
    { 11, false, UINT64_C(0x100000002), "an upper layer, 29 octets....",
      "1001f00d00000002000000010000000268a090cb8fc1596a3048e8b9095e35686d4a233b2e9faa5ecd907a3bae27245a"
      "ddc2dc444770e85c3cc24df7606f9bf9" },
    { 11, true, UINT64_C(0x7), "",
      "1001f00d00000007000000000000000764b007adbcb0d45f8aeff7200defbee7a7961421" },
    { 12, false, UINT64_C(0x100000002), "an upper layer, 29 octets....",
      "1001f00d0000000200000001000000025615cbca2c8c321509ac8871393024e2e9d76d6a85d706db88e4d88bbdd2f159"
      "a104e18fa4a3b234" },
    { 12, true, UINT64_C(0x7), "", "1001f00d00000007000000000000000761684ce71a731cf4787d35e7" },
    { 13, false, UINT64_C(0x100000002), "an upper layer, 29 octets....",
      "1001f00d0000000200000001000000025615cbca2c8c321509ac8871393024e2e9d76d6a85d706db88e4d88bbdd2f159"
      "a104e18fa4a3b234a7b3888967c86575" },
    { 13, true, UINT64_C(0x7), "",
      "1001f00d00000007000000000000000761684ce71a731cf4787d35e7be250a1d47d0336f" },
    { 14, false, UINT64_C(0x100000002), "an upper layer, 29 octets....",
      "1001f00d00000002616e207570706572206c617965722c203239206f63746574732e2e2e2e010111941b4411bfed26d3"
      "61aa3d95" },
    { 14, true, UINT64_C(0x7), "", "1001f00d0000000701020211c257c2ca5ebc2d5a106c49db" },
    { 15, false, UINT64_C(0x100000002), "an upper layer, 29 octets....",
      "1001f00d000000020000000100000002616e207570706572206c617965722c203239206f63746574732e2e2e2e010111"
      "aca8bc87e0875dc66534586c787c2cfb" },
    { 15, true, UINT64_C(0x7), "",
      "1001f00d000000070000000000000007010202114908e97a49741d66f48ab1ff4e6a0b25" },
};

static struct esp_sa *made_sa(size_t i, bool outbound)
{
    const struct esp_suite *s = esp_suite_get(made[i].suite);
    uint8_t enc[32], auth[32];
    struct esp_sa *sa = NULL;
    for (uint8_t k = 0; k < 32; k++) {
        enc[k] = (uint8_t)(0x40 + k);
        auth[k] = (uint8_t)(0x80 + k);
    }
    struct esp_sa_params p = { .spi = 0x1001f00d,
                               .suite = made[i].suite,
                               .enc = span_of(enc, s->enc_len),
                               .auth = span_of(auth, s->auth_len),
                               .outbound = outbound,
                               .short_seq = made[i].short_seq,
                               .seq = made[i].seq - 1 };
    assert_int_equal(esp_sa_new(&p, &sa), ERR_OK);
    return sa;
}

static void test_made_elsewhere(void **state)
{
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        struct esp_sa *in = made_sa(i, false), *out = made_sa(i, true);
        struct span plain = span_of(made[i].plain, strlen(made[i].plain));
        uint8_t want[128], buf[128];
        size_t want_len, n;
        struct esp_opened o;

        assert_int_equal(hex_decode(made[i].esp, strlen(made[i].esp), want, sizeof want, &want_len), ERR_OK);
        assert_int_equal(esp_seal_iv(out, want + ESP_HEAD, 17, plain, buf, sizeof buf, &n), ERR_OK);
        assert_int_equal(n, want_len);
        assert_memory_equal(buf, want, n);
        assert_int_equal(esp_open(in, buf, n, &o), ERR_OK);
        assert_int_equal(o.len, plain.n);
        assert_memory_equal(o.payload, plain.p, plain.n);
        assert_true(o.next_header == 17 && o.seq == made[i].seq);
        esp_sa_free(in);
        esp_sa_free(out);
    }
}

/* draft-mcgrew-gcm-test-01: the ICV of GMAC over an IPv4 packet in tunnel mode; the IV is part of what is authenticated. */
static void test_gmac_published(void **state)
{
    static const char text[] = "00004321000000070000000000000000"
                               "45000030da3a00008001df3bc0a80005c0a800010800c6cd02000700"
                               "6162636465666768696a6b6c6d6e6f707172737401020201"
                               "f2a9a836e155106aa8dcd618e4099aaa";
    uint8_t key[20], packet[128];
    size_t n;
    struct esp_sa *sa = NULL;
    struct esp_opened o;

    assert_int_equal(hex_decode("4c80cdefbb5d10da906ac73c3613a63422433c64", 40, key, sizeof key, &n), ERR_OK);
    assert_int_equal(hex_decode(text, strlen(text), packet, sizeof packet, &n), ERR_OK);
    struct esp_sa_params p = {
        .spi = 0x4321, .suite = ESP_AES128_GMAC, .auth = span_of(key, sizeof key), .short_seq = true, .seq = 6
    };
    assert_int_equal(esp_sa_new(&p, &sa), ERR_OK);
    assert_int_equal(esp_open(sa, packet, n, &o), ERR_OK);
    assert_int_equal(o.next_header, 1);
    assert_int_equal(o.len, 48);
    esp_sa_free(sa);
}

/* ---- the same at run time ---- */

static void counting(void *ctx, void *out, size_t n)
{
    uint8_t *seed = ctx;
    memset(out, ++*seed, n);
}

static const uint16_t all_suites[] = { ESP_NULL_SHA256,  ESP_AES128_CBC_SHA256, ESP_AES256_CBC_SHA256,
                                       ESP_AES128_CCM8,  ESP_AES128_CCM16,      ESP_AES128_GCM8,
                                       ESP_AES128_GCM16, ESP_AES128_CMAC96,     ESP_AES128_GMAC };

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
            assert_true(esp_payload_max(out, len) >= n);
            assert_true(esp_payload_max(out, len - 1) < n || n == 0);
            assert_int_equal(esp_payload_max(out, esp_sealed_len(out, esp_payload_max(out, len))),
                             esp_payload_max(out, len));
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
    size_t len[8];
    struct esp_opened o;

    for (size_t s = 0; s < sizeof all_suites / sizeof all_suites[0]; s++) {
        struct esp_sa *out = new_sa(all_suites[s], true, 0xfffffffc),
                      *in = new_sa(all_suites[s], false, 0xfffffffc);
        for (size_t i = 0; i < 8; i++)
            assert_int_equal(esp_seal(out, &env, 6, span_of("abcd", 4), buf[i], sizeof buf[i], &len[i]),
                             ERR_OK);
        for (size_t i = 8; i-- > 0;) { /* the last one first */
            uint8_t again[128];
            memcpy(again, buf[i], len[i]);
            assert_int_equal(esp_open(in, buf[i], len[i], &o), ERR_OK);
            assert_true(o.seq == UINT64_C(0xfffffffd) + i);
            assert_int_equal(esp_open(in, again, len[i], &o), ERR_REPLAY);
        }
        esp_sa_free(out);
        esp_sa_free(in);
    }
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

/* What one key may do (hip/esp/sa.h). */
static void test_used_up(void **state)
{
    uint8_t seed = 0, buf[128];
    struct env env = { .ctx = &seed, .random = counting };
    size_t len;

    for (size_t s = 0; s < sizeof all_suites / sizeof all_suites[0]; s++) {
        struct esp_sa *out = new_sa(all_suites[s], true, 0), *in = new_sa(all_suites[s], false, 0);
        struct esp_opened o;
        out->count.packets = esp_sa_suite(out)->packets_max - 1;
        assert_false(esp_sa_used_up(out));
        assert_int_equal(esp_seal(out, &env, 6, span_of("abcd", 4), buf, sizeof buf, &len), ERR_OK);
        assert_true(esp_sa_used_up(out));
        assert_int_equal(esp_open(in, buf, len, &o), ERR_OK);
        assert_int_equal(esp_seal(out, &env, 6, span_of("abcd", 4), buf, sizeof buf, &len), ERR_FULL);
        assert_int_equal(esp_sa_seq(out), 1);
        out->count.packets = 1;
        out->count.octets = ESP_OCTETS_MAX - 4;
        assert_int_equal(esp_seal(out, &env, 6, span_of("abcd", 4), buf, sizeof buf, &len), ERR_OK);
        assert_int_equal(esp_seal(out, &env, 6, span_of("abcd", 4), buf, sizeof buf, &len), ERR_FULL);
        /* forged ones count: that is what a short tag is limited for */
        in->count.bad_icv = esp_sa_suite(in)->packets_max - 1;
        assert_true(esp_sa_used_up(in));
        esp_sa_free(out);
        esp_sa_free(in);
    }
    assert_true(esp_suite_get(ESP_AES128_GCM8)->packets_max == UINT64_C(1) << 26);
    assert_true(esp_suite_get(ESP_AES128_GCM16)->packets_max == UINT64_C(1) << 32);
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

    struct esp_sa_params p = { .spi = 1, .suite = 1, .enc = span_of(key, 16), .auth = span_of(key, 20) };
    assert_int_equal(esp_sa_new(&p, &in), ERR_UNSUPPORTED);
    p.suite = 16;
    assert_int_equal(esp_sa_new(&p, &in), ERR_UNSUPPORTED);
    p.auth.n = 32;
    p.suite = ESP_AES128_CBC_SHA256;
    p.enc.n = 15;
    assert_int_equal(esp_sa_new(&p, &in), ERR_RANGE);
    p.suite = ESP_AES128_GCM16;
    p.enc.n = 16; /* the salt is missing */
    p.auth.n = 0;
    assert_int_equal(esp_sa_new(&p, &in), ERR_RANGE);
}

/* What is drawn from KEYMAT (hip/suite.h) is what a SA takes. */
static void test_lengths_agree(void **state)
{
    const struct hip_esp_suite *h;
    for (size_t i = 0; (h = hip_esp_suite_at(i)) != NULL; i++) {
        const struct esp_suite *s = esp_suite_get(h->id);
        assert_int_equal(h->supported, s != NULL);
        if (!s)
            continue;
        assert_int_equal(s->enc_len, h->enc_len);
        assert_int_equal(s->auth_len, h->auth_len);
        assert_int_equal(h->auth_only, s->enc_len == 0);
    }
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
        cmocka_unit_test(test_made_elsewhere),
        cmocka_unit_test(test_gmac_published),
        cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_every_octet_counts),
        cmocka_unit_test(test_high_half_is_authenticated),
        cmocka_unit_test(test_across_the_wrap),
        cmocka_unit_test(test_numbers_end),
        cmocka_unit_test(test_used_up),
        cmocka_unit_test(test_wrong_direction_and_keys),
        cmocka_unit_test(test_spi),
        cmocka_unit_test(test_lengths_agree),
    };
    if (crypto_init())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
