/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside common/crypto only: contexts that a thread keeps, so that hashing needs no memory and no look-up. Made when first used, freed when the
 * thread ends. They hold nothing of what went through them: who uses one clears it.
 */
#pragma once

#include "common/crypto/fetched.h"

struct mac;

/* Begin with EVP_DigestInit_ex2(), end with EVP_MD_CTX_reset(), which wipes. NULL: out of memory. */
EVP_MD_CTX *scratch_md(enum hash_alg a);
/* Where the thread keeps its MAC of this hash; the caller puts it there, mac_free() ends it. NULL: out of memory. */
struct mac **scratch_mac(enum hash_alg a);

/* Takes the spans in. */
bool scratch_feed(EVP_MD_CTX *ctx, const struct span *in, size_t n);
