/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/peer.h"

#include <string.h>

#include "aka/peer_priv.h"
#include "common/crypto/secret.h"

struct aka_peer *aka_peer_new(void)
{
    return sec_alloc(sizeof(struct aka_peer));
}

void aka_peer_free(struct aka_peer *p)
{
    sec_free(p);
}

void aka_peer_allow_aka(struct aka_peer *p)
{
    p->allow_aka = true;
}

void aka_peer_none(struct aka_peer_action *out, enum aka_reason why)
{
    *out = (struct aka_peer_action){ .type = AKA_PEER_NONE, .reason = why };
}

void aka_peer_end(struct aka_peer *p, struct aka_peer_action *out, enum aka_reason why)
{
    p->state = PEER_OVER;
    p->have_keys = false;
    sec_wipe(&p->keys, sizeof p->keys);
    *out = (struct aka_peer_action){ .type = AKA_PEER_FAILED, .reason = why };
}

static void act_send(const struct aka_peer *p, struct aka_peer_action *out, enum aka_reason why)
{
    *out = (struct aka_peer_action){
        .type = AKA_PEER_SEND,
        .reason = why,
        .octets = span_of(p->response.octets, p->response.n),
        .proof = p->response.proof,
        .over = p->response.over,
    };
}

/* The response was written: it goes out, and the peer is in `next`. */
static void respond(struct aka_peer *p, enum peer_state next, enum aka_reason why,
                    struct aka_peer_action *out)
{
    p->state = next;
    p->response.proof = next == PEER_PROVEN && why == AKA_R_OK && !p->notes;
    p->response.over = next == PEER_FAILING;
    if (next == PEER_FAILING) {
        if (p->why == AKA_R_OK)
            p->why = why;
        p->have_keys = false;
        sec_wipe(&p->keys, sizeof p->keys);
    }
    act_send(p, out, why);
}

struct aka_wr aka_peer_begin(struct aka_peer *p, enum aka_subtype s)
{
    return aka_wr_begin(p->response.octets, sizeof p->response.octets, EAP_RESPONSE, p->request_id, p->method,
                        s);
}

void aka_peer_finish(struct aka_peer *p, struct aka_wr *w, enum peer_state next, enum aka_reason why,
                     struct aka_peer_action *out)
{
    if (aka_wr_end(w, w->mac_off ? &p->keys : NULL, span_of(NULL, 0), &p->response.n) != ERR_OK)
        aka_peer_end(p, out, AKA_R_INTERNAL);
    else
        respond(p, next, why, out);
}

void aka_peer_client_error(struct aka_peer *p, enum aka_reason why, struct aka_peer_action *out)
{
    struct aka_wr w = aka_peer_begin(p, AKA_SUB_CLIENT_ERROR);
    aka_wr_u16(&w, AKA_AT_CLIENT_ERROR_CODE, AKA_CLIENT_ERROR);
    aka_peer_finish(p, &w, PEER_FAILING, why, out);
}

void aka_peer_reject(struct aka_peer *p, enum aka_reason why, struct aka_peer_action *out)
{
    struct aka_wr w = aka_peer_begin(p, AKA_SUB_REJECT);
    aka_peer_finish(p, &w, PEER_FAILING, why, out);
}

static bool set_identity(struct aka_peer *p, struct span identity)
{
    if (identity.n == 0 || identity.n > sizeof p->identity)
        return false;
    memcpy(p->identity, identity.p, identity.n);
    p->identity_n = identity.n;
    return true;
}

/* ---- Identity ---- */

static void send_eap_identity(struct aka_peer *p, struct aka_peer_action *out)
{
    p->response.n = eap_write(p->response.octets, sizeof p->response.octets, EAP_RESPONSE, p->request_id,
                              EAP_TYPE_IDENTITY, span_of(p->identity, p->identity_n));
    respond(p, PEER_RUNNING, AKA_R_OK, out);
}

err aka_peer_start(struct aka_peer *p, struct span identity, struct aka_peer_action *out)
{
    if (p->state != PEER_NEW)
        return ERR_STATE;
    if (!set_identity(p, identity))
        return ERR_RANGE;
    p->request_id = 0;
    p->request_n = 0;
    send_eap_identity(p, out);
    return ERR_OK;
}

