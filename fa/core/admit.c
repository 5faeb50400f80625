/* SPDX-License-Identifier: Apache-2.0
 *
 * Limits on runs (docs/sim-binding.md section 8): open ones in all, open and new ones per source (IPv4 address or IPv6 /64). Over half of any of the
 * limits that all share the puzzle grows: by one bit at a half, and by one more for each further eighth.
 */
#include <stdlib.h>
#include <string.h>

#include "fa/core/core.h"

#define SOURCE_KEY 17

static void source_key(const struct addr *a, uint8_t key[SOURCE_KEY])
{
    key[0] = a->family;
    memcpy(key + 1, a->ip, 16);
}

err fa_admit_init(struct fa *f)
{
    uint8_t seed[16];
    env_random(f->c.env, seed, sizeof seed);
    uint32_t per_minute = f->c.new_runs_per_minute_and_source;
    struct bucket_rate rate = { .per_second_milli = per_minute * 1000 / 60, .burst = per_minute };
    if (rate.per_second_milli == 0)
        rate.per_second_milli = 1;
    f->admit.fresh = limiter_new(4096, rate, seed);
    f->admit.sources = htab_new(f->c.runs_max, SOURCE_KEY, seed);
    return f->admit.fresh && f->admit.sources ? ERR_OK : ERR_MEMORY;
}

void fa_admit_done(struct fa *f)
{
    size_t pos = 0;
    if (f->admit.sources)
        for (struct fa_source *s; (s = htab_next(f->admit.sources, &pos));)
            free(s);
    htab_free(f->admit.sources);
    limiter_free(f->admit.fresh);
}

static void grow_puzzle(struct fa *f)
{
    uint32_t eighths = (uint32_t)((uint64_t)f->admit.runs * 8 / f->c.runs_max);
    uint8_t more = eighths >= 4 ? (uint8_t)(eighths - 3) : 0;
    hip_puzzle_grow(f->hip, more);
}

bool fa_admit_run(struct fa *f, const struct addr *from, struct addr *source)
{
    uint8_t key[SOURCE_KEY];
    struct addr prefix = limiter_source(from);
    source_key(&prefix, key);
    if (f->admit.runs >= f->c.runs_max)
        return false;
    struct fa_source *s = htab_get(f->admit.sources, key);
    if (s && s->open >= f->c.runs_per_source)
        return false;
    if (!limiter_take(f->admit.fresh, from, f->now))
        return false;
    if (!s) {
        s = calloc(1, sizeof *s);
        if (!s)
            return false;
        s->prefix = prefix;
        if (htab_put(f->admit.sources, key, s) != ERR_OK) {
            free(s);
            return false;
        }
    }
    s->open++;
    f->admit.runs++;
    grow_puzzle(f);
    *source = prefix;
    return true;
}

void fa_admit_release(struct fa *f, const struct addr *source)
{
    uint8_t key[SOURCE_KEY];
    source_key(source, key);
    struct fa_source *s = htab_get(f->admit.sources, key);
    if (!s)
        return;
    if (--s->open == 0)
        free(htab_del(f->admit.sources, key));
    f->admit.runs--;
    grow_puzzle(f);
}
