/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operator orders of the binding store, and looks at in it (docs/sim-binding.md section 7).
 */
#include <stdio.h>
#include <string.h>

#include "fa/store_priv.h"

/* ---- orders ---- */

/* The rows that are meant, as a condition on table binding with one argument. */
struct picked {
    const char *where, *fmt;
    const char *text;
    struct span hit;
};

static bool pick_of(const struct store_pick *p, struct picked *out)
{
    if ((p->name != NULL) + (p->subscriber != NULL) + (p->hit != NULL) != 1)
        return false;
    *out = p->hit    ? (struct picked){ "hit = ?1", "b", NULL, span_of(p->hit, 16) }
           : p->name ? (struct picked){ "name = ?1", "s", p->name, { 0 } }
                     : (struct picked){ "subscriber = ?1", "s", p->subscriber, { 0 } };
    return !out->text || out->text[0];
}

/* after: the second argument; -1: there is none. */
static sqlite3_stmt *prepare_after(struct store_sqlite *s, const struct picked *p, const char *head,
                                   const char *tail, int64_t after)
{
    char text[1024];
    bool two = after >= 0;
    int n = snprintf(text, sizeof text, "%s %s AND state <> 4 %s", head, p->where, tail);
    if (n < 0 || (size_t)n >= sizeof text)
        return NULL;
    return p->text ? sql_prepare(s->db, text, two ? "si" : "s", p->text, after)
                   : sql_prepare(s->db, text, two ? "bi" : "b", p->hit, after);
}

static sqlite3_stmt *prepare(struct store_sqlite *s, const struct picked *p, const char *head,
                             const char *tail)
{
    return prepare_after(s, p, head, tail, -1);
}

err store_picked(void *ctx, const struct store_pick *pick, uint64_t after, struct store_answer *out)
{
    struct store_sqlite *s = ctx;
    struct picked p;
    if (!pick_of(pick, &p))
        return ERR_RANGE;
    return store_read_rows(s,
                           prepare_after(s, &p, "SELECT " STORE_COLUMNS " FROM binding WHERE",
                                         "AND id > ?2 ORDER BY id LIMIT 9", (int64_t)after),
                           out);
}

/* Whose rows they are: one subscriber's. ERR_NOT_FOUND: there are none; but a subscriber may be suspended before anything of it is bound. */
static err subscriber_of(struct store_sqlite *s, const struct picked *p, const struct store_pick *pick,
                         char out[FA_ID_MAX])
{
    sqlite3_stmt *q = prepare(s, p, "SELECT subscriber FROM binding WHERE", "LIMIT 1");
    err e = sql_row(q);
    if (e == ERR_OK)
        sql_text(q, 0, out, FA_ID_MAX);
    sql_done(q);
    if (e == ERR_NOT_FOUND && pick->subscriber && strlen(pick->subscriber) < FA_ID_MAX) {
        memcpy(out, pick->subscriber, strlen(pick->subscriber) + 1);
        e = ERR_OK;
    }
    return e;
}

static err suspend(struct store_sqlite *s, const char *subscriber, bool yes)
{
    return sql_run(sql_prepare(s->db,
                               "INSERT INTO epoch(subscriber, epoch, suspended) VALUES (?1, 1, ?2)"
                               " ON CONFLICT(subscriber) DO UPDATE SET epoch = epoch + 1, suspended = ?2",
                               "si", subscriber, (int64_t)yes),
                   NULL);
}

/* At least one row is changed, and the epoch with it. */
static err change(struct store_sqlite *s, const char *subscriber, sqlite3_stmt *q)
{
    int changes = 0;
    err e = sql_run(q, &changes);
    if (e == ERR_OK && changes == 0)
        e = ERR_NOT_FOUND;
    return e == ERR_OK ? store_epoch_raise(s, subscriber) : e;
}

static err carry_out(struct store_sqlite *s, enum store_order what, const struct picked *p,
                     const char *subscriber)
{
    switch (what) {
    case STORE_SUSPEND:
    case STORE_RESUME:
        return suspend(s, subscriber, what == STORE_SUSPEND);
    case STORE_REKEY:
        return change(s, subscriber, prepare(s, p, "UPDATE binding SET rekey = 1 WHERE", ""));
    case STORE_HOLD_ALLOW:
        return change(
            s, subscriber,
            prepare(s, p, "UPDATE hold SET says = 1 WHERE old IN (SELECT id FROM binding WHERE", ")"));
    case STORE_HOLD_REFUSE:
        return change(
            s, subscriber,
            prepare(s, p, "UPDATE hold SET says = 2 WHERE old IN (SELECT id FROM binding WHERE", ")"));
    }
    return ERR_UNSUPPORTED;
}

_Static_assert(FA_HOLD_ALLOWED == 1 && FA_HOLD_REFUSED == 2, "as the statements above have them");

err store_order(void *ctx, enum store_order what, const struct store_pick *pick)
{
    static const char *const said[] = {
        [STORE_SUSPEND] = "suspended by the operator",
        [STORE_RESUME] = "resumed by the operator",
        [STORE_REKEY] = "a new run demanded by the operator",
        [STORE_HOLD_ALLOW] = "takeover allowed by the operator",
        [STORE_HOLD_REFUSE] = "takeover refused by the operator",
    };
    struct store_sqlite *s = ctx;
    struct picked p;
    char subscriber[FA_ID_MAX] = "";
    if (!pick_of(pick, &p))
        return ERR_RANGE;
    err e = store_begin(s);
    if (e != ERR_OK)
        return e;
    e = subscriber_of(s, &p, pick, subscriber);
    if (e == ERR_OK)
        e = carry_out(s, what, &p, subscriber);
    if (e == ERR_OK)
        e = store_audit(s, false, said[what], subscriber, p.hit, pick->name ? pick->name : "");
    return store_end(s, e);
}

