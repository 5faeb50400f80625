/* SPDX-License-Identifier: Apache-2.0 */
#include "dnsupd/b64.h"

/* All ones when lo <= x <= hi, else zero; no branch. */
static unsigned between(unsigned x, unsigned lo, unsigned hi)
{
    return (((lo - 1 - x) & (x - hi - 1)) >> 8) & 0xff;
}

static char enc6(unsigned v)
{
    unsigned c = (between(v, 0, 25) & (v + 'A')) | (between(v, 26, 51) & (v - 26 + 'a')) |
                 (between(v, 52, 61) & (v - 52 + '0')) | (between(v, 62, 62) & '+') |
                 (between(v, 63, 63) & '/');
    return (char)(c & 0xff);
}

/* 0 to 63, or 0x100 set when c is not of the alphabet. */
static unsigned dec6(unsigned c)
{
    unsigned up = between(c, 'A', 'Z'), lo = between(c, 'a', 'z'), di = between(c, '0', '9');
    unsigned pl = between(c, '+', '+'), sl = between(c, '/', '/');
    unsigned v = (up & (c - 'A')) | (lo & (c - 'a' + 26)) | (di & (c - '0' + 52)) | (pl & 62) | (sl & 63);
    return v | ((~(up | lo | di | pl | sl) & 0xff) ? 0x100u : 0u);
}

char *dnsu_b64_encode(struct span s, char *out)
{
    size_t o = 0;
    for (size_t i = 0; i < s.n; i += 3) {
        size_t left = s.n - i;
        unsigned v = (unsigned)s.p[i] << 16 | (left > 1 ? (unsigned)s.p[i + 1] << 8 : 0) |
                     (left > 2 ? s.p[i + 2] : 0u);
        out[o++] = enc6(v >> 18 & 63);
        out[o++] = enc6(v >> 12 & 63);
        out[o++] = left > 1 ? enc6(v >> 6 & 63) : '=';
        out[o++] = left > 2 ? enc6(v & 63) : '=';
    }
    out[o] = 0;
    return out;
}

err dnsu_b64_decode(const char *text, size_t len, uint8_t *out, size_t cap, size_t *out_len)
{
    size_t pad = 0, o = 0;
    unsigned bad = 0;
    if (len % 4 != 0)
        return ERR_MALFORMED;
    while (pad < 2 && pad < len && text[len - 1 - pad] == '=')
        pad++;
    if (len / 4 * 3 - pad > cap)
        return ERR_SPACE;
    for (size_t i = 0; i < len; i += 4) {
        size_t digits = i + 4 == len ? 4 - pad : 4;
        unsigned v = 0;
        for (size_t k = 0; k < 4; k++) {
            unsigned d = k < digits ? dec6((uint8_t)text[i + k]) : 0;
            bad |= d & 0x100;
            v = v << 6 | (d & 63);
        }
        out[o++] = (uint8_t)(v >> 16);
        if (digits > 2)
            out[o++] = (uint8_t)(v >> 8);
        if (digits > 3)
            out[o++] = (uint8_t)v;
        if (digits == 2)
            bad |= v & 0xffff;
        if (digits == 3)
            bad |= v & 0xff;
    }
    if (bad)
        return ERR_MALFORMED;
    *out_len = o;
    return ERR_OK;
}
