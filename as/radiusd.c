/* SPDX-License-Identifier: Apache-2.0 */
#include "as/radiusd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aka/radius.h"
#include "common/base/heap.h"
#include "common/base/hex.h"
#include "common/base/htab.h"

#define PROXY_STATES_MAX 512 /* octets of Proxy-State attributes that are carried back */

/* Where a packet came from. */
struct origin {
    struct addr local, peer; /* local: of UDP */
    uint32_t client;
    uint32_t conn; /* over TLS; 0: UDP */
};

/* What tells one request from another (RFC 5080 s2.2.2): where it comes from, its identifier and its authenticator. */
struct request_key {
    uint8_t ip[16];
    uint8_t port[2];
    uint8_t id;
    uint8_t pad;
    uint32_t conn;
    uint8_t auth[RADIUS_AUTH_LEN];
};

/* A request in hand, and then its answer for a while. */
struct pending {
    struct heap_node due;
    struct request_key key;
    struct origin from;
    bool used;
    struct eapd_ref ref; /* the conversation that works on it */
    uint8_t *reply;      /* malloc'ed; NULL: not answered yet */
    size_t reply_n;
    uint8_t proxy[PROXY_STATES_MAX];
    size_t proxy_n;
};

struct client_count {
    uint64_t requests, accepts;
};

struct radiusd {
    const struct as_conf *conf;
    const struct env *env;
    const struct radiusd_ops *ops;
    void *ctx;
    struct eapd *eapd;
    struct pending *v;
    uint32_t n_max, *free_slots;
    size_t n_free;
    struct htab *by_key;
    struct heap due;
    uint32_t *of_conv; /* conversation slot -> pending slot + 1 */
    struct client_count *clients;
    uint64_t count[RADIUSD__COUNT];
    uint64_t refused[AKA_R__COUNT];
};

static const char *const counter_names[RADIUSD__COUNT] = {
#define X(name, doc) [RADIUSD_##name] = #name,
    RADIUSD_COUNTER_LIST(X)
#undef X
};

struct radiusd *radiusd_new(const struct as_conf *conf, const struct env *env, const struct radiusd_ops *ops,
                            void *ctx)
{
    struct eapd_config ec = { .env = env,
                              .max = conf->conversations_max,
                              .life_us = conf->conversation_us,
                              .ask_identity = conf->ask_identity,
                              .result_ind = conf->result_ind,
                              .pseudonym_s = conf->pseudonym_us / 1000000,
                              .pseudonym_periods = conf->pseudonym_periods,
                              .reauth_max = conf->reauth_max,
                              .reauth_us = conf->reauth_us,
                              .reauth_times = conf->reauth_times,
                              .fs = conf->forward_secrecy,
                              .fs_required = conf->fs_required,
                              .suci = conf->suci,
                              .n_suci = conf->n_suci };
    uint8_t seed[16];
    struct radiusd *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    *r = (struct radiusd){ .conf = conf, .env = env, .ops = ops, .ctx = ctx };
    if (conf->offer_kdf) {
        ec.kdf[0] = conf->offer_kdf;
        ec.kdf[1] = AKA_KDF_DEFAULT;
    }
    env_random(env, ec.seed, sizeof ec.seed);
    env_random(env, seed, sizeof seed);
    r->eapd = eapd_new(&ec);
    r->n_max = 4 * conf->conversations_max; /* each has a few answers that are still kept */
    r->v = calloc(r->n_max, sizeof *r->v);
    r->free_slots = calloc(r->n_max, sizeof *r->free_slots);
    r->of_conv = calloc(conf->conversations_max, sizeof *r->of_conv);
    r->clients = calloc(conf->n_clients, sizeof *r->clients);
    r->by_key = htab_new(r->n_max, sizeof(struct request_key), seed);
    if (heap_init(&r->due, r->n_max) != ERR_OK || !r->eapd || !r->v || !r->free_slots || !r->of_conv ||
        !r->clients || !r->by_key) {
        radiusd_free(r);
        return NULL;
    }
    for (uint32_t i = 0; i < r->n_max; i++)
        r->free_slots[r->n_free++] = r->n_max - 1 - i;
    return r;
}

