/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/rt/conf_int.h"

#define DOC_WIDTH 92
#define MAN_DEPTH 128

/* The doc text as comment lines. */
static void print_doc(const char *doc, int indent, FILE *to)
{
    while (doc != NULL && *doc != '\0') {
        size_t n = strlen(doc);
        if (n > DOC_WIDTH) {
            for (n = DOC_WIDTH; n > 0 && doc[n] != ' '; n--)
                ;
            if (n == 0)
                n = strlen(doc);
        }
        (void)fprintf(to, "%*s# %.*s\n", indent, "", (int)n, doc);
        doc += n;
        while (*doc == ' ')
            doc++;
    }
}

static const char *shown(const struct rt_conf_row *row)
{
    return row->example ? row->example : row->def ? row->def : "";
}

static void print_rows(const struct rt_conf_row *rows, int indent, bool dash, bool off, FILE *to);

static void print_list(const struct rt_conf_row *row, int indent, bool off, FILE *to)
{
    const char *hash = off ? "#" : "";
    const char *v = shown(row);

    (void)fprintf(to, "%s%*s%s:\n", hash, indent, "", row->key);
    if (row->item == RT_CONF_MAP) {
        print_rows(row->rows, indent + 4, true, off, to);
        return;
    }
    while (*v != '\0') {
        size_t n = strcspn(v, ",");
        (void)fprintf(to, "%s%*s- %.*s\n", hash, indent + 2, "", (int)n, v);
        v += n;
        v += strspn(v, ", ");
    }
}

/* off: everything below is commented out, since the key that holds it is not needed. */
static void print_rows(const struct rt_conf_row *rows, int indent, bool dash, bool off, FILE *to)
{
    char want[256];

    for (; rows->key != NULL; rows++) {
        bool needed = (rows->flags & RT_CONF_REQUIRED) != 0;
        bool row_off = off || (!needed && rows->type != RT_CONF_MAP) ||
                       (rows->type == RT_CONF_MAP && !needed && !(rows->flags & RT_CONF_DEFAULTED));
        const char *hash = row_off ? "#" : "";
        int in = dash ? indent - 2 : indent;
        (void)fprintf(to, "\n");
        print_doc(rows->doc, indent, to);
        if (rows->type != RT_CONF_MAP && rows->type != RT_CONF_LIST) {
            conf_describe(rows->type, rows, want, sizeof(want));
            (void)fprintf(to, "%*s# %s%s%s%s\n", indent, "", want, needed ? "; required" : "",
                          !needed && rows->def ? "; default " : "", !needed && rows->def ? rows->def : "");
            (void)fprintf(to, "%s%*s%s%s: %s\n", hash, in, "", dash ? "- " : "", rows->key, shown(rows));
        } else if (rows->type == RT_CONF_LIST) {
            print_list(rows, indent, row_off, to);
        } else {
            (void)fprintf(to, "%s%*s%s:\n", hash, indent, "", rows->key);
            print_rows(rows->rows, indent + 2, false, row_off, to);
        }
        dash = false;
    }
}

void rt_conf_print_example(const struct rt_conf_row *schema, FILE *to)
{
    print_rows(schema, 0, false, false, to);
}

static void man_rows(const struct rt_conf_row *rows, const char *above, FILE *to)
{
    char name[MAN_DEPTH], want[256];

    for (; rows->key != NULL; rows++) {
        enum rt_conf_type t = rows->type == RT_CONF_LIST ? rows->item : rows->type;
        (void)snprintf(name, sizeof(name), "%s%s%s", above, rows->key,
                       rows->type == RT_CONF_LIST ? "[]" : "");
        conf_describe(t, rows, want, sizeof(want));
        (void)fprintf(to, ".TP\n.B %s\n%s (%s%s%s%s)\n", name,
                      rows->doc && rows->doc[0] ? rows->doc : rows->key,
                      rows->type == RT_CONF_LIST ? "a list, each " : "", want,
                      rows->flags & RT_CONF_REQUIRED ? "; required"
                      : rows->def                    ? "; default "
                                                     : "",
                      !(rows->flags & RT_CONF_REQUIRED) && rows->def ? rows->def : "");
        if (t == RT_CONF_MAP) {
            char below[MAN_DEPTH + 2];
            (void)snprintf(below, sizeof(below), "%s.", name);
            man_rows(rows->rows, below, to);
        }
    }
}

void rt_conf_print_man(const struct rt_conf_row *schema, FILE *to)
{
    man_rows(schema, "", to);
}
