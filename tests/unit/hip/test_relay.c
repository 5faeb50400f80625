/* SPDX-License-Identifier: Apache-2.0
 *
 * Control relay (RFC 9028 s4.5): cn reaches mn through fa, which mn is registered with; and every packet that must not go that way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "hip/assoc_auth.h"
#include "hip/auth.h"
#include "hip/core.h"
#include "hip/param_echo.h"
#include "hip/param_nat.h"
#include "hip/update.h"
#include "tests/sim/sim.h"

static const char relayed_exchange[] = "cn>fa I1 udp\nfa>mn I1 udp\nmn>fa R1 udp\nfa>cn R1 udp\n"
                                       "cn>fa I2 udp\nfa>mn I2 udp\nmn>fa R2 udp\nfa>cn R2 udp\n";

struct world {
    struct sim *s;
    struct sim_host *fa, *mn, *cn;
    struct hip_ref at_fa, at_mn; /* of mn's registration */
};

static struct hip_config host_config(void)
{
    struct hip_config c = sim_config();
    c.nat_modes[0] = HIP_NAT_ICE_HIP_UDP;
    c.nat_modes[1] = HIP_NAT_UDP_ENCAPSULATION;
    return c;
}

static struct hip_config relay_config(void)
{
    struct hip_config c = sim_config();
    c.relay_server = true;
    return c;
}

static struct world begin(const struct hip_config *mn_cfg, const struct hip_config *cn_cfg)
{
    struct world w = { .s = sim_new(sim_seed(41)) };
    struct hip_config f = relay_config();
    w.fa = sim_host(w.s, "fa", &f, 1, "198.51.100.1");
    w.mn = sim_host(w.s, "mn", mn_cfg, 0, "192.0.2.1");
    w.cn = sim_host(w.s, "cn", cn_cfg, 2, "203.0.113.7");
    w.fa->relays = true;
    w.at_mn = sim_connect_udp(w.s, w.mn, w.fa, w.fa);
    sim_run(w.s, 500000);
    assert_true(sim_ladder_is(w.s, "mn>fa I1 udp\nfa>mn R1 udp\nmn>fa I2 udp\nfa>mn R2 udp\n"));
    assert_true(sim_joined(w.mn, w.fa));
    w.at_fa = w.fa->ref;
    assert_int_equal(hip_relay_trust(w.mn->e, w.at_mn, true), ERR_OK);
    sim_ladder_clear(w.s);
    return w;
}

static struct world registered(void)
{
    struct hip_config c = host_config();
    return begin(&c, &c);
}

static struct world joined(void)
{
    struct world w = registered();
    (void)sim_connect_udp(w.s, w.cn, w.mn, w.fa);
    sim_run(w.s, 500000);
    assert_true(sim_joined(w.cn, w.mn));
    sim_ladder_clear(w.s);
    return w;
}

static struct hip_pkt parsed(const struct sim_packet *p)
{
    static uint8_t copy[HIP_PACKET_MAX];
    struct hip_pkt k;
    memcpy(copy, p->p, p->n);
    assert_int_equal(hip_pkt_parse(span_of(copy, p->n), &k), HIP_TAKEN);
    return k;
}

static struct addr address_in(const struct hip_pkt *k, uint16_t type)
{
    struct hip_transport_addr t;
    assert_int_equal(hip_get_transport_addr(hip_pkt_span(k, type), &t), ERR_OK);
    assert_int_equal(t.protocol, 17);
    return t.addr;
}

static struct hip_assoc_view view(const struct sim_host *h, struct hip_ref ref)
{
    struct hip_assoc_view v;
    assert_int_equal(hip_assoc_get(h->e, ref, &v), ERR_OK);
    return v;
}

/* ---- what works ---- */

static void base_exchange(void **state)
{
    struct world w = registered();
    struct hip_path direct = sim_udp_path(w.cn, w.fa);
    assert_int_equal(view(w.mn, w.at_mn).nat_mode, HIP_NAT_UDP_ENCAPSULATION);
    assert_int_equal(view(w.fa, w.at_fa).nat_mode, HIP_NAT_UDP_ENCAPSULATION);
    (void)sim_connect_udp(w.s, w.cn, w.mn, w.fa);
    sim_run(w.s, 500000);
    assert_true(sim_ladder_is(w.s, relayed_exchange));
    assert_true(sim_joined(w.cn, w.mn));
    assert_int_equal(w.cn->asked_mode, HIP_NAT_ICE_HIP_UDP);
    assert_int_equal(w.mn->asked_mode, HIP_NAT_ICE_HIP_UDP);
    assert_true(w.mn->asked_relayed);
    struct hip_assoc_view c = view(w.cn, w.cn->ref), m = view(w.mn, w.mn->ref);
    assert_int_equal(c.nat_mode, HIP_NAT_ICE_HIP_UDP);
    assert_int_equal(m.nat_mode, HIP_NAT_ICE_HIP_UDP);
    assert_true(hip_path_eq(&c.path, &direct));
    assert_true(addr_eq(&m.path.peer, &direct.peer));
    assert_true(addr_eq(&m.path.to, &direct.local));
    /* What was on the wire: RELAY_TO behind the signature of R2, as mn sent it and as fa left it. */
    struct hip_pkt r2 = parsed(sim_sent(w.s, HIP_PKT_R2));
    struct addr to = address_in(&r2, HIP_PAR_RELAY_TO);
    assert_true(addr_eq(&to, &direct.local));
    assert_int_equal(r2.checksum, 0);
    struct hip_pkt i2 = parsed(sim_sent(w.s, HIP_PKT_I2));
    struct addr from = address_in(&i2, HIP_PAR_RELAY_FROM);
    assert_true(addr_eq(&from, &direct.local));
    assert_true(hip_pkt_has(&i2, HIP_PAR_RELAY_HMAC));
    assert_int_equal(i2.checksum, 0);
    sim_free(w.s);
}

