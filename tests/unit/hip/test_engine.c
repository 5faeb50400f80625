/* SPDX-License-Identifier: Apache-2.0
 *
 * Two engines and one base exchange, UPDATE, registration and CLOSE. Races and bad links are tests/sim.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "hip/core.h"
#include "hip/reg.h"
#include "hip/timers.h"
#include "tests/sim/sim.h"

static const char full[] = "mn>fa I1\nfa>mn R1\nmn>fa I2\nfa>mn R2\n";

/* mn and fa, connected; keys are indexes into sim_keys. */
static struct sim *pair(int mn_key, int fa_key, struct sim_host **mn, struct sim_host **fa)
{
    struct hip_config c = sim_config();
    struct sim *s = sim_new(sim_seed(1));
    *mn = sim_host(s, "mn", &c, mn_key, "192.0.2.1");
    *fa = sim_host(s, "fa", &c, fa_key, "198.51.100.1");
    return s;
}

static void base_exchange(void **state)
{
    /* ECDSA P-256, P-384 and RSA HIs on either side: RHASH follows the Responder's suite. */
    static const int keys[][2] = { { 0, 1 }, { 1, 0 }, { 0, 5 }, { 5, 0 }, { 4, 5 }, { 0, 4 } };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct sim_host *mn, *fa;
        struct sim *s = pair(keys[i][0], keys[i][1], &mn, &fa);
        (void)sim_connect(s, mn, fa);
        sim_run(s, 1000000);
        assert_true(sim_ladder_is(s, full));
        assert_true(sim_joined(mn, fa));
        assert_int_equal(mn->up, 1);
        assert_int_equal(mn->sa_first, 1);
        assert_int_equal(fa->sa_first, 0); /* both at once */
        assert_true(mn->initiator);
        struct hip_assoc_view v;
        assert_int_equal(hip_assoc_get(mn->e, mn->ref, &v), ERR_OK);
        assert_int_equal(v.state, HIP_ESTABLISHED);
        assert_int_equal(v.dh_group, 7);
        assert_int_equal(v.esp_suite, 8);
        assert_true(span_eq(v.peer_hi, span_of(fa->hi.wire, fa->hi.wire_len)));
        assert_int_equal(hip_assoc_get(fa->e, fa->ref, &v), ERR_OK);
        assert_int_equal(v.state, HIP_R2_SENT);
        hip_sa_used(fa->e, fa->ref, s->now, &s->out);
        sim_act(s, fa);
        assert_int_equal(fa->up, 1);
        assert_false(fa->initiator);
        const uint8_t *a;
        assert_int_equal(hip_assoc_export(fa->e, fa->ref, &a), ERR_STATE); /* it offers no SIM binding */
        sim_free(s);
    }
}

/* RFC 7402 s3.3.1: what overtakes R2 can be read, and an attempt that comes to nothing leaves no SA. */
static void inbound_sa_before_i2(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(0, 1, &mn, &fa);
    sim_rule(s, fa, HIP_PKT_R2, SIM_LOSE)->count = 100;
    (void)sim_connect(s, mn, fa);
    sim_run(s, 1000000);
    assert_int_equal(mn->i2_bare, 0);
    assert_int_equal(mn->sa_first, 1);
    assert_int_equal(mn->sa_up, 0); /* nothing goes out */
    assert_int_equal(mn->spi_in, fa->spi_out);
    assert_int_equal(mn->key_in_n, fa->key_out_n);
    assert_memory_equal(mn->key_in, fa->key_out, fa->key_out_n);
    assert_int_equal(mn->sa_down, 0);
    sim_run(s, 90000000);
    assert_int_equal(mn->gone, 1);
    assert_int_equal(mn->why, HIP_GONE_FAILED);
    assert_int_equal(mn->sa_first, 1); /* the I2 again is the same I2 */
    assert_int_equal(mn->sa_down, 1);
    assert_int_equal(mn->sa_up, 0);
    sim_free(s);
}

static void exporter_key(void **state)
{
    struct hip_config c = sim_config();
    struct sim *s = sim_new(sim_seed(1));
    struct sim_host *mn = sim_host(s, "mn", &c, 0, "192.0.2.1"), *fa;
    const uint8_t *a, *b;
    c.offer = (struct hip_reg_offer){ .min = 91, .max = 150, .sim_binding = true };
    fa = sim_host(s, "fa", &c, 1, "198.51.100.1");
    (void)sim_connect(s, mn, fa);
    sim_run(s, 1000000);
    assert_true(sim_joined(mn, fa));
    assert_int_equal(hip_assoc_export(mn->e, mn->ref, &a), ERR_OK);
    assert_int_equal(hip_assoc_export(fa->e, fa->ref, &b), ERR_OK);
    assert_memory_equal(a, b, 32);
    hip_assoc_export_wipe(mn->e, mn->ref);
    assert_int_equal(hip_assoc_export(mn->e, mn->ref, &a), ERR_STATE);
    sim_free(s);
}

/* Connected, and the responder past R2-SENT. */
static struct sim *joined(struct sim_host **mn, struct sim_host **fa)
{
    struct sim *s = pair(0, 1, mn, fa);
    (void)sim_connect(s, *mn, *fa);
    sim_run(s, 500000);
    assert_true(sim_joined(*mn, *fa));
    hip_sa_used((*fa)->e, (*fa)->ref, s->now, &s->out);
    sim_act(s, *fa);
    sim_ladder_clear(s);
    return s;
}

