/* SPDX-License-Identifier: Apache-2.0
 *
 * NOTIFYs about what was dropped (RFC 7401 s5.2.19, RFC 7402 s5.1.3): each message type where it belongs, to nobody who may not hear it, seldom, never longer than
 * its cause, and without any change of state on either side.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "hip/assoc_auth.h"
#include "hip/auth.h"
#include "hip/core.h"
#include "hip/param_echo.h"
#include "hip/update.h"
#include "tests/sim/sim.h"

static struct hip_config telling(void)
{
    struct hip_config c = sim_config();
    c.tell = true;
    return c;
}

static struct sim *pair_of(const struct hip_config *m, const struct hip_config *f, int key,
                           struct sim_host **mn, struct sim_host **fa)
{
    struct sim *s = sim_new(sim_seed(91));
    *mn = sim_host(s, "mn", m, 0, "192.0.2.1");
    *fa = sim_host(s, "fa", f, key, "198.51.100.1");
    return s;
}

static struct hip_assoc *of(const struct sim_host *h, const struct sim_host *peer)
{
    return hip_assoc_by_pair(h->e, sim_hit(h), sim_hit(peer));
}

/* ---- I2 ---- */

/* mn in I2-SENT, its I2 lost. */
static struct sim *asking(const struct hip_config *f, struct sim_host **mn, struct sim_host **fa)
{
    struct hip_config c = telling();
    struct sim *s = pair_of(&c, f, 1, mn, fa);
    sim_rule(s, *mn, HIP_PKT_I2, SIM_LOSE)->count = 100;
    (void)sim_connect(s, *mn, *fa);
    sim_run(s, 100000);
    assert_int_equal(of(*mn, *fa)->state, HIP_I2_SENT);
    sim_ladder_clear(s);
    return s;
}

struct i2_case {
    uint16_t
        param; /* gets these contents, and MAC and signature are made again; HIP_MAC, HIP_SIGNATURE: the last octet flipped */
    uint8_t v[128];
    size_t n;
    int drop;
    uint16_t code; /* 0: not a word */
};

/* mn's I2 with this change. */
static size_t changed(const struct hip_assoc *a, const struct hip_pkt *k, const struct i2_case *c,
                      uint8_t *buf)
{
    struct hip_build b;
    struct span out;
    hip_build_init(&b, buf, HIP_PACKET_MAX, HIP_PKT_I2, &k->sender, &k->receiver, 0);
    for (size_t i = 0; i < k->p.n && k->p.par[i].type < HIP_PAR_HIP_MAC; i++)
        hip_build_param(&b, k->p.par[i].type,
                        k->p.par[i].type == c->param ? span_of(c->v, c->n) : k->p.par[i].v);
    hip_auth_add(&b, a);
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &out), ERR_OK);
    size_t n = out.n;
    for (size_t off = HIP_HEADER_LEN; off < n;) {
        size_t len = (size_t)(buf[off + 2] << 8 | buf[off + 3]);
        uint16_t type = (uint16_t)(buf[off] << 8 | buf[off + 1]);
        if (type == c->param && type >= HIP_PAR_HIP_MAC)
            buf[off + 4 + len - 1] ^= 1;
        off += hip_tlv_len(len);
    }
    return n;
}

static int give_i2(struct sim *s, struct sim_host *mn, struct sim_host *fa, const struct i2_case *c)
{
    uint8_t buf[HIP_PACKET_MAX];
    struct hip_pkt k;
    struct hip_path path = sim_path(fa, mn);
    const struct sim_packet *i2 = sim_sent(s, HIP_PKT_I2);
    assert_int_equal(hip_pkt_parse(span_of(i2->p, i2->n), &k), HIP_TAKEN);
    size_t n = changed(of(mn, fa), &k, c, buf);
    hip_set_checksum(buf, n, &path.peer, &path.local);
    return sim_inject(s, fa, &path, span_of(buf, n));
}

