/* SPDX-License-Identifier: Apache-2.0
 *
 * ESP_INFO and ESP_TRANSFORM (RFC 7402 s5.1).
 */
#pragma once

#include "hip/param_core.h"

struct hip_esp_info {
    uint16_t keymat_index;
    uint32_t old_spi, new_spi;
};
MUST_USE err hip_get_esp_info(struct span v, struct hip_esp_info *out);
void hip_put_esp_info(struct hip_build *b, const struct hip_esp_info *e);

MUST_USE err hip_get_esp_transform(struct span v, struct hip_ids16 *out);
void hip_put_esp_transform(struct hip_build *b, const struct hip_ids16 *l);
