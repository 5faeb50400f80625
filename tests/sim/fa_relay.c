/* SPDX-License-Identifier: Apache-2.0
 *
 * Registration for the relays, the control relay and the permissions of the data relay (RFC 8003; RFC 9028 s4.1 to s4.5, s4.12), and who must get nothing
 * from them: strangers, liars, the greedy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hip/assoc_auth.h"
#include "hip/auth.h"
#include "hip/core.h"
#include "hip/param_data.h"
#include "hip/param_nat.h"
#include "hip/update.h"
#include "tests/sim/fa_world.h"

#define MN "198.51.100.7:4500"
#define CN "203.0.113.9:777"
#define FA "192.0.2.1"

static struct addr at(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(text, &a), ERR_OK);
    return a;
}

static uint64_t seed(uint64_t otherwise)
{
    const char *t = getenv("SEED");
    return t ? strtoull(t, NULL, 10) : otherwise;
}

static struct fw *world(void)
{
    struct fw *w = fw_new(seed(7));
    w->c.relay = (struct fa_relay_config){ .control = true,
                                           .data = true,
                                           .discovery = true,
                                           .port_first = 20000,
                                           .port_last = 20007,
                                           .n_local = 1,
                                           .local = { w->fa_addr },
                                           .table = { .flows = 64, .clients = 8 } };
    w->c.n_allow = 2;
    return w;
}

static void allow(struct fw *w, int i, const struct fw_mn *m)
{
    w->allow[i] = (struct fa_allow){ .hit = m->hi.hit, .n = 4, .type = { 1, 2, 3, 4 } };
}

/* A host that wants these types (0 ends), on the allow list. */
static struct fw_mn *host(struct fw *w, int i, const char *addr, uint8_t a, uint8_t b)
{
    struct fw_mn *m = fw_mn(w, "mn", addr, NULL);
    m->want_rvs = false;
    if (a)
        m->want[m->n_want++] = a;
    if (b)
        m->want[m->n_want++] = b;
    if (i >= 0)
        allow(w, i, m);
    return m;
}

static bool has(const struct fw_mn *m, uint8_t type)
{
    return m->granted >> type & 1;
}

static struct fa_stats stats(struct fw *w)
{
    struct fa_stats s;
    fa_stats_get(w->fa, &s);
    return s;
}

/* mn with both relays, up. */
static struct fw_mn *client(struct fw *w)
{
    struct fw_mn *m = host(w, 0, MN, FA_REG_RELAY_HIP, FA_REG_RELAY_ESP);
    m->trust = true;
    fw_start(w);
    fw_connect(w, m);
    fw_run(w, FW_S / 2);
    assert_true(m->up && has(m, FA_REG_RELAY_HIP) && has(m, FA_REG_RELAY_ESP));
    return m;
}

/* REG_REQUEST in an UPDATE; relayed: RELAYED_ADDRESS in it, or NULL. */
static void ask(struct fw *w, struct fw_mn *m, uint8_t lifetime, uint8_t type, const struct addr *relayed)
{
    struct hip_contents c = { .request = {
                                  .present = true, .lifetime = lifetime, .n = 1, .type = { type } } };
    if (relayed)
        c.relayed = *relayed;
    m->got = (struct hip_contents){ 0 };
    assert_int_equal(fw_raw_update(w, m, &c), ERR_OK);
    fw_run(w, FW_S / 2);
}

static struct hip_path way(const char *from, uint16_t port)
{
    struct hip_path p = { .local = at(FA), .peer = at(from) };
    p.local.port = port;
    return p;
}

/* ---- registration ---- */

static void registered(void **state)
{
    struct fw *w = world();
    struct fw_mn *m = client(w);
    struct addr mn = at(MN);
    struct fa_client c;
    size_t pos = 0;
    assert_true(addr_eq(&m->got.reg_from, &mn));
    assert_true(addr_same_ip(&m->relayed, &w->fa_addr));
    assert_in_range(m->relayed.port, 20000, 20007);
    assert_int_equal(w->n_port, 1);
    assert_true(fw_port_open(w, &m->relayed));
    assert_true(fa_client_next(w->fa, &pos, &c));
    assert_true(hit_eq(&c.hit, &m->hi.hit) && c.control && c.data);
    assert_int_equal(c.n_port, 1);
    assert_true(addr_eq(&c.port[0], &m->relayed));
    assert_false(fa_client_next(w->fa, &pos, &c));
    assert_int_equal(stats(w).clients, 1);
    assert_int_equal(stats(w).ports_open, 1);
    fw_free(w);
}

/* s4.1: R1 offers, in the order of their numbers, what is configured; UDP-ENCAPSULATION alone. */
static void not_configured(void **state)
{
    struct fw *w = world();
    w->c.relay.data = w->c.relay.discovery = false;
    struct fw_mn *m = host(w, 0, MN, FA_REG_RELAY_HIP, FA_REG_RELAY_ESP);
    fw_start(w);
    fw_connect(w, m);
    fw_run(w, FW_S / 2);
    assert_true(has(m, FA_REG_RELAY_HIP));
    assert_int_equal(m->failed[FA_REG_RELAY_ESP], HIP_REGF_TYPE_UNAVAILABLE);
    assert_int_equal(w->n_port, 0);
    fw_free(w);
}

/* RFC 9028 s7.8 */
static void rendezvous_and_relay(void **state)
{
    struct fw *w = world();
    struct fw_mn *m = host(w, 0, MN, FA_REG_RENDEZVOUS, FA_REG_RELAY_HIP);
    fw_start(w);
    fw_connect(w, m);
    fw_run(w, FW_S / 2);
    assert_true(has(m, FA_REG_RELAY_HIP) && !has(m, FA_REG_RENDEZVOUS));
    assert_int_equal(m->failed[FA_REG_RENDEZVOUS], HIP_REGF_RVS_AND_RELAY);
    memset(m->failed, -1, sizeof m->failed);
    ask(w, m, 120, FA_REG_RENDEZVOUS, NULL);
    assert_int_equal(m->failed[FA_REG_RENDEZVOUS], HIP_REGF_RVS_AND_RELAY);
    assert_false(has(m, FA_REG_RENDEZVOUS));
    fw_free(w);
}

