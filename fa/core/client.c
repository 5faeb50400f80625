/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients of the relays (RFC 9028): what a host registered for RELAY_UDP_HIP or RELAY_UDP_ESP has of ours. Relayed ports are drawn at random
 * (s7.5) from this engine's share and closed with the registration (s4.1); permissions are flows of the table (s4.12.1). What a client can make us hold
 * is bounded by fa_relay_config, and all of it goes when the registration goes.
 */
#include <stdlib.h>
#include <string.h>

#include "fa/core/core.h"

#define PORT_BAD_US  (60 * US) /* not tried again before */
#define SPI_LEAST    256       /* below: reserved, RFC 4303 s2.1 */
#define I1_SOURCES   8192
#define PROTOCOL_UDP 17

/* ---- the engine's share ---- */

static bool make_pool(struct fa *f)
{
    struct fa_relays *r = &f->relays;
    const struct fa_relay_config *c = &f->c.relay;
    uint32_t shares = c->shares ? c->shares : 1, share = c->shares ? c->share : 0, flow[2], client[2];
    uint32_t first = c->port_first + (share + shares - c->port_first % shares) % shares;
    r->port_first = (uint16_t)first;
    r->port_step = (uint16_t)shares;
    r->n_port =
        !c->data || first > c->port_last || c->port_first == 0 ? 0 : (c->port_last - first) / shares + 1;
    fa_flows_share(f->flows, share, shares, flow, client);
    r->client_base = client[0];
    r->n_client = client[1] - client[0];
    r->client_free = calloc(r->n_client + 1, sizeof *r->client_free);
    r->by_slot = calloc(r->n_client + 1, sizeof(void *));
    r->flow_free = calloc(flow[1] - flow[0] + 1, sizeof *r->flow_free);
    r->port_bad = calloc(r->n_port + 1, sizeof *r->port_bad);
    if (!r->client_free || !r->by_slot || !r->flow_free || !r->port_bad)
        return false;
    while (r->n_client_free < r->n_client) {
        r->client_free[r->n_client_free] = client[1] - 1 - r->n_client_free;
        r->n_client_free++;
    }
    while (r->n_flow_free < flow[1] - flow[0]) {
        r->flow_free[r->n_flow_free] = flow[1] - 1 - r->n_flow_free;
        r->n_flow_free++;
    }
    return true;
}

static bool make_closed(struct fa *f)
{
    struct fa_relays *r = &f->relays;
    const struct fa_relay_config *c = &f->c.relay;
    r->prefix = calloc(c->n_forbidden + 1, sizeof *r->prefix);
    if (!r->prefix)
        return false;
    if (c->n_forbidden)
        memcpy(r->prefix, c->forbidden, c->n_forbidden * sizeof *r->prefix);
    r->closed = (struct fa_closed){ .n_local = c->n_local, .prefix = r->prefix, .n_prefix = c->n_forbidden };
    _Static_assert(FA_ADDRS_MAX <= sizeof r->closed.local / sizeof r->closed.local[0], "our addresses fit");
    memcpy(r->closed.local, c->local, sizeof c->local);
    return true;
}

static void defaults(struct fa_relay_config *c)
{
    const struct {
        uint32_t *v, def;
    } d[] = {
        { &c->i1_per_source_milli, 10000 },
        { &c->i1_per_client_milli, 50000 },
        { &c->control_per_client_milli, 200000 },
    };
    for (size_t i = 0; i < sizeof d / sizeof d[0]; i++)
        if (*d[i].v == 0)
            *d[i].v = d[i].def;
    if (c->ports_per_client == 0)
        c->ports_per_client = 4;
    if (c->ports_per_client > FA_CLIENT_PORTS_MAX)
        c->ports_per_client = FA_CLIENT_PORTS_MAX;
    if (c->flows_per_client == 0 || c->flows_per_client > FA_CLIENT_FLOWS_MAX)
        c->flows_per_client = FA_CLIENT_FLOWS_MAX;
}

static struct bucket_rate burst_of(uint32_t milli)
{
    uint32_t burst = milli / 500; /* two seconds' worth */
    return (struct bucket_rate){ .per_second_milli = milli, .burst = burst ? burst : 1 };
}

err fa_clients_init(struct fa *f)
{
    struct fa_relays *r = &f->relays;
    struct fa_relay_config *c = &f->c.relay;
    uint8_t seed[16];
    defaults(c);
    r->i1_rate = burst_of(c->i1_per_client_milli);
    r->control_rate = burst_of(c->control_per_client_milli);
    env_random(f->c.env, seed, sizeof seed);
    r->i1_source = limiter_new(I1_SOURCES, burst_of(c->i1_per_source_milli), seed);
    f->flows = c->flows;
    if (!f->flows) {
        struct fa_flows_config t = c->table;
        if (!c->data && !c->control) /* nothing will stand in it */
            t.flows = t.clients = 1;
        env_random(f->c.env, t.seed, sizeof t.seed);
        f->flows = fa_flows_new(&t);
        f->own_flows = true;
    }
    if (!r->i1_source || !f->flows || !make_closed(f) || !make_pool(f))
        return ERR_MEMORY;
    return ERR_OK;
}

