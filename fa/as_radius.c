/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/as_radius.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/heap.h"
#include "common/base/limiter.h"
#include "common/crypto/secret.h"

#define KEY_MAX   64u /* octets of a MS-MPPE key that we look at; the core demands 32 */
#define FRAME_MTU 1020
#define TRIES     3 /* over UDP */
#define MOVE_AT   2 /* ... then the next server, if there is one */

struct radius;
struct realm;

struct request {
    struct heap_node timer; /* first member: a node is its request */
    struct realm *realm;
    struct as_server *server;
    struct fa_job_ref ref;
    uint64_t given_us;        /* its end */
    uint64_t first_us, rt_us; /* at this server: first sent, last wait */
    uint8_t id, tries;        /* at this server */
    bool begins;              /* no State: any server will do */
    bool moved;
    bool waits; /* TLS: for a connection */
    uint8_t auth[RADIUS_AUTH_LEN];
    size_t len;
    uint8_t packet[RADIUS_MAX];
};

struct realm {
    struct radius *owner;
    uint16_t index;
    uint8_t n_server;
    struct as_server *server[AS_RADIUS_SERVERS_MAX];
    struct bucket bucket;
};

struct radius {
    const struct env *env;
    struct rt_timer *timer;
    struct heap deadlines;
    fa_done_fn done;
    as_radius_told_fn told;
    void *ctx;
    struct as_radius_times times;
    struct bucket_rate rate; /* of new requests, for each realm */
    struct as_stats stats;
    uint8_t *keys; /* locked: two MS-MPPE keys while a reply is handed on */
    bool closing;
    size_t n_realms;
    struct realm realm[];
};

static void rearm(struct radius *r)
{
    rt_timer_at(r->timer, heap_deadline(&r->deadlines));
}

static void forget(struct request *q)
{
    struct radius *r = q->realm->owner;
    heap_remove(&r->deadlines, &q->timer);
    as_server_give(q->server, q->id);
    r->stats.open--;
    free(q);
}

static void wake_at(struct request *q, uint64_t at)
{
    if (heap_set(&q->realm->owner->deadlines, &q->timer, at < q->given_us ? at : q->given_us) != ERR_OK)
        abort(); /* the heap holds as many as there are identifiers */
}

/* ---- which server ---- */

/* The first that is there and has an identifier; else the one that may be there first. NULL: `but` alone, or no identifier at all. */
static struct as_server *choose(const struct realm *m, const struct as_server *but, bool there_only)
{
    struct as_server *best = NULL;
    for (uint8_t i = 0; i < m->n_server; i++) {
        struct as_server *s = m->server[i];
        if (s == but)
            continue;
        if (as_server_usable(s))
            return s;
        if (!there_only && (!best || as_server_again_us(s) < as_server_again_us(best)))
            best = s;
    }
    return best;
}

static uint8_t number_of(const struct realm *m, const struct as_server *s)
{
    for (uint8_t i = 0; i < m->n_server; i++)
        if (m->server[i] == s)
            return (uint8_t)(i + 1);
    return 0;
}

/* ---- tries ---- */

/* RFC 5080 s2.2.1: IRT, then twice the wait before, MRT at most; each up to a tenth more or less. */
static uint64_t next_wait(struct request *q)
{
    const struct radius *r = q->realm->owner;
    uint64_t base = q->rt_us ? 2 * q->rt_us : r->times.irt_us;
    uint32_t x;
    if (base > r->times.mrt_us)
        base = r->times.mrt_us;
    env_random(r->env, &x, sizeof x);
    q->rt_us = base - base / 10 + (base >= 5 ? x % (base / 5) : 0);
    return q->rt_us;
}

static void send_try(struct request *q)
{
    struct radius *r = q->realm->owner;
    uint64_t now = rt_now_us();
    err e = as_server_send(q->server, span_of(q->packet, q->len));
    q->waits = e != ERR_OK && as_server_reliable(q->server);
    if (e == ERR_OK)
        r->stats.sent++;
    if (q->tries == 0)
        q->first_us = now;
    q->tries += !q->waits;
    if (as_server_reliable(q->server))
        wake_at(q, q->begins && !q->moved ? now + r->times.mrd_us / 2 : q->given_us);
    else
        wake_at(q, q->tries < TRIES ? now + next_wait(q) : q->given_us);
}

