/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/initiator.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto/secret.h"
#include "hip/auth.h"
#include "hip/encrypted.h"
#include "hip/fsm.h"
#include "hip/ice.h"
#include "hip/keylog.h"
#include "hip/mobility.h"
#include "hip/nat.h"
#include "hip/param_echo.h"
#include "hip/param_esp.h"
#include "hip/param_nat.h"
#include "hip/reg.h"
#include "hip/suite.h"
#include "hip/update.h"

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

/* ---- I1 (s6.6) ---- */

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

/* What still stands in the way of a new exchange: ERR_EXISTS and its ref, unless it is closing or failed (s4.4.3: data to send). A CLOSED one
 * stays where it is when `keep`. */
static err make_room(struct hip_engine *e, const struct hit *local, const struct hit *peer, uint64_t now,
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
    err r = make_room(e, local, peer, now, out, ref, true);
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

/* ---- R1 (s6.8) ---- */

struct r1 {
    struct hip_hi hi;
    struct hip_domain_id di;
    struct hip_r1_counter counter;
    bool has_counter;
    struct hip_puzzle puzzle;
    struct hip_dh dh;
    struct hip_ids8 suites;
    uint16_t cipher, esp_suite;
    struct hip_nat_choice nat;
    struct hip_locator_set set;
    struct hip_contents contents;
};

static int read_r1_identity(struct hip_rx *rx, struct r1 *v)
{
    const struct hip_pkt *k = &rx->pkt;
    struct hip_host_id h;
    if (hip_get_host_id(hip_pkt_span(k, HIP_PAR_HOST_ID), &h) != ERR_OK ||
        hip_peer_hi(rx->e, h.hi, &v->hi) != ERR_OK)
        return HIP_DROP_BAD_HI;
    if (!hit_eq(&v->hi.hit, &k->sender)) /* RFC 7401 s5.3.2 MUST */
        return HIP_DROP_HI_MISMATCH;
    /* RFC 7401 s4.1.3, s6.8 step 4 MUST: before anything is decided, and without a word. */
    if (hip_sign_check(k, HIP_PAR_HIP_SIGNATURE_2, &v->hi) != ERR_OK)
        return HIP_DROP_BAD_SIGNATURE;
    rx->proven = true;
    v->di = hip_host_id_di(&h);
    v->hi.anonymous = k->controls & HIP_CONTROL_A;
    if (hip_get_hit_suites(hip_pkt_span(k, HIP_PAR_HIT_SUITE_LIST), &v->suites) != ERR_OK)
        return HIP_DROP_PARAM_MALFORMED;
    return hip_has8(v->suites.id, v->suites.n, hit_suite(&rx->id->hi.hit)) ? HIP_TAKEN
                                                                           : HIP_DROP_UNSUPPORTED_SUITE;
}

/* RFC 7401 s4.1.7, s6.8 step 7 MUST: with our list and the signed list of the Responder there is only one group it can have chosen. */
static int read_r1_group(const struct hip_rx *rx, struct r1 *v)
{
    const struct hip_pkt *k = &rx->pkt;
    const struct hip_ids8 *own = &rx->a->x->groups; /* RFC 7401 s6.6 step 3 MUST: as our I1 had it */
    struct hip_ids8 theirs;
    if (hip_get_dh_groups(hip_pkt_span(k, HIP_PAR_DH_GROUP_LIST), &theirs) != ERR_OK ||
        hip_get_dh(hip_pkt_span(k, HIP_PAR_DIFFIE_HELLMAN), &v->dh) != ERR_OK)
        return HIP_DROP_PARAM_MALFORMED;
    const struct hip_dh_suite *s = hip_dh_suite(v->dh.group);
    if (!s || !s->supported || !hip_has8(own->id, own->n, v->dh.group) || v->dh.pub.n != s->public_len)
        return HIP_DROP_BAD_DH;
    for (size_t i = 0; i < theirs.n; i++)
        if (hip_has8(own->id, own->n, theirs.id[i]))
            return theirs.id[i] == v->dh.group ? HIP_TAKEN : HIP_DROP_DH_DOWNGRADE;
    return HIP_DROP_DH_DOWNGRADE;
}

static int read_r1_choices(const struct hip_rx *rx, struct r1 *v)
{
    const struct hip_pkt *k = &rx->pkt;
    const struct hip_config *c = &rx->e->cfg;
    struct hip_ids16 l;
    if (hip_get_ciphers(hip_pkt_span(k, HIP_PAR_HIP_CIPHER), &l) != ERR_OK)
        return HIP_DROP_PARAM_MALFORMED;
    v->cipher = hip_choose_cipher(c->ciphers, rx->e->n_ciphers, l.id, l.n);
    if (v->cipher == 0)
        return HIP_DROP_BAD_CIPHER;
    /* RFC 7401 s5.2.11 MUST: a format whose parameter is missing is ignored. */
    if (hip_get_transports(hip_pkt_span(k, HIP_PAR_TRANSPORT_FORMAT_LIST), &l) != ERR_OK ||
        !hip_has16(l.id, l.n, HIP_PAR_ESP_TRANSFORM) || !hip_pkt_has(k, HIP_PAR_ESP_TRANSFORM) ||
        hip_get_esp_transform(hip_pkt_span(k, HIP_PAR_ESP_TRANSFORM), &l) != ERR_OK)
        return HIP_DROP_BAD_TRANSPORT;
    uint16_t own[6];
    size_t n = 0;
    for (size_t i = 0; i < rx->e->n_esp; i++) /* RFC 7402 s3.3.5 MUST NOT */
        if (hip_esp_allowed(rx->e, c->esp_suites[i], &k->sender))
            own[n++] = c->esp_suites[i];
    v->esp_suite = hip_choose_esp(own, n, l.id, l.n);
    return v->esp_suite ? HIP_TAKEN : HIP_DROP_BAD_TRANSPORT;
}

static int verify_r1(struct hip_rx *rx, struct r1 *v)
{
    const struct hip_pkt *k = &rx->pkt;
    const struct hip_exchange *x = rx->a->x;
    if (x->moved && !addr_same_ip(&rx->path->local, &rx->a->path.local))
        return HIP_DROP_STALE_R1_COUNTER; /* the answer to an I1 from where we are no more */
    if (hip_get_puzzle(hip_pkt_span(k, HIP_PAR_PUZZLE), hip_rhash_of(&k->sender), &v->puzzle) != ERR_OK)
        return HIP_DROP_PARAM_MALFORMED;
    if (hip_pkt_has(k, HIP_PAR_R1_COUNTER)) {
        if (hip_get_r1_counter(hip_pkt_span(k, HIP_PAR_R1_COUNTER), &v->counter) != ERR_OK)
            return HIP_DROP_PARAM_MALFORMED;
        v->has_counter = true;
    }
    /* RFC 7401 s6.8 steps 5 and 11 MUST, step 8: only a newer one counts. */
    if (x->r1.p && v->counter.counter <= x->r1_counter && !(x->moved && v->counter.counter == x->r1_counter))
        return v->counter.counter == x->r1_counter ? HIP_DROP_DUPLICATE : HIP_DROP_STALE_R1_COUNTER;
    if (x->r1.p && hip_path_is_udp(&rx->a->path) != hip_path_is_udp(rx->path))
        return HIP_DROP_DUPLICATE; /* the first one decided between UDP and not (RFC 9028 s4.7.2) */
    if (v->puzzle.k > rx->e->cfg.puzzle_k_max)
        return HIP_DROP_PUZZLE_TOO_HARD;
    int drop = read_r1_identity(rx, v);
    if (drop == HIP_TAKEN)
        drop = read_r1_group(rx, v);
    if (drop == HIP_TAKEN)
        drop = read_r1_choices(rx, v);
    if (drop == HIP_TAKEN)
        drop = hip_mobility_read(k, NULL, &v->set);
    if (drop == HIP_TAKEN)
        drop = hip_reg_read(&k->p, &v->contents);
    if (drop == HIP_TAKEN)
        drop = hip_nat_choose(rx, &v->nat);
    return drop;
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

/* RFC 7401 s6.8 step 6: the Responder does not speak our HIT's suite. Our DH_GROUP_LIST stays as it was. */
static void restart(struct hip_rx *rx, const struct hip_ids8 *theirs)
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

/* An opportunistic association learns its peer, whoever that was before at this address (RFC 7401 s4.1.8 MUST NOT), unless they have one already. */
static int learn_peer(struct hip_rx *rx)
{
    struct hip_assoc *a = rx->a;
    struct hip_ref other;
    if (make_room(rx->e, hip_assoc_local(a), &rx->pkt.sender, rx->now, rx->out, &other, false) != ERR_OK) {
        hip_assoc_end(rx->e, a, HIP_GONE_REPLACED, false, rx->now, rx->out);
        return HIP_DROP_REFUSED;
    }
    hip_assoc_leave(rx->e, a);
    a->peer = rx->pkt.sender;
    if (hip_assoc_enter(rx->e, a) != ERR_OK)
        abort(); /* it had a place and nobody has this one */
    return HIP_TAKEN;
}

static bool same_info(const struct hip_reg_info *a, const struct hip_reg_info *b)
{
    return a->present == b->present && a->min == b->min && a->max == b->max && a->n == b->n &&
           memcmp(a->type, b->type, a->n) == 0;
}

static void ask_i2(struct hip_rx *rx, const struct r1 *v)
{
    struct hip_assoc *a = rx->a;
    a->x->asked = true;
    a->x->answered = false;
    hip_assoc_timer(rx->e, a, HIP_TIMER_ASK, rx->now + HIP_ASK_US);
    struct hip_action *q = hip_act(rx->e, rx->out, HIP_ACT_ASK_I2, a);
    if (!q)
        return;
    q->ask.path = a->path;
    q->ask.contents = v->contents;
    q->ask.contents.di = (struct hip_domain_id){ v->di.type, hip_act_copy(rx->e, rx->out, v->di.v) };
    q->ask.contents.certs = span_of(NULL, 0);
    q->ask.opportunistic = a->opportunistic;
    q->ask.anonymous = a->peer_hi.anonymous;
    q->ask.nat_mode = a->nat_mode;
    q->ask.dh_group = a->dh_group;
    q->ask.cipher = a->cipher;
    q->ask.puzzle_k = a->puzzle_k;
}

/* VIA_RVS is unsigned: it only says which of the addresses that we asked is a rendezvous server (RFC 8004 s4.2.3). */
static void learn_rvs(struct hip_rx *rx)
{
    struct hip_assoc *a = rx->a;
    struct hip_via via;
    if (!hip_pkt_has(&rx->pkt, HIP_PAR_VIA_RVS) ||
        hip_get_via_rvs(hip_pkt_span(&rx->pkt, HIP_PAR_VIA_RVS), &via) != ERR_OK || via.n == 0)
        return;
    if (hip_initiator_asked(a, &via.v[0]))
        a->rvs = via.v[0];
}

/* RFC 8047 s4.2.8: I2 goes to the locator that R1 prefers, which needs no check. */
static void prefer(struct hip_rx *rx, const struct hip_locator_set *set)
{
    for (size_t i = 0; i < set->n; i++) {
        const struct hip_locator *l = &set->v[i];
        if (l->preferred && l->type == HIP_LOC_ADDR && l->addr.family == rx->path->local.family &&
            !addr_is_link_local(&l->addr) && rx->path->to.family == ADDR_NONE) {
            rx->a->path.peer = l->addr;
            rx->a->path.peer.port = rx->path->peer.port;
            return;
        }
    }
}

static int commit_r1(struct hip_rx *rx, struct r1 *v)
{
    struct hip_assoc *a = rx->a;
    struct hip_exchange *x = a->x;
    bool again = x->asked && same_info(&x->info, &v->contents.info);
    uint8_t start[HASH_LEN_MAX];
    struct hip_solver s;
    if (a->opportunistic && hit_is_null(&a->peer)) {
        int drop = learn_peer(rx);
        if (drop != HIP_TAKEN)
            return drop;
    }
    if (x->asked && !again) /* the owner decided on another offer */
        return HIP_DROP_REFUSED;
    env_draw(hip_env(rx->e), "solution_j", start, hash_len(v->hi.rhash));
    if (hip_solver_init(&s, v->hi.rhash, v->puzzle.k, v->puzzle.i, &rx->id->hi.hit, &rx->pkt.sender, start) !=
            ERR_OK ||
        hip_stored_set(&x->r1, rx->pkt.raw) != ERR_OK)
        return HIP_DROP_INTERNAL;
    hip_hi_done(&a->peer_hi);
    a->peer_hi = v->hi;
    v->hi = (struct hip_hi){ 0 };
    a->rhash = a->peer_hi.rhash;
    a->dh_group = v->dh.group;
    a->puzzle_k = v->puzzle.k;
    a->cipher = v->cipher;
    a->esp_suite = v->esp_suite;
    a->path = *rx->path;
    a->nat_mode = v->nat.mode;
    a->nat_explicit = v->nat.explicit_mode;
    a->pacing_ms = v->nat.pacing_ms;
    a->via_relay = hip_pkt_has(&rx->pkt, HIP_PAR_RELAY_TO);
    if (v->nat.i2_to.family != ADDR_NONE)
        a->path.peer = v->nat.i2_to;
    x->set = v->set;
    prefer(rx, &x->set);
    learn_rvs(rx);
    x->r1_counter = v->counter.counter;
    x->moved = false;
    x->info = v->contents.info;
    x->solver = s;
    uint64_t life = hip_puzzle_lifetime_us(v->puzzle.lifetime);
    x->solve_until_us = life > HEAP_NEVER - rx->now ? HEAP_NEVER : rx->now + life;
    hip_assoc_timer(rx->e, a, HIP_TIMER_RETRY, HEAP_NEVER);
    hip_assoc_timer(rx->e, a, HIP_TIMER_UDP, HEAP_NEVER);
    hip_assoc_timer(rx->e, a, HIP_TIMER_SOLVE, rx->now);
    if (!again)
        ask_i2(rx, v);
    return HIP_TAKEN;
}

/* RFC 7401 s6.8 step 9 MAY: an anonymous Responder, where we asked for nobody in particular. */
static bool refused(struct hip_rx *rx, const struct r1 *v)
{
    if (!v->hi.anonymous || !rx->a->opportunistic || !rx->e->cfg.refuse_anonymous)
        return false;
    hip_assoc_end(rx->e, rx->a, HIP_GONE_REFUSED, false, rx->now, rx->out);
    rx->a = NULL;
    return true;
}

int hip_r1_first(struct hip_rx *rx)
{
    /* Our R2 for the same pair waits for the owner: the crossing exchange is decided (s6.7.3). */
    if (hip_embryo_by_pair(rx->e, &rx->id->hi.hit, &rx->pkt.sender))
        return HIP_DROP_LOST_RACE;
    struct r1 v = { 0 };
    int drop = verify_r1(rx, &v);
    if (drop == HIP_TAKEN)
        drop = refused(rx, &v) ? HIP_DROP_REFUSED : commit_r1(rx, &v);
    else if (drop == HIP_DROP_UNSUPPORTED_SUITE)
        restart(rx, &v.suites);
    hip_hi_done(&v.hi);
    return drop;
}

int hip_r1_again(struct hip_rx *rx)
{
    return hip_r1_first(rx);
}

/* ---- I2 ---- */

/* The R1 that is answered, taken apart again; it passed once, so this does not fail. */
struct answered {
    struct hip_pkt pkt;
    struct hip_puzzle puzzle;
    struct hip_dh dh;
};

static err reread(const struct hip_assoc *a, struct answered *v)
{
    if (hip_pkt_parse(span_of(a->x->r1.p, a->x->r1.n), &v->pkt) != HIP_TAKEN)
        return ERR_MALFORMED;
    err r = hip_get_puzzle(hip_pkt_span(&v->pkt, HIP_PAR_PUZZLE), a->rhash, &v->puzzle);
    return r == ERR_OK ? hip_get_dh(hip_pkt_span(&v->pkt, HIP_PAR_DIFFIE_HELLMAN), &v->dh) : r;
}

static err make_keys(struct hip_engine *e, const struct hip_assoc *a, const struct answered *v,
                     struct dh_key **own, struct hip_keyset *out)
{
    struct dh_key *k = dh_generate(hip_dh_suite(a->dh_group)->group, hip_env(e));
    if (!k)
        return ERR_CRYPTO;
    struct hip_keyset_args g = { .rhash = a->rhash,
                                 .cipher = a->cipher,
                                 .esp_suite = a->esp_suite,
                                 .exports = true,
                                 .dh = k,
                                 .peer_dh = v->dh.pub,
                                 .i = v->puzzle.i,
                                 .j = span_of(a->x->solver.j, a->x->solver.len),
                                 .own = hip_assoc_local(a),
                                 .peer = &a->peer };
    err r = hip_keyset_make(&g, out);
    if (r == ERR_OK)
        *own = k;
    else
        dh_free(k);
    return r;
}

static void put_host_id(struct hip_build *b, const struct hip_assoc *a)
{
    hip_put_host_id(b, &(struct hip_host_id){ .hi = span_of(a->id->hi.wire, a->id->hi.wire_len),
                                              .di_type = a->x->answer.di.type,
                                              .di = a->x->answer.di.v });
}

/* HOST_ID, unless it goes in the clear, and the owner's parameters behind it, in one ENCRYPTED (s5.3.3). */
static err build_inner(const struct hip_assoc *a, bool host_id, uint8_t *buf, struct span *out)
{
    struct hip_build b;
    hip_build_inner(&b, buf, HIP_PACKET_MAX);
    if (a->ice)
        hip_ice_put(&b, a, a->ice->local, a->ice->n_local);
    if (host_id)
        put_host_id(&b, a);
    if (a->x->answer.inner.n)
        hip_build_tlvs(&b, a->x->answer.inner);
    return hip_build_inner_finish(&b, out);
}

static err build_i2(struct hip_engine *e, const struct hip_assoc *a, const struct answered *v,
                    const struct dh_key *dh, const struct hip_keyset *ks, uint8_t *buf, struct span *out)
{
    const struct hip_keys *k = &ks->secrets->hip;
    struct hip_exchange *x = a->x;
    struct hip_build b;
    uint8_t plain[HIP_PACKET_MAX];
    struct span inner;
    bool clear = e->cfg.host_id_in_clear;
    err r = build_inner(a, !clear, plain, &inner);
    if (r != ERR_OK)
        goto out;
    hip_build_init(&b, buf, HIP_PACKET_MAX, HIP_PKT_I2, hip_assoc_local(a), &a->peer,
                   hip_hi_controls(&a->id->hi));
    /* RFC 7402 s5.1.1 MUST: OLD SPI 0, our inbound one, where the ESP keys begin. */
    hip_put_esp_info(&b, &(struct hip_esp_info){ .keymat_index = ks->esp_index, .new_spi = a->spi_in });
    if (hip_pkt_has(&v->pkt, HIP_PAR_R1_COUNTER)) /* RFC 7401 s5.2.3 MUST: as it came, Reserved included */
        hip_build_param(&b, HIP_PAR_R1_COUNTER, hip_pkt_span(&v->pkt, HIP_PAR_R1_COUNTER));
    hip_move_put(&b, a);
    /* RFC 7401 s5.3.3 MUST: K, Opaque and #I of R1; one of each list below. */
    hip_put_solution(&b, &(struct hip_solution){ .k = v->puzzle.k,
                                                 .opaque = v->puzzle.opaque,
                                                 .i = v->puzzle.i,
                                                 .j = span_of(x->solver.j, x->solver.len) });
    hip_put_dh(&b, &(struct hip_dh){ .group = a->dh_group, .pub = dh_public(dh) });
    hip_put_ciphers(&b, &(struct hip_ids16){ .n = 1, .id = { a->cipher } });
    hip_nat_put_i2(&b, a);
    if (inner.n)
        hip_encrypted_add(&b, a->cipher, hip_key_enc(&k->out), hip_env(e), inner);
    if (clear)
        put_host_id(&b, a);
    hip_build_tlvs(&b, x->answer.certs);
    hip_reg_put(&b, &x->answer);
    hip_put_echo_responses(&b, &v->pkt.p, HIP_PAR_ECHO_REQUEST_SIGNED);
    hip_put_transports(&b, &(struct hip_ids16){ .n = 1, .id = { HIP_PAR_ESP_TRANSFORM } });
    hip_put_esp_transform(&b, &(struct hip_ids16){ .n = 1, .id = { a->esp_suite } });
    hip_mac_add(&b, HIP_PAR_HIP_MAC, a->rhash, hip_key_mac(&k->out));
    hip_sign_add(&b, HIP_PAR_HIP_SIGNATURE, &a->id->hi);
    hip_put_echo_responses(&b, &v->pkt.p, HIP_PAR_ECHO_REQUEST_UNSIGNED);
    r = hip_build_finish(&b, &a->path.local, &a->path.peer, out);
out:
    sec_wipe(plain, sizeof plain);
    return r;
}

static err send_i2(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    struct answered v;
    struct hip_keyset ks = { 0 };
    struct dh_key *dh = NULL;
    uint8_t buf[HIP_PACKET_MAX];
    struct span i2;
    err r = reread(a, &v);
    if (r == ERR_OK && !a->in_spis) {
        r = hip_assoc_new_spi(e, a, &a->spi_in);
        a->in_spis = r == ERR_OK;
    }
    if (r == ERR_OK)
        r = make_keys(e, a, &v, &dh, &ks);
    if (r == ERR_OK)
        r = build_i2(e, a, &v, dh, &ks, buf, &i2);
    if (r == ERR_OK)
        r = hip_stored_set(&a->last, i2);
    if (r == ERR_OK) {
        hip_assoc_adopt(a, &ks);
        hip_keylog_assoc(e, a);
        if (a->state == HIP_I1_SENT) {
            hip_assoc_free(e, a->former);
            hip_assoc_set_state(e, a, HIP_I2_SENT, now);
        }
        hip_act_sa_first(e, out, a); /* RFC 7402 s3.3.1 MUST: before I2 */
        hip_act_send(e, out, a, &a->path, i2);
        hip_nat_sent(e, a, now);
        hip_retry_start(e, a, now);
    }
    dh_free(dh);
    hip_keyset_done(&ks);
    return r;
}

err hip_initiator_answer(struct hip_engine *e, struct hip_assoc *a, const struct hip_answer *w, uint64_t now,
                         struct hip_actions *out)
{
    struct hip_exchange *x = a->x;
    if (!x || !x->asked || x->answered)
        return ERR_STATE;
    if (!w->accept) {
        hip_assoc_end(e, a, HIP_GONE_REFUSED, false, now, out);
        return ERR_OK;
    }
    if (w->contents.inner.n > HIP_INNER_MAX || !hip_domain_id_ok(&w->contents.di))
        return ERR_SPACE;
    err r = hip_move_own(a, w->locator, w->n_locators, &a->path.peer);
    if (r == ERR_OK)
        r = hip_stored_set(&x->answer_inner, w->contents.inner);
    if (r == ERR_OK)
        r = hip_stored_set(&x->answer_certs, w->contents.certs);
    if (r != ERR_OK)
        return r;
    if (a->nat_mode == HIP_NAT_ICE_HIP_UDP)
        r = hip_ice_set(a, w->cand, w->n_cand, now);
    if (r != ERR_OK)
        return r;
    x->answer = w->contents;
    x->answer.inner = span_of(x->answer_inner.p, x->answer_inner.n);
    x->answer.certs = hip_stored_span(&x->answer_certs);
    if (w->contents.di.v.n)
        memcpy(x->di, w->contents.di.v.p, w->contents.di.v.n);
    x->answer.di.v = span_of(x->di, w->contents.di.v.n);
    if (x->solver.solved && !x->moved) {
        r = send_i2(e, a, now, out);
        if (r != ERR_OK)
            return r;
    }
    x->answered = true;
    hip_assoc_timer(e, a, HIP_TIMER_ASK, HEAP_NEVER);
    return ERR_OK;
}

/* RFC 7401 s6.8 step 12 MUST: the puzzle's lifetime is over; another I1, if there are tries left. */
static void too_late(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    if (a->state == HIP_I1_SENT)
        hip_stored_clear(
            &a->x->r1); /* the same R1 may come again; in I2-SENT the R2 is still checked against it */
    hip_initiator_retry(e, a, now, out);
}

void hip_initiator_solve(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    struct hip_exchange *x = a->x;
    if (!x || !x->r1.p)
        return;
    err r = hip_solver_step(&x->solver, HIP_SLICE);
    if (r == ERR_NOT_FOUND) {
        if (now >= x->solve_until_us)
            too_late(e, a, now, out);
        else
            hip_assoc_timer(e, a, HIP_TIMER_SOLVE, now);
        return;
    }
    if (r == ERR_OK && x->answered)
        r = send_i2(e, a, now, out);
    if (r != ERR_OK) {
        hip_assoc_fail(e, a, now, out);
    }
}

/* ---- R2 (s6.10) ---- */

struct r2 {
    struct hip_esp_info info;
    struct hip_locator_set set;
    struct hip_contents contents;
    struct hip_ice_offer offer;
    uint8_t plain[HIP_PACKET_MAX];
};

static int verify_r2(const struct hip_rx *rx, struct r2 *v)
{
    const struct hip_assoc *a = rx->a;
    const struct hip_keys *k = &a->keys.secrets->hip;
    struct hip_pkt r1;
    if (hip_pkt_parse(span_of(a->x->r1.p, a->x->r1.n), &r1) != HIP_TAKEN)
        return HIP_DROP_WRONG_STATE; /* a newer R1 is being answered and its puzzle ran out */
    /* RFC 7401 s6.4.1, s6.10 MUST: HOST_ID octet by octet as R1 had it; MAC and signature are verified. */
    struct span host_id = hip_par_tlv(&r1.p, hip_pkt_get(&r1, HIP_PAR_HOST_ID));
    if (hip_mac2_check(&rx->pkt, a->rhash, hip_key_mac(&k->in), host_id) != ERR_OK)
        return HIP_DROP_BAD_HIP_MAC_2;
    if (hip_sign_check(&rx->pkt, HIP_PAR_HIP_SIGNATURE, &a->peer_hi) != ERR_OK)
        return HIP_DROP_BAD_SIGNATURE;
    if (hip_get_esp_info(hip_pkt_span(&rx->pkt, HIP_PAR_ESP_INFO), &v->info) != ERR_OK ||
        v->info.old_spi != 0 || v->info.new_spi < 256)
        return HIP_DROP_BAD_ESP_INFO;
    int drop = hip_mobility_read(&rx->pkt, &v->info.new_spi, &v->set);
    if (drop == HIP_TAKEN)
        drop = hip_contents_open(rx, v->plain, &v->contents);
    if (drop == HIP_TAKEN && a->ice)
        drop = hip_ice_read(&v->contents.inner, &v->offer);
    return drop;
}

static void commit_r2(struct hip_rx *rx, const struct r2 *v)
{
    struct hip_engine *e = rx->e;
    struct hip_assoc *a = rx->a;
    bool moved = a->x->moved;
    a->spi_out = v->info.new_spi;
    hip_mobility_begin(a);
    hip_mobility_learn(e, a, hip_pkt_has(&rx->pkt, HIP_PAR_LOCATOR_SET) ? &v->set : &a->x->set, rx->now);
    hip_exchange_free(a->x);
    a->x = NULL;
    hip_stored_clear(&a->last);
    hip_assoc_timer(e, a, HIP_TIMER_RETRY, HEAP_NEVER);
    hip_assoc_timer(e, a, HIP_TIMER_SOLVE, HEAP_NEVER);
    hip_assoc_timer(e, a, HIP_TIMER_ASK, HEAP_NEVER);
    hip_assoc_set_state(e, a, HIP_ESTABLISHED, rx->now);
    hip_mobility_start(e, a, rx->now);
    hip_assoc_touch(e, a, rx->now);
    if (a->pacing_ms > HIP_PACING_MAX_MS)
        a->pacing_ms = HIP_PACING_MAX_MS;
    hip_act_sas(e, rx->out, a);
    struct hip_action *q = hip_act(e, rx->out, HIP_ACT_ESTABLISHED, a);
    if (q) {
        q->up.initiator = true;
        q->up.path = a->path;
        q->up.contents = v->contents;
        q->up.contents.inner = hip_act_copy(e, rx->out, v->contents.inner);
        q->up.contents.certs = span_of(NULL, 0);
    }
    if (a->ice) {
        a->ice->offer = v->offer;
        hip_ice_start(e, a, rx->now, rx->out);
    }
    /* It answers an I2 from where we were before. */
    if (moved && !a->ice && hip_move_announce(e, a, rx->now, rx->out) != ERR_OK)
        e->counters[HIP_DROP_INTERNAL]++;
}

int hip_r2_receive(struct hip_rx *rx)
{
    struct r2 v = { 0 };
    int drop = verify_r2(rx, &v);
    if (drop == HIP_TAKEN)
        commit_r2(rx, &v);
    sec_wipe(v.plain, sizeof v.plain);
    return drop;
}
