/* SPDX-License-Identifier: Apache-2.0
 *
 * Registering with a Forwarding Agent and staying registered. A host whose HI is bound comes back by a plain base exchange and
 * registration (docs/sim-binding.md section 7); one that is not, or that the FA no longer knows, runs the binding (bind.c).
 */
#include <string.h>

#include "common/crypto/secret.h"
#include "hip/reg.h"
#include "host/core/host_priv.h"

#define SILENT_US   (7 * HOST_S) /* three transmissions of an UPDATE: 0, 1, 3 s */
#define DOUBT_US    (3 * HOST_S)
#define NULL_CIPHER 1

/* ---- R1: what goes into I2 (section 5, MN on R1) ---- */

static bool offers(const struct hip_reg_info *i, uint8_t type)
{
    return i->present && hip_reg_has(i->type, i->n, type);
}

uint8_t host_fa_lifetime(const struct host_link *l, uint64_t wanted_us)
{
    uint8_t code = hip_reg_lifetime_code(wanted_us);

    if (code < l->info.min)
        code = l->info.min;
    return l->info.max && code > l->info.max ? l->info.max : code;
}

static bool group_allowed(uint8_t g)
{
    return g == 4 || (g >= 7 && g <= 9) || g == 11;
}

/* Which way this exchange goes. NULL: as said in *bind; else why it must not go on. */
static const char *judge(const struct host *h, struct host_link *l, const struct hip_action *a, bool *bind)
{
    const struct hip_reg_info *info = &l->info;

    *bind = false;
    l->udp = a->ask.path.peer.port != 0;
    if (!host_nat_service(l->udp, info, &l->service))
        return "the FA offers neither rendezvous nor relaying";
    l->discovery = l->udp && offers(info, HIP_REGT_CANDIDATE_DISCOVERY);
    if (l != h->main) /* only registers (section 17) */
        return l->fa->known ? NULL : "a partner that is not known";
    if (h->sim->state != HOST_SIM_READY)
        return h->c.no_binding_ok ? NULL : "no SIM";
    if (host_sim_bound(h) && l->fa->known)
        return NULL; /* section 7: comes back without AKA */
    if (!offers(info, HIP_BIND_REG_TYPE))
        return h->c.no_binding_ok ? NULL : "the FA does not offer SIM binding";
    if (a->ask.cipher == NULL_CIPHER || !group_allowed(a->ask.dh_group))
        return "cipher or group not allowed for SIM binding";
    if (!host_run_may_begin(h))
        return "no identity may be shown to this FA";
    *bind = true;
    return NULL;
}

void host_fa_request(const struct host_link *l, bool bind, uint8_t lifetime, struct hip_reg_list *out)
{
    struct hip_reg_list r = { .present = true, .lifetime = lifetime };

    if (bind)
        r.type[r.n++] = HIP_BIND_REG_TYPE;
    for (size_t i = 0; i < l->service.n; i++)
        r.type[r.n++] = l->service.type[i];
    *out = r;
}

void host_fa_ask(struct host *h, struct host_link *l, const struct hip_action *a)
{
    struct hip_answer ans = { .accept = true };
    uint8_t inner[HIP_INNER_MAX];
    struct wcur w = wcur_of(inner, sizeof inner);
    const char *why;
    bool bind;
    err e;

    host_timer_stop(h, &l->timer);
    l->opportunistic |= a->ask.opportunistic;
    l->peer = a->peer;
    l->info = a->ask.contents.info;
    l->offered = offers(&l->info, HIP_BIND_REG_TYPE);
    l->withdrawn = false;
    why = judge(h, l, a, &bind);
    if (!why && bind && host_run_begin(h, false, &w))
        why = "the run could not begin";
    if (why) {
        host_event(h, HOST_EV_REFUSED, LOG_LV_WARN, &a->peer, "%s", why);
        ans.accept = false;
    }
    host_fa_request(l, bind, host_fa_lifetime(l, h->c.reg_lifetime_s * HOST_S), &ans.contents.request);
    if (bind)
        ans.contents.inner = wcur_done(&w);
    else if (l->fa->known && host_sim_bound(h)) /* which record speaks for us (section 17) */
        ans.contents.di = (struct hip_domain_id){ HIP_DI_FQDN, dnsu_name_span(&h->sim->sealed.fqdn) };
    else
        ans.contents.di = h->c.hip.di;
    if (!bind && !l->fa->cert_invalid)
        ans.contents.certs = h->c.certs;
    l->bind_wanted = bind && !why;
    e = hip_answer(h->hip, a->ref, &ans, h->now, host_hip(h));
    sec_wipe(inner, sizeof inner); /* the IMSI in clear */
    if (e || why)
        host_fa_give_up(h, l, HOST_FA_RETRY, 0);
}

