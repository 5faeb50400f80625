/* SPDX-License-Identifier: Apache-2.0
 *
 * The SIM binding at the Forwarding Agent (docs/sim-binding.md sections 1, 5, 6, 8): what works, what is refused and how, who attacks, what fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dnsupd/hiprr.h"
#include "hip/build.h"
#include "tests/sim/fa_world.h"

#define MATTI "matti-virtanen.operator.example"

static uint64_t seed(uint64_t otherwise)
{
    const char *t = getenv("SEED");
    return t ? strtoull(t, NULL, 10) : otherwise;
}

static struct fw *world(void)
{
    return fw_new(seed(1));
}

static struct fw_mn *matti(struct fw *w)
{
    struct fw_mn *m = fw_mn(w, "mn", "192.0.2.9", &w->card[0]);
    m->wanted[0] = MATTI;
    return m;
}

static void nothing_bound(struct fw *w)
{
    assert_int_equal(w->n_row, 0);
    assert_int_equal(w->n_zone, 0);
    assert_int_equal(w->booked, 0);
    assert_int_equal(w->reg_up, 0);
}

static struct fa_stats stats(struct fw *w)
{
    struct fa_stats s;
    fa_stats_get(w->fa, &s);
    return s;
}

/* ---- what works ---- */

static void test_bound(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = matti(w);
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    assert_string_equal(m->fqdn, MATTI);
    assert_true(m->success && m->granted_sim && m->granted_rvs && m->r2_had_eap);
    assert_false(m->mac_bad);
    assert_int_equal(m->fail_rvs, 0); /* what R2 said before the proof */
    assert_int_equal(m->bound_s, 30 * 86400);
    assert_int_equal(m->challenges, 1);
    assert_int_equal(w->asked[FA_JOB_AS], 2);
    assert_int_equal(w->asked[FA_JOB_DNS], 1);
    assert_int_equal(w->booked, 1);
    assert_int_equal(w->event[FA_EVENT_COLLECTED], 1);
    assert_int_equal(w->event[FA_EVENT_BOUND], 1);
    assert_null(fw_inconsistent(w));
    assert_false(w->saw_clear_imsi);

    /* the record: the HIT and key of the MN, the FA as rendezvous server */
    struct fw_rr *z = fw_zone(w, MATTI);
    struct dnsu_hiprr rr;
    struct dnsu_name n;
    char text[DNSU_NAME_TEXT_MAX];
    assert_non_null(z);
    assert_int_equal(dnsu_hiprr_parse(span_of(z->rdata, z->n), &rr), ERR_OK);
    assert_memory_equal(rr.hit.p, m->hi.hit.b, 16);
    assert_int_equal(rr.n_rvs, 1);
    assert_int_equal(dnsu_hiprr_rvs(&rr, 0, &n), ERR_OK);
    assert_string_equal(dnsu_name_text(&n, text), "fa.operator.example.");

    /* reached through the FA now */
    struct fw_mn *cn = fw_mn(w, "cn", "198.51.100.7", NULL);
    assert_int_equal(fw_i1_for(w, cn, &m->hi.hit), 0);
    fw_run(w, FW_S);
    assert_int_equal(m->i1_relayed, 1);
    assert_true(fw_i1_for(w, cn, &cn->other.hit) != 0); /* nobody registered that */
    struct fa_registration r;
    size_t pos = 0;
    assert_true(fa_registration_next(w->fa, &pos, &r));
    assert_string_equal(r.name, MATTI);
    assert_int_equal(r.relayed, 1);
    assert_false(fa_registration_next(w->fa, &pos, &r));
    assert_int_equal(stats(w).runs_open, 0);
    fw_free(w);
}

static void test_loss_and_duplication(void **state)
{
    for (uint64_t i = 1; i <= 12; i++) {
        struct fw *w = fw_new(seed(i));
        w->loss_pm = 200;
        w->dup_pm = 200;
        fw_start(w);
        struct fw_mn *m = matti(w);
        fw_connect(w, m);
        fw_run(w, 45 * FW_S);
        bool lost = m->gone || !m->up; /* five tries of a packet, all lost */
        if (!lost && m->status != HIP_BIND_ST_BOUND)
            fail_msg("seed %llu: status %d", (unsigned long long)w->seed, m->status);
        assert_true(w->asked[FA_JOB_AS] <= 2);
        assert_true(w->asked[FA_JOB_DNS] <= 1);
        assert_false(m->mac_bad);
        const char *why = fw_inconsistent(w);
        if (why)
            fail_msg("seed %llu: %s", (unsigned long long)w->seed, why);
        fw_free(w);
    }
}

