/* SPDX-License-Identifier: Apache-2.0
 * The lists of hip/proto.h hold together: order, coverage by range, names; and they are the RFCs': every number stands here again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hip/auth.h"
#include "hip/drop.h"
#include "hip/encrypted.h"
#include "hip/keymat.h"
#include "hip/param_cert.h"
#include "hip/param_data.h"
#include "hip/param_echo.h"
#include "hip/param_esp.h"
#include "hip/param_loc.h"
#include "hip/param_nat.h"
#include "hip/param_reg.h"
#include "hip/proto.h"
#include "hip/puzzle.h"
#include "hip/suite.h"

static void test_param_order(void **s)
{
    const struct hip_param_row *r;
    uint16_t last = 0;
    size_t n = 0;
    for (; (r = hip_param_row_at(n)); n++) {
        assert_true(r->type > last);
        last = r->type;
        assert_ptr_equal(hip_param_row(r->type), r);
        assert_true(r->min <= r->max);
        assert_true(r->multiple >= 1);
        assert_true(r->count >= 1);
    }
    assert_int_equal(n, 58);
    assert_null(hip_param_row(0));
    assert_null(hip_param_row(66));
    assert_null(hip_param_row(65535));
}

/* RFC 7401 s5.2: the ranges say what covers a parameter. */
static void test_param_cover(void **s)
{
    const struct hip_param_row *r;
    for (size_t i = 0; (r = hip_param_row_at(i)); i++) {
        enum hip_cover want = r->type <= 61439                           ? HIP_COVER_SIGNED
                              : r->type <= 62463                         ? HIP_COVER_AUTH
                              : r->type <= 63487                         ? HIP_COVER_NONE
                              : r->type == HIP_PAR_ECHO_REQUEST_UNSIGNED ? HIP_COVER_NONE
                                                                         : HIP_COVER_RELAY;
        assert_int_equal(r->cover, want);
    }
}

static void test_needs_are_allowed(void **s)
{
    const struct hip_packet_row *p;
    for (size_t i = 0; (p = hip_packet_row_at(i)); i++) {
        for (size_t j = 0; p->needs[j].a; j++) {
            assert_true(j < 8);
            assert_true(hip_param_row(p->needs[j].a)->where & p->where);
            if (p->needs[j].b)
                assert_true(hip_param_row(p->needs[j].b)->where & p->where);
        }
        assert_true(p->where || !p->processed);
    }
}

static void test_tlv_len(void **s)
{
    assert_int_equal(hip_tlv_len(0), 8);
    assert_int_equal(hip_tlv_len(4), 8);
    assert_int_equal(hip_tlv_len(5), 16);
    assert_int_equal(hip_tlv_len(12), 16);
    assert_int_equal(hip_tlv_len(36), 40);
}

static void test_names(void **s)
{
    assert_string_equal(hip_packet_name(16), "UPDATE");
    assert_string_equal(hip_packet_name(5), "?");
    assert_string_equal(hip_param_name(641), "ENCRYPTED");
    assert_string_equal(hip_param_name(642), "?");
    assert_string_equal(hip_notify_name(24), "AUTHENTICATION_FAILED");
    assert_string_equal(hip_notify_name(2), "?");
    assert_string_equal(hip_reg_type_name(201), "SIM_BINDING");
    assert_string_equal(hip_reg_type_name(0), "?");
    assert_string_equal(hip_reg_failure_text(2), "insufficient resources");
    assert_string_equal(hip_reg_failure_text(200), "?");
    assert_string_equal(hip_drop_name(0), "TAKEN");
    assert_string_equal(hip_drop_name(HIP_DROP_BAD_CHECKSUM), "BAD_CHECKSUM");
    assert_string_equal(hip_drop_name(HIP_DROP__COUNT), "UNKNOWN");
    assert_string_equal(hip_drop_name(-1), "UNKNOWN");
    for (int i = 0; i < HIP_DROP__COUNT; i++)
        assert_true(strlen(hip_drop_text(i)) > 0);
}

/* ---- the numbers, written down a second time: RFC 7401 s5.2 and s5.3, RFC 7402 s5.1, RFC 8002 to 8004, 8046, 5770, 9028, 6078, IANA ---- */

#define ANY HIP_LEN_ANY

