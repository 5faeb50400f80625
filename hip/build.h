/* SPDX-License-Identifier: Apache-2.0
 *
 * Writer of HIP packets and of the TLVs inside ENCRYPTED: holds the type order, pads, patches lengths, finishes the checksum
 * (RFC 7401 s5.1, s5.2.1). Errors are sticky: check hip_build_finish() once. Encoders of parameters (hip/param_*.h)
 * and of what authenticates (hip/auth.h) write through it.
 */
#pragma once

#include "common/base/addr.h"
#include "common/base/cursor.h"
#include "hip/hit.h"
#include "hip/pkt.h"
#include "hip/proto.h"

struct hip_build {
    struct wcur w;
    uint16_t last; /* type of the last parameter */
    size_t open;   /* offset of the open TLV; 0 with is_open false */
    bool is_open;
    bool inner; /* bare TLVs: no header */
    err failed; /* first error */
};

/* Header is written with checksum and length zero. cap: HIP_PACKET_MAX is enough. */
void hip_build_init(struct hip_build *b, void *buf, size_t cap, enum hip_pkt_type type,
                    const struct hit *sender, const struct hit *receiver, uint16_t controls);
/* Bare TLVs, to go into ENCRYPTED. */
void hip_build_inner(struct hip_build *b, void *buf, size_t cap);
/* Go on behind the parameters of a finished packet (a precomputed R1; an I1 that gets FROM): copies it into buf. */
void hip_build_resume(struct hip_build *b, void *buf, size_t cap, const struct hip_pkt *packet);

/* A parameter piece by piece: the cursor is for its contents, valid until hip_build_close(). A type below the last one is ERR_STATE. */
struct wcur *hip_build_open(struct hip_build *b, uint16_t type);
void hip_build_close(struct hip_build *b);
/* A parameter whose contents are at hand. */
void hip_build_param(struct hip_build *b, uint16_t type, struct span contents);
/* Whole TLVs in type order, padded (struct hip_contents.inner). ERR_MALFORMED when they are not. */
void hip_build_tlvs(struct hip_build *b, struct span tlvs);

static inline size_t hip_build_len(const struct hip_build *b)
{
    return wcur_len(&b->w);
}

/* Sets Header Length, and the checksum for these addresses; NULL or a port set: checksum zero (UDP). out borrows buf. */
MUST_USE err hip_build_finish(struct hip_build *b, const struct addr *src, const struct addr *dst,
                              struct span *out);
/* Of hip_build_inner(). */
MUST_USE err hip_build_inner_finish(struct hip_build *b, struct span *out);

/* A parameter into a finished packet of *n octets, at its place in type order (behind those of its own type); Header Length follows, the
 * checksum is the caller's. What stands behind the signatures may be put there by anybody (RFC 7401 s5.2). ERR_SPACE: longer than
 * cap or a HIP packet can be; ERR_MALFORMED: no TLVs. */
MUST_USE err hip_packet_insert(uint8_t *packet, size_t *n, size_t cap, uint16_t type, struct span contents);
/* Fields of a finished packet in place (R1 from the pool, retransmission over another path). */
void hip_set_receiver(uint8_t *packet, const struct hit *receiver);
void hip_set_checksum(uint8_t *packet, size_t len, const struct addr *src, const struct addr *dst);