void radiusd_free(struct radiusd *r)
{
    if (!r)
        return;
    for (uint32_t i = 0; r->v && i < r->n_max; i++)
        free(r->v[i].reply);
    eapd_free(r->eapd);
    htab_free(r->by_key);
    heap_done(&r->due);
    free(r->v);
    free(r->free_slots);
    free(r->of_conv);
    free(r->clients);
    free(r);
}

err radiusd_pseudonym_key(struct radiusd *r, const uint8_t master[PSEUDONYM_MASTER_LEN])
{
    return eapd_pseudonym_key(r->eapd, master);
}

void radiusd_wall(struct radiusd *r, uint64_t unix_s)
{
    eapd_wall(r->eapd, unix_s);
}

/* ---- requests in hand ---- */

static struct request_key key_of(const struct radius_pkt *p, const struct origin *o)
{
    struct request_key k = { .id = p->id, .conn = o->conn };
    addr_to_mapped(&o->peer, k.ip);
    k.port[0] = (uint8_t)(o->peer.port >> 8);
    k.port[1] = (uint8_t)o->peer.port;
    memcpy(k.auth, p->auth, sizeof k.auth);
    return k;
}

static void pending_free(struct radiusd *r, struct pending *q)
{
    htab_del(r->by_key, &q->key);
    heap_remove(&r->due, &q->due);
    free(q->reply);
    *q = (struct pending){ 0 };
    r->free_slots[r->n_free++] = (uint32_t)(q - r->v);
}

/* The answer that would be forgotten first goes now: a repeated request is rarer than a new one. */
static void make_room(struct radiusd *r)
{
    struct heap_node *n = heap_min(&r->due);
    struct pending *q = n ? (struct pending *)((char *)n - offsetof(struct pending, due)) : NULL;
    if (!q || !q->reply)
        return;
    r->count[RADIUSD_forgotten]++;
    pending_free(r, q);
}

static struct pending *pending_new(struct radiusd *r, const struct request_key *k, uint64_t now)
{
    if (r->n_free == 0)
        make_room(r);
    if (r->n_free == 0)
        return NULL;
    struct pending *q = &r->v[r->free_slots[r->n_free - 1]];
    *q = (struct pending){ .key = *k, .used = true };
    if (htab_put(r->by_key, k, q) != ERR_OK)
        return NULL;
    r->n_free--;
    if (heap_set(&r->due, &q->due, now + r->conf->conversation_us) != ERR_OK) {
        pending_free(r, q);
        return NULL;
    }
    return q;
}

/* RFC 2865 s5.33: carried back unchanged, in order. */
static bool keep_proxy_states(struct pending *q, const struct radius_pkt *p)
{
    struct radius_attr a;
    struct wcur w = wcur_of(q->proxy, sizeof q->proxy);
    for (size_t pos = 0; radius_next(p, &pos, &a);)
        if (a.type == RADIUS_PROXY_STATE && a.value.n) {
            wcur_u8(&w, (uint8_t)a.value.n);
            wcur_span(&w, a.value);
        }
    q->proxy_n = wcur_len(&w);
    return wcur_ok(&w);
}

/* ---- answers ---- */

static struct span secret_of(const struct radiusd *r, const struct origin *o)
{
    const struct as_client *c = &r->conf->clients[o->client];
    return o->conn ? span_str(RADIUS_TLS_SECRET) : span_of(c->secret, c->secret_n);
}

static void send_to(const struct radiusd *r, const struct origin *o, struct span octets)
{
    if (o->conn)
        r->ops->send_on(r->ctx, o->conn, octets);
    else
        r->ops->send(r->ctx, &o->local, &o->peer, octets);
}

