/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/crypto/secret.h"
#include "common/crypto/sig.h"
#include "tests/unit/crypto/hexed.h"
#include "tests/unit/crypto/rsa_case.h"

#define P256_PUB \
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6" \
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
#define P256_SIG \
    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716" \
    "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
#define P384_PUB \
    "ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc13" \
    "8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720"
#define P384_SIG \
    "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46" \
    "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8"

static struct sig_key *pub(enum sig_type t, struct span s)
{
    struct sig_key *k = NULL;
    if (sig_from_public(t, s, &k) != ERR_OK)
        fail();
    return k;
}

/* RFC 6979 A.2.5 (P-256, SHA-256, "sample"), A.2.6 (P-384, SHA-384, "sample"). */
static void ecdsa_vectors(void **st)
{
    struct span msg = span_str("sample");
    struct sig_key *k = pub(SIG_ECDSA_P256, H(P256_PUB)), *l = pub(SIG_ECDSA_P384, H(P384_PUB));
    assert_int_equal(sig_verify(k, HASH_SHA256, msg, H(P256_SIG)), ERR_OK);
    assert_int_equal(sig_verify(l, HASH_SHA384, msg, H(P384_SIG)), ERR_OK);
    assert_int_equal(sig_verify(k, HASH_SHA384, msg, H(P256_SIG)), ERR_AUTH);
    assert_int_equal(sig_verify(k, HASH_SHA256, span_str("Sample"), H(P256_SIG)), ERR_AUTH);
    assert_int_equal(sig_verify(k, HASH_NONE, msg, H(P256_SIG)), ERR_AUTH);
    assert_int_equal(sig_verify(k, HASH_MD5, msg, H(P256_SIG)), ERR_AUTH);
    assert_int_equal(sig_verify(k, HASH_SHA256, msg, span_sub(H(P256_SIG), 0, 63)), ERR_AUTH);
    assert_int_equal(sig_verify(k, HASH_SHA256, msg, H(P384_SIG)), ERR_AUTH);
    assert_int_equal(sig_verify(k, HASH_SHA256, msg, span_of(NULL, 0)), ERR_AUTH);
    uint8_t zero[64] = { 0 };
    assert_int_equal(sig_verify(k, HASH_SHA256, msg, span_of(zero, 64)), ERR_AUTH); /* r = s = 0 */
    memset(zero, 0xff, sizeof zero);
    assert_int_equal(sig_verify(k, HASH_SHA256, msg, span_of(zero, 64)), ERR_AUTH);
    for (size_t i = 0; i < 64; i += 9) {
        uint8_t bad[64];
        memcpy(bad, H(P256_SIG).p, 64);
        bad[i] ^= 0x10;
        assert_int_equal(sig_verify(k, HASH_SHA256, msg, span_of(bad, 64)), ERR_AUTH);
    }
    assert_int_equal(sig_len(k), 64);
    assert_int_equal(sig_len(l), 96);
    assert_false(sig_has_private(k));
    uint8_t out[SIG_LEN_MAX], *der = NULL;
    size_t n = 0;
    assert_int_equal(sig_make(k, HASH_SHA256, msg, out, &n), ERR_STATE);
    assert_int_equal(sig_to_private(k, &der, &n), ERR_STATE);
    sig_free(k);
    sig_free(l);
    sig_free(NULL);
}

static void rsa_pss_of_another(void **st)
{
    struct span msg = span_str("host identity");
    struct sig_key *k = pub(SIG_RSA, H(rsa_public_hex));
    assert_int_equal(sig_verify(k, HASH_SHA256, msg, H(rsa_pss_hex)), ERR_OK);
    assert_int_equal(sig_verify(k, HASH_SHA384, msg, H(rsa_pss_hex)), ERR_AUTH);
    assert_int_equal(sig_verify(k, HASH_SHA256, msg, H(rsa_pss_salt20_hex)), ERR_AUTH);
    assert_int_equal(sig_verify(k, HASH_SHA256, msg, H(rsa_pkcs1_hex)), ERR_AUTH);
    assert_int_equal(sig_verify(k, HASH_SHA256, span_str("host identitx"), H(rsa_pss_hex)), ERR_AUTH);
    assert_int_equal(sig_len(k), 256);
    assert_true(span_eq(sig_public(k), H(rsa_public_hex)));
    sig_free(k);
}

