/* SPDX-License-Identifier: Apache-2.0
 *
 * We move (RFC 8046 s3.2.1, s5.2): our locators are told to the peer in one UPDATE, from the new address.
 */
#include <string.h>

#include "hip/initiator.h"
#include "hip/mobility.h"
#include "hip/update.h"

/* No broadcast, no multicast (s5.2); link-local ones only to who is on the link (RFC 8047 s5.1). */
static bool may_tell(const struct addr *own, const struct addr *peer)
{
    return !addr_is_link_local(own) || addr_is_link_local(peer);
}

static err own_set(const struct addr *set, size_t n, const struct addr *peer, struct addr *own, size_t *n_own)
{
    size_t k = 0;
    if (n == 0 || n > HIP_LOCATORS_MAX)
        return ERR_RANGE;
    for (size_t i = 0; i < n; i++) {
        if (set[i].family == ADDR_NONE || addr_is_multicast(&set[i]) || addr_is_unspecified(&set[i]) ||
            addr_is_loopback(&set[i]))
            return ERR_RANGE;
        if (may_tell(&set[i], peer))
            own[k++] = set[i];
    }
    *n_own = k;
    return k ? ERR_OK : ERR_RANGE;
}

err hip_move_own(struct hip_assoc *a, const struct addr *set, size_t n, const struct addr *peer)
{
    struct addr own[HIP_LOCATORS_MAX];
    size_t n_own;
    if (n == 0)
        return ERR_OK;
    err r = own_set(set, n, peer, own, &n_own);
    if (r != ERR_OK)
        return r;
    memcpy(a->own, own, n_own * sizeof *own);
    a->n_own = n_own;
    return ERR_OK;
}

void hip_move_put(struct hip_build *b, const struct hip_assoc *a)
{
    struct hip_locator_set l;
    if (a->n_own == 0)
        return;
    hip_move_set(a->own, a->n_own, a->spi_in, &l);
    hip_put_locator_set(b, &l);
}

void hip_move_set(const struct addr *own, size_t n, uint32_t spi, struct hip_locator_set *out)
{
    *out = (struct hip_locator_set){ .n = n };
    for (size_t i = 0; i < n; i++) {
        out->v[i] = (struct hip_locator){
            .type = HIP_LOC_SPI, .preferred = i == 0, .lifetime_s = UINT32_MAX, .spi = spi, .addr = own[i]
        };
        out->v[i].addr.port = 0;
    }
}

/* The peer's side of the path was never checked: the UPDATE itself carries the nonce. */
static struct hip_peer_locator *unchecked(struct hip_assoc *a, const struct hip_path *path)
{
    struct hip_peer_locator *p = hip_mobility_find(a, &path->peer);
    if (a->ice || path->to.family != ADDR_NONE)
        return NULL;
    if (!p)
        return hip_mobility_add(a, &path->peer);
    return p->state == HIP_LOCATOR_UNVERIFIED ? p : NULL;
}

/* Where we were and what we said before, in case that it cannot be sent. */
struct before {
    struct hip_path path, esp;
    struct addr own[HIP_LOCATORS_MAX];
    size_t n_own;
};

static void remember(const struct hip_assoc *a, struct before *b)
{
    b->path = a->path;
    b->esp = a->esp;
    memcpy(b->own, a->own, sizeof b->own);
    b->n_own = a->n_own;
}

static void go_back(struct hip_assoc *a, const struct before *b)
{
    a->path = b->path;
    a->esp = b->esp;
    memcpy(a->own, b->own, sizeof a->own);
    a->n_own = b->n_own;
}

static err announce(struct hip_engine *e, struct hip_assoc *a, struct hip_peer_locator *check, uint64_t now,
                    struct hip_actions *out)
{
    struct hip_esp_info gratuitous = { .old_spi = a->spi_in, .new_spi = a->spi_in };
    struct hip_locator_set l;
    hip_move_set(a->own, a->n_own, a->spi_in, &l);
    struct hip_update_parts u = { .kind = HIP_UPD_MOVE, .esp = &gratuitous, .locators = &l };
    if (check) {
        env_draw(hip_env(e), "nonce", check->nonce, sizeof check->nonce);
        u.echo_request = span_of(check->nonce, sizeof check->nonce);
    }
    uint32_t id;
    err r = hip_update_send(e, a, &u, now, out, &id);
    if (r == ERR_OK && check) {
        check->verifying = check->by_move = true;
        check->failed = false;
        check->verify_id = id;
        check->path = a->path;
    }
    return r;
}

err hip_move_announce(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    hip_mobility_requeue(e, a);
    return announce(e, a, NULL, now, out);
}

err hip_move(struct hip_engine *e, struct hip_ref ref, const struct hip_path *path, const struct addr *set,
             size_t n, uint64_t now, struct hip_actions *out)
{
    struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    struct addr own[HIP_LOCATORS_MAX];
    struct before was;
    size_t n_own;
    if (!a)
        return ERR_NOT_FOUND;
    if (a->state != HIP_R2_SENT && a->state != HIP_ESTABLISHED && a->state != HIP_I1_SENT &&
        a->state != HIP_I2_SENT)
        return ERR_STATE;
    struct hip_path chosen = *path;
    if (path->peer.family == ADDR_NONE && !hip_mobility_reach(a, path->local.family, &chosen.peer))
        return ERR_RANGE;
    path = &chosen;
    if (path->local.family != path->peer.family)
        return ERR_RANGE;
    err r = own_set(set, n, &path->peer, own, &n_own);
    if (r != ERR_OK)
        return r;
    if (!hip_act_room(out))
        return ERR_SPACE;
    remember(a, &was);
    memcpy(a->own, own, n_own * sizeof *own);
    a->n_own = n_own;
    if (a->state == HIP_I1_SENT || a->state == HIP_I2_SENT)
        return hip_initiator_move(e, a, path, now, out);
    a->path = *path;
    /* An older set that is still on its way would be the wrong one by now. */
    (void)hip_update_cancel(e, a, HIP_UPD_MOVE);
    hip_mobility_requeue(e, a);
    struct hip_peer_locator *check = unchecked(a, path);
    r = announce(e, a, check, now, out);
    if (r != ERR_OK) {
        go_back(a, &was);
        return r;
    }
    if (a->path.to.family == ADDR_NONE)
        hip_mobility_settle_data(e, a, path, now, out);
    hip_mobility_next(e, a, now, out);
    return ERR_OK;
}
