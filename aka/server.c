/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/server.h"

#include <string.h>

#include "aka/checkcode.h"
#include "common/crypto/secret.h"

enum server_state {
    SRV_NEW,       /* waiting for Response/Identity */
    SRV_IDENTITY,  /* AKA-Identity is out */
    SRV_AUC,       /* the owner asks the AuC */
    SRV_CHALLENGE, /* a challenge is out */
    SRV_FAILING,   /* a failure notification is out */
    SRV_DONE,      /* ACCEPT or REJECT was given */
};

struct aka_server {
    struct aka_server_config conf;
    enum server_state state;
    enum aka_reason why; /* first cause of the failure */
    bool accepted;
    uint8_t id; /* of the outstanding request */
    bool have_id;
    uint8_t rounds, identities, resyncs;
    uint8_t identity[EAP_IDENTITY_MAX];
    size_t identity_n;
    char imsi[IMSI_MAX + 1];
    uint8_t request[EAP_MAX]; /* the outstanding request */
    size_t request_n;
    uint8_t auts[AKA_AUTS_LEN];
    struct aka_vector v;
    struct aka_keys keys;
    struct checkcode cc;
};

struct aka_server *aka_server_new(const struct aka_server_config *c)
{
    size_t n = strnlen(c->net_name, sizeof c->net_name);
    if (n == 0 || n > AKA_NET_NAME_MAX)
        return NULL;
    struct aka_server *s = sec_alloc(sizeof *s);
    if (s)
        s->conf = *c;
    return s;
}

void aka_server_free(struct aka_server *s)
{
    sec_free(s);
}

static void act_none(struct aka_server_action *out, enum aka_reason why)
{
    *out = (struct aka_server_action){ .type = AKA_SERVER_NONE, .reason = why };
}

static void act_send(const struct aka_server *s, struct aka_server_action *out)
{
    *out = (struct aka_server_action){ .type = AKA_SERVER_SEND, .octets = span_of(s->request, s->request_n) };
}

/* Success and Failure carry the identifier of the response they follow (RFC 3748 s4.2). */
static void act_end(struct aka_server *s, bool accept, enum aka_reason why, struct aka_server_action *out)
{
    s->state = SRV_DONE;
    s->accepted = accept;
    if (s->why == AKA_R_OK)
        s->why = why;
    if (!accept)
        sec_wipe(&s->keys, sizeof s->keys);
    sec_wipe(&s->v, sizeof s->v);
    s->request_n = eap_write_end(s->request, sizeof s->request, accept ? EAP_SUCCESS : EAP_FAILURE, s->id);
    *out = (struct aka_server_action){ .type = accept ? AKA_SERVER_ACCEPT : AKA_SERVER_REJECT,
                                       .reason = s->why,
                                       .octets = span_of(s->request, s->request_n) };
}

/* A new request has a new identifier (RFC 3748 s4.1). */
static uint8_t next_id(struct aka_server *s)
{
    if (!s->have_id)
        env_random(s->conf.env, &s->id, 1);
    else
        s->id++;
    s->have_id = true;
    return s->id;
}

static struct aka_wr begin(struct aka_server *s, enum aka_subtype sub)
{
    return aka_wr_begin(s->request, sizeof s->request, EAP_REQUEST, next_id(s), EAP_TYPE_AKA_PRIME, sub);
}

static void finish(struct aka_server *s, struct aka_wr *w, enum server_state next,
                   struct aka_server_action *out)
{
    if (aka_wr_end(w, w->mac_off ? &s->keys : NULL, span_of(NULL, 0), &s->request_n) != ERR_OK) {
        act_end(s, false, AKA_R_INTERNAL, out);
        return;
    }
    s->state = next;
    act_send(s, out);
}

