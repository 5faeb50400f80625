/* SPDX-License-Identifier: Apache-2.0
 *
 * Host identities (RFC 7401 s5.2.9): RSA and DSA (HIT suite 1), ECDSA P-256 and P-384 (2), ECDSA_LOW SECP160R1 (3), EdDSA Ed25519 and Ed448
 * (5, RFC 9374 s3.4.1).
 */
#pragma once

#include "common/base/err.h"
#include "common/crypto/sig.h"
#include "hip/hit.h"

enum hip_hi_alg { HIP_HI_DSA = 3, HIP_HI_RSA = 5, HIP_HI_ECDSA = 7, HIP_HI_ECDSA_LOW = 9, HIP_HI_EDDSA = 13 };

const char *hip_hi_alg_name(unsigned alg); /* "ECDSA"; "unknown" */

#define HIP_HI_MAX 600 /* Algorithm and Host Identity octets at most */

/* Wire form and what follows from it. `key` is NULL for a HI that may be hashed but not used. */
struct hip_hi {
    uint16_t alg;        /* enum hip_hi_alg */
    uint8_t suite;       /* HIT suite */
    enum hash_alg rhash; /* RHASH of that suite */
    bool anonymous; /* published nowhere, as its owner or its packets say (RFC 7401 s5.1.2): not to be kept */
    bool x962;      /* ECDSA point sent with a leading 0x04: may associate, may not be bound */
    struct hit hit;
    uint16_t wire_len;        /* of wire */
    uint8_t wire[HIP_HI_MAX]; /* Algorithm(2) Host Identity */
    struct sig_key *key;      /* owned */
    const struct env
        *draws; /* not NULL: salts and nonces of signatures come from it (hip_config.drawn_signatures) */
};

/* Controls of its packets (RFC 7401 s5.1.2, s5.3.2). */
uint16_t hip_hi_controls(const struct hip_hi *h);

/* The Host Identity field without the Algorithm. */
static inline struct span hip_hi_field(const struct hip_hi *h)
{
    return span_of(h->wire + 2, h->wire_len >= 2 ? (size_t)h->wire_len - 2 : 0);
}

/* Algorithm and Host Identity field -> HI with public key and HIT. ERR_UNSUPPORTED, ERR_MALFORMED. */
MUST_USE err hip_hi_from_wire(struct span wire, struct hip_hi *out);
/* RSA: of the modulus; other algorithms have no size to choose: 0. */
unsigned hip_hi_rsa_bits(const struct hip_hi *h);
/* From a key with or without its private part; takes the key over. */
MUST_USE err hip_hi_from_key(struct sig_key *key, struct hip_hi *out);
/* Kinds of keys by the names that configurations have: rsa-2048, rsa-3072, dsa, ecdsa-p256, ecdsa-p384, ecdsa-low, ed25519, ed448. SIG_NONE:
 * another one. *bits: for hip_hi_generate(). */
enum sig_type hip_hi_kind_named(const char *name, unsigned *bits);
MUST_USE err hip_hi_generate(enum sig_type t, unsigned bits, struct hip_hi *out);
/* PKCS#8 DER. */
MUST_USE err hip_hi_from_private(struct span der, struct hip_hi *out);
MUST_USE err hip_hi_copy(const struct hip_hi *in, struct hip_hi *out);
void hip_hi_done(struct hip_hi *h);

/* The DNS form (RFC 8005 s5): IPSECKEY algorithm number and key without curve label. ERR_UNSUPPORTED for an x962 HI and for
 * ECDSA_LOW, which has no number there. */
MUST_USE err hip_hi_to_dns(const struct hip_hi *h, uint8_t *pk_alg, struct span *pk);
MUST_USE err hip_hi_from_dns(uint8_t pk_alg, struct span pk, struct hip_hi *out);

/* HIP_SIGNATURE's way for this HI: hash of the HIT suite; out holds SIG alg(2) and the signature. */
MUST_USE err hip_hi_sign(const struct hip_hi *h, struct span msg, uint8_t *out, size_t cap, size_t *len);
/* sig: SIG alg(2) and signature. ERR_AUTH. */
MUST_USE err hip_hi_verify(const struct hip_hi *h, struct span msg, struct span sig);
