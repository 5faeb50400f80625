/* SPDX-License-Identifier: Apache-2.0
 * docs/sim-binding.md section 2: what is written is read back; everything that is called malformed is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "hip/bind_param.h"

static const uint8_t name_a[] = "\x01"
                                "a\x07"
                                "example";
static const uint8_t name_b[] = "\x02"
                                "bb\x07"
                                "example";
static const uint8_t secret[32] = { 1, 2, 3 };
static const uint8_t eap_id[] = { 2, 0, 0, 6, 1, '6' };

#define SPAN(x) span_of(x, sizeof x)

static struct hip_bind_request full_request(void)
{
    static const uint8_t hi[] = { 0, 7, 0, 1, 9, 9 }, proof[] = { 0, 7, 5 }, hit[16] = { 0x20, 1 };
    return (struct hip_bind_request){
        .flags = HIP_BIND_WANT_ADDR,
        .attempt = 3,
        .lifetime_s = 86400,
        .hi = SPAN(hi),
        .hi_proof = SPAN(proof),
        .n_wanted = 2,
        .wanted = { SPAN(name_a), SPAN(name_b) },
        .device = span_str("T\xc3\xa4htipuhelin"),
        .secret = SPAN(secret),
        .old_hit = SPAN(hit),
        .old_proof = SPAN(proof),
        .old_secret = SPAN(secret),
    };
}

static void test_request_round_trip(void **state)
{
    struct hip_bind_request in = full_request(), out;
    uint8_t buf[HIP_BIND_REQUEST_MAX], again[HIP_BIND_REQUEST_MAX];
    struct wcur w = wcur_of(buf, sizeof buf);
    hip_bind_request_write(&w, &in);
    assert_true(wcur_ok(&w));
    assert_int_equal(hip_bind_request_parse(wcur_done(&w), &out), ERR_OK);
    assert_int_equal(out.attempt, 3);
    assert_int_equal(out.lifetime_s, 86400);
    assert_int_equal(out.n_wanted, 2);
    assert_true(span_eq(out.wanted[1], SPAN(name_b)));
    assert_true(span_eq(out.device, in.device));
    assert_true(span_eq(out.old_proof, in.old_proof));
    struct wcur w2 = wcur_of(again, sizeof again);
    hip_bind_request_write(&w2, &out);
    assert_true(span_eq(wcur_done(&w), wcur_done(&w2)));
}

/* Each row: contents of a BIND_REQUEST, and whether it is well formed. */
#define HEAD "\x01\x00\x00\x01\x00\x00\x00\x00" /* Version, flags, attempt 1, lifetime */
#define S32  "ssssssssssssssssssssssssssssssss"
#define NAME \
    "\x01" \
    "a\x02" \
    "fi\x00"
