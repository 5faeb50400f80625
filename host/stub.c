/* SPDX-License-Identifier: Apache-2.0 */
#include "host/stub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rt/dns_io.h"
#include "common/rt/sock.h"
#include "host/stub_msg.h"
#include "host/stub_tcp.h"

#define SLOTS       128
#define QUERY_MAX   1232
#define TRY_US      1500000 /* an upstream has this long, then the next one is asked */
#define TRIES       4
#define RESOLVE_US  12000000 /* for the HIP RR; host/core gives up earlier */
#define LABELS_MIN  2
#define TICKET_SLOT 0xff
#define FLAG_TC     0x02 /* in the third octet of a header */

struct slot {
    bool used;
    uint64_t ticket;
    struct rt_sock *sock; /* NULL: over TCP */
    struct stub_tcp *tcp;
    uint64_t conn;
    struct addr client, local;
    unsigned ifindex;
    struct stub_query q;
    uint8_t msg[QUERY_MAX];
    size_t len;
    uint64_t until_us;
    /* forwarding */
    struct rt_dns *dns;
    uint16_t id; /* towards the upstream */
    unsigned tries;
    bool whole; /* a truncated answer was asked for again, over TCP */
    const struct addr *server;
    size_t n_server;
    struct host_stub *stub;
};

struct listener {
    struct host_stub *stub;
    size_t i;
};

struct host_stub {
    struct rt_loop *loop;
    const struct env *env;
    const struct host_settings *settings;
    struct host_worker *worker;
    struct rt_timer *timer;
    struct listener listener[HOST_LISTEN_MAX];
    struct rt_sock *sock[HOST_LISTEN_MAX];
    struct stub_tcp *tcp[HOST_LISTEN_MAX];
    struct dnsu_name zone[HOST_ZONES_MAX];
    uint64_t last_ticket;
    struct host_stub_count count;
    struct slot slot[SLOTS];
};

/* ---- answers ---- */

static void finish(struct slot *s)
{
    rt_dns_free(s->dns);
    memset(s, 0, sizeof(*s));
}

static void reply(struct slot *s, const uint8_t *msg, size_t len)
{
    if (len == 0)
        return;
    if (s->sock == NULL)
        stub_tcp_reply(s->tcp, s->conn, span_of(msg, len));
    else
        (void)!rt_sock_send(s->sock, &s->local, &s->client, s->ifindex, span_of(msg, len));
}

static void reply_empty(struct slot *s, unsigned rcode)
{
    uint8_t out[STUB_REPLY_MAX];

    if (rcode != DNSU_RC_NOERROR)
        s->stub->count.failed++;
    reply(s, out, stub_answer_empty(span_of(s->msg, s->len), &s->q, rcode, out, sizeof(out)));
    finish(s);
}

static void look_again(struct host_stub *st)
{
    uint64_t first = HEAP_NEVER;

    for (size_t i = 0; i < SLOTS; i++)
        if (st->slot[i].used && st->slot[i].until_us < first)
            first = st->slot[i].until_us;
    rt_timer_at(st->timer, first);
}

/* ---- forwarding ---- */

/* The query under the id of our own. */
static struct span our_query(const struct slot *s, uint8_t msg[QUERY_MAX])
{
    memcpy(msg, s->msg, s->len);
    msg[0] = (uint8_t)(s->id >> 8);
    msg[1] = (uint8_t)s->id;
    return span_of(msg, s->len);
}

static void ask_next(struct slot *s)
{
    struct host_stub *st = s->stub;
    uint8_t msg[QUERY_MAX];
    struct span query = our_query(s, msg);

    while (s->tries < TRIES) {
        const struct addr *to = &s->server[s->tries++ % s->n_server];
        if (rt_dns_udp(s->dns, s->tries, to, query) == ERR_OK) {
            s->until_us = rt_now_us() + TRY_US;
            look_again(st);
            return;
        }
    }
    reply_empty(s, DNSU_RC_SERVFAIL);
}

/* The answer to our question, whole enough to hand on. */
static bool answers(const struct slot *s, struct span msg)
{
    struct dnsu_reader r;
    struct dnsu_question q;

    return dnsu_reader_init(&r, msg) == ERR_OK && r.hdr.qr && r.hdr.id == s->id && r.hdr.count[0] == 1 &&
           dnsu_reader_question(&r, &q) && q.type == s->q.q.type && q.cls == s->q.q.cls &&
           dnsu_name_eq(&q.name, &s->q.q.name);
}

