/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rt/dns_io.h"

#include <stdlib.h>
#include <string.h>

#include "common/rt/sa.h"

#define MSG_MAX 65535

struct sock {
    union {
        uv_handle_t handle;
        uv_udp_t udp;
        uv_tcp_t tcp;
    } uv;
    uv_connect_t connect;
    uv_write_t write;
    struct rt_dns *d; /* NULL: closing, nobody is told any more */
    struct addr server;
    uint32_t tag;
    uint8_t *out; /* TCP: length and message until they are written */
    size_t out_len;
    uint8_t *in; /* TCP: length and message so far */
    size_t in_len;
};

struct rt_dns {
    struct rt_loop *loop;
    const struct rt_dns_ops *ops;
    void *ctx;
    size_t n;
    struct sock *v[RT_DNS_SOCKETS_MAX];
    uint8_t buf[MSG_MAX]; /* UDP: the datagram that came */
};

static void on_closed(uv_handle_t *h)
{
    struct sock *s = h->data;
    free(s->out);
    free(s->in);
    free(s);
}

/* Takes it out of its transaction and closes it. */
static void close_sock(struct sock *s)
{
    struct rt_dns *d = s->d;
    s->d = NULL;
    for (size_t i = 0; d && i < d->n; i++)
        if (d->v[i] == s)
            d->v[i] = d->v[--d->n];
    uv_close(&s->uv.handle, on_closed);
}

static void fail(struct sock *s)
{
    struct rt_dns *d = s->d;
    uint32_t tag = s->tag;
    close_sock(s);
    if (d)
        d->ops->failed(d->ctx, tag);
}

struct rt_dns *rt_dns_new(struct rt_loop *l, const struct rt_dns_ops *ops, void *ctx)
{
    struct rt_dns *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->loop = l;
    d->ops = ops;
    d->ctx = ctx;
    return d;
}

void rt_dns_free(struct rt_dns *d)
{
    if (!d)
        return;
    while (d->n)
        close_sock(d->v[0]);
    free(d);
}

static err new_sock(struct rt_dns *d, uint32_t tag, const struct addr *server, struct span msg,
                    struct sock **out)
{
    if (msg.n > MSG_MAX)
        return ERR_RANGE;
    if (d->n == RT_DNS_SOCKETS_MAX)
        return ERR_FULL;
    struct sock *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_MEMORY;
    s->server = *server;
    s->tag = tag;
    *out = s;
    return ERR_OK;
}

static void adopt(struct rt_dns *d, struct sock *s)
{
    s->d = d;
    s->uv.handle.data = s;
    d->v[d->n++] = s;
}

/* ---- UDP ---- */

static void udp_alloc(uv_handle_t *h, size_t want, uv_buf_t *buf)
{
    struct sock *s = h->data;
    *buf = s->d ? uv_buf_init((char *)s->d->buf, sizeof s->d->buf) : uv_buf_init(NULL, 0);
}

static void udp_recv(uv_udp_t *u, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from, unsigned flags)
{
    struct sock *s = u->data;
    if (!s->d || (n == 0 && !from))
        return;
    if (n < 0)
        fail(s); /* ECONNREFUSED: an ICMP error came (RFC 2136 s4.5: try the next server) */
    else if (!(flags & UV_UDP_PARTIAL))
        s->d->ops->reply(s->d->ctx, &s->server, span_of(buf->base, (size_t)n));
}

err rt_dns_udp(struct rt_dns *d, uint32_t tag, const struct addr *server, struct span msg)
{
    struct sockaddr_storage sa;
    struct sock *s;
    if (rt_sa_from_addr(server, &sa) == 0)
        return ERR_UNREACHABLE;
    err e = new_sock(d, tag, server, msg, &s);
    if (e != ERR_OK)
        return e;
    if (uv_udp_init(rt_loop_uv(d->loop), &s->uv.udp) != 0) {
        free(s);
        return ERR_MEMORY;
    }
    adopt(d, s);
    uv_buf_t b = uv_buf_init((char *)(uintptr_t)msg.p, (unsigned)msg.n);
    if (uv_udp_connect(&s->uv.udp, (struct sockaddr *)&sa) != 0 ||
        uv_udp_recv_start(&s->uv.udp, udp_alloc, udp_recv) != 0 ||
        uv_udp_try_send(&s->uv.udp, &b, 1, NULL) < 0) {
        close_sock(s);
        return ERR_UNREACHABLE;
    }
    return ERR_OK;
}

/* ---- TCP ---- */

static void tcp_alloc(uv_handle_t *h, size_t want, uv_buf_t *buf)
{
    struct sock *s = h->data;
    *buf = s->d ? uv_buf_init((char *)s->in + s->in_len, (unsigned)(2 + MSG_MAX - s->in_len))
                : uv_buf_init(NULL, 0);
}

static void tcp_read(uv_stream_t *t, ssize_t n, const uv_buf_t *buf)
{
    struct sock *s = t->data;
    if (!s->d || n == 0)
        return;
    if (n < 0) {
        fail(s);
        return;
    }
    s->in_len += (size_t)n;
    while (s->d && s->in_len >= 2) {
        size_t len = (size_t)s->in[0] << 8 | s->in[1];
        if (s->in_len < 2 + len)
            return;
        s->d->ops->reply(s->d->ctx, &s->server, span_of(s->in + 2, len));
        s->in_len -= 2 + len;
        memmove(s->in, s->in + 2 + len, s->in_len);
    }
}

static void tcp_written(uv_write_t *w, int status)
{
    struct sock *s = w->data;
    if (status < 0 && s->d)
        fail(s);
}

static void tcp_connected(uv_connect_t *c, int status)
{
    struct sock *s = c->data;
    if (!s->d)
        return;
    uv_buf_t b = uv_buf_init((char *)s->out, (unsigned)s->out_len);
    s->write.data = s;
    if (status < 0 || uv_read_start((uv_stream_t *)&s->uv.tcp, tcp_alloc, tcp_read) != 0 ||
        uv_write(&s->write, (uv_stream_t *)&s->uv.tcp, &b, 1, tcp_written) != 0)
        fail(s);
}

err rt_dns_tcp(struct rt_dns *d, uint32_t tag, const struct addr *server, struct span msg)
{
    struct sockaddr_storage sa;
    struct sock *s;
    if (rt_sa_from_addr(server, &sa) == 0)
        return ERR_UNREACHABLE;
    err e = new_sock(d, tag, server, msg, &s);
    if (e != ERR_OK)
        return e;
    s->out = malloc(2 + msg.n);
    s->in = malloc(2 + MSG_MAX);
    if (!s->out || !s->in || uv_tcp_init(rt_loop_uv(d->loop), &s->uv.tcp) != 0) {
        free(s->out);
        free(s->in);
        free(s);
        return ERR_MEMORY;
    }
    s->out[0] = (uint8_t)(msg.n >> 8);
    s->out[1] = (uint8_t)msg.n;
    if (msg.n)
        memcpy(s->out + 2, msg.p, msg.n);
    s->out_len = 2 + msg.n;
    adopt(d, s);
    s->connect.data = s;
    if (uv_tcp_connect(&s->connect, &s->uv.tcp, (struct sockaddr *)&sa, tcp_connected) != 0) {
        close_sock(s);
        return ERR_UNREACHABLE;
    }
    return ERR_OK;
}
