/* SPDX-License-Identifier: Apache-2.0
 * hipvec verify: a verdict for each packet of a capture. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/hipvec/cmd.h"
#include "cli/hipvec/judge.h"
#include "cli/hipvec/progress.h"
#include "cli/hipvec/show.h"

struct verify {
    bool json, quiet, color;
    struct progress progress;
    const char *capture;
    struct items it;
    struct keylog keys;
    struct judge *judge;
    unsigned said[CHECK__END][3];
    unsigned good, wrong, skipped; /* packets: skipped: nothing about it could be told */
    json_t *packets;
};

static unsigned total(const struct verify *r, enum said said)
{
    unsigned n = 0;
    for (int c = 0; c < CHECK__END; c++)
        n += r->said[c][said];
    return n;
}

static enum said sum_up(const struct verdict *v)
{
    enum said all = SAID_CANNOT_TELL;
    for (size_t i = 0; i < v->n; i++) {
        if (v->v[i].said == SAID_WRONG)
            return SAID_WRONG;
        if (v->v[i].said == SAID_GOOD)
            all = SAID_GOOD;
    }
    return all;
}

static const char *const words[] = { "good", "WRONG", "cannot tell" };

/* ---- output ---- */

static json_t *uncovered(const struct item *x)
{
    struct view w;
    return x->kind == ITEM_HIP && view_packet(x->octets, &w) ? show_uncovered(x, &w) : json_array();
}

static const char *title(const struct item *x, char out[32])
{
    struct view w;
    if (x->kind == ITEM_ESP && x->octets.n >= 4)
        snprintf(out, 32, "ESP %02x%02x%02x%02x", x->octets.p[0], x->octets.p[1], x->octets.p[2],
                 x->octets.p[3]);
    else if (x->kind == ITEM_HIP && view_packet(x->octets, &w))
        snprintf(out, 32, "%s", view_type_name(&w));
    else
        snprintf(out, 32, "%s", x->kind == ITEM_BAD ? "IP" : x->kind == ITEM_ESP ? "ESP" : "HIP");
    return out;
}

static void add_json(struct verify *r, const struct item *x, const struct verdict *v)
{
    static const char *const keys[] = { "passed", "failed", "skipped" };
    char text[ADDR_TEXT_MAX];
    json_t *o = json_object(), *list = json_array();
    json_object_set_new(o, "frame", json_integer((json_int_t)x->frame));
    if (x->has_addr) {
        json_object_set_new(o, "from", json_string(addr_format(&x->src, text)));
        json_object_set_new(o, "to", json_string(addr_format(&x->dst, text)));
    }
    json_object_set_new(o, "packet", json_string(title(x, text)));
    json_object_set_new(o, "udp", json_boolean(x->udp));
    json_object_set_new(o, "octets", json_integer((json_int_t)x->octets.n));
    if (r->it.capture && x->whole)
        json_object_set_new(o, "file_offset", json_integer((json_int_t)x->off));
    json_object_set_new(o, "verdict", json_string(keys[sum_up(v)]));
    for (size_t i = 0; i < v->n; i++) {
        json_t *f = json_object();
        json_object_set_new(f, "check", json_string(check_name(v->v[i].check)));
        json_object_set_new(f, "outcome", json_string(keys[v->v[i].said]));
        if (v->v[i].why[0])
            json_object_set_new(f, "why", json_string(v->v[i].why));
        json_array_append_new(list, f);
    }
    json_object_set_new(o, "checks", list);
    json_object_set_new(o, "not_covered", uncovered(x));
    json_array_append_new(r->packets, o);
}

static void print_cover(const struct item *x)
{
    json_t *list = uncovered(x), *c, *last = NULL;
    size_t i;
    json_array_foreach (list, i, c) {
        const char *what = json_string_value(json_object_get(c, "what"));
        if (!last)
            printf("        not covered:");
        printf("%s %" JSON_INTEGER_FORMAT "-%" JSON_INTEGER_FORMAT " %s%s", last ? "," : "",
               json_integer_value(json_object_get(c, "from")),
               json_integer_value(json_object_get(c, "to")) - 1, what,
               json_is_true(json_object_get(c, "checksum")) ? "" : " (by no checksum either)");
        last = c;
    }
    if (last)
        putchar('\n');
    json_decref(list);
}

