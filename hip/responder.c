/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/responder.h"

#include <string.h>

#include "common/crypto/secret.h"
#include "hip/auth.h"
#include "hip/complain.h"
#include "hip/echo.h"
#include "hip/encrypted.h"
#include "hip/fsm.h"
#include "hip/ice.h"
#include "hip/keylog.h"
#include "hip/mobility.h"
#include "hip/nat.h"
#include "hip/notify.h"
#include "hip/param_esp.h"
#include "hip/reg.h"
#include "hip/rvs.h"
#include "hip/suite.h"
#include "hip/update.h"

/* ---- I1 (s6.7) ---- */

/* docs/sim-binding.md section 1: everything that decides it is visible in the I1. */
static bool may_offer_sim(const struct hip_rx *rx, const struct hip_origin *from, uint8_t group)
{
    const struct hip_config *c = &rx->e->cfg;
    uint8_t own = hit_suite(&rx->id->hi.hit);
    if (!c->offer.sim_binding || from->relayed || hip_pkt_has(&rx->pkt, HIP_PAR_RELAY_FROM))
        return false;
    if ((own != 1 && own != 2) || hit_suite(&rx->pkt.sender) == 3)
        return false;
    for (size_t i = 0; i < rx->e->n_ciphers; i++)
        if (c->ciphers[i] == 1) /* NULL-ENCRYPT */
            return false;
    return group == 4 || group == 7 || group == 8 || group == 9 || group == 11;
}

int hip_i1_answer(struct hip_rx *rx)
{
    struct hip_engine *e = rx->e;
    struct hip_origin from;
    struct hip_ids8 theirs;
    int drop = hip_rvs_origin(rx, &from);
    if (drop != HIP_TAKEN)
        return drop;
    if (from.relayed && hit_is_null(&rx->pkt.receiver)) /* RFC 8004 s4.3 */
        return HIP_DROP_RELAYED_OPPORTUNISTIC;
    if (e->r1_limit && !limiter_take(e->r1_limit, &from.ip, rx->now)) /* RFC 7401 s6.7 MUST */
        return HIP_DROP_RATE_LIMITED;
    if (hip_get_dh_groups(hip_pkt_span(&rx->pkt, HIP_PAR_DH_GROUP_LIST), &theirs) != ERR_OK)
        return HIP_DROP_PARAM_MALFORMED;
    struct hip_r1_variant v = { .relayed = from.relayed };
    /* RFC 7401 s5.2.6, s6.7 step 4 MUST: the first of ours that it has; none: any of ours, the signed list tells. */
    v.group = hip_choose_dh(e->cfg.dh_groups, e->n_groups, theirs.id, theirs.n);
    if (v.group == 0)
        v.group = e->cfg.dh_groups[0];
    v.sim = may_offer_sim(rx, &from, v.group);

    struct hip_path back = *rx->path;
    if (from.by_rvs)
        back.peer = from.ip;
    struct hip_r1_client c = { .hit = rx->pkt.sender, .ip = from.ip, .local = rx->path->local };
    uint8_t r1[HIP_PACKET_MAX];
    size_t n;
    hip_engine_weigh(e);
    if (hip_r1pool_write(rx->id->pool, &c, &v, from.by_rvs ? &from.rvs : NULL, rx->now, r1, &n) != ERR_OK)
        return HIP_DROP_INTERNAL;
    hip_act_send(e, rx->out, NULL, &back, hip_echo_answer(r1, span_of(r1, n), &rx->pkt.p));
    return HIP_TAKEN;
}

int hip_i1_crossing(struct hip_rx *rx)
{
    return hit_cmp(&rx->id->hi.hit, &rx->pkt.sender) > 0 ? hip_i1_answer(rx) : HIP_DROP_LOST_RACE;
}

/* ---- I2 (s6.9) ---- */

/* Everything learnt from an I2 until it is known to be right. */
struct i2 {
    uint8_t hash[32];
    struct hip_esp_info info;
    struct hip_r1_counter counter;
    struct hip_solution sol;
    struct hip_dh dh;
    uint16_t cipher, esp_suite;
    struct hip_r1_match match;
    struct hip_hi hi;
    struct hip_keyset keys;
    struct hip_nat_choice nat;
    struct hip_locator_set set;
    struct hip_contents contents;
    struct hip_ice_offer offer; /* used when the mode is ICE-HIP-UDP */
    uint8_t plain[HIP_PACKET_MAX];
};

