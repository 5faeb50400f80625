/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "aka/server_priv.h"
#include "common/crypto/secret.h"

void aka_srv_ask_vector(struct aka_server *s, bool resync, struct aka_server_action *out)
{
    s->state = SRV_AUC;
    s->reauth = false;
    *out = (struct aka_server_action){
        .type = AKA_SERVER_VECTOR,
        .imsi = s->imsi,
        .want = s->method->separated ? AKA_WANT_SEPARATED : AKA_WANT_PLAIN,
        .resync = resync,
    };
    if (resync) {
        out->rand = s->v.rand;
        out->auts = s->auts;
    }
}

/* ---- challenge ---- */

static err derive(struct aka_server *s)
{
    const struct span identity = span_of(s->identity.octets, s->identity.n);
    aka_srv_fs_wipe(s);
    if (s->method->type == EAP_TYPE_AKA)
        return aka_keys_plain(s->v.ck, s->v.ik, identity, &s->keys);
    err e =
        aka_prime_ck_ik(s->v.ck, s->v.ik, span_str(s->conf.net_name), s->v.autn, s->ck_prime, s->ik_prime);
    if (e == ERR_OK)
        e = aka_keys_prime(s->ck_prime, s->ik_prime, identity, &s->keys);
    if (e == ERR_OK)
        e = aka_srv_fs_begin(s);
    return e;
}

/* RFC 9048 s4: D=1 where AKA' would be taken; that it is preferred is our operator's word when it is allowed at all. */
static bool prime_allowed(const struct aka_server *s)
{
    return memchr(s->conf.methods, EAP_TYPE_AKA_PRIME, sizeof s->conf.methods) != NULL;
}

static void write_challenge(struct aka_server *s, struct aka_server_action *out)
{
    uint8_t code[CHECKCODE_MAX];
    size_t code_n = 0;
    if (checkcode_value(&s->cc, s->method->type, code, &code_n) != ERR_OK) {
        aka_srv_fail(s, AKA_R_INTERNAL, out);
        return;
    }
    struct aka_wr w = aka_srv_begin(s, AKA_SUB_CHALLENGE);
    aka_wr_attr(&w, AKA_AT_RAND, span_of(s->v.rand, sizeof s->v.rand));
    aka_wr_attr(&w, AKA_AT_AUTN, span_of(s->v.autn, sizeof s->v.autn));
    if (s->method->type == EAP_TYPE_AKA_PRIME) {
        for (uint8_t i = 0; i < s->n_kdf; i++)
            aka_wr_u16(&w, AKA_AT_KDF, s->kdf[i]);
        aka_wr_attr(&w, AKA_AT_KDF_INPUT, span_str(s->conf.net_name));
        aka_srv_fs_write(s, &w);
    }
    aka_srv_secrets(s, &w, SRV_MSG_CHALLENGE);
    aka_wr_attr(&w, AKA_AT_CHECKCODE, span_of(code, code_n));
    if (s->conf.result_ind)
        aka_wr_u16(&w, AKA_AT_RESULT_IND, 0);
    if (s->method->type == EAP_TYPE_AKA && prime_allowed(s))
        aka_wr_u16(&w, AKA_AT_BIDDING, AKA_BIDDING_PRIME);
    aka_wr_mac(&w);
    aka_srv_finish(s, &w, SRV_CHALLENGE, out);
}

static void challenge(struct aka_server *s, const struct aka_vector *v, struct aka_server_action *out)
{
    /* RFC 9048 s3.3 MUST, TS 33.402 s6.2: our AuC must not give a vector of one method to the other. */
    if (aka_autn_separated(v->autn) != s->method->separated || v->res_len < AKA_RES_MIN ||
        v->res_len > AKA_RES_MAX) {
        aka_srv_fail(s, AKA_R_SEPARATION, out);
        return;
    }
    s->v = *v;
    if (derive(s) != ERR_OK)
        aka_srv_fail(s, AKA_R_INTERNAL, out);
    else
        write_challenge(s, out);
}

void aka_server_vector(struct aka_server *s, enum aka_server_auc what, const struct aka_vector *v,
                       struct aka_server_action *out)
{
    if (s->state == SRV_STATUS) {
        aka_srv_status(s, what, out);
        return;
    }
    if (s->state != SRV_AUC) {
        aka_srv_none(out, AKA_R_STATE);
        return;
    }
    switch (what) {
    case AKA_AUC_OK:
        challenge(s, v, out);
        break;
    case AKA_AUC_BARRED:
        s->barred = v != NULL;
        if (v)
            challenge(s, v, out);
        else
            aka_srv_fail(s, AKA_R_SUBSCRIBER, out);
        break;
    case AKA_AUC_UNKNOWN:
        aka_srv_fail(s, AKA_R_SUBSCRIBER, out);
        break;
    case AKA_AUC_BAD_AUTS:
        aka_srv_fail(s, AKA_R_AUTS, out);
        break;
    case AKA_AUC_UNAVAILABLE:
    default:
        aka_srv_fail(s, AKA_R_UNAVAILABLE, out);
        break;
    }
}

