/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/param_loc.h"

/* Octets of the Locator field for the types we know (RFC 8046 s4.2, RFC 9028 s5.7); 0: another type. */
static size_t locator_len(uint8_t type)
{
    switch (type) {
    case HIP_LOC_ADDR:
        return 16;
    case HIP_LOC_SPI:
        return 20;
    case HIP_LOC_UDP:
        return 28;
    default:
        return 0;
    }
}

const char *hip_locator_kind_name(enum hip_locator_kind k)
{
    static const char *const text[] = { "host", "server reflexive", "peer reflexive", "relayed" };
    return (size_t)k < sizeof text / sizeof text[0] ? text[k] : "unknown";
}

static void get_address(struct rcur *c, struct addr *out)
{
    uint8_t ip[16];
    rcur_copy(c, ip, sizeof(ip));
    *out = addr_from_mapped(ip);
}

static void put_address(struct wcur *w, const struct addr *a)
{
    uint8_t ip[16];
    addr_to_mapped(a, ip);
    wcur_put(w, ip, sizeof(ip));
}

static err locator_get(struct rcur *c, struct hip_locator *l)
{
    *l = (struct hip_locator){ .traffic = rcur_u8(c) };
    l->type = rcur_u8(c);
    size_t len = (size_t)rcur_u8(c) * 4;
    l->preferred = rcur_u8(c) & 1;
    l->lifetime_s = rcur_u32(c);
    l->raw = rcur_take(c, len);
    if (!rcur_ok(c) || l->lifetime_s == 0 || l->traffic > HIP_LOC_DATA)
        return ERR_MALFORMED;
    size_t want = locator_len(l->type);
    if (want == 0)
        return ERR_OK;
    if (len != want)
        return ERR_MALFORMED;
    struct rcur in = rcur_of(l->raw);
    uint16_t port = 0;
    if (l->type == HIP_LOC_UDP) {
        port = rcur_u16(&in);
        l->protocol = rcur_u8(&in);
        l->kind = rcur_u8(&in);
        l->priority = rcur_u32(&in);
    }
    if (l->type != HIP_LOC_ADDR)
        l->spi = rcur_u32(&in);
    get_address(&in, &l->addr);
    l->addr.port = port;
    return rcur_end(&in) ? ERR_OK : ERR_MALFORMED;
}

err hip_get_locator_set(struct span v, struct hip_locator_set *out)
{
    struct rcur c = rcur_of(v);
    struct hip_locator_set s = { 0 };
    while (rcur_left(&c) > 0) {
        if (s.n == HIP_LOCATOR_SET_MAX)
            return ERR_FULL;
        err e = locator_get(&c, &s.v[s.n]);
        if (e != ERR_OK)
            return e;
        s.n++;
    }
    *out = s;
    return ERR_OK;
}

static void locator_put(struct wcur *w, const struct hip_locator *l)
{
    size_t len = locator_len(l->type);
    wcur_u8(w, l->traffic);
    wcur_u8(w, l->type);
    wcur_u8(w, (uint8_t)((len ? len : l->raw.n) / 4));
    wcur_u8(w, l->preferred);
    wcur_u32(w, l->lifetime_s);
    if (len == 0) {
        wcur_span(w, l->raw);
        return;
    }
    if (l->type == HIP_LOC_UDP) {
        wcur_u16(w, l->addr.port);
        wcur_u8(w, l->protocol);
        wcur_u8(w, l->kind);
        wcur_u32(w, l->priority);
    }
    if (l->type != HIP_LOC_ADDR)
        wcur_u32(w, l->spi);
    put_address(w, &l->addr);
}

void hip_put_locator_set(struct hip_build *b, const struct hip_locator_set *s)
{
    struct wcur *w = hip_build_open(b, HIP_PAR_LOCATOR_SET);
    for (size_t i = 0; i < s->n; i++)
        locator_put(w, &s->v[i]);
    hip_build_close(b);
}
