/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rt/resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound.h>

#define NOWHERE "255.255.255.255" /* an address that is never asked */

struct query {
    struct rt_resolver *r;
    struct query *next;
    uint32_t id;
    int async; /* libunbound's */
    rt_resolve_fn fn;
    void *ctx;
    struct rt_timer *timer;
};

struct rt_resolver {
    struct rt_loop *loop;
    struct ub_ctx *ub;
    struct rt_poll *poll;
    struct query *open;
    unsigned n_open, max;
    uint32_t last_id;
    uint64_t timeout_us;
    bool inside; /* ub_process() is running */
    bool dead;   /* freed from within a callback */
};

/* "192.0.2.1@5353", as libunbound writes it. */
static bool server_text(const struct addr *a, char *out, size_t cap)
{
    char text[ADDR_TEXT_MAX];
    struct addr ip = *a;
    if (a->family == ADDR_NONE)
        return false;
    ip.port = 0;
    snprintf(out, cap, "%s@%u", addr_format(&ip, text), a->port ? a->port : 53u);
    return true;
}

static err options(struct ub_ctx *ub, const struct rt_resolve_config *c)
{
    char negative[16];
    snprintf(negative, sizeof negative, "%u", c->negative_ttl_s ? c->negative_ttl_s : 10u);
    const char *const opt[][2] = {
        { "do-not-query-localhost:", "no" },
        { "trust-anchor-signaling:", "no" }, /* no queries of its own */
        { "root-key-sentinel:", "no" },
        { "cache-max-negative-ttl:", negative },
        { "aggressive-nsec:",
          "no" }, /* a name that was bound a second ago must not be denied from an old NSEC */
        { "val-bogus-ttl:", "5" },
        { "infra-host-ttl:", "30" }, /* a server that was down is asked again soon */
        { "infra-keep-probing:", "yes" },
        { "do-not-query-address:", NOWHERE },
    };
    for (size_t i = 0; i < sizeof opt / sizeof *opt; i++)
        if (ub_ctx_set_option(ub, opt[i][0], opt[i][1]) != 0)
            return ERR_CONFIG;
    return ERR_OK;
}

static err add_zone(struct ub_ctx *ub, const struct rt_resolve_zone *z)
{
    char text[ADDR_TEXT_MAX + 8];
    for (size_t i = 0; i < z->n_server; i++)
        if (!server_text(&z->server[i], text, sizeof text) || ub_ctx_set_stub(ub, z->zone, text, 0) != 0)
            return ERR_CONFIG;
    if (z->anchor_file && ub_ctx_add_ta_file(ub, z->anchor_file) != 0)
        return ERR_CONFIG;
    if (z->anchor && ub_ctx_add_ta(ub, z->anchor) != 0)
        return ERR_CONFIG;
    return ERR_OK;
}

/* libunbound's local zones, last: the first of them ends its configuration. The configured zones are exceptions from its list of special
 * zones; without upstream all else is refused. ("." must come after them, or it is not found from below a zone of two labels.) */
static err set_local(struct ub_ctx *ub, const struct rt_resolve_config *c)
{
    for (size_t i = 0; i < c->n_zone; i++)
        if (ub_ctx_zone_add(ub, c->zone[i].zone, "transparent") != 0)
            return ERR_CONFIG;
    if (c->n_upstream == 0 && ub_ctx_zone_add(ub, ".", "refuse") != 0)
        return ERR_CONFIG;
    return ERR_OK;
}

static err configure(struct ub_ctx *ub, const struct rt_resolve_config *c)
{
    char text[ADDR_TEXT_MAX + 8];
    if (c->n_upstream > RT_RESOLVE_SERVERS_MAX)
        return ERR_CONFIG;
    err e = options(ub, c);
    for (size_t i = 0; e == ERR_OK && i < c->n_upstream; i++)
        if (!server_text(&c->upstream[i], text, sizeof text) || ub_ctx_set_fwd(ub, text) != 0)
            e = ERR_CONFIG;
    /* Nowhere to go: a CNAME out of a configured zone must not lead to the root servers either. */
    if (e == ERR_OK && c->n_upstream == 0 && ub_ctx_set_fwd(ub, NOWHERE) != 0)
        e = ERR_CONFIG;
    if (e == ERR_OK && c->anchor_file && ub_ctx_add_ta_file(ub, c->anchor_file) != 0)
        e = ERR_CONFIG;
    for (size_t i = 0; e == ERR_OK && i < c->n_zone; i++)
        e = c->zone[i].n_server <= RT_RESOLVE_SERVERS_MAX ? add_zone(ub, &c->zone[i]) : ERR_CONFIG;
    return e == ERR_OK ? set_local(ub, c) : e;
}

static struct query *take(struct rt_resolver *r, const struct query *q)
{
    for (struct query **p = &r->open; *p; p = &(*p)->next)
        if (*p == q) {
            struct query *found = *p;
            *p = found->next;
            r->n_open--;
            return found;
        }
    return NULL;
}

static void free_query(struct query *q)
{
    rt_timer_free(q->timer);
    free(q);
}

