/* SPDX-License-Identifier: Apache-2.0
 *
 * What a file has of HIP and ESP, in order: a capture (capture.h); a file of vectors (HipBexTest: packets[] and bad); text of hexadecimal
 * digits ('#' begins a comment, an empty line ends a packet); or one packet's octets as they are. Four zero octets in front of a
 * packet that came without addresses are the marker of UDP encapsulation.
 */
#pragma once

#include <jansson.h>

#include "cli/hipvec/dgram.h"

#define ITEMS_FILE_MAX (256u << 20)

enum item_kind {
    ITEM_HIP, /* from the HIP header on */
    ITEM_ESP, /* from the SPI on */
    ITEM_BAD, /* IP that is wrong in itself: why */
};

struct item {
    enum item_kind kind;
    size_t frame; /* in a capture, from 1; else number of the packet */
    uint64_t time_ns;
    bool captured; /* frame is a number of a capture's */
    bool has_addr;
    struct addr src, dst; /* with ports: in UDP */
    bool udp;
    bool whole; /* in a capture, in one frame: off is its place in the file */
    size_t off;
    enum dgram_sum udp_sum;
    struct span octets; /* borrowed from the items */
    const char *why;
};

struct items {
    struct item *v;
    size_t n;
    bool capture;
    size_t frames, waiting; /* of a capture: frames, and datagrams of which a piece is missing */
    uint8_t *file;          /* owned, and what was made from it */
    size_t file_n;
    uint8_t **copies;
    size_t n_copies;
};

/* ERR_IO, ERR_MALFORMED, ERR_MEMORY; why says what. Nothing of HIP in it is no error. */
MUST_USE err items_load(const char *path, struct items *out, char why[160]);
/* The same from memory, which is copied. */
MUST_USE err items_parse(struct span file, struct items *out, char why[160]);
void items_done(struct items *it);

/* The whole file; *out is malloc'ed. ERR_IO, ERR_RANGE, ERR_MEMORY. */
MUST_USE err read_file(const char *path, uint8_t **out, size_t *n);
