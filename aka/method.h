/* SPDX-License-Identifier: Apache-2.0
 *
 * EAP-AKA (RFC 4187) and EAP-AKA' (RFC 9048): everything in which they differ and that is a number, as one table. Key derivation is in
 * akakeys.h; attributes that only one of them knows are in attr.c.
 */
#pragma once

#include "aka/eap.h"
#include "common/crypto/hash.h"

#define AKA_METHODS_MAX 2

struct aka_method {
    uint8_t type;     /* EAP type */
    const char *name; /* in configuration and logs */
    /* first characters of the three kinds of user names (TS 23.003 s19.3, RFC 9048 s3) */
    uint8_t permanent, pseudonym, reauth;
    enum hash_alg hash; /* of AT_MAC (its first 16 octets) and AT_CHECKCODE (all of it) */
    uint8_t k_aut_len;
    bool separated; /* the vector has the AMF separation bit; without this the vector must not have it */
};

/* NULL: neither of the two. */
const struct aka_method *aka_method_of_type(uint8_t type);
const struct aka_method *aka_method_of_name(const char *name);
/* By the first character of a user name of any kind; NULL: the name says nothing of the method. */
const struct aka_method *aka_method_of_lead(uint8_t lead);
