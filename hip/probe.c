/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/probe.h"

#include <string.h>

#include "common/crypto/secret.h"
#include "hip/assoc_auth.h"
#include "hip/ice.h"

static void schedule(struct hip_engine *e, struct hip_assoc *a)
{
    uint64_t min = HEAP_NEVER;
    for (size_t i = 0; i < HIP_PROBES_MAX; i++)
        if (a->probe[i].on && a->probe[i].sent_us + HIP_PROBE_US < min)
            min = a->probe[i].sent_us + HIP_PROBE_US;
    hip_assoc_timer(e, a, HIP_TIMER_PROBE, min);
}

/* With connectivity checks on the association it is one of them, so that a data relay server lets it leave from the relayed address. */
static err build(const struct hip_assoc *a, const struct hip_probe_sent *p, uint8_t *buf, struct span *out)
{
    struct hip_build b;
    hip_build_init(&b, buf, HIP_PACKET_MAX, HIP_PKT_UPDATE, hip_assoc_local(a), &a->peer,
                   hip_hi_controls(&a->id->hi));
    hip_put_seq(&b, p->id);
    hip_build_param(&b, HIP_PAR_ECHO_REQUEST_SIGNED, span_of(p->nonce, sizeof p->nonce));
    if (a->ice)
        hip_put_u32(&b, HIP_PAR_CANDIDATE_PRIORITY, 0);
    hip_auth_add(&b, a);
    return hip_build_finish(&b, &p->path.local, &p->path.peer, out);
}

err hip_probe(struct hip_engine *e, struct hip_ref ref, uint64_t now, struct hip_actions *out, uint32_t *id)
{
    struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    uint8_t buf[HIP_PACKET_MAX];
    struct hip_probe_sent *p = NULL;
    struct span pkt;
    if (!a)
        return ERR_NOT_FOUND;
    if ((a->state != HIP_R2_SENT && a->state != HIP_ESTABLISHED) || hip_ice_waits(a))
        return ERR_STATE;
    for (size_t i = 0; i < HIP_PROBES_MAX; i++)
        if (!a->probe[i].on)
            p = &a->probe[i];
    if (!p)
        return ERR_FULL;
    if (!hip_act_room(out))
        return ERR_SPACE;
    *p = (struct hip_probe_sent){ .id = a->next_id, .sent_us = now, .path = *hip_ice_esp(a) };
    env_draw(hip_env(e), "nonce", p->nonce, sizeof p->nonce);
    err r = build(a, p, buf, &pkt);
    if (r != ERR_OK)
        return r;
    p->on = true;
    a->next_id++;
    schedule(e, a);
    hip_assoc_touch(e, a, now);
    hip_act_send(e, out, a, &p->path, pkt);
    *id = p->id;
    return ERR_OK;
}

static void probed(struct hip_engine *e, struct hip_assoc *a, struct hip_probe_sent *p, bool answered,
                   uint64_t now, struct hip_actions *out)
{
    p->on = false;
    struct hip_action *v = hip_act(e, out, HIP_ACT_PROBED, a);
    if (!v)
        return;
    v->probed.id = p->id;
    v->probed.answered = answered;
    v->probed.rtt_us = answered ? (uint32_t)(now - p->sent_us) : 0;
    v->probed.path = p->path;
}

bool hip_probe_acked(struct hip_rx *rx, const struct hip_acks *acks, struct span echo)
{
    struct hip_assoc *a = rx->a;
    bool any = false;
    for (size_t k = 0; k < acks->n; k++)
        for (size_t i = 0; i < HIP_PROBES_MAX; i++) {
            struct hip_probe_sent *p = &a->probe[i];
            if (!p->on || p->id != acks->id[k] || echo.n != sizeof p->nonce ||
                !sec_equal(echo.p, p->nonce, echo.n))
                continue;
            probed(rx->e, a, p, true, rx->now, rx->out);
            any = true;
        }
    if (any)
        schedule(rx->e, a);
    return any;
}

void hip_probe_timeout(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    for (size_t i = 0; i < HIP_PROBES_MAX; i++)
        if (a->probe[i].on && a->probe[i].sent_us + HIP_PROBE_US <= now)
            probed(e, a, &a->probe[i], false, now, out);
    schedule(e, a);
}
