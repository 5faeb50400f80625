/* SPDX-License-Identifier: Apache-2.0
 *
 * HIP in UDP between two hosts (RFC 9028 s4.1-4.4, s4.7, s4.10): modes, pacing, I1 with and without UDP, what a relay's registration
 * carries, keepalives.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hip/assoc_auth.h"
#include "hip/auth.h"
#include "hip/core.h"
#include "hip/ice.h"
#include "hip/initiator.h"
#include "hip/param_echo.h"
#include "hip/param_esp.h"
#include "hip/param_loc.h"
#include "hip/param_nat.h"
#include "hip/suite.h"
#include "hip/update.h"
#include "tests/sim/sim.h"

#define SECOND UINT64_C(1000000)

static const char in_udp[] = "mn>fa I1 udp\nfa>mn R1 udp\nmn>fa I2 udp\nfa>mn R2 udp\n";

static struct hip_config modes(uint16_t first, uint16_t second)
{
    struct hip_config c = sim_config();
    c.nat_modes[0] = first;
    c.nat_modes[1] = second;
    return c;
}

static struct sim *pair(const struct hip_config *m, const struct hip_config *f, struct sim_host **mn,
                        struct sim_host **fa)
{
    struct sim *s = sim_new(sim_seed(51));
    *mn = sim_host(s, "mn", m, 0, "192.0.2.1");
    *fa = sim_host(s, "fa", f, 1, "198.51.100.1");
    return s;
}

static struct sim *joined(const struct hip_config *m, const struct hip_config *f, struct sim_host **mn,
                          struct sim_host **fa)
{
    struct sim *s = pair(m, f, mn, fa);
    (void)sim_connect_udp(s, *mn, *fa, *fa);
    sim_run(s, 500000);
    assert_true(sim_joined(*mn, *fa));
    hip_sa_used((*fa)->e, (*fa)->ref, s->now, &s->out);
    sim_act(s, *fa);
    sim_ladder_clear(s);
    return s;
}

static struct hip_pkt parsed(const struct sim_packet *p)
{
    static uint8_t copy[HIP_PACKET_MAX];
    struct hip_pkt k;
    memcpy(copy, p->p, p->n);
    assert_int_equal(hip_pkt_parse(span_of(copy, p->n), &k), HIP_TAKEN);
    return k;
}

/* The association with the other one of the two; SAs may have to wait for connectivity checks. */
static struct hip_assoc *assoc(const struct sim_host *h, const struct sim_host *peer)
{
    struct hip_assoc *a = hip_assoc_by_pair(h->e, sim_hit(h), sim_hit(peer));
    assert_non_null(a);
    return a;
}

static uint16_t mode_of(const struct sim_host *h, const struct sim_host *peer)
{
    struct hip_assoc_view v;
    assert_int_equal(hip_assoc_get(h->e, hip_assoc_ref(assoc(h, peer)), &v), ERR_OK);
    return v.nat_mode;
}

/* ---- modes (s4.3) ---- */

