/* SPDX-License-Identifier: Apache-2.0
 * Every parameter's encoder and decoder: octets as the RFCs draw them, back again, and every shorter or longer contents refused. */
#include "hip/param_cert.h"
#include "hip/param_core.h"
#include "hip/param_data.h"
#include "hip/param_echo.h"
#include "hip/param_esp.h"
#include "hip/param_loc.h"
#include "hip/param_nat.h"
#include "hip/param_reg.h"
#include "vec.h"

static uint8_t buf[HIP_PACKET_MAX];
static struct hip_build b;

static void start(void)
{
    hip_build_inner(&b, buf, sizeof(buf));
}

/* What was written is this TLV; returns its contents. */
static struct span wrote(const char *hex)
{
    struct octets want = unhex(hex);
    struct span out;
    assert_int_equal(hip_build_inner_finish(&b, &out), ERR_OK);
    assert_int_equal(out.n, want.n);
    assert_memory_equal(out.p, want.b, want.n);
    const struct hip_param_row *r = hip_param_row((uint16_t)(out.p[0] << 8 | out.p[1]));
    size_t len = (size_t)(out.p[2] << 8 | out.p[3]);
    assert_non_null(r);
    assert_true(len >= r->min && len <= r->max);
    assert_int_equal((len - r->min) % r->multiple, 0);
    return span_of(out.p + 4, len);
}

static void test_r1_counter(void **s)
{
    struct hip_r1_counter c = { 0xdeadbeef, 0x0102030405060708 }, d;
    start();
    hip_put_r1_counter(&b, &c);
    struct span v = wrote("0081000cdeadbeef0102030405060708");
    assert_int_equal(hip_get_r1_counter(v, &d), ERR_OK);
    assert_int_equal(d.reserved, c.reserved);
    assert_int_equal(d.counter, c.counter);
    assert_int_equal(hip_get_r1_counter(span_of(v.p, 11), &d), ERR_MALFORMED);
}

