/* SPDX-License-Identifier: Apache-2.0 */
#include "host/xlat.h"

#include <string.h>

#include "common/base/cursor.h"
#include "common/base/insum.h"
#include "hip/esp/beet.h"
#include "host/xlat_priv.h"

#define FRAGMENT_HEAD 8
#define OPTION_END    0
#define OPTION_NOP    1
#define OPTION_LSRR   131
#define OPTION_SSRR   137
#define OFF_TCP_SUM   16
#define OFF_UDP_SUM   6 /* UDP-Lite's and DCCP's too */

uint32_t xlat_sum(const struct xlat_ends *e, bool v6)
{
    if (v6)
        return insum_add(insum_add(0, span_of(e->src6.b, 16)), span_of(e->dst6.b, 16));
    return insum_add(insum_add(0, span_of(e->src4, 4)), span_of(e->dst4, 4));
}

/* ---- heads in ---- */

/* IPv6 extension headers, what carries no payload, and the other family's ICMP. */
static bool no_upper_layer(uint8_t proto, bool in6)
{
    static const uint8_t none[] = { 0, 43, XLAT_FRAGMENT, 59, 60, BEET4_NH_PSEUDO, 135 };

    return memchr(none, proto, sizeof(none)) != NULL || proto == (in6 ? XLAT_ICMP4 : XLAT_ICMP6);
}

static struct xlat_head head_of4(const struct beet4_packet *p)
{
    return (struct xlat_head){ .tclass = p->tos,
                               .hops = p->ttl,
                               .proto = p->protocol,
                               .fragment = beet4_is_fragment(p),
                               .more = p->mf,
                               .offset = p->offset,
                               .id = p->id,
                               .options = p->options,
                               .body = p->payload,
                               .body_len = p->payload.n };
}

/* What an ICMP error quotes has had its checksum looked at by who sent it, and is cut off anywhere behind the header. */
static err read4(const struct xlat_ends *e, struct span ip4, struct xlat_head *out)
{
    struct rcur r = rcur_of(ip4);
    struct xlat_head h = { 0 };
    uint8_t first = rcur_u8(&r);
    size_t head = (size_t)(first & 0xf) * 4, total;
    uint16_t flags;
    uint8_t src[4], dst[4];

    h.tclass = rcur_u8(&r);
    total = rcur_u16(&r);
    h.id = rcur_u16(&r);
    flags = rcur_u16(&r);
    h.hops = rcur_u8(&r);
    h.proto = rcur_u8(&r);
    rcur_skip(&r, 2);
    rcur_copy(&r, src, 4);
    rcur_copy(&r, dst, 4);
    if (first >> 4 != 4 || head < BEET4_HEAD || total < head || memcmp(src, e->src4, 4) != 0 ||
        memcmp(dst, e->dst4, 4) != 0)
        return ERR_MALFORMED;
    rcur_skip(&r, head - BEET4_HEAD);
    h.more = flags & 0x2000;
    h.offset = (uint16_t)((flags & 0x1fff) * 8);
    h.fragment = h.more || h.offset;
    h.body_len = total - head;
    h.body = rcur_take(&r, h.body_len < rcur_left(&r) ? h.body_len : rcur_left(&r));
    if (!rcur_ok(&r))
        return ERR_MALFORMED;
    *out = h;
    return ERR_OK;
}

static void read_fragment(struct rcur *r, struct xlat_head *h)
{
    uint16_t where;

    h->proto = rcur_u8(r);
    rcur_skip(r, 1);
    where = rcur_u16(r);
    h->id = rcur_u32(r);
    h->fragment = true;
    h->more = where & 1;
    h->offset = where & 0xfff8;
    h->body_len = h->body_len < FRAGMENT_HEAD ? 0 : h->body_len - FRAGMENT_HEAD;
}

/* Options that may go from host to host: each whole, and none that chooses the way (RFC 7126 s4.3, s4.4: such packets are dropped). */
static bool options_fit(struct span o)
{
    for (size_t at = 0, n; at < o.n && o.p[at] != OPTION_END; at += n) {
        n = o.p[at] == OPTION_NOP ? 1 : at + 1 < o.n ? o.p[at + 1] : 0;
        if (n == 0 || (n == 1 && o.p[at] != OPTION_NOP) || n > o.n - at)
            return false;
        if (o.p[at] == OPTION_LSRR || o.p[at] == OPTION_SSRR)
            return false;
    }
    return true;
}

/* RFC 8200 s4.5: all but the last have a multiple of eight octets; and the whole has to be an IPv4 datagram. */
static bool fragment_fits(const struct xlat_head *h)
{
    return (!h->more || (h->body_len % 8 == 0 && h->body_len > 0)) &&
           BEET4_HEAD + h->offset + h->body_len <= 65535;
}

