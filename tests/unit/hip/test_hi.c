/* SPDX-License-Identifier: Apache-2.0
 * hip/hit.c and hip/hi.c against test-vectors/orchid.json and identities made here. */
#include "hip/hi.h"
#include "hip/suite.h"
#include "vec.h"

static void orchid(const json_t *g, const json_t *t)
{
    struct octets hi = field(t, "host_identity"), want = field(t, "hit");
    uint8_t suite = (uint8_t)json_integer_value(json_object_get(t, "hit_suite"));
    struct hit h, parsed;
    char text[HIT_TEXT_MAX];
    assert_int_equal(hit_derive(suite, sp(&hi), &h), ERR_OK);
    assert_int_equal(memcmp(h.b, want.b, 16) == 0, is_valid(t));
    assert_true(hit_is_valid(&h));
    assert_int_equal(hit_suite(&h), suite);
    assert_int_equal(hit_parse(hit_format(&h, text), &parsed), ERR_OK);
    assert_true(hit_eq(&h, &parsed));
    if (!is_valid(t))
        return;
    assert_string_equal(text, json_string_value(json_object_get(t, "hit_text")));

    /* The same through a HOST_ID's Algorithm and Host Identity. */
    struct octets wire = { .n = hi.n + 2 };
    wire.b[1] = (uint8_t)json_integer_value(json_object_get(t, "hi_algorithm"));
    memcpy(wire.b + 2, hi.b, hi.n);
    struct hip_hi k;
    if (json_object_get(t, "rsa_n") || json_object_get(t, "xy") || suite == 5) {
        err e = hip_hi_from_wire(sp(&wire), &k);
        if (json_object_get(t, "rsa_n") && field(t, "rsa_n").n < 128) {
            assert_int_not_equal(e, ERR_OK); /* RFC 8005's key is shorter than we take */
            return;
        }
        assert_int_equal(e, ERR_OK);
        assert_true(hit_eq(&k.hit, &h));
        assert_int_equal(k.suite, suite);
        assert_non_null(k.key);
        hip_hi_done(&k);
    }
}

static void test_orchid(void **s)
{
    each_vector("orchid", "OrchidTest", orchid);
}

static void test_hit_order(void **s)
{
    struct hit a = { { 0x20, 0x01, 0, 0x21, 1 } }, b = { { 0x20, 0x01, 0, 0x21, 0xff } }, z = { { 0 } };
    assert_true(hit_cmp(&a, &b) < 0);
    assert_true(hit_cmp(&b, &a) > 0);
    assert_int_equal(hit_cmp(&a, &a), 0);
    assert_true(hit_is_null(&z));
    assert_false(hit_is_null(&a));
    assert_false(hit_is_valid(&z));
    a.b[3] = 0x31;
    assert_false(hit_is_valid(&a)); /* HHITs are not HITs of HIPv2 */
    assert_int_equal(hit_parse("192.0.2.1", &a), ERR_MALFORMED);
    assert_int_equal(hit_parse("nonsense", &a), ERR_MALFORMED);
}

