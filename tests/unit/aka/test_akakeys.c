/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/aka/vec.h"

#include "aka/akakeys.h"
#include "common/crypto/hash.h"
#include "common/crypto/secret.h"

static void check_prime(const json_t *t)
{
    uint8_t ck[16], ik[16], autn[16], name[256], id[256], ckp[16], ikp[16];
    struct aka_keys k;
    vec_fixed(t, "ck", ck, 16);
    vec_fixed(t, "ik", ik, 16);
    vec_fixed(t, "autn", autn, 16);
    size_t name_n = vec_hex(t, "network_name", name, sizeof name);
    size_t id_n = vec_hex(t, "identity", id, sizeof id);
    assert_int_equal(aka_prime_ck_ik(ck, ik, span_of(name, name_n), autn, ckp, ikp), ERR_OK);
    vec_same(t, "ck_prime", ckp, 16);
    vec_same(t, "ik_prime", ikp, 16);
    assert_int_equal(aka_keys_prime(ckp, ikp, span_of(id, id_n), &k), ERR_OK);
    vec_same(t, "k_encr", k.k_encr, 16);
    vec_same(t, "k_aut", k.k_aut, k.k_aut_len);
    vec_same(t, "k_re", k.k_re, 32);
    vec_same(t, "msk", k.msk, 64);
    vec_same(t, "emsk", k.emsk, 64);
}

static void check_plain(const json_t *t)
{
    uint8_t ck[16], ik[16], id[256];
    struct aka_keys k;
    vec_fixed(t, "ck", ck, 16);
    vec_fixed(t, "ik", ik, 16);
    size_t id_n = vec_hex(t, "identity", id, sizeof id);
    assert_int_equal(aka_keys_plain(ck, ik, span_of(id, id_n), &k), ERR_OK);
    vec_same(t, "mk", k.mk, 20);
    vec_same(t, "k_encr", k.k_encr, 16);
    vec_same(t, "k_aut", k.k_aut, k.k_aut_len);
    vec_same(t, "msk", k.msk, 64);
    vec_same(t, "emsk", k.emsk, 64);
}

static void test_published(void **state)
{
    struct vec_walk w = vec_open("eap-aka-prime", "EapAkaPrimeTest");
    unsigned n = 0;
    for (json_t *t; (t = vec_next(&w)); n++)
        check_prime(t);
    assert_true(n >= 4);
}

static void test_conversations(void **state)
{
    static const char *const types[] = { "EapAkaTest", "EapAkaResyncTest" };
    unsigned plain = 0, prime = 0;
    for (size_t i = 0; i < 2; i++) {
        struct vec_walk w = vec_open("eap-aka", types[i]);
        for (json_t *t; (t = vec_next(&w));)
            if (vec_has(t, "ck_prime"))
                check_prime(t), prime++;
            else
                check_plain(t), plain++;
    }
    assert_true(plain >= 2 && prime >= 2);
}

/* Fast re-authentication, recorded; the other keys stay as they are. */
static void test_reauth(void **state)
{
    struct vec_walk w = vec_open("eap-aka", "EapAkaReauthTest");
    unsigned seen[2] = { 0 };
    for (json_t *t; (t = vec_next(&w));) {
        bool prime = vec_has(t, "k_re");
        uint8_t id[256], counter[2], nonce[16];
        struct aka_keys k = { .k_aut_len = 1 };
        if (prime)
            vec_fixed(t, "k_re", k.k_re, 32);
        else
            vec_fixed(t, "mk", k.mk, 20);
        size_t n = vec_hex(t, "identity", id, sizeof id);
        vec_fixed(t, "counter", counter, 2);
        vec_fixed(t, "nonce_s", nonce, 16);
        memset(k.k_encr, 7, sizeof k.k_encr);
        const struct aka_keys before = k;
        assert_int_equal(aka_keys_reauth(prime ? EAP_TYPE_AKA_PRIME : EAP_TYPE_AKA, &k, span_of(id, n),
                                         (uint16_t)(counter[0] << 8 | counter[1]), nonce),
                         ERR_OK);
        vec_same(t, "msk", k.msk, 64);
        vec_same(t, "emsk", k.emsk, 64);
        memcpy(k.msk, before.msk, sizeof k.msk);
        memcpy(k.emsk, before.emsk, sizeof k.emsk);
        assert_memory_equal(&k, &before, sizeof k);
        seen[prime]++;
    }
    assert_true(seen[0] >= 1 && seen[1] >= 1);
}

