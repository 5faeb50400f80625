/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hipvec/world_priv.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/cursor.h"
#include "common/base/heap.h"
#include "hip/pkt.h"

#define LINK_US  UINT64_C(10000)
#define QUIET_US UINT64_C(500000) /* what is due later than this is no part of a step */
#define IP_UDP   17
#define STEP_MAX 100000 /* events of one step: more is a defect */

struct world_flight {
    struct world_flight *next;
    uint64_t at_us;
    enum who from, to;
    bool esp;
    struct hip_path path;
    size_t n;
    uint8_t p[WORLD_PACKET_MAX];
};

static const char *const whos[] = { "I", "R", "RVS", "X", "" };
static const char *const steps[] = { "connect",  "connect-both",  "connect-opportunistic",
                                     "esp",      "update",        "update-both",
                                     "move",     "rekey",         "rekey-both",
                                     "rekey-dh", "rekey-dh-both", "notify",
                                     "close",    "close-both",    "permit" };

const char *who_name(enum who w)
{
    return whos[w];
}

enum who who_of(const char *name)
{
    for (enum who w = WHO_I; w < WHO_NONE; w++)
        if (name && strcmp(whos[w], name) == 0)
            return w;
    return WHO_NONE;
}

const char *step_name(enum step_do d)
{
    return steps[d];
}

enum step_do step_of(const char *name)
{
    for (enum step_do d = DO_CONNECT; d < DO__COUNT; d++)
        if (name && strcmp(steps[d], name) == 0)
            return d;
    return DO__COUNT;
}

/* ---- making ---- */

struct world *world_new(bool udp)
{
    struct world *w = calloc(1, sizeof *w);
    if (!w)
        abort();
    w->udp = udp;
    w->now = 1000000;
    for (enum who i = WHO_I; i < WHO_PARTIES; i++)
        w->party[i].draws.party = whos[i];
    return w;
}

void world_free(struct world *w)
{
    if (!w)
        return;
    for (enum who i = WHO_I; i < WHO_PARTIES; i++) {
        struct party *p = &w->party[i];
        if (p->agent)
            agent_free(p->agent);
        else
            hip_engine_free(p->e);
        hip_hi_done(&p->hi);
        draws_done(&p->draws);
        for (size_t k = 0; k < p->n_sa; k++)
            esp_sa_free(p->sa[k].sa);
    }
    while (w->air) {
        struct world_flight *f = w->air;
        w->air = f->next;
        free(f);
    }
    for (size_t i = 0; i < w->n_events; i++)
        free((void *)w->event[i].wire.p);
    free(w->event);
    free(w);
}

static bool fail(struct world *w, const char *why)
{
    if (!w->failed)
        w->failed = why;
    return false;
}

static struct hip_config engine_config(const struct party *p)
{
    static const struct hit anybody;
    struct hip_config c = { .env = &p->env,
                            .assoc_max = p->limits.associations ? p->limits.associations : 8,
                            .puzzle_k = p->conf.puzzle_k,
                            .puzzle_k_max = 20,
                            .tell = p->conf.tell,
                            .r1_per_source_milli = 1000 * p->limits.r1_per_s,
                            .hit_suites = { 1, 2, 3, 5 },
                            .null_encrypt = true, /* where it is in the list: a vector hides nothing */
                            .auth_only = &anybody,
                            .n_auth_only = 1, /* likewise */
                            .drawn_signatures = true };
    memcpy(c.dh_groups, p->conf.dh_groups, sizeof c.dh_groups);
    memcpy(c.ciphers, p->conf.ciphers, sizeof c.ciphers);
    memcpy(c.esp_suites, p->conf.esp_suites, sizeof c.esp_suites);
    memcpy(c.nat_modes, p->conf.nat_modes, sizeof c.nat_modes);
    c.offer.min = p->conf.offer.min;
    c.offer.max = p->conf.offer.max;
    c.offer.n = p->conf.offer.n;
    memcpy(c.offer.type, p->conf.offer.type, sizeof c.offer.type);
    return c;
}

