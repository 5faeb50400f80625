/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/core_fa.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aka/nai.h"
#include "common/base/heap.h"

#define DOMAIN "operator.example"

static void act(struct world *w, struct w_node *n);

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

/* ---- the binding store, in the words of fa/core/job.h ---- */

static struct fa_binding *row_id(struct w_core *c, uint64_t id)
{
    for (size_t i = 0; id && i < W_ROWS; i++)
        if (c->row[i].id == id)
            return &c->row[i];
    return NULL;
}

static bool counts(const struct fa_binding *b)
{
    return b->id && b->state != FA_BINDING_REVOKED;
}

static bool open_row(const struct w_core *c, size_t i, uint64_t now, uint64_t after)
{
    const struct fa_binding *b = &c->row[i];
    bool ended = b->state == FA_BINDING_BOUND && c->row_end_us[i] <= now;
    return b->id > after && (b->state == FA_BINDING_INTENT || b->state == FA_BINDING_UNBINDING || ended);
}

static bool found(const struct w_core *c, size_t i, const struct fa_job *j, uint64_t now)
{
    const struct fa_binding *b = &c->row[i];
    if (!b->id)
        return false;
    switch (j->find.by) {
    case FA_FIND_HIT:
        return memcmp(b->hit, j->find.hit, 16) == 0;
    case FA_FIND_SUBSCRIBER:
        return counts(b) && strcmp(b->subscriber, j->find.text) == 0;
    case FA_FIND_NAME:
        return counts(b) && strcmp(b->name, j->find.text) == 0;
    case FA_FIND_ID:
        return b->id == j->find.id;
    case FA_FIND_OPEN:
        return open_row(c, i, now, j->find.id);
    }
    return false;
}

static void do_find(const struct w_core *c, const struct fa_job *j, uint64_t now, struct fa_result *r,
                    struct fa_binding v[FA_BINDINGS_MAX])
{
    r->find.v = v;
    r->find.epoch = c->epoch;
    for (size_t i = 0; i < W_ROWS; i++) {
        if (!found(c, i, j, now))
            continue;
        if (r->find.n == FA_BINDINGS_MAX) {
            r->find.more = true;
            return;
        }
        v[r->find.n] = c->row[i];
        v[r->find.n++].left_s = c->row_end_us[i] > now ? (uint32_t)((c->row_end_us[i] - now) / W_S) : 0;
    }
}

static err do_intent(struct w_core *c, const struct fa_job *j, uint64_t now, struct fa_result *r)
{
    const struct fa_binding *b = &j->intent.binding;
    unsigned devices = 0;
    size_t at = W_ROWS;

    if (j->intent.epoch != c->epoch)
        return ERR_STATE;
    for (size_t i = 0; i < W_ROWS; i++) {
        const struct fa_binding *o = &c->row[i];
        bool mine = strcmp(o->subscriber, b->subscriber) == 0, same = o->id && o->id == b->id;
        if (!o->id || o->id == j->intent.replaces || same) {
            if (same)
                at = i;
            continue;
        }
        if (!mine && memcmp(o->hit, b->hit, 16) == 0)
            return ERR_REFUSED;
        if (mine && counts(o) && memcmp(o->hit, b->hit, 16) != 0)
            devices++;
        if (counts(o) && strcmp(o->name, b->name) == 0)
            return ERR_EXISTS;
        if (!b->own_name && !mine && counts(o) && strcmp(o->skeleton, b->skeleton) == 0)
            return ERR_EXISTS;
    }
    if (devices >= (j->intent.devices_max ? j->intent.devices_max : 1))
        return ERR_FULL;
    if (row_id(c, j->intent.replaces))
        memset(row_id(c, j->intent.replaces), 0, sizeof c->row[0]);
    for (size_t i = 0; at == W_ROWS && i < W_ROWS; i++)
        if (!c->row[i].id)
            at = i;
    if (at == W_ROWS)
        abort();
    c->row[at] = *b;
    if (!b->id)
        c->row[at].id = ++c->next_id;
    c->row[at].state = FA_BINDING_INTENT;
    c->row_end_us[at] = now + b->lifetime_s * W_S;
    r->intent.id = c->row[at].id;
    return ERR_OK;
}

static err do_bound(struct w_core *c, const struct fa_job *j, uint64_t now)
{
    struct fa_binding *b = row_id(c, j->bound.id);
    if (!b)
        return ERR_NOT_FOUND;
    b->state = FA_BINDING_BOUND;
    memcpy(b->last, b->rdata, b->rdata_len);
    b->last_len = b->rdata_len;
    c->row_end_us[b - c->row] = now + j->bound.lifetime_s * W_S;
    c->booked += j->bound.book != FA_BOOK_NONE;
    return ERR_OK;
}