static void by_transport(void **state)
{
    struct fw *w = world();
    struct fw_mn *udp = host(w, 0, MN, FA_REG_RENDEZVOUS, 0);
    struct fw_mn *raw = host(w, 1, "198.51.100.8", FA_REG_RELAY_HIP, FA_REG_RENDEZVOUS);
    raw->want[raw->n_want++] = FA_REG_RELAY_ESP;
    fw_start(w);
    fw_connect(w, udp);
    fw_connect(w, raw);
    fw_run(w, FW_S / 2);
    assert_int_equal(udp->failed[FA_REG_RENDEZVOUS], HIP_REGF_TYPE_UNAVAILABLE);
    assert_int_equal(udp->granted, 0);
    assert_int_equal(raw->failed[FA_REG_RELAY_HIP], HIP_REGF_TYPE_UNAVAILABLE);
    assert_int_equal(raw->failed[FA_REG_RELAY_ESP], HIP_REGF_TYPE_UNAVAILABLE);
    assert_int_equal(raw->granted, 1 << FA_REG_RENDEZVOUS);
    assert_int_equal(raw->got.reg_from.family, ADDR_NONE);
    assert_int_equal(w->n_port, 0);
    fw_free(w);
}

static void strangers(void **state)
{
    struct fw *w = world();
    struct fw_mn *m = host(w, -1, MN, FA_REG_RELAY_HIP, FA_REG_RELAY_ESP);
    struct fw_mn *part = host(w, 1, "198.51.100.8:4500", FA_REG_RELAY_HIP, FA_REG_RELAY_ESP);
    w->allow[1].n = 1; /* rendezvous alone */
    fw_start(w);
    fw_connect(w, m);
    fw_connect(w, part);
    fw_run(w, FW_S / 2);
    assert_true(m->up && m->granted == 0 && part->granted == 0);
    assert_int_equal(m->failed[FA_REG_RELAY_HIP], HIP_REGF_CREDENTIALS_REQUIRED);
    assert_int_equal(m->failed[FA_REG_RELAY_ESP], HIP_REGF_CREDENTIALS_REQUIRED);
    assert_int_equal(part->failed[FA_REG_RELAY_HIP], HIP_REGF_CREDENTIALS_REQUIRED);
    assert_int_equal(stats(w).clients + stats(w).ports_open + w->n_port, 0);
    fw_free(w);
}

/* An UPDATE made by hand, with the keys of m's association with the FA. */
static void update_with(struct fw *w, struct fw_mn *m, void (*put)(struct hip_build *b), uint8_t type)
{
    struct hip_assoc *a = hip_assoc_by_ref(m->e, m->ref);
    struct hip_path p = { .local = at(FA), .peer = m->addr };
    uint8_t buf[HIP_PACKET_MAX];
    struct hip_build b;
    struct span pkt;
    p.local.port = m->addr.port ? HIP_UDP_PORT : 0;
    hip_build_init(&b, buf, sizeof buf, HIP_PKT_UPDATE, &m->hi.hit, &w->fa_hi.hit, 0);
    hip_put_seq(&b, a->next_id++);
    put(&b);
    hip_put_reg_list(&b, HIP_PAR_REG_REQUEST,
                     &(struct hip_reg_list){ .present = true, .lifetime = 120, .n = 1, .type = { type } });
    hip_auth_add(&b, a);
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &pkt), ERR_OK);
    assert_int_equal(fw_input(w, &p, pkt), HIP_TAKEN);
    fw_run(w, FW_S / 2);
}

static void put_cert(struct hip_build *b)
{
    hip_build_param(b, HIP_PAR_CERT, span_of("\0\1\1\1cert", 8));
}

/* RFC 8003 s3.3: no CA is configured, no certificate is accepted; who is on the list needs none. */
static void certificates(void **state)
{
    struct fw *w = world();
    struct fw_mn *m = host(w, -1, MN, 0, 0), *ok = host(w, 1, "198.51.100.8:4500", 0, 0);
    fw_start(w);
    fw_connect(w, m);
    fw_connect(w, ok);
    fw_run(w, FW_S / 2);
    update_with(w, m, put_cert, FA_REG_RELAY_HIP);
    assert_int_equal(m->failed[FA_REG_RELAY_HIP], HIP_REGF_UNSUPPORTED_CERTIFICATE);
    update_with(w, ok, put_cert, FA_REG_RELAY_HIP);
    assert_true(has(ok, FA_REG_RELAY_HIP));
    fw_free(w);
}

static void put_end_of_data(struct hip_build *b)
{
    hip_put_reg_list(b, HIP_PAR_REG_REQUEST,
                     &(struct hip_reg_list){ .present = true, .n = 1, .type = { FA_REG_RELAY_ESP } });
}

/* RFC 8003 s4.3: one REG_REQUEST ends what the other one has nothing to do with. */
static void two_requests(void **state)
{
    struct fw *w = world();
    struct fw_mn *m = client(w);
    struct fa_client c;
    size_t pos = 0;
    update_with(w, m, put_end_of_data, FA_REG_RELAY_HIP);
    assert_int_equal(w->n_port, 0);
    assert_true(m->got.response.lifetime == 120 && m->got.response.n == 1);
    assert_int_equal(m->got.response.type[0], FA_REG_RELAY_HIP);
    assert_true(fa_client_next(w->fa, &pos, &c) && c.control && !c.data);
    fw_free(w);
}

static void registration_required(void **state)
{
    struct fw *w = world();
    w->c.reg_required = true;
    struct fw_mn *m = host(w, 0, MN, 0, 0), *ok = host(w, 1, "198.51.100.8:4500", FA_REG_RELAY_HIP, 0);
    fw_start(w);
    fw_connect(w, m);
    fw_connect(w, ok);
    fw_run(w, FW_S / 2);
    assert_int_equal(m->notify, HIP_NTF_REG_REQUIRED);
    assert_true(!m->up && ok->up);
    assert_int_equal(stats(w).associations, 1);
    fw_free(w);
}

/* RFC 8003 s4.3: what a request does not list stays as it is. */
static void each_type_its_lifetime(void **state)
{
    struct fw *w = world();
    struct fw_mn *m = client(w);                  /* 256 s */
    ask(w, m, 91, FA_REG_RELAY_ESP, &m->relayed); /* 10.4 s */
    assert_int_equal(m->got.response.lifetime, 91);
    fw_run(w, 12 * FW_S);
    assert_int_equal(w->n_port, 0);
    assert_int_equal(stats(w).clients, 1);
    assert_int_equal(stats(w).registrations, 1);
    fw_run(w, 250 * FW_S);
    assert_int_equal(stats(w).clients, 0);
    assert_int_equal(stats(w).registrations, 0);
    fw_free(w);
}

