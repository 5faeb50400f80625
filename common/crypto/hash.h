/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashes and MACs. Algorithms are fetched once by crypto_init().
 *
 * HASH_CSHAKE128 is cSHAKE128 (NIST SP 800-185) with 256 bits of output, empty N and empty S, and wherever another hash has HMAC it has
 * KMAC128 with 256 bits and empty S: the pair of RFC 9374 s3.4.2's HIT suite 5 (docs/conformance.md says why these lengths).
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"

enum hash_alg {
    HASH_NONE,
    HASH_SHA1,
    HASH_SHA256,
    HASH_SHA384,
    HASH_SHA512,
    HASH_MD5,
    HASH_CSHAKE128,
    HASH__COUNT
};

#define HASH_LEN_MAX 64

size_t hash_len(enum hash_alg a); /* octets; 0 for HASH_NONE */
const char *hash_name(enum hash_alg a);

/* Digest of the concatenation of n spans. */
MUST_USE err hash_spans(enum hash_alg a, const struct span *in, size_t n, uint8_t *out);
MUST_USE err hash_once(enum hash_alg a, struct span in, uint8_t *out);
/* The same, for short inputs, without memory from the heap; SHA-1, SHA-512 and MD5 are hash_spans()'s all the same. */
MUST_USE err hash_plain(enum hash_alg a, const struct span *in, size_t n, uint8_t *out);

/* cSHAKE128 with empty N and customization S: out_len octets of output over n spans. s at most 128 octets (ERR_RANGE). */
MUST_USE err cshake128(struct span s, const struct span *in, size_t n, uint8_t *out, size_t out_len);

/* HMAC (RFC 2104), or KMAC128, over the concatenation of n spans. out holds hash_len(a). */
MUST_USE err hmac_spans(enum hash_alg a, struct span key, const struct span *in, size_t n, uint8_t *out);
MUST_USE err hmac_once(enum hash_alg a, struct span key, struct span in, uint8_t *out);

/* HKDF (RFC 5869), with KMAC128 in the place of HMAC for HASH_CSHAKE128. prk and out are secrets: the caller owns and wipes them. out_len at most 255 * hash_len. */
MUST_USE err hkdf_extract(enum hash_alg a, struct span salt, struct span ikm, uint8_t *prk);
MUST_USE err hkdf_expand(enum hash_alg a, struct span prk, struct span info, uint8_t *out, size_t out_len);
/* The same piece by piece, in whole blocks of hash_len: begins with a zeroed state, which is as secret as the output. out holds blocks * hash_len.
 * ERR_RANGE: more than 255 of them. */
struct hkdf_state {
    uint8_t i; /* blocks made */
    uint8_t last[HASH_LEN_MAX];
};
MUST_USE err hkdf_more(enum hash_alg a, struct span prk, struct span info, struct hkdf_state *t, uint8_t *out,
                       size_t blocks);

/* FIPS 186-2 change notice 1 generator as EAP-AKA uses it (RFC 4187 s7): xkey 20 octets, out_len any. */
MUST_USE err fips186_prf(const uint8_t xkey[20], uint8_t *out, size_t out_len);
