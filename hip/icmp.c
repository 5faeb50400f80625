/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/icmp.h"

#include <string.h>

#include "hip/nat.h"

#define V4_PROBLEM  12
#define V6_PROBLEM  4
#define V4_UNREACH  3
#define V4_FORBID   13 /* RFC 1812 s5.2.7.1: communication administratively prohibited */
#define V6_UNREACH  1
#define V6_FORBID   1
#define V4_HEAD     20
#define V6_HEAD     40
#define ICMP_HEAD   8
#define ICMP6_PROTO 58
#define V4_MAX      548 /* RFC 1812 s4.3.2.3: within 576 */
#define HOPS        64
#define VERSION_AT  3
#define HIT_AT      8 /* the sender's */

static const struct bucket_rate rate = { .per_second_milli = 10000, .burst = 20 };

void hip_icmp_init(struct hip_engine *e)
{
    bucket_init(&e->icmp, &rate, 0);
}

/* The header that the packet will have had: from path->peer to path->local. */
static size_t put_head(const struct hip_path *path, size_t n, uint8_t *p)
{
    if (path->peer.family == ADDR_V4) {
        memset(p, 0, V4_HEAD);
        p[0] = 0x45;
        p[2] = (uint8_t)((V4_HEAD + n) >> 8);
        p[3] = (uint8_t)(V4_HEAD + n);
        p[8] = HOPS;
        p[9] = HIP_IP_PROTO;
        memcpy(p + 12, path->peer.ip, 4);
        memcpy(p + 16, path->local.ip, 4);
        return V4_HEAD;
    }
    memset(p, 0, V6_HEAD);
    p[0] = 0x60;
    p[4] = (uint8_t)(n >> 8);
    p[5] = (uint8_t)n;
    p[6] = HIP_IP_PROTO;
    p[7] = HOPS;
    memcpy(p + 8, path->peer.ip, 16);
    memcpy(p + 24, path->local.ip, 16);
    return V6_HEAD;
}

static uint32_t sum16(const uint8_t *p, size_t n)
{
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < n; i += 2)
        sum += (uint32_t)(p[i] << 8 | p[i + 1]);
    return n & 1 ? sum + ((uint32_t)p[n - 1] << 8) : sum;
}

static void put_sum(const struct hip_path *path, uint8_t *p, size_t n)
{
    uint32_t sum = sum16(p, n);
    if (path->peer.family == ADDR_V6) /* RFC 4443 s2.3 */
        sum += sum16(path->local.ip, 16) + sum16(path->peer.ip, 16) + (uint32_t)n + ICMP6_PROTO;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    p[2] = (uint8_t)(~sum >> 8);
    p[3] = (uint8_t)~sum;
}

/* A message that begins like this, and the packet behind it. */
static void quote(struct hip_rx *rx, struct span octets, const uint8_t start[ICMP_HEAD])
{
    uint8_t p[HIP_ICMP_MAX] = { 0 };
    bool v4 = rx->path->peer.family == ADDR_V4;
    if (!bucket_take(&rx->e->icmp, &rate, 1, rx->now)) /* RFC 7401 s5.4 MUST: within a rate */
        return;
    memcpy(p, start, ICMP_HEAD);
    size_t head = put_head(rx->path, octets.n, p + ICMP_HEAD);
    size_t n = ICMP_HEAD + head, room = (v4 ? V4_MAX : sizeof p) - n;
    size_t quoted = octets.n < room ? octets.n : room;
    memcpy(p + n, octets.p, quoted);
    n += quoted;
    put_sum(rx->path, p, n);
    struct span copy = hip_act_copy(rx->e, rx->out, span_of(p, n));
    struct hip_action *v = copy.n ? hip_act(rx->e, rx->out, HIP_ACT_ICMP, NULL) : NULL;
    if (!v)
        return;
    v->send.path = *rx->path;
    v->send.octets = copy;
}

/* Points at octet `at` of the HIP packet. */
static void problem(struct hip_rx *rx, struct span octets, size_t at)
{
    bool v4 = rx->path->peer.family == ADDR_V4;
    size_t pointer = (v4 ? V4_HEAD : V6_HEAD) + at;
    uint8_t start[ICMP_HEAD] = { v4 ? V4_PROBLEM : V6_PROBLEM };
    if (v4 && pointer > UINT8_MAX) /* s5.4.3: over IPv4 it need not be */
        return;
    if (v4)
        start[4] = (uint8_t)pointer;
    else
        start[7] = (uint8_t)pointer, start[6] = (uint8_t)(pointer >> 8);
    quote(rx, octets, start);
}

static void prohibited(struct hip_rx *rx)
{
    bool v4 = rx->path->peer.family == ADDR_V4;
    quote(rx, rx->pkt.raw,
          (const uint8_t[ICMP_HEAD]){ v4 ? V4_UNREACH : V6_UNREACH, v4 ? V4_FORBID : V6_FORBID });
}

/* RFC 7401 s5.4.4 MUST NOT: I1, R1, I2, R2 and NOTIFY. */
static bool needs_association(uint8_t type)
{
    return type == HIP_PKT_UPDATE || type == HIP_PKT_CLOSE || type == HIP_PKT_CLOSE_ACK;
}

void hip_icmp_about(struct hip_rx *rx, int drop, struct span octets)
{
    if (!rx->e->cfg.tell || hip_path_is_udp(rx->path) || rx->path->to.family != ADDR_NONE)
        return;
    const struct hip_par *s;
    switch (drop) {            /* RFC 7401 s5.4.2 MUST NOT: none about a checksum */
    case HIP_DROP_BAD_VERSION: /* RFC 7401 s5.4.1 SHOULD */
        problem(rx, octets, VERSION_AT);
        break;
    case HIP_DROP_NO_ASSOCIATION: /* RFC 7401 s5.4.4 MAY, the first HIT that does not match */
        if (needs_association(rx->pkt.type))
            problem(rx, rx->pkt.raw, HIT_AT);
        break;
    case HIP_DROP_BAD_PUZZLE: /* RFC 7401 s5.4.3 SHOULD, #J: the last of SOLUTION's contents, as long as #I */
        s = hip_pkt_get(&rx->pkt, HIP_PAR_SOLUTION);
        if (s)
            problem(rx, rx->pkt.raw, s->off + 4 + 4 + (s->v.n - 4) / 2);
        break;
    case HIP_DROP_INTERNAL: /* RFC 7401 s6.7 SHOULD: unable to answer; who is only unwilling (rate, crossing) says nothing */
        if (rx->pkt.type == HIP_PKT_I1)
            prohibited(rx);
        break;
    default:
        break;
    }
}
