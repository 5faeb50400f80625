/* SPDX-License-Identifier: Apache-2.0
 *
 * UPDATEs of the peer's (RFC 7401 s6.12): verified, the window of those seen, read into locals; then their ACKs, and what they carry goes to
 * whom it concerns.
 */
#include <string.h>

#include "common/crypto/secret.h"
#include "hip/assoc_auth.h"
#include "hip/echo.h"
#include "hip/fsm.h"
#include "hip/ice.h"
#include "hip/mobility.h"
#include "hip/nat.h"
#include "hip/param_echo.h"
#include "hip/probe.h"
#include "hip/reg.h"
#include "hip/rekey.h"
#include "hip/responder.h"
#include "hip/rvs.h"
#include "hip/update.h"

/* An UPDATE taken apart, nothing changed yet. */
struct in {
    bool has_seq, has_esp, has_set;
    uint32_t id;
    struct hip_acks acks;
    struct hip_esp_info esp;
    struct hip_rekey_half half;
    struct hip_locator_set set;
    struct hip_contents contents;
    struct hip_ice_offer offer; /* candidates in ENCRYPTED */
    struct addr via;            /* the rendezvous server that it came through; ADDR_NONE: none */
    bool acks_ours, echo_missing;
    int drop; /* of an ACK for a connectivity check */
    uint8_t plain[HIP_PACKET_MAX];
};

enum seen { SEEN_NEW, SEEN_BEFORE, SEEN_OUTSIDE };

/* RFC 7401 s5.3.5 MUST: 32-bit circular comparison. */
static enum seen seen_before(const struct hip_assoc *a, uint32_t id)
{
    int32_t ahead = (int32_t)(id - (a->any_in ? a->newest_in : UINT32_MAX));
    if (ahead > HIP_UPDATE_AHEAD || ahead <= -HIP_UPDATE_WINDOW)
        return SEEN_OUTSIDE;
    if (ahead > 0 || !a->any_in)
        return SEEN_NEW;
    return a->seen_in >> -ahead & 1 ? SEEN_BEFORE : SEEN_NEW;
}

static void mark_seen(struct hip_assoc *a, uint32_t id)
{
    int32_t ahead = (int32_t)(id - a->newest_in);
    if (!a->any_in || ahead > 0) {
        a->seen_in = !a->any_in || ahead >= 64 ? 0 : a->seen_in << ahead;
        a->seen_in |= 1;
        a->newest_in = id;
        a->any_in = true;
    } else {
        a->seen_in |= UINT64_C(1) << -ahead;
    }
}

static int read_heads(const struct hip_rx *rx, struct in *v)
{
    const struct hip_pkt *k = &rx->pkt;
    v->has_seq = hip_pkt_has(k, HIP_PAR_SEQ);
    if (v->has_seq && hip_get_seq(hip_pkt_span(k, HIP_PAR_SEQ), &v->id) != ERR_OK)
        return HIP_DROP_PARAM_MALFORMED;
    if (hip_pkt_has(k, HIP_PAR_ACK) && hip_get_ack(hip_pkt_span(k, HIP_PAR_ACK), &v->acks) != ERR_OK)
        return HIP_DROP_PARAM_MALFORMED;
    return HIP_TAKEN;
}

/* RFC 8046 s4.3 MUST: a HOST_ID that comes along is the association's. */
static bool same_host(const struct hip_rx *rx)
{
    struct hip_host_id h;
    if (!hip_pkt_has(&rx->pkt, HIP_PAR_HOST_ID))
        return true;
    return hip_get_host_id(hip_pkt_span(&rx->pkt, HIP_PAR_HOST_ID), &h) == ERR_OK &&
           span_eq(h.hi, span_of(rx->a->peer_hi.wire, rx->a->peer_hi.wire_len));
}

static int read_body(const struct hip_rx *rx, struct in *v)
{
    const struct hip_pkt *k = &rx->pkt;
    if (!same_host(rx))
        return HIP_DROP_HI_MISMATCH;
    v->has_esp = hip_pkt_has(k, HIP_PAR_ESP_INFO);
    v->has_set = hip_pkt_has(k, HIP_PAR_LOCATOR_SET);
    if (v->has_esp && hip_get_esp_info(hip_pkt_span(k, HIP_PAR_ESP_INFO), &v->esp) != ERR_OK)
        return HIP_DROP_PARAM_MALFORMED;
    if (v->has_esp) {
        int drop = hip_rekey_check(rx, &v->esp, &v->half);
        if (drop != HIP_TAKEN)
            return drop;
    }
    if (v->has_set && rx->a->ice) /* candidates travel in ENCRYPTED (RFC 9028 s4.9) */
        return HIP_DROP_BAD_LOCATOR;
    int drop = hip_mobility_read(k, v->has_esp ? &v->esp.new_spi : NULL, &v->set);
    if (drop == HIP_TAKEN)
        drop = hip_contents_open(rx, v->plain, &v->contents);
    if (drop == HIP_TAKEN && rx->a->ice)
        drop = hip_ice_read(&v->contents.inner, &v->offer);
    return drop;
}

