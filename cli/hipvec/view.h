/* SPDX-License-Identifier: Apache-2.0
 *
 * A HIP packet looked at instead of taken: hip/pkt.h refuses a packet for the first thing that is wrong with it, here everything
 * is read as far as it goes, and each fault is listed with the rule it breaks. By the lists of hip/proto.h.
 */
#pragma once

#include "hip/hit.h"
#include "hip/proto.h"

#define VIEW_PARAMS_MAX 256 /* more than fit into a packet */
#define VIEW_FAULTS_MAX 32

struct view_par {
    uint16_t type;
    size_t off;                      /* of its type field, from the first octet */
    struct span v;                   /* contents */
    struct span pad;                 /* the octets that fill it up to eight */
    const struct hip_param_row *row; /* NULL: in no registry that we know */
};

/* Kinds of faults: X(NAME, json) */
#define FAULT_LIST(X) \
    X(HEADER, "header") \
    X(FILL, "parameters fill the packet") \
    X(ORDER, "parameter order") \
    X(PADDING, "padding") \
    X(LENGTH, "parameter lengths") \
    X(CRITICAL, "critical parameters known") \
    X(PLACE, "parameters in their place") \
    X(COUNT, "parameters no more often than allowed") \
    X(MISSING, "mandatory parameters") \
    X(CONTENTS, "parameter contents")

enum fault_kind {
#define X(name, text) FAULT_##name,
    FAULT_LIST(X)
#undef X
        FAULT__COUNT
};
const char *fault_name(enum fault_kind k);

struct fault {
    enum fault_kind kind;
    size_t off;
    char text[144];
};

struct view {
    struct span raw;    /* header and parameters, as far as they are there */
    struct span behind; /* octets behind the packet */
    uint8_t next, type, version;
    uint16_t checksum, controls;
    struct hit sender, receiver;
    const struct hip_packet_row *row; /* NULL: unknown type */
    size_t n;
    struct view_par par[VIEW_PARAMS_MAX];
    size_t n_faults;
    struct fault fault[VIEW_FAULTS_MAX];
};

/* False: less than a header (one fault says so). */
bool view_packet(struct span octets, struct view *out);
/* The same for bare TLVs, as they stand in ENCRYPTED; zero octets may follow. */
void view_inner(struct span octets, struct view *out);
void view_fault(struct view *w, enum fault_kind kind, size_t off, const char *fmt, ...) PRINTF_LIKE(4, 5);
bool view_has_fault(const struct view *w, enum fault_kind k);
/* The first of a type; NULL: absent. */
const struct view_par *view_get(const struct view *w, uint16_t type);
struct span view_span(const struct view *w, uint16_t type);
struct span view_tlv(const struct view *w, const struct view_par *p); /* with its padding */
const char *view_type_name(const struct view *w);

/* ---- what protects which octets (RFC 7401 s5.2.12-5.2.15, s6.4; RFC 8004 s4.2.1) ---- */

enum cover {
    COVER_MAC = 1,       /* HIP_MAC, HIP_MAC_2 */
    COVER_SIGNATURE = 2, /* HIP_SIGNATURE, HIP_SIGNATURE_2 */
    COVER_RELAY = 4,     /* RVS_HMAC, RELAY_HMAC */
};
/* One mask an octet of w->raw. What a MAC or signature replaces by a value that follows from the packet (checksum, Header
 * Length) counts as covered where a wrong value is seen anyway: Header Length; the checksum does not. */
void view_cover(const struct view *w, uint8_t *mask);
