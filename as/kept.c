/* SPDX-License-Identifier: Apache-2.0 */
#include "as/kept.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto/secret.h"

struct entry {
    char imsi[IMSI_MAX + 1]; /* "": free */
    bool separated;
    uint8_t n, at; /* of v: how many, which one is next */
    uint64_t until_us;
    struct aka_vector *v; /* secret; KEPT_VECTORS_MAX */
};

struct kept {
    size_t n;
    uint64_t dropped;
    struct entry e[];
};

struct kept *kept_new(size_t subscribers)
{
    struct kept *k = calloc(1, sizeof *k + subscribers * sizeof k->e[0]);
    if (k)
        k->n = subscribers;
    return k;
}

void kept_free(struct kept *k)
{
    for (size_t i = 0; k && i < k->n; i++)
        sec_free(k->e[i].v);
    free(k);
}

static void entry_drop(struct kept *k, struct entry *e)
{
    k->dropped += (unsigned)(e->n - e->at);
    sec_free(e->v);
    *e = (struct entry){ 0 };
}

static struct entry *entry_find(struct kept *k, const char *imsi)
{
    for (size_t i = 0; i < k->n; i++)
        if (strcmp(k->e[i].imsi, imsi) == 0)
            return &k->e[i];
    return NULL;
}

/* A free place, or that of the one who would go first. */
static struct entry *entry_place(struct kept *k)
{
    struct entry *oldest = NULL;
    for (size_t i = 0; i < k->n; i++) {
        struct entry *e = &k->e[i];
        if (!e->imsi[0])
            return e;
        if (!oldest || e->until_us < oldest->until_us)
            oldest = e;
    }
    if (oldest)
        entry_drop(k, oldest);
    return oldest;
}

void kept_drop(struct kept *k, const char *imsi)
{
    struct entry *e = entry_find(k, imsi);
    if (e)
        entry_drop(k, e);
}

void kept_put(struct kept *k, const char *imsi, bool separated, const struct aka_vector *v, size_t n,
              uint64_t until_us)
{
    kept_drop(k, imsi);
    if (n == 0 || n > KEPT_VECTORS_MAX)
        return;
    struct aka_vector *own = sec_alloc(KEPT_VECTORS_MAX * sizeof *own);
    struct entry *e = own ? entry_place(k) : NULL;
    if (!e) {
        sec_free(own);
        return;
    }
    memcpy(own, v, n * sizeof *own);
    *e = (struct entry){ .separated = separated, .n = (uint8_t)n, .until_us = until_us, .v = own };
    memcpy(e->imsi, imsi, strlen(imsi) + 1);
}

bool kept_take(struct kept *k, const char *imsi, bool separated, uint64_t now, struct aka_vector *v)
{
    struct entry *e = entry_find(k, imsi);
    if (!e)
        return false;
    if (e->separated != separated || now >= e->until_us) {
        entry_drop(k, e);
        return false;
    }
    *v = e->v[e->at];
    sec_wipe(&e->v[e->at++], sizeof *v);
    if (e->at == e->n)
        entry_drop(k, e);
    return true;
}

void kept_timeout(struct kept *k, uint64_t now)
{
    for (size_t i = 0; i < k->n; i++)
        if (k->e[i].imsi[0] && now >= k->e[i].until_us)
            entry_drop(k, &k->e[i]);
}

uint64_t kept_deadline(const struct kept *k)
{
    uint64_t at = HEAP_NEVER;
    for (size_t i = 0; i < k->n; i++)
        if (k->e[i].imsi[0] && k->e[i].until_us < at)
            at = k->e[i].until_us;
    return at;
}

size_t kept_count(const struct kept *k)
{
    size_t n = 0;
    for (size_t i = 0; i < k->n; i++)
        n += (size_t)(k->e[i].n - k->e[i].at);
    return n;
}

uint64_t kept_dropped(const struct kept *k)
{
    return k->dropped;
}
