/* SPDX-License-Identifier: Apache-2.0
 *
 * UPDATE, NOTIFY and CLOSE, rule by rule (RFC 7401 s5.3.5 to s5.3.8, s6.11 to s6.16). Packets spoilt on the way are
 * tests/sim/test_refusals.c, collisions test_races.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "hip/param_echo.h"
#include "hip/param_esp.h"
#include "hip/update.h"
#include "tests/sim/forge.h"

static const struct hip_contents ask = { .request = {
                                             .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };

static struct sim *joined(struct sim_host **mn, struct sim_host **fa)
{
    struct hip_config c = sim_config();
    struct sim *s = sim_new(sim_seed(61));
    *mn = sim_host(s, "mn", &c, 0, "192.0.2.1");
    *fa = sim_host(s, "fa", &c, 1, "198.51.100.1");
    (void)sim_connect(s, *mn, *fa);
    sim_run(s, 500000);
    hip_sa_used((*fa)->e, (*fa)->ref, s->now, &s->out);
    sim_act(s, *fa);
    assert_true(sim_joined(*mn, *fa));
    (*fa)->done = true;
    sim_ladder_clear(s);
    return s;
}

static struct sim_packet own; /* the last UPDATE that update() made */

static void update(struct sim *s, struct sim_host *h)
{
    assert_int_equal(hip_update(h->e, h->ref, &ask, s->now, &s->out), ERR_OK);
    sim_act(s, h);
    own = *sim_sent(s, HIP_PKT_UPDATE);
}

static struct hip_pkt sent(const struct sim *s, uint8_t type)
{
    const struct sim_packet *p = sim_sent(s, type);
    struct hip_pkt k;
    assert_non_null(p);
    assert_int_equal(hip_pkt_parse(span_of(p->p, p->n), &k), HIP_TAKEN);
    return k;
}

static void be32(uint8_t out[4], uint32_t v)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* The last UPDATE, mn's, with this SEQ and ACK (SIM_CUT: without), whatever its own numbers are. */
static int inject(struct sim *s, struct sim_host *mn, struct sim_host *fa, enum sim_how seq, uint32_t id,
                  enum sim_how ack, uint32_t acked)
{
    uint8_t v[4], w[4];
    be32(v, id);
    be32(w, acked);
    const struct sim_edit e[] = { { seq, HIP_PAR_SEQ, span_of(v, 4) }, { ack, HIP_PAR_ACK, span_of(w, 4) } };
    return sim_inject_forged(s, mn, sim_inside(mn, fa), fa, &own, e, 2);
}

/* ---- Update IDs ---- */

static void ids_begin_at_zero(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    uint32_t id;
    for (uint32_t i = 0; i < 3; i++) {
        update(s, mn);
        struct hip_pkt k = sent(s, HIP_PKT_UPDATE);
        assert_int_equal(hip_get_seq(hip_pkt_span(&k, HIP_PAR_SEQ), &id), ERR_OK);
        assert_int_equal(id, i);
        assert_false(hip_pkt_has(&k, HIP_PAR_ACK));
        sim_run(s, 100000);
    }
    /* Each end counts for itself, and each association. */
    update(s, fa);
    struct hip_pkt k = sent(s, HIP_PKT_UPDATE);
    assert_int_equal(hip_get_seq(hip_pkt_span(&k, HIP_PAR_SEQ), &id), ERR_OK);
    assert_int_equal(id, 0);
    sim_free(s);
}

/* 32-bit circular (s5.3.5). */
static void ids_wrap(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    sim_inside(mn, fa)->next_id = UINT32_MAX - 2;
    sim_inside(fa, mn)->newest_in = UINT32_MAX - 3;
    sim_inside(fa, mn)->any_in = true;
    for (unsigned i = 1; i <= 6; i++) {
        update(s, mn);
        sim_run(s, 100000);
        assert_int_equal(fa->updates, i);
        assert_int_equal(mn->acked, i);
    }
    assert_int_equal(fa->update_id, 2);
    /* One from before the wrap again: known. */
    assert_int_equal(inject(s, mn, fa, SIM_SET, UINT32_MAX, SIM_CUT, 0), HIP_DROP_DUPLICATE);
    assert_int_equal(fa->updates, 6);
    sim_free(s);
}

