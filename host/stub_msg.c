/* SPDX-License-Identifier: Apache-2.0 */
#include "host/stub_msg.h"

#include <string.h>

#define FLAG_QR      0x8000u
#define FLAG_RD      0x0100u
#define FLAG_RA      0x0080u
#define FLAG_CD      0x0010u
#define UDP_MIN      512
#define UDP_OURS     1232
#define PTR_QUESTION 0xc00c /* the question's name */

err stub_query_parse(struct span msg, struct stub_query *out)
{
    struct stub_query q = { .udp_size = UDP_MIN };
    struct dnsu_reader r;
    struct dnsu_rec rec;
    uint16_t flags;

    if (dnsu_reader_init(&r, msg))
        return ERR_TRUNCATED;
    if (r.hdr.qr)
        return ERR_REFUSED;
    if (r.hdr.opcode != DNSU_OP_QUERY)
        return ERR_UNSUPPORTED;
    flags = (uint16_t)(msg.p[2] << 8 | msg.p[3]);
    q.id = r.hdr.id;
    q.rd = (flags & FLAG_RD) != 0;
    q.cd = (flags & FLAG_CD) != 0;
    if (r.hdr.count[0] != 1 || !dnsu_reader_question(&r, &q.q))
        return ERR_MALFORMED;
    q.question_end = r.at;
    while (dnsu_reader_next(&r, &rec)) {
        if (rec.section != 3)
            return ERR_MALFORMED;
        if (rec.type == DNSU_TYPE_OPT) {
            q.edns = true;
            q.udp_size = rec.cls > UDP_MIN ? rec.cls : UDP_MIN;
        }
    }
    if (r.failed)
        return ERR_MALFORMED;
    *out = q;
    return ERR_OK;
}

size_t stub_answer_bare(struct span msg, unsigned rcode, uint8_t *out, size_t cap)
{
    struct wcur w = wcur_of(out, cap);

    if (msg.n < DNSU_HDR_LEN)
        return 0;
    wcur_put(&w, msg.p, 2);
    wcur_u16(&w, (uint16_t)(FLAG_QR | FLAG_RA | ((unsigned)(msg.p[2] << 8) & 0x7900u) | rcode));
    wcur_zero(&w, 8);
    return wcur_done(&w).n;
}

/* Header and question; n_answer records and, if asked with EDNS, an OPT record are to follow. */
static void begin(struct wcur *w, struct span msg, const struct stub_query *q, unsigned rcode,
                  size_t n_answer)
{
    wcur_u16(w, q->id);
    wcur_u16(w, (uint16_t)(FLAG_QR | FLAG_RA | (q->rd ? FLAG_RD : 0) | (q->cd ? FLAG_CD : 0) | rcode));
    wcur_u16(w, 1);
    wcur_u16(w, (uint16_t)n_answer);
    wcur_u16(w, 0);
    wcur_u16(w, q->edns ? 1 : 0);
    wcur_put(w, msg.p + DNSU_HDR_LEN, q->question_end - DNSU_HDR_LEN);
}

static size_t end(struct wcur *w, const struct stub_query *q)
{
    if (q->edns) {
        wcur_u8(w, 0); /* root */
        wcur_u16(w, DNSU_TYPE_OPT);
        wcur_u16(w, UDP_OURS);
        wcur_u32(w, 0);
        wcur_u16(w, 0);
    }
    return wcur_done(w).n;
}

static void record_head(struct wcur *w, uint16_t type, uint32_t ttl, size_t rdlen)
{
    wcur_u16(w, PTR_QUESTION);
    wcur_u16(w, type);
    wcur_u16(w, DNSU_CLASS_IN);
    wcur_u32(w, ttl);
    wcur_u16(w, (uint16_t)rdlen);
}

size_t stub_answer_empty(struct span msg, const struct stub_query *q, unsigned rcode, uint8_t *out,
                         size_t cap)
{
    struct wcur w = wcur_of(out, cap);

    begin(&w, msg, q, rcode, 0);
    return end(&w, q);
}

