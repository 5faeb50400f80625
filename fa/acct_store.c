/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/acct_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHARGE_DAYS 800 /* a host that did not come for so long: its binding is over */
#define SWEEP_MAX   64

static const char *const steps[] = {
    "CREATE TABLE life(origin INTEGER NOT NULL, life INTEGER NOT NULL);"
    "CREATE TABLE charge(hit BLOB PRIMARY KEY CHECK(length(hit) = 16), user BLOB NOT NULL, cui BLOB NOT NULL,"
    " class BLOB NOT NULL, used_s INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE session(hit BLOB PRIMARY KEY CHECK(length(hit) = 16), sid TEXT NOT NULL, binding INTEGER "
    "NOT "
    "NULL,"
    " subscriber TEXT NOT NULL, name TEXT NOT NULL, peer TEXT NOT NULL, at_s INTEGER NOT NULL, seconds "
    "INTEGER "
    "NOT NULL,"
    " packets_out INTEGER NOT NULL, octets_out INTEGER NOT NULL, packets_in INTEGER NOT NULL, octets_in "
    "INTEGER "
    "NOT NULL,"
    " heard_s INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE queue(id INTEGER PRIMARY KEY AUTOINCREMENT," /* an id never comes back */
    " sid TEXT NOT NULL, status INTEGER NOT NULL, at_s INTEGER NOT NULL, attrs BLOB NOT NULL);"
    "CREATE INDEX queue_sid ON queue(sid);"
    "CREATE INDEX queue_interim ON queue(id) WHERE status = 3;",
};

static const struct sql_schema schema = { .application_id = 0x68696661 /* hifa */, .step = steps, .n = 1 };

/* What a transaction that fails takes back. */
struct counts {
    uint64_t queued, sessions, lost, dropped;
};

struct acct_store {
    struct acct_store_conf c;
    sqlite3 *db;
    uint32_t origin, life, next;
    struct counts n;
    uint64_t sweep_s;
};

static uint64_t boot_s(const struct acct_store *s)
{
    return s->c.boot_us() / 1000000;
}

static err get_count(struct acct_store *s, const char *text, uint64_t *out)
{
    sqlite3_stmt *q = sql_prepare(s->db, text, "");
    err e = sql_row(q);
    if (e == ERR_OK)
        *out = (uint64_t)sqlite3_column_int64(q, 0);
    sql_done(q);
    return e;
}

/* ---- the queue ---- */

/* A place for this record; ERR_FULL: there is none. */
static err make_room(struct acct_store *s, const struct acct_record *r)
{
    int gone = 0;
    err e = ERR_OK;
    if (r->status == RADIUS_ACCT_INTERIM) { /* what it includes need not be told */
        e = sql_run(sql_prepare(s->db, "DELETE FROM queue WHERE sid = ? AND status = 3", "s", r->sid), &gone);
        s->n.queued -= e == ERR_OK ? (uint64_t)gone : 0;
    }
    if (e != ERR_OK || s->n.queued < s->c.queue_max)
        return e;
    if (r->status == RADIUS_ACCT_INTERIM) {
        s->n.dropped++;
        return ERR_FULL;
    }
    e = sql_run(
        sql_prepare(
            s->db, "DELETE FROM queue WHERE id = (SELECT id FROM queue WHERE status = 3 ORDER BY id LIMIT 1)",
            ""),
        &gone);
    if (e != ERR_OK)
        return e;
    if (gone) {
        s->n.queued--;
        s->n.dropped++;
        return ERR_OK;
    }
    s->n.lost++;
    return ERR_FULL;
}

