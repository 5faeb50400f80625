/* SPDX-License-Identifier: Apache-2.0
 *
 * BIND_RESPONSE at the mobile node (docs/sim-binding.md sections 5 to 7): BIND_MAC, then Attempt, then what it says; what is adopted of it is
 * sealed under the SIM before it counts. Notices, which come without having been asked for.
 */
#include <string.h>

#include "common/crypto/secret.h"
#include "host/core/host_priv.h"

#define HOUR_S 3600

/* Section 6: forget everything of the run, another FA, this one after an hour. */
static void alarm_end(struct host *h, const char *what)
{
    const struct hit fa = h->main->peer;

    host_event(h, HOST_EV_ALARM, LOG_LV_ERROR, &fa, "%s: run forgotten", what);
    host_run_failed(h, HOST_FA_HOUR, 0);
}

/* What the FA says is taken over only when all of it can be. */
static err adopt(struct host *h, const struct hip_bind_response *p)
{
    struct host_sealed *s = &h->sim->sealed;
    struct dnsu_name fqdn, name[HOST_FAS_MAX];

    if (p->n_fa == 0 || p->n_fa > HOST_FAS_MAX || dnsu_name_from_wire(p->fqdn, &fqdn))
        return ERR_MALFORMED;
    for (size_t i = 0; i < p->n_fa; i++)
        if (dnsu_name_from_wire(p->fa[i].name, &name[i]))
            return ERR_MALFORMED;
    s->bind = p->status == HIP_BIND_ST_BOUND ? HOST_BIND_BOUND : HOST_BIND_PENDING;
    s->fqdn = fqdn;
    s->bound_life_s = p->lifetime_s;
    s->bound_until_s = host_unix(h) + p->lifetime_s;
    s->n_fa = p->n_fa;
    for (size_t i = 0; i < p->n_fa; i++) {
        memcpy(s->fa[i].hit.b, p->fa[i].hit.p, sizeof s->fa[i].hit.b);
        s->fa[i].name = name[i];
    }
    if (h->run.has_secret) {
        memcpy(s->secret, h->run.secret, sizeof s->secret);
        s->has_secret = true;
    }
    h->sim->take = h->sim->take_secret = false;
    sec_wipe(h->sim->old_secret, sizeof h->sim->old_secret);
    return ERR_OK;
}

static void bound(struct host *h, const struct hip_bind_response *p, const struct hip_reg_list *resp)
{
    struct hip_assoc_view v;

    if (hip_assoc_get(h->hip, h->main->ref, &v) || !span_eq(p->fa_hi, v.peer_hi) || p->n_fa == 0 ||
        !span_eq(p->fa[0].hit, span_of(h->main->peer.b, sizeof h->main->peer.b))) {
        alarm_end(h, "the FA's HI in its answer is not the one of the exchange");
        return;
    }
    if (adopt(h, p)) {
        alarm_end(h, "the FA's answer does not parse");
        return;
    }
    h->run.finishing = true;
    h->run.granted = *resp;
    h->run.wait_us = h->run.end_us;
    host_run_timer(h);
    host_sim_save(h); /* then host_run_stored() */
}

void host_run_stored(struct host *h, bool ok)
{
    const struct host_sealed *s = &h->sim->sealed;
    struct hip_reg_list resp = h->run.granted;
    char text[DNSU_NAME_TEXT_MAX];

    if (!h->run.open || !h->run.finishing)
        return;
    if (!ok) {
        host_event(h, HOST_EV_STORE, LOG_LV_ERROR, NULL, "bound, but the store keeps nothing of it");
        host_run_failed(h, HOST_FA_RETRY, 0);
        return;
    }
    host_run_end(h);
    host_event(h, HOST_EV_BOUND, LOG_LV_NOTICE, &h->main->peer, "%s: %.240s",
               s->bind == HOST_BIND_BOUND ? "bound" : "pending, name reserved",
               dnsu_name_text(&s->fqdn, text));
    host_fa_bound(h);
    host_fa_learn(h);
    if (!host_fa_registered(h, h->main, &resp) && h->main->state != HOST_FA_REGISTERED)
        host_fa_give_up(h, h->main, HOST_FA_RETRY,
                        0); /* bound without the service: ask by a plain exchange */
}