static void round_trip(enum sig_type t, uint16_t alg, uint8_t suite, uint8_t dns)
{
    struct hip_hi a, b, c, d;
    uint8_t sig[SIG_LEN_MAX + 2], pk_alg;
    size_t n;
    struct span msg = span_str("what is signed"), pk;
    assert_int_equal(hip_hi_generate(t, 2048, &a), ERR_OK);
    assert_int_equal(a.alg, alg);
    assert_int_equal(a.suite, suite);
    assert_int_equal(hip_hi_from_wire(span_of(a.wire, a.wire_len), &b), ERR_OK);
    assert_true(hit_eq(&a.hit, &b.hit));
    assert_false(b.x962);
    assert_int_equal(hip_hi_sign(&a, msg, sig, sizeof(sig), &n), ERR_OK);
    assert_int_equal(sig[0] << 8 | sig[1], alg);
    assert_int_equal(hip_hi_verify(&b, msg, span_of(sig, n)), ERR_OK);
    sig[n - 1] ^= 1;
    assert_int_equal(hip_hi_verify(&b, msg, span_of(sig, n)), ERR_AUTH);
    sig[n - 1] ^= 1;
    sig[1] ^= 2; /* another algorithm than the HI's */
    assert_int_equal(hip_hi_verify(&b, msg, span_of(sig, n)), ERR_AUTH);
    assert_int_equal(hip_hi_verify(&b, msg, span_of(sig, 2)), ERR_AUTH);
    assert_int_equal(hip_hi_sign(&b, msg, sig, sizeof(sig), &n), ERR_STATE);
    assert_int_equal(hip_hi_sign(&a, msg, sig, 20, &n), ERR_SPACE);
    /* a copy signs as well */
    assert_int_equal(hip_hi_copy(&a, &c), ERR_OK);
    assert_int_equal(hip_hi_sign(&c, msg, sig, sizeof(sig), &n), ERR_OK);
    assert_int_equal(hip_hi_verify(&b, msg, span_of(sig, n)), ERR_OK);
    hip_hi_done(&c);
    assert_int_equal(hip_hi_copy(&b, &c), ERR_OK);
    assert_true(hit_eq(&c.hit, &a.hit));
    /* DNS form and back */
    assert_int_equal(hip_hi_to_dns(&a, &pk_alg, &pk), dns ? ERR_OK : ERR_UNSUPPORTED);
    if (dns) {
        assert_int_equal(pk_alg, dns);
        assert_int_equal(hip_hi_from_dns(pk_alg, pk, &d), ERR_OK);
        assert_true(hit_eq(&d.hit, &a.hit));
        hip_hi_done(&d);
    }
    hip_hi_done(&a);
    hip_hi_done(&b);
    hip_hi_done(&c);
}

static void test_rsa(void **s)
{
    round_trip(SIG_RSA, HIP_HI_RSA, 1, 2);
}

static void test_p256(void **s)
{
    round_trip(SIG_ECDSA_P256, HIP_HI_ECDSA, 2, 3);
}

static void test_p384(void **s)
{
    round_trip(SIG_ECDSA_P384, HIP_HI_ECDSA, 2, 3);
}

static void test_the_others(void **s)
{
    round_trip(SIG_DSA, HIP_HI_DSA, 1, 1);
    round_trip(SIG_ECDSA_SECP160R1, HIP_HI_ECDSA_LOW, 3, 0);
    round_trip(SIG_ED25519, HIP_HI_EDDSA, 5, 4);
    round_trip(SIG_ED448, HIP_HI_EDDSA, 5, 4);
}

/* RFC 9374 s3.4.1, figure 2: curve, two NULL octets, key. RFC 7401 s5.2.9 for the others. */
static void test_labels(void **s)
{
    static const struct {
        enum sig_type t;
        size_t len;
        const char *head;
    } want[] = { { SIG_ED25519, 2 + 36, "\0\15\0\1\0\0" },
                 { SIG_ED448, 2 + 61, "\0\15\0\3\0\0" },
                 { SIG_ECDSA_SECP160R1, 2 + 42, "\0\11\0\1" },
                 { SIG_ECDSA_P384, 2 + 98, "\0\7\0\2" } };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct hip_hi a, b;
        assert_int_equal(hip_hi_generate(want[i].t, 0, &a), ERR_OK);
        assert_int_equal(a.wire_len, want[i].len);
        assert_memory_equal(a.wire, want[i].head, a.alg == HIP_HI_EDDSA ? 6 : 4);
        assert_memory_equal(a.wire + a.wire_len - sig_public(a.key).n, sig_public(a.key).p,
                            sig_public(a.key).n);
        if (a.alg == HIP_HI_EDDSA) {
            a.wire[4] = 1; /* not NULL */
            assert_int_equal(hip_hi_from_wire(span_of(a.wire, a.wire_len), &b), ERR_MALFORMED);
        }
        hip_hi_done(&a);
    }
}