/* A Forwarding Agent makes its offer itself. */
static bool begin_agent(struct world *w, enum who who)
{
    struct party *p = &w->party[who];
    const struct agent_conf c = { .hip = engine_config(p),
                                  .addr = p->addr,
                                  .port = p->conf.relayed_port,
                                  .client = w->party[who == WHO_I ? WHO_R : WHO_I].hi.hit,
                                  .limits = p->limits.relay };
    p->agent = agent_new(&c);
    if (!p->agent)
        return fail(w, "no Forwarding Agent: a suite that is not supported");
    p->e = agent_hip(p->agent);
    return agent_identity(p->agent, &p->hi, p->conf.r1_counter, w->now) == ERR_OK ||
           fail(w, "the Forwarding Agent does not take the host identity");
}

bool world_begin(struct world *w, enum who who)
{
    struct party *p = &w->party[who];
    p->env = draws_env(&p->draws);
    p->present = true;
    p->here = p->addr;
    if (p->conf.relayed_port)
        return begin_agent(w, who);
    struct hip_config c = engine_config(p);
    p->e = hip_engine_new(&c);
    if (!p->e)
        return fail(w, "no engine: a suite that is not supported");
    if (hip_identity_add(p->e, &p->hi, p->conf.r1_counter, w->now) != ERR_OK)
        return fail(w, "the engine does not take the host identity");
    return true;
}

enum who world_by_hit(const struct world *w, const uint8_t hit[16])
{
    for (enum who i = WHO_I; i < WHO_PARTIES; i++)
        if (w->party[i].present && memcmp(w->party[i].hi.hit.b, hit, 16) == 0)
            return i;
    return WHO_NONE;
}

enum who world_by_addr(const struct world *w, const struct addr *a)
{
    for (enum who i = WHO_I; i < WHO_PARTIES; i++)
        if (w->party[i].present && addr_same_ip(&w->party[i].here, a))
            return i;
    return WHO_NONE;
}

static struct hip_path path_to(const struct world *w, const struct party *from, const struct party *to)
{
    struct hip_path path = { .local = from->here, .peer = to->here };
    path.local.port = path.peer.port = w->udp ? HIP_UDP_PORT : 0;
    return path;
}

/* ---- the air ---- */

static void fly(struct world *w, enum who from, const struct hip_path *path, bool esp, struct span octets)
{
    struct world_flight *f = calloc(1, sizeof *f), **at = &w->air;
    if (!f || octets.n > sizeof f->p)
        abort();
    f->from = from;
    f->to = world_by_addr(w, &path->peer);
    f->esp = esp;
    f->path = (struct hip_path){ .local = path->peer, .peer = path->local };
    f->at_us = w->now + LINK_US;
    f->n = octets.n;
    memcpy(f->p, octets.p, octets.n);
    while (*at)
        at = &(*at)->next; /* all links are equally long: in order */
    *at = f;
}

enum hip_state world_state_of(const struct party *p, const struct party *peer, struct hip_assoc_view *v)
{
    struct hip_assoc_view a;
    *v = (struct hip_assoc_view){ 0 };
    if (!p->present || !peer->present)
        return HIP_UNASSOCIATED;
    for (size_t pos = 0; hip_assoc_next(p->e, &pos, &a);)
        if (hit_eq(&a.local, &p->hi.hit) && hit_eq(&a.peer, &peer->hi.hit) &&
            (v->state == HIP_UNASSOCIATED || v->state == HIP_CLOSED))
            *v = a;
    return v->state;
}

