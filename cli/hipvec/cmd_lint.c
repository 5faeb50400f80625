/* SPDX-License-Identifier: Apache-2.0
 * hipvec lint: files against the JSON Schemas of their types; a schema itself against what we can check. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/hipvec/cmd.h"
#include "cli/hipvec/fields.h"
#include "cli/hipvec/files.h"
#include "cli/hipvec/progress.h"

#define SHOWN_MAX 20 /* faults of one file */

struct lint {
    unsigned passed, failed, skipped, malformed;
    const char *path;
    unsigned faults; /* of this file */
    bool json;
    json_t *results, *found;
    struct progress progress;
};

static void report(void *ctx, enum schema_fault fault, const char *path, const char *why)
{
    static const char *const names[] = { "unknown", "missing", "value", "schema" };
    struct lint *l = ctx;
    if (l->json)
        json_array_append_new(l->found, json_pack("{s:s, s:s, s:s}", "fault", names[fault], "field",
                                                  *path ? path : "(file)", "why", why));
    progress_wipe(&l->progress);
    if (!l->json && l->faults < SHOWN_MAX)
        printf("%s: %s: %s\n", l->path, *path ? path : "(file)", why);
    if (!l->json && l->faults == SHOWN_MAX)
        printf("%s: and more\n", l->path);
    l->faults++;
}

static void malformed(struct lint *l, const char *path, const char *why)
{
    progress_wipe(&l->progress);
    fprintf(stderr, "malformed %s: %s\n", path, why);
    l->malformed++;
}

static void outcome(struct lint *l, bool good, bool skipped)
{
    const char *text = !good ? "failed" : skipped ? "skipped" : "passed";
    *(!good ? &l->failed : skipped ? &l->skipped : &l->passed) += 1;
    if (l->json)
        json_array_append_new(
            l->results, json_pack("{s:s, s:s, s:O}", "file", l->path, "outcome", text, "faults", l->found));
}

static void lint_file(struct lint *l, const struct file_entry *f)
{
    json_error_t je;
    char why[JSON_ERROR_TEXT_LENGTH + 64];
    unsigned no_schema = 0;
    bool good;
    json_t *root = f->bad ? NULL : json_load_file(f->path, JSON_REJECT_DUPLICATES, &je);
    if (!root) {
        if (!f->bad)
            snprintf(why, sizeof why, "line %d column %d: %s", je.line, je.column, je.text);
        malformed(l, f->path, f->bad ? f->bad : why);
        return;
    }
    l->path = f->path;
    l->faults = 0;
    l->found = json_array();
    if (json_object_get(root, "$schema") && !json_object_get(root, "testGroups"))
        good = schema_sound(root, report, l);
    else
        good = fields_check(root, report, l, &no_schema);
    if (no_schema && !l->json)
        printf("%s: %u groups of types without a schema\n", f->path, no_schema);
    outcome(l, good, no_schema > 0);
    json_decref(l->found);
    json_decref(root);
}

static int finish(struct lint *l)
{
    if (l->json) {
        json_t *o =
            json_pack("{s:i, s:i, s:i, s:i, s:o}", "passed", (int)l->passed, "failed", (int)l->failed,
                      "skipped", (int)l->skipped, "malformed", (int)l->malformed, "results", l->results);
        if (!o || json_dumpf(o, stdout, JSON_INDENT(1)) != 0)
            l->malformed++;
        putchar('\n');
        json_decref(o);
    } else {
        printf("%u passed, %u failed, %u skipped\n", l->passed, l->failed, l->skipped);
    }
    return l->failed      ? EXIT_MISMATCH
           : l->malformed ? EXIT_BAD_INPUT
           : l->passed    ? EXIT_PASS
           : l->skipped   ? EXIT_ALL_SKIPPED
                          : EXIT_BAD_INPUT;
}

int cmd_lint(int argc, char **argv)
{
    struct lint l = { 0 };
    struct file_list list = { 0 };
    int first = 1;
    if (argc > 1 && strcmp(argv[1], "--json") == 0) {
        l.json = true;
        first = 2;
    }
    if (first >= argc || argv[first][0] == '-')
        return cmd_usage("lint");
    l.results = l.json ? json_array() : NULL;
    for (int i = first; i < argc; i++)
        files_add(&list, argv[i]);
    progress_start(&l.progress, list.n, !l.json);
    for (size_t i = 0; i < list.n; i++) {
        progress_show(&l.progress, i, list.v[i].path);
        lint_file(&l, &list.v[i]);
    }
    progress_wipe(&l.progress);
    files_done(&list);
    return finish(&l);
}