static void log_outcome(const struct radiusd *r, const struct pending *q, const struct eapd_action *a)
{
    char name[NAI_TEXT_MAX];
    struct span who = a->imsi[0] ? span_str(a->imsi) : a->identity;
    if (a->type == EAPD_CHALLENGE)
        return;
    log_at(&r->env->log, LOG_LV_INFO, "radius", "event=%s client=%s method=%s%s subscriber=%s reason=%s",
           a->type == EAPD_ACCEPT ? a->reauth ? "reaccept" : "accept" : "reject",
           r->conf->clients[q->from.client].name, a->method ? a->method->name : "-", a->fs ? "-fs" : "",
           r->ops->log_name(r->ctx, who, name), aka_reason_name(a->reason));
}

static void accept_attrs(const struct radiusd *r, struct radius_wr *w, const struct pending *q,
                         struct span secret, const struct eapd_action *a)
{
    struct span imsi = span_str(a->imsi);
    radius_wr_attr(w, RADIUS_USER_NAME, a->identity);
    radius_wr_attr(w, RADIUS_CUI, imsi);
    radius_wr_vendor(w, RADIUS_VENDOR_3GPP, RADIUS_3GPP_IMSI, imsi);
    radius_wr_mppe(w, RADIUS_MS_MPPE_RECV, span_of(a->msk, RADIUS_MPPE_KEY), secret, q->key.auth, r->env);
    radius_wr_mppe(w, RADIUS_MS_MPPE_SEND, span_of(a->msk + RADIUS_MPPE_KEY, RADIUS_MPPE_KEY), secret,
                   q->key.auth, r->env);
}

static err build(const struct radiusd *r, const struct pending *q, const struct eapd_action *a, uint8_t *buf,
                 size_t *n)
{
    struct span secret = secret_of(r, &q->from);
    enum radius_code code = a->type == EAPD_ACCEPT      ? RADIUS_ACCESS_ACCEPT
                            : a->type == EAPD_CHALLENGE ? RADIUS_ACCESS_CHALLENGE
                                                        : RADIUS_ACCESS_REJECT;
    struct radius_wr w = radius_wr_begin(buf, RADIUS_MAX, code, q->key.id, q->key.auth);
    if (a->eap.n)
        radius_wr_eap(&w, a->eap);
    if (code == RADIUS_ACCESS_CHALLENGE)
        radius_wr_attr(&w, RADIUS_STATE, span_of(a->state, EAPD_STATE_LEN));
    if (code == RADIUS_ACCESS_ACCEPT)
        accept_attrs(r, &w, q, secret, a);
    for (size_t at = 0; at < q->proxy_n; at += 1u + q->proxy[at])
        radius_wr_attr(&w, RADIUS_PROXY_STATE, span_of(q->proxy + at + 1, q->proxy[at]));
    return radius_wr_end(&w, secret, n);
}

static void answer(struct radiusd *r, struct pending *q, const struct eapd_action *a, uint64_t now)
{
    uint8_t buf[RADIUS_MAX];
    size_t n = 0;
    if (build(r, q, a, buf, &n) != ERR_OK || !(q->reply = malloc(n)) ||
        heap_set(&r->due, &q->due, now + r->conf->duplicate_us) != ERR_OK) {
        r->count[RADIUSD_send_failed]++;
        pending_free(r, q);
        return;
    }
    memcpy(q->reply, buf, n);
    q->reply_n = n;
    r->count[a->type == EAPD_ACCEPT      ? RADIUSD_accepts
             : a->type == EAPD_CHALLENGE ? RADIUSD_challenges
                                         : RADIUSD_rejects]++;
    if (a->type == EAPD_REJECT)
        r->refused[a->reason]++;
    if (a->type == EAPD_ACCEPT) {
        r->count[RADIUSD_reauths] += a->reauth;
        r->count[RADIUSD_forward_secret] += a->fs;
        r->clients[q->from.client].accepts++;
    }
    log_outcome(r, q, a);
    send_to(r, &q->from, span_of(q->reply, q->reply_n));
}

