/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hipvec/draws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/hash.h"

void draws_done(struct draws *d)
{
    for (size_t i = 0; i < d->n; i++)
        free((void *)d->v[i].v.p);
    free(d->v);
    d->v = NULL;
    d->n = 0;
}

void draws_add(struct draws *d, const char *name, struct span v)
{
    uint8_t *copy = malloc(v.n + 1);
    d->v = realloc(d->v, (d->n + 1) * sizeof *d->v);
    if (!d->v || !copy)
        abort();
    if (v.n)
        memcpy(copy, v.p, v.n);
    struct draw *w = &d->v[d->n++];
    *w = (struct draw){ .v = span_of(copy, v.n) };
    snprintf(w->name, sizeof w->name, "%s", name);
}

static void u32(uint8_t b[4], uint32_t v)
{
    for (int i = 0; i < 4; i++)
        b[i] = (uint8_t)(v >> (24 - 8 * i));
}

void draws_make(struct span seed, const char *party, const char *name, uint32_t count, uint8_t *out, size_t n)
{
    uint8_t block[HASH_LEN_MAX], c[4], b[4];
    u32(c, count);
    for (uint32_t i = 0; n; i++) {
        u32(b, i);
        /* Names end with their zero octet. */
        const struct span in[] = { span_str("hipvec draw"),
                                   seed,
                                   span_of(party, strlen(party) + 1),
                                   span_of(name, strlen(name) + 1),
                                   span_of(c, sizeof c),
                                   span_of(b, sizeof b) };
        if (hash_spans(HASH_SHA256, in, sizeof in / sizeof *in, block) != ERR_OK)
            abort();
        size_t take = n < 32 ? n : 32;
        memcpy(out, block, take);
        out += take;
        n -= take;
    }
}

static void from_list(struct draws *d, const char *name, void *out, size_t n)
{
    for (size_t i = 0; i < d->n; i++) {
        struct draw *w = &d->v[i];
        if (w->used || strcmp(w->name, name) != 0)
            continue;
        w->used = true;
        if (w->v.n != n)
            break;
        memcpy(out, w->v.p, n);
        return;
    }
    memset(out, 0, n);
    if (!d->missing[0])
        snprintf(d->missing, sizeof d->missing, "%s", name);
}

static void named(void *ctx, const char *name, void *out, size_t n)
{
    struct draws *d = ctx;
    uint32_t count = 0;
    if (d->given) {
        from_list(d, name, out, n);
        return;
    }
    for (size_t i = 0; i < d->n; i++)
        count += strcmp(d->v[i].name, name) == 0;
    draws_make(d->seed, d->party, name, count, out, n);
    draws_add(d, name, span_of(out, n));
}

static void nameless(void *ctx, void *out, size_t n)
{
    struct draws *d = ctx;
    draws_make(span_of(NULL, 0), d->party, "", d->nameless++, out, n);
}

struct env draws_env(struct draws *d)
{
    return (struct env){ .ctx = d, .random = nameless, .draw = named };
}
