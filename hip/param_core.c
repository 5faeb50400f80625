/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/param_core.h"

#include <string.h>

err hip_get_r1_counter(struct span v, struct hip_r1_counter *out)
{
    struct rcur c = rcur_of(v);
    struct hip_r1_counter r = { .reserved = rcur_u32(&c) };
    r.counter = rcur_u64(&c);
    if (!rcur_end(&c))
        return ERR_MALFORMED;
    *out = r;
    return ERR_OK;
}

void hip_put_r1_counter(struct hip_build *b, const struct hip_r1_counter *r)
{
    struct wcur *w = hip_build_open(b, HIP_PAR_R1_COUNTER);
    wcur_u32(w, r->reserved);
    wcur_u64(w, r->counter);
    hip_build_close(b);
}

err hip_get_puzzle(struct span v, enum hash_alg rhash, struct hip_puzzle *out)
{
    struct rcur c = rcur_of(v);
    struct hip_puzzle p = { .k = rcur_u8(&c) };
    p.lifetime = rcur_u8(&c);
    p.opaque = rcur_u16(&c);
    p.i = rcur_take(&c, hash_len(rhash)); /* RFC 7401 s5.2.4 MUST; s5.2.5 below likewise */
    if (!rcur_end(&c) || p.i.n == 0)
        return ERR_MALFORMED;
    *out = p;
    return ERR_OK;
}

void hip_put_puzzle(struct hip_build *b, const struct hip_puzzle *p)
{
    struct wcur *w = hip_build_open(b, HIP_PAR_PUZZLE);
    wcur_u8(w, p->k);
    wcur_u8(w, p->lifetime);
    wcur_u16(w, p->opaque);
    wcur_span(w, p->i);
    hip_build_close(b);
}

uint64_t hip_puzzle_lifetime_us(uint8_t lifetime)
{
    if (lifetime >= 32) {
        unsigned up = lifetime - 32u;
        return up > 43 ? UINT64_MAX : UINT64_C(1000000) << up;
    }
    return UINT64_C(1000000) >> (32u - lifetime);
}

err hip_get_solution(struct span v, enum hash_alg rhash, struct hip_solution *out)
{
    struct rcur c = rcur_of(v);
    struct hip_solution s = { .k = rcur_u8(&c) };
    rcur_skip(&c, 1);
    s.opaque = rcur_u16(&c);
    s.i = rcur_take(&c, hash_len(rhash));
    s.j = rcur_take(&c, hash_len(rhash));
    if (!rcur_end(&c) || s.i.n == 0)
        return ERR_MALFORMED;
    *out = s;
    return ERR_OK;
}

void hip_put_solution(struct hip_build *b, const struct hip_solution *s)
{
    struct wcur *w = hip_build_open(b, HIP_PAR_SOLUTION);
    wcur_u8(w, s->k);
    wcur_u8(w, 0);
    wcur_u16(w, s->opaque);
    wcur_span(w, s->i);
    wcur_span(w, s->j);
    hip_build_close(b);
}

err hip_get_seq(struct span v, uint32_t *id)
{
    struct rcur c = rcur_of(v);
    uint32_t n = rcur_u32(&c);
    if (!rcur_end(&c))
        return ERR_MALFORMED;
    *id = n;
    return ERR_OK;
}

void hip_put_seq(struct hip_build *b, uint32_t id)
{
    wcur_u32(hip_build_open(b, HIP_PAR_SEQ), id);
    hip_build_close(b);
}

err hip_get_ack(struct span v, struct hip_acks *out)
{
    struct rcur c = rcur_of(v);
    struct hip_acks a = { 0 };
    if (v.n == 0 || v.n % 4)
        return ERR_MALFORMED;
    if (v.n / 4 > HIP_ACKS_MAX)
        return ERR_FULL;
    while (rcur_left(&c) > 0)
        a.id[a.n++] = rcur_u32(&c);
    *out = a;
    return ERR_OK;
}

void hip_put_ack(struct hip_build *b, const struct hip_acks *a)
{
    struct wcur *w = hip_build_open(b, HIP_PAR_ACK);
    for (size_t i = 0; i < a->n; i++)
        wcur_u32(w, a->id[i]);
    hip_build_close(b);
}

err hip_get_dh_groups(struct span v, struct hip_ids8 *out)
{
    if (v.n == 0)
        return ERR_MALFORMED;
    out->n = v.n < HIP_IDS_MAX ? v.n : HIP_IDS_MAX;
    memcpy(out->id, v.p, out->n);
    return ERR_OK;
}

void hip_put_dh_groups(struct hip_build *b, const struct hip_ids8 *l)
{
    hip_build_param(b, HIP_PAR_DH_GROUP_LIST, span_of(l->id, l->n));
}

err hip_get_hit_suites(struct span v, struct hip_ids8 *out)
{
    struct hip_ids8 l = { 0 };
    if (v.n == 0)
        return ERR_MALFORMED;
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] & 0x0f) /* RFC 7401 s5.2.10 MUST: the low nibble is zero */
            return ERR_MALFORMED;
        if (l.n < HIP_IDS_MAX)
            l.id[l.n++] = v.p[i] >> 4;
    }
    *out = l;
    return ERR_OK;
}

