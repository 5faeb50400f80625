/* SPDX-License-Identifier: Apache-2.0
 *
 * HOST_ID in the base exchange: where it stands in I2, and which keys it may hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "hip/auth.h"
#include "hip/core.h"
#include "hip/drop.h"
#include "hip/param_core.h"
#include "tests/sim/sim.h"

#define NAME "\2mn\7example\3org"

static struct sim *pair_of(const struct hip_config *m, const struct hip_config *f, int mn_key, int fa_key,
                           struct sim_host **mn, struct sim_host **fa)
{
    struct sim *s = sim_new(sim_seed(101));
    *mn = sim_host(s, "mn", m, mn_key, "192.0.2.1");
    *fa = sim_host(s, "fa", f, fa_key, "198.51.100.1");
    return s;
}

static bool stands_in(const struct sim_packet *p, struct span what)
{
    return memmem(p->p, p->n, what.p, what.n) != NULL;
}

/* RFC 7401 s5.3.3: in ENCRYPTED, which is what we do, or in the clear; with a name, and with what the owner encrypts or without. Either way the
 * Responder's owner sees the same. */
static void in_i2(void **state)
{
    uint8_t buf[64];
    struct hip_build b;
    struct span inner;
    hip_build_inner(&b, buf, sizeof buf);
    hip_build_param(&b, HIP_PAR_EAP_PAYLOAD, span_of("12345678", 8));
    assert_int_equal(hip_build_inner_finish(&b, &inner), ERR_OK);
    for (int i = 0; i < 4; i++) {
        bool clear = i & 1, more = i & 2;
        struct hip_config c = sim_config(), f = sim_config();
        struct sim_host *mn, *fa;
        struct hip_pkt k;
        c.host_id_in_clear = clear;
        struct sim *s = pair_of(&c, &f, 0, 1, &mn, &fa);
        mn->i2.contents.di = (struct hip_domain_id){ HIP_DI_FQDN, span_of(NAME, sizeof NAME) };
        mn->i2.contents.inner = more ? inner : span_of(NULL, 0);
        (void)sim_connect(s, mn, fa);
        sim_run(s, 500000);
        assert_true(sim_joined(mn, fa));
        const struct sim_packet *i2 = sim_sent(s, HIP_PKT_I2);
        assert_int_equal(hip_pkt_parse(span_of(i2->p, i2->n), &k), HIP_TAKEN);
        assert_true(hip_pkt_has(&k, HIP_PAR_HOST_ID) == clear);
        assert_true(hip_pkt_has(&k, HIP_PAR_ENCRYPTED) == (!clear || more));
        assert_true(stands_in(i2, span_of(mn->hi.wire, mn->hi.wire_len)) == clear);
        assert_true(stands_in(i2, span_of(NAME, sizeof NAME)) == clear);
        assert_true(span_eq(fa->ask_contents.inner, mn->i2.contents.inner));
        assert_int_equal(fa->ask_contents.di.type, HIP_DI_FQDN);
        assert_true(span_eq(fa->ask_contents.di.v, span_of(NAME, sizeof NAME)));
        sim_free(s);
    }
}

