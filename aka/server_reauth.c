/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "aka/server_priv.h"
#include "common/crypto/secret.h"

void aka_srv_reauth_begin(struct aka_server *s, const struct aka_reauth *r, struct aka_server_action *out)
{
    uint8_t code[CHECKCODE_MAX];
    size_t code_n = 0;
    s->reauth = true;
    s->counter = r->counter;
    s->keys = r->keys;
    env_draw(s->conf.env, "nonce_s", s->nonce_s, sizeof s->nonce_s); /* RFC 4187 s10.18 MUST be fresh */
    if (checkcode_value(&s->cc, s->method->type, code, &code_n) != ERR_OK) {
        aka_srv_fail(s, AKA_R_INTERNAL, out);
        return;
    }
    struct aka_wr w = aka_srv_begin(s, AKA_SUB_REAUTH);
    aka_srv_secrets(s, &w, SRV_MSG_REAUTH);
    aka_wr_attr(&w, AKA_AT_CHECKCODE, span_of(code, code_n));
    if (s->conf.result_ind)
        aka_wr_u16(&w, AKA_AT_RESULT_IND, 0);
    aka_wr_mac(&w);
    aka_srv_finish(s, &w, SRV_REAUTH, out);
}

/* AT_MAC was right. RFC 4187 s9.8, s5.4 MUST: the counter comes back as it went out; too small for the peer: full authentication (s5.5). */
static void answer(struct aka_server *s, const struct aka_msg *m, const struct aka_msg *in,
                   struct aka_server_action *out)
{
    if (!in->has[AKA_AT_COUNTER]) {
        aka_srv_fail(s, AKA_R_MISSING_ATTR, out);
    } else if (in->u16[AKA_AT_COUNTER] != s->counter) {
        aka_srv_fail(s, AKA_R_COUNTER, out);
    } else if (!checkcode_matches(&s->cc, m)) {
        aka_srv_fail(s, AKA_R_CHECKCODE, out);
    } else if (in->has[AKA_AT_COUNTER_TOO_SMALL]) {
        s->next_reauth.n = 0; /* it must not be used (s5.5) */
        aka_srv_ask_vector(s, false, out);
    } else if (aka_keys_reauth(s->method->type, &s->keys, span_of(s->identity.octets, s->identity.n),
                               s->counter, s->nonce_s) != ERR_OK) {
        aka_srv_fail(s, AKA_R_INTERNAL, out);
    } else {
        s->confirm = m->has[AKA_AT_RESULT_IND];
        s->state = SRV_STATUS;
        *out =
            (struct aka_server_action){ .type = AKA_SERVER_VECTOR, .imsi = s->imsi, .want = AKA_WANT_STATUS };
    }
}

void aka_srv_reauth(struct aka_server *s, const struct aka_msg *m, struct aka_server_action *out)
{
    uint8_t plain[EAP_MAX];
    struct aka_msg in;
    if (s->state != SRV_REAUTH) {
        aka_srv_fail(s, AKA_R_STATE, out);
    } else if (aka_msg_check_mac(m, &s->keys, span_of(s->nonce_s, sizeof s->nonce_s)) != ERR_OK) {
        aka_srv_fail(s, AKA_R_MAC, out); /* RFC 4187 s10.15: over NONCE_S too */
    } else {
        enum aka_reason r = aka_encr_open(m, &s->keys, plain, &in);
        if (r == AKA_R_OK)
            answer(s, m, &in, out);
        else
            aka_srv_fail(s, r, out);
    }
    sec_wipe(plain, sizeof plain);
}

/* No vector was needed, so nobody has noticed yet that the subscriber is gone or barred. */
void aka_srv_status(struct aka_server *s, enum aka_server_auc what, struct aka_server_action *out)
{
    aka_srv_proven(s,
                   what == AKA_AUC_OK            ? AKA_R_OK
                   : what == AKA_AUC_UNAVAILABLE ? AKA_R_UNAVAILABLE
                                                 : AKA_R_SUBSCRIBER,
                   out);
}

bool aka_server_reauth(const struct aka_server *s, struct aka_reauth *out, struct span *identity)
{
    if (s->state != SRV_DONE || !s->accepted || s->next_reauth.n == 0)
        return false;
    *out = (struct aka_reauth){ .method = s->method->type,
                                .counter = s->reauth ? (uint16_t)(s->counter + 1) : s->counter,
                                .keys = s->keys };
    memcpy(out->imsi, s->imsi, sizeof out->imsi);
    memcpy(out->net_name, s->conf.net_name, sizeof out->net_name);
    sec_wipe(out->keys.msk, sizeof out->keys.msk);
    sec_wipe(out->keys.emsk, sizeof out->keys.emsk);
    *identity = span_of(s->next_reauth.octets, s->next_reauth.n);
    return out->counter != 0; /* used up: full authentication comes next */
}

bool aka_server_was_reauth(const struct aka_server *s)
{
    return s->state == SRV_DONE && s->accepted && s->reauth;
}
