/* SPDX-License-Identifier: Apache-2.0
 *
 * What is accounted for (fa/core/session.h): a session begins when a bound host is registered and ends with its registration, whatever ends that. The data
 * relay's counters are the client's, and begin anew with each association: what they said goes into the session before they go.
 */
#include <string.h>

#include "fa/core/core.h"

const char *fa_ended_name(enum fa_ended e)
{
    static const char *const names[] = {
#define X(name, text) text,
        FA_ENDED_LIST(X)
#undef X
    };
    return (unsigned)e < FA_ENDED__COUNT ? names[e] : "unknown end";
}

/* What the counters of its client slot say, added. */
static void add(const struct fa *f, const struct fa_guest *g, struct fa_usage *u)
{
    struct hit hit;
    struct fa_traffic t;
    if (!g->relay || !fa_flows_client_get(f->flows, g->relay->slot, &hit, &t))
        return;
    u->packets_out += t.packets_out;
    u->octets_out += t.octets_out;
    u->packets_in += t.packets_in;
    u->octets_in += t.octets_in;
}

static bool emit(struct fa *f, const struct fa_guest *g, enum fa_session_what what, enum fa_ended end)
{
    struct fa_action *a = f->out ? fa_action_new(f, FA_ACT_SESSION) : NULL;
    if (!a)
        return false;
    struct fa_session *s = &a->session;
    s->what = what;
    s->end = end;
    memcpy(s->hit, g->peer.b, sizeof s->hit);
    s->binding = g->account.binding;
    s->peer = g->path.peer;
    s->seconds = (uint32_t)((f->now - g->account.began_us) / US);
    s->usage = g->account.usage;
    add(f, g, &s->usage);
    fa_text(s->subscriber, sizeof s->subscriber, g->account.binding ? g->subscriber : "");
    fa_text(s->name, sizeof s->name, g->name);
    return true;
}

void fa_account_begin(struct fa *f, struct fa_guest *g)
{
    struct fa_account *a = &g->account;
    struct fa_usage before = { 0 };
    if (!f->c.account_s || a->open || !g->registered || !(g->bound || g->by_zone))
        return;
    *a = (struct fa_account){ .binding = g->by_zone ? 0 : g->binding,
                              .began_us = f->now,
                              .next_us = f->now + f->c.account_s * US };
    /* What was carried before, for a host that was registered without being bound, is not counted: below zero by that much, modulo 2^64. */
    add(f, g, &before);
    a->usage = (struct fa_usage){ .packets_out = 0 - before.packets_out,
                                  .octets_out = 0 - before.octets_out,
                                  .packets_in = 0 - before.packets_in,
                                  .octets_in = 0 - before.octets_in };
    a->open = emit(f, g, FA_SESSION_BEGAN, FA_ENDED_ASKED);
}

void fa_account_keep(struct fa *f, struct fa_guest *g)
{
    if (g->account.open)
        add(f, g, &g->account.usage);
}

void fa_account_inherit(struct fa_guest *g, struct fa_guest *old)
{
    g->account = old->account;
    old->account = (struct fa_account){ 0 };
}

void fa_account_end(struct fa *f, struct fa_guest *g, enum fa_ended why)
{
    if (g->account.open && f->out && !emit(f, g, FA_SESSION_ENDED, why))
        f->st.failed++; /* the accounting ends it when it hears no more of it */
    g->account.open = false;
}

uint64_t fa_account_due(const struct fa_guest *g)
{
    return g->account.open ? g->account.next_us : HEAP_NEVER;
}

void fa_account_timeout(struct fa *f, struct fa_guest *g)
{
    struct fa_account *a = &g->account;
    if (!a->open || a->next_us > f->now)
        return;
    a->next_us = f->now + (emit(f, g, FA_SESSION_GOES_ON, FA_ENDED_ASKED) ? f->c.account_s * US : US);
}