static void modes_offered(void **state)
{
    static const struct {
        uint16_t m[2], f[2];
        bool server;
        size_t offered;
        uint16_t first;
        uint16_t chosen; /* 0: R1 is refused */
    } cases[] = {
        { { 3, 1 }, { 3, 1 }, false, 2, 3, 1 }, /* straight to us: no checks needed */
        { { 3, 1 }, { 0, 0 }, true, 1, 1, 1 },
        { { 3, 1 }, { 3, 1 }, true, 1, 1, 1 }, /* a relay offers UDP-ENCAPSULATION alone */
        { { 3, 1 }, { 3, 0 }, false, 1, 3, 3 },
        { { 3, 0 }, { 3, 1 }, false, 2, 3, 3 },
        { { 1, 0 }, { 3, 1 }, false, 2, 3, 1 },
        { { 3, 1 }, { 0, 0 }, false, 0, 0, 1 }, /* it knows none: nothing but UDP */
        { { 0, 0 }, { 3, 1 }, false, 2, 3, 1 }, /* we know none */
        { { 3, 0 }, { 1, 0 }, false, 1, 1, 0 },
        { { 1, 0 }, { 3, 0 }, false, 1, 3, 0 },
        { { 3, 1 }, { 2, 0 }, false, 1, 2, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hip_config m = modes(cases[i].m[0], cases[i].m[1]), f = modes(cases[i].f[0], cases[i].f[1]);
        struct sim_host *mn, *fa;
        f.relay_server = cases[i].server;
        struct sim *s = pair(&m, &f, &mn, &fa);
        (void)sim_connect_udp(s, mn, fa, fa);
        sim_run(s, 500000);
        struct hip_pkt r1 = parsed(sim_sent(s, HIP_PKT_R1));
        struct hip_ids16 l = { 0 };
        if (cases[i].offered)
            assert_int_equal(hip_get_nat_modes(hip_pkt_span(&r1, HIP_PAR_NAT_TRAVERSAL_MODE), &l), ERR_OK);
        assert_int_equal(hip_pkt_has(&r1, HIP_PAR_NAT_TRAVERSAL_MODE), cases[i].offered > 0);
        assert_int_equal(hip_pkt_has(&r1, HIP_PAR_TRANSACTION_PACING),
                         cases[i].f[0] == 3 && !cases[i].server);
        assert_int_equal(l.n, cases[i].offered);
        assert_int_equal(l.id[0], cases[i].first);
        if (cases[i].chosen == 0) {
            assert_int_equal(mn->drop, HIP_DROP_BAD_NAT_MODE);
            assert_true(sim_ladder_is(s, "mn>fa I1 udp\nfa>mn R1 udp\n"));
            assert_int_equal(mn->asked_i2, 0);
        } else {
            assert_memory_equal(s->ladder, in_udp, strlen(in_udp));
            assert_int_equal(mode_of(mn, fa), cases[i].chosen);
            assert_int_equal(mode_of(fa, mn), cases[i].chosen);
            assert_int_equal(mn->asked_mode, cases[i].chosen);
            assert_int_equal(fa->asked_mode, cases[i].chosen);
            struct hip_pkt i2 = parsed(sim_sent(s, HIP_PKT_I2));
            assert_int_equal(hip_pkt_has(&i2, HIP_PAR_NAT_TRAVERSAL_MODE), cases[i].offered && cases[i].m[0]);
        }
        sim_free(s);
    }
}

/* An I2 that is right but for its mode: no association, one NOTIFY 60, and the solution is used up. */
static void modes_refused(void **state)
{
    static const uint16_t chosen[] = { 2, 3, 77 };
    for (size_t i = 0; i < 3; i++) {
        struct hip_config m = modes(3, 1), f = modes(1, 0);
        struct sim_host *mn, *fa;
        struct sim *s = pair(&m, &f, &mn, &fa);
        mn->hold = true;
        struct hip_ref ref = sim_connect_udp(s, mn, fa, fa);
        sim_run(s, 50000);
        hip_assoc_by_ref(mn->e, ref)->nat_mode = chosen[i];
        assert_int_equal(hip_answer(mn->e, ref, &mn->i2, s->now, &s->out), ERR_OK);
        sim_act(s, mn);
        sim_run(s, 500000);
        assert_int_equal(fa->drop, HIP_DROP_BAD_NAT_MODE);
        assert_int_equal(fa->asked_r2, 0);
        assert_true(sim_ladder_is(s, "mn>fa I1 udp\nfa>mn R1 udp\nmn>fa I2 udp\nfa>mn NOTIFY udp\n"));
        assert_int_equal(mn->notify_code, HIP_NTF_NO_VALID_NAT_TRAVERSAL_MODE_PARAMETER);
        sim_run(s, SECOND);
        assert_int_equal(hip_counter(fa->e, HIP_DROP_PUZZLE_REUSED), 1);
        assert_int_equal(sim_count(s, "fa>mn NOTIFY"), 1);
        sim_free(s);
    }
}

/* Raw: neither end minds the parameter, whatever it says. */
static void modes_without_udp(void **state)
{
    struct hip_config m = modes(3, 0), f = modes(1, 0);
    struct sim_host *mn, *fa;
    struct sim *s = pair(&m, &f, &mn, &fa);
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    assert_true(sim_joined(mn, fa));
    assert_int_equal(mode_of(mn, fa), 0);
    assert_int_equal(mode_of(fa, mn), 0);
    struct hip_pkt i2 = parsed(sim_sent(s, HIP_PKT_I2));
    assert_false(hip_pkt_has(&i2, HIP_PAR_NAT_TRAVERSAL_MODE));
    sim_free(s);
}

/* A relayed I2 that chose UDP-ENCAPSULATION, or nothing, is refused by the Responder even if a relay lets it through (s4.7.1). */
static void plain_i2_by_a_relay(void **state)
{
    for (int with_mode = 0; with_mode < 2; with_mode++) {
        struct hip_config h = modes(3, 1), r = sim_config();
        r.relay_server = true;
        struct sim_host *mn, *fa;
        struct sim *s = joined(&h, &r, &mn, &fa); /* fa is mn's relay */
        struct sim_host *cn = sim_host(s, "cn", &h, 2, "203.0.113.7");
        struct hip_ref at_mn = mn->ref, at_fa = fa->ref;
        assert_int_equal(hip_relay_trust(mn->e, at_mn, true), ERR_OK);
        fa->relays = true;
        cn->hold = true;
        struct hip_ref ref = sim_connect_udp(s, cn, mn, fa);
        sim_run(s, 100000);
        sim_rule(s, cn, HIP_PKT_I2, SIM_LOSE)->count = 100;
        struct hip_assoc *a = hip_assoc_by_ref(cn->e, ref);
        assert_int_equal(a->nat_mode, HIP_NAT_ICE_HIP_UDP);
        assert_true(a->via_relay);
        a->nat_mode = HIP_NAT_UDP_ENCAPSULATION;
        a->nat_explicit = with_mode;
        assert_int_equal(hip_answer(cn->e, ref, &cn->i2, s->now, &s->out), ERR_OK);
        sim_act(s, cn);
        const struct sim_packet *i2 = sim_sent(s, HIP_PKT_I2);
        /* What a relay without that check would make of it. */
        const struct hip_assoc *client = hip_assoc_by_ref(fa->e, at_fa);
        struct hip_path path = sim_udp_path(mn, fa);
        struct hip_build b;
        uint8_t buf[HIP_PACKET_MAX];
        struct span pkt;
        struct hip_pkt k = parsed(i2);
        hip_build_resume(&b, buf, sizeof buf, &k);
        struct hip_transport_addr from = { .protocol = 17, .addr = i2->path.peer };
        hip_put_transport_addr(&b, HIP_PAR_RELAY_FROM, &from);
        hip_mac_add(&b, HIP_PAR_RELAY_HMAC, client->rhash, hip_key_mac(&client->keys.secrets->hip.out));
        assert_int_equal(hip_build_finish(&b, NULL, NULL, &pkt), ERR_OK);
        sim_ladder_clear(s);
        assert_int_equal(sim_inject(s, mn, &path, pkt), HIP_DROP_BAD_NAT_MODE);
        assert_int_equal(mn->asked_r2, 0);
        sim_run(s, 100000);
        assert_true(sim_ladder_is(s, "mn>fa NOTIFY udp\nfa>cn NOTIFY udp\n"));
        sim_free(s);
    }
}

/* ---- R1s of a Responder of another make ---- */

struct odd_r1 {
    uint16_t modes[2];
    size_t n_modes;
    uint32_t pacing; /* 0: none */
    const struct hip_locator *locator;
    const struct addr *relay_to;
};

static int inject_r1(struct sim *s, struct sim_host *mn, struct sim_host *fa, const struct odd_r1 *o)
{
    uint8_t buf[HIP_PACKET_MAX], i[48] = { 1 };
    struct hip_path path = sim_udp_path(mn, fa);
    struct dh_key *dh = dh_generate(hip_dh_suite(7)->group, &s->env);
    struct span pkt;
    struct hip_build b;
    hip_build_init(&b, buf, sizeof buf, HIP_PKT_R1, sim_hit(fa), sim_hit(mn), 0);
    if (o->locator)
        hip_put_locator_set(&b, &(struct hip_locator_set){ .n = 1, .v = { *o->locator } });
    hip_put_puzzle(&b, &(struct hip_puzzle){ .k = 1, .lifetime = 37, .i = span_of(i, 48) });
    hip_put_dh_groups(&b, &(struct hip_ids8){ .n = 1, .id = { 7 } });
    hip_put_dh(&b, &(struct hip_dh){ .group = 7, .pub = dh_public(dh) });
    hip_put_ciphers(&b, &(struct hip_ids16){ .n = 1, .id = { 2 } });
    if (o->n_modes)
        hip_put_nat_modes(&b, &(struct hip_ids16){ .n = o->n_modes, .id = { o->modes[0], o->modes[1] } });
    if (o->pacing)
        hip_put_u32(&b, HIP_PAR_TRANSACTION_PACING, o->pacing);
    hip_put_host_id(&b, &(struct hip_host_id){ .hi = span_of(fa->hi.wire, fa->hi.wire_len) });
    hip_put_hit_suites(&b, &(struct hip_ids8){ .n = 1, .id = { 2 } });
    hip_put_transports(&b, &(struct hip_ids16){ .n = 1, .id = { HIP_PAR_ESP_TRANSFORM } });
    hip_put_esp_transform(&b, &(struct hip_ids16){ .n = 1, .id = { 8 } });
    hip_sign_add(&b, HIP_PAR_HIP_SIGNATURE_2, &fa->hi);
    if (o->relay_to)
        hip_put_transport_addr(&b, HIP_PAR_RELAY_TO, &(struct hip_transport_addr){ 17, *o->relay_to });
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &pkt), ERR_OK);
    dh_free(dh);
    return sim_inject(s, mn, &path, pkt);
}

