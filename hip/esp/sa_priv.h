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
    struct cipher *cipher; /* NULL: suites 7 and 14 */
    struct mac *mac;       /* NULL: not ESP_MODE_MAC */
    uint64_t sent;
    struct esp_replay window;
    struct esp_counters count;
};