/* ---- views ---- */

static uint32_t ago(int64_t now, int64_t then)
{
    return then >= now ? 0 : now - then > UINT32_MAX ? UINT32_MAX : (uint32_t)(now - then);
}

/* Row after row by `take`, until v is full; done with q then. */
static err page(sqlite3_stmt *q, void (*take)(sqlite3_stmt *q, int64_t now, void *v, size_t i), int64_t now,
                void *v, size_t cap, size_t *n)
{
    err e = ERR_NOT_FOUND;
    for (*n = 0; *n < cap && (e = sql_row(q)) == ERR_OK; (*n)++)
        take(q, now, v, *n);
    sql_done(q);
    return e == ERR_NOT_FOUND || *n == cap ? ERR_OK : e;
}

static void take_hold(sqlite3_stmt *q, int64_t now, void *v, size_t i)
{
    struct store_hold *h = (struct store_hold *)v + i;
    *h = (struct store_hold){ .id = (uint64_t)sqlite3_column_int64(q, 0) };
    sql_text(q, 1, h->subscriber, sizeof h->subscriber);
    sql_text(q, 2, h->name, sizeof h->name);
    (void)sql_blob(q, 3, h->old_hit, sizeof h->old_hit);
    (void)sql_blob(q, 4, h->hit, sizeof h->hit);
    h->says = (enum fa_hold_says)sqlite3_column_int(q, 5);
    h->asked_s = ago(now, sqlite3_column_int64(q, 6));
    h->unseen_s = ago(now, sqlite3_column_int64(q, 7));
}

err store_holds(void *ctx, size_t after, struct store_hold *v, size_t cap, size_t *n)
{
    struct store_sqlite *s = ctx;
    return page(sql_prepare(s->db,
                            "SELECT hold.id, hold.subscriber, name, binding.hit, hold.hit, says, asked_s,"
                            " max(seen_s, changed_s) FROM hold JOIN binding ON binding.id = hold.old"
                            " WHERE state <> 4 AND asked_s > ? ORDER BY hold.id LIMIT -1 OFFSET ?",
                            "ii", store_now(s) - STORE_ASKED_S, (int64_t)after),
                take_hold, store_now(s), v, cap, n);
}

static void take_subscriber(sqlite3_stmt *q, int64_t now, void *v, size_t i)
{
    struct store_subscriber *b = (struct store_subscriber *)v + i;
    (void)now;
    *b = (struct store_subscriber){ .epoch = (uint64_t)sqlite3_column_int64(q, 1),
                                    .suspended = sqlite3_column_int(q, 2) != 0,
                                    .bindings = (uint32_t)sqlite3_column_int64(q, 3),
                                    .revoked = (uint32_t)sqlite3_column_int64(q, 4),
                                    .reserved = (uint32_t)sqlite3_column_int64(q, 5) };
    sql_text(q, 0, b->id, sizeof b->id);
}

err store_subscribers(void *ctx, size_t after, struct store_subscriber *v, size_t cap, size_t *n)
{
    struct store_sqlite *s = ctx;
    return page(
        sql_prepare(s->db,
                    "SELECT a.subscriber, coalesce(max(epoch), 0), coalesce(max(suspended), 0),"
                    " (SELECT count(*) FROM binding b WHERE b.subscriber = a.subscriber AND state <> 4),"
                    " (SELECT count(*) FROM binding b WHERE b.subscriber = a.subscriber AND state = 4),"
                    " (SELECT count(*) FROM reservation r WHERE r.subscriber = a.subscriber)"
                    " FROM (SELECT subscriber FROM binding UNION SELECT subscriber FROM epoch) a"
                    " LEFT JOIN epoch USING(subscriber) GROUP BY a.subscriber ORDER BY a.subscriber"
                    " LIMIT -1 OFFSET ?",
                    "i", (int64_t)after),
        take_subscriber, 0, v, cap, n);
}

static void take_event(sqlite3_stmt *q, int64_t now, void *v, size_t i)
{
    struct store_event *x = (struct store_event *)v + i;
    (void)now;
    *x = (struct store_event){ .at_s = (uint64_t)sqlite3_column_int64(q, 0),
                               .alarm = sqlite3_column_int(q, 1) != 0 };
    sql_text(q, 2, x->what, sizeof x->what);
    sql_text(q, 3, x->subscriber, sizeof x->subscriber);
    (void)sql_blob(q, 4, x->hit, sizeof x->hit);
    sql_text(q, 5, x->name, sizeof x->name);
}

err store_events(void *ctx, size_t after, struct store_event *v, size_t cap, size_t *n)
{
    struct store_sqlite *s = ctx;
    return page(sql_prepare(s->db,
                            "SELECT at_s, 0, kind, subscriber, hit, name FROM booking"
                            " UNION ALL SELECT at_s, alarm, what, subscriber, hit, name FROM audit"
                            " ORDER BY 1 DESC, 3 LIMIT -1 OFFSET ?",
                            "i", (int64_t)after),
                take_event, 0, v, cap, n);
}
