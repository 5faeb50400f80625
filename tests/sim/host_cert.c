/* SPDX-License-Identifier: Apache-2.0
 *
 * A host without a SIM that registers by its certificate (RFC 8002) at the real fa/core.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/crypto/cert.h"
#include "hip/param_cert.h"
#include "tests/sim/core_fa.h"
#include "tests/unit/crypto/made_cert.h"

struct scene {
    struct world *w;
    struct w_node *fa, *mn;
    struct hip_hi hi;
    struct made_cert *root, *leaf;
    struct cert_cas *cas;
    uint8_t certs[HIP_PACKET_MAX];
};

/* own: the certificate is of this host's HIT. */
static void scene_of(struct scene *s, bool own)
{
    struct host_config c = w_config();
    struct hip_build b;

    *s = (struct scene){ .w = w_new(w_seed(91)) };
    s->w->unix_s = MADE_CERT_FROM + 86400;
    assert_int_equal(hip_hi_generate(SIG_ECDSA_P256, 0, &s->hi), ERR_OK);
    s->fa = w_core_new(s->w, "fa", "192.0.2.18", "fa.operator.example");
    s->root = made_cert(&(struct made_cert_wish){ .name = "root", .ca = true });
    s->leaf = made_cert(&(struct made_cert_wish){
        .name = "host", .by = s->root, .address = own ? s->hi.hit.b : s->fa->core->hi.hit.b });
    assert_int_equal(cert_cas_new(&s->cas), ERR_OK);
    assert_int_equal(cert_cas_add(s->cas, made_cert_pem(s->root)), ERR_OK);
    s->fa->core->c.ca = s->cas;
    s->fa->core->c.cert_type[s->fa->core->c.n_cert_type++] = FA_REG_RENDEZVOUS;
    hip_build_inner(&b, s->certs, sizeof s->certs);
    hip_put_cert(
        &b, &(struct hip_cert){
                .group = 1, .count = 1, .id = 1, .type = HIP_CERT_X509, .cert = made_cert_der(s->leaf) });
    assert_int_equal(hip_build_inner_finish(&b, &c.certs), ERR_OK);
    struct host_fa_conf fa = w_core_conf(s->fa);
    c.fa = &fa;
    c.n_fa = 1;
    c.hi = &s->hi;
    c.no_binding_ok = true;
    s->mn = w_host(s->w, "mn", &c);
    w_addr_up(s->w, s->mn, "198.51.100.10", 2, 1);
    w_core_start(s->w, s->fa);
    w_start(s->w, s->mn);
    w_run(s->w, 3 * W_S);
}

static void scene_free(struct scene *s)
{
    hip_hi_done(&s->hi);
    w_free(s->w);
    cert_cas_free(s->cas);
    made_cert_free(s->root);
    made_cert_free(s->leaf);
}

/* And stays registered: renewals need no certificate, a new association brings it again. */
static void test_registered(void **state)
{
    struct scene s;

    scene_of(&s, true);
    assert_int_equal(w_status(s.w, s.mn).fa, HOST_FA_REGISTERED);
    w_run(s.w, 1200 * W_S);
    assert_int_equal(w_status(s.w, s.mn).fa, HOST_FA_REGISTERED);
    w_core_restart(s.w, s.fa);
    w_run(s.w, 120 * W_S);
    assert_int_equal(w_status(s.w, s.mn).fa, HOST_FA_REGISTERED);
    scene_free(&s);
}

/* RFC 8003 s4.5 MUST NOT: after failure 3 the same types are not asked for with the same certificate. */
static void test_invalid(void **state)
{
    struct scene s;

    scene_of(&s, false);
    assert_int_equal(s.mn->events[HOST_EV_REFUSED], 1);
    assert_string_equal(s.mn->text[HOST_EV_REFUSED], "registration refused, reason 3");
    assert_string_equal(s.mn->text[HOST_EV_NOTIFIED],
                        "NOTIFY 50 INVALID_CERTIFICATE: certificate 1 of group 1");
    for (unsigned seen = 1; seen < 4; seen++) { /* it tries again, without */
        for (unsigned s1 = 0; s.mn->events[HOST_EV_REFUSED] == seen && s1 < 3600; s1++)
            w_run(s.w, W_S);
        assert_int_equal(s.mn->events[HOST_EV_REFUSED], seen + 1);
        assert_string_equal(s.mn->text[HOST_EV_REFUSED], "registration refused, reason 0");
    }
    assert_int_not_equal(w_status(s.w, s.mn).fa, HOST_FA_REGISTERED);
    scene_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registered),
        cmocka_unit_test(test_invalid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
