/* SPDX-License-Identifier: Apache-2.0
 *
 * The peer's locators: states, checks, which one is used, credit (RFC 8046 s5, RFC 8047 s5); LOCATOR_SET in the base exchange; moves during it;
 * both ends moving at once, by way of a rendezvous server.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hip/core.h"
#include "hip/mobility.h"
#include "hip/param_nat.h"
#include "hip/update.h"
#include "tests/sim/sim.h"

static struct sim *joined(struct sim_host **mn, struct sim_host **cn)
{
    struct hip_config c = sim_config();
    struct sim *s = sim_new(sim_seed(31));
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

static struct addr ip(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(text, &a), ERR_OK);
    return a;
}

static bool goes_to(const struct sim_host *h, const char *addr)
{
    struct addr a = ip(addr);
    return addr_same_ip(&h->sa_path.peer, &a);
}

static bool verified(const struct sim_host *h, const char *addr)
{
    return goes_to(h, addr) && !h->unverified;
}

static enum hip_locator_state state_of(struct sim_host *h, const char *addr)
{
    struct addr a = ip(addr);
    const struct hip_peer_locator *p = hip_mobility_find(inside(h), &a);
    return p ? p->state : HIP_LOCATOR_NONE;
}

static err try_move(struct sim *s, struct sim_host *mn, struct addr local, struct addr peer,
                    const struct addr *set, size_t n)
{
    struct hip_path path = { .local = local, .peer = peer };
    err r = hip_move(mn->e, mn->ref, &path, set, n, s->now, &s->out);
    sim_act(s, mn);
    return r;
}

static void move(struct sim *s, struct sim_host *mn, const struct sim_host *cn, const struct addr *set,
                 size_t n)
{
    assert_int_equal(try_move(s, mn, set[0], cn->addr[0], set, n), ERR_OK);
}

/* A LOCATOR_SET as the test wants it, in an UPDATE of mn's. */
static void send_set(struct sim *s, struct sim_host *mn, const struct hip_locator_set *set)
{
    struct hip_esp_info esp = { .old_spi = mn->spi_in, .new_spi = mn->spi_in };
    struct hip_update_parts u = { .kind = HIP_UPD_MOVE, .esp = &esp, .locators = set };
    (void)hip_update_cancel(mn->e, inside(mn), HIP_UPD_MOVE);
    assert_int_equal(hip_update_send(mn->e, inside(mn), &u, s->now, &s->out, NULL), ERR_OK);
    sim_act(s, mn);
}

static struct hip_locator locator(const char *addr, bool preferred, uint8_t traffic)
{
    return (struct hip_locator){ .type = HIP_LOC_ADDR,
                                 .preferred = preferred,
                                 .traffic = traffic,
                                 .lifetime_s = UINT32_MAX,
                                 .addr = ip(addr) };
}

/* ---- checks ---- */

/* RFC 8046 s5.1: those of the base exchange are ACTIVE, preferred and unbounded. */
static void of_the_base_exchange(void **state)
{
    struct sim_host *mn, *cn;
    struct sim *s = joined(&mn, &cn);
    const struct hip_peer_locator *there = hip_mobility_find(inside(mn), &cn->addr[0]);
    const struct hip_peer_locator *back = hip_mobility_find(inside(cn), &mn->addr[0]);
    assert_true(verified(mn, "198.51.100.1") && verified(cn, "192.0.2.1"));
    assert_true(there && there->state == HIP_LOCATOR_ACTIVE && there->rank == 0);
    assert_true(back && back->state == HIP_LOCATOR_ACTIVE && back->rank == 0);
    assert_true(there->expires_us == HEAP_NEVER && back->expires_us == HEAP_NEVER);
    sim_free(s);
}

