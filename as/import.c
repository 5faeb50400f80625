/* SPDX-License-Identifier: Apache-2.0 */
#include "as/import.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "as/csv.h"
#include "as/progress.h"
#include "as/sub_text.h"
#include "common/crypto/secret.h"
#include "common/rt/loop.h"

#define BATCH      2000 /* lines in a transaction */
#define LISTED_MAX 1000 /* conflicts and bad lines that are listed one by one */

struct import {
    const struct import_wish *w;
    const char *name; /* for FILE:LINE */
    struct auc *auc;
    struct csv *csv;
    struct aka_cred *cred;      /* secret */
    int column[CSV_FIELDS_MAX]; /* enum sub_field, -1: passed over */
    size_t n_columns;
    uint64_t lines, added, same, conflicts, bad;
    unsigned open; /* lines in the open transaction */
    json_t *listed;
    struct progress progress;
};

/* ---- what is told ---- */

PRINTF_LIKE(4, 5) static void list(struct import *im, uint64_t line, const char *kind, const char *form, ...)
{
    char text[CSV_WHY_MAX];
    va_list ap;
    va_start(ap, form);
    (void)vsnprintf(text, sizeof text, form, ap);
    va_end(ap);
    if (im->conflicts + im->bad > LISTED_MAX)
        return;
    progress_end(&im->progress);
    if (im->w->json)
        json_array_append_new(
            im->listed, json_pack("{s:I, s:s, s:s}", "line", (json_int_t)line, "kind", kind, "text", text));
    else
        fprintf(stderr, "%s:%" PRIu64 ": %s\n", im->name, line, text);
}

static void bad_line(struct import *im, uint64_t line, const char *why)
{
    im->bad++;
    list(im, line, "bad", "%s", why);
}

static void conflict(struct import *im, uint64_t line, const struct auc_sub *there, bool keys, bool amf)
{
    char when[32] = "?";
    time_t at = (time_t)there->added_s;
    struct tm tm;
    if (gmtime_r(&at, &tm))
        (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm);
    im->conflicts++;
    list(im, line, "conflict", "%s is there since %s with %s%s%s (%s, AMF %02x%02x)", there->imsi, when,
         keys ? "" : "other keys", !keys && !amf ? " and " : "", amf ? "" : "another AMF",
         aka_alg_name(there->alg), there->amf[0], there->amf[1]);
}

static int summary(const struct import *im, bool whole, double seconds)
{
    bool ok = whole && im->conflicts == 0 && im->bad == 0;
    if (im->w->json) {
        json_t *o = json_pack("{s:s, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:f, s:O}", "file", im->name,
                              "dry_run", im->w->dry, "complete", whole, "lines", (json_int_t)im->lines,
                              "added", (json_int_t)im->added, "same", (json_int_t)im->same, "conflicts",
                              (json_int_t)im->conflicts, "bad", (json_int_t)im->bad, "seconds", seconds,
                              "listed", im->listed);
        json_dumpf(o, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(o);
        return ok ? 0 : 1;
    }
    if (im->conflicts + im->bad > LISTED_MAX)
        fprintf(stderr, "%s: %" PRIu64 " more not listed\n", im->name, im->conflicts + im->bad - LISTED_MAX);
    printf("%s%" PRIu64 " lines in %.1f s: %" PRIu64 " %s, %" PRIu64 " there already, %" PRIu64
           " conflicts, %" PRIu64 " bad\n",
           im->w->dry ? "dry run: " : "", im->lines, seconds, im->added, im->w->dry ? "to add" : "added",
           im->same, im->conflicts, im->bad);
    if (!whole)
        fprintf(stderr, "hipakad: not complete; the same command goes on where it ended\n");
    return ok ? 0 : 1;
}

/* ---- the header ---- */

static bool skipped(const char *skip, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = skip; p; p = strchr(p, ',')) {
        p += *p == ',';
        if (strncasecmp(p, name, n) == 0 && (p[n] == '\0' || p[n] == ','))
            return true;
    }
    return false;
}

/* Names of columns in any case; "ki" is what many lists call K. */
static int column_of(const char *name)
{
    for (int f = 0; f < SUB__FIELDS; f++)
        if (strcasecmp(name, sub_field_name((enum sub_field)f)) == 0)
            return f;
    return strcasecmp(name, "ki") == 0 ? SUB_k : -1;
}

static int header_wrong(const struct import *im, const char *what, const char *name)
{
    fprintf(stderr, "%s:1: %s%s%s\n", im->name, what, name ? ": " : "", name ? name : "");
    return 2;
}

