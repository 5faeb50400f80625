/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/crypto/cipher.h"
#include "common/crypto/secret.h"
#include "tests/unit/crypto/hexed.h"

/* SP 800-38A F.1.1, F.2.1, F.2.5: the first two blocks of the example. */
#define PLAIN "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
static void blocks_both_ways(void **st)
{
    static const struct {
        enum cipher_alg a;
        const char *key, *iv, *text;
    } v[] = {
        { CIPHER_AES128_ECB, "2b7e151628aed2a6abf7158809cf4f3c", "00000000000000000000000000000000",
          "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf" },
        { CIPHER_AES128_CBC, "2b7e151628aed2a6abf7158809cf4f3c", "000102030405060708090a0b0c0d0e0f",
          "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2" },
        { CIPHER_AES256_CBC, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
          "000102030405060708090a0b0c0d0e0f",
          "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d" },
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct cipher *e = cipher_new(v[i].a, true, H(v[i].key)), *d = cipher_new(v[i].a, false, H(v[i].key));
        uint8_t out[32];
        for (int again = 0; again < 2; again++) { /* a context keeps nothing of the message before */
            assert_int_equal(cipher_blocks(e, H(v[i].iv).p, H(PLAIN), out), ERR_OK);
            assert_hex(out, v[i].text);
            assert_int_equal(cipher_blocks(d, H(v[i].iv).p, span_of(out, 32), out), ERR_OK); /* in place */
            assert_hex(out, PLAIN);
        }
        assert_int_equal(cipher_blocks(e, H(v[i].iv).p, span_of(out, 31), out), ERR_RANGE);
        assert_int_equal(cipher_blocks(e, H(v[i].iv).p, span_of(out, 0), out), ERR_OK);
        assert_int_equal(cipher_seal(e, out, span_of(out, 0), span_of(out, 1), out, out, 16), ERR_STATE);
        cipher_free(e);
        cipher_free(d);
    }
    cipher_free(NULL);
    assert_null(cipher_new(CIPHER_AES128_CBC, true, span_str("short")));
    assert_null(cipher_new((enum cipher_alg)77, true, H("2b7e151628aed2a6abf7158809cf4f3c")));
}

