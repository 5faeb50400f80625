/* SPDX-License-Identifier: Apache-2.0
 *
 * One run of the SIM binding, the mobile node's side (docs/sim-binding.md sections 1 to 6): EAP-AKA' with the card behind it, then BIND_REQUEST
 * under keys that hang on the run, the Diffie-Hellman secret and both host identities. What the FA answers to it is judged in
 * host/core/bind_answer.c.
 */
#include <stdio.h>
#include <string.h>

#include "aka/eap_method.h"
#include "common/base/hex.h"
#include "common/crypto/secret.h"
#include "hip/param_reg.h"
#include "host/core/host_priv.h"

#define RUN_US   (60 * HOST_S)
#define WAIT_US  (20 * HOST_S)
#define NAME_PRE "HIP:"

static void on_timer(struct host *h, struct host_timer *t);
static void handle(struct host *h, const struct aka_peer_action *act);

void host_run_init(struct host *h)
{
    h->run.timer.fire = on_timer;
}

void host_run_end(struct host *h)
{
    struct host_run *r = &h->run;
    struct host_timer t = r->timer;
    uint32_t gen = r->gen;

    aka_peer_free(r->eap);
    host_login_free(r->login);
    hip_bind_th_free(r->th);
    hip_bind_keys_free(r->keys);
    heap_remove(&h->timers, &r->timer.node);
    t.node = r->timer.node;
    sec_wipe(r, sizeof *r);
    r->timer = t;
    r->gen = gen + 1;
}

void host_run_timer(struct host *h)
{
    struct host_run *r = &h->run;
    uint64_t at = r->end_us < r->wait_us ? r->end_us : r->wait_us;

    if (r->retry_due && r->retry_at_us < at)
        at = r->retry_at_us;
    host_timer_set(h, &r->timer, at);
}

static void progress(struct host *h)
{
    h->run.wait_us = h->now + WAIT_US;
    host_run_timer(h);
}

void host_run_failed(struct host *h, enum host_fa_end how, uint32_t wait_s)
{
    if (h->run.refresh && h->main->state == HOST_FA_REGISTERED && how != HOST_FA_HOUR) {
        /* The binding lives on; only its extension did not succeed this time. */
        h->runs_failed++;
        h->main->refresh_at_us = h->now + host_jitter(h, (wait_s > 600 ? wait_s : 600) * HOST_S);
        host_run_end(h);
        return;
    }
    host_fa_give_up(h, h->main, how, wait_s);
}

/* ---- beginning ---- */

bool host_run_may_begin(const struct host *h)
{
    const struct host_sim *s = h->sim;

    return s->state == HOST_SIM_READY && s->sealed.bind != HOST_BIND_LOST && host_identity_any(h);
}

static void set_up_aka(struct host *h)
{
    struct host_run *r = &h->run;

    if (h->c.allow_eap_aka && h->main->fa->known)
        aka_peer_allow_aka(r->eap);
    if (!h->c.no_fs)
        aka_peer_forward_secrecy(r->eap, h->env, h->c.require_fs);
}

/* Both HIs begin the transcript; the FA's is in the association since R1. */
static err open_run(struct host *h, bool refresh)
{
    struct host_run *r = &h->run;
    const struct hip_hi *own = &h->sim->sealed.hi;
    struct hip_assoc_view v;
    err e;

    host_run_end(h);
    e = hip_assoc_get(h->hip, h->main->ref, &v);
    if (e || v.peer_hi.n == 0)
        return ERR_STATE;
    if (h->c.login.identity)
        r->login = host_login_new(&h->c.login);
    else
        r->eap = aka_peer_new();
    r->th = hip_bind_th_new(span_of(own->wire, own->wire_len), v.peer_hi);
    if ((!r->eap && !r->login) || !r->th) {
        host_run_end(h);
        return ERR_MEMORY;
    }
    if (r->eap)
        set_up_aka(h);
    r->open = true;
    r->refresh = refresh;
    r->move = !refresh && h->sim->take;
    r->end_us = r->wait_us = h->now + RUN_US;
    h->runs++;
    host_run_timer(h);
    return ERR_OK;
}

err host_run_begin(struct host *h, bool refresh, struct wcur *w)
{
    struct aka_peer_action act;
    err e = open_run(h, refresh);

    if (e)
        return e;
    if (h->run.login)
        host_login_start(h->run.login, &act);
    else
        e = aka_peer_start(h->run.eap, host_identity_show(h, AKA_ID_EAP), &act);
    if (e || act.type != AKA_PEER_SEND) {
        host_run_end(h);
        return e ? e : ERR_STATE;
    }
    hip_bind_th_add(h->run.th, act.octets);
    hip_bind_put_eap(w, act.octets);
    return wcur_ok(w) ? ERR_OK : ERR_SPACE;
}