/* Beyond the window, on either side: dropped, not acknowledged (s6.12.1). */
static void ids_outside_the_window(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    update(s, mn);
    sim_run(s, 100000);
    sim_ladder_clear(s);
    assert_int_equal(inject(s, mn, fa, SIM_SET, 1 + HIP_UPDATE_AHEAD, SIM_CUT, 0), HIP_DROP_OUT_OF_WINDOW);
    assert_int_equal(inject(s, mn, fa, SIM_SET, 0x80000000, SIM_CUT, 0), HIP_DROP_OUT_OF_WINDOW);
    assert_true(sim_ladder_is(s, ""));
    assert_int_equal(fa->updates, 1);
    assert_int_equal(inject(s, mn, fa, SIM_SET, HIP_UPDATE_AHEAD, SIM_CUT, 0), HIP_TAKEN);
    assert_int_equal(inject(s, mn, fa, SIM_SET, 0, SIM_CUT, 0), HIP_DROP_OUT_OF_WINDOW);
    assert_int_equal(fa->updates, 2);
    sim_free(s);
}

/* ---- ACKs ---- */

static void only_seq_is_acknowledged(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    update(s, mn);
    sim_run(s, 100000);
    struct hip_pkt k = sent(s, HIP_PKT_UPDATE);
    assert_false(hip_pkt_has(&k, HIP_PAR_SEQ)); /* fa's ACK */
    assert_true(hip_pkt_has(&k, HIP_PAR_ACK));
    sim_run(s, 10000000);
    assert_true(sim_ladder_is(s, "mn>fa UPDATE\nfa>mn UPDATE\n")); /* that is the end of it */
    sim_free(s);
}

/* The second is acknowledged and the first is not: the first goes out again (s5.2.17). */
static void acks_are_not_cumulative(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    sim_rule(s, mn, HIP_PKT_UPDATE, SIM_LOSE)->count = 1;
    update(s, mn);
    update(s, mn);
    sim_run(s, 500000);
    assert_int_equal(mn->acked, 1);
    assert_int_equal(mn->acked_id, 1);
    sim_run(s, 1000000);
    assert_int_equal(mn->acked, 2);
    assert_int_equal(mn->acked_id, 0);
    assert_int_equal(sim_count(s, "mn>fa UPDATE"), 3);
    sim_free(s);
}

/* One ACK for several, and ids of nothing among them. */
static void several_in_one_ack(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    sim_rule(s, mn, HIP_PKT_UPDATE, SIM_LOSE)->count = 2;
    update(s, mn);
    update(s, mn);
    update(s, fa);
    const struct sim_edit e[] = {
        { SIM_SET, HIP_PAR_ACK, span_of("\0\0\0\x01\0\0\0\x07\0\0\0\0", 12) },
        { SIM_CUT, HIP_PAR_SEQ, { 0 } },
        { SIM_CUT, HIP_PAR_REG_REQUEST, { 0 } },
    };
    assert_int_equal(sim_inject_forged(s, fa, sim_inside(fa, mn), mn, &own, e, 3), HIP_TAKEN);
    assert_int_equal(mn->acked, 2);
    sim_free(s);
}

/* With SEQ: the ACK comes first, and when it is of nothing the rest counts all the same; without: dropped (s6.12 steps 1-4). */
static void acks_of_nothing(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    update(s, mn);
    sim_run(s, 100000);
    assert_int_equal(inject(s, mn, fa, SIM_SET, 1, SIM_SET, 4711), HIP_TAKEN);
    assert_int_equal(fa->updates, 2);
    assert_int_equal(fa->acked, 0);
    assert_false(fa->update_acks_ours);
    sim_ladder_clear(s);
    assert_int_equal(inject(s, mn, fa, SIM_CUT, 0, SIM_SET, 4711), HIP_DROP_BAD_ACK);
    assert_int_equal(fa->updates, 2);
    sim_run(s, 1000000);
    assert_true(sim_ladder_is(s, ""));
    sim_free(s);
}

