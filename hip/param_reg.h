/* SPDX-License-Identifier: Apache-2.0
 *
 * Registration parameters (RFC 8003 s4) as data. Types past HIP_REG_TYPES_MAX are not looked at.
 */
#pragma once

#include "hip/build.h"

#define HIP_REG_TYPES_MAX 8

/* REG_REQUEST, REG_RESPONSE. We send one in a packet; of a packet that has several this is all of them (RFC 8003 s4.3, s4.4): */
struct hip_reg_list {
    bool present;
    uint8_t lifetime; /* RFC 8003 s4.1 coding; hip_reg_lifetime_us(). Of several the shortest that is not 0 */
    uint8_t n;
    uint8_t type[HIP_REG_TYPES_MAX];
    uint8_t n_ended; /* never sent: types of a list with lifetime 0 beside others */
    uint8_t ended[HIP_REG_TYPES_MAX];
};

struct hip_reg_fail { /* one REG_FAILED */
    uint8_t reason;
    uint8_t n;
    uint8_t type[HIP_REG_TYPES_MAX];
};

struct hip_reg_info { /* REG_INFO */
    bool present;
    uint8_t min, max;
    uint8_t n;
    uint8_t type[HIP_REG_TYPES_MAX];
};

MUST_USE err hip_get_reg_info(struct span v, struct hip_reg_info *out);
void hip_put_reg_info(struct hip_build *b, const struct hip_reg_info *r);
/* type: HIP_PAR_REG_REQUEST or HIP_PAR_REG_RESPONSE for put. */
MUST_USE err hip_get_reg_list(struct span v, struct hip_reg_list *out);
void hip_put_reg_list(struct hip_build *b, uint16_t type, const struct hip_reg_list *r);
MUST_USE err hip_get_reg_failed(struct span v, struct hip_reg_fail *out);
void hip_put_reg_failed(struct hip_build *b, const struct hip_reg_fail *r);

/* 0 is 0; else 2^((v - 64) / 8) seconds, in microseconds. And back: the longest code that is not longer than `us`, 0 only for 0. */
uint64_t hip_reg_lifetime_us(uint8_t v);
uint8_t hip_reg_lifetime_code(uint64_t us);
