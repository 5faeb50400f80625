/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/sig.h"

#include <limits.h>
#include <string.h>

#include "common/crypto/fetched.h"
#include "common/crypto/secret.h"
#include "common/crypto/sig_priv.h"

static const struct sig_family *const families[SIG__COUNT] = {
    [SIG_RSA] = &sig_rsa,          [SIG_ECDSA_P256] = &sig_ecdsa,
    [SIG_ECDSA_P384] = &sig_ecdsa, [SIG_ECDSA_SECP160R1] = &sig_ecdsa,
    [SIG_ED25519] = &sig_eddsa,    [SIG_ED448] = &sig_eddsa,
    [SIG_DSA] = &sig_dsa,
};

static const struct sig_family *family_of(enum sig_type t)
{
    return (unsigned)t < SIG__COUNT ? families[t] : NULL;
}

size_t sig_digest(enum hash_alg h, struct span msg, uint8_t digest[HASH_LEN_MAX])
{
    bool signs = h == HASH_SHA1 || h == HASH_SHA256 || h == HASH_SHA384;
    return signs && hash_once(h, msg, digest) == ERR_OK ? hash_len(h) : 0;
}

EVP_PKEY_CTX *sig_signer(const struct sig_key *k)
{
    return EVP_PKEY_CTX_dup(k->signer);
}

EVP_PKEY *sig_pkey_from(const char *name, OSSL_PARAM_BLD *bld, int selection)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, name, NULL);
    if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, selection, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    for (OSSL_PARAM *p = params; selection == EVP_PKEY_KEYPAIR && p && p->key; p++)
        sec_wipe(p->data, p->data_size);
    OSSL_PARAM_free(params);
    return pkey;
}

err sig_from_public(enum sig_type t, struct span pub, struct sig_key **out)
{
    const struct sig_family *f = family_of(t);
    if (!f || pub.n == 0 || pub.n > SIG_PUBLIC_MAX)
        return ERR_MALFORMED;
    struct sig_key *k = OPENSSL_zalloc(sizeof *k);
    if (!k)
        return ERR_MEMORY;
    k->type = t;
    k->pub_len = pub.n;
    memcpy(k->pub, pub.p, pub.n);
    err e = f->open(k, pub);
    if (e != ERR_OK) {
        sig_free(k);
        ERR_clear_error();
        return e;
    }
    *out = k;
    return ERR_OK;
}

err sig_public_of(const EVP_PKEY *pkey, enum sig_type *type, uint8_t *out, size_t *out_len)
{
    for (int t = SIG_NONE + 1; t < SIG__COUNT; t++) {
        if (families[t]->type_of(pkey) != (enum sig_type)t)
            continue;
        *type = (enum sig_type)t;
        *out_len = families[t]->public_of(pkey, *type, out);
        return *out_len ? ERR_OK : ERR_MALFORMED;
    }
    return ERR_MALFORMED;
}

/* Does the private part belong to the public one? */
static bool belongs(const struct sig_key *pair, const struct sig_key *pub)
{
    static const struct span probe = { (const uint8_t *)"probe", 5 };
    uint8_t sig[SIG_LEN_MAX];
    size_t n = 0;
    return sig_make(pair, HASH_SHA256, probe, sig, &n) == ERR_OK &&
           sig_verify(pub, HASH_SHA256, probe, span_of(sig, n)) == ERR_OK;
}

/* Takes pkey over, also on failure. */
static err from_private_pkey(EVP_PKEY *pkey, struct sig_key **out)
{
    uint8_t raw[SIG_PUBLIC_MAX];
    size_t raw_len = 0;
    enum sig_type type;
    struct sig_key *pub = NULL, *pair = NULL;
    err e = sig_public_of(pkey, &type, raw, &raw_len);
    if (e == ERR_OK)
        e = sig_from_public(type, span_of(raw, raw_len), &pub); /* the same limits as for a peer's key */
    if (e != ERR_OK)
        goto out;
    e = ERR_MEMORY;
    pair = OPENSSL_memdup(pub, sizeof *pub);
    if (!pair)
        goto out;
    pair->pkey = pkey;
    pair->private = true;
    pkey = NULL;
    e = families[type]->prepare(pair);
    if (e == ERR_OK && !belongs(pair, pub))
        e = ERR_MALFORMED;
    if (e == ERR_OK) {
        *out = pair;
        pair = NULL;
    }
out:
    sig_free(pub);
    sig_free(pair);
    EVP_PKEY_free(pkey);
    if (e != ERR_OK)
        ERR_clear_error();
    return e;
}

