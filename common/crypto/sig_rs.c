/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/base/cursor.h"
#include "common/base/env.h"
#include "common/crypto/secret.h"
#include "common/crypto/sig_priv.h"

enum { DER_INTEGER = 0x02, DER_SEQUENCE = 0x30 };

static bool integer_from_der(struct rcur *c, size_t width, uint8_t *out)
{
    uint8_t tag = rcur_u8(c);
    struct span v = rcur_take(c, rcur_u8(c));
    if (v.n > 1 && v.p[0] == 0)
        v = span_sub(v, 1, v.n - 1);
    if (!rcur_ok(c) || tag != DER_INTEGER || v.n > width)
        return false;
    memset(out, 0, width - v.n);
    memcpy(out + width - v.n, v.p, v.n);
    return true;
}

/* What OpenSSL made: lengths below 128, no doubt about the form. */
bool sig_rs_from_der(struct span der, size_t width, uint8_t *out)
{
    struct rcur c = rcur_of(der);
    uint8_t tag = rcur_u8(&c), n = rcur_u8(&c);
    return tag == DER_SEQUENCE && n == der.n - 2 && integer_from_der(&c, width, out) &&
           integer_from_der(&c, width, out + width) && rcur_rest(&c).n == 0;
}

static size_t integer_to_der(struct span v, uint8_t *out)
{
    while (v.n > 1 && v.p[0] == 0)
        v = span_sub(v, 1, v.n - 1);
    size_t sign = v.p[0] >> 7;
    out[0] = DER_INTEGER;
    out[1] = (uint8_t)(v.n + sign);
    out[2] = 0;
    memcpy(out + 2 + sign, v.p, v.n);
    return 2 + sign + v.n;
}

size_t sig_rs_to_der(struct span rs, uint8_t out[SIG_DER_MAX])
{
    size_t n = integer_to_der(span_sub(rs, 0, rs.n / 2), out + 2);
    n += integer_to_der(span_sub(rs, rs.n / 2, rs.n / 2), out + 2 + n);
    out[0] = DER_SEQUENCE;
    out[1] = (uint8_t)n;
    return n + 2;
}

BIGNUM *sig_drawn_scalar(const struct env *env, const char *name, const BIGNUM *order)
{
    uint8_t draw[SIG_RS_MAX + 8];
    size_t n = (size_t)BN_num_bytes(order) + 8;
    if (n > sizeof draw)
        return NULL;
    env_draw(env, name, draw, n);
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *d = BN_bin2bn(draw, (int)n, NULL), *less = BN_dup(order);
    sec_wipe(draw, sizeof draw);
    bool good = ctx && d && less && BN_sub_word(less, 1) == 1 && BN_mod(d, d, less, ctx) == 1 &&
                BN_add_word(d, 1) == 1;
    BN_CTX_free(ctx);
    BN_free(less);
    if (good)
        return d;
    BN_clear_free(d);
    return NULL;
}

/* The leftmost bits of the digest, as many as the order has (FIPS 186-4 s4.6, s6.4). */
static bool digest_bits(BIGNUM *z, struct span digest, int order_bits)
{
    int extra = (int)digest.n * 8 - order_bits;
    return BN_bin2bn(digest.p, (int)digest.n, z) && (extra <= 0 || BN_rshift(z, z, extra) == 1);
}

bool sig_rs_make(struct span digest, const BIGNUM *order, const BIGNUM *d, const BIGNUM *k, const BIGNUM *r,
                 size_t width, uint8_t *out)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *z = BN_new(), *s = BN_new(), *inverse = ctx ? BN_mod_inverse(NULL, k, order, ctx) : NULL;
    bool good = z && s && inverse && !BN_is_zero(r) && digest_bits(z, digest, BN_num_bits(order)) &&
                BN_mod_mul(s, r, d, order, ctx) == 1 && BN_mod_add(s, s, z, order, ctx) == 1 &&
                BN_mod_mul(s, s, inverse, order, ctx) == 1 && !BN_is_zero(s) &&
                BN_bn2binpad(r, out, (int)width) == (int)width &&
                BN_bn2binpad(s, out + width, (int)width) == (int)width;
    BN_clear_free(z);
    BN_clear_free(s);
    BN_clear_free(inverse);
    BN_CTX_free(ctx);
    return good;
}
