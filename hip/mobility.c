/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/mobility.h"

#include <string.h>

#include "common/crypto/secret.h"
#include "hip/notify.h"
#include "hip/update.h"

#define UNLISTED 255

void hip_mobility_begin(struct hip_assoc *a)
{
    memset(a->loc, 0, sizeof a->loc);
    a->loc[0] = (struct hip_peer_locator){
        .state = HIP_LOCATOR_ACTIVE, .addr = a->path.peer, .path = a->path, .expires_us = HEAP_NEVER
    };
    a->esp = a->path;
    a->esp_unverified = false;
    a->any_locset = false;
}

/* ---- addresses and ways ---- */

static bool usable(const struct addr *a)
{
    return a->family != ADDR_NONE && !addr_is_multicast(a) && !addr_is_unspecified(a) && !addr_is_loopback(a);
}

static bool same(const struct addr *a, const struct addr *b)
{
    return addr_same_ip(a, b) && a->port == b->port;
}

struct hip_peer_locator *hip_mobility_find(struct hip_assoc *a, const struct addr *addr)
{
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++)
        if (a->loc[i].state != HIP_LOCATOR_NONE && same(&a->loc[i].addr, addr))
            return &a->loc[i];
    return NULL;
}

/* What we did not tell the peer when we told it our addresses is not ours any more, or not for it. */
static bool ours(const struct hip_assoc *a, const struct addr *local)
{
    for (size_t i = 0; i < a->n_own; i++)
        if (addr_same_ip(&a->own[i], local))
            return true;
    return a->n_own == 0 || addr_same_ip(&a->path.local, local);
}

static bool way(const struct hip_assoc *a, const struct hip_path *hint, const struct hip_path *checked,
                const struct addr *peer, struct hip_path *out)
{
    const struct hip_path *from[] = { hint, checked, &a->path };
    struct hip_path p = { .peer = *peer };
    for (size_t i = 0; i < 3 && p.local.family == ADDR_NONE; i++)
        if (from[i] && from[i]->local.family == peer->family && ours(a, &from[i]->local))
            p.local = from[i]->local;
    for (size_t i = 0; i < a->n_own && p.local.family == ADDR_NONE; i++)
        if (a->own[i].family == peer->family) {
            p.local = a->own[i];
            p.local.port = a->path.local.port;
        }
    if (p.local.family == ADDR_NONE)
        return false;
    *out = p;
    return true;
}

bool hip_mobility_way(const struct hip_assoc *a, const struct addr *peer, struct hip_path *out)
{
    return way(a, NULL, NULL, peer, out);
}

/* Relays and connectivity checks have their own ways (RFC 9028). */
static bool steered(const struct hip_assoc *a)
{
    return !a->ice && a->path.to.family == ADDR_NONE;
}

/* ---- which one ---- */

static bool carries(const struct hip_peer_locator *p, bool data)
{
    return p->traffic == HIP_LOC_ALL || (p->traffic == HIP_LOC_DATA) == data;
}

/* s5.5, s5.6: ACTIVE before UNVERIFIED, the preferred one before that in use before the others. */
static int worth(const struct hip_peer_locator *p, const struct addr *used)
{
    switch (p->state) {
    case HIP_LOCATOR_ACTIVE:
        return p->rank == 0 ? 6 : same(&p->addr, used) ? 5 : 4;
    case HIP_LOCATOR_UNVERIFIED:
        return p->failed ? 1 : p->rank == 0 ? 3 : 2;
    default:
        return 0;
    }
}

bool hip_mobility_reach(const struct hip_assoc *a, uint8_t family, struct addr *out)
{
    const struct hip_peer_locator *found = NULL;
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++) {
        const struct hip_peer_locator *p = &a->loc[i];
        int w = worth(p, &a->path.peer);
        if (p->addr.family == family && carries(p, false) && w && (!found || w > worth(found, &a->path.peer)))
            found = p;
    }
    if (found)
        *out = found->addr;
    return found != NULL;
}

static struct hip_peer_locator *best(struct hip_assoc *a, const struct hip_path *hint, bool data,
                                     struct hip_path *out)
{
    const struct addr *used = data ? &a->esp.peer : &a->path.peer;
    struct hip_peer_locator *found = NULL;
    struct hip_path p;
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++) {
        struct hip_peer_locator *l = &a->loc[i];
        int more = worth(l, used) - (found ? worth(found, used) : 0);
        if (!carries(l, data) || more < 0 || (more == 0 && (!found || l->rank >= found->rank)))
            continue;
        if (!way(a, hint, &l->path, &l->addr, &p))
            continue;
        found = l;
        *out = p;
    }
    return found;
}

