/* SPDX-License-Identifier: Apache-2.0
 *
 * RADIUS accounting (RFC 2866, 2869, 6911): packets over aka/radius.h. Unlike those of authentication they have no Message-Authenticator: the
 * authenticator of request and response is what proves them.
 */
#pragma once

#include "aka/radius.h"

enum radius_acct_attr {
    RADIUS_CALLING_STATION_ID = 31,
    RADIUS_ACCT_STATUS_TYPE = 40,
    RADIUS_ACCT_DELAY_TIME = 41,
    RADIUS_ACCT_INPUT_OCTETS = 42,
    RADIUS_ACCT_OUTPUT_OCTETS = 43,
    RADIUS_ACCT_SESSION_ID = 44,
    RADIUS_ACCT_AUTHENTIC = 45,
    RADIUS_ACCT_SESSION_TIME = 46,
    RADIUS_ACCT_INPUT_PACKETS = 47,
    RADIUS_ACCT_OUTPUT_PACKETS = 48,
    RADIUS_ACCT_TERMINATE_CAUSE = 49,
    RADIUS_ACCT_MULTI_SESSION_ID = 50,
    RADIUS_ACCT_INPUT_GIGAWORDS = 52,  /* RFC 2869 s5.1 */
    RADIUS_ACCT_OUTPUT_GIGAWORDS = 53, /* RFC 2869 s5.2 */
    RADIUS_EVENT_TIMESTAMP = 55,       /* RFC 2869 s5.3 */
    RADIUS_CONNECT_INFO = 77,          /* RFC 2869 s5.11 */
    RADIUS_FRAMED_IPV6_ADDRESS = 168,  /* RFC 6911 s3.1 */
};

enum radius_acct_status { /* RFC 2866 s5.1 */
                          RADIUS_ACCT_START = 1,
                          RADIUS_ACCT_STOP = 2,
                          RADIUS_ACCT_INTERIM = 3,
                          RADIUS_ACCT_ON = 7,
                          RADIUS_ACCT_OFF = 8,
};

enum radius_acct_cause { /* RFC 2866 s5.10; REAUTH_FAILED: RFC 3580 s4.5 */
                         RADIUS_CAUSE_USER_REQUEST = 1,
                         RADIUS_CAUSE_LOST_CARRIER = 2,
                         RADIUS_CAUSE_LOST_SERVICE = 3,
                         RADIUS_CAUSE_SESSION_TIMEOUT = 5,
                         RADIUS_CAUSE_ADMIN_RESET = 6,
                         RADIUS_CAUSE_ADMIN_REBOOT = 7,
                         RADIUS_CAUSE_NAS_REBOOT = 11,
                         RADIUS_CAUSE_PORT_PREEMPTED = 13,
                         RADIUS_CAUSE_REAUTH_FAILED = 20,
};

/* Attributes alone, for a packet made later: their octets are what wcur_done() says. */
struct radius_wr radius_acct_attrs(void *buf, size_t cap);
/* request_auth: of the request that this answers; NULL: this is one. */
struct radius_wr radius_acct_begin(void *buf, size_t cap, enum radius_code code, uint8_t id,
                                   const uint8_t request_auth[RADIUS_AUTH_LEN]);
void radius_acct_put(struct radius_wr *w, struct span attrs); /* whole attributes, as they are */
/* Length and authenticator. ERR_SPACE, ERR_CRYPTO. */
MUST_USE err radius_acct_end(struct radius_wr *w, struct span secret, size_t *len);

/* RFC 2866 s3. ERR_AUTH. */
MUST_USE err radius_acct_check_request(const struct radius_pkt *p, struct span secret);
/* An Accounting-Response to the request with this identifier and authenticator. ERR_AUTH. */
MUST_USE err radius_acct_check_reply(const struct radius_pkt *p, struct span secret, uint8_t request_id,
                                     const uint8_t request_auth[RADIUS_AUTH_LEN]);
