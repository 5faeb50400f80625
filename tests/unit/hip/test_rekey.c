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
    assert_int_equal(hip_rekey(h->e, h->ref, false, s->now, &s->out), ERR_OK);
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

/* ---- with a new Diffie-Hellman ---- */

static void rekey_dh(struct sim *s, struct sim_host *h)
{
    assert_int_equal(hip_rekey(h->e, h->ref, true, s->now, &s->out), ERR_OK);
    sim_act(s, h);
}

/* The value of ours that the association's KEYMAT came from. */
static bool own_value_is(struct sim_host *h, const uint8_t *was, size_t n)
{
    struct span v = dh_public(inside(h)->keys.dh);
    return v.n == n && memcmp(v.p, was, n) == 0;
}

struct values {
    uint8_t mn[128], cn[128];
    size_t n;
};

static struct values values_of(struct sim_host *mn, struct sim_host *cn)
{
    struct values v = { .n = dh_public(inside(mn)->keys.dh).n };
    assert_true(v.n > 0 && v.n <= sizeof v.mn);
    memcpy(v.mn, dh_public(inside(mn)->keys.dh).p, v.n);
    memcpy(v.cn, dh_public(inside(cn)->keys.dh).p, v.n);
    return v;
}

/* KEYMAT goes on where items 5 to 8 ended, at the same place on both sides, from values that each has of the other. */
static bool same_keymat(struct sim_host *mn, struct sim_host *cn)
{
    const struct hip_keyset *a = &inside(mn)->keys, *b = &inside(cn)->keys;
    struct span va = dh_public(a->dh), vb = dh_public(b->dh);
    return hip_keymat_index(a->keymat) == hip_keymat_index(b->keymat) &&
           span_eq(va, hip_stored_span(&b->peer_dh)) && span_eq(vb, hip_stored_span(&a->peer_dh));
}

static void with_a_new_value(void **state)
{
    struct sim_host *mn, *cn, was;
    struct sim *s = joined(&mn, &cn);
    was = *mn;
    struct values v = values_of(mn, cn);
    rekey_dh(s, mn);
    sim_run(s, 500000);
    assert_true(sim_ladder_is(s, "mn>cn UPDATE\ncn>mn UPDATE\nmn>cn UPDATE\n"));
    assert_true(sim_joined(mn, cn) && fresh(mn, &was) && same_keymat(mn, cn));
    assert_false(own_value_is(mn, v.mn, v.n) ||
                 own_value_is(cn, v.cn, v.n)); /* s4.1.3: the reply has one too */
    assert_int_equal(hip_keymat_index(inside(mn)->keys.keymat),
                     2 * (16 + 32)); /* index 0, items 5 to 8 alone */
    was = *mn;
    rekey(s, cn); /* goes on in the new KEYMAT */
    sim_run(s, 500000);
    assert_true(sim_joined(mn, cn) && fresh(mn, &was) && same_keymat(mn, cn));
    sim_free(s);
}

/* Crossing halves, each with a value or without: one new half is enough, the other one is that of before (RFC 7402 s6.10 step 1). */
static void crossing_values(void **state)
{
    for (unsigned i = 1; i < 4; i++)
        for (unsigned lost = 0; lost < 3; lost++) {
            struct sim_host *mn, *cn, was;
            struct sim *s = joined(&mn, &cn);
            was = *mn;
            struct values v = values_of(mn, cn);
            if (lost)
                sim_rule(s, lost == 1 ? mn : cn, HIP_PKT_UPDATE, SIM_LOSE);
            assert_int_equal(hip_rekey(mn->e, mn->ref, i & 1, s->now, &s->out), ERR_OK);
            sim_act(s, mn);
            assert_int_equal(hip_rekey(cn->e, cn->ref, i & 2, s->now, &s->out), ERR_OK);
            sim_act(s, cn);
            sim_run(s, 5000000);
            assert_true(sim_joined(mn, cn) && fresh(mn, &was) && same_keymat(mn, cn));
            assert_true(own_value_is(mn, v.mn, v.n) == !(i & 1) && own_value_is(cn, v.cn, v.n) == !(i & 2));
            assert_int_equal(mn->sa_up, 2);
            assert_int_equal(cn->sa_up, 2);
            was = *mn;
            rekey_dh(s, cn);
            sim_run(s, 5000000);
            assert_true(sim_joined(mn, cn) && fresh(mn, &was) && same_keymat(mn, cn));
            sim_free(s);
        }
}

