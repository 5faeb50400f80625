/* SPDX-License-Identifier: Apache-2.0
 * docs/sim-binding.md section 3: its check values, and test-vectors/sim-binding.json, which an independent program computed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hex.h"
#include "common/crypto/hash.h"
#include "common/crypto/secret.h"
#include "hip/bind_key.h"

#define SPAN(x) span_of(x, sizeof x)

static void same(const char *what, const uint8_t *got, const char *want)
{
    uint8_t w[64];
    size_t n;
    char text[129];
    assert_int_equal(hex_decode(want, strlen(want), w, sizeof w, &n), ERR_OK);
    if (memcmp(got, w, n) != 0)
        fail_msg("%s: got %s, want %s", what, hex_encode(span_of(got, n), text), want);
}

/* PRK = HKDF-Extract(salt #I | #J, Kij); EXPORT as section 3 says, HITs in order. */
static void export_key(enum hash_alg h, struct span kij, struct span i, struct span j, const struct hit *a,
                       const struct hit *b, uint8_t out[32])
{
    static const char label[] = "HIP-EXPORT sim-binding";
    uint8_t salt[128], prk[HASH_LEN_MAX], info[64];
    memcpy(salt, i.p, i.n);
    memcpy(salt + i.n, j.p, j.n);
    assert_int_equal(hkdf_extract(h, span_of(salt, i.n + j.n), kij, prk), ERR_OK);
    size_t n = sizeof label - 1;
    bool a_first = memcmp(a->b, b->b, 16) < 0;
    memcpy(info, label, n);
    memcpy(info + n, a_first ? a->b : b->b, 16);
    memcpy(info + n + 16, a_first ? b->b : a->b, 16);
    assert_int_equal(hkdf_expand(h, span_of(prk, hash_len(h)), span_of(info, n + 32), out, 32), ERR_OK);
}

