/* SPDX-License-Identifier: Apache-2.0
 * hipvec diff: the first value at which two files part, in the order in which values follow from each other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/hipvec/cmd.h"
#include "cli/hipvec/explain.h"

#define PATH_LEN 256

struct diff {
    const json_t *group[2], *test[2]; /* where we are */
    char path[PATH_LEN];              /* where they part; empty: nowhere */
    char *value[2];                   /* owned */
    unsigned alone;                   /* members that stand on one side only */
    bool json;
};

static void part(struct diff *d, const char *path, const json_t *a, const json_t *b)
{
    const json_t *v[2] = { a, b };
    snprintf(d->path, sizeof d->path, "%s", path);
    for (int i = 0; i < 2; i++) {
        d->value[i] = !v[i]                  ? strdup("nothing")
                      : json_is_string(v[i]) ? strdup(json_string_value(v[i]))
                                             : json_dumps(v[i], JSON_ENCODE_ANY | JSON_COMPACT);
        if (!d->value[i])
            abort();
    }
}

static bool walk(struct diff *d, const char *path, const json_t *a, const json_t *b);

/* What only one of them says is no difference: another maker may leave values out. */
static bool walk_object(struct diff *d, const char *path, const json_t *a, const json_t *b)
{
    char sub[PATH_LEN];
    const char *name;
    json_t *v;
    json_object_foreach ((json_t *)a, name, v) {
        const json_t *w = json_object_get(b, name);
        snprintf(sub, sizeof sub, "%s%s%s", path, *path ? "." : "", name);
        if (!w)
            d->alone++;
        else if (!walk(d, sub, v, w))
            return false;
    }
    json_object_foreach ((json_t *)b, name, v)
        d->alone += !json_object_get(a, name);
    return true;
}

/* True: the same so far. */
static bool walk(struct diff *d, const char *path, const json_t *a, const json_t *b)
{
    char sub[PATH_LEN];
    if (json_is_object(a) && json_is_object(b))
        return walk_object(d, path, a, b);
    if (json_is_array(a) && json_is_array(b)) {
        size_t n = json_array_size(a), m = json_array_size(b);
        for (size_t i = 0; i < n || i < m; i++) {
            snprintf(sub, sizeof sub, "%s[%zu]", path, i);
            if (!walk(d, sub, json_array_get(a, i), json_array_get(b, i)))
                return false;
        }
        return true;
    }
    if (a && b && json_equal(a, b))
        return true;
    part(d, path, a, b);
    return false;
}

/* ---- an exchange: inputs, then packet by packet, each one's values before the next packet ---- */

static const json_t *member(const struct diff *d, int side, const char *name)
{
    const json_t *v = json_object_get(d->test[side], name);
    return v ? v : json_object_get(d->group[side], name);
}

static bool walk_member(struct diff *d, const char *name)
{
    const json_t *a = member(d, 0, name), *b = member(d, 1, name);
    d->alone += (!a) != (!b);
    return !a || !b || walk(d, name, a, b);
}

/* Keys and puzzle follow from the packets up to I2; what protects a packet from them. */
static bool walk_exchange(struct diff *d)
{
    static const char *const inputs[] = { "initiator", "responder", "rvs", "script" };
    static const char *const keys[] = { "puzzle", "rvs_puzzle", "keymats" };
    static const char *const outside[] = { "type", "from",           "to",    "src", "dst",
                                           "udp",  "checksum_input", "params" };
    const json_t *p[2] = { member(d, 0, "packets"), member(d, 1, "packets") };
    size_t n = json_array_size(p[0]), m = json_array_size(p[1]);
    char sub[PATH_LEN];
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        if (!walk_member(d, inputs[i]))
            return false;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!walk_member(d, keys[i]))
            return false;
    for (size_t i = 0; i < n || i < m; i++) {
        const json_t *a = json_array_get(p[0], i), *b = json_array_get(p[1], i);
        for (size_t k = 0; a && b && k < sizeof outside / sizeof *outside; k++) {
            const json_t *u = json_object_get(a, outside[k]), *v = json_object_get(b, outside[k]);
            snprintf(sub, sizeof sub, "packets[%zu].%s", i, outside[k]);
            if (u && v && !walk(d, sub, u, v))
                return false;
        }
        snprintf(sub, sizeof sub, "packets[%zu]", i);
        if (!walk(d, sub, a, b))
            return false;
    }
    return walk_member(d, "limits") && walk_member(d, "before") && walk_member(d, "bad") &&
           walk_member(d, "expect");
}

