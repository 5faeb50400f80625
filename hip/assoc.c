/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/assoc.h"

#include <stdlib.h>
#include <string.h>

#include "hip/core.h"
#include "hip/ice.h"
#include "hip/initiator.h"
#include "hip/relay.h"
#include "hip/rvs.h"
#include "hip/update.h"

const struct bucket_rate hip_assoc_rate = { .per_second_milli = 5000, .burst = 10 };
const struct bucket_rate hip_told_rate = { .per_second_milli = 1000, .burst = 3 };

#define TO(s) (1u << HIP_##s)

/* RFC 7401 s4.4.3: from each state the states that can follow. UNASSOCIATED stands for "no more" as well. */
static const struct {
    const char *name;
    unsigned next;
} states[HIP_STATE__COUNT] = {
    [HIP_UNASSOCIATED] = { "UNASSOCIATED", TO(I1_SENT) | TO(R2_SENT) },
    [HIP_I1_SENT] = { "I1-SENT", TO(I2_SENT) | TO(E_FAILED) | TO(UNASSOCIATED) },
    [HIP_I2_SENT] = { "I2-SENT", TO(ESTABLISHED) | TO(CLOSED) | TO(E_FAILED) | TO(UNASSOCIATED) },
    [HIP_R2_SENT] = { "R2-SENT", TO(ESTABLISHED) | TO(CLOSING) | TO(CLOSED) | TO(UNASSOCIATED) },
    [HIP_ESTABLISHED] = { "ESTABLISHED", TO(CLOSING) | TO(CLOSED) | TO(UNASSOCIATED) },
    [HIP_CLOSING] = { "CLOSING", TO(CLOSED) | TO(UNASSOCIATED) },
    [HIP_CLOSED] = { "CLOSED", TO(UNASSOCIATED) },
    [HIP_E_FAILED] = { "E-FAILED", TO(UNASSOCIATED) },
};

const char *hip_state_name(enum hip_state s)
{
    return (unsigned)s < HIP_STATE__COUNT ? states[s].name : "?";
}

void hip_assoc_set_state(struct hip_engine *e, struct hip_assoc *a, enum hip_state next, uint64_t now)
{
    if (!(states[a->state].next & (1u << next)))
        abort();
    char text[HIT_TEXT_MAX];
    if (log_wants(&hip_env(e)->log, LOG_LV_DEBUG))
        log_at(&hip_env(e)->log, LOG_LV_DEBUG, "hip", "peer=%s state=%s was=%s", hit_format(&a->peer, text),
               states[next].name, states[a->state].name);
    a->state = next;
    a->since_us = now;
}

const struct hit *hip_assoc_local(const struct hip_assoc *a)
{
    return &a->id->hi.hit;
}

/* ---- the table ---- */

struct pair_key {
    uint8_t b[32];
};

static struct pair_key pair_of(const struct hit *local, const struct hit *peer)
{
    struct pair_key k;
    memcpy(k.b, local->b, 16);
    memcpy(k.b + 16, peer->b, 16);
    return k;
}

/* What lingers is the first to go: it only repeats CLOSE and CLOSE_ACK, or nothing. */
static bool evict(struct hip_engine *e)
{
    struct hip_assoc *oldest = NULL;
    for (uint32_t i = 0; i < e->cfg.assoc_max; i++) {
        struct hip_assoc *a = e->slots[i].a;
        if (a && a->gone && (!oldest || a->since_us < oldest->since_us))
            oldest = a;
    }
    if (!oldest)
        return false;
    hip_assoc_free(e, oldest);
    return true;
}

