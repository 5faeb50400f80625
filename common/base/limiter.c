/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/limiter.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/htab.h"

#define TOKEN 1000000u

void bucket_init(struct bucket *b, const struct bucket_rate *r, uint64_t now_us)
{
    *b = (struct bucket){ .tokens_u = (uint64_t)r->burst * TOKEN, .last_us = now_us };
}

static void refill(struct bucket *b, const struct bucket_rate *r, uint64_t now_us)
{
    uint64_t full = (uint64_t)r->burst * TOKEN, rate = r->per_second_milli;
    if (b->tokens_u >= full) {
        b->tokens_u = full;
        b->last_us = now_us > b->last_us ? now_us : b->last_us;
        return;
    }
    if (now_us <= b->last_us || rate == 0)
        return;
    uint64_t gone = now_us - b->last_us;
    if (gone > (full - b->tokens_u) * 1000 / rate) {
        b->tokens_u = full;
        b->last_us = now_us;
        return;
    }
    /* Only the time that became tokens is used up: frequent calls at a low rate must not lose the rest of each division. */
    uint64_t add = gone * rate / 1000;
    b->tokens_u += add;
    b->last_us += add * 1000 / rate;
}

bool bucket_take(struct bucket *b, const struct bucket_rate *r, uint32_t n, uint64_t now_us)
{
    refill(b, r, now_us);
    uint64_t want = (uint64_t)n * TOKEN;
    if (b->tokens_u < want)
        return false;
    b->tokens_u -= want;
    return true;
}

#define SOURCE_KEY 17

struct source {
    uint8_t key[SOURCE_KEY]; /* family, address */
    struct bucket bucket;
    struct source *older, *newer;
};

struct limiter {
    struct bucket_rate rate;
    struct htab *by_key;
    struct source *pool;
    size_t cap, used;
    struct source *oldest, *newest; /* by last use */
};

struct limiter *limiter_new(size_t sources, struct bucket_rate rate, const uint8_t seed[16])
{
    if (sources == 0)
        return NULL;
    struct limiter *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->rate = rate;
    l->cap = sources;
    l->pool = calloc(sources, sizeof *l->pool);
    l->by_key = htab_new(sources, SOURCE_KEY, seed);
    if (!l->pool || !l->by_key) {
        limiter_free(l);
        return NULL;
    }
    return l;
}

void limiter_free(struct limiter *l)
{
    if (!l)
        return;
    htab_free(l->by_key);
    free(l->pool);
    free(l);
}

struct addr limiter_source(const struct addr *from)
{
    struct addr a = *from;
    if (a.family == ADDR_V6)
        a = addr_from_mapped(from->ip); /* an IPv4 host is one source, however its address arrived */
    a.port = 0;
    a.scope = 0;
    if (a.family == ADDR_V6)
        memset(a.ip + 8, 0, 8);
    return a;
}

static void unlink_source(struct limiter *l, struct source *s)
{
    *(s->older ? &s->older->newer : &l->oldest) = s->newer;
    *(s->newer ? &s->newer->older : &l->newest) = s->older;
}

static void link_newest(struct limiter *l, struct source *s)
{
    s->newer = NULL;
    s->older = l->newest;
    *(l->newest ? &l->newest->newer : &l->oldest) = s;
    l->newest = s;
}

static bool take(struct limiter *l, const uint8_t key[SOURCE_KEY], uint64_t now_us)
{
    struct source *s = htab_get(l->by_key, key);
    if (s) {
        unlink_source(l, s);
    } else {
        if (l->used < l->cap) {
            s = &l->pool[l->used++];
        } else {
            s = l->oldest;
            unlink_source(l, s);
            htab_del(l->by_key, s->key);
        }
        memcpy(s->key, key, SOURCE_KEY);
        bucket_init(&s->bucket, &l->rate, now_us);
        if (htab_put(l->by_key, s->key, s) != ERR_OK)
            abort(); /* the table holds as many as the pool */
    }
    link_newest(l, s);
    return bucket_take(&s->bucket, &l->rate, 1, now_us);
}

bool limiter_take(struct limiter *l, const struct addr *from, uint64_t now_us)
{
    struct addr a = limiter_source(from);
    uint8_t key[SOURCE_KEY] = { a.family };
    memcpy(key + 1, a.ip, sizeof a.ip);
    return take(l, key, now_us);
}

bool limiter_take_hash(struct limiter *l, uint64_t hash, uint64_t now_us)
{
    uint8_t key[SOURCE_KEY] = { 0 };
    memcpy(key + 1, &hash, sizeof hash);
    return take(l, key, now_us);
}

void limiter_forget_hash(struct limiter *l, uint64_t hash)
{
    uint8_t key[SOURCE_KEY] = { 0 };
    memcpy(key + 1, &hash, sizeof hash);
    struct source *s = htab_get(l->by_key, key);
    if (s)
        bucket_init(&s->bucket, &l->rate, s->bucket.last_us);
}
