/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/crypto/dh.h"
#include "common/crypto/hash.h"
#include "common/crypto/secret.h"
#include "tests/unit/crypto/hexed.h"
#include "tests/unit/crypto/modp.h"

/* RFC 5903 s8.1 to s8.3; GEC 2 s4.1 (its two keys; values recomputed with integers in Python). */
static const struct {
    enum dh_group c;
    const char *i, *gi, *r, *gr, *shared;
} curves[] = {
    { DH_P256, "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
      "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
      "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
      "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
      "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
      "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
      "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de" },
    { DH_P384,
      "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655e35b538041e649ee3faef896783ab194",
      "667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6de3ac808acb4bdb4c88732aee95f41aa"
      "9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c",
      "41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060855cc9bda0aa2942e0308312916b8ed2960e4bd55a7448fc",
      "e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d0d1ac43a0336def96fda41d0774a3571"
      "dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c",
      "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d09cf5d4a270f59746" },
    { DH_P521,
      "0037ade9319a89f4dabdb3ef411aaccca5123c61acab57b5393dce47608172a095aa85a30fe1c2952c6771d937ba9777"
      "f5957b2639bab072462f68c27a57382d4a52",
      "0015417e84dbf28c0ad3c278713349dc7df153c897a1891bd98bab4357c9ecbee1e3bf42e00b8e380aeae57c2d107564"
      "941885942af5a7f4601723c4195d176ced3e"
      "017cae20b6641d2eeb695786d8c946146239d099e18e1d5a514c739d7cb4a10ad8a788015ac405d7799dc75e7b7d5b6c"
      "f2261a6a7f1507438bf01beb6ca3926f9582",
      "0145ba99a847af43793fdd0e872e7cdfa16be30fdc780f97bccc3f078380201e9c677d600b343757a3bdbf2a3163e4c2"
      "f869cca7458aa4a4effc311f5cb151685eb9",
      "00d0b3975ac4b799f5bea16d5e13e9af971d5e9b984c9f39728b5e5739735a219b97c356436adc6e95bb0352f6be64a6"
      "c2912d4ef2d0433ced2b6171640012d9460f"
      "015c68226383956e3bd066e797b623c27ce0eac2f551a10c2c724d9852077b87220b6536c5c408a1d2aebb8e86d678ae"
      "49cb57091f4732296579ab44fcd17f0fc56a",
      "01144c7d79ae6956bc8edb8e7c787c4521cb086fa64407f97894e5e6b2d79b04d1427e73ca4baa240a34786859810c06"
      "b3c715a3a8cc3151f2bee417996d19f3ddea" },
    { DH_SECP160R1, "00aa374ffc3ce144e6b073307972cb6d57b2a4e982",
      "51b4496fecc406ed0e75a24a3c03206251419dc0c28dcb4b73a514b468d793894f381ccc1756aa6c",
      "0045fb58a92a17ad4b15101c66e74f277e2b460866",
      "49b41e0e9c0369c2328739d90f63d56707c6e5bc26e008b567015ed96d232a03111c3edc0e9c8f83",
      "ca7c0f8c3ffa87a96e1b74ac8e6af594347bb40a" },
};

static void curve_vectors(void **st)
{
    for (size_t n = 0; n < sizeof curves / sizeof *curves; n++) {
        uint8_t out[DH_SHARED_MAX];
        struct dh_key *i = dh_from_private(curves[n].c, H(curves[n].i));
        struct dh_key *r = dh_from_private(curves[n].c, H(curves[n].r));
        assert_non_null(i);
        assert_non_null(r);
        assert_true(span_eq(dh_public(i), H(curves[n].gi)));
        assert_true(span_eq(dh_public(r), H(curves[n].gr)));
        assert_int_equal(dh_shared(i, H(curves[n].gr), out), ERR_OK);
        assert_true(span_eq(span_of(out, dh_shared_len(curves[n].c)), H(curves[n].shared)));
        assert_int_equal(dh_shared(r, H(curves[n].gi), out), ERR_OK);
        assert_true(span_eq(span_of(out, dh_shared_len(curves[n].c)), H(curves[n].shared)));
        dh_free(i);
        dh_free(r);
    }
    dh_free(NULL);
}

/* As a peer's value, with a key and without. */
static err judged(enum dh_group g, const struct dh_key *k, struct span value, uint8_t *out)
{
    err e = dh_shared(k, value, out);
    assert_int_equal(dh_public_ok(g, value), e == ERR_OK);
    return e;
}

