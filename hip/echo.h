/* SPDX-License-Identifier: Apache-2.0
 *
 * What middleboxes want to see again (RFC 7401 s5.2.21, s5.2.23): each ECHO_REQUEST_UNSIGNED in a packet comes back as an ECHO_RESPONSE_UNSIGNED in the
 * packet that answers it: I1 in R1, I2 in R2, UPDATE in the one that acknowledges it, CLOSE in CLOSE_ACK (R1 in I2: hip/initiator). They stand behind
 * the signatures, so a finished packet, R1 from the pool and a repeated R2 as well, can get them; they are not kept with it.
 */
#pragma once

#include "hip/param_echo.h"
#include "hip/stored.h"

#define HIP_ECHO_KEPT 512 /* octets for one answer; what is more is not answered */

/* Requests of this packet, until its answer leaves; what was kept is given back. p NULL, or no memory: nothing. */
void hip_echo_keep(struct hip_stored *s, const struct hip_params *p);
/* The responses into a finished packet in a buffer of HIP_PACKET_MAX octets, as far as they fit. */
struct span hip_echo_append(uint8_t *buf, struct span packet, const struct hip_stored *s);
/* The same at once. */
struct span hip_echo_answer(uint8_t *buf, struct span packet, const struct hip_params *p);
