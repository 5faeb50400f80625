/* SPDX-License-Identifier: Apache-2.0
 *
 * Linear probing at a load of three quarters at most; a deletion moves the followers back, so there are no tombstones.
 */
#include "common/base/htab.h"

#include <stdlib.h>
#include <string.h>

struct slot {
    void *value; /* NULL: free */
    uint64_t hash;
};

struct htab {
    uint8_t seed[16];
    size_t cap, count, mask, key_len;
    struct slot *slot; /* mask + 1 of them */
    uint8_t *keys;     /* key_len octets each */
};

struct htab *htab_new(size_t capacity, size_t key_len, const uint8_t seed[16])
{
    if (key_len < 1 || key_len > 64 || capacity > SIZE_MAX / 256)
        return NULL;
    size_t slots = 8;
    while (slots - slots / 4 < capacity)
        slots *= 2;
    struct htab *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    memcpy(t->seed, seed, sizeof t->seed);
    t->cap = capacity;
    t->mask = slots - 1;
    t->key_len = key_len;
    t->slot = calloc(slots, sizeof *t->slot);
    t->keys = calloc(slots, key_len);
    if (!t->slot || !t->keys) {
        htab_free(t);
        return NULL;
    }
    return t;
}

void htab_free(struct htab *t)
{
    if (!t)
        return;
    free(t->slot);
    free(t->keys);
    free(t);
}

/* The slot that has the key, or the free one where it would go. One is always free. */
static size_t find(const struct htab *t, const void *key, uint64_t hash)
{
    size_t i = hash & t->mask;
    while (t->slot[i].value &&
           (t->slot[i].hash != hash || memcmp(t->keys + i * t->key_len, key, t->key_len) != 0))
        i = (i + 1) & t->mask;
    return i;
}

void *htab_get(const struct htab *t, const void *key)
{
    return t->slot[find(t, key, siphash24(t->seed, span_of(key, t->key_len)))].value;
}

err htab_put(struct htab *t, const void *key, void *value)
{
    uint64_t hash = siphash24(t->seed, span_of(key, t->key_len));
    size_t i = find(t, key, hash);
    if (t->slot[i].value)
        return ERR_EXISTS;
    if (t->count >= t->cap)
        return ERR_FULL;
    t->slot[i] = (struct slot){ .value = value, .hash = hash };
    memcpy(t->keys + i * t->key_len, key, t->key_len);
    t->count++;
    return ERR_OK;
}

void *htab_del(struct htab *t, const void *key)
{
    size_t hole = find(t, key, siphash24(t->seed, span_of(key, t->key_len)));
    void *value = t->slot[hole].value;
    if (!value)
        return NULL;
    for (size_t i = (hole + 1) & t->mask; t->slot[i].value; i = (i + 1) & t->mask) {
        size_t home = t->slot[i].hash & t->mask;
        /* an entry whose home lies after the hole (cyclically) stays where it is */
        if (((i - home) & t->mask) < ((i - hole) & t->mask))
            continue;
        t->slot[hole] = t->slot[i];
        memcpy(t->keys + hole * t->key_len, t->keys + i * t->key_len, t->key_len);
        hole = i;
    }
    t->slot[hole].value = NULL;
    t->count--;
    return value;
}

size_t htab_count(const struct htab *t)
{
    return t->count;
}

void *htab_next(const struct htab *t, size_t *pos)
{
    while (*pos <= t->mask) {
        void *v = t->slot[(*pos)++].value;
        if (v)
            return v;
    }
    return NULL;
}
