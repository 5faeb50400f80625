/* SPDX-License-Identifier: Apache-2.0
 * ICMP and ICMPv6 (RFC 7915 s4.2, s4.3, s5.2, s5.3): echo, and errors with the packet that they quote. */
#include <string.h>

#include "common/base/insum.h"
#include "hip/esp/beet.h"
#include "host/xlat_priv.h"

#define HEAD       8
#define ERROR6_MAX (1280 - BEET_HEAD) /* RFC 4443 s2.4 (c) */
#define ERROR4_MAX (576 - BEET4_HEAD) /* RFC 1812 s4.3.2.3 */
#define MTU_DIFF   (BEET_HEAD - BEET4_HEAD)
#define MTU6_MIN   1280u
#define MTU_MAX    65535u

enum { ECHO4 = 8, REPLY4 = 0, UNREACH4 = 3, TIME4 = 11, PARAM4 = 12 };
enum { ECHO6 = 128, REPLY6 = 129, UNREACH6 = 1, TOO_BIG6 = 2, TIME6 = 3, PARAM6 = 4 };

struct row {
    uint8_t type4, code4, type6, code6;
};

/* RFC 7915 s4.2 and s5.2 where one code stands for one; the first row that fits. What is not here is not translated. */
static const struct row to6[] = {
    { UNREACH4, 0, UNREACH6, 0 },  { UNREACH4, 1, UNREACH6, 0 },  { UNREACH4, 2, PARAM6, 1 },
    { UNREACH4, 3, UNREACH6, 4 },  { UNREACH4, 4, TOO_BIG6, 0 },  { UNREACH4, 5, UNREACH6, 0 },
    { UNREACH4, 6, UNREACH6, 0 },  { UNREACH4, 7, UNREACH6, 0 },  { UNREACH4, 8, UNREACH6, 0 },
    { UNREACH4, 9, UNREACH6, 1 },  { UNREACH4, 10, UNREACH6, 1 }, { UNREACH4, 11, UNREACH6, 0 },
    { UNREACH4, 12, UNREACH6, 0 }, { UNREACH4, 13, UNREACH6, 1 }, { UNREACH4, 15, UNREACH6, 1 },
    { TIME4, 0, TIME6, 0 },        { TIME4, 1, TIME6, 1 },        { PARAM4, 0, PARAM6, 0 },
    { PARAM4, 2, PARAM6, 0 },
};
static const struct row to4[] = {
    { UNREACH4, 1, UNREACH6, 0 }, { UNREACH4, 10, UNREACH6, 1 }, { UNREACH4, 1, UNREACH6, 2 },
    { UNREACH4, 1, UNREACH6, 3 }, { UNREACH4, 3, UNREACH6, 4 },  { UNREACH4, 4, TOO_BIG6, 0 },
    { TIME4, 0, TIME6, 0 },       { TIME4, 1, TIME6, 1 },        { PARAM4, 0, PARAM6, 0 },
    { UNREACH4, 2, PARAM6, 1 },
};

static const struct row *find(bool six, uint8_t type, uint8_t code)
{
    const struct row *v = six ? to6 : to4;
    size_t n = six ? sizeof(to6) / sizeof(to6[0]) : sizeof(to4) / sizeof(to4[0]);

    for (size_t i = 0; i < n; i++)
        if (six ? v[i].type4 == type && v[i].code4 == code : v[i].type6 == type && v[i].code6 == code)
            return &v[i];
    return NULL;
}