static void rsa_key_of(size_t bits, const char *exponent, uint8_t first, uint8_t last, err want)
{
    uint8_t buf[600], *p = buf;
    struct span e = H(exponent);
    size_t n = (bits + 7) / 8;
    memcpy(p, e.p, e.n);
    p += e.n;
    memset(p, 0xa5, n);
    p[0] = first;
    p[n - 1] = last;
    struct sig_key *k = NULL;
    err got = sig_from_public(SIG_RSA, span_of(buf, e.n + n), &k);
    if (got != want)
        fail_msg("%zu bits, exponent %s, %02x..%02x: %s", bits, exponent, first, last, err_name(got));
    assert_true((k != NULL) == (want == ERR_OK));
    sig_free(k);
}

static void malformed_rsa(void **st)
{
    rsa_key_of(2048, "03010001", 0x80, 1, ERR_OK);
    rsa_key_of(1024, "0103", 0x80, 1, ERR_OK);
    rsa_key_of(4096, "03010001", 0xff, 1, ERR_OK);
    rsa_key_of(4096, "08ff00000000000001", 0xff, 1, ERR_OK); /* the largest that must fit SIG_PUBLIC_MAX */
    rsa_key_of(1024, "03010001", 0x7f, 1, ERR_MALFORMED);    /* 1023 bits */
    rsa_key_of(4104, "03010001", 0x01, 1, ERR_MALFORMED);    /* 4097 bits */
    rsa_key_of(2048, "03010001", 0x00, 1, ERR_MALFORMED);    /* leading zero */
    rsa_key_of(2048, "03010001", 0x80, 2, ERR_MALFORMED);    /* even modulus */
    rsa_key_of(2048, "03010000", 0x80, 1, ERR_MALFORMED);    /* even exponent */
    rsa_key_of(2048, "0101", 0x80, 1, ERR_MALFORMED);        /* exponent 1 */
    rsa_key_of(2048, "0100", 0x80, 1, ERR_MALFORMED);
    rsa_key_of(2048, "03000003", 0x80, 1, ERR_MALFORMED);             /* exponent with leading zeros */
    rsa_key_of(2048, "09010000000000000001", 0x80, 1, ERR_MALFORMED); /* too dear to compute with */
    rsa_key_of(2048, "000003010001", 0x80, 1, ERR_MALFORMED);         /* long form for a short one */
    struct sig_key *k = NULL;
    assert_int_equal(sig_from_public(SIG_RSA, span_of(NULL, 0), &k), ERR_MALFORMED);
    assert_int_equal(sig_from_public(SIG_RSA, H("03"), &k), ERR_MALFORMED);
    assert_int_equal(sig_from_public(SIG_RSA, H("03010001"), &k), ERR_MALFORMED);
    assert_int_equal(sig_from_public(SIG_RSA, H("00ffff010001"), &k), ERR_MALFORMED);
    assert_int_equal(sig_from_public(SIG_NONE, H(rsa_public_hex), &k), ERR_MALFORMED);
    assert_null(k);
}

static void malformed_points(void **st)
{
    struct sig_key *k = NULL;
    uint8_t p[96];
    memcpy(p, H(P256_PUB).p, 64);
    p[63] ^= 1;
    assert_int_equal(sig_from_public(SIG_ECDSA_P256, span_of(p, 64), &k), ERR_MALFORMED);
    memset(p, 0, sizeof p);
    assert_int_equal(sig_from_public(SIG_ECDSA_P256, span_of(p, 64), &k), ERR_MALFORMED);
    assert_int_equal(sig_from_public(SIG_ECDSA_P384, span_of(p, 96), &k), ERR_MALFORMED);
    assert_int_equal(sig_from_public(SIG_ECDSA_P384, H(P256_PUB), &k), ERR_MALFORMED);
    assert_int_equal(sig_from_public(SIG_ECDSA_P256, H(P384_PUB), &k), ERR_MALFORMED);
    assert_int_equal(sig_from_public(SIG_ECDSA_P256, span_sub(H(P256_PUB), 0, 63), &k), ERR_MALFORMED);
    assert_null(k);
}

