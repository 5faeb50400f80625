/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hipvec/dgram.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/cursor.h"

#define ETHERTYPE_V4   0x0800
#define ETHERTYPE_V6   0x86dd
#define VLANS_MAX      4
#define EXTENSIONS_MAX 8
#define HELD_MAX       32    /* datagrams in pieces at once; the oldest gives way */
#define DATAGRAM_MAX   65536 /* octets of one */
#define UNITS          (DATAGRAM_MAX / 8)

/* A datagram of which pieces came. First come, first kept: a piece that overlaps one that is there is passed over. */
struct held {
    bool used;
    uint64_t since; /* number of the frame that began it */
    struct addr src, dst;
    uint32_t id;
    uint8_t proto;
    size_t end;              /* octets in all; 0: the last piece is not here */
    uint8_t have[UNITS / 8]; /* a bit for each eight octets */
    uint8_t octets[DATAGRAM_MAX];
};

struct reassembly {
    struct held *held[HELD_MAX];
};

struct reassembly *reassembly_new(void)
{
    return calloc(1, sizeof(struct reassembly));
}

void reassembly_free(struct reassembly *r)
{
    for (size_t i = 0; r && i < HELD_MAX; i++)
        free(r->held[i]);
    free(r);
}

size_t reassembly_waiting(const struct reassembly *r)
{
    size_t n = 0;
    for (size_t i = 0; i < HELD_MAX; i++)
        n += r->held[i] && r->held[i]->used;
    return n;
}

/* ---- link layers ---- */

/* The network layer's octets; empty: not IP. */
static struct span network(const struct frame *f)
{
    struct rcur c = rcur_of(f->octets);
    uint16_t kind = 0;
    switch (f->link) {
    case 1: /* Ethernet */
        rcur_skip(&c, 12);
        kind = rcur_u16(&c);
        for (int i = 0; i < VLANS_MAX && (kind == 0x8100 || kind == 0x88a8); i++) {
            rcur_skip(&c, 2);
            kind = rcur_u16(&c);
        }
        break;
    case 113: /* Linux cooked */
        rcur_skip(&c, 14);
        kind = rcur_u16(&c);
        break;
    case 276: /* Linux cooked v2 */
        kind = rcur_u16(&c);
        rcur_skip(&c, 18);
        break;
    case 0:
    case 108: /* BSD loopback: an address family of the capturing host's, which IP's version says better */
        rcur_skip(&c, 4);
        kind = ETHERTYPE_V4;
        break;
    case 12:
    case 14:
    case 101:
    case 228:
    case 229: /* raw */
        kind = ETHERTYPE_V4;
        break;
    default:
        break;
    }
    bool ip = kind == ETHERTYPE_V4 || kind == ETHERTYPE_V6;
    return ip && rcur_ok(&c) ? rcur_rest(&c) : span_of(NULL, 0);
}

/* ---- checksums ---- */

static uint32_t add(uint32_t sum, const uint8_t *p, size_t n)
{
    uint64_t s = sum;
    for (; n > 1; p += 2, n -= 2)
        s += (uint64_t)p[0] << 8 | p[1];
    if (n)
        s += (uint64_t)p[0] << 8;
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return (uint32_t)s;
}

static uint32_t pseudo(const struct addr *src, const struct addr *dst, uint8_t proto, size_t n)
{
    const uint8_t tail[4] = { 0, proto, (uint8_t)(n >> 8), (uint8_t)n };
    return add(add(add(0, src->ip, addr_ip_len(src)), dst->ip, addr_ip_len(dst)), tail, 4);
}

static enum dgram_sum judge_udp(const struct dgram *d, struct span udp, uint16_t field)
{
    uint32_t head = pseudo(&d->src, &d->dst, PROTO_UDP, udp.n);
    if (field == 0)
        return d->src.family == ADDR_V4 ? SUM_NONE : SUM_WRONG; /* RFC 8200 s8.1 */
    if (add(head, udp.p, udp.n) == 0xffff)
        return SUM_RIGHT;
    return field == head ? SUM_LEFT : SUM_WRONG;
}

/* ---- fragments ---- */

static struct held *place_for(struct reassembly *r, const struct dgram *d, uint32_t id, uint64_t frame)
{
    size_t best = 0;
    for (size_t i = 0; i < HELD_MAX; i++) {
        struct held *h = r->held[i];
        if (h && h->used && h->id == id && h->proto == d->proto && addr_same_ip(&h->src, &d->src) &&
            addr_same_ip(&h->dst, &d->dst))
            return h;
        struct held *b = r->held[best];
        if (b && b->used && (!h || !h->used || h->since < b->since))
            best = i;
    }
    if (!r->held[best] && !(r->held[best] = malloc(sizeof(struct held))))
        return NULL;
    struct held *h = r->held[best];
    memset(h->have, 0, sizeof h->have);
    h->used = true;
    h->since = frame;
    h->src = d->src;
    h->dst = d->dst;
    h->id = id;
    h->proto = d->proto;
    h->end = 0;
    return h;
}

