/* SPDX-License-Identifier: Apache-2.0 */
#include "as/reauth.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/heap.h"
#include "common/base/hex.h"
#include "common/base/htab.h"
#include "common/crypto/secret.h"

struct context {
    struct heap_node due;
    char name[REAUTH_NAME_LEN];
    struct aka_reauth *c; /* secret memory; NULL: the slot is free */
};

struct reauth {
    uint32_t max;
    uint64_t life_us;
    struct context *v;
    uint32_t *free_slots;
    size_t n_free;
    struct htab *by_name;
    struct heap due;
};

struct reauth *reauth_new(uint32_t max, uint64_t life_us, const uint8_t seed[16])
{
    struct reauth *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->max = max;
    t->life_us = life_us;
    t->v = calloc(max, sizeof *t->v);
    t->free_slots = calloc(max, sizeof *t->free_slots);
    t->by_name = htab_new(max, REAUTH_NAME_LEN, seed);
    if (heap_init(&t->due, max) != ERR_OK || !t->v || !t->free_slots || !t->by_name) {
        reauth_free(t);
        return NULL;
    }
    for (uint32_t i = 0; i < max; i++)
        t->free_slots[t->n_free++] = max - 1 - i;
    return t;
}

void reauth_free(struct reauth *t)
{
    if (!t)
        return;
    for (uint32_t i = 0; t->v && i < t->max; i++)
        sec_free(t->v[i].c);
    htab_free(t->by_name);
    heap_done(&t->due);
    free(t->free_slots);
    free(t->v);
    free(t);
}

static void release(struct reauth *t, struct context *x)
{
    htab_del(t->by_name, x->name);
    heap_remove(&t->due, &x->due);
    sec_free(x->c);
    x->c = NULL;
    t->free_slots[t->n_free++] = (uint32_t)(x - t->v);
}

static struct context *oldest(const struct reauth *t)
{
    return (struct context *)((char *)heap_min(&t->due) - offsetof(struct context, due));
}

void reauth_name(const struct reauth *t, const struct env *env, uint8_t lead, char out[REAUTH_NAME_LEN + 1])
{
    uint8_t b[(REAUTH_NAME_LEN - 1) / 2];
    out[0] = (char)lead;
    do {
        env_draw(env, "reauth_id", b, sizeof b);
        hex_encode(span_of(b, sizeof b), out + 1);
    } while (htab_get(t->by_name, out));
}

void reauth_put(struct reauth *t, struct span user, const struct aka_reauth *c, uint64_t now)
{
    if (user.n != REAUTH_NAME_LEN || htab_get(t->by_name, user.p))
        return;
    if (t->n_free == 0)
        release(t, oldest(t));
    struct context *x = &t->v[t->free_slots[t->n_free - 1]];
    memcpy(x->name, user.p, sizeof x->name);
    x->c = sec_alloc(sizeof *x->c);
    if (!x->c)
        return;
    *x->c = *c;
    t->n_free--;
    if (heap_set(&t->due, &x->due, now + t->life_us) != ERR_OK || htab_put(t->by_name, x->name, x) != ERR_OK)
        release(t, x);
}

bool reauth_take(struct reauth *t, struct span user, uint64_t now, struct aka_reauth *out)
{
    while (heap_deadline(&t->due) <= now)
        release(t, oldest(t));
    struct context *x = user.n == REAUTH_NAME_LEN ? htab_get(t->by_name, user.p) : NULL;
    if (!x)
        return false;
    *out = *x->c;
    release(t, x);
    return true;
}

size_t reauth_count(const struct reauth *t)
{
    return t->max - t->n_free;
}
