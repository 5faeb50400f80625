/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hipvec/fields.h"

#include <stdio.h>
#include <string.h>

/* What stands beside `type` counts in each test. */
static json_t *spread(const json_t *group)
{
    json_t *g = json_deep_copy(group), *t, *v;
    const char *name;
    size_t i;
    json_array_foreach (json_object_get(g, "tests"), i, t)
        json_object_foreach (g, name, v)
            if (strcmp(name, "tests") != 0 && strcmp(name, "type") != 0 && strcmp(name, "origin") != 0 &&
                strcmp(name, "source") != 0 && strcmp(name, "flow") != 0 && strcmp(name, "comment") != 0 &&
                json_is_object(t) && !json_object_get(t, name))
                json_object_set(t, name, v);
    return g;
}

static bool check_group(const json_t *group, size_t i, schema_report *report, void *ctx, unsigned *skipped)
{
    char name[80], path[40];
    struct schema s;
    const char *type = json_string_value(json_object_get(group, "type"));
    if (!type)
        return true; /* reported with the file */
    snprintf(name, sizeof name, "%s.json", type);
    snprintf(path, sizeof path, "testGroups[%zu]", i);
    if (!schema_load(&s, name)) {
        ++*skipped;
        return true;
    }
    json_t *all = spread(group);
    bool good = schema_check(&s, all, path, report, ctx);
    json_decref(all);
    schema_done(&s);
    return good;
}

bool fields_check(const json_t *file, schema_report *report, void *ctx, unsigned *skipped)
{
    const char *named = json_string_value(json_object_get(file, "schema"));
    struct schema s;
    size_t i;
    json_t *g;
    bool whole = named && schema_load(&s, named);
    if (named && !whole) {
        report(ctx, SCHEMA_VALUE, "schema", "there is none of this name");
        return false;
    }
    if (!whole && !schema_load(&s, "vectors.json"))
        return false;
    bool good = schema_check(&s, file, "", report, ctx);
    schema_done(&s);
    if (whole)
        return good;
    json_array_foreach (json_object_get(file, "testGroups"), i, g)
        good &= check_group(g, i, report, ctx, skipped);
    return good;
}
