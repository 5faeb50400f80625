/* SPDX-License-Identifier: Apache-2.0 */
#include "as/given.h"

#include <string.h>

static uint8_t *entry(struct given *g, size_t i)
{
    return g->octets + i * GIVEN_ENTRY;
}

static uint32_t seconds(const uint8_t *e)
{
    return (uint32_t)e[1] << 24 | (uint32_t)e[2] << 16 | (uint32_t)e[3] << 8 | e[4];
}

err given_load(struct given *g, struct span blob)
{
    if (blob.n % GIVEN_ENTRY || blob.n > sizeof g->octets)
        return ERR_MALFORMED;
    if (blob.n)
        memcpy(g->octets, blob.p, blob.n);
    g->n = (uint8_t)(blob.n / GIVEN_ENTRY);
    return ERR_OK;
}

struct span given_blob(const struct given *g)
{
    return span_of(g->octets, (size_t)g->n * GIVEN_ENTRY);
}

static void drop(struct given *g, size_t i)
{
    g->n--;
    memmove(entry(g, i), entry(g, i + 1), (g->n - i) * GIVEN_ENTRY);
}

/* Which one makes room: the asker's oldest when it has its share, else the oldest of who has most. */
static size_t victim(struct given *g, unsigned ind)
{
    unsigned count[256] = { 0 }, who = ind;
    for (size_t i = 0; i < g->n; i++)
        count[entry(g, i)[0]]++;
    for (unsigned i = 0; i < 256 && count[ind] < GIVEN_OWN; i++)
        if (count[i] > count[who])
            who = i;
    size_t i = 0;
    while (i + 1 < g->n && entry(g, i)[0] != who)
        i++;
    return i;
}

void given_add(struct given *g, unsigned ind, uint64_t wall_s, const uint8_t rand[AKA_RAND_LEN])
{
    if (g->n == AUC_GIVEN_MAX)
        drop(g, victim(g, (uint8_t)ind));
    uint8_t *e = entry(g, g->n++);
    e[0] = (uint8_t)ind;
    for (unsigned i = 0; i < 4; i++)
        e[1 + i] = (uint8_t)(wall_s >> (24 - 8 * i));
    memcpy(e + 5, rand, AKA_RAND_LEN);
}

bool given_take(struct given *g, unsigned ind, uint64_t wall_s, const uint8_t rand[AKA_RAND_LEN])
{
    uint32_t now = (uint32_t)wall_s;
    for (size_t i = 0; i < g->n; i++) {
        const uint8_t *e = entry(g, i);
        if (e[0] != (uint8_t)ind || memcmp(e + 5, rand, AKA_RAND_LEN) != 0)
            continue;
        bool lately = now <= seconds(e) || now - seconds(e) <= AUC_GIVEN_S;
        drop(g, i);
        return lately;
    }
    return false;
}