void hip_put_hit_suites(struct hip_build *b, const struct hip_ids8 *l)
{
    struct wcur *w = hip_build_open(b, HIP_PAR_HIT_SUITE_LIST);
    for (size_t i = 0; i < l->n; i++)
        wcur_u8(w, (uint8_t)(l->id[i] << 4));
    hip_build_close(b);
}

err hip_get_ids16(struct span v, size_t reserved, struct hip_ids16 *out)
{
    struct rcur c = rcur_of(v);
    struct hip_ids16 l = { 0 };
    rcur_skip(&c, reserved);
    while (rcur_ok(&c) && rcur_left(&c) > 0) {
        uint16_t id = rcur_u16(&c);
        if (l.n < HIP_IDS16_MAX)
            l.id[l.n++] = id;
        else
            l.more = true; /* RFC 7401 s5.2.8 MUST: the first six count, the rest is dropped */
    }
    if (!rcur_end(&c) || l.n == 0)
        return ERR_MALFORMED;
    *out = l;
    return ERR_OK;
}

void hip_put_ids16(struct hip_build *b, uint16_t type, size_t reserved, const struct hip_ids16 *l)
{
    struct wcur *w = hip_build_open(b, type);
    wcur_zero(w, reserved);
    for (size_t i = 0; i < l->n; i++)
        wcur_u16(w, l->id[i]);
    hip_build_close(b);
}

err hip_get_ciphers(struct span v, struct hip_ids16 *out)
{
    return hip_get_ids16(v, 0, out);
}

void hip_put_ciphers(struct hip_build *b, const struct hip_ids16 *l)
{
    hip_put_ids16(b, HIP_PAR_HIP_CIPHER, 0, l);
}

err hip_get_transports(struct span v, struct hip_ids16 *out)
{
    return hip_get_ids16(v, 0, out);
}

void hip_put_transports(struct hip_build *b, const struct hip_ids16 *l)
{
    hip_put_ids16(b, HIP_PAR_TRANSPORT_FORMAT_LIST, 0, l);
}

err hip_get_dh(struct span v, struct hip_dh *out)
{
    struct rcur c = rcur_of(v);
    struct hip_dh d = { .group = rcur_u8(&c) };
    d.pub = rcur_take(&c, rcur_u16(&c));
    if (!rcur_end(&c) || d.pub.n == 0) /* RFC 7401 s5.2.7 MUST: exactly one public value */
        return ERR_MALFORMED;
    *out = d;
    return ERR_OK;
}

void hip_put_dh(struct hip_build *b, const struct hip_dh *d)
{
    struct wcur *w = hip_build_open(b, HIP_PAR_DIFFIE_HELLMAN);
    wcur_u8(w, d->group);
    wcur_u16(w, (uint16_t)d->pub.n);
    wcur_span(w, d->pub);
    hip_build_close(b);
}

static bool is_fqdn(struct span v)
{
    size_t at = 0;
    while (at < v.n && v.p[at] != 0 && v.p[at] <= 63)
        at += 1u + v.p[at];
    return at + 1 == v.n && v.p[at] == 0;
}

static bool is_nai(struct span v)
{
    for (size_t i = 0; i < v.n; i++)
        if (v.p[i] < 0x20 || v.p[i] == 0x7f)
            return false;
    return v.n > 0;
}

bool hip_domain_id_ok(const struct hip_domain_id *d)
{
    if (d->v.n > HIP_DI_MAX)
        return false;
    switch (d->type) {
    case HIP_DI_NONE:
        return d->v.n == 0;
    case HIP_DI_FQDN:
        return is_fqdn(d->v);
    case HIP_DI_NAI:
        return is_nai(d->v);
    default:
        return false;
    }
}

/* HI Length counts the Host Identity alone, without Algorithm. */
err hip_get_host_id(struct span v, struct hip_host_id *out)
{
    struct rcur c = rcur_of(v);
    struct hip_host_id h = { 0 };
    size_t hi_len = rcur_u16(&c);
    uint16_t di = rcur_u16(&c);
    h.hi = rcur_take(&c, hi_len + 2);
    h.di_type = (uint8_t)(di >> 12);
    h.di = rcur_take(&c, di & 0x0fff);
    if (!rcur_end(&c) || hi_len == 0 || (h.di_type == HIP_DI_NONE && h.di.n))
        return ERR_MALFORMED;
    *out = h;
    return ERR_OK;
}

void hip_put_host_id(struct hip_build *b, const struct hip_host_id *h)
{
    struct wcur *w = hip_build_open(b, HIP_PAR_HOST_ID);
    if (h->hi.n < 3 || h->hi.n > UINT16_MAX || h->di.n > 0x0fff)
        b->failed = b->failed == ERR_OK ? ERR_RANGE : b->failed;
    wcur_u16(w, (uint16_t)(h->hi.n - 2));
    wcur_u16(w, (uint16_t)((unsigned)h->di_type << 12 | (h->di.n & 0x0fff)));
    wcur_span(w, h->hi);
    wcur_span(w, h->di);
    hip_build_close(b);
}
