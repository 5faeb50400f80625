/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/param_reg.h"

static uint8_t types_get(struct rcur *c, uint8_t type[HIP_REG_TYPES_MAX])
{
    uint8_t n = 0;
    while (rcur_left(c) > 0) {
        uint8_t t = rcur_u8(c);
        if (n < HIP_REG_TYPES_MAX)
            type[n++] = t;
    }
    return n;
}

err hip_get_reg_info(struct span v, struct hip_reg_info *out)
{
    struct rcur c = rcur_of(v);
    struct hip_reg_info r = { .present = true, .min = rcur_u8(&c) };
    r.max = rcur_u8(&c);
    r.n = types_get(&c, r.type);
    if (!rcur_end(&c))
        return ERR_MALFORMED;
    *out = r;
    return ERR_OK;
}

void hip_put_reg_info(struct hip_build *b, const struct hip_reg_info *r)
{
    struct wcur *w = hip_build_open(b, HIP_PAR_REG_INFO);
    wcur_u8(w, r->min);
    wcur_u8(w, r->max);
    wcur_put(w, r->type, r->n);
    hip_build_close(b);
}

err hip_get_reg_list(struct span v, struct hip_reg_list *out)
{
    struct rcur c = rcur_of(v);
    struct hip_reg_list r = { .present = true, .lifetime = rcur_u8(&c) };
    r.n = types_get(&c, r.type);
    if (!rcur_end(&c))
        return ERR_MALFORMED;
    *out = r;
    return ERR_OK;
}

void hip_put_reg_list(struct hip_build *b, uint16_t type, const struct hip_reg_list *r)
{
    struct wcur *w = hip_build_open(b, type);
    wcur_u8(w, r->lifetime);
    wcur_put(w, r->type, r->n);
    hip_build_close(b);
}

err hip_get_reg_failed(struct span v, struct hip_reg_fail *out)
{
    struct rcur c = rcur_of(v);
    struct hip_reg_fail r = { .reason = rcur_u8(&c) };
    r.n = types_get(&c, r.type);
    if (!rcur_end(&c))
        return ERR_MALFORMED;
    *out = r;
    return ERR_OK;
}

void hip_put_reg_failed(struct hip_build *b, const struct hip_reg_fail *r)
{
    struct wcur *w = hip_build_open(b, HIP_PAR_REG_FAILED);
    wcur_u8(w, r->reason);
    wcur_put(w, r->type, r->n);
    hip_build_close(b);
}

/* 2^(i/8) in millionths. */
static const uint32_t eighth[8] = { 1000000, 1090508, 1189207, 1296840, 1414214, 1542211, 1681793, 1834008 };

uint64_t hip_reg_lifetime_us(uint8_t v)
{
    if (v == 0)
        return 0;
    uint64_t m = eighth[v % 8];
    return v >= 64 ? m << (v / 8 - 8) : m >> (8 - v / 8);
}

uint8_t hip_reg_lifetime_code(uint64_t us)
{
    unsigned v = 255;
    if (us == 0)
        return 0;
    while (v > 1 && hip_reg_lifetime_us((uint8_t)v) > us)
        v--;
    return (uint8_t)v;
}
