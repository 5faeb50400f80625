/* SPDX-License-Identifier: Apache-2.0
 *
 * From Access-Accept to BIND_RESPONSE (docs/sim-binding.md section 5, "FA on Access-Accept", and section 6): who the subscriber is, the keys, BIND_MAC, then
 * and only then BIND_REQUEST, which becomes a transaction; and the transaction's outcome back to the MN under BIND_MAC.
 */
#include <stdlib.h>
#include <string.h>

#include "aka/eap.h"
#include "aka/nai.h"
#include "common/crypto/hash.h"
#include "common/crypto/secret.h"
#include "dnsupd/hiprr.h"
#include "fa/core/core.h"
#include "hip/reg.h"

/* ---- who it is ---- */

/* IMSI out of an attribute's text: bare digits, digits behind a leading '0' or '6', or a permanent identity as NAI. */
static bool imsi_in(struct span text, char out[FA_IMSI_MAX])
{
    struct aka_nai nai;
    char bare[FA_IMSI_MAX + 1];
    if (text.n == 0 || text.n > NAI_TEXT_MAX - 1)
        return false;
    if (text.n <= FA_IMSI_MAX - 1) {
        memcpy(bare, text.p, text.n);
        bare[text.n] = '\0';
        if (strlen(bare) == text.n && imsi_valid(bare)) {
            memcpy(out, bare, text.n + 1);
            return true;
        }
    }
    if (nai_parse(text, &nai) != ERR_OK || !nai.imsi[0])
        return false;
    fa_text(out, FA_IMSI_MAX, nai.imsi);
    return true;
}

/* A method without a SIM: Chargeable-User-Identity, which only the AS can say, is the operator's subscriber id. User-Name may be what the MN said. */
static bool id_in(struct span text, char out[FA_ID_MAX])
{
    if (text.n == 0 || text.n >= FA_ID_MAX)
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= ' ' || text.p[i] > '~')
            return false;
    memcpy(out, text.p, text.n);
    out[text.n] = '\0';
    return true;
}

/* The first source that is there decides (section 5); what it says must be an IMSI. What the MN said counts only where the AS is trusted to have
 * checked it. */
static bool subscriber_of(const struct fa *f, const struct fa_run *r, const struct fa_result *res,
                          char out[FA_IMSI_MAX])
{
    const struct span from_as[] = { res->as.imsi, res->as.cui, res->as.user };
    for (size_t i = 0; i < sizeof from_as / sizeof from_as[0]; i++)
        if (from_as[i].n)
            return imsi_in(from_as[i], out);
    if (!f->realms[r->realm].trust_eap_identity)
        return false;
    const char *said = r->at_identity[0] ? r->at_identity : r->user;
    return strchr(said, '@') && imsi_in(span_str(said), out);
}

bool fa_of_realm(const struct fa_realm *realm, const char *imsi)
{
    for (size_t i = 0; i < realm->n_plmn; i++)
        if (realm->plmn[i][0] && strncmp(imsi, realm->plmn[i], strlen(realm->plmn[i])) == 0)
            return true;
    return false;
}

/* ---- keys ---- */

static err make_keys(struct fa *f, struct fa_guest *g, const struct fa_result *res)
{
    uint8_t th[HIP_BIND_TH_LEN], msk[HIP_MSK_LEN];
    const uint8_t *exported;
    err e = hip_assoc_export(f->hip, g->ref, &exported);
    if (e == ERR_OK)
        e = hip_bind_th_get(g->run->th, th);
    if (e != ERR_OK)
        return e;
    memcpy(msk, res->as.recv_key.p, HIP_MSK_LEN / 2);
    memcpy(msk + HIP_MSK_LEN / 2, res->as.send_key.p, HIP_MSK_LEN / 2);
    g->run->keys = hip_bind_keys_new(exported, msk, th);
    sec_wipe(msk, sizeof msk);
    g->run->keys_until_us = f->now + FA_KEYS_US;
    return g->run->keys ? ERR_OK : ERR_MEMORY;
}

