/* SPDX-License-Identifier: Apache-2.0
 *
 * I2 (RFC 7401 s5.3.3, s6.8): sent when the puzzle is solved, a slice at a time, and the owner has answered, whichever is
 * later; keys and the inbound SA stand before it leaves.
 */
#include <string.h>

#include "common/crypto/secret.h"
#include "hip/auth.h"
#include "hip/encrypted.h"
#include "hip/ice.h"
#include "hip/initiator.h"
#include "hip/keylog.h"
#include "hip/nat.h"
#include "hip/param_echo.h"
#include "hip/param_esp.h"
#include "hip/reg.h"
#include "hip/suite.h"
#include "hip/update.h"

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
