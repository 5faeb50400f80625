/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "aka/server_priv.h"

static void ask(struct aka_server *s, enum server_asked what, struct aka_server_action *out)
{
    static const enum aka_at at[] = { [ASKED_ANY] = AKA_AT_ANY_ID_REQ,
                                      [ASKED_FULLAUTH] = AKA_AT_FULLAUTH_ID_REQ,
                                      [ASKED_PERMANENT] = AKA_AT_PERMANENT_ID_REQ };
    s->asked = what;
    struct aka_wr w = aka_srv_begin(s, AKA_SUB_IDENTITY);
    aka_wr_u16(&w, at[what], 0);
    aka_srv_finish(s, &w, SRV_IDENTITY, out);
    if (out->type == AKA_SERVER_SEND && checkcode_add(&s->cc, span_of(s->request, s->request_n)) != ERR_OK)
        aka_srv_end(s, false, AKA_R_INTERNAL, out);
}

static enum nai_kind kind_of(const struct aka_server *s, struct aka_nai *nai)
{
    if (nai_parse(span_of(s->identity.octets, s->identity.n), nai) == ERR_OK)
        return nai_kind(nai);
    *nai = (struct aka_nai){ .lead = 0 };
    return NAI_OTHER;
}

/* An identity that is of no use: ask for one that says more (RFC 4187 s4.1.4, s4.1.7 MUST), and never the same or less again (s4.1.5). What cannot be
 * of use to anybody here is not asked for. A decorated identity is nobody's (RFC 4187 s4.1.2.2 MUST). */
static void ask_better(struct aka_server *s, struct aka_server_action *out)
{
    struct aka_nai nai;
    enum nai_kind kind = kind_of(s, &nai);
    enum server_asked want = kind == NAI_REAUTH  ? ASKED_FULLAUTH
                             : kind == NAI_OTHER ? ASKED_ANY
                                                 : ASKED_PERMANENT;
    if (!s->conf.ask_who)
        want = ASKED_PERMANENT;
    if (want <= s->asked)
        want = s->asked + 1;
    if (want > ASKED_PERMANENT)
        aka_srv_fail(s, AKA_R_IDENTITY, out);
    else
        ask(s, want, out);
}

static void known(struct aka_server *s, const char *imsi, struct aka_server_action *out)
{
    memcpy(s->imsi, imsi, sizeof s->imsi);
    aka_srv_ask_vector(s, false, out);
}

/* The identity that was taken: a permanent one serves as it is, others are the owner's to know. */
static void use(struct aka_server *s, struct aka_server_action *out)
{
    struct aka_nai nai;
    enum nai_kind kind = kind_of(s, &nai);
    if (kind == NAI_PERMANENT) {
        known(s, nai.imsi, out);
    } else if (s->asked == ASKED_PERMANENT && (kind == NAI_PSEUDONYM || kind == NAI_REAUTH)) {
        aka_srv_fail(s, AKA_R_IDENTITY, out); /* RFC 4187 s4.1.7 MUST */
    } else if (s->conf.ask_who) {
        s->state = SRV_WHO;
        *out = (struct aka_server_action){ .type = AKA_SERVER_WHO,
                                           .identity = span_of(s->identity.octets, s->identity.n) };
    } else {
        ask_better(s, out);
    }
}

static bool take(struct aka_server *s, struct span text)
{
    struct aka_nai nai;
    if (text.n > sizeof s->identity.octets || nai_parse(text, &nai) != ERR_OK)
        return false;
    memcpy(s->identity.octets, text.p, text.n);
    s->identity.n = text.n;
    return true;
}

static bool allowed(const struct aka_server *s, uint8_t type)
{
    return memchr(s->conf.methods, type, sizeof s->conf.methods) != NULL;
}

void aka_srv_eap_identity(struct aka_server *s, const struct eap_pkt *p, struct aka_server_action *out)
{
    if (s->state != SRV_NEW) {
        aka_srv_none(out, AKA_R_STATE);
        return;
    }
    s->id = p->id;
    s->have_id = true;
    if (!take(s, p->data)) {
        ask_better(s, out);
        return;
    }
    const struct aka_method *m = aka_method_of_lead(s->identity.octets[0]);
    if (m && allowed(s, m->type))
        s->method = m;
    aka_srv_again(s, out);
}

void aka_srv_again(struct aka_server *s, struct aka_server_action *out)
{
    if (s->imsi[0] && !s->conf.ask_identity)
        aka_srv_ask_vector(s, false, out);
    else if (s->conf.ask_identity)
        ask(s, s->conf.ask_who ? ASKED_ANY : ASKED_PERMANENT, out);
    else
        use(s, out);
}

void aka_srv_identity(struct aka_server *s, const struct aka_msg *m, struct aka_server_action *out)
{
    if (s->state != SRV_IDENTITY) {
        aka_srv_fail(s, AKA_R_STATE, out);
    } else if (!m->has[AKA_AT_IDENTITY]) {
        aka_srv_fail(s, AKA_R_MISSING_ATTR, out);
    } else if (checkcode_add(&s->cc, m->whole) != ERR_OK) {
        aka_srv_fail(s, AKA_R_TOO_MANY, out);
    } else if (!take(s, m->value[AKA_AT_IDENTITY])) {
        aka_srv_fail(s, AKA_R_IDENTITY, out);
    } else {
        s->cc.needed |= m->unknown_skippable;
        use(s, out);
    }
}

/* Fast re-authentication goes on where the full one was: the same method, and the same network name (RFC 9048 s3.3 MUST NOT); and not after
 * the peer was asked for an identity of full authentication. */
static bool goes_on(const struct aka_server *s, const struct aka_reauth *r)
{
    return r->method == s->method->type && s->asked <= ASKED_ANY && r->counter != 0 &&
           (r->method != EAP_TYPE_AKA_PRIME || strcmp(r->net_name, s->conf.net_name) == 0);
}

void aka_server_who(struct aka_server *s, const struct aka_who *who, struct aka_server_action *out)
{
    if (s->state != SRV_WHO) {
        aka_srv_none(out, AKA_R_STATE);
        return;
    }
    if (who->kind == AKA_WHO_IMSI && imsi_valid(who->imsi)) {
        known(s, who->imsi, out);
    } else if (who->kind == AKA_WHO_REAUTH && goes_on(s, who->reauth)) {
        memcpy(s->imsi, who->reauth->imsi, sizeof s->imsi);
        aka_srv_reauth_begin(s, who->reauth, out);
    } else {
        ask_better(s, out);
    }
}