/* What accounting gives back to the AS (RFC 2865 s5.25, RFC 4372 s2.1). Without memory for it the sessions are charged to the subscriber id. */
static struct fa_charge *charge_of(const struct fa *f, const struct fa_result *res)
{
    struct fa_charge *c = f->c.account_s ? calloc(1, sizeof *c) : NULL;
    if (!c)
        return NULL;
    if (res->as.user.n && res->as.user.n <= sizeof c->user) {
        c->user_len = (uint8_t)res->as.user.n;
        memcpy(c->user, res->as.user.p, res->as.user.n);
    }
    if (res->as.cui.n && res->as.cui.n <= sizeof c->cui) {
        c->cui_len = (uint8_t)res->as.cui.n;
        memcpy(c->cui, res->as.cui.p, res->as.cui.n);
    }
    if (res->as.class_v.n && res->as.class_v.n <= sizeof c->class_v) {
        c->class_len = (uint16_t)res->as.class_v.n;
        memcpy(c->class_v, res->as.class_v.p, res->as.class_v.n);
    }
    return c;
}

void fa_accept(struct fa *f, struct fa_guest *g, const struct fa_result *res)
{
    struct fa_run *r = g->run;
    struct eap_pkt p;
    const char *why = NULL;
    r->by_id = r->method == EAP_TYPE_TLS;
    if (eap_parse(res->as.eap, &p) != ERR_OK || p.code != EAP_SUCCESS)
        why = "Access-Accept without EAP Success";
    else if (!fa_bind_permits(f, r, r->method))
        why = "Access-Accept after a method that is not permitted";
    else if (res->as.recv_key.n != HIP_MSK_LEN / 2 || res->as.send_key.n != HIP_MSK_LEN / 2)
        why = "Access-Accept without MSK, or of a wrong length";
    else if (!(r->by_id ? id_in(res->as.cui, r->imsi) : subscriber_of(f, r, res, r->imsi)))
        why = "Access-Accept names no subscriber";
    else if (!r->by_id && !fa_of_realm(&f->realms[r->realm], r->imsi))
        why = "subscriber does not belong to the realm that was asked";
    else if (!r->held)
        why = "no BIND_MAC";
    if (why) {
        fa_bind_reject(f, g, why);
        return;
    }
    if (make_keys(f, g, res) != ERR_OK) {
        fa_bind_fail(f, g, 2, span_of(NULL, 0), "no memory for keys");
        return;
    }
    memcpy(r->success, p.whole.p, sizeof r->success);
    r->success_due = true;
    free(r->charge);
    r->charge = charge_of(f, res);
    fa_attempt(f, g);
}

/* ---- BIND_REQUEST ---- */

/* The HI to bind: item 1, proven by item 2, or the association's. Status 6's reason, NULL when it is all right. */
static const char *take_hi(struct fa *f, struct fa_guest *g, const struct hip_bind_request *q,
                           struct fa_binding *b)
{
    struct hip_hi hi = { 0 };
    struct hip_assoc_view v;
    uint8_t msg[HIP_BIND_PROOF_MAX];
    const char *why = NULL;
    g->run->other_hi = q->hi.n != 0;
    if (hip_assoc_get(f->hip, g->ref, &v) != ERR_OK)
        return "association is gone";
    if (hip_hi_from_wire(q->hi.n ? q->hi : v.peer_hi, &hi) != ERR_OK)
        return "host identity is not one we know";
    if (q->hi.n) {
        size_t n = hip_bind_proof_msg(false, hip_bind_keys_th(g->run->keys), &hi.hit, msg);
        if (hip_hi_verify(&hi, span_of(msg, n), q->hi_proof) != ERR_OK)
            why = "host identity is not proven";
        g->run->other_hi = !hit_eq(&hi.hit, &g->peer);
    }
    /* A point with 0x04 in front has another DNS form, and that another HIT. */
    if (!why && hi.x962)
        why = "host identity in a form that the DNS cannot hold";
    if (!why && hi.suite != 1 && hi.suite != 2)
        why = "HIT suite of the host identity is not allowed";
    struct dnsu_hiprr rr = { .hit = span_of(hi.hit.b, sizeof hi.hit.b),
                             .rvs = span_of(f->rvs_wire, f->rvs_wire_len),
                             .n_rvs = f->n_rvs };
    size_t len = 0;
    if (!why && (hip_hi_to_dns(&hi, &rr.pk_alg, &rr.pk) != ERR_OK ||
                 dnsu_hiprr_encode(&rr, b->rdata, sizeof b->rdata, &len) != ERR_OK))
        why = "host identity has no DNS form";
    if (!why) {
        b->rdata_len = (uint16_t)len;
        memcpy(b->hit, hi.hit.b, sizeof b->hit);
        b->hi_len = hi.wire_len;
        memcpy(b->hi, hi.wire, hi.wire_len);
    }
    hip_hi_done(&hi);
    return why;
}

