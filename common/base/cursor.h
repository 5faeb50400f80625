/* SPDX-License-Identifier: Apache-2.0
 *
 * Bounded reader and writer of big-endian wire data with a sticky error.
 *
 * Reader: past the end it reads zeros and remembers it; check once with rcur_end() (all octets must be used) or
 * rcur_ok(). A nested length becomes a reader of its own (rcur_sub).
 * Writer: past the end nothing is written and wcur_ok() is false from then on; wcur_len() is what was
 * written so far.
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"

struct rcur {
    const uint8_t *p;
    size_t left;
    bool failed;
};

struct rcur rcur_of(struct span s);
uint8_t rcur_u8(struct rcur *c);
uint16_t rcur_u16(struct rcur *c);
uint32_t rcur_u32(struct rcur *c);
uint64_t rcur_u48(struct rcur *c);
uint64_t rcur_u64(struct rcur *c);
/* Borrow n octets; an empty span when fewer are left. */
struct span rcur_take(struct rcur *c, size_t n);
struct span rcur_rest(struct rcur *c);
/* Copy n octets out; zeros when fewer are left. */
void rcur_copy(struct rcur *c, void *out, size_t n);
void rcur_skip(struct rcur *c, size_t n);
struct rcur rcur_sub(struct rcur *c, size_t n);
static inline size_t rcur_left(const struct rcur *c)
{
    return c->left;
}
static inline bool rcur_ok(const struct rcur *c)
{
    return !c->failed;
}
/* True when nothing failed and nothing is left over. */
bool rcur_end(const struct rcur *c);
void rcur_fail(struct rcur *c);

struct wcur {
    uint8_t *base;
    size_t len;
    size_t cap;
    bool failed;
};

struct wcur wcur_of(void *buf, size_t cap);
void wcur_u8(struct wcur *c, uint8_t v);
void wcur_u16(struct wcur *c, uint16_t v);
void wcur_u32(struct wcur *c, uint32_t v);
void wcur_u48(struct wcur *c, uint64_t v);
void wcur_u64(struct wcur *c, uint64_t v);
void wcur_put(struct wcur *c, const void *p, size_t n);
void wcur_span(struct wcur *c, struct span s);
void wcur_zero(struct wcur *c, size_t n);
/* n octets to be filled in by the caller; NULL when they do not fit. */
uint8_t *wcur_reserve(struct wcur *c, size_t n);
/* Overwrite two octets written earlier (a length field). */
void wcur_patch_u16(struct wcur *c, size_t off, uint16_t v);
static inline size_t wcur_len(const struct wcur *c)
{
    return c->len;
}
static inline bool wcur_ok(const struct wcur *c)
{
    return !c->failed;
}
static inline struct span wcur_done(const struct wcur *c)
{
    return span_of(c->base, c->failed ? 0 : c->len);
}