static void wrong_i2s(void **state)
{
    static const struct i2_case cases[] = {
        { HIP_PAR_HIP_CIPHER, { 0, 2, 0, 4 }, 4, HIP_DROP_BAD_CIPHER, HIP_NTF_INVALID_HIP_CIPHER_CHOSEN },
        { HIP_PAR_HIP_CIPHER, { 0, 3 }, 2, HIP_DROP_BAD_CIPHER, HIP_NTF_INVALID_HIP_CIPHER_CHOSEN },
        { HIP_PAR_ESP_TRANSFORM,
          { 0, 0, 0, 8, 0, 13 },
          6,
          HIP_DROP_BAD_TRANSPORT,
          HIP_NTF_INVALID_ESP_TRANSFORM_CHOSEN },
        { HIP_PAR_ESP_TRANSFORM,
          { 0, 0, 0, 9 },
          4,
          HIP_DROP_BAD_TRANSPORT,
          HIP_NTF_INVALID_ESP_TRANSFORM_CHOSEN },
        { HIP_PAR_DIFFIE_HELLMAN, { 8, 0, 96, 1 }, 99, HIP_DROP_BAD_DH, HIP_NTF_INVALID_DH_CHOSEN },
        { HIP_PAR_DIFFIE_HELLMAN, { 200, 0, 96, 1 }, 99, HIP_DROP_BAD_DH, 0 }, /* s6.9 step 9: silently */
        { HIP_PAR_DIFFIE_HELLMAN, { 7, 0, 64, 1 }, 67, HIP_DROP_BAD_DH, 0 },
        { HIP_PAR_ENCRYPTED, { 0 }, 52, HIP_DROP_BAD_ENCRYPTED, HIP_NTF_ENCRYPTION_FAILED },
        { HIP_PAR_HIP_MAC, { 0 }, 0, HIP_DROP_BAD_HIP_MAC, HIP_NTF_HIP_MAC_FAILED },
        { HIP_PAR_HIP_SIGNATURE, { 0 }, 0, HIP_DROP_BAD_SIGNATURE, HIP_NTF_AUTHENTICATION_FAILED },
        { HIP_PAR_R1_COUNTER, { 0 }, 12, HIP_DROP_STALE_R1_COUNTER, 0 }, /* no solution of ours: not a word */
        { HIP_PAR_SOLUTION, { 4 }, 100, HIP_DROP_BAD_PUZZLE, 0 },
    };
    struct hip_config f = telling();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sim_host *mn, *fa;
        struct sim *s = asking(&f, &mn, &fa);
        assert_int_equal(give_i2(s, mn, fa, &cases[i]), cases[i].drop);
        sim_run(s, 100000);
        if (mn->notified != (cases[i].code != 0) || mn->notify_code != cases[i].code)
            fail_msg("case %zu: %u NOTIFYs, the last %u", i, mn->notified, mn->notify_code);
        assert_int_equal(of(mn, fa)->state, HIP_I2_SENT); /* informational, s6.13 */
        assert_null(of(fa, mn));
        sim_free(s);
    }
}

/* The same without the switch, and never more than a solution may be wrong. */
static void wrong_i2s_again_and_again(void **state)
{
    static const struct i2_case bad = { HIP_PAR_HIP_MAC, { 0 }, 0, HIP_DROP_BAD_HIP_MAC, 0 };
    struct hip_config c = sim_config(), f = telling();
    struct sim_host *mn, *fa;
    struct sim *s = asking(&c, &mn, &fa);
    assert_int_equal(give_i2(s, mn, fa, &bad), HIP_DROP_BAD_HIP_MAC);
    assert_int_equal(sim_count(s, "fa>mn"), 0);
    sim_free(s);
    s = asking(&f, &mn, &fa);
    for (int i = 0; i < 100; i++)
        (void)give_i2(s, mn, fa, &bad);
    assert_int_equal(fa->drop, HIP_DROP_PUZZLE_REUSED); /* RFC 7401 s8: no more of this solution */
    assert_int_equal(sim_count(s, "fa>mn NOTIFY"), HIP_R1_STRIKES);
    sim_free(s);
}

