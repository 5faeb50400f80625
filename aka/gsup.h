/* SPDX-License-Identifier: Apache-2.0
 *
 * GSUP (Generic Subscriber Update Protocol, Osmocom's in place of MAP), as far as an authentication server needs it: SendAuthInfo. Message type (1),
 * then elements: tag (1) length (1) value. Source: libosmocore include/osmocom/gsm/gsup.h, src/gsm/gsup.c, OsmoHLR User Manual chapter 11, and what
 * osmo-hlr 1.5.0 says on the wire (tests/unit/aka/hlr_octets.h).
 */
#pragma once

#include "aka/nai.h"
#include "aka/vector.h"

#define GSUP_TUPLES_MAX  5
#define GSUP_REQUEST_MAX 96
#define GSUP_MSG_MAX     2048

enum gsup_type {
    GSUP_AUTH_REQUEST = 0x08,
    GSUP_AUTH_ERROR = 0x09,
    GSUP_AUTH_RESULT = 0x0a,
};

/* Causes are those of GMM (TS 24.008 s10.5.5.14). */
enum gsup_cause {
    GSUP_IMSI_UNKNOWN = 2,
    GSUP_ILLEGAL_MS = 3,
    GSUP_ILLEGAL_ME = 6,
    GSUP_GPRS_NOT_ALLOWED = 7,
    GSUP_SERVICES_NOT_ALLOWED = 8,
    GSUP_PLMN_NOT_ALLOWED = 11,
    GSUP_NET_FAIL = 17,
};

struct gsup_auth_request {
    const char *imsi;
    uint8_t tuples;   /* how many are wanted, 1 to GSUP_TUPLES_MAX */
    bool separated;   /* for EAP-AKA': RAT type EUTRAN-SGs, upon which the AMF separation bit is set */
    uint32_t session; /* comes back in the answer; not 0 */
    const uint8_t *rand, *auts; /* resynchronisation: both; else NULL */
};

struct gsup_auth { /* secret: a RESULT's vectors are in it */
    uint8_t type;  /* enum gsup_type, or another: then nothing but the IMSI is read */
    char imsi[IMSI_MAX + 1];
    bool has_session, has_cause;
    uint32_t session;
    uint8_t cause;
    uint8_t n_tuples; /* with all that AKA needs; those for the GSM algorithm only are counted apart */
    uint8_t n_gsm;
    struct aka_vector v[GSUP_TUPLES_MAX];
};

/* Length, 0: does not fit, or the request makes no sense. */
size_t gsup_write_auth(uint8_t *out, size_t cap, const struct gsup_auth_request *r);
/* Elements that we do not know are passed over, those that we know must have their length and, the tuples aside, stand once. *out is set only when it
 * returns OK. ERR_TRUNCATED: ends inside an element. ERR_MALFORMED. */
MUST_USE err gsup_parse_auth(struct span msg, struct gsup_auth *out);