static const struct {
    const char *what;
    const char *octets;
    size_t n;
    bool good;
} requests[] = {
#define ROW(what, lit, good) \
    { \
        what, lit, sizeof(lit) - 1, good \
    }
    ROW("bare", HEAD, true),
    ROW("empty", "", false),
    ROW("cut head", "\x01\x00\x00\x01\x00\x00\x00", false),
    ROW("version 2", "\x02\x00\x00\x01\x00\x00\x00\x00", false),
    ROW("attempt 0", "\x01\x00\x00\x00\x00\x00\x00\x00", false),
    ROW("unknown flag ignored", "\x01\x0f\x00\x01\x00\x00\x00\x00", true),
    ROW("unknown item below 128", HEAD "\x08\x00\x00\x00", false),
    ROW("response item", HEAD "\x10\x00\x00\x06" NAME, false),
    ROW("item 0", HEAD "\x00\x00\x00\x00", false),
    ROW("unknown item 128", HEAD "\x80\x00\x00\x01x", true),
    ROW("reserved octet of an item ignored", HEAD "\x03\x55\x00\x06" NAME, true),
    ROW("item header cut", HEAD "\x03\x00\x00", false),
    ROW("item cut", HEAD "\x03\x00\x00\x07" NAME, false),
    ROW("trailing octet", HEAD "\x03\x00\x00\x06" NAME "\x00", false),
    ROW("four names",
        HEAD "\x03\x00\x00\x06" NAME "\x03\x00\x00\x06" NAME "\x03\x00\x00\x06" NAME "\x03\x00\x00\x06" NAME,
        true),
    ROW("five names",
        HEAD "\x03\x00\x00\x06" NAME "\x03\x00\x00\x06" NAME "\x03\x00\x00\x06" NAME "\x03\x00\x00\x06" NAME
             "\x03\x00\x00\x06" NAME,
        false),
    ROW("upper case",
        HEAD "\x03\x00\x00\x06\x01"
             "A\x02"
             "fi\x00",
        false),
    ROW("compressed",
        HEAD "\x03\x00\x00\x04\x01"
             "a\xc0\x00",
        false),
    ROW("no root",
        HEAD "\x03\x00\x00\x05\x01"
             "a\x02"
             "fi",
        false),
    ROW("octets after root", HEAD "\x03\x00\x00\x07" NAME "x", false),
    ROW("root alone", HEAD "\x03\x00\x00\x01\x00", false),
    ROW("empty name", HEAD "\x03\x00\x00\x00", false),
    ROW("descending", HEAD "\x04\x00\x00\x01x\x03\x00\x00\x06" NAME, false),
    ROW("device label", HEAD "\x04\x00\x00\x01x", true),
    ROW("two device labels", HEAD "\x04\x00\x00\x01x\x04\x00\x00\x01x", false),
    ROW("empty device label", HEAD "\x04\x00\x00\x00", false),
    ROW("device label of 64", HEAD "\x04\x00\x00\x40" S32 S32, false),
    ROW("device label not UTF-8", HEAD "\x04\x00\x00\x02\xc3(", false),
    ROW("overlong UTF-8", HEAD "\x04\x00\x00\x02\xc0\x80", false),
    ROW("surrogate", HEAD "\x04\x00\x00\x03\xed\xa0\x80", false),
    ROW("cut UTF-8", HEAD "\x04\x00\x00\x01\xc3", false),
    ROW("four octets of UTF-8", HEAD "\x04\x00\x00\x04\xf0\x9f\x93\xb1", true),
    ROW("secret", HEAD "\x05\x00\x00\x20" S32, true),
    ROW("secret of 31", HEAD "\x05\x00\x00\x1fsssssssssssssssssssssssssssssss", false),
    ROW("two secrets", HEAD "\x05\x00\x00\x20" S32 "\x05\x00\x00\x20" S32, false),
    ROW("old proof too short",
        HEAD "\x06\x00\x00\x12"
             "hhhhhhhhhhhhhhhhss",
        false),
    ROW("old proof",
        HEAD "\x06\x00\x00\x13"
             "hhhhhhhhhhhhhhhhsss",
        true),
    ROW("old secret of 33", HEAD "\x07\x00\x00\x21" S32 "s", false),
    ROW("HI with proof", HEAD "\x01\x00\x00\x03\x00\x07x\x02\x00\x00\x03\x00\x07s", true),
    ROW("HI without proof", HEAD "\x01\x00\x00\x03\x00\x07x", false),
    ROW("proof without HI", HEAD "\x02\x00\x00\x03\x00\x07s", false),
    ROW("HI of two octets", HEAD "\x01\x00\x00\x02\x00\x07\x02\x00\x00\x03\x00\x07s", false),
    ROW("two HIs", HEAD "\x01\x00\x00\x03\x00\x07x\x01\x00\x00\x03\x00\x07x\x02\x00\x00\x03\x00\x07s", false),
    ROW("REFRESH", "\x01\x20\x00\x01\x00\x00\x00\x00", true),
    ROW("REFRESH with a name", "\x01\x20\x00\x01\x00\x00\x00\x00\x03\x00\x00\x06" NAME, false),
#undef ROW
};

