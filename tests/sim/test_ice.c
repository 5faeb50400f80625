/* SPDX-License-Identifier: Apache-2.0
 *
 * ICE-HIP-UDP between two hosts behind NAT boxes, by way of a relay host (RFC 9028 s4.6, s4.9): which pair both ends come to, what happens
 * when that breaks and when it heals, and moves. Every mapping and filtering that RFC 4787 names on both sides; seeded runs with
 * loss and reordering: SEED=n replays one, RUNS=n makes more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/heap.h"
#include "hip/param_nat.h"
#include "tests/sim/sim.h"

#define S  UINT64_C(1000000)
#define MS UINT64_C(1000)

#define FA "198.51.100.1"

#define HOLDS(s, c) \
    do { \
        if (!(c)) { \
            show(s); \
            fail_msg("seed %llu: %s", (unsigned long long)(s)->seed, #c); \
        } \
    } while (0)

/* ---- the relay: control and data, one port for each client ---- */

struct flow {
    struct hit client;
    struct addr at; /* the relayed address */
};

struct place {
    struct sim_nat nat;
    struct sim_host *h;
    struct hip_ref fa; /* its association with the relay */
};

struct two {
    struct sim *s;
    struct sim_host *fa;
    struct place a, b;
    struct flow flow[4];
    size_t n_flows;
};

static struct two *world;

static bool fa_input(struct sim *s, struct sim_host *fa, const struct hip_path *path, struct span octets,
                     int *drop)
{
    struct hip_pkt k;
    struct hip_ref client;
    struct addr to;
    bool check;
    if (hip_pkt_parse(octets, &k) != HIP_TAKEN)
        return false;
    const struct flow *f = NULL, *from = NULL;
    for (size_t i = 0; i < world->n_flows; i++) {
        if (world->flow[i].at.port == path->local.port)
            f = &world->flow[i];
        if (hit_eq(&world->flow[i].client, &k.sender))
            from = &world->flow[i];
    }
    const struct hit *receiver = f ? &f->client : &k.receiver;
    if (!f && hit_eq(receiver, sim_hit(fa)))
        return false;
    *drop = HIP_DROP_NOT_REGISTERED;
    if (!f && hip_relay_wants(octets, &to, &check) == HIP_TAKEN) {
        struct hip_path out = { .local = check && from ? from->at : fa->addr[0], .peer = to };
        *drop = hip_relay_from_client(fa->e, &out, octets, s->now, &s->out);
    } else if (hip_assoc_find(fa->e, sim_hit(fa), receiver, &client) == ERR_OK) {
        *drop = hip_relay_to_client(fa->e, client, path, NULL, octets, s->now, &s->out);
    }
    return true;
}

/* ---- making ---- */

static void show(const struct sim *s)
{
    const struct sim_host *h[2] = { world->a.h, world->b.h };
    for (int k = 0; k < 2; k++) {
        struct hip_pair_view v;
        size_t pos = 0;
        char l[ADDR_TEXT_MAX], r[ADDR_TEXT_MAX];
        printf("%s: %s, %u SA_UP, path %s", h[k]->name, hip_checks_name(h[k]->what), h[k]->sa_up,
               addr_format(&h[k]->sa_path.peer, l));
        printf(" to %s\n", addr_format(&h[k]->sa_path.to, l));
        while (hip_pair_next(h[k]->e, h[k]->ref, &pos, &v))
            printf("  %-18s %-22s -> %-18s %-22s %s%s tries %u rtt %u\n", hip_locator_kind_name(v.local.kind),
                   addr_format(&v.local.base, l), hip_locator_kind_name(v.remote_kind),
                   addr_format(&v.remote, r), hip_pair_state_name(v.state), v.nominated ? " nominated" : "",
                   v.tries, v.rtt_us);
    }
    if (getenv("LADDER"))
        printf("%s", s->ladder);
}