static void print_packet(struct verify *r, const struct item *x, const struct verdict *v, enum said said)
{
    char a[ADDR_TEXT_MAX] = "", b[ADDR_TEXT_MAX] = "", t[32];
    if (r->quiet && said != SAID_WRONG)
        return;
    if (x->has_addr) {
        addr_format(&x->src, a);
        addr_format(&x->dst, b);
    }
    progress_wipe(&r->progress);
    printf("%6zu  %-12s %s%s%s  ", x->frame, title(x, t), a, x->has_addr ? " > " : "", b);
    printf(r->color && said == SAID_WRONG ? "\033[31m%s\033[0m\n" : "%s\n", words[said]);
    for (size_t i = 0; i < v->n; i++)
        if (v->v[i].said == SAID_WRONG)
            printf("        %s: %s\n", check_name(v->v[i].check), v->v[i].why);
    for (size_t i = 0; !r->quiet && i < v->n; i++)
        if (v->v[i].said == SAID_CANNOT_TELL && x->kind == ITEM_HIP)
            printf("        %s: cannot tell: %s\n", check_name(v->v[i].check), v->v[i].why);
    if (!r->quiet)
        print_cover(x);
}

static void table(const struct verify *r)
{
    if (!r->quiet)
        putchar('\n');
    printf("%-40s %8s %8s %8s\n", "check", "passed", "failed", "skipped");
    for (int c = 0; c < CHECK__END; c++)
        if (r->said[c][0] || r->said[c][1] || r->said[c][2])
            printf("%-40s %8u %8u %8u\n", check_name(c), r->said[c][SAID_GOOD], r->said[c][SAID_WRONG],
                   r->said[c][SAID_CANNOT_TELL]);
    printf("%zu packets: %u good, %u wrong, %u about which nothing can be told\n", r->it.n, r->good, r->wrong,
           r->skipped);
    if (r->it.waiting)
        printf("%zu datagrams of which a fragment is missing\n", r->it.waiting);
}

/* ---- the run ---- */

static void one(struct verify *r, size_t i)
{
    struct verdict v;
    judge_item(r->judge, i, &v);
    enum said said = sum_up(&v);
    for (size_t k = 0; k < v.n; k++)
        r->said[v.v[k].check][v.v[k].said]++;
    *(said == SAID_GOOD ? &r->good : said == SAID_WRONG ? &r->wrong : &r->skipped) += 1;
    if (r->json)
        add_json(r, &r->it.v[i], &v);
    else
        print_packet(r, &r->it.v[i], &v, said);
}

static int run(struct verify *r)
{
    r->judge = judge_new(&r->it, &r->keys);
    if (!r->judge) {
        fprintf(stderr, "hipvec: %s\n", err_text(ERR_MEMORY));
        return EXIT_BAD_INPUT;
    }
    r->packets = json_array();
    progress_start(&r->progress, r->it.n, true);
    for (size_t i = 0; i < r->it.n; i++) {
        one(r, i);
        progress_show(&r->progress, i, "packets");
    }
    progress_wipe(&r->progress);
    unsigned ok = total(r, SAID_GOOD), bad = total(r, SAID_WRONG), skipped = total(r, SAID_CANNOT_TELL);
    if (r->json) {
        json_t *o = json_object();
        json_object_set(o, "packets", r->packets);
        json_object_set_new(o, "incomplete_datagrams", json_integer((json_int_t)r->it.waiting));
        json_object_set_new(o, "passed", json_integer(ok));
        json_object_set_new(o, "failed", json_integer(bad));
        json_object_set_new(o, "skipped", json_integer(skipped));
        json_dumpf(o, stdout, JSON_INDENT(1));
        putchar('\n');
        json_decref(o);
    } else {
        table(r);
        printf("%u passed, %u failed, %u skipped\n", ok, bad, skipped);
    }
    json_decref(r->packets);
    judge_free(r->judge);
    return bad ? EXIT_MISMATCH : ok ? EXIT_PASS : EXIT_ALL_SKIPPED;
}

static bool options(int argc, char **argv, struct verify *r)
{
    char why[160];
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            r->json = true;
        } else if (strcmp(argv[i], "--quiet") == 0) {
            r->quiet = true;
        } else if (strcmp(argv[i], "--keys") == 0 && i + 1 < argc) {
            if (keylog_load(&r->keys, argv[++i], why) != ERR_OK) {
                fprintf(stderr, "hipvec: %s: %s\n", argv[i], why);
                return false;
            }
        } else if (argv[i][0] == '-' || r->capture) {
            cmd_usage("verify");
            return false;
        } else {
            r->capture = argv[i];
        }
    }
    if (!r->capture)
        cmd_usage("verify");
    return r->capture != NULL;
}

int cmd_verify(int argc, char **argv)
{
    struct verify r = { .color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") };
    char why[160];
    int status = EXIT_BAD_INPUT;
    if (options(argc, argv, &r)) {
        if (items_load(r.capture, &r.it, why) == ERR_OK) {
            status = run(&r);
            items_done(&r.it);
        } else {
            fprintf(stderr, "hipvec: %s: %s\n", r.capture, why);
        }
    }
    keylog_done(&r.keys);
    return status;
}
