/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/attr.h"

#include "common/crypto/secret.h"

#define AT_SKIPPABLE \
    128 /* RFC 4187 s8.1 MUST: below this number what is not known is an error; the rest may be ignored */

static const struct at_row {
    uint8_t number, layout, octets, many;
    uint16_t where;
    const char *name;
} rows[AKA_AT__COUNT] = {
#define X(n, no, layout, octets, many, where) [AKA_AT_##n] = { no, AKA_L_##layout, octets, many, where, #n },
    AKA_ATTR_LIST(X)
#undef X
};

const char *aka_at_name(enum aka_at a)
{
    return (unsigned)a < AKA_AT__COUNT ? rows[a].name : "?";
}

unsigned aka_at_number(enum aka_at a)
{
    return (unsigned)a < AKA_AT__COUNT ? rows[a].number : 0;
}

/* Attributes that only one of the two methods knows: RFC 9048 s3.1, s3.2 (AKA'); s4 (AKA). */
static bool known_to(enum aka_at a, uint8_t method)
{
    if (a == AKA_AT_KDF || a == AKA_AT_KDF_INPUT || a == AKA_AT_KDF_FS || a == AKA_AT_PUB_ECDHE)
        return method == EAP_TYPE_AKA_PRIME;
    if (a == AKA_AT_BIDDING)
        return method == EAP_TYPE_AKA;
    return true;
}

static enum aka_at at_find(uint8_t number, uint8_t method)
{
    unsigned a = 0;
    while (a < AKA_AT__COUNT && (rows[a].number != number || !known_to((enum aka_at)a, method)))
        a++;
    return (enum aka_at)a;
}

static const struct {
    uint8_t subtype;
    uint16_t req, rsp; /* 0: not in this direction */
} subtypes[] = {
    { AKA_SUB_CHALLENGE, AKA_IN_CHAL_REQ, AKA_IN_CHAL_RSP },
    { AKA_SUB_REJECT, 0, AKA_IN_REJECT },
    { AKA_SUB_SYNC, 0, AKA_IN_SYNC },
    { AKA_SUB_IDENTITY, AKA_IN_ID_REQ, AKA_IN_ID_RSP },
    { AKA_SUB_NOTIFICATION, AKA_IN_NOTE_REQ, AKA_IN_NOTE_RSP },
    { AKA_SUB_REAUTH, AKA_IN_RE_REQ, AKA_IN_RE_RSP },
    { AKA_SUB_CLIENT_ERROR, 0, AKA_IN_ERROR },
};

static enum aka_where where_of(uint8_t code, uint8_t subtype)
{
    for (size_t i = 0; i < sizeof subtypes / sizeof *subtypes; i++)
        if (subtypes[i].subtype == subtype)
            return (enum aka_where)(code == EAP_REQUEST ? subtypes[i].req : subtypes[i].rsp);
    return (enum aka_where)0;
}

/* A length field before the value: the value, then fewer than four octets of padding. */
static bool take_counted(struct rcur *c, size_t octets, struct span *value)
{
    *value = rcur_take(c, octets);
    return rcur_ok(c) && rcur_left(c) < 4;
}

static bool take_padding(struct rcur *c)
{
    size_t n = rcur_left(c);
    if (n != 2 && n != 6 && n != 10) /* RFC 4187 s10.12 MUST; and zeros */
        return false;
    uint8_t any = 0;
    while (rcur_left(c))
        any |= rcur_u8(c);
    return any == 0;
}

/* c holds the octets behind type and length, all of them to be accounted for. */
static bool take_value(const struct at_row *r, enum aka_at a, struct rcur *c, struct aka_msg *m)
{
    uint16_t head = 0;
    if (r->layout == AKA_L_PAD)
        return take_padding(c);
    if (r->layout != AKA_L_RAW && r->layout != AKA_L_REST)
        head = rcur_u16(c);
    switch ((enum aka_layout)r->layout) {
    case AKA_L_FLAG:
        return rcur_end(c);
    case AKA_L_U16: /* RFC 9678 s6.2 MUST for AT_KDF_FS: nothing behind it */
        m->u16[a] = head;
        return rcur_end(c);
    case AKA_L_FIXED:
    case AKA_L_RAW:
        m->value[a] = rcur_take(c, r->octets);
        return rcur_end(c);
    case AKA_L_BITS: /* RES, 32 to 128 bits (s10.8) */
        if (head % 8 || head < 8 * AKA_RES_MIN || head > 8 * AKA_RES_MAX)
            return false;
        return take_counted(c, head / 8u, &m->value[a]);
    case AKA_L_BYTES:
        return take_counted(c, head, &m->value[a]);
    case AKA_L_BLOB:
    case AKA_L_REST:
        m->value[a] = rcur_rest(c);
        return rcur_ok(c);
    case AKA_L_PAD:
        break;
    }
    return false;
}

