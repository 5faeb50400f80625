/* SPDX-License-Identifier: Apache-2.0
 *
 * A BIND_REQUEST's transaction (docs/sim-binding.md sections 5 and 6), one job after the other:
 *
 *   who is it -> lock -> rows and epoch -> record -> rows with this HIT -> candidate names, for each:
 *       like somebody's? -> what does the zone say? -> intent (name reserved) -> DNS update -> bound
 *
 * What is free is decided by the DNS's answer to the prerequisite; the store's reservation comes first. When the DNS cannot be reached the row stays an
 * intent, the answer is "pending", and intent.c goes on.
 */
#include <stdio.h>
#include <string.h>

#include "fa/core/core.h"

void fa_txn_bind_finish(struct fa *f, struct fa_txn *t, uint8_t status, uint32_t wait_s, const char *reason)
{
    fa_txn_answer(f, t, status, wait_s, reason);
    fa_txn_end(f, t);
}

static void unavailable(struct fa *f, struct fa_txn *t, const char *reason)
{
    fa_txn_bind_finish(f, t, HIP_BIND_ST_UNAVAILABLE, FA_WAIT_SHORT, reason);
}

/* The row is written and stays; the sweep goes on with it. */
static void pending(struct fa *f, struct fa_txn *t, const char *reason)
{
    if (!t->answered)
        fa_txn_answer(f, t, HIP_BIND_ST_PENDING, 0, reason);
    fa_txn_end(f, t);
    fa_intent_soon(f);
}

/* Row `id` goes away, then the answer. An answer "pending" that was given already turns into a notice that the name is lost. */
static void undo(struct fa *f, struct fa_txn *t, uint64_t id, uint8_t status, uint32_t wait_s,
                 const char *reason)
{
    if (t->answered && t->out.status == HIP_BIND_ST_PENDING)
        fa_notice(f, HIP_BIND_ST_REVOKED, &t->b, reason);
    t->out = (struct fa_txn_out){ .status = status, .wait_s = wait_s };
    fa_text(t->out.reason, sizeof t->out.reason, reason);
    struct fa_job *j = fa_txn_job(f, t, STEP_DROP, FA_JOB_DROP);
    if (!j) {
        fa_txn_bind_lost(f, t);
        return;
    }
    j->drop.id = id;
    j->drop.reserve = t->b.last_len != 0;
}

/* ---- names ---- */

static void ask_zone(struct fa *f, struct fa_txn *t, enum fa_txn_step step)
{
    struct fa_job *j = fa_txn_job(f, t, step, FA_JOB_ZONE);
    if (!j) {
        fa_txn_bind_lost(f, t);
        return;
    }
    fa_text(j->zone.name, sizeof j->zone.name, t->b.name);
}

static void try_candidate(struct fa *f, struct fa_txn *t)
{
    if (t->cand >= t->n_cand) {
        uint64_t row = t->b.id ? t->b.id : t->replaces;
        if (row)
            undo(f, t, row, HIP_BIND_ST_NAME_REFUSED, 0, "no name that was asked for is free");
        else
            fa_txn_bind_finish(f, t, HIP_BIND_ST_NAME_REFUSED, 0, "no name that was asked for is free");
        return;
    }
    const struct fa_candidate *c = &t->candidate[t->cand];
    int len = snprintf(t->b.name, sizeof t->b.name, "%s.%s", c->label, f->naming.domain);
    if (len < 0 || (size_t)len >= sizeof t->b.name) {
        t->cand++;
        try_candidate(f, t);
        return;
    }
    fa_name_skeleton(c->label, t->b.skeleton);
    t->b.own_name = c->own;
    t->ours = false;
    if (c->own) {
        ask_zone(f, t, STEP_ZONE);
        return;
    }
    struct fa_job *j = fa_txn_job(f, t, STEP_CLAIM, FA_JOB_CLAIM);
    if (!j) {
        fa_txn_bind_lost(f, t);
        return;
    }
    fa_text(j->claim.skeleton, sizeof j->claim.skeleton, t->b.skeleton);
    fa_text(j->claim.subscriber, sizeof j->claim.subscriber, t->b.subscriber);
}

void fa_txn_bind_named(struct fa *f, struct fa_txn *t)
{
    t->n_cand = 1; /* no other one comes after it */
    ask_zone(f, t, STEP_ZONE);
}