size_t stub_answer_hits(struct span msg, const struct stub_query *q, const struct hit *hit, size_t n,
                        uint32_t ttl, uint8_t *out, size_t cap)
{
    struct wcur w = wcur_of(out, cap);

    begin(&w, msg, q, DNSU_RC_NOERROR, n);
    for (size_t i = 0; i < n; i++) {
        record_head(&w, DNSU_TYPE_AAAA, ttl, sizeof(hit[i].b));
        wcur_put(&w, hit[i].b, sizeof(hit[i].b));
    }
    return end(&w, q);
}

size_t stub_answer_lsis(struct span msg, const struct stub_query *q, const struct addr *lsi, size_t n,
                        uint32_t ttl, uint8_t *out, size_t cap)
{
    struct wcur w = wcur_of(out, cap);

    begin(&w, msg, q, DNSU_RC_NOERROR, n);
    for (size_t i = 0; i < n; i++) {
        record_head(&w, DNSU_TYPE_A, ttl, addr_ip_len(&lsi[i]));
        wcur_put(&w, lsi[i].ip, addr_ip_len(&lsi[i]));
    }
    return end(&w, q);
}

size_t stub_answer_ptr(struct span msg, const struct stub_query *q, const struct dnsu_name *name,
                       uint8_t *out, size_t cap)
{
    struct wcur w = wcur_of(out, cap);

    begin(&w, msg, q, DNSU_RC_NOERROR, 1);
    record_head(&w, STUB_TYPE_PTR, STUB_TTL_PTR, name->len);
    wcur_span(&w, dnsu_name_span(name));
    return end(&w, q);
}

static int nibble(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool stub_reverse_hit(const struct dnsu_name *name, struct hit *out)
{
    static const char tail[] = "\003ip6\004arpa";
    struct dnsu_name lower = *name;
    struct hit h = { { 0 } };

    /* 32 labels of one digit, the lowest first, then ip6.arpa (RFC 3596 s2.5). */
    dnsu_name_lower(&lower);
    if (lower.len != 64 + sizeof(tail) || memcmp(lower.wire + 64, tail, sizeof(tail)) != 0)
        return false;
    for (size_t i = 0; i < 32; i++) {
        int v = lower.wire[2 * i] == 1 ? nibble(lower.wire[2 * i + 1]) : -1;
        if (v < 0)
            return false;
        h.b[15 - i / 2] |= (uint8_t)(v << (i % 2 ? 4 : 0));
    }
    if (!hit_is_valid(&h))
        return false;
    *out = h;
    return true;
}

/* A label of one to three digits, no zero in front, at *at; -1: it is none. */
static int octet_label(const struct dnsu_name *name, size_t *at)
{
    size_t n = name->wire[*at];
    int v = 0;

    if (n < 1 || n > 3 || *at + 1 + n > name->len || (n > 1 && name->wire[*at + 1] == '0'))
        return -1;
    for (size_t i = 1; i <= n; i++) {
        uint8_t c = name->wire[*at + i];
        if (c < '0' || c > '9')
            return -1;
        v = 10 * v + (c - '0');
    }
    *at += 1 + n;
    return v > 255 ? -1 : v;
}

bool stub_reverse_ip4(const struct dnsu_name *name, struct addr *out)
{
    static const char tail[] = "\007in-addr\004arpa";
    struct addr a = { .family = ADDR_V4 };
    struct dnsu_name lower = *name;
    size_t at = 0;

    /* Four labels, the last octet first, then in-addr.arpa (RFC 1035 s3.5). */
    dnsu_name_lower(&lower);
    for (size_t i = 4; i-- > 0;) {
        int v = octet_label(&lower, &at);
        if (v < 0)
            return false;
        a.ip[i] = (uint8_t)v;
    }
    if (lower.len - at != sizeof(tail) || memcmp(lower.wire + at, tail, sizeof(tail)) != 0)
        return false;
    *out = a;
    return true;
}