/* Everything later of the association: UPDATE, NOTIFY, CLOSE, from both ends and answered by the same way. */
static void later_packets(void **state)
{
    struct world w = joined();
    struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };
    w.mn->done = w.cn->done = true;
    assert_int_equal(hip_update(w.cn->e, w.cn->ref, &q, w.s->now, &w.s->out), ERR_OK);
    sim_act(w.s, w.cn);
    sim_run(w.s, 500000);
    assert_int_equal(w.cn->acked, 1);
    assert_int_equal(hip_update(w.mn->e, w.mn->ref, &q, w.s->now, &w.s->out), ERR_OK);
    sim_act(w.s, w.mn);
    sim_run(w.s, 500000);
    assert_int_equal(w.mn->acked, 1);
    assert_int_equal(
        hip_notify(w.mn->e, w.mn->ref, HIP_NTF_BLOCKED_BY_POLICY, span_of("x", 1), w.s->now, &w.s->out),
        ERR_OK);
    sim_act(w.s, w.mn);
    sim_run(w.s, 500000);
    assert_int_equal(w.cn->notified, 1);
    assert_int_equal(hip_close(w.cn->e, w.cn->ref, w.s->now, &w.s->out), ERR_OK);
    sim_act(w.s, w.cn);
    sim_run(w.s, 500000);
    assert_true(
        sim_ladder_is(w.s, "cn>fa UPDATE udp\nfa>mn UPDATE udp\nmn>fa UPDATE udp\nfa>cn UPDATE udp\n"
                           "mn>fa UPDATE udp\nfa>cn UPDATE udp\ncn>fa UPDATE udp\nfa>mn UPDATE udp\n"
                           "mn>fa NOTIFY udp\nfa>cn NOTIFY udp\n"
                           "cn>fa CLOSE udp\nfa>mn CLOSE udp\nmn>fa CLOSE_ACK udp\nfa>cn CLOSE_ACK udp\n"));
    assert_int_equal(w.cn->gone, 1);
    assert_int_equal(w.mn->gone, 1);
    assert_int_equal(w.mn->why, HIP_GONE_CLOSED);
    sim_free(w.s);
}

/* R2 lost at either hop: the stored one is sent again, with RELAY_TO once. */
static void repeated_r2(void **state)
{
    struct world w = registered();
    sim_rule(w.s, w.mn, HIP_PKT_R2, SIM_LOSE);
    sim_rule(w.s, w.fa, HIP_PKT_R2, SIM_LOSE);
    (void)sim_connect_udp(w.s, w.cn, w.mn, w.fa);
    sim_run(w.s, 8000000);
    assert_true(sim_joined(w.cn, w.mn));
    assert_int_equal(w.mn->asked_r2, 1);
    assert_int_equal(sim_count(w.s, "mn>fa R2"), 3);
    sim_free(w.s);
}

/* mn speaks IPv6 only and cn IPv4 only: the relay stands in both. */
static void two_families(void **state)
{
    struct hip_config c = host_config(), f = relay_config();
    struct world w = { .s = sim_new(sim_seed(42)) };
    w.fa = sim_host(w.s, "fa", &f, 1, "2001:db8::f");
    w.mn = sim_host(w.s, "mn", &c, 0, "2001:db8::1");
    w.cn = sim_host(w.s, "cn", &c, 2, "203.0.113.7");
    w.fa->relays = true;
    w.at_mn = sim_connect_udp(w.s, w.mn, w.fa, w.fa);
    sim_run(w.s, 500000);
    assert_int_equal(hip_relay_trust(w.mn->e, w.at_mn, true), ERR_OK);
    sim_ladder_clear(w.s);
    struct hip_path path = { .local = w.cn->addr[0], .peer = sim_addr(w.fa, "198.51.100.1") };
    struct hip_ref ref;
    path.local.port = path.peer.port = HIP_UDP_PORT;
    assert_int_equal(hip_connect(w.cn->e, sim_hit(w.cn), sim_hit(w.mn), &path, 1, w.s->now, &w.s->out, &ref),
                     ERR_OK);
    sim_act(w.s, w.cn);
    sim_run(w.s, 500000);
    assert_true(sim_ladder_is(w.s, relayed_exchange));
    assert_int_equal(w.cn->up, 1);
    assert_int_equal(view(w.mn, w.mn->asked).path.to.family, ADDR_V4);
    sim_free(w.s);
}

