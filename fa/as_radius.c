/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/as_radius.h"

#include <stdlib.h>
#include <string.h>

#include "aka/radius.h"
#include "common/base/heap.h"
#include "common/base/limiter.h"
#include "common/crypto/secret.h"
#include "common/rt/sock.h"

#define OPEN_MAX  256 /* identifiers */
#define KEY_MAX   64u /* octets of a MS-MPPE key that we look at; the core demands 32 */
#define FRAME_MTU 1020

#define TRIES 3

static const struct as_radius_times default_times = { 1000000, 2500000, 5000000 };

static const struct bucket_rate new_rate = { .per_second_milli = 100000, .burst = 100 };

struct radius;
struct realm;

struct request {
    struct heap_node timer; /* first member: a node is its request */
    struct realm *realm;
    struct fa_job_ref ref;
    struct addr server;
    uint64_t since_us;
    uint8_t id, tries;
    uint8_t server_index;
    uint8_t auth[RADIUS_AUTH_LEN];
    size_t len;
    uint8_t packet[RADIUS_MAX];
};

struct realm {
    struct radius *owner;
    struct as_radius_realm conf;
    uint8_t current; /* server in use */
    uint8_t next_id;
    struct bucket bucket;
    struct rt_sock *v4, *v6;
    struct request *open[OPEN_MAX]; /* by identifier */
};

struct radius {
    const struct env *env;
    struct rt_timer *timer;
    struct heap deadlines;
    fa_done_fn done;
    void *ctx;
    struct as_radius_times times;
    struct as_stats stats;
    uint8_t *keys; /* locked: two MS-MPPE keys while a reply is handed on */
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
    q->realm->open[q->id] = NULL;
    r->stats.open--;
    free(q);
}

static void send_try(struct request *q)
{
    struct realm *m = q->realm;
    struct rt_sock *s = q->server.family == ADDR_V4 ? m->v4 : m->v6;
    const struct as_radius_times *t = &m->owner->times;
    uint64_t at;
    if (rt_sock_send(s, NULL, &q->server, 0, span_of(q->packet, q->len)) == ERR_OK)
        m->owner->stats.sent++;
    q->tries++;
    at = q->since_us + (q->tries == 1 ? t->second_us : q->tries == 2 ? t->third_us : t->given_us);
    if (heap_set(&m->owner->deadlines, &q->timer, at) != ERR_OK)
        abort(); /* the heap holds as many as there are identifiers */
}

static void on_timer(void *ctx)
{
    struct radius *r = ctx;
    struct heap_node *n;
    while ((n = heap_min(&r->deadlines)) && n->at_us <= rt_now_us()) {
        struct request *q = (struct request *)n;
        if (q->tries < TRIES) {
            send_try(q);
            continue;
        }
        struct fa_result res = { .ref = q->ref, .type = FA_JOB_AS, .err = ERR_TIMEOUT };
        struct realm *m = q->realm;
        if (m->current == q->server_index)
            m->current = (uint8_t)((m->current + 1) % m->conf.n_server);
        r->stats.timeouts++;
        forget(q);
        r->done(r->ctx, &res);
    }
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
        radius_mppe_open(v, q->realm->conf.secret, q->auth, to, KEY_MAX, &n) != ERR_OK)
        return (struct span){ 0 };
    return span_of(to, n);
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
    uint8_t eap[RADIUS_MAX];
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
    }
    r->stats.answered++;
    q->realm->current = q->server_index;
    forget(q);
    r->done(r->ctx, &res);
    sec_wipe(r->keys, 2 * KEY_MAX);
    sec_wipe(eap, sizeof eap);
}

static void on_packet(struct realm *m, const struct rt_pkt *pkt)
{
    struct radius *r = m->owner;
    struct radius_pkt p;
    enum fa_as_code code;
    struct request *q = radius_parse(pkt->octets, &p) == ERR_OK ? m->open[p.id] : NULL;
    /* RFC 2865 s4.1, RFC 3579 s3.2: what does not fit or is not authentic is silently discarded. */
    if (!q || !addr_same_ip(&pkt->peer, &q->server) || pkt->peer.port != q->server.port ||
        !code_of(p.code, &code) || radius_check_reply(&p, m->conf.secret, q->id, q->auth) != ERR_OK) {
        r->stats.forged++;
        return;
    }
    deliver(r, q, &p, code);
}

