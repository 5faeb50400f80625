/* SPDX-License-Identifier: Apache-2.0
 *
 * Pseudonyms that the server need not remember: the IMSI, sealed under a key that only servers of the home network have (RFC 4187 s4.1.1.7;
 * the idea is TS 33.234's temporary identity, the cipher is not). Two of one subscriber have nothing in common (RFC 9048 s5.2 MUST).
 *
 *   user name = first character of the method's pseudonyms, then in lower-case hexadecimal
 *               indicator(1) nonce(24) XChaCha20-Poly1305 of the IMSI as BCD, filled with f to 8 octets
 *
 * Keys change by the calendar: period e has HKDF-Expand(master, "hipfa pseudonym" | e(8)), and the indicator is e modulo 256. Those of the
 * last periods still open.
 */
#pragma once

#include "aka/nai.h"
#include "common/base/env.h"

#define PSEUDONYM_MASTER_LEN 32
#define PSEUDONYM_LEN        (1 + 2 * (1 + 24 + 8 + 16))
#define PSEUDONYM_PERIODS    255 /* at most: the indicator is one octet */

struct pseudonym_keys {                   /* secret */
    uint8_t master[PSEUDONYM_MASTER_LEN]; /* uniformly random */
    uint64_t period_s;                    /* one key serves that long; not 0 */
    uint32_t periods;                     /* a pseudonym opens in its period and in so many after it */
};

/* lead: aka/method.h's pseudonym. out is a C string. ERR_RANGE: no IMSI; ERR_CRYPTO. */
MUST_USE err pseudonym_make(const struct pseudonym_keys *k, const struct env *env, uint8_t lead,
                            const char *imsi, uint64_t wall_s, char out[PSEUDONYM_LEN + 1]);
/* user: the part before "@". ERR_MALFORMED, ERR_AUTH: not of ours, or too old. */
MUST_USE err pseudonym_open(const struct pseudonym_keys *k, struct span user, uint64_t wall_s,
                            char imsi[IMSI_MAX + 1]);
