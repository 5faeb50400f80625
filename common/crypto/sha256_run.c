/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/sha256_run.h"

#include <sodium.h>
#include <stdlib.h>

struct sha256_run {
    crypto_hash_sha256_state st;
};

struct sha256_run *sha256_run_new(void)
{
    struct sha256_run *r = malloc(sizeof *r);
    if (r)
        crypto_hash_sha256_init(&r->st);
    return r;
}

void sha256_run_free(struct sha256_run *r)
{
    free(r);
}

err sha256_run_add(struct sha256_run *r, struct span s)
{
    return crypto_hash_sha256_update(&r->st, s.p, s.n) == 0 ? ERR_OK : ERR_CRYPTO;
}

err sha256_run_get(const struct sha256_run *r, uint8_t out[SHA256_LEN])
{
    crypto_hash_sha256_state copy = r->st;
    return crypto_hash_sha256_final(&copy, out) == 0 ? ERR_OK : ERR_CRYPTO;
}
