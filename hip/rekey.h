/* SPDX-License-Identifier: Apache-2.0
 *
 * The peer's side of an ESP rekey (RFC 7402 s6.8-6.10), without a new Diffie-Hellman: UPDATE(ESP_INFO, SEQ) -> UPDATE(ESP_INFO, SEQ, ACK) ->
 * UPDATE(ACK). Keys come from the rest of KEYMAT; they come into force, as a new SA_UP, with the ACK. We do not ask for a rekey ourselves,
 * and a request with DIFFIE_HELLMAN is refused with NOTIFY NO_DH_PROPOSAL_CHOSEN.
 */
#pragma once

#include "hip/core.h"
#include "hip/param_esp.h"

enum hip_esp_info_kind { HIP_ESP_GRATUITOUS, HIP_ESP_REKEY, HIP_ESP_BAD };

/* What an ESP_INFO asks for (RFC 8046 s5.3). */
enum hip_esp_info_kind hip_rekey_kind(const struct hip_assoc *a, const struct hip_esp_info *i);
/* Answers a rekey request. HIP_TAKEN or a drop reason (nothing changed). */
MUST_USE int hip_rekey_answer(struct hip_rx *rx, const struct hip_esp_info *i);
/* Our answer was acknowledged. */
void hip_rekey_finish(struct hip_rx *rx);
