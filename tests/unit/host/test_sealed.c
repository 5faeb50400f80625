/* SPDX-License-Identifier: Apache-2.0
 * The sealed store: docs/sim-binding.md section 10. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/hex.h"
#include "common/crypto/cipher.h"
#include "common/crypto/secret.h"
#include "host/core/sealed.h"

static void counting(void *ctx, void *out, size_t n)
{
    uint8_t *p = out, *next = ctx;
    for (size_t i = 0; i < n; i++)
        p[i] = (*next)++;
}

static uint8_t seed;
static const struct env env = { .ctx = &seed, .random = counting };

static struct host_seal_params params(uint8_t start)
{
    struct host_seal_params p;
    seed = start;
    host_seal_params_make(&env, &p);
    return p;
}

static struct host_local_key card(uint8_t k)
{
    struct host_local_key l;
    memset(&l, k, sizeof l);
    return l;
}

static struct host_seal_key key_sim(uint8_t store, uint8_t k)
{
    struct host_seal_params p = params(store);
    struct host_local_key l = card(k);
    struct host_seal_key key;
    assert_int_equal(host_seal_key_sim(&p, &l, &key), ERR_OK);
    return key;
}

static struct host_seal_key key_gate(uint8_t platform, const char *imsi, const char *iccid)
{
    struct host_seal_params p = params(1);
    struct usim_identity id = { .mnc_len = 2 };
    uint8_t plat[HOST_SEAL_KEY_LEN];
    struct host_seal_key key;
    memset(plat, platform, sizeof plat);
    memcpy(id.imsi, imsi, strlen(imsi) + 1);
    memcpy(id.iccid, iccid, strlen(iccid) + 1);
    assert_int_equal(host_seal_key_gate(&p, plat, &id, &key), ERR_OK);
    return key;
}

static struct host_sealed contents(enum sig_type t)
{
    struct host_sealed s = { .bind = HOST_BIND_BOUND, .bound_until_s = 1800000000, .bound_life_s = 2592000 };
    assert_int_equal(hip_hi_generate(t, 2048, &s.hi), ERR_OK);
    assert_int_equal(dnsu_name_from_text("matti-virtanen.operator.example", &s.fqdn), ERR_OK);
    s.n_fa = 2;
    memset(s.fa[0].hit.b, 7, 16);
    memset(s.fa[1].hit.b, 8, 16);
    assert_int_equal(dnsu_name_from_text("fa.operator.example", &s.fa[0].name), ERR_OK);
    s.has_secret = true;
    memset(s.secret, 9, sizeof s.secret);
    return s;
}

static void assert_same(const struct host_sealed *a, const struct host_sealed *b)
{
    assert_true(hit_eq(&a->hi.hit, &b->hi.hit));
    assert_true(sig_has_private(b->hi.key));
    assert_int_equal(a->bind, b->bind);
    assert_true(dnsu_name_eq(&a->fqdn, &b->fqdn));
    assert_true(a->bound_until_s == b->bound_until_s);
    assert_int_equal(a->bound_life_s, b->bound_life_s);
    assert_int_equal(a->n_fa, b->n_fa);
    for (size_t i = 0; i < a->n_fa; i++) {
        assert_true(hit_eq(&a->fa[i].hit, &b->fa[i].hit));
        assert_int_equal(a->fa[i].name.len, b->fa[i].name.len);
    }
    assert_int_equal(a->has_secret, b->has_secret);
    assert_memory_equal(a->secret, b->secret, sizeof a->secret);
}

static void test_round(void **state)
{
    static const enum sig_type types[] = { SIG_ECDSA_P256, SIG_ECDSA_P384, SIG_RSA, SIG_DSA, SIG_ED25519 };

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct host_seal_key k = key_sim(1, 0x46);
        struct host_sealed s = contents(types[i]), o;
        uint8_t file[HOST_FILE_MAX], again[HOST_FILE_MAX];
        size_t n, m;
        assert_int_equal(host_sealed_write(&k, &env, &s, file, sizeof file, &n), ERR_OK);
        assert_int_equal(host_sealed_read(&k, span_of(file, n), &o), ERR_OK);
        assert_same(&s, &o);
        /* never the same nonce twice */
        assert_int_equal(host_sealed_write(&k, &env, &s, again, sizeof again, &m), ERR_OK);
        assert_int_equal(n, m);
        assert_memory_not_equal(file + 8, again + 8, 24);
        assert_int_equal(host_sealed_write(&k, &env, &s, file, n - 1, &m), ERR_SPACE);
        host_sealed_done(&s);
        host_sealed_done(&o);
    }
}