/* SP 800-38A F.5.1, its first two blocks; less than a block is the beginning of it. */
static void counter_mode(void **st)
{
    static const char text[] = "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff";
    struct cipher *c = cipher_new(CIPHER_AES128_CTR, true, H("2b7e151628aed2a6abf7158809cf4f3c"));
    struct span icb = H("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    uint8_t out[32];
    assert_int_equal(cipher_blocks(c, icb.p, H(PLAIN), out), ERR_OK);
    assert_hex(out, text);
    assert_int_equal(cipher_blocks(c, icb.p, span_of(out, 32), out), ERR_OK);
    assert_hex(out, PLAIN);
    assert_int_equal(cipher_blocks(c, icb.p, span_of(H(PLAIN).p, 21), out), ERR_OK);
    assert_memory_equal(out, H(text).p, 21);
    assert_memory_equal(out + 21, H(PLAIN).p + 21, 11);
    cipher_free(c);
}

/* Test case 4 of McGrew and Viega's GCM specification (AES-128), and 16 (AES-256). */
#define GCM_IV  "cafebabefacedbaddecaf888"
#define GCM_AAD "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define GCM_PLAIN \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aed" \
    "f5aa0de657ba637b39"
static void gcm_both_ways(void **st)
{
    static const struct {
        enum cipher_alg a;
        const char *key, *text, *tag;
    } v[] = {
        { CIPHER_AES128_GCM, "feffe9928665731c6d6a8f9467308308",
          "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051b"
          "a30b396a0aac973d58e091",
          "5bc94fbc3221a5db94fae95ae7121a47" },
        { CIPHER_AES256_GCM, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
          "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5"
          "f61e6393ba7a0abcc9f662",
          "76fc6ece0f4e1768cddf8853bb2d551b" },
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct cipher *e = cipher_new(v[i].a, true, H(v[i].key)), *d = cipher_new(v[i].a, false, H(v[i].key));
        uint8_t out[64], tag[16], back[64];
        struct span iv = H(GCM_IV), aad = H(GCM_AAD), plain = H(GCM_PLAIN);
        for (size_t n = 8; n <= 16; n += 4) {
            memset(tag, 0, sizeof tag);
            assert_int_equal(cipher_seal(e, iv.p, aad, plain, out, tag, n), ERR_OK);
            assert_hex(out, v[i].text);
            assert_memory_equal(tag, H(v[i].tag).p, n);
            assert_int_equal(cipher_open(d, iv.p, aad, span_of(out, plain.n), back, tag, n), ERR_OK);
            assert_memory_equal(back, plain.p, plain.n);
            tag[n - 1] ^= 1;
            assert_int_equal(cipher_open(d, iv.p, aad, span_of(out, plain.n), back, tag, n), ERR_AUTH);
            assert_memory_not_equal(back, plain.p, plain.n); /* nothing usable is left */
            tag[n - 1] ^= 1;
            out[3] ^= 1;
            assert_int_equal(cipher_open(d, iv.p, aad, span_of(out, plain.n), back, tag, n), ERR_AUTH);
            out[3] ^= 1;
            assert_int_equal(cipher_open(d, iv.p, span_sub(aad, 0, 19), span_of(out, plain.n), back, tag, n),
                             ERR_AUTH);
        }
        assert_int_equal(cipher_seal(e, iv.p, aad, plain, out, tag, 4), ERR_RANGE);
        assert_int_equal(cipher_open(d, iv.p, aad, plain, out, tag, 0), ERR_RANGE);
        assert_int_equal(cipher_seal(d, iv.p, aad, plain, out, tag, 16), ERR_STATE);
        assert_int_equal(cipher_open(e, iv.p, aad, plain, out, tag, 16), ERR_STATE);
        assert_int_equal(cipher_blocks(e, iv.p, plain, out), ERR_RANGE);
        cipher_free(e);
        cipher_free(d);
    }
}

/* RFC 4493 s4. */
static void cmac(void **st)
{
    static const struct {
        size_t n;
        const char *mac;
    } v[] = { { 0, "bb1d6929e95937287fa37d129b756746" },
              { 16, "070a16b46b4d4144f79bdd9dd04a287c" },
              { 40, "dfa66747de9ae63030ca32611497c827" },
              { 64, "51f0bebf7e3b9d92fc49741779363cfe" } };
    struct mac *m = mac_cmac_new(H("2b7e151628aed2a6abf7158809cf4f3c"));
    struct span text = H("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
                         "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710");
    uint8_t out[CMAC_LEN];

    assert_non_null(m);
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct span in[2] = { span_sub(text, 0, v[i].n / 3),
                              span_sub(text, v[i].n / 3, v[i].n - v[i].n / 3) };
        assert_int_equal(mac_spans(m, in, 2, out), ERR_OK);
        assert_hex(out, v[i].mac);
    }
    mac_free(m);
    assert_null(mac_cmac_new(span_sub(text, 0, 15)));
}

static void gmac_wants_gcm(void **st)
{
    uint8_t tag[16], iv[12] = { 0 };
    struct span key = H("00000000000000000000000000000000"), none = { 0 };
    struct cipher *e = cipher_new(CIPHER_AES128_GCM, true, key),
                  *d = cipher_new(CIPHER_AES128_GCM, false, key),
                  *b = cipher_new(CIPHER_AES128_CBC, true, key);
    assert_int_equal(cipher_gmac(e, iv, &none, 1, tag), ERR_OK);
    assert_hex(tag, "58e2fccefa7e3061367f1d57a4e7455a"); /* that of an empty text */
    assert_int_equal(cipher_gmac(d, iv, &none, 1, tag), ERR_STATE);
    assert_int_equal(cipher_gmac(b, iv, &none, 1, tag), ERR_STATE);
    cipher_free(e);
    cipher_free(d);
    cipher_free(b);
}