static void next_candidate(struct fa *f, struct fa_txn *t)
{
    if (t->b.id) { /* the row of the name that failed is replaced in the same step that writes the next */
        t->replaces = t->b.id;
        t->b.id = 0;
        t->b.last_len = 0;
    }
    t->cand++;
    try_candidate(f, t);
}

static uint32_t granted_lifetime(const struct fa *f, const struct fa_txn *t)
{
    uint32_t most = f->c.binding_max_s;
    if (t->s.lifetime_max_s && t->s.lifetime_max_s < most)
        most = t->s.lifetime_max_s;
    uint32_t want = t->wanted_s ? t->wanted_s : f->c.binding_s;
    if (want < f->c.reg_min_s)
        want = f->c.reg_min_s;
    return want < most ? want : most;
}

/* ---- steps ---- */

void fa_txn_bind_start(struct fa *f, struct fa_txn *t, const struct fa_run *r)
{
    t->by_id = r->by_id;
    t->realm = r->realm;
    struct fa_job *j = fa_txn_job(f, t, STEP_WHO, FA_JOB_SUBSCRIBER);
    if (!j) {
        unavailable(f, t, "no room for a job");
        return;
    }
    if (r->by_id)
        fa_text(j->subscriber.id, sizeof j->subscriber.id, r->imsi);
    else
        fa_text(j->subscriber.imsi, sizeof j->subscriber.imsi, r->imsi);
}

/* True: the record says yes. Else the transaction has ended. */
static bool may_be_served(struct fa *f, struct fa_txn *t, const struct fa_result *r)
{
    if (r->err == ERR_OK && r->subscriber.s->active)
        return true;
    if (r->err == ERR_OK || r->err == ERR_NOT_FOUND)
        fa_txn_bind_finish(f, t, HIP_BIND_ST_NOT_SUBSCRIBED, FA_WAIT_DAY_S, "not subscribed");
    else
        unavailable(f, t, "subscriber data are not to be had");
    return false;
}

static void step_who(struct fa *f, struct fa_txn *t, const struct fa_result *r)
{
    if (!may_be_served(f, t, r))
        return;
    t->s = *r->subscriber.s;
    if (t->by_id && !fa_of_realm(&f->realms[t->realm],
                                 t->s.imsi)) { /* an AS speaks for its own realm's subscribers alone */
        fa_txn_bind_finish(f, t, HIP_BIND_ST_NOT_SUBSCRIBED, FA_WAIT_DAY_S,
                           "subscriber does not belong to the realm that was asked");
        return;
    }
    fa_text(t->b.subscriber, sizeof t->b.subscriber, t->s.id);
    fa_txn_lock(f, t);
}

static void ask_rows(struct fa *f, struct fa_txn *t, uint64_t after)
{
    struct fa_job *j = fa_txn_job(f, t, STEP_ROWS, FA_JOB_FIND);
    if (!j) {
        unavailable(f, t, "no room for a job");
        return;
    }
    j->find.by = FA_FIND_SUBSCRIBER;
    j->find.id = after;
    fa_text(j->find.text, sizeof j->find.text, t->b.subscriber);
}

void fa_txn_bind_locked(struct fa *f, struct fa_txn *t)
{
    ask_rows(f, t, 0);
}

static void step_rows(struct fa *f, struct fa_txn *t, const struct fa_result *r)
{
    if (r->err != ERR_OK) {
        unavailable(f, t, "bindings are not to be had");
        return;
    }
    if (r->find.suspended) {
        fa_txn_bind_finish(f, t, HIP_BIND_ST_NOT_SUBSCRIBED, FA_WAIT_DAY_S, "suspended by the operator");
        return;
    }
    if (!t->paged) /* if it rises between two pages, the intent fails */
        t->epoch = r->find.epoch;
    t->paged = true;
    for (size_t i = 0; i < r->find.n; i++) {
        if (memcmp(r->find.v[i].hit, t->b.hit, sizeof t->b.hit) != 0)
            t->others++;
        if (t->take)
            fa_takeover_offer(t, &r->find.v[i]);
    }
    if (r->find.more && r->find.n) {
        ask_rows(f, t, r->find.v[r->find.n - 1].id);
        return;
    }
    struct fa_job *j = fa_txn_job(f, t, STEP_RECORD, FA_JOB_SUBSCRIBER);
    if (!j) {
        unavailable(f, t, "no room for a job");
        return;
    }
    fa_text(j->subscriber.id, sizeof j->subscriber.id, t->b.subscriber);
}

