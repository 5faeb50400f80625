/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/update.h"

#include <string.h>

#include "common/crypto/secret.h"
#include "hip/auth.h"
#include "hip/close.h"
#include "hip/echo.h"
#include "hip/encrypted.h"
#include "hip/fsm.h"
#include "hip/ice.h"
#include "hip/mobility.h"
#include "hip/nat.h"
#include "hip/notify.h"
#include "hip/param_echo.h"
#include "hip/param_nat.h"
#include "hip/probe.h"
#include "hip/reg.h"
#include "hip/rekey.h"
#include "hip/responder.h"
#include "hip/rvs.h"

/* ---- shared with R2, CLOSE and NOTIFY ---- */

int hip_contents_open(const struct hip_rx *rx, uint8_t *plain, struct hip_contents *out)
{
    const struct hip_assoc *a = rx->a;
    struct hip_contents c = { 0 };
    if (hip_pkt_has(&rx->pkt, HIP_PAR_ENCRYPTED)) {
        struct hip_params p;
        if (hip_encrypted_open(hip_pkt_span(&rx->pkt, HIP_PAR_ENCRYPTED), a->cipher,
                               hip_key_enc(&a->keys.secrets->hip.in), plain, HIP_PACKET_MAX,
                               &c.inner) != ERR_OK ||
            hip_inner_parse(c.inner, &p, NULL) != HIP_TAKEN)
            return HIP_DROP_BAD_ENCRYPTED;
    }
    int drop = hip_reg_read(&rx->pkt.p, &c);
    if (drop == HIP_TAKEN)
        *out = c;
    return drop;
}

int hip_auth_check(struct hip_rx *rx)
{
    const struct hip_assoc *a = rx->a;
    if (!a->keys.secrets || !a->peer_hi.key)
        return HIP_DROP_WRONG_STATE;
    if (hip_mac_check(&rx->pkt, HIP_PAR_HIP_MAC, a->rhash, hip_key_mac(&a->keys.secrets->hip.in)) != ERR_OK)
        return HIP_DROP_BAD_HIP_MAC;
    if (hip_sign_check(&rx->pkt, HIP_PAR_HIP_SIGNATURE, &a->peer_hi) != ERR_OK)
        return HIP_DROP_BAD_SIGNATURE;
    rx->proven = true;
    return HIP_TAKEN;
}

void hip_auth_add(struct hip_build *b, const struct hip_assoc *a)
{
    hip_mac_add(b, HIP_PAR_HIP_MAC, a->rhash, hip_key_mac(&a->keys.secrets->hip.out));
    hip_sign_add(b, HIP_PAR_HIP_SIGNATURE, &a->id->hi);
}

/* ---- ours ---- */

static void schedule(struct hip_engine *e, struct hip_assoc *a)
{
    uint64_t min = HEAP_NEVER;
    for (size_t i = 0; i < HIP_UPDATES_MAX; i++)
        if (a->sent[i].pkt.p && a->sent[i].due_us < min)
            min = a->sent[i].due_us;
    hip_assoc_timer(e, a, HIP_TIMER_UPDATE, min);
}

static const struct hip_path *path_of(const struct hip_assoc *a, const struct hip_sent_update *u)
{
    bool own = u->kind == HIP_UPD_VERIFY || u->kind == HIP_UPD_CANDIDATES ||
               u->kind == HIP_UPD_CANDIDATES_ECHO || u->own_path;
    return own ? &u->path : &a->path;
}

static void put_owed(struct hip_build *b, const struct hip_assoc *a)
{
    struct hip_acks acks = { .n = a->n_owed }; /* RFC 7401 s5.2.16 MUST: for each SEQ, and none for an ACK */
    if (a->n_owed == 0)
        return;
    memcpy(acks.id, a->owed, a->n_owed * sizeof *a->owed);
    hip_put_ack(b, &acks);
}

/* RFC 8046 s3.2.3: what acknowledges an UPDATE that came through a rendezvous server says so; behind the signature, like in R1. */
static void put_via(struct hip_build *b, const struct hip_assoc *a)
{
    if (a->n_owed && a->ack_via.family != ADDR_NONE)
        hip_put_via_rvs(b, &(struct hip_via){ .n = 1, .v = { a->ack_via } });
}