static void data_goes(struct hip_engine *e, struct hip_assoc *a, const struct hip_path *to, bool unverified,
                      uint64_t now, struct hip_actions *out)
{
    if (hip_path_eq(&a->esp, to) && unverified == a->esp_unverified)
        return;
    a->esp = *to;
    a->esp_unverified = unverified;
    hip_act_sa_path(e, out, a, now);
}

void hip_mobility_settle_data(struct hip_engine *e, struct hip_assoc *a, const struct hip_path *hint,
                              uint64_t now, struct hip_actions *out)
{
    if (!steered(a))
        return;
    struct hip_path to = { 0 }; /* all are DEPRECATED: nowhere */
    const struct hip_peer_locator *p = best(a, hint, true, &to);
    data_goes(e, a, &to, !p || p->state != HIP_LOCATOR_ACTIVE, now, out);
}

void hip_mobility_settle(struct hip_engine *e, struct hip_assoc *a, const struct hip_path *hint, uint64_t now,
                         struct hip_actions *out)
{
    struct hip_path to;
    if (!steered(a))
        return;
    hip_mobility_settle_data(e, a, hint, now, out);
    const struct hip_peer_locator *p = best(a, hint, false, &to);
    if (!p || p->state != HIP_LOCATOR_ACTIVE || hip_path_eq(&a->path, &to))
        return;
    a->path = to;
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++)
        if (a->loc[i].by_move)
            a->loc[i].verifying = a->loc[i].by_move = false;
    struct hip_action *q = hip_act(e, out, HIP_ACT_MOVED, a);
    if (q)
        q->moved.path = a->path;
    hip_update_hurry(e, a, now);
}

/* ---- checks ---- */

/* s3.2.1 step 2: the nonce goes to the address, with the ACK that is owed. */
static bool verify(struct hip_engine *e, struct hip_assoc *a, struct hip_peer_locator *p,
                   const struct hip_path *hint, uint64_t now, struct hip_actions *out)
{
    struct hip_esp_info gratuitous = { .old_spi = a->spi_in, .new_spi = a->spi_in };
    struct hip_path to;
    if (!way(a, hint, &p->path, &p->addr, &to))
        return false;
    env_draw(hip_env(e), "nonce", p->nonce, sizeof p->nonce);
    struct hip_update_parts u = { .kind = HIP_UPD_VERIFY,
                                  .esp = &gratuitous,
                                  .echo_request = span_of(p->nonce, sizeof p->nonce),
                                  .path = &to };
    p->verifying = hip_update_send(e, a, &u, now, out, &p->verify_id) == ERR_OK;
    p->by_move = false;
    p->spi = a->spi_in;
    p->path = to;
    p->failed = !p->verifying;
    a->checks_from_us = now + HIP_CHECK_PACE_US;
    return p->verifying;
}

static void stop_check(struct hip_engine *e, struct hip_assoc *a, struct hip_peer_locator *p)
{
    if (p->verifying && !p->by_move)
        hip_update_cancel_id(e, a, p->verify_id, HIP_UPD_VERIFY);
    p->verifying = p->by_move = false;
}

void hip_mobility_void(struct hip_assoc *a, uint32_t id)
{
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++)
        if (a->loc[i].by_move && a->loc[i].verify_id == id)
            a->loc[i].verifying = a->loc[i].by_move = false;
}

void hip_mobility_requeue(struct hip_engine *e, struct hip_assoc *a)
{
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++) {
        struct hip_peer_locator *p = &a->loc[i];
        p->failed = false;
        if (p->verifying && (p->by_move || !ours(a, &p->path.local)))
            stop_check(e, a, p);
    }
}

/* The one to be checked next: the best of those that wait for it. */
static struct hip_peer_locator *waiting(struct hip_assoc *a, const struct hip_path *hint)
{
    struct hip_peer_locator *next = NULL;
    struct hip_path to;
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++) {
        struct hip_peer_locator *p = &a->loc[i];
        if (p->state == HIP_LOCATOR_UNVERIFIED && !p->verifying && !p->failed &&
            (!next || p->rank < next->rank) && way(a, hint, &p->path, &p->addr, &to))
            next = p;
    }
    return next;
}

static size_t under_way(const struct hip_assoc *a)
{
    size_t n = 0;
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++)
        n += a->loc[i].verifying;
    return n;
}

