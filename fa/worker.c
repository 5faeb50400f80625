/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/worker_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/htab.h"
#include "dnsupd/name.h"
#include "fa/as_radius.h"
#include "fa/carrier_raw.h"
#include "hip/drop.h"
#include "hip/proto.h"

#define SAID_S          10
#define R1_RESERVE_LEFT 1024
#define WALL_US         60000000 /* wall clock told again */

/* ---- actions ---- */

void worker_complete(struct worker *w, const struct fa_result *r)
{
    if (w->closing)
        return;
    fa_actions_reset(w->acts);
    fa_complete(w->fa, r, rt_now_us(), w->acts);
    worker_carry_out(w);
}

/* The wall clock may be set at any time. */
static void on_wall(void *ctx)
{
    struct worker *w = ctx;
    uint64_t now = rt_now_us();
    fa_wall(w->fa, rt_wall_s(), now);
    rt_timer_at(w->wall, now + WALL_US);
}

static void send_packet(struct worker *w, const struct hip_path *path, struct span octets)
{
    const struct carrier *c = path->peer.port ? &w->udp : &w->raw;
    err e = c->ops ? c->ops->send(c->ctx, path, octets) : ERR_UNSUPPORTED;
    if (e != ERR_OK)
        log_at(&w->c.env->log, LOG_LV_DEBUG, "io", "packet not sent: %s", err_text(e));
}

static void send_icmp(struct worker *w, const struct hip_path *path, struct span octets)
{
    const struct carrier *c = &w->raw;
    err e = c->ops && c->ops->icmp ? c->ops->icmp(c->ctx, path, octets) : ERR_UNSUPPORTED;
    if (e != ERR_OK)
        log_at(&w->c.env->log, LOG_LV_DEBUG, "io", "ICMP not sent: %s", err_text(e));
}

static void open_port(struct worker *w, const struct addr *port)
{
    const struct worker_peers *p = w->c.peers;
    err e = w->ports ? carrier_udp_port_open(w->ports, port) : ERR_UNSUPPORTED;
    if (e == ERR_OK) {
        if (p)
            p->port(p->ctx, p->index, port->port, true);
        return;
    }
    log_at(&w->c.env->log, LOG_LV_WARN, "io", "relayed port %u not opened: %s", port->port, err_text(e));
    w->port_failed[w->n_port_failed++] = *port;
}

static void close_port(struct worker *w, uint16_t port)
{
    const struct worker_peers *p = w->c.peers;
    if (!w->ports)
        return;
    carrier_udp_port_close(w->ports, port);
    if (p)
        p->port(p->ctx, p->index, port, false);
}

/* What the other workers may know of a registration. */
static void publish(struct worker *w, bool up, const struct fa_registration *r)
{
    const struct worker_peers *p = w->c.peers;
    struct fa_dir_entry e = {
        .hit = r->hit, .local = r->path.local, .peer = r->path.peer, .expires_us = r->expires_us
    };
    if (!p)
        return;
    e.owner = (uint16_t)p->index;
    for (uint8_t i = 0; i < r->n; i++)
        e.kinds |= r->type[i] == FA_REG_RENDEZVOUS  ? FA_DIR_RENDEZVOUS
                   : r->type[i] == FA_REG_RELAY_HIP ? FA_DIR_CONTROL
                   : r->type[i] == FA_REG_RELAY_ESP ? FA_DIR_DATA
                                                    : 0;
    if (!up)
        fa_directory_del(p->directory, e.owner, &r->hit);
    else if (fa_directory_put(p->directory, &e) != ERR_OK)
        log_at(&w->c.env->log, LOG_LV_WARN, "fa", "the directory of registrations is full");
}

/* What the last call into the engine left in w->acts. */
static void carry_out_list(struct worker *w)
{
    for (size_t i = 0; i < w->acts->n; i++) {
        const struct fa_action *a = &w->acts->v[i];
        switch (a->type) {
        case FA_ACT_SEND:
            send_packet(w, &a->send.path, a->send.octets);
            break;
        case FA_ACT_ICMP:
            send_icmp(w, &a->send.path, a->send.octets);
            break;
        case FA_ACT_JOB:
            worker_job_start(w, a->job);
            break;
        case FA_ACT_REG_UP:
            publish(w, true, &a->reg);
            event_registration(&w->events, true, &a->reg);
            break;
        case FA_ACT_REG_DOWN:
            publish(w, false, &a->reg);
            event_registration(&w->events, false, &a->reg);
            break;
        case FA_ACT_EVENT:
            event_write(&w->events, &a->event);
            break;
        case FA_ACT_SESSION:
            acct_way_session(&w->c.acct, &a->session);
            break;
        case FA_ACT_TELL: /* not associated here; with one worker nowhere */
            if (w->c.peers)
                w->c.peers->tell(w->c.peers->ctx, &a->tell);
            break;
        case FA_ACT_PORT_OPEN:
            open_port(w, &a->port);
            break;
        case FA_ACT_PORT_CLOSE:
            close_port(w, a->port.port);
            break;
        }
    }
    fa_actions_reset(w->acts);
}

