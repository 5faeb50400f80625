/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rt/stream.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/crypto/secret.h"
#include "common/rt/osrand.h"
#include "common/rt/sa.h"

#define BACKLOG 64

enum state {
    WAITING,    /* a client between two tries */
    CONNECTING, /* connect() is under way */
    UP,
    ENDED, /* an accepted stream whose connection is gone */
};

struct rt_stream {
    struct rt_loop *loop;
    struct rt_stream_conf c;
    const struct rt_stream_ops *ops;
    void *ctx;
    enum state state;
    int fd; /* -1: none */
    struct rt_poll *poll;
    struct rt_timer *timer;    /* clients: end of connecting, or of the pause */
    struct rt_listen *counted; /* accepted: where it counts */
    struct rt_stream *next;    /* in counted's list */
    uint64_t pause_us, retry_at_us;
    uint32_t gen;   /* of the connection: differs when it ended inside a callback */
    unsigned depth; /* callbacks under way */
    bool dead;      /* freed inside one */
    uint8_t *in, *out;
    size_t in_n, out_n, out_sent;
};

struct rt_listen {
    struct rt_loop *loop;
    int fd;
    struct rt_poll *poll;
    rt_accept_fn fn;
    void *ctx;
    struct rt_stream *streams;
    size_t n, max;
    uint64_t refused;
};

struct rt_accepted {
    struct rt_listen *from;
    int fd;
    struct addr peer;
    bool taken;
};

/* ---- ends and beginnings of a connection ---- */

static void discount(struct rt_stream *s)
{
    if (!s->counted)
        return;
    struct rt_stream **at = &s->counted->streams;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    s->counted->n--;
    s->counted = NULL;
}

/* The octets from..to of a buffer are not needed any more. */
static void wipe(const struct rt_stream *s, uint8_t *buf, size_t from, size_t to)
{
    if (s->c.secret && to > from)
        sec_wipe(buf + from, to - from);
}

static void disconnect(struct rt_stream *s)
{
    s->gen++;
    wipe(s, s->in, 0, s->in_n);
    wipe(s, s->out, 0, s->out_n);
    rt_poll_free(s->poll);
    s->poll = NULL;
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    s->in_n = s->out_n = s->out_sent = 0;
    discount(s);
}

/* Half of the pause for certain, so that a peer that is down is left alone, the rest at random, so that its clients do not come back all at once. */
static void pause_then_retry(struct rt_stream *s)
{
    uint64_t r;
    if (!s->timer) {
        s->state = ENDED;
        return;
    }
    rt_random(&r, sizeof r);
    s->state = WAITING;
    s->retry_at_us = rt_now_us() + s->pause_us / 2 + (s->pause_us > 1 ? r % (s->pause_us / 2) : 0);
    s->pause_us = s->pause_us * 2 < s->c.retry_max_us ? s->pause_us * 2 : s->c.retry_max_us;
    rt_timer_at(s->timer, s->retry_at_us);
}

static void buffer_free(const struct rt_stream *s, uint8_t *buf)
{
    if (s->c.secret)
        sec_free(buf);
    else
        free(buf);
}

static void stream_delete(struct rt_stream *s)
{
    buffer_free(s, s->in);
    buffer_free(s, s->out);
    free(s);
}

static void enter(struct rt_stream *s)
{
    s->depth++;
}

/* False: the stream was freed inside the callback and is gone now, or will be with the outer one. */
static bool leave(struct rt_stream *s)
{
    bool dead = s->dead;
    if (--s->depth == 0 && dead)
        stream_delete(s);
    return !dead;
}

static void fail(struct rt_stream *s, err why)
{
    disconnect(s);
    pause_then_retry(s);
    enter(s);
    s->ops->down(s->ctx, why);
    (void)leave(s);
}

void rt_stream_reset(struct rt_stream *s)
{
    if (s->dead || (s->state != UP && s->state != CONNECTING))
        return;
    disconnect(s);
    pause_then_retry(s);
}

void rt_stream_free(struct rt_stream *s)
{
    if (!s)
        return;
    disconnect(s);
    rt_timer_free(s->timer);
    s->timer = NULL;
    s->state = ENDED;
    s->dead = true;
    if (s->depth == 0)
        stream_delete(s);
}

/* ---- what goes out ---- */

static void want(struct rt_stream *s)
{
    rt_poll_want(s->poll, RT_READABLE | (s->out_n > s->out_sent ? RT_WRITABLE : 0));
}

