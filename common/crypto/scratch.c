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
    s->md[a] = EVP_MD_CTX_new();
    return s->md[a];
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
