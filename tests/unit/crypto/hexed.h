/* SPDX-License-Identifier: Apache-2.0
 * Octets written as hexadecimal text in tests; they live until the next-but-fifteen call. */
#pragma once

#include <string.h>

#include "common/base/hex.h"

static inline struct span H(const char *hex) {
    static uint8_t ring[16][1024];
    static unsigned at;
    uint8_t *b = ring[at++ % 16];
    size_t n = 0;
    if (hex_decode(hex, strlen(hex), b, sizeof ring[0], &n) != ERR_OK)
        fail_msg("bad hexadecimal text in a test: %s", hex);
    return span_of(b, n);
}

#define assert_hex(got, hex) assert_memory_equal(got, H(hex).p, H(hex).n)