void world_note_states(const struct world *w, struct outcome *o)
{
    const struct party *p = w->party;
    struct hip_assoc_view v;
    o->state[WHO_I] = world_state_of(&p[WHO_I], &p[WHO_R], &v);
    o->state[WHO_R] = world_state_of(&p[WHO_R], &p[WHO_I], &v);
    o->state[WHO_RVS] = world_state_of(&p[WHO_RVS], &p[WHO_R], &v);
}

/* ---- the owner ---- */

static struct esp_sa *new_sa(struct world *w, const struct hip_sa_keys *k, bool outbound)
{
    struct esp_sa *sa = NULL;
    struct esp_sa_params a = {
        .spi = k->spi, .suite = k->suite, .enc = k->enc, .auth = k->auth, .outbound = outbound
    };
    if (esp_sa_new(&a, &sa) != ERR_OK)
        fail(w, "no ESP security association");
    return sa;
}

static void put_sa(struct world *w, struct party *p, enum who peer, const struct hip_sa_keys *k,
                   bool outbound)
{
    for (size_t i = 0; i < p->n_sa; i++)
        if (p->sa[i].outbound == outbound && p->sa[i].peer == peer && esp_sa_spi(p->sa[i].sa) == k->spi)
            return; /* SA_UP for a second time: the inbound one of a rekey */
    struct esp_sa *sa = new_sa(w, k, outbound);
    if (!sa)
        return;
    for (size_t i = 0; i < p->n_sa && outbound; i++)
        if (p->sa[i].outbound && p->sa[i].peer == peer) {
            esp_sa_free(p->sa[i].sa);
            p->sa[i].sa = sa;
            return;
        }
    if (p->n_sa == WORLD_SAS) {
        esp_sa_free(sa);
        fail(w, "more security associations than a script may have");
        return;
    }
    p->sa[p->n_sa++] = (struct world_sa){ .peer = peer, .outbound = outbound, .sa = sa };
}

static bool has_out(const struct party *p, enum who peer)
{
    for (size_t i = 0; i < p->n_sa; i++)
        if (p->sa[i].outbound && p->sa[i].peer == peer)
            return true;
    return false;
}

/* All that is offered of what was asked for. */
static void grant(const struct party_conf *c, const struct hip_reg_list *asked, struct hip_reg_list *out)
{
    *out =
        (struct hip_reg_list){ .lifetime = asked->lifetime < c->offer.max ? asked->lifetime : c->offer.max };
    for (uint8_t i = 0; i < asked->n; i++)
        for (uint8_t k = 0; k < c->offer.n; k++)
            if (c->offer.type[k] == asked->type[i])
                out->type[out->n++] = asked->type[i];
    out->present = out->n > 0;
}

bool conf_set_di(struct party_conf *c, uint8_t type, struct span v)
{
    const struct hip_domain_id d = { type, v };
    if (!hip_domain_id_ok(&d))
        return false;
    c->di_type = type;
    c->di_len = (uint8_t)v.n;
    if (v.n)
        memcpy(c->di, v.p, v.n);
    return true;
}

static void ask(struct world *w, struct party *p, const struct hip_action *v)
{
    struct hip_answer a = { .accept = true };
    if (v->type == HIP_ACT_ASK_I2) {
        if (v->ask.contents.info.present)
            a.contents.request = p->conf.request;
        a.contents.di = conf_di(&p->conf);
    } else if (v->ask.contents.request.present) {
        grant(&p->conf, &v->ask.contents.request, &a.contents.response);
    }
    if (v->ask.nat_mode == HIP_NAT_ICE_HIP_UDP) { /* one candidate: where we are */
        struct addr here = p->here;
        here.port = HIP_UDP_PORT;
        a.cand[a.n_cand++] =
            (struct hip_candidate){ .kind = HIP_LOC_HOST, .addr = here, .base = here, .local_pref = 65535 };
    }
    if (hip_answer(p->e, v->ref, &a, w->now, &w->out) != ERR_OK)
        fail(w, "the engine does not take its owner's answer");
}