/* On to another server, which must be there. False: there is none. */
static bool move(struct request *q)
{
    uint8_t id;
    struct as_server *to = q->begins && !q->moved ? choose(q->realm, q->server, true) : NULL;
    if (!to || !as_server_take(to, q, &id, q->auth))
        return false;
    as_server_give(q->server, q->id);
    q->server = to;
    q->id = id;
    q->moved = true;
    q->tries = 0;
    q->rt_us = 0;
    if (radius_request_again(q->packet, q->len, id, q->auth, as_server_secret(to)) != ERR_OK)
        abort(); /* HMAC over our own octets */
    q->realm->owner->stats.moved++;
    send_try(q);
    return true;
}

static void give_up(struct request *q)
{
    struct radius *r = q->realm->owner;
    struct fa_result res = { .ref = q->ref, .type = FA_JOB_AS, .err = ERR_TIMEOUT };
    r->stats.timeouts++;
    forget(q);
    r->done(r->ctx, &res);
}

static void wake(struct request *q)
{
    struct as_server *s = q->server;
    uint64_t first = q->first_us;
    bool over = q->given_us <= rt_now_us();
    bool enough = as_server_reliable(s) || q->tries >= MOVE_AT;
    if (!over && enough && move(q)) {
        as_server_silent(s, first);
    } else if (over) {
        if (!q->waits)
            as_server_silent(s, first);
        give_up(q);
    } else if (as_server_reliable(s)) {
        wake_at(q, q->given_us);
    } else {
        send_try(q);
    }
}

static void on_timer(void *ctx)
{
    struct radius *r = ctx;
    struct heap_node *n;
    while ((n = heap_min(&r->deadlines)) && n->at_us <= rt_now_us())
        wake((struct request *)n);
    rearm(r);
}

/* ---- answers ---- */

static struct span find_or_none(const struct radius_pkt *p, uint8_t type)
{
    struct span v;
    return radius_find(p, type, &v) == ERR_OK ? v : (struct span){ 0 };
}

/* Decrypted key in `to`, or empty: the core then ends the run. */
static struct span mppe_or_none(const struct radius_pkt *p, const struct request *q, uint8_t type,
                                uint8_t *to)
{
    struct span v;
    size_t n = 0;
    if (radius_find_vendor(p, RADIUS_VENDOR_MS, type, &v) != ERR_OK ||
        radius_mppe_open(v, as_server_secret(q->server), q->auth, to, KEY_MAX, &n) != ERR_OK)
        return (struct span){ 0 };
    return span_of(to, n);
}

/* Every Class, each behind an octet of length: none of them where they are too long together. */
static size_t classes_of(const struct radius_pkt *p, uint8_t out[FA_CLASS_MAX])
{
    struct wcur w = wcur_of(out, FA_CLASS_MAX);
    struct radius_attr a;
    for (size_t pos = 0; radius_next(p, &pos, &a);)
        if (a.type == RADIUS_CLASS && a.value.n) {
            wcur_u8(&w, (uint8_t)a.value.n);
            wcur_span(&w, a.value);
        }
    return wcur_done(&w).n;
}

static bool code_of(uint8_t code, enum fa_as_code *out)
{
    switch (code) {
    case RADIUS_ACCESS_CHALLENGE:
        *out = FA_AS_CHALLENGE;
        return true;
    case RADIUS_ACCESS_ACCEPT:
        *out = FA_AS_ACCEPT;
        return true;
    case RADIUS_ACCESS_REJECT:
        *out = FA_AS_REJECT;
        return true;
    default:
        return false;
    }
}

static void deliver(struct radius *r, struct request *q, const struct radius_pkt *p, enum fa_as_code code)
{
    uint8_t eap[RADIUS_MAX], classes[FA_CLASS_MAX];
    size_t eap_len = 0;
    struct fa_result res = { .ref = q->ref, .type = FA_JOB_AS, .err = ERR_OK };
    res.as.code = code;
    if (radius_eap(p, eap, sizeof eap, &eap_len) == ERR_OK)
        res.as.eap = span_of(eap, eap_len);
    res.as.state = find_or_none(p, RADIUS_STATE);
    if (code == FA_AS_ACCEPT) {
        res.as.recv_key = mppe_or_none(p, q, RADIUS_MS_MPPE_RECV, r->keys);
        res.as.send_key = mppe_or_none(p, q, RADIUS_MS_MPPE_SEND, r->keys + KEY_MAX);
        if (radius_find_vendor(p, RADIUS_VENDOR_3GPP, RADIUS_3GPP_IMSI, &res.as.imsi) != ERR_OK)
            res.as.imsi = (struct span){ 0 };
        res.as.cui = find_or_none(p, RADIUS_CUI);
        res.as.user = find_or_none(p, RADIUS_USER_NAME);
        res.as.class_v = span_of(classes, classes_of(p, classes));
    }
    res.as.server = number_of(q->realm, q->server);
    r->stats.answered++;
    forget(q);
    r->done(r->ctx, &res);
    sec_wipe(r->keys, 2 * KEY_MAX);
    sec_wipe(eap, sizeof eap);
}

