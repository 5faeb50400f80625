/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <unistd.h>

#include "as/auc_priv.h"

#define BUSY_TRIES 5000 /* of a millisecond and a bit */
#define VERSION    2    /* PRAGMA user_version */

static const char schema_sql[] =
    "CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS subscriber("
    " imsi TEXT PRIMARY KEY, sealed BLOB NOT NULL, amf BLOB NOT NULL, sqn INTEGER NOT NULL,"
    " barred INTEGER NOT NULL DEFAULT 0, added INTEGER NOT NULL, used INTEGER NOT NULL DEFAULT 0) WITHOUT "
    "ROWID;";

/* What each version added to the one before; [0] makes version 1 of nothing. A store of version 1 has 0 in user_version, or nothing at all. */
static const char *const steps[VERSION] = {
    schema_sql,
    "ALTER TABLE subscriber ADD COLUMN algorithm TEXT NOT NULL DEFAULT 'milenage';"
    "ALTER TABLE subscriber ADD COLUMN generation INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE subscriber ADD COLUMN given BLOB;" /* as/given.h; NULL: none */
    "INSERT INTO meta VALUES('generation', 1);"
    "CREATE TABLE secret(name TEXT PRIMARY KEY, sealed BLOB NOT NULL, generation INTEGER NOT NULL) WITHOUT "
    "ROWID;",
};

#define ROW \
    "imsi, amf, sqn, barred, added, used, algorithm, generation, sealed, given" /* as auc_sqlite.c reads it */

#define OLD_ROWS \
    "SELECT imsi, sealed, algorithm FROM subscriber WHERE imsi > ?1 AND generation = ?2 ORDER BY imsi " \
    "LIMIT ?3"

static const char *const sql[ST__COUNT] = {
    [ST_BEGIN] = "BEGIN IMMEDIATE",
    [ST_COMMIT] = "COMMIT",
    [ST_ROLLBACK] = "ROLLBACK",
    [ST_GET] = "SELECT " ROW " FROM subscriber WHERE imsi = ?1",
    [ST_SET_SQN] = "UPDATE subscriber SET sqn = ?2, used = ?3, given = ?4 WHERE imsi = ?1 AND sqn < ?2",
    /* Only under a key that the store knows: another process may have ended a rotation meanwhile. */
    [ST_ADD] =
        "INSERT INTO subscriber(imsi, sealed, amf, sqn, barred, added, algorithm, generation) "
        "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM meta g WHERE g.name = 'generation' AND ?8 = g.value + "
        "(SELECT COUNT(*) FROM meta WHERE name = 'key next')",
    [ST_DEL] = "DELETE FROM subscriber WHERE imsi = ?1",
    [ST_BAR] = "UPDATE subscriber SET barred = ?2 WHERE imsi = ?1",
    [ST_RAISE] = "UPDATE subscriber SET sqn = ?2 WHERE imsi = ?1 AND sqn < ?2",
    [ST_LIST] = "SELECT " ROW " FROM subscriber ORDER BY imsi",
    [ST_META] = "SELECT value FROM meta WHERE name = ?1",
    [ST_SET_META] = "INSERT OR REPLACE INTO meta VALUES(?1, ?2)",
    [ST_DEL_META] = "DELETE FROM meta WHERE name = ?1",
    [ST_SECRET] = "SELECT sealed, generation FROM secret WHERE name = ?1",
    [ST_SET_SECRET] = "INSERT OR REPLACE INTO secret VALUES(?1, ?2, ?3)",
    [ST_OLD_SECRET] = "SELECT name, sealed FROM secret WHERE generation = ?1 LIMIT 1",
    [ST_OLD_ROWS] = OLD_ROWS,
    [ST_RESEAL] = "UPDATE subscriber SET sealed = ?2, generation = ?3 WHERE imsi = ?1",
    [ST_COUNT_OLD] = "SELECT SUM(generation = ?1), COUNT(*) FROM subscriber",
};

static const char rehearsal_sql[] = "CREATE TEMP TABLE rehearsal(imsi TEXT PRIMARY KEY, sealed BLOB NOT "
                                    "NULL, amf BLOB NOT NULL, sqn INTEGER NOT NULL,"
                                    " barred INTEGER NOT NULL, added INTEGER NOT NULL, used INTEGER NOT NULL "
                                    "DEFAULT 0, algorithm TEXT NOT NULL,"
                                    " generation INTEGER NOT NULL, given BLOB) WITHOUT ROWID";
