/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/engine.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto/secret.h"
#include "hip/close.h"
#include "hip/complain.h"
#include "hip/core.h"
#include "hip/fsm.h"
#include "hip/ice.h"
#include "hip/icmp.h"
#include "hip/initiator.h"
#include "hip/mobility.h"
#include "hip/nat.h"
#include "hip/param_nat.h"
#include "hip/probe.h"
#include "hip/relay.h"
#include "hip/responder.h"
#include "hip/suite.h"
#include "hip/update.h"

/* ---- making ---- */

static void fill_defaults(struct hip_config *c)
{
    if (c->rtx_first_us == 0)
        c->rtx_first_us = 1000000;
    if (c->rtx_tries == 0)
        c->rtx_tries = 5;
    if (c->rsa_bits_min == 0)
        c->rsa_bits_min = 2048;
    if (c->ual_us == 0)
        c->ual_us = UINT64_C(900000000);
    if (c->ack_delay_us == 0)
        c->ack_delay_us = 100000;
    if (c->r1_life_us == 0)
        c->r1_life_us = UINT64_C(120000000);
    if (c->puzzle_k_max == 0)
        c->puzzle_k_max = 26;
    if (c->relay_server) { /* RFC 9028 s4.3: it stands in the open */
        memset(c->nat_modes, 0, sizeof c->nat_modes);
        c->nat_modes[0] = HIP_NAT_UDP_ENCAPSULATION;
    }
    if (c->pacing_ms == 0)
        c->pacing_ms = HIP_PACING_DEFAULT_MS;
    if (c->pacing_ms < HIP_PACING_MIN_MS)
        c->pacing_ms = HIP_PACING_MIN_MS;
    if (c->keepalive_us < HIP_KEEPALIVE_MIN_US)
        c->keepalive_us = HIP_KEEPALIVE_MIN_US;
    if (c->udp_after_us == 0)
        c->udp_after_us = 100000;
}

static void allow_hit_suite(struct hip_engine *e, uint8_t id)
{
    const struct hip_hit_suite *s = hip_hit_suite(id);
    uint8_t *list = e->cfg.hit_suites;
    if (s && s->supported && e->n_suites < sizeof e->cfg.hit_suites && !hip_has8(list, e->n_suites, id))
        list[e->n_suites++] = id;
}

bool hip_hit_allowed(const struct hip_engine *e, const struct hit *h)
{
    return hip_has8(e->cfg.hit_suites, e->n_suites, hit_suite(h));
}

/* Only what is implemented stays in the lists. */
static bool filter_suites(struct hip_engine *e)
{
    struct hip_config *c = &e->cfg, raw = *c;
    memset(c->dh_groups, 0, sizeof c->dh_groups);
    memset(c->ciphers, 0, sizeof c->ciphers);
    memset(c->esp_suites, 0, sizeof c->esp_suites);
    for (size_t i = 0; i < sizeof raw.dh_groups && raw.dh_groups[i]; i++) {
        const struct hip_dh_suite *s = hip_dh_suite(raw.dh_groups[i]);
        if (s && s->supported)
            c->dh_groups[e->n_groups++] = s->id;
    }
    for (size_t i = 0; i < 6 && raw.ciphers[i]; i++) {
        const struct hip_cipher_suite *s = hip_cipher_suite(raw.ciphers[i]);
        if (s && s->supported && (s->id != HIP_CIPHER_NULL || c->null_encrypt)) /* RFC 7401 s5.2.8 MUST NOT */
            c->ciphers[e->n_ciphers++] = s->id;
    }
    for (size_t i = 0; i < 6 && raw.esp_suites[i]; i++) {
        const struct hip_esp_suite *s = hip_esp_suite(raw.esp_suites[i]);
        if (s && s->supported && (!s->auth_only || c->n_auth_only))
            c->esp_suites[e->n_esp++] = s->id;
    }
    return e->n_groups && e->n_ciphers && e->n_esp;
}

