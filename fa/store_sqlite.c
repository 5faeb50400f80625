/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/store_priv.h"

#include <stdlib.h>
#include <string.h>

static const char *const steps[] = {
    "CREATE TABLE binding("
    " id INTEGER PRIMARY KEY AUTOINCREMENT," /* an id never comes back */
    " subscriber TEXT NOT NULL, state INTEGER NOT NULL CHECK(state BETWEEN 1 AND 4),"
    " hit BLOB NOT NULL CHECK(length(hit) = 16), hi BLOB NOT NULL,"
    " name TEXT NOT NULL, skeleton TEXT NOT NULL, own_name INTEGER NOT NULL,"
    " lifetime_s INTEGER NOT NULL, ends_s INTEGER NOT NULL,"
    " rdata BLOB NOT NULL, last BLOB NOT NULL, device TEXT NOT NULL, secret_salt BLOB NOT NULL, secret_hash "
    "BLOB NOT NULL,"
    " made_s INTEGER NOT NULL, changed_s INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX binding_name ON binding(name) WHERE state <> 4;"
    "CREATE INDEX binding_hit ON binding(hit);"
    "CREATE INDEX binding_hi ON binding(hi);"
    "CREATE INDEX binding_state ON binding(state, ends_s);"
    "CREATE INDEX binding_subscriber ON binding(subscriber);"
    "CREATE INDEX binding_skeleton ON binding(skeleton);"
    "CREATE TABLE reservation(name TEXT PRIMARY KEY, skeleton TEXT NOT NULL, subscriber TEXT NOT NULL, "
    "until_s INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE INDEX reservation_skeleton ON reservation(skeleton);"
    "CREATE TABLE epoch(subscriber TEXT PRIMARY KEY, epoch INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE r1(hit BLOB PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE booking(id INTEGER PRIMARY KEY, at_s INTEGER NOT NULL, kind TEXT NOT NULL, binding INTEGER "
    "NOT NULL,"
    " subscriber TEXT NOT NULL, hit BLOB NOT NULL, name TEXT NOT NULL, lifetime_s INTEGER NOT NULL);"
    "CREATE TABLE audit(id INTEGER PRIMARY KEY, at_s INTEGER NOT NULL, alarm INTEGER NOT NULL, what TEXT NOT "
    "NULL,"
    " subscriber TEXT NOT NULL, hit BLOB NOT NULL, name TEXT NOT NULL);",
    "ALTER TABLE binding ADD COLUMN moved INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE binding ADD COLUMN rekey INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE binding ADD COLUMN seen_s INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE epoch ADD COLUMN suspended INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE hold(id INTEGER PRIMARY KEY AUTOINCREMENT, old INTEGER NOT NULL, hit BLOB NOT NULL,"
    " subscriber TEXT NOT NULL, says INTEGER NOT NULL DEFAULT 0, asked_s INTEGER NOT NULL, UNIQUE(old, "
    "hit));",
    "CREATE INDEX reservation_until ON reservation(until_s);", /* looked at with each intent */
};

static const struct sql_schema schema = { .application_id = 0x68696662 /* hifb */, .step = steps, .n = 3 };

int64_t store_now(const struct store_sqlite *s)
{
    return (int64_t)s->wall_s();
}

/* ---- transactions ---- */

/* An error of the disk undoes the whole transaction behind our back, with what earlier jobs of the batch wrote. */
static bool undone(struct store_sqlite *s)
{
    s->lost |= s->open && sqlite3_get_autocommit(s->db);
    return s->lost;
}

err store_begin(struct store_sqlite *s)
{
    if (!s->together)
        return sql_begin(s->db);
    if (undone(s))
        return ERR_IO;
    err e = s->open ? ERR_OK : sql_begin(s->db);
    s->open |= e == ERR_OK;
    return e == ERR_OK ? sql_run(sql_prepare(s->db, "SAVEPOINT job", ""), NULL) : e;
}

err store_end(struct store_sqlite *s, err e)
{
    if (!s->together)
        return sql_end(s->db, e);
    if (undone(s))
        return e == ERR_OK ? ERR_IO : e;
    err undo = e == ERR_OK ? ERR_OK : sql_run(sql_prepare(s->db, "ROLLBACK TO job", ""), NULL);
    err last = sql_run(sql_prepare(s->db, "RELEASE job", ""), NULL);
    s->lost |= undo != ERR_OK || last != ERR_OK;
    return e != ERR_OK ? e : s->lost ? ERR_IO : ERR_OK;
}

