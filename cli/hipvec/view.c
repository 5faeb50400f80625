/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hipvec/view.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/cursor.h"

const char *fault_name(enum fault_kind k)
{
    static const char *const names[] = {
#define X(name, text) text,
        FAULT_LIST(X)
#undef X
    };
    return names[k];
}

void view_fault(struct view *w, enum fault_kind kind, size_t off, const char *fmt, ...)
{
    va_list ap;
    if (w->n_faults == VIEW_FAULTS_MAX)
        return;
    struct fault *f = &w->fault[w->n_faults++];
    f->kind = kind;
    f->off = off;
    va_start(ap, fmt);
    vsnprintf(f->text, sizeof f->text, fmt, ap);
    va_end(ap);
}

bool view_has_fault(const struct view *w, enum fault_kind k)
{
    for (size_t i = 0; i < w->n_faults; i++)
        if (w->fault[i].kind == k)
            return true;
    return false;
}

const struct view_par *view_get(const struct view *w, uint16_t type)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->par[i].type == type)
            return &w->par[i];
    return NULL;
}

struct span view_span(const struct view *w, uint16_t type)
{
    const struct view_par *p = view_get(w, type);
    return p ? p->v : span_of(NULL, 0);
}

struct span view_tlv(const struct view *w, const struct view_par *p)
{
    return span_sub(w->raw, p->off, 4 + p->v.n + p->pad.n);
}

const char *view_type_name(const struct view *w)
{
    return w->row ? w->row->name : "unknown type";
}

/* ---- parameters ---- */

static bool zero(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i])
            return false;
    return true;
}

/* What one parameter says by its type and length alone. */
static void judge_param(struct view *w, const struct view_par *p, uint16_t where, size_t in_run)
{
    const struct hip_param_row *r = p->row;
    if (!r || !r->where) {
        if (hip_is_critical(p->type))
            view_fault(w, FAULT_CRITICAL, p->off,
                       "%u%s%s is critical and not known: the packet is not processed (RFC 7401 s5.2.1)",
                       p->type, r ? " " : "", r ? r->name : "");
        return;
    }
    if (!(r->where & where))
        view_fault(w, FAULT_PLACE, p->off, "%s has no place in %s", r->name,
                   where == HIP_W_INNER ? "ENCRYPTED" : view_type_name(w));
    if (p->v.n < r->min || p->v.n > r->max || (p->v.n - r->min) % r->multiple)
        view_fault(w, FAULT_LENGTH, p->off, "%s of %zu octets", r->name, p->v.n);
    if (in_run == (size_t)r->count + 1)
        view_fault(w, FAULT_COUNT, p->off, "%s more than %u time%s", r->name, r->count,
                   r->count == 1 ? "" : "s");
    if (!zero(p->pad))
        view_fault(w, FAULT_PADDING, p->off + 4 + p->v.n,
                   "%s is padded with other octets than zero (RFC 7401 s5.2.1)", r->name);
}

/* TLVs from `base` on to the end of raw. tail: zero octets may end them, and the last one's padding may be missing. */
static void walk(struct view *w, size_t base, uint16_t where, bool tail)
{
    struct rcur c = rcur_of(span_sub(w->raw, base, w->raw.n - base));
    uint32_t last = 0;
    size_t run = 0;
    while (rcur_left(&c) > 0 && w->n < VIEW_PARAMS_MAX) {
        size_t off = w->raw.n - rcur_left(&c);
        if (tail && zero(span_of(c.p, c.left)))
            return;
        struct view_par p = { .off = off, .type = rcur_u16(&c) };
        size_t len = rcur_u16(&c);
        p.v = rcur_take(&c, len);
        p.row = hip_param_row(p.type);
        if (!rcur_ok(&c)) {
            view_fault(w, FAULT_FILL, off, "%s (%u) of %zu octets goes past the end",
                       p.row ? p.row->name : "a parameter", p.type, len);
            return;
        }
        size_t pad = hip_tlv_len(len) - 4 - len;
        if (pad > rcur_left(&c) && !tail)
            view_fault(w, FAULT_FILL, off, "no room for the padding of %s", p.row ? p.row->name : "it");
        p.pad = rcur_take(&c, pad < rcur_left(&c) ? pad : rcur_left(&c));
        if (w->n && p.type < last)
            view_fault(w, FAULT_ORDER, off, "%s (%u) behind %s (%u): types do not decrease (RFC 7401 s5.2.1)",
                       hip_param_name(p.type), p.type, hip_param_name((uint16_t)last), last);
        run = w->n && p.type == last ? run + 1 : 1;
        last = p.type;
        w->par[w->n++] = p;
        judge_param(w, &p, where, run);
    }
}