static int read_i2(const struct hip_rx *rx, struct i2 *v)
{
    const struct hip_pkt *k = &rx->pkt;
    if (!hip_pkt_has(k, HIP_PAR_R1_COUNTER)) /* RFC 7401 s5.2.3 MUST: our R1s have one, it comes back */
        return HIP_DROP_PARAM_MISSING;
    if (hip_get_r1_counter(hip_pkt_span(k, HIP_PAR_R1_COUNTER), &v->counter) != ERR_OK ||
        hip_get_solution(hip_pkt_span(k, HIP_PAR_SOLUTION), rx->id->hi.rhash, &v->sol) != ERR_OK ||
        hip_get_dh(hip_pkt_span(k, HIP_PAR_DIFFIE_HELLMAN), &v->dh) != ERR_OK)
        return HIP_DROP_PARAM_MALFORMED;
    return HIP_TAKEN;
}

/* RFC 7401 s5.3.3, s6.9 steps 9-11 MUST, RFC 7402 s6.5 MUST: exactly one of each, and one that R1 offered. */
static int read_choices(const struct hip_rx *rx, struct i2 *v)
{
    const struct hip_pkt *k = &rx->pkt;
    const struct hip_engine *e = rx->e;
    struct hip_ids16 l;
    if (hip_get_ciphers(hip_pkt_span(k, HIP_PAR_HIP_CIPHER), &l) != ERR_OK || l.n != 1 || l.more ||
        !hip_has16(e->cfg.ciphers, e->n_ciphers, l.id[0]))
        return HIP_DROP_BAD_CIPHER;
    v->cipher = l.id[0];
    if (hip_get_transports(hip_pkt_span(k, HIP_PAR_TRANSPORT_FORMAT_LIST), &l) != ERR_OK || l.n != 1 ||
        l.more || l.id[0] != HIP_PAR_ESP_TRANSFORM || !hip_pkt_has(k, HIP_PAR_ESP_TRANSFORM))
        return HIP_DROP_BAD_TRANSPORT;
    /* RFC 7402 s3.3.5 MUST NOT: no suite that only authenticates unless our policy for this peer has it. */
    if (hip_get_esp_transform(hip_pkt_span(k, HIP_PAR_ESP_TRANSFORM), &l) != ERR_OK || l.n != 1 || l.more ||
        !hip_esp_allowed(e, l.id[0], &k->sender))
        return HIP_DROP_BAD_TRANSPORT;
    v->esp_suite = l.id[0];
    if (hip_get_esp_info(hip_pkt_span(k, HIP_PAR_ESP_INFO), &v->info) != ERR_OK || v->info.old_spi != 0 ||
        v->info.new_spi < 256)
        return HIP_DROP_BAD_ESP_INFO;
    return HIP_TAKEN;
}

static int derive(struct hip_rx *rx, struct i2 *v)
{
    if (v->dh.group != v->match.variant.group) {
        if (hip_dh_suite(v->dh.group)) /* RFC 7401 s6.9 step 9: an unknown one without a word */
            hip_complain_group(rx);
        return HIP_DROP_BAD_DH;
    }
    struct hip_keyset_args g = { .rhash = rx->id->hi.rhash,
                                 .cipher = v->cipher,
                                 .esp_suite = v->esp_suite,
                                 .exports = rx->e->cfg.offer.sim_binding,
                                 .dh = v->match.dh,
                                 .peer_dh = v->dh.pub,
                                 .i = v->sol.i,
                                 .j = v->sol.j,
                                 .own = &rx->id->hi.hit,
                                 .peer = &rx->pkt.sender };
    /* RFC 7401 s5.3.2 MUST: our value is a reused one, so the peer's is validated; a bad one gets no word. */
    err r = hip_keyset_make(&g, &v->keys);
    return r == ERR_OK ? HIP_TAKEN : r == ERR_RANGE ? HIP_DROP_BAD_DH : HIP_DROP_INTERNAL;
}

