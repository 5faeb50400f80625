/* SPDX-License-Identifier: Apache-2.0 */
#include "as/aucsock_io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BATCH 16 /* datagrams read before the loop has its turn */

struct aucsock_io {
    const struct as_auc_socket *conf;
    struct aucsock *s;
    int fd;
    struct rt_poll *poll;
    bool bound;
    bool (*ask)(void *ctx, const struct source_req *r);
    void *ctx;
};

_Static_assert(sizeof(struct sockaddr_un) <= AUCSOCK_PEER_MAX, "a peer's address must fit");

static bool op_send(void *ctx, const struct aucsock_peer *to, struct span line)
{
    struct aucsock_io *io = ctx;
    struct sockaddr_un sa;
    memcpy(&sa, to->at, to->n);
    return sendto(io->fd, line.p, line.n, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&sa, to->n) ==
           (ssize_t)line.n;
}

static bool op_ask(void *ctx, const struct source_req *r)
{
    struct aucsock_io *io = ctx;
    return io->ask(io->ctx, r);
}

static const struct aucsock_ops ops = { .send = op_send, .ask = op_ask };

static void on_ready(void *ctx, int events)
{
    struct aucsock_io *io = ctx;
    char buf[AUCSOCK_LINE_MAX];
    (void)events;
    for (int i = 0; i < BATCH; i++) {
        struct sockaddr_un sa;
        struct aucsock_peer from = { 0 };
        socklen_t len = sizeof sa;
        ssize_t n = recvfrom(io->fd, buf, sizeof buf, MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&sa, &len);
        if (n < 0)
            return;
        from.n = (uint8_t)len;
        memcpy(from.at, &sa, len);
        /* longer than the buffer: what is there of it is no line either */
        aucsock_input(io->s, &from, span_of(buf, (size_t)n < sizeof buf ? (size_t)n : sizeof buf),
                      rt_now_us());
    }
}

/* Whether somebody is bound there. */
static bool living(const struct sockaddr_un *at)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool yes = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof *at) == 0;
    if (fd >= 0)
        close(fd);
    return yes;
}

static err bind_at(struct aucsock_io *io, const char *path)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    struct stat st;
    if (strlen(path) >= sizeof at.sun_path)
        return ERR_RANGE;
    memcpy(at.sun_path, path, strlen(path));
    if (lstat(path, &st) == 0) {
        if (!S_ISSOCK(st.st_mode) || living(&at))
            return ERR_EXISTS;
        (void)unlink(path);
    }
    mode_t old = umask(0777); /* nobody's until its owner and mode are as configured */
    io->bound = bind(io->fd, (struct sockaddr *)&at, sizeof at) == 0;
    (void)umask(old);
    if (!io->bound || (io->conf->has_group && chown(path, (uid_t)-1, io->conf->group) != 0) ||
        chmod(path, io->conf->mode) != 0)
        return ERR_IO;
    return ERR_OK;
}

err aucsock_io_open(struct rt_loop *l, const struct as_auc_socket *conf, uint32_t who, unsigned ind,
                    bool (*ask)(void *ctx, const struct source_req *r), void *ctx, struct aucsock_io **out)
{
    struct aucsock_io *io = calloc(1, sizeof *io);
    if (!io)
        return ERR_MEMORY;
    *io = (struct aucsock_io){ .conf = conf, .ask = ask, .ctx = ctx };
    io->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    io->s = aucsock_new(&ops, io, who, ind, conf->separated);
    err e = io->fd < 0 ? ERR_IO : !io->s ? ERR_MEMORY : bind_at(io, conf->path);
    if (e == ERR_OK) {
        io->poll = rt_poll_new(l, io->fd, on_ready, io);
        e = io->poll ? ERR_OK : ERR_MEMORY;
    }
    if (e != ERR_OK) {
        aucsock_io_close(io);
        return e;
    }
    rt_poll_want(io->poll, RT_READABLE);
    *out = io;
    return ERR_OK;
}

void aucsock_io_close(struct aucsock_io *io)
{
    if (!io)
        return;
    rt_poll_free(io->poll);
    if (io->fd >= 0)
        close(io->fd);
    if (io->bound)
        (void)unlink(io->conf->path);
    aucsock_free(io->s);
    free(io);
}

void aucsock_io_answer(struct aucsock_io *io, const struct source_ref *ref, enum aka_server_auc what,
                       const struct aka_vector *v)
{
    aucsock_answer(io->s, ref, what, v, rt_now_us());
}

json_t *aucsock_io_status(const struct aucsock_io *io)
{
    json_t *counters = json_object();
    for (int c = 0; c < AUCSOCK__COUNT; c++)
        json_object_set_new(counters, aucsock_counter_name((enum aucsock_counter)c),
                            json_integer((json_int_t)aucsock_counter(io->s, (enum aucsock_counter)c)));
    return json_pack("{s:s, s:s, s:I, s:o}", "path", io->conf->path, "method",
                     io->conf->separated ? "aka-prime" : "aka", "open", (json_int_t)aucsock_open(io->s),
                     "counters", counters);
}