static void a_hit_of_somebody_else(void **state)
{
    struct hip_config c = telling();
    struct sim_host *mn, *fa;
    struct sim *s = pair_of(&c, &c, 1, &mn, &fa);
    struct sim_host *thief = sim_host(s, "thief", &c, 2, "203.0.113.3");
    mn->hold = true;
    (void)sim_connect(s, mn, fa);
    sim_run(s, 50000);
    struct hip_hi *hi = &mn->e->id[0]->hi, own = *hi;
    *hi = thief->hi;
    hi->hit = own.hit;
    assert_int_equal(hip_answer(mn->e, mn->asked, &mn->i2, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 100000);
    assert_int_equal(fa->drop, HIP_DROP_HI_MISMATCH);
    assert_int_equal(mn->notify_code, HIP_NTF_INVALID_HIT);
    *hi = own;
    sim_free(s);
}

static void no_room(void **state)
{
    struct hip_config c = telling();
    struct sim_host *mn, *fa;
    struct sim *s = pair_of(&c, &c, 1, &mn, &fa);
    c.puzzle_k_max = 20;
    for (uint8_t i = 0; i < 16; i++) {
        struct hit h = *sim_hit(mn);
        h.b[14] ^= 0x80;
        h.b[15] = i;
        assert_non_null(hip_assoc_new(fa->e, fa->e->id[0], &h));
    }
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    assert_int_equal(fa->drop, HIP_DROP_ASSOC_FULL);
    assert_int_equal(mn->notify_code, HIP_NTF_RESPONDER_BUSY_PLEASE_RETRY);
    sim_free(s);
}

/* Its owner is asked still: the Initiator hears that its I2 is there. */
static void the_owner_takes_its_time(void **state)
{
    struct hip_config c = telling();
    struct sim_host *mn, *fa;
    struct sim *s = pair_of(&c, &c, 1, &mn, &fa);
    fa->hold = true;
    (void)sim_connect(s, mn, fa);
    sim_run(s, 1100000);
    assert_true(sim_ladder_is(s, "mn>fa I1\nfa>mn R1\nmn>fa I2\nmn>fa I2\nfa>mn NOTIFY\n"));
    assert_int_equal(mn->notify_code, HIP_NTF_I2_ACKNOWLEDGEMENT);
    struct sim_packet i2 = *sim_sent(s, HIP_PKT_I2);
    struct hip_path elsewhere = i2.path;
    elsewhere.peer = sim_addr(mn, "203.0.113.9");
    hip_set_checksum(i2.p, i2.n, &elsewhere.peer, &elsewhere.local);
    (void)sim_inject(s, fa, &elsewhere, span_of(i2.p, i2.n)); /* another address hears nothing */
    assert_int_equal(sim_count(s, "fa>mn NOTIFY"), 1);
    assert_int_equal(hip_answer(fa->e, fa->asked, &fa->r2, s->now, &s->out), ERR_OK);
    sim_act(s, fa);
    sim_run(s, 100000);
    assert_true(sim_joined(mn, fa));
    sim_free(s);
}

/* ---- R1: none of its lists will do ---- */

static uint16_t about_r1(const struct hip_config *m, const struct hip_config *f, int key)
{
    struct sim_host *mn, *fa;
    struct hip_notification n;
    struct hip_pkt k;
    struct sim *s = pair_of(m, f, key, &mn, &fa);
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    const struct sim_packet *p = sim_sent(s, HIP_PKT_NOTIFY);
    assert_non_null(p);
    assert_int_equal(sim_count(s, "mn>fa NOTIFY"), 1);
    /* It keeps nothing for an R1, and nothing changes. */
    assert_int_equal(fa->drop, key == 1 ? HIP_DROP_NO_ASSOCIATION : HIP_DROP_UNSUPPORTED_SUITE);
    assert_int_equal(of(mn, fa)->state, HIP_I1_SENT);
    assert_int_equal(hip_pkt_parse(span_of(p->p, p->n), &k), HIP_TAKEN);
    assert_int_equal(hip_get_notification(hip_pkt_span(&k, HIP_PAR_NOTIFICATION), &n), ERR_OK);
    assert_int_equal(n.data.n, 0);
    sim_free(s);
    return n.code;
}

static void nothing_in_common(void **state)
{
    struct hip_config c = telling(), f = telling();
    memcpy(c.ciphers, (uint16_t[6]){ 2 }, sizeof c.ciphers);
    memcpy(f.ciphers, (uint16_t[6]){ 4 }, sizeof f.ciphers);
    assert_int_equal(about_r1(&c, &f, 1), HIP_NTF_NO_HIP_PROPOSAL_CHOSEN);
    c = f = telling();
    memcpy(c.esp_suites, (uint16_t[6]){ 8 }, sizeof c.esp_suites);
    memcpy(f.esp_suites, (uint16_t[6]){ 13 }, sizeof f.esp_suites);
    assert_int_equal(about_r1(&c, &f, 1), HIP_NTF_NO_ESP_PROPOSAL_CHOSEN);
    c = f = telling();
    memcpy(c.dh_groups, (uint8_t[8]){ 7 }, 8);
    memcpy(f.dh_groups, (uint8_t[8]){ 8 }, 8);
    assert_int_equal(about_r1(&c, &f, 1), HIP_NTF_NO_DH_PROPOSAL_CHOSEN);
    c = f = telling();
    memcpy(f.hit_suites, (uint8_t[8]){ 1 }, 8); /* mn's identity is of suite 2 */
    assert_int_equal(about_r1(&c, &f, 5), HIP_NTF_UNSUPPORTED_HIT_SUITE);
}

/* ---- associations ---- */

static struct sim *joined(int key, struct sim_host **mn, struct sim_host **fa)
{
    struct hip_config c = telling();
    struct sim *s = pair_of(&c, &c, key, mn, fa);
    (void)sim_connect(s, *mn, *fa);
    sim_run(s, 5000000);
    hip_sa_used((*fa)->e, (*fa)->ref, s->now, &s->out);
    sim_act(s, *fa);
    assert_true(sim_joined(*mn, *fa));
    sim_ladder_clear(s);
    return s;
}

enum wrong { NOTHING, MAC, SIG, SUM };

/* A packet of mn's, with one parameter more, and wrong like this. */
static int give(struct sim *s, struct sim_host *mn, struct sim_host *fa, const struct hip_path *path,
                uint8_t type, uint16_t param, struct span v, enum wrong wrong)
{
    uint8_t buf[HIP_PACKET_MAX];
    const struct hip_assoc *a = of(mn, fa);
    struct hip_build b;
    struct span out;
    hip_build_init(&b, buf, sizeof buf, (enum hip_pkt_type)type, sim_hit(mn), sim_hit(fa), 0);
    if (param && param < HIP_PAR_SEQ)
        hip_build_param(&b, param, v);
    if (type == HIP_PKT_UPDATE)
        hip_put_seq(&b, a->next_id);
    else if (type == HIP_PKT_NOTIFY)
        hip_put_notification(&b, &(struct hip_notification){ .code = 1 });
    else
        hip_build_param(
            &b, type == HIP_PKT_CLOSE ? HIP_PAR_ECHO_REQUEST_SIGNED : HIP_PAR_ECHO_RESPONSE_SIGNED, v);
    if (param > HIP_PAR_SEQ)
        hip_build_param(&b, param, v);
    if (type != HIP_PKT_NOTIFY)
        hip_mac_add(&b, HIP_PAR_HIP_MAC, a->rhash, hip_key_mac(&a->keys.secrets->hip.out));
    if (wrong == MAC)
        b.w.base[hip_build_len(&b) - 8] ^= 1; /* padding may follow */
    hip_sign_add(&b, HIP_PAR_HIP_SIGNATURE, &a->id->hi);
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &out), ERR_OK);
    if (wrong == SIG)
        buf[out.n - 8] ^= 1; /* padding may follow */
    hip_set_checksum(buf, out.n, &path->peer, &path->local);
    if (wrong == SUM)
        buf[4] ^= 1;
    return sim_inject(s, fa, path, out);
}

