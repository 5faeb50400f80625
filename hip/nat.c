/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/nat.h"

#include "hip/ice.h"
#include "hip/initiator.h"
#include "hip/notify.h"
#include "hip/param_loc.h"
#include "hip/param_nat.h"
#include "hip/suite.h"
#include "hip/update.h"

bool hip_path_eq(const struct hip_path *a, const struct hip_path *b)
{
    return addr_eq(&a->local, &b->local) && addr_eq(&a->peer, &b->peer) && addr_eq(&a->to, &b->to);
}

/* ---- modes (s4.3) ---- */

static struct hip_ids16 own_modes(const struct hip_config *c)
{
    struct hip_ids16 l = { 0 };
    for (size_t i = 0; i < sizeof c->nat_modes / sizeof *c->nat_modes && c->nat_modes[i]; i++)
        l.id[l.n++] = c->nat_modes[i];
    return l;
}

void hip_nat_put_r1(struct hip_build *b, const struct hip_config *c)
{
    struct hip_ids16 l = own_modes(c);
    if (l.n == 0)
        return;
    hip_put_nat_modes(b, &l);
    if (hip_has16(l.id, l.n, HIP_NAT_ICE_HIP_UDP)) /* only checks are paced */
        hip_put_u32(b, HIP_PAR_TRANSACTION_PACING, c->pacing_ms);
}

/* s4.4: without the parameter a host's value is 50 ms; the higher of both counts. */
static int pacing(const struct hip_rx *rx, uint32_t *out)
{
    uint32_t theirs = HIP_PACING_DEFAULT_MS, own = rx->e->cfg.pacing_ms;
    if (hip_pkt_has(&rx->pkt, HIP_PAR_TRANSACTION_PACING) &&
        hip_get_u32(hip_pkt_span(&rx->pkt, HIP_PAR_TRANSACTION_PACING), &theirs) != ERR_OK)
        return HIP_DROP_PARAM_MALFORMED;
    *out = theirs > own ? theirs : own;
    return HIP_TAKEN;
}

/* s4.7.1: a preferred transport address for all traffic in R1 is where the I2 of an exchange without checks goes. */
static bool r1_locator(const struct hip_rx *rx, struct addr *out)
{
    struct hip_locator_set set;
    if (!hip_pkt_has(&rx->pkt, HIP_PAR_LOCATOR_SET) ||
        hip_get_locator_set(hip_pkt_span(&rx->pkt, HIP_PAR_LOCATOR_SET), &set) != ERR_OK)
        return false;
    for (size_t i = 0; i < set.n; i++) {
        const struct hip_locator *l = &set.v[i];
        struct hip_transport_addr t = { .protocol = l->protocol, .addr = l->addr };
        if (l->type != HIP_LOC_UDP || l->traffic != HIP_LOC_ALL || !l->preferred ||
            l->protocol != HIP_PROTO_UDP || l->addr.family != rx->path->local.family ||
            !hip_transport_addr_ok(&t))
            continue;
        *out = l->addr;
        return true;
    }
    return false;
}

int hip_nat_choose(const struct hip_rx *rx, struct hip_nat_choice *out)
{
    struct hip_nat_choice c = { 0 };
    struct hip_ids16 own = own_modes(&rx->e->cfg), theirs = { 0 };
    if (!hip_path_is_udp(rx->path)) {
        *out = c;
        return HIP_TAKEN;
    }
    /* The Responder's relay leaves RELAY_TO in what it passes on (s4.5 step 4). */
    bool relayed = hip_pkt_has(&rx->pkt, HIP_PAR_RELAY_TO);
    c.explicit_mode = own.n && hip_pkt_has(&rx->pkt, HIP_PAR_NAT_TRAVERSAL_MODE);
    if (c.explicit_mode &&
        hip_get_nat_modes(hip_pkt_span(&rx->pkt, HIP_PAR_NAT_TRAVERSAL_MODE), &theirs) != ERR_OK)
        return HIP_DROP_PARAM_MALFORMED;
    int drop = pacing(rx, &c.pacing_ms);
    if (drop != HIP_TAKEN)
        return drop;
    bool ice =
        hip_has16(own.id, own.n, HIP_NAT_ICE_HIP_UDP) && hip_has16(theirs.id, theirs.n, HIP_NAT_ICE_HIP_UDP);
    bool plain = !c.explicit_mode || (hip_has16(own.id, own.n, HIP_NAT_UDP_ENCAPSULATION) &&
                                      hip_has16(theirs.id, theirs.n, HIP_NAT_UDP_ENCAPSULATION));
    bool located = plain && !(relayed && ice) && r1_locator(rx, &c.i2_to);
    if (relayed ? ice : ice && !plain)
        c.mode = HIP_NAT_ICE_HIP_UDP;
    else if (plain && (!relayed || located)) /* such an I2 MUST NOT go through a relay */
        c.mode = HIP_NAT_UDP_ENCAPSULATION;
    else
        return HIP_DROP_BAD_NAT_MODE;
    *out = c;
    return HIP_TAKEN;
}

