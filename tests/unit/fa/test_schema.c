/* SPDX-License-Identifier: Apache-2.0
 * hipfad's configuration: the example that is installed, defaults, and what the messages say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/crypto/secret.h"
#include "common/rt/file.h"
#include "fa/identity.h"
#include "fa/schema.h"
#include "hip/daemon/identity.h"

static struct fa_settings s;

static void example(void **st)
{
    char why[RT_CONF_WHY_MAX];
    if (fa_settings_load(FA_EXAMPLE, &s, why) != ERR_OK)
        fail_msg("%s", why);
    assert_string_equal(s.name, "fa.operator.example");
    assert_int_equal(s.n_addr, 2);
    assert_int_equal(s.addr[1].family, ADDR_V6);
    assert_int_equal(s.udp_port, 10500);
    assert_int_equal(s.workers, 0);
    assert_int_equal(s.n_realms, 1);
    assert_string_equal(s.realm[0].realm, "wlan.mnc001.mcc001.3gppnetwork.org");
    assert_string_equal(s.realm[0].plmn[0], "00101");
    assert_int_equal(s.realm_servers[0].server[0].port, 1812);
    assert_int_equal(s.primary[0].port, 53);
    assert_string_equal(s.domain, "operator.example");
    assert_string_equal(s.zone, "operator.example");
    assert_int_equal(s.ttl_s, 300);
    assert_int_equal(s.identity_type, SIG_ECDSA_P256);
    assert_memory_equal(s.suites.dh_groups, ((uint8_t[8]){ 7, 8 }), 8);
    assert_memory_equal(s.suites.ciphers, ((uint16_t[6]){ 2, 4 }), 12);
    assert_memory_equal(s.suites.hit_suites, ((uint8_t[8]){ 1, 2, 5 }), 8);
    assert_false(s.suites.null_encrypt);
    assert_int_equal(s.binding_s, 30 * 86400);
    assert_int_equal(s.reg_max_s, 3600);
    assert_int_equal(s.level, LOG_LV_INFO);
    assert_false(s.imsi_clear);
    fa_settings_done(&s);
}

#define HEAD "name: fa.operator.example\naddresses: [192.0.2.18]\n"
#define ZONE "zone: { domain: operator.example, primary: [192.0.2.2], key_name: k, key_file: k }\n"

#define HLRS   "subscribers:\n  hlrs:\n    - { name: a, address: 192.0.2.7, imsi_prefixes: ["
#define RADSEC "{ address: 192.0.2.2, name: aaa.example, ca: c.pem, certificate: o.pem, key: o.key }"

static const char *const bad[][2] = {
    { HEAD, "zone" },
    { "addresses: [192.0.2.18]\n" ZONE, "name" },
    { HEAD ZONE "nonsense: 1\n", ":4:" },
    { HEAD ZONE "suites: { dh_groups: [nist-p-256, modp-2048, nist-p-256] }\n",
      ":4: expected each of dh_groups once" },
    { HEAD ZONE "suites: { ciphers: [aes-256-cbc, aes-256-cbc] }\n", ":4: expected each of ciphers once" },
    { HEAD ZONE "suites: { ciphers: [null-encrypt] }\n", ":4: expected" },
    { HEAD ZONE "suites: { dh_groups: [] }\n", ":4: expected" },
    { HEAD "zone: { domain: other.example, primary: [192.0.2.2], key_name: k, key_file: k }\n",
      ":1: expected a name in the zone" },
    { HEAD "zone: { domain: operator.example, zone: other.example, primary: [192.0.2.2], key_name: k, "
           "key_file: k }\n",
      ":3: expected a zone that holds" },
    { HEAD "zone: { domain: operator.example, primary: [192.0.2.2], key_name: k, key_file: k, ttl: 301s }\n",
      ":3:" },
    { HEAD ZONE
      "realms:\n  - { realm: a.example, plmns: [\"0010\"], servers: [192.0.2.2], secret_file: s }\n",
      ":5: expected MCC and MNC" },
    { HEAD ZONE
      "realms:\n  - { realm: a.example, plmns: [\"00101\"], servers: [192.0.2.2], secret_file: s }\n"
      "  - { realm: A.example, plmns: [\"00101\"], servers: [192.0.2.2], secret_file: s }\n",
      ":6: expected each realm once" },
    { HEAD ZONE "realms:\n  - { realm: a.example, plmns: [\"00101\"] }\n",
      ":5: expected servers or radsec, one of the two" },
    { HEAD ZONE "realms:\n  - { realm: a.example, plmns: [\"00101\"], servers: [192.0.2.2], secret_file: s, "
                "radsec: [" RADSEC "] }\n",
      ":5: expected servers or radsec, one of the two" },
    { HEAD ZONE "realms:\n  - { realm: a.example, plmns: [\"00101\"], servers: [192.0.2.2] }\n",
      ":5: expected secret_file with servers" },
    { HEAD ZONE "realms:\n  - { realm: a.example, plmns: [\"00101\"], secret_file: s, radsec: [" RADSEC
                "] }\n",
      ":5: expected secret_file with servers, and without them none" },
    { HEAD ZONE
      "realms:\n  - { realm: a.example, plmns: [\"00101\"], radsec: [{ address: 192.0.2.2, ca: c }] }\n",
      ":5:" },
    { HEAD ZONE "registration:\n  allow:\n    - { hit: \"2001:db8::1\" }\n",
      ":6: expected a host identity tag" },
    { HEAD ZONE "registration: { min: 1h, max: 10s }\n", ":4: expected max not below min" },
    { HEAD ZONE "binding: { lifetime: 60d, lifetime_max: 30d }\n", ":4: expected lifetime_max" },
    { HEAD ZONE "binding: { reauthenticate: always }\n", ":4: expected never, on-access-change or every N" },
    { HEAD ZONE "binding: { reauthenticate: every 0 hours }\n", ":4: expected never" },
    { HEAD ZONE "binding: { reauthenticate: every 2 hoursx }\n", ":4: expected never" },
    { HEAD ZONE "partners: [fa2.operator.example, FA.operator.example]\n",
      ":4: expected the names of other" },
    { HEAD ZONE "partners: [fa2.operator.example, fa2.operator.example]\n",
      ":4: expected the names of other" },
    { HEAD ZONE "identity: { type: ecdsa-p521 }\n", ":4:" },
    { HEAD ZONE
      "realms:\n  - { realm: a.example, plmns: [\"00101\"], servers: [192.0.2.2], secret_file: s }\n"
      "identity: { type: ed25519 }\n",
      ":6: expected rsa, dsa, ecdsa-p256 or ecdsa-p384 beside realms" },
    { HEAD ZONE "limits: { puzzle: 40 }\n", ":4:" },
    { HEAD ZONE "udp_port: 65536\n", ":4:" },
    { HEAD ZONE "workers: 65\n", ":4: expected auto, or 1 to 64" },
    { HEAD ZONE "workers: 0\n", ":4: expected auto, or 1 to 64" },
    { HEAD ZONE "workers: 2x\n", ":4: expected auto, or 1 to 64" },
    { HEAD ZONE "relay: { port_first: 20000, port_last: 19999 }\n",
      ":4: expected port_last not below port_first" },
    { HEAD ZONE "relay: { port_first: 10000, port_last: 11000 }\n",
      ":4: expected ports without udp_port 10500" },
    { HEAD ZONE "relay: { forbidden: [10.0.0.0/33] }\n", ":4:" },
    { HEAD ZONE "registration: { allow: [ { hit: \"2001:22::1\", types: [sim-binding] } ] }\n", ":4:" },
    { HEAD ZONE HLRS "\"00101\"] }\n    - { name: b, address: 192.0.2.8, imsi_prefixes: [\"00101\"] }\n",
      ":7: expected the first digits of an IMSI, each prefix once" },
    { HEAD ZONE HLRS "\"0010x\"] }\n", ":6: expected the first digits" },
    { HEAD ZONE HLRS "\"00101\"] }\n    - { name: a, address: 192.0.2.8, imsi_prefixes: [\"2\"] }\n",
      ":7: expected a name that no HLR above has" },
    { HEAD ZONE HLRS "\"1\"], remember: 2h }\n", ":6:" }, /* docs/sim-binding.md section 7 */
    { HEAD ZONE HLRS "] }\n", ":6:" },
};

