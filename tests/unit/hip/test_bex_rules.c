/* SPDX-License-Identifier: Apache-2.0
 *
 * The base exchange, rule by rule (RFC 7401 s5.3.1 to s5.3.4, s6.6 to s6.10; RFC 7402 s5.1): each packet as it is sent, and what is made
 * of one that breaks a single rule and is rightly signed. Races are tests/sim/test_races.c, packets spoilt on the way test_refusals.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "hip/encrypted.h"
#include "hip/param_echo.h"
#include "hip/param_esp.h"
#include "hip/puzzle.h"
#include "hip/suite.h"
#include "tests/sim/forge.h"

static const char full[] = "mn>fa I1\nfa>mn R1\nmn>fa I2\nfa>mn R2\n";

static struct sim *pair_with(const struct hip_config *mc, const struct hip_config *fc, struct sim_host **mn,
                             struct sim_host **fa)
{
    struct sim *s = sim_new(sim_seed(51));
    *mn = sim_host(s, "mn", mc, 0, "192.0.2.1");
    *fa = sim_host(s, "fa", fc, 1, "198.51.100.1");
    return s;
}

static struct sim *pair(struct sim_host **mn, struct sim_host **fa)
{
    struct hip_config c = sim_config();
    return pair_with(&c, &c, mn, fa);
}

/* The last packet of this type, taken apart. It borrows from the simulator: until the next one is sent. */
static struct hip_pkt sent(const struct sim *s, uint8_t type)
{
    const struct sim_packet *p = sim_sent(s, type);
    struct hip_pkt k;
    assert_non_null(p);
    assert_int_equal(hip_pkt_parse(span_of(p->p, p->n), &k), HIP_TAKEN);
    return k;
}

/* Exactly these parameters, in this order; padding is zero (s5.2.1). */
static void has_just(const struct hip_pkt *k, const uint16_t *types, size_t n)
{
    for (size_t i = 0; i < k->p.n && i < n; i++)
        if (k->p.par[i].type != types[i])
            fail_msg("parameter %zu is %s, not %s", i, hip_param_name(k->p.par[i].type),
                     hip_param_name(types[i]));
    assert_int_equal(k->p.n, n);
    for (size_t i = 0; i < n; i++) {
        struct span tlv = hip_par_tlv(&k->p, &k->p.par[i]);
        for (size_t at = 4 + k->p.par[i].v.n; at < tlv.n; at++)
            assert_int_equal(tlv.p[at], 0);
    }
}

/* s5.1: what stands in every header. */
static void header_is_right(const struct sim *s, uint8_t type)
{
    const struct sim_packet *p = sim_sent(s, type);
    assert_int_equal(p->p[0], 59);
    assert_int_equal((p->p[1] + 1) * 8, p->n);
    assert_int_equal(p->p[2], type);
    assert_int_equal(p->p[3], 0x21);
    assert_int_equal(p->p[6] << 8 | p->p[7], 0);
}

/* ---- I1 ---- */

static void i1_as_it_is_sent(void **state)
{
    static const uint16_t params[] = { HIP_PAR_DH_GROUP_LIST };
    static const struct hit null;
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    struct hip_path path = sim_path(mn, fa);
    struct hip_ref ref = sim_connect(s, mn, fa);
    struct hip_pkt k = sent(s, HIP_PKT_I1);
    has_just(&k, params, 1);
    header_is_right(s, HIP_PKT_I1);
    assert_true(span_eq(hip_pkt_span(&k, HIP_PAR_DH_GROUP_LIST), span_of("\x07\x08", 2)));
    assert_true(hit_eq(&k.sender, sim_hit(mn)) && hit_eq(&k.receiver, sim_hit(fa)));
    assert_int_equal(hip_drop(mn->e, ref, s->now, &s->out), ERR_OK);
    assert_int_equal(hip_connect(mn->e, sim_hit(mn), &null, &path, 1, s->now, &s->out, &ref), ERR_OK);
    sim_act(s, mn);
    k = sent(s, HIP_PKT_I1);
    has_just(&k, params, 1);
    assert_true(hit_is_null(&k.receiver));
    sim_free(s);
}

/* Three addresses of a Responder at most, whether without UDP or in it (s6.6.1). */
static void four_addresses(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    struct hip_path to[7];
    struct hip_ref ref;
    for (size_t i = 0; i < 7; i++) {
        to[i] = i < 3 ? sim_path(mn, fa) : sim_udp_path(mn, fa);
        to[i].peer.ip[3] = (uint8_t)(1 + i % 3);
    }
    assert_int_equal(hip_connect(mn->e, sim_hit(mn), sim_hit(fa), to, 7, s->now, &s->out, &ref),
                     ERR_UNSUPPORTED);
    assert_int_equal(hip_connect(mn->e, sim_hit(mn), sim_hit(fa), to + 3, 4, s->now, &s->out, &ref),
                     ERR_UNSUPPORTED);
    to[3] = to[0];
    assert_int_equal(hip_connect(mn->e, sim_hit(mn), sim_hit(fa), to, 4, s->now, &s->out, &ref),
                     ERR_UNSUPPORTED);
    assert_int_equal(s->out.n, 0);
    to[3] = sim_udp_path(mn, fa);
    assert_int_equal(hip_connect(mn->e, sim_hit(mn), sim_hit(fa), to, 6, s->now, &s->out, &ref), ERR_OK);
    hip_actions_reset(&s->out);
    sim_free(s);
}

/* All of them at the first try, then one, each in its turn (s6.6.1). */
static void one_at_a_time(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    struct hip_path to[3] = { sim_path(mn, fa), sim_path(mn, fa), sim_path(mn, fa) };
    struct hip_ref ref;
    for (size_t i = 0; i < 3; i++)
        to[i].peer.ip[3] = (uint8_t)(101 + i);
    assert_int_equal(hip_connect(mn->e, sim_hit(mn), sim_hit(fa), to, 3, s->now, &s->out, &ref), ERR_OK);
    sim_act(s, mn);
    assert_int_equal(sim_count(s, "mn>? I1"), 3);
    for (unsigned i = 0; i < 5; i++) { /* after 1, 2, 4, 8, 16 s */
        sim_run(s, UINT64_C(1000000) << i);
        assert_int_equal(sim_count(s, "mn>? I1"), 4 + i);
        assert_int_equal(sim_sent(s, HIP_PKT_I1)->path.local.ip[3], 101 + i % 3);
    }
    sim_free(s);
}

