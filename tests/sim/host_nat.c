/* SPDX-License-Identifier: Apache-2.0
 *
 * host/core behind NATs, with fa/core as control and data relay: bound and reached there, found directly or relayed and why, permissions kept, moves,
 * a NAT that forgets, an FA that restarts under relayed load. Virtual time throughout.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/core_fa.h"

#define NAME "matti-virtanen.operator.example"
#define FA   "fa.operator.example"

#define CONE      SIM_NAT_ENDPOINT_INDEPENDENT, SIM_NAT_ENDPOINT_INDEPENDENT
#define PORTS     SIM_NAT_ENDPOINT_INDEPENDENT, SIM_NAT_ADDRESS_AND_PORT_DEPENDENT
#define SYMMETRIC SIM_NAT_ADDRESS_AND_PORT_DEPENDENT, SIM_NAT_ADDRESS_AND_PORT_DEPENDENT

struct scene {
    struct world *w;
    struct w_node *fa, *mn, *cn;
    struct w_card *card;
    struct hip_hi cn_hi;
    struct sim_nat *mn_nat, *cn_nat;
};

/* mn with a card at 10.1.0.10, cn without one at 10.2.0.50: behind NATs if there are any, else at public addresses. */
static struct scene scene_of(uint64_t seed, bool mn_nat, bool cn_nat, enum sim_nat_kind mapping,
                             enum sim_nat_kind filtering)
{
    struct scene s = { .w = w_new(w_seed(seed)) };
    struct host_config c = w_config();
    struct host_fa_conf fa;

    s.fa = w_core_new(s.w, "fa", "192.0.2.18", FA);
    w_core_relay(s.fa);
    fa = w_core_conf(s.fa);
    c.udp_port = HIP_UDP_PORT;
    c.fa = &fa;
    c.n_fa = 1;
    s.mn = w_host(s.w, "mn", &c);
    s.card = s.mn->card = w_card_new(s.w, "001010000000001", 0x46);
    w_core_subscriber(s.fa, s.card, "Matti", "Virtanen");
    if (mn_nat)
        s.mn_nat = w_nat(s.w, mapping, filtering, "198.51.100.1", "10.1.0.0", 16);
    w_addr_up(s.w, s.mn, mn_nat ? "10.1.0.10" : "198.51.100.10", 2, 1);
    assert_int_equal(hip_hi_generate(SIG_ECDSA_P256, 0, &s.cn_hi), ERR_OK);
    c = w_config();
    c.udp_port = HIP_UDP_PORT;
    c.hi = &s.cn_hi;
    s.cn = w_host(s.w, "cn", &c);
    if (cn_nat)
        s.cn_nat = w_nat(s.w, mapping, filtering, "203.0.113.1", "10.2.0.0", 16);
    w_addr_up(s.w, s.cn, cn_nat ? "10.2.0.50" : "203.0.113.50", 2, 0);
    w_start(s.w, s.cn);
    w_core_start(s.w, s.fa);
    w_start(s.w, s.mn);
    w_run(s.w, 5 * W_S);
    return s;
}

static void scene_free(struct scene *s)
{
    hip_hi_done(&s->cn_hi);
    w_free(s->w);
}

static struct fa_registration registration(const struct scene *s)
{
    struct fa_registration r;
    size_t pos = 0;
    while (fa_registration_next(s->fa->core->f, &pos, &r))
        if (hit_eq(&r.hit, &s->mn->id))
            return r;
    memset(&r, 0, sizeof r);
    return r;
}

static bool lists(const struct fa_registration *r, uint8_t type)
{
    return memchr(r->type, type, r->n) != NULL;
}

static struct host_peer_view peer(const struct w_node *n, const struct w_node *of)
{
    struct host_peer_view v;
    assert_true(w_peer(n, &of->id, &v));
    return v;
}

static bool reach(struct scene *s)
{
    w_resolve(s->w, s->cn, NAME);
    w_run(s->w, W_S);
    assert_int_equal(s->cn->resolved_n, 1);
    return w_ping(s->w, s->cn, s->mn, 5 * W_S);
}

/* Behind a NAT the exchange over IP protocol 139 dies of its checksum; the one over UDP binds, and registers for the relays. */
static void test_bound_behind_nat(void **state)
{
    struct scene s = scene_of(1, true, false, SYMMETRIC);
    struct host_status st = w_status(s.w, s.mn);
    struct fa_registration r = registration(&s);

    assert_int_equal(st.bind, HOST_BIND_BOUND);
    assert_int_equal(st.fa, HOST_FA_REGISTERED);
    assert_int_equal(st.fa_path.peer.port, HIP_UDP_PORT);
    assert_true(lists(&r, HIP_REGT_RELAY_UDP_HIP));
    assert_true(lists(&r, HIP_REGT_RELAY_UDP_ESP));
    assert_false(lists(&r, HIP_REGT_RENDEZVOUS)); /* never both: RFC 9028 s7.8 */
    assert_true(addr_same_ip(&r.path.peer, &s.mn_nat->outside));
    scene_free(&s);
}

/* Without one the exchange without UDP is first, and rendezvous is what it gets. */
static void test_rendezvous_without_nat(void **state)
{
    struct scene s = scene_of(2, false, false, CONE);
    struct fa_registration r = registration(&s);

    assert_int_equal(w_status(s.w, s.mn).fa_path.peer.port, 0);
    assert_true(lists(&r, HIP_REGT_RENDEZVOUS));
    assert_false(lists(&r, HIP_REGT_RELAY_UDP_HIP));
    assert_true(reach(&s));
    assert_int_equal(peer(s.cn, s.mn).kind, HOST_PATH_RAW);
    scene_free(&s);
}

/* Registered for rendezvous, wanted by somebody who can only come over UDP: the FA says so, and the host comes over UDP and stays there. */
static void test_udp_wanted(void **state)
{
    struct scene s = scene_of(3, false, true, PORTS);
    struct fa_registration r = registration(&s);

    assert_true(lists(&r, HIP_REGT_RENDEZVOUS));
    assert_true(reach(&s));
    r = registration(&s);
    assert_true(lists(&r, HIP_REGT_RELAY_UDP_HIP));
    assert_int_equal(w_status(s.w, s.mn).fa_path.peer.port, HIP_UDP_PORT);
    w_core_restart(s.w, s.fa);
    w_run(s.w, 60 * W_S);
    r = registration(&s);
    assert_true(lists(&r, HIP_REGT_RELAY_UDP_HIP)); /* stays with UDP */
    scene_free(&s);
}

static bool no_udp(void *ctx, const struct hip_path *path, bool esp)
{
    return path->peer.port != 0;
}

/* UDP is blocked where it is: back to what works, soon, and no second try because of the same wish. */
static void test_udp_wanted_in_vain(void **state)
{
    struct scene s = scene_of(4, false, true, PORTS);
    struct fa_registration r;

    w_resolve(s.w, s.cn, NAME);
    w_run(s.w, W_S);
    w_send(s.w, s.cn, &s.mn->id);
    w_run(s.w, 300 * W_MS); /* the wish is on its way */
    s.w->lose = no_udp;
    w_run(s.w, 10 * W_S);
    r = registration(&s);
    assert_true(lists(&r, HIP_REGT_RENDEZVOUS));
    assert_int_equal(w_status(s.w, s.mn).fa, HOST_FA_REGISTERED);
    scene_free(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bound_behind_nat),
        cmocka_unit_test(test_rendezvous_without_nat),
        cmocka_unit_test(test_udp_wanted),
        cmocka_unit_test(test_udp_wanted_in_vain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