void aka_peer_identity(struct aka_peer *p, struct span identity, struct aka_peer_action *out)
{
    if (p->state != PEER_ASK_ID) {
        aka_peer_none(out, AKA_R_STATE);
        return;
    }
    bool usable = set_identity(p, identity);
    if (p->asked == AKA_ID_EAP) {
        if (usable)
            send_eap_identity(p, out);
        else
            aka_peer_end(p, out, AKA_R_IDENTITY);
        return;
    }
    if (!usable) {
        aka_peer_client_error(p, AKA_R_IDENTITY, out);
        return;
    }
    struct aka_wr w = aka_peer_begin(p, AKA_SUB_IDENTITY);
    aka_wr_attr(&w, AKA_AT_IDENTITY, identity);
    aka_peer_finish(p, &w, PEER_RUNNING, AKA_R_OK, out);
    if (out->type == AKA_PEER_SEND &&
        (checkcode_add(&p->cc, span_of(p->request, p->request_n)) != ERR_OK ||
         checkcode_add(&p->cc, span_of(p->response.octets, p->response.n)) != ERR_OK))
        aka_peer_end(p, out, AKA_R_INTERNAL);
}

static void ask_identity(struct aka_peer *p, enum aka_id_req which, struct aka_peer_action *out)
{
    p->asked = which;
    p->state = PEER_ASK_ID;
    *out = (struct aka_peer_action){ .type = AKA_PEER_IDENTITY, .id_req = which };
}

static void on_identity(struct aka_peer *p, const struct aka_msg *m, struct aka_peer_action *out)
{
    bool any = m->has[AKA_AT_ANY_ID_REQ], full = m->has[AKA_AT_FULLAUTH_ID_REQ],
         permanent = m->has[AKA_AT_PERMANENT_ID_REQ];
    enum aka_id_req which = any ? AKA_ID_ANY : full ? AKA_ID_FULLAUTH : AKA_ID_PERMANENT;
    if (p->state == PEER_PROVEN) {
        aka_peer_client_error(p, AKA_R_STATE, out);
    } else if (any + full + permanent != 1) {
        aka_peer_client_error(p, any || full || permanent ? AKA_R_MISPLACED_ATTR : AKA_R_MISSING_ATTR, out);
    } else if (p->identities == AKA_PEER_IDENTITIES || (p->identities && which <= p->last_asked)) {
        /* RFC 4187 s4.1.5 MUST, MUST NOT: at most three, each asking for more than the one before */
        aka_peer_client_error(p, AKA_R_TOO_MANY, out);
    } else {
        p->identities++;
        p->last_asked = which;
        p->cc.needed |= m->unknown_skippable;
        ask_identity(p, which, out);
    }
}

/* ---- Notification (RFC 4187 s6.1 MUST: answered whatever its code, one in an exchange; s9.10) ---- */

static void on_notification(struct aka_peer *p, const struct aka_msg *m, struct aka_peer_action *out)
{
    uint16_t code = m->u16[AKA_AT_NOTIFICATION];
    bool before = (code & AKA_NOTE_P) != 0, good = (code & AKA_NOTE_SUCCESS) != 0;
    if (!m->has[AKA_AT_NOTIFICATION]) {
        aka_peer_client_error(p, AKA_R_MISSING_ATTR, out);
    } else if (p->notes == AKA_PEER_NOTES) {
        aka_peer_none(out, AKA_R_TOO_MANY);
    } else if (before && good) {
        aka_peer_client_error(p, AKA_R_MALFORMED, out);
    } else if (!before && p->state != PEER_PROVEN) {
        aka_peer_client_error(p, AKA_R_STATE, out);
    } else if (!before && aka_msg_check_mac(m, &p->keys, span_of(NULL, 0)) != ERR_OK) {
        aka_peer_client_error(p, AKA_R_MAC, out);
    } else {
        p->notes++;
        struct aka_wr w = aka_peer_begin(p, AKA_SUB_NOTIFICATION);
        if (!before)
            aka_wr_mac(&w);
        aka_peer_finish(p, &w, good ? PEER_PROVEN : PEER_FAILING, good ? AKA_R_OK : AKA_R_NOTIFIED, out);
    }
}

/* ---- input ---- */

static void on_aka(struct aka_peer *p, const struct eap_pkt *pkt, struct aka_peer_action *out)
{
    struct aka_msg m;
    enum aka_reason r = aka_msg_parse(pkt, &m);
    p->method = pkt->type;
    if (r != AKA_R_OK) {
        aka_peer_client_error(p, r, out);
        return;
    }
    switch ((enum aka_subtype)m.subtype) {
    case AKA_SUB_IDENTITY:
        on_identity(p, &m, out);
        break;
    case AKA_SUB_CHALLENGE:
        aka_peer_on_challenge(p, &m, out);
        break;
    case AKA_SUB_NOTIFICATION:
        on_notification(p, &m, out);
        break;
    case AKA_SUB_REAUTH: /* no fast re-authentication: we never took an identity for it */
    case AKA_SUB_REJECT:
    case AKA_SUB_SYNC:
    case AKA_SUB_CLIENT_ERROR:
    default:
        aka_peer_client_error(p, AKA_R_SUBTYPE, out);
        break;
    }
}

