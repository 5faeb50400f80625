/* SPDX-License-Identifier: Apache-2.0
 *
 * The wire of HIPv2 as lists. Each list makes the enum, the names, the validator (hip/pkt.c), the fuzz dictionary and
 * the table in docs (hipvec proto): there is no second place where a number or a length is written down.
 *
 * Sources: RFC 7401 s5 (packets, parameters), 7402 s5.1 (ESP), 8002 s2 (CERT), 8003 s4 (registration), 8004 s4
 * (rendezvous), 8046 s4 (LOCATOR_SET), 5770 and 9028 s5 (NAT), 6078 s4 (HIP_DATA), IANA's registry for the names alone
 * of 6028, 6079, 6261 and 6537; docs/sim-binding.md for the private ones.
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"

#define HIP_VERSION    2
#define HIP_IP_PROTO   139 /* RFC 7401 s4 */
#define HIP_HEADER_LEN 40
#define HIP_PACKET_MAX 2048   /* (255 + 1) * 8, RFC 7401 s5.1 */
#define HIP_PARAMS_MAX 48     /* parameters in one packet, and in one ENCRYPTED */
#define HIP_CONTROL_A  0x0001 /* sender's HI is anonymous */
#define HIP_RHASH_MAX  48
#define HIP_LEN_ANY    2008 /* largest parameters area */

/* ---- packets: X(NAME, number, processed, needs) ----
 * needs: up to eight of N(a) (parameter a is mandatory) and E(a, b) (at least one of the two). */
#define HIP_PACKET_LIST(X) \
    X(I1, 1, true, N(DH_GROUP_LIST)) \
    X(R1, 2, true, \
      N(PUZZLE) N(DIFFIE_HELLMAN) N(HIP_CIPHER) N(HOST_ID) N(HIT_SUITE_LIST) N(DH_GROUP_LIST) \
          N(TRANSPORT_FORMAT_LIST) N(HIP_SIGNATURE_2)) \
    X(I2, 3, true, \
      N(SOLUTION) N(DIFFIE_HELLMAN) N(HIP_CIPHER) E(ENCRYPTED, HOST_ID) N(TRANSPORT_FORMAT_LIST) N(HIP_MAC) \
          N(HIP_SIGNATURE)) \
    X(R2, 4, true, N(HIP_MAC_2) N(HIP_SIGNATURE)) \
    X(UPDATE, 16, true, E(SEQ, ACK) N(HIP_MAC) N(HIP_SIGNATURE)) \
    X(NOTIFY, 17, true, N(NOTIFICATION) N(HIP_SIGNATURE)) \
    X(CLOSE, 18, true, N(ECHO_REQUEST_SIGNED) N(HIP_MAC) N(HIP_SIGNATURE)) \
    X(CLOSE_ACK, 19, true, N(ECHO_RESPONSE_SIGNED) N(HIP_MAC) N(HIP_SIGNATURE)) \
    X(HDRR, 20, false, ) \
    X(HIP_DATA, 32, true, E(SEQ_DATA, ACK_DATA) N(HIP_SIGNATURE))

enum hip_pkt_type {
#define X(name, num, processed, needs) HIP_PKT_##name = (num),
    HIP_PACKET_LIST(X)
#undef X
};

/* Where a parameter may stand: one bit for each packet, and one for the inside of ENCRYPTED. */
enum hip_where {
    HIP_W_I1 = 1 << 0,
    HIP_W_R1 = 1 << 1,
    HIP_W_I2 = 1 << 2,
    HIP_W_R2 = 1 << 3,
    HIP_W_UPDATE = 1 << 4,
    HIP_W_NOTIFY = 1 << 5,
    HIP_W_CLOSE = 1 << 6,
    HIP_W_CLOSE_ACK = 1 << 7,
    HIP_W_HIP_DATA = 1 << 8,
    HIP_W_INNER = 1 << 9, /* inside ENCRYPTED */
    HIP_W_HDRR = 0,
    HIP_W_NONE = 0, /* named by IANA, not processed: as if unknown */
    HIP_W_PACKETS = 0x1ff,
};

