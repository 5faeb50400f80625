/* SPDX-License-Identifier: Apache-2.0
 *
 * Rekeys (RFC 7402 s6.8-6.10): begun by us, by both, with packets lost, and together with moves (RFC 8046 s5.2-5.3).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "hip/core.h"
#include "hip/update.h"
#include "tests/sim/sim.h"

static struct sim *joined(struct sim_host **mn, struct sim_host **cn)
{
    struct hip_config c = sim_config();
    struct sim *s = sim_new(sim_seed(41));
    *mn = sim_host(s, "mn", &c, 0, "192.0.2.1");
    *cn = sim_host(s, "cn", &c, 1, "198.51.100.1");
    (void)sim_connect(s, *mn, *cn);
    sim_run(s, 500000);
    assert_true(sim_joined(*mn, *cn));
    sim_ladder_clear(s);
    return s;
}

static struct hip_assoc *inside(struct sim_host *h)
{
    return hip_assoc_by_ref(h->e, h->ref);
}

static void rekey(struct sim *s, struct sim_host *h)
{
    assert_int_equal(hip_rekey(h->e, h->ref, s->now, &s->out), ERR_OK);
    sim_act(s, h);
}

static void move(struct sim *s, struct sim_host *mn, const struct sim_host *cn, const struct addr *to)
{
    struct hip_path path = { .local = *to, .peer = cn->addr[0] };
    assert_int_equal(hip_move(mn->e, mn->ref, &path, to, 1, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
}

static bool fresh(const struct sim_host *h, const struct sim_host *before)
{
    return h->spi_in != before->spi_in && h->spi_out != before->spi_out &&
           memcmp(h->key_in, before->key_in, h->key_in_n) != 0 &&
           memcmp(h->key_out, before->key_out, h->key_out_n) != 0;
}

static void one_of_ours(void **state)
{
    struct sim_host *mn, *cn, was;
    struct sim *s = joined(&mn, &cn);
    was = *mn;
    rekey(s, mn);
    sim_run(s, 15000);
    assert_int_equal(cn->sa_in, 1); /* what mn sends as soon as it has the answer is understood */
    assert_int_equal(cn->sa_up, 1);
    sim_run(s, 10000);
    assert_int_equal(mn->sa_up, 2);
    assert_int_equal(mn->spi_out, cn->spi_in_next);
    sim_run(s, 500000);
    assert_true(sim_ladder_is(s, "mn>cn UPDATE\ncn>mn UPDATE\nmn>cn UPDATE\n"));
    assert_int_equal(cn->sa_up, 2);
    assert_true(sim_joined(mn, cn) && fresh(mn, &was));
    sim_free(s);
}

static void both_at_once(void **state)
{
    struct sim_host *mn, *cn, was;
    struct sim *s = joined(&mn, &cn);
    was = *mn;
    rekey(s, mn);
    rekey(s, cn);
    sim_run(s, 500000);
    assert_true(sim_ladder_is(s, "mn>cn UPDATE\ncn>mn UPDATE\ncn>mn UPDATE\nmn>cn UPDATE\n"));
    assert_int_equal(mn->sa_up, 2); /* one, not two */
    assert_int_equal(cn->sa_up, 2);
    assert_true(sim_joined(mn, cn) && fresh(mn, &was));
    sim_free(s);
}

/* The halves of a crossing rekey may name different indexes: the greater one counts (s6.10). */
static void the_greater_index(void **state)
{
    struct sim_host *mn, *cn;
    struct sim *s = joined(&mn, &cn);
    struct hip_assoc *a;
    sim_rule(s, mn, HIP_PKT_UPDATE, SIM_LOSE);
    rekey(s, mn);
    a = inside(mn);
    uint16_t low = a->rekey_index;
    a = inside(cn);
    struct hip_esp_info own = { .keymat_index = (uint16_t)(low + 16), .old_spi = cn->spi_in };
    assert_int_equal(hip_assoc_new_spi(cn->e, a, &own.new_spi), ERR_OK);
    assert_int_equal(hip_update_send(cn->e, a,
                                     &(struct hip_update_parts){ .kind = HIP_UPD_REKEY, .esp = &own }, s->now,
                                     &s->out, NULL),
                     ERR_OK);
    a->rekeying = true;
    a->spi_in_next = own.new_spi;
    a->rekey_index = own.keymat_index;
    sim_act(s, cn);
    sim_run(s, 5000000);
    assert_int_equal(mn->sa_up, 2);
    assert_true(sim_joined(mn, cn));
    sim_free(s);
}

