/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ifaces.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "hip/hit.h"

#define LINKS_MAX     64
#define ADDRS_MAX     128
#define DEFAULTS_MAX  64
#define NO_ROUTE_US   300000 /* an address without a default route of its link counts after this */
#define RANK_NONE     UINT32_MAX
#define IFNAME_LEN    16
#define PATTERN_LEN   32
#define PREFERRED_MAX 16

struct entry {
    struct rt_ifaddr a;
    uint64_t since_us;
};

struct host_ifaces {
    struct rt_loop *loop;
    struct rt_netlink *nl;
    struct rt_timer *timer;
    host_ifaces_fn fn;
    void *ctx;
    char names[PREFERRED_MAX][PATTERN_LEN];
    size_t n_names;
    char first[IFNAME_LEN]; /* preferred by command */
    unsigned except;
    struct rt_link link[LINKS_MAX];
    size_t n_link;
    struct entry addr[ADDRS_MAX];
    size_t n_addr;
    struct rt_route def[DEFAULTS_MAX]; /* default routes */
    size_t n_def;
    bool stale; /* routes may have gone with an address or a link, unreported */
    struct host_addr told[HOST_ADDRS_MAX];
    size_t n_told;
    bool told_once;
};

/* ---- what netlink says ---- */

static void on_link(struct host_ifaces *s, const struct rt_net_event *ev)
{
    size_t i = 0;

    while (i < s->n_link && s->link[i].index != ev->link.index)
        i++;
    if (ev->gone) {
        if (i < s->n_link)
            s->link[i] = s->link[--s->n_link];
        return;
    }
    if (i == s->n_link) {
        if (i == LINKS_MAX)
            return;
        s->n_link++;
    }
    s->link[i] = ev->link;
}

static void on_addr(struct host_ifaces *s, const struct rt_net_event *ev)
{
    size_t i = 0;

    while (i < s->n_addr &&
           (s->addr[i].a.index != ev->addr.index || !addr_same_ip(&s->addr[i].a.addr, &ev->addr.addr)))
        i++;
    if (ev->gone || !ev->addr.usable) {
        if (i < s->n_addr)
            s->addr[i] = s->addr[--s->n_addr];
        return;
    }
    if (i == s->n_addr) {
        if (i == ADDRS_MAX)
            return;
        s->n_addr++;
        s->addr[i].since_us = rt_now_us();
    }
    s->addr[i].a = ev->addr;
}

static void on_route(struct host_ifaces *s, const struct rt_net_event *ev)
{
    const struct rt_route *r = &ev->route;
    size_t i = 0;

    if (r->prefix_len != 0)
        return;
    while (i < s->n_def && (s->def[i].index != r->index || s->def[i].dst.family != r->dst.family ||
                            s->def[i].metric != r->metric || s->def[i].table != r->table ||
                            !addr_same_ip(&s->def[i].gateway, &r->gateway)))
        i++;
    if (ev->gone) {
        if (i < s->n_def)
            s->def[i] = s->def[--s->n_def];
        return;
    }
    if (i == s->n_def && i < DEFAULTS_MAX)
        s->n_def++;
    if (i < s->n_def)
        s->def[i] = *r;
}

static void on_event(void *ctx, const struct rt_net_event *ev)
{
    struct host_ifaces *s = ctx;

    if (ev->type != RT_NET_ROUTE && (ev->gone || ev->type == RT_NET_LINK))
        s->stale = true;
    if (ev->type == RT_NET_LINK)
        on_link(s, ev);
    else if (ev->type == RT_NET_ADDR)
        on_addr(s, ev);
    else
        on_route(s, ev);
    /* Looked at once the rest of what came with it is in. */
    rt_timer_at(s->timer, rt_now_us());
}

static void on_lost(void *ctx)
{
    struct host_ifaces *s = ctx;
    s->n_link = s->n_addr = s->n_def = 0;
}

static void on_route_again(void *ctx, const struct rt_net_event *ev)
{
    on_route(ctx, ev);
}

/* ---- what follows from it ---- */

static const struct rt_link *link_by_index(const struct host_ifaces *s, unsigned index)
{
    for (size_t i = 0; i < s->n_link; i++)
        if (s->link[i].index == index)
            return &s->link[i];
    return NULL;
}

static uint32_t rank_of(const struct host_ifaces *s, const struct rt_link *l)
{
    if (s->first[0] != '\0' && strcmp(s->first, l->name) == 0)
        return 0;
    for (size_t i = 0; i < s->n_names; i++)
        if (fnmatch(s->names[i], l->name, 0) == 0)
            return (uint32_t)i + 1;
    return s->n_names > 0 ? RANK_NONE : l->index;
}

static bool has_default(const struct host_ifaces *s, const struct rt_ifaddr *a)
{
    for (size_t i = 0; i < s->n_def; i++)
        if (s->def[i].index == a->index && s->def[i].dst.family == a->addr.family)
            return true;
    return false;
}

/* Some address of this family can leave its link. */
static bool others_have(const struct host_ifaces *s, enum addr_family family)
{
    for (size_t i = 0; i < s->n_addr; i++) {
        const struct rt_ifaddr *a = &s->addr[i].a;
        const struct rt_link *l = link_by_index(s, a->index);
        if (a->addr.family == family && l && l->up && l->running && a->index != s->except &&
            rank_of(s, l) != RANK_NONE && has_default(s, a))
            return true;
    }
    return false;
}

