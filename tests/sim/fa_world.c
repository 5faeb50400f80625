/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/fa_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aka/attr.h"
#include "common/base/cursor.h"
#include "common/base/heap.h"
#include "common/base/hex.h"
#include "common/crypto/secret.h"
#include "dnsupd/name.h"
#include "hip/build.h"
#include "hip/param_reg.h"
#include "hip/reg.h"

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

static void ok(err e)
{
    if (e != ERR_OK) {
        fprintf(stderr, "unexpected: %s\n", err_text(e));
        abort();
    }
}

static uint64_t next_random(struct fw *w)
{
    uint64_t z = w->rng += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void random_octets(void *ctx, void *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = (uint8_t)(next_random(ctx) >> 17);
}

static bool chance(struct fw *w, unsigned pm)
{
    return pm && next_random(w) % 1000 < pm;
}

/* ---- making ---- */

static void add_subscriber(struct fw *w, const char *imsi, const char *given, const char *surname)
{
    struct fw_card *c = &w->card[w->n_card++];
    struct fa_subscriber *s = &w->sub[w->n_sub];
    w->epoch[w->n_sub++] = 0;
    memcpy(c->imsi, imsi, strlen(imsi));
    memset(c->m.cred.k, (int)w->n_card, sizeof c->m.cred.k);
    memset(c->m.cred.opc, (int)w->n_card ^ 0x55, sizeof c->m.cred.opc);
    sqn_usim_init(&c->m.sqn);
    *s = (struct fa_subscriber){ .active = true, .publish_name = true, .n_msisdn = 1 };
    snprintf(s->id, sizeof s->id, "sub-%zu", w->n_sub);
    snprintf(s->imsi, sizeof s->imsi, "%s", imsi);
    snprintf(s->given, sizeof s->given, "%s", given);
    snprintf(s->surname, sizeof s->surname, "%s", surname);
    snprintf(s->postal, sizeof s->postal, "Street 1, Town");
    snprintf(s->msisdn[0], sizeof s->msisdn[0], "35840000000%zu", w->n_sub);
}

struct fw *fw_new(uint64_t seed)
{
    struct fw *w = must(calloc(1, sizeof *w));
    ok(crypto_init());
    w->out = must(calloc(1, sizeof *w->out));
    w->seed = w->rng = seed;
    w->now = 1000000;
    w->delay_us = 5000;
    w->env = (struct env){ .ctx = w, .random = random_octets };
    for (size_t i = 0; i < FA_JOB__COUNT; i++)
        w->job_us[i] = 1000;
    ok(hip_hi_generate(SIG_ECDSA_P256, 0, &w->fa_hi));
    ok(addr_parse("192.0.2.1", &w->fa_addr));
    w->realm[0] =
        (struct fa_realm){ .realm = "wlan.mnc001.mcc001.3gppnetwork.org", .n_plmn = 1, .plmn = { "00101" } };
    w->c = (struct fa_config){
        .env = &w->env,
        .hip = { .assoc_max = 64,
                 .dh_groups = { 7 },
                 .ciphers = { 2 },
                 .esp_suites = { 8 },
                 .puzzle_k = 1,
                 .puzzle_k_max = 16 },
        .name = "fa.operator.example",
        .domain = "operator.example",
        .realms = w->realm,
        .n_realms = 1,
        .allow = w->allow,
        .sim_binding = true,
    };
    add_subscriber(w, "001010000000001", "Matti", "Virtanen");
    add_subscriber(w, "001010000000002", "Eve", "Mallory");
    return w;
}

void fw_start(struct fw *w)
{
    w->fa = must(fa_new(&w->c));
    ok(fa_identity_add(w->fa, &w->fa_hi, w->now, w->now));
    fa_actions_reset(w->out);
    fa_start(w->fa, w->now, w->out);
    fw_act(w);
}

void fw_restart(struct fw *w)
{
    fa_free(w->fa);
    for (size_t i = 0; i < w->n_jobs; i++)
        free(w->jobs[i]);
    w->n_jobs = 0;
    w->stopped = false;
    w->stop_at = w->fail_at = w->lose_at = 0;
    for (size_t i = 0; i < FW_CONVS; i++) {
        if (w->conv[i].used)
            aka_server_free(w->conv[i].s);
        w->conv[i].used = false;
    }
    fw_start(w);
}

static void mn_forget(struct fw_mn *m)
{
    aka_peer_free(m->peer);
    hip_bind_th_free(m->th);
    hip_bind_keys_free(m->keys);
    m->peer = NULL;
    m->th = NULL;
    m->keys = NULL;
}

void fw_free(struct fw *w)
{
    fa_free(w->fa);
    for (size_t i = 0; i < w->n_mn; i++) {
        mn_forget(&w->mn[i]);
        hip_engine_free(w->mn[i].e);
        hip_hi_done(&w->mn[i].hi);
        hip_hi_done(&w->mn[i].other);
    }
    for (size_t i = 0; i < w->n_air; i++)
        free(w->air[i]);
    for (size_t i = 0; i < w->n_jobs; i++)
        free(w->jobs[i]);
    for (size_t i = 0; i < FW_CONVS; i++)
        if (w->conv[i].used)
            aka_server_free(w->conv[i].s);
    hip_hi_done(&w->fa_hi);
    free(w->out);
    free(w);
}

static void mn_engine(struct fw *w, struct fw_mn *m)
{
    struct hip_config c = { .env = &w->env,
                            .assoc_max = 8,
                            .dh_groups = { 7 },
                            .ciphers = { 2 },
                            .esp_suites = { 8 },
                            .puzzle_k_max = 20,
                            .nat_modes = { 3, 1 },
                            .ual_us = 36000 * FW_S };
    hip_engine_free(m->e);
    m->e = must(hip_engine_new(&c));
    ok(hip_identity_add(m->e, &m->hi, 0, w->now));
}

struct fw_mn *fw_mn(struct fw *w, const char *name, const char *addr, struct fw_card *card)
{
    struct fw_mn *m = &w->mn[w->n_mn++];
    *m = (struct fw_mn){
        .name = name, .card = card, .want_sim = card != NULL, .want_rvs = true, .reg_code = 128
    };
    ok(hip_hi_generate(SIG_ECDSA_P256, 0, &m->hi));
    ok(hip_hi_generate(SIG_ECDSA_P256, 0, &m->other));
    ok(addr_parse(addr, &m->addr));
    mn_engine(w, m);
    return m;
}

void fw_mn_kind(struct fw *w, struct fw_mn *m, enum sig_type t)
{
    hip_hi_done(&m->hi);
    ok(hip_hi_generate(t, 0, &m->hi));
    mn_engine(w, m);
}

void fw_mn_x962(struct fw *w, struct fw_mn *m)
{
    memmove(m->hi.wire + 5, m->hi.wire + 4, m->hi.wire_len - 4u);
    m->hi.wire[4] = 4;
    m->hi.wire_len++;
    m->hi.x962 = true;
    ok(hit_derive(m->hi.suite, hip_hi_field(&m->hi), &m->hi.hit));
    mn_engine(w, m);
}

/* ---- the air ---- */

static bool holds(const uint8_t *p, size_t n, const char *text)
{
    return memmem(p, n, text, strlen(text)) != NULL;
}

static void send(struct fw *w, const struct hip_path *path, struct span o)
{
    for (size_t i = 0; i < w->n_card; i++)
        if (holds(o.p, o.n, w->card[i].imsi))
            w->saw_clear_imsi = true;
    unsigned copies = chance(w, w->loss_pm) ? 0 : chance(w, w->dup_pm) ? 2 : 1;
    for (unsigned i = 0; i < copies; i++) {
        struct fw_packet *p = must(calloc(1, sizeof *p));
        p->at_us = w->now + w->delay_us + i * 700;
        p->order = w->order++;
        p->path = (struct hip_path){ .local = path->peer, .peer = path->local };
        for (size_t k = 0; k < w->n_mn; k++)
            if (w->mn[k].nat.family && addr_eq(&p->path.peer, &w->mn[k].addr))
                p->path.peer = w->mn[k].nat;
        p->n = o.n;
        memcpy(p->p, o.p, o.n);
        if (w->n_air == FW_AIR)
            abort();
        w->air[w->n_air++] = p;
    }
}

/* ---- the MN ---- */

static void mn_act(struct fw *w, struct fw_mn *m);

static void identity_of(const struct fw_mn *m, char out[NAI_TEXT_MAX])
{
    if (m->identity[0])
        snprintf(out, NAI_TEXT_MAX, "%s", m->identity);
    else
        snprintf(out, NAI_TEXT_MAX, "6%s@wlan.mnc001.mcc001.3gppnetwork.org", m->card->imsi);
}

/* Begins a run: what goes beside REG_REQUEST. */
static void run_fresh(struct fw_mn *m, struct hip_ref ref)
{
    struct hip_assoc_view v;
    mn_forget(m);
    m->attempt = 0;
    m->peer = must(aka_peer_new());
    if (m->allow_aka)
        aka_peer_allow_aka(m->peer);
    ok(hip_assoc_get(m->e, ref, &v));
    m->th = must(hip_bind_th_new(span_of(m->hi.wire, m->hi.wire_len), v.peer_hi));
}

static void run_begin(struct fw *w, struct fw_mn *m, struct hip_ref ref, struct wcur *wr)
{
    struct aka_peer_action a;
    char id[NAI_TEXT_MAX];
    run_fresh(m, ref);
    identity_of(m, id);
    if (m->cheat == MN_NO_EAP)
        return;
    ok(aka_peer_start(m->peer, span_str(id), &a));
    hip_bind_th_add(m->th, a.octets);
    hip_bind_put_eap(wr, a.octets);
}

static struct hip_reg_list request_of(const struct fw_mn *m)
{
    struct hip_reg_list r = { .present = m->want_sim || m->want_rvs, .lifetime = m->reg_code };
    if (m->want_sim)
        r.type[r.n++] = FA_REG_SIM_BINDING;
    if (m->want_rvs)
        r.type[r.n++] = FA_REG_RENDEZVOUS;
    for (uint8_t i = 0; i < m->n_want; i++)
        r.type[r.n++] = m->want[i];
    r.present = r.n != 0;
    return r;
}

static void mn_ask(struct fw *w, struct fw_mn *m, const struct hip_action *a)
{
    uint8_t buf[HIP_INNER_MAX];
    struct wcur wr = wcur_of(buf, sizeof buf);
    struct hip_answer ans = { .accept = true };
    ans.contents.request = request_of(m);
    if (m->want_sim && m->reg_code) /* lifetime 0 gives a binding back */
        run_begin(w, m, a->ref, &wr);
    ans.contents.inner = wcur_done(&wr);
    ans.contents.certs = m->certs;
    uint8_t fqdn[255];
    if (m->says)
        ans.contents.di =
            (struct hip_domain_id){ HIP_DI_FQDN, span_of(fqdn, fa_name_to_wire(m->says, fqdn)) };
    ok(hip_answer(m->e, a->ref, &ans, w->now, &m->out));
}

static void note_registration(struct fw_mn *m, const struct hip_contents *c)
{
    m->got = *c;
    m->got.inner = span_of(NULL, 0);
    for (size_t i = 0; c->response.present && i < c->response.n; i++)
        if (c->response.type[i] < 64 && c->response.lifetime)
            m->granted |= UINT64_C(1) << c->response.type[i];
        else if (c->response.type[i] < 64)
            m->granted &= ~(UINT64_C(1) << c->response.type[i]);
    for (size_t i = 0; i < c->n_failed; i++)
        for (size_t k = 0; k < c->failed[i].n; k++)
            if (c->failed[i].type[k] < 64)
                m->failed[c->failed[i].type[k]] = c->failed[i].reason;
    if (c->relayed.family != ADDR_NONE && c->response.lifetime)
        m->relayed = c->relayed;
    for (size_t i = 0; c->response.present && i < c->response.n; i++) {
        if (c->response.type[i] == FA_REG_SIM_BINDING)
            m->granted_sim = c->response.lifetime != 0;
        if (c->response.type[i] == FA_REG_RENDEZVOUS)
            m->granted_rvs = c->response.lifetime != 0;
    }
    for (size_t i = 0; i < c->n_failed; i++)
        for (size_t k = 0; k < c->failed[i].n; k++) {
            if (c->failed[i].type[k] == FA_REG_SIM_BINDING)
                m->fail_sim = c->failed[i].reason;
            if (c->failed[i].type[k] == FA_REG_RENDEZVOUS)
                m->fail_rvs = c->failed[i].reason;
        }
}

static size_t wire_name(const char *text, struct dnsu_name *n)
{
    ok(dnsu_name_from_text(text, n));
    return n->len;
}

static void make_keys(struct fw_mn *m, struct hip_ref ref)
{
    const uint8_t *exported;
    uint8_t th[32], none[64] = { 0 };
    ok(hip_assoc_export(m->e, ref, &exported));
    ok(hip_bind_th_get(m->th, th));
    if (m->cheat == MN_OTHER_HI)
        th[0] ^= 1; /* the victim's transcript begins with another HI */
    hip_bind_keys_free(m->keys);
    m->keys = must(hip_bind_keys_new(exported, m->cheat == MN_NO_MSK ? none : aka_peer_msk(m->peer), th));
}

/* The HI to bind and its proof, for the cheats about item 1. */
static void put_item1(struct fw_mn *m, struct hip_bind_request *q, uint8_t *sig, size_t cap)
{
    uint8_t msg[HIP_BIND_PROOF_MAX];
    size_t n = hip_bind_proof_msg(false, hip_bind_keys_th(m->keys), &m->other.hit, msg), len;
    if (m->cheat == MN_ITEM1_LIFTED)
        msg[n / 2] ^= 1; /* in TH */
    ok(hip_hi_sign(m->cheat == MN_ITEM1_BAD ? &m->hi : &m->other, span_of(msg, n), sig, cap, &len));
    q->hi = span_of(m->other.wire, m->other.wire_len);
    q->hi_proof = span_of(sig, len);
}

/* Items 5 to 7. */
static void put_secrets(struct fw_mn *m, struct hip_bind_request *q, uint8_t buf[664])
{
    uint8_t msg[HIP_BIND_PROOF_MAX];
    size_t len;
    if (m->secret) {
        ok(hip_bind_mask(m->keys, q->attempt, HIP_BIND_ITEM_SECRET, (const uint8_t *)m->secret, buf));
        q->secret = span_of(buf, 32);
    }
    if (m->old_secret) {
        ok(hip_bind_mask(m->keys, q->attempt, HIP_BIND_ITEM_OLD_SECRET, (const uint8_t *)m->old_secret,
                         buf + 32));
        q->old_secret = span_of(buf + 32, 32);
    }
    if (m->old) {
        size_t n = hip_bind_proof_msg(true, hip_bind_keys_th(m->keys), &m->hi.hit, msg);
        ok(hip_hi_sign(m->old_signer, span_of(msg, n), buf + 64, 600, &len));
        q->old_hit = span_of(m->old->hit.b, 16);
        q->old_proof = span_of(buf + 64, len);
    }
}

/* BIND_REQUEST and BIND_MAC behind what wr has already. */
static void put_request(struct fw_mn *m, struct hip_ref ref, const char *const wanted[4], struct wcur *wr)
{
    struct hip_bind_request q = { .flags = m->flags, .attempt = ++m->attempt, .lifetime_s = m->lifetime_s };
    struct dnsu_name names[4];
    uint8_t sig[600], mac[32], secrets[664];
    uint32_t id;
    put_secrets(m, &q, secrets);
    if (m->cheat == MN_ATTEMPT)
        q.attempt++;
    for (; q.n_wanted < 4 && wanted[q.n_wanted]; q.n_wanted++)
        q.wanted[q.n_wanted] =
            span_of(names[q.n_wanted].wire, wire_name(wanted[q.n_wanted], &names[q.n_wanted]));
    if (m->cheat == MN_ITEM1_GOOD || m->cheat == MN_ITEM1_BAD || m->cheat == MN_ITEM1_LIFTED)
        put_item1(m, &q, sig, sizeof sig);
    if (m->cheat == MN_MALFORMED) {
        static const uint8_t bad[] = { 0x80, 0x22, 0, 12, 1, 0, 0, 1, 0, 0, 0, 0, 8, 0, 0, 0 };
        wcur_put(wr, bad, sizeof bad);
    } else if (m->cheat != MN_BOGUS_INNER) {
        hip_bind_put_request(wr, &q);
    }
    ok(hip_update_id(m->e, ref, &id));
    ok(hip_bind_mac_mn(m->keys, id, wcur_done(wr), mac));
    if (m->cheat == MN_BAD_MAC)
        mac[31] ^= 1;
    memcpy(m->sent_mac, mac, 32);
    hip_bind_put_mac(wr, mac);
    if (!wcur_ok(wr))
        abort();
}

static void mn_update(struct fw *w, struct fw_mn *m, struct hip_ref ref, struct span inner, bool with_request)
{
    struct hip_contents c = { .inner = inner };
    if (with_request)
        c.request = request_of(m);
    ok(hip_update(m->e, ref, &c, w->now, &m->out));
}

static void prove(struct fw *w, struct fw_mn *m, struct hip_ref ref, struct span eap)
{
    uint8_t buf[HIP_INNER_MAX], changed[EAP_MAX];
    struct wcur wr = wcur_of(buf, sizeof buf);
    memcpy(changed, eap.p, eap.n);
    if (m->cheat == MN_REPLAY) {
        uint8_t id = eap.p[1];
        memcpy(changed, m->proof, m->proof_n);
        eap.n = m->proof_n;
        changed[1] = id;
    } else {
        memcpy(m->proof, eap.p, eap.n);
        m->proof_n = eap.n;
    }
    if (m->cheat == MN_BAD_RES)
        changed[eap.n - 1] ^= 1;
    if (m->cheat == MN_OLD_ID)
        changed[1]--;
    if (m->cheat == MN_REAUTH)
        changed[5] = 13;
    eap = span_of(changed, eap.n);
    hip_bind_th_add(m->th, eap);
    make_keys(m, ref);
    hip_bind_put_eap(&wr, eap);
    if (m->cheat != MN_NO_REQUEST)
        put_request(m, ref, m->wanted, &wr);
    mn_update(w, m, ref, wcur_done(&wr), true);
}

static void mn_eap(struct fw *w, struct fw_mn *m, struct hip_ref ref, struct span eap)
{
    struct aka_peer_action a;
    struct usim_auth auth;
    uint8_t buf[HIP_INNER_MAX];
    struct wcur wr = wcur_of(buf, sizeof buf);
    char id[NAI_TEXT_MAX];
    if (eap.p[0] == EAP_SUCCESS)
        m->success = true;
    if (eap.p[0] == EAP_FAILURE)
        m->eap_failure = true;
    if (eap.p[0] != EAP_REQUEST || m->cheat == MN_SILENT)
        return;
    m->challenges++;
    if (m->cheat == MN_PASSWORD && eap.p[4] != EAP_TYPE_IDENTITY) {
        uint8_t answer[32];
        size_t n = eap_write(answer, sizeof answer, EAP_RESPONSE, eap.p[1], eap.p[4],
                             span_str("\x10 the right answer"));
        hip_bind_th_add(m->th, eap);
        hip_bind_put_eap(&wr, span_of(answer, n));
        mn_update(w, m, ref, wcur_done(&wr), true);
        return;
    }
    if (m->success && eap.p[4] == EAP_TYPE_IDENTITY) { /* the FA begins a run */
        m->success = false;
        run_fresh(m, ref);
    }
    hip_bind_th_add(m->th, eap);
    aka_peer_input(m->peer, eap, &a);
    if (a.type == AKA_PEER_IDENTITY) {
        identity_of(m, id);
        aka_peer_identity(m->peer, span_str(id), &a);
    }
    if (a.type == AKA_PEER_CHALLENGE) {
        usim_card_authenticate(&m->card->m, a.rand, a.autn, &auth);
        aka_peer_card(m->peer, &auth, &a);
    }
    if (a.type != AKA_PEER_SEND)
        return;
    if (a.proof) {
        prove(w, m, ref, a.octets);
        return;
    }
    hip_bind_th_add(m->th, a.octets);
    hip_bind_put_eap(&wr, a.octets);
    mn_update(w, m, ref, wcur_done(&wr), true);
}

static void take_response(struct fw *w, struct fw_mn *m, struct hip_ref ref, uint32_t update_id,
                          const struct hip_bind_inner *in)
{
    struct hip_bind_response p;
    struct dnsu_name n;
    char text[DNSU_NAME_TEXT_MAX];
    uint8_t mac[32];
    ok(hip_bind_response_parse(in->response, &p));
    if (in->mac.n) {
        m->responses++;
        if (!m->keys || hip_bind_mac_fa(m->keys, update_id, m->sent_mac, in->p, mac) != ERR_OK ||
            memcmp(mac, in->mac.p, 32) != 0) {
            m->mac_bad = true;
            return;
        }
        m->bound_ok = p.status <= 1;
        m->status = p.status;
        m->bound_s = p.lifetime_s;
        m->wait_s = p.wait_s;
    } else {
        m->notices++;
        m->notice = p.status;
    }
    snprintf(m->reason, sizeof m->reason, "%.*s", (int)p.reason.n,
             p.reason.n ? (const char *)p.reason.p : "");
    if (p.fqdn.n) {
        ok(dnsu_name_from_wire(p.fqdn, &n));
        snprintf(m->fqdn, sizeof m->fqdn, "%.254s", dnsu_name_text(&n, text));
        m->fqdn[strlen(m->fqdn) - 1] = 0;
        if (!hit_eq(&w->fa_hi.hit, (const struct hit *)(const void *)p.fa[0].hit.p) ||
            !span_eq(p.fa_hi, span_of(w->fa_hi.wire, w->fa_hi.wire_len)))
            m->mac_bad = true;
    }
    bool further = in->mac.n && m->again[0] && p.status > 1;
    if (!further)
        return;
    uint8_t buf[HIP_INNER_MAX];
    struct wcur wr = wcur_of(buf, sizeof buf);
    put_request(m, ref, m->again, &wr);
    mn_update(w, m, ref, wcur_done(&wr), true);
    m->again[0] = NULL;
}

static void mn_contents(struct fw *w, struct fw_mn *m, const struct hip_action *a,
                        const struct hip_contents *c)
{
    struct hip_bind_inner in;
    note_registration(m, c);
    ok(hip_bind_inner_parse(c->inner, &in));
    if (a->type == HIP_ACT_ESTABLISHED)
        m->r2_had_eap = in.eap.n != 0;
    if (in.eap.n)
        mn_eap(w, m, a->ref, in.eap);
    if (in.response.n)
        take_response(w, m, a->ref, a->type == HIP_ACT_UPDATE ? a->update.id : 0, &in);
}

static void mn_one(struct fw *w, struct fw_mn *m, const struct hip_action *a)
{
    switch (a->type) {
    case HIP_ACT_SEND:
        send(w, &a->send.path, a->send.octets);
        break;
    case HIP_ACT_ASK_I2:
        mn_ask(w, m, a);
        break;
    case HIP_ACT_ASK_R2:
        ok(hip_answer(m->e, a->ref, &(struct hip_answer){ .accept = true }, w->now, &m->out));
        break;
    case HIP_ACT_ESTABLISHED:
        m->up_count++;
        if (!hit_eq(&a->peer, &w->fa_hi.hit)) {
            m->peer_ref = a->ref;
            break;
        }
        m->ref = a->ref;
        m->up = true;
        if (m->trust)
            ok(hip_relay_trust(m->e, m->ref, true));
        mn_contents(w, m, a, &a->up.contents);
        break;
    case HIP_ACT_UPDATE:
        m->updates++;
        mn_contents(w, m, a, &a->update.contents);
        break;
    case HIP_ACT_NOTIFY:
        m->notify = a->notify.code;
        m->notes[a->notify.code >> 8]++;
        m->note_n = (uint8_t)(a->notify.data.n < sizeof m->note ? a->notify.data.n : sizeof m->note);
        if (m->note_n)
            memcpy(m->note, a->notify.data.p, m->note_n);
        break;
    case HIP_ACT_GONE:
        if (a->gone.why != HIP_GONE_REPLACED)
            m->gone = true;
        break;
    default:
        break;
    }
}

static void mn_act(struct fw *w, struct fw_mn *m)
{
    for (size_t i = 0; i < m->out.n; i++) {
        struct hip_action a = m->out.v[i];
        mn_one(w, m, &a);
    }
    hip_actions_reset(&m->out);
}

void fw_act_mn(struct fw *w, struct fw_mn *m)
{
    mn_act(w, m);
}

void fw_connect(struct fw *w, struct fw_mn *m)
{
    struct hip_path path = { .local = m->addr, .peer = w->fa_addr };
    path.peer.port = m->addr.port ? HIP_UDP_PORT : 0;
    m->granted = 0;
    memset(m->failed, -1, sizeof m->failed);
    m->up = m->gone = m->bound_ok = m->mac_bad = m->success = m->eap_failure = m->granted_sim =
        m->granted_rvs = false;
    m->status = m->notice = m->fail_sim = m->fail_rvs = m->notify = -1;
    m->responses = m->notices = m->updates = m->challenges = 0;
    m->fqdn[0] = m->reason[0] = 0;
    mn_forget(m);
    mn_engine(w, m);
    hip_actions_reset(&m->out);
    ok(hip_connect(m->e, &m->hi.hit, &w->fa_hi.hit, &path, 1, w->now, &m->out, &m->ref));
    mn_act(w, m);
}

void fw_run_again(struct fw *w, struct fw_mn *m)
{
    uint8_t buf[HIP_INNER_MAX];
    struct wcur wr = wcur_of(buf, sizeof buf);
    m->status = m->fail_sim = -1;
    m->responses = 0;
    hip_actions_reset(&m->out);
    run_begin(w, m, m->ref, &wr);
    mn_update(w, m, m->ref, wcur_done(&wr), true);
    mn_act(w, m);
}

err fw_raw_update(struct fw *w, struct fw_mn *m, const struct hip_contents *c)
{
    hip_actions_reset(&m->out);
    err e = hip_update(m->e, m->ref, c, w->now, &m->out);
    mn_act(w, m);
    return e;
}

void fw_unbind(struct fw *w, struct fw_mn *m)
{
    struct hip_contents c = { .request = { .present = true, .n = 1, .type = { FA_REG_SIM_BINDING } } };
    hip_actions_reset(&m->out);
    ok(hip_update(m->e, m->ref, &c, w->now, &m->out));
    mn_act(w, m);
}

void fw_renew(struct fw *w, struct fw_mn *m)
{
    struct hip_contents c = { .request = {
                                  .present = true, .lifetime = 128, .n = 1, .type = { FA_REG_RENDEZVOUS } } };
    hip_actions_reset(&m->out);
    ok(hip_update(m->e, m->ref, &c, w->now, &m->out));
    mn_act(w, m);
}

int fw_i1_for(struct fw *w, const struct fw_mn *from, const struct hit *to)
{
    struct hip_engine *e = from->e;
    struct hip_path path = { .local = from->addr, .peer = w->fa_addr };
    path.peer.port = from->addr.port ? HIP_UDP_PORT : 0;
    struct hip_actions *out = must(calloc(1, sizeof *out));
    struct hip_ref ref;
    int drop = -1;
    ok(hip_connect(e, &from->hi.hit, to, &path, 1, w->now, out, &ref));
    for (size_t i = 0; i < out->n; i++)
        if (out->v[i].type == HIP_ACT_SEND) {
            struct hip_path in = { .local = path.peer, .peer = path.local };
            fa_actions_reset(w->out);
            drop = fa_input(w->fa, &in, out->v[i].send.octets, w->now, w->out);
            fw_act(w);
        }
    hip_actions_reset(out);
    ok(hip_drop(e, ref, w->now, out));
    free(out);
    return drop;
}

/* ---- the FA's actions ---- */

void fw_act(struct fw *w)
{
    for (size_t i = 0; i < w->out->n; i++) {
        const struct fa_action *a = &w->out->v[i];
        switch (a->type) {
        case FA_ACT_ICMP: /* nobody here looks at it */
            break;
        case FA_ACT_SEND:
            w->fa_octets += a->send.octets.n;
            if (w->sent)
                w->sent(w, &a->send.path, a->send.octets);
            send(w, &a->send.path, a->send.octets);
            break;
        case FA_ACT_JOB: {
            struct fw_job *j = must(calloc(1, sizeof *j));
            j->job = *a->job;
            j->at_us = w->now + w->job_us[a->job->type];
            j->order = w->order++;
            if (w->n_jobs == FW_JOBS)
                abort();
            w->jobs[w->n_jobs++] = j;
            break;
        }
        case FA_ACT_PORT_OPEN:
            if (w->n_port == FW_PORTS)
                abort();
            w->port[w->n_port++] = a->port;
            break;
        case FA_ACT_PORT_CLOSE: {
            size_t k = 0;
            while (k < w->n_port && !addr_eq(&w->port[k], &a->port))
                k++;
            if (k == w->n_port)
                abort(); /* was not open */
            w->port[k] = w->port[--w->n_port];
            break;
        }
        case FA_ACT_EVENT:
            w->event[a->event.type]++;
            if (getenv("SIM_LOG"))
                printf("# %9.3f ms %s %s %s %u %s\n", (double)w->now / 1000, fa_event_name(a->event.type),
                       a->event.subscriber, a->event.name, a->event.number, a->event.detail);
            break;
        case FA_ACT_TELL:
            w->told = a->tell;
            w->tells++;
            break;
        case FA_ACT_SESSION:
            if (w->n_session == FW_SESSIONS)
                abort();
            w->session[w->n_session++] = a->session;
            break;
        case FA_ACT_REG_UP:
            w->reg_up++;
            break;
        case FA_ACT_REG_DOWN:
            w->reg_down++;
            break;
        }
    }
    fa_actions_reset(w->out);
}

/* ---- time ---- */

bool fw_port_open(const struct fw *w, const struct addr *port)
{
    for (size_t i = 0; i < w->n_port; i++)
        if (addr_eq(&w->port[i], port))
            return true;
    return false;
}

int fw_input(struct fw *w, const struct hip_path *path, struct span o)
{
    fa_actions_reset(w->out);
    int drop = path->local.port && path->local.port != HIP_UDP_PORT
                   ? fa_relayed_input(w->fa, path, o, w->now, w->out)
                   : fa_input(w->fa, path, o, w->now, w->out);
    if (drop)
        w->drop = drop;
    fw_act(w);
    return drop;
}

static void deliver(struct fw *w, struct fw_packet *p)
{
    struct span o = span_of(p->p, p->n);
    if (addr_same_ip(&p->path.local, &w->fa_addr)) {
        if (w->stopped)
            return;
        if (p->path.local.port && p->path.local.port != HIP_UDP_PORT && !fw_port_open(w, &p->path.local))
            return;
        memcpy(w->heard, p->p, p->n);
        w->heard_n = p->n;
        fw_input(w, &p->path, o);
        return;
    }
    for (size_t i = 0; i < w->n_mn; i++) {
        struct fw_mn *m = &w->mn[i];
        if (m->nat.family && addr_eq(&p->path.local, &m->nat))
            p->path.local = m->addr;
        else if (m->nat.family || !addr_same_ip(&p->path.local, &m->addr))
            continue;
        if (p->p[2] == 1) /* an I1 can only have come through the FA */
            m->i1_relayed++;
        hip_actions_reset(&m->out);
        (void)hip_input(m->e, &p->path, o, w->now, &m->out);
        mn_act(w, m);
    }
}

void fw_do_job(struct fw *w, const struct fa_job *j);

void fw_run(struct fw *w, uint64_t us)
{
    uint64_t end = w->now + us;
    for (;;) {
        uint64_t at = w->stopped ? HEAP_NEVER : fa_deadline(w->fa);
        struct fw_mn *mn = NULL;
        size_t pi = w->n_air, ji = w->n_jobs;
        for (size_t i = 0; i < w->n_mn; i++)
            if (hip_deadline(w->mn[i].e) < at) {
                mn = &w->mn[i];
                at = hip_deadline(mn->e);
            }
        for (size_t i = 0; i < w->n_air; i++)
            if (pi == w->n_air || w->air[i]->at_us < w->air[pi]->at_us ||
                (w->air[i]->at_us == w->air[pi]->at_us && w->air[i]->order < w->air[pi]->order))
                pi = i;
        for (size_t i = 0; i < w->n_jobs; i++)
            if (ji == w->n_jobs || w->jobs[i]->at_us < w->jobs[ji]->at_us ||
                (w->jobs[i]->at_us == w->jobs[ji]->at_us && w->jobs[i]->order < w->jobs[ji]->order))
                ji = i;
        uint64_t p_at = pi < w->n_air ? w->air[pi]->at_us : HEAP_NEVER;
        uint64_t j_at = ji < w->n_jobs ? w->jobs[ji]->at_us : HEAP_NEVER;
        uint64_t next = p_at < j_at ? p_at : j_at;
        next = at < next ? at : next;
        if (next > end)
            break;
        w->now = next > w->now ? next : w->now;
        if (p_at == next) {
            struct fw_packet *p = w->air[pi];
            w->air[pi] = w->air[--w->n_air];
            deliver(w, p);
            free(p);
        } else if (j_at == next) {
            struct fw_job *j = w->jobs[ji];
            w->jobs[ji] = w->jobs[--w->n_jobs];
            if (!w->stopped)
                fw_do_job(w, &j->job);
            free(j);
        } else if (mn) {
            hip_actions_reset(&mn->out);
            hip_timeout(mn->e, w->now, &mn->out);
            mn_act(w, mn);
        } else {
            fa_actions_reset(w->out);
            fa_timeout(w->fa, w->now, w->out);
            fw_act(w);
        }
    }
    w->now = end;
}
