/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets that must not be taken: one test for each reason that the engine can give (hip/drop.h), and for each that nothing changed.
 * Some are spoilt on the way; some are rightly signed by a peer that breaks a rule.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "hip/assoc_auth.h"
#include "hip/auth.h"
#include "hip/core.h"
#include "hip/encrypted.h"
#include "hip/param_echo.h"
#include "hip/param_esp.h"
#include "hip/reg.h"
#include "hip/suite.h"
#include "hip/update.h"
#include "tests/sim/sim.h"

static struct sim *pair_with(const struct hip_config *mc, const struct hip_config *fc, struct sim_host **mn,
                             struct sim_host **fa)
{
    struct sim *s = sim_new(sim_seed(31));
    *mn = sim_host(s, "mn", mc, 0, "192.0.2.1");
    *fa = sim_host(s, "fa", fc, 1, "198.51.100.1");
    return s;
}

static struct sim *pair(struct sim_host **mn, struct sim_host **fa)
{
    struct hip_config c = sim_config();
    return pair_with(&c, &c, mn, fa);
}

static struct sim *joined(struct sim_host **mn, struct sim_host **fa)
{
    struct sim *s = pair(mn, fa);
    (void)sim_connect(s, *mn, *fa);
    sim_run(s, 500000);
    hip_sa_used((*fa)->e, (*fa)->ref, s->now, &s->out);
    sim_act(s, *fa);
    assert_true(sim_joined(*mn, *fa));
    sim_ladder_clear(s);
    return s;
}

/* ---- spoilt on the way ---- */

static uint16_t spoil_type; /* the parameter whose last content octet is flipped */

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

struct spoilt {
    uint8_t packet; /* of the base exchange */
    uint16_t param;
    int drop;
};

