/* SPDX-License-Identifier: Apache-2.0
 *
 * Signature keys in raw forms.
 *
 * |                     | public                                              | signature |
 * | RSA                 | exponent length, exponent, modulus (RFC 3110 s2)    | RSASSA-PSS, MGF1 and salt of the hash's length |
 * | DSA 1024/160        | T, Q, P, G, Y (RFC 2536 s2), 405 octets             | T, R, S (RFC 2536 s3), 41 octets |
 * | ECDSA               | X|Y, 64, 96; SECP160R1: 40                          | r|s as wide as the order: 64, 96; SECP160R1: 42 |
 * | Ed25519, Ed448      | 32, 57 octets (RFC 8032)                            | 64, 114 octets, of the message itself |
 *
 * The salts and nonces of sig_make() are the one place where OpenSSL's own generator is used.
 */
#pragma once

#include "common/base/env.h"
#include "common/base/err.h"
#include "common/base/span.h"
#include "common/crypto/hash.h"

enum sig_type {
    SIG_NONE,
    SIG_RSA,
    SIG_ECDSA_P256,
    SIG_ECDSA_P384,
    SIG_ECDSA_SECP160R1,
    SIG_ED25519,
    SIG_ED448,
    SIG_DSA,
    SIG__COUNT
};

#define SIG_LEN_MAX    512
#define SIG_PUBLIC_MAX 528

struct sig_key; /* public, or public and private */

/* bits: RSA 2048 or more, ignored for the others. DSA makes a group of its own, which takes a second or so. NULL on failure. */
struct sig_key *sig_generate(enum sig_type t, unsigned bits);
/* The same from env's draws named hi_private, so that one seed makes one key everywhere: scalars as FIPS 186-4 B.5.1 (length of the
 * order and 8 octets, modulo order - 1, plus 1), DSA's in the group of RFC 6979 A.2.1; EdDSA's as long as the private key; RSA's two primes each the first one at or above a draw of half the modulus's length,
 * its two highest bits and the lowest set, e = 65537. bits: a multiple of 16. NOT for keys that protect anything. */
struct sig_key *sig_generate_drawn(enum sig_type t, unsigned bits, const struct env *env);
/* ERR_MALFORMED: not a key of this type, RSA below 1024 or above 4096 bits, exponent even, 1, or of more than 64 bits, point not on the curve,
 * DSA of another size than 1024/160. An EdDSA key that is no point is found out when nothing verifies under it. */
MUST_USE err sig_from_public(enum sig_type t, struct span pub, struct sig_key **out);
/* PKCS#8, DER. The private form lives in secret memory of the caller. */
MUST_USE err sig_from_private(struct span der, struct sig_key **out);
/* *der is sec_alloc'ed; the caller frees it with sec_free. */
MUST_USE err sig_to_private(const struct sig_key *k, uint8_t **der, size_t *der_len);
void sig_free(struct sig_key *k);
enum sig_type sig_key_type(const struct sig_key *k);
struct span sig_public(const struct sig_key *k); /* the raw public form */
bool sig_has_private(const struct sig_key *k);
size_t sig_len(const struct sig_key *k); /* length of a signature */
/* h: SHA-1, SHA-256 or SHA-384, else ERR_UNSUPPORTED; EdDSA takes no notice of it. out holds sig_len(k). */
MUST_USE err sig_make(const struct sig_key *k, enum hash_alg h, struct span msg, uint8_t *out,
                      size_t *out_len);
/* With the salt from the draw rsa_pss_salt, the nonce from sig_nonce (made a scalar as above). Not constant in time: for vectors and the
 * simulator. */
MUST_USE err sig_make_drawn(const struct sig_key *k, enum hash_alg h, struct span msg, const struct env *env,
                            uint8_t *out, size_t *out_len);
/* ERR_AUTH when it does not verify, whatever the reason. */
MUST_USE err sig_verify(const struct sig_key *k, enum hash_alg h, struct span msg, struct span sig);
