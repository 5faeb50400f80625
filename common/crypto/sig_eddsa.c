/* SPDX-License-Identifier: Apache-2.0
 *
 * EdDSA (RFC 8032): Ed25519 by libsodium, which takes half the time of OpenSSL 3.0's, Ed448 by OpenSSL. Both sign the message
 * itself (PureEdDSA, empty context), so the HIT suite's hash has no part in it, and draw nothing.
 */
#include <sodium.h>
#include <string.h>

#include "common/base/env.h"
#include "common/crypto/fetched.h"
#include "common/crypto/secret.h"
#include "common/crypto/sig_priv.h"

#define ED448_PUB_LEN 57
#define ED448_SIG_LEN 114

static const char *name_of(enum sig_type t)
{
    return t == SIG_ED448 ? "ED448" : "ED25519";
}

static size_t public_len(enum sig_type t)
{
    return t == SIG_ED448 ? ED448_PUB_LEN : crypto_sign_PUBLICKEYBYTES;
}

static enum sig_type eddsa_type_of(const EVP_PKEY *pkey)
{
    if (EVP_PKEY_is_a(pkey, "ED25519"))
        return SIG_ED25519;
    return EVP_PKEY_is_a(pkey, "ED448") ? SIG_ED448 : SIG_NONE;
}

static size_t eddsa_public_of(const EVP_PKEY *pkey, enum sig_type t, uint8_t *out)
{
    size_t n = SIG_PUBLIC_MAX;
    return EVP_PKEY_get_raw_public_key(pkey, out, &n) == 1 && n == public_len(t) ? n : 0;
}

/* Under the four points of order 1, 2 and 4 (y = 1, -1, 0 modulo 2^448 - 2^224 - 1) one signature holds for many messages. libsodium refuses
 * such keys of Ed25519 when it verifies, OpenSSL does not. */
static bool ed448_is_small(const uint8_t *pub)
{
    static const uint8_t zero[56], one[56] = { 1 };
    uint8_t minus_one[56];
    memset(minus_one, 0xff, sizeof minus_one);
    minus_one[0] = minus_one[28] = 0xfe;
    return memcmp(pub, zero, sizeof zero) == 0 || memcmp(pub, one, sizeof one) == 0 ||
           memcmp(pub, minus_one, sizeof minus_one) == 0;
}

/* Whether the octets are a point is seen when a signature is verified: then it costs nothing more. */
static err eddsa_open(struct sig_key *k, struct span pub)
{
    if (pub.n != public_len(k->type))
        return ERR_MALFORMED;
    if (k->type == SIG_ED25519) {
        k->sig_len = crypto_sign_BYTES;
        return ERR_OK;
    }
    if (ed448_is_small(pub.p))
        return ERR_MALFORMED;
    k->sig_len = ED448_SIG_LEN;
    k->pkey = EVP_PKEY_new_raw_public_key_ex(NULL, "ED448", NULL, pub.p, pub.n);
    return k->pkey ? ERR_OK : ERR_MALFORMED;
}

static EVP_PKEY *eddsa_generate(enum sig_type t, unsigned bits)
{
    (void)bits;
    return EVP_PKEY_Q_keygen(NULL, NULL, name_of(t));
}

static EVP_PKEY *eddsa_generate_drawn(enum sig_type t, unsigned bits, const struct env *env)
{
    (void)bits;
    uint8_t secret[ED448_PUB_LEN];
    size_t n = public_len(t); /* private keys are as long */
    env_draw(env, "hi_private", secret, n);
    EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key_ex(NULL, name_of(t), NULL, secret, n);
    sec_wipe(secret, sizeof secret);
    return pkey;
}

/* libsodium's secret key is seed and public key. */
static err eddsa_prepare(struct sig_key *k)
{
    if (k->type == SIG_ED448)
        return ERR_OK;
    uint8_t seed[crypto_sign_SEEDBYTES], pub[crypto_sign_PUBLICKEYBYTES];
    size_t n = sizeof seed;
    k->secret = sec_alloc(crypto_sign_SECRETKEYBYTES);
    if (!k->secret)
        return ERR_MEMORY;
    bool good = EVP_PKEY_get_raw_private_key(k->pkey, seed, &n) == 1 && n == sizeof seed &&
                crypto_sign_seed_keypair(pub, k->secret, seed) == 0 && memcmp(pub, k->pub, sizeof pub) == 0;
    sec_wipe(seed, sizeof seed);
    return good ? ERR_OK : ERR_CRYPTO;
}

static err eddsa_make(const struct sig_key *k, enum hash_alg h, struct span msg, uint8_t *out)
{
    (void)h;
    if (k->type == SIG_ED25519)
        return crypto_sign_detached(out, NULL, msg.p, msg.n, k->secret) == 0 ? ERR_OK : ERR_CRYPTO;
    size_t n = k->sig_len;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx && EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, k->pkey, NULL) == 1 &&
                EVP_DigestSign(ctx, out, &n, msg.p, msg.n) == 1 && n == k->sig_len;
    EVP_MD_CTX_free(ctx);
    return good ? ERR_OK : ERR_CRYPTO;
}

static bool eddsa_verify(const struct sig_key *k, enum hash_alg h, struct span msg, struct span sig)
{
    (void)h;
    if (k->type == SIG_ED25519)
        return crypto_sign_verify_detached(sig.p, msg.p, msg.n, k->pub) == 0;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx && EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, k->pkey, NULL) == 1 &&
                EVP_DigestVerify(ctx, sig.p, sig.n, msg.p, msg.n) == 1;
    EVP_MD_CTX_free(ctx);
    return good;
}

const struct sig_family sig_eddsa = {
    .type_of = eddsa_type_of,
    .public_of = eddsa_public_of,
    .open = eddsa_open,
    .generate = eddsa_generate,
    .generate_drawn = eddsa_generate_drawn,
    .prepare = eddsa_prepare,
    .make = eddsa_make,
    .verify = eddsa_verify,
};