static void base_exchange_spoilt(void **state)
{
    static const struct spoilt cases[] = {
        { HIP_PKT_R1, HIP_PAR_HIP_SIGNATURE_2, HIP_DROP_BAD_SIGNATURE },
        { HIP_PKT_R1, HIP_PAR_DIFFIE_HELLMAN, HIP_DROP_BAD_SIGNATURE },
        { HIP_PKT_R1, HIP_PAR_R1_COUNTER, HIP_DROP_BAD_SIGNATURE },
        { HIP_PKT_R1, HIP_PAR_HOST_ID, HIP_DROP_BAD_HI },
        { HIP_PKT_I2, HIP_PAR_HIP_MAC, HIP_DROP_BAD_HIP_MAC },
        { HIP_PKT_I2, HIP_PAR_HIP_SIGNATURE, HIP_DROP_BAD_SIGNATURE },
        { HIP_PKT_I2, HIP_PAR_ENCRYPTED, HIP_DROP_BAD_HIP_MAC },
        { HIP_PKT_I2, HIP_PAR_DIFFIE_HELLMAN, HIP_DROP_BAD_DH },
        { HIP_PKT_I2, HIP_PAR_R1_COUNTER, HIP_DROP_STALE_R1_COUNTER },
        { HIP_PKT_R2, HIP_PAR_HIP_MAC_2, HIP_DROP_BAD_HIP_MAC_2 },
        { HIP_PKT_R2, HIP_PAR_HIP_SIGNATURE, HIP_DROP_BAD_SIGNATURE },
        { HIP_PKT_R2, HIP_PAR_ESP_INFO, HIP_DROP_BAD_HIP_MAC_2 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sim_host *mn, *fa;
        struct sim *s = pair(&mn, &fa);
        bool to_fa = cases[i].packet == HIP_PKT_I2;
        spoil_type = cases[i].param;
        sim_rule(s, to_fa ? mn : fa, cases[i].packet, SIM_CHANGE)->change = spoil;
        (void)sim_connect(s, mn, fa);
        sim_run(s, 500000);
        if ((to_fa ? fa : mn)->drop != cases[i].drop)
            fail_msg("case %zu: %s", i, hip_drop_name((to_fa ? fa : mn)->drop));
        assert_int_equal(hip_counter((to_fa ? fa : mn)->e, cases[i].drop), 1);
        if (to_fa) { /* no state, no question (docs/sim-binding.md) */
            size_t pos = 0;
            struct hip_assoc_view v;
            assert_int_equal(fa->asked_r2, 0);
            assert_false(hip_assoc_next(fa->e, &pos, &v));
        }
        assert_int_equal(mn->up, 0);
        /* The next try is whole. */
        sim_run(s, 5000000);
        assert_true(sim_joined(mn, fa));
        sim_free(s);
    }
}

/* Not even the solution is used up by an I2 that was wrong: the right one is still taken. */
static void wrong_i2_first(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    spoil_type = HIP_PAR_HIP_SIGNATURE;
    sim_rule(s, mn, HIP_PKT_I2, SIM_CHANGE)->change = spoil;
    (void)sim_connect(s, mn, fa);
    sim_run(s, 3000000);
    assert_int_equal(hip_counter(fa->e, HIP_DROP_BAD_SIGNATURE), 1);
    assert_int_equal(hip_counter(fa->e, HIP_DROP_PUZZLE_REUSED), 0);
    assert_true(sim_joined(mn, fa));
    sim_free(s);
}

/* One solved puzzle and many wrong I2s: after eight the solution is worth nothing. */
static void one_solution_many_wrong_i2s(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    sim_rule(s, mn, HIP_PKT_I2, SIM_LOSE);
    (void)sim_connect(s, mn, fa);
    sim_run(s, 100000);
    struct sim_packet i2 = *sim_sent(s, HIP_PKT_I2);
    struct hip_path path = sim_path(fa, mn);
    spoil_type = HIP_PAR_HIP_MAC;
    spoil(i2.p, &i2.n);
    hip_set_checksum(i2.p, i2.n, &path.peer, &path.local);
    for (int i = 0; i < 8; i++)
        assert_int_equal(sim_inject(s, fa, &path, span_of(i2.p, i2.n)), HIP_DROP_BAD_HIP_MAC);
    assert_int_equal(sim_inject(s, fa, &path, span_of(i2.p, i2.n)), HIP_DROP_PUZZLE_REUSED);
    sim_free(s);
}

static void change_j(uint8_t *p, size_t *n)
{
    spoil_type = HIP_PAR_SOLUTION;
    spoil(p, n);
}

static void change_opaque(uint8_t *p, size_t *n)
{
    for (size_t off = HIP_HEADER_LEN;; off += hip_tlv_len((size_t)(p[off + 2] << 8 | p[off + 3])))
        if ((p[off] << 8 | p[off + 1]) == HIP_PAR_SOLUTION) {
            p[off + 4 + 3] ^= 2; /* "answers a relayed I1" */
            return;
        }
}

/* A puzzle easier than the one that was set: any #J solves it. */
static void change_k(uint8_t *p, size_t *n)
{
    for (size_t off = HIP_HEADER_LEN;; off += hip_tlv_len((size_t)(p[off + 2] << 8 | p[off + 3])))
        if ((p[off] << 8 | p[off + 1]) == HIP_PAR_SOLUTION) {
            p[off + 4] = 0;
            return;
        }
}

static void puzzles_not_solved(void **state)
{
    void (*const change[])(uint8_t *, size_t *) = { change_j, change_opaque, change_k };
    struct hip_config c = sim_config(), f = sim_config();
    f.puzzle_k = 12;
    for (size_t i = 0; i < sizeof change / sizeof *change; i++) {
        struct sim_host *mn, *fa;
        struct sim *s = pair_with(&c, &f, &mn, &fa);
        sim_rule(s, mn, HIP_PKT_I2, SIM_CHANGE)->change = change[i];
        (void)sim_connect(s, mn, fa);
        sim_run(s, 500000);
        assert_int_equal(fa->drop, HIP_DROP_BAD_PUZZLE);
        assert_int_equal(fa->asked_r2, 0);
        sim_free(s);
    }
}

static void r1_counter_missing(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    spoil_type = HIP_PAR_R1_COUNTER;
    sim_rule(s, mn, HIP_PKT_I2, SIM_CHANGE)->change = take_out;
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    assert_int_equal(fa->drop, HIP_DROP_PARAM_MISSING);
    sim_free(s);
}

static void updates_spoilt(void **state)
{
    static const uint16_t params[] = { HIP_PAR_HIP_MAC, HIP_PAR_HIP_SIGNATURE, HIP_PAR_SEQ,
                                       HIP_PAR_REG_REQUEST };
    static const int drops[] = { HIP_DROP_BAD_HIP_MAC, HIP_DROP_BAD_SIGNATURE, HIP_DROP_BAD_HIP_MAC,
                                 HIP_DROP_BAD_HIP_MAC };
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };
    for (size_t i = 0; i < sizeof params / sizeof *params; i++) {
        spoil_type = params[i];
        sim_rule(s, mn, HIP_PKT_UPDATE, SIM_CHANGE)->change = spoil;
        assert_int_equal(hip_update(mn->e, mn->ref, &q, s->now, &s->out), ERR_OK);
        sim_act(s, mn);
        sim_run(s, 500000);
        assert_int_equal(fa->drop, drops[i]);
        assert_int_equal(fa->updates, i);
        sim_run(s, 1000000); /* sent again, whole */
        assert_int_equal(fa->updates, i + 1);
        assert_int_equal(mn->acked, i + 1);
    }
    sim_free(s);
}