static err send(struct host *h, const struct wcur *w)
{
    struct hip_contents c = { .request = { .present = true } };

    host_fa_request(h->main, true, host_fa_lifetime(h->main, h->c.reg_lifetime_s * HOST_S), &c.request);
    c.inner = wcur_done(w);
    if (!wcur_ok(w))
        return ERR_SPACE;
    return hip_update(h->hip, h->main->ref, &c, h->now, host_hip(h));
}

err host_run_begin_update(struct host *h, bool refresh)
{
    uint8_t inner[HIP_INNER_MAX];
    struct wcur w = wcur_of(inner, sizeof inner);
    err e = host_run_begin(h, refresh, &w);

    if (!e)
        e = send(h, &w);
    sec_wipe(inner, sizeof inner); /* the IMSI in clear */
    if (e)
        host_run_end(h);
    else
        progress(h);
    return e;
}

void host_run_established(struct host *h)
{
    progress(h);
}

/* ---- BIND_REQUEST ---- */

static err make_keys(struct host *h)
{
    struct host_run *r = &h->run;
    const uint8_t *export_key, *msk = r->login ? host_login_msk(r->login) : aka_peer_msk(r->eap);
    uint8_t th[HIP_BIND_TH_LEN];
    err e = hip_assoc_export(h->hip, h->main->ref, &export_key);

    if (!e)
        e = hip_bind_th_get(r->th, th);
    if (e)
        return e;
    if (!msk)
        return ERR_STATE;
    hip_bind_keys_free(r->keys);
    r->keys = hip_bind_keys_new(export_key, msk, th);
    if (r->login)
        host_login_msk_wipe(r->login);
    else
        aka_peer_msk_wipe(r->eap);
    r->attempt = 0;
    return r->keys ? ERR_OK : ERR_CRYPTO;
}

/* Item 5: the same secret as before, or one made now; it counts when the FA has answered well. */
static err add_secret(struct host *h, struct hip_bind_request *q, uint8_t masked[HIP_BIND_SECRET_LEN])
{
    struct host_run *r = &h->run;
    const struct host_sealed *s = &h->sim->sealed;
    err e;

    if (h->c.forget_secret)
        return ERR_OK;
    if (s->has_secret)
        memcpy(r->secret, s->secret, sizeof r->secret);
    else if (!r->has_secret)
        env_random(h->env, r->secret, sizeof r->secret);
    r->has_secret = true;
    e = hip_bind_mask(r->keys, r->attempt, HIP_BIND_ITEM_SECRET, r->secret, masked);
    if (!e)
        q->secret = span_of(masked, HIP_BIND_SECRET_LEN);
    return e;
}

/* Item 7: the secret of the host whose name we ask for. */
static err add_old_secret(struct host *h, struct hip_bind_request *q, uint8_t masked[HIP_BIND_SECRET_LEN])
{
    err e;

    if (!h->run.move || !h->sim->take_secret)
        return ERR_OK;
    e = hip_bind_mask(h->run.keys, h->run.attempt, HIP_BIND_ITEM_OLD_SECRET, h->sim->old_secret, masked);
    if (!e)
        q->old_secret = span_of(masked, HIP_BIND_SECRET_LEN);
    return e;
}

static err put_request(struct host *h, struct wcur *w)
{
    struct host_run *r = &h->run;
    struct hip_bind_request q = { .lifetime_s = h->c.want_lifetime_s };
    uint8_t masked[HIP_BIND_SECRET_LEN], old[HIP_BIND_SECRET_LEN];
    uint32_t id;
    err e;

    q.attempt = ++r->attempt;
    if (r->refresh)
        q.flags = HIP_BIND_REFRESH;
    if (r->move)
        q.flags |= HIP_BIND_MOVE;
    if (!r->refresh && !r->opaque)
        for (size_t i = 0; i < h->n_want; i++)
            q.wanted[q.n_wanted++] = dnsu_name_span(&h->want[i]);
    if (h->label[0])
        q.device = span_str(h->label);
    e = add_secret(h, &q, masked);
    if (!e)
        e = add_old_secret(h, &q, old);
    if (!e)
        e = hip_update_id(h->hip, h->main->ref, &id);
    if (e)
        return e;
    hip_bind_put_request(w, &q);
    e = hip_bind_mac_mn(r->keys, id, wcur_done(w), r->request_mac);
    if (!e)
        hip_bind_put_mac(w, r->request_mac);
    return e;
}

void host_run_next_attempt(struct host *h)
{
    uint8_t inner[HIP_INNER_MAX];
    struct wcur w = wcur_of(inner, sizeof inner);

    h->run.retry_due = false;
    if (put_request(h, &w) || send(h, &w)) {
        host_run_failed(h, HOST_FA_RETRY, 0);
        return;
    }
    host_event(h, HOST_EV_BINDING, LOG_LV_INFO, &h->main->peer, "BIND_REQUEST, attempt %u", h->run.attempt);
    progress(h);
}

