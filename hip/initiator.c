/* SPDX-License-Identifier: Apache-2.0
 *
 * An exchange that we begin: with whom, by which identity and over which paths; its I1s (RFC 7401 s6.6), and the turns it takes when nothing
 * comes back, when we move, and when the Responder does not speak our HIT's suite.
 */
#include "hip/initiator.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto/secret.h"
#include "hip/nat.h"

void hip_exchange_free(struct hip_exchange *x)
{
    if (!x)
        return;
    hip_stored_clear(&x->r1);
    sec_wipe(x->answer_inner.p, x->answer_inner.n);
    hip_stored_clear(&x->answer_inner);
    hip_stored_clear(&x->answer_certs);
    sec_wipe(x, sizeof *x);
    free(x);
}

static err build_i1(struct hip_engine *e, struct hip_assoc *a)
{
    uint8_t buf[HIP_PACKET_MAX];
    struct span i1;
    struct hip_build b;
    hip_build_init(&b, buf, sizeof buf, HIP_PKT_I1, hip_assoc_local(a), &a->peer,
                   hip_hi_controls(&a->id->hi));
    hip_put_dh_groups(&b, &a->x->groups); /* RFC 7401 s5.3.1 MUST: this, and nothing that authenticates */
    err r = hip_build_finish(&b, &a->path.local, &a->path.peer, &i1);
    return r == ERR_OK ? hip_stored_set(&a->last, i1) : r;
}

err hip_initiator_room(struct hip_engine *e, const struct hit *local, const struct hit *peer, uint64_t now,
                       struct hip_actions *out, struct hip_ref *ref, bool keep)
{
    struct hip_assoc *a = hip_embryo_by_pair(e, local, peer);
    if (!a)
        a = hip_assoc_by_pair(e, local, peer);
    if (!a)
        return ERR_OK;
    if (a->state == HIP_CLOSED && keep)
        return ERR_OK;
    if (a->state != HIP_CLOSING && a->state != HIP_CLOSED && a->state != HIP_E_FAILED) {
        *ref = hip_assoc_ref(a);
        return ERR_EXISTS;
    }
    hip_assoc_end(e, a, HIP_GONE_CLOSED, false, now, out);
    return ERR_OK;
}

/* The I1s of one kind, in UDP or not: all of them at the first try, then one address at a time, each in its turn (RFC 7401 s6.6.1 MUST NOT). */
static void send_i1s(struct hip_engine *e, struct hip_assoc *a, bool udp, uint64_t now,
                     struct hip_actions *out)
{
    const struct hip_exchange *x = a->x;
    const struct hip_path *of[HIP_I1_PATHS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < x->n_to; i++)
        if (hip_path_is_udp(&x->to[i]) == udp)
            of[n++] = &x->to[i];
    for (size_t i = 0; i < n; i++)
        if (a->tries == 0 || (a->tries - 1u) % n == i)
            hip_act_send(e, out, a, of[i], span_of(a->last.p, a->last.n));
    if (udp && n)
        hip_nat_sent(e, a, now);
}

/* RFC 9028 s4.7.2: with and without UDP at once, the first R1 wins; the one without has a small lead. */
static void try_i1(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    bool raw = false, udp = false;
    for (size_t i = 0; i < a->x->n_to; i++)
        *(hip_path_is_udp(&a->x->to[i]) ? &udp : &raw) = true;
    send_i1s(e, a, !raw, now, out);
    if (raw && udp)
        hip_assoc_timer(e, a, HIP_TIMER_UDP, now + e->cfg.udp_after_us);
}

void hip_initiator_udp(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    if (a->state == HIP_I1_SENT && a->x)
        send_i1s(e, a, true, now, out);
}

/* RFC 7401 s6.6.1: three addresses at most, each without and with UDP (RFC 9028 s4.7.2). */
static bool too_many(const struct hip_path *to, size_t n)
{
    size_t of[2] = { 0 };
    for (size_t i = 0; i < n; i++)
        of[hip_path_is_udp(&to[i])]++;
    return n > HIP_I1_PATHS_MAX || of[0] > HIP_I1_PATHS_MAX / 2 || of[1] > HIP_I1_PATHS_MAX / 2;
}

