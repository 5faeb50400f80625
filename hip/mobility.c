/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/mobility.h"

#include <string.h>

#include "common/crypto/secret.h"
#include "hip/rekey.h"
#include "hip/update.h"

/* ---- we move ---- */

static bool usable(const struct addr *a)
{
    return a->family != ADDR_NONE && !addr_is_multicast(a) && !addr_is_unspecified(a);
}

err hip_move(struct hip_engine *e, struct hip_ref ref, const struct hip_path *path, const struct addr *set,
             size_t n, uint64_t now, struct hip_actions *out)
{
    struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    struct hip_locator_set l = { .n = n };
    if (!a)
        return ERR_NOT_FOUND;
    if (a->state != HIP_R2_SENT && a->state != HIP_ESTABLISHED)
        return ERR_STATE;
    if (n == 0 || n > HIP_LOCATORS_MAX || path->local.family != path->peer.family)
        return ERR_RANGE;
    for (size_t i = 0; i < n; i++) {
        if (!usable(&set[i]))
            return ERR_RANGE;
        l.v[i] = (struct hip_locator){ .type = HIP_LOC_SPI,
                                       .preferred = i == 0,
                                       .lifetime_s = UINT32_MAX,
                                       .spi = a->spi_in,
                                       .addr = set[i] };
        l.v[i].addr.port = 0;
    }
    if (!hip_act_room(out))
        return ERR_SPACE;
    struct hip_path was = a->path;
    /* An older set that is still on its way would be the wrong one by now. */
    hip_update_cancel(e, a, HIP_UPD_MOVE);
    a->path = *path;
    struct hip_esp_info gratuitous = { .keymat_index = 0, .old_spi = a->spi_in, .new_spi = a->spi_in };
    struct hip_update_parts u = { .kind = HIP_UPD_MOVE, .esp = &gratuitous, .locators = &l };
    err r = hip_update_send(e, a, &u, now, out, NULL);
    if (r != ERR_OK) {
        a->path = was;
        return r;
    }
    hip_act_sa_path(e, out, a);
    return ERR_OK;
}

/* ---- the peer moves ---- */

void hip_mobility_begin(struct hip_assoc *a)
{
    memset(a->loc, 0, sizeof a->loc);
    a->loc[0] = (struct hip_peer_locator){ .state = HIP_LOCATOR_ACTIVE,
                                           .addr = a->path.peer,
                                           .expires_us = HEAP_NEVER };
    a->any_locset = false;
}

int hip_mobility_check(const struct hip_assoc *a, const struct hip_locator_set *set,
                       const struct hip_esp_info *esp)
{
    if (set->n > HIP_LOCATORS_MAX)
        return HIP_DROP_BAD_LOCATOR;
    for (size_t i = 0; i < set->n; i++) {
        const struct hip_locator *l = &set->v[i];
        if (l->type > HIP_LOC_SPI)
            continue; /* not for us; s5.3 */
        if (!usable(&l->addr))
            return HIP_DROP_BAD_LOCATOR;
        if (l->type == HIP_LOC_SPI && (!esp || l->spi != esp->new_spi)) /* s5.2 */
            return HIP_DROP_BAD_LOCATOR;
    }
    return HIP_TAKEN;
}

static struct hip_peer_locator *find(struct hip_assoc *a, const struct addr *addr)
{
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++)
        if (a->loc[i].state != HIP_LOCATOR_NONE && addr_same_ip(&a->loc[i].addr, addr))
            return &a->loc[i];
    return NULL;
}

/* A free place, else that of a locator that is of no use any more. */
static struct hip_peer_locator *place(struct hip_assoc *a)
{
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++)
        if (a->loc[i].state == HIP_LOCATOR_NONE)
            return &a->loc[i];
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++)
        if (a->loc[i].state == HIP_LOCATOR_DEPRECATED && !addr_same_ip(&a->loc[i].addr, &a->path.peer))
            return &a->loc[i];
    return NULL;
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

/* s5.3: listed ones are refreshed or added, the others DEPRECATED; DEPRECATED never becomes ACTIVE without a check. */
static void merge(struct hip_assoc *a, const struct hip_locator_set *set, uint64_t now)
{
    bool listed[HIP_LOCATORS_MAX] = { false };
    for (size_t i = 0; i < set->n; i++) {
        const struct hip_locator *l = &set->v[i];
        if (l->type > HIP_LOC_SPI || l->traffic == HIP_LOC_SIGNALLING)
            continue;
        struct hip_peer_locator *p = find(a, &l->addr);
        if (!p && (p = place(a)))
            *p = (struct hip_peer_locator){ .state = HIP_LOCATOR_UNVERIFIED, .addr = l->addr };
        if (!p)
            continue;
        if (p->state == HIP_LOCATOR_DEPRECATED)
            p->state = HIP_LOCATOR_UNVERIFIED;
        p->expires_us = l->lifetime_s == UINT32_MAX ? HEAP_NEVER : now + (uint64_t)l->lifetime_s * 1000000;
        listed[p - a->loc] = true;
    }
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++)
        if (!listed[i] && a->loc[i].state != HIP_LOCATOR_NONE)
            a->loc[i].state = HIP_LOCATOR_DEPRECATED;
}

