/* SPDX-License-Identifier: Apache-2.0
 * hipvec show: packets as a person reads them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/hipvec/cmd.h"
#include "cli/hipvec/show.h"
#include "hip/proto.h"

#define OUTER     2  /* columns in front of a packet's own parameters */
#define HEX_SHOWN 64 /* digits of a long value, unless --full */

struct printer {
    bool color, full;
};

static const char *text(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));
    return s ? s : "";
}

static long long number(const json_t *o, const char *name)
{
    return (long long)json_integer_value(json_object_get(o, name));
}

static void bold(const struct printer *p, const char *s)
{
    printf(p->color ? "\033[1m%s\033[0m" : "%s", s);
}

static void red(const struct printer *p, const char *s)
{
    printf(p->color ? "\033[31m%s\033[0m" : "%s", s);
}

/* What came from a packet and goes to a terminal: names and identifiers may hold anything. */
static void clean(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        putchar((unsigned char)s[i] < ' ' || s[i] == 127 ? '?' : s[i]);
}

static void scalar(const struct printer *p, const json_t *v)
{
    const char *s = json_string_value(v);
    size_t n = json_string_length(v);
    if (json_is_integer(v))
        printf("%lld", (long long)json_integer_value(v));
    else if (json_is_boolean(v))
        fputs(json_is_true(v) ? "yes" : "no", stdout);
    else if (s && n > HEX_SHOWN + 16 && !p->full && strspn(s, "0123456789abcdef") == n)
        printf("%.*s... (%zu octets)", HEX_SHOWN, s, n / 2);
    else if (s)
        clean(s, n);
}

static void field(const struct printer *p, int indent, const char *name, const json_t *v)
{
    size_t i;
    json_t *e;
    printf("%*s", indent, "");
    int n = 0;
    for (const char *c = name; *c; c++, n++)
        putchar(*c == '_' ? ' ' : *c);
    printf("%*s", n < 18 ? 18 - n : 1, " ");
    if (!json_is_array(v)) {
        scalar(p, v);
        putchar('\n');
        return;
    }
    bool objects = json_is_object(json_array_get(v, 0));
    json_array_foreach (v, i, e) {
        if (!objects)
            printf("%s", i ? ", " : "");
        if (!json_is_object(e)) {
            scalar(p, e);
            continue;
        }
        const char *key;
        json_t *w;
        bool first = true;
        printf("%s", i ? "\n" : "");
        printf("%*s", i ? indent + 18 : 0, "");
        json_object_foreach (e, key, w) {
            printf("%s", first ? "" : ", ");
            for (const char *c = first ? "" : key; *c; c++)
                putchar(*c == '_' ? ' ' : *c);
            printf("%s", first ? "" : " ");
            scalar(p, w);
            first = false;
        }
    }
    putchar('\n');
}

static void print_params(const struct printer *p, const json_t *list, const json_t *inside, int indent)
{
    size_t i, k;
    json_t *q, *c;
    json_array_foreach (list, i, q) {
        printf("%*s%5lld  ", indent, "", number(q, "offset"));
        bold(p, text(q, "name"));
        printf(" (%lld%s), %lld octets", number(q, "type"),
               json_is_true(json_object_get(q, "critical")) ? ", critical" : "", number(q, "length"));
        json_t *by = json_object_get(q, "covered_by");
        if (indent == OUTER) /* what stands inside ENCRYPTED is under what ENCRYPTED is under */
            printf(json_array_size(by) ? "; under " : "; under nothing");
        json_array_foreach (by, k, c)
            printf("%s%s", k ? ", " : "", json_string_value(c));
        putchar('\n');
        const char *name;
        json_t *v;
        json_object_foreach (json_object_get(q, "fields"), name, v)
            field(p, indent + 9, name, v);
        if (inside && number(q, "type") == HIP_PAR_ENCRYPTED)
            print_params(p, inside, NULL, indent + 9);
    }
}