/* Item 5 is kept as a salted hash. */
static err take_secret(struct fa *f, struct fa_run *r, const struct hip_bind_request *q, struct fa_binding *b)
{
    uint8_t secret[HIP_BIND_SECRET_LEN];
    if (!q->secret.n)
        return ERR_OK;
    err e = hip_bind_mask(r->keys, q->attempt, HIP_BIND_ITEM_SECRET, q->secret.p, secret);
    env_random(f->c.env, b->secret_salt, sizeof b->secret_salt);
    struct span in[] = { span_of(b->secret_salt, sizeof b->secret_salt), span_of(secret, sizeof secret) };
    if (e == ERR_OK)
        e = hash_spans(HASH_SHA256, in, 2, b->secret_hash);
    sec_wipe(secret, sizeof secret);
    b->has_secret = e == ERR_OK;
    return e;
}

static void answer_now(struct fa *f, struct fa_guest *g, uint8_t status, uint32_t wait_s, const char *reason)
{
    struct fa_txn_out o = { .status = status, .wait_s = wait_s };
    fa_text(o.reason, sizeof o.reason, reason);
    fa_attempt_answer(f, g, &o, NULL);
}

static void begin_txn(struct fa *f, struct fa_guest *g, const struct hip_bind_request *q)
{
    struct fa_run *r = g->run;
    struct fa_txn *t = fa_txn_new(f, TXN_BIND, g);
    if (!t) {
        answer_now(f, g, HIP_BIND_ST_UNAVAILABLE, FA_WAIT_SHORT, "too many transactions");
        return;
    }
    const char *why = take_hi(f, g, q, &t->b);
    if (!why && take_secret(f, r, q, &t->b) != ERR_OK)
        why = "secret cannot be taken";
    if (!why && (q->flags & HIP_BIND_MOVE) && fa_takeover_new(t, r, q) != ERR_OK)
        why = "proofs of the old host identity cannot be taken";
    if (why) {
        fa_txn_free(f, t);
        answer_now(f, g, HIP_BIND_ST_HI_REFUSED, 0, why);
        return;
    }
    for (size_t i = 0; i < q->n_wanted; i++)
        if (fa_name_from_wire(q->wanted[i], t->wanted[i]) != ERR_OK)
            fa_text(t->wanted[i], sizeof t->wanted[i], "?"); /* nobody's domain: refused with the others */
    t->n_wanted = q->n_wanted;
    memcpy(t->b.device, q->device.p ? q->device.p : (const uint8_t *)"", q->device.n);
    t->refresh = q->flags & HIP_BIND_REFRESH;
    t->wanted_s = q->lifetime_s;
    r->state = RUN_TXN;
    r->txn = t->index;
    r->txn_gen = t->gen;
    fa_emit_event(f, FA_EVENT_ACCEPTED, &g->peer, r->imsi, NULL, q->attempt, NULL);
    fa_guest_timer(f, g);
    fa_txn_bind_start(f, t, r);
}