/* What protects a parameter. It follows from the type (RFC 7401 s5.2), and pkt.c's test holds the two together. */
enum hip_cover {
    HIP_COVER_SIGNED, /* by HIP_MAC(_2) and HIP_SIGNATURE(_2) where the packet has them */
    HIP_COVER_AUTH,   /* is one of those itself */
    HIP_COVER_NONE,   /* by nothing */
    HIP_COVER_RELAY,  /* by RVS_HMAC or RELAY_HMAC, or is one of them */
};

#define HIP_MANY HIP_PARAMS_MAX

/* ---- parameters: X(NAME, type, min, max, multiple, where, count, cover) ----
 * RFC 7401 s5.2.2 MUST: new critical ones can be switched off; those of ours (32800 and on) are none.
 * Contents are min to max octets, and min plus a multiple of `multiple`. */
/* clang-format off */
#define HIP_PARAM_LIST(X) \
    X(ESP_INFO,               65,    12, 12, 1,  HIP_W_I2 | HIP_W_R2 | HIP_W_UPDATE, 1, SIGNED) \
    X(R1_COUNTER_V1,          128,   12, 12, 1,  HIP_W_NONE, 1, SIGNED) \
    X(R1_COUNTER,             129,   12, 12, 1,  HIP_W_R1 | HIP_W_I2, 1, SIGNED) \
    X(LOCATOR_SET,            193,   0, HIP_LEN_ANY, 4, HIP_W_R1 | HIP_W_I2 | HIP_W_R2 | HIP_W_UPDATE | HIP_W_NOTIFY | HIP_W_INNER, 1, SIGNED) \
    X(PUZZLE,                 257,   24, 52, 4,  HIP_W_R1, 1, SIGNED) \
    X(SOLUTION,               321,   44, 100, 8, HIP_W_I2, 1, SIGNED) \
    X(SEQ,                    385,   4, 4, 1,    HIP_W_UPDATE, 1, SIGNED) \
    X(ACK,                    449,   4, HIP_LEN_ANY, 4, HIP_W_UPDATE, 1, SIGNED) \
    X(DH_GROUP_LIST,          511,   1, 255, 1,  HIP_W_I1 | HIP_W_R1, 1, SIGNED) \
    X(DIFFIE_HELLMAN,         513,   4, HIP_LEN_ANY, 1, HIP_W_R1 | HIP_W_I2 | HIP_W_UPDATE, 1, SIGNED) \
    X(HIP_TRANSFORM,          577,   2, HIP_LEN_ANY, 2, HIP_W_NONE, 1, SIGNED) \
    X(HIP_CIPHER,             579,   2, HIP_LEN_ANY, 2, HIP_W_R1 | HIP_W_I2, 1, SIGNED) \
    X(NAT_TRAVERSAL_MODE,     608,   2, HIP_LEN_ANY, 2, HIP_W_R1 | HIP_W_I2, 1, SIGNED) \
    X(TRANSACTION_PACING,     610,   4, 4, 1,    HIP_W_R1 | HIP_W_I2, 1, SIGNED) \
    X(ENCRYPTED,              641,   4, HIP_LEN_ANY, 1, HIP_W_R1 | HIP_W_I2 | HIP_W_R2 | HIP_W_UPDATE, 1, SIGNED) \
    X(HOST_ID,                705,   6, HIP_LEN_ANY, 1, HIP_W_R1 | HIP_W_I2 | HIP_W_UPDATE | HIP_W_NOTIFY | HIP_W_HIP_DATA | HIP_W_INNER, 1, SIGNED) \
    X(HIT_SUITE_LIST,         715,   1, 255, 1,  HIP_W_R1, 1, SIGNED) \
    X(CERT,                   768,   4, HIP_LEN_ANY, 1, HIP_W_PACKETS | HIP_W_INNER, HIP_MANY, SIGNED) \
    X(NOTIFICATION,           832,   4, HIP_LEN_ANY, 1, HIP_W_NOTIFY | HIP_W_R2 | HIP_W_UPDATE, HIP_MANY, SIGNED) \
    X(ECHO_REQUEST_SIGNED,    897,   0, HIP_LEN_ANY, 1, HIP_W_R1 | HIP_W_UPDATE | HIP_W_CLOSE, 1, SIGNED) \
    X(REG_INFO,               930,   2, 257, 1,  HIP_W_R1 | HIP_W_UPDATE, 1, SIGNED) \
    X(REG_REQUEST,            932,   1, 256, 1,  HIP_W_I2 | HIP_W_UPDATE, HIP_MANY, SIGNED) \
    X(REG_RESPONSE,           934,   1, 256, 1,  HIP_W_R2 | HIP_W_UPDATE, HIP_MANY, SIGNED) \
    X(REG_FAILED,             936,   1, 256, 1,  HIP_W_R2 | HIP_W_UPDATE, HIP_MANY, SIGNED) \
    X(REG_FROM,               950,   20, 20, 1,  HIP_W_R2 | HIP_W_UPDATE, 1, SIGNED) \
    X(ECHO_RESPONSE_SIGNED,   961,   0, HIP_LEN_ANY, 1, HIP_W_I2 | HIP_W_UPDATE | HIP_W_CLOSE_ACK, 1, SIGNED) \
    X(TRANSPORT_FORMAT_LIST,  2049,  2, HIP_LEN_ANY, 2, HIP_W_R1 | HIP_W_I2, 1, SIGNED) \
    X(ESP_TRANSFORM,          4095,  2, HIP_LEN_ANY, 2, HIP_W_R1 | HIP_W_I2, 1, SIGNED) \
    X(SEQ_DATA,               4481,  4, 4, 1,    HIP_W_HIP_DATA, 1, SIGNED) \
    X(ACK_DATA,               4545,  4, HIP_LEN_ANY, 4, HIP_W_HIP_DATA, 1, SIGNED) \
    X(PAYLOAD_MIC,            4577,  12, 60, 1,  HIP_W_HIP_DATA, HIP_MANY, SIGNED) \
    X(TRANSACTION_ID,         4580,  0, HIP_LEN_ANY, 1, HIP_W_HIP_DATA, 1, SIGNED) \
    X(OVERLAY_ID,             4592,  0, HIP_LEN_ANY, 1, HIP_W_NONE, 1, SIGNED) \
    X(ROUTE_DST,              4601,  0, HIP_LEN_ANY, 1, HIP_W_NONE, 1, SIGNED) \
    X(RELAYED_ADDRESS,        4650,  20, 20, 1,  HIP_W_R2 | HIP_W_UPDATE, 1, SIGNED) \
    X(MAPPED_ADDRESS,         4660,  20, 20, 1,  HIP_W_UPDATE, 1, SIGNED) \
    X(PEER_PERMISSION,        4680,  48, 48, 1,  HIP_W_UPDATE, 1, SIGNED) \
    X(CANDIDATE_PRIORITY,     4700,  4, 4, 1,    HIP_W_UPDATE, 1, SIGNED) \
    X(NOMINATE,               4710,  4, 4, 1,    HIP_W_UPDATE, 1, SIGNED) \
    X(HIP_TRANSPORT_MODE,     7680,  0, HIP_LEN_ANY, 1, HIP_W_NONE, 1, SIGNED) \
    X(EAP_PAYLOAD,            32800, 8, 1024, 1, HIP_W_INNER, 1, SIGNED) \
    X(BIND_REQUEST,           32802, 8, 1152, 1, HIP_W_INNER, 1, SIGNED) \
    X(BIND_RESPONSE,          32804, 12, 1792, 1, HIP_W_INNER, 1, SIGNED) \
    X(BIND_MAC,               32806, 32, 32, 1,  HIP_W_INNER, 1, SIGNED) \
    X(HIP_MAC,                61505, 20, 48, 4,  HIP_W_I2 | HIP_W_UPDATE | HIP_W_CLOSE | HIP_W_CLOSE_ACK, 1, AUTH) \
    X(HIP_MAC_2,              61569, 20, 48, 4,  HIP_W_R2, 1, AUTH) \
    X(HIP_SIGNATURE_2,        61633, 3, 514, 1,  HIP_W_R1, 1, AUTH) \
    X(HIP_SIGNATURE,          61697, 3, 514, 1,  HIP_W_I2 | HIP_W_R2 | HIP_W_UPDATE | HIP_W_NOTIFY | HIP_W_CLOSE | HIP_W_CLOSE_ACK | HIP_W_HIP_DATA, 1, AUTH) \
    X(ECHO_RESPONSE_UNSIGNED, 63425, 0, HIP_LEN_ANY, 1, HIP_W_PACKETS, HIP_MANY, NONE) \
    X(ECHO_REQUEST_UNSIGNED,  63661, 0, HIP_LEN_ANY, 1, HIP_W_PACKETS, HIP_MANY, NONE) \
    X(RELAY_FROM,             63998, 20, 20, 1,  HIP_W_PACKETS, 1, RELAY) \
    X(RELAY_TO,               64002, 20, 20, 1,  HIP_W_PACKETS, 1, RELAY) \
    X(OVERLAY_TTL,            64011, 4, 4, 1,    HIP_W_NONE, 1, RELAY) \
    X(ROUTE_VIA,              64017, 0, HIP_LEN_ANY, 1, HIP_W_NONE, 1, RELAY) \
    X(FROM,                   65498, 16, 16, 1,  HIP_W_I1 | HIP_W_UPDATE, 4, RELAY) \
    X(RVS_HMAC,               65500, 20, 48, 4,  HIP_W_PACKETS, 1, RELAY) \
    X(VIA_RVS,                65502, 16, HIP_LEN_ANY, 16, HIP_W_R1 | HIP_W_UPDATE, 1, RELAY) \
    X(RELAY_HMAC,             65520, 20, 48, 4,  HIP_W_PACKETS, 1, RELAY)