void fa_clients_done(struct fa *f)
{
    struct fa_relays *r = &f->relays;
    if (f->own_flows)
        fa_flows_free(f->flows);
    limiter_free(r->i1_source);
    free(r->prefix);
    free(r->client_free);
    free(r->by_slot);
    free(r->flow_free);
    free(r->port_bad);
}

struct fa_flows *fa_flow_table(struct fa *f)
{
    return f->flows;
}

/* ---- a client ---- */

struct fa_relayed *fa_client_make(struct fa *f, struct fa_guest *g)
{
    struct fa_relays *r = &f->relays;
    if (g->relay)
        return g->relay;
    struct fa_relayed *c = r->n_client_free ? calloc(1, sizeof *c) : NULL;
    if (!c)
        return NULL;
    c->slot = r->client_free[--r->n_client_free];
    c->gen = fa_flows_client_put(f->flows, c->slot, &g->peer);
    bucket_init(&c->control_to, &r->control_rate, f->now);
    bucket_init(&c->control_from, &r->control_rate, f->now);
    r->by_slot[c->slot - r->client_base] = g;
    g->relay = c;
    f->st.clients++;
    return c;
}

static void flow_end(struct fa *f, struct fa_relayed *c, uint8_t i)
{
    struct fa_relays *r = &f->relays;
    fa_flows_del(f->flows, c->flow[i].slot);
    r->flow_free[r->n_flow_free++] = c->flow[i].slot;
    c->flow[i] = c->flow[--c->n_flow];
    f->st.flows--;
}

static void emit_port(struct fa *f, enum fa_act_type type, const struct addr *port)
{
    struct fa_action *a = f->out ? fa_action_new(f, type) : NULL;
    if (a)
        a->port = *port;
}

void fa_client_port_close(struct fa *f, struct fa_guest *g, const struct addr *port)
{
    struct fa_relayed *c = g->relay;
    struct fa_end end = fa_end_of(port);
    struct fa_flow flow;
    for (uint8_t i = c->n_flow; i > 0; i--)
        if (fa_flows_get(f->flows, c->flow[i - 1].slot, &flow) && fa_end_eq(&flow.relayed, &end))
            flow_end(f, c, (uint8_t)(i - 1));
    for (uint8_t i = 0; i < c->n_port; i++)
        if (addr_eq(&c->port[i], port)) {
            struct addr gone = *port;
            fa_flows_port_set(f->flows, gone.port, FA_FLOW_NONE);
            c->port[i] = c->port[--c->n_port];
            f->st.ports_open--;
            emit_port(f, FA_ACT_PORT_CLOSE, &gone);
            return;
        }
}

void fa_client_ports_close(struct fa *f, struct fa_guest *g)
{
    while (g->relay && g->relay->n_port) {
        struct addr port = g->relay->port[g->relay->n_port - 1];
        fa_client_port_close(f, g, &port);
    }
}

void fa_client_drop(struct fa *f, struct fa_guest *g)
{
    struct fa_relays *r = &f->relays;
    struct fa_relayed *c = g->relay;
    if (!c)
        return;
    fa_client_ports_close(f, g);
    fa_account_keep(f, g);
    fa_flows_client_del(f->flows, c->slot);
    r->client_free[r->n_client_free++] = c->slot;
    r->by_slot[c->slot - r->client_base] = NULL;
    f->st.clients--;
    g->relay = NULL;
    free(c);
}

struct fa_guest *fa_client_at(const struct fa *f, const struct addr *relayed)
{
    const struct fa_relays *r = &f->relays;
    uint32_t slot = fa_flows_port_client(f->flows, relayed->port);
    if (slot < r->client_base || slot >= r->client_base + r->n_client)
        return NULL; /* closed, or another engine's */
    struct fa_guest *g = r->by_slot[slot - r->client_base];
    for (uint8_t i = 0; g && i < g->relay->n_port; i++)
        if (addr_eq(&g->relay->port[i], relayed))
            return g;
    return NULL;
}

/* ---- relayed ports ---- */