static size_t gather(const struct two *t, const struct place *p, struct hip_candidate c[3])
{
    struct hip_assoc_view v;
    size_t n = 0;
    struct addr base = p->h->addr[0];
    c[n++] = (struct hip_candidate){ .kind = HIP_LOC_HOST, .addr = base, .base = base, .local_pref = 65535 };
    assert_int_equal(hip_assoc_get(p->h->e, p->fa, &v), ERR_OK);
    struct hip_ref at_fa;
    assert_int_equal(hip_assoc_find(t->fa->e, sim_hit(t->fa), sim_hit(p->h), &at_fa), ERR_OK);
    assert_int_equal(hip_assoc_get(t->fa->e, at_fa, &v), ERR_OK);
    if (!addr_eq(&v.path.peer, &base)) /* REG_FROM */
        c[n++] = (struct hip_candidate){
            .kind = HIP_LOC_SRFLX, .addr = v.path.peer, .base = base, .local_pref = 65535
        };
    for (size_t i = 0; i < t->n_flows; i++)
        if (hit_eq(&t->flow[i].client, sim_hit(p->h)))
            c[n++] = (struct hip_candidate){ .kind = HIP_LOC_RELAYED,
                                             .addr = t->flow[i].at,
                                             .base = base,
                                             .relay = t->fa->addr[0],
                                             .local_pref = 65535 };
    return n;
}

static void join(struct two *t, struct place *p, bool relayed)
{
    struct sim *s = t->s;
    p->fa = sim_connect(s, p->h, t->fa);
    sim_run(s, 2 * S);
    p->h->sa_up = 0;
    HOLDS(s, hip_relay_trust(p->h->e, p->fa, true) == ERR_OK);
    if (relayed) {
        t->flow[t->n_flows] = (struct flow){ .client = *sim_hit(p->h), .at = t->fa->addr[0] };
        t->flow[t->n_flows].at.port = (uint16_t)(50001 + t->n_flows);
        t->n_flows++;
    }
    struct hip_candidate c[3];
    p->h->i2.n_cand = p->h->r2.n_cand = gather(t, p, c);
    memcpy(p->h->i2.cand, c, sizeof c);
    memcpy(p->h->r2.cand, c, sizeof c);
}

/* -1: no NAT on this side */
struct side {
    int mapping, filtering;
    bool relay;
};

static void put(struct two *t, struct place *p, const char *name, int key, const struct side *v,
                const char *outside, const char *net)
{
    struct hip_config c = sim_config();
    char at[32];
    c.nat_modes[0] = HIP_NAT_ICE_HIP_UDP;
    c.nat_modes[1] = HIP_NAT_UDP_ENCAPSULATION;
    snprintf(at, sizeof at, "%s:10500", v->mapping < 0 ? outside : net);
    p->h = sim_host(t->s, name, &c, key, at);
    if (v->mapping < 0)
        return;
    sim_nat_init(&p->nat, (enum sim_nat_kind)v->mapping, (enum sim_nat_kind)v->filtering, outside, net, 24);
    p->h->nat = &p->nat;
}

static struct two *make(uint64_t seed, const struct side *a, const struct side *b)
{
    struct two *t = calloc(1, sizeof *t);
    struct hip_config c = sim_config();
    world = t;
    t->s = sim_new(seed);
    c.relay_server = true;
    t->fa = sim_host(t->s, "fa", &c, 1, FA ":10500");
    t->fa->input = fa_input;
    put(t, &t->a, "a", 0, a, "192.0.2.77", "10.0.0.2");
    put(t, &t->b, "b", 2, b, "203.0.113.88", "10.9.0.2");
    join(t, &t->a, a->relay);
    join(t, &t->b, b->relay);
    return t;
}

static void unmake(struct two *t)
{
    sim_free(t->s);
    free(t);
}

static bool meet(struct two *t)
{
    struct hip_path path = { .local = t->a.h->addr[0], .peer = t->fa->addr[0] };
    struct hip_ref ref;
    err r = hip_connect(t->a.h->e, sim_hit(t->a.h), sim_hit(t->b.h), &path, 1, t->s->now, &t->s->out, &ref);
    sim_act(t->s, t->a.h);
    return r == ERR_OK;
}

/* ---- what must hold ---- */

static bool find(struct sim_host *h, const struct sim_host *peer)
{
    return hip_assoc_find(h->e, sim_hit(h), sim_hit(peer), &h->ref) == ERR_OK;
}

