/* SPDX-License-Identifier: Apache-2.0
 *
 * The puzzle (RFC 7401 s4.1.2, s6.3): the low K bits of RHASH(#I | HIT-I | HIT-R | #J) are zero. #I and #J have hash_len(rhash)
 * octets. HIT-I is the Initiator's at both ends.
 */
#pragma once

#include "common/crypto/hash.h"
#include "hip/hit.h"
#include "hip/proto.h"

/* OK, ERR_AUTH (not solved), ERR_RANGE (lengths, K beyond the hash), ERR_CRYPTO. */
MUST_USE err hip_puzzle_check(enum hash_alg rhash, uint8_t k, struct span i, const struct hit *hit_i,
                              const struct hit *hit_r, struct span j);

/* A search that can be cut into slices. j counts up from a random start. */
struct hip_solver {
    enum hash_alg rhash;
    uint8_t k;
    uint8_t len; /* of i and j */
    bool solved;
    uint8_t i[HIP_RHASH_MAX], j[HIP_RHASH_MAX];
    struct hit hit_i, hit_r;
    uint64_t tried;
};

/* start: hash_len octets of randomness. ERR_RANGE. */
MUST_USE err hip_solver_init(struct hip_solver *s, enum hash_alg rhash, uint8_t k, struct span i,
                             const struct hit *hit_i, const struct hit *hit_r, const uint8_t *start);
/* Up to `tries` hashes. OK: solved, j is the solution. ERR_NOT_FOUND: call again. ERR_CRYPTO. */
MUST_USE err hip_solver_step(struct hip_solver *s, uint32_t tries);