/* Who asked for rendezvous, or for a control relay, trusts what comes by the server. */
static void trust(struct world *w, const struct party *p, enum who peer, const struct hip_action *v)
{
    const struct hip_reg_list *r = &v->up.contents.response;
    if (!v->up.initiator || !r->present || peer != WHO_RVS)
        return;
    err e = r->type[0] == HIP_REGT_RELAY_UDP_HIP ? hip_relay_trust(p->e, v->ref, true)
                                                 : hip_rvs_trust(p->e, v->ref, true);
    if (e != ERR_OK)
        fail(w, "the server is not trusted");
}

void world_act(struct world *w, enum who who, const struct hip_action *v)
{
    struct party *p = &w->party[who];
    enum who peer = world_by_hit(w, v->peer.b);
    switch (v->type) {
    case HIP_ACT_SEND:
        fly(w, who, &v->send.path, false, v->send.octets);
        break;
    case HIP_ACT_SA_UP:
        /* Before I2: R2 brings it again, with the keys of the I2 that it answers. */
        if (!v->sa.out_ready && !has_out(p, peer))
            break;
        put_sa(w, p, peer, &v->sa.in, false);
        if (v->sa.out_ready)
            put_sa(w, p, peer, &v->sa.out, true);
        break;
    case HIP_ACT_ASK_I2:
    case HIP_ACT_ASK_R2:
        ask(w, p, v);
        break;
    case HIP_ACT_ESTABLISHED:
        trust(w, p, peer, v);
        p->relayed = v->up.contents.relayed;
        break;
    case HIP_ACT_UPDATE:
        if (hip_update_done(p->e, v->ref, w->now, &w->out) != ERR_OK)
            fail(w, "an UPDATE cannot be acknowledged");
        break;
    default:
        break;
    }
}

/* The owner may call the engine while it goes through the list: what that adds stands behind. */
static void carry_out(struct world *w, enum who who)
{
    for (size_t i = 0; i < w->out.n; i++) {
        struct hip_action v = w->out.v[i];
        world_act(w, who, &v);
    }
    hip_actions_reset(&w->out);
}

/* ---- arrival ---- */

/* A packet with RELAY_TO goes there, when it is a client's (RFC 9028 s4.5). */
static int relay_out(struct world *w, struct party *p, const struct hip_path *path, struct span octets)
{
    struct hip_path on = { .local = path->local };
    bool check;
    int drop = hip_relay_wants(octets, &on.peer, &check);
    if (drop != HIP_TAKEN)
        return drop;
    on.local.port = on.peer.port ? HIP_UDP_PORT : 0;
    return hip_relay_from_client(p->e, &on, octets, w->now, &w->out);
}

/* A rendezvous server or control relay: what is for a client of its own, and what comes from one. */
static int relay(struct world *w, struct party *p, const struct hip_path *path, struct span octets)
{
    struct hip_pkt k;
    struct hip_ref client;
    if (hip_pkt_parse(octets, &k) != HIP_TAKEN)
        return HIP_DROP_NOT_REGISTERED;
    if (path->peer.port && hip_pkt_has(&k, HIP_PAR_RELAY_TO))
        return relay_out(w, p, path, octets);
    if (hip_assoc_find(p->e, &p->hi.hit, &k.receiver, &client) != ERR_OK)
        return HIP_DROP_NOT_REGISTERED;
    return path->peer.port ? hip_relay_to_client(p->e, client, path, NULL, octets, w->now, &w->out)
                           : hip_relay_i1(p->e, client, path, octets, w->now, &w->out);
}