static void step_record(struct fa *f, struct fa_txn *t, const struct fa_result *r)
{
    if (!may_be_served(f, t, r))
        return;
    t->s = *r->subscriber.s;
    struct fa_job *j = fa_txn_job(f, t, STEP_KEY, FA_JOB_FIND);
    if (!j) {
        unavailable(f, t, "no room for a job");
        return;
    }
    j->find.by = FA_FIND_HIT;
    memcpy(j->find.hit, t->b.hit, sizeof j->find.hit);
}

/* An earlier binding of this HI goes on: same name, its own row. */
static void continue_row(struct fa *f, struct fa_txn *t, const struct fa_binding *row)
{
    char label[FA_LABEL_MAX];
    t->had_row = true;
    t->b.id = row->id;
    t->b.last_len = row->last_len;
    memcpy(t->b.last, row->last, row->last_len);
    fa_text(t->b.name, sizeof t->b.name, row->name);
    fa_text(t->b.skeleton, sizeof t->b.skeleton, row->skeleton);
    t->b.own_name = row->own_name;
    if (row->state == FA_BINDING_BOUND && row->rdata_len == t->b.rdata_len &&
        memcmp(row->rdata, t->b.rdata, row->rdata_len) == 0) {
        struct fa_job *j = fa_txn_job(f, t, STEP_BOUND, FA_JOB_BOUND);
        t->refresh_only = true;
        if (!j) {
            unavailable(f, t, "no room for a job");
            return;
        }
        j->bound.id = row->id;
        j->bound.lifetime_s = t->b.lifetime_s;
        j->bound.book = FA_BOOK_REFRESH;
        return;
    }
    if (fa_name_label(&f->naming, row->name, label) != ERR_OK) {
        unavailable(f, t, "the name bound earlier is not of this domain");
        return;
    }
    fa_text(t->candidate[0].label, sizeof t->candidate[0].label, label);
    t->candidate[0].own = row->own_name;
    t->n_cand = 1;
    try_candidate(f, t);
}

static void choose_names(struct fa *f, struct fa_txn *t)
{
    enum fa_name_verdict why = FA_NAME_OK;
    t->n_cand = fa_name_candidates(&f->naming, &t->s, t->wanted, t->n_wanted, f->c.env, t->candidate, &why);
    if (t->n_cand == 0) {
        fa_txn_bind_finish(f, t, HIP_BIND_ST_NAME_REFUSED, 0, fa_name_verdict_text(why));
        return;
    }
    try_candidate(f, t);
}

static void step_key(struct fa *f, struct fa_txn *t, const struct fa_result *r)
{
    const struct fa_binding *mine = NULL;
    if (r->err != ERR_OK) {
        unavailable(f, t, "bindings are not to be had");
        return;
    }
    t->b.lifetime_s = granted_lifetime(f, t);
    for (size_t i = 0; i < r->find.n; i++) {
        const struct fa_binding *b = &r->find.v[i];
        bool same_key = b->hi_len == t->b.hi_len && memcmp(b->hi, t->b.hi, b->hi_len) == 0;
        if (b->moved && same_key && strcmp(b->subscriber, t->b.subscriber) == 0)
            continue; /* it may come back */
        if (b->state == FA_BINDING_REVOKED || !same_key || strcmp(b->subscriber, t->b.subscriber) != 0) {
            fa_txn_bind_finish(f, t, HIP_BIND_ST_HI_REFUSED, 0,
                               b->state == FA_BINDING_REVOKED ? "host identity was revoked"
                                                              : "host identity is bound to somebody else");
            return;
        }
        if (b->state == FA_BINDING_UNBINDING) {
            unavailable(f, t, "the earlier binding is being ended");
            fa_intent_soon(f);
            return;
        }
        mine = b;
    }
    if (mine)
        continue_row(f, t, mine);
    else if (t->refresh)
        fa_txn_bind_finish(f, t, HIP_BIND_ST_NAME_REFUSED, 0, "no binding to refresh");
    else if (fa_takeover_found(t))
        fa_takeover_begin(f, t);
    else if (t->others >= (t->s.devices_max ? t->s.devices_max : 1))
        fa_txn_bind_finish(f, t, HIP_BIND_ST_TOO_MANY, FA_WAIT_SHORT, "too many devices");
    else
        choose_names(f, t);
}

static void step_claim(struct fa *f, struct fa_txn *t, const struct fa_result *r)
{
    if (r->err == ERR_OK)
        ask_zone(f, t, STEP_ZONE);
    else if (r->err == ERR_EXISTS)
        next_candidate(f, t);
    else
        fa_txn_bind_lost(f, t);
}

