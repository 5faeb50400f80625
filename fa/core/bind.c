/* SPDX-License-Identifier: Apache-2.0
 *
 * The SIM binding run (docs/sim-binding.md sections 1, 5, 6, 8): EAP packets between the MN's association and the authentication server.
 *
 *   RUN_AS -- Access-Challenge --> RUN_MN -- Response --> RUN_AS -- Access-Accept --> RUN_TXN (accept.c) --> RUN_FURTHER or over
 *
 * One EAP packet is outstanding at a time, and the AS is asked once for each packet of the MN: the HIP engine hands an UPDATE on once, and whatever comes
 * while an answer is awaited is acknowledged and ignored.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aka/eap.h"
#include "aka/eap_method.h"
#include "aka/nai.h"
#include "common/base/hex.h"
#include "common/crypto/secret.h"
#include "fa/core/core.h"
#include "hip/reg.h"

#define ROUNDS_MAX        8
#define ROUNDS_TLS_MAX    24 /* certificates come in pieces */
#define IDENTITIES_MAX    3
#define RESYNCS_MAX       1
#define NOTIFICATIONS_MAX 1

/* EAP-AKA subtypes, RFC 4187 s11 */
enum { SUB_SYNC_FAILURE = 4, SUB_IDENTITY = 5, SUB_NOTIFICATION = 12, SUB_REAUTHENTICATION = 13 };
#define AT_IDENTITY 14

#define TOO_OFTEN "too many runs of this identity without success"

static bool is_aka(uint8_t type)
{
    return type == EAP_TYPE_AKA || type == EAP_TYPE_AKA_PRIME;
}

bool fa_bind_permits(const struct fa *f, const struct fa_run *r, uint8_t type)
{
    uint8_t methods = f->realms[r->realm].methods;
    if (!methods)
        methods = FA_METHOD_AKA_PRIME | (f->c.allow_eap_aka ? FA_METHOD_AKA : 0);
    return (type == EAP_TYPE_AKA_PRIME && (methods & FA_METHOD_AKA_PRIME)) ||
           (type == EAP_TYPE_AKA && (methods & FA_METHOD_AKA)) ||
           (type == EAP_TYPE_TLS && (methods & FA_METHOD_TLS));
}

/* ---- end of a run ---- */

void fa_bind_end(struct fa *f, struct fa_guest *g)
{
    struct fa_run *r = g->run;
    if (!r)
        return;
    g->run = NULL;
    hip_bind_keys_free(r->keys);
    hip_bind_th_free(r->th);
    fa_admit_release(f, &r->source);
    free(r->charge);
    sec_wipe(r, sizeof *r); /* identity, and the last Challenge-Response */
    free(r);
}

void fa_bind_close_at(struct fa *f, struct fa_guest *g, uint64_t at_us)
{
    g->close_at_us = at_us;
    fa_guest_timer(f, g);
}

/* What a packet that ends the run in failure says: SIM_BINDING and what is not granted, for this reason. */
static void failure(struct fa_guest *g, uint8_t reason, const struct hip_reg_list *req,
                    struct hip_contents *c)
{
    if (g->head_due && g->head.response.present)
        c->response = g->head.response;
    g->head_due = false;
    fa_contents_fail(c, reason, FA_REG_SIM_BINDING);
    for (size_t i = 0; i < req->n; i++)
        if (!hip_reg_has(g->type, g->n_type, req->type[i]))
            fa_contents_fail(c, reason, req->type[i]);
}

static void send_failure(struct fa *f, struct fa_guest *g, uint8_t reason, struct span eap, const char *why)
{
    struct hip_contents c = { 0 };
    uint8_t buf[64];
    struct wcur w = wcur_of(buf, sizeof buf);
    failure(g, reason, &g->run->req, &c);
    if (eap.n)
        hip_bind_put_eap(&w, eap);
    c.inner = wcur_done(&w);
    if (fa_guest_send(f, g, &c) != ERR_OK)
        f->st.failed++;
    f->st.refused++;
    fa_emit_event(f, FA_EVENT_REFUSED, &g->peer, NULL, NULL, reason, why);
}

