/* SPDX-License-Identifier: Apache-2.0
 * The engine's life, its actions, jobs and timers. */
#include "fa/core/fa.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fa/core/core.h"
#include "hip/param_reg.h"

#define OWNER_SHIFT 28
#define INDEX_MASK  ((1u << OWNER_SHIFT) - 1)

uint64_t fa_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void fa_text(char *out, size_t cap, const char *text)
{
    size_t n = strlen(text);
    if (n >= cap)
        n = cap - 1;
    memmove(out, text, n);
    out[n] = '\0';
}

/* ---- jobs ---- */

struct fa_job *fa_job_begin(struct fa *f, enum fa_job_owner owner, uint32_t index, enum fa_job_type type,
                            struct fa_wait *w)
{
    struct fa_actions *o = f->out;
    *w = (struct fa_wait){ 0 };
    if (o->n_job == FA_JOBS_MAX || o->n == FA_ACTIONS_MAX)
        return NULL;
    if (++f->gen == 0)
        f->gen = 1;
    struct fa_job *j = &o->job[o->n_job++];
    memset(j, 0, sizeof *j);
    j->ref =
        (struct fa_job_ref){ .slot = (uint32_t)owner << OWNER_SHIFT | (index & INDEX_MASK), .gen = f->gen };
    j->type = type;
    o->v[o->n++] = (struct fa_action){ .type = FA_ACT_JOB, .job = j };
    *w = (struct fa_wait){ .gen = f->gen, .type = type, .until_us = f->now + FA_JOB_US };
    f->st.jobs++;
    return j;
}

static bool expected(const struct fa_wait *w, const struct fa_result *r)
{
    return r->ref.gen != 0 && w->gen == r->ref.gen && w->type == r->type;
}

/* Hands the result to who waits for it. False: nobody does. */
static bool deliver(struct fa *f, const struct fa_result *r)
{
    uint32_t index = r->ref.slot & INDEX_MASK;
    struct fa_guest *g = index < f->guests_max ? f->guests[index] : NULL;
    struct fa_txn *t = index < FA_TXN_MAX ? f->txns[index] : NULL;
    switch (r->ref.slot >> OWNER_SHIFT) {
    case FA_OWNER_CHECK:
        if (!g || !g->check || !expected(&g->check->wait, r))
            return false;
        g->check->wait.gen = 0;
        fa_registrar_complete(f, g, r);
        return true;
    case FA_OWNER_RUN:
        if (!g || !g->run || !expected(&g->run->wait, r))
            return false;
        g->run->wait.gen = 0;
        fa_bind_complete(f, g, r);
        return true;
    case FA_OWNER_TXN:
        if (!t || !expected(&t->wait, r))
            return false;
        t->wait.gen = 0;
        fa_txn_complete(f, t, r);
        return true;
    case FA_OWNER_INTENT:
        if (!expected(&f->intent.wait, r))
            return false;
        f->intent.wait.gen = 0;
        fa_intent_complete(f, r);
        return true;
    case FA_OWNER_OWN_NAME:
        if (!expected(&f->intent.own_wait, r))
            return false;
        f->intent.own_wait.gen = 0;
        fa_intent_own_complete(f, r);
        return true;
    default:
        return false;
    }
}

/* ---- actions ---- */

struct fa_action *fa_action_new(struct fa *f, enum fa_act_type type)
{
    if (f->out->n == FA_ACTIONS_MAX)
        return NULL;
    struct fa_action *a = &f->out->v[f->out->n++];
    memset(a, 0, sizeof *a);
    a->type = type;
    return a;
}

void fa_emit_event(struct fa *f, enum fa_event_type type, const struct hit *peer, const char *subscriber,
                   const char *name, uint32_t number, const char *detail)
{
    struct fa_action *a = fa_action_new(f, FA_ACT_EVENT);
    if (!a)
        return;
    a->event.type = type;
    a->event.number = number;
    if (peer)
        a->event.peer = *peer;
    fa_text(a->event.subscriber, sizeof a->event.subscriber, subscriber ? subscriber : "");
    fa_text(a->event.name, sizeof a->event.name, name ? name : "");
    fa_text(a->event.detail, sizeof a->event.detail, detail ? detail : "");
}

