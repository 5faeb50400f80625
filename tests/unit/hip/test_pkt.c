/* SPDX-License-Identifier: Apache-2.0
 * hip/pkt.c and hip/build.c: test-vectors/hip-checksum.json and packets that are wrong in one way each. */
#include "hip/build.h"
#include "hip/pkt.h"
#include "vec.h"

static const struct hit us = { { 0x20, 0x01, 0, 0x21, 1, 1, 1 } };
static const struct hit them = { { 0x20, 0x01, 0, 0x22, 2, 2, 2 } };

static void checksum(const json_t *g, const json_t *t)
{
    struct octets p = field(t, "packet"), want = field(t, "checksum");
    struct addr src = address(json_string_value(json_object_get(t, "src")));
    struct addr dst = address(json_string_value(json_object_get(t, "dst")));
    uint16_t w = (uint16_t)(want.b[0] << 8 | want.b[1]);
    if (json_integer_value(json_object_get(t, "protocol")) != HIP_IP_PROTO)
        return;
    struct hip_pkt k = { .raw = sp(&p), .checksum = (uint16_t)(p.b[4] << 8 | p.b[5]) };
    if (is_valid(t))
        assert_int_equal(hip_checksum(&src, &dst, sp(&p)), w);
    assert_int_equal(hip_checksum_ok(&k, &src, &dst), is_valid(t));
}

static void test_checksum_vectors(void **s)
{
    each_vector("hip-checksum", "HipChecksumTest", checksum);
}

static void test_checksum_rules(void **s)
{
    struct addr a = address("192.0.2.1"), b = address("192.0.2.2"), c = address("2001:db8::1");
    uint8_t buf[HIP_PACKET_MAX];
    struct hip_build w;
    struct span out;
    struct hip_pkt k;
    hip_build_init(&w, buf, sizeof(buf), HIP_PKT_I1, &us, &them, 0);
    hip_build_param(&w, HIP_PAR_DH_GROUP_LIST, span_str("\x07\x08"));
    assert_int_equal(hip_build_finish(&w, &a, &b, &out), ERR_OK);
    assert_int_equal(hip_pkt_parse(out, &k), HIP_TAKEN);
    assert_true(hip_checksum_ok(&k, &a, &b));
    assert_false(hip_checksum_ok(&k, &a, &c));
    buf[47] ^= 1;
    assert_false(hip_checksum_ok(&k, &a, &b));
    a.port = b.port = 10500; /* UDP: the field is zero */
    assert_false(hip_checksum_ok(&k, &a, &b));
    hip_set_checksum(buf, out.n, &a, &b);
    assert_int_equal(hip_pkt_parse(out, &k), HIP_TAKEN);
    assert_true(hip_checksum_ok(&k, &a, &b));
}

/* One packet as hex behind a header that fits it. */
struct raw {
    uint8_t b[2200];
    size_t n;
};

static struct raw packet(uint8_t type, const char *params)
{
    struct octets p = unhex(params);
    struct raw r = { .n = HIP_HEADER_LEN + p.n };
    uint8_t head[8] = { 59, (uint8_t)(r.n / 8 - 1), type, 0x21 };
    memcpy(r.b, head, 8);
    memcpy(r.b + 8, us.b, 16);
    memcpy(r.b + 24, them.b, 16);
    memcpy(r.b + 40, p.b, p.n);
    return r;
}

#define ESP_INFO "0041000c000000000000000000000000"
#define DHGL     "01ff000107000000" /* DH_GROUP_LIST {7} */

