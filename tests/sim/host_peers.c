/* SPDX-License-Identifier: Apache-2.0
 *
 * Hosts that reach each other: by name through the rendezvous server, by configuration, while one or both move; names that must not be
 * believed; air that loses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hip/param_reg.h"
#include "tests/sim/world.h"

#define NAME    "matti-virtanen.operator.example"
#define FA_NAME "fa.operator.example"
#define UMTS    "198.51.100.10"
#define WLAN    "203.0.113.7"
#define WLAN6   "2001:db8:7::7"

struct scene {
    struct world *w;
    struct w_node *fa, *mn, *cn, *cn2;
    struct hip_hi cn_hi, cn2_hi;
};

static struct w_node *fixed(struct scene *s, const char *name, const char *addr, struct hip_hi *hi)
{
    struct host_config c = w_config();
    struct w_node *n;

    assert_int_equal(hip_hi_generate(SIG_ECDSA_P256, 0, hi), ERR_OK);
    c.hi = hi;
    n = w_host(s->w, name, &c);
    w_addr_up(s->w, n, addr, 2, 0);
    w_start(s->w, n);
    return n;
}

/* A bound host in umts, two others elsewhere, and the name in the DNS. */
static struct scene scene(uint64_t seed)
{
    struct scene s = { .w = w_new(w_seed(seed)) };
    struct host_config c = w_config();
    struct host_fa_conf fa;

    s.fa = w_fa_new(s.w, "fa", "192.0.2.18", FA_NAME);
    s.fa->addr[s.fa->n_addr] = s.fa->addr[0];
    assert_int_equal(addr_parse("2001:db8:20::2", &s.fa->addr[s.fa->n_addr++].addr), ERR_OK);
    fa = w_fa_conf(s.fa);
    c.fa = &fa;
    c.n_fa = 1;
    s.mn = w_host(s.w, "mn", &c);
    s.mn->card = w_card_new(s.w, "001010000000001", 0x46);
    w_addr_up(s.w, s.mn, UMTS, 2, 1);
    w_start(s.w, s.mn);
    w_run(s.w, 2 * W_S);
    assert_int_equal(w_status(s.w, s.mn).bind, HOST_BIND_BOUND);
    w_dns_hip(s.w, NAME, host_identity(s.mn->h), FA_NAME);
    w_dns_addr(s.w, FA_NAME, "192.0.2.18");
    s.cn = fixed(&s, "cn", "192.0.2.50", &s.cn_hi);
    s.cn2 = fixed(&s, "cn2", "192.0.2.51", &s.cn2_hi);
    return s;
}

static void scene_free(struct scene *s)
{
    hip_hi_done(&s->cn_hi);
    hip_hi_done(&s->cn2_hi);
    w_free(s->w);
}

static struct host_peer_view view(const struct w_node *n, const struct hit *peer)
{
    struct host_peer_view v;
    size_t pos = 0;
    while (host_peer_next(n->h, &pos, &v))
        if (hit_eq(&v.hit, peer))
            return v;
    memset(&v, 0, sizeof v);
    return v;
}

static bool at(struct addr a, const struct w_node *n, size_t i)
{
    return addr_same_ip(&a, &n->addr[i].addr);
}

static void resolve(struct scene *s, struct w_node *n)
{
    w_resolve(s->w, n, NAME);
    w_run(s->w, 50 * W_MS);
    assert_int_equal(n->resolved_e, ERR_OK);
    assert_int_equal(n->resolved_n, 1);
    assert_true(hit_eq(&n->resolved[0], &s->mn->id));
}

static void test_by_name(void **state)
{
    struct scene s = scene(100);

    resolve(&s, s.cn);
    assert_true(w_ping(s.w, s.cn, s.mn, 2 * W_S));
    assert_int_equal(s.fa->fa->relayed, 1);
    assert_int_equal(view(s.cn, &s.mn->id).state, HOST_PEER_UP);
    assert_string_equal(view(s.cn, &s.mn->id).name, NAME ".");
    assert_int_equal(view(s.cn, &s.mn->id).esp_suite, 8);
    assert_true(w_ping(s.w, s.mn, s.cn, W_S)); /* and back, without a further exchange */
    assert_int_equal(s.fa->fa->relayed, 1);
    scene_free(&s);
}

