/* SPDX-License-Identifier: Apache-2.0
 * RRsets out of replies, and the resolver's answers judged. */
#include "tests/unit/dnsupd/vec.h"

#include "dnsupd/lookup.h"

static struct dnsu_name q;

struct reply {
    uint8_t buf[2048];
    struct wcur w;
    uint16_t answers;
};

static void begin(struct reply *r, const char *qname, uint16_t type, uint16_t flags)
{
    struct dnsu_name n;
    assert_int_equal(dnsu_name_from_text(qname, &n), ERR_OK);
    r->w = wcur_of(r->buf, sizeof r->buf);
    r->answers = 0;
    wcur_u16(&r->w, 7);
    wcur_u16(&r->w, flags);
    wcur_u16(&r->w, 1);
    wcur_zero(&r->w, 6);
    wcur_span(&r->w, dnsu_name_span(&n));
    wcur_u16(&r->w, type);
    wcur_u16(&r->w, DNSU_CLASS_IN);
}

static void answer(struct reply *r, const char *owner, uint16_t type, uint32_t ttl, const char *rdata)
{
    struct dnsu_name n;
    assert_int_equal(dnsu_name_from_text(owner, &n), ERR_OK);
    wcur_span(&r->w, dnsu_name_span(&n));
    wcur_u16(&r->w, type);
    wcur_u16(&r->w, DNSU_CLASS_IN);
    wcur_u32(&r->w, ttl);
    wcur_u16(&r->w, (uint16_t)strlen(rdata));
    wcur_span(&r->w, span_str(rdata));
    wcur_patch_u16(&r->w, 6, ++r->answers);
}

static err read_set(struct reply *r, struct dnsu_set *s)
{
    uint8_t rcode = 99;
    return dnsu_reply_set(wcur_done(&r->w), &q, DNSU_TYPE_HIP, s, &rcode);
}

static void sets(void **state)
{
    struct reply r;
    struct dnsu_set s = { .n = 77 };
    begin(&r, "A.Z", DNSU_TYPE_HIP, 0x8400); /* letter case does not matter */
    answer(&r, "a.z", DNSU_TYPE_HIP, 300, "one");
    answer(&r, "a.z", 46, 1, "rrsig");
    answer(&r, "b.z", DNSU_TYPE_HIP, 1, "not asked for");
    answer(&r, "a.z", DNSU_TYPE_HIP, 200, "two");
    assert_int_equal(read_set(&r, &s), ERR_OK);
    assert_int_equal(s.n, 2);
    assert_int_equal(s.ttl, 200);
    assert_true(span_eq(s.rdata[0], span_str("one")) && span_eq(s.rdata[1], span_str("two")));
    begin(&r, "a.z", DNSU_TYPE_HIP, 0x8403);
    assert_int_equal(read_set(&r, &s), ERR_OK);
    assert_int_equal(s.n, 0);
}

static void faults(void **state)
{
    struct reply r;
    struct dnsu_set s = { .n = 77 };
    begin(&r, "a.z", DNSU_TYPE_HIP, 0x0400); /* a query */
    assert_int_equal(read_set(&r, &s), ERR_MALFORMED);
    begin(&r, "b.z", DNSU_TYPE_HIP, 0x8400);
    assert_int_equal(read_set(&r, &s), ERR_NOT_FOUND);
    begin(&r, "a.z", DNSU_TYPE_A, 0x8400);
    assert_int_equal(read_set(&r, &s), ERR_NOT_FOUND);
    begin(&r, "a.z", DNSU_TYPE_HIP, 0x8600); /* TC */
    assert_int_equal(read_set(&r, &s), ERR_TRUNCATED);
    begin(&r, "a.z", DNSU_TYPE_HIP, 0x8405);
    assert_int_equal(read_set(&r, &s), ERR_REFUSED);
    begin(&r, "a.z", DNSU_TYPE_HIP, 0x8400);
    for (int i = 0; i <= DNSU_SET_MAX; i++)
        answer(&r, "a.z", DNSU_TYPE_HIP, 1, "x");
    assert_int_equal(read_set(&r, &s), ERR_FULL);
    begin(&r, "a.z", DNSU_TYPE_HIP, 0x8400);
    answer(&r, "a.z", DNSU_TYPE_HIP, 1, "x");
    wcur_u8(&r.w, 0); /* left over */
    assert_int_equal(read_set(&r, &s), ERR_MALFORMED);
    assert_int_equal(s.n, 77);
}

static void judged(void **state)
{
    struct octets good = octets_hex("0102000111aa"), bad = octets_hex("0102000111aac000");
    struct span rd[3] = { octets_span(&bad), octets_span(&good), octets_span(&good) };
    struct dnsu_hip_found f = { .n = 77 };
    assert_int_equal(dnsu_hip_judge(DNSU_BOGUS, rd, 3, 60, &f), ERR_AUTH);
    assert_int_equal(dnsu_hip_judge(DNSU_SECURE, rd, 1, 60, &f), ERR_NOT_FOUND);
    assert_int_equal(dnsu_hip_judge(DNSU_SECURE, rd, 0, 60, &f), ERR_NOT_FOUND);
    assert_int_equal(f.n, 77);
    assert_int_equal(dnsu_hip_judge(DNSU_INSECURE, rd, 3, 60, &f), ERR_OK);
    assert_int_equal(f.n, 2);
    assert_int_equal(f.malformed, 1);
    assert_int_equal(f.security, DNSU_INSECURE);
    assert_int_equal(f.rr[0].pk_alg, 2);
}

static int setup(void **state)
{
    return dnsu_name_from_text("a.z", &q) == ERR_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets),
        cmocka_unit_test(faults),
        cmocka_unit_test(judged),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
