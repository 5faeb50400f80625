/* SPDX-License-Identifier: Apache-2.0
 * hip/keymat.c, hip/puzzle.c, hip/suite.c against test-vectors/keymat.json, puzzle.json, sim-binding.json. */
#include "hip/keymat.h"
#include "hip/puzzle.h"
#include "hip/suite.h"
#include "vec.h"

static struct hit hit_field(const json_t *t, const char *name)
{
    struct octets o = field(t, name);
    struct hit h;
    assert_int_equal(o.n, 16);
    memcpy(h.b, o.b, 16);
    return h;
}

static void puzzle(const json_t *g, const json_t *t)
{
    struct octets i = field(t, "i"), j = field(t, "j");
    struct hit hi = hit_field(t, "hit_i"), hr = hit_field(t, "hit_r");
    enum hash_alg h = hash_by_name(json_string_value(json_object_get(t, "rhash")));
    uint8_t k = (uint8_t)json_integer_value(json_object_get(t, "k"));
    assert_int_equal(hip_puzzle_check(h, k, sp(&i), &hi, &hr, sp(&j)), is_valid(t) ? ERR_OK : ERR_AUTH);
}

static void test_puzzle_vectors(void **s)
{
    each_vector("puzzle", "PuzzleTest", puzzle);
}

static void test_solver(void **s)
{
    struct hip_solver v;
    struct hit a = { { 1 } }, b = { { 2 } };
    uint8_t i[32] = { 7 }, start[32];
    memset(start, 0xff, sizeof(start)); /* counts over the end */
    assert_int_equal(hip_solver_init(&v, HASH_SHA256, 10, span_of(i, 32), &a, &b, start), ERR_OK);
    uint64_t slices = 0;
    err e;
    while ((e = hip_solver_step(&v, 16)) == ERR_NOT_FOUND)
        slices++;
    assert_int_equal(e, ERR_OK);
    assert_true(v.tried > slices * 16 && v.tried <= (slices + 1) * 16);
    assert_int_equal(hip_puzzle_check(HASH_SHA256, 10, span_of(i, 32), &a, &b, span_of(v.j, 32)), ERR_OK);
    assert_int_equal(hip_puzzle_check(HASH_SHA256, 10, span_of(i, 32), &b, &a, span_of(v.j, 32)), ERR_AUTH);
    assert_int_equal(hip_puzzle_check(HASH_SHA256, 10, span_of(i, 31), &a, &b, span_of(v.j, 32)), ERR_RANGE);
    assert_int_equal(hip_solver_init(&v, HASH_SHA256, 10, span_of(i, 31), &a, &b, start), ERR_RANGE);
    assert_int_equal(hip_puzzle_check(HASH_NONE, 0, span_of(i, 32), &a, &b, span_of(i, 32)), ERR_RANGE);
    assert_int_equal(hip_puzzle_check(HASH_SHA256, 0, span_of(i, 32), &a, &b, span_of(i, 32)), ERR_OK);
}

static void sim_export(const json_t *g, const json_t *t)
{
    enum hash_alg h = hash_by_name(json_string_value(json_object_get(t, "rhash")));
    struct octets kij = field(t, "kij"), i = field(t, "i"), j = field(t, "j"), want = field(t, "export");
    struct hit mn = hit_field(t, "hit_mn"), fa = hit_field(t, "hit_fa");
    struct hip_keymat *k = NULL;
    uint8_t out[32];
    assert_int_equal(hip_keymat_new(h, sp(&kij), sp(&i), sp(&j), &mn, &fa, &k), ERR_OK);
    assert_int_equal(hip_keymat_export(k, "HIP-EXPORT sim-binding", out, 32), ERR_OK);
    assert_memory_equal(out, want.b, 32);
    assert_int_equal(hip_keymat_export(k, "12345678901234567890", out, 32), ERR_RANGE);
    assert_int_equal(hip_keymat_export(k, "", out, 32), ERR_RANGE);
    hip_keymat_close(k);
    assert_int_equal(hip_keymat_export(k, "HIP-EXPORT sim-binding", out, 32), ERR_STATE);
    hip_keymat_free(k);
}