/* A point with 0x04 in front is another HI: it associates, it has no DNS form. */
static void test_x962(void **s)
{
    struct hip_hi a, b;
    uint8_t wire[2 + 2 + 1 + 64], alg, sig[200];
    size_t n;
    struct span pk, msg = span_str("x");
    assert_int_equal(hip_hi_generate(SIG_ECDSA_P256, 0, &a), ERR_OK);
    memcpy(wire, a.wire, 4);
    wire[4] = 4;
    memcpy(wire + 5, a.wire + 4, 64);
    assert_int_equal(hip_hi_from_wire(span_of(wire, sizeof(wire)), &b), ERR_OK);
    assert_true(b.x962);
    assert_false(hit_eq(&a.hit, &b.hit));
    assert_int_equal(hip_hi_to_dns(&b, &alg, &pk), ERR_UNSUPPORTED);
    assert_int_equal(hip_hi_sign(&a, msg, sig, sizeof(sig), &n), ERR_OK);
    assert_int_equal(hip_hi_verify(&b, msg, span_of(sig, n)), ERR_OK);
    wire[4] = 3; /* any other prefix is no point */
    struct hip_hi c;
    assert_int_equal(hip_hi_from_wire(span_of(wire, sizeof(wire)), &c), ERR_MALFORMED);
    hip_hi_done(&a);
    hip_hi_done(&b);
}

static void test_bad_hi(void **s)
{
    static const struct {
        const char *hex;
        err e;
    } bad[] = {
        { "", ERR_MALFORMED },
        { "0007", ERR_MALFORMED },
        { "000700", ERR_MALFORMED },
        { "00070009aa", ERR_UNSUPPORTED },     /* curve */
        { "000700010000", ERR_MALFORMED },     /* short point */
        { "000d0002000011", ERR_UNSUPPORTED }, /* Ed25519ph */
        { "000d0001000011", ERR_MALFORMED },
        { "000d000100", ERR_MALFORMED },
        { "000900020011", ERR_UNSUPPORTED }, /* ECDSA_LOW has one curve */
        { "0009000111", ERR_MALFORMED },
        { "0003112233", ERR_MALFORMED },
        { "0001112233", ERR_UNSUPPORTED }, /* NULL-ENCRYPT */
        { "0107112233", ERR_UNSUPPORTED },
        { "000503010001", ERR_MALFORMED }, /* RSA without modulus */
        { "0005ff01", ERR_MALFORMED },
    };
    struct hip_hi h;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct octets o = unhex(bad[i].hex);
        assert_int_equal(hip_hi_from_wire(sp(&o), &h), bad[i].e);
    }
    struct octets off = unhex("00070001"); /* not on the curve */
    memset(off.b + 4, 0x11, 64);
    off.n = 68;
    assert_int_equal(hip_hi_from_wire(sp(&off), &h), ERR_MALFORMED);
    assert_int_equal(hip_hi_from_dns(3, span_of(off.b, 63), &h), ERR_UNSUPPORTED);
    assert_int_equal(hip_hi_from_dns(1, span_of(off.b, 64), &h), ERR_MALFORMED);
    assert_int_equal(hip_hi_from_dns(0, span_of(off.b, 40), &h), ERR_UNSUPPORTED);
    assert_int_equal(hip_hi_from_dns(4, span_of(off.b, 33), &h), ERR_UNSUPPORTED);
    assert_int_equal(hip_hi_from_dns(2, span_of(off.b, 0), &h), ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest t[] = {
        cmocka_unit_test(test_orchid), cmocka_unit_test(test_hit_order),  cmocka_unit_test(test_rsa),
        cmocka_unit_test(test_p256),   cmocka_unit_test(test_p384),       cmocka_unit_test(test_x962),
        cmocka_unit_test(test_bad_hi), cmocka_unit_test(test_the_others), cmocka_unit_test(test_labels),
    };
    return cmocka_run_group_tests(t, setup_crypto, NULL);
}
