/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/reg.h"

#include "hip/param_nat.h"

uint8_t hip_reg_grant(uint8_t wanted, uint8_t min, uint8_t max)
{
    if (wanted == 0)
        return 0;
    return wanted < min ? min : wanted > max ? max : wanted;
}

uint32_t hip_reg_seconds(uint8_t lifetime)
{
    return (uint32_t)(hip_reg_lifetime_us(lifetime) / 1000000);
}

bool hip_reg_has(const uint8_t *types, uint8_t n, uint8_t type)
{
    for (uint8_t i = 0; i < n; i++)
        if (types[i] == type)
            return true;
    return false;
}

bool hip_reg_ends(const struct hip_reg_list *l, uint8_t type)
{
    return l->present && ((l->lifetime == 0 && hip_reg_has(l->type, l->n, type)) ||
                          hip_reg_has(l->ended, l->n_ended, type));
}

static void add_types(uint8_t *to, uint8_t *n, const struct hip_reg_list *from)
{
    for (uint8_t i = 0; i < from->n && *n < HIP_REG_TYPES_MAX; i++)
        if (!hip_reg_has(to, *n, from->type[i]))
            to[(*n)++] = from->type[i];
}

/* RFC 8003 s4.3, s4.4: one who sends several is understood. The answer has one lifetime, and a requester takes any: the shortest, so that nobody
 * counts on more than was asked or granted. */
static void merge(struct hip_reg_list *to, const struct hip_reg_list *from)
{
    struct hip_reg_list old = *to;
    if (!old.present) {
        *to = *from;
    } else if (from->lifetime == 0 && old.lifetime != 0) {
        add_types(to->ended, &to->n_ended, from);
    } else if (from->lifetime != 0 && old.lifetime == 0) {
        *to = *from;
        add_types(to->ended, &to->n_ended, &old);
    } else {
        if (from->lifetime < to->lifetime)
            to->lifetime = from->lifetime;
        add_types(to->type, &to->n, from);
    }
}

/* A transport address of the relays': UDP, and something that can be sent to (RFC 9028 s5.6, s5.12). */
static err read_udp(struct span v, struct addr *out)
{
    struct hip_transport_addr t;
    err r = hip_get_transport_addr(v, &t);
    if (r != ERR_OK)
        return r;
    if (t.protocol != HIP_PROTO_UDP || !hip_transport_addr_ok(&t))
        return ERR_MALFORMED;
    *out = t.addr;
    return ERR_OK;
}

static err read_permission(struct span v, struct hip_contents *c)
{
    struct hip_peer_permission p;
    err r = hip_get_peer_permission(v, &p);
    if (r != ERR_OK)
        return r;
    struct hip_transport_addr relayed = { p.protocol, p.relayed }, peer = { p.protocol, p.peer };
    if (p.protocol != HIP_PROTO_UDP || !hip_transport_addr_ok(&relayed) || !hip_transport_addr_ok(&peer) ||
        p.spi_out < 256 || p.spi_in < 256)
        return ERR_MALFORMED;
    c->permission = p;
    c->has_permission = true;
    return ERR_OK;
}

static err read_one(const struct hip_par *par, struct hip_contents *c)
{
    struct hip_reg_list l;
    err r = ERR_OK;
    switch (par->type) {
    case HIP_PAR_REG_INFO:
        r = hip_get_reg_info(par->v, &c->info);
        c->info.present = r == ERR_OK;
        break;
    case HIP_PAR_REG_REQUEST:
    case HIP_PAR_REG_RESPONSE:
        r = hip_get_reg_list(par->v, &l);
        if (r == ERR_OK)
            merge(par->type == HIP_PAR_REG_REQUEST ? &c->request : &c->response, &l);
        break;
    case HIP_PAR_REG_FAILED:
        if (c->n_failed == sizeof c->failed / sizeof *c->failed)
            break;
        r = hip_get_reg_failed(par->v, &c->failed[c->n_failed]);
        if (r == ERR_OK)
            c->n_failed++;
        break;
    case HIP_PAR_REG_FROM:
        r = read_udp(par->v, &c->reg_from);
        break;
    case HIP_PAR_RELAYED_ADDRESS:
        r = read_udp(par->v, &c->relayed);
        break;
    case HIP_PAR_PEER_PERMISSION:
        r = read_permission(par->v, c);
        break;
    default:
        break;
    }
    return r;
}

/* Those of one type stand one behind the other (RFC 7401 s5.2.1). */
static struct span certs_of(const struct hip_params *p)
{
    const struct hip_par *first = hip_par_get(p, HIP_PAR_CERT);
    if (!first)
        return span_of(NULL, 0);
    const struct hip_par *last = first + hip_par_count(p, HIP_PAR_CERT) - 1;
    struct span from = hip_par_tlv(p, first), to = hip_par_tlv(p, last);
    return span_of(from.p, (size_t)(to.p + to.n - from.p));
}

int hip_reg_read(const struct hip_params *p, struct hip_contents *out)
{
    struct hip_contents c = { .inner = out->inner, .certs = certs_of(p) };
    for (size_t i = 0; i < p->n; i++)
        if (read_one(&p->par[i], &c) != ERR_OK)
            return HIP_DROP_PARAM_MALFORMED;
    *out = c;
    return HIP_TAKEN;
}

static void put_udp(struct hip_build *b, uint16_t type, const struct addr *a)
{
    hip_put_transport_addr(b, type, &(struct hip_transport_addr){ .protocol = HIP_PROTO_UDP, .addr = *a });
}

void hip_reg_put(struct hip_build *b, const struct hip_contents *c)
{
    if (c->info.present)
        hip_put_reg_info(b, &c->info);
    if (c->request.present)
        hip_put_reg_list(b, HIP_PAR_REG_REQUEST, &c->request);
    if (c->response.present)
        hip_put_reg_list(b, HIP_PAR_REG_RESPONSE, &c->response);
    for (uint8_t i = 0; i < c->n_failed && i < sizeof c->failed / sizeof *c->failed; i++)
        hip_put_reg_failed(b, &c->failed[i]);
    if (c->reg_from.family != ADDR_NONE)
        put_udp(b, HIP_PAR_REG_FROM, &c->reg_from);
}

void hip_reg_put_relay(struct hip_build *b, const struct hip_contents *c, uint8_t packet)
{
    if (c->relayed.family != ADDR_NONE)
        put_udp(b, HIP_PAR_RELAYED_ADDRESS, &c->relayed);
    if (c->has_permission && packet == HIP_PKT_UPDATE)
        hip_put_peer_permission(b, &c->permission);
}

bool hip_reg_wants_echo(const struct hip_contents *c)
{
    return c->request.present && (hip_reg_has(c->request.type, c->request.n, HIP_REGT_RELAY_UDP_ESP) ||
                                  hip_reg_has(c->request.type, c->request.n, HIP_REGT_CANDIDATE_DISCOVERY));
}

bool hip_contents_empty(const struct hip_contents *c)
{
    return !c->info.present && !c->request.present && !c->response.present && c->n_failed == 0 &&
           c->reg_from.family == ADDR_NONE && c->relayed.family == ADDR_NONE && !c->has_permission &&
           span_empty(c->inner);
}