static struct sig_key *made(EVP_PKEY *pkey)
{
    struct sig_key *k = NULL;
    if (!pkey) {
        ERR_clear_error();
        return NULL;
    }
    return from_private_pkey(pkey, &k) == ERR_OK ? k : NULL;
}

struct sig_key *sig_generate(enum sig_type t, unsigned bits)
{
    const struct sig_family *f = family_of(t);
    return f ? made(f->generate(t, bits)) : NULL;
}

struct sig_key *sig_generate_drawn(enum sig_type t, unsigned bits, const struct env *env)
{
    const struct sig_family *f = family_of(t);
    return f ? made(f->generate_drawn(t, bits, env)) : NULL;
}

err sig_from_private(struct span der, struct sig_key **out)
{
    const unsigned char *p = der.p;
    if (der.n == 0 || der.n > LONG_MAX)
        return ERR_MALFORMED;
    EVP_PKEY *pkey = NULL;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)der.n);
    if (info && p == der.p + der.n)
        pkey = EVP_PKCS82PKEY(info);
    PKCS8_PRIV_KEY_INFO_free(info);
    if (!pkey) {
        ERR_clear_error();
        return ERR_MALFORMED;
    }
    return from_private_pkey(pkey, out);
}

err sig_to_private(const struct sig_key *k, uint8_t **der, size_t *der_len)
{
    if (!k->private)
        return ERR_STATE;
    err e = ERR_CRYPTO;
    uint8_t *buf = NULL;
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(k->pkey);
    int n = info ? i2d_PKCS8_PRIV_KEY_INFO(info, NULL) : -1;
    if (n <= 0)
        goto out;
    e = ERR_MEMORY;
    buf = sec_alloc((size_t)n);
    if (!buf)
        goto out;
    unsigned char *p = buf;
    e = i2d_PKCS8_PRIV_KEY_INFO(info, &p) == n ? ERR_OK : ERR_CRYPTO;
    if (e != ERR_OK)
        goto out;
    *der = buf;
    *der_len = (size_t)n;
    buf = NULL;
out:
    sec_free(buf);
    PKCS8_PRIV_KEY_INFO_free(info); /* OpenSSL wipes its octets */
    if (e != ERR_OK)
        ERR_clear_error();
    return e;
}

void sig_free(struct sig_key *k)
{
    if (!k)
        return;
    EVP_PKEY_CTX_free(k->signer);
    sec_free(k->secret);
    EVP_PKEY_free(k->pkey);
    OPENSSL_free(k);
}

enum sig_type sig_key_type(const struct sig_key *k)
{
    return k->type;
}

struct span sig_public(const struct sig_key *k)
{
    return span_of(k->pub, k->pub_len);
}

bool sig_has_private(const struct sig_key *k)
{
    return k->private;
}

size_t sig_len(const struct sig_key *k)
{
    return k->sig_len;
}

err sig_make(const struct sig_key *k, enum hash_alg h, struct span msg, uint8_t *out, size_t *out_len)
{
    if (!k->private)
        return ERR_STATE;
    err e = families[k->type]->make(k, h, msg, out);
    if (e == ERR_OK)
        *out_len = k->sig_len;
    else
        ERR_clear_error();
    return e;
}

err sig_make_drawn(const struct sig_key *k, enum hash_alg h, struct span msg, const struct env *env,
                   uint8_t *out, size_t *out_len)
{
    const struct sig_family *f = families[k->type];
    if (!k->private)
        return ERR_STATE;
    err e = f->make_drawn ? f->make_drawn(k, h, msg, env, out) : f->make(k, h, msg, out);
    if (e == ERR_OK)
        *out_len = k->sig_len;
    else
        ERR_clear_error();
    return e;
}

err sig_verify(const struct sig_key *k, enum hash_alg h, struct span msg, struct span sig)
{
    if (sig.n != k->sig_len)
        return ERR_AUTH;
    if (families[k->type]->verify(k, h, msg, sig))
        return ERR_OK;
    ERR_clear_error();
    return ERR_AUTH;
}