/* RFC 4309's form: eleven octets of nonce. Texts and tags made with PyCryptodome. */
static void ccm(void **st)
{
    static const struct {
        enum cipher_alg a;
        size_t tag_len, n;
        const char *text, *tag;
    } v[] = {
        { CIPHER_AES128_CCM8, 8, 60,
          "6ccbcf9d5627027e16231708e1620bf8c1de20cee0073441c7beefc9dc81b84554277b5bd0ffef9af0dd0c1c0059d8b8bc"
          "8ade3ce5c067e59ca90527",
          "ffbca786c48bf836" },
        { CIPHER_AES128_CCM16, 16, 33, "6ccbcf9d5627027e16231708e1620bf8c1de20cee0073441c7beefc9dc81b84554",
          "91a9fa2c03900898382e8d615c466efb" },
        { CIPHER_AES128_CCM16, 16, 0, "", "efd5dd2dd1b756b0f20f1cf1681a851d" },
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct span key = H("404142434445464748494a4b4c4d4e4f"), iv = H("50515253545556575859a0"),
                    aad = H("000102030405060708090a0b"), plain = span_sub(H(GCM_PLAIN), 0, v[i].n);
        struct cipher *e = cipher_new(v[i].a, true, key), *d = cipher_new(v[i].a, false, key);
        uint8_t out[64], tag[16] = { 0 }, back[64];

        for (int again = 0; again < 2; again++) {
            assert_int_equal(cipher_seal(e, iv.p, aad, plain, out, tag, v[i].tag_len), ERR_OK);
            assert_memory_equal(out, H(v[i].text).p, v[i].n);
            assert_memory_equal(tag, H(v[i].tag).p, v[i].tag_len);
            assert_int_equal(cipher_open(d, iv.p, aad, span_of(out, v[i].n), back, tag, v[i].tag_len),
                             ERR_OK);
            assert_memory_equal(back, plain.p, plain.n);
            tag[v[i].tag_len - 1] ^= 1;
            assert_int_equal(cipher_open(d, iv.p, aad, span_of(out, v[i].n), back, tag, v[i].tag_len),
                             ERR_AUTH);
            tag[v[i].tag_len - 1] ^= 1;
            assert_int_equal(
                cipher_open(d, iv.p, span_sub(aad, 0, 8), span_of(out, v[i].n), back, tag, v[i].tag_len),
                ERR_AUTH);
        }
        assert_int_equal(cipher_seal(e, iv.p, aad, plain, out, tag, v[i].tag_len == 8 ? 16 : 8), ERR_RANGE);
        assert_int_equal(cipher_blocks(e, iv.p, span_of(out, 16), out), ERR_RANGE);
        cipher_free(e);
        cipher_free(d);
    }
}

static void gcm_empty(void **st)
{
    uint8_t tag[16], iv[12] = { 0 };
    struct span key = H("00000000000000000000000000000000"), none = { 0 };
    struct cipher *e = cipher_new(CIPHER_AES128_GCM, true, key),
                  *d = cipher_new(CIPHER_AES128_GCM, false, key);
    assert_int_equal(cipher_seal(e, iv, none, none, NULL, tag, 16), ERR_OK);
    assert_hex(tag, "58e2fccefa7e3061367f1d57a4e7455a"); /* test case 1 of the same text */
    assert_int_equal(cipher_open(d, iv, none, none, NULL, tag, 16), ERR_OK);
    tag[0] ^= 1;
    assert_int_equal(cipher_open(d, iv, none, none, NULL, tag, 16), ERR_AUTH);
    cipher_free(e);
    cipher_free(d);
}

/* draft-irtf-cfrg-xchacha-03 A.3.1 */
static void box(void **st)
{
    struct span key = H("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
    struct span nonce = H("404142434445464748494a4b4c4d4e4f5051525354555657"),
                aad = H("50515253c0c1c2c3c4c5c6c7");
    struct span text =
        span_str("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
                 "future, sunscreen would be it.");
    uint8_t out[256], back[256];
    assert_int_equal(box_seal(key.p, nonce.p, aad, text, out), ERR_OK);
    assert_hex(
        out,
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64"
        "c"
        "6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f966"
        "4c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49");
    assert_int_equal(box_open(key.p, nonce.p, aad, span_of(out, text.n + BOX_TAG), back), ERR_OK);
    assert_memory_equal(back, text.p, text.n);
    assert_int_equal(box_open(key.p, nonce.p, span_str("other"), span_of(out, text.n + BOX_TAG), back),
                     ERR_AUTH);
    out[0] ^= 0x80;
    assert_int_equal(box_open(key.p, nonce.p, aad, span_of(out, text.n + BOX_TAG), back), ERR_AUTH);
    assert_int_equal(box_open(key.p, nonce.p, aad, span_of(out, BOX_TAG - 1), back), ERR_AUTH);
}

static int setup(void **st)
{
    return crypto_init() != ERR_OK;
}

int main(void)
{
    const struct CMUnitTest t[] = { cmocka_unit_test(blocks_both_ways),
                                    cmocka_unit_test(counter_mode),
                                    cmocka_unit_test(gcm_both_ways),
                                    cmocka_unit_test(gcm_empty),
                                    cmocka_unit_test(cmac),
                                    cmocka_unit_test(gmac_wants_gcm),
                                    cmocka_unit_test(ccm),
                                    cmocka_unit_test(box) };
    return cmocka_run_group_tests(t, setup, NULL);
}
