/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/proto.h"

#define ARRAY_N(a) (sizeof(a) / sizeof((a)[0]))

#define N(a)    { HIP_PAR_##a, 0 },
#define E(a, b) { HIP_PAR_##a, HIP_PAR_##b },
static const struct hip_packet_row packets[] = {
#define X(name, num, processed, needs) { #name, num, processed, HIP_W_##name, { needs } },
    HIP_PACKET_LIST(X)
#undef X
};
#undef N
#undef E

static const struct hip_param_row params[] = {
#define X(name, type, min, max, mult, where, count, cover) \
    { #name, type, min, max, mult, where, count, HIP_COVER_##cover },
    HIP_PARAM_LIST(X)
#undef X
};

const struct hip_packet_row *hip_packet_row_at(size_t i)
{
    return i < ARRAY_N(packets) ? &packets[i] : NULL;
}

const struct hip_param_row *hip_param_row_at(size_t i)
{
    return i < ARRAY_N(params) ? &params[i] : NULL;
}

const struct hip_packet_row *hip_packet_row(uint8_t type)
{
    for (size_t i = 0; i < ARRAY_N(packets); i++)
        if (packets[i].type == type)
            return &packets[i];
    return NULL;
}

/* The rows stand in wire order (a test holds them to it). */
const struct hip_param_row *hip_param_row(uint16_t type)
{
    size_t lo = 0, hi = ARRAY_N(params);
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (params[mid].type < type)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < ARRAY_N(params) && params[lo].type == type ? &params[lo] : NULL;
}

const char *hip_packet_name(uint8_t type)
{
    const struct hip_packet_row *r = hip_packet_row(type);
    return r ? r->name : "?";
}

const char *hip_param_name(uint16_t type)
{
    const struct hip_param_row *r = hip_param_row(type);
    return r ? r->name : "?";
}

const char *hip_notify_name(uint16_t code)
{
    switch (code) {
#define X(name, num) \
    case num: \
        return #name;
        HIP_NOTIFY_LIST(X)
#undef X
    default:
        return "?";
    }
}

const char *hip_reg_type_name(uint8_t type)
{
    switch (type) {
#define X(name, num, text) \
    case num: \
        return #name;
        HIP_REG_TYPE_LIST(X)
#undef X
    default:
        return "?";
    }
}

const char *hip_reg_failure_text(uint8_t failure)
{
    switch (failure) {
#define X(name, num, text) \
    case num: \
        return text;
        HIP_REG_FAILURE_LIST(X)
#undef X
    default:
        return "?";
    }
}
