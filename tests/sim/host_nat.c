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

static bool at(struct addr a, const struct sim_nat *n)
{
    return addr_same_ip(&a, &n->outside);
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
    assert_true(at(r.path.peer, s.mn_nat));
    assert_true(at(st.fa_sees, s.mn_nat));
    assert_true(st.fa_sees.port == r.path.peer.port);
    assert_int_equal(st.relayed.family, ADDR_V4);
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
    w_run(s.w, 105 * W_MS); /* the wish is on its way */
    s.w->lose = no_udp;
    w_run(s.w, 10 * W_S);
    r = registration(&s);
    assert_true(lists(&r, HIP_REGT_RENDEZVOUS));
    assert_int_equal(w_status(s.w, s.mn).fa, HOST_FA_REGISTERED);
    scene_free(&s);
}

/* ---- peers ---- */

static bool is_kind(const struct world *w, void *arg)
{
    const struct scene *s = arg;
    return peer(s->cn, s->mn).kind == HOST_PATH_DIRECT && peer(s->mn, s->cn).kind == HOST_PATH_DIRECT;
}

/* Both behind NATs that filter by address and port: the checks open them, and the path is direct. */
static void test_direct_through_nats(void **state)
{
    struct scene s = scene_of(5, true, true, PORTS);

    assert_true(reach(&s));
    assert_true(w_until(s.w, 3 * W_S, is_kind, &s));
    assert_true(w_ping(s.w, s.cn, s.mn, W_S));
    assert_true(w_ping(s.w, s.mn, s.cn, W_S));
    assert_true(at(peer(s.cn, s.mn).esp.peer, s.mn_nat));
    assert_true(at(peer(s.mn, s.cn).esp.peer, s.cn_nat));
    assert_true(peer(s.cn, s.mn).rtt_us > 0);
    assert_non_null(strstr(peer(s.cn, s.mn).why, "answered"));
    scene_free(&s);
}

/* Symmetric NATs at both ends: only the data relay carries it, and `hipctl peers` can say why. */
static void test_relayed_through_symmetric_nats(void **state)
{
    struct scene s = scene_of(6, true, true, SYMMETRIC);
    struct hip_pair_view p;
    struct host_peer_view v;
    size_t pos = 0, direct = 0;
    unsigned before;

    assert_true(reach(&s));
    w_run(s.w, 10 * W_S);
    v = peer(s.mn, s.cn);
    assert_int_equal(v.kind, HOST_PATH_RELAYED);
    assert_int_equal(peer(s.cn, s.mn).kind, HOST_PATH_RELAYED);
    assert_non_null(strstr(v.why, "no direct pair answered"));
    while (hip_pair_next(host_engine(s.mn->h), v.ref, &pos, &p))
        direct += p.local.kind != HIP_LOC_RELAYED && p.remote_kind != HIP_LOC_RELAYED &&
                  p.state == HIP_PAIR_FAILED && p.tries > 0;
    assert_true(direct > 0);
    before = s.fa->core->relayed_esp;
    assert_true(w_ping(s.w, s.cn, s.mn, W_S));
    assert_true(w_ping(s.w, s.mn, s.cn, W_S));
    assert_int_equal(s.fa->core->relayed_esp, before + 2);
    scene_free(&s);
}

/* New SPIs are let through before anybody sends by them, whichever end asks for new keys. */
static void test_new_keys_relayed(void **state)
{
    struct scene s = scene_of(9, true, true, SYMMETRIC);
    uint32_t spi;

    assert_true(reach(&s));
    w_run(s.w, 10 * W_S);
    assert_int_equal(peer(s.mn, s.cn).kind, HOST_PATH_RELAYED);
    for (int i = 0; i < 6; i++) {
        struct w_node *n = i % 2 ? s.mn : s.cn;
        unsigned before = s.fa->core->relayed_esp;
        spi = peer(s.cn, s.mn).spi_in;
        host_actions_reset(&n->out);
        host_sa_due(n->h, peer(n, i % 2 ? s.cn : s.mn).ref, s.w->now, &n->out);
        w_act(s.w, n);
        for (int k = 0; k < 200; k++) {
            w_send(s.w, s.cn, &s.mn->id);
            w_send(s.w, s.mn, &s.cn->id);
            w_run(s.w, 2 * W_MS);
        }
        assert_int_not_equal(peer(s.cn, s.mn).spi_in, spi);
        w_run(s.w, 200 * W_MS);
        assert_int_equal(s.fa->core->dropped_esp, 0);
        assert_int_equal(s.fa->core->relayed_esp, before + 400);
        assert_true(w_ping(s.w, s.cn, s.mn, W_S));
        assert_true(w_ping(s.w, s.mn, s.cn, W_S));
    }
    scene_free(&s);
}

