/* SPDX-License-Identifier: Apache-2.0
 *
 * Connectivity checks that are wrong, forged, replayed or too many (RFC 9028 s4.6, s4.9): each is refused for its own reason and changes
 * nothing. The peer here is a real host whose keys the test uses, so that what it forges is authentic.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hip/assoc_auth.h"
#include "hip/ice.h"
#include "hip/param_echo.h"
#include "hip/param_nat.h"
#include "hip/update.h"
#include "tests/sim/sim.h"

#define MS UINT64_C(1000)
#define S  UINT64_C(1000000)

struct world {
    struct sim *s;
    struct sim_host *fa, *a, *b; /* a is the Initiator and controls; b is the relay's client */
};

static struct addr at(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(text, &a), ERR_OK);
    return a;
}

static void candidate(struct sim_host *h)
{
    struct hip_candidate c = {
        .kind = HIP_LOC_HOST, .addr = h->addr[0], .base = h->addr[0], .local_pref = 65535
    };
    h->i2.n_cand = h->r2.n_cand = 1;
    h->i2.cand[0] = h->r2.cand[0] = c;
}

static struct world begin(void)
{
    struct world w = { .s = sim_new(sim_seed(5)) };
    struct hip_config c = sim_config(), f = sim_config();
    f.relay_server = true;
    c.nat_modes[0] = HIP_NAT_ICE_HIP_UDP;
    c.nat_modes[1] = HIP_NAT_UDP_ENCAPSULATION;
    w.fa = sim_host(w.s, "fa", &f, 1, "198.51.100.1:10500");
    w.a = sim_host(w.s, "a", &c, 0, "192.0.2.1:10500");
    w.b = sim_host(w.s, "b", &c, 2, "203.0.113.7:10500");
    w.fa->relays = true;
    candidate(w.a);
    candidate(w.b);
    struct hip_ref ref = sim_connect(w.s, w.b, w.fa);
    sim_run(w.s, 500 * MS);
    assert_int_equal(hip_relay_trust(w.b->e, ref, true), ERR_OK);
    w.b->sa_up = 0;
    return w;
}

static void meet(struct world *w, uint64_t us)
{
    struct hip_path by = sim_path(w->a, w->fa);
    struct hip_ref ref;
    assert_int_equal(hip_connect(w->a->e, sim_hit(w->a), sim_hit(w->b), &by, 1, w->s->now, &w->s->out, &ref),
                     ERR_OK);
    sim_act(w->s, w->a);
    sim_run(w->s, us);
    assert_int_equal(hip_assoc_find(w->a->e, sim_hit(w->a), sim_hit(w->b), &w->a->ref), ERR_OK);
    assert_int_equal(hip_assoc_find(w->b->e, sim_hit(w->b), sim_hit(w->a), &w->b->ref), ERR_OK);
}

static struct world nominated(void)
{
    struct world w = begin();
    meet(&w, 2 * S);
    assert_int_equal(w.a->what, HIP_CHECKS_DIRECT);
    assert_int_equal(w.b->what, HIP_CHECKS_DIRECT);
    return w;
}

static struct hip_assoc *inside(struct sim_host *h)
{
    return hip_assoc_by_ref(h->e, h->ref);
}

/* ---- a packet of b's as it should not be ---- */

struct forged {
    bool seq, request, priority, nominate, ack, response, mapped;
    uint32_t id, ack_id;
    const uint8_t *nonce;
    struct addr seen;
};

static struct span build(const struct hip_assoc *b, const struct forged *v, uint8_t *buf)
{
    struct hip_build k;
    struct span pkt;
    static const uint8_t zero[HIP_CHECK_NONCE];
    hip_build_init(&k, buf, HIP_PACKET_MAX, HIP_PKT_UPDATE, hip_assoc_local(b), &b->peer, 0);
    if (v->seq)
        hip_put_seq(&k, v->id);
    if (v->ack)
        hip_put_ack(&k, &(struct hip_acks){ .n = 1, .id = { v->ack_id } });
    if (v->request)
        hip_build_param(&k, HIP_PAR_ECHO_REQUEST_SIGNED, span_of("any", 3));
    if (v->response)
        hip_build_param(&k, HIP_PAR_ECHO_RESPONSE_SIGNED, span_of(v->nonce ? v->nonce : zero, sizeof zero));
    if (v->mapped)
        hip_put_transport_addr(&k, HIP_PAR_MAPPED_ADDRESS,
                               &(struct hip_transport_addr){ .protocol = 17, .addr = v->seen });
    if (v->priority)
        hip_put_u32(&k, HIP_PAR_CANDIDATE_PRIORITY, 77);
    if (v->nominate)
        hip_put_u32(&k, HIP_PAR_NOMINATE, 77);
    hip_auth_add(&k, b);
    assert_int_equal(hip_build_finish(&k, NULL, NULL, &pkt), ERR_OK);
    return pkt;
}

