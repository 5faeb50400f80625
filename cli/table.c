/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/hipctl.h"

#define COLUMNS_MAX 24
#define GAP         2
#define KEY_WIDTH   16

#define BOLD   "\033[1m"
#define NORMAL "\033[0m"

/* What a terminal would act on is not shown: names and labels come from other people. */
static void put_clean(const char *in, char *out, size_t cap)
{
    size_t n = 0;

    for (; *in != '\0' && n + 1 < cap; in++) {
        unsigned char c = (unsigned char)*in;
        bool c1 = c == 0xc2 && (unsigned char)in[1] < 0xa0; /* U+0080 to U+009F */
        out[n++] = c < 0x20 || c == 0x7f || c1 ? '?' : (char)c;
        if (c1 && in[1] != '\0')
            in++;
    }
    /* Not half of a character at the end. */
    while (*in != '\0' && n > 0 && ((unsigned char)out[n - 1] & 0x80))
        n--;
    out[n] = '\0';
}

static void put_list(const json_t *v, char out[TABLE_CELL_MAX])
{
    char one[TABLE_CELL_MAX];
    size_t n = 0, i;
    const json_t *x;

    out[0] = '\0';
    json_array_foreach ((json_t *)v, i, x) {
        int w = snprintf(out + n, TABLE_CELL_MAX - n, "%s%s", i ? "," : "", table_cell(x, one));
        if (w < 0 || (size_t)w >= TABLE_CELL_MAX - n)
            return;
        n += (size_t)w;
    }
}

const char *table_cell(const json_t *v, char out[TABLE_CELL_MAX])
{
    if (json_is_string(v))
        put_clean(json_string_value(v), out, TABLE_CELL_MAX);
    else if (json_is_integer(v))
        (void)snprintf(out, TABLE_CELL_MAX, "%lld", (long long)json_integer_value(v));
    else if (json_is_real(v))
        (void)snprintf(out, TABLE_CELL_MAX, "%g", json_real_value(v));
    else if (json_is_boolean(v))
        (void)snprintf(out, TABLE_CELL_MAX, "%s", json_is_true(v) ? "yes" : "no");
    else if (json_is_array(v))
        put_list(v, out);
    else
        out[0] = '\0';
    if (out[0] == '\0')
        (void)snprintf(out, TABLE_CELL_MAX, "-");
    return out;
}

/* Places on the screen: continuation octets of UTF-8 take none. */
static int width(const char *s)
{
    int n = 0;

    for (; *s != '\0'; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

struct layout {
    size_t n;
    struct {
        const char *key, *title;
        int width;
        bool number;
    } col[COLUMNS_MAX];
};

static bool wanted(const json_t *rows, const char *key)
{
    size_t i;
    const json_t *row;

    json_array_foreach ((json_t *)rows, i, row) {
        const json_t *v = json_object_get(row, key);
        if (v != NULL && !json_is_null(v))
            return true;
    }
    return false;
}

static void add(struct layout *l, const json_t *rows, const char *key, const char *title)
{
    char cell[TABLE_CELL_MAX];
    size_t i;
    const json_t *row;

    for (size_t k = 0; k < l->n; k++)
        if (strcmp(l->col[k].key, key) == 0)
            return;
    if (l->n == COLUMNS_MAX || !wanted(rows, key))
        return;
    l->col[l->n].key = key;
    l->col[l->n].title = title;
    l->col[l->n].width = width(title);
    l->col[l->n].number = true;
    json_array_foreach ((json_t *)rows, i, row) {
        const json_t *v = json_object_get(row, key);
        int w = width(table_cell(v, cell));
        if (w > l->col[l->n].width)
            l->col[l->n].width = w;
        if (v != NULL && !json_is_null(v) && !json_is_number(v))
            l->col[l->n].number = false;
    }
    l->n++;
}

static bool hidden(const struct table_column *columns, const char *key)
{
    for (; columns != NULL && columns->key != NULL; columns++)
        if (columns->title == NULL && strcmp(columns->key, key) == 0)
            return true;
    return false;
}

static void put(const struct layout *l, size_t i, const char *text, FILE *to)
{
    int pad = l->col[i].width - width(text);
    bool last = i + 1 == l->n;

    if (l->col[i].number)
        (void)fprintf(to, "%*s%s%*s", pad, "", text, last ? 0 : GAP, "");
    else
        (void)fprintf(to, "%s%*s", text, last ? 0 : pad + GAP, "");
}

void table_print(const json_t *rows, const struct table_column *columns, const char *empty, FILE *to,
                 bool color)
{
    struct layout l = { 0 };
    char cell[TABLE_CELL_MAX];
    size_t i;
    const json_t *row, *v;
    const char *key;

    if (json_array_size(rows) == 0) {
        (void)fprintf(to, "%s\n", empty);
        return;
    }
    for (const struct table_column *c = columns; c != NULL && c->key != NULL; c++)
        if (c->title != NULL)
            add(&l, rows, c->key, c->title);
    json_array_foreach ((json_t *)rows, i, row) {
        json_object_foreach ((json_t *)row, key, v) {
            if (!json_is_object(v) && !hidden(columns, key))
                add(&l, rows, key, key);
        }
    }
    (void)fputs(color ? BOLD : "", to);
    for (size_t k = 0; k < l.n; k++)
        put(&l, k, l.col[k].title, to);
    (void)fprintf(to, "%s\n", color ? NORMAL : "");
    json_array_foreach ((json_t *)rows, i, row) {
        for (size_t k = 0; k < l.n; k++)
            put(&l, k, table_cell(json_object_get(row, l.col[k].key), cell), to);
        (void)fputc('\n', to);
    }
}

static bool skipped(const char *const *skip, const char *key)
{
    for (; skip != NULL && *skip != NULL; skip++)
        if (strcmp(*skip, key) == 0)
            return true;
    return false;
}

void table_print_object(const json_t *o, const char *const *skip, int indent, FILE *to, bool color)
{
    char cell[TABLE_CELL_MAX];
    const char *key;
    const json_t *v;
    int wide = KEY_WIDTH - indent;

    json_object_foreach ((json_t *)o, key, v) {
        if (!skipped(skip, key) && !json_is_object(v) && width(key) > wide)
            wide = width(key);
    }
    json_object_foreach ((json_t *)o, key, v) {
        if (skipped(skip, key))
            continue;
        if (json_is_object(v) && json_object_size(v) > 0) {
            (void)fprintf(to, "%*s%s%s%s\n", indent, "", color ? BOLD : "", key, color ? NORMAL : "");
            table_print_object(v, skip, indent + 2, to, color);
        } else if (json_is_array(v) && json_is_object(json_array_get(v, 0))) {
            (void)fprintf(to, "%*s%s%s%s\n", indent, "", color ? BOLD : "", key, color ? NORMAL : "");
            table_print(v, NULL, "", to, color);
        } else {
            (void)fprintf(to, "%*s%-*s %s\n", indent, "", wide, key, table_cell(v, cell));
        }
    }
}
