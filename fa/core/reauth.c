/* SPDX-License-Identifier: Apache-2.0
 *
 * A new AKA run in the same association, when policy asks for it (docs/sim-binding.md section 18): the host moved to another access, or the last run is
 * too long ago. The FA asks with EAP Request/Identity; registration and binding go on meanwhile. Who does not authenticate in time is no longer
 * registered, and is not registered again without a run; the binding's row stays.
 *
 * What is remembered of a HI (access, time and realm of its last run) outlives its association, so that coming back by a plain exchange is no way around it. It
 * is soft state in a table of fixed size that only bound HIs enter; what is lost with it, or with the process, is adopted anew.
 */
#include <stdlib.h>
#include <string.h>

#include "fa/core/core.h"

#define GRACE_US  (300 * US)
#define AGAIN_US  (65 * US) /* longer than a run */
#define PAUSE_US  (10 * US) /* between two runs of one HI */
#define SEEN_MAX  131072
#define WAYS      8  /* places that one HI may take */
#define PREFIX_V4 24 /* bits, where the configuration says nothing */
#define PREFIX_V6 64

struct fa_seen {
    struct hit hit; /* null: free */
    struct addr access;
    uint64_t auth_us;
    uint16_t realm; /* of the last run, from 1 on; 0: not known */
    bool owed;      /* a run is owed: */
    uint64_t ask_us, end_us;
};

/* With several realms it also says whose an identity without a realm is. */
static bool active(const struct fa *f)
{
    return f->c.reauth_on_access || f->c.reauth_s || f->c.n_realms > 1;
}

err fa_reauth_init(struct fa *f)
{
    if (!active(f))
        return ERR_OK;
    env_random(f->c.env, f->seen_seed, sizeof f->seen_seed);
    /* Twice as many as there can be at once: it is rare then that more than WAYS have the same places. */
    f->n_seen = f->c.registrations_max < SEEN_MAX / 2 ? 2 * (size_t)f->c.registrations_max : SEEN_MAX;
    f->n_seen = (f->n_seen + WAYS - 1) / WAYS * WAYS;
    f->seen = calloc(f->n_seen, sizeof *f->seen);
    return f->seen ? ERR_OK : ERR_MEMORY;
}

void fa_reauth_free(struct fa *f)
{
    free(f->seen);
}

/* The first of the places that this HI may take; NULL: nothing is remembered. */
static struct fa_seen *places(const struct fa *f, const struct hit *hit)
{
    return f->seen
               ? &f->seen[siphash24(f->seen_seed, span_of(hit->b, sizeof hit->b)) % (f->n_seen / WAYS) * WAYS]
               : NULL;
}

static struct fa_seen *find(const struct fa *f, const struct hit *hit)
{
    struct fa_seen *s = places(f, hit);
    for (size_t i = 0; s && i < WAYS; i++)
        if (hit_eq(&s[i].hit, hit))
            return &s[i];
    return NULL;
}

/* The network that an address is of, as far as its owner can be told from others' by it. */
static struct addr access_of(const struct fa *f, const struct addr *a)
{
    struct addr p = { .family = a->family };
    size_t v4 = f->c.access_prefix ? f->c.access_prefix : PREFIX_V4;
    size_t bits = a->family == ADDR_V4 ? v4 : PREFIX_V6, whole = bits / 8;
    memcpy(p.ip, a->ip, whole);
    if (bits % 8)
        p.ip[whole] = (uint8_t)(a->ip[whole] & (0xff00 >> bits % 8));
    return p;
}

/* A free place first, then that of whose last run is longest ago; who owes one goes last. */
static uint64_t worth(const struct fa_seen *s)
{
    return hit_is_null(&s->hit) ? 0 : s->owed ? UINT64_MAX : s->auth_us + 1;
}

