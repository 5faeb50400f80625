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

#define LOW_PUB "51b4496fecc406ed0e75a24a3c03206251419dc0c28dcb4b73a514b468d793894f381ccc1756aa6c"
#define LOW_SIG "00ce2873e5be449563391feb47ddcba2dc16379191003480ec1371a091a464b31ce47df0cb8aa2d98b54"
#define DSA_PUB \
    "08996f967f6c8e388d9e28d01e205fba957a5698b1" \
    "86f5ca03dcfeb225063ff830a0c769b9dd9d6153ad91d7ce27f787c43278b447e6533b86b18bed6e8a48b784a14c252c" \
    "5be0dbf60b86d6385bd2f12fb763ed8873abfd3f5ba2e0a8c0a59082eac056935e529daf7c610467899c77adedfc846c" \
    "881870b7b19b2b58f9be0521a17002e3bdd6b86685ee90b3d9a1b02b782b1779" \
    "07b0f92546150b62514bb771e2a0c0ce387f03bda6c56b505209ff25fd3c133d89bbcd97e904e09114d9a7defdeadfc9" \
    "078ea544d2e401aeecc40bb9fbbf78fd87995a10a1c27cb7789b594ba7efb5c4326a9fe59a070e136db77175464adca4" \
    "17be5dce2f40d10a46a3a3943f26ab7fd9c0398ff8c76ee0a56826a8a88f1dbd" \
    "5df5e01ded31d0297e274e1691c192fe5868fef9e19a84776454b100cf16f65392195a38b90523e2542ee61871c0440c" \
    "b87c322fc4b4d2ec5e1e7ec766e1be8d4ce935437dc11c3c8fd426338933ebfe739cb3465f4d3668c5e473508253b1e6" \
    "82f65cbdc4fae93c2ea212390e54905a86e2223170b44eaa7da5dd9ffcfb7f3b"
#define DSA_SIG "0881f2f5850be5bc123c43f71a3033e9384611c5454cdd914b65eb6c66a8aaad27299bee6b035f5e89"

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
    if (t != SIG_ED25519 && t != SIG_ED448)
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
    round_trip(SIG_ECDSA_SECP160R1, 0, HASH_SHA1, 42);
    round_trip(SIG_ED25519, 0, HASH_CSHAKE128, 64);
    round_trip(SIG_ED448, 0, HASH_CSHAKE128, 114);
    round_trip(SIG_DSA, 0, HASH_SHA256, 41);
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
static void drawn_rs(enum sig_type t, enum hash_alg h, const char *msg, struct span key, struct span pub_want,
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
    assert_int_equal(sig_make_drawn(k, h, span_str(msg), &env, sig, &n), ERR_OK);
    assert_int_equal(s.draws, 1);
    assert_true(span_eq(span_of(sig, n), sig_want));
    sig_free(k);
}

/* RFC 6979 A.2.5, A.2.6, A.2.1; GEC 2 s2.1: with their private keys and k (both less one) drawn, their signatures. */
static void nonces_drawn(void **st)
{
    drawn_rs(SIG_ECDSA_P256, HASH_SHA256, "sample",
             H("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6720"), H(P256_PUB),
             H("a6e3c57dd01abe90086538398355dd4c3b17aa873382b0f24d6129493d8aad5f"), H(P256_SIG));
    drawn_rs(SIG_ECDSA_P384, HASH_SHA384, "sample",
             H("6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d8"
               "96d5724e4c70a825f872c9ea60d2edf4"),
             H(P384_PUB),
             H("94ed910d1a099dad3254e9242ae85abde4ba15168eaf0ca87a555fd56d10fbca"
               "2907e3e83ba95368623b8c4686915cf8"),
             H(P384_SIG));
    drawn_rs(SIG_DSA, HASH_SHA256, "sample", H("411602cb19a6ccc34494d79d98ef1e7ed5af25f6"), H(DSA_PUB),
             H("519ba0546d0c39202a7d34d7dfa5e760b318bcfa"), H(DSA_SIG));
    drawn_rs(SIG_ECDSA_SECP160R1, HASH_SHA1, "abc", H("aa374ffc3ce144e6b073307972cb6d57b2a4e981"), H(LOW_PUB),
             H("7b012db7681a3f28b9185c8b2ac5d528decd52d9"), H(LOW_SIG));
}