static void test_header(void **s)
{
    struct hip_pkt k;
    struct raw r = packet(1, DHGL);
    assert_int_equal(hip_pkt_parse(span_of(r.b, r.n), &k), HIP_TAKEN);
    assert_int_equal(k.type, HIP_PKT_I1);
    assert_true(hit_eq(&k.sender, &us));
    assert_true(hit_eq(&k.receiver, &them));
    assert_int_equal(k.raw.n, 48);
    for (size_t n = 0; n < r.n; n++)
        assert_int_equal(hip_pkt_parse(span_of(r.b, n), &k), HIP_DROP_TRUNCATED);
    /* octets behind the packet are not ours, whatever Next Header says (s5.1) */
    r.b[0] = 6;
    assert_int_equal(hip_pkt_parse(span_of(r.b, r.n + 32), &k), HIP_TAKEN);
    assert_int_equal(k.raw.n, 48);

    r = packet(1, DHGL);
    r.b[3] = 0x11;
    assert_int_equal(hip_pkt_parse(span_of(r.b, r.n), &k), HIP_DROP_BAD_VERSION);
    r.b[3] = 0x21;
    r.b[2] = 0x81; /* reserved bits are ignored */
    r.b[3] = 0x2e;
    assert_int_equal(hip_pkt_parse(span_of(r.b, r.n), &k), HIP_TAKEN);
    r = packet(1, DHGL);
    r.b[1] = 3;
    assert_int_equal(hip_pkt_parse(span_of(r.b, r.n), &k), HIP_DROP_BAD_HEADER);
    r = packet(5, DHGL);
    assert_int_equal(hip_pkt_parse(span_of(r.b, r.n), &k), HIP_DROP_UNKNOWN_PACKET);
    r = packet(20, DHGL); /* named only */
    assert_int_equal(hip_pkt_parse(span_of(r.b, r.n), &k), HIP_DROP_UNKNOWN_PACKET);
    r = packet(1, DHGL);
    r.b[11] = 0x11; /* ORCHIDv1 */
    assert_int_equal(hip_pkt_parse(span_of(r.b, r.n), &k), HIP_DROP_BAD_HIT);
    r = packet(1, DHGL);
    memset(r.b + 24, 0, 16); /* opportunistic */
    assert_int_equal(hip_pkt_parse(span_of(r.b, r.n), &k), HIP_TAKEN);
    memset(r.b + 8, 0, 16);
    assert_int_equal(hip_pkt_parse(span_of(r.b, r.n), &k), HIP_DROP_BAD_HIT);
    r = packet(16, "0181000400000001" /* SEQ */);
    memset(r.b + 24, 0, 16); /* NULL in I1 and NOTIFY only */
    assert_int_equal(hip_pkt_parse(span_of(r.b, r.n), &k), HIP_DROP_BAD_HIT);
}

#define MAC32 \
    "f0410020" \
    "0000000000000000000000000000000000000000000000000000000000000000" \
    "00000000"
#define SIG16 \
    "f101000c" \
    "00070000000000000000aaaa"