static int header(struct import *im)
{
    struct csv_line l;
    char why[CSV_WHY_MAX];
    unsigned seen = 0;
    err e = csv_next(im->csv, &l, why);
    if (e != ERR_OK)
        return header_wrong(im, e == ERR_NOT_FOUND ? "expected a line with the names of the columns" : why,
                            NULL);
    for (size_t i = 0; i < l.n; i++) {
        int f = column_of(l.field[i]);
        if (f >= 0 && (seen & 1u << f))
            return header_wrong(im, "column twice", l.field[i]);
        if (f < 0 && !skipped(im->w->skip, l.field[i]))
            return header_wrong(im, "unknown column; --skip NAME passes it over", l.field[i]);
        if (f >= 0)
            seen |= 1u << f;
        im->column[i] = f;
    }
    im->n_columns = l.n;
    if (!(seen & 1u << SUB_imsi) || !(seen & 1u << SUB_k))
        return header_wrong(im, "expected columns imsi and k", NULL);
    return 0;
}

/* ---- lines ---- */

static err take(struct import *im, const struct csv_line *l, char *why)
{
    struct sub_text t = { .field = { NULL } };
    struct auc_sub s, there;
    bool keys = false, amf = false;
    if (l->n != im->n_columns) {
        snprintf(why, CSV_WHY_MAX, "expected %zu fields, found %zu", im->n_columns, l->n);
        return ERR_MALFORMED;
    }
    for (size_t i = 0; i < l->n; i++)
        if (im->column[i] >= 0)
            t.field[im->column[i]] = l->field[i];
    err e = sub_text_read(&t, &s, im->cred, why);
    if (e != ERR_OK)
        return e;
    s.added_s = rt_wall_s();
    e = auc_add(im->auc, &s, im->cred);
    im->added += e == ERR_OK;
    if (e != ERR_EXISTS)
        return e;
    e = auc_compare(im->auc, &s, im->cred, &there, &keys, &amf);
    if (e == ERR_OK && keys && amf)
        im->same++;
    else if (e == ERR_OK)
        conflict(im, l->no, &there, keys, amf);
    return e;
}

static err settle(struct import *im)
{
    if (im->open == 0)
        return ERR_OK;
    im->open = 0;
    err e = auc_commit(im->auc);
    auc_let_others();
    return e;
}

/* ERR_OK at the end of the file. */
static err all_lines(struct import *im, char *why)
{
    struct csv_line l = { .no = 1 };
    err e;
    while ((e = csv_next(im->csv, &l, why)) != ERR_NOT_FOUND) {
        im->lines++;
        if (e == ERR_OK && im->open == 0)
            e = auc_begin(im->auc);
        if (e == ERR_OK) {
            im->open++;
            why[0] = '\0';
            e = take(im, &l, why);
        }
        if (e == ERR_MALFORMED) {
            bad_line(im, l.no, why[0] ? why : err_text(e));
            e = ERR_OK;
        }
        if (e == ERR_OK && im->open == BATCH)
            e = settle(im);
        if (e != ERR_OK) {
            if (!why[0])
                snprintf(why, CSV_WHY_MAX, "line %" PRIu64 ": %s", l.no, err_text(e));
            return e;
        }
        progress_show(&im->progress, csv_at(im->csv), csv_size(im->csv), im->lines);
    }
    return settle(im);
}

static int run(struct import *im)
{
    char why[CSV_WHY_MAX] = "";
    int r = header(im);
    if (r)
        return r;
    if (im->w->dry && auc_rehearse(im->auc) != ERR_OK) {
        fprintf(stderr, "hipakad: no place for a dry run\n");
        return 1;
    }
    uint64_t began = rt_now_us();
    progress_begin(&im->progress, im->w->dry ? "dry run" : "import");
    err e = all_lines(im, why);
    progress_end(&im->progress);
    if (e != ERR_OK) {
        auc_rollback(im->auc);
        fprintf(stderr, "hipakad: %s: %s\n", im->name, why);
    }
    return summary(im, e == ERR_OK, (double)(rt_now_us() - began) / 1e6);
}

int as_import(struct auc *auc, const struct import_wish *w)
{
    struct import im = { .w = w, .auc = auc, .name = strcmp(w->path, "-") == 0 ? "stdin" : w->path };
    char why[CSV_WHY_MAX];
    int r = 1;
    im.cred = sec_alloc(sizeof *im.cred);
    im.listed = json_array();
    if (!im.cred || !im.listed)
        fprintf(stderr, "hipakad: out of memory\n");
    else if (csv_open(w->path, &im.csv, why) != ERR_OK)
        fprintf(stderr, "hipakad: %s\n", why);
    else
        r = run(&im);
    csv_close(im.csv);
    sec_free(im.cred);
    json_decref(im.listed);
    return r;
}
