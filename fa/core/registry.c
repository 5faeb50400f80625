/* SPDX-License-Identifier: Apache-2.0
 *
 * The associated hosts, and which of them are registered (RFC 8003): HIT -> where it is, for which types, until when. Soft state: hosts refresh it, and
 * it ends with the association.
 */
#include <stdlib.h>
#include <string.h>

#include "fa/core/core.h"
#include "hip/param_reg.h"
#include "hip/reg.h"

/* Half of what an association lives without traffic: a registered host's is kept as long as its registration (hip_config.ual_us). */
static uint64_t touch_period(const struct fa *f)
{
    return (f->c.hip.ual_us ? f->c.hip.ual_us : 900 * US) / 2;
}

struct fa_guest *fa_guest_new(struct fa *f, const struct hip_action *ask)
{
    struct fa_guest *g = f->n_guest_free ? calloc(1, sizeof *g) : NULL;
    if (!g)
        return NULL;
    g->timer.kind = FA_TIMER_GUEST;
    g->index = f->guest_free[f->n_guest_free - 1];
    g->ref = ask->ref;
    g->local = ask->local;
    g->peer = ask->peer;
    g->path = g->heard = ask->ask.path;
    bucket_init(&g->i1, &f->relays.i1_rate, f->now);
    fa_credential_init(f, g);
    if (htab_put(f->by_ref, &g->ref, g) != ERR_OK) {
        free(g);
        return NULL;
    }
    f->n_guest_free--;
    f->guests[g->index] = g;
    return g;
}

struct fa_guest *fa_guest_by_ref(const struct fa *f, struct hip_ref ref)
{
    return ref.gen ? htab_get(f->by_ref, &ref) : NULL;
}

struct fa_guest *fa_guest_by_peer(const struct fa *f, const struct hit *peer)
{
    for (size_t i = 0; i < f->n_own; i++) {
        struct hip_ref ref;
        if (hip_assoc_find(f->hip, &f->own[i].hit, peer, &ref) == ERR_OK) {
            struct fa_guest *g = fa_guest_by_ref(f, ref);
            if (g)
                return g;
        }
    }
    return NULL;
}

void fa_guest_free(struct fa *f, struct fa_guest *g)
{
    if (g->run)
        fa_bind_end(f, g);
    if (g->registered && f->out)
        fa_registry_drop(f, g, FA_ENDED_LOST);
    fa_client_drop(f, g);
    free(g->check);
    heap_remove(&f->heap, &g->timer.node);
    htab_del(f->by_ref, &g->ref);
    f->guests[g->index] = NULL;
    f->guest_free[f->n_guest_free++] = g->index;
    free(g);
}

static void type_set(struct fa_guest *g, uint8_t type, uint64_t until_us)
{
    uint8_t i = 0;
    while (i < g->n_type && g->type[i] != type)
        i++;
    if (i == HIP_REG_TYPES_MAX)
        return;
    g->type[i] = type;
    g->type_us[i] = until_us;
    if (i == g->n_type)
        g->n_type++;
    g->expires_us = 0;
    for (i = 0; i < g->n_type; i++)
        g->expires_us = g->type_us[i] > g->expires_us ? g->type_us[i] : g->expires_us;
}

bool fa_registry_set(struct fa *f, struct fa_guest *g, const struct hip_reg_list *granted)
{
    struct fa_guest *old = htab_get(f->by_hit, &g->peer);
    if (old && old != g) { /* the same host's earlier association */
        old->registered = false;
        old->n_type = 0;
        fa_client_drop(f, old);
        fa_account_inherit(g, old);
        htab_del(f->by_hit, &g->peer);
    }
    if (!g->registered && htab_put(f->by_hit, &g->peer, g) != ERR_OK)
        return false;
    g->registered = true;
    uint64_t life = hip_reg_lifetime_us(granted->lifetime);
    for (size_t i = 0; i < granted->n; i++)
        type_set(g, granted->type[i], f->now + life);
    g->lifetime_s = (uint32_t)(life / US);
    g->touch_us = f->now + touch_period(f);
    fa_emit_reg(f, FA_ACT_REG_UP, g);
    fa_account_begin(f, g);
    fa_reauth_seen(f, g);
    fa_takeover_seen(f, g);
    fa_guest_timer(f, g);
    return true;
}

