/* SPDX-License-Identifier: Apache-2.0
 *
 * One card in one reader, spoken to through pcscd: connected exclusively, its USIM found, unlocked and read (aka/uicc_card.h). Blocks; one thread.
 * And the PINs of a file.
 */
#pragma once

#include <winscard.h>

#include "aka/uicc_card.h"
#include "common/rt/file.h"

#define PINS_MAX 16

struct pins { /* secret */
    size_t n;
    struct {
        char iccid[USIM_ICCID_MAX + 1]; /* "": of any card */
        char pin[UICC_PIN_MAX + 1];
    } v[PINS_MAX];
};
/* why: one line for people. ERR_CONFIG, and those of rt_file_read_secret(). */
MUST_USE err pins_read(struct pins *p, const char *path, char why[RT_FILE_WHY_MAX]);
/* The one for this card, else the first for any; NULL: none. */
const char *pins_for(const struct pins *p, const char *iccid);

struct card_conn { /* in locked memory */
    SCARDCONTEXT pcsc;
    SCARDHANDLE card;
    bool has_context, connected;
    unsigned gen; /* its owner's */
    LONG rv;      /* what pcscd said last */
    struct uicc_card uicc;
};
/* Whatever was there before is let go. typed: a PIN that goes before those of the file; NULL: none. GONE: card_conn_said() knows more. */
enum uicc_result card_bring_up(struct card_conn *c, const char *reader, const char *typed,
                               const struct pins *pins, uint8_t mnc_len);
/* The card is reset, so that its PIN is not verified any more. Wipes. */
void card_let_go(struct card_conn *c);
const char *card_conn_said(LONG rv);
