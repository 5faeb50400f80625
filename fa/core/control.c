/* SPDX-License-Identifier: Apache-2.0
 *
 * The control relay (RFC 9028 s4.3 to s4.5, s4.12.2) and the rendezvous server (RFC 8004 s4.3): HIP packets for hosts that are registered here go on
 * to where they are, and what a client of the control relay sends with RELAY_TO goes on to its peer. Closed: for nobody else, never to a
 * destination of fa_relay_forbidden(), and bounded by source and by client.
 */
#include <string.h>

#include "fa/core/core.h"
#include "hip/proto.h"

#define OFF_TYPE      2
#define OFF_SENDER    8 /* RFC 7401 s5.1 */
#define UDP_WANTED_US (5 * US)

int fa_relay_refused(struct fa *f, const struct fa_guest *g, int drop)
{
    f->st.not_relayed[drop]++;
    fa_flows_refuse(f->flows, g && g->relay ? g->relay->slot : FA_FLOW_NONE, 1, drop);
    return drop;
}

static int refused(struct fa *f, const struct fa_guest *g, int drop)
{
    return drop == HIP_TAKEN ? HIP_TAKEN : fa_relay_refused(f, g, drop);
}

static uint8_t type_of(struct span octets)
{
    return octets.p[OFF_TYPE] & 0x7f;
}

/* Where answers to this packet would go: nothing that we do not relay to gets into FROM or RELAY_FROM either. */
static bool answerable(const struct fa *f, const struct hip_path *path)
{
    struct addr from = path->peer;
    if (from.port == 0 && path->local.port == 0)
        from.port = 1; /* protocol 139 has none */
    return !fa_relay_forbidden(&f->relays.closed, f->flows, &from);
}

/* An I1 costs its sender nothing: few of one source and to one client. The rest is bounded for each client. */
static bool within_rate(struct fa *f, struct fa_guest *g, const struct hip_path *path, uint8_t type)
{
    struct fa_relays *r = &f->relays;
    if (type == HIP_PKT_I1)
        return limiter_take(r->i1_source, &path->peer, f->now) && bucket_take(&g->i1, &r->i1_rate, 1, f->now);
    return !g->relay || bucket_take(&g->relay->control_to, &r->control_rate, 1, f->now);
}

static void relayed(struct fa *f, struct fa_guest *g, uint8_t type)
{
    g->relayed++;
    f->st.relayed++;
    if (type == HIP_PKT_I1)
        fa_emit_event(f, FA_EVENT_RELAYED, &g->peer, NULL, g->bound ? g->name : NULL, 0, NULL);
}

/* ---- to a client ---- */

static int to_client(struct fa *f, struct fa_guest *g, const struct hip_path *path, struct span octets)
{
    int drop = hip_relay_to_client(f->hip, g->ref, path, NULL, octets, f->now, fa_hip_out(f));
    if (drop != HIP_TAKEN)
        return drop;
    if (g->relay)
        g->relay->control_in++;
    f->st.relayed_hip++;
    relayed(f, g, type_of(octets));
    return HIP_TAKEN;
}

static int rendezvous(struct fa *f, struct fa_guest *g, const struct hip_path *path, struct span octets)
{
    int drop = hip_relay_i1(f->hip, g->ref, path, octets, f->now, fa_hip_out(f));
    if (drop == HIP_TAKEN)
        relayed(f, g, type_of(octets));
    return drop;
}

/* A UDP I1 for a host that is registered for RENDEZVOUS and so cannot have it: it hears that it should come over UDP (docs/sim-binding.md section
 * 16). The initiator hears nothing: the I1 that it repeats gets through. */
static int udp_wanted(struct fa *f, struct fa_guest *g, uint8_t type)
{
    if (type != HIP_PKT_I1 || (g->wanted_us && f->now < g->wanted_us + UDP_WANTED_US))
        return HIP_DROP_NOT_REGISTERED;
    g->wanted_us = f->now;
    if (hip_notify(f->hip, g->ref, HIP_NTF_UDP_WANTED, span_of(NULL, 0), f->now, fa_hip_out(f)) != ERR_OK)
        f->st.failed++;
    return HIP_DROP_NOT_REGISTERED;
}

static int for_guest(struct fa *f, struct fa_guest *g, const struct hip_path *path, struct span octets)
{
    uint8_t type = type_of(octets);
    bool udp = path->local.port != 0;
    if (!fa_registry_live(f, g, udp ? FA_REG_RELAY_HIP : FA_REG_RENDEZVOUS)) {
        if (!udp || !fa_registry_live(f, g, FA_REG_RENDEZVOUS))
            return HIP_DROP_NOT_REGISTERED;
        if (!answerable(f, path) || !within_rate(f, g, path, type))
            return HIP_DROP_RATE_LIMITED;
        return udp_wanted(f, g, type);
    }
    if (!answerable(f, path))
        return HIP_DROP_FORBIDDEN_DESTINATION;
    if (!within_rate(f, g, path, type))
        return HIP_DROP_RATE_LIMITED;
    return udp ? to_client(f, g, path, octets) : rendezvous(f, g, path, octets);
}

