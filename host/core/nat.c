/* SPDX-License-Identifier: Apache-2.0
 *
 * Through NATs (RFC 9028): which service a registrar is asked for, where it and its data relay say we are, what candidates that makes (s4.2), who
 * is told of them, and the permissions at the data relay (s4.12).
 *
 * A change of what we could be reached by is told to the FAs first and to the peers a moment later, when the FA's answer says where
 * the new address is seen (s4.9).
 */
#include <string.h>

#include "hip/proto.h"
#include "hip/reg.h"
#include "host/core/host_priv.h"

#define PROTO_UDP      17
#define REFRESH_US     (240 * HOST_S)    /* a minute before the permission ends (s4.12.2) */
#define GATHER_US      (HOST_S * 3 / 10) /* so long the FA's answer to a move is waited for */
#define COALESCE_US    (HOST_S / 50)
#define AGAIN_US       HOST_S
#define AT_ONCE        8 /* what fits into one list of actions */
#define PREFERENCE_MAX 65535

static void on_told(struct host *h, struct host_timer *t);
static void on_permits(struct host *h, struct host_timer *t);

void host_nat_init(struct host *h)
{
    static const uint16_t modes[] = { HIP_NAT_ICE_HIP_UDP, HIP_NAT_UDP_ENCAPSULATION };

    if (h->c.nat == HOST_NAT_OFF)
        h->c.udp_port = 0;
    memset(h->c.hip.nat_modes, 0, sizeof h->c.hip.nat_modes);
    if (h->c.udp_port)
        memcpy(h->c.hip.nat_modes, modes, sizeof modes);
    h->nat.told.fire = on_told;
    h->nat.permits.fire = on_permits;
}

bool host_nat_is_ice(const struct hip_assoc_view *v)
{
    return v->nat_mode == HIP_NAT_ICE_HIP_UDP;
}

/* ---- registration ---- */

/* Over UDP the control relay, else rendezvous (s7.8). A registrar that relays nothing is asked for rendezvous over UDP as well: what comes over
 * IP protocol 139 may still reach us. */
bool host_nat_service(bool udp, const struct hip_reg_info *offered, struct hip_reg_list *out)
{
    struct hip_reg_list r = { .present = true };
    uint8_t n = offered->present ? offered->n : 0;

    if (udp && hip_reg_has(offered->type, n, HIP_REGT_RELAY_UDP_HIP)) {
        r.type[r.n++] = HIP_REGT_RELAY_UDP_HIP;
        if (hip_reg_has(offered->type, n, HIP_REGT_RELAY_UDP_ESP))
            r.type[r.n++] = HIP_REGT_RELAY_UDP_ESP;
    } else if (hip_reg_has(offered->type, n, HIP_REGT_RENDEZVOUS)) {
        r.type[r.n++] = HIP_REGT_RENDEZVOUS;
    } else {
        return false;
    }
    *out = r;
    return true;
}

void host_nat_question(const struct host_link *l, struct hip_contents *out)
{
    if (!l->udp || !l->discovery)
        return;
    out->request.present = true;
    out->request.lifetime = host_fa_lifetime(l, l->reg_life_us);
    out->request.type[out->request.n++] = HIP_REGT_CANDIDATE_DISCOVERY;
}

/* ---- what we can be reached by ---- */

/* Other candidates than before: the peers hear of it in so long, at the latest. */
static void changed(struct host *h, uint64_t in_us)
{
    uint64_t at = h->now + in_us;

    h->nat.gen++;
    if (!heap_has(&h->nat.told.node) || h->nat.told.node.at_us > at)
        host_timer_set(h, &h->nat.told, at);
}

static void found_set(struct host *h, const struct addr *local, const struct addr *mapped)
{
    struct host_nat_state *n = &h->nat;
    size_t i = 0;

    while (i < n->n_found && !addr_same_ip(&n->found[i].local, local))
        i++;
    if (i == HOST_ADDRS_MAX || (i < n->n_found && addr_eq(&n->found[i].mapped, mapped)))
        return;
    if (i == n->n_found)
        n->n_found++;
    n->found[i].local = *local;
    n->found[i].mapped = *mapped;
    changed(h, COALESCE_US);
}