static void test_export(void **s)
{
    each_vector("sim-binding", "SimBindingTest", sim_export);
}

/* The check values printed in docs/sim-binding.md section 3. */
static void test_export_printed(void **s)
{
    uint8_t kij[32], i[48], j[48], out[32];
    struct hit mn = { { 0x20, 0x01, 0, 0x21 } }, fa = { { 0x20, 0x01, 0, 0x22 } };
    for (uint8_t x = 0; x < 32; x++)
        kij[x] = x;
    memset(i, 0xaa, sizeof(i));
    memset(j, 0xbb, sizeof(j));
    memset(mn.b + 4, 0x11, 12);
    memset(fa.b + 4, 0x22, 12);
    static const struct {
        enum hash_alg h;
        const char *want;
    } v[] = {
        { HASH_SHA256, "a1000552f87a3c176c6091117e2278dc25f2b1a29e5f43bd3c1c0937d7dc8ec9" },
        { HASH_SHA384, "e1862b98e9162b819a38f566dc76419be5c75ff188526ee8aea5c205cceb7ffb" },
    };
    for (size_t n = 0; n < 2; n++) {
        struct hip_keymat *k = NULL;
        struct octets want = unhex(v[n].want);
        size_t len = hash_len(v[n].h);
        assert_int_equal(
            hip_keymat_new(v[n].h, span_of(kij, 32), span_of(i, len), span_of(j, len), &fa, &mn, &k), ERR_OK);
        assert_int_equal(hip_keymat_export(k, "HIP-EXPORT sim-binding", out, 32), ERR_OK);
        assert_memory_equal(out, want.b, 32);
        hip_keymat_free(k);
    }
}

static void keymat(const json_t *g, const json_t *t)
{
    enum hash_alg h = hash_by_name(json_string_value(json_object_get(t, "rhash")));
    struct octets kij = field(t, "shared_secret"), i = field(t, "i"), j = field(t, "j");
    struct octets want = field(t, "keymat");
    struct hit a = hit_field(t, "hit_i"), b = hit_field(t, "hit_r");
    struct hip_keymat *k = NULL;
    uint8_t out[HIP_KEYMAT_LEN];
    assert_true(want.n > 0 && want.n <= HIP_KEYMAT_LEN);
    assert_int_equal(hip_keymat_new(h, sp(&kij), sp(&i), sp(&j), &a, &b, &k), ERR_OK);
    assert_int_equal(hip_keymat_draw(k, out, want.n), ERR_OK);
    assert_int_equal(memcmp(out, want.b, want.n) == 0, is_valid(t));
    hip_keymat_free(k);
}

static void same(const json_t *t, const char *name, const uint8_t *got, size_t n)
{
    struct octets want = field(t, name);
    assert_int_equal(want.n, n);
    assert_memory_equal(want.b, got, n);
}

static void draw(const json_t *g, const json_t *t)
{
    enum hash_alg h = hash_by_name(json_string_value(json_object_get(t, "rhash")));
    struct octets kij = field(t, "shared_secret"), i = field(t, "i"), j = field(t, "j");
    uint16_t cipher = (uint16_t)json_integer_value(json_object_get(t, "hip_cipher"));
    uint16_t esp = (uint16_t)json_integer_value(json_object_get(t, "esp_suite"));
    struct hit a = hit_field(t, "hit_i"), b = hit_field(t, "hit_r");
    struct hip_keymat *k = NULL;
    struct hip_keys hk = { 0 }, ek = { 0 };
    if (!hip_esp_suite(esp)->supported)
        return;
    struct hit gr = hit_cmp(&a, &b) > 0 ? a : b, le = hit_cmp(&a, &b) > 0 ? b : a;
    assert_int_equal(hip_keymat_new(h, sp(&kij), sp(&i), sp(&j), &a, &b, &k), ERR_OK);
    assert_int_equal(hip_keymat_hip_keys(k, cipher, &gr, &le, &hk), ERR_OK);
    assert_int_equal(hip_keymat_index(k), json_integer_value(json_object_get(t, "keymat_index")));
    assert_int_equal(hip_keymat_esp_keys(k, esp, &gr, &le, &ek), ERR_OK);
    same(t, "hip_gl_encr", hk.out.enc, hk.out.enc_len);
    same(t, "hip_gl_integ", hk.out.mac, hk.out.mac_len);
    same(t, "hip_lg_encr", hk.in.enc, hk.in.enc_len);
    same(t, "hip_lg_integ", hk.in.mac, hk.in.mac_len);
    same(t, "esp_gl_encr", ek.out.enc, ek.out.enc_len);
    same(t, "esp_gl_auth", ek.out.mac, ek.out.mac_len);
    same(t, "esp_lg_encr", ek.in.enc, ek.in.enc_len);
    same(t, "esp_lg_auth", ek.in.mac, ek.in.mac_len);
    hip_keymat_free(k);
}

