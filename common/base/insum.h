/* SPDX-License-Identifier: Apache-2.0
 *
 * The Internet checksum (RFC 1071) as a sum that goes on over several pieces: one's complement, 16 bits, not yet complemented.
 */
#pragma once

#include "common/base/span.h"

/* sum and the words of s; an odd octet at the end counts as a word with a zero behind it, so only the last piece may be odd. */
uint32_t insum_add(uint32_t sum, struct span s);
/* Down to 16 bits. What stands in a packet is its complement. */
uint16_t insum_fold(uint32_t sum);
/* A checksum that stands in a packet, after words summing up to `was` became words summing up to `is` (RFC 1624 eqn. 3). */
uint16_t insum_adjust(uint16_t stands, uint32_t was, uint32_t is);