/* ECDSA_LOW only when somebody asked for it. */
static void fill_hit_suites(struct hip_engine *e)
{
    static const uint8_t usual[] = { 1, 2, 5 };
    uint8_t raw[sizeof e->cfg.hit_suites];
    memcpy(raw, e->cfg.hit_suites, sizeof raw);
    memset(e->cfg.hit_suites, 0, sizeof raw);
    for (size_t i = 0; i < sizeof raw && raw[i]; i++)
        allow_hit_suite(e, raw[i]);
    for (size_t i = 0; !raw[0] && i < sizeof usual; i++)
        allow_hit_suite(e, usual[i]);
}

bool hip_esp_allowed(const struct hip_engine *e, uint16_t suite, const struct hit *peer)
{
    const struct hip_esp_suite *s = hip_esp_suite(suite);
    if (!s || !s->supported || !hip_has16(e->cfg.esp_suites, e->n_esp, suite))
        return false;
    for (size_t i = 0; s->auth_only && i < e->cfg.n_auth_only; i++)
        if (hit_is_null(&e->cfg.auth_only[i]) || hit_eq(&e->cfg.auth_only[i], peer))
            return true;
    return !s->auth_only;
}

uint64_t hip_ual(const struct hip_engine *e, const struct hit *peer)
{
    for (size_t i = 0; i < e->cfg.n_idle; i++)
        if (hit_eq(&e->cfg.idle[i].peer, peer))
            return e->cfg.idle[i].us;
    return e->cfg.ual_us;
}

static struct htab *table(struct hip_engine *e, size_t n, size_t key_len)
{
    uint8_t seed[16];
    env_random(e->cfg.env, seed, sizeof seed);
    return htab_new(n, key_len, seed);
}

static bool make_tables(struct hip_engine *e)
{
    size_t n = e->cfg.assoc_max;
    uint8_t seed[16];
    e->slots = calloc(n, sizeof *e->slots);
    e->free_slots = calloc(n, sizeof *e->free_slots);
    e->pairs = table(e, n, 32);
    e->embryos = table(e, n, 32);
    e->spis = table(e, 2 * n, 4); /* two while a rekey is under way */
    if (!e->slots || !e->free_slots || !e->pairs || !e->embryos || !e->spis ||
        heap_init(&e->heap, n) != ERR_OK)
        return false;
    for (size_t i = 0; i < n; i++)
        e->free_slots[e->n_free++] = (uint32_t)(n - 1 - i);
    if (e->cfg.r1_per_source_milli) {
        struct bucket_rate r = { .per_second_milli = e->cfg.r1_per_source_milli };
        r.burst = r.per_second_milli / 500 + 4; /* two seconds' worth */
        env_random(e->cfg.env, seed, sizeof seed);
        e->r1_limit = limiter_new(4096, r, seed);
        return e->r1_limit != NULL;
    }
    return true;
}

struct hip_engine *hip_engine_new(const struct hip_config *c)
{
    struct hip_engine *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->cfg = *c;
    bool di = hip_domain_id_ok(&c->di);
    if (di && c->di.v.n)
        memcpy(e->di, c->di.v.p, c->di.v.n);
    e->cfg.di.v = span_of(e->di, di ? c->di.v.n : 0);
    fill_defaults(&e->cfg);
    hip_complain_init(e);
    hip_icmp_init(e);
    fill_hit_suites(e);
    if (!di || c->assoc_max == 0 || !filter_suites(e) || !make_tables(e)) {
        hip_engine_free(e);
        return NULL;
    }
    return e;
}

static void identity_free(struct hip_identity *id)
{
    hip_r1pool_free(id->pool);
    hip_hi_done(&id->hi);
    free(id);
}

void hip_engine_free(struct hip_engine *e)
{
    if (!e)
        return;
    for (uint32_t i = 0; e->slots && i < e->cfg.assoc_max; i++)
        hip_assoc_free(e, e->slots[i].a);
    for (size_t i = 0; i < e->n_id; i++)
        identity_free(e->id[i]);
    htab_free(e->pairs);
    htab_free(e->embryos);
    htab_free(e->spis);
    heap_done(&e->heap);
    limiter_free(e->r1_limit);
    free(e->slots);
    free(e->free_slots);
    free(e);
}

