/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/checklist.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/heap.h"

#define WAIT_DIRECT_US  UINT64_C(150000) /* a direct pair works: a better direct one may come */
#define WAIT_RELAYED_US UINT64_C(500000) /* only relayed ones work so far */

/* ---- candidates (RFC 9028 s4.2) ---- */

static uint32_t priority_of(uint32_t type, uint16_t local)
{
    return type << 24 | (uint32_t)local << 8 | (256 - 1);
}

uint32_t hip_candidate_priority(const struct hip_candidate *c)
{
    static const uint8_t preference[] = {
        [HIP_LOC_HOST] = 126, [HIP_LOC_SRFLX] = 100, [HIP_LOC_PRFLX] = 110, [HIP_LOC_RELAYED] = 0
    };
    return priority_of(preference[c->kind & 3], c->local_pref);
}

uint32_t hip_candidate_prflx_priority(const struct hip_candidate *c)
{
    return priority_of(110, c->local_pref);
}

uint64_t hip_pair_priority(bool controlling, uint32_t local, uint32_t remote)
{
    uint64_t g = controlling ? local : remote, d = controlling ? remote : local;
    return ((g < d ? g : d) << 32) + 2 * (g > d ? g : d) + (g > d);
}

bool hip_candidate_usable(const struct addr *a)
{
    struct addr lsi = addr_v4(UINT32_C(0x01000000));
    struct addr hits = { .family = ADDR_V6, .ip = { 0x20, 0x01, 0x00, 0x20 } };
    return a->family != ADDR_NONE && a->port != 0 && !addr_is_loopback(a) && !addr_is_multicast(a) &&
           !addr_is_unspecified(a) && !addr_is_link_local(a) && !addr_in_prefix(a, &lsi, 8) &&
           !addr_in_prefix(a, &hits, 28);
}

/* ---- pairs ---- */

static bool same(const struct addr *a, const struct addr *b)
{
    return a->port == b->port && (a->family == b->family) && (a->family == ADDR_NONE || addr_same_ip(a, b));
}

struct hip_path hip_pair_path(const struct hip_pair *p)
{
    struct hip_path path = { .local = p->local.base, .peer = p->remote.addr };
    if (p->local.kind == HIP_LOC_RELAYED) {
        path.to = path.peer;
        path.peer = p->local.relay;
    }
    return path;
}

static bool same_path(const struct hip_path *a, const struct hip_path *b)
{
    return same(&a->local, &b->local) && same(&a->peer, &b->peer) && same(&a->to, &b->to);
}

static void forget_check(struct hip_pair *p)
{
    free(p->check.pkt);
    p->check = (struct hip_check){ 0 };
}

static void enter(struct hip_pair *p, enum hip_pair_state s, uint64_t now)
{
    p->state = s;
    p->at_us = now;
}

void hip_checklist_clear(struct hip_checklist *l)
{
    for (size_t i = 0; i < l->n; i++)
        forget_check(&l->pair[i]);
    l->n = l->n_queue = 0;
    l->concluded = false;
    l->first_us = l->next_us = 0;
}

/* What is sent from the same socket to the same place is one pair, whatever the candidate was called (RFC 8445 s6.1.2.4). The base of a
 * server-reflexive candidate is a host candidate when there is one, and has its priority then. */
static void add(struct hip_checklist *l, const struct hip_candidate *local, const struct hip_remote *remote)
{
    struct hip_pair p = { .local = *local, .remote = *remote };
    p.priority = hip_pair_priority(l->controlling, hip_candidate_priority(local), remote->priority);
    struct hip_path path = hip_pair_path(&p);
    size_t at = 0;
    for (size_t i = 0; i < l->n; i++) {
        struct hip_path other = hip_pair_path(&l->pair[i]);
        if (!same_path(&path, &other))
            continue;
        if (l->pair[i].priority >= p.priority)
            return;
        memmove(&l->pair[i], &l->pair[i + 1], (--l->n - i) * sizeof p);
        break;
    }
    while (at < l->n && l->pair[at].priority >= p.priority)
        at++;
    if (at == HIP_PAIRS_MAX)
        return;
    if (l->n == HIP_PAIRS_MAX)
        l->n--;
    memmove(&l->pair[at + 1], &l->pair[at], (l->n - at) * sizeof p);
    l->pair[at] = p;
    l->n++;
}

static bool local_usable(const struct hip_candidate *c)
{
    if (c->kind == HIP_LOC_RELAYED && c->relay.family == ADDR_NONE)
        return false;
    return c->kind <= HIP_LOC_RELAYED && hip_candidate_usable(&c->addr) && c->base.port != 0;
}

