/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/heap.h"
#include "common/base/hex.h"
#include "common/crypto/secret.h"
#include "hip/build.h"
#include "tests/sim/keys.h"

/* ---- randomness: splitmix64, for the engines and for the links ---- */

uint64_t sim_random(struct sim *s)
{
    uint64_t z = s->rng += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void random_octets(void *ctx, void *out, size_t n)
{
    uint8_t *p = out;
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(sim_random(ctx) >> 11);
}

static void write_log(void *ctx, enum log_level lv, const char *cat, const char *line)
{
    struct sim *s = ctx;
    printf("# %9.3f ms %s %s\n", (double)s->now / 1000, cat, line);
}

static bool chance(struct sim *s, unsigned per_mille)
{
    return per_mille && sim_random(s) % 1000 < per_mille;
}

uint64_t sim_seed(uint64_t otherwise)
{
    const char *t = getenv("SEED");
    return t ? strtoull(t, NULL, 10) : otherwise;
}

/* ---- making ---- */

struct sim *sim_new(uint64_t seed)
{
    struct sim *s = calloc(1, sizeof *s);
    if (!s || crypto_init() != ERR_OK)
        abort();
    s->seed = s->rng = seed;
    s->now = 1000000;
    s->env = (struct env){ .ctx = s, .random = random_octets };
    if (getenv("SIM_LOG"))
        s->env.log = (struct log){ .ctx = s, .write = write_log, .max = LOG_LV_DEBUG };
    s->link.delay_us = 10000;
    return s;
}

void sim_free(struct sim *s)
{
    for (size_t i = 0; i < s->n_hosts; i++)
        hip_engine_free(s->host[i].e);
    for (size_t i = 0; i < s->n_air; i++)
        free(s->air[i]);
    free(s);
}

struct hip_config sim_config(void)
{
    return (struct hip_config){ .assoc_max = 16,
                                .dh_groups = { 7, 8 },
                                .ciphers = { 2, 4 },
                                .esp_suites = { 8, 13 },
                                .puzzle_k = 4,
                                .puzzle_k_max = 20 };
}

static struct addr parse(const char *text)
{
    struct addr a;
    if (addr_parse(text, &a) != ERR_OK)
        abort();
    return a;
}

/* Keys are read once a process: reading one takes longer than a base exchange. */
static const struct hip_hi *identity(int key)
{
    static struct hip_hi hi[sizeof sim_keys / sizeof *sim_keys];
    uint8_t der[2048];
    size_t n;
    if (!hi[key].key && (hex_decode(sim_keys[key], strlen(sim_keys[key]), der, sizeof der, &n) != ERR_OK ||
                         hip_hi_from_private(span_of(der, n), &hi[key]) != ERR_OK))
        abort();
    return &hi[key];
}

struct sim_host *sim_host_hi(struct sim *s, const char *name, const struct hip_config *c,
                             const struct hip_hi *hi, const char *addr)
{
    struct sim_host *h = &s->host[s->n_hosts++];
    struct hip_config cfg = *c;
    cfg.env = &s->env;
    *h = (struct sim_host){ .name = name, .i2.accept = true, .r2.accept = true };
    h->addr[h->n_addr++] = parse(addr);
    h->hi = *hi;
    if (!(h->e = hip_engine_new(&cfg)) || hip_identity_add(h->e, &h->hi, 0, s->now) != ERR_OK)
        abort();
    return h;
}

struct sim_host *sim_host(struct sim *s, const char *name, const struct hip_config *c, int key,
                          const char *addr)
{
    return sim_host_hi(s, name, c, identity(key), addr);
}

struct addr sim_addr(struct sim_host *h, const char *addr)
{
    h->addr[h->n_addr] = parse(addr);
    return h->addr[h->n_addr++];
}

void sim_addr_gone(struct sim_host *h, const char *addr)
{
    struct addr a = parse(addr);
    for (size_t i = 0; i < h->n_addr; i++)
        if (addr_same_ip(&h->addr[i], &a))
            h->addr[i].family = ADDR_NONE;
}

struct hip_path sim_path(const struct sim_host *from, const struct sim_host *to)
{
    return (struct hip_path){ .local = from->addr[0], .peer = to->addr[0] };
}

struct hip_path sim_udp_path(const struct sim_host *from, const struct sim_host *to)
{
    struct hip_path p = sim_path(from, to);
    p.local.port = p.peer.port = HIP_UDP_PORT;
    return p;
}

const struct hit *sim_hit(const struct sim_host *h)
{
    return &h->hi.hit;
}

bool sim_greater(const struct sim_host *a, const struct sim_host *b)
{
    return hit_cmp(sim_hit(a), sim_hit(b)) > 0;
}

struct sim_rule *sim_rule(struct sim *s, const struct sim_host *from, uint8_t type, enum sim_fate f)
{
    struct sim_rule *r = &s->rule[s->n_rules++];
    *r = (struct sim_rule){ .from = from, .type = type, .count = 1, .fate = f };
    return r;
}

/* ---- the air ---- */

/* Who has this address in the network outside (nat NULL) or behind this box. */
static struct sim_host *owner_in(struct sim *s, const struct sim_nat *nat, const struct addr *a)
{
    for (size_t i = 0; i < s->n_hosts; i++)
        for (size_t k = 0; k < s->host[i].n_addr && s->host[i].nat == nat; k++)
            if (s->host[i].addr[k].family != ADDR_NONE && addr_same_ip(&s->host[i].addr[k], a))
                return &s->host[i];
    return NULL;
}

static struct sim_nat *nat_at(struct sim *s, const struct addr *outside)
{
    for (size_t i = 0; i < s->n_hosts; i++)
        if (s->host[i].nat && addr_same_ip(&s->host[i].nat->outside, outside))
            return s->host[i].nat;
    return NULL;
}

static void note(struct sim *s, const struct sim_host *from, const struct sim_host *to, uint8_t type,
                 bool udp, const char *mark)
{
    int n = snprintf(s->ladder + s->ladder_n, sizeof s->ladder - s->ladder_n, "%s>%s %s%s%s\n", from->name,
                     to ? to->name : "?", hip_packet_name(type), udp ? " udp" : "", mark);
    if (s->env.log.write)
        printf("# %9.3f ms %s", (double)s->now / 1000, s->ladder + s->ladder_n);
    if (n > 0 && (size_t)n < sizeof s->ladder - s->ladder_n)
        s->ladder_n += (size_t)n;
}

static void fly(struct sim *s, const struct sim_packet *p, uint64_t after)
{
    struct sim_packet *c = malloc(sizeof *c);
    if (!c || s->n_air == SIM_TRAFFIC)
        abort();
    *c = *p;
    c->at_us = s->now + after;
    c->order = s->order++;
    s->air[s->n_air++] = c;
}

static struct sim_rule *rule_for(struct sim *s, const struct sim_host *from, uint8_t type)
{
    struct sim_rule *hit = NULL;
    for (size_t i = 0; i < s->n_rules; i++) {
        struct sim_rule *r = &s->rule[i];
        if (r->from != from || (r->type && r->type != type) || r->count == 0)
            continue;
        if (r->skip) {
            r->skip--;
            continue;
        }
        if (!hit) {
            r->count--;
            hit = r;
        }
    }
    return hit;
}

/* SIM_LOG: from where to where, and what is in it. */
static void show(const struct sim *s, const struct hip_path *path, struct span octets)
{
    char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];
    struct hip_pkt k;
    if (!s->env.log.write || hip_pkt_parse(octets, &k) != HIP_TAKEN)
        return;
    printf("#               %s > %s:", addr_format(&path->local, from), addr_format(&path->peer, to));
    for (size_t i = 0; i < k.p.n; i++) {
        const struct hip_par *p = &k.p.par[i];
        printf(" %s", hip_param_name(p->type));
        if ((p->type == HIP_PAR_SEQ || p->type == HIP_PAR_ACK) && p->v.n >= 4)
            printf("=%u", (unsigned)p->v.p[2] << 8 | p->v.p[3]);
    }
    printf("\n");
}