/* Where the I2 goes, and with which mode; port 0: the R1 is refused. */
static void choice(const struct odd_r1 *o, uint16_t mode, const char *to, uint16_t port)
{
    struct hip_config h = modes(3, 1);
    struct sim_host *mn, *fa;
    struct sim *s = pair(&h, &h, &mn, &fa);
    struct addr want;
    sim_rule(s, mn, HIP_PKT_I1, SIM_LOSE)->count = 10;
    (void)sim_connect_udp(s, mn, fa, fa);
    int drop = inject_r1(s, mn, fa, o);
    sim_run(s, 500000);
    if (port == 0) {
        assert_int_equal(drop, HIP_DROP_BAD_NAT_MODE);
        assert_null(sim_sent(s, HIP_PKT_I2));
    } else {
        assert_int_equal(drop, HIP_TAKEN);
        assert_int_equal(mn->asked_mode, mode);
        assert_int_equal(addr_parse(to, &want), ERR_OK);
        want.port = port;
        assert_non_null(sim_sent(s, HIP_PKT_I2));
        assert_true(addr_eq(&sim_sent(s, HIP_PKT_I2)->path.local, &want));
    }
    sim_free(s);
}

static void choices(void **state)
{
    struct addr relay_to;
    struct hip_locator l = {
        .type = HIP_LOC_UDP, .preferred = true, .lifetime_s = 60, .protocol = 17, .kind = HIP_LOC_HOST
    };
    assert_int_equal(addr_parse("192.0.2.1:10500", &relay_to), ERR_OK);
    assert_int_equal(addr_parse("198.51.100.77:10501", &l.addr), ERR_OK);
    /* Through the Responder's relay: with checks, or straight to where it says. */
    choice(&(struct odd_r1){ .modes = { 1, 3 }, .n_modes = 2, .relay_to = &relay_to }, 3, "198.51.100.1",
           10500);
    choice(&(struct odd_r1){ .modes = { 1 }, .n_modes = 1, .relay_to = &relay_to }, 0, NULL, 0);
    choice(&(struct odd_r1){ .relay_to = &relay_to }, 0, NULL, 0);
    choice(&(struct odd_r1){ .modes = { 1 }, .n_modes = 1, .relay_to = &relay_to, .locator = &l }, 1,
           "198.51.100.77", 10501);
    choice(&(struct odd_r1){ .modes = { 1, 3 }, .n_modes = 2, .relay_to = &relay_to, .locator = &l }, 3,
           "198.51.100.1", 10500);
    /* Straight from it. */
    choice(&(struct odd_r1){ .modes = { 1 }, .n_modes = 1, .locator = &l }, 1, "198.51.100.77", 10501);
    choice(&(struct odd_r1){ .modes = { 3, 1 }, .n_modes = 2 }, 1, "198.51.100.1", 10500);
    choice(&(struct odd_r1){ .modes = { 2, 9 }, .n_modes = 2 }, 0, NULL, 0);
    /* A locator that is none for this. */
    static const struct {
        bool preferred;
        uint8_t traffic, protocol;
        const char *addr;
    } odd[] = { { false, 0, 17, "198.51.100.77:10501" }, { true, 1, 17, "198.51.100.77:10501" },
                { true, 0, 6, "198.51.100.77:10501" },   { true, 0, 17, "198.51.100.77" },
                { true, 0, 17, "[2001:db8::1]:10501" },  { true, 0, 17, "224.0.0.7:10501" } };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        l.preferred = odd[i].preferred;
        l.traffic = odd[i].traffic;
        l.protocol = odd[i].protocol;
        assert_int_equal(addr_parse(odd[i].addr, &l.addr), ERR_OK);
        choice(&(struct odd_r1){ .modes = { 1 }, .n_modes = 1, .locator = &l }, 1, "198.51.100.1", 10500);
    }
}

/* ---- pacing (s4.4) ---- */

static uint32_t pacing_in(const struct sim *s, uint8_t packet)
{
    struct hip_pkt k = parsed(sim_sent(s, packet));
    uint32_t ms = 0;
    assert_int_equal(hip_get_u32(hip_pkt_span(&k, HIP_PAR_TRANSACTION_PACING), &ms), ERR_OK);
    return ms;
}