/* The preferred one at once, the others one after the other; all of them end ACTIVE. */
static void all_are_checked_in_turn(void **state)
{
    struct sim_host *mn, *cn;
    struct sim *s = joined(&mn, &cn);
    struct addr set[4] = { sim_addr(mn, "192.0.2.77"), sim_addr(mn, "192.0.2.78"), sim_addr(mn, "192.0.2.79"),
                           mn->addr[0] };
    move(s, mn, cn, set, 4);
    sim_run(s, 15000);
    assert_int_equal(sim_count(s, "cn>mn UPDATE"), 1);
    sim_run(s, 90000);
    assert_int_equal(sim_count(s, "cn>mn UPDATE"), 1);
    assert_int_equal(state_of(cn, "192.0.2.77"), HIP_LOCATOR_ACTIVE);
    assert_int_equal(state_of(cn, "192.0.2.78"), HIP_LOCATOR_UNVERIFIED);
    sim_run(s, 100000);
    assert_int_equal(sim_count(s, "cn>mn UPDATE"), 2);
    sim_run(s, 500000);
    assert_int_equal(sim_count(s, "cn>mn UPDATE"), 3);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(hip_mobility_find(inside(cn), &set[i])->state, HIP_LOCATOR_ACTIVE);
    assert_true(verified(cn, "192.0.2.77"));
    assert_int_equal(cn->moved, 1); /* the other checks move nothing */
    sim_free(s);
}

/* More than there is room for: the preferred one first, what is left over is not known. */
static void more_than_there_is_room_for(void **state)
{
    struct sim_host *mn, *cn;
    struct sim *s = joined(&mn, &cn);
    struct hip_locator_set set = { .n = 16 };
    char text[32];
    for (unsigned i = 0; i < 16; i++) {
        (void)snprintf(text, sizeof text, "203.0.113.%u", i + 1);
        set.v[i] = locator(text, i == 15, HIP_LOC_ALL);
    }
    (void)sim_addr(mn, "203.0.113.16");
    send_set(s, mn, &set);
    sim_run(s, 2000000);
    assert_true(verified(cn, "203.0.113.16"));
    assert_int_equal(state_of(cn, "203.0.113.1"), HIP_LOCATOR_UNVERIFIED);
    assert_int_equal(state_of(cn, "203.0.113.9"), HIP_LOCATOR_NONE);
    assert_true(sim_count(s, "cn>") < 30);
    sim_free(s);
}

/* ---- which one is used ---- */

static struct sim *two_active(struct sim_host **mn, struct sim_host **cn)
{
    struct sim *s = joined(mn, cn);
    struct addr set[2] = { sim_addr(*mn, "192.0.2.77"), (*mn)->addr[0] };
    move(s, *mn, *cn, set, 2);
    sim_run(s, 1000000);
    assert_true(verified(*cn, "192.0.2.77"));
    assert_int_equal(state_of(*cn, "192.0.2.1"), HIP_LOCATOR_ACTIVE);
    return s;
}

/* s5.4, s5.5: silence, a check that is not answered, and the other ACTIVE one takes over; back when it works again. */
static void the_preferred_one_dies(void **state)
{
    struct sim_host *mn, *cn;
    struct sim *s = two_active(&mn, &cn);
    sim_addr_gone(mn, "192.0.2.77");
    hip_path_silent(cn->e, cn->ref, s->now, &s->out);
    sim_act(s, cn);
    sim_run(s, 500000);
    assert_true(verified(cn, "192.0.2.77")); /* one packet may be lost */
    sim_run(s, 600000);
    assert_int_equal(state_of(cn, "192.0.2.77"), HIP_LOCATOR_UNVERIFIED);
    assert_true(verified(cn, "192.0.2.1"));
    assert_true(addr_same_ip(&inside(cn)->path.peer, &mn->addr[0]));
    (void)sim_addr(mn, "192.0.2.77");
    sim_run(s, 70000000);
    assert_true(verified(cn, "192.0.2.77"));
    sim_free(s);
}

/* An UPDATE of the owner's that is not answered asks the same question. */
static void an_update_finds_it_dead(void **state)
{
    struct sim_host *mn, *cn;
    struct sim *s = two_active(&mn, &cn);
    struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };
    mn->done = true;
    sim_addr_gone(mn, "192.0.2.77");
    assert_int_equal(hip_update(cn->e, cn->ref, &q, s->now, &s->out), ERR_OK);
    sim_act(s, cn);
    sim_run(s, 5500000);
    assert_true(verified(cn, "192.0.2.1"));
    assert_int_equal(mn->updates, 1); /* and went there at once */
    assert_int_equal(cn->acked, 1);
    sim_free(s);
}

