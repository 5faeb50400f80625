/* SPDX-License-Identifier: Apache-2.0
 *
 * A DNS message read once, front to back (RFC 1035 s4): header, questions, then the records of the three sections. Names are decompressed;
 * RDATA is borrowed as it stands.
 */
#pragma once

#include "dnsupd/name.h"

enum {
    DNSU_TYPE_A = 1,
    DNSU_TYPE_CNAME = 5,
    DNSU_TYPE_SOA = 6,
    DNSU_TYPE_AAAA = 28,
    DNSU_TYPE_OPT = 41,
    DNSU_TYPE_HIP = 55,
    DNSU_TYPE_TSIG = 250,
    DNSU_TYPE_ANY = 255
};
enum { DNSU_CLASS_IN = 1, DNSU_CLASS_NONE = 254, DNSU_CLASS_ANY = 255 };
enum { DNSU_OP_QUERY = 0, DNSU_OP_UPDATE = 5 };
enum {
    DNSU_RC_NOERROR,
    DNSU_RC_FORMERR,
    DNSU_RC_SERVFAIL,
    DNSU_RC_NXDOMAIN,
    DNSU_RC_NOTIMP,
    DNSU_RC_REFUSED,
    DNSU_RC_YXDOMAIN,
    DNSU_RC_YXRRSET,
    DNSU_RC_NXRRSET,
    DNSU_RC_NOTAUTH,
    DNSU_RC_NOTZONE
};
const char *dnsu_rcode_name(unsigned rcode);

#define DNSU_HDR_LEN 12
#define DNSU_MSG_MAX 65535

struct dnsu_hdr {
    uint16_t id;
    bool qr, aa, tc;
    uint8_t opcode, rcode;
    uint16_t count[4]; /* question or zone; answer or prerequisite; authority or update; additional */
};

struct dnsu_reader {
    struct span wire;
    struct dnsu_hdr hdr;
    size_t at; /* next octet */
    unsigned section;
    uint16_t done; /* entries of the section already read */
    bool failed;   /* a record did not parse */
};

struct dnsu_question {
    struct dnsu_name name;
    uint16_t type, cls;
};

struct dnsu_rec {
    struct dnsu_name owner;
    uint16_t type, cls;
    uint32_t ttl;
    struct span rdata;
    unsigned section; /* 1 answer, 2 authority, 3 additional */
    bool last;        /* last one of its section */
    size_t at, end;   /* where it begins and ends in the message */
};

/* Reads the header. ERR_TRUNCATED. */
MUST_USE err dnsu_reader_init(struct dnsu_reader *r, struct span wire);
/* Next question; false when there is none left or it does not parse (r->failed). */
bool dnsu_reader_question(struct dnsu_reader *r, struct dnsu_question *out);
/* Next record, after all questions were read (the rest of them are skipped). False at the end or at a fault (r->failed). */
bool dnsu_reader_next(struct dnsu_reader *r, struct dnsu_rec *out);
/* All sections were read and no octet is left over. */
bool dnsu_reader_end(const struct dnsu_reader *r);