static void due(struct scene *s, struct w_node *n, const struct w_node *peer)
{
    host_actions_reset(&n->out);
    host_sa_due(n->h, view(n, &peer->id).ref, s->w->now, &n->out);
    w_act(s->w, n);
}

/* The data plane says that keys have done enough: new ones, more often than KEYMAT lasts for, asked for by one end, the other, and both at once. */
static void test_new_keys(void **state)
{
    struct scene s = scene(105);

    resolve(&s, s.cn);
    assert_true(w_ping(s.w, s.cn, s.mn, 2 * W_S));
    for (int i = 0; i < 30; i++) {
        uint32_t in = view(s.cn, &s.mn->id).spi_in, out = view(s.cn, &s.mn->id).spi_out;
        if (i % 3 != 1)
            due(&s, s.cn, s.mn);
        if (i % 3 != 0)
            due(&s, s.mn, s.cn);
        due(&s, s.cn, s.mn); /* under way already: waited for */
        w_run(s.w, 300 * W_MS);
        assert_int_not_equal(view(s.cn, &s.mn->id).spi_in, in);
        assert_int_not_equal(view(s.cn, &s.mn->id).spi_out, out);
        assert_int_equal(view(s.mn, &s.cn->id).spi_out, view(s.cn, &s.mn->id).spi_in);
        assert_true(w_ping(s.w, s.cn, s.mn, W_S));
        assert_true(w_ping(s.w, s.mn, s.cn, W_S));
    }
    host_actions_reset(&s.cn->out); /* of an association that is gone: nothing */
    host_sa_due(s.cn->h, (struct hip_ref){ 9, 9 }, s.w->now, &s.cn->out);
    assert_int_equal(s.cn->out.n, 0);
    scene_free(&s);
}

/* A datagram each way every 10 ms, n of them. */
static void flood(struct scene *s, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        w_send(s->w, s->cn, &s->mn->id);
        w_send(s->w, s->mn, &s->cn->id);
        w_run(s->w, 10 * W_MS);
    }
}

/* A better interface comes while the old one works: nothing is lost, on the way there and back. */
static void test_nothing_lost_between_two(void **state)
{
    struct scene s = scene(150);
    unsigned mn, cn;

    resolve(&s, s.cn);
    assert_true(w_ping(s.w, s.cn, s.mn, 2 * W_S));
    mn = s.mn->rx;
    cn = s.cn->rx;
    flood(&s, 20);
    w_addr_up(s.w, s.mn, WLAN, 3, 0);
    flood(&s, 100);
    assert_true(at(view(s.mn, &s.cn->id).path.local, s.mn, 1));
    w_addr_down(s.w, s.mn, UMTS); /* nobody uses it any more */
    flood(&s, 50);
    w_addr_up(s.w, s.mn, UMTS, 2, 1);
    flood(&s, 50);
    w_run(s.w, W_S);
    assert_int_equal(s.mn->rx - mn, 220);
    assert_int_equal(s.cn->rx - cn, 220);
    scene_free(&s);
}

/* The old address is gone first: the UPDATE leaves in the moment that the new one is there, and its data with it. */
static void test_update_leaves_at_once(void **state)
{
    struct scene s = scene(151);
    unsigned rx;

    resolve(&s, s.cn);
    assert_true(w_ping(s.w, s.cn, s.mn, 2 * W_S));
    w_addr_down(s.w, s.mn, UMTS);
    w_run(s.w, 3 * W_S);
    w_addr_up(s.w, s.mn, WLAN, 3, 1);
    assert_true(at(view(s.mn, &s.cn->id).path.local, s.mn, 1)); /* no time has passed */
    rx = s.cn->rx;
    w_send(s.w, s.mn, &s.cn->id);
    w_run(s.w, s.w->delay_us + W_MS);
    assert_int_equal(s.cn->rx, rx + 1);
    rx =
        s.mn->rx; /* and the peer's data come there with the next datagram, one round trip after the address came */
    w_send(s.w, s.cn, &s.mn->id);
    w_run(s.w, s.w->delay_us + W_MS);
    assert_int_equal(s.mn->rx, rx + 1);
    scene_free(&s);
}

