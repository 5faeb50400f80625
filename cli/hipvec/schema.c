/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hipvec/schema.h"

#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_LEN  512
#define DEPTH_MAX 64 /* of values and of $ref to $ref */

static const char *const silent[] = { "$schema",     "$id",         "$comment", "title",
                                      "description", "definitions", NULL };
static const char *const spoken[] = { "type",    "properties", "required", "additionalProperties",
                                      "items",   "minItems",   "enum",     "const",
                                      "pattern", "minimum",    "maximum",  "$ref",
                                      NULL };

struct check {
    const json_t *root;
    schema_report *report;
    void *ctx;
    bool good;
    char path[PATH_LEN];
};

static void say(struct check *c, enum schema_fault fault, const char *fmt, ...)
{
    char why[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    c->good = false;
    c->report(c->ctx, fault, c->path, why);
}

static bool in(const char *const *list, const char *name)
{
    for (; *list; list++)
        if (strcmp(*list, name) == 0)
            return true;
    return false;
}

bool schema_load(struct schema *s, const char *name)
{
    for (const struct schema_text *t = schema_texts; t->name; t++)
        if (strcmp(t->name, name) == 0) {
            s->root = json_loads(t->text, JSON_REJECT_DUPLICATES, NULL);
            return s->root != NULL;
        }
    return false;
}

void schema_done(struct schema *s)
{
    json_decref(s->root);
    s->root = NULL;
}

static size_t enter(struct check *c, const char *fmt, ...)
{
    size_t was = strlen(c->path);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(c->path + was, sizeof c->path - was, fmt, ap);
    va_end(ap);
    return was;
}

static size_t enter_member(struct check *c, const char *name)
{
    return enter(c, "%s%s", c->path[0] ? "." : "", name);
}

/* "#/definitions/Hex" */
static const json_t *resolve(struct check *c, const json_t *schema)
{
    static const char prefix[] = "#/definitions/";
    for (int i = 0; i < DEPTH_MAX; i++) {
        const json_t *r = json_object_get(schema, "$ref");
        if (!r)
            return schema;
        const char *to = json_string_value(r);
        if (!to || strncmp(to, prefix, sizeof prefix - 1) != 0)
            break;
        schema = json_object_get(json_object_get(c->root, "definitions"), to + sizeof prefix - 1);
        if (!schema)
            break;
    }
    say(c, SCHEMA_ITSELF, "a $ref that leads nowhere");
    return NULL;
}

/* ---- one keyword each ---- */

static bool is_type(const json_t *v, const char *type)
{
    return strcmp(type, "object") == 0    ? json_is_object(v)
           : strcmp(type, "array") == 0   ? json_is_array(v)
           : strcmp(type, "string") == 0  ? json_is_string(v)
           : strcmp(type, "integer") == 0 ? json_is_integer(v)
           : strcmp(type, "number") == 0  ? json_is_number(v)
           : strcmp(type, "boolean") == 0 ? json_is_boolean(v)
           : strcmp(type, "null") == 0    ? json_is_null(v)
                                          : false;
}

static bool type_known(const char *type)
{
    static const char *const all[] = { "object", "array",   "string", "integer",
                                       "number", "boolean", "null",   NULL };
    return type && in(all, type);
}

static void check_enum(struct check *c, const json_t *list, const json_t *value)
{
    size_t i;
    json_t *v;
    json_array_foreach ((json_t *)list, i, v)
        if (json_equal(v, value))
            return;
    char *text = json_dumps(list, JSON_COMPACT);
    say(c, SCHEMA_VALUE, "none of %.160s", text ? text : "");
    free(text);
}

static void check_pattern(struct check *c, const char *pattern, const json_t *value)
{
    regex_t re;
    if (!json_is_string(value))
        return;
    if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0) {
        say(c, SCHEMA_ITSELF, "pattern %s", pattern);
        return;
    }
    if (regexec(&re, json_string_value(value), 0, NULL, 0) != 0)
        say(c, SCHEMA_VALUE, "does not match %s", pattern);
    regfree(&re);
}

static void check_bounds(struct check *c, const json_t *schema, const json_t *value)
{
    const json_t *min = json_object_get(schema, "minimum"), *max = json_object_get(schema, "maximum");
    if (!json_is_number(value))
        return;
    if (min && json_number_value(value) < json_number_value(min))
        say(c, SCHEMA_VALUE, "below %g", json_number_value(min));
    if (max && json_number_value(value) > json_number_value(max))
        say(c, SCHEMA_VALUE, "above %.0f", json_number_value(max));
}

static void check_at(struct check *c, const json_t *schema, const json_t *value, int depth);