static void forms_of_a_name(void **state)
{
    static const struct {
        uint8_t type;
        const char *v;
        size_t n;
        bool ok;
    } cases[] = {
        { HIP_DI_NONE, "", 0, true },
        { HIP_DI_NONE, "x", 1, false },
        { HIP_DI_FQDN, NAME, sizeof NAME, true },
        { HIP_DI_FQDN, "", 1, true },
        { HIP_DI_FQDN, "", 0, false },
        { HIP_DI_FQDN, NAME, sizeof NAME - 1, false }, /* no root */
        { HIP_DI_FQDN, "\2mn\0\1x", 6, false },        /* something behind it */
        { HIP_DI_FQDN, "\300\2", 2, false },           /* compressed */
        { HIP_DI_FQDN, "\5mn", 4, false },             /* beyond its end */
        { HIP_DI_NAI, "me@example.org", 14, true },
        { HIP_DI_NAI, "", 0, false },
        { HIP_DI_NAI, "me\n@example.org", 15, false },
        { HIP_DI_NAI, "me\177", 3, false },
        { 3, "me", 2, false },
    };
    char longest[256];
    memset(longest, 'a', sizeof longest);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct hip_host_id h = { .di_type = cases[i].type, .di = span_of(cases[i].v, cases[i].n) };
        const struct hip_domain_id d = { h.di_type, h.di }, seen = hip_host_id_di(&h);
        if (hip_domain_id_ok(&d) != cases[i].ok)
            fail_msg("case %zu", i);
        assert_int_equal(seen.type, cases[i].ok ? cases[i].type : HIP_DI_NONE);
        assert_int_equal(seen.v.n, cases[i].ok ? cases[i].n : 0);
    }
    assert_true(hip_domain_id_ok(&(struct hip_domain_id){ HIP_DI_NAI, span_of(longest, 255) }));
    assert_false(hip_domain_id_ok(&(struct hip_domain_id){ HIP_DI_NAI, span_of(longest, 256) }));
}

/* Each owner sees what the other one says of itself; HIP_MAC_2 covers the HOST_ID of R1 as it is, name included (RFC 7401 s6.4.1): a name
 * that changes on the way ends it. */
static void names_both_ways(void **state)
{
    static const struct hip_domain_id names[] = { { HIP_DI_FQDN, { (const uint8_t *)NAME, sizeof NAME } },
                                                  { HIP_DI_NAI, { (const uint8_t *)"me@example.org", 14 } } };
    for (int i = 0; i < 2; i++) {
        const struct hip_domain_id *theirs = &names[i], *ours = &names[!i];
        struct hip_config c = sim_config(), f = sim_config();
        struct sim_host *mn, *fa;
        struct hip_pkt k;
        f.di = *theirs;
        struct sim *s = pair_of(&c, &f, 0, 1, &mn, &fa);
        mn->i2.contents.di = *ours;
        (void)sim_connect(s, mn, fa);
        sim_run(s, 500000);
        assert_true(sim_joined(mn, fa));
        assert_int_equal(mn->ask_contents.di.type, theirs->type);
        assert_true(span_eq(mn->ask_contents.di.v, theirs->v));
        assert_int_equal(fa->ask_contents.di.type, ours->type);
        assert_true(span_eq(fa->ask_contents.di.v, ours->v));
        const struct sim_packet *r1 = sim_sent(s, HIP_PKT_R1);
        assert_int_equal(hip_pkt_parse(span_of(r1->p, r1->n), &k), HIP_TAKEN);
        const struct hip_identity *id = fa->e->id[0];
        assert_true(
            span_eq(hip_par_tlv(&k.p, hip_pkt_get(&k, HIP_PAR_HOST_ID)), span_of(id->tlv, id->tlv_len)));
        sim_free(s);
    }
}

/* R2's MAC made over a HOST_ID without the name that R1 had. */
static void mac_2_covers_the_name(void **state)
{
    struct hip_config c = sim_config(), f = sim_config();
    struct sim_host *mn, *fa;
    f.di = (struct hip_domain_id){ HIP_DI_NAI, span_str("fa@example") };
    struct sim *s = pair_of(&c, &f, 0, 1, &mn, &fa);
    struct hip_identity *id = fa->e->id[0];
    (void)sim_connect(s, mn, fa);
    sim_run(s, 11000);
    id->tlv[4 + 4 + id->hi.wire_len] ^= 1; /* the name's first octet: R1 has left */
    sim_run(s, 500000);
    assert_int_equal(mn->drop, HIP_DROP_BAD_HIP_MAC_2);
    assert_int_equal(mn->up, 0);
    sim_free(s);
}

static void names_of_no_form(void **state)
{
    struct hip_config c = sim_config(), f = sim_config();
    struct sim_host *mn, *fa;
    struct sim *s = pair_of(&c, &f, 0, 1, &mn, &fa);
    f.env = &s->env;
    f.di = (struct hip_domain_id){ HIP_DI_NAI, span_str("a\rb") };
    assert_null(hip_engine_new(&f));
    mn->hold = true;
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    mn->i2.contents.di = f.di;
    assert_int_equal(hip_answer(mn->e, mn->asked, &mn->i2, s->now, &s->out), ERR_SPACE);
    sim_free(s);
}

