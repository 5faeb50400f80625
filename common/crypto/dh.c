/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/dh.h"

#include <string.h>

#include "common/crypto/dh_priv.h"
#include "common/crypto/ec.h"
#include "common/crypto/secret.h"

#define DRAWS_MAX \
    64 /* SECP160R1 takes every second draw, the others nearly every one; so many in a row is a broken env */

/* MODP exponents have twice the bits of the group's strength or more (RFC 3526 s8). */
static const struct dh_desc groups[DH__COUNT] = {
    [DH_P256] = { &dh_ec, EC_P256, 32, 0xff, 64, 32 },
    [DH_P384] = { &dh_ec, EC_P384, 48, 0xff, 96, 48 },
    [DH_P521] = { &dh_ec, EC_P521, 66, 0x01, 132, 66 },
    [DH_SECP160R1] = { &dh_ec, EC_SECP160R1, 21, 0x01, 40, 20 },
    [DH_MODP1536] = { &dh_modp, MODP_1536, 32, 0xff, 192, 192 },
    [DH_MODP2048] = { &dh_modp, MODP_2048, 32, 0xff, 256, 256 },
    [DH_MODP3072] = { &dh_modp, MODP_3072, 40, 0xff, 384, 384 },
    [DH_X25519] = { &dh_x25519, 0, 32, 0xff, 32, 32 },
};

static const struct dh_desc *desc(enum dh_group g)
{
    return (unsigned)g < DH__COUNT ? &groups[g] : NULL;
}

size_t dh_private_len(enum dh_group g)
{
    return desc(g) ? desc(g)->private_len : 0;
}

size_t dh_public_len(enum dh_group g)
{
    return desc(g) ? desc(g)->public_len : 0;
}

size_t dh_shared_len(enum dh_group g)
{
    return desc(g) ? desc(g)->shared_len : 0;
}

struct dh_key *dh_from_private(enum dh_group g, struct span value)
{
    const struct dh_desc *d = desc(g);
    if (!d || value.n != d->private_len)
        return NULL;
    struct dh_key *k = OPENSSL_zalloc(sizeof *k + d->public_len);
    if (!k)
        return NULL;
    k->group = d;
    if (d->kind->pair(k, value))
        return k;
    dh_free(k);
    ERR_clear_error();
    return NULL;
}

struct dh_key *dh_generate(enum dh_group g, const struct env *env)
{
    const struct dh_desc *d = desc(g);
    uint8_t value[DH_PRIVATE_MAX];
    struct dh_key *k = NULL;
    if (!d)
        return NULL;
    for (int i = 0; i < DRAWS_MAX && !k; i++) {
        env_draw(env, "dh_private", value, d->private_len);
        value[0] &= d->top;
        k = dh_from_private(g, span_of(value, d->private_len));
    }
    sec_wipe(value, sizeof value);
    return k;
}

struct dh_key *dh_share(struct dh_key *k)
{
    k->more++;
    return k;
}

size_t dh_secret_len(const struct dh_key *k)
{
    return k->group->shared_len;
}

void dh_free(struct dh_key *k)
{
    if (!k)
        return;
    if (k->more > 0) {
        k->more--;
        return;
    }
    EVP_PKEY_CTX_free(k->deriver);
    EVP_PKEY_free(k->pkey);
    BN_clear_free(k->x);
    OPENSSL_free(k);
}

struct span dh_public(const struct dh_key *k)
{
    return span_of(k->pub, k->group->public_len);
}

bool dh_public_ok(enum dh_group g, struct span value)
{
    const struct dh_desc *d = desc(g);
    if (!d || value.n != d->public_len)
        return false;
    bool good = d->kind->public_ok(d->which, value);
    if (!good)
        ERR_clear_error();
    return good;
}

err dh_shared(const struct dh_key *k, struct span peer_public, uint8_t *out)
{
    uint8_t secret[DH_SHARED_MAX];
    size_t n = k->group->shared_len;
    if (peer_public.n != k->group->public_len)
        return ERR_RANGE;
    err e = k->group->kind->shared(k, peer_public, secret);
    if (e == ERR_OK)
        memcpy(out, secret, n);
    else
        ERR_clear_error();
    sec_wipe(secret, n);
    return e;
}
