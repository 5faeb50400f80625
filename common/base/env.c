/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/env.h"

static uint32_t u32(const uint8_t b[4])
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

uint32_t env_random_u32(const struct env *e)
{
    uint8_t b[4];
    env_random(e, b, sizeof b);
    return u32(b);
}

uint64_t env_about(const struct env *e, uint64_t d)
{
    return d - d / 10 + env_random_u32(e) % (d / 5 + 1);
}

uint32_t env_draw_u32(const struct env *e, const char *name)
{
    uint8_t b[4];
    env_draw(e, name, b, sizeof b);
    return u32(b);
}
