/* SPDX-License-Identifier: Apache-2.0
 *
 * A USIM behind something that carries APDUs: found on the card, unlocked, read, asked (TS 31.102 s5.2, s7.1.2). No I/O of its own: the link
 * brings a command to the card and its answer back, blocking as long as that takes.
 *
 * open, then pin, then identity; from then on auth and gsm. After anything else spoke to the card, or it was reset: from the start.
 */
#pragma once

#include "aka/uicc.h"

struct uicc_link {
    /* One command and its whole answer with the status words, at most cap octets. An error: the card is not there any more, or as good as. */
    err (*transmit)(void *ctx, struct span cmd, uint8_t *out, size_t cap, size_t *n);
    void *ctx;
    bool t1; /* protocol T=1, else T=0 */
};

#define UICC_RESULT_LIST(X) \
    X(OK, "ready") \
    X(GONE, "card went, or does not answer") \
    X(NO_USIM, "no USIM on this card") \
    X(BAD, "answers that make no sense") \
    X(REFUSED, "card refuses") \
    X(NO_MNC, "does not say how long its MNC is: sim.mnc_length") \
    X(PIN_WANTED, "wants its PIN") \
    X(PIN_WRONG, "PIN is wrong") \
    X(PIN_LAST, "one try is left for its PIN, which is not ours to take") \
    X(PIN_BLOCKED, "PIN is blocked: only its PUK helps, in a telephone")

enum uicc_result {
#define X(name, text) UICC_##name,
    UICC_RESULT_LIST(X)
#undef X
};
const char *uicc_result_text(enum uicc_result r);
/* Waits for somebody: a PIN, or a PUK. */
static inline bool uicc_result_locked(enum uicc_result r)
{
    return r >= UICC_PIN_WANTED;
}

#define UICC_FILE_MAX      512
#define UICC_TRIES_UNKNOWN 0xFF

struct uicc_card { /* in locked memory: the answers are secret */
    struct uicc_link link;
    uint8_t aid[UICC_AID_MAX];
    size_t aid_len;
    bool pin_enabled;
    uint8_t pin_ref;
    uint8_t tries; /* left for the PIN; UICC_TRIES_UNKNOWN: it has none that counts */
    struct usim_identity id;
    uint16_t sw; /* of the last command */
    size_t n;
    uint8_t data[UICC_FILE_MAX]; /* of the last command, or the file that was read */
    struct uicc_cmd cmd;
};

/* Finds the USIM and selects it; ICCID. OK, NO_USIM, GONE, BAD. */
enum uicc_result uicc_card_open(struct uicc_card *c, const struct uicc_link *link);
/* Verifies the PIN where the card wants one and two tries or more are left. pin NULL: only looks. */
enum uicc_result uicc_card_pin(struct uicc_card *c, const char *pin);
/* IMSI, length of the MNC (mnc_len where the card does not say it; 0: it has to), key for SUCIs: into c->id. PIN_WANTED: a card whose
 * application did not say that it has a PIN. */
enum uicc_result uicc_card_identity(struct uicc_card *c, uint8_t mnc_len);

/* As struct usim_ops has them (aka/usim.h). */
void uicc_card_auth(struct uicc_card *c, const uint8_t rand[AKA_RAND_LEN], const uint8_t autn[AKA_AUTN_LEN],
                    struct usim_auth *out);
err uicc_card_gsm(struct uicc_card *c, const uint8_t rand[AKA_RAND_LEN], uint8_t sres[AKA_SRES_LEN],
                  uint8_t kc[AKA_KC_LEN]);