void hip_mobility_next(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    struct hip_peer_locator *p = waiting(a, NULL);
    if (p && now >= a->checks_from_us && under_way(a) < HIP_CHECKS_MAX) {
        (void)verify(e, a, p, NULL, now, out);
        p = waiting(a, NULL);
    }
    /* With all the places taken, the end of one of those checks brings us here again. */
    bool more = p && under_way(a) < HIP_CHECKS_MAX;
    hip_assoc_timer(e, a, HIP_TIMER_VERIFY, more ? a->checks_from_us : HEAP_NEVER);
}

void hip_mobility_rekeyed(struct hip_engine *e, struct hip_assoc *a, uint32_t was, uint64_t now,
                          struct hip_actions *out)
{
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++)
        if (a->loc[i].verifying && !a->loc[i].by_move && a->loc[i].spi != was)
            stop_check(e, a, &a->loc[i]);
    hip_mobility_next(e, a, now, out);
}

static struct hip_peer_locator *checked_by(struct hip_assoc *a, uint32_t id)
{
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++)
        if (a->loc[i].verifying && a->loc[i].verify_id == id)
            return &a->loc[i];
    return NULL;
}

bool hip_mobility_echo_ok(const struct hip_assoc *a, uint32_t id, struct span echo)
{
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++)
        if (a->loc[i].verifying && a->loc[i].verify_id == id)
            return echo.n == HIP_ECHO_LEN && sec_equal(echo.p, a->loc[i].nonce, HIP_ECHO_LEN);
    return false;
}

/* The path is the one that was checked, whichever way the echo came: the peer chooses where it sends that. */
void hip_mobility_verified(struct hip_rx *rx, uint32_t id)
{
    struct hip_peer_locator *p = checked_by(rx->a, id);
    if (p)
        p->verifying = p->by_move = false;
    if (p && p->state == HIP_LOCATOR_UNVERIFIED)
        p->state = HIP_LOCATOR_ACTIVE;
    hip_mobility_settle(rx->e, rx->a, NULL, rx->now, rx->out);
    hip_mobility_next(rx->e, rx->a, rx->now, rx->out);
}

void hip_mobility_doubt(struct hip_engine *e, struct hip_assoc *a, uint32_t id, uint64_t now,
                        struct hip_actions *out)
{
    struct hip_peer_locator *p = checked_by(a, id);
    if (!p || p->state != HIP_LOCATOR_ACTIVE)
        return;
    p->state = HIP_LOCATOR_UNVERIFIED;
    hip_mobility_settle(e, a, NULL, now, out);
}

void hip_mobility_failed(struct hip_engine *e, struct hip_assoc *a, uint32_t id, uint64_t now,
                         struct hip_actions *out)
{
    struct hip_peer_locator *p = checked_by(a, id);
    if (!p)
        return;
    p->verifying = false;
    p->failed = true; /* UNVERIFIED still: see hip_mobility_heard() */
    hip_mobility_settle(e, a, NULL, now, out);
    hip_mobility_next(e, a, now, out);
}

void hip_mobility_heard(struct hip_rx *rx)
{
    struct hip_peer_locator *p = hip_mobility_find(rx->a, &rx->path->peer);
    if (!p || p->state != HIP_LOCATOR_UNVERIFIED || !p->failed)
        return;
    p->failed = false;
    hip_mobility_next(rx->e, rx->a, rx->now, rx->out);
}

void hip_mobility_silent(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    size_t usable_ones = 0;
    if (!steered(a))
        return;
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++)
        usable_ones += a->loc[i].state == HIP_LOCATOR_ACTIVE || a->loc[i].state == HIP_LOCATOR_UNVERIFIED;
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++) {
        struct hip_peer_locator *p = &a->loc[i];
        /* With nothing to take its place there is nothing to find out. */
        bool used = same(&p->addr, &a->esp.peer) || same(&p->addr, &a->path.peer);
        p->failed = false;
        if (usable_ones > 1 && p->state == HIP_LOCATOR_ACTIVE && used && !p->verifying &&
            under_way(a) < HIP_CHECKS_MAX)
            (void)verify(e, a, p, NULL, now, out);
    }
    hip_mobility_next(e, a, now, out);
}

/* ---- a LOCATOR_SET ---- */

/* Types 0 and 1; type 2 where there is UDP (RFC 9028 s5.7). */
static bool understood(const struct hip_locator *l, bool udp)
{
    return l->type <= HIP_LOC_SPI || (l->type == HIP_LOC_UDP && udp);
}