static void test_check_values(void **state)
{
    uint8_t kij[32], ij[48], jj[48], msk[64], hi_mn[68] = { 0, 7, 0, 1 }, hi_fa[68] = { 0, 7, 0, 1 };
    struct hit mn = { { 0x20, 1, 0, 0x21 } }, fa = { { 0x20, 1, 0, 0x22 } };
    uint8_t exported[32], th[32], mask[32], zero[32] = { 0 };
    static const char id[] = "6001010000000001@wlan.mnc001.mcc001.3gppnetwork.org";
    uint8_t eap1[5 + sizeof id - 1] = { 2, 0, 0, sizeof eap1, 1 };
    static const uint8_t eap2[] = { 1, 1, 0, 8, 0x32, 1, 0, 0 }, eap3[] = { 2, 1, 0, 8, 0x32, 1, 0, 0 };

    memcpy(eap1 + 5, id, sizeof id - 1);
    for (int i = 0; i < 32; i++)
        kij[i] = (uint8_t)i;
    for (int i = 0; i < 64; i++)
        msk[i] = (uint8_t)(0x40 + i);
    memset(ij, 0xaa, sizeof ij);
    memset(jj, 0xbb, sizeof jj);
    memset(mn.b + 4, 0x11, 12);
    memset(fa.b + 4, 0x22, 12);
    memset(hi_mn + 4, 0x33, 64);
    memset(hi_fa + 4, 0x44, 64);

    struct hip_bind_th *t = hip_bind_th_new(SPAN(hi_mn), SPAN(hi_fa));
    hip_bind_th_add(t, SPAN(eap1));
    hip_bind_th_add(t, SPAN(eap2));
    assert_int_equal(hip_bind_th_get(t, th), ERR_OK); /* a look on the way changes nothing */
    hip_bind_th_add(t, SPAN(eap3));
    assert_int_equal(hip_bind_th_get(t, th), ERR_OK);
    hip_bind_th_free(t);
    same("TH", th, "b05b14382a27162acf366e3d170cd2c93ae5b81fb22151ca00bdf88ce4fcf30d");

    export_key(HASH_SHA256, SPAN(kij), span_of(ij, 32), span_of(jj, 32), &mn, &fa, exported);
    same("EXPORT", exported, "a1000552f87a3c176c6091117e2278dc25f2b1a29e5f43bd3c1c0937d7dc8ec9");
    struct hip_bind_keys *k = hip_bind_keys_new(exported, msk, th);
    assert_non_null(k);
    assert_memory_equal(hip_bind_keys_th(k), th, 32);
    assert_int_equal(hip_bind_mask(k, 1, 5, zero, mask), ERR_OK);
    same("MASK", mask, "07b35dc65ced2ab5953a97c6f2b4229064cdfe962d01fc53fd44c924c7626951");
    assert_int_equal(hip_bind_mask(k, 1, 5, mask, mask), ERR_OK);
    assert_memory_equal(mask, zero, 32);

    /* K_mn and K_fa by the MACs they make */
    uint8_t got[32], want[32], key[32], upd[4] = { 0, 0, 1, 2 };
    size_t n;
    struct span in[] = { SPAN(upd), span_str("P") };
    const char *k_mn = "03968882ce127d8d7ab756dc04eb60abe9e29642bb13848c5074256728ea5aab";
    const char *k_fa = "c40a1a811b7a18be4c86d6d02d35a470a347e50b59d66f06b8b7ac4a1c3ae12c";
    assert_int_equal(hex_decode(k_mn, 64, key, 32, &n), ERR_OK);
    assert_int_equal(hmac_spans(HASH_SHA256, SPAN(key), in, 2, want), ERR_OK);
    assert_int_equal(hip_bind_mac_mn(k, 258, span_str("P"), got), ERR_OK);
    assert_memory_equal(got, want, 32);
    struct span in2[] = { SPAN(upd), SPAN(want), span_str("P") };
    uint8_t want_fa[32];
    assert_int_equal(hex_decode(k_fa, 64, key, 32, &n), ERR_OK);
    assert_int_equal(hmac_spans(HASH_SHA256, SPAN(key), in2, 3, want_fa), ERR_OK);
    assert_int_equal(hip_bind_mac_fa(k, 258, want, span_str("P"), got), ERR_OK);
    assert_memory_equal(got, want_fa, 32);
    hip_bind_keys_free(k);

    export_key(HASH_SHA384, SPAN(kij), SPAN(ij), SPAN(jj), &fa, &mn, exported);
    same("EXPORT 384", exported, "e1862b98e9162b819a38f566dc76419be5c75ff188526ee8aea5c205cceb7ffb");
    uint8_t extracted[32];
    assert_int_equal(hkdf_extract(HASH_SHA256, SPAN(exported), SPAN(msk), extracted), ERR_OK);
    same("K 384", extracted, "0c54cc5db4f09a8738810bed8c9e22b8cb503643720572d7def1f9b137465191");
}

static void test_transcript_order_matters(void **state)
{
    uint8_t a[32], b[32];
    for (int swap = 0; swap < 2; swap++) {
        struct hip_bind_th *t = hip_bind_th_new(span_str("mn"), span_str("fa"));
        hip_bind_th_add(t, span_str(swap ? "two" : "one"));
        hip_bind_th_add(t, span_str(swap ? "one" : "two"));
        assert_int_equal(hip_bind_th_get(t, swap ? b : a), ERR_OK);
        hip_bind_th_free(t);
    }
    assert_memory_not_equal(a, b, 32);
    struct hip_bind_th *t = hip_bind_th_new(span_str("m"), span_str("nfa")); /* same octets, other border */
    hip_bind_th_add(t, span_str("onetwo"));
    assert_int_equal(hip_bind_th_get(t, b), ERR_OK);
    hip_bind_th_free(t);
    assert_memory_not_equal(a, b, 32);
}

static void test_proof_message(void **state)
{
    uint8_t th[32], msg[HIP_BIND_PROOF_MAX];
    struct hit h;
    memset(th, 1, sizeof th);
    memset(&h, 2, sizeof h);
    assert_int_equal(hip_bind_proof_msg(false, th, &h, msg), 8 + 32 + 16);
    assert_memory_equal(msg, "hipfa hi\x01", 9);
    assert_int_equal(hip_bind_proof_msg(true, th, &h, msg), 9 + 32 + 16);
    assert_memory_equal(msg, "hipfa old\x01", 10);
}

/* ---- the file ---- */

