/* SPDX-License-Identifier: Apache-2.0
 *
 * IPA, GSUP and Osmocom's control interface against what a real osmo-hlr said, and against what none may say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aka/gsup.h"
#include "aka/ipa.h"
#include "aka/osmo_ctrl.h"
#include "aka/sqn.h"
#include "common/base/hex.h"
#include "common/crypto/secret.h"
#include "tests/unit/aka/hlr_octets.h"

#define IMSI          "001010000000001"
#define FRAME(octets) span_of(octets, sizeof octets - 1)

static void assert_hex(struct span got, const char *hex)
{
    char text[1024];
    assert_true(2 * got.n < sizeof text);
    assert_string_equal(hex_encode(got, text), hex);
}

/* The body of a frame with this stream and type. */
static struct span body(struct span frame, uint8_t stream, uint8_t type)
{
    struct ipa_pkt p;
    assert_int_equal(ipa_frame(frame), frame.n);
    assert_int_equal(ipa_parse(frame, &p), ERR_OK);
    assert_int_equal(p.stream, stream);
    assert_int_equal(p.type, type);
    return p.body;
}

static struct gsup_auth gsup(struct span frame)
{
    struct gsup_auth a;
    assert_int_equal(gsup_parse_auth(body(frame, IPA_OSMO, IPA_EXT_GSUP), &a), ERR_OK);
    return a;
}

static void test_ipa(void **state)
{
    uint8_t b[256];
    struct ipa_pkt p;
    assert_int_equal(body(FRAME(hlr_id_get), IPA_CCM, IPA_ID_GET).n, 16);
    assert_int_equal(body(FRAME(hlr_id_ack), IPA_CCM, IPA_ID_ACK).n, 0);
    assert_int_equal(body(FRAME(hlr_pong), IPA_CCM, IPA_PONG).n, 0);
    assert_int_equal(ipa_frame(span_of("\x00\x01", 2)), 0);
    assert_int_equal(ipa_frame(span_of("\xff\xff\xee", 3)), IPA_HEAD_LEN + 0xffff);
    assert_int_equal(ipa_parse(span_of("\x00\x01", 2), &p), ERR_TRUNCATED);
    assert_int_equal(ipa_parse(span_of("\x00\x01\xfe", 3), &p), ERR_MALFORMED);     /* shorter than it says */
    assert_int_equal(ipa_parse(span_of("\x00\x01\xfe\0\0", 5), &p), ERR_MALFORMED); /* longer */
    assert_int_equal(ipa_parse(span_of("\x00\x00\xfe", 3), &p), ERR_MALFORMED);     /* CCM without a type */
    assert_int_equal(ipa_parse(span_of("\x00\x00\x01", 3), &p), ERR_OK);            /* another stream */
    assert_int_equal(ipa_write(b, sizeof b, IPA_CCM, IPA_PING, span_of(NULL, 0)), 4);
    assert_memory_equal(b, "\x00\x01\xfe\x00", 4);
    assert_int_equal(ipa_write(b, 3, IPA_CCM, IPA_PING, span_of(NULL, 0)), 0);
    /* the very octets with which osmo-hlr took its client */
    size_t n = ipa_write_id(b, sizeof b, "hipakad-1");
    assert_hex(span_of(b, n), "0024fe"
                              "05000708302f302f3000000b01686970616b61642d3100000b00686970616b61642d3100");
    assert_int_equal(ipa_write_id(b, n - 1, "hipakad-1"), 0);
    char name[IPA_NAME_MAX + 2];
    memset(name, 'n', sizeof name);
    name[IPA_NAME_MAX + 1] = 0;
    assert_int_equal(ipa_write_id(b, sizeof b, name), 0);
    name[IPA_NAME_MAX] = 0;
    assert_true(ipa_write_id(b, sizeof b, name) > 0);
}

static void test_gsup_request(void **state)
{
    static const uint8_t rand[16] = { 1, 2, 3 }, auts[14] = { 4, 5, 6 };
    uint8_t b[GSUP_REQUEST_MAX];
    struct gsup_auth_request r = { .imsi = IMSI, .tuples = 2, .session = 0x12345678 };
    size_t n = gsup_write_auth(b, sizeof b, &r);
    assert_hex(span_of(b, n), "08"
                              "010800010100000000f1"
                              "300412345678"
                              "310101"
                              "520102");
    r = (struct gsup_auth_request){
        .imsi = "24405123456789", .tuples = 5, .session = 1, .separated = true, .rand = rand, .auts = auts
    };
    n = gsup_write_auth(b, sizeof b, &r);
    assert_hex(span_of(b, n), "08"
                              "010742041532547698"
                              "201001020300000000000000000000000000"
                              "260e0405060000000000000000000000"
                              "2a0103"
                              "300400000001"
                              "310101"
                              "520105");
    for (size_t cap = 0; cap < n; cap++)
        assert_int_equal(gsup_write_auth(b, cap, &r), 0);
    r.auts = NULL; /* one without the other */
    assert_int_equal(gsup_write_auth(b, sizeof b, &r), 0);
    r = (struct gsup_auth_request){ .imsi = IMSI, .tuples = 6, .session = 1 };
    assert_int_equal(gsup_write_auth(b, sizeof b, &r), 0);
    r = (struct gsup_auth_request){ .imsi = "12345a", .tuples = 1, .session = 1 };
    assert_int_equal(gsup_write_auth(b, sizeof b, &r), 0);
}

