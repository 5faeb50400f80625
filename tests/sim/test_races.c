/* SPDX-License-Identifier: Apache-2.0
 *
 * Races, one named test each: who wins, and that both ends agree in the end. "big" has the greater HIT, "low" the lesser.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "hip/auth.h"
#include "tests/sim/sim.h"

static struct sim *two_with(const struct hip_config *c, struct sim_host **big, struct sim_host **low)
{
    struct sim *s = sim_new(sim_seed(21));
    *low = sim_host(s, "low", c, 5, "192.0.2.1"); /* suite 1: below every HIT of suite 2 */
    *big = sim_host(s, "big", c, 1, "198.51.100.1");
    assert_true(sim_greater(*big, *low));
    return s;
}

static struct sim *two(struct sim_host **big, struct sim_host **low)
{
    struct hip_config c = sim_config();
    return two_with(&c, big, low);
}

static struct sim *joined(struct sim_host **big, struct sim_host **low)
{
    struct sim *s = two(big, low);
    (void)sim_connect(s, *low, *big);
    sim_run(s, 500000);
    hip_sa_used((*big)->e, (*big)->ref, s->now, &s->out);
    sim_act(s, *big);
    assert_true(sim_joined(*big, *low));
    sim_ladder_clear(s);
    return s;
}

/* ---- base exchange ---- */

static void both_send_i1(void **state)
{
    struct sim_host *big, *low;
    struct sim *s = two(&big, &low);
    (void)sim_connect(s, big, low);
    (void)sim_connect(s, low, big);
    sim_run(s, 5000000);
    assert_true(sim_ladder_is(s, "big>low I1\nlow>big I1\nbig>low R1\nlow>big I2\nbig>low R2\n"));
    assert_int_equal(low->drop, HIP_DROP_LOST_RACE);
    assert_true(sim_joined(big, low));
    assert_true(low->initiator);
    assert_int_equal(big->gone, 1); /* its own attempt was replaced */
    assert_int_equal(big->why, HIP_GONE_REPLACED);
    assert_int_equal(big->asked_i2, 0);
    sim_free(s);
}

/* low answered big's I1 before it had an I1 of its own; both I2s are under way at once. */
static struct sim *crossing_i2s(struct sim_host **big, struct sim_host **low, uint64_t late_us)
{
    struct sim *s = two(big, low);
    sim_rule(s, *big, HIP_PKT_I2, SIM_DELAY)->delay_us = late_us;
    (void)sim_connect(s, *big, *low);
    sim_run(s, 11000);
    (void)sim_connect(s, *low, *big);
    return s;
}

static void crossing_i2(void **state)
{
    struct sim_host *big, *low;
    struct sim *s = crossing_i2s(&big, &low, 14000);
    sim_run(s, 500000);
    assert_true(sim_ladder_is(s, "big>low I1\nlow>big R1\nlow>big I1\nbig>low I2\nbig>low R1\n"
                                 "low>big I2\nbig>low R2\n"));
    assert_int_equal(low->drop, HIP_DROP_LOST_RACE); /* the lesser goes on as Initiator */
    assert_true(sim_joined(big, low));
    assert_true(low->initiator);
    assert_int_equal(big->asked_r2, 1);
    assert_int_equal(low->asked_r2, 0);
    sim_free(s);
}

/* The I2 that lost arrives when low is ESTABLISHED already: it must not undo what is agreed. */
static void crossing_i2_comes_late(void **state)
{
    struct sim_host *big, *low;
    struct sim *s = crossing_i2s(&big, &low, 200000);
    sim_run(s, 5000000);
    assert_true(sim_joined(big, low));
    assert_int_equal(low->drop, HIP_DROP_LOST_RACE);
    assert_int_equal(low->gone, 0);
    sim_free(s);
}

/* big's I2 finds low still in I1-SENT: low becomes Responder, and big's R1, come too late, is nothing to it. */
static void i2_before_r1(void **state)
{
    struct sim_host *big, *low;
    struct sim *s = two(&big, &low);
    sim_rule(s, big, HIP_PKT_R1, SIM_DELAY)->delay_us = 100000;
    (void)sim_connect(s, big, low);
    sim_run(s, 11000);
    (void)sim_connect(s, low, big);
    sim_run(s, 5000000);
    assert_true(sim_joined(big, low));
    assert_true(big->initiator);
    assert_int_equal(low->drop, HIP_DROP_WRONG_STATE);
    sim_free(s);
}

