/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hipvec/items.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "hip/proto.h"

#define HIP_PORT      10500
#define ENDPOINTS_MAX 256
#define SPIS_MAX      1024
#define MARKER        4
#define ESP_LEAST     24 /* octets of the shortest ESP packet of a run */
#define ESP_AHEAD     64 /* numbers that a run may leave out */

err read_file(const char *path, uint8_t **out, size_t *n)
{
    FILE *f = fopen(path, "rb");
    size_t cap = 1 << 16, len = 0, got;
    uint8_t *p = f ? malloc(cap) : NULL;
    err e = !f ? ERR_IO : !p ? ERR_MEMORY : ERR_OK;
    while (e == ERR_OK && (got = fread(p + len, 1, cap - len, f)) > 0) {
        len += got;
        if (len < cap)
            continue;
        uint8_t *more = cap < ITEMS_FILE_MAX ? realloc(p, cap * 2) : NULL;
        if (!more) {
            e = cap < ITEMS_FILE_MAX ? ERR_MEMORY : ERR_RANGE;
            break;
        }
        p = more;
        cap *= 2;
    }
    if (e == ERR_OK && ferror(f)) /* a folder, too */
        e = ERR_IO;
    if (f)
        fclose(f);
    if (e != ERR_OK) {
        free(p);
        return e;
    }
    *out = p;
    *n = len;
    return ERR_OK;
}

static err append(struct items *it, const struct item *x)
{
    if ((it->n & (it->n - 1)) == 0) {
        struct item *v = realloc(it->v, (it->n ? it->n * 2 : 1) * sizeof *v);
        if (!v)
            return ERR_MEMORY;
        it->v = v;
    }
    it->v[it->n++] = *x;
    return ERR_OK;
}

/* Octets that live as long as the items; NULL: out of memory. */
static uint8_t *keep(struct items *it, size_t n)
{
    uint8_t **c = realloc(it->copies, (it->n_copies + 1) * sizeof *c);
    if (!c)
        return NULL;
    it->copies = c;
    uint8_t *p = malloc(n ? n : 1);
    if (p)
        it->copies[it->n_copies++] = p;
    return p;
}

void items_done(struct items *it)
{
    for (size_t i = 0; i < it->n_copies; i++)
        free(it->copies[i]);
    free(it->copies);
    free(it->v);
    free(it->file);
    memset(it, 0, sizeof *it);
}

/* ---- captures ---- */

/* Who speaks HIP in UDP, wherever its port is: what else comes from or goes to there is ESP (RFC 9028 s5.11). */
struct endpoints {
    struct addr v[ENDPOINTS_MAX];
    size_t n;
    uint32_t spi[SPIS_MAX]; /* that their ESP begins with */
    size_t n_spi;
};

static bool speaks(const struct endpoints *e, const struct addr *a)
{
    if (a->port == HIP_PORT)
        return true;
    for (size_t i = 0; i < e->n; i++)
        if (addr_eq(&e->v[i], a))
            return true;
    return false;
}

static void note(struct endpoints *e, const struct addr *a)
{
    if (!speaks(e, a) && e->n < ENDPOINTS_MAX)
        e->v[e->n++] = *a;
}