/* The puzzle is bound to whom the relay saw, not to the relay: an I2 from elsewhere does not answer it. */
static void i2_from_elsewhere(void **state)
{
    struct world w = registered();
    struct hip_path in = sim_udp_path(w.fa, w.cn);
    sim_rule(w.s, w.cn, HIP_PKT_I2, SIM_LOSE);
    (void)sim_connect_udp(w.s, w.cn, w.mn, w.fa);
    sim_run(w.s, 500000);
    struct sim_packet i2 = *sim_sent(w.s, HIP_PKT_I2);
    in.peer.ip[3] = 99;
    assert_int_equal(sim_inject(w.s, w.fa, &in, span_of(i2.p, i2.n)), HIP_TAKEN);
    sim_run(w.s, 100000);
    assert_int_equal(w.mn->drop, HIP_DROP_BAD_PUZZLE);
    assert_int_equal(w.mn->asked_r2, 0);
    sim_run(w.s, 2000000);
    assert_true(sim_joined(w.cn, w.mn));
    sim_free(w.s);
}

/* A relay's client speaks to the client of another relay: RELAY_TO of the one and RELAY_FROM of the other in one packet. */
static void two_relays(void **state)
{
    struct world w = joined();
    const struct hip_assoc *cn = hip_assoc_by_ref(w.cn->e, w.cn->ref);
    struct hip_path path = sim_udp_path(w.fa, w.cn);
    uint8_t buf[HIP_PACKET_MAX];
    struct span pkt;
    struct hip_build b;
    hip_build_init(&b, buf, sizeof buf, HIP_PKT_UPDATE, sim_hit(w.cn), sim_hit(w.mn), 0);
    hip_put_seq(&b, cn->next_id);
    hip_auth_add(&b, cn);
    hip_put_transport_addr(&b, HIP_PAR_RELAY_TO, &(struct hip_transport_addr){ 17, path.local });
    hip_put_via_rvs(&b, &(struct hip_via){ .n = 1, .v = { path.local } });
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &pkt), ERR_OK);
    assert_int_equal(sim_inject(w.s, w.fa, &path, pkt), HIP_TAKEN);
    struct hip_pkt k = parsed(sim_sent(w.s, HIP_PKT_UPDATE));
    assert_true(hip_par_get(&k.p, HIP_PAR_RELAY_FROM) < hip_par_get(&k.p, HIP_PAR_RELAY_TO));
    sim_run(w.s, 100000);
    assert_true(sim_ladder_is(w.s, "fa>mn UPDATE udp\nmn>fa UPDATE udp\nfa>cn UPDATE udp\n"));
    sim_free(w.s);
}

/* The plain (not relayed) exchange of the same two, in UDP and without. */
static void direct_exchanges(void **state)
{
    struct world w = registered();
    (void)sim_connect_udp(w.s, w.cn, w.mn, w.mn);
    sim_run(w.s, 500000);
    assert_true(sim_ladder_is(w.s, "cn>mn I1 udp\nmn>cn R1 udp\ncn>mn I2 udp\nmn>cn R2 udp\n"));
    assert_int_equal(view(w.cn, w.cn->ref).nat_mode, HIP_NAT_UDP_ENCAPSULATION);
    assert_int_equal(w.mn->asked_mode, HIP_NAT_UDP_ENCAPSULATION);
    assert_false(w.mn->asked_relayed);
    assert_int_equal(hip_drop(w.cn->e, w.cn->ref, w.s->now, &w.s->out), ERR_OK);
    sim_act(w.s, w.cn);
    sim_ladder_clear(w.s);
    (void)sim_connect(w.s, w.cn, w.mn);
    sim_run(w.s, 5000000);
    assert_true(sim_ladder_is(w.s, "cn>mn I1\nmn>cn R1\ncn>mn I2\nmn>cn R2\n"));
    assert_int_equal(view(w.cn, w.cn->ref).nat_mode, 0);
    assert_int_equal(view(w.mn, w.mn->ref).nat_mode, 0);
    sim_free(w.s);
}

/* ---- the client refuses ---- */

static uint16_t spoil_type;

static void spoil(uint8_t *p, size_t *n)
{
    for (size_t off = HIP_HEADER_LEN; off + 4 <= *n;) {
        uint16_t type = (uint16_t)(p[off] << 8 | p[off + 1]);
        size_t len = (size_t)(p[off + 2] << 8 | p[off + 3]);
        if (type == spoil_type) {
            p[off + 4 + len - 1] ^= 1;
            return;
        }
        off += hip_tlv_len(len);
    }
    fail_msg("no parameter %u to spoil", spoil_type);
}

static void take_out(uint8_t *p, size_t *n)
{
    for (size_t off = HIP_HEADER_LEN; off + 4 <= *n;) {
        uint16_t type = (uint16_t)(p[off] << 8 | p[off + 1]);
        size_t len = hip_tlv_len((size_t)(p[off + 2] << 8 | p[off + 3]));
        if (type == spoil_type) {
            memmove(p + off, p + off + len, *n - off - len);
            *n -= len;
            p[1] = (uint8_t)(*n / 8 - 1);
            return;
        }
        off += len;
    }
    fail_msg("no parameter %u to take out", spoil_type);
}

