/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of common/rt/conf: the tree, and how one scalar is read.
 */
#pragma once

#include "common/rt/conf.h"

struct rt_conf_node {
    struct rt_conf_node *next;  /* in the list or map that holds it */
    struct rt_conf_node *first; /* MAP, LIST: children */
    size_t n;                   /* of them */
    const struct rt_conf_row *row;
    const struct rt_conf_row *rows; /* MAP */
    enum rt_conf_type type;
    size_t line; /* 1-based */
    char *str;   /* STR, PATH, NAME, ENUM */
    int64_t num; /* INT, BOOL, DURATION in microseconds */
    struct addr addr;
    uint8_t prefix_len;
};

/* Reads text as `type` into n, with the bounds of row (a list's bounds are not its items'). False: not such a value. folder:
 * what a relative PATH is relative to. */
bool conf_value(const char *text, enum rt_conf_type type, const struct rt_conf_row *row, const char *folder,
                struct rt_conf_node *n);
/* "an integer from 1 to 64": what conf_value wants. */
void conf_describe(enum rt_conf_type type, const struct rt_conf_row *row, char *out, size_t cap);
/* A duration as it would be written: "5s". */
void conf_duration_text(int64_t us, char *out, size_t cap);
const char *conf_type_name(enum rt_conf_type t);