/* ---- registration ---- */

static void next_timer(struct host *h, struct host_link *l)
{
    uint64_t at = l->renew_us;

    if (l->asked_us) {
        at = l->asked_us + l->patience_us;
    } else {
        if (l->heard_us + h->c.probe_us < at)
            at = l->heard_us + h->c.probe_us;
        if (l->reg_until_us < at)
            at = l->reg_until_us;
    }
    host_timer_set(h, &l->timer, at > h->now ? at : h->now + 1);
}

void host_fa_heard(struct host *h, struct host_link *l)
{
    l->heard_us = h->now;
    l->asked_us = 0;
    if (l->state == HOST_FA_REGISTERED)
        next_timer(h, l);
}

static bool lists(const struct hip_reg_list *r, uint8_t type)
{
    return r->present && hip_reg_has(r->type, r->n, type);
}

/* The service that makes us reachable. */
static uint8_t main_service(const struct host_link *l)
{
    return l->service.n ? l->service.type[0] : HIP_REGT_RENDEZVOUS;
}

static bool relayed(const struct host_link *l)
{
    return main_service(l) == HIP_REGT_RELAY_UDP_HIP;
}

static const struct hip_reg_fail *failure(const struct hip_contents *c, uint8_t type)
{
    for (size_t i = 0; i < c->n_failed; i++)
        if (hip_reg_has(c->failed[i].type, c->failed[i].n, type))
            return &c->failed[i];
    return NULL;
}

static void trust(struct host *h, struct host_link *l)
{
    /* Section 5: packets with FROM or RELAY_FROM only after binding, or a registration by a bound HI at a known FA. A host without a SIM has
     * the operator's word alone (no_binding_ok). */
    if (h->sim->state == HOST_SIM_READY && !(host_sim_bound(h) && (l->fa->known || l->good_mac)))
        return;
    if (relayed(l) ? !hip_relay_trust(h->hip, l->ref, true) : !hip_rvs_trust(h->hip, l->ref, true))
        l->trusted = true;
}

bool host_fa_registered(struct host *h, struct host_link *l, const struct hip_reg_list *resp)
{
    bool first = l->state != HOST_FA_REGISTERED;

    if (hip_reg_ends(resp, main_service(l))) {
        host_fa_again(h, l, "registration withdrawn", h->c.retry_us);
        return true;
    }
    if (!lists(resp, main_service(l)))
        return false;
    l->reg_life_us = hip_reg_lifetime_us(resp->lifetime);
    l->reg_until_us = h->now + l->reg_life_us;
    l->renew_us = h->now + l->reg_life_us / 2;
    l->state = HOST_FA_REGISTERED;
    l->heard_us = h->now;
    l->asked_us = 0;
    if (l == h->main)
        l->fa->fails = 0;
    l->fa->unanswered = false;
    trust(h, l);
    /* The association must not end for want of traffic while the registration hangs on it. */
    if (hip_keep(h->hip, l->ref, l->reg_until_us, h->now))
        h->dropped++;
    next_timer(h, l);
    host_nat_registered(h, l);
    host_event(h, HOST_EV_REGISTERED, first ? LOG_LV_NOTICE : LOG_LV_INFO, &l->peer, "%s for %llu s",
               !first       ? "renewed"
               : relayed(l) ? "control relay"
                            : "rendezvous",
               (unsigned long long)(l->reg_life_us / HOST_S));
    if (first)
        host_partner_registered(h, l);
    return true;
}

void host_fa_bound(struct host *h)
{
    struct host_link *l = h->main;

    l->fa->known = true;
    l->fa->hit = l->peer;
    l->fa->fails = 0;
    trust(h, l);
}