static void test_puzzle_solution(void **s)
{
    uint8_t i[32], j[32];
    memset(i, 0xaa, 32);
    memset(j, 0xbb, 32);
    struct hip_puzzle p = { 10, 37, 0x1234, span_of(i, 32) }, q;
    struct hip_solution y = { 10, 0x1234, span_of(i, 32), span_of(j, 32) }, z;
    start();
    hip_put_puzzle(&b, &p);
    struct span v = wrote("010100240a251234"
                          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_int_equal(hip_get_puzzle(v, HASH_SHA256, &q), ERR_OK);
    assert_int_equal(q.k, 10);
    assert_int_equal(q.lifetime, 37);
    assert_int_equal(q.opaque, 0x1234);
    assert_true(span_eq(q.i, p.i));
    assert_int_equal(hip_get_puzzle(v, HASH_SHA384, &q), ERR_MALFORMED); /* the other RHASH's length */
    assert_int_equal(hip_get_puzzle(v, HASH_NONE, &q), ERR_MALFORMED);
    assert_int_equal(hip_puzzle_lifetime_us(37), 32000000);
    assert_int_equal(hip_puzzle_lifetime_us(32), 1000000);
    assert_int_equal(hip_puzzle_lifetime_us(31), 500000);
    assert_int_equal(hip_puzzle_lifetime_us(0), 0);
    assert_true(hip_puzzle_lifetime_us(255) == UINT64_MAX);
    start();
    hip_put_solution(&b, &y);
    v = wrote("014100440a001234"
              "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
              "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
    assert_int_equal(hip_get_solution(v, HASH_SHA256, &z), ERR_OK);
    assert_true(span_eq(z.j, y.j));
    assert_int_equal(hip_get_solution(v, HASH_SHA384, &z), ERR_MALFORMED);
}

static void test_seq_ack(void **s)
{
    uint32_t id;
    struct hip_acks a = { 2, { 1, 0xffffffff } }, c;
    start();
    hip_put_seq(&b, 7);
    struct span v = wrote("0181000400000007");
    assert_int_equal(hip_get_seq(v, &id), ERR_OK);
    assert_int_equal(id, 7);
    start();
    hip_put_ack(&b, &a);
    v = wrote("01c1000800000001ffffffff00000000");
    assert_int_equal(hip_get_ack(v, &c), ERR_OK);
    assert_int_equal(c.n, 2);
    assert_int_equal(c.id[1], 0xffffffff);
    assert_int_equal(hip_get_ack(span_of(v.p, 7), &c), ERR_MALFORMED);
    assert_int_equal(hip_get_ack(span_of(v.p, 0), &c), ERR_MALFORMED);
    uint8_t many[4 * (HIP_ACKS_MAX + 1)] = { 0 };
    assert_int_equal(hip_get_ack(span_of(many, sizeof(many) - 4), &c), ERR_OK);
    assert_int_equal(hip_get_ack(span_of(many, sizeof(many)), &c), ERR_FULL);
    start();
    hip_put_seq_data(&b, 7);
    assert_int_equal(hip_get_seq_data(wrote("1181000400000007"), &id), ERR_OK);
    start();
    hip_put_ack_data(&b, &a);
    assert_int_equal(hip_get_ack_data(wrote("11c1000800000001ffffffff00000000"), &c), ERR_OK);
    assert_int_equal(c.n, 2);
}

static void test_lists(void **s)
{
    struct hip_ids8 l = { 2, { 8, 7 } }, m;
    struct hip_ids16 c = { 2, false, { 4, 2 } }, d;
    start();
    hip_put_dh_groups(&b, &l);
    assert_int_equal(hip_get_dh_groups(wrote("01ff000208070000"), &m), ERR_OK);
    assert_int_equal(m.n, 2);
    assert_int_equal(m.id[0], 8);
    l = (struct hip_ids8){ 2, { 1, 2 } };
    start();
    hip_put_hit_suites(&b, &l);
    assert_int_equal(hip_get_hit_suites(wrote("02cb000210200000"), &m), ERR_OK);
    assert_int_equal(m.id[1], 2);
    assert_int_equal(hip_get_hit_suites(span_str("\x21"), &m), ERR_MALFORMED); /* low nibble */
    assert_int_equal(hip_get_hit_suites(span_str(""), &m), ERR_MALFORMED);
    assert_int_equal(hip_get_dh_groups(span_str(""), &m), ERR_MALFORMED);
    start();
    hip_put_ciphers(&b, &c);
    struct span v = wrote("0243000400040002");
    assert_int_equal(hip_get_ciphers(v, &d), ERR_OK);
    assert_int_equal(d.n, 2);
    assert_false(d.more);
    assert_int_equal(hip_get_ciphers(span_of(v.p, 3), &d), ERR_MALFORMED);
    uint8_t seven[14] = { 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7 };
    assert_int_equal(hip_get_ciphers(span_of(seven, 14), &d), ERR_OK); /* the first six count */
    assert_int_equal(d.n, 6);
    assert_true(d.more);
    c = (struct hip_ids16){ 1, false, { 4095 } };
    start();
    hip_put_transports(&b, &c);
    assert_int_equal(hip_get_transports(wrote("080100020fff0000"), &d), ERR_OK);
    c.id[0] = 8;
    start();
    hip_put_esp_transform(&b, &c);
    v = wrote("0fff000400000008");
    assert_int_equal(hip_get_esp_transform(v, &d), ERR_OK);
    assert_int_equal(d.id[0], 8);
    assert_int_equal(hip_get_esp_transform(span_of(v.p, 2), &d), ERR_MALFORMED);
    start();
    hip_put_nat_modes(&b, &c);
    assert_int_equal(hip_get_nat_modes(wrote("0260000400000008"), &d), ERR_OK);
}

static void test_dh_host_id(void **s)
{
    struct hip_dh d = { 7, span_str("abc") }, e;
    start();
    hip_put_dh(&b, &d);
    struct span v = wrote("02010006070003616263000000000000");
    assert_int_equal(hip_get_dh(v, &e), ERR_OK);
    assert_int_equal(e.group, 7);
    assert_true(span_eq(e.pub, d.pub));
    assert_int_equal(hip_get_dh(span_of(v.p, 5), &e), ERR_MALFORMED);
    assert_int_equal(hip_get_dh(span_of(v.p, 7), &e), ERR_MALFORMED); /* more than one value */

    uint8_t hi[5] = { 0, 7, 0, 1, 0xee };
    struct hip_host_id h = { span_of(hi, 5), HIP_DI_NAI, span_str("me") }, g;
    start();
    hip_put_host_id(&b, &h);
    v = wrote("02c1000b00032002"
              "0007"
              "0001ee"
              "6d65"
              "00");
    assert_int_equal(hip_get_host_id(v, &g), ERR_OK);
    assert_true(span_eq(g.hi, h.hi));
    assert_true(span_eq(g.di, h.di));
    assert_int_equal(g.di_type, HIP_DI_NAI);
    for (size_t n = 0; n < v.n; n++)
        assert_int_equal(hip_get_host_id(span_of(v.p, n), &g), ERR_MALFORMED);
    assert_int_equal(hip_get_host_id(span_of(v.p, v.n + 1), &g), ERR_MALFORMED);
    uint8_t none[11] = { 0, 3, 0, 2, 0, 7, 0, 1, 0xee, 'm', 'e' }; /* DI without a type */
    assert_int_equal(hip_get_host_id(span_of(none, 11), &g), ERR_MALFORMED);
    h.hi.n = 2;
    start();
    hip_put_host_id(&b, &h);
    assert_int_equal(hip_build_inner_finish(&b, &v), ERR_RANGE);
}

static void test_echo_notify(void **s)
{
    struct hip_params p = { .n = 2 };
    uint8_t big[HIP_ECHO_MAX + 1] = { 0 };
    p.par[0] = (struct hip_par){ HIP_PAR_ECHO_REQUEST_UNSIGNED, 0, span_str("a") };
    p.par[1] = (struct hip_par){ HIP_PAR_ECHO_REQUEST_UNSIGNED, 8, span_str("bc") };
    start();
    hip_put_echo_responses(&b, &p, HIP_PAR_ECHO_REQUEST_UNSIGNED);
    struct span out;
    struct octets want = unhex("f7c1000161000000f7c1000262630000");
    assert_int_equal(hip_build_inner_finish(&b, &out), ERR_OK);
    assert_true(span_eq(out, sp(&want)));
    p.par[1].v = span_of(big, sizeof(big)); /* a stranger's large request is not answered */
    start();
    hip_put_echo_responses(&b, &p, HIP_PAR_ECHO_REQUEST_UNSIGNED);
    assert_int_equal(hip_build_inner_finish(&b, &out), ERR_OK);
    assert_int_equal(out.n, 8);
    assert_int_equal(hip_echo_response_type(HIP_PAR_ECHO_REQUEST_SIGNED), HIP_PAR_ECHO_RESPONSE_SIGNED);
    assert_int_equal(hip_echo_response_type(HIP_PAR_SEQ), 0);

    struct hip_notification n = { HIP_NTF_AUTHENTICATION_FAILED, span_str("d") }, m;
    start();
    hip_put_notification(&b, &n);
    struct span v = wrote("034000050000001864"
                          "00000000000000");
    assert_int_equal(hip_get_notification(v, &m), ERR_OK);
    assert_int_equal(m.code, 24);
    assert_int_equal(m.data.n, 1);
    assert_int_equal(hip_get_notification(span_of(v.p, 3), &m), ERR_MALFORMED);
    assert_true(hip_notify_is_error(24));
    assert_false(hip_notify_is_error(16384));
}

static void test_reg(void **s)
{
    struct hip_reg_info i = { true, 1, 255, 2, { 201, 1 } }, j;
    struct hip_reg_list r = { true, 120, 2, { 201, 1 } }, q;
    struct hip_reg_fail f = { 2, 1, { 1 } }, g;
    start();
    hip_put_reg_info(&b, &i);
    assert_int_equal(hip_get_reg_info(wrote("03a2000401ffc901"), &j), ERR_OK);
    assert_memory_equal(j.type, i.type, 2);
    assert_true(j.present && j.n == 2 && j.min == 1 && j.max == 255);
    assert_int_equal(hip_get_reg_info(span_str("a"), &j), ERR_MALFORMED);
    assert_int_equal(hip_get_reg_info(span_str("ab"), &j), ERR_OK); /* nothing offered for now */
    assert_int_equal(j.n, 0);
    start();
    hip_put_reg_list(&b, HIP_PAR_REG_REQUEST, &r);
    assert_int_equal(hip_get_reg_list(wrote("03a4000378c90100"), &q), ERR_OK);
    assert_int_equal(q.lifetime, 120);
    assert_int_equal(q.n, 2);
    assert_int_equal(hip_get_reg_list(span_str(""), &q), ERR_MALFORMED);
    assert_int_equal(hip_get_reg_list(span_str("abcdefghijklmn"), &q), ERR_OK);
    assert_int_equal(q.n, HIP_REG_TYPES_MAX);
    start();
    hip_put_reg_list(&b, HIP_PAR_REG_RESPONSE, &r);
    wrote("03a6000378c90100");
    start();
    hip_put_reg_failed(&b, &f);
    assert_int_equal(hip_get_reg_failed(wrote("03a8000202010000"), &g), ERR_OK);
    assert_int_equal(g.reason, 2);
    assert_int_equal(hip_get_reg_failed(span_str(""), &g), ERR_MALFORMED);

    assert_int_equal(hip_reg_lifetime_us(0), 0);
    assert_int_equal(hip_reg_lifetime_us(64), 1000000);
    assert_int_equal(hip_reg_lifetime_us(120), 128000000);
    assert_in_range(hip_reg_lifetime_us(1), 4000, 5000);
    assert_in_range(hip_reg_lifetime_us(255) / 86400000000, 177, 179);
    for (unsigned v = 1; v < 255; v++) {
        assert_true(hip_reg_lifetime_us((uint8_t)v) < hip_reg_lifetime_us((uint8_t)(v + 1)));
        assert_int_equal(hip_reg_lifetime_code(hip_reg_lifetime_us((uint8_t)v)), v);
    }
    assert_int_equal(hip_reg_lifetime_code(0), 0);
    assert_int_equal(hip_reg_lifetime_code(1), 1);
    assert_int_equal(hip_reg_lifetime_code(UINT64_MAX), 255);
}

static void test_esp_info(void **s)
{
    struct hip_esp_info e = { 96, 0, 0xdeadbeef }, f;
    start();
    hip_put_esp_info(&b, &e);
    struct span v = wrote("0041000c0000006000000000deadbeef");
    assert_int_equal(hip_get_esp_info(v, &f), ERR_OK);
    assert_int_equal(f.keymat_index, 96);
    assert_int_equal(f.new_spi, 0xdeadbeef);
    assert_int_equal(hip_get_esp_info(span_of(v.p, 11), &f), ERR_MALFORMED);
}

static void test_locators(void **s)
{
    struct hip_locator_set l = { 3 }, m;
    l.v[0] = (struct hip_locator){ .type = HIP_LOC_SPI,
                                   .preferred = true,
                                   .lifetime_s = 120,
                                   .spi = 0x11223344,
                                   .addr = address("192.0.2.9") };
    l.v[1] = (struct hip_locator){ .traffic = HIP_LOC_SIGNALLING,
                                   .lifetime_s = UINT32_MAX,
                                   .addr = address("2001:db8::9") };
    l.v[2] = (struct hip_locator){ .type = HIP_LOC_UDP,
                                   .lifetime_s = 60,
                                   .spi = 1,
                                   .protocol = 17,
                                   .kind = 1,
                                   .priority = 0x7e000001,
                                   .addr = address("192.0.2.9:10500") };
    start();
    hip_put_locator_set(&b, &l);
    struct span v = wrote("00c10058"
                          "00010501"
                          "00000078"
                          "11223344"
                          "00000000000000000000ffffc0000209"
                          "01000400"
                          "ffffffff"
                          "20010db8000000000000000000000009"
                          "00020700"
                          "0000003c"
                          "29041101"
                          "7e000001"
                          "00000001"
                          "00000000000000000000ffffc0000209"
                          "00000000");
    assert_int_equal(hip_get_locator_set(v, &m), ERR_OK);
    assert_int_equal(m.n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(addr_eq(&m.v[i].addr, &l.v[i].addr));
        assert_int_equal(m.v[i].type, l.v[i].type);
        assert_int_equal(m.v[i].preferred, l.v[i].preferred);
        assert_int_equal(m.v[i].spi, l.v[i].spi);
        assert_int_equal(m.v[i].lifetime_s, l.v[i].lifetime_s);
    }
    assert_int_equal(m.v[1].traffic, HIP_LOC_SIGNALLING);
    assert_int_equal(m.v[2].priority, 0x7e000001);
    assert_int_equal(m.v[2].kind, 1);
    for (size_t n = 1; n < v.n; n++)
        if (n != 28 && n != 28 + 24)
            assert_int_equal(hip_get_locator_set(span_of(v.p, n), &m), ERR_MALFORMED);
    assert_int_equal(hip_get_locator_set(span_of(v.p, 0), &m), ERR_OK); /* deprecates all (s4) */
    assert_int_equal(m.n, 0);

    struct octets o = unhex("00000400"
                            "00000000"
                            "20010db8000000000000000000000009"); /* lifetime 0 */
    assert_int_equal(hip_get_locator_set(sp(&o), &m), ERR_MALFORMED);
    o = unhex("00000500"
              "00000001"
              "20010db800000000000000000000000900000000"); /* wrong length for type 0 */
    assert_int_equal(hip_get_locator_set(sp(&o), &m), ERR_MALFORMED);
    o = unhex("03000400"
              "00000001"
              "20010db8000000000000000000000009"); /* traffic type */
    assert_int_equal(hip_get_locator_set(sp(&o), &m), ERR_MALFORMED);
    o = unhex("00090101"
              "00000001"
              "aabbccdd"); /* a type we do not know is passed on as it is */
    assert_int_equal(hip_get_locator_set(sp(&o), &m), ERR_OK);
    assert_int_equal(m.v[0].type, 9);
    assert_int_equal(m.v[0].raw.n, 4);
    start();
    hip_put_locator_set(&b, &m);
    wrote("00c1000c"
          "00090101"
          "00000001"
          "aabbccdd");
    struct octets many = { 0 };
    for (size_t i = 0; i <= HIP_LOCATOR_SET_MAX; i++) {
        memcpy(many.b + many.n, o.b, o.n);
        many.n += o.n;
    }
    assert_int_equal(hip_get_locator_set(sp(&many), &m), ERR_FULL);
}

static void test_nat(void **s)
{
    struct addr a = address("192.0.2.1"), c;
    struct hip_via via = { 1, { address("2001:db8::1") } }, w;
    struct hip_transport_addr t = { 17, address("192.0.2.1:4660") }, u;
    uint32_t n;
    start();
    hip_put_from(&b, &a);
    struct span v = wrote("ffda0010"
                          "00000000000000000000ffffc0000201"
                          "00000000");
    assert_int_equal(hip_get_from(v, &c), ERR_OK);
    assert_true(addr_eq(&a, &c));
    assert_int_equal(hip_get_from(span_of(v.p, 15), &c), ERR_MALFORMED);
    start();
    hip_put_via_rvs(&b, &via);
    v = wrote("ffde0010"
              "20010db8000000000000000000000001"
              "00000000");
    assert_int_equal(hip_get_via_rvs(v, &w), ERR_OK);
    assert_int_equal(w.n, 1);
    assert_int_equal(hip_get_via_rvs(span_of(v.p, 0), &w), ERR_MALFORMED);
    uint8_t five[80] = { 0 };
    assert_int_equal(hip_get_via_rvs(span_of(five, 80), &w), ERR_FULL);
    start();
    hip_put_transport_addr(&b, HIP_PAR_REG_FROM, &t);
    v = wrote("03b60014"
              "12341100"
              "00000000000000000000ffffc0000201");
    assert_int_equal(hip_get_transport_addr(v, &u), ERR_OK);
    assert_true(addr_eq(&t.addr, &u.addr));
    assert_int_equal(u.protocol, 17);
    assert_int_equal(hip_get_transport_addr(span_of(v.p, 19), &u), ERR_MALFORMED);
    start();
    hip_put_u32(&b, HIP_PAR_NOMINATE, 5);
    v = wrote("1266000400000005");
    assert_int_equal(hip_get_u32(v, &n), ERR_OK);
    assert_int_equal(n, 5);
    assert_int_equal(hip_get_u32(span_of(v.p, 3), &n), ERR_MALFORMED);

    struct hip_peer_permission p = { 17, address("192.0.2.1:1"), address("192.0.2.2:2"), 3, 4 }, q;
    start();
    hip_put_peer_permission(&b, &p);
    v = wrote("12480030"
              "00010002"
              "11000000"
              "00000000000000000000ffffc0000201"
              "00000000000000000000ffffc0000202"
              "00000003"
              "00000004"
              "00000000");
    assert_int_equal(hip_get_peer_permission(v, &q), ERR_OK);
    assert_true(addr_eq(&p.peer, &q.peer) && addr_eq(&p.relayed, &q.relayed));
    assert_int_equal(q.spi_in, 4);
    assert_int_equal(hip_get_peer_permission(span_of(v.p, 47), &q), ERR_MALFORMED);
}

static void test_data_cert(void **s)
{
    uint8_t mic[32] = { 7 };
    struct hip_payload_mic m = { 6, { 1, 2, 3, 4, 5, 6, 7, 8 }, span_of(mic, 32) }, n;
    start();
    hip_put_payload_mic(&b, &m);
    struct span v = wrote("11e1002c"
                          "06000000"
                          "0102030405060708"
                          "0700000000000000000000000000000000000000000000000000000000000000");
    assert_int_equal(hip_get_payload_mic(v, HASH_SHA256, &n), ERR_OK);
    assert_memory_equal(n.payload, m.payload, 8);
    assert_int_equal(hip_get_payload_mic(v, HASH_SHA384, &n), ERR_MALFORMED);

    struct hip_cert c = { 1, 2, 1, HIP_CERT_X509, span_str("der") }, d;
    start();
    hip_put_cert(&b, &c);
    v = wrote("03000007"
              "01020101"
              "646572"
              "0000000000");
    assert_int_equal(hip_get_cert(v, &d), ERR_OK);
    assert_true(span_eq(c.cert, d.cert));
    assert_int_equal(hip_get_cert(span_of(v.p, 3), &d), ERR_MALFORMED);
    assert_int_equal(hip_get_cert(span_str("\x01\x02\x03\x01"), &d), ERR_MALFORMED);   /* third of two */
    assert_int_equal(hip_get_cert(span_str("\x01\x02\x01\x02"), &d), ERR_UNSUPPORTED); /* SPKI */
}

static struct span cert_tlvs(const struct hip_cert *v, size_t n)
{
    struct span out;
    hip_build_inner(&b, buf, sizeof buf);
    for (size_t i = 0; i < n; i++)
        hip_put_cert(&b, &v[i]);
    assert_int_equal(hip_build_inner_finish(&b, &out), ERR_OK);
    return out;
}

/* RFC 8002 s2: the certificates of one group, whatever their order; nothing is made up where one is missing, twice, or too many. */
static void test_cert_group(void **s)
{
    uint8_t n = 0;
    struct hip_cert out[HIP_CERTS_MAX];
    struct hip_cert v[] = { { 1, 2, 2, HIP_CERT_X509, span_str("second") },
                            { 1, 2, 1, HIP_CERT_X509, span_str("first") },
                            { 2, 1, 1, HIP_CERT_X509, span_str("of another group") } };
    assert_int_equal(hip_certs_group(cert_tlvs(v, 3), out, &n), ERR_OK);
    assert_int_equal(n, 2);
    assert_true(span_eq(out[0].cert, span_str("first")) && span_eq(out[1].cert, span_str("second")));
    assert_int_equal(hip_certs_group(span_of(NULL, 0), out, &n), ERR_NOT_FOUND);
    assert_int_equal(hip_certs_group(cert_tlvs(v, 1), out, &n), ERR_MALFORMED);
    v[1].id = 2;
    assert_int_equal(hip_certs_group(cert_tlvs(v, 2), out, &n), ERR_MALFORMED);
    v[1].id = 1;
    v[1].count = 3;
    assert_int_equal(hip_certs_group(cert_tlvs(v, 2), out, &n), ERR_MALFORMED);
    v[1].count = 2;
    v[1].type = 2;
    assert_int_equal(hip_certs_group(cert_tlvs(v, 2), out, &n), ERR_UNSUPPORTED);
    v[0].count = HIP_CERTS_MAX + 1;
    assert_int_equal(hip_certs_group(cert_tlvs(v, 1), out, &n), ERR_FULL);
    assert_int_equal(hip_certs_group(span_str("\x03\x00\x00\x09"), out, &n), ERR_MALFORMED);
    assert_int_equal(n, 2);
}

int main(void)
{
    const struct CMUnitTest t[] = {
        cmocka_unit_test(test_r1_counter), cmocka_unit_test(test_puzzle_solution),
        cmocka_unit_test(test_seq_ack),    cmocka_unit_test(test_lists),
        cmocka_unit_test(test_dh_host_id), cmocka_unit_test(test_echo_notify),
        cmocka_unit_test(test_reg),        cmocka_unit_test(test_esp_info),
        cmocka_unit_test(test_locators),   cmocka_unit_test(test_nat),
        cmocka_unit_test(test_data_cert),  cmocka_unit_test(test_cert_group),
    };
    return cmocka_run_group_tests(t, setup_crypto, NULL);
}
