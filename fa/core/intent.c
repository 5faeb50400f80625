/* SPDX-License-Identifier: Apache-2.0
 *
 * Reconciliation. At start, after anything was left open, and every five minutes: the rows that are neither bound for longer nor gone are read page by
 * page, and each that nobody works on gets a SETTLE transaction (txn_row.c). So a binding survives the end of this process at any point, a name that
 * was reserved is finished or given back, and bindings that ended leave the DNS. And the FA's own name: its addresses are written at start and
 * once an hour.
 */
#include <string.h>

#include "fa/core/core.h"

#define PAUSE_FIRST (5 * US)
#define PAUSE_MOST  (300 * US)
#define OWN_AGAIN   (3600 * US)

static void set_timer(struct fa *f)
{
    struct fa_intent *n = &f->intent;
    uint64_t at = n->wait.gen ? n->wait.until_us : n->sweep_at_us;
    if (f->c.n_addr)
        at = fa_min(at, n->own_wait.gen ? n->own_wait.until_us : n->own_at_us);
    fa_timer_set(f, &n->timer, at);
}

/* ---- rows left open ---- */

static void ask_page(struct fa *f)
{
    struct fa_job *j = fa_job_begin(f, FA_OWNER_INTENT, 0, FA_JOB_FIND, &f->intent.wait);
    if (!j) {
        f->intent.sweep_at_us = f->now;
        return;
    }
    j->find.by = FA_FIND_OPEN;
    j->find.id = f->intent.after;
}

static void sweep_over(struct fa *f)
{
    struct fa_intent *n = &f->intent;
    if (n->left) {
        n->pause_us = n->pause_us ? fa_min(n->pause_us * 2, PAUSE_MOST) : PAUSE_FIRST;
        n->sweep_at_us = f->now + n->pause_us;
    } else {
        n->pause_us = 0;
        n->settled = true;
        n->sweep_at_us = f->now + PAUSE_MOST;
    }
    n->left = false;
    n->after = 0;
    n->sweeping = false;
}

static void settle(struct fa *f, const struct fa_binding *b)
{
    if (fa_txn_working_on(f, b->id, b->subscriber)) {
        f->intent.left = true;
        return;
    }
    struct fa_txn *t = fa_txn_new(f, TXN_SETTLE, NULL);
    if (!t) {
        f->intent.left = true;
        return;
    }
    t->b = *b;
    if (f->n_own)
        t->local = f->own[0].hit;
    f->intent.working++;
    fa_txn_lock(f, t);
}

void fa_intent_complete(struct fa *f, const struct fa_result *r)
{
    struct fa_intent *n = &f->intent;
    if (r->err != ERR_OK) {
        n->left = true;
        sweep_over(f);
        set_timer(f);
        return;
    }
    n->more = r->find.more && r->find.n;
    n->hold = true; /* transactions that end at once must not begin the next page under our feet */
    for (size_t i = 0; i < r->find.n; i++) {
        n->after = r->find.v[i].id;
        settle(f, &r->find.v[i]);
    }
    n->hold = false;
    if (n->working == 0)
        fa_intent_next(f);
    set_timer(f);
}

/* The page is worked off. */
void fa_intent_next(struct fa *f)
{
    if (!f->intent.sweeping)
        return;
    if (f->intent.more)
        ask_page(f);
    else
        sweep_over(f);
    set_timer(f);
}

void fa_intent_settled(struct fa *f, bool ok)
{
    struct fa_intent *n = &f->intent;
    if (n->working)
        n->working--;
    if (!ok)
        n->left = true;
    if (n->working == 0 && !n->hold)
        fa_intent_next(f);
}

void fa_intent_soon(struct fa *f)
{
    struct fa_intent *n = &f->intent;
    n->settled = false;
    if (n->sweeping)
        n->left = true;
    else
        n->sweep_at_us = fa_min(n->sweep_at_us, f->now + PAUSE_FIRST);
    set_timer(f);
}

static void begin_sweep(struct fa *f)
{
    f->intent.sweeping = true;
    f->intent.after = 0;
    ask_page(f);
}

/* ---- the own name ---- */

static void write_own_name(struct fa *f)
{
    struct fa_intent *n = &f->intent;
    struct fa_job *j = fa_job_begin(f, FA_OWNER_OWN_NAME, 0, FA_JOB_DNS_OWN, &n->own_wait);
    if (!j) {
        n->own_at_us = f->now;
        return;
    }
    fa_text(j->dns_own.name, sizeof j->dns_own.name, f->c.name);
    j->dns_own.ttl_s = f->c.ttl_s;
    j->dns_own.n_addr = f->c.n_addr;
    memcpy(j->dns_own.addr, f->c.addr, sizeof j->dns_own.addr);
}

static void own_done(struct fa *f, err e)
{
    struct fa_intent *n = &f->intent;
    if (e == ERR_OK) {
        n->own_pause_us = 0;
        n->own_at_us = f->now + OWN_AGAIN;
        fa_emit_event(f, FA_EVENT_OWN_NAME, NULL, NULL, f->c.name, 0, NULL);
    } else {
        n->own_pause_us = n->own_pause_us ? fa_min(n->own_pause_us * 2, PAUSE_MOST) : PAUSE_FIRST;
        n->own_at_us = f->now + n->own_pause_us;
        fa_emit_event(f, FA_EVENT_REFUSED, NULL, NULL, f->c.name, 0, "own name not written");
    }
    set_timer(f);
}

void fa_intent_own_complete(struct fa *f, const struct fa_result *r)
{
    own_done(f, r->err);
}

/* ---- time ---- */

void fa_intent_start(struct fa *f)
{
    f->intent.sweep_at_us = HEAP_NEVER;
    f->intent.own_at_us = f->now + OWN_AGAIN;
    begin_sweep(f);
    if (f->c.n_addr)
        write_own_name(f);
    set_timer(f);
}

void fa_intent_timeout(struct fa *f)
{
    struct fa_intent *n = &f->intent;
    if (n->wait.gen && n->wait.until_us <= f->now) {
        n->wait.gen = 0;
        n->left = true;
        sweep_over(f);
    } else if (!n->wait.gen && n->sweep_at_us <= f->now) {
        n->sweep_at_us = HEAP_NEVER;
        if (n->sweeping)
            ask_page(f);
        else
            begin_sweep(f);
    }
    if (f->c.n_addr && n->own_wait.gen && n->own_wait.until_us <= f->now) {
        n->own_wait.gen = 0;
        own_done(f, ERR_TIMEOUT);
    } else if (f->c.n_addr && !n->own_wait.gen && n->own_at_us <= f->now) {
        write_own_name(f);
    }
    set_timer(f);
}
