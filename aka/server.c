/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/server.h"

#include <string.h>

#include "aka/server_priv.h"
#include "common/crypto/secret.h"

/* ---- life ---- */

static void set_kdf(struct aka_server *s)
{
    while (s->n_kdf < AKA_SERVER_KDFS && s->conf.kdf[s->n_kdf]) {
        s->kdf[s->n_kdf] = s->conf.kdf[s->n_kdf];
        s->n_kdf++;
    }
    if (s->n_kdf == 0)
        s->kdf[s->n_kdf++] = AKA_KDF_DEFAULT;
}

struct aka_server *aka_server_new(const struct aka_server_config *c)
{
    size_t n = strnlen(c->net_name, sizeof c->net_name);
    if (n == 0 || n > AKA_NET_NAME_MAX)
        return NULL;
    struct aka_server *s = sec_alloc(sizeof *s);
    if (!s)
        return NULL;
    s->conf = *c;
    if (!s->conf.methods[0])
        s->conf.methods[0] = EAP_TYPE_AKA_PRIME;
    s->method = aka_method_of_type(s->conf.methods[0]);
    set_kdf(s);
    if (!s->method) {
        sec_free(s);
        return NULL;
    }
    return s;
}

void aka_server_free(struct aka_server *s)
{
    if (s)
        aka_srv_fs_wipe(s);
    sec_free(s);
}

/* ---- what the other parts share ---- */

void aka_srv_none(struct aka_server_action *out, enum aka_reason why)
{
    *out = (struct aka_server_action){ .type = AKA_SERVER_NONE, .reason = why };
}

static void act_send(const struct aka_server *s, struct aka_server_action *out)
{
    *out = (struct aka_server_action){ .type = AKA_SERVER_SEND, .octets = span_of(s->request, s->request_n) };
}