/* ENCRYPTED holds HOST_ID and what the owner is to see; or HOST_ID is in clear and ENCRYPTED, if there, is all the owner's. */
static int open_i2(const struct hip_rx *rx, struct i2 *v)
{
    struct span host_id = hip_pkt_span(&rx->pkt, HIP_PAR_HOST_ID), inner = { 0 };
    struct hip_params p;
    struct hip_host_id h;
    if (hip_pkt_has(&rx->pkt, HIP_PAR_ENCRYPTED)) {
        if (hip_encrypted_open(hip_pkt_span(&rx->pkt, HIP_PAR_ENCRYPTED), v->cipher,
                               hip_key_enc(&v->keys.secrets->hip.in), v->plain, sizeof v->plain,
                               &inner) != ERR_OK)
            return HIP_DROP_BAD_ENCRYPTED;
        int drop = hip_ice_read(&inner, &v->offer);
        if (drop != HIP_TAKEN)
            return drop;
        if (hip_inner_parse(inner, &p, NULL) != HIP_TAKEN)
            return HIP_DROP_BAD_ENCRYPTED;
        const struct hip_par *par = hip_par_get(&p, HIP_PAR_HOST_ID);
        if (!host_id.p && (!par || par->off != 0))
            return HIP_DROP_BAD_ENCRYPTED;
        if (!host_id.p) {
            host_id = par->v;
            size_t n = hip_par_tlv(&p, par).n;
            inner = span_of(inner.p + n, inner.n - n);
        }
    }
    v->contents.inner = inner;
    if (hip_get_host_id(host_id, &h) != ERR_OK || hip_peer_hi(rx->e, h.hi, &v->hi) != ERR_OK)
        return HIP_DROP_BAD_HI;
    v->hi.anonymous = rx->pkt.controls & HIP_CONTROL_A;
    v->contents.di = hip_host_id_di(&h);
    return hit_eq(&v->hi.hit, &rx->pkt.sender) ? HIP_TAKEN : HIP_DROP_HI_MISMATCH;
}

/* An I2 older than the one that was taken was overtaken by it: the Initiator holds the keys of the newer one. */
static bool overtaken(const struct hip_rx *rx, uint64_t counter)
{
    const struct hip_assoc *em = hip_embryo_by_pair(rx->e, &rx->id->hi.hit, &rx->pkt.sender);
    return (em && counter < em->i2_counter) || (rx->a && rx->a->has_i2_hash && counter < rx->a->i2_counter);
}

static int verify_rest(struct hip_rx *rx, struct i2 *v)
{
    int drop = read_choices(rx, v);
    if (drop == HIP_TAKEN)
        drop = hip_mobility_read(&rx->pkt, &v->info.new_spi, &v->set);
    if (drop == HIP_TAKEN)
        drop = hip_reg_read(&rx->pkt.p, &v->contents);
    if (drop == HIP_TAKEN)
        drop = derive(rx, v);
    if (drop != HIP_TAKEN)
        return drop;
    /* RFC 7401 s6.9 steps 14-17 MUST: the MAC, then the signature; nothing has changed yet. */
    if (hip_mac_check(&rx->pkt, HIP_PAR_HIP_MAC, rx->id->hi.rhash, hip_key_mac(&v->keys.secrets->hip.in)) !=
        ERR_OK)
        return HIP_DROP_BAD_HIP_MAC;
    drop = open_i2(rx, v);
    if (drop != HIP_TAKEN)
        return drop;
    if (hip_sign_check(&rx->pkt, HIP_PAR_HIP_SIGNATURE, &v->hi) != ERR_OK)
        return HIP_DROP_BAD_SIGNATURE;
    return HIP_TAKEN;
}

/* RFC 9028 s4.3: an I2 right in all but its NAT traversal mode ends the exchange; its solution is used up, so that it is told once. */
static void refuse_mode(const struct hip_rx *rx, const struct i2 *v)
{
    err r = hip_r1pool_use(rx->id->pool, &v->match);
    if (r == ERR_OK)
        r = hip_notify_to(rx->e, rx->id, &rx->pkt.sender, rx->path,
                          HIP_NTF_NO_VALID_NAT_TRAVERSAL_MODE_PARAMETER,
                          span_sub(rx->pkt.raw, 0, HIP_HEADER_LEN), rx->out);
    if (r != ERR_OK)
        rx->e->counters[HIP_DROP_INTERNAL]++;
}