const struct addr *fa_client_port_open(struct fa *f, struct fa_guest *g)
{
    struct fa_relays *r = &f->relays;
    struct fa_relayed *c = g->relay;
    uint32_t at;
    if (c->n_port >= f->c.relay.ports_per_client || r->n_port == 0 || f->out->n + 2 > FA_ACTIONS_MAX)
        return NULL;
    env_random(f->c.env, &at, sizeof at);
    for (uint32_t i = 0; i < r->n_port; i++) {
        uint32_t k = (uint32_t)(((uint64_t)at + i) % r->n_port);
        uint16_t port = (uint16_t)(r->port_first + k * r->port_step);
        if (r->port_bad[k] > f->now || port == fa_flows_hip_port(f->flows) ||
            fa_flows_port_client(f->flows, port) != FA_FLOW_NONE)
            continue;
        struct addr *a = &c->port[c->n_port++];
        *a = g->path.local;
        a->port = port;
        fa_flows_port_set(f->flows, port, c->slot);
        f->st.ports_open++;
        emit_port(f, FA_ACT_PORT_OPEN, a);
        return a;
    }
    return NULL;
}

/* One that the daemon could not open, or that broke: the client hears that it has it no longer (RFC 8003 s5: lifetime 0). */
void fa_client_port_failed(struct fa *f, const struct addr *port)
{
    struct fa_relays *r = &f->relays;
    struct addr gone = *port;
    uint32_t k = (uint32_t)(port->port - r->port_first) / r->port_step;
    if (port->port >= r->port_first && k < r->n_port)
        r->port_bad[k] = f->now + PORT_BAD_US;
    struct fa_guest *g = fa_client_at(f, port);
    if (!g)
        return;
    fa_client_port_close(f, g, port);
    struct hip_contents c = { .response = { .present = true, .n = 1, .type = { FA_REG_RELAY_ESP } },
                              .relayed = gone };
    if (g->relay->n_port == 0)
        fa_registry_cancel(f, g, FA_REG_RELAY_ESP, FA_ENDED_WITHDRAWN);
    if (fa_guest_send(f, g, &c) != ERR_OK)
        f->st.failed++;
}

/* ---- permissions ---- */

static bool has_port(const struct fa_relayed *c, const struct addr *port)
{
    for (uint8_t i = 0; i < c->n_port; i++)
        if (addr_eq(&c->port[i], port))
            return true;
    return false;
}

/* May it be at all? A drop reason. */
static int check(const struct fa *f, const struct fa_guest *g, const struct hip_peer_permission *p)
{
    if (!fa_registry_live(f, g, FA_REG_RELAY_ESP) || !g->relay || !has_port(g->relay, &p->relayed))
        return HIP_DROP_NOT_OUR_CLIENT;
    if (p->protocol != PROTOCOL_UDP || p->spi_in < SPI_LEAST || p->spi_out < SPI_LEAST)
        return HIP_DROP_PARAM_MALFORMED;
    if (p->peer.family != p->relayed.family || fa_relay_forbidden(&f->relays.closed, f->flows, &p->peer) ||
        has_port(g->relay, &p->peer))
        return HIP_DROP_FORBIDDEN_DESTINATION;
    return HIP_TAKEN;
}

static struct fa_flow flow_of(const struct fa *f, const struct fa_guest *g,
                              const struct hip_peer_permission *p)
{
    return (struct fa_flow){
        .hit = g->peer,
        .client = fa_end_of(&g->path.peer),
        .local = fa_end_of(&g->path.local),
        .relayed = fa_end_of(&p->relayed),
        .peer = fa_end_of(&p->peer),
        .spi_out = p->spi_out,
        .spi_in = p->spi_in,
        .expires_us = f->now + FA_PERMISSION_US,
        .owner = g->relay->slot,
        .owner_gen = g->relay->gen,
        .since_us = f->now,
    };
}

/* The flow of this client with the same pair of SPIs: an identical one is refreshed; where the peer or the port is another one now, the new
 * permission takes its place. */
static bool same_sa(const struct fa *f, const struct fa_relayed *c, const struct fa_flow *want, uint8_t *at,
                    bool *identical)
{
    struct fa_flow have;
    for (uint8_t i = 0; i < c->n_flow; i++) {
        if (!fa_flows_get(f->flows, c->flow[i].slot, &have) || have.spi_out != want->spi_out ||
            have.spi_in != want->spi_in)
            continue;
        *at = i;
        *identical = fa_end_eq(&have.peer, &want->peer) && fa_end_eq(&have.relayed, &want->relayed) &&
                     fa_end_eq(&have.client, &want->client) && fa_end_eq(&have.local, &want->local);
        return true;
    }
    return false;
}

static int install(struct fa *f, struct fa_guest *g, const struct fa_flow *flow)
{
    struct fa_relays *r = &f->relays;
    struct fa_relayed *c = g->relay;
    if (c->n_flow >= f->c.relay.flows_per_client)
        return HIP_DROP_OVER_QUOTA;
    if (r->n_flow_free == 0)
        return HIP_DROP_RELAY_BUSY;
    uint32_t slot = r->flow_free[r->n_flow_free - 1];
    err e = fa_flows_put(f->flows, slot, flow);
    if (e != ERR_OK)
        return e == ERR_EXISTS ? HIP_DROP_SPI_CLASH : HIP_DROP_RELAY_BUSY;
    r->n_flow_free--;
    c->flow[c->n_flow++] = (struct fa_permit){ .slot = slot };
    f->st.flows++;
    return HIP_TAKEN;
}

