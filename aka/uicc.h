/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said to a USIM and what it answers (ETSI TS 102 221, 3GPP TS 31.102): command APDUs built, answers and files parsed. A card may be
 * anybody's: every length it names is checked, nothing is read past what came.
 */
#pragma once

#include "aka/usim.h"

#define UICC_CMD_MAX    (5 + 255 + 1)
#define UICC_ANSWER_MAX 258 /* of one command: 256 octets and the status */
#define UICC_AID_MAX    16
#define UICC_PIN_MIN    4
#define UICC_PIN_MAX    8

/* File identifiers (TS 102 221 s13, TS 31.102 s4.2, s4.4.11). */
enum uicc_fid {
    UICC_MF = 0x3F00,
    UICC_EF_DIR = 0x2F00,
    UICC_EF_ICCID = 0x2FE2,
    UICC_EF_IMSI = 0x6F07,
    UICC_EF_UST = 0x6F38,
    UICC_EF_AD = 0x6FAD,
    UICC_DF_5GS = 0x5FC0,
    UICC_EF_SUCI_CALC_INFO = 0x4F07,
    UICC_EF_ROUTING = 0x4F0A,
};

/* Services of EF_UST (TS 31.102 s4.2.8). */
#define UICC_SERVICE_SUCI         124 /* subscription identifier privacy */
#define UICC_SERVICE_SUCI_BY_CARD 125 /* the USIM computes it itself */

/* Status words (TS 102 221 s10.2, TS 31.102 s7.3). */
#define UICC_SW_OK         0x9000
#define UICC_SW_MORE       0x61 /* first octet: the second says how many octets GET RESPONSE brings */
#define UICC_SW_LENGTH     0x6C /* first octet: again, with the second as Le */
#define UICC_SW_TRIES      0x63C0
#define UICC_SW_SECURITY   0x6982 /* PIN not verified */
#define UICC_SW_BLOCKED    0x6983
#define UICC_SW_NO_FILE    0x6A82
#define UICC_SW_MAC        0x9862 /* AUTHENTICATE: incorrect MAC */
#define UICC_SW_NO_CONTEXT 0x9864 /* AUTHENTICATE: GSM context not supported */

/* ---- commands ---- */

struct uicc_cmd {
    uint8_t b[UICC_CMD_MAX];
    size_t n;
    bool le; /* the last octet is Le */
};

/* t1: by T=1 a command with data that is answered with data carries Le = 0; by T=0 it has none, and 61 xx comes. */
void uicc_select(struct uicc_cmd *c, enum uicc_fid fid, bool t1);
void uicc_select_aid(struct uicc_cmd *c, struct span aid,
                     bool t1); /* 5 to 16 octets; a shorter name than the application's finds it too */
void uicc_read_binary(struct uicc_cmd *c, uint16_t offset, uint8_t n);
void uicc_read_record(struct uicc_cmd *c, uint8_t record, uint8_t n);
/* pin NULL: asks how many tries are left, and takes none (TS 102 221 s11.1.9). */
void uicc_verify(struct uicc_cmd *c, uint8_t ref, const char *pin);
void uicc_auth_3g(struct uicc_cmd *c, const uint8_t rand[AKA_RAND_LEN], const uint8_t autn[AKA_AUTN_LEN],
                  bool t1);
void uicc_auth_gsm(struct uicc_cmd *c, const uint8_t rand[AKA_RAND_LEN], bool t1);
void uicc_get_response(struct uicc_cmd *c, uint8_t n);
void uicc_with_le(struct uicc_cmd *c, uint8_t n); /* the same command with this Le (after 6C xx) */
bool uicc_pin_valid(const char *pin);             /* 4 to 8 digits */

/* ---- answers ---- */

struct uicc_answer {
    struct span data; /* borrowed */
    uint16_t sw;
};
MUST_USE err uicc_answer_parse(struct span octets, struct uicc_answer *out); /* ERR_TRUNCATED */

struct uicc_fcp {
    uint16_t size;      /* of a transparent EF; 0: not said */
    uint8_t record_len; /* of a linear EF; 0: it is none */
    uint8_t records;
    bool pin_known;   /* a PIN status template was there: */
    bool pin_enabled; /* the PIN of the application has to be verified */
    uint8_t pin_ref;  /* its key reference */
};
MUST_USE err uicc_fcp_parse(struct span data, struct uicc_fcp *out); /* ERR_MALFORMED */

/* AUTHENTICATE's answers (TS 31.102 s7.1.2.1). Verdict AUTHENTICATED or SYNC_FAILURE. ERR_MALFORMED. */
MUST_USE err uicc_auth_3g_parse(struct span data, struct usim_auth *out);
MUST_USE err uicc_auth_gsm_parse(struct span data, uint8_t sres[AKA_SRES_LEN], uint8_t kc[AKA_KC_LEN]);

/* ---- files ---- */

/* One record of EF_DIR. ERR_NOT_FOUND: of another application, or empty. */
MUST_USE err uicc_dir_usim(struct span record, uint8_t aid[UICC_AID_MAX], size_t *n);
/* The beginning of every USIM's name. */
struct span uicc_usim_aid(void);
MUST_USE err uicc_imsi_parse(struct span file, char imsi[IMSI_MAX + 1]);         /* ERR_MALFORMED */
MUST_USE err uicc_iccid_parse(struct span file, char iccid[USIM_ICCID_MAX + 1]); /* ERR_MALFORMED */
MUST_USE err uicc_ad_mnc_len(struct span file,
                             uint8_t *mnc_len); /* ERR_NOT_FOUND: an old card does not say */
bool uicc_ust_has(struct span file, unsigned service);
/* First of the card's protection schemes that conceals anything and whose key is there (TS 31.102 s4.4.11.8). ERR_NOT_FOUND, ERR_MALFORMED. */
MUST_USE err uicc_suci_parse(struct span file, struct usim_suci *out);
MUST_USE err
uicc_routing_parse(struct span file,
                   char routing[USIM_ROUTING_MAX + 1]); /* ERR_MALFORMED; "0" when the card leaves it open */
