/* SPDX-License-Identifier: Apache-2.0
 *
 * HOST_ID in the base exchange: where it stands in I2, and which keys it may hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "hip/auth.h"
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
        mn->i2.contents.fqdn = span_of(NAME, sizeof NAME);
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
        assert_int_equal(fa->ask_contents.fqdn.n, sizeof NAME);
        sim_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_i2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
