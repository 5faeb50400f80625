/* SPDX-License-Identifier: Apache-2.0
 *
 * Configuration: YAML checked against a schema that the daemon writes as a table. The result is a tree in which
 * every key of the schema that has a default or was given is present with its type; what the schema does not
 * know, a wrong type, a value out of range or a missing key is one message "FILE:LINE: expected ...".
 *
 *   static const struct rt_conf_row rows[] = {
 *       { "domain", RT_CONF_NAME, RT_CONF_REQUIRED, .doc = "zone we publish names in" },
 *       { "workers", RT_CONF_INT, .min = 1, .max = 64, .def = "1", .doc = "..." },
 *       { "listen", RT_CONF_LIST, .item = RT_CONF_ENDPOINT, .min = 1, .max = 8, .doc = "..." },
 *       { "zones", RT_CONF_LIST, .item = RT_CONF_MAP, .rows = zone_rows, .doc = "..." },
 *       { "control", RT_CONF_MAP, .rows = control_rows, .doc = "..." },
 *       { 0 },
 *   };
 *
 * A map that is not given is absent unless it has RT_CONF_DEFAULTED: then it is there with the defaults inside.
 * Secrets do not stand in a configuration: a PATH names the file that holds them (common/rt/file.h).
 */
#pragma once

#include <stdio.h>

#include "common/base/addr.h"

enum rt_conf_type {
    RT_CONF_END = 0,
    RT_CONF_STR,      /* min..max octets (max 0: 255) */
    RT_CONF_PATH,     /* not empty; a relative one is relative to the configuration's folder */
    RT_CONF_NAME,     /* DNS name, lower-cased, final dot dropped */
    RT_CONF_INT,      /* min..max */
    RT_CONF_BOOL,     /* yes, no, true, false */
    RT_CONF_ENUM,     /* one of `choices`, "a|b|c"; its text */
    RT_CONF_ADDR,     /* IP address without port */
    RT_CONF_ENDPOINT, /* IP address with port; without one `port` of the row is used */
    RT_CONF_PREFIX,   /* ADDRESS/LENGTH */
    RT_CONF_DURATION, /* number and unit us ms s min h d; microseconds; min..max in microseconds */
    RT_CONF_MAP,      /* rows */
    RT_CONF_LIST,     /* of item; min..max entries (max 0: 64) */
};

enum { RT_CONF_REQUIRED = 1, RT_CONF_DEFAULTED = 2 };

struct rt_conf_row {
    const char *key; /* NULL ends the table */
    enum rt_conf_type type;
    unsigned flags;
    int64_t min, max; /* both 0: no bound */
    const char *def;  /* as it would be written; NULL: absent when not given */
    const char *choices;
    uint16_t port;
    enum rt_conf_type item;
    const struct rt_conf_row *rows;
    const char *doc;
    const char *example; /* for the printed example when there is no default */
};

struct rt_conf;
struct rt_conf_node;

#define RT_CONF_WHY_MAX 512

/* why gets the message. ERR_CONFIG, ERR_IO (not readable), ERR_MEMORY. */
MUST_USE err rt_conf_load(const char *path, const struct rt_conf_row *schema, struct rt_conf **out,
                          char why[RT_CONF_WHY_MAX]);
/* The same from memory; `path` names it in messages. */
MUST_USE err rt_conf_parse(struct span text, const char *path, const struct rt_conf_row *schema,
                           struct rt_conf **out, char why[RT_CONF_WHY_MAX]);
void rt_conf_free(struct rt_conf *c); /* NULL is fine */
const struct rt_conf_node *rt_conf_root(const struct rt_conf *c);

/* Getters: `map` NULL or key absent gives NULL, `missing` or the zero value; asking with another type than the schema's aborts. */
bool rt_conf_has(const struct rt_conf_node *map, const char *key);
const struct rt_conf_node *rt_conf_get(const struct rt_conf_node *map,
                                       const char *key); /* any type; NULL absent */
const struct rt_conf_node *rt_conf_map(const struct rt_conf_node *map, const char *key);
const char *rt_conf_str(const struct rt_conf_node *map, const char *key); /* STR, PATH, NAME, ENUM */
int64_t rt_conf_int(const struct rt_conf_node *map, const char *key);
bool rt_conf_bool(const struct rt_conf_node *map, const char *key);
uint64_t rt_conf_us(const struct rt_conf_node *map, const char *key);             /* DURATION */
const struct addr *rt_conf_addr(const struct rt_conf_node *map, const char *key); /* ADDR, ENDPOINT, PREFIX */
unsigned rt_conf_prefix_len(const struct rt_conf_node *map, const char *key);
/* Lists: 0 entries when absent. An entry is a node: rt_conf_node_*() read it, a map entry is passed as `map`. */
size_t rt_conf_count(const struct rt_conf_node *map, const char *key);
const struct rt_conf_node *rt_conf_item(const struct rt_conf_node *map, const char *key, size_t i);
const char *rt_conf_node_str(const struct rt_conf_node *n);
int64_t rt_conf_node_int(const struct rt_conf_node *n);
const struct addr *rt_conf_node_addr(const struct rt_conf_node *n);
unsigned rt_conf_node_prefix_len(const struct rt_conf_node *n);

/* For checks that the schema cannot say: writes "FILE:LINE: expected ..." into why and returns ERR_CONFIG. n NULL: line 1. */
err rt_conf_expected(const struct rt_conf *c, const struct rt_conf_node *n, char why[RT_CONF_WHY_MAX],
                     const char *fmt, ...) PRINTF_LIKE(4, 5);

/* The schema as a commented example configuration, and as rows of a man page table (key, type, default, doc). */
void rt_conf_print_example(const struct rt_conf_row *schema, FILE *to);
void rt_conf_print_man(const struct rt_conf_row *schema, FILE *to);
