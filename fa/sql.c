/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/sql.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BUSY_TRIES 5000 /* of a millisecond and a bit */

static err sql_err(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return ERR_OK;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_TIMEOUT;
    case SQLITE_CONSTRAINT:
        return ERR_EXISTS;
    case SQLITE_NOMEM:
        return ERR_MEMORY;
    default:
        return ERR_IO;
    }
}

static err get_int(sqlite3 *db, const char *text, int64_t *out)
{
    sqlite3_stmt *q = sql_prepare(db, text, "");
    err e = sql_row(q);
    if (e == ERR_OK)
        *out = sqlite3_column_int64(q, 0);
    sql_done(q);
    return e;
}

/* One step in a transaction of its own, so that a crash leaves a whole version behind. */
static err migrate(sqlite3 *db, const char *step, int version)
{
    char text[64];
    snprintf(text, sizeof text, "PRAGMA user_version = %d", version);
    err e = sql_err(sqlite3_exec(db, step, NULL, NULL, NULL));
    if (e == ERR_OK)
        e = sql_err(sqlite3_exec(db, text, NULL, NULL, NULL));
    return e;
}

static err bring_up(sqlite3 *db, const struct sql_schema *s, const char *path, char why[SQL_WHY_MAX])
{
    int64_t version = 0, id = 0, tables = 0;
    char text[64];
    err e = sql_begin(db); /* two programs may open a new file at once */
    if (e != ERR_OK)
        return e;
    e = get_int(db, "PRAGMA user_version", &version);
    if (e == ERR_OK)
        e = get_int(db, "PRAGMA application_id", &id);
    if (e == ERR_OK)
        e = get_int(db, "SELECT count(*) FROM sqlite_schema", &tables);
    if (e == ERR_OK && (tables || version || id) && id != s->application_id) {
        snprintf(why, SQL_WHY_MAX, "%s: is another program's database", path);
        e = ERR_CONFIG;
    } else if (e == ERR_OK && version > s->n) {
        snprintf(why, SQL_WHY_MAX, "%s: has schema version %lld, this program knows up to %d", path,
                 (long long)version, s->n);
        e = ERR_CONFIG;
    }
    if (e == ERR_OK && id != s->application_id) {
        snprintf(text, sizeof text, "PRAGMA application_id = %d", s->application_id);
        e = sql_err(sqlite3_exec(db, text, NULL, NULL, NULL));
    }
    for (int v = (int)version; e == ERR_OK && v < s->n; v++)
        e = migrate(db, s->step[v], v + 1);
    return sql_end(db, e);
}

/* Another program, or another thread of ours, writes. SQLite's own handler sleeps up to 100 ms at a time, which is many transactions. */
static int wait_a_bit(void *ctx, int tries)
{
    (void)ctx;
    (void)usleep(1000);
    return tries < BUSY_TRIES;
}

err sql_open(const char *path, const struct sql_schema *schema, bool create, sqlite3 **out,
             char why[SQL_WHY_MAX])
{
    sqlite3 *db = NULL;
    why[0] = 0;
    int rc = sqlite3_open_v2(
        path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX | (create ? SQLITE_OPEN_CREATE : 0), NULL);
    err e = rc == SQLITE_OK ? ERR_OK : rc == SQLITE_CANTOPEN && !create ? ERR_NOT_FOUND : ERR_IO;
    if (e == ERR_OK) {
        sqlite3_extended_result_codes(db, 1);
        (void)sqlite3_busy_handler(db, wait_a_bit, NULL);
        e = sql_err(
            sqlite3_exec(db,
                         "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                         "PRAGMA trusted_schema = OFF",
                         NULL, NULL, NULL));
    }
    if (e == ERR_OK)
        e = bring_up(db, schema, path, why);
    if (e != ERR_OK) {
        if (!why[0])
            snprintf(why, SQL_WHY_MAX, "%s: %s", path, db ? sqlite3_errmsg(db) : "out of memory");
        sql_close(db);
        return e;
    }
    *out = db;
    return ERR_OK;
}

void sql_close(sqlite3 *db)
{
    sqlite3_stmt *q;
    while (db && (q = sqlite3_next_stmt(db, NULL)))
        sqlite3_finalize(q);
    sqlite3_close_v2(db);
}

/* The connection's own list is where statements wait for their next use. */
static sqlite3_stmt *kept(sqlite3 *db, const char *text)
{
    sqlite3_stmt *q = NULL;
    while ((q = sqlite3_next_stmt(db, q)))
        if (!sqlite3_stmt_busy(q) && strcmp(sqlite3_sql(q), text) == 0)
            return q;
    return sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, &q, NULL) == SQLITE_OK ? q : NULL;
}

static int bind_one(sqlite3_stmt *q, int col, char kind, va_list *ap)
{
    if (kind == 'i')
        return sqlite3_bind_int64(q, col, va_arg(*ap, int64_t));
    if (kind == 's') {
        const char *text = va_arg(*ap, const char *);
        return text ? sqlite3_bind_text(q, col, text, -1, SQLITE_STATIC) : sqlite3_bind_null(q, col);
    }
    struct span b = va_arg(*ap, struct span);
    return sqlite3_bind_blob64(q, col, b.n ? (const void *)b.p : "", b.n, SQLITE_STATIC);
}

sqlite3_stmt *sql_prepare(sqlite3 *db, const char *text, const char *fmt, ...)
{
    sqlite3_stmt *q = kept(db, text);
    if (!q)
        return NULL;
    va_list ap;
    va_start(ap, fmt);
    int rc = SQLITE_OK;
    for (int col = 1; *fmt && rc == SQLITE_OK; fmt++, col++)
        rc = bind_one(q, col, *fmt, &ap);
    va_end(ap);
    if (rc != SQLITE_OK) {
        sql_done(q);
        return NULL;
    }
    return q;
}

void sql_done(sqlite3_stmt *q)
{
    if (!q)
        return;
    sqlite3_reset(q);
    sqlite3_clear_bindings(q);
}

err sql_row(sqlite3_stmt *q)
{
    if (!q)
        return ERR_IO;
    int rc = sqlite3_step(q);
    return rc == SQLITE_ROW ? ERR_OK : rc == SQLITE_DONE ? ERR_NOT_FOUND : sql_err(rc);
}

err sql_run(sqlite3_stmt *q, int *changes)
{
    if (!q)
        return ERR_IO;
    int rc;
    do {
        rc = sqlite3_step(q);
    } while (rc == SQLITE_ROW);
    if (rc == SQLITE_DONE && changes)
        *changes = sqlite3_changes(sqlite3_db_handle(q));
    sql_done(q);
    return sql_err(rc);
}

err sql_begin(sqlite3 *db)
{
    return sql_run(sql_prepare(db, "BEGIN IMMEDIATE", ""), NULL);
}

err sql_end(sqlite3 *db, err e)
{
    if (e == ERR_OK)
        e = sql_run(sql_prepare(db, "COMMIT", ""), NULL);
    if (e != ERR_OK && !sqlite3_get_autocommit(db))
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL); /* what is not committed is gone in any case */
    return e;
}

void sql_text(sqlite3_stmt *q, int col, char *out, size_t cap)
{
    const char *text = (const char *)sqlite3_column_text(q, col);
    snprintf(out, cap, "%s", text ? text : "");
}

size_t sql_blob(sqlite3_stmt *q, int col, void *out, size_t cap)
{
    const void *p = sqlite3_column_blob(q, col);
    int n = sqlite3_column_bytes(q, col);
    if (!p || n <= 0 || (size_t)n > cap)
        return 0;
    memcpy(out, p, (size_t)n);
    return (size_t)n;
}
