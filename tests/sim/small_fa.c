/* SPDX-License-Identifier: Apache-2.0
 *
 * A Forwarding Agent, authentication server and home network in a few functions: registrar, rendezvous server and the SIM
 * binding, each step of which can be told to lie. The real one is fa/core.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/hex.h"
#include "common/crypto/secret.h"
#include "hip/param_reg.h"
#include "tests/sim/world.h"

#define RENDEZVOUS 1

/* ---- the engine and what it knows ---- */

static void run_end(struct w_run *r)
{
    aka_server_free(r->eap);
    hip_bind_th_free(r->th);
    hip_bind_keys_free(r->keys);
    memset(r, 0, sizeof *r);
}

void w_fa_done(struct w_fa *f)
{
    run_end(&f->run);
    hip_engine_free(f->e);
    hip_hi_done(&f->hi);
    hip_hi_done(&f->other);
    suci_key_done(&f->suci);
}

void w_fa_engine(struct world *w, struct w_node *n)
{
    struct w_fa *f = n->fa;
    struct hip_config c = w_config().hip;

    run_end(&f->run);
    hip_engine_free(f->e);
    f->n_reg = 0;
    c.env = &w->env;
    c.offer = (struct hip_reg_offer){ .min = 64, .max = f->offer_max, .n = 1, .type = { RENDEZVOUS } };
    c.offer.sim_binding = f->lie != W_NO_201;
    f->e = hip_engine_new(&c);
    if (!f->e || hip_identity_add(f->e, &f->hi, w->now, w->now))
        abort();
}

static struct w_bound *bound_find(struct w_fa *f, const struct hit *hit)
{
    for (size_t i = 0; i < f->n_bound; i++)
        if (hit_eq(&f->bound[i].hit, hit))
            return &f->bound[i];
    return NULL;
}

static void register_host(struct w_fa *f, const struct hit *hit, struct hip_ref ref)
{
    size_t i = 0;
    while (i < f->n_reg && !hit_eq(&f->reg[i].hit, hit))
        i++;
    f->reg[i].hit = *hit;
    f->reg_ref[i] = ref;
    if (i == f->n_reg)
        f->n_reg++;
}

static struct hip_reg_list granted(const struct w_fa *f, bool bind)
{
    struct hip_reg_list r = { .present = true, .lifetime = hip_reg_lifetime_code(f->reg_s * W_S) };
    if (bind)
        r.type[r.n++] = HIP_BIND_REG_TYPE;
    r.type[r.n++] = RENDEZVOUS;
    return r;
}

static void fail(struct hip_contents *c, uint8_t reason, bool bind)
{
    struct hip_reg_fail *x = &c->failed[c->n_failed++];
    x->reason = reason;
    if (bind)
        x->type[x->n++] = HIP_BIND_REG_TYPE;
    x->type[x->n++] = RENDEZVOUS;
}

/* ---- the home network ---- */

static struct w_card *subscriber(struct world *w, const char *imsi)
{
    for (size_t i = 0; i < w->n_card; i++)
        if (strcmp(w->card[i]->id.imsi, imsi) == 0)
            return w->card[i];
    return NULL;
}

static void who(struct world *w, struct w_fa *f, struct aka_server_action *a)
{
    struct aka_who x = { .kind = AKA_WHO_UNKNOWN };
    struct aka_nai nai;

    if (f->names.period_s && !nai_parse(a->identity, &nai) &&
        !pseudonym_open(&f->names, nai.user, w->unix_s, x.imsi))
        x.kind = AKA_WHO_IMSI;
    if (f->suci.profile && suci_open(&f->suci, 1, a->identity, x.imsi) == ERR_OK)
        x.kind = AKA_WHO_IMSI;
    aka_server_who(f->run.eap, &x, a);
}

static void issue(struct world *w, struct w_fa *f, const char *imsi)
{
    char name[PSEUDONYM_LEN + 1];

    if (f->names.period_s && !f->no_names &&
        !pseudonym_make(&f->names, &w->env, aka_server_method(f->run.eap)->pseudonym, imsi, w->unix_s, name))
        aka_server_issue(f->run.eap, span_str(name), span_of(NULL, 0));
}