/* The NAT forgot us or was renumbered: the FA verifies where we are seen now (RFC 8046 s3.2.1). */
static void renumbered(struct host *h, struct host_link *l, const struct hip_assoc_view *v)
{
    const struct hip_path path = v->path;

    if (hip_move(h->hip, l->ref, &path, &path.local, 1, h->now, host_hip(h))) {
        h->dropped++;
        return;
    }
    host_nat_moved(h, l);
    host_fa_asked(h, l, false);
}

static void seen_at(struct host *h, struct host_link *l, const struct hip_path *path,
                    const struct addr *reg_from)
{
    char text[ADDR_TEXT_MAX];
    struct hip_assoc_view v;
    bool known = l->reg_from.family != ADDR_NONE, moving = l->moving;

    if (hip_assoc_get(h->hip, l->ref, &v))
        return;
    if (!addr_same_ip(&path->local, &v.path.local)) {
        found_set(h, &path->local, reg_from);
        return;
    }
    l->moving = false;
    if (addr_eq(reg_from, &l->reg_from))
        return;
    l->reg_from = *reg_from;
    host_event(h, HOST_EV_MOVE, LOG_LV_INFO, &l->peer, "the FA sees us at %s", addr_format(reg_from, text));
    changed(h, COALESCE_US);
    if (known && !moving)
        renumbered(h, l, &v);
}

static void permit_send(struct host *h, struct host_link *l, struct host_permit *p)
{
    const struct hip_contents c = { .has_permission = true, .permission = p->p };

    if (hip_update(h->hip, l->ref, &c, h->now, host_hip(h)))
        h->dropped++;
    p->at_us = h->now;
}

/* All of this link's, a few for each call. */
static void permits_again(struct host *h, const struct host_link *l)
{
    for (size_t i = 0; i < h->nat.n_permit; i++)
        if (addr_eq(&h->nat.permit[i].p.relayed, &l->relayed))
            h->nat.permit[i].at_us = 0;
    if (h->nat.n_permit)
        host_timer_set(h, &h->nat.permits, h->now);
}

void host_nat_told(struct host *h, struct host_link *l, const struct hip_path *path,
                   const struct hip_contents *c)
{
    char text[ADDR_TEXT_MAX];

    if (hip_reg_ends(&c->response, HIP_REGT_RELAY_UDP_ESP)) {
        if (l->relayed.family == ADDR_NONE ||
            (c->relayed.family != ADDR_NONE && !addr_eq(&c->relayed, &l->relayed)))
            return;
        l->relayed = (struct addr){ .family = ADDR_NONE };
        host_event(h, HOST_EV_REGISTERED, LOG_LV_WARN, &l->peer, "data relay withdrawn");
        changed(h, COALESCE_US);
    } else if (c->relayed.family != ADDR_NONE && !addr_eq(&c->relayed, &l->relayed)) {
        l->relayed = c->relayed;
        host_event(h, HOST_EV_REGISTERED, LOG_LV_INFO, &l->peer, "data relay at %s",
                   addr_format(&l->relayed, text));
        changed(h, COALESCE_US);
    }
    if (c->reg_from.family == ADDR_NONE)
        return;
    seen_at(h, l, path, &c->reg_from);
}

/* CANDIDATE_DISCOVERY from every address but the one that the association uses, at an address of the FA of the same family (s4.2). */
static void discover(struct host *h, struct host_link *l)
{
    struct hip_contents c = { .request = { .present = false } };
    struct hip_assoc_view v;

    if (!l->udp || !l->discovery || hip_assoc_get(h->hip, l->ref, &v))
        return;
    host_nat_question(l, &c);
    for (size_t i = 0; i < h->n_addr; i++) {
        struct hip_path p = { .local = h->addr[i].addr, .peer = v.path.peer };
        if (addr_same_ip(&p.local, &v.path.local))
            continue;
        for (size_t k = 0; k < l->n_addr && p.peer.family != p.local.family; k++)
            if (l->addr[k].family == p.local.family)
                p.peer = l->addr[k];
        if (p.peer.family != p.local.family)
            continue;
        p.local.port = h->c.udp_port;
        p.peer.port = HIP_UDP_PORT;
        if (hip_update_on(h->hip, l->ref, &p, &c, h->now, host_hip(h)))
            h->dropped++;
    }
}