/* The vectors are such as our own card would take. */
static void check_vectors(const struct gsup_auth *a, bool separated)
{
    struct aka_cred c = { 0 };
    uint64_t last = 0;
    assert_int_equal(hex_decode("465b5ce8b199b49faa5f0a2ee238a6bc", 32, c.k, AKA_K_LEN, &(size_t){ 0 }),
                     ERR_OK);
    assert_int_equal(hex_decode("cd63cb71954a9f4e48a5994e37a02baf", 32, c.opc, AKA_OPC_LEN, &(size_t){ 0 }),
                     ERR_OK);
    for (unsigned i = 0; i < a->n_tuples; i++) {
        struct aka_vector v;
        uint64_t sqn;
        assert_int_equal(aka_autn_open(&c, a->v[i].rand, a->v[i].autn, &sqn, &v), ERR_OK);
        assert_int_equal(v.res_len, a->v[i].res_len);
        assert_memory_equal(v.res, a->v[i].res, v.res_len);
        assert_memory_equal(v.ck, a->v[i].ck, AKA_CK_LEN);
        assert_memory_equal(v.ik, a->v[i].ik, AKA_IK_LEN);
        assert_int_equal(aka_autn_separated(v.autn), separated);
        assert_true(sqn > last && sqn_ind(sqn) == 1); /* in their order */
        last = sqn;
    }
}

static void test_gsup_answers(void **state)
{
    struct gsup_auth a = gsup(FRAME(hlr_two_separated));
    assert_int_equal(a.type, GSUP_AUTH_RESULT);
    assert_string_equal(a.imsi, IMSI);
    assert_int_equal(a.n_tuples, 2);
    assert_false(a.has_session || a.has_cause);
    check_vectors(&a, true);
    a = gsup(FRAME(hlr_five_session));
    assert_int_equal(a.n_tuples, 5);
    assert_true(a.has_session);
    assert_int_equal(a.session, 0x12345678);
    check_vectors(&a, true);
    a = gsup(FRAME(hlr_plain_five));
    assert_int_equal(a.n_tuples, 5);
    check_vectors(&a, false);
    a = gsup(FRAME(hlr_unknown));
    assert_int_equal(a.type, GSUP_AUTH_ERROR);
    assert_int_equal(a.cause, GSUP_IMSI_UNKNOWN);
    assert_string_equal(a.imsi, "001010000000009");
    a = gsup(FRAME(hlr_net_fail));
    assert_int_equal(a.cause, GSUP_NET_FAIL);
}

static err parse_hex(const char *hex, struct gsup_auth *a)
{
    uint8_t b[GSUP_MSG_MAX + 8];
    size_t n;
    assert_int_equal(hex_decode(hex, strlen(hex), b, sizeof b, &n), ERR_OK);
    return gsup_parse_auth(span_of(b, n), a);
}

#define HEAD    "0a010800010100000000f1"
#define RAND_IE "201000000000000000000000000000000001"
#define AUTN_IE "251000000000000080000000000000000002"
#define CK_IE   "241000000000000000000000000000000003"
#define IK_IE   "231000000000000000000000000000000004"
#define RES_IE  "27081111111111111111"
#define GSM_IES \
    "210411111111" \
    "22082222222222222222"
#define TUPLE_LEN "52" /* of four elements of 18 octets and one of 10 */