static void on_answer(void *ctx, void *request, const struct radius_pkt *p)
{
    struct request *q = request;
    struct realm *m = ctx;
    enum fa_as_code code;
    if (code_of(p->code, &code))
        deliver(m->owner, q, p, code);
    rearm(m->owner);
}

/* ---- connections ---- */

static void on_open(void *ctx, struct as_server *s)
{
    struct realm *m = ctx;
    for (unsigned id = 0; id < AS_SERVER_IDS; id++) {
        struct request *q = as_server_request(s, id);
        if (q && q->waits)
            send_try(q);
    }
    rearm(m->owner);
}

static void on_lost(void *ctx, struct as_server *s)
{
    struct realm *m = ctx;
    for (unsigned id = 0; id < AS_SERVER_IDS && !m->owner->closing; id++) {
        struct request *q = as_server_request(s, id);
        if (!q || move(q))
            continue;
        if (q->tries < 2)
            q->waits = true;
        else
            give_up(q);
    }
    rearm(m->owner);
}

static void on_told(void *ctx, struct as_server *s, bool there, const char *why)
{
    struct realm *m = ctx;
    if (m->owner->told && !m->owner->closing)
        m->owner->told(m->owner->ctx, m->index, s, there, why);
}

static const struct as_server_ops server_ops = {
    .answer = on_answer, .open = on_open, .lost = on_lost, .told = on_told
};

/* ---- requests ---- */

static err build(struct request *q, const struct fa_job *job)
{
    struct radius_wr w = radius_wr_begin(q->packet, sizeof q->packet, RADIUS_ACCESS_REQUEST, q->id, q->auth);
    radius_wr_attr(&w, RADIUS_USER_NAME, span_str(job->as.user));
    radius_wr_attr(&w, RADIUS_NAS_IDENTIFIER, span_str(job->as.nas_id));
    radius_wr_u32(&w, RADIUS_SERVICE_TYPE, 2);  /* Framed */
    radius_wr_u32(&w, RADIUS_NAS_PORT_TYPE, 5); /* Virtual */
    radius_wr_u32(&w, RADIUS_FRAMED_MTU, FRAME_MTU);
    radius_wr_attr(&w, RADIUS_CUI, span_of("", 1)); /* a NUL asks for it (RFC 4372 s2.1) */
    if (job->as.state_len)
        radius_wr_attr(&w, RADIUS_STATE, span_of(job->as.state, job->as.state_len));
    radius_wr_eap(&w, span_of(job->as.eap, job->as.eap_len));
    return radius_wr_end(&w, as_server_secret(q->server), &q->len);
}

/* The server of a conversation, or the best for a new one. */
static struct as_server *server_for(const struct realm *m, uint8_t number)
{
    return number ? m->server[number - 1] : choose(m, NULL, false);
}

static err op_ask(void *ctx, const struct fa_job *job)
{
    struct radius *r = ctx;
    uint64_t now = rt_now_us();
    if (job->as.realm >= r->n_realms || job->as.eap_len > FA_EAP_MAX || job->as.user[0] == 0 ||
        job->as.server > r->realm[job->as.realm].n_server)
        return ERR_RANGE;
    struct realm *m = &r->realm[job->as.realm];
    if (!bucket_take(&m->bucket, &r->rate, 1, now))
        return ERR_FULL;
    struct request *q = calloc(1, sizeof *q);
    if (!q)
        return ERR_MEMORY;
    q->realm = m;
    q->ref = job->ref;
    q->given_us = now + r->times.mrd_us;
    q->begins = job->as.server == 0;
    q->server = server_for(m, job->as.server);
    if (!as_server_take(q->server, q, &q->id, q->auth)) {
        free(q);
        return ERR_FULL;
    }
    r->stats.open++;
    err e = build(q, job);
    if (e != ERR_OK) {
        forget(q);
        return e;
    }
    r->stats.asked++;
    send_try(q);
    rearm(r);
    return ERR_OK;
}

static void op_stats(void *ctx, struct as_stats *out)
{
    struct radius *r = ctx;
    struct as_server_view v;
    *out = r->stats;
    for (size_t i = 0; i < r->n_realms; i++)
        for (uint8_t k = 0; k < r->realm[i].n_server; k++) {
            as_server_look(r->realm[i].server[k], &v);
            out->forged += v.forged;
        }
}

