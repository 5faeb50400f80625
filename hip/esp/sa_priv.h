/* SPDX-License-Identifier: Apache-2.0
 * The inside of a SA, shared by sa.c and seal.c. */
#pragma once

#include "common/crypto/cipher.h"
#include "hip/esp/sa.h"

struct esp_sa {
    const struct esp_suite *suite;
    uint32_t spi;
    bool outbound;
    bool short_seq;
    uint8_t salt[4];
    struct cipher *cipher; /* NULL: suite 7 */
    struct mac *mac;       /* NULL: suite 13 */
    uint64_t sent;
    struct esp_replay window;
    struct esp_counters count;
};
