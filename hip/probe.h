/* SPDX-License-Identifier: Apache-2.0
 *
 * hip_probe(): UPDATE with ECHO_REQUEST_SIGNED on the path that ESP takes, once and not sent again; what it says is whether it came
 * back, and when. Its Update ID is the association's next; it stands in no list of UPDATEs that must be acknowledged.
 */
#pragma once

#include "hip/core.h"

/* An UPDATE acknowledged these: was a probe among them, with its echo? */
bool hip_probe_acked(struct hip_rx *rx, const struct hip_acks *acks, struct span echo);
void hip_probe_timeout(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out);