static err enqueue(struct acct_store *s, const struct acct_record *r)
{
    uint8_t attrs[ACCT_ATTRS_MAX];
    size_t n = 0;
    err e = acct_record_write(r, attrs, &n);
    if (e == ERR_OK)
        e = make_room(s, r);
    if (e == ERR_FULL)
        return ERR_OK; /* counted */
    if (e == ERR_OK)
        e = sql_run(sql_prepare(s->db, "INSERT INTO queue(sid, status, at_s, attrs) VALUES (?, ?, ?, ?)",
                                "siib", r->sid, (int64_t)r->status, (int64_t)r->at_s, span_of(attrs, n)),
                    NULL);
    s->n.queued += e == ERR_OK;
    return e;
}

static void new_sid(struct acct_store *s, char sid[ACCT_SID_MAX])
{
    snprintf(sid, ACCT_SID_MAX, "%08x-%08x-%08x", s->origin, s->life, s->next++);
}

static err enqueue_daemon(struct acct_store *s, enum radius_acct_status status, uint64_t at_s)
{
    struct acct_record r = { .status = status, .nas_id = s->c.nas_id, .at_s = at_s };
    new_sid(s, r.sid);
    return enqueue(s, &r);
}

/* ---- whom sessions are charged to ---- */

static err put_charge(struct acct_store *s, const uint8_t hit[16], const struct fa_charge *c, uint64_t at_s)
{
    return sql_run(
        sql_prepare(s->db,
                    "INSERT OR REPLACE INTO charge(hit, user, cui, class, used_s) VALUES (?, ?, ?, ?, ?)",
                    "bbbbi", span_of(hit, 16), span_of(c->user, c->user_len), span_of(c->cui, c->cui_len),
                    span_of(c->class_v, c->class_len), (int64_t)at_s),
        NULL);
}

/* ERR_NOT_FOUND: the AS named nobody. */
static err get_charge(struct acct_store *s, const uint8_t hit[16], struct fa_charge *c)
{
    sqlite3_stmt *q =
        sql_prepare(s->db, "SELECT user, cui, class FROM charge WHERE hit = ?", "b", span_of(hit, 16));
    err e = sql_row(q);
    if (e == ERR_OK) {
        c->user_len = (uint8_t)sql_blob(q, 0, c->user, sizeof c->user);
        c->cui_len = (uint8_t)sql_blob(q, 1, c->cui, sizeof c->cui);
        c->class_len = (uint16_t)sql_blob(q, 2, c->class_v, sizeof c->class_v);
    }
    sql_done(q);
    return e;
}

/* ---- sessions ---- */

static err record(struct acct_store *s, enum radius_acct_status status, const char *sid, uint64_t at_s,
                  const struct fa_session *v)
{
    struct fa_charge c = { 0 };
    struct acct_record r = { .status = status, .nas_id = s->c.nas_id, .at_s = at_s, .session = v };
    err e = v->binding ? get_charge(s, v->hit, &c) : ERR_NOT_FOUND;
    if (e != ERR_OK && e != ERR_NOT_FOUND)
        return e;
    r.charge = e == ERR_OK ? &c : NULL;
    snprintf(r.sid, sizeof r.sid, "%s", sid);
    return enqueue(s, &r);
}

static err find_sid(struct acct_store *s, const uint8_t hit[16], char sid[ACCT_SID_MAX])
{
    sqlite3_stmt *q = sql_prepare(s->db, "SELECT sid FROM session WHERE hit = ?", "b", span_of(hit, 16));
    err e = sql_row(q);
    if (e == ERR_OK)
        sql_text(q, 0, sid, ACCT_SID_MAX);
    sql_done(q);
    return e;
}

static err put_session(struct acct_store *s, const char *sid, uint64_t at_s, const struct fa_session *v)
{
    char peer[ADDR_TEXT_MAX];
    const struct fa_usage *u = &v->usage;
    return sql_run(
        sql_prepare(
            s->db,
            "INSERT OR REPLACE INTO session(hit, sid, binding, subscriber, name, peer, at_s, seconds, "
            "packets_out,"
            " octets_out, packets_in, octets_in, heard_s) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            "bsisssiiiiiii", span_of(v->hit, 16), sid, (int64_t)v->binding, v->subscriber, v->name,
            addr_format(&v->peer, peer), (int64_t)at_s, (int64_t)v->seconds, (int64_t)u->packets_out,
            (int64_t)u->octets_out, (int64_t)u->packets_in, (int64_t)u->octets_in, (int64_t)boot_s(s)),
        NULL);
}