struct hip_assoc *hip_assoc_new(struct hip_engine *e, struct hip_identity *id, const struct hit *peer)
{
    if (e->n_free == 0 && !evict(e))
        return NULL;
    struct hip_assoc *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    uint32_t slot = e->free_slots[--e->n_free];
    if (++e->slots[slot].gen == 0)
        e->slots[slot].gen = 1;
    e->slots[slot].a = a;
    a->slot = slot;
    a->gen = e->slots[slot].gen;
    a->id = id;
    a->peer = *peer;
    hip_timers_init(&a->timers);
    bucket_init(&a->reack, &hip_assoc_rate, 0);
    bucket_init(&a->notifies, &hip_assoc_rate, 0);
    bucket_init(&a->told, &hip_told_rate, 0);
    return a;
}

void hip_assoc_free(struct hip_engine *e, struct hip_assoc *a)
{
    if (!a)
        return;
    hip_assoc_free(e, a->former);
    if (a->heir)
        a->heir->former = NULL;
    hip_assoc_leave(e, a);
    hip_rvs_forget(e, a);
    hip_relay_forget(e, a);
    if (a->in_spis)
        hip_assoc_release_spi(e, a->spi_in);
    if (a->rekeying)
        hip_assoc_release_spi(e, a->spi_in_next);
    hip_timers_stop(&e->heap, &a->timers);
    hip_ice_free(a);
    hip_exchange_free(a->x);
    hip_stored_clear(&a->last);
    hip_stored_clear(&a->echo);
    hip_stored_clear(&a->box_echo);
    for (size_t i = 0; i < HIP_UPDATES_MAX; i++)
        hip_stored_clear(&a->sent[i].pkt);
    if (a->gone)
        e->n_gone--;
    hip_assoc_rekey_forget(a);
    hip_keyset_done(&a->keys);
    hip_hi_done(&a->peer_hi);
    e->slots[a->slot].a = NULL;
    e->free_slots[e->n_free++] = a->slot;
    free(a);
}

struct hip_assoc *hip_assoc_by_ref(const struct hip_engine *e, struct hip_ref ref)
{
    if (ref.gen == 0 || ref.slot >= e->cfg.assoc_max || e->slots[ref.slot].gen != ref.gen)
        return NULL;
    struct hip_assoc *a = e->slots[ref.slot].a;
    return a && !a->gone ? a : NULL;
}

struct hip_assoc *hip_assoc_by_pair(const struct hip_engine *e, const struct hit *local,
                                    const struct hit *peer)
{
    struct pair_key k = pair_of(local, peer);
    return htab_get(e->pairs, &k);
}

struct hip_assoc *hip_embryo_by_pair(const struct hip_engine *e, const struct hit *local,
                                     const struct hit *peer)
{
    struct pair_key k = pair_of(local, peer);
    return htab_get(e->embryos, &k);
}

err hip_assoc_enter(struct hip_engine *e, struct hip_assoc *a)
{
    struct pair_key k = pair_of(hip_assoc_local(a), &a->peer);
    err r = htab_put(a->embryo ? e->embryos : e->pairs, &k, a);
    if (r != ERR_OK)
        return r;
    *(a->embryo ? &a->in_embryos : &a->in_pairs) = true;
    return ERR_OK;
}

void hip_assoc_leave(struct hip_engine *e, struct hip_assoc *a)
{
    struct pair_key k = pair_of(hip_assoc_local(a), &a->peer);
    if (a->in_pairs)
        htab_del(e->pairs, &k);
    if (a->in_embryos)
        htab_del(e->embryos, &k);
    a->in_pairs = a->in_embryos = false;
}

/* RFC 7402 s3.2.1 SHOULD: at random. */
err hip_assoc_new_spi(struct hip_engine *e, struct hip_assoc *a, uint32_t *spi)
{
    for (int i = 0; i < 16; i++) {
        uint32_t v = env_draw_u32(hip_env(e), "spi");
        if (v < 256) /* reserved, RFC 4303 s2.1 */
            continue;
        err r = htab_put(e->spis, &v, a);
        if (r == ERR_EXISTS)
            continue;
        if (r == ERR_OK)
            *spi = v;
        return r;
    }
    return ERR_FULL;
}

void hip_assoc_release_spi(struct hip_engine *e, uint32_t spi)
{
    htab_del(e->spis, &spi);
}