static bool zone_has_ours(const struct fa_txn *t, const struct fa_result *r)
{
    return r->err == ERR_OK && r->zone.says == FA_ZONE_HIP &&
           span_eq(r->zone.rdata, span_of(t->b.rdata, t->b.rdata_len));
}

static void tell_collected(struct fa *f, struct fa_txn *t, const struct fa_result *r)
{
    static const char *const says[] = { "free", "a HIP record", "other data" };
    char text[FA_TEXT_MAX];
    const char *zone = r->err != ERR_OK ? "silent" : (size_t)r->zone.says < 3 ? says[r->zone.says] : "?";
    snprintf(text, sizeof text,
             "name %s, postal address %s, numbers %u, names held %u, service active, zone %s",
             t->s.given[0] || t->s.surname[0] ? "yes" : "no", t->s.postal[0] ? "yes" : "no", t->s.n_msisdn,
             t->others + (t->had_row ? 1u : 0u), zone);
    struct hit hit;
    memcpy(hit.b, t->b.hit, sizeof hit.b);
    fa_emit_event(f, FA_EVENT_COLLECTED, &hit, t->b.subscriber, t->b.name, 0, text);
}

static void write_intent(struct fa *f, struct fa_txn *t)
{
    struct fa_job *j = fa_txn_job(f, t, STEP_INTENT, FA_JOB_INTENT);
    if (!j) {
        fa_txn_bind_lost(f, t);
        return;
    }
    t->b.state = FA_BINDING_INTENT;
    j->intent.epoch = t->epoch;
    j->intent.replaces = t->replaces;
    j->intent.takes = t->takes;
    j->intent.devices_max = t->s.devices_max ? t->s.devices_max : 1;
    j->intent.binding = t->b;
}

static void step_zone(struct fa *f, struct fa_txn *t, const struct fa_result *r)
{
    t->ours = zone_has_ours(t, r);
    if (!t->collected)
        tell_collected(f, t, r);
    t->collected = true;
    write_intent(f, t);
}

static void write_bound(struct fa *f, struct fa_txn *t)
{
    struct fa_job *j = fa_txn_job(f, t, STEP_BOUND, FA_JOB_BOUND);
    if (!j) {
        fa_txn_bind_lost(f, t);
        return;
    }
    j->bound.id = t->b.id;
    j->bound.lifetime_s = t->b.lifetime_s;
    j->bound.book = t->take && fa_takeover_found(t) && !t->had_row ? FA_BOOK_MOVE : FA_BOOK_BIND;
}

static void update_dns(struct fa *f, struct fa_txn *t)
{
    struct fa_job *j = fa_txn_job(f, t, STEP_DNS, FA_JOB_DNS);
    if (!j) {
        fa_txn_bind_lost(f, t);
        return;
    }
    fa_text(j->dns.name, sizeof j->dns.name, t->b.name);
    j->dns.ttl_s = f->c.ttl_s;
    j->dns.last_len = t->b.last_len;
    memcpy(j->dns.last, t->b.last, t->b.last_len);
    j->dns.want_len = t->b.rdata_len;
    memcpy(j->dns.want, t->b.rdata, t->b.rdata_len);
}

static void step_intent(struct fa *f, struct fa_txn *t, const struct fa_result *r)
{
    uint64_t old = t->b.id ? t->b.id : t->replaces;
    switch (r->err) {
    case ERR_OK:
        break;
    case ERR_EXISTS: /* reserved for somebody else */
        next_candidate(f, t);
        return;
    case ERR_REFUSED:
        fa_txn_bind_finish(f, t, HIP_BIND_ST_HI_REFUSED, 0, "host identity is bound to somebody else");
        return;
    case ERR_FULL:
        fa_txn_bind_finish(f, t, HIP_BIND_ST_TOO_MANY, FA_WAIT_SHORT, "too many devices");
        return;
    case ERR_STATE: /* a row of an earlier candidate must not stay */
        if (old && !t->had_row)
            undo(f, t, old, HIP_BIND_ST_UNAVAILABLE, FA_WAIT_SHORT, "subscriber changed meanwhile");
        else
            unavailable(f, t, "subscriber changed meanwhile");
        return;
    default:
        fa_txn_bind_lost(f, t);
        return;
    }
    t->b.id = r->intent.id;
    t->replaces = 0;
    if (t->takes)
        fa_takeover_done(f, t);
    t->takes = 0;
    struct hit hit;
    memcpy(hit.b, t->b.hit, sizeof hit.b);
    fa_emit_event(f, FA_EVENT_NAMED, &hit, t->b.subscriber, t->b.name, (uint32_t)t->cand, NULL);
    if (t->ours) /* written by an earlier life whose row is lost */
        write_bound(f, t);
    else
        update_dns(f, t);
}

