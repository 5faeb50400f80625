/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/peer.h"

#include <string.h>

#include "aka/checkcode.h"
#include "aka/encr.h"
#include "common/crypto/secret.h"

enum peer_state {
    PEER_NEW,      /* nothing sent */
    PEER_RUNNING,  /* a response is out, no proof yet */
    PEER_ASK_ID,   /* the owner is asked for an identity */
    PEER_ASK_CARD, /* the owner is asked for the card */
    PEER_PROVEN,   /* RES is out */
    PEER_FAILING, /* Client-Error, Authentication-Reject or a notified failure: only EAP Failure can follow */
    PEER_SUCCEEDED, /* final */
    PEER_OVER,      /* final */
};

struct peer_response {
    uint8_t octets[EAP_MAX];
    size_t n;
    bool proof, over;
};

struct aka_peer {
    enum peer_state state;
    bool allow_aka;
    uint8_t method; /* of the requests that were taken; 0: none yet */
    uint8_t rounds, identities, resyncs, notes;
    enum aka_id_req asked, last_asked;
    enum aka_reason why; /* first cause of the failure */
    uint8_t identity[EAP_IDENTITY_MAX];
    size_t identity_n;
    uint8_t request[EAP_MAX]; /* the request in hand or answered last */
    size_t request_n;
    uint8_t request_id;
    struct peer_response response; /* to it */
    uint16_t kdf[AKA_KDF_MAX];     /* the list of the last challenge */
    uint8_t n_kdf;
    bool kdf_chosen; /* we answered with a choice of our own: the next list has it in front */
    uint8_t net_name[AKA_NET_NAME_MAX];
    size_t net_name_n;
    uint8_t pseudonym[EAP_IDENTITY_MAX];
    size_t pseudonym_n;
    bool have_keys;
    bool msk_gone;
    struct aka_keys keys;
    struct checkcode cc;
};

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

static void act_none(struct aka_peer_action *out, enum aka_reason why)
{
    *out = (struct aka_peer_action){ .type = AKA_PEER_NONE, .reason = why };
}

static void act_end(struct aka_peer *p, struct aka_peer_action *out, enum aka_reason why)
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

static struct aka_wr begin(struct aka_peer *p, enum aka_subtype s)
{
    return aka_wr_begin(p->response.octets, sizeof p->response.octets, EAP_RESPONSE, p->request_id, p->method,
                        s);
}

static void finish(struct aka_peer *p, struct aka_wr *w, enum peer_state next, enum aka_reason why,
                   struct aka_peer_action *out)
{
    if (aka_wr_end(w, w->mac_off ? &p->keys : NULL, span_of(NULL, 0), &p->response.n) != ERR_OK)
        act_end(p, out, AKA_R_INTERNAL);
    else
        respond(p, next, why, out);
}

/* RFC 4187 s6.3.1: whatever is wrong and has no message of its own. */
static void client_error(struct aka_peer *p, enum aka_reason why, struct aka_peer_action *out)
{
    struct aka_wr w = begin(p, AKA_SUB_CLIENT_ERROR);
    aka_wr_u16(&w, AKA_AT_CLIENT_ERROR_CODE, AKA_CLIENT_ERROR);
    finish(p, &w, PEER_FAILING, why, out);
}