static void test_everything_twice_asks_once(void **state)
{
    struct fw *w = world();
    w->dup_pm = 1000;
    fw_start(w);
    struct fw_mn *m = matti(w);
    fw_connect(w, m);
    fw_run(w, 5 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    assert_int_equal(m->responses, 1);
    assert_int_equal(w->asked[FA_JOB_AS], 2);
    assert_int_equal(w->asked[FA_JOB_INTENT], 1);
    assert_int_equal(w->asked[FA_JOB_DNS], 1);
    assert_int_equal(w->asked[FA_JOB_BOUND], 1);
    assert_int_equal(w->booked, 1);
    fw_free(w);
}

static void test_slow_as_sends_r2_bare(void **state)
{
    struct fw *w = world();
    w->job_us[FA_JOB_AS] = 2 * FW_S;
    fw_start(w);
    struct fw_mn *m = matti(w);
    fw_connect(w, m);
    fw_run(w, FW_S);
    assert_true(m->up); /* R2 did not wait for the AS */
    assert_false(m->r2_had_eap);
    assert_int_equal(m->fail_rvs, 0);
    assert_int_equal(m->fail_sim, -1);
    fw_run(w, 10 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    assert_int_equal(w->asked[FA_JOB_AS], 2);
    fw_free(w);
}

static void test_silent_as(void **state)
{
    for (int down = 0; down < 2; down++) {
        struct fw *w = world();
        w->as = down ? AS_DOWN : AS_SILENT;
        fw_start(w);
        struct fw_mn *m = matti(w);
        fw_connect(w, m);
        fw_run(w, FW_S);
        assert_true(m->up);
        fw_run(w, 6 * FW_S);
        assert_int_equal(m->fail_sim, 1); /* type unavailable */
        assert_int_equal(m->fail_rvs, 1);
        assert_false(m->gone);
        nothing_bound(w);
        assert_int_equal(stats(w).runs_open, 0);
        w->as = AS_GOOD; /* the SIM part follows on the same association */
        fw_run_again(w, m);
        fw_run(w, 5 * FW_S);
        assert_int_equal(m->status, HIP_BIND_ST_BOUND);
        fw_free(w);
    }
}

static void test_resynchronisation(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = matti(w);
    w->card[0].sqn = sqn_make(100, 1);
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    w->card[0].sqn = sqn_make(5, 1); /* the AuC fell back: its next challenge is an old one to the card */
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->challenges, 2);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    fw_free(w);
}

static void test_invited(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = matti(w);
    m->cheat = MN_NO_EAP; /* asks for SIM_BINDING and does not say who it is: the FA asks */
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    fw_free(w);
}

static void test_comes_back(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = matti(w);
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_true(m->granted_rvs);
    fw_restart(w);
    m->want_sim = false; /* a plain base exchange with RFC 8003 registration */
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_true(m->granted_rvs);
    assert_int_equal(m->fail_rvs, -1);
    assert_int_equal(w->asked[FA_JOB_AS], 2); /* those of the first time */
    w->sub[0].active = false;                 /* barred: asked again at each exchange */
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_false(m->granted_rvs);
    assert_int_equal(m->fail_rvs, 0);
    fw_free(w);
}

/* ---- hosts that a partner bound (section 17) ---- */

/* The record that an FA with these rendezvous servers wrote for this HI. */
static void record(struct fw *w, const char *name, const struct hip_hi *hi, const struct hit *hit,
                   const char *rvs1, const char *rvs2)
{
    uint8_t names[510], rdata[FA_RDATA_MAX];
    size_t n = fa_name_to_wire(rvs1, names), len;
    struct dnsu_hiprr rr = { .hit = span_of(hit->b, sizeof hit->b), .n_rvs = rvs2 ? 2 : 1 };
    if (rvs2)
        n += fa_name_to_wire(rvs2, names + n);
    rr.rvs = span_of(names, n);
    assert_int_equal(hip_hi_to_dns(hi, &rr.pk_alg, &rr.pk), ERR_OK);
    assert_int_equal(dnsu_hiprr_encode(&rr, rdata, sizeof rdata, &len), ERR_OK);
    fw_zone_put(w, name, span_of(rdata, len));
}

static struct fw_mn *partners_host(struct fw *w, const char *says)
{
    struct fw_mn *m = matti(w);
    m->want_sim = false;
    m->want_rvs = true;
    m->says = says;
    w->c.by_zone = true;
    return m;
}

static void test_bound_by_partner(void **state)
{
    struct fw *w = world();
    struct fw_mn *m = partners_host(w, MATTI);
    struct fw_mn *cn = fw_mn(w, "cn", "192.0.2.21", NULL);
    fw_start(w);
    record(w, MATTI, &m->hi, &m->hi.hit, "fa1.operator.example", "fa.operator.example");
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_true(m->granted_rvs);
    assert_int_equal(w->asked[FA_JOB_ZONE], 1);
    assert_int_equal(w->asked[FA_JOB_AS], 0);
    assert_int_equal(w->asked[FA_JOB_DNS], 0);
    assert_int_equal(fw_i1_for(w, cn, &m->hi.hit), 0);
    fw_renew(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(w->asked[FA_JOB_ZONE], 2); /* each renewal asks again */
    assert_true(m->granted_rvs);

    w->dns = DNS_DOWN; /* nothing is known: the registration there is goes on until it ends */
    fw_renew(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->fail_rvs, 2);
    assert_int_equal(stats(w).registrations, 1);
    w->dns = DNS_GOOD;

    w->n_zone = 0; /* revoked at the partner: its record went */
    fw_renew(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->fail_rvs, 0);
    assert_int_equal(stats(w).registrations, 0);
    assert_true(fw_i1_for(w, cn, &m->hi.hit) != 0);
    fw_free(w);
}

static void test_not_bound_by_partner(void **state)
{
    static const char *const why[] = {
        "switched off",     "says no name",        "a name of another domain",
        "no record",        "somebody else's HIT", "another key",
        "does not name us", "other data",          "the domain itself",
    };
    for (size_t i = 0; i < sizeof why / sizeof why[0]; i++) {
        struct fw *w = world();
        struct fw_mn *m = partners_host(w, MATTI);
        const char *name = MATTI;
        if (i == 0)
            w->c.by_zone = false;
        if (i == 1)
            m->says = NULL;
        if (i == 2)
            name = m->says = "matti.other.example";
        if (i == 8)
            name = m->says = "operator.example";
        fw_start(w);
        if (i == 7)
            fw_zone_put(w, MATTI, span_of(NULL, 0))->n = 0;
        else if (i != 3)
            record(w, name, i == 5 ? &m->other : &m->hi, i == 4 ? &m->other.hit : &m->hi.hit,
                   i == 6 ? "fa1.operator.example" : "fa.operator.example", NULL);
        fw_connect(w, m);
        fw_run(w, 3 * FW_S);
        if (m->granted_rvs || m->fail_rvs != 0 || stats(w).registrations)
            fail_msg("registered: %s", why[i]);
        if (i < 3 || i == 8)
            assert_int_equal(w->asked[FA_JOB_ZONE],
                             0); /* nobody's question goes out for a name of a stranger's choice */
        fw_free(w);
    }
}

/* What we write ourselves: our own name first. */
static void test_partners_in_record(void **state)
{
    struct fw *w = world();
    struct fw_mn *m = matti(w);
    struct dnsu_hiprr rr;
    struct dnsu_name n;
    char text[DNSU_NAME_TEXT_MAX];
    static const char *const want[] = { "fa.operator.example.", "fa2.operator.example.", "fa3.example." };
    w->c.partner[0] = "fa2.operator.example";
    w->c.partner[1] = "fa3.example";
    w->c.n_partner = 2;
    fw_start(w);
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_true(m->bound_ok);
    const struct fw_rr *z = fw_zone(w, MATTI);
    assert_non_null(z);
    assert_int_equal(dnsu_hiprr_parse(span_of(z->rdata, z->n), &rr), ERR_OK);
    assert_int_equal(rr.n_rvs, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(dnsu_hiprr_rvs(&rr, i, &n), ERR_OK);
        assert_string_equal(dnsu_name_text(&n, text), want[i]);
    }
    fw_free(w);
}

/* ---- reauthenticate (section 18) ---- */

/* Asked for a run and silent: registered no more, by a plain exchange neither; the row stays, and a run heals it. */
static void test_reauthentication_unanswered(void **state)
{
    struct fw *w = world();
    struct fw_mn *m = matti(w);
    w->c.reauth_s = 3600;
    fw_start(w);
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_true(m->granted_rvs);
    m->cheat = MN_SILENT;
    for (int i = 0; i < 35; i++) {
        fw_run(w, 100 * FW_S);
        fw_renew(w, m);
    }
    assert_int_equal(stats(w).registrations, 1);
    assert_int_equal(w->event[FA_EVENT_RUN], 1);
    fw_run(w, 150 * FW_S);
    assert_int_equal(w->event[FA_EVENT_RUN], 2); /* asked, and still registered */
    assert_int_equal(stats(w).registrations, 1);
    fw_run(w, 100 * FW_S);
    assert_int_equal(stats(w).registrations, 0);
    assert_int_equal(fw_rows(w, FA_BINDING_BOUND), 1);
    assert_null(fw_inconsistent(w));

    m->want_sim = false;
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_false(m->granted_rvs);
    assert_int_equal(m->fail_rvs, 0);
    m->cheat = MN_HONEST;
    m->want_sim = true;
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_true(m->granted_rvs);
    assert_true(m->bound_ok);
    fw_free(w);
}

/* What is remembered of one is not lost for what is remembered of the other, wherever chance puts them. */
static void test_reauthentication_of_two(void **state)
{
    for (uint64_t n = 1; n <= 6; n++) {
        struct fw *w = fw_new(seed(n));
        struct fw_mn *m[2];
        w->c.reauth_s = 3600;
        w->c.registrations_max = 2;
        fw_start(w);
        m[0] = matti(w);
        m[1] = fw_mn(w, "eve", "192.0.2.66", &w->card[1]);
        for (int i = 0; i < 2; i++) {
            fw_connect(w, m[i]);
            fw_run(w, 3 * FW_S);
            assert_true(m[i]->granted_rvs);
        }
        m[0]->cheat = m[1]->cheat = MN_SILENT;
        for (int k = 0; k < 35; k++) {
            fw_run(w, 100 * FW_S);
            fw_renew(w, m[0]);
            fw_renew(w, m[1]);
        }
        fw_run(w, 150 * FW_S);
        assert_int_equal(w->event[FA_EVENT_RUN], 4); /* each was asked */
        fw_free(w);
    }
}

/* The key is compared whole, not by its HIT; and a binding that has ended is none, swept or not. */
static void test_comes_back_only_as_bound(void **state)
{
    for (int ended = 0; ended < 2; ended++) {
        struct fw *w = world();
        fw_start(w);
        struct fw_mn *m = matti(w);
        fw_connect(w, m);
        fw_run(w, 3 * FW_S);
        assert_true(m->granted_rvs);
        if (ended)
            w->row[0].ends_us = w->now;
        else
            w->row[0].b.hi[40] ^= 1;
        m->want_sim = false;
        fw_connect(w, m);
        fw_run(w, 3 * FW_S);
        assert_false(m->granted_rvs);
        assert_int_equal(m->fail_rvs, 0);
        fw_free(w);
    }
}

static void test_repeated_bind_gives_the_same(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = matti(w);
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    m->wanted[0] = "other.operator.example";
    m->lifetime_s = 3600;
    fw_run_again(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    assert_string_equal(m->fqdn, MATTI);
    assert_int_equal(m->bound_s, 3600);
    assert_int_equal(w->asked[FA_JOB_DNS], 1);
    m->wanted[0] = NULL;
    m->flags = HIP_BIND_REFRESH;
    m->lifetime_s = 0;
    fw_run_again(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    assert_int_equal(m->bound_s, 30 * 86400);
    assert_int_equal(w->n_row, 1);
    fw_free(w);
}

static void test_unbind(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = matti(w);
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    fw_unbind(w, m);
    fw_run(w, 3 * FW_S);
    assert_false(m->granted_sim || m->granted_rvs);
    assert_int_equal(w->n_row, 0);
    assert_int_equal(w->n_zone, 0);
    assert_int_equal(w->n_reserved, 1); /* for its subscriber */
    assert_int_equal(stats(w).registrations, 0);
    fw_renew(w, m);
    fw_run(w, FW_S);
    assert_int_equal(m->fail_rvs, 0);
    fw_run_again(w, m); /* and again */
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    assert_string_equal(m->fqdn, MATTI);
    fw_free(w);
}

/* The same asked for in the I2 of a new exchange: no run begins, the authentication server is not asked. */
static void test_unbind_in_i2(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = matti(w);
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(fw_rows(w, FA_BINDING_BOUND), 1);
    unsigned asked = w->asked[FA_JOB_AS];
    m->reg_code = 0;
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(w->n_row, 0);
    assert_int_equal(w->n_zone, 0);
    assert_int_equal(w->asked[FA_JOB_AS], asked);
    assert_int_equal(stats(w).registrations, 0);
    assert_int_equal(stats(w).runs_open, 0);
    fw_free(w);
}

static void test_binding_ends(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = matti(w);
    m->lifetime_s = 600;
    m->reg_code = 156; /* 2896 s: longer than the binding lives */
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(fw_rows(w, FA_BINDING_BOUND), 1);
    assert_int_equal(stats(w).registrations, 1);
    fw_run(w, 1000 * FW_S);
    assert_int_equal(w->n_row, 0);
    assert_int_equal(w->n_zone, 0);
    assert_int_equal(stats(w).registrations, 0); /* it went with the binding */
    fw_renew(w, m);
    fw_run(w, FW_S);
    assert_int_equal(m->fail_rvs, 0);
    assert_int_equal(stats(w).registrations, 0);
    fw_free(w);
}

static void test_item1(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = matti(w);
    m->cheat = MN_ITEM1_GOOD;
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    assert_true(m->granted_sim);
    assert_false(m->granted_rvs); /* that HI registers in an exchange of its own */
    assert_memory_equal(w->row[0].b.hit, m->other.hit.b, 16);
    fw_free(w);

    w = world();
    fw_start(w);
    m = matti(w);
    m->cheat = MN_ITEM1_BAD;
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_HI_REFUSED);
    assert_int_equal(m->fail_sim, 0);
    nothing_bound(w);
    fw_free(w);
}

/* ---- who may register ---- */

static void test_strangers_and_allow_list(void **state)
{
    struct fw *w = world();
    struct fw_mn *listed = fw_mn(w, "a", "192.0.2.20", NULL);
    struct fw_mn *stranger = fw_mn(w, "b", "192.0.2.21", NULL);
    w->allow[0] = (struct fa_allow){ .hit = listed->hi.hit, .n = 1, .type = { FA_REG_RENDEZVOUS } };
    w->c.n_allow = 1;
    fw_start(w);
    fw_connect(w, listed);
    fw_connect(w, stranger);
    fw_run(w, 3 * FW_S);
    assert_true(listed->granted_rvs);
    assert_false(stranger->granted_rvs);
    assert_int_equal(stranger->fail_rvs, 0);
    assert_int_equal(stats(w).registrations, 1);
    assert_int_equal(w->n_row, 0);
    assert_int_equal(fw_i1_for(w, stranger, &listed->hi.hit), 0);
    w->now += 300 * FW_S; /* 256 s of registration are over, though the timer has not been looked at */
    assert_true(fw_i1_for(w, stranger, &listed->hi.hit) != 0);
    fw_run(w, FW_S);
    assert_int_equal(stats(w).registrations, 0);
    fw_free(w);
}

/* The list is for the types that it names. */
static void test_allow_list_types(void **state)
{
    struct fw *w = world();
    struct fw_mn *listed = fw_mn(w, "a", "192.0.2.20", NULL);
    w->allow[0] = (struct fa_allow){ .hit = listed->hi.hit, .n = 1, .type = { FA_REG_RENDEZVOUS + 1 } };
    w->c.n_allow = 1;
    fw_start(w);
    fw_connect(w, listed);
    fw_run(w, 3 * FW_S);
    assert_false(listed->granted_rvs);
    assert_int_equal(listed->fail_rvs, 0);
    assert_int_equal(stats(w).registrations, 0);
    fw_free(w);
}

static void test_registration_renewed_keeps_the_association(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = matti(w);
    fw_connect(w, m);
    for (int i = 0; i < 30; i++) {
        fw_run(w, 100 * FW_S);
        fw_renew(w, m);
    }
    assert_int_equal(stats(w).registrations, 1);
    assert_false(m->gone);
    fw_free(w);
}

static void test_registration_keeps_the_association(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = matti(w), *cn = fw_mn(w, "cn", "198.51.100.7", NULL);
    m->reg_code = 158; /* 3444 s */
    fw_connect(w, m);
    fw_run(w, 3000 * FW_S); /* an unused association lives fifteen minutes */
    assert_int_equal(stats(w).registrations, 1);
    assert_int_equal(fw_i1_for(w, cn, &m->hi.hit), 0);
    fw_run(w, 2000 * FW_S);
    assert_int_equal(stats(w).registrations, 0);
    assert_int_equal(stats(w).associations, 0); /* nothing keeps it now */
    fw_free(w);
}

/* A result that comes after its run was given up belongs to nobody, though the next run waits for one of the same kind. */
static void test_late_result(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = matti(w);
    w->job_us[FA_JOB_AS] = 6 * FW_S;
    fw_connect(w, m);
    fw_run(w, 11 * FW_S / 2);
    assert_int_equal(m->fail_sim, 1);
    w->job_us[FA_JOB_AS] = 2 * FW_S;
    fw_run_again(w, m);
    fw_run(w, 12 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    assert_int_equal(m->challenges, 1);
    assert_int_equal(stats(w).jobs_late, 1);
    fw_free(w);
}

static void test_revoked(void **state)
{
    struct fw *w = world();
    struct fw_mn *m = matti(w);
    w->allow[0] = (struct fa_allow){ .hit = m->hi.hit, .n = 1, .type = { FA_REG_RENDEZVOUS } };
    w->c.n_allow = 1;
    fw_start(w);
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_true(m->granted_rvs);
    fa_actions_reset(w->out);
    assert_int_equal(fa_revoke(w->fa, MATTI, NULL, w->now, w->out), ERR_OK);
    fw_act(w);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->notice, HIP_BIND_ST_REVOKED);
    assert_false(m->granted_rvs);
    assert_int_equal(w->n_zone, 0);
    assert_int_equal(stats(w).registrations, 0);
    assert_null(fw_inconsistent(w));
    fw_connect(w, m); /* whatever the lists say */
    fw_run(w, 3 * FW_S);
    assert_false(m->granted_rvs);
    assert_int_equal(m->fail_sim, 0);
    assert_int_equal(m->fail_rvs, 0);
    fw_free(w);
}

/* ---- attacks: nothing is bound, nothing is in the DNS, nothing is booked ---- */

struct attack {
    const char *what;
    enum fw_cheat cheat;
    enum fw_as as;
    const char *alarm; /* what it says; NULL: none */
    bool failure;
};

static void test_attacks(void **state)
{
    static const struct attack rows[] = {
        { "BIND_MAC wrong", MN_BAD_MAC, AS_GOOD, "BIND_MAC is wrong", false },
        { "relay without MSK", MN_NO_MSK, AS_GOOD, "BIND_MAC is wrong", false },
        { "BIND_MAC made for another HI", MN_OTHER_HI, AS_GOOD, "BIND_MAC is wrong", false },
        { "no BIND_REQUEST", MN_NO_REQUEST, AS_GOOD, "no BIND_MAC", false },
        { "RES wrong", MN_BAD_RES, AS_GOOD, NULL, true },
        { "fast re-authentication instead of AKA", MN_REAUTH, AS_GOOD, NULL, false },
        { "Access-Accept without MSK", MN_HONEST, AS_NO_MSK,
          "Access-Accept without MSK, or of a wrong length", false },
        { "Access-Accept with half an MSK", MN_HONEST, AS_SHORT_MSK,
          "Access-Accept without MSK, or of a wrong length", false },
        { "Access-Accept for another operator's IMSI", MN_HONEST, AS_OTHER_IMSI,
          "subscriber does not belong to the realm that was asked", false },
        { "Access-Accept that names nobody", MN_HONEST, AS_NO_IMSI, "Access-Accept names no subscriber",
          false },
        { "Access-Accept for an identity alone", MN_HONEST, AS_EARLY,
          "Access-Accept after a method that is not permitted", false },
        { "Access-Accept without EAP Success", MN_HONEST, AS_NO_SUCCESS, "Access-Accept without EAP Success",
          false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fw *w = world();
        bool alarm = rows[i].alarm != NULL;
        w->as = rows[i].as;
        fw_start(w);
        struct fw_mn *m = matti(w);
        m->cheat = rows[i].cheat;
        fw_connect(w, m);
        fw_run(w, 15 * FW_S);
        if (m->status != -1 || m->fail_sim != 0 || (w->audits > 0) != alarm ||
            m->eap_failure != rows[i].failure || !m->gone || (m->notify == 24) != alarm)
            fail_msg("%s: status %d, failed %d, alarms %u, notify %d, gone %d", rows[i].what, m->status,
                     m->fail_sim, w->audits, m->notify, m->gone);
        assert_string_equal(w->last_alarm, alarm ? rows[i].alarm : "");
        nothing_bound(w);
        assert_int_equal(stats(w).runs_open, 0);
        fw_free(w);
    }
}

/* A home network with nothing but EAP-AKA: where the operator lets it bind, it does; else the run ends before the AS hears the answer. */
static void test_eap_aka(void **state)
{
    for (int allowed = 0; allowed < 2; allowed++) {
        struct fw *w = world();
        w->c.allow_eap_aka = allowed;
        w->as_method = EAP_TYPE_AKA;
        fw_start(w);
        struct fw_mn *m = matti(w);
        m->allow_aka = true;
        fw_connect(w, m);
        fw_run(w, 15 * FW_S);
        assert_int_equal(m->status, allowed ? HIP_BIND_ST_BOUND : -1);
        assert_int_equal(m->gone, !allowed);
        if (!allowed)
            nothing_bound(w);
        fw_free(w);
    }
}

static void test_replayed_proof(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = matti(w);
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    fw_unbind(w, m);
    fw_run(w, 3 * FW_S);
    m->cheat = MN_REPLAY;
    fw_run_again(w, m);
    fw_run(w, 3 * FW_S);
    assert_true(m->eap_failure);
    assert_int_equal(m->status, -1);
    assert_int_equal(w->n_zone, 0);
    fw_free(w);
}

static void test_trusted_identity(void **state)
{
    struct fw *w = world();
    w->as = AS_NO_IMSI;
    w->realm[0].trust_eap_identity = true; /* only where the operator says so */
    fw_start(w);
    struct fw_mn *m = matti(w);
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    fw_free(w);
}

static void test_bogus_inner_is_ignored(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = matti(w);
    m->cheat = MN_BOGUS_INNER;
    fw_connect(w, m);
    fw_run(w, 5 * FW_S);
    assert_int_equal(w->asked[FA_JOB_AS], 1);
    fw_run(w, 70 * FW_S); /* the run ends in time */
    assert_int_equal(stats(w).runs_open, 0);
    assert_true(m->gone);
    nothing_bound(w);
    fw_free(w);
}

static void test_identifier_not_outstanding(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = matti(w);
    m->cheat = MN_OLD_ID;
    fw_connect(w, m);
    fw_run(w, 5 * FW_S);
    assert_int_equal(w->asked[FA_JOB_AS], 1); /* acknowledged and ignored */
    assert_int_equal(m->status, -1);
    nothing_bound(w);
    fw_free(w);
}

static void test_silent_mn(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = matti(w);
    m->cheat = MN_SILENT;
    fw_connect(w, m);
    fw_run(w, 50 * FW_S);
    assert_int_equal(stats(w).runs_open, 1);
    fw_run(w, 30 * FW_S);
    assert_int_equal(stats(w).runs_open, 0);
    nothing_bound(w);
    fw_free(w);
}

/* ---- statuses ---- */

static void test_not_subscribed(void **state)
{
    for (int unknown = 0; unknown < 2; unknown++) {
        struct fw *w = world();
        fw_start(w);
        struct fw_mn *m = matti(w);
        if (unknown)
            w->n_sub = 0;
        else
            w->sub[0].active = false;
        fw_connect(w, m);
        fw_run(w, 3 * FW_S);
        assert_int_equal(m->status, HIP_BIND_ST_NOT_SUBSCRIBED);
        assert_true(m->wait_s >= 3600);
        assert_int_equal(m->fail_sim, 0);
        assert_int_equal(m->fail_rvs, 0);
        nothing_bound(w);
        fw_free(w);
    }
}

static void test_domain_rule_and_further_attempt(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = matti(w);
    m->wanted[0] = "matti-virtanen.other.example";
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_NAME_REFUSED);
    assert_int_equal(m->fail_sim, 0);
    nothing_bound(w);
    fw_free(w);

    w = world();
    fw_start(w);
    m = matti(w);
    m->wanted[0] = "www.operator.example";
    m->again[0] = MATTI; /* attempt 2 under the same K, no new AKA run */
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->responses, 2);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    assert_string_equal(m->fqdn, MATTI);
    assert_int_equal(w->asked[FA_JOB_AS], 2);
    fw_free(w);
}

static void test_x962_refused(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = matti(w);
    fw_mn_x962(w, m);
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_true(m->up); /* it may associate */
    assert_int_equal(m->status, HIP_BIND_ST_HI_REFUSED);
    assert_string_equal(m->reason, "host identity in a form that the DNS cannot hold");
    nothing_bound(w);
    fw_free(w);
}

/* docs/sim-binding.md sections 1 and 6: a host whose own HI is of suite 5 may associate and run AKA; that HI is not bound. */
static void test_suite_5_refused(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = matti(w);
    fw_mn_kind(w, m, SIG_ED25519);
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_true(m->up);
    assert_int_equal(m->status, HIP_BIND_ST_HI_REFUSED);
    assert_string_equal(m->reason, "HIT suite of the host identity is not allowed");
    nothing_bound(w);
    fw_free(w);
}

static void test_malformed(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct fw *w = world();
        fw_start(w);
        struct fw_mn *m = matti(w);
        m->cheat = i ? MN_ATTEMPT : MN_MALFORMED;
        fw_connect(w, m);
        fw_run(w, 3 * FW_S);
        assert_int_equal(m->status, HIP_BIND_ST_MALFORMED);
        assert_int_equal(stats(w).runs_open, 0); /* final: K is gone */
        nothing_bound(w);
        fw_free(w);
    }
}

static void test_name_in_use(void **state)
{
    struct fw *w = world();
    fw_start(w);
    fw_zone_put(w, MATTI, span_of(NULL, 0)); /* somebody else's data */
    struct fw_mn *m = matti(w);
    m->wanted[1] = "mv.operator.example";
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    assert_string_equal(m->fqdn, "mv.operator.example");
    assert_int_equal(fw_zone(w, MATTI)->n, 0);
    assert_null(fw_inconsistent(w));
    fw_free(w);

    w = world();
    fw_start(w);
    fw_zone_put(w, MATTI, span_of(NULL, 0));
    m = matti(w);
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_string_equal(m->fqdn, "matti-virtanen-2.operator.example");
    assert_int_equal(w->n_row, 1);
    fw_free(w);

    w = world();
    fw_start(w);
    fw_zone_put(w, MATTI, span_str("somebody else's HIP record"));
    m = matti(w);
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_string_equal(m->fqdn, "matti-virtanen-2.operator.example");
    assert_int_equal(fw_zone(w, MATTI)->n, strlen("somebody else's HIP record"));
    fw_free(w);

    w = world();
    fw_start(w);
    fw_zone_put(w, "only.operator.example", span_of(NULL, 0));
    for (int i = 2; i <= 9; i++) {
        char name[64];
        snprintf(name, sizeof name, "only-%d.operator.example", i);
        fw_zone_put(w, name, span_of(NULL, 0));
    }
    m = matti(w);
    m->wanted[0] = "only.operator.example";
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_NAME_REFUSED);
    assert_int_equal(w->n_row, 0);
    assert_int_equal(w->booked, 0);
    fw_free(w);
}