static void pacing(void **state)
{
    static const struct {
        uint32_t m, f, r1, i2;
    } cases[] = { { 0, 0, 50, 50 },   { 20, 0, 50, 50 }, { 0, 20, 20, 50 },
                  { 20, 20, 20, 20 }, { 1, 2, 5, 5 },    { 7, 200, 200, 200 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hip_config m = modes(3, 0), f = modes(3, 0);
        struct sim_host *mn, *fa;
        m.pacing_ms = cases[i].m;
        f.pacing_ms = cases[i].f;
        struct sim *s = pair(&m, &f, &mn, &fa);
        (void)sim_connect_udp(s, mn, fa, fa);
        sim_run(s, 500000);
        assert_int_equal(pacing_in(s, HIP_PKT_R1), cases[i].r1);
        assert_int_equal(pacing_in(s, HIP_PKT_I2), cases[i].i2);
        assert_int_equal(assoc(mn, fa)->pacing_ms, cases[i].i2);
        assert_int_equal(assoc(fa, mn)->pacing_ms, cases[i].i2);
        sim_free(s);
    }
    /* None in R1 counts as 50; one without end is echoed, and not obeyed for ever. */
    struct hip_config m = modes(3, 0);
    struct sim_host *mn, *fa;
    m.pacing_ms = 10;
    for (int huge = 0; huge < 2; huge++) {
        struct sim *s = pair(&m, &m, &mn, &fa);
        struct odd_r1 o = { .modes = { 3 }, .n_modes = 1, .pacing = huge ? UINT32_MAX : 0 };
        sim_rule(s, mn, HIP_PKT_I1, SIM_LOSE)->count = 10;
        (void)sim_connect_udp(s, mn, fa, fa);
        assert_int_equal(inject_r1(s, mn, fa, &o), HIP_TAKEN);
        sim_run(s, 100000);
        assert_int_equal(pacing_in(s, HIP_PKT_I2), huge ? UINT32_MAX : 50);
        sim_free(s);
    }
}

/* ---- I1 with and without UDP (s4.7.2) ---- */

static struct hip_ref connect_both(struct sim *s, struct sim_host *mn, struct sim_host *fa)
{
    struct hip_path to[2] = { sim_udp_path(mn, fa), sim_path(mn, fa) };
    struct hip_ref ref;
    assert_int_equal(hip_connect(mn->e, sim_hit(mn), sim_hit(fa), to, 2, s->now, &s->out, &ref), ERR_OK);
    sim_act(s, mn);
    return ref;
}

static void first_r1_wins(void **state)
{
    struct hip_config c = modes(3, 1);
    struct sim_host *mn, *fa;
    /* Without UDP, when that works. */
    struct sim *s = pair(&c, &c, &mn, &fa);
    (void)connect_both(s, mn, fa);
    sim_run(s, SECOND);
    assert_true(sim_ladder_is(s, "mn>fa I1\nfa>mn R1\nmn>fa I2\nfa>mn R2\n"));
    sim_free(s);
    /* In UDP, when the other does not come through. */
    s = pair(&c, &c, &mn, &fa);
    sim_rule(s, mn, HIP_PKT_I1, SIM_LOSE);
    (void)connect_both(s, mn, fa);
    sim_run(s, 90000);
    assert_true(sim_ladder_is(s, "mn>fa I1 (lost)\n"));
    sim_run(s, SECOND);
    assert_true(
        sim_ladder_is(s, "mn>fa I1 (lost)\nmn>fa I1 udp\nfa>mn R1 udp\nmn>fa I2 udp\nfa>mn R2 udp\n"));
    assert_int_equal(mode_of(mn, fa), HIP_NAT_UDP_ENCAPSULATION);
    sim_free(s);
    /* Both are sent again, each a second after, while nothing comes. */
    s = pair(&c, &c, &mn, &fa);
    sim_rule(s, mn, HIP_PKT_I1, SIM_LOSE)->count = 4;
    (void)connect_both(s, mn, fa);
    sim_run(s, 5 * SECOND);
    assert_true(sim_ladder_is(s,
                              "mn>fa I1 (lost)\nmn>fa I1 udp (lost)\nmn>fa I1 (lost)\nmn>fa I1 udp (lost)\n"
                              "mn>fa I1\nfa>mn R1\nmn>fa I2\nfa>mn R2\n"));
    sim_free(s);
    /* The slower R1 is of no consequence, not even a newer one. */
    s = pair(&c, &c, &mn, &fa);
    struct sim_rule *late = sim_rule(s, fa, HIP_PKT_R1, SIM_DELAY);
    late->delay_us = 300000;
    mn->hold = true;
    struct hip_ref ref = connect_both(s, mn, fa);
    sim_run(s, SECOND);
    assert_true(sim_ladder_is(s, "mn>fa I1\nfa>mn R1\nmn>fa I1 udp\nfa>mn R1 udp\n"));
    assert_int_equal(mn->drop, HIP_DROP_DUPLICATE);
    assert_int_equal(mn->asked_i2, 1);
    hip_assoc_by_ref(mn->e, ref)->x->r1_counter = 0;
    struct hip_path raw = sim_path(mn, fa);
    struct sim_packet r1 = *sim_sent(s, HIP_PKT_R1);
    hip_set_checksum(r1.p, r1.n, &raw.peer, &raw.local);
    assert_int_equal(sim_inject(s, mn, &raw, span_of(r1.p, r1.n)), HIP_DROP_DUPLICATE);
    assert_int_equal(hip_answer(mn->e, ref, &mn->i2, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, SECOND);
    assert_int_equal(sim_count(s, "mn>fa I2 udp"), 1);
    assert_int_equal(mode_of(mn, fa), HIP_NAT_UDP_ENCAPSULATION);
    sim_free(s);
}

/* ---- what a relay's registration carries (s4.1, s4.2) ---- */

static struct addr place(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(text, &a), ERR_OK);
    return a;
}

static struct hip_peer_permission permission(void)
{
    return (struct hip_peer_permission){ .protocol = 17,
                                         .relayed = place("198.51.100.1:40000"),
                                         .peer = place("203.0.113.7:1234"),
                                         .spi_out = 0x1111,
                                         .spi_in = 0x2222 };
}

static void registration(void **state)
{
    struct hip_config c = modes(3, 1), f = sim_config();
    struct sim_host *mn, *fa;
    f.relay_server = true;
    struct sim *s = pair(&c, &f, &mn, &fa);
    mn->i2.contents.request =
        (struct hip_reg_list){ .present = true, .lifetime = 120, .n = 2, .type = { 2, 3 } };
    struct hip_contents *r = &fa->r2.contents;
    r->response = mn->i2.contents.request;
    r->reg_from = place("192.0.2.1:10500");
    r->relayed = place("198.51.100.1:40000");
    (void)sim_connect_udp(s, mn, fa, fa);
    sim_run(s, SECOND);
    assert_true(sim_joined(mn, fa));
    assert_true(addr_eq(&mn->contents.reg_from, &r->reg_from));
    assert_true(addr_eq(&mn->contents.relayed, &r->relayed));
    struct hip_contents q = { .has_permission = true, .permission = permission() };
    fa->done = true;
    assert_int_equal(hip_update(mn->e, mn->ref, &q, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 100000);
    assert_int_equal(fa->updates, 1);
    assert_true(fa->contents.has_permission);
    assert_memory_equal(&fa->contents.permission.relayed, &q.permission.relayed, sizeof(struct addr));
    assert_memory_equal(&fa->contents.permission.peer, &q.permission.peer, sizeof(struct addr));
    assert_int_equal(fa->contents.permission.spi_out, 0x1111);
    assert_int_equal(fa->contents.permission.spi_in, 0x2222);
    sim_free(s);
}

static int inject_odd(struct sim *s, struct sim_host *mn, struct sim_host *fa, uint16_t type,
                      const struct hip_transport_addr *t, const struct hip_peer_permission *p)
{
    const struct hip_assoc *a = hip_assoc_by_ref(mn->e, mn->ref);
    struct hip_path path = sim_udp_path(fa, mn);
    uint8_t buf[HIP_PACKET_MAX];
    struct span pkt;
    struct hip_build b;
    hip_build_init(&b, buf, sizeof buf, HIP_PKT_UPDATE, sim_hit(mn), sim_hit(fa), 0);
    hip_put_seq(&b, a->next_id);
    if (p)
        hip_put_peer_permission(&b, p);
    else
        hip_put_transport_addr(&b, type, t);
    hip_auth_add(&b, a);
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &pkt), ERR_OK);
    return sim_inject(s, fa, &path, pkt);
}