static void test_gsup_refused(void **state)
{
    static const struct {
        const char *hex;
        err e;
    } cases[] = {
        { "", ERR_TRUNCATED },
        { "0a", ERR_TRUNCATED },
        { "0a0108000101", ERR_TRUNCATED },
        { "0a0203000101", ERR_MALFORMED },              /* the IMSI comes first */
        { "0a0100", ERR_MALFORMED },                    /* empty */
        { "0a01090001010000", ERR_TRUNCATED },          /* says more than is there */
        { "0a0109000101000000000011", ERR_MALFORMED },  /* 18 digits */
        { "0a010800010a00000000f1", ERR_MALFORMED },    /* no digit */
        { "0a0108000101000000f0f1", ERR_MALFORMED },    /* filler in the middle */
        { "0a01021021", ERR_MALFORMED },                /* four digits */
        { "0a01080001010000000011", ERR_MALFORMED },    /* 16 digits */
        { HEAD "010800010100000000f1", ERR_MALFORMED }, /* a second IMSI */
        { HEAD "0202", ERR_TRUNCATED },
        { HEAD "02", ERR_TRUNCATED },
        { HEAD "02020011", ERR_MALFORMED },     /* cause of two octets */
        { HEAD "020102020102", ERR_MALFORMED }, /* two causes */
        { HEAD "3003000001", ERR_MALFORMED },   /* session id of three octets */
        { HEAD "300400000001300400000001", ERR_MALFORMED },
        { HEAD "03" TUPLE_LEN RAND_IE AUTN_IE CK_IE IK_IE RES_IE, ERR_OK },
        { HEAD "03" TUPLE_LEN RAND_IE AUTN_IE CK_IE IK_IE RES_IE "7f03616263", ERR_OK }, /* unknown element */
        { HEAD "0357" RAND_IE AUTN_IE CK_IE IK_IE RES_IE "7f03616263", ERR_OK },         /* inside as well */
        { HEAD "0348" RAND_IE AUTN_IE CK_IE IK_IE, ERR_MALFORMED },                      /* no RES */
        { HEAD "0340" AUTN_IE CK_IE IK_IE RES_IE, ERR_MALFORMED },                       /* no RAND */
        { HEAD "0312" RAND_IE, ERR_MALFORMED },
        { HEAD "0300", ERR_MALFORMED },
        { HEAD "0364" RAND_IE RAND_IE AUTN_IE CK_IE IK_IE RES_IE, ERR_MALFORMED }, /* two RANDs */
        { HEAD "035c" RAND_IE AUTN_IE CK_IE IK_IE RES_IE RES_IE, ERR_MALFORMED },
        { HEAD "034d" RAND_IE AUTN_IE CK_IE IK_IE "2703111111", ERR_MALFORMED }, /* RES of three octets */
        { HEAD "035b" RAND_IE AUTN_IE CK_IE IK_IE "27111111111111111111111111111111111111",
          ERR_MALFORMED }, /* of 17 */
        { HEAD "0351200f000000000000000000000000000001" AUTN_IE CK_IE IK_IE RES_IE,
          ERR_MALFORMED }, /* RAND of 15 */
        { HEAD "03" TUPLE_LEN RAND_IE AUTN_IE CK_IE IK_IE "27091111111111111111",
          ERR_TRUNCATED }, /* leaves the tuple */
        { HEAD "03ff" RAND_IE, ERR_TRUNCATED },
    };
    struct gsup_auth a;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memset(&a, 0x5a, sizeof a);
        assert_int_equal(parse_hex(cases[i].hex, &a), cases[i].e);
        if (cases[i].e == ERR_OK) {
            assert_int_equal(a.n_tuples, 1);
            assert_int_equal(a.v[0].res_len, 8);
            assert_int_equal(a.v[0].rand[15], 1);
            assert_int_equal(a.v[0].autn[15], 2);
            assert_int_equal(a.v[0].ck[15], 3);
            assert_int_equal(a.v[0].ik[15], 4);
        } else {
            assert_int_equal(a.type, 0x5a); /* nothing was set */
        }
    }
}

static void test_gsup_tuples(void **state)
{
    struct gsup_auth a;
    char hex[4096] = HEAD;
    /* a SIM without AKA: triplets only */
    assert_int_equal(parse_hex(HEAD "0322" RAND_IE GSM_IES, &a), ERR_OK);
    assert_int_equal(a.n_tuples, 0);
    assert_int_equal(a.n_gsm, 1);
    for (int i = 0; i < GSUP_TUPLES_MAX; i++)
        strcat(hex, "03" TUPLE_LEN RAND_IE AUTN_IE CK_IE IK_IE RES_IE);
    assert_int_equal(parse_hex(hex, &a), ERR_OK);
    assert_int_equal(a.n_tuples, GSUP_TUPLES_MAX);
    strcat(hex, "03" TUPLE_LEN RAND_IE AUTN_IE CK_IE IK_IE RES_IE);
    assert_int_equal(parse_hex(hex, &a), ERR_MALFORMED);
    /* another message: whose it is, and nothing else, is read */
    assert_int_equal(parse_hex("10010800010100000000f102", &a), ERR_OK);
    assert_int_equal(a.type, 0x10);
    assert_string_equal(a.imsi, IMSI);
    uint8_t big[GSUP_MSG_MAX + 1] = { 0x10, 1, 8, 0, 1, 1, 0, 0, 0, 0, 0xf1 };
    assert_int_equal(gsup_parse_auth(span_of(big, sizeof big), &a), ERR_MALFORMED);
}