static void owe_nothing(struct hip_engine *e, struct hip_assoc *a)
{
    a->n_owed = 0;
    hip_stored_clear(&a->echo);
    hip_stored_clear(&a->box_echo);
    hip_assoc_timer(e, a, HIP_TIMER_ACK, HEAP_NEVER);
}

static err build(struct hip_engine *e, struct hip_assoc *a, const struct hip_update_parts *u, uint8_t *buf,
                 struct span *out)
{
    const struct hip_path *path = u->path ? u->path : &a->path;
    struct hip_build b;
    hip_build_init(&b, buf, HIP_PACKET_MAX, HIP_PKT_UPDATE, hip_assoc_local(a), &a->peer,
                   hip_hi_controls(&a->id->hi));
    if (u->esp)
        hip_put_esp_info(&b, u->esp);
    if (u->locators)
        hip_put_locator_set(&b, u->locators);
    hip_put_seq(&b, a->next_id);
    put_owed(&b, a);
    if (u->dh)
        hip_put_dh(&b, u->dh);
    if (u->contents && u->contents->inner.n)
        hip_encrypted_add(&b, a->cipher, hip_key_enc(&a->keys.secrets->hip.out), hip_env(e),
                          u->contents->inner);
    if (u->contents)
        hip_build_tlvs(&b, u->contents->certs);
    if (u->echo_request.n)
        hip_build_param(&b, HIP_PAR_ECHO_REQUEST_SIGNED, u->echo_request);
    if (u->contents)
        hip_reg_put(&b, u->contents);
    if (a->echo.p)
        hip_build_param(&b, HIP_PAR_ECHO_RESPONSE_SIGNED, span_of(a->echo.p, a->echo.n));
    if (u->contents)
        hip_reg_put_relay(&b, u->contents, HIP_PKT_UPDATE);
    hip_auth_add(&b, a);
    put_via(&b, a);
    return hip_build_finish(&b, &path->local, &path->peer, out);
}

/* A request for a relayed address or a candidate is asked with a nonce (RFC 9028 s4.2). */
static void ask_echo(struct hip_engine *e, struct hip_sent_update *s, struct hip_update_parts *u)
{
    s->has_echo =
        u->kind == HIP_UPD_SEEN || (u->contents && !u->echo_request.n && hip_reg_wants_echo(u->contents));
    if (!s->has_echo)
        return;
    env_draw(hip_env(e), "echo", s->echo, sizeof s->echo);
    u->echo_request = span_of(s->echo, sizeof s->echo);
}

err hip_update_send(struct hip_engine *e, struct hip_assoc *a, const struct hip_update_parts *parts,
                    uint64_t now, struct hip_actions *out, uint32_t *id)
{
    struct hip_update_parts with_echo = *parts, *u = &with_echo;
    struct hip_sent_update *s = NULL;
    uint8_t buf[HIP_PACKET_MAX];
    struct span pkt;
    if (a->state != HIP_R2_SENT && a->state != HIP_ESTABLISHED)
        return ERR_STATE;
    size_t owners = 0;
    for (size_t i = 0; i < HIP_UPDATES_MAX; i++)
        if (!a->sent[i].pkt.p)
            s = &a->sent[i];
        else if (a->sent[i].kind == HIP_UPD_OWNER)
            owners++;
    if (!s || (u->kind == HIP_UPD_OWNER && owners >= HIP_UPDATES_OWNER))
        return ERR_FULL;
    if (!hip_act_room(out))
        return ERR_SPACE;
    if ((a->echo.p || a->box_echo.p) && !hip_path_eq(u->path ? u->path : &a->path, &a->ack_path))
        hip_update_flush(e, a, now, out); /* it goes back the way it came */
    ask_echo(e, s, u);
    err r = build(e, a, u, buf, &pkt);
    if (r == ERR_OK)
        r = hip_stored_set(&s->pkt, pkt);
    if (r != ERR_OK)
        return r;
    s->kind = u->kind;
    s->id = a->next_id++;
    s->tries = 0;
    s->due_us = now + e->cfg.rtx_first_us;
    s->path = u->path ? *u->path : a->path;
    s->own_path = u->path && (u->kind == HIP_UPD_OWNER || u->kind == HIP_UPD_SEEN);
    if (id)
        *id = s->id;
    pkt = hip_echo_append(buf, pkt, &a->box_echo);
    owe_nothing(e, a);
    schedule(e, a);
    hip_assoc_touch(e, a, now);
    hip_act_send(e, out, a, &s->path, pkt);
    if (!s->own_path)
        hip_nat_sent(e, a, now);
    return ERR_OK;
}

