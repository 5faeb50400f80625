/* SPDX-License-Identifier: Apache-2.0
 *
 * The key log, line by line: what stands in it is what the hosts really use, in the form that docs/man/hipvec.1 gives, and nothing stands
 * anywhere without a sink.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/hex.h"
#include "hip/core.h"
#include "hip/keylog.h"
#include "hip/suite.h"
#include "tests/sim/sim.h"

#define LINE (2 * HIP_HI_MAX + 256)

static struct {
    char text[1 << 16];
    size_t n;
    unsigned writes;
} seen;

static void take(void *ctx, const char *lines, size_t n)
{
    assert_ptr_equal(ctx, &seen);
    assert_true(n > 0 && lines[n - 1] == '\n' && seen.n + n < sizeof seen.text);
    memcpy(seen.text + seen.n, lines, n);
    seen.n += n;
    seen.text[seen.n] = '\0';
    seen.writes++;
}

static void forget(void)
{
    memset(&seen, 0, sizeof seen);
}

/* How often this line stands there, as a whole. */
static unsigned times(const char *line)
{
    unsigned n = 0;
    for (const char *p = seen.text; (p = strstr(p, line)); p++)
        n += (p == seen.text || p[-1] == '\n') && p[strlen(line)] == '\n';
    return n;
}

static unsigned lines(void)
{
    unsigned n = 0;
    for (size_t i = 0; i < seen.n; i++)
        n += seen.text[i] == '\n';
    return n;
}

static const char *hex(struct span s)
{
    static char text[2 * HIP_HI_MAX + 1];
    if (s.n == 0)
        return "-";
    hex_encode(s, text);
    return text;
}

static const struct hip_assoc *inside(const struct sim_host *h)
{
    return hip_assoc_by_ref(h->e, h->ref);
}

static unsigned has_hip(const struct sim_host *i, const struct sim_host *r, const struct sim_host *of,
                        const char *what, struct span key)
{
    char line[LINE], a[HIT_TEXT_MAX], b[HIT_TEXT_MAX];
    const struct sim_host *other = of == i ? r : i;
    snprintf(line, sizeof line, "HIP %s %s %u hip_%s_%s %s", hit_format(&i->hi.hit, a),
             hit_format(&r->hi.hit, b), inside(i)->cipher,
             hit_cmp(&of->hi.hit, &other->hi.hit) > 0 ? "gl" : "lg", what, hex(key));
    return times(line);
}

static unsigned has_esp(const struct sim_host *from, const struct sim_host *to, uint32_t spi,
                        const char *what, struct span key)
{
    char line[LINE], a[HIT_TEXT_MAX], b[HIT_TEXT_MAX];
    snprintf(line, sizeof line, "ESP %08x %s %s %u esp_%s_%s %s", spi, hit_format(&from->hi.hit, a),
             hit_format(&to->hi.hit, b), inside(from)->esp_suite,
             hit_cmp(&from->hi.hit, &to->hi.hit) > 0 ? "gl" : "lg", what, hex(key));
    return times(line);
}

static unsigned has_hi(const struct sim_host *h)
{
    char line[LINE], a[HIT_TEXT_MAX];
    snprintf(line, sizeof line, "HI %s %s", hit_format(&h->hi.hit, a),
             hex(span_of(h->hi.wire, h->hi.wire_len)));
    return times(line);
}

static struct sim *joined(const struct hip_config *c, bool logged, bool turned, struct sim_host **mn,
                          struct sim_host **cn)
{
    struct sim *s = sim_new(sim_seed(112));
    forget();
    if (logged)
        s->env.keys = (struct key_sink){ .ctx = &seen, .write = take };
    *mn = sim_host(s, "mn", c, turned, "192.0.2.1");
    *cn = sim_host(s, "cn", c, !turned, "198.51.100.1");
    (void)sim_connect(s, *mn, *cn);
    sim_run(s, 500000);
    assert_true(sim_joined(*mn, *cn));
    return s;
}

/* Both hosts write to the one sink: each line twice, once from each, and they agree; who is greater makes no difference. */
static void exchange(void **state)
{
    for (int turned = 0; turned < 2; turned++) {
        struct hip_config c = sim_config();
        struct sim_host *h[2];
        struct sim *s = joined(&c, true, turned, &h[0], &h[1]);
        for (int n = 0; n < 2; n++) {
            const struct hip_secrets *k = inside(h[n])->keys.secrets;
            assert_int_equal(has_hi(h[n]), 2);
            assert_int_equal(has_hip(h[0], h[1], h[n], "enc", hip_key_enc(&k->hip.out)), 2);
            assert_int_equal(has_hip(h[0], h[1], h[n], "mac", hip_key_mac(&k->hip.out)), 2);
            assert_int_equal(has_esp(h[n], h[!n], h[n]->spi_out, "enc", hip_key_enc(&k->esp.out)), 2);
            assert_int_equal(has_esp(h[n], h[!n], h[n]->spi_out, "auth", hip_key_mac(&k->esp.out)), 2);
        }
        assert_int_equal(lines(), 2 * (2 + 4 + 4));
        assert_int_equal(seen.writes, 2 * (1 + 2)); /* whole: other workers' lines do not come between */
        sim_free(s);
    }
}