static void packets_lost(void **state)
{
    for (unsigned lost = 0; lost < 3; lost++) {
        struct sim_host *mn, *cn, was;
        struct sim *s = joined(&mn, &cn);
        was = *mn;
        sim_rule(s, lost == 1 ? cn : mn, HIP_PKT_UPDATE, SIM_LOSE)->skip = lost == 2;
        rekey(s, mn);
        sim_run(s, 5000000);
        assert_true(sim_joined(mn, cn) && fresh(mn, &was));
        assert_int_equal(mn->gone + cn->gone, 0);
        rekey(s, cn);
        sim_run(s, 5000000);
        assert_true(sim_joined(mn, cn));
        assert_int_equal(mn->sa_up, 3);
        sim_free(s);
    }
}

/* The next one before the ACK of the last: who begins it has had the answer. */
static void one_after_the_other(void **state)
{
    struct sim_host *mn, *cn;
    struct sim *s = joined(&mn, &cn);
    sim_rule(s, mn, HIP_PKT_UPDATE, SIM_LOSE)->skip = 1;
    rekey(s, mn);
    sim_run(s, 100000);
    assert_int_equal(mn->sa_up, 2);
    assert_int_equal(cn->sa_up, 1);
    rekey(s, mn);
    sim_run(s, 500000);
    assert_int_equal(mn->sa_up, 3);
    assert_int_equal(cn->sa_up, 3);
    assert_true(sim_joined(mn, cn));
    sim_free(s);
}

static void until_keymat_is_used_up(void **state)
{
    struct sim_host *mn, *cn;
    struct sim *s = joined(&mn, &cn);
    unsigned n = 0;
    err r;
    assert_int_equal(hip_rekey(mn->e, (struct hip_ref){ 0 }, s->now, &s->out), ERR_NOT_FOUND);
    for (;;) {
        r = hip_rekey(mn->e, mn->ref, s->now, &s->out);
        sim_act(s, mn);
        if (r != ERR_OK)
            break;
        assert_int_equal(hip_rekey(mn->e, mn->ref, s->now, &s->out), ERR_EXISTS);
        sim_run(s, 500000);
        n++;
    }
    assert_int_equal(r, ERR_FULL);
    assert_true(n >= 5);
    assert_int_equal(mn->sa_up, n + 1);
    assert_true(sim_joined(mn, cn));
    sim_free(s);
}

/* ---- with moves ---- */

static void moves_meanwhile(void **state)
{
    /* Who rekeys, and how long before or after. */
    for (int i = 0; i < 12; i++) {
        struct sim_host *mn, *cn, was;
        struct sim *s = joined(&mn, &cn);
        was = *mn;
        struct addr to = sim_addr(mn, "192.0.2.77");
        bool first = i % 2;
        unsigned gap = (unsigned)(i / 4) * 12000;
        struct sim_host *who = i & 2 ? mn : cn;
        if (first)
            rekey(s, who);
        else
            move(s, mn, cn, &to);
        sim_run(s, gap);
        if (first) {
            sim_addr_gone(mn, "192.0.2.1");
            move(s, mn, cn, &to);
        } else {
            rekey(s, who);
            sim_addr_gone(mn, "192.0.2.1");
        }
        sim_run(s, 10000000);
        assert_true(sim_joined(mn, cn) && fresh(mn, &was));
        assert_true(addr_same_ip(&cn->sa_path.peer, &to) && !cn->unverified);
        assert_int_equal(mn->gone + cn->gone, 0);
        assert_int_equal(mn->sa_up, 2);
        sim_free(s);
    }
}

