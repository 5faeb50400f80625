/* SPDX-License-Identifier: Apache-2.0
 *
 * R1 (RFC 7401 s6.8): verified and chosen from into locals, then committed in one block, with which the puzzle's solution begins and the owner
 * is asked what goes into the I2.
 */
#include <stdlib.h>
#include <string.h>

#include "common/crypto/dh.h"
#include "hip/auth.h"
#include "hip/complain.h"
#include "hip/fsm.h"
#include "hip/initiator.h"
#include "hip/mobility.h"
#include "hip/nat.h"
#include "hip/param_esp.h"
#include "hip/param_nat.h"
#include "hip/reg.h"
#include "hip/suite.h"

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
static int read_r1_group(struct hip_rx *rx, struct r1 *v)
{
    const struct hip_pkt *k = &rx->pkt;
    const struct hip_ids8 *own = &rx->a->x->groups; /* RFC 7401 s6.6 step 3 MUST: as our I1 had it */
    struct hip_ids8 theirs;
    if (hip_get_dh_groups(hip_pkt_span(k, HIP_PAR_DH_GROUP_LIST), &theirs) != ERR_OK ||
        hip_get_dh(hip_pkt_span(k, HIP_PAR_DIFFIE_HELLMAN), &v->dh) != ERR_OK)
        return HIP_DROP_PARAM_MALFORMED;
    const struct hip_dh_suite *s = hip_dh_suite(v->dh.group);
    if (!s || !s->supported || !hip_has8(own->id, own->n, v->dh.group)) {
        hip_complain_group(rx);
        return HIP_DROP_BAD_DH;
    }
    size_t first = 0;
    while (first < theirs.n && !hip_has8(own->id, own->n, theirs.id[first]))
        first++;
    if (first == theirs.n || theirs.id[first] != v->dh.group)
        return HIP_DROP_DH_DOWNGRADE;
    /* Now, and not when the puzzle is solved: a better R1 may still come. A bad value gets no word, as in I2. */
    return dh_public_ok(s->group, v->dh.pub) ? HIP_TAKEN : HIP_DROP_BAD_DH;
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

/* An opportunistic association learns its peer, whoever that was before at this address (RFC 7401 s4.1.8 MUST NOT), unless they have one already. */
static int learn_peer(struct hip_rx *rx)
{
    struct hip_assoc *a = rx->a;
    struct hip_ref other;
    if (hip_initiator_room(rx->e, hip_assoc_local(a), &rx->pkt.sender, rx->now, rx->out, &other, false) !=
        ERR_OK) {
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
        hip_initiator_restart(rx, &v.suites);
    hip_hi_done(&v.hi);
    return drop;
}

int hip_r1_again(struct hip_rx *rx)
{
    return hip_r1_first(rx);
}
