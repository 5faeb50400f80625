/* SPDX-License-Identifier: Apache-2.0
 *
 * Simultaneous initiation (RFC 7401 s6.7.3, s6.8, s6.9), every interleaving: each of two hosts begins at any moment, and of the packets under way any may be
 * the next to arrive. All sequences of such choices are gone through, one world each; in the end both have one association, the same one.
 * Timers play no part until nothing is left to choose.
 *
 * The same with one packet of each world lost, or arriving a second time at any later moment: a sample of those, by printed seeds; SIM_ALL=1 goes through
 * all of them (8000 worlds, half a minute).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/sim.h"

#define STEPS_MAX 32

/* A path through the tree of choices: what was chosen, and of how many. */
struct choices {
    unsigned n, taken[STEPS_MAX], of[STEPS_MAX];
    struct sim *random; /* set: any path */
};

static unsigned choose(struct choices *c, unsigned at, unsigned of)
{
    if (c->random)
        return (unsigned)(sim_random(c->random) % of);
    assert_true(at < STEPS_MAX);
    if (at >= c->n) {
        c->taken[at] = 0;
        c->n = at + 1;
    }
    c->of[at] = of;
    return c->taken[at];
}

/* The next path in order; false: that was the last one. */
static bool next(struct choices *c)
{
    while (c->n > 0 && c->taken[c->n - 1] + 1 == c->of[c->n - 1])
        c->n--;
    if (c->n == 0)
        return false;
    c->taken[c->n - 1]++;
    return true;
}

struct world {
    struct sim *s;
    struct sim_host *h[2];
    bool begun[2];
    bool spoilt; /* the one packet was lost or doubled */
};

static void begin(struct world *w, unsigned who)
{
    struct hip_path path = sim_path(w->h[who], w->h[!who]);
    struct hip_ref ref;
    w->begun[who] = true;
    err r = hip_connect(w->h[who]->e, sim_hit(w->h[who]), sim_hit(w->h[!who]), &path, 1, w->s->now,
                        &w->s->out, &ref);
    assert_true(r == ERR_OK || r == ERR_EXISTS); /* the other one was faster */
    sim_act(w->s, w->h[who]);
}

enum fate { ARRIVES, LOST, TWICE, FATES };

/* The i-th of those under way, in the order in which they were sent. */
static void meet(struct world *w, unsigned i, enum fate f)
{
    struct sim *s = w->s;
    size_t best = s->n_air;
    for (unsigned k = 0; k <= i; k++) {
        size_t least = s->n_air;
        for (size_t j = 0; j < s->n_air; j++)
            if ((k == 0 || s->air[j]->order > s->air[best]->order) &&
                (least == s->n_air || s->air[j]->order < s->air[least]->order))
                least = j;
        best = least;
    }
    struct sim_packet p = *s->air[best];
    w->spoilt |= f != ARRIVES;
    if (f != TWICE) {
        free(s->air[best]);
        s->air[best] = s->air[--s->n_air];
    }
    if (f != LOST)
        (void)sim_inject(s, p.to, &p.path, span_of(p.p, p.n));
}

/* One world along this path. */
static void go(struct world *w, struct choices *c)
{
    for (unsigned step = 0;; step++) {
        unsigned open = !w->begun[0] + !w->begun[1], n = (unsigned)w->s->n_air;
        unsigned of = open + n * (w->spoilt ? 1 : FATES);
        if (of == 0)
            return;
        unsigned what = of == 1 ? 0 : choose(c, step, of);
        if (of == 1)
            step--; /* nothing to choose */
        if (what < open)
            begin(w, w->begun[0] || what == 1 ? 1 : 0);
        else
            meet(w, (what - open) % n, (enum fate)((what - open) / n));
        sim_run(w->s, 0); /* the puzzle */
    }
}

static unsigned alive(const struct sim_host *h)
{
    struct hip_assoc_view v;
    size_t pos = 0;
    unsigned n = 0;
    while (hip_assoc_next(h->e, &pos, &v))
        n += !v.gone;
    return n;
}

/* Of both HITs' orders: who is Initiator how often. */
struct tally {
    unsigned worlds, a_initiates;
};

static void one_world(const int key[2], uint64_t seed, bool spoilt, struct choices *path, struct tally *t)
{
    struct hip_config c = sim_config();
    c.puzzle_k = 0;
    struct world w = { .s = sim_new(seed), .spoilt = !spoilt };
    struct choices any = { .random = w.s };
    w.h[0] = sim_host(w.s, "a", &c, key[0], "192.0.2.1");
    w.h[1] = sim_host(w.s, "b", &c, key[1], "198.51.100.1");
    go(&w, path ? path : &any);
    sim_run(w.s, 10000000); /* retransmissions, where the last packet lost a race */
    if (!sim_joined(w.h[0], w.h[1]) || alive(w.h[0]) != 1 || alive(w.h[1]) != 1)
        fail_msg("seed %llu, world %u:\n%s", (unsigned long long)seed, t->worlds, w.s->ladder);
    /* Nobody's keys are undone later. */
    struct hip_ref ref[2] = { w.h[0]->ref, w.h[1]->ref };
    sim_run(w.s, 130000000);
    if (!sim_joined(w.h[0], w.h[1]) || memcmp(&ref[0], &w.h[0]->ref, sizeof ref[0]) != 0 ||
        memcmp(&ref[1], &w.h[1]->ref, sizeof ref[1]) != 0)
        fail_msg("seed %llu, world %u, later:\n%s", (unsigned long long)seed, t->worlds, w.s->ladder);
    t->worlds++;
    t->a_initiates += w.h[0]->initiator;
    sim_free(w.s);
}

static void every_path(bool spoilt, unsigned at_least)
{
    static const int keys[2][2] = { { 0, 2 }, { 2, 0 } };
    for (int order = 0; order < 2; order++) {
        struct choices path = { 0 };
        struct tally t = { 0 };
        do
            one_world(keys[order], sim_seed(81), spoilt, &path, &t);
        while (next(&path));
        printf("# %u interleavings, a Initiator in %u of them\n", t.worlds, t.a_initiates);
        assert_true(t.worlds >= at_least && t.a_initiates > 0 && t.a_initiates < t.worlds);
    }
}

static void all_interleavings(void **state)
{
    every_path(false, 60);
}

static void with_a_packet_lost_or_doubled(void **state)
{
    static const int keys[2][2] = { { 0, 2 }, { 2, 0 } };
    if (getenv("SIM_ALL")) {
        every_path(true, 3000);
        return;
    }
    struct tally t = { 0 };
    for (uint64_t i = 0; i < 500; i++)
        one_world(keys[i % 2], sim_seed(1000) + i, true, NULL, &t);
    assert_true(t.a_initiates > 0 && t.a_initiates < t.worlds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_interleavings),
        cmocka_unit_test(with_a_packet_lost_or_doubled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