/* ---- EAP ---- */

static void send_eap(struct host *h, const struct aka_peer_action *act)
{
    uint8_t inner[HIP_INNER_MAX];
    struct wcur w = wcur_of(inner, sizeof inner);
    const struct hit fa = h->main->peer;
    err e = ERR_OK;

    hip_bind_th_add(h->run.th, act->octets);
    hip_bind_put_eap(&w, act->octets);
    if (act->proof) {
        e = make_keys(h);
        if (!e)
            e = put_request(h, &w);
    }
    if (!e)
        e = send(h, &w);
    sec_wipe(inner, sizeof inner); /* an AT_IDENTITY in clear */
    if (e) {
        host_event(h, HOST_EV_BINDING, LOG_LV_ERROR, &fa, "cannot answer: %s", err_text(e));
        host_run_failed(h, HOST_FA_RETRY, 0);
        return;
    }
    if (act->over) { /* Authentication-Reject, Client-Error, an alert of TLS: then CLOSE */
        if (h->run.login)
            host_event(h, HOST_EV_REFUSED, LOG_LV_WARN, &fa, "authentication server refused: %s",
                       host_login_why(h->run.login));
        else
            host_event(h, HOST_EV_REFUSED, LOG_LV_WARN, &fa, "challenge refused: %s",
                       aka_reason_text(act->reason));
        host_run_failed(h, HOST_FA_RETRY, 0);
        return;
    }
    if (act->proof)
        host_event(h, HOST_EV_BINDING, LOG_LV_INFO, &fa, "network authenticated; BIND_REQUEST sent");
    else if (act->reason != AKA_R_OK && act->reason != AKA_R_METHOD)
        host_event(h, HOST_EV_BINDING, LOG_LV_NOTICE, &fa, "answered: %s", aka_reason_text(act->reason));
    progress(h);
}

/* "HIP:" and the FA's HIT as 32 lower-case digits, all 36 octets (section 4). */
static bool names_fa(const struct host *h, struct span name)
{
    char want[sizeof NAME_PRE + 32];

    memcpy(want, NAME_PRE, sizeof NAME_PRE - 1);
    hex_encode(span_of(h->main->peer.b, sizeof h->main->peer.b), want + sizeof NAME_PRE - 1);
    return span_eq(name, span_str(want));
}

/* The FA the network names is this one, or one that we know goes by another name; in AKA there is no name, and only a known FA gets so far. */
static bool acceptable(const struct host *h, const struct aka_peer_action *act)
{
    const struct host_fa *f = h->main->fa;

    if (act->method == EAP_TYPE_AKA)
        return f->known;
    return h->run.named ||
           (f->known && f->network_name[0] && span_eq(act->net_name, span_str(f->network_name)));
}

/* Section 5: the name is judged before the card is asked. */
static void challenge(struct host *h, const struct aka_peer_action *act)
{
    struct host_run *r = &h->run;
    struct aka_peer_action next;
    struct host_job_slot *slot;
    struct host_job *job;

    r->named = names_fa(h, act->net_name);
    if (!acceptable(h, act)) {
        host_event(h, HOST_EV_ALARM, LOG_LV_WARN, &h->main->peer,
                   "the home network names another access than this FA");
        aka_peer_refuse_name(r->eap, &next);
        handle(h, &next);
        return;
    }
    job = host_job_new(h, HOST_JOB_SIM_AUTH, &slot);
    if (!job) {
        host_run_failed(h, HOST_FA_RETRY, 0);
        return;
    }
    slot->gen = r->gen;
    memcpy(job->auth.rand, act->rand, sizeof job->auth.rand);
    memcpy(job->auth.autn, act->autn, sizeof job->auth.autn);
    r->at_card = true;
    progress(h);
}

static void handle(struct host *h, const struct aka_peer_action *act)
{
    struct aka_peer_action next;

    switch (act->type) {
    case AKA_PEER_NONE:
        host_event(h, HOST_EV_BINDING, LOG_LV_INFO, &h->main->peer, "EAP packet ignored: %s",
                   aka_reason_text(act->reason));
        break;
    case AKA_PEER_SEND:
        send_eap(h, act);
        break;
    case AKA_PEER_IDENTITY:
        aka_peer_identity(h->run.eap, host_identity_show(h, act->id_req), &next);
        if (next.type != AKA_PEER_IDENTITY)
            handle(h, &next);
        break;
    case AKA_PEER_CHALLENGE:
        challenge(h, act);
        break;
    case AKA_PEER_SUCCESS: /* means nothing by itself (section 5) */
        break;
    case AKA_PEER_FAILED:
        host_event(h, HOST_EV_REFUSED, LOG_LV_WARN, &h->main->peer, "authentication failed: %s",
                   aka_reason_text(act->reason));
        host_run_failed(h, HOST_FA_RETRY, 0);
        break;
    }
}