static void check_mac(const json_t *t, uint8_t method)
{
    uint8_t pkt[1020], extra[64], mac[16];
    struct aka_keys k = { 0 };
    size_t n = vec_hex(t, "packet", pkt, sizeof pkt), x = vec_hex(t, "extra", extra, sizeof extra);
    k.k_aut_len = (uint8_t)vec_hex(t, "k_aut", k.k_aut, sizeof k.k_aut);
    size_t off =
        vec_has(t, "mac_offset") ? (size_t)json_integer_value(json_object_get(t, "mac_offset")) : n - 16;
    if (!vec_has(t, "mac_offset"))
        k.k_aut_len = 16;
    assert_int_equal(aka_mac(method, &k, span_of(pkt, n), off, span_of(extra, x), mac), ERR_OK);
    assert_int_equal(memcmp(mac, pkt + off, 16) == 0, vec_valid(t));
}

static void test_mac(void **state)
{
    static const char *const files[] = { "eap-aka", "eap-sim-aka-prf" };
    unsigned n = 0;
    for (size_t i = 0; i < 2; i++) {
        struct vec_walk w = vec_open(files[i], "EapMacTest");
        for (json_t *t; (t = vec_next(&w)); n++) {
            uint8_t k[64];
            check_mac(t, vec_hex(t, "k_aut", k, sizeof k) == 32 ? EAP_TYPE_AKA_PRIME : EAP_TYPE_AKA);
        }
    }
    assert_true(n >= 20);
}

static void test_fips(void **state)
{
    struct vec_walk w = vec_open("eap-sim-aka-prf", "Fips186PrfTest");
    unsigned n = 0;
    for (json_t *t; (t = vec_next(&w)); n++) {
        uint8_t x[20], out[160], want[160];
        vec_fixed(t, "xkey", x, 20);
        size_t len = vec_hex(t, "output", want, sizeof want);
        assert_int_equal(fips186_prf(x, out, len), ERR_OK);
        assert_memory_equal(out, want, len);
    }
    assert_true(n >= 3);
}

static void test_limits(void **state)
{
    uint8_t k[32] = { 0 }, out[32], id[300];
    struct aka_keys keys;
    memset(id, 'x', sizeof id);
    assert_int_equal(aka_prime_ck_ik(k, k, span_of(NULL, 0), k, out, out + 16), ERR_RANGE);
    assert_int_equal(aka_keys_prime(k, k, span_of(NULL, 0), &keys), ERR_RANGE);
    assert_int_equal(aka_keys_prime(k, k, span_of(id, 254), &keys), ERR_RANGE);
    assert_int_equal(aka_keys_prime(k, k, span_of(id, 253), &keys), ERR_OK);
    assert_int_equal(aka_prf_prime(span_of(k, 32), span_of(id, 1), out, 255 * 32 + 1), ERR_RANGE);
    assert_int_equal(aka_mac(50, &keys, span_of(id, 20), 5, span_of(NULL, 0), out), ERR_RANGE);
    assert_int_equal(aka_mac(18, &keys, span_of(id, 40), 5, span_of(NULL, 0), out), ERR_RANGE);
    assert_int_equal(aka_keys_reauth(50, &keys, span_of(id, 254), 1, k), ERR_RANGE);
    assert_int_equal(aka_keys_reauth(23, &keys, span_of(NULL, 0), 1, k), ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published), cmocka_unit_test(test_conversations), cmocka_unit_test(test_reauth),
        cmocka_unit_test(test_mac),       cmocka_unit_test(test_fips),          cmocka_unit_test(test_limits),
    };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