static void print_cover(const struct printer *p, const json_t *o)
{
    size_t i;
    json_t *c;
    json_array_foreach (json_object_get(o, "covered"), i, c) {
        printf("  %s: octets 0 to %lld, checksum as zero, Header Length up to there", text(c, "by"),
               number(c, "to") - 1);
        if (text(c, "and")[0])
            printf("; behind them %s", text(c, "and"));
        if (text(c, "without")[0])
            printf("; without %s", text(c, "without"));
        printf("; with %s\n", text(c, "with"));
    }
    json_array_foreach (json_object_get(o, "not_covered"), i, c)
        printf("  not covered by MAC or signature: %lld to %lld, %s%s\n", number(c, "from"),
               number(c, "to") - 1, text(c, "what"),
               json_is_true(json_object_get(c, "checksum")) ? "" : "; by no checksum either");
    json_array_foreach (json_object_get(o, "faults"), i, c) {
        printf("  ");
        red(p, "WRONG");
        printf(" at %lld: ", number(c, "offset"));
        clean(text(c, "text"), strlen(text(c, "text")));
        putchar('\n');
    }
}

static void print_item(const struct printer *p, const json_t *o)
{
    char title[96];
    snprintf(title, sizeof title, "%s %lld: %s", text(o, "time")[0] ? "frame" : "packet", number(o, "frame"),
             text(o, "packet")[0] ? text(o, "packet") : text(o, "kind"));
    bold(p, title);
    if (text(o, "from")[0])
        printf("  %s > %s", text(o, "from"), text(o, "to"));
    printf("  %s\n", text(o, "carrier"));
    if (strcmp(text(o, "kind"), "ESP") == 0) {
        printf("  SPI %s, sequence number %lld, %lld octets\n", text(o, "spi"), number(o, "sequence"),
               number(o, "octets"));
        if (json_object_get(o, "payload")) {
            printf("  next header %lld, payload ", number(o, "next_header"));
            scalar(p, json_object_get(o, "payload"));
            printf("\n");
        }
        printf("\n");
        return;
    }
    if (text(o, "why")[0]) {
        printf("  ");
        red(p, "WRONG");
        printf(": %s\n\n", text(o, "why"));
        return;
    }
    json_t *h = json_object_get(o, "header");
    if (h) {
        printf("  %lld octets, version %lld, next header %lld, controls %s, checksum %s (%s)\n",
               number(h, "octets"), number(h, "version"), number(h, "next_header"), text(h, "controls"),
               text(h, "checksum"), text(h, "checksum_is"));
        printf("  sender %s, receiver %s\n", text(h, "sender"), text(h, "receiver"));
    }
    print_params(p, json_object_get(o, "parameters"), json_object_get(o, "inside"), OUTER);
    print_cover(p, o);
    putchar('\n');
}

static bool has_faults(const json_t *o)
{
    return json_array_size(json_object_get(o, "faults")) > 0 || json_object_get(o, "why");
}

static int run(const struct printer *p, const struct items *it, const struct keylog *keys, bool json)
{
    bool wrong = false;
    struct judge *j = judge_new(it, keys);
    json_t *all = json_array();
    for (size_t i = 0; j && i < it->n; i++) {
        json_t *o = show_item(&it->v[i]);
        show_inside(o, j, i);
        wrong |= has_faults(o);
        if (json)
            json_array_append(all, o);
        else
            print_item(p, o);
        json_decref(o);
    }
    judge_free(j);
    if (json) {
        json_dumpf(all, stdout, JSON_INDENT(1));
        putchar('\n');
    } else if (it->n == 0) {
        printf("no HIP and no ESP in it (%zu frames)\n", it->frames);
    }
    json_decref(all);
    return !j ? EXIT_BAD_INPUT : it->n == 0 ? EXIT_ALL_SKIPPED : wrong ? EXIT_MISMATCH : EXIT_PASS;
}

int cmd_show(int argc, char **argv)
{
    bool json = false, usage = false;
    struct printer p = { .color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") };
    struct keylog keys = { 0 };
    const char *path = NULL, *bad = NULL;
    struct items it = { 0 };
    char why[160] = "";
    for (int i = 1; i < argc && !bad && !usage; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (strcmp(argv[i], "--full") == 0)
            p.full = true;
        else if (strcmp(argv[i], "--keys") == 0 && i + 1 < argc)
            bad = keylog_load(&keys, argv[++i], why) != ERR_OK ? argv[i] : NULL;
        else if (argv[i][0] == '-' || path)
            usage = true;
        else
            path = argv[i];
    }
    usage |= !path && !bad;
    if (!usage && !bad && items_load(path, &it, why) != ERR_OK)
        bad = path;
    if (bad)
        fprintf(stderr, "hipvec: %s: %s\n", bad, why);
    int status = bad ? EXIT_BAD_INPUT : usage ? cmd_usage("show") : run(&p, &it, &keys, json);
    items_done(&it);
    keylog_done(&keys);
    return status;
}