/* What a field of one header is in the other (RFC 7915 figures 3 and 6); -1: it has none. */
static int pointer(bool six, uint32_t at)
{
    static const int8_t of4[] = { 0, 1, 4, 4, -1, -1, -1, -1, 7, 6, -1, -1 };
    static const int8_t of6[] = { 0, 1, -1, -1, 2, 2, 9, 8 };

    if (six && at < sizeof(of4))
        return of4[at];
    if (six)
        return at < 16 ? 8 : at < 20 ? 24 : -1;
    if (at < sizeof(of6))
        return of6[at];
    return at < 24 ? 12 : at < 40 ? 16 : -1;
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* ICMPv6 has a pseudo-header in its checksum, ICMP none. */
static uint32_t pseudo(const struct xlat_job *j, bool v6, size_t len)
{
    return v6 ? xlat_sum(&j->e, true) + (uint32_t)len + XLAT_ICMP6 : 0;
}

static err echo(const struct xlat_job *j, const struct xlat_head *h, uint8_t type, uint8_t *out, size_t cap,
                size_t *len)
{
    uint16_t sum = (uint16_t)(h->body.p[2] << 8 | h->body.p[3]);
    size_t n = h->body.n;

    if (n > cap && !j->quoted)
        return ERR_SPACE;
    n = n < cap ? n : cap;
    memcpy(out, h->body.p, n);
    out[0] = type;
    sum = insum_adjust(sum, ((uint32_t)h->body.p[0] << 8) + pseudo(j, !j->to6, h->whole),
                       ((uint32_t)type << 8) + pseudo(j, j->to6, h->whole));
    put16(out + 2, sum);
    *len = n;
    return ERR_OK;
}

/* The word behind the checksum: the MTU, a pointer, or nothing. false: it cannot be said in the other family. */
static bool word(const struct xlat_job *j, const struct row *r, const uint8_t *icmp, uint8_t out[4])
{
    uint32_t v = 0;

    memset(out, 0, 4);
    if (r->type6 == TOO_BIG6 && j->to6) {
        v = (uint32_t)(icmp[6] << 8 | icmp[7]) + MTU_DIFF;
        put16(out + 2, v < MTU6_MIN ? MTU6_MIN : v > MTU_MAX ? MTU_MAX : v);
    } else if (r->type6 == TOO_BIG6) {
        v = get32(icmp + 4);
        put16(out + 2, v < MTU_DIFF ? 0 : v - MTU_DIFF > MTU_MAX ? MTU_MAX : v - MTU_DIFF);
    } else if (r->type6 == PARAM6 && r->code6 == 1 && j->to6) {
        out[3] = 6; /* the next header field */
    } else if (r->type6 == PARAM6 && r->code6 == 0) {
        int at = pointer(j->to6, j->to6 ? icmp[4] : get32(icmp + 4));
        if (at < 0)
            return false;
        out[j->to6 ? 3 : 0] = (uint8_t)at;
    }
    return true;
}

static err error(const struct xlat_job *j, const struct xlat_head *h, uint8_t *out, size_t cap, size_t *len)
{
    const uint8_t *icmp = h->body.p;
    const struct row *r = j->quoted || h->fragment ? NULL : find(j->to6, icmp[0], icmp[1]);
    const size_t most = j->to6 ? ERROR6_MAX : ERROR4_MAX;
    struct xlat_job inner = { .to6 = j->to6, .quoted = true };
    struct xlat_head q;
    size_t n;
    err e;

    if (r == NULL || !word(j, r, icmp, out + 4))
        return ERR_UNSUPPORTED;
    /* It went the other way. */
    memcpy(inner.e.src4, j->e.dst4, 4);
    memcpy(inner.e.dst4, j->e.src4, 4);
    inner.e.src6 = j->e.dst6;
    inner.e.dst6 = j->e.src6;
    e = xlat_quoted(&inner, span_of(icmp + HEAD, h->body.n - HEAD), &q);
    if (e)
        return ERR_UNSUPPORTED;
    e = xlat_packet(&inner, &q, out + HEAD, (cap < most ? cap : most) - HEAD, &n);
    if (e)
        return e;
    out[0] = j->to6 ? r->type6 : r->type4;
    out[1] = j->to6 ? r->code6 : r->code4;
    put16(out + 2, 0);
    n += HEAD;
    put16(out + 2, (uint16_t)~insum_fold(insum_add(pseudo(j, j->to6, n), span_of(out, n))));
    *len = n;
    return ERR_OK;
}

err xlat_icmp(const struct xlat_job *j, const struct xlat_head *h, uint8_t *out, size_t cap, size_t *len)
{
    uint8_t type;

    if (h->body.n < HEAD)
        return ERR_UNSUPPORTED;
    if (cap < HEAD)
        return ERR_SPACE;
    type = h->body.p[0];
    if (type == (j->to6 ? ECHO4 : ECHO6))
        return echo(j, h, j->to6 ? ECHO6 : ECHO4, out, cap, len);
    if (type == (j->to6 ? REPLY4 : REPLY6))
        return echo(j, h, j->to6 ? REPLY6 : REPLY4, out, cap, len);
    return error(j, h, out, cap, len);
}
