/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/build.h"

#include <string.h>

#define OFF_LENGTH   1
#define OFF_CHECKSUM 4
#define OFF_RECEIVER 24

static void fail(struct hip_build *b, err e)
{
    if (b->failed == ERR_OK)
        b->failed = e;
}

void hip_build_init(struct hip_build *b, void *buf, size_t cap, enum hip_pkt_type type,
                    const struct hit *sender, const struct hit *receiver, uint16_t controls)
{
    *b = (struct hip_build){ .w = wcur_of(buf, cap < HIP_PACKET_MAX ? cap : HIP_PACKET_MAX) };
    wcur_u8(&b->w, 59); /* no next header */
    wcur_u8(&b->w, 0);
    wcur_u8(&b->w, (uint8_t)(type & 0x7f));
    wcur_u8(&b->w, HIP_VERSION << 4 | 1);
    wcur_u16(&b->w, 0);
    wcur_u16(&b->w, controls);
    wcur_put(&b->w, sender->b, sizeof(sender->b));
    wcur_put(&b->w, receiver->b, sizeof(receiver->b));
}

void hip_build_inner(struct hip_build *b, void *buf, size_t cap)
{
    *b = (struct hip_build){ .w = wcur_of(buf, cap < HIP_LEN_ANY ? cap : HIP_LEN_ANY), .inner = true };
}

void hip_build_resume(struct hip_build *b, void *buf, size_t cap, const struct hip_pkt *packet)
{
    *b = (struct hip_build){ .w = wcur_of(buf, cap < HIP_PACKET_MAX ? cap : HIP_PACKET_MAX) };
    wcur_span(&b->w, packet->raw);
    /* Not the view's last parameter: one that the view leaves out may stand behind it. */
    struct rcur c = rcur_of(span_sub(packet->raw, HIP_HEADER_LEN, packet->raw.n - HIP_HEADER_LEN));
    while (rcur_left(&c) > 0) {
        b->last = rcur_u16(&c);
        size_t n = rcur_u16(&c);
        rcur_skip(&c, hip_tlv_len(n) - 4);
    }
}

struct wcur *hip_build_open(struct hip_build *b, uint16_t type)
{
    if (b->is_open || type < b->last)
        fail(b, ERR_STATE);
    b->open = wcur_len(&b->w);
    b->is_open = true;
    b->last = type;
    wcur_u16(&b->w, type);
    wcur_u16(&b->w, 0);
    return &b->w;
}

void hip_build_close(struct hip_build *b)
{
    if (!b->is_open)
        fail(b, ERR_STATE);
    b->is_open = false;
    if (!wcur_ok(&b->w))
        return;
    size_t n = wcur_len(&b->w) - b->open - 4;
    wcur_zero(&b->w, hip_tlv_len(n) - 4 - n); /* RFC 7401 s5.2.1 MUST */
    if (wcur_ok(&b->w))
        wcur_patch_u16(&b->w, b->open + 2, (uint16_t)n);
}

void hip_build_param(struct hip_build *b, uint16_t type, struct span contents)
{
    wcur_span(hip_build_open(b, type), contents);
    hip_build_close(b);
}

void hip_build_tlvs(struct hip_build *b, struct span tlvs)
{
    struct rcur c = rcur_of(tlvs);
    while (rcur_left(&c) > 0) {
        uint16_t type = rcur_u16(&c);
        size_t n = rcur_u16(&c);
        struct span v = rcur_take(&c, n);
        rcur_skip(&c, hip_tlv_len(n) - 4 - n);
        if (!rcur_ok(&c)) {
            fail(b, ERR_MALFORMED);
            return;
        }
        hip_build_param(b, type, v);
    }
}

err hip_build_finish(struct hip_build *b, const struct addr *src, const struct addr *dst, struct span *out)
{
    if (b->failed == ERR_OK && (b->is_open || b->inner))
        b->failed = ERR_STATE;
    if (b->failed == ERR_OK && !wcur_ok(&b->w))
        b->failed = ERR_SPACE;
    if (b->failed != ERR_OK)
        return b->failed;
    size_t len = wcur_len(&b->w);
    b->w.base[OFF_LENGTH] = (uint8_t)(len / 8 - 1);
    hip_set_checksum(b->w.base, len, src, dst);
    *out = span_of(b->w.base, len);
    return ERR_OK;
}

err hip_build_inner_finish(struct hip_build *b, struct span *out)
{
    if (b->failed == ERR_OK && (b->is_open || !b->inner))
        b->failed = ERR_STATE;
    if (b->failed == ERR_OK && !wcur_ok(&b->w))
        b->failed = ERR_SPACE;
    if (b->failed != ERR_OK)
        return b->failed;
    *out = span_of(b->w.base, wcur_len(&b->w));
    return ERR_OK;
}

err hip_packet_insert(uint8_t *packet, size_t *n, size_t cap, uint16_t type, struct span contents)
{
    size_t off = HIP_HEADER_LEN, len = hip_tlv_len(contents.n);
    if (cap > HIP_PACKET_MAX)
        cap = HIP_PACKET_MAX;
    if (*n < off || contents.n > HIP_LEN_ANY || len > cap || *n > cap - len)
        return ERR_SPACE;
    while (off < *n) {
        if (*n - off < 8)
            return ERR_MALFORMED;
        size_t tlv = hip_tlv_len((size_t)packet[off + 2] << 8 | packet[off + 3]);
        if ((packet[off] << 8 | packet[off + 1]) > type)
            break;
        if (tlv > *n - off)
            return ERR_MALFORMED;
        off += tlv;
    }
    memmove(packet + off + len, packet + off, *n - off);
    memset(packet + off, 0, len);
    packet[off] = (uint8_t)(type >> 8);
    packet[off + 1] = (uint8_t)type;
    packet[off + 2] = (uint8_t)(contents.n >> 8);
    packet[off + 3] = (uint8_t)contents.n;
    if (contents.n)
        memcpy(packet + off + 4, contents.p, contents.n);
    *n += len;
    packet[OFF_LENGTH] = (uint8_t)(*n / 8 - 1);
    return ERR_OK;
}

void hip_set_receiver(uint8_t *packet, const struct hit *receiver)
{
    memcpy(packet + OFF_RECEIVER, receiver->b, sizeof(receiver->b));
}

void hip_set_checksum(uint8_t *packet, size_t len, const struct addr *src, const struct addr *dst)
{
    uint16_t sum = 0;
    if (src && dst && !src->port && !dst->port)
        sum = hip_checksum(src, dst, span_of(packet, len));
    packet[OFF_CHECKSUM] = (uint8_t)(sum >> 8);
    packet[OFF_CHECKSUM + 1] = (uint8_t)sum;
}