static void send(struct sim *s, struct sim_host *from, const struct hip_path *path, struct span octets)
{
    struct sim_packet p = { .path = { .local = path->peer, .peer = path->local }, .n = octets.n };
    bool lost = owner_in(s, from->nat, &path->local) != from;
    memcpy(p.p, octets.p, octets.n);
    show(s, path, octets);
    p.to = owner_in(s, from->nat, &path->peer);
    if (from->nat && !p.to && !lost) { /* out through the box; in through the other one when it arrives */
        lost = !sim_nat_out(from->nat, &p.path.peer, &p.path.local, s->now);
        p.to = owner_in(s, NULL, &path->peer);
    }
    p.by = p.to ? NULL : nat_at(s, &path->peer);
    lost |= !p.to && !p.by;
    lost |= s->lose && s->lose(s, &(struct hip_path){ .local = p.path.peer, .peer = p.path.local });
    uint8_t type = p.p[2];
    bool udp = path->peer.port != 0;
    s->last[type % 32] = p;
    uint64_t d = s->link.delay_us + (s->link.jitter_us ? sim_random(s) % s->link.jitter_us : 0);
    struct sim_rule *r = rule_for(s, from, type);
    enum sim_fate f = r ? r->fate : chance(s, s->link.loss_pm) ? SIM_LOSE : SIM_PASS;
    if (!r && f == SIM_PASS && chance(s, s->link.dup_pm))
        f = SIM_TWICE;
    if (!r && chance(s, s->link.reorder_pm))
        d += 5 * s->link.delay_us;
    if (f == SIM_LOSE || lost) {
        note(s, from, p.to, type, udp, " (lost)");
        return;
    }
    note(s, from, p.to, type, udp, f == SIM_CHANGE ? " (changed)" : "");
    if (f == SIM_CHANGE) {
        r->change(p.p, &p.n);
        hip_set_checksum(p.p, p.n, &path->local, &path->peer);
    }
    fly(s, &p, d + (f == SIM_DELAY ? r->delay_us : 0));
    if (f == SIM_TWICE)
        fly(s, &p, d + 1000);
}

