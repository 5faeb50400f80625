/* SPDX-License-Identifier: Apache-2.0
 *
 * Probes through HIP (hipctl ping, explain): connecting first where there is no association yet, then an echo on the path that ESP takes.
 * And what is remembered of the last attempt to reach a peer, step by step.
 */
#include <stdio.h>
#include <string.h>

#include "host/core/host_priv.h"

#define PING_US (18 * HOST_S) /* in all; the control socket's asker waits 20 s */

static void answer(struct host *h, struct host_ping *p, err e, uint32_t rtt_us, const struct hip_path *path)
{
    struct host_action *a = host_act(h, HOST_ACT_PROBED);

    if (a) {
        a->peer = p->hit;
        a->probed.ticket = p->ticket;
        a->probed.e = e;
        a->probed.rtt_us = rtt_us;
        if (path)
            a->probed.path = *path;
    }
    memset(p, 0, sizeof *p);
}

static void send(struct host *h, struct host_ping *p, struct hip_ref ref)
{
    err e = hip_probe(h->hip, ref, h->now, host_hip(h), &p->id);

    p->ref = ref;
    p->sent = true;
    if (e)
        answer(h, p, e, 0, NULL);
}

static void timer(struct host *h)
{
    uint64_t at = HEAP_NEVER;

    for (size_t i = 0; i < HOST_PINGS_MAX; i++)
        if (h->ping[i].ticket && h->ping[i].end_us < at)
            at = h->ping[i].end_us;
    if (at == HEAP_NEVER)
        host_timer_stop(h, &h->ping_timer);
    else
        host_timer_set(h, &h->ping_timer, at);
}

static void on_timer(struct host *h, struct host_timer *t)
{
    for (size_t i = 0; i < HOST_PINGS_MAX; i++)
        if (h->ping[i].ticket && h->ping[i].end_us <= h->now)
            answer(h, &h->ping[i], ERR_TIMEOUT, 0, NULL);
    timer(h);
}

void host_ping_init(struct host *h)
{
    h->ping_timer.fire = on_timer;
}

void host_ping_begin(struct host *h, const struct hit *hit, uint64_t ticket)
{
    struct host_ping busy = { .ticket = ticket, .hit = *hit }, *p = NULL;
    struct hip_assoc_view v;
    struct hip_ref ref;

    for (size_t i = 0; i < HOST_PINGS_MAX && !p; i++)
        if (h->ping[i].ticket == 0)
            p = &h->ping[i];
    if (!p) {
        answer(h, &busy, ERR_FULL, 0, NULL);
        return;
    }
    *p = busy;
    p->end_us = h->now + PING_US;
    timer(h);
    if (!hip_assoc_find(h->hip, &h->id, hit, &ref) && !hip_assoc_get(h->hip, ref, &v) &&
        (v.state == HIP_ESTABLISHED || v.state == HIP_R2_SENT))
        send(h, p, ref);
    else
        host_peer_want(h, hit);
}

void host_ping_up(struct host *h, const struct hip_action *a)
{
    for (size_t i = 0; i < HOST_PINGS_MAX; i++)
        if (h->ping[i].ticket && !h->ping[i].sent && hit_eq(&h->ping[i].hit, &a->peer))
            send(h, &h->ping[i], a->ref);
}

void host_ping_unreachable(struct host *h, const struct hit *hit)
{
    for (size_t i = 0; i < HOST_PINGS_MAX; i++)
        if (h->ping[i].ticket && !h->ping[i].sent && hit_eq(&h->ping[i].hit, hit))
            answer(h, &h->ping[i], ERR_UNREACHABLE, 0, NULL);
}

void host_ping_probed(struct host *h, const struct hip_action *a)
{
    for (size_t i = 0; i < HOST_PINGS_MAX; i++) {
        struct host_ping *p = &h->ping[i];
        if (p->ticket && p->sent && host_ref_eq(p->ref, a->ref) && p->id == a->probed.id)
            answer(h, p, a->probed.answered ? ERR_OK : ERR_TIMEOUT, a->probed.rtt_us, &a->probed.path);
    }
}

void host_ping_gone(struct host *h, const struct hip_action *a)
{
    for (size_t i = 0; i < HOST_PINGS_MAX; i++)
        if (h->ping[i].ticket && h->ping[i].sent && host_ref_eq(h->ping[i].ref, a->ref))
            answer(h, &h->ping[i], ERR_UNREACHABLE, 0, NULL);
}

/* ---- the steps ---- */

static void explain_name(const struct host *h, const struct dnsu_name *name, const struct hit *hit,
                         struct host_explained *o)
{
    const struct host_name *n = host_name_find((struct host *)h, name); /* looks only */

    if (!n || !n->hip.known)
        return;
    o->asked = true;
    o->name_e = n->hip.e;
    o->security = n->hip.security;
    o->n_record = n->n_record;
    for (size_t i = 0; i < n->n_record; i++) {
        const struct host_record *r = &n->record[i];
        if (!hit_eq(&r->hit, hit))
            continue;
        o->n_rvs = r->n_rvs;
        for (size_t k = 0; k < r->n_rvs; k++)
            o->rvs[k].name = r->rvs[k];
    }
}

void host_explain(const struct host *h, const struct dnsu_name *name, const struct hit *hit,
                  struct host_explained *out)
{
    const struct host_peer *p = host_peer_find((struct host *)h, hit); /* looks only */

    memset(out, 0, sizeof *out);
    if (name)
        explain_name(h, name, hit, out);
    if (!p)
        return;
    out->known = true;
    out->trace = p->trace;
    out->n_addr = p->n_addr;
    memcpy(out->addr, p->addr, sizeof out->addr);
    if (!out->n_rvs) {
        out->n_rvs = p->n_rvs;
        for (size_t k = 0; k < p->n_rvs; k++)
            out->rvs[k].name = p->rvs[k];
    }
    for (size_t k = 0; k < out->n_rvs; k++) {
        const struct host_name *r = host_name_find((struct host *)h, &out->rvs[k].name);
        out->rvs[k].known = r && r->addr.known;
        out->rvs[k].e = r ? r->addr.e : ERR_NOT_FOUND;
        if (!r || !r->addr.known || r->addr.e)
            continue;
        out->rvs[k].n = r->n_addr;
        memcpy(out->rvs[k].addr, r->a, sizeof r->a);
    }
}