static bool complete(const struct held *h)
{
    for (size_t u = 0; u < (h->end + 7) / 8; u++)
        if (!(h->have[u / 8] >> (u % 8) & 1))
            return false;
    return h->end > 0;
}

/* d->payload is a piece at `off`; when the datagram is complete with it, d->payload becomes the whole. */
static err piece(struct reassembly *r, struct dgram *d, uint32_t id, uint64_t frame, size_t off, bool more,
                 const char **why)
{
    size_t n = d->payload.n;
    if (off + n > DATAGRAM_MAX || n == 0 || (more && n % 8)) {
        *why = "a fragment of an impossible place or length";
        return ERR_MALFORMED;
    }
    struct held *h = place_for(r, d, id, frame);
    if (!h)
        return ERR_MEMORY;
    for (size_t u = 0; u < (n + 7) / 8; u++) {
        size_t at = off / 8 + u, len = n - u * 8 < 8 ? n - u * 8 : 8;
        if (h->have[at / 8] >> (at % 8) & 1)
            continue;
        h->have[at / 8] |= (uint8_t)(1u << (at % 8));
        memcpy(h->octets + at * 8, d->payload.p + u * 8, len);
    }
    if (!more && !h->end)
        h->end = off + n;
    if (!complete(h))
        return ERR_NOT_FOUND;
    h->used = false; /* its octets stay until the place is taken again: not before the next call */
    d->payload = span_of(h->octets, h->end);
    d->whole = false;
    return ERR_OK;
}

/* ---- IP ---- */

static err ipv4(struct reassembly *r, const struct frame *f, struct span ip, struct dgram *d,
                const char **why)
{
    size_t head = (size_t)(ip.p[0] & 15) * 4;
    if (ip.n < 20 || head < 20 || head > ip.n) {
        *why = "an IPv4 header that is cut or too short";
        return ERR_TRUNCATED;
    }
    struct rcur c = rcur_of(ip);
    rcur_skip(&c, 2);
    size_t total = rcur_u16(&c);
    uint32_t id = rcur_u16(&c);
    unsigned frag = rcur_u16(&c);
    rcur_skip(&c, 1);
    d->proto = rcur_u8(&c);
    d->src = addr_v4(0);
    d->dst = addr_v4(0);
    memcpy(d->src.ip, ip.p + 12, 4);
    memcpy(d->dst.ip, ip.p + 16, 4);
    d->ip_sum = add(0, ip.p, head) == 0xffff ? SUM_RIGHT : ip.p[10] | ip.p[11] ? SUM_WRONG : SUM_LEFT;
    if (d->ip_sum == SUM_WRONG) {
        *why = "IPv4 header checksum wrong";
        return ERR_MALFORMED;
    }
    if (total < head || total > ip.n) {
        *why = f->wire_len > f->octets.n ? "cut when it was captured" : "shorter than IPv4 says";
        return ERR_TRUNCATED;
    }
    d->off = f->off + (size_t)(ip.p - f->octets.p) + head;
    d->payload = span_of(ip.p + head, total - head);
    if (frag & 0x3fff)
        return piece(r, d, id, f->number, (size_t)(frag & 0x1fff) * 8, (frag & 0x2000) != 0, why);
    return ERR_OK;
}

static bool is_extension(uint8_t proto)
{
    return proto == 0 || proto == 43 || proto == 44 || proto == 60;
}

