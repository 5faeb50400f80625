/* SPDX-License-Identifier: Apache-2.0
 *
 * Rendezvous, relay and NAT parameters: FROM, VIA_RVS (RFC 8004 s4.2); REG_FROM, RELAY_FROM, RELAY_TO, NAT_TRAVERSAL_MODE,
 * TRANSACTION_PACING (RFC 5770 s5); RELAYED_ADDRESS, MAPPED_ADDRESS, PEER_PERMISSION, CANDIDATE_PRIORITY, NOMINATE (RFC 9028 s5).
 */
#pragma once

#include "hip/param_core.h"

#define HIP_VIA_MAX   4
#define HIP_PROTO_UDP 17 /* in transport addresses; 0: plain IP */

/* FROM: one address, IPv4 as mapped IPv6. The port of addr is not carried. */
MUST_USE err hip_get_from(struct span v, struct addr *out);
void hip_put_from(struct hip_build *b, const struct addr *a);

struct hip_via {
    size_t n;
    struct addr v[HIP_VIA_MAX];
};
MUST_USE err hip_get_via_rvs(struct span v, struct hip_via *out);
void hip_put_via_rvs(struct hip_build *b, const struct hip_via *l);

/* REG_FROM, RELAY_FROM, RELAY_TO, RELAYED_ADDRESS, MAPPED_ADDRESS. Protocol 17 UDP, 0 plain IP (port zero). */
struct hip_transport_addr {
    uint8_t protocol;
    struct addr addr;
};
MUST_USE err hip_get_transport_addr(struct span v, struct hip_transport_addr *out);
void hip_put_transport_addr(struct hip_build *b, uint16_t type, const struct hip_transport_addr *a);

/* Its contents alone, for hip_packet_insert(). */
#define HIP_TRANSPORT_ADDR_LEN 20
void hip_write_transport_addr(const struct addr *a, uint8_t out[HIP_TRANSPORT_ADDR_LEN]);
/* A transport address that something can be sent to: UDP with a port, or plain IP without; neither unspecified nor multicast. */
bool hip_transport_addr_ok(const struct hip_transport_addr *a);

enum hip_nat_mode { HIP_NAT_UDP_ENCAPSULATION = 1, HIP_NAT_ICE_STUN_UDP = 2, HIP_NAT_ICE_HIP_UDP = 3 };
MUST_USE err hip_get_nat_modes(struct span v, struct hip_ids16 *out);
void hip_put_nat_modes(struct hip_build *b, const struct hip_ids16 *l);

/* TRANSACTION_PACING (Ta, ms), CANDIDATE_PRIORITY, NOMINATE (priority): one number. */
MUST_USE err hip_get_u32(struct span v, uint32_t *out);
void hip_put_u32(struct hip_build *b, uint16_t type, uint32_t v);

struct hip_peer_permission {
    uint8_t protocol;
    struct addr relayed, peer; /* with their ports */
    uint32_t spi_out, spi_in;
};
MUST_USE err hip_get_peer_permission(struct span v, struct hip_peer_permission *out);
void hip_put_peer_permission(struct hip_build *b, const struct hip_peer_permission *p);
