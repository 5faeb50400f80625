/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rt/ctl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/crypto/secret.h"

#define ERROR_TEXT_MAX 512
#define BACKLOG        16

struct client {
    struct client *next;
    struct rt_ctl *ctl;
    int fd;
    struct rt_poll *poll;
    unsigned open;   /* requests that wait */
    bool hanging_up; /* no more reading: close when the output is out */
    char line[RT_CTL_LINE_MAX + 1];
    size_t line_n;
    char *out;
    size_t out_n, out_sent;
    struct rt_ctl_req *reqs;
};

struct rt_ctl_req {
    struct rt_ctl_req *next; /* of its client */
    struct client *client;   /* NULL: gone meanwhile */
};

struct rt_ctl {
    struct rt_loop *loop;
    int fd;
    char *path;
    struct rt_poll *poll;
    rt_ctl_fn fn;
    void *ctx;
    struct client *clients;
    size_t n_clients;
};

/* ---- one client ---- */

static void client_close(struct client *c)
{
    struct client **at = &c->ctl->clients;

    for (struct rt_ctl_req *r = c->reqs; r != NULL; r = r->next)
        r->client = NULL;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    c->ctl->n_clients--;
    rt_poll_free(c->poll);
    close(c->fd);
    free(c->out);
    free(c);
}

static void client_want(struct client *c)
{
    bool read_more = !c->hanging_up && c->open < RT_CTL_REQUESTS_MAX;
    rt_poll_want(c->poll, (read_more ? RT_READABLE : 0) | (c->out_n > c->out_sent ? RT_WRITABLE : 0));
}

/* Writes what the socket takes; false: the client is gone. */
static bool client_flush(struct client *c)
{
    while (c->out_sent < c->out_n) {
        ssize_t n = send(c->fd, c->out + c->out_sent, c->out_n - c->out_sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (n <= 0)
            return false;
        c->out_sent += (size_t)n;
    }
    if (c->out_sent == c->out_n) {
        free(c->out);
        c->out = NULL;
        c->out_n = c->out_sent = 0;
    }
    return !(c->hanging_up && c->out_n == 0 && c->open == 0);
}

/* Queues one line; what a client does not read is bounded. False: cut it off. */
static bool client_put(struct client *c, const char *text, size_t n)
{
    char *grown;

    if (c->out_n - c->out_sent + n + 1 > RT_CTL_REPLY_MAX)
        return false;
    if (c->out_sent > 0) {
        memmove(c->out, c->out + c->out_sent, c->out_n - c->out_sent);
        c->out_n -= c->out_sent;
        c->out_sent = 0;
    }
    grown = realloc(c->out, c->out_n + n + 1);
    if (grown == NULL)
        return false;
    c->out = grown;
    memcpy(c->out + c->out_n, text, n);
    c->out[c->out_n + n] = '\n';
    c->out_n += n + 1;
    return true;
}

static bool client_put_json(struct client *c, json_t *body)
{
    char *text = json_dumps(body, JSON_COMPACT);
    bool ok = text != NULL && client_put(c, text, strlen(text));

    free(text);
    return ok;
}

static bool client_put_error(struct client *c, const char *text)
{
    json_t *body = json_pack("{s:b, s:s}", "ok", 0, "error", text);
    bool ok = body != NULL && client_put_json(c, body);

    json_decref(body);
    return ok;
}

/* False: cut it off. */
static bool client_line(struct client *c, const char *line, size_t n)
{
    json_t *in = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
    const char *cmd = json_string_value(json_object_get(in, "cmd"));
    bool ok = true;

    if (cmd == NULL) {
        ok = client_put_error(c, "expected a JSON object with \"cmd\"");
    } else {
        struct rt_ctl_req *r = calloc(1, sizeof(*r));
        if (r == NULL) {
            ok = false;
        } else {
            r->client = c;
            r->next = c->reqs;
            c->reqs = r;
            c->open++;
            c->ctl->fn(c->ctl->ctx, r, cmd, in);
        }
    }
    json_decref(in);
    return ok;
}

/* Hands whole lines to the owner, as long as it may have more. False: cut it off. */
static bool client_lines(struct client *c)
{
    char *nl;

    while (c->open < RT_CTL_REQUESTS_MAX && (nl = memchr(c->line, '\n', c->line_n)) != NULL) {
        size_t n = (size_t)(nl - c->line);
        char *line = strndup(c->line, n);
        if (line == NULL)
            return false;
        memmove(c->line, nl + 1, c->line_n - n - 1);
        c->line_n -= n + 1;
        sec_wipe(c->line + c->line_n, n + 1); /* it may hold a PIN */
        bool ok = n == 0 || client_line(c, line, n);
        sec_wipe(line, n);
        free(line);
        if (!ok)
            return false;
    }
    if (c->line_n >= RT_CTL_LINE_MAX && memchr(c->line, '\n', c->line_n) == NULL) {
        c->line_n = 0;
        c->hanging_up = true;
        return client_put_error(c, "line too long");
    }
    return true;
}

static bool client_read(struct client *c)
{
    if (c->line_n == RT_CTL_LINE_MAX)
        return true; /* whole lines that wait until earlier ones are answered */
    ssize_t n = recv(c->fd, c->line + c->line_n, RT_CTL_LINE_MAX - c->line_n, MSG_DONTWAIT);

    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    if (n == 0) {
        c->hanging_up = true; /* it may still wait for answers */
        return true;
    }
    c->line_n += (size_t)n;
    return true;
}

static void on_client(void *ctx, int events)
{
    struct client *c = ctx;
    bool ok = true;

    if ((events & RT_READABLE) && !c->hanging_up)
        ok = client_read(c);
    ok = ok && client_lines(c);
    if (!ok || !client_flush(c))
        client_close(c);
    else
        client_want(c);
}

/* ---- answers ---- */

/* It does not read what it asked for. Freed by its own reader, which finds the socket shut. */
static void client_cut(struct client *c)
{
    (void)shutdown(c->fd, SHUT_RDWR);
    c->line_n = 0;
    c->out_n = c->out_sent = 0;
}

static void answer(struct rt_ctl_req *req, json_t *body)
{
    struct client *c = req->client;

    if (c != NULL) {
        struct rt_ctl_req **at = &c->reqs;
        while (*at != req)
            at = &(*at)->next;
        *at = req->next;
        c->open--;
        /* Written when the loop finds it writable: the client is never freed under the feet of its reader. */
        if (!client_put_json(c, body))
            client_cut(c);
        client_want(c);
    }
    json_decref(body);
    free(req);
}

void rt_ctl_reply(struct rt_ctl_req *req, json_t *body)
{
    json_t *all = json_object();

    if (all == NULL)
        abort();
    (void)json_object_set_new(all, "ok", json_true());
    if (body != NULL)
        (void)json_object_update(all, body);
    json_decref(body);
    answer(req, all);
}

void rt_ctl_error(struct rt_ctl_req *req, const char *fmt, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    answer(req, json_pack("{s:b, s:s}", "ok", 0, "error", text));
}

/* ---- the listening socket ---- */

static void on_accept(void *ctx, int events)
{
    struct rt_ctl *ctl = ctx;
    int fd = accept4(ctl->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)events;
    if (fd < 0)
        return;
    struct client *c = ctl->n_clients < RT_CTL_CLIENTS_MAX ? calloc(1, sizeof(*c)) : NULL;
    if (c != NULL)
        c->poll = rt_poll_new(ctl->loop, fd, on_client, c);
    if (c == NULL || c->poll == NULL) {
        static const char busy[] = "{\"ok\":false,\"error\":\"too many connections\"}\n";
        (void)!send(fd, busy, sizeof(busy) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        close(fd);
        free(c);
        return;
    }
    c->ctl = ctl;
    c->fd = fd;
    c->next = ctl->clients;
    ctl->clients = c;
    ctl->n_clients++;
    rt_poll_want(c->poll, RT_READABLE);
}

static bool unix_name(const char *path, struct sockaddr_un *out)
{
    memset(out, 0, sizeof(*out));
    out->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof(out->sun_path))
        return false;
    memcpy(out->sun_path, path, strlen(path));
    return true;
}

/* Whether somebody listens there. */
static bool living(const struct sockaddr_un *at)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool yes = fd >= 0 && (connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 || errno == EAGAIN);

    if (fd >= 0)
        close(fd);
    return yes;
}

