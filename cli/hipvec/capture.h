/* SPDX-License-Identifier: Apache-2.0
 *
 * Capture files as octets: pcap (microseconds and nanoseconds, either byte order) and pcapng (section, interface, enhanced and simple
 * packet blocks, either byte order), and a writer of pcap with bare IP packets (link type 101). Nothing of the file is
 * believed: lengths are held against what is there, and an interface that was not described is an error.
 */
#pragma once

#include <stdio.h>

#include "common/base/err.h"
#include "common/base/span.h"

#define CAPTURE_IFACES_MAX 64

struct frame {
    size_t number; /* from 1 */
    uint64_t time_ns;
    uint32_t link;      /* LINKTYPE_ of tcpdump.org */
    size_t off;         /* of its first octet in the file */
    struct span octets; /* borrowed from the file */
    size_t wire_len;    /* more than octets.n: cut when it was captured */
};

struct capture {
    struct span file; /* borrowed */
    size_t at, frames;
    bool pcapng, little, nanoseconds;
    struct capture_iface {
        uint32_t link;
        uint8_t resolution; /* if_tsresol */
    } iface[CAPTURE_IFACES_MAX];
    size_t ifaces;
    const char *why; /* of ERR_MALFORMED */
};

/* Does it begin like a capture? */
bool capture_is(struct span file);
/* ERR_MALFORMED: neither form, or its first header is cut. */
MUST_USE err capture_open(struct span file, struct capture *out);
/* ERR_NOT_FOUND at the end; ERR_MALFORMED (c->why) when the file goes wrong, for good. */
MUST_USE err capture_next(struct capture *c, struct frame *out);

/* pcap, link type 101 (the IP header comes first). False: the file could not be written. */
bool capture_write_head(FILE *f);
bool capture_write(FILE *f, uint64_t time_us, struct span ip_packet);