err hip_peer_hi(const struct hip_engine *e, struct span wire, struct hip_hi *out)
{
    struct hip_hi h;
    err r = hip_hi_from_wire(wire, &h);
    if (r != ERR_OK)
        return r;
    bool weak = h.alg == HIP_HI_RSA   ? hip_hi_rsa_bits(&h) < e->cfg.rsa_bits_min
                : h.alg == HIP_HI_DSA ? e->cfg.refuse_dsa
                                      : false;
    if (weak) { /* RFC 7401 s5.2.9 SHOULD: 112 bits of strength */
        hip_hi_done(&h);
        return ERR_RANGE;
    }
    *out = h;
    return ERR_OK;
}

/* ---- identities ---- */

struct hip_identity *hip_identity_find(const struct hip_engine *e, const struct hit *hit)
{
    for (size_t i = 0; i < e->n_id; i++)
        if (hit_eq(&e->id[i]->hi.hit, hit))
            return e->id[i];
    return NULL;
}

static err make_tlv(const struct hip_engine *e, struct hip_identity *id)
{
    struct hip_build b;
    struct span s;
    hip_build_inner(&b, id->tlv, sizeof id->tlv);
    hip_put_host_id(&b, &(struct hip_host_id){ .hi = span_of(id->hi.wire, id->hi.wire_len),
                                               .di_type = e->cfg.di.type,
                                               .di = e->cfg.di.v });
    err r = hip_build_inner_finish(&b, &s);
    id->tlv_len = (uint16_t)s.n;
    return r;
}

err hip_identity_add(struct hip_engine *e, const struct hip_hi *hi, uint64_t r1_counter, uint64_t now)
{
    if (hip_identity_find(e, &hi->hit))
        return ERR_EXISTS;
    if (e->n_id == HIP_IDENTITIES_MAX)
        return ERR_FULL;
    struct hip_identity *id = calloc(1, sizeof *id);
    if (!id)
        return ERR_MEMORY;
    err r = hip_hi_copy(hi, &id->hi);
    if (r == ERR_OK && !sig_has_private(id->hi.key))
        r = ERR_UNSUPPORTED;
    id->hi.draws = e->cfg.drawn_signatures ? e->cfg.env : NULL;
    if (r == ERR_OK)
        r = make_tlv(e, id);
    if (r == ERR_OK && !(id->pool = hip_r1pool_new(&id->hi, &e->cfg, r1_counter)))
        r = ERR_MEMORY;
    if (r == ERR_OK) {
        e->id[e->n_id++] = id;
        allow_hit_suite(e, hit_suite(&id->hi.hit));
    } else {
        identity_free(id);
    }
    return r;
}

err hip_identity_remove(struct hip_engine *e, const struct hit *hit)
{
    struct hip_identity *id = hip_identity_find(e, hit);
    if (!id)
        return ERR_NOT_FOUND;
    for (uint32_t i = 0; i < e->cfg.assoc_max; i++)
        if (e->slots[i].a && e->slots[i].a->id == id)
            hip_assoc_free(e, e->slots[i].a);
    for (size_t i = 0; i < e->n_id; i++)
        if (e->id[i] == id)
            e->id[i] = e->id[--e->n_id];
    identity_free(id);
    return ERR_OK;
}

uint64_t hip_identity_r1_counter(const struct hip_engine *e, const struct hit *hit)
{
    const struct hip_identity *id = hip_identity_find(e, hit);
    return id ? hip_r1pool_counter(id->pool) : 0;
}

/* RFC 7401 s6.7 step 5: of the Initiator's suite, else of the REQUIRED one, else whichever we have. */
static struct hip_identity *choose_identity(const struct hip_engine *e, const struct hit *peer)
{
    const uint8_t suites[] = { hit_suite(peer), 1 };
    for (size_t s = 0; s < sizeof suites; s++)
        for (size_t i = 0; i < e->n_id; i++)
            if (hit_suite(&e->id[i]->hi.hit) == suites[s])
                return e->id[i];
    return e->n_id ? e->id[0] : NULL;
}

