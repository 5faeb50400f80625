/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory for secrets: locked, guarded, left out of core files, wiped when freed (libsodium). Keys have no printer.
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"

/* Call once per process before anything else of common/crypto. ERR_CRYPTO. */
MUST_USE err crypto_init(void);

void *sec_alloc(size_t n); /* zeroed; NULL when memory cannot be had or locked */
void sec_free(void *p);    /* wipes; NULL is fine */
void sec_wipe(void *p, size_t n);
/* Constant time in n. */
bool sec_equal(const void *a, const void *b, size_t n);
