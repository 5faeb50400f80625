/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rt/tls_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/secret.h"

#define WIRE_MAX 16384

struct rt_tls {
    struct rt_tls_conf c;
    char name[TLS_NAME_MAX];
    const struct rt_tls_ops *ops;
    void *ctx;
    struct rt_stream *stream;
    struct rt_timer *timer; /* end of the handshake */
    struct tls *tls;        /* NULL: no connection */
    bool client, up, dead;
    unsigned depth; /* callbacks under way */
    uint32_t gen;   /* of the connection: differs when it ended inside a callback */
    uint8_t *in;    /* secret: plain octets that are no whole frame yet */
    size_t in_n;
};

static void discard(struct rt_tls *t)
{
    rt_timer_free(t->timer);
    sec_free(t->in);
    free(t);
}

static void enter(struct rt_tls *t)
{
    t->depth++;
}

/* If it was freed meanwhile it is gone with the outermost of these. */
static void leave(struct rt_tls *t)
{
    if (--t->depth == 0 && t->dead)
        discard(t);
}

/* Forgets the connection, not the stream. */
static void drop(struct rt_tls *t)
{
    t->gen++;
    t->up = false;
    tls_free(t->tls);
    t->tls = NULL;
    sec_wipe(t->in, t->in_n);
    t->in_n = 0;
    rt_timer_at(t->timer, HEAP_NEVER);
}

static void flush(struct rt_tls *t)
{
    struct span out = tls_wire_out(t->tls);
    if (out.n && rt_stream_send(t->stream, out) == ERR_OK)
        tls_wire_sent(t->tls, out.n);
}

/* We end it. Between enter() and leave(), so that t is there still when this returns. */
static void fail(struct rt_tls *t, err why, const char *text)
{
    char line[TLS_WHY_MAX];
    snprintf(line, sizeof line, "%s", text); /* it may be the connection's own */
    if (t->tls)
        flush(t); /* an alert */
    drop(t);
    rt_stream_reset(t->stream);
    t->ops->down(t->ctx, why, line);
}

/* Hands on the frames that are whole. False: nothing more is to be done with this connection. */
static bool frames(struct rt_tls *t)
{
    uint32_t gen = t->gen;
    size_t at = 0;
    while (at < t->in_n) {
        struct span rest = span_of(t->in + at, t->in_n - at);
        size_t n = t->ops->frame(t->ctx, rest);
        if (n == RT_STREAM_BAD || n > t->c.frame_max || (n == 0 && rest.n == t->c.frame_max)) {
            err e = n == RT_STREAM_BAD ? ERR_MALFORMED : ERR_FULL;
            fail(t, e, err_text(e));
            return false;
        }
        if (n == 0 || n > rest.n)
            break;
        t->ops->input(t->ctx, span_of(rest.p, n));
        if (t->dead || t->gen != gen)
            return false;
        at += n;
    }
    memmove(t->in, t->in + at, t->in_n - at);
    sec_wipe(t->in + t->in_n - at, at);
    t->in_n -= at;
    return true;
}

/* Whatever the handshake and the peer have come to. */
static void advance(struct rt_tls *t)
{
    uint32_t gen = t->gen;
    flush(t);
    if (!t->up && tls_state(t->tls) == TLS_OPEN) {
        t->up = true;
        rt_timer_at(t->timer, HEAP_NEVER);
        t->ops->up(t->ctx);
        if (t->dead || t->gen != gen)
            return;
    }
    for (size_t n; (n = tls_read(t->tls, t->in + t->in_n, t->c.frame_max - t->in_n)) > 0;) {
        t->in_n += n;
        if (!frames(t))
            return;
    }
    flush(t);
    if (tls_state(t->tls) == TLS_FAILED)
        fail(t, ERR_AUTH, tls_why(t->tls));
    else if (tls_state(t->tls) == TLS_ENDED)
        fail(t, t->in_n ? ERR_TRUNCATED : ERR_OK, "closed by the other side");
}

/* ---- the stream's side ---- */

static void begin(struct rt_tls *t)
{
    err e = tls_new(t->c.tls, t->name[0] ? t->name : NULL, &t->tls);
    if (e != ERR_OK) {
        fail(t, e, err_text(e));
        return;
    }
    rt_timer_at(t->timer, rt_now_us() + t->c.handshake_us);
    flush(t);
}

static void on_up(void *ctx)
{
    struct rt_tls *t = ctx;
    enter(t);
    begin(t);
    leave(t);
}

