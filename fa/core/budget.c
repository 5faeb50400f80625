/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs per identity (docs/sim-binding.md section 8): by HIs that are not bound, a few, then one now and then until one succeeds, so that nobody makes the home
 * network work through its vectors in somebody else's name; by a HI that is bound, a budget of its own, so that this locks nobody out. What an
 * authentication server did not answer is not counted.
 *
 * A table of fixed size, by keyed hash: an identity is not kept. The place that was used longest ago goes first.
 */
#include <stdlib.h>
#include <string.h>

#include "fa/core/core.h"

#define BUDGET_PLACES 16384 /* of WAYS each that one key may take */
#define WAYS          8

struct fa_budget {
    uint64_t key; /* 0: free */
    uint64_t used_us;
    struct bucket bucket;
};

static struct bucket_rate rate_of(const struct fa *f, bool bound)
{
    uint32_t pause = bound ? 10 : f->c.identity_pause_s;
    uint32_t milli = 1000 / pause;
    return (struct bucket_rate){ .per_second_milli = milli ? milli : 1,
                                 .burst = bound ? 1 : f->c.runs_per_identity };
}

err fa_budget_init(struct fa *f)
{
    env_random(f->c.env, f->budget_seed, sizeof f->budget_seed);
    f->budgets = calloc(BUDGET_PLACES, sizeof *f->budgets);
    return f->budgets ? ERR_OK : ERR_MEMORY;
}

void fa_budget_done(struct fa *f)
{
    free(f->budgets);
}

static uint64_t key_of(const struct fa *f, const struct fa_guest *g, bool bound)
{
    struct span what = bound ? span_of(g->peer.b, sizeof g->peer.b) : span_str(g->run->user);
    uint64_t key = siphash24(f->budget_seed, what);
    return key ? key : 1;
}

static struct fa_budget *place(struct fa *f, uint64_t key, bool make)
{
    struct fa_budget *v = &f->budgets[key % (BUDGET_PLACES / WAYS) * WAYS], *oldest = v;
    for (size_t i = 0; i < WAYS; i++) {
        if (v[i].key == key)
            return &v[i];
        if (v[i].key == 0 || (oldest->key && v[i].used_us < oldest->used_us))
            oldest = &v[i];
    }
    return make ? oldest : NULL;
}

bool fa_budget_take(struct fa *f, struct fa_guest *g)
{
    bool bound = g->bound;
    struct bucket_rate rate = rate_of(f, bound);
    uint64_t key = key_of(f, g, bound);
    struct fa_budget *b = place(f, key, true);
    if (b->key != key) {
        b->key = key;
        bucket_init(&b->bucket, &rate, f->now);
    }
    b->used_us = f->now;
    g->run->budget = key;
    return bucket_take(&b->bucket, &rate, 1, f->now);
}

void fa_budget_free(struct fa *f, const struct fa_run *r)
{
    struct fa_budget *b = r->budget ? place(f, r->budget, false) : NULL;
    if (b)
        *b = (struct fa_budget){ 0 };
}
