/* SPDX-License-Identifier: Apache-2.0
 *
 * A USIM as the host sees it. The EAP peer never calls these: it asks for the card by an action and is given the result, so an
 * implementation may block (a reader does) and its owner runs it where blocking is allowed, one call at a time for each card.
 */
#pragma once

#include "aka/nai.h"
#include "aka/vector.h"

#define USIM_ICCID_MAX   20
#define USIM_ROUTING_MAX 4
#define USIM_WHY_MAX     160

/* What a SUCI is made with (TS 31.102 s4.4.11.8, TS 33.501 Annex C). */
enum usim_suci_scheme { USIM_SUCI_NONE, USIM_SUCI_A, USIM_SUCI_B };
#define USIM_SUCI_KEY_A 32 /* X25519 */
#define USIM_SUCI_KEY_B 33 /* P-256, compressed */
struct usim_suci {
    enum usim_suci_scheme scheme; /* NONE: the card has no key, or makes SUCIs itself */
    uint8_t key_id;               /* home network public key identifier */
    uint8_t key[USIM_SUCI_KEY_B]; /* the home network's, public */
    uint8_t key_len;
    char routing[USIM_ROUTING_MAX + 1]; /* routing indicator, 1 to 4 digits */
};

struct usim_identity {
    char imsi[IMSI_MAX + 1];
    uint8_t mnc_len;                /* 2 or 3 (EF_AD, TS 31.102 s4.2.18) */
    char iccid[USIM_ICCID_MAX + 1]; /* "" when not known */
    struct usim_suci suci;
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
    /* ERR_NOT_FOUND: no card; ERR_REFUSED: it wants its PIN, or has none to be tried any more; else it is of no use. Failing, it says why
     * in a line for people. */
    err (*identity)(void *ctx, struct usim_identity *out, char why[USIM_WHY_MAX]);
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
