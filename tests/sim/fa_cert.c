/* SPDX-License-Identifier: Apache-2.0
 *
 * Registration by certificate (RFC 8002, RFC 8003 s3.3): what is granted, for how long, and which failure each certificate that does not count is
 * answered with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/cert.h"
#include "hip/param_cert.h"
#include "hip/reg.h"
#include "tests/sim/fa_world.h"
#include "tests/unit/crypto/made_cert.h"

#define MN    "198.51.100.7:4500"
#define NOW   (MADE_CERT_FROM + 86400u)
#define FOR   FA_REG_RELAY_HIP
#define GROUP 7

struct scene {
    struct fw *w;
    struct fw_mn *m;
    struct made_cert *root, *own;
    struct cert_cas *cas;
    uint8_t certs[HIP_PACKET_MAX];
};

static struct made_cert *issued(const struct scene *s, const struct made_cert *by, uint64_t to_s)
{
    return made_cert(
        &(struct made_cert_wish){ .name = "host", .by = by, .address = s->m->hi.hit.b, .to_s = to_s });
}

/* An FA that trusts root, and mn, which nobody knows, with a certificate of its HIT that ends at to_s (0: in a year). */
static void scene_of(struct scene *s, uint64_t to_s)
{
    const char *seed = getenv("SEED");
    *s = (struct scene){ .w = fw_new(seed ? strtoull(seed, NULL, 10) : 11) };
    s->w->c.relay = (struct fa_relay_config){ .control = true,
                                              .discovery = true,
                                              .n_local = 1,
                                              .local = { s->w->fa_addr },
                                              .table = { .flows = 64, .clients = 8 } };
    s->root = made_cert(&(struct made_cert_wish){ .name = "root", .ca = true });
    assert_int_equal(cert_cas_new(&s->cas), ERR_OK);
    assert_int_equal(cert_cas_add(s->cas, made_cert_pem(s->root)), ERR_OK);
    s->w->c.ca = s->cas;
    s->w->c.cert_type[s->w->c.n_cert_type++] = FOR;
    s->m = fw_mn(s->w, "mn", MN, NULL);
    s->m->want_rvs = false;
    s->m->want[s->m->n_want++] = FOR;
    s->own = issued(s, s->root, to_s);
}

static void scene_free(struct scene *s)
{
    fw_free(s->w);
    cert_cas_free(s->cas);
    made_cert_free(s->root);
    made_cert_free(s->own);
}

static struct span certs_of(struct scene *s, uint8_t type, const struct span *der, uint8_t n, uint8_t count)
{
    struct hip_build b;
    struct span out;
    hip_build_inner(&b, s->certs, sizeof s->certs);
    for (uint8_t i = 0; i < n; i++)
        hip_put_cert(
            &b, &(struct hip_cert){
                    .group = GROUP, .count = count, .id = (uint8_t)(i + 1), .type = type, .cert = der[i] });
    assert_int_equal(hip_build_inner_finish(&b, &out), ERR_OK);
    return out;
}

static void connect_with(struct scene *s, struct span certs, uint64_t unix_s)
{
    fw_start(s->w);
    fa_wall(s->w->fa, unix_s, s->w->now);
    s->m->certs = certs;
    fw_connect(s->w, s->m);
    fw_run(s->w, FW_S / 2);
    assert_true(s->m->up);
}

/* RFC 8002 s5: NOTIFY INVALID_CERTIFICATE names the group and this id; 0: none that is to blame by itself. */
static void told_of(struct scene *s, uint8_t id)
{
    assert_int_equal(s->m->notify, HIP_NTF_INVALID_CERTIFICATE);
    assert_int_equal(s->m->note_n, id ? 2 : 0);
    if (id) {
        assert_int_equal(s->m->note[0], GROUP);
        assert_int_equal(s->m->note[1], id);
    }
    s->m->notify = -1;
}

/* In I2, one certificate: granted or this failure. */
static int answer_to(struct scene *s, const struct made_cert *c, uint64_t unix_s)
{
    struct span der = made_cert_der(c);
    connect_with(s, certs_of(s, HIP_CERT_X509, &der, 1, 1), unix_s);
    bool granted = s->m->granted >> FOR & 1;
    assert_int_equal(granted, s->m->failed[FOR] < 0);
    if (granted)
        assert_int_equal(s->m->notify, -1);
    else
        told_of(s, 1);
    return granted ? -1 : s->m->failed[FOR];
}

static void ask(struct scene *s, uint8_t type, struct span certs)
{
    struct hip_contents c = { .request = { .present = true, .lifetime = 120, .n = 1, .type = { type } },
                              .certs = certs };
    s->m->failed[type] = -1;
    s->m->got = (struct hip_contents){ 0 };
    assert_int_equal(fw_raw_update(s->w, s->m, &c), ERR_OK);
    fw_run(s->w, FW_S / 2);
}

