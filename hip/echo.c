/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/echo.h"

#include <string.h>

void hip_echo_keep(struct hip_stored *s, const struct hip_params *p)
{
    uint8_t kept[HIP_ECHO_KEPT];
    size_t n = 0, count = p ? hip_par_count(p, HIP_PAR_ECHO_REQUEST_UNSIGNED) : 0;
    const struct hip_par *r = p ? hip_par_get(p, HIP_PAR_ECHO_REQUEST_UNSIGNED) : NULL;
    hip_stored_clear(s);
    for (size_t i = 0; i < count; i++) {
        if (r[i].v.n > HIP_ECHO_MAX || 2 + r[i].v.n > sizeof kept - n)
            continue;
        kept[n++] = (uint8_t)(r[i].v.n >> 8);
        kept[n++] = (uint8_t)r[i].v.n;
        if (r[i].v.n)
            memcpy(kept + n, r[i].v.p, r[i].v.n);
        n += r[i].v.n;
    }
    if (n && hip_stored_set(s, span_of(kept, n)) != ERR_OK)
        hip_stored_clear(s);
}

struct span hip_echo_append(uint8_t *buf, struct span packet, const struct hip_stored *s)
{
    size_t n = packet.n;
    for (size_t at = 0; at + 2 <= s->n;) {
        size_t len = (size_t)s->p[at] << 8 | s->p[at + 1];
        at += 2;
        if (hip_packet_insert(buf, &n, HIP_PACKET_MAX, HIP_PAR_ECHO_RESPONSE_UNSIGNED,
                              span_of(s->p + at, len)) != ERR_OK)
            break;
        at += len;
    }
    return span_of(buf, n);
}

struct span hip_echo_answer(uint8_t *buf, struct span packet, const struct hip_params *p)
{
    struct hip_stored s = { 0 };
    hip_echo_keep(&s, p);
    packet = hip_echo_append(buf, packet, &s);
    hip_stored_clear(&s);
    return packet;
}
