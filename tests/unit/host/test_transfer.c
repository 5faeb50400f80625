/* SPDX-License-Identifier: Apache-2.0
 * The code that people carry from one host to another: it comes back whole, and what was copied wrongly is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/crypto/secret.h"
#include "host/core/transfer.h"

static void secret_of(uint8_t s[HOST_SECRET_LEN])
{
    for (uint8_t i = 0; i < HOST_SECRET_LEN; i++)
        s[i] = (uint8_t)(i * 7);
}

static void test_there_and_back(void **state)
{
    (void)state;
    uint8_t in[HOST_SECRET_LEN], out[HOST_SECRET_LEN] = { 0 };
    char code[HOST_CODE_MAX], spaced[2 * HOST_CODE_MAX];
    size_t n = 0;
    secret_of(in);
    host_code_write(in, code);
    assert_int_equal(strlen(code), 17 * 4 + 16);
    assert_memory_equal(code, "0007-0e15-", 10);
    assert_int_equal(host_code_read(code, out), ERR_OK);
    assert_memory_equal(out, in, sizeof in);
    for (size_t i = 0; code[i]; i++) { /* as somebody may type it */
        spaced[n++] = code[i] == '-' ? ' ' : code[i];
        if (i % 5 == 0)
            spaced[n++] = ' ';
    }
    spaced[n] = '\0';
    assert_int_equal(host_code_read(spaced, out), ERR_OK);
    assert_memory_equal(out, in, sizeof in);
}

/* One digit changed anywhere, or two neighbours swapped. */
static void test_copied_wrongly(void **state)
{
    (void)state;
    uint8_t in[HOST_SECRET_LEN], out[HOST_SECRET_LEN] = { 0 }, none[HOST_SECRET_LEN] = { 0 };
    char code[HOST_CODE_MAX];
    secret_of(in);
    host_code_write(in, code);
    for (size_t i = 0; code[i]; i++) {
        char was = code[i];
        if (was == '-')
            continue;
        code[i] = was == '0' ? '1' : '0';
        assert_int_equal(host_code_read(code, out), ERR_AUTH);
        code[i] = was;
        if (code[i + 1] && code[i + 1] != '-' && code[i + 1] != was) {
            code[i] = code[i + 1];
            code[i + 1] = was;
            assert_int_equal(host_code_read(code, out), ERR_AUTH);
            code[i + 1] = code[i];
            code[i] = was;
        }
    }
    assert_memory_equal(out, none, sizeof out);
}

static void test_no_code(void **state)
{
    (void)state;
    uint8_t in[HOST_SECRET_LEN], out[HOST_SECRET_LEN];
    char code[HOST_CODE_MAX], more[HOST_CODE_MAX + 2];
    secret_of(in);
    host_code_write(in, code);
    assert_int_equal(host_code_read("", out), ERR_MALFORMED);
    assert_int_equal(host_code_read("0007", out), ERR_MALFORMED);
    memcpy(more, code, sizeof code);
    strcpy(more + strlen(code), "0");
    assert_int_equal(host_code_read(more, out), ERR_MALFORMED);
    code[3] = 'g';
    assert_int_equal(host_code_read(code, out), ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_there_and_back),
                                        cmocka_unit_test(test_copied_wrongly),
                                        cmocka_unit_test(test_no_code) };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