static void granted(void **state)
{
    struct scene s;
    scene_of(&s, 0);
    assert_int_equal(answer_to(&s, s.own, NOW), -1);
    ask(&s, FOR, span_of(NULL, 0)); /* a renewal needs it no more */
    assert_true(s.m->got.response.present && s.m->got.response.lifetime == 120);
    ask(&s, FA_REG_DISCOVERY, span_of(NULL, 0)); /* not among certificate_types */
    assert_int_equal(s.m->failed[FA_REG_DISCOVERY], HIP_REGF_CREDENTIALS_REQUIRED);
    scene_free(&s);
}

/* Asked again later, in an UPDATE. */
static void in_update(void **state)
{
    struct scene s;
    scene_of(&s, 0);
    struct span der = made_cert_der(s.own);
    connect_with(&s, span_of(NULL, 0), NOW);
    assert_int_equal(s.m->failed[FOR], HIP_REGF_CREDENTIALS_REQUIRED);
    ask(&s, FOR, certs_of(&s, HIP_CERT_X509, &der, 1, 1));
    assert_true(s.m->got.response.present);
    assert_int_equal(s.m->notify, -1);
    der.n -= 9; /* another one that is refused takes its place */
    ask(&s, FOR, certs_of(&s, HIP_CERT_X509, &der, 1, 1));
    assert_int_equal(s.m->failed[FOR], HIP_REGF_BAD_CERTIFICATE);
    told_of(&s, 1);
    ask(&s, FOR, span_of(NULL, 0));
    assert_int_equal(s.m->failed[FOR], HIP_REGF_CREDENTIALS_REQUIRED);
    scene_free(&s);
}

static void two_of_them(void **state)
{
    struct scene s;
    scene_of(&s, 0);
    struct made_cert *middle =
        made_cert(&(struct made_cert_wish){ .name = "middle", .by = s.root, .ca = true });
    struct made_cert *leaf = issued(&s, middle, 0);
    struct span der[2] = { made_cert_der(leaf), made_cert_der(middle) };
    connect_with(&s, certs_of(&s, HIP_CERT_X509, der, 2, 2), NOW);
    assert_true(s.m->granted >> FOR & 1);
    ask(&s, FOR, certs_of(&s, HIP_CERT_X509, der, 1, 1));
    assert_int_equal(s.m->failed[FOR], HIP_REGF_UNKNOWN_CA);
    told_of(&s, 1);
    ask(&s, FOR, certs_of(&s, HIP_CERT_X509, der, 1, 2)); /* the other one of the group is missing */
    assert_int_equal(s.m->failed[FOR], HIP_REGF_BAD_CERTIFICATE);
    told_of(&s, 0);
    ask(&s, FOR, certs_of(&s, HIP_CERT_X509, der, 2, HIP_CERTS_MAX + 1));
    assert_int_equal(s.m->failed[FOR], HIP_REGF_CERTIFICATE_OTHER);
    told_of(&s, 0);
    fw_run(s.w, 5 * FW_S);
    der[1].n -= 9;
    ask(&s, FOR, certs_of(&s, HIP_CERT_X509, der, 2, 2));
    told_of(&s, 2);
    made_cert_free(leaf);
    made_cert_free(middle);
    scene_free(&s);
}

/* RFC 7401 s5.2.19: a few, however often it is brought. */
static void told_now_and_then(void **state)
{
    struct scene s;
    scene_of(&s, 0);
    struct span der = made_cert_der(s.own);
    connect_with(&s, span_of(NULL, 0), NOW);
    unsigned told = 0;
    der.n -= 9;
    for (int i = 0; i < 12; i++) {
        struct hip_contents c = { .request = { .present = true, .lifetime = 120, .n = 1, .type = { FOR } },
                                  .certs = certs_of(&s, HIP_CERT_X509, &der, 1, 1) };
        assert_int_equal(fw_raw_update(s.w, s.m, &c), ERR_OK);
        fw_run(s.w, FW_S / 10);
        assert_int_equal(s.m->failed[FOR], HIP_REGF_BAD_CERTIFICATE);
        told += s.m->notify == HIP_NTF_INVALID_CERTIFICATE;
        s.m->notify = s.m->failed[FOR] = -1;
    }
    assert_in_range(told, 3, 5);
    scene_free(&s);
}

