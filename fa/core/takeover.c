/* SPDX-License-Identifier: Apache-2.0
 *
 * MOVE (docs/sim-binding.md section 7): a HI asks for what another HI of the same subscriber holds. With a proof of the old one it is done at once;
 * otherwise it waits until the old HI was not seen for long enough, so that whoever stole a SIM cannot take a name silently, or until the operator
 * decides. Also what the operator's orders mean for a host that is here.
 *
 * The proof is taken from BIND_REQUEST when its transaction begins and judged against the subscriber's rows when they are there.
 */
#include <stdio.h>
#include <string.h>

#include "common/crypto/hash.h"
#include "common/crypto/secret.h"
#include "fa/core/core.h"

#define SEEN_US (300 * US) /* it is written down no more often than this that a host is registered */

/* How well a row answers to the request; the best one is meant. */
enum {
    ROW_NOT,
    ROW_SOME,  /* it is one of the subscriber's */
    ROW_NAMED, /* by its name, or by its HIT without a proof */
    ROW_SECRET,
    ROW_SIGNED,
};

struct fa_takeover { /* locked memory */
    struct fa_binding row;
    uint8_t how; /* row was chosen by */
    bool several;
    bool has_hit, has_secret;
    struct hit old;
    uint8_t secret[HIP_BIND_SECRET_LEN];
    uint8_t msg[HIP_BIND_PROOF_MAX];
    uint16_t msg_n, sig_n;
    uint8_t sig[HIP_BIND_REQUEST_MAX];
};

/* ---- from BIND_REQUEST ---- */

err fa_takeover_new(struct fa_txn *t, const struct fa_run *r, const struct hip_bind_request *q)
{
    struct fa_takeover *k = sec_alloc(sizeof *k);
    struct hit to;
    err e = k ? ERR_OK : ERR_MEMORY;
    if (e == ERR_OK && q->old_proof.n > sizeof k->sig)
        e = ERR_RANGE;
    if (e == ERR_OK && q->old_hit.n) {
        memcpy(to.b, t->b.hit, sizeof to.b);
        memcpy(k->old.b, q->old_hit.p, sizeof k->old.b);
        memcpy(k->sig, q->old_proof.p, q->old_proof.n);
        k->sig_n = (uint16_t)q->old_proof.n;
        k->msg_n = (uint16_t)hip_bind_proof_msg(true, hip_bind_keys_th(r->keys), &to, k->msg);
        k->has_hit = true;
    }
    if (e == ERR_OK && q->old_secret.n) {
        e = hip_bind_mask(r->keys, q->attempt, HIP_BIND_ITEM_OLD_SECRET, q->old_secret.p, k->secret);
        k->has_secret = e == ERR_OK;
    }
    if (e != ERR_OK) {
        fa_takeover_free(k);
        return e;
    }
    t->take = k;
    return ERR_OK;
}

void fa_takeover_free(struct fa_takeover *k)
{
    sec_free(k);
}

/* ---- which row ---- */

static bool signed_by(const struct fa_takeover *k, const struct fa_binding *b)
{
    struct hip_hi hi = { 0 };
    bool good = k->has_hit && memcmp(b->hit, k->old.b, sizeof k->old.b) == 0 &&
                hip_hi_from_wire(span_of(b->hi, b->hi_len), &hi) == ERR_OK &&
                hip_hi_verify(&hi, span_of(k->msg, k->msg_n), span_of(k->sig, k->sig_n)) == ERR_OK;
    hip_hi_done(&hi);
    return good;
}

static bool knows_secret(const struct fa_takeover *k, const struct fa_binding *b)
{
    uint8_t hash[32];
    struct span in[] = { span_of(b->secret_salt, sizeof b->secret_salt),
                         span_of(k->secret, sizeof k->secret) };
    return k->has_secret && b->has_secret && hash_spans(HASH_SHA256, in, 2, hash) == ERR_OK &&
           sec_equal(hash, b->secret_hash, sizeof hash);
}

