/* SPDX-License-Identifier: Apache-2.0
 *
 * One pass over a HIP packet: header, order, padding, lengths, counts, criticality (RFC 7401 s5.1, s5.2), by the lists of hip/proto.h.
 * The view borrows from the octets and owns nothing. Contents of parameters are decoded by hip/param_*.h.
 */
#pragma once

#include "common/base/addr.h"
#include "hip/drop.h"
#include "hip/hit.h"
#include "hip/proto.h"

struct hip_par {
    uint16_t type;
    uint16_t off;  /* of its type field, from the first octet of what was parsed */
    struct span v; /* contents without padding */
};

/* Parameters in wire order. Non-critical ones that are unknown or have no place here are left out. */
struct hip_params {
    struct span raw; /* what `off` counts in */
    size_t n;
    struct hip_par par[HIP_PARAMS_MAX];
};

struct hip_pkt {
    struct span raw; /* header and parameters; octets behind them are ignored (s5.1) */
    uint8_t type;    /* enum hip_pkt_type */
    uint16_t checksum;
    uint16_t controls;
    struct hit sender, receiver;
    uint16_t bad_type; /* the parameter that a PARAM_* or UNKNOWN_CRITICAL verdict is about, else 0 */
    struct hip_params p;
};

/* HIP_TAKEN or the drop reason (enum hip_drop). Also checks that what the packet type needs is there. The checksum is
 * not looked at. On a verdict past the header (HIP_DROP_PARAM_*, HIP_DROP_UNKNOWN_CRITICAL) all fields but `p` are set. */
MUST_USE int hip_pkt_parse(struct span octets, struct hip_pkt *out);

/* Bare TLVs as they stand inside ENCRYPTED. Zero octets behind the last one are ignored. bad_type may be NULL. */
MUST_USE int hip_inner_parse(struct span octets, struct hip_params *out, uint16_t *bad_type);

/* The first parameter of a type, NULL when absent; the others of that type follow it in memory. */
const struct hip_par *hip_par_get(const struct hip_params *p, uint16_t type);
size_t hip_par_count(const struct hip_params *p, uint16_t type);
/* Contents of the first of a type; .p == NULL when absent. */
struct span hip_par_span(const struct hip_params *p, uint16_t type);
static inline bool hip_par_has(const struct hip_params *p, uint16_t type)
{
    return hip_par_get(p, type) != NULL;
}
/* The whole TLV, header and padding included, as it stands on the wire. */
struct span hip_par_tlv(const struct hip_params *p, const struct hip_par *par);

static inline const struct hip_par *hip_pkt_get(const struct hip_pkt *k, uint16_t type)
{
    return hip_par_get(&k->p, type);
}
static inline struct span hip_pkt_span(const struct hip_pkt *k, uint16_t type)
{
    return hip_par_span(&k->p, type);
}
static inline bool hip_pkt_has(const struct hip_pkt *k, uint16_t type)
{
    return hip_par_has(&k->p, type);
}

/* Internet checksum over the pseudo-header and the packet with its checksum field as zero (RFC 7401 s5.1.1).
 * packet: header and parameters. What is returned goes into the field. */
uint16_t hip_checksum(const struct addr *src, const struct addr *dst, struct span packet);
/* Right for these addresses; with a port (UDP encapsulation, RFC 9028 s5.1) the field must be zero. */
bool hip_checksum_ok(const struct hip_pkt *k, const struct addr *src, const struct addr *dst);