/* ---- the owner ---- */

static void keep_contents(struct sim_host *h, const struct hip_contents *c)
{
    h->contents = *c;
    h->inner_n = c->inner.n;
    if (c->inner.n)
        memcpy(h->inner, c->inner.p, c->inner.n);
    h->contents.inner = span_of(h->inner, h->inner_n);
}

static void keep_keys(const struct hip_sa_keys *k, uint8_t to[64], size_t *n)
{
    *n = k->enc.n + k->auth.n;
    memcpy(to, k->enc.p, k->enc.n);
    memcpy(to + k->enc.n, k->auth.p, k->auth.n);
}

static void on_sa(struct sim_host *h, const struct hip_action *v)
{
    struct hip_assoc_view a;
    if (!v->sa.out_ready && hip_assoc_get(h->e, v->ref, &a) == ERR_OK && a.state == HIP_I2_SENT) {
        h->sa_first++;
        h->spi_in = v->sa.in.spi;
        keep_keys(&v->sa.in, h->key_in, &h->key_in_n);
        return;
    }
    if (!v->sa.out_ready) {
        h->sa_in++;
        h->spi_in_next = v->sa.in.spi;
        return;
    }
    h->sa_up++;
    h->ref = v->ref;
    h->spi_in = v->sa.in.spi;
    h->spi_out = v->sa.out.spi;
    h->sa_path = v->sa.path;
    h->unverified = false;
    keep_keys(&v->sa.in, h->key_in, &h->key_in_n);
    keep_keys(&v->sa.out, h->key_out, &h->key_out_n);
}