static uint8_t rank(const struct fa_txn *t, const struct fa_binding *b)
{
    const struct fa_takeover *k = t->take;
    if (memcmp(b->hit, t->b.hit, sizeof t->b.hit) == 0)
        return ROW_NOT;
    if (signed_by(k, b))
        return ROW_SIGNED;
    if (knows_secret(k, b))
        return ROW_SECRET;
    bool named = k->has_hit && memcmp(b->hit, k->old.b, sizeof k->old.b) == 0;
    for (uint8_t i = 0; !named && i < t->n_wanted; i++)
        named = strcmp(t->wanted[i], b->name) == 0;
    return named ? ROW_NAMED : ROW_SOME;
}

void fa_takeover_offer(struct fa_txn *t, const struct fa_binding *row)
{
    struct fa_takeover *k = t->take;
    uint8_t how = rank(t, row);
    if (how == ROW_NOT || how < k->how)
        return;
    k->several = how == k->how;
    k->how = how;
    if (!k->several)
        k->row = *row;
}

bool fa_takeover_found(const struct fa_txn *t)
{
    return t->take && t->take->how != ROW_NOT;
}

/* ---- now, later or never ---- */

static void go(struct fa *f, struct fa_txn *t)
{
    const struct fa_binding *row = &t->take->row;
    t->takes = row->id;
    t->b.last_len = row->last_len;
    memcpy(t->b.last, row->last, row->last_len);
    fa_text(t->b.name, sizeof t->b.name, row->name);
    fa_text(t->b.skeleton, sizeof t->b.skeleton, row->skeleton);
    t->b.own_name = row->own_name;
    fa_txn_bind_named(f, t);
}

void fa_takeover_begin(struct fa *f, struct fa_txn *t)
{
    const struct fa_takeover *k = t->take;
    if (k->several) {
        fa_txn_bind_finish(f, t, HIP_BIND_ST_NAME_REFUSED, 0,
                           "several host identities hold names: say which name");
        return;
    }
    if (k->row.state != FA_BINDING_BOUND) {
        fa_txn_bind_finish(f, t, HIP_BIND_ST_UNAVAILABLE, FA_WAIT_SHORT,
                           "the other binding is not settled yet");
        fa_intent_soon(f);
        return;
    }
    if (k->how >= ROW_SECRET || f->c.takeover_hold_s == 0) {
        go(f, t);
        return;
    }
    struct fa_job *j = fa_txn_job(f, t, STEP_HOLD, FA_JOB_HOLD);
    if (!j) {
        fa_txn_bind_lost(f, t);
        return;
    }
    j->hold.old = k->row.id;
    memcpy(j->hold.hit, t->b.hit, sizeof j->hold.hit);
    fa_text(j->hold.subscriber, sizeof j->hold.subscriber, t->b.subscriber);
}

/* The old HI and the operator hear of it when it is asked for, not when it is done. */
static void asked(struct fa *f, struct fa_txn *t, uint32_t wait_s)
{
    const struct fa_binding *row = &t->take->row;
    struct fa_tell x = { .what = FA_TELL_ASKED };
    struct hit hit;
    char text[FA_TEXT_MAX];
    memcpy(hit.b, t->b.hit, sizeof hit.b);
    memcpy(x.hit.b, row->hit, sizeof x.hit.b);
    fa_text(x.name, sizeof x.name, row->name);
    snprintf(text, sizeof text, "another host identity of the subscriber asks for the name: held for %u s",
             wait_s);
    fa_emit_event(f, FA_EVENT_TAKEOVER, &hit, t->b.subscriber, row->name, wait_s, text);
    fa_audit(f, &hit, t->b.subscriber, row->name, text);
    fa_tell_anywhere(f, &x);
}

