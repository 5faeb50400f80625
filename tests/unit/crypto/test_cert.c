/* SPDX-License-Identifier: Apache-2.0
 * RFC 8002 s3, RFC 5280 s6: which certificates of a host count, and why the others do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/crypto/cert.h"
#include "common/crypto/secret.h"
#include "tests/unit/crypto/made_cert.h"

#define NOW (MADE_CERT_FROM + 86400u)

static const uint8_t hit[16] = { 0x20, 0x01, 0, 0x22, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
static const uint8_t other_hit[16] = { 0x20, 0x01, 0, 0x22, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13 };

static struct cert_holder holder = { .address = hit }, other = { .address = other_hit };

struct pki {
    struct made_cert *root, *stranger, *middle, *leaf, *deep;
    struct cert_cas *cas;
};

static struct pki pki(void)
{
    struct pki p = { .root = made_cert(&(struct made_cert_wish){ .name = "root", .ca = true }),
                     .stranger = made_cert(&(struct made_cert_wish){ .name = "stranger", .ca = true }) };
    p.middle = made_cert(&(struct made_cert_wish){
        .name = "middle", .by = p.root, .ca = true, .to_s = MADE_CERT_FROM + 10 * 86400 });
    p.leaf = made_cert(&(struct made_cert_wish){ .name = "leaf", .by = p.root, .address = hit });
    p.deep = made_cert(&(struct made_cert_wish){ .name = "deep", .by = p.middle, .address = hit });
    assert_int_equal(cert_cas_new(&p.cas), ERR_OK);
    assert_int_equal(cert_cas_add(p.cas, made_cert_pem(p.root)), ERR_OK);
    return p;
}

static void pki_free(struct pki *p)
{
    cert_cas_free(p->cas);
    made_cert_free(p->root);
    made_cert_free(p->stranger);
    made_cert_free(p->middle);
    made_cert_free(p->leaf);
    made_cert_free(p->deep);
}

static enum cert_verdict judge(const struct pki *p, struct span der, uint64_t now)
{
    uint64_t until = 1;
    size_t at = 1;
    enum cert_verdict v = cert_judge(p->cas, &der, 1, &holder, now, &until, &at);
    if (v != CERT_GOOD) {
        assert_int_equal(until, 1);
        assert_int_equal(at, 0);
    }
    return v;
}

static enum cert_verdict judge_made(const struct pki *p, const struct made_cert_wish *w)
{
    struct made_cert *c = made_cert(w);
    enum cert_verdict v = judge(p, made_cert_der(c), NOW);
    made_cert_free(c);
    return v;
}

static void good(void **state)
{
    struct pki p = pki();
    struct span der = made_cert_der(p.leaf);
    uint64_t until = 0;
    size_t at;
    assert_int_equal(cert_judge(p.cas, &der, 1, &holder, NOW, &until, &at), CERT_GOOD);
    assert_int_equal(until, MADE_CERT_TO);
    assert_int_equal(cert_judge(p.cas, &der, 1, &other, NOW, &until, &at), CERT_NOT_YOURS);
    assert_int_equal(cert_judge(p.cas, &der, 0, &holder, NOW, &until, &at), CERT_OTHER);
    pki_free(&p);
}

static void time_of_it(void **state)
{
    struct pki p = pki();
    struct span der = made_cert_der(p.leaf);
    assert_int_equal(judge(&p, der, MADE_CERT_FROM - 1), CERT_EXPIRED);
    assert_int_equal(judge(&p, der, MADE_CERT_FROM), CERT_GOOD);
    assert_int_equal(judge(&p, der, MADE_CERT_TO - 1), CERT_GOOD);
    assert_int_equal(judge(&p, der, MADE_CERT_TO + 1), CERT_EXPIRED);
    assert_int_equal(judge(&p, der, UINT64_MAX), CERT_OTHER);
    pki_free(&p);
}

static void chain(void **state)
{
    struct pki p = pki();
    struct span two[2] = { made_cert_der(p.deep), made_cert_der(p.middle) };
    struct span many[CERT_CHAIN_MAX + 1] = { two[0], two[1], two[1], two[1], two[1] };
    uint64_t until = 0;
    size_t at = SIZE_MAX;
    assert_int_equal(cert_judge(p.cas, two, 2, &holder, NOW, &until, &at), CERT_GOOD);
    assert_int_equal(until, MADE_CERT_FROM + 10 * 86400); /* the shorter life is the CA's in the middle */
    assert_int_equal(cert_judge(p.cas, two, 1, &holder, NOW, &until, &at), CERT_UNKNOWN_CA);
    assert_int_equal(at, 0);
    assert_int_equal(cert_judge(p.cas, two, 2, &holder, MADE_CERT_FROM + 11 * 86400, &until, &at),
                     CERT_EXPIRED);
    assert_int_equal(at, 1); /* the one in the middle */
    assert_int_equal(cert_judge(p.cas, many, CERT_CHAIN_MAX, &holder, NOW, &until, &at), CERT_GOOD);
    assert_int_equal(cert_judge(p.cas, many, CERT_CHAIN_MAX + 1, &holder, NOW, &until, &at), CERT_OTHER);
    two[1] = span_of("\x30\x03\x02\x01\x00", 5);
    assert_int_equal(cert_judge(p.cas, two, 2, &holder, NOW, &until, &at), CERT_BAD);
    assert_int_equal(at, 1);
    pki_free(&p);
}

