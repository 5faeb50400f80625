/* SPDX-License-Identifier: Apache-2.0 */
#include "host/v4.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/cursor.h"
#include "host/data.h"
#include "host/flow.h"
#include "host/icmp4.h"
#include "host/icmp6.h"
#include "host/xlat.h"

#define OFF_NEXT 6
#define OFF_SRC  8
#define OFF_DST  24

enum { V4 = 4, V6 = 6 };
enum { ICMP = 1, ICMP6 = 58, TCP = 6, UDP = 17, DCCP = 33, FRAGMENT = 44, SCTP = 132, UDP_LITE = 136 };

struct held {
    uint64_t at_us; /* 0: nothing */
    bool out;
    struct hit peer;
    uint32_t id;
    size_t len;
    uint8_t octets[HOST_DATA_PACKET_MAX];
};

struct host_v4 {
    struct host_v4_io io;
    struct host_lsis *lsis;
    struct host_flows *flows;
    bool options;
    bool has_own;
    struct hit own;
    struct host_v4_count count;
    struct held held[HOST_V4_HELD_MAX];
    struct held *released; /* by the packet that came last; NULL: nothing */
    size_t whole;          /* octets of its datagram */
    uint8_t out[HOST_DATA_ROOM + HOST_DATA_PACKET_MAX + XLAT_GROWTH + HOST_DATA_ROOM];
    uint8_t in[HOST_DATA_PACKET_MAX + XLAT_GROWTH];
};

struct host_v4 *host_v4_new(const struct env *env, const struct host_v4_io *io, struct host_lsis *lsis,
                            bool options)
{
    struct host_v4 *v = calloc(1, sizeof(*v));
    uint8_t seed[16];

    if (v == NULL)
        return NULL;
    env_random(env, seed, sizeof(seed));
    v->io = *io;
    v->lsis = lsis;
    v->options = options;
    v->flows = host_flows_new(seed);
    if (v->flows == NULL) {
        host_v4_free(v);
        return NULL;
    }
    return v;
}

void host_v4_free(struct host_v4 *v)
{
    if (v == NULL)
        return;
    host_flows_free(v->flows);
    free(v);
}

void host_v4_identity(struct host_v4 *v, const struct hit *hit, bool ours)
{
    if (ours)
        v->own = *hit;
    if (ours || hit_eq(&v->own, hit))
        v->has_own = ours;
}

/* ---- flows ---- */

static struct addr with_port(struct addr a, uint16_t port)
{
    a.port = port;
    return a;
}

/* Would a socket here get the packets of this flow in this family? */
static bool taken(struct host_v4 *v, const struct host_flow *f, const struct hit *own, unsigned family)
{
    struct addr local = host_lsi_own(v->lsis), peer;

    if (f->proto != TCP && f->proto != UDP && f->proto != UDP_LITE && f->proto != DCCP && f->proto != SCTP)
        return false;
    if (family == V6) {
        local = addr_v6(own->b);
        peer = addr_v6(f->peer.b);
    } else if (!host_lsi_find(v->lsis, &f->peer, &peer)) {
        peer = (struct addr){
            .family = ADDR_V4
        }; /* nobody's: no socket is connected to it, one that listens does not mind */
    }
    local = with_port(local, f->local);
    peer = with_port(peer, f->remote);
    return v->io.takes(v->io.ctx, f->proto, &local, &peer);
}

/* An application speaks in this family. false: the flow is another one's, in the other family. */
static bool speaks(struct host_v4 *v, struct span ip6, unsigned family, uint64_t now)
{
    struct host_flow f, rest;
    unsigned was;

    if (host_flow_of(ip6, true, &f, &rest) == HOST_FLOW_NONE || f.proto == FRAGMENT)
        return true;
    was = host_flows_get(v->flows, &f, now);
    if (was == family)
        return true;
    if (was) {
        struct hit own;
        memcpy(own.b, ip6.p + OFF_SRC, sizeof(own.b));
        if (taken(v, &f, &own, was)) {
            v->count.clash++;
            return false;
        }
    }
    host_flows_put(v->flows, &f, family, now);
    return true;
}