/* One of ours was acknowledged. */
static void acked(struct hip_rx *rx, struct hip_sent_update *s)
{
    enum hip_update_kind kind = s->kind;
    uint32_t id = s->id;
    struct hip_path seen = s->path;
    hip_stored_clear(&s->pkt);
    if (kind == HIP_UPD_VERIFY || kind == HIP_UPD_MOVE) {
        hip_mobility_verified(rx, id);
    } else if (kind == HIP_UPD_REKEY) {
        hip_rekey_acked(rx);
    } else if (kind == HIP_UPD_CANDIDATES) {
        hip_ice_next_acked(rx);
    } else if (kind == HIP_UPD_CANDIDATES_ECHO) {
        hip_ice_moved_verified(rx);
    } else if (kind == HIP_UPD_SEEN) {
        hip_nat_renumber(rx, &seen);
    } else if (kind == HIP_UPD_OWNER) {
        struct hip_action *q = hip_act(rx->e, rx->out, HIP_ACT_ACKED, rx->a);
        if (q)
            q->acked.id = id;
    }
}

static void process_acks(struct hip_rx *rx, struct in *v)
{
    struct span echo = hip_pkt_span(&rx->pkt, HIP_PAR_ECHO_RESPONSE_SIGNED);
    for (size_t i = 0; i < v->acks.n; i++) { /* RFC 7401 s5.2.17 MUST: several, each for itself */
        struct hip_sent_update *s = hip_update_find(rx->a, v->acks.id[i]);
        if (!s) {
            int drop = hip_ice_acked(rx, v->acks.id[i], echo);
            v->acks_ours |= drop == HIP_TAKEN;
            v->drop = drop != HIP_DROP_BAD_ACK ? drop : v->drop;
            continue;
        }
        if ((s->kind == HIP_UPD_VERIFY && !hip_mobility_echo_ok(rx->a, s->id, echo)) ||
            (s->kind == HIP_UPD_CANDIDATES_ECHO && !hip_ice_echo_ok(rx->a, echo))) {
            v->echo_missing = true;
            continue;
        }
        if (s->has_echo && (echo.n != sizeof s->echo || !sec_equal(echo.p, s->echo, echo.n))) {
            v->echo_missing = true;
            continue;
        }
        if (s->kind == HIP_UPD_MOVE && !hip_mobility_echo_ok(rx->a, s->id, echo))
            hip_mobility_void(rx->a, s->id); /* moved it is, but where it went is not checked by that */
        v->acks_ours = true;
        acked(rx, s);
    }
    v->acks_ours |= hip_probe_acked(rx, &v->acks, echo);
    hip_update_schedule(rx->e, rx->a);
}

/* RFC 7401 s6.12.1 MUST: acknowledged again, with the echo if one was asked for, and not processed. */
static int again(struct hip_rx *rx, const struct in *v)
{
    struct hip_assoc *a = rx->a;
    for (uint8_t i = 0; i < a->n_owed; i++)
        if (a->owed[i] == v->id)
            return HIP_DROP_DUPLICATE; /* its first ACK is still to come */
    if (!bucket_take(&a->reack, &hip_assoc_rate, 1, rx->now))
        return HIP_DROP_RATE_LIMITED;
    struct hip_stored boxes = { 0 };
    hip_echo_keep(&boxes, &rx->pkt.p);
    hip_update_ack(rx->e, a, rx->path, v->via.family == ADDR_NONE ? NULL : &v->via,
                   &(struct hip_acks){ .n = 1, .id = { v->id } },
                   hip_pkt_span(&rx->pkt, HIP_PAR_ECHO_REQUEST_SIGNED), &boxes, rx->out);
    hip_stored_clear(&boxes);
    return HIP_DROP_DUPLICATE;
}

static void tell_owner(struct hip_rx *rx, const struct in *v)
{
    struct hip_action *q = hip_act(rx->e, rx->out, HIP_ACT_UPDATE, rx->a);
    if (!q)
        return;
    q->update.id = v->id;
    q->update.acks_ours = v->acks_ours;
    q->update.path = *rx->path;
    q->update.contents = v->contents;
    q->update.contents.inner = hip_act_copy(rx->e, rx->out, v->contents.inner);
    q->update.contents.certs = hip_act_copy(rx->e, rx->out, v->contents.certs);
}