void hip_nat_put_i2(struct hip_build *b, const struct hip_assoc *a)
{
    if (!a->nat_explicit)
        return;
    hip_put_nat_modes(b, &(struct hip_ids16){ .n = 1, .id = { a->nat_mode } });
    if (a->nat_mode == HIP_NAT_ICE_HIP_UDP)
        hip_put_u32(b, HIP_PAR_TRANSACTION_PACING, a->pacing_ms);
}

int hip_nat_check_i2(const struct hip_rx *rx, struct hip_nat_choice *out)
{
    struct hip_nat_choice c = { 0 };
    struct hip_ids16 own = own_modes(&rx->e->cfg), l = { 0 };
    bool relayed = rx->path->to.family != ADDR_NONE;
    if (!hip_path_is_udp(rx->path)) {
        *out = c;
        return HIP_TAKEN;
    }
    c.mode = HIP_NAT_UDP_ENCAPSULATION; /* a host that knows no modes, straight to us (s4.7.1) */
    c.explicit_mode = own.n && hip_pkt_has(&rx->pkt, HIP_PAR_NAT_TRAVERSAL_MODE);
    if (c.explicit_mode) {
        if (hip_get_nat_modes(hip_pkt_span(&rx->pkt, HIP_PAR_NAT_TRAVERSAL_MODE), &l) != ERR_OK)
            return HIP_DROP_PARAM_MALFORMED;
        if (l.n != 1 || l.more || !hip_has16(own.id, own.n, l.id[0]))
            return HIP_DROP_BAD_NAT_MODE;
        c.mode = l.id[0];
    }
    if (relayed && c.mode == HIP_NAT_UDP_ENCAPSULATION) /* s4.7.1 */
        return HIP_DROP_BAD_NAT_MODE;
    int drop = pacing(rx, &c.pacing_ms);
    if (drop == HIP_TAKEN)
        *out = c;
    return drop;
}

/* ---- keepalives (s4.10) ---- */

/* A server in the open need not open its clients' NATs: what they send counts too, and it only speaks when they have fallen silent. */
static uint64_t next_for_path(const struct hip_engine *e, const struct hip_assoc *a)
{
    if (!e->cfg.relay_server)
        return a->out_us + e->cfg.keepalive_us;
    uint64_t last = a->out_us > a->used_us ? a->out_us : a->used_us;
    last = last > a->heard_us ? last : a->heard_us;
    return last + e->cfg.keepalive_us * 3 / 2;
}

/* What goes through a relay of our own needs none: our registration there keeps the mapping. */
static bool opens_nat(const struct hip_path *p)
{
    return hip_path_is_udp(p) && p->to.family == ADDR_NONE;
}

static bool path_wants(const struct hip_assoc *a)
{
    return a->state == HIP_I1_SENT || opens_nat(&a->path);
}

/* Data that goes another way than signalling: that mapping too. */
static bool esp_wants(const struct hip_assoc *a)
{
    return a->sas_up && opens_nat(hip_ice_esp(a)) && !hip_path_eq(hip_ice_esp(a), &a->path);
}

static void schedule(struct hip_engine *e, struct hip_assoc *a)
{
    uint64_t at = path_wants(a) ? next_for_path(e, a) : HEAP_NEVER;
    if (esp_wants(a) && a->esp_us + e->cfg.keepalive_us < at)
        at = a->esp_us + e->cfg.keepalive_us;
    hip_assoc_timer(e, a, HIP_TIMER_KEEPALIVE, at);
}

