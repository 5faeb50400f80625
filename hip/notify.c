/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/notify.h"

#include "hip/auth.h"
#include "hip/fsm.h"
#include "hip/nat.h"
#include "hip/param_echo.h"

static err build(const struct hip_identity *id, const struct hit *peer, uint16_t code, struct span data,
                 uint8_t *buf, struct span *out)
{
    struct hip_build b;
    if (data.n > HIP_NOTIFY_DATA_MAX)
        return ERR_SPACE;
    hip_build_init(&b, buf, HIP_PACKET_MAX, HIP_PKT_NOTIFY, &id->hi.hit, peer, hip_hi_controls(&id->hi));
    hip_put_notification(&b, &(struct hip_notification){ .code = code, .data = data });
    hip_sign_add(&b, HIP_PAR_HIP_SIGNATURE, &id->hi);
    return hip_build_finish(&b, NULL, NULL, out); /* hip_act_send() makes the checksum */
}

size_t hip_notify_len(const struct hip_identity *id, size_t data_n)
{
    return HIP_HEADER_LEN + hip_tlv_len(4 + data_n) + hip_tlv_len(2 + sig_len(id->hi.key));
}

err hip_notify_to(struct hip_engine *e, const struct hip_identity *id, const struct hit *peer,
                  const struct hip_path *path, uint16_t code, struct span data, struct hip_actions *out)
{
    uint8_t buf[HIP_PACKET_MAX];
    struct span pkt;
    err r = build(id, peer, code, data, buf, &pkt);
    if (r == ERR_OK)
        hip_act_send(e, out, NULL, path, pkt);
    return r;
}

void hip_notify_tell(const struct hip_rx *rx, uint16_t code, struct span data)
{
    struct hip_assoc *a = rx->a;
    if (!bucket_take(&a->told, &hip_told_rate, 1, rx->now))
        return;
    if (hip_notify_to(rx->e, a->id, &a->peer, rx->path, code, data, rx->out) != ERR_OK)
        rx->e->counters[HIP_DROP_INTERNAL]++;
}

err hip_notify_send(struct hip_engine *e, const struct hip_assoc *a, uint16_t code, struct span data,
                    struct hip_actions *out)
{
    uint8_t buf[HIP_PACKET_MAX];
    struct span pkt;
    err r = build(a->id, &a->peer, code, data, buf, &pkt);
    if (r == ERR_OK)
        hip_act_send(e, out, a, &a->path, pkt);
    return r;
}

err hip_notify(struct hip_engine *e, struct hip_ref ref, uint16_t code, struct span data, uint64_t now,
               struct hip_actions *out)
{
    struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    if (!a)
        return ERR_NOT_FOUND;
    return a->state == HIP_I1_SENT ? ERR_STATE : hip_notify_send(e, a, code, data, out);
}

static void alive_from(struct hip_rx *rx)
{
    hip_assoc_touch(rx->e, rx->a, rx->now);
    hip_nat_seen(rx);
}

int hip_notify_receive(struct hip_rx *rx)
{
    struct hip_assoc *a = rx->a;
    struct hip_notification n;
    if (!a->peer_hi.key)
        return HIP_DROP_WRONG_STATE;
    if (hip_get_notification(hip_pkt_span(&rx->pkt, HIP_PAR_NOTIFICATION), &n) != ERR_OK)
        return HIP_DROP_PARAM_MALFORMED;
    bool alive = n.code == HIP_NTF_NAT_KEEPALIVE;
    if (alive && a->state != HIP_I2_SENT && hip_path_eq(rx->path, &a->path)) {
        /* What it would do has been done lately: it is not worth a signature check. */
        a->heard_us = rx->now;
        if (rx->now - a->used_us < hip_ual(rx->e, &a->peer) / 4)
            return HIP_TAKEN;
    }
    /* It has no MAC: each one costs a signature to look at. */
    if (!bucket_take(&a->notifies, &hip_assoc_rate, 1, rx->now))
        return HIP_DROP_RATE_LIMITED;
    if (hip_sign_check(&rx->pkt, HIP_PAR_HIP_SIGNATURE, &a->peer_hi) != ERR_OK)
        return HIP_DROP_BAD_SIGNATURE;
    if (alive) {
        if (a->state == HIP_R2_SENT || a->state == HIP_ESTABLISHED)
            alive_from(rx);
        return HIP_TAKEN;
    }
    /* RFC 7401 s5.2.19, s6.13 MUST: it is told, known or not, and changes nothing. */
    struct hip_action *q = hip_act(rx->e, rx->out, HIP_ACT_NOTIFY, a);
    if (q) {
        q->notify.code = n.code;
        q->notify.data = hip_act_copy(rx->e, rx->out, n.data);
    }
    return HIP_TAKEN;
}