static bool usable_now(const struct host_ifaces *s, const struct entry *e, uint64_t now, uint64_t *again)
{
    const struct rt_link *l = link_by_index(s, e->a.index);
    struct hit h;

    if (l == NULL || !l->up || !l->running || e->a.index == s->except || rank_of(s, l) == RANK_NONE ||
        addr_is_loopback(&e->a.addr) || addr_is_link_local(&e->a.addr))
        return false;
    memcpy(h.b, e->a.addr.ip, sizeof(h.b));
    if (e->a.addr.family == ADDR_V6 && hit_is_valid(&h))
        return false;
    if (has_default(s, &e->a))
        return true;
    if (others_have(s, e->a.addr.family))
        return false; /* nobody beyond the link can be reached from it, and there is one from which they can */
    if (now - e->since_us >= NO_ROUTE_US)
        return true;
    if (e->since_us + NO_ROUTE_US < *again)
        *again = e->since_us + NO_ROUTE_US;
    return false;
}

static void evaluate(struct host_ifaces *s)
{
    struct host_addr v[HOST_ADDRS_MAX];
    size_t n = 0;
    uint64_t now = rt_now_us(), again = HEAP_NEVER;

    if (s->stale) {
        s->stale = false;
        s->n_def = 0;
        (void)!rt_netlink_dump_routes(s->nl, on_route_again, s);
    }
    memset(v, 0, sizeof(v));
    for (size_t i = 0; i < s->n_addr; i++) {
        struct host_addr a = { .addr = s->addr[i].a.addr, .link = s->addr[i].a.index };
        size_t at = n;
        if (!usable_now(s, &s->addr[i], now, &again))
            continue;
        a.rank = rank_of(s, link_by_index(s, a.link));
        /* Best first; the last is left out when there are too many. */
        while (at > 0 && v[at - 1].rank > a.rank)
            at--;
        if (at == HOST_ADDRS_MAX)
            continue;
        if (n < HOST_ADDRS_MAX)
            n++;
        memmove(&v[at + 1], &v[at], (n - at - 1) * sizeof(v[0]));
        v[at] = a;
    }
    rt_timer_at(s->timer, again);
    if (s->told_once && n == s->n_told && memcmp(v, s->told, n * sizeof(v[0])) == 0)
        return;
    s->told_once = true;
    s->n_told = n;
    memcpy(s->told, v, sizeof(v));
    s->fn(s->ctx, s->told, n);
}

static void on_timer(void *ctx)
{
    evaluate(ctx);
}

err host_ifaces_new(struct rt_loop *l, const char *const *names, size_t n_names, host_ifaces_fn fn, void *ctx,
                    struct host_ifaces **out)
{
    struct host_ifaces *s = calloc(1, sizeof(*s));
    err e = ERR_MEMORY;

    if (s == NULL)
        return e;
    s->loop = l;
    s->fn = fn;
    s->ctx = ctx;
    for (; s->n_names < n_names && s->n_names < PREFERRED_MAX; s->n_names++)
        strncpy(s->names[s->n_names], names[s->n_names], PATTERN_LEN - 1);
    s->timer = rt_timer_new(l, on_timer, s);
    if (s->timer != NULL)
        e = rt_netlink_open(l, on_event, on_lost, s, &s->nl);
    if (e) {
        host_ifaces_free(s);
        return e;
    }
    *out = s;
    return ERR_OK;
}

void host_ifaces_free(struct host_ifaces *s)
{
    if (s == NULL)
        return;
    rt_netlink_close(s->nl);
    rt_timer_free(s->timer);
    free(s);
}

struct rt_netlink *host_ifaces_netlink(struct host_ifaces *s)
{
    return s->nl;
}

err host_ifaces_start(struct host_ifaces *s, unsigned except)
{
    err e;

    s->except = except;
    on_lost(s);
    e = rt_netlink_dump(s->nl, on_event, s);
    if (e)
        return e;
    /* What was there before us is settled. */
    for (size_t i = 0; i < s->n_addr; i++)
        s->addr[i].since_us = 0;
    evaluate(s);
    return ERR_OK;
}

err host_ifaces_prefer(struct host_ifaces *s, const char *name)
{
    size_t i = 0;

    if (name == NULL || name[0] == '\0') {
        s->first[0] = '\0';
        evaluate(s);
        return ERR_OK;
    }
    while (i < s->n_link && strcmp(s->link[i].name, name) != 0)
        i++;
    if (i == s->n_link || s->link[i].index == s->except)
        return ERR_NOT_FOUND;
    memcpy(s->first, s->link[i].name, IFNAME_LEN);
    evaluate(s);
    return ERR_OK;
}

unsigned host_ifaces_of(const struct host_ifaces *s, const struct addr *a)
{
    for (size_t i = 0; i < s->n_addr; i++)
        if (addr_same_ip(&s->addr[i].a.addr, a))
            return s->addr[i].a.index;
    return 0;
}

const char *host_ifaces_name(const struct host_ifaces *s, unsigned index)
{
    const struct rt_link *l = link_by_index(s, index);
    return l ? l->name : "";
}
