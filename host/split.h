/* SPDX-License-Identifier: Apache-2.0
 *
 * An IPv6 packet as fragments of it (RFC 8200 s4.5), one after the other. One that is a fragment itself already keeps its identification.
 */
#pragma once

#include "common/base/span.h"

#define SPLIT_HEAD 48 /* IPv6 header and fragment header */

struct split {
    struct span packet;
    size_t most;   /* octets behind the headers, in all fragments but the last */
    size_t at;     /* octets of it that are out */
    unsigned base; /* offset of the packet itself, with its "more fragments" */
    uint8_t head[SPLIT_HEAD];
};

/* packet: whole, longer than mtu, which is at least 1280; id: of the datagram, unless the packet has one. */
void split_begin(struct split *s, struct span packet, size_t mtu, uint32_t id);
/* The next one into out, which has room for mtu octets; 0: that was the last. */
size_t split_next(struct split *s, uint8_t *out);