static void client_refuses(void **state)
{
    static const struct {
        uint16_t param;
        void (*change)(uint8_t *, size_t *);
    } cases[] = { { HIP_PAR_RELAY_HMAC, spoil },
                  { HIP_PAR_RELAY_FROM, spoil },
                  { HIP_PAR_DH_GROUP_LIST, spoil },
                  { HIP_PAR_RELAY_HMAC, take_out },
                  { HIP_PAR_RELAY_FROM, take_out } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w = registered();
        spoil_type = cases[i].param;
        sim_rule(w.s, w.fa, HIP_PKT_I1, SIM_CHANGE)->change = cases[i].change;
        (void)sim_connect_udp(w.s, w.cn, w.mn, w.fa);
        sim_run(w.s, 500000);
        assert_true(sim_ladder_is(w.s, "cn>fa I1 udp\nfa>mn I1 udp (changed)\n"));
        assert_int_equal(w.mn->drop, HIP_DROP_BAD_RELAY_HMAC);
        assert_int_equal(hip_counter(w.mn->e, HIP_DROP_BAD_RELAY_HMAC), 1);
        sim_free(w.s);
    }
    struct world w = registered();
    assert_int_equal(hip_relay_trust(w.mn->e, w.at_mn, false), ERR_OK);
    (void)sim_connect_udp(w.s, w.cn, w.mn, w.fa);
    sim_run(w.s, 500000);
    assert_int_equal(w.mn->drop, HIP_DROP_RELAY_NOT_TRUSTED);
    assert_true(sim_ladder_is(w.s, "cn>fa I1 udp\nfa>mn I1 udp\n"));
    sim_free(w.s);
}

/* RELAY_FROM with a right HMAC and an address that nothing can be sent to. */
static void impossible_origins(void **state)
{
    struct world w = registered();
    static const struct {
        uint8_t protocol;
        const char *addr;
        uint16_t port;
    } bad[] = { { 17, "203.0.113.7", 0 }, { 0, "203.0.113.7", 1 },  { 6, "203.0.113.7", 1 },
                { 17, "224.0.0.5", 1 },   { 17, "0.0.0.0", 10500 }, { 17, "255.255.255.255", 1 } };
    const struct hip_assoc *a = hip_assoc_by_ref(w.fa->e, w.at_fa);
    struct hip_path path = sim_udp_path(w.mn, w.fa);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct hip_transport_addr t = { .protocol = bad[i].protocol };
        uint8_t buf[HIP_PACKET_MAX];
        struct span pkt;
        struct hip_build b;
        assert_int_equal(addr_parse(bad[i].addr, &t.addr), ERR_OK);
        t.addr.port = bad[i].port;
        hip_build_init(&b, buf, sizeof buf, HIP_PKT_I1, sim_hit(w.cn), sim_hit(w.mn), 0);
        hip_put_dh_groups(&b, &(struct hip_ids8){ .n = 1, .id = { 7 } });
        hip_put_transport_addr(&b, HIP_PAR_RELAY_FROM, &t);
        hip_mac_add(&b, HIP_PAR_RELAY_HMAC, a->rhash, hip_key_mac(&a->keys.secrets->hip.out));
        assert_int_equal(hip_build_finish(&b, NULL, NULL, &pkt), ERR_OK);
        assert_int_equal(sim_inject(w.s, w.mn, &path, pkt), HIP_DROP_BAD_LOCATOR);
    }
    assert_int_equal(sim_count(w.s, "mn>"), 0);
    sim_free(w.s);
}

/* RFC 9028 s7.8: rendezvous by our control relay is prohibited; it is told. */
static void rvs_hmac_from_the_relay(void **state)
{
    struct world w = registered();
    const struct hip_assoc *a = hip_assoc_by_ref(w.fa->e, w.at_fa);
    struct hip_path path = sim_udp_path(w.mn, w.fa);
    uint8_t buf[HIP_PACKET_MAX];
    struct span pkt;
    struct hip_build b;
    hip_build_init(&b, buf, sizeof buf, HIP_PKT_I1, sim_hit(w.cn), sim_hit(w.mn), 0);
    hip_put_dh_groups(&b, &(struct hip_ids8){ .n = 1, .id = { 7 } });
    hip_put_from(&b, &w.cn->addr[0]);
    hip_mac_add(&b, HIP_PAR_RVS_HMAC, a->rhash, hip_key_mac(&a->keys.secrets->hip.out));
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &pkt), ERR_OK);
    assert_int_equal(sim_inject(w.s, w.mn, &path, pkt), HIP_DROP_RVS_HMAC_PROHIBITED);
    sim_run(w.s, 100000);
    assert_true(sim_ladder_is(w.s, "mn>fa NOTIFY udp\n"));
    assert_int_equal(w.fa->notify_code, HIP_NTF_RVS_HMAC_PROHIBITED_WITH_RELAY);
    /* Somebody else's RVS_HMAC is no reason to tell the relay anything. */
    buf[pkt.n - 10] ^= 1;
    assert_int_equal(sim_inject(w.s, w.mn, &path, pkt), HIP_DROP_RVS_NOT_TRUSTED);
    buf[pkt.n - 10] ^= 1;
    for (int i = 0; i < 40; i++)
        assert_int_equal(sim_inject(w.s, w.mn, &path, pkt), HIP_DROP_RVS_HMAC_PROHIBITED);
    assert_in_range(sim_count(w.s, "mn>fa NOTIFY"), 2, 15);
    sim_free(w.s);
}