/* The same, what follows from ports that could not be opened, and then the next deadline. */
void worker_carry_out(struct worker *w)
{
    carry_out_list(w);
    while (w->n_port_failed) {
        struct addr port = w->port_failed[--w->n_port_failed];
        fa_port_failed(w->fa, &port, rt_now_us(), w->acts);
        carry_out_list(w);
    }
    rt_timer_at(w->timer, fa_deadline(w->fa));
}

/* ---- packets ---- */

/* Whose this packet is. The kernel steers by the receiver's HIT; but what a client of the control relay sends to its peer by RELAY_TO is the
 * client's worker's, if there is such a client. */
static unsigned owner_of(const struct worker_peers *p, const struct hip_path *path, struct span octets)
{
    struct hit from, to;
    struct addr dest;
    struct fa_dir_entry e;
    bool check;
    unsigned owner = fa_steer_hip(&p->steer, octets);
    if (octets.n < HIP_HEADER_LEN || path->local.port == 0)
        return owner;
    memcpy(from.b, octets.p + 8, sizeof from.b); /* RFC 7401 s5.1 */
    memcpy(to.b, octets.p + 24, sizeof to.b);
    if (!fa_steer_ours(&p->steer, &to) && hip_relay_wants(octets, &dest, &check) == HIP_TAKEN &&
        !addr_eq(&dest, &path->local) && fa_directory_find(p->directory, &from, rt_now_us(), &e) &&
        addr_eq(&e.peer, &path->peer))
        owner = e.owner;
    return owner;
}

static void on_packet(void *ctx, const struct hip_path *path, struct span octets)
{
    struct worker *w = ctx;
    const struct worker_peers *p = w->c.peers;
    unsigned to = p ? owner_of(p, path, octets) : 0;
    if (!p || to == p->index) {
        worker_packet(w, path, octets);
        return;
    }
    if (p->packet(p->ctx, to, path, octets))
        w->handed_over++;
    else
        w->handed_lost++;
}

void worker_packet(struct worker *w, const struct hip_path *path, struct span octets)
{
    fa_actions_reset(w->acts);
    (void)fa_input(w->fa, path, octets, rt_now_us(), w->acts); /* the drop reason is counted */
    worker_carry_out(w);
}

void worker_tell(struct worker *w, const struct fa_tell *x)
{
    fa_actions_reset(w->acts);
    fa_tell(w->fa, x, rt_now_us(), w->acts);
    worker_carry_out(w);
}

static void on_relayed(void *ctx, const struct hip_path *path, struct span octets)
{
    struct worker *w = ctx;
    fa_actions_reset(w->acts);
    (void)fa_relayed_input(w->fa, path, octets, rt_now_us(), w->acts);
    worker_carry_out(w);
}

/* ---- generation counter of R1 ---- */

struct r1_more {
    struct worker *w;
    err err;
    uint64_t first;
};

static void r1_run(void *arg)
{
    struct r1_more *m = arg;
    const struct store *s = &m->w->c.store;
    m->err = s->ops->r1_reserve(s->ctx, m->w->c.identity->hit.b, WORKER_R1_BLOCK, &m->first);
}

static void r1_done(void *arg, bool ran)
{
    struct r1_more *m = arg;
    struct worker *w = m->w;
    w->r1_asked = false;
    if (ran && m->err == ERR_OK)
        w->c.r1_counter_end = m->first + WORKER_R1_BLOCK;
    free(m);
}

/* The engine counts on by itself; what the store has written down must stay ahead of it. */
static void r1_watch(struct worker *w)
{
    if (w->r1_asked ||
        hip_identity_r1_counter(fa_hip(w->fa), &w->c.identity->hit) + R1_RESERVE_LEFT < w->c.r1_counter_end)
        return;
    struct r1_more *m = calloc(1, sizeof *m);
    if (!m)
        return; /* the next timeout tries again */
    m->w = w;
    w->r1_asked = rt_work_submit(w->store_work, r1_run, r1_done, m) == ERR_OK;
    if (!w->r1_asked)
        free(m);
}