/* An asker over TCP gets the whole answer: what came truncated is asked for again that way (RFC 7766 s5). */
static bool ask_whole(struct slot *s, const struct addr *from)
{
    uint8_t msg[QUERY_MAX];

    if (s->whole || rt_dns_tcp(s->dns, ++s->tries, from, our_query(s, msg)))
        return false;
    s->whole = true;
    s->until_us = rt_now_us() + TRY_US;
    look_again(s->stub);
    return true;
}

static void on_reply(void *ctx, const struct addr *from, struct span msg)
{
    struct slot *s = ctx;
    bool tcp = s->used && s->sock == NULL;
    size_t len = msg.n, room = tcp ? DNSU_MSG_MAX : s->q.udp_size < RT_SOCK_MTU ? s->q.udp_size : RT_SOCK_MTU;
    uint8_t *out;

    if (!s->used || !answers(s, msg))
        return;
    if (tcp && (msg.p[2] & FLAG_TC) && ask_whole(s, from))
        return;
    out = malloc(len > STUB_REPLY_MAX ? len : STUB_REPLY_MAX);
    if (out == NULL)
        return;
    if (len > room) {
        /* More than the asker takes: say so. */
        len = stub_answer_empty(span_of(s->msg, s->len), &s->q, DNSU_RC_NOERROR, out, STUB_REPLY_MAX);
        out[2] |= FLAG_TC;
    } else {
        memcpy(out, msg.p, len);
        out[0] = (uint8_t)(s->q.id >> 8);
        out[1] = (uint8_t)s->q.id;
    }
    reply(s, out, len);
    free(out);
    finish(s);
}

static void on_failed(void *ctx, uint32_t tag)
{
    struct slot *s = ctx;
    if (s->used && tag == s->tries)
        ask_next(s);
}

static const struct rt_dns_ops dns_ops = { .reply = on_reply, .failed = on_failed };

static void forward(struct slot *s)
{
    struct host_stub *st = s->stub;
    uint16_t id;

    s->server = st->settings->upstream;
    s->n_server = st->settings->n_upstream;
    for (size_t i = 0; i < st->settings->n_zone; i++) {
        if (dnsu_name_in(&s->q.q.name, &st->zone[i])) {
            s->server = st->settings->zone[i].server;
            s->n_server = st->settings->zone[i].n_server;
        }
    }
    env_random(st->env, &id, sizeof(id));
    s->id = id;
    s->dns = s->n_server > 0 ? rt_dns_new(st->loop, &dns_ops, s) : NULL;
    if (s->dns == NULL) {
        reply_empty(s, DNSU_RC_SERVFAIL);
        return;
    }
    st->count.forwarded++;
    ask_next(s);
}

static void on_timer(void *ctx)
{
    struct host_stub *st = ctx;
    uint64_t now = rt_now_us();

    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *s = &st->slot[i];
        if (!s->used || s->until_us > now)
            continue;
        if (s->dns != NULL)
            ask_next(s);
        else
            reply_empty(s, DNSU_RC_SERVFAIL);
    }
    look_again(st);
}

/* ---- names with HIP RRs ---- */

/* The LSIs of these hosts; those for which there is no room are left out. */
static size_t lsis_of(struct slot *s, const struct host_action *a, struct addr out[HOST_RESOLVED_MAX])
{
    struct host_worker *w = s->stub->worker;
    size_t n = 0;

    for (size_t i = 0; host_worker_lsis(w) && i < a->resolved.n; i++) {
        if (host_worker_lsi(w, &a->resolved.hit[i], &out[n]))
            n++;
        else
            s->stub->count.lsi_full++;
    }
    return n;
}

static size_t answer_hosts(struct slot *s, const struct host_action *a, uint8_t out[STUB_REPLY_MAX])
{
    struct span query = span_of(s->msg, s->len);
    struct addr lsi[HOST_RESOLVED_MAX];

    if (s->q.q.type == DNSU_TYPE_AAAA)
        return stub_answer_hits(query, &s->q, a->resolved.hit, a->resolved.n, a->resolved.ttl, out,
                                STUB_REPLY_MAX);
    return stub_answer_lsis(query, &s->q, lsi, lsis_of(s, a, lsi), a->resolved.ttl, out, STUB_REPLY_MAX);
}