static err read6(const struct xlat_ends *e, struct span ip6, bool quoted, struct xlat_head *out)
{
    struct rcur r = rcur_of(ip6);
    struct xlat_head h = { 0 };
    uint32_t first = rcur_u32(&r);
    struct hit src, dst;

    h.tclass = (uint8_t)(first >> 20);
    h.body_len = rcur_u16(&r);
    h.proto = rcur_u8(&r);
    h.hops = rcur_u8(&r);
    rcur_copy(&r, src.b, sizeof(src.b));
    rcur_copy(&r, dst.b, sizeof(dst.b));
    if (first >> 28 != 6 || !hit_eq(&src, &e->src6) || !hit_eq(&dst, &e->dst6) ||
        (!quoted && h.body_len > rcur_left(&r)))
        return ERR_MALFORMED;
    if (h.proto == XLAT_FRAGMENT)
        read_fragment(&r, &h);
    h.body = rcur_take(&r, h.body_len < rcur_left(&r) ? h.body_len : rcur_left(&r));
    if (!rcur_ok(&r) || (!quoted && !fragment_fits(&h)))
        return ERR_MALFORMED;
    if (h.proto == BEET4_NH_PSEUDO && !h.fragment && !quoted) {
        struct beet4_pseudo p;
        if (beet4_pseudo_read(h.body, &p))
            return ERR_MALFORMED;
        h.proto = p.protocol;
        h.options = p.options;
        h.body = p.rest;
        h.body_len = p.rest.n;
    }
    *out = h;
    return ERR_OK;
}

err xlat_quoted(const struct xlat_job *j, struct span packet, struct xlat_head *out)
{
    err e = j->to6 ? read4(&j->e, packet, out) : read6(&j->e, packet, true, out);

    if (e == ERR_OK)
        out->whole = out->fragment ? 0 : out->body_len;
    return e;
}

/* ---- bodies ---- */

/* As much as there is room for, where that may be. */
static err copy(const struct xlat_job *j, const struct xlat_head *h, uint8_t *out, size_t cap, size_t *len)
{
    size_t n = h->body.n;

    if (n > cap && !j->quoted)
        return ERR_SPACE;
    *len = n < cap ? n : cap;
    if (*len)
        memcpy(out, h->body.p, *len);
    return ERR_OK;
}

/* IPv4 lets UDP go without a checksum; between HITs it has to have one (RFC 7915 s4.5). */
static uint16_t udp_sum(const struct xlat_job *j, const uint8_t *udp, size_t n)
{
    uint32_t sum = insum_add(xlat_sum(&j->e, true) + (uint32_t)n + XLAT_UDP, span_of(udp, n));
    return (uint16_t)~insum_fold(sum);
}

static err checksummed(const struct xlat_job *j, const struct xlat_head *h, size_t at, uint8_t *out,
                       size_t len)
{
    uint16_t sum;

    if (len < at + 2)
        return j->quoted ? ERR_OK : ERR_UNSUPPORTED;
    sum = (uint16_t)(out[at] << 8 | out[at + 1]);
    if (h->proto == XLAT_UDP && sum == 0) {
        if (j->quoted)
            return ERR_OK;
        if (!j->to6 || h->fragment)
            return ERR_UNSUPPORTED;
        sum = udp_sum(j, out, len);
    } else {
        sum = insum_adjust(sum, xlat_sum(&j->e, !j->to6), xlat_sum(&j->e, j->to6));
    }
    if (h->proto == XLAT_UDP && sum == 0)
        sum = 0xffff; /* RFC 768: zero says that there is none */
    out[at] = (uint8_t)(sum >> 8);
    out[at + 1] = (uint8_t)sum;
    return ERR_OK;
}

static err body(const struct xlat_job *j, const struct xlat_head *h, uint8_t *out, size_t cap, size_t *len)
{
    err e;

    if (h->proto == (j->to6 ? XLAT_ICMP4 : XLAT_ICMP6) && h->offset == 0)
        return h->whole ? xlat_icmp(j, h, out, cap, len) : ERR_UNSUPPORTED;
    e = copy(j, h, out, cap, len);
    if (e || h->offset)
        return e;
    switch (h->proto) {
    case XLAT_TCP:
        return checksummed(j, h, OFF_TCP_SUM, out, *len);
    case XLAT_UDP:
    case XLAT_UDP_LITE:
    case XLAT_DCCP:
        return checksummed(j, h, OFF_UDP_SUM, out, *len);
    default:
        return ERR_OK; /* nothing of the addresses is in it */
    }
}