/* Answered in every state, and it changes none (s6.7). */
static void i1_changes_nothing(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    static const enum hip_state states[] = { HIP_UNASSOCIATED, HIP_R2_SENT, HIP_ESTABLISHED, HIP_CLOSING,
                                             HIP_CLOSED,       HIP_I1_SENT, HIP_I2_SENT };
    (void)sim_connect(s, mn, fa);
    const struct sim_packet i1 = *sim_sent(s, HIP_PKT_I1);
    /* fa has the greater HIT or not: in I1-SENT that decides, and both_send_i1 of test_races shows the other half. */
    bool greater = sim_greater(fa, mn);
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        if (states[i] == HIP_R2_SENT) {
            sim_run(s, 500000);
        } else if (states[i] == HIP_ESTABLISHED) {
            hip_sa_used(fa->e, fa->ref, s->now, &s->out);
            sim_act(s, fa);
        } else if (states[i] == HIP_CLOSING) {
            sim_rule(s, fa, HIP_PKT_CLOSE, SIM_LOSE)->count = 1;
            assert_int_equal(hip_close(fa->e, fa->ref, s->now, &s->out), ERR_OK);
            sim_act(s, fa);
        } else if (states[i] == HIP_CLOSED) {
            assert_int_equal(hip_close(mn->e, mn->ref, s->now, &s->out), ERR_OK);
            sim_act(s, mn);
            sim_run(s, 500000);
        } else if (states[i] == HIP_I1_SENT) {
            sim_rule(s, fa, HIP_PKT_I1, SIM_LOSE)->count = 1;
            (void)sim_connect(s, fa, mn);
        } else if (states[i] == HIP_I2_SENT) {
            sim_rule(s, fa, HIP_PKT_I2, SIM_LOSE)->count = 100;
            sim_run(s, 1500000);
        }
        assert_int_equal(sim_state(fa, mn), states[i]);
        sim_ladder_clear(s);
        int d = sim_inject(s, fa, &i1.path, span_of(i1.p, i1.n));
        bool loses = states[i] == HIP_I1_SENT && !greater;
        assert_int_equal(d, loses ? HIP_DROP_LOST_RACE : HIP_TAKEN);
        assert_int_equal(sim_count(s, "fa>mn R1"), !loses);
        assert_int_equal(sim_state(fa, mn), states[i]);
        if (states[i] == HIP_UNASSOCIATED)
            sim_ladder_clear(s);
    }
    sim_free(s);
}

/* Whose R1 answers a NULL HIT. */
static struct hit answers_null(int initiator, const struct hip_hi *const *his, size_t n)
{
    static const struct hit null;
    struct hip_config c = sim_config();
    struct sim *s = sim_new(sim_seed(52));
    struct sim_host *mn = sim_host(s, "mn", &c, initiator, "192.0.2.1");
    struct sim_host *fa = sim_host(s, "fa", &c, 3, "198.51.100.1");
    struct hip_path path = sim_path(mn, fa);
    struct hip_ref ref;
    assert_int_equal(hip_identity_remove(fa->e, sim_hit(fa)), ERR_OK);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(hip_identity_add(fa->e, his[i], 0, s->now), ERR_OK);
    assert_int_equal(hip_connect(mn->e, sim_hit(mn), &null, &path, 1, s->now, &s->out, &ref), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 15000);
    struct hit answers = sent(s, HIP_PKT_R1).sender;
    sim_free(s);
    return answers;
}

/* One of the Initiator's suite, else of the REQUIRED one (s6.7 step 5, s4.1.8). */
static void null_hit(void **state)
{
    struct hip_hi rsa, ec;
    const struct hip_hi *both[] = { &rsa, &ec }, *turned[] = { &ec, &rsa };
    assert_int_equal(hip_hi_generate(SIG_RSA, 2048, &rsa), ERR_OK);
    assert_int_equal(hip_hi_generate(SIG_ECDSA_P256, 0, &ec), ERR_OK);
    struct hit to_ec = answers_null(0, both, 2), to_rsa = answers_null(5, turned, 2),
               to_ec_alone = answers_null(0, both, 1), to_rsa_alone = answers_null(5, turned, 1);
    assert_true(hit_eq(&to_ec, &ec.hit));
    assert_true(hit_eq(&to_rsa, &rsa.hit));
    assert_true(hit_eq(&to_ec_alone, &rsa.hit));
    assert_true(hit_eq(&to_rsa_alone, &ec.hit));
    hip_hi_done(&rsa);
    hip_hi_done(&ec);
}

/* Two identities of one host, each with associations of its own (s7). */
static void two_identities(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    struct hip_hi second;
    struct hip_path path = sim_path(mn, fa);
    struct hip_ref ref;
    struct hip_assoc_view v;
    size_t pos = 0, n = 0;
    assert_int_equal(hip_hi_generate(SIG_ECDSA_P384, 0, &second), ERR_OK);
    assert_int_equal(hip_identity_add(fa->e, &second, 0, s->now), ERR_OK);
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    assert_true(sim_joined(mn, fa));
    assert_int_equal(hip_connect(mn->e, sim_hit(mn), &second.hit, &path, 1, s->now, &s->out, &ref), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 500000);
    assert_int_equal(mn->up, 2);
    assert_int_equal(mn->gone, 0);
    assert_int_equal(hip_assoc_get(mn->e, ref, &v), ERR_OK);
    assert_true(hit_eq(&v.peer, &second.hit));
    while (hip_assoc_next(fa->e, &pos, &v))
        n++;
    assert_int_equal(n, 2);
    hip_hi_done(&second);
    sim_free(s);
}

static struct hip_config anonymous_refused(void)
{
    struct hip_config c = sim_config();
    c.refuse_anonymous = true;
    return c;
}

/* The identity of this host is published nowhere. */
static void make_anonymous(struct sim *s, struct sim_host *h)
{
    h->hi.anonymous = true;
    assert_int_equal(hip_identity_remove(h->e, sim_hit(h)), ERR_OK);
    assert_int_equal(hip_identity_add(h->e, &h->hi, 0, s->now), ERR_OK);
}

/* A in whatever an anonymous host sends, and in nothing of the others (s5.1.2); the owner of the other end is told. */
static void anonymous_hosts(void **state)
{
    static const uint8_t types[] = { HIP_PKT_I1,     HIP_PKT_R1,     HIP_PKT_I2,   HIP_PKT_R2,
                                     HIP_PKT_UPDATE, HIP_PKT_NOTIFY, HIP_PKT_CLOSE };
    for (int i = 0; i < 2; i++) {
        struct sim_host *mn, *fa;
        struct sim *s = pair(&mn, &fa);
        struct hip_assoc_view v;
        make_anonymous(s, i ? fa : mn);
        (void)sim_connect(s, mn, fa);
        sim_run(s, 500000);
        assert_true(sim_joined(mn, fa));
        assert_int_equal(hip_assoc_get(mn->e, mn->ref, &v), ERR_OK);
        assert_int_equal(v.anonymous, i == 1);
        assert_int_equal(hip_assoc_get(fa->e, fa->ref, &v), ERR_OK);
        assert_int_equal(v.anonymous, i == 0);
        assert_int_equal(
            hip_notify(fa->e, fa->ref, HIP_NTF_BLOCKED_BY_POLICY, span_of(NULL, 0), s->now, &s->out), ERR_OK);
        sim_act(s, fa);
        struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };
        assert_int_equal(hip_update(mn->e, mn->ref, &q, s->now, &s->out), ERR_OK);
        sim_act(s, mn);
        struct hip_pkt u = sent(s, HIP_PKT_UPDATE);
        assert_int_equal(u.controls, i ? 0 : HIP_CONTROL_A);
        assert_int_equal(hip_close(fa->e, fa->ref, s->now, &s->out), ERR_OK);
        sim_act(s, fa);
        for (size_t k = 0; k < sizeof types; k++) {
            struct hip_pkt p = sent(s, types[k]);
            bool by_mn = hit_eq(&p.sender, sim_hit(mn));
            assert_int_equal(p.controls, by_mn == (i == 0) ? HIP_CONTROL_A : 0);
        }
        sim_free(s);
    }
}