/* A locator that is ACTIVE is asked once more in silence, and stays what it is when it answers. */
static void silence_that_means_nothing(void **state)
{
    struct sim_host *mn, *cn;
    struct sim *s = two_active(&mn, &cn);
    sim_ladder_clear(s);
    hip_path_silent(cn->e, cn->ref, s->now, &s->out);
    hip_path_silent(cn->e, cn->ref, s->now, &s->out);
    sim_act(s, cn);
    sim_run(s, 5000000);
    assert_true(sim_ladder_is(s, "cn>mn UPDATE\nmn>cn UPDATE\n"));
    assert_true(verified(cn, "192.0.2.77"));
    sim_free(s);
}

/* s5.3: unlisted is DEPRECATED, and never used while another one is ACTIVE; listed again it is UNVERIFIED, not ACTIVE. */
static void deprecated_and_back(void **state)
{
    struct sim_host *mn, *cn;
    struct sim *s = two_active(&mn, &cn);
    struct hip_locator_set set = { .n = 1, .v = { locator("192.0.2.1", true, HIP_LOC_ALL) } };
    send_set(s, mn, &set);
    sim_run(s, 15000);
    assert_int_equal(state_of(cn, "192.0.2.77"), HIP_LOCATOR_DEPRECATED);
    assert_true(verified(cn, "192.0.2.1"));
    sim_run(s, 1000000);
    sim_rule(s, cn, HIP_PKT_UPDATE, SIM_LOSE)->count = 3;
    set.v[0] = locator("192.0.2.77", true, HIP_LOC_ALL);
    set.v[1] = locator("192.0.2.1", false, HIP_LOC_ALL);
    set.n = 2;
    send_set(s, mn, &set);
    sim_run(s, 15000);
    assert_int_equal(state_of(cn, "192.0.2.77"), HIP_LOCATOR_UNVERIFIED);
    assert_true(verified(cn, "192.0.2.1")); /* s5.5: another ACTIVE one meanwhile */
    sim_run(s, 10000000);
    assert_true(verified(cn, "192.0.2.77"));
    sim_free(s);
}

/* A LOCATOR_SET without locators: there is nowhere for data to go. */
static void none_at_all(void **state)
{
    struct sim_host *mn, *cn;
    struct sim *s = two_active(&mn, &cn);
    hip_cba_received(cn->e, cn->ref, 5000, s->now);
    send_set(s, mn, &(struct hip_locator_set){ 0 });
    sim_run(s, 1000000);
    assert_int_equal(state_of(cn, "192.0.2.77"), HIP_LOCATOR_DEPRECATED);
    assert_int_equal(state_of(cn, "192.0.2.1"), HIP_LOCATOR_DEPRECATED);
    assert_true(cn->unverified);
    assert_int_equal(cn->sa_path.peer.family, ADDR_NONE);
    assert_int_equal(cn->credit, 0);
    move(s, mn, cn, mn->addr, 1);
    sim_run(s, 1000000);
    assert_true(verified(cn, "192.0.2.1"));
    sim_free(s);
}

static void for_signalling_and_for_data(void **state)
{
    struct sim_host *mn, *cn;
    struct sim *s = joined(&mn, &cn);
    struct addr seven = sim_addr(mn, "192.0.2.7"), eight = sim_addr(mn, "192.0.2.8");
    struct hip_locator_set set = { .n = 2 };
    set.v[0] = locator("192.0.2.7", true, HIP_LOC_SIGNALLING);
    set.v[1] = locator("192.0.2.8", false, HIP_LOC_DATA);
    send_set(s, mn, &set);
    sim_run(s, 2000000);
    assert_true(verified(cn, "192.0.2.8"));
    assert_true(addr_same_ip(&cn->sa_path.peer, &eight));
    assert_true(addr_same_ip(&inside(cn)->path.peer, &seven));
    sim_free(s);
}

