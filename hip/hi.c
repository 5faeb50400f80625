/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/hi.h"

#include <string.h>

#include "common/base/cursor.h"
#include "common/crypto/secret.h"
#include "hip/proto.h"
#include "hip/suite.h"

/* RFC 7401 s5.2.9 MUST: how the Host Identity field of each kind of key is laid out: label, key (EdDSA: RFC 9374 s3.4.1, two NULL octets after the
 * curve). dns: the algorithm number of IPSECKEY that HIP RRs carry (RFC 8005 s5; 4: RFC 9373); 0: it has none. */
static const struct form {
    enum sig_type type;
    uint16_t alg;
    uint8_t suite;
    uint8_t label_len;
    uint8_t label[4];
    uint16_t key_len; /* 0: any */
    uint8_t dns;
} forms[] = {
    { SIG_RSA, HIP_HI_RSA, 1, 0, { 0 }, 0, 2 },
    { SIG_DSA, HIP_HI_DSA, 1, 0, { 0 }, 0, 1 },
    { SIG_ECDSA_P256, HIP_HI_ECDSA, 2, 2, { 0, 1 }, 64, 3 },
    { SIG_ECDSA_P384, HIP_HI_ECDSA, 2, 2, { 0, 2 }, 96, 3 },
    { SIG_ECDSA_SECP160R1, HIP_HI_ECDSA_LOW, 3, 2, { 0, 1 }, 40, 0 },
    { SIG_ED25519, HIP_HI_EDDSA, 5, 4, { 0, 1, 0, 0 }, 32, 4 },
    { SIG_ED448, HIP_HI_EDDSA, 5, 4, { 0, 3, 0, 0 }, 57, 4 },
};

#define FORMS     (sizeof forms / sizeof *forms)
#define CURVE_LEN 2

const char *hip_hi_alg_name(unsigned alg)
{
    switch (alg) {
    case HIP_HI_DSA:
        return "DSA";
    case HIP_HI_RSA:
        return "RSA";
    case HIP_HI_ECDSA:
        return "ECDSA";
    case HIP_HI_ECDSA_LOW:
        return "ECDSA_LOW";
    case HIP_HI_EDDSA:
        return "EdDSA";
    default:
        return "unknown";
    }
}

static const struct form *form_of_type(enum sig_type t)
{
    for (size_t i = 0; i < FORMS; i++)
        if (forms[i].type == t)
            return &forms[i];
    return NULL;
}

/* By Algorithm and, where there is one, curve. ERR_UNSUPPORTED: no such; ERR_MALFORMED: cut off in the curve. */
static err form_of_field(unsigned alg, struct span field, const struct form **out)
{
    err e = ERR_UNSUPPORTED;
    for (size_t i = 0; i < FORMS; i++) {
        if (forms[i].alg != alg)
            continue;
        if (forms[i].label_len && field.n < CURVE_LEN) {
            e = ERR_MALFORMED;
        } else if (!forms[i].label_len || memcmp(field.p, forms[i].label, CURVE_LEN) == 0) {
            *out = &forms[i];
            return ERR_OK;
        }
    }
    return e;
}

/* Lays out Algorithm | Host Identity and derives suite and HIT. key is not touched. */
static err lay_out(const struct form *f, struct span field, struct hip_hi *out)
{
    if (field.n + 2 > sizeof(out->wire) || field.n == 0)
        return ERR_MALFORMED;
    memset(out, 0, sizeof(*out));
    out->alg = f->alg;
    out->suite = f->suite;
    out->rhash = hip_hit_suite(f->suite)->rhash;
    out->wire[1] = (uint8_t)f->alg;
    memcpy(out->wire + 2, field.p, field.n);
    out->wire_len = (uint16_t)(field.n + 2);
    return hit_derive(f->suite, field, &out->hit);
}

