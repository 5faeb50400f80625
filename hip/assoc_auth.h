/* SPDX-License-Identifier: Apache-2.0
 *
 * A packet under the keys of an association (RFC 7401 s6.4): what R2, UPDATE and CLOSE share.
 */
#pragma once

#include "hip/core.h"

/* ENCRYPTED and REG_* of a packet under the association's keys. plain: HIP_PACKET_MAX octets, the caller wipes them; contents borrow
 * from it. HIP_TAKEN or a drop reason. */
MUST_USE int hip_contents_open(const struct hip_rx *rx, uint8_t *plain, struct hip_contents *out);
/* HIP_MAC, then HIP_SIGNATURE, of an established association's packet. */
MUST_USE int hip_auth_check(struct hip_rx *rx);
/* HIP_MAC and HIP_SIGNATURE at the end of a packet of ours. */
void hip_auth_add(struct hip_build *b, const struct hip_assoc *a);
