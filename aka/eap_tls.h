/* SPDX-License-Identifier: Apache-2.0
 *
 * The framing of EAP-TLS (RFC 5216 s3, RFC 9190): flags, length of the whole message, a piece of it. TLS itself is its user's.
 */
#pragma once

#include "aka/eap.h"

#define EAP_TLS_PIECE_MAX (EAP_MAX - 10) /* octets of TLS in one packet */
#define EAP_TLS_TOTAL_MAX 65536          /* of one message: RFC 5216 s2.1.5 */

struct eap_tls {
    bool start, more;
    bool has_total;
    uint32_t total;    /* of the message that this piece begins */
    struct span piece; /* empty in an acknowledgement */
};

/* data: behind the type. ERR_MALFORMED: cut off, or a total that cannot be. */
MUST_USE err eap_tls_parse(struct span data, struct eap_tls *out);
/* A packet with type 13. 0: does not fit. */
size_t eap_tls_write(uint8_t *out, size_t cap, enum eap_code code, uint8_t id, const struct eap_tls *t);