/* An ECDSA point may come with a 0x04 in front, as some peers send it: hashed as it is, flagged. */
static err key_of_field(const struct form *f, struct span field, bool *x962, struct sig_key **out)
{
    if (field.n < f->label_len || memcmp(field.p, f->label, f->label_len) != 0)
        return ERR_MALFORMED;
    struct span key = span_sub(field, f->label_len, field.n - f->label_len);
    *x962 = f->alg == HIP_HI_ECDSA && key.n == f->key_len + 1u && key.p[0] == 0x04;
    if (*x962)
        key = span_sub(key, 1, key.n - 1);
    if (f->key_len && key.n != f->key_len)
        return ERR_MALFORMED;
    return sig_from_public(f->type, key, out);
}

err hip_hi_from_wire(struct span wire, struct hip_hi *out)
{
    struct hip_hi h;
    struct sig_key *key = NULL;
    const struct form *f = NULL;
    bool x962 = false;
    if (wire.n < 3)
        return ERR_MALFORMED;
    struct span field = span_sub(wire, 2, wire.n - 2);
    err e = form_of_field((unsigned)wire.p[0] << 8 | wire.p[1], field, &f);
    if (e == ERR_OK)
        e = key_of_field(f, field, &x962, &key);
    if (e == ERR_OK)
        e = lay_out(f, field, &h);
    if (e != ERR_OK) {
        sig_free(key);
        return e;
    }
    h.x962 = x962;
    h.key = key;
    *out = h;
    return ERR_OK;
}

unsigned hip_hi_rsa_bits(const struct hip_hi *h)
{
    struct rcur c = rcur_of(hip_hi_field(h));
    if (h->alg != HIP_HI_RSA)
        return 0;
    size_t n = rcur_u8(&c); /* RFC 3110 s2: of the exponent */
    (void)rcur_take(&c, n ? n : rcur_u16(&c));
    struct span m = rcur_rest(&c);
    if (m.n == 0)
        return 0;
    unsigned bits = 8 * (unsigned)m.n;
    for (unsigned top = m.p[0]; top && !(top & 0x80); top <<= 1)
        bits--;
    return bits;
}

err hip_hi_from_key(struct sig_key *key, struct hip_hi *out)
{
    struct hip_hi h;
    uint8_t field[HIP_HI_MAX];
    struct span pub = sig_public(key);
    const struct form *f = form_of_type(sig_key_type(key));
    err e = f && f->label_len + pub.n <= sizeof field ? ERR_OK : ERR_UNSUPPORTED;
    if (e == ERR_OK) {
        memcpy(field, f->label, f->label_len);
        memcpy(field + f->label_len, pub.p, pub.n);
        e = lay_out(f, span_of(field, f->label_len + pub.n), &h);
    }
    if (e != ERR_OK) {
        sig_free(key);
        return e;
    }
    h.key = key;
    *out = h;
    return ERR_OK;
}

enum sig_type hip_hi_kind_named(const char *name, unsigned *bits)
{
    static const struct {
        const char *name;
        enum sig_type type;
        unsigned bits;
    } kinds[] = { { "rsa-2048", SIG_RSA, 2048 },
                  { "rsa-3072", SIG_RSA, 3072 },
                  { "dsa", SIG_DSA, 1024 },
                  { "ecdsa-p256", SIG_ECDSA_P256, 0 },
                  { "ecdsa-p384", SIG_ECDSA_P384, 0 },
                  { "ecdsa-low", SIG_ECDSA_SECP160R1, 0 },
                  { "ed25519", SIG_ED25519, 0 },
                  { "ed448", SIG_ED448, 0 } };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, name) == 0) {
            *bits = kinds[i].bits;
            return kinds[i].type;
        }
    return SIG_NONE;
}

err hip_hi_generate(enum sig_type t, unsigned bits, struct hip_hi *out)
{
    struct sig_key *key = sig_generate(t, bits);
    return key ? hip_hi_from_key(key, out) : ERR_CRYPTO;
}

err hip_hi_from_private(struct span der, struct hip_hi *out)
{
    struct sig_key *key = NULL;
    err e = sig_from_private(der, &key);
    return e == ERR_OK ? hip_hi_from_key(key, out) : e;
}