static void test_probe(void **state)
{
    struct scene s = scene(140);
    struct dnsu_name name;
    struct host_explained x;
    struct hit nobody = s.mn->id;

    assert_int_equal(dnsu_name_from_text(NAME, &name), ERR_OK);
    nobody.b[15] ^= 1;
    w_probe(s.w, s.cn, &nobody); /* no record ever said how to reach it */
    assert_int_equal(s.cn->probed, 1);
    assert_int_equal(s.cn->probed_e, ERR_UNREACHABLE);
    resolve(&s, s.cn);
    w_probe(s.w, s.cn, &s.mn->id);
    w_run(s.w, W_S); /* connects first */
    assert_int_equal(s.cn->probed, 2);
    assert_int_equal(s.cn->probed_e, ERR_OK);
    assert_true(s.cn->probed_rtt_us >= 2 * s.w->delay_us);
    assert_true(s.cn->probed_rtt_us < 2 * s.w->delay_us + 10 * W_MS);
    assert_true(at(s.cn->probed_path.peer, s.mn, 0));
    assert_int_equal(s.cn->sent, 0); /* no datagram of an application */

    host_explain(s.cn->h, &name, &s.mn->id, &x);
    assert_true(x.asked);
    assert_int_equal(x.name_e, ERR_OK);
    assert_int_equal(x.n_record, 1);
    assert_int_equal(x.n_rvs, 1);
    assert_int_equal(x.rvs[0].n, 1);
    assert_true(addr_same_ip(&x.rvs[0].addr[0], &s.fa->addr[0].addr));
    assert_true(x.known && x.trace.ours);
    assert_true(x.trace.begun_us <= x.trace.i1_us && x.trace.i1_us < x.trace.r1_us);
    assert_true(x.trace.r1_us < x.trace.up_us);
    assert_int_equal(x.trace.failed_us, 0);

    s.mn->down = true;
    w_probe(s.w, s.cn, &s.mn->id);
    w_run(s.w, 20 * W_S);
    assert_int_equal(s.cn->probed, 3);
    assert_true(s.cn->probed_e == ERR_TIMEOUT || s.cn->probed_e == ERR_UNREACHABLE);
    scene_free(&s);
}

/* It says where it stopped: the DNS told, the rendezvous server is there, and nobody answers. */
static void test_probe_nobody_there(void **state)
{
    struct scene s = scene(141);
    struct dnsu_name name;
    struct host_explained x;

    assert_int_equal(dnsu_name_from_text(NAME, &name), ERR_OK);
    s.fa->down = true;
    resolve(&s, s.cn);
    w_probe(s.w, s.cn, &s.mn->id);
    w_run(s.w, 19 * W_S);
    assert_int_equal(s.cn->probed, 1);
    assert_int_equal(s.cn->probed_e, ERR_UNREACHABLE);
    host_explain(s.cn->h, &name, &s.mn->id, &x);
    assert_int_equal(x.rvs[0].n, 1);
    assert_true(x.trace.i1_us && !x.trace.r1_us && !x.trace.up_us && x.trace.failed_us);
    assert_string_equal(x.trace.why, "no answer");
    scene_free(&s);
}

/* What an FA relays counts only after it has bound us (docs/sim-binding.md section 5). */
static void test_no_trust_before_binding(void **state)
{
    struct scene s = { .w = w_new(w_seed(99)) };
    struct host_config c = w_config();
    struct host_fa_conf fa;
    struct w_fa *f;

    s.fa = w_fa_new(s.w, "fa", "192.0.2.18", FA_NAME);
    f = s.fa->fa;
    f->lie = W_SILENT;
    fa = w_fa_conf(s.fa);
    c.fa = &fa;
    c.n_fa = 1;
    s.mn = w_host(s.w, "mn", &c);
    s.mn->card = w_card_new(s.w, "001010000000001", 0x46);
    w_addr_up(s.w, s.mn, UMTS, 2, 1);
    w_start(s.w, s.mn);
    w_run(s.w, W_S);
    assert_true(f->run.open);
    f->reg[0].hit = s.mn->id; /* the FA relays to whom it did not bind */
    f->reg_ref[0] = f->run.ref;
    f->n_reg = 1;
    w_dns_hip(s.w, NAME, host_identity(s.mn->h), FA_NAME);
    w_dns_addr(s.w, FA_NAME, "192.0.2.18");
    s.cn = fixed(&s, "cn", "192.0.2.50", &s.cn_hi);
    resolve(&s, s.cn);
    assert_false(w_ping(s.w, s.cn, s.mn, 3 * W_S));
    assert_true(f->relayed > 0);
    scene_free(&s);
}