/* The drop reason of whoever looks at the other one's HOST_ID, and whether they joined: mn has `m`, fa an ECDSA key. */
static int with_key(const struct hip_hi *m, uint16_t least, bool no_dsa, bool asks, bool *up)
{
    struct hip_config c = sim_config(), strict = sim_config();
    struct sim *s = sim_new(sim_seed(102));
    strict.rsa_bits_min = least;
    strict.refuse_dsa = no_dsa;
    struct sim_host *mn = sim_host_hi(s, "mn", &c, m, "192.0.2.1");
    struct sim_host *fa = sim_host(s, "fa", &strict, 1, "198.51.100.1");
    (void)sim_connect(s, asks ? mn : fa, asks ? fa : mn);
    sim_run(s, 500000);
    int drop = fa->drop;
    *up = fa->sa_up == 1;
    assert_int_equal(fa->asked_i2 + fa->asked_r2, *up); /* its owner hears of nobody else */
    sim_free(s);
    return drop;
}

/* What an engine with this minimum says to a HOST_ID with an RSA key of so many bits: 3 as the exponent, any odd modulus will do. */
static err of_bits(uint16_t least, unsigned bits)
{
    uint8_t wire[600] = { 0, HIP_HI_RSA, 1, 3 };
    struct hip_config c = sim_config();
    struct hip_hi h;
    size_t n = (bits + 7) / 8;
    c.rsa_bits_min = least;
    struct sim *s = sim_new(sim_seed(103));
    struct sim_host *fa = sim_host(s, "fa", &c, 1, "198.51.100.1");
    memset(wire + 4, 0xff, n);
    wire[4] = (uint8_t)(0xff >> (8 * n - bits));
    err r = hip_peer_hi(fa->e, span_of(wire, 4 + n), &h);
    if (r == ERR_OK) {
        assert_int_equal(hip_hi_rsa_bits(&h), bits);
        hip_hi_done(&h);
    }
    sim_free(s);
    return r;
}

/* RFC 7401 s5.2.9 SHOULD: 112 bits of strength at least, from Initiators as from Responders, and less where the configuration has it. */
static void weak_keys(void **state)
{
    struct hip_hi usual;
    bool up;
    assert_int_equal(of_bits(0, 1024), ERR_RANGE);
    assert_int_equal(of_bits(0, 2047), ERR_RANGE);
    assert_int_equal(of_bits(0, 2048), ERR_OK);
    assert_int_equal(of_bits(1024, 1024), ERR_OK);
    assert_int_equal(of_bits(1025, 1024), ERR_RANGE);
    assert_int_equal(hip_hi_generate(SIG_RSA, 2048, &usual), ERR_OK);
    for (int asks = 0; asks < 2; asks++) {
        assert_int_equal(with_key(&usual, 0, true, asks, &up), HIP_TAKEN);
        assert_true(up);
        assert_int_equal(with_key(&usual, 2049, false, asks, &up), HIP_DROP_BAD_HI);
        assert_false(up);
    }
    hip_hi_done(&usual);
}

static void weak_dsa(void **state)
{
    struct hip_hi weak;
    bool up;
    assert_int_equal(hip_hi_generate(SIG_DSA, 0, &weak), ERR_OK);
    for (int asks = 0; asks < 2; asks++) {
        assert_int_equal(with_key(&weak, 0, false, asks, &up), HIP_TAKEN);
        assert_true(up);
        assert_int_equal(with_key(&weak, 0, true, asks, &up), HIP_DROP_BAD_HI);
        assert_false(up);
    }
    hip_hi_done(&weak);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_i2),
        cmocka_unit_test(forms_of_a_name),
        cmocka_unit_test(names_both_ways),
        cmocka_unit_test(mac_2_covers_the_name),
        cmocka_unit_test(names_of_no_form),
        cmocka_unit_test(weak_keys),
        cmocka_unit_test(weak_dsa),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
