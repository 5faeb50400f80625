/* SPDX-License-Identifier: Apache-2.0 */
#include "host/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rt/sockdiag.h"
#include "hip/esp/beet4.h"
#include "host/socks.h"

#define WALL_US      60000000 /* wall clock told again */
#define STOP_US      1000000  /* longest good-bye */
#define STOP_LOOK_US 20000
/* A packet between LSIs is that much longer between HITs, where the peer's answer must fit as well: its stack may give it in IPv6. */
#define LSI_HEAD_DIFF (BEET_HEAD - BEET4_HEAD)

struct host_worker {
    struct rt_loop *loop;
    struct env env;
    const struct host_settings *settings;
    struct host *core;
    struct host_data *data;
    struct host_ifaces *ifaces;
    struct host_tun *tun;
    struct host_lsis *lsis; /* NULL: applications have HITs alone; so are the next two */
    struct host_v4 *v4;
    struct rt_sockdiag *sockdiag;
    struct host_jobs *jobs;
    struct host_socks *socks;
    struct rt_timer *timer, *wall, *stop;
    struct usim_pcsc *readers;
    struct host_events *events;
    bool has_card, started, acting;
    uint64_t stop_at_us;
    void (*stopped)(void *ctx);
    void *stopped_ctx;
    host_resolved_fn stub, ctl;
    void *stub_ctx, *ctl_ctx;
    struct host_worker_count count;
    struct host_actions acts;
};

/* ---- actions carried out ---- */

/* The link that has the source address, whatever the routing table would say: two accesses, two default routes. */
static unsigned link_of(const struct host_worker *w, const struct hip_path *path)
{
    return host_ifaces_of(w->ifaces, &path->local);
}

static void log_event(struct host_worker *w, const struct host_action *a)
{
    host_events_add(w->events, a, rt_wall_s());
    log_at(&w->env.log, a->event.level, host_event_name(a->event.what), "%s", a->event.text);
}

static void set_address(struct host_worker *w, const struct hit *hit, bool add)
{
    char text[HIT_TEXT_MAX];
    err e = host_tun_addr(w->tun, hit, add);

    if (w->v4)
        host_v4_identity(w->v4, hit, add);
    if (e)
        log_at(&w->env.log, LOG_LV_ERROR, "tun", "%s %s: %s", add ? "add" : "remove", hit_format(hit, text),
               err_text(e));
    else
        log_at(&w->env.log, LOG_LV_NOTICE, "tun", "%s is %s", hit_format(hit, text),
               add ? "ours" : "no longer ours");
}

static void act_one(struct host_worker *w, const struct host_action *a, uint64_t now)
{
    switch (a->type) {
    case HOST_ACT_SEND:
        w->count.hip_out++;
        if (!host_socks_hip(w->socks, &a->send.path, link_of(w, &a->send.path), a->send.octets))
            w->count.send_failed++;
        break;
    case HOST_ACT_ICMP:
        if (!host_socks_icmp(w->socks, &a->send.path, link_of(w, &a->send.path), a->send.octets))
            w->count.send_failed++;
        break;
    case HOST_ACT_SA_UP:
        host_data_up(w->data, a->ref, &a->local, &a->peer, a->sa.in, a->sa.out, &a->sa.path, now);
        break;
    case HOST_ACT_SA_PATH:
        host_data_path(w->data, &a->local, &a->peer, &a->path.to, a->path.unverified, a->path.credit, now);
        break;
    case HOST_ACT_SA_DOWN:
        host_data_down(w->data, &a->local, &a->peer);
        break;
    case HOST_ACT_ID_UP:
        set_address(w, &a->local, true);
        break;
    case HOST_ACT_ID_DOWN:
        set_address(w, &a->local, false);
        break;
    case HOST_ACT_UNREACHABLE:
        host_data_unreachable(w->data, &a->peer, now);
        break;
    case HOST_ACT_PROBED:
        w->ctl(w->ctl_ctx, a);
        break;
    case HOST_ACT_RESOLVED:
        if (a->resolved.ticket & HOST_TICKET_CTL)
            w->ctl(w->ctl_ctx, a);
        else
            w->stub(w->stub_ctx, a);
        break;
    case HOST_ACT_JOB:
        w->count.jobs++;
        host_jobs_start(w->jobs, &a->job);
        break;
    case HOST_ACT_EVENT:
        log_event(w, a);
        break;
    }
}

