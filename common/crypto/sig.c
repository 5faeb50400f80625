/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/sig.h"

#include <limits.h>
#include <string.h>

#include "common/base/cursor.h"
#include "common/crypto/fetched.h"
#include "common/crypto/secret.h"

#define RSA_BITS_MIN 1024
#define RSA_BITS_MAX 4096
#define RSA_E_MAX    8 /* octets: what a peer chooses for us to compute with stays small */

struct sig_key {
    enum sig_type type;
    EVP_PKEY *pkey;
    bool private;
    size_t sig_len;
    size_t pub_len;
    uint8_t pub[SIG_PUBLIC_MAX];
};

/* Width of a coordinate; 0 for RSA. */
static size_t ec_width(enum sig_type t)
{
    return t == SIG_ECDSA_P256 ? 32 : t == SIG_ECDSA_P384 ? 48 : 0;
}

static enum dh_curve ec_curve(enum sig_type t)
{
    return t == SIG_ECDSA_P384 ? DH_P384 : DH_P256;
}

static const EVP_MD *signing_md(enum hash_alg h)
{
    return h == HASH_SHA1 || h == HASH_SHA256 || h == HASH_SHA384 ? crypto_fetched.md[h] : NULL;
}

/* RFC 3110 s2: exponent length in one octet, or zero and two; neither number may begin with a zero octet. */
static err rsa_split(struct span pub, struct span *exponent, struct span *modulus)
{
    struct rcur c = rcur_of(pub);
    size_t n = rcur_u8(&c);
    if (n == 0) {
        n = rcur_u16(&c);
        if (n < 256)
            return ERR_MALFORMED;
    }
    struct span e = rcur_take(&c, n), m = rcur_rest(&c);
    if (!rcur_ok(&c) || e.n == 0 || e.n > RSA_E_MAX || m.n == 0 || e.p[0] == 0 || m.p[0] == 0)
        return ERR_MALFORMED;
    if (!(e.p[e.n - 1] & 1) || (e.n == 1 && e.p[0] < 3) || !(m.p[m.n - 1] & 1))
        return ERR_MALFORMED;
    size_t bits = 8 * m.n;
    for (uint8_t top = m.p[0]; !(top & 0x80); top = (uint8_t)(top << 1))
        bits--;
    if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
        return ERR_MALFORMED;
    *exponent = e;
    *modulus = m;
    return ERR_OK;
}

static EVP_PKEY *pkey_from_params(const char *name, OSSL_PARAM_BLD *bld)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, name, NULL);
    if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return pkey;
}

static EVP_PKEY *rsa_public(struct span exponent, struct span modulus)
{
    EVP_PKEY *pkey = NULL;
    BIGNUM *e = BN_bin2bn(exponent.p, (int)exponent.n, NULL), *n = BN_bin2bn(modulus.p, (int)modulus.n, NULL);
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    if (e && n && bld && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        pkey = pkey_from_params("RSA", bld);
    OSSL_PARAM_BLD_free(bld);
    BN_free(e);
    BN_free(n);
    return pkey;
}

/* pub X|Y; OpenSSL refuses a point that is not on the curve. */
static EVP_PKEY *ec_public(enum sig_type t, struct span pub)
{
    uint8_t point[1 + DH_PUBLIC_MAX] = { 0x04 };
    EVP_PKEY *pkey = NULL;
    memcpy(point + 1, pub.p, pub.n);
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    if (bld &&
        OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, crypto_curve_name(ec_curve(t)), 0) ==
            1 &&
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + pub.n) == 1)
        pkey = pkey_from_params("EC", bld);
    OSSL_PARAM_BLD_free(bld);
    return pkey;
}

