/* SPDX-License-Identifier: Apache-2.0
 * hiphostd's configuration: whatever stands in the file, it is read or refused with a line. */
#include <stdlib.h>
#include <string.h>

#include "common/crypto/secret.h"
#include "host/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct host_settings s;
    static int up;
    struct rt_conf *c = NULL;
    char why[RT_CONF_WHY_MAX] = "";

    if (!up && crypto_init() != ERR_OK)
        abort();
    up = 1;
    if (rt_conf_parse(span_of(data, size), "x.yaml", host_schema, &c, why) == ERR_OK) {
        err e = host_settings_read(c, &s, why);
        if (e && strncmp(why, "x.yaml:", 7) != 0)
            abort();
        rt_conf_free(c);
    } else if (strncmp(why, "x.yaml:", 7) != 0) {
        abort();
    }
    return 0;
}
