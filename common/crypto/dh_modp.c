/* SPDX-License-Identifier: Apache-2.0
 *
 * The groups of RFC 3526: p is a safe prime, the generator 2. Plain modular exponentiation, constant in time, over a Montgomery context
 * that is made once: OpenSSL's own key exchange would test each public value with a second exponentiation (5 ms for 3072 bits). In a group
 * of this kind the range 2 .. p-2 leaves no element of small order, so that test is ours and costs nothing (RFC 2785 s3.1, SP 800-56A
 * 5.6.2.3.2).
 */
#include "common/crypto/dh_priv.h"
#include "common/crypto/fetched.h"

bool dh_modp_fetch(enum dh_modp which, struct dh_modulus *out)
{
    static BIGNUM *(*const prime[MODP__COUNT])(BIGNUM *) = { [MODP_1536] = BN_get_rfc3526_prime_1536,
                                                             [MODP_2048] = BN_get_rfc3526_prime_2048,
                                                             [MODP_3072] = BN_get_rfc3526_prime_3072 };
    BN_CTX *ctx = BN_CTX_new();
    out->p = prime[which](NULL);
    out->p_less_1 = out->p ? BN_dup(out->p) : NULL;
    out->mont = BN_MONT_CTX_new();
    bool good = ctx && out->p_less_1 && out->mont && BN_sub_word(out->p_less_1, 1) == 1 &&
                BN_MONT_CTX_set(out->mont, out->p, ctx) == 1;
    BN_CTX_free(ctx);
    return good;
}

void dh_modp_free(struct dh_modulus *m)
{
    BN_free(m->p);
    BN_free(m->p_less_1);
    BN_MONT_CTX_free(m->mont);
}

/* out = base^x, as long as the modulus. */
static bool power(const struct dh_key *k, const BIGNUM *base, uint8_t *out)
{
    const struct dh_modulus *m = &crypto_fetched.modp[k->group->which];
    int n = k->group->shared_len;
    BN_CTX *ctx = BN_CTX_secure_new();
    BIGNUM *r = BN_secure_new();
    bool good = ctx && r && m->mont && BN_mod_exp_mont_consttime(r, base, k->x, m->p, ctx, m->mont) == 1 &&
                BN_bn2binpad(r, out, n) == n;
    BN_clear_free(r);
    BN_CTX_free(ctx);
    return good;
}

static bool pair(struct dh_key *k, struct span value)
{
    BIGNUM *generator = BN_new();
    k->x = BN_secure_new();
    bool good = generator && k->x && BN_bin2bn(value.p, (int)value.n, k->x) && !BN_is_zero(k->x) &&
                BN_set_word(generator, 2) == 1;
    if (good) {
        BN_set_flags(k->x, BN_FLG_CONSTTIME);
        good = power(k, generator, k->pub);
    }
    BN_free(generator);
    return good;
}

static bool in_range(const struct dh_modulus *m, const BIGNUM *y)
{
    return !BN_is_zero(y) && !BN_is_one(y) && BN_cmp(y, m->p_less_1) < 0;
}

static bool public_ok(int which, struct span value)
{
    BIGNUM *y = BN_bin2bn(value.p, (int)value.n, NULL);
    bool good = y && in_range(&crypto_fetched.modp[which], y);
    BN_free(y);
    return good;
}

static err shared(const struct dh_key *k, struct span peer, uint8_t *out)
{
    const struct dh_modulus *m = &crypto_fetched.modp[k->group->which];
    BIGNUM *y = BN_bin2bn(peer.p, (int)peer.n, NULL);
    err e = ERR_CRYPTO;
    if (y && !in_range(m, y))
        e = ERR_RANGE;
    else if (y && power(k, y, out))
        e = ERR_OK;
    BN_free(y);
    return e;
}

const struct dh_kind dh_modp = { pair, public_ok, shared };