static void check_object(struct check *c, const json_t *schema, const json_t *value, int depth)
{
    const json_t *props = json_object_get(schema, "properties"),
                 *more = json_object_get(schema, "additionalProperties");
    size_t i, was;
    const char *name;
    json_t *v;
    json_array_foreach (json_object_get(schema, "required"), i, v)
        if (json_is_string(v) && !json_object_get(value, json_string_value(v)))
            say(c, SCHEMA_MISSING, "has no %s", json_string_value(v));
    json_object_foreach ((json_t *)value, name, v) {
        const json_t *p = json_object_get(props, name);
        was = enter_member(c, name);
        if (p)
            check_at(c, p, v, depth + 1);
        else if (json_is_object(more))
            check_at(c, more, v, depth + 1);
        else if (json_is_false(more))
            say(c, SCHEMA_UNKNOWN, "no such field");
        c->path[was] = 0;
    }
}

static void check_array(struct check *c, const json_t *schema, const json_t *value, int depth)
{
    const json_t *items = json_object_get(schema, "items");
    json_int_t min = json_integer_value(json_object_get(schema, "minItems"));
    size_t i;
    json_t *v;
    if ((json_int_t)json_array_size(value) < min)
        say(c, SCHEMA_VALUE, "fewer than %lld", (long long)min);
    if (!items)
        return;
    json_array_foreach ((json_t *)value, i, v) {
        size_t was = enter(c, "[%zu]", i);
        check_at(c, items, v, depth + 1);
        c->path[was] = 0;
    }
}

static void check_at(struct check *c, const json_t *schema, const json_t *value, int depth)
{
    if (depth > DEPTH_MAX) {
        say(c, SCHEMA_VALUE, "too deep");
        return;
    }
    if (!(schema = resolve(c, schema)))
        return;
    const char *type = json_string_value(json_object_get(schema, "type"));
    const json_t *list = json_object_get(schema, "enum"), *constant = json_object_get(schema, "const");
    const char *pattern = json_string_value(json_object_get(schema, "pattern"));
    if (type && !is_type(value, type)) {
        say(c, SCHEMA_VALUE, "is no %s", type);
        return;
    }
    if (list)
        check_enum(c, list, value);
    if (constant && !json_equal(constant, value))
        say(c, SCHEMA_VALUE, "is not the constant");
    if (pattern)
        check_pattern(c, pattern, value);
    check_bounds(c, schema, value);
    if (json_is_object(value))
        check_object(c, schema, value, depth);
    if (json_is_array(value))
        check_array(c, schema, value, depth);
}

bool schema_check(const struct schema *s, const json_t *value, const char *path, schema_report *report,
                  void *ctx)
{
    struct check c = { .root = s->root, .report = report, .ctx = ctx, .good = true };
    snprintf(c.path, sizeof c.path, "%s", path);
    check_at(&c, s->root, value, 0);
    return c.good;
}

/* ---- the schema ---- */

static void sound_at(struct check *c, const json_t *schema, int depth);

static void sound_members(struct check *c, const json_t *members, int depth)
{
    const char *name;
    json_t *v;
    if (members && !json_is_object(members))
        say(c, SCHEMA_ITSELF, "is no object");
    json_object_foreach ((json_t *)members, name, v) {
        size_t was = enter_member(c, name);
        sound_at(c, v, depth + 1);
        c->path[was] = 0;
    }
}

static void sound_at(struct check *c, const json_t *schema, int depth)
{
    const char *name;
    json_t *v;
    const json_t *type = json_object_get(schema, "type"),
                 *more = json_object_get(schema, "additionalProperties");
    const json_t *items = json_object_get(schema, "items"), *pattern = json_object_get(schema, "pattern");
    regex_t re;
    if (!json_is_object(schema) || depth > DEPTH_MAX) {
        say(c, SCHEMA_ITSELF, "is no schema");
        return;
    }
    json_object_foreach ((json_t *)schema, name, v)
        if (!in(silent, name) && !in(spoken, name))
            say(c, SCHEMA_ITSELF, "keyword %s is not supported", name);
    if (type && !type_known(json_string_value(type)))
        say(c, SCHEMA_ITSELF, "type is not one name that we know");
    if (pattern &&
        (!json_is_string(pattern) || regcomp(&re, json_string_value(pattern), REG_EXTENDED | REG_NOSUB) != 0))
        say(c, SCHEMA_ITSELF, "pattern");
    else if (pattern)
        regfree(&re);
    if (more && !json_is_boolean(more))
        sound_at(c, more, depth + 1);
    if (items)
        sound_at(c, items, depth + 1);
    (void)resolve(c, schema);
    sound_members(c, json_object_get(schema, "properties"), depth);
    sound_members(c, json_object_get(schema, "definitions"), depth);
}

bool schema_sound(const json_t *schema, schema_report *report, void *ctx)
{
    struct check c = { .root = schema, .report = report, .ctx = ctx, .good = true };
    sound_at(&c, schema, 0);
    return c.good;
}