static err ipv6(struct reassembly *r, const struct frame *f, struct span ip, struct dgram *d,
                const char **why)
{
    struct rcur c = rcur_of(ip);
    rcur_skip(&c, 4);
    size_t n = rcur_u16(&c);
    d->proto = rcur_u8(&c);
    rcur_skip(&c, 33);
    struct span body = rcur_take(&c, n);
    if (!rcur_ok(&c)) {
        *why = f->wire_len > f->octets.n ? "cut when it was captured" : "shorter than IPv6 says";
        return ERR_TRUNCATED;
    }
    d->src = addr_v6(ip.p + 8);
    d->dst = addr_v6(ip.p + 24);
    for (int i = 0; is_extension(d->proto); i++) {
        if (i == EXTENSIONS_MAX || body.n < 8) {
            *why = "IPv6 extension headers that do not end";
            return ERR_MALFORMED;
        }
        bool fragment = d->proto == 44;
        size_t len = fragment ? 8 : ((size_t)body.p[1] + 1) * 8;
        if (len > body.n) {
            *why = "an IPv6 extension header that is cut";
            return ERR_TRUNCATED;
        }
        unsigned frag = (unsigned)body.p[2] << 8 | body.p[3];
        uint32_t id =
            (uint32_t)body.p[4] << 24 | (uint32_t)body.p[5] << 16 | (uint32_t)body.p[6] << 8 | body.p[7];
        d->proto = body.p[0];
        body = span_of(body.p + len, body.n - len);
        if (fragment && frag & 0xfff9) {
            d->payload = body;
            err e = piece(r, d, id, f->number, frag & 0xfff8, (frag & 1) != 0, why);
            if (e != ERR_OK)
                return e;
            body = d->payload;
        }
    }
    d->payload = body;
    d->off = d->whole ? f->off + (size_t)(body.p - f->octets.p) : 0;
    return ERR_OK;
}

static err udp(struct dgram *d, const char **why)
{
    struct rcur c = rcur_of(d->payload);
    d->src.port = rcur_u16(&c);
    d->dst.port = rcur_u16(&c);
    size_t n = rcur_u16(&c);
    uint16_t sum = rcur_u16(&c);
    if (!rcur_ok(&c) || n < 8 || n > d->payload.n) {
        *why = "a UDP length that does not fit";
        d->src.port = d->dst.port = 0;
        return ERR_TRUNCATED;
    }
    d->udp_sum = judge_udp(d, span_of(d->payload.p, n), sum);
    d->payload = span_of(d->payload.p + 8, n - 8);
    d->off += 8;
    return ERR_OK;
}

err dgram_of(struct reassembly *r, const struct frame *f, struct dgram *out, const char **why)
{
    struct dgram d = { .whole = true };
    struct span ip = network(f);
    *why = "";
    if (ip.n == 0)
        return ERR_NOT_FOUND;
    unsigned version = ip.p[0] >> 4;
    if (version != 4 && version != 6) {
        *why = "neither IPv4 nor IPv6, though the link layer says so";
        return ERR_MALFORMED;
    }
    err e = version == 4 ? ipv4(r, f, ip, &d, why) : ipv6(r, f, ip, &d, why);
    if (e == ERR_OK && d.proto == PROTO_UDP)
        e = udp(&d, why);
    if (e == ERR_OK || d.src.family != ADDR_NONE)
        *out = d;
    return e;
}

/* ---- writing ---- */

static void write_ip(struct wcur *w, const struct addr *src, const struct addr *dst, uint8_t proto, size_t n)
{
    if (src->family == ADDR_V6) {
        wcur_u32(w, 6u << 28);
        wcur_u16(w, (uint16_t)n);
        wcur_u8(w, proto);
        wcur_u8(w, 64);
    } else {
        wcur_u16(w, 0x4500);
        wcur_u16(w, (uint16_t)(20 + n));
        wcur_u32(w, 0);
        wcur_u8(w, 64);
        wcur_u8(w, proto);
        uint32_t sum = add(0x4500 + 20 + (uint32_t)n + 0x4000 + proto, src->ip, 4);
        sum = add(sum, dst->ip, 4);
        wcur_u16(w, (uint16_t)~sum);
    }
    wcur_put(w, src->ip, addr_ip_len(src));
    wcur_put(w, dst->ip, addr_ip_len(dst));
}

size_t dgram_write(const struct addr *src, const struct addr *dst, uint8_t proto, struct span payload,
                   uint8_t *out, size_t cap)
{
    struct wcur w = wcur_of(out, cap);
    size_t n = payload.n + (proto == PROTO_UDP ? 8 : 0);
    if (n > 65515 || src->family != dst->family || src->family == ADDR_NONE)
        return 0;
    write_ip(&w, src, dst, proto, n);
    if (proto == PROTO_UDP) {
        uint32_t sum = pseudo(src, dst, proto, n) + src->port + dst->port + (uint32_t)n;
        uint16_t field = (uint16_t)~add(sum, payload.p, payload.n);
        wcur_u16(&w, src->port);
        wcur_u16(&w, dst->port);
        wcur_u16(&w, (uint16_t)n);
        wcur_u16(&w, field ? field : 0xffff);
    }
    wcur_span(&w, payload);
    return wcur_ok(&w) ? wcur_len(&w) : 0;
}
