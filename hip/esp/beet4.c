/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/esp/beet4.h"

#include "common/base/cursor.h"
#include "common/base/insum.h"
#include "hip/esp/sa.h"
#include "hip/esp/seal.h"

#define FLAG_DF     0x4000u
#define FLAG_MF     0x2000u
#define OFFSET      0x1fffu
#define OFF_SUM     10
#define DATAGRAM    65535u
#define OPTION_NOP  1
#define PSEUDO_HEAD 4

/* RFC 791 s3.2: a fragment that is not the last has a multiple of eight octets, and none reaches beyond the longest datagram. */
static bool fragment_fits(const struct beet4_packet *p, size_t head)
{
    return (!p->mf || (p->payload.n % 8 == 0 && p->payload.n > 0)) &&
           head + p->offset + p->payload.n <= DATAGRAM;
}

err beet4_parse(struct span ip4, struct beet4_packet *out)
{
    struct rcur r = rcur_of(ip4);
    struct beet4_packet p = { 0 };
    uint8_t first = rcur_u8(&r);
    size_t head = (size_t)(first & 0xf) * 4, total;
    uint16_t flags;

    p.tos = rcur_u8(&r);
    total = rcur_u16(&r);
    p.id = rcur_u16(&r);
    flags = rcur_u16(&r);
    p.ttl = rcur_u8(&r);
    p.protocol = rcur_u8(&r);
    rcur_skip(&r, 2);
    rcur_copy(&r, p.src, sizeof p.src);
    rcur_copy(&r, p.dst, sizeof p.dst);
    if (!rcur_ok(&r))
        return ERR_TRUNCATED;
    if (first >> 4 != 4 || head < BEET4_HEAD || total < head || total > ip4.n)
        return ERR_MALFORMED;
    if (insum_fold(insum_add(0, span_of(ip4.p, head))) != 0xffff)
        return ERR_MALFORMED;
    p.options = rcur_take(&r, head - BEET4_HEAD);
    p.payload = rcur_take(&r, total - head);
    p.df = flags & FLAG_DF;
    p.mf = flags & FLAG_MF;
    p.offset = (uint16_t)((flags & OFFSET) * 8);
    if (!fragment_fits(&p, head))
        return ERR_MALFORMED;
    if (p.ttl == 0 || span_eq(span_of(p.src, 4), span_of(p.dst, 4)))
        return ERR_REFUSED;
    *out = p;
    return ERR_OK;
}

err beet4_header(const struct beet4_packet *p, size_t payload_len,
                 uint8_t out[BEET4_HEAD + BEET4_OPTIONS_MAX], size_t *len)
{
    size_t head = BEET4_HEAD + p->options.n;
    struct wcur w = wcur_of(out, BEET4_HEAD + BEET4_OPTIONS_MAX);

    if (p->options.n > BEET4_OPTIONS_MAX || p->options.n % 4 || p->offset % 8 ||
        head + payload_len > DATAGRAM)
        return ERR_RANGE;
    if (p->protocol == ESP_NH_DUMMY || p->protocol == BEET4_NH_PSEUDO)
        return ERR_UNSUPPORTED;
    wcur_u8(&w, (uint8_t)(0x40 | head / 4));
    wcur_u8(&w, p->tos);
    wcur_u16(&w, (uint16_t)(head + payload_len));
    wcur_u16(&w, p->id);
    wcur_u16(&w, (uint16_t)((p->df ? FLAG_DF : 0) | (p->mf ? FLAG_MF : 0) | p->offset / 8u));
    wcur_u8(&w, p->ttl);
    wcur_u8(&w, p->protocol);
    wcur_u16(&w, 0);
    wcur_put(&w, p->src, sizeof p->src);
    wcur_put(&w, p->dst, sizeof p->dst);
    wcur_span(&w, p->options);
    wcur_patch_u16(&w, OFF_SUM, (uint16_t)~insum_fold(insum_add(0, wcur_done(&w))));
    *len = head;
    return ERR_OK;
}

size_t beet4_pseudo_write(uint8_t protocol, struct span options, uint8_t out[BEET4_PSEUDO_MAX])
{
    struct wcur w = wcur_of(out, BEET4_PSEUDO_MAX);
    /* RFC 7402 B.1.7 MUST: a multiple of eight octets, padded by NOPs in front of the options. */
    size_t pad = (PSEUDO_HEAD + options.n) % 8;

    wcur_u8(&w, protocol);
    wcur_u8(&w, (uint8_t)((PSEUDO_HEAD + pad + options.n) / 8 - 1));
    wcur_u8(&w, (uint8_t)pad);
    wcur_u8(&w, 0);
    for (size_t i = 0; i < pad; i++)
        wcur_u8(&w, OPTION_NOP);
    wcur_span(&w, options);
    return wcur_done(&w).n;
}

err beet4_pseudo_read(struct span payload, struct beet4_pseudo *out)
{
    struct rcur r = rcur_of(payload);
    struct beet4_pseudo p = { .protocol = rcur_u8(&r) };
    size_t whole = ((size_t)rcur_u8(&r) + 1) * 8, pad = rcur_u8(&r);

    rcur_skip(&r, 1);
    if (!rcur_ok(&r) || whole > payload.n)
        return ERR_TRUNCATED;
    if ((pad != 0 && pad != 4) || whole > PSEUDO_HEAD + pad + BEET4_OPTIONS_MAX)
        return ERR_MALFORMED;
    if (p.protocol == ESP_NH_DUMMY || p.protocol == BEET4_NH_PSEUDO)
        return ERR_UNSUPPORTED;
    rcur_skip(&r, pad);
    p.options = rcur_take(&r, whole - PSEUDO_HEAD - pad);
    p.rest = rcur_rest(&r);
    *out = p;
    return ERR_OK;
}