/* Carries out what eapd said about the request in q. */
static void carry_out(struct radiusd *r, struct pending *q, const struct eapd_action *a, uint64_t now)
{
    switch (a->type) {
    case EAPD_DROP:
        r->count[a->reason == AKA_R_UNAVAILABLE ? RADIUSD_full : RADIUSD_discarded]++;
        log_at(&r->env->log, LOG_LV_INFO, "eap", "event=discard client=%s reason=%s",
               r->conf->clients[q->from.client].name, aka_reason_name(a->reason));
        pending_free(r, q);
        break;
    case EAPD_VECTOR:
        r->count[RADIUSD_vectors]++;
        r->count[RADIUSD_resyncs] += a->resync;
        q->ref = a->ref;
        r->of_conv[a->ref.slot] = (uint32_t)(q - r->v) + 1;
        if (!r->ops->vector(r->ctx, a->ref, a->imsi, q->from.client, a->want, a->rand, a->auts)) {
            r->of_conv[a->ref.slot] = 0;
            r->count[RADIUSD_full]++;
            eapd_end(r->eapd, a->ref);
            pending_free(r, q);
        }
        break;
    case EAPD_CHALLENGE:
        answer(r, q, a, now);
        break;
    case EAPD_ACCEPT:
    case EAPD_REJECT:
    default:
        answer(r, q, a, now);
        eapd_end(r->eapd, a->ref);
        break;
    }
}

/* ---- requests ---- */

static const struct as_client *find_client(const struct radiusd *r, const struct addr *peer, uint32_t *i)
{
    for (*i = 0; *i < r->conf->n_clients; (*i)++)
        if (r->conf->clients[*i].address.family != ADDR_NONE &&
            addr_same_ip(&r->conf->clients[*i].address, peer))
            return &r->conf->clients[*i];
    return NULL;
}

/* Does it say that it is a Forwarding Agent, whether it may or not? */
static bool is_agent(const struct radius_pkt *p, struct span *nas)
{
    return radius_find(p, RADIUS_NAS_IDENTIFIER, nas) == ERR_OK && nas->n >= 4 &&
           memcmp(nas->p, "HIP:", 4) == 0;
}

static bool own_hit(const struct as_client *c, struct span nas)
{
    char hit[33];
    for (size_t i = 0; i < c->n_hits; i++) {
        hex_encode(span_of(c->hits[i].ip, 16), hit);
        if (nas.n == 4 + 32 && memcmp(nas.p + 4, hit, 32) == 0)
            return true;
    }
    return false;
}