static void round_trip(enum sig_type t, unsigned bits, enum hash_alg h, size_t len)
{
    uint8_t sig[SIG_LEN_MAX], *der = NULL;
    size_t n = 0, der_len = 0;
    struct span msg = span_str("a message");
    struct sig_key *k = sig_generate(t, bits), *again = NULL, *p = NULL;
    assert_non_null(k);
    assert_int_equal(sig_key_type(k), t);
    assert_true(sig_has_private(k));
    assert_int_equal(sig_make(k, h, msg, sig, &n), ERR_OK);
    assert_int_equal(n, len);
    assert_int_equal(sig_len(k), len);
    p = pub(t, sig_public(k));
    assert_int_equal(sig_verify(p, h, msg, span_of(sig, n)), ERR_OK);
    sig[n / 2] ^= 4;
    assert_int_equal(sig_verify(p, h, msg, span_of(sig, n)), ERR_AUTH);

    assert_int_equal(sig_to_private(k, &der, &der_len), ERR_OK);
    assert_int_equal(sig_from_private(span_of(der, der_len), &again), ERR_OK);
    assert_true(span_eq(sig_public(again), sig_public(k)));
    assert_int_equal(sig_make(again, h, msg, sig, &n), ERR_OK);
    assert_int_equal(sig_verify(k, h, msg, span_of(sig, n)), ERR_OK);
    assert_int_equal(sig_make(again, HASH_MD5, msg, sig, &n), ERR_UNSUPPORTED);
    sig_free(again);
    again = NULL;

    assert_int_equal(sig_from_private(span_of(der, der_len - 1), &again), ERR_MALFORMED);
    assert_int_equal(sig_from_private(span_of(NULL, 0), &again), ERR_MALFORMED);
    assert_int_equal(sig_from_private(sig_public(k), &again), ERR_MALFORMED);
    uint8_t *longer = sec_alloc(der_len + 1);
    memcpy(longer, der, der_len);
    assert_int_equal(sig_from_private(span_of(longer, der_len + 1), &again), ERR_MALFORMED);
    assert_null(again);
    sec_free(longer);
    sec_free(der);
    sig_free(k);
    sig_free(p);
}

static void round_trips(void **st)
{
    round_trip(SIG_RSA, 2048, HASH_SHA256, 256);
    round_trip(SIG_ECDSA_P256, 0, HASH_SHA384, 64);
    round_trip(SIG_ECDSA_P384, 0, HASH_SHA384, 96);
    assert_null(sig_generate(SIG_RSA, 1024));
    assert_null(sig_generate(SIG_RSA, 8192));
    assert_null(sig_generate(SIG_NONE, 0));
}

/* A P-256 key file whose public part belongs to somebody else. */
static void private_of_another(void **st)
{
    struct sig_key *a = sig_generate(SIG_ECDSA_P256, 0), *b = sig_generate(SIG_ECDSA_P256, 0), *got = NULL;
    uint8_t *der = NULL;
    size_t n = 0;
    assert_int_equal(sig_to_private(a, &der, &n), ERR_OK);
    struct span pa = sig_public(a), pb = sig_public(b);
    assert_memory_equal(der + n - pa.n, pa.p, pa.n); /* the public key stands last in the file */
    memcpy(der + n - pb.n, pb.p, pb.n);
    assert_int_equal(sig_from_private(span_of(der, n), &got), ERR_MALFORMED);
    assert_null(got);
    sec_free(der);
    sig_free(a);
    sig_free(b);
}

/* ---- from named draws ---- */

/* Gives out `what` right-aligned, and counts by name. */
struct script {
    const char *name;
    struct span what;
    unsigned draws;
};

static void scripted(void *ctx, const char *name, void *out, size_t n)
{
    struct script *s = ctx;
    assert_string_equal(name, s->name);
    assert_true(n >= s->what.n);
    memset(out, 0, n - s->what.n);
    memcpy((uint8_t *)out + n - s->what.n, s->what.p, s->what.n);
    s->draws++;
}

/* A scalar drawn as `less` is less + 1. */
static void drawn_ecdsa(enum sig_type t, enum hash_alg h, struct span key, struct span pub_want,
                        struct span nonce, struct span sig_want)
{
    uint8_t sig[SIG_LEN_MAX];
    size_t n = 0;
    struct script s = { "hi_private", key, 0 };
    struct env env = { .ctx = &s, .draw = scripted };
    struct sig_key *k = sig_generate_drawn(t, 0, &env);
    assert_non_null(k);
    assert_true(span_eq(sig_public(k), pub_want));
    s = (struct script){ "sig_nonce", nonce, 0 };
    assert_int_equal(sig_make_drawn(k, h, span_str("sample"), &env, sig, &n), ERR_OK);
    assert_int_equal(s.draws, 1);
    assert_true(span_eq(span_of(sig, n), sig_want));
    sig_free(k);
}