/* A permission lasts five minutes (s4.12.2); ours are asked for again before that. */
static void test_permission_refreshed(void **state)
{
    struct scene s = scene_of(7, true, true, SYMMETRIC);

    assert_true(reach(&s));
    for (int i = 0; i < 13; i++) {
        w_run(s.w, 60 * W_S);
        assert_true(w_ping(s.w, s.cn, s.mn, W_S));
        assert_true(w_ping(s.w, s.mn, s.cn, W_S));
    }
    assert_int_equal(peer(s.mn, s.cn).kind, HOST_PATH_RELAYED);
    scene_free(&s);
}

/* cn's NAT is opened: the direct path is found and taken without anybody's hand. */
static void test_opened(void **state)
{
    struct scene s = scene_of(8, true, true, SYMMETRIC);
    unsigned before;
    uint64_t t;

    assert_true(reach(&s));
    w_run(s.w, 5 * W_S);
    assert_int_equal(peer(s.mn, s.cn).kind, HOST_PATH_RELAYED);
    s.cn_nat->mapping = s.cn_nat->filtering = SIM_NAT_ENDPOINT_INDEPENDENT;
    sim_nat_restart(s.cn_nat, NULL); /* one port for all from now on */
    t = s.w->now;
    while (!is_kind(s.w, &s)) {
        if (!w_ping(s.w, s.cn, s.mn, 300 * W_MS))
            w_silent(s.w, s.cn, &s.mn->id, 3 * W_S / 2);
        assert_true(s.w->now - t < 60 * W_S);
    }
    printf("# direct %llu ms after the NAT was opened\n", (unsigned long long)((s.w->now - t) / W_MS));
    before = s.fa->core->relayed_esp;
    assert_true(w_ping(s.w, s.cn, s.mn, W_S));
    assert_true(w_ping(s.w, s.mn, s.cn, W_S));
    assert_int_equal(s.fa->core->relayed_esp, before);
    scene_free(&s);
}

struct blocked {
    struct addr a, b;
};

/* What goes between the two NATs directly is lost. */
static bool between(void *ctx, const struct hip_path *path, bool esp)
{
    const struct blocked *x = ctx;
    return (addr_same_ip(&path->local, &x->a) && addr_same_ip(&path->peer, &x->b)) ||
           (addr_same_ip(&path->local, &x->b) && addr_same_ip(&path->peer, &x->a));
}

static bool both_relayed(const struct world *w, void *arg)
{
    const struct scene *s = arg;
    return peer(s->cn, s->mn).kind == HOST_PATH_RELAYED && peer(s->mn, s->cn).kind == HOST_PATH_RELAYED;
}

/* A direct path that carries nothing any more is left for the relay within seconds, and taken back. */
static void test_fallback_and_return(void **state)
{
    struct scene s = scene_of(9, true, true, PORTS);
    struct blocked x;
    uint64_t t;

    assert_true(reach(&s));
    assert_true(w_until(s.w, 3 * W_S, is_kind, &s));
    x = (struct blocked){ s.mn_nat->outside, s.cn_nat->outside };
    s.w->lose = between;
    s.w->lose_ctx = &x;
    w_send(s.w, s.mn, &s.cn->id);
    w_run(s.w, 3 * W_S / 2);
    w_silent(s.w, s.mn, &s.cn->id, 3 * W_S / 2); /* as host/data.c tells */
    t = s.w->now;
    assert_true(w_until(s.w, 5 * W_S, both_relayed, &s));
    printf("# relayed %llu ms after the silence was noticed\n", (unsigned long long)((s.w->now - t) / W_MS));
    assert_true(w_ping(s.w, s.mn, s.cn, W_S));
    assert_true(w_ping(s.w, s.cn, s.mn, W_S));
    w_run(s.w, 10 * W_S);
    s.w->lose = NULL;
    assert_true(w_until(s.w, 60 * W_S, is_kind, &s));
    assert_true(w_ping(s.w, s.mn, s.cn, W_S));
    scene_free(&s);
}

/* ---- changes ---- */

static bool pings(struct scene *s)
{
    return w_ping(s->w, s->cn, s->mn, 300 * W_MS) && w_ping(s->w, s->mn, s->cn, 300 * W_MS);
}