static void test_request_forms(void **state)
{
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct hip_bind_request r;
        err e = hip_bind_request_parse(span_of(requests[i].octets, requests[i].n), &r);
        if ((e == ERR_OK) != requests[i].good || (e != ERR_OK && e != ERR_MALFORMED))
            fail_msg("%s: %s", requests[i].what, err_text(e));
    }
}

static void test_request_limits(void **state)
{
    uint8_t buf[2048];
    struct hip_bind_request r = { .attempt = 1 };
    static uint8_t big[1200] = { 0, 5 };
    r.hi = span_of(big, 1000);
    r.hi_proof = span_of(big, 1152 - 8 - 4 - 1000 - 4);
    struct wcur w = wcur_of(buf, sizeof buf);
    hip_bind_request_write(&w, &r);
    assert_true(wcur_ok(&w));
    assert_int_equal(wcur_len(&w), 1152);
    struct hip_bind_request out;
    assert_int_equal(hip_bind_request_parse(wcur_done(&w), &out), ERR_OK);
    r.hi_proof.n++;
    w = wcur_of(buf, sizeof buf);
    hip_bind_request_write(&w, &r);
    assert_false(wcur_ok(&w));
    buf[8 + 4 + 1000 + 3]++; /* the same by hand: the proof's length one up */
    assert_int_equal(hip_bind_request_parse(span_of(buf, 1153), &out), ERR_MALFORMED);
}

static struct hip_bind_response full_response(void)
{
    static const uint8_t hit[16] = { 0x20, 1 }, hi[] = { 0, 7, 0, 1, 4 }, addr[16] = { 0xfd };
    return (struct hip_bind_response){
        .status = HIP_BIND_ST_BOUND,
        .attempt = 1,
        .lifetime_s = 30 * 86400,
        .fqdn = SPAN(name_a),
        .n_addr = 1,
        .addr = { SPAN(addr) },
        .n_fa = 2,
        .fa = { { SPAN(hit), SPAN(name_a) }, { SPAN(hit), SPAN(name_b) } },
        .fa_hi = SPAN(hi),
        .reason = span_str("because"),
    };
}

static bool response_is_good(struct hip_bind_response r)
{
    uint8_t buf[2048];
    struct hip_bind_response out;
    struct wcur w = wcur_of(buf, sizeof buf);
    hip_bind_response_write(&w, &r);
    return wcur_ok(&w) && hip_bind_response_parse(wcur_done(&w), &out) == ERR_OK;
}

static void test_response(void **state)
{
    struct hip_bind_response in = full_response(), out;
    uint8_t buf[1024];
    struct wcur w = wcur_of(buf, sizeof buf);
    hip_bind_response_write(&w, &in);
    assert_int_equal(hip_bind_response_parse(wcur_done(&w), &out), ERR_OK);
    assert_int_equal(out.n_fa, 2);
    assert_true(span_eq(out.fa[1].name, SPAN(name_b)));
    assert_true(span_eq(out.fa_hi, in.fa_hi));
    assert_true(span_eq(out.reason, in.reason));
    assert_int_equal(out.lifetime_s, 30 * 86400);
    buf[0] = 2;
    assert_int_equal(hip_bind_response_parse(wcur_done(&w), &out), ERR_MALFORMED);
    buf[0] = 1;
    for (size_t n = 0; n < wcur_len(&w);
         n++) /* an item that is missing at the end is not missed when it is the reason */
        if (hip_bind_response_parse(span_of(buf, n), &out) == ERR_OK)
            assert_int_equal(n, wcur_len(&w) - 4 - in.reason.n);

    struct hip_bind_response r = full_response();
    r.fqdn.n = 0;
    assert_false(response_is_good(r)); /* bound without a name */
    r.status = HIP_BIND_ST_NAME_REFUSED;
    assert_true(response_is_good(r));
    r = full_response();
    r.n_fa = 0;
    assert_false(response_is_good(r));
    r = full_response();
    r.fa_hi.n = 0;
    r.status = HIP_BIND_ST_PENDING;
    assert_false(response_is_good(r));
    r = full_response();
    r.addr[0].n = 4;
    assert_false(response_is_good(r));
    r = full_response();
    r.fa[1].name.n--;
    assert_false(response_is_good(r));
    r = full_response();
    r.reason = span_str("\xff");
    assert_false(response_is_good(r));
    static const uint8_t item_of_request[] = { 1, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 1, 'x' };
    assert_int_equal(hip_bind_response_parse(SPAN(item_of_request), &out), ERR_MALFORMED);
}