/* What the host says who it is. */
static void note_identity(struct world *w, struct w_fa *f, struct span eap)
{
    struct eap_pkt p;
    struct aka_msg m;
    struct span said = { NULL, 0 };

    if (eap_parse(eap, &p))
        abort();
    if (p.type == EAP_TYPE_IDENTITY)
        said = p.data;
    else if (aka_msg_parse(&p, &m) == AKA_R_OK && m.has[AKA_AT_IDENTITY])
        said = m.value[AKA_AT_IDENTITY];
    if (said.n && said.n < NAI_TEXT_MAX && f->n_said < 4) {
        memcpy(f->said[f->n_said], said.p, said.n);
        f->said[f->n_said++][said.n] = '\0';
    }
    for (size_t i = 0; i < w->n_card; i++)
        f->heard_imsi |= memmem(eap.p, eap.n, w->card[i]->id.imsi, strlen(w->card[i]->id.imsi)) != NULL;
}

/* The AuC's answer, until there is something to send. */
static void auc(struct world *w, struct w_fa *f, struct aka_server_action *a)
{
    struct w_run *r = &f->run;
    while (a->type == AKA_SERVER_VECTOR || a->type == AKA_SERVER_WHO) {
        if (a->type == AKA_SERVER_WHO) {
            who(w, f, a);
            continue;
        }
        const uint8_t amf[2] = { a->want == AKA_WANT_SEPARATED ? AKA_AMF_SEP : 0, 0 };
        struct w_card *c = subscriber(w, a->imsi);
        struct aka_vector v;
        uint8_t rand[16];
        uint64_t ms;
        if (c && a->resync && !aka_auts_open(&c->m.cred, a->rand, a->auts, &ms))
            c->sqn = ms;
        env_random(&w->env, rand, sizeof rand);
        if (!c) {
            aka_server_vector(r->eap, AKA_AUC_UNKNOWN, NULL, a);
            continue;
        }
        if (sqn_next(c->sqn, 1, &c->sqn) || aka_vector_make(&c->m.cred, c->sqn, amf, rand, &v))
            abort();
        issue(w, f, a->imsi);
        aka_server_vector(r->eap, AKA_AUC_OK, &v, a);
    }
}

static void net_name(const struct w_fa *f, char out[64])
{
    const struct hit *h = f->lie == W_NET_NAME ? &f->other.hit : &f->hi.hit;
    memcpy(out, "HIP:", 5);
    hex_encode(span_of(h->b, 16), out + 4);
}

/* Begins a run with Response/Identity; what EAP says stands in run.eap_out then. */
static void run_begin(struct world *w, struct w_fa *f, const struct hip_action *a, struct span eap)
{
    struct aka_server_config c = f->as;
    struct aka_server_action act;
    struct hip_assoc_view v;
    struct w_run *r = &f->run;

    run_end(r);
    f->runs++;
    f->n_said = 0;
    note_identity(w, f, eap);
    c.env = &w->env;
    c.fs[0] = f->no_fs ? AKA_FS_NONE : AKA_FS_X25519;
    net_name(f, c.net_name);
    if (hip_assoc_get(f->e, a->ref, &v) || v.peer_hi.n == 0)
        abort();
    r->open = true;
    r->mn = a->peer;
    r->ref = a->ref;
    r->eap = aka_server_new(&c);
    r->th = hip_bind_th_new(v.peer_hi, span_of(f->hi.wire, f->hi.wire_len));
    hip_bind_th_add(r->th, eap);
    aka_server_input(r->eap, eap, &act);
    auc(w, f, &act);
    if (f->strip_prime && act.type == AKA_SERVER_SEND) {
        const uint8_t nak[] = { EAP_RESPONSE, act.octets.p[1], 0, 6, EAP_TYPE_NAK, EAP_TYPE_AKA };
        aka_server_input(r->eap, span_of(nak, sizeof nak), &act);
        auc(w, f, &act);
    }
    if (act.type == AKA_SERVER_SEND)
        hip_bind_th_add(r->th, act.octets);
    r->eap_n = act.octets.n;
    memcpy(r->eap_out, act.octets.p, act.octets.n);
    if (f->lie == W_MD5)
        r->eap_n = eap_write(r->eap_out, sizeof r->eap_out, EAP_REQUEST, r->eap_out[1], 4,
                             span_str("\x10 MD5-Challenge"));
}