static int open_esp(struct world *w, struct party *p, struct span octets)
{
    uint8_t copy[WORLD_PACKET_MAX];
    uint32_t spi;
    if (octets.n > sizeof copy || !esp_spi(octets, &spi))
        return HIP_DROP_INTERNAL;
    for (size_t i = 0; i < p->n_sa; i++) {
        struct esp_opened o;
        struct hip_ref ref;
        if (p->sa[i].outbound || esp_sa_spi(p->sa[i].sa) != spi)
            continue;
        memcpy(copy, octets.p, octets.n);
        if (esp_open(p->sa[i].sa, copy, octets.n, &o) != ERR_OK)
            return HIP_DROP_INTERNAL;
        const struct party *peer = &w->party[p->sa[i].peer];
        if (hip_assoc_find(p->e, &p->hi.hit, &peer->hi.hit, &ref) == ERR_OK)
            hip_sa_used(p->e, ref, w->now, &w->out);
        return HIP_TAKEN;
    }
    return HIP_DROP_INTERNAL;
}

int world_take_in(struct world *w, enum who to, const struct hip_path *path, bool esp, struct span octets,
                  struct hip_path *on)
{
    struct party *p = &w->party[to];
    *on = (struct hip_path){ 0 };
    if (p->agent)
        return agent_input(p->agent, path, esp, octets, w->now, &w->out, on);
    if (esp)
        return open_esp(w, p, octets);
    int drop = hip_input(p->e, path, octets, w->now, &w->out);
    if (drop == HIP_DROP_NOT_OUR_HIT && to == WHO_RVS)
        drop = relay(w, p, path, octets);
    return drop;
}

static struct event *new_event(struct world *w)
{
    if (w->n_events == w->cap_events) {
        w->cap_events = w->cap_events ? 2 * w->cap_events : 16;
        w->event = realloc(w->event, w->cap_events * sizeof *w->event);
        if (!w->event)
            abort();
    }
    return &w->event[w->n_events++];
}

static void arrive(struct world *w, const struct world_flight *f)
{
    if (f->to == WHO_NONE)
        return; /* nobody is there any more */
    uint8_t *copy = malloc(f->n + 1);
    if (!copy)
        abort();
    memcpy(copy, f->p, f->n);
    struct event *e = new_event(w);
    *e = (struct event){
        .from = f->from, .to = f->to, .esp = f->esp, .path = f->path, .wire = span_of(copy, f->n)
    };
    struct hip_path on;
    e->outcome.drop = world_take_in(w, f->to, &f->path, f->esp, e->wire, &on);
    if (on.peer.family != ADDR_NONE)
        fly(w, f->to, &on, true, e->wire);
    carry_out(w, f->to);
    world_note_states(w, &w->event[w->n_events - 1].outcome);
}

/* ---- time ---- */

static bool inject_due(const struct world *w)
{
    return w->inject && !w->inject->done && w->inject->after == w->n_events;
}

static enum who next_timer(const struct world *w, uint64_t *at)
{
    enum who best = WHO_NONE;
    *at = HEAP_NEVER;
    for (enum who i = WHO_I; i < WHO_PARTIES; i++) {
        const struct party *p = &w->party[i];
        uint64_t d = !p->present ? HEAP_NEVER : p->agent ? agent_deadline(p->agent) : hip_deadline(p->e);
        if (d < *at) {
            *at = d;
            best = i;
        }
    }
    return best;
}

static void time_out(struct world *w, const struct party *p)
{
    if (p->agent)
        agent_timeout(p->agent, w->now, &w->out);
    else
        hip_timeout(p->e, w->now, &w->out);
}

static void next_packet(struct world *w)
{
    struct world_flight *f = w->air;
    if (f->at_us > w->now)
        w->now = f->at_us;
    bool instead = inject_due(w) && w->inject->instead;
    if (inject_due(w))
        world_inject(w);
    w->air = f->next;
    if (!instead)
        arrive(w, f);
    free(f);
}

