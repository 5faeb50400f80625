/* SPDX-License-Identifier: Apache-2.0
 * Base64: RFC 4648's examples, every letter, and what must not be taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/crypto/b64.h"

static void base64(void **state)
{
    static const char *const rfc4648[][2] = { { "", "" },
                                              { "f", "Zg==" },
                                              { "fo", "Zm8=" },
                                              { "foo", "Zm9v" },
                                              { "foob", "Zm9vYg==" },
                                              { "fooba", "Zm9vYmE=" },
                                              { "foobar", "Zm9vYmFy" } };
    static const char *const bad[] = { "Z",        "Zg",    "Zg=",  "Zh==", "Zm9=", "Z===",  "====",
                                       "Zg==Zg==", "Zm 8=", "Zm-8", "Zm_8", "=Zm9", "Zm9v\n" };
    char out[16];
    uint8_t raw[300], back[300];
    size_t n;
    for (size_t i = 0; i < sizeof rfc4648 / sizeof *rfc4648; i++) {
        assert_string_equal(b64_encode(span_str(rfc4648[i][0]), out), rfc4648[i][1]);
        assert_int_equal(b64_decode(rfc4648[i][1], strlen(rfc4648[i][1]), raw, sizeof raw, &n), ERR_OK);
        assert_true(span_eq(span_of(raw, n), span_str(rfc4648[i][0])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (b64_decode(bad[i], strlen(bad[i]), raw, sizeof raw, &n) == ERR_OK)
            fail_msg("taken: %s", bad[i]);
    assert_int_equal(b64_decode("Zm9v", 4, raw, 2, &n), ERR_SPACE);
    char text[B64_LEN(256) + 1];
    for (int i = 0; i < 256; i++)
        raw[i] = (uint8_t)(i * 7);
    b64_encode(span_of(raw, 256), text);
    assert_int_equal(b64_decode(text, strlen(text), back, sizeof back, &n), ERR_OK);
    assert_int_equal(n, 256);
    assert_memory_equal(raw, back, 256);
    for (int c = 0; c < 256; c++) { /* 64 letters and no more */
        char q[5] = { 'A', 'A', 'A', (char)c, 0 };
        bool in = c && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=", c);
        assert_int_equal(b64_decode(q, 4, raw, sizeof raw, &n) == ERR_OK, in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(base64) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