static void odd_addresses(void **state)
{
    static const struct {
        uint8_t protocol;
        const char *addr;
    } odd[] = { { 0, "192.0.2.9:5" },  { 6, "192.0.2.9:5" }, { 17, "192.0.2.9" },
                { 17, "239.0.0.1:5" }, { 17, "0.0.0.0:5" },  { 17, "[::]:5" } };
    struct hip_config c = modes(3, 1);
    struct sim_host *mn, *fa;
    struct sim *s = joined(&c, &c, &mn, &fa);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        struct hip_transport_addr t = { odd[i].protocol, place(odd[i].addr) };
        struct hip_peer_permission p = permission(), q = permission();
        p.protocol = q.protocol = t.protocol;
        p.relayed = q.peer = t.addr;
        assert_int_equal(inject_odd(s, mn, fa, HIP_PAR_REG_FROM, &t, NULL), HIP_DROP_PARAM_MALFORMED);
        assert_int_equal(inject_odd(s, mn, fa, HIP_PAR_RELAYED_ADDRESS, &t, NULL), HIP_DROP_PARAM_MALFORMED);
        assert_int_equal(inject_odd(s, mn, fa, 0, NULL, &p), HIP_DROP_PARAM_MALFORMED);
        assert_int_equal(inject_odd(s, mn, fa, 0, NULL, &q), HIP_DROP_PARAM_MALFORMED);
    }
    struct hip_peer_permission p = permission();
    p.spi_in = 255;
    assert_int_equal(inject_odd(s, mn, fa, 0, NULL, &p), HIP_DROP_PARAM_MALFORMED);
    p.spi_in = p.spi_out;
    p.spi_out = 0;
    assert_int_equal(inject_odd(s, mn, fa, 0, NULL, &p), HIP_DROP_PARAM_MALFORMED);
    assert_int_equal(fa->updates, 0);
    sim_free(s);
}

/* s4.2: asked with a nonce; answer, ACK and the nonce come back in one packet. */
static void asked_with_a_nonce(void **state)
{
    for (uint8_t type = 2; type <= 4; type++) {
        struct hip_config c = modes(3, 1);
        struct sim_host *mn, *fa;
        struct sim *s = joined(&c, &c, &mn, &fa);
        struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { type } } };
        struct hip_answer w = { .contents = { .reg_from = mn->addr[0] } };
        w.contents.reg_from.port = 10500;
        w.contents.relayed = place("198.51.100.1:40001");
        fa->reply = &w;
        mn->done = true;
        assert_int_equal(hip_update(mn->e, mn->ref, &q, s->now, &s->out), ERR_OK);
        sim_act(s, mn);
        struct hip_pkt k = parsed(sim_sent(s, HIP_PKT_UPDATE));
        bool asked = type != 2;
        assert_int_equal(hip_pkt_has(&k, HIP_PAR_ECHO_REQUEST_SIGNED), asked);
        uint8_t nonce[HIP_ECHO_LEN] = { 0 };
        if (asked)
            memcpy(nonce, hip_pkt_span(&k, HIP_PAR_ECHO_REQUEST_SIGNED).p, sizeof nonce);
        sim_run(s, 15000);
        k = parsed(sim_sent(s, HIP_PKT_UPDATE));
        assert_int_equal(hip_pkt_has(&k, HIP_PAR_ECHO_RESPONSE_SIGNED), asked);
        if (asked)
            assert_memory_equal(hip_pkt_span(&k, HIP_PAR_ECHO_RESPONSE_SIGNED).p, nonce, sizeof nonce);
        assert_true(hip_pkt_has(&k, HIP_PAR_ACK));
        sim_run(s, 400000);
        assert_true(sim_ladder_is(s, "mn>fa UPDATE udp\nfa>mn UPDATE udp\nmn>fa UPDATE udp\n"));
        assert_int_equal(mn->acked, 1);
        assert_int_equal(fa->acked, 1);
        assert_int_equal(mn->contents.reg_from.port, 10500);
        assert_int_equal(mn->contents.relayed.port, 40001);
        sim_free(s);
    }
}

