/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs per identity (docs/sim-binding.md section 8): whoever uses somebody else's identity makes the home network work a few times, and locks nobody out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/fa_world.h"

static struct fw *world(void)
{
    const char *seed = getenv("SEED");
    struct fw *w = fw_new(seed ? strtoull(seed, NULL, 10) : 9);
    w->c.new_runs_per_minute_and_source = 1000; /* another limit than the one looked at */
    fw_start(w);
    return w;
}

static struct fw_mn *host(struct fw *w, const char *name, const char *addr, enum fw_cheat cheat)
{
    struct fw_mn *m = fw_mn(w, name, addr, &w->card[0]);
    m->want_sim = m->want_rvs = true;
    m->cheat = cheat;
    return m;
}

/* One run; how often the authentication server was asked. */
static unsigned run(struct fw *w, struct fw_mn *m)
{
    unsigned was = w->asked[FA_JOB_AS];
    fw_connect(w, m);
    fw_run(w, 15 * FW_S);
    return w->asked[FA_JOB_AS] - was;
}

static void use_up(struct fw *w, struct fw_mn *m)
{
    for (int i = 0; i < 3; i++)
        assert_true(run(w, m) > 0);
    assert_int_equal(run(w, m), 0);
    assert_int_equal(m->fail_sim, 2);
    assert_non_null(strstr(w->last_audit, "too many runs"));
}

/* The three are of the identity, not of the host that uses it. */
static void test_a_few_then_one_now_and_then(void **state)
{
    (void)state;
    struct fw *w = world();
    use_up(w, host(w, "a", "192.0.2.20", MN_BAD_RES));
    struct fw_mn *other = host(w, "b", "198.51.100.9", MN_BAD_RES);
    assert_int_equal(run(w, other), 0);
    fw_run(w, 300 * FW_S);
    assert_true(run(w, other) > 0);
    assert_int_equal(run(w, other), 0);
    struct fw_mn *else_one = fw_mn(w, "c", "198.51.100.10", &w->card[1]); /* another identity */
    else_one->want_sim = else_one->want_rvs = true;
    assert_true(run(w, else_one) > 0);
    assert_int_equal(else_one->status, HIP_BIND_ST_BOUND);
    fw_free(w);
}

/* The subscriber's own host, bound before, is not kept out by others who use its identity up. */
static void test_a_bound_host_is_not_locked_out(void **state)
{
    (void)state;
    struct fw *w = world();
    struct fw_mn *own = host(w, "own", "192.0.2.20", MN_HONEST);
    assert_true(run(w, own) > 0);
    assert_int_equal(own->status, HIP_BIND_ST_BOUND);
    use_up(w, host(w, "eve", "198.51.100.66", MN_BAD_RES));
    assert_true(run(w, own) > 0);
    assert_int_equal(own->status, HIP_BIND_ST_BOUND);
    fw_run_again(w, own); /* its own budget: one in ten seconds, and the last one was good */
    fw_run(w, 3 * FW_S);
    assert_int_equal(own->status, HIP_BIND_ST_BOUND);
    own->cheat = MN_BAD_RES;
    assert_true(run(w, own) > 0); /* 15 s each */
    fw_connect(w, own);
    fw_run(w, 3 * FW_S);
    unsigned was = w->asked[FA_JOB_AS];
    fw_connect(w, own);
    fw_run(w, 3 * FW_S);
    assert_int_equal(w->asked[FA_JOB_AS], was);
    assert_int_equal(own->fail_sim, 2);
    fw_free(w);
}

static void test_success_begins_anew(void **state)
{
    (void)state;
    struct fw *w = world();
    struct fw_mn *m = host(w, "a", "192.0.2.20", MN_BAD_RES);
    assert_true(run(w, m) > 0 && run(w, m) > 0);
    m->cheat = MN_HONEST;
    assert_true(run(w, m) > 0);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    fw_unbind(w, m);
    fw_run(w, 3 * FW_S);
    m->cheat = MN_BAD_RES;
    use_up(w, m);
    fw_free(w);
}

/* A server that does not answer is nobody's try. */
static void test_silence_is_not_counted(void **state)
{
    (void)state;
    struct fw *w = world();
    struct fw_mn *m = host(w, "a", "192.0.2.20", MN_HONEST);
    w->as = AS_SILENT;
    for (int i = 0; i < 6; i++)
        assert_true(run(w, m) > 0);
    w->as = AS_DOWN;
    for (int i = 0; i < 6; i++)
        assert_true(run(w, m) > 0);
    w->as = AS_GOOD;
    assert_true(run(w, m) > 0);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    fw_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_few_then_one_now_and_then),
        cmocka_unit_test(test_a_bound_host_is_not_locked_out),
        cmocka_unit_test(test_success_begins_anew),
        cmocka_unit_test(test_silence_is_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