/* Nothing of it stands in the file in clear. */
static void test_nothing_in_clear(void **state)
{
    struct host_seal_key k = key_gate(3, "001010000000001", "8901");
    struct host_sealed s = contents(SIG_ECDSA_P256);
    uint8_t file[HOST_FILE_MAX];
    size_t n;

    assert_int_equal(host_sealed_write(&k, &env, &s, file, sizeof file, &n), ERR_OK);
    assert_null(memmem(file, n, "matti", 5));
    assert_null(memmem(file, n, s.secret, 8));
    assert_null(memmem(file, n, s.hi.wire + 4, 16));
    assert_null(strstr(k.file, "00101")); /* nor in its name */
    host_sealed_done(&s);
}

static void test_every_octet_counts(void **state)
{
    struct host_seal_key k = key_sim(1, 0x46);
    struct host_sealed s = contents(SIG_ECDSA_P256), o;
    uint8_t file[HOST_FILE_MAX];
    size_t n;

    assert_int_equal(host_sealed_write(&k, &env, &s, file, sizeof file, &n), ERR_OK);
    for (size_t i = 0; i < n; i++) {
        file[i] ^= 0x10;
        assert_int_not_equal(host_sealed_read(&k, span_of(file, n), &o), ERR_OK);
        file[i] ^= 0x10;
    }
    for (size_t i = 0; i < n; i++)
        assert_int_not_equal(host_sealed_read(&k, span_of(file, i), &o), ERR_OK);
    assert_int_equal(host_sealed_read(&k, span_of(file, n), &o), ERR_OK);
    host_sealed_done(&o);
    host_sealed_done(&s);
}

static void assert_closed(const struct host_seal_key *with, const struct host_seal_key *to)
{
    struct host_sealed s = contents(SIG_ECDSA_P256), o;
    uint8_t file[HOST_FILE_MAX];
    size_t n;

    assert_string_not_equal(with->file, to->file);
    assert_memory_not_equal(with->key, to->key, sizeof with->key);
    assert_int_equal(host_sealed_write(with, &env, &s, file, sizeof file, &n), ERR_OK);
    assert_int_equal(host_sealed_read(to, span_of(file, n), &o), ERR_AUTH);
    host_sealed_done(&s);
}

static void test_other_sim(void **state)
{
    struct host_seal_key a = key_sim(1, 0x46), b = key_sim(1, 0x47), c = key_sim(2, 0x46);

    assert_closed(&a, &b); /* another SIM */
    assert_closed(&a, &c); /* the same in another device */
}

static void test_gate(void **state)
{
    struct host_seal_key a = key_gate(3, "001010000000001", "8901"),
                         same = key_gate(3, "001010000000001", "8901");
    struct host_seal_key imsi = key_gate(3, "001010000000002", "8901"),
                         iccid = key_gate(3, "001010000000001", "8902");
    struct host_seal_key shift = key_gate(3, "00101000000000", "18901"),
                         plat = key_gate(4, "001010000000001", "8901");

    assert_string_equal(a.file, same.file);
    assert_int_equal(a.level, HOST_SEAL_GATE);
    assert_closed(&a, &imsi);
    assert_closed(&a, &iccid);
    assert_closed(&a, &shift);
    assert_closed(&a, &plat);
}