void fa_attempt(struct fa *f, struct fa_guest *g)
{
    struct fa_run *r = g->run;
    struct hip_bind_request q;
    uint8_t mac[HIP_BIND_MAC_LEN];
    if (hip_bind_mac_mn(r->keys, r->held_id, span_of(r->held_p, r->held_n), mac) != ERR_OK ||
        !sec_equal(mac, r->held_mac, sizeof mac)) {
        fa_bind_reject(f, g, "BIND_MAC is wrong");
        return;
    }
    fa_budget_free(r);
    struct span contents = span_of(r->held_p + r->request_off, r->request_n);
    uint16_t attempt = (uint16_t)(contents.p[2] << 8 | contents.p[3]);
    if (hip_bind_request_parse(contents, &q) != ERR_OK || q.attempt != r->attempt + 1) {
        r->attempt = attempt;
        answer_now(f, g, HIP_BIND_ST_MALFORMED, 0, "BIND_REQUEST is malformed or out of turn");
        return;
    }
    r->attempt = attempt;
    begin_txn(f, g, &q);
}

/* ---- BIND_RESPONSE ---- */

static uint8_t reg_reason(uint8_t status)
{
    return status == HIP_BIND_ST_UNAVAILABLE ? 2 : 0;
}

static bool is_final(uint8_t status)
{
    return status <= HIP_BIND_ST_NOT_SUBSCRIBED || status == HIP_BIND_ST_MALFORMED;
}

struct response_buf {
    uint8_t name[255];
};

/* Items of a bound or pending one. */
static void put_bound(const struct fa *f, const struct fa_own *own, const struct fa_binding *b,
                      struct response_buf *buf, struct hip_bind_response *p)
{
    p->fqdn = span_of(buf->name, fa_name_to_wire(b->name, buf->name));
    p->lifetime_s = b->lifetime_s;
    p->n_fa = 1;
    p->fa[0].hit = span_of(own->hit.b, sizeof own->hit.b);
    p->fa[0].name = span_of(f->name_wire, f->name_wire_len);
    p->fa_hi = span_of(own->hi, own->hi_len);
}

static err put_signed(struct fa *f, struct fa_guest *g, const struct hip_bind_response *p, struct wcur *w)
{
    struct fa_run *r = g->run;
    uint8_t mac[HIP_BIND_MAC_LEN];
    uint32_t id;
    err e = hip_update_id(f->hip, g->ref, &id);
    if (e != ERR_OK)
        return e;
    if (r->success_due)
        hip_bind_put_eap(w, span_of(r->success, sizeof r->success));
    hip_bind_put_response(w, p);
    if (!wcur_ok(w))
        return ERR_SPACE;
    e = hip_bind_mac_fa(r->keys, id, r->held_mac, wcur_done(w), mac);
    hip_bind_put_mac(w, mac);
    return e != ERR_OK || wcur_ok(w) ? e : ERR_SPACE;
}

/* REG_RESPONSE and REG_FAILED beside the answer (section 6). */
static void put_registration(struct fa *f, struct fa_guest *g, uint8_t status, struct hip_contents *c)
{
    const struct hip_reg_list *req = &g->run->req;
    if (status > HIP_BIND_ST_PENDING) {
        fa_contents_fail(c, reg_reason(status), FA_REG_SIM_BINDING);
        for (size_t i = 0; i < req->n; i++)
            if (!hip_reg_has(g->type, g->n_type, req->type[i]))
                fa_contents_fail(c, reg_reason(status), req->type[i]);
        return;
    }
    fa_registrar_decide(f, g, req, 0, c);
    struct hip_reg_list *l = &c->response;
    if (!l->present) /* the lifetime of SIM_BINDING means nothing here, but 0 would cancel */
        *l = (struct hip_reg_list){ .present = true, .lifetime = f->c.hip.offer.max };
    if (l->n < HIP_REG_TYPES_MAX)
        l->type[l->n++] = FA_REG_SIM_BINDING;
}

static void count(struct fa *f, struct fa_guest *g, const struct fa_txn_out *o, const struct fa_binding *b)
{
    enum fa_event_type e = o->status == HIP_BIND_ST_BOUND     ? FA_EVENT_BOUND
                           : o->status == HIP_BIND_ST_PENDING ? FA_EVENT_PENDING
                                                              : FA_EVENT_REFUSED;
    if (e == FA_EVENT_BOUND)
        f->st.bound++;
    else if (e == FA_EVENT_PENDING)
        f->st.pending++;
    else
        f->st.refused++;
    if (e == FA_EVENT_REFUSED)
        fa_audit(f, &g->peer, g->run->imsi, NULL, o->reason);
    fa_emit_event(f, e, &g->peer, b ? b->subscriber : g->run->imsi, b ? b->name : NULL, o->status, o->reason);
}

