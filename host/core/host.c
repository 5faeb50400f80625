/* SPDX-License-Identifier: Apache-2.0 */
#include "host/core/host.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto/secret.h"
#include "host/core/host_priv.h"

/* ---- making one ---- */

static void defaults(struct host_config *c)
{
    if (!c->hi_type)
        c->hi_type = SIG_ECDSA_P256;
    if (!c->hi_bits)
        c->hi_bits = 2048;
    if (!c->reg_lifetime_s)
        c->reg_lifetime_s = 600;
    if (!c->probe_us)
        c->probe_us = 20 * HOST_S;
    if (!c->settle_us)
        c->settle_us = HOST_S / 10;
    if (!c->retry_us)
        c->retry_us = 5 * HOST_S;
    if (!c->connect_us)
        c->connect_us = 15 * HOST_S;
    if (!c->peer_retry_us)
        c->peer_retry_us = 3 * HOST_S;
}

static bool copy_fa(struct host *h, const struct host_fa_conf *c)
{
    struct host_fa *f = &h->fa[h->n_fa];

    f->configured = true;
    f->hit = c->hit;
    f->hit_conf = c->hit;
    f->known = !hit_is_null(&c->hit);
    if (f->known && !hit_is_valid(&c->hit))
        return false;
    if (c->name && dnsu_name_from_text(c->name, &f->name))
        return false;
    dnsu_name_lower(&f->name);
    if (!c->name && c->n_addr == 0)
        return false; /* no way to it */
    f->n_addr = c->n_addr < HOST_ADDRS_MAX ? c->n_addr : HOST_ADDRS_MAX;
    memcpy(f->addr, c->addr, f->n_addr * sizeof f->addr[0]);
    if (c->network_name && strlen(c->network_name) < sizeof f->network_name)
        memcpy(f->network_name, c->network_name, strlen(c->network_name) + 1);
    h->n_fa++;
    return true;
}

static bool copy_config(struct host *h, const struct host_config *c)
{
    h->c = *c;
    h->env = c->env;
    defaults(&h->c);
    h->c.hip.env = h->env;
    memset(&h->c.hip.offer, 0, sizeof h->c.hip.offer);
    if (c->hi && hip_hi_copy(c->hi, &h->hi))
        return false;
    for (size_t i = 0; i < HOST_NAMES_MAX && c->want[i]; i++) {
        if (dnsu_name_from_text(c->want[i], &h->want[i]))
            return false;
        dnsu_name_lower(&h->want[i]);
        h->n_want++;
    }
    if (c->label) {
        size_t n = strlen(c->label);
        if (n > HIP_BIND_DEVICE_MAX)
            return false;
        memcpy(h->label, c->label, n + 1);
    }
    if (c->n_fa > HOST_FAS_MAX || c->n_peer > HOST_STATIC_MAX)
        return false;
    for (size_t i = 0; i < c->n_fa; i++)
        if (!copy_fa(h, &c->fa[i]))
            return false;
    for (size_t i = 0; i < c->n_peer; i++)
        host_peer_static(h, &c->peer[i]);
    /* nothing of the caller's is looked at again */
    h->c.hi = NULL;
    h->c.fa = NULL;
    h->c.peer = NULL;
    h->c.label = NULL;
    memset(h->c.want, 0, sizeof h->c.want);
    return true;
}

struct host *host_new(const struct host_config *c)
{
    struct host *h = calloc(1, sizeof *h);

    if (!h)
        return NULL;
    h->sim = sec_alloc(sizeof *h->sim);
    h->list[0] = calloc(1, sizeof *h->list[0]);
    h->list[1] = calloc(1, sizeof *h->list[1]);
    if (!h->sim || !h->list[0] || !h->list[1] || heap_init(&h->timers, HOST_TIMERS_MAX) ||
        !copy_config(h, c)) {
        host_free(h);
        return NULL;
    }
    host_nat_init(h);
    h->hip = hip_engine_new(&h->c.hip);
    if (!h->hip) {
        host_free(h);
        return NULL;
    }
    host_move_init(h);
    host_fa_init(h);
    host_partner_init(h);
    host_ping_init(h);
    host_run_init(h);
    return h;
}

void host_free(struct host *h)
{
    if (!h)
        return;
    host_run_end(h);
    hip_engine_free(h->hip);
    hip_hi_done(&h->hi);
    if (h->sim)
        host_sealed_done(&h->sim->sealed);
    sec_free(h->sim);
    free(h->list[0]);
    free(h->list[1]);
    heap_done(&h->timers);
    free(h);
}

