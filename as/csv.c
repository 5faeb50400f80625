/* SPDX-License-Identifier: Apache-2.0 */
#include "as/csv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/crypto/secret.h"

#define BUFFER (16 * CSV_LINE_MAX)

struct csv {
    int fd;
    bool own, eof;
    char *buf; /* secret: BUFFER octets and a NUL */
    size_t at, n;
    uint64_t line, taken, size;
};

static err open_file(const char *path, struct csv *c, char *why)
{
    struct stat st;
    c->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (c->fd < 0 || fstat(c->fd, &st) != 0) {
        int no = errno;
        snprintf(why, CSV_WHY_MAX, "%.300s: %s", path, strerror(no));
        return no == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    c->own = true;
    if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0 || (st.st_uid != geteuid() && st.st_uid != 0)) {
        snprintf(why, CSV_WHY_MAX,
                 "%.300s: holds keys: expected a regular file that is yours alone (chmod 600)", path);
        return ERR_REFUSED;
    }
    c->size = (uint64_t)st.st_size;
    return ERR_OK;
}

err csv_open(const char *path, struct csv **out, char why[CSV_WHY_MAX])
{
    struct csv *c = calloc(1, sizeof *c);
    snprintf(why, CSV_WHY_MAX, "out of memory");
    if (!c)
        return ERR_MEMORY;
    c->fd = STDIN_FILENO;
    c->buf = sec_alloc(BUFFER + 1);
    err e = !c->buf ? ERR_MEMORY : strcmp(path, "-") == 0 ? ERR_OK : open_file(path, c, why);
    if (e == ERR_OK)
        *out = c;
    else
        csv_close(c);
    return e;
}

void csv_close(struct csv *c)
{
    if (!c)
        return;
    if (c->own)
        close(c->fd);
    sec_free(c->buf);
    free(c);
}

/* What is left of the buffer to its front, and more behind it. */
static err fill(struct csv *c)
{
    memmove(c->buf, c->buf + c->at, c->n - c->at);
    c->n -= c->at;
    c->at = 0;
    while (c->n < BUFFER && !c->eof) {
        ssize_t r = read(c->fd, c->buf + c->n, BUFFER - c->n);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return ERR_IO;
        c->eof = r == 0;
        c->n += (size_t)r;
    }
    return ERR_OK;
}

/* The line that begins at c->at, without its end; NULL: none. *whole is false when it is longer than a line may be: its rest is passed over. */
static err take_line(struct csv *c, char **line, size_t *len, bool *whole)
{
    *whole = true;
    for (;;) {
        char *p = c->buf + c->at, *nl = memchr(p, '\n', c->n - c->at);
        size_t have = c->n - c->at;
        if (nl || (c->eof && have > 0) || have > CSV_LINE_MAX) {
            *len = nl ? (size_t)(nl - p) : have;
            *line = p;
            c->at += *len + (nl != NULL);
            c->taken += *len + (nl != NULL);
            if (*len > CSV_LINE_MAX)
                *whole = false;
            if (nl || c->eof) /* the rest of a long line ends here as well */
                return ERR_OK;
            *whole = false;
            continue;
        }
        if (c->eof)
            return *whole ? ERR_NOT_FOUND : ERR_OK;
        err e = fill(c);
        if (e != ERR_OK)
            return e;
    }
}

static err bad(char *why, const char *what)
{
    snprintf(why, CSV_WHY_MAX, "%s", what);
    return ERR_MALFORMED;
}

static err split(char *p, size_t n, struct csv_line *out, char *why)
{
    if (n > 0 && p[n - 1] == '\r')
        n--;
    if (n == 0)
        return bad(why, "empty line");
    p[n] = '\0';
    out->n = 0;
    out->field[out->n++] = p;
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '"' || p[i] == '\'')
            return bad(why, "quotes are not of this dialect");
        if (p[i] <= ' ' || p[i] > '~')
            return bad(why, "a blank, a control character or an octet beyond ASCII");
        if (p[i] != ',')
            continue;
        if (out->n == CSV_FIELDS_MAX)
            return bad(why, "too many fields");
        p[i] = '\0';
        out->field[out->n++] = p + i + 1;
    }
    return ERR_OK;
}

err csv_next(struct csv *c, struct csv_line *out, char why[CSV_WHY_MAX])
{
    char *line = NULL;
    size_t n = 0;
    bool whole = true;
    out->n = 0;
    err e = take_line(c, &line, &n, &whole);
    if (e == ERR_IO)
        snprintf(why, CSV_WHY_MAX, "cannot be read: %s", strerror(errno));
    if (e != ERR_OK)
        return e;
    out->no = ++c->line;
    if (!whole)
        return bad(why, "line too long");
    return split(line, n, out, why);
}

uint64_t csv_size(const struct csv *c)
{
    return c->size;
}

uint64_t csv_at(const struct csv *c)
{
    return c->taken;
}
