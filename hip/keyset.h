/* SPDX-License-Identifier: Apache-2.0
 *
 * What follows from one Diffie-Hellman secret (RFC 7401 s6.5, RFC 7402 s7), and what a later one needs of it: #I and #J, and both halves,
 * of which a rekey may replace only one (RFC 7402 s6.10 step 1). So the private half lives as long as the association, or until
 * a rekey brings another one.
 */
#pragma once

#include "common/crypto/dh.h"
#include "hip/keymat.h"
#include "hip/stored.h"

/* In locked memory. */
struct hip_secrets {
    struct hip_keys hip;
    struct hip_keys esp;
    struct hip_keys esp_next; /* of a rekey that is not complete */
    uint8_t exported[32];     /* for the SIM binding, where there may be one */
};

struct hip_keyset {
    bool exports;
    struct hip_keymat *keymat;
    struct hip_secrets *secrets;
    uint16_t esp_index;        /* KEYMAT index of the first ESP key */
    struct dh_key *dh;         /* our half, shared with the R1s that carry it */
    struct hip_stored peer_dh; /* the peer's public value */
    uint8_t ij_len, i[HIP_RHASH_MAX], j[HIP_RHASH_MAX];
};

struct hip_keyset_args {
    enum hash_alg rhash;
    uint16_t cipher, esp_suite;
    bool exports;      /* a SIM binding may follow */
    struct dh_key *dh; /* shared, not taken over */
    struct span peer_dh, i, j;
    const struct hit *own, *peer;
};
/* KEYMAT, the keys of both protocols, and the export if wanted; there is none later. ERR_RANGE: the peer's value is none of its group. */
MUST_USE err hip_keyset_make(const struct hip_keyset_args *g, struct hip_keyset *out);
/* A new KEYMAT with other halves and the same #I, #J (RFC 7401 s6.5: both hosts store them); of *g only rhash, dh, peer_dh, own and peer
 * count. No HIP keys are drawn from it (RFC 7402 s6.10 step 3). Errors as hip_keyset_make(). */
MUST_USE err hip_keyset_renewed(const struct hip_keyset *k, const struct hip_keyset_args *g,
                                struct hip_keymat **out);
void hip_keyset_done(struct hip_keyset *k);
