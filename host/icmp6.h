/* SPDX-License-Identifier: Apache-2.0
 *
 * ICMPv6 for a packet between HITs: "destination unreachable, address unreachable" (RFC 4443 s3.1), so that an application hears at once that a peer
 * cannot be reached, and "packet too big" (s3.2), when the path takes less than the TUN device. They come, as on a direct link, from the address that was
 * asked for.
 */
#pragma once

#include "common/base/span.h"

#define ICMP6_ERROR_MAX 1280 /* RFC 4443 s2.4 (c) */

/* The whole IPv6 packet into out; 0: none is due (not an IPv6 packet, itself an ICMPv6 error, a fragment behind the first: s2.4 (e)). */
size_t icmp6_unreachable(struct span packet, uint8_t out[ICMP6_ERROR_MAX]);
size_t icmp6_too_big(struct span packet, uint32_t mtu, uint8_t out[ICMP6_ERROR_MAX]);