/* ---- a packet ---- */

/* RFC 9028 s4.5: what began in UDP goes on in UDP. */
static bool wrong_way(const struct hip_rx *rx)
{
    const struct hip_assoc *a = rx->a;
    switch (rx->pkt.type) {
    case HIP_PKT_R2:
    case HIP_PKT_UPDATE:
    case HIP_PKT_NOTIFY:
    case HIP_PKT_CLOSE:
    case HIP_PKT_CLOSE_ACK:
        return a && a->nat_mode && !hip_path_is_udp(rx->path);
    default:
        return false;
    }
}

static int address(struct hip_rx *rx)
{
    const struct hip_engine *e = rx->e;
    const struct hip_pkt *k = &rx->pkt;
    if (!hip_checksum_ok(k, &rx->path->peer, &rx->path->local))
        return HIP_DROP_BAD_CHECKSUM; /* RFC 7401 s5.4.2 MUST: without a word */
    if (hip_identity_find(e, &k->sender))
        return HIP_DROP_OWN_HIT;
    /* RFC 7401 s4.1.8, s6.9 step 2 MUST: a suite that we speak. An I1 gets its R1 all the same, whose HIT_SUITE_LIST says which those are. */
    if (k->type != HIP_PKT_I1 && !hip_hit_allowed(e, &k->sender))
        return HIP_DROP_UNSUPPORTED_SUITE;
    if (!hit_is_null(&k->receiver))
        rx->id = hip_identity_find(e, &k->receiver);
    else if (k->type == HIP_PKT_I1)
        rx->id = choose_identity(e, &k->sender);
    if (!rx->id) /* RFC 7401 s6.7 step 1, s6.8 step 3, s6.9 step 1 MUST */
        return HIP_DROP_NOT_OUR_HIT;
    int drop = hip_relay_origin(rx, &rx->relayed);
    if (drop != HIP_TAKEN)
        return drop;
    rx->a = hip_assoc_by_pair(e, &rx->id->hi.hit, &k->sender);
    if (k->type == HIP_PKT_R1 && (!rx->a || (rx->a->state != HIP_I1_SENT && rx->a->state != HIP_I2_SENT))) {
        static const struct hit null;
        struct hip_assoc *o = hip_assoc_by_pair(e, &rx->id->hi.hit, &null);
        if (o && hip_initiator_asked(o, &rx->path->peer))
            rx->a = o;
    }
    return wrong_way(rx) ? HIP_DROP_BAD_NAT_MODE : HIP_TAKEN;
}

int hip_input(struct hip_engine *e, const struct hip_path *path, struct span octets, uint64_t now,
              struct hip_actions *out)
{
    struct hip_rx rx = { .e = e, .path = path, .now = now, .out = out };
    int drop = hip_act_room(out) ? HIP_TAKEN : HIP_DROP_ACTIONS_FULL;
    if (drop == HIP_TAKEN)
        drop = hip_pkt_parse(octets, &rx.pkt);
    if (drop == HIP_TAKEN)
        drop = address(&rx);
    if (drop == HIP_TAKEN)
        drop = hip_fsm_handler(&rx)(&rx);
    if (drop != HIP_TAKEN) {
        hip_complain(&rx, drop);
        hip_icmp_about(&rx, drop, octets);
        e->counters[drop]++;
        log_at(&hip_env(e)->log, LOG_LV_DEBUG, "hip", "packet=%s drop=%s", hip_packet_name(rx.pkt.type),
               hip_drop_name(drop));
    }
    return drop;
}

/* ---- time ---- */

static void retry(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    if (a->state == HIP_CLOSING)
        hip_close_retry(e, a, now, out);
    else if (a->state == HIP_I1_SENT || a->state == HIP_I2_SENT)
        hip_initiator_retry(e, a, now, out);
}