void fa_bind_fail(struct fa *f, struct fa_guest *g, uint8_t reason, struct span eap, const char *why)
{
    fa_audit(f, &g->peer, g->run->imsi, NULL, why);
    send_failure(f, g, reason, eap, why);
    fa_bind_end(f, g);
    if (reason == 0)
        fa_bind_close_at(f, g, f->now + FA_CLOSE_US);
    fa_guest_timer(f, g);
}

void fa_bind_reject(struct fa *f, struct fa_guest *g, const char *why)
{
    fa_alarm(f, &g->peer, g->run->imsi, why);
    send_failure(f, g, 0, span_of(NULL, 0), why);
    fa_bind_end(f, g);
    if (hip_notify(f->hip, g->ref, NOTIFY_AUTHENTICATION_FAILED, span_of(NULL, 0), f->now, fa_hip_out(f)) !=
        ERR_OK)
        f->st.failed++;
    fa_bind_close_at(f, g, f->now + FA_REJECT_CLOSE_US);
}

/* ---- towards the AS ---- */

static const struct fa_realm *realm_of(const struct fa *f, struct span realm, uint16_t *index)
{
    for (size_t i = 0; i < f->c.n_realms; i++) {
        const char *have = f->realms[i].realm;
        size_t n = strlen(have), k = 0;
        if (n != realm.n)
            continue;
        while (k < n && (realm.p[k] >= 'A' && realm.p[k] <= 'Z' ? realm.p[k] + 32 : realm.p[k]) == have[k])
            k++;
        if (k == n) {
            *index = (uint16_t)i;
            return &f->realms[i];
        }
    }
    return NULL;
}

/* A pseudonym comes without a realm where its server gave it so (RFC 4187 s4.1.1.7): that of the last good run of this HI; or the only one there is. */
static bool realm_without(const struct fa *f, const struct fa_guest *g, uint16_t *index)
{
    *index = 0;
    return f->c.n_realms == 1 || fa_reauth_realm(f, &g->peer, index);
}

/* Response/Identity: User-Name, and the realm that decides whom to ask. ERR_NOT_FOUND: realm not configured. */
static err take_identity(const struct fa *f, const struct fa_guest *g, struct fa_run *r, struct span identity)
{
    struct aka_nai nai;
    uint16_t realm;
    if (identity.n == 0 || identity.n >= sizeof r->user || nai_parse(identity, &nai) != ERR_OK)
        return ERR_MALFORMED;
    if (nai.realm.n ? !realm_of(f, nai.realm, &realm) : !realm_without(f, g, &realm))
        return ERR_NOT_FOUND;
    if (realm != r->realm) { /* State is for the server that gave it, and for nobody else */
        r->state_len = 0;
        r->server = 0;
    }
    r->realm = realm;
    memcpy(r->user, identity.p, identity.n);
    r->user[identity.n] = '\0';
    return ERR_OK;
}

static void ask_as(struct fa *f, struct fa_guest *g, struct span eap)
{
    struct fa_run *r = g->run;
    struct fa_job *j = fa_job_begin(f, FA_OWNER_RUN, g->index, FA_JOB_AS, &r->wait);
    if (!j) {
        fa_bind_fail(f, g, 2, span_of(NULL, 0), "no room for a request to the authentication server");
        return;
    }
    char hex[33];
    r->wait.until_us = f->now + FA_AS_WAIT_US;
    r->state = RUN_AS;
    j->as.realm = r->realm;
    j->as.server = r->server;
    snprintf(j->as.nas_id, sizeof j->as.nas_id, "HIP:%s", hex_encode(span_of(g->local.b, 16), hex));
    fa_text(j->as.user, sizeof j->as.user, r->user);
    memcpy(j->as.eap, eap.p, eap.n);
    j->as.eap_len = (uint16_t)eap.n;
    memcpy(j->as.state, r->as_state, r->state_len);
    j->as.state_len = r->state_len;
    fa_guest_timer(f, g);
}