static void on_timer(void *ctx)
{
    struct worker *w = ctx;
    fa_actions_reset(w->acts);
    fa_timeout(w->fa, rt_now_us(), w->acts);
    worker_carry_out(w);
    r1_watch(w);
}

/* ---- making and ending ---- */

static void on_as(void *ctx, const struct fa_result *r)
{
    worker_complete(ctx, r);
}

static void on_hlr(void *ctx, const struct fa_result *r)
{
    worker_complete(ctx, r);
}

void worker_audit(struct worker *w, bool alarm, const char *what)
{
    struct fa_job job = { .type = FA_JOB_AUDIT, .audit = { .alarm = alarm } };
    if (w->closing)
        return;
    snprintf(job.audit.what, sizeof job.audit.what, "%s", what);
    worker_job_start(w, &job);
}

/* For `hipctl events`; each worker has a connection of its own, the first one's tells. */
static void on_hlr_told(void *ctx, const char *hlr, const char *what)
{
    struct worker *w = ctx;
    char text[FA_TEXT_MAX];
    if (w->c.peers && w->c.peers->index != 0)
        return;
    snprintf(text, sizeof text, "HLR %s %s", hlr, what);
    worker_audit(w, false, text);
}

/* Has another worker written this line within the last ten seconds? If not, it is written now. */
static bool said_lately(struct worker *w, const char *text)
{
    if (!w->c.peers)
        return false;
    uint64_t h = siphash24(w->c.log_key, span_str(text));
    uint32_t now = (uint32_t)(rt_now_us() / 1000000);
    _Atomic uint64_t *slot = &w->c.peers->said->slot[h % 64];
    uint64_t was = atomic_load(slot), is = (h & ~(uint64_t)UINT32_MAX) | now;
    bool fresh = was >> 32 == h >> 32 && now - (uint32_t)was < SAID_S;
    return fresh || !atomic_compare_exchange_strong(slot, &was, is); /* lost against one who writes it */
}

/* In the log, and in the audit trail for `hipctl events`. */
static void on_as_told(void *ctx, uint16_t realm, const struct as_server *s, bool there, const char *why)
{
    struct worker *w = ctx;
    const char *name = w->c.settings->realm[realm].realm;
    struct as_server_view v;
    char at[ADDR_TEXT_MAX], text[FA_TEXT_MAX];
    as_server_look(s, &v);
    addr_format(&v.address, at);
    if (there)
        log_at(&w->c.env->log, LOG_LV_NOTICE, "as", "event=as_back realm=%s server=%s", name, at);
    else
        log_at(&w->c.env->log, LOG_LV_WARN, "as", "event=as_lost realm=%s server=%s reason=\"%s\"", name, at,
               why);
    snprintf(text, sizeof text, "authentication server %s of %s: %s%s", at, name,
             there ? "answers again" : "", why);
    if (!said_lately(w, text))
        worker_audit(w, false, text);
}

static void on_dns(void *ctx, const struct fa_result *r)
{
    worker_complete(ctx, r);
}

/* A limit for all of us as one for each. */
static uint32_t part(const struct worker_config *c, uint32_t all)
{
    unsigned n = c->peers ? c->peers->steer.workers : 1;
    return (all + n - 1) / n;
}

