/* SPDX-License-Identifier: Apache-2.0
 *
 * NAT traversal of the base exchange (RFC 9028 s4.3-4.5, s4.7): which mode R1 offers, I2 chooses and the Responder takes, the
 * pacing of connectivity checks, and the keepalives of UDP paths (s4.10). A raw exchange (IP protocol 139) has no mode.
 */
#pragma once

#include "hip/core.h"

#define HIP_PACING_DEFAULT_MS 50
#define HIP_PACING_MIN_MS     5
#define HIP_PACING_MAX_MS     60000 /* a peer that asks for more gets this */
#define HIP_KEEPALIVE_MIN_US  UINT64_C(15000000)

static inline bool hip_path_is_udp(const struct hip_path *p)
{
    return p->peer.port != 0;
}
/* Whom a packet that came over this path is really from: `to` when a relay of ours is between, else the peer. */
static inline const struct addr *hip_path_far(const struct hip_path *p)
{
    return p->to.family != ADDR_NONE ? &p->to : &p->peer;
}

/* NAT_TRAVERSAL_MODE and TRANSACTION_PACING of our R1s; nothing without nat_modes. */
void hip_nat_put_r1(struct hip_build *b, const struct hip_config *c);

struct hip_nat_choice {
    uint16_t mode;      /* 0: raw */
    bool explicit_mode; /* NAT_TRAVERSAL_MODE was there and is answered */
    uint32_t pacing_ms; /* the higher of both */
    struct addr i2_to;  /* UDP-ENCAPSULATION: I2 goes there instead (s4.7.1); ADDR_NONE: to R1's source */
};
/* Initiator: what an R1 over rx->path leads to. HIP_TAKEN or HIP_DROP_BAD_NAT_MODE, PARAM_MALFORMED. */
MUST_USE int hip_nat_choose(const struct hip_rx *rx, struct hip_nat_choice *out);
void hip_nat_put_i2(struct hip_build *b, const struct hip_assoc *a);
/* Responder: the choice in an I2, the same results. */
MUST_USE int hip_nat_check_i2(const struct hip_rx *rx, struct hip_nat_choice *out);

/* A verified NAT_KEEPALIVE came over rx->path. From elsewhere than the association's path: the peer's NAT has lost the mapping and made another
 * one. A NOTIFY is not fresh and proves nothing: an ECHO_REQUEST_SIGNED goes there (RFC 8046 s5.4), and when it is back everything does. */
void hip_nat_seen(struct hip_rx *rx);
void hip_nat_renumber(struct hip_rx *rx, const struct hip_path *to);

/* Something that keeps a NAT's mapping for this association's path went out. */
void hip_nat_sent(struct hip_engine *e, struct hip_assoc *a, uint64_t now);
/* KEEPALIVE. */
void hip_nat_keepalive(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out);
