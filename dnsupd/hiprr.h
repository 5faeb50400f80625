/* SPDX-License-Identifier: Apache-2.0
 *
 * The HIP resource record, TYPE 55 (RFC 8005 s5, s6): RDATA in wire form, in presentation form and in the generic form of RFC 3597 s5.
 * The view borrows from what it was parsed from. Whether the HIT belongs to the key is not decided here: a host computes it
 * from the key (RFC 8005 s4.1), with hip/hi.
 */
#pragma once

#include "dnsupd/name.h"

/* IPSECKEY algorithm numbers. Key: RFC 2536, RFC 3110, RFC 6605 (X | Y without a curve label), RFC 8080. */
enum dnsu_pk_alg { DNSU_PK_DSA = 1, DNSU_PK_RSA = 2, DNSU_PK_ECDSA = 3, DNSU_PK_EDDSA = 4 };

struct dnsu_hiprr {
    uint8_t pk_alg;
    struct span hit; /* 1 to 255 octets; 16 in HIPv2 */
    struct span pk;  /* 1 to 65535 octets */
    struct span rvs; /* uncompressed names, one behind the other, in order of preference */
    size_t n_rvs;
};

/* ERR_TRUNCATED: a length or a name runs past the end. ERR_MALFORMED: empty HIT or key, compression pointer, reserved label type, name too long. */
MUST_USE err dnsu_hiprr_parse(struct span rdata, struct dnsu_hiprr *out);
/* Rendezvous server number i, from 0. ERR_NOT_FOUND. */
MUST_USE err dnsu_hiprr_rvs(const struct dnsu_hiprr *rr, size_t i, struct dnsu_name *out);
/* Wire form; rr->rvs is checked as a parser would. ERR_SPACE, ERR_RANGE, ERR_MALFORMED. */
MUST_USE err dnsu_hiprr_encode(const struct dnsu_hiprr *rr, void *buf, size_t cap, size_t *len);

/* "( 3 HIT KEY RVS... )": RDATA text, HIT in upper-case hexadecimal. ERR_SPACE. */
MUST_USE err dnsu_hiprr_print(const struct dnsu_hiprr *rr, char *out, size_t cap);
/* "\# LENGTH HEX" for any RDATA. ERR_SPACE. */
MUST_USE err dnsu_generic_print(struct span rdata, char *out, size_t cap);
/* Either text form of RDATA into wire form; parentheses are optional. ERR_MALFORMED, ERR_SPACE. */
MUST_USE err dnsu_hiprr_scan(const char *text, void *buf, size_t cap, size_t *len);
