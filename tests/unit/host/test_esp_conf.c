/* SPDX-License-Identifier: Apache-2.0
 * The `esp` and `lsi` parts of hiphostd's configuration: what they mean, and what is refused with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hip/esp/sa.h"
#include "hip/suite.h"
#include "host/esp_conf.h"

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
    assert_memory_equal(s.core.hip.esp_suites,
                        ((uint16_t[6]){ ESP_AES128_GCM16, ESP_AES128_CBC_SHA256, ESP_AES256_CBC_SHA256 }),
                        12);
    assert_int_equal(s.core.hip.n_auth_only, 0);
    assert_true(s.rekey.packets == UINT64_C(1) << 30 && s.rekey.octets == UINT64_C(1) << 36);
    assert_true(s.rekey.age_us == UINT64_C(8) * 3600 * 1000000);
    assert_true(s.core.rekey_dh);
    assert_true(s.core.hip.ual_us == UINT64_C(900) * 1000000);
    assert_false(s.fragment);
}

static void lsis(void **state)
{
    static const char *const bad[] = { "198.19.0.0/24", "0.0.0.0/8",     "224.0.0.0/8", "127.0.0.0/8",
                                       "\"fd00::/16\"", "198.19.1.0/16", "8.0.0.0/7" };
    char text[64];

    assert_int_equal(read_text("label: phone\n"), ERR_OK);
    assert_true(s.lsi && !s.lsi_options && s.lsi_bits == 16);
    assert_memory_equal(s.lsi_prefix.ip, ((uint8_t[]){ 198, 19, 0, 0 }), 4);
    assert_int_equal(read_text("lsi: { use: no, prefix: 10.64.0.0/12, ip_options: carry }\n"), ERR_OK);
    assert_true(!s.lsi && s.lsi_options && s.lsi_bits == 12);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(text, sizeof(text), "lsi: { prefix: %s }\n", bad[i]);
        assert_int_equal(read_text(text), ERR_CONFIG);
        assert_non_null(strstr(why, "x:1: expected an IPv4 prefix of 8 to 20 bits"));
    }
}

static void all_of_it(void **state)
{
    struct hit h;
    assert_int_equal(hit_parse("2001:22::7", &h), ERR_OK);
    assert_int_equal(read_text("esp:\n"
                               "  suites: [aes128-gmac, aes128-ccm8]\n"
                               "  authentication_only: [\"2001:22::1\", \"2001:22::7\"]\n"
                               "  rekey_packets: 100\n  rekey_octets: 100000\n  rekey_age: 10s\n"
                               "  rekey_dh: no\n  idle: 2d\n  path_mtu: fragment\n"
                               "  idle_peers: [ { hit: \"2001:22::7\", idle: 10s } ]\n"),
                     ERR_OK);
    assert_memory_equal(s.core.hip.esp_suites, ((uint16_t[6]){ ESP_AES128_GMAC, ESP_AES128_CCM8 }), 12);
    assert_int_equal(s.core.hip.n_auth_only, 2);
    assert_true(hit_eq(&s.core.hip.auth_only[1], &h));
    assert_true(s.rekey.packets == 100 && s.rekey.octets == 100000 && s.rekey.age_us == 10000000);
    assert_false(s.core.rekey_dh);
    assert_true(s.core.hip.ual_us == UINT64_C(172800) * 1000000);
    assert_int_equal(s.core.hip.n_idle, 1);
    assert_true(hit_eq(&s.core.hip.idle[0].peer, &h) && s.core.hip.idle[0].us == 10000000);
    assert_true(s.fragment);
}

static void refused(void **state)
{
    static const struct {
        const char *text, *why;
    } v[] = {
        { "esp: { suites: [aes128-gcm16, null-sha256] }\n", /* RFC 7402 s3.3.5 */
          "x:1: expected authentication_only to say for which peers, beside null-sha256, which does not "
          "encrypt" },
        { "esp: { suites: [aes128-gmac], authentication_only: [\"2001:22::1\"] }\n",
          "x:1: expected a suite that encrypts as well" },
        { "esp: { suites: [aes128-gcm16, aes128-gcm16] }\n", "x:1: expected each suite only once" },
        { "esp:\n  authentication_only: [\"2001:db8::1\"]\n",
          "x:2: expected a host identity tag (inside 2001:20::/28), not \"2001:db8::1\"" },
        { "esp: { suites: [des] }\n", "x:1: expected" },
        { "esp: { suites: [] }\n", "x:1: expected" },
        { "esp: { rekey_packets: 99 }\n", "x:1: expected" },
        { "esp: { rekey_octets: 137438953473 }\n", "x:1: expected" },
        { "esp: { rekey_age: 9s }\n", "x:1: expected" },
        { "esp: { idle_peers: [ { hit: \"2001:22::1\", idle: 9s } ] }\n", "x:1: expected" },
        { "esp:\n  idle_peers:\n    - { hit: \"2001:db8::1\", idle: 1h }\n",
          "x:3: expected a host identity tag (inside 2001:20::/28), not \"2001:db8::1\"" },
        { "esp:\n  idle_peers:\n    - { hit: \"2001:22::1\", idle: 1h }\n    - { hit: \"2001:22::1\", idle: "
          "2h }\n",
          "x:4: expected each peer only once" },
    };
    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        assert_int_equal(read_text(v[i].text), ERR_CONFIG);
        if (strncmp(why, v[i].why, strlen(v[i].why)) != 0)
            fail_msg("%s: %s", v[i].text, why);
    }
}

/* Every suite of hip/suite.h that is there has a name that the configuration takes. */
static void names(void **state)
{
    const struct hip_esp_suite *h;
    char text[128];
    for (size_t i = 0; (h = hip_esp_suite_at(i)) != NULL; i++) {
        if (!h->supported) {
            assert_string_equal(host_esp_suite_name(h->id), "");
            continue;
        }
        (void)snprintf(text, sizeof(text), "esp: { suites: [%s%s], authentication_only: [\"2001:22::1\"] }\n",
                       host_esp_suite_name(h->id), h->auth_only ? ", aes128-gcm16" : "");
        assert_int_equal(read_text(text), ERR_OK);
        assert_int_equal(s.core.hip.esp_suites[0], h->id);
    }
}

static int end(void **state)
{
    rt_conf_free(conf);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults), cmocka_unit_test(lsis),  cmocka_unit_test(all_of_it),
        cmocka_unit_test(refused),  cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
