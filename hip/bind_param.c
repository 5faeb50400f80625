/* SPDX-License-Identifier: Apache-2.0
 * docs/sim-binding.md section 2. */
#include "hip/bind_param.h"

#include <string.h>

#define VERSION          1
#define ITEM_HEADER      4
#define IGNORABLE_FROM   128 /* unknown items from here on are ignored */
#define TLV_HEADER       4
#define EAP_HEADER       4
#define HI_ITEM_MIN      3 /* Algorithm(2) and something */
#define PROOF_MIN        3 /* SIG alg(2) and something */
#define HIT_LEN          16
#define NAME_WIRE_MAX    255
#define RESPONSE_CONTENT 1792

const char *hip_bind_status_text(unsigned status)
{
    switch (status) {
#define X(name, num, text) \
    case num: \
        return text;
        HIP_BIND_STATUS_LIST(X)
#undef X
    }
    return "unknown";
}

/* ---- forms of values ---- */

/* One whole name in wire form: labels of 1 to 63 octets without upper-case letters, uncompressed, a root label at the end. */
static bool is_name(struct span s)
{
    struct rcur c = rcur_of(s);
    if (s.n < 3 || s.n > NAME_WIRE_MAX)
        return false;
    for (;;) {
        uint8_t n = rcur_u8(&c);
        if (!rcur_ok(&c) || n > 63)
            return false;
        if (n == 0)
            return rcur_end(&c);
        struct span label = rcur_take(&c, n);
        if (label.n != n)
            return false;
        for (size_t i = 0; i < n; i++)
            if (label.p[i] >= 'A' && label.p[i] <= 'Z')
                return false;
    }
}

