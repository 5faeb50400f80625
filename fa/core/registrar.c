/* SPDX-License-Identifier: Apache-2.0
 *
 * Registrar (RFC 8003): who may register for what. A bound HI whose subscriber is active, hosts on the allow list, each for its types, and hosts that bring
 * a certificate (credential.c); nobody else.
 * A revoked HI gets nothing whatever the lists say (docs/sim-binding.md section 1).
 */
#include <stdlib.h>
#include <string.h>

#include "common/crypto/secret.h"
#include "fa/core/core.h"
#include "hip/param_reg.h"
#include "hip/proto.h"
#include "hip/reg.h"

void fa_contents_fail(struct hip_contents *c, uint8_t reason, uint8_t type)
{
    for (size_t i = 0; i <= c->n_failed && i < sizeof c->failed / sizeof c->failed[0]; i++) {
        struct hip_reg_fail *x = &c->failed[i];
        if (i == c->n_failed) {
            *x = (struct hip_reg_fail){ .reason = reason };
            c->n_failed++;
        }
        if (x->reason != reason)
            continue;
        if (x->n < HIP_REG_TYPES_MAX && !hip_reg_has(x->type, x->n, type))
            x->type[x->n++] = type;
        return;
    }
}

void fa_contents_cancel(const struct fa *f, struct hip_contents *c)
{
    const struct hip_reg_offer *o = &f->c.hip.offer;
    c->response = (struct hip_reg_list){ .present = true };
    for (size_t i = 0; i < o->n && c->response.n < HIP_REG_TYPES_MAX - 1; i++)
        if (o->type[i] != FA_REG_DISCOVERY)
            c->response.type[c->response.n++] = o->type[i];
    c->response.type[c->response.n++] = FA_REG_SIM_BINDING;
}

static bool allowed_by_list(const struct fa *f, const struct hit *hit, uint8_t type)
{
    for (size_t i = 0; i < f->c.n_allow; i++)
        if (hit_eq(&f->allow[i].hit, hit) && hip_reg_has(f->allow[i].type, f->allow[i].n, type))
            return true;
    return false;
}

static bool allowed(const struct fa *f, const struct fa_guest *g, uint8_t type)
{
    return (g->bound && !g->rekey && !fa_reauth_owes(f, g)) || g->by_zone ||
           allowed_by_list(f, &g->peer, type);
}

/* Whether this type can be had on this association, whoever asks: 0xff, or the reason why not. Control relay and data relay are for
 * exchanges in UDP, rendezvous is for those without; and never both (RFC 9028 s7.8). */
#define CAN_BE 0xff
static uint8_t possible(const struct fa *f, const struct fa_guest *g, const struct hip_reg_list *req,
                        uint8_t type)
{
    const struct hip_reg_offer *o = &f->c.hip.offer;
    bool udp = g->path.peer.port != 0;
    if (!hip_reg_has(o->type, o->n, type))
        return HIP_REGF_TYPE_UNAVAILABLE;
    if (req->lifetime == 0)
        return CAN_BE;
    if (type != FA_REG_RENDEZVOUS)
        return udp ? CAN_BE : HIP_REGF_TYPE_UNAVAILABLE;
    if (udp && hip_reg_has(o->type, o->n, FA_REG_RELAY_HIP) &&
        (hip_reg_has(req->type, req->n, FA_REG_RELAY_HIP) ||
         hip_reg_has(g->type, g->n_type, FA_REG_RELAY_HIP)))
        return HIP_REGF_RVS_AND_RELAY;
    return udp ? HIP_REGF_TYPE_UNAVAILABLE : CAN_BE;
}

/* The relayed address that a request for RELAY_UDP_ESP is answered with. A first one, and another one where it is asked for alone and names none
 * (RFC 9028 s4.1); else the request renews. NULL: none left. */