/* Do the NATs let a direct pair come to be? With endpoint-independent mapping on one side the other may be as it likes, unless that
 * one filters by port and the other's ports cannot be known. With such mapping on neither side it takes luck, or filters that let
 * strangers in. */
enum direct { NEVER, ALWAYS, PERHAPS };

static enum direct direct_possible(const struct side *a, const struct side *b)
{
    bool eim_a = a->mapping == SIM_NAT_ENDPOINT_INDEPENDENT,
         eim_b = b->mapping == SIM_NAT_ENDPOINT_INDEPENDENT;
    bool ports_a = a->filtering == SIM_NAT_ADDRESS_AND_PORT_DEPENDENT;
    bool ports_b = b->filtering == SIM_NAT_ADDRESS_AND_PORT_DEPENDENT;
    if (a->mapping < 0 || b->mapping < 0 || (eim_a && eim_b))
        return ALWAYS;
    if (eim_a || eim_b)
        return (eim_a ? ports_a : ports_b) ? NEVER : ALWAYS;
    return ports_a && ports_b ? NEVER : PERHAPS;
}

/* What a sends to is what b sends from, whatever the boxes make of it. */
static bool same_pair(const struct two *t)
{
    const struct hip_path *a = &t->a.h->sa_path, *b = &t->b.h->sa_path;
    bool relay_a = a->to.family != ADDR_NONE, relay_b = b->to.family != ADDR_NONE;
    struct addr to_a = relay_b ? b->to : b->peer, to_b = relay_a ? a->to : a->peer;
    struct addr at_a = a->local, at_b = b->local;
    for (size_t i = 0; i < t->n_flows; i++) {
        if (relay_a && hit_eq(&t->flow[i].client, sim_hit(t->a.h)))
            at_a = t->flow[i].at;
        if (relay_b && hit_eq(&t->flow[i].client, sim_hit(t->b.h)))
            at_b = t->flow[i].at;
    }
    if (!relay_a && t->a.h->nat && addr_same_ip(&to_a, &t->a.h->nat->outside))
        at_a = to_a;
    if (!relay_b && t->b.h->nat && addr_same_ip(&to_b, &t->b.h->nat->outside))
        at_b = to_b;
    return addr_eq(&to_a, &at_a) && addr_eq(&to_b, &at_b);
}

static bool settled(const struct two *t, enum direct d)
{
    bool direct = t->a.h->what == HIP_CHECKS_DIRECT && t->b.h->what == HIP_CHECKS_DIRECT;
    bool relayed = t->a.h->what == HIP_CHECKS_RELAYED && t->b.h->what == HIP_CHECKS_RELAYED;
    return (d == NEVER ? relayed : d == ALWAYS ? direct : direct || relayed) && same_pair(t);
}

static bool until(struct two *t, enum direct what, uint64_t us)
{
    uint64_t end = t->s->now + us;
    while (!settled(t, what) && t->s->now < end)
        sim_run(t->s, 20 * MS);
    return settled(t, what);
}

/* A probe from each end over the path that ESP takes comes back. */
static bool answers(struct two *t)
{
    struct sim_host *h[2] = { t->a.h, t->b.h };
    bool good = true;
    for (int k = 0; k < 2; k++) {
        unsigned before = h[k]->probes;
        uint32_t id;
        for (int i = 0; i < 12 && h[k]->probes == before; i++) {
            if (hip_probe(h[k]->e, h[k]->ref, t->s->now, &t->s->out, &id) != ERR_OK)
                return false;
            sim_act(t->s, h[k]);
            sim_run(t->s, 2500 * MS);
        }
        good &= h[k]->probes > before;
    }
    return good;
}

static const int kinds[] = { SIM_NAT_ENDPOINT_INDEPENDENT, SIM_NAT_ADDRESS_DEPENDENT,
                             SIM_NAT_ADDRESS_AND_PORT_DEPENDENT };
static const struct side open_side = { -1, -1, true };