static void grant_anyway(void *ctx, struct hip_contents *c)
{
    const struct w_fa *f = ctx;
    if (c->n_failed == 0)
        return;
    c->n_failed = 0;
    c->response = (struct hip_reg_list){
        .present = true, .lifetime = hip_reg_lifetime_code(f->reg_s * W_S), .n = 1, .type = { 1 }
    };
}

/* Nor when it registers a host with a SIM that it never bound. */
static void test_no_trust_without_binding(void **state)
{
    struct scene s = { .w = w_new(w_seed(98)) };
    struct host_config c = w_config();
    struct host_fa_conf fa;
    struct w_fa *f;

    s.fa = w_fa_new(s.w, "fa", "192.0.2.18", FA_NAME);
    f = s.fa->fa;
    f->lie = W_NO_201;
    f->twist = grant_anyway;
    f->twist_ctx = f;
    w_fa_restart(s.w, s.fa);
    fa = w_fa_conf(s.fa);
    c.fa = &fa;
    c.n_fa = 1;
    c.no_binding_ok = true;
    s.mn = w_host(s.w, "mn", &c);
    s.mn->card = w_card_new(s.w, "001010000000001", 0x46);
    w_addr_up(s.w, s.mn, UMTS, 2, 1);
    w_start(s.w, s.mn);
    w_run(s.w, 2 * W_S);
    assert_int_equal(w_status(s.w, s.mn).fa, HOST_FA_REGISTERED);
    assert_int_equal(w_status(s.w, s.mn).bind, HOST_BIND_NONE);
    f->reg[0].hit = s.mn->id;
    assert_int_equal(hip_assoc_find(f->e, &f->hi.hit, &s.mn->id, &f->reg_ref[0]), ERR_OK);
    f->n_reg = 1;
    w_dns_hip(s.w, NAME, host_identity(s.mn->h), FA_NAME);
    w_dns_addr(s.w, FA_NAME, "192.0.2.18");
    s.cn = fixed(&s, "cn", "192.0.2.50", &s.cn_hi);
    resolve(&s, s.cn);
    assert_false(w_ping(s.w, s.cn, s.mn, 3 * W_S));
    assert_true(f->relayed > 0);
    scene_free(&s);
}

/* The FA gone: what is connected stays so; who is new does not get through. */
static void test_fa_stops(void **state)
{
    struct scene s = scene(101);

    resolve(&s, s.cn);
    resolve(&s, s.cn2);
    assert_true(w_ping(s.w, s.cn, s.mn, 2 * W_S));
    s.fa->down = true;
    for (int i = 0; i < 60; i++)
        assert_true(w_ping(s.w, s.cn, s.mn, W_S));
    assert_false(w_ping(s.w, s.cn2, s.mn, 20 * W_S));
    assert_int_equal(s.cn2->unreachable, 1);
    scene_free(&s);
}

/* Move with a stream of datagrams: how many are lost, and back; then a host that connects only afterwards. */
static void stream_move(uint64_t seed, bool make_first, unsigned most_lost)
{
    struct scene s = scene(seed);
    unsigned before;

    resolve(&s, s.cn);
    assert_true(w_ping(s.w, s.cn, s.mn, 2 * W_S));
    before = s.mn->rx;
    s.cn->sent = 0;
    for (int i = 0; i < 400; i++) {
        if (i == 100) {
            if (make_first)
                w_addr_up(s.w, s.mn, WLAN, 3, 0);
            else
                w_addr_down(s.w, s.mn, UMTS);
        }
        if (i == 105 && !make_first)
            w_addr_up(s.w, s.mn, WLAN, 3, 0);
        if (i == 130 && make_first)
            w_addr_down(s.w, s.mn, UMTS);
        w_send(s.w, s.cn, &s.mn->id);
        w_send(s.w, s.mn, &s.cn->id);
        w_run(s.w, 10 * W_MS);
    }
    w_run(s.w, W_S);
    printf("# %u of %u datagrams lost\n", s.cn->sent - (s.mn->rx - before), s.cn->sent);
    assert_true(s.cn->sent - (s.mn->rx - before) <= most_lost);
    assert_int_equal(w_status(s.w, s.mn).moves, 2); /* FA and cn */
    assert_int_equal(s.mn->events[HOST_EV_LOST], 0);
    assert_true(at(view(s.cn, &s.mn->id).path.peer, s.mn, 1));

    resolve(&s, s.cn2);
    assert_true(w_ping(s.w, s.cn2, s.mn, 2 * W_S));
    assert_int_equal(s.fa->fa->relayed, 2);
    scene_free(&s);
}

