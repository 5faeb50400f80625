/* SPDX-License-Identifier: Apache-2.0
 *
 * The core of a software USIM: its keys, for Milenage or TUAK, and the freshness array. No file: who keeps it on disk writes the array out
 * before it lets RES or AUTS leave.
 */
#pragma once

#include "aka/sqn.h"
#include "aka/usim.h"

struct usim_card { /* secret memory */
    struct aka_cred cred;
    struct sqn_usim sqn;
};

/* TS 33.102 s6.3.3: MAC-A first, then freshness. USIM_AUTHENTICATED moves the freshness array. */
void usim_card_authenticate(struct usim_card *u, const uint8_t rand[AKA_RAND_LEN],
                            const uint8_t autn[AKA_AUTN_LEN], struct usim_auth *out);
MUST_USE err usim_card_gsm(const struct usim_card *u, const uint8_t rand[AKA_RAND_LEN],
                           uint8_t sres[AKA_SRES_LEN], uint8_t kc[AKA_KC_LEN]);