/* The same, and the owner of low is still asked when that R1 comes. */
static void i2_before_r1_and_owner_asked(void **state)
{
    struct sim_host *big, *low;
    struct sim *s = two(&big, &low);
    low->hold = true;
    sim_rule(s, big, HIP_PKT_R1, SIM_DELAY)->delay_us = 100000;
    (void)sim_connect(s, big, low);
    sim_run(s, 11000);
    (void)sim_connect(s, low, big);
    sim_run(s, 500000);
    assert_int_equal(low->drop, HIP_DROP_LOST_RACE);
    assert_int_equal(low->asked_r2, 1);
    assert_int_equal(low->asked_i2, 0);
    assert_int_equal(hip_answer(low->e, low->asked, &low->r2, s->now, &s->out), ERR_OK);
    sim_act(s, low);
    sim_run(s, 5000000);
    assert_true(sim_joined(big, low));
    assert_true(big->initiator);
    sim_free(s);
}

/* R1s of two generations in the wrong order: the newer counts. */
static void r1_reordered(void **state)
{
    struct hip_config c = sim_config();
    struct sim_host *big, *low;
    c.r1_life_us = 500000;
    struct sim *s = two_with(&c, &big, &low);
    sim_rule(s, big, HIP_PKT_R1, SIM_DELAY)->delay_us = 1500000;
    (void)sim_connect(s, low, big);
    sim_rule(s, low, HIP_PKT_I2, SIM_LOSE)->count = 2; /* still I2-SENT when the old R1 comes */
    sim_run(s, 6000000);
    assert_int_equal(low->drop, HIP_DROP_STALE_R1_COUNTER);
    assert_int_equal(sim_count(s, "low>big I1"), 2);
    assert_true(sim_joined(big, low));
    assert_int_equal(low->asked_i2, 1);
    sim_free(s);
}

/* A newer R1 in I2-SENT restarts the I2; the owner is not asked again. */
static void r1_of_a_newer_generation(void **state)
{
    struct hip_config c = sim_config();
    struct sim_host *big, *low;
    c.r1_life_us = 500000;
    struct sim *s = two_with(&c, &big, &low);
    (void)sim_connect(s, low, big);
    struct sim_packet i1 = *sim_sent(s, HIP_PKT_I1);
    sim_rule(s, low, HIP_PKT_I2, SIM_LOSE);
    sim_run(s, 600000);
    (void)sim_inject(s, big, &i1.path, span_of(i1.p, i1.n)); /* a copy that took its time */
    sim_run(s, 300000);
    assert_true(sim_ladder_is(s, "low>big I1\nbig>low R1\nlow>big I2 (lost)\nbig>low R1\n"
                                 "low>big I2\nbig>low R2\n"));
    assert_true(sim_joined(big, low));
    assert_int_equal(low->asked_i2, 1);
    /* Other keys under the same SPI: the second takes the first one's place. */
    assert_int_equal(low->sa_first, 2);
    assert_int_equal(low->sa_up, 1);
    assert_int_equal(low->sa_down, 0);
    sim_free(s);
}

/* Both I2s of such a restart, the older one last: it is the newer one that low has keys for. */
static void i2_overtaken_by_a_newer_one(void **state)
{
    struct hip_config c = sim_config();
    struct sim_host *big, *low;
    c.r1_life_us = 500000;
    struct sim *s = two_with(&c, &big, &low);
    (void)sim_connect(s, low, big);
    struct sim_packet i1 = *sim_sent(s, HIP_PKT_I1);
    sim_rule(s, low, HIP_PKT_I2, SIM_DELAY)->delay_us = 900000;
    sim_run(s, 600000);
    (void)sim_inject(s, big, &i1.path, span_of(i1.p, i1.n));
    sim_run(s, 3000000);
    assert_true(sim_joined(big, low));
    assert_int_equal(big->drop, HIP_DROP_STALE_R1_COUNTER);
    assert_int_equal(big->asked_r2, 1);
    sim_free(s);
}