/* ---- from a client ---- */

/* The relayed address that a check leaves from (s4.12.2): of the permission for this peer, else the first of its family. */
static const struct addr *relayed_address(const struct fa *f, const struct fa_guest *g, const struct addr *to)
{
    const struct fa_relayed *c = g->relay;
    const struct addr *found = NULL;
    struct fa_end peer = fa_end_of(to);
    struct fa_flow flow;
    for (uint8_t i = 0; i < c->n_port; i++)
        if (c->port[i].family == to->family && !found)
            found = &c->port[i];
    for (uint8_t i = 0; i < c->n_flow; i++)
        if (fa_flows_get(f->flows, c->flow[i].slot, &flow) && fa_end_eq(&flow.peer, &peer))
            for (uint8_t k = 0; k < c->n_port; k++)
                if (c->port[k].port == flow.relayed.port)
                    return &c->port[k];
    return found;
}

/* Our address of this family on the port that clients know; the client's own one if it is of that family. */
static bool control_address(const struct fa *f, const struct fa_guest *g, uint8_t family, struct addr *out)
{
    const struct fa_closed *c = &f->relays.closed;
    if (g->path.local.family == family) {
        *out = g->path.local;
        return true;
    }
    for (uint8_t i = 0; i < c->n_local; i++)
        if (c->local[i].family == family) {
            *out = c->local[i];
            out->port = g->path.local.port;
            return true;
        }
    return false;
}

static int from_client(struct fa *f, struct fa_guest *g, const struct hip_path *path, struct span octets,
                       const struct addr *to, bool check)
{
    struct fa_relays *r = &f->relays;
    struct hip_path out = { .peer = *to };
    const struct addr *from = check ? relayed_address(f, g, to) : NULL;
    if (fa_relay_forbidden(&r->closed, f->flows, to) || (from && addr_eq(from, to)))
        return HIP_DROP_FORBIDDEN_DESTINATION;
    if (check && !from)
        return HIP_DROP_NO_PERMISSION;
    if (from)
        out.local = *from;
    else if (!control_address(f, g, to->family, &out.local))
        return HIP_DROP_FORBIDDEN_DESTINATION;
    if (!bucket_take(&g->relay->control_from, &r->control_rate, 1, f->now))
        return HIP_DROP_OVER_QUOTA;
    int drop = hip_relay_from_client(f->hip, &out, octets, f->now, fa_hip_out(f));
    if (drop == HIP_TAKEN) {
        g->relay->control_out++;
        f->st.relayed_hip++;
    }
    return drop;
}

/* The sender's HIT is anybody's to write: a client is who sends from where it is registered. */
static struct fa_guest *client_of(const struct fa *f, const struct hip_path *path, struct span octets)
{
    struct hit hit;
    memcpy(hit.b, octets.p + OFF_SENDER, sizeof hit.b);
    struct fa_guest *g = htab_get(f->by_hit, &hit);
    if (!g || !g->relay ||
        (!fa_registry_live(f, g, FA_REG_RELAY_HIP) && !fa_registry_live(f, g, FA_REG_RELAY_ESP)) ||
        !addr_eq(&g->path.peer, &path->peer) || !addr_same_ip(&g->path.local, &path->local))
        return NULL;
    return g;
}

int fa_control(struct fa *f, const struct hit *to, const struct hip_path *path, struct span octets)
{
    struct addr dest;
    bool check;
    int wants = path->local.port ? hip_relay_wants(octets, &dest, &check) : HIP_DROP_PARAM_MISSING;
    if (wants == HIP_DROP_FORBIDDEN_DESTINATION || wants == HIP_DROP_PARAM_MALFORMED)
        return fa_relay_refused(f, client_of(f, path, octets), wants);
    if (wants == HIP_TAKEN &&
        !addr_eq(&dest, &path->local)) { /* one that names us was for the relay before */
        struct fa_guest *c = client_of(f, path, octets);
        return refused(f, c, c ? from_client(f, c, path, octets, &dest, check) : HIP_DROP_NOT_OUR_CLIENT);
    }
    struct fa_guest *g = htab_get(f->by_hit, to);
    return refused(f, g, g ? for_guest(f, g, path, octets) : HIP_DROP_NOT_REGISTERED);
}

/* At a relayed port: for its client and nobody else (s4.12.2). A RELAY_TO in it was for the relay before. */
int fa_control_relayed(struct fa *f, const struct hit *to, const struct hip_path *path, struct span octets)
{
    struct fa_guest *g = fa_client_at(f, &path->local);
    int drop = HIP_TAKEN;
    if (!g || !hit_eq(&g->peer, to) || !fa_registry_live(f, g, FA_REG_RELAY_ESP))
        drop = HIP_DROP_NOT_REGISTERED;
    else if (!answerable(f, path))
        drop = HIP_DROP_FORBIDDEN_DESTINATION;
    else if (!within_rate(f, g, path, type_of(octets)))
        drop = HIP_DROP_RATE_LIMITED;
    else
        drop = to_client(f, g, path, octets);
    return refused(f, g, drop);
}
