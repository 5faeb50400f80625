/* SPDX-License-Identifier: Apache-2.0
 *
 * The cryptography of a responder's base exchange and nothing else, done straight with OpenSSL 3.0 and libsodium as tightly as they allow: algorithms
 * fetched once, contexts kept and keyed anew, signing and derivation contexts set up once for our own keys, the peer's point imported by copying
 * parameters, its validation left to the import, Ed25519 by libsodium. It works on the packets of a real exchange, so that every step can fail.
 */
#pragma once

#include "common/base/span.h"
#include "common/crypto/hash.h"
#include "common/crypto/sig.h"

/* Borrowed. */
struct tight_case {
    enum sig_type sig;
    const char *curve;                                             /* Diffie-Hellman */
    enum hash_alg rhash;                                           /* of the responder's HIT suite */
    struct span own_private;                                       /* PKCS#8 */
    struct span peer_hi;                                           /* raw public form */
    struct span host_id;                                           /* what the HIT is the hash of */
    struct span peer_dh;                                           /* X|Y */
    struct span i2_signed, i2_sig;                                 /* message and signature */
    size_t r1_signed, i2_maced, i2_encrypted, r2_maced, r2_signed; /* octets */
    size_t keymat; /* octets of KEYMAT that the exchange takes */
};

struct tight;

struct tight *tight_new(const struct tight_case *c); /* aborts on failure */
void tight_free(struct tight *t);
/* A generation of R1s: a Diffie-Hellman key, one signature. */
void tight_generation(struct tight *t);
/* One exchange: #I twice, the puzzle, HIT, import and derivation, KEYMAT, HIP_MAC, ENCRYPTED, import and verification, HIP_MAC_2, signature. */
void tight_exchange(struct tight *t);