/* RFC 6979 A.2.5, A.2.6: with their private keys and k (both less one) drawn, their signatures. */
static void ecdsa_drawn(void **st)
{
    drawn_ecdsa(SIG_ECDSA_P256, HASH_SHA256,
                H("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6720"), H(P256_PUB),
                H("a6e3c57dd01abe90086538398355dd4c3b17aa873382b0f24d6129493d8aad5f"), H(P256_SIG));
    drawn_ecdsa(SIG_ECDSA_P384, HASH_SHA384,
                H("6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d8"
                  "96d5724e4c70a825f872c9ea60d2edf4"),
                H(P384_PUB),
                H("94ed910d1a099dad3254e9242ae85abde4ba15168eaf0ca87a555fd56d10fbca"
                  "2907e3e83ba95368623b8c4686915cf8"),
                H(P384_SIG));
}

/* Octets that differ from draw to draw, and are the same each time. */
static void counted(void *ctx, const char *name, void *out, size_t n)
{
    unsigned *seed = ctx;
    uint8_t *p = out;
    for (size_t i = 0; i < n; i++) {
        *seed = *seed * 1103515245 + 12345;
        p[i] = (uint8_t)(*seed >> 16);
    }
}

/* One seed, one key and one signature of it, which verifies; another seed, others. */
static void rsa_drawn(void **st)
{
    uint8_t sig[3][SIG_LEN_MAX];
    size_t n = 0;
    struct sig_key *k[2], *p;
    for (unsigned i = 0; i < 3; i++) {
        unsigned seed = i < 2 ? 1 : 2;
        struct env env = { .ctx = &seed, .draw = counted };
        if (i < 2)
            k[i] = sig_generate_drawn(SIG_RSA, 2048, &env);
        assert_non_null(k[i % 2]);
        assert_int_equal(sig_make_drawn(k[i % 2], HASH_SHA256, span_str("m"), &env, sig[i], &n), ERR_OK);
        assert_int_equal(n, 256);
    }
    assert_true(span_eq(sig_public(k[0]), sig_public(k[1])));
    assert_memory_equal(sig[0], sig[1], n);
    assert_memory_not_equal(sig[0], sig[2], n);
    p = pub(SIG_RSA, sig_public(k[0]));
    assert_int_equal(sig_verify(p, HASH_SHA256, span_str("m"), span_of(sig[0], n)), ERR_OK);
    assert_int_equal(sig_verify(p, HASH_SHA256, span_str("m"), span_of(sig[2], n)), ERR_OK);
    assert_int_equal(sig_verify(p, HASH_SHA256, span_str("n"), span_of(sig[0], n)), ERR_AUTH);
    unsigned seed = 3;
    struct env env = { .ctx = &seed, .draw = counted };
    assert_int_equal(sig_make_drawn(p, HASH_SHA256, span_str("m"), &env, sig[0], &n), ERR_STATE);
    assert_int_equal(sig_make_drawn(k[0], HASH_SHA384, span_str("m"), &env, sig[0], &n), ERR_OK);
    assert_int_equal(sig_verify(p, HASH_SHA384, span_str("m"), span_of(sig[0], n)), ERR_OK);
    assert_null(sig_generate_drawn(SIG_RSA, 1024, &env));
    assert_null(sig_generate_drawn(SIG_NONE, 0, &env));
    sig_free(k[0]);
    sig_free(k[1]);
    sig_free(p);
}

static int setup(void **st)
{
    return crypto_init() != ERR_OK;
}

int main(void)
{
    const struct CMUnitTest t[] = { cmocka_unit_test(ecdsa_vectors), cmocka_unit_test(rsa_pss_of_another),
                                    cmocka_unit_test(malformed_rsa), cmocka_unit_test(malformed_points),
                                    cmocka_unit_test(round_trips),   cmocka_unit_test(private_of_another),
                                    cmocka_unit_test(ecdsa_drawn),   cmocka_unit_test(rsa_drawn) };
    return cmocka_run_group_tests(t, setup, NULL);
}