/* A host with a certificate is no CA: what it signs does not count. */
static void no_ca(void **state)
{
    struct pki p = pki();
    struct made_cert *c = made_cert(&(struct made_cert_wish){ .name = "x", .by = p.leaf, .address = hit });
    struct span two[2] = { made_cert_der(c), made_cert_der(p.leaf) };
    uint64_t until;
    size_t at = 0;
    assert_int_equal(cert_judge(p.cas, two, 2, &holder, NOW, &until, &at), CERT_OTHER);
    assert_int_equal(at, 1);
    made_cert_free(c);
    pki_free(&p);
}

static void refused(void **state)
{
    struct pki p = pki();
    assert_int_equal(
        judge_made(&p, &(struct made_cert_wish){ .name = "a", .by = p.stranger, .address = hit }),
        CERT_UNKNOWN_CA);
    assert_int_equal(judge_made(&p, &(struct made_cert_wish){ .name = "b", .address = hit }),
                     CERT_UNKNOWN_CA); /* signed by itself */
    assert_int_equal(judge_made(&p, &(struct made_cert_wish){ .name = "c", .by = p.root }), CERT_NOT_YOURS);
    assert_int_equal(
        judge_made(&p,
                   &(struct made_cert_wish){ .name = "d", .by = p.root, .address = hit, .critical = true }),
        CERT_OTHER);
    /* a CA of the right name and another key */
    struct made_cert *false_root = made_cert(&(struct made_cert_wish){ .name = "root", .ca = true });
    assert_int_equal(
        judge_made(&p, &(struct made_cert_wish){ .name = "e", .by = false_root, .address = hit }), CERT_BAD);
    made_cert_free(false_root);
    pki_free(&p);
}

/* Every octet of it matters; what is cut off, or stands behind it, makes it none. */
static void damaged(void **state)
{
    struct pki p = pki();
    uint8_t der[2048] = { 0 };
    struct span s = made_cert_der(p.leaf);
    for (size_t i = 0; i < s.n; i++) {
        memcpy(der, s.p, s.n);
        der[i] ^= 1;
        assert_int_not_equal(judge(&p, span_of(der, s.n), NOW), CERT_GOOD);
    }
    memcpy(der, s.p, s.n);
    der[s.n - 1] ^= 1; /* in the signature */
    assert_int_equal(judge(&p, span_of(der, s.n), NOW), CERT_BAD);
    der[s.n - 1] ^= 1;
    der[s.n] = 0;
    assert_int_equal(judge(&p, span_of(der, s.n + 1), NOW), CERT_BAD);
    for (size_t n = 0; n < s.n; n += 7)
        assert_int_equal(judge(&p, span_of(der, n), NOW), CERT_BAD);
    pki_free(&p);
}

