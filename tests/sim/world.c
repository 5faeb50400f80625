/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/heap.h"
#include "common/crypto/secret.h"
#include "hip/esp/beet.h"

#define PROTO_ESP 50
#define PROTO_HIP 139

struct w_packet {
    uint64_t at_us, order;
    struct hip_path path; /* as the receiver sees it */
    uint8_t proto;
    size_t n;
    uint8_t p[HIP_PACKET_MAX];
};

struct w_job {
    uint64_t at_us;
    struct w_node *node;
    struct host *h; /* answers to a daemon that was restarted are dropped */
    struct host_job job;
    uint8_t *octets;
};

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

static struct addr parse(const char *text)
{
    struct addr a;
    if (addr_parse(text, &a))
        abort();
    return a;
}

static struct dnsu_name name_of(const char *text)
{
    struct dnsu_name n;
    if (dnsu_name_from_text(text, &n))
        abort();
    return n;
}

/* ---- randomness: splitmix64 ---- */

uint64_t w_random(struct world *w)
{
    uint64_t z = w->rng += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void random_octets(void *ctx, void *out, size_t n)
{
    uint8_t *p = out;
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(w_random(ctx) >> 11);
}

uint64_t w_seed(uint64_t otherwise)
{
    const char *t = getenv("SEED");
    return t ? strtoull(t, NULL, 10) : otherwise;
}

static bool chance(struct world *w, unsigned pm)
{
    return pm && w_random(w) % 1000 < pm;
}

static bool loud(void)
{
    return getenv("SIM_LOG") != NULL;
}

/* ---- making ---- */

struct world *w_new(uint64_t seed)
{
    struct world *w = must(calloc(1, sizeof *w));
    if (crypto_init())
        abort();
    w->seed = w->rng = seed;
    w->now = 5 * W_S;
    w->unix_s = 1700000000;
    w->delay_us = 10 * W_MS;
    w->env = (struct env){ .ctx = w, .random = random_octets };
    printf("# seed %llu\n", (unsigned long long)seed);
    return w;
}

static void sa_free(struct w_sa *s)
{
    esp_sa_free(s->in);
    esp_sa_free(s->out);
    memset(s, 0, sizeof *s);
}

static void host_gone(struct w_node *n)
{
    for (size_t i = 0; i < sizeof n->sa / sizeof n->sa[0]; i++)
        sa_free(&n->sa[i]);
    host_free(n->h);
    n->h = NULL;
}

void w_free(struct world *w)
{
    for (size_t i = 0; i < w->n_node; i++) {
        host_gone(&w->node[i]);
        if (w->node[i].fa)
            w_fa_done(w->node[i].fa);
        free(w->node[i].fa);
        if (w->node[i].ops)
            w->node[i].ops->done(&w->node[i]);
    }
    for (size_t i = 0; i < w->n_air; i++)
        free(w->air[i]);
    for (size_t i = 0; i < w->n_job; i++) {
        free(w->job[i]->octets);
        free(w->job[i]);
    }
    for (size_t i = 0; i < w->n_card; i++)
        free(w->card[i]);
    free(w);
}

struct host_config w_config(void)
{
    return (struct host_config){
        .hip = { .assoc_max = 32,
                 .dh_groups = { 7, 8 },
                 .ciphers = { 2, 4 },
                 .esp_suites = { 8, 13 },
                 .puzzle_k = 2,
                 .puzzle_k_max = 20 },
        .require_dnssec = true,
        .want = { "matti-virtanen.operator.example" },
        .label = "phone",
    };
}

struct w_node *w_host(struct world *w, const char *name, const struct host_config *c)
{
    struct w_node *n = &w->node[w->n_node++];
    n->name = name;
    n->c = *c;
    n->c.env = &w->env;
    n->h = must(host_new(&n->c));
    return n;
}

static void tell_addresses(struct world *w, struct w_node *n)
{
    struct host_addr a[6];
    size_t k = 0;
    if (!n->h)
        return;
    for (size_t i = 0; i < n->n_addr; i++)
        if (n->addr[i].up)
            a[k++] = (struct host_addr){ n->addr[i].addr, n->addr[i].link, n->addr[i].rank };
    host_actions_reset(&n->out);
    host_addresses(n->h, a, k, w->now, &n->out);
    w_act(w, n);
}

void w_start(struct world *w, struct w_node *n)
{
    host_actions_reset(&n->out);
    host_start(n->h, w->unix_s + w->now / W_S, w->now, &n->out);
    w_act(w, n);
    tell_addresses(w, n);
    if (n->card)
        w_card_in(w, n, n->card);
}

void w_restart(struct world *w, struct w_node *n)
{
    host_gone(n);
    memset(&n->id, 0, sizeof n->id);
    n->h = must(host_new(&n->c));
    w_start(w, n);
}

struct w_node *w_fa_new(struct world *w, const char *name, const char *addr, const char *fqdn)
{
    struct w_node *n = &w->node[w->n_node++];
    n->name = name;
    n->fa = must(calloc(1, sizeof *n->fa));
    n->fa->name = name_of(fqdn);
    n->fa->lifetime_s = 86400 * 30;
    n->fa->reg_s = 600;
    n->fa->offer_max = 160;
    if (hip_hi_generate(SIG_ECDSA_P256, 0, &n->fa->hi) || hip_hi_generate(SIG_ECDSA_P256, 0, &n->fa->other))
        abort();
    n->addr[n->n_addr++] = (struct w_addr){ .addr = parse(addr), .up = true };
    w_fa_engine(w, n);
    return n;
}

void w_fa_restart(struct world *w, struct w_node *n)
{
    w_fa_engine(w, n);
}

struct host_fa_conf w_fa_conf(const struct w_node *fa)
{
    struct host_fa_conf c = { .hit = fa->fa->hi.hit };
    for (size_t i = 0; i < fa->n_addr; i++)
        c.addr[c.n_addr++] = fa->addr[i].addr;
    return c;
}

struct w_card *w_card_new(struct world *w, const char *imsi, uint8_t k)
{
    struct w_card *c = must(calloc(1, sizeof *c));
    w->card[w->n_card++] = c;
    memcpy(c->id.imsi, imsi, strlen(imsi) + 1);
    memcpy(c->id.iccid, "8901", 5);
    c->id.mnc_len = 2;
    memset(c->m.cred.k, k, sizeof c->m.cred.k);
    memset(c->m.cred.opc, k ^ 0x55, sizeof c->m.cred.opc);
    sqn_usim_init(&c->m.sqn);
    c->gsm = true;
    return c;
}

static struct w_addr *addr_find(struct w_node *n, const struct addr *a)
{
    for (size_t i = 0; i < n->n_addr; i++)
        if (addr_same_ip(&n->addr[i].addr, a))
            return &n->addr[i];
    return NULL;
}

void w_addr_up(struct world *w, struct w_node *n, const char *text, unsigned link, unsigned rank)
{
    struct addr a = parse(text);
    struct w_addr *x = addr_find(n, &a);
    if (!x)
        x = &n->addr[n->n_addr++];
    *x = (struct w_addr){ .addr = a, .link = link, .rank = rank, .up = true };
    tell_addresses(w, n);
}

void w_addr_down(struct world *w, struct w_node *n, const char *text)
{
    struct addr a = parse(text);
    struct w_addr *x = must(addr_find(n, &a));
    x->up = false;
    tell_addresses(w, n);
}

void w_card_in(struct world *w, struct w_node *n, struct w_card *c)
{
    n->card = c;
    host_actions_reset(&n->out);
    host_sim(n->h, true, w->now, &n->out);
    w_act(w, n);
}

void w_card_out(struct world *w, struct w_node *n)
{
    host_actions_reset(&n->out);
    host_sim(n->h, false, w->now, &n->out);
    n->card = NULL;
    w_act(w, n);
}

struct w_name *w_dns(struct world *w, const char *text)
{
    struct dnsu_name n = name_of(text);
    for (size_t i = 0; i < w->n_dns; i++)
        if (dnsu_name_eq(&w->dns[i].name, &n))
            return &w->dns[i];
    w->dns[w->n_dns] = (struct w_name){ .name = n, .security = DNSU_SECURE, .ttl = 300 };
    return &w->dns[w->n_dns++];
}

void w_dns_addr(struct world *w, const char *name, const char *addr)
{
    struct w_name *n = w_dns(w, name);
    n->addr[n->n_addr++] = parse(addr);
}

void w_dns_hip(struct world *w, const char *name, const struct hip_hi *hi, const char *rvs)
{
    struct w_name *n = w_dns(w, name);
    struct dnsu_hiprr rr = { .hit = span_of(hi->hit.b, 16) };
    struct dnsu_name r;
    if (hip_hi_to_dns(hi, &rr.pk_alg, &rr.pk))
        abort();
    if (rvs) {
        r = name_of(rvs);
        rr.rvs = dnsu_name_span(&r);
        rr.n_rvs = 1;
    }
    if (dnsu_hiprr_encode(&rr, n->rdata, sizeof n->rdata, &n->rdata_n))
        abort();
}

/* ---- the air ---- */

static struct w_node *owner(struct world *w, const struct addr *a)
{
    for (size_t i = 0; i < w->n_node; i++) {
        struct w_addr *x = addr_find(&w->node[i], a);
        if (x && x->up && !w->node[i].down)
            return &w->node[i];
    }
    return NULL;
}

struct sim_nat *w_nat(struct world *w, enum sim_nat_kind mapping, enum sim_nat_kind filtering,
                      const char *outside, const char *prefix, unsigned bits)
{
    struct sim_nat *n = &w->nat[w->n_nat++];
    sim_nat_init(n, mapping, filtering, outside, prefix, bits);
    return n;
}

/* Out of the sender's network. false: it gets nowhere. */
static bool leave_net(struct world *w, struct hip_path *p)
{
    for (size_t i = 0; i < w->n_nat; i++) {
        struct sim_nat *n = &w->nat[i];
        bool from = sim_nat_inside(n, &p->local), to = sim_nat_inside(n, &p->peer);
        if (from && !to && !sim_nat_out(n, &p->local, &p->peer, w->now))
            return false;
        if (to && !from)
            return false;
    }
    return true;
}

/* Into the receiver's; p as the receiver sees it. false: no mapping, or filtered. */
static bool enter_net(struct world *w, struct hip_path *p)
{
    for (size_t i = 0; i < w->n_nat; i++)
        if (addr_same_ip(&w->nat[i].outside, &p->local))
            return sim_nat_in(&w->nat[i], &p->peer, &p->local, w->now);
    return true;
}

static void put(struct world *w, const struct w_packet *p, uint64_t after)
{
    struct w_packet *c = must(malloc(sizeof *c));
    if (w->n_air == W_AIR)
        abort();
    *c = *p;
    c->at_us = w->now + after;
    c->order = w->order++;
    w->air[w->n_air++] = c;
}

static const char *kind(uint8_t proto, const uint8_t *p)
{
    static const char *const names[] = { "?", "I1", "R1", "I2", "R2" };
    if (proto == PROTO_ESP)
        return "ESP";
    switch (p[2] & 0x7f) {
    case 16:
        return "UPDATE";
    case 17:
        return "NOTIFY";
    case 18:
        return "CLOSE";
    case 19:
        return "CLOSE_ACK";
    default:
        return names[(p[2] & 0x7f) < 5 ? p[2] & 0x7f : 0];
    }
}

void w_fly(struct world *w, const struct w_node *from, const struct hip_path *path, uint8_t proto,
           struct span octets)
{
    struct hip_path out = { .local = path->local, .peer = path->peer };
    uint64_t d = w->delay_us;
    bool lost = chance(w, w->loss_pm) || owner(w, &path->local) != from ||
                path->local.family != path->peer.family || !leave_net(w, &out) ||
                (w->lose && w->lose(w->lose_ctx, &out, proto == PROTO_ESP));
    struct w_packet p = { .path = { .local = out.peer, .peer = out.local }, .proto = proto, .n = octets.n };
    struct w_node *to = owner(w, &path->peer);
    memcpy(p.p, octets.p, octets.n);
    if (loud())
        printf("# %10.3f ms %s > %s %s%s\n", (double)w->now / 1000, from->name, to ? to->name : "?",
               kind(proto, p.p), lost || !to ? " (lost)" : "");
    if (lost)
        return;
    if (chance(w, w->reorder_pm))
        d += 5 * w->delay_us;
    put(w, &p, d);
    if (chance(w, w->dup_pm))
        put(w, &p, d + W_MS);
}

/* ---- ESP ---- */

static struct w_sa *sa_of(struct w_node *n, const struct hit *peer)
{
    for (size_t i = 0; i < sizeof n->sa / sizeof n->sa[0]; i++)
        if (n->sa[i].used && hit_eq(&n->sa[i].peer, peer))
            return &n->sa[i];
    return NULL;
}

static void esp_send(struct world *w, struct w_node *n, struct w_sa *s)
{
    uint8_t buf[256];
    size_t len;
    if (esp_seal(s->out, &w->env, 17, span_of("datagram", 8), buf, sizeof buf, &len))
        abort();
    w_fly(w, n, &s->path, PROTO_ESP, span_of(buf, len));
    n->sent++;
}

static void esp_in(struct world *w, struct w_node *n, const struct w_packet *p)
{
    uint8_t buf[HIP_PACKET_MAX];
    struct esp_opened o;
    uint32_t spi;
    if (!esp_spi(span_of(p->p, p->n), &spi))
        abort();
    for (size_t i = 0; i < sizeof n->sa / sizeof n->sa[0]; i++) {
        struct w_sa *s = &n->sa[i];
        if (!s->used || esp_sa_spi(s->in) != spi)
            continue;
        memcpy(buf, p->p, p->n);
        if (esp_open(s->in, buf, p->n, &o))
            return;
        n->rx++;
        n->rx_us = w->now;
        host_actions_reset(&n->out);
        host_sa_used(n->h, s->ref, 0, 0, w->now, &n->out);
        w_act(w, n);
        return;
    }
}

/* ---- jobs ---- */

static struct w_file *file_find(struct w_node *n, const char *name)
{
    for (size_t i = 0; i < n->n_file; i++)
        if (strcmp(n->file[i].name, name) == 0)
            return &n->file[i];
    return NULL;
}

static err file_save(struct w_node *n, const struct w_job *j)
{
    struct w_file *f = file_find(n, j->job.file.name);
    if (n->disk_full)
        return ERR_IO;
    if (!f)
        f = &n->file[n->n_file++];
    memcpy(f->name, j->job.file.name, sizeof f->name);
    memcpy(f->b, j->octets, j->job.file.octets.n);
    f->n = j->job.file.octets.n;
    return ERR_OK;
}

static void sim_result(struct w_node *n, const struct host_job *j, struct host_result *r,
                       struct usim_auth *auth, struct host_local_key *local)
{
    struct w_card *c = n->card;
    if (!c) {
        r->e = ERR_NOT_FOUND;
    } else if (j->type == HOST_JOB_SIM_IDENTITY) {
        r->e = c->refuses;
        r->why = c->refuses == ERR_REFUSED ? "wants its PIN" : NULL;
        r->identity = c->refuses ? NULL : &c->id;
    } else if (j->type == HOST_JOB_SIM_AUTH) {
        c->asked++;
        usim_card_authenticate(&c->m, j->auth.rand, j->auth.autn, auth);
        r->auth = auth;
    } else if (!c->gsm) {
        r->e = ERR_REFUSED;
    } else {
        for (size_t i = 0; i < HOST_LOCAL_RANDS; i++)
            if (usim_card_gsm(&c->m, j->local.rand[i], local->sres[i], local->kc[i]))
                abort();
        r->local = local;
    }
}

static const struct w_name *dns_find(const struct world *w, const struct dnsu_name *n)
{
    for (size_t i = 0; i < w->n_dns; i++)
        if (dnsu_name_eq(&w->dns[i].name, n))
            return &w->dns[i];
    return NULL;
}

static void dns_result(const struct world *w, const struct host_job *j, struct host_result *r,
                       struct span *rd)
{
    const struct w_name *n = dns_find(w, &j->name);
    if (w->dns_down) {
        r->e = ERR_TIMEOUT;
    } else if (j->type == HOST_JOB_LOOKUP_HIP) {
        r->hip.security = n ? n->security : DNSU_SECURE;
        r->hip.nxdomain = !n;
        r->hip.ttl = n ? n->ttl : 60;
        if (n && n->rdata_n) {
            *rd = span_of(n->rdata, n->rdata_n);
            r->hip.rdata = rd;
            r->hip.n = 1;
        }
    } else {
        r->addrs.security = n ? n->security : DNSU_SECURE;
        r->addrs.ttl = n ? n->ttl : 60;
        r->addrs.n = n ? n->n_addr : 0;
        r->addrs.v = n ? n->addr : NULL;
    }
}

static void job_done(struct world *w, struct w_job *j)
{
    struct host_result r = { .id = j->job.id };
    struct usim_auth auth;
    struct host_local_key local;
    struct w_file *f;
    struct span rd;
    struct w_node *n = j->node;

    if (n->h != j->h)
        return;
    switch (j->job.type) {
    case HOST_JOB_SIM_IDENTITY:
    case HOST_JOB_SIM_AUTH:
    case HOST_JOB_SIM_LOCAL:
        sim_result(n, &j->job, &r, &auth, &local);
        break;
    case HOST_JOB_LOAD:
        f = file_find(n, j->job.file.name);
        r.e = f ? ERR_OK : ERR_NOT_FOUND;
        r.octets = f ? span_of(f->b, f->n) : span_of(NULL, 0);
        break;
    case HOST_JOB_SAVE:
        r.e = file_save(n, j);
        break;
    case HOST_JOB_LOOKUP_HIP:
    case HOST_JOB_LOOKUP_ADDR:
        n->lookups++;
        dns_result(w, &j->job, &r, &rd);
        break;
    }
    host_actions_reset(&n->out);
    host_complete(n->h, &r, w->now, &n->out);
    w_act(w, n);
}

static void job_add(struct world *w, struct w_node *n, const struct host_job *job)
{
    struct w_job *j = must(calloc(1, sizeof *j));
    if (w->n_job == sizeof w->job / sizeof w->job[0])
        abort();
    j->at_us = w->now + 2 * W_MS;
    j->node = n;
    j->h = n->h;
    j->job = *job;
    if (job->type == HOST_JOB_SAVE) {
        j->octets = must(malloc(job->file.octets.n));
        memcpy(j->octets, job->file.octets.p, job->file.octets.n);
    }
    w->job[w->n_job++] = j;
}

void w_jobs_lost(struct world *w)
{
    while (w->n_job) {
        struct w_job *j = w->job[--w->n_job];
        free(j->octets);
        free(j);
    }
}

/* ---- a host's actions ---- */

static void sa_up(struct w_node *n, const struct host_action *a)
{
    struct w_sa *s = sa_of(n, &a->peer);
    for (size_t i = 0; !s && i < sizeof n->sa / sizeof n->sa[0]; i++)
        if (!n->sa[i].used)
            s = &n->sa[i];
    must(s);
    if (!a->sa.out) {
        /* Of an I2, or half of a rekey: what is sealed for it comes only after the other half. */
        esp_sa_free(a->sa.in);
        return;
    }
    sa_free(s);
    *s = (struct w_sa){
        .used = true, .peer = a->peer, .ref = a->ref, .in = a->sa.in, .out = a->sa.out, .path = a->sa.path
    };
}

static void event(const struct world *w, struct w_node *n, const struct host_action *a)
{
    n->events[a->event.what]++;
    memcpy(n->text[a->event.what], a->event.text, sizeof n->text[0]);
    if (loud())
        printf("# %10.3f ms %s: %s: %s\n", (double)w->now / 1000, n->name, host_event_name(a->event.what),
               a->event.text);
}

static void act(struct world *w, struct w_node *n, const struct host_action *a)
{
    struct w_sa *s;
    switch (a->type) {
    case HOST_ACT_ICMP: /* nobody here looks at it */
        break;
    case HOST_ACT_SEND:
        w_fly(w, n, &a->send.path, PROTO_HIP, a->send.octets);
        break;
    case HOST_ACT_SA_UP:
        sa_up(n, a);
        if (a->sa.out && n->waiting && hit_eq(&n->queued, &a->peer)) {
            n->waiting = false;
            esp_send(w, n, sa_of(n, &a->peer));
        }
        break;
    case HOST_ACT_SA_PATH:
        s = sa_of(n, &a->peer);
        if (s)
            s->path = a->path.to;
        break;
    case HOST_ACT_SA_DOWN:
        s = sa_of(n, &a->peer);
        if (s && s->ref.gen == a->ref.gen && s->ref.slot == a->ref.slot)
            sa_free(s);
        break;
    case HOST_ACT_ID_UP:
        n->id = a->local;
        n->id_up++;
        break;
    case HOST_ACT_ID_DOWN:
        memset(&n->id, 0, sizeof n->id);
        n->id_down++;
        break;
    case HOST_ACT_UNREACHABLE:
        n->unreachable++;
        n->waiting = false;
        break;
    case HOST_ACT_PROBED:
        n->probed++;
        n->probed_e = a->probed.e;
        n->probed_rtt_us = a->probed.rtt_us;
        n->probed_path = a->probed.path;
        break;
    case HOST_ACT_RESOLVED:
        n->ticket = a->resolved.ticket;
        n->resolved_e = a->resolved.e;
        n->resolved_n = a->resolved.n;
        memcpy(n->resolved, a->resolved.hit, sizeof n->resolved);
        break;
    case HOST_ACT_JOB:
        job_add(w, n, &a->job);
        break;
    case HOST_ACT_EVENT:
        event(w, n, a);
        break;
    }
}

void w_act(struct world *w, struct w_node *n)
{
    for (size_t i = 0; i < n->out.n; i++)
        act(w, n, &n->out.v[i]);
    host_actions_reset(&n->out);
}

/* ---- time ---- */

static uint64_t deadline(const struct w_node *n)
{
    if (n->ops)
        return n->down ? HEAP_NEVER : n->ops->deadline(n);
    if (n->fa)
        return n->down ? HEAP_NEVER : hip_deadline(n->fa->e);
    return n->h ? host_deadline(n->h) : HEAP_NEVER;
}

static void deliver(struct world *w, struct w_packet *p)
{
    struct w_node *n = enter_net(w, &p->path) ? owner(w, &p->path.local) : NULL;
    if (!n)
        return;
    if (n->ops) {
        if (p->proto == PROTO_HIP)
            n->ops->input(w, n, &p->path, span_of(p->p, p->n));
        else if (n->ops->esp)
            n->ops->esp(w, n, &p->path, span_of(p->p, p->n));
    } else if (n->fa) {
        if (p->proto == PROTO_HIP)
            w_fa_input(w, n, &p->path, span_of(p->p, p->n));
    } else if (p->proto == PROTO_ESP) {
        esp_in(w, n, p);
    } else if (n->h) {
        int drop;
        host_actions_reset(&n->out);
        drop = host_input(n->h, &p->path, span_of(p->p, p->n), w->now, &n->out);
        if (drop && loud())
            printf("# %10.3f ms %s dropped %s: %d\n", (double)w->now / 1000, n->name, kind(p->proto, p->p),
                   drop);
        w_act(w, n);
    }
}

static void fire(struct world *w, struct w_node *n)
{
    if (n->ops) {
        n->ops->fire(w, n);
        return;
    }
    if (n->fa) {
        hip_timeout(n->fa->e, w->now, &n->fa->out);
        w_fa_act(w, n);
        return;
    }
    host_actions_reset(&n->out);
    host_timeout(n->h, w->now, &n->out);
    w_act(w, n);
}

/* The next thing that happens before `end`; false: nothing. */
static bool step(struct world *w, uint64_t end)
{
    uint64_t at = end;
    size_t packet = SIZE_MAX, job = SIZE_MAX;
    struct w_node *node = NULL;

    for (size_t i = 0; i < w->n_node; i++)
        if (deadline(&w->node[i]) < at) {
            at = deadline(&w->node[i]);
            node = &w->node[i];
        }
    for (size_t i = 0; i < w->n_job; i++)
        if (w->job[i]->at_us < at) {
            at = w->job[i]->at_us;
            job = i;
        }
    for (size_t i = 0; i < w->n_air; i++)
        if (w->air[i]->at_us < at ||
            (packet != SIZE_MAX && w->air[i]->at_us == at && w->air[i]->order < w->air[packet]->order)) {
            at = w->air[i]->at_us;
            packet = i;
        }
    if (packet == SIZE_MAX && job == SIZE_MAX && !node)
        return false;
    if (at > w->now)
        w->now = at;
    if (packet != SIZE_MAX) {
        struct w_packet *p = w->air[packet];
        w->air[packet] = w->air[--w->n_air];
        deliver(w, p);
        free(p);
    } else if (job != SIZE_MAX) {
        struct w_job *j = w->job[job];
        w->job[job] = w->job[--w->n_job];
        job_done(w, j);
        free(j->octets);
        free(j);
    } else {
        fire(w, node);
    }
    return true;
}

void w_run(struct world *w, uint64_t us)
{
    uint64_t end = w->now + us;
    while (step(w, end))
        ;
    w->now = end;
}

bool w_until(struct world *w, uint64_t us, bool (*done)(const struct world *w, void *arg), void *arg)
{
    uint64_t end = w->now + us;
    while (!done(w, arg))
        if (!step(w, end)) {
            w->now = end;
            return done(w, arg);
        }
    return true;
}

/* ---- doing ---- */

void w_send(struct world *w, struct w_node *from, const struct hit *to)
{
    struct w_sa *s = sa_of(from, to);
    if (s) {
        esp_send(w, from, s);
        return;
    }
    from->queued = *to;
    from->waiting = true;
    host_actions_reset(&from->out);
    host_want(from->h, to, w->now, &from->out);
    w_act(w, from);
}

static bool has_more(const struct world *w, void *arg)
{
    const struct w_node *const *a = arg;
    return a[0]->rx != (unsigned)(uintptr_t)a[1];
}

bool w_ping(struct world *w, struct w_node *from, struct w_node *to, uint64_t us)
{
    const void *arg[2] = { to, (const void *)(uintptr_t)to->rx };
    w_send(w, from, &to->id);
    return w_until(w, us, has_more, arg);
}

void w_silent(struct world *w, struct w_node *n, const struct hit *peer, uint64_t us)
{
    struct w_sa *s = sa_of(n, peer);
    if (!s)
        return;
    host_actions_reset(&n->out);
    host_sa_silent(n->h, s->ref, us, w->now, &n->out);
    w_act(w, n);
}

bool w_peer(const struct w_node *n, const struct hit *peer, struct host_peer_view *out)
{
    size_t pos = 0;
    while (host_peer_next(n->h, &pos, out))
        if (hit_eq(&out->hit, peer))
            return true;
    return false;
}

void w_probe(struct world *w, struct w_node *n, const struct hit *peer)
{
    host_ping(n->h, peer, 7, w->now, &n->out);
    w_act(w, n);
}

void w_resolve(struct world *w, struct w_node *n, const char *name)
{
    struct dnsu_name d = name_of(name);
    n->resolved_e = ERR_STATE;
    n->resolved_n = 0;
    host_actions_reset(&n->out);
    host_resolve(n->h, &d, n->ticket + 1, w->now, &n->out);
    w_act(w, n);
}

struct host_status w_status(const struct world *w, const struct w_node *n)
{
    struct host_status s;
    host_status(n->h, w->now, &s);
    return s;
}