void host_nat_registered(struct host *h, struct host_link *l)
{
    discover(h, l);
}

void host_nat_moved(struct host *h, struct host_link *l)
{
    struct hip_contents c = { .request = { .present = false } };

    if (!l->udp)
        return;
    l->moving = true;
    host_nat_question(l, &c);
    if (c.request.present && hip_update(h->hip, l->ref, &c, h->now, host_hip(h)))
        h->dropped++;
    permits_again(h, l); /* they end with the move, but for those that come from the new address (s4.12.2) */
}

/* The FA knows our address anew long before the peer has heard of other candidates, and the permission is there again with its answer: what is relayed
 * waits for no connectivity check. */
void host_nat_data(struct host *h, const struct hip_path *was, const struct hip_path *is)
{
    struct hip_assoc_view v;
    size_t pos = 0;

    while (hip_assoc_next(h->hip, &pos, &v)) {
        struct host_action *a;
        if (v.checks != HIP_CHECKS_RELAYED || !addr_eq(&v.esp.peer, &was->peer) ||
            !addr_eq(&v.esp.local, &was->local))
            continue;
        a = host_act(h, HOST_ACT_SA_PATH);
        if (!a)
            return;
        a->ref = v.ref;
        a->local = v.local;
        a->peer = v.peer;
        a->path.to = *is;
    }
}

void host_nat_addresses(struct host *h)
{
    struct host_nat_state *n = &h->nat;
    uint64_t wait = 0;
    size_t k = 0;

    for (size_t i = 0; i < n->n_found; i++) {
        bool there = false;
        for (size_t j = 0; j < h->n_addr; j++)
            there |= addr_same_ip(&h->addr[j].addr, &n->found[i].local);
        if (there)
            n->found[k++] = n->found[i];
    }
    n->n_found = k;
    if (!h->c.udp_port)
        return;
    for (size_t i = 0; i < HOST_LINKS_MAX; i++)
        if (h->link[i].established && h->link[i].udp) {
            discover(h, &h->link[i]);
            wait = GATHER_US;
        }
    if (h->n_addr)
        changed(h, wait);
}

/* ---- candidates ---- */

struct gathering {
    const struct host *h;
    struct hip_candidate *out;
    size_t n;
    uint16_t of_kind[HIP_LOC_RELAYED + 1];
};

static void add(struct gathering *g, enum hip_locator_kind kind, const struct addr *addr,
                const struct addr *base, const struct addr *relay)
{
    struct hip_candidate *c;

    if (g->n == HIP_CANDIDATES_MAX || addr->family == ADDR_NONE)
        return;
    for (size_t i = 0; i < g->n; i++)
        if (addr_eq(&g->out[i].addr, addr))
            return; /* no NAT between: it is the host candidate (RFC 8445 s5.1.3) */
    c = &g->out[g->n++];
    memset(c, 0, sizeof *c);
    c->kind = kind;
    c->addr = *addr;
    c->base = *base;
    if (relay)
        c->relay = *relay;
    c->local_pref = (uint16_t)(PREFERENCE_MAX - g->of_kind[kind]++);
}

static void add_host(struct gathering *g, size_t room)
{
    const struct host *h = g->h;

    for (size_t i = 0; i < h->n_addr && g->n < HIP_CANDIDATES_MAX - room; i++) {
        struct addr a = h->addr[i].addr;
        a.port = h->c.udp_port;
        if (!h->c.hide_private || !addr_is_private(&a))
            add(g, HIP_LOC_HOST, &a, &a, NULL);
    }
}

/* Two peers with one SPI cannot be told apart behind one relayed address (s4.12.3, item 94). */
static bool spi_clash(const struct host *h, struct hip_ref ref)
{
    struct hip_assoc_view mine, v;
    size_t pos = 0;

    if (hip_assoc_get(h->hip, ref, &mine) || mine.spi_out == 0)
        return false;
    while (hip_assoc_next(h->hip, &pos, &v))
        if (!host_ref_eq(v.ref, ref) && v.spi_out == mine.spi_out && !hit_eq(&v.peer, &mine.peer) &&
            host_nat_is_ice(&v))
            return true;
    return false;
}