/* RFC 4187 s6.3.2: a failure notification before EAP Failure; none of ours comes after a good round, so P=1, without AT_MAC. */
static void fail(struct aka_server *s, enum aka_reason why, struct aka_server_action *out)
{
    if (s->why == AKA_R_OK)
        s->why = why;
    struct aka_wr w = begin(s, AKA_SUB_NOTIFICATION);
    aka_wr_u16(&w, AKA_AT_NOTIFICATION, AKA_NOTE_FAIL_BEFORE);
    finish(s, &w, SRV_FAILING, out);
}

/* ---- identity ---- */

static void ask_vector(struct aka_server *s, bool resync, struct aka_server_action *out)
{
    s->state = SRV_AUC;
    *out = (struct aka_server_action){
        .type = AKA_SERVER_VECTOR, .imsi = s->imsi, .separated = true, .resync = resync
    };
    if (resync) {
        out->rand = s->v.rand;
        out->auts = s->auts;
    }
}

/* Only the permanent identity serves us, so it is the only one asked for (RFC 4187 s4.1.3). */
static void ask_identity(struct aka_server *s, struct aka_server_action *out)
{
    if (s->identities == 1) { /* it was asked for already: asking again for the same is not allowed */
        fail(s, AKA_R_IDENTITY, out);
        return;
    }
    s->identities++;
    struct aka_wr w = begin(s, AKA_SUB_IDENTITY);
    aka_wr_u16(&w, AKA_AT_PERMANENT_ID_REQ, 0);
    finish(s, &w, SRV_IDENTITY, out);
    if (out->type == AKA_SERVER_SEND && checkcode_add(&s->cc, span_of(s->request, s->request_n)) != ERR_OK)
        act_end(s, false, AKA_R_INTERNAL, out);
}

/* Takes an identity; true when it is a permanent one of AKA' (RFC 9048 s3: leading "6"). */
static bool take_identity(struct aka_server *s, struct span text)
{
    struct aka_nai nai;
    if (text.n > sizeof s->identity || nai_parse(text, &nai) != ERR_OK)
        return false;
    memcpy(s->identity, text.p, text.n);
    s->identity_n = text.n;
    if (nai.lead != NAI_AKA_PRIME || nai.imsi[0] == '\0')
        return false;
    memcpy(s->imsi, nai.imsi, sizeof s->imsi);
    return true;
}

static void on_eap_identity(struct aka_server *s, const struct eap_pkt *p, struct aka_server_action *out)
{
    if (s->state != SRV_NEW) {
        act_none(out, AKA_R_STATE);
        return;
    }
    s->id = p->id;
    s->have_id = true;
    bool usable = take_identity(s, p->data);
    if (usable && !s->conf.ask_identity)
        ask_vector(s, false, out);
    else
        ask_identity(s, out);
}

static void on_identity(struct aka_server *s, const struct aka_msg *m, struct aka_server_action *out)
{
    if (s->state != SRV_IDENTITY) {
        fail(s, AKA_R_STATE, out);
    } else if (!m->has[AKA_AT_IDENTITY]) {
        fail(s, AKA_R_MISSING_ATTR, out);
    } else if (checkcode_add(&s->cc, m->whole) != ERR_OK) {
        fail(s, AKA_R_TOO_MANY, out);
    } else if (!take_identity(s, m->value[AKA_AT_IDENTITY])) {
        fail(s, AKA_R_IDENTITY, out);
    } else {
        s->cc.needed |= m->unknown_skippable;
        ask_vector(s, false, out);
    }
}

/* ---- challenge ---- */

static err derive(struct aka_server *s, const struct aka_vector *v)
{
    uint8_t ck[AKA_CK_LEN], ik[AKA_IK_LEN];
    err e = aka_prime_ck_ik(v->ck, v->ik, span_str(s->conf.net_name), v->autn, ck, ik);
    if (e == ERR_OK)
        e = aka_keys_prime(ck, ik, span_of(s->identity, s->identity_n), &s->keys);
    sec_wipe(ck, sizeof ck);
    sec_wipe(ik, sizeof ik);
    return e;
}