static void take_eap(struct host *h, struct span eap)
{
    struct host_run *r = &h->run;
    struct aka_peer_action act;
    char text[EAP_REFUSAL_MAX];

    if (r->at_card)
        return; /* one EAP packet is outstanding at a time */
    if (r->login)
        host_login_input(r->login, eap, &act);
    else
        aka_peer_input(r->eap, eap, &act);
    if (act.reason == AKA_R_DUPLICATE)
        return; /* answered before; HIP retransmits, EAP does not */
    if (act.reason == AKA_R_METHOD)
        host_event(h, HOST_EV_BINDING, LOG_LV_WARN, &h->main->peer, "%s", eap_method_refusal(eap.p[4], text));
    if (act.type == AKA_PEER_SEND || act.type == AKA_PEER_IDENTITY || act.type == AKA_PEER_CHALLENGE) {
        /* A new request: it belongs to the transcript, and a BIND_REQUEST sent before it is void (section 1). */
        hip_bind_th_add(r->th, eap);
        hip_bind_keys_free(r->keys);
        r->keys = NULL;
        r->retry_due = false;
    }
    handle(h, &act);
}

void host_run_card(struct host *h, const struct host_job_slot *s, const struct host_result *r)
{
    struct usim_auth none = { .verdict = USIM_UNUSABLE };
    struct aka_peer_action act;

    if (!h->run.open || s->gen != h->run.gen || !h->run.at_card)
        return;
    h->run.at_card = false;
    aka_peer_card(h->run.eap, r->e || !r->auth ? &none : r->auth, &act);
    handle(h, &act);
}

/* ---- R2 and UPDATE ---- */

static const struct hip_reg_fail *failure(const struct hip_contents *c)
{
    for (size_t i = 0; i < c->n_failed; i++)
        for (size_t k = 0; k < c->failed[i].n; k++)
            if (c->failed[i].type[k] == HIP_BIND_REG_TYPE)
                return &c->failed[i];
    return NULL;
}

static bool newer(struct host_run *r, uint32_t id)
{
    if (r->any_update && (int32_t)(id - r->last_update) <= 0)
        return false;
    r->any_update = true;
    r->last_update = id;
    return true;
}

/* The FA asks for a run (section 1). */
static void asked(struct host *h, struct span eap, uint32_t id)
{
    if (eap.n < 5 || eap.p[0] != EAP_REQUEST || eap.p[4] != EAP_TYPE_IDENTITY || !host_run_may_begin(h) ||
        open_run(h, host_sim_bound(h)))
        return;
    newer(&h->run, id);
    take_eap(h, eap);
}

void host_run_contents(struct host *h, const struct hip_contents *c, bool r2, uint32_t update_id)
{
    struct host_run *r = &h->run;
    struct hip_bind_inner in = { .p = { NULL, 0 } };
    struct hip_reg_fail fail = { .n = 0 };
    const struct hip_reg_list resp = c->response;
    uint32_t gen;

    if (failure(c))
        fail = *failure(c); /* what c borrows may go with the next call into the engine */
    if (c->inner.n && hip_bind_inner_parse(c->inner, &in)) {
        host_event(h, HOST_EV_BINDING, LOG_LV_WARN, &h->main->peer,
                   "parameters of the binding are malformed");
        if (r->open)
            host_run_failed(h, HOST_FA_RETRY, 0);
        return;
    }
    if (in.response.n && host_run_notice(h, &in)) /* also while a run is open: what it ends is ended */
        return;
    if (!r->open) {
        if (in.eap.n)
            asked(h, in.eap, update_id);
        return;
    }
    gen = r->gen;
    if (in.response.n && r->keys && !r->finishing) {
        host_run_response(h, &in, update_id, &resp);
        return;
    }
    if (in.eap.n && (r2 || newer(r, update_id)))
        take_eap(h, in.eap);
    if (fail.n && r->open && r->gen == gen) {
        host_event(h, HOST_EV_REFUSED, LOG_LV_WARN, &h->main->peer, "binding refused, reason %u",
                   fail.reason);
        host_run_failed(h, fail.reason == 0 ? HOST_FA_RETRY : HOST_FA_NEXT, 0);
    }
}

static void on_timer(struct host *h, struct host_timer *t)
{
    struct host_run *r = &h->run;

    if (!r->open)
        return;
    if (r->retry_due && h->now >= r->retry_at_us) {
        host_run_next_attempt(h);
        return;
    }
    host_event(h, HOST_EV_BINDING, LOG_LV_WARN, &h->main->peer, "the FA went silent during the binding");
    host_run_failed(h, HOST_FA_RETRY, 0);
}