static void add_link(struct gathering *g, const struct host_link *l, bool relayed)
{
    struct hip_assoc_view v;

    if (!l->established || !l->udp || hip_assoc_get(g->h->hip, l->ref, &v))
        return;
    if (!l->moving)
        add(g, HIP_LOC_SRFLX, &l->reg_from, &v.path.local, NULL);
    if (relayed && l->trusted)
        add(g, HIP_LOC_RELAYED, &l->relayed, &v.path.local, &v.path.peer);
}

size_t host_nat_candidates(const struct host *h, struct hip_ref ref,
                           struct hip_candidate out[HIP_CANDIDATES_MAX])
{
    struct gathering g = { .h = h, .out = out };
    bool relayed = !spi_clash(h, ref);

    add_host(&g, 2 * HOST_LINKS_MAX < HIP_CANDIDATES_MAX / 2 ? 2 * HOST_LINKS_MAX : HIP_CANDIDATES_MAX / 2);
    for (size_t i = 0; i < HOST_LINKS_MAX; i++)
        add_link(&g, &h->link[i], relayed);
    for (size_t i = 0; i < h->nat.n_found; i++) {
        struct addr base = h->nat.found[i].local;
        base.port = h->c.udp_port;
        add(&g, HIP_LOC_SRFLX, &h->nat.found[i].mapped, &base, NULL);
    }
    add_host(&g, 0); /* those that were left out, while there is room */
    return g.n;
}

void host_nat_answer(struct host *h, const struct hip_action *a, struct hip_answer *ans)
{
    struct host_peer *p;

    if (a->ask.nat_mode != HIP_NAT_ICE_HIP_UDP)
        return;
    ans->n_cand = host_nat_candidates(h, a->ref, ans->cand);
    p = host_peer_get(h, &a->peer);
    if (p)
        p->cand_gen = h->nat.gen;
}

/* ---- the peers hear of it ---- */

/* By the relay: from the address that is used now while we have it, else the best of its family; by the relay of ours that there is now. */
static bool signal_path(const struct host *h, const struct hip_assoc_view *v, struct hip_path *out)
{
    const struct host_link *l = NULL;
    struct hip_assoc_view fa;
    const struct host_addr *best;
    struct hip_path p = v->home;

    for (size_t i = 0; p.to.family != ADDR_NONE && i < HOST_LINKS_MAX; i++) {
        if (!h->link[i].trusted || !h->link[i].udp || hip_assoc_get(h->hip, h->link[i].ref, &fa))
            continue;
        if (!l || addr_eq(&fa.path.peer, &v->home.peer)) {
            l = &h->link[i];
            p.peer = fa.path.peer;
        }
    }
    best = host_addr_best(h, p.peer.family);
    if (!best)
        return false;
    *out = p;
    for (size_t i = 0; i < h->n_addr; i++)
        if (addr_same_ip(&h->addr[i].addr, &p.local) && h->addr[i].rank <= best->rank)
            return true;
    out->local = best->addr;
    out->local.port = h->c.udp_port;
    return true;
}

/* false: not now. */
static bool tell(struct host *h, struct host_peer *p, const struct hip_assoc_view *v)
{
    struct hip_candidate c[HIP_CANDIDATES_MAX];
    char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];
    size_t n = host_nat_candidates(h, p->ref, c);
    struct hip_path path;
    err e;

    if (n == 0 || !signal_path(h, v, &path))
        return false;
    e = hip_candidates(h->hip, p->ref, &path, c, n, h->now, host_hip(h));
    if (e == ERR_STATE || e == ERR_FULL || e == ERR_SPACE)
        return false;
    p->cand_gen = h->nat.gen;
    if (e) {
        host_event(h, HOST_EV_MOVE, LOG_LV_WARN, &p->hit, "candidates cannot be told: %s", err_text(e));
        return true;
    }
    if (addr_same_ip(&path.local, &v->home.local)) {
        host_event(h, HOST_EV_MOVE, LOG_LV_INFO, &p->hit, "other candidates: %zu (peer told)", n);
    } else {
        h->moves++;
        host_event(h, HOST_EV_MOVE, LOG_LV_NOTICE, &p->hit, "from %s to %s (peer told, %zu candidates)",
                   addr_format(&v->home.local, from), addr_format(&path.local, to), n);
    }
    host_drain(h);
    return true;
}

