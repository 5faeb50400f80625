/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/close.h"

#include "common/crypto/secret.h"
#include "hip/assoc_auth.h"
#include "hip/echo.h"
#include "hip/fsm.h"
#include "hip/ice.h"
#include "hip/param_echo.h"
#include "hip/update.h"

static err build_close(struct hip_engine *e, struct hip_assoc *a)
{
    uint8_t buf[HIP_PACKET_MAX];
    struct span pkt;
    struct hip_build b;
    env_draw(hip_env(e), "echo", a->close_echo, sizeof a->close_echo);
    hip_build_init(&b, buf, sizeof buf, HIP_PKT_CLOSE, hip_assoc_local(a), &a->peer,
                   hip_hi_controls(&a->id->hi));
    hip_build_param(&b, HIP_PAR_ECHO_REQUEST_SIGNED, span_of(a->close_echo, sizeof a->close_echo));
    hip_auth_add(&b, a);
    err r = hip_build_finish(&b, &a->path.local, &a->path.peer, &pkt);
    return r == ERR_OK ? hip_stored_set(&a->last, pkt) : r;
}

void hip_close_begin(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    if (build_close(e, a) != ERR_OK) {
        hip_assoc_end(e, a, HIP_GONE_FAILED, false, now, out);
        return;
    }
    hip_act_sa_down(e, out, a);
    hip_update_cancel_all(e, a);
    hip_timers_stop(&e->heap, &a->timers);
    hip_assoc_set_state(e, a, HIP_CLOSING, now);
    a->closing = true;
    hip_act_send(e, out, a, &a->path, span_of(a->last.p, a->last.n));
    hip_retry_start(e, a, now);
}

void hip_close_retry(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    if (now - a->since_us >= hip_ual(e, &a->peer) + HIP_MSL_US) { /* RFC 7401 s4.4.3: CLOSING ends */
        hip_assoc_end(e, a, HIP_GONE_CLOSED, false, now, out);
        return;
    }
    if (!hip_retry_again(e, a, now)) {
        hip_assoc_gone(e, a, HIP_GONE_CLOSED, out);
        a->tries = (uint8_t)(e->cfg.rtx_tries + 1);
        hip_assoc_timer(e, a, HIP_TIMER_RETRY, now + hip_backoff(e->cfg.rtx_first_us, a->tries));
    }
    struct hip_path path =
        hip_ice_signal(a, &a->path, a->tries); /* straight first, then by the relay (RFC 9028 s4.11) */
    hip_act_send(e, out, a, &path, span_of(a->last.p, a->last.n));
}

err hip_close(struct hip_engine *e, struct hip_ref ref, uint64_t now, struct hip_actions *out)
{
    struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    if (!a)
        return ERR_NOT_FOUND;
    if (!hip_act_room(out))
        return ERR_SPACE;
    if (a->state == HIP_R2_SENT || a->state == HIP_ESTABLISHED)
        hip_close_begin(e, a, now, out);
    else if (a->state != HIP_CLOSING)
        hip_assoc_end(e, a, HIP_GONE_CLOSED, false, now, out);
    return ERR_OK;
}

/* I1-SENT: what was CLOSED before our I1 is still there for the peer (s4.4.3). */
int hip_close_former(struct hip_rx *rx)
{
    if (!rx->a->former)
        return HIP_DROP_WRONG_STATE;
    rx->a = rx->a->former;
    return rx->pkt.type == HIP_PKT_CLOSE ? hip_close_receive(rx) : hip_close_ack_receive(rx);
}

/* RFC 7401 s6.14 MUST: verified and answered, also when we are CLOSING ourselves, and again in CLOSED. */
int hip_close_receive(struct hip_rx *rx)
{
    struct hip_assoc *a = rx->a;
    uint8_t buf[HIP_PACKET_MAX];
    struct span pkt;
    struct hip_build b;
    int drop = hip_auth_check(rx);
    if (drop != HIP_TAKEN)
        return drop;
    hip_build_init(&b, buf, sizeof buf, HIP_PKT_CLOSE_ACK, hip_assoc_local(a), &a->peer,
                   hip_hi_controls(&a->id->hi));
    hip_put_echo_responses(&b, &rx->pkt.p, HIP_PAR_ECHO_REQUEST_SIGNED);
    hip_auth_add(&b, a);
    if (hip_build_finish(&b, &rx->path->local, &rx->path->peer, &pkt) != ERR_OK)
        return HIP_DROP_INTERNAL;
    hip_act_send(rx->e, rx->out, a, rx->path, hip_echo_answer(buf, pkt, &rx->pkt.p));
    if (a->state != HIP_CLOSED)
        hip_assoc_end(rx->e, a, HIP_GONE_CLOSED, true, rx->now, rx->out);
    return HIP_TAKEN;
}

int hip_close_ack_receive(struct hip_rx *rx)
{
    struct hip_assoc *a = rx->a;
    struct span echo = hip_pkt_span(&rx->pkt, HIP_PAR_ECHO_RESPONSE_SIGNED);
    int drop = hip_auth_check(rx);
    if (drop != HIP_TAKEN)
        return drop;
    /* RFC 7401 s6.15 MUST */
    if (!a->closing || echo.n != sizeof a->close_echo || !sec_equal(echo.p, a->close_echo, echo.n))
        return HIP_DROP_BAD_ECHO;
    hip_assoc_end(rx->e, a, HIP_GONE_CLOSED, false, rx->now, rx->out);
    return HIP_TAKEN;
}