int hip_mobility_check(const struct hip_locator_set *set, const uint32_t *spi)
{
    for (size_t i = 0; i < set->n; i++) {
        const struct hip_locator *l = &set->v[i];
        if (l->type > HIP_LOC_SPI)
            continue;
        if (!usable(&l->addr))
            return HIP_DROP_BAD_LOCATOR;
        if (l->type == HIP_LOC_SPI && (!spi || l->spi != *spi)) /* s5.2 */
            return HIP_DROP_BAD_LOCATOR;
    }
    return HIP_TAKEN;
}

/* A free place, else that of a locator that is of no use any more. */
static struct hip_peer_locator *place(struct hip_assoc *a)
{
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++)
        if (a->loc[i].state == HIP_LOCATOR_NONE)
            return &a->loc[i];
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++)
        if (a->loc[i].state == HIP_LOCATOR_DEPRECATED && !same(&a->loc[i].addr, &a->path.peer))
            return &a->loc[i];
    return NULL;
}

struct hip_peer_locator *hip_mobility_add(struct hip_assoc *a, const struct addr *addr)
{
    struct hip_peer_locator *p = place(a);
    if (!p)
        return NULL;
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++)
        if (a->loc[i].rank < UNLISTED)
            a->loc[i].rank++;
    *p =
        (struct hip_peer_locator){ .state = HIP_LOCATOR_UNVERIFIED, .addr = *addr, .expires_us = HEAP_NEVER };
    return p;
}

/* Where a listed locator is, seen from the packet that listed it. */
static struct addr located(const struct hip_locator *l, const struct hip_path *in)
{
    const struct addr *from = in->to.family == ADDR_NONE ? &in->peer : &in->to;
    struct addr a = l->addr;
    if (l->type != HIP_LOC_UDP)
        a.port = from->port;
    a.scope = addr_is_link_local(&a) ? from->scope : 0;
    return a;
}

struct merge {
    struct hip_assoc *a;
    uint64_t now;
    uint8_t rank;
    bool listed[HIP_LOCATORS_MAX];
};

/* s5.3: refreshed or added; DEPRECATED never becomes ACTIVE without a check. */
static void list(struct merge *m, const struct addr *addr, uint8_t traffic, uint32_t lifetime_s)
{
    struct hip_peer_locator *p = hip_mobility_find(m->a, addr);
    if (!p && (p = place(m->a)))
        *p = (struct hip_peer_locator){ .state = HIP_LOCATOR_UNVERIFIED, .addr = *addr };
    if (!p || m->listed[p - m->a->loc])
        return;
    if (p->state == HIP_LOCATOR_DEPRECATED) {
        p->state = HIP_LOCATOR_UNVERIFIED;
        p->failed = false;
    }
    p->traffic = traffic;
    p->rank = m->rank++;
    p->expires_us = lifetime_s == UINT32_MAX ? HEAP_NEVER : m->now + (uint64_t)lifetime_s * 1000000;
    m->listed[p - m->a->loc] = true;
}

/* Over UDP the source of the packet is where a NAT shows the peer; nothing that it listed may be that (s5.3, item of a candidate). */
static bool hidden(const struct hip_locator_set *set, const struct hip_path *in)
{
    if (in->peer.port == 0 || in->to.family != ADDR_NONE || set->n == 0)
        return false;
    for (size_t i = 0; i < set->n; i++)
        if (set->v[i].type <= HIP_LOC_UDP && addr_same_ip(&set->v[i].addr, &in->peer))
            return false;
    return true;
}

static void merge(struct hip_engine *e, struct hip_assoc *a, const struct hip_locator_set *set,
                  const struct hip_path *in, uint64_t now)
{
    struct merge m = { .a = a, .now = now };
    if (hidden(set, in))
        list(&m, &in->peer, HIP_LOC_ALL, set->v[0].lifetime_s);
    for (int pass = 0; pass < 2; pass++) /* the preferred one first */
        for (size_t i = 0; i < set->n; i++) {
            const struct hip_locator *l = &set->v[i];
            struct addr at = located(l, in);
            bool foreign = addr_is_link_local(&at) && !addr_is_link_local(&in->peer); /* RFC 8047 s5.1 */
            if (l->preferred == (pass == 0) && understood(l, in->peer.port != 0) && usable(&at) && !foreign)
                list(&m, &at, l->traffic, l->lifetime_s);
        }
    if (m.rank == 0 && set->n > 0)
        return; /* nothing in it that we can use: as if it had not come */
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++)
        if (!m.listed[i] && a->loc[i].state != HIP_LOCATOR_NONE) {
            a->loc[i].state = HIP_LOCATOR_DEPRECATED;
            a->loc[i].rank = UNLISTED;
            stop_check(e, a, &a->loc[i]);
        }
}