static void comes_up(struct two *t, enum direct what, uint64_t us)
{
    struct sim *s = t->s;
    bool good = false;
    for (int i = 0; i < 3 && !good; i++) { /* I1s may all be lost, then the owner tries again */
        if (!find(t->a.h, t->b.h))
            (void)meet(t);
        good = until(t, what, us);
    }
    (void)find(t->a.h, t->b.h);
    (void)find(t->b.h, t->a.h);
    HOLDS(s, good);
    HOLDS(s, t->a.h->sa_up == 1 && t->b.h->sa_up == 1);
    HOLDS(s, sim_joined(t->a.h, t->b.h));
}

/* What the data relay server was asked for last is what ESP goes by: it has one peer for one SPI (RFC 9028 s4.12.1). */
static bool permitted(const struct sim_host *h)
{
    return h->sa_path.to.family == ADDR_NONE || (h->permits && addr_eq(&h->permit_peer, &h->sa_path.to));
}

/* ---- every combination ---- */

static void pair_of(const struct side *a, const struct side *b)
{
    printf("# mapping %d filtering %d%s, mapping %d filtering %d%s\n", a->mapping, a->filtering,
           a->relay ? " relay" : "", b->mapping, b->filtering, b->relay ? " relay" : "");
    struct two *t = make(7, a, b);
    enum direct direct = direct_possible(a, b);
    struct hip_assoc_view v;
    comes_up(t, direct, 8 * S);
    HOLDS(t->s, answers(t));
    HOLDS(t->s, permitted(t->a.h) && permitted(t->b.h));
    HOLDS(t->s, hip_assoc_get(t->a.h->e, t->a.h->ref, &v) == ERR_OK);
    HOLDS(t->s, v.controlling && v.nat_mode == HIP_NAT_ICE_HIP_UDP && hip_path_eq(&v.esp, &t->a.h->sa_path));
    HOLDS(t->s, hip_assoc_get(t->b.h->e, t->b.h->ref, &v) == ERR_OK && !v.controlling);
    if (direct == ALWAYS)
        HOLDS(t->s, t->a.h->sa_path.to.family == ADDR_NONE && t->b.h->sa_path.to.family == ADDR_NONE);
    unmake(t);
}

static void every_combination(void **state)
{
    for (size_t i = 0; i < 9; i++)
        for (size_t k = 0; k < 9; k++) {
            struct side a = { kinds[i / 3], kinds[i % 3], true }, b = { kinds[k / 3], kinds[k % 3], true };
            pair_of(&a, &b);
        }
}

static void one_in_the_open(void **state)
{
    for (size_t i = 0; i < 9; i++) {
        struct side a = { kinds[i / 3], kinds[i % 3], i % 2 == 0 };
        pair_of(&a, &open_side);
        pair_of(&open_side, &a);
    }
    pair_of(&open_side, &open_side);
}

/* ---- what breaks, and heals ---- */

static enum { NOTHING, BOTH_WAYS, FROM_A, FROM_B } broken;

/* Everything direct between the two, whichever box or host it leaves from; the relay is reached all the same. */
static bool lose_direct(const struct sim *s, const struct hip_path *path)
{
    struct addr fa = world->fa->addr[0];
    if (addr_same_ip(&path->local, &fa) || addr_same_ip(&path->peer, &fa))
        return false;
    bool from_a = addr_same_ip(&path->local, &world->a.nat.outside);
    return broken == BOTH_WAYS || (from_a ? broken == FROM_A : broken == FROM_B);
}

/* Time passes, and the owners of the ends named find that nothing comes in, as long as the other end sends where it is lost. */
static void silent_for(struct two *t, bool a, bool b, uint64_t us)
{
    for (uint64_t end = t->s->now + us; t->s->now < end; sim_run(t->s, 100 * MS)) {
        if (a && t->b.h->what == HIP_CHECKS_DIRECT) {
            hip_path_silent(t->a.h->e, t->a.h->ref, t->s->now, &t->s->out);
            sim_act(t->s, t->a.h);
        }
        if (b && t->a.h->what == HIP_CHECKS_DIRECT) {
            hip_path_silent(t->b.h->e, t->b.h->ref, t->s->now, &t->s->out);
            sim_act(t->s, t->b.h);
        }
        if (settled(t, NEVER))
            return;
    }
}

