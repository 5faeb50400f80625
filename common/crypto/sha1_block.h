/* SPDX-License-Identifier: Apache-2.0
 *
 * The compression function of SHA-1 alone (FIPS 180-4 s6.1.2), which no library offers; the generator of FIPS 186-2 needs
 * it without SHA-1's padding. Not for hashing: hash_once() is.
 */
#pragma once

#include <stdint.h>

/* The initial hash value (FIPS 180-4 s5.3.1). */
extern const uint32_t sha1_initial[5];
void sha1_block(uint32_t state[5], const uint8_t block[64]);
