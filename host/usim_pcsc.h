/* SPDX-License-Identifier: Apache-2.0
 *
 * A USIM in a card reader, behind aka/usim.h, through pcscd. Cards lie in readers (host/readers.h); one of them is in use at a time: the first
 * that can be, in the configured order of readers, and when it goes the next one. A card that wants a PIN, or is no USIM, is passed over until
 * somebody does something about it.
 *
 * What speaks to cards runs on a thread of its own (common/rt/lane.h); readers are watched by another. The card is held exclusively, so that no
 * other program makes it answer while its PIN is verified, and reset when it is let go.
 *
 * The PIN file, which only its owner may read, has a PIN in each line, for any card, or behind the ICCID that it is for:
 *
 *   1234
 *   89011001000000000100 5678
 */
#pragma once

#include "aka/uicc_card.h"
#include "common/base/log.h"
#include "common/rt/file.h"
#include "common/rt/lane.h"
#include "host/readers.h"

#define HOST_READER_PATTERNS_MAX 8

struct usim_pcsc_conf {
    const char *reader[HOST_READER_PATTERNS_MAX]; /* patterns of names (glob), best first */
    size_t n_reader;                              /* 0: any */
    const char *pin_file;                         /* NULL: none */
    uint8_t mnc_length;                           /* for cards that do not say it; 0: none */
};

struct usim_pcsc;
/* A card that was not asked yet is there (then usim_ops.identity is to be called), or the one in use is gone. On the loop. */
typedef void (*usim_pcsc_fn)(void *ctx, bool present);

/* Reads the PIN file; *card's functions block and are for usim_pcsc_lane() alone. why: one line for people. ERR_CONFIG, ERR_REFUSED, ERR_NOT_FOUND,
 * ERR_IO, ERR_MEMORY. */
MUST_USE err usim_pcsc_open(struct rt_loop *l, const struct log *log, const struct usim_pcsc_conf *c,
                            struct usim_pcsc **out, struct usim *card, char why[RT_FILE_WHY_MAX]);
/* Can its files be read? */
MUST_USE err usim_pcsc_check(const struct usim_pcsc_conf *c, char why[RT_FILE_WHY_MAX]);
/* The readers are looked at from now on. */
void usim_pcsc_start(struct usim_pcsc *p, usim_pcsc_fn changed, void *ctx);
/* Ends the threads; the lane's jobs are done, or never will be. Before what submitted them goes. */
void usim_pcsc_stop(struct usim_pcsc *p);
void usim_pcsc_close(struct usim_pcsc *p); /* wipes; NULL is fine */
struct rt_lane *usim_pcsc_lane(struct usim_pcsc *p);
/* After identity failed: is there a card that it did not see? */
bool usim_pcsc_more(struct usim_pcsc *p);

/* A PIN that somebody typed: for the card in this reader, or NULL: for the only one that wants it. It is tried at once, and kept as long as that card
 * stays in. said: one line for people. */
typedef void (*usim_pcsc_pin_fn)(void *ctx, bool ok, const char *said);
MUST_USE err usim_pcsc_pin(struct usim_pcsc *p, const char *reader, const char *pin, usim_pcsc_pin_fn done,
                           void *ctx);

/* ---- looking at it ---- */

enum usim_slot_state {
    USIM_SLOT_EMPTY,
    USIM_SLOT_WAITING, /* a card that was not needed yet */
    USIM_SLOT_ASKED,   /* it is being looked at */
    USIM_SLOT_IN_USE,
    USIM_SLOT_LOCKED, /* PIN or PUK */
    USIM_SLOT_UNUSABLE,
};
const char *usim_slot_state_name(enum usim_slot_state s);

struct usim_slot_view {
    char reader[HOST_READER_NAME_MAX];
    enum usim_slot_state state;
    uint8_t tries; /* UICC_TRIES_UNKNOWN: not asked for, or it has no PIN */
    char why[USIM_WHY_MAX];
    struct usim_identity id; /* empty when not known */
};
/* *pos starts at 0; false at the end. */
bool usim_pcsc_next(struct usim_pcsc *p, size_t *pos, struct usim_slot_view *out);
bool usim_pcsc_served(const struct usim_pcsc *p); /* pcscd answers */