/* s5.3: NOTIFY 46 with the locator that is not understood; nothing changes. */
static void a_type_that_is_not_known(void **state)
{
    struct sim_host *mn, *cn;
    struct sim *s = joined(&mn, &cn);
    struct hip_locator_set set = { .n = 1 };
    set.v[0] =
        (struct hip_locator){ .type = 9, .preferred = true, .lifetime_s = 60, .raw = span_of("abcdefgh", 8) };
    send_set(s, mn, &set);
    sim_run(s, 100000);
    assert_int_equal(mn->notified, 1);
    assert_int_equal(mn->notify_code, HIP_NTF_LOCATOR_TYPE_UNSUPPORTED);
    assert_true(goes_to(cn, "192.0.2.1") && !cn->unverified);
    assert_int_equal(state_of(cn, "192.0.2.1"), HIP_LOCATOR_ACTIVE);
    set.v[0].preferred = false;
    send_set(s, mn, &set);
    sim_run(s, 100000);
    assert_int_equal(mn->notified, 1);
    sim_free(s);
}

/* RFC 8047 s5.1: not to a peer beyond the link, and not taken from one. */
static void of_one_link_only(void **state)
{
    struct sim_host *mn, *cn;
    struct sim *s = joined(&mn, &cn);
    struct addr set[2] = { mn->addr[0], ip("fe80::1") };
    struct hip_locator_set l;
    move(s, mn, cn, set, 2);
    struct hip_pkt k;
    const struct sim_packet *p = sim_sent(s, HIP_PKT_UPDATE);
    assert_int_equal(hip_pkt_parse(span_of(p->p, p->n), &k), HIP_TAKEN);
    assert_int_equal(hip_get_locator_set(hip_pkt_span(&k, HIP_PAR_LOCATOR_SET), &l), ERR_OK);
    assert_int_equal(l.n, 1);
    assert_int_equal(try_move(s, mn, mn->addr[0], cn->addr[0], &set[1], 1), ERR_RANGE);
    sim_run(s, 100000);
    l = (struct hip_locator_set){ .n = 2 };
    l.v[0] = locator("fe80::1", true, HIP_LOC_ALL);
    l.v[1] = locator("192.0.2.1", false, HIP_LOC_ALL);
    send_set(s, mn, &l);
    sim_run(s, 100000);
    assert_int_equal(state_of(cn, "fe80::1"), HIP_LOCATOR_NONE);
    assert_true(verified(cn, "192.0.2.1"));
    sim_free(s);
}

static void what_cannot_be_told(void **state)
{
    struct sim_host *mn, *cn;
    struct sim *s = joined(&mn, &cn);
    const char *const bad[] = { "224.0.0.1", "255.255.255.255", "0.0.0.0", "127.0.0.1", "::1", "ff02::1" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct addr a = ip(bad[i]);
        assert_int_equal(try_move(s, mn, mn->addr[0], cn->addr[0], &a, 1), ERR_RANGE);
    }
    struct addr many[HIP_LOCATORS_MAX + 1] = { mn->addr[0] };
    assert_int_equal(try_move(s, mn, mn->addr[0], cn->addr[0], many, HIP_LOCATORS_MAX + 1), ERR_RANGE);
    assert_int_equal(try_move(s, mn, mn->addr[0], cn->addr[0], many, 0), ERR_RANGE);
    assert_int_equal(try_move(s, mn, mn->addr[0], ip("2001:db8::1"), many, 1), ERR_RANGE);
    assert_true(sim_ladder_is(s, ""));
    sim_free(s);
}

/* ---- credit ---- */

/* The old address is gone: data follows at once, as much as came from there, an eighth less for every five seconds. */
static void break_before_make(void **state)
{
    for (int late = 0; late < 2; late++) {
        struct sim_host *mn, *cn;
        struct sim *s = joined(&mn, &cn);
        struct addr wlan = sim_addr(mn, "192.0.2.77");
        hip_cba_received(cn->e, cn->ref, 100000, s->now);
        sim_run(s, late ? 10000000 : 1000);
        sim_addr_gone(mn, "192.0.2.1");
        sim_rule(s, cn, HIP_PKT_UPDATE, SIM_LOSE);
        move(s, mn, cn, &wlan, 1);
        sim_run(s, 15000);
        assert_true(goes_to(cn, "192.0.2.77") && cn->unverified);
        if (late)
            assert_true(cn->credit > 76000 && cn->credit < 77000);
        else
            assert_true(cn->credit > 100000 && cn->credit < 101000);
        assert_int_equal(inside(cn)->credit, 0); /* given out once */
        sim_run(s, 5000000);
        assert_true(verified(cn, "192.0.2.77"));
        sim_free(s);
    }
}