static void from_result(struct rt_answer *a, int status, const struct ub_result *u)
{
    *a = (struct rt_answer){
        .err = ERR_UNREACHABLE, .why_bogus = "", .canonical = "", .security = RT_DNS_INSECURE
    };
    if (status == UB_SYNTAX)
        a->err = ERR_RANGE;
    if (status != 0 || !u)
        return;
    a->rcode = u->rcode;
    if (u->bogus) {
        a->err = ERR_AUTH;
        a->security = RT_DNS_BOGUS;
        a->why_bogus = u->why_bogus ? u->why_bogus : "";
        return;
    }
    a->security = u->secure ? RT_DNS_SECURE : RT_DNS_INSECURE;
    a->nxdomain = u->nxdomain;
    a->ttl = u->ttl > 0 ? (uint32_t)u->ttl : 0;
    a->canonical = u->canonname ? u->canonname : "";
    if (u->rcode == 0 || u->rcode == 3)
        a->err = ERR_OK;
    else if (u->rcode != 2)
        a->err = ERR_REFUSED;
    for (size_t i = 0; u->havedata && u->data && u->data[i] && a->n < RT_RESOLVE_RDATA_MAX; i++)
        a->rdata[a->n++] = span_of(u->data[i], (size_t)u->len[i]);
}

/* libunbound's callback, out of ub_process(). */
static void on_result(void *arg, int status, struct ub_result *u)
{
    struct query *q = arg;
    struct rt_answer a;
    if (q->fn && !q->r->dead) {
        rt_resolve_fn fn = q->fn;
        q->fn = NULL;
        take(q->r, q);
        from_result(&a, status, u);
        fn(q->ctx, &a);
        free_query(q);
    } else if (!q->fn) { /* cancelled while this was under way; not in the list any more */
        free_query(q);
    }
    ub_resolve_free(u);
}

static void destroy(struct rt_resolver *r)
{
    rt_poll_free(r->poll);
    /* first the context, with its thread: no callback comes after it */
    ub_ctx_delete(r->ub);
    while (r->open) {
        struct query *q = r->open;
        r->open = q->next;
        free_query(q);
    }
    free(r);
}

static void on_ready(void *ctx, int events)
{
    struct rt_resolver *r = ctx;
    r->inside = true;
    (void)ub_process(r->ub);
    r->inside = false;
    if (r->dead)
        destroy(r);
}

err rt_resolver_new(struct rt_loop *l, const struct rt_resolve_config *c, struct rt_resolver **out)
{
    struct rt_resolver *r = calloc(1, sizeof *r);
    err e = ERR_MEMORY;
    if (!r)
        return ERR_MEMORY;
    r->loop = l;
    r->timeout_us = c->timeout_us ? c->timeout_us : 10000000u;
    r->max = c->pending_max ? c->pending_max : 256;
    r->ub = ub_ctx_create();
    if (!r->ub)
        goto out;
    (void)ub_ctx_debugout(r->ub, NULL); /* it would write to stderr; what matters is in the answers */
    (void)ub_ctx_async(r->ub, 1);       /* a thread, no process */
    e = configure(r->ub, c);
    if (e != ERR_OK)
        goto out;
    e = ERR_MEMORY;
    r->poll = rt_poll_new(l, ub_fd(r->ub), on_ready, r);
    if (!r->poll)
        goto out;
    rt_poll_want(r->poll, RT_READABLE);
    *out = r;
    return ERR_OK;
out:
    if (r->ub)
        ub_ctx_delete(r->ub);
    free(r);
    return e;
}

void rt_resolver_free(struct rt_resolver *r)
{
    if (!r)
        return;
    r->dead = true;
    if (!r->inside)
        destroy(r);
}

/* Out of the list, nobody is called back; libunbound forgets it, or hands it to on_result() for the last time. */
static void abandon(struct query *q)
{
    struct rt_resolver *r = q->r;
    take(r, q);
    q->fn = NULL;
    rt_timer_free(q->timer);
    q->timer = NULL;
    if (ub_cancel(r->ub, q->async) == 0)
        free_query(q);
}

static void on_timeout(void *ctx)
{
    struct query *q = ctx;
    rt_resolve_fn fn = q->fn;
    void *fn_ctx = q->ctx;
    struct rt_answer a = {
        .err = ERR_TIMEOUT, .rcode = 2, .why_bogus = "", .canonical = "", .security = RT_DNS_INSECURE
    };
    abandon(q);
    fn(fn_ctx, &a);
}

err rt_resolve(struct rt_resolver *r, const char *name, int type, rt_resolve_fn fn, void *ctx, uint32_t *id)
{
    if (r->dead || r->n_open >= r->max)
        return ERR_FULL;
    struct query *q = calloc(1, sizeof *q);
    if (!q)
        return ERR_MEMORY;
    q->r = r;
    q->id = ++r->last_id;
    q->fn = fn;
    q->ctx = ctx;
    q->timer = rt_timer_new(r->loop, on_timeout, q);
    if (!q->timer) {
        free(q);
        return ERR_MEMORY;
    }
    if (ub_resolve_async(r->ub, name, type, 1, q, on_result, &q->async) != 0) {
        free_query(q);
        return ERR_MEMORY;
    }
    rt_timer_at(q->timer, rt_now_us() + r->timeout_us);
    q->next = r->open;
    r->open = q;
    r->n_open++;
    *id = q->id;
    return ERR_OK;
}

void rt_resolve_cancel(struct rt_resolver *r, uint32_t id)
{
    for (struct query *q = r->open; q; q = q->next)
        if (q->id == id) {
            abandon(q);
            return;
        }
}
