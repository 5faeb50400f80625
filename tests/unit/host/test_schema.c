/* SPDX-License-Identifier: Apache-2.0
 * `host_id` and `suites` of hiphostd's configuration: what they mean, and what is refused with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/crypto/secret.h"
#include "host/schema.h"

static struct host_settings s;
static struct rt_conf *conf;
static char why[RT_CONF_WHY_MAX];

static err read_text(const char *text)
{
    rt_conf_free(conf);
    conf = NULL;
    why[0] = 0;
    err e = rt_conf_parse(span_of(text, strlen(text)), "x", host_schema, &conf, why);
    return e ? e : host_settings_read(conf, &s, why);
}

static void defaults(void **state)
{
    assert_int_equal(read_text("label: phone\n"), ERR_OK);
    assert_int_equal(s.core.hip.di.type, HIP_DI_NONE);
    assert_false(s.core.hip.host_id_in_clear);
    assert_int_equal(s.core.hip.rsa_bits_min, 2048);
    assert_true(s.core.hip.refuse_dsa);
}

static void all_of_it(void **state)
{
    static const char fqdn[] = "\6laptop\7example\3com", nai[] = "matti@example.com";
    assert_int_equal(read_text("host_id: { name: laptop.example.com, in_clear: yes }\nsuites: { "
                               "rsa_bits_min: 3072, dsa: yes }\n"),
                     ERR_OK);
    assert_false(s.core.hip.refuse_dsa);
    assert_true(s.core.hip.host_id_in_clear);
    assert_int_equal(s.core.hip.rsa_bits_min, 3072);
    assert_int_equal(s.core.hip.di.type, HIP_DI_FQDN);
    assert_true(span_eq(s.core.hip.di.v, span_of(fqdn, sizeof fqdn)));
    assert_int_equal(read_text("host_id: { name: \"matti@example.com\" }\n"), ERR_OK);
    assert_int_equal(s.core.hip.di.type, HIP_DI_NAI);
    assert_true(span_eq(s.core.hip.di.v, span_of(nai, sizeof nai - 1)));
}

/* The home network's key for SUCIs: of its profile, on its curve. */
static void suci(void **state)
{
    static const char a[] = "binding: { suci: { profile: A, key_id: 27, public_key: %s%s } }\n";
    static const char x25519[] = "5a8d38864820197c3394b92613b20b91633cbd897119273bf8e4a6f4eec0a650",
                      p256[] = "0272da71976234ce833a6907425867b82e074d44ef907dfb4b3e21c1c2256ebcd1";
    char text[512];
    assert_int_equal(read_text("label: phone\n"), ERR_OK);
    assert_int_equal(s.core.suci.profile, 0);
    snprintf(text, sizeof text, a, x25519, ", routing: \"678\"");
    assert_int_equal(read_text(text), ERR_OK);
    assert_int_equal(s.core.suci.profile, SUCI_PROFILE_A);
    assert_int_equal(s.core.suci.id, 27);
    assert_string_equal(s.core.suci.rid, "678");
    snprintf(text, sizeof text, a, p256, "");
    assert_int_equal(read_text(text), ERR_CONFIG);
    if (!strstr(why, "a public key of this profile"))
        fail_msg("%s", why);
    snprintf(text, sizeof text, a, x25519, ", routing: \"6x\"");
    assert_int_equal(read_text(text), ERR_CONFIG);
    assert_non_null(strstr(why, "1 to 4 digits"));
    snprintf(text, sizeof text, "binding: { suci: { profile: B, key_id: 1, public_key: %s } }\n", p256);
    if (read_text(text) != ERR_OK)
        fail_msg("%s", why);
    assert_int_equal(s.core.suci.profile, SUCI_PROFILE_B);
    snprintf(text, sizeof text, "binding: { suci: { profile: B, key_id: 1, public_key: %s } }\n",
             "0272da71976234ce833a6907425867b82e074d44ef907dfb4b3e21c1c2256ebc");
    assert_int_equal(read_text(text), ERR_CONFIG);
}

#define SIM "sim: { file: /x }\nforwarding_agents: [ { name: fa.example.com } ]\n"

static void refused(void **state)
{
    static const struct {
        const char *text, *why;
    } v[] = {
        { "host_id:\n  name: a..b\n", "x:2: expected a domain name or user@realm" },
        { "host_id:\n  name: \"@\"\n", "x:2: expected a domain name or user@realm" },
        { "host_id: { name: a.example }\nanonymous: yes\n",
          "x:1: expected no name of an anonymous identity" },
        { SIM "host_id: { name: a.example }\n", "x:3: expected neither name nor in_clear beside a SIM" },
        { SIM "host_id: { in_clear: yes }\n", "x:3: expected neither name nor in_clear beside a SIM" },
        { "suites: { rsa_bits_min: 1023 }\n", "x:1: expected" },
        { "suites: { rsa_bits_min: 4097 }\n", "x:1: expected" },
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        assert_int_equal(read_text(v[i].text), ERR_CONFIG);
        assert_memory_equal(why, v[i].why, strlen(v[i].why));
    }
}

static int done(void **state)
{
    rt_conf_free(conf);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(all_of_it),
        cmocka_unit_test(suci),
        cmocka_unit_test(refused),
    };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, done);
}
