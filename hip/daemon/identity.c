/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/daemon/identity.h"

#include <stdio.h>

#include "common/crypto/secret.h"

#define KEY_FILE_MAX 8192

static err say(err e, char *why, const char *path, const char *what)
{
    (void)snprintf(why, RT_FILE_WHY_MAX, "%s: %s: %s", path, what, err_text(e));
    return e;
}

static err make(const char *path, enum sig_type type, unsigned bits, struct hip_hi *out, char *why)
{
    struct hip_hi hi;
    uint8_t *der = NULL;
    size_t len = 0;
    err e = hip_hi_generate(type, bits, &hi);

    if (e)
        return say(e, why, path, "a new host identity");
    e = sig_to_private(hi.key, &der, &len);
    if (e)
        (void)say(e, why, path, "a new host identity");
    else
        e = rt_file_write(path, span_of(der, len), why);
    sec_free(der);
    if (e)
        hip_hi_done(&hi);
    else
        *out = hi;
    return e;
}

err hipd_identity_open(const char *path, enum sig_type type, unsigned bits, struct hip_hi *out,
                       char why[RT_FILE_WHY_MAX])
{
    uint8_t *der = NULL;
    size_t len = 0;
    err e = rt_file_read_secret(path, KEY_FILE_MAX, &der, &len, why);

    if (e == ERR_NOT_FOUND)
        return make(path, type, bits, out, why);
    if (e)
        return e;
    e = hip_hi_from_private(span_of(der, len), out);
    sec_free(der);
    return e ? say(e, why, path, "host identity") : ERR_OK;
}