/* ---- retransmission ---- */

/* The wait doubles, and after the last try it is CLOSE (s6.11). */
static void tried_less_and_less(void **state)
{
    static const uint64_t at[] = { 0, 1, 3, 7, 15, 31 }; /* s */
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    sim_rule(s, mn, HIP_PKT_UPDATE, SIM_LOSE)->count = 100;
    update(s, mn);
    uint64_t begun = s->now;
    for (size_t i = 0; i < 6; i++) {
        sim_run(s, begun + at[i] * 1000000 + 1000 - s->now);
        assert_int_equal(sim_count(s, "mn>fa UPDATE"), i + 1);
        assert_int_equal(sim_state(mn, fa), HIP_ESTABLISHED);
        if (i < 5) {
            sim_run(s, begun + at[i + 1] * 1000000 - 1000 - s->now);
            assert_int_equal(sim_count(s, "mn>fa UPDATE"), i + 1);
        }
    }
    sim_run(s, 31998000);
    assert_int_equal(sim_count(s, "mn>fa CLOSE"), 0);
    sim_rule(s, mn, HIP_PKT_CLOSE, SIM_LOSE)->count = 1;
    sim_run(s, 2000);
    assert_int_equal(sim_count(s, "mn>fa CLOSE"), 1);
    assert_int_equal(sim_state(mn, fa), HIP_CLOSING);
    assert_int_equal(mn->sa_down, 1);
    sim_free(s);
}

/* A repeated one is looked at like the first: with a wrong MAC or signature it is not acknowledged (s6.12.1). */
static void repeated_and_spoilt(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    update(s, mn);
    struct sim_packet p = *sim_sent(s, HIP_PKT_UPDATE);
    struct hip_pkt k;
    sim_run(s, 100000);
    sim_ladder_clear(s);
    assert_int_equal(hip_pkt_parse(span_of(p.p, p.n), &k), HIP_TAKEN);
    size_t mac = hip_pkt_get(&k, HIP_PAR_HIP_MAC)->off + 4u,
           sig = hip_pkt_get(&k, HIP_PAR_HIP_SIGNATURE)->off + 20u;
    p.p[mac] ^= 1;
    hip_set_checksum(p.p, p.n, &p.path.peer, &p.path.local);
    assert_int_equal(sim_inject(s, fa, &p.path, span_of(p.p, p.n)), HIP_DROP_BAD_HIP_MAC);
    p.p[mac] ^= 1;
    p.p[sig] ^= 1;
    hip_set_checksum(p.p, p.n, &p.path.peer, &p.path.local);
    assert_int_equal(sim_inject(s, fa, &p.path, span_of(p.p, p.n)), HIP_DROP_BAD_SIGNATURE);
    assert_true(sim_ladder_is(s, ""));
    p.p[sig] ^= 1;
    hip_set_checksum(p.p, p.n, &p.path.peer, &p.path.local);
    assert_int_equal(sim_inject(s, fa, &p.path, span_of(p.p, p.n)), HIP_DROP_DUPLICATE);
    assert_true(sim_ladder_is(s, "fa>mn UPDATE\n"));
    assert_int_equal(fa->updates, 1);
    sim_free(s);
}

/* R2-SENT ends with an UPDATE as it does with data (s6.9 step 21). */
static void first_sign_of_life(void **state)
{
    struct hip_config c = sim_config();
    struct sim *s = sim_new(sim_seed(62));
    struct sim_host *mn = sim_host(s, "mn", &c, 0, "192.0.2.1"),
                    *fa = sim_host(s, "fa", &c, 1, "198.51.100.1");
    fa->done = true;
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    assert_int_equal(sim_state(fa, mn), HIP_R2_SENT);
    update(s, mn);
    sim_run(s, 100000);
    assert_int_equal(sim_state(fa, mn), HIP_ESTABLISHED);
    assert_int_equal(fa->up, 1);
    sim_free(s);
}

