/* SPDX-License-Identifier: Apache-2.0
 *
 * Who can be reached and how: configured peers, peers that names told us, peers that came by themselves. A packet for a HIT
 * begins the base exchange, if need be after a look-up of its rendezvous server's addresses.
 */
#include <stdio.h>
#include <string.h>

#include "host/core/host_priv.h"

#define TARGETS_MAX 16
#define SERVERS_WAIT_US \
    (HOST_S / 2) /* one rendezvous server's addresses are there: so long for the others' */
#define HOST_PROBE_WAIT_US (7 * HOST_S) /* three retransmissions */
#define SILENT_US          (5 * HOST_S)
#define DOUBT_US           (5 * HOST_S / 2) /* two transmissions of an UPDATE */

static void on_timer(struct host *h, struct host_timer *t);
static void go(struct host *h, struct host_peer *p);

struct host_peer *host_peer_find(struct host *h, const struct hit *hit)
{
    for (size_t i = 0; i < HOST_PEERS_MAX; i++)
        if (h->peer[i].used && hit_eq(&h->peer[i].hit, hit))
            return &h->peer[i];
    return NULL;
}

static bool idle(const struct host_peer *p)
{
    return !p->configured && (p->state == HOST_PEER_KNOWN || p->state == HOST_PEER_FAILED);
}

/* An entry for this HIT; the one longest unused gives way. NULL: all are in use. */
struct host_peer *host_peer_get(struct host *h, const struct hit *hit)
{
    struct host_peer *p = host_peer_find(h, hit), *oldest = NULL;

    if (p)
        return p;
    for (size_t i = 0; i < HOST_PEERS_MAX; i++) {
        p = &h->peer[i];
        if (!p->used) {
            oldest = p;
            break;
        }
        if (idle(p) && (!oldest || p->used_us < oldest->used_us))
            oldest = p;
    }
    if (!oldest)
        return NULL;
    heap_remove(&h->timers, &oldest->timer.node);
    memset(oldest, 0, sizeof *oldest);
    oldest->used = true;
    oldest->hit = *hit;
    oldest->state = HOST_PEER_KNOWN;
    oldest->since_us = oldest->used_us = h->now;
    oldest->timer.fire = on_timer;
    return oldest;
}

static void state_set(struct host *h, struct host_peer *p, enum host_peer_state s)
{
    if (p->state != s)
        p->since_us = h->now;
    p->state = s;
}

void host_peer_static(struct host *h, const struct host_peer_conf *c)
{
    struct host_peer *p = host_peer_get(h, &c->hit);

    if (!p)
        return;
    p->configured = true;
    p->known_until_us = HEAP_NEVER;
    p->n_addr = c->n_addr < HOST_ADDRS_MAX ? c->n_addr : HOST_ADDRS_MAX;
    memcpy(p->addr, c->addr, p->n_addr * sizeof p->addr[0]);
    if (c->rvs && !dnsu_name_from_text(c->rvs, &p->rvs[0]))
        p->n_rvs = 1;
}

void host_peer_learn(struct host *h, const struct hit *hit, const struct host_name *by,
                     const struct host_record *rec)
{
    struct host_peer *p = host_peer_get(h, hit);

    if (!p || p->configured)
        return; /* the configuration is the better word */
    if (p->name.len && !dnsu_name_eq(&p->name, &by->name) && p->known_until_us > h->now &&
        p->security < by->hip.security)
        return; /* and so is a signed name before an unsigned one: anybody can name this HIT in a zone of his own */
    p->name = by->name;
    p->security = by->hip.security;
    p->known_until_us = by->hip.until_us;
    p->n_rvs = rec->n_rvs;
    memcpy(p->rvs, rec->rvs, rec->n_rvs * sizeof rec->rvs[0]);
    p->used_us = h->now;
}

bool host_peer_admit(struct host *h, const struct hit *hit)
{
    if (h->stopping || h->c.accept == HOST_ACCEPT_NONE)
        return false;
    return h->c.accept == HOST_ACCEPT_ANY || host_peer_find(h, hit) || host_fa_hit(h, hit);
}

/* ---- where to ---- */

