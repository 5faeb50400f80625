/* SPDX-License-Identifier: Apache-2.0
 *
 * Transactions on a row that is there: settling what was left open, unbinding, revoking (docs/sim-binding.md section 7).
 *
 *   INTENT:     what does the zone say? ours -> bound; else update -> bound, or the name is somebody else's -> row dropped
 *   UNBINDING:  what does the zone say? ours -> delete under the exact prerequisite -> row dropped; not ours -> row dropped
 *   BOUND, INTENT that ended, or to be unbound or revoked: -> UNBINDING first
 */
#include <string.h>

#include "fa/core/core.h"

/* Nothing more can be done now; the row stays for a later sweep. */
static void leave(struct fa *f, struct fa_txn *t, bool begun)
{
    bool settle = t->kind == TXN_SETTLE;
    if (t->kind == TXN_UNBIND)
        fa_txn_answer(f, t, begun ? HIP_BIND_ST_BOUND : HIP_BIND_ST_UNAVAILABLE, 0, "");
    fa_txn_end(f, t);
    if (settle)
        fa_intent_settled(f, false);
    else if (begun)
        fa_intent_soon(f);
}

static void done(struct fa *f, struct fa_txn *t)
{
    bool settle = t->kind == TXN_SETTLE;
    if (t->kind == TXN_UNBIND)
        fa_txn_answer(f, t, HIP_BIND_ST_BOUND, 0, "");
    fa_txn_end(f, t);
    if (settle)
        fa_intent_settled(f, true);
}

static struct fa_job *job(struct fa *f, struct fa_txn *t, enum fa_txn_step step, enum fa_job_type type)
{
    struct fa_job *j = fa_txn_job(f, t, step, type);
    if (!j)
        fa_txn_row_lost(f, t);
    return j;
}

static void ask_zone(struct fa *f, struct fa_txn *t, enum fa_txn_step step)
{
    struct fa_job *j = job(f, t, step, FA_JOB_ZONE);
    if (j)
        fa_text(j->zone.name, sizeof j->zone.name, t->b.name);
}

static void update(struct fa *f, struct fa_txn *t, enum fa_txn_step step, struct span last, struct span want)
{
    struct fa_job *j = job(f, t, step, FA_JOB_DNS);
    if (!j)
        return;
    fa_text(j->dns.name, sizeof j->dns.name, t->b.name);
    j->dns.ttl_s = f->c.ttl_s;
    j->dns.last_len = (uint16_t)last.n;
    j->dns.want_len = (uint16_t)want.n;
    if (last.n)
        memcpy(j->dns.last, last.p, last.n);
    if (want.n)
        memcpy(j->dns.want, want.p, want.n);
}

static void drop(struct fa *f, struct fa_txn *t, bool reserve, enum fa_booking book)
{
    struct fa_job *j = job(f, t, STEP_DROP, FA_JOB_DROP);
    if (!j)
        return;
    j->drop.id = t->b.id;
    j->drop.revoked = t->kind == TXN_REVOKE;
    j->drop.reserve = reserve;
    j->drop.book = book;
}

static void write_bound(struct fa *f, struct fa_txn *t)
{
    struct fa_job *j = job(f, t, STEP_BOUND, FA_JOB_BOUND);
    if (!j)
        return;
    j->bound.id = t->b.id;
    j->bound.lifetime_s = t->b.lifetime_s;
    j->bound.book = FA_BOOK_BIND;
}

/* ---- finding the row ---- */

void fa_txn_row_locked(struct fa *f, struct fa_txn *t)
{
    struct fa_job *j = job(f, t, STEP_FIND, FA_JOB_FIND);
    if (!j)
        return;
    j->find.by = FA_FIND_ID;
    j->find.id = t->b.id;
}

static void begin_unbinding(struct fa *f, struct fa_txn *t)
{
    struct fa_job *j = job(f, t, STEP_UNBIND, FA_JOB_UNBIND);
    if (j)
        j->unbind.id = t->b.id;
}

/* Seen before the lock is had: which row. */
static void choose_row(struct fa *f, struct fa_txn *t, const struct fa_result *r)
{
    for (size_t i = 0; i < r->find.n; i++) {
        if (r->find.v[i].state == FA_BINDING_REVOKED)
            continue;
        t->b = r->find.v[i];
        fa_txn_lock(f, t);
        return;
    }
    if (t->kind == TXN_REVOKE)
        fa_emit_event(f, FA_EVENT_REFUSED, NULL, NULL, NULL, 0, "no such binding to revoke");
    done(f, t);
}

static void step_find(struct fa *f, struct fa_txn *t, const struct fa_result *r)
{
    if (r->err != ERR_OK) {
        leave(f, t, false);
        return;
    }
    if (!t->locked) {
        choose_row(f, t, r);
        return;
    }
    if (r->find.n == 0) {
        done(f, t);
        return;
    }
    t->b = r->find.v[0];
    bool ends = t->kind != TXN_SETTLE || t->b.left_s == 0;
    switch (t->b.state) {
    case FA_BINDING_INTENT:
        if (ends)
            begin_unbinding(f, t);
        else
            ask_zone(f, t, STEP_ZONE);
        break;
    case FA_BINDING_BOUND:
        if (ends)
            begin_unbinding(f, t);
        else
            done(f, t);
        break;
    case FA_BINDING_UNBINDING:
        ask_zone(f, t, STEP_LOOK);
        break;
    default:
        done(f, t);
        break;
    }
}

/* ---- an intent to its end ---- */

static bool holds(const struct fa_result *r, const uint8_t *rdata, uint16_t n)
{
    return n && r->zone.says == FA_ZONE_HIP && span_eq(r->zone.rdata, span_of(rdata, n));
}