/* Refused where the configuration says so: an I2 without a word; an R1 where our I1 was for nobody in particular (s6.8 step 9, s6.9). */
static void anonymous_hosts_refused(void **state)
{
    static const struct hit null;
    struct hip_config c = anonymous_refused();
    struct sim_host *mn, *fa;
    struct sim *s = pair_with(&c, &c, &mn, &fa);
    struct hip_path path = sim_path(mn, fa);
    struct hip_ref ref;
    make_anonymous(s, mn);
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    assert_true(sim_ladder_is(s, "mn>fa I1\nfa>mn R1\nmn>fa I2\n"));
    assert_int_equal(fa->drop, HIP_DROP_REFUSED);
    assert_int_equal(sim_state(fa, mn), HIP_UNASSOCIATED);
    sim_free(s);

    s = pair_with(&c, &c, &mn, &fa);
    make_anonymous(s, fa);
    assert_int_equal(hip_connect(mn->e, sim_hit(mn), &null, &path, 1, s->now, &s->out, &ref), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 500000);
    assert_true(sim_ladder_is(s, "mn>fa I1\nfa>mn R1\n"));
    assert_int_equal(mn->drop, HIP_DROP_REFUSED);
    assert_int_equal(mn->gone, 1);
    assert_int_equal(mn->why, HIP_GONE_REFUSED);
    assert_int_equal(hip_deadline(mn->e), UINT64_MAX);
    /* Asked for by its HIT it is whom we want. */
    sim_ladder_clear(s);
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    assert_true(sim_ladder_is(s, full));
    assert_true(sim_joined(mn, fa));
    sim_free(s);
}

/* Controls that are not ours to know are ignored (s5.1.2). */
static void unknown_controls(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    (void)sim_connect(s, mn, fa);
    struct sim_packet i1 = *sim_sent(s, HIP_PKT_I1);
    i1.p[6] = 0xff;
    i1.p[7] = 0xfe;
    hip_set_checksum(i1.p, i1.n, &i1.path.peer, &i1.path.local);
    assert_int_equal(sim_inject(s, fa, &i1.path, span_of(i1.p, i1.n)), HIP_TAKEN);
    sim_free(s);
}

/* ---- a mandatory parameter is missing; an unknown critical one is there ---- */

static const struct {
    uint8_t type;
    uint16_t param;
} mandatory[] = {
    { HIP_PKT_I1, HIP_PAR_DH_GROUP_LIST },   { HIP_PKT_R1, HIP_PAR_PUZZLE },
    { HIP_PKT_R1, HIP_PAR_DH_GROUP_LIST },   { HIP_PKT_R1, HIP_PAR_DIFFIE_HELLMAN },
    { HIP_PKT_R1, HIP_PAR_HIP_CIPHER },      { HIP_PKT_R1, HIP_PAR_HOST_ID },
    { HIP_PKT_R1, HIP_PAR_HIT_SUITE_LIST },  { HIP_PKT_R1, HIP_PAR_TRANSPORT_FORMAT_LIST },
    { HIP_PKT_R1, HIP_PAR_HIP_SIGNATURE_2 }, { HIP_PKT_I2, HIP_PAR_SOLUTION },
    { HIP_PKT_I2, HIP_PAR_DIFFIE_HELLMAN },  { HIP_PKT_I2, HIP_PAR_HIP_CIPHER },
    { HIP_PKT_I2, HIP_PAR_ENCRYPTED },       { HIP_PKT_I2, HIP_PAR_TRANSPORT_FORMAT_LIST },
    { HIP_PKT_I2, HIP_PAR_HIP_MAC },         { HIP_PKT_I2, HIP_PAR_HIP_SIGNATURE },
    { HIP_PKT_R2, HIP_PAR_HIP_MAC_2 },       { HIP_PKT_R2, HIP_PAR_HIP_SIGNATURE },
};

static const struct sim_host *forger;
static const struct sim_host *victim;
static const struct sim_edit *edits;
static size_t n_edits;

static void forge(uint8_t *p, size_t *n)
{
    sim_forge(forger, sim_inside(forger, victim), edits, n_edits, p, n);
}

static uint16_t told; /* by with_forged(): NOTIFY code, or 0 */

/* The one NOTIFY that was sent; 0: none. */
static uint16_t notified(const struct sim *s)
{
    struct hip_notification n;
    if (!sim_sent(s, HIP_PKT_NOTIFY))
        return 0;
    struct hip_pkt k = sent(s, HIP_PKT_NOTIFY);
    assert_int_equal(hip_get_notification(hip_pkt_span(&k, HIP_PAR_NOTIFICATION), &n), ERR_OK);
    return n.code;
}

/* mn connects to fa; one packet is forged. The verdict of its receiver, whose state is as it was, and in `told` what it says to it. */
static int with_forged(const struct hip_config *c, uint8_t type, const struct sim_edit *e, size_t n)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair_with(c, c, &mn, &fa);
    bool by_mn = type == HIP_PKT_I1 || type == HIP_PKT_I2;
    struct sim_host *to = by_mn ? fa : mn;
    forger = by_mn ? mn : fa;
    victim = to;
    edits = e;
    n_edits = n;
    sim_rule(s, forger, type, SIM_CHANGE)->change = forge;
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    int drop = to->drop;
    if (drop != HIP_TAKEN) {
        size_t after = type == HIP_PKT_I1 ? 0 : type == HIP_PKT_R1 ? 1 : type == HIP_PKT_I2 ? 1 : 2;
        assert_int_equal(hip_counter(to->e, drop), 1);
        told = notified(s);
        assert_int_equal(sim_count(s, by_mn ? "fa>mn" : "mn>fa"), after + (told != 0));
        assert_int_equal(mn->up + mn->sa_up, 0);
        assert_int_equal(to->asked_r2, 0);
        assert_int_equal(sim_state(mn, fa),
                         type == HIP_PKT_R1 || type == HIP_PKT_I1 ? HIP_I1_SENT : HIP_I2_SENT);
        if (type != HIP_PKT_R2)
            assert_int_equal(sim_state(fa, mn), HIP_UNASSOCIATED);
    } else {
        assert_true(sim_joined(mn, fa));
    }
    sim_free(s);
    return drop;
}