static void test_break_before_make(void **state)
{
    stream_move(102, false, 12);
}

static void test_make_before_break(void **state)
{
    stream_move(103, true, 0);
}

/* To an access that has IPv6 as well: the FA is told over a family that both have; the peer keeps to its own. */
static void test_two_families(void **state)
{
    struct scene s = scene(104);
    struct host_status st;

    resolve(&s, s.cn);
    assert_true(w_ping(s.w, s.cn, s.mn, 2 * W_S));
    w_addr_down(s.w, s.mn, UMTS);
    w_addr_up(s.w, s.mn, WLAN6, 3, 0);
    w_run(s.w, 3 * W_S);
    st = w_status(s.w, s.mn);
    assert_true(at(st.fa_path.local, s.mn, 1));
    assert_int_equal(st.fa_path.peer.family, ADDR_V6);
    w_addr_up(s.w, s.mn, WLAN, 3, 0);
    w_run(s.w, 3 * W_S);
    assert_true(w_ping(s.w, s.cn, s.mn, W_S));
    assert_int_equal(st.fa, HOST_FA_REGISTERED);
    scene_free(&s);
}

/* A link that comes and goes within the settling time moves nobody. */
static void test_flap(void **state)
{
    struct scene s = scene(105);

    for (int i = 0; i < 10; i++) {
        w_addr_up(s.w, s.mn, WLAN, 3, 0);
        w_run(s.w, 50 * W_MS);
        w_addr_down(s.w, s.mn, WLAN);
        w_run(s.w, 50 * W_MS);
    }
    w_run(s.w, W_S);
    assert_int_equal(w_status(s.w, s.mn).moves, 0);
    scene_free(&s);
}

/* No address for a while: neither the FA nor the peer is given up at once. */
static void test_no_network(void **state)
{
    struct scene s = scene(106);

    resolve(&s, s.cn);
    assert_true(w_ping(s.w, s.cn, s.mn, 2 * W_S));
    w_addr_down(s.w, s.mn, UMTS);
    w_run(s.w, 120 * W_S);
    w_addr_up(s.w, s.mn, WLAN, 3, 0);
    w_run(s.w, 5 * W_S);
    assert_int_equal(w_status(s.w, s.mn).fa, HOST_FA_REGISTERED);
    assert_int_equal(s.mn->events[HOST_EV_LOST], 0);
    assert_true(w_ping(s.w, s.cn, s.mn, W_S));
    scene_free(&s);
}

/* The address goes in the middle of the exchange with the FA. */
static void test_move_in_exchange(void **state)
{
    for (uint64_t ms = 1; ms < 90; ms += 7) {
        struct world *w = w_new(w_seed(107));
        struct host_config c = w_config();
        struct w_node *fa = w_fa_new(w, "fa", "192.0.2.18", FA_NAME), *mn;
        struct host_fa_conf conf = w_fa_conf(fa);
        c.fa = &conf;
        c.n_fa = 1;
        mn = w_host(w, "mn", &c);
        mn->card = w_card_new(w, "001010000000001", 0x46);
        w_addr_up(w, mn, UMTS, 2, 1);
        w_start(w, mn);
        w_run(w, 12 * W_MS + ms * W_MS);
        w_addr_down(w, mn, UMTS);
        w_run(w, 30 * W_MS);
        w_addr_up(w, mn, WLAN, 3, 0);
        w_run(w, 30 * W_S);
        assert_int_equal(w_status(w, mn).fa, HOST_FA_REGISTERED);
        assert_int_equal(w_status(w, mn).bind, HOST_BIND_BOUND);
        assert_true(at(w_status(w, mn).fa_path.local, mn, 1));
        w_free(w);
    }
}

/* ---- names ---- */

static void test_ttl(void **state)
{
    struct scene s = scene(110);
    unsigned asked;

    w_dns(s.w, NAME)->ttl = 60;
    resolve(&s, s.cn);
    asked = s.cn->lookups;
    w_run(s.w, 30 * W_S);
    resolve(&s, s.cn);
    assert_int_equal(s.cn->lookups, asked);
    w_run(s.w, 40 * W_S);
    resolve(&s, s.cn);
    assert_true(s.cn->lookups > asked);
    scene_free(&s);
}