/* '*' stands for any octets, none as well. */
static bool matches(const char *pattern, struct span text)
{
    const char *star = NULL;
    size_t at = 0, from = 0;
    while (at < text.n) {
        if (*pattern == '*') {
            star = pattern++;
            from = at;
        } else if (*pattern && (uint8_t)*pattern == text.p[at]) {
            pattern++;
            at++;
        } else if (star) { /* the last star takes one more */
            pattern = star + 1;
            at = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

/* May this client say so of itself? */
static bool nas_allowed(const struct as_client *c, const struct radius_pkt *p)
{
    struct span nas = span_of(NULL, 0);
    if (c->n_nas == 0 || (is_agent(p, &nas) && own_hit(c, nas)))
        return true;
    if (radius_find(p, RADIUS_NAS_IDENTIFIER, &nas) != ERR_OK)
        return false;
    for (size_t i = 0; i < c->n_nas; i++)
        if (matches(c->nas[i], nas))
            return true;
    return false;
}

/* The network name for this client's NAS-Identifier. */
static const char *net_name(struct radiusd *r, const struct as_client *c, const struct radius_pkt *p,
                            char out[AKA_NET_NAME_MAX + 1])
{
    struct span nas;
    if (!is_agent(p, &nas))
        return r->conf->net_name;
    if (own_hit(c, nas)) {
        snprintf(out, AKA_NET_NAME_MAX + 1, "%.*s", (int)nas.n, (const char *)nas.p);
        return out;
    }
    r->count[RADIUSD_unlisted_hit]++;
    log_at(&r->env->log, LOG_LV_WARN, "radius", "event=unlisted_hit client=%s", c->name);
    return r->conf->net_name;
}

static void work_on(struct radiusd *r, struct pending *q, const struct radius_pkt *p, uint64_t now)
{
    uint8_t eap[EAP_MAX];
    size_t eap_n = 0;
    char name[AKA_NET_NAME_MAX + 1];
    struct span nas;
    struct eapd_action a;
    struct eapd_request er = { .client = q->from.client };
    if (radius_find(p, RADIUS_STATE, &er.state) != ERR_OK)
        er.state = span_of(NULL, 0);
    if (!keep_proxy_states(q, p) || radius_eap(p, eap, sizeof eap, &eap_n) != ERR_OK) {
        r->count[RADIUSD_no_eap]++;
        a = (struct eapd_action){ .type = EAPD_REJECT, .reason = AKA_R_EAP, .imsi = "" };
        answer(r, q, &a, now);
        return;
    }
    er.eap = span_of(eap, eap_n);
    if (!nas_allowed(&r->conf->clients[q->from.client], p)) {
        r->count[RADIUSD_unlisted_nas]++;
        log_at(&r->env->log, LOG_LV_WARN, "radius", "event=unlisted_nas client=%s",
               r->conf->clients[q->from.client].name);
        eapd_stray(r->eapd, er.eap, AKA_R_NAS, &a);
        answer(r, q, &a, now);
        return;
    }
    er.net_name = net_name(r, &r->conf->clients[q->from.client], p, name);
    er.binding = is_agent(p, &nas);
    memcpy(er.methods, r->conf->clients[q->from.client].methods, sizeof er.methods);
    eapd_request(r->eapd, &er, now, &a);
    carry_out(r, q, &a, now);
}

/* Counter of the reason to drop it, or RADIUSD__COUNT when it is a request of this client's. */
static enum radiusd_counter judge(struct span secret, const struct radius_pkt *p)
{
    if (p->code != RADIUS_ACCESS_REQUEST && p->code != RADIUS_STATUS_SERVER)
        return RADIUSD_bad_code;
    err e = radius_check_request(p, secret); /* RFC 3579 s3.2, RFC 5997 s3 */
    if (e == ERR_NOT_FOUND)
        return RADIUSD_no_authenticator;
    return e == ERR_OK ? RADIUSD__COUNT : RADIUSD_bad_authenticator;
}

/* RFC 5997 s4.2: an Access-Accept that accepts nobody. It is made anew each time, also for a repeated question. */
static void answer_status(struct radiusd *r, const struct origin *o, const struct radius_pkt *p)
{
    uint8_t buf[RADIUS_MAX];
    size_t n = 0;
    struct radius_attr a;
    struct radius_wr w = radius_wr_begin(buf, sizeof buf, RADIUS_ACCESS_ACCEPT, p->id, p->auth);
    for (size_t pos = 0; radius_next(p, &pos, &a);)
        if (a.type == RADIUS_PROXY_STATE && a.value.n)
            radius_wr_attr(&w, RADIUS_PROXY_STATE, a.value);
    r->count[RADIUSD_status_server]++;
    if (radius_wr_end(&w, secret_of(r, o), &n) == ERR_OK)
        send_to(r, o, span_of(buf, n));
    else
        r->count[RADIUSD_send_failed]++;
}

static void request(struct radiusd *r, const struct origin *o, const struct radius_pkt *p, uint64_t now)
{
    struct request_key k = key_of(p, o);
    struct pending *q = htab_get(r->by_key, &k);
    r->clients[o->client].requests++;
    if (q) {
        r->count[q->reply ? RADIUSD_repeated_answered : RADIUSD_repeated_pending]++;
        if (q->reply)
            send_to(r, o, span_of(q->reply, q->reply_n));
        return;
    }
    q = pending_new(r, &k, now);
    if (!q) {
        r->count[RADIUSD_full]++;
        return;
    }
    q->from = *o;
    work_on(r, q, p, now);
}

/* False: what was counted makes nothing of this packet authentic. */
static bool take(struct radiusd *r, const struct origin *o, const struct radius_pkt *p, uint64_t now)
{
    enum radiusd_counter why = judge(secret_of(r, o), p);
    if (why != RADIUSD__COUNT) {
        r->count[why]++;
        log_at(&r->env->log, LOG_LV_WARN, "radius", "event=drop client=%s reason=%s",
               r->conf->clients[o->client].name, counter_names[why]);
        return why == RADIUSD_bad_code;
    }
    if (p->code == RADIUS_STATUS_SERVER)
        answer_status(r, o, p);
    else
        request(r, o, p, now);
    return true;
}

void radiusd_input(struct radiusd *r, const struct addr *local, const struct addr *peer, struct span octets,
                   uint64_t now)
{
    struct radius_pkt p;
    struct origin o = { .local = *local, .peer = *peer };
    char text[ADDR_TEXT_MAX];
    const struct as_client *c = find_client(r, peer, &o.client);
    r->count[RADIUSD_requests]++;
    if (!c || radius_parse(octets, &p) != ERR_OK) {
        r->count[c ? RADIUSD_malformed : RADIUSD_unknown_client]++;
        /* Anybody can cause it: the counter tells the operator, the log only who looks closely. */
        log_at(&r->env->log, LOG_LV_DEBUG, "radius", "event=drop from=%s reason=%s", addr_format(peer, text),
               counter_names[c ? RADIUSD_malformed : RADIUSD_unknown_client]);
        return;
    }
    (void)take(r, &o, &p, now);
}

bool radiusd_input_on(struct radiusd *r, uint32_t client, uint32_t conn, const struct addr *peer,
                      struct span octets, uint64_t now)
{
    struct radius_pkt p;
    struct origin o = { .peer = *peer, .client = client, .conn = conn };
    r->count[RADIUSD_requests]++;
    if (radius_parse(octets, &p) != ERR_OK) {
        r->count[RADIUSD_malformed]++;
        return false;
    }
    return take(r, &o, &p, now);
}

void radiusd_vector(struct radiusd *r, struct eapd_ref ref, enum aka_server_auc what,
                    const struct aka_vector *v, uint64_t now)
{
    struct eapd_action a;
    struct pending *q = NULL;
    if (ref.slot < r->conf->conversations_max && r->of_conv[ref.slot])
        q = &r->v[r->of_conv[ref.slot] - 1];
    if (!q || !q->used || q->reply || q->ref.slot != ref.slot || q->ref.gen != ref.gen) {
        eapd_end(r->eapd, ref); /* its request is gone */
        return;
    }
    r->of_conv[ref.slot] = 0;
    eapd_vector(r->eapd, ref, what, v, now, &a);
    carry_out(r, q, &a, now);
}

void radiusd_timeout(struct radiusd *r, uint64_t now)
{
    eapd_timeout(r->eapd, now);
    while (heap_deadline(&r->due) <= now) {
        struct heap_node *n = heap_min(&r->due);
        pending_free(r, (struct pending *)((char *)n - offsetof(struct pending, due)));
    }
}

uint64_t radiusd_deadline(const struct radiusd *r)
{
    uint64_t a = eapd_deadline(r->eapd), b = heap_deadline(&r->due);
    return a < b ? a : b;
}

uint64_t radiusd_counter(const struct radiusd *r, enum radiusd_counter c)
{
    return r->count[c];
}

const char *radiusd_counter_name(enum radiusd_counter c)
{
    return counter_names[c];
}

uint64_t radiusd_refused(const struct radiusd *r, enum aka_reason why)
{
    return r->refused[why];
}

size_t radiusd_conversations(const struct radiusd *r)
{
    return eapd_count(r->eapd);
}

size_t radiusd_reauths(const struct radiusd *r)
{
    return eapd_reauths(r->eapd);
}

uint64_t radiusd_expired(const struct radiusd *r)
{
    return eapd_expired(r->eapd);
}

void radiusd_client(const struct radiusd *r, size_t i, uint64_t *requests, uint64_t *accepts)
{
    *requests = r->clients[i].requests;
    *accepts = r->clients[i].accepts;
}