/* ---- I2 ---- */

static bool asks(const struct hip_reg_list *l, uint8_t type)
{
    for (size_t i = 0; l->present && i < l->n; i++)
        if (l->type[i] == type)
            return true;
    return false;
}

static void ask_r2(struct world *w, struct w_fa *f, const struct hip_action *a)
{
    struct hip_answer ans = { .accept = true };
    struct hip_bind_inner in = { .eap = { NULL, 0 } };
    const struct hip_contents *c = &a->ask.contents;
    uint8_t buf[HIP_INNER_MAX];
    struct wcur wr = wcur_of(buf, sizeof buf);

    f->asked = c->request;
    if (asks(&c->request, HIP_BIND_REG_TYPE) && f->lie == W_NO_AS) {
        fail(&ans.contents, 1, true);
    } else if (asks(&c->request, HIP_BIND_REG_TYPE) && !hip_bind_inner_parse(c->inner, &in) && in.eap.n) {
        run_begin(w, f, a, in.eap);
        f->run.late = f->lie == W_LATE;
        if (!f->run.late) {
            hip_bind_put_eap(&wr, span_of(f->run.eap_out, f->run.eap_n));
            ans.contents.inner = wcur_done(&wr);
        }
        fail(&ans.contents, 0, false);
    } else if (asks(&c->request, RENDEZVOUS)) {
        if (bound_find(f, &a->peer)) {
            ans.contents.response = granted(f, false);
            register_host(f, &a->peer, a->ref);
        } else {
            fail(&ans.contents, 0, false);
        }
    }
    if (f->twist)
        f->twist(f->twist_ctx, &ans.contents);
    if (hip_answer(f->e, a->ref, &ans, w->now, &f->out) && !f->twist)
        abort();
}

/* ---- UPDATE ---- */

static void send_update(struct world *w, struct w_fa *f, struct hip_ref ref, const struct hip_contents *c)
{
    struct hip_contents twisted = *c;
    if (f->twist)
        f->twist(f->twist_ctx, &twisted);
    if (hip_update(f->e, ref, &twisted, w->now, &f->out) && !f->twist)
        abort();
}

static void send_eap(struct world *w, struct w_fa *f, struct span eap, bool over)
{
    uint8_t buf[HIP_INNER_MAX];
    struct wcur wr = wcur_of(buf, sizeof buf);
    struct hip_contents c = { .n_failed = 0 };
    hip_bind_put_eap(&wr, eap);
    c.inner = wcur_done(&wr);
    if (over)
        fail(&c, 0, true);
    send_update(w, f, f->run.ref, &c);
}

static uint8_t decide(struct w_fa *f, const struct hip_bind_request *q)
{
    struct w_bound *b;
    if (f->status_n) {
        f->status_n--;
        return f->status;
    }
    b = bound_find(f, &f->run.mn);
    if (!b) {
        b = &f->bound[f->n_bound++];
        b->hit = f->run.mn;
        if (q->n_wanted == 0) {
            if (dnsu_name_from_text("h-7f3k2.operator.example", &b->name))
                abort();
        } else if (dnsu_name_from_wire(q->wanted[0], &b->name)) {
            abort();
        }
        f->binds++;
    } else if (q->flags & HIP_BIND_REFRESH) {
        f->refreshed++;
    }
    return HIP_BIND_ST_BOUND;
}