static void close_spoilt(void **state)
{
    static const uint16_t params[] = { HIP_PAR_HIP_MAC, HIP_PAR_HIP_SIGNATURE, HIP_PAR_ECHO_REQUEST_SIGNED };
    static const int drops[] = { HIP_DROP_BAD_HIP_MAC, HIP_DROP_BAD_SIGNATURE, HIP_DROP_BAD_HIP_MAC };
    for (size_t i = 0; i < 3; i++) {
        struct sim_host *mn, *fa;
        struct sim *s = joined(&mn, &fa);
        spoil_type = params[i];
        sim_rule(s, mn, HIP_PKT_CLOSE, SIM_CHANGE)->change = spoil;
        assert_int_equal(hip_close(mn->e, mn->ref, s->now, &s->out), ERR_OK);
        sim_act(s, mn);
        sim_run(s, 500000);
        assert_int_equal(fa->drop, drops[i]);
        assert_int_equal(fa->gone, 0);
        sim_free(s);
    }
}

/* CLOSE_ACK with another echo, rightly signed. */
static void close_ack_with_another_echo(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    const struct hip_assoc *a = hip_assoc_by_ref(fa->e, fa->ref);
    struct hip_path path = sim_path(mn, fa);
    uint8_t buf[HIP_PACKET_MAX];
    struct span pkt;
    struct hip_build b;
    sim_addr_gone(fa, "198.51.100.1");
    assert_int_equal(hip_close(mn->e, mn->ref, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    hip_build_init(&b, buf, sizeof buf, HIP_PKT_CLOSE_ACK, sim_hit(fa), sim_hit(mn), 0);
    hip_build_param(&b, HIP_PAR_ECHO_RESPONSE_SIGNED, span_of("0123456789abcdef", 16));
    hip_auth_add(&b, a);
    assert_int_equal(hip_build_finish(&b, &path.peer, &path.local, &pkt), ERR_OK);
    assert_int_equal(sim_inject(s, mn, &path, pkt), HIP_DROP_BAD_ECHO);
    assert_int_equal(mn->gone, 0);
    sim_free(s);
}

static void notify_spoilt(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    spoil_type = HIP_PAR_NOTIFICATION;
    sim_rule(s, fa, HIP_PKT_NOTIFY, SIM_CHANGE)->change = spoil;
    assert_int_equal(hip_notify(fa->e, fa->ref, HIP_NTF_BLOCKED_BY_POLICY, span_of("x", 1), s->now, &s->out),
                     ERR_OK);
    sim_act(s, fa);
    sim_run(s, 100000);
    assert_int_equal(mn->drop, HIP_DROP_BAD_SIGNATURE);
    assert_int_equal(mn->notified, 0);
    /* Signatures are not checked without end. */
    const struct sim_packet n = *sim_sent(s, HIP_PKT_NOTIFY);
    struct hip_path path = sim_path(mn, fa);
    int limited = 0;
    for (int i = 0; i < 50; i++)
        limited += sim_inject(s, mn, &path, span_of(n.p, n.n)) == HIP_DROP_RATE_LIMITED;
    assert_in_range(limited, 35, 45);
    sim_free(s);
}

/* ---- who it is for ---- */

static int inject_i1(struct sim *s, struct sim_host *to, const struct hit *from, const struct hit *hit)
{
    struct hip_path path = { .local = to->addr[0], .peer = to->addr[0] };
    uint8_t buf[HIP_PACKET_MAX];
    struct span pkt;
    struct hip_build b;
    path.peer.ip[3] = 200;
    hip_build_init(&b, buf, sizeof buf, HIP_PKT_I1, from, hit, 0);
    hip_put_dh_groups(&b, &(struct hip_ids8){ .n = 1, .id = { 7 } });
    assert_int_equal(hip_build_finish(&b, &path.peer, &path.local, &pkt), ERR_OK);
    return sim_inject(s, to, &path, pkt);
}

static void not_for_us(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    struct hit low = *sim_hit(mn), x = *sim_hit(fa);
    struct hip_path path = sim_path(fa, mn);
    low.b[3] = 0x23;
    x.b[15] ^= 1;
    assert_int_equal(inject_i1(s, fa, &low, sim_hit(fa)), HIP_TAKEN); /* R1 says which suites it speaks */
    assert_int_equal(inject_i1(s, fa, sim_hit(mn), &x), HIP_DROP_NOT_OUR_HIT);
    assert_int_equal(inject_i1(s, fa, sim_hit(fa), sim_hit(fa)), HIP_DROP_OWN_HIT);
    assert_int_equal(inject_i1(s, fa, sim_hit(mn), sim_hit(fa)), HIP_TAKEN);
    /* R1 that nobody asked for. */
    struct sim_packet r1 = *sim_sent(s, HIP_PKT_R1);
    struct hip_path back = { .local = r1.path.local, .peer = r1.path.peer };
    assert_int_equal(sim_inject(s, mn, &back, span_of(r1.p, r1.n)), HIP_DROP_NO_ASSOCIATION);
    r1.p[4] ^= 1;
    assert_int_equal(sim_inject(s, mn, &back, span_of(r1.p, r1.n)), HIP_DROP_BAD_CHECKSUM);
    r1.p[2] = 20; /* HDRR */
    hip_set_checksum(r1.p, r1.n, &back.peer, &back.local);
    assert_int_equal(sim_inject(s, mn, &back, span_of(r1.p, r1.n)), HIP_DROP_UNKNOWN_PACKET);
    assert_int_equal(sim_inject(s, mn, &path, span_of(r1.p, 7)), HIP_DROP_TRUNCATED);
    sim_free(s);
}

/* R2, UPDATE, CLOSE and CLOSE_ACK to one who is in I1-SENT. */
static void wrong_state(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };
    assert_int_equal(hip_update(fa->e, fa->ref, &q, s->now, &s->out), ERR_OK);
    sim_act(s, fa);
    assert_int_equal(hip_close(fa->e, fa->ref, s->now, &s->out), ERR_OK);
    sim_act(s, fa);
    sim_run(s, 100000);
    (void)sim_connect(s, mn, fa);
    static const uint8_t types[] = { HIP_PKT_R2, HIP_PKT_UPDATE }; /* all of them: sim/test_states.c */
    for (size_t i = 0; i < 2; i++) {
        const struct sim_packet p = *sim_sent(s, types[i]);
        assert_int_equal(sim_inject(s, mn, &p.path, span_of(p.p, p.n)), HIP_DROP_WRONG_STATE);
    }
    sim_free(s);
}

static void actions_full(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    (void)sim_connect(s, mn, fa);
    const struct sim_packet i1 = *sim_sent(s, HIP_PKT_I1);
    s->out.n = HIP_ACTIONS_MAX;
    assert_int_equal(hip_input(fa->e, &i1.path, span_of(i1.p, i1.n), s->now, &s->out), HIP_DROP_ACTIONS_FULL);
    hip_timeout(mn->e, s->now + 10000000, &s->out); /* stops, and the events stay due */
    assert_int_equal(s->out.n, HIP_ACTIONS_MAX);
    assert_true(hip_deadline(mn->e) <= s->now + 10000000);
    hip_actions_reset(&s->out);
    sim_free(s);
}

/* ---- lists without anything in common ---- */

static int first_drop(const struct hip_config *m, const struct hip_config *f)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair_with(m, f, &mn, &fa);
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    int drop = mn->drop;
    assert_int_equal(mn->asked_i2, 0);
    sim_free(s);
    return drop;
}

