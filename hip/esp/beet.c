/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/esp/beet.h"

#include "common/base/cursor.h"
#include "hip/esp/sa.h"
#include "hip/esp/seal.h"

err beet_parse(struct span ip6, struct beet_packet *out)
{
    struct rcur r = rcur_of(ip6);
    struct beet_packet b = { 0 };
    uint32_t first = rcur_u32(&r);
    uint16_t len = rcur_u16(&r);

    b.next_header = rcur_u8(&r);
    b.hop_limit = rcur_u8(&r);
    rcur_copy(&r, b.src.b, sizeof b.src.b);
    rcur_copy(&r, b.dst.b, sizeof b.dst.b);
    if (!rcur_ok(&r))
        return ERR_TRUNCATED;
    if (first >> 28 != 6 || len > rcur_left(&r))
        return ERR_MALFORMED; /* a jumbogram (length 0 and an option) is not taken either */
    b.tclass = (uint8_t)(first >> 20);
    b.payload = rcur_take(&r, len);
    if (!hit_is_valid(&b.src) || !hit_is_valid(&b.dst))
        return ERR_RANGE;
    if (hit_eq(&b.src, &b.dst) || b.hop_limit == 0)
        return ERR_REFUSED;
    *out = b;
    return ERR_OK;
}

err beet_header(const struct hit *src, const struct hit *dst, uint8_t next_header, uint8_t tclass,
                uint8_t hop_limit, size_t payload_len, uint8_t out[BEET_HEAD])
{
    struct wcur w = wcur_of(out, BEET_HEAD);

    if (payload_len > ESP_PAYLOAD_MAX)
        return ERR_RANGE;
    if (next_header == ESP_NH_DUMMY)
        return ERR_UNSUPPORTED;
    wcur_u32(&w, UINT32_C(6) << 28 | (uint32_t)tclass << 20);
    wcur_u16(&w, (uint16_t)payload_len);
    wcur_u8(&w, next_header);
    wcur_u8(&w, hop_limit);
    wcur_put(&w, src->b, sizeof src->b);
    wcur_put(&w, dst->b, sizeof dst->b);
    return ERR_OK;
}
