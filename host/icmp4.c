/* SPDX-License-Identifier: Apache-2.0 */
#include "host/icmp4.h"

#include <string.h>

#include "common/base/insum.h"

#define ICMP_HEAD 8
#define PROTO     1
#define TTL       64
#define UNREACH   3
#define CODE_HOST 1

/* Echo, timestamp and information and their answers; everything else is an error or nobody's. */
static bool asks(uint8_t type)
{
    return type == 0 || type == 8 || (type >= 13 && type <= 16);
}

size_t icmp4_unreachable(const struct beet4_packet *p, struct span octets, uint8_t out[ICMP4_ERROR_MAX])
{
    struct beet4_packet h = { .protocol = PROTO, .ttl = TTL, .df = true };
    size_t room = ICMP4_ERROR_MAX - BEET4_HEAD - ICMP_HEAD, n = octets.n < room ? octets.n : room, head;
    uint8_t *icmp = out + BEET4_HEAD;
    uint16_t sum;

    if (p->offset || (p->protocol == PROTO && (p->payload.n == 0 || !asks(p->payload.p[0]))))
        return 0;
    memcpy(h.src, p->dst, sizeof(h.src));
    memcpy(h.dst, p->src, sizeof(h.dst));
    if (beet4_header(&h, ICMP_HEAD + n, out, &head))
        return 0;
    memset(icmp, 0, ICMP_HEAD);
    icmp[0] = UNREACH;
    icmp[1] = CODE_HOST;
    memcpy(icmp + ICMP_HEAD, octets.p, n);
    sum = (uint16_t)~insum_fold(insum_add(0, span_of(icmp, ICMP_HEAD + n)));
    icmp[2] = (uint8_t)(sum >> 8);
    icmp[3] = (uint8_t)sum;
    return head + ICMP_HEAD + n;
}