static bool living(const struct hip_assoc *a)
{
    return a->state == HIP_I1_SENT || a->state == HIP_I2_SENT || a->state == HIP_R2_SENT ||
           a->state == HIP_ESTABLISHED;
}

/* The timer is moved when it runs out, not with every packet. */
static void sent(struct hip_engine *e, struct hip_assoc *a)
{
    if (!hip_timer_on(&a->timers, HIP_TIMER_KEEPALIVE) && living(a))
        schedule(e, a);
}

void hip_nat_sent(struct hip_engine *e, struct hip_assoc *a, uint64_t now)
{
    a->out_us = now;
    sent(e, a);
}

void hip_sa_sent(struct hip_engine *e, struct hip_ref ref, uint64_t at)
{
    struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    if (!a || (a->state != HIP_R2_SENT && a->state != HIP_ESTABLISHED))
        return;
    if (at > a->esp_us)
        a->esp_us = at;
    if (at > a->out_us && hip_path_eq(hip_ice_esp(a), &a->path))
        a->out_us = at;
    sent(e, a);
}

static void keep_open(struct hip_engine *e, const struct hip_assoc *a, const struct hip_path *path,
                      struct hip_actions *out)
{
    if (hip_path_is_udp(path) &&
        hip_notify_to(e, a->id, &a->peer, path, HIP_NTF_NAT_KEEPALIVE, span_of(NULL, 0), out) != ERR_OK)
        e->counters[HIP_DROP_INTERNAL]++;
}

void hip_nat_keepalive(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    if (!living(a))
        return;
    if (path_wants(a) && next_for_path(e, a) <= now) {
        /* RFC 5770 s4.7: an Initiator that waits for R1 keeps its mapping to whichever relay there is. */
        size_t n = a->state == HIP_I1_SENT ? a->x->n_to : 1;
        for (size_t i = 0; i < n; i++)
            keep_open(e, a, a->state == HIP_I1_SENT ? &a->x->to[i] : &a->path, out);
        a->out_us = now;
    }
    if (esp_wants(a) && a->esp_us + e->cfg.keepalive_us <= now) {
        keep_open(e, a, hip_ice_esp(a), out);
        a->esp_us = now;
    }
    schedule(e, a);
}

/* ---- a NAT that renumbers ---- */

#define SEEN_EVERY_US UINT64_C(3000000)

void hip_nat_seen(struct hip_rx *rx)
{
    struct hip_assoc *a = rx->a;
    if (a->nat_mode != HIP_NAT_UDP_ENCAPSULATION || a->path.to.family != ADDR_NONE ||
        rx->path->to.family != ADDR_NONE || addr_eq(&rx->path->peer, &a->path.peer))
        return;
    /* A keepalive can be sent again by whoever saw it, from anywhere: the question must not become a flood there. */
    if (a->seen_us && rx->now < a->seen_us + SEEN_EVERY_US)
        return;
    a->seen_us = rx->now;
    struct hip_update_parts u = { .kind = HIP_UPD_SEEN, .path = rx->path };
    (void)hip_update_cancel(rx->e, a, HIP_UPD_SEEN); /* one at a time: the newest */
    a->seen_locset = a->locset_id;
    if (hip_update_send(rx->e, a, &u, rx->now, rx->out, NULL) != ERR_OK)
        rx->e->counters[HIP_DROP_ACTIONS_FULL]++; /* the next keepalive tries again */
}

void hip_nat_renumber(struct hip_rx *rx, const struct hip_path *to)
{
    struct hip_assoc *a = rx->a;
    struct hip_path was = a->path;
    a->seen_us = 0; /* that was the client */
    if (a->seen_locset != a->locset_id || hip_path_eq(&was, to))
        return; /* it has told us of another place meanwhile */
    a->path = *to;
    if (hip_path_eq(&a->esp, &was))
        a->esp = *to;
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++)
        if (addr_eq(&a->loc[i].addr, &was.peer)) {
            a->loc[i].addr = to->peer;
            a->loc[i].path = *to;
        }
    hip_act_sa_path(rx->e, rx->out, a, rx->now);
    struct hip_action *q = hip_act(rx->e, rx->out, HIP_ACT_MOVED, a);
    if (q)
        q->moved.path = a->path;
}
