/* SPDX-License-Identifier: Apache-2.0
 *
 * The bare permutation Keccak-f[1600] (FIPS 202 s3.3), for constructions that are no sponge of the libraries': TUAK with more than one
 * iteration. State: 200 octets, lanes little-endian as FIPS 202 s3.1.2 and B.1 order the bits. Works in place, takes no decision on
 * the state's contents; the caller keeps the state in secret memory.
 */
#pragma once

#include <stdint.h>

#define KECCAK_STATE 200 /* octets */

void keccak_f1600(uint8_t state[KECCAK_STATE]);
