/* SPDX-License-Identifier: Apache-2.0
 *
 * What hipvec reads beside captures (hipvec_look.c): vector files of anybody. The first octet chooses: 0 a file is recomputed test by test, and looked at
 * with its schemas; 1 a JSON Schema, with the value that it is to describe: {"schema": ..., "value": ...}.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/hipvec/fields.h"
#include "cli/hipvec/vec.h"
#include "common/crypto/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct vec_family *const families[] = { family_hip, family_keys, family_esp, family_aka,
                                                     family_eap, family_dns,  family_bex };

static void must(bool held)
{
    if (!held)
        abort();
}

static void ignore(void *ctx, enum schema_fault fault, const char *path, const char *why)
{
    must(path && why && fault <= SCHEMA_ITSELF);
}

static void recompute(const struct vec_family *f, const json_t *group, const json_t *test)
{
    struct vec_case c = { .group = group, .test = test, .type = f->type, .valid = true };
    f->run(&c);
    must(c.outcome != VEC_FAIL || (c.expected && c.got && memchr(c.field, 0, sizeof c.field)));
    must(memchr(c.why, 0, sizeof c.why) != NULL);
    vec_done(&c);
}

static void groups(const json_t *file)
{
    size_t i, j;
    json_t *g, *test;
    json_array_foreach (json_object_get(file, "testGroups"), i, g) {
        const char *type = json_string_value(json_object_get(g, "type"));
        json_array_foreach (json_object_get(g, "tests"), j, test)
            for (size_t k = 0; type && k < sizeof families / sizeof *families; k++)
                for (const struct vec_family *f = families[k]; f->type; f++)
                    if (f->run && strcmp(f->type, type) == 0)
                        recompute(f, g, test);
    }
}

static void described(json_t *both)
{
    struct schema s = { .root = json_object_get(both, "schema") };
    if (s.root && schema_sound(s.root, ignore, NULL))
        (void)schema_check(&s, json_object_get(both, "value"), "value", ignore, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    unsigned skipped = 0;
    must(ready || crypto_init() == ERR_OK);
    ready = true;
    if (size == 0)
        return 0;
    json_t *j = json_loadb((const char *)data + 1, size - 1, JSON_REJECT_DUPLICATES, NULL);
    if (j && data[0] % 2 == 0) {
        (void)fields_check(j, ignore, NULL, &skipped);
        groups(j);
    } else if (j) {
        described(j);
    }
    json_decref(j);
    return 0;
}
