/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets between LSIs made into packets between HITs and back: header, fragments, ICMP and upper-layer checksums by the rules of RFC 7915 (IP/ICMP
 * translation), whose addresses are ours to choose. What it leaves out is left out here: UDP in fragments without a checksum, IPv6 extension headers, ICMP that
 * is neither echo nor one of the errors it maps; and IPv4 options with a source route. Echo in fragments, which it leaves out too, is translated for who
 * knows how long the whole is: the length is in ICMPv6's checksum, and not in ICMP's.
 *
 * A checksum is adjusted, not made anew: one that was wrong stays wrong. No state, no allocation.
 */
#pragma once

#include "hip/esp/beet4.h"
#include "hip/hit.h"

#define XLAT_GROWTH 64 /* octets that a packet may grow by, at most */

/* Of one packet, in its own direction. */
struct xlat_ends {
    uint8_t src4[4], dst4[4];
    struct hit src6, dst6;
};

/* The IPv6 packet into out. whole: octets behind the header of the datagram whose first fragment p is; 0: not known, or it is none. options: IPv4
 * options go along in a pseudo-header (next header 94) instead of being left out, but not those of fragments. ERR_UNSUPPORTED: not translated; ERR_SPACE. */
MUST_USE err xlat_4to6(const struct xlat_ends *e, const struct beet4_packet *p, size_t whole, bool options,
                       uint8_t *out, size_t cap, size_t *len);
/* The IPv4 packet into out; whole as above, of the fragmentable part. ERR_MALFORMED: no whole IPv6 packet between these HITs; ERR_UNSUPPORTED; ERR_SPACE. */
MUST_USE err xlat_6to4(const struct xlat_ends *e, struct span ip6, size_t whole, uint8_t *out, size_t cap,
                       size_t *len);
