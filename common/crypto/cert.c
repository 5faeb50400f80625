/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/cert.h"

#include <limits.h>
#include <stdlib.h>

#include "common/crypto/ossl.h"
#include "common/crypto/sig_priv.h"

#define AUTH_LEVEL 2 /* OpenSSL's: at least 112 bits, no SHA-1 */

struct cert_cas {
    X509_STORE *store;
};

err cert_cas_new(struct cert_cas **out)
{
    struct cert_cas *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_MEMORY;
    c->store = X509_STORE_new();
    if (!c->store) {
        free(c);
        return ERR_MEMORY;
    }
    *out = c;
    return ERR_OK;
}

void cert_cas_free(struct cert_cas *c)
{
    if (!c)
        return;
    X509_STORE_free(c->store);
    free(c);
}

/* ---- PEM ---- */

/* Each certificate in it, until one is refused. */
static err each_pem(struct span pem, err (*take)(void *ctx, X509 *x), void *ctx)
{
    if (pem.n == 0 || pem.n > CERT_PEM_MAX)
        return pem.n ? ERR_RANGE : ERR_NOT_FOUND;
    BIO *b = BIO_new_mem_buf(pem.p, (int)pem.n);
    if (!b)
        return ERR_MEMORY;
    err r = ERR_OK;
    size_t found = 0;
    ERR_clear_error();
    for (X509 *x; r == ERR_OK && (x = PEM_read_bio_X509(b, NULL, NULL, NULL)); found++) {
        r = take(ctx, x);
        X509_free(x);
    }
    if (r == ERR_OK && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        r = ERR_MALFORMED; /* not the end of the file, but something that cannot be read */
    ERR_clear_error();
    BIO_free(b);
    return r == ERR_OK && found == 0 ? ERR_NOT_FOUND : r;
}

static err take_ca(void *ctx, X509 *x)
{
    struct cert_cas *c = ctx;
    return X509_STORE_add_cert(c->store, x) == 1 ? ERR_OK : ERR_MEMORY;
}

err cert_cas_add(struct cert_cas *c, struct span pem)
{
    return each_pem(pem, take_ca, c);
}

struct collected {
    uint8_t *p;
    size_t left, n;
    struct span *der;
};

static err take_der(void *ctx, X509 *x)
{
    struct collected *c = ctx;
    int len = i2d_X509(x, NULL);
    if (c->n == CERT_CHAIN_MAX)
        return ERR_FULL;
    if (len <= 0)
        return ERR_MALFORMED;
    if (len > CERT_DER_MAX || (size_t)len > c->left)
        return ERR_SPACE;
    c->der[c->n++] = span_of(c->p, (size_t)len);
    (void)i2d_X509(x, &c->p); /* moves it on */
    c->left -= (size_t)len;
    return ERR_OK;
}

err cert_from_pem(struct span pem, uint8_t *buf, size_t cap, struct span der[CERT_CHAIN_MAX], size_t *n)
{
    struct collected c = { .p = buf, .left = cap, .der = der };
    err r = each_pem(pem, take_der, &c);
    if (r == ERR_OK)
        *n = c.n;
    return r;
}

/* ---- judging ---- */

static X509 *read_der(struct span s)
{
    const uint8_t *p = s.p;
    if (s.n == 0 || s.n > CERT_DER_MAX)
        return NULL;
    X509 *x = d2i_X509(NULL, &p, (long)s.n);
    if (x && p != s.p + s.n) { /* octets behind it */
        X509_free(x);
        x = NULL;
    }
    return x;
}

static enum cert_verdict of_error(int e)
{
    switch (e) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return CERT_EXPIRED;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
        return CERT_UNKNOWN_CA;
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE:
    case X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY:
    case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
    case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
        return CERT_BAD;
    default:
        return CERT_OTHER;
    }
}

static bool seconds_left(const X509 *x, const ASN1_TIME *now, uint64_t *out)
{
    int days, s;
    if (!ASN1_TIME_diff(&days, &s, now, X509_get0_notAfter(x)) || days < 0 || s < 0)
        return false;
    *out = (uint64_t)days * 86400 + (uint64_t)s;
    return true;
}

/* How long the whole chain lasts; and that everything between the host and what is trusted is a CA's by its basicConstraints: OpenSSL also
 * takes less for one. */