static void test_nobody_elses_name(void **state)
{
    static const char *const names[] = { MATTI, "rnatti-virtanen.operator.example",
                                         "matt1-virtanen.operator.example",
                                         "mattivirtanen.operator.example" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct fw *w = world();
        fw_start(w);
        struct fw_mn *eve = fw_mn(w, "eve", "192.0.2.66", &w->card[1]);
        eve->wanted[0] = names[i];
        fw_connect(w, eve);
        fw_run(w, 3 * FW_S);
        /* she gets a number at most, never the name or its like */
        if (eve->status == HIP_BIND_ST_BOUND && strcmp(eve->fqdn, names[i]) == 0)
            fail_msg("%s was given away", names[i]);
        fw_free(w);
    }
}

static void test_no_name_asked_for_is_opaque(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = matti(w);
    m->wanted[0] = NULL;
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    assert_int_equal(strncmp(m->fqdn, "m-", 2), 0);
    fw_free(w);
}

static void test_hi_of_another_subscriber(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = matti(w);
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    m->card = &w->card[1]; /* the same HI, another SIM */
    m->wanted[0] = "eve-mallory.operator.example";
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_HI_REFUSED);
    assert_int_equal(w->n_row, 1);
    assert_null(fw_inconsistent(w));
    fw_free(w);
}