static const struct addr *relayed_for(struct fa *f, struct fa_guest *g, const struct hip_reg_list *req)
{
    const struct fa_relayed *c = fa_client_make(f, g);
    if (!c)
        return NULL;
    for (uint8_t i = 0; i < c->n_port; i++)
        if (addr_eq(&c->port[i], &g->asked))
            return &c->port[i];
    bool more = req->n == 1 && g->asked.family == ADDR_NONE;
    return c->n_port && !more ? &c->port[0] : fa_client_port_open(f, g);
}

/* What a grant needs besides the entry; false: there is not enough of it. */
static bool provide(struct fa *f, struct fa_guest *g, const struct hip_reg_list *req, uint8_t type,
                    struct hip_contents *c)
{
    if (type == FA_REG_RELAY_HIP)
        return fa_client_make(f, g) != NULL;
    if (type != FA_REG_RELAY_ESP)
        return true;
    const struct addr *port = relayed_for(f, g, req);
    if (port)
        c->relayed = *port;
    return port != NULL;
}

static void cancel(struct fa *f, struct fa_guest *g, uint8_t type, struct hip_contents *c)
{
    if (type == FA_REG_RELAY_ESP && g->asked.family != ADDR_NONE && g->relay) {
        c->relayed = g->asked; /* this one alone (RFC 9028 s4.1) */
        fa_client_port_close(f, g, &g->asked);
        if (g->relay->n_port)
            return;
    }
    fa_registry_cancel(f, g, type, FA_ENDED_ASKED);
}

static void grant(struct fa *f, struct fa_guest *g, const struct hip_reg_list *req,
                  struct hip_reg_list *granted, struct hip_contents *c)
{
    struct hip_reg_list keep = { .lifetime = granted->lifetime }, ok = keep;
    if (hip_reg_has(granted->type, granted->n, FA_REG_RELAY_HIP)) /* never both (RFC 9028 s7.8) */
        fa_registry_cancel(f, g, FA_REG_RENDEZVOUS, FA_ENDED_ASKED);
    for (uint8_t i = 0; i < granted->n; i++) {
        uint8_t type = granted->type[i];
        if (!provide(f, g, req, type, c)) {
            fa_contents_fail(c, HIP_REGF_INSUFFICIENT_RESOURCES, type);
            continue;
        }
        ok.type[ok.n++] = type;
        if (type != FA_REG_DISCOVERY) /* leaves nothing behind (s4.2) */
            keep.type[keep.n++] = type;
    }
    if (keep.n && !fa_registry_set(f, g, &keep)) {
        for (uint8_t i = 0; i < keep.n; i++)
            fa_contents_fail(c, HIP_REGF_INSUFFICIENT_RESOURCES, keep.type[i]);
        fa_client_drop(f, g);
        c->relayed = (struct addr){ 0 };
        ok.n = 0;
    }
    if (g->relay && !g->registered)
        fa_client_drop(f, g);
    *granted = ok;
}

void fa_registrar_decide(struct fa *f, struct fa_guest *g, const struct hip_reg_list *req, uint8_t reason,
                         struct hip_contents *c)
{
    const struct hip_reg_offer *o = &f->c.hip.offer;
    struct hip_reg_list granted = { .lifetime = hip_reg_grant(req->lifetime, o->min, o->max) };
    /* RFC 8003 s3.3 MUST: a certificate that is refused is answered with the failure that says why. */
    bool barred = g->revoked || g->moved; /* whatever the lists say (docs/sim-binding.md section 1) */
    uint8_t refused = barred || reason ? reason : g->cert_refused;
    for (size_t i = 0; i < req->n_ended; i++)
        if (hip_reg_has(o->type, o->n, req->ended[i]))
            cancel(f, g, req->ended[i], c);
    for (size_t i = 0; i < req->n; i++) {
        uint8_t type = req->type[i], why = possible(f, g, req, type);
        if (type == FA_REG_SIM_BINDING)
            continue;
        if (why != CAN_BE)
            fa_contents_fail(c, why, type);
        else if (req->lifetime == 0 || (!barred && allowed(f, g, type)))
            granted.type[granted.n++] = type;
        else if (!barred && fa_credential_allows(f, g, type)) { /* RFC 8003 s3.3 MUST */
            granted.lifetime = fa_credential_lifetime(f, g, granted.lifetime);
            granted.type[granted.n++] = type;
        } else
            fa_contents_fail(c, barred ? 0 : refused, type);
    }
    if (req->lifetime == 0)
        for (size_t i = 0; i < granted.n; i++)
            cancel(f, g, granted.type[i], c);
    else
        grant(f, g, req, &granted, c);
    if (granted.n == 0)
        return;
    granted.present = true;
    c->response = granted;
}