/* ---- the calls ---- */

static void enter(struct host *h, uint64_t now, struct host_actions *out)
{
    h->now = now;
    h->out = out;
}

static void leave(struct host *h)
{
    host_drain(h);
    h->out = NULL;
}

static void id_up(struct host *h, const struct hip_hi *hi)
{
    struct host_action *a;

    /* The counter only has to grow from one start to the next (RFC 7401 s4.1.4): seconds do. */
    if (hip_identity_add(h->hip, hi, host_unix(h), h->now)) {
        host_event(h, HOST_EV_SIM, LOG_LV_ERROR, &hi->hit, "host identity cannot be used");
        return;
    }
    h->has_id = true;
    h->id = hi->hit;
    a = host_act(h, HOST_ACT_ID_UP);
    if (a)
        a->local = hi->hit;
}

static void id_down(struct host *h)
{
    struct host_action *a;

    if (!h->has_id)
        return;
    a = host_act(h, HOST_ACT_ID_DOWN);
    if (a)
        a->local = h->id;
    if (hip_identity_remove(h->hip, &h->id))
        h->dropped++;
    host_drain(h);
    h->has_id = false;
    memset(&h->id, 0, sizeof h->id);
    host_peers_reset(h);
}

void host_id_use(struct host *h, const struct hip_hi *hi)
{
    if (h->has_id && hi && hit_eq(&h->id, &hi->hit))
        return;
    id_down(h);
    if (hi)
        id_up(h, hi);
}

void host_start(struct host *h, uint64_t unix_s, uint64_t now, struct host_actions *out)
{
    enter(h, now, out);
    h->wall_s = unix_s;
    h->wall_at_us = now;
    h->started = true;
    if (h->hi.key)
        host_id_use(h, &h->hi);
    host_fa_kick(h);
    leave(h);
}

static void close_all(struct host *h)
{
    struct hip_assoc_view v;
    size_t pos = 0;

    while (hip_assoc_next(h->hip, &pos, &v))
        if (v.state == HIP_ESTABLISHED || v.state == HIP_R2_SENT)
            if (!hip_close(h->hip, v.ref, h->now, host_hip(h)))
                host_drain(h);
}

void host_stop(struct host *h, uint64_t now, struct host_actions *out)
{
    enter(h, now, out);
    h->stopping = true;
    host_fa_down(h, true);
    close_all(h);
    leave(h);
}

void host_wall(struct host *h, uint64_t unix_s, uint64_t now)
{
    h->wall_s = unix_s;
    h->wall_at_us = now;
}

int host_input(struct host *h, const struct hip_path *path, struct span octets, uint64_t now,
               struct host_actions *out)
{
    int drop;

    enter(h, now, out);
    drop = hip_input(h->hip, path, octets, now, host_hip(h));
    leave(h);
    return drop;
}

void host_timeout(struct host *h, uint64_t now, struct host_actions *out)
{
    struct heap_node *n;

    enter(h, now, out);
    hip_timeout(h->hip, now, host_hip(h));
    host_drain(h);
    for (int i = 0; i < 64 && (n = heap_min(&h->timers)) && n->at_us <= now; i++) {
        struct host_timer *t = HOST_MEMBER(n, struct host_timer, node);
        heap_remove(&h->timers, n);
        t->fire(h, t);
        host_drain(h);
    }
    leave(h);
}

uint64_t host_deadline(const struct host *h)
{
    uint64_t a = hip_deadline(h->hip), b = heap_deadline(&h->timers);
    return a < b ? a : b;
}

void host_complete(struct host *h, const struct host_result *r, uint64_t now, struct host_actions *out)
{
    size_t i = r->id & 0xff;
    struct host_job_slot s;

    if (h->job[i].id != r->id || r->id == 0)
        return; /* answered twice */
    s = h->job[i];
    h->job[i].id = 0;
    enter(h, now, out);
    switch (s.type) {
    case HOST_JOB_SIM_IDENTITY:
    case HOST_JOB_SIM_LOCAL:
    case HOST_JOB_LOAD:
    case HOST_JOB_SAVE:
        host_sim_complete(h, &s, r);
        break;
    case HOST_JOB_SIM_AUTH:
        host_run_card(h, &s, r);
        break;
    case HOST_JOB_LOOKUP_HIP:
    case HOST_JOB_LOOKUP_ADDR:
        host_name_complete(h, &s, r);
        break;
    }
    leave(h);
}