/* An EAP_PAYLOAD with n octets of EAP, as an owner hands it over. */
static struct span inner_of(uint8_t *buf, size_t cap, uint8_t fill, size_t n)
{
    uint8_t v[1024] = { 1 };
    struct hip_build b;
    struct span out;
    memset(v + 4, fill, n);
    hip_build_inner(&b, buf, cap);
    hip_build_param(&b, HIP_PAR_EAP_PAYLOAD, span_of(v, 4 + n));
    assert_int_equal(hip_build_inner_finish(&b, &out), ERR_OK);
    return out;
}

static enum hip_state state_of(const struct sim_host *h)
{
    struct hip_assoc_view v;
    return hip_assoc_get(h->e, h->ref, &v) == ERR_OK ? v.state : HIP_UNASSOCIATED;
}

/* ---- base exchange ---- */

static void suites(void **state)
{
    struct hip_config c = sim_config(), r = sim_config();
    struct sim *s = sim_new(sim_seed(2));
    memcpy(r.dh_groups, (uint8_t[8]){ 8 }, 8);
    memcpy(r.ciphers, (uint16_t[6]){ 4 }, sizeof r.ciphers);
    memcpy(r.esp_suites, (uint16_t[6]){ 13, 8 }, sizeof r.esp_suites);
    memcpy(c.esp_suites, (uint16_t[6]){ 13 }, sizeof c.esp_suites);
    struct sim_host *mn = sim_host(s, "mn", &c, 0, "2001:db8:1::1");
    struct sim_host *fa = sim_host(s, "fa", &r, 5, "2001:db8:2::1");
    struct hip_assoc_view v;
    (void)sim_connect(s, mn, fa);
    sim_run(s, 1000000);
    assert_true(sim_ladder_is(s, full));
    assert_true(sim_joined(mn, fa));
    assert_int_equal(hip_assoc_get(mn->e, mn->ref, &v), ERR_OK);
    assert_int_equal(v.dh_group, 8);
    assert_int_equal(v.cipher, 4);
    assert_int_equal(v.esp_suite, 13);
    sim_free(s);
}

/* The R2 of a whole exchange between two RSA or two ECDSA hosts. */
static size_t r2_of_seed(uint64_t seed, int key, bool drawn, uint8_t out[HIP_PACKET_MAX])
{
    struct hip_config c = sim_config();
    c.drawn_signatures = drawn;
    struct sim *s = sim_new(seed);
    struct sim_host *mn = sim_host(s, "mn", &c, key, "192.0.2.1");
    struct sim_host *fa = sim_host(s, "fa", &c, key + 1, "198.51.100.1");
    (void)sim_connect(s, mn, fa);
    sim_run(s, 1000000);
    assert_true(sim_joined(mn, fa));
    const struct sim_packet *r2 = sim_sent(s, HIP_PKT_R2);
    size_t n = r2->n;
    memcpy(out, r2->p, n);
    sim_free(s);
    return n;
}

/* hip_config.drawn_signatures: the seed of env alone decides on every octet; without it OpenSSL's nonces differ. */
static void drawn_signatures(void **state)
{
    uint8_t a[HIP_PACKET_MAX], b[HIP_PACKET_MAX];
    for (int key = 0; key <= 4; key += 4) {
        size_t n = r2_of_seed(7, key, true, a);
        assert_int_equal(r2_of_seed(7, key, true, b), n);
        assert_memory_equal(a, b, n);
        assert_int_equal(r2_of_seed(7, key, false, b), n);
        assert_memory_not_equal(a, b, n);
    }
}

/* RFC 7402 s5.1.2: every transform; those that only authenticate (s3.3.5) with a peer for whom policy has it. */
static void esp_suites(void **state)
{
    static const struct hit any = { { 0 } };
    for (uint16_t id = 7; id <= 15; id++) {
        struct hip_config c = sim_config();
        struct sim *s = sim_new(sim_seed(2));
        struct hip_assoc_view v, w;
        memset(c.esp_suites, 0, sizeof c.esp_suites);
        c.esp_suites[0] = id;
        c.auth_only = &any;
        c.n_auth_only = 1;
        struct sim_host *mn = sim_host(s, "mn", &c, 0, "2001:db8:1::1");
        struct sim_host *fa = sim_host(s, "fa", &c, 5, "2001:db8:2::1");
        (void)sim_connect(s, mn, fa);
        sim_run(s, 1000000);
        assert_true(sim_ladder_is(s, full));
        assert_true(sim_joined(mn, fa));
        assert_int_equal(hip_assoc_get(mn->e, mn->ref, &v), ERR_OK);
        assert_int_equal(hip_assoc_get(fa->e, fa->ref, &w), ERR_OK);
        assert_int_equal(v.esp_suite, id);
        assert_int_equal(w.esp_suite, id);
        sim_free(s);
    }
}

