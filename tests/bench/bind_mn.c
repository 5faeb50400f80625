/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/bind_mn.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aka/eap.h"
#include "aka/peer.h"
#include "common/crypto/hash.h"
#include "common/crypto/secret.h"
#include "dnsupd/name.h"
#include "hip/bind_key.h"
#include "hip/bind_param.h"

#define REG_RENDEZVOUS 1 /* RFC 8004 s4.1 */

struct bind_mn {
    struct bind_mn_config c;
    struct hip_engine *e;
    struct hip_hi hi;
    struct usim_card *card;
    char identity[NAI_TEXT_MAX];
    struct dnsu_name name;
    struct hip_actions *acts; /* the configuration's */
    struct hip_ref ref;
    struct aka_peer *peer;
    struct hip_bind_th *th;
    struct hip_bind_keys *keys;
    uint8_t mac[HIP_BIND_MAC_LEN]; /* of our BIND_REQUEST */
    uint8_t fa_hi[HIP_HI_MAX];     /* of the association */
    size_t fa_hi_len;
    bool success, granted_sim, granted_rvs;
    enum bind_mn_end end;
    const char *stage; /* how far it came */
    char why[160];
};

const char *bind_mn_end_text(enum bind_mn_end e)
{
    static const char *const text[] = {
#define X(name, text) [BIND_MN_##name] = text,
        BIND_MN_END_LIST(X)
#undef X
    };
    return text[e];
}

/* ---- subscribers ---- */

void bind_mn_imsi(uint64_t n, char out[IMSI_MAX + 1])
{
    snprintf(out, IMSI_MAX + 1, "00101%010" PRIu64, n % UINT64_C(10000000000));
}

void bind_mn_keys(uint64_t n, uint8_t k[AKA_K_LEN], uint8_t opc[AKA_OPC_LEN])
{
    char text[64];
    uint8_t d[HASH_LEN_MAX];
    snprintf(text, sizeof text, "hipfa bench subscriber %" PRIu64, n);
    struct span in = span_str(text);
    if (hash_spans(HASH_SHA256, &in, 1, d) != ERR_OK)
        abort();
    memcpy(k, d, AKA_K_LEN);
    memcpy(opc, d + AKA_K_LEN, AKA_OPC_LEN);
}

/* ---- making ---- */

static err make(struct bind_mn *m, uint64_t n)
{
    struct hip_config c = { .env = m->c.env,
                            .assoc_max = 2,
                            .dh_groups = { 7 },
                            .ciphers = { 2 },
                            .esp_suites = { 8 },
                            .puzzle_k_max = 20 };
    char imsi[IMSI_MAX + 1], name[80];
    bind_mn_imsi(n, imsi);
    snprintf(name, sizeof name, "load-n%" PRIu64 ".%s", n, m->c.domain);
    snprintf(m->identity, sizeof m->identity, "6%s@" BIND_MN_REALM, imsi);
    m->acts = m->c.acts;
    m->card = sec_alloc(sizeof *m->card);
    m->e = hip_engine_new(&c);
    if (!m->card || !m->e)
        return ERR_MEMORY;
    memset(m->card, 0, sizeof *m->card);
    bind_mn_keys(n, m->card->cred.k, m->card->cred.opc);
    sqn_usim_init(&m->card->sqn);
    err e = dnsu_name_from_text(name, &m->name);
    if (e == ERR_OK)
        e = hip_hi_generate(SIG_ECDSA_P256, 0, &m->hi);
    return e == ERR_OK ? hip_identity_add(m->e, &m->hi, 0, 1) : e;
}

struct bind_mn *bind_mn_new(const struct bind_mn_config *c, uint64_t n)
{
    struct bind_mn *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->c = *c;
    if (make(m, n) == ERR_OK)
        return m;
    bind_mn_free(m);
    return NULL;
}

void bind_mn_free(struct bind_mn *m)
{
    if (!m)
        return;
    aka_peer_free(m->peer);
    hip_bind_th_free(m->th);
    hip_bind_keys_free(m->keys);
    hip_engine_free(m->e);
    hip_hi_done(&m->hi);
    sec_free(m->card);
    free(m);
}

const struct hit *bind_mn_hit(const struct bind_mn *m)
{
    return &m->hi.hit;
}

const char *bind_mn_why(const struct bind_mn *m)
{
    return m->end == BIND_MN_RUNNING ? m->stage : m->why;
}

static void over(struct bind_mn *m, enum bind_mn_end end, const char *why)
{
    if (m->end != BIND_MN_RUNNING)
        return;
    m->end = end;
    snprintf(m->why, sizeof m->why, "%s", why);
}

/* What cannot fail with memory there. */
static void ok(struct bind_mn *m, err e, const char *what)
{
    if (e != ERR_OK)
        over(m, BIND_MN_ASSOCIATION, what);
}

/* ---- the run ---- */

static const struct hip_reg_list request = {
    .present = true, .lifetime = 128, .n = 2, .type = { REG_RENDEZVOUS, HIP_BIND_REG_TYPE }
};

