/* SPDX-License-Identifier: Apache-2.0
 *
 * The core of a software USIM: Milenage with K and OPc, and the freshness array. No file: who keeps it on disk writes the array out before
 * it lets RES or AUTS leave.
 */
#pragma once

#include "aka/sqn.h"
#include "aka/usim.h"

struct usim_milenage { /* secret memory */
    struct aka_cred cred;
    struct sqn_usim sqn;
};

/* TS 33.102 s6.3.3: MAC-A first, then freshness. USIM_AUTHENTICATED moves the freshness array. */
void usim_milenage_authenticate(struct usim_milenage *u, const uint8_t rand[AKA_RAND_LEN],
                                const uint8_t autn[AKA_AUTN_LEN], struct usim_auth *out);
MUST_USE err usim_milenage_gsm(const struct usim_milenage *u, const uint8_t rand[AKA_RAND_LEN],
                               uint8_t sres[AKA_SRES_LEN], uint8_t kc[AKA_KC_LEN]);
