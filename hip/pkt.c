/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/pkt.h"

#include <string.h>

#include "common/base/cursor.h"

/* Verdict on a row in one place; out_row NULL: leave the parameter out. */
static int judge_type(uint16_t type, uint16_t where, const struct hip_param_row **out_row)
{
    const struct hip_param_row *row = hip_param_row(type);
    *out_row = NULL;
    if (!row ||
        !row->where) /* RFC 7401 s5.2.1 MUST NOT: unknown critical ones; even types are as if absent */
        return hip_is_critical(type) ? HIP_DROP_UNKNOWN_CRITICAL : HIP_TAKEN;
    if (!(row->where & where))
        return hip_is_critical(type) ? HIP_DROP_PARAM_NOT_ALLOWED : HIP_TAKEN;
    *out_row = row;
    return HIP_TAKEN;
}

static bool length_ok(const struct hip_param_row *row, size_t n)
{
    return n >= row->min && n <= row->max && (n - row->min) % row->multiple == 0;
}

struct walk {
    struct rcur c;
    size_t total;  /* octets at the start of the walk, from `base` on */
    size_t base;   /* offset of the first octet in raw */
    uint32_t last; /* type before, ~0 at the start */
    size_t in_run; /* how many of that type */
    size_t seen;   /* parameters of any kind */
    uint16_t where;
    bool tail_pad; /* zero octets may end it, and the last TLV's padding may be missing */
};

static bool all_zero(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i])
            return false;
    return true;
}

/* One TLV. *done at the end. RFC 7401 s5.2.1 MUST: non-decreasing types, which makes equal ones adjacent. */
static int walk_next(struct walk *w, struct hip_params *out, bool *done, uint16_t *bad)
{
    *done = rcur_left(&w->c) == 0;
    if (*done)
        return HIP_TAKEN;
    if (w->tail_pad && all_zero(span_of(w->c.p, w->c.left))) {
        *done = true;
        return HIP_TAKEN;
    }
    size_t off = w->base + (w->total - rcur_left(&w->c));
    uint16_t type = rcur_u16(&w->c);
    size_t len = rcur_u16(&w->c);
    *bad = type;
    struct span v = rcur_take(&w->c, len);
    if (!rcur_ok(&w->c))
        return HIP_DROP_PARAM_LENGTH;
    size_t pad = hip_tlv_len(len) - 4 - len;
    if (w->tail_pad && pad > rcur_left(&w->c))
        pad = rcur_left(&w->c);
    rcur_skip(&w->c, pad); /* its value is not looked at: SHOULD NOT check */
    if (!rcur_ok(&w->c))
        return HIP_DROP_PARAM_LENGTH;
    if (w->last != UINT32_MAX && type < w->last)
        return HIP_DROP_PARAM_ORDER;
    w->in_run = type == w->last ? w->in_run + 1 : 1;
    w->last = type;
    if (++w->seen > HIP_PARAMS_MAX)
        return HIP_DROP_PARAM_COUNT;

    const struct hip_param_row *row;
    int d = judge_type(type, w->where, &row);
    if (d != HIP_TAKEN || !row)
        return d;
    if (!length_ok(row, len))
        return HIP_DROP_PARAM_LENGTH;
    if (w->in_run > row->count)
        return HIP_DROP_PARAM_COUNT;
    out->par[out->n++] = (struct hip_par){ .type = type, .off = (uint16_t)off, .v = v };
    return HIP_TAKEN;
}

static int params_parse(struct walk *w, struct hip_params *out, uint16_t *bad)
{
    bool done = false;
    int d = HIP_TAKEN;
    while (d == HIP_TAKEN && !done)
        d = walk_next(w, out, &done, bad);
    if (d == HIP_TAKEN)
        *bad = 0;
    return d;
}

/* RFC 7401 s5.3, s6.8.1 MUST: without one of them it is malformed. */
static int needs_met(const struct hip_packet_row *row, const struct hip_params *p, uint16_t *bad)
{
    for (const struct hip_need *n = row->needs; n->a; n++) {
        if (!hip_par_has(p, n->a) && !(n->b && hip_par_has(p, n->b))) {
            *bad = n->a;
            return HIP_DROP_PARAM_MISSING;
        }
    }
    return HIP_TAKEN;
}