/* Outcomes 2 to 8 of section 6. */
static void refused(struct host *h, const struct hip_bind_response *p)
{
    struct host_run *r = &h->run;
    uint64_t at = h->now + p->wait_s * HOST_S;
    bool more = r->attempt < HIP_BIND_ATTEMPTS;

    host_event(h, HOST_EV_REFUSED, LOG_LV_WARN, &h->main->peer, "%s%s%.*s", hip_bind_status_text(p->status),
               p->reason.n ? ": " : "", (int)p->reason.n, (const char *)p->reason.p);
    if (p->status == HIP_BIND_ST_NAME_REFUSED && more && r->refresh) {
        r->refresh = false; /* there is nothing to extend: ask for the name anew */
        host_run_next_attempt(h);
    } else if (p->status == HIP_BIND_ST_NAME_REFUSED && more && !r->opaque && h->n_want) {
        r->opaque = true; /* rather a name of the FA's choice than none */
        host_run_next_attempt(h);
    } else if (p->status == HIP_BIND_ST_TOO_MANY && more && h->c.take_over && !r->move) {
        r->move = true;
        host_run_next_attempt(h);
    } else if (p->status == HIP_BIND_ST_UNAVAILABLE && more && at < r->end_us) {
        r->retry_due = true;
        r->retry_at_us = at > h->now ? at : h->now + HOST_S;
        r->wait_us = r->end_us;
        host_run_timer(h);
    } else if (p->status == HIP_BIND_ST_NOT_SUBSCRIBED || p->status == HIP_BIND_ST_MALFORMED) {
        host_run_failed(h, HOST_FA_RETRY, p->wait_s > HOUR_S ? p->wait_s : HOUR_S);
    } else {
        host_run_failed(h, HOST_FA_RETRY, p->wait_s);
    }
}

void host_run_response(struct host *h, const struct hip_bind_inner *in, uint32_t id,
                       const struct hip_reg_list *resp)
{
    struct host_run *r = &h->run;
    uint8_t mac[HIP_BIND_KEY_LEN];
    struct hip_bind_response p;
    bool learnt;

    if (in->mac.n != sizeof mac || hip_bind_mac_fa(r->keys, id, r->request_mac, in->p, mac) ||
        !sec_equal(mac, in->mac.p, sizeof mac)) {
        alarm_end(h, "BIND_MAC of the FA is missing or wrong");
        return;
    }
    h->main->good_mac = true;
    learnt = host_identity_learn(h);
    if (hip_bind_response_parse(in->response, &p) || p.attempt != r->attempt) {
        alarm_end(h, "the FA's answer is malformed or of another attempt");
        return;
    }
    if (p.status == HIP_BIND_ST_BOUND || p.status == HIP_BIND_ST_PENDING)
        bound(h, &p, resp);
    else
        refused(h, &p);
    if (learnt && !r->finishing)
        host_sim_save(h);
}

bool host_run_notice(struct host *h, const struct hip_bind_inner *in)
{
    struct host_sealed *s = &h->sim->sealed;
    struct hip_bind_response p;
    bool had =
        h->sim->state == HOST_SIM_READY && (s->bind == HOST_BIND_BOUND || s->bind == HOST_BIND_PENDING);

    if (in->mac.n || hip_bind_response_parse(in->response, &p) || p.attempt != 0 || !had ||
        !(h->main->fa->known || h->main->good_mac))
        return false;
    if (p.status == HIP_BIND_ST_BOUND && s->bind == HOST_BIND_PENDING &&
        span_eq(p.fqdn, dnsu_name_span(&s->fqdn))) {
        s->bind = HOST_BIND_BOUND;
        host_event(h, HOST_EV_BOUND, LOG_LV_NOTICE, &h->main->peer, "the name is in the DNS now");
    } else if (p.status == HIP_BIND_ST_REVOKED || p.status == HIP_BIND_ST_MOVED) {
        s->bind = HOST_BIND_LOST;
        host_event(h, HOST_EV_LOST, LOG_LV_ERROR, &h->main->peer, "the binding was %s: the name is lost",
                   hip_bind_status_text(p.status));
    } else if (p.status == HIP_BIND_ST_HELD) { /* tells the user; nothing has changed */
        host_event(h, HOST_EV_ALARM, LOG_LV_WARN, &h->main->peer, "%.*s", (int)p.reason.n,
                   (const char *)p.reason.p);
        return true;
    } else {
        return false;
    }
    host_sim_save(h);
    if (s->bind == HOST_BIND_LOST)
        host_fa_down(h, true);
    return true;
}