/* clang-format on */

enum hip_par_type {
#define X(name, type, min, max, mult, where, count, cover) HIP_PAR_##name = (type),
    HIP_PARAM_LIST(X)
#undef X
};

/* ---- NOTIFY message types: X(NAME, number); below 16384 an error ---- */
#define HIP_NOTIFY_LIST(X) \
    X(UNSUPPORTED_CRITICAL_PARAMETER_TYPE, 1) \
    X(INVALID_SYNTAX, 7) \
    X(NO_DH_PROPOSAL_CHOSEN, 14) \
    X(INVALID_DH_CHOSEN, 15) \
    X(NO_HIP_PROPOSAL_CHOSEN, 16) \
    X(INVALID_HIP_CIPHER_CHOSEN, 17) \
    X(NO_ESP_PROPOSAL_CHOSEN, 18) \
    X(INVALID_ESP_TRANSFORM_CHOSEN, 19) \
    X(UNSUPPORTED_HIT_SUITE, 20) \
    X(AUTHENTICATION_FAILED, 24) \
    X(CHECKSUM_FAILED, 26) \
    X(HIP_MAC_FAILED, 28) \
    X(ENCRYPTION_FAILED, 32) \
    X(INVALID_HIT, 40) \
    X(BLOCKED_BY_POLICY, 42) \
    X(RESPONDER_BUSY_PLEASE_RETRY, 44) \
    X(LOCATOR_TYPE_UNSUPPORTED, 46) \
    X(CREDENTIALS_REQUIRED, 48) \
    X(INVALID_CERTIFICATE, 50) \
    X(REG_REQUIRED, 51) \
    X(NO_VALID_NAT_TRAVERSAL_MODE_PARAMETER, 60) \
    X(CONNECTIVITY_CHECKS_FAILED, 61) \
    X(MESSAGE_NOT_RELAYED, 62) \
    X(SERVER_REFLEXIVE_CANDIDATE_ALLOCATION_FAILED, 63) \
    X(RVS_HMAC_PROHIBITED_WITH_RELAY, 64) \
    X(OVERLAY_TTL_EXCEEDED, 70) \
    X(UNKNOWN_NEXT_HOP, 90) \
    X(NO_VALID_HIP_TRANSPORT_MODE, 100) \
    X(I2_ACKNOWLEDGEMENT, 16384) \
    X(NAT_KEEPALIVE, 16385) \
    X(UDP_WANTED, \
      40960) /* docs/sim-binding.md section 16: somebody came over UDP for a host registered for RENDEZVOUS */

