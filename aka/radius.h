/* SPDX-License-Identifier: Apache-2.0
 *
 * RADIUS packets (RFC 2865 s3, s5; RFC 3579 s3; RFC 2548 s2.4.2, s2.4.3): a codec for client and server, no sockets. Secrets are arguments.
 * Message-Authenticator is demanded in both directions.
 */
#pragma once

#include "common/base/cursor.h"
#include "common/base/env.h"
#include "common/base/err.h"

#define RADIUS_HEADER     20
#define RADIUS_MAX        4096
#define RADIUS_AUTH_LEN   16
#define RADIUS_VALUE_MAX  253
#define RADIUS_VENDOR_MAX 247
#define RADIUS_MPPE_KEY   32
#define RADIUS_TLS_SECRET "radsec" /* RFC 6614 s2.3: the secret of every connection */
#define RADIUS_FRAME_BAD  SIZE_MAX

enum radius_code {
    RADIUS_ACCESS_REQUEST = 1,
    RADIUS_ACCESS_ACCEPT = 2,
    RADIUS_ACCESS_REJECT = 3,
    RADIUS_ACCOUNTING_REQUEST = 4, /* RFC 2866; aka/radius_acct.h */
    RADIUS_ACCOUNTING_RESPONSE = 5,
    RADIUS_ACCESS_CHALLENGE = 11,
    RADIUS_STATUS_SERVER = 12, /* RFC 5997 */
};

enum radius_attr_type {
    RADIUS_USER_NAME = 1,
    RADIUS_NAS_IP_ADDRESS = 4,
    RADIUS_SERVICE_TYPE = 6,
    RADIUS_FRAMED_MTU = 12,
    RADIUS_REPLY_MESSAGE = 18,
    RADIUS_STATE = 24,
    RADIUS_CLASS = 25,
    RADIUS_VENDOR_SPECIFIC = 26,
    RADIUS_SESSION_TIMEOUT = 27,
    RADIUS_NAS_IDENTIFIER = 32,
    RADIUS_PROXY_STATE = 33,
    RADIUS_NAS_PORT_TYPE = 61,
    RADIUS_EAP_MESSAGE = 79,
    RADIUS_MESSAGE_AUTHENTICATOR = 80,
    RADIUS_CUI = 89, /* Chargeable-User-Identity, RFC 4372 */
};

#define RADIUS_VENDOR_MS    311
#define RADIUS_MS_MPPE_SEND 16
#define RADIUS_MS_MPPE_RECV 17
#define RADIUS_VENDOR_3GPP  10415
#define RADIUS_3GPP_IMSI    1

struct radius_pkt { /* borrows from the packet */
    uint8_t code, id;
    const uint8_t *auth; /* 16 octets */
    struct span attrs;   /* every attribute's length was checked */
    struct span whole;
};

struct radius_attr {
    uint8_t type;
    struct span value;
};

/* ERR_TRUNCATED, ERR_MALFORMED (lengths; more than one Message-Authenticator). Octets beyond Length are ignored (RFC 2865 s3). */
MUST_USE err radius_parse(struct span in, struct radius_pkt *out);
/* On a stream (RFC 6613 s2.6.1): octets of the first packet in `in`, which may be more than are there; 0: too few to say; RADIUS_FRAME_BAD: a length that
 * no packet has, after which nothing on this connection can be found again. */
size_t radius_frame(struct span in);
/* Walk: *pos starts at 0; false at the end. */
bool radius_next(const struct radius_pkt *p, size_t *pos, struct radius_attr *out);
/* First attribute of this type; ERR_NOT_FOUND. */
MUST_USE err radius_find(const struct radius_pkt *p, uint8_t type, struct span *value);
size_t radius_count(const struct radius_pkt *p, uint8_t type);
/* First sub-attribute of this vendor and type. ERR_NOT_FOUND. */
MUST_USE err radius_find_vendor(const struct radius_pkt *p, uint32_t vendor, uint8_t type,
                                struct span *value);
/* EAP-Message attributes put together; they must be consecutive (RFC 3579 s3.1). ERR_NOT_FOUND, ERR_MALFORMED, ERR_SPACE. */
MUST_USE err radius_eap(const struct radius_pkt *p, uint8_t *buf, size_t cap, size_t *len);

/* Request: Message-Authenticator is there and right. ERR_AUTH; ERR_NOT_FOUND when it is missing. */
MUST_USE err radius_check_request(const struct radius_pkt *p, struct span secret);
/* Reply to the request with this identifier and authenticator: Response Authenticator and Message-Authenticator. ERR_AUTH, ERR_NOT_FOUND. */
MUST_USE err radius_check_reply(const struct radius_pkt *p, struct span secret, uint8_t request_id,
                                const uint8_t request_auth[RADIUS_AUTH_LEN]);
/* The same for an answer to Status-Server, from which nothing but its being there is taken: Message-Authenticator may be missing (radsecproxy 1.9 sends none), not
 * be wrong. */
MUST_USE err radius_check_status_reply(const struct radius_pkt *p, struct span secret, uint8_t request_id,
                                       const uint8_t request_auth[RADIUS_AUTH_LEN]);

/* Writer: begin, attributes, end. */
struct radius_wr {
    struct wcur c;
};
/* auth: the Request Authenticator, of this request or of the request that this answers. Message-Authenticator is put first. */
struct radius_wr radius_wr_begin(void *buf, size_t cap, enum radius_code code, uint8_t id,
                                 const uint8_t auth[RADIUS_AUTH_LEN]);
void radius_wr_attr(struct radius_wr *w, uint8_t type,
                    struct span value); /* 1-253 octets, else the writer fails */
void radius_wr_u32(struct radius_wr *w, uint8_t type, uint32_t value);
void radius_wr_vendor(struct radius_wr *w, uint32_t vendor, uint8_t type, struct span value);
void radius_wr_eap(struct radius_wr *w, struct span eap); /* split into pieces of 253 octets */
/* MS-MPPE-Send-Key or -Recv-Key: encrypted under the Request Authenticator given at begin; salt is made unique in the packet. */
void radius_wr_mppe(struct radius_wr *w, uint8_t type, struct span key, struct span secret,
                    const uint8_t request_auth[RADIUS_AUTH_LEN], const struct env *env);
/* Length and Message-Authenticator; for a reply the Response Authenticator as well. ERR_SPACE, ERR_CRYPTO. */
MUST_USE err radius_wr_end(struct radius_wr *w, struct span secret, size_t *len);

/* A request of ours as a new one: identifier, Request Authenticator, and Message-Authenticator under this secret. It must be an Access-Request without attributes that
 * are encrypted under the authenticator. ERR_CRYPTO. */
MUST_USE err radius_request_again(uint8_t *request, size_t n, uint8_t id, const uint8_t auth[RADIUS_AUTH_LEN],
                                  struct span secret);

/* Decrypt the value of a MS-MPPE key (salt and ciphertext). ERR_MALFORMED; ERR_SPACE when longer than cap. */
MUST_USE err radius_mppe_open(struct span value, struct span secret,
                              const uint8_t request_auth[RADIUS_AUTH_LEN], uint8_t *key, size_t cap,
                              size_t *len);
/* MSK = MS-MPPE-Recv-Key | MS-MPPE-Send-Key, both exactly 32 octets (docs/sim-binding.md s3). ERR_NOT_FOUND, ERR_RANGE, ERR_MALFORMED. */
MUST_USE err radius_msk(const struct radius_pkt *p, struct span secret,
                        const uint8_t request_auth[RADIUS_AUTH_LEN], uint8_t msk[64]);