static void values_lost(void **state)
{
    for (unsigned lost = 0; lost < 3; lost++) {
        struct sim_host *mn, *cn, was;
        struct sim *s = joined(&mn, &cn);
        was = *mn;
        sim_rule(s, lost == 1 ? cn : mn, HIP_PKT_UPDATE, SIM_LOSE)->skip = lost == 2;
        rekey_dh(s, mn);
        if (lost == 2) { /* the next one before the ACK of this one, with a value and without */
            sim_run(s, 100000);
            rekey_dh(s, mn);
        }
        sim_run(s, 5000000);
        assert_true(sim_joined(mn, cn) && fresh(mn, &was) && same_keymat(mn, cn));
        assert_int_equal(mn->gone + cn->gone, 0);
        assert_int_equal(mn->sa_up, lost == 2 ? 3 : 2);
        sim_free(s);
    }
}

/* RFC 7402 s5.1.1: KEYMAT is used up, and a new value is there without being asked for. */
static void until_keymat_is_used_up(void **state)
{
    struct sim_host *mn, *cn;
    struct sim *s = joined(&mn, &cn);
    unsigned n = 0;
    struct values v = values_of(mn, cn);
    assert_int_equal(hip_rekey(mn->e, (struct hip_ref){ 0 }, false, s->now, &s->out), ERR_NOT_FOUND);
    while (own_value_is(mn, v.mn, v.n)) {
        assert_true(n < 20);
        rekey(s, mn);
        assert_int_equal(hip_rekey(mn->e, mn->ref, n % 2, s->now, &s->out), ERR_EXISTS);
        sim_run(s, 500000);
        n++;
        assert_true(sim_joined(mn, cn) && same_keymat(mn, cn));
    }
    assert_true(n >= 5);
    assert_false(own_value_is(cn, v.cn, v.n));
    assert_int_equal(mn->sa_up, n + 1);
    sim_free(s);
}

/* A half of mn's, made by hand. */
static int half(struct sim *s, struct sim_host *mn, struct sim_host *cn, uint8_t group, struct span value,
                uint16_t index)
{
    struct hip_assoc *a = inside(mn);
    struct hip_esp_info i = { .keymat_index = index, .old_spi = mn->spi_in };
    struct hip_dh dh = { .group = group, .pub = value };
    struct hip_update_parts u = { .kind = HIP_UPD_MOVE, .esp = &i, .dh = value.n ? &dh : NULL };
    hip_update_cancel_all(mn->e, a);
    assert_int_equal(hip_assoc_new_spi(mn->e, a, &i.new_spi), ERR_OK);
    assert_int_equal(hip_update_send(mn->e, a, &u, s->now, &s->out, NULL), ERR_OK);
    hip_assoc_release_spi(mn->e, i.new_spi);
    cn->drop = 0;
    sim_act(s, mn);
    sim_run(s, 100000);
    return cn->drop;
}