/* The preferred one, if the UPDATE's own local address can reach it; else the first that it can. */
static struct hip_peer_locator *choose(struct hip_assoc *a, const struct hip_locator_set *set,
                                       const struct addr *local)
{
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < set->n; i++) {
            const struct hip_locator *l = &set->v[i];
            if (l->type > HIP_LOC_SPI || l->traffic == HIP_LOC_SIGNALLING)
                continue;
            if ((pass == 1 || l->preferred) && l->addr.family == local->family)
                return find(a, &l->addr);
        }
    return NULL;
}

/* The peer's locator as it is reached from where the UPDATE at hand came in. */
static struct hip_path path_to(const struct hip_rx *rx, const struct hip_peer_locator *p)
{
    struct hip_path to = { .local = rx->path->local, .peer = p->addr };
    to.peer.port = rx->path->peer.port;
    to.peer.scope = rx->path->peer.scope;
    return to;
}

static void go_to(struct hip_rx *rx, const struct hip_path *next)
{
    struct hip_assoc *a = rx->a;
    if (addr_eq(&a->path.local, &next->local) && addr_eq(&a->path.peer, &next->peer))
        return;
    a->path = *next;
    hip_act_sa_path(rx->e, rx->out, a);
    struct hip_action *q = hip_act(rx->e, rx->out, HIP_ACT_MOVED, a);
    if (q)
        q->moved.path = a->path;
}

/* s3.2.1 step 2: the nonce goes to the new address, with the ACK that is owed. */
static void verify(struct hip_rx *rx, struct hip_peer_locator *p)
{
    struct hip_assoc *a = rx->a;
    struct hip_path to = path_to(rx, p);
    struct hip_esp_info gratuitous = { .old_spi = a->spi_in, .new_spi = a->spi_in };
    env_random(hip_env(rx->e), p->nonce, sizeof p->nonce);
    struct hip_update_parts u = { .kind = HIP_UPD_VERIFY,
                                  .esp = &gratuitous,
                                  .echo_request = span_of(p->nonce, sizeof p->nonce),
                                  .path = &to };
    p->verifying = hip_update_send(rx->e, a, &u, rx->now, rx->out, &p->verify_id) == ERR_OK;
}

void hip_mobility_take(struct hip_rx *rx, const struct hip_locator_set *set, uint32_t id)
{
    struct hip_assoc *a = rx->a;
    if (a->any_locset && (int32_t)(id - a->locset_id) < 0)
        return; /* overtaken by a newer set */
    a->any_locset = true;
    a->locset_id = id;
    hip_update_cancel(rx->e, a, HIP_UPD_VERIFY);
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++)
        a->loc[i].verifying = false;
    merge(a, set, rx->now);
    schedule(rx->e, a);
    struct hip_peer_locator *p = choose(a, set, &rx->path->local);
    if (!p)
        return;
    struct hip_path to = path_to(rx, p);
    if (p->state == HIP_LOCATOR_ACTIVE)
        go_to(rx, &to);
    else
        verify(rx, p);
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
void hip_mobility_verified(struct hip_rx *rx, uint32_t id, const struct hip_path *checked)
{
    struct hip_peer_locator *p = checked_by(rx->a, id);
    if (!p)
        return;
    p->verifying = false;
    if (p->state != HIP_LOCATOR_UNVERIFIED)
        return;
    p->state = HIP_LOCATOR_ACTIVE;
    go_to(rx, checked);
}

void hip_mobility_failed(struct hip_assoc *a, uint32_t id)
{
    struct hip_peer_locator *p = checked_by(a, id);
    if (!p)
        return;
    p->verifying = false; /* UNVERIFIED still: see hip_mobility_heard() */
}

void hip_mobility_heard(struct hip_rx *rx)
{
    struct hip_assoc *a = rx->a;
    struct hip_peer_locator *now_used = find(a, &a->path.peer), *p = find(a, &rx->path->peer);
    if (!p || p->state != HIP_LOCATOR_UNVERIFIED || (now_used && now_used->state == HIP_LOCATOR_ACTIVE))
        return;
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++)
        if (a->loc[i].verifying)
            return;
    verify(rx, p);
}

void hip_mobility_expire(struct hip_engine *e, struct hip_assoc *a, uint64_t now)
{
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++)
        if (a->loc[i].state != HIP_LOCATOR_NONE && a->loc[i].expires_us <= now)
            a->loc[i].state = HIP_LOCATOR_DEPRECATED;
    schedule(e, a);
}
