/* SPDX-License-Identifier: Apache-2.0
 *
 * Milenage (3GPP TS 35.206): the functions f1 to f5* on AES-128, and the GSM values derived from them. Every output but MAC-A is a
 * secret of the caller, who keeps it in secret memory and wipes it. Errors: ERR_CRYPTO, ERR_MEMORY.
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"

#define AKA_K_LEN    16
#define AKA_OPC_LEN  16
#define AKA_RAND_LEN 16
#define AKA_SQN_LEN  6
#define AKA_AMF_LEN  2
#define AKA_MAC_LEN  8 /* MAC-A, MAC-S */
#define AKA_RES_MIN  4
#define AKA_RES_MAX  16
#define AKA_CK_LEN   16
#define AKA_IK_LEN   16
#define AKA_AK_LEN   6
#define AKA_SRES_LEN 4
#define AKA_KC_LEN   8

#define MILENAGE_RES_LEN 8

struct milenage_out {
    uint8_t mac_a[AKA_MAC_LEN];    /* f1 */
    uint8_t mac_s[AKA_MAC_LEN];    /* f1* */
    uint8_t res[MILENAGE_RES_LEN]; /* f2 */
    uint8_t ck[AKA_CK_LEN];        /* f3 */
    uint8_t ik[AKA_IK_LEN];        /* f4 */
    uint8_t ak[AKA_AK_LEN];        /* f5 */
    uint8_t ak_star[AKA_AK_LEN];   /* f5* */
};

/* OPc = OP xor E_K(OP) (TS 35.206 s4.1). */
MUST_USE err milenage_opc(const uint8_t k[AKA_K_LEN], const uint8_t op[AKA_OPC_LEN],
                          uint8_t opc[AKA_OPC_LEN]);
/* All seven functions at once (TS 35.206 s4.1). */
MUST_USE err milenage_run(const uint8_t k[AKA_K_LEN], const uint8_t opc[AKA_OPC_LEN],
                          const uint8_t rand[AKA_RAND_LEN], const uint8_t sqn[AKA_SQN_LEN],
                          const uint8_t amf[AKA_AMF_LEN], struct milenage_out *out);