static void falls_back(const struct side *a, const struct side *b, int how, bool by_a, bool by_b)
{
    struct two *t = make(11, a, b);
    struct sim *s = t->s;
    broken = NOTHING;
    s->lose = lose_direct;
    comes_up(t, ALWAYS, 8 * S);
    sim_run(s, 5 * S);
    broken = how;
    uint64_t since = s->now;
    silent_for(t, by_a, by_b, 6 * S);
    HOLDS(s, settled(t, NEVER));
    printf("# left after %llu ms\n", (unsigned long long)((s->now - since) / MS));
    HOLDS(s, s->now - since <= 3 * S);
    HOLDS(s, t->a.h->sa_up == 1 && t->b.h->sa_up == 1); /* the same SAs, by another way */
    HOLDS(s, answers(t));
    sim_run(s, 20 * S);
    HOLDS(s, settled(t, NEVER));
    broken = NOTHING;
    HOLDS(s, until(t, ALWAYS, 35 * S)); /* taken back */
    HOLDS(s, answers(t));
    HOLDS(s, t->a.h->sa_up == 1 && t->b.h->sa_up == 1);
    unmake(t);
}

static void path_breaks(void **state)
{
    static const struct side usual = { SIM_NAT_ENDPOINT_INDEPENDENT, SIM_NAT_ADDRESS_AND_PORT_DEPENDENT,
                                       true };
    static const struct side cone = { SIM_NAT_ENDPOINT_INDEPENDENT, SIM_NAT_ENDPOINT_INDEPENDENT, true };
    falls_back(&usual, &usual, BOTH_WAYS, true, true);
    falls_back(&usual, &usual, BOTH_WAYS, true, false);
    falls_back(&usual, &usual, BOTH_WAYS, false, true);
    falls_back(&cone, &cone, FROM_A, true, true);
    falls_back(&cone, &cone, FROM_B, true, true);
    falls_back(&cone, &usual, FROM_A, false, true);
    falls_back(&usual, &cone, FROM_B, true, false);
    falls_back(&usual, &open_side, BOTH_WAYS, true, true);
}

/* The direct way is gone and nobody has noticed: an UPDATE and the CLOSE go by the relay at the second try (s4.8, s4.11). */
static void by_the_relay_then(void **state)
{
    static const struct side usual = { SIM_NAT_ENDPOINT_INDEPENDENT, SIM_NAT_ADDRESS_AND_PORT_DEPENDENT,
                                       true };
    struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };
    for (int k = 0; k < 2; k++) {
        struct two *t = make(17, &usual, &usual);
        struct sim_host *from = k ? t->b.h : t->a.h, *to = k ? t->a.h : t->b.h;
        broken = NOTHING;
        t->s->lose = lose_direct;
        comes_up(t, ALWAYS, 8 * S);
        sim_run(t->s, 3 * S);
        broken = BOTH_WAYS;
        to->done = true;
        HOLDS(t->s, hip_update(from->e, from->ref, &q, t->s->now, &t->s->out) == ERR_OK);
        sim_act(t->s, from);
        sim_run(t->s, 2 * S);
        HOLDS(t->s, from->acked == 1);
        HOLDS(t->s, hip_close(from->e, from->ref, t->s->now, &t->s->out) == ERR_OK);
        sim_act(t->s, from);
        sim_run(t->s, 2 * S);
        HOLDS(t->s, from->gone == 1 && to->gone == 1 && to->why == HIP_GONE_CLOSED);
        unmake(t);
    }
}

/* A box forgets everything: other ports from now on, to which the peer follows. */
static void box_restarts(void **state)
{
    static const struct side cone = { SIM_NAT_ENDPOINT_INDEPENDENT, SIM_NAT_ENDPOINT_INDEPENDENT, true };
    for (int which = 0; which < 2; which++) {
        struct two *t = make(12, &cone, &cone);
        struct sim *s = t->s;
        comes_up(t, ALWAYS, 8 * S);
        sim_run(s, 3 * S);
        struct place *p = which ? &t->b : &t->a;
        struct addr was = (which ? t->a.h : t->b.h)->sa_path.peer;
        sim_nat_restart(&p->nat, NULL);
        hip_path_silent(p->h->e, p->h->ref, s->now, &s->out); /* it is the one that hears nothing */
        sim_act(s, p->h);
        sim_run(s, 3 * S);
        HOLDS(s, settled(t, ALWAYS));
        HOLDS(s, !addr_eq(&(which ? t->a.h : t->b.h)->sa_path.peer, &was));
        HOLDS(s, answers(t));
        unmake(t);
    }
}

