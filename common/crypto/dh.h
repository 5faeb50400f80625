/* SPDX-License-Identifier: Apache-2.0
 *
 * Diffie-Hellman over elliptic curves and MODP groups. Public values of curves are X|Y, fixed width, without 0x04, and the shared secret is
 * the X coordinate (RFC 5903 s7); of MODP groups both are as long as the modulus (RFC 3526). Leading zeros stay.
 *
 * | group       | private | public | shared |
 * | P-256       | 32      | 64     | 32     |
 * | P-384       | 48      | 96     | 48     |
 * | P-521       | 66      | 132    | 66     |
 * | SECP160R1   | 21      | 40     | 20     |
 * | X25519      | 32      | 32     | 32     | octets as in RFC 7748 s5
 * | MODP 1536   | 32      | 192    | 192    |
 * | MODP 2048   | 32      | 256    | 256    |
 * | MODP 3072   | 40      | 384    | 384    |
 */
#pragma once

#include "common/base/env.h"
#include "common/base/err.h"

enum dh_group {
    DH_P256,
    DH_P384,
    DH_P521,
    DH_SECP160R1,
    DH_MODP1536,
    DH_MODP2048,
    DH_MODP3072,
    DH_X25519,
    DH__COUNT
};

#define DH_PUBLIC_MAX  384
#define DH_SHARED_MAX  384
#define DH_PRIVATE_MAX 66

struct dh_key;

size_t dh_private_len(enum dh_group g);
size_t dh_public_len(enum dh_group g);
size_t dh_shared_len(enum dh_group g);
/* The private value is the draw dh_private: as long as the table says, bits above those of a curve's order taken off, drawn again until
 * it is in range. NULL on failure. */
struct dh_key *dh_generate(enum dh_group g, const struct env *env);
/* NULL: not dh_private_len() octets, zero, or not below the curve's order. */
struct dh_key *dh_from_private(enum dh_group g, struct span value);
/* The same key once more: each holder frees it. */
struct dh_key *dh_share(struct dh_key *k);
void dh_free(struct dh_key *k);               /* NULL is fine */
size_t dh_secret_len(const struct dh_key *k); /* what dh_shared() writes */
struct span dh_public(const struct dh_key *k);
/* Is this a public value of the group? The same that dh_shared() refuses, without a key. */
bool dh_public_ok(enum dh_group g, struct span value);
/* ERR_RANGE: not as long as public values of the group are; a point beside the curve or the identity; a number that is not in 2 .. p-2; of
 * X25519 a point that leaves nothing of our key in the secret (RFC 7748 s6.1).
 * out holds dh_shared_len. */
MUST_USE err dh_shared(const struct dh_key *k, struct span peer_public, uint8_t *out);

/* A point of P-256 with one octet for the sign of Y (SEC 1 s2.3.3, s2.3.4), as others send it. */
#define DH_P256_SHORT 33
void dh_p256_shorten(const uint8_t xy[64], uint8_t out[DH_P256_SHORT]);
/* ERR_RANGE: not of that form, or X of no point. */
MUST_USE err dh_p256_expand(struct span point, uint8_t xy[64]);
