/* SPDX-License-Identifier: Apache-2.0 */
#include "host/lsi.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/cursor.h"
#include "common/base/htab.h"

#define OWN   1u /* first address of the prefix */
#define DRAWS 64 /* of at least 4096 addresses a quarter is taken at most: all fail once in 4^64 */

struct entry {
    bool used;
    struct hit hit;
    uint8_t lsi[4];
    uint64_t used_us;
};

struct host_lsis {
    struct host_lsi_conf c;
    struct htab *by_hit, *by_lsi;
    struct entry entry[HOST_LSI_MAX];
};

struct host_lsis *host_lsis_new(const struct host_lsi_conf *c)
{
    struct host_lsis *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return NULL;
    t->c = *c;
    t->by_hit = htab_new(HOST_LSI_MAX, sizeof(struct hit), c->seed[0]);
    t->by_lsi = htab_new(HOST_LSI_MAX, sizeof(t->entry[0].lsi), c->seed[1]);
    if (t->by_hit == NULL || t->by_lsi == NULL) {
        host_lsis_free(t);
        return NULL;
    }
    return t;
}

void host_lsis_free(struct host_lsis *t)
{
    if (t == NULL)
        return;
    htab_free(t->by_hit);
    htab_free(t->by_lsi);
    free(t);
}

/* The n-th address of the prefix. */
static struct addr address(const struct host_lsis *t, uint32_t n)
{
    struct rcur r = rcur_of(span_of(t->c.prefix.ip, 4));
    return addr_v4(rcur_u32(&r) + n);
}

struct addr host_lsi_own(const struct host_lsis *t)
{
    return address(t, OWN);
}

bool host_lsi_in(const struct host_lsis *t, const struct addr *a)
{
    return addr_in_prefix(a, &t->c.prefix, t->c.bits);
}

/* Neither the network's own address, nor ours, nor the broadcast address. */
static struct addr draw(const struct host_lsis *t, const struct hit *hit, uint32_t round)
{
    uint32_t size = UINT32_C(1) << (32 - t->c.bits);
    uint8_t in[sizeof(hit->b) + 4];
    struct wcur w = wcur_of(in, sizeof(in));

    wcur_put(&w, hit->b, sizeof(hit->b));
    wcur_u32(&w, round);
    return address(t, OWN + 1 + (uint32_t)(siphash24(t->c.key, wcur_done(&w)) % (size - OWN - 2)));
}

/* A free entry, or one that may go. */
static struct entry *room(struct host_lsis *t, uint64_t now)
{
    struct entry *oldest = NULL;

    for (size_t i = 0; i < HOST_LSI_MAX; i++) {
        struct entry *e = &t->entry[i];
        if (!e->used)
            return e;
        if (oldest == NULL || e->used_us < oldest->used_us)
            oldest = e;
    }
    if (now < oldest->used_us + HOST_LSI_KEEP_US)
        return NULL;
    (void)htab_del(t->by_hit, oldest->hit.b);
    (void)htab_del(t->by_lsi, oldest->lsi);
    oldest->used = false;
    return oldest;
}

err host_lsi_give(struct host_lsis *t, const struct hit *hit, uint64_t now, struct addr *out)
{
    struct entry *e = htab_get(t->by_hit, hit->b);

    if (e == NULL) {
        struct addr a;
        uint32_t round = 0;
        e = room(t, now);
        if (e == NULL)
            return ERR_FULL;
        do
            a = draw(t, hit, round++);
        while (htab_get(t->by_lsi, a.ip) != NULL && round < DRAWS);
        e->hit = *hit;
        memcpy(e->lsi, a.ip, sizeof(e->lsi));
        if (htab_put(t->by_lsi, e->lsi, e))
            return ERR_FULL;
        if (htab_put(t->by_hit, e->hit.b, e)) {
            (void)htab_del(t->by_lsi, e->lsi);
            return ERR_FULL;
        }
        e->used = true;
    }
    e->used_us = now;
    *out = (struct addr){ .family = ADDR_V4 };
    memcpy(out->ip, e->lsi, sizeof(e->lsi));
    return ERR_OK;
}

bool host_lsi_find(const struct host_lsis *t, const struct hit *hit, struct addr *out)
{
    const struct entry *e = htab_get(t->by_hit, hit->b);

    if (e == NULL)
        return false;
    *out = (struct addr){ .family = ADDR_V4 };
    memcpy(out->ip, e->lsi, sizeof(e->lsi));
    return true;
}

bool host_lsi_hit(struct host_lsis *t, const struct addr *lsi, uint64_t now, struct hit *out)
{
    struct entry *e = lsi->family == ADDR_V4 ? htab_get(t->by_lsi, lsi->ip) : NULL;

    if (e == NULL)
        return false;
    if (now > e->used_us)
        e->used_us = now;
    *out = e->hit;
    return true;
}

size_t host_lsi_count(const struct host_lsis *t)
{
    return htab_count(t->by_hit);
}