struct fa_job *fa_job_unheard(struct fa *f, enum fa_job_type type)
{
    struct fa_actions *o = f->out;
    if (o->n_job == FA_JOBS_MAX || o->n == FA_ACTIONS_MAX)
        return NULL;
    struct fa_job *j = &o->job[o->n_job++];
    memset(j, 0, sizeof *j);
    j->type = type;
    o->v[o->n++] = (struct fa_action){ .type = FA_ACT_JOB, .job = j };
    f->st.jobs++;
    return j;
}

static void audit(struct fa *f, bool alarm, const struct hit *peer, const char *subscriber, const char *name,
                  const char *what)
{
    struct fa_job *j = fa_job_unheard(f, FA_JOB_AUDIT);
    if (!j)
        return;
    j->audit.alarm = alarm;
    fa_text(j->audit.what, sizeof j->audit.what, what);
    fa_text(j->audit.subscriber, sizeof j->audit.subscriber, subscriber ? subscriber : "");
    fa_text(j->audit.name, sizeof j->audit.name, name ? name : "");
    if (peer)
        memcpy(j->audit.hit, peer->b, sizeof j->audit.hit);
}

void fa_audit(struct fa *f, const struct hit *peer, const char *subscriber, const char *name,
              const char *what)
{
    audit(f, false, peer, subscriber, name, what);
}

void fa_alarm(struct fa *f, const struct hit *peer, const char *subscriber, const char *detail)
{
    f->st.alarms++;
    fa_emit_event(f, FA_EVENT_ALARM, peer, subscriber, NULL, 0, detail);
    audit(f, true, peer, subscriber, NULL, detail);
}

void fa_emit_reg(struct fa *f, enum fa_act_type type, const struct fa_guest *g)
{
    struct fa_action *a = fa_action_new(f, type);
    if (!a)
        return;
    a->reg = (struct fa_registration){
        .hit = g->peer,
        .ref = g->ref,
        .path = g->path,
        .n = g->n_type,
        .lifetime_s = g->lifetime_s,
        .expires_us = g->expires_us,
        .bound = g->bound || g->by_zone,
        .relayed = g->relayed,
    };
    memcpy(a->reg.type, g->type, sizeof a->reg.type);
    fa_text(a->reg.name, sizeof a->reg.name, g->bound || g->by_zone ? g->name : "");
}

/* ---- timers ---- */

void fa_timer_set(struct fa *f, struct fa_timer *t, uint64_t at_us)
{
    if (at_us == HEAP_NEVER) {
        heap_remove(&f->heap, &t->node);
        return;
    }
    if (heap_set(&f->heap, &t->node, at_us) != ERR_OK)
        f->st.failed++; /* cannot be: the heap has room for every object with a timer */
}

static void fire(struct fa *f, struct fa_timer *t)
{
    switch (t->kind) {
    case FA_TIMER_GUEST:
        fa_guest_timeout(f, (struct fa_guest *)t);
        break;
    case FA_TIMER_TXN:
        fa_txn_timeout(f, (struct fa_txn *)t);
        break;
    case FA_TIMER_INTENT:
        fa_intent_timeout(f);
        break;
    }
}

/* Room for what one timer may cause; what is not fired now is due at once again. */
static bool room(const struct fa *f)
{
    return f->out->n + 16 <= FA_ACTIONS_MAX && f->out->n_job + 4 <= FA_JOBS_MAX &&
           f->out->used + 8 * HIP_PACKET_MAX <= sizeof f->out->buf;
}

/* ---- the calls ---- */

static void enter(struct fa *f, uint64_t now, struct fa_actions *out)
{
    f->now = now;
    f->out = out;
    hip_actions_reset(f->act[0]);
    hip_actions_reset(f->act[1]);
    f->fill = 0;
}

int fa_input(struct fa *f, const struct hip_path *path, struct span octets, uint64_t now,
             struct fa_actions *out)
{
    enter(f, now, out);
    int drop = fa_dispatch(f, path, octets);
    fa_pump(f);
    return drop;
}