/* RFC 7401 s5.1, s5.1.2 MUST: of version and type what is fixed is ignored, and so are controls that nobody knows. The HITs: NULL receiver in I1 (opportunistic) and NOTIFY (unknown), else both are HITs. */
static int header_parse(struct span octets, struct hip_pkt *k, const struct hip_packet_row **row)
{
    struct rcur c = rcur_of(octets);
    rcur_skip(&c, 1); /* Next Header: what follows the packet is ignored whatever it is */
    size_t len = ((size_t)rcur_u8(&c) + 1) * 8;
    k->type = rcur_u8(&c) & 0x7f;
    uint8_t version = rcur_u8(&c); /* the low four bits, and the top one of the type, are ignored */
    k->checksum = rcur_u16(&c);
    k->controls = rcur_u16(&c);
    rcur_copy(&c, k->sender.b, sizeof(k->sender.b));
    rcur_copy(&c, k->receiver.b, sizeof(k->receiver.b));
    if (!rcur_ok(&c))
        return HIP_DROP_TRUNCATED;
    if (version >> 4 != HIP_VERSION)
        return HIP_DROP_BAD_VERSION;
    if (len < HIP_HEADER_LEN)
        return HIP_DROP_BAD_HEADER;
    if (len > octets.n)
        return HIP_DROP_TRUNCATED;
    *row = hip_packet_row(k->type);
    if (!*row || !(*row)->processed)
        return HIP_DROP_UNKNOWN_PACKET;
    bool null_ok = k->type == HIP_PKT_I1 || k->type == HIP_PKT_NOTIFY;
    if (!hit_is_valid(&k->sender) || !(hit_is_valid(&k->receiver) || (null_ok && hit_is_null(&k->receiver))))
        return HIP_DROP_BAD_HIT;
    k->raw = span_of(octets.p, len);
    return HIP_TAKEN;
}

int hip_pkt_parse(struct span octets, struct hip_pkt *out)
{
    const struct hip_packet_row *row = NULL;
    memset(out, 0, sizeof(*out));
    int d = header_parse(octets, out, &row);
    if (d != HIP_TAKEN)
        return d;
    struct walk w = {
        .c = rcur_of(span_sub(out->raw, HIP_HEADER_LEN, out->raw.n - HIP_HEADER_LEN)),
        .total = out->raw.n - HIP_HEADER_LEN,
        .base = HIP_HEADER_LEN,
        .last = UINT32_MAX,
        .where = row->where,
    };
    out->p.raw = out->raw;
    d = params_parse(&w, &out->p, &out->bad_type);
    if (d == HIP_TAKEN)
        d = needs_met(row, &out->p, &out->bad_type);
    if (d != HIP_TAKEN)
        out->p.n = 0;
    return d;
}

int hip_inner_parse(struct span octets, struct hip_params *out, uint16_t *bad_type)
{
    uint16_t bad = 0;
    struct walk w = {
        .c = rcur_of(octets),
        .total = octets.n,
        .last = UINT32_MAX,
        .where = HIP_W_INNER,
        .tail_pad = true,
    };
    memset(out, 0, sizeof(*out));
    out->raw = octets;
    if (octets.n > HIP_LEN_ANY)
        return HIP_DROP_OVERSIZED;
    int d = params_parse(&w, out, &bad);
    if (d != HIP_TAKEN)
        out->n = 0;
    if (bad_type)
        *bad_type = bad;
    return d;
}

const struct hip_par *hip_par_get(const struct hip_params *p, uint16_t type)
{
    size_t lo = 0, hi = p->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (p->par[mid].type < type)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < p->n && p->par[lo].type == type ? &p->par[lo] : NULL;
}

size_t hip_par_count(const struct hip_params *p, uint16_t type)
{
    const struct hip_par *a = hip_par_get(p, type);
    size_t n = 0;
    while (a && a + n < p->par + p->n && a[n].type == type)
        n++;
    return n;
}

struct span hip_par_span(const struct hip_params *p, uint16_t type)
{
    const struct hip_par *a = hip_par_get(p, type);
    return a ? a->v : span_of(NULL, 0);
}

struct span hip_par_tlv(const struct hip_params *p, const struct hip_par *par)
{
    return span_sub(p->raw, par->off, hip_tlv_len(par->v.n));
}

static uint64_t sum16(uint64_t sum, const uint8_t *p, size_t n)
{
    for (; n > 1; p += 2, n -= 2)
        sum += (uint64_t)p[0] << 8 | p[1];
    if (n)
        sum += (uint64_t)p[0] << 8;
    return sum;
}

/* RFC 7401 s5.1.1 MUST. Both pseudo-headers add up alike: addresses, length and protocol; only their widths differ. */
uint16_t hip_checksum(const struct addr *src, const struct addr *dst, struct span packet)
{
    uint64_t sum = HIP_IP_PROTO + packet.n;
    sum = sum16(sum, src->ip, addr_ip_len(src));
    sum = sum16(sum, dst->ip, addr_ip_len(dst));
    sum = sum16(sum, packet.p, packet.n);
    if (packet.n >= 6) /* the field itself counts as zero */
        sum -= (uint64_t)packet.p[4] << 8 | packet.p[5];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

bool hip_checksum_ok(const struct hip_pkt *k, const struct addr *src, const struct addr *dst)
{
    if (src->port || dst->port)
        return k->checksum == 0;
    if (src->family != dst->family)
        return false;
    uint16_t want = hip_checksum(src, dst, k->raw);
    return want == k->checksum || (want == 0 && k->checksum == 0xffff); /* two forms of zero */
}