static void bad_points(void **st)
{
    uint8_t pub[DH_PUBLIC_MAX + 1], out[DH_SHARED_MAX] = { 0x55 };
    for (size_t n = 0; n < sizeof curves / sizeof *curves; n++) {
        struct dh_key *k = dh_from_private(curves[n].c, H(curves[n].i));
        size_t len = dh_public_len(curves[n].c);
        memset(pub, 0, sizeof pub);
        assert_int_equal(judged(curves[n].c, k, span_of(pub, len), out), ERR_RANGE); /* (0, 0) */
        memset(pub, 0xff, sizeof pub);
        assert_int_equal(judged(curves[n].c, k, span_of(pub, len), out), ERR_RANGE); /* coordinates above p */
        memcpy(pub, H(curves[n].gr).p, len);
        pub[len - 1] ^= 1;
        assert_int_equal(judged(curves[n].c, k, span_of(pub, len), out), ERR_RANGE); /* beside the curve */
        pub[len - 1] ^= 1;
        assert_int_equal(judged(curves[n].c, k, span_of(pub, len - 1), out), ERR_RANGE);
        assert_int_equal(judged(curves[n].c, k, span_of(pub, len + 1), out), ERR_RANGE);
        assert_int_equal(judged(curves[n].c, k, span_of(NULL, 0), out), ERR_RANGE);
        assert_int_equal(judged(curves[n].c, k, H(curves[(n + 1) % 4].gr), out),
                         ERR_RANGE);    /* of another curve */
        assert_int_equal(out[0], 0x55); /* nothing was written */
        assert_true(dh_public_ok(curves[n].c, H(curves[n].gr)));
        dh_free(k);
    }
}

static void bad_scalars(void **st)
{
    assert_null(
        dh_from_private(DH_P256, H("0000000000000000000000000000000000000000000000000000000000000000")));
    assert_null(
        dh_from_private(DH_P256, H("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")));
    assert_null(
        dh_from_private(DH_P256, H("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")));
    assert_null(dh_from_private(DH_P256, H("01")));
    assert_null(dh_from_private(DH__COUNT, H("01")));
    struct dh_key *k =
        dh_from_private(DH_P256, H("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550"));
    assert_non_null(k); /* the order less one */
    dh_free(k);
}

/* ---- MODP ---- */

static const struct {
    enum dh_group g;
    size_t private_len;
    const char *public, *shared; /* SHA-256 of them */
} modp[] = {
    { DH_MODP1536, 32, "9a5ea5c17387a96223486d00a3d3437a4622bc0c790f48f01a1cebca6ce67221",
      "d7047eb144d299052abf210e5e182e03ec0fdde7f43ffa82eacc20eebd7e5192" },
    { DH_MODP2048, 32, "0b9cb9036d2a594a7e3b43169bdf47ee9c7b64a2292203f1bb137b0b648d7e3c",
      "3c5a95d2c393f93b1dbc850102814e202d01244d8e614c644258cc63c2190d1a" },
    { DH_MODP3072, 40, "71cd9b27251732586c6a41ac0f0a75656b6a8230b1ec2452d3bca7a4da036034",
      "7920d39c7062fc065d1e266c378fb8b5c6a8cfb0abac99bb441ae34380bb22ba" },
};

static struct dh_key *modp_key(size_t n, uint8_t first, uint8_t step)
{
    uint8_t x[DH_PRIVATE_MAX] = { 0 };
    for (size_t i = 0; i < modp[n].private_len; i++)
        x[i] = step ? (uint8_t)(first + i * step) : i == modp[n].private_len - 1 ? first : 0;
    return dh_from_private(modp[n].g, span_of(x, modp[n].private_len));
}

/* Exponents 0102.. and 4142..; computed in Python with the primes from RFC 3526's formulas (2^n - 2^(n-64) - 1 + 2^64 ([2^(n-130) pi] + c)). */
static void modp_vectors(void **st)
{
    uint8_t out[DH_SHARED_MAX], other[DH_SHARED_MAX], digest[HASH_LEN_MAX];
    for (size_t n = 0; n < 3; n++) {
        size_t len = dh_public_len(modp[n].g);
        struct dh_key *a = modp_key(n, 0x01, 1), *b = modp_key(n, 0x41, 1);
        assert_non_null(a);
        assert_non_null(b);
        assert_int_equal(dh_public(a).n, len);
        assert_int_equal(hash_once(HASH_SHA256, dh_public(a), digest), ERR_OK);
        assert_hex(digest, modp[n].public);
        assert_int_equal(dh_shared(a, dh_public(b), out), ERR_OK);
        assert_int_equal(dh_shared(b, dh_public(a), other), ERR_OK);
        assert_memory_equal(out, other, len);
        assert_int_equal(hash_once(HASH_SHA256, span_of(out, len), digest), ERR_OK);
        assert_hex(digest, modp[n].shared);
        dh_free(a);
        dh_free(b);
    }
}

