/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/hi.h"

#include <string.h>

#include "common/crypto/secret.h"
#include "hip/suite.h"

enum { CURVE_P256 = 1, CURVE_P384 = 2 }; /* RFC 7401 s5.2.9 */

/* IPSECKEY algorithm numbers that HIP RRs carry (RFC 8005 s5). */
enum { DNS_DSA = 1, DNS_RSA = 2, DNS_ECDSA = 3 };

static size_t point_len(enum sig_type t)
{
    return t == SIG_ECDSA_P256 ? 64 : t == SIG_ECDSA_P384 ? 96 : 0;
}

/* Lays out Algorithm | Host Identity and derives suite and HIT. key is not touched. */
static err lay_out(uint16_t alg, uint8_t suite, struct span field, struct hip_hi *out)
{
    if (field.n + 2 > sizeof(out->wire) || field.n == 0)
        return ERR_MALFORMED;
    memset(out, 0, sizeof(*out));
    out->alg = alg;
    out->suite = suite;
    out->rhash = hip_hit_suite(suite)->rhash;
    out->wire[0] = (uint8_t)(alg >> 8);
    out->wire[1] = (uint8_t)alg;
    memcpy(out->wire + 2, field.p, field.n);
    out->wire_len = (uint16_t)(field.n + 2);
    return hit_derive(suite, field, &out->hit);
}

/* RFC 7401 s5.2.9 MUST: curve(2) then X|Y; with a 0x04 in front as some peers send it: hashed as it is, flagged. */
static err ecdsa_from_field(struct span field, struct hip_hi *out)
{
    enum sig_type t = SIG_NONE;
    if (field.n < 3)
        return ERR_MALFORMED;
    unsigned curve = (unsigned)field.p[0] << 8 | field.p[1];
    if (curve == CURVE_P256)
        t = SIG_ECDSA_P256;
    else if (curve == CURVE_P384)
        t = SIG_ECDSA_P384;
    else
        return ERR_UNSUPPORTED;
    struct span xy = span_sub(field, 2, field.n - 2);
    bool x962 = xy.n == point_len(t) + 1 && xy.p[0] == 0x04;
    if (x962)
        xy = span_sub(xy, 1, xy.n - 1);
    if (xy.n != point_len(t))
        return ERR_MALFORMED;
    struct sig_key *key = NULL;
    err e = sig_from_public(t, xy, &key);
    if (e != ERR_OK)
        return e;
    e = lay_out(HIP_HI_ECDSA, 2, field, out);
    if (e != ERR_OK) {
        sig_free(key);
        return e;
    }
    out->x962 = x962;
    out->key = key;
    return ERR_OK;
}

static err rsa_from_field(struct span field, struct hip_hi *out)
{
    struct sig_key *key = NULL;
    err e = sig_from_public(SIG_RSA, field, &key);
    if (e != ERR_OK)
        return e;
    e = lay_out(HIP_HI_RSA, 1, field, out);
    if (e != ERR_OK) {
        sig_free(key);
        return e;
    }
    out->key = key;
    return ERR_OK;
}

err hip_hi_from_wire(struct span wire, struct hip_hi *out)
{
    struct hip_hi h;
    err e = ERR_UNSUPPORTED;
    if (wire.n < 3)
        return ERR_MALFORMED;
    unsigned alg = (unsigned)wire.p[0] << 8 | wire.p[1];
    struct span field = span_sub(wire, 2, wire.n - 2);
    if (alg == HIP_HI_RSA)
        e = rsa_from_field(field, &h);
    else if (alg == HIP_HI_ECDSA)
        e = ecdsa_from_field(field, &h);
    if (e == ERR_OK)
        *out = h;
    return e;
}

err hip_hi_from_key(struct sig_key *key, struct hip_hi *out)
{
    struct hip_hi h;
    uint8_t field[2 + 96];
    struct span pub = sig_public(key);
    err e;
    if (sig_key_type(key) == SIG_RSA) {
        e = lay_out(HIP_HI_RSA, 1, pub, &h);
    } else if (point_len(sig_key_type(key)) == pub.n && pub.n <= sizeof(field) - 2) {
        field[0] = 0;
        field[1] = sig_key_type(key) == SIG_ECDSA_P256 ? CURVE_P256 : CURVE_P384;
        memcpy(field + 2, pub.p, pub.n);
        e = lay_out(HIP_HI_ECDSA, 2, span_of(field, pub.n + 2), &h);
    } else {
        e = ERR_UNSUPPORTED;
    }
    if (e != ERR_OK) {
        sig_free(key);
        return e;
    }
    h.key = key;
    *out = h;
    return ERR_OK;
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

/* RFC 8005 s5 refers to RFC 4025: RSA as in RFC 3110; ECDSA as RFC 6605 would, the key alone: the curve follows from its length. */
err hip_hi_to_dns(const struct hip_hi *h, uint8_t *pk_alg, struct span *pk)
{
    struct span field = hip_hi_field(h);
    if (h->alg == HIP_HI_RSA) {
        *pk_alg = DNS_RSA;
        *pk = field;
        return ERR_OK;
    }
    if (h->alg != HIP_HI_ECDSA || h->x962)
        return ERR_UNSUPPORTED;
    *pk_alg = DNS_ECDSA;
    *pk = span_sub(field, 2, field.n - 2);
    return ERR_OK;
}

err hip_hi_from_dns(uint8_t pk_alg, struct span pk, struct hip_hi *out)
{
    uint8_t wire[HIP_HI_MAX] = { 0 };
    size_t at = 2;
    if (pk_alg == DNS_RSA) {
        wire[1] = HIP_HI_RSA;
    } else if (pk_alg == DNS_ECDSA && (pk.n == 64 || pk.n == 96)) {
        wire[1] = HIP_HI_ECDSA;
        wire[3] = pk.n == 64 ? CURVE_P256 : CURVE_P384;
        at = 4;
    } else {
        return ERR_UNSUPPORTED;
    }
    if (pk.n == 0 || pk.n > sizeof(wire) - at)
        return ERR_MALFORMED;
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