/* ---- answers ---- */

/* The peer would rather have another function of the list (RFC 9048 s3.2 MUST, MUST NOT): nothing but that in its
 * answer, and one we offered, not the first, and once. The list that goes out then is the choice and the whole old
 * list behind it. */
static void choose_kdf(struct aka_server *s, const struct aka_msg *m, struct aka_server_action *out)
{
    bool offered = false;
    for (uint8_t i = 1; i < s->n_kdf; i++)
        offered |= s->kdf[i] == m->kdf[0];
    if (m->n_kdf != 1 || m->has[AKA_AT_RES] || s->kdf_chosen || !offered || m->kdf[0] != AKA_KDF_DEFAULT) {
        aka_srv_fail(s, AKA_R_KDF, out);
        return;
    }
    memmove(s->kdf + 1, s->kdf, s->n_kdf * sizeof *s->kdf);
    s->kdf[0] = m->kdf[0];
    s->n_kdf++;
    s->kdf_chosen = true;
    write_challenge(s, out);
}

static void choose_fs(struct aka_server *s, const struct aka_msg *m, struct aka_server_action *out)
{
    enum aka_reason r = aka_srv_fs_choose(s, m);
    if (r == AKA_R_OK)
        write_challenge(s, out);
    else
        aka_srv_fail(s, r, out);
}

static void proven(struct aka_server *s, const struct aka_msg *m, struct aka_server_action *out)
{
    enum aka_reason r = aka_srv_fs_keys(s, m);
    aka_srv_fs_wipe(s);
    if (r != AKA_R_OK) {
        aka_srv_fail(s, r, out);
        return;
    }
    s->counter = 1; /* RFC 4187 s5.2 */
    s->confirm = m->has[AKA_AT_RESULT_IND];
    aka_srv_proven(s, s->barred ? AKA_R_SUBSCRIBER : AKA_R_OK, out);
}

/* RFC 4187 s6.3.2, s10.15 MUST: AT_MAC first; then RES and AT_CHECKCODE. */
void aka_srv_challenge(struct aka_server *s, const struct aka_msg *m, struct aka_server_action *out)
{
    struct span res = m->value[AKA_AT_RES];
    if (s->state != SRV_CHALLENGE) {
        aka_srv_fail(s, AKA_R_STATE, out);
    } else if (m->n_kdf) {
        choose_kdf(s, m, out);
    } else if (m->n_kdf_fs && !m->has[AKA_AT_RES]) {
        choose_fs(s, m, out);
    } else if (!m->has[AKA_AT_RES] || !m->has[AKA_AT_MAC]) {
        aka_srv_fail(s, AKA_R_MISSING_ATTR, out);
    } else if (aka_msg_check_mac(m, &s->keys, span_of(NULL, 0)) != ERR_OK) {
        aka_srv_fail(s, AKA_R_MAC, out);
    } else if (res.n != s->v.res_len || !sec_equal(res.p, s->v.res, res.n)) {
        aka_srv_fail(s, AKA_R_RES, out);
    } else if (!checkcode_matches(&s->cc, m)) {
        aka_srv_fail(s, AKA_R_CHECKCODE, out);
    } else if (s->method->type == EAP_TYPE_AKA_PRIME && s->kdf[0] != AKA_KDF_DEFAULT) {
        aka_srv_fail(s, AKA_R_KDF, out); /* keys by a function that was offered for the list's sake only */
    } else {
        proven(s, m, out);
    }
}

/* RFC 9048 s3.2 MUST: with a copy of our list. */
static bool kdf_copied(const struct aka_server *s, const struct aka_msg *m)
{
    if (s->method->type == EAP_TYPE_AKA)
        return true;
    return m->n_kdf == s->n_kdf && memcmp(m->kdf, s->kdf, s->n_kdf * sizeof *s->kdf) == 0;
}

void aka_srv_sync(struct aka_server *s, const struct aka_msg *m, struct aka_server_action *out)
{
    if (s->state != SRV_CHALLENGE) {
        aka_srv_fail(s, AKA_R_STATE, out);
    } else if (!m->has[AKA_AT_AUTS]) {
        aka_srv_fail(s, AKA_R_MISSING_ATTR, out);
    } else if (!kdf_copied(s, m)) {
        aka_srv_fail(s, AKA_R_KDF, out);
    } else if (s->resyncs == AKA_SERVER_RESYNCS) {
        aka_srv_fail(s, AKA_R_TOO_MANY, out);
    } else {
        s->resyncs++;
        memcpy(s->auts, m->value[AKA_AT_AUTS].p, sizeof s->auts);
        aka_srv_ask_vector(s, true, out);
    }
}