enum hip_notify_code {
#define X(name, num) HIP_NTF_##name = (num),
    HIP_NOTIFY_LIST(X)
#undef X
};

/* ---- registration types and failures (RFC 8003 s6): X(NAME, number, text) ---- */
#define HIP_REG_TYPE_LIST(X) \
    X(RENDEZVOUS, 1, "rendezvous") \
    X(RELAY_UDP_HIP, 2, "control relay") \
    X(RELAY_UDP_ESP, 3, "data relay") \
    X(CANDIDATE_DISCOVERY, 4, "candidate discovery") \
    X(SIM_BINDING, 201, "SIM binding")

enum hip_reg_type {
#define X(name, num, text) HIP_REGT_##name = (num),
    HIP_REG_TYPE_LIST(X)
#undef X
};

#define HIP_REG_FAILURE_LIST(X) \
    X(CREDENTIALS_REQUIRED, 0, "additional credentials required") \
    X(TYPE_UNAVAILABLE, 1, "type unavailable") \
    X(INSUFFICIENT_RESOURCES, 2, "insufficient resources") \
    X(INVALID_CERTIFICATE, 3, "invalid certificate") \
    X(BAD_CERTIFICATE, 4, "bad certificate") \
    X(UNSUPPORTED_CERTIFICATE, 5, "unsupported certificate") \
    X(CERTIFICATE_EXPIRED, 6, "certificate expired") \
    X(CERTIFICATE_OTHER, 7, "certificate: other") \
    X(UNKNOWN_CA, 8, "unknown certification authority") \
    X(RVS_AND_RELAY, 9, "rendezvous and control relay at once prohibited")