/* A file renamed to another index, under the same key, does not open; nor one of the other level. */
static void test_index_and_level_are_authenticated(void **state)
{
    struct host_seal_key k = key_sim(1, 0x46), moved = k, level = k;
    struct host_sealed s = contents(SIG_ECDSA_P256), o;
    uint8_t file[HOST_FILE_MAX];
    size_t n;

    moved.index[0] ^= 1;
    level.level = HOST_SEAL_GATE;
    assert_int_equal(host_sealed_write(&k, &env, &s, file, sizeof file, &n), ERR_OK);
    assert_int_equal(host_sealed_read(&moved, span_of(file, n), &o), ERR_AUTH);
    assert_int_equal(host_sealed_read(&level, span_of(file, n), &o), ERR_AUTH);
    file[4] = HOST_SEAL_GATE;
    assert_int_equal(host_sealed_read(&level, span_of(file, n), &o), ERR_AUTH);
    host_sealed_done(&s);
}

/* Well sealed, but not what we write. */
static void test_contents_malformed(void **state)
{
    struct host_seal_key k = key_sim(1, 0x46);
    struct host_sealed s = contents(SIG_ECDSA_P256), o;
    uint8_t file[HOST_FILE_MAX], plain[HOST_FILE_MAX], aad[24], bad[HOST_FILE_MAX];
    size_t n, m;

    assert_int_equal(host_sealed_write(&k, &env, &s, file, sizeof file, &n), ERR_OK);
    memcpy(aad, file, 8);
    memcpy(aad + 8, k.index, 16);
    m = n - HOST_SEALED_OVERHEAD;
    assert_int_equal(box_open(k.key, file + 8, span_of(aad, 24), span_of(file + 32, n - 32), plain), ERR_OK);
    for (size_t cut = 0; cut < m; cut++) {
        memcpy(bad, file, 32);
        assert_int_equal(box_seal(k.key, file + 8, span_of(aad, 24), span_of(plain, cut), bad + 32), ERR_OK);
        assert_int_not_equal(host_sealed_read(&k, span_of(bad, 32 + cut + 16), &o), ERR_OK);
    }
    for (size_t i = 0; i < 4; i++) { /* version, state, flags, number of FAs */
        plain[i] ^= 0x80;
        memcpy(bad, file, 32);
        assert_int_equal(box_seal(k.key, file + 8, span_of(aad, 24), span_of(plain, m), bad + 32), ERR_OK);
        assert_int_equal(host_sealed_read(&k, span_of(bad, n), &o), ERR_MALFORMED);
        plain[i] ^= 0x80;
    }
    host_sealed_done(&s);
}

static void test_params(void **state)
{
    struct host_seal_params p = params(5), q;
    uint8_t file[HOST_SEAL_PARAMS_LEN + 1] = { 0 };

    host_seal_params_write(&p, file);
    assert_int_equal(host_seal_params_read(span_of(file, HOST_SEAL_PARAMS_LEN), &q), ERR_OK);
    assert_memory_equal(&p, &q, sizeof p);
    assert_int_equal(host_seal_params_read(span_of(file, HOST_SEAL_PARAMS_LEN - 1), &q), ERR_MALFORMED);
    assert_int_equal(host_seal_params_read(span_of(file, HOST_SEAL_PARAMS_LEN + 1), &q), ERR_MALFORMED);
    file[0] ^= 1;
    assert_int_equal(host_seal_params_read(span_of(file, HOST_SEAL_PARAMS_LEN), &q), ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round),
        cmocka_unit_test(test_nothing_in_clear),
        cmocka_unit_test(test_every_octet_counts),
        cmocka_unit_test(test_other_sim),
        cmocka_unit_test(test_gate),
        cmocka_unit_test(test_index_and_level_are_authenticated),
        cmocka_unit_test(test_contents_malformed),
        cmocka_unit_test(test_params),
    };
    if (crypto_init())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