/* 2 <= y <= p - 2. The primes are odd and do not end in zeros: p, p - 1, p - 2 differ in the last octet alone. */
static void modp_ranges(void **st)
{
    static const char *const p[] = { MODP1536_P, MODP2048_P, MODP3072_P };
    uint8_t y[DH_PUBLIC_MAX], out[DH_SHARED_MAX], want[DH_SHARED_MAX] = { 0 };
    for (size_t n = 0; n < 3; n++) {
        size_t len = dh_public_len(modp[n].g);
        struct dh_key *three = modp_key(n, 3, 0);
        out[0] = 0x55;
        memset(y, 0, sizeof y);
        for (uint8_t v = 0; v < 2; v++) { /* 0, 1 */
            y[len - 1] = v;
            assert_int_equal(judged(modp[n].g, three, span_of(y, len), out), ERR_RANGE);
        }
        memcpy(y, H(p[n]).p, len);
        assert_int_equal(judged(modp[n].g, three, span_of(y, len), out), ERR_RANGE);
        y[len - 1] -= 1;
        assert_int_equal(judged(modp[n].g, three, span_of(y, len), out), ERR_RANGE);
        memset(y, 0xff, len);
        assert_int_equal(judged(modp[n].g, three, span_of(y, len), out), ERR_RANGE);
        assert_int_equal(out[0], 0x55);
        memcpy(y, H(p[n]).p, len);
        y[len - 1] -= 2; /* -2: its cube is -8 */
        assert_int_equal(judged(modp[n].g, three, span_of(y, len), out), ERR_OK);
        y[len - 1] -= 6;
        assert_memory_equal(out, y, len);
        memset(y, 0, len);
        y[len - 1] = 2; /* 2^3: leading zeros stay */
        assert_int_equal(judged(modp[n].g, three, span_of(y, len), out), ERR_OK);
        want[len - 1] = 8;
        assert_memory_equal(out, want, len);
        want[len - 1] = 0;
        assert_int_equal(judged(modp[n].g, three, span_of(y + 1, len - 1), out), ERR_RANGE); /* not padded */
        dh_free(three);
        assert_null(modp_key(n, 0, 0));
    }
}

/* Gives out ff octets `bad` times, then a counter. */
struct fake {
    int bad;
    uint8_t next;
};
static void fake_random(void *ctx, void *out, size_t n)
{
    struct fake *f = ctx;
    memset(out, f->bad-- > 0 ? 0xff : f->next++, n);
}

static void generating_rejects(void **st)
{
    struct fake f = { .bad = 5, .next = 0 };
    struct env env = { .ctx = &f, .random = fake_random };
    struct dh_key *a = dh_generate(DH_P384, &env); /* five too large, then zero, then 01..01 */
    assert_non_null(a);
    assert_int_equal(f.next, 2);
    f = (struct fake){ .next = 7 };
    struct dh_key *b = dh_generate(DH_P384, &env);
    uint8_t x[DH_SHARED_MAX], y[DH_SHARED_MAX];
    assert_false(span_eq(dh_public(a), dh_public(b)));
    assert_int_equal(dh_shared(a, dh_public(b), x), ERR_OK);
    assert_int_equal(dh_shared(b, dh_public(a), y), ERR_OK);
    assert_memory_equal(x, y, dh_secret_len(a));
    dh_free(a);
    dh_free(b);
    f = (struct fake){ .bad = 1000 };
    assert_null(dh_generate(DH_P256, &env)); /* a broken source ends */
}

/* Every group from draws; the bits above the order's are taken off, or P-521 would never find a scalar. */
static void all_generate(void **st)
{
    uint8_t x[DH_SHARED_MAX], y[DH_SHARED_MAX];
    for (int g = 0; g < DH__COUNT; g++) {
        struct fake f = { .next = 0xf0 };
        struct env env = { .ctx = &f, .random = fake_random };
        struct dh_key *a = dh_generate((enum dh_group)g, &env), *b = dh_generate((enum dh_group)g, &env);
        assert_non_null(a);
        assert_non_null(b);
        size_t len = dh_secret_len(a);
        assert_int_equal(len, dh_shared_len((enum dh_group)g));
        assert_int_equal(dh_shared(a, dh_public(b), x), ERR_OK);
        assert_int_equal(dh_shared(b, dh_public(a), y), ERR_OK);
        assert_memory_equal(x, y, len);
        dh_free(a);
        dh_free(b);
    }
    assert_int_equal(dh_private_len(DH__COUNT) + dh_public_len(DH__COUNT) + dh_shared_len(DH__COUNT), 0);
}

