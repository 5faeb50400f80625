/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/core/directory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/htab.h" /* siphash24() */
#include "common/crypto/secret.h"

#define LINE 16 /* index words in a cache line */
#define LOAD \
    3 /* entries for each line on the average: more than 16 meet in one about once in thirty million lines */
#define TAG_SHIFT 24
#define SLOT_MAX  ((1u << TAG_SHIFT) - 2)
#define READS     64
#define KEY_WORDS (FA_DIR_KEY_MAX / 8)

/* What stands in a slot, as words: no padding. Addresses are IPv4-mapped. */
struct image {
    uint8_t hit[16];
    uint8_t local[16], peer[16];
    uint64_t expires_us; /* 0: free */
    uint16_t local_port, peer_port, owner;
    uint8_t kinds, rhash;
    uint32_t scope;
    uint8_t key_len, zero[3];
};
#define WORDS (sizeof(struct image) / 8)
_Static_assert(sizeof(struct image) % 8 == 0, "copied as words");

struct slot {
    _Atomic uint32_t version;
    _Atomic uint64_t w[WORDS];
};

struct line {
    _Alignas(64) _Atomic uint32_t e[LINE]; /* tag, slot + 1; 0: free */
};

/* Slots of one writer. */
struct share {
    _Alignas(64) uint32_t n_free;
    uint32_t *free;
};

struct fa_directory {
    uint8_t seed[16];
    uint32_t n_slot, n_line;
    uint16_t workers;
    struct slot *slot;
    _Atomic uint64_t (*key)[KEY_WORDS]; /* locked */
    struct line *line;
    struct share *share;
    uint32_t *free_slots;
};

/* ---- making ---- */

static void *zeroed(size_t n, size_t size)
{
    void *p = aligned_alloc(64, (n * size + 63) / 64 * 64);
    if (p)
        memset(p, 0, n * size);
    return p;
}

struct fa_directory *fa_directory_new(uint32_t entries, uint16_t workers, const uint8_t seed[16])
{
    struct fa_directory *d = calloc(1, sizeof *d);
    if (!d || entries == 0 || entries > SLOT_MAX || workers == 0) {
        free(d);
        return NULL;
    }
    memcpy(d->seed, seed, sizeof d->seed);
    d->n_slot = entries;
    d->workers = workers;
    d->n_line = entries / LOAD + 16;
    d->slot = zeroed(entries, sizeof *d->slot);
    d->line = zeroed(d->n_line, sizeof *d->line);
    d->share = zeroed(workers, sizeof *d->share);
    d->free_slots = calloc(entries, sizeof *d->free_slots);
    d->key = sec_alloc(entries * sizeof *d->key);
    if (!d->slot || !d->line || !d->share || !d->free_slots || !d->key) {
        fa_directory_free(d);
        return NULL;
    }
    for (uint16_t i = 0; i < workers; i++) {
        uint32_t first = (uint32_t)((uint64_t)entries * i / workers),
                 end = (uint32_t)((uint64_t)entries * (i + 1u) / workers);
        d->share[i].free = d->free_slots + first;
        while (d->share[i].n_free < end - first) {
            d->share[i].free[d->share[i].n_free] = end - 1 - d->share[i].n_free;
            d->share[i].n_free++;
        }
    }
    return d;
}

void fa_directory_free(struct fa_directory *d)
{
    if (!d)
        return;
    free(d->slot);
    free(d->line);
    free(d->share);
    free(d->free_slots);
    sec_free(d->key);
    free(d);
}

size_t fa_directory_entry_octets(const struct fa_directory *d)
{
    size_t all = d->n_slot * (sizeof *d->slot + sizeof *d->key + sizeof *d->free_slots) +
                 d->n_line * sizeof *d->line + d->workers * sizeof *d->share + sizeof *d;
    return (all + d->n_slot - 1) / d->n_slot;
}

/* ---- slots ---- */

