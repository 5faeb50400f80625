/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/addr.h"

static struct addr A(const char *text) {
    struct addr a = { 0 };
    if (addr_parse(text, &a) != ERR_OK)
        fail_msg("%s does not parse", text);
    return a;
}

static void
text_both_ways(void **st)
{
    static const char *const v[][2] = {
        { "192.0.2.1", "192.0.2.1" },
        { "0.0.0.0", "0.0.0.0" },
        { "255.255.255.255:65535", "255.255.255.255:65535" },
        { "192.0.2.1:53", "192.0.2.1:53" },
        { "::", "::" },
        { "::1", "::1" },
        { "1::", "1::" },
        { "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
        { "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" }, /* RFC 5952 s4.2.2 */
        { "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },          /* s4.2.3: the longest run */
        { "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },    /* the first of equal ones */
        { "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8" },
        { "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
        { "::ffff:192.0.2.1", "::ffff:192.0.2.1" },
        { "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
        { "[2001:db8::1]:53", "[2001:db8::1]:53" },
        { "[2001:db8::1]", "2001:db8::1" },
        { "fe80::1%3", "fe80::1%3" },
        { "[fe80::1%4294967295]:65535", "[fe80::1%4294967295]:65535" },
        { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
    };
    char out[ADDR_TEXT_MAX];
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct addr a = A(v[i][0]);
        assert_string_equal(addr_format(&a, out), v[i][1]);
        struct addr b = A(out);
        assert_true(addr_eq(&a, &b));
    }
    struct addr none = { 0 };
    assert_string_equal(addr_format(&none, out), "none");
}

static void bad_text(void **st)
{
    static const char *const v[] = {
        "",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "1.2.3.04",
        "1.2.3.4 ",
        " 1.2.3.4",
        "1.2.3.4:",
        "1.2.3.4:65536",
        "1.2.3.4:-1",
        "1.2.3.4%1",
        ":",
        ":::",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1::2::3",
        "12345::",
        "g::",
        "::1.2.3",
        "1:2:3:4:5:6:7:1.2.3.4",
        "::1.2.3.4:5",
        "[::1",
        "[::1]x",
        "[::1]:",
        "[1.2.3.4]",
        "fe80::1%",
        "fe80::1%eth0",
        "fe80::1%4294967296",
        "1:",
        ":1",
        "1:2:3:4:5:6:7:8::",
        "example",
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct addr a = { .port = 7777 };
        if (addr_parse(v[i], &a) != ERR_MALFORMED)
            fail_msg("'%s' was taken", v[i]);
        assert_int_equal(a.port, 7777);
    }
}

static void comparing(void **st)
{
    struct addr a = A("192.0.2.1:1"), b = A("192.0.2.1:2"), c = A("192.0.2.2:1");
    assert_true(addr_same_ip(&a, &b));
    assert_false(addr_eq(&a, &b));
    assert_false(addr_same_ip(&a, &c));
    struct addr d = A("fe80::1%1"), e = A("fe80::1%2");
    assert_true(addr_same_ip(&d, &e));
    assert_false(addr_eq(&d, &e));
    struct addr f = addr_v4(0xc0000201), g = addr_v6(A("::").ip);
    assert_true(addr_same_ip(&a, &f));
    assert_false(addr_same_ip(&f, &g));
    assert_int_equal(addr_ip_len(&f), 4);
    assert_int_equal(addr_ip_len(&g), 16);
    struct addr none = { 0 };
    assert_int_equal(addr_ip_len(&none), 0);
}

static void mapped(void **st)
{
    uint8_t m[16];
    struct addr a = A("192.0.2.1"), six = A("2001:db8::1"), back;
    addr_to_mapped(&a, m);
    assert_memory_equal(m, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1", 16);
    back = addr_from_mapped(m);
    assert_true(addr_eq(&a, &back));
    addr_to_mapped(&six, m);
    back = addr_from_mapped(m);
    assert_true(addr_eq(&six, &back));
}

static void kinds(void **st)
{
    static const struct {
        const char *text;
        bool ll, lo, mc, un, pr;
    } v[] = {
        { "169.254.1.1", .ll = true },
        { "169.253.1.1" },
        { "fe80::1", .ll = true },
        { "febf::1", .ll = true },
        { "fec0::1" },
        { "127.8.9.1", .lo = true },
        { "::1", .lo = true },
        { "::2" },
        { "224.0.0.1", .mc = true },
        { "239.255.255.255", .mc = true },
        { "255.255.255.255", .mc = true },
        { "240.0.0.1" },
        { "ff02::1", .mc = true },
        { "0.0.0.0", .un = true },
        { "::", .un = true },
        { "10.1.2.3", .pr = true },
        { "172.16.0.1", .pr = true },
        { "172.31.255.255", .pr = true },
        { "172.32.0.1" },
        { "192.168.0.1", .pr = true },
        { "192.169.0.1" },
        { "fd00::1", .pr = true },
        { "fc00::1", .pr = true },
        { "fe00::1" },
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct addr a = A(v[i].text);
        if (addr_is_link_local(&a) != v[i].ll || addr_is_loopback(&a) != v[i].lo ||
            addr_is_multicast(&a) != v[i].mc || addr_is_unspecified(&a) != v[i].un ||
            addr_is_private(&a) != v[i].pr)
            fail_msg("%s", v[i].text);
    }
}

static void prefixes(void **st)
{
    struct addr a = A("192.0.2.129"), p = A("192.0.2.128"), six = A("2001:db8:8000::1"), p6 = A("2001:db8::");
    assert_true(addr_in_prefix(&a, &p, 25));
    assert_false(addr_in_prefix(&a, &p, 32));
    assert_true(addr_in_prefix(&a, &a, 32));
    assert_false(addr_in_prefix(&a, &a, 33));
    assert_true(addr_in_prefix(&a, &p6, 0) == false);
    assert_true(addr_in_prefix(&six, &p6, 32));
    assert_false(addr_in_prefix(&six, &p6, 33));
    assert_true(addr_in_prefix(&six, &p6, 0));
    assert_true(addr_in_prefix(&six, &six, 128));
    assert_false(addr_in_prefix(&six, &six, 129));
}

int main(void)
{
    const struct CMUnitTest t[] = { cmocka_unit_test(text_both_ways), cmocka_unit_test(bad_text),
                                    cmocka_unit_test(comparing),      cmocka_unit_test(mapped),
                                    cmocka_unit_test(kinds),          cmocka_unit_test(prefixes) };
    return cmocka_run_group_tests(t, NULL, NULL);
}