void fa_takeover_step(struct fa *f, struct fa_txn *t, const struct fa_result *r)
{
    const struct fa_binding *row = &t->take->row;
    struct hit old;
    memcpy(old.b, row->hit, sizeof old.b);
    uint32_t unseen = htab_get(f->by_hit, &old) ? 0 : row->unseen_s, hold = f->c.takeover_hold_s;
    if (r->err != ERR_OK) {
        fa_txn_bind_lost(f, t);
    } else if (r->hold.says == FA_HOLD_REFUSED) {
        fa_txn_bind_finish(f, t, HIP_BIND_ST_HELD, hold, "the operator refuses the takeover");
    } else if (r->hold.says == FA_HOLD_ALLOWED || unseen >= hold) {
        go(f, t);
    } else {
        if (r->hold.fresh)
            asked(f, t, hold - unseen);
        fa_txn_bind_finish(f, t, HIP_BIND_ST_HELD, hold - unseen,
                           "another host identity of the subscriber has the name");
    }
}

void fa_takeover_done(struct fa *f, struct fa_txn *t)
{
    const struct fa_binding *row = &t->take->row;
    struct fa_tell x = { .what = FA_TELL_MOVED };
    struct hit hit;
    char text[FA_TEXT_MAX], to[HIT_TEXT_MAX];
    memcpy(hit.b, t->b.hit, sizeof hit.b);
    memcpy(x.hit.b, row->hit, sizeof x.hit.b);
    fa_text(x.name, sizeof x.name, row->name);
    snprintf(text, sizeof text, "moved to %s", hit_format(&hit, to));
    fa_emit_event(f, FA_EVENT_MOVED, &x.hit, t->b.subscriber, row->name, 0, text);
    fa_tell_anywhere(f, &x);
}

/* ---- hosts that are here ---- */

void fa_takeover_seen(struct fa *f, struct fa_guest *g)
{
    if (!g->bound || f->now < g->seen_us + SEEN_US)
        return;
    struct fa_job *j = fa_job_unheard(f, FA_JOB_SEEN);
    if (!j)
        return;
    memcpy(j->seen.hit, g->peer.b, sizeof j->seen.hit);
    g->seen_us = f->now;
}

static void suspended(struct fa *f, struct fa_guest *g)
{
    bool was = g->registered;
    g->bound = false;
    if (was && !g->r2_owed)
        fa_registrar_end(f, g, FA_ENDED_ORDERED);
    else
        fa_registry_drop(f, g, FA_ENDED_ORDERED);
}

static void rekey(struct fa *f, struct fa_guest *g)
{
    struct hip_reg_list req = { .present = true, .lifetime = f->c.hip.offer.max };
    g->rekey = g->bound;
    if (!g->bound || !g->registered || g->r2_owed || g->run || g->check)
        return;
    for (size_t i = 0; i < g->n_type; i++)
        req.type[req.n++] = g->type[i];
    fa_bind_invite(f, g, &req); /* rather than that its next renewal fails */
}

static void notice(struct fa *f, const struct hit *to, uint8_t status, const char *reason)
{
    struct fa_binding b = { .state = FA_BINDING_REVOKED, .moved = true };
    memcpy(b.hit, to->b, sizeof b.hit);
    fa_notice(f, status, &b, reason);
}

void fa_takeover_remind(struct fa *f, struct fa_guest *g)
{
    notice(f, &g->peer, HIP_BIND_ST_MOVED, "another host identity with this SIM has the name now");
}

static bool told_here(struct fa *f, const struct fa_tell *x)
{
    struct fa_guest *g = fa_guest_by_peer(f, &x->hit);
    if (!g)
        return false;
    switch (x->what) {
    case FA_TELL_ASKED:
        notice(f, &x->hit, HIP_BIND_ST_HELD, "another host identity with this SIM asks for the name");
        break;
    case FA_TELL_MOVED:
        fa_takeover_remind(f, g);
        break;
    case FA_TELL_SUSPENDED:
        suspended(f, g);
        break;
    case FA_TELL_REKEY:
        rekey(f, g);
        break;
    }
    return true;
}

void fa_tell_anywhere(struct fa *f, const struct fa_tell *x)
{
    if (told_here(f, x))
        return;
    struct fa_action *a = fa_action_new(f, FA_ACT_TELL);
    if (a)
        a->tell = *x;
}

void fa_tell_here(struct fa *f, const struct fa_tell *x)
{
    (void)told_here(f, x);
}