static err listen_at(const char *path, int *out)
{
    struct sockaddr_un at;
    struct stat st;
    mode_t old;
    int fd, r;

    if (!unix_name(path, &at))
        return ERR_RANGE;
    if (lstat(path, &st) == 0) {
        if (!S_ISSOCK(st.st_mode) || living(&at))
            return ERR_EXISTS;
        (void)unlink(path);
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return ERR_IO;
    old = umask(0177); /* 0600 from its first moment */
    r = bind(fd, (struct sockaddr *)&at, sizeof(at));
    (void)umask(old);
    if (r != 0 || listen(fd, BACKLOG) != 0) {
        close(fd);
        return ERR_IO;
    }
    *out = fd;
    return ERR_OK;
}

err rt_ctl_open(struct rt_loop *l, const char *path, rt_ctl_fn fn, void *ctx, struct rt_ctl **out)
{
    struct rt_ctl *c;
    int fd;
    err e = listen_at(path, &fd);

    if (e)
        return e;
    c = calloc(1, sizeof(*c));
    if (c == NULL) {
        close(fd);
        return ERR_MEMORY;
    }
    c->loop = l;
    c->fd = fd;
    c->fn = fn;
    c->ctx = ctx;
    c->path = strdup(path);
    c->poll = rt_poll_new(l, fd, on_accept, c);
    if (c->path == NULL || c->poll == NULL) {
        rt_ctl_close(c);
        return ERR_MEMORY;
    }
    rt_poll_want(c->poll, RT_READABLE);
    *out = c;
    return ERR_OK;
}

void rt_ctl_close(struct rt_ctl *c)
{
    if (c == NULL)
        return;
    for (struct client *one = c->clients, *next; one != NULL; one = next) {
        next = one->next;
        client_close(one);
    }
    rt_poll_free(c->poll);
    close(c->fd);
    if (c->path)
        (void)unlink(c->path);
    free(c->path);
    free(c);
}