static void challenge(struct aka_server *s, const struct aka_vector *v, struct aka_server_action *out)
{
    uint8_t code[CHECKCODE_LEN];
    size_t code_n = 0;
    if (!aka_autn_separated(v->autn) || v->res_len < AKA_RES_MIN || v->res_len > AKA_RES_MAX) {
        fail(s, AKA_R_SEPARATION, out); /* RFC 9048 s3.5: our AuC must not give such a vector to AKA' */
        return;
    }
    s->v = *v;
    if (derive(s, v) != ERR_OK || checkcode_value(&s->cc, code, &code_n) != ERR_OK) {
        fail(s, AKA_R_INTERNAL, out);
        return;
    }
    struct aka_wr w = begin(s, AKA_SUB_CHALLENGE);
    aka_wr_attr(&w, AKA_AT_RAND, span_of(v->rand, sizeof v->rand));
    aka_wr_attr(&w, AKA_AT_AUTN, span_of(v->autn, sizeof v->autn));
    aka_wr_u16(&w, AKA_AT_KDF, AKA_KDF_DEFAULT);
    aka_wr_attr(&w, AKA_AT_KDF_INPUT, span_str(s->conf.net_name));
    aka_wr_attr(&w, AKA_AT_CHECKCODE, span_of(code, code_n));
    aka_wr_mac(&w);
    finish(s, &w, SRV_CHALLENGE, out);
}

void aka_server_vector(struct aka_server *s, enum aka_server_auc what, const struct aka_vector *v,
                       struct aka_server_action *out)
{
    if (s->state != SRV_AUC) {
        act_none(out, AKA_R_STATE);
        return;
    }
    switch (what) {
    case AKA_AUC_OK:
        challenge(s, v, out);
        break;
    case AKA_AUC_UNKNOWN:
    case AKA_AUC_BARRED:
        fail(s, AKA_R_SUBSCRIBER, out);
        break;
    case AKA_AUC_BAD_AUTS:
        fail(s, AKA_R_AUTS, out);
        break;
    case AKA_AUC_UNAVAILABLE:
    default:
        fail(s, AKA_R_UNAVAILABLE, out);
        break;
    }
}

/* RFC 4187 s6.3.2, s10.15: AT_MAC first; then RES and AT_CHECKCODE. */
static void on_challenge(struct aka_server *s, const struct aka_msg *m, struct aka_server_action *out)
{
    struct span res = m->value[AKA_AT_RES];
    if (s->state != SRV_CHALLENGE) {
        fail(s, AKA_R_STATE, out);
    } else if (m->n_kdf) { /* we offer one function: there is nothing else to choose (RFC 9048 s3.2) */
        fail(s, AKA_R_KDF, out);
    } else if (!m->has[AKA_AT_RES] || !m->has[AKA_AT_MAC]) {
        fail(s, AKA_R_MISSING_ATTR, out);
    } else if (aka_msg_check_mac(m, &s->keys, span_of(NULL, 0)) != ERR_OK) {
        fail(s, AKA_R_MAC, out);
    } else if (res.n != s->v.res_len || !sec_equal(res.p, s->v.res, res.n)) {
        fail(s, AKA_R_RES, out);
    } else if (!checkcode_matches(&s->cc, m)) {
        fail(s, AKA_R_CHECKCODE, out);
    } else {
        act_end(s, true, AKA_R_OK, out);
    }
}

static void on_sync(struct aka_server *s, const struct aka_msg *m, struct aka_server_action *out)
{
    if (s->state != SRV_CHALLENGE) {
        fail(s, AKA_R_STATE, out);
    } else if (!m->has[AKA_AT_AUTS]) {
        fail(s, AKA_R_MISSING_ATTR, out);
    } else if (m->n_kdf != 1 || m->kdf[0] != AKA_KDF_DEFAULT) { /* RFC 9048 s3.2: a copy of our list */
        fail(s, AKA_R_KDF, out);
    } else if (s->resyncs == AKA_SERVER_RESYNCS) {
        fail(s, AKA_R_TOO_MANY, out);
    } else {
        s->resyncs++;
        memcpy(s->auts, m->value[AKA_AT_AUTS].p, sizeof s->auts);
        ask_vector(s, true, out);
    }
}