/* The old address is listed still: data stays there, without credit. */
static void make_before_break(void **state)
{
    struct sim_host *mn, *cn;
    struct sim *s = joined(&mn, &cn);
    struct addr set[2] = { sim_addr(mn, "192.0.2.77"), mn->addr[0] };
    sim_rule(s, cn, HIP_PKT_UPDATE, SIM_LOSE);
    move(s, mn, cn, set, 2);
    sim_run(s, 15000);
    assert_true(verified(cn, "192.0.2.1"));
    sim_run(s, 5000000);
    assert_true(verified(cn, "192.0.2.77"));
    sim_free(s);
}

/* To an address of the peer's that nobody checked: on credit, until the nonce in our own UPDATE comes back. */
static void to_another_family(void **state)
{
    struct sim_host *mn, *cn;
    struct sim *s = joined(&mn, &cn);
    struct addr six = sim_addr(mn, "2001:db8:1::1"), there = sim_addr(cn, "2001:db8:2::1");
    struct addr four = mn->addr[0];
    sim_addr_gone(mn, "192.0.2.1");
    hip_cba_received(mn->e, mn->ref, 2000, s->now);
    assert_int_equal(try_move(s, mn, six, there, &six, 1), ERR_OK);
    assert_true(goes_to(mn, "2001:db8:2::1") && mn->unverified && mn->credit >= 2000);
    sim_run(s, 200000);
    assert_true(sim_ladder_is(s, "mn>cn UPDATE\ncn>mn UPDATE\nmn>cn UPDATE\n"));
    assert_true(verified(mn, "2001:db8:2::1"));
    assert_true(verified(cn, "2001:db8:1::1"));
    /* And back. */
    (void)sim_addr(mn, "192.0.2.1");
    assert_int_equal(try_move(s, mn, four, cn->addr[0], &four, 1), ERR_OK);
    assert_true(verified(mn, "198.51.100.1")); /* ACTIVE since the exchange */
    sim_run(s, 200000);
    assert_true(verified(cn, "192.0.2.1"));
    sim_free(s);
}

/* Our UPDATE goes again by way of the server: what comes back says nothing of the address that was not checked. */
static void a_nonce_that_took_another_way(void **state)
{
    struct sim_host *mn, *cn;
    struct sim *s = joined(&mn, &cn);
    struct addr six = sim_addr(mn, "2001:db8:1::1"), nobody = ip("2001:db8:2::99");
    struct addr both[2] = { six, mn->addr[0] };
    struct addr rvs = cn->addr[0];
    assert_int_equal(hip_rvs_of(mn->e, mn->ref, &rvs), ERR_OK); /* cn itself will do */
    assert_int_equal(try_move(s, mn, six, nobody, both, 2), ERR_OK);
    sim_run(s, 1100000);
    assert_int_equal(state_of(mn, "2001:db8:2::99"), HIP_LOCATOR_UNVERIFIED);
    assert_true(verified(mn, "198.51.100.1"));
    sim_free(s);
}

/* ---- crossing ---- */

/* Both move at once and each still reaches the other's old address for a moment. */
static void both_move(void **state)
{
    struct sim_host *mn, *cn;
    struct sim *s = joined(&mn, &cn);
    struct addr a = sim_addr(mn, "192.0.2.77"), b = sim_addr(cn, "198.51.100.77");
    move(s, mn, cn, &a, 1);
    assert_int_equal(try_move(s, cn, b, mn->addr[0], &b, 1), ERR_OK);
    sim_run(s, 5000000);
    assert_true(verified(cn, "192.0.2.77"));
    assert_true(verified(mn, "198.51.100.77"));
    sim_free(s);
}

/* ---- by way of a rendezvous server (s3.2.3) ---- */

