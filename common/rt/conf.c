/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rt/conf.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "common/rt/conf_int.h"
#include "common/rt/file.h"

#define FILE_MAX     ((size_t)1024 * 1024)
#define LIST_DEFAULT 64 /* entries of a list without a bound */

struct rt_conf {
    char *path, *folder;
    struct rt_conf_node *root;
};

struct build {
    const struct rt_conf *c;
    yaml_document_t *doc;
    char *why;
};

static void node_free(struct rt_conf_node *n)
{
    while (n != NULL) {
        struct rt_conf_node *next = n->next;
        node_free(n->first);
        free(n->str);
        free(n);
        n = next;
    }
}

static struct rt_conf_node *node_new(const struct rt_conf_row *row, enum rt_conf_type type, size_t line)
{
    struct rt_conf_node *n = calloc(1, sizeof(*n));

    if (n == NULL)
        abort(); /* at start, a few kilobytes */
    n->row = row;
    n->type = type;
    n->line = line;
    return n;
}

static void append(struct rt_conf_node *to, struct rt_conf_node *n)
{
    struct rt_conf_node **at = &to->first;

    while (*at != NULL)
        at = &(*at)->next;
    *at = n;
    to->n++;
}

static err fail(const struct build *b, size_t line, const char *fmt, ...) PRINTF_LIKE(3, 4);
static err fail(const struct build *b, size_t line, const char *fmt, ...)
{
    va_list ap;
    int n = snprintf(b->why, RT_CONF_WHY_MAX, "%s:%zu: expected ", b->c->path, line);

    if (n < 0 || n >= RT_CONF_WHY_MAX)
        return ERR_CONFIG;
    va_start(ap, fmt);
    (void)vsnprintf(b->why + n, RT_CONF_WHY_MAX - (size_t)n, fmt, ap);
    va_end(ap);
    return ERR_CONFIG;
}

err rt_conf_expected(const struct rt_conf *c, const struct rt_conf_node *n, char why[RT_CONF_WHY_MAX],
                     const char *fmt, ...)
{
    char text[RT_CONF_WHY_MAX];
    struct build b = { .c = c, .why = why };
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return fail(&b, n ? n->line : 1, "%s", text);
}

static const struct rt_conf_row *row_find(const struct rt_conf_row *rows, const char *key)
{
    for (; rows != NULL && rows->key != NULL; rows++)
        if (strcmp(rows->key, key) == 0)
            return rows;
    return NULL;
}

static struct rt_conf_node *child(const struct rt_conf_node *map, const char *key)
{
    for (struct rt_conf_node *n = map->first; n != NULL; n = n->next)
        if (strcmp(n->row->key, key) == 0)
            return n;
    return NULL;
}

/* ---- building the tree ---- */

static err build_map(struct build *b, yaml_node_t *y, const struct rt_conf_row *rows,
                     struct rt_conf_node *map);

static err build_scalar(struct build *b, const char *text, enum rt_conf_type type,
                        const struct rt_conf_row *row, struct rt_conf_node *n)
{
    char want[RT_CONF_WHY_MAX / 2];

    if (conf_value(text, type, row, b->c->folder, n))
        return ERR_OK;
    conf_describe(type, row, want, sizeof(want));
    return fail(b, n->line, "%s to be %s, not \"%.64s\"", row->key, want, text);
}

static err build_value(struct build *b, yaml_node_t *y, enum rt_conf_type type, const struct rt_conf_row *row,
                       struct rt_conf_node *n);

static err build_list(struct build *b, yaml_node_t *y, const struct rt_conf_row *row, struct rt_conf_node *n)
{
    int64_t count = y->data.sequence.items.top - y->data.sequence.items.start;
    int64_t max = row->max ? row->max : LIST_DEFAULT;

    if (count < row->min || count > max)
        return fail(b, n->line, "%s to have %" PRId64 " to %" PRId64 " entries, not %" PRId64, row->key,
                    row->min, max, count);
    for (yaml_node_item_t *i = y->data.sequence.items.start; i < y->data.sequence.items.top; i++) {
        yaml_node_t *item = yaml_document_get_node(b->doc, *i);
        struct rt_conf_node *c = node_new(row, row->item, item->start_mark.line + 1);
        append(n, c);
        err e = build_value(b, item, row->item, row, c);
        if (e)
            return e;
    }
    return ERR_OK;
}

static err build_value(struct build *b, yaml_node_t *y, enum rt_conf_type type, const struct rt_conf_row *row,
                       struct rt_conf_node *n)
{
    char want[RT_CONF_WHY_MAX / 2];

    if (type == RT_CONF_MAP && y->type == YAML_MAPPING_NODE)
        return build_map(b, y, row->rows, n);
    if (type == RT_CONF_MAP && y->type == YAML_SCALAR_NODE && y->data.scalar.length == 0)
        return build_map(b, NULL, row->rows, n); /* "control:" and nothing below it */
    if (type == RT_CONF_LIST && y->type == YAML_SEQUENCE_NODE)
        return build_list(b, y, row, n);
    if (type != RT_CONF_MAP && type != RT_CONF_LIST && y->type == YAML_SCALAR_NODE) {
        if (strlen((const char *)y->data.scalar.value) != y->data.scalar.length)
            return fail(b, n->line, "%s without a NUL in it", row->key);
        return build_scalar(b, (const char *)y->data.scalar.value, type, row, n);
    }
    conf_describe(type, row, want, sizeof(want));
    return fail(b, n->line, "%s to be %s", row->key, want);
}

