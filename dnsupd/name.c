/* SPDX-License-Identifier: Apache-2.0
 *
 * Names out of text are ldns's work. Ours, and why: out of wire, since ldns_wire2dname() follows pointers forwards and where none may stand, and has
 * one error for "cut off" and "reserved label"; into text, which here cannot fail, and since ldns leaves '"', '@' and '$' bare;
 * comparison, since ldns_dname_is_subdomain() makes four copies for each label.
 */
#include "dnsupd/name.h"

#include <ldns/str2host.h>
#include <string.h>

#define LABEL_MAX 63

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

err dnsu_name_from_text(const char *text, struct dnsu_name *out)
{
    ldns_rdf *d = NULL;
    struct dnsu_name n = { 0 };
    ldns_status s = ldns_str2rdf_dname(&d, text);
    if (s != LDNS_STATUS_OK)
        return s == LDNS_STATUS_MEM_ERR ? ERR_MEMORY : ERR_MALFORMED;
    if (!d) /* it does not look at what its last allocation gave */
        return ERR_MEMORY;
    size_t len = ldns_rdf_size(d);
    bool fits = len > 0 && len <= DNSU_NAME_MAX;
    if (fits) {
        memcpy(n.wire, ldns_rdf_data(d), len);
        n.len = (uint8_t)len;
        *out = n;
    }
    ldns_rdf_deep_free(d);
    return fits ? ERR_OK : ERR_MALFORMED;
}

const char *dnsu_name_text(const struct dnsu_name *n, char out[DNSU_NAME_TEXT_MAX])
{
    size_t o = 0;
    if (n->len <= 1) {
        memcpy(out, n->len ? "." : "", n->len ? 2 : 1);
        return out;
    }
    for (size_t i = 0; i < n->len && n->wire[i];) {
        size_t end = i + 1 + n->wire[i];
        for (i++; i < end && i < n->len; i++) {
            uint8_t c = n->wire[i];
            if (c == '.' || c == '\\' || c == '"' || c == ';' || c == '(' || c == ')' || c == '@' ||
                c == '$') {
                out[o++] = '\\';
                out[o++] = (char)c;
            } else if (c > ' ' && c < 127) {
                out[o++] = (char)c;
            } else {
                out[o++] = '\\';
                out[o++] = (char)('0' + c / 100);
                out[o++] = (char)('0' + c / 10 % 10);
                out[o++] = (char)('0' + c % 10);
            }
        }
        out[o++] = '.';
    }
    out[o] = 0;
    return out;
}

err dnsu_name_read(struct rcur *c, struct dnsu_name *out)
{
    struct dnsu_name n = { 0 };
    size_t len = 0;
    for (;;) {
        uint8_t l = rcur_u8(c);
        if (!rcur_ok(c))
            return ERR_TRUNCATED;
        /* 11: compression pointer, 01 and 10: reserved (RFC 1035 s4.1.4) */
        if (l > LABEL_MAX || len + 1u + l + (l ? 1u : 0u) > DNSU_NAME_MAX) {
            rcur_fail(c);
            return ERR_MALFORMED;
        }
        n.wire[len++] = l;
        if (l == 0)
            break;
        rcur_copy(c, n.wire + len, l);
        len += l;
    }
    if (!rcur_ok(c))
        return ERR_TRUNCATED;
    n.len = (uint8_t)len;
    *out = n;
    return ERR_OK;
}

err dnsu_name_from_wire(struct span s, struct dnsu_name *out)
{
    struct rcur c = rcur_of(s);
    struct dnsu_name n;
    err e = dnsu_name_read(&c, &n);
    if (e != ERR_OK)
        return e;
    if (!rcur_end(&c))
        return ERR_MALFORMED;
    *out = n;
    return ERR_OK;
}

void dnsu_name_lower(struct dnsu_name *n)
{
    /* length octets are at most 63 and so never letters */
    for (size_t i = 0; i < n->len; i++)
        n->wire[i] = lower(n->wire[i]);
}

static bool same_octets(const uint8_t *a, const uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (lower(a[i]) != lower(b[i]))
            return false;
    return true;
}

bool dnsu_name_eq(const struct dnsu_name *a, const struct dnsu_name *b)
{
    return a->len == b->len && same_octets(a->wire, b->wire, a->len);
}

bool dnsu_name_in(const struct dnsu_name *n, const struct dnsu_name *zone)
{
    size_t i = 0;
    if (zone->len == 0 || n->len < zone->len)
        return false;
    while (n->len - i > zone->len)
        i += 1u + n->wire[i];
    return n->len - i == zone->len && same_octets(n->wire + i, zone->wire, zone->len);
}
