/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "aka/peer_priv.h"
#include "common/crypto/secret.h"

/* ---- AT_KDF (RFC 9048 s3.2) ---- */

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

/* Is this the list it may be? (RFC 9048 s3.2 MUST: a list changes by our own choice in front of it, and by nothing else.) */
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
    struct aka_wr w = aka_peer_begin(p, AKA_SUB_CHALLENGE);
    aka_wr_u16(&w, AKA_AT_KDF, AKA_KDF_DEFAULT);
    aka_peer_finish(p, &w, PEER_RUNNING, AKA_R_OK, out);
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

/* What is left when AT_KDF is settled: the other things that are judged before the card is asked. */
static void judge_prime(struct aka_peer *p, const struct aka_msg *m, struct aka_peer_action *out)
{
    struct span name = m->value[AKA_AT_KDF_INPUT];
    if (!aka_autn_separated(m->value[AKA_AT_AUTN].p)) { /* RFC 9048 s3.3 MUST: as a bad AUTN */
        aka_peer_reject(p, AKA_R_SEPARATION, out);
        return;
    }
    if (!m->has[AKA_AT_KDF_INPUT] || name.n == 0 || name.n > sizeof p->net_name) {
        aka_peer_reject(p, AKA_R_NET_NAME, out);
        return;
    }
    switch (aka_peer_fs_judge(p, m)) {
    case PEER_FS_CHOOSE: {
        struct aka_wr w = aka_peer_begin(p, AKA_SUB_CHALLENGE);
        aka_wr_u16(&w, AKA_AT_KDF_FS, p->fs_now);
        aka_peer_finish(p, &w, PEER_RUNNING, AKA_R_OK, out);
        break;
    }
    case PEER_FS_REJECT:
        aka_peer_reject(p, AKA_R_FS, out);
        break;
    case PEER_FS_ERROR:
        aka_peer_client_error(p, AKA_R_FS, out);
        break;
    case PEER_FS_GO_ON:
    default:
        ask_card(p, m, out);
        break;
    }
}

static void prime_challenge(struct aka_peer *p, const struct aka_msg *m, struct aka_peer_action *out)
{
    if (!kdf_list_ok(p, m)) {
        aka_peer_reject(p, AKA_R_KDF, out);
        return;
    }
    if (m->kdf[0] != AKA_KDF_DEFAULT) {
        if (!p->n_kdf && kdf_offered(m))
            kdf_choose(p, m, out);
        else
            aka_peer_reject(p, AKA_R_KDF, out);
        return;
    }
    memcpy(p->kdf, m->kdf, sizeof p->kdf);
    p->n_kdf = m->n_kdf;
    p->kdf_chosen = false;
    judge_prime(p, m, out);
}

/* The network could do AKA' and would rather (RFC 9048 s4 MUST), or gives away a vector that is meant for AKA': as a bad AUTN. */
static void plain_challenge(struct aka_peer *p, const struct aka_msg *m, struct aka_peer_action *out)
{
    if (m->u16[AKA_AT_BIDDING] & AKA_BIDDING_PRIME)
        aka_peer_reject(p, AKA_R_BIDDING, out);
    else if (aka_autn_separated(m->value[AKA_AT_AUTN].p))
        aka_peer_reject(p, AKA_R_SEPARATION, out);
    else
        ask_card(p, m, out);
}

/* Everything that is decided before the card is asked (docs/sim-binding.md s5). */
void aka_peer_on_challenge(struct aka_peer *p, const struct aka_msg *m, struct aka_peer_action *out)
{
    if (p->state == PEER_PROVEN || p->identity_n == 0)
        aka_peer_client_error(p, AKA_R_STATE, out);
    else if (!m->has[AKA_AT_RAND] || !m->has[AKA_AT_AUTN] || !m->has[AKA_AT_MAC])
        aka_peer_client_error(p, AKA_R_MISSING_ATTR, out);
    else if (p->method == EAP_TYPE_AKA)
        plain_challenge(p, m, out);
    else
        prime_challenge(p, m, out);
}

void aka_peer_refuse_name(struct aka_peer *p, struct aka_peer_action *out)
{
    if (p->state != PEER_ASK_CARD)
        aka_peer_none(out, AKA_R_STATE);
    else
        aka_peer_reject(p, AKA_R_NET_NAME, out);
}

static void sync_failure(struct aka_peer *p, const struct usim_auth *a, struct aka_peer_action *out)
{
    if (p->resyncs == AKA_PEER_RESYNCS) {
        aka_peer_client_error(p, AKA_R_TOO_MANY, out);
        return;
    }
    p->resyncs++;
    struct aka_wr w = aka_peer_begin(p, AKA_SUB_SYNC);
    aka_wr_attr(&w, AKA_AT_AUTS, span_of(a->auts, sizeof a->auts));
    for (uint8_t i = 0; i < p->n_kdf; i++) /* RFC 9048 s3.2 MUST: a copy of the list */
        aka_wr_u16(&w, AKA_AT_KDF, p->kdf[i]);
    aka_peer_finish(p, &w, PEER_RUNNING, AKA_R_SQN, out);
}