static const struct {
    uint16_t type;
    const char *name;
    size_t min, max;
    const char *in; /* packets that carry it */
} wire[] = {
    { 65, "ESP_INFO", 12, 12, "I2 R2 UPDATE" },
    { 129, "R1_COUNTER", 12, 12, "R1 I2" },
    { 193, "LOCATOR_SET", 0, ANY, "R1 I2 R2 UPDATE" },
    { 257, "PUZZLE", 4 + 20, 4 + 48, "R1" },
    { 321, "SOLUTION", 4 + 40, 4 + 96, "I2" },
    { 385, "SEQ", 4, 4, "UPDATE" },
    { 449, "ACK", 4, ANY, "UPDATE" },
    { 511, "DH_GROUP_LIST", 1, 255, "I1 R1" },
    { 513, "DIFFIE_HELLMAN", 4, ANY, "R1 I2 UPDATE" },
    { 579, "HIP_CIPHER", 2, ANY, "R1 I2" },
    { 608, "NAT_TRAVERSAL_MODE", 2, ANY, "R1 I2" },
    { 610, "TRANSACTION_PACING", 4, 4, "R1 I2" },
    { 641, "ENCRYPTED", 4, ANY, "R1 I2 R2 UPDATE" },
    { 705, "HOST_ID", 6, ANY, "R1 I2 NOTIFY UPDATE HIP_DATA" },
    { 715, "HIT_SUITE_LIST", 1, 255, "R1" },
    { 768, "CERT", 4, ANY, "I1 R1 I2 R2 UPDATE NOTIFY CLOSE CLOSE_ACK" },
    { 832, "NOTIFICATION", 4, ANY, "NOTIFY" },
    { 897, "ECHO_REQUEST_SIGNED", 0, ANY, "R1 UPDATE CLOSE" },
    { 930, "REG_INFO", 2, 257, "R1 UPDATE" },
    { 932, "REG_REQUEST", 1, 256, "I2 UPDATE" },
    { 934, "REG_RESPONSE", 1, 256, "R2 UPDATE" },
    { 936, "REG_FAILED", 1, 256, "R2 UPDATE" },
    { 950, "REG_FROM", 20, 20, "R2 UPDATE" },
    { 961, "ECHO_RESPONSE_SIGNED", 0, ANY, "I2 UPDATE CLOSE_ACK" },
    { 2049, "TRANSPORT_FORMAT_LIST", 2, ANY, "R1 I2" },
    { 4095, "ESP_TRANSFORM", 2, ANY, "R1 I2" },
    { 4481, "SEQ_DATA", 4, 4, "HIP_DATA" },
    { 4545, "ACK_DATA", 4, ANY, "HIP_DATA" },
    { 4577, "PAYLOAD_MIC", 12, 60, "HIP_DATA" },
    { 4580, "TRANSACTION_ID", 0, ANY, "HIP_DATA" },
    { 4592, "OVERLAY_ID", 0, ANY, "" },
    { 4601, "ROUTE_DST", 0, ANY, "" },
    { 4650, "RELAYED_ADDRESS", 20, 20, "R2 UPDATE" },
    { 4660, "MAPPED_ADDRESS", 20, 20, "UPDATE" },
    { 4680, "PEER_PERMISSION", 48, 48, "UPDATE" },
    { 4700, "CANDIDATE_PRIORITY", 4, 4, "UPDATE" },
    { 4710, "NOMINATE", 4, 4, "UPDATE" },
    { 7680, "HIP_TRANSPORT_MODE", 0, ANY, "" },
    { 61505, "HIP_MAC", 20, 48, "I2 UPDATE CLOSE CLOSE_ACK" },
    { 61569, "HIP_MAC_2", 20, 48, "R2" },
    { 61633, "HIP_SIGNATURE_2", 3, 514, "R1" },
    { 61697, "HIP_SIGNATURE", 3, 514, "I2 R2 UPDATE NOTIFY CLOSE CLOSE_ACK HIP_DATA" },
    { 63425, "ECHO_RESPONSE_UNSIGNED", 0, ANY, "I2 UPDATE CLOSE_ACK" },
    { 63661, "ECHO_REQUEST_UNSIGNED", 0, ANY, "R1 UPDATE CLOSE" },
    { 63998, "RELAY_FROM", 20, 20, "I1 I2 UPDATE" },
    { 64002, "RELAY_TO", 20, 20, "R1 R2 UPDATE" },
    { 64011, "OVERLAY_TTL", 4, 4, "" },
    { 64017, "ROUTE_VIA", 0, ANY, "" },
    { 65498, "FROM", 16, 16, "I1 UPDATE" },
    { 65500, "RVS_HMAC", 20, 48, "I1 UPDATE" },
    { 65502, "VIA_RVS", 16, ANY, "R1 UPDATE" },
    { 65520, "RELAY_HMAC", 20, 48, "I1 I2 UPDATE" },
};

