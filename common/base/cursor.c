/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/cursor.h"

#include <string.h>

struct rcur rcur_of(struct span s)
{
    return (struct rcur){ .p = s.p, .left = s.n };
}

/* After a failure nothing is left, so that no later, shorter read can succeed by accident. */
void rcur_fail(struct rcur *c)
{
    c->failed = true;
    c->left = 0;
}

struct span rcur_take(struct rcur *c, size_t n)
{
    if (n > c->left) {
        rcur_fail(c);
        return (struct span){ 0 };
    }
    struct span s = span_of(c->p, n);
    if (n)
        c->p += n;
    c->left -= n;
    return s;
}

/* n octets, big-endian; zero when they are not there. */
static uint64_t read_be(struct rcur *c, size_t n)
{
    struct span s = rcur_take(c, n);
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++)
        v = v << 8 | s.p[i];
    return v;
}

uint8_t rcur_u8(struct rcur *c)
{
    return (uint8_t)read_be(c, 1);
}

uint16_t rcur_u16(struct rcur *c)
{
    return (uint16_t)read_be(c, 2);
}

uint32_t rcur_u32(struct rcur *c)
{
    return (uint32_t)read_be(c, 4);
}

uint64_t rcur_u48(struct rcur *c)
{
    return read_be(c, 6);
}

uint64_t rcur_u64(struct rcur *c)
{
    return read_be(c, 8);
}

struct span rcur_rest(struct rcur *c)
{
    return rcur_take(c, c->left);
}

void rcur_copy(struct rcur *c, void *out, size_t n)
{
    struct span s = rcur_take(c, n);
    if (n == 0)
        return;
    if (s.n == n)
        memcpy(out, s.p, n);
    else
        memset(out, 0, n);
}

void rcur_skip(struct rcur *c, size_t n)
{
    (void)rcur_take(c, n);
}

struct rcur rcur_sub(struct rcur *c, size_t n)
{
    struct rcur sub = rcur_of(rcur_take(c, n));
    sub.failed = c->failed;
    return sub;
}

bool rcur_end(const struct rcur *c)
{
    return !c->failed && c->left == 0;
}

struct wcur wcur_of(void *buf, size_t cap)
{
    return (struct wcur){ .base = buf, .cap = cap };
}

uint8_t *wcur_reserve(struct wcur *c, size_t n)
{
    if (c->failed || n > c->cap - c->len) {
        c->failed = true;
        return NULL;
    }
    uint8_t *at = c->len ? c->base + c->len : c->base;
    c->len += n;
    return at;
}

static void write_be(struct wcur *c, uint64_t v, size_t n)
{
    uint8_t *at = wcur_reserve(c, n);
    for (size_t i = n; at && i-- > 0; v >>= 8)
        at[i] = (uint8_t)v;
}

void wcur_u8(struct wcur *c, uint8_t v)
{
    write_be(c, v, 1);
}

void wcur_u16(struct wcur *c, uint16_t v)
{
    write_be(c, v, 2);
}

void wcur_u32(struct wcur *c, uint32_t v)
{
    write_be(c, v, 4);
}

void wcur_u48(struct wcur *c, uint64_t v)
{
    if (v >> 48)
        c->failed = true;
    write_be(c, v, 6);
}

void wcur_u64(struct wcur *c, uint64_t v)
{
    write_be(c, v, 8);
}

void wcur_put(struct wcur *c, const void *p, size_t n)
{
    uint8_t *at = wcur_reserve(c, n);
    if (at && n)
        memcpy(at, p, n);
}

void wcur_span(struct wcur *c, struct span s)
{
    wcur_put(c, s.p, s.n);
}

void wcur_zero(struct wcur *c, size_t n)
{
    uint8_t *at = wcur_reserve(c, n);
    if (at && n)
        memset(at, 0, n);
}

void wcur_patch_u16(struct wcur *c, size_t off, uint16_t v)
{
    if (c->failed || c->len < 2 || off > c->len - 2) {
        c->failed = true;
        return;
    }
    c->base[off] = (uint8_t)(v >> 8);
    c->base[off + 1] = (uint8_t)v;
}
