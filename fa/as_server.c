/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/as_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rt/sock.h"
#include "common/rt/tls_stream.h"

const struct as_server_times as_server_default_times = {
    .leave_us = 30000000,
    .leave_max_us = 300000000,
    .probe_us = 10000000,
    .probe_max_us = 60000000,
    .watch_us = 30000000,
    .answer_us = 5000000,
    .retry_us = 500000,
    .retry_max_us = 30000000,
};

enum there { UNKNOWN, YES, NO };

struct held {
    void *request; /* NULL: free; the server itself: Status-Server */
    uint8_t auth[RADIUS_AUTH_LEN];
};

struct as_server {
    const struct env *env;
    struct as_server_times t;
    const struct as_server_ops *ops;
    void *ctx;
    struct addr address;
    struct span secret;
    struct rt_sock *udp;   /* either */
    struct rt_tls *stream; /* or */
    struct tls_ctx *tls;
    struct rt_timer *timer; /* next Status-Server, or the end of waiting for its answer */
    struct held held[AS_SERVER_IDS];
    uint32_t open;
    uint8_t next_id;
    enum there there;
    bool proven; /* TLS: something authentic came on this connection */
    bool asking; /* Status-Server is out, as probe_id */
    uint8_t probe_id;
    uint64_t heard_us;           /* something authentic came */
    uint64_t left_us;            /* UDP: left until then; 0: not */
    uint64_t leave_us, probe_us; /* the next pauses */
    uint64_t asked_us;           /* Status-Server went out */
    uint64_t sent, answered, forged, probes, probes_answered, silent;
    uint32_t wrong; /* of forged: for an identifier in use, since something authentic came */
    char why[AS_SERVER_TEXT_MAX];
};

/* ---- is it there? ---- */

static void gone(struct as_server *s, const char *why)
{
    bool news = s->there != NO || strcmp(s->why, why) != 0;
    s->there = NO;
    snprintf(s->why, sizeof s->why, "%s", why);
    if (news)
        s->ops->told(s->ctx, s, false, s->why);
}

static void end_probe(struct as_server *s)
{
    if (s->asking)
        as_server_give(s, s->probe_id);
    s->asking = false;
}

static void heard(struct as_server *s)
{
    bool news = s->there == NO;
    s->there = YES;
    s->heard_us = rt_now_us();
    s->wrong = 0;
    s->left_us = 0;
    s->leave_us = s->t.leave_us;
    s->probe_us = s->t.probe_us;
    s->why[0] = '\0';
    if (s->stream) {
        s->proven = true;
        rt_tls_settled(s->stream);
    }
    if (!s->stream) {
        end_probe(s);
        rt_timer_at(s->timer, HEAP_NEVER);
    } else if (!s->asking) {
        rt_timer_at(s->timer, s->heard_us + env_about(s->env, s->t.watch_us));
    }
    if (news)
        s->ops->told(s->ctx, s, true, "");
}

/* RFC 5997 s3: a packet of its own each time, Message-Authenticator in it. */
static void probe(struct as_server *s)
{
    uint8_t packet[RADIUS_HEADER + 2 + RADIUS_AUTH_LEN], auth[RADIUS_AUTH_LEN];
    size_t n = 0;
    end_probe(s);
    if (!as_server_take(s, s, &s->probe_id, auth))
        return; /* 256 requests are out: their answers tell as much */
    s->asking = true;
    s->asked_us = rt_now_us();
    struct radius_wr w = radius_wr_begin(packet, sizeof packet, RADIUS_STATUS_SERVER, s->probe_id, auth);
    if (radius_wr_end(&w, s->secret, &n) == ERR_OK && as_server_send(s, span_of(packet, n)) == ERR_OK)
        s->probes++;
}

static void on_timer(void *ctx)
{
    struct as_server *s = ctx;
    uint64_t now = rt_now_us();
    if (!s->stream) {
        probe(s);
        rt_timer_at(s->timer, now + env_about(s->env, s->probe_us));
        s->probe_us = s->probe_us * 2 < s->t.probe_max_us ? s->probe_us * 2 : s->t.probe_max_us;
    } else if (s->asking && s->heard_us < s->asked_us) {
        s->proven = false;
        end_probe(s);
        rt_tls_reset(s->stream);
        gone(s, "no answer on the connection");
        s->ops->lost(s->ctx, s);
    } else {
        probe(s);
        rt_timer_at(s->timer, now + s->t.answer_us);
    }
}