static void step_dns(struct fa *f, struct fa_txn *t, const struct fa_result *r)
{
    switch (r->err) {
    case ERR_OK:
        write_bound(f, t);
        break;
    case ERR_EXISTS:
    case ERR_STATE: /* an update whose answer was lost may be ours: the zone says */
        ask_zone(f, t, STEP_PROOF);
        break;
    case ERR_REFUSED:
        if (t->b.last_len == 0)
            undo(f, t, t->b.id, HIP_BIND_ST_UNAVAILABLE, FA_WAIT_SHORT, "the DNS refuses");
        else
            pending(f, t, "the DNS refuses");
        break;
    default:
        pending(f, t, "the DNS does not answer");
        break;
    }
}

static void step_proof(struct fa *f, struct fa_txn *t, const struct fa_result *r)
{
    if (zone_has_ours(t, r)) {
        write_bound(f, t);
    } else if (r->err != ERR_OK) {
        pending(f, t, "the DNS does not answer");
    } else if (t->b.last_len) { /* never forced: somebody else wrote there (section 6) */
        fa_alarm(f, NULL, t->b.subscriber, "the zone holds what we did not write");
        undo(f, t, t->b.id, HIP_BIND_ST_NAME_REFUSED, 0, "the DNS was changed by somebody else");
    } else if (t->answered) {
        undo(f, t, t->b.id, HIP_BIND_ST_NAME_REFUSED, 0, "name is in use");
    } else {
        next_candidate(f, t);
    }
}

static void step_bound(struct fa *f, struct fa_txn *t, const struct fa_result *r)
{
    struct hit hit;
    memcpy(hit.b, t->b.hit, sizeof hit.b);
    if (r->err != ERR_OK) {
        fa_txn_bind_lost(f, t);
        return;
    }
    t->b.state = FA_BINDING_BOUND;
    if (!t->refresh_only)
        fa_emit_event(f, FA_EVENT_DNS_DONE, &hit, t->b.subscriber, t->b.name, 0, NULL);
    fa_txn_bind_finish(f, t, HIP_BIND_ST_BOUND, 0, "");
}

void fa_txn_bind_step(struct fa *f, struct fa_txn *t, const struct fa_result *r)
{
    switch (t->step) {
    case STEP_WHO:
        step_who(f, t, r);
        break;
    case STEP_ROWS:
        step_rows(f, t, r);
        break;
    case STEP_RECORD:
        step_record(f, t, r);
        break;
    case STEP_KEY:
        step_key(f, t, r);
        break;
    case STEP_HOLD:
        fa_takeover_step(f, t, r);
        break;
    case STEP_CLAIM:
        step_claim(f, t, r);
        break;
    case STEP_ZONE:
        step_zone(f, t, r);
        break;
    case STEP_INTENT:
        step_intent(f, t, r);
        break;
    case STEP_DNS:
        step_dns(f, t, r);
        break;
    case STEP_PROOF:
        step_proof(f, t, r);
        break;
    case STEP_BOUND:
        step_bound(f, t, r);
        break;
    case STEP_DROP:
        if (r->err != ERR_OK)
            fa_intent_soon(f);
        fa_txn_bind_finish(f, t, t->out.status, t->out.wait_s, t->out.reason);
        break;
    default:
        break;
    }
}

/* The job of this step did not do its work, or never answered. */
void fa_txn_bind_lost(struct fa *f, struct fa_txn *t)
{
    switch (t->step) {
    case STEP_DNS:
    case STEP_PROOF:
        pending(f, t, "the DNS does not answer");
        break;
    case STEP_BOUND:
        if (t->refresh_only)
            unavailable(f, t, "binding could not be extended");
        else
            pending(f, t, "the binding is not written yet");
        break;
    case STEP_DROP:
        fa_txn_bind_finish(f, t, t->out.status, t->out.wait_s, t->out.reason);
        fa_intent_soon(f);
        break;
    default: /* a row of an earlier candidate, or one that was written late, is settled by the sweep */
        unavailable(f, t, "not to be done now");
        fa_intent_soon(f);
        break;
    }
}
