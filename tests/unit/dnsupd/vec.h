/* SPDX-License-Identifier: Apache-2.0
 * Test vectors and random numbers for the tests of dnsupd. */
#pragma once

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/env.h"
#include "common/base/hex.h"

struct octets {
    size_t n;
    uint8_t v[4096];
};

static inline struct span octets_span(const struct octets *o)
{
    return span_of(o->v, o->n);
}

static inline struct octets octets_hex(const char *text)
{
    struct octets o;
    assert_non_null(text);
    assert_int_equal(hex_decode(text, strlen(text), o.v, sizeof o.v, &o.n), ERR_OK);
    return o;
}

/* A file of test-vectors/; TEST_VECTORS comes from meson. */
static inline json_t *vec_load(const char *file)
{
    char path[4096];
    json_error_t e;
    snprintf(path, sizeof path, "%s/%s", TEST_VECTORS, file);
    json_t *j = json_load_file(path, 0, &e);
    if (!j)
        fail_msg("%s: %s", path, e.text);
    return j;
}

static inline const char *vec_text(json_t *t, const char *key)
{
    const char *s = json_string_value(json_object_get(t, key));
    if (!s)
        fail_msg("tcId %lld has no %s", json_integer_value(json_object_get(t, "tcId")), key);
    return s;
}

static inline struct octets vec_hex(json_t *t, const char *key)
{
    return octets_hex(vec_text(t, key));
}

static inline long long vec_int(json_t *t, const char *key)
{
    json_t *v = json_object_get(t, key);
    assert_true(json_is_integer(v));
    return json_integer_value(v);
}

/* Random numbers that repeat: a counter. */
static inline void test_random(void *ctx, void *out, size_t n)
{
    uint32_t *s = ctx;
    for (size_t i = 0; i < n; i++) {
        *s = *s * 1664525u + 1013904223u;
        ((uint8_t *)out)[i] = (uint8_t)(*s >> 24);
    }
}
