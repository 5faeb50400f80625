/* SPDX-License-Identifier: Apache-2.0
 *
 * A USIM as the host sees it. The EAP peer never calls these: it asks for the card by an action and is given the result, so an
 * implementation may block (a reader does) and its owner runs it where blocking is allowed, one call at a time for each card.
 */
#pragma once

#include "aka/nai.h"
#include "aka/vector.h"

#define USIM_ICCID_MAX 20

struct usim_identity {
    char imsi[IMSI_MAX + 1];
    uint8_t mnc_len;                /* 2 or 3 (EF_AD, TS 31.102 s4.2.18) */
    char iccid[USIM_ICCID_MAX + 1]; /* "" when not known */
};

enum usim_verdict {
    USIM_AUTHENTICATED, /* res, ck, ik are set */
    USIM_SYNC_FAILURE,  /* auts is set (TS 31.102 s7.1.2.1) */
    USIM_MAC_FAILURE,   /* AUTN is not from this card's home network */
    USIM_UNUSABLE,      /* card gone, refuses, broken */
};

struct usim_auth { /* secret */
    enum usim_verdict verdict;
    uint8_t res[AKA_RES_MAX];
    uint8_t res_len;
    uint8_t ck[AKA_CK_LEN];
    uint8_t ik[AKA_IK_LEN];
    uint8_t auts[AKA_AUTS_LEN];
};

struct usim_ops {
    /* ERR_NOT_FOUND: no card. ERR_IO. */
    err (*identity)(void *ctx, struct usim_identity *out);
    /* AUTHENTICATE in 3G context. What is wrong with the challenge or the card is in out->verdict. */
    void (*authenticate)(void *ctx, const uint8_t rand[AKA_RAND_LEN], const uint8_t autn[AKA_AUTN_LEN],
                         struct usim_auth *out);
    /* AUTHENTICATE in GSM context, for the sealed store's key only (docs/sim-binding.md section 10). ERR_REFUSED: this card or platform
     * does not do it (98 64). NULL: never. */
    err (*gsm)(void *ctx, const uint8_t rand[AKA_RAND_LEN], uint8_t sres[AKA_SRES_LEN],
               uint8_t kc[AKA_KC_LEN]);
};

struct usim {
    const struct usim_ops *ops;
    void *ctx;
};