/* An R1 with another offer than the one the owner decided on. */
static void r1_with_another_offer(void **state)
{
    struct hip_config c = sim_config();
    struct sim *s = sim_new(sim_seed(22));
    struct sim_host *low = sim_host(s, "low", &c, 0, "192.0.2.1");
    struct sim_host *big = sim_host(s, "big", &c, 1, "198.51.100.1");
    low->hold = true;
    (void)sim_connect(s, low, big);
    struct sim_packet i1 = *sim_sent(s, HIP_PKT_I1);
    sim_run(s, 50000);
    assert_int_equal(low->asked_i2, 1);
    /* big comes up again with another configuration, its counter carried on. */
    uint64_t counter = hip_identity_r1_counter(big->e, sim_hit(big));
    hip_engine_free(big->e);
    c.offer = (struct hip_reg_offer){ .min = 91, .max = 150, .n = 1, .type = { 1 } };
    c.env = &s->env;
    big->e = hip_engine_new(&c);
    assert_int_equal(hip_identity_add(big->e, &big->hi, counter, s->now), ERR_OK);
    (void)sim_inject(s, big, &i1.path, span_of(i1.p, i1.n));
    sim_run(s, 50000);
    assert_int_equal(low->drop, HIP_DROP_REFUSED);
    assert_int_equal(low->asked_i2, 1);
    sim_free(s);
}

static void duplicate_i2_while_the_owner_is_asked(void **state)
{
    struct sim_host *big, *low;
    struct sim *s = two(&big, &low);
    big->hold = true;
    sim_rule(s, low, HIP_PKT_I2, SIM_TWICE);
    (void)sim_connect(s, low, big);
    sim_run(s, 100000);
    assert_int_equal(big->asked_r2, 1);
    assert_int_equal(big->drop, HIP_DROP_DUPLICATE);
    assert_int_equal(hip_answer(big->e, big->asked, &big->r2, s->now, &s->out), ERR_OK);
    sim_act(s, big);
    sim_run(s, 100000);
    assert_true(sim_joined(big, low));
    sim_free(s);
}

/* low gives up and starts again while big's owner is asked about the first attempt. */
static void another_i2_while_the_owner_is_asked(void **state)
{
    struct sim_host *big, *low;
    struct sim *s = two(&big, &low);
    struct hip_assoc_view v;
    big->hold = true;
    struct hip_ref ref = sim_connect(s, low, big);
    sim_run(s, 100000);
    struct hip_ref first = big->asked;
    assert_int_equal(hip_drop(low->e, ref, s->now, &s->out), ERR_OK);
    sim_act(s, low);
    (void)sim_connect(s, low, big);
    sim_run(s, 100000);
    assert_int_equal(big->asked_r2, 2);
    assert_int_equal(hip_answer(big->e, first, &big->r2, s->now, &s->out), ERR_NOT_FOUND);
    assert_int_equal(hip_assoc_get(big->e, first, &v), ERR_NOT_FOUND);
    assert_int_equal(hip_answer(big->e, big->asked, &big->r2, s->now, &s->out), ERR_OK);
    sim_act(s, big);
    sim_run(s, 100000);
    assert_true(sim_joined(big, low));
    sim_free(s);
}

static void replayed_i2(void **state)
{
    struct sim_host *big, *low;
    struct sim *s = joined(&big, &low);
    struct sim_packet i2 = *sim_sent(s, HIP_PKT_I2);
    /* While the association lives: the stored R2. */
    assert_int_equal(sim_inject(s, big, &i2.path, span_of(i2.p, i2.n)), HIP_DROP_DUPLICATE);
    assert_true(sim_joined(big, low));
    sim_run(s, 100000);
    /* In CLOSED, and after it: the solution is used up. */
    assert_int_equal(hip_close(low->e, low->ref, s->now, &s->out), ERR_OK);
    sim_act(s, low);
    sim_run(s, 100000);
    assert_int_equal(sim_inject(s, big, &i2.path, span_of(i2.p, i2.n)), HIP_DROP_PUZZLE_REUSED);
    sim_run(s, UINT64_C(1300000000));
    assert_int_equal(sim_inject(s, big, &i2.path, span_of(i2.p, i2.n)), HIP_DROP_PUZZLE_REUSED);
    assert_int_equal(big->asked_r2, 1);
    /* From another address #I is not theirs. */
    struct hip_path other = i2.path;
    other.peer.ip[3] = 99;
    hip_set_checksum(i2.p, i2.n, &other.peer, &other.local);
    assert_int_equal(sim_inject(s, big, &other, span_of(i2.p, i2.n)), HIP_DROP_BAD_PUZZLE);
    sim_free(s);
}

