/* SPDX-License-Identifier: Apache-2.0
 *
 * Precomputed R1s of one host identity (RFC 7401 s4.1.2, s5.3.2, s6.7), and the proof that a SOLUTION answers one of them without
 * any state kept for it.
 *
 * A generation is: an R1 counter, a secret S, a Diffie-Hellman key for each group, and one signed R1 for each group and
 * offer. #I is RHASH(S | HIT-I | HIT-R | IP-I | IP-R | Opaque), as Appendix A suggests; Opaque says which group and offer the R1 had, and in which
 * thousandth of the generation's life it was sent, so that who asks again later gets another #I; being inside #I it cannot be changed by the
 * Initiator. A generation is replaced when a valid I2 used its
 * Diffie-Hellman keys and it is HIP_R1_MIN_LIFE_US old, when HIP_R1_SOLUTIONS_NEW of them did, or when life_us have passed; the last HIP_R1_GENERATIONS are still accepted, and
 * each remembers the solutions that were used. Everything is made when an I1 first needs it.
 */
#pragma once

#include "common/crypto/dh.h"
#include "hip/drop.h"
#include "hip/engine.h"
#include "hip/param_core.h"

#define HIP_R1_GENERATIONS 5
#define HIP_R1_MIN_LIFE_US UINT64_C(10000000)
#define HIP_R1_PUZZLE_LIFETIME \
    37 /* 2^(37 - 32) = 32 s: less than the 40 s that a replaced generation is accepted at least */
#define HIP_R1_STRIKES       8
#define HIP_R1_SOLUTIONS_MAX 1024 /* I2s that one generation serves */
#define HIP_R1_SOLUTIONS_NEW \
    768 /* after so many it is replaced at once: the rest is for R1s that are answered already */

/* What an R1 depends on, all of it visible in the I1. */
struct hip_r1_variant {
    uint8_t group;
    bool sim;     /* offers type 201 */
    bool relayed; /* answers an I1 that came through a rendezvous server */
};

/* For whom. */
struct hip_r1_client {
    struct hit hit;
    struct addr ip;    /* of the Initiator: what R1 is sent to */
    struct addr local; /* ours */
};

struct hip_r1pool;

/* Borrows hi and cfg. first_counter: where the generation counter goes on. */
struct hip_r1pool *hip_r1pool_new(const struct hip_hi *hi, const struct hip_config *cfg,
                                  uint64_t first_counter);
void hip_r1pool_free(struct hip_r1pool *p);
uint64_t hip_r1pool_counter(const struct hip_r1pool *p);
/* #K of R1s with and without the offer of type 201 (docs/sim-binding.md section 1: at least 10 with it), and what hip_puzzle_grow() added. */
uint8_t hip_r1_puzzle_k(const struct hip_config *cfg, bool sim, uint8_t more);

/* A whole R1 for this client, checksum still zero. via NULL, or the rendezvous server's address for VIA_RVS. out holds HIP_PACKET_MAX. */
MUST_USE err hip_r1pool_write(struct hip_r1pool *p, const struct hip_r1_client *c,
                              const struct hip_r1_variant *v, const struct addr *via, uint64_t now,
                              uint8_t *out, size_t *len);

/* A solution that was right. Borrowed: until the next call of hip_r1pool_write(). */
struct hip_r1_match {
    struct hip_r1_variant variant;
    uint8_t k;
    struct dh_key *dh; /* the generation's: hip_keyset_make() shares it */
    unsigned generation;
    uint8_t fingerprint[16]; /* of (HIT-I, #I, #J) */
};
/* R1 counter, #I, #K, #J, and whether the solution was used before (RFC 7401 s6.9 steps 6-8). HIP_TAKEN or a drop reason. */
MUST_USE int hip_r1pool_check(struct hip_r1pool *p, const struct hip_r1_client *c, uint64_t counter,
                              const struct hip_solution *s, struct hip_r1_match *out);
/* The solution was right and the rest of the I2 was not: after HIP_R1_STRIKES of them it counts as used, so that one solved puzzle does not
 * buy Diffie-Hellman computations without end (RFC 7401 s8). */
void hip_r1pool_blame(struct hip_r1pool *p, const struct hip_r1_match *m);
/* The I2 was right in every respect: its solution is used up, its Diffie-Hellman key due for replacement. ERR_FULL. */
MUST_USE err hip_r1pool_use(struct hip_r1pool *p, const struct hip_r1_match *m);
