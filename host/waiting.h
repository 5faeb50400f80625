/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets of applications that wait for their peer's SAs: a few for each peer, for a bounded number of peers. Copies, each with the room around it
 * that sealing needs.
 */
#pragma once

#include "common/base/span.h"
#include "hip/hit.h"

struct host_waiting_packet {
    struct host_waiting_packet *next;
    size_t len;
    uint8_t octets[]; /* room, packet, room */
};

struct host_waiting;
/* each: packets for one peer; room: octets before and behind each. NULL: out of memory. */
struct host_waiting *host_waiting_new(size_t peers, size_t each, size_t room);
void host_waiting_free(struct host_waiting *w); /* and what waits; NULL is fine */
/* false: no place for it. */
bool host_waiting_put(struct host_waiting *w, const struct hit *peer, struct span packet);
/* All of one peer, the first one first, the caller's from now on: free() each. NULL: none. */
struct host_waiting_packet *host_waiting_take(struct host_waiting *w, const struct hit *peer);