err sig_from_public(enum sig_type t, struct span pub, struct sig_key **out)
{
    struct span e, m;
    EVP_PKEY *pkey = NULL;
    size_t w = ec_width(t), len = 2 * w;
    if (pub.n > SIG_PUBLIC_MAX)
        return ERR_MALFORMED;
    if (t == SIG_RSA) {
        err bad = rsa_split(pub, &e, &m);
        if (bad != ERR_OK)
            return bad;
        pkey = rsa_public(e, m);
        len = m.n;
    } else if (w && pub.n == 2 * w) {
        pkey = ec_public(t, pub);
    }
    if (!pkey) {
        ERR_clear_error();
        return ERR_MALFORMED;
    }
    struct sig_key *k = OPENSSL_zalloc(sizeof *k);
    if (!k) {
        EVP_PKEY_free(pkey);
        return ERR_MEMORY;
    }
    k->type = t;
    k->pkey = pkey;
    k->sig_len = len;
    k->pub_len = pub.n;
    memcpy(k->pub, pub.p, pub.n);
    *out = k;
    return ERR_OK;
}

/* The raw public form of pkey, and its type. */
static err raw_public(const EVP_PKEY *pkey, enum sig_type *type, uint8_t *out, size_t *out_len)
{
    if (EVP_PKEY_is_a(pkey, "RSA")) {
        BIGNUM *n = NULL, *e = NULL;
        err bad = ERR_MALFORMED;
        if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
            EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_num_bytes(e) <= RSA_E_MAX &&
            BN_num_bits(n) <= RSA_BITS_MAX) {
            out[0] = (uint8_t)BN_num_bytes(e);
            size_t elen = (size_t)BN_bn2bin(e, out + 1);
            *out_len = 1 + elen + (size_t)BN_bn2bin(n, out + 1 + elen);
            *type = SIG_RSA;
            bad = ERR_OK;
        }
        BN_free(n);
        BN_free(e);
        return bad;
    }
    uint8_t point[1 + DH_PUBLIC_MAX];
    size_t n = 0;
    if (!EVP_PKEY_is_a(pkey, "EC"))
        return ERR_MALFORMED;
    char group[32] = "";
    if (EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, NULL) != 1)
        return ERR_MALFORMED;
    if (strcmp(group, "prime256v1") == 0)
        *type = SIG_ECDSA_P256;
    else if (strcmp(group, "secp384r1") == 0)
        *type = SIG_ECDSA_P384;
    else
        return ERR_MALFORMED;
    if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &n) != 1 ||
        n != 1 + 2 * ec_width(*type) || point[0] != 0x04)
        return ERR_MALFORMED;
    memcpy(out, point + 1, n - 1);
    *out_len = n - 1;
    return ERR_OK;
}

/* Takes pkey over, also on failure. */
static err from_private_pkey(EVP_PKEY *pkey, struct sig_key **out)
{
    static const uint8_t probe[] = "does the private part belong to the public one?";
    uint8_t pub[SIG_PUBLIC_MAX], sig[SIG_LEN_MAX];
    size_t pub_len = 0, sig_n = 0;
    enum sig_type type;
    struct sig_key *k = NULL;
    err e = raw_public(pkey, &type, pub, &pub_len);
    if (e == ERR_OK)
        e = sig_from_public(type, span_of(pub, pub_len), &k); /* the same limits as for a peer's key */
    if (e != ERR_OK)
        goto out;
    /* k->pkey stays the public key until the probe has verified */
    struct sig_key pair = *k;
    pair.pkey = pkey;
    pair.private = true;
    e = sig_make(&pair, HASH_SHA256, span_of(probe, sizeof probe), sig, &sig_n);
    if (e == ERR_OK)
        e = sig_verify(k, HASH_SHA256, span_of(probe, sizeof probe), span_of(sig, sig_n));
    if (e != ERR_OK) {
        e = ERR_MALFORMED;
        goto out;
    }
    EVP_PKEY_free(k->pkey);
    k->pkey = pkey;
    k->private = true;
    *out = k;
    return ERR_OK;
out:
    sig_free(k);
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return e;
}

