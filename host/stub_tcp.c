/* SPDX-License-Identifier: Apache-2.0 */
#include "host/stub_tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/rt/sa.h"

#define BACKLOG  16
#define OUT_MAX  ((size_t)2 * 65537)
#define LEN_HEAD 2

struct conn {
    struct stub_tcp *owner;
    uint64_t id; /* 0: free */
    int fd;
    struct rt_poll *poll;
    uint64_t idle_us; /* closed then */
    uint8_t in[LEN_HEAD + STUB_TCP_QUERY_MAX];
    size_t in_n;
    uint8_t *out;
    size_t out_n, out_sent;
};

struct stub_tcp {
    struct rt_loop *loop;
    int fd;
    struct rt_poll *poll;
    struct rt_timer *timer;
    stub_tcp_fn fn;
    void *ctx;
    uint64_t last_id;
    struct conn conn[STUB_TCP_CONNS_MAX];
};

static void conn_close(struct conn *c)
{
    rt_poll_free(c->poll);
    close(c->fd);
    free(c->out);
    memset(c, 0, sizeof(*c));
}

static void look_again(struct stub_tcp *t)
{
    uint64_t first = HEAP_NEVER;

    for (size_t i = 0; i < STUB_TCP_CONNS_MAX; i++)
        if (t->conn[i].id != 0 && t->conn[i].idle_us < first)
            first = t->conn[i].idle_us;
    rt_timer_at(t->timer, first);
}

static void on_timer(void *ctx)
{
    struct stub_tcp *t = ctx;
    uint64_t now = rt_now_us();

    for (size_t i = 0; i < STUB_TCP_CONNS_MAX; i++)
        if (t->conn[i].id != 0 && t->conn[i].idle_us <= now)
            conn_close(&t->conn[i]);
    look_again(t);
}

/* False: gone. */
static bool conn_flush(struct conn *c)
{
    while (c->out_sent < c->out_n) {
        ssize_t n = send(c->fd, c->out + c->out_sent, c->out_n - c->out_sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            rt_poll_want(c->poll, RT_READABLE | RT_WRITABLE);
            return true;
        }
        if (n <= 0)
            return false;
        c->out_sent += (size_t)n;
    }
    free(c->out);
    c->out = NULL;
    c->out_n = c->out_sent = 0;
    rt_poll_want(c->poll, RT_READABLE);
    return true;
}

/* Whole messages at the front of what came. False: the connection says what we do not take, or went while it was answered. */
static bool conn_messages(struct conn *c)
{
    uint64_t id = c->id;

    for (;;) {
        size_t len = c->in_n >= LEN_HEAD ? (size_t)c->in[0] << 8 | c->in[1] : 0;
        uint8_t msg[STUB_TCP_QUERY_MAX];
        if (c->in_n < LEN_HEAD)
            return true;
        if (len == 0 || len > STUB_TCP_QUERY_MAX)
            return false;
        if (c->in_n < LEN_HEAD + len)
            return true;
        memcpy(msg, c->in + LEN_HEAD, len);
        memmove(c->in, c->in + LEN_HEAD + len, c->in_n - LEN_HEAD - len);
        c->in_n -= LEN_HEAD + len;
        c->owner->fn(c->owner->ctx, id, span_of(msg, len));
        if (c->id != id)
            return true; /* closed while it was answered; nothing of it is left */
    }
}

static void on_conn(void *ctx, int events)
{
    struct conn *c = ctx;

    if (c->id == 0)
        return;
    if ((events & RT_WRITABLE) && !conn_flush(c)) {
        conn_close(c);
        return;
    }
    if (events & RT_READABLE) {
        ssize_t n = recv(c->fd, c->in + c->in_n, sizeof(c->in) - c->in_n, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
            return;
        if (n <= 0) {
            conn_close(c);
            return;
        }
        c->in_n += (size_t)n;
        c->idle_us = rt_now_us() + STUB_TCP_IDLE_US;
        if (!conn_messages(c))
            conn_close(c);
    }
}

static void on_accept(void *ctx, int events)
{
    struct stub_tcp *t = ctx;
    int fd = accept4(t->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct conn *c = NULL;

    (void)events;
    if (fd < 0)
        return;
    for (size_t i = 0; i < STUB_TCP_CONNS_MAX && c == NULL; i++)
        if (t->conn[i].id == 0)
            c = &t->conn[i];
    if (c == NULL || (c->poll = rt_poll_new(t->loop, fd, on_conn, c)) == NULL) {
        close(fd);
        return;
    }
    c->owner = t;
    c->id = ++t->last_id;
    c->fd = fd;
    c->idle_us = rt_now_us() + STUB_TCP_IDLE_US;
    rt_poll_want(c->poll, RT_READABLE);
    look_again(t);
}

void stub_tcp_reply(struct stub_tcp *t, uint64_t conn, struct span msg)
{
    struct conn *c = NULL;
    uint8_t *grown;

    for (size_t i = 0; i < STUB_TCP_CONNS_MAX; i++)
        if (t->conn[i].id == conn)
            c = &t->conn[i];
    if (conn == 0 || c == NULL || msg.n > UINT16_MAX)
        return;
    if (c->out_n + LEN_HEAD + msg.n > OUT_MAX ||
        (grown = realloc(c->out, c->out_n + LEN_HEAD + msg.n)) == NULL) {
        conn_close(c);
        return;
    }
    c->out = grown;
    c->out[c->out_n] = (uint8_t)(msg.n >> 8);
    c->out[c->out_n + 1] = (uint8_t)msg.n;
    memcpy(c->out + c->out_n + LEN_HEAD, msg.p, msg.n);
    c->out_n += LEN_HEAD + msg.n;
    c->idle_us = rt_now_us() + STUB_TCP_IDLE_US;
    if (!conn_flush(c))
        conn_close(c);
}

static err listen_on(const struct addr *at, int *out)
{
    struct sockaddr_storage ss;
    socklen_t len = rt_sa_from_addr(at, &ss);
    const int one = 1;
    int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    err e = ERR_OK;

    if (fd < 0)
        return ERR_IO;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (at->family == ADDR_V6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&ss, len) != 0 || listen(fd, BACKLOG) != 0)
        e = errno == EADDRINUSE ? ERR_EXISTS : errno == EACCES ? ERR_REFUSED : ERR_IO;
    if (e)
        close(fd);
    else
        *out = fd;
    return e;
}

err stub_tcp_open(struct rt_loop *l, const struct addr *at, stub_tcp_fn fn, void *ctx, struct stub_tcp **out)
{
    struct stub_tcp *t;
    int fd;
    err e = listen_on(at, &fd);

    if (e)
        return e;
    t = calloc(1, sizeof(*t));
    if (t == NULL) {
        close(fd);
        return ERR_MEMORY;
    }
    t->loop = l;
    t->fd = fd;
    t->fn = fn;
    t->ctx = ctx;
    t->poll = rt_poll_new(l, fd, on_accept, t);
    t->timer = rt_timer_new(l, on_timer, t);
    if (t->poll == NULL || t->timer == NULL) {
        stub_tcp_close(t);
        return ERR_MEMORY;
    }
    rt_poll_want(t->poll, RT_READABLE);
    *out = t;
    return ERR_OK;
}

void stub_tcp_close(struct stub_tcp *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < STUB_TCP_CONNS_MAX; i++)
        if (t->conn[i].id != 0)
            conn_close(&t->conn[i]);
    rt_poll_free(t->poll);
    rt_timer_free(t->timer);
    close(t->fd);
    free(t);
}