/* `name` is one of the words. */
static bool among(const char *words, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = words; (p = strstr(p, name)); p += n)
        if ((p == words || p[-1] == ' ') && (p[n] == 0 || p[n] == ' '))
            return true;
    return false;
}

static void test_wire(void **s)
{
    const struct hip_packet_row *k;
    for (size_t i = 0; i < sizeof wire / sizeof *wire; i++) {
        const struct hip_param_row *r = hip_param_row(wire[i].type);
        assert_non_null(r);
        assert_string_equal(r->name, wire[i].name);
        assert_int_equal(r->min, wire[i].min);
        assert_int_equal(r->max, wire[i].max);
        for (size_t p = 0; (k = hip_packet_row_at(p)); p++)
            if (among(wire[i].in, k->name) && !(r->where & k->where))
                fail_msg("%s has no place in %s", r->name, k->name);
        assert_int_equal(r->where == HIP_W_NONE, wire[i].in[0] == 0);
    }
    /* Ours stand in the range for private use, and may all be switched off: none is critical (s5.2.2). */
    const struct hip_param_row *r;
    for (size_t i = 0; (r = hip_param_row_at(i)); i++)
        if (r->type > 32767 && r->type < 61440) {
            assert_true(r->type < 49152);
            assert_false(hip_is_critical(r->type));
        }
    assert_true(hip_is_critical(65) && !hip_is_critical(64));
}

static const struct number {
    unsigned number;
    const char *name;
} packets[] = { { 1, "I1" },      { 2, "R1" },     { 3, "I2" },         { 4, "R2" },    { 16, "UPDATE" },
                { 17, "NOTIFY" }, { 18, "CLOSE" }, { 19, "CLOSE_ACK" }, { 20, "HDRR" }, { 32, "HIP_DATA" } },
  notifies[] = { { 1, "UNSUPPORTED_CRITICAL_PARAMETER_TYPE" },
                 { 7, "INVALID_SYNTAX" },
                 { 14, "NO_DH_PROPOSAL_CHOSEN" },
                 { 15, "INVALID_DH_CHOSEN" },
                 { 16, "NO_HIP_PROPOSAL_CHOSEN" },
                 { 17, "INVALID_HIP_CIPHER_CHOSEN" },
                 { 18, "NO_ESP_PROPOSAL_CHOSEN" },
                 { 19, "INVALID_ESP_TRANSFORM_CHOSEN" },
                 { 20, "UNSUPPORTED_HIT_SUITE" },
                 { 24, "AUTHENTICATION_FAILED" },
                 { 26, "CHECKSUM_FAILED" },
                 { 28, "HIP_MAC_FAILED" },
                 { 32, "ENCRYPTION_FAILED" },
                 { 40, "INVALID_HIT" },
                 { 42, "BLOCKED_BY_POLICY" },
                 { 44, "RESPONDER_BUSY_PLEASE_RETRY" },
                 { 46, "LOCATOR_TYPE_UNSUPPORTED" },
                 { 48, "CREDENTIALS_REQUIRED" },
                 { 50, "INVALID_CERTIFICATE" },
                 { 51, "REG_REQUIRED" },
                 { 60, "NO_VALID_NAT_TRAVERSAL_MODE_PARAMETER" },
                 { 61, "CONNECTIVITY_CHECKS_FAILED" },
                 { 62, "MESSAGE_NOT_RELAYED" },
                 { 63, "SERVER_REFLEXIVE_CANDIDATE_ALLOCATION_FAILED" },
                 { 64, "RVS_HMAC_PROHIBITED_WITH_RELAY" },
                 { 70, "OVERLAY_TTL_EXCEEDED" },
                 { 90, "UNKNOWN_NEXT_HOP" },
                 { 100, "NO_VALID_HIP_TRANSPORT_MODE" },
                 { 16384, "I2_ACKNOWLEDGEMENT" },
                 { 16385, "NAT_KEEPALIVE" } },
  registrations[] = {
      { 1, "RENDEZVOUS" }, { 2, "RELAY_UDP_HIP" }, { 3, "RELAY_UDP_ESP" }, { 4, "CANDIDATE_DISCOVERY" }
  };