static void respond(struct world *w, struct w_fa *f, const struct hip_bind_request *q,
                    const uint8_t request_mac[HIP_BIND_KEY_LEN], bool with_eap)
{
    static const uint8_t success[4] = { EAP_SUCCESS, 2, 0, 4 };
    uint8_t buf[HIP_INNER_MAX], mac[HIP_BIND_KEY_LEN];
    struct wcur wr = wcur_of(buf, sizeof buf);
    struct hip_bind_response p = { .status = decide(f, q), .attempt = q->attempt, .wait_s = f->wait_s };
    const struct hip_hi *hi = f->lie == W_OTHER_HI ? &f->other : &f->hi;
    struct hip_contents c = { .n_failed = 0 };
    bool good = p.status <= HIP_BIND_ST_PENDING;
    uint32_t id;

    if (f->lie == W_ATTEMPT)
        p.attempt++;
    if (good) {
        p.lifetime_s = f->lifetime_s;
        p.fqdn = dnsu_name_span(&bound_find(f, &f->run.mn)->name);
        p.n_fa = 1;
        p.fa[0].hit = span_of(f->lie == W_OTHER_HIT ? f->other.hit.b : f->hi.hit.b, 16);
        p.fa[0].name = dnsu_name_span(&f->name);
        p.fa_hi = span_of(hi->wire, hi->wire_len);
        c.response = granted(f, true);
        register_host(f, &f->run.mn, f->run.ref);
    } else {
        p.reason = span_str("because");
        fail(&c, p.status == HIP_BIND_ST_UNAVAILABLE ? 2 : 0, true);
    }
    if (with_eap)
        hip_bind_put_eap(&wr, span_of(success, 4));
    hip_bind_put_response(&wr, &p);
    if (hip_update_id(f->e, f->run.ref, &id) ||
        hip_bind_mac_fa(f->run.keys, id, request_mac, wcur_done(&wr), mac))
        abort();
    mac[3] ^= f->lie == W_BAD_MAC;
    if (f->lie != W_NO_MAC)
        hip_bind_put_mac(&wr, mac);
    c.inner = wcur_done(&wr);
    send_update(w, f, f->run.ref, &c);
    if (good)
        run_end(&f->run);
}

static void keys(struct w_fa *f)
{
    uint8_t th[HIP_BIND_TH_LEN];
    const uint8_t *export_key;
    struct w_run *r = &f->run;
    if (hip_assoc_export(f->e, r->ref, &export_key) || hip_bind_th_get(r->th, th))
        abort();
    r->keys = hip_bind_keys_new(export_key, aka_server_msk(r->eap), th);
    if (!r->keys)
        abort();
}

static void bind_request(struct world *w, struct w_fa *f, const struct hip_action *a,
                         const struct hip_bind_inner *in, bool with_eap)
{
    uint8_t mac[HIP_BIND_KEY_LEN];
    struct hip_bind_request q;
    struct hip_contents c = { .n_failed = 0 };

    if (f->lie == W_SILENT)
        return;
    if (in->mac.n != sizeof mac || hip_bind_mac_mn(f->run.keys, a->update.id, in->p, mac) ||
        !sec_equal(mac, in->mac.p, sizeof mac) || hip_bind_request_parse(in->request, &q) ||
        q.attempt != f->run.attempts + 1) {
        fail(&c, 0, true);
        send_update(w, f, a->ref, &c);
        return;
    }
    f->run.attempts++;
    f->last_request = q;
    f->last_wanted = q.n_wanted;
    respond(w, f, &q, in->mac.p, with_eap);
}

static void run_eap(struct world *w, struct w_fa *f, const struct hip_action *a,
                    const struct hip_bind_inner *in)
{
    struct aka_server_action act;
    struct w_run *r = &f->run;

    hip_bind_th_add(r->th, in->eap);
    note_identity(w, f, in->eap);
    aka_server_input(r->eap, in->eap, &act);
    auc(w, f, &act);
    if (act.type == AKA_SERVER_SEND) {
        hip_bind_th_add(r->th, act.octets);
        send_eap(w, f, act.octets, false);
    } else if (act.type == AKA_SERVER_REJECT) {
        send_eap(w, f, act.octets, true);
        run_end(r);
    } else if (act.type == AKA_SERVER_ACCEPT) {
        f->fs_runs += aka_server_fs(r->eap);
        keys(f);
        bind_request(w, f, a, in, true);
    }
}

