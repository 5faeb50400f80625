/* SPDX-License-Identifier: Apache-2.0
 *
 * AT_CHECKCODE (RFC 4187 s10.13, RFC 9048 s3.5): SHA-1 (AKA) or SHA-256 (AKA') over the Identity requests and responses of an exchange, in order, as sent.
 * The packets are kept until the hash is wanted; the three rounds that are allowed always fit.
 */
#pragma once

#include "aka/attr.h"

#define CHECKCODE_MAX    32 /* 20 in AKA */
#define CHECKCODE_ROUNDS 3
#define CHECKCODE_ROOM   (CHECKCODE_ROUNDS * (EAP_MAX + EAP_IDENTITY_MAX + 16))

struct checkcode {
    size_t n;
    bool
        needed; /* an Identity message had attributes that were ignored: a challenge without checkcode is refused */
    uint8_t octets[CHECKCODE_ROOM];
};

/* ERR_SPACE when too long to be of an allowed exchange. */
MUST_USE err checkcode_add(struct checkcode *c, struct span packet);
/* *len 0 when there was no Identity round. */
MUST_USE err checkcode_value(const struct checkcode *c, uint8_t method, uint8_t out[CHECKCODE_MAX],
                             size_t *len);
/* Another method begins. */
void checkcode_reset(struct checkcode *c);
/* Does the message say what we saw? A message without AT_CHECKCODE passes unless one is needed. */
bool checkcode_matches(const struct checkcode *c, const struct aka_msg *m);