static const struct {
    const char *what;
    uint8_t type;
    const char *params;
    int verdict;
    uint16_t bad;
} cases[] = {
    { "no parameters", 1, "", HIP_DROP_PARAM_MISSING, HIP_PAR_DH_GROUP_LIST },
    { "descending types", 1, "f7c1000400000000" DHGL, HIP_DROP_PARAM_ORDER, 511 },
    { "equal types apart", 1, "0300000400000000" DHGL "0300000400000000", HIP_DROP_PARAM_ORDER, 511 },
    { "length past the end", 1, "01ff000c07000000", HIP_DROP_PARAM_LENGTH, 511 },
    { "length 0xffff", 1, "01ffffff07000000", HIP_DROP_PARAM_LENGTH, 511 },
    { "empty list", 1, "01ff000000000000", HIP_DROP_PARAM_LENGTH, 511 },
    { "two lists", 1, DHGL DHGL, HIP_DROP_PARAM_COUNT, 511 },
    { "unknown critical", 1, DHGL "0ffd000000000000", HIP_DROP_UNKNOWN_CRITICAL, 4093 },
    { "named only, critical", 1, DHGL "11f9000000000000", HIP_DROP_UNKNOWN_CRITICAL, 4601 },
    { "unknown, not critical", 1, DHGL "0ffe000000000000", HIP_TAKEN, 0 },
    { "HIPv1 transform", 1, DHGL "0241000200010000", HIP_DROP_UNKNOWN_CRITICAL, 577 },
    { "critical in the wrong packet", 1, "0181000400000001" DHGL, HIP_DROP_PARAM_NOT_ALLOWED, 385 },
    { "non-critical in the wrong packet", 1, DHGL "03a4000101000000", HIP_TAKEN, 0 },
    { "SEQ of five octets", 16, "01810005000000010000000000000000" MAC32 SIG16, HIP_DROP_PARAM_LENGTH, 385 },
    { "UPDATE without SEQ and ACK", 16, MAC32 SIG16, HIP_DROP_PARAM_MISSING, HIP_PAR_SEQ },
    { "UPDATE without MAC", 16, "0181000400000001" SIG16, HIP_DROP_PARAM_MISSING, HIP_PAR_HIP_MAC },
    { "UPDATE without signature", 16, "0181000400000001" MAC32, HIP_DROP_PARAM_MISSING,
      HIP_PAR_HIP_SIGNATURE },
    { "UPDATE", 16, "0181000400000001" MAC32 SIG16, HIP_TAKEN, 0 },
    { "UPDATE with ACK", 16, "01c1000400000001" MAC32 SIG16, HIP_TAKEN, 0 },
    { "two ESP_INFOs", 16, ESP_INFO ESP_INFO "0181000400000001" MAC32 SIG16, HIP_DROP_PARAM_COUNT, 65 },
    { "two LOCATOR_SETs", 16, "00c100000000000000c10000000000000181000400000001" MAC32 SIG16,
      HIP_DROP_PARAM_COUNT, 193 },
    { "padding that is not zero", 1, "01ff000107aabbcc", HIP_TAKEN, 0 },
    { "two SEQs", 16, "01810004000000010181000400000002" MAC32 SIG16, HIP_DROP_PARAM_COUNT, 385 },
    { "two MACs", 16, "0181000400000001" MAC32 MAC32 SIG16, HIP_DROP_PARAM_COUNT, 61505 },
    { "two signatures", 16, "0181000400000001" MAC32 SIG16 SIG16, HIP_DROP_PARAM_COUNT, 61697 },
    { "two ECHO_REQUEST_SIGNED", 16,
      "01810004000000010381000161000000"
      "0381000161000000" MAC32 SIG16,
      HIP_DROP_PARAM_COUNT, 897 },
    { "several ECHO_REQUEST_UNSIGNED", 1, DHGL "f8ad000161000000f8ad000162000000", HIP_TAKEN, 0 },
    { "two ACKs", 16, "01c100040000000101c1000400000001" MAC32 SIG16, HIP_DROP_PARAM_COUNT, 449 },
    { "ACK of six octets", 16, "01c10006000000010002000000000000" MAC32 SIG16, HIP_DROP_PARAM_LENGTH, 449 },
    { "EAP_PAYLOAD in clear is left out", 16,
      "0181000400000001"
      "8020000801000000"
      "02000004"
      "00000000" MAC32 SIG16,
      HIP_TAKEN, 0 },
};

static void test_one_fault_each(void **s)
{
    struct hip_pkt k;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct raw r = packet(cases[i].type, cases[i].params);
        int d = hip_pkt_parse(span_of(r.b, r.n), &k);
        if (d != cases[i].verdict || k.bad_type != cases[i].bad)
            fail_msg("%s: %s about %u, not %s about %u", cases[i].what, hip_drop_name(d), k.bad_type,
                     hip_drop_name(cases[i].verdict), cases[i].bad);
        if (d != HIP_TAKEN)
            assert_int_equal(k.p.n, 0);
    }
    /* what was left out is not seen */
    struct raw r = packet(16, cases[sizeof(cases) / sizeof(cases[0]) - 1].params);
    assert_int_equal(hip_pkt_parse(span_of(r.b, r.n), &k), HIP_TAKEN);
    assert_false(hip_pkt_has(&k, HIP_PAR_EAP_PAYLOAD));
    assert_int_equal(k.p.n, 3);
}

