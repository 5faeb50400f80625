/* SPDX-License-Identifier: Apache-2.0
 *
 * Card readers as pcscd has them, watched by a thread that waits in it: who is there, in whom a card lies. Whenever that changes the owner is
 * told on the loop. If pcscd goes, no reader is there; it is looked for again every second.
 */
#pragma once

#include "common/rt/loop.h"

#define HOST_READERS_MAX      16 /* pcscd's own limit */
#define HOST_READER_NAME_MAX  128
#define HOST_READER_RETRY_US  1000000
#define HOST_READER_RELIST_MS 10000 /* a reader that came between two calls is found at the latest then */

struct host_reader {
    char name[HOST_READER_NAME_MAX];
    bool present; /* a card is in */
    bool mute;    /* and does not answer a reset */
    unsigned
        count; /* of insertions and removals: another number is another insertion, even if nothing was seen of it */
};

struct host_readers;
/* e: ERR_OK, or ERR_UNREACHABLE: pcscd does not answer, n is 0. Also called when nothing changed. */
typedef void (*host_readers_fn)(void *ctx, const struct host_reader *v, size_t n, err e);

struct host_readers *host_readers_new(struct rt_loop *l, host_readers_fn changed,
                                      void *ctx); /* NULL: out of memory */
void host_readers_start(struct host_readers *r);
/* NULL is fine. false: the thread did not come back, and has what it uses. */
bool host_readers_free(struct host_readers *r);