static void malformed(void **state)
{
    static const uint8_t types[] = { HIP_PKT_I1, HIP_PKT_R1, HIP_PKT_I2, HIP_PKT_R2 };
    struct hip_config c = sim_config();
    for (size_t i = 0; i < sizeof mandatory / sizeof *mandatory; i++) {
        struct sim_edit e = { .how = SIM_CUT, .type = mandatory[i].param };
        if (with_forged(&c, mandatory[i].type, &e, 1) != HIP_DROP_PARAM_MISSING)
            fail_msg("%s without %s", hip_packet_name(mandatory[i].type), hip_param_name(mandatory[i].param));
        assert_int_equal(told, 0);
    }
    for (size_t i = 0; i < sizeof types; i++) {
        struct sim_edit e = { .how = SIM_ADD, .type = 2047, .v = span_of("?", 1) };
        assert_int_equal(with_forged(&c, types[i], &e, 1), HIP_DROP_UNKNOWN_CRITICAL);
        assert_int_equal(told, 0);
        e.type = 2046; /* as if it were not there (s5.2.1) */
        assert_int_equal(with_forged(&c, types[i], &e, 1), HIP_TAKEN);
    }
}

/* ---- R1 ---- */

static void r1_as_it_is_sent(void **state)
{
    static const uint16_t params[] = { HIP_PAR_R1_COUNTER,     HIP_PAR_PUZZLE,
                                       HIP_PAR_DH_GROUP_LIST,  HIP_PAR_DIFFIE_HELLMAN,
                                       HIP_PAR_HIP_CIPHER,     HIP_PAR_HOST_ID,
                                       HIP_PAR_HIT_SUITE_LIST, HIP_PAR_TRANSPORT_FORMAT_LIST,
                                       HIP_PAR_ESP_TRANSFORM,  HIP_PAR_HIP_SIGNATURE_2 };
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    struct hip_puzzle z;
    struct hip_ids8 suites;
    struct hip_ids16 l;
    mn->hold = true;
    (void)sim_connect(s, mn, fa);
    sim_run(s, 50000);
    struct hip_pkt k = sent(s, HIP_PKT_R1);
    has_just(&k, params, sizeof params / sizeof *params);
    header_is_right(s, HIP_PKT_R1);
    assert_true(hit_eq(&k.sender, sim_hit(fa)) && hit_eq(&k.receiver, sim_hit(mn)));
    assert_int_equal(hip_get_puzzle(hip_pkt_span(&k, HIP_PAR_PUZZLE), HASH_SHA384, &z), ERR_OK);
    assert_int_equal(z.k, 4);
    assert_true(span_eq(hip_pkt_span(&k, HIP_PAR_DH_GROUP_LIST), span_of("\x07\x08", 2)));
    assert_int_equal(hip_get_hit_suites(hip_pkt_span(&k, HIP_PAR_HIT_SUITE_LIST), &suites), ERR_OK);
    assert_true(hip_has8(suites.id, suites.n, 1) && hip_has8(suites.id, suites.n, 2));
    assert_int_equal(hip_get_transports(hip_pkt_span(&k, HIP_PAR_TRANSPORT_FORMAT_LIST), &l), ERR_OK);
    assert_true(l.n == 1 && l.id[0] == HIP_PAR_ESP_TRANSFORM);
    assert_int_equal(hip_get_ciphers(hip_pkt_span(&k, HIP_PAR_HIP_CIPHER), &l), ERR_OK);
    assert_true(l.n == 2 && l.id[0] == 2 && l.id[1] == 4);
    assert_int_equal(hip_get_esp_transform(hip_pkt_span(&k, HIP_PAR_ESP_TRANSFORM), &l), ERR_OK);
    assert_true(l.n == 2 && l.id[0] == 8 && l.id[1] == 13);
    sim_free(s);
}

/* The first of the Responder's own list that I1 has; none: any of its own (s5.2.6, s6.7 step 4). */
static void the_responders_order(void **state)
{
    static const struct {
        uint8_t mn[8], fa[8], group;
    } cases[] = {
        { { 7, 8 }, { 8, 7 }, 8 }, { { 8, 7 }, { 7, 8 }, 7 }, { { 8 }, { 7, 8 }, 8 }, { { 7 }, { 8 }, 8 }
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hip_config m = sim_config(), f = sim_config();
        struct sim_host *mn, *fa;
        struct hip_dh dh;
        memcpy(m.dh_groups, cases[i].mn, 8);
        memcpy(f.dh_groups, cases[i].fa, 8);
        struct sim *s = pair_with(&m, &f, &mn, &fa);
        (void)sim_connect(s, mn, fa);
        sim_run(s, 15000);
        struct hip_pkt k = sent(s, HIP_PKT_R1);
        assert_int_equal(hip_get_dh(hip_pkt_span(&k, HIP_PAR_DIFFIE_HELLMAN), &dh), ERR_OK);
        assert_int_equal(dh.group, cases[i].group);
        sim_free(s);
    }
}

/* What an I1 from this last octet of the address gets. */
struct r1 {
    uint64_t counter;
    uint8_t dh[64], i[48], k;
};

static struct r1 r1_for(struct sim *s, struct sim_host *fa, const struct sim_packet *i1, uint8_t last)
{
    struct sim_packet p = *i1;
    struct hip_r1_counter n;
    struct hip_puzzle z;
    struct hip_dh dh;
    struct r1 r = { 0 };
    p.path.peer.ip[3] = last;
    hip_set_checksum(p.p, p.n, &p.path.peer, &p.path.local);
    assert_int_equal(sim_inject(s, fa, &p.path, span_of(p.p, p.n)), HIP_TAKEN);
    struct hip_pkt k = sent(s, HIP_PKT_R1);
    assert_int_equal(hip_get_r1_counter(hip_pkt_span(&k, HIP_PAR_R1_COUNTER), &n), ERR_OK);
    assert_int_equal(hip_get_puzzle(hip_pkt_span(&k, HIP_PAR_PUZZLE), HASH_SHA384, &z), ERR_OK);
    assert_int_equal(hip_get_dh(hip_pkt_span(&k, HIP_PAR_DIFFIE_HELLMAN), &dh), ERR_OK);
    r.counter = n.counter;
    r.k = z.k;
    memcpy(r.i, z.i.p, sizeof r.i);
    memcpy(r.dh, dh.pub.p, sizeof r.dh);
    return r;
}

/* Counter, secret and Diffie-Hellman key of a generation; it ends with its time, and sooner when a valid I2 used its key (s4.1.2, s4.1.4,
 * s5.3.2). */