static void nothing_in_common(void **state)
{
    struct hip_config c = sim_config(), f = sim_config();
    memcpy(c.dh_groups, (uint8_t[8]){ 7 }, 8);
    memcpy(f.dh_groups, (uint8_t[8]){ 8 }, 8);
    assert_int_equal(first_drop(&c, &f), HIP_DROP_BAD_DH);
    f = sim_config();
    c = sim_config();
    memcpy(c.ciphers, (uint16_t[6]){ 2 }, sizeof c.ciphers);
    memcpy(f.ciphers, (uint16_t[6]){ 4 }, sizeof c.ciphers);
    assert_int_equal(first_drop(&c, &f), HIP_DROP_BAD_CIPHER);
    f = sim_config();
    c = sim_config();
    memcpy(c.esp_suites, (uint16_t[6]){ 8 }, sizeof c.esp_suites);
    memcpy(f.esp_suites, (uint16_t[6]){ 13 }, sizeof c.esp_suites);
    assert_int_equal(first_drop(&c, &f), HIP_DROP_BAD_TRANSPORT);
    f = sim_config();
    c = sim_config();
    c.puzzle_k_max = 8;
    f.puzzle_k = 9;
    assert_int_equal(first_drop(&c, &f), HIP_DROP_PUZZLE_TOO_HARD);
}

