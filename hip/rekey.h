/* SPDX-License-Identifier: Apache-2.0
 *
 * ESP rekey without a new Diffie-Hellman (RFC 7402 s6.8-6.10): UPDATE(ESP_INFO, SEQ) -> UPDATE(ESP_INFO, SEQ, ACK) -> UPDATE(ACK), begun by either
 * side or by both at once. Each side sends one half, an ESP_INFO with its new SPI and a KEYMAT index; the greater index counts. With both halves at
 * hand the keys are drawn and the new inbound SA is up (SA_UP, out_ready false); with our half acknowledged as well the outbound one
 * is (SA_UP). The owner keeps the old inbound SA until the new one carries data.
 *
 * One SA pair for an association: ESP_INFO that asks for a second one (OLD SPI 0) is refused; one that takes the only one away (NEW SPI 0)
 * leaves the peer without locators. A request with DIFFIE_HELLMAN is refused with NOTIFY NO_DH_PROPOSAL_CHOSEN.
 */
#pragma once

#include "hip/core.h"
#include "hip/param_esp.h"

enum hip_esp_info_kind { HIP_ESP_GRATUITOUS, HIP_ESP_REKEY, HIP_ESP_DEPRECATED, HIP_ESP_BAD };

/* What an ESP_INFO asks for (RFC 8046 s5.3). SPIs just replaced, or about to come, count as existing: a move and a rekey may cross. */
enum hip_esp_info_kind hip_rekey_kind(const struct hip_assoc *a, const struct hip_esp_info *i);
/* May this one be used? HIP_TAKEN or a drop reason; changes nothing. */
MUST_USE int hip_rekey_check(const struct hip_rx *rx, const struct hip_esp_info *i);
/* The peer's half, checked: answered with ours, unless that is out already. HIP_TAKEN or a drop reason. */
MUST_USE int hip_rekey_take(struct hip_rx *rx, const struct hip_esp_info *i);
/* Our half was acknowledged. */
void hip_rekey_acked(struct hip_rx *rx);