void fa_registry_drop(struct fa *f, struct fa_guest *g, enum fa_ended why)
{
    if (!g->registered)
        return;
    htab_del(f->by_hit, &g->peer);
    g->registered = false;
    fa_emit_reg(f, FA_ACT_REG_DOWN, g);
    g->n_type = 0;
    fa_client_drop(f, g);
    fa_account_end(f, g, why);
    fa_guest_timer(f, g);
}

void fa_registry_cancel(struct fa *f, struct fa_guest *g, uint8_t type, enum fa_ended why)
{
    uint8_t left = 0;
    for (uint8_t i = 0; i < g->n_type; i++)
        if (g->type[i] != type) {
            g->type[left] = g->type[i];
            g->type_us[left++] = g->type_us[i];
        }
    if (left == g->n_type)
        return;
    if (left == 0) {
        fa_registry_drop(f, g, why);
        return;
    }
    g->n_type = left;
    if (type == FA_REG_RELAY_ESP)
        fa_client_ports_close(f, g);
    if (!hip_reg_has(g->type, left, FA_REG_RELAY_HIP) && !hip_reg_has(g->type, left, FA_REG_RELAY_ESP))
        fa_client_drop(f, g);
    fa_emit_reg(f, FA_ACT_REG_UP, g);
    fa_guest_timer(f, g);
}

bool fa_registry_live(const struct fa *f, const struct fa_guest *g, uint8_t type)
{
    for (uint8_t i = 0; g->registered && i < g->n_type; i++)
        if (g->type[i] == type)
            return g->type_us[i] > f->now;
    return false;
}

static uint64_t first_end(const struct fa_guest *g)
{
    uint64_t at = HEAP_NEVER;
    for (uint8_t i = 0; i < g->n_type; i++)
        at = fa_min(at, g->type_us[i]);
    return at;
}

static void types_expire(struct fa *f, struct fa_guest *g)
{
    for (uint8_t i = g->n_type; g->registered && i > 0; i--)
        if (i <= g->n_type && g->type_us[i - 1] <= f->now)
            fa_registry_cancel(f, g, g->type[i - 1], FA_ENDED_LOST);
}

/* ---- what is due ---- */

static uint64_t run_due(const struct fa_guest *g)
{
    const struct fa_run *r = g->run;
    uint64_t at = r->end_us;
    if (r->wait.gen)
        at = fa_min(at, r->wait.until_us);
    if (r->keys)
        at = fa_min(at, r->keys_until_us);
    return at;
}

void fa_guest_timer(struct fa *f, struct fa_guest *g)
{
    uint64_t at = HEAP_NEVER;
    if (g->r2_owed)
        at = fa_min(at, g->r2_until_us);
    if (g->registered)
        at = fa_min(at, fa_min(first_end(g), fa_min(g->touch_us, fa_client_due(f, g))));
    if (g->check && g->check->wait.gen)
        at = fa_min(at, g->check->wait.until_us);
    if (g->run)
        at = fa_min(at, run_due(g));
    if (g->close_at_us)
        at = fa_min(at, g->close_at_us);
    at = fa_min(at, fa_min(fa_reauth_due(f, g), fa_account_due(g)));
    fa_timer_set(f, &g->timer, at);
}

void fa_guest_timeout(struct fa *f, struct fa_guest *g)
{
    if (g->close_at_us && g->close_at_us <= f->now) {
        g->close_at_us = 0;
        g->closing = true;
        if (hip_close(f->hip, g->ref, f->now, fa_hip_out(f)) != ERR_OK)
            f->st.failed++;
    }
    if (g->r2_owed && g->r2_until_us <= f->now)
        fa_guest_r2_bare(f, g);
    if (g->check && g->check->wait.gen && g->check->wait.until_us <= f->now)
        fa_registrar_lost(f, g);
    if (g->run && run_due(g) <= f->now)
        fa_bind_timeout(f, g);
    if (g->registered)
        types_expire(f, g);
    fa_client_expire(f, g);
    if (!g->close_at_us)
        fa_reauth_timeout(f, g);
    if (g->registered && g->touch_us <= f->now) {
        g->touch_us = f->now + touch_period(f);
        hip_sa_used(f->hip, g->ref, f->now, fa_hip_out(f));
        fa_takeover_seen(f, g);
    }
    fa_account_timeout(f, g);
    fa_guest_timer(f, g);
}
