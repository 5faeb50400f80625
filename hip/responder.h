/* SPDX-License-Identifier: Apache-2.0
 *
 * The Responder (RFC 7401 s6.7, s6.9): I1 -> R1 from the pool, no state; I2 -> verified into locals, an embryo, the owner
 * is asked; the owner's answer -> R2.
 */
#pragma once

#include "hip/core.h"

/* hip_answer() for an embryo. */
MUST_USE err hip_responder_answer(struct hip_engine *e, struct hip_assoc *a, const struct hip_answer *w,
                                  uint64_t now, struct hip_actions *out);
/* A sign of life in R2-SENT, or its EC timeout: ESTABLISHED. Nothing in any other state. */
void hip_responder_alive(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out);