static void update(struct world *w, struct w_fa *f, const struct hip_action *a)
{
    const struct hip_contents *c = &a->update.contents;
    struct hip_bind_inner in = { .eap = { NULL, 0 } };
    struct hip_contents out = { .n_failed = 0 };

    if (c->inner.n && hip_bind_inner_parse(c->inner, &in))
        abort();
    if (c->request.present)
        f->asked = c->request;
    if (in.eap.n && f->run.open) {
        run_eap(w, f, a, &in);
    } else if (in.eap.n) {
        run_begin(w, f, a, in.eap);
        send_eap(w, f, span_of(f->run.eap_out, f->run.eap_n), false);
    } else if (in.request.n && f->run.keys) {
        bind_request(w, f, a, &in, false);
    } else if (asks(&c->request, RENDEZVOUS)) {
        if (bound_find(f, &a->peer)) {
            out.response = granted(f, false);
            register_host(f, &a->peer, a->ref);
        } else {
            fail(&out, 0, false);
        }
        send_update(w, f, a->ref, &out);
    } else if (hip_update_done(f->e, a->ref, w->now, &f->out)) {
        abort();
    }
}

void w_fa_notice(struct world *w, struct w_node *n, const struct hit *mn, uint8_t status)
{
    struct w_fa *f = n->fa;
    uint8_t buf[HIP_INNER_MAX];
    struct wcur wr = wcur_of(buf, sizeof buf);
    struct hip_bind_response p = { .status = status };
    struct hip_contents c = { .n_failed = 0 };
    struct hip_ref ref;

    if (status == HIP_BIND_ST_BOUND) {
        p.fqdn = dnsu_name_span(&bound_find(f, mn)->name);
        p.n_fa = 1;
        p.fa[0].hit = span_of(f->hi.hit.b, 16);
        p.fa[0].name = dnsu_name_span(&f->name);
        p.fa_hi = span_of(f->hi.wire, f->hi.wire_len);
    } else {
        c.response = (struct hip_reg_list){ .present = true, .n = 1, .type = { RENDEZVOUS } };
    }
    hip_bind_put_response(&wr, &p);
    c.inner = wcur_done(&wr);
    if (hip_assoc_find(f->e, &f->hi.hit, mn, &ref))
        abort();
    send_update(w, f, ref, &c);
    w_fa_act(w, n);
}

/* ---- packets ---- */

static void one(struct world *w, struct w_node *n, const struct hip_action *a)
{
    struct w_fa *f = n->fa;

    switch (a->type) {
    case HIP_ACT_SEND:
        w_fly(w, n, &a->send.path, 139, a->send.octets);
        break;
    case HIP_ACT_ASK_R2:
        ask_r2(w, f, a);
        break;
    case HIP_ACT_UPDATE:
        update(w, f, a);
        break;
    case HIP_ACT_GONE:
        for (size_t i = 0; i < f->n_reg; i++)
            if (f->reg_ref[i].gen == a->ref.gen && f->reg_ref[i].slot == a->ref.slot) {
                f->reg[i] = f->reg[--f->n_reg];
                f->reg_ref[i] = f->reg_ref[f->n_reg];
            }
        break;
    default:
        break;
    }
}

void w_fa_act(struct world *w, struct w_node *n)
{
    struct w_fa *f = n->fa;
    for (size_t i = 0; i < f->out.n; i++) {
        struct hip_action a = f->out.v[i];
        one(w, n, &a);
    }
    hip_actions_reset(&f->out);
    if (f->run.open && f->run.late && f->run.eap_n) { /* R2 is out: now the challenge */
        f->run.late = false;
        w->now += W_MS;
        send_eap(w, f, span_of(f->run.eap_out, f->run.eap_n), false);
        w_fa_act(w, n);
    }
}

void w_fa_input(struct world *w, struct w_node *n, const struct hip_path *path, struct span p)
{
    struct w_fa *f = n->fa;
    struct hit to;

    for (size_t i = 0; i < w->n_card; i++)
        for (size_t k = 0, m = strlen(w->card[i]->id.imsi); k + m <= p.n; k++)
            f->saw_imsi |= memcmp(p.p + k, w->card[i]->id.imsi, m) == 0;
    memcpy(to.b, p.p + 24, sizeof to.b);
    if (hit_eq(&to, &f->hi.hit) || hit_is_null(&to)) {
        (void)hip_input(f->e, path, p, w->now, &f->out);
    } else {
        for (size_t i = 0; i < f->n_reg; i++)
            if (hit_eq(&f->reg[i].hit, &to) &&
                hip_relay_i1(f->e, f->reg_ref[i], path, p, w->now, &f->out) == 0)
                f->relayed++;
    }
    w_fa_act(w, n);
}
