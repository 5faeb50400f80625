/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/core/relay.h"

#include "hip/drop.h"

#define ESP_MIN 8 /* SPI and sequence number, RFC 4303 s2 */

static uint32_t many(const struct fa_relay_in *in)
{
    return in->packets ? in->packets : 1;
}

int fa_relay_decide(const struct fa_flows *t, const struct fa_relay_in *in, uint64_t now,
                    struct fa_relay_out *out)
{
    struct fa_flow f;
    struct fa_end local = fa_end_of(&in->local), from = fa_end_of(&in->from);
    bool client = in->local.port == fa_flows_hip_port(t);
    if (in->len < ESP_MIN * many(in))
        return HIP_DROP_TRUNCATED;
    if (!client && fa_flows_port_client(t, in->local.port) == FA_FLOW_NONE)
        return HIP_DROP_NOT_REGISTERED;
    uint32_t slot = client ? fa_flows_find_out(t, &from, &local, in->spi, &f)
                           : fa_flows_find_in(t, &local, &from, in->spi, &f);
    if (slot == FA_FLOW_NONE || f.expires_us <= now)
        return HIP_DROP_NO_PERMISSION;
    int drop = fa_flows_may(t, f.owner, many(in), in->len, now);
    if (drop != HIP_TAKEN)
        return drop;
    *out = (struct fa_relay_out){
        .local = fa_end_addr(client ? &f.relayed : &f.local),
        .to = fa_end_addr(client ? &f.peer : &f.client),
        .flow = slot,
        .client = f.owner,
        .client_gen = f.owner_gen,
        .out = client,
    };
    return HIP_TAKEN;
}

int fa_relay_commit(struct fa_flows *t, const struct fa_relay_in *in, const struct fa_relay_out *out,
                    uint64_t now)
{
    return fa_flows_take(t, out->client, out->client_gen, out->out, many(in), in->len, now);
}

/* Who had this refused: the client whose relayed port it came to, or whose flow it would have been. */
static uint32_t whose(const struct fa_flows *t, const struct fa_relay_in *in)
{
    struct fa_flow f;
    if (in->local.port != fa_flows_hip_port(t))
        return fa_flows_port_client(t, in->local.port);
    struct fa_end local = fa_end_of(&in->local), from = fa_end_of(&in->from);
    return fa_flows_find_out(t, &from, &local, in->spi, &f) == FA_FLOW_NONE ? FA_FLOW_NONE : f.owner;
}

int fa_relay_esp(struct fa_flows *t, const struct fa_relay_in *in, uint64_t now, struct fa_relay_out *out)
{
    struct fa_relay_out o;
    int drop = fa_relay_decide(t, in, now, &o);
    if (drop == HIP_TAKEN)
        drop = fa_relay_commit(t, in, &o, now);
    if (drop == HIP_TAKEN)
        *out = o;
    else if (many(in) == 1 || (drop != HIP_DROP_OVER_QUOTA && drop != HIP_DROP_RELAY_BUSY))
        fa_flows_refuse(t, whose(t, in), many(in), drop);
    return drop;
}

/* ---- where nothing is relayed to ---- */

/* 0.0.0.0/8 and 240.0.0.0/4 name nobody (RFC 1122 s3.2.1.3, RFC 1112 s4); nor do v4 addresses inside IPv6 forms that a kernel may send as IPv4. */
static bool reserved(const struct addr *a)
{
    if (a->family == ADDR_V4)
        return a->ip[0] == 0 || a->ip[0] >= 240;
    for (size_t i = 0; i < 10; i++)
        if (a->ip[i])
            return false;
    return true;
}

bool fa_relay_forbidden(const struct fa_closed *c, const struct fa_flows *t, const struct addr *to)
{
    if (addr_ip_len(to) == 0 || to->port == 0 || addr_is_unspecified(to) || addr_is_multicast(to) ||
        addr_is_loopback(to) || addr_is_link_local(to) || reserved(to))
        return true;
    for (size_t i = 0; i < c->n_local; i++)
        if (addr_same_ip(to, &c->local[i]))
            return !t || fa_flows_port_client(t, to->port) == FA_FLOW_NONE;
    for (size_t i = 0; i < c->n_prefix; i++)
        if (addr_in_prefix(to, &c->prefix[i].net, c->prefix[i].bits))
            return true;
    return false;
}