/* Another offer than before (RFC 8003 s3.1). What it has no longer is not asked for again, and lives as long as it was granted; the relay and
 * rendezvous do not take each other's place on one association (RFC 9028 s7.8). */
static void offer_changed(struct host_link *l, const struct hip_reg_info *info)
{
    struct hip_reg_list s = { .n = 0 };

    if (host_nat_service(l->udp, info, &s) && s.type[0] != main_service(l))
        s.n = 0;
    l->info = *info;
    l->offered = offers(info, HIP_BIND_REG_TYPE);
    l->discovery = l->udp && offers(info, HIP_REGT_CANDIDATE_DISCOVERY);
    l->withdrawn = s.n == 0;
    if (s.n)
        l->service = s;
}

/* Bound we thought, but the FA does not know: the run, here and now. */
static void run_here(struct host *h, struct host_link *l, const char *why)
{
    host_event(h, HOST_EV_BINDING, LOG_LV_NOTICE, &l->peer, "%s: binding run", why);
    if (!l->offered || !host_run_may_begin(h) || host_run_begin_update(h, false)) {
        host_fa_give_up(h, l, HOST_FA_RETRY, 0);
        return;
    }
    l->state = HOST_FA_BINDING;
    host_timer_stop(h, &l->timer);
}

static void plain_answer(struct host *h, struct host_link *l, const struct hip_contents *c)
{
    const struct hip_reg_fail *f = failure(c, main_service(l));

    if (hip_reg_ends(&c->response, HIP_REGT_RELAY_UDP_ESP) && l->state == HOST_FA_REGISTERED) {
        l->renew_us = h->now + h->c.retry_us; /* its port broke (RFC 8003 s5): another one is asked for */
        next_timer(h, l);
    }
    if (host_fa_registered(h, l, &c->response) || !f)
        return;
    if (f->reason == 0 && h->sim->state == HOST_SIM_READY && l == h->main) {
        run_here(h, l, "the FA does not know our binding");
        return;
    }
    host_event(h, HOST_EV_REFUSED, LOG_LV_WARN, &l->peer, "registration refused, reason %u", f->reason);
    if (f->reason ==
        HIP_REGF_INVALID_CERTIFICATE) /* RFC 8003 s4.5 MUST NOT: the same set with the same one */
        l->fa->cert_invalid = true;
    host_fa_give_up(h, l, f->reason == 0 ? HOST_FA_RETRY : HOST_FA_NEXT, 0);
}

void host_fa_up(struct host *h, struct host_link *l, const struct hip_action *a)
{
    l->established = true;
    l->peer = a->peer;
    l->heard_us = h->now;
    l->udp = a->up.path.peer.port != 0;
    host_nat_told(h, l, &a->up.path, &a->up.contents);
    if (l->bind_wanted) {
        l->state = HOST_FA_BINDING;
        host_run_established(h);
        host_run_contents(h, &a->up.contents, true, 0);
        return;
    }
    plain_answer(h, l, &a->up.contents);
    if (l->established && l->state == HOST_FA_CONNECTING) {
        host_event(h, HOST_EV_REFUSED, LOG_LV_WARN, &a->peer, "the FA did not answer the registration");
        host_fa_give_up(h, l, HOST_FA_RETRY, 0);
    }
}

void host_fa_update(struct host *h, struct host_link *l, const struct hip_action *a)
{
    const struct hip_contents *c = &a->update.contents;
    struct hip_ref ref = a->ref;

    bool run = l == h->main && h->run.open;
    bool renewal = h->run.refresh && c->inner.n == 0 && !failure(c, HIP_BIND_REG_TYPE);

    host_fa_heard(h, l);
    host_nat_told(h, l, &a->update.path, c);
    if (l == h->main && ((run && !renewal) || c->inner.n))
        host_run_contents(h, c, false, a->update.id);
    else
        plain_answer(h, l, c);
    if (c->info.present && l->established)
        offer_changed(l, &c->info);
    /* While the card is asked the acknowledgement goes along with the answer; the engine sends it alone if that takes long. */
    if (l == h->main && h->run.open && h->run.at_card)
        return;
    if (hip_update_done(h->hip, ref, h->now, host_hip(h)) == ERR_FULL)
        h->dropped++;
}

