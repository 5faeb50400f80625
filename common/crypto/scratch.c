/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/scratch.h"

#include <stdlib.h>
#include <threads.h>

struct scratch {
    EVP_MD_CTX *md[HASH__COUNT];
    struct mac *mac[HASH__COUNT];
};

static _Thread_local struct scratch *own;
static tss_t at_end; /* for its destructor alone */
static once_flag once = ONCE_FLAG_INIT;

static void scratch_free(void *p)
{
    struct scratch *s = p;
    for (int a = 0; a < HASH__COUNT; a++) {
        EVP_MD_CTX_free(s->md[a]);
        mac_free(s->mac[a]);
    }
    free(s);
    own = NULL;
}

static void begin(void)
{
    if (tss_create(&at_end, scratch_free) != thrd_success)
        abort();
}

static struct scratch *scratch(void)
{
    if (own)
        return own;
    call_once(&once, begin);
    struct scratch *s = calloc(1, sizeof *s);
    if (s && tss_set(at_end, s) != thrd_success) {
        free(s);
        return NULL;
    }
    own = s;
    return s;
}

EVP_MD_CTX *scratch_md(enum hash_alg a)
{
    struct scratch *s = scratch();
    if (!s || s->md[a])
        return s ? s->md[a] : NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (ctx && EVP_DigestInit_ex2(ctx, crypto_fetched.md[a], NULL) == 1)
        return s->md[a] = ctx;
    EVP_MD_CTX_free(ctx);
    return NULL;
}

struct mac **scratch_mac(enum hash_alg a)
{
    struct scratch *s = scratch();
    return s ? &s->mac[a] : NULL;
}

bool scratch_feed(EVP_MD_CTX *ctx, const struct span *in, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (in[i].n && EVP_DigestUpdate(ctx, in[i].p, in[i].n) != 1)
            return false;
    return true;
}

void scratch_wash(EVP_MD_CTX *ctx)
{
    static const uint8_t zeros[HASH_BLOCK_MAX - 1];
    (void)!(EVP_DigestInit_ex2(ctx, NULL, NULL) == 1 &&
            EVP_DigestUpdate(ctx, zeros, (size_t)EVP_MD_CTX_get_block_size(ctx) - 1) == 1);
}