static err unknown_key(struct build *b, const struct rt_conf_row *rows, const char *key, size_t line)
{
    char known[RT_CONF_WHY_MAX / 2] = "";
    size_t n = 0;

    for (; rows->key != NULL && n < sizeof(known); rows++)
        n += (size_t)snprintf(known + n, sizeof(known) - n, "%s%s", n ? ", " : "", rows->key);
    return fail(b, line, "one of %s; not \"%.64s\"", known, key);
}

static err default_list(struct build *b, const struct rt_conf_row *row, struct rt_conf_node *n)
{
    char *copy = strdup(row->def), *save = NULL;
    err e = ERR_OK;

    if (copy == NULL)
        abort();
    for (char *t = strtok_r(copy, ", ", &save); t != NULL && e == ERR_OK; t = strtok_r(NULL, ", ", &save)) {
        struct rt_conf_node *c = node_new(row, row->item, n->line);
        append(n, c);
        e = build_scalar(b, t, row->item, row, c);
    }
    free(copy);
    return e;
}

/* What was not given: the default, a map full of defaults, nothing, or an error. */
static err build_absent(struct build *b, const struct rt_conf_row *row, struct rt_conf_node *map)
{
    struct rt_conf_node *n;

    if (row->flags & RT_CONF_REQUIRED)
        return fail(b, map->line, "key \"%s\" in this map", row->key);
    if (row->def == NULL && !(row->flags & RT_CONF_DEFAULTED))
        return ERR_OK;
    n = node_new(row, row->type, map->line);
    append(map, n);
    if (row->type == RT_CONF_MAP)
        return build_map(b, NULL, row->rows, n);
    if (row->type == RT_CONF_LIST)
        return default_list(b, row, n);
    return build_scalar(b, row->def, row->type, row, n);
}

/* y NULL: an empty map. */
static err build_map(struct build *b, yaml_node_t *y, const struct rt_conf_row *rows,
                     struct rt_conf_node *map)
{
    err e;

    map->rows = rows;
    for (yaml_node_pair_t *p = y ? y->data.mapping.pairs.start : NULL; y && p < y->data.mapping.pairs.top;
         p++) {
        yaml_node_t *k = yaml_document_get_node(b->doc, p->key);
        yaml_node_t *v = yaml_document_get_node(b->doc, p->value);
        size_t line = k->start_mark.line + 1;
        if (k->type != YAML_SCALAR_NODE)
            return fail(b, line, "a key to be text");
        const char *key = (const char *)k->data.scalar.value;
        const struct rt_conf_row *row = row_find(rows, key);
        if (row == NULL)
            return unknown_key(b, rows, key, line);
        if (child(map, key))
            return fail(b, line, "%s only once", key);
        struct rt_conf_node *n = node_new(row, row->type, line);
        append(map, n);
        e = build_value(b, v, row->type, row, n);
        if (e)
            return e;
    }
    for (const struct rt_conf_row *row = rows; row->key != NULL; row++) {
        if (child(map, row->key) == NULL && (e = build_absent(b, row, map)))
            return e;
    }
    return ERR_OK;
}

static err build_root(struct build *b, const struct rt_conf_row *schema, struct rt_conf *c)
{
    yaml_node_t *y = yaml_document_get_root_node(b->doc);
    bool empty = y == NULL || (y->type == YAML_SCALAR_NODE && y->data.scalar.length == 0);

    c->root = node_new(NULL, RT_CONF_MAP, 1);
    if (!empty && y->type != YAML_MAPPING_NODE)
        return fail(b, y->start_mark.line + 1, "a map of keys and values");
    return build_map(b, empty ? NULL : y, schema, c->root);
}

err rt_conf_parse(struct span text, const char *path, const struct rt_conf_row *schema, struct rt_conf **out,
                  char why[RT_CONF_WHY_MAX])
{
    yaml_parser_t parser;
    yaml_document_t doc;
    struct rt_conf *c = calloc(1, sizeof(*c));
    const char *slash = strrchr(path, '/');
    err e = ERR_CONFIG;

    if (c == NULL || !yaml_parser_initialize(&parser)) {
        free(c);
        (void)snprintf(why, RT_CONF_WHY_MAX, "out of memory");
        return ERR_MEMORY;
    }
    c->path = strdup(path);
    c->folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup("");
    struct build b = { .c = c, .doc = &doc, .why = why };
    yaml_parser_set_input_string(&parser, text.p, text.n);
    if (c->path == NULL || c->folder == NULL) {
        (void)snprintf(why, RT_CONF_WHY_MAX, "out of memory");
        e = ERR_MEMORY;
    } else if (!yaml_parser_load(&parser, &doc)) {
        size_t line = parser.problem_mark.line ? parser.problem_mark.line : parser.context_mark.line;
        e = fail(&b, line + 1, "YAML: %s", parser.problem ? parser.problem : "not readable");
    } else {
        e = build_root(&b, schema, c);
        yaml_document_delete(&doc);
    }
    yaml_parser_delete(&parser);
    if (e) {
        rt_conf_free(c);
        return e;
    }
    *out = c;
    return ERR_OK;
}