static void on_ask(struct sim *s, struct sim_host *h, const struct hip_action *v)
{
    bool i2 = v->type == HIP_ACT_ASK_I2;
    *(i2 ? &h->asked_i2 : &h->asked_r2) += 1;
    h->asked = v->ref;
    h->asked_relayed = v->ask.relayed;
    h->asked_mode = v->ask.nat_mode;
    keep_contents(h, &v->ask.contents);
    h->ask_contents = h->contents;
    if (h->contents.di.v.n)
        memcpy(h->di, h->contents.di.v.p, h->contents.di.v.n);
    h->ask_contents.di.v = span_of(h->di, h->contents.di.v.n);
    if (!h->hold && hip_answer(h->e, v->ref, i2 ? &h->i2 : &h->r2, s->now, &s->out) != ERR_OK)
        abort();
    if (v->ask.nat_mode == HIP_NAT_ICE_HIP_UDP) /* SA_UP waits for the checks */
        h->ref = v->ref;
}

static void on_update(struct sim *s, struct sim_host *h, const struct hip_action *v)
{
    h->updates++;
    h->update_id = v->update.id;
    h->update_acks_ours = v->update.acks_ours;
    keep_contents(h, &v->update.contents);
    err r = ERR_OK;
    if (h->reply)
        r = hip_update(h->e, v->ref, &h->reply->contents, s->now, &s->out);
    else if (h->done)
        r = hip_update_done(h->e, v->ref, s->now, &s->out);
    if (r != ERR_OK)
        abort();
}

static void act(struct sim *s, struct sim_host *h, const struct hip_action *v)
{
    bool other = h->only.gen && (h->only.gen != v->ref.gen || h->only.slot != v->ref.slot);
    if (other && v->type != HIP_ACT_SEND && v->type != HIP_ACT_ASK_I2 && v->type != HIP_ACT_ASK_R2 &&
        v->type != HIP_ACT_UPDATE)
        return;
    switch (v->type) {
    case HIP_ACT_SEND:
        h->i2_bare += (v->send.octets.p[2] & 0x7f) == HIP_PKT_I2 && h->sa_first == 0;
        send(s, h, &v->send.path, v->send.octets);
        break;
    case HIP_ACT_ICMP:
        h->icmp++;
        h->icmp_path = v->send.path;
        h->icmp_n = v->send.octets.n;
        memcpy(h->icmp_p, v->send.octets.p, h->icmp_n);
        break;
    case HIP_ACT_SA_UP:
        on_sa(h, v);
        break;
    case HIP_ACT_SA_PATH:
        h->sa_path = v->sa_path.path;
        h->credit = v->sa_path.unverified ? v->sa_path.credit + (h->unverified ? h->credit : 0) : 0;
        h->unverified = v->sa_path.unverified;
        break;
    case HIP_ACT_SA_DOWN:
        h->sa_down++;
        break;
    case HIP_ACT_ASK_I2:
    case HIP_ACT_ASK_R2:
        on_ask(s, h, v);
        break;
    case HIP_ACT_ESTABLISHED:
        h->up++;
        h->initiator = v->up.initiator;
        keep_contents(h, &v->up.contents);
        break;
    case HIP_ACT_UPDATE:
        on_update(s, h, v);
        break;
    case HIP_ACT_ACKED:
        h->acked++;
        h->acked_id = v->acked.id;
        break;
    case HIP_ACT_MOVED:
        h->moved++;
        break;
    case HIP_ACT_NOTIFY:
        h->notified++;
        h->notify_code = v->notify.code;
        h->notify_n = v->notify.data.n;
        break;
    case HIP_ACT_CHECKS:
        h->what = v->checks.what;
        h->checks[h->what]++;
        h->checks_path = v->checks.path;
        h->checked_us = s->now;
        break;
    case HIP_ACT_PERMIT:
        h->permits++;
        h->permit_peer = v->permit.peer;
        break;
    case HIP_ACT_PROBED:
        *(v->probed.answered ? &h->probes : &h->unanswered) += 1;
        h->rtt_us = v->probed.rtt_us;
        break;
    case HIP_ACT_GONE:
        h->gone++;
        h->why = v->gone.why;
        break;
    }
}

