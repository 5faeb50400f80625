/* SPDX-License-Identifier: Apache-2.0
 *
 * Where vectors come from, as the configuration says it: ranges, HLRs, sockets for hostapd, and what is refused of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "as/schema.h"
#include "as/source.h"
#include "common/crypto/secret.h"

static char dir[64], conf_path[96], secret_path[96];

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

static int set_up(void **state)
{
    snprintf(dir, sizeof dir, "/tmp/hipfa-source-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(conf_path, sizeof conf_path, "%s/c.yaml", dir);
    snprintf(secret_path, sizeof secret_path, "%s/secret", dir);
    put(secret_path, "a secret of the test\n");
    return 0;
}

static int tear_down(void **state)
{
    unlink(conf_path);
    unlink(secret_path);
    return rmdir(dir);
}

/* store: what follows key_file. */
static err load(const char *store, const char *rest, struct as_conf **out, char *why)
{
    char text[4096];
    snprintf(text, sizeof text,
             "listen: [\"127.0.0.1\"]\nclients:\n  - { name: a, address: 127.0.0.2, secret_file: secret }\n"
             "store: { path: a.sqlite, key_file: a.key%s }\ncontrol: { socket: ctl }\n%s\n",
             store, rest);
    put(conf_path, text);
    return as_conf_load(conf_path, out, why);
}

static void test_taken(void **state)
{
    char why[RT_CONF_WHY_MAX];
    struct as_conf *c;
    assert_int_equal(load("", "", &c, why), ERR_OK);
    assert_true(c->n_hlrs == 0 && c->n_sockets == 0);
    assert_int_equal(source_range(c->ranges, c->n_ranges, "001010000000001"), -1);
    as_conf_free(c);
    assert_int_equal(
        load(", imsi_prefixes: [\"0010199\"]",
             "hlrs:\n  - { name: one, address: 192.0.2.1, imsi_prefixes: [\"00101\", \"24405\"] }\n"
             "  - { name: rest, address: \"[2001:db8::1]:1234\", unit_name: a-b.c_1, vectors: 5, cache_time: "
             "0s }\n"
             "auc_sockets:\n  - { path: p }\n  - { path: q, method: aka, mode: \"0660\", group: root }",
             &c, why),
        ERR_OK);
    assert_true(c->n_hlrs == 2 && c->hlrs[0].address.port == 4222 && c->hlrs[1].address.port == 1234);
    assert_string_equal(c->hlrs[0].unit, "hipakad");
    assert_true(c->hlrs[0].vectors == 3 && c->hlrs[1].vectors == 5 && c->hlrs[1].cache_us == 0);
    static const struct {
        const char *imsi;
        int hlr;
    } at[] = { { "001010000000001", 0 },
               { "001019900000001", -1 },
               { "244050000000001", 0 },
               { "310150000000001", 1 } };
    for (size_t i = 0; i < 4; i++) {
        int k = source_range(c->ranges, c->n_ranges, at[i].imsi);
        assert_true(k >= 0);
        assert_int_equal(c->ranges[k].hlr, at[i].hlr);
    }
    assert_true(c->sockets[0].separated && c->sockets[0].mode == 0600 && !c->sockets[0].has_group);
    assert_true(!c->sockets[1].separated && c->sockets[1].mode == 0660 && c->sockets[1].has_group &&
                c->sockets[1].group == 0);
    as_conf_free(c);
}

static void test_refused(void **state)
{
    static const char *const bad[][2] = {
        { "hlrs:\n  - { name: a, address: 192.0.2.1 }\n  - { name: b, address: 192.0.2.2 }", "nobody above" },
        { "hlrs:\n  - { name: a, address: 192.0.2.1, imsi_prefixes: [\"1\", \"1\"] }", "nobody above" },
        { "hlrs:\n  - { name: a, address: 192.0.2.1, imsi_prefixes: [\"1x\"] }", "first digits" },
        { "hlrs:\n  - { name: a, address: 192.0.2.1, imsi_prefixes: [\"1234567890123456\"] }",
          "first digits" },
        { "hlrs:\n  - { name: a, address: 192.0.2.1, unit_name: \"a b\" }", "letters" },
        { "hlrs:\n  - { name: a, address: 192.0.2.1, vectors: 6 }", "vectors" },
        { "auc_sockets:\n  - { path: p, mode: \"0666\" }", "not writable by everybody" },
        { "auc_sockets:\n  - { path: p, mode: \"0608\" }", "octal" },
        { "auc_sockets:\n  - { path: p, mode: \"-600\" }", "octal" },
        { "auc_sockets:\n  - { path: p, mode: \"4600\" }", "octal" },
        { "auc_sockets:\n  - { path: p, group: no-such-group-here }", "group" },
        { "auc_sockets:\n  - { path: p }\n  - { path: p }", "no socket above" },
    };
    char why[RT_CONF_WHY_MAX];
    struct as_conf *c;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(load("", bad[i][0], &c, why), ERR_CONFIG);
        if (!strstr(why, bad[i][1]))
            fail_msg("%s: %s", bad[i][0], why);
    }
    assert_int_equal(load(", imsi_prefixes: [\"00101\"]",
                          "hlrs:\n  - { name: a, address: 192.0.2.1, imsi_prefixes: [\"00101\"] }", &c, why),
                     ERR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
    };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