err rt_conf_load(const char *path, const struct rt_conf_row *schema, struct rt_conf **out,
                 char why[RT_CONF_WHY_MAX])
{
    uint8_t *text;
    size_t len;
    char file_why[RT_FILE_WHY_MAX];

    if (rt_file_read(path, FILE_MAX, &text, &len, file_why)) {
        (void)snprintf(why, RT_CONF_WHY_MAX, "%s", file_why);
        return ERR_IO;
    }
    err e = rt_conf_parse(span_of(text, len), path, schema, out, why);
    free(text);
    return e;
}

void rt_conf_free(struct rt_conf *c)
{
    if (c == NULL)
        return;
    node_free(c->root);
    free(c->path);
    free(c->folder);
    free(c);
}

const struct rt_conf_node *rt_conf_root(const struct rt_conf *c)
{
    return c->root;
}

/* ---- getters ---- */

#define T(x) (1u << (x))

/* A key that the schema does not have, or another type than asked for, is a fault of the program. */
static const struct rt_conf_node *get(const struct rt_conf_node *map, const char *key, unsigned types)
{
    const struct rt_conf_row *row;

    if (map == NULL)
        return NULL;
    row = map->type == RT_CONF_MAP ? row_find(map->rows, key) : NULL;
    if (row == NULL || (types & T(row->type)) == 0)
        abort();
    return child(map, key);
}

static const struct rt_conf_node *typed(const struct rt_conf_node *n, unsigned types)
{
    if (n != NULL && (types & T(n->type)) == 0)
        abort();
    return n;
}

#define TEXTS (T(RT_CONF_STR) | T(RT_CONF_PATH) | T(RT_CONF_NAME) | T(RT_CONF_ENUM))
#define ADDRS (T(RT_CONF_ADDR) | T(RT_CONF_ENDPOINT) | T(RT_CONF_PREFIX))
#define NUMS  (T(RT_CONF_INT) | T(RT_CONF_DURATION) | T(RT_CONF_BOOL))

const struct rt_conf_node *rt_conf_get(const struct rt_conf_node *map, const char *key)
{
    return get(map, key, ~0u);
}

bool rt_conf_has(const struct rt_conf_node *map, const char *key)
{
    return rt_conf_get(map, key) != NULL;
}

const struct rt_conf_node *rt_conf_map(const struct rt_conf_node *map, const char *key)
{
    return get(map, key, T(RT_CONF_MAP));
}

const char *rt_conf_str(const struct rt_conf_node *map, const char *key)
{
    return rt_conf_node_str(get(map, key, TEXTS));
}

int64_t rt_conf_int(const struct rt_conf_node *map, const char *key)
{
    return rt_conf_node_int(get(map, key, T(RT_CONF_INT)));
}

bool rt_conf_bool(const struct rt_conf_node *map, const char *key)
{
    return rt_conf_node_int(get(map, key, T(RT_CONF_BOOL))) != 0;
}

uint64_t rt_conf_us(const struct rt_conf_node *map, const char *key)
{
    return (uint64_t)rt_conf_node_int(get(map, key, T(RT_CONF_DURATION)));
}

const struct addr *rt_conf_addr(const struct rt_conf_node *map, const char *key)
{
    return rt_conf_node_addr(get(map, key, ADDRS));
}

unsigned rt_conf_prefix_len(const struct rt_conf_node *map, const char *key)
{
    return rt_conf_node_prefix_len(get(map, key, T(RT_CONF_PREFIX)));
}

size_t rt_conf_count(const struct rt_conf_node *map, const char *key)
{
    const struct rt_conf_node *n = get(map, key, T(RT_CONF_LIST));
    return n ? n->n : 0;
}

const struct rt_conf_node *rt_conf_item(const struct rt_conf_node *map, const char *key, size_t i)
{
    const struct rt_conf_node *n = get(map, key, T(RT_CONF_LIST));

    if (n == NULL || i >= n->n)
        return NULL;
    for (n = n->first; i > 0; i--)
        n = n->next;
    return n;
}

const char *rt_conf_node_str(const struct rt_conf_node *n)
{
    return typed(n, TEXTS) ? n->str : NULL;
}

int64_t rt_conf_node_int(const struct rt_conf_node *n)
{
    return typed(n, NUMS) ? n->num : 0;
}

const struct addr *rt_conf_node_addr(const struct rt_conf_node *n)
{
    return typed(n, ADDRS) ? &n->addr : NULL;
}

unsigned rt_conf_node_prefix_len(const struct rt_conf_node *n)
{
    return typed(n, T(RT_CONF_PREFIX)) ? n->prefix_len : 0;
}