static void do_drop(struct w_core *c, const struct fa_job *j)
{
    struct fa_binding *b = row_id(c, j->drop.id);
    if (!b)
        return;
    if (j->drop.revoked)
        b->state = FA_BINDING_REVOKED;
    else
        memset(b, 0, sizeof *b);
}

/* ---- subscriber data, DNS ---- */

static err do_subscriber(const struct w_core *c, const struct fa_job *j, struct fa_result *r)
{
    for (size_t i = 0; i < c->n_sub; i++)
        if (j->subscriber.imsi[0] ? strcmp(c->sub[i].imsi, j->subscriber.imsi) == 0
                                  : strcmp(c->sub[i].id, j->subscriber.id) == 0) {
            r->subscriber.s = &c->sub[i];
            return ERR_OK;
        }
    return ERR_NOT_FOUND;
}

static void do_zone(struct world *w, const struct fa_job *j, struct fa_result *r)
{
    const struct w_name *n = w_dns(w, j->zone.name);
    r->zone.says = n->rdata_n ? FA_ZONE_HIP : n->n_addr ? FA_ZONE_OTHER : FA_ZONE_FREE;
    r->zone.rdata = span_of(n->rdata, n->rdata_n);
}

static bool is(const struct w_name *n, const uint8_t *rdata, size_t len)
{
    return n->rdata_n == len && memcmp(n->rdata, rdata, len) == 0;
}

static err do_dns(struct world *w, const struct fa_job *j)
{
    struct w_name *n = w_dns(w, j->dns.name);
    if (j->dns.want_len && is(n, j->dns.want, j->dns.want_len))
        return ERR_OK;
    if (!j->dns.want_len && !n->rdata_n)
        return ERR_OK;
    if (!j->dns.last_len && (n->rdata_n || n->n_addr))
        return ERR_EXISTS;
    if (j->dns.last_len && !is(n, j->dns.last, j->dns.last_len))
        return ERR_STATE;
    memcpy(n->rdata, j->dns.want, j->dns.want_len);
    n->rdata_n = j->dns.want_len;
    n->ttl = j->dns.ttl_s;
    return ERR_OK;
}

static void do_own(struct world *w, const struct fa_job *j)
{
    struct w_name *n = w_dns(w, j->dns_own.name);
    n->n_addr = 0;
    for (size_t i = 0; i < j->dns_own.n_addr; i++)
        n->addr[n->n_addr++] = j->dns_own.addr[i];
}

/* ---- the authentication server ---- */

static struct w_card *card_of(struct world *w, const char *imsi)
{
    for (size_t i = 0; i < w->n_card; i++)
        if (strcmp(w->card[i]->id.imsi, imsi) == 0)
            return w->card[i];
    return NULL;
}

static void auc(struct world *w, struct aka_server *s, struct aka_server_action *a)
{
    static const uint8_t amf[2] = { 0x80, 0 };
    while (a->type == AKA_SERVER_VECTOR) {
        struct w_card *c = card_of(w, a->imsi);
        struct aka_vector v;
        uint8_t rand[16];
        uint64_t ms;
        if (!c) {
            aka_server_vector(s, AKA_AUC_UNKNOWN, NULL, a);
            continue;
        }
        if (a->resync && !aka_auts_open(&c->m.cred, a->rand, a->auts, &ms))
            c->sqn = ms;
        env_random(&w->env, rand, sizeof rand);
        if (sqn_next(c->sqn, 1, &c->sqn) || aka_vector_make(&c->m.cred, c->sqn, amf, rand, &v))
            abort();
        aka_server_vector(s, AKA_AUC_OK, &v, a);
    }
}

static struct w_conv *conversation(struct world *w, struct w_core *c, const struct fa_job *j)
{
    struct w_conv *free_one = NULL;
    struct aka_server_config cfg = { .env = &w->env };
    for (size_t i = 0; i < 8; i++) {
        struct w_conv *v = &c->conv[i];
        if (v->used && j->as.state_len == sizeof v->state &&
            memcmp(v->state, j->as.state, sizeof v->state) == 0)
            return v;
        if (!v->used && !free_one)
            free_one = v;
    }
    if (j->as.state_len)
        return NULL;
    if (!free_one) { /* the oldest gives way */
        free_one = &c->conv[0];
        aka_server_free(free_one->eap);
    }
    memcpy(cfg.net_name, j->as.nas_id, strlen(j->as.nas_id) + 1);
    free_one->used = true;
    free_one->eap = must(aka_server_new(&cfg));
    env_random(&w->env, free_one->state, sizeof free_one->state);
    return free_one;
}

