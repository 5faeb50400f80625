/* SPDX-License-Identifier: Apache-2.0
 *
 * The client side of the control socket: blocking, for command line programs. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/rt/ctl.h"

static err connect_to(const char *path, int *out)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd;

    if (strlen(path) >= sizeof(at.sun_path))
        return ERR_RANGE;
    memcpy(at.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ERR_IO;
    if (connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
        int e = errno;
        close(fd);
        return e == ENOENT || e == ECONNREFUSED ? ERR_NOT_FOUND
               : e == EACCES || e == EPERM      ? ERR_REFUSED
                                                : ERR_IO;
    }
    *out = fd;
    return ERR_OK;
}

static err send_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t w = send(fd, p, n, MSG_NOSIGNAL);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            return ERR_IO;
        p += w;
        n -= (size_t)w;
    }
    return ERR_OK;
}

/* One line without its newline, malloc'ed, NUL-terminated. */
static err read_line(int fd, uint64_t until_us, char **out)
{
    size_t cap = 4096, n = 0;
    char *buf = malloc(cap), *grown;
    err e = ERR_MEMORY;

    while (buf != NULL) {
        uint64_t now = rt_now_us();
        struct pollfd p = { .fd = fd, .events = POLLIN };
        e = ERR_TIMEOUT;
        if (now >= until_us || poll(&p, 1, (int)((until_us - now + 999) / 1000)) <= 0)
            break;
        ssize_t got = recv(fd, buf + n, cap - n - 1, 0);
        if (got < 0 && errno == EINTR)
            continue;
        e = ERR_IO;
        if (got <= 0)
            break;
        n += (size_t)got;
        buf[n] = '\0';
        char *nl = memchr(buf, '\n', n);
        if (nl != NULL) {
            *nl = '\0';
            *out = buf;
            return ERR_OK;
        }
        e = ERR_RANGE;
        if (n > RT_CTL_REPLY_MAX)
            break;
        if (n + 1 >= cap) {
            e = ERR_MEMORY;
            grown = realloc(buf, cap * 2);
            if (grown == NULL)
                break;
            buf = grown;
            cap *= 2;
        }
    }
    free(buf);
    return e;
}

err rt_ctl_call(const char *path, const json_t *request, unsigned timeout_ms, json_t **out)
{
    uint64_t until = rt_now_us() + (uint64_t)timeout_ms * 1000u;
    char *text = json_dumps(request, JSON_COMPACT), *line = NULL;
    json_t *reply = NULL;
    int fd = -1;
    err e = ERR_MEMORY;

    if (text == NULL)
        goto out;
    e = connect_to(path, &fd);
    if (e)
        goto out;
    e = send_all(fd, text, strlen(text));
    if (e == ERR_OK)
        e = send_all(fd, "\n", 1);
    if (e == ERR_OK)
        e = read_line(fd, until, &line);
    if (e)
        goto out;
    reply = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(reply) || !json_is_boolean(json_object_get(reply, "ok"))) {
        json_decref(reply);
        e = ERR_MALFORMED;
        goto out;
    }
    *out = reply;
out:
    if (fd >= 0)
        close(fd);
    free(line);
    free(text);
    return e;
}