/* First what the best of our addresses can reach, then the other family. */
static size_t pairs(const struct host *h, const struct addr *a, size_t n, struct hip_path out[3])
{
    size_t k = 0;

    for (int round = 0; round < 2 && h->n_addr; round++)
        for (size_t i = 0; i < n && k < 3; i++) {
            const struct host_addr *local = host_addr_best(h, a[i].family);
            bool first = local && local->link == h->addr[0].link && a[i].family == h->addr[0].addr.family;
            if (local && first == (round == 0))
                out[k++] = (struct hip_path){ .local = local->addr, .peer = a[i] };
        }
    return k;
}

size_t host_paths(const struct host *h, const struct addr *a, size_t n, bool udp_only,
                  struct hip_path out[HOST_PATHS_MAX])
{
    size_t m = pairs(h, a, n, out), k = m;

    if (!h->c.udp_port)
        return m;
    /* RFC 9028 s4.5: with and without UDP at once, whichever is answered first. */
    if (udp_only || h->c.nat == HOST_NAT_ALWAYS)
        k = 0;
    else
        memcpy(out + m, out, m * sizeof out[0]);
    for (size_t i = 0; i < m; i++) {
        out[k + i].local.port = h->c.udp_port;
        out[k + i].peer.port = HIP_UDP_PORT;
    }
    return k + m;
}

static size_t add_addrs(struct addr *to, size_t n, const struct addr *from, size_t m)
{
    for (size_t i = 0; i < m && n < TARGETS_MAX; i++)
        to[n++] = from[i];
    return n;
}

/* The rendezvous servers in the record's order; the first address of each and family before their others, since only so many I1s leave at once. */
static size_t add_servers(struct host *h, const struct host_peer *p, struct addr out[TARGETS_MAX], size_t n)
{
    for (size_t k = 0; k < HOST_ADDRS_MAX; k++)
        for (size_t i = 0; i < p->n_rvs; i++) {
            const struct host_name *r = host_name_find(h, &p->rvs[i]);
            size_t seen[2] = { 0, 0 };
            for (size_t j = 0; r && r->addr.known && !r->addr.e && j < r->n_addr; j++)
                if (seen[r->a[j].family == ADDR_V6]++ == k)
                    n = add_addrs(out, n, &r->a[j], 1);
        }
    return n;
}

/* Addresses of a peer: its own, then those of its rendezvous servers. false: a look-up is under way. */
static bool targets(struct host *h, struct host_peer *p, struct addr out[TARGETS_MAX], size_t *n)
{
    bool waiting = false;

    struct addr last = p->path.peer;

    last.port = 0;
    *n = add_addrs(out, 0, p->addr, p->n_addr);
    /* Somebody who came by itself is where it was last. */
    if (*n == 0 && p->n_rvs == 0 && p->path.to.family == ADDR_NONE)
        *n = add_addrs(out, 0, &last, last.family != ADDR_NONE);
    for (size_t i = 0; i < p->n_rvs; i++) {
        struct host_name *r = host_name_get(h, &p->rvs[i]);
        if (!r)
            continue;
        waiting |= !host_name_addr(h, r);
    }
    *n = add_servers(h, p, out, *n);
    return !waiting;
}

/* ---- on demand ---- */

static void unreachable(struct host *h, struct host_peer *p, const char *why)
{
    struct host_action *a;

    if (p->wanted) {
        a = host_act(h, HOST_ACT_UNREACHABLE);
        if (a)
            a->peer = p->hit;
        host_event(h, HOST_EV_CONNECT, LOG_LV_NOTICE, &p->hit, "not reachable: %s", why);
    }
    if (p->state != HOST_PEER_FAILED) { /* "tried a moment ago" is no attempt */
        p->trace.failed_us = h->now;
        snprintf(p->trace.why, sizeof p->trace.why, "%s", why);
    }
    host_ping_unreachable(h, &p->hit);
    p->wanted = false;
    state_set(h, p, HOST_PEER_FAILED);
    host_timer_set(h, &p->timer, h->now + h->c.peer_retry_us);
}