static void op_batch_begin(void *ctx)
{
    struct store_sqlite *s = ctx;
    s->together = true;
    s->open = s->lost = false;
}

static err op_batch_end(void *ctx)
{
    struct store_sqlite *s = ctx;
    err e = undone(s) ? ERR_IO : ERR_OK;
    s->together = false;
    return s->open ? sql_end(s->db, e) : e;
}

/* ---- rows out ---- */

_Static_assert(FA_BINDINGS_MAX == 8, "the LIMITs below are one more, which says whether there are more rows");

static void read_row(sqlite3_stmt *q, int64_t now, struct fa_binding *b)
{
    memset(b, 0, sizeof *b);
    b->id = (uint64_t)sqlite3_column_int64(q, 0);
    sql_text(q, 1, b->subscriber, sizeof b->subscriber);
    b->state = (enum fa_binding_state)sqlite3_column_int(q, 2);
    (void)sql_blob(q, 3, b->hit, sizeof b->hit);
    b->hi_len = (uint16_t)sql_blob(q, 4, b->hi, sizeof b->hi);
    sql_text(q, 5, b->name, sizeof b->name);
    sql_text(q, 6, b->skeleton, sizeof b->skeleton);
    b->own_name = sqlite3_column_int(q, 7) != 0;
    b->lifetime_s = (uint32_t)sqlite3_column_int64(q, 8);
    int64_t left = sqlite3_column_int64(q, 9) - now;
    b->left_s = left <= 0 ? 0 : left > b->lifetime_s ? b->lifetime_s : (uint32_t)left;
    b->rdata_len = (uint16_t)sql_blob(q, 10, b->rdata, sizeof b->rdata);
    b->last_len = (uint16_t)sql_blob(q, 11, b->last, sizeof b->last);
    sql_text(q, 12, b->device, sizeof b->device);
    b->has_secret = sql_blob(q, 13, b->secret_salt, sizeof b->secret_salt) == sizeof b->secret_salt &&
                    sql_blob(q, 14, b->secret_hash, sizeof b->secret_hash) == sizeof b->secret_hash;
    b->moved = sqlite3_column_int(q, 15) != 0;
    b->rekey = sqlite3_column_int(q, 16) != 0;
    int64_t unseen = now - sqlite3_column_int64(q, 17);
    b->unseen_s = unseen <= 0 ? 0 : unseen > UINT32_MAX ? UINT32_MAX : (uint32_t)unseen;
    b->suspended = sqlite3_column_int(q, 18) != 0;
}