static void generations(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    (void)sim_connect(s, mn, fa);
    const struct sim_packet i1 = *sim_sent(s, HIP_PKT_I1);
    sim_rule(s, mn, HIP_PKT_I2, SIM_LOSE)->count = 100;
    struct r1 a = r1_for(s, fa, &i1, 50), b = r1_for(s, fa, &i1, 51), again = r1_for(s, fa, &i1, 50);
    assert_true(a.counter == b.counter && a.counter > 0);
    assert_memory_equal(a.dh, b.dh, sizeof a.dh);
    assert_memory_equal(a.i, again.i, sizeof a.i); /* no state was kept for it */
    assert_memory_not_equal(a.i, b.i, sizeof a.i); /* each its own puzzle */
    sim_run(s, 119000000);                         /* two minutes */
    b = r1_for(s, fa, &i1, 50);
    assert_true(b.counter == a.counter);
    assert_memory_not_equal(a.i, b.i, sizeof a.i); /* who asks later gets another puzzle */
    sim_run(s, 2000000);
    b = r1_for(s, fa, &i1, 50);
    assert_true(b.counter == a.counter + 1);
    assert_memory_not_equal(a.dh, b.dh, sizeof a.dh);
    assert_memory_not_equal(a.i, b.i, sizeof a.i);
    assert_true(hip_identity_r1_counter(fa->e, sim_hit(fa)) == b.counter);
    /* Used by an I2: ten seconds later its key is no more given out. */
    s->n_rules = 0;
    (void)sim_connect(s, mn, fa);
    sim_run(s, 11000000);
    assert_true(sim_joined(mn, fa));
    a = r1_for(s, fa, &i1, 50);
    assert_true(a.counter == b.counter + 1);
    assert_memory_not_equal(a.dh, b.dh, sizeof a.dh);
    sim_free(s);
}

/* The same Initiator in one generation, ten times a second: no #I twice, and an I2 by any of them is right (s4.1.2, s7). */
static void no_puzzle_twice(void **state)
{
    struct hip_config c = sim_config();
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    struct r1 v[40];
    (void)sim_connect(s, mn, fa);
    const struct sim_packet i1 = *sim_sent(s, HIP_PKT_I1);
    sim_rule(s, mn, HIP_PKT_I2, SIM_LOSE)->count = 100;
    for (size_t i = 0; i < 40; i++) {
        v[i] = r1_for(s, fa, &i1, 50);
        assert_memory_equal(v[i].dh, v[0].dh, sizeof v[0].dh);
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(v[i].i, v[k].i, sizeof v[0].i);
        sim_run(s, i < 20 ? 120000 : 4000000);
    }
    struct sim_host *late = sim_host(s, "late", &c, 2, "203.0.113.2");
    (void)sim_connect(s, late, fa);
    sim_run(s, 1000000);
    assert_true(sim_joined(late, fa));
    sim_free(s);
}

/* A solution is good for the puzzle's Lifetime after its generation was replaced (s4.1.2): here 31 s of 32. */
static void solved_in_time(void **state)
{
    struct hip_config c = sim_config();
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    (void)sim_connect(s, mn, fa);
    sim_rule(s, mn, HIP_PKT_I2, SIM_LOSE)->count = 100;
    sim_run(s, 100000);
    const struct sim_packet i2 = *sim_sent(s, HIP_PKT_I2);
    static const int keys[] = { 2, 3, 4, 5 };
    static const char *const at[] = { "203.0.113.2", "203.0.113.3", "203.0.113.4", "203.0.113.5" };
    for (size_t i = 0; i < 4; i++) { /* each uses up a generation; the first one makes mn's old */
        struct sim_host *h = sim_host(s, "other", &c, keys[i], at[i]);
        (void)sim_connect(s, h, fa);
        sim_run(s, 10200000);
        assert_int_equal(h->up, 1);
    }
    struct r1 now = r1_for(s, fa, sim_sent(s, HIP_PKT_I1), 60);
    assert_true(now.counter == 5);
    assert_int_equal(sim_inject(s, fa, &i2.path, span_of(i2.p, i2.n)), HIP_TAKEN);
    sim_free(s);
}

/* The generation counter goes on where it was, through a restart (s5.2.3), and an Initiator that remembers a peer takes a new one. */
static void counter_goes_on(void **state)
{
    struct hip_config c = sim_config();
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    (void)sim_connect(s, mn, fa);
    const struct sim_packet i1 = *sim_sent(s, HIP_PKT_I1);
    sim_rule(s, mn, HIP_PKT_I2, SIM_LOSE)->count = 1;
    struct r1 a = r1_for(s, fa, &i1, 50);
    uint64_t kept = hip_identity_r1_counter(fa->e, sim_hit(fa));
    hip_engine_free(fa->e);
    c.env = &s->env;
    fa->e = hip_engine_new(&c);
    assert_int_equal(hip_identity_add(fa->e, &fa->hi, kept, s->now), ERR_OK);
    struct r1 b = r1_for(s, fa, &i1, 50);
    assert_true(b.counter > a.counter);
    sim_free(s);
}