/* Anybody can write anybody's HI into a zone of his own. What an unsigned name says of a HIT does not replace what a signed one said. */
static void test_unsigned_name_does_not_divert(void **state)
{
    struct scene s = scene(131);
    const char *other = "other.example";
    struct host_config c = w_config();
    struct w_node *lax;

    c.require_dnssec = false;
    c.hi = &s.cn_hi;
    s.cn->down = true; /* another host has its HI here */
    lax = w_host(s.w, "lax", &c);
    w_addr_up(s.w, lax, "192.0.2.52", 2, 0);
    w_start(s.w, lax);
    w_dns(s.w, NAME)->security = DNSU_SECURE;
    w_dns_hip(s.w, other, host_identity(s.mn->h), "rvs.other.example");
    w_dns_addr(s.w, "rvs.other.example", "192.0.2.66");
    w_dns(s.w, other)->security = DNSU_INSECURE;
    resolve(&s, lax);
    w_resolve(s.w, lax, other);
    w_run(s.w, W_S);
    assert_int_equal(lax->resolved_e, ERR_OK);
    assert_true(w_ping(s.w, lax, s.mn, 3 * W_S));
    scene_free(&s);
}

/* After the TTL nothing of the answer is used: a packet for the HIT asks the name again (RFC 8005 s4.2). */
static void test_ttl_of_peer(void **state)
{
    struct scene s = scene(111);

    w_dns(s.w, NAME)->ttl = 5;
    w_dns(s.w, FA_NAME)->ttl = 5;
    resolve(&s, s.cn);
    w_run(s.w, 10 * W_S);
    w_dns_hip(s.w, NAME, &s.cn2_hi, FA_NAME); /* somebody else's now */
    assert_false(w_ping(s.w, s.cn, s.mn, 3 * W_S));
    assert_int_equal(s.cn->unreachable, 1);
    scene_free(&s);
}

static void test_hit_is_not_the_keys(void **state)
{
    struct scene s = scene(112);

    w_dns(s.w, NAME)->rdata[4 + 15] ^= 1;
    w_resolve(s.w, s.cn, NAME);
    w_run(s.w, W_S);
    assert_int_equal(s.cn->resolved_e, ERR_AUTH);
    assert_int_equal(s.cn->resolved_n, 0);
    assert_int_equal(s.cn->events[HOST_EV_ALARM], 1);
    assert_int_equal(view(s.cn, &s.mn->id).state, HOST_PEER_KNOWN);
    assert_false(w_ping(s.w, s.cn, s.mn, W_S));
    scene_free(&s);
}

static void test_bogus_and_insecure(void **state)
{
    struct scene s = scene(113);

    w_dns(s.w, NAME)->security = DNSU_BOGUS;
    w_resolve(s.w, s.cn, NAME);
    w_run(s.w, W_S);
    assert_int_equal(s.cn->resolved_e, ERR_AUTH);
    w_dns(s.w, NAME)->security = DNSU_INSECURE; /* require_dnssec */
    w_resolve(s.w, s.cn2, NAME);
    w_run(s.w, W_S);
    assert_int_equal(s.cn2->resolved_e, ERR_AUTH);
    scene_free(&s);
}

/* That a name has no HIP record is believed no more than a record; nor are the rendezvous server's addresses. */
static void test_bogus_absence_and_addresses(void **state)
{
    struct scene s = scene(117);

    w_dns(s.w, "plain.operator.example")->security = DNSU_BOGUS;
    w_resolve(s.w, s.cn, "plain.operator.example");
    w_run(s.w, W_S);
    assert_int_equal(s.cn->resolved_e, ERR_AUTH);
    w_dns(s.w, FA_NAME)->security = DNSU_BOGUS;
    resolve(&s, s.cn);
    assert_false(w_ping(s.w, s.cn, s.mn, 3 * W_S));
    assert_int_equal(s.fa->fa->relayed, 0);
    scene_free(&s);
}

