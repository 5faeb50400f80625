/* SPDX-License-Identifier: Apache-2.0
 *
 * The attacks that docs/threat-model.md names, as far as the Forwarding Agent stands against them: each ends with nothing bound for the victim, nothing in the DNS,
 * nothing booked. Those that the mobile node stands against are in host_identity.c and host_bind.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/fa_world.h"

#define MATTI "matti.operator.example"
#define NAI_B "6001010000000002@wlan.mnc001.mcc001.3gppnetwork.org"

enum { A, B };

static struct fw *world(void)
{
    const char *seed = getenv("SEED");
    struct fw *w = fw_new(seed ? strtoull(seed, NULL, 10) : 13);
    fw_start(w);
    return w;
}

static struct fw_mn *host(struct fw *w, const char *name, const char *addr, int card)
{
    struct fw_mn *m = fw_mn(w, name, addr, &w->card[card]);
    m->want_sim = m->want_rvs = true;
    m->wanted[0] = "matti.operator.example.";
    return m;
}

static void run(struct fw *w, struct fw_mn *m)
{
    fw_connect(w, m);
    fw_run(w, 15 * FW_S);
}

static void nothing_bound(struct fw *w)
{
    assert_int_equal(w->n_row, 0);
    assert_int_equal(w->n_zone, 0);
    assert_int_equal(w->booked, 0);
    assert_int_equal(w->reg_up, 0);
}

/* The subscriber is whom the authentication server names, and it names who answered its challenge. */
static void test_the_sim_of_one_with_the_identity_of_another(void **state)
{
    (void)state;
    struct fw *w = world();
    struct fw_mn *m = host(w, "a", "192.0.2.20", A);
    snprintf(m->identity, sizeof m->identity, "%s", NAI_B);
    run(w, m);
    assert_int_equal(m->status, -1);
    assert_int_equal(m->fail_sim, 0);
    nothing_bound(w);
    fw_free(w);
}

/* A hotspot has the victim run AKA for Wi-Fi and passes the answers on: it has RES, but not the MSK on which BIND_MAC hangs; and its host identity is not the one
 * in the victim's BIND_MAC. */
static void test_a_hotspot_that_relays_a_wifi_aka(void **state)
{
    static const enum fw_cheat ways[] = { MN_NO_MSK, MN_OTHER_HI };
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct fw *w = world();
        struct fw_mn *m = host(w, "hotspot", "192.0.2.20", A);
        m->cheat = ways[i];
        run(w, m);
        assert_int_equal(m->status, -1);
        assert_string_equal(w->last_alarm, "BIND_MAC is wrong");
        assert_true(m->gone);
        nothing_bound(w);
        fw_free(w);
    }
}

/* A signature by the victim's host identity over something else, or for somebody else's run, binds it to nobody. */
static void test_a_lifted_signature(void **state)
{
    (void)state;
    struct fw *w = world();
    struct fw_mn *m = host(w, "a", "192.0.2.20", A);
    m->cheat = MN_ITEM1_LIFTED;
    run(w, m);
    assert_int_equal(m->status, HIP_BIND_ST_HI_REFUSED);
    nothing_bound(w);
    fw_free(w);
}

/* The same server accepts passwords as well: an Access-Accept after another method, or after none, is no SIM's. */
static void test_a_password_account_at_the_same_aaa(void **state)
{
    static const enum fw_as ways[] = { AS_METHODS, AS_EARLY };
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct fw *w = world();
        w->as = ways[i];
        struct fw_mn *m = host(w, "a", "192.0.2.20", A);
        run(w, m);
        assert_int_equal(m->status, -1);
        nothing_bound(w);
        fw_free(w);
    }
}

