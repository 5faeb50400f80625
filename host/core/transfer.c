/* SPDX-License-Identifier: Apache-2.0 */
#include "host/core/transfer.h"

#include <string.h>

#include "common/base/hex.h"
#include "common/crypto/hash.h"
#include "common/crypto/secret.h"

#define CHECK_LEN 2
#define CODE_LEN  (HOST_SECRET_LEN + CHECK_LEN)
#define DIGITS    (2 * CODE_LEN)
#define GROUP     4

static err check_of(const uint8_t secret[HOST_SECRET_LEN], uint8_t out[CHECK_LEN])
{
    uint8_t hash[32];
    err e = hash_once(HASH_SHA256, span_of(secret, HOST_SECRET_LEN), hash);
    memcpy(out, hash, CHECK_LEN);
    return e;
}

void host_code_write(const uint8_t secret[HOST_SECRET_LEN], char out[HOST_CODE_MAX])
{
    uint8_t code[CODE_LEN] = { 0 };
    char digits[DIGITS + 1];
    size_t n = 0;
    memcpy(code, secret, HOST_SECRET_LEN);
    if (check_of(secret, code + HOST_SECRET_LEN) != ERR_OK)
        memset(code, 0, sizeof code);
    hex_encode(span_of(code, sizeof code), digits);
    for (size_t i = 0; i < DIGITS; i++) {
        if (i && i % GROUP == 0)
            out[n++] = '-';
        out[n++] = digits[i];
    }
    out[n] = '\0';
    sec_wipe(code, sizeof code);
    sec_wipe(digits, sizeof digits);
}

err host_code_read(const char *text, uint8_t secret[HOST_SECRET_LEN])
{
    uint8_t code[CODE_LEN], check[CHECK_LEN];
    char digits[DIGITS];
    size_t n = 0, len = 0;
    err e = ERR_OK;
    for (; *text && e == ERR_OK; text++) {
        if (*text == '-' || *text == ' ')
            continue;
        if (n == DIGITS)
            e = ERR_MALFORMED;
        else
            digits[n++] = *text;
    }
    if (e == ERR_OK &&
        (n != DIGITS || hex_decode(digits, n, code, sizeof code, &len) != ERR_OK || len != sizeof code))
        e = ERR_MALFORMED;
    if (e == ERR_OK)
        e = check_of(code, check);
    if (e == ERR_OK && memcmp(check, code + HOST_SECRET_LEN, sizeof check) != 0)
        e = ERR_AUTH;
    if (e == ERR_OK)
        memcpy(secret, code, HOST_SECRET_LEN);
    sec_wipe(code, sizeof code);
    sec_wipe(digits, sizeof digits);
    return e;
}
