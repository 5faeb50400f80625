/* SPDX-License-Identifier: Apache-2.0
 *
 * What the DNS says of a name: HIP records, whose HIT is computed from the key and must be the one beside it (RFC 8005 s4.1), and
 * addresses. Kept until the TTL is over (s4.2), failures for a few seconds. Bogus answers give nothing (s8).
 */
#include <string.h>

#include "host/core/host_priv.h"

static const uint64_t failure_us = 5 * HOST_S;
static const uint64_t lost_us = 15 * HOST_S; /* an answer that has not come by now never will */
static const uint64_t ttl_max_s = 86400;

struct host_name *host_name_find(struct host *h, const struct dnsu_name *name)
{
    for (size_t i = 0; i < HOST_CACHE_MAX; i++)
        if (h->name[i].used && dnsu_name_eq(&h->name[i].name, name)) {
            h->name[i].used_us = h->now;
            return &h->name[i];
        }
    return NULL;
}

static bool waits(const struct host *h, const struct host_ask *q)
{
    return q->asking && h->now - q->asked_us < lost_us;
}

static bool busy(const struct host *h, const struct host_name *n)
{
    return waits(h, &n->hip) || waits(h, &n->addr);
}

struct host_name *host_name_get(struct host *h, const struct dnsu_name *name)
{
    struct host_name *n = host_name_find(h, name), *oldest = NULL;

    if (n)
        return n;
    for (size_t i = 0; i < HOST_CACHE_MAX; i++) {
        n = &h->name[i];
        if (!n->used) {
            oldest = n;
            break;
        }
        if (!busy(h, n) && (!oldest || n->used_us < oldest->used_us))
            oldest = n;
    }
    if (!oldest)
        return NULL;
    host_job_forget(h, oldest->hip.job);
    host_job_forget(h, oldest->addr.job);
    memset(oldest, 0, sizeof *oldest);
    oldest->used = true;
    oldest->name = *name;
    dnsu_name_lower(&oldest->name);
    oldest->used_us = h->now;
    return oldest;
}

void host_name_forget_failures(struct host *h)
{
    for (size_t i = 0; i < HOST_CACHE_MAX; i++) {
        struct host_name *n = &h->name[i];
        if (n->hip.known && n->hip.e)
            n->hip.known = false;
        if (n->addr.known && (n->addr.e || n->n_addr == 0))
            n->addr.known = false;
    }
}

/* Begin to ask; false when that is not possible now. */
static bool ask(struct host *h, struct host_name *n, struct host_ask *q, enum host_job_type type)
{
    struct host_job_slot *s;
    struct host_job *j;

    if (q->asking && h->now - q->asked_us < lost_us)
        return true;
    if (q->asking)
        host_job_forget(h, q->job);
    q->asking = false;
    j = host_job_new(h, type, &s);
    if (!j)
        return false;
    s->index = (size_t)(n - h->name);
    j->name = n->name;
    q->asking = true;
    q->asked_us = h->now;
    q->job = j->id;
    return true;
}

static bool fresh(const struct host *h, const struct host_ask *q)
{
    return q->known && q->until_us > h->now;
}

static bool want(struct host *h, struct host_name *n, struct host_ask *q, enum host_job_type type)
{
    n->used_us = h->now;
    if (fresh(h, q))
        return true;
    q->known = false;
    if (ask(h, n, q, type))
        return false;
    q->known = true;
    q->e = ERR_FULL;
    q->until_us = h->now + 1;
    return true;
}

bool host_name_hip(struct host *h, struct host_name *n)
{
    return want(h, n, &n->hip, HOST_JOB_LOOKUP_HIP);
}

bool host_name_addr(struct host *h, struct host_name *n)
{
    return want(h, n, &n->addr, HOST_JOB_LOOKUP_ADDR);
}

/* ---- answers to applications ---- */

static void resolved(struct host *h, const struct host_name *n, uint64_t ticket)
{
    struct host_action *a = host_act(h, HOST_ACT_RESOLVED);

    if (!a)
        return;
    a->resolved.ticket = ticket;
    a->resolved.e = n->hip.e;
    a->resolved.ttl = n->hip.until_us > h->now ? (uint32_t)((n->hip.until_us - h->now) / HOST_S) : 0;
    if (n->hip.e)
        return;
    a->resolved.n = n->n_record;
    for (size_t i = 0; i < n->n_record; i++)
        a->resolved.hit[i] = n->record[i].hit;
}

/* What an application asked for it will want to reach: what is needed for that is looked up already now. */
static void prefetch(struct host *h, const struct host_name *n)
{
    for (size_t i = 0; i < n->n_record; i++) {
        host_peer_learn(h, &n->record[i].hit, n, &n->record[i]);
        for (size_t k = 0; k < n->record[i].n_rvs; k++) {
            struct host_name *rvs = host_name_get(h, &n->record[i].rvs[k]);
            if (rvs)
                (void)host_name_addr(h, rvs);
        }
    }
}

void host_name_resolve(struct host *h, const struct dnsu_name *name, uint64_t ticket)
{
    struct host_name *n = host_name_get(h, name);
    struct host_name busy_name = { .hip = { .e = ERR_UNREACHABLE } };

    if (n && !waits(h, &n->hip))
        n->n_ticket = 0; /* of a question that was lost: their askers have given up */
    if (!n || n->n_ticket == HOST_TICKETS_MAX) {
        resolved(h, &busy_name, ticket);
    } else if (host_name_hip(h, n)) {
        if (!n->hip.e)
            prefetch(h, n);
        resolved(h, n, ticket);
    } else {
        n->ticket[n->n_ticket++] = ticket;
    }
}

