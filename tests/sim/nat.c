/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/nat.h"

#include <stdlib.h>
#include <string.h>

static struct addr parse(const char *text)
{
    struct addr a;
    if (addr_parse(text, &a) != ERR_OK)
        abort();
    return a;
}

void sim_nat_init(struct sim_nat *n, enum sim_nat_kind mapping, enum sim_nat_kind filtering,
                  const char *outside, const char *inside_prefix, unsigned bits)
{
    *n = (struct sim_nat){ .mapping = mapping,
                           .filtering = filtering,
                           .outside = parse(outside),
                           .inside = parse(inside_prefix),
                           .inside_bits = bits,
                           .next_port = 40001 };
}

bool sim_nat_inside(const struct sim_nat *n, const struct addr *a)
{
    return addr_in_prefix(a, &n->inside, n->inside_bits);
}

static bool same(const struct addr *a, const struct addr *b, enum sim_nat_kind kind)
{
    if (kind == SIM_NAT_ENDPOINT_INDEPENDENT)
        return true;
    return addr_same_ip(a, b) && (kind == SIM_NAT_ADDRESS_DEPENDENT || a->port == b->port);
}

static void expire(struct sim_nat *n, uint64_t now)
{
    for (size_t i = 0; i < SIM_NAT_MAPS; i++)
        if (n->map[i].used && n->timeout_us && now - n->map[i].last_us >= n->timeout_us)
            n->map[i].used = false;
}

static bool session(const struct sim_nat_map *m, const struct addr *peer)
{
    for (size_t i = 0; i < m->n_peers; i++)
        if (addr_same_ip(&m->peer[i], peer) && m->peer[i].port == peer->port)
            return true;
    return false;
}

static void sent_to(struct sim_nat_map *m, const struct addr *dst)
{
    if (session(m, dst))
        return;
    if (m->n_peers == SIM_NAT_PEERS)
        memmove(m->peer, m->peer + 1, --m->n_peers * sizeof m->peer[0]);
    m->peer[m->n_peers++] = *dst;
}

/* Replies leave by the mapping that the question came in by, when a box that has been opened holds several. */
static struct sim_nat_map *mapping(struct sim_nat *n, const struct addr *src, const struct addr *dst,
                                   uint64_t now)
{
    struct sim_nat_map *free_one = NULL, *fits = NULL;
    for (size_t i = 0; i < SIM_NAT_MAPS; i++) {
        struct sim_nat_map *m = &n->map[i];
        if (!m->used)
            free_one = free_one ? free_one : m;
        else if (addr_same_ip(&m->inside, src) && m->inside.port == src->port &&
                 same(&m->first, dst, n->mapping) && (!fits || (!session(fits, dst) && session(m, dst))))
            fits = m;
    }
    if (fits)
        return fits;
    if (free_one)
        *free_one = (struct sim_nat_map){
            .used = true, .inside = *src, .port = n->next_port, .first = *dst, .last_us = now
        };
    n->next_port += 7;
    return free_one;
}

bool sim_nat_out(struct sim_nat *n, struct addr *src, const struct addr *dst, uint64_t now)
{
    expire(n, now);
    struct sim_nat_map *m = mapping(n, src, dst, now);
    if (!m)
        return false;
    m->last_us = now;
    sent_to(m, dst);
    bool has_port = src->port != 0;
    *src = n->outside;
    src->port = has_port ? m->port : 0;
    return true;
}

bool sim_nat_in(struct sim_nat *n, const struct addr *src, struct addr *dst, uint64_t now)
{
    expire(n, now);
    for (size_t i = 0; i < SIM_NAT_MAPS; i++) {
        struct sim_nat_map *m = &n->map[i];
        bool here = m->used && (m->inside.port ? m->port : 0) == dst->port;
        for (size_t k = 0; here && k < m->n_peers; k++)
            if (same(&m->peer[k], src, n->filtering)) {
                *dst = m->inside;
                sent_to(m, src);
                return true;
            }
    }
    return false;
}

void sim_nat_restart(struct sim_nat *n, const char *outside)
{
    memset(n->map, 0, sizeof n->map);
    n->next_port = (uint16_t)(n->next_port + 1000);
    if (outside)
        n->outside = parse(outside);
}
