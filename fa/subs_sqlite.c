/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/subs_sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fa/core/naming.h"

static const char *const steps[] = {
    "CREATE TABLE subscriber("
    " id TEXT PRIMARY KEY, imsi TEXT NOT NULL UNIQUE, active INTEGER NOT NULL,"
    " given TEXT NOT NULL, surname TEXT NOT NULL, postal TEXT NOT NULL,"
    " publish_name INTEGER NOT NULL, publish_number INTEGER NOT NULL,"
    " devices_max INTEGER NOT NULL, lifetime_max_s INTEGER NOT NULL, made_s INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE msisdn(number TEXT PRIMARY KEY, subscriber TEXT NOT NULL REFERENCES subscriber(id) ON "
    "DELETE CASCADE,"
    " place INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX msisdn_subscriber ON msisdn(subscriber);"
    /* skeletons (fa_name_skeleton) of what each subscriber's data yield */
    "CREATE TABLE claim(skeleton TEXT NOT NULL, subscriber TEXT NOT NULL REFERENCES subscriber(id) ON DELETE "
    "CASCADE,"
    " PRIMARY KEY(skeleton, subscriber)) WITHOUT ROWID;"
    "CREATE INDEX claim_subscriber ON claim(subscriber);"
    "CREATE TABLE serial(n INTEGER NOT NULL);"
    "INSERT INTO serial VALUES (0);",
};

static const struct sql_schema schema = { .application_id = 0x68696673 /* hifs */, .step = steps, .n = 1 };

struct subs_sqlite {
    sqlite3 *db;
    uint64_t (*wall_s)(void);
};

err subs_sqlite_open(const char *path, bool create, uint64_t (*wall_s)(void), struct subs_sqlite **out,
                     char why[SQL_WHY_MAX])
{
    struct subs_sqlite *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_MEMORY;
    err e = sql_open(path, &schema, create, &s->db, why);
    if (e != ERR_OK) {
        free(s);
        return e;
    }
    s->wall_s = wall_s;
    *out = s;
    return ERR_OK;
}

void subs_sqlite_close(struct subs_sqlite *s)
{
    if (!s)
        return;
    sql_close(s->db);
    free(s);
}

/* ---- reading ---- */

