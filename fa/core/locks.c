/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/core/locks.h"

#include "common/base/htab.h" /* siphash24() */

static _Atomic uint64_t *word_of(struct fa_locks *l, const char *subscriber)
{
    return &l->word[siphash24(l->seed, span_str(subscriber)) % FA_LOCKS];
}

bool fa_locks_try(struct fa_locks *l, const char *subscriber, uint32_t owner)
{
    _Atomic uint64_t *w = word_of(l, subscriber);
    uint64_t mine = (uint64_t)(owner + 1) << 32, was = atomic_load_explicit(w, memory_order_relaxed);
    do {
        if (was && was >> 32 != owner + 1)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(w, &was, was ? was + 1 : mine + 1, memory_order_acquire,
                                                    memory_order_relaxed));
    return true;
}

void fa_locks_drop(struct fa_locks *l, const char *subscriber, uint32_t owner)
{
    _Atomic uint64_t *w = word_of(l, subscriber);
    uint64_t was = atomic_load_explicit(w, memory_order_relaxed);
    if (was >> 32 != owner + 1)
        return; /* not ours: cannot be */
    while (!atomic_compare_exchange_weak_explicit(w, &was, (was & UINT32_MAX) > 1 ? was - 1 : 0,
                                                  memory_order_release, memory_order_relaxed))
        ;
}
