/* SPDX-License-Identifier: Apache-2.0
 * Keys of EAP-AKA' with forward secrecy (RFC 9678): what hipvec does not look at. The vectors: test-vectors/aka/eap-aka-prime-fs.json. */
#include "tests/unit/aka/vec.h"

#include "aka/fs.h"
#include "common/crypto/secret.h"
#include "common/rt/osrand.h"

static struct env env;

static void test_value(void **state)
{
    static const uint16_t kdfs[] = { AKA_FS_X25519, AKA_FS_P256 };
    for (size_t i = 0; i < 2; i++) {
        struct dh_key *a = aka_fs_generate(kdfs[i], &env), *b = aka_fs_generate(kdfs[i], &env);
        uint8_t value[40] = { 0 }, x[32], y[32];
        assert_non_null(a);
        assert_non_null(b);
        size_t n = aka_fs_public(kdfs[i], b, value);
        assert_int_equal(aka_fs_shared(kdfs[i], a, span_of(value, 34), x),
                         ERR_OK); /* as it stands in the attribute */
        memset(value, 0, sizeof value);
        assert_int_equal(aka_fs_public(kdfs[i], a, value), n);
        assert_int_equal(aka_fs_shared(kdfs[i], b, span_of(value, 34), y), ERR_OK);
        assert_memory_equal(x, y, 32);
        value[n] = 1; /* the padding is zeros */
        if (n < 34)
            assert_int_equal(aka_fs_shared(kdfs[i], b, span_of(value, 34), y), ERR_MALFORMED);
        value[n] = 0;
        assert_int_equal(aka_fs_shared(kdfs[i], b, span_of(value, n - 1), y), ERR_MALFORMED);
        assert_int_equal(aka_fs_shared(kdfs[i], b, span_of(value, n + 4), y), ERR_MALFORMED);
        assert_int_equal(aka_fs_shared(3, b, span_of(value, 34), y), ERR_MALFORMED);
        dh_free(a);
        dh_free(b);
    }
    assert_null(aka_fs_generate(0, &env));
    assert_null(aka_fs_generate(3, &env));
}

/* Inner keys are those of EAP-AKA' without it; what leaves the method is not (RFC 9678 s6.3). */
static void test_same_inside(void **state)
{
    static const uint8_t ck[16] = { 1 }, ik[16] = { 2 }, shared[32] = { 3 }, other[32] = { 4 };
    struct aka_keys plain, fs, fs2;
    struct span id = span_str("6001010000000001@x");
    assert_int_equal(aka_keys_prime(ck, ik, id, &plain), ERR_OK);
    assert_int_equal(aka_keys_fs(ck, ik, shared, id, &fs), ERR_OK);
    assert_int_equal(aka_keys_fs(ck, ik, other, id, &fs2), ERR_OK);
    assert_memory_equal(plain.k_aut, fs.k_aut, sizeof plain.k_aut);
    assert_memory_equal(plain.k_encr, fs.k_encr, sizeof plain.k_encr);
    assert_int_equal(fs.k_aut_len, 32);
    assert_memory_not_equal(plain.msk, fs.msk, sizeof plain.msk);
    assert_memory_not_equal(plain.emsk, fs.emsk, sizeof plain.emsk);
    assert_memory_not_equal(plain.k_re, fs.k_re, sizeof plain.k_re);
    assert_memory_not_equal(fs.msk, fs2.msk, sizeof plain.msk);
    assert_int_equal(aka_keys_fs(ck, ik, shared, span_of(NULL, 0), &fs), ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_value), cmocka_unit_test(test_same_inside) };
    if (crypto_init() != ERR_OK)
        return 1;
    env = rt_env((struct log){ 0 });
    return cmocka_run_group_tests(tests, NULL, NULL);
}
