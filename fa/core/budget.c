/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs per identity (docs/sim-binding.md section 8): by HIs that are not bound, a few, then one now and then until one succeeds, so that nobody makes the home
 * network work through its vectors in somebody else's name; by a HI that is bound, a budget of its own, so that this locks nobody out. What an
 * authentication server did not answer is not counted. An identity is not kept, only its keyed hash.
 */
#include "fa/core/core.h"

#define IDENTITIES_MAX 8192 /* remembered; likewise bound HIs */
#define BOUND_PAUSE_S  10

static struct bucket_rate rate_of(uint32_t burst, uint32_t pause_s)
{
    uint32_t milli = 1000 / pause_s;
    return (struct bucket_rate){ .per_second_milli = milli ? milli : 1, .burst = burst };
}

err fa_budget_init(struct fa *f)
{
    struct fa_budget *b = &f->budget;
    env_random(f->c.env, b->seed, sizeof b->seed);
    b->stranger =
        limiter_new(IDENTITIES_MAX, rate_of(f->c.runs_per_identity, f->c.identity_pause_s), b->seed);
    b->bound = limiter_new(IDENTITIES_MAX, rate_of(1, BOUND_PAUSE_S), b->seed);
    return b->stranger && b->bound ? ERR_OK : ERR_MEMORY;
}

void fa_budget_done(struct fa *f)
{
    limiter_free(f->budget.stranger);
    limiter_free(f->budget.bound);
}

bool fa_budget_take(struct fa *f, struct fa_guest *g)
{
    const struct fa_budget *b = &f->budget;
    bool bound = g->bound;
    struct span what = bound ? span_of(g->peer.b, sizeof g->peer.b) : span_str(g->run->user);
    g->run->counted = bound ? b->bound : b->stranger;
    g->run->counted_as = siphash24(b->seed, what);
    return limiter_take_hash(g->run->counted, g->run->counted_as, f->now);
}

void fa_budget_free(const struct fa_run *r)
{
    if (r->counted)
        limiter_forget_hash(r->counted, r->counted_as);
}
