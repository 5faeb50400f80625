/* SPDX-License-Identifier: Apache-2.0 */
#include "as/radsec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aka/radius.h"
#include "common/base/limiter.h"
#include "common/rt/tls_stream.h"

#define HANDSHAKE_US 10000000
#define SWEEP_US     5000000
#define SLOT_BITS    10
_Static_assert(AS_RADSEC_CONNS_MAX <= 1 << SLOT_BITS, "a connection's name has room for its slot");

/* Anybody can cause these lines. */
static const struct bucket_rate log_rate = { .per_second_milli = 1000, .burst = 10 };

struct conn {
    struct radsec *owner;
    struct rt_tls *tls; /* NULL: free */
    struct addr peer;
    uint32_t gen;
    bool known; /* it is this client: */
    uint32_t client;
    uint64_t since_us, heard_us, packets;
};

struct radsec {
    struct rt_loop *loop;
    const struct as_conf *conf;
    const struct env *env;
    radsec_input_fn input;
    void *ctx;
    struct rt_listen *listen[AS_LISTEN_MAX];
    struct rt_timer *timer; /* looks for idle connections */
    struct bucket log_bucket;
    size_t max;
    uint64_t accepted, refused, closed_bad, closed_idle, pushed_out;
    struct conn conn[];
};

static uint32_t name_of(const struct conn *c)
{
    return c->gen << SLOT_BITS | (uint32_t)(c - c->owner->conn);
}

static void end(struct conn *c)
{
    rt_tls_free(c->tls);
    c->tls = NULL;
}

static void refuse(struct conn *c, const char *subject, const char *why)
{
    struct radsec *r = c->owner;
    char peer[ADDR_TEXT_MAX];
    r->refused++;
    if (bucket_take(&r->log_bucket, &log_rate, 1, rt_now_us()))
        log_at(&r->env->log, LOG_LV_WARN, "radsec", "event=refused peer=%s subject=\"%s\" reason=\"%s\"",
               addr_format(&c->peer, peer), subject, why);
}

/* ---- a connection ---- */

/* RFC 6614 s2.3: the certificate says who it is, not the address. */
static void on_up(void *ctx)
{
    struct conn *c = ctx;
    struct radsec *r = c->owner;
    const struct tls *session = rt_tls_session(c->tls);
    char subject[TLS_NAME_MAX], peer[ADDR_TEXT_MAX];
    for (c->client = 0; c->client < r->conf->n_clients; c->client++) {
        const struct as_client *k = &r->conf->clients[c->client];
        if (!k->certificate || !tls_peer_has(session, k->certificate))
            continue;
        c->known = true;
        log_at(&r->env->log, LOG_LV_INFO, "radsec", "event=connected client=%s peer=%s tls=%s", k->name,
               addr_format(&c->peer, peer), tls_version_name(session));
        return;
    }
    tls_peer_subject(session, subject);
    refuse(c, subject, "no client has this certificate");
    end(c);
}

static size_t frame_of(void *ctx, struct span in)
{
    (void)ctx;
    _Static_assert(RADIUS_FRAME_BAD == RT_STREAM_BAD, "handed through");
    return radius_frame(in);
}

static void on_input(void *ctx, struct span packet)
{
    struct conn *c = ctx;
    struct radsec *r = c->owner;
    uint32_t gen = c->gen;
    c->heard_us = rt_now_us();
    c->packets++;
    if (r->input(r->ctx, c->client, name_of(c), &c->peer, packet) || c->gen != gen || !c->tls)
        return;
    r->closed_bad++;
    log_at(&r->env->log, LOG_LV_WARN, "radsec", "event=closed client=%s reason=\"a packet does not verify\"",
           r->conf->clients[c->client].name);
    end(c);
}

static void on_down(void *ctx, err why, const char *text)
{
    struct conn *c = ctx;
    if (!c->known)
        refuse(c, "", text);
    else
        log_at(&c->owner->env->log, why == ERR_OK ? LOG_LV_INFO : LOG_LV_WARN, "radsec",
               "event=closed client=%s reason=\"%s\"", c->owner->conf->clients[c->client].name, text);
    end(c);
}

static const struct rt_tls_ops conn_ops = {
    .up = on_up, .frame = frame_of, .input = on_input, .down = on_down
};

/* ---- all of them ---- */

/* A free place; else that of who has been at the handshake longest. NULL: all are clients. */
static struct conn *place(struct radsec *r)
{
    struct conn *oldest = NULL;
    for (size_t i = 0; i < r->max; i++) {
        struct conn *c = &r->conn[i];
        if (!c->tls)
            return c;
        if (!c->known && (!oldest || c->since_us < oldest->since_us))
            oldest = c;
    }
    if (oldest) {
        r->pushed_out++;
        end(oldest);
    }
    return oldest;
}