static void pem(void **state)
{
    struct pki p = pki();
    uint8_t text[8192], buf[2048];
    struct span der[CERT_CHAIN_MAX], a = made_cert_pem(p.deep), b = made_cert_pem(p.middle);
    size_t n = 0;
    memcpy(text, a.p, a.n);
    memcpy(text + a.n, b.p, b.n);
    assert_int_equal(cert_from_pem(span_of(text, a.n + b.n), buf, sizeof buf, der, &n), ERR_OK);
    assert_int_equal(n, 2);
    assert_true(span_eq(der[0], made_cert_der(p.deep)) && span_eq(der[1], made_cert_der(p.middle)));
    assert_int_equal(cert_from_pem(span_of(text, a.n + b.n), buf, 500, der, &n), ERR_SPACE);
    assert_int_equal(cert_from_pem(span_of("nothing\n", 8), buf, sizeof buf, der, &n), ERR_NOT_FOUND);
    assert_int_equal(cert_from_pem(span_of(NULL, 0), buf, sizeof buf, der, &n), ERR_NOT_FOUND);
    assert_int_equal(cert_from_pem(span_of(text, a.n - 40), buf, sizeof buf, der, &n), ERR_MALFORMED);
    for (size_t i = 0; i < 5; i++)
        memcpy(text + i * a.n, a.p, a.n);
    assert_int_equal(cert_from_pem(span_of(text, 5 * a.n), buf, sizeof buf, der, &n), ERR_FULL);
    assert_int_equal(cert_cas_add(p.cas, span_of("nothing\n", 8)), ERR_NOT_FOUND);
    assert_int_equal(cert_cas_add(p.cas, made_cert_pem(p.root)), ERR_OK); /* once more does no harm */
    pki_free(&p);
}

static enum cert_verdict of_key(const struct pki *p, const struct sig_key *key, const uint8_t *address)
{
    return judge_made(
        p, &(struct made_cert_wish){ .name = "key", .by = p->root, .key = key, .address = address });
}

/* RFC 8002 s3: a CA that knows no HITs certifies the HI. */
static void by_its_key(void **state)
{
    static const uint8_t no_hit[16] = { 0x20, 0x01, 0x0d, 0xb8, 1 };
    static const enum sig_type types[] = { SIG_ECDSA_P256, SIG_ECDSA_P384, SIG_RSA, SIG_ED25519, SIG_ED448 };
    struct pki p = pki();
    const struct sig_key *first = holder.key;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct sig_key *k = sig_generate(types[i], 2048);
        assert_non_null(k);
        assert_int_equal(of_key(&p, k, NULL), CERT_NOT_YOURS);
        holder.key = k;
        assert_int_equal(of_key(&p, k, NULL), CERT_GOOD);
        assert_int_equal(of_key(&p, k, no_hit), CERT_GOOD);
        assert_int_equal(of_key(&p, k, other_hit), CERT_NOT_YOURS); /* which one is it? */
        assert_int_equal(of_key(&p, first, NULL), CERT_NOT_YOURS);
        holder.key = first;
        sig_free(k);
    }
    pki_free(&p);
}

static int begin(void **state)
{
    holder.key = crypto_init() == ERR_OK ? sig_generate(SIG_ECDSA_P256, 0) : NULL;
    other.key = holder.key;
    return holder.key ? 0 : -1;
}

static int end(void **state)
{
    sig_free((struct sig_key *)holder.key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good),  cmocka_unit_test(time_of_it), cmocka_unit_test(chain),
        cmocka_unit_test(no_ca), cmocka_unit_test(refused),    cmocka_unit_test(damaged),
        cmocka_unit_test(pem),   cmocka_unit_test(by_its_key),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