/* No way at all: told, no ESP, signalling goes on; and when there is a way it is found. */
static void no_way(void **state)
{
    static const struct side usual = { SIM_NAT_ENDPOINT_INDEPENDENT, SIM_NAT_ADDRESS_AND_PORT_DEPENDENT,
                                       false };
    struct two *t = make(13, &usual, &usual);
    struct sim *s = t->s;
    broken = BOTH_WAYS;
    s->lose = lose_direct;
    (void)meet(t);
    sim_run(s, 20 * S);
    HOLDS(s, find(t->a.h, t->b.h) && find(t->b.h, t->a.h));
    HOLDS(s, t->a.h->what == HIP_CHECKS_FAILED && t->b.h->what == HIP_CHECKS_FAILED);
    HOLDS(s, t->a.h->sa_up == 0 && t->b.h->sa_up == 0);
    HOLDS(s, t->a.h->notified == 1 && t->a.h->notify_code == HIP_NTF_CONNECTIVITY_CHECKS_FAILED);
    HOLDS(s, t->a.h->notify_n == 0); /* RFC 9028 s5.10 */
    HOLDS(s, t->b.h->notified == 1);
    uint32_t id;
    HOLDS(s, hip_probe(t->a.h->e, t->a.h->ref, s->now, &s->out, &id) == ERR_STATE);
    struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };
    t->b.h->done = true;
    HOLDS(s, hip_update(t->a.h->e, t->a.h->ref, &q, s->now, &s->out) == ERR_OK);
    sim_act(s, t->a.h);
    sim_run(s, S);
    HOLDS(s, t->a.h->acked == 1);
    broken = NOTHING;
    HOLDS(s, until(t, ALWAYS, 70 * S));
    HOLDS(s, t->a.h->sa_up == 1 && t->b.h->sa_up == 1);
    unmake(t);
}

/* Relayed, until a box is opened: the direct pair is taken then. */
static void becomes_direct(void **state)
{
    static const struct side symmetric = { SIM_NAT_ADDRESS_AND_PORT_DEPENDENT,
                                           SIM_NAT_ADDRESS_AND_PORT_DEPENDENT, true };
    struct two *t = make(14, &symmetric, &symmetric);
    struct sim *s = t->s;
    comes_up(t, NEVER, 8 * S);
    sim_run(s, 20 * S);
    HOLDS(s, settled(t, NEVER));
    HOLDS(s, t->a.h->permits + t->b.h->permits > 0);
    t->b.nat.filtering = SIM_NAT_ENDPOINT_INDEPENDENT;
    t->b.nat.mapping = SIM_NAT_ENDPOINT_INDEPENDENT;
    HOLDS(s, until(t, ALWAYS, 40 * S));
    HOLDS(s, answers(t));
    unmake(t);
}

/* Nothing is sent for minutes, and the boxes forget after thirty seconds: keepalives hold every path that ESP may take (s4.10). */
static void idle(void **state)
{
    static const struct side v[] = {
        { SIM_NAT_ADDRESS_AND_PORT_DEPENDENT, SIM_NAT_ADDRESS_AND_PORT_DEPENDENT, true },
        { SIM_NAT_ENDPOINT_INDEPENDENT, SIM_NAT_ADDRESS_AND_PORT_DEPENDENT, true },
    };
    for (size_t i = 0; i < 2; i++) {
        struct two *t = make(16, &v[i], &v[i]);
        t->a.nat.timeout_us = t->b.nat.timeout_us = 30 * S;
        comes_up(t, direct_possible(&v[i], &v[i]), 8 * S);
        sim_run(t->s, 400 * S);
        HOLDS(t->s, settled(t, direct_possible(&v[i], &v[i])));
        uint32_t id;
        for (int k = 0; k < 2; k++) {
            struct sim_host *h = k ? t->b.h : t->a.h;
            HOLDS(t->s, hip_probe(h->e, h->ref, t->s->now, &t->s->out, &id) == ERR_OK);
            sim_act(t->s, h);
            sim_run(t->s, S);
            HOLDS(t->s, h->probes == 1);
            sim_run(t->s, 100 * S);
        }
        unmake(t);
    }
}