int fa_relayed_input(struct fa *f, const struct hip_path *path, struct span octets, uint64_t now,
                     struct fa_actions *out)
{
    enter(f, now, out);
    int drop = fa_dispatch_relayed(f, path, octets);
    fa_pump(f);
    return drop;
}

void fa_port_failed(struct fa *f, const struct addr *port, uint64_t now, struct fa_actions *out)
{
    enter(f, now, out);
    fa_client_port_failed(f, port);
    fa_pump(f);
}

bool fa_stop(struct fa *f, uint64_t now, struct fa_actions *out)
{
    enter(f, now, out);
    bool told = true;
    for (uint32_t i = 0; told && i < f->guests_max; i++)
        if (f->guests[i] && f->guests[i]->registered) {
            told = room(f);
            if (told)
                fa_registrar_end(f, f->guests[i], FA_ENDED_STOPPED);
            fa_pump(f);
        }
    return told;
}

void fa_timeout(struct fa *f, uint64_t now, struct fa_actions *out)
{
    enter(f, now, out);
    if (hip_deadline(f->hip) <= now) {
        hip_timeout(f->hip, now, fa_hip_out(f));
        fa_pump(f);
    }
    for (struct heap_node *n; (n = heap_min(&f->heap)) && n->at_us <= now && room(f);) {
        fire(f, (struct fa_timer *)n);
        fa_pump(f);
    }
}

void fa_complete(struct fa *f, const struct fa_result *r, uint64_t now, struct fa_actions *out)
{
    enter(f, now, out);
    if (!deliver(f, r))
        f->st.jobs_late++;
    fa_pump(f);
}

uint64_t fa_deadline(const struct fa *f)
{
    return fa_min(hip_deadline(f->hip), heap_deadline(&f->heap));
}

void fa_start(struct fa *f, uint64_t now, struct fa_actions *out)
{
    enter(f, now, out);
    fa_intent_start(f);
    fa_pump(f);
}

err fa_revoke(struct fa *f, const char *name, const struct hit *hit, uint64_t now, struct fa_actions *out)
{
    if (!name == !hit || (name && strlen(name) >= FA_NAME_MAX))
        return ERR_RANGE;
    enter(f, now, out);
    struct fa_txn *t = fa_txn_new(f, TXN_REVOKE, NULL);
    if (!t)
        return ERR_FULL;
    struct fa_job *j = fa_txn_job(f, t, STEP_FIND, FA_JOB_FIND);
    if (!j) {
        fa_txn_free(f, t);
        return ERR_FULL;
    }
    j->find.by = name ? FA_FIND_NAME : FA_FIND_HIT;
    if (name)
        fa_text(j->find.text, sizeof j->find.text, name);
    else
        memcpy(j->find.hit, hit->b, sizeof j->find.hit);
    fa_pump(f);
    return ERR_OK;
}

err fa_identity_add(struct fa *f, const struct hip_hi *hi, uint64_t r1_counter, uint64_t now)
{
    if (f->n_own == FA_OWN_MAX || hi->wire_len > HIP_HI_MAX)
        return ERR_FULL;
    err e = hip_identity_add(f->hip, hi, r1_counter, now);
    if (e != ERR_OK)
        return e;
    struct fa_own *o = &f->own[f->n_own++];
    o->hit = hi->hit;
    o->hi_len = hi->wire_len;
    memcpy(o->hi, hi->wire, hi->wire_len);
    return ERR_OK;
}

struct fa_own *fa_own_find(struct fa *f, const struct hit *hit)
{
    for (size_t i = 0; i < f->n_own; i++)
        if (hit_eq(&f->own[i].hit, hit))
            return &f->own[i];
    return NULL;
}

/* ---- life ---- */

