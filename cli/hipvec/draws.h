/* SPDX-License-Identifier: Apache-2.0
 *
 * Random draws that can be made again: from a seed, or one after the other from a list. test-vectors/README.md describes the generator:
 *
 *     draw = the first n octets of B(0) | B(1) | ...
 *     B(b) = SHA-256("hipvec draw" | seed | party | 0x00 | name | 0x00 | c | b)
 *
 * party: "I", "R", "RVS". c: how many draws of this name the party made before, b: both as 32 bits, big-endian.
 */
#pragma once

#include "common/base/env.h"
#include "common/base/err.h"

#define DRAW_NAME_MAX 32

struct draw {
    char name[DRAW_NAME_MAX];
    struct span v; /* owned by the list */
    bool used;     /* from a list: it was asked for */
};

/* What one party drew, in that order. */
struct draws {
    const char *party;
    struct span seed; /* borrowed */
    bool given;       /* v is the list that draws come from */
    struct draw *v;
    size_t n;
    uint32_t nameless;           /* blocks that seeds of tables took: nothing that is seen hangs on them */
    char missing[DRAW_NAME_MAX]; /* the first draw that the list does not have; zeros were given */
};

void draws_done(struct draws *d);
/* A draw into the list. */
void draws_add(struct draws *d, const char *name, struct span v);
/* n octets as this generator makes them. */
void draws_make(struct span seed, const char *party, const char *name, uint32_t count, uint8_t *out,
                size_t n);
/* An env that draws from d, which it points to. */
struct env draws_env(struct draws *d);
