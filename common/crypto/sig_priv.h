/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside common/crypto only: a signature key, and what each family of algorithms does with it. sig.c has the table of
 * families and everything that is the same for all.
 */
#pragma once

#include "common/crypto/ossl.h"
#include "common/crypto/sig.h"

struct sig_key {
    enum sig_type type;
    EVP_PKEY *pkey;       /* NULL: public Ed25519 */
    EVP_PKEY_CTX *signer; /* private: set up for signing, duplicated for each signature; NULL: set up then */
    uint8_t *secret;      /* Ed25519, private: libsodium's form, sec_alloc'ed */
    bool private;
    size_t sig_len;
    size_t pub_len;
    uint8_t pub[SIG_PUBLIC_MAX];
};

struct sig_family {
    /* SIG_NONE: not a key of this family. */
    enum sig_type (*type_of)(const EVP_PKEY *pkey);
    /* The raw public form; out holds SIG_PUBLIC_MAX. 0: cannot be said in it. */
    size_t (*public_of)(const EVP_PKEY *pkey, enum sig_type t, uint8_t *out);
    /* Fills in pkey and sig_len from the raw public form. */
    err (*open)(struct sig_key *k, struct span pub);
    EVP_PKEY *(*generate)(enum sig_type t, unsigned bits);
    EVP_PKEY *(*generate_drawn)(enum sig_type t, unsigned bits, const struct env *env);
    /* k has its private part: whatever makes signing faster. */
    err (*prepare)(struct sig_key *k);
    err (*make)(const struct sig_key *k, enum hash_alg h, struct span msg, uint8_t *out);
    /* Salt or nonce from env. NULL: `make` draws nothing. */
    err (*make_drawn)(const struct sig_key *k, enum hash_alg h, struct span msg, const struct env *env,
                      uint8_t *out);
    /* sig.n is sig_len. */
    bool (*verify)(const struct sig_key *k, enum hash_alg h, struct span msg, struct span sig);
};

extern const struct sig_family sig_rsa, sig_ecdsa, sig_eddsa, sig_dsa;

/* The raw public form of pkey, and its type; out holds SIG_PUBLIC_MAX. ERR_MALFORMED: of no type of ours. */
MUST_USE err sig_public_of(const EVP_PKEY *pkey, enum sig_type *type, uint8_t *out, size_t *out_len);
/* The digest that is signed; 0 when signatures do not go with this hash. */
size_t sig_digest(enum hash_alg h, struct span msg, uint8_t digest[HASH_LEN_MAX]);
/* k's signing context, or a new one; the caller frees it. */
EVP_PKEY_CTX *sig_signer(const struct sig_key *k);

/* A key from parameters; a pair's are wiped. NULL on failure. */
EVP_PKEY *sig_pkey_from(const char *name, OSSL_PARAM_BLD *bld, int selection);

/* ---- sig_rs.c: signatures that are two integers ---- */

#define SIG_RS_MAX  48 /* octets of one */
#define SIG_DER_MAX (2 * (SIG_RS_MAX + 3) + 3)

bool sig_rs_from_der(struct span der, size_t width, uint8_t *out);
size_t sig_rs_to_der(struct span rs, uint8_t out[SIG_DER_MAX]);
/* From named draws (FIPS 186-4 B.5.1): order's length + 8 octets, modulo order - 1, plus 1. NULL: out of memory. */
BIGNUM *sig_drawn_scalar(const struct env *env, const char *name, const BIGNUM *order);
/* s = (z + r d) / k modulo the order, and r, each `width` octets. False: one of them is zero, or no memory. */
bool sig_rs_make(struct span digest, const BIGNUM *order, const BIGNUM *d, const BIGNUM *k, const BIGNUM *r,
                 size_t width, uint8_t *out);
