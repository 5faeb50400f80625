/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/dh_priv.h"

#define X25519_LEN ((size_t)32)

static bool pair(struct dh_key *k, struct span value)
{
    size_t n = X25519_LEN;
    k->pkey = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, value.p, value.n);
    if (!k->pkey || EVP_PKEY_get_raw_public_key(k->pkey, k->pub, &n) != 1 || n != X25519_LEN)
        return false;
    k->deriver = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
    return k->deriver && EVP_PKEY_derive_init(k->deriver) == 1;
}

/* OpenSSL refuses a secret of zeros, in constant time (RFC 7748 s6.1). */
static err shared(const struct dh_key *k, struct span peer, uint8_t *out)
{
    size_t got = X25519_LEN;
    EVP_PKEY *pub = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, peer.p, peer.n);
    if (!pub)
        return ERR_CRYPTO;
    bool set = EVP_PKEY_derive_set_peer_ex(k->deriver, pub, 0) == 1;
    bool good = set && EVP_PKEY_derive(k->deriver, out, &got) == 1 && got == X25519_LEN;
    EVP_PKEY_free(pub);
    return good ? ERR_OK : set ? ERR_RANGE : ERR_CRYPTO;
}

/* A point of small order, or of the twist's, gives zeros with any key: scalars are multiples of eight. */
static bool public_ok(int which, struct span peer)
{
    static const uint8_t any[X25519_LEN] = { 8 };
    uint8_t out[X25519_LEN];
    struct dh_key *k = dh_from_private(DH_X25519, span_of(any, sizeof any));
    bool good = k && shared(k, peer, out) == ERR_OK;
    dh_free(k);
    return good;
}

const struct dh_kind dh_x25519 = { pair, public_ok, shared };