void as_server_silent(struct as_server *s, uint64_t since_us)
{
    uint64_t now = rt_now_us();
    s->silent++;
    if (s->heard_us >= since_us) /* it is there, and has dropped this one request */
        return;
    if (s->stream) {
        if (rt_tls_is_up(s->stream) && !s->asking) {
            probe(s);
            rt_timer_at(s->timer, now + s->t.answer_us);
        }
        return;
    }
    if (s->left_us <= now) {
        s->left_us = now + env_about(s->env, s->leave_us);
        s->leave_us = s->leave_us * 2 < s->t.leave_max_us ? s->leave_us * 2 : s->t.leave_max_us;
        rt_timer_at(s->timer, now);
    }
    gone(s, s->wrong ? "its answers are not made with our secret" : "no answer");
}

/* ---- identifiers ---- */

bool as_server_take(struct as_server *s, void *request, uint8_t *id, uint8_t auth[RADIUS_AUTH_LEN])
{
    for (unsigned i = 0; i < AS_SERVER_IDS; i++) {
        uint8_t at = (uint8_t)(s->next_id + i);
        struct held *h = &s->held[at];
        if (h->request)
            continue;
        s->next_id = (uint8_t)(at + 1); /* late answers to an old request do not fit */
        h->request = request;
        env_random(s->env, h->auth, sizeof h->auth);
        memcpy(auth, h->auth, sizeof h->auth);
        *id = at;
        s->open++;
        return true;
    }
    return false;
}

void as_server_give(struct as_server *s, uint8_t id)
{
    s->held[id].request = NULL;
    s->open--;
}

void *as_server_request(const struct as_server *s, unsigned id)
{
    void *r = s->held[id].request;
    return r == s ? NULL : r;
}

struct span as_server_secret(const struct as_server *s)
{
    return s->secret;
}

/* ---- what comes ---- */

static bool authentic(const struct as_server *s, const struct radius_pkt *p, const struct held *h)
{
    if (h->request == s)
        return radius_check_status_reply(p, s->secret, p->id, h->auth) == ERR_OK;
    return radius_check_reply(p, s->secret, p->id, h->auth) == ERR_OK;
}

/* RFC 2865 s4.1, RFC 3579 s3.2: what is not authentic is silently discarded. False: it was not. */
static bool take(struct as_server *s, struct span octets)
{
    struct radius_pkt p;
    if (radius_parse(octets, &p) != ERR_OK) {
        s->forged++;
        return false;
    }
    const struct held *h = &s->held[p.id];
    void *request = h->request;
    if (!request) { /* late: nobody waits for it any more, and it cannot be verified. Over TLS it is the server's for certain */
        s->forged += !s->stream;
        return s->stream != NULL;
    }
    if (!authentic(s, &p, h)) {
        s->forged++;
        s->wrong++;
        return false;
    }
    if (request == s) {
        s->probes_answered++;
        end_probe(s);
        heard(s);
        return true;
    }
    s->answered++;
    heard(s);
    s->ops->answer(s->ctx, request, &p);
    return true;
}

static void on_packets(void *ctx, const struct rt_pkt *pkts, size_t n)
{
    struct as_server *s = ctx;
    for (size_t i = 0; i < n; i++)
        if (addr_same_ip(&pkts[i].peer, &s->address) && pkts[i].peer.port == s->address.port)
            (void)take(s, pkts[i].octets);
        else
            s->forged++;
}

static void on_open(void *ctx)
{
    struct as_server *s = ctx;
    probe(s);
    rt_timer_at(s->timer, rt_now_us() + s->t.answer_us);
    s->ops->open(s->ctx, s);
}

static void on_frame(void *ctx, struct span frame)
{
    struct as_server *s = ctx;
    if (take(s, frame))
        return;
    s->proven = false;
    end_probe(s);
    rt_timer_at(s->timer, HEAP_NEVER);
    rt_tls_reset(s->stream); /* RFC 6613 s2.6.4 MUST: the connection is closed */
    gone(s, "an answer on the connection does not verify");
    s->ops->lost(s->ctx, s);
}

static void on_down(void *ctx, err why, const char *text)
{
    struct as_server *s = ctx;
    s->proven = false;
    end_probe(s);
    rt_timer_at(s->timer, HEAP_NEVER);
    gone(s, why == ERR_OK || why == ERR_AUTH || why == ERR_TRUNCATED || why == ERR_TIMEOUT ? text
                                                                                           : err_text(why));
    s->ops->lost(s->ctx, s);
}

static size_t frame_of(void *ctx, struct span in)
{
    (void)ctx;
    _Static_assert(RADIUS_FRAME_BAD == RT_STREAM_BAD, "handed through");
    return radius_frame(in);
}

static const struct rt_tls_ops stream_ops = {
    .up = on_open, .frame = frame_of, .input = on_frame, .down = on_down
};

/* ---- sending ---- */