void fa_registrar_end(struct fa *f, struct fa_guest *g, enum fa_ended why)
{
    struct hip_contents c = {
        .info = { .present = true, .min = f->c.hip.offer.min, .max = f->c.hip.offer.max }
    }; /* nothing is offered any more */
    c.response.present = true;
    for (uint8_t i = 0; i < g->n_type; i++)
        c.response.type[c.response.n++] = g->type[i];
    fa_registry_drop(f, g, why);
    if (fa_guest_send(f, g, &c) != ERR_OK)
        f->st.failed++;
}

/* ---- sending ---- */

err fa_guest_send(struct fa *f, struct fa_guest *g, const struct hip_contents *c)
{
    struct hip_answer a = { .accept = true, .contents = *c };
    bool discovery = hip_reg_has(c->response.type, c->response.n, FA_REG_DISCOVERY);
    if (g->heard.peer.port && f->c.hip.relay_server) /* RFC 9028 s4.1: in R2 and in every answer */
        a.contents.reg_from = g->heard.peer;
    if (!g->r2_owed && discovery) /* back through the interface that asked (s4.2) */
        return hip_update_on(f->hip, g->ref, &g->heard, &a.contents, f->now, fa_hip_out(f));
    if (!g->r2_owed)
        return hip_update(f->hip, g->ref, &a.contents, f->now, fa_hip_out(f));
    g->r2_owed = false;
    return hip_answer(f->hip, g->ref, &a, f->now, fa_hip_out(f));
}

static void send(struct fa *f, struct fa_guest *g, const struct hip_contents *c)
{
    if (fa_guest_send(f, g, c) != ERR_OK)
        f->st.failed++;
    fa_guest_timer(f, g);
}

void fa_guest_r2_bare(struct fa *f, struct fa_guest *g)
{
    struct hip_contents c = { 0 };
    if (g->check) { /* the stores have not answered: nothing is known about this host */
        for (size_t i = 0; i < g->check->req.n; i++)
            if (g->check->req.type[i] != FA_REG_SIM_BINDING)
                fa_contents_fail(&c, 2, g->check->req.type[i]);
    } else if (g->head_due) {
        c = g->head;
        g->head_due = false;
    }
    send(f, g, &c);
}

/* ---- what may be had here at all ---- */

/* The conditions under which R1 offers SIM_BINDING (section 1). */
static bool sim_allowed(const struct fa *f, const struct fa_guest *g)
{
    struct hip_assoc_view v;
    if (!f->c.sim_binding || hip_assoc_get(f->hip, g->ref, &v) != ERR_OK)
        return false;
    return g->direct && v.cipher != 1 && hit_suite(&g->peer) != 3 &&
           (v.dh_group == 4 || (v.dh_group >= 7 && v.dh_group <= 9) || v.dh_group == 11);
}

/* ---- the question to the stores ---- */