/* ---- input ---- */

static void on_aka(struct aka_server *s, const struct eap_pkt *p, struct aka_server_action *out)
{
    struct aka_msg m;
    enum aka_reason r = aka_msg_parse(p, &m);
    if (s->state == SRV_FAILING) { /* the notification was answered, whatever it says (RFC 4187 s6.1) */
        act_end(s, false, s->why, out);
        return;
    }
    if (r != AKA_R_OK) {
        fail(s, r, out);
        return;
    }
    switch ((enum aka_subtype)m.subtype) {
    case AKA_SUB_IDENTITY:
        on_identity(s, &m, out);
        break;
    case AKA_SUB_CHALLENGE:
        on_challenge(s, &m, out);
        break;
    case AKA_SUB_SYNC:
        on_sync(s, &m, out);
        break;
    case AKA_SUB_REJECT:
        act_end(s, false, AKA_R_REJECTED, out);
        break;
    case AKA_SUB_CLIENT_ERROR:
        act_end(s, false, AKA_R_CLIENT_ERROR, out);
        break;
    case AKA_SUB_NOTIFICATION:
    case AKA_SUB_REAUTH:
    default:
        fail(s, AKA_R_SUBTYPE, out);
        break;
    }
}

void aka_server_start(struct aka_server *s, struct aka_server_action *out)
{
    if (s->state != SRV_NEW || s->have_id) {
        act_none(out, AKA_R_STATE);
        return;
    }
    s->request_n = eap_write(s->request, sizeof s->request, EAP_REQUEST, next_id(s), EAP_TYPE_IDENTITY,
                             span_of(NULL, 0));
    act_send(s, out);
}

void aka_server_input(struct aka_server *s, struct span eap, struct aka_server_action *out)
{
    struct eap_pkt p;
    if (eap_parse(eap, &p) != ERR_OK) {
        act_none(out, AKA_R_EAP);
    } else if (p.code != EAP_RESPONSE) {
        act_none(out, AKA_R_CODE);
    } else if (s->state == SRV_AUC || s->state == SRV_DONE) {
        act_none(out, AKA_R_STATE);
    } else if (s->have_id && p.id != s->id) { /* RFC 3748 s4.1 */
        act_none(out, AKA_R_IDENTIFIER);
    } else if (p.type == EAP_TYPE_IDENTITY) {
        on_eap_identity(s, &p, out);
    } else if (s->state == SRV_NEW) { /* nothing of the method is outstanding yet */
        act_none(out, AKA_R_STATE);
    } else if (p.type == EAP_TYPE_AKA_PRIME) {
        if (++s->rounds > AKA_SERVER_ROUNDS)
            act_end(s, false, AKA_R_TOO_MANY, out);
        else
            on_aka(s, &p, out);
    } else if (p.type == EAP_TYPE_NAK) { /* RFC 3748 s5.3.1: we have nothing else to offer */
        act_end(s, false, AKA_R_NAK, out);
    } else {
        act_none(out, AKA_R_METHOD);
    }
}

const uint8_t *aka_server_msk(const struct aka_server *s)
{
    return s->state == SRV_DONE && s->accepted ? s->keys.msk : NULL;
}

const char *aka_server_imsi(const struct aka_server *s)
{
    return s->imsi;
}

struct span aka_server_identity(const struct aka_server *s)
{
    return span_of(s->identity, s->identity_n);
}

enum aka_reason aka_server_reason(const struct aka_server *s)
{
    return s->why;
}
