/* SPDX-License-Identifier: Apache-2.0
 *
 * EAP packets (RFC 3748 s4): code, identifier, length, and for requests and responses a type.
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"

enum eap_code { EAP_REQUEST = 1, EAP_RESPONSE = 2, EAP_SUCCESS = 3, EAP_FAILURE = 4 };
enum eap_type {
    EAP_TYPE_IDENTITY = 1,
    EAP_TYPE_NOTIFICATION = 2,
    EAP_TYPE_NAK = 3,
    EAP_TYPE_TLS = 13, /* RFC 5216; aka/eap_tls.h */
    EAP_TYPE_AKA = 23,
    EAP_TYPE_AKA_PRIME = 50,
};

#define EAP_MAX          1020 /* RFC 3748 s3.1: what every lower layer carries; AKA does not fragment */
#define EAP_IDENTITY_MAX 253

struct eap_pkt {
    uint8_t code, id, type; /* type 0: Success and Failure */
    struct span whole;      /* exactly Length octets */
    struct span data;       /* behind the type */
};

/* Octets beyond Length are padding and cut off (s4). ERR_TRUNCATED, ERR_MALFORMED (code, length), ERR_RANGE (over EAP_MAX). */
MUST_USE err eap_parse(struct span in, struct eap_pkt *out);
/* Response/Identity, Notification response, Nak, or Request of `type`: header, type, data. Returns its length, 0 when it does not fit. */
size_t eap_write(uint8_t *out, size_t cap, enum eap_code code, uint8_t id, uint8_t type, struct span data);
/* Success, Failure: four octets. */
size_t eap_write_end(uint8_t *out, size_t cap, enum eap_code code, uint8_t id);