/* ---- beginning ---- */

/* A run for this guest, or NULL with the refusal sent. */
static struct fa_run *begin(struct fa *f, struct fa_guest *g, const struct hip_reg_list *req)
{
    struct hip_assoc_view v;
    struct fa_own *own = fa_own_find(f, &g->local);
    struct addr source;
    struct fa_run *r = calloc(1, sizeof *r);
    bool in =
        r && own && hip_assoc_get(f->hip, g->ref, &v) == ERR_OK && fa_admit_run(f, &g->path.peer, &source);
    if (in) {
        r->source = source;
        r->req = *req;
        r->end_us = f->now + FA_RUN_US;
        r->th = hip_bind_th_new(v.peer_hi, span_of(own->hi, own->hi_len));
        g->run = r;
        if (r->th) {
            f->st.runs++;
            fa_emit_event(f, FA_EVENT_RUN, &g->peer, NULL, NULL, 0, NULL);
            return r;
        }
        fa_bind_end(f, g);
    } else {
        free(r);
    }
    struct hip_contents c = { 0 };
    failure(g, 2, req, &c);
    if (fa_guest_send(f, g, &c) != ERR_OK)
        f->st.failed++;
    f->st.refused++;
    fa_emit_event(f, FA_EVENT_REFUSED, &g->peer, NULL, NULL, 2, "over the limits on runs");
    return NULL;
}

void fa_bind_open(struct fa *f, struct fa_guest *g, struct span eap, const struct hip_reg_list *req)
{
    struct eap_pkt p;
    struct fa_run *r = begin(f, g, req);
    if (!r)
        return;
    if (eap_parse(eap, &p) != ERR_OK || p.code != EAP_RESPONSE || p.type != EAP_TYPE_IDENTITY) {
        fa_bind_fail(f, g, 1, span_of(NULL, 0), "a run begins with an identity");
        return;
    }
    if (take_identity(f, g, r, p.data) != ERR_OK) {
        fa_bind_fail(f, g, 1, span_of(NULL, 0), "realm is not configured");
        return;
    }
    if (!fa_budget_take(f, g)) {
        fa_bind_fail(f, g, 2, span_of(NULL, 0), TOO_OFTEN);
        return;
    }
    r->method = p.type;
    hip_bind_th_add(r->th, eap);
    ask_as(f, g, eap);
}

static void request_to_mn(struct fa *f, struct fa_guest *g, struct span eap)
{
    struct fa_run *r = g->run;
    struct hip_contents c = { 0 };
    uint8_t buf[FA_INNER_MAX];
    struct wcur w = wcur_of(buf, sizeof buf);
    hip_bind_put_eap(&w, eap);
    if (g->head_due)
        c = g->head;
    g->head_due = false;
    c.inner = wcur_done(&w);
    hip_bind_th_add(r->th, eap);
    r->eap_id = eap.p[1];
    r->rounds++;
    r->held = false; /* a BIND_REQUEST is void as soon as another EAP Request goes out */
    r->state = RUN_MN;
    if (fa_guest_send(f, g, &c) != ERR_OK)
        f->st.failed++;
    fa_emit_event(f, FA_EVENT_CHALLENGE, &g->peer, NULL, NULL, eap.p[4], NULL);
    fa_guest_timer(f, g);
}

void fa_bind_invite(struct fa *f, struct fa_guest *g, const struct hip_reg_list *req)
{
    uint8_t buf[8], id;
    if (!begin(f, g, req))
        return;
    env_random(f->c.env, &id, 1);
    size_t n = eap_write(buf, sizeof buf, EAP_REQUEST, id, EAP_TYPE_IDENTITY, span_of(NULL, 0));
    g->run->identities++;
    request_to_mn(f, g, span_of(buf, n));
}

/* ---- from the MN ---- */