static err do_as(struct world *w, struct w_core *c, const struct fa_job *j, struct fa_result *r,
                 uint8_t msk[64], char imsi[FA_IMSI_MAX])
{
    static uint8_t eap[EAP_MAX];
    struct w_conv *v;
    struct aka_server_action a;

    c->as_asked++;
    if (c->as_down)
        return ERR_TIMEOUT;
    v = conversation(w, c, j);
    if (!v)
        return ERR_TIMEOUT;
    aka_server_input(v->eap, span_of(j->as.eap, j->as.eap_len), &a);
    auc(w, v->eap, &a);
    if (a.type == AKA_SERVER_NONE)
        return ERR_TIMEOUT;
    memcpy(eap, a.octets.p, a.octets.n);
    r->as.eap = span_of(eap, a.octets.n);
    r->as.code = a.type == AKA_SERVER_SEND     ? FA_AS_CHALLENGE
                 : a.type == AKA_SERVER_ACCEPT ? FA_AS_ACCEPT
                                               : FA_AS_REJECT;
    r->as.state = span_of(v->state, sizeof v->state);
    if (r->as.code == FA_AS_ACCEPT) {
        memcpy(msk, aka_server_msk(v->eap), 64);
        msk[5] ^= c->bad_msk;
        r->as.recv_key = span_of(msk, 32);
        r->as.send_key = span_of(msk + 32, 32);
        memcpy(imsi, aka_server_imsi(v->eap), strlen(aka_server_imsi(v->eap)) + 1);
        r->as.imsi = span_str(imsi);
    }
    if (r->as.code != FA_AS_CHALLENGE) {
        aka_server_free(v->eap);
        v->eap = NULL;
        v->used = false;
        r->as.state.n = 0;
    }
    return ERR_OK;
}

/* ---- jobs ---- */

static bool writes(enum fa_job_type t)
{
    return t == FA_JOB_INTENT || t == FA_JOB_DNS || t == FA_JOB_BOUND || t == FA_JOB_UNBIND ||
           t == FA_JOB_DROP;
}

static err carry_out(struct world *w, struct w_core *c, const struct fa_job *j, struct fa_result *r,
                     struct fa_binding v[FA_BINDINGS_MAX], uint8_t msk[64], char imsi[FA_IMSI_MAX])
{
    bool dns = j->type == FA_JOB_ZONE || j->type == FA_JOB_DNS || j->type == FA_JOB_DNS_OWN;
    if (dns ? c->dns_down : c->db_down && j->type != FA_JOB_AS)
        return ERR_TIMEOUT;
    switch (j->type) {
    case FA_JOB_AS:
        return do_as(w, c, j, r, msk, imsi);
    case FA_JOB_SUBSCRIBER:
        return do_subscriber(c, j, r);
    case FA_JOB_CLAIM:
        return ERR_OK;
    case FA_JOB_FIND:
        do_find(c, j, w->now, r, v);
        return ERR_OK;
    case FA_JOB_ZONE:
        do_zone(w, j, r);
        return ERR_OK;
    case FA_JOB_INTENT:
        return do_intent(c, j, w->now, r);
    case FA_JOB_DNS:
        c->dns_asked++;
        return do_dns(w, j);
    case FA_JOB_DNS_OWN:
        do_own(w, j);
        return ERR_OK;
    case FA_JOB_BOUND:
        return do_bound(c, j, w->now);
    case FA_JOB_UNBIND:
        if (!row_id(c, j->unbind.id))
            return ERR_NOT_FOUND;
        row_id(c, j->unbind.id)->state = FA_BINDING_UNBINDING;
        return ERR_OK;
    case FA_JOB_DROP:
        do_drop(c, j);
        return ERR_OK;
    case FA_JOB_SEEN:
        return ERR_OK;
    case FA_JOB_AUDIT:
        c->audits++;
        c->alarms += j->audit.alarm;
        return ERR_OK;
    default:
        abort();
    }
}