static void on_packets(void *ctx, const struct rt_pkt *pkts, size_t n)
{
    struct realm *m = ctx;
    for (size_t i = 0; i < n; i++)
        on_packet(m, &pkts[i]);
    rearm(m->owner);
}

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
    return radius_wr_end(&w, q->realm->conf.secret, &q->len);
}

static bool take_id(struct realm *m, uint8_t *id)
{
    for (unsigned i = 0; i < OPEN_MAX; i++) {
        uint8_t try = (uint8_t)(m->next_id + i);
        if (!m->open[try]) {
            m->next_id =
                (uint8_t)(try + 1); /* the one longest unused: late answers to an old request do not fit */
            *id = try;
            return true;
        }
    }
    return false;
}

static err op_ask(void *ctx, const struct fa_job *job)
{
    struct radius *r = ctx;
    uint64_t now = rt_now_us();
    uint8_t id;
    if (job->as.realm >= r->n_realms || job->as.eap_len > FA_EAP_MAX || job->as.user[0] == 0)
        return ERR_RANGE;
    struct realm *m = &r->realm[job->as.realm];
    if (!take_id(m, &id) || !bucket_take(&m->bucket, &new_rate, 1, now))
        return ERR_FULL;
    struct request *q = calloc(1, sizeof *q);
    if (!q)
        return ERR_MEMORY;
    q->realm = m;
    q->ref = job->ref;
    q->id = id;
    q->since_us = now;
    q->server_index = m->current;
    q->server = m->conf.server[m->current];
    env_random(r->env, q->auth, sizeof q->auth);
    err e = build(q, job);
    if (e != ERR_OK) {
        free(q);
        return e;
    }
    m->open[id] = q;
    r->stats.open++;
    r->stats.asked++;
    send_try(q);
    rearm(r);
    return ERR_OK;
}

static void op_stats(void *ctx, struct as_stats *out)
{
    struct radius *r = ctx;
    *out = r->stats;
}

static void op_close(void *ctx)
{
    struct radius *r = ctx;
    if (!r)
        return;
    for (size_t i = 0; i < r->n_realms; i++) {
        for (size_t j = 0; j < OPEN_MAX; j++)
            free(r->realm[i].open[j]);
        rt_sock_close(r->realm[i].v4);
        rt_sock_close(r->realm[i].v6);
    }
    if (r->deadlines.v)
        free(r->deadlines.v); /* its nodes are gone already */
    rt_timer_free(r->timer);
    sec_free(r->keys);
    free(r);
}

static const struct as_ops ops = { .ask = op_ask, .stats = op_stats, .close = op_close };

static err open_realm(struct radius *r, struct rt_loop *l, struct realm *m, const struct as_radius_realm *c)
{
    struct addr any4 = addr_v4(0), any6 = { .family = ADDR_V6 };
    err e = ERR_OK;
    m->owner = r;
    m->conf = *c;
    bucket_init(&m->bucket, &new_rate, rt_now_us());
    env_random(r->env, &m->next_id, 1); /* not the same identifiers after each restart */
    for (uint8_t i = 0; e == ERR_OK && i < c->n_server; i++) {
        bool v4 = c->server[i].family == ADDR_V4;
        struct rt_sock **s = v4 ? &m->v4 : &m->v6;
        if (!*s)
            e = rt_udp_open(l, v4 ? &any4 : &any6, on_packets, m, s);
    }
    return e;
}

err as_radius_open(struct rt_loop *l, const struct env *env, const struct as_radius_realm *realms,
                   size_t n_realms, const struct as_radius_times *times, fa_done_fn done, void *ctx,
                   struct as *out)
{
    struct radius *r = calloc(1, sizeof *r + n_realms * sizeof r->realm[0]);
    if (!r)
        return ERR_MEMORY;
    r->env = env;
    r->times = times ? *times : default_times;
    r->done = done;
    r->ctx = ctx;
    r->timer = rt_timer_new(l, on_timer, r);
    r->keys = sec_alloc(2 * KEY_MAX);
    err e = r->timer && r->keys ? heap_init(&r->deadlines, n_realms * OPEN_MAX) : ERR_MEMORY;
    for (; e == ERR_OK && r->n_realms < n_realms; r->n_realms++)
        e = realms[r->n_realms].n_server ? open_realm(r, l, &r->realm[r->n_realms], &realms[r->n_realms])
                                         : ERR_RANGE;
    if (e != ERR_OK) {
        op_close(r);
        return e;
    }
    *out = (struct as){ .ops = &ops, .ctx = r };
    return ERR_OK;
}