/* RFC 7402 s3.3.5: suites that only authenticate, where policy has them for another host. */
static void auth_only_by_policy(void **state)
{
    static const struct hit any = { { 0 } }, other = { { 0x20, 0x01, 0x00, 0x22, 1 } };
    struct hip_config c = sim_config(), f = sim_config(), none = sim_config();
    struct sim_host *mn, *fa;
    memcpy(c.esp_suites, (uint16_t[6]){ 14, 8 }, sizeof c.esp_suites);
    memcpy(f.esp_suites, (uint16_t[6]){ 14 }, sizeof c.esp_suites);
    c.auth_only = &other;
    f.auth_only = &any;
    c.n_auth_only = f.n_auth_only = 1;
    assert_int_equal(first_drop(&c, &f),
                     HIP_DROP_BAD_TRANSPORT); /* the Initiator's: nothing else is offered */

    memcpy(f.esp_suites, (uint16_t[6]){ 14, 8 }, sizeof c.esp_suites);
    c.auth_only = &any;
    f.auth_only = &other;
    struct sim *s = pair_with(&c, &f, &mn, &fa);
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    assert_int_equal(mn->drop,
                     HIP_TAKEN); /* the Responder's: offered in R1, for the other host, and chosen */
    assert_int_equal(fa->drop, HIP_DROP_BAD_TRANSPORT);
    assert_int_equal(fa->asked_r2, 0);
    sim_free(s);

    memcpy(none.esp_suites, (uint16_t[6]){ 7, 14, 15 },
           sizeof c.esp_suites); /* without a policy they are not there */
    none.env = &(struct env){ .random = NULL };
    assert_null(hip_engine_new(&none));
}

