/* SPDX-License-Identifier: Apache-2.0
 *
 * Open-addressing hash table from a fixed-length key to a pointer, seeded (SipHash-2-4), fixed capacity: it never grows past what
 * it was made for, so what a peer can make us store is bounded. Allocation happens in htab_new only.
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"

struct htab;

/* capacity entries at most; key_len 1-64 octets; seed 16 random octets. NULL: out of memory. */
struct htab *htab_new(size_t capacity, size_t key_len, const uint8_t seed[16]);
void htab_free(struct htab *t);
void *htab_get(const struct htab *t, const void *key);
/* value not NULL. ERR_EXISTS when the key is there, ERR_FULL at capacity. */
MUST_USE err htab_put(struct htab *t, const void *key, void *value);
void *htab_del(struct htab *t, const void *key); /* the value that was there, or NULL */
size_t htab_count(const struct htab *t);
/* Walk: *pos starts at 0; returns the next value or NULL at the end. Not while inserting or deleting. */
void *htab_next(const struct htab *t, size_t *pos);

uint64_t siphash24(const uint8_t key[16], struct span s);