static int give_from(struct world *w, const struct hip_path *path, const struct forged *v)
{
    uint8_t buf[HIP_PACKET_MAX];
    struct span pkt = build(inside(w->b), v, buf);
    return sim_inject(w->s, w->a, path, pkt);
}

static int give(struct world *w, const struct forged *v)
{
    struct hip_path path = sim_path(w->a, w->b);
    return give_from(w, &path, v);
}

/* a has a check under way to b that b's link swallows. */
static struct hip_pair *under_way(struct world *w)
{
    for (unsigned i = 0; i < 2; i++)
        sim_rule(w->s, i ? w->a : w->b, HIP_PKT_UPDATE, SIM_LOSE)->count = 1000;
    meet(w, 150 * MS);
    struct hip_pair *p = &inside(w->a)->ice->list.pair[0];
    assert_int_equal(p->state, HIP_PAIR_IN_PROGRESS);
    return p;
}

/* s4.6.2: b's check overtakes R2. It waits, and is a triggered one as soon as there is a list. */
static void before_r2(void **state)
{
    struct world w = begin();
    sim_rule(w.s, w.fa, HIP_PKT_R2, SIM_DELAY)->delay_us = 300 * MS;
    meet(&w, 200 * MS);
    assert_int_equal(w.a->sa_up, 0);
    assert_int_equal(inside(w.a)->state, HIP_I2_SENT);
    assert_true(inside(w.a)->ice->n_early > 0);
    assert_int_equal(inside(w.a)->ice->list.n, 0);
    sim_run(w.s, 2 * S);
    assert_int_equal(inside(w.a)->ice->n_early, 0);
    assert_int_equal(w.a->what, HIP_CHECKS_DIRECT);
    assert_int_equal(w.b->what, HIP_CHECKS_DIRECT);
    sim_free(w.s);
}

/* s4.6.1: the priority is what a peer-reflexive candidate from there would have; the answer says where the check came from. */
static void what_a_check_says(void **state)
{
    struct world w = begin();
    struct hip_pair *p = under_way(&w);
    struct hip_pkt k;
    uint32_t priority = 0;
    const struct sim_packet *check = sim_sent(w.s, HIP_PKT_UPDATE);
    assert_int_equal(hip_pkt_parse(span_of(check->p, check->n), &k), HIP_TAKEN);
    assert_int_equal(hip_get_u32(hip_pkt_span(&k, HIP_PAR_CANDIDATE_PRIORITY), &priority), ERR_OK);
    assert_int_equal(priority, (110u << 24) + (65535u << 8) + 255);
    assert_int_not_equal(priority, hip_candidate_priority(&p->local));
    assert_true(hip_pkt_has(&k, HIP_PAR_SEQ) && hip_pkt_has(&k, HIP_PAR_ECHO_REQUEST_SIGNED));
    assert_true(hip_pkt_has(&k, HIP_PAR_HIP_MAC) && hip_pkt_has(&k, HIP_PAR_HIP_SIGNATURE));

    struct hip_path path = sim_path(w.a, w.b);
    path.peer = at("198.18.0.1:777");
    struct forged v = { .seq = true, .id = inside(w.b)->next_id, .request = true, .priority = true };
    assert_int_equal(give_from(&w, &path, &v), HIP_TAKEN);
    struct hip_transport_addr seen;
    const struct sim_packet *answer = sim_sent(w.s, HIP_PKT_UPDATE);
    assert_int_equal(hip_pkt_parse(span_of(answer->p, answer->n), &k), HIP_TAKEN);
    assert_int_equal(hip_get_transport_addr(hip_pkt_span(&k, HIP_PAR_MAPPED_ADDRESS), &seen), ERR_OK);
    assert_true(addr_eq(&seen.addr, &path.peer));
    sim_free(w.s);
}