static void trust(void **state)
{
    struct world w = registered();
    struct hip_ref stale = { .slot = 3, .gen = 77 };
    assert_int_equal(hip_relay_trust(w.mn->e, stale, true), ERR_NOT_FOUND);
    assert_int_equal(hip_rvs_trust(w.mn->e, w.at_mn, true), ERR_STATE);
    assert_int_equal(hip_relay_trust(w.mn->e, w.at_mn, false), ERR_OK);
    assert_int_equal(hip_rvs_trust(w.mn->e, w.at_mn, true), ERR_OK);
    assert_int_equal(hip_relay_trust(w.mn->e, w.at_mn, true), ERR_STATE);
    assert_int_equal(hip_rvs_trust(w.mn->e, w.at_mn, false), ERR_OK);
    assert_int_equal(hip_relay_trust(w.mn->e, w.at_mn, true), ERR_OK);
    /* A relay server takes nobody's RELAY_FROM. */
    assert_int_equal(hip_relay_trust(w.fa->e, w.at_fa, true), ERR_UNSUPPORTED);
    /* With the association the trust goes. */
    assert_int_equal(hip_drop(w.mn->e, w.at_mn, w.s->now, &w.s->out), ERR_OK);
    sim_act(w.s, w.mn);
    (void)sim_connect_udp(w.s, w.cn, w.mn, w.fa);
    sim_run(w.s, 100000);
    assert_int_equal(w.mn->drop, HIP_DROP_RELAY_NOT_TRUSTED);
    sim_free(w.s);
}

/* ---- the server refuses ---- */

static struct span an_i1(uint8_t *buf, const struct hit *from, const struct hit *to, uint16_t extra,
                         const struct hip_path *path)
{
    struct span pkt;
    struct hip_build b;
    hip_build_init(&b, buf, HIP_PACKET_MAX, HIP_PKT_I1, from, to, 0);
    hip_put_dh_groups(&b, &(struct hip_ids8){ .n = 1, .id = { 7 } });
    if (extra == HIP_PAR_RELAY_FROM)
        hip_put_transport_addr(&b, extra, &(struct hip_transport_addr){ 17, path->peer });
    else if (extra == HIP_PAR_FROM)
        hip_put_from(&b, &path->peer);
    else if (extra)
        hip_build_param(&b, extra, span_of("0123456789abcdef01234567", 20));
    assert_int_equal(hip_build_finish(&b, &path->peer, &path->local, &pkt), ERR_OK);
    return pkt;
}

static void server_refuses(void **state)
{
    struct world w = registered();
    static const uint16_t extra[] = { HIP_PAR_RELAY_FROM, HIP_PAR_RELAY_HMAC, HIP_PAR_FROM,
                                      HIP_PAR_RVS_HMAC };
    struct hip_path udp = sim_udp_path(w.fa, w.cn), raw = sim_path(w.fa, w.cn);
    uint8_t buf[HIP_PACKET_MAX];
    for (size_t i = 0; i < 4; i++) {
        struct span p = an_i1(buf, sim_hit(w.cn), sim_hit(w.mn), extra[i], &udp);
        assert_int_equal(hip_relay_to_client(w.fa->e, w.at_fa, &udp, NULL, p, w.s->now, &w.s->out),
                         HIP_DROP_RELAY_NOT_TRUSTED);
    }
    struct span p = an_i1(buf, sim_hit(w.mn), sim_hit(w.cn), 0, &udp);
    assert_int_equal(hip_relay_to_client(w.fa->e, w.at_fa, &udp, NULL, p, w.s->now, &w.s->out),
                     HIP_DROP_NOT_REGISTERED);
    static const struct hit null;
    p = an_i1(buf, sim_hit(w.cn), &null, 0, &udp);
    assert_int_equal(hip_relay_to_client(w.fa->e, w.at_fa, &udp, NULL, p, w.s->now, &w.s->out),
                     HIP_DROP_NOT_REGISTERED);
    p = an_i1(buf, sim_hit(w.cn), sim_hit(w.mn), 0, &udp);
    assert_int_equal(
        hip_relay_to_client(w.fa->e, (struct hip_ref){ 9, 9 }, &udp, NULL, p, w.s->now, &w.s->out),
        HIP_DROP_NOT_REGISTERED);
    buf[5] ^= 1;
    assert_int_equal(hip_relay_to_client(w.fa->e, w.at_fa, &udp, NULL, p, w.s->now, &w.s->out),
                     HIP_DROP_BAD_CHECKSUM);
    p = an_i1(buf, sim_hit(w.cn), sim_hit(w.mn), 0, &raw);
    assert_int_equal(hip_relay_to_client(w.fa->e, w.at_fa, &raw, NULL, p, w.s->now, &w.s->out), HIP_TAKEN);
    sim_act(w.s, w.fa);
    assert_true(sim_ladder_is(w.s, "fa>mn I1 udp\n"));
    buf[5] ^= 1;
    assert_int_equal(hip_relay_to_client(w.fa->e, w.at_fa, &raw, NULL, p, w.s->now, &w.s->out),
                     HIP_DROP_BAD_CHECKSUM);
    assert_int_equal(hip_relay_to_client(w.fa->e, w.at_fa, &raw, NULL, span_of(buf, 12), w.s->now, &w.s->out),
                     HIP_DROP_TRUNCATED);
    assert_int_equal(hip_counter(w.fa->e, HIP_DROP_BAD_CHECKSUM), 2);
    assert_int_equal(hip_counter(w.fa->e, HIP_DROP_NOT_REGISTERED), 3);
    w.s->out.n = HIP_ACTIONS_MAX;
    p = an_i1(buf, sim_hit(w.cn), sim_hit(w.mn), 0, &udp);
    assert_int_equal(hip_relay_to_client(w.fa->e, w.at_fa, &udp, NULL, p, w.s->now, &w.s->out),
                     HIP_DROP_ACTIONS_FULL);
    hip_actions_reset(&w.s->out);
    sim_free(w.s);
}

