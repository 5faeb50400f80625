/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rt/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/crypto/secret.h"

static err say(err e, char *why, const char *path, const char *what)
{
    (void)snprintf(why, RT_FILE_WHY_MAX, "%s: %s", path, what);
    return e;
}

static err say_errno(char *why, const char *path)
{
    int e = errno;
    (void)snprintf(why, RT_FILE_WHY_MAX, "%s: %s", path, strerror(e));
    return e == ENOENT ? ERR_NOT_FOUND : e == EACCES || e == EPERM ? ERR_REFUSED : ERR_IO;
}

static err check_owner(const struct stat *st, const char *path, char *why)
{
    if (st->st_uid != geteuid() && st->st_uid != 0)
        return say(ERR_REFUSED, why, path, "holds a secret but belongs to another user");
    if ((st->st_mode & 077) != 0) {
        (void)snprintf(why, RT_FILE_WHY_MAX,
                       "%s: holds a secret but others may open it (mode %04o): chmod 600 it", path,
                       (unsigned)(st->st_mode & 07777));
        return ERR_REFUSED;
    }
    return ERR_OK;
}

static err read_all(int fd, uint8_t *p, size_t n, size_t *got, const char *path, char *why)
{
    size_t have = 0;

    while (have < n) {
        ssize_t r = read(fd, p + have, n - have);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return say_errno(why, path);
        if (r == 0)
            break;
        have += (size_t)r;
    }
    *got = have;
    return ERR_OK;
}

static err read_file(const char *path, size_t max, bool secret, uint8_t **out, size_t *len, char *why)
{
    struct stat st;
    uint8_t *buf = NULL;
    size_t got = 0;
    err e = ERR_OK;
    /* O_NONBLOCK: a FIFO in the place of the file must not hang us. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return say_errno(why, path);
    if (fstat(fd, &st) != 0) {
        e = say_errno(why, path);
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        e = say(ERR_REFUSED, why, path, "not a regular file");
        goto out;
    }
    if (secret && (e = check_owner(&st, path, why)))
        goto out;
    if ((uint64_t)st.st_size > max) {
        e = say(ERR_RANGE, why, path, "too long");
        goto out;
    }
    buf = secret ? sec_alloc((size_t)st.st_size + 1) : malloc((size_t)st.st_size + 1);
    if (buf == NULL) {
        e = say(ERR_MEMORY, why, path, "out of memory");
        goto out;
    }
    e = read_all(fd, buf, (size_t)st.st_size, &got, path, why);
    if (e)
        goto out;
    buf[got] = 0;
    *len = got;
    *out = buf;
    buf = NULL;
out:
    if (secret)
        sec_free(buf);
    else
        free(buf);
    close(fd);
    return e;
}

err rt_file_read_secret(const char *path, size_t max, uint8_t **out, size_t *len, char why[RT_FILE_WHY_MAX])
{
    return read_file(path, max, true, out, len, why);
}

err rt_file_read(const char *path, size_t max, uint8_t **out, size_t *len, char why[RT_FILE_WHY_MAX])
{
    return read_file(path, max, false, out, len, why);
}

static bool write_all(int fd, struct span d)
{
    while (d.n > 0) {
        ssize_t w = write(fd, d.p, d.n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            return false;
        d = span_of(d.p + w, d.n - (size_t)w);
    }
    return true;
}

static bool sync_folder_of(const char *path)
{
    char copy[PATH_MAX];
    bool ok = false;

    (void)snprintf(copy, sizeof(copy), "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        ok = fsync(fd) == 0;
        close(fd);
    }
    return ok;
}

err rt_file_write(const char *path, struct span data, char why[RT_FILE_WHY_MAX])
{
    char tmp[PATH_MAX];
    err e = ERR_OK;

    if (snprintf(tmp, sizeof(tmp), "%s.XXXXXX", path) >= (int)sizeof(tmp))
        return say(ERR_RANGE, why, path, "name too long");
    int fd = mkostemp(tmp, O_CLOEXEC); /* 0600 */
    if (fd < 0)
        return say_errno(why, path);
    if (!write_all(fd, data) || fsync(fd) != 0)
        e = say_errno(why, path);
    if (close(fd) != 0 && e == ERR_OK)
        e = say_errno(why, path);
    if (e == ERR_OK && rename(tmp, path) != 0)
        e = say_errno(why, path);
    if (e) {
        (void)unlink(tmp);
        return e;
    }
    return sync_folder_of(path) ? ERR_OK : say_errno(why, path);
}

err rt_dir_make(const char *path, char why[RT_FILE_WHY_MAX])
{
    struct stat st;

    if (mkdir(path, 0700) == 0)
        return ERR_OK;
    if (errno != EEXIST)
        return say_errno(why, path);
    if (stat(path, &st) != 0)
        return say_errno(why, path);
    return S_ISDIR(st.st_mode) ? ERR_OK : say(ERR_EXISTS, why, path, "is not a folder");
}
