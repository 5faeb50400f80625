/* SPDX-License-Identifier: Apache-2.0
 *
 * State x packet -> handler, every cell (RFC 7401 s4.4.3, sheet C of its requirements). UNASSOCIATED is also "no association with this pair".
 */
#pragma once

#include "hip/core.h"

/* The handler for the packet in rx and the state of rx->a; never NULL. */
hip_handler *hip_fsm_handler(const struct hip_rx *rx);

/* initiator_r1.c, initiator_r2.c */
hip_handler hip_r1_first; /* I1-SENT */
hip_handler hip_r1_again; /* I2-SENT: only a newer generation restarts */
hip_handler hip_r2_receive;
/* responder.c */
hip_handler hip_i1_answer;   /* R1, no state */
hip_handler hip_i1_crossing; /* I1-SENT: the greater HIT answers */
hip_handler hip_i2_receive;
hip_handler hip_i2_established; /* the same, but for a late crossing one */
hip_handler hip_i2_crossing;    /* I2-SENT: the lesser HIT goes on as Initiator */
/* update_in.c, notify.c, close.c */
hip_handler hip_update_receive;
hip_handler hip_notify_receive;
hip_handler hip_close_receive;
hip_handler hip_close_ack_receive;
hip_handler hip_close_former; /* I1-SENT: either of them, where there was a CLOSED association before */
