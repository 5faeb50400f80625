/* SPDX-License-Identifier: Apache-2.0
 *
 * NOTIFY (RFC 7401 s5.3.6, s6.13): informational; it changes no state. Nothing in it is fresh, so an owner that acts on one acts on a hint.
 */
#pragma once

#include "hip/core.h"

#define HIP_NOTIFY_DATA_MAX 256

/* Octets of such a one with so much data. */
size_t hip_notify_len(const struct hip_identity *id, size_t data_n);
/* Signed NOTIFY of this identity to somebody with whom there is no association. */
MUST_USE err hip_notify_to(struct hip_engine *e, const struct hip_identity *id, const struct hit *peer,
                           const struct hip_path *path, uint16_t code, struct span data,
                           struct hip_actions *out);
/* What is wrong with this packet of an association's peer, whose MAC or signature was verified: back the way it came, a few a second at most (RFC 7401
 * s5.2.19: rate-limited). */
void hip_notify_tell(const struct hip_rx *rx, uint16_t code, struct span data);
/* Signed NOTIFY to the association's peer. */
MUST_USE err hip_notify_send(struct hip_engine *e, const struct hip_assoc *a, uint16_t code, struct span data,
                             struct hip_actions *out);