static void write_slot(struct fa_directory *d, uint32_t i, const struct image *m,
                       const uint8_t key[FA_DIR_KEY_MAX])
{
    struct slot *s = &d->slot[i];
    uint64_t w[WORDS], k[KEY_WORDS] = { 0 };
    uint32_t v = atomic_load_explicit(&s->version, memory_order_relaxed);
    memcpy(w, m, sizeof w);
    memcpy(k, key, m->key_len);
    atomic_store_explicit(&s->version, v + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    for (size_t n = 0; n < WORDS; n++)
        atomic_store_explicit(&s->w[n], w[n], memory_order_relaxed);
    for (size_t n = 0; n < KEY_WORDS; n++)
        atomic_store_explicit(&d->key[i][n], k[n], memory_order_relaxed);
    atomic_store_explicit(&s->version, v + 2, memory_order_release);
    sec_wipe(k, sizeof k);
}

/* False: free, or written all the time while we looked. */
static bool read_slot(const struct fa_directory *d, uint32_t i, struct image *m, uint8_t key[FA_DIR_KEY_MAX])
{
    const struct slot *s = &d->slot[i];
    uint64_t w[WORDS], k[KEY_WORDS];
    for (int tries = 0; tries < READS; tries++) {
        uint32_t before = atomic_load_explicit(&s->version, memory_order_acquire);
        for (size_t n = 0; n < WORDS; n++)
            w[n] = atomic_load_explicit(&s->w[n], memory_order_relaxed);
        for (size_t n = 0; n < KEY_WORDS; n++)
            k[n] = atomic_load_explicit(&d->key[i][n], memory_order_relaxed);
        atomic_thread_fence(memory_order_acquire);
        if (before & 1 || atomic_load_explicit(&s->version, memory_order_relaxed) != before)
            continue;
        memcpy(m, w, sizeof w);
        memcpy(key, k, FA_DIR_KEY_MAX);
        sec_wipe(k, sizeof k);
        return m->expires_us != 0;
    }
    return false;
}

/* ---- the index ---- */

static struct line *line_of(const struct fa_directory *d, uint64_t h)
{
    return &d->line[(h & UINT32_MAX) * d->n_line >> 32];
}

static uint32_t word_of(uint64_t h, uint32_t slot)
{
    return (uint32_t)(h >> 56) << TAG_SHIFT | (slot + 1);
}

static bool replace(struct line *l, uint32_t was, uint32_t is)
{
    for (size_t i = 0; i < LINE; i++) {
        uint32_t there = was;
        if (atomic_compare_exchange_strong_explicit(&l->e[i], &there, is, memory_order_release,
                                                    memory_order_relaxed))
            return true;
    }
    return false;
}

static uint64_t hash(const struct fa_directory *d, const struct hit *hit)
{
    return siphash24(d->seed, span_of(hit->b, sizeof hit->b));
}

/* The slot with this HIT; UINT32_MAX: none. owner: only one of this worker's; -1: anybody's. */
static uint32_t seek(const struct fa_directory *d, const struct hit *hit, int owner, struct image *m,
                     uint8_t key[FA_DIR_KEY_MAX])
{
    uint64_t h = hash(d, hit);
    const struct line *l = line_of(d, h);
    for (size_t i = 0; i < LINE; i++) {
        uint32_t e = atomic_load_explicit(&l->e[i], memory_order_acquire);
        if (!e || e >> TAG_SHIFT != h >> 56)
            continue;
        uint32_t slot = (e & ((1u << TAG_SHIFT) - 1)) - 1;
        if (read_slot(d, slot, m, key) && memcmp(m->hit, hit->b, sizeof m->hit) == 0 &&
            (owner < 0 || m->owner == owner))
            return slot;
    }
    return UINT32_MAX;
}

/* ---- entries ---- */

err fa_directory_put(struct fa_directory *d, const struct fa_dir_entry *e)
{
    struct image was, m = { .expires_us = e->expires_us,
                            .local_port = e->local.port,
                            .peer_port = e->peer.port,
                            .owner = e->owner,
                            .kinds = e->kinds,
                            .rhash = e->rhash,
                            .scope = e->peer.scope,
                            .key_len = e->key_len };
    uint8_t key[FA_DIR_KEY_MAX];
    if (e->owner >= d->workers || e->key_len > FA_DIR_KEY_MAX || e->expires_us == 0)
        return ERR_RANGE;
    memcpy(m.hit, e->hit.b, sizeof m.hit);
    addr_to_mapped(&e->local, m.local);
    addr_to_mapped(&e->peer, m.peer);
    struct share *s = &d->share[e->owner];
    uint32_t slot = seek(d, &e->hit, e->owner, &was, key);
    sec_wipe(key, sizeof key);
    if (slot != UINT32_MAX) {
        write_slot(d, slot, &m, e->key);
        return ERR_OK;
    }
    if (s->n_free == 0)
        return ERR_FULL;
    slot = s->free[s->n_free - 1];
    uint64_t h = hash(d, &e->hit);
    write_slot(d, slot, &m, e->key);
    if (!replace(line_of(d, h), 0, word_of(h, slot))) {
        write_slot(d, slot, &(struct image){ 0 }, key);
        return ERR_FULL;
    }
    s->n_free--;
    return ERR_OK;
}

void fa_directory_del(struct fa_directory *d, uint16_t owner, const struct hit *hit)
{
    struct image m;
    uint8_t key[FA_DIR_KEY_MAX];
    uint32_t slot = owner < d->workers ? seek(d, hit, owner, &m, key) : UINT32_MAX;
    sec_wipe(key, sizeof key);
    if (slot == UINT32_MAX)
        return;
    uint64_t h = hash(d, hit);
    (void)replace(line_of(d, h), word_of(h, slot), 0);
    write_slot(d, slot, &(struct image){ 0 }, key);
    d->share[owner].free[d->share[owner].n_free++] = slot;
}

bool fa_directory_find(const struct fa_directory *d, const struct hit *hit, uint64_t now,
                       struct fa_dir_entry *out)
{
    struct image m;
    struct fa_dir_entry e = { .hit = *hit };
    if (seek(d, hit, -1, &m, e.key) == UINT32_MAX || m.expires_us <= now) {
        sec_wipe(e.key, sizeof e.key);
        return false;
    }
    e.local = addr_from_mapped(m.local);
    e.local.port = m.local_port;
    e.peer = addr_from_mapped(m.peer);
    e.peer.port = m.peer_port;
    e.peer.scope = m.scope;
    e.expires_us = m.expires_us;
    e.owner = m.owner;
    e.kinds = m.kinds;
    e.rhash = m.rhash;
    e.key_len = m.key_len;
    *out = e;
    sec_wipe(e.key, sizeof e.key);
    return true;
}