/* After every call into host/core. Nothing done here calls into it again: what is borrowed in the actions stays whole. */
static void act(struct host_worker *w, uint64_t now)
{
    if (w->acting)
        abort();
    w->acting = true;
    for (size_t i = 0; i < w->acts.n; i++)
        act_one(w, &w->acts.v[i], now);
    host_actions_reset(&w->acts);
    w->acting = false;
    rt_timer_at(w->timer, host_deadline(w->core));
}

/* ---- what comes in ---- */

static void on_hip(void *ctx, const struct hip_path *path, struct span octets)
{
    struct host_worker *w = ctx;
    uint64_t now = rt_now_us();

    w->count.hip_in++;
    if (host_input(w->core, path, octets, now, &w->acts) != 0)
        w->count.hip_dropped++;
    act(w, now);
}

static void on_esp(void *ctx, const struct beet_outer *outer, struct span octets)
{
    struct host_worker *w = ctx;
    host_data_from_net(w->data, outer, octets, rt_now_us());
}

static void on_app(void *ctx, uint8_t *packet, size_t len)
{
    struct host_worker *w = ctx;
    host_data_from_app(w->data, packet, len, rt_now_us());
}

static void on_timer(void *ctx)
{
    struct host_worker *w = ctx;
    uint64_t now = rt_now_us();

    host_timeout(w->core, now, &w->acts);
    act(w, now);
}

static void on_wall(void *ctx)
{
    struct host_worker *w = ctx;
    uint64_t now = rt_now_us();

    host_wall(w->core, rt_wall_s(), now);
    rt_timer_at(w->wall, now + WALL_US);
}

static void on_addresses(void *ctx, const struct host_addr *v, size_t n)
{
    struct host_worker *w = ctx;
    uint64_t now = rt_now_us();
    char text[ADDR_TEXT_MAX];

    if (!w->started)
        return;
    for (size_t i = 0; i < n; i++)
        log_at(&w->env.log, LOG_LV_INFO, "net", "address %zu of %zu: %s on %s, rank %u", i + 1, n,
               addr_format(&v[i].addr, text), host_ifaces_name(w->ifaces, v[i].link), v[i].rank);
    if (n == 0)
        log_at(&w->env.log, LOG_LV_NOTICE, "net", "no address");
    host_addresses(w->core, v, n, now, &w->acts);
    act(w, now);
}

static void on_job(void *ctx, const struct host_result *r)
{
    struct host_worker *w = ctx;
    uint64_t now = rt_now_us();

    host_complete(w->core, r, now, &w->acts);
    act(w, now);
    /* One came while those there were asked in vain. */
    if (w->readers != NULL && usim_pcsc_more(w->readers)) {
        host_sim(w->core, true, now, &w->acts);
        act(w, now);
    }
}

static void on_card(void *ctx, bool present)
{
    struct host_worker *w = ctx;
    uint64_t now = rt_now_us();

    host_sim(w->core, present, now, &w->acts);
    act(w, now);
}

/* ---- the data plane's way out ---- */

static void esp_out(void *ctx, const struct hip_path *path, const struct beet_outer *outer,
                    struct span octets)
{
    struct host_worker *w = ctx;
    if (!host_socks_esp(w->socks, path, link_of(w, path), outer, octets))
        w->count.send_failed++;
}

static unsigned path_mtu(void *ctx, const struct hip_path *path)
{
    struct host_worker *w = ctx;
    return w->settings->fragment ? 0 : rt_path_mtu(&path->local, &path->peer, link_of(w, path));
}

