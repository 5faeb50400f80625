/* SPDX-License-Identifier: Apache-2.0
 *
 * BEET with IPv4 inside (RFC 7402 appendix B): the inner IPv4 header, and the pseudo-header (next header 94) in which its options travel
 * (B.1.7). Like transport mode it carries whole datagrams only (RFC 4303 s3.3.4): a fragment is recognized, and carrying it is its owner's business.
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"

#define BEET4_HEAD        20
#define BEET4_OPTIONS_MAX 40
#define BEET4_NH_PSEUDO   94 /* next header in ESP: a pseudo-header with IPv4 options is first */
#define BEET4_PSEUDO_MAX  48

struct beet4_packet {
    uint8_t src[4], dst[4];
    uint8_t protocol;
    uint8_t tos; /* DSCP and ECN */
    uint8_t ttl;
    bool df, mf;
    uint16_t id;
    uint16_t offset;     /* of a fragment, in octets */
    struct span options; /* borrowed, as is payload */
    struct span payload;
};

static inline bool beet4_is_fragment(const struct beet4_packet *p)
{
    return p->mf || p->offset;
}

/* Reads an IPv4 packet. ERR_TRUNCATED: no whole header; ERR_MALFORMED: version, lengths, header checksum, or a fragment that cannot be; ERR_REFUSED:
 * TTL 0, source equals destination. */
MUST_USE err beet4_parse(struct span ip4, struct beet4_packet *out);

/* Writes the header for p with its options and a payload of payload_len octets (p->payload is not looked at); *len: octets written.
 * ERR_RANGE: too long, or options that are no multiple of four octets; ERR_UNSUPPORTED: protocol 94 or 59, which are ESP's. */
MUST_USE err beet4_header(const struct beet4_packet *p, size_t payload_len,
                          uint8_t out[BEET4_HEAD + BEET4_OPTIONS_MAX], size_t *len);

/* The pseudo-header before a payload of this protocol; options: a multiple of four octets, 40 at most (those of beet4_parse() are). Returns its length. */
size_t beet4_pseudo_write(uint8_t protocol, struct span options, uint8_t out[BEET4_PSEUDO_MAX]);

struct beet4_pseudo {
    uint8_t protocol;
    struct span options; /* borrowed, as is rest */
    struct span rest;
};
/* Takes it off again. ERR_TRUNCATED; ERR_MALFORMED: lengths; ERR_UNSUPPORTED: another pseudo-header, or nothing (59), behind it. */
MUST_USE err beet4_pseudo_read(struct span payload, struct beet4_pseudo *out);