void host_stub_resolved(void *ctx, const struct host_action *a)
{
    struct host_stub *st = ctx;
    struct slot *s = &st->slot[a->resolved.ticket & TICKET_SLOT];
    uint8_t out[STUB_REPLY_MAX];

    if (!s->used || s->ticket != a->resolved.ticket)
        return;
    if (a->resolved.e == ERR_OK && a->resolved.n > 0) {
        st->count.hits++;
        reply(s, out, answer_hosts(s, a, out));
        finish(s);
    } else if (a->resolved.e == ERR_OK || a->resolved.e == ERR_NOT_FOUND) {
        forward(s); /* no HIP RR: its addresses, or its absence, as its zone says */
    } else {
        /* Bogus, or the DNS does not say whether there is a HIP RR: nothing else is tried instead, or whoever can hold back
         * that answer could send applications around HIP. */
        reply_empty(s, DNSU_RC_SERVFAIL);
    }
}

static bool has_labels(const struct dnsu_name *n, unsigned least)
{
    unsigned labels = 0;

    for (size_t at = 0; at < n->len && n->wire[at] != 0; at += n->wire[at] + 1u)
        labels++;
    return labels >= least;
}

/* Whose HIT or LSI a name in the reverse tree is; *hit stays null where it is nobody's. false: it is neither. */
static bool reverse(struct slot *s, const struct host_status *me, struct hit *hit)
{
    struct host_lsis *t = host_worker_lsis(s->stub->worker);
    struct addr a, own;

    memset(hit, 0, sizeof(*hit));
    if (stub_reverse_hit(&s->q.q.name, hit))
        return true;
    if (t == NULL || !stub_reverse_ip4(&s->q.q.name, &a) || !host_lsi_in(t, &a))
        return false;
    own = host_lsi_own(t);
    if (addr_same_ip(&a, &own) && me->has_hit)
        *hit = me->hit;
    else
        (void)!host_lsi_hit(t, &a, 0, hit);
    return true;
}

/* PTR of our own HIT or LSI, or of a peer's that was looked up by name. */
static bool answer_reverse(struct slot *s)
{
    struct host *core = host_worker_core(s->stub->worker);
    struct host_peer_view p;
    struct host_status me;
    struct dnsu_name name;
    struct hit hit;
    const char *text = NULL;
    size_t pos = 0;
    uint8_t out[STUB_REPLY_MAX];

    if (s->q.q.type != STUB_TYPE_PTR)
        return false;
    host_status(core, rt_now_us(), &me);
    if (!reverse(s, &me, &hit))
        return false;
    if (me.has_hit && hit_eq(&me.hit, &hit))
        text = me.fqdn;
    while (text == NULL && host_peer_next(core, &pos, &p))
        if (hit_eq(&p.hit, &hit))
            text = p.name;
    if (text == NULL || text[0] == '\0' || dnsu_name_from_text(text, &name)) {
        reply_empty(s, DNSU_RC_NXDOMAIN); /* HITs have no place in the public reverse tree (RFC 7343 s5) */
        return true;
    }
    reply(s, out, stub_answer_ptr(span_of(s->msg, s->len), &s->q, &name, out, sizeof(out)));
    finish(s);
    return true;
}

/* ---- queries ---- */

static struct slot *slot_new(struct host_stub *st)
{
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *s = &st->slot[i];
        if (s->used)
            continue;
        s->used = true;
        s->stub = st;
        s->ticket = (++st->last_ticket << 8 | i) & ~HOST_TICKET_CTL;
        s->until_us = rt_now_us() + RESOLVE_US;
        return s;
    }
    return NULL;
}

/* What did not parse gets an answer without a question; len 0: none. */
static size_t answer_bad(struct span msg, err e, uint8_t *out, size_t cap)
{
    if (e == ERR_REFUSED || e == ERR_TRUNCATED)
        return 0;
    return stub_answer_bare(msg, e == ERR_UNSUPPORTED ? DNSU_RC_NOTIMP : DNSU_RC_FORMERR, out, cap);
}

static void begin(struct slot *s, const struct stub_query *q, struct span msg)
{
    struct host_stub *st = s->stub;

    s->q = *q;
    memcpy(s->msg, msg.p, msg.n);
    s->len = msg.n;
    if (q->q.cls == DNSU_CLASS_IN && (q->q.type == DNSU_TYPE_AAAA || q->q.type == DNSU_TYPE_A) &&
        has_labels(&q->q.name, LABELS_MIN)) {
        look_again(st);
        host_worker_resolve(st->worker, &q->q.name, s->ticket);
    } else if (!answer_reverse(s)) {
        forward(s);
    }
}