static struct fa *make_engine(const struct worker_config *c)
{
    const struct fa_settings *s = c->settings;
    bool first = !c->peers || c->peers->index == 0; /* the one that keeps the own name */
    struct fa_config f = {
        .env = c->env,
        .hip = { .assoc_max = part(c, s->assoc_max),
                 .null_encrypt = s->suites.null_encrypt,
                 .rsa_bits_min = s->suites.rsa_bits_min,
                 .refuse_dsa = s->suites.refuse_dsa,
                 .esp_suites = { 8, 13, 9, 12, 11,
                                 10 }, /* all that encrypt: a host may have but one (RFC 7402 s5.1.2) */
                 .relay_server = s->udp_port != 0,
                 .tell = true,
                 .puzzle_k = s->puzzle_k,
                 .r1_per_source_milli = part(c, s->r1_per_second * 1000) },
        .n_addr = s->own_records && first ? s->n_addr : 0,
        .ttl_s = s->ttl_s,
        .realms = s->realm,
        .n_realms = s->n_realms,
        .allow_eap_aka = s->allow_eap_aka,
        .allow = s->allow,
        .n_allow = s->n_allow,
        .ca = c->ca,
        .n_cert_type = s->n_cert_type,
        .reserved = s->reserved,
        .n_reserved = s->n_reserved,
        .own_names_only = s->own_names_only,
        .n_partner = s->n_partner,
        .by_zone = s->by_zone,
        .reauth_on_access = s->reauth_on_access,
        .access_prefix = s->access_prefix,
        .reauth_s = s->reauth_s,
        .sim_binding = s->n_realms > 0,
        .reg_required = s->reg_required,
        .reg_min_s = s->reg_min_s,
        .reg_max_s = s->reg_max_s,
        .binding_s = s->binding_s,
        .binding_max_s = s->binding_max_s,
        .takeover_hold_s = s->takeover_hold_s,
        .registrations_max = part(c, s->registrations_max),
        .runs_max = part(c, s->runs_max),
        .runs_per_source = part(c, s->runs_per_source),
        .runs_per_identity = part(c, s->runs_per_identity),
        .identity_pause_s = s->identity_pause_s,
        .account_s = c->acct.acct ? s->interim_s : 0,
        .new_runs_per_minute_and_source = part(c, s->new_runs_per_minute),
        .locks = c->peers ? c->peers->locks : NULL,
        .lock_owner = c->peers ? c->peers->index : 0,
    };
    memcpy(f.hip.dh_groups, s->suites.dh_groups, sizeof f.hip.dh_groups);
    memcpy(f.hip.ciphers, s->suites.ciphers, sizeof f.hip.ciphers);
    memcpy(f.hip.hit_suites, s->suites.hit_suites, sizeof f.hip.hit_suites);
    fa_settings_relay(s, &f.relay);
    struct dnsu_name own;
    if (s->say_name && dnsu_name_from_text(s->name, &own) == ERR_OK)
        f.hip.di = (struct hip_domain_id){ HIP_DI_FQDN, dnsu_name_span(&own) };
    memcpy(f.name, s->name, sizeof f.name);
    memcpy(f.domain, s->domain, sizeof f.domain);
    memcpy(f.cert_type, s->cert_type, sizeof f.cert_type);
    memcpy(f.addr, s->addr, sizeof f.addr);
    memcpy(f.partner, s->partner, sizeof f.partner);
    if (c->peers) {
        f.relay.flows = c->peers->flows;
        f.relay.share = c->peers->index;
        f.relay.shares = c->peers->steer.workers;
        f.relay.i1_per_source_milli = part(c, f.relay.i1_per_source_milli);
    }
    return fa_new(&f);
}

static err open_carriers(struct worker *w)
{
    bool want4 = false, want6 = false;
    for (uint8_t i = 0; i < w->c.settings->n_addr; i++) {
        want4 |= w->c.settings->addr[i].family == ADDR_V4;
        want6 |= w->c.settings->addr[i].family == ADDR_V6;
    }
    const struct worker_peers *p = w->c.peers;
    err e = carrier_raw_open(w->c.loop, want4, want6, p ? &p->steer : NULL, p ? p->index : 0, on_packet, w,
                             &w->raw);
    if (e == ERR_OK && w->c.settings->udp_port)
        e = carrier_udp_open(&(struct carrier_udp_config){ .loop = w->c.loop,
                                                           .v4 = want4,
                                                           .v6 = want6,
                                                           .group = p != NULL,
                                                           .port = w->c.settings->udp_port,
                                                           .flows = fa_flow_table(w->fa),
                                                           .recv = on_packet,
                                                           .relayed = on_relayed,
                                                           .ctx = w },
                             &w->udp, &w->ports);
    return e;
}

static err open_dns(struct worker *w)
{
    const struct fa_settings *s = w->c.settings;
    struct fa_dns_config d = {
        .loop = w->c.loop, .env = w->c.env, .zone = s->zone, .key = w->c.key, .n_servers = s->n_primary
    };
    memcpy(d.server, s->primary, sizeof d.server);
    return fa_dns_new(&d, on_dns, w, &w->dns);
}

static err open_as(struct worker *w)
{
    const struct as_radius_config r = { .loop = w->c.loop,
                                        .env = w->c.env,
                                        .realms = w->c.realms,
                                        .n_realms = w->c.settings->n_realms,
                                        .per_second = part(&w->c, w->c.settings->requests_per_second),
                                        .done = on_as,
                                        .told = on_as_told,
                                        .ctx = w };
    char why[AS_SERVER_TEXT_MAX];
    err e = as_radius_open(&r, &w->as, why);
    if (e != ERR_OK)
        log_at(&w->c.env->log, LOG_LV_ERROR, "as", "authentication servers: %s", why);
    return e;
}

