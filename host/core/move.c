/* SPDX-License-Identifier: Apache-2.0
 *
 * Our own addresses: which one an association should use, and telling the other end (RFC 8046 s3.2.1): first the FA, at which new
 * peers look for us, then the peers.
 *
 * An association stays where it is while its address is there and its link is as good as the best one. An address that is gone is left at
 * once; a better one must last a moment first (settle_us), so that a link that flaps moves nobody (s5.2: not in rapid succession).
 */
#include <stdlib.h>
#include <string.h>

#include "host/core/host_priv.h"

#define MOVES_AT_ONCE 16 /* what fits into one list of actions; the others follow in the next call */

const struct host_addr *host_addr_best(const struct host *h, uint8_t family)
{
    for (size_t i = 0; i < h->n_addr; i++)
        if (h->addr[i].addr.family == family)
            return &h->addr[i];
    return NULL;
}

static const struct host_addr *find(const struct host *h, const struct addr *a)
{
    for (size_t i = 0; i < h->n_addr; i++)
        if (addr_same_ip(&h->addr[i].addr, a))
            return &h->addr[i];
    return NULL;
}

/* Where this association should go from, and to which of the peer's addresses. false: nowhere better. */
static bool better(struct host *h, const struct hip_assoc_view *v, bool lost_only, struct hip_path *out)
{
    const struct host_addr *now = find(h, &v->path.local);
    const struct host_addr *same = host_addr_best(h, v->path.peer.family), *best = same;
    const struct host_link *l = host_link_of(h, v->ref);
    struct hip_path p = v->path;

    if ((now && lost_only) || host_nat_is_ice(v))
        return false; /* what connectivity checks are run on hears of candidates: host_nat_addresses() */
    /* The FA has addresses of both families that we know. */
    for (size_t i = 0; l && i < l->n_addr; i++) {
        const struct addr *fa = &l->addr[i];
        const struct host_addr *other = host_addr_best(h, fa->family);
        if (other && (!best || other->rank < best->rank)) {
            best = other;
            p.peer = *fa;
            p.peer.port = v->path.peer.port;
        }
    }
    if (!best || (now && now->rank <= best->rank))
        return false;
    p.local = best->addr;
    p.local.port = v->path.local.port;
    *out = p;
    return true;
}

/* A packet of IP protocol 139 does not get out of a network with a NAT, its checksum is wrong afterwards: where this may be one, silence
 * soon means a new exchange, over UDP. */
static bool doubtful(const struct host *h, const struct hip_path *to)
{
    const struct addr shared = addr_v4(0x64400000); /* 100.64.0.0/10, RFC 6598 */

    return to->peer.port == 0 && h->c.udp_port && !addr_is_private(&to->peer) &&
           (addr_is_private(&to->local) || addr_in_prefix(&to->local, &shared, 10));
}

static void moved(struct host *h, const struct hip_assoc_view *v, const struct hip_path *to)
{
    struct host_link *l = host_link_of(h, v->ref);

    h->moves++;
    if (l) {
        host_nat_moved(h, l);
        host_nat_data(h, &v->path, to);
        host_fa_asked(h, l, doubtful(h, to));
    } else if (doubtful(h, to)) {
        host_peer_doubt(h, v->ref);
    }
}

static void move_one(struct host *h, const struct hip_assoc_view *v, const struct hip_path *to)
{
    struct addr set[HIP_LOCATORS_MAX] = { to->local };
    char from_text[ADDR_TEXT_MAX], to_text[ADDR_TEXT_MAX];
    size_t n = 1;
    err e;

    for (size_t i = 0; h->c.announce_all && i < h->n_addr && n < HIP_LOCATORS_MAX; i++)
        if (!addr_same_ip(&h->addr[i].addr, &to->local)) {
            set[n] = h->addr[i].addr;
            set[n++].port = to->local.port;
        }
    e = hip_move(h->hip, v->ref, to, set, n, h->now, host_hip(h));
    if (e) {
        host_event(h, HOST_EV_MOVE, LOG_LV_WARN, &v->peer, "cannot move: %s", err_text(e));
        return;
    }
    moved(h, v, to);
    host_event(h, HOST_EV_MOVE, LOG_LV_NOTICE, &v->peer, "from %s to %s%s",
               addr_format(&v->path.local, from_text), addr_format(&to->local, to_text),
               host_fa_is(h, v->ref) ? " (FA told)" : " (peer told)");
    host_drain(h);
}