/* ---- moves (s4.9) ---- */

static size_t move_to(struct two *t, struct place *p, struct sim_nat *nat, const char *outside,
                      const char *net, struct hip_candidate c[2])
{
    char at[32];
    snprintf(at, sizeof at, "%s:10500", net);
    sim_nat_init(nat, SIM_NAT_ENDPOINT_INDEPENDENT, SIM_NAT_ADDRESS_AND_PORT_DEPENDENT, outside, net, 24);
    p->h->nat = nat;
    p->h->n_addr = 0;
    struct addr base = sim_addr(p->h, at), seen = base;
    (void)sim_nat_out(nat, &seen, &t->fa->addr[0], t->s->now); /* what REG_FROM would tell */
    c[0] = (struct hip_candidate){ .kind = HIP_LOC_HOST, .addr = base, .base = base, .local_pref = 65535 };
    c[1] = (struct hip_candidate){ .kind = HIP_LOC_SRFLX, .addr = seen, .base = base, .local_pref = 65535 };
    return 2;
}

static void moves(void **state)
{
    static const struct side usual = { SIM_NAT_ENDPOINT_INDEPENDENT, SIM_NAT_ADDRESS_AND_PORT_DEPENDENT,
                                       true };
    struct two *t = make(15, &usual, &usual);
    struct sim *s = t->s;
    struct sim_nat elsewhere;
    struct hip_candidate c[2];
    comes_up(t, ALWAYS, 8 * S);
    sim_run(s, 3 * S);
    size_t n = move_to(t, &t->a, &elsewhere, "192.0.2.200", "172.16.5.2", c);
    struct hip_path path = { .local = t->a.h->addr[0], .peer = t->fa->addr[0] };
    unsigned began = t->b.h->checks[HIP_CHECKS_RUNNING];
    sim_ladder_clear(s);
    HOLDS(s, hip_candidates(t->a.h->e, t->a.h->ref, &path, c, n, s->now, &s->out) == ERR_OK);
    sim_act(s, t->a.h);
    sim_run(s, 21 * MS);
    HOLDS(s, t->b.h->checks[HIP_CHECKS_RUNNING] == began); /* not before the echo is back */
    sim_run(s, 3 * S);
    HOLDS(s, t->b.h->checks[HIP_CHECKS_RUNNING] == began + 1);
    HOLDS(s, settled(t, ALWAYS));
    HOLDS(s, addr_same_ip(&t->b.h->sa_path.peer, &elsewhere.outside));
    HOLDS(s, t->a.h->sa_up == 1 && t->b.h->sa_up == 1);
    HOLDS(s, answers(t));
    struct hip_assoc_view v;
    HOLDS(s, hip_assoc_get(t->a.h->e, t->a.h->ref, &v) == ERR_OK && v.controlling);
    unmake(t);
}

