/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding transactions of one subscriber are serial, also where several engines carry them out (docs/sim-binding.md section 7): a table of locks that
 * they share, by a hash of the subscriber. Nobody waits in it: who does not get a lock tries again later. Two subscribers may share a lock; an
 * engine may hold one several times.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FA_LOCKS 1024

struct fa_locks {
    uint8_t seed[16];
    _Atomic uint64_t word[FA_LOCKS]; /* owner + 1 in the upper half, how often in the lower; 0: free */
};

bool fa_locks_try(struct fa_locks *l, const char *subscriber, uint32_t owner);
void fa_locks_drop(struct fa_locks *l, const char *subscriber, uint32_t owner);