static void test_other_names(void **state)
{
    struct scene s = scene(114);

    w_resolve(s.w, s.cn, "nobody.operator.example");
    w_run(s.w, W_S);
    assert_int_equal(s.cn->resolved_e, ERR_NOT_FOUND);
    w_resolve(s.w, s.cn, FA_NAME); /* a name without HIP */
    w_run(s.w, W_S);
    assert_int_equal(s.cn->resolved_e, ERR_OK);
    assert_int_equal(s.cn->resolved_n, 0);
    s.w->dns_down = true;
    w_resolve(s.w, s.cn, NAME);
    w_run(s.w, W_S);
    assert_int_equal(s.cn->resolved_e, ERR_UNREACHABLE);
    s.w->dns_down = false;
    w_run(s.w, 6 * W_S); /* a failure is remembered for seconds only */
    resolve(&s, s.cn);
    scene_free(&s);
}

/* A look-up that is never answered (the daemon had no room for the job) does not stick to the name. */
static void test_lost_lookup(void **state)
{
    struct scene s = scene(116);

    w_resolve(s.w, s.cn, NAME);
    w_jobs_lost(s.w);
    w_run(s.w, 20 * W_S);
    assert_int_equal(s.cn->resolved_e, ERR_STATE);
    resolve(&s, s.cn);
    scene_free(&s);
}

static void test_unknown_hit(void **state)
{
    struct scene s = scene(115);

    w_send(s.w, s.cn, &s.cn2->id);
    assert_int_equal(s.cn->unreachable, 1);
    assert_false(s.cn->waiting);
    scene_free(&s);
}

/* ---- configuration ---- */

static struct w_node *with_peer(struct world *w, const char *name, const char *addr, const struct hip_hi *own,
                                const struct hip_hi *other, const char *at, enum host_accept accept)
{
    struct host_config c = w_config();
    struct host_peer_conf p = { .hit = other->hit, .n_addr = 1 };
    struct w_node *n;

    assert_int_equal(addr_parse(at, &p.addr[0]), ERR_OK);
    c.hi = own;
    c.peer = &p;
    c.n_peer = 1;
    c.accept = accept;
    n = w_host(w, name, &c);
    w_addr_up(w, n, addr, 2, 0);
    w_start(w, n);
    return n;
}

static void test_static_and_policy(void **state)
{
    struct world *w = w_new(w_seed(120));
    struct hip_hi a, b, c;
    struct w_node *na, *nb, *nc;

    assert_int_equal(hip_hi_generate(SIG_ECDSA_P256, 0, &a), ERR_OK);
    assert_int_equal(hip_hi_generate(SIG_ECDSA_P384, 0, &b), ERR_OK);
    assert_int_equal(hip_hi_generate(SIG_RSA, 2048, &c), ERR_OK);
    na = with_peer(w, "a", "192.0.2.1", &a, &b, "192.0.2.2", HOST_ACCEPT_KNOWN);
    nb = with_peer(w, "b", "192.0.2.2", &b, &a, "192.0.2.1", HOST_ACCEPT_ANY);
    nc = with_peer(w, "c", "192.0.2.3", &c, &a, "192.0.2.1", HOST_ACCEPT_NONE);
    assert_true(w_ping(w, nb, na, 2 * W_S)); /* a knows b */
    assert_true(w_ping(w, na, nb, 2 * W_S));
    assert_false(w_ping(w, nc, na, 40 * W_S)); /* but not c */
    assert_true(na->events[HOST_EV_PEER] > 0);
    hip_hi_done(&a);
    hip_hi_done(&b);
    hip_hi_done(&c);
    w_free(w);
}

/* Both send first. */
static void test_crossing(void **state)
{
    for (uint64_t i = 0; i < 10; i++) {
        struct world *w = w_new(w_seed(130 + i));
        struct hip_hi a, b;
        struct w_node *na, *nb;
        assert_int_equal(hip_hi_generate(SIG_ECDSA_P256, 0, &a), ERR_OK);
        assert_int_equal(hip_hi_generate(SIG_ECDSA_P256, 0, &b), ERR_OK);
        na = with_peer(w, "a", "192.0.2.1", &a, &b, "192.0.2.2", HOST_ACCEPT_ANY);
        nb = with_peer(w, "b", "192.0.2.2", &b, &a, "192.0.2.1", HOST_ACCEPT_ANY);
        w_send(w, na, &b.hit);
        w_run(w, i * W_MS);
        w_send(w, nb, &a.hit);
        w_run(w, 20 * W_S);
        assert_int_equal(na->rx, 1);
        assert_int_equal(nb->rx, 1);
        assert_true(w_ping(w, na, nb, W_S));
        assert_true(w_ping(w, nb, na, W_S));
        hip_hi_done(&a);
        hip_hi_done(&b);
        w_free(w);
    }
}