/* As long as a packet can be: there is no room for two more parameters. */
static void no_room_for_more(void **state)
{
    struct world w = registered();
    struct hip_path udp = sim_udp_path(w.fa, w.cn);
    static const uint8_t zero[HIP_PACKET_MAX];
    uint8_t buf[HIP_PACKET_MAX];
    struct span pkt;
    struct hip_build b;
    hip_build_init(&b, buf, sizeof buf, HIP_PKT_I1, sim_hit(w.cn), sim_hit(w.mn), 0);
    hip_put_dh_groups(&b, &(struct hip_ids8){ .n = 1, .id = { 7 } });
    hip_build_param(&b, HIP_PAR_ECHO_REQUEST_UNSIGNED, span_of(zero, HIP_PACKET_MAX - 40 - 8 - 8));
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &pkt), ERR_OK);
    assert_int_equal(hip_relay_to_client(w.fa->e, w.at_fa, &udp, NULL, pkt, w.s->now, &w.s->out),
                     HIP_DROP_OVERSIZED);
    assert_int_equal(w.s->out.n, 0);
    sim_free(w.s);
}

/* RFC 9028 s4.5: no R1 and no I2 without NAT_TRAVERSAL_MODE; its sender hears why. */
static void without_a_mode(void **state)
{
    struct hip_config modes = host_config(), none = sim_config();
    struct world w = begin(&none, &modes); /* mn's R1 has no mode */
    (void)sim_connect_udp(w.s, w.cn, w.mn, w.fa);
    sim_run(w.s, 500000);
    assert_true(sim_ladder_is(w.s, "cn>fa I1 udp\nfa>mn I1 udp\nmn>fa R1 udp\nfa>mn NOTIFY udp\n"));
    assert_int_equal(w.fa->drop, HIP_DROP_BAD_NAT_MODE);
    assert_int_equal(w.mn->notify_code, HIP_NTF_NO_VALID_NAT_TRAVERSAL_MODE_PARAMETER);
    sim_free(w.s);

    w = registered();
    spoil_type = HIP_PAR_NAT_TRAVERSAL_MODE;
    sim_rule(w.s, w.cn, HIP_PKT_I2, SIM_CHANGE)->change = take_out;
    (void)sim_connect_udp(w.s, w.cn, w.mn, w.fa);
    sim_run(w.s, 500000);
    assert_true(sim_ladder_is(w.s, "cn>fa I1 udp\nfa>mn I1 udp\nmn>fa R1 udp\nfa>cn R1 udp\n"
                                   "cn>fa I2 udp (changed)\nfa>cn NOTIFY udp\n"));
    assert_int_equal(w.fa->drop, HIP_DROP_BAD_NAT_MODE);
    struct hip_pkt k = parsed(sim_sent(w.s, HIP_PKT_NOTIFY));
    struct hip_notification n;
    assert_int_equal(hip_get_notification(hip_pkt_span(&k, HIP_PAR_NOTIFICATION), &n), ERR_OK);
    assert_int_equal(n.code, HIP_NTF_NO_VALID_NAT_TRAVERSAL_MODE_PARAMETER);
    assert_int_equal(n.data.n, HIP_HEADER_LEN); /* of what was refused */
    assert_memory_equal(n.data.p + 8, sim_hit(w.cn)->b, 16);
    /* Not without end: each NOTIFY costs a signature. */
    struct sim_packet i2 = *sim_sent(w.s, HIP_PKT_I2);
    take_out(i2.p, &i2.n);
    sim_ladder_clear(w.s);
    for (int i = 0; i < 60; i++)
        assert_int_equal(sim_inject(w.s, w.fa, &i2.path, span_of(i2.p, i2.n)), HIP_DROP_BAD_NAT_MODE);
    assert_in_range(sim_count(w.s, "fa>cn NOTIFY"), 1, 25);
    sim_free(w.s);
}

