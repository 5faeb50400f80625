/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/secret.h"

#include <sodium.h>

void *sec_alloc(size_t n)
{
    void *p = sodium_malloc(n ? n : 1);
    if (p)
        sodium_memzero(p, n);
    return p;
}

void sec_free(void *p)
{
    sodium_free(p);
}

void sec_wipe(void *p, size_t n)
{
    sodium_memzero(p, n);
}

bool sec_equal(const void *a, const void *b, size_t n)
{
    return sodium_memcmp(a, b, n) == 0;
}