/* Response/Identity, unasked (docs/sim-binding.md section 1). */
static void begin(struct bind_mn *m, struct hip_ref ref, struct wcur *w)
{
    struct hip_assoc_view v;
    struct aka_peer_action a;
    ok(m, hip_assoc_get(m->e, ref, &v), "no association");
    m->fa_hi_len = v.peer_hi.n;
    memcpy(m->fa_hi, v.peer_hi.p, v.peer_hi.n);
    m->peer = aka_peer_new();
    m->th = hip_bind_th_new(span_of(m->hi.wire, m->hi.wire_len), v.peer_hi);
    if (!m->peer || !m->th || aka_peer_start(m->peer, span_str(m->identity), &a) != ERR_OK) {
        over(m, BIND_MN_EAP_FAILED, "no run");
        return;
    }
    hip_bind_th_add(m->th, a.octets);
    hip_bind_put_eap(w, a.octets);
}

static void on_r1(struct bind_mn *m, const struct hip_action *a, uint64_t now)
{
    uint8_t buf[HIP_INNER_MAX];
    struct wcur w = wcur_of(buf, sizeof buf);
    struct hip_answer ans = { .accept = true };
    bool offered = false;
    for (uint8_t i = 0; i < a->ask.contents.info.n; i++)
        offered |= a->ask.contents.info.type[i] == HIP_BIND_REG_TYPE;
    if (!offered) {
        over(m, BIND_MN_REG_FAILED, "the FA offers no binding");
        return;
    }
    begin(m, a->ref, &w);
    ans.contents.request = request;
    ans.contents.inner = wcur_done(&w);
    ok(m, hip_answer(m->e, a->ref, &ans, now, m->acts), "I2 not made");
    m->stage = "after R1";
}

static void prove(struct bind_mn *m, struct hip_ref ref, struct span eap, uint64_t now)
{
    uint8_t buf[HIP_INNER_MAX], th[HIP_BIND_TH_LEN];
    struct wcur w = wcur_of(buf, sizeof buf);
    struct hip_bind_request q = { .attempt = 1, .n_wanted = 1, .wanted = { dnsu_name_span(&m->name) } };
    struct hip_contents c = { .request = request };
    const uint8_t *exported;
    uint32_t id;
    hip_bind_th_add(m->th, eap);
    err e = hip_assoc_export(m->e, ref, &exported);
    if (e == ERR_OK)
        e = hip_bind_th_get(m->th, th);
    if (e == ERR_OK)
        m->keys = hip_bind_keys_new(exported, aka_peer_msk(m->peer), th);
    if (e == ERR_OK && !m->keys)
        e = ERR_MEMORY;
    hip_bind_put_eap(&w, eap);
    hip_bind_put_request(&w, &q);
    if (e == ERR_OK)
        e = hip_update_id(m->e, ref, &id);
    if (e == ERR_OK)
        e = hip_bind_mac_mn(m->keys, id, wcur_done(&w), m->mac);
    hip_bind_put_mac(&w, m->mac);
    c.inner = wcur_done(&w);
    if (e == ERR_OK)
        e = wcur_ok(&w) ? hip_update(m->e, ref, &c, now, m->acts) : ERR_SPACE;
    ok(m, e, "BIND_REQUEST not made");
    m->stage = "challenge answered";
}

static void on_eap(struct bind_mn *m, struct hip_ref ref, struct span eap, uint64_t now)
{
    struct aka_peer_action a;
    struct usim_auth auth;
    uint8_t buf[HIP_INNER_MAX];
    struct wcur w = wcur_of(buf, sizeof buf);
    if (eap.p[0] == EAP_REQUEST)
        hip_bind_th_add(m->th, eap);
    aka_peer_input(m->peer, eap, &a);
    if (a.type == AKA_PEER_IDENTITY)
        aka_peer_identity(m->peer, span_str(m->identity), &a);
    if (a.type == AKA_PEER_CHALLENGE) {
        usim_card_authenticate(m->card, a.rand, a.autn, &auth);
        if (auth.verdict != USIM_AUTHENTICATED)
            over(m, BIND_MN_CARD, "");
        aka_peer_card(m->peer, &auth, &a);
        sec_wipe(&auth, sizeof auth);
    }
    if (a.type == AKA_PEER_SUCCESS)
        m->success = true;
    else if (a.type == AKA_PEER_FAILED)
        over(m, BIND_MN_EAP_FAILED, aka_reason_text(a.reason));
    if (a.type != AKA_PEER_SEND || m->end != BIND_MN_RUNNING)
        return;
    if (a.proof) {
        prove(m, ref, a.octets, now);
        return;
    }
    hip_bind_th_add(m->th, a.octets);
    hip_bind_put_eap(&w, a.octets);
    ok(m,
       hip_update(m->e, ref, &(struct hip_contents){ .request = request, .inner = wcur_done(&w) }, now,
                  m->acts),
       "EAP not sent");
}