/* RFC 4187 s6.3.1: the network is not authentic. */
static void reject(struct aka_peer *p, enum aka_reason why, struct aka_peer_action *out)
{
    struct aka_wr w = begin(p, AKA_SUB_REJECT);
    finish(p, &w, PEER_FAILING, why, out);
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
        act_none(out, AKA_R_STATE);
        return;
    }
    bool usable = set_identity(p, identity);
    if (p->asked == AKA_ID_EAP) {
        if (usable)
            send_eap_identity(p, out);
        else
            act_end(p, out, AKA_R_IDENTITY);
        return;
    }
    if (!usable) {
        client_error(p, AKA_R_IDENTITY, out);
        return;
    }
    struct aka_wr w = begin(p, AKA_SUB_IDENTITY);
    aka_wr_attr(&w, AKA_AT_IDENTITY, identity);
    finish(p, &w, PEER_RUNNING, AKA_R_OK, out);
    if (out->type == AKA_PEER_SEND &&
        (checkcode_add(&p->cc, span_of(p->request, p->request_n)) != ERR_OK ||
         checkcode_add(&p->cc, span_of(p->response.octets, p->response.n)) != ERR_OK))
        act_end(p, out, AKA_R_INTERNAL);
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
        client_error(p, AKA_R_STATE, out);
    } else if (any + full + permanent != 1) {
        client_error(p, any || full || permanent ? AKA_R_MISPLACED_ATTR : AKA_R_MISSING_ATTR, out);
    } else if (p->identities == AKA_PEER_IDENTITIES || (p->identities && which <= p->last_asked)) {
        /* RFC 4187 s4.1: at most three, each asking for more than the one before */
        client_error(p, AKA_R_TOO_MANY, out);
    } else {
        p->identities++;
        p->last_asked = which;
        p->cc.needed |= m->unknown_skippable;
        ask_identity(p, which, out);
    }
}

/* ---- Challenge ---- */

static bool kdf_same(const struct aka_peer *p, const uint16_t *list, uint8_t n)
{
    return p->n_kdf == n && memcmp(p->kdf, list, n * sizeof *list) == 0;
}

static bool kdf_twice(const uint16_t *list, uint8_t n)
{
    for (uint8_t i = 0; i < n; i++)
        for (uint8_t j = 0; j < i; j++)
            if (list[i] == list[j])
                return true;
    return false;
}

/* Is this the list it may be? (RFC 9048 s3.2: a list changes by our own choice in front of it, and by nothing else.) */
static bool kdf_list_ok(const struct aka_peer *p, const struct aka_msg *m)
{
    if (m->n_kdf == 0)
        return false;
    if (p->kdf_chosen)
        return m->kdf[0] == AKA_KDF_DEFAULT && kdf_same(p, m->kdf + 1, (uint8_t)(m->n_kdf - 1));
    if (p->n_kdf)
        return kdf_same(p, m->kdf, m->n_kdf);
    return !kdf_twice(m->kdf, m->n_kdf);
}

static bool kdf_offered(const struct aka_msg *m)
{
    for (uint8_t i = 0; i < m->n_kdf; i++)
        if (m->kdf[i] == AKA_KDF_DEFAULT)
            return true;
    return false;
}

static void kdf_choose(struct aka_peer *p, const struct aka_msg *m, struct aka_peer_action *out)
{
    memcpy(p->kdf, m->kdf, sizeof p->kdf);
    p->n_kdf = m->n_kdf;
    p->kdf_chosen = true;
    struct aka_wr w = begin(p, AKA_SUB_CHALLENGE);
    aka_wr_u16(&w, AKA_AT_KDF, AKA_KDF_DEFAULT);
    finish(p, &w, PEER_RUNNING, AKA_R_OK, out);
}

static void ask_card(struct aka_peer *p, const struct aka_msg *m, struct aka_peer_action *out)
{
    p->state = PEER_ASK_CARD;
    *out = (struct aka_peer_action){ .type = AKA_PEER_CHALLENGE,
                                     .method = p->method,
                                     .rand = m->value[AKA_AT_RAND].p,
                                     .autn = m->value[AKA_AT_AUTN].p,
                                     .net_name = m->value[AKA_AT_KDF_INPUT] };
}