static bool settle(struct world *w)
{
    uint64_t quiet = w->now + QUIET_US;
    for (int i = 0; i < STEP_MAX; i++) {
        uint64_t at;
        enum who who = next_timer(w, &at);
        if (w->air && w->air->at_us <= at) {
            next_packet(w);
            quiet = w->now + QUIET_US;
        } else if (who != WHO_NONE && at <= quiet) {
            w->now = at > w->now ? at : w->now;
            time_out(w, &w->party[who]);
            carry_out(w, who);
        } else {
            w->now = quiet;
            return !w->failed;
        }
    }
    return fail(w, "a step has no end");
}

void world_end(struct world *w)
{
    if (inject_due(w))
        world_inject(w);
}

/* ---- steps ---- */

static bool ref_of(struct world *w, enum who at, enum who to, struct hip_ref *ref)
{
    const struct party *p = &w->party[at], *q = &w->party[to];
    return (p->present && q->present && hip_assoc_find(p->e, &p->hi.hit, &q->hi.hit, ref) == ERR_OK) ||
           fail(w, "no association to do that with");
}

static bool connect_to(struct world *w, enum who at, enum who to, enum who by, bool opportunistic)
{
    static const struct hit nobody;
    struct party *p = &w->party[at];
    const struct party *q = &w->party[to];
    struct hip_ref ref;
    if (!p->present || !q->present || !w->party[by].present)
        return fail(w, "a script names a party that is not there");
    struct hip_path path = path_to(w, p, &w->party[by]);
    if (hip_connect(p->e, &p->hi.hit, opportunistic ? &nobody : &q->hi.hit, &path, 1, w->now, &w->out,
                    &ref) != ERR_OK)
        return fail(w, "hip_connect() refuses");
    carry_out(w, at);
    return true;
}