/* ck, ik: CK' and IK' in AKA'. */
static err derive(struct aka_peer *p, const struct usim_auth *a, const struct aka_msg *m,
                  uint8_t ck[AKA_CK_LEN], uint8_t ik[AKA_IK_LEN])
{
    struct span name = m->value[AKA_AT_KDF_INPUT], identity = span_of(p->identity, p->identity_n);
    if (p->method == EAP_TYPE_AKA)
        return aka_keys_plain(a->ck, a->ik, identity, &p->keys);
    err e = aka_prime_ck_ik(a->ck, a->ik, name, m->value[AKA_AT_AUTN].p, ck, ik);
    if (e == ERR_OK)
        e = aka_keys_prime(ck, ik, identity, &p->keys);
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

/* The card accepted AUTN. RFC 4187 s10.15 MUST: keys, then AT_MAC, then the rest; RES leaves only when all of it is right. */
static void prove_with(struct aka_peer *p, const struct usim_auth *a, const struct aka_msg *m, uint8_t *ck,
                       uint8_t *ik, struct aka_peer_action *out)
{
    uint8_t code[CHECKCODE_MAX], public[AKA_FS_PUBLIC_MAX];
    size_t code_n = 0, public_n = 0;
    p->fs_used = false;
    if (a->res_len < AKA_RES_MIN || a->res_len > AKA_RES_MAX || derive(p, a, m, ck, ik) != ERR_OK) {
        aka_peer_client_error(p, AKA_R_CARD, out);
        return;
    }
    if (aka_msg_check_mac(m, &p->keys, span_of(NULL, 0)) != ERR_OK) {
        aka_peer_client_error(p, AKA_R_MAC, out);
        return;
    }
    if (!checkcode_matches(&p->cc, m) || checkcode_value(&p->cc, p->method, code, &code_n) != ERR_OK) {
        aka_peer_client_error(p, AKA_R_CHECKCODE, out);
        return;
    }
    if (!take_secrets(p, m)) {
        aka_peer_client_error(p, AKA_R_MALFORMED, out);
        return;
    }
    if (p->method == EAP_TYPE_AKA_PRIME && p->fs_now != AKA_FS_NONE &&
        aka_peer_fs_keys(p, m, ck, ik, public, &public_n) !=
            ERR_OK) { /* RFC 9678 s6.5.4 MUST: our key goes with RES */
        aka_peer_client_error(p, AKA_R_FS, out);
        return;
    }
    p->net_name_n = 0;
    if (m->has[AKA_AT_KDF_INPUT]) {
        p->net_name_n = m->value[AKA_AT_KDF_INPUT].n;
        memcpy(p->net_name, m->value[AKA_AT_KDF_INPUT].p, p->net_name_n);
    }
    struct aka_wr w = aka_peer_begin(p, AKA_SUB_CHALLENGE);
    aka_wr_attr(&w, AKA_AT_RES, span_of(a->res, a->res_len));
    if (public_n)
        aka_wr_attr(&w, AKA_AT_PUB_ECDHE, span_of(public, public_n));
    if (m->has[AKA_AT_CHECKCODE])
        aka_wr_attr(&w, AKA_AT_CHECKCODE, span_of(code, code_n));
    aka_wr_mac(&w);
    p->have_keys = true;
    p->msk_gone = false;
    aka_peer_finish(p, &w, PEER_PROVEN, AKA_R_OK, out);
}

static void prove(struct aka_peer *p, const struct usim_auth *a, const struct aka_msg *m,
                  struct aka_peer_action *out)
{
    uint8_t ck[AKA_CK_LEN], ik[AKA_IK_LEN];
    prove_with(p, a, m, ck, ik, out);
    sec_wipe(ck, sizeof ck);
    sec_wipe(ik, sizeof ik);
}

void aka_peer_card(struct aka_peer *p, const struct usim_auth *a, struct aka_peer_action *out)
{
    struct eap_pkt pkt;
    struct aka_msg m;
    if (p->state != PEER_ASK_CARD) {
        aka_peer_none(out, AKA_R_STATE);
        return;
    }
    if (eap_parse(span_of(p->request, p->request_n), &pkt) != ERR_OK || aka_msg_parse(&pkt, &m) != AKA_R_OK) {
        aka_peer_end(p, out, AKA_R_INTERNAL);
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
        aka_peer_reject(p, AKA_R_AUTN, out);
        break;
    case USIM_UNUSABLE:
    default:
        aka_peer_client_error(p, AKA_R_CARD, out);
        break;
    }
}