static void contents_travel(void **state)
{
    struct sim_host *mn, *fa;
    uint8_t a[1100], b[1100];
    struct sim *s = pair(5, 5 - 1, &mn, &fa);
    struct hip_reg_list q = { .present = true, .lifetime = 120, .n = 2, .type = { 201, 1 } };
    mn->i2.contents.request = q;
    mn->i2.contents.inner = inner_of(a, sizeof a, 0xaa, 61);
    fa->r2.contents.n_failed = 1;
    fa->r2.contents.failed[0] = (struct hip_reg_fail){ .reason = 0, .n = 1, .type = { 1 } };
    fa->r2.contents.inner = inner_of(b, sizeof b, 0xbb, 500);
    (void)sim_connect(s, mn, fa);
    sim_run(s, 1000000);
    assert_true(sim_ladder_is(s, full));
    assert_true(fa->ask_contents.request.present);
    assert_int_equal(fa->ask_contents.request.lifetime, 120);
    assert_int_equal(fa->ask_contents.request.n, 2);
    assert_int_equal(fa->inner_n, mn->i2.contents.inner.n);
    assert_memory_equal(fa->inner, a, fa->inner_n);
    assert_int_equal(mn->contents.n_failed, 1);
    assert_int_equal(mn->contents.failed[0].type[0], 1);
    assert_int_equal(mn->inner_n, fa->r2.contents.inner.n);
    assert_memory_equal(mn->inner, b, mn->inner_n);
    sim_free(s);
}

