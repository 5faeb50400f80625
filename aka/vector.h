/* SPDX-License-Identifier: Apache-2.0
 *
 * Authentication vectors (TS 33.102 s6.3.2) and the resynchronisation token AUTS (s6.3.3, s6.3.5), both ends, with Milenage or TUAK by
 * subscriber.
 */
#pragma once

#include "aka/milenage.h"
#include "aka/tuak.h"

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

#define AKA_ALG_LIST(X) \
    X(MILENAGE, "milenage") \
    X(TUAK, "tuak")

enum aka_alg {
#define X(name, text) AKA_ALG_##name,
    AKA_ALG_LIST(X)
#undef X
        AKA_ALG__COUNT
};

const char *aka_alg_name(enum aka_alg a); /* never NULL */
/* ERR_NOT_FOUND: no algorithm of that name. */
MUST_USE err aka_alg_parse(const char *name, enum aka_alg *out);

/* What a subscriber's card and the AuC share. Secret. All zero but the keys it is Milenage. */
struct aka_cred {
    enum aka_alg alg;
    uint8_t k[TUAK_KEY_MAX]; /* Milenage: AKA_K_LEN octets; TUAK: tuak.k_len */
    union {
        uint8_t opc[AKA_OPC_LEN];   /* Milenage */
        uint8_t topc[TUAK_TOP_LEN]; /* TUAK */
    };
    struct tuak_shape tuak;
};

/* What EAP-AKA, and USIMs that answer it, have room for: MAC of 64 bits in AUTN and AUTS (TS 33.102 s6.3.2), RES of 32 to 128 bits (RFC 4187
 * s10.8), CK and IK of 128 bits. ERR_RANGE: other lengths, or no such algorithm. The calls below check it. */
MUST_USE err aka_cred_check(const struct aka_cred *c);
#define TUAK_SHAPE_DEFAULT \
    (struct tuak_shape) \
    { \
        .k_len = 16, .mac_len = 8, .res_len = 8, .ck_len = 16, .ik_len = 16, .iterations = 1 \
    }

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
/* GSM context: SRES = c2(RES), Kc = c3(CK, IK) (TS 33.102 s6.8.1.2; TS 55.205 s4). Uses no SQN. */
MUST_USE err aka_gsm(const struct aka_cred *c, const uint8_t rand[AKA_RAND_LEN], uint8_t sres[AKA_SRES_LEN],
                     uint8_t kc[AKA_KC_LEN]);