static void prime_challenge(struct aka_peer *p, const struct aka_msg *m, struct aka_peer_action *out)
{
    if (!kdf_list_ok(p, m)) {
        reject(p, AKA_R_KDF, out);
        return;
    }
    if (m->kdf[0] != AKA_KDF_DEFAULT) {
        if (!p->n_kdf && kdf_offered(m))
            kdf_choose(p, m, out);
        else
            reject(p, AKA_R_KDF, out);
        return;
    }
    memcpy(p->kdf, m->kdf, sizeof p->kdf);
    p->n_kdf = m->n_kdf;
    p->kdf_chosen = false;
    struct span name = m->value[AKA_AT_KDF_INPUT];
    if (!aka_autn_separated(m->value[AKA_AT_AUTN].p)) /* RFC 9048 s3.5: as a bad AUTN */
        reject(p, AKA_R_SEPARATION, out);
    else if (!m->has[AKA_AT_KDF_INPUT] || name.n == 0 || name.n > sizeof p->net_name)
        reject(p, AKA_R_NET_NAME, out);
    else
        ask_card(p, m, out);
}

/* The network could do AKA' and would rather (RFC 9048 s4 MUST), or gives away a vector that is meant for AKA': as a bad AUTN. */
static void plain_challenge(struct aka_peer *p, const struct aka_msg *m, struct aka_peer_action *out)
{
    if (m->u16[AKA_AT_BIDDING] & AKA_BIDDING_PRIME)
        reject(p, AKA_R_BIDDING, out);
    else if (aka_autn_separated(m->value[AKA_AT_AUTN].p))
        reject(p, AKA_R_SEPARATION, out);
    else
        ask_card(p, m, out);
}

/* Everything that is decided before the card is asked (docs/sim-binding.md s5). */
static void on_challenge(struct aka_peer *p, const struct aka_msg *m, struct aka_peer_action *out)
{
    if (p->state == PEER_PROVEN || p->identity_n == 0)
        client_error(p, AKA_R_STATE, out);
    else if (!m->has[AKA_AT_RAND] || !m->has[AKA_AT_AUTN] || !m->has[AKA_AT_MAC])
        client_error(p, AKA_R_MISSING_ATTR, out);
    else if (p->method == EAP_TYPE_AKA)
        plain_challenge(p, m, out);
    else
        prime_challenge(p, m, out);
}

void aka_peer_refuse_name(struct aka_peer *p, struct aka_peer_action *out)
{
    if (p->state != PEER_ASK_CARD)
        act_none(out, AKA_R_STATE);
    else
        reject(p, AKA_R_NET_NAME, out);
}

static void sync_failure(struct aka_peer *p, const struct usim_auth *a, struct aka_peer_action *out)
{
    if (p->resyncs == AKA_PEER_RESYNCS) {
        client_error(p, AKA_R_TOO_MANY, out);
        return;
    }
    p->resyncs++;
    struct aka_wr w = begin(p, AKA_SUB_SYNC);
    aka_wr_attr(&w, AKA_AT_AUTS, span_of(a->auts, sizeof a->auts));
    for (uint8_t i = 0; i < p->n_kdf; i++) /* RFC 9048 s3.2: a copy of the list */
        aka_wr_u16(&w, AKA_AT_KDF, p->kdf[i]);
    finish(p, &w, PEER_RUNNING, AKA_R_SQN, out);
}

static err derive(struct aka_peer *p, const struct usim_auth *a, const struct aka_msg *m)
{
    uint8_t ck[AKA_CK_LEN], ik[AKA_IK_LEN];
    struct span name = m->value[AKA_AT_KDF_INPUT], identity = span_of(p->identity, p->identity_n);
    if (p->method == EAP_TYPE_AKA)
        return aka_keys_plain(a->ck, a->ik, identity, &p->keys);
    err e = aka_prime_ck_ik(a->ck, a->ik, name, m->value[AKA_AT_AUTN].p, ck, ik);
    if (e == ERR_OK)
        e = aka_keys_prime(ck, ik, identity, &p->keys);
    sec_wipe(ck, sizeof ck);
    sec_wipe(ik, sizeof ik);
    return e;
}