/* ---- R1s of a Responder that breaks rules; its signature is right ---- */

struct odd_r1 {
    uint8_t groups[2], group;
    uint8_t suites[1];
    const struct hip_hi *host_id; /* NULL: the signer's */
    size_t i_len;                 /* of #I; 0: as its HIT suite wants */
};

static int inject_r1(struct sim *s, struct sim_host *mn, struct sim_host *fa, const struct odd_r1 *o)
{
    uint8_t buf[HIP_PACKET_MAX], i[48] = { 1 };
    struct hip_path path = sim_path(mn, fa);
    const struct hip_hi *hi = o->host_id ? o->host_id : &fa->hi;
    struct dh_key *dh = dh_generate(hip_dh_suite(o->group)->group, &s->env);
    struct span pkt;
    struct hip_build b;
    hip_build_init(&b, buf, sizeof buf, HIP_PKT_R1, sim_hit(fa), sim_hit(mn), 0);
    hip_put_puzzle(&b,
                   &(struct hip_puzzle){ .k = 1, .lifetime = 37, .i = span_of(i, o->i_len ? o->i_len : 48) });
    hip_put_dh_groups(&b, &(struct hip_ids8){ .n = 2, .id = { o->groups[0], o->groups[1] } });
    hip_put_dh(&b, &(struct hip_dh){ .group = o->group, .pub = dh_public(dh) });
    hip_put_ciphers(&b, &(struct hip_ids16){ .n = 1, .id = { 2 } });
    hip_put_host_id(&b, &(struct hip_host_id){ .hi = span_of(hi->wire, hi->wire_len) });
    hip_put_hit_suites(&b, &(struct hip_ids8){ .n = 1, .id = { o->suites[0] } });
    hip_put_transports(&b, &(struct hip_ids16){ .n = 1, .id = { HIP_PAR_ESP_TRANSFORM } });
    hip_put_esp_transform(&b, &(struct hip_ids16){ .n = 1, .id = { 8 } });
    hip_sign_add(&b, HIP_PAR_HIP_SIGNATURE_2, &fa->hi);
    assert_int_equal(hip_build_finish(&b, &path.peer, &path.local, &pkt), ERR_OK);
    dh_free(dh);
    return sim_inject(s, mn, &path, pkt);
}

static void odd_r1s(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    sim_rule(s, mn, HIP_PKT_I1, SIM_LOSE);
    (void)sim_connect(s, mn, fa);
    mn->hold = true;
    /* Both lists begin with 8 in fa's order, and it uses 7. */
    struct odd_r1 o = { .groups = { 8, 7 }, .group = 7, .suites = { 2 } };
    assert_int_equal(inject_r1(s, mn, fa, &o), HIP_DROP_DH_DOWNGRADE);
    o.groups[0] = 7;
    o.suites[0] = 1; /* it would not take our HIT */
    assert_int_equal(inject_r1(s, mn, fa, &o), HIP_DROP_UNSUPPORTED_SUITE);
    o.suites[0] = 2;
    o.host_id = &mn->hi;
    assert_int_equal(inject_r1(s, mn, fa, &o), HIP_DROP_HI_MISMATCH);
    assert_int_equal(mn->asked_i2, 0);
    o.host_id = NULL;
    o.i_len = 32;
    assert_int_equal(inject_r1(s, mn, fa, &o), HIP_DROP_PARAM_MALFORMED);
    o.i_len = 0;
    assert_int_equal(inject_r1(s, mn, fa, &o), HIP_TAKEN);
    assert_int_equal(mn->asked_i2, 1);
    sim_free(s);
}