static err del_session(struct acct_store *s, const uint8_t hit[16])
{
    err e = sql_run(sql_prepare(s->db, "DELETE FROM session WHERE hit = ?", "b", span_of(hit, 16)), NULL);
    s->n.sessions -= e == ERR_OK;
    return e;
}

#define SESSION \
    "SELECT hit, sid, binding, subscriber, name, peer, at_s, seconds, packets_out, octets_out, packets_in, " \
    "octets_in FROM session "

/* The first session that q finds. ERR_NOT_FOUND: none. */
static err read_session(sqlite3_stmt *q, char sid[ACCT_SID_MAX], uint64_t *at_s, struct fa_session *v)
{
    char peer[ADDR_TEXT_MAX];
    err e = sql_row(q);
    if (e == ERR_OK) {
        memset(v, 0, sizeof *v);
        (void)sql_blob(q, 0, v->hit, sizeof v->hit);
        sql_text(q, 1, sid, ACCT_SID_MAX);
        v->binding = (uint64_t)sqlite3_column_int64(q, 2);
        sql_text(q, 3, v->subscriber, sizeof v->subscriber);
        sql_text(q, 4, v->name, sizeof v->name);
        sql_text(q, 5, peer, sizeof peer);
        if (addr_parse(peer, &v->peer) != ERR_OK)
            v->peer = (struct addr){ 0 };
        *at_s = (uint64_t)sqlite3_column_int64(q, 6);
        v->seconds = (uint32_t)sqlite3_column_int64(q, 7);
        v->usage.packets_out = (uint64_t)sqlite3_column_int64(q, 8);
        v->usage.octets_out = (uint64_t)sqlite3_column_int64(q, 9);
        v->usage.packets_in = (uint64_t)sqlite3_column_int64(q, 10);
        v->usage.octets_in = (uint64_t)sqlite3_column_int64(q, 11);
    }
    sql_done(q);
    return e;
}

/* With what was last written of it. */
static err end_session(struct acct_store *s, struct fa_session *v, const char *sid, uint64_t at_s,
                       enum fa_ended why)
{
    v->what = FA_SESSION_ENDED;
    v->end = why;
    err e = record(s, RADIUS_ACCT_STOP, sid, at_s, v);
    return e == ERR_OK ? del_session(s, v->hit) : e;
}

static err begin_session(struct acct_store *s, uint64_t at_s, const struct fa_session *v,
                         char sid[ACCT_SID_MAX])
{
    new_sid(s, sid);
    err e = put_session(s, sid, at_s, v);
    s->n.sessions += e == ERR_OK;
    return e == ERR_OK ? record(s, RADIUS_ACCT_START, sid, at_s, v) : e;
}

/* The HIT has a session still, of whose end nothing was heard. */
static err end_stale(struct acct_store *s, const uint8_t hit[16])
{
    struct fa_session v;
    char sid[ACCT_SID_MAX];
    uint64_t at_s;
    err e = read_session(sql_prepare(s->db, SESSION "WHERE hit = ?", "b", span_of(hit, 16)), sid, &at_s, &v);
    return e == ERR_NOT_FOUND ? ERR_OK : e == ERR_OK ? end_session(s, &v, sid, at_s, FA_ENDED_LOST) : e;
}

