/* SPDX-License-Identifier: Apache-2.0
 *
 * A page of its own, locked, with a guard on either side, costs a secret half a dozen system calls: as much as a Diffie-Hellman derivation. So small
 * ones share regions that libsodium locked and guarded; inside a region each block has a canary before it, as libsodium's have.
 */
#include "common/crypto/secret.h"

#include <sodium.h>
#include <stdlib.h>
#include <threads.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define HIDE(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define SHOW(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define HIDE(p, n) ((void)0)
#define SHOW(p, n) ((void)0)
#endif

#define REGION 65536

/* Before each block, 16 octets: blocks are aligned as malloc's are. */
struct head {
    uint32_t kind; /* index into sizes; KINDS: a region of its own */
    uint32_t unused;
    uint64_t canary;
};
_Static_assert(sizeof(struct head) == 16, "blocks lose their alignment");

struct free_block { /* lies in the block */
    struct free_block *next;
};

static const size_t sizes[] = { 128, 256, 512, 1024, 2048 };
#define KINDS (sizeof sizes / sizeof *sizes)

static struct {
    mtx_t lock;
    uint64_t canary;
    struct free_block *free[KINDS];
} pool;
static once_flag once = ONCE_FLAG_INIT;

static void begin(void)
{
    if (mtx_init(&pool.lock, mtx_plain) != thrd_success)
        abort();
    randombytes_buf(&pool.canary, sizeof pool.canary);
}

static size_t kind_of(size_t n)
{
    size_t k = 0;
    while (k < KINDS && n > sizes[k])
        k++;
    return k;
}

/* Cuts a new region into blocks. Regions stay for the life of the process. */
static bool grow(size_t k)
{
    size_t step = sizeof(struct head) + sizes[k];
    uint8_t *region = sodium_malloc(REGION);
    if (!region)
        return false;
    sodium_memzero(region, REGION);
    for (uint8_t *at = region; at + step <= region + REGION; at += step) {
        *(struct head *)(void *)at = (struct head){ .kind = (uint32_t)k, .canary = ~pool.canary };
        struct free_block *b = (struct free_block *)(void *)(at + sizeof(struct head));
        b->next = pool.free[k];
        pool.free[k] = b;
        HIDE(at, step);
    }
    return true;
}

static void *take(size_t k)
{
    struct free_block *b = NULL;
    (void)mtx_lock(&pool.lock);
    if (pool.free[k] || grow(k)) {
        b = pool.free[k];
        SHOW(b, sizes[k]);
        pool.free[k] = b->next;
        b->next = NULL; /* the rest is zero already */
        struct head *h = (struct head *)(void *)b - 1;
        SHOW(h, sizeof *h);
        h->canary = pool.canary;
        HIDE(h, sizeof *h);
    }
    (void)mtx_unlock(&pool.lock);
    return b;
}

static void *alone(size_t n)
{
    size_t whole = sizeof(struct head) + (n + 15) / 16 * 16; /* libsodium aligns the end */
    struct head *h = n <= whole ? sodium_malloc(whole) : NULL;
    if (!h)
        return NULL;
    sodium_memzero(h, whole);
    *h = (struct head){ .kind = KINDS, .canary = pool.canary };
    return h + 1;
}

void *sec_alloc(size_t n)
{
    call_once(&once, begin);
    size_t k = kind_of(n);
    uint8_t *p = k < KINDS ? take(k) : alone(n);
    if (p && k < KINDS)
        HIDE(p + n, sizes[k] - n);
    return p;
}

void sec_free(void *p)
{
    if (!p)
        return;
    struct head *h = (struct head *)p - 1;
    SHOW(h, sizeof *h);
    if (h->canary != pool.canary || h->kind > KINDS)
        abort(); /* written before its beginning, or freed twice, or not ours */
    size_t k = h->kind;
    if (k == KINDS) {
        sodium_free(h);
        return;
    }
    struct free_block *b = p;
    SHOW(p, sizes[k]);
    sodium_memzero(p, sizes[k]);
    h->canary = ~pool.canary;
    HIDE(h, sizeof *h);
    (void)mtx_lock(&pool.lock);
    b->next = pool.free[k];
    pool.free[k] = b;
    HIDE(p, sizes[k]);
    (void)mtx_unlock(&pool.lock);
}

void sec_wipe(void *p, size_t n)
{
    sodium_memzero(p, n);
}

bool sec_equal(const void *a, const void *b, size_t n)
{
    return sodium_memcmp(a, b, n) == 0;
}