static void connect_to(struct host *h, struct host_peer *p, const struct hip_path *to, size_t n)
{
    char text[ADDR_TEXT_MAX];
    err e = hip_connect(h->hip, &h->id, &p->hit, to, n, h->now, host_hip(h), &p->ref);

    if (e == ERR_EXISTS) {
        struct hip_assoc_view v;
        if (!hip_assoc_get(h->hip, p->ref, &v) && (v.state == HIP_ESTABLISHED || v.state == HIP_R2_SENT)) {
            heap_remove(&h->timers, &p->timer.node);
            p->wanted = false;
            state_set(h, p, HOST_PEER_UP);
            return;
        }
    } else if (e) {
        unreachable(h, p, err_text(e));
        return;
    }
    p->trace.i1_us = h->now;
    for (p->trace.n_to = 0; p->trace.n_to < n && p->trace.n_to < sizeof p->trace.to / sizeof p->trace.to[0];
         p->trace.n_to++)
        p->trace.to[p->trace.n_to] = to[p->trace.n_to].peer;
    host_event(h, HOST_EV_CONNECT, LOG_LV_INFO, &p->hit, "I1 to %s", addr_format(&to[0].peer, text));
    state_set(h, p, HOST_PEER_CONNECTING);
    host_timer_set(h, &p->timer, h->now + h->c.connect_us);
}

/* Next step towards an association. */
static void go(struct host *h, struct host_peer *p)
{
    struct addr a[TARGETS_MAX];
    struct hip_path to[HOST_PATHS_MAX];
    size_t n;

    if (!h->has_id || h->stopping) {
        unreachable(h, p, "no host identity");
        return;
    }
    if (!targets(h, p, a, &n)) {
        uint64_t end;
        state_set(h, p, HOST_PEER_LOOKUP);
        end = p->since_us + (n ? SERVERS_WAIT_US : h->c.connect_us);
        if (h->now < end) {
            host_timer_set(h, &p->timer, end);
            return;
        }
    }
    n = host_paths(h, a, n, false, to);
    if (n)
        connect_to(h, p, to, n);
    else
        unreachable(h, p, h->n_addr ? "no address of it is known" : "no address of our own");
}

/* Nothing is left of what a name said after its TTL (RFC 8005 s4.2): the name is asked again. false: the answer is not there yet. */
static bool renewed(struct host *h, struct host_peer *p)
{
    struct host_name *n;

    if (p->configured || p->known_until_us > h->now || p->name.len == 0)
        return true;
    n = host_name_get(h, &p->name);
    if (!n)
        return true;
    if (!host_name_hip(h, n))
        return false;
    p->n_rvs = 0;
    for (size_t i = 0; i < n->n_record && !n->hip.e; i++)
        if (hit_eq(&n->record[i].hit, &p->hit))
            host_peer_learn(h, &p->hit, n, &n->record[i]);
    return true;
}

static void begin(struct host *h, struct host_peer *p)
{
    if (renewed(h, p)) {
        go(h, p);
        return;
    }
    state_set(h, p, HOST_PEER_LOOKUP);
    host_timer_set(h, &p->timer, h->now + h->c.connect_us);
}

void host_peer_want(struct host *h, const struct hit *hit)
{
    struct host_peer *p = host_peer_find(h, hit);
    struct host_action *a;

    if (!p) {
        a = host_act(h, HOST_ACT_UNREACHABLE);
        if (a)
            a->peer = *hit;
        host_ping_unreachable(h, hit);
        return;
    }
    p->used_us = h->now;
    if (p->state == HOST_PEER_UP)
        return; /* its SAs are on their way */
    p->wanted = true;
    if (p->state == HOST_PEER_KNOWN) {
        p->trace = (struct host_trace){ .begun_us = h->now, .ours = true };
        begin(h, p);
    } else if (p->state == HOST_PEER_FAILED)
        unreachable(h, p, "tried a moment ago");
}

void host_peer_name_ready(struct host *h, const struct host_name *n)
{
    for (size_t i = 0; i < HOST_PEERS_MAX; i++) {
        struct host_peer *p = &h->peer[i];
        bool about =
            p->used && p->state == HOST_PEER_LOOKUP && p->name.len && dnsu_name_eq(&p->name, &n->name);
        for (size_t k = 0; p->used && p->state == HOST_PEER_LOOKUP && k < p->n_rvs; k++)
            about |= dnsu_name_eq(&p->rvs[k], &n->name);
        if (about)
            begin(h, p);
    }
}