static void wrong_packets_of_a_peer(void **state)
{
    static const uint8_t junk[52] = { 0, 0, 0, 0, 1, 2, 3, 4 };
    static const struct {
        uint8_t type;
        uint16_t param;
        size_t n;
        enum wrong wrong;
        int drop;
        uint16_t code;
    } cases[] = {
        { HIP_PKT_UPDATE, 0, 0, MAC, HIP_DROP_BAD_HIP_MAC, HIP_NTF_HIP_MAC_FAILED },
        { HIP_PKT_UPDATE, 0, 0, SIG, HIP_DROP_BAD_SIGNATURE, HIP_NTF_AUTHENTICATION_FAILED },
        { HIP_PKT_UPDATE, 0, 0, SUM, HIP_DROP_BAD_CHECKSUM, HIP_NTF_CHECKSUM_FAILED },
        { HIP_PKT_UPDATE, 32769, 4, NOTHING, HIP_DROP_UNKNOWN_CRITICAL,
          HIP_NTF_UNSUPPORTED_CRITICAL_PARAMETER_TYPE },
        { HIP_PKT_UPDATE, 32769, 4, SUM, HIP_DROP_UNKNOWN_CRITICAL, 0 },
        { HIP_PKT_UPDATE, HIP_PAR_ENCRYPTED, 52, NOTHING, HIP_DROP_BAD_ENCRYPTED, HIP_NTF_ENCRYPTION_FAILED },
        { HIP_PKT_UPDATE, HIP_PAR_REG_FROM, 20, NOTHING, HIP_DROP_PARAM_MALFORMED, HIP_NTF_INVALID_SYNTAX },
        { HIP_PKT_UPDATE, HIP_PAR_REG_FROM, 20, MAC, HIP_DROP_BAD_HIP_MAC, HIP_NTF_HIP_MAC_FAILED },
        { HIP_PKT_UPDATE, HIP_PAR_REG_INFO, 1, NOTHING, HIP_DROP_PARAM_LENGTH, 0 }, /* nothing was verified */
        { HIP_PKT_CLOSE, 0, 16, MAC, HIP_DROP_BAD_HIP_MAC, HIP_NTF_HIP_MAC_FAILED },
        { HIP_PKT_CLOSE, 0, 16, SIG, HIP_DROP_BAD_SIGNATURE, HIP_NTF_AUTHENTICATION_FAILED },
        { HIP_PKT_NOTIFY, 0, 0, SIG, HIP_DROP_BAD_SIGNATURE, 0 }, /* s5.2.19: never about a NOTIFY */
        { HIP_PKT_NOTIFY, 0, 0, SUM, HIP_DROP_BAD_CHECKSUM, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sim_host *mn, *fa;
        struct sim *s = joined(1, &mn, &fa);
        struct hip_path path = sim_path(fa, mn);
        int drop =
            give(s, mn, fa, &path, cases[i].type, cases[i].param, span_of(junk, cases[i].n), cases[i].wrong);
        sim_run(s, 50000);
        if (drop != cases[i].drop || mn->notified != (cases[i].code != 0) || mn->notify_code != cases[i].code)
            fail_msg("case %zu: %s, %u NOTIFYs, the last %u", i, hip_drop_name(drop), mn->notified,
                     mn->notify_code);
        assert_int_equal(of(fa, mn)->state, HIP_ESTABLISHED);
        assert_int_equal(of(mn, fa)->state, HIP_ESTABLISHED);
        /* From elsewhere, in the peer's name: not a word. */
        struct hip_path elsewhere = path;
        elsewhere.peer = sim_addr(mn, "203.0.113.9");
        sim_ladder_clear(s);
        drop = give(s, mn, fa, &elsewhere, cases[i].type, cases[i].param, span_of(junk, cases[i].n),
                    cases[i].wrong);
        assert_int_equal(drop, cases[i].drop);
        assert_int_equal(sim_count(s, "fa>"), 0);
        sim_free(s);
    }
}

/* What the parameter was, in two octets. */
static void the_critical_type(void **state)
{
    struct sim_host *mn, *fa;
    struct hip_notification n;
    struct hip_pkt k;
    struct sim *s = joined(1, &mn, &fa);
    struct hip_path path = sim_path(fa, mn);
    (void)give(s, mn, fa, &path, HIP_PKT_UPDATE, 32769, span_of("abcd", 4), NOTHING);
    const struct sim_packet *p = sim_sent(s, HIP_PKT_NOTIFY);
    assert_int_equal(hip_pkt_parse(span_of(p->p, p->n), &k), HIP_TAKEN);
    assert_int_equal(hip_get_notification(hip_pkt_span(&k, HIP_PAR_NOTIFICATION), &n), ERR_OK);
    assert_int_equal(n.data.n, 2);
    assert_int_equal(n.data.p[0] << 8 | n.data.p[1], 32769);
    sim_free(s);
}

static void seldom(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(1, &mn, &fa);
    struct hip_path path = sim_path(fa, mn);
    for (int i = 0; i < 100; i++)
        (void)give(s, mn, fa, &path, HIP_PKT_UPDATE, 0, span_of(NULL, 0), MAC);
    assert_int_equal(sim_count(s, "fa>mn NOTIFY"), 3);
    sim_run(s, 1000000);
    (void)give(s, mn, fa, &path, HIP_PKT_UPDATE, 0, span_of(NULL, 0), MAC);
    assert_int_equal(sim_count(s, "fa>mn NOTIFY"), 4);
    sim_free(s);
}

/* An RSA signature makes the NOTIFY longer than a small packet under ECDSA: that one is not answered. */
static void never_longer_than_its_cause(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(5, &mn, &fa);
    struct hip_path path = sim_path(fa, mn);
    static const uint8_t much[400] = { 0 };
    assert_int_equal(give(s, mn, fa, &path, HIP_PKT_UPDATE, 0, span_of(NULL, 0), MAC), HIP_DROP_BAD_HIP_MAC);
    assert_int_equal(sim_count(s, "fa>mn NOTIFY"), 0);
    (void)give(s, mn, fa, &path, HIP_PKT_UPDATE, HIP_PAR_ECHO_REQUEST_SIGNED, span_of(much, sizeof much),
               MAC);
    assert_int_equal(sim_count(s, "fa>mn NOTIFY"), 1);
    assert_true(sim_sent(s, HIP_PKT_NOTIFY)->n <= 40 + 8 + sizeof much + 200);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_i2s),
        cmocka_unit_test(wrong_i2s_again_and_again),
        cmocka_unit_test(a_hit_of_somebody_else),
        cmocka_unit_test(no_room),
        cmocka_unit_test(the_owner_takes_its_time),
        cmocka_unit_test(nothing_in_common),
        cmocka_unit_test(wrong_packets_of_a_peer),
        cmocka_unit_test(the_critical_type),
        cmocka_unit_test(seldom),
        cmocka_unit_test(never_longer_than_its_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