static err open_all(struct worker *w)
{
    const struct worker_config *c = &w->c;
    w->acts = calloc(1, sizeof *w->acts);
    w->timer = rt_timer_new(c->loop, on_timer, w);
    w->wall = rt_timer_new(c->loop, on_wall, w);
    w->fa = make_engine(c);
    if (worker_jobs_open(w) != ERR_OK || !w->acts || !w->timer || !w->wall || !w->fa)
        return ERR_MEMORY;
    err e = fa_identity_add(w->fa, c->identity, c->r1_counter, rt_now_us());
    if (e == ERR_OK)
        e = open_as(w);
    if (e == ERR_OK && c->settings->n_hlr)
        e = subs_hlr_open(c->loop, c->env, c->settings->hlr, c->settings->n_hlr, on_hlr, on_hlr_told, w,
                          &w->hlrs);
    if (e == ERR_OK)
        e = open_dns(w);
    return e == ERR_OK ? open_carriers(w) : e;
}

err worker_new(const struct worker_config *c, struct worker **out)
{
    _Static_assert(FA_PRIMARIES_MAX == DNSU_SERVERS_MAX, "copied as a whole");
    struct worker *w = calloc(1, sizeof *w);
    if (!w) {
        c->store.ops->close(c->store.ctx);
        c->subs.ops->close(c->subs.ctx);
        return ERR_MEMORY;
    }
    w->c = *c;
    w->since_us = rt_now_us();
    w->events = (struct event_log){ .log = &c->env->log, .clear = c->settings->imsi_clear };
    memcpy(w->events.key, c->log_key, sizeof w->events.key);
    err e = c->settings->hook ? rt_notify_open(c->settings->hook, &w->events.hook) : ERR_OK;
    if (e == ERR_OK)
        e = open_all(w);
    if (e != ERR_OK) {
        worker_free(w);
        return e;
    }
    *out = w;
    return ERR_OK;
}

/* Who is registered hears that it is over (RFC 8003 s5), so that nobody waits for keepalives to fail. The carriers send it when they close. */
static void say_goodbye(struct worker *w)
{
    for (bool all = !w->fa || !w->raw.ops; !all;) {
        fa_actions_reset(w->acts);
        all = fa_stop(w->fa, rt_now_us(), w->acts);
        carry_out_list(w);
    }
}

void worker_free(struct worker *w)
{
    if (!w)
        return;
    say_goodbye(w);
    w->closing = true;
    if (w->raw.ops)
        w->raw.ops->close(w->raw.ctx);
    if (w->udp.ops)
        w->udp.ops->close(w->udp.ctx);
    fa_dns_free(w->dns);
    if (w->as.ops)
        w->as.ops->close(w->as.ctx);
    worker_jobs_close(w);
    subs_hlr_close(w->hlrs);
    rt_timer_free(w->timer);
    rt_timer_free(w->wall);
    fa_free(w->fa);
    rt_notify_close(w->events.hook);
    w->c.store.ops->close(w->c.store.ctx);
    w->c.subs.ops->close(w->c.subs.ctx);
    free(w->acts);
    free(w);
}

void worker_start(struct worker *w)
{
    on_wall(w);
    fa_actions_reset(w->acts);
    fa_start(w->fa, rt_now_us(), w->acts);
    worker_carry_out(w);
}

/* ---- for the control socket ---- */

void worker_stats(const struct worker *w, struct worker_stats *out)
{
    memset(out, 0, sizeof *out);
    fa_stats_get(w->fa, &out->fa);
    w->as.ops->stats(w->as.ctx, &out->as);
    fa_dns_stats_get(w->dns, &out->dns);
    w->raw.ops->stats(w->raw.ctx, &out->raw);
    if (w->udp.ops)
        w->udp.ops->stats(w->udp.ctx, &out->udp);
    out->jobs_refused = w->jobs_refused;
    out->handed_over = w->handed_over;
    out->handed_lost = w->handed_lost;
    out->work_pending = rt_work_pending(w->store_work) + rt_work_pending(w->subs_work);
    out->up_us = rt_now_us() - w->since_us;
}

json_t *worker_hlr_status(const struct worker *w)
{
    return subs_hlr_status(w->hlrs);
}

json_t *worker_as_status(const struct worker *w)
{
    return as_radius_status(&w->as, w->c.settings->realm);
}

struct fa *worker_fa(struct worker *w)
{
    return w->fa;
}

struct carrier_udp *worker_udp(struct worker *w)
{
    return w->ports;
}

err worker_revoke(struct worker *w, const char *name, const struct hit *hit)
{
    fa_actions_reset(w->acts);
    err e = fa_revoke(w->fa, name, hit, rt_now_us(), w->acts);
    worker_carry_out(w);
    return e;
}