static void check_done(struct fa *f, struct fa_guest *g, uint8_t reason)
{
    struct fa_check *k = g->check;
    struct hip_contents c = { 0 };
    struct hip_bind_inner in = { 0 };
    bool sim = hip_reg_has(k->req.type, k->req.n, FA_REG_SIM_BINDING);
    g->check = NULL;
    fa_registrar_decide(f, g, &k->req, reason, &c);
    if (!sim || g->run) {
        send(f, g, &c);
        if (g->moved) /* it may not have heard of it (section 7) */
            fa_takeover_remind(f, g);
    } else if (!sim_allowed(f, g) || g->revoked) {
        fa_contents_fail(&c, g->revoked ? 0 : 1, FA_REG_SIM_BINDING);
        send(f, g, &c);
    } else {
        g->head = c;
        g->head_due = true;
        if (hip_bind_inner_parse(span_of(k->inner, k->inner_n), &in) != ERR_OK)
            in.eap = span_of(NULL, 0);
        if (in.eap.p)
            fa_bind_open(f, g, in.eap, &k->req);
        else
            fa_bind_invite(f, g, &k->req);
    }
    sec_wipe(k, sizeof *k); /* the identity in it */
    free(k);
    fa_guest_timer(f, g);
}

static void check_begin(struct fa *f, struct fa_guest *g, const struct hip_reg_list *req, struct span inner)
{
    struct fa_check *k = calloc(1, sizeof *k);
    if (!k) {
        struct hip_contents c = { 0 };
        for (size_t i = 0; i < req->n; i++)
            fa_contents_fail(&c, 2, req->type[i]);
        send(f, g, &c);
        return;
    }
    g->check = k;
    k->req = *req;
    if (inner.n <= sizeof k->inner) {
        memcpy(k->inner, inner.p ? inner.p : (const uint8_t *)"", inner.n);
        k->inner_n = (uint16_t)inner.n;
    }
    struct fa_job *j = fa_job_begin(f, FA_OWNER_CHECK, g->index, FA_JOB_FIND, &k->wait);
    if (!j) {
        fa_registrar_lost(f, g);
        return;
    }
    j->find.by = FA_FIND_HIT;
    memcpy(j->find.hit, g->peer.b, sizeof j->find.hit);
    fa_guest_timer(f, g);
}

void fa_registrar_lost(struct fa *f, struct fa_guest *g)
{
    g->check->wait.gen = 0;
    g->bound = false; /* what the zone last said of it holds until the registration ends */
    g->by_zone = false;
    check_done(f, g, 2);
}

/* The row that makes this association's HI a bound one, compared whole; g learns when one says that it was revoked or its name moved. */
static const struct fa_binding *row_of(const struct fa *f, struct fa_guest *g, const struct fa_result *r)
{
    struct hip_assoc_view v;
    const struct fa_binding *found = NULL;
    if (hip_assoc_get(f->hip, g->ref, &v) != ERR_OK)
        return NULL;
    for (size_t i = 0; i < r->find.n; i++) {
        const struct fa_binding *b = &r->find.v[i];
        if (memcmp(b->hit, g->peer.b, sizeof b->hit) != 0)
            continue;
        if (b->state == FA_BINDING_REVOKED && b->moved)
            g->moved = true;
        else if (b->state == FA_BINDING_REVOKED)
            g->revoked = true;
        if ((b->state == FA_BINDING_BOUND || b->state == FA_BINDING_INTENT) && b->left_s > 0 &&
            span_eq(span_of(b->hi, b->hi_len), v.peer_hi))
            found = b;
    }
    return found;
}

static void check_zone(struct fa *f, struct fa_guest *g)
{
    struct fa_check *k = g->check;
    struct fa_job *j = fa_job_begin(f, FA_OWNER_CHECK, g->index, FA_JOB_ZONE, &k->wait);
    k->partner = true;
    if (!j) {
        fa_registrar_lost(f, g);
        return;
    }
    fa_text(j->zone.name, sizeof j->zone.name, g->said);
    fa_guest_timer(f, g);
}