static void expire(struct hip_engine *e, struct hip_assoc *a, enum hip_timer which, uint64_t now,
                   struct hip_actions *out)
{
    switch (which) {
    case HIP_TIMER_SOLVE:
        hip_initiator_solve(e, a, now, out);
        break;
    case HIP_TIMER_RETRY:
        retry(e, a, now, out);
        break;
    case HIP_TIMER_ASK:
        hip_assoc_end(e, a, HIP_GONE_FAILED, false, now, out);
        break;
    case HIP_TIMER_EC:
        hip_responder_alive(e, a, now, out);
        break;
    case HIP_TIMER_UPDATE:
        hip_update_timeout(e, a, now, out);
        break;
    case HIP_TIMER_ACK:
        hip_update_flush(e, a, now, out);
        break;
    case HIP_TIMER_IDLE:
        hip_close_begin(e, a, now, out);
        break;
    case HIP_TIMER_LOCATOR:
        hip_mobility_expire(e, a, now, out);
        break;
    case HIP_TIMER_VERIFY:
        hip_mobility_next(e, a, now, out);
        break;
    case HIP_TIMER_LINGER:
        hip_assoc_end(e, a, HIP_GONE_CLOSED, false, now, out);
        break;
    case HIP_TIMER_UDP:
        hip_initiator_udp(e, a, now, out);
        break;
    case HIP_TIMER_KEEPALIVE:
        hip_nat_keepalive(e, a, now, out);
        break;
    case HIP_TIMER_CHECK:
        hip_ice_timeout(e, a, now, out);
        break;
    case HIP_TIMER_PROBE:
        hip_probe_timeout(e, a, now, out);
        break;
    case HIP_TIMER__COUNT:
        break;
    }
}

void hip_timeout(struct hip_engine *e, uint64_t now, struct hip_actions *out)
{
    struct heap_node *n;
    bool sliced = false;
    while ((n = heap_min(&e->heap)) && n->at_us <= now && hip_act_room(out)) {
        struct hip_timers *t = (struct hip_timers *)((char *)n - offsetof(struct hip_timers, node));
        struct hip_assoc *a = (struct hip_assoc *)((char *)t - offsetof(struct hip_assoc, timers));
        enum hip_timer which = hip_timer_take(&e->heap, t, now);
        if (which == HIP_TIMER_SOLVE && sliced) { /* one slice a call; the next one is due at once */
            hip_assoc_timer(e, a, HIP_TIMER_SOLVE, now);
            break;
        }
        sliced |= which == HIP_TIMER_SOLVE;
        expire(e, a, which, now, out);
    }
}

uint64_t hip_deadline(const struct hip_engine *e)
{
    return heap_deadline(&e->heap);
}

/* ---- the owner ---- */

err hip_answer(struct hip_engine *e, struct hip_ref ref, const struct hip_answer *w, uint64_t now,
               struct hip_actions *out)
{
    struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    if (!a)
        return ERR_NOT_FOUND;
    if (!hip_act_room(out))
        return ERR_SPACE;
    if (a->embryo)
        return w->contents.inner.n > HIP_INNER_MAX ? ERR_SPACE : hip_responder_answer(e, a, w, now, out);
    return hip_initiator_answer(e, a, w, now, out);
}

err hip_drop(struct hip_engine *e, struct hip_ref ref, uint64_t now, struct hip_actions *out)
{
    struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    if (!a)
        return ERR_NOT_FOUND;
    hip_assoc_end(e, a, HIP_GONE_REMOVED, false, now, out);
    return ERR_OK;
}

err hip_keep(struct hip_engine *e, struct hip_ref ref, uint64_t until_us, uint64_t now)
{
    struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    if (!a)
        return ERR_NOT_FOUND;
    a->keep_until_us = until_us;
    if (a->state == HIP_R2_SENT || a->state == HIP_ESTABLISHED)
        hip_assoc_touch(e, a, now);
    return ERR_OK;
}

