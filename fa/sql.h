/* SPDX-License-Identifier: Apache-2.0
 *
 * SQLite as the FA's stores use it: WAL with full synchronisation (a committed transaction survives kill -9 and power loss), a schema
 * version that only grows, statements with their arguments in one call. Blocking: on a work thread or in a command, never on the loop.
 */
#pragma once

#include <sqlite3.h>

#include "common/base/err.h"
#include "common/base/span.h"

#define SQL_WHY_MAX 384

struct sql_schema {
    int32_t application_id;  /* marks the file: another program's database is refused */
    const char *const *step; /* step[i] brings version i to i + 1 */
    int n;
};

/* Opens or makes it (mode 0600 by the process's umask) and brings its schema up to date. create false: it must exist. why says what is wrong.
 * ERR_NOT_FOUND, ERR_CONFIG (not ours, or newer than this program), ERR_IO. */
MUST_USE err sql_open(const char *path, const struct sql_schema *schema, bool create, sqlite3 **out,
                      char why[SQL_WHY_MAX]);
void sql_close(sqlite3 *db); /* NULL is fine */

/* A statement with its arguments: one letter of fmt each: i int64_t, s const char * (NULL: SQL's NULL), b struct span (empty: empty blob).
 * Texts and blobs must live until it is done with. NULL on failure; a NULL statement fails in the calls below. Prepared statements are kept with the
 * connection, so text is one of a fixed set; step one before the same text is asked for again. */
sqlite3_stmt *sql_prepare(sqlite3 *db, const char *text, const char *fmt, ...);
void sql_done(sqlite3_stmt *q); /* no more rows are wanted; NULL is fine */
/* Next row. OK: there is one. ERR_NOT_FOUND: no more. */
MUST_USE err sql_row(sqlite3_stmt *q);
/* Run to its end and be done with it; changes (may be NULL) gets how many rows it touched. ERR_EXISTS: a uniqueness rule. */
MUST_USE err sql_run(sqlite3_stmt *q, int *changes);

MUST_USE err sql_begin(sqlite3 *db); /* takes the write lock at once */
/* Commit when e is OK, else roll back and give e back. */
MUST_USE err sql_end(sqlite3 *db, err e);

/* Column as text into out, cut to cap - 1; as octets, their number returned (0 when longer than cap). */
void sql_text(sqlite3_stmt *q, int col, char *out, size_t cap);
size_t sql_blob(sqlite3_stmt *q, int col, void *out, size_t cap);