static void defaults(struct fa_config *c)
{
    const struct {
        uint32_t *v, def, most;
    } d[] = {
        { &c->ttl_s, 300, 300 },
        { &c->reg_min_s, 10, 3600 },
        { &c->reg_max_s, 3600, 86400 },
        { &c->binding_s, 30 * 86400, UINT32_MAX },
        { &c->binding_max_s, 90 * 86400, UINT32_MAX },
        { &c->registrations_max, 65536, 1u << 24 },
        { &c->runs_max, 4096, 1u << 20 },
        { &c->runs_per_source, 16, 1u << 20 },
        { &c->new_runs_per_minute_and_source, 10, 1u << 20 },
        { &c->runs_per_identity, 3, 1u << 16 },
        { &c->identity_pause_s, 300, 86400 },
    };
    for (size_t i = 0; i < sizeof d / sizeof d[0]; i++) {
        if (*d[i].v == 0)
            *d[i].v = d[i].def;
        if (*d[i].v > d[i].most)
            *d[i].v = d[i].most;
    }
    if (c->subscriber_fresh_us == 0 || c->subscriber_fresh_us > 3600 * US)
        c->subscriber_fresh_us = 3600 * US;
    if (c->hip.assoc_max == 0)
        c->hip.assoc_max = c->registrations_max;
    c->hip.env = c->env;
    struct hip_reg_offer *o = &c->hip.offer;
    *o = (struct hip_reg_offer){
        .min = hip_reg_lifetime_code(c->reg_min_s * US),
        .max = hip_reg_lifetime_code(c->reg_max_s * US),
        .n = 1,
        .type = { FA_REG_RENDEZVOUS },
        .sim_binding = c->sim_binding,
    };
    if (c->relay.control)
        o->type[o->n++] = FA_REG_RELAY_HIP;
    if (c->relay.data)
        o->type[o->n++] = FA_REG_RELAY_ESP;
    if (c->relay.discovery)
        o->type[o->n++] = FA_REG_DISCOVERY;
    c->hip.relay_server = c->hip.relay_server || c->relay.control || c->relay.data;
    /* The code is the longest not longer: the least lifetime must not fall below what RFC 8003 s5 lets a requester count on. */
    if (hip_reg_lifetime_us(c->hip.offer.min) < c->reg_min_s * US)
        c->hip.offer.min++;
}

/* Rendezvous servers of HIP records: ourselves, then our partners. */
static bool copy_rvs(struct fa *f, struct fa_config *c)
{
    memcpy(f->rvs_wire, f->name_wire, f->name_wire_len);
    f->rvs_wire_len = f->name_wire_len;
    f->n_rvs = 1;
    for (size_t i = 0; i < c->n_partner && i < FA_PARTNERS_MAX; i++) {
        uint8_t wire[255];
        size_t n = fa_name_to_wire(c->partner[i], wire);
        if (n == 0 || n > sizeof f->rvs_wire - f->rvs_wire_len)
            return false;
        memcpy(f->rvs_wire + f->rvs_wire_len, wire, n);
        f->rvs_wire_len += n;
        f->n_rvs++;
    }
    memset(c->partner, 0, sizeof c->partner); /* the caller's */
    return true;
}

static bool copy_lists(struct fa *f)
{
    struct fa_config *c = &f->c;
    f->realms = calloc(c->n_realms + 1, sizeof *f->realms);
    f->allow = calloc(c->n_allow + 1, sizeof *f->allow);
    f->reserved = calloc(c->n_reserved + 1, sizeof *f->reserved);
    if (!f->realms || !f->allow || !f->reserved)
        return false;
    for (size_t i = 0; i < c->n_realms; i++)
        f->realms[i] = c->realms[i];
    for (size_t i = 0; i < c->n_allow; i++)
        f->allow[i] = c->allow[i];
    for (size_t i = 0; i < c->n_reserved; i++)
        fa_text(f->reserved[i], sizeof f->reserved[i], c->reserved[i]);
    c->realms = f->realms;
    c->allow = f->allow;
    c->reserved = NULL;
    f->naming.reserved = f->reserved;
    f->naming.n_reserved = c->n_reserved;
    f->naming.own_only = c->own_names_only;
    fa_text(f->naming.domain, sizeof f->naming.domain, c->domain);
    f->name_wire_len = (uint8_t)fa_name_to_wire(c->name, f->name_wire);
    return f->name_wire_len != 0 && copy_rvs(f, c);
}