static enum cert_verdict look_at_chain(const STACK_OF(X509) * chain, uint64_t unix_s, uint64_t *until_s)
{
    ASN1_TIME *now = ASN1_TIME_set(NULL, (time_t)unix_s);
    enum cert_verdict v = now ? CERT_GOOD : CERT_OTHER;
    uint64_t least = UINT64_MAX, left;
    int n = sk_X509_num(chain);
    for (int i = 0; v == CERT_GOOD && i < n; i++) {
        if (i > 0 && i < n - 1 && X509_check_ca(sk_X509_value(chain, i)) != 1)
            v = CERT_OTHER;
        else if (!seconds_left(sk_X509_value(chain, i), now, &left))
            v = CERT_EXPIRED;
        else if (left < least)
            least = left;
    }
    ASN1_TIME_free(now);
    if (v == CERT_GOOD)
        *until_s = unix_s + least;
    return v;
}

/* Where x stands among those that were given; one of our own CAs: it is the host's that does not hang on it as it should. */
static size_t place_of(const X509 *x, const STACK_OF(X509) * more)
{
    for (int i = 0; x && i < sk_X509_num(more); i++)
        if (X509_cmp(x, sk_X509_value(more, i)) == 0)
            return (size_t)i + 1;
    return 0;
}

static enum cert_verdict verify(const struct cert_cas *c, X509 *leaf, STACK_OF(X509) * more, uint64_t unix_s,
                                uint64_t *until_s, size_t *at)
{
    enum cert_verdict v = CERT_OTHER;
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    if (ctx && X509_STORE_CTX_init(ctx, c->store, leaf, more) == 1) {
        X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);
        X509_VERIFY_PARAM_set_time(p, (time_t)unix_s);
        X509_VERIFY_PARAM_set_depth(p, CERT_CHAIN_MAX);
        X509_VERIFY_PARAM_set_auth_level(p, AUTH_LEVEL);
        /* A CA that is trusted need not be a root. */
        X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_PARTIAL_CHAIN);
        if (X509_verify_cert(ctx) == 1) {
            v = look_at_chain(X509_STORE_CTX_get0_chain(ctx), unix_s, until_s);
        } else {
            v = of_error(X509_STORE_CTX_get_error(ctx));
            *at = place_of(X509_STORE_CTX_get_current_cert(ctx), more);
        }
    }
    X509_STORE_CTX_free(ctx);
    return v;
}

/* A subjectAltName inside 2001:20::/28 (RFC 7343 s2). */
static bool has_hit(X509 *x)
{
    bool found = false;
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);
        const uint8_t *ip = n->type == GEN_IPADD ? ASN1_STRING_get0_data(n->d.iPAddress) : NULL;
        found |= ip && ASN1_STRING_length(n->d.iPAddress) == 16 && ip[0] == 0x20 && ip[1] == 0x01 &&
                 ip[2] == 0 && ip[3] >> 4 == 2;
    }
    GENERAL_NAMES_free(names);
    return found;
}

/* RFC 8002 s3: HITs stand as iPAddress; a CA that knows none certifies the key alone. */
static bool is_of(X509 *leaf, const struct cert_holder *who)
{
    uint8_t pub[SIG_PUBLIC_MAX];
    size_t n;
    enum sig_type t;
    if (X509_check_ip(leaf, who->address, 16, 0) == 1)
        return true;
    return !has_hit(leaf) && sig_public_of(X509_get0_pubkey(leaf), &t, pub, &n) == ERR_OK &&
           t == sig_key_type(who->key) && span_eq(span_of(pub, n), sig_public(who->key));
}

enum cert_verdict cert_judge(const struct cert_cas *c, const struct span *der, size_t n,
                             const struct cert_holder *who, uint64_t unix_s, uint64_t *until_s, size_t *at)
{
    *at = 0;
    if (n == 0 || n > CERT_CHAIN_MAX || unix_s > INT32_MAX * UINT64_C(64))
        return CERT_OTHER;
    X509 *leaf = read_der(der[0]);
    STACK_OF(X509) *more = sk_X509_new_null();
    enum cert_verdict v = !more ? CERT_OTHER : leaf ? CERT_GOOD : CERT_BAD;
    for (size_t i = 1; v == CERT_GOOD && i < n; i++) {
        X509 *x = read_der(der[i]);
        if (!x) {
            v = CERT_BAD;
            *at = i;
        } else if (!sk_X509_push(more, x)) {
            X509_free(x);
            v = CERT_OTHER;
        }
    }
    uint64_t until = 0;
    if (v == CERT_GOOD)
        v = verify(c, leaf, more, unix_s, &until, at);
    if (v == CERT_GOOD && !is_of(leaf, who))
        v = CERT_NOT_YOURS;
    if (v == CERT_GOOD)
        *until_s = until;
    sk_X509_pop_free(more, X509_free);
    X509_free(leaf);
    ERR_clear_error();
    return v;
}