static void app_out(void *ctx, const uint8_t *packet, size_t len)
{
    struct host_worker *w = ctx;
    host_tun_write(w->tun, packet, len);
}

static bool takes(void *ctx, uint8_t proto, const struct addr *local, const struct addr *peer)
{
    struct host_worker *w = ctx;
    return rt_sockdiag_takes(w->sockdiag, proto, local, peer, host_tun_index(w->tun));
}

static void want(void *ctx, const struct hit *peer)
{
    struct host_worker *w = ctx;
    uint64_t now = rt_now_us();

    host_want(w->core, peer, now, &w->acts);
    act(w, now);
}

static void used(void *ctx, struct hip_ref ref, uint64_t octets, uint64_t sent_us)
{
    struct host_worker *w = ctx;
    uint64_t now = rt_now_us();

    host_sa_used(w->core, ref, octets, sent_us, now, &w->acts);
    act(w, now);
}

static void silent(void *ctx, struct hip_ref ref, uint64_t us)
{
    struct host_worker *w = ctx;
    uint64_t now = rt_now_us();

    host_sa_silent(w->core, ref, us, now, &w->acts);
    act(w, now);
}

static void due(void *ctx, struct hip_ref ref)
{
    struct host_worker *w = ctx;
    uint64_t now = rt_now_us();

    host_sa_due(w->core, ref, now, &w->acts);
    act(w, now);
}

static void rekeyed(void *ctx, struct hip_ref ref, uint32_t spi)
{
    struct host_worker *w = ctx;
    uint64_t now = rt_now_us();

    host_sa_rekeyed(w->core, ref, spi, now, &w->acts);
    act(w, now);
}

/* ---- opening and closing ---- */

static err open_sockets(struct host_worker *w, char *why)
{
    const enum host_nat nat = w->settings->core.nat;
    const struct host_socks_conf c = { .ctx = w,
                                       .hip = on_hip,
                                       .esp = on_esp,
                                       .fragment = w->settings->fragment,
                                       .udp = nat != HOST_NAT_OFF,
                                       .port = w->settings->udp_port,
                                       .no_raw = nat == HOST_NAT_ALWAYS };
    char socks_why[HOST_SOCKS_WHY_MAX];
    err e = host_socks_open(w->loop, &w->env, &c, &w->socks, socks_why);

    if (e)
        (void)snprintf(why, HOST_WORKER_WHY_MAX, "%s", socks_why);
    else if (c.udp && host_socks_port(w->socks) != c.port)
        log_at(&w->env.log, LOG_LV_NOTICE, "net", "UDP port %u", host_socks_port(w->socks));
    return e;
}

static err open_core(struct host_worker *w, const struct host_worker_parts *p)
{
    const struct host_data_io io = {
        .ctx = w,
        .esp_out = esp_out,
        .app_out = app_out,
        .want = want,
        .silent = silent,
        .used = used,
        .due = due,
        .rekeyed = rekeyed,
        .path_mtu = path_mtu,
    };
    struct host_config c = p->settings->core;

    c.env = &w->env;
    c.hi = p->hi;
    c.udp_port = host_socks_port(w->socks);
    w->core = host_new(&c);
    w->data = host_data_new(&w->env, &io, &p->settings->rekey);
    w->jobs = host_jobs_new(w->loop, p->settings->state, p->card,
                            p->readers ? usim_pcsc_lane(p->readers) : NULL, p->resolve, on_job, w);
    w->events = host_events_new();
    w->timer = rt_timer_new(w->loop, on_timer, w);
    w->wall = rt_timer_new(w->loop, on_wall, w);
    return w->core && w->data && w->jobs && w->events && w->timer && w->wall ? ERR_OK : ERR_MEMORY;
}