bool hip_update_cancel(struct hip_engine *e, struct hip_assoc *a, enum hip_update_kind kind)
{
    bool any = false;
    for (size_t i = 0; i < HIP_UPDATES_MAX; i++)
        if (a->sent[i].pkt.p && a->sent[i].kind == kind) {
            hip_stored_clear(&a->sent[i].pkt);
            any = true;
        }
    schedule(e, a);
    return any;
}

void hip_update_cancel_all(struct hip_engine *e, struct hip_assoc *a)
{
    for (size_t i = 0; i < HIP_UPDATES_MAX; i++)
        hip_stored_clear(&a->sent[i].pkt);
    schedule(e, a);
    owe_nothing(e, a);
}

static struct hip_sent_update *find_sent(struct hip_assoc *a, uint32_t id)
{
    for (size_t i = 0; i < HIP_UPDATES_MAX; i++)
        if (a->sent[i].pkt.p && a->sent[i].id == id)
            return &a->sent[i];
    return NULL;
}

void hip_update_cancel_id(struct hip_engine *e, struct hip_assoc *a, uint32_t id, enum hip_update_kind kind)
{
    struct hip_sent_update *s = find_sent(a, id);
    if (s && s->kind == kind)
        hip_stored_clear(&s->pkt);
    schedule(e, a);
}

unsigned hip_update_tries(const struct hip_assoc *a, uint32_t id)
{
    for (size_t i = 0; i < HIP_UPDATES_MAX; i++)
        if (a->sent[i].pkt.p && a->sent[i].id == id)
            return a->sent[i].tries;
    return 0;
}

void hip_update_hurry(struct hip_engine *e, struct hip_assoc *a, uint64_t now)
{
    for (size_t i = 0; i < HIP_UPDATES_MAX; i++)
        if (a->sent[i].pkt.p && path_of(a, &a->sent[i]) == &a->path) {
            a->sent[i].due_us = now;
            a->sent[i].tries = 0;
        }
    schedule(e, a);
}

/* RFC 8046 s3.2.3: to the peer's rendezvous server as well, from where we reach it. The nonce in it, if there is one, proves nothing any more. */
static void send_by_rvs(struct hip_engine *e, struct hip_assoc *a, const struct hip_sent_update *s,
                        struct hip_actions *out)
{
    struct hip_path p;
    if (a->rvs.family == ADDR_NONE || !hip_mobility_way(a, &a->rvs, &p))
        return;
    p.local.port = 0;
    hip_mobility_void(a, s->id);
    hip_act_send(e, out, a, &p, span_of(s->pkt.p, s->pkt.n));
}

/* A check: true when it goes on. */
static bool check_again(struct hip_engine *e, struct hip_assoc *a, struct hip_sent_update *s, uint64_t now,
                        struct hip_actions *out)
{
    if (s->tries <= e->cfg.rtx_tries) {
        if (s->tries == 1)
            hip_mobility_doubt(e, a, s->id, now, out);
        return true;
    }
    uint32_t id = s->id;
    hip_stored_clear(&s->pkt);
    hip_mobility_failed(e, a, id, now, out);
    return false;
}

void hip_update_timeout(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    bool silent = false;
    for (size_t i = 0; i < HIP_UPDATES_MAX; i++) {
        struct hip_sent_update *s = &a->sent[i];
        if (!s->pkt.p || s->due_us > now)
            continue;
        s->tries++;
        if (s->kind == HIP_UPD_VERIFY && !check_again(e, a, s, now, out))
            continue;
        if (s->tries > e->cfg.rtx_tries &&
            s->own_path) { /* that way leads nowhere; the association's own may */
            hip_stored_clear(&s->pkt);
            continue;
        }
        if (s->tries > e->cfg.rtx_tries) { /* s6.11: after UPDATE_RETRY_MAX, CLOSING */
            hip_close_begin(e, a, now, out);
            return;
        }
        s->due_us = now + hip_backoff(e->cfg.rtx_first_us, s->tries);
        struct hip_path path = *path_of(a, s);
        if (s->kind != HIP_UPD_VERIFY && s->kind != HIP_UPD_CANDIDATES_ECHO && !s->own_path)
            path = hip_ice_signal(a, &path, s->tries);
        hip_act_send(e, out, a, &path, span_of(s->pkt.p, s->pkt.n));
        if (path_of(a, s) != &a->path)
            continue;
        silent |= s->tries == 2;
        /* A peer that hears nothing of our move may have moved itself: that cannot wait. */
        if (s->tries >= (s->kind == HIP_UPD_MOVE ? 1 : 2))
            send_by_rvs(e, a, s, out);
    }
    schedule(e, a);
    if (silent)
        hip_mobility_silent(e, a, now, out);
}