bool as_server_reliable(const struct as_server *s)
{
    return s->stream != NULL;
}

bool as_server_usable(const struct as_server *s)
{
    return s->open < AS_SERVER_IDS && (s->stream ? s->proven : s->left_us <= rt_now_us());
}

uint64_t as_server_again_us(const struct as_server *s)
{
    if (!s->stream)
        return s->left_us;
    uint64_t at = rt_tls_retry_at(s->stream);
    return at == HEAP_NEVER ? rt_now_us() : at; /* on its way */
}

err as_server_send(struct as_server *s, struct span packet)
{
    err e = s->stream ? rt_tls_send(s->stream, packet) : rt_sock_send(s->udp, NULL, &s->address, 0, packet);
    s->sent += e == ERR_OK;
    return e;
}

/* ---- making and ending ---- */

static err open_tls(struct as_server *s, struct rt_loop *l, const struct as_server_conf *c,
                    char why[AS_SERVER_TEXT_MAX])
{
    char address[ADDR_TEXT_MAX];
    struct addr bare = c->address;
    bare.port = 0;
    _Static_assert(AS_SERVER_TEXT_MAX >= TLS_WHY_MAX, "filled there");
    err e = tls_ctx_new(&(struct tls_conf){ .ca_pem = c->ca_pem,
                                            .cert_pem = c->cert_pem,
                                            .key_pem = c->key_pem,
                                            .least = TLS_1_2,
                                            .most = TLS_1_3 },
                        &s->tls, why);
    if (e != ERR_OK)
        return e;
    s->secret = span_str(RADIUS_TLS_SECRET);
    s->stream = rt_tls_new(l,
                           &(struct rt_tls_conf){ .tls = s->tls,
                                                  .name = c->name ? c->name : addr_format(&bare, address),
                                                  .frame_max = RADIUS_MAX,
                                                  .handshake_us = s->t.answer_us,
                                                  .peer = c->address,
                                                  .connect_us = s->t.answer_us,
                                                  .retry_us = s->t.retry_us,
                                                  .retry_max_us = s->t.retry_max_us },
                           &stream_ops, s);
    return s->stream ? ERR_OK : ERR_MEMORY;
}

err as_server_new(struct rt_loop *l, const struct env *env, const struct as_server_conf *c,
                  const struct as_server_times *times, const struct as_server_ops *ops, void *ctx,
                  struct as_server **out, char why[AS_SERVER_TEXT_MAX])
{
    struct addr any = { .family = c->address.family };
    struct as_server *s = calloc(1, sizeof *s);
    snprintf(why, AS_SERVER_TEXT_MAX, "out of memory");
    if (!s)
        return ERR_MEMORY;
    *s = (struct as_server){ .env = env,
                             .t = times ? *times : as_server_default_times,
                             .ops = ops,
                             .ctx = ctx,
                             .address = c->address,
                             .secret = c->secret };
    s->leave_us = s->t.leave_us;
    s->probe_us = s->t.probe_us;
    env_random(env, &s->next_id, 1); /* not the same identifiers after each restart */
    s->timer = rt_timer_new(l, on_timer, s);
    err e = !s->timer ? ERR_MEMORY
            : c->tls  ? open_tls(s, l, c, why)
                      : rt_udp_open(l, &any, on_packets, s, &s->udp);
    if (e != ERR_OK) {
        as_server_free(s);
        return e;
    }
    *out = s;
    return ERR_OK;
}

void as_server_free(struct as_server *s)
{
    if (!s)
        return;
    rt_tls_free(s->stream);
    tls_ctx_free(s->tls);
    rt_sock_close(s->udp);
    rt_timer_free(s->timer);
    free(s);
}

void as_server_look(const struct as_server *s, struct as_server_view *out)
{
    uint64_t now = rt_now_us();
    bool left = s->left_us > now;
    *out = (struct as_server_view){ .address = s->address,
                                    .tls = s->stream != NULL,
                                    .version = s->stream && rt_tls_is_up(s->stream)
                                                   ? tls_version_name(rt_tls_session(s->stream))
                                                   : "",
                                    .why = s->why,
                                    .open = s->open,
                                    .sent = s->sent,
                                    .answered = s->answered,
                                    .forged = s->forged,
                                    .probes = s->probes,
                                    .probes_answered = s->probes_answered,
                                    .silent = s->silent,
                                    .again_s = left ? (s->left_us - now) / 1000000 + 1 : 0 };
    out->state = s->stream             ? (s->proven ? "up" : "connecting")
                 : left                ? "left"
                 : s->there == YES     ? "up"
                 : s->there == UNKNOWN ? "not asked"
                                       : "silent";
}