static char dir[64], path[96];

static void put(const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void messages(void **st)
{
    char why[RT_CONF_WHY_MAX];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        put(bad[i][0]);
        if (fa_settings_load(path, &s, why) != ERR_CONFIG)
            fail_msg("case %zu was taken", i);
        if (!strstr(why, bad[i][1]) || strncmp(why, path, strlen(path)) != 0)
            fail_msg("case %zu says: %s", i, why);
        assert_null(s.conf);
    }
    put(HEAD ZONE "udp_port: 0\nworkers: 2\n");
    assert_int_equal(fa_settings_load(path, &s, why), ERR_OK);
    assert_int_equal(s.udp_port, 0);
    assert_int_equal(s.workers, 2);
    assert_true(!s.relay.control && !s.relay.data); /* they are in UDP */
    assert_int_equal(s.n_realms, 0);
    assert_true(strncmp(s.key_file, dir, strlen(dir)) == 0); /* relative to the configuration's folder */
    fa_settings_done(&s);
    put(HEAD ZONE HLRS "\"00101\", \"24405\"], publish_number: yes, devices: 3, lifetime_max: 1h }\n");
    assert_int_equal(fa_settings_load(path, &s, why), ERR_OK);
    assert_true(s.n_hlr == 1 && s.hlr[0].n_prefix == 2 && s.hlr[0].address.port == 4259);
    assert_true(s.hlr[0].publish_number && s.hlr[0].devices_max == 3 && s.hlr[0].lifetime_max_s == 3600);
    assert_true(s.hlr[0].request_us == 400000 && s.hlr[0].remember_us == 600000000);
    fa_settings_done(&s);
    put(HEAD ZONE "partners: [fa2.operator.example, fa3.operator.example]\nregistration: { by_zone: yes }\n"
                  "binding: { reauthenticate: every 12 hours, access_prefix: 25 }\n");
    assert_int_equal(fa_settings_load(path, &s, why), ERR_OK);
    assert_int_equal(s.reauth_s, 12 * 3600);
    assert_int_equal(s.access_prefix, 25);
    assert_false(s.reauth_on_access);
    assert_int_equal(s.n_partner, 2);
    assert_string_equal(s.partner[1], "fa3.operator.example");
    assert_true(s.by_zone);
    fa_settings_done(&s);
    put(HEAD ZONE "realms:\n  - { realm: a.example, plmns: [\"00101\"], radsec: [" RADSEC
                  ", { address: \"192.0.2.3:2084\", ca: c.pem, certificate: o.pem, key: o.key }] }\n");
    assert_int_equal(fa_settings_load(path, &s, why), ERR_OK);
    assert_int_equal(s.realm_servers[0].n, 0);
    assert_int_equal(s.realm_servers[0].n_radsec, 2);
    assert_int_equal(s.realm_servers[0].radsec[0].address.port, 2083);
    assert_string_equal(s.realm_servers[0].radsec[0].name, "aaa.example");
    assert_int_equal(s.realm_servers[0].radsec[1].address.port, 2084);
    assert_null(s.realm_servers[0].radsec[1].name);
    fa_settings_done(&s);
    put(HEAD ZONE
        "registration: { allow: [ { hit: \"2001:22::1\" } ] }\nlog: { imsi: clear, level: debug }\n");
    assert_int_equal(fa_settings_load(path, &s, why), ERR_OK);
    assert_int_equal(s.n_allow, 1);
    assert_int_equal(s.allow[0].n, 4); /* every type */
    assert_int_equal(s.allow[0].type[3], FA_REG_DISCOVERY);
    assert_true(s.imsi_clear);
    fa_settings_done(&s);
    put(HEAD ZONE
        "registration: { required: yes, allow: [ { hit: \"2001:22::1\", types: [data-relay, rendezvous] } ] "
        "}\n"
        "relay: { control: no, forbidden: [10.0.0.0/8, \"fd00::/8\"], client_kbit: 8, port_last: 20001 }\n");
    assert_int_equal(fa_settings_load(path, &s, why), ERR_OK);
    assert_true(s.reg_required);
    assert_int_equal(s.allow[0].n, 2);
    assert_int_equal(s.allow[0].type[0], FA_REG_RENDEZVOUS);
    assert_int_equal(s.allow[0].type[1], FA_REG_RELAY_ESP);
    struct fa_relay_config r;
    fa_settings_relay(&s, &r);
    assert_true(r.data && !r.control && !r.discovery);
    assert_int_equal(r.n_forbidden, 2);
    assert_int_equal(r.forbidden[1].bits, 8);
    assert_int_equal(r.forbidden[1].net.family, ADDR_V6);
    assert_int_equal(r.table.client_bit_s, 8000);
    assert_int_equal(r.table.hip_port, 10500);
    assert_int_equal(r.port_first, 20000);
    assert_int_equal(r.port_last, 20001);
    assert_int_equal(r.n_local, 1);
    assert_int_equal(r.i1_per_source_milli, 10000);
    fa_settings_done(&s);
    unlink(path);
    assert_int_equal(fa_settings_load(path, &s, why), ERR_IO);
}