/* AT_MAC was right: what the challenge has for us under K_encr. Names for fast re-authentication are not for us. */
static bool take_secrets(struct aka_peer *p, const struct aka_msg *m)
{
    uint8_t plain[EAP_MAX];
    struct aka_msg in;
    p->pseudonym_n = 0;
    if (!m->has[AKA_AT_ENCR_DATA])
        return true;
    bool ok = aka_encr_open(m, &p->keys, plain, &in) == AKA_R_OK;
    if (ok && in.has[AKA_AT_NEXT_PSEUDONYM] && in.value[AKA_AT_NEXT_PSEUDONYM].n <= sizeof p->pseudonym) {
        p->pseudonym_n = in.value[AKA_AT_NEXT_PSEUDONYM].n;
        memcpy(p->pseudonym, in.value[AKA_AT_NEXT_PSEUDONYM].p, p->pseudonym_n);
    }
    sec_wipe(plain, sizeof plain);
    return ok;
}

/* The card accepted AUTN. RFC 4187 s10.15: keys, then AT_MAC, then the rest; RES leaves only when all of it is right. */
static void prove(struct aka_peer *p, const struct usim_auth *a, const struct aka_msg *m,
                  struct aka_peer_action *out)
{
    uint8_t code[CHECKCODE_MAX];
    size_t code_n = 0;
    if (a->res_len < AKA_RES_MIN || a->res_len > AKA_RES_MAX || derive(p, a, m) != ERR_OK) {
        client_error(p, AKA_R_CARD, out);
        return;
    }
    if (aka_msg_check_mac(m, &p->keys, span_of(NULL, 0)) != ERR_OK) {
        client_error(p, AKA_R_MAC, out);
        return;
    }
    if (!checkcode_matches(&p->cc, m) || checkcode_value(&p->cc, p->method, code, &code_n) != ERR_OK) {
        client_error(p, AKA_R_CHECKCODE, out);
        return;
    }
    if (!take_secrets(p, m)) {
        client_error(p, AKA_R_MALFORMED, out);
        return;
    }
    p->net_name_n = 0;
    if (m->has[AKA_AT_KDF_INPUT]) {
        p->net_name_n = m->value[AKA_AT_KDF_INPUT].n;
        memcpy(p->net_name, m->value[AKA_AT_KDF_INPUT].p, p->net_name_n);
    }
    struct aka_wr w = begin(p, AKA_SUB_CHALLENGE);
    aka_wr_attr(&w, AKA_AT_RES, span_of(a->res, a->res_len));
    if (m->has[AKA_AT_CHECKCODE])
        aka_wr_attr(&w, AKA_AT_CHECKCODE, span_of(code, code_n));
    aka_wr_mac(&w);
    p->have_keys = true;
    p->msk_gone = false;
    finish(p, &w, PEER_PROVEN, AKA_R_OK, out);
}

void aka_peer_card(struct aka_peer *p, const struct usim_auth *a, struct aka_peer_action *out)
{
    struct eap_pkt pkt;
    struct aka_msg m;
    if (p->state != PEER_ASK_CARD) {
        act_none(out, AKA_R_STATE);
        return;
    }
    if (eap_parse(span_of(p->request, p->request_n), &pkt) != ERR_OK || aka_msg_parse(&pkt, &m) != AKA_R_OK) {
        act_end(p, out, AKA_R_INTERNAL);
        return;
    }
    switch (a->verdict) {
    case USIM_AUTHENTICATED:
        prove(p, a, &m, out);
        break;
    case USIM_SYNC_FAILURE:
        sync_failure(p, a, out);
        break;
    case USIM_MAC_FAILURE:
        reject(p, AKA_R_AUTN, out);
        break;
    case USIM_UNUSABLE:
    default:
        client_error(p, AKA_R_CARD, out);
        break;
    }
}

/* ---- Notification (RFC 4187 s6.1, s9.10) ---- */