enum hip_reg_failure {
#define X(name, num, text) HIP_REGF_##name = (num),
    HIP_REG_FAILURE_LIST(X)
#undef X
};

/* ---- the lists as data (hip/proto.c) ---- */

struct hip_need {
    uint16_t a, b; /* a, or either of a and b; 0 ends / none */
};

struct hip_packet_row {
    const char *name;
    uint8_t type;
    bool processed;
    uint16_t where; /* its bit of enum hip_where */
    struct hip_need needs[9];
};

struct hip_param_row {
    const char *name;
    uint16_t type;
    uint16_t min, max, multiple;
    uint16_t where; /* enum hip_where; 0: treated as unknown */
    uint16_t count; /* at most, in one packet */
    uint8_t cover;  /* enum hip_cover */
};

/* NULL: unknown. */
const struct hip_packet_row *hip_packet_row(uint8_t type);
const struct hip_param_row *hip_param_row(uint16_t type);
/* i-th row of each list; NULL past the end. */
const struct hip_packet_row *hip_packet_row_at(size_t i);
const struct hip_param_row *hip_param_row_at(size_t i);

static inline bool hip_is_critical(uint16_t type)
{
    return (type & 1) != 0;
}

/* Octets a TLV with n octets of contents takes (RFC 7401 s5.2.1: 11 + n - (n + 3) % 8). */
static inline size_t hip_tlv_len(size_t n)
{
    return 11 + n - (n + 3) % 8;
}

/* Names; "?" when the number is not in the list. */
const char *hip_packet_name(uint8_t type);
const char *hip_param_name(uint16_t type);
const char *hip_notify_name(uint16_t code);
const char *hip_reg_type_name(uint8_t type);
const char *hip_reg_failure_text(uint8_t failure);