static void on_told(struct host *h, struct host_timer *t)
{
    struct hip_assoc_view v;
    size_t done = 0;
    bool later = false;

    for (size_t i = 0; i < HOST_PEERS_MAX; i++) {
        struct host_peer *p = &h->peer[i];
        if (!p->used || p->state != HOST_PEER_UP || p->cand_gen == h->nat.gen ||
            hip_assoc_get(h->hip, p->ref, &v) || !host_nat_is_ice(&v))
            continue;
        if (done++ == AT_ONCE) {
            host_timer_set(h, t, h->now + 1); /* in the next call */
            return;
        }
        if (!tell(h, p, &v))
            later = true;
    }
    if (later && h->n_addr)
        host_timer_set(h, t, h->now + AGAIN_US);
}

/* ---- permissions ---- */

static struct host_link *link_at(struct host *h, const struct addr *relayed)
{
    for (size_t i = 0; i < HOST_LINKS_MAX; i++)
        if (h->link[i].established && addr_eq(&h->link[i].relayed, relayed))
            return &h->link[i];
    return NULL;
}

/* One for an association and a relayed port: the server knows what we send by its SPI alone, so it has one peer for it, and a refreshed older
 * permission would take the place of the one in use. */
static struct host_permit *permit_slot(struct host *h, const struct hip_action *a)
{
    struct host_nat_state *n = &h->nat;

    for (size_t i = 0; i < n->n_permit; i++)
        if (host_ref_eq(n->permit[i].ref, a->ref) && addr_eq(&n->permit[i].p.relayed, &a->permit.relayed))
            return &n->permit[i];
    return n->n_permit < HOST_PERMITS_MAX ? &n->permit[n->n_permit++] : NULL;
}

static void permits_timer(struct host *h)
{
    uint64_t at = HEAP_NEVER;

    for (size_t i = 0; i < h->nat.n_permit; i++)
        if (h->nat.permit[i].at_us + REFRESH_US < at)
            at = h->nat.permit[i].at_us + REFRESH_US;
    if (at == HEAP_NEVER)
        host_timer_stop(h, &h->nat.permits);
    else
        host_timer_set(h, &h->nat.permits, at > h->now ? at : h->now + 1);
}

void host_nat_permit(struct host *h, const struct hip_action *a)
{
    struct host_link *l = link_at(h, &a->permit.relayed);
    struct host_permit *p = l ? permit_slot(h, a) : NULL;

    if (!p) {
        h->dropped++;
        return;
    }
    p->ref = a->ref;
    p->p = (struct hip_peer_permission){ .protocol = PROTO_UDP,
                                         .relayed = a->permit.relayed,
                                         .peer = a->permit.peer,
                                         .spi_out = a->permit.spi_out,
                                         .spi_in = a->permit.spi_in };
    permit_send(h, l, p);
    permits_timer(h);
}

/* In use: its association lives and its port is still ours. A direct path needs it as well, for the day that it fails. */
static bool permit_used(struct host *h, const struct host_permit *p)
{
    struct hip_assoc_view v;
    return !hip_assoc_get(h->hip, p->ref, &v) && link_at(h, &p->p.relayed) != NULL;
}

static void on_permits(struct host *h, struct host_timer *t)
{
    struct host_nat_state *n = &h->nat;
    size_t k = 0, sent = 0;

    for (size_t i = 0; i < n->n_permit; i++)
        if (permit_used(h, &n->permit[i]))
            n->permit[k++] = n->permit[i];
    n->n_permit = k;
    for (size_t i = 0; i < n->n_permit && sent < AT_ONCE; i++) {
        struct host_permit *p = &n->permit[i];
        if (p->at_us && h->now < p->at_us + REFRESH_US)
            continue;
        permit_send(h, link_at(h, &p->p.relayed), p);
        sent++;
        host_drain(h);
    }
    permits_timer(h);
}

void host_nat_gone(struct host *h, struct hip_ref ref)
{
    struct host_nat_state *n = &h->nat;
    size_t k = 0;

    for (size_t i = 0; i < n->n_permit; i++)
        if (!host_ref_eq(n->permit[i].ref, ref))
            n->permit[k++] = n->permit[i];
    n->n_permit = k;
}