/* mn goes to another network behind another NAT, the old one first: FA and peer follow. */
static void test_moves_between_nats(void **state)
{
    struct scene s = scene_of(10, true, true, SYMMETRIC);
    uint64_t t;

    assert_true(reach(&s));
    w_run(s.w, 3 * W_S);
    w_nat(s.w, SYMMETRIC, "198.51.100.2", "10.3.0.0", 16);
    w_addr_down(s.w, s.mn, "10.1.0.10");
    w_addr_up(s.w, s.mn, "10.3.0.10", 3, 0);
    t = s.w->now;
    while (!pings(&s))
        assert_true(s.w->now - t < 2 * W_S);
    printf("# reached again %llu ms after the move\n", (unsigned long long)((s.w->now - t) / W_MS));
    assert_true(at(registration(&s).path.peer, &s.w->nat[2]));
    w_run(s.w, 5 * W_S);
    assert_int_equal(peer(s.mn, s.cn).kind, HOST_PATH_RELAYED);
    assert_true(w_ping(s.w, s.cn, s.mn, W_S));
    assert_true(w_ping(s.w, s.mn, s.cn, W_S));
    scene_free(&s);
}

/* Into a network with a NAT from one without: what was associated without UDP is met anew over UDP. */
static void test_moves_into_nat(void **state)
{
    struct scene s = scene_of(11, false, false, CONE);
    uint64_t t;

    assert_true(reach(&s));
    assert_int_equal(peer(s.mn, s.cn).kind, HOST_PATH_RAW);
    w_nat(s.w, PORTS, "198.51.100.2", "10.3.0.0", 16);
    w_addr_up(s.w, s.mn, "10.3.0.10", 3, 0);
    w_run(s.w, 50 * W_MS);
    w_addr_down(s.w, s.mn, "198.51.100.10");
    t = s.w->now;
    while (!pings(&s))
        assert_true(s.w->now - t < 15 * W_S);
    printf("# reached again %llu ms after the move\n", (unsigned long long)((s.w->now - t) / W_MS));
    w_run(s.w, 5 * W_S);
    assert_int_equal(w_status(s.w, s.mn).fa_path.peer.port, HIP_UDP_PORT);
    assert_int_equal(w_status(s.w, s.mn).fa, HOST_FA_REGISTERED);
    scene_free(&s);
}

/* The NAT restarts with other ports and another address: the FA hears of it by our next question. */
static void test_renumbered(void **state)
{
    struct scene s = scene_of(12, true, true, SYMMETRIC);
    uint64_t t;

    assert_true(reach(&s));
    w_run(s.w, 5 * W_S);
    sim_nat_restart(s.mn_nat, "198.51.100.9");
    t = s.w->now;
    while (!pings(&s)) {
        w_silent(s.w, s.mn, &s.cn->id, s.w->now - t);
        assert_true(s.w->now - t < 40 * W_S);
    }
    printf("# reached again %llu ms after the NAT's restart\n", (unsigned long long)((s.w->now - t) / W_MS));
    assert_true(at(registration(&s).path.peer, s.mn_nat));
    scene_free(&s);
}

/* The FA ends without a word under relayed load and begins anew: reached again within keepalive and registration timers, without anyone's hand. */
static void test_fa_restart_under_load(void **state)
{
    struct scene s = scene_of(13, true, true, SYMMETRIC);
    uint64_t t;

    assert_true(reach(&s));
    w_run(s.w, 5 * W_S);
    assert_int_equal(peer(s.mn, s.cn).kind, HOST_PATH_RELAYED);
    w_core_restart(s.w, s.fa);
    t = s.w->now;
    while (!pings(&s)) {
        if (s.w->now - t >= 3 * W_S / 2)
            w_silent(s.w, s.mn, &s.cn->id, s.w->now - t);
        assert_true(s.w->now - t < 15 * W_S);
    }
    printf("# reached again %llu ms after the restart, with traffic\n",
           (unsigned long long)((s.w->now - t) / W_MS));
    scene_free(&s);
}

/* The same with nobody sending: the question of every 20 seconds finds it. */
static void test_fa_restart_idle(void **state)
{
    struct scene s = scene_of(14, true, true, SYMMETRIC);

    assert_true(reach(&s));
    w_run(s.w, 5 * W_S);
    w_core_restart(s.w, s.fa);
    w_run(s.w, 35 * W_S);
    assert_int_equal(w_status(s.w, s.mn).fa, HOST_FA_REGISTERED);
    assert_true(w_ping(s.w, s.cn, s.mn, W_S));
    assert_true(w_ping(s.w, s.mn, s.cn, W_S));
    scene_free(&s);
}