static const char dry_add[] =
    "INSERT INTO temp.rehearsal(imsi, sealed, amf, sqn, barred, added, algorithm, generation) "
    "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE NOT EXISTS(SELECT 1 FROM main.subscriber WHERE imsi = ?1)";
static const char dry_get[] = "SELECT " ROW " FROM temp.rehearsal WHERE imsi = ?1";

void auc_stmt_end(struct auc *a, enum auc_stmt s)
{
    sqlite3_reset(a->st[s]);
    sqlite3_clear_bindings(a->st[s]);
}

err auc_step_done(struct auc *a, enum auc_stmt s)
{
    int r = sqlite3_step(a->st[s]);
    auc_stmt_end(a, s);
    if (r == SQLITE_CONSTRAINT)
        return ERR_EXISTS;
    return r == SQLITE_DONE ? ERR_OK : ERR_IO;
}

void auc_bind_imsi(struct auc *a, enum auc_stmt s, const char *imsi)
{
    sqlite3_bind_text(a->st[s], 1, imsi, -1, SQLITE_STATIC);
}

static err prepare(struct auc *a, enum auc_stmt s, const char *text)
{
    return sqlite3_prepare_v3(a->db, text, -1, SQLITE_PREPARE_PERSISTENT, &a->st[s], NULL) == SQLITE_OK
               ? ERR_OK
               : ERR_IO;
}

static bool ask_int(struct auc *a, const char *text, int *out)
{
    sqlite3_stmt *st = NULL;
    bool ok = sqlite3_prepare_v2(a->db, text, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW;
    if (ok)
        *out = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    return ok;
}

static bool run(struct auc *a, const char *text)
{
    return sqlite3_exec(a->db, text, NULL, NULL, NULL) == SQLITE_OK;
}

/* Under the write lock, so that of two processes one does it; all steps or none. */
static err migrate(struct auc *a, const char *path, char *why)
{
    char set[48];
    int version = 0, tables = 0;
    err e = ERR_IO;
    if (!ask_int(a, "PRAGMA user_version", &version))
        return ERR_IO;
    if (version == VERSION)
        return ERR_OK;
    if (!run(a, "BEGIN IMMEDIATE"))
        return ERR_IO;
    if (!ask_int(a, "PRAGMA user_version", &version) ||
        !ask_int(a, "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'subscriber'",
                 &tables))
        goto out;
    if (version > VERSION || version < 0) {
        snprintf(why, AUC_WHY_MAX, "%s: made by a newer hipakad (version %d of the store, %d here)", path,
                 version, VERSION);
        e = ERR_UNSUPPORTED;
        goto out;
    }
    if (version == 0 && tables)
        version = 1;
    snprintf(set, sizeof set, "PRAGMA user_version = %d", VERSION);
    for (int v = version; v < VERSION; v++)
        if (!run(a, steps[v]))
            goto out;
    if (run(a, set) && run(a, "COMMIT"))
        return ERR_OK;
out:
    (void)run(a, "ROLLBACK");
    return e;
}

/* Another process writes. SQLite's own handler looks every 100 ms in the end, and between two transactions of an import there are two. */
static int wait_a_bit(void *ctx, int tries)
{
    (void)usleep(1000);
    return tries < BUSY_TRIES;
}

void auc_let_others(void)
{
    (void)usleep(2000);
}

err auc_db_open(struct auc *a, const char *path, char *why)
{
    static const char pragmas[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                                  "PRAGMA secure_delete=ON;";
    err e = ERR_IO;
    if (sqlite3_open_v2(path, &a->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX,
                        NULL) != SQLITE_OK ||
        sqlite3_busy_handler(a->db, wait_a_bit, NULL) != SQLITE_OK || !run(a, pragmas))
        goto out;
    e = migrate(a, path, why);
    for (int i = 0; i < ST__COUNT && e == ERR_OK; i++)
        if (sql[i])
            e = prepare(a, (enum auc_stmt)i, sql[i]);
out:
    if (e == ERR_IO)
        snprintf(why, AUC_WHY_MAX, "%s: %s", path, a->db ? sqlite3_errmsg(a->db) : "out of memory");
    return e;
}

err auc_rehearse(struct auc *a)
{
    if (!run(a, rehearsal_sql) || prepare(a, ST_DRY_ADD, dry_add) != ERR_OK ||
        prepare(a, ST_DRY_GET, dry_get) != ERR_OK)
        return ERR_IO;
    a->rehearsing = true;
    return ERR_OK;
}