static void test_ctrl_text(void **state)
{
    char get[OSMO_CTRL_GET_MAX];
    struct osmo_ctrl_msg m;
    size_t n = osmo_ctrl_write_info(get, sizeof get, 4, OSMO_BY_IMSI, IMSI);
    assert_string_equal(get, "GET 4 subscriber.by-imsi-" IMSI ".info");
    assert_int_equal(n, strlen(get));
    assert_int_equal(osmo_ctrl_write_info(get, n, 4, OSMO_BY_IMSI, IMSI), 0);
    assert_int_equal(osmo_ctrl_write_info(get, sizeof get, 0, OSMO_BY_IMSI, IMSI), 0);
    assert_int_equal(osmo_ctrl_write_info(get, sizeof get, 4, OSMO_BY_IMSI, "1.info 2"), 0);
    assert_int_equal(osmo_ctrl_write_info(get, sizeof get, 4, OSMO_BY_MSISDN, "12"), 0);
    assert_int_equal(osmo_ctrl_write_info(get, sizeof get, 4, OSMO_BY_MSISDN, "1234567890123456"), 0);
    assert_true(osmo_ctrl_write_info(get, sizeof get, INT32_MAX, OSMO_BY_MSISDN, "358401234567") > 0);
    assert_string_equal(get, "GET 2147483647 subscriber.by-msisdn-358401234567.info");
    assert_int_equal(osmo_ctrl_parse(FRAME(hlr_info), &m), ERR_OK);
    assert_int_equal(m.kind, OSMO_CTRL_REPLY);
    assert_int_equal(m.id, 4);
    assert_true(span_eq(m.variable, span_str("subscriber.by-imsi-" IMSI ".info")));
    assert_int_equal(osmo_ctrl_parse(FRAME(hlr_no_such), &m), ERR_OK);
    assert_true(m.kind == OSMO_CTRL_ERROR && m.has_id && m.id == 2 && osmo_ctrl_is_unknown(&m));
    assert_int_equal(osmo_ctrl_parse(FRAME(hlr_not_found), &m), ERR_OK);
    assert_true(m.id == 6 && !osmo_ctrl_is_unknown(&m));
    assert_int_equal(osmo_ctrl_parse(FRAME(hlr_bad_id), &m), ERR_OK);
    assert_true(m.kind == OSMO_CTRL_ERROR && !m.has_id);
    assert_int_equal(osmo_ctrl_parse(span_str("TRAP 0 what ever"), &m), ERR_OK);
    assert_int_equal(m.kind, OSMO_CTRL_OTHER);
    static const char *const bad[] = { "",
                                       "GET_REPLY",
                                       "GET_REPLY 1",
                                       "GET_REPLY x v y",
                                       "GET_REPLY 1234567890 v y",
                                       "GET_REPLY -1 v y",
                                       "ERROR",
                                       "ERROR 1x text" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(osmo_ctrl_parse(span_str(bad[i]), &m), ERR_MALFORMED);
    assert_int_equal(osmo_ctrl_parse(span_of("GET_REPLY 1 v \0", 15), &m), ERR_MALFORMED);
}

static void test_ctrl_info(void **state)
{
    struct osmo_ctrl_msg m;
    struct osmo_subscriber s;
    assert_int_equal(osmo_ctrl_parse(FRAME(hlr_info), &m), ERR_OK);
    assert_int_equal(osmo_ctrl_info(m.value, &s), ERR_OK);
    assert_string_equal(s.imsi, IMSI);
    assert_string_equal(s.msisdn, "358401234567");
    assert_true(s.packet_services);
    assert_int_equal(osmo_ctrl_info(span_str("imsi\t" IMSI "\nmsisdn\tnone\nnam_ps\t0"), &s), ERR_OK);
    assert_string_equal(s.msisdn, "");
    assert_false(s.packet_services);
    static const char *const bad[] = { "",
                                       "msisdn\t358",
                                       "imsi\t" IMSI,
                                       "imsi\t" IMSI "\nimsi\t" IMSI "\nnam_ps\t1",
                                       "imsi\t12a456\nnam_ps\t1",
                                       "imsi\t" IMSI "\nnam_ps\t2",
                                       "imsi\t" IMSI "\nnam_ps\t1\nmsisdn\t12 4",
                                       "imsi\t" IMSI "\nnam_ps\t1\nmsisdn\t1234567890123456",
                                       "imsi\t" IMSI "\nnam_ps\t1\nmsisdn\t" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(osmo_ctrl_info(span_str(bad[i]), &s), ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ipa),          cmocka_unit_test(test_gsup_request),
        cmocka_unit_test(test_gsup_answers), cmocka_unit_test(test_gsup_refused),
        cmocka_unit_test(test_gsup_tuples),  cmocka_unit_test(test_ctrl_text),
        cmocka_unit_test(test_ctrl_info),
    };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
