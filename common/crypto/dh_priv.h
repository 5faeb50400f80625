/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside common/crypto only: a Diffie-Hellman key, and what the kinds of group do with it. dh.c has the table of groups.
 */
#pragma once

#include "common/crypto/dh.h"
#include "common/crypto/ossl.h"

struct dh_key {
    const struct dh_desc *group;
    unsigned more;  /* holders besides the first */
    EVP_PKEY *pkey; /* of a curve, X25519: holds the scalar; wiped by OpenSSL when freed */
    EVP_PKEY_CTX
    *deriver;  /* of a curve, X25519: set up for derivation once, so a key is for one thread at a time */
    BIGNUM *x; /* of a MODP group: the exponent */
    uint8_t pub[];
};

struct dh_kind {
    /* Private part and pub from the octets. False: out of range. */
    bool (*pair)(struct dh_key *k, struct span value);
    /* A public value, of the right length: is it one? */
    bool (*public_ok)(int which, struct span value);
    /* peer has the right length; out that of the shared secret. */
    err (*shared)(const struct dh_key *k, struct span peer, uint8_t *out);
};

struct dh_desc {
    const struct dh_kind *kind;
    int which; /* enum ec_curve, enum dh_modp; X25519: 0 */
    uint8_t private_len;
    uint8_t top; /* mask of the first octet of a draw */
    uint16_t public_len, shared_len;
};

extern const struct dh_kind dh_ec, dh_modp, dh_x25519;

/* ---- dh_modp.c ---- */

enum dh_modp { MODP_1536, MODP_2048, MODP_3072, MODP__COUNT };

struct dh_modulus {
    BIGNUM *p, *p_less_1;
    BN_MONT_CTX *mont;
};
/* For crypto_init(). */
bool dh_modp_fetch(enum dh_modp which, struct dh_modulus *out);
void dh_modp_free(struct dh_modulus *m);
