/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashes and HMAC. Algorithms are fetched once by crypto_init().
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"

enum hash_alg { HASH_NONE, HASH_SHA1, HASH_SHA256, HASH_SHA384, HASH_SHA512, HASH_MD5, HASH__COUNT };

#define HASH_LEN_MAX 64

size_t hash_len(enum hash_alg a); /* octets; 0 for HASH_NONE */
const char *hash_name(enum hash_alg a);

/* Digest of the concatenation of n spans. */
MUST_USE err hash_spans(enum hash_alg a, const struct span *in, size_t n, uint8_t *out);
MUST_USE err hash_once(enum hash_alg a, struct span in, uint8_t *out);

/* HMAC (RFC 2104) over the concatenation of n spans. out holds hash_len(a). */
MUST_USE err hmac_spans(enum hash_alg a, struct span key, const struct span *in, size_t n, uint8_t *out);
MUST_USE err hmac_once(enum hash_alg a, struct span key, struct span in, uint8_t *out);

/* HKDF (RFC 5869). prk and out are secrets: the caller owns and wipes them. out_len at most 255 * hash_len. */
MUST_USE err hkdf_extract(enum hash_alg a, struct span salt, struct span ikm, uint8_t *prk);
MUST_USE err hkdf_expand(enum hash_alg a, struct span prk, struct span info, uint8_t *out, size_t out_len);

/* FIPS 186-2 change notice 1 generator as EAP-AKA uses it (RFC 4187 s7): xkey 20 octets, out_len any. */
MUST_USE err fips186_prf(const uint8_t xkey[20], uint8_t *out, size_t out_len);