/* s6.16: of a peer's counter nothing is kept beyond the association: one that starts again from nothing is taken. */
static void peers_counter_is_forgotten(void **state)
{
    struct hip_config c = sim_config();
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    hip_engine_free(fa->e);
    c.env = &s->env;
    fa->e = hip_engine_new(&c);
    assert_int_equal(hip_identity_add(fa->e, &fa->hi, 1000, s->now), ERR_OK);
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    assert_int_equal(hip_drop(mn->e, mn->ref, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    hip_engine_free(fa->e);
    fa->e = hip_engine_new(&c);
    assert_int_equal(hip_identity_add(fa->e, &fa->hi, 0, s->now), ERR_OK);
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    assert_true(sim_joined(mn, fa));
    sim_free(s);
}

/* Somebody else's R1, valid in itself, is no answer to our I1 (s6.8 step 3). */
static void r1_of_another(void **state)
{
    struct hip_config c = sim_config();
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    struct sim_host *other = sim_host(s, "other", &c, 2, "203.0.113.2");
    sim_rule(s, mn, HIP_PKT_I1, SIM_LOSE)->count = 1;
    (void)sim_connect(s, mn, fa);
    struct sim_packet i1 = *sim_sent(s, HIP_PKT_I1);
    memcpy(i1.p + 24, sim_hit(other)->b, 16);
    i1.path.local = other->addr[0];
    hip_set_checksum(i1.p, i1.n, &i1.path.peer, &i1.path.local);
    assert_int_equal(sim_inject(s, other, &i1.path, span_of(i1.p, i1.n)), HIP_TAKEN);
    sim_run(s, 50000);
    assert_int_equal(mn->drop, HIP_DROP_NO_ASSOCIATION);
    assert_int_equal(mn->asked_i2, 0);
    sim_run(s, 3000000);
    assert_true(sim_joined(mn, fa));
    sim_free(s);
}

/* The next one at that address may have another HI (s4.1.8). */
static void another_one_at_the_address(void **state)
{
    static const struct hit null;
    struct hip_config c = sim_config();
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    struct hip_path path = sim_path(mn, fa);
    struct hip_ref ref;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(hip_connect(mn->e, sim_hit(mn), &null, &path, 1, s->now, &s->out, &ref), ERR_OK);
        sim_act(s, mn);
        sim_run(s, 500000);
        assert_true(sim_joined(mn, fa));
        assert_int_equal(mn->up, i + 1);
        sim_addr_gone(fa, "198.51.100.1");
        fa = i == 0 ? sim_host(s, "next", &c, 2, "198.51.100.1") : fa;
    }
    sim_free(s);
}

/* A list with a transport that comes without its parameter: as if it were not listed (s5.2.11). */
static void transports_in_r1(void **state)
{
    struct hip_config c = sim_config();
    struct sim_edit e[] = { { SIM_SET, HIP_PAR_TRANSPORT_FORMAT_LIST, span_of("\x0f\xfd\x0f\xff", 4) },
                            { SIM_CUT, HIP_PAR_ESP_TRANSFORM, { 0 } } };
    assert_int_equal(with_forged(&c, HIP_PKT_R1, e, 1), HIP_TAKEN);
    assert_int_equal(with_forged(&c, HIP_PKT_R1, e + 1, 1), HIP_DROP_BAD_TRANSPORT);
    e[0].v = span_of("\x0f\xfd", 2);
    assert_int_equal(with_forged(&c, HIP_PKT_R1, e, 1), HIP_DROP_BAD_TRANSPORT);
}

/* A puzzle whose lifetime is over is not searched on: another I1, and in the end it is given up (s6.8 step 12). */
static void puzzle_runs_out(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    uint8_t puzzle[4 + 48] = { 20, 0 }; /* 2^20 tries, and no time at all */
    const struct sim_edit e = { SIM_SET, HIP_PAR_PUZZLE, span_of(puzzle, sizeof puzzle) };
    forger = fa;
    victim = mn;
    edits = &e;
    n_edits = 1;
    struct sim_rule *r = sim_rule(s, fa, HIP_PKT_R1, SIM_CHANGE);
    r->change = forge;
    r->count = 100;
    (void)sim_connect(s, mn, fa);
    sim_run(s, 70000000);
    assert_int_equal(sim_count(s, "mn>fa I1"), 6);
    assert_int_equal(sim_count(s, "mn>fa I2"), 0);
    assert_int_equal(mn->why, HIP_GONE_FAILED);
    assert_int_equal(mn->gone, 1);
    sim_free(s);
}

/* ---- I2 ---- */

static void i2_as_it_is_sent(void **state)
{
    static const uint16_t params[] = { HIP_PAR_ESP_INFO,
                                       HIP_PAR_R1_COUNTER,
                                       HIP_PAR_SOLUTION,
                                       HIP_PAR_DIFFIE_HELLMAN,
                                       HIP_PAR_HIP_CIPHER,
                                       HIP_PAR_ENCRYPTED,
                                       HIP_PAR_ECHO_RESPONSE_SIGNED,
                                       HIP_PAR_TRANSPORT_FORMAT_LIST,
                                       HIP_PAR_ESP_TRANSFORM,
                                       HIP_PAR_HIP_MAC,
                                       HIP_PAR_HIP_SIGNATURE,
                                       HIP_PAR_ECHO_RESPONSE_UNSIGNED,
                                       HIP_PAR_ECHO_RESPONSE_UNSIGNED };
    /* R1 with a Reserved field that is not zero (erratum 6654: echoed as it is), and echo requests of both kinds. */
    const struct sim_edit e[] = {
        { SIM_SET, HIP_PAR_R1_COUNTER, span_of("\xde\xad\xbe\xef\0\0\0\0\0\0\0\x01", 12) },
        { SIM_ADD, HIP_PAR_ECHO_REQUEST_SIGNED, span_of("signed", 6) },
        { SIM_ADD, HIP_PAR_ECHO_REQUEST_UNSIGNED, span_of("one", 3) },
        { SIM_ADD, HIP_PAR_ECHO_REQUEST_UNSIGNED, span_of("another", 7) },
    };
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    struct hip_puzzle z;
    struct hip_solution y;
    struct hip_esp_info info;
    forger = fa;
    victim = mn;
    edits = e;
    n_edits = 4;
    sim_rule(s, fa, HIP_PKT_R1, SIM_CHANGE)->change = forge;
    (void)sim_connect(s, mn, fa);
    sim_run(s, 15000);
    struct hip_pkt r1 = sent(s, HIP_PKT_R1);
    assert_int_equal(hip_get_puzzle(hip_pkt_span(&r1, HIP_PAR_PUZZLE), HASH_SHA384, &z), ERR_OK);
    uint8_t i[48];
    memcpy(i, z.i.p, sizeof i);
    sim_run(s, 500000);
    struct hip_pkt k = sent(s, HIP_PKT_I2);
    has_just(&k, params, sizeof params / sizeof *params);
    header_is_right(s, HIP_PKT_I2);
    assert_true(span_eq(hip_pkt_span(&k, HIP_PAR_R1_COUNTER), e[0].v));
    assert_int_equal(hip_get_solution(hip_pkt_span(&k, HIP_PAR_SOLUTION), HASH_SHA384, &y), ERR_OK);
    assert_true(y.k == z.k && y.opaque == z.opaque && span_eq(y.i, span_of(i, sizeof i)));
    assert_int_equal(hip_puzzle_check(HASH_SHA384, y.k, y.i, sim_hit(mn), sim_hit(fa), y.j), ERR_OK);
    assert_int_equal(hip_pkt_span(&k, HIP_PAR_SOLUTION).p[1], 0);
    assert_true(span_eq(hip_pkt_span(&k, HIP_PAR_HIP_CIPHER), span_of("\0\x02", 2)));
    assert_true(span_eq(hip_pkt_span(&k, HIP_PAR_TRANSPORT_FORMAT_LIST), span_of("\x0f\xff", 2)));
    assert_true(span_eq(hip_pkt_span(&k, HIP_PAR_ESP_TRANSFORM), span_of("\0\0\0\x08", 4)));
    assert_true(span_eq(hip_pkt_span(&k, HIP_PAR_ENCRYPTED).n > 20
                            ? span_sub(hip_pkt_span(&k, HIP_PAR_ENCRYPTED), 0, 4)
                            : span_of(NULL, 0),
                        span_of("\0\0\0\0", 4)));
    assert_int_equal(hip_get_esp_info(hip_pkt_span(&k, HIP_PAR_ESP_INFO), &info), ERR_OK);
    assert_int_equal(info.old_spi, 0);
    assert_int_equal(info.new_spi, fa->spi_out);
    assert_int_equal(info.keymat_index, 2 * (16 + 48)); /* behind the HIP keys: AES-128, HMAC-SHA-384 */
    assert_true(info.new_spi > 255);
    assert_true(span_eq(hip_pkt_span(&k, HIP_PAR_ECHO_RESPONSE_SIGNED), e[1].v));
    const struct hip_par *u = hip_pkt_get(&k, HIP_PAR_ECHO_RESPONSE_UNSIGNED);
    assert_true(span_eq(u[0].v, e[2].v) && span_eq(u[1].v, e[3].v));
    assert_true(sim_joined(mn, fa));
    sim_free(s);
}

static void i2_that_breaks_a_rule(void **state)
{
    static const struct {
        uint16_t type;
        const char *v;
        size_t n;
        int drop;
    } cases[] = {
        { HIP_PAR_HIP_CIPHER, "\0\x02\0\x02", 4, HIP_DROP_BAD_CIPHER }, /* two */
        { HIP_PAR_HIP_CIPHER, "\0\x04", 2, HIP_DROP_BAD_CIPHER },       /* not offered */
        { HIP_PAR_HIP_CIPHER, "\0\x01", 2, HIP_DROP_BAD_CIPHER },       /* NULL-ENCRYPT */
        { HIP_PAR_TRANSPORT_FORMAT_LIST, "\x0f\xff\x0f\xff", 4, HIP_DROP_BAD_TRANSPORT },
        { HIP_PAR_TRANSPORT_FORMAT_LIST, "\x0f\xfd", 2, HIP_DROP_BAD_TRANSPORT },
        { HIP_PAR_ESP_TRANSFORM, "\0\0\0\x08\0\x08", 6, HIP_DROP_BAD_TRANSPORT },
        { HIP_PAR_ESP_TRANSFORM, "\0\0\0\x0d", 4, HIP_DROP_BAD_TRANSPORT },
        { HIP_PAR_DIFFIE_HELLMAN, "\x63\0\x01?", 4, HIP_DROP_BAD_DH },                     /* unknown group */
        { HIP_PAR_ESP_INFO, "\0\0\0\x80\0\0\x10\0\0\0\x20\0", 12, HIP_DROP_BAD_ESP_INFO }, /* OLD SPI */
        { HIP_PAR_ESP_INFO, "\0\0\0\x80\0\0\0\0\0\0\0\xff", 12, HIP_DROP_BAD_ESP_INFO },   /* reserved SPI */
        { HIP_PAR_SOLUTION, "\x04\0\0\0\0\0\0\0", 8, HIP_DROP_PARAM_LENGTH },
    };
    struct hip_config c = sim_config();
    memcpy(c.ciphers, (uint16_t[6]){ 2 }, sizeof c.ciphers);
    memcpy(c.esp_suites, (uint16_t[6]){ 8 }, sizeof c.esp_suites);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sim_edit e = { SIM_SET, cases[i].type, span_of(cases[i].v, cases[i].n) };
        int d = with_forged(&c, HIP_PKT_I2, &e, 1);
        if (d != cases[i].drop)
            fail_msg("case %zu: %s", i, hip_drop_name(d));
        if (cases[i].type == HIP_PAR_DIFFIE_HELLMAN)
            assert_int_equal(told, 0); /* s5.3.2: without a word */
    }
    struct sim_edit cut = { SIM_CUT, HIP_PAR_ESP_INFO, { 0 } };
    assert_int_equal(with_forged(&c, HIP_PKT_I2, &cut, 1), HIP_DROP_BAD_ESP_INFO);
    cut.type = HIP_PAR_ESP_TRANSFORM;
    assert_int_equal(with_forged(&c, HIP_PKT_I2, &cut, 1), HIP_DROP_BAD_TRANSPORT);
}