static void answers_that_are_none(void **state)
{
    struct world w = begin();
    struct hip_pair *p = under_way(&w);
    struct forged v = { .ack = true,
                        .ack_id = p->check.id,
                        .response = true,
                        .nonce = p->check.nonce,
                        .mapped = true,
                        .seen = w.a->addr[0] };
    struct forged bad = v;
    bad.nonce = NULL;
    assert_int_equal(give(&w, &bad), HIP_DROP_BAD_ECHO);
    bad = v;
    bad.response = false;
    assert_int_equal(give(&w, &bad), HIP_DROP_BAD_ECHO);
    bad = v;
    bad.ack_id += 1000;
    assert_int_equal(give(&w, &bad), HIP_DROP_BAD_ACK);
    bad = v;
    bad.mapped = false;
    bad.priority = true; /* a check packet all the same */
    assert_int_equal(give(&w, &bad), HIP_DROP_PARAM_MISSING);
    bad.priority = false; /* a bare ACK */
    assert_int_equal(give(&w, &bad), HIP_DROP_PARAM_MISSING);
    /* From another port, another address, to another port, through the relay (s4.6.2). */
    struct hip_path path = sim_path(w.a, w.b);
    path.peer.port++;
    assert_int_equal(give_from(&w, &path, &v), HIP_DROP_CHECK_ASYMMETRIC);
    path = sim_path(w.a, w.b);
    path.local.port++;
    assert_int_equal(give_from(&w, &path, &v), HIP_DROP_CHECK_ASYMMETRIC);
    path = sim_path(w.a, w.fa);
    assert_int_equal(give_from(&w, &path, &v), HIP_DROP_CHECK_ASYMMETRIC);
    assert_int_equal(p->state, HIP_PAIR_IN_PROGRESS);
    assert_int_equal(w.a->sa_up, 0);
    /* The right one, with a lie in MAPPED_ADDRESS: we send where we sent before. */
    v.seen = at("9.9.9.9:9");
    assert_int_equal(give(&w, &v), HIP_TAKEN);
    assert_int_equal(p->tries, 1);
    struct hip_path to = hip_pair_path(p);
    assert_true(addr_eq(&to.local, &w.a->addr[0]) && addr_eq(&to.peer, &w.b->addr[0]));
    assert_int_equal(inside(w.a)->ice->list.n, 1);
    assert_int_equal(w.a->sa_up, 0);                  /* not before the nomination is answered */
    assert_int_equal(give(&w, &v), HIP_DROP_BAD_ACK); /* once */
    sim_free(w.s);
}

/* An answer to a nomination that does not nominate selects nothing. */
static void half_a_nomination(void **state)
{
    struct world w = begin();
    struct hip_pair *p = under_way(&w);
    struct forged v = { .ack = true,
                        .ack_id = p->check.id,
                        .response = true,
                        .nonce = p->check.nonce,
                        .mapped = true,
                        .seen = w.a->addr[0] };
    assert_int_equal(give(&w, &v), HIP_TAKEN);
    assert_true(p->check.on && p->check.nominate);
    uint8_t nonce[HIP_CHECK_NONCE];
    memcpy(nonce, p->check.nonce, sizeof nonce);
    v.ack_id = p->check.id;
    v.nonce = nonce;
    assert_int_equal(give(&w, &v), HIP_TAKEN);
    assert_int_equal(w.a->sa_up, 0);
    assert_true(p->check.on && p->check.nominate); /* again */
    sim_free(w.s);
}

static void checks_that_are_none(void **state)
{
    struct world w = nominated();
    uint32_t id = inside(w.b)->next_id;
    uint8_t buf[HIP_PACKET_MAX];
    struct forged v = { .seq = true, .id = id, .request = true, .priority = true };
    struct forged bad = v;
    bad.request = false;
    assert_int_equal(give(&w, &bad), HIP_DROP_PARAM_MISSING);
    bad = v;
    bad.priority = false;
    bad.mapped = true;
    bad.seen = w.a->addr[0];
    assert_int_equal(give(&w, &bad), HIP_DROP_PARAM_MISSING);
    struct hip_path path = sim_path(w.a, w.b);
    struct span pkt = build(inside(w.b), &v, buf);
    struct hip_pkt k;
    assert_int_equal(hip_pkt_parse(pkt, &k), HIP_TAKEN);
    buf[hip_pkt_get(&k, HIP_PAR_HIP_MAC)->off + 8] ^= 1;
    assert_int_equal(sim_inject(w.s, w.a, &path, pkt), HIP_DROP_BAD_HIP_MAC);
    buf[hip_pkt_get(&k, HIP_PAR_HIP_MAC)->off + 8] ^= 1;
    buf[hip_pkt_get(&k, HIP_PAR_HIP_SIGNATURE)->off + 20] ^= 1;
    assert_int_equal(sim_inject(w.s, w.a, &path, pkt), HIP_DROP_BAD_SIGNATURE);
    assert_int_equal(give(&w, &v), HIP_TAKEN);
    bad = v;
    bad.id -= 128; /* a replayed one */
    assert_int_equal(give(&w, &bad), HIP_DROP_OUT_OF_WINDOW);
    assert_true(addr_eq(&w.a->sa_path.peer, &w.b->addr[0]));
    sim_free(w.s);
}

