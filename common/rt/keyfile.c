/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rt/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void write_lines(void *ctx, const char *lines, size_t n)
{
    int fd = (int)(intptr_t)ctx;
    ssize_t got = write(fd, lines, n); /* O_APPEND: at the end, in one piece */
    (void)got;                         /* a full disk loses keys, not packets */
}

err rt_keyfile_open(const char *path, struct env *env, char why[RT_FILE_WHY_MAX])
{
    struct stat st;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        snprintf(why, RT_FILE_WHY_MAX, "%.200s: key log: %s", path, strerror(errno));
        return ERR_IO;
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077)) {
        snprintf(why, RT_FILE_WHY_MAX, "%.200s: key log: expected a file of ours with mode 0600", path);
        close(fd);
        return ERR_REFUSED;
    }
    env->keys = (struct key_sink){ .ctx = (void *)(intptr_t)fd, .write = write_lines };
    log_at(&env->log, LOG_LV_WARN, "testing",
           "EVERY KEY OF HIP AND ESP IS WRITTEN TO %.200s (testing: key_log): whoever reads it reads all "
           "traffic",
           path);
    return ERR_OK;
}
