/* SPDX-License-Identifier: Apache-2.0
 * The inside of the translator, shared by xlat.c (headers, TCP, UDP) and xlat_icmp.c. */
#pragma once

#include "host/xlat.h"

enum {
    XLAT_ICMP4 = 1,
    XLAT_TCP = 6,
    XLAT_UDP = 17,
    XLAT_DCCP = 33,
    XLAT_FRAGMENT = 44,
    XLAT_ICMP6 = 58,
    XLAT_UDP_LITE = 136,
};

/* What both headers say. */
struct xlat_head {
    uint8_t tclass, hops;
    uint8_t proto; /* as it stands in this family */
    bool fragment, more;
    uint16_t offset; /* octets */
    uint32_t id;
    struct span options; /* IPv4 */
    struct span body;    /* what is there of it */
    size_t body_len;     /* what the header says */
    size_t whole;        /* body of the datagram; 0: a fragment of one whose length is not known */
};

struct xlat_job {
    struct xlat_ends e;
    bool to6;
    bool quoted; /* inside an ICMP error: it may be cut off */
};

/* One's complement sum of the addresses, IPv4 or IPv6, as they stand in a pseudo-header. */
uint32_t xlat_sum(const struct xlat_ends *e, bool v6);
/* The packet of this head in the other family. */
MUST_USE err xlat_packet(const struct xlat_job *j, const struct xlat_head *h, uint8_t *out, size_t cap,
                         size_t *len);
/* The head of a packet in an ICMP error. */
MUST_USE err xlat_quoted(const struct xlat_job *j, struct span packet, struct xlat_head *out);
/* An ICMP message, echo or error. */
MUST_USE err xlat_icmp(const struct xlat_job *j, const struct xlat_head *h, uint8_t *out, size_t cap,
                       size_t *len);