/* ---- answers of the DNS ---- */

/* A record of ours only if the HIT is computed from its key. */
static bool record_of(struct host *h, const struct host_name *n, const struct dnsu_hiprr *rr,
                      struct host_record *out)
{
    struct host_record r = { .n_rvs = 0 };
    struct hip_hi hi;

    if (hip_hi_from_dns(rr->pk_alg, rr->pk, &hi))
        return false; /* an algorithm that we do not have */
    r.hit = hi.hit;
    hip_hi_done(&hi);
    if (!span_eq(rr->hit, span_of(r.hit.b, sizeof r.hit.b))) {
        char text[DNSU_NAME_TEXT_MAX];
        host_event(h, HOST_EV_ALARM, LOG_LV_WARN, &r.hit,
                   "HIP record of %.200s: HIT is not its key's: refused", dnsu_name_text(&n->name, text));
        return false;
    }
    for (size_t i = 0; i < rr->n_rvs && r.n_rvs < HOST_RVS_MAX; i++)
        if (!dnsu_hiprr_rvs(rr, i, &r.rvs[r.n_rvs]))
            r.n_rvs++;
    if (r.n_rvs == 0)
        r.rvs[r.n_rvs++] = n->name; /* RFC 8005 s3.1: its own addresses */
    *out = r;
    return true;
}

static err take_hip(struct host *h, struct host_name *n, const struct host_result *r, uint32_t *ttl)
{
    struct dnsu_hip_found found;
    char text[DNSU_NAME_TEXT_MAX];
    err e;

    n->n_record = 0;
    if (r->e)
        return r->e == ERR_AUTH ? ERR_AUTH : ERR_UNREACHABLE;
    n->hip.security = r->hip.security;
    *ttl = r->hip.ttl;
    if (r->hip.security == DNSU_BOGUS) {
        host_event(h, HOST_EV_ALARM, LOG_LV_WARN, NULL, "%.200s: DNSSEC says bogus: refused",
                   dnsu_name_text(&n->name, text));
        return ERR_AUTH;
    }
    if (r->hip.nxdomain)
        return ERR_NOT_FOUND;
    if (r->hip.n == 0)
        return ERR_OK; /* a name without HIP */
    if (r->hip.security != DNSU_SECURE && h->c.require_dnssec) {
        host_event(h, HOST_EV_NAME, LOG_LV_NOTICE, NULL, "%.200s: HIP record of an unsigned zone: not used",
                   dnsu_name_text(&n->name, text));
        return ERR_AUTH;
    }
    e = dnsu_hip_judge(r->hip.security, r->hip.rdata, r->hip.n < DNSU_SET_MAX ? r->hip.n : DNSU_SET_MAX,
                       r->hip.ttl, &found);
    if (e)
        return ERR_AUTH;
    for (size_t i = 0; i < found.n && n->n_record < HOST_RESOLVED_MAX; i++)
        if (record_of(h, n, &found.rr[i], &n->record[n->n_record]))
            n->n_record++;
    return n->n_record ? ERR_OK : ERR_AUTH;
}

static err take_addr(struct host_name *n, const struct host_result *r, uint32_t *ttl)
{
    n->n_addr = 0;
    if (r->e)
        return r->e;
    *ttl = r->addrs.ttl;
    n->addr.security = r->addrs.security;
    if (r->addrs.security == DNSU_BOGUS)
        return ERR_AUTH;
    for (size_t i = 0; i < r->addrs.n && n->n_addr < HOST_ADDRS_MAX; i++) {
        const struct addr *a = &r->addrs.v[i];
        if (!addr_is_multicast(a) && !addr_is_unspecified(a) && !addr_is_loopback(a) &&
            !addr_is_link_local(a))
            n->a[n->n_addr++] = *a;
    }
    return n->n_addr ? ERR_OK : ERR_NOT_FOUND;
}

static void settle(struct host *h, struct host_ask *q, err e, uint32_t ttl)
{
    uint64_t s = ttl < ttl_max_s ? ttl : ttl_max_s;

    q->asking = false;
    q->known = true;
    q->e = e;
    q->until_us =
        h->now +
        (e ? failure_us : (s ? s : 1) * HOST_S); /* what was just asked may be used: a second at least */
}

void host_name_complete(struct host *h, const struct host_job_slot *s, const struct host_result *r)
{
    struct host_name *n = &h->name[s->index];
    bool hip = s->type == HOST_JOB_LOOKUP_HIP;
    struct host_ask *q = hip ? &n->hip : &n->addr;
    uint64_t ticket[HOST_TICKETS_MAX];
    size_t n_ticket = n->n_ticket;
    uint32_t ttl = 0;
    err e;

    if (!n->used || !q->asking || q->job != s->id)
        return;
    e = hip ? take_hip(h, n, r, &ttl) : take_addr(n, r, &ttl);
    settle(h, q, e, ttl);
    if (hip) {
        memcpy(ticket, n->ticket, sizeof ticket);
        n->n_ticket = 0;
        if (!n->hip.e && n_ticket)
            prefetch(h, n);
        for (size_t i = 0; i < n_ticket; i++)
            resolved(h, n, ticket[i]);
    }
    host_fa_name_ready(h, n);
    host_peer_name_ready(h, n);
}