struct sig_key *sig_generate(enum sig_type t, unsigned bits)
{
    struct sig_key *k = NULL;
    EVP_PKEY *pkey = NULL;
    if (t == SIG_RSA) {
        if (bits < 2048 || bits > RSA_BITS_MAX)
            return NULL;
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
    } else if (ec_width(t)) {
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", crypto_curve_name(ec_curve(t)));
    }
    if (!pkey) {
        ERR_clear_error();
        return NULL;
    }
    return from_private_pkey(pkey, &k) == ERR_OK ? k : NULL;
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

/* PSS with MGF1 of the same hash and a salt of its length (RFC 7401 s5.2.14 and RFC 8017 s8.1). */
static bool set_padding(const struct sig_key *k, EVP_PKEY_CTX *ctx, const EVP_MD *md)
{
    if (EVP_PKEY_CTX_set_signature_md(ctx, md) != 1)
        return false;
    return k->type != SIG_RSA || (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
                                  EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1 &&
                                  EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
}

#define ECDSA_DER_MAX 112 /* two integers of 48 octets and a sign octet each, and their headers */

static err ecdsa_to_raw(const uint8_t *der, size_t n, size_t width, uint8_t *out)
{
    const unsigned char *p = der;
    ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &p, (long)n);
    if (!s)
        return ERR_CRYPTO;
    bool good = BN_bn2binpad(ECDSA_SIG_get0_r(s), out, (int)width) == (int)width &&
                BN_bn2binpad(ECDSA_SIG_get0_s(s), out + width, (int)width) == (int)width;
    ECDSA_SIG_free(s);
    return good ? ERR_OK : ERR_CRYPTO;
}

/* out holds ECDSA_DER_MAX. */
static err ecdsa_from_raw(struct span raw, uint8_t *out, size_t *out_len)
{
    err e = ERR_CRYPTO;
    int half = (int)(raw.n / 2);
    ECDSA_SIG *s = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw.p, half, NULL), *t = BN_bin2bn(raw.p + half, half, NULL);
    if (s && r && t && ECDSA_SIG_set0(s, r, t) == 1) {
        r = t = NULL; /* s owns them */
        int n = i2d_ECDSA_SIG(s, NULL);
        if (n > 0 && n <= ECDSA_DER_MAX && i2d_ECDSA_SIG(s, &out) == n) {
            *out_len = (size_t)n;
            e = ERR_OK;
        }
    }
    BN_free(r);
    BN_free(t);
    ECDSA_SIG_free(s);
    return e;
}

err sig_make(const struct sig_key *k, enum hash_alg h, struct span msg, uint8_t *out, size_t *out_len)
{
    const EVP_MD *md = signing_md(h);
    if (!md)
        return ERR_UNSUPPORTED;
    if (!k->private)
        return ERR_STATE;
    uint8_t digest[HASH_LEN_MAX], der[ECDSA_DER_MAX];
    err e = hash_once(h, msg, digest);
    if (e != ERR_OK)
        return e;
    e = ERR_CRYPTO;
    bool rsa = k->type == SIG_RSA;
    size_t n = rsa ? SIG_LEN_MAX : sizeof der;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
    if (!ctx || EVP_PKEY_sign_init(ctx) != 1 || !set_padding(k, ctx, md) ||
        EVP_PKEY_sign(ctx, rsa ? out : der, &n, digest, hash_len(h)) != 1)
        goto out;
    if (rsa)
        e = n == k->sig_len ? ERR_OK : ERR_CRYPTO;
    else
        e = ecdsa_to_raw(der, n, k->sig_len / 2, out);
    if (e == ERR_OK)
        *out_len = k->sig_len;
out:
    EVP_PKEY_CTX_free(ctx);
    if (e != ERR_OK)
        ERR_clear_error();
    return e;
}

err sig_verify(const struct sig_key *k, enum hash_alg h, struct span msg, struct span sig)
{
    const EVP_MD *md = signing_md(h);
    uint8_t digest[HASH_LEN_MAX], der[ECDSA_DER_MAX];
    if (!md || sig.n != k->sig_len || hash_once(h, msg, digest) != ERR_OK)
        return ERR_AUTH;
    size_t n = 0;
    if (k->type != SIG_RSA) {
        if (ecdsa_from_raw(sig, der, &n) != ERR_OK) {
            ERR_clear_error();
            return ERR_AUTH;
        }
        sig = span_of(der, n);
    }
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
    bool good = ctx && EVP_PKEY_verify_init(ctx) == 1 && set_padding(k, ctx, md) &&
                EVP_PKEY_verify(ctx, sig.p, sig.n, digest, hash_len(h)) == 1;
    EVP_PKEY_CTX_free(ctx);
    if (!good)
        ERR_clear_error();
    return good ? ERR_OK : ERR_AUTH;
}
