/* SPDX-License-Identifier: Apache-2.0
 *
 * Mobility (RFC 8046). We move: hip_move() sends LOCATOR_SET and ESP_INFO with OLD SPI = NEW SPI, outbound ESP takes the new path at
 * once. The peer moves: its new preferred locator is UNVERIFIED until an ECHO_REQUEST_SIGNED sent there comes back (s5.4); only then do
 * ESP and control packets go there (SA_PATH, MOVED). No data is ever sent to an UNVERIFIED locator, so that no
 * credit (CBA, s5.6) is kept; the old path stays in use meanwhile even when its locator has become DEPRECATED. Only the preferred
 * locator is verified; others wait UNVERIFIED until a later LOCATOR_SET prefers them.
 */
#pragma once

#include "hip/core.h"
#include "hip/param_esp.h"
#include "hip/param_loc.h"

/* The address of the base exchange is ACTIVE and unbounded (s5.1). */
void hip_mobility_begin(struct hip_assoc *a);
/* May this LOCATOR_SET with this ESP_INFO be used? HIP_TAKEN or a drop reason; changes nothing. */
MUST_USE int hip_mobility_check(const struct hip_assoc *a, const struct hip_locator_set *set,
                                const struct hip_esp_info *esp);
/* Takes it, from the UPDATE with this id; starts a check when the preferred locator needs one (that UPDATE acknowledges). */
void hip_mobility_take(struct hip_rx *rx, const struct hip_locator_set *set, uint32_t id);
/* The UPDATE that carried a check was acknowledged. False: without the right echo. */
bool hip_mobility_echo_ok(const struct hip_assoc *a, uint32_t id, struct span echo);
void hip_mobility_verified(struct hip_rx *rx, uint32_t id, const struct hip_path *checked);
/* No answer from there: it stays UNVERIFIED. */
void hip_mobility_failed(struct hip_assoc *a, uint32_t id);
/* A new UPDATE came: when it is from an UNVERIFIED locator whose check had failed, and we have no ACTIVE one, it is checked again. */
void hip_mobility_heard(struct hip_rx *rx);
/* LOCATOR: lifetimes that ended. */
void hip_mobility_expire(struct hip_engine *e, struct hip_assoc *a, uint64_t now);
