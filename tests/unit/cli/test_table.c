/* SPDX-License-Identifier: Apache-2.0
 * hipctl's tables: widths, missing values, unknown keys, what a terminal must not see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/hipctl.h"

static const struct table_column columns[] = { { "name", "NAME" }, { "n", "COUNT" }, { "never", "NEVER" },
                                               { "up", "UP" },     { "id", NULL },   { NULL, NULL } };

static void shows(const char *json, const char *expect, bool color)
{
    json_t *rows = json_loads(json, 0, NULL);
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    assert_non_null(rows);
    table_print(rows, columns, "none", f, color);
    fclose(f);
    assert_string_equal(text, expect);
    free(text);
    json_decref(rows);
}

static void tables(void **state)
{
    (void)state;
    shows("[]", "none\n", false);
    shows(
        "[{\"name\":\"a\",\"n\":5,\"up\":true},{\"name\":\"longer\",\"n\":12345,\"up\":null,\"never\":null}]",
        "NAME    COUNT  UP\n"
        "a           5  yes\n"
        "longer  12345  -\n",
        false);
    shows("[{\"name\":\"a\",\"more\":[1,\"x\"]}]", "NAME  more\na     1,x\n", false);
    shows("[{\"name\":\"\xc3\xa4\",\"n\":1},{\"name\":\"bb\",\"n\":2}]",
          "NAME  COUNT\n\xc3\xa4         1\nbb        2\n", false);
    shows("[{\"name\":\"a\",\"id\":7}]", "NAME\na\n", false);
    shows("[{\"name\":\"a\"}]", "\033[1mNAME\033[0m\na\n", true);
}

/* Names and labels come from others: no escape sequence of theirs reaches the terminal. */
static void controls(void **state)
{
    (void)state;
    shows("[{\"name\":\"a\\u001b[31m\\nb\\u009bc\\u007f\"}]", "NAME\na?[31m?b?c?\n", false);
}

static void objects(void **state)
{
    json_t *o = json_loads("{\"ok\":true,\"hit\":\"x\",\"binding\":{\"state\":\"bound\",\"fqdn\":null},"
                           "\"none\":{},\"v\":[{\"a\":1}]}",
                           0, NULL);
    const char *const skip[] = { "ok", NULL };
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    (void)state;

    table_print_object(o, skip, 0, f, false);
    fclose(f);
    assert_string_equal(text, "hit              x\n"
                              "binding\n"
                              "  state          bound\n"
                              "  fqdn           -\n"
                              "none             -\n"
                              "v\n"
                              "a\n"
                              "1\n");
    free(text);
    json_decref(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(tables), cmocka_unit_test(controls),
                                        cmocka_unit_test(objects) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