/* What is owed for this one: an ACK, and the echo that it asked for; at once unless the owner has something to say. */
static void acknowledge(struct hip_rx *rx, const struct in *v, bool owners)
{
    struct hip_engine *e = rx->e;
    struct hip_assoc *a = rx->a;
    bool echo = hip_pkt_has(&rx->pkt, HIP_PAR_ECHO_REQUEST_SIGNED);
    /* With something for the owner the echo waits for its answer, and both go together (RFC 9028 s4.2); otherwise now. */
    if (!owners || (echo && !hip_reg_wants_echo(&v->contents)))
        hip_update_flush(e, a, rx->now, rx->out);
    else if (a->n_owed)
        hip_assoc_timer(e, a, HIP_TIMER_ACK, rx->now + e->cfg.ack_delay_us);
}

static int take(struct hip_rx *rx, struct in *v)
{
    struct hip_engine *e = rx->e;
    struct hip_assoc *a = rx->a;
    enum hip_esp_info_kind esp = v->has_esp ? v->half.kind : HIP_ESP_GRATUITOUS;
    struct span echo = hip_pkt_span(&rx->pkt, HIP_PAR_ECHO_REQUEST_SIGNED);
    if (a->n_owed == HIP_ACKS_OWED || a->echo.p || a->box_echo.p)
        hip_update_flush(e, a, rx->now, rx->out);
    a->owed[a->n_owed++] = v->id;
    a->ack_path = *rx->path;
    a->ack_via = v->via;
    mark_seen(a, v->id);
    hip_assoc_touch(e, a, rx->now);
    hip_echo_keep(&a->box_echo, &rx->pkt.p);
    if (echo.p && hip_stored_set(&a->echo, echo) != ERR_OK)
        e->counters[HIP_DROP_INTERNAL]++;
    /* RFC 8046 s5.3: what SPI it is comes first; the ACK goes where the locators say. */
    if (v->has_set || esp == HIP_ESP_DEPRECATED)
        hip_mobility_take(rx, &v->set, v->id);
    else if (v->offer.present)
        hip_ice_moved(rx, &v->offer, v->id);
    else if (!a->ice)
        hip_mobility_heard(rx);
    if (esp == HIP_ESP_REKEY && hip_rekey_take(rx, &v->half) != HIP_TAKEN)
        e->counters[HIP_DROP_INTERNAL]++;
    bool owners = !hip_contents_empty(&v->contents);
    acknowledge(rx, v, owners);
    if (owners)
        tell_owner(rx, v);
    return HIP_TAKEN;
}

static int receive(struct hip_rx *rx, struct in *v)
{
    struct hip_origin from;
    int drop = hip_auth_check(rx); /* RFC 7401 s6.12 MUST: of repeated ones as well */
    if (drop == HIP_TAKEN)
        drop = hip_rvs_origin(rx, &from);
    if (drop == HIP_TAKEN)
        drop = read_heads(rx, v);
    if (drop != HIP_TAKEN)
        return drop;
    /* RFC 8046 s3.2.3: as if it had come straight from where the rendezvous server got it. */
    struct hip_path straight = { .local = rx->path->local, .peer = from.ip };
    if (from.by_rvs) {
        if (from.ip.family != rx->path->local.family && !hip_mobility_way(rx->a, &from.ip, &straight))
            return HIP_DROP_BAD_LOCATOR;
        rx->path = &straight;
        v->via = from.rvs;
    }
    hip_credit_add(rx->a, rx->pkt.raw.n, rx->now);
    enum seen seen = v->has_seq ? seen_before(rx->a, v->id) : SEEN_BEFORE;
    if (v->has_seq && seen == SEEN_OUTSIDE) /* RFC 7401 s6.12.1 MUST */
        return HIP_DROP_OUT_OF_WINDOW;
    if (v->has_seq && seen == SEEN_NEW) {
        drop = read_body(rx, v);
        if (drop != HIP_TAKEN)
            return drop;
    }
    hip_responder_alive(rx->e, rx->a, rx->now, rx->out);
    process_acks(rx, v); /* s6.12 step 4: the ACK first */
    if (!v->has_seq) {
        if (v->acks_ours) {
            hip_assoc_touch(rx->e, rx->a, rx->now);
            return HIP_TAKEN;
        }
        return v->echo_missing ? HIP_DROP_BAD_ECHO : v->drop ? v->drop : HIP_DROP_BAD_ACK;
    }
    return seen == SEEN_BEFORE ? again(rx, v) : take(rx, v);
}

int hip_update_receive(struct hip_rx *rx)
{
    if (hip_ice_is_check(&rx->pkt))
        return hip_ice_receive(rx);
    struct in v = { 0 };
    int drop = receive(rx, &v);
    hip_rekey_half_done(&v.half);
    sec_wipe(v.plain, sizeof v.plain);
    return drop;
}