static void on_query(struct host_stub *st, struct rt_sock *sock, const struct rt_pkt *p)
{
    struct stub_query q;
    uint8_t out[STUB_REPLY_MAX];
    err e = stub_query_parse(p->octets, &q);
    struct slot *s = e == ERR_OK && p->octets.n <= QUERY_MAX ? slot_new(st) : NULL;

    st->count.queries++;
    if (s == NULL) {
        size_t n = e ? answer_bad(p->octets, e, out, sizeof(out)) : 0;
        st->count.dropped++;
        if (n > 0)
            (void)!rt_sock_send(sock, &p->local, &p->peer, 0, span_of(out, n));
        return;
    }
    s->sock = sock;
    s->client = p->peer;
    s->local = p->local;
    s->ifindex = addr_is_loopback(&p->local) ? 0 : p->ifindex;
    begin(s, &q, p->octets);
}

static void on_recv(void *ctx, const struct rt_pkt *p, size_t n)
{
    struct listener *l = ctx;

    for (size_t i = 0; i < n; i++)
        on_query(l->stub, l->stub->sock[l->i], &p[i]);
}

static void on_tcp(void *ctx, uint64_t conn, struct span msg)
{
    struct listener *l = ctx;
    struct host_stub *st = l->stub;
    struct stub_query q;
    uint8_t out[STUB_REPLY_MAX];
    err e = stub_query_parse(msg, &q);
    struct slot *s = e == ERR_OK ? slot_new(st) : NULL;

    st->count.queries++;
    if (s == NULL) {
        size_t n = e ? answer_bad(msg, e, out, sizeof(out)) : 0;
        st->count.dropped++;
        if (n > 0)
            stub_tcp_reply(st->tcp[l->i], conn, span_of(out, n));
        return;
    }
    s->tcp = st->tcp[l->i];
    s->conn = conn;
    begin(s, &q, msg);
}

static err listen_all(struct host_stub *st, char *why)
{
    const struct host_settings *set = st->settings;
    char text[ADDR_TEXT_MAX];

    for (size_t i = 0; i < set->n_listen; i++) {
        st->listener[i] = (struct listener){ st, i };
        err e = rt_udp_open(st->loop, &set->listen[i], on_recv, &st->listener[i], &st->sock[i]);
        if (e == ERR_OK)
            e = stub_tcp_open(st->loop, &set->listen[i], on_tcp, &st->listener[i], &st->tcp[i]);
        if (e) {
            (void)snprintf(why, HOST_STUB_WHY_MAX, "%s: %s", addr_format(&set->listen[i], text),
                           e == ERR_EXISTS ? "in use by another resolver" : err_text(e));
            return e;
        }
    }
    return ERR_OK;
}

err host_stub_open(struct rt_loop *l, const struct env *env, const struct host_settings *settings,
                   struct host_worker *w, struct host_stub **out, char why[HOST_STUB_WHY_MAX])
{
    struct host_stub *st = calloc(1, sizeof(*st));
    err e = ERR_MEMORY;

    (void)snprintf(why, HOST_STUB_WHY_MAX, "out of memory");
    if (st == NULL)
        return e;
    st->loop = l;
    st->env = env;
    st->settings = settings;
    st->worker = w;
    st->timer = rt_timer_new(l, on_timer, st);
    if (st->timer == NULL)
        goto fail;
    for (size_t i = 0; i < settings->n_zone; i++) {
        e = dnsu_name_from_text(settings->zone[i].zone, &st->zone[i]);
        if (e)
            goto fail;
    }
    e = listen_all(st, why);
    if (e)
        goto fail;
    *out = st;
    return ERR_OK;
fail:
    host_stub_close(st);
    return e;
}

void host_stub_close(struct host_stub *st)
{
    if (st == NULL)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        rt_dns_free(st->slot[i].dns);
    for (size_t i = 0; i < HOST_LISTEN_MAX; i++) {
        rt_sock_close(st->sock[i]);
        stub_tcp_close(st->tcp[i]);
    }
    rt_timer_free(st->timer);
    free(st);
}

struct host_stub_count host_stub_count(const struct host_stub *st)
{
    return st->count;
}