static int verify_i2(struct hip_rx *rx, struct i2 *v)
{
    struct hip_r1_client c = { .hit = rx->pkt.sender,
                               .ip = *hip_path_far(rx->path),
                               .local = rx->path->local };
    int drop = read_i2(rx, v);
    if (drop == HIP_TAKEN && overtaken(rx, v->counter.counter))
        drop = HIP_DROP_STALE_R1_COUNTER;
    if (drop == HIP_TAKEN)
        drop = hip_r1pool_check(rx->id->pool, &c, v->counter.counter, &v->sol, &v->match);
    if (drop == HIP_TAKEN && (rx->pkt.controls & HIP_CONTROL_A) && rx->e->cfg.refuse_anonymous)
        drop = HIP_DROP_REFUSED; /* RFC 7401 s6.9 step 18 MAY: without a word, and before it costs anything */
    if (drop != HIP_TAKEN)
        return drop;
    rx->proven = true;
    drop = verify_rest(rx, v);
    if (drop != HIP_TAKEN) {
        hip_r1pool_blame(rx->id->pool, &v->match);
        return drop;
    }
    drop = hip_nat_check_i2(rx, &v->nat);
    if (drop == HIP_DROP_BAD_NAT_MODE)
        refuse_mode(rx, v);
    return drop;
}

/* The I2 was taken before: the stored R2, or nothing while the owner is still asked (sim-binding section 5). */
static bool repeat_i2(struct hip_rx *rx, const uint8_t hash[32])
{
    struct hip_assoc *em = hip_embryo_by_pair(rx->e, &rx->id->hi.hit, &rx->pkt.sender);
    if (em && memcmp(em->i2_hash, hash, 32) == 0) {
        hip_complain_not(rx, em);
        return true;
    }
    struct hip_assoc *a = rx->a;
    if (!a || !a->has_i2_hash || memcmp(a->i2_hash, hash, 32) != 0)
        return false;
    if (a->state != HIP_R2_SENT && a->state != HIP_ESTABLISHED)
        return false;
    uint8_t buf[HIP_PACKET_MAX];
    memcpy(buf, a->last.p, a->last.n);
    hip_act_send(rx->e, rx->out, a, rx->path, hip_echo_answer(buf, span_of(buf, a->last.n), &rx->pkt.p));
    if (a->state == HIP_R2_SENT)
        hip_assoc_timer(rx->e, a, HIP_TIMER_EC, rx->now + hip_retry_total(rx->e));
    return true;
}

static void ask_r2(struct hip_rx *rx, struct hip_assoc *a, const struct i2 *v)
{
    struct hip_action *q = hip_act(rx->e, rx->out, HIP_ACT_ASK_R2, a);
    if (!q)
        return;
    q->ask.path = a->path;
    q->ask.contents = v->contents;
    q->ask.contents.inner = hip_act_copy(rx->e, rx->out, v->contents.inner);
    q->ask.contents.di.v = hip_act_copy(rx->e, rx->out, v->contents.di.v);
    q->ask.contents.certs = hip_act_copy(rx->e, rx->out, v->contents.certs);
    q->ask.relayed = a->relayed;
    q->ask.anonymous = a->peer_hi.anonymous;
    q->ask.nat_mode = a->nat_mode;
    q->ask.dh_group = a->dh_group;
    q->ask.cipher = a->cipher;
    q->ask.puzzle_k = a->puzzle_k;
}

