/* SPDX-License-Identifier: Apache-2.0 */
#include "host/flow.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/cursor.h"
#include "common/base/htab.h"
#include "hip/esp/beet4.h"

#define WAYS    4
#define SETS    (HOST_FLOWS_MAX / WAYS)
#define KEY_LEN 25

#define IP6_HEAD  40
#define OFF_NEXT  6
#define OFF_SRC   8
#define OFF_DST   24
#define ICMP_HEAD 8
#define ECHO6     128
#define REPLY6    129
#define OFF_FLAGS 13
#define FLAG_SYN  0x02
#define FLAG_ACK  0x10

enum { TCP = 6, UDP = 17, DCCP = 33, FRAGMENT = 44, ICMP6 = 58, SCTP = 132, UDP_LITE = 136 };

/* ---- which flow ---- */

static void ports(struct span body, bool out, struct host_flow *f)
{
    uint16_t src = (uint16_t)(body.p[0] << 8 | body.p[1]), dst = (uint16_t)(body.p[2] << 8 | body.p[3]);

    f->local = out ? src : dst;
    f->remote = out ? dst : src;
}

/* What an error quotes went the other way, and is no error itself (RFC 4443 s2.4 (e)). */
static enum host_flow_kind quoted(struct span ip6, bool out, struct host_flow *f)
{
    struct host_flow rest;

    if (ip6.n > IP6_HEAD && ip6.p[OFF_NEXT] == ICMP6 && ip6.p[IP6_HEAD] < ECHO6)
        return HOST_FLOW_NONE;
    return host_flow_of(ip6, !out, f, &rest) == HOST_FLOW_NONE ? HOST_FLOW_NONE : HOST_FLOW_GOES_ON;
}

static enum host_flow_kind icmp(struct span body, bool out, struct host_flow *f)
{
    if (body.n < ICMP_HEAD)
        return HOST_FLOW_NONE;
    if (body.p[0] < ECHO6)
        return quoted(span_of(body.p + ICMP_HEAD, body.n - ICMP_HEAD), out, f);
    /* Who asks has the identifier; who answers is the stack, which has no family of its own. */
    if (body.p[0] != (out ? ECHO6 : REPLY6))
        return HOST_FLOW_NONE;
    f->local = (uint16_t)(body.p[4] << 8 | body.p[5]);
    return HOST_FLOW_GOES_ON;
}

static enum host_flow_kind upper(struct span body, bool out, struct host_flow *f)
{
    switch (f->proto) {
    case TCP:
    case UDP:
    case DCCP:
    case SCTP:
    case UDP_LITE:
        if (body.n < 4)
            return HOST_FLOW_NONE;
        ports(body, out, f);
        if (f->proto == TCP && body.n > OFF_FLAGS && (body.p[OFF_FLAGS] & (FLAG_SYN | FLAG_ACK)) == FLAG_SYN)
            return HOST_FLOW_OPENS;
        return HOST_FLOW_GOES_ON;
    case ICMP6:
        return icmp(body, out, f);
    default:
        return HOST_FLOW_GOES_ON; /* one for all of the protocol with this peer */
    }
}

enum host_flow_kind host_flow_of(struct span ip6, bool out, struct host_flow *flow,
                                 struct host_flow *first_fragment)
{
    struct host_flow f = { 0 };
    struct rcur r = rcur_of(ip6);
    struct span body;
    uint16_t where = 0;

    memset(first_fragment, 0, sizeof(*first_fragment));
    rcur_skip(&r, OFF_NEXT);
    f.proto = rcur_u8(&r);
    rcur_skip(&r, out ? OFF_DST - OFF_NEXT - 1 : OFF_SRC - OFF_NEXT - 1);
    rcur_copy(&r, f.peer.b, sizeof(f.peer.b));
    rcur_skip(&r, out ? 0 : IP6_HEAD - OFF_DST);
    if (rcur_ok(&r) && f.proto == FRAGMENT) {
        f.proto = rcur_u8(&r);
        rcur_skip(&r, 1);
        where = rcur_u16(&r);
        *first_fragment = (struct host_flow){ .peer = f.peer, .proto = FRAGMENT, .fragment = rcur_u32(&r) };
    }
    if (!rcur_ok(&r))
        return HOST_FLOW_NONE;
    if (where & 0xfff8) { /* it has no ports */
        *flow = *first_fragment;
        memset(first_fragment, 0, sizeof(*first_fragment));
        return HOST_FLOW_GOES_ON;
    }
    body = rcur_rest(&r);
    if (f.proto == BEET4_NH_PSEUDO) {
        struct beet4_pseudo p;
        if (beet4_pseudo_read(body, &p))
            return HOST_FLOW_NONE;
        f.proto = p.protocol;
        body = p.rest;
    }
    *flow = f;
    return upper(body, out, flow);
}

/* ---- the table ---- */

struct slot {
    uint8_t key[KEY_LEN];
    uint8_t family; /* 0: empty */
    uint64_t used_us;
};

struct host_flows {
    uint8_t seed[16];
    struct slot slot[SETS][WAYS];
};

struct host_flows *host_flows_new(const uint8_t seed[16])
{
    struct host_flows *f = calloc(1, sizeof(*f));

    if (f)
        memcpy(f->seed, seed, sizeof(f->seed));
    return f;
}

void host_flows_free(struct host_flows *f)
{
    free(f);
}

static struct slot *set_of(struct host_flows *f, const struct host_flow *flow, uint8_t key[KEY_LEN])
{
    struct wcur w = wcur_of(key, KEY_LEN);

    wcur_put(&w, flow->peer.b, sizeof(flow->peer.b));
    wcur_u8(&w, flow->proto);
    wcur_u16(&w, flow->local);
    wcur_u16(&w, flow->remote);
    wcur_u32(&w, flow->fragment);
    return f->slot[siphash24(f->seed, wcur_done(&w)) % SETS];
}

unsigned host_flows_get(struct host_flows *f, const struct host_flow *flow, uint64_t now)
{
    uint8_t key[KEY_LEN];
    struct slot *s = set_of(f, flow, key);

    for (size_t i = 0; i < WAYS; i++)
        if (s[i].family && memcmp(s[i].key, key, KEY_LEN) == 0) {
            if (now - s[i].used_us >= HOST_FLOW_IDLE_US)
                return 0;
            s[i].used_us = now;
            return s[i].family;
        }
    return 0;
}

void host_flows_put(struct host_flows *f, const struct host_flow *flow, unsigned family, uint64_t now)
{
    uint8_t key[KEY_LEN];
    struct slot *s = set_of(f, flow, key), *to = s;

    for (size_t i = 0; i < WAYS; i++) {
        if (s[i].family && memcmp(s[i].key, key, KEY_LEN) == 0) {
            to = &s[i];
            break;
        }
        if (!s[i].family || (to->family && s[i].used_us < to->used_us))
            to = &s[i];
    }
    memcpy(to->key, key, KEY_LEN);
    to->family = (uint8_t)family;
    to->used_us = now;
}