static err open_tun(struct host_worker *w, char *why)
{
    const struct host_settings *s = w->settings;
    char tun_why[HOST_TUN_WHY_MAX] = "";
    err e = host_tun_open(w->loop, host_ifaces_netlink(w->ifaces), s->tun_name, s->tun_mtu, on_app, w,
                          &w->tun, tun_why);

    if (e == ERR_OK && w->lsis) {
        struct addr own = host_lsi_own(w->lsis);
        e = host_tun_lsi(w->tun, &own, &s->lsi_prefix, s->lsi_bits, s->tun_mtu - LSI_HEAD_DIFF, tun_why);
    }
    if (e)
        (void)snprintf(why, HOST_WORKER_WHY_MAX, "%s", tun_why);
    return e;
}

/* What applications that know only IPv4 need. */
static err open_v4(struct host_worker *w, const struct host_worker_parts *p, char *why)
{
    const struct host_v4_io io = { .ctx = w, .app_out = app_out, .takes = takes };
    struct host_lsi_conf c = { .prefix = w->settings->lsi_prefix, .bits = w->settings->lsi_bits };
    err e;

    if (!w->settings->lsi)
        return ERR_OK;
    e = rt_sockdiag_open(&w->sockdiag);
    if (e) {
        (void)snprintf(why, HOST_WORKER_WHY_MAX,
                       "lsi: the kernel does not tell of sockets (NETLINK_SOCK_DIAG): %s", err_text(e));
        return e;
    }
    memcpy(c.key, p->lsi_key, sizeof(c.key));
    env_random(&w->env, c.seed, sizeof(c.seed));
    w->lsis = host_lsis_new(&c);
    w->v4 = w->lsis ? host_v4_new(&w->env, &io, w->lsis, w->settings->lsi_options) : NULL;
    if (w->v4 == NULL)
        return ERR_MEMORY;
    host_data_v4(w->data, w->v4);
    return ERR_OK;
}

err host_worker_new(const struct host_worker_parts *p, struct host_worker **out,
                    char why[HOST_WORKER_WHY_MAX])
{
    struct host_worker *w = calloc(1, sizeof(*w));
    err e = ERR_MEMORY;

    (void)snprintf(why, HOST_WORKER_WHY_MAX, "out of memory");
    if (w == NULL)
        return e;
    w->loop = p->loop;
    w->env = *p->env;
    w->settings = p->settings;
    w->has_card = p->card != NULL;
    w->readers = p->readers;
    e = open_sockets(w, why);
    if (e)
        goto fail;
    e = open_core(w, p);
    if (e == ERR_OK)
        e = open_v4(w, p, why);
    if (e)
        goto fail;
    e = host_ifaces_new(w->loop, p->settings->iface, p->settings->n_iface, on_addresses, w, &w->ifaces);
    if (e) {
        (void)snprintf(why, HOST_WORKER_WHY_MAX, "netlink: %s", err_text(e));
        goto fail;
    }
    e = open_tun(w, why);
    if (e)
        goto fail;
    *out = w;
    return ERR_OK;
fail:
    host_worker_free(w);
    return e;
}

void host_worker_free(struct host_worker *w)
{
    if (w == NULL)
        return;
    host_jobs_free(w->jobs);
    rt_timer_free(w->timer);
    rt_timer_free(w->wall);
    rt_timer_free(w->stop);
    host_socks_close(w->socks);
    host_tun_close(w->tun);
    host_ifaces_free(w->ifaces);
    host_data_free(w->data);
    host_v4_free(w->v4);
    host_lsis_free(w->lsis);
    rt_sockdiag_close(w->sockdiag);
    host_free(w->core);
    host_events_free(w->events);
    free(w);
}

