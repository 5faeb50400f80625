/* SPDX-License-Identifier: Apache-2.0
 *
 * The four parameters of the SIM binding (docs/sim-binding.md section 2) and the sequence of parameters inside ENCRYPTED that carries
 * them (contents.inner of hip/engine.h). Parsed forms borrow from what was parsed.
 *
 * Malformed is: an unknown Version, a wrong length, an item that is unknown and below 128, out of order, repeated too often, missing where it is due,
 * or whose value has not its form. Reserved octets and unknown flags are ignored.
 */
#pragma once

#include "common/base/cursor.h"
#include "common/base/err.h"

/* Parameter types inside ENCRYPTED; contents' limits. */
enum hip_bind_par {
    HIP_BIND_PAR_EAP = 32800,
    HIP_BIND_PAR_REQUEST = 32802,
    HIP_BIND_PAR_RESPONSE = 32804,
    HIP_BIND_PAR_MAC = 32806,
};

#define HIP_BIND_REG_TYPE    201 /* registration type SIM_BINDING */
#define HIP_BIND_EAP_MAX     1020
#define HIP_BIND_REQUEST_MAX 1152
#define HIP_BIND_MAC_LEN     32
#define HIP_BIND_SECRET_LEN  32
#define HIP_BIND_FQDN_MAX    4
#define HIP_BIND_ADDR_MAX    4
#define HIP_BIND_FA_MAX      4
#define HIP_BIND_DEVICE_MAX  63
#define HIP_BIND_REASON_MAX  127
#define HIP_BIND_ATTEMPTS    4

enum hip_bind_flag {
    HIP_BIND_WANT_ADDR = 0x80,
    HIP_BIND_WANT_RELAY = 0x40,
    HIP_BIND_REFRESH = 0x20,
    HIP_BIND_MOVE = 0x10,
};

enum hip_bind_item {
    HIP_BIND_ITEM_HI = 1,
    HIP_BIND_ITEM_HI_PROOF = 2,
    HIP_BIND_ITEM_WANTED = 3,
    HIP_BIND_ITEM_DEVICE = 4,
    HIP_BIND_ITEM_SECRET = 5,
    HIP_BIND_ITEM_OLD_PROOF = 6,
    HIP_BIND_ITEM_OLD_SECRET = 7,
    HIP_BIND_ITEM_FQDN = 16,
    HIP_BIND_ITEM_ADDR = 17,
    HIP_BIND_ITEM_FA = 18,
    HIP_BIND_ITEM_FA_HI = 19,
    HIP_BIND_ITEM_REASON = 20,
};

/* ---- outcomes (section 6) ---- */
#define HIP_BIND_STATUS_LIST(X) \
    X(BOUND, 0, "bound") \
    X(PENDING, 1, "pending") \
    X(NOT_SUBSCRIBED, 2, "not subscribed") \
    X(NAME_REFUSED, 3, "name refused") \
    X(UNAVAILABLE, 4, "temporarily unavailable") \
    X(HELD, 5, "held") \
    X(HI_REFUSED, 6, "host identity refused") \
    X(MALFORMED, 7, "malformed") \
    X(TOO_MANY, 8, "too many devices") \
    X(REVOKED, 9, "revoked") \
    X(MOVED, 10, "moved")

enum hip_bind_status {
#define X(name, num, text) HIP_BIND_ST_##name = num,
    HIP_BIND_STATUS_LIST(X)
#undef X
};
const char *hip_bind_status_text(unsigned status); /* "unknown" for others */

/* ---- BIND_REQUEST ---- */
struct hip_bind_request {
    uint8_t flags;
    uint16_t attempt;
    uint32_t lifetime_s;  /* 0: the FA decides */
    struct span hi;       /* Algorithm(2) Host Identity; empty: the association's */
    struct span hi_proof; /* SIG alg(2) signature; with hi only */
    uint8_t n_wanted;
    struct span wanted[HIP_BIND_FQDN_MAX]; /* wire form */
    struct span device;                    /* UTF-8, 1 to 63 octets; empty: none */
    struct span secret;                    /* 32 octets, masked; empty: none */
    struct span old_hit, old_proof;        /* 16; SIG alg(2) signature; empty: none */
    struct span old_secret;                /* 32 octets, masked; empty: none */
};

/* ERR_MALFORMED. */
MUST_USE err hip_bind_request_parse(struct span contents, struct hip_bind_request *out);
/* Contents only. Writes what it is given, in order; fails the cursor over HIP_BIND_REQUEST_MAX. */
void hip_bind_request_write(struct wcur *w, const struct hip_bind_request *r);

/* ---- BIND_RESPONSE ---- */
struct hip_bind_fa {
    struct span hit;  /* 16 */
    struct span name; /* wire form */
};

struct hip_bind_response {
    uint8_t status;
    uint16_t attempt; /* 0: a notice */
    uint32_t lifetime_s, wait_s;
    struct span fqdn; /* wire form; empty: none */
    uint8_t n_addr;
    struct span addr[HIP_BIND_ADDR_MAX]; /* 16 octets each, IPv4 mapped */
    uint8_t n_fa;
    struct hip_bind_fa fa[HIP_BIND_FA_MAX];
    struct span fa_hi;  /* Algorithm(2) Host Identity; empty: none */
    struct span reason; /* UTF-8; empty: none */
};

/* ERR_MALFORMED; also when bound or pending lack FQDN, FA or the FA's HI. */
MUST_USE err hip_bind_response_parse(struct span contents, struct hip_bind_response *out);
void hip_bind_response_write(struct wcur *w, const struct hip_bind_response *r);

/* ---- the sequence inside ENCRYPTED ---- */

/* What an inner sequence holds; empty spans for what is not there. BIND_REQUEST and BIND_RESPONSE stay unparsed: they are looked at only
 * after BIND_MAC (section 5). */
struct hip_bind_inner {
    struct span eap;      /* one EAP packet, exactly its Length octets */
    struct span request;  /* contents of BIND_REQUEST */
    struct span response; /* contents of BIND_RESPONSE */
    struct span mac;      /* contents of BIND_MAC, 32 octets */
    struct span p;        /* with mac: P of section 3, everything before BIND_MAC */
};

/* Unknown parameters are passed over. ERR_MALFORMED: order, repetition, lengths, EAP's own length, something behind BIND_MAC, BIND_REQUEST without
 * BIND_MAC, BIND_MAC alone. ERR_UNSUPPORTED: an unknown critical parameter. */
MUST_USE err hip_bind_inner_parse(struct span inner, struct hip_bind_inner *out);

/* Append whole parameters, padded; in this order, each at most once. A BIND_MAC covers wcur_done() as it stands before it. */
void hip_bind_put_eap(struct wcur *w, struct span eap);
void hip_bind_put_request(struct wcur *w, const struct hip_bind_request *r);
void hip_bind_put_response(struct wcur *w, const struct hip_bind_response *r);
void hip_bind_put_mac(struct wcur *w, const uint8_t mac[HIP_BIND_MAC_LEN]);