static void test_draw(void **s)
{
    each_vector("keymat", "KeymatDrawTest", draw);
}

static void test_keymat(void **s)
{
    each_vector("keymat", "KeymatTest", keymat);
}

static void test_draw_limits(void **s)
{
    struct hit a = { { 1 } }, b = { { 2 } };
    uint8_t x[32] = { 1 }, out[HIP_KEYMAT_LEN];
    struct hip_keymat *k = NULL;
    struct hip_keys ka = { 0 }, kb = { 0 };
    assert_int_equal(hip_keymat_new(HASH_SHA256, span_of(x, 0), span_of(x, 32), span_of(x, 32), &a, &b, &k),
                     ERR_RANGE);
    assert_int_equal(hip_keymat_new(HASH_SHA256, span_of(x, 32), span_of(x, 31), span_of(x, 32), &a, &b, &k),
                     ERR_RANGE);
    assert_int_equal(hip_keymat_new(HASH_SHA256, span_of(x, 32), span_of(x, 32), span_of(x, 32), &a, &b, &k),
                     ERR_OK);
    assert_int_equal(hip_keymat_hip_keys(k, 3, &a, &b, &ka), ERR_UNSUPPORTED);
    assert_int_equal(hip_keymat_hip_keys(k, 2, &a, &b, &ka), ERR_OK);
    assert_int_equal(hip_keymat_index(k), 2 * (16 + 32));
    assert_int_equal(hip_keymat_esp_keys(k, 13, &a, &b, &kb), ERR_OK);
    assert_int_equal(hip_keymat_index(k), 2 * (16 + 32) + 2 * 20);
    assert_int_equal(kb.in.mac_len, 0);
    assert_int_equal(hip_keymat_esp_keys(k, 1, &a, &b, &kb), ERR_UNSUPPORTED);
    assert_int_equal(hip_keymat_seek(k, 10), ERR_RANGE);
    assert_int_equal(hip_keymat_seek(k, HIP_KEYMAT_LEN + 1), ERR_RANGE);
    assert_int_equal(hip_keymat_seek(k, HIP_KEYMAT_LEN - 100), ERR_OK);
    assert_int_equal(hip_keymat_esp_keys(k, 8, &a, &b, &kb), ERR_OK);
    assert_int_equal(hip_keymat_esp_keys(k, 8, &a, &b, &kb), ERR_SPACE);
    assert_int_equal(hip_keymat_draw(k, out, 5), ERR_SPACE);
    assert_int_equal(hip_keymat_draw(k, out, 4), ERR_OK);
    hip_keymat_free(k);
    hip_keymat_free(NULL);
}