static size_t field(const json_t *t, const char *name, uint8_t *out, size_t cap)
{
    const char *text = json_string_value(json_object_get(t, name));
    size_t n = 0;
    assert_non_null(text);
    assert_int_equal(hex_decode(text, strlen(text), out, cap, &n), ERR_OK);
    return n;
}

static const char *text_of(const json_t *t, const char *name)
{
    return json_string_value(json_object_get(t, name));
}

static void one_vector(const json_t *t)
{
    static uint8_t a[2048], b[2048];
    uint8_t i[48], j[48], kij[48], exported[32], msk[64], th[32], got[32], mac[32], zero[32] = { 0 };
    struct hit mn, fa;
    enum hash_alg h = strcmp(text_of(t, "rhash"), "sha384") ? HASH_SHA256 : HASH_SHA384;
    size_t n_kij = field(t, "kij", kij, sizeof kij);
    size_t n_i = field(t, "i", i, sizeof i), n_j = field(t, "j", j, sizeof j);
    field(t, "hit_mn", mn.b, 16);
    field(t, "hit_fa", fa.b, 16);
    assert_int_equal(field(t, "msk", msk, sizeof msk), 64);
    export_key(h, span_of(kij, n_kij), span_of(i, n_i), span_of(j, n_j), &mn, &fa, exported);
    same("EXPORT", exported, text_of(t, "export"));

    size_t n_mn = field(t, "hi_mn", a, sizeof a), n_fa = field(t, "hi_fa", b, sizeof b);
    struct hip_bind_th *run = hip_bind_th_new(span_of(a, n_mn), span_of(b, n_fa));
    const json_t *eap = json_object_get(t, "eap");
    for (size_t k = 0; k < json_array_size(eap); k++) {
        const char *text = json_string_value(json_array_get(eap, k));
        size_t n;
        assert_int_equal(hex_decode(text, strlen(text), a, sizeof a, &n), ERR_OK);
        hip_bind_th_add(run, span_of(a, n));
    }
    assert_int_equal(hip_bind_th_get(run, th), ERR_OK);
    hip_bind_th_free(run);
    same("TH", th, text_of(t, "th"));

    struct hip_bind_keys *k = hip_bind_keys_new(exported, msk, th);
    assert_non_null(k);
    uint16_t attempt = (uint16_t)json_integer_value(json_object_get(t, "attempt"));
    uint8_t type = (uint8_t)json_integer_value(json_object_get(t, "item_type"));
    assert_int_equal(hip_bind_mask(k, attempt, type, zero, got), ERR_OK);
    same("MASK", got, text_of(t, "mask"));
    size_t n = field(t, "p_mn", a, sizeof a);
    uint32_t id = (uint32_t)json_integer_value(json_object_get(t, "update_id_mn"));
    assert_int_equal(hip_bind_mac_mn(k, id, span_of(a, n), mac), ERR_OK);
    same("BIND_MAC of the MN", mac, text_of(t, "bind_mac_mn"));
    n = field(t, "p_fa", a, sizeof a);
    id = (uint32_t)json_integer_value(json_object_get(t, "update_id_fa"));
    assert_int_equal(hip_bind_mac_fa(k, id, mac, span_of(a, n), got), ERR_OK);
    same("BIND_MAC of the FA", got, text_of(t, "bind_mac_fa"));
    hip_bind_keys_free(k);
}

static void test_vectors(void **state)
{
    json_error_t je;
    size_t done = 0;
    json_t *root = json_load_file(VECTORS "/sim-binding.json", 0, &je);
    assert_non_null(root);
    const json_t *groups = json_object_get(root, "testGroups");
    for (size_t g = 0; g < json_array_size(groups); g++) {
        const json_t *tests = json_object_get(json_array_get(groups, g), "tests");
        for (size_t i = 0; i < json_array_size(tests); i++, done++)
            one_vector(json_array_get(tests, i));
    }
    assert_int_equal(done, json_integer_value(json_object_get(root, "numberOfTests")));
    assert_true(done > 0);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_values),
        cmocka_unit_test(test_transcript_order_matters),
        cmocka_unit_test(test_proof_message),
        cmocka_unit_test(test_vectors),
    };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
