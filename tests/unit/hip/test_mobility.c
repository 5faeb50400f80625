/* SPDX-License-Identifier: Apache-2.0
 *
 * Mobility (RFC 8046), rekey answers (RFC 7402) and rendezvous (RFC 8004) between engines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "hip/assoc_auth.h"
#include "hip/auth.h"
#include "hip/core.h"
#include "hip/mobility.h"
#include "hip/param_nat.h"
#include "hip/update.h"
#include "tests/sim/sim.h"

static const char three[] = "mn>fa UPDATE\nfa>mn UPDATE\nmn>fa UPDATE\n";

static struct sim *joined(struct sim_host **mn, struct sim_host **fa)
{
    struct hip_config c = sim_config();
    struct sim *s = sim_new(sim_seed(11));
    *mn = sim_host(s, "mn", &c, 0, "192.0.2.1");
    *fa = sim_host(s, "fa", &c, 1, "198.51.100.1");
    (void)sim_connect(s, *mn, *fa);
    sim_run(s, 500000);
    assert_true(sim_joined(*mn, *fa));
    sim_ladder_clear(s);
    return s;
}

/* mn comes up at `to`, and says so from there; `also` (or NULL) is listed behind it. */
static void move(struct sim *s, struct sim_host *mn, const struct sim_host *fa, struct addr to,
                 const struct addr *also)
{
    struct hip_path path = { .local = to, .peer = fa->addr[0] };
    struct addr set[2] = { to };
    if (also)
        set[1] = *also;
    assert_int_equal(hip_move(mn->e, mn->ref, &path, set, also ? 2 : 1, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
}

static bool goes_to(const struct sim_host *h, const char *addr)
{
    struct addr a;
    assert_int_equal(addr_parse(addr, &a), ERR_OK);
    return addr_same_ip(&h->sa_path.peer, &a);
}

/* Data goes there, and without a limit. */
static bool verified(const struct sim_host *h, const char *addr)
{
    return goes_to(h, addr) && !h->unverified;
}

/* Data goes there, but no more than what the peer has sent. */
static bool on_credit(const struct sim_host *h, const char *addr)
{
    return goes_to(h, addr) && h->unverified;
}

static struct hip_assoc *inside(struct sim_host *h)
{
    return hip_assoc_by_ref(h->e, h->ref);
}

static void moves(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    struct addr wlan = sim_addr(mn, "192.0.2.77");
    sim_addr_gone(mn, "192.0.2.1");
    move(s, mn, fa, wlan, NULL);
    assert_true(addr_same_ip(&mn->sa_path.local, &wlan)); /* outbound at once */
    sim_run(s, 15000);
    assert_true(on_credit(fa, "192.0.2.77"));         /* not before the echo */
    assert_true(fa->credit > 0 && fa->credit < 1000); /* one UPDATE came */
    assert_int_equal(fa->moved, 0);
    sim_run(s, 500000);
    assert_true(sim_ladder_is(s, three));
    assert_int_equal(fa->moved, 1);
    assert_true(verified(fa, "192.0.2.77"));
    assert_int_equal(fa->up, 1);                                            /* the UPDATE ended R2-SENT */
    assert_int_equal(mn->updates + fa->updates + mn->acked + fa->acked, 0); /* nothing for the owners */
    sim_free(s);
}

static void moves_from_v4_to_v6(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    struct addr six = sim_addr(mn, "2001:db8:1::1");
    struct hip_path path = { .local = six, .peer = sim_addr(fa, "2001:db8:2::1") };
    assert_int_equal(hip_move(mn->e, mn->ref, &path, &six, 1, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 500000);
    assert_true(sim_ladder_is(s, three));
    assert_true(goes_to(fa, "2001:db8:1::1"));
    assert_true(addr_same_ip(&fa->sa_path.local, &path.peer));
    sim_free(s);
}

/* Each of the three packets lost once. */
static void moves_over_a_bad_link(void **state)
{
    for (int lost = 0; lost < 3; lost++) {
        struct sim_host *mn, *fa;
        struct sim *s = joined(&mn, &fa);
        struct addr wlan = sim_addr(mn, "192.0.2.77");
        sim_addr_gone(mn, "192.0.2.1");
        sim_rule(s, lost == 1 ? fa : mn, HIP_PKT_UPDATE, SIM_LOSE)->skip = lost == 2;
        move(s, mn, fa, wlan, NULL);
        sim_run(s, 5000000);
        assert_int_equal(fa->moved, 1);
        assert_true(goes_to(fa, "192.0.2.77"));
        assert_int_equal(fa->gone + mn->gone, 0);
        for (size_t i = 0; i < HIP_UPDATES_MAX; i++)
            assert_null(inside(mn)->sent[i].pkt.p);
        sim_free(s);
    }
}

static void moves_during_an_update(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };
    fa->done = true;
    /* Both sides have an UPDATE under way when the old address goes. */
    sim_addr_gone(mn, "192.0.2.1");
    assert_int_equal(hip_update(mn->e, mn->ref, &q, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    q.response = q.request;
    q.request.present = false;
    assert_int_equal(hip_update(fa->e, fa->ref, &q, s->now, &s->out), ERR_OK);
    sim_act(s, fa);
    sim_run(s, 300000);
    assert_int_equal(fa->updates + mn->updates, 0);
    struct addr wlan = sim_addr(mn, "192.0.2.77");
    move(s, mn, fa, wlan, NULL);
    sim_run(s, 5000000);
    assert_int_equal(fa->moved, 1);
    assert_int_equal(fa->updates, 1);
    assert_int_equal(mn->updates, 1);
    assert_int_equal(fa->acked, 1);
    assert_int_equal(mn->acked, 1);
    sim_free(s);
}

/* RFC 8046 s5.3: a LOCATOR_SET that comes once more, to another address of ours, is not processed again. */
static void the_same_set_again(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    struct addr wlan = sim_addr(mn, "192.0.2.77");
    struct hip_path path = { .local = sim_addr(fa, "198.51.100.9"), .peer = wlan };
    move(s, mn, fa, wlan, NULL);
    struct sim_packet set = *sim_sent(s, HIP_PKT_UPDATE);
    sim_run(s, 500000);
    assert_true(verified(fa, "192.0.2.77"));
    uint32_t next = inside(fa)->next_id;
    hip_set_checksum(set.p, set.n, &path.peer, &path.local);
    assert_int_equal(sim_inject(s, fa, &path, span_of(set.p, set.n)), HIP_DROP_DUPLICATE);
    sim_run(s, 500000);
    assert_int_equal(fa->moved, 1);
    assert_int_equal(inside(fa)->next_id, next); /* no check begins */
    assert_true(verified(fa, "192.0.2.77"));
    sim_free(s);
}

/* The second move overtakes the first: only the last address counts, whatever order they arrive in. */
static void moves_twice(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    struct addr a = sim_addr(mn, "192.0.2.77"), b = sim_addr(mn, "203.0.113.5");
    sim_rule(s, mn, HIP_PKT_UPDATE, SIM_DELAY)->delay_us = 50000;
    move(s, mn, fa, a, NULL);
    sim_run(s, 5000);
    sim_addr_gone(mn, "192.0.2.1");
    move(s, mn, fa, b, NULL);
    sim_run(s, 5000000);
    assert_int_equal(fa->moved, 1);
    assert_true(goes_to(fa, "203.0.113.5"));
    assert_int_equal(fa->gone + mn->gone, 0);
    sim_free(s);
}

/* To an address that is somebody else's goes no more than came, and the association lives on. */
static void announces_what_it_has_not(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    struct hip_config c = sim_config();
    struct sim_host *victim = sim_host(s, "victim", &c, 2, "203.0.113.66");
    struct hip_path path = sim_path(mn, fa);
    assert_int_equal(hip_move(mn->e, mn->ref, &path, &victim->addr[0], 1, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, UINT64_C(90000000));
    assert_true(on_credit(fa, "203.0.113.66"));
    assert_true(fa->credit < 1000);
    assert_int_equal(fa->moved, 0);
    assert_int_equal(fa->gone, 0);
    assert_true(sim_count(s, "fa>victim UPDATE") <= 6);
    assert_true(victim->drop == HIP_DROP_NOT_OUR_HIT);
    sim_free(s);
}

/* The check failed for good; the peer is heard from there later, and checked again. */
static void checked_again(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };
    struct addr wlan = sim_addr(mn, "192.0.2.77");
    struct sim_rule *r = sim_rule(s, fa, HIP_PKT_UPDATE, SIM_LOSE);
    r->skip = 1; /* the ACK of the set arrives with the first check; its echo does not */
    r->count = 5;
    sim_rule(s, mn, HIP_PKT_UPDATE, SIM_LOSE)->skip = 1;
    sim_addr_gone(mn, "192.0.2.1");
    move(s, mn, fa, wlan, NULL);
    sim_run(s, 70000000);
    assert_int_equal(fa->moved, 0);
    assert_int_equal(fa->gone, 0);
    assert_true(on_credit(fa, "192.0.2.77"));
    assert_int_equal(hip_update(mn->e, mn->ref, &q, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 500000);
    assert_int_equal(fa->moved, 1);
    assert_true(verified(fa, "192.0.2.77"));
    sim_free(s);
}

/* Two addresses listed: going back to the one that is still ACTIVE needs no check. */
static void goes_back(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    struct addr umts = mn->addr[0], wlan = sim_addr(mn, "192.0.2.77");
    move(s, mn, fa, wlan, &umts);
    sim_run(s, 500000);
    assert_true(goes_to(fa, "192.0.2.77"));
    sim_ladder_clear(s);
    move(s, mn, fa, umts, &wlan);
    sim_run(s, 15000);
    assert_true(goes_to(fa, "192.0.2.1"));
    sim_run(s, 500000);
    assert_true(sim_ladder_is(s, "mn>fa UPDATE\nfa>mn UPDATE\n"));
    assert_int_equal(fa->moved, 2);
    sim_free(s);
}

/* The third packet with another nonce, rightly signed by a peer that never saw ours. */
static void wrong_echo(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    struct addr wlan = sim_addr(mn, "192.0.2.77");
    sim_rule(s, fa, HIP_PKT_UPDATE, SIM_LOSE)->count = 100;
    move(s, mn, fa, wlan, NULL);
    sim_run(s, 15000);
    struct hip_assoc *a = inside(mn);
    uint8_t buf[HIP_PACKET_MAX];
    struct span pkt;
    struct hip_build b;
    struct hip_path path = { .local = fa->addr[0], .peer = wlan };
    for (int with = 0; with < 2; with++) {
        hip_build_init(&b, buf, sizeof buf, HIP_PKT_UPDATE, sim_hit(mn), sim_hit(fa), 0);
        hip_put_ack(&b, &(struct hip_acks){ .n = 1, .id = { 0 } });
        if (with)
            hip_build_param(&b, HIP_PAR_ECHO_RESPONSE_SIGNED, span_of("0123456789abcdef", 16));
        hip_auth_add(&b, a);
        assert_int_equal(hip_build_finish(&b, &path.peer, &path.local, &pkt), ERR_OK);
        assert_int_equal(sim_inject(s, fa, &path, pkt), HIP_DROP_BAD_ECHO);
    }
    assert_int_equal(fa->moved, 0);
    assert_true(on_credit(fa, "192.0.2.77"));
    sim_free(s);
}

static int send_set(struct sim *s, struct sim_host *mn, struct sim_host *fa, const char *addr, uint32_t spi,
                    uint32_t old_spi)
{
    struct hip_locator_set set = { .n = 1 };
    struct hip_esp_info esp = { .old_spi = old_spi, .new_spi = spi };
    esp.keymat_index = (uint16_t)hip_keymat_index(inside(mn)->keys.keymat);
    set.v[0] = (struct hip_locator){ .type = HIP_LOC_SPI, .preferred = true, .lifetime_s = 60 };
    set.v[0].spi = mn->spi_in;
    assert_int_equal(addr_parse(addr, &set.v[0].addr), ERR_OK);
    struct hip_update_parts u = { .kind = HIP_UPD_MOVE, .esp = &esp, .locators = &set };
    hip_update_cancel_all(mn->e, inside(mn));
    assert_int_equal(hip_update_send(mn->e, inside(mn), &u, s->now, &s->out, NULL), ERR_OK);
    fa->drop = 0;
    sim_act(s, mn);
    sim_run(s, 100000);
    return fa->drop;
}

/* The echo comes back another way than the check went: the path stays the one that was checked, and of one family. */
static void echo_by_another_way(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    struct addr wlan = sim_addr(mn, "192.0.2.77"), six = sim_addr(mn, "2001:db8:1::1");
    struct hip_path path = { .local = sim_addr(fa, "2001:db8:2::1"), .peer = six };
    struct sim_rule *r = sim_rule(s, fa, HIP_PKT_UPDATE, SIM_LOSE);
    r->count = 100;
    move(s, mn, fa, wlan, NULL);
    sim_run(s, 15000);
    struct hip_assoc *there = inside(fa);
    uint8_t buf[HIP_PACKET_MAX];
    struct span pkt;
    struct hip_build b;
    for (size_t i = 0; i < HIP_LOCATORS_MAX; i++) {
        const struct hip_peer_locator *l = &there->loc[i];
        if (!l->verifying)
            continue;
        hip_build_init(&b, buf, sizeof buf, HIP_PKT_UPDATE, sim_hit(mn), sim_hit(fa), 0);
        hip_put_ack(&b, &(struct hip_acks){ .n = 1, .id = { l->verify_id } });
        hip_build_param(&b, HIP_PAR_ECHO_RESPONSE_SIGNED, span_of(l->nonce, sizeof l->nonce));
        hip_auth_add(&b, inside(mn));
        assert_int_equal(hip_build_finish(&b, &path.peer, &path.local, &pkt), ERR_OK);
        assert_int_equal(sim_inject(s, fa, &path, pkt), HIP_TAKEN);
        break;
    }
    assert_int_equal(fa->moved, 1);
    assert_true(goes_to(fa, "192.0.2.77"));
    assert_true(addr_same_ip(&fa->sa_path.local, &fa->addr[0]));
    sim_free(s);
}

static void locators_that_cannot_be(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    assert_int_equal(send_set(s, mn, fa, "224.0.0.5", mn->spi_in, mn->spi_in), HIP_DROP_BAD_LOCATOR);
    assert_int_equal(send_set(s, mn, fa, "ff02::1", mn->spi_in, mn->spi_in), HIP_DROP_BAD_LOCATOR);
    assert_int_equal(send_set(s, mn, fa, "0.0.0.0", mn->spi_in, mn->spi_in), HIP_DROP_BAD_LOCATOR);
    assert_int_equal(send_set(s, mn, fa, "192.0.2.77", mn->spi_in + 7, mn->spi_in), HIP_DROP_BAD_LOCATOR);
    assert_int_equal(send_set(s, mn, fa, "192.0.2.77", mn->spi_in, mn->spi_in + 7), HIP_DROP_BAD_ESP_INFO);
    assert_int_equal(send_set(s, mn, fa, "192.0.2.77", 0, mn->spi_in), HIP_DROP_BAD_LOCATOR);
    assert_true(goes_to(fa, "192.0.2.1"));
    sim_free(s);
}

static void lifetime_ends(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    (void)sim_addr(mn, "192.0.2.77");
    assert_int_equal(send_set(s, mn, fa, "192.0.2.77", mn->spi_in, mn->spi_in), 0);
    assert_true(goes_to(fa, "192.0.2.77"));
    assert_int_equal(inside(fa)->loc[1].state, HIP_LOCATOR_ACTIVE);
    assert_int_equal(inside(fa)->loc[0].state, HIP_LOCATOR_DEPRECATED);
    sim_run(s, 61000000);
    assert_int_equal(inside(fa)->loc[1].state, HIP_LOCATOR_DEPRECATED);
    sim_free(s);
}

/* ---- rekey ---- */

static void answers_a_rekey(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    struct hip_assoc *a = inside(mn);
    uint32_t old = fa->spi_in, want = mn->spi_in + 1;
    struct hip_esp_info esp = { .keymat_index = (uint16_t)hip_keymat_index(a->keys.keymat),
                                .old_spi = mn->spi_in,
                                .new_spi = want };
    struct hip_update_parts u = { .kind = HIP_UPD_MOVE, .esp = &esp };
    sim_rule(s, fa, HIP_PKT_UPDATE, SIM_LOSE)->count = 10;
    assert_int_equal(hip_update_send(mn->e, a, &u, s->now, &s->out, NULL), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 50000);
    assert_int_equal(fa->sa_up, 1); /* nothing in force before our answer is acknowledged */
    struct hip_pkt k;
    struct hip_esp_info theirs;
    const struct sim_packet *p = sim_sent(s, HIP_PKT_UPDATE);
    assert_int_equal(hip_pkt_parse(span_of(p->p, p->n), &k), HIP_TAKEN);
    assert_int_equal(hip_get_esp_info(hip_pkt_span(&k, HIP_PAR_ESP_INFO), &theirs), ERR_OK);
    assert_int_equal(theirs.old_spi, old);
    assert_int_equal(theirs.keymat_index, esp.keymat_index);
    assert_true(hip_pkt_has(&k, HIP_PAR_ACK));
    /* The third packet. */
    a->owed[a->n_owed++] = 0;
    a->ack_path = a->path;
    hip_update_flush(mn->e, a, s->now, &s->out);
    sim_act(s, mn);
    sim_run(s, 50000);
    assert_int_equal(fa->sa_up, 2);
    assert_int_equal(fa->spi_out, want);
    assert_int_equal(fa->spi_in, theirs.new_spi);
    /* The keys are those that mn draws from the same place. */
    struct hip_keys mine;
    assert_int_equal(hip_keymat_esp_keys(a->keys.keymat, 8, sim_hit(mn), sim_hit(fa), &mine), ERR_OK);
    assert_memory_equal(mine.out.enc, fa->key_in, mine.out.enc_len);
    assert_memory_equal(mine.in.mac, fa->key_out + mine.in.enc_len, mine.in.mac_len);
    sim_free(s);
}

static void refuses_a_rekey(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    struct hip_esp_info used = { .keymat_index = 0, .old_spi = mn->spi_in, .new_spi = mn->spi_in + 1 };
    struct hip_update_parts u = { .kind = HIP_UPD_MOVE, .esp = &used };
    assert_int_equal(hip_update_send(mn->e, inside(mn), &u, s->now, &s->out, NULL), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 50000);
    assert_int_equal(fa->drop, HIP_DROP_BAD_ESP_INFO);
    assert_int_equal(inside(fa)->rekeying, false);
    sim_free(s);
}

static void gratuitous_esp_info(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    struct hip_esp_info same = { .old_spi = mn->spi_in, .new_spi = mn->spi_in };
    struct hip_update_parts u = { .kind = HIP_UPD_MOVE, .esp = &same };
    assert_int_equal(hip_update_send(mn->e, inside(mn), &u, s->now, &s->out, NULL), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 500000);
    assert_true(sim_ladder_is(s, "mn>fa UPDATE\nfa>mn UPDATE\n"));
    assert_int_equal(fa->sa_up, 1);
    sim_free(s);
}

/* ---- rendezvous ---- */

static const char through_rvs[] = "cn>fa I1\nfa>mn I1\nmn>cn R1\ncn>mn I2\nmn>cn R2\n";

/* mn is fa's client; cn knows mn's HIT and fa's address. */
static struct sim *rendezvous(struct sim_host **mn, struct sim_host **fa, struct sim_host **cn, bool trust)
{
    struct sim *s = joined(mn, fa);
    struct hip_config c = sim_config();
    c.offer = (struct hip_reg_offer){ .min = 91, .max = 150, .n = 1, .type = { 1 } };
    *cn = sim_host(s, "cn", &c, 2, "203.0.113.9");
    (*fa)->relays = true;
    if (trust)
        assert_int_equal(hip_rvs_trust((*mn)->e, (*mn)->ref, true), ERR_OK);
    return s;
}

static void call(struct sim *s, struct sim_host *cn, const struct sim_host *mn, const struct sim_host *fa)
{
    struct hip_path path = sim_path(cn, fa);
    struct hip_ref ref;
    assert_int_equal(hip_connect(cn->e, sim_hit(cn), sim_hit(mn), &path, 1, s->now, &s->out, &ref), ERR_OK);
    sim_act(s, cn);
    sim_run(s, 900000);
}

static void met_through_the_server(void **state)
{
    struct sim_host *mn, *fa, *cn;
    struct sim *s = rendezvous(&mn, &fa, &cn, true);
    call(s, cn, mn, fa);
    assert_true(sim_ladder_is(s, through_rvs));
    assert_true(sim_joined(cn, mn));
    assert_true(mn->asked_relayed);
    assert_true(addr_same_ip(&cn->sa_path.peer, &mn->addr[0])); /* straight, not through fa */
    struct hip_pkt k;
    struct hip_via via;
    const struct sim_packet *r1 = sim_sent(s, HIP_PKT_R1);
    assert_int_equal(hip_pkt_parse(span_of(r1->p, r1->n), &k), HIP_TAKEN);
    assert_int_equal(hip_get_via_rvs(hip_pkt_span(&k, HIP_PAR_VIA_RVS), &via), ERR_OK);
    assert_int_equal(via.n, 1);
    assert_true(addr_same_ip(&via.v[0], &fa->addr[0]));
    sim_free(s);
}

/* docs/sim-binding.md section 1: type 201 is offered to who came directly, never to who was relayed. */
static void no_201_for_the_relayed(void **state)
{
    struct hip_config c = sim_config(), m = sim_config();
    struct sim *s = sim_new(sim_seed(12));
    m.offer = (struct hip_reg_offer){ .min = 91, .max = 150, .n = 1, .type = { 1 }, .sim_binding = true };
    struct sim_host *fa = sim_host(s, "fa", &c, 1, "198.51.100.1");
    struct sim_host *mn = sim_host(s, "mn", &m, 0, "192.0.2.1");
    struct sim_host *cn = sim_host(s, "cn", &c, 2, "203.0.113.9");
    fa->relays = true;
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    assert_int_equal(hip_rvs_trust(mn->e, mn->ref, true), ERR_OK);
    cn->hold = true;
    call(s, cn, mn, fa);
    assert_int_equal(cn->asked_i2, 1);
    assert_int_equal(cn->ask_contents.info.n, 1);
    assert_int_equal(cn->ask_contents.info.type[0], 1);
    assert_int_equal(hip_drop(cn->e, cn->asked, s->now, &s->out), ERR_OK);
    (void)sim_connect(s, cn, mn);
    sim_run(s, 500000);
    assert_int_equal(cn->asked_i2, 2);
    assert_int_equal(cn->ask_contents.info.n, 2);
    assert_int_equal(cn->ask_contents.info.type[0], 201);
    sim_free(s);
}

/* After a move the server relays to the new locator; cn2 of the demo. */
static void met_after_a_move(void **state)
{
    struct sim_host *mn, *fa, *cn;
    struct sim *s = rendezvous(&mn, &fa, &cn, true);
    struct addr wlan = sim_addr(mn, "192.0.2.77");
    sim_addr_gone(mn, "192.0.2.1");
    move(s, mn, fa, wlan, NULL);
    sim_run(s, 500000);
    sim_ladder_clear(s);
    call(s, cn, mn, fa);
    assert_true(sim_ladder_is(s, through_rvs));
    assert_true(addr_same_ip(&cn->sa_path.peer, &wlan));
    sim_free(s);
}

static void server_that_is_not_trusted(void **state)
{
    struct sim_host *mn, *fa, *cn;
    struct sim *s = rendezvous(&mn, &fa, &cn, false);
    call(s, cn, mn, fa);
    assert_true(sim_ladder_is(s, "cn>fa I1\nfa>mn I1\n"));
    assert_int_equal(mn->drop, HIP_DROP_RVS_NOT_TRUSTED);
    assert_int_equal(hip_rvs_trust(mn->e, mn->ref, true), ERR_OK);
    assert_int_equal(hip_rvs_trust(mn->e, mn->ref, false), ERR_OK);
    sim_run(s, 1000000);
    assert_int_equal(sim_count(s, "mn>cn R1"), 0);
    sim_free(s);
}

static void change_from(uint8_t *p, size_t *n)
{
    p[HIP_HEADER_LEN + 8 + 4 + 15] ^= 1; /* DH_GROUP_LIST takes 8; then FROM's last octet */
}

static void change_hmac(uint8_t *p, size_t *n)
{
    p[*n - 5] ^= 1;
}

/* Takes FROM and RVS_HMAC away from all but the header and DH_GROUP_LIST, and puts a FROM of its own. */
static void from_alone(uint8_t *p, size_t *n)
{
    *n = HIP_HEADER_LEN + 8 + 24;
    p[1] = (uint8_t)(*n / 8 - 1);
}

static void relayed_and_changed(void **state)
{
    void (*const change[])(uint8_t *, size_t *) = { change_from, change_hmac, from_alone };
    for (size_t i = 0; i < 3; i++) {
        struct sim_host *mn, *fa, *cn;
        struct sim *s = rendezvous(&mn, &fa, &cn, true);
        struct sim_rule *r = sim_rule(s, fa, HIP_PKT_I1, SIM_CHANGE);
        r->change = change[i];
        call(s, cn, mn, fa);
        assert_true(sim_ladder_is(s, "cn>fa I1\nfa>mn I1 (changed)\n"));
        assert_int_equal(mn->drop, HIP_DROP_BAD_RVS_HMAC);
        sim_free(s);
    }
}

static void not_registered(void **state)
{
    struct sim_host *mn, *fa, *cn;
    struct sim *s = rendezvous(&mn, &fa, &cn, true);
    assert_int_equal(hip_close(mn->e, mn->ref, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 100000);
    sim_ladder_clear(s);
    call(s, cn, mn, fa);
    assert_true(sim_ladder_is(s, "cn>fa I1\n"));
    assert_int_equal(fa->drop, HIP_DROP_NOT_REGISTERED);
    sim_free(s);
}

/* A server's I1 that it may not send: opportunistic; and an I1 with FROM that asks to be relayed once more. */
static void relayed_what_may_not_be(void **state)
{
    struct sim_host *mn, *fa, *cn;
    struct sim *s = rendezvous(&mn, &fa, &cn, true);
    static const struct hit null;
    const struct hip_assoc *a = inside(fa);
    struct hip_path path = { .local = mn->addr[0], .peer = fa->addr[0] };
    uint8_t buf[HIP_PACKET_MAX];
    struct span pkt;
    struct hip_build b;
    hip_build_init(&b, buf, sizeof buf, HIP_PKT_I1, sim_hit(cn), &null, 0);
    hip_put_dh_groups(&b, &(struct hip_ids8){ .n = 1, .id = { 7 } });
    hip_put_from(&b, &cn->addr[0]);
    hip_mac_add(&b, HIP_PAR_RVS_HMAC, a->rhash, hip_key_mac(&a->keys.secrets->hip.out));
    assert_int_equal(hip_build_finish(&b, &path.peer, &path.local, &pkt), ERR_OK);
    assert_int_equal(sim_inject(s, mn, &path, pkt), HIP_DROP_RELAYED_OPPORTUNISTIC);

    struct hip_path in = { .local = fa->addr[0], .peer = cn->addr[0] };
    hip_set_receiver(buf, sim_hit(mn));
    hip_set_checksum(buf, pkt.n, &in.peer, &in.local);
    assert_int_equal(hip_relay_i1(fa->e, fa->ref, &in, pkt, s->now, &s->out), HIP_DROP_RVS_NOT_TRUSTED);
    buf[5] ^= 1;
    assert_int_equal(hip_relay_i1(fa->e, fa->ref, &in, pkt, s->now, &s->out), HIP_DROP_BAD_CHECKSUM);
    /* One that is as long as a packet can be: there is no room for FROM. */
    static const uint8_t echo[1980];
    hip_build_init(&b, buf, sizeof buf, HIP_PKT_I1, sim_hit(cn), sim_hit(mn), 0);
    hip_put_dh_groups(&b, &(struct hip_ids8){ .n = 1, .id = { 7 } });
    hip_build_param(&b, HIP_PAR_ECHO_REQUEST_UNSIGNED, span_of(echo, sizeof echo));
    assert_int_equal(hip_build_finish(&b, &in.peer, &in.local, &pkt), ERR_OK);
    assert_int_equal(hip_relay_i1(fa->e, fa->ref, &in, pkt, s->now, &s->out), HIP_DROP_OVERSIZED);
    /* Nothing but I1, and UPDATE, goes by a rendezvous server (RFC 8004 s3, RFC 8046 s3.2.3). */
    static const uint8_t others[] = { HIP_PKT_R1, HIP_PKT_I2, HIP_PKT_R2 };
    for (size_t i = 0; i < sizeof others; i++) {
        struct sim_packet p = *sim_sent(s, others[i]); /* of the exchange with fa: whole */
        hip_set_receiver(p.p, sim_hit(mn));
        hip_set_checksum(p.p, p.n, &in.peer, &in.local);
        assert_int_equal(hip_relay_i1(fa->e, fa->ref, &in, span_of(p.p, p.n), s->now, &s->out),
                         HIP_DROP_WRONG_STATE);
    }
    assert_int_equal(s->out.n, 0);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves),
        cmocka_unit_test(moves_from_v4_to_v6),
        cmocka_unit_test(moves_over_a_bad_link),
        cmocka_unit_test(moves_during_an_update),
        cmocka_unit_test(the_same_set_again),
        cmocka_unit_test(moves_twice),
        cmocka_unit_test(announces_what_it_has_not),
        cmocka_unit_test(checked_again),
        cmocka_unit_test(goes_back),
        cmocka_unit_test(wrong_echo),
        cmocka_unit_test(echo_by_another_way),
        cmocka_unit_test(locators_that_cannot_be),
        cmocka_unit_test(lifetime_ends),
        cmocka_unit_test(answers_a_rekey),
        cmocka_unit_test(refuses_a_rekey),
        cmocka_unit_test(gratuitous_esp_info),
        cmocka_unit_test(met_through_the_server),
        cmocka_unit_test(no_201_for_the_relayed),
        cmocka_unit_test(met_after_a_move),
        cmocka_unit_test(server_that_is_not_trusted),
        cmocka_unit_test(relayed_and_changed),
        cmocka_unit_test(not_registered),
        cmocka_unit_test(relayed_what_may_not_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