static void on_notification(struct aka_peer *p, const struct aka_msg *m, struct aka_peer_action *out)
{
    uint16_t code = m->u16[AKA_AT_NOTIFICATION];
    bool before = (code & AKA_NOTE_P) != 0, good = (code & AKA_NOTE_SUCCESS) != 0;
    if (!m->has[AKA_AT_NOTIFICATION]) {
        client_error(p, AKA_R_MISSING_ATTR, out);
    } else if (p->notes == AKA_PEER_NOTES) {
        act_none(out, AKA_R_TOO_MANY);
    } else if (before && good) {
        client_error(p, AKA_R_MALFORMED, out);
    } else if (!before && p->state != PEER_PROVEN) {
        client_error(p, AKA_R_STATE, out);
    } else if (!before && aka_msg_check_mac(m, &p->keys, span_of(NULL, 0)) != ERR_OK) {
        client_error(p, AKA_R_MAC, out);
    } else {
        p->notes++;
        struct aka_wr w = begin(p, AKA_SUB_NOTIFICATION);
        if (!before)
            aka_wr_mac(&w);
        finish(p, &w, good ? PEER_PROVEN : PEER_FAILING, good ? AKA_R_OK : AKA_R_NOTIFIED, out);
    }
}

/* ---- input ---- */

static void on_aka(struct aka_peer *p, const struct eap_pkt *pkt, struct aka_peer_action *out)
{
    struct aka_msg m;
    enum aka_reason r = aka_msg_parse(pkt, &m);
    p->method = pkt->type;
    if (r != AKA_R_OK) {
        client_error(p, r, out);
        return;
    }
    switch ((enum aka_subtype)m.subtype) {
    case AKA_SUB_IDENTITY:
        on_identity(p, &m, out);
        break;
    case AKA_SUB_CHALLENGE:
        on_challenge(p, &m, out);
        break;
    case AKA_SUB_NOTIFICATION:
        on_notification(p, &m, out);
        break;
    case AKA_SUB_REAUTH: /* no fast re-authentication: we never took an identity for it */
    case AKA_SUB_REJECT:
    case AKA_SUB_SYNC:
    case AKA_SUB_CLIENT_ERROR:
    default:
        client_error(p, AKA_R_SUBTYPE, out);
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
            act_none(out, AKA_R_IDENTIFIER);
        return;
    }
    bool aka = speaks(p, pkt->type);
    bool other = pkt->type != EAP_TYPE_IDENTITY && pkt->type != EAP_TYPE_NOTIFICATION && !aka;
    if (p->state == PEER_FAILING || p->rounds == AKA_PEER_ROUNDS) {
        act_none(out, p->state == PEER_FAILING ? AKA_R_STATE : AKA_R_TOO_MANY);
        return;
    }
    if (p->method && (other || pkt->type == EAP_TYPE_IDENTITY)) {
        act_none(out, AKA_R_METHOD);
        return;
    }
    p->rounds++;
    p->request_id = pkt->id;
    p->request_n = pkt->whole.n;
    memcpy(p->request, pkt->whole.p, pkt->whole.n);
    struct eap_pkt kept; /* the same, borrowing from our copy */
    if (eap_parse(span_of(p->request, p->request_n), &kept) != ERR_OK) {
        act_end(p, out, AKA_R_INTERNAL);
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
        act_none(out, AKA_R_EAP);
    } else if (p->state >= PEER_SUCCEEDED || p->state == PEER_ASK_ID || p->state == PEER_ASK_CARD) {
        act_none(out, AKA_R_STATE);
    } else if (pkt.code == EAP_REQUEST) {
        on_request(p, &pkt, out);
    } else if (pkt.code == EAP_RESPONSE) {
        act_none(out, AKA_R_CODE);
    } else if (!p->response.n || pkt.id != p->request_id) { /* RFC 3748 s4.2 */
        act_none(out, AKA_R_IDENTIFIER);
    } else if (pkt.code == EAP_SUCCESS) {
        if (p->state != PEER_PROVEN) { /* RFC 4187 s6.3.4 */
            act_none(out, AKA_R_STATE);
            return;
        }
        p->state = PEER_SUCCEEDED;
        *out = (struct aka_peer_action){ .type = AKA_PEER_SUCCESS };
    } else if (p->state == PEER_FAILING || !p->method) { /* RFC 4187 s6.3.3 */
        act_end(p, out, p->why == AKA_R_OK ? AKA_R_FAILURE : p->why);
    } else {
        act_none(out, AKA_R_STATE);
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
