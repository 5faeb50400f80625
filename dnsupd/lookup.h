/* SPDX-License-Identifier: Apache-2.0
 *
 * What a look-up found, judged: RRsets out of a reply of the zone's primary, and HIP records out of what a validating resolver hands over.
 * A bogus answer yields no records (RFC 8005 s8). Records are borrowed.
 */
#pragma once

#include "dnsupd/hiprr.h"
#include "dnsupd/msg.h"

enum dnsu_security { DNSU_SECURE, DNSU_INSECURE, DNSU_BOGUS };
const char *dnsu_security_name(enum dnsu_security s);

#define DNSU_SET_MAX 16 /* records of one RRset that are looked at */

/* An RRset. */
struct dnsu_set {
    uint16_t type;
    uint32_t ttl; /* seconds; the smallest of the set */
    size_t n;     /* 0: there is none */
    struct span rdata[DNSU_SET_MAX];
};

/* The RRset of a reply to (name, type) in class IN. rcode is the reply's: NXDOMAIN and NOERROR give OK, a set with n = 0 when there is none; records of
 * other owners and types are passed over. ERR_MALFORMED, ERR_TRUNCATED (TC bit), ERR_REFUSED (other RCODEs), ERR_NOT_FOUND (the question is another),
 * ERR_FULL (more than DNSU_SET_MAX records). */
MUST_USE err dnsu_reply_set(struct span reply, const struct dnsu_name *name, uint16_t type,
                            struct dnsu_set *out, uint8_t *rcode);

bool dnsu_set_has(const struct dnsu_set *s, struct span rdata);
/* Same records, in any order, octet by octet. TTL is not compared (RFC 2136 s1.1). */
bool dnsu_set_eq(const struct dnsu_set *a, const struct dnsu_set *b);

/* HIP records that parse, in the order given. */
struct dnsu_hip_found {
    enum dnsu_security security;
    uint32_t ttl;
    size_t n, malformed;
    struct dnsu_hiprr rr[DNSU_SET_MAX];
};

/* rdata: n records of TYPE 55 as a resolver gave them. Bogus: ERR_AUTH and no records. ERR_NOT_FOUND: no usable record. */
MUST_USE err dnsu_hip_judge(enum dnsu_security security, const struct span *rdata, size_t n, uint32_t ttl,
                            struct dnsu_hip_found *out);