/* Once a method has begun it stays. */
static bool speaks(const struct aka_peer *p, uint8_t type)
{
    if (p->method)
        return type == p->method;
    return type == EAP_TYPE_AKA_PRIME || (type == EAP_TYPE_AKA && p->allow_aka);
}

static void on_request(struct aka_peer *p, const struct eap_pkt *pkt, struct aka_peer_action *out)
{
    if (p->response.n && pkt->id == p->request_id) { /* RFC 3748 s4.1 */
        if (span_eq(pkt->whole, span_of(p->request, p->request_n)))
            act_send(p, out, AKA_R_DUPLICATE);
        else
            aka_peer_none(out, AKA_R_IDENTIFIER);
        return;
    }
    bool aka = speaks(p, pkt->type);
    bool other = pkt->type != EAP_TYPE_IDENTITY && pkt->type != EAP_TYPE_NOTIFICATION && !aka;
    if (p->state == PEER_FAILING || p->rounds == AKA_PEER_ROUNDS) {
        aka_peer_none(out, p->state == PEER_FAILING ? AKA_R_STATE : AKA_R_TOO_MANY);
        return;
    }
    if (p->method && (other || pkt->type == EAP_TYPE_IDENTITY)) {
        aka_peer_none(out, AKA_R_METHOD);
        return;
    }
    p->rounds++;
    p->request_id = pkt->id;
    p->request_n = pkt->whole.n;
    memcpy(p->request, pkt->whole.p, pkt->whole.n);
    struct eap_pkt kept; /* the same, borrowing from our copy */
    if (eap_parse(span_of(p->request, p->request_n), &kept) != ERR_OK) {
        aka_peer_end(p, out, AKA_R_INTERNAL);
    } else if (pkt->type == EAP_TYPE_IDENTITY) {
        ask_identity(p, AKA_ID_EAP, out);
    } else if (aka) {
        on_aka(p, &kept, out);
    } else { /* Notification is acknowledged (RFC 3748 s5.2), any other method answered with Nak (s5.3.1) */
        static const uint8_t want[] = { EAP_TYPE_AKA_PRIME, EAP_TYPE_AKA };
        p->response.n = eap_write(p->response.octets, sizeof p->response.octets, EAP_RESPONSE, pkt->id,
                                  other ? EAP_TYPE_NAK : EAP_TYPE_NOTIFICATION,
                                  span_of(want, other ? 1u + p->allow_aka : 0));
        p->response.proof = false;
        p->response.over = false;
        act_send(p, out, other ? AKA_R_METHOD : AKA_R_OK);
    }
}

void aka_peer_input(struct aka_peer *p, struct span eap, struct aka_peer_action *out)
{
    struct eap_pkt pkt;
    if (eap_parse(eap, &pkt) != ERR_OK) {
        aka_peer_none(out, AKA_R_EAP);
    } else if (p->state >= PEER_SUCCEEDED || p->state == PEER_ASK_ID || p->state == PEER_ASK_CARD) {
        aka_peer_none(out, AKA_R_STATE);
    } else if (pkt.code == EAP_REQUEST) {
        on_request(p, &pkt, out);
    } else if (pkt.code == EAP_RESPONSE) {
        aka_peer_none(out, AKA_R_CODE);
    } else if (!p->response.n || pkt.id != p->request_id) { /* RFC 3748 s4.2 */
        aka_peer_none(out, AKA_R_IDENTIFIER);
    } else if (pkt.code == EAP_SUCCESS) {
        if (p->state != PEER_PROVEN) { /* RFC 4187 s6.3.4 MUST */
            aka_peer_none(out, AKA_R_STATE);
            return;
        }
        p->state = PEER_SUCCEEDED;
        *out = (struct aka_peer_action){ .type = AKA_PEER_SUCCESS };
    } else if (p->state == PEER_FAILING || !p->method) { /* RFC 4187 s6.3.3 SHOULD */
        aka_peer_end(p, out, p->why == AKA_R_OK ? AKA_R_FAILURE : p->why);
    } else {
        aka_peer_none(out, AKA_R_STATE);
    }
}

const uint8_t *aka_peer_msk(const struct aka_peer *p)
{
    return p->have_keys && !p->msk_gone ? p->keys.msk : NULL;
}

void aka_peer_msk_wipe(struct aka_peer *p)
{
    sec_wipe(p->keys.msk, sizeof p->keys.msk);
    sec_wipe(p->keys.emsk, sizeof p->keys.emsk);
    p->msk_gone = true;
}

struct span aka_peer_net_name(const struct aka_peer *p)
{
    return span_of(p->net_name, p->net_name_n);
}

uint8_t aka_peer_method(const struct aka_peer *p)
{
    return p->method;
}

struct span aka_peer_pseudonym(const struct aka_peer *p)
{
    return span_of(p->pseudonym, p->have_keys ? p->pseudonym_n : 0);
}