/* Each end's out is the other end's in, and the greater HIT's keys are drawn first. */
static void test_directions(void **s)
{
    struct hit lo = { { 0x20, 1 } }, hi = { { 0x20, 2 } };
    uint8_t x[48] = { 9 }, first[32 + 48];
    struct hip_keymat *k[3];
    struct hip_keys kl = { 0 }, kh = { 0 };
    for (int n = 0; n < 3; n++)
        assert_int_equal(hip_keymat_new(HASH_SHA384, span_of(x, 48), span_of(x, 48), span_of(x, 48),
                                        n & 1 ? &lo : &hi, n & 1 ? &hi : &lo, &k[n]),
                         ERR_OK);
    assert_int_equal(hip_keymat_hip_keys(k[0], 4, &lo, &hi, &kl), ERR_OK);
    assert_int_equal(hip_keymat_hip_keys(k[1], 4, &hi, &lo, &kh), ERR_OK);
    assert_int_equal(hip_keymat_draw(k[2], first, sizeof(first)), ERR_OK);
    assert_memory_equal(kh.out.enc, first, 32);
    assert_memory_equal(kh.out.mac, first + 32, 48);
    assert_memory_equal(&kl.out, &kh.in, sizeof(kl.out));
    assert_memory_equal(&kl.in, &kh.out, sizeof(kl.out));
    assert_memory_not_equal(kl.in.enc, kl.out.enc, 32);
    for (int n = 0; n < 3; n++)
        hip_keymat_free(k[n]);
}

static void test_choices(void **s)
{
    const uint8_t own[] = { 8, 7, 0 }, all[] = { 3, 7, 8 }, none[] = { 1, 2, 12 };
    const uint16_t c[] = { 4, 2 }, offered[] = { 1, 2 }, esp[] = { 8, 13, 0 }, esp_offered[] = { 7, 13 };
    assert_int_equal(hip_choose_dh(own, 3, all, 3), 8); /* our order decides (s5.2.6) */
    assert_int_equal(hip_choose_dh(own, 3, none, 3), 0);
    assert_int_equal(hip_choose_dh(none, 3, none, 3), 0); /* deprecated, unknown */
    assert_int_equal(hip_choose_cipher(c, 2, offered, 2), 2);
    assert_int_equal(hip_choose_esp(esp, 3, esp_offered, 2), 13);
    assert_null(hip_dh_suite(1));
    assert_null(hip_cipher_suite(3));
    assert_null(hip_esp_suite(2));
    assert_null(hip_hit_suite(4));
    struct hit a = { { 0x20, 1, 0, 0x22 } };
    assert_int_equal(hip_rhash_of(&a), HASH_SHA384);
    a.b[3] = 0x23;
    assert_int_equal(hip_rhash_of(&a), HASH_SHA1);
    a.b[3] = 0x25;
    assert_int_equal(hip_rhash_of(&a), HASH_CSHAKE128);
    a.b[3] = 0x24;
    assert_int_equal(hip_rhash_of(&a), HASH_NONE);
    for (size_t i = 0; hip_dh_suite_at(i); i++)
        if (hip_dh_suite_at(i)->supported) {
            assert_int_equal(hip_dh_suite_at(i)->public_len, dh_public_len(hip_dh_suite_at(i)->group));
            assert_int_equal(hip_dh_suite_at(i)->shared_len, dh_shared_len(hip_dh_suite_at(i)->group));
        }
    for (size_t i = 0; hip_cipher_suite_at(i); i++)
        if (hip_cipher_suite_at(i)->id == HIP_CIPHER_NULL)
            assert_int_equal(hip_cipher_suite_at(i)->key_len + hip_cipher_suite_at(i)->iv_len, 0);
        else if (hip_cipher_suite_at(i)->supported)
            assert_int_equal(hip_cipher_suite_at(i)->key_len, cipher_key_len(hip_cipher_suite_at(i)->alg));
}

int main(void)
{
    const struct CMUnitTest t[] = {
        cmocka_unit_test(test_puzzle_vectors), cmocka_unit_test(test_solver),
        cmocka_unit_test(test_export),         cmocka_unit_test(test_export_printed),
        cmocka_unit_test(test_keymat),         cmocka_unit_test(test_draw),
        cmocka_unit_test(test_draw_limits),    cmocka_unit_test(test_directions),
        cmocka_unit_test(test_choices),
    };
    return cmocka_run_group_tests(t, setup_crypto, NULL);
}