void host_fa_acked(struct host *h, struct host_link *l, const struct hip_action *a)
{
    host_fa_heard(h, l);
}

/* Somebody who can only come over UDP asked for us, and a rendezvous server cannot let it through (docs/sim-binding.md section 16). */
void host_fa_notified(struct host *h, struct host_link *l, uint16_t code)
{
    /* No sign of life: a NOTIFY carries a signature and nothing that makes a repeated one old. */
    if (code != HIP_NTF_UDP_WANTED || l->state != HOST_FA_REGISTERED || relayed(l) || !h->c.udp_port ||
        h->now < l->fa->no_udp_us)
        return;
    l->fa->udp_only = true;
    host_fa_again(h, l, "asked for over UDP", 0);
}

/* ---- staying ---- */

/* A tenth of the binding's life is left: REFRESH needs a run (section 2). */
static bool refresh_due(const struct host *h, const struct host_link *l)
{
    const struct host_sealed *s = &h->sim->sealed;
    uint64_t left;

    if (l != h->main || !host_fa_bound_us(h, &l->peer) || s->bind != HOST_BIND_BOUND || !l->offered ||
        h->run.open || h->now < l->refresh_at_us)
        return false;
    left = s->bound_until_s - host_unix(h);
    return left < s->bound_life_s / 10;
}

static void ask_again(struct host *h, struct host_link *l, bool renew, uint64_t patience_us)
{
    struct hip_contents c = { .request = { .present = false } };

    if (renew) {
        host_fa_request(l, false, host_fa_lifetime(l, l->reg_life_us), &c.request);
        l->renew_us = h->now + l->reg_life_us / 8 + HOST_S; /* if it is acknowledged only */
    } else {
        host_nat_question(l, &c);
    }
    if (hip_update(h->hip, l->ref, &c, h->now, host_hip(h)))
        h->dropped++;
    l->asked_us = h->now;
    l->patience_us = patience_us;
}

void host_fa_asked(struct host *h, struct host_link *l, bool soon)
{
    if (l->state != HOST_FA_REGISTERED)
        return;
    if (!l->udp &&
        !l->asked_us) { /* nothing of ours is outstanding: the move's own acknowledgement is not told */
        ask_again(h, l, false, soon ? DOUBT_US : SILENT_US);
    } else {
        l->asked_us = h->now;
        l->patience_us = soon ? DOUBT_US : SILENT_US;
    }
    next_timer(h, l);
}

/* A few seconds do: what goes through it is lost until it is met again. */
void host_fa_doubt(struct host *h, struct host_link *l)
{
    if (l->state != HOST_FA_REGISTERED || l->asked_us || h->n_addr == 0 || h->now < l->heard_us + DOUBT_US)
        return;
    ask_again(h, l, false, DOUBT_US);
    next_timer(h, l);
}

void host_fa_stay(struct host *h, struct host_link *l)
{
    if (h->n_addr == 0) { /* silence is our own fault; host_addresses() will tell the FA where we are */
        l->asked_us = 0;
        l->heard_us = h->now;
        if (h->now < l->reg_until_us) {
            next_timer(h, l);
            return;
        }
    }
    if (h->now >= l->reg_until_us) {
        host_fa_again(h, l, "registration ran out", 0);
        return;
    }
    if (l->asked_us && h->now >= l->asked_us + l->patience_us) {
        host_fa_again(h, l, "no sign of life", 0);
        return;
    }
    if (!l->asked_us && h->now >= l->renew_us && l->withdrawn) {
        host_fa_again(h, l, "what we registered for is no longer offered", 0);
        return;
    }
    if (!l->asked_us && h->now >= l->renew_us)
        ask_again(h, l, true, SILENT_US);
    else if (!l->asked_us && h->now >= l->heard_us + h->c.probe_us)
        ask_again(h, l, false, SILENT_US);
    if (refresh_due(h, l) && host_run_begin_update(h, true))
        host_event(h, HOST_EV_BINDING, LOG_LV_WARN, &l->peer, "binding could not be refreshed now");
    next_timer(h, l);
}