/* docs/sim-binding.md section 1: where 201 is offered, and K with it. */
static void offer_of_201(void **state)
{
    struct hip_config r = sim_config(), c = sim_config();
    r.offer = (struct hip_reg_offer){ .min = 91, .max = 150, .n = 1, .type = { 1 }, .sim_binding = true };
    struct sim *s = sim_new(sim_seed(3));
    struct sim_host *mn = sim_host(s, "mn", &c, 0, "192.0.2.1");
    struct sim_host *fa = sim_host(s, "fa", &r, 1, "198.51.100.1");
    mn->hold = true;
    (void)sim_connect(s, mn, fa);
    sim_run(s, 50000);
    assert_int_equal(mn->asked_i2, 1);
    assert_int_equal(mn->ask_contents.info.n, 2);
    assert_int_equal(mn->ask_contents.info.type[0], 201);
    assert_int_equal(mn->ask_contents.info.type[1], 1);
    struct hip_pkt k;
    struct hip_puzzle z;
    const struct sim_packet *r1 = sim_sent(s, HIP_PKT_R1);
    assert_int_equal(hip_pkt_parse(span_of(r1->p, r1->n), &k), HIP_TAKEN);
    assert_int_equal(hip_get_puzzle(hip_pkt_span(&k, HIP_PAR_PUZZLE), HASH_SHA384, &z), ERR_OK);
    assert_true(z.k >= 10);
    assert_int_equal(hip_answer(mn->e, mn->asked, &mn->i2, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 1000000);
    assert_true(sim_joined(mn, fa));
    /* An owner that does not like the offer. */
    sim_free(s);
    s = sim_new(sim_seed(3));
    mn = sim_host(s, "mn", &c, 0, "192.0.2.1");
    fa = sim_host(s, "fa", &r, 1, "198.51.100.1");
    mn->i2.accept = false;
    (void)sim_connect(s, mn, fa);
    sim_run(s, 1000000);
    assert_true(sim_ladder_is(s, "mn>fa I1\nfa>mn R1\n"));
    assert_int_equal(mn->gone, 1);
    assert_int_equal(mn->why, HIP_GONE_REFUSED);
    sim_free(s);
}

static void opportunistic(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(0, 1, &mn, &fa);
    static const struct hit null;
    struct hip_path path = sim_path(mn, fa);
    struct hip_ref ref;
    assert_int_equal(hip_connect(mn->e, sim_hit(mn), &null, &path, 1, s->now, &s->out, &ref), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 1000000);
    assert_true(sim_ladder_is(s, full));
    assert_true(sim_joined(mn, fa));
    /* A second one to the same host finds that they know each other. */
    assert_int_equal(hip_connect(mn->e, sim_hit(mn), &null, &path, 1, s->now, &s->out, &ref), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 1000000);
    assert_int_equal(mn->gone, 1);
    assert_int_equal(mn->why, HIP_GONE_REPLACED);
    assert_true(sim_joined(mn, fa));
    sim_free(s);
}

static void connect_refusals(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(0, 1, &mn, &fa);
    struct hip_path path = sim_path(mn, fa);
    struct hit suite9 = *sim_hit(fa);
    struct hip_ref ref, again;
    suite9.b[3] = 0x29;
    assert_int_equal(hip_connect(mn->e, sim_hit(fa), sim_hit(mn), &path, 1, s->now, &s->out, &ref),
                     ERR_NOT_FOUND);
    assert_int_equal(hip_connect(mn->e, sim_hit(mn), &suite9, &path, 1, s->now, &s->out, &ref),
                     ERR_UNSUPPORTED);
    assert_int_equal(hip_connect(mn->e, sim_hit(mn), sim_hit(fa), &path, 0, s->now, &s->out, &ref),
                     ERR_UNSUPPORTED);
    ref = sim_connect(s, mn, fa);
    assert_int_equal(hip_connect(mn->e, sim_hit(mn), sim_hit(fa), &path, 1, s->now, &s->out, &again),
                     ERR_EXISTS);
    assert_int_equal(again.slot, ref.slot);
    assert_int_equal(again.gen, ref.gen);
    assert_int_equal(hip_drop(mn->e, ref, s->now, &s->out), ERR_OK);
    assert_int_equal(hip_drop(mn->e, ref, s->now, &s->out), ERR_NOT_FOUND);
    sim_free(s);
}

static void three_addresses(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(0, 1, &mn, &fa);
    struct hip_path to[3] = { sim_path(mn, fa), sim_path(mn, fa), sim_path(mn, fa) };
    struct hip_ref ref;
    assert_int_equal(addr_parse("203.0.113.9", &to[0].peer), ERR_OK);
    to[2].peer = sim_addr(fa, "198.51.100.2");
    assert_int_equal(hip_connect(mn->e, sim_hit(mn), sim_hit(fa), to, 3, s->now, &s->out, &ref), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 1000000);
    assert_true(sim_ladder_is(s, "mn>? I1 (lost)\nmn>fa I1\nmn>fa I1\nfa>mn R1\nfa>mn R1\n"
                                 "mn>fa I2\nfa>mn R2\n"));
    assert_true(sim_joined(mn, fa));
    sim_free(s);
}

/* Only the second one answers, and not at the first try. */
static void addresses_in_turn(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(0, 1, &mn, &fa);
    struct hip_path to[2] = { sim_path(mn, fa), sim_path(mn, fa) };
    struct hip_ref ref;
    assert_int_equal(addr_parse("203.0.113.9", &to[0].peer), ERR_OK);
    sim_rule(s, mn, HIP_PKT_I1, SIM_LOSE)->count = 2;
    assert_int_equal(hip_connect(mn->e, sim_hit(mn), sim_hit(fa), to, 2, s->now, &s->out, &ref), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 4000000);
    assert_true(sim_ladder_is(s, "mn>? I1 (lost)\nmn>fa I1 (lost)\nmn>? I1 (lost)\nmn>fa I1\nfa>mn R1\n"
                                 "mn>fa I2\nfa>mn R2\n"));
    sim_free(s);
}

static void nobody_answers(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(0, 1, &mn, &fa);
    sim_addr_gone(fa, "198.51.100.1");
    (void)sim_connect(s, mn, fa);
    sim_run(s, 62000000); /* 1 + 2 + 4 + 8 + 16 + 32 s */
    assert_int_equal(mn->gone, 0);
    sim_run(s, 2000000);
    assert_int_equal(sim_count(s, "mn>? I1"), 6);
    assert_int_equal(mn->gone, 1);
    assert_int_equal(mn->why, HIP_GONE_FAILED);
    sim_run(s, HIP_FAILED_US); /* E-FAILED is left */
    assert_int_equal(hip_deadline(mn->e), UINT64_MAX);
    sim_free(s);
}

/* The owner takes its time: repeated I2s are swallowed, then R2; a late R2's repeat is the stored one. */
static void owner_is_asked_once(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(0, 1, &mn, &fa);
    fa->hold = true;
    (void)sim_connect(s, mn, fa);
    sim_run(s, 3500000);
    assert_true(sim_ladder_is(s, "mn>fa I1\nfa>mn R1\nmn>fa I2\nmn>fa I2\nmn>fa I2\n"));
    assert_int_equal(fa->asked_r2, 1);
    assert_int_equal(hip_counter(fa->e, HIP_DROP_DUPLICATE), 2);
    sim_rule(s, fa, HIP_PKT_R2, SIM_LOSE);
    assert_int_equal(hip_answer(fa->e, fa->asked, &fa->r2, s->now, &s->out), ERR_OK);
    sim_act(s, fa);
    struct sim_packet first = *sim_sent(s, HIP_PKT_R2);
    sim_run(s, 8000000);
    assert_true(sim_joined(mn, fa));
    assert_int_equal(fa->asked_r2, 1);
    assert_int_equal(sim_count(s, "fa>mn R2"), 2);
    assert_int_equal(first.n, sim_sent(s, HIP_PKT_R2)->n);
    assert_memory_equal(first.p, sim_sent(s, HIP_PKT_R2)->p, first.n);
    sim_free(s);
}

static void owner_refuses(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(0, 1, &mn, &fa);
    fa->r2 = (struct hip_answer){ .accept = false, .notify = HIP_NTF_BLOCKED_BY_POLICY };
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    assert_true(sim_ladder_is(s, "mn>fa I1\nfa>mn R1\nmn>fa I2\nfa>mn NOTIFY\n"));
    assert_int_equal(mn->notified, 1);
    assert_int_equal(mn->notify_code, HIP_NTF_BLOCKED_BY_POLICY);
    assert_int_equal(fa->gone, 1);
    assert_int_equal(fa->why, HIP_GONE_REFUSED);
    /* The I2 comes again: its solution is used up, and nobody is asked twice. */
    sim_run(s, 1000000);
    assert_int_equal(fa->asked_r2, 1);
    assert_int_equal(hip_counter(fa->e, HIP_DROP_PUZZLE_REUSED), 1);
    sim_free(s);
}

static void owner_never_answers(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(0, 1, &mn, &fa);
    fa->hold = true;
    (void)sim_connect(s, mn, fa);
    sim_run(s, 16000000);
    assert_int_equal(fa->gone, 1);
    assert_int_equal(fa->why, HIP_GONE_FAILED);
    assert_int_equal(hip_answer(fa->e, fa->asked, &fa->r2, s->now, &s->out), ERR_NOT_FOUND);
    sim_free(s);
}

static void r1s_per_source(void **state)
{
    struct hip_config c = sim_config(), r = sim_config();
    r.r1_per_source_milli = 500; /* one in two seconds, five at once */
    struct sim *s = sim_new(sim_seed(4));
    struct sim_host *mn = sim_host(s, "mn", &c, 0, "192.0.2.1");
    struct sim_host *fa = sim_host(s, "fa", &r, 1, "198.51.100.1");
    mn->hold = true;
    (void)sim_connect(s, mn, fa);
    sim_run(s, 20000);
    const struct sim_packet i1 = *sim_sent(s, HIP_PKT_I1);
    for (int i = 0; i < 10; i++)
        (void)sim_inject(s, fa, &i1.path, span_of(i1.p, i1.n));
    assert_int_equal(sim_count(s, "fa>mn R1"), 5);
    assert_int_equal(hip_counter(fa->e, HIP_DROP_RATE_LIMITED), 6);
    sim_run(s, 2000000);
    assert_int_equal(sim_inject(s, fa, &i1.path, span_of(i1.p, i1.n)), HIP_TAKEN);
    sim_free(s);
}

static void table_full(void **state)
{
    struct hip_config c = sim_config(), r = sim_config();
    r.assoc_max = 1;
    struct sim *s = sim_new(sim_seed(5));
    struct sim_host *a = sim_host(s, "a", &c, 0, "192.0.2.1"), *b = sim_host(s, "b", &c, 2, "192.0.2.2");
    struct sim_host *fa = sim_host(s, "fa", &r, 1, "198.51.100.1");
    (void)sim_connect(s, a, fa);
    sim_run(s, 500000);
    (void)sim_connect(s, b, fa);
    sim_run(s, 500000);
    assert_true(sim_joined(a, fa));
    assert_int_equal(b->up, 0);
    assert_int_equal(hip_counter(fa->e, HIP_DROP_ASSOC_FULL), 1);
    /* Closed ones make room. */
    assert_int_equal(hip_close(a->e, a->ref, s->now, &s->out), ERR_OK);
    sim_act(s, a);
    sim_run(s, 3000000);
    assert_int_equal(b->up, 1);
    assert_true(sim_joined(b, fa));
    sim_free(s);
}

/* A new exchange while ESTABLISHED takes the old one's place, and its keys are others. */
static void exchange_again(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    uint32_t old = fa->spi_in;
    struct hip_ref was = fa->ref;
    struct hip_assoc_view v;
    assert_int_equal(hip_drop(mn->e, mn->ref, s->now, &s->out), ERR_OK); /* mn forgot */
    sim_act(s, mn);
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    assert_true(sim_ladder_is(s, full));
    assert_true(sim_joined(mn, fa));
    assert_int_not_equal(old, fa->spi_in);
    assert_int_equal(fa->gone, 1);
    assert_int_equal(fa->why, HIP_GONE_REPLACED);
    assert_int_equal(fa->sa_down, 1);
    assert_int_equal(hip_assoc_get(fa->e, was, &v), ERR_NOT_FOUND);
    sim_free(s);
}

/* ---- UPDATE ---- */

static void update_and_answer(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    uint8_t a[1100], b[1100];
    struct hip_contents q = { .inner = inner_of(a, sizeof a, 1, 90) };
    struct hip_answer w = { .contents.inner = inner_of(b, sizeof b, 2, 70) };
    uint32_t id;
    w.contents.response = (struct hip_reg_list){ .present = true, .lifetime = 100, .n = 1, .type = { 1 } };
    fa->reply = &w;
    assert_int_equal(hip_update_id(mn->e, mn->ref, &id), ERR_OK);
    assert_int_equal(id, 0);
    assert_int_equal(hip_update(mn->e, mn->ref, &q, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 1000000);
    /* SEQ; SEQ and ACK; ACK after ack_delay_us. */
    assert_true(sim_ladder_is(s, "mn>fa UPDATE\nfa>mn UPDATE\nmn>fa UPDATE\n"));
    assert_int_equal(fa->updates, 1);
    assert_int_equal(fa->update_id, 0);
    assert_false(fa->update_acks_ours);
    assert_int_equal(fa->inner_n, q.inner.n);
    assert_memory_equal(fa->inner, a, fa->inner_n);
    assert_int_equal(mn->acked, 1);
    assert_int_equal(mn->updates, 1);
    assert_true(mn->update_acks_ours);
    assert_int_equal(mn->contents.response.lifetime, 100);
    assert_memory_equal(mn->inner, b, mn->inner_n);
    assert_int_equal(fa->acked, 1);
    assert_int_equal(hip_update_id(mn->e, mn->ref, &id), ERR_OK);
    assert_int_equal(id, 1);
    sim_free(s);
}

static void update_bare_ack(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    struct hip_contents q = { .request = { .present = true, .lifetime = 0, .n = 1, .type = { 1 } } };
    /* Nobody says anything: a bare ACK 100 ms after it came, 10 ms each way. */
    assert_int_equal(hip_update(mn->e, mn->ref, &q, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 109000);
    assert_true(sim_ladder_is(s, "mn>fa UPDATE\n"));
    sim_run(s, 2000);
    assert_true(sim_ladder_is(s, "mn>fa UPDATE\nfa>mn UPDATE\n"));
    sim_run(s, 1000000);
    assert_int_equal(mn->acked, 1);
    /* hip_update_done(): at once. */
    fa->done = true;
    sim_ladder_clear(s);
    assert_int_equal(hip_update(mn->e, mn->ref, &q, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 11000);
    assert_true(sim_ladder_is(s, "mn>fa UPDATE\nfa>mn UPDATE\n"));
    sim_run(s, 1000000);
    assert_int_equal(mn->acked, 2);
    assert_int_equal(mn->acked_id, 1);
    sim_free(s);
}

static void update_retransmits_the_same(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    uint8_t a[1100];
    struct hip_contents q = { .inner = inner_of(a, sizeof a, 1, 90) };
    sim_rule(s, mn, HIP_PKT_UPDATE, SIM_LOSE);
    struct sim_rule *r = sim_rule(s, fa, HIP_PKT_UPDATE, SIM_LOSE);
    (void)r;
    assert_int_equal(hip_update(mn->e, mn->ref, &q, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    struct sim_packet first = *sim_sent(s, HIP_PKT_UPDATE);
    sim_run(s, 1005000);
    assert_memory_equal(first.p, sim_sent(s, HIP_PKT_UPDATE)->p, first.n);
    sim_run(s, 5000000);
    assert_true(sim_ladder_is(s, "mn>fa UPDATE (lost)\nmn>fa UPDATE\nfa>mn UPDATE (lost)\n"
                                 "mn>fa UPDATE\nfa>mn UPDATE\n"));
    assert_int_equal(fa->updates, 1); /* acknowledged twice, processed once */
    assert_int_equal(hip_counter(fa->e, HIP_DROP_DUPLICATE), 1);
    assert_int_equal(mn->acked, 1);
    sim_free(s);
}

static void update_limits(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };
    uint8_t big[HIP_INNER_MAX + 8] = { 0 };
    struct hip_contents huge = { .inner = span_of(big, sizeof big) };
    sim_addr_gone(fa, "198.51.100.1");
    assert_int_equal(hip_update(mn->e, mn->ref, &huge, s->now, &s->out), ERR_SPACE);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(hip_update(mn->e, mn->ref, &q, s->now, &s->out), ERR_OK);
        sim_act(s, mn);
    }
    assert_int_equal(hip_update(mn->e, mn->ref, &q, s->now, &s->out), ERR_FULL);
    /* Nobody acknowledges: CLOSE, and when that is not answered either, gone. */
    sim_run(s, 64000000);
    assert_int_equal(mn->sa_down, 1);
    assert_true(sim_count(s, "mn>? CLOSE") >= 1);
    sim_run(s, 64000000);
    assert_int_equal(mn->gone, 1);
    assert_int_equal(mn->why, HIP_GONE_CLOSED);
    assert_int_equal(hip_update(mn->e, mn->ref, &q, s->now, &s->out), ERR_NOT_FOUND);
    sim_free(s);
}

static void many_updates_out_of_order(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };
    sim_rule(s, mn, HIP_PKT_UPDATE, SIM_DELAY)->delay_us = 300000; /* the first comes last */
    for (int i = 0; i < 5; i++) {
        assert_int_equal(hip_update(mn->e, mn->ref, &q, s->now, &s->out), ERR_OK);
        sim_act(s, mn);
    }
    sim_run(s, 900000);
    assert_int_equal(fa->updates, 5);
    assert_int_equal(fa->update_id, 0);
    assert_int_equal(mn->acked, 5);
    assert_int_equal(sim_count(s, "fa>mn UPDATE"), 2); /* one ACK names four */
    sim_free(s);
}

/* Built by hand with the association's keys: ids outside the window, ACKs of nothing. */
static void updates_of_a_stranger(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };
    struct hip_path path = sim_path(fa, mn);
    fa->done = true;
    for (int i = 0; i < 200; i++) { /* the window moves on */
        assert_int_equal(hip_update(mn->e, mn->ref, &q, s->now, &s->out), ERR_OK);
        sim_act(s, mn);
        if (i == 0)
            s->last[0] = *sim_sent(s, HIP_PKT_UPDATE);
        sim_run(s, 30000);
    }
    assert_int_equal(fa->updates, 200);
    const struct sim_packet *old = &s->last[0];
    assert_int_equal(sim_inject(s, fa, &path, span_of(old->p, old->n)), HIP_DROP_OUT_OF_WINDOW);
    /* fa's last ACK once more: it acknowledges nothing now. */
    struct sim_packet ack = *sim_sent(s, HIP_PKT_UPDATE);
    struct hip_path back = sim_path(mn, fa);
    assert_int_equal(sim_inject(s, mn, &back, span_of(ack.p, ack.n)), HIP_DROP_BAD_ACK);
    sim_free(s);
}

/* ---- CLOSE ---- */

static void closing(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    assert_int_equal(hip_close(mn->e, mn->ref, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    assert_int_equal(mn->sa_down, 1);
    sim_run(s, 500000);
    assert_true(sim_ladder_is(s, "mn>fa CLOSE\nfa>mn CLOSE_ACK\n"));
    assert_int_equal(mn->gone, 1);
    assert_int_equal(mn->why, HIP_GONE_CLOSED);
    assert_int_equal(fa->gone, 1);
    assert_int_equal(fa->sa_down, 1);
    assert_int_equal(state_of(fa), HIP_UNASSOCIATED); /* its ref is stale */
    /* The same CLOSE again: answered again, by what lingers; then forgotten. */
    const struct sim_packet c = *sim_sent(s, HIP_PKT_CLOSE);
    assert_int_equal(sim_inject(s, fa, &c.path, span_of(c.p, c.n)), HIP_TAKEN);
    assert_int_equal(fa->gone, 1);
    sim_run(s, UINT64_C(1200000000));
    assert_int_equal(hip_deadline(fa->e), UINT64_MAX);
    assert_int_equal(sim_inject(s, fa, &c.path, span_of(c.p, c.n)), HIP_DROP_NO_ASSOCIATION);
    /* CLOSE_ACK without a CLOSE of ours. */
    const struct sim_packet k = *sim_sent(s, HIP_PKT_CLOSE_ACK);
    assert_int_equal(sim_inject(s, mn, &k.path, span_of(k.p, k.n)), HIP_DROP_NO_ASSOCIATION);
    sim_free(s);
}

static void closing_is_lost(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    sim_rule(s, mn, HIP_PKT_CLOSE, SIM_LOSE);
    sim_rule(s, fa, HIP_PKT_CLOSE_ACK, SIM_LOSE);
    assert_int_equal(hip_close(mn->e, mn->ref, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 4000000);
    assert_true(sim_ladder_is(s, "mn>fa CLOSE (lost)\nmn>fa CLOSE\nfa>mn CLOSE_ACK (lost)\n"
                                 "mn>fa CLOSE\nfa>mn CLOSE_ACK\n"));
    assert_int_equal(mn->gone, 1);
    assert_int_equal(fa->gone, 1);
    sim_free(s);
}

/* After CLOSE a new exchange is free to begin, at either side, while the other lingers. */
static void connect_after_close(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    assert_int_equal(hip_close(mn->e, mn->ref, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 500000);
    sim_ladder_clear(s);
    (void)sim_connect(s, fa, mn);
    sim_run(s, 500000);
    assert_true(sim_ladder_is(s, "fa>mn I1\nmn>fa R1\nfa>mn I2\nmn>fa R2\n"));
    assert_true(sim_joined(mn, fa));
    assert_int_equal(fa->gone, 1); /* told once, when CLOSE came */
    sim_free(s);
}

static void idle(void **state)
{
    struct hip_config c = sim_config();
    struct sim *s = sim_new(sim_seed(6));
    struct sim_host *fa = sim_host(s, "fa", &c, 1, "198.51.100.1");
    c.ual_us = 60000000;
    struct sim_host *mn = sim_host(s, "mn", &c, 0, "192.0.2.1");
    (void)sim_connect(s, mn, fa);
    sim_run(s, 50000000);
    hip_sa_used(mn->e, mn->ref, s->now, &s->out);
    sim_run(s, 50000000);
    assert_int_equal(mn->gone, 0);
    assert_int_equal(hip_keep(mn->e, mn->ref, s->now + 100000000, s->now), ERR_OK);
    sim_run(s, 90000000);
    assert_int_equal(mn->gone, 0);
    sim_run(s, 20000000);
    assert_int_equal(sim_count(s, "mn>fa CLOSE"), 1);
    assert_int_equal(mn->gone, 1);
    assert_int_equal(fa->gone, 1);
    sim_free(s);
}

/* RFC 7402 s3.3.7: another time for one peer. */
static void idle_of_a_peer(void **state)
{
    struct hip_config c = sim_config();
    struct sim *s = sim_new(sim_seed(6));
    struct hip_idle soon = { .us = 30000000 };
    c.ual_us = 600000000;
    struct sim_host *fa = sim_host(s, "fa", &c, 1, "198.51.100.1");
    struct sim_host *cn = sim_host(s, "cn", &c, 2, "203.0.113.1");
    soon.peer = *sim_hit(fa);
    c.idle = &soon;
    c.n_idle = 1;
    struct sim_host *mn = sim_host(s, "mn", &c, 0, "192.0.2.1");
    (void)sim_connect(s, mn, fa);
    (void)sim_connect(s, mn, cn);
    sim_run(s, 20000000);
    assert_int_equal(sim_count(s, "mn>fa CLOSE"), 0);
    sim_run(s, 20000000);
    assert_int_equal(sim_count(s, "mn>fa CLOSE"), 1);
    sim_run(s, 500000000);
    assert_int_equal(sim_count(s, "mn>cn CLOSE"), 0);
    sim_free(s);
}

static void established_without_data(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(0, 1, &mn, &fa);
    (void)sim_connect(s, mn, fa);
    sim_run(s, 60000000);
    assert_int_equal(state_of(fa), HIP_R2_SENT);
    sim_run(s, 5000000); /* EC: as long as an Initiator goes on with I2 */
    assert_int_equal(state_of(fa), HIP_ESTABLISHED);
    assert_int_equal(fa->up, 1);
    sim_free(s);
}

static void notify(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    assert_int_equal(
        hip_notify(fa->e, fa->ref, HIP_NTF_AUTHENTICATION_FAILED, span_of(NULL, 0), s->now, &s->out), ERR_OK);
    sim_act(s, fa);
    sim_run(s, 100000);
    assert_int_equal(mn->notified, 1);
    assert_int_equal(mn->notify_code, 24);
    assert_int_equal(state_of(mn), HIP_ESTABLISHED);
    sim_free(s);
}

static void lifetimes(void **state)
{
    assert_int_equal(hip_reg_grant(0, 91, 150), 0);
    assert_int_equal(hip_reg_grant(10, 91, 150), 91);
    assert_int_equal(hip_reg_grant(100, 91, 150), 100);
    assert_int_equal(hip_reg_grant(255, 91, 150), 150);
    assert_int_equal(hip_reg_seconds(120), 128);
    assert_int_equal(hip_reg_seconds(HIP_REG_LIFE_10S), 10);
    assert_int_equal(hip_reg_seconds(63), 0);
}

static void identities(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    uint64_t counter = hip_identity_r1_counter(fa->e, sim_hit(fa));
    assert_true(counter > 0);
    assert_int_equal(hip_identity_add(fa->e, &fa->hi, 0, s->now), ERR_EXISTS);
    assert_int_equal(hip_identity_remove(fa->e, sim_hit(fa)), ERR_OK);
    assert_int_equal(hip_identity_remove(fa->e, sim_hit(fa)), ERR_NOT_FOUND);
    assert_int_equal(state_of(fa), HIP_UNASSOCIATED);
    size_t pos = 0;
    struct hip_assoc_view v;
    assert_false(hip_assoc_next(fa->e, &pos, &v));
    assert_int_equal(hip_identity_add(fa->e, &fa->hi, counter, s->now), ERR_OK);
    assert_int_equal(hip_identity_r1_counter(fa->e, sim_hit(fa)), counter);
    sim_free(s);
}

/* ---- load (RFC 7401 s4.1.2) ---- */

/* #K of the R1 that fa gives to an I1 of mn's, a generation later than the last one. */
static uint8_t k_now(struct sim *s, struct sim_host *mn, struct sim_host *fa)
{
    struct hip_ref ref = sim_connect(s, mn, fa);
    struct hip_pkt p;
    struct hip_puzzle z;
    sim_run(s, 11000);
    const struct sim_packet *r1 = sim_sent(s, HIP_PKT_R1);
    assert_int_equal(hip_pkt_parse(span_of(r1->p, r1->n), &p), HIP_TAKEN);
    assert_int_equal(hip_get_puzzle(hip_pkt_span(&p, HIP_PAR_PUZZLE), fa->hi.rhash, &z), ERR_OK);
    assert_int_equal(hip_drop(mn->e, ref, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 11000000);
    return z.k;
}

static struct hit somebody(const struct sim_host *like, uint8_t i)
{
    struct hit h = *sim_hit(like);
    h.b[14] ^= 0x80;
    h.b[15] = i;
    return h;
}

static void associations_make_puzzles_harder(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(0, 1, &mn, &fa); /* room for 16 */
    struct hip_assoc *held[16];
    uint8_t idle = k_now(s, mn, fa);
    size_t n = 0;
    for (; n < 12; n++) {
        struct hit h = somebody(mn, (uint8_t)n);
        held[n] = hip_assoc_new(fa->e, fa->e->id[0], &h);
        assert_non_null(held[n]);
        if (n == 6)
            assert_int_equal(k_now(s, mn, fa), idle); /* 7 of 16 */
        if (n == 7)
            assert_int_equal(k_now(s, mn, fa), idle + 1);
    }
    assert_int_equal(k_now(s, mn, fa), idle + 3);
    hip_puzzle_grow(fa->e, 5); /* the owner knows of more */
    assert_int_equal(k_now(s, mn, fa), idle + 5);
    hip_puzzle_grow(fa->e, 0);
    held[0]->gone = true; /* who lingers makes room */
    fa->e->n_gone++;
    assert_int_equal(k_now(s, mn, fa), idle + 2);
    while (n-- > 0)
        hip_assoc_free(fa->e, held[n]);
    assert_int_equal(k_now(s, mn, fa), idle);
    sim_free(s);
}

static void open_exchanges_make_puzzles_harder(void **state)
{
    struct hip_config c = sim_config();
    struct sim *s = sim_new(sim_seed(11));
    struct sim_host *mn = sim_host(s, "mn", &c, 0, "192.0.2.1");
    c.assoc_max = 1024; /* an eighth of it may be open */
    struct sim_host *fa = sim_host(s, "fa", &c, 1, "198.51.100.1");
    uint8_t idle = k_now(s, mn, fa);
    for (unsigned i = 0; i < 128; i++) {
        struct hit h = somebody(mn, (uint8_t)i);
        struct hip_assoc *a = hip_assoc_new(fa->e, fa->e->id[0], &h);
        a->embryo = true;
        assert_int_equal(hip_assoc_enter(fa->e, a), ERR_OK);
        if (i == 62)
            assert_int_equal(k_now(s, mn, fa), idle);
        if (i == 63)
            assert_int_equal(k_now(s, mn, fa), idle + 1);
    }
    assert_int_equal(k_now(s, mn, fa), idle + 5);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_exchange),
        cmocka_unit_test(exporter_key),
        cmocka_unit_test(suites),
        cmocka_unit_test(esp_suites),
        cmocka_unit_test(drawn_signatures),
        cmocka_unit_test(contents_travel),
        cmocka_unit_test(offer_of_201),
        cmocka_unit_test(opportunistic),
        cmocka_unit_test(connect_refusals),
        cmocka_unit_test(three_addresses),
        cmocka_unit_test(addresses_in_turn),
        cmocka_unit_test(nobody_answers),
        cmocka_unit_test(owner_is_asked_once),
        cmocka_unit_test(owner_refuses),
        cmocka_unit_test(owner_never_answers),
        cmocka_unit_test(r1s_per_source),
        cmocka_unit_test(table_full),
        cmocka_unit_test(exchange_again),
        cmocka_unit_test(inbound_sa_before_i2),
        cmocka_unit_test(update_and_answer),
        cmocka_unit_test(update_bare_ack),
        cmocka_unit_test(update_retransmits_the_same),
        cmocka_unit_test(update_limits),
        cmocka_unit_test(many_updates_out_of_order),
        cmocka_unit_test(updates_of_a_stranger),
        cmocka_unit_test(closing),
        cmocka_unit_test(closing_is_lost),
        cmocka_unit_test(connect_after_close),
        cmocka_unit_test(idle),
        cmocka_unit_test(idle_of_a_peer),
        cmocka_unit_test(established_without_data),
        cmocka_unit_test(notify),
        cmocka_unit_test(lifetimes),
        cmocka_unit_test(associations_make_puzzles_harder),
        cmocka_unit_test(open_exchanges_make_puzzles_harder),
        cmocka_unit_test(identities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
