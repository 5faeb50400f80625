/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages and attributes of EAP-AKA and EAP-AKA' (RFC 4187 s8, s10, s11; RFC 9048 s3; RFC 9678 s6): one table from which come the enum, the names, the
 * reader's rules and the writer's layouts.
 */
#pragma once

#include "aka/akakeys.h"
#include "aka/eap.h"
#include "aka/reason.h"
#include "common/base/cursor.h"

enum aka_subtype {
    AKA_SUB_CHALLENGE = 1,
    AKA_SUB_REJECT = 2,
    AKA_SUB_SYNC = 4,
    AKA_SUB_IDENTITY = 5,
    AKA_SUB_NOTIFICATION = 12,
    AKA_SUB_REAUTH = 13,
    AKA_SUB_CLIENT_ERROR = 14,
};

/* Messages: subtype and direction, as bits of the column `where`. */
enum aka_where {
    AKA_IN_ID_REQ = 1 << 0,
    AKA_IN_ID_RSP = 1 << 1,
    AKA_IN_CHAL_REQ = 1 << 2,
    AKA_IN_CHAL_RSP = 1 << 3,
    AKA_IN_REJECT = 1 << 4,
    AKA_IN_SYNC = 1 << 5,
    AKA_IN_NOTE_REQ = 1 << 6,
    AKA_IN_NOTE_RSP = 1 << 7,
    AKA_IN_RE_REQ = 1 << 8,
    AKA_IN_RE_RSP = 1 << 9,
    AKA_IN_ERROR = 1 << 10,
    AKA_IN_ENCR = 1 << 11, /* inside AT_ENCR_DATA */
};
#define AKA_IN_MACED \
    (AKA_IN_CHAL_REQ | AKA_IN_CHAL_RSP | AKA_IN_NOTE_REQ | AKA_IN_NOTE_RSP | AKA_IN_RE_REQ | AKA_IN_RE_RSP)
#define AKA_IN_CRYPT (AKA_IN_CHAL_REQ | AKA_IN_NOTE_REQ | AKA_IN_NOTE_RSP | AKA_IN_RE_REQ | AKA_IN_RE_RSP)
#define AKA_IN_PROOF (AKA_IN_CHAL_REQ | AKA_IN_CHAL_RSP | AKA_IN_RE_REQ | AKA_IN_RE_RSP)

/* How the octets behind type and length lie (RFC 4187 s8.1: length in units of four octets). */
enum aka_layout {
    AKA_L_FLAG,  /* reserved(2) */
    AKA_L_U16,   /* value(2) */
    AKA_L_FIXED, /* reserved(2), `octets` octets */
    AKA_L_RAW,   /* `octets` octets, nothing before them */
    AKA_L_BITS,  /* length in bits(2), value, zero padding */
    AKA_L_BYTES, /* length in octets(2), value, zero padding */
    AKA_L_BLOB,  /* reserved(2), the rest */
    AKA_L_PAD,   /* zeros, 2, 6 or 10 of them */
    AKA_L_REST,  /* the rest, zero padding in it: how long the value is another attribute says */
};

/*  name              no.  layout  octets  many  where */
#define AKA_ATTR_LIST(X) \
    X(RAND, 1, FIXED, 16, 0, AKA_IN_CHAL_REQ) \
    X(AUTN, 2, FIXED, 16, 0, AKA_IN_CHAL_REQ) \
    X(RES, 3, BITS, 0, 0, AKA_IN_CHAL_RSP) \
    X(AUTS, 4, RAW, 14, 0, AKA_IN_SYNC) \
    X(PADDING, 6, PAD, 0, 0, AKA_IN_ENCR) \
    X(PERMANENT_ID_REQ, 10, FLAG, 0, 0, AKA_IN_ID_REQ) \
    X(MAC, 11, FIXED, 16, 0, AKA_IN_MACED) \
    X(NOTIFICATION, 12, U16, 0, 0, AKA_IN_NOTE_REQ) \
    X(ANY_ID_REQ, 13, FLAG, 0, 0, AKA_IN_ID_REQ) \
    X(IDENTITY, 14, BYTES, 0, 0, AKA_IN_ID_RSP) \
    X(FULLAUTH_ID_REQ, 17, FLAG, 0, 0, AKA_IN_ID_REQ) \
    X(COUNTER, 19, U16, 0, 0, AKA_IN_ENCR) \
    X(COUNTER_TOO_SMALL, 20, FLAG, 0, 0, AKA_IN_ENCR) \
    X(NONCE_S, 21, FIXED, 16, 0, AKA_IN_ENCR) \
    X(CLIENT_ERROR_CODE, 22, U16, 0, 0, AKA_IN_ERROR) \
    X(KDF_INPUT, 23, BYTES, 0, 0, AKA_IN_CHAL_REQ) \
    X(KDF, 24, U16, 0, 1, AKA_IN_CHAL_REQ | AKA_IN_CHAL_RSP | AKA_IN_SYNC) \
    X(IV, 129, FIXED, 16, 0, AKA_IN_CRYPT) \
    X(ENCR_DATA, 130, BLOB, 0, 0, AKA_IN_CRYPT) \
    X(NEXT_PSEUDONYM, 132, BYTES, 0, 0, AKA_IN_ENCR) \
    X(NEXT_REAUTH_ID, 133, BYTES, 0, 0, AKA_IN_ENCR) \
    X(CHECKCODE, 134, BLOB, 0, 0, AKA_IN_PROOF) \
    X(RESULT_IND, 135, FLAG, 0, 0, AKA_IN_PROOF) \
    X(BIDDING, 136, U16, 0, 0, AKA_IN_CHAL_REQ) \
    X(PUB_ECDHE, 152, REST, 0, 0, AKA_IN_CHAL_REQ | AKA_IN_CHAL_RSP) \
    X(KDF_FS, 153, U16, 0, 1, AKA_IN_CHAL_REQ | AKA_IN_CHAL_RSP)