/* SEC 1's GEC 2 section 2.1 (SECP160R1, SHA-1, "abc"; r and s are 21 octets here); RFC 6979 A.2.1 (DSA, SHA-256, "sample"). */
static void weak_ones(void **st)
{
    struct sig_key *low = pub(SIG_ECDSA_SECP160R1, H(LOW_PUB)), *dsa = pub(SIG_DSA, H(DSA_PUB)), *k = NULL;
    assert_int_equal(sig_verify(low, HASH_SHA1, span_str("abc"), H(LOW_SIG)), ERR_OK);
    assert_int_equal(sig_verify(low, HASH_SHA256, span_str("abc"), H(LOW_SIG)), ERR_AUTH);
    assert_int_equal(sig_verify(low, HASH_SHA1, span_str("abd"), H(LOW_SIG)), ERR_AUTH);
    assert_int_equal(sig_verify(dsa, HASH_SHA256, span_str("sample"), H(DSA_SIG)), ERR_OK);
    assert_int_equal(sig_verify(dsa, HASH_SHA384, span_str("sample"), H(DSA_SIG)), ERR_AUTH);
    assert_int_equal(sig_verify(dsa, HASH_SHA256, span_str("samplf"), H(DSA_SIG)), ERR_AUTH);
    assert_int_equal(sig_len(low), 42);
    assert_int_equal(sig_len(dsa), 41);
    uint8_t t[405];
    memcpy(t, H(DSA_SIG).p, 41);
    t[0] = 7; /* T of the signature */
    assert_int_equal(sig_verify(dsa, HASH_SHA256, span_str("sample"), span_of(t, 41)), ERR_AUTH);
    sig_free(low);
    sig_free(dsa);

    static const struct {
        size_t at;
        uint8_t octet;
    } bad[] = { { 0, 7 },     { 0, 9 },      { 1, 0x19 },   { 20, 0xb0 },
                { 21, 0x06 }, { 148, 0x78 }, { 149, 0x87 }, { 277, 0x87 } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memcpy(t, H(DSA_PUB).p, sizeof t);
        t[bad[i].at] = bad[i].octet; /* T; q short, q even; p short, p even; g, y above p */
        assert_int_equal(sig_from_public(SIG_DSA, span_of(t, sizeof t), &k), ERR_MALFORMED);
    }
    for (size_t at = 149; at <= 277; at += 128) /* g, y = 0, 1 */
        for (uint8_t v = 0; v < 2; v++) {
            memcpy(t, H(DSA_PUB).p, sizeof t);
            memset(t + at, 0, 128);
            t[at + 127] = v;
            assert_int_equal(sig_from_public(SIG_DSA, span_of(t, sizeof t), &k), ERR_MALFORMED);
        }
    assert_int_equal(sig_from_public(SIG_DSA, span_sub(H(DSA_PUB), 0, 404), &k), ERR_MALFORMED);
    assert_int_equal(sig_from_public(SIG_ECDSA_SECP160R1, H(P256_PUB), &k), ERR_MALFORMED);
    memcpy(t, H(LOW_PUB).p, 40);
    t[39] ^= 1;
    assert_int_equal(sig_from_public(SIG_ECDSA_SECP160R1, span_of(t, 40), &k), ERR_MALFORMED);
    assert_null(k);
}

#define ED25519_PUB "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
#define ED25519_SIG \
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c" \
    "387b2eaeb4302aeeb00d291612bb0c00"
#define ED448_PUB \
    "43ba28f430cdff456ae531545f7ecd0ac834a55d9358c0372bfa0c6c6798c0866aea01eb00742802b8438ea4cb82169c" \
    "235160627b4c3a9480"