/* Success and Failure carry the identifier of the response they follow (RFC 3748 s4.2). */
void aka_srv_end(struct aka_server *s, bool accept, enum aka_reason why, struct aka_server_action *out)
{
    s->state = SRV_DONE;
    s->accepted = accept;
    if (s->why == AKA_R_OK)
        s->why = why;
    if (!accept)
        sec_wipe(&s->keys, sizeof s->keys);
    sec_wipe(&s->v, sizeof s->v);
    aka_srv_fs_wipe(s);
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

struct aka_wr aka_srv_begin(struct aka_server *s, enum aka_subtype sub)
{
    return aka_wr_begin(s->request, sizeof s->request, EAP_REQUEST, next_id(s), s->method->type, sub);
}

void aka_srv_finish(struct aka_server *s, struct aka_wr *w, enum server_state next,
                    struct aka_server_action *out)
{
    if (aka_wr_end(w, w->mac_off ? &s->keys : NULL, span_of(NULL, 0), &s->request_n) != ERR_OK) {
        aka_srv_end(s, false, AKA_R_INTERNAL, out);
        return;
    }
    s->state = next;
    act_send(s, out);
}

/* RFC 4187 s10.10, s10.11 MUST: names go encrypted or not at all. */
void aka_srv_secrets(struct aka_server *s, struct aka_wr *w, enum server_message msg)
{
    uint8_t plain[EAP_MAX], iv[AKA_IV_LEN];
    struct aka_wr in = aka_encr_begin(plain, sizeof plain, s->method->type);
    if (msg != SRV_MSG_CHALLENGE && s->reauth)
        aka_wr_u16(&in, AKA_AT_COUNTER, s->counter);
    if (msg == SRV_MSG_REAUTH)
        aka_wr_attr(&in, AKA_AT_NONCE_S, span_of(s->nonce_s, sizeof s->nonce_s));
    if (msg == SRV_MSG_CHALLENGE && s->pseudonym.n)
        aka_wr_attr(&in, AKA_AT_NEXT_PSEUDONYM, span_of(s->pseudonym.octets, s->pseudonym.n));
    if (msg != SRV_MSG_NOTE && s->next_reauth.n)
        aka_wr_attr(&in, AKA_AT_NEXT_REAUTH_ID, span_of(s->next_reauth.octets, s->next_reauth.n));
    if (wcur_len(&in.c) || !wcur_ok(&in.c)) {
        env_draw(s->conf.env, "aka_iv", iv, sizeof iv); /* RFC 4187 s10.12 MUST be random */
        aka_wr_encr(w, &in, &s->keys, iv);
    }
    sec_wipe(plain, sizeof plain);
}

/* ---- notifications (RFC 4187 s6.1 to s6.3) ---- */

/* RFC 4187 s6.1 MUST NOT: a second one. Before the peer has proven itself P=1, without AT_MAC. */
void aka_srv_fail(struct aka_server *s, enum aka_reason why, struct aka_server_action *out)
{
    if (s->why == AKA_R_OK)
        s->why = why;
    struct aka_wr w = aka_srv_begin(s, AKA_SUB_NOTIFICATION);
    aka_wr_u16(&w, AKA_AT_NOTIFICATION, AKA_NOTE_FAIL_BEFORE);
    aka_srv_finish(s, &w, SRV_FAILING, out);
}

/* After that, P=0, under AT_MAC; behind a re-authentication with its counter, encrypted (s9.10). */
static void notify(struct aka_server *s, uint16_t code, enum server_state next, struct aka_server_action *out)
{
    struct aka_wr w = aka_srv_begin(s, AKA_SUB_NOTIFICATION);
    aka_wr_u16(&w, AKA_AT_NOTIFICATION, code);
    aka_srv_secrets(s, &w, SRV_MSG_NOTE);
    aka_wr_mac(&w);
    aka_srv_finish(s, &w, next, out);
}

void aka_srv_proven(struct aka_server *s, enum aka_reason why, struct aka_server_action *out)
{
    if (why != AKA_R_OK) {
        s->why = why;
        notify(s, why == AKA_R_SUBSCRIBER ? AKA_NOTE_NOT_SUBSCRIBED : AKA_NOTE_FAIL_AFTER, SRV_FAILING, out);
    } else if (s->confirm && s->conf.result_ind) { /* s6.2: both of us want it */
        notify(s, AKA_NOTE_OK, SRV_CONFIRM, out);
    } else {
        aka_srv_end(s, true, AKA_R_OK, out);
    }
}

/* A notification is out. RFC 4187 s6.1, s6.2 MUST: what is said to it does not matter; only an error or another subtype cannot be a success. */
static bool to_notification(struct aka_server *s, const struct eap_pkt *p, struct aka_server_action *out)
{
    if (s->state == SRV_FAILING) {
        aka_srv_end(s, false, s->why, out);
        return true;
    }
    if (s->state != SRV_CONFIRM)
        return false;
    bool note = p->data.n && p->data.p[0] == AKA_SUB_NOTIFICATION;
    aka_srv_end(s, note, note ? AKA_R_OK : AKA_R_CLIENT_ERROR, out);
    return true;
}

/* ---- input ---- */

static void on_aka(struct aka_server *s, const struct eap_pkt *p, struct aka_server_action *out)
{
    struct aka_msg m;
    if (++s->rounds > AKA_SERVER_ROUNDS) {
        aka_srv_end(s, false, AKA_R_TOO_MANY, out);
        return;
    }
    if (to_notification(s, p, out))
        return;
    s->begun = true;
    enum aka_reason r = aka_msg_parse(p, &m);
    if (r != AKA_R_OK) {
        aka_srv_fail(s, r, out);
        return;
    }
    switch ((enum aka_subtype)m.subtype) {
    case AKA_SUB_IDENTITY:
        aka_srv_identity(s, &m, out);
        break;
    case AKA_SUB_CHALLENGE:
        aka_srv_challenge(s, &m, out);
        break;
    case AKA_SUB_SYNC:
        aka_srv_sync(s, &m, out);
        break;
    case AKA_SUB_REAUTH:
        aka_srv_reauth(s, &m, out);
        break;
    case AKA_SUB_REJECT:
        aka_srv_end(s, false, AKA_R_REJECTED, out);
        break;
    case AKA_SUB_CLIENT_ERROR:
        aka_srv_end(s, false, AKA_R_CLIENT_ERROR, out);
        break;
    case AKA_SUB_NOTIFICATION:
    default:
        aka_srv_fail(s, AKA_R_SUBTYPE, out);
        break;
    }
}

/* RFC 3748 s5.3.1: only to the first request of a method. The other one is tried once, if it is allowed and wanted. */
static void on_nak(struct aka_server *s, const struct eap_pkt *p, struct aka_server_action *out)
{
    const struct aka_method *other = NULL;
    for (size_t i = 0; i < AKA_METHODS_MAX && !s->begun && !s->nakked; i++) {
        uint8_t type = s->conf.methods[i];
        if (type && type != s->method->type && p->data.n && memchr(p->data.p, type, p->data.n))
            other = aka_method_of_type(type);
    }
    if (!other) {
        aka_srv_end(s, false, AKA_R_NAK, out);
        return;
    }
    s->method = other;
    s->nakked = true;
    s->asked = ASKED_NONE;
    s->pseudonym.n = s->next_reauth.n = 0;
    checkcode_reset(&s->cc);
    aka_srv_again(s, out);
}

void aka_server_start(struct aka_server *s, struct aka_server_action *out)
{
    if (s->state != SRV_NEW || s->have_id) {
        aka_srv_none(out, AKA_R_STATE);
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
        aka_srv_none(out, AKA_R_EAP);
    } else if (p.code != EAP_RESPONSE) {
        aka_srv_none(out, AKA_R_CODE);
    } else if (s->state == SRV_WHO || s->state == SRV_AUC || s->state == SRV_STATUS || s->state == SRV_DONE) {
        aka_srv_none(out, AKA_R_STATE);
    } else if (s->have_id && p.id != s->id) { /* RFC 3748 s4.1 */
        aka_srv_none(out, AKA_R_IDENTIFIER);
    } else if (p.type == EAP_TYPE_IDENTITY) {
        aka_srv_eap_identity(s, &p, out);
    } else if (s->state == SRV_NEW) { /* nothing of the method is outstanding yet */
        aka_srv_none(out, AKA_R_STATE);
    } else if (p.type == s->method->type) {
        on_aka(s, &p, out);
    } else if (p.type == EAP_TYPE_NAK) {
        on_nak(s, &p, out);
    } else {
        aka_srv_none(out, AKA_R_METHOD);
    }
}

void aka_server_issue(struct aka_server *s, struct span pseudonym, struct span reauth)
{
    const struct span in[] = { pseudonym, reauth };
    struct server_name *const to[] = { &s->pseudonym, &s->next_reauth };
    for (size_t i = 0; i < 2; i++) {
        to[i]->n = in[i].n <= sizeof to[i]->octets ? in[i].n : 0;
        memcpy(to[i]->octets, in[i].n ? in[i].p : to[i]->octets, to[i]->n);
    }
}

/* ---- looking at it ---- */

const struct aka_method *aka_server_method(const struct aka_server *s)
{
    return s->method;
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
    return span_of(s->identity.octets, s->identity.n);
}

bool aka_server_fs(const struct aka_server *s)
{
    return s->state == SRV_DONE && s->accepted && s->fs_used;
}

enum aka_reason aka_server_reason(const struct aka_server *s)
{
    return s->why;
}