/* The owner may call the engine while it goes through the list: what that adds stands behind. */
void sim_act(struct sim *s, struct sim_host *h)
{
    for (size_t i = 0; i < s->out.n; i++) {
        struct hip_action v = s->out.v[i];
        act(s, h, &v);
    }
    hip_actions_reset(&s->out);
}

struct hip_ref sim_connect(struct sim *s, struct sim_host *from, struct sim_host *to)
{
    struct hip_path path = sim_path(from, to);
    struct hip_ref ref;
    if (hip_connect(from->e, sim_hit(from), sim_hit(to), &path, 1, s->now, &s->out, &ref) != ERR_OK)
        abort();
    sim_act(s, from);
    return ref;
}

struct hip_ref sim_connect_udp(struct sim *s, struct sim_host *from, struct sim_host *to,
                               const struct sim_host *by)
{
    struct hip_path path = sim_udp_path(from, by);
    struct hip_ref ref;
    if (hip_connect(from->e, sim_hit(from), sim_hit(to), &path, 1, s->now, &s->out, &ref) != ERR_OK)
        abort();
    sim_act(s, from);
    return ref;
}

/* Control relay: a client's packet with RELAY_TO goes there, what is for a client goes to it. */
static int relay_udp(struct sim *s, struct sim_host *h, const struct hip_path *path, struct span octets,
                     const struct hip_pkt *k)
{
    struct hip_path on = { .local = path->local };
    struct hip_ref client;
    bool check;
    if (hip_assoc_find(h->e, sim_hit(h), &k->sender, &client) == ERR_OK &&
        hip_relay_wants(octets, &on.peer, &check) == HIP_TAKEN) {
        for (size_t i = 0; i < h->n_addr && on.local.family != on.peer.family; i++)
            on.local = h->addr[i];
        on.local.port = on.peer.port ? HIP_UDP_PORT : 0;
        return hip_relay_from_client(h->e, &on, octets, s->now, &s->out);
    }
    if (hip_assoc_find(h->e, sim_hit(h), &k->receiver, &client) != ERR_OK)
        return HIP_DROP_NOT_REGISTERED;
    return hip_relay_to_client(h->e, client, path, NULL, octets, s->now, &s->out);
}

static int relay(struct sim *s, struct sim_host *h, const struct hip_path *path, struct span octets)
{
    struct hip_pkt k;
    struct hip_ref client;
    if (hip_pkt_parse(octets, &k) != HIP_TAKEN)
        return HIP_DROP_NOT_REGISTERED;
    if (path->peer.port)
        return relay_udp(s, h, path, octets, &k);
    if ((k.type != HIP_PKT_I1 && k.type != HIP_PKT_UPDATE) ||
        hip_assoc_find(h->e, sim_hit(h), &k.receiver, &client) != ERR_OK)
        return HIP_DROP_NOT_REGISTERED;
    return hip_relay_i1(h->e, client, path, octets, s->now, &s->out);
}

int sim_inject(struct sim *s, struct sim_host *to, const struct hip_path *path, struct span octets)
{
    to->octets_in += octets.n;
    int drop = HIP_TAKEN;
    if (!to->input || !to->input(s, to, path, octets, &drop))
        drop = hip_input(to->e, path, octets, s->now, &s->out);
    if (drop == HIP_DROP_NOT_OUR_HIT && to->relays)
        drop = relay(s, to, path, octets);
    if (drop != HIP_TAKEN)
        to->drop = drop;
    sim_act(s, to);
    return drop;
}

