/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads test-vectors/NAME.json for the tests of aka/: walks the tests of one type, takes hex fields.
 */
#pragma once

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/hex.h"
#include "common/base/span.h"

struct vec_walk {
    json_t *root;
    const char *type;
    size_t group, test;
    unsigned seen;
    json_t *cur;
};

static inline struct vec_walk vec_open(const char *name, const char *type)
{
    char path[1024];
    json_error_t e;
    snprintf(path, sizeof path, "%s/%s.json", TEST_VECTORS, name);
    struct vec_walk w = { .root = json_load_file(path, 0, &e), .type = type };
    if (!w.root)
        fail_msg("%s: %s", path, e.text);
    return w;
}

/* Next test of the type, or NULL at the end (and the file is freed). A type of which there is no test is a fault of the test. */
static inline json_t *vec_next(struct vec_walk *w)
{
    json_t *groups = json_object_get(w->root, "testGroups");
    for (; w->group < json_array_size(groups); w->group++, w->test = 0) {
        json_t *g = json_array_get(groups, w->group);
        json_t *tests = json_object_get(g, "tests");
        const char *type = json_string_value(json_object_get(g, "type"));
        if (type && strcmp(type, w->type) == 0 && w->test < json_array_size(tests)) {
            w->seen++;
            return w->cur = json_array_get(tests, w->test++);
        }
    }
    if (w->seen == 0)
        fail_msg("no vectors of type %s", w->type);
    json_decref(w->root);
    w->root = NULL;
    return NULL;
}

static inline const char *vec_str(const json_t *t, const char *key)
{
    const char *s = json_string_value(json_object_get(t, key));
    return s ? s : "";
}

static inline bool vec_has(const json_t *t, const char *key)
{
    return json_object_get(t, key) != NULL;
}

static inline bool vec_valid(const json_t *t)
{
    return strcmp(vec_str(t, "result"), "valid") == 0;
}

static inline size_t vec_hex(const json_t *t, const char *key, uint8_t *out, size_t cap)
{
    const char *s = vec_str(t, key);
    size_t n = 0;
    if (hex_decode(s, strlen(s), out, cap, &n) != ERR_OK)
        fail_msg("field %s is not hex or too long", key);
    return n;
}

/* Exactly n octets. */
static inline void vec_fixed(const json_t *t, const char *key, uint8_t *out, size_t n)
{
    if (vec_hex(t, key, out, n) != n)
        fail_msg("field %s has not %zu octets", key, n);
}

static inline void vec_same(const json_t *t, const char *key, const uint8_t *got, size_t n)
{
    uint8_t want[1100];
    size_t m = vec_hex(t, key, want, sizeof want);
    if (m != n || memcmp(want, got, n) != 0)
        fail_msg("tcId %d: %s differs", (int)json_integer_value(json_object_get(t, "tcId")), key);
}