/* The same from somebody who made it short: nothing goes to an address that is not known to be his and is longer than what he sent. */
static void short_without_a_mode(void **state)
{
    struct world w = registered();
    struct hip_path udp = sim_udp_path(w.fa, w.cn);
    static const uint8_t zero[64];
    static const struct {
        uint16_t type;
        size_t n;
    } least[] = { { HIP_PAR_PUZZLE, 24 },
                  { HIP_PAR_DH_GROUP_LIST, 1 },
                  { HIP_PAR_DIFFIE_HELLMAN, 4 },
                  { HIP_PAR_HIP_CIPHER, 2 },
                  { HIP_PAR_HOST_ID, 6 },
                  { HIP_PAR_HIT_SUITE_LIST, 1 },
                  { HIP_PAR_TRANSPORT_FORMAT_LIST, 2 },
                  { HIP_PAR_HIP_SIGNATURE_2, 3 } };
    uint8_t buf[HIP_PACKET_MAX];
    struct span pkt;
    struct hip_build b;
    hip_build_init(&b, buf, sizeof buf, HIP_PKT_R1, sim_hit(w.cn), sim_hit(w.mn), 0);
    for (size_t i = 0; i < sizeof least / sizeof least[0]; i++)
        hip_build_param(&b, least[i].type, span_of(zero, least[i].n));
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &pkt), ERR_OK);
    assert_int_equal(hip_relay_to_client(w.fa->e, w.at_fa, &udp, NULL, pkt, w.s->now, &w.s->out),
                     HIP_DROP_BAD_NAT_MODE);
    assert_int_equal(w.s->out.n, 0);
    assert_int_equal(w.s->out.used, 0);
    sim_free(w.s);
}

static void from_clients_only(void **state)
{
    struct world w = joined();
    struct hip_path on = sim_udp_path(w.fa, w.mn);
    uint8_t buf[HIP_PACKET_MAX];
    struct span pkt;
    struct hip_build b;
    const struct hip_assoc *cn = hip_assoc_by_ref(w.cn->e, w.cn->ref);
    struct addr to;
    bool check;
    /* cn is no client. */
    hip_build_init(&b, buf, sizeof buf, HIP_PKT_UPDATE, sim_hit(w.cn), sim_hit(w.mn), 0);
    hip_put_seq(&b, cn->next_id);
    hip_auth_add(&b, cn);
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &pkt), ERR_OK);
    assert_int_equal(hip_relay_wants(pkt, &to, &check), HIP_DROP_PARAM_MISSING);
    assert_int_equal(hip_relay_from_client(w.fa->e, &on, pkt, w.s->now, &w.s->out), HIP_DROP_PARAM_MISSING);
    hip_put_transport_addr(&b, HIP_PAR_RELAY_TO, &(struct hip_transport_addr){ 17, on.peer });
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &pkt), ERR_OK);
    assert_int_equal(hip_relay_wants(pkt, &to, &check), HIP_TAKEN);
    assert_true(addr_eq(&to, &on.peer));
    assert_false(check);
    assert_int_equal(hip_relay_from_client(w.fa->e, &on, pkt, w.s->now, &w.s->out), HIP_DROP_NOT_OUR_CLIENT);
    assert_int_equal(w.s->out.n, 0);
    sim_free(w.s);
}

static void what_a_client_wants(void **state)
{
    struct world w = joined();
    static const uint16_t marks[] = { HIP_PAR_MAPPED_ADDRESS, HIP_PAR_CANDIDATE_PRIORITY, HIP_PAR_NOMINATE };
    static const struct {
        uint8_t protocol;
        const char *addr;
        uint16_t port;
        int drop;
    } places[] = { { 17, "203.0.113.7", 10500, HIP_TAKEN },
                   { 0, "203.0.113.7", 0, HIP_TAKEN },
                   { 17, "2001:db8::7", 1, HIP_TAKEN },
                   { 17, "203.0.113.7", 0, HIP_DROP_FORBIDDEN_DESTINATION },
                   { 0, "203.0.113.7", 5, HIP_DROP_FORBIDDEN_DESTINATION },
                   { 6, "203.0.113.7", 5, HIP_DROP_FORBIDDEN_DESTINATION },
                   { 17, "239.1.2.3", 5, HIP_DROP_FORBIDDEN_DESTINATION },
                   { 17, "::", 5, HIP_DROP_FORBIDDEN_DESTINATION } };
    const struct hip_assoc *mn = hip_assoc_by_ref(w.mn->e, w.mn->ref);
    uint8_t buf[HIP_PACKET_MAX];
    struct span pkt;
    struct addr to;
    bool check = false;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        for (size_t m = 0; m <= 3; m++) {
            struct hip_transport_addr t = { .protocol = places[i].protocol };
            struct hip_build b;
            assert_int_equal(addr_parse(places[i].addr, &t.addr), ERR_OK);
            t.addr.port = places[i].port;
            hip_build_init(&b, buf, sizeof buf, HIP_PKT_UPDATE, sim_hit(w.mn), sim_hit(w.cn), 0);
            hip_put_seq(&b, mn->next_id);
            if (m < 3 && marks[m] == HIP_PAR_MAPPED_ADDRESS)
                hip_put_transport_addr(&b, marks[m], &t);
            else if (m < 3)
                hip_put_u32(&b, marks[m], 7);
            hip_auth_add(&b, mn);
            hip_put_transport_addr(&b, HIP_PAR_RELAY_TO, &t);
            assert_int_equal(hip_build_finish(&b, NULL, NULL, &pkt), ERR_OK);
            assert_int_equal(hip_relay_wants(pkt, &to, &check), places[i].drop);
            if (places[i].drop == HIP_TAKEN) {
                assert_true(addr_eq(&to, &t.addr));
                assert_int_equal(check, m < 3);
            }
        }
    sim_free(w.s);
}