/* An ICMPv6 echo request (from I) or reply between the HITs, without the IPv6 header that BEET mode leaves out. */
static size_t echo(const struct party *p, const struct party *q, bool reply, uint16_t count, uint8_t out[64])
{
    static const char data[] = "hipfa test vector";
    struct wcur c = wcur_of(out, 64);
    uint32_t sum = 58;
    wcur_u16(&c, reply ? 129 << 8 : 128 << 8);
    wcur_u16(&c, 0);
    wcur_u16(&c, 0x4849); /* identifier */
    wcur_u16(&c, count);
    wcur_put(&c, data, sizeof data - 1);
    size_t n = wcur_len(&c);
    for (size_t i = 0; i < 16; i++) {
        sum += (uint32_t)(p->hi.hit.b[i] + q->hi.hit.b[i]) << (i % 2 ? 0 : 8);
    }
    sum += (uint32_t)n;
    for (size_t i = 0; i < n; i++)
        sum += (uint32_t)out[i] << (i % 2 ? 0 : 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    wcur_patch_u16(&c, 2, (uint16_t)~sum);
    return n;
}

static bool send_esp(struct world *w, enum who at, enum who to)
{
    struct party *p = &w->party[at];
    uint8_t payload[64], out[256];
    size_t n = echo(p, &w->party[to], at != WHO_I, ++p->echoes, payload), len;
    struct hip_assoc_view v;
    world_state_of(p, &w->party[to], &v);
    for (size_t i = 0; i < p->n_sa; i++) {
        if (!p->sa[i].outbound || p->sa[i].peer != to)
            continue;
        if (esp_seal(p->sa[i].sa, &p->env, 58, span_of(payload, n), out, sizeof out, &len) != ERR_OK)
            return fail(w, "ESP cannot be sealed");
        fly(w, at, &v.esp, true, span_of(out, len));
        return true;
    }
    return fail(w, "no outbound security association");
}

static bool move(struct world *w, enum who at, enum who to, const struct addr *addr)
{
    struct party *p = &w->party[at];
    struct hip_ref ref;
    if (!ref_of(w, at, to, &ref))
        return false;
    p->here = *addr;
    struct hip_path path = path_to(w, p, &w->party[to]);
    struct addr set = *addr;
    set.port = path.local.port;
    if (hip_move(p->e, ref, &path, &set, 1, w->now, &w->out) != ERR_OK)
        return fail(w, "hip_move() refuses");
    carry_out(w, at);
    return true;
}

static err start(struct world *w, enum who at, enum step_do what, struct hip_ref ref)
{
    struct hip_engine *e = w->party[at].e;
    uint32_t id;
    switch (what) {
    case DO_UPDATE:
        return hip_probe(e, ref, w->now, &w->out, &id);
    case DO_REKEY:
    case DO_REKEY_DH:
        return hip_rekey(e, ref, what == DO_REKEY_DH, w->now, &w->out);
    case DO_NOTIFY:
        return hip_notify(e, ref, HIP_NTF_RESPONDER_BUSY_PLEASE_RETRY, span_of(NULL, 0), w->now, &w->out);
    case DO_CLOSE:
        return hip_close(e, ref, w->now, &w->out);
    default:
        return ERR_UNSUPPORTED;
    }
}

/* RFC 9028 s4.12.1: to the data relay that it registered with. */
static bool permit(struct world *w, enum who at, enum who to, const struct step *s)
{
    struct party *p = &w->party[at];
    struct hip_ref ref;
    struct hip_contents c = { .has_permission = true,
                              .permission = { .protocol = IP_UDP,
                                              .relayed = p->relayed,
                                              .peer = s->addr,
                                              .spi_out = s->spi_out,
                                              .spi_in = s->spi_in } };
    if (!ref_of(w, at, to, &ref))
        return false;
    if (p->relayed.family == ADDR_NONE)
        return fail(w, "no relayed address to give a permission for");
    if (hip_update(p->e, ref, &c, w->now, &w->out) != ERR_OK)
        return fail(w, "the engine refuses a step");
    carry_out(w, at);
    return true;
}

static bool on_assoc(struct world *w, enum who at, enum who to, enum step_do what)
{
    struct hip_ref ref;
    if (!ref_of(w, at, to, &ref))
        return false;
    if (start(w, at, what, ref) != ERR_OK)
        return fail(w, "the engine refuses a step");
    carry_out(w, at);
    return true;
}

bool world_step(struct world *w, const struct step *s)
{
    enum who at = s->at, to = s->to != WHO_NONE ? s->to : at == WHO_I ? WHO_R : WHO_I;
    bool good;
    if (w->party[at].agent)
        return fail(w, "a Forwarding Agent begins nothing");
    switch (s->what) {
    case DO_CONNECT:
    case DO_CONNECT_OPPORTUNISTIC:
        good = connect_to(w, at, to, s->by != WHO_NONE ? s->by : to, s->what == DO_CONNECT_OPPORTUNISTIC);
        break;
    case DO_CONNECT_BOTH:
        good = connect_to(w, at, to, to, false) && connect_to(w, to, at, at, false);
        break;
    case DO_ESP:
        good = send_esp(w, at, to);
        break;
    case DO_MOVE:
        good = move(w, at, to, &s->addr);
        break;
    case DO_PERMIT:
        good = permit(w, at, to, s);
        break;
    case DO_UPDATE_BOTH:
        good = on_assoc(w, at, to, DO_UPDATE) && on_assoc(w, to, at, DO_UPDATE);
        break;
    case DO_REKEY_BOTH:
        good = on_assoc(w, at, to, DO_REKEY) && on_assoc(w, to, at, DO_REKEY);
        break;
    case DO_REKEY_DH_BOTH:
        good = on_assoc(w, at, to, DO_REKEY_DH) && on_assoc(w, to, at, DO_REKEY_DH);
        break;
    case DO_CLOSE_BOTH:
        good = on_assoc(w, at, to, DO_CLOSE) && on_assoc(w, to, at, DO_CLOSE);
        break;
    default:
        good = on_assoc(w, at, to, s->what);
        break;
    }
    good = good && settle(w);
    if (good && inject_due(w))
        world_inject(w);
    return good;
}