/* The Forwarding Agent's relayed port breaks: no candidate any more, and another one is asked for. */
static void test_data_relay_withdrawn(void **state)
{
    struct scene s = scene_of(18, true, true, SYMMETRIC);
    struct addr broken = w_status(s.w, s.mn).relayed, now;

    assert_true(reach(&s));
    w_run(s.w, 5 * W_S);
    assert_int_equal(peer(s.cn, s.mn).kind, HOST_PATH_RELAYED);
    w_core_port_breaks(s.w, s.fa, &broken);
    w_run(s.w, W_S / 2);
    assert_int_equal(w_status(s.w, s.mn).relayed.family, ADDR_NONE);
    assert_int_equal(w_status(s.w, s.mn).fa, HOST_FA_REGISTERED);
    w_run(s.w, 30 * W_S);
    now = w_status(s.w, s.mn).relayed;
    assert_int_equal(now.family, ADDR_V4);
    assert_false(addr_eq(&now, &broken));
    assert_true(w_ping(s.w, s.cn, s.mn, 5 * W_S));
    scene_free(&s);
}

/* Private addresses that are to stay at home are no candidates. */
static void test_private_kept(void **state)
{
    struct scene s = scene_of(15, true, true, PORTS);
    struct hip_pair_view p;
    size_t pos = 0;

    s.mn->c.hide_private = true;
    w_restart(s.w, s.mn);
    w_run(s.w, 5 * W_S);
    assert_true(reach(&s));
    w_run(s.w, 5 * W_S);
    while (hip_pair_next(host_engine(s.cn->h), peer(s.cn, s.mn).ref, &pos, &p))
        assert_false(addr_is_private(&p.remote));
    assert_true(pos > 0);
    assert_int_equal(peer(s.cn, s.mn).kind, HOST_PATH_DIRECT);
    scene_free(&s);
}

/* A second interface behind another NAT: where it is seen, its own question tells (CANDIDATE_DISCOVERY), and the peer hears of it. */
static void test_discovery(void **state)
{
    struct scene s = scene_of(16, true, true, PORTS);
    struct hip_pair_view p;
    bool seen = false;
    size_t pos = 0;

    w_nat(s.w, PORTS, "198.51.100.2", "10.3.0.0", 16);
    w_addr_up(s.w, s.mn, "10.3.0.10", 3, 2); /* worse than the first: nobody moves */
    w_run(s.w, W_S);
    assert_true(reach(&s));
    assert_true(at(registration(&s).path.peer, s.mn_nat));
    while (hip_pair_next(host_engine(s.cn->h), peer(s.cn, s.mn).ref, &pos, &p))
        seen |= at(p.remote, &s.w->nat[2]) && p.remote_kind == HIP_LOC_SRFLX;
    assert_true(seen);
    scene_free(&s);
}

/* It comes while the two talk already: the peer is told, and what they have goes on. */
static void test_discovery_later(void **state)
{
    struct scene s = scene_of(17, true, true, PORTS);
    struct hip_pair_view p;
    bool seen = false;
    size_t pos = 0;

    assert_true(reach(&s));
    assert_true(w_until(s.w, 3 * W_S, is_kind, &s));
    w_nat(s.w, PORTS, "198.51.100.2", "10.3.0.0", 16);
    w_addr_up(s.w, s.mn, "10.3.0.10", 3, 2);
    for (int i = 0; i < 20; i++) {
        w_run(s.w, 100 * W_MS);
        assert_true(w_ping(s.w, s.cn, s.mn, W_S)); /* nothing is lost */
        assert_true(w_ping(s.w, s.mn, s.cn, W_S));
    }
    while (hip_pair_next(host_engine(s.cn->h), peer(s.cn, s.mn).ref, &pos, &p))
        seen |= at(p.remote, &s.w->nat[2]);
    assert_true(seen);
    /* and the first goes: the second carries on */
    w_addr_down(s.w, s.mn, "10.1.0.10");
    for (int i = 0; i < 40 && !pings(&s); i++)
        ;
    assert_true(pings(&s));
    scene_free(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bound_behind_nat),
        cmocka_unit_test(test_rendezvous_without_nat),
        cmocka_unit_test(test_udp_wanted),
        cmocka_unit_test(test_udp_wanted_in_vain),
        cmocka_unit_test(test_direct_through_nats),
        cmocka_unit_test(test_relayed_through_symmetric_nats),
        cmocka_unit_test(test_new_keys_relayed),
        cmocka_unit_test(test_permission_refreshed),
        cmocka_unit_test(test_opened),
        cmocka_unit_test(test_fallback_and_return),
        cmocka_unit_test(test_moves_between_nats),
        cmocka_unit_test(test_moves_into_nat),
        cmocka_unit_test(test_renumbered),
        cmocka_unit_test(test_fa_restart_under_load),
        cmocka_unit_test(test_fa_restart_idle),
        cmocka_unit_test(test_data_relay_withdrawn),
        cmocka_unit_test(test_private_kept),
        cmocka_unit_test(test_discovery),
        cmocka_unit_test(test_discovery_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