/* It did not hear that we moved. */
static void meet_anew(struct host *h, struct host_peer *p)
{
    host_event(h, HOST_EV_MOVE, LOG_LV_NOTICE, &p->hit, "it does not hear us from here: a new exchange");
    state_set(h, p, HOST_PEER_KNOWN); /* so that GONE does not count as a failure */
    if (hip_drop(h->hip, p->ref, h->now, host_hip(h)))
        h->dropped++;
    memset(&p->ref, 0, sizeof p->ref);
    host_drain(h);
    p->wanted = true;
    begin(h, p);
}

static void on_timer(struct host *h, struct host_timer *t)
{
    struct host_peer *p = HOST_MEMBER(t, struct host_peer, timer);

    if (p->state == HOST_PEER_FAILED) {
        state_set(h, p, HOST_PEER_KNOWN);
    } else if (p->state == HOST_PEER_LOOKUP) {
        if (h->now < p->since_us + h->c.connect_us)
            go(h, p);
        else
            unreachable(h, p, "the DNS did not answer");
    } else if (p->state == HOST_PEER_UP) {
        meet_anew(h, p);
    } else if (p->state == HOST_PEER_CONNECTING) {
        if (!p->fa && hip_drop(h->hip, p->ref, h->now, host_hip(h)))
            h->dropped++;
        unreachable(h, p, "no answer");
    }
}

/* ---- what the HIP engine tells ---- */

void host_peer_up(struct host *h, const struct hip_action *a, const struct hip_path *path)
{
    struct host_peer *p = host_peer_get(h, &a->peer);
    char text[ADDR_TEXT_MAX];

    if (!p)
        return; /* it lives, but nobody lists it */
    heap_remove(&h->timers, &p->timer.node);
    p->ref = a->ref;
    p->path = *path;
    p->wanted = false;
    if (!a->up.initiator)
        p->trace = (struct host_trace){ 0 };
    p->trace.up_us = h->now;
    p->used_us = h->now;
    p->fa = host_fa_is(h, a->ref);
    state_set(h, p, HOST_PEER_UP);
    host_event(h, HOST_EV_PEER, LOG_LV_NOTICE, &a->peer, "associated, at %s", addr_format(&path->peer, text));
}

void host_peer_r1(struct host *h, const struct hip_action *a)
{
    struct host_peer *p = host_peer_find(h, &a->peer);

    if (p)
        p->trace.r1_us = h->now;
}

void host_peer_path(struct host *h, const struct hip_action *a, const struct hip_path *path)
{
    struct host_peer *p = host_peer_find(h, &a->peer);
    char text[ADDR_TEXT_MAX];

    if (!p || !host_ref_eq(p->ref, a->ref))
        return;
    if (!addr_same_ip(&p->path.peer, &path->peer))
        host_event(h, HOST_EV_PEER, LOG_LV_NOTICE, &a->peer, "moved to %s", addr_format(&path->peer, text));
    p->path = *path;
}

/* Our packets go out and none comes back. An UPDATE that only wants its ACK is the question (RFC 7401 s6.11.1); who lost the
 * association cannot answer it, and waiting for all its retransmissions would keep the application waiting a minute. */
void host_peer_silent(struct host *h, struct hip_ref ref, uint64_t us)
{
    const struct hip_contents nothing = { 0 };
    struct hip_assoc_view v;
    struct host_peer *p;

    if (hip_assoc_get(h->hip, ref, &v) || !(p = host_peer_find(h, &v.peer)) || p->fa ||
        !host_ref_eq(p->ref, ref))
        return;
    if (v.checks != HIP_CHECKS_NONE)
        hip_path_silent(h->hip, ref, h->now, host_hip(h));
    for (size_t i = 0; v.checks == HIP_CHECKS_RELAYED && i < HOST_LINKS_MAX; i++)
        if (h->link[i].relayed.family != ADDR_NONE)
            host_fa_doubt(h, &h->link[i]);
    if (us < SILENT_US)
        return;
    if (p->probe_us == 0) {
        if (hip_update(h->hip, ref, &nothing, h->now, host_hip(h)) == ERR_OK)
            p->probe_us = h->now;
    } else if (h->now - p->probe_us >= HOST_PROBE_WAIT_US) {
        host_event(h, HOST_EV_PEER, LOG_LV_NOTICE, &p->hit, "no sign of life");
        if (hip_drop(h->hip, ref, h->now, host_hip(h)))
            h->dropped++;
    }
}

