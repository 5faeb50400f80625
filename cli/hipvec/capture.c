/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hipvec/capture.h"

#include <string.h>

#define LINK_RAW       101
#define SNAP_MAX       (1u << 20) /* octets of one frame that are believed */
#define PCAP_HEAD      24
#define PCAP_RECORD    16
#define NG_SECTION     0x0a0d0d0au
#define NG_INTERFACE   1u
#define NG_SIMPLE      3u
#define NG_ENHANCED    6u
#define NG_ORDER       0x1a2b3c4du
#define NG_TSRESOL     9u
#define NG_MICROSECOND 6u

/* Of the file's byte order; the caller has seen that four (two) octets are there. */
static uint32_t u32(const struct capture *c, size_t at)
{
    const uint8_t *p = c->file.p + at;
    return c->little ? (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0]
                     : (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t u16(const struct capture *c, size_t at)
{
    const uint8_t *p = c->file.p + at;
    return c->little ? (uint32_t)p[1] << 8 | p[0] : (uint32_t)p[0] << 8 | p[1];
}

static uint32_t magic(struct span file)
{
    return file.n < 4
               ? 0
               : (uint32_t)file.p[0] << 24 | (uint32_t)file.p[1] << 16 | (uint32_t)file.p[2] << 8 | file.p[3];
}

bool capture_is(struct span file)
{
    switch (magic(file)) {
    case 0xa1b2c3d4u:
    case 0xd4c3b2a1u:
    case 0xa1b23c4du:
    case 0x4d3cb2a1u:
    case NG_SECTION:
        return true;
    default:
        return false;
    }
}

static err broken(struct capture *c, const char *why)
{
    c->why = why;
    c->at = c->file.n;
    return ERR_MALFORMED;
}

err capture_open(struct span file, struct capture *out)
{
    struct capture c = { .file = file };
    uint32_t m = magic(file);
    memset(out, 0, sizeof *out);
    if (!capture_is(file)) {
        out->why = "neither pcap nor pcapng";
        return ERR_MALFORMED;
    }
    c.pcapng = m == NG_SECTION;
    if (!c.pcapng) {
        if (file.n < PCAP_HEAD) {
            out->why = "ends inside its header";
            return ERR_MALFORMED;
        }
        c.little = m == 0xd4c3b2a1u || m == 0x4d3cb2a1u;
        c.nanoseconds = m == 0xa1b23c4du || m == 0x4d3cb2a1u;
        c.iface[0].link = u32(&c, 20) & 0x0fffffffu; /* the top bits say how long the FCS is */
        c.ifaces = 1;
        c.at = PCAP_HEAD;
    }
    *out = c;
    return ERR_OK;
}

static err give(struct capture *c, size_t at, size_t n, size_t wire, uint32_t link, uint64_t ns,
                struct frame *out)
{
    *out = (struct frame){ .number = ++c->frames,
                           .time_ns = ns,
                           .link = link,
                           .off = at,
                           .octets = span_of(c->file.p + at, n),
                           .wire_len = wire };
    return ERR_OK;
}

static err next_pcap(struct capture *c, struct frame *out)
{
    size_t left = c->file.n - c->at;
    if (left == 0)
        return ERR_NOT_FOUND;
    if (left < PCAP_RECORD)
        return broken(c, "ends inside a record's header");
    uint64_t sec = u32(c, c->at), frac = u32(c, c->at + 4);
    size_t n = u32(c, c->at + 8), wire = u32(c, c->at + 12), at = c->at + PCAP_RECORD;
    if (n > SNAP_MAX)
        return broken(c, "a record longer than a frame can be");
    if (n > left - PCAP_RECORD)
        return broken(c, "ends inside a frame");
    c->at = at + n;
    return give(c, at, n, wire, c->iface[0].link, sec * 1000000000u + frac * (c->nanoseconds ? 1 : 1000),
                out);
}

/* ---- pcapng ---- */

static err section(struct capture *c)
{
    if (c->file.n - c->at < 28)
        return broken(c, "ends inside a section header");
    c->little = false;
    c->little = u32(c, c->at + 8) != NG_ORDER;
    if (u32(c, c->at + 8) != NG_ORDER)
        return broken(c, "a section without a byte order");
    c->ifaces = 0;
    return ERR_OK;
}

/* Body of an interface block: link type(2) reserved(2) snap length(4) options. */
static err interface(struct capture *c, size_t at, size_t n)
{
    struct capture_iface f = { .resolution = NG_MICROSECOND };
    if (n < 8 || c->ifaces == CAPTURE_IFACES_MAX)
        return broken(c, n < 8 ? "an interface block that is too short" : "more interfaces than we hold");
    f.link = u16(c, at);
    for (size_t o = 8; o + 4 <= n;) {
        uint32_t code = u16(c, at + o), len = u16(c, at + o + 2);
        if (code == 0 || len > n - o - 4)
            break;
        if (code == NG_TSRESOL && len == 1)
            f.resolution = c->file.p[at + o + 4];
        o += 4 + (len + 3u) / 4 * 4;
    }
    c->iface[c->ifaces++] = f;
    return ERR_OK;
}

/* Units of the interface to nanoseconds; what no clock says is 0. */
static uint64_t to_ns(uint64_t t, uint8_t resolution)
{
    if (resolution & 0x80) {
        unsigned bits = resolution & 0x7f;
        if (bits > 63)
            return 0;
        uint64_t whole = bits ? t >> bits : t, part = t - (bits ? whole << bits : t);
        return whole * 1000000000u +
               (bits > 32 ? (part >> (bits - 32)) * 1000000000u >> 32 : part * 1000000000u >> bits);
    }
    for (; resolution < 9; resolution++)
        t *= 10;
    for (; resolution > 9 && t; resolution--)
        t /= 10;
    return t;
}

static err enhanced(struct capture *c, size_t at, size_t n, struct frame *out)
{
    if (n < 20)
        return broken(c, "a packet block that is too short");
    uint32_t iface = u32(c, at);
    uint64_t t = (uint64_t)u32(c, at + 4) << 32 | u32(c, at + 8);
    size_t got = u32(c, at + 12), wire = u32(c, at + 16);
    if (iface >= c->ifaces)
        return broken(c, "a packet of an interface that was not described");
    if (got > n - 20)
        return broken(c, "a packet longer than its block");
    return give(c, at + 20, got, wire, c->iface[iface].link, to_ns(t, c->iface[iface].resolution), out);
}

static err simple(struct capture *c, size_t at, size_t n, struct frame *out)
{
    if (n < 4)
        return broken(c, "a packet block that is too short");
    if (c->ifaces == 0)
        return broken(c, "a packet of an interface that was not described");
    size_t wire = u32(c, at);
    return give(c, at + 4, wire < n - 4 ? wire : n - 4, wire, c->iface[0].link, 0, out);
}

/* One block; *got: it was a packet. */
static err block(struct capture *c, struct frame *out, bool *got)
{
    size_t left = c->file.n - c->at, at = c->at;
    if (left < 12)
        return broken(c, "ends inside a block");
    if (magic(span_of(c->file.p + at, 4)) == NG_SECTION) {
        err e = section(c);
        if (e != ERR_OK)
            return e;
    }
    uint32_t kind = u32(c, at);
    size_t size = u32(c, at + 4);
    if (size < 12 || size % 4 || size > left)
        return broken(c, size > left ? "ends inside a block" : "a block of an impossible length");
    c->at = at + size;
    *got = kind == NG_ENHANCED || kind == NG_SIMPLE;
    if (kind == NG_INTERFACE)
        return interface(c, at + 8, size - 12);
    if (kind == NG_ENHANCED)
        return enhanced(c, at + 8, size - 12, out);
    return kind == NG_SIMPLE ? simple(c, at + 8, size - 12, out) : ERR_OK;
}

err capture_next(struct capture *c, struct frame *out)
{
    if (c->why)
        return ERR_MALFORMED;
    if (!c->pcapng)
        return next_pcap(c, out);
    for (bool got = false; c->at < c->file.n;) {
        err e = block(c, out, &got);
        if (e != ERR_OK || got)
            return e;
    }
    return ERR_NOT_FOUND;
}

/* ---- writing ---- */

static bool put(FILE *f, const uint32_t *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (int s = 0; s < 32; s += 8)
            if (putc((int)(words[i] >> s & 0xff), f) == EOF)
                return false;
    return true;
}

bool capture_write_head(FILE *f)
{
    const uint32_t head[6] = { 0xa1b2c3d4u, 2 | 4u << 16, 0, 0, 262144, LINK_RAW };
    return put(f, head, 6);
}

bool capture_write(FILE *f, uint64_t time_us, struct span ip_packet)
{
    uint32_t n = (uint32_t)ip_packet.n;
    const uint32_t head[4] = { (uint32_t)(time_us / 1000000), (uint32_t)(time_us % 1000000), n, n };
    return put(f, head, 4) && fwrite(ip_packet.p, 1, ip_packet.n, f) == ip_packet.n;
}