/* FROM has no port: a rendezvous server passes nothing on that came in UDP or would go so, and its client takes nothing of it. */
static void no_rendezvous_in_udp(void **state)
{
    struct world w = registered();
    struct hip_path udp = sim_udp_path(w.fa, w.cn), raw = sim_path(w.fa, w.cn);
    uint8_t buf[HIP_PACKET_MAX];
    struct span p = an_i1(buf, sim_hit(w.cn), sim_hit(w.mn), 0, &raw);
    assert_int_equal(hip_relay_i1(w.fa->e, w.at_fa, &raw, p, w.s->now, &w.s->out), HIP_DROP_BAD_NAT_MODE);
    /* Registered without UDP. */
    assert_int_equal(hip_drop(w.mn->e, w.at_mn, w.s->now, &w.s->out), ERR_OK);
    sim_act(w.s, w.mn);
    struct hip_ref home = sim_connect(w.s, w.mn, w.fa);
    sim_run(w.s, 500000);
    assert_int_equal(hip_rvs_trust(w.mn->e, home, true), ERR_OK);
    sim_ladder_clear(w.s);
    assert_int_equal(hip_relay_i1(w.fa->e, w.fa->ref, &raw, p, w.s->now, &w.s->out), HIP_TAKEN);
    p = an_i1(buf, sim_hit(w.cn), sim_hit(w.mn), 0, &udp);
    assert_int_equal(hip_relay_i1(w.fa->e, w.fa->ref, &udp, p, w.s->now, &w.s->out), HIP_DROP_BAD_NAT_MODE);
    sim_act(w.s, w.fa);
    sim_run(w.s, 15000);
    assert_true(sim_ladder_is(w.s, "fa>mn I1\nmn>cn R1\n"));
    struct sim_packet i1 = *sim_sent(w.s, HIP_PKT_I1);
    struct hip_path odd = sim_udp_path(w.mn, w.fa);
    hip_set_checksum(i1.p, i1.n, &odd.peer, &odd.local);
    assert_int_equal(sim_inject(w.s, w.mn, &odd, span_of(i1.p, i1.n)), HIP_DROP_BAD_LOCATOR);
    sim_free(w.s);
}

/* Once in UDP, always in UDP: the same packet without it is not taken. */
static void raw_packets_of_a_udp_association(void **state)
{
    struct world w = registered();
    struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 2 } } };
    w.fa->done = true;
    sim_rule(w.s, w.mn, HIP_PKT_UPDATE, SIM_LOSE);
    assert_int_equal(hip_update(w.mn->e, w.at_mn, &q, w.s->now, &w.s->out), ERR_OK);
    sim_act(w.s, w.mn);
    struct sim_packet u = *sim_sent(w.s, HIP_PKT_UPDATE);
    struct hip_path raw = sim_path(w.fa, w.mn);
    hip_set_checksum(u.p, u.n, &raw.peer, &raw.local);
    assert_int_equal(sim_inject(w.s, w.fa, &raw, span_of(u.p, u.n)), HIP_DROP_BAD_NAT_MODE);
    assert_int_equal(w.fa->updates, 0);
    sim_run(w.s, 2000000);
    assert_int_equal(w.fa->updates, 1);
    sim_free(w.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_exchange),
        cmocka_unit_test(later_packets),
        cmocka_unit_test(repeated_r2),
        cmocka_unit_test(two_families),
        cmocka_unit_test(i2_from_elsewhere),
        cmocka_unit_test(two_relays),
        cmocka_unit_test(direct_exchanges),
        cmocka_unit_test(client_refuses),
        cmocka_unit_test(impossible_origins),
        cmocka_unit_test(rvs_hmac_from_the_relay),
        cmocka_unit_test(trust),
        cmocka_unit_test(server_refuses),
        cmocka_unit_test(no_room_for_more),
        cmocka_unit_test(without_a_mode),
        cmocka_unit_test(short_without_a_mode),
        cmocka_unit_test(from_clients_only),
        cmocka_unit_test(what_a_client_wants),
        cmocka_unit_test(no_rendezvous_in_udp),
        cmocka_unit_test(raw_packets_of_a_udp_association),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
