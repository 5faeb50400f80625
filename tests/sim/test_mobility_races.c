/* SPDX-License-Identifier: Apache-2.0
 *
 * Hosts that move between addresses and families at any moment, both of them, one at a time or together, with rekeys in between, over links that
 * lose, duplicate and reorder, and data flowing both ways all the time. What must hold when it is quiet again: no association is lost, the SAs fit
 * each other, data goes to an address that the peer has and that was checked, to the one that it prefers when that can be reached,
 * nothing is outstanding; and at no time more than what came went to an address that was not checked.
 *
 * A run that fails prints its seed: SEED=n replays it alone, SIM_LOG=1 shows each packet. RUNS=n: how many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hip/core.h"
#include "tests/sim/sim.h"

#define RUNS 700 /* of each of the three tests */
#define TICK 10000

#define HOLDS(s, c) \
    do { \
        if (!(c)) \
            fail_msg("seed %llu: %s\n%s", (unsigned long long)(s)->seed, #c, (s)->ladder); \
    } while (0)

struct flow {
    struct sim_host *h;
    struct hip_ref home;    /* association with the rendezvous server; gen 0: none */
    struct addr preferred;  /* what it told last */
    unsigned n;             /* addresses made */
    uint64_t in, unchecked; /* octets of data: that came; that went to an unverified address */
    bool told;
};

struct world {
    struct sim *s;
    struct sim_host *rvs;
    struct flow f[2];
};

static void each(const char *name, void (*run)(uint64_t seed))
{
    if (getenv("SEED")) {
        run(sim_seed(0));
        return;
    }
    uint64_t runs = getenv("RUNS") ? strtoull(getenv("RUNS"), NULL, 10) : RUNS;
    for (uint64_t seed = 1; seed <= runs; seed++)
        run(seed);
}

/* ---- data: what a data plane does with SA_PATH (RFC 8046 s5.6) ---- */

static bool has(const struct sim_host *h, const struct addr *a)
{
    for (size_t i = 0; i < h->n_addr; i++)
        if (addr_same_ip(&h->addr[i], a))
            return true;
    return false;
}

static void send_data(struct world *w, struct flow *from, struct flow *to)
{
    struct sim_host *h = from->h, *peer = to->h;
    uint64_t len = 40 + sim_random(w->s) % 1400;
    if (h->unverified && (h->credit < len || h->sa_path.peer.family == ADDR_NONE))
        return;
    if (h->unverified) {
        h->credit -= len;
        from->unchecked += len;
    }
    if (!has(h, &h->sa_path.local) || !has(peer, &h->sa_path.peer) ||
        sim_random(w->s) % 1000 < w->s->link.loss_pm)
        return;
    to->in += len;
    if (peer->unverified)
        peer->credit += len;
    else
        hip_cba_received(peer->e, peer->only, len, w->s->now);
}

static void pass(struct world *w, uint64_t us)
{
    for (uint64_t end = w->s->now + us; w->s->now < end;) {
        sim_run(w->s, end - w->s->now < TICK ? end - w->s->now : TICK);
        send_data(w, &w->f[0], &w->f[1]);
        send_data(w, &w->f[1], &w->f[0]);
        for (int i = 0; i < 2; i++)
            HOLDS(w->s, w->f[i].unchecked <= w->f[i].in + w->f[i].h->octets_in);
    }
}

/* ---- hosts that move ---- */

static struct addr fresh(struct flow *f, bool six)
{
    char text[48];
    struct addr a;
    unsigned host = f->h->name[0], n = ++f->n;
    if (six)
        (void)snprintf(text, sizeof text, "2001:db8:%x::%x", host, n);
    else
        (void)snprintf(text, sizeof text, "10.%u.0.%u", host, n);
    if (addr_parse(text, &a) != ERR_OK)
        abort();
    return a;
}

static const struct addr *of_family(const struct sim_host *h, uint8_t family)
{
    for (size_t i = 0; i < h->n_addr; i++)
        if (h->addr[i].family == family)
            return &h->addr[i];
    return NULL;
}

/* Tells one peer; `way` is the family that the peer is known to be reached by. */
static void tell(struct world *w, struct flow *f, struct hip_ref ref)
{
    struct hip_assoc_view v;
    struct hip_path path = { 0 };
    if (hip_assoc_get(f->h->e, ref, &v) != ERR_OK)
        return;
    const struct addr *local = of_family(f->h, v.path.peer.family);
    path.local = f->h->addr[0];
    if (local && (local->family == path.local.family || sim_random(w->s) % 2)) {
        path.local = *local;
        path.peer = v.path.peer;
    }
    err r = hip_move(f->h->e, ref, &path, f->h->addr, f->h->n_addr, w->s->now, &w->s->out);
    if (r == ERR_RANGE && local) { /* no locator of the new family is known */
        path = (struct hip_path){ .local = *local, .peer = v.path.peer };
        r = hip_move(f->h->e, ref, &path, f->h->addr, f->h->n_addr, w->s->now, &w->s->out);
    }
    if (v.state == HIP_ESTABLISHED || v.state == HIP_R2_SENT)
        HOLDS(w->s, r == ERR_OK);
    sim_act(w->s, f->h);
}

static void announce(struct world *w, struct flow *f)
{
    f->preferred = f->h->addr[0];
    if (f->home.gen)
        tell(w, f, f->home);
    tell(w, f, f->h->only);
}

/* A new address becomes the preferred one; those it replaces are gone at once, or kept for now. */
static void move(struct world *w, struct flow *f, bool keep)
{
    struct sim_host *h = f->h;
    bool six = sim_random(w->s) % 2;
    struct addr a = fresh(f, six), old[SIM_ADDRS];
    size_t n = 0;
    memcpy(old, h->addr, sizeof old);
    size_t n_old = h->n_addr;
    h->addr[n++] = a;
    for (size_t i = 0; i < n_old && n < SIM_ADDRS; i++)
        if (old[i].family != a.family || (keep && n < SIM_ADDRS - 1))
            h->addr[n++] = old[i];
    h->n_addr = n;
    announce(w, f);
}

/* What was kept is gone; said so, or not. */
static void lose_old(struct world *w, struct flow *f)
{
    struct sim_host *h = f->h;
    size_t n = 0;
    bool seen[2] = { false };
    for (size_t i = 0; i < h->n_addr; i++) { /* one of each family stays */
        bool *s = &seen[h->addr[i].family == ADDR_V6];
        if (!*s)
            h->addr[n++] = h->addr[i];
        *s = true;
    }
    if (n == h->n_addr)
        return;
    h->n_addr = n;
    announce(w, f);
}

static void rekey(struct world *w, struct flow *f)
{
    err r = hip_rekey(f->h->e, f->h->only, sim_random(w->s) % 4 == 0, w->s->now, &w->s->out);
    HOLDS(w->s, r == ERR_OK || r == ERR_EXISTS);
    sim_act(w->s, f->h);
}

/* ---- worlds ---- */

static struct flow flow_of(struct sim *s, const char *name, int key, uint8_t first)
{
    struct hip_config c = sim_config();
    struct flow f = { 0 };
    char four[32], six[32];
    (void)snprintf(four, sizeof four, "10.%u.0.0", (unsigned)name[0]);
    (void)snprintf(six, sizeof six, "2001:db8:%x::", (unsigned)name[0]);
    c.puzzle_k = 0;
    f.h = sim_host(s, name, &c, key, first == ADDR_V6 ? six : four);
    (void)sim_addr(f.h, first == ADDR_V6 ? four : six);
    f.preferred = f.h->addr[0];
    f.h->done = true;
    f.h->i2.n_locators = f.h->r2.n_locators = 2;
    memcpy(f.h->i2.locator, f.h->addr, 2 * sizeof *f.h->addr);
    memcpy(f.h->r2.locator, f.h->addr, 2 * sizeof *f.h->addr);
    return f;
}

static void meet(struct world *w, struct flow *f, struct sim_host *peer)
{
    struct hip_path path = { .local = f->h->addr[0], .peer = *of_family(peer, f->h->addr[0].family) };
    struct hip_ref ref;
    HOLDS(w->s, hip_connect(f->h->e, sim_hit(f->h), sim_hit(peer), &path, 1, w->s->now, &w->s->out, &ref) ==
                    ERR_OK);
    sim_act(w->s, f->h);
    sim_run(w->s, 200000);
}

static struct world world_new(uint64_t seed, bool with_rvs)
{
    struct world w = { .s = sim_new(seed) };
    uint8_t first = seed % 3 == 0 ? ADDR_V6 : ADDR_V4;
    w.f[0] = flow_of(w.s, "a", (int)(seed % 2) * 2, first);
    w.f[1] = flow_of(w.s, "b", 1, first);
    if (with_rvs) {
        struct flow rvs = flow_of(w.s, "r", 3, first);
        w.rvs = rvs.h;
        w.rvs->relays = true;
        for (int i = 0; i < 2; i++) {
            meet(&w, &w.f[i], w.rvs);
            w.f[i].home = w.f[i].h->ref;
            HOLDS(w.s, hip_rvs_trust(w.f[i].h->e, w.f[i].home, true) == ERR_OK);
        }
    }
    meet(&w, &w.f[0], w.f[1].h);
    HOLDS(w.s, sim_joined(w.f[0].h, w.f[1].h));
    for (int i = 0; i < 2; i++) {
        w.f[i].h->only = w.f[i].h->ref;
        w.f[i].h->gone = 0;
        if (with_rvs)
            HOLDS(w.s, hip_rvs_of(w.f[i].h->e, w.f[i].h->ref, &w.rvs->addr[0]) == ERR_OK);
    }
    sim_run(w.s, 500000);
    sim_ladder_clear(w.s);
    w.s->link = (struct sim_link){ .loss_pm = (unsigned)(seed % 4) * 60, .dup_pm = 50, .reorder_pm = 100 };
    w.s->link.delay_us = 2000 + sim_random(w.s) % 60000;
    w.s->link.jitter_us = 10000;
    return w;
}

static void quiet(struct world *w)
{
    struct sim *s = w->s;
    s->link.loss_pm = s->link.dup_pm = s->link.reorder_pm = 0;
    pass(w, 1000000);
    sim_run(s, UINT64_C(140000000));
    for (int i = 0; i < 2; i++) {
        const struct sim_host *h = w->f[i].h, *peer = w->f[!i].h;
        const struct hip_assoc *a = hip_assoc_by_ref(h->e, h->only);
        HOLDS(s, a && h->gone == 0);
        HOLDS(s, !h->unverified && has(h, &h->sa_path.local) && has(peer, &h->sa_path.peer));
        if (of_family(h, w->f[!i].preferred.family))
            HOLDS(s, addr_same_ip(&h->sa_path.peer, &w->f[!i].preferred));
        HOLDS(s, addr_same_ip(&a->path.peer, &h->sa_path.peer));
        HOLDS(s, !a->rekeying);
        for (size_t k = 0; k < HIP_UPDATES_MAX; k++)
            HOLDS(s, !a->sent[k].pkt.p);
    }
    HOLDS(s, sim_joined(w->f[0].h, w->f[1].h));
    sim_free(s);
}

/* One of the two wanders; the other one stays where it is. */
static void run_one(uint64_t seed)
{
    struct world w = world_new(seed, false);
    for (unsigned i = 0; i < 8; i++) {
        pass(&w, sim_random(w.s) % 400000);
        unsigned what = (unsigned)(sim_random(w.s) % 6);
        if (what < 2)
            move(&w, &w.f[0], what);
        else if (what == 2)
            lose_old(&w, &w.f[0]);
        else if (what < 5)
            rekey(&w, &w.f[what - 3]);
        else
            hip_path_silent(w.f[1].h->e, w.f[1].h->only, w.s->now, &w.s->out), sim_act(w.s, w.f[1].h);
    }
    quiet(&w);
}

static void one_wanders(void **state)
{
    each("one wanders", run_one);
}

/* Both, at the same moment as a rule, with their old addresses gone: they find each other through the rendezvous server. */
static void run_both(uint64_t seed)
{
    struct world w = world_new(seed, true);
    for (unsigned i = 0; i < 5; i++) {
        pass(&w, sim_random(w.s) % 500000);
        unsigned what = (unsigned)(sim_random(w.s) % 5);
        if (what < 3) {
            move(&w, &w.f[0], false);
            move(&w, &w.f[1], what == 2);
        } else {
            rekey(&w, &w.f[what - 3]);
        }
    }
    quiet(&w);
}

static void both_jump(void **state)
{
    each("both jump", run_both);
}

/* Both with several interfaces: addresses come before others go, and the way to the other one is never quite lost. */
static void run_multihomed(uint64_t seed)
{
    struct world w = world_new(seed, seed % 2);
    for (unsigned i = 0; i < 8; i++) {
        pass(&w, sim_random(w.s) % 300000);
        struct flow *f = &w.f[sim_random(w.s) % 2];
        unsigned what = (unsigned)(sim_random(w.s) % 4);
        if (what < 2)
            move(&w, f, true);
        else if (what == 2)
            rekey(&w, f);
        else
            hip_path_silent(f->h->e, f->h->only, w.s->now, &w.s->out), sim_act(w.s, f->h);
    }
    w.s->link.loss_pm = 0;
    pass(&w, 5000000);
    lose_old(&w, &w.f[0]);
    pass(&w, 5000000);
    lose_old(&w, &w.f[1]);
    quiet(&w);
}

static void multihomed(void **state)
{
    each("multihomed", run_multihomed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_wanders),
        cmocka_unit_test(both_jump),
        cmocka_unit_test(multihomed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