/* ---- ACKs that we owe ---- */

/* UPDATE with ACK only, VIA_RVS (NULL: none), and the echo that was asked for (.p NULL: none): never acknowledged, never stored. */
static void send_ack(struct hip_engine *e, struct hip_assoc *a, const struct hip_path *path,
                     const struct addr *via, const struct hip_acks *acks, struct span echo,
                     const struct hip_stored *boxes, struct hip_actions *out)
{
    uint8_t buf[HIP_PACKET_MAX];
    struct span pkt;
    struct hip_build b;
    hip_build_init(&b, buf, sizeof buf, HIP_PKT_UPDATE, hip_assoc_local(a), &a->peer,
                   hip_hi_controls(&a->id->hi));
    hip_put_ack(&b, acks);
    if (echo.p)
        hip_build_param(&b, HIP_PAR_ECHO_RESPONSE_SIGNED, echo);
    hip_auth_add(&b, a);
    if (via)
        hip_put_via_rvs(&b, &(struct hip_via){ .n = 1, .v = { *via } });
    if (hip_build_finish(&b, &path->local, &path->peer, &pkt) == ERR_OK)
        hip_act_send(e, out, a, path, hip_echo_append(buf, pkt, boxes));
    else
        e->counters[HIP_DROP_INTERNAL]++;
}

static void flush_owed(struct hip_engine *e, struct hip_assoc *a, struct hip_actions *out)
{
    const struct addr *via = a->ack_via.family == ADDR_NONE ? NULL : &a->ack_via;
    struct hip_acks acks = { .n = a->n_owed };
    if (a->n_owed == 0)
        return;
    memcpy(acks.id, a->owed, a->n_owed * sizeof *a->owed);
    send_ack(e, a, &a->ack_path, via, &acks, span_of(a->echo.p, a->echo.n), &a->box_echo, out);
    owe_nothing(e, a);
}

void hip_update_flush(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    flush_owed(e, a, out);
}

/* ---- the peer's ---- */

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
        struct hip_sent_update *s = find_sent(rx->a, v->acks.id[i]);
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
    schedule(rx->e, rx->a);
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
    send_ack(rx->e, a, rx->path, v->via.family == ADDR_NONE ? NULL : &v->via,
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
        flush_owed(e, a, rx->out);
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
        flush_owed(e, a, rx->out);
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

/* ---- the owner's calls ---- */

err hip_update_id(const struct hip_engine *e, struct hip_ref ref, uint32_t *id)
{
    const struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    if (!a)
        return ERR_NOT_FOUND;
    *id = a->next_id;
    return ERR_OK;
}

err hip_update(struct hip_engine *e, struct hip_ref ref, const struct hip_contents *c, uint64_t now,
               struct hip_actions *out)
{
    struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    if (!a)
        return ERR_NOT_FOUND;
    if (c->inner.n > HIP_INNER_MAX)
        return ERR_SPACE;
    return hip_update_send(e, a, &(struct hip_update_parts){ .kind = HIP_UPD_OWNER, .contents = c }, now, out,
                           NULL);
}

err hip_update_on(struct hip_engine *e, struct hip_ref ref, const struct hip_path *path,
                  const struct hip_contents *c, uint64_t now, struct hip_actions *out)
{
    struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    if (!a)
        return ERR_NOT_FOUND;
    if (c->inner.n > HIP_INNER_MAX)
        return ERR_SPACE;
    if (hip_path_is_udp(path) != hip_path_is_udp(&a->path) || path->local.family != path->peer.family)
        return ERR_RANGE;
    struct hip_update_parts u = { .kind = HIP_UPD_OWNER, .contents = c, .path = path };
    return hip_update_send(e, a, &u, now, out, NULL);
}

err hip_update_done(struct hip_engine *e, struct hip_ref ref, uint64_t now, struct hip_actions *out)
{
    struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    if (!a)
        return ERR_NOT_FOUND;
    hip_update_flush(e, a, now, out);
    return ERR_OK;
}