static void job_done(struct world *w, struct w_node *n, const struct fa_job *j)
{
    struct w_core *c = n->core;
    struct fa_binding *v = must(calloc(FA_BINDINGS_MAX, sizeof *v));
    struct fa_result r = { .ref = j->ref, .type = j->type };
    uint8_t msk[64];
    char imsi[FA_IMSI_MAX];

    r.err = carry_out(w, c, j, &r, v, msk, imsi);
    if (writes(j->type)) {
        c->writes++;
        if (c->writes_left > 0 && --c->writes_left == 0) { /* kill -9 right behind the write */
            free(v);
            c->writes_left = -1;
            w_core_restart(w, n);
            return;
        }
    }
    if (j->ref.gen) {
        fa_complete(c->f, &r, w->now, &c->out);
        act(w, n);
    }
    free(v);
}

static void job_add(struct world *w, struct w_core *c, const struct fa_job *j)
{
    for (size_t i = 0; i < 64; i++)
        if (!c->job[i].used) {
            c->job[i] = (struct w_pending){ .used = true, .at_us = w->now + 3 * W_MS, .job = *j };
            return;
        }
    abort();
}

/* ---- actions and time ---- */

static void act(struct world *w, struct w_node *n)
{
    struct w_core *c = n->core;
    for (size_t i = 0; i < c->out.n; i++) {
        const struct fa_action *a = &c->out.v[i];
        if (a->type == FA_ACT_SEND) {
            w_fly(w, n, &a->send.path, 139, a->send.octets);
        } else if (a->type == FA_ACT_JOB) {
            job_add(w, c, a->job);
        } else if (a->type == FA_ACT_EVENT) {
            c->events[a->event.type]++;
            c->relayed += a->event.type == FA_EVENT_RELAYED;
            if (getenv("SIM_LOG"))
                printf("# %10.3f ms %s: %s: %s %s\n", (double)w->now / 1000, n->name,
                       fa_event_name(a->event.type), a->event.name, a->event.detail);
        }
    }
    fa_actions_reset(&c->out);
}

static void input(struct world *w, struct w_node *n, const struct hip_path *path, struct span octets)
{
    bool relayed = path->local.port != 0 && path->local.port != HIP_UDP_PORT;
    int drop = (relayed ? fa_relayed_input : fa_input)(n->core->f, path, octets, w->now, &n->core->out);
    if (drop && getenv("SIM_LOG"))
        printf("# %10.3f ms %s dropped: %d\n", (double)w->now / 1000, n->name, drop);
    act(w, n);
}

static void esp(struct world *w, struct w_node *n, const struct hip_path *path, struct span octets)
{
    struct fa_relay_in in = { .local = path->local, .from = path->peer, .len = (uint32_t)octets.n };
    struct fa_relay_out out;
    int drop;

    if (path->local.port == 0 || !esp_spi(octets, &in.spi))
        return;
    drop = fa_relay_esp(fa_flow_table(n->core->f), &in, w->now, &out);
    if (drop && getenv("SIM_LOG"))
        printf("# %10.3f ms %s dropped ESP: %d\n", (double)w->now / 1000, n->name, drop);
    if (drop) {
        n->core->dropped_esp++;
        return;
    }
    n->core->relayed_esp++;
    w_fly(w, n, &(struct hip_path){ .local = out.local, .peer = out.to }, 50, octets);
}

static uint64_t deadline(const struct w_node *n)
{
    uint64_t at = fa_deadline(n->core->f);
    for (size_t i = 0; i < 64; i++)
        if (n->core->job[i].used && n->core->job[i].at_us < at)
            at = n->core->job[i].at_us;
    return at;
}

static void fire(struct world *w, struct w_node *n)
{
    struct w_core *c = n->core;
    struct w_pending *first = NULL;
    for (size_t i = 0; i < 64; i++)
        if (c->job[i].used && c->job[i].at_us <= w->now && (!first || c->job[i].at_us < first->at_us))
            first = &c->job[i];
    if (first) {
        struct fa_job j = first->job;
        first->used = false;
        job_done(w, n, &j);
        return;
    }
    fa_timeout(c->f, w->now, &c->out);
    act(w, n);
}

static void end(struct w_core *c)
{
    fa_free(c->f);
    c->f = NULL;
    for (size_t i = 0; i < 8; i++)
        aka_server_free(c->conv[i].eap);
    memset(c->conv, 0, sizeof c->conv);
    memset(c->job, 0, sizeof c->job);
    fa_actions_reset(&c->out);
}

static void done(struct w_node *n)
{
    end(n->core);
    hip_hi_done(&n->core->hi);
    free(n->core);
}

static const struct w_node_ops ops = {
    .input = input, .esp = esp, .deadline = deadline, .fire = fire, .done = done
};

/* ---- making ---- */