void hip_checklist_form(struct hip_checklist *l, const struct hip_candidate *local, size_t n_local,
                        const struct hip_remote *remote, size_t n_remote, uint64_t now)
{
    hip_checklist_clear(l);
    l->next_us = now;
    for (size_t i = 0; i < n_local; i++)
        for (size_t k = 0; k < n_remote && local_usable(&local[i]); k++)
            if (local[i].addr.family == remote[k].addr.family && hip_candidate_usable(&remote[k].addr))
                add(l, &local[i], &remote[k]);
}

struct hip_pair *hip_checklist_find(struct hip_checklist *l, const struct hip_path *path)
{
    for (size_t i = 0; i < l->n; i++) {
        struct hip_path p = hip_pair_path(&l->pair[i]);
        if (same_path(&p, path))
            return &l->pair[i];
    }
    return NULL;
}

struct hip_pair *hip_checklist_by_id(struct hip_checklist *l, uint32_t id)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->pair[i].check.on && l->pair[i].check.id == id)
            return &l->pair[i];
    return NULL;
}

/* ---- when ---- */

uint64_t hip_checklist_rto(const struct hip_checklist *l)
{
    uint64_t n = 0;
    for (size_t i = 0; i < l->n; i++)
        n += (l->pair[i].state == HIP_PAIR_WAITING && (!l->concluded || l->pair[i].triggered)) ||
             l->pair[i].state == HIP_PAIR_IN_PROGRESS;
    uint64_t us = l->ta_us * n;
    return us > HIP_CHECK_RTO_MIN_US ? us : HIP_CHECK_RTO_MIN_US;
}

/* The greatest priority among those that wait. */
static struct hip_pair *waiting(const struct hip_checklist *l)
{
    const struct hip_pair *best = NULL;
    for (size_t i = 0; i < l->n && !l->concluded; i++)
        if (l->pair[i].state == HIP_PAIR_WAITING && (!best || l->pair[i].priority > best->priority))
            best = &l->pair[i];
    return (struct hip_pair *)best;
}

static void unqueue(struct hip_checklist *l, struct hip_pair *p)
{
    size_t n = 0;
    for (size_t i = 0; i < l->n_queue; i++)
        if (l->queue[i] != (uint8_t)(p - l->pair))
            l->queue[n++] = l->queue[i];
    l->n_queue = n;
    p->triggered = false;
}

struct hip_pair *hip_checklist_next(struct hip_checklist *l, uint64_t now)
{
    if (now < l->next_us)
        return NULL;
    if (l->n_queue) {
        struct hip_pair *p = &l->pair[l->queue[0]];
        unqueue(l, p);
        return p;
    }
    return waiting(l);
}

void hip_checklist_begun(struct hip_checklist *l, struct hip_pair *p, uint64_t now)
{
    unqueue(l, p);
    enter(p, HIP_PAIR_IN_PROGRESS, now);
    p->tries = 1;
    p->check.on = true;
    p->check.sent_us = now;
    p->check.due_us = now + hip_checklist_rto(l);
    l->next_us = now + l->ta_us;
}

/* RTO, RTO, then twice and four times as long: five sendings end after ten RTOs. */
struct hip_pair *hip_checklist_again(struct hip_checklist *l, uint64_t now)
{
    for (size_t i = 0; i < l->n; i++) {
        struct hip_pair *p = &l->pair[i];
        if (!p->check.on || p->check.due_us > now)
            continue;
        if (p->tries >= (p->brief ? 2 : HIP_CHECK_TRIES)) {
            hip_checklist_failed(l, p, now);
            return p;
        }
        p->tries++;
        p->check.sent_us = now;
        p->check.due_us = now + (hip_checklist_rto(l) << (p->tries - 1) / 2);
        return p;
    }
    return NULL;
}

uint64_t hip_checklist_due(const struct hip_checklist *l)
{
    uint64_t at = l->n_queue || waiting(l) ? l->next_us : HEAP_NEVER;
    for (size_t i = 0; i < l->n; i++)
        if (l->pair[i].check.on && l->pair[i].check.due_us < at)
            at = l->pair[i].check.due_us;
    return at;
}

/* ---- what happens ---- */

/* The candidate of ours that a packet on this path came in by; a host candidate rather than a reflexive one of the same base. */
static const struct hip_candidate *receiver(const struct hip_candidate *local, size_t n,
                                            const struct hip_path *path)
{
    const struct hip_candidate *best = NULL;
    bool relayed = path->to.family != ADDR_NONE;
    for (size_t i = 0; i < n; i++) {
        const struct hip_candidate *c = &local[i];
        if ((c->kind == HIP_LOC_RELAYED) != relayed || !same(&c->base, &path->local) || !local_usable(c))
            continue;
        if (relayed && !same(&c->relay, &path->peer))
            continue;
        if (!best || hip_candidate_priority(c) > hip_candidate_priority(best))
            best = c;
    }
    return best;
}