static void lifetimes_clamped(void **state)
{
    struct fw *w = world();
    w->c.reg_min_s = 10;
    w->c.reg_max_s = 128;
    struct fw_mn *m = host(w, 0, MN, FA_REG_RELAY_HIP, 0);
    m->reg_code = 255;
    fw_start(w);
    fw_connect(w, m);
    fw_run(w, FW_S / 2);
    assert_int_equal(m->got.response.lifetime, 120);
    ask(w, m, 1, FA_REG_RELAY_HIP, NULL);
    assert_int_equal(m->got.response.lifetime, 91);
    fw_free(w);
}

/* Both ports of the pool are taken; then one comes back. */
static void ports_run_out(void **state)
{
    struct fw *w = world();
    w->c.relay.port_last = 20001;
    struct fw_mn *other = host(w, 1, "198.51.100.8:4500", FA_REG_RELAY_HIP, FA_REG_RELAY_ESP);
    struct fw_mn *m = client(w);
    ask(w, m, 120, FA_REG_RELAY_ESP, NULL);
    assert_int_equal(w->n_port, 2);
    assert_int_not_equal(w->port[0].port, w->port[1].port);
    fw_connect(w, other);
    fw_run(w, FW_S / 2);
    assert_true(has(other, FA_REG_RELAY_HIP) && !has(other, FA_REG_RELAY_ESP));
    assert_int_equal(other->failed[FA_REG_RELAY_ESP], HIP_REGF_INSUFFICIENT_RESOURCES);
    struct addr gone = m->relayed;
    ask(w, m, 0, FA_REG_RELAY_ESP, &gone);
    assert_int_equal(w->n_port, 1);
    assert_int_equal(m->got.response.lifetime, 0);
    assert_true(addr_eq(&m->got.relayed, &gone));
    assert_false(fw_port_open(w, &gone));
    ask(w, other, 120, FA_REG_RELAY_ESP, NULL);
    assert_true(has(other, FA_REG_RELAY_ESP));
    assert_int_equal(other->relayed.port, gone.port);
    fw_free(w);
}

static void more_ports(void **state)
{
    struct fw *w = world();
    w->c.relay.ports_per_client = 3;
    struct fw_mn *m = client(w);
    struct addr mn = at(MN);
    for (int i = 2; i <= 3; i++) {
        struct addr before = m->relayed;
        ask(w, m, 120, FA_REG_RELAY_ESP, NULL);
        assert_int_equal(w->n_port, i);
        assert_false(addr_eq(&before, &m->relayed));
        assert_true(addr_eq(&m->got.reg_from, &mn));
    }
    ask(w, m, 120, FA_REG_RELAY_ESP, NULL);
    assert_int_equal(m->failed[FA_REG_RELAY_ESP], HIP_REGF_INSUFFICIENT_RESOURCES);
    assert_int_equal(w->n_port, 3);
    struct addr last = m->relayed; /* naming one renews */
    ask(w, m, 120, FA_REG_RELAY_ESP, &last);
    assert_true(addr_eq(&m->got.relayed, &last));
    assert_int_equal(w->n_port, 3);
    ask(w, m, 0, FA_REG_RELAY_ESP, NULL); /* all of them */
    assert_int_equal(w->n_port, 0);
    assert_true(!has(m, FA_REG_RELAY_ESP) && has(m, FA_REG_RELAY_HIP));
    assert_int_equal(stats(w).clients, 1);
    fw_free(w);
}

static void port_breaks(void **state)
{
    struct fw *w = world();
    struct fw_mn *m = client(w);
    struct addr broken = m->relayed;
    fa_actions_reset(w->out);
    fa_port_failed(w->fa, &broken, w->now, w->out);
    fw_act(w);
    fw_run(w, FW_S / 2);
    assert_int_equal(w->n_port, 0);
    assert_true(!has(m, FA_REG_RELAY_ESP) && has(m, FA_REG_RELAY_HIP));
    assert_true(addr_eq(&m->got.relayed, &broken));
    for (int i = 0; i < 4; i++) { /* not the same one again soon */
        ask(w, m, 120, FA_REG_RELAY_ESP, NULL);
        assert_int_not_equal(m->relayed.port, broken.port);
    }
    fw_free(w);
}

static void ends(void **state)
{
    for (int how = 0; how < 3; how++) {
        struct fw *w = world();
        struct fw_mn *m = client(w);
        if (how == 0) {
            hip_actions_reset(&m->out);
            assert_int_equal(hip_close(m->e, m->ref, w->now, &m->out), ERR_OK);
            fw_act_mn(w, m);
        } else if (how == 1) {
            fw_connect(w, m); /* started anew: another association takes the place of the old one */
        }
        fw_run(w, how == 2 ? 300 * FW_S : 2 * FW_S);
        assert_int_equal(w->n_port, how == 1);
        assert_int_equal(stats(w).clients, how == 1);
        assert_int_equal(stats(w).ports_open, how == 1);
        fw_free(w);
    }
}

static void discovery(void **state)
{
    struct fw *w = world();
    struct fw_mn *m = client(w);
    struct hip_path path = { .local = at("198.51.100.99:4500"), .peer = at(FA ":10500") };
    struct hip_contents c = { .request = {
                                  .present = true, .lifetime = 120, .n = 1, .type = { FA_REG_DISCOVERY } } };
    struct addr mn = at(MN), asked = path.local;
    uint8_t n = 0;
    hip_actions_reset(&m->out);
    assert_int_equal(hip_update_on(m->e, m->ref, &path, &c, w->now, &m->out), ERR_OK);
    m->addr = asked;
    fw_act_mn(w, m);
    fw_run(w, FW_S / 2);
    assert_true(addr_eq(&m->got.reg_from, &asked));
    assert_true(has(m, FA_REG_DISCOVERY));
    struct fa_registration r;
    size_t pos = 0;
    assert_true(fa_registration_next(w->fa, &pos, &r));
    for (uint8_t i = 0; i < r.n; i++)
        n += r.type[i] == FA_REG_DISCOVERY;
    assert_int_equal(n, 0);
    assert_true(addr_eq(&r.path.peer, &mn));
    fw_free(w);
}