#define ED448_SIG \
    "26b8f91727bd62897af15e41eb43c377efb9c610d48f2335cb0bd0087810f4352541b143c4b981b7e18f62de8ccdf633" \
    "fc1bf037ab7cd779805e0dbcc0aae1cbcee1afb2e027df36bc04dcecbf154336c19f0af7e0a6472905e799f1953d2a0f" \
    "f3348ab21aa4adafd1d234441cf807c03a00"

static void eddsa(enum sig_type t, const char *secret, struct span want, struct span msg, struct span sig)
{
    uint8_t out[SIG_LEN_MAX], bad[SIG_LEN_MAX];
    size_t n = 0;
    struct script s = { "hi_private", H(secret), 0 };
    struct env env = { .ctx = &s, .draw = scripted };
    struct sig_key *k = sig_generate_drawn(t, 0, &env), *p = pub(t, want), *q = NULL;
    assert_non_null(k);
    assert_true(span_eq(sig_public(k), want));
    assert_int_equal(sig_make(k, HASH_CSHAKE128, msg, out, &n), ERR_OK);
    assert_true(span_eq(span_of(out, n), sig));
    s.draws = 0;
    assert_int_equal(sig_make_drawn(k, HASH_CSHAKE128, msg, &env, out, &n), ERR_OK);
    assert_true(span_eq(span_of(out, n), sig));
    assert_int_equal(s.draws, 0);
    assert_int_equal(sig_verify(p, HASH_CSHAKE128, msg, sig), ERR_OK);
    assert_int_equal(sig_verify(p, HASH_CSHAKE128, span_str("another"), sig), ERR_AUTH);
    for (size_t i = 0; i < sig.n; i += 7) {
        memcpy(bad, sig.p, sig.n);
        bad[i] ^= 1;
        assert_int_equal(sig_verify(p, HASH_CSHAKE128, msg, span_of(bad, sig.n)), ERR_AUTH);
    }
    assert_int_equal(sig_verify(p, HASH_CSHAKE128, msg, span_sub(sig, 0, sig.n - 1)), ERR_AUTH);
    assert_int_equal(sig_from_public(t, span_sub(want, 0, want.n - 1), &q), ERR_MALFORMED);
    assert_null(q);
    sig_free(k);
    sig_free(p);
}

/* Points of small order: "signatures" that hold for any message are taken by nobody here. */
static void eddsa_small_orders(void **st)
{
    uint8_t key[57] = { 0 }, forged[114] = { 0 };
    struct sig_key *k = pub(SIG_ED25519, span_of(key, 32));
    assert_int_equal(sig_verify(k, HASH_CSHAKE128, span_str("any"), span_of(forged, 64)), ERR_AUTH);
    sig_free(k);
    k = NULL;
    for (int sign = 0; sign <= 0x80; sign += 0x80) {
        key[56] = (uint8_t)sign;
        memset(key, 0, 56);
        assert_int_equal(sig_from_public(SIG_ED448, span_of(key, 57), &k), ERR_MALFORMED);
        key[0] = 1;
        assert_int_equal(sig_from_public(SIG_ED448, span_of(key, 57), &k), ERR_MALFORMED);
        memset(key, 0xff, 56);
        key[0] = key[28] = 0xfe;
        assert_int_equal(sig_from_public(SIG_ED448, span_of(key, 57), &k), ERR_MALFORMED);
    }
    assert_null(k);
}

/* RFC 8032 s7.1 test 2, s7.4 "1 octet". */
static void eddsa_vectors(void **st)
{
    eddsa(SIG_ED25519, "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", H(ED25519_PUB),
          H("72"), H(ED25519_SIG));
    eddsa(SIG_ED448,
          "c4eab05d357007c632f3dbb48489924d552b08fe0c353a0d4a1f00acda2c463afbea67c5e8d2877c5e3bc397a659949e"
          "f8021e954e0a12274e",
          H(ED448_PUB), H("03"), H(ED448_SIG));
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
                                    cmocka_unit_test(nonces_drawn),  cmocka_unit_test(weak_ones),
                                    cmocka_unit_test(eddsa_vectors), cmocka_unit_test(eddsa_small_orders),
                                    cmocka_unit_test(rsa_drawn) };
    return cmocka_run_group_tests(t, setup, NULL);
}
