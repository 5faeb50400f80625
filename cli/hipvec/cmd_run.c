/* SPDX-License-Identifier: Apache-2.0
 * hipvec run: every test of every file, recomputed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/hipvec/cmd.h"
#include "cli/hipvec/fields.h"
#include "cli/hipvec/files.h"
#include "cli/hipvec/progress.h"
#include "cli/hipvec/vec.h"

#define VALUE_SHOWN    160 /* characters of an input that are shown */
#define WARNINGS_SHOWN 5   /* unknown fields of one file */

struct tally {
    unsigned passed, failed, skipped;
};

struct run {
    struct tally all;
    unsigned malformed; /* files or tests that could not be read */
    size_t files;       /* done */
    bool json, color;
    struct progress progress;
    json_t *results; /* --json */
};

static const struct vec_family *const families[] = { family_hip, family_keys,  family_esp, family_aka,
                                                     family_eap, family_ecdhe, family_dns, family_bex };

static const struct vec_family *family_of(const char *type)
{
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        for (const struct vec_family *f = families[i]; f->type; f++)
            if (strcmp(f->type, type) == 0)
                return f;
    return NULL;
}

static const char *base_name(const char *path)
{
    const char *s = strrchr(path, '/');
    return s ? s + 1 : path;
}

static void bad_file(struct run *r, const char *path, const char *why)
{
    progress_wipe(&r->progress);
    fprintf(stderr, "malformed %s: %s\n", path, why);
    r->malformed++;
    if (r->json)
        json_array_append_new(r->results,
                              json_pack("{s:s, s:s, s:s}", "file", path, "outcome", "malformed", "why", why));
}

static void show_inputs(const struct vec_case *c)
{
    const char *name;
    json_t *v;
    json_object_foreach ((json_t *)c->test, name, v) {
        if (strcmp(name, c->field) == 0 || strcmp(name, "comment") == 0 || strcmp(name, "tcId") == 0)
            continue;
        char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
        if (!text)
            continue;
        size_t n = strlen(text);
        printf("  input     %s = %.*s%s\n", name, VALUE_SHOWN, text, n > VALUE_SHOWN ? "..." : "");
        free(text);
    }
}

static void show_failure(struct run *r, const struct vec_case *c, const struct vec_family *f,
                         const char *path, long long id)
{
    const char *comment = json_string_value(json_object_get(c->test, "comment"));
    progress_wipe(&r->progress);
    printf("%sFAIL%s %s tcId %lld %s: %s\n", r->color ? "\033[31m" : "", r->color ? "\033[0m" : "",
           base_name(path), id, c->type, comment ? comment : "");
    printf("  field     %s\n  expected  %s\n  computed  %s\n", c->field, c->expected, c->got);
    if (c->from[0])
        printf("  input     %s\n", c->from);
    else
        show_inputs(c);
    printf("  see       %s\n", c->section ? c->section : f->section);
}

static void record(struct run *r, const struct vec_case *c, const struct vec_family *f, const char *path,
                   long long id)
{
    static const char *const names[] = { "passed", "failed", "skipped", "malformed" };
    json_t *o = json_pack("{s:s, s:I, s:s, s:s}", "file", path, "tcId", (json_int_t)id, "type", c->type,
                          "outcome", names[c->outcome]);
    if (!o)
        abort();
    if (c->outcome == VEC_FAIL) {
        json_object_set_new(o, "field", json_string(c->field));
        json_object_set_new(o, "expected", json_string(c->expected));
        json_object_set_new(o, "computed", json_string(c->got));
        if (c->from[0])
            json_object_set_new(o, "from", json_string(c->from));
        else
            json_object_set(o, "input", (json_t *)c->test);
    }
    if (c->outcome == VEC_SKIP || c->outcome == VEC_MALFORMED)
        json_object_set_new(o, "why", json_string(c->why));
    if (f)
        json_object_set_new(o, "section", json_string(c->section ? c->section : f->section));
    json_array_append_new(r->results, o);
}

static void count(struct run *r, struct tally *t, const struct vec_case *c, const struct vec_family *f,
                  const char *path, long long id)
{
    switch (c->outcome) {
    case VEC_PASS:
        t->passed++;
        break;
    case VEC_FAIL:
        t->failed++;
        if (!r->json)
            show_failure(r, c, f, path, id);
        break;
    case VEC_SKIP:
        t->skipped++;
        break;
    case VEC_MALFORMED:
        r->malformed++;
        progress_wipe(&r->progress);
        fprintf(stderr, "malformed %s: tcId %lld: %s\n", path, id, c->why);
        break;
    }
    if (r->json)
        record(r, c, f, path, id);
}

/* Where a family gives no verdict of its own, an invalid test is one in which some value is not what it should be. */
static void run_case(struct vec_case *c, const struct vec_family *f)
{
    bool valid = c->valid;
    if (!f->judges)
        c->valid = true;
    f->run(c);
    if (f->judges || valid)
        return;
    c->valid = false;
    if (c->outcome == VEC_FAIL)
        c->outcome = VEC_PASS;
    else
        vec_verdict(c, true);
}

/* Skipped tests are counted by name while they pass by. */
static void note_skip(json_t *skipped, const char *why)
{
    json_t *n = json_object_get(skipped, why);
    json_object_set_new(skipped, why, json_integer(json_integer_value(n) + 1));
}