void host_worker_start(struct host_worker *w)
{
    uint64_t now = rt_now_us();

    w->started = true;
    host_start(w->core, rt_wall_s(), now, &w->acts);
    act(w, now);
    rt_timer_at(w->wall, now + WALL_US);
    if (host_ifaces_start(w->ifaces, host_tun_index(w->tun)))
        log_at(&w->env.log, LOG_LV_ERROR, "net", "addresses cannot be listed");
    if (w->readers != NULL) {
        usim_pcsc_start(w->readers, on_card, w);
    } else if (w->has_card) {
        host_sim(w->core, true, now, &w->acts);
        act(w, now);
    }
}

/* ---- the end ---- */

static bool nobody_left(const struct host_worker *w)
{
    struct hip_assoc_view v;
    size_t pos = 0;

    while (hip_assoc_next(host_engine(w->core), &pos, &v))
        if (!v.gone && (v.state == HIP_CLOSING || v.state == HIP_ESTABLISHED))
            return false;
    return true;
}

static void on_stop(void *ctx)
{
    struct host_worker *w = ctx;
    uint64_t now = rt_now_us();

    if (now >= w->stop_at_us || nobody_left(w))
        w->stopped(w->stopped_ctx);
    else
        rt_timer_at(w->stop, now + STOP_LOOK_US);
}

void host_worker_stop(struct host_worker *w, void (*stopped)(void *ctx), void *ctx)
{
    uint64_t now = rt_now_us();

    if (w->stop != NULL)
        return;
    w->stopped = stopped;
    w->stopped_ctx = ctx;
    w->stop_at_us = now + STOP_US;
    w->stop = rt_timer_new(w->loop, on_stop, w);
    host_stop(w->core, now, &w->acts);
    act(w, now);
    if (w->stop == NULL)
        stopped(ctx);
    else
        rt_timer_at(w->stop, now);
}

/* ---- the rest ---- */

void host_worker_resolved(struct host_worker *w, host_resolved_fn stub, void *stub_ctx, host_resolved_fn ctl,
                          void *ctl_ctx)
{
    w->stub = stub;
    w->stub_ctx = stub_ctx;
    w->ctl = ctl;
    w->ctl_ctx = ctl_ctx;
}

void host_worker_resolve(struct host_worker *w, const struct dnsu_name *name, uint64_t ticket)
{
    uint64_t now = rt_now_us();

    host_resolve(w->core, name, ticket, now, &w->acts);
    act(w, now);
}

void host_worker_ping(struct host_worker *w, const struct hit *peer, uint64_t ticket)
{
    uint64_t now = rt_now_us();

    host_ping(w->core, peer, ticket, now, &w->acts);
    act(w, now);
}

void host_worker_retry(struct host_worker *w)
{
    uint64_t now = rt_now_us();

    host_retry(w->core, now, &w->acts);
    act(w, now);
}

err host_worker_take_over(struct host_worker *w, const uint8_t *secret)
{
    uint64_t now = rt_now_us();
    err e = host_take_over(w->core, secret, now, &w->acts);

    if (!e)
        act(w, now);
    return e;
}

struct host *host_worker_core(struct host_worker *w)
{
    return w->core;
}

const struct host_events *host_worker_events(const struct host_worker *w)
{
    return w->events;
}

struct host_data *host_worker_data(struct host_worker *w)
{
    return w->data;
}

struct host_lsis *host_worker_lsis(struct host_worker *w)
{
    return w->lsis;
}

bool host_worker_lsi(struct host_worker *w, const struct hit *hit, struct addr *out)
{
    uint64_t now = rt_now_us();
    struct host_status me;

    if (w->lsis == NULL)
        return false;
    host_status(w->core, now, &me);
    if (me.has_hit && hit_eq(&me.hit, hit)) {
        *out = host_lsi_own(w->lsis);
        return true;
    }
    return host_lsi_give(w->lsis, hit, now, out) == ERR_OK;
}

const struct host_v4 *host_worker_v4(const struct host_worker *w)
{
    return w->v4;
}

struct host_ifaces *host_worker_ifaces(struct host_worker *w)
{
    return w->ifaces;
}

struct host_worker_count host_worker_count(const struct host_worker *w)
{
    return w->count;
}
