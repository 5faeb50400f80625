/* SPDX-License-Identifier: Apache-2.0
 *
 * Identities of EAP-AKA and AKA' as NAIs. Permanent ones: leading digit, IMSI, realm of the home network (TS 23.003 s19.3.2; RFC 9048 s3:
 * leading "6" for AKA'; "0" for AKA). Pseudonyms and fast re-authentication identities are the server's: only their first digit tells them.
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"

#define IMSI_MIN      6
#define IMSI_MAX      15
#define NAI_TEXT_MAX  254
#define NAI_AKA       '0'
#define NAI_AKA_PRIME '6'

struct aka_nai {
    struct span user;  /* before '@' */
    struct span realm; /* behind it; empty when there is none */
    uint8_t lead;      /* first character of the user part; 0 when empty */
    char imsi[IMSI_MAX +
              1]; /* "" unless the user part is a lead '0' or '6' followed by IMSI_MIN to IMSI_MAX digits */
};

/* What an identity says it is. OTHER: neither; a SUCI, or a name the peer uses to be asked for a better one. */
enum nai_kind { NAI_PERMANENT, NAI_PSEUDONYM, NAI_REAUTH, NAI_OTHER };
enum nai_kind nai_kind(const struct aka_nai *n);
bool imsi_valid(const char *imsi);
/* "6<IMSI>@wlan.mnc001.mcc001.3gppnetwork.org"; mnc_len 2 or 3; realm NULL: the home network's from the IMSI. ERR_RANGE, ERR_SPACE. */
MUST_USE err nai_permanent(char lead, const char *imsi, unsigned mnc_len, const char *realm,
                           char out[NAI_TEXT_MAX]);
/* "wlan.mnc001.mcc001.3gppnetwork.org" */
MUST_USE err nai_home_realm(const char *imsi, unsigned mnc_len, char out[NAI_TEXT_MAX]);
/* Where the home network's Forwarding Agent is looked for without configuration (docs/sim-binding.md s4): our label before the domain that TS 23.003
 * Annex D has for services which the public DNS knows: "hip-fa.mnc001.mcc001.pub.3gppnetwork.org". ERR_RANGE, ERR_SPACE. */
MUST_USE err nai_home_fa(const char *imsi, unsigned mnc_len, char out[NAI_TEXT_MAX]);
/* ERR_MALFORMED: empty, longer than 253 octets, or holds NUL. */
MUST_USE err nai_parse(struct span text, struct aka_nai *out);