/* An I2 that answers an R1 of long ago. */
static void stale_r1_counter(void **state)
{
    struct hip_config c = sim_config();
    struct sim_host *big, *low;
    c.r1_life_us = 100000;
    struct sim *s = two_with(&c, &big, &low);
    low->hold = true;
    (void)sim_connect(s, low, big);
    struct sim_packet i1 = *sim_sent(s, HIP_PKT_I1);
    for (int i = 0; i < 6; i++) { /* five generations are kept */
        sim_run(s, 200000);
        struct hip_path path = i1.path;
        path.peer.ip[3] = (uint8_t)(50 + i); /* R1s to others */
        hip_set_checksum(i1.p, i1.n, &path.peer, &path.local);
        (void)sim_inject(s, big, &path, span_of(i1.p, i1.n));
    }
    assert_int_equal(hip_answer(low->e, low->asked, &low->i2, s->now, &s->out), ERR_OK);
    sim_act(s, low);
    sim_run(s, 100000);
    assert_int_equal(big->drop, HIP_DROP_STALE_R1_COUNTER);
    assert_int_equal(big->asked_r2, 0);
    sim_free(s);
}

/* ---- UPDATE, moves, CLOSE ---- */

static void update_collision(void **state)
{
    struct sim_host *big, *low;
    struct sim *s = joined(&big, &low);
    struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };
    big->done = low->done = true;
    assert_int_equal(hip_update(big->e, big->ref, &q, s->now, &s->out), ERR_OK);
    sim_act(s, big);
    assert_int_equal(hip_update(low->e, low->ref, &q, s->now, &s->out), ERR_OK);
    sim_act(s, low);
    sim_run(s, 3000000);
    assert_true(sim_ladder_is(s, "big>low UPDATE\nlow>big UPDATE\nlow>big UPDATE\nbig>low UPDATE\n"));
    assert_int_equal(big->updates, 1);
    assert_int_equal(low->updates, 1);
    assert_int_equal(big->acked, 1);
    assert_int_equal(low->acked, 1);
    sim_free(s);
}

/* The answer to one UPDATE crosses another one: each id is acknowledged, each taken once. */
static void update_answer_crosses_update(void **state)
{
    struct sim_host *big, *low;
    struct sim *s = joined(&big, &low);
    struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };
    struct hip_answer w = { .contents.response = q.request };
    big->reply = &w;
    low->done = true;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(hip_update(low->e, low->ref, &q, s->now, &s->out), ERR_OK);
        sim_act(s, low);
        sim_run(s, 7000);
    }
    sim_run(s, 3000000);
    assert_int_equal(big->updates, 3);
    assert_int_equal(low->updates, 3);
    assert_int_equal(low->acked, 3);
    assert_int_equal(big->acked, 3);
    assert_int_equal(hip_counter(big->e, HIP_DROP_DUPLICATE) + hip_counter(low->e, HIP_DROP_DUPLICATE), 0);
    sim_free(s);
}