/* The family that whoever gets this packet speaks. */
static unsigned family_of(struct host_v4 *v, struct span ip6, uint64_t now)
{
    struct host_flow f, rest;
    enum host_flow_kind kind = host_flow_of(ip6, false, &f, &rest);
    unsigned family;
    struct hit own;

    if (ip6.p[OFF_NEXT] == BEET4_NH_PSEUDO)
        return V4; /* RFC 7402 B.1.6 MUST: the options go behind an IPv4 header */
    if (kind == HOST_FLOW_NONE)
        return V6;
    family = kind == HOST_FLOW_OPENS ? 0 : host_flows_get(v->flows, &f, now);
    if (family == 0) {
        memcpy(own.b, ip6.p + OFF_DST, sizeof(own.b));
        family = !taken(v, &f, &own, V6) && taken(v, &f, &own, V4) ? V4 : V6;
        if (f.proto != FRAGMENT)
            host_flows_put(v->flows, &f, family, now);
    }
    if (rest.proto)
        host_flows_put(v->flows, &rest, family, now);
    return family;
}

/* ---- first fragments of ICMP, which wait for the last ---- */

static void hold(struct host_v4 *v, bool out, const struct hit *peer, uint32_t id, struct span packet,
                 uint64_t now)
{
    struct held *h = &v->held[0];

    for (size_t i = 1; i < HOST_V4_HELD_MAX; i++)
        if (v->held[i].at_us < h->at_us)
            h = &v->held[i];
    if (h->at_us) /* its last one never came */
        v->count.untranslated++;
    if (packet.n > sizeof(h->octets)) {
        v->count.untranslated++;
        return;
    }
    h->at_us = now;
    h->out = out;
    h->peer = *peer;
    h->id = id;
    h->len = packet.n;
    memcpy(h->octets, packet.p, packet.n);
}

static struct held *held(struct host_v4 *v, bool out, const struct hit *peer, uint32_t id, uint64_t now)
{
    for (size_t i = 0; i < HOST_V4_HELD_MAX; i++) {
        struct held *h = &v->held[i];
        if (h->at_us && now - h->at_us < HOST_V4_HELD_US && h->out == out && h->id == id &&
            hit_eq(&h->peer, peer))
            return h;
    }
    return NULL;
}

/* ---- from applications ---- */

static struct addr ip4(const uint8_t a[4])
{
    struct addr out = { .family = ADDR_V4 };

    memcpy(out.ip, a, 4);
    return out;
}

static void refuse(struct host_v4 *v, const struct beet4_packet *p, struct span octets)
{
    uint8_t icmp[ICMP4_ERROR_MAX];
    const struct addr dst = ip4(p->dst);
    size_t n = addr_is_multicast(&dst) ? 0 : icmp4_unreachable(p, octets, icmp); /* RFC 1122 s3.2.2 */

    if (n > 0)
        v->io.app_out(v->io.ctx, icmp, n);
}

/* Source and destination as HITs. false: dropped. */
static bool ends_of(struct host_v4 *v, const struct beet4_packet *p, struct span octets, uint64_t now,
                    struct xlat_ends *e)
{
    const struct addr src = ip4(p->src), dst = ip4(p->dst), own = host_lsi_own(v->lsis);

    if (!addr_same_ip(&src, &own)) {
        v->count.spoofed++;
        return false;
    }
    if (!host_lsi_hit(v->lsis, &dst, now, &e->dst6)) {
        v->count.unknown++;
        refuse(v, p, octets);
        return false;
    }
    if (!v->has_own) {
        v->count.no_identity++;
        refuse(v, p, octets);
        return false;
    }
    memcpy(e->src4, p->src, 4);
    memcpy(e->dst4, p->dst, 4);
    e->src6 = v->own;
    return true;
}

static uint8_t *translated(struct host_v4 *v, const struct xlat_ends *e, const struct beet4_packet *p,
                           struct span octets, size_t whole, uint64_t now, size_t *out_len)
{
    uint8_t *out = v->out + HOST_DATA_ROOM;

    if (xlat_4to6(e, p, whole, v->options, out, HOST_DATA_PACKET_MAX, out_len)) {
        v->count.untranslated++;
        return NULL;
    }
    if (!speaks(v, span_of(out, *out_len), V4, now)) {
        refuse(v, p, octets);
        return NULL;
    }
    v->count.out++;
    return out;
}