/* A run ended well, or is taken for ended: now, and here. */
static struct fa_seen *remember(const struct fa *f, const struct fa_guest *g)
{
    struct fa_seen *s = places(f, &g->peer), *to = find(f, &g->peer);
    if (s && !to) {
        to = s;
        for (size_t i = 1; i < WAYS; i++)
            if (worth(&s[i]) < worth(to))
                to = &s[i];
    }
    if (to)
        *to = (struct fa_seen){ .hit = g->peer,
                                .access = access_of(f, &g->path.peer),
                                .auth_us = f->now,
                                .realm = g->run ? (uint16_t)(g->run->realm + 1) : 0 };
    return to;
}

static void judge(struct fa *f, struct fa_guest *g, struct fa_seen *s)
{
    struct addr now = access_of(f, &g->path.peer);
    bool moved = f->c.reauth_on_access && !addr_same_ip(&now, &s->access);
    bool old = f->c.reauth_s && f->now >= s->auth_us + f->c.reauth_s * US;
    if (s->owed || (!moved && !old))
        return;
    s->owed = true;
    s->ask_us = f->now < s->auth_us + PAUSE_US ? s->auth_us + PAUSE_US : f->now;
    s->end_us = f->now + GRACE_US;
}

void fa_reauth_seen(struct fa *f, struct fa_guest *g)
{
    struct fa_seen *s = g->bound ? find(f, &g->peer) : NULL;
    if (g->bound && !s)
        s = remember(f, g);
    if (s)
        judge(f, g, s);
}

void fa_reauth_done(struct fa *f, struct fa_guest *g)
{
    (void)remember(f, g);
}

bool fa_reauth_realm(const struct fa *f, const struct hit *hit, uint16_t *index)
{
    const struct fa_seen *s = find(f, hit);
    if (s && s->realm)
        *index = (uint16_t)(s->realm - 1);
    return s && s->realm;
}

bool fa_reauth_owes(const struct fa *f, const struct fa_guest *g)
{
    const struct fa_seen *s = find(f, &g->peer);
    return s && s->owed && !(g->registered && f->now < s->end_us);
}

uint64_t fa_reauth_due(const struct fa *f, const struct fa_guest *g)
{
    const struct fa_seen *s = g->registered && g->bound ? find(f, &g->peer) : NULL;
    if (!s)
        return HEAP_NEVER;
    if (s->owed)
        return g->run || g->check ? s->end_us : fa_min(s->ask_us, s->end_us);
    return f->c.reauth_s ? s->auth_us + f->c.reauth_s * US : HEAP_NEVER;
}

static void ask(struct fa *f, struct fa_guest *g)
{
    struct hip_reg_list req = { .present = true, .lifetime = f->c.hip.offer.max };
    for (size_t i = 0; i < g->n_type; i++)
        req.type[req.n++] = g->type[i];
    fa_bind_invite(f, g, &req);
}

static void end(struct fa *f, struct fa_guest *g)
{
    struct hip_contents c = { 0 };
    if (g->run)
        fa_bind_end(f, g);
    fa_contents_cancel(f, &c);
    fa_registry_drop(f, g, FA_ENDED_REAUTH);
    if (fa_guest_send(f, g, &c) != ERR_OK)
        f->st.failed++;
    f->st.refused++;
    fa_emit_event(f, FA_EVENT_REFUSED, &g->peer, NULL, g->name, 0, "not authenticated again in time");
    fa_audit(f, &g->peer, g->subscriber, g->name, "not authenticated again in time");
}

void fa_reauth_timeout(struct fa *f, struct fa_guest *g)
{
    struct fa_seen *s = find(f, &g->peer);
    if (!s || fa_reauth_due(f, g) > f->now)
        return;
    judge(f, g, s);
    if (s->owed && f->now >= s->end_us) {
        end(f, g);
    } else if (s->owed && !g->run && !g->check && f->now >= s->ask_us) {
        s->ask_us = f->now + AGAIN_US;
        ask(f, g);
    }
}