enum aka_at {
#define X(name, no, layout, octets, many, where) AKA_AT_##name,
    AKA_ATTR_LIST(X)
#undef X
        AKA_AT__COUNT
};

#define AKA_KDF_DEFAULT         1
#define AKA_KDF_MAX             8
#define AKA_BIDDING_PRIME       0x8000
#define AKA_CLIENT_ERROR        0      /* unable to process packet (s10.20) */
#define AKA_NOTE_SUCCESS        0x8000 /* S bit (s10.19) */
#define AKA_NOTE_P              0x4000 /* before authentication, without AT_MAC */
#define AKA_NOTE_FAIL_AFTER     0
#define AKA_NOTE_TEMP_DENIED    1026
#define AKA_NOTE_NOT_SUBSCRIBED 1031
#define AKA_NOTE_FAIL_BEFORE    16384
#define AKA_NOTE_OK             32768

/* A message, parsed once; everything borrows from the packet. */
struct aka_msg {
    uint8_t code, id, method, subtype;
    enum aka_where where;
    struct span whole; /* the EAP packet */
    bool has[AKA_AT__COUNT];
    struct span
        value[AKA_AT__COUNT];    /* the value proper: without reserved octets, length field and padding */
    uint16_t u16[AKA_AT__COUNT]; /* layouts FLAG and U16 (reserved octets count as 0) */
    uint16_t kdf[AKA_KDF_MAX];   /* AT_KDF, in order */
    uint8_t n_kdf;
    uint16_t kdf_fs[AKA_KDF_MAX]; /* AT_KDF_FS, in order */
    uint8_t n_kdf_fs;
    size_t mac_off;         /* of AT_MAC's 16 octets in whole */
    bool unknown_skippable; /* some attribute of 128-255 was not understood and ignored */
};

const char *aka_at_name(enum aka_at a);
unsigned aka_at_number(enum aka_at a);

/* Parse a request or response of type 23 or 50. Unknown attributes of 0-127 and known ones in a message that may not have them are errors;
 * AT_KDF and AT_KDF_INPUT count as unknown in EAP-AKA, AT_BIDDING in AKA'; those of forward secrecy in EAP-AKA and wherever they may not stand
 * (RFC 9678 s6.5: ignored). AKA_R_OK or why not; out is set only on AKA_R_OK. */
MUST_USE enum aka_reason aka_msg_parse(const struct eap_pkt *p, struct aka_msg *out);
/* Attributes inside decrypted AT_ENCR_DATA; method as above. */
MUST_USE enum aka_reason aka_encr_parse(struct span plain, uint8_t method, struct aka_msg *out);

/* Writer: begin, attributes, end. Attributes after AT_MAC are fine. */
struct aka_wr {
    struct wcur c;
    uint8_t method;
    size_t mac_off; /* 0: no AT_MAC */
};
struct aka_wr aka_wr_begin(void *buf, size_t cap, enum eap_code code, uint8_t id, uint8_t method,
                           enum aka_subtype subtype);
void aka_wr_attr(struct aka_wr *w, enum aka_at a,
                 struct span value); /* FIXED, RAW, BITS, BYTES, BLOB, PAD, REST */
void aka_wr_u16(struct aka_wr *w, enum aka_at a, uint16_t value); /* U16, FLAG */
void aka_wr_mac(struct aka_wr *w);                                /* room for AT_MAC */
/* Length and MAC are filled in (keys NULL: no AT_MAC was asked for). ERR_SPACE, ERR_CRYPTO. */
MUST_USE err aka_wr_end(struct aka_wr *w, const struct aka_keys *keys, struct span extra, size_t *len);

/* ERR_AUTH when AT_MAC is missing or wrong. */
MUST_USE err aka_msg_check_mac(const struct aka_msg *m, const struct aka_keys *k, struct span extra);