/* Both at once (s4.9): each tells the other through the relay, b's, and both lists are formed anew. */
static void both_move(void **state)
{
    static const struct side usual = { SIM_NAT_ENDPOINT_INDEPENDENT, SIM_NAT_ADDRESS_AND_PORT_DEPENDENT,
                                       true };
    for (uint64_t apart = 0; apart <= 400 * MS; apart += 50 * MS) {
        struct two *t = make(18, &usual, &open_side);
        struct sim *s = t->s;
        struct sim_nat elsewhere;
        struct hip_candidate c[2];
        comes_up(t, ALWAYS, 8 * S);
        sim_run(s, 3 * S);
        size_t n = move_to(t, &t->a, &elsewhere, "192.0.2.200", "172.16.5.2", c);
        struct hip_path path = { .local = t->a.h->addr[0], .peer = t->fa->addr[0] };
        HOLDS(s, hip_candidates(t->a.h->e, t->a.h->ref, &path, c, n, s->now, &s->out) == ERR_OK);
        sim_act(s, t->a.h);
        sim_run(s, apart);
        /* b's address changes; its relay knows, as an owner would have told it first. */
        struct addr was = t->b.h->addr[0];
        t->b.h->addr[0] = sim_addr(t->b.h, "203.0.113.99:10500");
        t->b.h->n_addr = 1;
        struct hip_path at_fa = { .local = t->b.h->addr[0], .peer = t->fa->addr[0] };
        HOLDS(s, hip_move(t->b.h->e, t->b.fa, &at_fa, &t->b.h->addr[0], 1, s->now, &s->out) == ERR_OK);
        sim_act(s, t->b.h);
        sim_run(s, 100 * MS);
        struct hip_assoc_view v;
        HOLDS(s, hip_assoc_get(t->b.h->e, t->b.h->ref, &v) == ERR_OK);
        c[0] = (struct hip_candidate){
            .kind = HIP_LOC_HOST, .addr = t->b.h->addr[0], .base = t->b.h->addr[0], .local_pref = 65535
        };
        path = v.home;
        path.local = t->b.h->addr[0];
        HOLDS(s, !addr_eq(&was, &path.local));
        HOLDS(s, hip_candidates(t->b.h->e, t->b.h->ref, &path, c, 1, s->now, &s->out) == ERR_OK);
        sim_act(s, t->b.h);
        sim_run(s, 4 * S);
        HOLDS(s, settled(t, ALWAYS));
        HOLDS(s, addr_eq(&t->a.h->sa_path.peer, &t->b.h->addr[0]));
        HOLDS(s, answers(t));
        unmake(t);
    }
}

/* ---- bad links ---- */

#define RUNS 40

static void run_lossy(uint64_t seed)
{
    struct sim *s;
    struct side v[2];
    uint64_t r = seed * UINT64_C(0x9e3779b97f4a7c15);
    for (int i = 0; i < 2; i++, r >>= 16)
        v[i] = (struct side){ kinds[r >> 20 & 1 ? 0 : (r >> 24) % 3], kinds[(r >> 30) % 3], true };
    struct two *t = make(seed, &v[0], &v[1]);
    enum direct d = direct_possible(&v[0], &v[1]);
    s = t->s;
    broken = NOTHING;
    s->lose = lose_direct;
    s->link = (struct sim_link){ .loss_pm = 100, .dup_pm = 60, .reorder_pm = 100 };
    s->link.delay_us = 5 * MS + sim_random(s) % (30 * MS);
    s->link.jitter_us = 10 * MS;
    comes_up(t, d, 60 * S);
    unsigned gone = t->a.h->gone + t->b.h->gone; /* exchanges before */
    sim_run(s, sim_random(s) % (5 * S));
    HOLDS(s, until(t, d, 40 * S) && answers(t));
    if (d != ALWAYS) {
        unmake(t);
        return;
    }
    broken = BOTH_WAYS;
    silent_for(t, true, true, 20 * S);
    HOLDS(s, settled(t, NEVER));
    broken = NOTHING;
    HOLDS(s, until(t, ALWAYS, 120 * S));
    HOLDS(s, t->a.h->sa_up == 1 && t->b.h->sa_up == 1 && t->a.h->gone + t->b.h->gone == gone);
    unmake(t);
}

static void lossy(void **state)
{
    uint64_t runs = getenv("RUNS") ? strtoull(getenv("RUNS"), NULL, 10) : RUNS;
    if (getenv("SEED"))
        run_lossy(sim_seed(0));
    for (uint64_t seed = 1; seed <= runs && !getenv("SEED"); seed++) {
        printf("# lossy seed %llu\r", (unsigned long long)seed);
        run_lossy(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_combination),
        cmocka_unit_test(one_in_the_open),
        cmocka_unit_test(path_breaks),
        cmocka_unit_test(by_the_relay_then),
        cmocka_unit_test(box_restarts),
        cmocka_unit_test(no_way),
        cmocka_unit_test(becomes_direct),
        cmocka_unit_test(idle),
        cmocka_unit_test(moves),
        cmocka_unit_test(both_move),
        cmocka_unit_test(lossy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