/* Recorded I2s again, from wherever: while the association lives they get the stored R2, later nothing. The authentication server works for neither. */
static void test_replayed_i2s(void **state)
{
    (void)state;
    struct fw *w = world();
    struct fw_mn *m = host(w, "a", "192.0.2.20", A);
    uint8_t i2[HIP_PACKET_MAX];
    size_t n = 0;
    fw_connect(w, m);
    for (int i = 0; i < 1000 && n == 0; i++) {
        fw_run(w, 1000);
        if (w->heard_n > 40 && (w->heard[2] & 0x7f) == 3) {
            n = w->heard_n;
            memcpy(i2, w->heard, n);
        }
    }
    assert_true(n > 0);
    fw_run(w, 5 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    unsigned asked = w->asked[FA_JOB_AS], runs = w->event[FA_EVENT_RUN];
    struct hip_path path = { .local = w->fa_addr, .peer = m->addr };
    for (int i = 0; i < 20; i++) {
        (void)fw_input(w, &path, span_of(i2, n));
        fw_run(w, FW_S / 10);
    }
    assert_int_equal(w->asked[FA_JOB_AS], asked);
    fw_run(w, 2000 * FW_S); /* its association ended */
    for (int i = 0; i < 20; i++) {
        path.peer.ip[3] = (uint8_t)(100 + i);
        assert_int_not_equal(fw_input(w, &path, span_of(i2, n)), HIP_TAKEN);
    }
    assert_int_equal(w->asked[FA_JOB_AS], asked);
    assert_int_equal(w->event[FA_EVENT_RUN], runs);
    fw_free(w);
}

static void test_fast_reauthentication_instead_of_aka(void **state)
{
    (void)state;
    struct fw *w = world();
    struct fw_mn *m = host(w, "a", "192.0.2.20", A);
    m->cheat = MN_REAUTH;
    run(w, m);
    assert_int_equal(m->status, -1);
    assert_int_equal(m->fail_sim, 0);
    nothing_bound(w);
    fw_free(w);
}

/* One gets the name, the other is told that there is no room; whatever the order, and never a half of each. */
static void test_two_runs_of_one_subscriber_at_once(void **state)
{
    (void)state;
    for (unsigned lead = 0; lead < 12; lead++) {
        struct fw *w = world();
        for (size_t i = 0; i < FA_JOB__COUNT; i++)
            w->job_us[i] = 20000;
        struct fw_mn *m[2] = { host(w, "one", "192.0.2.20", A), host(w, "two", "192.0.2.21", A) };
        fw_connect(w, m[0]);
        fw_run(w, lead * 10000);
        fw_connect(w, m[1]);
        fw_run(w, 20 * FW_S);
        int first = m[0]->status == HIP_BIND_ST_BOUND ? 0 : 1;
        assert_int_equal(m[first]->status, HIP_BIND_ST_BOUND);
        assert_int_equal(m[!first]->status, HIP_BIND_ST_TOO_MANY);
        assert_int_equal(w->n_row, 1);
        assert_memory_equal(w->row[0].b.hit, m[first]->hi.hit.b, 16);
        assert_null(fw_inconsistent(w));
        fw_free(w);
    }
}

static unsigned at; /* the job before which the operator revokes */

static void revoke(struct fw *w, const struct fa_job *j)
{
    (void)j;
    if (w->n_done + 1 != at)
        return;
    w->epoch[0]++; /* what the store does first (section 7) */
}

/* Whenever it comes: the run that read the old epoch ends with status 4, or its row was written before, and then the revocation finds it. */
static void test_revoke_in_the_middle_of_a_run(void **state)
{
    (void)state;
    for (at = 1; at < 16; at++) {
        struct fw *w = world();
        struct fw_mn *m = host(w, "a", "192.0.2.20", A);
        w->before = revoke;
        run(w, m);
        if (m->status == HIP_BIND_ST_UNAVAILABLE) {
            nothing_bound(w);
        } else {
            assert_int_equal(m->status, HIP_BIND_ST_BOUND);
            w->before = NULL;
            fa_actions_reset(w->out);
            assert_int_equal(fa_revoke(w->fa, MATTI, NULL, w->now, w->out), ERR_OK);
            fw_act(w);
            fw_run(w, 3 * FW_S);
            assert_int_equal(m->notice, HIP_BIND_ST_REVOKED);
            assert_int_equal(w->n_zone, 0);
        }
        assert_null(fw_inconsistent(w));
        fw_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_sim_of_one_with_the_identity_of_another),
        cmocka_unit_test(test_a_hotspot_that_relays_a_wifi_aka),
        cmocka_unit_test(test_a_lifted_signature),
        cmocka_unit_test(test_a_password_account_at_the_same_aaa),
        cmocka_unit_test(test_replayed_i2s),
        cmocka_unit_test(test_fast_reauthentication_instead_of_aka),
        cmocka_unit_test(test_two_runs_of_one_subscriber_at_once),
        cmocka_unit_test(test_revoke_in_the_middle_of_a_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
