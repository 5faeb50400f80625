/* SPDX-License-Identifier: Apache-2.0
 *
 * Token buckets: one bucket, and a bounded table of buckets by address prefix (IPv4 address or IPv6 /64) or by a keyed hash of something else.
 */
#pragma once

#include "common/base/addr.h"
#include "common/base/err.h"

struct bucket {
    uint64_t tokens_u; /* millionths of a token */
    uint64_t last_us;
};

struct bucket_rate {
    uint32_t per_second_milli; /* tokens a second, in thousandths */
    uint32_t burst;            /* tokens held at most */
};

void bucket_init(struct bucket *b, const struct bucket_rate *r, uint64_t now_us);
/* Takes n tokens and returns true, or takes none and returns false. */
bool bucket_take(struct bucket *b, const struct bucket_rate *r, uint32_t n, uint64_t now_us);

struct limiter;
/* `sources` prefixes are remembered at most; the one longest unused is forgotten first. */
struct limiter *limiter_new(size_t sources, struct bucket_rate rate, const uint8_t seed[16]);
void limiter_free(struct limiter *l);
bool limiter_take(struct limiter *l, const struct addr *from, uint64_t now_us);
/* Of a limiter that is used with hashes alone. */
bool limiter_take_hash(struct limiter *l, uint64_t hash, uint64_t now_us);
void limiter_forget_hash(struct limiter *l, uint64_t hash); /* its bucket is full again */
/* The prefix that counts as one source: the IPv4 address or the IPv6 /64, port and scope cleared. */
struct addr limiter_source(const struct addr *from);