static void test_inner(void **state)
{
    uint8_t buf[1792], mac[32];
    memset(mac, 0xaa, sizeof mac);
    struct hip_bind_request r = { .attempt = 1 };
    struct hip_bind_inner in;
    struct wcur w = wcur_of(buf, sizeof buf);
    hip_bind_put_eap(&w, SPAN(eap_id));
    hip_bind_put_request(&w, &r);
    size_t p = wcur_len(&w);
    hip_bind_put_mac(&w, mac);
    assert_true(wcur_ok(&w));
    assert_int_equal(wcur_len(&w) % 8, 0);
    assert_int_equal(p, 16 + 16); /* 4 + 4 + 6, padded; 4 + 8, padded */
    assert_int_equal(hip_bind_inner_parse(wcur_done(&w), &in), ERR_OK);
    assert_true(span_eq(in.eap, SPAN(eap_id)));
    assert_int_equal(in.request.n, 8);
    assert_int_equal(in.p.n, p);
    assert_ptr_equal(in.p.p, buf);
    assert_memory_equal(in.mac.p, mac, 32);
    wcur_zero(&w, 16); /* zero octets that followed */
    assert_int_equal(hip_bind_inner_parse(wcur_done(&w), &in), ERR_OK);
    assert_int_equal(hip_bind_inner_parse(span_of(buf, wcur_len(&w) - 16 - 4), &in),
                     ERR_OK); /* last padding cut */
    assert_int_equal(hip_bind_inner_parse(span_of(buf, wcur_len(&w) - 16 - 5), &in), ERR_MALFORMED);
    assert_int_equal(hip_bind_inner_parse(span_of(buf, p), &in), ERR_MALFORMED); /* request without MAC */
    assert_int_equal(hip_bind_inner_parse(span_of(buf + p, 40), &in), ERR_MALFORMED); /* MAC alone */
    assert_int_equal(hip_bind_inner_parse(span_of(buf, 0), &in), ERR_OK);
    assert_null(in.eap.p);
}

static err parse_two(uint16_t first, size_t n1, uint16_t second, size_t n2)
{
    uint8_t buf[256];
    struct hip_bind_inner in;
    struct wcur w = wcur_of(buf, sizeof buf);
    for (int i = 0; i < 2; i++) {
        size_t n = i ? n2 : n1;
        wcur_u16(&w, i ? second : first);
        wcur_u16(&w, (uint16_t)n);
        wcur_u8(&w, 1); /* Version */
        wcur_zero(&w, n - 1);
        wcur_zero(&w, (8 - (4 + n) % 8) % 8);
    }
    assert_true(wcur_ok(&w));
    return hip_bind_inner_parse(wcur_done(&w), &in);
}

static void test_inner_forms(void **state)
{
    assert_int_equal(parse_two(HIP_BIND_PAR_REQUEST, 8, HIP_BIND_PAR_MAC, 32), ERR_OK);
    assert_int_equal(parse_two(HIP_BIND_PAR_RESPONSE, 12, HIP_BIND_PAR_MAC, 32), ERR_OK);
    assert_int_equal(parse_two(HIP_BIND_PAR_MAC, 32, HIP_BIND_PAR_REQUEST, 8), ERR_MALFORMED);
    assert_int_equal(parse_two(HIP_BIND_PAR_REQUEST, 8, HIP_BIND_PAR_REQUEST, 8), ERR_MALFORMED);
    assert_int_equal(parse_two(HIP_BIND_PAR_REQUEST, 8, HIP_BIND_PAR_MAC, 31), ERR_MALFORMED);
    assert_int_equal(parse_two(HIP_BIND_PAR_REQUEST, 7, HIP_BIND_PAR_MAC, 32), ERR_MALFORMED);
    assert_int_equal(parse_two(HIP_BIND_PAR_RESPONSE, 11, HIP_BIND_PAR_MAC, 32), ERR_MALFORMED);
    assert_int_equal(parse_two(193, 8, 705, 8), ERR_UNSUPPORTED);            /* critical, not ours */
    assert_int_equal(parse_two(1000, 8, HIP_BIND_PAR_RESPONSE, 12), ERR_OK); /* not critical */
    assert_int_equal(parse_two(HIP_BIND_PAR_RESPONSE, 12, 40000, 12), ERR_OK);
    assert_int_equal(parse_two(HIP_BIND_PAR_MAC, 32, 40000, 12), ERR_MALFORMED); /* BIND_MAC is last */
}