static void values_refused(void **state)
{
    struct sim_host *mn, *cn, was;
    struct sim *s = joined(&mn, &cn);
    was = *cn;
    uint8_t bad[96] = { 1 };
    struct span good = dh_public(inside(mn)->keys.dh);
    uint8_t group = inside(mn)->dh_group, other = group == 7 ? 8 : 7;
    assert_int_equal(half(s, mn, cn, group, good, 1), HIP_DROP_BAD_ESP_INFO); /* RFC 7402 s6.9: index 0 */
    assert_int_equal(half(s, mn, cn, group, span_of(bad, good.n), 0), HIP_DROP_BAD_DH);
    assert_int_equal(half(s, mn, cn, group, span_of(good.p, good.n - 1), 0), HIP_DROP_BAD_DH);
    assert_int_equal(mn->notified, 0);
    assert_int_equal(half(s, mn, cn, other, span_of(bad, other == 7 ? 64 : 96), 0), HIP_DROP_BAD_DH);
    assert_int_equal(mn->notified, 1);
    assert_int_equal(mn->notify_code, HIP_NTF_INVALID_DH_CHOSEN);
    for (int i = 0; i < 8; i++)
        assert_int_equal(half(s, mn, cn, other, span_of(bad, other == 7 ? 64 : 96), 0), HIP_DROP_BAD_DH);
    assert_true(mn->notified <= 4); /* rate-limited */
    assert_int_equal(cn->sa_up, was.sa_up);
    assert_false(inside(cn)->rekeying);
    sim_free(s);
}

/* A peer with more KEYMAT than we keep asks for some of it: the answer brings a value of ours, and nothing of its own is new. */
static void more_keymat_than_we_have(void **state)
{
    struct sim_host *mn, *cn;
    struct sim *s = joined(&mn, &cn);
    struct values v = values_of(mn, cn);
    uint32_t spi;
    struct hip_assoc *a = inside(mn);
    assert_int_equal(hip_assoc_new_spi(mn->e, a, &spi), ERR_OK);
    struct hip_esp_info own = { .keymat_index = 4000, .old_spi = mn->spi_in, .new_spi = spi };
    struct hip_update_parts u = { .kind = HIP_UPD_REKEY, .esp = &own };
    assert_int_equal(hip_update_send(mn->e, a, &u, s->now, &s->out, NULL), ERR_OK);
    a->rekeying = true;
    a->spi_in_next = spi;
    a->rekey_index = own.keymat_index;
    sim_act(s, mn);
    sim_run(s, 500000);
    assert_true(sim_joined(mn, cn) && same_keymat(mn, cn));
    assert_true(own_value_is(mn, v.mn, v.n) && !own_value_is(cn, v.cn, v.n));
    sim_free(s);
}

/* RFC 7402 s6.10 step 4: what comes by the new SA says as much as the ACK. */
static void traffic_instead_of_the_ack(void **state)
{
    struct sim_host *mn, *cn;
    struct sim *s = joined(&mn, &cn);
    sim_rule(s, mn, HIP_PKT_UPDATE, SIM_LOSE)->skip = 1;
    rekey(s, mn);
    sim_run(s, 100000);
    assert_int_equal(cn->sa_up, 1);
    hip_sa_rekeyed(cn->e, cn->ref, cn->spi_in, s->now, &s->out); /* by the old one: nothing */
    sim_act(s, cn);
    assert_int_equal(cn->sa_up, 1);
    hip_sa_rekeyed(cn->e, cn->ref, cn->spi_in_next, s->now, &s->out);
    sim_act(s, cn);
    assert_int_equal(cn->sa_up, 2);
    sim_run(s, 5000000);
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
        cmocka_unit_test(one_of_ours),
        cmocka_unit_test(both_at_once),
        cmocka_unit_test(the_greater_index),
        cmocka_unit_test(packets_lost),
        cmocka_unit_test(one_after_the_other),
        cmocka_unit_test(until_keymat_is_used_up),
        cmocka_unit_test(with_a_new_value),
        cmocka_unit_test(crossing_values),
        cmocka_unit_test(values_lost),
        cmocka_unit_test(values_refused),
        cmocka_unit_test(more_keymat_than_we_have),
        cmocka_unit_test(traffic_instead_of_the_ack),
        cmocka_unit_test(moves_meanwhile),
        cmocka_unit_test(in_one_update),
        cmocka_unit_test(other_esp_infos),
        cmocka_unit_test(an_old_spi),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