static void judge_header(struct view *w, const uint8_t *p)
{
    bool null_ok = w->type == HIP_PKT_I1 || w->type == HIP_PKT_NOTIFY;
    if (!w->row)
        view_fault(w, FAULT_HEADER, 2, "packet type %u is not known: dropped (RFC 7401 s5.3)", w->type);
    if (p[2] & 0x80)
        view_fault(w, FAULT_HEADER, 2, "the top bit of the packet type is set (RFC 7401 s5.1)");
    if (w->version != HIP_VERSION)
        view_fault(w, FAULT_HEADER, 3, "HIP version %u", w->version);
    else if ((p[3] & 15) != 1)
        view_fault(w, FAULT_HEADER, 3, "reserved bits of the version octet: 0x%02x, not 0x21", p[3]);
    if (w->controls & ~HIP_CONTROL_A)
        view_fault(w, FAULT_HEADER, 6, "controls 0x%04x: only A (0x0001) is defined", w->controls);
    if (!hit_is_valid(&w->sender))
        view_fault(w, FAULT_HEADER, 8, "the sender's HIT is outside 2001:20::/28 (RFC 7343 s2)");
    if (!hit_is_valid(&w->receiver) && !(null_ok && hit_is_null(&w->receiver)))
        view_fault(w, FAULT_HEADER, 24, "the receiver's HIT is %s",
                   hit_is_null(&w->receiver) ? "NULL, which only I1 and NOTIFY may have"
                                             : "outside 2001:20::/28 (RFC 7343 s2)");
}

static void judge_needs(struct view *w)
{
    for (const struct hip_need *n = w->row->needs; n->a; n++)
        if (!view_get(w, n->a) && !(n->b && view_get(w, n->b)))
            view_fault(w, FAULT_MISSING, w->raw.n, "%s%s%s", hip_param_name(n->a), n->b ? " or " : "",
                       n->b ? hip_param_name(n->b) : "");
}

bool view_packet(struct span octets, struct view *out)
{
    struct rcur c = rcur_of(octets);
    memset(out, 0, sizeof *out);
    out->raw = octets;
    if (octets.n < HIP_HEADER_LEN) {
        view_fault(out, FAULT_HEADER, 0, "%zu octets: less than a HIP header", octets.n);
        return false;
    }
    out->next = rcur_u8(&c);
    size_t len = ((size_t)rcur_u8(&c) + 1) * 8;
    out->type = rcur_u8(&c) & 0x7f;
    out->version = rcur_u8(&c) >> 4;
    out->checksum = rcur_u16(&c);
    out->controls = rcur_u16(&c);
    rcur_copy(&c, out->sender.b, sizeof out->sender.b);
    rcur_copy(&c, out->receiver.b, sizeof out->receiver.b);
    out->row = hip_packet_row(out->type);
    judge_header(out, octets.p);
    if (len < HIP_HEADER_LEN)
        view_fault(out, FAULT_HEADER, 1, "Header Length %u: at least 4 (RFC 7401 s5.1)", octets.p[1]);
    else if (len > octets.n)
        view_fault(out, FAULT_FILL, 1, "Header Length says %zu octets, %zu are there", len, octets.n);
    else
        out->raw = span_of(octets.p, len);
    out->behind = span_of(octets.p + out->raw.n, octets.n - out->raw.n);
    if (out->behind.n && out->next == 59)
        view_fault(out, FAULT_FILL, out->raw.n, "%zu octets behind the packet, though Next Header says none",
                   out->behind.n);
    if (len < HIP_HEADER_LEN)
        return true;
    walk(out, HIP_HEADER_LEN, out->row ? out->row->where : HIP_W_PACKETS, false);
    if (out->row && out->version == HIP_VERSION)
        judge_needs(out);
    return true;
}

void view_inner(struct span octets, struct view *out)
{
    memset(out, 0, sizeof *out);
    out->raw = octets;
    walk(out, 0, HIP_W_INNER, true);
}

/* ---- coverage ---- */

static void mark(uint8_t *mask, size_t from, size_t to, uint8_t bit)
{
    for (size_t i = from; i < to; i++)
        mask[i] |= bit;
}

static void unmark(uint8_t *mask, size_t from, size_t to, uint8_t bit)
{
    for (size_t i = from; i < to; i++)
        mask[i] &= (uint8_t)~bit;
}

void view_cover(const struct view *w, uint8_t *mask)
{
    memset(mask, 0, w->raw.n);
    for (size_t i = 0; i < w->n; i++) {
        const struct view_par *p = &w->par[i];
        uint8_t bit;
        switch (p->type) {
        case HIP_PAR_HIP_MAC:
        case HIP_PAR_HIP_MAC_2:
            bit = COVER_MAC;
            break;
        case HIP_PAR_HIP_SIGNATURE:
        case HIP_PAR_HIP_SIGNATURE_2:
            bit = COVER_SIGNATURE;
            break;
        case HIP_PAR_RVS_HMAC:
        case HIP_PAR_RELAY_HMAC:
            bit = COVER_RELAY;
            break;
        default:
            continue;
        }
        mark(mask, 0, p->off + 4 + p->v.n, bit); /* and itself: another value is a wrong one */
        unmark(mask, 4, 6, bit);
        const struct view_par *z = view_get(w, HIP_PAR_PUZZLE);
        if (p->type == HIP_PAR_HIP_SIGNATURE_2) {
            unmark(mask, 24, 40, bit);
            if (z && z->v.n >= 4)
                unmark(mask, z->off + 6, z->off + 4 + z->v.n, bit);
        }
    }
}