static enum aka_reason take_attr(struct rcur *c, enum aka_where where, const uint8_t *start,
                                 struct aka_msg *m)
{
    uint8_t number = rcur_u8(c), words = rcur_u8(c);
    if (!rcur_ok(c) || words == 0 || rcur_left(c) < 4u * words - 2)
        return AKA_R_MALFORMED;
    struct rcur v = rcur_sub(c, 4u * words - 2);
    enum aka_at a = at_find(number, m->method);
    if (a == AKA_AT__COUNT) {
        if (number < AT_SKIPPABLE)
            return AKA_R_UNKNOWN_ATTR;
        m->unknown_skippable = true;
        return AKA_R_OK;
    }
    const struct at_row *r = &rows[a];
    if (!(r->where & where) && (a == AKA_AT_KDF_FS || a == AKA_AT_PUB_ECDHE))
        return AKA_R_OK; /* RFC 9678 s6.5.1, s6.5.2, s6.5.7, s6.5.8, s6.5.9 MUST: as if it were not there */
    if (!(r->where & where)) /* s10.1 */
        return AKA_R_MISPLACED_ATTR;
    if (m->has[a] && !r->many) /* s6.3: duplicates are errors */
        return AKA_R_DUP_ATTR;
    const uint8_t *at = v.p;
    if (!take_value(r, a, &v, m))
        return AKA_R_MALFORMED;
    if (a == AKA_AT_MAC)
        m->mac_off = (size_t)(at - start) + 2;
    if (a == AKA_AT_KDF) {
        if (m->n_kdf == AKA_KDF_MAX)
            return AKA_R_KDF;
        m->kdf[m->n_kdf++] = m->u16[a];
    }
    if (a == AKA_AT_KDF_FS) {
        if (m->n_kdf_fs == AKA_KDF_MAX)
            return AKA_R_FS;
        m->kdf_fs[m->n_kdf_fs++] = m->u16[a];
    }
    if (a == AKA_AT_PADDING && rcur_left(c)) /* s10.12: padding comes last */
        return AKA_R_MALFORMED;
    m->has[a] = true;
    return AKA_R_OK;
}

static enum aka_reason take_all(struct rcur *c, enum aka_where where, const uint8_t *start, struct aka_msg *m)
{
    enum aka_reason r = AKA_R_OK;
    while (r == AKA_R_OK && rcur_left(c))
        r = take_attr(c, where, start, m);
    return r;
}

enum aka_reason aka_msg_parse(const struct eap_pkt *p, struct aka_msg *out)
{
    struct aka_msg m = { .code = p->code, .id = p->id, .method = p->type, .whole = p->whole };
    struct rcur c = rcur_of(p->data);
    if (p->code != EAP_REQUEST && p->code != EAP_RESPONSE)
        return AKA_R_CODE;
    if (p->type != EAP_TYPE_AKA && p->type != EAP_TYPE_AKA_PRIME)
        return AKA_R_METHOD;
    m.subtype = rcur_u8(&c);
    rcur_skip(&c, 2);
    if (!rcur_ok(&c))
        return AKA_R_MALFORMED;
    m.where = where_of(p->code, m.subtype);
    if (!m.where)
        return AKA_R_SUBTYPE;
    enum aka_reason r = take_all(&c, m.where, p->whole.p, &m);
    if (r != AKA_R_OK)
        return r;
    if (m.has[AKA_AT_IV] != m.has[AKA_AT_ENCR_DATA]) /* s10.12: one needs the other */
        return AKA_R_MISSING_ATTR;
    *out = m;
    return AKA_R_OK;
}