static void test_second_device(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = matti(w), *second = fw_mn(w, "mn2", "192.0.2.10", &w->card[0]);
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    fw_connect(w, second);
    fw_run(w, 3 * FW_S);
    assert_int_equal(second->status, HIP_BIND_ST_TOO_MANY);
    w->sub[0].devices_max = 2;
    fw_run_again(w, second);
    fw_run(w, 3 * FW_S);
    assert_int_equal(second->status, HIP_BIND_ST_BOUND);
    assert_int_equal(fw_rows(w, FA_BINDING_BOUND), 2);
    assert_null(fw_inconsistent(w));
    fw_free(w);
}

static struct fw_mn *raise_epoch;
static void barred_meanwhile(struct fw *w, const struct fa_job *j)
{
    if (j->type == FA_JOB_INTENT && raise_epoch) {
        w->epoch[0]++;
        raise_epoch = NULL;
    }
}

static void test_epoch(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = raise_epoch = matti(w);
    w->before = barred_meanwhile;
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_UNAVAILABLE);
    assert_int_equal(m->fail_sim, 2);
    nothing_bound(w);
    fw_free(w);
}

/* Two of a subscriber's devices at once, slowly: one after the other, and only one gets in. */
static void test_serial(void **state)
{
    struct fw *w = world();
    for (size_t i = 0; i < FA_JOB__COUNT; i++)
        w->job_us[i] = 100000;
    fw_start(w);
    struct fw_mn *m = matti(w), *second = fw_mn(w, "mn2", "192.0.2.10", &w->card[0]);
    second->wanted[0] = MATTI;
    fw_connect(w, m);
    fw_connect(w, second);
    fw_run(w, 10 * FW_S);
    assert_int_equal((m->status == HIP_BIND_ST_BOUND) + (second->status == HIP_BIND_ST_BOUND), 1);
    assert_int_equal((m->status == HIP_BIND_ST_TOO_MANY) + (second->status == HIP_BIND_ST_TOO_MANY), 1);
    assert_int_equal(w->asked[FA_JOB_INTENT], 1);
    assert_null(fw_inconsistent(w));
    fw_free(w);
}