/* The end of the FA: each client hears of it, and its port is closed. */
static void stop(void **state)
{
    struct fw *w = world();
    struct fw_mn *raw = host(w, 1, "198.51.100.8", FA_REG_RENDEZVOUS, 0);
    struct fw_mn *m = client(w);
    fw_connect(w, raw);
    fw_run(w, FW_S / 2);
    assert_true(has(raw, FA_REG_RENDEZVOUS));
    fa_actions_reset(w->out);
    assert_true(fa_stop(w->fa, w->now, w->out));
    fw_act(w);
    fw_run(w, FW_S / 2);
    assert_int_equal(m->granted, 0);
    assert_int_equal(raw->granted, 0);
    assert_true(m->got.info.present);
    assert_int_equal(m->got.info.n, 0);
    assert_int_equal(w->n_port, 0);
    assert_int_equal(stats(w).registrations, 0);
    fw_free(w);
}

/* ---- control relay ---- */

static void connect_through(struct fw *w, struct fw_mn *from, const struct fw_mn *to)
{
    struct hip_path path = { .local = from->addr, .peer = at(FA ":10500") };
    hip_actions_reset(&from->out);
    assert_int_equal(
        hip_connect(from->e, &from->hi.hit, &to->hi.hit, &path, 1, w->now, &from->out, &from->peer_ref),
        ERR_OK);
    fw_act_mn(w, from);
    fw_run(w, FW_S);
}

static void exchange_through_relay(void **state)
{
    struct fw *w = world();
    struct fw_mn *cn = host(w, -1, CN, 0, 0), *m = client(w);
    connect_through(w, cn, m);
    assert_int_equal(cn->up_count, 1);
    struct hip_assoc_view v;
    struct addr there = at(CN);
    struct hip_ref ref;
    assert_int_equal(hip_assoc_find(m->e, &m->hi.hit, &cn->hi.hit, &ref), ERR_OK);
    assert_int_equal(hip_assoc_get(m->e, ref, &v), ERR_OK);
    assert_int_equal(v.nat_mode, HIP_NAT_ICE_HIP_UDP);
    assert_true(addr_eq(&v.path.to, &there));
    struct fa_client c;
    size_t pos = 0;
    assert_true(fa_client_next(w->fa, &pos, &c));
    assert_true(c.control_in >= 2 && c.control_out >= 2);
    assert_true(stats(w).relayed_hip >= 4);
    assert_int_equal(w->event[FA_EVENT_RELAYED], 1);
    fw_free(w);
}

/* Packets of no use but to the relay, which looks at their form alone. */
static struct span forged(uint8_t buf[HIP_PACKET_MAX], uint8_t type, const struct hit *from,
                          const struct hit *to, const char *relay_to, bool check)
{
    static const uint8_t zero[64];
    struct hip_build b;
    struct span pkt;
    hip_build_init(&b, buf, HIP_PACKET_MAX, type, from, to, 0);
    if (type == HIP_PKT_I1) {
        hip_build_param(&b, HIP_PAR_DH_GROUP_LIST, span_of("\7", 1));
    } else {
        hip_put_seq(&b, 1);
        if (check)
            hip_put_u32(&b, HIP_PAR_CANDIDATE_PRIORITY, 1);
        hip_build_param(&b, HIP_PAR_HIP_MAC, span_of(zero, 32));
        hip_build_param(&b, HIP_PAR_HIP_SIGNATURE, span_of(zero, 64));
    }
    if (relay_to)
        hip_put_transport_addr(&b, HIP_PAR_RELAY_TO,
                               &(struct hip_transport_addr){ .protocol = 17, .addr = at(relay_to) });
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &pkt), ERR_OK);
    return pkt;
}

static struct hip_path last_sent;
static unsigned n_sent;

static void note_sent(struct fw *w, const struct hip_path *path, struct span o)
{
    last_sent = *path;
    n_sent++;
}

/* This packet brings nothing out of the FA. */
static void nothing_for(struct fw *w, const char *from, uint16_t port, struct span o, int drop)
{
    struct hip_path p = way(from, port);
    uint64_t before = w->fa_octets, counted = stats(w).not_relayed[drop];
    int got = fw_input(w, &p, o);
    if (got != drop)
        fail_msg("%s from %s", hip_drop_name(got), from);
    assert_int_equal(w->fa_octets, before);
    assert_int_equal(stats(w).not_relayed[drop], counted + 1);
}

static void unregistered(void **state)
{
    struct fw *w = world();
    struct fw_mn *cn = host(w, -1, CN, 0, 0), *m = client(w);
    uint8_t b[HIP_PACKET_MAX];
    const struct hit *nobody = &m->other.hit;
    nothing_for(w, CN, 10500, forged(b, HIP_PKT_I1, &cn->hi.hit, nobody, NULL, false),
                HIP_DROP_NOT_REGISTERED);
    nothing_for(w, CN, 10500, forged(b, HIP_PKT_UPDATE, &cn->hi.hit, nobody, NULL, false),
                HIP_DROP_NOT_REGISTERED);
    /* a control relay client is nobody's by protocol 139 */
    nothing_for(w, "203.0.113.9", 0, forged(b, HIP_PKT_I1, &cn->hi.hit, &m->hi.hit, NULL, false),
                HIP_DROP_NOT_REGISTERED);
    /* RELAY_TO: a stranger; the client's HIT from elsewhere, from its NAT's other port */
    const char *victim = "203.0.113.66:53";
    nothing_for(w, CN, 10500, forged(b, HIP_PKT_UPDATE, &cn->hi.hit, nobody, victim, false),
                HIP_DROP_NOT_OUR_CLIENT);
    nothing_for(w, CN, 10500, forged(b, HIP_PKT_UPDATE, &cn->hi.hit, &m->hi.hit, victim, false),
                HIP_DROP_NOT_OUR_CLIENT);
    nothing_for(w, CN, 10500, forged(b, HIP_PKT_UPDATE, &m->hi.hit, &cn->hi.hit, victim, false),
                HIP_DROP_NOT_OUR_CLIENT);
    nothing_for(w, "198.51.100.7:4501", 10500,
                forged(b, HIP_PKT_UPDATE, &m->hi.hit, &cn->hi.hit, victim, true), HIP_DROP_NOT_OUR_CLIENT);
    /* after its registration has ended, the client is a stranger too */
    struct span o = forged(b, HIP_PKT_UPDATE, &m->hi.hit, &cn->hi.hit, victim, false);
    struct hip_path p = way(MN, 10500);
    assert_int_equal(fw_input(w, &p, o), HIP_TAKEN);
    ask(w, m, 0, FA_REG_RELAY_HIP, NULL);
    ask(w, m, 0, FA_REG_RELAY_ESP, NULL);
    nothing_for(w, MN, 10500, o, HIP_DROP_NOT_OUR_CLIENT);
    nothing_for(w, CN, 10500, forged(b, HIP_PKT_I1, &cn->hi.hit, &m->hi.hit, NULL, false),
                HIP_DROP_NOT_REGISTERED);
    fw_free(w);
}

