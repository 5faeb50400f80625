/* SPDX-License-Identifier: Apache-2.0
 *
 * A packet to who deals with it: for one of our HITs the HIP engine; for a registered HIT, or from a client of the relay, control.c; nothing else is
 * taken.
 * And what the HIP engine says to who deals with that.
 */
#include <string.h>

#include "fa/core/core.h"
#include "hip/drop.h"
#include "hip/proto.h"

#define OFF_RECEIVER 24 /* of the receiver's HIT in the header, RFC 7401 s5.1 */

int fa_dispatch(struct fa *f, const struct hip_path *path, struct span octets)
{
    struct hit to;
    if (octets.n < HIP_HEADER_LEN) /* the engine has the right drop reason */
        return hip_input(f->hip, path, octets, f->now, fa_hip_out(f));
    memcpy(to.b, octets.p + OFF_RECEIVER, sizeof to.b);
    if (hit_is_null(&to) || fa_own_find(f, &to))
        return hip_input(f->hip, path, octets, f->now, fa_hip_out(f));
    int drop = fa_control(f, &to, path, octets);
    if (drop != HIP_TAKEN)
        f->st.dropped_dispatch++;
    return drop;
}

int fa_dispatch_relayed(struct fa *f, const struct hip_path *path, struct span octets)
{
    struct hit to;
    if (octets.n < HIP_HEADER_LEN)
        return fa_relay_refused(f, fa_client_at(f, &path->local), HIP_DROP_TRUNCATED);
    memcpy(to.b, octets.p + OFF_RECEIVER, sizeof to.b);
    return fa_control_relayed(f, &to, path, octets);
}

static void emit_send(struct fa *f, const struct hip_action *a, enum fa_act_type type)
{
    struct fa_actions *o = f->out;
    size_t n = a->send.octets.n;
    if (o->n == FA_ACTIONS_MAX || o->used + n > sizeof o->buf) {
        f->st.failed++;
        return;
    }
    memcpy(o->buf + o->used, a->send.octets.p, n);
    o->v[o->n++] = (struct fa_action){
        .type = type,
        .send = { .path = a->send.path, .octets = span_of(o->buf + o->used, n) },
    };
    o->used += n;
}

static void moved(struct fa *f, struct fa_guest *g, const struct hip_action *a)
{
    struct addr was = g->path.peer;
    g->path = a->moved.path;
    fa_client_moved(f, g, &was);
    if (g->registered) {
        fa_reauth_seen(f, g);
        fa_guest_timer(f, g);
    }
    if (g->registered)
        fa_emit_reg(f, FA_ACT_REG_UP, g);
    /* RFC 9028 s4.1: a client whose NAT gave it another port hears of it. One that moved asks, and is answered so. */
    if (g->relay && addr_same_ip(&was, &g->path.peer) && !g->r2_owed) {
        g->heard = g->path;
        if (fa_guest_send(f, g, &(struct hip_contents){ 0 }) != ERR_OK)
            f->st.failed++;
    }
}

static void gone(struct fa *f, struct fa_guest *g, const struct hip_action *a)
{
    static const char *const why[] = { "closed", "no answer", "replaced", "refused", "removed" };
    fa_emit_event(f, FA_EVENT_GONE, &g->peer, NULL, g->bound ? g->name : NULL, a->gone.why,
                  (size_t)a->gone.why < sizeof why / sizeof why[0] ? why[a->gone.why] : "");
    fa_registry_drop(f, g,
                     a->gone.why != HIP_GONE_CLOSED ? FA_ENDED_LOST
                     : g->closing                   ? FA_ENDED_WITHDRAWN
                                                    : FA_ENDED_ASKED);
    fa_guest_free(f, g);
}

static void take(struct fa *f, const struct hip_action *a)
{
    struct fa_guest *g = fa_guest_by_ref(f, a->ref);
    switch (a->type) {
    case HIP_ACT_SEND:
        emit_send(f, a, FA_ACT_SEND);
        return;
    case HIP_ACT_ICMP:
        emit_send(f, a, FA_ACT_ICMP);
        return;
    case HIP_ACT_ASK_R2:
        fa_registrar_ask(f, a);
        return;
    case HIP_ACT_ASK_I2: /* the FA begins no exchange */
        if (hip_answer(f->hip, a->ref, &(struct hip_answer){ .accept = false }, f->now, fa_hip_out(f)) !=
            ERR_OK)
            f->st.failed++;
        return;
    default:
        break;
    }
    if (!g)
        return;
    switch (a->type) {
    case HIP_ACT_ESTABLISHED:
        fa_emit_event(f, FA_EVENT_ASSOCIATED, &g->peer, NULL, NULL, 0, NULL);
        break;
    case HIP_ACT_UPDATE: /* its source is not checked: where the host is, MOVED says */
        fa_registrar_update(f, g, a);
        break;
    case HIP_ACT_MOVED:
        moved(f, g, a);
        break;
    case HIP_ACT_GONE:
        gone(f, g, a);
        break;
    default: /* the FA carries no data of its own; ACKED and NOTIFY ask nothing of it */
        break;
    }
}

void fa_pump(struct fa *f)
{
    while (f->act[f->fill]->n) {
        struct hip_actions *from = f->act[f->fill];
        f->fill ^= 1;
        hip_actions_reset(f->act[f->fill]);
        for (size_t i = 0; i < from->n; i++)
            take(f, &from->v[i]);
    }
}
