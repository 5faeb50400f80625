/* SPDX-License-Identifier: Apache-2.0 */
#include "host/split.h"

#include <string.h>

#define IP6_HEAD    40
#define OFF_LEN     4
#define OFF_NEXT    6
#define OFF_WHERE   (IP6_HEAD + 2)
#define OFF_ID      (IP6_HEAD + 4)
#define NH_FRAGMENT 44
#define MORE        1u

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

void split_begin(struct split *s, struct span packet, size_t mtu, uint32_t id)
{
    bool fragment = packet.p[OFF_NEXT] == NH_FRAGMENT;

    *s = (struct split){ .packet = packet, .most = (mtu - SPLIT_HEAD) / 8 * 8 };
    s->at = fragment ? SPLIT_HEAD : IP6_HEAD;
    memcpy(s->head, packet.p, s->at);
    if (fragment) {
        s->base = (unsigned)(packet.p[OFF_WHERE] << 8 | packet.p[OFF_WHERE + 1]);
        return;
    }
    s->head[IP6_HEAD] = packet.p[OFF_NEXT];
    s->head[OFF_NEXT] = NH_FRAGMENT;
    put16(s->head + OFF_ID, id >> 16);
    put16(s->head + OFF_ID + 2, id);
}

size_t split_next(struct split *s, uint8_t *out)
{
    size_t left = s->packet.n - s->at, n = left < s->most ? left : s->most;

    if (left == 0)
        return 0;
    put16(s->head + OFF_LEN, (unsigned)(SPLIT_HEAD - IP6_HEAD + n));
    put16(s->head + OFF_WHERE, n < left ? s->base | MORE : s->base);
    memcpy(out, s->head, SPLIT_HEAD);
    memcpy(out + SPLIT_HEAD, s->packet.p + s->at, n);
    s->base += (unsigned)n;
    s->at += n;
    return SPLIT_HEAD + n;
}