/* RFC 7401 s5.1.2, s5.3.2 MUST: the A control tells an anonymous HI. */
uint16_t hip_hi_controls(const struct hip_hi *h)
{
    return h->anonymous ? HIP_CONTROL_A : 0;
}

/* Keys have no copy operation: a private one goes through its DER form in secret memory, a public one through the wire. */
err hip_hi_copy(const struct hip_hi *in, struct hip_hi *out)
{
    uint8_t *der = NULL;
    size_t n = 0;
    if (!in->key || !sig_has_private(in->key))
        return hip_hi_from_wire(span_of(in->wire, in->wire_len), out);
    err e = sig_to_private(in->key, &der, &n);
    if (e == ERR_OK)
        e = hip_hi_from_private(span_of(der, n), out);
    sec_free(der);
    if (e == ERR_OK) { /* the wire form as it is: a point may be sent with a leading 0x04 */
        struct sig_key *key = out->key;
        *out = *in;
        out->key = key;
    }
    return e;
}

void hip_hi_done(struct hip_hi *h)
{
    sig_free(h->key);
    *h = (struct hip_hi){ 0 };
}

/* RFC 8005 s5 refers to RFC 4025: RSA as in RFC 3110, DSA as in RFC 2536, ECDSA as RFC 6605 would, EdDSA as RFC 8080 does: the key alone,
 * the curve follows from its length. */
err hip_hi_to_dns(const struct hip_hi *h, uint8_t *pk_alg, struct span *pk)
{
    struct span field = hip_hi_field(h);
    const struct form *f = NULL;
    if (form_of_field(h->alg, field, &f) != ERR_OK || !f->dns || h->x962)
        return ERR_UNSUPPORTED;
    *pk_alg = f->dns;
    *pk = span_sub(field, f->label_len, field.n - f->label_len);
    return ERR_OK;
}

err hip_hi_from_dns(uint8_t pk_alg, struct span pk, struct hip_hi *out)
{
    uint8_t wire[HIP_HI_MAX] = { 0 };
    const struct form *f = NULL;
    for (size_t i = 0; i < FORMS && !f; i++)
        if (forms[i].dns && forms[i].dns == pk_alg && (!forms[i].key_len || forms[i].key_len == pk.n))
            f = &forms[i];
    if (!f)
        return ERR_UNSUPPORTED;
    size_t at = 2 + (size_t)f->label_len;
    if (pk.n == 0 || pk.n > sizeof(wire) - at)
        return ERR_MALFORMED;
    wire[1] = (uint8_t)f->alg;
    memcpy(wire + 2, f->label, f->label_len);
    memcpy(wire + at, pk.p, pk.n);
    return hip_hi_from_wire(span_of(wire, at + pk.n), out);
}

err hip_hi_sign(const struct hip_hi *h, struct span msg, uint8_t *out, size_t cap, size_t *len)
{
    size_t n = 0;
    if (!h->key || !sig_has_private(h->key))
        return ERR_STATE;
    if (cap < 2 + sig_len(h->key))
        return ERR_SPACE;
    out[0] = (uint8_t)(h->alg >> 8);
    out[1] = (uint8_t)h->alg;
    err e = h->draws ? sig_make_drawn(h->key, h->rhash, msg, h->draws, out + 2, &n)
                     : sig_make(h->key, h->rhash, msg, out + 2, &n);
    if (e == ERR_OK)
        *len = n + 2;
    return e;
}

/* RFC 7401 s5.2.14 MUST: SIG alg, 16 bits, is the HI's own algorithm. */
err hip_hi_verify(const struct hip_hi *h, struct span msg, struct span sig)
{
    if (!h->key || sig.n < 3 || (sig.p[0] << 8 | sig.p[1]) != h->alg)
        return ERR_AUTH;
    return sig_verify(h->key, h->rhash, msg, span_sub(sig, 2, sig.n - 2));
}