void host_peer_acked(struct host *h, const struct hip_action *a)
{
    struct host_peer *p = host_peer_find(h, &a->peer);

    if (!p || !host_ref_eq(p->ref, a->ref))
        return;
    p->probe_us = 0;
    if (p->state == HOST_PEER_UP)
        host_timer_stop(h, &p->timer);
}

void host_peer_doubt(struct host *h, struct hip_ref ref)
{
    struct hip_assoc_view v;
    struct host_peer *p;

    if (!hip_assoc_get(h->hip, ref, &v) && (p = host_peer_find(h, &v.peer)) && host_ref_eq(p->ref, ref) &&
        p->state == HOST_PEER_UP)
        host_timer_set(h, &p->timer, h->now + DOUBT_US);
}

/* What the connectivity checks came to. */
void host_peer_checks(struct host *h, const struct hip_action *a)
{
    static const enum log_level level[HIP_CHECKS__COUNT] = { [HIP_CHECKS_NONE] = LOG_LV_DEBUG,
                                                             [HIP_CHECKS_RUNNING] = LOG_LV_INFO,
                                                             [HIP_CHECKS_DIRECT] = LOG_LV_NOTICE,
                                                             [HIP_CHECKS_RELAYED] = LOG_LV_NOTICE,
                                                             [HIP_CHECKS_FAILED] = LOG_LV_WARN };
    const struct host_peer *p = host_peer_find(h, &a->peer);
    char why[HOST_WHY_MAX];

    if (!p || !host_ref_eq(p->ref, a->ref))
        return;
    host_path_why(h, a->ref, why);
    host_event(h, HOST_EV_PEER, level[a->checks.what], &a->peer, "path %s: %s",
               hip_checks_name(a->checks.what), why);
}

void host_peer_gone(struct host *h, const struct hip_action *a)
{
    struct host_peer *p = host_peer_find(h, &a->peer);

    if (!p || !host_ref_eq(p->ref, a->ref))
        return; /* another association took its place already */
    memset(&p->ref, 0, sizeof p->ref);
    p->fa = false;
    p->probe_us = 0;
    if (p->state == HOST_PEER_CONNECTING) {
        unreachable(h, p, a->gone.why == HIP_GONE_REFUSED ? "refused" : "no answer");
        return;
    }
    heap_remove(&h->timers, &p->timer.node);
    state_set(h, p, HOST_PEER_KNOWN);
    host_event(h, HOST_EV_PEER, LOG_LV_INFO, &a->peer, "association ended");
}

void host_peers_reset(struct host *h)
{
    for (size_t i = 0; i < HOST_PEERS_MAX; i++) {
        struct host_peer *p = &h->peer[i];
        if (!p->used || idle(p))
            continue;
        heap_remove(&h->timers, &p->timer.node);
        memset(&p->ref, 0, sizeof p->ref);
        p->fa = false;
        if (p->wanted)
            unreachable(h, p, "our identity went away");
        heap_remove(&h->timers, &p->timer.node);
        state_set(h, p, HOST_PEER_KNOWN);
    }
}

/* Exchanges that began from an address which is gone begin anew from one that is there. */
void host_peers_retry(struct host *h)
{
    for (size_t i = 0; i < HOST_PEERS_MAX; i++) {
        struct host_peer *p = &h->peer[i];
        struct hip_assoc_view v;
        bool there = false;
        if (!p->used || p->fa || p->state != HOST_PEER_CONNECTING || hip_assoc_get(h->hip, p->ref, &v))
            continue;
        for (size_t k = 0; k < h->n_addr; k++)
            there |= addr_same_ip(&h->addr[k].addr, &v.path.local);
        if (there)
            continue;
        state_set(h, p, HOST_PEER_KNOWN); /* so that GONE does not count as a failure */
        if (hip_drop(h->hip, p->ref, h->now, host_hip(h)))
            h->dropped++;
        memset(&p->ref, 0, sizeof p->ref);
        host_drain(h);
        if (p->wanted)
            go(h, p);
    }
}