/* ---- time ---- */

static size_t next_packet(const struct sim *s)
{
    size_t best = s->n_air;
    for (size_t i = 0; i < s->n_air; i++)
        if (best == s->n_air || s->air[i]->at_us < s->air[best]->at_us ||
            (s->air[i]->at_us == s->air[best]->at_us && s->air[i]->order < s->air[best]->order))
            best = i;
    return best;
}

static struct sim_host *next_timer(struct sim *s, uint64_t *at)
{
    struct sim_host *best = NULL;
    *at = HEAP_NEVER;
    for (size_t i = 0; i < s->n_hosts; i++) {
        uint64_t d = hip_deadline(s->host[i].e);
        if (d < *at) {
            *at = d;
            best = &s->host[i];
        }
    }
    return best;
}

void sim_run(struct sim *s, uint64_t us)
{
    uint64_t end = s->now + us;
    for (;;) {
        uint64_t at;
        struct sim_host *h = next_timer(s, &at);
        size_t i = next_packet(s);
        if (i < s->n_air && s->air[i]->at_us <= at) {
            struct sim_packet *p = s->air[i];
            if (p->at_us > end)
                break;
            s->air[i] = s->air[--s->n_air];
            s->now = p->at_us > s->now ? p->at_us : s->now;
            if (p->by && sim_nat_in(p->by, &p->path.peer, &p->path.local, s->now))
                p->to = owner_in(s, p->by, &p->path.local);
            /* An address that went while the packet was under way does not get it. */
            if (p->to && owner_in(s, p->to->nat, &p->path.local) == p->to)
                (void)sim_inject(s, p->to, &p->path, span_of(p->p, p->n));
            free(p);
        } else if (h && at <= end) {
            s->now = at > s->now ? at : s->now;
            hip_timeout(h->e, s->now, &s->out);
            sim_act(s, h);
        } else {
            break;
        }
    }
    s->now = end;
}

const struct sim_packet *sim_sent(const struct sim *s, uint8_t type)
{
    return s->last[type % 32].n ? &s->last[type % 32] : NULL;
}

/* ---- reading it ---- */

bool sim_ladder_is(const struct sim *s, const char *expected)
{
    if (strcmp(s->ladder, expected) == 0)
        return true;
    printf("seed %llu, ladder:\n%sexpected:\n%s", (unsigned long long)s->seed, s->ladder, expected);
    return false;
}

void sim_ladder_clear(struct sim *s)
{
    s->ladder_n = 0;
    s->ladder[0] = 0;
}

size_t sim_count(const struct sim *s, const char *line)
{
    size_t n = 0;
    for (const char *p = s->ladder; *p; p = strchr(p, '\n') + 1)
        if (strncmp(p, line, strlen(line)) == 0)
            n++;
    return n;
}

static bool half(const struct sim_host *a, const struct sim_host *b)
{
    return a->spi_in == b->spi_out && a->key_in_n == b->key_out_n && a->key_in_n > 0 &&
           memcmp(a->key_in, b->key_out, a->key_in_n) == 0;
}

bool sim_joined(const struct sim_host *a, const struct sim_host *b)
{
    struct hip_assoc_view va, vb;
    if (hip_assoc_get(a->e, a->ref, &va) != ERR_OK || hip_assoc_get(b->e, b->ref, &vb) != ERR_OK ||
        !hit_eq(&va.peer, sim_hit(b)) || !hit_eq(&vb.peer, sim_hit(a)))
        return false;
    if (va.nat_mode == HIP_NAT_ICE_HIP_UDP && va.checks != HIP_CHECKS_DIRECT &&
        va.checks != HIP_CHECKS_RELAYED) /* no SA before a pair is nominated */
        return vb.nat_mode == va.nat_mode && va.spi_in == vb.spi_out && vb.spi_in == va.spi_out;
    return half(a, b) && half(b, a);
}
