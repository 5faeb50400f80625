/* SPDX-License-Identifier: Apache-2.0
 *
 * What a peer signs that breaks a rule: a packet as it was sent, with parameters set, added or cut out, and its MAC and signature made
 * anew with the sender's own keys. Nothing but the rule itself is then a reason to drop it.
 */
#pragma once

#include "hip/core.h"
#include "tests/sim/sim.h"

enum sim_how {
    SIM_SET, /* in the place of the one of this type; where there is none, added */
    SIM_ADD, /* beside those of this type */
    SIM_CUT,
};

struct sim_edit {
    enum sim_how how;
    uint16_t type;
    struct span v; /* contents */
};

/* In place; a: the sender's association, whose keys make HIP_MAC and HIP_MAC_2 (NULL for R1, NOTIFY). p holds HIP_PACKET_MAX. The checksum is
 * the caller's. */
void sim_forge(const struct sim_host *by, const struct hip_assoc *a, const struct sim_edit *e, size_t n,
               uint8_t *p, size_t *len);
/* This packet of by's, forged, into the hands of `to`; the verdict. */
int sim_inject_forged(struct sim *s, struct sim_host *by, const struct hip_assoc *a, struct sim_host *to,
                      const struct sim_packet *was, const struct sim_edit *e, size_t n);
/* The association of h with the peer, whatever its state; NULL: none. */
struct hip_assoc *sim_inside(const struct sim_host *h, const struct sim_host *peer);
enum hip_state sim_state(const struct sim_host *h, const struct sim_host *peer);