err hip_connect(struct hip_engine *e, const struct hit *local, const struct hit *peer,
                const struct hip_path *to, size_t n, uint64_t now, struct hip_actions *out,
                struct hip_ref *ref)
{
    struct hip_identity *id = hip_identity_find(e, local);
    if (!id)
        return ERR_NOT_FOUND;
    if (n == 0 || too_many(to, n) || (!hit_is_null(peer) && !hip_hit_allowed(e, peer)))
        return ERR_UNSUPPORTED;
    if (hip_identity_find(e, peer))
        return ERR_RANGE;
    if (!hip_act_room(out))
        return ERR_SPACE;
    err r = hip_initiator_room(e, local, peer, now, out, ref, true);
    if (r != ERR_OK)
        return r;
    struct hip_assoc *a = hip_assoc_new(e, id, peer);
    if (!a)
        return ERR_FULL;
    struct hip_assoc *closed = hip_assoc_by_pair(e, local, peer); /* unless it had to go for this one */
    a->x = calloc(1, sizeof *a->x);
    r = a->x ? ERR_OK : ERR_MEMORY;
    if (r == ERR_OK) {
        a->initiator = true;
        a->opportunistic = hit_is_null(peer);
        a->path = to[0];
        memcpy(a->x->to, to, n * sizeof *to);
        a->x->n_to = n;
        memcpy(a->x->groups.id, e->cfg.dh_groups, e->n_groups);
        a->x->groups.n = e->n_groups;
        r = build_i1(e, a);
    }
    if (r == ERR_OK && closed)
        hip_assoc_succeed(e, a, closed);
    if (r == ERR_OK)
        r = hip_assoc_enter(e, a);
    if (r != ERR_OK) {
        hip_assoc_free(e, a);
        return r;
    }
    hip_assoc_set_state(e, a, HIP_I1_SENT, now);
    hip_retry_start(e, a, now);
    try_i1(e, a, now, out);
    *ref = hip_assoc_ref(a);
    return ERR_OK;
}

err hip_initiator_move(struct hip_engine *e, struct hip_assoc *a, const struct hip_path *path, uint64_t now,
                       struct hip_actions *out)
{
    struct hip_exchange *x = a->x;
    struct hip_path was = a->path;
    size_t n = 0;
    for (size_t i = 0; i < x->n_to; i++)
        /* Each the way that it was tried, UDP or not, unless an R1 has decided that (RFC 9028 s4.7.2). */
        if (x->to[i].peer.family == path->local.family &&
            (!x->r1.p || hip_path_is_udp(&x->to[i]) == hip_path_is_udp(&was))) {
            x->to[n] = x->to[i];
            x->to[n].local = path->local;
            x->to[n++].local.port = x->to[i].local.port;
        }
    if (n == 0)
        x->to[n++] = *path;
    x->n_to = n;
    a->path = x->to[0];
    err r = build_i1(e, a);
    if (r != ERR_OK) {
        a->path = was;
        return r;
    }
    x->moved = true;
    hip_assoc_timer(e, a, HIP_TIMER_SOLVE, HEAP_NEVER); /* that puzzle is nothing to solve any more */
    hip_retry_start(e, a, now);
    try_i1(e, a, now, out);
    return ERR_OK;
}

void hip_initiator_retry(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    if (!hip_retry_again(e, a, now)) {
        hip_assoc_fail(e, a, now, out);
        return;
    }
    if (a->state == HIP_I1_SENT || a->x->moved) {
        try_i1(e, a, now, out);
        return;
    }
    hip_act_send(e, out, a, &a->path, span_of(a->last.p, a->last.n));
    hip_nat_sent(e, a, now);
}

/* An identity of ours of a suite that the Responder lists, in its order, and with which it was not asked yet. */
static struct hip_identity *another_identity(const struct hip_engine *e, const struct hip_assoc *a,
                                             const struct hip_ids8 *theirs)
{
    for (size_t i = 0; i < theirs->n; i++)
        for (size_t n = 0; n < e->n_id; n++) {
            const struct hit *own = &e->id[n]->hi.hit;
            if (hit_suite(own) == theirs->id[i] && !(a->x->tried_suites >> theirs->id[i] & 1) &&
                !hip_assoc_by_pair(e, own, &a->peer) && !hip_embryo_by_pair(e, own, &a->peer))
                return e->id[n];
        }
    return NULL;
}

/* RFC 7401 s6.8 step 6: our DH_GROUP_LIST stays as it was. */
void hip_initiator_restart(struct hip_rx *rx, const struct hip_ids8 *theirs)
{
    struct hip_assoc *a = rx->a;
    if (!rx->e->cfg.any_identity || a->state != HIP_I1_SENT || a->x->r1.p)
        return;
    a->x->tried_suites |= (uint16_t)(1u << hit_suite(hip_assoc_local(a)));
    struct hip_identity *id = another_identity(rx->e, a, theirs), *was = a->id;
    if (!id)
        return;
    hip_assoc_free(rx->e, a->former); /* a CLOSED one of the HIT that asked before */
    hip_assoc_leave(rx->e, a);
    a->id = id;
    err r = build_i1(rx->e, a);
    if (r != ERR_OK)
        a->id = was;
    if (hip_assoc_enter(rx->e, a) != ERR_OK)
        abort(); /* it had a place, and nobody has this one */
    if (r != ERR_OK)
        return;
    hip_retry_start(rx->e, a, rx->now);
    try_i1(rx->e, a, rx->now, rx->out);
}

bool hip_initiator_asked(const struct hip_assoc *a, const struct addr *from)
{
    for (size_t i = 0; a->x && i < a->x->n_to; i++)
        if (addr_same_ip(&a->x->to[i].peer, from))
            return true;
    return false;
}
