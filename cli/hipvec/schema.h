/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON Schema, the part of draft-07 that test-vectors/schema uses: type, properties, required, additionalProperties, items, minItems, enum,
 * const, pattern, minimum, maximum, $ref into the same document; title, description, definitions, $schema, $id and $comment say nothing about
 * a value. Any other keyword is a fault of the schema, not something to pass over.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

struct schema_text {
    const char *name, *text; /* "PuzzleTest.json" */
};
extern const struct schema_text schema_texts[]; /* test-vectors/schema, ended by a row of NULL */

enum schema_fault {
    SCHEMA_UNKNOWN, /* a member that the schema does not have */
    SCHEMA_MISSING, /* one that it requires is not there */
    SCHEMA_VALUE,   /* a value that is not as it says */
    SCHEMA_ITSELF,  /* the schema uses what is not supported, or does not hold together */
};

/* path: "testGroups[0].tests[3].k". */
typedef void schema_report(void *ctx, enum schema_fault fault, const char *path, const char *why);

struct schema {
    json_t *root; /* owned */
};

bool schema_load(struct schema *s, const char *name); /* from the texts; false: there is none of this name */
void schema_done(struct schema *s);
/* path: how the value is called in reports. True: nothing to report. */
bool schema_check(const struct schema *s, const json_t *value, const char *path, schema_report *report,
                  void *ctx);
/* Is this document one that schema_check() can follow? */
bool schema_sound(const json_t *schema, schema_report *report, void *ctx);
