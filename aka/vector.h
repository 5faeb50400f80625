/* SPDX-License-Identifier: Apache-2.0
 *
 * Authentication vectors (TS 33.102 s6.3.2) and the resynchronisation token AUTS (s6.3.3, s6.3.5), both ends, with Milenage.
 */
#pragma once

#include "aka/milenage.h"

#define AKA_AUTN_LEN 16
#define AKA_AUTS_LEN 14
#define AKA_AMF_SEP  0x80 /* in the first AMF octet: separation bit (TS 33.102 Annex H) */

struct aka_vector { /* secret */
    uint8_t rand[AKA_RAND_LEN];
    uint8_t autn[AKA_AUTN_LEN];
    uint8_t res[AKA_RES_MAX];
    uint8_t res_len;
    uint8_t ck[AKA_CK_LEN];
    uint8_t ik[AKA_IK_LEN];
};

/* What a subscriber's card and the AuC share. Secret. */
struct aka_cred {
    uint8_t k[AKA_K_LEN];
    uint8_t opc[AKA_OPC_LEN];
};

static inline bool aka_autn_separated(const uint8_t autn[AKA_AUTN_LEN])
{
    return (autn[6] & AKA_AMF_SEP) != 0;
}

/* AuC: vector for this SQN. */
MUST_USE err aka_vector_make(const struct aka_cred *c, uint64_t sqn, const uint8_t amf[AKA_AMF_LEN],
                             const uint8_t rand[AKA_RAND_LEN], struct aka_vector *out);
/* AuC: verify AUTS made for this RAND. ERR_AUTH: MAC-S wrong (forged, another RAND, another K); nothing is set then. */
MUST_USE err aka_auts_open(const struct aka_cred *c, const uint8_t rand[AKA_RAND_LEN],
                           const uint8_t auts[AKA_AUTS_LEN], uint64_t *sqn_ms);
/* USIM: open AUTN. ERR_AUTH: MAC-A wrong. v gets RES, CK, IK (and copies of RAND and AUTN). The SQN is not judged here. */
MUST_USE err aka_autn_open(const struct aka_cred *c, const uint8_t rand[AKA_RAND_LEN],
                           const uint8_t autn[AKA_AUTN_LEN], uint64_t *sqn, struct aka_vector *v);
/* USIM: AUTS for this RAND (AMF* = 0000). */
MUST_USE err aka_auts_make(const struct aka_cred *c, const uint8_t rand[AKA_RAND_LEN], uint64_t sqn_ms,
                           uint8_t auts[AKA_AUTS_LEN]);