/* ---- life ---- */

void hip_assoc_touch(struct hip_engine *e, struct hip_assoc *a, uint64_t now)
{
    a->used_us = now;
    uint64_t at = now + hip_ual(e, &a->peer);
    hip_assoc_timer(e, a, HIP_TIMER_IDLE, at < a->keep_until_us ? a->keep_until_us : at);
}

void hip_retry_start(struct hip_engine *e, struct hip_assoc *a, uint64_t now)
{
    a->tries = 0;
    hip_assoc_timer(e, a, HIP_TIMER_RETRY, now + e->cfg.rtx_first_us);
}

uint64_t hip_retry_total(const struct hip_engine *e)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i <= e->cfg.rtx_tries; i++)
        sum += hip_backoff(e->cfg.rtx_first_us, i);
    return sum;
}

bool hip_retry_again(struct hip_engine *e, struct hip_assoc *a, uint64_t now)
{
    if (++a->tries > e->cfg.rtx_tries)
        return false;
    hip_assoc_timer(e, a, HIP_TIMER_RETRY, now + hip_backoff(e->cfg.rtx_first_us, a->tries));
    return true;
}

void hip_assoc_adopt(struct hip_assoc *a, struct hip_keyset *k)
{
    hip_keyset_done(&a->keys);
    a->keys = *k;
    a->has_export = a->keys.exports;
    *k = (struct hip_keyset){ 0 };
}

void hip_assoc_rekey_forget(struct hip_assoc *a)
{
    a->rekeying = a->rekey_acked = a->rekey_theirs = false;
    dh_free(a->dh_next);
    a->dh_next = NULL;
    hip_stored_clear(&a->peer_dh_next);
    hip_keymat_free(a->keymat_next);
    a->keymat_next = NULL;
}

void hip_assoc_succeed(struct hip_engine *e, struct hip_assoc *a, struct hip_assoc *was)
{
    hip_assoc_leave(e, was);
    a->former = was;
    was->heir = a;
}

void hip_assoc_gone(struct hip_engine *e, struct hip_assoc *a, enum hip_gone why, struct hip_actions *out)
{
    if (a->gone)
        return;
    hip_act_sa_down(e, out, a); /* RFC 7402 s3.3.1 MUST: no SAs without it */
    struct hip_action *v = hip_act(e, out, HIP_ACT_GONE, a);
    if (v) {
        v->gone.why = why;
        v->gone.was = a->state;
    }
    a->gone = true;
    e->n_gone++;
}

/* What is left when only the state and the keys count. */
static void linger(struct hip_engine *e, struct hip_assoc *a, enum hip_state next, uint64_t until_us,
                   uint64_t now)
{
    hip_exchange_free(a->x);
    a->x = NULL;
    hip_rvs_forget(e, a);
    hip_relay_forget(e, a);
    hip_update_cancel_all(e, a);
    hip_timers_stop(&e->heap, &a->timers);
    hip_ice_free(a);
    if (a->state != next)
        hip_assoc_set_state(e, a, next, now);
    hip_assoc_timer(e, a, HIP_TIMER_LINGER, until_us);
}

void hip_assoc_end(struct hip_engine *e, struct hip_assoc *a, enum hip_gone why, bool lingers, uint64_t now,
                   struct hip_actions *out)
{
    hip_assoc_gone(e, a, why, out);
    if (lingers) {
        linger(e, a, HIP_CLOSED, now + hip_ual(e, &a->peer) + 2 * HIP_MSL_US, now);
        return;
    }
    if (a->state != HIP_UNASSOCIATED)
        hip_assoc_set_state(e, a, HIP_UNASSOCIATED, now);
    hip_assoc_free(e, a);
}

void hip_assoc_fail(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    hip_assoc_gone(e, a, HIP_GONE_FAILED, out);
    linger(e, a, HIP_E_FAILED, now + HIP_FAILED_US, now);
}
