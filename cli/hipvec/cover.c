/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hipvec/cover.h"

#include <string.h>

#include "common/base/cursor.h"

struct span cover_checksum(const struct addr *src, const struct addr *dst, struct span packet, uint8_t *out)
{
    struct wcur w = wcur_of(out, COVER_MAX);
    size_t n = addr_ip_len(src);
    wcur_put(&w, src->ip, n);
    wcur_put(&w, dst->ip, n);
    if (src->family == ADDR_V6) { /* RFC 8200 s8.1 */
        wcur_u32(&w, (uint32_t)packet.n);
        wcur_u32(&w, HIP_IP_PROTO);
    } else {
        wcur_u16(&w, HIP_IP_PROTO);
        wcur_u16(&w, (uint16_t)packet.n);
    }
    size_t at = wcur_len(&w);
    wcur_span(&w, packet);
    if (wcur_ok(&w) && packet.n >= HIP_HEADER_LEN)
        wcur_patch_u16(&w, at + 4, 0);
    return wcur_done(&w);
}

struct span cover_mac(struct span packet, size_t off, struct span tail, uint8_t *out)
{
    struct wcur w = wcur_of(out, COVER_MAX);
    if (off < HIP_HEADER_LEN || off > packet.n)
        return span_of(out, 0);
    wcur_put(&w, packet.p, off);
    wcur_span(&w, tail);
    if (!wcur_ok(&w))
        return span_of(out, 0);
    out[1] = (uint8_t)(wcur_len(&w) / 8 - 1);
    out[4] = out[5] = 0;
    return wcur_done(&w);
}

struct span cover_signature(struct span packet, size_t off, bool r1, uint8_t *out)
{
    struct span s = cover_mac(packet, off, span_of(NULL, 0), out);
    struct hip_pkt k;
    if (!r1 || s.n < HIP_HEADER_LEN || hip_pkt_parse(packet, &k) != HIP_TAKEN)
        return s;
    memset(out + 24, 0, 16);
    const struct hip_par *p = hip_pkt_get(&k, HIP_PAR_PUZZLE);
    if (p && p->off < off && p->v.n > 4)
        memset(out + p->off + 4 + 2, 0, p->v.n - 2); /* behind K and Lifetime */
    return s;
}