/* Another engine works on the subscriber: nothing is read or written until it is done; then it goes on by itself, and leaves no lock behind. */
static void test_serial_engines(void **state)
{
    static struct fa_locks locks;
    struct fw *w = world();
    w->c.locks = &locks;
    for (size_t i = 0; i < FA_LOCKS; i++) /* whatever the subscriber's is */
        locks.word[i] = UINT64_C(2) << 32 | 1;
    fw_start(w);
    struct fw_mn *m = matti(w), *second = fw_mn(w, "mn2", "192.0.2.10", &w->card[0]);
    second->wanted[0] = MATTI;
    fw_connect(w, m);
    fw_run(w, 2 * FW_S);
    fw_connect(w, second); /* queues behind it */
    fw_run(w, 2 * FW_S);
    assert_int_equal(m->status, -1);
    assert_int_equal(w->asked[FA_JOB_INTENT], 0);
    for (size_t i = 0; i < FA_LOCKS; i++)
        locks.word[i] = 0;
    fw_run(w, FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    assert_int_equal(second->status, HIP_BIND_ST_TOO_MANY);
    assert_int_equal(w->asked[FA_JOB_INTENT], 1);
    for (size_t i = 0; i < FA_LOCKS; i++)
        assert_int_equal(locks.word[i], 0);
    assert_null(fw_inconsistent(w));
    fw_free(w);
}

/* ---- limits ---- */

static void test_limits(void **state)
{
    struct fw *w = world();
    w->c.new_runs_per_minute_and_source = 2;
    fw_start(w);
    struct fw_mn *m = matti(w);
    m->identity[0] = 0;
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    fw_run_again(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    fw_run_again(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->status, -1);
    assert_int_equal(m->fail_sim, 2);
    assert_int_equal(w->asked[FA_JOB_AS], 4);
    fw_free(w);

    w = world();
    w->c.runs_max = 1;
    w->job_us[FA_JOB_AS] = FW_S;
    fw_start(w);
    m = matti(w);
    struct fw_mn *second = fw_mn(w, "mn2", "192.0.2.10", &w->card[1]);
    fw_connect(w, m);
    fw_run(w, FW_S / 4);
    fw_connect(w, second);
    fw_run(w, FW_S);
    assert_int_equal(second->fail_sim, 2);
    fw_free(w);
}

/* Open runs of one source (a /64 of IPv6, an address of IPv4); another source is not hindered. */
static void test_runs_per_source(void **state)
{
    struct fw *w = world();
    w->c.runs_per_source = 1;
    w->job_us[FA_JOB_AS] = FW_S;
    fw_start(w);
    struct fw_mn *m = matti(w), *same = fw_mn(w, "same", "192.0.2.9", &w->card[1]);
    struct fw_mn *other = fw_mn(w, "other", "192.0.2.10", &w->card[1]);
    fw_connect(w, m);
    fw_run(w, FW_S / 4);
    fw_connect(w, same);
    fw_connect(w, other);
    fw_run(w, 2 * FW_S);
    assert_int_equal(same->fail_sim, 2);
    assert_int_equal(other->fail_sim, -1);
    fw_free(w);
}

/* Where an UPDATE seems to come from is not where its host is: only a checked locator says that (RFC 8046 s3.2), and only it counts against limits. */
static void test_update_source_is_not_the_path(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = matti(w);
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_true(m->granted_rvs);
    struct hip_contents c = { .request = { .present = true, .lifetime = 128, .n = 1, .type = { 1 } } };
    size_t before = w->n_air;
    assert_int_equal(fw_raw_update(w, m, &c), ERR_OK);
    assert_int_equal(w->n_air, before + 1);
    struct fw_packet *p = w->air[w->n_air - 1];
    p->path.peer.ip[3] = 77;
    hip_set_checksum(p->p, p->n, &p->path.peer, &p->path.local);
    fw_run(w, FW_S);
    struct fa_registration r;
    size_t pos = 0;
    assert_true(fa_registration_next(w->fa, &pos, &r));
    assert_int_equal(r.lifetime_s, 256); /* taken it was */
    assert_true(addr_same_ip(&r.path.peer, &m->addr));
    fw_free(w);
}

/* A host that asks to be unbound again and again has one transaction open, not all there are. */
static void test_unbind_without_end(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = fw_mn(w, "cn", "198.51.100.7", NULL);
    m->want_sim = false;
    fw_connect(w, m);
    fw_run(w, FW_S);
    w->job_us[FA_JOB_FIND] = FW_S;
    for (int i = 0; i < 6; i++) {
        fw_unbind(w, m);
        fw_run(w, FW_S / 20);
    }
    assert_int_equal(stats(w).transactions_open, 1);
    fw_run(w, 3 * FW_S);
    assert_int_equal(stats(w).transactions_open, 0);
    fw_unbind(w, m); /* a later one is heard again */
    fw_run(w, FW_S / 2);
    assert_int_equal(stats(w).transactions_open, 1);
    fw_free(w);
}

/* An AS, or whoever plays one, cannot make the host answer for ever. */
static void test_requests_without_end(void **state)
{
    static const struct {
        enum fw_as as;
        unsigned answered;
    } rows[] = { { AS_IDENTITIES, 3 }, { AS_METHODS, 8 } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fw *w = world();
        w->as = rows[i].as;
        fw_start(w);
        struct fw_mn *m = matti(w);
        fw_connect(w, m);
        fw_run(w, 5 * FW_S);
        assert_int_equal(w->asked[FA_JOB_AS], 1 + rows[i].answered);
        assert_int_equal(m->challenges, rows[i].answered);
        assert_int_equal(m->fail_sim, 0);
        assert_int_equal(stats(w).runs_open, 0);
        nothing_bound(w);
        fw_free(w);
    }
}

/* A password account at the same authentication server: its method is refused by name, and the server's word for it is never heard. */
static void test_password_account(void **state)
{
    static const struct {
        uint8_t type;
        const char *why;
    } rows[] = {
        { 4, "EAP method MD5 is not permitted: no keys" },
        { 6, "EAP method GTC is not permitted: no keys" },
        { 21, "EAP method TTLS is not permitted: what authenticates in its tunnel is a password" },
        { 25, "EAP method PEAP is not permitted: what authenticates in its tunnel is a password" },
        { 26, "EAP method MSCHAPv2 is not permitted: a password, which any access may relay" },
        { 13, "EAP method TLS is not permitted: the configuration does not allow it" },
        { 23, "EAP method AKA is not permitted: the configuration does not allow it" },
        { 254, "EAP method 254 is not permitted: not known" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fw *w = world();
        w->as = AS_PASSWORD;
        w->proposed = rows[i].type;
        fw_start(w);
        struct fw_mn *m = matti(w);
        m->cheat = MN_PASSWORD;
        fw_connect(w, m);
        fw_run(w, 15 * FW_S);
        assert_int_equal(m->status, -1);
        assert_int_equal(m->fail_sim, 0);
        assert_int_equal(w->asked[FA_JOB_AS], 1); /* the answer goes nowhere */
        assert_string_equal(w->last_audit, rows[i].why);
        nothing_bound(w);
        fw_free(w);
    }
}

static void test_unknown_realm(void **state)
{
    struct fw *w = world();
    fw_start(w);
    struct fw_mn *m = matti(w);
    snprintf(m->identity, sizeof m->identity, "6001010000000001@other.example");
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->fail_sim, 1);
    assert_int_equal(w->asked[FA_JOB_AS], 0);
    fw_free(w);
}

/* ---- DNS trouble ---- */

static void test_dns_down(void **state)
{
    for (int silent = 0; silent < 2; silent++) {
        struct fw *w = world();
        fw_start(w);
        fw_run(w, FW_S);
        w->dns = silent ? DNS_LOST : DNS_DOWN;
        struct fw_mn *m = matti(w);
        fw_connect(w, m);
        fw_run(w, 4 * FW_S);
        assert_int_equal(m->status, HIP_BIND_ST_PENDING);
        assert_true(m->granted_rvs); /* use the FA, not yet the name */
        assert_int_equal(w->booked, 0);
        fw_run(w, 60 * FW_S);
        if (!silent)
            assert_int_equal(m->notices, 0);
        w->dns = DNS_GOOD;
        fw_run(w, 200 * FW_S);
        assert_int_equal(m->notice, HIP_BIND_ST_BOUND);
        assert_string_equal(m->fqdn, MATTI);
        assert_int_equal(w->booked, 1);
        assert_null(fw_inconsistent(w));
        assert_true(stats(w).settled);
        fw_free(w);
    }
}

static void test_dns_never_answers(void **state)
{
    struct fw *w = world();
    fw_start(w);
    fw_run(w, FW_S);
    struct fw_mn *m = matti(w);
    w->job_us[FA_JOB_DNS] = 12 * FW_S; /* the MN waits 20 s at most */
    fw_connect(w, m);
    fw_run(w, 10 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_PENDING);
    fw_run(w, 5 * FW_S);
    assert_int_equal(m->notice, HIP_BIND_ST_BOUND);
    assert_null(fw_inconsistent(w));
    fw_free(w);
}

/* The record is there, and it is ours: not somebody else's name. */
static void test_dns_done_twice(void **state)
{
    struct fw *w = world();
    fw_start(w);
    w->dns = DNS_TWICE;
    struct fw_mn *m = matti(w);
    fw_connect(w, m);
    fw_run(w, 4 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    assert_string_equal(m->fqdn, MATTI);
    assert_null(fw_inconsistent(w));
    fw_free(w);
}

static void test_dns_refuses(void **state)
{
    struct fw *w = world();
    fw_start(w);
    w->dns = DNS_REFUSES;
    struct fw_mn *m = matti(w);
    fw_connect(w, m);
    fw_run(w, 4 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_UNAVAILABLE);
    assert_int_equal(m->fail_sim, 2);
    nothing_bound(w);
    fw_free(w);
}

static void test_pending_name_taken(void **state)
{
    struct fw *w = world();
    fw_start(w);
    w->dns = DNS_DOWN;
    struct fw_mn *m = matti(w);
    fw_connect(w, m);
    fw_run(w, 4 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_PENDING);
    fw_zone_put(w, MATTI, span_of(NULL, 0)); /* somebody wrote there meanwhile */
    w->dns = DNS_GOOD;
    fw_run(w, 100 * FW_S);
    assert_int_equal(m->notice, HIP_BIND_ST_REVOKED);
    assert_int_equal(w->n_row, 0);
    assert_int_equal(fw_zone(w, MATTI)->n, 0);
    assert_int_equal(w->booked, 0);
    fw_free(w);
}

/* ---- the FA dies, a job fails, an answer is lost: at every one of them ---- */

enum trouble { STOP, FAIL, LOSE };

static unsigned one_trouble(enum trouble what, unsigned at)
{
    struct fw *w = world();
    fw_start(w);
    fw_run(w, FW_S);
    unsigned base = w->n_done;
    unsigned *knob = what == STOP ? &w->stop_at : what == FAIL ? &w->fail_at : &w->lose_at;
    *knob = base + at;
    fw_zone_put(w, MATTI, span_of(NULL, 0)); /* so that a second candidate is part of it */
    struct fw_mn *m = matti(w);
    fw_connect(w, m);
    fw_run(w, 40 * FW_S);
    unsigned done = w->n_done - base;
    if (what == STOP && w->stopped) {
        fw_restart(w);
        fw_run(w, 10 * FW_S);
        const char *why = fw_inconsistent(w);
        if (why)
            fail_msg("stopped at job %u: %s", at, why);
    }
    fw_run(w, 700 * FW_S); /* sweeps */
    const char *why = fw_inconsistent(w);
    if (why)
        fail_msg("%s job %u: %s", what == FAIL ? "failed" : what == LOSE ? "lost" : "stopped", at, why);
    *knob = 0;
    fw_connect(w, m); /* and the MN gets there in the end */
    fw_run(w, 30 * FW_S);
    if (m->status != HIP_BIND_ST_BOUND)
        fail_msg("%s job %u: afterwards status %d, %s",
                 what == FAIL   ? "failed"
                 : what == LOSE ? "lost"
                                : "stopped",
                 at, m->status, m->reason);
    if (w->n_row != 1 || w->n_zone != 2)
        fail_msg("job %u: %zu rows, %zu names", at, w->n_row, w->n_zone);
    assert_null(fw_inconsistent(w));
    assert_int_equal(stats(w).transactions_open, 0);
    fw_free(w);
    return done;
}

static void test_trouble_everywhere(void **state)
{
    unsigned jobs = one_trouble(FAIL, 1000);
    assert_true(jobs >= 14);
    for (unsigned at = 1; at <= jobs; at++) {
        one_trouble(STOP, at);
        one_trouble(FAIL, at);
        one_trouble(LOSE, at);
    }
}

/* The association dies while the transaction is under way: it is finished all the same, and a repeated bind gives the same answer. */
static void test_run_dies_first(void **state)
{
    struct fw *w = world();
    w->job_us[FA_JOB_DNS] = 2 * FW_S;
    fw_start(w);
    fw_run(w, 3 * FW_S);
    struct fw_mn *m = matti(w);
    fw_connect(w, m);
    fw_run(w, FW_S);
    assert_int_equal(fw_rows(w, FA_BINDING_INTENT), 1);
    fw_connect(w, m); /* a new base exchange ends the old run */
    fw_run(w, 10 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    assert_string_equal(m->fqdn, MATTI);
    assert_int_equal(w->n_row, 1);
    assert_null(fw_inconsistent(w));
    fw_free(w);
}

static void test_own_name(void **state)
{
    struct fw *w = world();
    w->c.n_addr = 1;
    w->c.addr[0] = w->fa_addr;
    w->dns = DNS_DOWN;
    fw_start(w);
    fw_run(w, 3 * FW_S);
    assert_false(w->own_name);
    w->dns = DNS_GOOD;
    fw_run(w, 10 * FW_S);
    assert_true(w->own_name);
    fw_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_loss_and_duplication),
        cmocka_unit_test(test_everything_twice_asks_once),
        cmocka_unit_test(test_slow_as_sends_r2_bare),
        cmocka_unit_test(test_silent_as),
        cmocka_unit_test(test_resynchronisation),
        cmocka_unit_test(test_invited),
        cmocka_unit_test(test_reauthentication_unanswered),
        cmocka_unit_test(test_reauthentication_of_two),
        cmocka_unit_test(test_bound_by_partner),
        cmocka_unit_test(test_not_bound_by_partner),
        cmocka_unit_test(test_partners_in_record),
        cmocka_unit_test(test_comes_back),
        cmocka_unit_test(test_comes_back_only_as_bound),
        cmocka_unit_test(test_repeated_bind_gives_the_same),
        cmocka_unit_test(test_unbind),
        cmocka_unit_test(test_unbind_in_i2),
        cmocka_unit_test(test_binding_ends),
        cmocka_unit_test(test_item1),
        cmocka_unit_test(test_strangers_and_allow_list),
        cmocka_unit_test(test_allow_list_types),
        cmocka_unit_test(test_registration_renewed_keeps_the_association),
        cmocka_unit_test(test_registration_keeps_the_association),
        cmocka_unit_test(test_late_result),
        cmocka_unit_test(test_revoked),
        cmocka_unit_test(test_attacks),
        cmocka_unit_test(test_eap_aka),
        cmocka_unit_test(test_replayed_proof),
        cmocka_unit_test(test_trusted_identity),
        cmocka_unit_test(test_bogus_inner_is_ignored),
        cmocka_unit_test(test_identifier_not_outstanding),
        cmocka_unit_test(test_silent_mn),
        cmocka_unit_test(test_dns_done_twice),
        cmocka_unit_test(test_not_subscribed),
        cmocka_unit_test(test_domain_rule_and_further_attempt),
        cmocka_unit_test(test_x962_refused),
        cmocka_unit_test(test_suite_5_refused),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_name_in_use),
        cmocka_unit_test(test_nobody_elses_name),
        cmocka_unit_test(test_no_name_asked_for_is_opaque),
        cmocka_unit_test(test_hi_of_another_subscriber),
        cmocka_unit_test(test_second_device),
        cmocka_unit_test(test_epoch),
        cmocka_unit_test(test_serial),
        cmocka_unit_test(test_serial_engines),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_runs_per_source),
        cmocka_unit_test(test_update_source_is_not_the_path),
        cmocka_unit_test(test_unbind_without_end),
        cmocka_unit_test(test_requests_without_end),
        cmocka_unit_test(test_password_account),
        cmocka_unit_test(test_unknown_realm),
        cmocka_unit_test(test_dns_down),
        cmocka_unit_test(test_dns_never_answers),
        cmocka_unit_test(test_dns_refuses),
        cmocka_unit_test(test_pending_name_taken),
        cmocka_unit_test(test_trouble_everywhere),
        cmocka_unit_test(test_run_dies_first),
        cmocka_unit_test(test_own_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