static void one_test(struct run *r, struct tally *t, const char *path, const json_t *group,
                     const json_t *test, json_t *skipped)
{
    struct vec_case c = { .group = group, .test = test };
    const char *result = json_string_value(json_object_get(test, "result"));
    const json_t *id = json_object_get(test, "tcId");
    const struct vec_family *f = NULL;

    c.type = json_string_value(json_object_get(group, "type"));
    c.valid = result && strcmp(result, "valid") == 0;
    if (!json_is_object(test) || !json_is_integer(id) || !result ||
        (!c.valid && strcmp(result, "invalid") != 0))
        vec_malformed(&c, "a test needs tcId and a result, valid or invalid");
    else if (!(f = family_of(c.type)))
        vec_skip(&c, "type %s", c.type);
    else if (!f->run)
        vec_skip(&c, "%s", f->skip);
    else
        run_case(&c, f);
    if (c.outcome == VEC_SKIP)
        note_skip(skipped, c.why);
    count(r, t, &c, f, path, json_integer_value(id));
    vec_done(&c);
}

/* Names of what was skipped, once each. */
static void show_skipped(const struct run *r, const json_t *skipped)
{
    const char *why;
    json_t *n;
    json_object_foreach ((json_t *)skipped, why, n)
        printf("  %sskipped%s %lld: %s\n", r->color ? "\033[33m" : "", r->color ? "\033[0m" : "",
               (long long)json_integer_value(n), why);
}

static bool groups_ok(const json_t *groups)
{
    size_t i;
    json_t *g;
    if (!json_is_array(groups))
        return false;
    json_array_foreach ((json_t *)groups, i, g)
        if (!json_is_string(json_object_get(g, "type")) || !json_is_array(json_object_get(g, "tests")))
            return false;
    return true;
}

static void run_groups(struct run *r, const char *path, const json_t *groups)
{
    struct tally t = { 0 };
    json_t *skipped = json_object(), *g, *test;
    size_t i, j;
    json_array_foreach ((json_t *)groups, i, g) {
        json_array_foreach (json_object_get(g, "tests"), j, test) {
            progress_show(&r->progress, r->files, base_name(path));
            one_test(r, &t, path, g, test, skipped);
        }
    }
    progress_wipe(&r->progress);
    if (!r->json) {
        printf("%-28s %u passed, %u failed, %u skipped\n", base_name(path), t.passed, t.failed, t.skipped);
        show_skipped(r, skipped);
    }
    json_decref(skipped);
    r->all.passed += t.passed;
    r->all.failed += t.failed;
    r->all.skipped += t.skipped;
}

struct warned {
    struct run *r;
    const char *path;
    unsigned n;
};

/* Missing and wrong values are found where they are used; what is there too much is only said. */
static void warn(void *ctx, enum schema_fault fault, const char *path, const char *why)
{
    struct warned *w = ctx;
    if (fault != SCHEMA_UNKNOWN)
        return;
    progress_wipe(&w->r->progress);
    if (w->n < WARNINGS_SHOWN)
        fprintf(stderr, "warning %s: %s: %s\n", w->path, path, why);
    if (w->n++ == WARNINGS_SHOWN)
        fprintf(stderr, "warning %s: and more; hipvec lint says them\n", w->path);
}

static void run_file(struct run *r, const char *path, bool named)
{
    json_error_t je;
    char why[JSON_ERROR_TEXT_LENGTH + 64];
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &je);
    if (!root) {
        snprintf(why, sizeof(why), "line %d column %d: %s", je.line, je.column, je.text);
        bad_file(r, path, why);
        return;
    }
    const json_t *groups = json_object_get(root, "testGroups");
    if (!groups && json_object_get(root, "$schema")) { /* describes vectors, holds none */
        if (named) {
            r->all.skipped++;
            if (!r->json)
                printf("%-28s a JSON Schema, no vectors\n", base_name(path));
        }
    } else if (!groups_ok(groups)) {
        bad_file(r, path, "no testGroups, or a group without type and tests");
    } else {
        struct warned w = { .r = r, .path = path };
        unsigned no_schema = 0;
        (void)fields_check(root, warn, &w, &no_schema);
        run_groups(r, path, groups);
    }
    json_decref(root);
}

static int finish(struct run *r)
{
    if (r->json) {
        json_t *o =
            json_pack("{s:i, s:i, s:i, s:i, s:o}", "passed", (int)r->all.passed, "failed", (int)r->all.failed,
                      "skipped", (int)r->all.skipped, "malformed", (int)r->malformed, "results", r->results);
        if (!o || json_dumpf(o, stdout, JSON_INDENT(1)) != 0)
            r->malformed++;
        putchar('\n');
        json_decref(o);
    } else {
        printf("%u passed, %u failed, %u skipped\n", r->all.passed, r->all.failed, r->all.skipped);
    }
    if (r->all.failed)
        return EXIT_MISMATCH;
    if (r->malformed)
        return EXIT_BAD_INPUT;
    if (r->all.passed)
        return EXIT_PASS;
    return r->all.skipped ? EXIT_ALL_SKIPPED : EXIT_BAD_INPUT;
}

int cmd_run(int argc, char **argv)
{
    struct run r = { 0 };
    struct file_list list = { 0 };
    int first = 1;
    const char *no_color = getenv("NO_COLOR");
    if (argc > 1 && strcmp(argv[1], "--json") == 0) {
        r.json = true;
        first = 2;
    }
    if (first >= argc || argv[first][0] == '-')
        return cmd_usage("run");
    r.color = isatty(STDOUT_FILENO) && !(no_color && *no_color);
    r.results = r.json ? json_array() : NULL;
    for (int i = first; i < argc; i++)
        files_add(&list, argv[i]);
    progress_start(&r.progress, list.n, !r.json);
    for (; r.files < list.n; r.files++) {
        const struct file_entry *f = &list.v[r.files];
        if (f->bad)
            bad_file(&r, f->path, f->bad);
        else
            run_file(&r, f->path, f->named);
    }
    files_done(&list);
    return finish(&r);
}
