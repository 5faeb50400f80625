/* SPDX-License-Identifier: Apache-2.0
 *
 * UPDATEs of ours (RFC 7401 s6.11): the list of what is not acknowledged, sent again until it is; the ACKs that we owe, by themselves or with
 * the next one.
 */
#include "hip/update.h"

#include <string.h>

#include "hip/assoc_auth.h"
#include "hip/close.h"
#include "hip/echo.h"
#include "hip/encrypted.h"
#include "hip/ice.h"
#include "hip/mobility.h"
#include "hip/nat.h"
#include "hip/param_echo.h"
#include "hip/param_nat.h"
#include "hip/reg.h"

void hip_update_schedule(struct hip_engine *e, struct hip_assoc *a)
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
    hip_update_schedule(e, a);
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
    hip_update_schedule(e, a);
    return any;
}

void hip_update_cancel_all(struct hip_engine *e, struct hip_assoc *a)
{
    for (size_t i = 0; i < HIP_UPDATES_MAX; i++)
        hip_stored_clear(&a->sent[i].pkt);
    hip_update_schedule(e, a);
    owe_nothing(e, a);
}

struct hip_sent_update *hip_update_find(struct hip_assoc *a, uint32_t id)
{
    for (size_t i = 0; i < HIP_UPDATES_MAX; i++)
        if (a->sent[i].pkt.p && a->sent[i].id == id)
            return &a->sent[i];
    return NULL;
}

void hip_update_cancel_id(struct hip_engine *e, struct hip_assoc *a, uint32_t id, enum hip_update_kind kind)
{
    struct hip_sent_update *s = hip_update_find(a, id);
    if (s && s->kind == kind)
        hip_stored_clear(&s->pkt);
    hip_update_schedule(e, a);
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
    hip_update_schedule(e, a);
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
    hip_update_schedule(e, a);
    if (silent)
        hip_mobility_silent(e, a, now, out);
}

/* ---- ACKs that we owe ---- */

void hip_update_ack(struct hip_engine *e, struct hip_assoc *a, const struct hip_path *path,
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

void hip_update_flush(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    const struct addr *via = a->ack_via.family == ADDR_NONE ? NULL : &a->ack_via;
    struct hip_acks acks = { .n = a->n_owed };
    if (a->n_owed == 0)
        return;
    memcpy(acks.id, a->owed, a->n_owed * sizeof *a->owed);
    hip_update_ack(e, a, &a->ack_path, via, &acks, span_of(a->echo.p, a->echo.n), &a->box_echo, out);
    owe_nothing(e, a);
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
