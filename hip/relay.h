/* SPDX-License-Identifier: Apache-2.0
 *
 * Control relay (RFC 9028 s4.5, s4.12.2). Server: a packet for a client goes on with RELAY_FROM and RELAY_HMAC, a client's packet where its
 * RELAY_TO says; what stands behind the signatures is all that changes. Client: packets with RELAY_FROM count as coming from
 * the address in it, once RELAY_HMAC was right.
 */
#pragma once

#include "hip/core.h"

/* Client, at the engine's door: RELAY_HMAC and RVS_HMAC under the keys of our control relays. When a relay passed the packet on,
 * *path is rx->path with `to` set. HIP_TAKEN or a drop reason. */
MUST_USE int hip_relay_origin(struct hip_rx *rx, struct hip_path *path);
/* The association ends: it is trusted no more. */
void hip_relay_forget(struct hip_engine *e, const struct hip_assoc *a);
bool hip_relay_trusted(const struct hip_engine *e, const struct hip_assoc *a);
