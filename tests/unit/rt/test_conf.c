/* SPDX-License-Identifier: Apache-2.0
 * Configuration: what is read, what is refused and with which line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/rt/conf.h"

static const struct rt_conf_row peer_rows[] = {
    { "name", RT_CONF_NAME, RT_CONF_REQUIRED, .doc = "name" },
    { "port", RT_CONF_INT, .min = 1, .max = 65535, .def = "53", .doc = "port" },
    { 0 },
};
static const struct rt_conf_row control_rows[] = {
    { "socket", RT_CONF_PATH, .def = "run/ctl.sock", .doc = "control socket" },
    { 0 },
};
static const struct rt_conf_row schema[] = {
    { "domain", RT_CONF_NAME, RT_CONF_REQUIRED, .doc = "zone", .example = "operator.example" },
    { "workers", RT_CONF_INT, .min = 1, .max = 64, .def = "2", .doc = "threads" },
    { "strict", RT_CONF_BOOL, .def = "yes", .doc = "strict" },
    { "mode", RT_CONF_ENUM, .choices = "fast|slow", .def = "slow", .doc = "mode" },
    { "wait", RT_CONF_DURATION, .min = 1000, .max = 3600000000, .def = "5s", .doc = "wait" },
    { "listen", RT_CONF_LIST, .item = RT_CONF_ENDPOINT, .port = 1812, .max = 2, .def = "127.0.0.1",
      .doc = "where" },
    { "net", RT_CONF_PREFIX, .doc = "net" },
    { "source", RT_CONF_ADDR, .doc = "source" },
    { "label", RT_CONF_STR, .min = 1, .max = 5, .doc = "label" },
    { "peers", RT_CONF_LIST, .item = RT_CONF_MAP, .rows = peer_rows, .doc = "peers" },
    { "control", RT_CONF_MAP, RT_CONF_DEFAULTED, .rows = control_rows, .doc = "control" },
    { "extra", RT_CONF_MAP, .rows = control_rows, .doc = "extra" },
    { 0 },
};

static struct rt_conf *good(const char *text)
{
    struct rt_conf *c = NULL;
    char why[RT_CONF_WHY_MAX] = "";

    if (rt_conf_parse(span_str(text), "dir/x.yaml", schema, &c, why))
        fail_msg("%s", why);
    return c;
}

static void bad(const char *text, const char *expect)
{
    struct rt_conf *c = NULL;
    char why[RT_CONF_WHY_MAX] = "";

    if (rt_conf_parse(span_str(text), "x.yaml", schema, &c, why) == ERR_OK)
        fail_msg("taken: %s", text);
    assert_null(c);
    assert_string_equal(why, expect);
}

static void defaults(void **state)
{
    struct rt_conf *c = good("domain: Operator.Example.\n");
    const struct rt_conf_node *r = rt_conf_root(c);
    (void)state;

    assert_string_equal(rt_conf_str(r, "domain"), "operator.example");
    assert_int_equal(rt_conf_int(r, "workers"), 2);
    assert_true(rt_conf_bool(r, "strict"));
    assert_string_equal(rt_conf_str(r, "mode"), "slow");
    assert_int_equal(rt_conf_us(r, "wait"), 5000000);
    assert_int_equal(rt_conf_count(r, "listen"), 1);
    assert_int_equal(rt_conf_node_addr(rt_conf_item(r, "listen", 0))->port, 1812);
    assert_false(rt_conf_has(r, "net"));
    assert_null(rt_conf_addr(r, "source"));
    assert_null(rt_conf_map(r, "extra"));
    assert_int_equal(rt_conf_count(r, "peers"), 0);
    assert_string_equal(rt_conf_str(rt_conf_map(r, "control"), "socket"), "dir/run/ctl.sock");
    rt_conf_free(c);
}

static void given(void **state)
{
    struct rt_conf *c =
        good("domain: a\nworkers: 64\nstrict: No\nmode: fast\nwait: 250 ms\n"
             "listen: ['[2001:db8::1]:5', 192.0.2.1]\nnet: 2001:20::/28\nsource: 192.0.2.9\nlabel: abcde\n"
             "peers:\n  - name: one\n    port: 5353\n  - name: two\ncontrol:\n  socket: /run/x\n");
    const struct rt_conf_node *r = rt_conf_root(c), *p;
    char text[ADDR_TEXT_MAX];
    (void)state;

    assert_int_equal(rt_conf_int(r, "workers"), 64);
    assert_false(rt_conf_bool(r, "strict"));
    assert_int_equal(rt_conf_us(r, "wait"), 250000);
    assert_string_equal(addr_format(rt_conf_node_addr(rt_conf_item(r, "listen", 0)), text),
                        "[2001:db8::1]:5");
    assert_string_equal(addr_format(rt_conf_node_addr(rt_conf_item(r, "listen", 1)), text), "192.0.2.1:1812");
    assert_null(rt_conf_item(r, "listen", 2));
    assert_int_equal(rt_conf_prefix_len(r, "net"), 28);
    assert_string_equal(addr_format(rt_conf_addr(r, "source"), text), "192.0.2.9");
    assert_int_equal(rt_conf_count(r, "peers"), 2);
    p = rt_conf_item(r, "peers", 0);
    assert_string_equal(rt_conf_str(p, "name"), "one");
    assert_int_equal(rt_conf_int(p, "port"), 5353);
    assert_int_equal(rt_conf_int(rt_conf_item(r, "peers", 1), "port"), 53);
    assert_string_equal(rt_conf_str(rt_conf_map(r, "control"), "socket"), "/run/x");
    rt_conf_free(c);
}

static void errors(void **state)
{
    (void)state;
    bad("", "x.yaml:1: expected key \"domain\" in this map");
    bad("domain: a\nworkers: 65\n", "x.yaml:2: expected workers to be an integer from 1 to 64, not \"65\"");
    bad("domain: a\nworkers: 1x\n", "x.yaml:2: expected workers to be an integer from 1 to 64, not \"1x\"");
    bad("domain: a\nworkers: [1]\n", "x.yaml:2: expected workers to be an integer from 1 to 64");
    bad("\ndomain: a..b\n", "x.yaml:2: expected domain to be a domain name, not \"a..b\"");
    bad("domain: a\nstrict: maybe\n", "x.yaml:2: expected strict to be yes or no, not \"maybe\"");
    bad("domain: a\nmode: f\n", "x.yaml:2: expected mode to be one of fast|slow, not \"f\"");
    bad("domain: a\nwait: 2h\n", "x.yaml:2: expected wait to be a duration from 1ms to 1h, not \"2h\"");
    bad("domain: a\nwait: 5\n", "x.yaml:2: expected wait to be a duration from 1ms to 1h, not \"5\"");
    bad("domain: a\nlisten: [1.1.1.1, 1.1.1.2, 1.1.1.3]\n",
        "x.yaml:2: expected listen to have 0 to 2 entries, not 3");
    bad("domain: a\nnet: 10.0.0.0/33\n",
        "x.yaml:2: expected net to be a prefix (2001:db8::/32), not \"10.0.0.0/33\"");
    bad("domain: a\nsource: 10.0.0\n", "x.yaml:2: expected source to be an IP address, not \"10.0.0\"");
    bad("domain: a\nlabel: abcdef\n", "x.yaml:2: expected label to be text of 1 to 5 octets, not \"abcdef\"");
    bad("domain: a\ndomain: b\n", "x.yaml:2: expected domain only once");
    bad("domain: a\npeers:\n  - name: b\n  - port: 3\n", "x.yaml:4: expected key \"name\" in this map");
    bad("domain: a\ncontrol:\n  sock: b\n", "x.yaml:3: expected one of socket; not \"sock\"");
    bad("domain: a\ncontrol: b\n", "x.yaml:2: expected control to be a map");
    bad("domain: a\npeers:\n", "x.yaml:2: expected peers to be a list");
    bad("- a\n", "x.yaml:1: expected a map of keys and values");
    bad("domain: a\n  b: c\n", "x.yaml:2: expected YAML: mapping values are not allowed in this context");
}

static void own_checks_name_the_line(void **state)
{
    struct rt_conf *c = good("domain: a\npeers:\n  - name: one\n  - name: two\n");
    char why[RT_CONF_WHY_MAX];
    (void)state;

    assert_int_equal(
        rt_conf_expected(c, rt_conf_item(rt_conf_root(c), "peers", 1), why, "another name than %s", "two"),
        ERR_CONFIG);
    assert_string_equal(why, "dir/x.yaml:4: expected another name than two");
    rt_conf_free(c);
}

static void example_is_a_valid_configuration(void **state)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    (void)state;

    rt_conf_print_example(schema, f);
    fclose(f);
    assert_non_null(strstr(text, "#workers: 2"));
    assert_non_null(strstr(text, "# an integer from 1 to 64; default 2"));
    rt_conf_free(good(text));
    free(text);

    f = open_memstream(&text, &n);
    rt_conf_print_man(schema, f);
    fclose(f);
    assert_non_null(strstr(text, ".B peers[].port\n"));
    free(text);
}

static void missing_file(void **state)
{
    struct rt_conf *c = NULL;
    char why[RT_CONF_WHY_MAX];
    (void)state;

    assert_int_equal(rt_conf_load("no/such/file.yaml", schema, &c, why), ERR_IO);
    assert_string_equal(why, "no/such/file.yaml: No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(given),
        cmocka_unit_test(errors),
        cmocka_unit_test(own_checks_name_the_line),
        cmocka_unit_test(example_is_a_valid_configuration),
        cmocka_unit_test(missing_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
