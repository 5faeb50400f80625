/* SPDX-License-Identifier: Apache-2.0
 *
 * Rendezvous (RFC 8004): the server relays an I1 with FROM and RVS_HMAC; the client checks both before it answers the host behind
 * FROM. An Initiator takes R1 by its HITs alone (s4.3.4), so it needs nothing here. An I1 that carries FROM already is not relayed
 * again: chains of rendezvous servers are not supported.
 */
#pragma once

#include "hip/core.h"

/* Who an I1 or UPDATE is really from. */
struct hip_origin {
    bool relayed;    /* by a rendezvous server or control relay of ours */
    bool by_rvs;     /* FROM was there */
    struct addr ip;  /* FROM, RELAY_FROM, or the packet's source */
    struct addr rvs; /* the server's address, for VIA_RVS */
};

/* Client side: FROM needs a right RVS_HMAC of a server that hip_rvs_trust() named. HIP_TAKEN or a drop reason. */
MUST_USE int hip_rvs_origin(const struct hip_rx *rx, struct hip_origin *out);
bool hip_rvs_trusted(const struct hip_engine *e, const struct hip_assoc *a);
/* The association ends: it is trusted no more. */
void hip_rvs_forget(struct hip_engine *e, const struct hip_assoc *a);