/* From elsewhere: answered where it came from, checked from here, and ESP stays where it is until that is answered. */
static void from_a_stranger(void **state)
{
    struct world w = nominated();
    struct hip_path path = sim_path(w.a, w.b);
    path.peer = at("198.18.0.1:777");
    struct forged v = { .seq = true, .id = inside(w.b)->next_id, .request = true, .priority = true };
    sim_ladder_clear(w.s);
    assert_int_equal(give_from(&w, &path, &v), HIP_TAKEN);
    sim_run(w.s, 20 * S);
    assert_true(addr_eq(&w.a->sa_path.peer, &w.b->addr[0]));
    assert_true(inside(w.a)->ice->sel == &inside(w.a)->ice->list.pair[0]);
    assert_in_range(sim_count(w.s, "a>? UPDATE"), 2, 4); /* the answer, and our own check: no amplifier */
    /* From where nothing is sent to. */
    path.peer = at("127.0.0.1:777");
    size_t n = inside(w.a)->ice->list.n;
    assert_int_equal(give_from(&w, &path, &v), HIP_TAKEN);
    assert_int_equal(inside(w.a)->ice->list.n, n);
    sim_free(w.s);
}

/* The controlled end does not nominate (s4.6). */
static void wrong_role(void **state)
{
    struct world w = nominated();
    struct hip_path path = sim_path(w.a, w.b);
    path.peer.port = 4444;
    struct forged v = {
        .seq = true, .id = inside(w.b)->next_id, .request = true, .priority = true, .nominate = true
    };
    assert_int_equal(give_from(&w, &path, &v), HIP_TAKEN);
    sim_run(w.s, 5 * S);
    assert_true(addr_eq(&w.a->sa_path.peer, &w.b->addr[0]));
    sim_free(w.s);
}

static void too_many(void **state)
{
    struct world w = nominated();
    struct forged v = { .seq = true, .request = true, .priority = true };
    struct hip_path path = sim_path(w.a, w.b);
    size_t taken = 0;
    int last = HIP_TAKEN;
    for (unsigned i = 0; i < 230; i++) {
        v.id = inside(w.b)->next_id + i;
        path.peer.port = (uint16_t)(2000 + i);
        last = give_from(&w, &path, &v);
        taken += last == HIP_TAKEN;
    }
    assert_int_equal(last, HIP_DROP_RATE_LIMITED);
    assert_in_range(taken, 150, 200);
    assert_true(inside(w.a)->ice->list.n <= HIP_PAIRS_MAX); /* peers make no more than that */
    sim_run(w.s, 60 * S);
    assert_true(addr_eq(&w.a->sa_path.peer, &w.b->addr[0]));
    sim_free(w.s);
}