static void from_client(void **state)
{
    struct fw *w = world();
    struct fa_prefix own = { at("10.0.0.0"), 8 };
    w->c.relay.forbidden = &own;
    w->c.relay.n_forbidden = 1;
    w->sent = note_sent;
    struct fw_mn *cn = host(w, -1, CN, 0, 0), *m = client(w);
    uint8_t b[HIP_PACKET_MAX];
    struct hip_path p = way(MN, 10500);
    struct addr peer = at(CN), local = at(FA ":10500");
    /* signalling from 10500, a check from the relayed address (s4.12.2) */
    assert_int_equal(fw_input(w, &p, forged(b, HIP_PKT_UPDATE, &m->hi.hit, &cn->hi.hit, CN, false)),
                     HIP_TAKEN);
    assert_true(addr_eq(&last_sent.local, &local) && addr_eq(&last_sent.peer, &peer));
    assert_int_equal(fw_input(w, &p, forged(b, HIP_PKT_UPDATE, &m->hi.hit, &cn->hi.hit, CN, true)),
                     HIP_TAKEN);
    assert_true(addr_eq(&last_sent.local, &m->relayed) && addr_eq(&last_sent.peer, &peer));
    /* a base exchange that says it is one is not */
    assert_int_equal(fw_input(w, &p, forged(b, HIP_PKT_I1, &m->hi.hit, &cn->hi.hit, CN, true)), HIP_TAKEN);
    assert_true(addr_eq(&last_sent.local, &local) && addr_eq(&last_sent.peer, &peer));
    static const char
        *const bad[] = { "255.255.255.255:9", "224.0.0.5:9", "127.0.0.1:9",    "0.0.0.0:9",
                         "169.254.3.4:9",     "10.2.3.4:9",  "192.0.2.1:53",   "[::1]:9",
                         "[fe80::1]:9",       "240.1.1.1:9", "[2001:db8::9]:9" /* no IPv6 here */ };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        for (int check = 0; check < 2; check++) {
            if (check && i == 10)
                continue;
            nothing_for(w, MN, 10500, forged(b, HIP_PKT_UPDATE, &m->hi.hit, &cn->hi.hit, bad[i], check),
                        HIP_DROP_FORBIDDEN_DESTINATION);
        }
    nothing_for(w, MN, 10500, forged(b, HIP_PKT_UPDATE, &m->hi.hit, &cn->hi.hit, "[2001:db8::9]:9", true),
                HIP_DROP_NO_PERMISSION);
    /* its own relayed address: a loop */
    char text[ADDR_TEXT_MAX];
    addr_format(&m->relayed, text);
    nothing_for(w, MN, 10500, forged(b, HIP_PKT_UPDATE, &m->hi.hit, &cn->hi.hit, text, true),
                HIP_DROP_FORBIDDEN_DESTINATION);
    struct fa_client c;
    size_t pos = 0;
    assert_true(fa_client_next(w->fa, &pos, &c));
    assert_int_equal(c.traffic.refused[FA_REFUSED_DESTINATION], 22);
    assert_int_equal(c.control_out, 3);
    fw_free(w);
}

static void at_relayed_port(void **state)
{
    struct fw *w = world();
    w->sent = note_sent;
    struct fw_mn *cn = host(w, -1, CN, 0, 0), *m = client(w);
    uint8_t b[HIP_PACKET_MAX];
    struct addr mn = at(MN), local = at(FA ":10500");
    struct hip_path p = { .local = m->relayed, .peer = at(CN) };
    assert_int_equal(fw_input(w, &p, forged(b, HIP_PKT_UPDATE, &cn->hi.hit, &m->hi.hit, NULL, true)),
                     HIP_TAKEN);
    assert_true(addr_eq(&last_sent.local, &local) && addr_eq(&last_sent.peer, &mn));
    uint16_t port = m->relayed.port;
    nothing_for(w, CN, port, forged(b, HIP_PKT_UPDATE, &cn->hi.hit, &m->other.hit, NULL, true),
                HIP_DROP_NOT_REGISTERED);
    nothing_for(w, CN, port, forged(b, HIP_PKT_UPDATE, &cn->hi.hit, &w->fa_hi.hit, NULL, true),
                HIP_DROP_NOT_REGISTERED);
    nothing_for(w, CN, port == 20000 ? 20001 : 20000,
                forged(b, HIP_PKT_UPDATE, &cn->hi.hit, &m->hi.hit, NULL, true), HIP_DROP_NOT_REGISTERED);
    nothing_for(w, CN, port, span_of(b, 39), HIP_DROP_TRUNCATED);
    nothing_for(w, "127.0.0.1:9", port, forged(b, HIP_PKT_UPDATE, &cn->hi.hit, &m->hi.hit, NULL, true),
                HIP_DROP_FORBIDDEN_DESTINATION);
    fw_free(w);
}

/* Many I1s: few of one source prefix get through, few of all to one client. */
static void i1_floods(void **state)
{
    struct fw *w = world();
    struct fw_mn *cn = host(w, -1, CN, 0, 0), *m = client(w);
    uint8_t b[HIP_PACKET_MAX];
    struct span o = forged(b, HIP_PKT_I1, &cn->hi.hit, &m->hi.hit, NULL, false);
    uint64_t before = w->fa_octets;
    unsigned n = 0, all = 0;
    for (int i = 0; i < 500; i++) {
        struct hip_path p = way(CN, 10500);
        p.peer.port = (uint16_t)(1024 + i); /* one source, whatever its ports */
        n += fw_input(w, &p, o) == HIP_TAKEN;
        w->now += 1000;
    }
    assert_in_range(n, 20, 26); /* burst of two seconds, and ten a second */
    assert_in_range(w->fa_octets - before, n * o.n, n * (o.n + 24 + 56));
    for (int i = 0; i < 1000; i++) {
        struct hip_path p = way("203.0.113.0:777", 10500);
        p.peer.ip[2] = (uint8_t)(i >> 8);
        p.peer.ip[3] = (uint8_t)i;
        all += fw_input(w, &p, o) == HIP_TAKEN;
        w->now += 1000;
    }
    assert_in_range(all, 100, 152);
    assert_int_equal(stats(w).not_relayed[HIP_DROP_RATE_LIMITED], 1500 - n - all);
    fw_free(w);
}

