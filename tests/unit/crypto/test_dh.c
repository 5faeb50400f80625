/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/crypto/dh.h"
#include "common/crypto/secret.h"
#include "tests/unit/crypto/hexed.h"

/* RFC 5903 s8.1, s8.2 */
static const struct {
    enum dh_curve c;
    const char *i, *gi, *r, *gr, *shared;
} rfc5903[] = {
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
};

static void rfc5903_vectors(void **st)
{
    for (size_t n = 0; n < 2; n++) {
        uint8_t out[DH_SHARED_MAX];
        struct dh_key *i = dh_from_private(rfc5903[n].c, H(rfc5903[n].i));
        struct dh_key *r = dh_from_private(rfc5903[n].c, H(rfc5903[n].r));
        assert_non_null(i);
        assert_non_null(r);
        assert_true(span_eq(dh_public(i), H(rfc5903[n].gi)));
        assert_true(span_eq(dh_public(r), H(rfc5903[n].gr)));
        assert_int_equal(dh_shared(i, H(rfc5903[n].gr), out), ERR_OK);
        assert_hex(out, rfc5903[n].shared);
        assert_int_equal(dh_shared(r, H(rfc5903[n].gi), out), ERR_OK);
        assert_hex(out, rfc5903[n].shared);
        dh_free(i);
        dh_free(r);
    }
    dh_free(NULL);
}

static void bad_points(void **st)
{
    uint8_t pub[DH_PUBLIC_MAX + 1], out[DH_SHARED_MAX] = { 0x55 };
    for (size_t n = 0; n < 2; n++) {
        struct dh_key *k = dh_from_private(rfc5903[n].c, H(rfc5903[n].i));
        size_t len = dh_public_len(rfc5903[n].c);
        memset(pub, 0, sizeof pub);
        assert_int_equal(dh_shared(k, span_of(pub, len), out), ERR_RANGE); /* (0, 0) */
        memset(pub, 0xff, sizeof pub);
        assert_int_equal(dh_shared(k, span_of(pub, len), out), ERR_RANGE); /* coordinates above p */
        memcpy(pub, H(rfc5903[n].gr).p, len);
        pub[len - 1] ^= 1;
        assert_int_equal(dh_shared(k, span_of(pub, len), out), ERR_RANGE); /* beside the curve */
        pub[len - 1] ^= 1;
        assert_int_equal(dh_shared(k, span_of(pub, len - 1), out), ERR_RANGE);
        assert_int_equal(dh_shared(k, span_of(pub, len + 1), out), ERR_RANGE);
        assert_int_equal(dh_shared(k, span_of(NULL, 0), out), ERR_RANGE);
        assert_int_equal(dh_shared(k, H(rfc5903[1 - n].gr), out), ERR_RANGE); /* of the other curve */
        assert_int_equal(out[0], 0x55);                                       /* nothing was written */
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
    assert_memory_equal(x, y, sizeof x);
    dh_free(a);
    dh_free(b);
    f = (struct fake){ .bad = 1000 };
    assert_null(dh_generate(DH_P256, &env)); /* a broken source ends */
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

static int setup(void **st)
{
    return crypto_init() != ERR_OK;
}

int main(void)
{
    const struct CMUnitTest t[] = { cmocka_unit_test(rfc5903_vectors), cmocka_unit_test(bad_points),
                                    cmocka_unit_test(bad_scalars), cmocka_unit_test(generating_rejects),
                                    cmocka_unit_test(leading_zeros_stay) };
    return cmocka_run_group_tests(t, setup, NULL);
}