static void test_registries(void **s)
{
    for (size_t i = 0; i < sizeof packets / sizeof *packets; i++)
        assert_string_equal(hip_packet_name((uint8_t)packets[i].number), packets[i].name);
    for (size_t i = 0; i < sizeof notifies / sizeof *notifies; i++) {
        assert_string_equal(hip_notify_name((uint16_t)notifies[i].number), notifies[i].name);
        assert_int_equal(hip_notify_is_error((uint16_t)notifies[i].number), notifies[i].number < 16384);
    }
    for (size_t i = 0; i < sizeof registrations / sizeof *registrations; i++)
        assert_string_equal(hip_reg_type_name((uint8_t)registrations[i].number), registrations[i].name);
    assert_string_equal(hip_reg_failure_text(0), "additional credentials required");
    assert_string_equal(hip_reg_failure_text(1), "type unavailable");
    assert_string_equal(hip_reg_failure_text(9), "rendezvous and control relay at once prohibited");
    /* Private numbers stand where RFC 7401 s9 and RFC 8003 s7 put private use. */
    for (unsigned n = 0; n < 65536; n++) {
        bool ours = strcmp(hip_notify_name((uint16_t)n), "UDP_WANTED") == 0;
        assert_true(!ours || n >= 40960 || (n >= 8192 && n < 16384));
    }
    assert_true(HIP_REGT_SIM_BINDING >= 201 && HIP_REGT_SIM_BINDING <= 255);
    assert_int_equal(HIP_NAT_UDP_ENCAPSULATION, 1);
    assert_int_equal(HIP_NAT_ICE_HIP_UDP, 3);
    assert_int_equal(HIP_IP_PROTO, 139);
}

/* DH groups by id with the octets of a public value; ciphers, HIT and ESP suites with what is drawn from KEYMAT. */
static void test_suites(void **s)
{
    static const unsigned groups[][2] = { { 3, 192 }, { 4, 384 }, { 7, 64 },  { 8, 96 },
                                          { 9, 132 }, { 10, 40 }, { 11, 256 } };
    static const unsigned esp[][3] = { { 7, 0, 32 },  { 8, 16, 32 }, { 9, 32, 32 },
                                       { 10, 19, 0 }, { 11, 19, 0 }, { 12, 20, 0 },
                                       { 13, 20, 0 }, { 14, 0, 16 }, { 15, 0, 20 } };
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        assert_int_equal(hip_dh_suite((uint8_t)groups[i][0])->public_len, groups[i][1]);
    for (size_t i = 0; i < sizeof esp / sizeof *esp; i++) {
        assert_int_equal(hip_esp_suite((uint16_t)esp[i][0])->enc_len, esp[i][1]);
        assert_int_equal(hip_esp_suite((uint16_t)esp[i][0])->auth_len, esp[i][2]);
    }
    assert_int_equal(hip_cipher_suite(1)->key_len, 0);
    assert_int_equal(hip_cipher_suite(2)->key_len, 16);
    assert_int_equal(hip_cipher_suite(4)->key_len, 32);
    assert_int_equal(hip_cipher_suite(1)->iv_len, 0);
    assert_int_equal(hip_cipher_suite(2)->iv_len, 16);
    assert_int_equal(hip_cipher_suite(4)->iv_len, 16);
    assert_int_equal(hip_hit_suite(1)->rhash, HASH_SHA256);
    assert_int_equal(hip_hit_suite(2)->rhash, HASH_SHA384);
    assert_int_equal(hip_hit_suite(3)->rhash, HASH_SHA1);
    assert_non_null(hip_hit_suite(5));
    /* Reserved and deprecated ones are nothing. */
    for (unsigned id = 0; id < 256; id++) {
        bool known = false;
        for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
            known |= groups[i][0] == id;
        assert_int_equal(hip_dh_suite((uint8_t)id) != NULL, known);
        assert_int_equal(hip_cipher_suite((uint16_t)id) != NULL, id == 1 || id == 2 || id == 4);
    }
}

int main(void)
{
    const struct CMUnitTest t[] = {
        cmocka_unit_test(test_param_order),
        cmocka_unit_test(test_param_cover),
        cmocka_unit_test(test_needs_are_allowed),
        cmocka_unit_test(test_tlv_len),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_wire),
        cmocka_unit_test(test_registries),
        cmocka_unit_test(test_suites),
    };
    return cmocka_run_group_tests(t, NULL, NULL);
}
