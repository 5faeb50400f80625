/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/param_nat.h"

static struct addr get_address(struct rcur *c)
{
    uint8_t ip[16];
    rcur_copy(c, ip, sizeof(ip));
    return addr_from_mapped(ip);
}

static void put_address(struct wcur *w, const struct addr *a)
{
    uint8_t ip[16];
    addr_to_mapped(a, ip);
    wcur_put(w, ip, sizeof(ip));
}

err hip_get_from(struct span v, struct addr *out)
{
    struct rcur c = rcur_of(v);
    struct addr a = get_address(&c);
    if (!rcur_end(&c))
        return ERR_MALFORMED;
    *out = a;
    return ERR_OK;
}

void hip_put_from(struct hip_build *b, const struct addr *a)
{
    put_address(hip_build_open(b, HIP_PAR_FROM), a);
    hip_build_close(b);
}

err hip_get_via_rvs(struct span v, struct hip_via *out)
{
    struct rcur c = rcur_of(v);
    struct hip_via l = { 0 };
    if (v.n == 0 || v.n % 16)
        return ERR_MALFORMED;
    if (v.n / 16 > HIP_VIA_MAX)
        return ERR_FULL;
    while (rcur_left(&c) > 0)
        l.v[l.n++] = get_address(&c);
    *out = l;
    return ERR_OK;
}

void hip_put_via_rvs(struct hip_build *b, const struct hip_via *l)
{
    struct wcur *w = hip_build_open(b, HIP_PAR_VIA_RVS);
    for (size_t i = 0; i < l->n; i++)
        put_address(w, &l->v[i]);
    hip_build_close(b);
}

err hip_get_transport_addr(struct span v, struct hip_transport_addr *out)
{
    struct rcur c = rcur_of(v);
    struct hip_transport_addr t = { 0 };
    uint16_t port = rcur_u16(&c);
    t.protocol = rcur_u8(&c);
    rcur_skip(&c, 1);
    t.addr = get_address(&c);
    t.addr.port = port;
    if (!rcur_end(&c))
        return ERR_MALFORMED;
    *out = t;
    return ERR_OK;
}

void hip_put_transport_addr(struct hip_build *b, uint16_t type, const struct hip_transport_addr *t)
{
    struct wcur *w = hip_build_open(b, type);
    wcur_u16(w, t->addr.port);
    wcur_u8(w, t->protocol);
    wcur_u8(w, 0);
    put_address(w, &t->addr);
    hip_build_close(b);
}

void hip_write_transport_addr(const struct addr *a, uint8_t out[HIP_TRANSPORT_ADDR_LEN])
{
    out[0] = (uint8_t)(a->port >> 8);
    out[1] = (uint8_t)a->port;
    out[2] = a->port ? HIP_PROTO_UDP : 0;
    out[3] = 0;
    addr_to_mapped(a, out + 4);
}

bool hip_transport_addr_ok(const struct hip_transport_addr *a)
{
    if (a->protocol == HIP_PROTO_UDP ? a->addr.port == 0 : a->protocol != 0 || a->addr.port != 0)
        return false;
    return !addr_is_multicast(&a->addr) && !addr_is_unspecified(&a->addr);
}

err hip_get_nat_modes(struct span v, struct hip_ids16 *out)
{
    return hip_get_ids16(v, 2, out);
}

void hip_put_nat_modes(struct hip_build *b, const struct hip_ids16 *l)
{
    hip_put_ids16(b, HIP_PAR_NAT_TRAVERSAL_MODE, 2, l);
}

err hip_get_u32(struct span v, uint32_t *out)
{
    struct rcur c = rcur_of(v);
    uint32_t n = rcur_u32(&c);
    if (!rcur_end(&c))
        return ERR_MALFORMED;
    *out = n;
    return ERR_OK;
}

void hip_put_u32(struct hip_build *b, uint16_t type, uint32_t v)
{
    wcur_u32(hip_build_open(b, type), v);
    hip_build_close(b);
}

/* RFC 9028 s5.13: RPort PPort Protocol Reserved(3) RAddress PAddress OSPI ISPI. */
err hip_get_peer_permission(struct span v, struct hip_peer_permission *out)
{
    struct rcur c = rcur_of(v);
    struct hip_peer_permission p = { 0 };
    uint16_t relayed_port = rcur_u16(&c);
    uint16_t peer_port = rcur_u16(&c);
    p.protocol = rcur_u8(&c);
    rcur_skip(&c, 3);
    p.relayed = get_address(&c);
    p.peer = get_address(&c);
    p.relayed.port = relayed_port;
    p.peer.port = peer_port;
    p.spi_out = rcur_u32(&c);
    p.spi_in = rcur_u32(&c);
    if (!rcur_end(&c))
        return ERR_MALFORMED;
    *out = p;
    return ERR_OK;
}

void hip_put_peer_permission(struct hip_build *b, const struct hip_peer_permission *p)
{
    struct wcur *w = hip_build_open(b, HIP_PAR_PEER_PERMISSION);
    wcur_u16(w, p->relayed.port);
    wcur_u16(w, p->peer.port);
    wcur_u8(w, p->protocol);
    wcur_zero(w, 3);
    put_address(w, &p->relayed);
    put_address(w, &p->peer);
    wcur_u32(w, p->spi_out);
    wcur_u32(w, p->spi_in);
    hip_build_close(b);
}
