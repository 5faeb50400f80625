/* SPDX-License-Identifier: Apache-2.0
 * The permutation, as far as published values show it: through SHA3-256 and SHAKE256 of short messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/crypto/keccak.h"
#include "tests/unit/crypto/hexed.h"

#define RATE 136

/* One block of a sponge of rate 1088: message, suffix, the last bit of the rate. */
static void absorb(uint8_t state[KECCAK_STATE], const char *message, uint8_t suffix)
{
    memset(state, 0, KECCAK_STATE);
    memcpy(state, message, strlen(message));
    state[strlen(message)] = suffix;
    state[RATE - 1] |= 0x80;
    keccak_f1600(state);
}

/* NIST's examples for FIPS 202: SHA3-256 of nothing and of "abc". */
static void sha3(void **st)
{
    uint8_t s[KECCAK_STATE];
    absorb(s, "", 0x06);
    assert_hex(s, "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a");
    absorb(s, "abc", 0x06);
    assert_hex(s, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532");
}

/* SHAKE256 of nothing, beyond one block of output: the second needs the permutation of a full state. */
static void shake(void **st)
{
    uint8_t s[KECCAK_STATE];
    absorb(s, "", 0x1f);
    assert_hex(s, "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f"
                  "d75dc4ddd8c0f200cb05019d67b592f6fc821c49479ab48640292eacb3b7c4be");
    keccak_f1600(s);
    assert_hex(s, "943b6aec468a2d621a7c06c6a957c62b54dafc3be87567d677231395f6147293");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(sha3), cmocka_unit_test(shake) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
