/* SPDX-License-Identifier: Apache-2.0
 *
 * Bound End-to-End Tunnel (RFC 7402 appendix B): applications see IPv6 packets between HITs, ESP carries only what follows the
 * fixed IPv6 header, as in transport mode; the inner header is fixed by the SA and made again at the other end.
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"
#include "hip/hit.h"

#define BEET_HEAD 40 /* the inner IPv6 header */

/* Of the header outside, which takes them from the inner one, and from which the inner one takes them (appendix B.1.5, B.1.6): what BEET does not carry. */
struct beet_outer {
    uint8_t tclass; /* DSCP and ECN: both ways, so that a mark set on the way arrives (RFC 6040 s4.1, s4.2) */
    uint8_t hop_limit; /* 0: not known */
};

struct beet_packet {
    struct hit src, dst;
    uint8_t next_header;
    uint8_t tclass;      /* DSCP and ECN, for the outer header */
    uint8_t hop_limit;   /* for the outer header */
    struct span payload; /* borrowed */
};

/* Reads an IPv6 packet between HITs as it comes from the TUN device. ERR_TRUNCATED, ERR_MALFORMED (version, length),
 * ERR_RANGE: an address is not a HIT, ERR_REFUSED: source equals destination, hop limit 0. */
MUST_USE err beet_parse(struct span ip6, struct beet_packet *out);

/* Writes the inner header of an opened packet into the 40 octets at out. tclass and hop limit come from the outer
 * header (0 and 64 where they are not known). ERR_RANGE: payload too long; ERR_UNSUPPORTED: next header 59. 94 says that
 * an IPv4 packet's options are first (hip/esp/beet4.h). */
MUST_USE err beet_header(const struct hit *src, const struct hit *dst, uint8_t next_header, uint8_t tclass,
                         uint8_t hop_limit, size_t payload_len, uint8_t out[BEET_HEAD]);