/* From now on its sessions are charged to whom the AS named. */
static void charge(struct fa *f, const struct fa_run *r, const struct fa_binding *b)
{
    struct fa_job *j = r->charge ? fa_job_unheard(f, FA_JOB_CHARGE) : NULL;
    if (!j)
        return;
    memcpy(j->charge.hit, b->hit, sizeof j->charge.hit);
    j->charge.who = *r->charge;
}

void fa_attempt_answer(struct fa *f, struct fa_guest *g, const struct fa_txn_out *o,
                       const struct fa_binding *b)
{
    struct fa_run *r = g->run;
    struct hip_contents c = { 0 };
    struct hip_bind_response p = { .status = o->status, .attempt = r->attempt, .wait_s = o->wait_s };
    struct response_buf name;
    uint8_t inner[FA_INNER_MAX];
    struct wcur w = wcur_of(inner, sizeof inner);
    struct fa_own *own = fa_own_find(f, &g->local);

    p.reason = span_str(o->reason);
    if (b && own)
        put_bound(f, own, b, &name, &p);
    if (b && !r->other_hi) {
        g->bound = true;
        g->revoked = g->moved = g->rekey = false;
        fa_reauth_done(f, g);
        g->fresh_us = f->now + f->c.subscriber_fresh_us;
        fa_text(g->subscriber, sizeof g->subscriber, b->subscriber);
        fa_text(g->name, sizeof g->name, b->name);
        g->binding = b->id;
    }
    if (b)
        charge(f, r, b);
    put_registration(f, g, o->status, &c);
    err e = put_signed(f, g, &p, &w);
    c.inner = wcur_done(&w);
    if (e == ERR_OK)
        e = fa_guest_send(f, g, &c);
    if (e != ERR_OK)
        f->st.failed++;
    count(f, g, o, b);
    r->success_due = false;
    r->held = false;
    r->state = RUN_FURTHER;
    if (is_final(o->status) || r->attempt >= HIP_BIND_ATTEMPTS || e != ERR_OK)
        fa_bind_end(f, g);
    fa_guest_timer(f, g);
}

/* ---- notices (section 7) ---- */

void fa_notice(struct fa *f, uint8_t status, const struct fa_binding *b, const char *reason)
{
    struct hit hit;
    memcpy(hit.b, b->hit, sizeof hit.b);
    struct fa_guest *g = fa_guest_by_peer(f, &hit);
    struct fa_own *own = g ? fa_own_find(f, &g->local) : NULL;
    if (!own || g->r2_owed)
        return;
    struct hip_contents c = { 0 };
    struct hip_bind_response p = { .status = status, .reason = span_str(reason) };
    struct response_buf name;
    uint8_t inner[FA_INNER_MAX];
    struct wcur w = wcur_of(inner, sizeof inner);
    if (status <= HIP_BIND_ST_PENDING) {
        put_bound(f, own, b, &name, &p);
    } else if (status != HIP_BIND_ST_HELD) { /* which only tells the user */
        fa_contents_cancel(f, &c);
        g->bound = false;
        g->moved = status == HIP_BIND_ST_MOVED;
        g->revoked = status == HIP_BIND_ST_REVOKED && b->state == FA_BINDING_REVOKED;
        fa_registry_drop(f, g, g->moved ? FA_ENDED_MOVED : FA_ENDED_WITHDRAWN);
    }
    hip_bind_put_response(&w, &p);
    c.inner = wcur_done(&w);
    if (!wcur_ok(&w) || hip_update(f->hip, g->ref, &c, f->now, fa_hip_out(f)) != ERR_OK)
        f->st.failed++;
    fa_guest_timer(f, g);
}