int fa_client_permit(struct fa *f, struct fa_guest *g, const struct hip_peer_permission *p,
                     const struct addr *from)
{
    uint8_t at = 0;
    bool identical = false;
    int drop = check(f, g, p);
    if (drop == HIP_TAKEN) {
        struct fa_flow flow = flow_of(f, g, p);
        bool known = same_sa(f, g->relay, &flow, &at, &identical);
        if (known && !identical)
            flow_end(f, g->relay, at);
        if (known && identical)
            fa_flows_refresh(f->flows, g->relay->flow[at].slot, flow.expires_us);
        else
            drop = install(f, g, &flow);
        if (drop == HIP_TAKEN)
            g->relay->flow[identical ? at : g->relay->n_flow - 1].from = *from;
    }
    if (drop != HIP_TAKEN)
        fa_relay_refused(f, g, drop);
    fa_guest_timer(f, g);
    return drop;
}

/* Where the client is now was verified. NAT gave it another port: its flows go there. It is elsewhere: what it permitted from there holds, the rest
 * it has to permit anew (RFC 9028 s4.9, s4.12.1). */
void fa_client_moved(struct fa *f, struct fa_guest *g, const struct addr *was)
{
    struct fa_relayed *c = g->relay;
    bool rebound = addr_same_ip(was, &g->path.peer);
    if (!c)
        return;
    struct fa_permit old[FA_CLIENT_FLOWS_MAX];
    struct fa_flow flow[FA_CLIENT_FLOWS_MAX];
    uint8_t n = 0;
    for (uint8_t i = 0; i < c->n_flow; i++)
        if ((rebound || addr_same_ip(&c->flow[i].from, &g->path.peer)) &&
            fa_flows_get(f->flows, c->flow[i].slot, &flow[n]))
            old[n++] = c->flow[i];
    while (c->n_flow)
        flow_end(f, c, (uint8_t)(c->n_flow - 1));
    for (uint8_t i = 0; i < n; i++) {
        flow[i].client = fa_end_of(&g->path.peer);
        flow[i].local = fa_end_of(&g->path.local);
        if (install(f, g, &flow[i]) == HIP_TAKEN)
            c->flow[c->n_flow - 1].from = old[i].from;
    }
    fa_guest_timer(f, g);
}

uint64_t fa_client_due(const struct fa *f, const struct fa_guest *g)
{
    uint64_t at = HEAP_NEVER;
    struct fa_flow flow;
    for (uint8_t i = 0; g->relay && i < g->relay->n_flow; i++)
        if (fa_flows_get(f->flows, g->relay->flow[i].slot, &flow))
            at = fa_min(at, flow.expires_us);
    return at;
}

void fa_client_expire(struct fa *f, struct fa_guest *g)
{
    struct fa_flow flow;
    for (uint8_t i = g->relay ? g->relay->n_flow : 0; i > 0; i--)
        if (!fa_flows_get(f->flows, g->relay->flow[i - 1].slot, &flow) || flow.expires_us <= f->now)
            flow_end(f, g->relay, (uint8_t)(i - 1));
}

/* ---- looking at it ---- */

bool fa_client_next(const struct fa *f, size_t *pos, struct fa_client *out)
{
    const struct fa_relays *r = &f->relays;
    struct hit hit;
    while (*pos < r->n_client) {
        const struct fa_guest *g = r->by_slot[(*pos)++];
        if (!g)
            continue;
        const struct fa_relayed *c = g->relay;
        *out = (struct fa_client){
            .hit = g->peer,
            .path = g->path,
            .control = hip_reg_has(g->type, g->n_type, FA_REG_RELAY_HIP),
            .data = hip_reg_has(g->type, g->n_type, FA_REG_RELAY_ESP),
            .n_port = c->n_port,
            .n_flow = c->n_flow,
            .control_in = c->control_in,
            .control_out = c->control_out,
        };
        memcpy(out->port, c->port, sizeof out->port);
        fa_text(out->name, sizeof out->name, g->bound ? g->name : "");
        return fa_flows_client_get(f->flows, c->slot, &hit, &out->traffic);
    }
    return false;
}

bool fa_client_flow(const struct fa *f, const struct hit *client, size_t i, struct fa_flow *out)
{
    const struct fa_guest *g = htab_get(f->by_hit, client);
    return g && g->relay && i < g->relay->n_flow && fa_flows_get(f->flows, g->relay->flow[i].slot, out);
}
