/* SPDX-License-Identifier: Apache-2.0
 *
 * Elliptic-curve Diffie-Hellman. Public values are X|Y, fixed width, without 0x04 (RFC 5903 s7); the shared
 * secret is the X coordinate with its leading zeros.
 */
#pragma once

#include "common/base/env.h"
#include "common/base/err.h"

enum dh_curve { DH_P256, DH_P384, DH__COUNT };

#define DH_PUBLIC_MAX 96
#define DH_SHARED_MAX 48

struct dh_key;

size_t dh_public_len(enum dh_curve c); /* 64, 96 */
size_t dh_shared_len(enum dh_curve c); /* 32, 48 */
/* The private scalar is drawn from env. NULL on failure. */
struct dh_key *dh_generate(enum dh_curve c, const struct env *env);
struct dh_key *dh_from_private(enum dh_curve c, struct span scalar);
/* The same key once more: each holder frees it. */
struct dh_key *dh_share(struct dh_key *k);
void dh_free(struct dh_key *k);               /* NULL is fine */
size_t dh_secret_len(const struct dh_key *k); /* what dh_shared() writes */
struct span dh_public(const struct dh_key *k);
/* Checks that the peer's point is on the curve and not the identity (ERR_RANGE). out holds dh_shared_len. */
MUST_USE err dh_shared(const struct dh_key *k, struct span peer_public, uint8_t *out);