/* No answer from the owner: the ACK that goes alone has the nonce; and one without it does not count. */
static void nonce_with_a_bare_ack(void **state)
{
    struct hip_config c = modes(3, 1);
    struct sim_host *mn, *fa;
    struct sim *s = joined(&c, &c, &mn, &fa);
    struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 4 } } };
    assert_int_equal(hip_update(mn->e, mn->ref, &q, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 50000);
    assert_true(sim_ladder_is(s, "mn>fa UPDATE udp\n"));
    sim_run(s, 100000);
    assert_true(sim_ladder_is(s, "mn>fa UPDATE udp\nfa>mn UPDATE udp\n"));
    assert_int_equal(mn->acked, 1);
    sim_rule(s, mn, HIP_PKT_UPDATE, SIM_LOSE);
    assert_int_equal(hip_update(mn->e, mn->ref, &q, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    const struct hip_assoc *a = hip_assoc_by_ref(fa->e, fa->ref);
    struct hip_path path = sim_udp_path(mn, fa);
    for (int with = 0; with < 2; with++) {
        uint8_t buf[HIP_PACKET_MAX];
        struct span pkt;
        struct hip_build b;
        hip_build_init(&b, buf, sizeof buf, HIP_PKT_UPDATE, sim_hit(fa), sim_hit(mn), 0);
        hip_put_ack(&b,
                    &(struct hip_acks){ .n = 1, .id = { hip_assoc_by_ref(mn->e, mn->ref)->next_id - 1 } });
        if (with)
            hip_build_param(&b, HIP_PAR_ECHO_RESPONSE_SIGNED, span_of("0123456789abcdef", 16));
        hip_auth_add(&b, a);
        assert_int_equal(hip_build_finish(&b, NULL, NULL, &pkt), ERR_OK);
        assert_int_equal(sim_inject(s, mn, &path, pkt), HIP_DROP_BAD_ECHO);
    }
    assert_int_equal(mn->acked, 1);
    sim_run(s, 2 * SECOND);
    assert_int_equal(mn->acked, 2);
    sim_free(s);
}

/* From another interface: the answer goes back there; when that leads nowhere the association stays. */
static void from_another_interface(void **state)
{
    struct hip_config c = modes(3, 1);
    struct sim_host *mn, *fa;
    struct sim *s = joined(&c, &c, &mn, &fa);
    struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 4 } } };
    struct hip_path wlan = sim_udp_path(mn, fa), raw = sim_path(mn, fa), mixed = wlan;
    wlan.local = sim_addr(mn, "192.0.2.77");
    wlan.local.port = 20000;
    mixed.local = place("[2001:db8::1]:10500");
    assert_int_equal(hip_update_on(mn->e, mn->ref, &raw, &q, s->now, &s->out), ERR_RANGE);
    assert_int_equal(hip_update_on(mn->e, mn->ref, &mixed, &q, s->now, &s->out), ERR_RANGE);
    assert_int_equal(hip_update_on(mn->e, (struct hip_ref){ 9, 9 }, &wlan, &q, s->now, &s->out),
                     ERR_NOT_FOUND);
    assert_int_equal(hip_update_on(mn->e, mn->ref, &wlan, &q, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 15000);
    /* fa's owner is about to answer: something else it sends first does not take the nonce another way. */
    struct hip_contents note = { .info = { .present = true, .min = 90, .max = 100 } };
    assert_int_equal(hip_update(fa->e, fa->ref, &note, s->now, &s->out), ERR_OK);
    sim_act(s, fa);
    assert_true(sim_ladder_is(s, "mn>fa UPDATE udp\nfa>mn UPDATE udp\nfa>mn UPDATE udp\n"));
    mn->done = true;
    sim_run(s, 500000);
    assert_int_equal(mn->acked, 1);
    struct hip_assoc_view v;
    struct hip_path first = sim_udp_path(mn, fa);
    assert_int_equal(hip_assoc_get(mn->e, mn->ref, &v), ERR_OK);
    assert_true(hip_path_eq(&v.path, &first));
    assert_int_equal(hip_assoc_get(fa->e, fa->ref, &v), ERR_OK);
    assert_true(addr_eq(&v.path.peer, &first.local));

    sim_addr_gone(mn, "192.0.2.77");
    sim_ladder_clear(s);
    assert_int_equal(hip_update_on(mn->e, mn->ref, &wlan, &q, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 100 * SECOND);
    assert_int_equal(sim_count(s, "mn>fa UPDATE udp (lost)"), 6);
    assert_int_equal(mn->gone, 0);
    assert_int_equal(mn->acked, 1);
    sim_free(s);
}

/* ---- keepalives (s4.10) ---- */

static void keepalives(void **state)
{
    struct hip_config c = modes(3, 1), f = sim_config();
    struct sim_host *mn, *fa;
    c.ual_us = f.ual_us = 60 * SECOND;
    c.keepalive_us = 1; /* never shorter than 15 s */
    f.relay_server = true;
    struct sim *s = joined(&c, &f, &mn, &fa);
    /* mn has a registration there: hearing nothing is no reason for it to leave. fa lives on what it hears. */
    assert_int_equal(hip_keep(mn->e, mn->ref, s->now + 3600 * SECOND, s->now), ERR_OK);
    sim_run(s, 14 * SECOND);
    assert_true(sim_ladder_is(s, ""));
    sim_run(s, SECOND);
    assert_true(sim_ladder_is(s, "mn>fa NOTIFY udp\n"));
    struct hip_pkt k = parsed(sim_sent(s, HIP_PKT_NOTIFY));
    struct hip_notification n;
    assert_int_equal(hip_get_notification(hip_pkt_span(&k, HIP_PAR_NOTIFICATION), &n), ERR_OK);
    assert_int_equal(n.code, HIP_NTF_NAT_KEEPALIVE);
    assert_int_equal(n.data.n, 0);
    /* Nobody closes for idleness, nobody's owner is bothered, and the server in the open adds nothing. */
    sim_run(s, 600 * SECOND);
    assert_in_range(sim_count(s, "mn>fa NOTIFY"), 40, 42);
    assert_int_equal(sim_count(s, "fa>mn"), 0);
    assert_int_equal(mn->gone + fa->gone, 0);
    assert_int_equal(fa->notified, 0);
    /* ESP that goes out does instead. */
    sim_ladder_clear(s);
    for (int i = 0; i < 20; i++) {
        hip_sa_sent(mn->e, mn->ref, s->now);
        hip_sa_used(fa->e, fa->ref, s->now, &s->out);
        sim_run(s, 5 * SECOND);
    }
    assert_true(sim_ladder_is(s, ""));
    sim_run(s, 11 * SECOND);
    assert_true(sim_ladder_is(s, "mn>fa NOTIFY udp\n"));
    /* The client falls silent: now the server speaks. */
    assert_int_equal(hip_drop(mn->e, mn->ref, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 30 * SECOND);
    assert_int_equal(sim_count(s, "fa>mn NOTIFY"), 1);
    sim_free(s);
}

/* Data that goes another way than signalling: each way by itself, and none through a relay of our own. */
static void keepalives_of_data(void **state)
{
    struct hip_config c = modes(3, 1);
    struct sim_host *mn, *fa;
    struct sim *s = joined(&c, &c, &mn, &fa);
    struct hip_assoc *a = hip_assoc_by_ref(mn->e, mn->ref);
    a->ice = calloc(1, sizeof *a->ice); /* as after nomination */
    assert_non_null(a->ice);
    a->ice->selected = true;
    a->ice->esp = a->path;
    a->ice->esp.peer = place("203.0.113.5:7000");
    hip_sa_sent(mn->e, mn->ref, s->now);
    sim_run(s, 31 * SECOND);
    assert_int_equal(sim_count(s, "mn>fa NOTIFY udp"), 2);
    assert_int_equal(sim_count(s, "mn>? NOTIFY udp"), 2);
    a->path.to = place("203.0.113.6:7000");
    sim_ladder_clear(s);
    for (int i = 0; i < 31; i++) {
        sim_run(s, SECOND);
        if (i == 10)
            hip_sa_sent(mn->e, mn->ref, s->now);
    }
    assert_int_equal(sim_count(s, "mn>fa NOTIFY udp"), 0);
    assert_int_equal(sim_count(s, "mn>? NOTIFY udp"), 1);
    a->ice->esp.to = place("203.0.113.6:7000");
    sim_ladder_clear(s);
    sim_run(s, 31 * SECOND);
    assert_int_equal(sim_count(s, "mn>"), 0);
    sim_free(s);
}

static void no_keepalives_without_udp(void **state)
{
    struct hip_config c = modes(3, 1);
    struct sim_host *mn, *fa;
    struct sim *s = pair(&c, &c, &mn, &fa);
    (void)sim_connect(s, mn, fa);
    sim_run(s, 100 * SECOND);
    assert_int_equal(sim_count(s, "mn>fa NOTIFY"), 0);
    assert_int_equal(sim_count(s, "fa>mn NOTIFY"), 0);
    sim_free(s);
}

/* Each costs a signature only when it has something to do. */
static void keepalives_are_cheap(void **state)
{
    struct hip_config c = modes(3, 1);
    struct sim_host *mn, *fa;
    c.ual_us = 400 * SECOND;
    struct sim *s = joined(&c, &c, &mn, &fa);
    assert_int_equal(hip_notify(mn->e, mn->ref, HIP_NTF_NAT_KEEPALIVE, span_of(NULL, 0), s->now, &s->out),
                     ERR_OK);
    sim_act(s, mn);
    struct sim_packet p = *sim_sent(s, HIP_PKT_NOTIFY);
    struct hip_path path = sim_udp_path(fa, mn), other = path;
    p.p[p.n - 9] ^= 1; /* the signature */
    for (int i = 0; i < 50; i++)
        assert_int_equal(sim_inject(s, fa, &path, span_of(p.p, p.n)), HIP_TAKEN);
    other.peer.port = 4711;
    assert_int_equal(sim_inject(s, fa, &other, span_of(p.p, p.n)), HIP_DROP_BAD_SIGNATURE);
    hip_assoc_by_ref(fa->e, fa->ref)->used_us = s->now - 100 * SECOND;
    assert_int_equal(sim_inject(s, fa, &path, span_of(p.p, p.n)), HIP_DROP_BAD_SIGNATURE);
    p.p[p.n - 9] ^= 1;
    assert_int_equal(sim_inject(s, fa, &path, span_of(p.p, p.n)), HIP_TAKEN);
    assert_int_equal(hip_assoc_by_ref(fa->e, fa->ref)->used_us, s->now);
    sim_free(s);
}

/* RFC 5770 s4.7: 15 s without an answer to I1, or I2, and the mapping to the relay is kept open. */
static void keepalives_while_waiting(void **state)
{
    struct hip_config c = modes(3, 1);
    struct sim_host *mn, *fa;
    struct sim *s = pair(&c, &c, &mn, &fa);
    sim_rule(s, mn, HIP_PKT_I1, SIM_LOSE)->count = 100;
    (void)sim_connect_udp(s, mn, fa, fa);
    sim_run(s, 62 * SECOND); /* I1 at 0, 1, 3, 7, 15, 31 s */
    assert_int_equal(sim_count(s, "mn>fa I1"), 6);
    assert_int_equal(sim_count(s, "mn>fa NOTIFY"), 3); /* at 30, 46, 61 s */
    sim_free(s);
    s = pair(&c, &c, &mn, &fa);
    sim_rule(s, mn, HIP_PKT_I2, SIM_LOSE)->count = 100;
    (void)sim_connect_udp(s, mn, fa, fa);
    sim_run(s, 62 * SECOND);
    assert_int_equal(sim_count(s, "mn>fa I2"), 6);
    assert_int_equal(sim_count(s, "mn>fa NOTIFY"), 3);
    sim_free(s);
}

/* mn's NAT has lost its mapping: the keepalive comes from another port. fa checks that one and goes there. */
static void nat_renumbers(void **state)
{
    struct hip_config c = modes(3, 1);
    struct sim_host *mn, *fa;
    struct sim *s = joined(&c, &c, &mn, &fa);
    struct hip_path home = sim_udp_path(fa, mn);
    for (uint16_t i = 0; i < 12; i++) { /* more often than there are places for locators */
        struct hip_path seen = home;
        struct hip_assoc_view v;
        seen.peer.port = 4711 + i % 11;
        assert_int_equal(hip_notify(mn->e, mn->ref, HIP_NTF_NAT_KEEPALIVE, span_of(NULL, 0), s->now, &s->out),
                         ERR_OK);
        hip_actions_reset(&s->out);
        sim_rule(s, mn, HIP_PKT_NOTIFY, SIM_LOSE);
        assert_int_equal(hip_notify(mn->e, mn->ref, HIP_NTF_NAT_KEEPALIVE, span_of(NULL, 0), s->now, &s->out),
                         ERR_OK);
        sim_act(s, mn);
        struct sim_packet n = *sim_sent(s, HIP_PKT_NOTIFY);
        s->n_rules = 0;
        sim_ladder_clear(s);
        assert_int_equal(sim_inject(s, fa, &seen, span_of(n.p, n.n)), HIP_TAKEN);
        assert_int_equal(hip_assoc_get(fa->e, fa->ref, &v), ERR_OK);
        assert_int_not_equal(v.path.peer.port, seen.peer.port); /* not before the echo is back */
        sim_run(s, SECOND);
        assert_true(sim_ladder_is(s, "fa>mn UPDATE udp\nmn>fa UPDATE udp\n"));
        assert_int_equal(hip_assoc_get(fa->e, fa->ref, &v), ERR_OK);
        assert_true(hip_path_eq(&v.path, &seen));
        assert_int_equal(fa->moved, i + 1u);
        assert_int_equal(fa->sa_path.peer.port, seen.peer.port);
    }
    /* Somebody repeats one from where no echo comes back. */
    struct sim_packet n = *sim_sent(s, HIP_PKT_NOTIFY);
    struct hip_path elsewhere = home, far = home;
    elsewhere.peer.ip[3] = 66;
    assert_int_equal(sim_inject(s, fa, &elsewhere, span_of(n.p, n.n)), HIP_TAKEN);
    far.peer.port = 4711;
    /* Its ACK without the nonce is worth nothing: the nonce is what went there. */
    uint8_t buf[HIP_PACKET_MAX];
    struct span pkt;
    struct hip_build b;
    uint32_t id = hip_assoc_by_ref(fa->e, fa->ref)->next_id - 1;
    hip_build_init(&b, buf, sizeof buf, HIP_PKT_UPDATE, sim_hit(mn), sim_hit(fa), 0);
    hip_put_ack(&b, &(struct hip_acks){ .n = 1, .id = { id } });
    hip_auth_add(&b, hip_assoc_by_ref(mn->e, mn->ref));
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &pkt), ERR_OK);
    assert_int_equal(sim_inject(s, fa, &home, pkt), HIP_DROP_BAD_ECHO);
    sim_run(s, SECOND);
    struct hip_assoc_view v;
    assert_int_equal(hip_assoc_get(fa->e, fa->ref, &v), ERR_OK);
    assert_true(hip_path_eq(&v.path, &far));
    sim_run(s, 100 * SECOND); /* mn's own keepalives bring it home */
    assert_int_equal(hip_assoc_get(fa->e, fa->ref, &v), ERR_OK);
    assert_true(hip_path_eq(&v.path, &home));
    assert_int_equal(fa->gone, 0);
    sim_free(s);
}