/* What the zone no longer says ends at once (section 17). */
static void check_partner(struct fa *f, struct fa_guest *g, const struct fa_result *r)
{
    g->by_zone = fa_partner_judge(f, g, r);
    if (g->by_zone)
        fa_text(g->name, sizeof g->name, g->said);
    else
        fa_registry_drop(f, g, FA_ENDED_WITHDRAWN);
    check_done(f, g, 0);
}

static void check_found(struct fa *f, struct fa_guest *g, const struct fa_result *r)
{
    struct fa_check *k = g->check;
    g->bound = g->revoked = g->moved = g->by_zone = false;
    g->binding = 0;
    const struct fa_binding *b = row_of(f, g, r);
    if (!b && !g->revoked && !g->moved && fa_partner_asks(f, g, &k->req)) {
        check_zone(f, g);
        return;
    }
    g->rekey = b && b->rekey;
    if (!b || g->revoked || b->suspended) {
        check_done(f, g, 0);
        return;
    }
    fa_text(g->subscriber, sizeof g->subscriber, b->subscriber);
    fa_text(g->name, sizeof g->name, b->name);
    g->binding = b->id;
    k->second = true;
    struct fa_job *j = fa_job_begin(f, FA_OWNER_CHECK, g->index, FA_JOB_SUBSCRIBER, &k->wait);
    if (!j) {
        fa_registrar_lost(f, g);
        return;
    }
    fa_text(j->subscriber.id, sizeof j->subscriber.id, b->subscriber);
    fa_guest_timer(f, g);
}

void fa_registrar_complete(struct fa *f, struct fa_guest *g, const struct fa_result *r)
{
    if (g->check->partner) {
        if (r->err != ERR_OK)
            fa_registrar_lost(f, g);
        else
            check_partner(f, g, r);
        return;
    }
    if (!g->check->second) {
        if (r->err != ERR_OK)
            fa_registrar_lost(f, g);
        else
            check_found(f, g, r);
        return;
    }
    if (r->err == ERR_OK && r->subscriber.s->active) {
        g->bound = true;
        g->fresh_us = f->now + f->c.subscriber_fresh_us;
        check_done(f, g, 0);
    } else if (r->err == ERR_OK || r->err == ERR_NOT_FOUND) {
        g->bound = false;
        check_done(f, g, 0);
    } else {
        fa_registrar_lost(f, g);
    }
}

/* ---- from the HIP engine ---- */

static void nothing_follows(struct fa *f, struct fa_guest *g)
{
    if (hip_update_done(f->hip, g->ref, f->now, fa_hip_out(f)) != ERR_OK)
        f->st.failed++;
}

/* REG_REQUEST{SIM_BINDING} with lifetime 0: the association's HI gives its binding back (section 1). */
static void unbind(struct fa *f, struct fa_guest *g)
{
    if (fa_txn_unbinding(f, g)) { /* asked again: one answer for all */
        nothing_follows(f, g);
        return;
    }
    struct fa_txn *t = fa_txn_new(f, TXN_UNBIND, g);
    struct fa_job *j = t ? fa_txn_job(f, t, STEP_FIND, FA_JOB_FIND) : NULL;
    if (j) {
        j->find.by = FA_FIND_HIT;
        memcpy(j->find.hit, g->peer.b, sizeof j->find.hit);
        return;
    }
    if (t)
        fa_txn_free(f, t);
    struct hip_contents c = { 0 };
    fa_contents_fail(&c, 2, FA_REG_SIM_BINDING);
    send(f, g, &c);
}

static bool gives_back(const struct hip_reg_list *req)
{
    return hip_reg_ends(req, FA_REG_SIM_BINDING);
}

static void heard(struct fa *f, struct fa_guest *g, const struct hip_path *path, const struct hip_contents *c)
{
    g->heard = *path;
    g->asked = c->relayed;
    fa_credential_heard(f, g, c);
}

static void refuse(struct fa *f, struct fa_guest *g, uint16_t notify)
{
    struct hip_answer no = { .accept = false, .notify = notify };
    struct hip_ref ref = g->ref;
    fa_guest_free(f, g);
    if (hip_answer(f->hip, ref, &no, f->now, fa_hip_out(f)) != ERR_OK)
        f->st.failed++;
}

