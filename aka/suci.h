/* SPDX-License-Identifier: Apache-2.0
 *
 * SUCI: the IMSI concealed for its home network (TS 33.501 Annex C: ECIES with X25519, profile A, or P-256, profile B), as the user part of a NAI (TS 23.003
 * s28.7.3):
 *
 *   type0.rid678.schid1.hnkey27.ecckey<hex>.cip<hex>.mac<hex>@<realm>
 *
 * The null scheme conceals nothing and is refused, as are SUPIs that are no IMSI. What is concealed is the MSIN; MCC and MNC are the key's, and where the
 * realm names a home network (mnc<MNC>.mcc<MCC>.3gppnetwork.org) it has to be the same one.
 */
#pragma once

#include "aka/nai.h"
#include "common/crypto/dh.h"

#define SUCI_PLMN_MAX   6 /* digits: MCC, MNC of two or three */
#define SUCI_RID_MAX    4
#define SUCI_PUBLIC_MAX DH_P256_SHORT
#define SUCI_CIPHER_MAX \
    6 /* MSIN of 10 digits and less, two to an octet; IMSIs with a short MNC have no more */
#define SUCI_MAC_LEN 8

enum suci_profile {
    SUCI_PROFILE_A = 1,
    SUCI_PROFILE_B = 2
}; /* protection scheme identifiers (TS 33.501 Annex C.1) */

/* Is it meant as a SUCI of this form? (Its user part begins with "type" and a digit.) */
bool suci_is(struct span nai);

/* ---- the home network ---- */

struct suci_key {
    uint8_t id; /* home network public key identifier */
    enum suci_profile profile;
    char plmn[SUCI_PLMN_MAX + 1];
    struct dh_key *key;
};

/* The key's length is 32 octets. ERR_RANGE: not a private key of this profile. */
MUST_USE err suci_key_set(struct suci_key *k, enum suci_profile p, struct span private_key);
void suci_key_done(struct suci_key *k); /* wipes */
/* As others need it: 32 octets, or 33 for profile B. Returns the length. */
size_t suci_key_public(const struct suci_key *k, uint8_t out[SUCI_PUBLIC_MAX]);

/* The IMSI in it. ERR_NOT_FOUND: not a SUCI. ERR_UNSUPPORTED: the null scheme, another one, or no IMSI. ERR_REFUSED: no key of ours, or of another home
 * network. ERR_AUTH: the tag is wrong. ERR_MALFORMED: not of the form, or what was concealed is no MSIN. imsi is set on ERR_OK only. */
MUST_USE err suci_open(const struct suci_key *keys, size_t n, struct span nai, char imsi[IMSI_MAX + 1]);

/* ---- the subscriber ---- */

struct suci_home {
    uint8_t id;
    enum suci_profile profile;
    char
        rid[SUCI_RID_MAX + 1]; /* routing indicator, 1 to 4 digits (EF_Routing_Indicator); "" counts as "0" */
    uint8_t public[64];        /* profile A 32 octets; B X and Y */
};

/* 32 octets for profile A; for B 33, or 65 with 0x04 before X and Y. ERR_RANGE: no such key. */
MUST_USE err suci_home_set(struct suci_home *h, enum suci_profile p, struct span public_key);
/* A fresh SUCI for this IMSI; the ephemeral key is the draw dh_private. realm NULL: "5gc.mnc<MNC>.mcc<MCC>.3gppnetwork.org". ERR_RANGE: IMSI, mnc_len or
 * rid; ERR_SPACE; ERR_CRYPTO. */
MUST_USE err suci_make(const struct suci_home *h, const char *imsi, unsigned mnc_len, const char *realm,
                       const struct env *env, char out[NAI_TEXT_MAX]);
