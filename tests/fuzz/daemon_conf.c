/* SPDX-License-Identifier: Apache-2.0
 *
 * The configurations of hipfad and hipakad (hiphostd's: host_conf.c): whatever stands in the file, it is read or refused with a line that names
 * the file. The first octet chooses the daemon.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "as/schema.h"
#include "fa/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
    if (!held)
        abort();
}

static void forwarding_agent(const char *path)
{
    static struct fa_settings s;
    static struct fa_relay_config relay;
    char why[RT_CONF_WHY_MAX] = "";
    if (fa_settings_load(path, &s, why) != ERR_OK) {
        must(strncmp(why, path, strlen(path)) == 0);
        return;
    }
    must(s.name[0] && s.n_addr <= FA_ADDRS_MAX && s.n_realms <= FA_REALMS_MAX && s.n_allow <= FA_ALLOW_MAX);
    fa_settings_relay(&s, &relay);
    fa_settings_done(&s);
}

static void authentication_server(const char *path)
{
    struct as_conf *c;
    char why[RT_CONF_WHY_MAX] = "";
    if (as_conf_load(path, &c, why) != ERR_OK)
        must(why[0]);
    else
        as_conf_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[64];
    if (fd < 0) {
        fd = memfd_create("conf", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (size == 0)
        return 0;
    must(ftruncate(fd, 0) == 0 && pwrite(fd, data + 1, size - 1, 0) == (ssize_t)(size - 1));
    if (data[0] % 2 == 0)
        forwarding_agent(path);
    else
        authentication_server(path);
    return 0;
}