static err take_session(struct acct_store *s, const struct acct_event *ev)
{
    const struct fa_session *v = &ev->session;
    char sid[ACCT_SID_MAX];
    err e;
    if (v->what == FA_SESSION_BEGAN) {
        e = end_stale(s, v->hit);
        return e == ERR_OK ? begin_session(s, ev->at_s, v, sid) : e;
    }
    e = find_sid(s, v->hit, sid);
    if (e == ERR_NOT_FOUND) /* its beginning was lost on the way to us */
        e = begin_session(s, ev->at_s - (v->seconds < ev->at_s ? v->seconds : 0), v, sid);
    if (e != ERR_OK)
        return e;
    if (v->what == FA_SESSION_ENDED) {
        e = record(s, RADIUS_ACCT_STOP, sid, ev->at_s, v);
        return e == ERR_OK ? del_session(s, v->hit) : e;
    }
    e = put_session(s, sid, ev->at_s, v);
    return e == ERR_OK ? record(s, RADIUS_ACCT_INTERIM, sid, ev->at_s, v) : e;
}

/* Sessions that nothing was heard of for three intervals: their worker forgot them. */
static err sweep(struct acct_store *s)
{
    uint64_t now = boot_s(s), silence = 3 * (uint64_t)s->c.interim_s;
    err e = ERR_OK;
    if (now < s->sweep_s)
        return ERR_OK;
    s->sweep_s = now + s->c.interim_s;
    for (int i = 0; e == ERR_OK && now > silence && i < SWEEP_MAX; i++) {
        struct fa_session v;
        char sid[ACCT_SID_MAX];
        uint64_t at_s;
        e = read_session(
            sql_prepare(s->db, SESSION "WHERE heard_s < ? LIMIT 1", "i", (int64_t)(now - silence)), sid,
            &at_s, &v);
        if (e == ERR_OK)
            e = end_session(s, &v, sid, at_s, FA_ENDED_LOST);
    }
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* ---- a turn ---- */

static err take_event(struct acct_store *s, const struct acct_event *ev)
{
    switch (ev->type) {
    case ACCT_SESSION:
        return take_session(s, ev);
    case ACCT_CHARGE:
        return put_charge(s, ev->charge.hit, &ev->charge.who, ev->at_s);
    case ACCT_OFF:
        return enqueue_daemon(s, RADIUS_ACCT_OFF, ev->at_s);
    }
    return ERR_UNSUPPORTED;
}

static err forget(struct acct_store *s, uint64_t id)
{
    int gone = 0; /* an Interim-Update may have been replaced while it was on its way */
    err e = sql_run(sql_prepare(s->db, "DELETE FROM queue WHERE id = ?", "i", (int64_t)id), &gone);
    s->n.queued -= e == ERR_OK ? (uint64_t)gone : 0;
    return e;
}

static err write_all(struct acct_store *s, const struct acct_turn *t)
{
    const struct counts was = s->n;
    const uint64_t sweep_was = s->sweep_s;
    bool due = boot_s(s) >= s->sweep_s;
    if (!t->events && !t->n_acked && !due)
        return ERR_OK;
    err e = sql_begin(s->db);
    if (e != ERR_OK)
        return e;
    for (size_t i = 0; e == ERR_OK && i < t->n_acked; i++)
        e = forget(s, t->acked[i]);
    for (const struct acct_event *ev = t->events; e == ERR_OK && ev; ev = ev->next)
        e = take_event(s, ev);
    if (e == ERR_OK)
        e = sweep(s);
    e = sql_end(s->db, e);
    if (e != ERR_OK) {
        s->n = was;
        s->sweep_s = sweep_was;
    }
    return e;
}

static err read_rows(struct acct_store *s, struct acct_turn *t)
{
    sqlite3_stmt *q =
        sql_prepare(s->db, "SELECT id, sid, status, at_s, attrs FROM queue WHERE id > ? ORDER BY id LIMIT ?",
                    "ii", (int64_t)t->after, (int64_t)t->cap);
    err e = ERR_OK;
    while (t->n < t->cap && (e = sql_row(q)) == ERR_OK) {
        struct acct_row *r = &t->rows[t->n++];
        r->id = (uint64_t)sqlite3_column_int64(q, 0);
        sql_text(q, 1, r->sid, sizeof r->sid);
        r->status = (uint8_t)sqlite3_column_int(q, 2);
        r->at_s = (uint64_t)sqlite3_column_int64(q, 3);
        r->len = (uint16_t)sql_blob(q, 4, r->attrs, sizeof r->attrs);
    }
    sql_done(q);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

err acct_store_turn(struct acct_store *s, struct acct_turn *t)
{
    t->n = 0;
    err e = write_all(s, t);
    if (e == ERR_OK && t->cap)
        e = read_rows(s, t);
    if (e == ERR_OK) {
        t->oldest_s = 0;
        e = get_count(s, "SELECT at_s FROM queue ORDER BY id LIMIT 1", &t->oldest_s);
        e = e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    t->queued = s->n.queued;
    t->sessions = s->n.sessions;
    t->lost = s->n.lost;
    t->dropped = s->n.dropped;
    return e;
}

/* ---- opening ---- */

static err next_life(struct acct_store *s)
{
    sqlite3_stmt *q = sql_prepare(s->db, "SELECT origin, life FROM life", "");
    err e = sql_row(q);
    if (e == ERR_OK) {
        s->origin = (uint32_t)sqlite3_column_int64(q, 0);
        s->life = (uint32_t)sqlite3_column_int64(q, 1) + 1;
    }
    sql_done(q);
    if (e == ERR_OK)
        return sql_run(sql_prepare(s->db, "UPDATE life SET life = ?", "i", (int64_t)s->life), NULL);
    if (e != ERR_NOT_FOUND)
        return e;
    s->origin = s->c.origin;
    s->life = 1;
    return sql_run(
        sql_prepare(s->db, "INSERT INTO life(origin, life) VALUES (?, 1)", "i", (int64_t)s->origin), NULL);
}

static err end_last_life(struct acct_store *s)
{
    err e = ERR_OK;
    while (e == ERR_OK) {
        struct fa_session v;
        char sid[ACCT_SID_MAX];
        uint64_t at_s;
        e = read_session(sql_prepare(s->db, SESSION "LIMIT 1", ""), sid, &at_s, &v);
        if (e == ERR_OK)
            e = end_session(s, &v, sid, at_s, FA_ENDED_CRASHED);
    }
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static err begin(struct acct_store *s)
{
    uint64_t now = s->c.wall_s();
    err e = sql_begin(s->db);
    if (e != ERR_OK)
        return e;
    e = get_count(s, "SELECT count(*) FROM queue", &s->n.queued);
    if (e == ERR_OK)
        e = get_count(s, "SELECT count(*) FROM session", &s->n.sessions);
    if (e == ERR_OK)
        e = next_life(s);
    if (e == ERR_OK)
        e = end_last_life(s);
    if (e == ERR_OK && now > CHARGE_DAYS * UINT64_C(86400))
        e = sql_run(sql_prepare(s->db, "DELETE FROM charge WHERE used_s < ?", "i",
                                (int64_t)(now - CHARGE_DAYS * UINT64_C(86400))),
                    NULL);
    if (e == ERR_OK)
        e = enqueue_daemon(s, RADIUS_ACCT_ON, now);
    s->sweep_s = boot_s(s) + s->c.interim_s;
    return sql_end(s->db, e);
}

err acct_store_open(const struct acct_store_conf *c, struct acct_store **out, char why[SQL_WHY_MAX])
{
    struct acct_store *s = calloc(1, sizeof *s);
    why[0] = 0;
    if (!s)
        return ERR_MEMORY;
    s->c = *c;
    err e = sql_open(c->path, &schema, true, &s->db, why);
    if (e == ERR_OK && (e = begin(s)) != ERR_OK)
        snprintf(why, SQL_WHY_MAX, "%s: %s", c->path, err_text(e));
    if (e != ERR_OK) {
        acct_store_close(s);
        return e;
    }
    *out = s;
    return ERR_OK;
}

void acct_store_close(struct acct_store *s)
{
    if (!s)
        return;
    sql_close(s->db);
    free(s);
}
