/* SPDX-License-Identifier: Apache-2.0
 *
 * One test of a vector file while it is recomputed. A family (family_*.c) reads fields, computes with the project's libraries and says what it found;
 * the first thing that is wrong decides. Spans that come out of here live as long as the case.
 */
#pragma once

#include <jansson.h>

#include "common/base/err.h"
#include "common/base/span.h"
#include "common/crypto/hash.h"

enum vec_outcome { VEC_PASS, VEC_FAIL, VEC_SKIP, VEC_MALFORMED };

#define VEC_FROM_MAX 320

struct vec_block;

struct vec_case {
    const json_t *group, *test; /* fields are looked for in the test, then in its group */
    const char *type;
    bool valid; /* result of the test */
    enum vec_outcome outcome;
    char why[200];        /* of VEC_SKIP and VEC_MALFORMED */
    char field[128];      /* of VEC_FAIL */
    char *expected, *got; /* of VEC_FAIL; owned */
    char from
        [VEC_FROM_MAX]; /* of VEC_FAIL: what the value is computed from; empty: from all fields of the test */
    const char *section;   /* of VEC_FAIL: where that is said; NULL: as its family's */
    struct vec_block *mem; /* owned */
};

struct vec_family {
    const char *type;
    void (*run)(struct vec_case *c);
    const char *section; /* what it is recomputed from */
    const char *skip;    /* run NULL: the algorithm that is not here */
    bool
        judges; /* tests of it may be invalid by verdict (a MAC, a HIT); else invalid means: some value is not right */
};

/* The families: tables ended by a row without type. */
extern const struct vec_family family_hip[], family_keys[], family_esp[], family_aka[], family_eap[],
    family_ecdhe[], family_dns[], family_bex[];

/* ---- fields; a wrong or missing one makes the case malformed and reads as empty ---- */
bool vec_has(const struct vec_case *c, const char *name);
struct span vec_hex(struct vec_case *c, const char *name);
struct span vec_hex_or_none(struct vec_case *c, const char *name);
struct span vec_hex_n(struct vec_case *c, const char *name, size_t n);
const char *vec_text(struct vec_case *c, const char *name);
int64_t vec_int(struct vec_case *c, const char *name);
bool vec_true(struct vec_case *c, const char *name);
const json_t *vec_array(struct vec_case *c, const char *name);
/* An array's element as octets: text, or the member `name` of an object. */
struct span vec_item(struct vec_case *c, const json_t *item, const char *name);
/* "SHA-256", "sha256". HASH_NONE and the case skipped: another one. */
enum hash_alg vec_hash(struct vec_case *c, const char *name);

/* Memory of the case, zeroed. */
uint8_t *vec_alloc(struct vec_case *c, size_t n);
struct span vec_join(struct vec_case *c, const struct span *parts, size_t n);

/* ---- findings ---- */
static inline bool vec_going(const struct vec_case *c)
{
    return c->outcome == VEC_PASS;
}
/* The field, where it is given, has these octets. */
void vec_same(struct vec_case *c, const char *name, struct span got);
void vec_same_int(struct vec_case *c, const char *name, int64_t got);
void vec_same_text(struct vec_case *c, const char *name, const char *got);
/* Two computed or given things that must agree, under a name that says which. */
void vec_agree(struct vec_case *c, const char *what, struct span expected, struct span got);
/* A value that differs, with what it is computed from and the section that says how. */
void vec_differ(struct vec_case *c, const char *field, const char *expected, const char *got,
                const char *from, const char *section);
/* A failure was what the test asked for: passed. */
void vec_forget(struct vec_case *c);
/* `accepted` is what the test's result says. */
void vec_verdict(struct vec_case *c, bool accepted);
/* A step that must succeed. False: it did not (reported under `what`). */
bool vec_step(struct vec_case *c, const char *what, err e);
void vec_skip(struct vec_case *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
void vec_malformed(struct vec_case *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
void vec_done(struct vec_case *c);

/* Shared by the families of AKA: keys from CK, IK and the identity; the vector from K and OPc where they are given. */
void vec_aka_keys(struct vec_case *c, bool prime);
void vec_aka_vector(struct vec_case *c);
