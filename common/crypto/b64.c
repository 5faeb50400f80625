/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/b64.h"

#include <sodium.h>

char *b64_encode(struct span s, char *out)
{
    return sodium_bin2base64(out, B64_LEN(s.n) + 1, s.p, s.n, sodium_base64_VARIANT_ORIGINAL);
}

err b64_decode(const char *text, size_t len, uint8_t *out, size_t cap, size_t *out_len)
{
    size_t n, pad = 0;
    unsigned char all = 0;
    /* errno does not tell "does not fit" from "ends too early": both may leave ERANGE */
    if (len % 4 != 0)
        return ERR_MALFORMED;
    while (pad < 2 && pad < len && text[len - 1 - pad] == '=')
        pad++;
    if (len / 4 * 3 - pad > cap)
        return ERR_SPACE;
    for (size_t i = 0; i < len; i++)
        all |= (unsigned char)text[i];
    if (all & 0x80) /* libsodium 1.0.18 takes each of these for '/' */
        return ERR_MALFORMED;
    if (sodium_base642bin(out, cap, text, len, NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
        return ERR_MALFORMED;
    *out_len = n;
    return ERR_OK;
}
