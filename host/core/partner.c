/* SPDX-License-Identifier: Apache-2.0
 *
 * Registering at more than one Forwarding Agent (docs/sim-binding.md section 17). The main link binds the SIM; once that is done, and the name
 * is in the DNS, every other known FA gets a plain base exchange and registration. Each link renews, is lost and is tried again by itself.
 * An FA that is no partner says no, and is asked again after a back-off of its own, which does not keep the main link from using it.
 */
#include <string.h>

#include "host/core/host_priv.h"

#define HOUR_US (3600 * HOST_S)

static void on_timer(struct host *h, struct host_timer *t)
{
    host_partner_kick(h);
}

void host_partner_init(struct host *h)
{
    h->partner_timer.fire = on_timer;
}

/* What a partner asks the zone must be there: our name, with the record that the binding FA wrote. A host without a SIM registers
 * where the operator lists it. */
static bool useful(const struct host *h)
{
    if (!host_fa_wanted(h) || h->n_addr == 0)
        return false;
    if (h->sim->state == HOST_SIM_READY)
        return host_sim_bound(h) && h->sim->sealed.bind == HOST_BIND_BOUND && h->sim->sealed.fqdn.len;
    return h->main->state == HOST_FA_REGISTERED;
}

static struct host_link *free_link(struct host *h)
{
    for (size_t i = 0; i < HOST_LINKS_MAX; i++)
        if (&h->link[i] != h->main && h->link[i].state == HOST_FA_IDLE)
            return &h->link[i];
    return NULL;
}

/* The one that bound us is the main link's as long as that is with nobody else. */
static bool for_main(const struct host *h, const struct host_fa *f)
{
    return h->main->state != HOST_FA_REGISTERED && (h->main->fa == f || host_fa_bound_us(h, &f->hit));
}

void host_partner_kick(struct host *h)
{
    uint64_t next = HEAP_NEVER;

    if (!useful(h))
        return; /* called again when that changes */
    for (size_t i = 0; i < h->n_fa; i++) {
        struct host_fa *f = &h->fa[i];
        struct host_link *l;
        if (f->home || host_fa_taken(h, NULL, f) || for_main(h, f))
            continue;
        if (f->partner_at_us > h->now) {
            next = f->partner_at_us < next ? f->partner_at_us : next;
            continue;
        }
        l = free_link(h);
        if (!l)
            break; /* more FAs than links: the first ones are as good */
        l->fa = f;
        host_link_go(h, l);
    }
    if (next != HEAP_NEVER)
        host_timer_set(h, &h->partner_timer, next);
}

void host_partner_failed(struct host *h, struct host_link *l, uint64_t pause_us)
{
    struct host_fa *f = l->fa;

    host_timer_stop(h, &l->timer);
    host_link_drop(h, l, true);
    if (f)
        f->partner_at_us = h->now + pause_us;
    host_timer_set(h, &h->partner_timer,
                   h->now + pause_us); /* never from within what it ended: the next call looks again */
}

void host_partner_refused(struct host *h, struct host_link *l)
{
    struct host_fa *f = l->fa;
    uint64_t pause = HOUR_US;

    if (f && f->partner_fails < 10) {
        pause = h->c.retry_us << f->partner_fails++;
        pause = pause < HOUR_US ? pause : HOUR_US;
    }
    host_partner_failed(h, l, host_jitter(h, pause));
}

void host_partner_registered(struct host *h, struct host_link *l)
{
    struct host_fa *f = l->fa;

    if (f)
        f->partner_fails = 0;
    if (f && l != h->main && host_fa_bound_us(h, &l->peer) && !h->run.open) {
        struct host_link *old = h->main;
        f->fails = 0;
        h->main = l; /* the binding's refreshes and notices are its business */
        if (old->state != HOST_FA_REGISTERED) {
            host_timer_stop(h, &old->timer);
            host_link_drop(h, old, false);
        }
    }
    host_partner_kick(h);
}