static int commit_i2(struct hip_rx *rx, struct i2 *v)
{
    struct hip_engine *e = rx->e;
    struct hip_assoc *old = hip_embryo_by_pair(e, &rx->id->hi.hit, &rx->pkt.sender);
    if (old)
        hip_assoc_end(e, old, HIP_GONE_REPLACED, false, rx->now, rx->out);
    struct hip_assoc *a = hip_assoc_new(e, rx->id, &rx->pkt.sender);
    if (!a)
        return HIP_DROP_ASSOC_FULL;
    a->embryo = true;
    if (hip_assoc_new_spi(e, a, &a->spi_in) == ERR_OK)
        a->in_spis = true;
    if (!a->in_spis || hip_assoc_enter(e, a) != ERR_OK || hip_r1pool_use(rx->id->pool, &v->match) != ERR_OK) {
        hip_assoc_free(e, a);
        return HIP_DROP_INTERNAL;
    }
    a->peer_hi = v->hi;
    v->hi = (struct hip_hi){ 0 };
    hip_assoc_adopt(a, &v->keys);
    a->rhash = rx->id->hi.rhash;
    a->dh_group = v->dh.group;
    a->puzzle_k = v->match.k;
    a->cipher = v->cipher;
    a->esp_suite = v->esp_suite;
    a->spi_out = v->info.new_spi;
    a->relayed = v->match.variant.relayed;
    a->path = *rx->path;
    a->nat_mode = v->nat.mode;
    a->nat_explicit = v->nat.explicit_mode;
    a->pacing_ms = v->nat.pacing_ms < HIP_PACING_MAX_MS ? v->nat.pacing_ms : HIP_PACING_MAX_MS;
    memcpy(a->i2_hash, v->hash, sizeof a->i2_hash);
    a->has_i2_hash = true;
    a->i2_counter = v->counter.counter;
    hip_keylog_assoc(e, a);
    hip_echo_keep(&a->box_echo, &rx->pkt.p);
    hip_mobility_begin(
        a); /* R2 goes to where the I2 is from; the others are checked later (RFC 8047 s4.2.8) */
    hip_mobility_learn(e, a, &v->set, rx->now);
    if (a->nat_mode == HIP_NAT_ICE_HIP_UDP && hip_ice_offered(a, &v->offer, rx->now) != ERR_OK) {
        hip_assoc_free(e, a);
        return HIP_DROP_INTERNAL;
    }
    hip_assoc_timer(e, a, HIP_TIMER_ASK, rx->now + HIP_ASK_US);
    ask_r2(rx, a, v);
    return HIP_TAKEN;
}

/* What is the same in an I2 that is sent again: the HITs and all that is signed. Behind the signature middleboxes and relays write, and the header counts that. */
static struct span lasting(const struct hip_pkt *k)
{
    const struct hip_par *sig = hip_pkt_get(k, HIP_PAR_HIP_SIGNATURE);
    size_t end = sig->off + hip_tlv_len(sig->v.n);
    return span_sub(k->raw, 8, end - 8);
}

int hip_i2_receive(struct hip_rx *rx)
{
    struct i2 v = { 0 };
    int drop = HIP_DROP_INTERNAL;
    if (hash_once(HASH_SHA256, lasting(&rx->pkt), v.hash) != ERR_OK)
        goto out;
    drop = HIP_DROP_DUPLICATE;
    if (repeat_i2(rx, v.hash))
        goto out;
    drop = verify_i2(rx, &v);
    if (drop == HIP_TAKEN)
        drop = commit_i2(rx, &v);
out:
    hip_hi_done(&v.hi);
    hip_keyset_done(&v.keys);
    sec_wipe(v.plain, sizeof v.plain);
    return drop;
}

int hip_i2_crossing(struct hip_rx *rx)
{
    return hit_cmp(&rx->id->hi.hit, &rx->pkt.sender) > 0 ? hip_i2_receive(rx) : HIP_DROP_LOST_RACE;
}

/* ESTABLISHED. An Initiator with the lesser HIT that has just got its R2 may still meet the I2 by which the peer lost the crossing
 * exchange: taking it would leave the two with different keys. A peer that really lost its state sends its I2 again. */
int hip_i2_established(struct hip_rx *rx)
{
    const struct hip_assoc *a = rx->a;
    if (a->initiator && rx->now - a->since_us < 2 * (uint64_t)rx->e->cfg.rtx_first_us &&
        hit_cmp(&rx->id->hi.hit, &rx->pkt.sender) < 0)
        return HIP_DROP_LOST_RACE;
    return hip_i2_receive(rx);
}

/* ---- R2 ---- */