static bool walk_group(struct diff *d, size_t *at)
{
    const char *type = json_string_value(json_object_get(d->group[0], "type"));
    const json_t *t[2] = { json_object_get(d->group[0], "tests"), json_object_get(d->group[1], "tests") };
    const json_t *suite[2] = { json_object_get(d->group[0], "suite"), json_object_get(d->group[1], "suite") };
    if (!walk(d, "type", json_object_get(d->group[0], "type"), json_object_get(d->group[1], "type")))
        return false;
    if (suite[0] && suite[1] && !walk(d, "suite", suite[0], suite[1]))
        return false;
    for (*at = 0; *at < json_array_size(t[0]) || *at < json_array_size(t[1]); ++*at) {
        d->test[0] = json_array_get(t[0], *at);
        d->test[1] = json_array_get(t[1], *at);
        bool bex = type && strcmp(type, "HipBexTest") == 0 && d->test[0] && d->test[1];
        if (bex ? !walk_exchange(d) : !walk(d, "", d->test[0], d->test[1]))
            return false;
    }
    return true;
}

static void show(const struct diff *d, size_t group, size_t test)
{
    const struct origin *o = origin_of(d->path);
    const char *name = d->path[0] ? d->path : "test";
    if (d->json) {
        json_t *j =
            json_pack("{s:i, s:i, s:s, s:s, s:s, s:s, s:s}", "group", (int)group, "test", (int)test, "field",
                      name, "a", d->value[0], "b", d->value[1], "from", o->from, "section", o->section);
        if (j)
            json_dumpf(j, stdout, JSON_INDENT(1));
        putchar('\n');
        json_decref(j);
        return;
    }
    printf("group %zu test %zu\n  field     %s\n  first     %s\n  second    %s\n", group + 1, test + 1, name,
           d->value[0], d->value[1]);
    if (o->from[0])
        printf("  input     %s\n  see       %s\n", o->from, o->section);
}

static bool load(const char *path, json_t **out)
{
    json_error_t je;
    *out = json_load_file(path, JSON_REJECT_DUPLICATES, &je);
    if (*out && json_is_array(json_object_get(*out, "testGroups")))
        return true;
    if (*out)
        fprintf(stderr, "malformed %s: no testGroups\n", path);
    else
        fprintf(stderr, "malformed %s: line %d: %s\n", path, je.line, je.text);
    return false;
}

static int compare(struct diff *d, const json_t *a, const json_t *b)
{
    const json_t *g[2] = { json_object_get(a, "testGroups"), json_object_get(b, "testGroups") };
    size_t n = json_array_size(g[0]), m = json_array_size(g[1]), at = 0;
    for (size_t i = 0; i < n || i < m; i++) {
        d->group[0] = json_array_get(g[0], i);
        d->group[1] = json_array_get(g[1], i);
        at = 0;
        bool same = d->group[0] && d->group[1] ? walk_group(d, &at)
                                               : (part(d, "type", json_object_get(d->group[0], "type"),
                                                       json_object_get(d->group[1], "type")),
                                                  false);
        if (same)
            continue;
        show(d, i, at);
        return EXIT_MISMATCH;
    }
    if (!d->json)
        printf("the same, as far as both say it; %u fields stand in one of them only\n", d->alone);
    return EXIT_PASS;
}

int cmd_diff(int argc, char **argv)
{
    struct diff d = { 0 };
    json_t *a = NULL, *b = NULL;
    int first = 1;
    if (argc > 1 && strcmp(argv[1], "--json") == 0) {
        d.json = true;
        first = 2;
    }
    if (argc - first != 2 || argv[first][0] == '-')
        return cmd_usage("diff");
    int status = load(argv[first], &a) && load(argv[first + 1], &b) ? compare(&d, a, b) : EXIT_BAD_INPUT;
    free(d.value[0]);
    free(d.value[1]);
    json_decref(a);
    json_decref(b);
    return status;
}
