/* SPDX-License-Identifier: Apache-2.0 */
#include "host/icmp6.h"

#include <string.h>

#include "common/base/insum.h"

#define IP6_HEAD       40
#define ICMP6_HEAD     8
#define NH_ICMP6       58
#define NH_FRAGMENT    44
#define TYPE_UNREACH   1
#define CODE_ADDRESS   3
#define TYPE_TOO_BIG   2
#define TYPE_INFO      128 /* types from here on are not errors */
#define HOP_LIMIT      64
#define OFF_PAYLOAD    4
#define OFF_NEXT       6
#define OFF_SRC        8
#define OFF_DST        24
#define FRAGMENT_FIRST 0xfff8u

static bool no_error_due(struct span p)
{
    uint8_t next = p.p[OFF_NEXT];

    if (next == NH_ICMP6)
        return p.n <= IP6_HEAD || p.p[IP6_HEAD] < TYPE_INFO;
    if (next == NH_FRAGMENT)
        return p.n < IP6_HEAD + 8 ||
               (((uint32_t)p.p[IP6_HEAD + 2] << 8 | p.p[IP6_HEAD + 3]) & FRAGMENT_FIRST) != 0;
    return false;
}

/* word: what stands behind the checksum. */
static size_t error(struct span packet, uint8_t type, uint8_t code, uint32_t word,
                    uint8_t out[ICMP6_ERROR_MAX])
{
    size_t copied = packet.n, icmp_len;
    uint16_t sum;

    if (packet.n < IP6_HEAD || packet.p[0] >> 4 != 6 || no_error_due(packet))
        return 0;
    if (copied > ICMP6_ERROR_MAX - IP6_HEAD - ICMP6_HEAD)
        copied = ICMP6_ERROR_MAX - IP6_HEAD - ICMP6_HEAD;
    icmp_len = ICMP6_HEAD + copied;
    memset(out, 0, IP6_HEAD + ICMP6_HEAD);
    out[0] = 0x60;
    out[OFF_PAYLOAD] = (uint8_t)(icmp_len >> 8);
    out[OFF_PAYLOAD + 1] = (uint8_t)icmp_len;
    out[OFF_NEXT] = NH_ICMP6;
    out[OFF_NEXT + 1] = HOP_LIMIT;
    memcpy(out + OFF_SRC, packet.p + OFF_DST, 16);
    memcpy(out + OFF_DST, packet.p + OFF_SRC, 16);
    out[IP6_HEAD] = type;
    out[IP6_HEAD + 1] = code;
    for (size_t i = 0; i < 4; i++)
        out[IP6_HEAD + 4 + i] = (uint8_t)(word >> (24 - 8 * i));
    memcpy(out + IP6_HEAD + ICMP6_HEAD, packet.p, copied);
    /* Pseudo-header (RFC 8200 s8.1): addresses, length, next header. */
    sum = insum_fold(insum_add(insum_add((uint32_t)icmp_len + NH_ICMP6, span_of(out + OFF_SRC, 32)),
                               span_of(out + IP6_HEAD, icmp_len)));
    out[IP6_HEAD + 2] = (uint8_t)(~sum >> 8);
    out[IP6_HEAD + 3] = (uint8_t)~sum;
    return IP6_HEAD + icmp_len;
}

size_t icmp6_unreachable(struct span packet, uint8_t out[ICMP6_ERROR_MAX])
{
    return error(packet, TYPE_UNREACH, CODE_ADDRESS, 0, out);
}

size_t icmp6_too_big(struct span packet, uint32_t mtu, uint8_t out[ICMP6_ERROR_MAX])
{
    return error(packet, TYPE_TOO_BIG, 0, mtu, out);
}
