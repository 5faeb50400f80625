/* SPDX-License-Identifier: Apache-2.0
 *
 * TUAK (3GPP TS 35.231): the functions f1 to f5* on Keccak, for keys of 128 or 256 bits and outputs of the lengths that its INSTANCE
 * octet can name. Every output but MAC-A is a secret of the caller, who keeps it in secret memory and wipes it. Lengths are octets.
 * Errors: ERR_RANGE (a length or the number of iterations), ERR_MEMORY.
 */
#pragma once

#include "aka/milenage.h"

#define TUAK_TOP_LEN        32 /* TOP, TOPc */
#define TUAK_KEY_MAX        32
#define TUAK_MAC_MAX        32
#define TUAK_RES_MAX        32
#define TUAK_CK_MAX         32
#define TUAK_IK_MAX         32
#define TUAK_ITERATIONS_MAX 255 /* the standard names no limit; SIM profiles give the number an octet */

/* What the operator chose. TOPc depends on k_len and iterations alone. */
struct tuak_shape {
    uint8_t k_len;       /* 16, 32 */
    uint8_t mac_len;     /* 8, 16, 32 */
    uint8_t res_len;     /* 4, 8, 16, 32 */
    uint8_t ck_len;      /* 16, 32 */
    uint8_t ik_len;      /* 16, 32 */
    unsigned iterations; /* of Keccak-f[1600], from 1 */
};

/* Of each field as many octets as the shape says. */
struct tuak_out {
    uint8_t mac_a[TUAK_MAC_MAX]; /* f1 */
    uint8_t mac_s[TUAK_MAC_MAX]; /* f1* */
    uint8_t res[TUAK_RES_MAX];   /* f2 */
    uint8_t ck[TUAK_CK_MAX];     /* f3 */
    uint8_t ik[TUAK_IK_MAX];     /* f4 */
    uint8_t ak[AKA_AK_LEN];      /* f5 */
    uint8_t ak_star[AKA_AK_LEN]; /* f5* */
};

/* TOPc out of TOP and K, k: s->k_len octets (TS 35.231 s6.1). */
MUST_USE err tuak_topc(const struct tuak_shape *s, const uint8_t *k, const uint8_t top[TUAK_TOP_LEN],
                       uint8_t topc[TUAK_TOP_LEN]);
/* All seven functions at once (s6.2 to s6.5). */
MUST_USE err tuak_run(const struct tuak_shape *s, const uint8_t *k, const uint8_t topc[TUAK_TOP_LEN],
                      const uint8_t rand[AKA_RAND_LEN], const uint8_t sqn[AKA_SQN_LEN],
                      const uint8_t amf[AKA_AMF_LEN], struct tuak_out *out);
