/* SPDX-License-Identifier: Apache-2.0
 *
 * From a frame to what IP carries: link layers (Ethernet with VLAN tags, Linux cooked v1 and v2, raw IP, BSD loopback), IPv4 and
 * IPv6 with extension headers, fragments put together, UDP. What carries a HIP or ESP packet is checked too: the IPv4 header checksum and
 * the UDP checksum.
 */
#pragma once

#include "cli/hipvec/capture.h"
#include "common/base/addr.h"

enum dgram_sum {
    SUM_NONE, /* no checksum there: UDP over IPv4 with zero in the field; IPv6 has none in its header */
    SUM_RIGHT,
    SUM_WRONG,
    SUM_LEFT, /* the pseudo-header's sum alone: the sender's network card was to complete it */
};

enum { PROTO_UDP = 17, PROTO_ESP = 50, PROTO_HIP = 139 };

struct dgram {
    struct addr src, dst; /* with the ports of UDP */
    uint8_t proto;        /* behind IPv6's extension headers */
    bool whole;           /* came in one frame: off is valid */
    size_t off;           /* of payload in the file */
    enum dgram_sum ip_sum, udp_sum;
    struct span
        payload; /* behind IP, and behind UDP; borrowed from the file, or from the reassembly until the next call */
};

struct reassembly;

struct reassembly *reassembly_new(void); /* NULL: out of memory */
void reassembly_free(struct reassembly *r);

/* ERR_NOT_FOUND: not IP, or a fragment of something that is not complete; ERR_MALFORMED, ERR_TRUNCATED: *why says so (IPv4 header
 * checksums and lengths of datagrams are looked at whatever they carry). */
MUST_USE err dgram_of(struct reassembly *r, const struct frame *f, struct dgram *out, const char **why);
/* Fragments that wait for others. */
size_t reassembly_waiting(const struct reassembly *r);

/* An IP packet with this payload (and a UDP header with its checksum when src has a port) into out; returns its length, 0: does not fit. */
size_t dgram_write(const struct addr *src, const struct addr *dst, uint8_t proto, struct span payload,
                   uint8_t *out, size_t cap);
