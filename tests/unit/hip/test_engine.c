/* SPDX-License-Identifier: Apache-2.0
 *
 * Two engines and one base exchange, UPDATE, registration and CLOSE. Races and bad links are tests/sim.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "hip/reg.h"
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
        const uint8_t *a, *b;
        assert_int_equal(hip_assoc_export(mn->e, mn->ref, &a), ERR_OK);
        assert_int_equal(hip_assoc_export(fa->e, fa->ref, &b), ERR_OK);
        assert_memory_equal(a, b, 32);
        hip_assoc_export_wipe(mn->e, mn->ref);
        assert_int_equal(hip_assoc_export(mn->e, mn->ref, &a), ERR_STATE);
        sim_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_exchange),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