struct w_node *w_core_new(struct world *w, const char *name, const char *addr, const char *fqdn)
{
    struct w_node *n = &w->node[w->n_node++];
    struct w_core *c = must(calloc(1, sizeof *c));
    struct addr a;

    n->ops = &ops;
    n->name = name;
    n->core = c;
    c->writes_left = -1;
    if (addr_parse(addr, &a) || hip_hi_generate(SIG_ECDSA_P256, 0, &c->hi))
        abort();
    n->addr[n->n_addr++] = (struct w_addr){ .addr = a, .up = true };
    c->realm =
        (struct fa_realm){ .realm = "wlan.mnc001.mcc001.3gppnetwork.org", .n_plmn = 1, .plmn = { "00101" } };
    c->c = (struct fa_config){ .env = &w->env,
                               .hip = w_config().hip,
                               .domain = DOMAIN,
                               .n_addr = 1,
                               .addr = { a },
                               .realms = &c->realm,
                               .n_realms = 1,
                               .sim_binding = true };
    c->c.hip.assoc_max = 64;
    memcpy(c->c.name, fqdn, strlen(fqdn) + 1);
    return n;
}

void w_core_relay(struct w_node *n)
{
    n->core->c.relay = (struct fa_relay_config){ .control = true,
                                                 .data = true,
                                                 .discovery = true,
                                                 .port_first = 20000,
                                                 .port_last = 20999,
                                                 .n_local = 1,
                                                 .local = { n->addr[0].addr } };
}

struct fa_subscriber *w_core_subscriber(struct w_node *n, const struct w_card *card, const char *given,
                                        const char *surname)
{
    struct fa_subscriber *s = &n->core->sub[n->core->n_sub++];
    *s = (struct fa_subscriber){
        .active = true, .publish_name = true, .publish_number = true, .devices_max = 1
    };
    snprintf(s->id, sizeof s->id, "sub-%zu", n->core->n_sub);
    memcpy(s->imsi, card->id.imsi, sizeof s->imsi);
    memcpy(s->given, given, strlen(given) + 1);
    memcpy(s->surname, surname, strlen(surname) + 1);
    return s;
}

void w_core_start(struct world *w, struct w_node *n)
{
    struct w_core *c = n->core;
    c->f = must(fa_new(&c->c));
    if (fa_identity_add(c->f, &c->hi, w->now / W_S, w->now))
        abort();
    fa_wall(c->f, w->unix_s + w->now / W_S, w->now);
    fa_start(c->f, w->now, &c->out);
    act(w, n);
}

void w_core_restart(struct world *w, struct w_node *n)
{
    end(n->core);
    n->core->life++;
    w_core_start(w, n);
}

void w_core_port_breaks(struct world *w, struct w_node *n, const struct addr *port)
{
    fa_port_failed(n->core->f, port, w->now, &n->core->out);
    act(w, n);
}

struct host_fa_conf w_core_conf(const struct w_node *n)
{
    return (struct host_fa_conf){ .hit = n->core->hi.hit, .addr = { n->addr[0].addr }, .n_addr = 1 };
}

const struct fa_binding *w_core_row(const struct w_node *n, const char *name)
{
    for (size_t i = 0; i < W_ROWS; i++)
        if (counts(&n->core->row[i]) && strcmp(n->core->row[i].name, name) == 0)
            return &n->core->row[i];
    return NULL;
}

bool w_core_consistent(const struct world *w, const struct w_node *n)
{
    for (size_t i = 0; i < w->n_dns; i++) {
        char text[DNSU_NAME_TEXT_MAX];
        const struct fa_binding *b;
        if (!w->dns[i].rdata_n)
            continue;
        dnsu_name_text(&w->dns[i].name, text);
        text[strlen(text) - 1] = 0;
        b = w_core_row(n, text);
        if (!b || b->state != FA_BINDING_BOUND || !is(&w->dns[i], b->rdata, b->rdata_len))
            return false;
    }
    for (size_t i = 0; i < W_ROWS; i++) {
        const struct fa_binding *b = &n->core->row[i];
        bool there = false;
        if (!b->id || b->state != FA_BINDING_BOUND)
            continue;
        for (size_t k = 0; k < w->n_dns; k++) {
            char text[DNSU_NAME_TEXT_MAX];
            dnsu_name_text(&w->dns[k].name, text);
            text[strlen(text) - 1] = 0;
            there |= strcmp(text, b->name) == 0 && is(&w->dns[k], b->rdata, b->rdata_len);
        }
        if (!there)
            return false;
    }
    return true;
}
