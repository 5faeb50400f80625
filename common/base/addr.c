/* SPDX-License-Identifier: Apache-2.0
 *
 * Text forms: IPv4 dotted decimal without leading zeros; IPv6 RFC 4291 s2.2 in, RFC 5952 out, with a numeric zone (%index).
 */
#include "common/base/addr.h"

#include <stdio.h>
#include <string.h>

/* Decimal digits from *p up to max; false when there are none, too many, or a leading zero. */
static bool read_dec(const char **p, uint32_t max, uint32_t *out)
{
    const char *s = *p;
    uint64_t v = 0;
    if (*s < '0' || *s > '9')
        return false;
    if (s[0] == '0' && s[1] >= '0' && s[1] <= '9')
        return false;
    while (*s >= '0' && *s <= '9') {
        v = v * 10 + (uint64_t)(*s++ - '0');
        if (v > max)
            return false;
    }
    *out = (uint32_t)v;
    *p = s;
    return true;
}

/* a.b.c.d; *p stands behind it afterwards. */
static bool read_v4(const char **p, uint8_t out[4])
{
    const char *s = *p;
    for (int i = 0; i < 4; i++) {
        uint32_t v;
        if (i > 0 && *s++ != '.')
            return false;
        if (!read_dec(&s, 255, &v))
            return false;
        out[i] = (uint8_t)v;
    }
    *p = s;
    return true;
}

/* Up to four hexadecimal digits. */
static bool read_group(const char **p, uint32_t *out)
{
    const char *s = *p;
    uint32_t v = 0;
    int n = 0;
    for (; n < 4; n++, s++) {
        uint32_t d;
        if (*s >= '0' && *s <= '9')
            d = (uint32_t)(*s - '0');
        else if (*s >= 'a' && *s <= 'f')
            d = (uint32_t)(*s - 'a') + 10;
        else if (*s >= 'A' && *s <= 'F')
            d = (uint32_t)(*s - 'A') + 10;
        else
            break;
        v = v << 4 | d;
    }
    *out = v;
    *p = s;
    return n > 0;
}

static bool read_v6(const char **p, uint8_t out[16])
{
    const char *s = *p;
    uint8_t b[16] = { 0 };
    size_t n = 0;
    int gap = -1; /* octet where "::" stands */
    if (s[0] == ':' && s[1] == ':') {
        gap = 0;
        s += 2;
    }
    while (n < 16) {
        const char *start = s;
        uint32_t g;
        if (!read_group(&s, &g)) {
            if (gap == (int)n) /* "::" at the end */
                break;
            return false;
        }
        if (*s == '.') {
            s = start;
            if (n > 12 || !read_v4(&s, b + n))
                return false;
            n += 4;
            break;
        }
        b[n++] = (uint8_t)(g >> 8);
        b[n++] = (uint8_t)g;
        if (*s != ':' || n == 16)
            break;
        s++;
        if (*s == ':') {
            if (gap >= 0)
                return false;
            gap = (int)n;
            s++;
        }
    }
    if (gap < 0 ? n != 16 : n > 14)
        return false;
    if (gap >= 0) {
        size_t tail = n - (size_t)gap;
        memmove(b + 16 - tail, b + gap, tail);
        memset(b + gap, 0, 16 - n);
    }
    memcpy(out, b, 16);
    *p = s;
    return true;
}

err addr_parse(const char *text, struct addr *out)
{
    struct addr a = { 0 };
    const char *s = text;
    uint32_t v;
    bool bracket = *s == '[';
    if (!bracket && read_v4(&s, a.ip)) {
        a.family = ADDR_V4;
    } else {
        s = text + bracket;
        if (!read_v6(&s, a.ip))
            return ERR_MALFORMED;
        a.family = ADDR_V6;
        if (*s == '%') {
            s++;
            if (!read_dec(&s, UINT32_MAX, &a.scope))
                return ERR_MALFORMED;
        }
        if (bracket && *s++ != ']')
            return ERR_MALFORMED;
    }
    if (*s == ':' && (a.family == ADDR_V4 || bracket)) {
        s++;
        if (!read_dec(&s, UINT16_MAX, &v))
            return ERR_MALFORMED;
        a.port = (uint16_t)v;
    }
    if (*s)
        return ERR_MALFORMED;
    *out = a;
    return ERR_OK;
}

static bool is_mapped(const uint8_t ip[16])
{
    static const uint8_t head[12] = { [10] = 0xff, [11] = 0xff };
    return memcmp(ip, head, sizeof head) == 0;
}

/* RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups as "::". out holds 46. */
static void format_v6(const uint8_t ip[16], char *out, size_t cap)
{
    unsigned g[8];
    int best = -1, best_len = 1;
    if (is_mapped(ip)) {
        snprintf(out, cap, "::ffff:%u.%u.%u.%u", ip[12], ip[13], ip[14], ip[15]);
        return;
    }
    for (size_t i = 0; i < 8; i++)
        g[i] = (unsigned)ip[2 * i] << 8 | ip[2 * i + 1];
    for (int i = 0; i < 8; i++) {
        int j = i;
        while (j < 8 && g[j] == 0)
            j++;
        if (j - i > best_len) {
            best = i;
            best_len = j - i;
        }
        if (j > i)
            i = j;
    }
    size_t n = 0;
    for (int i = 0; i < 8; i++) {
        if (i == best) {
            n += (size_t)snprintf(out + n, cap - n, "::");
            i += best_len - 1;
            continue;
        }
        bool colon = i > 0 && (best < 0 || i != best + best_len);
        n += (size_t)snprintf(out + n, cap - n, "%s%x", colon ? ":" : "", g[i]);
    }
}

const char *addr_format(const struct addr *a, char out[ADDR_TEXT_MAX])
{
    char ip[48] = "none", zone[16] = "";
    if (a->family == ADDR_V4)
        snprintf(ip, sizeof ip, "%u.%u.%u.%u", a->ip[0], a->ip[1], a->ip[2], a->ip[3]);
    else if (a->family == ADDR_V6)
        format_v6(a->ip, ip, sizeof ip);
    if (a->family == ADDR_V6 && a->scope)
        snprintf(zone, sizeof zone, "%%%u", a->scope);
    if (!a->port)
        snprintf(out, ADDR_TEXT_MAX, "%s%s", ip, zone);
    else if (a->family == ADDR_V6)
        snprintf(out, ADDR_TEXT_MAX, "[%s%s]:%u", ip, zone, a->port);
    else
        snprintf(out, ADDR_TEXT_MAX, "%s:%u", ip, a->port);
    return out;
}

bool addr_same_ip(const struct addr *a, const struct addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, addr_ip_len(a)) == 0;
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
    return addr_same_ip(a, b) && a->port == b->port && a->scope == b->scope;
}

size_t addr_ip_len(const struct addr *a)
{
    return a->family == ADDR_V4 ? 4 : a->family == ADDR_V6 ? 16 : 0;
}

struct addr addr_v4(uint32_t h)
{
    return (struct addr){ .family = ADDR_V4,
                          .ip = { (uint8_t)(h >> 24), (uint8_t)(h >> 16), (uint8_t)(h >> 8), (uint8_t)h } };
}

struct addr addr_v6(const uint8_t ip[16])
{
    struct addr a = { .family = ADDR_V6 };
    memcpy(a.ip, ip, 16);
    return a;
}

void addr_to_mapped(const struct addr *a, uint8_t out[16])
{
    memset(out, 0, 16);
    if (a->family == ADDR_V4) {
        out[10] = out[11] = 0xff;
        memcpy(out + 12, a->ip, 4);
    } else if (a->family == ADDR_V6) {
        memcpy(out, a->ip, 16);
    }
}

struct addr addr_from_mapped(const uint8_t in[16])
{
    if (!is_mapped(in))
        return addr_v6(in);
    struct addr a = { .family = ADDR_V4 };
    memcpy(a.ip, in + 12, 4);
    return a;
}

bool addr_is_link_local(const struct addr *a)
{
    if (a->family == ADDR_V4)
        return a->ip[0] == 169 && a->ip[1] == 254;
    return a->family == ADDR_V6 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

bool addr_is_loopback(const struct addr *a)
{
    if (a->family == ADDR_V4)
        return a->ip[0] == 127;
    static const uint8_t one[16] = { [15] = 1 };
    return a->family == ADDR_V6 && memcmp(a->ip, one, sizeof one) == 0;
}

bool addr_is_multicast(const struct addr *a)
{
    if (a->family == ADDR_V4)
        return (a->ip[0] & 0xf0) == 0xe0 || memcmp(a->ip, "\xff\xff\xff\xff", 4) == 0;
    return a->family == ADDR_V6 && a->ip[0] == 0xff;
}

bool addr_is_unspecified(const struct addr *a)
{
    static const uint8_t zero[16];
    return a->family == ADDR_NONE || memcmp(a->ip, zero, addr_ip_len(a)) == 0;
}

bool addr_is_private(const struct addr *a)
{
    if (a->family == ADDR_V4)
        return a->ip[0] == 10 || (a->ip[0] == 172 && (a->ip[1] & 0xf0) == 16) ||
               (a->ip[0] == 192 && a->ip[1] == 168);
    return a->family == ADDR_V6 && (a->ip[0] & 0xfe) == 0xfc;
}

bool addr_in_prefix(const struct addr *a, const struct addr *prefix, unsigned bits)
{
    if (a->family != prefix->family || bits > 8 * addr_ip_len(a))
        return false;
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(a->ip, prefix->ip, whole) != 0)
        return false;
    return rest == 0 || ((a->ip[whole] ^ prefix->ip[whole]) >> (8 - rest)) == 0;
}