/* Writes what the socket takes. False: it is broken. */
static bool flush(struct rt_stream *s)
{
    while (s->out_sent < s->out_n) {
        ssize_t n = send(s->fd, s->out + s->out_sent, s->out_n - s->out_sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK;
        s->out_sent += (size_t)n;
    }
    wipe(s, s->out, 0, s->out_n);
    s->out_n = s->out_sent = 0;
    return true;
}

err rt_stream_send(struct rt_stream *s, struct span octets)
{
    if (s->state != UP)
        return ERR_STATE;
    if (octets.n > s->c.out_max - (s->out_n - s->out_sent))
        return ERR_FULL;
    if (octets.n == 0)
        return ERR_OK;
    if (s->out_sent > 0 && octets.n > s->c.out_max - s->out_n) {
        memmove(s->out, s->out + s->out_sent, s->out_n - s->out_sent);
        s->out_n -= s->out_sent;
        s->out_sent = 0;
    }
    memcpy(s->out + s->out_n, octets.p, octets.n);
    s->out_n += octets.n;
    (void)flush(s); /* broken: the loop finds it so as well, and says it from there */
    want(s);
    return ERR_OK;
}

/* ---- what comes in ---- */

/* Hands on the frames that are whole. False: nothing more is to be done with this connection. */
static bool frames(struct rt_stream *s)
{
    uint32_t gen = s->gen;
    size_t at = 0;
    while (at < s->in_n) {
        struct span rest = span_of(s->in + at, s->in_n - at);
        size_t n = s->ops->frame ? s->ops->frame(s->ctx, rest) : rest.n;
        if (n == RT_STREAM_BAD || n > s->c.in_max || (n == 0 && rest.n == s->c.in_max)) {
            fail(s, n == RT_STREAM_BAD ? ERR_MALFORMED : ERR_FULL);
            return false;
        }
        if (n == 0 || n > rest.n)
            break;
        enter(s);
        s->ops->input(s->ctx, span_of(rest.p, n));
        if (!leave(s) || s->gen != gen)
            return false;
        at += n;
    }
    if (at > 0) {
        memmove(s->in, s->in + at, s->in_n - at);
        wipe(s, s->in, s->in_n - at, s->in_n);
        s->in_n -= at;
    }
    return true;
}

/* False as in frames(). */
static bool receive(struct rt_stream *s)
{
    ssize_t n = recv(s->fd, s->in + s->in_n, s->c.in_max - s->in_n, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return true;
    if (n <= 0) {
        fail(s, n < 0 ? ERR_IO : s->in_n > 0 ? ERR_TRUNCATED : ERR_OK);
        return false;
    }
    s->in_n += (size_t)n;
    return frames(s);
}

static void connected(struct rt_stream *s)
{
    int error = 0;
    socklen_t n = sizeof error;
    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0 || error != 0) {
        fail(s, error == ETIMEDOUT ? ERR_TIMEOUT : ERR_UNREACHABLE);
        return;
    }
    s->state = UP;
    rt_timer_at(s->timer, HEAP_NEVER);
    want(s);
    if (s->ops->up) {
        enter(s);
        s->ops->up(s->ctx);
        (void)leave(s);
    }
}

static void on_ready(void *ctx, int events)
{
    struct rt_stream *s = ctx;
    if (s->state == CONNECTING) {
        if (events & RT_WRITABLE)
            connected(s);
        return;
    }
    if ((events & RT_READABLE) && !receive(s))
        return;
    if ((events & RT_WRITABLE) && !flush(s)) {
        fail(s, ERR_IO);
        return;
    }
    want(s);
}

/* ---- client ---- */

static err socket_to(struct rt_stream *s)
{
    struct sockaddr_storage to, from;
    int on = 1;
    socklen_t to_n = rt_sa_from_addr(&s->c.peer, &to);
    socklen_t from_n = s->c.local.family != ADDR_NONE ? rt_sa_from_addr(&s->c.local, &from) : 0;
    if (to_n == 0)
        return ERR_UNREACHABLE;
    s->fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd < 0)
        return ERR_IO;
    (void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (from_n && bind(s->fd, (struct sockaddr *)&from, from_n) != 0)
        return ERR_UNREACHABLE;
    if (connect(s->fd, (struct sockaddr *)&to, to_n) != 0 && errno != EINPROGRESS)
        return ERR_UNREACHABLE;
    s->poll = rt_poll_new(s->loop, s->fd, on_ready, s);
    if (!s->poll)
        return ERR_MEMORY;
    rt_poll_want(s->poll, RT_WRITABLE);
    return ERR_OK;
}

static void on_timer(void *ctx)
{
    struct rt_stream *s = ctx;
    if (s->state == CONNECTING) {
        fail(s, ERR_TIMEOUT);
        return;
    }
    s->state = CONNECTING;
    s->retry_at_us = HEAP_NEVER;
    rt_timer_at(s->timer, rt_now_us() + s->c.connect_us);
    err e = socket_to(s);
    if (e != ERR_OK)
        fail(s, e);
}

static struct rt_stream *stream_make(struct rt_loop *l, const struct rt_stream_conf *c,
                                     const struct rt_stream_ops *ops, void *ctx)
{
    struct rt_stream *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    *s =
        (struct rt_stream){ .loop = l, .c = *c, .ops = ops, .ctx = ctx, .fd = -1, .retry_at_us = HEAP_NEVER };
    s->in = c->secret ? sec_alloc(c->in_max) : malloc(c->in_max);
    s->out = c->secret ? sec_alloc(c->out_max) : malloc(c->out_max);
    if (s->in && s->out)
        return s;
    stream_delete(s);
    return NULL;
}

struct rt_stream *rt_stream_new(struct rt_loop *l, const struct rt_stream_conf *c,
                                const struct rt_stream_ops *ops, void *ctx)
{
    struct rt_stream *s = stream_make(l, c, ops, ctx);
    if (!s)
        return NULL;
    s->timer = rt_timer_new(l, on_timer, s);
    if (!s->timer) {
        stream_delete(s);
        return NULL;
    }
    s->state = WAITING;
    s->pause_us = c->retry_us;
    s->retry_at_us = rt_now_us();
    rt_timer_at(s->timer, s->retry_at_us);
    return s;
}

void rt_stream_settled(struct rt_stream *s)
{
    s->pause_us = s->c.retry_us;
}

bool rt_stream_is_up(const struct rt_stream *s)
{
    return s->state == UP;
}

size_t rt_stream_waiting(const struct rt_stream *s)
{
    return s->out_n - s->out_sent;
}

struct addr rt_stream_peer(const struct rt_stream *s)
{
    return s->c.peer;
}

uint64_t rt_stream_retry_at(const struct rt_stream *s)
{
    return s->state == WAITING ? s->retry_at_us : HEAP_NEVER;
}

/* ---- the listening side ---- */

struct rt_stream *rt_stream_accept(struct rt_accepted *a, size_t in_max, size_t out_max,
                                   const struct rt_stream_ops *ops, void *ctx)
{
    struct rt_stream_conf c = { .peer = a->peer, .in_max = in_max, .out_max = out_max };
    struct rt_stream *s = a->taken ? NULL : stream_make(a->from->loop, &c, ops, ctx);
    if (!s)
        return NULL;
    s->poll = rt_poll_new(a->from->loop, a->fd, on_ready, s);
    if (!s->poll) {
        stream_delete(s);
        return NULL;
    }
    a->taken = true;
    s->fd = a->fd;
    s->state = UP;
    s->counted = a->from;
    s->next = a->from->streams;
    a->from->streams = s;
    a->from->n++;
    want(s);
    return s;
}

static void on_accept(void *ctx, int events)
{
    struct rt_listen *n = ctx;
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    int on = 1;
    struct rt_accepted a = { .from = n };
    (void)events;
    a.fd = accept4(n->fd, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (a.fd < 0)
        return;
    (void)setsockopt(a.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (n->n >= n->max)
        n->refused++;
    else if (rt_sa_to_addr((struct sockaddr *)&sa, len, &a.peer) == ERR_OK)
        n->fn(n->ctx, &a, &a.peer);
    if (!a.taken)
        close(a.fd);
}

static int listen_at(const struct addr *at)
{
    struct sockaddr_storage sa;
    int on = 1;
    socklen_t len = rt_sa_from_addr(at, &sa);
    int fd = len ? socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) : -1;
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (at->family != ADDR_V6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
        bind(fd, (struct sockaddr *)&sa, len) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    close(fd);
    return -1;
}

err rt_listen_open(struct rt_loop *l, const struct addr *at, size_t max, rt_accept_fn fn, void *ctx,
                   struct rt_listen **out)
{
    int fd = listen_at(at);
    if (fd < 0)
        return ERR_IO;
    struct rt_listen *n = calloc(1, sizeof *n);
    if (n)
        n->poll = rt_poll_new(l, fd, on_accept, n);
    if (!n || !n->poll) {
        close(fd);
        free(n);
        return ERR_MEMORY;
    }
    n->loop = l;
    n->fd = fd;
    n->fn = fn;
    n->ctx = ctx;
    n->max = max;
    rt_poll_want(n->poll, RT_READABLE);
    *out = n;
    return ERR_OK;
}

void rt_listen_close(struct rt_listen *n)
{
    if (!n)
        return;
    while (n->streams)
        discount(n->streams);
    rt_poll_free(n->poll);
    close(n->fd);
    free(n);
}

struct addr rt_listen_local(const struct rt_listen *n)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    struct addr a = { 0 };
    if (getsockname(n->fd, (struct sockaddr *)&sa, &len) != 0 ||
        rt_sa_to_addr((struct sockaddr *)&sa, len, &a) != ERR_OK)
        return (struct addr){ 0 };
    return a;
}

uint64_t rt_listen_refused(const struct rt_listen *n)
{
    return n->refused;
}
