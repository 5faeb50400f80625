/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/hex.h"

char *hex_encode(struct span s, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < s.n; i++) {
        out[2 * i] = digits[s.p[i] >> 4];
        out[2 * i + 1] = digits[s.p[i] & 15];
    }
    out[2 * s.n] = 0;
    return out;
}

/* 0-15, or -1. */
static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

err hex_decode(const char *text, size_t len, uint8_t *out, size_t cap, size_t *out_len)
{
    if (len % 2)
        return ERR_MALFORMED;
    if (len / 2 > cap)
        return ERR_SPACE;
    for (size_t i = 0; i < len; i++)
        if (nibble(text[i]) < 0)
            return ERR_MALFORMED;
    for (size_t i = 0; i < len / 2; i++)
        out[i] = (uint8_t)((unsigned)nibble(text[2 * i]) << 4 | (unsigned)nibble(text[2 * i + 1]));
    *out_len = len / 2;
    return ERR_OK;
}