static void hold(struct fa_run *r, const struct hip_bind_inner *in, uint32_t update_id)
{
    r->held = false;
    if (!in->request.p || in->p.n > sizeof r->held_p)
        return;
    memcpy(r->held_p, in->p.p, in->p.n);
    r->held_n = (uint16_t)in->p.n;
    r->request_off = (uint16_t)(in->request.p - in->p.p);
    r->request_n = (uint16_t)in->request.n;
    memcpy(r->held_mac, in->mac.p, sizeof r->held_mac);
    r->held_id = update_id;
    r->held = true;
}

/* The last AT_IDENTITY is the identity that the AS goes by (RFC 4187 s7). */
static void note_at_identity(struct fa_run *r, struct span data)
{
    struct rcur c = rcur_of(data);
    rcur_skip(&c, 3); /* subtype, reserved */
    while (rcur_left(&c) >= 4) {
        uint8_t type = rcur_u8(&c);
        uint8_t words = rcur_u8(&c);
        struct rcur v = rcur_sub(&c, words ? (size_t)words * 4 - 2 : 0);
        if (words == 0 || !rcur_ok(&c))
            return;
        if (type != AT_IDENTITY)
            continue;
        struct span id = rcur_take(&v, rcur_u16(&v));
        if (rcur_ok(&v) && id.n && id.n < sizeof r->at_identity && !memchr(id.p, 0, id.n)) {
            memcpy(r->at_identity, id.p, id.n);
            r->at_identity[id.n] = '\0';
        }
    }
}

/* Why this Response ends the run; NULL: it does not. */
static const char *unwelcome(const struct fa *f, struct fa_run *r, const struct eap_pkt *p,
                             char text[EAP_REFUSAL_MAX])
{
    if (p->type != EAP_TYPE_IDENTITY && p->type != EAP_TYPE_NOTIFICATION && p->type != EAP_TYPE_NAK &&
        !fa_bind_permits(f, r, p->type))
        return eap_method_refusal(p->type, text);
    if (!is_aka(p->type) || p->data.n == 0)
        return NULL;
    r->last_sub = p->data.p[0];
    if (r->last_sub == SUB_REAUTHENTICATION)
        return "fast re-authentication is not used";
    if (r->last_sub == SUB_SYNC_FAILURE && ++r->resyncs > RESYNCS_MAX)
        return "too many resynchronisations";
    if (r->last_sub == SUB_IDENTITY)
        note_at_identity(r, p->data);
    return NULL;
}

static bool response(struct fa *f, struct fa_guest *g, const struct hip_bind_inner *in, uint32_t update_id)
{
    struct fa_run *r = g->run;
    struct eap_pkt p;
    if (eap_parse(in->eap, &p) != ERR_OK || p.code != EAP_RESPONSE || p.id != r->eap_id)
        return false;
    char text[EAP_REFUSAL_MAX];
    const char *why = unwelcome(f, r, &p, text);
    if (why) {
        fa_bind_fail(f, g, 0, span_of(NULL, 0), why);
        return true;
    }
    if (p.type == EAP_TYPE_IDENTITY && take_identity(f, g, r, p.data) != ERR_OK) {
        fa_bind_fail(f, g, 1, span_of(NULL, 0), "realm is not configured");
        return true;
    }
    if (!r->user[0]) { /* invited, and it does not say who it is */
        fa_bind_fail(f, g, 0, span_of(NULL, 0), "a run begins with an identity");
        return true;
    }
    if (!r->counted && !fa_budget_take(f, g)) { /* the run was begun by us */
        fa_bind_fail(f, g, 2, span_of(NULL, 0), TOO_OFTEN);
        return true;
    }
    r->method = p.type;
    hip_bind_th_add(r->th, in->eap);
    hold(r, in, update_id);
    ask_as(f, g, in->eap);
    return true;
}

bool fa_bind_update(struct fa *f, struct fa_guest *g, const struct hip_bind_inner *in, uint32_t update_id)
{
    struct fa_run *r = g->run;
    if (r->state == RUN_MN && in->eap.p)
        return response(f, g, in, update_id);
    if (r->state == RUN_FURTHER && in->request.p && !in->eap.p) {
        hold(r, in, update_id);
        fa_attempt(f, g);
        return true;
    }
    return false;
}