static struct sim *with_rvs(struct sim_host **mn, struct sim_host **cn, struct sim_host **rvs,
                            struct hip_ref *home)
{
    struct hip_config c = sim_config();
    struct sim *s = sim_new(sim_seed(32));
    *mn = sim_host(s, "mn", &c, 0, "192.0.2.1");
    *rvs = sim_host(s, "rvs", &c, 1, "198.51.100.1");
    *cn = sim_host(s, "cn", &c, 2, "203.0.113.9");
    (*rvs)->relays = true;
    (void)sim_connect(s, *mn, *rvs);
    sim_run(s, 500000);
    *home = (*mn)->ref;
    assert_int_equal(hip_rvs_trust((*mn)->e, *home, true), ERR_OK);
    /* cn asks the server for mn, and knows from R1 that it is one. */
    struct hip_path path = sim_path(*cn, *rvs);
    struct hip_ref ref;
    assert_int_equal(hip_connect((*cn)->e, sim_hit(*cn), sim_hit(*mn), &path, 1, s->now, &s->out, &ref),
                     ERR_OK);
    sim_act(s, *cn);
    sim_run(s, 1000000);
    assert_true(sim_joined(*cn, *mn));
    assert_true(addr_same_ip(&inside(*cn)->rvs, &(*rvs)->addr[0]));
    sim_ladder_clear(s);
    return s;
}