/* Whoever floods a client does not keep it from sending. */
static void floods_do_not_silence(void **state)
{
    struct fw *w = world();
    struct fw_mn *cn = host(w, -1, CN, 0, 0), *m = client(w);
    uint8_t b[HIP_PACKET_MAX];
    struct hip_path from = way("203.0.113.66:53", 10500), own = way(MN, 10500);
    struct span o = forged(b, HIP_PKT_UPDATE, &cn->hi.hit, &m->hi.hit, NULL, false);
    unsigned n = 0;
    for (int i = 0; i < 1000; i++)
        n += fw_input(w, &from, o) == HIP_TAKEN;
    assert_in_range(n, 100, 400);
    assert_int_equal(fw_input(w, &own, forged(b, HIP_PKT_UPDATE, &m->hi.hit, &cn->hi.hit, CN, false)),
                     HIP_TAKEN);
    fw_free(w);
}

/* No amplification: what a source gets for its I1s is at most one R1 for each, and few of those. */
static uint64_t to_victim;
static size_t largest;
static void note_victim(struct fw *w, const struct hip_path *path, struct span o)
{
    struct addr victim = at("203.0.113.66");
    if (addr_same_ip(&path->peer, &victim)) {
        to_victim += o.n;
        largest = o.n > largest ? o.n : largest;
    }
}

static void amplification(void **state)
{
    struct fw *w = world();
    w->c.hip.r1_per_source_milli = 5000;
    w->sent = note_victim;
    to_victim = largest = 0;
    struct fw_mn *cn = host(w, -1, CN, 0, 0), *m = client(w);
    uint8_t b[HIP_PACKET_MAX], many[HIP_PACKET_MAX];
    struct span for_us = forged(b, HIP_PKT_I1, &cn->hi.hit, &w->fa_hi.hit, NULL, false);
    struct span for_client = forged(many, HIP_PKT_I1, &cn->hi.hit, &m->hi.hit, NULL, false);
    for (int i = 0; i < 10000; i++) { /* ten seconds */
        struct hip_path p = way("203.0.113.66:53", 10500);
        (void)fw_input(w, &p, for_us);
        (void)fw_input(w, &p, for_client);
        fw_run(w, 1000);
    }
    fw_run(w, FW_S);
    assert_true(largest > 0 && largest < HIP_PACKET_MAX);
    /* R1s of ours: five a second; of the client through us: ten, and its burst; no two for one I1 */
    assert_true(to_victim <= 180 * largest);
    assert_true(to_victim < 10000 * (for_us.n + for_client.n) / 4);
    fw_free(w);
}

/* A host by protocol 139 cannot be had through NAT: it is asked to come over UDP, seldom. */
static void udp_wanted(void **state)
{
    struct fw *w = world();
    struct fw_mn *cn = host(w, -1, CN, 0, 0), *raw = host(w, 0, "198.51.100.8", FA_REG_RENDEZVOUS, 0);
    uint8_t b[HIP_PACKET_MAX];
    struct span o;
    struct hip_path p = way(CN, 10500);
    fw_start(w);
    fw_connect(w, raw);
    fw_run(w, FW_S / 2);
    o = forged(b, HIP_PKT_UPDATE, &cn->hi.hit, &raw->hi.hit, NULL, false);
    assert_int_equal(fw_input(w, &p, o), HIP_DROP_NOT_REGISTERED);
    fw_run(w, FW_S / 2);
    assert_int_equal(raw->notes[HIP_NTF_UDP_WANTED >> 8], 0);
    o = forged(b, HIP_PKT_I1, &cn->hi.hit, &raw->hi.hit, NULL, false);
    for (int i = 0; i < 8; i++) { /* 4 s */
        assert_int_equal(fw_input(w, &p, o), HIP_DROP_NOT_REGISTERED);
        fw_run(w, FW_S / 2);
    }
    assert_int_equal(raw->notes[HIP_NTF_UDP_WANTED >> 8], 1);
    assert_int_equal(raw->i1_relayed, 0);
    fw_run(w, 2 * FW_S);
    assert_int_equal(fw_input(w, &p, o), HIP_DROP_NOT_REGISTERED);
    fw_run(w, FW_S / 2);
    assert_int_equal(raw->notes[HIP_NTF_UDP_WANTED >> 8], 2);
    fw_free(w);
}

/* ---- data relay ---- */

static void permit(struct fw *w, struct fw_mn *m, const struct addr *relayed, const char *peer, uint32_t out,
                   uint32_t in)
{
    struct hip_contents c = {
        .has_permission = true,
        .permission = { .protocol = 17, .relayed = *relayed, .peer = at(peer), .spi_out = out, .spi_in = in }
    };
    m->notify = -1;
    assert_int_equal(fw_raw_update(w, m, &c), ERR_OK);
    fw_run(w, FW_S / 4);
}

static int esp_from(struct fw *w, const char *from, uint32_t spi)
{
    struct fa_relay_in in = { .local = at(FA ":10500"), .from = at(from), .spi = spi, .len = 100 };
    struct fa_relay_out o;
    return fa_relay_esp(fa_flow_table(w->fa), &in, w->now, &o);
}

static int esp_to(struct fw *w, const struct addr *relayed, const char *from, uint32_t spi, struct addr *to)
{
    struct fa_relay_in in = { .local = *relayed, .from = at(from), .spi = spi, .len = 60 };
    struct fa_relay_out o;
    int drop = fa_relay_esp(fa_flow_table(w->fa), &in, w->now, &o);
    if (drop == HIP_TAKEN)
        *to = o.to;
    return drop;
}