/* ---- from the AS ---- */

/* Limits on what the AS asks the MN; NULL: within. */
static const char *over_limit(struct fa_run *r, const struct eap_pkt *p)
{
    uint8_t sub = is_aka(p->type) && p->data.n ? p->data.p[0] : 0;
    if (r->rounds >= (p->type == EAP_TYPE_TLS ? ROUNDS_TLS_MAX : ROUNDS_MAX))
        return "too many EAP rounds";
    if ((p->type == EAP_TYPE_IDENTITY || sub == SUB_IDENTITY) && ++r->identities > IDENTITIES_MAX)
        return "too many identity requests";
    if ((p->type == EAP_TYPE_NOTIFICATION || sub == SUB_NOTIFICATION) &&
        ++r->notifications > NOTIFICATIONS_MAX)
        return "too many notifications";
    return NULL;
}

static void challenge(struct fa *f, struct fa_guest *g, const struct fa_result *res)
{
    struct fa_run *r = g->run;
    struct eap_pkt p;
    if (eap_parse(res->as.eap, &p) != ERR_OK || p.code != EAP_REQUEST || res->as.state.n > FA_STATE_MAX) {
        fa_bind_fail(f, g, 1, span_of(NULL, 0), "Access-Challenge without EAP Request");
        return;
    }
    const char *why = over_limit(r, &p);
    if (why) {
        fa_bind_fail(f, g, 0, span_of(NULL, 0), why);
        return;
    }
    r->server = res->as.server;
    r->state_len = (uint8_t)res->as.state.n;
    memcpy(r->as_state, res->as.state.p ? res->as.state.p : (const uint8_t *)"", res->as.state.n);
    request_to_mn(f, g, p.whole);
}

static void rejected(struct fa *f, struct fa_guest *g, const struct fa_result *res)
{
    struct eap_pkt p;
    uint8_t fail[4];
    if (eap_parse(res->as.eap, &p) == ERR_OK && p.code == EAP_FAILURE)
        memcpy(fail, p.whole.p, sizeof fail);
    else if (eap_write_end(fail, sizeof fail, EAP_FAILURE, g->run->eap_id) == 0)
        return;
    fa_bind_fail(f, g, 0, span_of(fail, sizeof fail), "authentication failed");
}

void fa_bind_complete(struct fa *f, struct fa_guest *g, const struct fa_result *res)
{
    if (res->err != ERR_OK) {
        fa_budget_free(g->run);
        fa_bind_fail(f, g, res->err == ERR_FULL ? 2 : 1, span_of(NULL, 0),
                     "authentication server does not answer");
        return;
    }
    switch (res->as.code) {
    case FA_AS_CHALLENGE:
        challenge(f, g, res);
        break;
    case FA_AS_ACCEPT:
        fa_accept(f, g, res);
        break;
    case FA_AS_REJECT:
        rejected(f, g, res);
        break;
    }
}

/* ---- time ---- */

void fa_bind_timeout(struct fa *f, struct fa_guest *g)
{
    struct fa_run *r = g->run;
    if (r->wait.gen && r->wait.until_us <= f->now) {
        r->wait.gen = 0; /* what still comes is late */
        fa_budget_free(r);
        fa_bind_fail(f, g, 1, span_of(NULL, 0), "authentication server does not answer");
        return;
    }
    if (r->state == RUN_FURTHER) { /* no further attempt came: K is wiped, the association may stay */
        fa_bind_end(f, g);
        return;
    }
    f->st.refused++;
    fa_emit_event(f, FA_EVENT_REFUSED, &g->peer, NULL, NULL, 0, "run took too long");
    fa_audit(f, &g->peer, r->imsi, NULL, "run took too long");
    fa_bind_end(f, g);
    fa_bind_close_at(f, g, f->now);
}
