/* SPDX-License-Identifier: Apache-2.0
 *
 * Vectors that an HLR gave beyond the one that was asked for: by subscriber, in the order in which it made them, bounded in number and age. Those of
 * one subscriber are all of one kind (AMF separation bit).
 */
#pragma once

#include "aka/nai.h"
#include "aka/vector.h"
#include "common/base/heap.h" /* HEAP_NEVER */

#define KEPT_VECTORS_MAX 5 /* of one subscriber */

struct kept;

struct kept *kept_new(size_t subscribers); /* NULL: out of memory */
void kept_free(struct kept *k);            /* wipes; NULL is fine */

/* These n take the place of what there is of this subscriber; n 0: of nothing. The subscriber who would go first makes room. */
void kept_put(struct kept *k, const char *imsi, bool separated, const struct aka_vector *v, size_t n,
              uint64_t until_us);
/* The next vector of this kind. False: there is none; what there is of the other kind, or too old, is dropped. */
bool kept_take(struct kept *k, const char *imsi, bool separated, uint64_t now, struct aka_vector *v);
void kept_drop(struct kept *k, const char *imsi);
void kept_timeout(struct kept *k, uint64_t now);
uint64_t kept_deadline(const struct kept *k); /* HEAP_NEVER: none */

size_t kept_count(const struct kept *k);     /* vectors */
uint64_t kept_dropped(const struct kept *k); /* vectors that nobody got */
