/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rt/notify.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct rt_notify {
    int fd;
    struct sockaddr_un to;
    _Atomic uint64_t lost;
};

err rt_notify_open(const char *path, struct rt_notify **out)
{
    struct rt_notify *n = calloc(1, sizeof *n);
    if (!n)
        return ERR_MEMORY;
    n->to.sun_family = AF_UNIX;
    err e = strlen(path) < sizeof n->to.sun_path ? ERR_OK : ERR_RANGE;
    if (e == ERR_OK) {
        memcpy(n->to.sun_path, path, strlen(path) + 1);
        n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        e = n->fd >= 0 ? ERR_OK : ERR_IO;
    }
    if (e != ERR_OK) {
        free(n);
        return e;
    }
    *out = n;
    return ERR_OK;
}

void rt_notify_close(struct rt_notify *n)
{
    if (!n)
        return;
    (void)close(n->fd);
    free(n);
}

void rt_notify_send(struct rt_notify *n, struct span datagram)
{
    if (sendto(n->fd, datagram.p, datagram.n, MSG_NOSIGNAL, (const struct sockaddr *)&n->to, sizeof n->to) <
        0)
        atomic_fetch_add_explicit(&n->lost, 1, memory_order_relaxed);
}

uint64_t rt_notify_lost(const struct rt_notify *n)
{
    return atomic_load_explicit(&n->lost, memory_order_relaxed);
}