/* A card that could not be used: it may be, now. */
static bool card_in_vain(const struct host *h)
{
    return h->sim->state == HOST_SIM_LOCKED || h->sim->state == HOST_SIM_UNUSABLE;
}

static void card_in(struct host *h)
{
    if (h->sim->present)
        host_sim_out(h);
    if (!host_sim_start(h))
        host_event(h, HOST_EV_SIM, LOG_LV_ERROR, NULL, "card cannot be read now");
}

void host_sim(struct host *h, bool present, uint64_t now, struct host_actions *out)
{
    enter(h, now, out);
    if (present && (!h->sim->present || card_in_vain(h))) {
        card_in(h);
    } else if (!present && h->sim->present) {
        host_event(h, HOST_EV_SIM, LOG_LV_NOTICE, NULL, "card went");
        host_fa_down(h, true);
        close_all(h);
        host_drain(h);
        host_sim_out(h);
        host_id_use(h, h->hi.key ? &h->hi : NULL);
        host_fa_kick(h);
    }
    leave(h);
}

void host_want(struct host *h, const struct hit *peer, uint64_t now, struct host_actions *out)
{
    enter(h, now, out);
    host_peer_want(h, peer);
    leave(h);
}

void host_ping(struct host *h, const struct hit *peer, uint64_t ticket, uint64_t now,
               struct host_actions *out)
{
    enter(h, now, out);
    host_ping_begin(h, peer, ticket);
    leave(h);
}

void host_sa_used(struct host *h, struct hip_ref ref, uint64_t octets, uint64_t sent_us, uint64_t now,
                  struct host_actions *out)
{
    enter(h, now, out);
    hip_cba_received(h->hip, ref, octets, now);
    if (sent_us)
        hip_sa_sent(h->hip, ref, sent_us);
    hip_sa_used(h->hip, ref, now, host_hip(h));
    leave(h);
}

void host_sa_due(struct host *h, struct hip_ref ref, uint64_t now, struct host_actions *out)
{
    struct hip_assoc_view v;

    enter(h, now, out);
    err e = hip_rekey(h->hip, ref, h->c.rekey_dh, now, host_hip(h));
    /* ERR_EXISTS: one is under way; ERR_STATE, ERR_NOT_FOUND: the association ends */
    if (e != ERR_OK && e != ERR_EXISTS && hip_assoc_get(h->hip, ref, &v) == ERR_OK && e != ERR_STATE)
        host_event(h, HOST_EV_PEER, LOG_LV_ERROR, &v.peer, "no new keys for ESP: %s", err_text(e));
    leave(h);
}

void host_sa_rekeyed(struct host *h, struct hip_ref ref, uint32_t spi, uint64_t now, struct host_actions *out)
{
    enter(h, now, out);
    hip_sa_rekeyed(h->hip, ref, spi, now, host_hip(h));
    leave(h);
}

void host_sa_silent(struct host *h, struct hip_ref ref, uint64_t us, uint64_t now, struct host_actions *out)
{
    enter(h, now, out);
    host_peer_silent(h, ref, us);
    leave(h);
}

void host_retry(struct host *h, uint64_t now, struct host_actions *out)
{
    enter(h, now, out);
    for (size_t i = 0; i < h->n_fa; i++) {
        h->fa[i].not_before_us = 0;
        h->fa[i].partner_at_us = 0;
        h->fa[i].looked = false;
    }
    host_name_forget_failures(h);
    if (h->sim->state == HOST_SIM_READY &&
        h->sim->sealed.bind == HOST_BIND_LOST) { /* the user asks (section 16) */
        h->sim->sealed.bind = HOST_BIND_NONE;
        host_sim_save(h);
    }
    if (h->sim->present && (card_in_vain(h) || h->sim->state == HOST_SIM_DAMAGED))
        card_in(h);
    host_fa_kick(h);
    host_partner_kick(h);
    leave(h);
}

err host_take_over(struct host *h, const uint8_t *secret, uint64_t now, struct host_actions *out)
{
    struct host_sim *s = h->sim;
    if (s->state != HOST_SIM_READY)
        return ERR_STATE;
    if (s->sealed.bind == HOST_BIND_BOUND || s->sealed.bind == HOST_BIND_PENDING)
        return ERR_EXISTS;
    s->take = true;
    s->take_secret = secret != NULL;
    if (secret)
        memcpy(s->old_secret, secret, sizeof s->old_secret);
    host_retry(h, now, out);
    return ERR_OK;
}