static void new_keys(void **state)
{
    struct hip_config c = sim_config();
    struct sim_host *mn, *cn;
    struct sim *s = joined(&c, true, false, &mn, &cn);
    uint32_t was = mn->spi_out;
    forget();
    assert_int_equal(hip_rekey(mn->e, mn->ref, true, s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    sim_run(s, 500000);
    assert_true(mn->spi_out != was);
    const struct hip_secrets *k = inside(mn)->keys.secrets;
    assert_true(has_esp(mn, cn, mn->spi_out, "enc", hip_key_enc(&k->esp.out)) >= 2);
    assert_true(has_esp(mn, cn, mn->spi_out, "auth", hip_key_mac(&k->esp.out)) >= 2);
    assert_true(has_esp(cn, mn, mn->spi_in, "enc", hip_key_enc(&k->esp.in)) >= 2);
    assert_null(strstr(seen.text, "HIP ")); /* HIP's own keys stay (RFC 7402 s6.10 step 3) */
    assert_null(strstr(seen.text, "HI "));
    sim_free(s);
}

/* NULL-ENCRYPT and ESP without encryption have no such key. */
static void no_cipher(void **state)
{
    const struct span none = span_of(NULL, 0);
    struct hip_config c = sim_config();
    struct sim_host *mn, *cn;
    memset(c.ciphers, 0, sizeof c.ciphers);
    c.ciphers[0] = HIP_CIPHER_NULL;
    c.null_encrypt = true;
    struct sim *s = joined(&c, true, false, &mn, &cn);
    assert_int_equal(has_hip(mn, cn, mn, "enc", none), 2);
    assert_int_equal(has_hip(mn, cn, cn, "enc", none), 2);
    assert_int_equal(has_hip(mn, cn, mn, "mac", hip_key_mac(&inside(mn)->keys.secrets->hip.out)), 2);
    sim_free(s);
}

static void no_sink(void **state)
{
    struct hip_config c = sim_config();
    struct sim_host *mn, *cn;
    struct sim *s = joined(&c, false, false, &mn, &cn);
    assert_int_equal(seen.writes, 0);
    hip_keylog_assoc(mn->e, inside(mn));
    assert_int_equal(seen.writes, 0);
    sim_free(s);
}

/* An association that has no keys yet says nothing, not even whose it is. */
static void no_keys(void **state)
{
    struct hip_config c = sim_config();
    struct sim *s = sim_new(sim_seed(113));
    forget();
    s->env.keys = (struct key_sink){ .ctx = &seen, .write = take };
    struct sim_host *mn = sim_host(s, "mn", &c, 0, "192.0.2.1");
    struct sim_host *cn = sim_host(s, "cn", &c, 1, "198.51.100.1");
    const struct hip_assoc *a = hip_assoc_by_ref(mn->e, sim_connect(s, mn, cn));
    assert_int_equal(a->state, HIP_I1_SENT);
    hip_keylog_assoc(mn->e, a);
    assert_int_equal(seen.writes, 0);
    sim_free(s);
}

/* Two host identities of the greatest length that there is, and both keys: nothing is cut. */
static void longest(void **state)
{
    static struct hip_identity own;
    static struct hip_assoc a;
    struct hip_secrets keys = { 0 };
    struct env env = { .keys = { .ctx = &seen, .write = take } };
    struct hip_config c = sim_config();
    struct sim *s = sim_new(sim_seed(114));
    struct sim_host *h = sim_host(s, "mn", &c, 0, "192.0.2.1");
    const struct env *was = h->e->cfg.env;
    forget();
    own.hi = h->hi;
    own.hi.wire_len = a.peer_hi.wire_len = HIP_HI_MAX;
    memset(own.hi.wire, 0xa5, HIP_HI_MAX);
    memset(a.peer_hi.wire, 0x5a, HIP_HI_MAX);
    memset(&keys, 0xc3, sizeof keys);
    keys.hip.in.enc_len = keys.hip.out.enc_len = sizeof keys.hip.in.enc;
    keys.hip.in.mac_len = keys.hip.out.mac_len = sizeof keys.hip.in.mac;
    a.id = &own;
    a.cipher = UINT16_MAX;
    memset(&a.peer, 0xfe, sizeof a.peer);
    a.peer_hi.hit = a.peer;
    a.keys.secrets = &keys;
    h->e->cfg.env = &env;
    hip_keylog_assoc(h->e, &a);
    h->e->cfg.env = was;
    assert_int_equal(seen.writes, 1);
    assert_int_equal(lines(), 6);
    assert_non_null(strstr(seen.text, hex(span_of(own.hi.wire, HIP_HI_MAX))));
    assert_non_null(strstr(seen.text, hex(span_of(a.peer_hi.wire, HIP_HI_MAX))));
    assert_non_null(strstr(seen.text, hex(hip_key_mac(&keys.hip.in))));
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exchange), cmocka_unit_test(new_keys), cmocka_unit_test(no_cipher),
        cmocka_unit_test(no_sink),  cmocka_unit_test(no_keys),  cmocka_unit_test(longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