/* In the order of docs/sim-binding.md section 5, "MN on BIND_RESPONSE". */
static void on_response(struct bind_mn *m, uint32_t update_id, const struct hip_bind_inner *in)
{
    struct hip_bind_response p;
    uint8_t mac[HIP_BIND_MAC_LEN];
    char why[sizeof m->why];
    if (!m->keys || in->mac.n != sizeof mac ||
        hip_bind_mac_fa(m->keys, update_id, m->mac, in->p, mac) != ERR_OK ||
        !sec_equal(mac, in->mac.p, sizeof mac)) {
        over(m, BIND_MN_BAD_MAC, "");
        return;
    }
    if (hip_bind_response_parse(in->response, &p) != ERR_OK || p.attempt != 1) {
        over(m, BIND_MN_BAD_RESPONSE, "");
        return;
    }
    if (p.status > HIP_BIND_ST_PENDING) {
        snprintf(why, sizeof why, "%s: %.*s", hip_bind_status_text(p.status), (int)p.reason.n,
                 p.reason.n ? (const char *)p.reason.p : "");
        over(m, BIND_MN_REFUSED, why);
    } else if (!span_eq(p.fa_hi, span_of(m->fa_hi, m->fa_hi_len)) ||
               !span_eq(p.fa[0].hit, span_of(m->c.fa.b, sizeof m->c.fa.b)) ||
               !span_eq(p.fqdn, dnsu_name_span(&m->name))) {
        over(m, BIND_MN_BAD_RESPONSE, "another FA or another name");
    } else if (p.status == HIP_BIND_ST_PENDING) {
        over(m, BIND_MN_PENDING, "");
    } else if (!m->success || !m->granted_sim || !m->granted_rvs) {
        over(m, BIND_MN_BAD_RESPONSE, "bound, but not registered or without EAP Success");
    } else {
        over(m, BIND_MN_BOUND, "");
    }
}

static void on_contents(struct bind_mn *m, struct hip_ref ref, const struct hip_contents *c, uint32_t id,
                        bool update, uint64_t now)
{
    struct hip_bind_inner in;
    char why[64];
    for (uint8_t i = 0; c->response.present && c->response.lifetime && i < c->response.n; i++) {
        m->granted_sim |= c->response.type[i] == HIP_BIND_REG_TYPE;
        m->granted_rvs |= c->response.type[i] == REG_RENDEZVOUS;
    }
    if (hip_bind_inner_parse(c->inner, &in) != ERR_OK) {
        over(m, BIND_MN_BAD_RESPONSE, "malformed");
        return;
    }
    if (in.eap.n)
        on_eap(m, ref, in.eap, now);
    if (in.response.n)
        on_response(m, id, &in);
    for (uint8_t i = 0; i < c->n_failed; i++)
        for (uint8_t k = 0; k < c->failed[i].n; k++)
            if (c->failed[i].type[k] == HIP_BIND_REG_TYPE) {
                snprintf(why, sizeof why, "reason %u in %s", c->failed[i].reason, update ? "UPDATE" : "R2");
                over(m, BIND_MN_REG_FAILED, why);
            }
}

static void one(struct bind_mn *m, const struct hip_action *a, uint64_t now)
{
    switch (a->type) {
    case HIP_ACT_SEND:
        m->c.send(m->c.ctx, &a->send.path, a->send.octets);
        break;
    case HIP_ACT_ASK_I2:
        on_r1(m, a, now);
        break;
    case HIP_ACT_ESTABLISHED:
        m->stage = "associated, no challenge";
        on_contents(m, a->ref, &a->up.contents, 0, false, now);
        break;
    case HIP_ACT_UPDATE:
        on_contents(m, a->ref, &a->update.contents, a->update.id, true, now);
        ok(m, hip_update_done(m->e, a->ref, now, m->acts), "no ACK");
        break;
    case HIP_ACT_GONE:
        if (a->gone.why != HIP_GONE_REPLACED)
            over(m, BIND_MN_ASSOCIATION, hip_state_name(a->gone.was));
        break;
    default:
        break;
    }
}

/* The list grows while it is carried out. */
static enum bind_mn_end act(struct bind_mn *m, uint64_t now)
{
    for (size_t i = 0; i < m->acts->n; i++) {
        struct hip_action a = m->acts->v[i];
        one(m, &a, now);
    }
    hip_actions_reset(m->acts);
    return m->end;
}

void bind_mn_start(struct bind_mn *m, uint64_t now)
{
    m->stage = "after I1";
    ok(m, hip_connect(m->e, &m->hi.hit, &m->c.fa, &m->c.path, 1, now, m->acts, &m->ref), "no I1");
    act(m, now);
}

enum bind_mn_end bind_mn_input(struct bind_mn *m, const struct hip_path *path, struct span octets,
                               uint64_t now)
{
    (void)hip_input(m->e, path, octets, now, m->acts);
    return act(m, now);
}

enum bind_mn_end bind_mn_timeout(struct bind_mn *m, uint64_t now)
{
    hip_timeout(m->e, now, m->acts);
    return act(m, now);
}

uint64_t bind_mn_deadline(const struct bind_mn *m)
{
    return hip_deadline(m->e);
}
