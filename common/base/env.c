/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/env.h"

uint32_t env_random_u32(const struct env *e)
{
    uint8_t b[4];
    env_random(e, b, sizeof b);
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}