void hip_sa_used(struct hip_engine *e, struct hip_ref ref, uint64_t now, struct hip_actions *out)
{
    struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    if (!a || (a->state != HIP_R2_SENT && a->state != HIP_ESTABLISHED))
        return;
    hip_responder_alive(e, a, now, out);
    hip_assoc_touch(e, a, now);
}

/* ---- looking at it ---- */

static void view(const struct hip_assoc *a, struct hip_assoc_view *out)
{
    *out = (struct hip_assoc_view){
        .ref = hip_assoc_ref(a),
        .state = a->state,
        .gone = a->gone,
        .local = *hip_assoc_local(a),
        .peer = a->peer,
        .path = a->path,
        .initiator = a->initiator,
        .anonymous = a->peer_hi.anonymous,
        .since_us = a->since_us,
        .dh_group = a->dh_group,
        .cipher = a->cipher,
        .esp_suite = a->esp_suite,
        .spi_in = a->spi_in,
        .spi_out = a->spi_out,
        .nat_mode = a->nat_mode,
        .checks = a->ice ? a->ice->what : HIP_CHECKS_NONE,
        .controlling = a->ice && a->ice->list.controlling,
        .esp = *hip_ice_esp(a),
        .home = a->ice && a->ice->formed ? a->ice->home : a->path,
        .peer_hi = span_of(a->peer_hi.wire, a->peer_hi.wire_len),
    };
}

err hip_assoc_get(const struct hip_engine *e, struct hip_ref ref, struct hip_assoc_view *out)
{
    const struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    if (!a)
        return ERR_NOT_FOUND;
    view(a, out);
    return ERR_OK;
}

err hip_assoc_find(const struct hip_engine *e, const struct hit *local, const struct hit *peer,
                   struct hip_ref *out)
{
    const struct hip_assoc *a = hip_assoc_by_pair(e, local, peer);
    if (!a || a->gone)
        return ERR_NOT_FOUND;
    *out = hip_assoc_ref(a);
    return ERR_OK;
}

bool hip_assoc_next(const struct hip_engine *e, size_t *pos, struct hip_assoc_view *out)
{
    for (; *pos < e->cfg.assoc_max; ++*pos) {
        const struct hip_assoc *a = e->slots[*pos].a;
        if (!a)
            continue;
        view(a, out);
        ++*pos;
        return true;
    }
    return false;
}

err hip_assoc_export(const struct hip_engine *e, struct hip_ref ref, const uint8_t **out)
{
    const struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    if (!a)
        return ERR_NOT_FOUND;
    if (!a->keys.secrets || !a->has_export)
        return ERR_STATE;
    *out = a->keys.secrets->exported;
    return ERR_OK;
}

void hip_assoc_export_wipe(struct hip_engine *e, struct hip_ref ref)
{
    struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    if (!a || !a->keys.secrets)
        return;
    sec_wipe(a->keys.secrets->exported, sizeof a->keys.secrets->exported);
    a->has_export = false;
}

/* One bit at a half of what there is room for, and one more for each further eighth. */
static uint8_t bits(size_t n, size_t max)
{
    size_t eighths = n * 8 / max;
    return eighths >= 4 ? (uint8_t)(eighths - 3) : 0;
}

void hip_engine_weigh(struct hip_engine *e)
{
    size_t max = e->cfg.assoc_max, open_max = max / 8 < HIP_OPEN_MIN ? HIP_OPEN_MIN : max / 8;
    uint8_t held = bits(max - e->n_free - e->n_gone, max), open = bits(htab_count(e->embryos), open_max);
    uint8_t more = held > open ? held : open;
    if (more < e->grown)
        more = e->grown;
    e->cfg.puzzle_more = more < HIP_PUZZLE_MORE_MAX ? more : HIP_PUZZLE_MORE_MAX;
}

void hip_puzzle_grow(struct hip_engine *e, uint8_t more)
{
    e->grown = more;
    hip_engine_weigh(e);
}

uint64_t hip_counter(const struct hip_engine *e, int counter)
{
    return counter > 0 && counter < HIP_DROP__COUNT ? e->counters[counter] : 0;
}