/* The key file is made once, with mode 0600, and comes back the same; one that others may read is refused. */
/* Every group by its name; the weak and the testing ones only when somebody writes them. */
static void suites(void **st)
{
    char why[RT_CONF_WHY_MAX];
    put(HEAD ZONE
        "suites:\n  dh_groups: [secp160r1, modp-1536, modp-2048, modp-3072, nist-p-521, nist-p-384, "
        "nist-p-256]\n"
        "  ciphers: [aes-256-cbc]\n  ecdsa_low: yes\n  dsa: yes\n  rsa_bits_min: 3072\n  null_encrypt: yes\n"
        "identity: { type: ed448, say_name: yes }\n");
    if (fa_settings_load(path, &s, why) != ERR_OK)
        fail_msg("%s", why);
    assert_memory_equal(s.suites.dh_groups, ((uint8_t[8]){ 10, 3, 11, 4, 9, 8, 7 }), 8);
    assert_memory_equal(s.suites.ciphers, ((uint16_t[6]){ 1, 4 }), 12);
    assert_memory_equal(s.suites.hit_suites, ((uint8_t[8]){ 1, 2, 5, 3 }), 8);
    assert_true(s.suites.null_encrypt);
    assert_int_equal(s.identity_type, SIG_ED448);
    assert_true(s.say_name);
    assert_int_equal(s.suites.rsa_bits_min, 3072);
    assert_false(s.suites.refuse_dsa);
    fa_settings_done(&s);
    static const struct {
        const char *name;
        enum sig_type t;
        unsigned bits;
    } kinds[] = { { "rsa-2048", SIG_RSA, 2048 },
                  { "rsa-3072", SIG_RSA, 3072 },
                  { "dsa", SIG_DSA, 1024 },
                  { "ecdsa-p256", SIG_ECDSA_P256, 0 },
                  { "ecdsa-p384", SIG_ECDSA_P384, 0 },
                  { "ecdsa-low", SIG_ECDSA_SECP160R1, 0 },
                  { "ed25519", SIG_ED25519, 0 },
                  { "ed448", SIG_ED448, 0 } };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char text[512];
        snprintf(text, sizeof text, HEAD ZONE "identity: { type: %s }\n", kinds[i].name);
        put(text);
        assert_int_equal(fa_settings_load(path, &s, why), ERR_OK);
        assert_int_equal(s.identity_type, kinds[i].t);
        assert_int_equal(s.identity_bits, kinds[i].bits);
        fa_settings_done(&s);
    }
    unlink(path);
}

