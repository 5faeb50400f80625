/* SPDX-License-Identifier: Apache-2.0
 *
 * NOTIFYs about packets that were dropped (RFC 7401 s5.2.19, RFC 7402 s5.1.3): which drop reason has which message type, and who may hear of it:
 *
 *   an Initiator whose solution was right; the peer of an association, where it is known to be; a Responder whose R1 was rightly signed.
 *
 * Nobody else: I1, and whatever has neither an association nor a solution, is dropped without a word (s5.2.19 SHOULD NOT). A NOTIFY is never
 * answered, never longer than what it is about, and rate-limited (a peer: hip_told_rate; all Initiators together: twenty a second). Nothing
 * changes by sending or receiving one. hip_config.tell switches it on.
 */
#pragma once

#include "hip/core.h"

void hip_complain_init(struct hip_engine *e);
/* Of a packet that hip_input() drops. */
void hip_complain(struct hip_rx *rx, int drop);
/* Of a group that is not ours: in I2 one that our R1 did not have, of those that we know (INVALID_DH_CHOSEN); in a signed R1 any
 * (NO_DH_PROPOSAL_CHOSEN). A value that is none of its group gets no word. */
void hip_complain_group(struct hip_rx *rx);
/* The I2 is here again and our owner has not answered yet: it need not be sent again so soon (I2_ACKNOWLEDGEMENT). */
void hip_complain_not(struct hip_rx *rx, struct hip_assoc *embryo);