static void move_during_an_update(void **state)
{
    struct sim_host *big, *low;
    struct sim *s = joined(&big, &low);
    struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };
    struct hip_answer w = { .contents.response = q.request };
    big->reply = &w;
    low->done = true;
    assert_int_equal(hip_update(low->e, low->ref, &q, s->now, &s->out), ERR_OK);
    sim_act(s, low);
    sim_run(s, 15000); /* big's answer is on its way to the address that goes now */
    sim_addr_gone(low, "192.0.2.1");
    struct addr to = sim_addr(low, "192.0.2.77");
    struct hip_path path = { .local = to, .peer = big->addr[0] };
    assert_int_equal(hip_move(low->e, low->ref, &path, &to, 1, s->now, &s->out), ERR_OK);
    sim_act(s, low);
    sim_run(s, 5000000);
    assert_int_equal(big->moved, 1);
    assert_int_equal(big->updates, 1);
    assert_int_equal(low->updates, 1); /* the answer came to the new address */
    assert_int_equal(big->acked, 1);
    assert_int_equal(low->acked, 1);
    assert_int_equal(big->gone + low->gone, 0);
    sim_free(s);
}

static void close_crossing(void **state)
{
    struct sim_host *big, *low;
    struct sim *s = joined(&big, &low);
    assert_int_equal(hip_close(big->e, big->ref, s->now, &s->out), ERR_OK);
    sim_act(s, big);
    assert_int_equal(hip_close(low->e, low->ref, s->now, &s->out), ERR_OK);
    sim_act(s, low);
    sim_run(s, 3000000);
    assert_true(sim_ladder_is(s, "big>low CLOSE\nlow>big CLOSE\nlow>big CLOSE_ACK\nbig>low CLOSE_ACK\n"));
    assert_int_equal(big->gone, 1);
    assert_int_equal(low->gone, 1);
    assert_int_equal(big->sa_down, 1);
    sim_run(s, UINT64_C(1300000000));
    assert_int_equal(hip_deadline(big->e), UINT64_MAX);
    sim_free(s);
}

static void update_meets_close(void **state)
{
    struct sim_host *big, *low;
    struct sim *s = joined(&big, &low);
    struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };
    assert_int_equal(hip_update(low->e, low->ref, &q, s->now, &s->out), ERR_OK);
    sim_act(s, low);
    assert_int_equal(hip_close(big->e, big->ref, s->now, &s->out), ERR_OK);
    sim_act(s, big);
    sim_run(s, 3000000);
    assert_int_equal(big->drop, HIP_DROP_WRONG_STATE);
    assert_int_equal(big->gone, 1);
    assert_int_equal(low->gone, 1);
    sim_free(s);
}

/* big restarted and knows nothing; low's packets are strange to it, low's own new exchange mends it. */
static void peer_lost_its_state(void **state)
{
    struct sim_host *big, *low;
    struct sim *s = joined(&big, &low);
    struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };
    assert_int_equal(hip_drop(big->e, big->ref, s->now, &s->out), ERR_OK);
    sim_act(s, big);
    assert_int_equal(hip_update(low->e, low->ref, &q, s->now, &s->out), ERR_OK);
    sim_act(s, low);
    sim_run(s, 100000);
    assert_int_equal(big->drop, HIP_DROP_NO_ASSOCIATION);
    sim_run(s, 3000000);
    (void)sim_connect(s, big, low);
    sim_run(s, 1000000);
    assert_true(sim_joined(big, low));
    assert_int_equal(low->why, HIP_GONE_REPLACED);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_send_i1),
        cmocka_unit_test(crossing_i2),
        cmocka_unit_test(crossing_i2_comes_late),
        cmocka_unit_test(i2_before_r1),
        cmocka_unit_test(i2_before_r1_and_owner_asked),
        cmocka_unit_test(r1_reordered),
        cmocka_unit_test(r1_of_a_newer_generation),
        cmocka_unit_test(i2_overtaken_by_a_newer_one),
        cmocka_unit_test(r1_with_another_offer),
        cmocka_unit_test(duplicate_i2_while_the_owner_is_asked),
        cmocka_unit_test(another_i2_while_the_owner_is_asked),
        cmocka_unit_test(replayed_i2),
        cmocka_unit_test(stale_r1_counter),
        cmocka_unit_test(update_collision),
        cmocka_unit_test(update_answer_crosses_update),
        cmocka_unit_test(move_during_an_update),
        cmocka_unit_test(close_crossing),
        cmocka_unit_test(update_meets_close),
        cmocka_unit_test(peer_lost_its_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
