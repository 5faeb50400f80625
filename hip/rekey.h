/* SPDX-License-Identifier: Apache-2.0
 *
 * ESP rekey (RFC 7402 s6.8-6.10): UPDATE(ESP_INFO, SEQ, [DIFFIE_HELLMAN]) -> UPDATE(ESP_INFO, SEQ, ACK, [DIFFIE_HELLMAN]) -> UPDATE(ACK),
 * begun by either side or by both at once. Each side sends one half: an ESP_INFO with its new SPI and a KEYMAT index, and a new public value
 * of the same group or none. With both halves at hand the keys are drawn and the new inbound SA is up (SA_UP, out_ready false);
 * with our half acknowledged, or traffic on that SA, the outbound one is too (SA_UP). The owner keeps the old inbound SA until the new one
 * carries data.
 *
 * No new value: the rest of KEYMAT, from the greater of both indexes. One or two: a new KEYMAT, index 0, in which the half that is not
 * new is the one before it (s6.10 step 1). When KEYMAT is used up there is no other way (s5.1.1): who begins, and who answers a request for
 * more than there is, brings a new value.
 *
 * One SA pair for an association: ESP_INFO that asks for a second one (OLD SPI 0) is refused; one that takes the only one away (NEW SPI 0)
 * leaves the peer without locators.
 */
#pragma once

#include "hip/core.h"
#include "hip/param_esp.h"

enum hip_esp_info_kind { HIP_ESP_GRATUITOUS, HIP_ESP_REKEY, HIP_ESP_DEPRECATED, HIP_ESP_BAD };

/* What an ESP_INFO asks for (RFC 8046 s5.3). SPIs just replaced, or about to come, count as existing: a move and a rekey may cross. */
enum hip_esp_info_kind hip_rekey_kind(const struct hip_assoc *a, const struct hip_esp_info *i);
/* The peer's half, taken apart, and what answering and finishing it needs: made before anything changes. */
struct hip_rekey_half {
    enum hip_esp_info_kind kind;
    struct hip_esp_info esp;
    struct hip_stored peer_dh; /* p NULL: it brought none */
    struct dh_key *own;        /* the new value that our answer brings; NULL: none */
    struct hip_keymat *keymat; /* NULL: the present one goes on */
};
/* May this one be used? HIP_TAKEN or a drop reason; changes nothing. hip_rekey_half_done() in any case. */
MUST_USE int hip_rekey_check(const struct hip_rx *rx, const struct hip_esp_info *i,
                             struct hip_rekey_half *out);
void hip_rekey_half_done(struct hip_rekey_half *h);
/* The peer's half, checked: answered with ours, unless that is out already; *h is emptied. HIP_TAKEN or a drop reason. */
MUST_USE int hip_rekey_take(struct hip_rx *rx, struct hip_rekey_half *h);
/* Our half was acknowledged. */
void hip_rekey_acked(struct hip_rx *rx);