/* An Initiator that signs with a key of its own under somebody else's HIT. */
static void i2_under_a_foreign_hit(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    struct hip_config c = sim_config();
    struct sim_host *thief = sim_host(s, "thief", &c, 2, "203.0.113.3");
    struct hip_hi own;
    mn->hold = true;
    (void)sim_connect(s, mn, fa);
    sim_run(s, 50000);
    struct hip_hi *hi = &mn->e->id[0]->hi;
    own = *hi;
    *hi = thief->hi;
    hi->hit = own.hit;
    assert_int_equal(hip_answer(mn->e, mn->asked, &mn->i2, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 500000);
    assert_int_equal(fa->drop, HIP_DROP_HI_MISMATCH);
    assert_int_equal(fa->asked_r2, 0);
    *hi = own;
    sim_free(s);
}

/* ---- UPDATEs of a peer that breaks rules ---- */

static int inject_update(struct sim *s, struct sim_host *mn, struct sim_host *fa, uint16_t type,
                         const char *v, size_t n)
{
    const struct hip_assoc *a = hip_assoc_by_ref(mn->e, mn->ref);
    struct hip_path path = sim_path(fa, mn);
    uint8_t buf[HIP_PACKET_MAX];
    struct span pkt;
    struct hip_build b;
    hip_build_init(&b, buf, sizeof buf, HIP_PKT_UPDATE, sim_hit(mn), sim_hit(fa), 0);
    if (type < HIP_PAR_SEQ)
        hip_build_param(&b, type, span_of(v, n));
    hip_put_seq(&b, a->next_id);
    if (type > HIP_PAR_SEQ)
        hip_build_param(&b, type, span_of(v, n));
    hip_auth_add(&b, a);
    assert_int_equal(hip_build_finish(&b, &path.peer, &path.local, &pkt), ERR_OK);
    return sim_inject(s, fa, &path, pkt);
}

/* Contents of HOST_ID without a domain identifier. */
static void put_host_id(const struct hip_hi *hi, char *out, size_t *n)
{
    out[0] = (char)((hi->wire_len - 2) >> 8);
    out[1] = (char)(hi->wire_len - 2);
    out[2] = out[3] = 0;
    memcpy(out + 4, hi->wire, hi->wire_len);
    *n = 4 + (size_t)hi->wire_len;
}

static void odd_updates(void **state)
{
    static const char junk[64] = "this is not what it should be, and it is not even long enough";
    char host_id[HIP_HI_MAX + 8];
    size_t host_id_n;
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    assert_int_equal(inject_update(s, mn, fa, HIP_PAR_ENCRYPTED, junk, 36), HIP_DROP_BAD_ENCRYPTED);
    assert_int_equal(inject_update(s, mn, fa, HIP_PAR_ENCRYPTED, junk, 7), HIP_DROP_BAD_ENCRYPTED);
    assert_int_equal(inject_update(s, mn, fa, HIP_PAR_LOCATOR_SET, junk, 20), HIP_DROP_BAD_LOCATOR);
    assert_int_equal(inject_update(s, mn, fa, 2051, junk, 3), HIP_DROP_UNKNOWN_CRITICAL);
    assert_int_equal(inject_update(s, mn, fa, HIP_PAR_HOST_ID, junk, 40), HIP_DROP_HI_MISMATCH);
    put_host_id(&fa->hi, host_id, &host_id_n); /* well made, but not the one of this association's peer */
    assert_int_equal(inject_update(s, mn, fa, HIP_PAR_HOST_ID, host_id, host_id_n), HIP_DROP_HI_MISMATCH);
    put_host_id(&mn->hi, host_id, &host_id_n);
    fa->done = true;
    assert_int_equal(inject_update(s, mn, fa, HIP_PAR_HOST_ID, host_id, host_id_n), HIP_TAKEN);
    hip_assoc_by_ref(mn->e, mn->ref)->next_id++;
    assert_int_equal(fa->updates, 0);
    /* Nothing of that counted: its Update ID is still free. */
    struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };
    fa->done = true;
    assert_int_equal(hip_update(mn->e, mn->ref, &q, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 100000);
    assert_int_equal(fa->updates, 1);
    assert_int_equal(mn->acked, 1);
    sim_free(s);
}

/* RFC 8003 s4.3, s4.4: several REG_REQUESTs and REG_RESPONSEs count as one, of the shortest lifetime; what one of them ends is told apart. */
static void several_of_a_kind(void **state)
{
    static const uint16_t kinds[] = { HIP_PAR_REG_REQUEST, HIP_PAR_REG_RESPONSE };
    static const uint8_t orders[2][4][3] = {
        { { 101, 3 }, { 0, 5, 6 }, { 100, 1, 2 }, { 100, 2, 4 } },
        { { 0, 5, 6 }, { 100, 3, 1 }, { 101, 2, 4 }, { 120, 1, 2 } },
    };
    static const uint8_t types[2][4] = { { 3, 1, 2, 4 }, { 3, 1, 2, 4 } };
    for (size_t i = 0; i < 4; i++) {
        const uint8_t(*v)[3] = orders[i / 2];
        struct sim_host *mn, *fa;
        struct sim *s = joined(&mn, &fa);
        const struct hip_assoc *a = hip_assoc_by_ref(mn->e, mn->ref);
        struct hip_path path = sim_path(fa, mn);
        uint8_t buf[HIP_PACKET_MAX];
        struct span pkt;
        struct hip_build b;
        hip_build_init(&b, buf, sizeof buf, HIP_PKT_UPDATE, sim_hit(mn), sim_hit(fa), 0);
        hip_put_seq(&b, a->next_id);
        for (size_t k = 0; k < 4; k++)
            hip_build_param(&b, kinds[i % 2], span_of(v[k], v[k][2] ? 3 : 2));
        hip_auth_add(&b, a);
        assert_int_equal(hip_build_finish(&b, &path.peer, &path.local, &pkt), ERR_OK);
        assert_int_equal(sim_inject(s, fa, &path, pkt), HIP_TAKEN);
        const struct hip_reg_list *got = i % 2 ? &fa->contents.response : &fa->contents.request;
        assert_int_equal(fa->updates, 1);
        assert_true(got->present && got->lifetime == 100);
        assert_int_equal(got->n, 4);
        assert_memory_equal(got->type, types[i / 2], 4);
        assert_int_equal(got->n_ended, 2);
        assert_memory_equal(got->ended, ((uint8_t[]){ 5, 6 }), 2);
        assert_true(hip_reg_ends(got, 6) && !hip_reg_ends(got, 1));
        sim_free(s);
    }
}

/* The same UPDATE over and over is acknowledged again, but not without limit. */
static void repeated_without_end(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(&mn, &fa);
    struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };
    fa->done = true;
    assert_int_equal(hip_update(mn->e, mn->ref, &q, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 100000);
    struct hip_assoc *a = hip_assoc_by_ref(mn->e, mn->ref);
    a->next_id = 0;
    int again = 0, limited = 0;
    for (int i = 0; i < 50; i++) {
        int d = inject_update(s, mn, fa, HIP_PAR_ECHO_REQUEST_SIGNED, "nonce", 5);
        again += d == HIP_DROP_DUPLICATE;
        limited += d == HIP_DROP_RATE_LIMITED;
    }
    assert_in_range(again, 5, 15);
    assert_int_equal(again + limited, 50);
    assert_int_equal(fa->updates, 1);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_exchange_spoilt),
        cmocka_unit_test(wrong_i2_first),
        cmocka_unit_test(one_solution_many_wrong_i2s),
        cmocka_unit_test(puzzles_not_solved),
        cmocka_unit_test(r1_counter_missing),
        cmocka_unit_test(updates_spoilt),
        cmocka_unit_test(close_spoilt),
        cmocka_unit_test(close_ack_with_another_echo),
        cmocka_unit_test(notify_spoilt),
        cmocka_unit_test(not_for_us),
        cmocka_unit_test(wrong_state),
        cmocka_unit_test(actions_full),
        cmocka_unit_test(nothing_in_common),
        cmocka_unit_test(auth_only_by_policy),
        cmocka_unit_test(odd_r1s),
        cmocka_unit_test(i2_under_a_foreign_hit),
        cmocka_unit_test(odd_updates),
        cmocka_unit_test(several_of_a_kind),
        cmocka_unit_test(repeated_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