/* The bound on the number of parameters, with types that nobody knows. */
static void test_many(void **s)
{
    struct hip_pkt k;
    struct raw r = packet(1, DHGL);
    for (size_t i = 1; i <= 100; i++) {
        uint8_t tlv[8] = { 0x0f, 0xfe, 0, 4 };
        memcpy(r.b + r.n, tlv, 8);
        r.n += 8;
        r.b[1]++;
        assert_int_equal(hip_pkt_parse(span_of(r.b, r.n), &k),
                         i < HIP_PARAMS_MAX ? HIP_TAKEN : HIP_DROP_PARAM_COUNT);
    }
}

static void test_lookup(void **s)
{
    struct raw r = packet(1, DHGL "f8ad0001610000"
                                  "00"
                                  "f8ad0001620000"
                                  "00"
                                  "f8ad0001630000"
                                  "00"
                                  "ffda0010"
                                  "00000000000000000000ffffc0000201"
                                  "00000000");
    struct hip_pkt k;
    assert_int_equal(hip_pkt_parse(span_of(r.b, r.n), &k), HIP_TAKEN);
    assert_int_equal(k.p.n, 5);
    assert_int_equal(hip_par_count(&k.p, HIP_PAR_ECHO_REQUEST_UNSIGNED), 3);
    assert_int_equal(hip_par_count(&k.p, HIP_PAR_SEQ), 0);
    const struct hip_par *p = hip_pkt_get(&k, HIP_PAR_ECHO_REQUEST_UNSIGNED);
    assert_int_equal(p[0].v.p[0], 'a');
    assert_int_equal(p[2].v.p[0], 'c');
    assert_null(hip_pkt_get(&k, 1));
    assert_null(hip_pkt_span(&k, 65535).p);
    struct span tlv = hip_par_tlv(&k.p, hip_pkt_get(&k, HIP_PAR_FROM));
    assert_int_equal(tlv.n, 24);
    assert_ptr_equal(tlv.p, r.b + r.n - 24);
}

static void test_inner(void **s)
{
    struct hip_params p;
    uint16_t bad;
    struct octets o = unhex("80260020"
                            "0000000000000000000000000000000000000000000000000000000000000000"
                            "00000000"
                            "0000000000000000");
    assert_int_equal(hip_inner_parse(sp(&o), &p, &bad), HIP_TAKEN); /* zeros behind it are padding */
    assert_int_equal(p.n, 1);
    assert_int_equal(p.par[0].off, 0);
    o.n = 36; /* even the TLV's own padding may be missing */
    assert_int_equal(hip_inner_parse(sp(&o), &p, NULL), HIP_TAKEN);
    o.n = 35;
    assert_int_equal(hip_inner_parse(sp(&o), &p, &bad), HIP_DROP_PARAM_LENGTH);
    assert_int_equal(bad, HIP_PAR_BIND_MAC);
    o = unhex("0181000400000001"); /* SEQ has no place there */
    assert_int_equal(hip_inner_parse(sp(&o), &p, &bad), HIP_DROP_PARAM_NOT_ALLOWED);
    o = unhex("8020000801000000020000040000000080200008010000000200000400000000");
    assert_int_equal(hip_inner_parse(sp(&o), &p, &bad), HIP_DROP_PARAM_COUNT);
    o = unhex("010203");
    assert_int_equal(hip_inner_parse(sp(&o), &p, &bad), HIP_DROP_PARAM_LENGTH);
    assert_int_equal(hip_inner_parse(span_of(NULL, 0), &p, &bad), HIP_TAKEN);
    assert_int_equal(p.n, 0);
}