/* ---- heads out ---- */

/* Room for the header; what goes between it and the body is written. Returns its length behind the fixed header. */
static size_t between6(const struct xlat_head *h, uint8_t next, uint8_t *out)
{
    struct wcur w = wcur_of(out, FRAGMENT_HEAD);

    if (h->options.n)
        return beet4_pseudo_write(next, h->options, out);
    if (!h->fragment)
        return 0;
    wcur_u8(&w, next);
    wcur_u8(&w, 0);
    wcur_u16(&w, (uint16_t)(h->offset | (h->more ? 1 : 0)));
    wcur_u32(&w, h->id);
    return FRAGMENT_HEAD;
}

static void write6(const struct xlat_job *j, const struct xlat_head *h, uint8_t next, size_t payload,
                   uint8_t *out)
{
    struct wcur w = wcur_of(out, BEET_HEAD);

    wcur_u32(&w, UINT32_C(6) << 28 | (uint32_t)h->tclass << 20);
    wcur_u16(&w, (uint16_t)payload);
    wcur_u8(&w, h->options.n ? BEET4_NH_PSEUDO : h->fragment ? XLAT_FRAGMENT : next);
    wcur_u8(&w, h->hops);
    wcur_put(&w, j->e.src6.b, sizeof(j->e.src6.b));
    wcur_put(&w, j->e.dst6.b, sizeof(j->e.dst6.b));
}

static err packet6(const struct xlat_job *j, const struct xlat_head *h, uint8_t *out, size_t cap, size_t *len)
{
    uint8_t next = h->proto == XLAT_ICMP4 ? XLAT_ICMP6 : h->proto;
    size_t head = BEET_HEAD, n, payload;
    err e;

    if (cap < BEET_HEAD + BEET4_PSEUDO_MAX)
        return ERR_SPACE;
    head += between6(h, next, out + BEET_HEAD);
    e = body(j, h, out + head, cap - head, &n);
    if (e)
        return e;
    payload = head - BEET_HEAD + (j->quoted ? h->body_len : n);
    if (payload > 65535)
        return ERR_UNSUPPORTED;
    write6(j, h, next, payload, out);
    *len = head + n;
    return ERR_OK;
}

static err packet4(const struct xlat_job *j, const struct xlat_head *h, uint8_t *out, size_t cap, size_t *len)
{
    struct beet4_packet p = { .protocol = h->proto == XLAT_ICMP6 ? XLAT_ICMP4 : h->proto,
                              .tos = h->tclass,
                              .ttl = h->hops,
                              .df = !h->fragment, /* RFC 6864 s4.1: then the identification says nothing */
                              .mf = h->more,
                              .id = h->fragment ? (uint16_t)h->id : 0,
                              .offset = h->offset,
                              .options = h->options };
    size_t head = BEET4_HEAD + h->options.n, n;
    err e;

    if (cap < BEET4_HEAD + BEET4_OPTIONS_MAX)
        return ERR_SPACE;
    e = body(j, h, out + head, cap - head, &n);
    if (e)
        return e;
    memcpy(p.src, j->e.src4, 4);
    memcpy(p.dst, j->e.dst4, 4);
    e = beet4_header(&p, j->quoted ? h->body_len : n, out, &head);
    if (e)
        return ERR_UNSUPPORTED;
    *len = head + n;
    return ERR_OK;
}

err xlat_packet(const struct xlat_job *j, const struct xlat_head *h, uint8_t *out, size_t cap, size_t *len)
{
    if (no_upper_layer(h->proto, !j->to6) || !options_fit(h->options))
        return ERR_UNSUPPORTED;
    return j->to6 ? packet6(j, h, out, cap, len) : packet4(j, h, out, cap, len);
}

err xlat_4to6(const struct xlat_ends *e, const struct beet4_packet *p, size_t whole, bool options,
              uint8_t *out, size_t cap, size_t *len)
{
    const struct xlat_job j = { .e = *e, .to6 = true };
    struct xlat_head h = head_of4(p);

    h.whole = h.fragment ? whole : h.body_len;
    /* RFC 7402 B.1.5 RECOMMENDED: options are left out. */
    if (!options || h.fragment)
        h.options = span_of(NULL, 0);
    return xlat_packet(&j, &h, out, cap, len);
}

err xlat_6to4(const struct xlat_ends *e, struct span ip6, size_t whole, uint8_t *out, size_t cap, size_t *len)
{
    const struct xlat_job j = { .e = *e };
    struct xlat_head h;
    err r = read6(e, ip6, false, &h);

    if (r)
        return r;
    h.whole = h.fragment ? whole : h.body_len;
    return xlat_packet(&j, &h, out, cap, len);
}