/* UDP_WANTED (docs/sim-binding.md) is the owner's. */
static void udp_wanted(void **state)
{
    struct hip_config c = modes(3, 1);
    struct sim_host *mn, *fa;
    struct sim *s = pair(&c, &c, &mn, &fa);
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    assert_int_equal(hip_notify(fa->e, fa->ref, HIP_NTF_UDP_WANTED, span_of(NULL, 0), s->now, &s->out),
                     ERR_OK);
    sim_act(s, fa);
    sim_run(s, 500000);
    assert_int_equal(mn->notified, 1);
    assert_int_equal(mn->notify_code, HIP_NTF_UDP_WANTED);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modes_offered),
        cmocka_unit_test(modes_refused),
        cmocka_unit_test(modes_without_udp),
        cmocka_unit_test(plain_i2_by_a_relay),
        cmocka_unit_test(choices),
        cmocka_unit_test(pacing),
        cmocka_unit_test(first_r1_wins),
        cmocka_unit_test(registration),
        cmocka_unit_test(odd_addresses),
        cmocka_unit_test(asked_with_a_nonce),
        cmocka_unit_test(nonce_with_a_bare_ack),
        cmocka_unit_test(from_another_interface),
        cmocka_unit_test(keepalives),
        cmocka_unit_test(keepalives_of_data),
        cmocka_unit_test(no_keepalives_without_udp),
        cmocka_unit_test(keepalives_are_cheap),
        cmocka_unit_test(keepalives_while_waiting),
        cmocka_unit_test(nat_renumbers),
        cmocka_unit_test(udp_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