/* RFC 7402 s3.2 MAY: IPv4 inside. */
uint8_t *host_v4_from_app(struct host_v4 *v, const uint8_t *packet, size_t len, uint64_t now, size_t *out_len,
                          bool *df)
{
    struct span octets = span_of(packet, len);
    struct xlat_ends e;
    struct beet4_packet p;

    v->released = NULL;
    if (beet4_parse(octets, &p)) {
        v->count.malformed++;
        return NULL;
    }
    if (!ends_of(v, &p, octets, now, &e))
        return NULL;
    if (p.protocol == ICMP && p.mf && p.offset == 0) {
        hold(v, true, &e.dst6, p.id, octets, now);
        return NULL;
    }
    if (p.protocol == ICMP && p.offset && !p.mf) {
        v->released = held(v, true, &e.dst6, p.id, now);
        v->whole = p.offset + p.payload.n;
    }
    *df = p.df;
    return translated(v, &e, &p, octets, 0, now, out_len);
}

uint8_t *host_v4_more(struct host_v4 *v, uint64_t now, size_t *out_len, bool *df)
{
    struct held *h = v->released;
    struct xlat_ends e;
    struct beet4_packet p;

    v->released = NULL;
    if (h == NULL)
        return NULL;
    h->at_us = 0;
    *df = false;
    if (beet4_parse(span_of(h->octets, h->len), &p) || !ends_of(v, &p, span_of(h->octets, h->len), now, &e))
        return NULL;
    return translated(v, &e, &p, span_of(h->octets, h->len), v->whole, now, out_len);
}

bool host_v4_speaks6(struct host_v4 *v, struct span ip6, uint64_t now)
{
    uint8_t icmp[ICMP6_ERROR_MAX];
    size_t n;

    if (speaks(v, ip6, V6, now))
        return true;
    n = icmp6_unreachable(ip6, icmp);
    if (n > 0)
        v->io.app_out(v->io.ctx, icmp, n);
    return false;
}

/* ---- to applications ---- */

static void give(struct host_v4 *v, const struct xlat_ends *e, struct span ip6, size_t whole)
{
    size_t len;

    if (xlat_6to4(e, ip6, whole, v->in, sizeof(v->in), &len)) {
        v->count.untranslated++;
        return;
    }
    v->count.in++;
    v->io.app_out(v->io.ctx, v->in, len);
}

/* A fragment of ICMPv6. true: it is held. */
static bool icmp_fragment(struct host_v4 *v, const struct xlat_ends *e, struct span ip6, uint64_t now)
{
    struct rcur r = rcur_of(ip6);
    uint16_t where;
    uint32_t id;
    struct held *h;

    rcur_skip(&r, BEET_HEAD);
    if (ip6.p[OFF_NEXT] != FRAGMENT || rcur_u8(&r) != ICMP6)
        return false;
    rcur_skip(&r, 1);
    where = rcur_u16(&r);
    id = rcur_u32(&r);
    if (!rcur_ok(&r))
        return false;
    if (where == 1) {
        hold(v, false, &e->src6, id, ip6, now);
        return true;
    }
    h = where & 1 ? NULL : held(v, false, &e->src6, id, now);
    if (h) {
        give(v, e, span_of(h->octets, h->len), where + rcur_left(&r));
        h->at_us = 0;
    }
    return false;
}

bool host_v4_to_app(struct host_v4 *v, struct span ip6, uint64_t now)
{
    const struct addr own = host_lsi_own(v->lsis);
    struct xlat_ends e;
    struct addr peer;

    if (family_of(v, ip6, now) != V4)
        return false;
    memcpy(e.src6.b, ip6.p + OFF_SRC, sizeof(e.src6.b));
    memcpy(e.dst6.b, ip6.p + OFF_DST, sizeof(e.dst6.b));
    if (host_lsi_give(v->lsis, &e.src6, now, &peer)) {
        v->count.full++;
        return true;
    }
    memcpy(e.src4, peer.ip, 4);
    memcpy(e.dst4, own.ip, 4);
    if (!icmp_fragment(v, &e, ip6, now))
        give(v, &e, ip6, 0);
    return true;
}

const struct host_v4_count *host_v4_count(const struct host_v4 *v)
{
    return &v->count;
}