static void step_zone(struct fa *f, struct fa_txn *t, const struct fa_result *r)
{
    if (r->err != ERR_OK)
        leave(f, t, false);
    else if (holds(r, t->b.rdata, t->b.rdata_len))
        write_bound(f, t);
    else
        update(f, t, STEP_DNS, span_of(t->b.last, t->b.last_len), span_of(t->b.rdata, t->b.rdata_len));
}

static void step_dns(struct fa *f, struct fa_txn *t, const struct fa_result *r)
{
    switch (r->err) {
    case ERR_OK:
        write_bound(f, t);
        break;
    case ERR_EXISTS:
    case ERR_STATE:
        fa_alarm(f, NULL, t->b.subscriber, "a reserved name is in the DNS with other data");
        fa_notice(f, HIP_BIND_ST_REVOKED, &t->b, "name is in use");
        drop(f, t, t->b.last_len != 0, FA_BOOK_NONE);
        break;
    default:
        leave(f, t, false);
        break;
    }
}

static void step_bound(struct fa *f, struct fa_txn *t, const struct fa_result *r)
{
    struct hit hit;
    memcpy(hit.b, t->b.hit, sizeof hit.b);
    if (r->err != ERR_OK) {
        leave(f, t, false);
        return;
    }
    f->st.bound++;
    t->b.state = FA_BINDING_BOUND;
    fa_emit_event(f, FA_EVENT_RECONCILED, &hit, t->b.subscriber, t->b.name, HIP_BIND_ST_BOUND, "finished");
    fa_notice(f, HIP_BIND_ST_BOUND, &t->b, "");
    done(f, t);
}

/* ---- taking out ---- */

static void cancelled(struct fa *f, struct fa_guest *g)
{
    struct hip_contents c = { 0 };
    fa_contents_cancel(f, &c);
    if (!g->r2_owed && fa_guest_send(f, g, &c) != ERR_OK)
        f->st.failed++;
}

static void step_unbind(struct fa *f, struct fa_txn *t, const struct fa_result *r)
{
    struct hit hit;
    memcpy(hit.b, t->b.hit, sizeof hit.b);
    if (r->err != ERR_OK) {
        leave(f, t, false);
        return;
    }
    struct fa_guest *g = t->kind != TXN_UNBIND ? fa_guest_by_peer(f, &hit) : NULL;
    if (g) { /* registrations end before the records go (section 7) */
        bool was = g->registered;
        g->bound = false;
        g->revoked = t->kind == TXN_REVOKE;
        fa_registry_drop(f, g, t->kind == TXN_REVOKE ? FA_ENDED_ORDERED : FA_ENDED_EXPIRED);
        if (was &&
            t->kind == TXN_SETTLE) /* nobody else tells it (RFC 8003 s5); a revoked one gets the notice */
            cancelled(f, g);
    }
    ask_zone(f, t, STEP_LOOK);
}

static enum fa_booking booking(const struct fa_txn *t)
{
    if (t->b.last_len == 0) /* it was never in the DNS as far as we know */
        return FA_BOOK_NONE;
    return t->kind == TXN_REVOKE ? FA_BOOK_REVOKE : FA_BOOK_UNBIND;
}

static void step_look(struct fa *f, struct fa_txn *t, const struct fa_result *r)
{
    struct span none = { 0 };
    if (r->err != ERR_OK)
        leave(f, t, true);
    else if (holds(r, t->b.rdata, t->b.rdata_len))
        update(f, t, STEP_REMOVE, span_of(t->b.rdata, t->b.rdata_len), none);
    else if (holds(r, t->b.last, t->b.last_len))
        update(f, t, STEP_REMOVE, span_of(t->b.last, t->b.last_len), none);
    else
        drop(f, t, t->b.last_len != 0, booking(t));
}

static void step_remove(struct fa *f, struct fa_txn *t, const struct fa_result *r)
{
    if (r->err == ERR_OK || r->err == ERR_STATE || r->err == ERR_EXISTS)
        drop(f, t, t->b.last_len != 0, booking(t));
    else
        leave(f, t, true);
}

static void step_drop(struct fa *f, struct fa_txn *t, const struct fa_result *r)
{
    struct hit hit;
    memcpy(hit.b, t->b.hit, sizeof hit.b);
    if (r->err != ERR_OK) {
        leave(f, t, true);
        return;
    }
    fa_emit_event(f, FA_EVENT_UNBOUND, &hit, t->b.subscriber, t->b.name, 0,
                  t->kind == TXN_SETTLE   ? "settled"
                  : t->kind == TXN_REVOKE ? "revoked"
                                          : "asked by the host");
    if (t->kind == TXN_REVOKE) {
        t->b.state = FA_BINDING_REVOKED;
        fa_notice(f, HIP_BIND_ST_REVOKED, &t->b, "revoked by the operator");
    }
    done(f, t);
}

void fa_txn_row_step(struct fa *f, struct fa_txn *t, const struct fa_result *r)
{
    switch (t->step) {
    case STEP_FIND:
        step_find(f, t, r);
        break;
    case STEP_ZONE:
        step_zone(f, t, r);
        break;
    case STEP_DNS:
        step_dns(f, t, r);
        break;
    case STEP_BOUND:
        step_bound(f, t, r);
        break;
    case STEP_UNBIND:
        step_unbind(f, t, r);
        break;
    case STEP_LOOK:
        step_look(f, t, r);
        break;
    case STEP_REMOVE:
        step_remove(f, t, r);
        break;
    case STEP_DROP:
        step_drop(f, t, r);
        break;
    default:
        break;
    }
}

void fa_txn_row_lost(struct fa *f, struct fa_txn *t)
{
    leave(f, t, t->step == STEP_LOOK || t->step == STEP_REMOVE || t->step == STEP_DROP);
}
