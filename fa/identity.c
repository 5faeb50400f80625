/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/identity.h"

#include <string.h>

#include "common/crypto/hash.h"
#include "common/crypto/secret.h"

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