err store_read_rows(const struct store_sqlite *s, sqlite3_stmt *q, struct store_answer *out)
{
    err e;
    out->n = 0;
    out->more = false;
    while ((e = sql_row(q)) == ERR_OK) {
        if (out->n == FA_BINDINGS_MAX) {
            out->more = true;
            break;
        }
        read_row(q, store_now(s), &out->v[out->n++]);
    }
    sql_done(q);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static err get_epoch(struct store_sqlite *s, const char *subscriber, uint64_t *out, bool *suspended)
{
    sqlite3_stmt *q =
        sql_prepare(s->db, "SELECT epoch, suspended FROM epoch WHERE subscriber = ?", "s", subscriber);
    err e = sql_row(q);
    *out = e == ERR_OK ? (uint64_t)sqlite3_column_int64(q, 0) : 0;
    *suspended = e == ERR_OK && sqlite3_column_int(q, 1) != 0;
    sql_done(q);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

err store_epoch_raise(struct store_sqlite *s, const char *subscriber)
{
    return sql_run(sql_prepare(s->db,
                               "INSERT INTO epoch(subscriber, epoch) VALUES (?, 1)"
                               " ON CONFLICT(subscriber) DO UPDATE SET epoch = epoch + 1",
                               "s", subscriber),
                   NULL);
}

static err run_find(struct store_sqlite *s, const struct fa_job *job, struct store_answer *out)
{
    int64_t now = store_now(s);
    const char *text = job->find.text;
    sqlite3_stmt *q = NULL;
    switch (job->find.by) {
    case FA_FIND_HIT: /* a revoked key is forgotten after its time */
        q = sql_prepare(s->db,
                        "SELECT " STORE_COLUMNS
                        " FROM binding WHERE hit = ? AND (state <> 4 OR ends_s > ?) ORDER BY id",
                        "bi", span_of(job->find.hit, 16), now);
        break;
    case FA_FIND_SUBSCRIBER: {
        err e = get_epoch(s, text, &out->epoch, &out->suspended);
        if (e != ERR_OK)
            return e;
        q = sql_prepare(s->db,
                        "SELECT " STORE_COLUMNS
                        " FROM binding WHERE subscriber = ? AND state <> 4 AND id > ? ORDER BY id LIMIT 9",
                        "si", text, (int64_t)job->find.id);
        break;
    }
    case FA_FIND_NAME:
        q = sql_prepare(s->db, "SELECT " STORE_COLUMNS " FROM binding WHERE name = ? AND state <> 4", "s",
                        text);
        break;
    case FA_FIND_ID:
        q = sql_prepare(s->db, "SELECT " STORE_COLUMNS " FROM binding WHERE id = ?", "i",
                        (int64_t)job->find.id);
        break;
    case FA_FIND_OPEN: /* by index: among very many rows few are open */
        q = sql_prepare(
            s->db,
            "SELECT " STORE_COLUMNS " FROM binding WHERE id IN"
            " (SELECT id FROM binding WHERE state IN (1, 3) AND id > ?1"
            " UNION SELECT id FROM binding WHERE state = 2 AND ends_s <= ?2 AND id > ?1) ORDER BY id LIMIT 9",
            "ii", (int64_t)job->find.id, now);
        break;
    default:
        return ERR_UNSUPPORTED;
    }
    return store_read_rows(s, q, out);
}

/* ---- intent ---- */

/* OK when the query has no row, `found` when it has one; done with q then. */
static err none(sqlite3_stmt *q, err found)
{
    err e = sql_row(q);
    sql_done(q);
    return e == ERR_NOT_FOUND ? ERR_OK : e == ERR_OK ? found : e;
}

static err intent_allowed(struct store_sqlite *s, const struct fa_job *job, int64_t now)
{
    const struct fa_binding *b = &job->intent.binding;
    struct span hit = span_of(b->hit, 16), hi = span_of(b->hi, b->hi_len);
    int64_t self = (int64_t)b->id, replaces = (int64_t)job->intent.replaces;
    int64_t takes = (int64_t)job->intent.takes;
    uint64_t epoch = 0;
    bool suspended = false;
    err e = get_epoch(s, b->subscriber, &epoch, &suspended);
    if (e == ERR_OK && (epoch != job->intent.epoch || suspended))
        e = ERR_STATE;
    /* A key that is somebody else's, or that was revoked. One whose name moved on may come back. */
    if (e == ERR_OK)
        e = none(sql_prepare(s->db,
                             "SELECT 1 FROM binding WHERE (hit = ? OR hi = ?) AND (state <> 4 OR ends_s > ?)"
                             " AND (subscriber <> ? OR (state = 4 AND NOT moved)) LIMIT 1",
                             "bbis", hit, hi, now, b->subscriber),
                 ERR_REFUSED);
    if (e == ERR_OK)
        e = none(sql_prepare(s->db,
                             "SELECT 1 FROM binding WHERE subscriber = ? AND state <> 4 AND id NOT IN (?, ?, "
                             "?) AND hit <> ?"
                             " GROUP BY subscriber HAVING count(*) >= ?",
                             "siiibi", b->subscriber, self, replaces, takes, hit,
                             (int64_t)(job->intent.devices_max ? job->intent.devices_max : 1)),
                 ERR_FULL);
    if (e == ERR_OK)
        e = none(
            sql_prepare(s->db,
                        "SELECT 1 FROM binding WHERE name = ? AND state <> 4 AND id NOT IN (?, ?, ?) LIMIT 1",
                        "siii", b->name, self, replaces, takes),
            ERR_EXISTS);
    if (e == ERR_OK)
        e = none(sql_prepare(s->db, "SELECT 1 FROM reservation WHERE name = ? AND subscriber <> ? LIMIT 1",
                             "ss", b->name, b->subscriber),
                 ERR_EXISTS);
    if (e == ERR_OK && !b->own_name)
        e = none(sql_prepare(
                     s->db,
                     "SELECT 1 FROM binding WHERE skeleton = ?1 AND state <> 4 AND subscriber <> ?2"
                     " UNION ALL SELECT 1 FROM reservation WHERE skeleton = ?1 AND subscriber <> ?2 LIMIT 1",
                     "ss", b->skeleton, b->subscriber),
                 ERR_EXISTS);
    return e;
}

static err write_row(struct store_sqlite *s, const struct fa_binding *b, int64_t now, uint64_t *id)
{
    struct span salt = span_of(b->secret_salt, b->has_secret ? sizeof b->secret_salt : 0);
    struct span hash = span_of(b->secret_hash, b->has_secret ? sizeof b->secret_hash : 0);
    struct span hit = span_of(b->hit, 16), hi = span_of(b->hi, b->hi_len);
    struct span rdata = span_of(b->rdata, b->rdata_len), last = span_of(b->last, b->last_len);
    int64_t own = b->own_name, lifetime = b->lifetime_s, ends = now + lifetime;
    int changes = 0;
    err e;
    if (b->id) {
        e = sql_run(
            sql_prepare(
                s->db,
                "UPDATE binding SET state = 1, subscriber = ?, hit = ?, hi = ?, name = ?, skeleton = ?,"
                " own_name = ?, lifetime_s = ?, ends_s = ?, rdata = ?, last = ?, device = ?,"
                " secret_salt = ?, secret_hash = ?, changed_s = ? WHERE id = ? AND state <> 4",
                "sbbssiiibbsbbii", b->subscriber, hit, hi, b->name, b->skeleton, own, lifetime, ends, rdata,
                last, b->device, salt, hash, now, (int64_t)b->id),
            &changes);
        if (e == ERR_OK && changes != 1)
            e = ERR_NOT_FOUND;
        *id = b->id;
        return e;
    }
    e = sql_run(sql_prepare(s->db,
                            "INSERT INTO binding(state, subscriber, hit, hi, name, skeleton, own_name, "
                            "lifetime_s, ends_s, rdata,"
                            " last, device, secret_salt, secret_hash, made_s, changed_s)"
                            " VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                            "sbbssiiibbsbbii", b->subscriber, hit, hi, b->name, b->skeleton, own, lifetime,
                            ends, rdata, last, b->device, salt, hash, now, now),
                &changes);
    *id = (uint64_t)sqlite3_last_insert_rowid(s->db);
    return e;
}

/* What the subscriber's other HI had is this one's from here on (docs/sim-binding.md section 7, MOVE). */
static err take_over(struct store_sqlite *s, const struct fa_job *job, int64_t now)
{
    const char *subscriber = job->intent.binding.subscriber;
    int64_t id = (int64_t)job->intent.takes;
    int changes = 0;
    err e =
        sql_run(sql_prepare(s->db,
                            "UPDATE binding SET state = 4, moved = 1, last = x'', lifetime_s = ?, ends_s = ?,"
                            " changed_s = ? WHERE id = ? AND state = 2 AND subscriber = ?",
                            "iiiis", STORE_HOLD_S, now + STORE_HOLD_S, now, id, subscriber),
                &changes);
    if (e == ERR_OK && changes != 1)
        e = ERR_STATE;
    if (e == ERR_OK)
        e = sql_run(sql_prepare(s->db, "DELETE FROM hold WHERE old = ?", "i", id), NULL);
    return e == ERR_OK ? store_epoch_raise(s, subscriber) : e;
}

static err run_intent(struct store_sqlite *s, const struct fa_job *job, struct store_answer *out)
{
    const struct fa_binding *b = &job->intent.binding;
    int64_t now = store_now(s);
    uint64_t id = 0;
    if (!b->subscriber[0] || !b->name[0] || !b->hi_len || b->hi_len > FA_HI_MAX ||
        b->rdata_len > FA_RDATA_MAX || b->last_len > FA_RDATA_MAX)
        return ERR_MALFORMED;
    err e = store_begin(s);
    if (e != ERR_OK)
        return e;
    e = sql_run(sql_prepare(s->db, "DELETE FROM reservation WHERE until_s <= ?", "i", now), NULL);
    if (e == ERR_OK)
        e = sql_run(sql_prepare(s->db, "DELETE FROM binding WHERE state = 4 AND ends_s <= ?", "i", now),
                    NULL);
    if (e == ERR_OK)
        e = intent_allowed(s, job, now);
    if (e == ERR_OK && job->intent.replaces && job->intent.replaces != b->id)
        e = sql_run(
            sql_prepare(s->db, "DELETE FROM binding WHERE id = ?", "i", (int64_t)job->intent.replaces), NULL);
    if (e == ERR_OK && job->intent.takes)
        e = take_over(s, job, now);
    if (e == ERR_OK) /* it is a binding's again: nothing is left to learn at its next contact */
        e = sql_run(
            sql_prepare(s->db, "DELETE FROM binding WHERE hit = ? AND state = 4 AND moved AND subscriber = ?",
                        "bs", span_of(b->hit, 16), b->subscriber),
            NULL);
    if (e == ERR_OK)
        e = write_row(s, b, now, &id);
    if (e == ERR_OK) /* its own hold has done its work */
        e = sql_run(sql_prepare(s->db, "DELETE FROM reservation WHERE name = ?", "s", b->name), NULL);
    e = store_end(s, e);
    if (e == ERR_OK)
        out->id = id;
    return e;
}

/* ---- what follows an intent ---- */

static err book(struct store_sqlite *s, enum fa_booking kind, uint64_t id, int64_t lifetime, int64_t now)
{
    static const char *const kinds[] = { [FA_BOOK_BIND] = "bind",
                                         [FA_BOOK_REFRESH] = "refresh",
                                         [FA_BOOK_UNBIND] = "unbind",
                                         [FA_BOOK_REVOKE] = "revoke",
                                         [FA_BOOK_MOVE] = "move" };
    if (kind == FA_BOOK_NONE)
        return ERR_OK;
    if ((unsigned)kind >= sizeof kinds / sizeof kinds[0])
        return ERR_MALFORMED;
    return sql_run(
        sql_prepare(s->db,
                    "INSERT INTO booking(at_s, kind, binding, subscriber, hit, name, lifetime_s)"
                    " SELECT ?, ?, id, subscriber, hit, name, ? FROM binding WHERE id = ? AND state <> 4",
                    "isii", now, kinds[kind], lifetime, (int64_t)id),
        NULL);
}

static err run_bound(struct store_sqlite *s, const struct fa_job *job)
{
    int64_t now = store_now(s), lifetime = job->bound.lifetime_s;
    int changes = 0;
    err e = store_begin(s);
    if (e != ERR_OK)
        return e;
    e = sql_run(
        sql_prepare(
            s->db,
            "UPDATE binding SET state = 2, last = rdata, lifetime_s = ?, ends_s = ?, changed_s = ?, rekey = 0"
            " WHERE id = ? AND state <> 4",
            "iiii", lifetime, now + lifetime, now, (int64_t)job->bound.id),
        &changes);
    if (e == ERR_OK && changes != 1)
        e = ERR_NOT_FOUND;
    if (e == ERR_OK)
        e = book(s, job->bound.book, job->bound.id, lifetime, now);
    return store_end(s, e);
}

/* The epoch rises with it, so that a run which read the bindings before cannot write them back (docs/sim-binding.md section 7). */
static err run_unbind(struct store_sqlite *s, const struct fa_job *job)
{
    int changes = 0;
    err e = store_begin(s);
    if (e != ERR_OK)
        return e;
    e = sql_run(sql_prepare(s->db, "UPDATE binding SET state = 3, changed_s = ? WHERE id = ? AND state <> 4",
                            "ii", store_now(s), (int64_t)job->unbind.id),
                &changes);
    if (e == ERR_OK && changes != 1)
        e = ERR_NOT_FOUND;
    if (e == ERR_OK)
        e = sql_run(
            sql_prepare(s->db,
                        "INSERT INTO epoch(subscriber, epoch) SELECT subscriber, 1 FROM binding WHERE id = ?"
                        " ON CONFLICT(subscriber) DO UPDATE SET epoch = epoch + 1",
                        "i", (int64_t)job->unbind.id),
            NULL);
    return store_end(s, e);
}

static err run_drop(struct store_sqlite *s, const struct fa_job *job)
{
    int64_t now = store_now(s), id = (int64_t)job->drop.id;
    err e = store_begin(s);
    if (e != ERR_OK)
        return e;
    e = book(s, job->drop.book, job->drop.id, 0, now);
    if (e == ERR_OK && job->drop.reserve)
        e = sql_run(
            sql_prepare(s->db,
                        "INSERT OR REPLACE INTO reservation(name, skeleton, subscriber, until_s)"
                        " SELECT name, skeleton, subscriber, ? FROM binding WHERE id = ? AND state <> 4",
                        "ii", now + STORE_HOLD_S, id),
            NULL);
    if (e == ERR_OK && job->drop.revoked)
        e = sql_run(
            sql_prepare(s->db,
                        "UPDATE binding SET state = 4, last = x'', lifetime_s = ?, ends_s = ?, changed_s = ?"
                        " WHERE id = ? AND state <> 4",
                        "iiii", STORE_HOLD_S, now + STORE_HOLD_S, now, id),
            NULL);
    else if (e == ERR_OK)
        e = sql_run(sql_prepare(s->db, "DELETE FROM binding WHERE id = ?", "i", id), NULL);
    return store_end(s, e);
}

#define AUDIT_MAX 1000000 /* lines kept; whoever can cause one must not fill the disk */

err store_audit(struct store_sqlite *s, bool alarm, const char *what, const char *subscriber, struct span hit,
                const char *name)
{
    err e = sql_run(sql_prepare(s->db, "DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?", "i",
                                (int64_t)AUDIT_MAX),
                    NULL);
    if (e != ERR_OK)
        return e;
    return sql_run(
        sql_prepare(s->db,
                    "INSERT INTO audit(at_s, alarm, what, subscriber, hit, name) VALUES (?, ?, ?, ?, ?, ?)",
                    "iissbs", store_now(s), (int64_t)alarm, what, subscriber, hit, name),
        NULL);
}

static err run_audit(struct store_sqlite *s, const struct fa_job *job)
{
    err e = store_begin(s);
    if (e != ERR_OK)
        return e;
    return store_end(s, store_audit(s, job->audit.alarm, job->audit.what, job->audit.subscriber,
                                    span_of(job->audit.hit, 16), job->audit.name));
}

/* ---- takeovers ---- */

static err run_seen(struct store_sqlite *s, const struct fa_job *job)
{
    err e = store_begin(s);
    if (e != ERR_OK)
        return e;
    return store_end(s,
                     sql_run(sql_prepare(s->db, "UPDATE binding SET seen_s = ? WHERE hit = ? AND state <> 4",
                                         "ib", store_now(s), span_of(job->seen.hit, 16)),
                             NULL));
}

static err run_hold(struct store_sqlite *s, const struct fa_job *job, struct store_answer *out)
{
    int64_t now = store_now(s), old = (int64_t)job->hold.old;
    struct span hit = span_of(job->hold.hit, 16);
    int changes = 0;
    err e = store_begin(s);
    if (e != ERR_OK)
        return e;
    e = sql_run(sql_prepare(s->db, "DELETE FROM hold WHERE asked_s <= ?", "i", now - STORE_ASKED_S), NULL);
    if (e == ERR_OK)
        e = sql_run(
            sql_prepare(s->db,
                        "INSERT OR IGNORE INTO hold(old, hit, subscriber, asked_s) VALUES (?, ?, ?, ?)",
                        "ibsi", old, hit, job->hold.subscriber, now),
            &changes);
    out->fresh = e == ERR_OK && changes == 1;
    sqlite3_stmt *q = NULL;
    if (e == ERR_OK) {
        q = sql_prepare(s->db, "SELECT says FROM hold WHERE old = ? AND hit = ?", "ib", old, hit);
        e = sql_row(q);
    }
    if (e == ERR_OK)
        out->hold = (enum fa_hold_says)sqlite3_column_int(q, 0);
    sql_done(q);
    return store_end(s, e);
}

/* ---- the interface ---- */

static err op_run(void *ctx, const struct fa_job *job, struct store_answer *out)
{
    switch (job->type) {
    case FA_JOB_FIND:
        return run_find(ctx, job, out);
    case FA_JOB_INTENT:
        return run_intent(ctx, job, out);
    case FA_JOB_BOUND:
        return run_bound(ctx, job);
    case FA_JOB_UNBIND:
        return run_unbind(ctx, job);
    case FA_JOB_DROP:
        return run_drop(ctx, job);
    case FA_JOB_SEEN:
        return run_seen(ctx, job);
    case FA_JOB_HOLD:
        return run_hold(ctx, job, out);
    case FA_JOB_AUDIT:
        return run_audit(ctx, job);
    default:
        return ERR_UNSUPPORTED;
    }
}

static err op_list(void *ctx, uint64_t after, struct store_answer *out)
{
    struct store_sqlite *s = ctx;
    return store_read_rows(
        s,
        sql_prepare(s->db, "SELECT " STORE_COLUMNS " FROM binding WHERE id > ? ORDER BY id LIMIT 9", "i",
                    (int64_t)after),
        out);
}

static err op_r1_reserve(void *ctx, const uint8_t hit[16], uint64_t n, uint64_t *out)
{
    struct store_sqlite *s = ctx;
    struct span h = span_of(hit, 16);
    uint64_t next = 1; /* 0 stands for "no counter" on the wire's side of things */
    if (n == 0 || n > (uint64_t)1 << 40)
        return ERR_RANGE;
    err e = store_begin(s);
    if (e != ERR_OK)
        return e;
    sqlite3_stmt *q = sql_prepare(s->db, "SELECT next FROM r1 WHERE hit = ?", "b", h);
    e = sql_row(q);
    if (e == ERR_OK)
        next = (uint64_t)sqlite3_column_int64(q, 0);
    sql_done(q);
    if (e == ERR_OK || e == ERR_NOT_FOUND)
        e = next > (uint64_t)INT64_MAX - n
                ? ERR_RANGE
                : sql_run(sql_prepare(s->db, "INSERT OR REPLACE INTO r1(hit, next) VALUES (?, ?)", "bi", h,
                                      (int64_t)(next + n)),
                          NULL);
    e = store_end(s, e);
    if (e == ERR_OK)
        *out = next;
    return e;
}

static err op_counts(void *ctx, struct store_counts *out)
{
    struct store_sqlite *s = ctx;
    struct store_counts c = { 0 };
    sqlite3_stmt *q = sql_prepare(
        s->db,
        "SELECT count(*) FILTER (WHERE state = 1), count(*) FILTER (WHERE state = 2),"
        " count(*) FILTER (WHERE state = 3), count(*) FILTER (WHERE state = 4),"
        " (SELECT count(*) FROM reservation), (SELECT count(*) FROM booking), (SELECT count(*) FROM audit)"
        " FROM binding",
        "");
    err e = sql_row(q);
    uint64_t *const to[] = {
        &c.intent, &c.bound, &c.unbinding, &c.revoked, &c.reserved, &c.bookings, &c.audit
    };
    for (int i = 0; e == ERR_OK && i < 7; i++)
        *to[i] = (uint64_t)sqlite3_column_int64(q, i);
    sql_done(q);
    if (e == ERR_OK)
        *out = c;
    return e;
}

static void op_close(void *ctx)
{
    struct store_sqlite *s = ctx;
    if (!s)
        return;
    sql_close(s->db);
    free(s);
}

static const struct store_ops ops = { .run = op_run,
                                      .batch_begin = op_batch_begin,
                                      .batch_end = op_batch_end,
                                      .list = op_list,
                                      .r1_reserve = op_r1_reserve,
                                      .counts = op_counts,
                                      .order = store_order,
                                      .picked = store_picked,
                                      .holds = store_holds,
                                      .subscribers = store_subscribers,
                                      .events = store_events,
                                      .close = op_close };

err store_sqlite_open(const char *path, uint64_t (*wall_s)(void), struct store *out, char why[SQL_WHY_MAX])
{
    struct store_sqlite *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_MEMORY;
    err e = sql_open(path, &schema, true, &s->db, why);
    if (e != ERR_OK) {
        free(s);
        return e;
    }
    s->wall_s = wall_s;
    *out = (struct store){ .ops = &ops, .ctx = s };
    return ERR_OK;
}
