/* SPDX-License-Identifier: Apache-2.0
 *
 * Which octets a checksum, a MAC and a signature cover, written down a second time from RFC 7401 s5.1.1, s5.2.12-5.2.15 and s6.4: hip/auth
 * is what is looked over with it. Outputs are the caller's, COVER_MAX octets.
 */
#pragma once

#include "hip/pkt.h"

#define COVER_MAX (HIP_PACKET_MAX + 64)

/* Pseudo-header and packet, checksum zero. Both addresses of one family. */
struct span cover_checksum(const struct addr *src, const struct addr *dst, struct span packet, uint8_t *out);
/* What stands in front of the parameter at `off`: Header Length counts that much (and `tail`: HIP_MAC_2), checksum zero. */
struct span cover_mac(struct span packet, size_t off, struct span tail, uint8_t *out);
/* The same; HIP_SIGNATURE_2 (r1) with receiver's HIT, Opaque and #I zero. */
struct span cover_signature(struct span packet, size_t off, bool r1, uint8_t *out);