static void move_home(struct sim *s, struct sim_host *mn, struct hip_ref home, const struct sim_host *rvs,
                      const struct addr *to)
{
    struct hip_path path = { .local = *to, .peer = rvs->addr[0] };
    assert_int_equal(hip_move(mn->e, home, &path, to, 1, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
}

static void both_jump(void **state)
{
    struct sim_host *mn, *cn, *rvs;
    struct hip_ref home;
    struct sim *s = with_rvs(&mn, &cn, &rvs, &home);
    struct addr a = sim_addr(mn, "192.0.2.77"), b = sim_addr(cn, "203.0.113.77");
    struct addr old_a = mn->addr[0], old_b = cn->addr[0];
    sim_addr_gone(mn, "192.0.2.1");
    sim_addr_gone(cn, "203.0.113.9");
    move_home(s, mn, home, rvs, &a);
    assert_int_equal(try_move(s, mn, a, old_b, &a, 1), ERR_OK);
    assert_int_equal(try_move(s, cn, b, old_a, &b, 1), ERR_OK);
    sim_run(s, 5000000);
    assert_true(verified(cn, "192.0.2.77"));
    assert_true(verified(mn, "203.0.113.77"));
    assert_int_equal(mn->gone + cn->gone, 0);
    assert_int_equal(sim_count(s, "cn>rvs UPDATE"), 1);
    assert_int_equal(sim_count(s, "rvs>mn UPDATE"), 2); /* one of its own: mn's move */
    sim_free(s);
}

/* What acknowledges it says by which server it came; the checks go to the host, not to the server. */
static void acknowledged_with_via_rvs(void **state)
{
    struct sim_host *mn, *cn, *rvs;
    struct hip_ref home;
    struct sim *s = with_rvs(&mn, &cn, &rvs, &home);
    struct addr b = sim_addr(cn, "203.0.113.77");
    sim_rule(s, cn, HIP_PKT_UPDATE, SIM_LOSE)->count = 2; /* the straight ones */
    assert_int_equal(try_move(s, cn, b, mn->addr[0], &b, 1), ERR_OK);
    sim_run(s, 1025000);
    assert_true(sim_ladder_is(s, "cn>mn UPDATE (lost)\ncn>mn UPDATE (lost)\ncn>rvs UPDATE\nrvs>mn UPDATE\n"
                                 "mn>cn UPDATE\n"));
    struct hip_pkt k;
    struct hip_via via;
    const struct sim_packet *p = sim_sent(s, HIP_PKT_UPDATE);
    assert_int_equal(hip_pkt_parse(span_of(p->p, p->n), &k), HIP_TAKEN);
    assert_true(hip_pkt_has(&k, HIP_PAR_ACK) && hip_pkt_has(&k, HIP_PAR_ECHO_REQUEST_SIGNED));
    assert_int_equal(hip_get_via_rvs(hip_pkt_span(&k, HIP_PAR_VIA_RVS), &via), ERR_OK);
    assert_true(addr_same_ip(&via.v[0], &rvs->addr[0]));
    assert_true(addr_same_ip(&p->path.local, &b));
    sim_run(s, 1000000);
    assert_true(verified(mn, "203.0.113.77"));
    sim_free(s);
}

static void change_from(uint8_t *p, size_t *n)
{
    p[*n - 36 - 5] ^= 1; /* RVS_HMAC takes 36 with its head; then FROM's last octets */
}

static void by_a_server_that_is_not_ours(void **state)
{
    for (int changed = 0; changed < 2; changed++) {
        struct sim_host *mn, *cn, *rvs;
        struct hip_ref home;
        struct sim *s = with_rvs(&mn, &cn, &rvs, &home);
        struct addr b = sim_addr(cn, "203.0.113.77");
        sim_addr_gone(cn, "203.0.113.9");
        sim_rule(s, cn, HIP_PKT_UPDATE, SIM_LOSE)->count = 2;
        if (changed)
            sim_rule(s, rvs, HIP_PKT_UPDATE, SIM_CHANGE)->change = change_from;
        else
            assert_int_equal(hip_rvs_trust(mn->e, home, false), ERR_OK);
        assert_int_equal(try_move(s, cn, b, mn->addr[0], &b, 1), ERR_OK);
        sim_run(s, 1100000);
        assert_int_equal(mn->drop, changed ? HIP_DROP_BAD_RVS_HMAC : HIP_DROP_RVS_NOT_TRUSTED);
        assert_true(goes_to(mn, "203.0.113.9"));
        sim_free(s);
    }
}

/* ---- in the base exchange (RFC 8047 s4.2.8, s5.1-5.2) ---- */

static void in_i2_and_r2(void **state)
{
    struct hip_config c = sim_config();
    struct sim *s = sim_new(sim_seed(33));
    struct sim_host *mn = sim_host(s, "mn", &c, 0, "192.0.2.1");
    struct sim_host *cn = sim_host(s, "cn", &c, 1, "198.51.100.1");
    mn->i2.n_locators = cn->r2.n_locators = 2;
    mn->i2.locator[0] = mn->addr[0];
    mn->i2.locator[1] = sim_addr(mn, "192.0.2.2");
    cn->r2.locator[0] = cn->addr[0];
    cn->r2.locator[1] = sim_addr(cn, "198.51.100.2");
    (void)sim_connect(s, mn, cn);
    sim_run(s, 60000);
    assert_true(sim_joined(mn, cn));
    assert_true(verified(mn, "198.51.100.1") && verified(cn, "192.0.2.1"));
    assert_int_equal(state_of(cn, "192.0.2.2"), HIP_LOCATOR_UNVERIFIED);
    assert_int_equal(state_of(mn, "198.51.100.2"), HIP_LOCATOR_UNVERIFIED);
    sim_run(s, 1000000);
    assert_int_equal(state_of(cn, "192.0.2.2"), HIP_LOCATOR_ACTIVE);
    assert_int_equal(state_of(mn, "198.51.100.2"), HIP_LOCATOR_ACTIVE);
    assert_true(verified(mn, "198.51.100.1") && verified(cn, "192.0.2.1"));
    sim_free(s);
}

/* I2 goes to the locator that R1 prefers, and its puzzle is right there; the second one is checked. */
static void in_r1(void **state)
{
    struct hip_config c = sim_config(), r = sim_config();
    struct sim *s = sim_new(sim_seed(34));
    struct sim_host *mn = sim_host(s, "mn", &c, 0, "192.0.2.1");
    r.r1_locators[0] = ip("198.51.100.7");
    r.r1_locators[1] = ip("198.51.100.8");
    struct sim_host *cn = sim_host(s, "cn", &r, 1, "198.51.100.1");
    (void)sim_addr(cn, "198.51.100.7");
    (void)sim_addr(cn, "198.51.100.8");
    (void)sim_connect(s, mn, cn);
    sim_run(s, 60000);
    assert_true(sim_joined(mn, cn));
    assert_true(verified(mn, "198.51.100.7"));
    assert_int_equal(state_of(mn, "198.51.100.7"), HIP_LOCATOR_ACTIVE);
    assert_int_equal(state_of(mn, "198.51.100.8"), HIP_LOCATOR_UNVERIFIED);
    sim_run(s, 1000000);
    assert_int_equal(state_of(mn, "198.51.100.8"), HIP_LOCATOR_ACTIVE);
    sim_free(s);
}

/* ---- moves during it ---- */

/* RFC 8047 s4.2.8: where R1 has a LOCATOR_SET, I2 may come from another address than I1; else its puzzle is not that address's. */
static void i2_from_another_address(void **state)
{
    for (int with = 0; with < 2; with++) {
        struct hip_config c = sim_config(), r = sim_config();
        struct sim *s = sim_new(sim_seed(36));
        struct sim_host *mn = sim_host(s, "mn", &c, 0, "192.0.2.1");
        if (with)
            r.r1_locators[0] = ip("198.51.100.7");
        struct sim_host *cn = sim_host(s, "cn", &r, 1, "198.51.100.1");
        (void)sim_addr(cn, "198.51.100.7");
        mn->hold = true;
        struct hip_ref ref = sim_connect(s, mn, cn);
        sim_run(s, 50000);
        assert_int_equal(mn->asked_i2, 1);
        hip_assoc_by_ref(mn->e, ref)->path.local = sim_addr(mn, "192.0.2.2");
        assert_int_equal(hip_answer(mn->e, ref, &mn->i2, s->now, &s->out), ERR_OK);
        sim_act(s, mn);
        sim_run(s, 60000);
        assert_int_equal(sim_joined(mn, cn), with);
        if (with)
            assert_true(verified(cn, "192.0.2.2"));
        else
            assert_int_equal(cn->drop, HIP_DROP_BAD_PUZZLE);
        sim_free(s);
    }
}

static void moves_in(enum hip_state when, bool old_stays)
{
    struct hip_config c = sim_config();
    struct sim *s = sim_new(sim_seed(35));
    struct sim_host *mn = sim_host(s, "mn", &c, 0, "192.0.2.1");
    struct sim_host *cn = sim_host(s, "cn", &c, 1, "198.51.100.1");
    struct hip_assoc_view v;
    mn->ref = sim_connect(s, mn, cn);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(hip_assoc_get(mn->e, mn->ref, &v), ERR_OK);
        if (v.state == when)
            break;
        sim_run(s, 1000);
    }
    assert_int_equal(v.state, when);
    struct addr to = sim_addr(mn, "192.0.2.77");
    if (!old_stays)
        sim_addr_gone(mn, "192.0.2.1");
    move(s, mn, cn, &to, 1);
    sim_run(s, 900000); /* before any retransmission */
    assert_true(sim_joined(mn, cn));
    assert_true(verified(cn, "192.0.2.77"));
    assert_true(addr_same_ip(&mn->sa_path.local, &to));
    assert_int_equal(mn->asked_i2, 1);
    sim_run(s, 70000000);
    assert_true(sim_joined(mn, cn));
    sim_free(s);
}

static void moves_in_i1_sent(void **state)
{
    moves_in(HIP_I1_SENT, false);
    moves_in(HIP_I1_SENT, true);
}

/* With the old address still there its R2 may come first: then the set follows in an UPDATE. */
static void moves_in_i2_sent(void **state)
{
    moves_in(HIP_I2_SENT, false);
    moves_in(HIP_I2_SENT, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_the_base_exchange),
        cmocka_unit_test(all_are_checked_in_turn),
        cmocka_unit_test(more_than_there_is_room_for),
        cmocka_unit_test(the_preferred_one_dies),
        cmocka_unit_test(an_update_finds_it_dead),
        cmocka_unit_test(silence_that_means_nothing),
        cmocka_unit_test(deprecated_and_back),
        cmocka_unit_test(none_at_all),
        cmocka_unit_test(for_signalling_and_for_data),
        cmocka_unit_test(a_type_that_is_not_known),
        cmocka_unit_test(of_one_link_only),
        cmocka_unit_test(what_cannot_be_told),
        cmocka_unit_test(break_before_make),
        cmocka_unit_test(make_before_break),
        cmocka_unit_test(to_another_family),
        cmocka_unit_test(a_nonce_that_took_another_way),
        cmocka_unit_test(both_move),
        cmocka_unit_test(both_jump),
        cmocka_unit_test(acknowledged_with_via_rvs),
        cmocka_unit_test(by_a_server_that_is_not_ours),
        cmocka_unit_test(in_i2_and_r2),
        cmocka_unit_test(i2_from_another_address),
        cmocka_unit_test(in_r1),
        cmocka_unit_test(moves_in_i1_sent),
        cmocka_unit_test(moves_in_i2_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