static err read_numbers(struct subs_sqlite *s, struct fa_subscriber *out)
{
    sqlite3_stmt *q =
        sql_prepare(s->db, "SELECT number FROM msisdn WHERE subscriber = ? ORDER BY place", "s", out->id);
    err e = ERR_NOT_FOUND;
    out->n_msisdn = 0;
    while (out->n_msisdn < FA_MSISDN_MAX && (e = sql_row(q)) == ERR_OK)
        sql_text(q, 0, out->msisdn[out->n_msisdn++], sizeof out->msisdn[0]);
    sql_done(q);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static err op_get(void *ctx, const char *imsi, const char *id, struct fa_subscriber *out)
{
    struct subs_sqlite *s = ctx;
    struct fa_subscriber f = { 0 };
    bool by_imsi = imsi[0] != 0;
    sqlite3_stmt *q = sql_prepare(
        s->db,
        by_imsi
            ? "SELECT id, imsi, active, given, surname, postal, publish_name, publish_number, devices_max,"
              " lifetime_max_s FROM subscriber WHERE imsi = ?"
            : "SELECT id, imsi, active, given, surname, postal, publish_name, publish_number, devices_max,"
              " lifetime_max_s FROM subscriber WHERE id = ?",
        "s", by_imsi ? imsi : id);
    err e = sql_row(q);
    if (e == ERR_OK) {
        sql_text(q, 0, f.id, sizeof f.id);
        sql_text(q, 1, f.imsi, sizeof f.imsi);
        f.active = sqlite3_column_int(q, 2) != 0;
        sql_text(q, 3, f.given, sizeof f.given);
        sql_text(q, 4, f.surname, sizeof f.surname);
        sql_text(q, 5, f.postal, sizeof f.postal);
        f.publish_name = sqlite3_column_int(q, 6) != 0;
        f.publish_number = sqlite3_column_int(q, 7) != 0;
        f.devices_max = (uint16_t)sqlite3_column_int(q, 8);
        f.lifetime_max_s = (uint32_t)sqlite3_column_int64(q, 9);
    }
    sql_done(q);
    if (e == ERR_OK)
        e = read_numbers(s, &f);
    if (e == ERR_OK)
        *out = f;
    return e;
}

static err op_claim(void *ctx, const char *skeleton, const char *not_this)
{
    struct subs_sqlite *s = ctx;
    sqlite3_stmt *q = sql_prepare(s->db, "SELECT 1 FROM claim WHERE skeleton = ? AND subscriber <> ? LIMIT 1",
                                  "ss", skeleton, not_this);
    err e = sql_row(q);
    sql_done(q);
    return e == ERR_OK ? ERR_EXISTS : e == ERR_NOT_FOUND ? ERR_OK : e;
}

static void op_close(void *ctx)
{
    subs_sqlite_close(ctx);
}

static const struct subs_ops ops = { .get = op_get, .claim = op_claim, .close = op_close };

struct subs subs_sqlite_ops(struct subs_sqlite *s)
{
    return (struct subs){ .ops = &ops, .ctx = s };
}

err subs_sqlite_next(struct subs_sqlite *s, char id[FA_ID_MAX])
{
    sqlite3_stmt *q =
        sql_prepare(s->db, "SELECT id FROM subscriber WHERE id > ? ORDER BY id LIMIT 1", "s", id);
    char next[FA_ID_MAX];
    err e = sql_row(q);
    if (e == ERR_OK)
        sql_text(q, 0, next, sizeof next);
    sql_done(q);
    if (e == ERR_OK)
        memcpy(id, next, sizeof next);
    return e;
}

/* ---- writing ---- */

static bool digits(const char *s, size_t min, size_t max)
{
    size_t n = strspn(s, "0123456789");
    return s[n] == 0 && n >= min && n <= max;
}

/* What goes into logs and tables by name has to be harmless there. */
static bool id_ok(const char *id)
{
    size_t n = strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.@");
    return id[n] == 0 && n >= 1 && n < FA_ID_MAX;
}

static err add_claim(struct subs_sqlite *s, const char *id, const char *label)
{
    char skeleton[FA_LABEL_MAX];
    if (!label[0])
        return ERR_OK;
    return sql_run(sql_prepare(s->db, "INSERT OR IGNORE INTO claim VALUES (?, ?)", "ss",
                               fa_name_skeleton(label, skeleton), id),
                   NULL);
}

static err next_id(struct subs_sqlite *s, char id[FA_ID_MAX])
{
    err e = sql_run(sql_prepare(s->db, "UPDATE serial SET n = n + 1", ""), NULL);
    sqlite3_stmt *q = sql_prepare(s->db, "SELECT n FROM serial", "");
    if (e == ERR_OK)
        e = sql_row(q);
    if (e == ERR_OK)
        snprintf(id, FA_ID_MAX, "sub-%06lld", (long long)sqlite3_column_int64(q, 0));
    sql_done(q);
    return e;
}

static err insert(struct subs_sqlite *s, const struct fa_subscriber *f)
{
    char label[FA_LABEL_MAX];
    err e = sql_run(sql_prepare(s->db, "INSERT INTO subscriber VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                                "ssisssiiiii", f->id, f->imsi, (int64_t)f->active, f->given, f->surname,
                                f->postal, (int64_t)f->publish_name, (int64_t)f->publish_number,
                                (int64_t)f->devices_max, (int64_t)f->lifetime_max_s, (int64_t)s->wall_s()),
                    NULL);
    if (e == ERR_OK)
        e = add_claim(s, f->id, fa_name_of_person(f->given, f->surname, label));
    for (uint8_t i = 0; e == ERR_OK && i < f->n_msisdn; i++) {
        e = sql_run(
            sql_prepare(s->db, "INSERT INTO msisdn VALUES (?, ?, ?)", "ssi", f->msisdn[i], f->id, (int64_t)i),
            NULL);
        if (e == ERR_OK)
            e = add_claim(s, f->id, f->msisdn[i]);
    }
    return e;
}

err subs_sqlite_add(struct subs_sqlite *s, struct fa_subscriber *sub)
{
    struct fa_subscriber f = *sub;
    if (!digits(f.imsi, 6, 15) || (f.id[0] && !id_ok(f.id)) || f.n_msisdn > FA_MSISDN_MAX)
        return ERR_MALFORMED;
    for (uint8_t i = 0; i < f.n_msisdn; i++)
        if (!digits(f.msisdn[i], 3, 15))
            return ERR_MALFORMED;
    err e = sql_begin(s->db);
    if (e != ERR_OK)
        return e;
    if (!f.id[0])
        e = next_id(s, f.id);
    if (e == ERR_OK)
        e = insert(s, &f);
    e = sql_end(s->db, e);
    if (e == ERR_OK)
        *sub = f;
    return e;
}

err subs_sqlite_del(struct subs_sqlite *s, const char *id)
{
    int changes = 0;
    err e = sql_run(sql_prepare(s->db, "DELETE FROM subscriber WHERE id = ?", "s", id), &changes);
    return e != ERR_OK ? e : changes == 1 ? ERR_OK : ERR_NOT_FOUND;
}