/* An opportunistic I1 is answered by a host of a suite that we do not know: nothing of that R1 is used, which anybody could have made; the I1 goes on,
 * and an R1 that can be verified counts by itself (s4.1.8). */
static void r1_of_an_unknown_suite(void **state)
{
    static const struct hit null;
    struct hip_config c = sim_config(), other = sim_config();
    memcpy(c.hit_suites, (uint8_t[8]){ 1, 2 }, 8);
    struct sim *s = sim_new(sim_seed(53));
    struct sim_host *mn = sim_host(s, "mn", &c, 0, "192.0.2.1");
    struct hip_hi ed;
    struct hip_ref ref;
    assert_int_equal(hip_hi_generate(SIG_ED25519, 0, &ed), ERR_OK);
    struct sim_host *fa = sim_host_hi(s, "fa", &other, &ed, "198.51.100.1");
    struct hip_path path = sim_path(mn, fa);
    assert_int_equal(hip_connect(mn->e, sim_hit(mn), &null, &path, 1, s->now, &s->out, &ref), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 500000);
    assert_true(sim_ladder_is(s, "mn>fa I1\nfa>mn R1\n"));
    assert_int_equal(mn->drop, HIP_DROP_UNSUPPORTED_SUITE);
    assert_int_equal(mn->asked_i2, 0);
    sim_addr_gone(fa, "198.51.100.1");
    struct sim_host *known = sim_host(s, "known", &other, 1, "198.51.100.1");
    sim_run(s, 1000000);
    assert_true(sim_ladder_is(s, "mn>fa I1\nfa>mn R1\nmn>known I1\nknown>mn R1\nmn>known I2\nknown>mn R2\n"));
    assert_true(sim_joined(mn, known));
    hip_hi_done(&ed);
    sim_free(s);
}

/* HOST_ID beside an ENCRYPTED or without one; and an ENCRYPTED with something else in it. */
static void host_id_in_i2(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    uint8_t inner[64], packet[HIP_PACKET_MAX];
    struct hip_build b;
    struct span tlvs, out;
    sim_rule(s, mn, HIP_PKT_I2, SIM_LOSE)->count = 100;
    (void)sim_connect(s, mn, fa);
    sim_run(s, 100000);
    const struct hip_assoc *a = sim_inside(mn, fa);
    const struct sim_packet i2 = *sim_sent(s, HIP_PKT_I2);
    hip_build_inner(&b, inner, sizeof inner);
    hip_build_param(&b, HIP_PAR_EAP_PAYLOAD, span_of("12345678", 8));
    assert_int_equal(hip_build_inner_finish(&b, &tlvs), ERR_OK);
    hip_build_init(&b, packet, sizeof packet, HIP_PKT_I2, sim_hit(mn), sim_hit(fa), 0);
    hip_encrypted_add(&b, a->cipher, hip_key_enc(&a->keys.secrets->hip.out), &s->env, tlvs);
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &out), ERR_OK);
    struct sim_edit e[] = {
        { SIM_SET, HIP_PAR_ENCRYPTED, span_of(packet + 44, (size_t)(packet[42] << 8 | packet[43])) },
        { SIM_CUT, HIP_PAR_ENCRYPTED, { 0 } },
    };
    assert_int_equal(sim_inject_forged(s, mn, a, fa, &i2, e, 1), HIP_DROP_BAD_ENCRYPTED);
    assert_int_equal(fa->asked_r2, 0);
    struct span host_id = span_sub(span_of(mn->e->id[0]->tlv, mn->e->id[0]->tlv_len), 4, (size_t)6 + 66);
    e[0] = (struct sim_edit){ SIM_SET, HIP_PAR_HOST_ID, host_id };
    assert_int_equal(sim_inject_forged(s, mn, a, fa, &i2, e, 2), HIP_TAKEN);
    sim_run(s, 500000);
    assert_true(sim_joined(mn, fa));
    sim_free(s);
}

/* As often as I1, then E-FAILED (s6.8 step 18). */
static void i2_is_not_answered(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    sim_rule(s, mn, HIP_PKT_I2, SIM_LOSE)->count = 100;
    (void)sim_connect(s, mn, fa);
    sim_run(s, 64000000);
    assert_int_equal(sim_count(s, "mn>fa I1"), 1);
    assert_int_equal(sim_count(s, "mn>fa I2"), 6);
    assert_int_equal(mn->gone, 1);
    assert_int_equal(mn->why, HIP_GONE_FAILED);
    sim_free(s);
}