static void identity(void **st)
{
    char why[RT_FILE_WHY_MAX];
    struct hip_hi a, b;
    struct stat sb;
    uint8_t ka[16], kb[16];
    umask(022);
    assert_int_equal(hipd_identity_open(path, SIG_ECDSA_P256, 0, &a, why), ERR_OK);
    assert_int_equal(stat(path, &sb), 0);
    assert_int_equal(sb.st_mode & 0777, 0600);
    assert_int_equal(hipd_identity_open(path, SIG_RSA, 2048, &b, why), ERR_OK);
    assert_true(hit_eq(&a.hit, &b.hit));
    assert_int_equal(fa_identity_log_key(&a, ka), ERR_OK);
    assert_int_equal(fa_identity_log_key(&b, kb), ERR_OK);
    assert_memory_equal(ka, kb, 16);
    hip_hi_done(&a);
    hip_hi_done(&b);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(hipd_identity_open(path, SIG_ECDSA_P256, 0, &a, why), ERR_REFUSED);
    assert_int_equal(chmod(path, 0600), 0);
    put("junk");
    assert_int_equal(hipd_identity_open(path, SIG_ECDSA_P256, 0, &a, why), ERR_MALFORMED);
    unlink(path);
}

static int setup(void **state)
{
    snprintf(dir, sizeof dir, "/tmp/hipfa-schema-XXXXXX");
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof path, "%s/c.yaml", dir);
    return crypto_init() != ERR_OK;
}

static int teardown(void **state)
{
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest t[] = { cmocka_unit_test(example), cmocka_unit_test(messages),
                                    cmocka_unit_test(suites), cmocka_unit_test(identity) };
    return cmocka_run_group_tests(t, setup, teardown);
}