/* One host starts anew while the other still has the association. */
static void test_peer_restart(void **state)
{
    struct world *w = w_new(w_seed(150));
    struct hip_hi a, b;
    struct w_node *na, *nb;
    struct host_peer_conf p = { .n_addr = 1 };

    assert_int_equal(hip_hi_generate(SIG_ECDSA_P256, 0, &a), ERR_OK);
    assert_int_equal(hip_hi_generate(SIG_ECDSA_P256, 0, &b), ERR_OK);
    na = with_peer(w, "a", "192.0.2.1", &a, &b, "192.0.2.2", HOST_ACCEPT_ANY);
    nb = with_peer(w, "b", "192.0.2.2", &b, &a, "192.0.2.1", HOST_ACCEPT_ANY);
    assert_true(w_ping(w, na, nb, 2 * W_S));
    p.hit = b.hit;
    assert_int_equal(addr_parse("192.0.2.2", &p.addr[0]), ERR_OK);
    na->c.peer = &p;
    na->c.hi = &a;
    w_restart(w, na);
    assert_true(w_ping(w, na, nb, 2 * W_S));
    assert_true(w_ping(w, nb, na, 2 * W_S));
    assert_int_equal(view(nb, &a.hit).state, HOST_PEER_UP);
    hip_hi_done(&a);
    hip_hi_done(&b);
    w_free(w);
}

/* ---- bad air ---- */

static void test_bad_air(void **state)
{
    for (uint64_t i = 0; i < 15; i++) {
        struct scene s = scene(2000 + i);
        resolve(&s, s.cn);
        s.w->loss_pm = 150;
        s.w->dup_pm = 100;
        s.w->reorder_pm = 150;
        for (int k = 0; k < 8; k++) {
            if (k % 2) {
                w_addr_down(s.w, s.mn, WLAN);
                w_addr_up(s.w, s.mn, UMTS, 2, 1);
            } else {
                w_addr_up(s.w, s.mn, WLAN, 3, 0);
                w_addr_down(s.w, s.mn, UMTS);
            }
            for (int j = 0; j < 100; j++) {
                w_send(s.w, s.cn, &s.mn->id);
                w_run(s.w, 100 * W_MS);
            }
        }
        s.w->loss_pm = s.w->dup_pm = s.w->reorder_pm = 0;
        w_run(s.w, 60 * W_S);
        assert_int_equal(w_status(s.w, s.mn).fa, HOST_FA_REGISTERED);
        assert_true(w_ping(s.w, s.cn, s.mn, 20 * W_S));
        scene_free(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_lost_between_two),
        cmocka_unit_test(test_update_leaves_at_once),
        cmocka_unit_test(test_probe),
        cmocka_unit_test(test_probe_nobody_there),
        cmocka_unit_test(test_by_name),
        cmocka_unit_test(test_new_keys),
        cmocka_unit_test(test_no_trust_before_binding),
        cmocka_unit_test(test_no_trust_without_binding),
        cmocka_unit_test(test_fa_stops),
        cmocka_unit_test(test_break_before_make),
        cmocka_unit_test(test_make_before_break),
        cmocka_unit_test(test_two_families),
        cmocka_unit_test(test_flap),
        cmocka_unit_test(test_no_network),
        cmocka_unit_test(test_move_in_exchange),
        cmocka_unit_test(test_ttl),
        cmocka_unit_test(test_unsigned_name_does_not_divert),
        cmocka_unit_test(test_ttl_of_peer),
        cmocka_unit_test(test_hit_is_not_the_keys),
        cmocka_unit_test(test_bogus_and_insecure),
        cmocka_unit_test(test_bogus_absence_and_addresses),
        cmocka_unit_test(test_other_names),
        cmocka_unit_test(test_lost_lookup),
        cmocka_unit_test(test_unknown_hit),
        cmocka_unit_test(test_static_and_policy),
        cmocka_unit_test(test_crossing),
        cmocka_unit_test(test_peer_restart),
        cmocka_unit_test(test_bad_air),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