static uint32_t word(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool has_spi(const struct endpoints *e, uint32_t spi)
{
    for (size_t i = 0; i < e->n_spi; i++)
        if (e->spi[i] == spi)
            return true;
    return false;
}

static bool marked(struct span s)
{
    return s.n >= MARKER && !s.p[0] && !s.p[1] && !s.p[2] && !s.p[3];
}

/* A HIP header behind the marker: length, type, version agree. */
static bool like_hip(struct span s)
{
    return marked(s) && s.n >= MARKER + HIP_HEADER_LEN && s.n == MARKER + ((size_t)s.p[5] + 1) * 8 &&
           !(s.p[6] & 0x80) && (s.p[7] >> 4 == 1 || s.p[7] >> 4 == 2) && (s.p[7] & 1);
}

static bool is_hip_udp(const struct dgram *d)
{
    bool port = d->src.port == HIP_PORT || d->dst.port == HIP_PORT;
    return d->proto == PROTO_UDP && (like_hip(d->payload) || (port && marked(d->payload)));
}

static void note_spi(struct endpoints *e, const struct dgram *d)
{
    if (d->proto == PROTO_UDP && d->payload.n >= ESP_LEAST && !marked(d->payload) &&
        (speaks(e, &d->src) || speaks(e, &d->dst)) && !has_spi(e, word(d->payload.p)) && e->n_spi < SPIS_MAX)
        e->spi[e->n_spi++] = word(d->payload.p);
}

/* An item for a datagram; false: nothing of ours. */
static bool item_of(const struct dgram *d, const struct endpoints *e, struct item *x)
{
    size_t skip = 0;
    if (d->proto == PROTO_HIP) {
        x->kind = ITEM_HIP;
    } else if (d->proto == PROTO_ESP) {
        x->kind = ITEM_ESP;
    } else if (is_hip_udp(d)) {
        x->kind = ITEM_HIP;
        skip = MARKER;
    } else if (d->proto == PROTO_UDP && d->payload.n >= 8 && !marked(d->payload) &&
               (speaks(e, &d->src) || speaks(e, &d->dst))) {
        x->kind = ITEM_ESP;
    } else {
        return false;
    }
    x->udp = d->proto == PROTO_UDP;
    x->udp_sum = d->udp_sum;
    x->whole = d->whole;
    x->off = d->off + skip;
    x->octets = span_of(d->payload.p + skip, d->payload.n - skip);
    return true;
}

/* A packet of a run behind its first: HIP with its marker, or ESP of an SPI that is seen elsewhere too. */
static bool is_piece(const struct endpoints *e, struct span s)
{
    return like_hip(s) || (s.n >= ESP_LEAST && has_spi(e, word(s.p)));
}

/* Where a kernel put equal packets together (UDP_GRO, UDP_SEGMENT), a capture on the host shows them as one datagram: each as long as the
 * first, the last one perhaps shorter. The length of the first of them, behind the marker; s.n: it is alone. */
static size_t hip_segment(const struct endpoints *e, struct span s)
{
    size_t n = s.n > 1 ? ((size_t)s.p[1] + 1) * 8 : 0, step = n + MARKER;
    if (n < HIP_HEADER_LEN || n >= s.n)
        return s.n;
    for (size_t at = n; at < s.n; at += step)
        if (!is_piece(e, span_of(s.p + at, s.n - at < step ? s.n - at : step)))
            return s.n;
    return n;
}

/* Every step octets there is the same SPI and a higher number. */
static bool esp_steps(struct span s, size_t step)
{
    uint32_t spi = word(s.p), last = word(s.p + 4);
    for (size_t at = step; at < s.n; at += step) {
        if (s.n - at < ESP_LEAST || word(s.p + at) != spi || word(s.p + at + 4) - last - 1 >= ESP_AHEAD)
            return false;
        last = word(s.p + at + 4);
    }
    return true;
}

static size_t esp_segment(struct span s)
{
    for (size_t step = ESP_LEAST; step + ESP_LEAST <= s.n; step++)
        if ((word(s.p + step) == word(s.p) && esp_steps(s, step)) ||
            (s.n - step <= step && like_hip(span_of(s.p + step, s.n - step))))
            return step;
    return s.n;
}

/* One item, or one for each packet of a run. */
static err append_all(struct items *it, const struct endpoints *e, const struct item *x)
{
    struct item one = *x;
    struct span s = x->octets;
    size_t from = 0, size = s.n, step = s.n;
    if (x->udp && s.n > ESP_LEAST) {
        size = x->kind == ITEM_HIP ? hip_segment(e, s) : esp_segment(s);
        step = size + (x->kind == ITEM_HIP ? MARKER : 0);
    }
    for (;;) {
        one.octets = span_of(s.p + from, size);
        one.off = x->off + from;
        err r = append(it, &one);
        from += size;
        if (r != ERR_OK || from >= s.n)
            return r;
        size_t left = s.n - from, n = left < step ? left : step,
               skip = marked(span_of(s.p + from, n)) ? MARKER : 0;
        one.kind = skip ? ITEM_HIP : ITEM_ESP;
        from += skip;
        size = n - skip;
    }
}

static err take_frame(struct items *it, const struct frame *f, const struct dgram *d, err e, const char *why,
                      const struct endpoints *ends)
{
    struct item x = { .frame = f->number, .time_ns = f->time_ns, .captured = true, .why = why };
    x.has_addr = d->src.family != ADDR_NONE;
    x.src = d->src;
    x.dst = d->dst;
    if (e == ERR_NOT_FOUND)
        return ERR_OK;
    if (e != ERR_OK) {
        x.kind = ITEM_BAD;
        return e == ERR_MEMORY ? e : append(it, &x);
    }
    if (!item_of(d, ends, &x))
        return ERR_OK;
    if (!x.whole) {
        uint8_t *p = keep(it, x.octets.n);
        if (!p)
            return ERR_MEMORY;
        memcpy(p, x.octets.p, x.octets.n);
        x.octets.p = p;
    }
    return append_all(it, ends, &x);
}

/* One pass; ends gathers (first pass, it NULL) or tells (second pass). */
static err pass(struct span file, struct items *it, struct endpoints *ends, char why[160])
{
    struct capture c;
    struct frame f = { 0 };
    struct reassembly *r = reassembly_new();
    err e = r ? capture_open(file, &c) : ERR_MEMORY;
    while (e == ERR_OK && (e = capture_next(&c, &f)) == ERR_OK) {
        struct dgram d = { 0 };
        const char *bad;
        err g = dgram_of(r, &f, &d, &bad);
        if (!it && g == ERR_OK && is_hip_udp(&d)) {
            note(ends, &d.src);
            note(ends, &d.dst);
        } else if (!it && g == ERR_OK) {
            note_spi(ends, &d);
        } else if (it) {
            e = take_frame(it, &f, &d, g, bad, ends);
        }
    }
    if (it && r) {
        it->frames = f.number;
        it->waiting = reassembly_waiting(r);
    }
    reassembly_free(r);
    if (e == ERR_MALFORMED)
        snprintf(why, 160, "frame %zu: %s", f.number + 1, c.why);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static err parse_capture(struct items *it, char why[160])
{
    struct endpoints *ends = calloc(1, sizeof *ends);
    struct span file = span_of(it->file, it->file_n);
    err e = ends ? pass(file, NULL, ends, why) : ERR_MEMORY;
    if (e == ERR_OK)
        e = pass(file, it, ends, why);
    it->capture = true;
    free(ends);
    return e;
}

/* ---- packets without a carrier ---- */

static err take_bare(struct items *it, struct span s)
{
    struct item x = { .kind = ITEM_HIP, .frame = it->n + 1, .octets = s };
    if (marked(s)) {
        x.udp = true;
        x.octets = span_of(s.p + MARKER, s.n - MARKER);
    }
    return append(it, &x);
}

static int nibble(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    return (ch | 32) >= 'a' && (ch | 32) <= 'f' ? (ch | 32) - 'a' + 10 : -1;
}

/* Text: digits gather until an empty line or the end. */
static err parse_hex(struct items *it, char why[160])
{
    uint8_t *p = keep(it, it->file_n / 2 + 1);
    size_t n = 0, begun = 0, digits = 0, line = 1;
    bool empty = true, comment = false;
    err e = p ? ERR_OK : ERR_MEMORY;
    for (size_t i = 0; e == ERR_OK && i <= it->file_n; i++) {
        char ch = i < it->file_n ? (char)it->file[i] : '\n';
        int v = nibble(ch);
        if (ch == '\n') {
            bool end = (empty && !comment) || i >= it->file_n - 1;
            if (end && digits % 2) {
                snprintf(why, 160, "line %zu: half an octet", line);
                return ERR_MALFORMED;
            }
            if (end && n > begun) {
                e = take_bare(it, span_of(p + begun, n - begun));
                begun = n;
            }
            line++;
            empty = true;
            comment = false;
        } else if (comment || ch == '#') {
            comment = true;
        } else if (v >= 0) {
            if (digits++ % 2)
                p[n++] |= (uint8_t)v;
            else
                p[n] = (uint8_t)(v << 4);
            empty = false;
        } else if (!isspace((unsigned char)ch) && ch != ':') {
            snprintf(why, 160, "line %zu: neither a capture nor vectors, a packet or hexadecimal digits",
                     line);
            return ERR_MALFORMED;
        }
    }
    return e;
}

/* packets[] of one HipBexTest: wire, with the addresses where they are named. */
static err take_vector(struct items *it, const json_t *p)
{
    const char *hex = json_string_value(json_object_get(p, "wire"));
    const char *src = json_string_value(json_object_get(p, "src"));
    const char *dst = json_string_value(json_object_get(p, "dst"));
    const json_t *udp = json_object_get(p, "udp");
    size_t n = hex ? strlen(hex) : 0;
    struct item x = { .kind = ITEM_HIP, .frame = it->n + 1 };
    uint8_t *b = hex && n % 2 == 0 ? keep(it, n / 2) : NULL;
    if (!b)
        return hex && n % 2 == 0 ? ERR_MEMORY : ERR_MALFORMED;
    for (size_t i = 0; i < n; i++) {
        int v = nibble(hex[i]);
        if (v < 0)
            return ERR_MALFORMED;
        b[i / 2] = (uint8_t)(i % 2 ? b[i / 2] | v : v << 4);
    }
    x.octets = span_of(b, n / 2);
    x.has_addr = src && dst && addr_parse(src, &x.src) == ERR_OK && addr_parse(dst, &x.dst) == ERR_OK;
    x.udp = json_is_object(udp);
    if (x.udp) {
        x.src.port = (uint16_t)json_integer_value(json_object_get(udp, "sport"));
        x.dst.port = (uint16_t)json_integer_value(json_object_get(udp, "dport"));
    }
    const char *type = json_string_value(json_object_get(p, "type"));
    if (type && strcmp(type, "ESP") == 0)
        x.kind = ITEM_ESP;
    return append(it, &x);
}

/* Its packets, and the one that must do no harm. */
static err take_test(struct items *it, const json_t *test, size_t group, size_t number, char why[160])
{
    size_t i;
    json_t *packet;
    const json_t *bad = json_object_get(test, "bad");
    err e = ERR_OK;
    json_array_foreach (json_object_get(test, "packets"), i, packet)
        if (e == ERR_OK && (e = take_vector(it, packet)) == ERR_MALFORMED)
            snprintf(why, 160, "group %zu, test %zu, packet %zu: no wire octets", group, number, i);
    if (e == ERR_OK && bad && (e = take_vector(it, bad)) == ERR_MALFORMED)
        snprintf(why, 160, "group %zu, test %zu, bad: no wire octets", group, number);
    return e;
}

static err parse_vectors(struct items *it, char why[160])
{
    json_error_t je;
    json_t *doc = json_loadb((const char *)it->file, it->file_n, 0, &je);
    size_t i, k;
    json_t *group, *test;
    err e = ERR_OK;
    if (!doc) {
        snprintf(why, 160, "line %d: %.100s", je.line, je.text);
        return ERR_MALFORMED;
    }
    json_array_foreach (json_object_get(doc, "testGroups"), i, group)
        json_array_foreach (json_object_get(group, "tests"), k, test)
            if (e == ERR_OK)
                e = take_test(it, test, i, k, why);
    if (e == ERR_OK && it->n == 0) {
        snprintf(why, 160, "no packets in any test");
        e = ERR_MALFORMED;
    }
    json_decref(doc);
    return e;
}

/* What the file is, by how it begins. */
static err parse(struct items *it, char why[160])
{
    struct span file = span_of(it->file, it->file_n);
    size_t at = 0;
    while (at < file.n && isspace(file.p[at]))
        at++;
    if (capture_is(file))
        return parse_capture(it, why);
    if (at < file.n && file.p[at] == '{')
        return parse_vectors(it, why);
    if (file.n >= HIP_HEADER_LEN && (like_hip(file) || (file.p[3] >> 4 == 2 && file.p[0] == 59 &&
                                                        !(file.p[2] & 0x80) && !isxdigit(file.p[1]))))
        return take_bare(it, file);
    err e = parse_hex(it, why);
    if (e == ERR_OK && it->n == 0) {
        snprintf(why, 160, "nothing in it");
        return ERR_MALFORMED;
    }
    return e;
}

static err finish(struct items *it, struct items *out, char why[160])
{
    why[0] = '\0';
    err e = parse(it, why);
    if (e != ERR_OK) {
        if (!why[0])
            snprintf(why, 160, "%s", err_text(e));
        items_done(it);
        return e;
    }
    *out = *it;
    return ERR_OK;
}

err items_parse(struct span file, struct items *out, char why[160])
{
    struct items it = { .file = malloc(file.n ? file.n : 1), .file_n = file.n };
    if (!it.file)
        return ERR_MEMORY;
    if (file.n)
        memcpy(it.file, file.p, file.n);
    return finish(&it, out, why);
}

err items_load(const char *path, struct items *out, char why[160])
{
    struct items it = { 0 };
    err e = read_file(path, &it.file, &it.file_n);
    if (e != ERR_OK) {
        snprintf(why, 160, "%s", e == ERR_IO ? "cannot be read" : err_text(e));
        return e;
    }
    return finish(&it, out, why);
}