err host_secret(const struct host *h, uint8_t out[HOST_SECRET_LEN])
{
    const struct host_sealed *s = &h->sim->sealed;
    if (h->sim->state != HOST_SIM_READY)
        return ERR_STATE;
    if (!s->has_secret)
        return ERR_NOT_FOUND;
    memcpy(out, s->secret, sizeof s->secret);
    return ERR_OK;
}

void host_resolve(struct host *h, const struct dnsu_name *name, uint64_t ticket, uint64_t now,
                  struct host_actions *out)
{
    enter(h, now, out);
    host_name_resolve(h, name, ticket);
    leave(h);
}

void host_addresses(struct host *h, const struct host_addr *a, size_t n, uint64_t now,
                    struct host_actions *out)
{
    enter(h, now, out);
    host_move_addresses(h, a, n);
    leave(h);
}

/* ---- looking at it ---- */

const struct hip_engine *host_engine(const struct host *h)
{
    return h->hip;
}

const struct usim_identity *host_card(const struct host *h)
{
    return h->sim->state == HOST_SIM_READY ? &h->sim->id : NULL;
}

const struct hip_hi *host_identity(const struct host *h)
{
    const struct hip_hi *sim = &h->sim->sealed.hi;

    if (!h->has_id)
        return NULL;
    return sim->key && hit_eq(&sim->hit, &h->id) ? sim : &h->hi;
}

static void fa_status(const struct host *h, uint64_t now, struct host_status *o)
{
    const struct host_link *l = h->main;
    struct hip_assoc_view v;
    uint64_t next = HEAP_NEVER;

    o->fa = l->state;
    if (l->fa) {
        o->fa_hit = hit_is_null(&l->peer) ? l->fa->hit : l->peer;
        if (l->fa->name.len)
            dnsu_name_text(&l->fa->name, o->fa_name);
    }
    if (l->state == HOST_FA_REGISTERED && l->reg_until_us > now)
        o->reg_left_us = l->reg_until_us - now;
    if (l->established && !hip_assoc_get(h->hip, l->ref, &v))
        o->fa_path = v.path;
    o->fa_sees = l->reg_from;
    o->relayed = l->relayed;
    for (size_t i = 0; i < h->n_fa; i++)
        if (h->fa[i].not_before_us < next)
            next = h->fa[i].not_before_us;
    if (l->state == HOST_FA_BACKOFF && next != HEAP_NEVER && next > now)
        o->retry_us = next - now;
}

void host_status(const struct host *h, uint64_t now, struct host_status *out)
{
    const struct host_sealed *s = &h->sim->sealed;
    struct host_status o = { .has_hit = h->has_id, .hit = h->id, .sim = h->sim->state };

    if (o.sim == HOST_SIM_READY || o.sim == HOST_SIM_DAMAGED)
        o.seal = h->sim->key.level;
    if (o.sim == HOST_SIM_READY) {
        o.bind = h->run.open ? HOST_BIND_RUNNING : s->bind;
        if (s->fqdn.len && (s->bind == HOST_BIND_BOUND || s->bind == HOST_BIND_PENDING)) {
            dnsu_name_text(&s->fqdn, o.fqdn);
            o.bound_until_s = s->bound_until_s;
        }
    }
    fa_status(h, now, &o);
    o.runs = h->runs;
    o.runs_failed = h->runs_failed;
    o.moves = h->moves;
    o.alarms = h->alarms;
    o.n_addr = h->n_addr;
    memcpy(o.addr, h->addr, sizeof o.addr);
    *out = o;
}

bool host_peer_next(const struct host *h, size_t *pos, struct host_peer_view *out)
{
    struct hip_assoc_view v;
    const struct host_peer *p;

    while (*pos < HOST_PEERS_MAX && !h->peer[*pos].used)
        ++*pos;
    if (*pos >= HOST_PEERS_MAX)
        return false;
    p = &h->peer[(*pos)++];
    memset(out, 0, sizeof *out);
    out->hit = p->hit;
    out->state = p->state;
    out->fa = p->fa;
    out->configured = p->configured;
    out->security = p->security;
    out->since_us = p->since_us;
    if (p->name.len)
        dnsu_name_text(&p->name, out->name);
    if (p->state == HOST_PEER_UP && !hip_assoc_get(h->hip, p->ref, &v)) {
        out->ref = v.ref;
        out->path = v.path;
        out->esp = v.esp;
        out->kind = host_path_kind(h, v.ref);
        out->rtt_us = host_path_why(h, v.ref, out->why);
        out->esp_suite = v.esp_suite;
        out->spi_in = v.spi_in;
        out->spi_out = v.spi_out;
    }
    return true;
}
