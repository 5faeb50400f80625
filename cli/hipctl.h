/* SPDX-License-Identifier: Apache-2.0
 *
 * hipctl: one request to a daemon's control socket, its answer as a table or as JSON. This header is between its files: what a
 * command is, and how answers are shown.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "common/base/err.h"
#include "common/base/span.h"

enum { HIPCTL_OK = 0, HIPCTL_ERROR = 1, HIPCTL_USAGE = 2, HIPCTL_NO_DAEMON = 3 };

struct hipctl_cmd {
    const char *name;
    const char *arg;    /* NULL: none; "NAME": needed; "[NAME]": may be left out */
    const char *key;    /* of the argument in the request */
    const char *daemon; /* whose default socket: "hipfad", "hiphostd"; NULL: the first that is there */
    void (*show)(const json_t *answer, FILE *to, bool color);
    const char *doc;
    void (*verbose)(const json_t *answer, FILE *to, bool color); /* for -v; NULL: as `show` */
};

/* Options of ping; others take none. */
struct hipctl_opts {
    unsigned count;    /* 0: not given */
    double interval_s; /* 0: not given */
    bool until_direct;
    double wait_s; /* 0: not given */
};
/* Asks at `path`, or where the command's daemon usually is; says why not on stderr. */
int hipctl_ask(const struct hipctl_cmd *cmd, const char *path, const json_t *request, json_t **answer);
/* Probe after probe. */
int hipctl_ping(const struct hipctl_cmd *cmd, const char *path, const json_t *request,
                const struct hipctl_opts *o, bool json);
int hipctl_explain(const struct hipctl_cmd *cmd, const char *path, const json_t *request, bool json);

/* Reads the PIN from standard input, into the request, and asks. */
int hipctl_pin(const struct hipctl_cmd *cmd, const char *path, json_t *request, json_t **answer);

extern const struct hipctl_cmd hipctl_cmds[]; /* name NULL ends it */

void hipctl_show_status(const json_t *answer, FILE *to, bool color);
void hipctl_show_relay(const json_t *answer, FILE *to, bool color);
void hipctl_show_registrations(const json_t *answer, FILE *to, bool color);
void hipctl_show_bindings(const json_t *answer, FILE *to, bool color);
void hipctl_show_holds(const json_t *answer, FILE *to, bool color);
void hipctl_show_subscribers(const json_t *answer, FILE *to, bool color);
void hipctl_show_events(const json_t *answer, FILE *to, bool color);
void hipctl_show_peers(const json_t *answer, FILE *to, bool color);
void hipctl_show_pairs(const json_t *answer, FILE *to, bool color); /* each peer and what was tried with it */
void hipctl_show_resolved(const json_t *answer, FILE *to, bool color);
void hipctl_show_code(const json_t *answer, FILE *to, bool color);
void hipctl_show_sim(const json_t *answer, FILE *to, bool color);
void hipctl_show_done(const json_t *answer, FILE *to, bool color);

/* ---- tables (table.c) ---- */

struct table_column {
    const char *key, *title;
};

/* rows: an array of objects. A column with title NULL is not shown. Columns that no row has a value for are left out; keys of simple values that `columns` does not name come behind
 * them under their own name. empty: said when there are no rows. Control characters in values are shown as '?'. */
void table_print(const json_t *rows, const struct table_column *columns, const char *empty, FILE *to,
                 bool color);
/* "key: value" lines of an object; objects in it indented, arrays of objects as tables. Keys in `skip` (NULL-terminated) are left out. */
void table_print_object(const json_t *o, const char *const *skip, int indent, FILE *to, bool color);

#define TABLE_CELL_MAX 160
/* One value as text: "-" for null and what is not there. Returns out. */
const char *table_cell(const json_t *v, char out[TABLE_CELL_MAX]);