static void permission(void **state)
{
    struct fw *w = world();
    struct fw_mn *m = client(w);
    struct addr mn = at(MN), to;
    struct fa_client c;
    struct fa_flow f;
    size_t pos = 0;
    assert_int_equal(esp_from(w, MN, 0x1111), HIP_DROP_NO_PERMISSION);
    assert_int_equal(esp_to(w, &m->relayed, CN, 0x2222, &to), HIP_DROP_NO_PERMISSION);
    permit(w, m, &m->relayed, CN, 0x1111, 0x2222);
    assert_int_equal(m->notify, -1);
    assert_int_equal(esp_from(w, MN, 0x1111), HIP_TAKEN);
    assert_int_equal(esp_to(w, &m->relayed, CN, 0x2222, &to), HIP_TAKEN);
    assert_true(addr_eq(&to, &mn));
    assert_true(fa_client_next(w->fa, &pos, &c));
    assert_int_equal(c.n_flow, 1);
    assert_int_equal(c.traffic.octets_out, 100);
    assert_int_equal(c.traffic.octets_in, 60);
    assert_int_equal(c.traffic.refused[FA_REFUSED_PERMISSION],
                     1); /* at its port; the other one was nobody's */
    assert_true(fa_client_flow(w->fa, &m->hi.hit, 0, &f));
    assert_false(fa_client_flow(w->fa, &m->hi.hit, 1, &f));
    /* five minutes, unless it is refreshed: then five more */
    ask(w, m, 160, FA_REG_RELAY_HIP, NULL);
    ask(w, m, 160, FA_REG_RELAY_ESP, &m->relayed);
    fw_run(w, 290 * FW_S);
    assert_int_equal(esp_from(w, MN, 0x1111), HIP_TAKEN);
    permit(w, m, &m->relayed, CN, 0x1111, 0x2222);
    assert_int_equal(stats(w).flows, 1);
    fw_run(w, 299 * FW_S);
    assert_int_equal(esp_from(w, MN, 0x1111), HIP_TAKEN);
    fw_run(w, 2 * FW_S);
    assert_int_equal(esp_from(w, MN, 0x1111), HIP_DROP_NO_PERMISSION);
    assert_int_equal(esp_to(w, &m->relayed, CN, 0x2222, &to), HIP_DROP_NO_PERMISSION);
    assert_int_equal(stats(w).flows, 0);
    fw_free(w);
}

static void permissions_refused(void **state)
{
    struct fw *w = world();
    w->c.relay.flows_per_client = 3;
    w->c.relay.table.flows = 4;
    struct fa_prefix own = { at("10.0.0.0"), 8 };
    w->c.relay.forbidden = &own;
    w->c.relay.n_forbidden = 1;
    struct fw_mn *other = host(w, 1, "198.51.100.8:4500", FA_REG_RELAY_HIP, FA_REG_RELAY_ESP);
    struct fw_mn *control = host(w, -1, "198.51.100.9:4500", 0, 0), *m = client(w);
    fw_connect(w, other);
    fw_connect(w, control);
    fw_run(w, FW_S / 2);
    static const char *const bad[] = { "240.0.0.1:9",     "169.254.3.4:9", "127.0.0.1:9",    "10.2.3.4:9",
                                       "192.0.2.1:10500", "192.0.2.1:53",  "[2001:db8::9]:9" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        permit(w, m, &m->relayed, bad[i], 0x1111, 0x2222);
        assert_int_equal(m->notify, HIP_NTF_BLOCKED_BY_POLICY);
    }
    permit(w, m, &other->relayed, CN, 0x1111, 0x2222); /* somebody else's port */
    assert_int_equal(m->notify, HIP_NTF_BLOCKED_BY_POLICY);
    permit(w, control, &m->relayed, CN, 0x1111, 0x2222); /* not registered */
    assert_int_equal(stats(w).not_relayed[HIP_DROP_NOT_OUR_CLIENT], 2);
    assert_int_equal(stats(w).not_relayed[HIP_DROP_FORBIDDEN_DESTINATION], 7);
    assert_int_equal(stats(w).flows, 0);
    /* another relayed address of a client may be a peer; one's own is a loop */
    char text[ADDR_TEXT_MAX];
    addr_format(&m->relayed, text);
    permit(w, m, &m->relayed, text, 0x1111, 0x2222);
    assert_int_equal(m->notify, HIP_NTF_BLOCKED_BY_POLICY);
    addr_format(&other->relayed, text);
    permit(w, m, &m->relayed, text, 0x1111, 0x2222);
    assert_int_equal(m->notify, -1);
    /* one outbound SPI leads to one peer, one inbound SPI of one peer to one SA */
    permit(w, m, &m->relayed, CN, 0x1111, 0x3333);
    assert_int_equal(stats(w).not_relayed[HIP_DROP_SPI_CLASH], 1);
    permit(w, m, &m->relayed, text, 0x4444, 0x2222);
    assert_int_equal(stats(w).not_relayed[HIP_DROP_SPI_CLASH], 2);
    /* the same SAs with the peer elsewhere: it goes there instead */
    permit(w, m, &m->relayed, CN, 0x1111, 0x2222);
    assert_int_equal(stats(w).flows, 1);
    struct addr to;
    assert_int_equal(esp_to(w, &m->relayed, CN, 0x2222, &to), HIP_TAKEN);
    assert_int_equal(esp_to(w, &m->relayed, text, 0x2222, &to), HIP_DROP_NO_PERMISSION);
    /* so many for a client, so many for all */
    permit(w, m, &m->relayed, CN, 0x1112, 0x2223);
    permit(w, m, &m->relayed, CN, 0x1113, 0x2224);
    assert_int_equal(m->notify, -1);
    permit(w, m, &m->relayed, CN, 0x1114, 0x2225);
    assert_int_equal(m->notify, HIP_NTF_RESPONDER_BUSY_PLEASE_RETRY);
    assert_int_equal(stats(w).not_relayed[HIP_DROP_OVER_QUOTA], 1);
    permit(w, other, &other->relayed, CN, 0x1111, 0x2222);
    assert_int_equal(other->notify, -1);
    permit(w, other, &other->relayed, CN, 0x1112, 0x2223);
    assert_int_equal(stats(w).not_relayed[HIP_DROP_RELAY_BUSY], 1);
    fw_free(w);
}