/* A new exchange where one end is still CLOSING or CLOSED (s6.9 step 20). */
static void i2_while_closing(void **state)
{
    for (int closed = 0; closed < 2; closed++) {
        struct sim_host *mn, *fa;
        struct sim *s = pair(&mn, &fa);
        (void)sim_connect(s, mn, fa);
        sim_run(s, 500000);
        if (!closed) { /* fa's CLOSE is lost, and mn forgets */
            sim_rule(s, fa, HIP_PKT_CLOSE, SIM_LOSE)->count = 100;
            assert_int_equal(hip_close(fa->e, fa->ref, s->now, &s->out), ERR_OK);
            sim_act(s, fa);
            assert_int_equal(hip_drop(mn->e, mn->ref, s->now, &s->out), ERR_OK);
            sim_act(s, mn);
        } else {
            assert_int_equal(hip_close(mn->e, mn->ref, s->now, &s->out), ERR_OK);
            sim_act(s, mn);
            sim_run(s, 500000);
        }
        assert_int_equal(sim_state(fa, mn), closed ? HIP_CLOSED : HIP_CLOSING);
        sim_ladder_clear(s);
        (void)sim_connect(s, mn, fa);
        sim_run(s, 500000);
        assert_true(sim_ladder_is(s, full));
        assert_true(sim_joined(mn, fa));
        assert_int_equal(sim_state(fa, mn), HIP_R2_SENT);
        sim_free(s);
    }
}

/* ---- R2 ---- */

static void r2_as_it_is_sent(void **state)
{
    static const uint16_t params[] = { HIP_PAR_ESP_INFO, HIP_PAR_HIP_MAC_2, HIP_PAR_HIP_SIGNATURE };
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    struct hip_esp_info info;
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    struct hip_pkt k = sent(s, HIP_PKT_R2);
    has_just(&k, params, 3);
    header_is_right(s, HIP_PKT_R2);
    assert_int_equal(hip_get_esp_info(hip_pkt_span(&k, HIP_PAR_ESP_INFO), &info), ERR_OK);
    assert_int_equal(info.old_spi, 0);
    assert_int_equal(info.new_spi, mn->spi_out);
    assert_int_equal(info.keymat_index, 2 * (16 + 48));
    sim_free(s);
}

/* HIP_MAC_2 covers HOST_ID as R1 had it, with a domain identifier if it had one (s6.4.1): a HOST_ID made anew from the key would be another. */
static void host_id_with_a_name(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    struct hip_identity *id = fa->e->id[0];
    struct hip_build b;
    struct span tlv;
    struct hip_host_id h = { .hi = span_of(id->hi.wire, id->hi.wire_len),
                             .di_type = HIP_DI_NAI,
                             .di = span_of("fa@example", 10) };
    hip_build_inner(&b, id->tlv, sizeof id->tlv);
    hip_put_host_id(&b, &h);
    assert_int_equal(hip_build_inner_finish(&b, &tlv), ERR_OK);
    id->tlv_len = (uint16_t)tlv.n;
    const struct sim_edit e = { SIM_SET, HIP_PAR_HOST_ID,
                                span_of(tlv.p + 4, (size_t)(tlv.p[2] << 8 | tlv.p[3])) };
    forger = fa;
    victim = mn;
    edits = &e;
    n_edits = 1;
    sim_rule(s, fa, HIP_PKT_R1, SIM_CHANGE)->change = forge;
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    assert_int_equal(mn->drop, HIP_TAKEN);
    assert_true(sim_joined(mn, fa));
    sim_free(s);
}

/* R2s that break a rule, and R2 in every state but I2-SENT (s6.10). */
static void r2_that_breaks_a_rule(void **state)
{
    struct hip_config c = sim_config();
    struct sim_edit e = { SIM_SET, HIP_PAR_ESP_INFO, span_of("\0\0\0\x80\0\0\x10\0\0\0\x20\0", 12) };
    assert_int_equal(with_forged(&c, HIP_PKT_R2, &e, 1), HIP_DROP_BAD_ESP_INFO);
    e.how = SIM_CUT;
    assert_int_equal(with_forged(&c, HIP_PKT_R2, &e, 1), HIP_DROP_BAD_ESP_INFO);

    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    const struct sim_packet r1 = *sim_sent(s, HIP_PKT_R1), r2 = *sim_sent(s, HIP_PKT_R2);
    assert_int_equal(sim_inject(s, mn, &r2.path, span_of(r2.p, r2.n)),
                     HIP_DROP_WRONG_STATE); /* ESTABLISHED */
    assert_int_equal(sim_inject(s, mn, &r1.path, span_of(r1.p, r1.n)), HIP_DROP_WRONG_STATE);
    assert_int_equal(sim_state(mn, fa), HIP_ESTABLISHED);
    assert_true(sim_joined(mn, fa));
    sim_free(s);
}

/* SPIs are drawn at random, none twice (RFC 7402 s3.2.1). */
static void spis_differ(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair(&mn, &fa);
    uint32_t seen[8];
    for (size_t i = 0; i < 4; i++) {
        (void)sim_connect(s, mn, fa);
        sim_run(s, 500000);
        seen[2 * i] = mn->spi_in;
        seen[2 * i + 1] = fa->spi_in;
        assert_int_equal(hip_drop(mn->e, mn->ref, s->now, &s->out), ERR_OK);
        sim_act(s, mn);
    }
    for (size_t i = 0; i < 8; i++) {
        assert_true(seen[i] > 255);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(seen[i], seen[k]);
    }
    assert_true((seen[0] ^ seen[2]) >> 16 && (seen[1] ^ seen[3]) >> 16); /* not counted up */
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(i1_as_it_is_sent),
        cmocka_unit_test(four_addresses),
        cmocka_unit_test(one_at_a_time),
        cmocka_unit_test(i1_changes_nothing),
        cmocka_unit_test(null_hit),
        cmocka_unit_test(two_identities),
        cmocka_unit_test(anonymous_hosts),
        cmocka_unit_test(anonymous_hosts_refused),
        cmocka_unit_test(unknown_controls),
        cmocka_unit_test(malformed),
        cmocka_unit_test(r1_as_it_is_sent),
        cmocka_unit_test(the_responders_order),
        cmocka_unit_test(generations),
        cmocka_unit_test(no_puzzle_twice),
        cmocka_unit_test(solved_in_time),
        cmocka_unit_test(counter_goes_on),
        cmocka_unit_test(peers_counter_is_forgotten),
        cmocka_unit_test(r1_of_another),
        cmocka_unit_test(another_one_at_the_address),
        cmocka_unit_test(transports_in_r1),
        cmocka_unit_test(puzzle_runs_out),
        cmocka_unit_test(i2_as_it_is_sent),
        cmocka_unit_test(i2_that_breaks_a_rule),
        cmocka_unit_test(r1_of_an_unknown_suite),
        cmocka_unit_test(host_id_in_i2),
        cmocka_unit_test(i2_is_not_answered),
        cmocka_unit_test(i2_while_closing),
        cmocka_unit_test(r2_as_it_is_sent),
        cmocka_unit_test(host_id_with_a_name),
        cmocka_unit_test(r2_that_breaks_a_rule),
        cmocka_unit_test(spis_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
