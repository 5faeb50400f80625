/* SPDX-License-Identifier: Apache-2.0
 *
 * Middleboxes that add ECHO_REQUEST_UNSIGNED to whatever passes (RFC 7401 s5.2.21): each gets its contents back, in the packet that answers, the first time and when
 * the packet is sent again with other contents; nothing else is different.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hip/core.h"
#include "hip/echo.h"
#include "tests/sim/sim.h"

static unsigned passed; /* packets that were written to */

static void write_on(uint8_t *p, size_t *n)
{
    char text[2][32];
    passed++;
    for (unsigned i = 0; i < 2; i++) {
        (void)snprintf(text[i], sizeof text[i], "box %u, %u", i, passed);
        assert_int_equal(hip_packet_insert(p, n, HIP_PACKET_MAX, HIP_PAR_ECHO_REQUEST_UNSIGNED,
                                           span_of(text[i], strlen(text[i]))),
                         ERR_OK);
    }
}

/* The last packet of this type answers the number-th that was written to; 0: it answers none. */
static bool answers(const struct sim *s, uint8_t type, unsigned number)
{
    struct hip_pkt k;
    const struct sim_packet *p = sim_sent(s, type);
    if (!p || hip_pkt_parse(span_of(p->p, p->n), &k) != HIP_TAKEN)
        return false;
    const struct hip_par *r = hip_pkt_get(&k, HIP_PAR_ECHO_RESPONSE_UNSIGNED);
    size_t n = hip_par_count(&k.p, HIP_PAR_ECHO_RESPONSE_UNSIGNED);
    if (number == 0 || n != 2)
        return number == 0 && n == 0;
    for (unsigned i = 0; i < 2; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "box %u, %u", i, number);
        if (!span_eq(r[i].v, span_of(text, strlen(text))))
            return false;
    }
    return true;
}

static struct sim *pair(struct sim_host **mn, struct sim_host **fa)
{
    struct hip_config c = sim_config();
    struct sim *s = sim_new(sim_seed(97));
    *mn = sim_host(s, "mn", &c, 0, "192.0.2.1");
    *fa = sim_host(s, "fa", &c, 1, "198.51.100.1");
    passed = 0;
    return s;
}

static void by(struct sim *s, struct sim_host *from, uint8_t type)
{
    struct sim_rule *r = sim_rule(s, from, type, SIM_CHANGE);
    r->count = 100;
    r->change = write_on;
}

static void in_the_base_exchange(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    by(s, mn, 0);
    by(s, fa, 0);
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    assert_true(sim_joined(mn, fa));
    assert_int_equal(passed, 4);
    assert_true(answers(s, HIP_PKT_R1, 1) && answers(s, HIP_PKT_I2, 2) && answers(s, HIP_PKT_R2, 3));
    sim_free(s);
}

/* The I2 again, with another nonce behind its signature: the same I2, the same R2 but for the answer. */
static void the_i2_again(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    sim_rule(s, fa, HIP_PKT_R2, SIM_LOSE);
    by(s, mn, HIP_PKT_I2);
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    assert_true(answers(s, HIP_PKT_R2, 1));
    sim_run(s, 5000000);
    assert_true(sim_joined(mn, fa));
    assert_true(answers(s, HIP_PKT_R2, 2));
    assert_int_equal(hip_counter(fa->e, HIP_DROP_DUPLICATE), 1);
    assert_int_equal(hip_counter(fa->e, HIP_DROP_PUZZLE_REUSED), 0);
    assert_int_equal(fa->asked_r2, 1);
    sim_free(s);
}

static void in_updates_and_close(void **state)
{
    static const struct hip_contents q = { .request = {
                                               .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    struct hip_answer reply = { .contents = {
                                    .response = { .present = true, .lifetime = 9, .n = 1, .type = { 1 } } } };
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    by(s, mn, HIP_PKT_UPDATE);
    by(s, mn, HIP_PKT_CLOSE);
    /* A bare ACK, after a while. */
    assert_int_equal(hip_update(mn->e, mn->ref, &q, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 500000);
    assert_int_equal(passed, 1);
    assert_true(answers(s, HIP_PKT_UPDATE, 1));
    /* Acknowledged again: what is asked for this time. */
    sim_rule(s, fa, HIP_PKT_UPDATE, SIM_LOSE);
    assert_int_equal(hip_update(mn->e, mn->ref, &q, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 2000000);
    assert_int_equal(passed, 3);
    assert_true(answers(s, HIP_PKT_UPDATE, 3));
    /* With the owner's answer, whose own repetitions owe nobody anything. */
    fa->reply = &reply;
    mn->done = true;
    sim_rule(s, fa, HIP_PKT_UPDATE, SIM_LOSE);
    assert_int_equal(hip_update(mn->e, mn->ref, &q, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 20000);
    assert_true(answers(s, HIP_PKT_UPDATE, 4));
    sim_run(s, 5000000);
    assert_int_equal(mn->updates, 1);
    unsigned before = passed;
    assert_int_equal(hip_close(mn->e, mn->ref, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 500000);
    assert_true(answers(s, HIP_PKT_CLOSE_ACK, before + 1));
    assert_int_equal(mn->gone + fa->gone, 2);
    sim_free(s);
}

/* More than an answer has room for, and longer than anybody needs: what fits. */
static void bounds(void **state)
{
    uint8_t buf[HIP_PACKET_MAX] = { 59, 4, 1, 0x21 }, much[HIP_ECHO_MAX + 1] = { 0 };
    struct hip_params p = { .n = 4 };
    struct hip_stored s = { 0 };
    for (size_t i = 0; i < 4; i++)
        p.par[i] = (struct hip_par){ HIP_PAR_ECHO_REQUEST_UNSIGNED, 0,
                                     span_of(much, i == 0 ? HIP_ECHO_MAX + 1 : HIP_ECHO_MAX - 8) };
    hip_echo_keep(&s, &p);
    assert_int_equal(s.n, 2 * (2 + HIP_ECHO_MAX - 8));
    assert_int_equal(hip_echo_append(buf, span_of(buf, 40), &s).n, 40 + 2 * hip_tlv_len(HIP_ECHO_MAX - 8));
    hip_echo_keep(&s, NULL);
    assert_null(s.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_the_base_exchange),
        cmocka_unit_test(the_i2_again),
        cmocka_unit_test(in_updates_and_close),
        cmocka_unit_test(bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