/* Everybody for whom there is a better address; the FAs first: new peers look for us there. */
static void move_all(struct host *h, bool lost_only)
{
    struct hip_assoc_view v;
    struct hip_path to;
    size_t pos = 0, done = 0;

    for (size_t i = 0; i < HOST_LINKS_MAX; i++)
        if (h->link[i].established && !hip_assoc_get(h->hip, h->link[i].ref, &v) &&
            better(h, &v, lost_only, &to)) {
            move_one(h, &v, &to);
            done++;
        }
    while (hip_assoc_next(h->hip, &pos, &v)) {
        if ((v.state != HIP_ESTABLISHED && v.state != HIP_R2_SENT) || host_fa_is(h, v.ref))
            continue;
        if (!better(h, &v, lost_only, &to))
            continue;
        if (done++ == MOVES_AT_ONCE) {
            host_timer_set(h, &h->move_timer, h->now + 1);
            return;
        }
        move_one(h, &v, &to);
    }
}

/* Is there one who would do better elsewhere? */
static bool anybody(struct host *h)
{
    struct hip_assoc_view v;
    struct hip_path to;
    size_t pos = 0;

    while (hip_assoc_next(h->hip, &pos, &v))
        if ((v.state == HIP_ESTABLISHED || v.state == HIP_R2_SENT) && better(h, &v, false, &to))
            return true;
    return false;
}

static void on_timer(struct host *h, struct host_timer *t)
{
    move_all(h, false);
}

void host_move_init(struct host *h)
{
    h->move_timer.fire = on_timer;
}

/* Best link first; on one link IPv6 first. */
static int by_rank(const void *a, const void *b)
{
    const struct host_addr *x = a, *y = b;

    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->addr.family != y->addr.family)
        return x->addr.family > y->addr.family ? -1 : 1;
    if (x->link != y->link)
        return x->link < y->link ? -1 : 1;
    return memcmp(x->addr.ip, y->addr.ip, sizeof x->addr.ip);
}

static bool usable(const struct addr *a)
{
    struct hit as_hit;

    if (addr_ip_len(a) == 0 || addr_is_link_local(a) || addr_is_loopback(a) || addr_is_multicast(a) ||
        addr_is_unspecified(a))
        return false; /* RFC 8047 s5.1: nothing that an off-link peer cannot use */
    memcpy(as_hit.b, a->ip, sizeof as_hit.b);
    return a->family != ADDR_V6 || !hit_is_valid(&as_hit);
}

void host_move_addresses(struct host *h, const struct host_addr *a, size_t n)
{
    struct host_addr all[4 * HOST_ADDRS_MAX];
    size_t k = 0;

    memset(all, 0, sizeof all); /* compared as octets below */

    for (size_t i = 0; i < n && k < sizeof all / sizeof all[0]; i++)
        if (usable(&a[i].addr)) {
            memcpy(all[k].addr.ip, a[i].addr.ip, addr_ip_len(&a[i].addr));
            all[k].addr.family = a[i].addr.family;
            all[k].link = a[i].link;
            all[k++].rank = a[i].rank;
        }
    qsort(all, k, sizeof all[0], by_rank);
    if (k > HOST_ADDRS_MAX)
        k = HOST_ADDRS_MAX;
    if (k == h->n_addr && memcmp(all, h->addr, k * sizeof all[0]) == 0)
        return;
    memcpy(h->addr, all, k * sizeof all[0]);
    h->n_addr = k;
    move_all(h, true);
    if (anybody(h))
        host_timer_set(h, &h->move_timer, h->now + h->c.settle_us);
    else
        host_timer_stop(h, &h->move_timer);
    host_nat_addresses(h);
    host_fa_network(h);
    host_peers_retry(h);
}