static bool make_tables(struct fa *f)
{
    uint8_t seed[16];
    f->guests_max = f->c.hip.assoc_max;
    env_random(f->c.env, seed, sizeof seed);
    f->guests = calloc(f->guests_max, sizeof(void *));
    f->guest_free = calloc(f->guests_max, sizeof *f->guest_free);
    f->by_ref = htab_new(f->guests_max, sizeof(struct hip_ref), seed);
    f->by_hit = htab_new(f->c.registrations_max, sizeof(struct hit), seed);
    for (int i = 0; i < 2; i++)
        f->act[i] = malloc(sizeof *f->act[i]);
    if (!f->guests || !f->guest_free || !f->by_ref || !f->by_hit || !f->act[0] || !f->act[1])
        return false;
    for (uint32_t i = 0; i < f->guests_max; i++)
        f->guest_free[f->n_guest_free++] = f->guests_max - 1 - i;
    if (heap_init(&f->heap, f->guests_max + FA_TXN_MAX + 1) != ERR_OK)
        return false;
    return fa_clients_init(f) == ERR_OK && fa_admit_init(f) == ERR_OK && fa_budget_init(f) == ERR_OK &&
           fa_reauth_init(f) == ERR_OK;
}

struct fa *fa_new(const struct fa_config *c)
{
    struct fa *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->c = *c;
    f->intent.timer.kind = FA_TIMER_INTENT;
    defaults(&f->c);
    f->base_k = f->c.hip.puzzle_k;
    if (!copy_lists(f) || !make_tables(f) || !(f->hip = hip_engine_new(&f->c.hip))) {
        fa_free(f);
        return NULL;
    }
    return f;
}

void fa_free(struct fa *f)
{
    if (!f)
        return;
    f->out = NULL; /* nobody is told of what ends here */
    for (uint32_t i = 0; f->guests && i < f->guests_max; i++)
        if (f->guests[i])
            fa_guest_free(f, f->guests[i]);
    heap_done(&f->heap); /* before what its nodes lie in */
    for (uint32_t i = 0; i < FA_TXN_MAX; i++)
        if (f->txns[i])
            fa_txn_free(f, f->txns[i]);
    heap_remove(&f->heap, &f->intent.timer.node);
    fa_admit_done(f);
    fa_budget_done(f);
    fa_clients_done(f);
    hip_engine_free(f->hip);
    htab_free(f->by_ref);
    fa_reauth_free(f);
    htab_free(f->by_hit);
    free(f->guests);
    free(f->guest_free);
    free(f->act[0]);
    free(f->act[1]);
    free(f->realms);
    free(f->allow);
    free(f->reserved);
    free(f);
}

void fa_wall(struct fa *f, uint64_t unix_s, uint64_t now)
{
    f->wall_s = unix_s;
    f->wall_at_us = now;
}

void fa_tell(struct fa *f, const struct fa_tell *x, uint64_t now, struct fa_actions *out)
{
    enter(f, now, out);
    fa_tell_here(f, x);
    fa_pump(f);
}

/* ---- looking at it ---- */

struct hip_engine *fa_hip(struct fa *f)
{
    return f->hip;
}

void fa_stats_get(const struct fa *f, struct fa_stats *out)
{
    *out = f->st;
    out->associations = f->guests_max - f->n_guest_free;
    out->registrations = (uint32_t)htab_count(f->by_hit);
    out->runs_open = f->admit.runs;
    out->transactions_open = f->n_txn;
    out->settled = f->intent.settled;
}

bool fa_registration_next(const struct fa *f, size_t *pos, struct fa_registration *out)
{
    const struct fa_guest *g = htab_next(f->by_hit, pos);
    if (!g)
        return false;
    *out = (struct fa_registration){
        .hit = g->peer,
        .ref = g->ref,
        .path = g->path,
        .n = g->n_type,
        .lifetime_s = g->lifetime_s,
        .expires_us = g->expires_us,
        .bound = g->bound || g->by_zone,
        .relayed = g->relayed,
    };
    memcpy(out->type, g->type, sizeof out->type);
    fa_text(out->name, sizeof out->name, g->bound || g->by_zone ? g->name : "");
    return true;
}