/* Both in one UPDATE (RFC 8046 s5.2 case 2): the locator is of the new SPI, and both halves go to the new address. */
static void in_one_update(void **state)
{
    struct sim_host *mn, *cn, was;
    struct sim *s = joined(&mn, &cn);
    struct hip_assoc *a = inside(mn);
    was = *mn;
    struct addr to = sim_addr(mn, "192.0.2.77");
    struct hip_esp_info own = { .keymat_index = (uint16_t)hip_keymat_index(a->keys.keymat),
                                .old_spi = mn->spi_in };
    struct hip_locator_set set;
    assert_int_equal(hip_assoc_new_spi(mn->e, a, &own.new_spi), ERR_OK);
    hip_move_set(&to, 1, own.new_spi, &set);
    a->rekeying = true;
    a->spi_in_next = own.new_spi;
    a->rekey_index = own.keymat_index;
    sim_addr_gone(mn, "192.0.2.1");
    a->path.local = to;
    struct hip_update_parts u = { .kind = HIP_UPD_REKEY, .esp = &own, .locators = &set };
    assert_int_equal(hip_update_send(mn->e, a, &u, s->now, &s->out, NULL), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 5000000);
    assert_true(sim_joined(mn, cn) && fresh(mn, &was));
    assert_true(addr_same_ip(&cn->sa_path.peer, &to) && !cn->unverified);
    sim_free(s);
}

/* ---- what is not one ---- */

static int esp_info(struct sim *s, struct sim_host *mn, struct sim_host *cn, uint32_t old_spi,
                    uint32_t new_spi)
{
    struct hip_esp_info i = { .keymat_index = (uint16_t)hip_keymat_index(inside(mn)->keys.keymat),
                              .old_spi = old_spi,
                              .new_spi = new_spi };
    struct hip_update_parts u = { .kind = HIP_UPD_MOVE, .esp = &i };
    hip_update_cancel_all(mn->e, inside(mn));
    assert_int_equal(hip_update_send(mn->e, inside(mn), &u, s->now, &s->out, NULL), ERR_OK);
    cn->drop = 0;
    sim_act(s, mn);
    sim_run(s, 100000);
    return cn->drop;
}

static void other_esp_infos(void **state)
{
    struct sim_host *mn, *cn;
    struct sim *s = joined(&mn, &cn);
    assert_int_equal(esp_info(s, mn, cn, 0, 70000), HIP_DROP_BAD_ESP_INFO); /* a second SA pair */
    assert_int_equal(esp_info(s, mn, cn, mn->spi_in + 1, 70000), HIP_DROP_BAD_ESP_INFO);
    assert_int_equal(esp_info(s, mn, cn, mn->spi_in, 255), HIP_DROP_BAD_ESP_INFO);
    assert_int_equal(esp_info(s, mn, cn, mn->spi_in + 1, 0), HIP_DROP_BAD_ESP_INFO);
    assert_int_equal(cn->sa_path.peer.family, ADDR_V4);
    assert_int_equal(esp_info(s, mn, cn, mn->spi_in, 0), 0); /* the SA is given up: its locators with it */
    assert_true(cn->unverified && cn->sa_path.peer.family == ADDR_NONE);
    sim_free(s);
}

/* SPIs of before the last rekey are known still: a LOCATOR_SET may be older than the rekey that it crossed. Those before that are not. */
static void an_old_spi(void **state)
{
    struct sim_host *mn, *cn;
    struct sim *s = joined(&mn, &cn);
    uint32_t old = mn->spi_in;
    rekey(s, mn);
    sim_run(s, 500000);
    assert_int_equal(esp_info(s, mn, cn, old, old), 0);
    assert_int_equal(esp_info(s, mn, cn, old, 70000), HIP_DROP_BAD_ESP_INFO);
    rekey(s, mn);
    sim_run(s, 500000);
    assert_int_equal(mn->sa_up, 3);
    assert_int_equal(esp_info(s, mn, cn, old, old), HIP_DROP_BAD_ESP_INFO);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_of_ours),         cmocka_unit_test(both_at_once),
        cmocka_unit_test(the_greater_index),   cmocka_unit_test(packets_lost),
        cmocka_unit_test(one_after_the_other), cmocka_unit_test(until_keymat_is_used_up),
        cmocka_unit_test(moves_meanwhile),     cmocka_unit_test(in_one_update),
        cmocka_unit_test(other_esp_infos),     cmocka_unit_test(an_old_spi),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
