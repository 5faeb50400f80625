/* SPDX-License-Identifier: Apache-2.0
 *
 * CLOSE and CLOSE_ACK (RFC 7401 s5.3.7, s5.3.8, s6.14, s6.15).
 */
#pragma once

#include "hip/core.h"

/* SAs down, CLOSE sent, CLOSING. From R2-SENT and ESTABLISHED only. */
void hip_close_begin(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out);
/* RETRY in CLOSING. */
void hip_close_retry(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out);
