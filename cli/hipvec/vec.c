/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hipvec/vec.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hex.h"

struct vec_block {
    struct vec_block *next;
    uint8_t b[];
};

uint8_t *vec_alloc(struct vec_case *c, size_t n)
{
    struct vec_block *m = calloc(1, sizeof(*m) + n + 1);
    if (!m)
        abort();
    m->next = c->mem;
    c->mem = m;
    return m->b;
}

struct span vec_join(struct vec_case *c, const struct span *parts, size_t n)
{
    size_t len = 0, at = 0;
    for (size_t i = 0; i < n; i++)
        len += parts[i].n;
    uint8_t *p = vec_alloc(c, len);
    for (size_t i = 0; i < n; at += parts[i++].n)
        if (parts[i].n)
            memcpy(p + at, parts[i].p, parts[i].n);
    return span_of(p, len);
}

void vec_done(struct vec_case *c)
{
    while (c->mem) {
        struct vec_block *m = c->mem;
        c->mem = m->next;
        free(m);
    }
    free(c->expected);
    free(c->got);
}

static void say(struct vec_case *c, enum vec_outcome o, const char *fmt, va_list ap)
{
    if (!vec_going(c))
        return;
    c->outcome = o;
    vsnprintf(c->why, sizeof(c->why), fmt, ap);
}

void vec_skip(struct vec_case *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(c, VEC_SKIP, fmt, ap);
    va_end(ap);
}

void vec_malformed(struct vec_case *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(c, VEC_MALFORMED, fmt, ap);
    va_end(ap);
}

static void mismatch(struct vec_case *c, const char *name, const char *expected, const char *got)
{
    if (!vec_going(c))
        return;
    c->outcome = VEC_FAIL;
    snprintf(c->field, sizeof(c->field), "%s", name);
    c->expected = strdup(expected);
    c->got = strdup(got);
    if (!c->expected || !c->got)
        abort();
}

void vec_differ(struct vec_case *c, const char *field, const char *expected, const char *got,
                const char *from, const char *section)
{
    if (!vec_going(c))
        return;
    mismatch(c, field, expected, got);
    snprintf(c->from, sizeof(c->from), "%s", from);
    c->section = section;
}

void vec_forget(struct vec_case *c)
{
    free(c->expected);
    free(c->got);
    c->expected = c->got = NULL;
    c->outcome = VEC_PASS;
}

static const json_t *find(const struct vec_case *c, const char *name)
{
    const json_t *j = json_object_get(c->test, name);
    return j ? j : json_object_get(c->group, name);
}

bool vec_has(const struct vec_case *c, const char *name)
{
    return find(c, name) != NULL;
}

static struct span from_hex(struct vec_case *c, const char *name, const char *s)
{
    size_t len = strlen(s), n = 0;
    uint8_t *p = vec_alloc(c, len / 2);
    if (hex_decode(s, len, p, len / 2, &n) != ERR_OK) {
        vec_malformed(c, "field %s is not hexadecimal", name);
        return span_of(p, 0);
    }
    return span_of(p, n);
}

struct span vec_hex(struct vec_case *c, const char *name)
{
    return from_hex(c, name, vec_text(c, name));
}

struct span vec_hex_or_none(struct vec_case *c, const char *name)
{
    return vec_has(c, name) ? vec_hex(c, name) : span_of(vec_alloc(c, 0), 0);
}

struct span vec_hex_n(struct vec_case *c, const char *name, size_t n)
{
    struct span s = vec_hex(c, name);
    if (vec_going(c) && s.n == n)
        return s;
    vec_malformed(c, "field %s has %zu octets, not %zu", name, s.n, n);
    return span_of(vec_alloc(c, n), n); /* may be read, is not used */
}

const char *vec_text(struct vec_case *c, const char *name)
{
    const char *s = json_string_value(find(c, name));
    if (!s)
        vec_malformed(c, "field %s is missing or no text", name);
    return s ? s : "";
}

int64_t vec_int(struct vec_case *c, const char *name)
{
    const json_t *j = find(c, name);
    if (!json_is_integer(j))
        vec_malformed(c, "field %s is missing or no integer", name);
    return json_integer_value(j);
}

bool vec_true(struct vec_case *c, const char *name)
{
    const json_t *j = find(c, name);
    if (!json_is_boolean(j))
        vec_malformed(c, "field %s is missing or neither true nor false", name);
    return json_is_true(j);
}

const json_t *vec_array(struct vec_case *c, const char *name)
{
    const json_t *j = find(c, name);
    if (!json_is_array(j))
        vec_malformed(c, "field %s is missing or no array", name);
    return j;
}

struct span vec_item(struct vec_case *c, const json_t *item, const char *name)
{
    const char *s = json_string_value(json_is_object(item) ? json_object_get(item, name) : item);
    if (!s) {
        vec_malformed(c, "an element without %s", name);
        return span_of(NULL, 0);
    }
    return from_hex(c, name, s);
}

enum hash_alg vec_hash(struct vec_case *c, const char *name)
{
    static const struct {
        const char *name;
        enum hash_alg alg;
    } names[] = { { "SHA-1", HASH_SHA1 },     { "sha1", HASH_SHA1 },      { "SHA-256", HASH_SHA256 },
                  { "sha256", HASH_SHA256 },  { "SHA-384", HASH_SHA384 }, { "sha384", HASH_SHA384 },
                  { "SHA-512", HASH_SHA512 }, { "sha512", HASH_SHA512 },  { "cSHAKE128", HASH_CSHAKE128 } };
    const char *s = vec_text(c, name);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(s, names[i].name) == 0)
            return names[i].alg;
    vec_skip(c, "hash %s", s);
    return HASH_NONE;
}

void vec_agree(struct vec_case *c, const char *what, struct span expected, struct span got)
{
    if (!vec_going(c) || span_eq(expected, got))
        return;
    char *a = (char *)vec_alloc(c, 2 * expected.n + 1), *b = (char *)vec_alloc(c, 2 * got.n + 1);
    mismatch(c, what, hex_encode(expected, a), hex_encode(got, b));
}

void vec_same(struct vec_case *c, const char *name, struct span got)
{
    if (vec_going(c) && vec_has(c, name))
        vec_agree(c, name, vec_hex(c, name), got);
}

void vec_same_text(struct vec_case *c, const char *name, const char *got)
{
    if (vec_going(c) && vec_has(c, name) && strcmp(vec_text(c, name), got) != 0)
        mismatch(c, name, vec_text(c, name), got);
}

void vec_same_int(struct vec_case *c, const char *name, int64_t got)
{
    char a[32], b[32];
    if (!vec_going(c) || !vec_has(c, name) || vec_int(c, name) == got)
        return;
    snprintf(a, sizeof(a), "%lld", (long long)vec_int(c, name));
    snprintf(b, sizeof(b), "%lld", (long long)got);
    mismatch(c, name, a, b);
}

void vec_verdict(struct vec_case *c, bool accepted)
{
    if (accepted != c->valid)
        mismatch(c, "result", c->valid ? "valid" : "invalid", accepted ? "valid" : "invalid");
}

bool vec_step(struct vec_case *c, const char *what, err e)
{
    if (e != ERR_OK)
        mismatch(c, what, "ok", err_text(e));
    return vec_going(c);
}
