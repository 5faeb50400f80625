/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hipvec/show.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/hipvec/decode.h"
#include "hip/pkt.h"

static void put(json_t *o, const char *name, json_t *v)
{
    json_object_set_new(o, name, v);
}

static void put_text(json_t *o, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void put_text(json_t *o, const char *name, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    put(o, name, json_string(text));
}

enum dgram_sum show_checksum(const struct item *x, const struct view *w, char why[96])
{
    why[0] = '\0';
    if (x->udp) {
        if (w->checksum)
            snprintf(why, 96, "0x%04x, but zero inside UDP (RFC 9028 s5.1)", w->checksum);
        else if (x->udp_sum == SUM_WRONG && x->has_addr)
            snprintf(why, 96, "the UDP checksum is wrong");
        return why[0] ? SUM_WRONG : x->has_addr ? x->udp_sum : SUM_NONE;
    }
    if (!x->has_addr)
        return SUM_NONE;
    uint16_t want = hip_checksum(&x->src, &x->dst, w->raw);
    if (want == w->checksum || (want == 0 && w->checksum == 0xffff))
        return SUM_RIGHT;
    snprintf(why, 96, "0x%04x, not 0x%04x (RFC 7401 s5.1.1)", w->checksum, want);
    return SUM_WRONG;
}

static void header(const struct item *x, const struct view *w, json_t *o)
{
    char hit[HIT_TEXT_MAX], why[96];
    json_t *h = json_object();
    static const char *const said[] = { "cannot tell", "right", "wrong", "left to the network card" };
    enum dgram_sum sum = show_checksum(x, w, why);
    put(h, "next_header", json_integer(w->next));
    put(h, "header_length", json_integer(w->raw.p[1]));
    put(h, "octets", json_integer((json_int_t)w->raw.n));
    put(h, "type", json_integer(w->type));
    put(h, "version", json_integer(w->version));
    put_text(h, "checksum", "0x%04x", w->checksum);
    put_text(h, "checksum_is", "%s%s%s", x->udp && sum == SUM_NONE && x->has_addr ? "none" : said[sum],
             why[0] ? ": " : "", why);
    put_text(h, "controls", "0x%04x%s", w->controls, w->controls & HIP_CONTROL_A ? " anonymous" : "");
    put(h, "sender", json_string(hit_format(&w->sender, hit)));
    put(h, "receiver", json_string(hit_is_null(&w->receiver) ? "NULL" : hit_format(&w->receiver, hit)));
    put(o, "header", h);
}

/* The MACs and signatures whose reach a parameter lies in. */
static json_t *covered_by(const struct view *w, const struct view_par *p)
{
    json_t *list = json_array();
    for (size_t i = 0; i < w->n; i++) {
        const struct view_par *a = &w->par[i];
        bool auth = a->row && (a->row->cover == HIP_COVER_AUTH || a->type == HIP_PAR_RVS_HMAC ||
                               a->type == HIP_PAR_RELAY_HMAC);
        if (auth && a->off > p->off)
            json_array_append_new(list, json_string(a->row->name));
    }
    return list;
}

static json_t *params(struct view *w, enum hash_alg rhash)
{
    json_t *list = json_array();
    for (size_t i = 0; i < w->n; i++) {
        const struct view_par *p = &w->par[i];
        json_t *q = json_object();
        put(q, "offset", json_integer((json_int_t)p->off));
        put(q, "type", json_integer(p->type));
        put(q, "name", json_string(p->row ? p->row->name : "unknown"));
        put(q, "critical", json_boolean(hip_is_critical(p->type)));
        put(q, "length", json_integer((json_int_t)p->v.n));
        put(q, "covered_by", covered_by(w, p));
        put(q, "fields", decode_param(w, p, rhash));
        json_array_append_new(list, q);
    }
    return list;
}

/* What each MAC and signature reaches, as a sentence of the RFC's. */
static void coverage(const struct view *w, json_t *o)
{
    json_t *list = json_array();
    for (size_t i = 0; i < w->n; i++) {
        const struct view_par *p = &w->par[i];
        json_t *c;
        const char *plus = "", *minus = "", *key;
        switch (p->type) {
        case HIP_PAR_HIP_MAC:
            key = "the sender's integrity key";
            break;
        case HIP_PAR_HIP_MAC_2:
            key = "the sender's integrity key";
            plus = "the Responder's HOST_ID as it stood in R1";
            break;
        case HIP_PAR_HIP_SIGNATURE:
            key = "the sender's host identity";
            break;
        case HIP_PAR_HIP_SIGNATURE_2:
            key = "the sender's host identity";
            minus = "receiver's HIT, PUZZLE's Opaque and #I (zeros)";
            break;
        case HIP_PAR_RVS_HMAC:
        case HIP_PAR_RELAY_HMAC:
            key = "the integrity key of the server's association with the receiver";
            break;
        default:
            continue;
        }
        c = json_object();
        put(c, "by", json_string(p->row->name));
        put(c, "from", json_integer(0));
        put(c, "to", json_integer((json_int_t)p->off));
        put(c, "with", json_string(key));
        if (plus[0])
            put(c, "and", json_string(plus));
        if (minus[0])
            put(c, "without", json_string(minus));
        json_array_append_new(list, c);
    }
    put(o, "covered", list);
}

/* What stands at an octet. */
static const char *place(const struct view *w, size_t at)
{
    if (at < HIP_HEADER_LEN)
        return at < 4    ? "header"
               : at < 6  ? "checksum"
               : at < 8  ? "controls"
               : at < 24 ? "sender's HIT"
                         : "receiver's HIT";
    for (size_t i = w->n; i-- > 0;) {
        const struct view_par *p = &w->par[i];
        if (at < p->off)
            continue;
        if (at < p->off + 4 + p->v.n)
            return p->row ? p->row->name : "unknown parameter";
        return at < p->off + 4 + p->v.n + p->pad.n ? "padding" : "octets that are no parameter";
    }
    return "octets that are no parameter";
}

json_t *show_uncovered(const struct item *x, const struct view *w)
{
    uint8_t mask[HIP_PACKET_MAX] = { 0 };
    char why[96];
    json_t *list = json_array();
    enum dgram_sum sum = show_checksum(x, w, why);
    bool summed = sum == SUM_RIGHT || sum == SUM_WRONG || (!x->has_addr && !x->udp);
    size_t n = w->raw.n < sizeof mask ? w->raw.n : sizeof mask;
    if (w->raw.n <= sizeof mask)
        view_cover(w, mask);
    for (size_t from = 0; from < n;) {
        const char *what = place(w, from);
        size_t to = from + 1;
        while (to < n && !mask[to] == !mask[from] && place(w, to) == what)
            to++;
        if (!mask[from]) {
            json_t *r = json_object();
            put(r, "from", json_integer((json_int_t)from));
            put(r, "to", json_integer((json_int_t)to));
            put(r, "what", json_string(what));
            put(r, "checksum", json_boolean(summed));
            json_array_append_new(list, r);
        }
        from = to;
    }
    if (w->behind.n) {
        json_t *r = json_object();
        put(r, "from", json_integer((json_int_t)w->raw.n));
        size_t end = w->raw.n + w->behind.n;
        put(r, "to", json_integer((json_int_t)end));
        put(r, "what", json_string("octets behind the packet"));
        put(r, "checksum", json_boolean(x->udp && summed));
        json_array_append_new(list, r);
    }
    return list;
}

static void faults(const struct item *x, const struct view *w, json_t *o)
{
    json_t *list = json_array();
    char why[96];
    for (size_t i = 0; i < w->n_faults; i++) {
        json_t *f = json_object();
        put(f, "kind", json_string(fault_name(w->fault[i].kind)));
        put(f, "offset", json_integer((json_int_t)w->fault[i].off));
        put(f, "text", json_string(w->fault[i].text));
        json_array_append_new(list, f);
    }
    if (w->raw.n >= HIP_HEADER_LEN && show_checksum(x, w, why) == SUM_WRONG) {
        json_t *f = json_object();
        put(f, "kind", json_string("checksum"));
        put(f, "offset", json_integer(4));
        put(f, "text", json_string(why));
        json_array_append_new(list, f);
    }
    put(o, "faults", list);
}

static void where(const struct item *x, json_t *o)
{
    char text[ADDR_TEXT_MAX];
    put(o, "frame", json_integer((json_int_t)x->frame));
    if (x->captured)
        put_text(o, "time", "%llu.%09llu", (unsigned long long)(x->time_ns / 1000000000u),
                 (unsigned long long)(x->time_ns % 1000000000u));
    if (x->has_addr) {
        put(o, "from", json_string(addr_format(&x->src, text)));
        put(o, "to", json_string(addr_format(&x->dst, text)));
    }
    put(o, "carrier",
        json_string(x->kind == ITEM_BAD   ? "IP"
                    : x->udp              ? "UDP"
                    : x->kind == ITEM_ESP ? "IP protocol 50"
                                          : "IP protocol 139"));
}

json_t *show_item(const struct item *x)
{
    json_t *o = json_object();
    where(x, o);
    if (x->kind == ITEM_BAD) {
        put(o, "kind", json_string("IP"));
        put(o, "why", json_string(x->why));
        return o;
    }
    if (x->kind == ITEM_ESP) {
        put(o, "kind", json_string("ESP"));
        put(o, "octets", json_integer((json_int_t)x->octets.n));
        if (x->octets.n >= 8) {
            const uint8_t *p = x->octets.p;
            put_text(o, "spi", "0x%02x%02x%02x%02x", p[0], p[1], p[2], p[3]);
            put(o, "sequence", json_integer((json_int_t)p[4] << 24 | p[5] << 16 | p[6] << 8 | p[7]));
        }
        return o;
    }
    struct view w;
    put(o, "kind", json_string("HIP"));
    if (view_packet(x->octets, &w)) {
        put(o, "packet", json_string(view_type_name(&w)));
        header(x, &w, o);
        put(o, "parameters", params(&w, decode_rhash(&w)));
        coverage(&w, o);
        put(o, "not_covered", show_uncovered(x, &w));
    }
    faults(x, &w, o);
    return o;
}

void show_inside(json_t *o, struct judge *j, size_t item)
{
    uint8_t buf[65536];
    struct span s;
    uint8_t next;
    struct view in;
    if (judge_open(j, item, buf, &s)) {
        view_inner(s, &in);
        put(o, "inside", params(&in, HASH_NONE));
    } else if (j && json_object_get(o, "spi") &&
               json_integer_value(json_object_get(o, "octets")) <= (json_int_t)sizeof buf &&
               judge_esp_open(j, item, buf, &s, &next)) {
        put(o, "next_header", json_integer(next));
        put(o, "payload", decode_hex(s));
    }
}