/* 2G for scalar 1 and peer 2G must come out as X(2G) with its width kept; look for a secret that begins with zeros. */
static void leading_zeros_stay(void **st)
{
    uint8_t scalar[32] = { 0 }, out[DH_SHARED_MAX];
    struct dh_key *one = NULL;
    scalar[31] = 1;
    one = dh_from_private(DH_P256, span_of(scalar, 32));
    bool found = false;
    for (unsigned i = 2; i < 3000 && !found; i++) {
        scalar[30] = (uint8_t)(i >> 8);
        scalar[31] = (uint8_t)i;
        struct dh_key *k = dh_from_private(DH_P256, span_of(scalar, 32));
        struct span pub = dh_public(k);
        if (pub.p[0] == 0) {
            memset(out, 0xee, sizeof out);
            assert_int_equal(dh_shared(one, pub, out), ERR_OK);
            assert_memory_equal(out, pub.p, 32); /* 1 * P = P */
            assert_int_equal(out[32], 0xee);
            found = true;
        }
        dh_free(k);
    }
    dh_free(one);
    assert_true(found);
}

/* RFC 7748 s6.1; a point of small order leaves nothing of our key in the secret. */
static void x25519(void **st)
{
    struct dh_key *a =
        dh_from_private(DH_X25519, H("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
    struct dh_key *b =
        dh_from_private(DH_X25519, H("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
    uint8_t out[32];
    assert_non_null(a);
    assert_non_null(b);
    assert_true(span_eq(dh_public(a), H("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")));
    assert_true(span_eq(dh_public(b), H("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")));
    assert_int_equal(dh_shared(a, dh_public(b), out), ERR_OK);
    assert_hex(out, "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    assert_int_equal(dh_shared(b, dh_public(a), out), ERR_OK);
    assert_hex(out, "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    assert_int_equal(dh_shared(a, H("0000000000000000000000000000000000000000000000000000000000000000"), out),
                     ERR_RANGE);
    assert_int_equal(dh_shared(a, H("0100000000000000000000000000000000000000000000000000000000000000"), out),
                     ERR_RANGE);
    assert_int_equal(dh_shared(a, H("01"), out), ERR_RANGE);
    dh_free(a);
    dh_free(b);
}

/* The points of RFC 5903 s8.1, and one whose Y is even (TS 33.501 C.4.4.1's home network). */
static void short_points(void **st)
{
    static const char *const points[] = {
        "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c37725811805271a0461cdb8252d61f1c456fa3e59ab1f4"
        "5b33accf5f58389e"
        "0577b8990bb3",
        "72da71976234ce833a6907425867b82e074d44ef907dfb4b3e21c1c2256ebcd15a7ded52fcbb097a4ed250e036c7b9c8c700"
        "4c4eedc4f068cd7b"
        "f8d3f900e3b4",
    };
    uint8_t point[DH_P256_SHORT], xy[64];
    for (size_t i = 0; i < 2; i++) {
        dh_p256_shorten(H(points[i]).p, point);
        assert_int_equal(point[0], i ? 2 : 3);
        assert_int_equal(dh_p256_expand(span_of(point, sizeof point), xy), ERR_OK);
        assert_hex(xy, points[i]);
        point[0] ^= 1; /* the other Y */
        assert_int_equal(dh_p256_expand(span_of(point, sizeof point), xy), ERR_OK);
        assert_memory_equal(xy, H(points[i]).p, 32);
        assert_memory_not_equal(xy + 32, H(points[i]).p + 32, 32);
    }
    point[0] = 4;
    assert_int_equal(dh_p256_expand(span_of(point, sizeof point), xy), ERR_RANGE);
    assert_int_equal(dh_p256_expand(span_of(point, 32), xy), ERR_RANGE);
    memset(point + 1, 0xff, 32); /* beyond the field */
    point[0] = 2;
    assert_int_equal(dh_p256_expand(span_of(point, sizeof point), xy), ERR_RANGE);
    memset(point + 1, 0, 32);
    point[32] = 1; /* no point has this X */
    assert_int_equal(dh_p256_expand(span_of(point, sizeof point), xy), ERR_RANGE);
}

static int setup(void **st)
{
    return crypto_init() != ERR_OK;
}

int main(void)
{
    const struct CMUnitTest t[] = { cmocka_unit_test(curve_vectors),
                                    cmocka_unit_test(bad_points),
                                    cmocka_unit_test(bad_scalars),
                                    cmocka_unit_test(generating_rejects),
                                    cmocka_unit_test(leading_zeros_stay),
                                    cmocka_unit_test(all_generate),
                                    cmocka_unit_test(modp_vectors),
                                    cmocka_unit_test(modp_ranges),
                                    cmocka_unit_test(x25519),
                                    cmocka_unit_test(short_points) };
    return cmocka_run_group_tests(t, setup, NULL);
}
