/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/identity.h"

#include <stdio.h>
#include <string.h>

#include "common/crypto/hash.h"
#include "common/crypto/secret.h"

#define KEY_FILE_MAX 8192

static err say(err e, char *why, const char *path, const char *what)
{
    snprintf(why, RT_FILE_WHY_MAX, "%s: %s: %s", path, what, err_text(e));
    return e;
}

static err make(const char *path, enum sig_type type, unsigned bits, struct hip_hi *out, char *why)
{
    struct hip_hi hi;
    uint8_t *der = NULL;
    size_t n = 0;
    err e = hip_hi_generate(type, bits, &hi);
    if (e != ERR_OK)
        return say(e, why, path, "making a host identity");
    e = sig_to_private(hi.key, &der, &n);
    if (e != ERR_OK)
        (void)say(e, why, path, "making a host identity");
    else
        e = rt_file_write(path, span_of(der, n), why); /* whole and on disk, or not at all */
    sec_free(der);
    if (e == ERR_OK)
        *out = hi;
    else
        hip_hi_done(&hi);
    return e;
}

err fa_identity_open(const char *path, enum sig_type type, unsigned bits, struct hip_hi *out,
                     char why[RT_FILE_WHY_MAX])
{
    uint8_t *der = NULL;
    size_t n = 0;
    err e = rt_file_read_secret(path, KEY_FILE_MAX, &der, &n, why);
    if (e == ERR_NOT_FOUND)
        return make(path, type, bits, out, why);
    if (e != ERR_OK)
        return e;
    e = hip_hi_from_private(span_of(der, n), out);
    sec_free(der);
    return e == ERR_OK ? e : say(e, why, path, "host identity");
}

err fa_identity_log_key(const struct hip_hi *hi, uint8_t out[16])
{
    uint8_t *der = NULL, mac[32];
    size_t n = 0;
    err e = sig_to_private(hi->key, &der, &n);
    if (e == ERR_OK)
        e = hmac_once(HASH_SHA256, span_of(der, n), span_str("hipfa log"), mac);
    if (e == ERR_OK)
        memcpy(out, mac, 16);
    sec_free(der);
    sec_wipe(mac, sizeof mac);
    return e;
}