static void test_mac_is_last(void **state)
{
    uint8_t buf[256], mac[32] = { 0 };
    struct hip_bind_request r = { .attempt = 1 };
    struct hip_bind_inner in;
    struct wcur w = wcur_of(buf, sizeof buf);
    hip_bind_put_request(&w, &r);
    hip_bind_put_mac(&w, mac);
    assert_int_equal(hip_bind_inner_parse(wcur_done(&w), &in), ERR_OK);
    wcur_u16(&w, 40000); /* not covered by the MAC: must not be there */
    wcur_u16(&w, 4);
    wcur_zero(&w, 4);
    assert_int_equal(hip_bind_inner_parse(wcur_done(&w), &in), ERR_MALFORMED);
}

static err parse_eap(const char *octets, size_t n, uint8_t version)
{
    uint8_t buf[64] = { 0x80, 0x20, 0, (uint8_t)(n + 4), version };
    struct hip_bind_inner in;
    memcpy(buf + 8, octets, n);
    return hip_bind_inner_parse(span_of(buf, 4 + (4 + n + 7) / 8 * 8), &in);
}

static void test_eap_forms(void **state)
{
    assert_int_equal(parse_eap("\x02\x07\x00\x06\x01x", 6, 1), ERR_OK);
    assert_int_equal(parse_eap("\x02\x07\x00\x06\x01x", 6, 2), ERR_MALFORMED); /* Version */
    assert_int_equal(parse_eap("\x02\x07\x00\x05\x01x", 6, 1), ERR_MALFORMED); /* octets behind Length */
    assert_int_equal(parse_eap("\x02\x07\x00\x07\x01x", 6, 1), ERR_MALFORMED); /* cut */
    assert_int_equal(parse_eap("\x02\x07\x00\x04", 4, 1), ERR_MALFORMED);      /* response without type */
    assert_int_equal(parse_eap("\x03\x07\x00\x04", 4, 1), ERR_OK);             /* Success */
    assert_int_equal(parse_eap("\x04\x07\x00\x04", 4, 1), ERR_OK);             /* Failure */
    assert_int_equal(parse_eap("\x05\x07\x00\x06\x01x", 6, 1), ERR_MALFORMED); /* code */
    assert_int_equal(parse_eap("\x00\x07\x00\x06\x01x", 6, 1), ERR_MALFORMED);
    assert_int_equal(parse_eap("", 0, 1), ERR_MALFORMED);
    uint8_t big[1100] = { 2, 0, 0x03, 0xfd }; /* 1021 octets */
    uint8_t buf[1200];
    struct wcur w = wcur_of(buf, sizeof buf);
    hip_bind_put_eap(&w, span_of(big, 1021));
    assert_false(wcur_ok(&w));
    big[3] = 0xfc;
    w = wcur_of(buf, sizeof buf);
    hip_bind_put_eap(&w, span_of(big, 1020));
    assert_true(wcur_ok(&w));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_round_trip),
        cmocka_unit_test(test_request_forms),
        cmocka_unit_test(test_request_limits),
        cmocka_unit_test(test_response),
        cmocka_unit_test(test_inner),
        cmocka_unit_test(test_inner_forms),
        cmocka_unit_test(test_eap_forms),
        cmocka_unit_test(test_mac_is_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