/* ---- NOTIFY ---- */

/* Errors and statuses that nobody knows are told and change nothing, nor does any other (s5.2.19, s6.13). */
static void notify_changes_nothing(void **state)
{
    static const uint16_t codes[] = { 999, 16383, 40000, HIP_NTF_BLOCKED_BY_POLICY,
                                      HIP_NTF_AUTHENTICATION_FAILED };
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        assert_int_equal(hip_notify(fa->e, fa->ref, codes[i], span_of("x", 1), s->now, &s->out), ERR_OK);
        sim_act(s, fa);
        sim_run(s, 1000000);
        assert_int_equal(mn->drop, HIP_TAKEN);
        assert_int_equal(sim_state(mn, fa), HIP_ESTABLISHED);
    }
    assert_int_equal(sim_count(s, "mn>fa"), 0); /* never answered */
    assert_true(sim_joined(mn, fa));
    sim_free(s);
}

/* ---- CLOSE ---- */

static void close_as_it_is_sent(void **state)
{
    static const uint16_t kinds[2][3] = {
        { HIP_PAR_ECHO_REQUEST_SIGNED, HIP_PAR_HIP_MAC, HIP_PAR_HIP_SIGNATURE },
        { HIP_PAR_ECHO_RESPONSE_SIGNED, HIP_PAR_HIP_MAC, HIP_PAR_HIP_SIGNATURE },
    };
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    assert_int_equal(hip_close(mn->e, mn->ref, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    assert_int_equal(sim_state(mn, fa), HIP_CLOSING);
    sim_run(s, 15000);
    assert_int_equal(sim_state(fa, mn), HIP_CLOSED);
    struct hip_pkt k = sent(s, HIP_PKT_CLOSE), r = sent(s, HIP_PKT_CLOSE_ACK);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(k.p.par[i].type, kinds[0][i]);
        assert_int_equal(r.p.par[i].type, kinds[1][i]);
    }
    assert_true(k.p.n == 3 && r.p.n == 3);
    assert_true(span_eq(hip_pkt_span(&k, HIP_PAR_ECHO_REQUEST_SIGNED),
                        hip_pkt_span(&r, HIP_PAR_ECHO_RESPONSE_SIGNED)));
    sim_run(s, 15000);
    assert_int_equal(sim_state(mn, fa), HIP_UNASSOCIATED);
    sim_free(s);
}

/* CLOSE and CLOSE_ACK out of their place: nothing is said, nothing changes (s6.14, s6.15). */
static void close_out_of_place(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    assert_int_equal(hip_close(mn->e, mn->ref, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 100000);
    const struct sim_packet close = *sim_sent(s, HIP_PKT_CLOSE), ack = *sim_sent(s, HIP_PKT_CLOSE_ACK);
    /* A new association: what closed the old one means nothing to it. */
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    assert_true(sim_joined(mn, fa));
    sim_ladder_clear(s);
    assert_int_equal(sim_inject(s, mn, &ack.path, span_of(ack.p, ack.n)), HIP_DROP_WRONG_STATE);
    assert_int_equal(sim_inject(s, fa, &close.path, span_of(close.p, close.n)), HIP_DROP_BAD_HIP_MAC);
    assert_true(sim_ladder_is(s, ""));
    assert_true(sim_joined(mn, fa));
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_begin_at_zero),       cmocka_unit_test(ids_wrap),
        cmocka_unit_test(ids_outside_the_window),  cmocka_unit_test(only_seq_is_acknowledged),
        cmocka_unit_test(acks_are_not_cumulative), cmocka_unit_test(several_in_one_ack),
        cmocka_unit_test(acks_of_nothing),         cmocka_unit_test(tried_less_and_less),
        cmocka_unit_test(repeated_and_spoilt),     cmocka_unit_test(first_sign_of_life),
        cmocka_unit_test(notify_changes_nothing),  cmocka_unit_test(close_as_it_is_sent),
        cmocka_unit_test(close_out_of_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