static void schedule(struct hip_engine *e, struct hip_assoc *a)
{
    uint64_t min = HEAP_NEVER;
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++)
        if ((a->loc[i].state == HIP_LOCATOR_UNVERIFIED || a->loc[i].state == HIP_LOCATOR_ACTIVE) &&
            a->loc[i].expires_us < min)
            min = a->loc[i].expires_us;
    hip_assoc_timer(e, a, HIP_TIMER_LOCATOR, min);
}

/* s5.3: the preferred one is of a type that we do not know. */
static void complain(struct hip_rx *rx, const struct hip_locator_set *set)
{
    for (size_t i = 0; i < set->n; i++) {
        const struct hip_locator *l = &set->v[i];
        if (!l->preferred || understood(l, rx->path->peer.port != 0))
            continue;
        struct span whole = span_of(l->raw.p - 8, l->raw.n + 8); /* with the head in front of its Locator */
        if (hip_notify_send(rx->e, rx->a, HIP_NTF_LOCATOR_TYPE_UNSUPPORTED, whole, rx->out) != ERR_OK)
            rx->e->counters[HIP_DROP_INTERNAL]++;
        return;
    }
}

/* A sign of life: checks that failed, or wait for a later try, begin again; those that go another way by now as well. */
static void restart(struct hip_rx *rx)
{
    struct hip_assoc *a = rx->a;
    struct hip_path to;
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++) {
        struct hip_peer_locator *p = &a->loc[i];
        p->failed = false;
        if (p->verifying && (hip_update_tries(a, p->verify_id) > 0 ||
                             !way(a, rx->path, &p->path, &p->addr, &to) || !hip_path_eq(&to, &p->path)))
            stop_check(rx->e, a, p);
    }
}

void hip_mobility_take(struct hip_rx *rx, const struct hip_locator_set *set, uint32_t id)
{
    struct hip_assoc *a = rx->a;
    if (a->any_locset && (int32_t)(id - a->locset_id) < 0)
        return; /* overtaken by a newer set */
    a->any_locset = true;
    a->locset_id = id;
    merge(rx->e, a, set, rx->path, rx->now);
    complain(rx, set);
    schedule(rx->e, a);
    restart(rx);
    hip_mobility_settle(rx->e, a, rx->path, rx->now, rx->out);
    struct hip_peer_locator *p = waiting(a, rx->path);
    /* A preferred one is waited for; the others have time (s5.4). */
    if (p && p->rank == 0 && under_way(a) < HIP_CHECKS_MAX)
        (void)verify(rx->e, a, p, rx->path, rx->now, rx->out);
    hip_mobility_next(rx->e, a, rx->now, rx->out);
}

void hip_mobility_learn(struct hip_engine *e, struct hip_assoc *a, const struct hip_locator_set *set,
                        uint64_t now)
{
    if (set->n == 0)
        return;
    merge(e, a, set, &a->path, now);
    /* What the exchange itself goes over stays in use, listed or not, until an UPDATE says otherwise. */
    struct hip_peer_locator *p = hip_mobility_find(a, &a->path.peer);
    if (p)
        p->state = HIP_LOCATOR_ACTIVE;
}

void hip_mobility_start(struct hip_engine *e, struct hip_assoc *a, uint64_t now)
{
    schedule(e, a);
    a->checks_from_us = now + HIP_CHECK_PACE_US;
    if (waiting(a, NULL))
        hip_assoc_timer(e, a, HIP_TIMER_VERIFY, a->checks_from_us);
}

int hip_mobility_read(const struct hip_pkt *k, const uint32_t *spi, struct hip_locator_set *out)
{
    if (!hip_pkt_has(k, HIP_PAR_LOCATOR_SET))
        return HIP_TAKEN;
    if (hip_get_locator_set(hip_pkt_span(k, HIP_PAR_LOCATOR_SET), out) != ERR_OK)
        return HIP_DROP_BAD_LOCATOR;
    return hip_mobility_check(out, spi);
}

void hip_mobility_expire(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++)
        if (a->loc[i].state != HIP_LOCATOR_NONE && a->loc[i].expires_us <= now) {
            a->loc[i].state = HIP_LOCATOR_DEPRECATED;
            stop_check(e, a, &a->loc[i]);
        }
    schedule(e, a);
    hip_mobility_settle(e, a, NULL, now, out);
    hip_mobility_next(e, a, now, out);
}