/* RFC 9028 s4.1: with the port, the registration or the association, its permissions go. */
static void permissions_end(void **state)
{
    for (int how = 0; how < 4; how++) {
        struct fw *w = world();
        struct fw_mn *m = client(w);
        struct addr relayed = m->relayed, to;
        permit(w, m, &relayed, CN, 0x1111, 0x2222);
        assert_int_equal(esp_from(w, MN, 0x1111), HIP_TAKEN);
        if (how == 0)
            ask(w, m, 0, FA_REG_RELAY_ESP, &relayed);
        else if (how == 1)
            ask(w, m, 0, FA_REG_RELAY_ESP, NULL);
        else if (how == 2)
            fw_connect(w, m);
        else
            fw_run(w, 257 * FW_S);
        fw_run(w, FW_S);
        assert_int_equal(esp_from(w, MN, 0x1111), HIP_DROP_NO_PERMISSION);
        int in = esp_to(w, &relayed, CN, 0x2222, &to);
        assert_true(in == HIP_DROP_NOT_REGISTERED || (how == 2 && in == HIP_DROP_NO_PERMISSION));
        assert_int_equal(stats(w).flows, 0);
        fw_free(w);
    }
}

/* RFC 9028 s4.9: after a handover the client permits anew. */
static void moves(void **state)
{
    struct fw *w = world();
    struct fw_mn *m = client(w);
    permit(w, m, &m->relayed, CN, 0x1111, 0x2222);
    struct hip_path path = { .local = at("198.51.100.99:4500"), .peer = at(FA ":10500") };
    m->addr = path.local;
    hip_actions_reset(&m->out);
    assert_int_equal(hip_move(m->e, m->ref, &path, &path.local, 1, w->now, &m->out), ERR_OK);
    fw_act_mn(w, m);
    fw_run(w, FW_S);
    struct fa_client c;
    size_t pos = 0;
    assert_true(fa_client_next(w->fa, &pos, &c));
    assert_true(addr_eq(&c.path.peer, &path.local));
    assert_int_equal(w->n_port, 1); /* the registration and the port stay */
    assert_int_equal(esp_from(w, MN, 0x1111), HIP_DROP_NO_PERMISSION);
    assert_int_equal(esp_from(w, "198.51.100.99:4500", 0x1111), HIP_DROP_NO_PERMISSION);
    struct addr to;
    assert_int_equal(esp_to(w, &m->relayed, CN, 0x2222, &to), HIP_DROP_NO_PERMISSION);
    permit(w, m, &m->relayed, CN, 0x1111, 0x2222);
    assert_int_equal(esp_from(w, "198.51.100.99:4500", 0x1111), HIP_TAKEN);
    assert_int_equal(esp_to(w, &m->relayed, CN, 0x2222, &to), HIP_TAKEN);
    assert_true(addr_eq(&to, &path.local));
    fw_free(w);
}

/* The NAT gives the client another port: once that is verified, its flows go there; a keepalive of the client's that somebody else sends again
 * moves nothing. */
static void rebinds(void **state)
{
    struct fw *w = world();
    struct fw_mn *m = client(w);
    struct addr to;
    permit(w, m, &m->relayed, CN, 0x1111, 0x2222);
    m->nat = at("198.51.100.7:4999");
    fw_run(w, 35 * FW_S); /* keepalives */
    struct fa_client c;
    size_t pos = 0;
    assert_true(fa_client_next(w->fa, &pos, &c));
    assert_true(addr_eq(&c.path.peer, &m->nat));
    assert_true(addr_eq(&m->got.reg_from, &m->nat)); /* s4.1: told, unasked */
    assert_int_equal(esp_from(w, "198.51.100.7:4999", 0x1111), HIP_TAKEN);
    assert_int_equal(esp_from(w, MN, 0x1111), HIP_DROP_NO_PERMISSION);
    assert_int_equal(esp_to(w, &m->relayed, CN, 0x2222, &to), HIP_TAKEN);
    assert_true(addr_eq(&to, &m->nat));
    fw_free(w);
}

static void replayed(void **state)
{
    struct fw *w = world();
    struct fw_mn *m = client(w);
    struct addr mn = at(MN), to;
    struct hip_path spoofed = way("203.0.113.66:53", 10500);
    permit(w, m, &m->relayed, CN, 0x1111, 0x2222);
    w->heard_n = 0;
    fw_run(w, 40 * FW_S);
    assert_true(w->heard_n > 0);
    uint8_t kept[HIP_PACKET_MAX];
    size_t kept_n = w->heard_n;
    memcpy(kept, w->heard, kept_n);
    w->sent = note_sent;
    n_sent = 0;
    for (int i = 0; i < 50; i++) {
        (void)fw_input(w, &spoofed, span_of(kept, kept_n));
        fw_run(w, FW_S / 10);
    }
    assert_in_range(n_sent, 1, 6); /* a question in three seconds, and its repetitions */
    struct fa_client c;
    size_t pos = 0;
    assert_true(fa_client_next(w->fa, &pos, &c));
    assert_true(addr_eq(&c.path.peer, &mn));
    assert_int_equal(esp_to(w, &m->relayed, CN, 0x2222, &to), HIP_TAKEN);
    assert_true(addr_eq(&to, &mn));
    fw_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registered),
        cmocka_unit_test(not_configured),
        cmocka_unit_test(rendezvous_and_relay),
        cmocka_unit_test(by_transport),
        cmocka_unit_test(strangers),
        cmocka_unit_test(certificates),
        cmocka_unit_test(two_requests),
        cmocka_unit_test(registration_required),
        cmocka_unit_test(each_type_its_lifetime),
        cmocka_unit_test(lifetimes_clamped),
        cmocka_unit_test(ports_run_out),
        cmocka_unit_test(more_ports),
        cmocka_unit_test(port_breaks),
        cmocka_unit_test(ends),
        cmocka_unit_test(discovery),
        cmocka_unit_test(stop),
        cmocka_unit_test(exchange_through_relay),
        cmocka_unit_test(unregistered),
        cmocka_unit_test(from_client),
        cmocka_unit_test(at_relayed_port),
        cmocka_unit_test(i1_floods),
        cmocka_unit_test(floods_do_not_silence),
        cmocka_unit_test(amplification),
        cmocka_unit_test(udp_wanted),
        cmocka_unit_test(permission),
        cmocka_unit_test(permissions_refused),
        cmocka_unit_test(permissions_end),
        cmocka_unit_test(moves),
        cmocka_unit_test(rebinds),
        cmocka_unit_test(replayed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