/* Not longer than the certificate, and not at all once it is over. */
static void lifetime(void **state)
{
    struct scene s;
    scene_of(&s, NOW + 60);
    assert_int_equal(answer_to(&s, s.own, NOW), -1);
    assert_in_range(hip_reg_lifetime_us(s.m->got.response.lifetime), 50 * FW_S, 60 * FW_S);
    fw_run(s.w, 55 * FW_S); /* less is left than the shortest lifetime */
    ask(&s, FOR, span_of(NULL, 0));
    assert_int_equal(s.m->failed[FOR], HIP_REGF_CREDENTIALS_REQUIRED);
    struct span der = made_cert_der(s.own);
    ask(&s, FOR, certs_of(&s, HIP_CERT_X509, &der, 1, 1));
    assert_int_equal(s.m->failed[FOR], HIP_REGF_CERTIFICATE_EXPIRED);
    scene_free(&s);
}

static void expired(void **state)
{
    for (int late = 0; late < 2; late++) {
        struct scene s;
        scene_of(&s, 0);
        assert_int_equal(answer_to(&s, s.own, late ? MADE_CERT_TO + 1 : MADE_CERT_FROM - 1),
                         HIP_REGF_CERTIFICATE_EXPIRED);
        scene_free(&s);
    }
}

static void of_somebody_else(void **state)
{
    struct scene s;
    scene_of(&s, 0);
    struct made_cert *c =
        made_cert(&(struct made_cert_wish){ .name = "host", .by = s.root, .address = s.w->fa_hi.hit.b });
    assert_int_equal(answer_to(&s, c, NOW), HIP_REGF_INVALID_CERTIFICATE);
    made_cert_free(c);
    scene_free(&s);
}

/* A CA that knows no HITs certified the host's key (RFC 8002 s3). */
static void of_its_key(void **state)
{
    struct scene s;
    scene_of(&s, 0);
    struct made_cert *c =
        made_cert(&(struct made_cert_wish){ .name = "host", .by = s.root, .key = s.m->hi.key });
    assert_int_equal(answer_to(&s, c, NOW), -1);
    made_cert_free(c);
    scene_free(&s);
}

static void unknown_ca(void **state)
{
    struct scene s;
    scene_of(&s, 0);
    struct made_cert *ca = made_cert(&(struct made_cert_wish){ .name = "stranger", .ca = true });
    struct made_cert *c = issued(&s, ca, 0);
    assert_int_equal(answer_to(&s, c, NOW), HIP_REGF_UNKNOWN_CA);
    made_cert_free(c);
    made_cert_free(ca);
    scene_free(&s);
}

static void other(void **state)
{
    struct scene s;
    scene_of(&s, 0);
    struct made_cert *c = made_cert(
        &(struct made_cert_wish){ .name = "host", .by = s.root, .address = s.m->hi.hit.b, .critical = true });
    assert_int_equal(answer_to(&s, c, NOW), HIP_REGF_CERTIFICATE_OTHER);
    made_cert_free(c);
    scene_free(&s);
}

/* Nothing is fetched from an URL; SPKI (type 2) is gone; a certificate where no CA is configured. */
static void unsupported(void **state)
{
    static const uint8_t types[] = { HIP_CERT_HASH_URL, HIP_CERT_LDAP_URL, HIP_CERT_DN, 2, HIP_CERT_X509 };
    struct scene s;
    for (size_t i = 0; i < sizeof types; i++) {
        scene_of(&s, 0);
        struct span der = made_cert_der(s.own);
        if (types[i] == HIP_CERT_X509)
            s.w->c.ca = NULL;
        connect_with(&s, certs_of(&s, types[i], &der, 1, 1), NOW);
        assert_int_equal(s.m->failed[FOR], HIP_REGF_UNSUPPORTED_CERTIFICATE);
        assert_int_equal(s.m->granted, 0);
        assert_int_equal(s.m->notify, -1); /* nobody verified it */
        scene_free(&s);
    }
}

/* Who is on the list needs no certificate, and a bad one takes nothing from it. */
static void on_the_list(void **state)
{
    struct scene s;
    scene_of(&s, 0);
    s.w->c.n_allow = 1;
    s.w->allow[0] = (struct fa_allow){ .hit = s.m->hi.hit, .n = 1, .type = { FOR } };
    struct span der = made_cert_der(s.own);
    connect_with(&s, certs_of(&s, HIP_CERT_X509, &der, 1, 1), MADE_CERT_TO + 1);
    assert_true(s.m->granted >> FOR & 1);
    assert_int_equal(s.m->failed[FOR], -1);
    told_of(&s, 1);
    scene_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(granted),     cmocka_unit_test(in_update),   cmocka_unit_test(two_of_them),
        cmocka_unit_test(lifetime),    cmocka_unit_test(expired),     cmocka_unit_test(of_somebody_else),
        cmocka_unit_test(of_its_key),  cmocka_unit_test(unknown_ca),  cmocka_unit_test(other),
        cmocka_unit_test(unsupported), cmocka_unit_test(on_the_list), cmocka_unit_test(told_now_and_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