/* Without ICE-HIP-UDP there are no checks (s4.7.1). */
static void not_in_this_mode(void **state)
{
    struct world w = begin();
    struct hip_ref ref;
    struct hip_path path = sim_path(w.a, w.b);
    assert_int_equal(hip_connect(w.a->e, sim_hit(w.a), sim_hit(w.b), &path, 1, w.s->now, &w.s->out, &ref),
                     ERR_OK);
    sim_act(w.s, w.a);
    sim_run(w.s, S);
    assert_int_equal(w.a->sa_up, 1);
    struct hip_assoc_view v;
    assert_int_equal(hip_assoc_get(w.a->e, w.a->ref, &v), ERR_OK);
    assert_int_equal(v.nat_mode, HIP_NAT_UDP_ENCAPSULATION);
    assert_int_equal(v.checks, HIP_CHECKS_NONE);
    assert_int_equal(give(&w, &(struct forged){ .seq = true, .id = 9, .request = true, .priority = true }),
                     HIP_DROP_WRONG_STATE);
    struct hip_candidate c = w.a->i2.cand[0];
    assert_int_equal(hip_candidates(w.a->e, w.a->ref, NULL, &c, 1, w.s->now, &w.s->out), ERR_STATE);
    /* A probe works here as well. */
    uint32_t id;
    assert_int_equal(hip_probe(w.a->e, w.a->ref, w.s->now, &w.s->out, &id), ERR_OK);
    sim_act(w.s, w.a);
    sim_run(w.s, S);
    assert_int_equal(w.a->probes, 1);
    assert_int_equal(w.a->rtt_us, 20000);
    for (unsigned i = 0; i < HIP_PROBES_MAX; i++) {
        sim_rule(w.s, w.a, HIP_PKT_UPDATE, SIM_LOSE);
        assert_int_equal(hip_probe(w.a->e, w.a->ref, w.s->now, &w.s->out, &id), ERR_OK);
    }
    assert_int_equal(hip_probe(w.a->e, w.a->ref, w.s->now, &w.s->out, &id), ERR_FULL);
    sim_act(w.s, w.a);
    sim_run(w.s, 3 * S);
    assert_int_equal(w.a->unanswered, HIP_PROBES_MAX);
    sim_free(w.s);
}

/* ---- candidates ---- */

static struct span locators(const struct hip_locator *l, size_t n, uint8_t *buf)
{
    struct hip_build b;
    struct span out;
    struct hip_locator_set s = { .n = n };
    memcpy(s.v, l, n * sizeof *l);
    hip_build_inner(&b, buf, HIP_PACKET_MAX);
    hip_put_locator_set(&b, &s);
    assert_int_equal(hip_build_inner_finish(&b, &out), ERR_OK);
    return out;
}

static void what_a_peer_offers(void **state)
{
    static const char *const text[] = { "127.0.0.1:1", "224.0.0.5:1", "[::1]:1", "0.0.0.0:1", "[fe80::1]:7" };
    struct hip_locator l[HIP_LOCATOR_SET_MAX];
    uint8_t buf[HIP_PACKET_MAX];
    struct hip_ice_offer o = { 0 };
    size_t n = 0;
    for (; n < 5; n++)
        l[n] =
            (struct hip_locator){ .type = HIP_LOC_UDP, .lifetime_s = 1, .protocol = 17, .addr = at(text[n]) };
    l[n++] =
        (struct hip_locator){ .type = HIP_LOC_UDP, .lifetime_s = 1, .protocol = 6, .addr = at("9.9.9.9:9") };
    l[n++] = (struct hip_locator){ .type = HIP_LOC_ADDR, .lifetime_s = 1, .addr = at("9.9.9.9") };
    l[n++] = (struct hip_locator){
        .type = HIP_LOC_UDP, .lifetime_s = 1, .protocol = 17, .kind = 9, .addr = at("9.9.9.9:9")
    };
    l[n++] = (struct hip_locator){ .type = HIP_LOC_UDP,
                                   .traffic = HIP_LOC_SIGNALLING,
                                   .lifetime_s = 1,
                                   .protocol = 17,
                                   .addr = at("198.51.100.1:10500") };
    l[n++] = (struct hip_locator){ .type = HIP_LOC_UDP,
                                   .lifetime_s = 1,
                                   .protocol = 17,
                                   .kind = HIP_LOC_SRFLX,
                                   .priority = 5,
                                   .addr = at("192.0.2.9:77") };
    struct span in = locators(l, n, buf);
    assert_int_equal(hip_ice_read(&in, &o), HIP_TAKEN);
    assert_true(o.present);
    assert_int_equal(o.n, 1); /* the relay is no candidate, the others cannot be (s4.2, s4.5) */
    assert_int_equal(o.remote[0].kind, HIP_LOC_SRFLX);
    assert_int_equal(o.remote[0].priority, 5);
    struct addr relay = at("198.51.100.1:10500");
    assert_true(addr_eq(&o.relay, &relay));
    assert_true(span_empty(in)); /* taken off */
    /* Cut short. */
    in = locators(l, n, buf);
    buf[3]--;
    assert_int_not_equal(hip_ice_read(&in, &o), HIP_TAKEN);
}