static struct hip_pair *place(struct hip_checklist *l)
{
    struct hip_pair *worst = NULL;
    if (l->n < HIP_PAIRS_MAX)
        return &l->pair[l->n++];
    for (size_t i = 0; i < l->n; i++)
        if (l->pair[i].state == HIP_PAIR_FAILED && !l->pair[i].triggered &&
            (!worst || l->pair[i].priority < worst->priority))
            worst = &l->pair[i];
    return worst;
}

/* A relayed candidate of the peer's at this address. A NAT before us that gives the relay's packets another port (its own table was in the way) must not
 * make a direct path of the relay. */
static const struct hip_remote *relay_at(const struct hip_checklist *l, const struct addr *from)
{
    for (size_t k = 0; k < l->n; k++)
        if (l->pair[k].remote.kind == HIP_LOC_RELAYED && addr_same_ip(&l->pair[k].remote.addr, from))
            return &l->pair[k].remote;
    return NULL;
}

struct hip_pair *hip_checklist_learn(struct hip_checklist *l, const struct hip_candidate *local,
                                     size_t n_local, const struct hip_path *path, uint32_t priority)
{
    const struct hip_candidate *c = receiver(local, n_local, path);
    const struct addr *from = path->to.family != ADDR_NONE ? &path->to : &path->peer;
    if (!c || !hip_candidate_usable(from))
        return NULL;
    struct hip_remote remote = { .kind = HIP_LOC_PRFLX, .priority = priority };
    const struct hip_remote *relay = relay_at(l, from);
    if (relay)
        remote = *relay;
    remote.addr = *from;
    struct hip_pair *p = place(l);
    if (!p)
        return NULL;
    *p = (struct hip_pair){ .local = *c, .remote = remote };
    p->priority = hip_pair_priority(l->controlling, hip_candidate_priority(c), remote.priority);
    return p;
}

void hip_checklist_trigger(struct hip_checklist *l, struct hip_pair *p, bool brief, uint64_t now)
{
    if (p->triggered)
        return;
    if (p->check.on) {
        /* Under way: the peer's check has just opened the way, so the same octets go once more instead of waiting for the RTO. */
        if (now - p->check.sent_us >= l->ta_us && p->check.due_us > now && p->tries > 0) {
            p->tries--;
            p->check.due_us = now > l->next_us ? now : l->next_us;
        }
        return;
    }
    enter(p, HIP_PAIR_WAITING, now);
    p->tries = 0;
    p->brief = brief;
    p->triggered = true;
    l->queue[l->n_queue++] = (uint8_t)(p - l->pair);
}

void hip_checklist_succeeded(struct hip_checklist *l, struct hip_pair *p, uint64_t now)
{
    p->rtt_us = (uint32_t)(now - p->check.sent_us);
    p->alive_us = now;
    forget_check(p);
    unqueue(l, p);
    enter(p, HIP_PAIR_SUCCEEDED, now);
    if (!l->first_us)
        l->first_us = now;
}

void hip_checklist_failed(struct hip_checklist *l, struct hip_pair *p, uint64_t now)
{
    forget_check(p);
    unqueue(l, p);
    enter(p, HIP_PAIR_FAILED, now);
}

void hip_checklist_drop(struct hip_checklist *l, struct hip_pair *p)
{
    forget_check(p);
    unqueue(l, p);
    if (p->state == HIP_PAIR_IN_PROGRESS)
        p->state = p->alive_us ? HIP_PAIR_SUCCEEDED : HIP_PAIR_WAITING;
}

void hip_checklist_conclude(struct hip_checklist *l, const struct hip_pair *keep)
{
    l->concluded = true;
    for (size_t i = 0; i < l->n; i++)
        if (&l->pair[i] != keep && l->pair[i].check.on)
            hip_checklist_drop(l, &l->pair[i]);
}

struct hip_pair *hip_checklist_best(const struct hip_checklist *l, uint64_t now, uint64_t *when)
{
    const struct hip_pair *best = NULL;
    bool better = false;
    *when = HEAP_NEVER;
    for (size_t i = 0; i < l->n; i++)
        if (l->pair[i].state == HIP_PAIR_SUCCEEDED && (!best || l->pair[i].priority > best->priority))
            best = &l->pair[i];
    if (!best)
        return NULL;
    for (size_t i = 0; i < l->n; i++) {
        const struct hip_pair *p = &l->pair[i];
        bool open = p->state == HIP_PAIR_IN_PROGRESS ||
                    (p->state == HIP_PAIR_WAITING && (!l->concluded || p->triggered));
        better |= open && p->priority > best->priority;
    }
    uint64_t at = l->first_us + (hip_pair_relayed(best) ? WAIT_RELAYED_US : WAIT_DIRECT_US);
    if (!better || now >= at)
        return (struct hip_pair *)best;
    *when = at;
    return NULL;
}

bool hip_checklist_hopeless(const struct hip_checklist *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->pair[i].state != HIP_PAIR_FAILED)
            return false;
    return true;
}