/* Octets of the UTF-8 sequence at p, 0 when there is none (RFC 3629: no surrogates, no overlong forms, up to U+10FFFF). */
static size_t utf8_len(const uint8_t *p, size_t n)
{
    static const struct {
        uint8_t lo, hi, second_lo, second_hi, len;
    } forms[] = {
        { 0x00, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
        { 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
        { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (p[0] < forms[i].lo || p[0] > forms[i].hi)
            continue;
        if (forms[i].len == 1)
            return 1;
        if (n < forms[i].len || p[1] < forms[i].second_lo || p[1] > forms[i].second_hi)
            return 0;
        for (size_t k = 2; k < forms[i].len; k++)
            if ((p[k] & 0xc0) != 0x80)
                return 0;
        return forms[i].len;
    }
    return 0;
}

static bool is_utf8(struct span s)
{
    for (size_t at = 0; at < s.n;) {
        size_t k = utf8_len(s.p + at, s.n - at);
        if (k == 0)
            return false;
        at += k;
    }
    return true;
}

/* ---- items ---- */

struct item {
    uint8_t type;
    struct span value;
};

/* The next item; false at the end or when the cursor failed. prev is the type before, and items ascend. */
static bool item_next(struct rcur *c, uint8_t *prev, struct item *out)
{
    if (rcur_left(c) == 0)
        return false;
    out->type = rcur_u8(c);
    rcur_skip(c, 1);
    uint16_t n = rcur_u16(c);
    out->value = rcur_take(c, n);
    if (out->type < *prev)
        rcur_fail(c);
    *prev = out->type;
    return rcur_ok(c);
}

static void item_write(struct wcur *w, uint8_t type, struct span a, struct span b)
{
    wcur_u8(w, type);
    wcur_u8(w, 0);
    wcur_u16(w, (uint16_t)(a.n + b.n));
    wcur_span(w, a);
    wcur_span(w, b);
}

static void item_write_if(struct wcur *w, uint8_t type, struct span a)
{
    if (a.n)
        item_write(w, type, a, span_of(NULL, 0));
}

/* An item that may stand once: false when it stood already. */
static bool set_once(struct span *slot, struct span value)
{
    if (slot->p)
        return false;
    *slot = value;
    return true;
}

/* ---- BIND_REQUEST ---- */

static bool request_item(const struct item *it, struct hip_bind_request *r)
{
    struct span v = it->value;
    switch (it->type) {
    case HIP_BIND_ITEM_HI:
        return v.n >= HI_ITEM_MIN && set_once(&r->hi, v);
    case HIP_BIND_ITEM_HI_PROOF:
        return v.n >= PROOF_MIN && set_once(&r->hi_proof, v);
    case HIP_BIND_ITEM_WANTED:
        if (!is_name(v) || r->n_wanted == HIP_BIND_FQDN_MAX)
            return false;
        r->wanted[r->n_wanted++] = v;
        return true;
    case HIP_BIND_ITEM_DEVICE:
        return v.n >= 1 && v.n <= HIP_BIND_DEVICE_MAX && is_utf8(v) && set_once(&r->device, v);
    case HIP_BIND_ITEM_SECRET:
        return v.n == HIP_BIND_SECRET_LEN && set_once(&r->secret, v);
    case HIP_BIND_ITEM_OLD_PROOF:
        if (v.n < HIT_LEN + PROOF_MIN || !set_once(&r->old_hit, span_sub(v, 0, HIT_LEN)))
            return false;
        r->old_proof = span_sub(v, HIT_LEN, v.n - HIT_LEN);
        return true;
    case HIP_BIND_ITEM_OLD_SECRET:
        return v.n == HIP_BIND_SECRET_LEN && set_once(&r->old_secret, v);
    default:
        return it->type >= IGNORABLE_FROM;
    }
}

err hip_bind_request_parse(struct span contents, struct hip_bind_request *out)
{
    struct hip_bind_request r = { 0 };
    struct rcur c = rcur_of(contents);
    struct item it;
    uint8_t prev = 0;

    if (contents.n > HIP_BIND_REQUEST_MAX || rcur_u8(&c) != VERSION)
        return ERR_MALFORMED;
    r.flags = rcur_u8(&c);
    r.attempt = rcur_u16(&c);
    r.lifetime_s = rcur_u32(&c);
    while (item_next(&c, &prev, &it))
        if (!request_item(&it, &r))
            return ERR_MALFORMED;
    if (!rcur_end(&c) || r.attempt == 0)
        return ERR_MALFORMED;
    if (span_empty(r.hi) != span_empty(r.hi_proof))
        return ERR_MALFORMED;
    if ((r.flags & HIP_BIND_REFRESH) && (r.hi.n || r.n_wanted))
        return ERR_MALFORMED;
    *out = r;
    return ERR_OK;
}

void hip_bind_request_write(struct wcur *w, const struct hip_bind_request *r)
{
    size_t start = wcur_len(w);
    wcur_u8(w, VERSION);
    wcur_u8(w, r->flags);
    wcur_u16(w, r->attempt);
    wcur_u32(w, r->lifetime_s);
    item_write_if(w, HIP_BIND_ITEM_HI, r->hi);
    item_write_if(w, HIP_BIND_ITEM_HI_PROOF, r->hi_proof);
    for (size_t i = 0; i < r->n_wanted && i < HIP_BIND_FQDN_MAX; i++)
        item_write_if(w, HIP_BIND_ITEM_WANTED, r->wanted[i]);
    item_write_if(w, HIP_BIND_ITEM_DEVICE, r->device);
    item_write_if(w, HIP_BIND_ITEM_SECRET, r->secret);
    if (r->old_hit.n)
        item_write(w, HIP_BIND_ITEM_OLD_PROOF, r->old_hit, r->old_proof);
    item_write_if(w, HIP_BIND_ITEM_OLD_SECRET, r->old_secret);
    if (wcur_len(w) - start > HIP_BIND_REQUEST_MAX)
        w->failed = true;
}

/* ---- BIND_RESPONSE ---- */

static bool response_item(const struct item *it, struct hip_bind_response *r)
{
    struct span v = it->value;
    switch (it->type) {
    case HIP_BIND_ITEM_FQDN:
        return is_name(v) && set_once(&r->fqdn, v);
    case HIP_BIND_ITEM_ADDR:
        if (v.n != 16 || r->n_addr == HIP_BIND_ADDR_MAX)
            return false;
        r->addr[r->n_addr++] = v;
        return true;
    case HIP_BIND_ITEM_FA:
        if (v.n <= HIT_LEN || r->n_fa == HIP_BIND_FA_MAX)
            return false;
        r->fa[r->n_fa].hit = span_sub(v, 0, HIT_LEN);
        r->fa[r->n_fa].name = span_sub(v, HIT_LEN, v.n - HIT_LEN);
        return is_name(r->fa[r->n_fa++].name);
    case HIP_BIND_ITEM_FA_HI:
        return v.n >= HI_ITEM_MIN && set_once(&r->fa_hi, v);
    case HIP_BIND_ITEM_REASON:
        return v.n >= 1 && v.n <= HIP_BIND_REASON_MAX && is_utf8(v) && set_once(&r->reason, v);
    default:
        return it->type >= IGNORABLE_FROM;
    }
}

err hip_bind_response_parse(struct span contents, struct hip_bind_response *out)
{
    struct hip_bind_response r = { 0 };
    struct rcur c = rcur_of(contents);
    struct item it;
    uint8_t prev = 0;

    if (rcur_u8(&c) != VERSION)
        return ERR_MALFORMED;
    r.status = rcur_u8(&c);
    r.attempt = rcur_u16(&c);
    r.lifetime_s = rcur_u32(&c);
    r.wait_s = rcur_u32(&c);
    while (item_next(&c, &prev, &it))
        if (!response_item(&it, &r))
            return ERR_MALFORMED;
    if (!rcur_end(&c))
        return ERR_MALFORMED;
    if (r.status <= HIP_BIND_ST_PENDING && (span_empty(r.fqdn) || r.n_fa == 0 || span_empty(r.fa_hi)))
        return ERR_MALFORMED;
    *out = r;
    return ERR_OK;
}

void hip_bind_response_write(struct wcur *w, const struct hip_bind_response *r)
{
    size_t start = wcur_len(w);
    wcur_u8(w, VERSION);
    wcur_u8(w, r->status);
    wcur_u16(w, r->attempt);
    wcur_u32(w, r->lifetime_s);
    wcur_u32(w, r->wait_s);
    item_write_if(w, HIP_BIND_ITEM_FQDN, r->fqdn);
    for (size_t i = 0; i < r->n_addr && i < HIP_BIND_ADDR_MAX; i++)
        item_write_if(w, HIP_BIND_ITEM_ADDR, r->addr[i]);
    for (size_t i = 0; i < r->n_fa && i < HIP_BIND_FA_MAX; i++)
        item_write(w, HIP_BIND_ITEM_FA, r->fa[i].hit, r->fa[i].name);
    item_write_if(w, HIP_BIND_ITEM_FA_HI, r->fa_hi);
    item_write_if(w, HIP_BIND_ITEM_REASON, r->reason);
    if (wcur_len(w) - start > RESPONSE_CONTENT)
        w->failed = true;
}

/* ---- inside ENCRYPTED ---- */

static bool is_eap(struct span s)
{
    struct rcur c = rcur_of(s);
    uint8_t code = rcur_u8(&c);
    rcur_skip(&c, 1);
    uint16_t len = rcur_u16(&c);
    size_t least = code <= 2 ? EAP_HEADER + 1 : EAP_HEADER; /* requests and responses have a type */
    return rcur_ok(&c) && code >= 1 && code <= 4 && len == s.n && len >= least && len <= HIP_BIND_EAP_MAX;
}

static err inner_param(uint16_t type, struct span v, struct hip_bind_inner *in)
{
    struct rcur c = rcur_of(v);
    switch (type) {
    case HIP_BIND_PAR_EAP:
        if (rcur_u8(&c) != VERSION)
            return ERR_MALFORMED;
        rcur_skip(&c, 3);
        v = rcur_rest(&c);
        return rcur_ok(&c) && is_eap(v) && set_once(&in->eap, v) ? ERR_OK : ERR_MALFORMED;
    case HIP_BIND_PAR_REQUEST:
        return v.n >= 8 && v.n <= HIP_BIND_REQUEST_MAX && set_once(&in->request, v) ? ERR_OK : ERR_MALFORMED;
    case HIP_BIND_PAR_RESPONSE:
        return v.n >= 12 && set_once(&in->response, v) ? ERR_OK : ERR_MALFORMED;
    case HIP_BIND_PAR_MAC:
        return v.n == HIP_BIND_MAC_LEN && set_once(&in->mac, v) ? ERR_OK : ERR_MALFORMED;
    default:
        return type & 1 ? ERR_UNSUPPORTED : ERR_OK; /* RFC 7401 s5.2.1: critical ones have the low bit set */
    }
}

static bool all_zero(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i])
            return false;
    return true;
}

err hip_bind_inner_parse(struct span inner, struct hip_bind_inner *out)
{
    struct hip_bind_inner in = { 0 };
    struct rcur c = rcur_of(inner);
    uint16_t prev = 0;

    while (rcur_left(&c) && !all_zero(span_of(c.p, c.left))) {
        size_t at = inner.n - rcur_left(&c);
        uint16_t type = rcur_u16(&c);
        uint16_t n = rcur_u16(&c);
        struct span v = rcur_take(&c, n);
        if (!rcur_ok(&c) || type < prev || in.mac.p)
            return ERR_MALFORMED;
        /* RFC 7401 s5.2.1: padded to eight octets; the padding of the last one may have been taken for the cipher's. */
        size_t pad = (8 - (TLV_HEADER + n) % 8) % 8;
        rcur_skip(&c, pad < rcur_left(&c) ? pad : rcur_left(&c));
        prev = type;
        err e = inner_param(type, v, &in);
        if (e != ERR_OK)
            return e;
        if (type == HIP_BIND_PAR_MAC)
            in.p = span_sub(inner, 0, at);
    }
    if (in.request.p && !in.mac.p)
        return ERR_MALFORMED;
    if (in.mac.p && !in.request.p && !in.response.p)
        return ERR_MALFORMED;
    *out = in;
    return ERR_OK;
}

/* Header with a length to be filled in; returns where the parameter begins. */
static size_t tlv_begin(struct wcur *w, uint16_t type)
{
    size_t at = wcur_len(w);
    wcur_u16(w, type);
    wcur_u16(w, 0);
    return at;
}

static void tlv_end(struct wcur *w, size_t at)
{
    if (!wcur_ok(w))
        return;
    size_t n = wcur_len(w) - at - TLV_HEADER;
    wcur_patch_u16(w, at + 2, (uint16_t)n);
    wcur_zero(w, (8 - (TLV_HEADER + n) % 8) % 8);
}

void hip_bind_put_eap(struct wcur *w, struct span eap)
{
    size_t at = tlv_begin(w, HIP_BIND_PAR_EAP);
    wcur_u8(w, VERSION);
    wcur_zero(w, 3);
    wcur_span(w, eap);
    if (!is_eap(eap))
        w->failed = true;
    tlv_end(w, at);
}

void hip_bind_put_request(struct wcur *w, const struct hip_bind_request *r)
{
    size_t at = tlv_begin(w, HIP_BIND_PAR_REQUEST);
    hip_bind_request_write(w, r);
    tlv_end(w, at);
}

void hip_bind_put_response(struct wcur *w, const struct hip_bind_response *r)
{
    size_t at = tlv_begin(w, HIP_BIND_PAR_RESPONSE);
    hip_bind_response_write(w, r);
    tlv_end(w, at);
}

void hip_bind_put_mac(struct wcur *w, const uint8_t mac[HIP_BIND_MAC_LEN])
{
    size_t at = tlv_begin(w, HIP_BIND_PAR_MAC);
    wcur_put(w, mac, HIP_BIND_MAC_LEN);
    tlv_end(w, at);
}