static void op_close(void *ctx)
{
    struct radius *r = ctx;
    if (!r)
        return;
    r->closing = true;
    for (struct heap_node *n; r->deadlines.v && (n = heap_min(&r->deadlines));)
        forget((struct request *)n);
    for (size_t i = 0; i < r->n_realms; i++)
        for (uint8_t k = 0; k < r->realm[i].n_server; k++)
            as_server_free(r->realm[i].server[k]);
    heap_done(&r->deadlines);
    rt_timer_free(r->timer);
    sec_free(r->keys);
    free(r);
}

static const struct as_ops ops = { .ask = op_ask, .stats = op_stats, .close = op_close };

static err open_realm(struct radius *r, struct rt_loop *l, struct realm *m, const struct as_radius_realm *c,
                      char *why)
{
    err e = c->n_server ? ERR_OK : ERR_RANGE;
    m->owner = r;
    m->index = (uint16_t)(m - r->realm);
    bucket_init(&m->bucket, &r->rate, rt_now_us());
    for (; e == ERR_OK && m->n_server < c->n_server; m->n_server += e == ERR_OK)
        e = as_server_new(l, r->env, &c->server[m->n_server], &r->times.server, &server_ops, m,
                          &m->server[m->n_server], why);
    return e;
}

err as_radius_open(const struct as_radius_config *c, struct as *out, char why[AS_SERVER_TEXT_MAX])
{
    struct radius *r = calloc(1, sizeof *r + c->n_realms * sizeof r->realm[0]);
    memcpy(why, "out of memory", sizeof "out of memory");
    if (!r)
        return ERR_MEMORY;
    r->env = c->env;
    r->times =
        c->times ? *c->times : (struct as_radius_times){ 1000000, 2000000, 5000000, as_server_default_times };
    uint32_t per_second = c->per_second ? c->per_second : AS_RADIUS_PER_SECOND;
    r->rate = (struct bucket_rate){ .per_second_milli = per_second * 1000, .burst = per_second };
    r->done = c->done;
    r->told = c->told;
    r->ctx = c->ctx;
    r->timer = rt_timer_new(c->loop, on_timer, r);
    r->keys = sec_alloc(2 * KEY_MAX);
    err e = r->timer && r->keys
                ? heap_init(&r->deadlines, c->n_realms * AS_RADIUS_SERVERS_MAX * AS_SERVER_IDS)
                : ERR_MEMORY;
    while (e == ERR_OK && r->n_realms < c->n_realms) {
        size_t i = r->n_realms++;
        e = open_realm(r, c->loop, &r->realm[i], &c->realms[i], why);
    }
    if (e != ERR_OK) {
        op_close(r);
        return e;
    }
    *out = (struct as){ .ops = &ops, .ctx = r };
    return ERR_OK;
}

bool as_radius_server(const struct as *as, uint16_t realm, uint8_t i, struct as_server_view *out)
{
    const struct radius *r = as->ctx;
    if (realm >= r->n_realms || i >= r->realm[realm].n_server)
        return false;
    as_server_look(r->realm[realm].server[i], out);
    return true;
}

/* state: how many workers see it so, once they are added up; each has a connection and a judgement of its own. */
static json_t *server_status(const struct as_server_view *v)
{
    json_t *o = json_pack("{s:{s:i}, s:i, s:I, s:I, s:I, s:I, s:I, s:I}", "state", v->state, 1, "open",
                          (int)v->open, "sent", (json_int_t)v->sent, "answered", (json_int_t)v->answered,
                          "silent", (json_int_t)v->silent, "forged", (json_int_t)v->forged, "probes",
                          (json_int_t)v->probes, "probes_answered", (json_int_t)v->probes_answered);
    if (v->version[0])
        json_object_set_new(o, "tls", json_string(v->version));
    if (v->why[0])
        json_object_set_new(o, "reason", json_string(v->why));
    return o;
}

json_t *as_radius_status(const struct as *as, const struct fa_realm *names)
{
    const struct radius *r = as->ctx;
    json_t *all = json_object(), *of;
    struct as_server_view v;
    char key[ADDR_TEXT_MAX + 8], at[ADDR_TEXT_MAX];
    for (uint16_t i = 0; i < r->n_realms; i++) {
        json_object_set_new(all, names[i].realm, of = json_object());
        for (uint8_t k = 0; as_radius_server(as, i, k, &v); k++) {
            snprintf(key, sizeof key, "%s %s", v.tls ? "radsec" : "udp", addr_format(&v.address, at));
            json_object_set_new(of, key, server_status(&v));
        }
    }
    return all;
}