static void on_accept(void *ctx, struct rt_accepted *a, const struct addr *peer)
{
    struct radsec *r = ctx;
    struct conn *c = place(r);
    uint64_t now = rt_now_us();
    if (!c) {
        r->refused++;
        return;
    }
    const struct rt_tls_conf tc = { .tls = r->conf->radsec.tls,
                                    .frame_max = RADIUS_MAX,
                                    .handshake_us = HANDSHAKE_US };
    uint32_t gen = c->gen + 1;
    if (gen >> (32 - SLOT_BITS))
        gen = 1;
    *c = (struct conn){ .owner = r, .peer = *peer, .gen = gen, .since_us = now, .heard_us = now };
    c->tls = rt_tls_accept(r->loop, a, &tc, &conn_ops, c);
    *(c->tls ? &r->accepted : &r->refused) += 1;
}

static void on_timer(void *ctx)
{
    struct radsec *r = ctx;
    uint64_t now = rt_now_us();
    for (size_t i = 0; i < r->max; i++) {
        struct conn *c = &r->conn[i];
        if (!c->tls || !c->known || now - c->heard_us < r->conf->radsec.idle_us)
            continue;
        r->closed_idle++;
        end(c);
    }
    rt_timer_at(r->timer, now + SWEEP_US);
}

bool radsec_send(struct radsec *r, uint32_t conn, struct span packet)
{
    struct conn *c = &r->conn[conn & ((1u << SLOT_BITS) - 1)];
    return (size_t)(c - r->conn) < r->max && c->tls && name_of(c) == conn &&
           rt_tls_send(c->tls, packet) == ERR_OK;
}

err radsec_open(struct rt_loop *l, const struct as_conf *conf, const struct env *env, radsec_input_fn input,
                void *ctx, struct radsec **out)
{
    size_t max = conf->radsec.connections;
    char text[ADDR_TEXT_MAX];
    struct radsec *r = calloc(1, sizeof *r + max * sizeof r->conn[0]);
    if (!r)
        return ERR_MEMORY;
    *r = (struct radsec){ .loop = l, .conf = conf, .env = env, .input = input, .ctx = ctx, .max = max };
    bucket_init(&r->log_bucket, &log_rate, rt_now_us());
    r->timer = rt_timer_new(l, on_timer, r);
    err e = r->timer ? ERR_OK : ERR_MEMORY;
    for (size_t i = 0; e == ERR_OK && i < conf->radsec.n_listen; i++) {
        /* One more than there are places: the last one pushes another out, or is refused. */
        e = rt_listen_open(l, &conf->radsec.listen[i], max + 1, on_accept, r, &r->listen[i]);
        if (e != ERR_OK)
            log_at(&env->log, LOG_LV_ERROR, "radsec", "event=no_socket address=%s error=%s",
                   addr_format(&conf->radsec.listen[i], text), err_name(e));
    }
    if (e != ERR_OK) {
        radsec_close(r);
        return e;
    }
    on_timer(r);
    *out = r;
    return ERR_OK;
}

void radsec_close(struct radsec *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->max; i++)
        end(&r->conn[i]);
    for (size_t i = 0; i < AS_LISTEN_MAX; i++)
        rt_listen_close(r->listen[i]);
    rt_timer_free(r->timer);
    free(r);
}

json_t *radsec_status(const struct radsec *r)
{
    json_t *conns = json_array(), *listen = json_array();
    char text[ADDR_TEXT_MAX];
    for (size_t i = 0; i < r->conf->radsec.n_listen; i++)
        json_array_append_new(listen, json_string(addr_format(&r->conf->radsec.listen[i], text)));
    for (size_t i = 0; i < r->max; i++) {
        const struct conn *c = &r->conn[i];
        if (c->tls && c->known)
            json_array_append_new(
                conns, json_pack("{s:s, s:s, s:s, s:I}", "client", r->conf->clients[c->client].name, "peer",
                                 addr_format(&c->peer, text), "tls", tls_version_name(rt_tls_session(c->tls)),
                                 "packets", (json_int_t)c->packets));
    }
    return json_pack("{s:o, s:o, s:I, s:I, s:I, s:I, s:I}", "listen", listen, "connections", conns,
                     "accepted", (json_int_t)r->accepted, "refused", (json_int_t)r->refused, "closed_bad",
                     (json_int_t)r->closed_bad, "closed_idle", (json_int_t)r->closed_idle, "pushed_out",
                     (json_int_t)r->pushed_out);
}