static err build_r2(struct hip_engine *e, struct hip_assoc *a, const struct hip_contents *c, uint8_t *buf,
                    struct span *out)
{
    const struct hip_keys *k = &a->keys.secrets->hip;
    struct hip_build b;
    uint8_t plain[HIP_PACKET_MAX];
    struct span inner = c->inner;
    if (a->ice) {
        hip_build_inner(&b, plain, sizeof plain);
        hip_ice_put(&b, a, a->ice->local, a->ice->n_local);
        if (inner.n)
            hip_build_tlvs(&b, inner);
        err r = hip_build_inner_finish(&b, &inner);
        if (r != ERR_OK)
            return r;
    }
    hip_build_init(&b, buf, HIP_PACKET_MAX, HIP_PKT_R2, hip_assoc_local(a), &a->peer,
                   hip_hi_controls(&a->id->hi));
    /* RFC 7402 s5.1.1 MUST */
    hip_put_esp_info(&b, &(struct hip_esp_info){ .keymat_index = a->keys.esp_index, .new_spi = a->spi_in });
    hip_move_put(&b, a);
    if (inner.n)
        hip_encrypted_add(&b, a->cipher, hip_key_enc(&k->out), hip_env(e), inner);
    sec_wipe(plain, sizeof plain);
    hip_reg_put(&b, c);
    hip_reg_put_relay(&b, c, HIP_PKT_R2);
    hip_mac2_add(&b, a->rhash, hip_key_mac(&k->out), span_of(a->id->tlv, a->id->tlv_len));
    hip_sign_add(&b, HIP_PAR_HIP_SIGNATURE, &a->id->hi);
    return hip_build_finish(&b, &a->path.local, &a->path.peer, out);
}

static void refuse(struct hip_engine *e, struct hip_assoc *a, uint16_t notify, uint64_t now,
                   struct hip_actions *out)
{
    if (notify && hip_notify_send(e, a, notify, span_of(NULL, 0), out) != ERR_OK)
        e->counters[HIP_DROP_INTERNAL]++;
    hip_assoc_end(e, a, HIP_GONE_REFUSED, false, now, out);
}

err hip_responder_answer(struct hip_engine *e, struct hip_assoc *a, const struct hip_answer *w, uint64_t now,
                         struct hip_actions *out)
{
    uint8_t buf[HIP_PACKET_MAX];
    struct span r2;
    if (!w->accept) {
        refuse(e, a, w->notify, now, out);
        return ERR_OK;
    }
    err r = a->ice ? hip_ice_set(a, w->cand, w->n_cand, now) : ERR_OK;
    if (r == ERR_OK)
        r = hip_move_own(a, w->locator, w->n_locators, &a->path.peer);
    if (r == ERR_OK)
        r = build_r2(e, a, &w->contents, buf, &r2);
    if (r == ERR_OK)
        r = hip_stored_set(&a->last, r2);
    if (r != ERR_OK)
        return r;

    struct hip_assoc *old = hip_assoc_by_pair(e, hip_assoc_local(a), &a->peer);
    if (old)
        hip_assoc_end(e, old, HIP_GONE_REPLACED, false, now, out);
    hip_assoc_leave(e, a);
    a->embryo = false;
    if (hip_assoc_enter(e, a) != ERR_OK) { /* cannot be: the place was just made */
        hip_assoc_free(e, a);
        return ERR_FULL;
    }
    hip_assoc_set_state(e, a, HIP_R2_SENT, now);
    hip_assoc_timer(e, a, HIP_TIMER_ASK, HEAP_NEVER);
    hip_assoc_timer(e, a, HIP_TIMER_EC, now + hip_retry_total(e));
    hip_mobility_start(e, a, now);
    hip_assoc_touch(e, a, now);
    hip_act_send(e, out, a, &a->path, hip_echo_append(buf, r2, &a->box_echo));
    hip_echo_keep(&a->box_echo, NULL);
    hip_nat_sent(e, a, now);
    hip_act_sas(e, out, a);
    hip_ice_start(e, a, now, out);
    return ERR_OK;
}

void hip_responder_alive(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    if (a->state != HIP_R2_SENT)
        return;
    hip_assoc_timer(e, a, HIP_TIMER_EC, HEAP_NEVER);
    hip_assoc_set_state(e, a, HIP_ESTABLISHED, now);
    struct hip_action *v = hip_act(e, out, HIP_ACT_ESTABLISHED, a);
    if (!v)
        return;
    v->up.initiator = false;
    v->up.path = a->path;
}