static void test_build(void **s)
{
    uint8_t buf[HIP_PACKET_MAX], more[HIP_PACKET_MAX];
    struct hip_build b;
    struct span out, out2;
    struct hip_pkt k;
    hip_build_init(&b, buf, sizeof(buf), HIP_PKT_I1, &us, &them, HIP_CONTROL_A);
    hip_build_param(&b, HIP_PAR_DH_GROUP_LIST, span_str("\x07"));
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &out), ERR_OK);
    assert_int_equal(out.n, 48);
    assert_int_equal(hip_pkt_parse(out, &k), HIP_TAKEN);
    assert_int_equal(k.controls, HIP_CONTROL_A);
    assert_int_equal(k.checksum, 0);

    /* goes on behind a finished one, and not in front of its last parameter */
    hip_build_resume(&b, more, sizeof(more), &k);
    hip_build_param(&b, HIP_PAR_FROM, span_of(us.b, 16));
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &out2), ERR_OK);
    assert_int_equal(hip_pkt_parse(out2, &k), HIP_TAKEN);
    assert_int_equal(k.p.n, 2);
    hip_build_resume(&b, buf, sizeof(buf), &k);
    hip_build_param(&b, HIP_PAR_ECHO_REQUEST_UNSIGNED, span_of(us.b, 1));
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &out2), ERR_STATE);

    hip_build_init(&b, buf, 44, HIP_PKT_I1, &us, &them, 0);
    hip_build_param(&b, HIP_PAR_DH_GROUP_LIST, span_str("\x07"));
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &out2), ERR_SPACE);

    uint8_t big[HIP_PACKET_MAX] = { 0 };
    hip_build_init(&b, buf, sizeof(buf), HIP_PKT_I1, &us, &them, 0);
    hip_build_param(&b, HIP_PAR_ECHO_REQUEST_UNSIGNED, span_of(big, 2004));
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &out2), ERR_OK); /* 2048 octets: the most there is */
    assert_int_equal(out2.n, HIP_PACKET_MAX);
    assert_int_equal(out2.p[1], 255);
    hip_build_init(&b, buf, sizeof(buf), HIP_PKT_I1, &us, &them, 0);
    hip_build_param(&b, HIP_PAR_ECHO_REQUEST_UNSIGNED, span_of(big, 2005));
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &out2), ERR_SPACE);

    hip_build_init(&b, buf, sizeof(buf), HIP_PKT_I1, &us, &them, 0);
    hip_build_open(&b, HIP_PAR_DH_GROUP_LIST); /* left open */
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &out2), ERR_STATE);
}

static void test_build_inner(void **s)
{
    uint8_t buf[256], buf2[256];
    struct hip_build b;
    struct span in, out;
    hip_build_inner(&b, buf, sizeof(buf));
    hip_build_param(&b, HIP_PAR_EAP_PAYLOAD, span_str("abcdefghi"));
    hip_build_param(&b, HIP_PAR_BIND_MAC, span_of(buf2, 0));
    assert_int_equal(hip_build_inner_finish(&b, &in), ERR_OK);
    assert_int_equal(in.n, 16 + 8);
    hip_build_inner(&b, buf2, sizeof(buf2));
    hip_build_tlvs(&b, in);
    assert_int_equal(hip_build_inner_finish(&b, &out), ERR_OK);
    assert_true(span_eq(in, out));
    hip_build_inner(&b, buf2, sizeof(buf2));
    hip_build_tlvs(&b, span_of(in.p, in.n - 9));
    assert_int_equal(hip_build_inner_finish(&b, &out), ERR_MALFORMED);
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &out), ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest t[] = {
        cmocka_unit_test(test_checksum_vectors),
        cmocka_unit_test(test_checksum_rules),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_one_fault_each),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_lookup),
        cmocka_unit_test(test_inner),
        cmocka_unit_test(test_build),
        cmocka_unit_test(test_build_inner),
    };
    return cmocka_run_group_tests(t, setup_crypto, NULL);
}