enum aka_reason aka_encr_parse(struct span plain, uint8_t method, struct aka_msg *out)
{
    struct aka_msg m = { .method = method, .whole = plain };
    struct rcur c = rcur_of(plain);
    enum aka_reason r = take_all(&c, AKA_IN_ENCR, plain.p, &m);
    if (r == AKA_R_OK)
        *out = m;
    return r;
}

struct aka_wr aka_wr_begin(void *buf, size_t cap, enum eap_code code, uint8_t id, uint8_t method,
                           enum aka_subtype subtype)
{
    struct aka_wr w = { .c = wcur_of(buf, cap < EAP_MAX ? cap : EAP_MAX), .method = method };
    wcur_u8(&w.c, (uint8_t)code);
    wcur_u8(&w.c, id);
    wcur_u16(&w.c, 0);
    wcur_u8(&w.c, method);
    wcur_u8(&w.c, (uint8_t)subtype);
    wcur_u16(&w.c, 0);
    return w;
}

/* Type and length of an attribute with `octets` octets behind them, before padding. */
static size_t wr_head(struct aka_wr *w, enum aka_at a, size_t octets)
{
    size_t words = (octets + 2 + 3) / 4;
    if (words > 255) {
        w->c.failed = true;
        return 0;
    }
    wcur_u8(&w->c, rows[a].number);
    wcur_u8(&w->c, (uint8_t)words);
    return 4 * words - 2 - octets;
}

void aka_wr_attr(struct aka_wr *w, enum aka_at a, struct span value)
{
    bool raw = rows[a].layout == AKA_L_RAW || rows[a].layout == AKA_L_PAD || rows[a].layout == AKA_L_REST;
    if (value.n > EAP_MAX) {
        w->c.failed = true;
        return;
    }
    size_t pad = wr_head(w, a, value.n + (raw ? 0 : 2));
    uint16_t head = rows[a].layout == AKA_L_BITS    ? (uint16_t)(8 * value.n)
                    : rows[a].layout == AKA_L_BYTES ? (uint16_t)value.n
                                                    : 0;
    if (!raw)
        wcur_u16(&w->c, head);
    wcur_span(&w->c, value);
    wcur_zero(&w->c, pad);
}

void aka_wr_u16(struct aka_wr *w, enum aka_at a, uint16_t value)
{
    wr_head(w, a, 2);
    wcur_u16(&w->c, rows[a].layout == AKA_L_U16 ? value : 0);
}

void aka_wr_mac(struct aka_wr *w)
{
    wr_head(w, AKA_AT_MAC, 2 + AKA_AT_MAC_LEN);
    wcur_u16(&w->c, 0);
    w->mac_off = wcur_len(&w->c);
    wcur_zero(&w->c, AKA_AT_MAC_LEN);
}

err aka_wr_end(struct aka_wr *w, const struct aka_keys *keys, struct span extra, size_t *len)
{
    uint8_t mac[AKA_AT_MAC_LEN];
    if (!wcur_ok(&w->c))
        return ERR_SPACE;
    wcur_patch_u16(&w->c, 2, (uint16_t)wcur_len(&w->c));
    if (w->mac_off) {
        if (!keys)
            return ERR_STATE;
        err e = aka_mac(w->method, keys, wcur_done(&w->c), w->mac_off, extra, mac);
        if (e != ERR_OK)
            return e;
        for (size_t i = 0; i < sizeof mac; i++)
            w->c.base[w->mac_off + i] = mac[i];
    }
    *len = wcur_len(&w->c);
    return ERR_OK;
}

err aka_msg_check_mac(const struct aka_msg *m, const struct aka_keys *k, struct span extra)
{
    uint8_t mac[AKA_AT_MAC_LEN];
    if (!m->has[AKA_AT_MAC])
        return ERR_AUTH;
    err e = aka_mac(m->method, k, m->whole, m->mac_off, extra, mac);
    if (e != ERR_OK)
        return e;
    return sec_equal(mac, m->value[AKA_AT_MAC].p, sizeof mac) ? ERR_OK : ERR_AUTH;
}
