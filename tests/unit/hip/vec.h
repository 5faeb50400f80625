/* SPDX-License-Identifier: Apache-2.0
 *
 * What the unit tests of hip/ share: vector files, octets from hex, reproducible randomness, two addresses.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "common/base/addr.h"
#include "common/base/env.h"
#include "common/base/hex.h"
#include "common/crypto/hash.h"
#include "common/crypto/secret.h"

struct octets {
    size_t n;
    uint8_t b[2100];
};

static inline struct span sp(const struct octets *o)
{
    return span_of(o->b, o->n);
}

static inline struct octets unhex(const char *text)
{
    struct octets o = { 0 };
    assert_int_equal(hex_decode(text, strlen(text), o.b, sizeof(o.b), &o.n), ERR_OK);
    return o;
}

/* A field of a vector as octets; absent: no octets. */
static inline struct octets field(const json_t *t, const char *name)
{
    const char *s = json_string_value(json_object_get(t, name));
    return s ? unhex(s) : (struct octets){ 0 };
}

static inline bool is_valid(const json_t *t)
{
    return strcmp(json_string_value(json_object_get(t, "result")), "valid") == 0;
}

/* Calls fn for every test of groups of this type; fails when there is none. */
static inline void each_vector(const char *file, const char *type,
                               void (*fn)(const json_t *group, const json_t *test))
{
    char path[512];
    json_error_t je;
    size_t n = 0, i, j;
    json_t *g, *t;
    snprintf(path, sizeof(path), "%s/%s.json", VECTORS, file);
    json_t *root = json_load_file(path, 0, &je);
    assert_non_null(root);
    json_array_foreach (json_object_get(root, "testGroups"), i, g) {
        if (strcmp(json_string_value(json_object_get(g, "type")), type) != 0)
            continue;
        json_array_foreach (json_object_get(g, "tests"), j, t) {
            fn(g, t);
            n++;
        }
    }
    json_decref(root);
    assert_true(n > 0);
}

static inline enum hash_alg hash_by_name(const char *s)
{
    if (!strcmp(s, "SHA-256") || !strcmp(s, "sha256"))
        return HASH_SHA256;
    if (!strcmp(s, "SHA-384") || !strcmp(s, "sha384"))
        return HASH_SHA384;
    return !strcmp(s, "SHA-1") ? HASH_SHA1 : HASH_NONE;
}

/* Octets that any run repeats. */
static inline void counting_random(void *ctx, void *out, size_t n)
{
    uint8_t *seed = ctx;
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = (*seed)++;
}

static inline struct addr address(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(text, &a), ERR_OK);
    return a;
}

static inline int setup_crypto(void **s)
{
    return crypto_init() == ERR_OK ? 0 : -1;
}