static void on_wire(void *ctx, struct span octets)
{
    struct rt_tls *t = ctx;
    enter(t);
    err e = tls_wire_in(t->tls, octets);
    if (e == ERR_OK)
        advance(t);
    else
        fail(t, e, err_text(e));
    leave(t);
}

static void on_down(void *ctx, err why)
{
    struct rt_tls *t = ctx;
    bool shaking = t->tls && !t->up;
    err e = why == ERR_OK && t->in_n ? ERR_TRUNCATED : why;
    drop(t);
    enter(t);
    t->ops->down(t->ctx, e,
                 shaking         ? "closed by the other side during the handshake"
                 : why == ERR_OK ? "closed by the other side"
                                 : err_text(why));
    leave(t);
}

static const struct rt_stream_ops stream_ops = { .up = on_up, .input = on_wire, .down = on_down };

static void on_timer(void *ctx)
{
    struct rt_tls *t = ctx;
    enter(t);
    fail(t, ERR_TIMEOUT, "the TLS handshake took too long");
    leave(t);
}

/* ---- making and ending ---- */

static struct rt_tls *make(struct rt_loop *l, const struct rt_tls_conf *c, const struct rt_tls_ops *ops,
                           void *ctx)
{
    if (c->name && strlen(c->name) >= TLS_NAME_MAX)
        return NULL;
    struct rt_tls *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    *t = (struct rt_tls){ .c = *c, .ops = ops, .ctx = ctx };
    if (c->name)
        memcpy(t->name, c->name, strlen(c->name) + 1);
    t->timer = rt_timer_new(l, on_timer, t);
    t->in = sec_alloc(c->frame_max);
    if (t->timer && t->in)
        return t;
    discard(t);
    return NULL;
}

struct rt_tls *rt_tls_new(struct rt_loop *l, const struct rt_tls_conf *c, const struct rt_tls_ops *ops,
                          void *ctx)
{
    const struct rt_stream_conf sc = { .peer = c->peer,
                                       .in_max = WIRE_MAX,
                                       .out_max = TLS_HELD_MAX,
                                       .connect_us = c->connect_us,
                                       .retry_us = c->retry_us,
                                       .retry_max_us = c->retry_max_us };
    struct rt_tls *t = make(l, c, ops, ctx);
    if (!t)
        return NULL;
    t->client = true;
    t->stream = rt_stream_new(l, &sc, &stream_ops, t);
    if (t->stream)
        return t;
    discard(t);
    return NULL;
}

struct rt_tls *rt_tls_accept(struct rt_loop *l, struct rt_accepted *a, const struct rt_tls_conf *c,
                             const struct rt_tls_ops *ops, void *ctx)
{
    struct rt_tls *t = make(l, c, ops, ctx);
    if (!t)
        return NULL;
    if (tls_new(c->tls, NULL, &t->tls) == ERR_OK &&
        (t->stream = rt_stream_accept(a, WIRE_MAX, TLS_HELD_MAX, &stream_ops, t))) {
        rt_timer_at(t->timer, rt_now_us() + c->handshake_us);
        return t;
    }
    tls_free(t->tls);
    discard(t);
    return NULL;
}

void rt_tls_free(struct rt_tls *t)
{
    if (!t || t->dead)
        return;
    if (t->up) {
        tls_close(t->tls);
        flush(t);
    }
    drop(t);
    rt_stream_free(t->stream);
    t->stream = NULL;
    t->dead = true;
    if (t->depth == 0)
        discard(t);
}

/* ---- in use ---- */

err rt_tls_send(struct rt_tls *t, struct span plain)
{
    if (!t->up)
        return ERR_STATE;
    /* What the stream did not take yet counts, so that the two queues together hold no more than one of them may. */
    if (plain.n > TLS_HELD_MAX || rt_stream_waiting(t->stream) > TLS_HELD_MAX / 2)
        return ERR_FULL;
    err e = tls_write(t->tls, plain);
    if (e == ERR_OK)
        flush(t);
    return e;
}

void rt_tls_settled(struct rt_tls *t)
{
    rt_stream_settled(t->stream);
}

void rt_tls_reset(struct rt_tls *t)
{
    if (t->up) {
        tls_close(t->tls);
        flush(t);
    }
    drop(t);
    rt_stream_reset(t->stream);
}

bool rt_tls_is_up(const struct rt_tls *t)
{
    return t->up;
}

uint64_t rt_tls_retry_at(const struct rt_tls *t)
{
    return rt_stream_retry_at(t->stream);
}

const struct tls *rt_tls_session(const struct rt_tls *t)
{
    return t->tls;
}