/* In the clear, where candidates do not belong (s4.9). */
static void in_the_clear(void **state)
{
    struct world w = nominated();
    struct hip_assoc *b = inside(w.b);
    struct hip_build k;
    uint8_t buf[HIP_PACKET_MAX];
    struct span pkt;
    struct hip_locator_set set = { .n = 1 };
    set.v[0] = (struct hip_locator){ .type = HIP_LOC_UDP,
                                     .lifetime_s = 9,
                                     .protocol = 17,
                                     .spi = b->spi_in,
                                     .addr = at("192.0.2.200:10500") };
    hip_build_init(&k, buf, sizeof buf, HIP_PKT_UPDATE, sim_hit(w.b), sim_hit(w.a), 0);
    hip_put_esp_info(&k, &(struct hip_esp_info){ .old_spi = b->spi_in, .new_spi = b->spi_in });
    hip_put_locator_set(&k, &set);
    hip_put_seq(&k, b->next_id);
    hip_auth_add(&k, b);
    assert_int_equal(hip_build_finish(&k, NULL, NULL, &pkt), ERR_OK);
    struct hip_path path = sim_path(w.a, w.b);
    assert_int_equal(sim_inject(w.s, w.a, &path, pkt), HIP_DROP_BAD_LOCATOR);
    sim_free(w.s);
}

/* Other candidates of b's: a begins with them when its echo is back, not sooner and not with another one (s4.9 step 6). */
static void moved_or_replayed(void **state)
{
    struct world w = nominated();
    struct hip_candidate c = w.b->r2.cand[0];
    c.addr = c.base = sim_addr(w.b, "203.0.113.9:10500");
    unsigned began = w.a->checks[HIP_CHECKS_RUNNING];
    sim_rule(w.s, w.b, HIP_PKT_UPDATE, SIM_LOSE)->skip = 1; /* its first answer */
    assert_int_equal(hip_candidates(w.b->e, w.b->ref, NULL, &c, 1, w.s->now, &w.s->out), ERR_OK);
    sim_act(w.s, w.b);
    sim_run(w.s, 300 * MS);
    const struct hip_assoc *a = inside(w.a);
    uint32_t id = 0;
    for (size_t i = 0; i < HIP_UPDATES_MAX; i++)
        if (a->sent[i].pkt.p && a->sent[i].kind == HIP_UPD_CANDIDATES_ECHO)
            id = a->sent[i].id;
    assert_int_not_equal(id, 0);
    struct hip_path path = sim_path(w.a, w.fa);
    assert_int_equal(give_from(&w, &path, &(struct forged){ .ack = true, .ack_id = id, .response = true }),
                     HIP_DROP_BAD_ECHO);
    sim_run(w.s, 300 * MS);
    assert_int_equal(w.a->checks[HIP_CHECKS_RUNNING], began);
    sim_run(w.s, 3 * S);
    assert_int_equal(w.a->checks[HIP_CHECKS_RUNNING], began + 1);
    assert_int_equal(w.a->what, HIP_CHECKS_DIRECT);
    assert_true(addr_eq(&w.a->sa_path.peer, &c.addr));
    assert_true(addr_eq(&w.b->sa_path.local, &c.addr));
    assert_int_equal(w.a->sa_up, 1);
    sim_free(w.s);
}

/* More checks than the window of Update IDs is wide, all of them lost, and then an ordinary UPDATE. */
static void checks_take_no_window(void **state)
{
    struct world w = nominated();
    struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };
    inside(w.a)->next_id += 500;
    w.b->done = true;
    assert_int_equal(hip_update(w.a->e, w.a->ref, &q, w.s->now, &w.s->out), ERR_OK);
    sim_act(w.s, w.a);
    sim_run(w.s, S);
    assert_int_equal(w.a->acked, 1);
    sim_free(w.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_r2),
        cmocka_unit_test(what_a_check_says),
        cmocka_unit_test(answers_that_are_none),
        cmocka_unit_test(half_a_nomination),
        cmocka_unit_test(checks_that_are_none),
        cmocka_unit_test(from_a_stranger),
        cmocka_unit_test(wrong_role),
        cmocka_unit_test(too_many),
        cmocka_unit_test(not_in_this_mode),
        cmocka_unit_test(what_a_peer_offers),
        cmocka_unit_test(in_the_clear),
        cmocka_unit_test(moved_or_replayed),
        cmocka_unit_test(checks_take_no_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
