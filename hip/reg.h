/* SPDX-License-Identifier: Apache-2.0
 *
 * REG_INFO, REG_REQUEST, REG_RESPONSE and REG_FAILED (RFC 8003), REG_FROM, RELAYED_ADDRESS and PEER_PERMISSION (RFC 9028) between
 * packets and struct hip_contents. The codecs and the lifetime coding are hip/param_reg.h and hip/param_nat.h.
 */
#pragma once

#include "hip/engine.h"
#include "hip/pkt.h"

/* RFC 8003 s5: both ends take lifetimes down to 10 s and, if they can, up to 120 s and more. */
#define HIP_REG_LIFE_10S  91  /* 10.4 s: the first coding not below 10 s */
#define HIP_REG_LIFE_120S 120 /* 128 s */

/* What a registrar grants (s4.3): the request inside [min, max]; 0 (cancel) stays 0. */
uint8_t hip_reg_grant(uint8_t wanted, uint8_t min, uint8_t max);
/* The lifetime in whole seconds, rounded down: below coding 64 that is 0 although nothing is cancelled. */
uint32_t hip_reg_seconds(uint8_t lifetime);
/* True when `type` stands in the list. */
bool hip_reg_has(const uint8_t *types, uint8_t n, uint8_t type);

/* True when the list takes a registration of `type` away (lifetime 0, s5). */
bool hip_reg_ends(const struct hip_reg_list *l, uint8_t type);

/* Everything but `inner`. Several REG_REQUESTs or REG_RESPONSEs become one list (hip/param_reg.h). HIP_TAKEN or a drop reason. */
MUST_USE int hip_reg_read(const struct hip_params *p, struct hip_contents *out);
/* In type order, sticky errors. The first writes REG_INFO to REG_FROM; the second what the relays' parameters are and stands behind
 * ECHO_RESPONSE_SIGNED: RELAYED_ADDRESS, and in an UPDATE PEER_PERMISSION. */
void hip_reg_put(struct hip_build *b, const struct hip_contents *c);
void hip_reg_put_relay(struct hip_build *b, const struct hip_contents *c, uint8_t packet);
/* The request is for something that is asked with ECHO_REQUEST_SIGNED (RFC 9028 s4.2): data relay or candidate discovery. */
bool hip_reg_wants_echo(const struct hip_contents *c);
/* Nothing in it for an owner. */
bool hip_contents_empty(const struct hip_contents *c);
