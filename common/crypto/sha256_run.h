/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 over octets that come one piece at a time, with a look at the value so far (a transcript).
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"

#define SHA256_LEN 32

struct sha256_run;

struct sha256_run *sha256_run_new(void); /* NULL: out of memory */
void sha256_run_free(struct sha256_run *r);
MUST_USE err sha256_run_add(struct sha256_run *r, struct span s);
/* The digest of what was added so far; more may be added. */
MUST_USE err sha256_run_get(const struct sha256_run *r, uint8_t out[SHA256_LEN]);
