/* SPDX-License-Identifier: Apache-2.0
 *
 * ICMP Parameter Problem about HIP packets (RFC 7401 s5.4; RFC 792, type 12; RFC 4443 s3.4, type 4): about another version, an association that is not there and
 * a puzzle not solved; and Destination Unreachable, administratively prohibited, about an I1 that cannot be answered (s6.7; type 3 code 13,
 * type 1 code 1). The engine makes the message (HIP_ACT_ICMP) and quotes the packet behind an IP header made from its path, since the
 * header it came with is not handed up; its owner sends it. A few a second for the whole engine; only about packets without UDP;
 * switched on by hip_config.tell.
 */
#pragma once

#include "hip/core.h"

#define HIP_ICMP_MAX 1232 /* RFC 4443 s2.4 (c): with its own IPv6 header within 1280 */

void hip_icmp_init(struct hip_engine *e);
/* Of a packet that hip_input() drops; octets: as it came. */
void hip_icmp_about(struct hip_rx *rx, int drop, struct span octets);
