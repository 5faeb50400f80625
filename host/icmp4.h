/* SPDX-License-Identifier: Apache-2.0
 *
 * ICMP for a packet to an LSI behind which nobody is: "destination unreachable, host unreachable" (RFC 792), from the address that was asked for.
 */
#pragma once

#include "hip/esp/beet4.h"

#define ICMP4_ERROR_MAX 576 /* RFC 1812 s4.3.2.3 */

/* The whole IPv4 packet into out; octets: the packet that p was read from. 0: none is due (itself an ICMP error, a fragment behind the first:
 * RFC 1122 s3.2.2). */
size_t icmp4_unreachable(const struct beet4_packet *p, struct span octets, uint8_t out[ICMP4_ERROR_MAX]);