void fa_registrar_ask(struct fa *f, const struct hip_action *a)
{
    struct fa_guest *g = fa_guest_new(f, a);
    if (!g) {
        struct hip_answer no = { .accept = false, .notify = HIP_NTF_RESPONDER_BUSY_PLEASE_RETRY };
        if (hip_answer(f->hip, a->ref, &no, f->now, fa_hip_out(f)) != ERR_OK)
            f->st.failed++;
        return;
    }
    g->direct = !a->ask.relayed;
    fa_partner_said(f, g, hip_domain_id_fqdn(&a->ask.contents.di));
    g->r2_owed = true;
    g->r2_until_us = f->now + FA_R2_WAIT_US;
    const struct hip_reg_list *req = &a->ask.contents.request;
    bool back = gives_back(req);
    heard(f, g, &a->ask.path, &a->ask.contents);
    if (f->c.reg_required && !(req->present && req->n)) {
        refuse(f, g, HIP_NTF_REG_REQUIRED);
        return;
    }
    if (req->present && req->n && !back) {
        check_begin(f, g, req, a->ask.contents.inner);
        return;
    }
    send(f, g, &(struct hip_contents){ 0 });
    if (back) /* the answer follows in an UPDATE, as when one asked */
        unbind(f, g);
}

static bool knows_enough(const struct fa *f, const struct fa_guest *g, const struct hip_reg_list *req)
{
    if (hip_reg_has(req->type, req->n, FA_REG_SIM_BINDING))
        return false;
    return req->lifetime == 0 || (g->bound && f->now < g->fresh_us);
}

/* What is refused is told: the client takes another way. */
static void permit(struct fa *f, struct fa_guest *g, const struct hip_action *a)
{
    int drop = fa_client_permit(f, g, &a->update.contents.permission, &a->update.path.peer);
    bool full = drop == HIP_DROP_OVER_QUOTA || drop == HIP_DROP_RELAY_BUSY;
    if (drop != HIP_TAKEN &&
        hip_notify(f->hip, g->ref, full ? HIP_NTF_RESPONDER_BUSY_PLEASE_RETRY : HIP_NTF_BLOCKED_BY_POLICY,
                   span_of(NULL, 0), f->now, fa_hip_out(f)) != ERR_OK)
        f->st.failed++;
}

void fa_registrar_update(struct fa *f, struct fa_guest *g, const struct hip_action *a)
{
    const struct hip_reg_list *req = &a->update.contents.request;
    struct hip_bind_inner in = { 0 };
    bool sane = hip_bind_inner_parse(a->update.contents.inner, &in) == ERR_OK;
    heard(f, g, &a->update.path, &a->update.contents);
    if (a->update.contents.has_permission)
        permit(f, g, a);
    bool asks = req->present && req->n;
    bool sim = asks && hip_reg_has(req->type, req->n, FA_REG_SIM_BINDING);

    if (sane && sim && in.eap.p && g->run && g->run->state == RUN_FURTHER)
        fa_bind_end(f, g); /* no further attempt: it begins anew */
    if (!sane) {
        nothing_follows(f, g);
    } else if (gives_back(req) && !g->run) {
        unbind(f, g);
    } else if (g->run && (in.eap.p || in.request.p)) {
        if (asks)
            g->run->req = *req;
        if (!fa_bind_update(f, g, &in, a->update.id))
            nothing_follows(f, g);
    } else if (asks && !g->check && knows_enough(f, g, req)) {
        struct hip_contents c = { 0 };
        fa_registrar_decide(f, g, req, 0, &c);
        send(f, g, &c);
    } else if (asks && !g->check) {
        check_begin(f, g, req, a->update.contents.inner);
    } else {
        nothing_follows(f, g);
    }
}
