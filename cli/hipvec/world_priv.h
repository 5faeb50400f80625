/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the parts of a world.
 */
#pragma once

#include "cli/hipvec/world.h"

/* Of p's association with peer; *v zero: there is none. A CLOSED one as well, which for its owner is gone; a newer one goes before it. */
enum hip_state world_state_of(const struct party *p, const struct party *peer, struct hip_assoc_view *v);
void world_note_states(const struct world *w, struct outcome *o);
/* One packet to its receiver: its drop reason; what it causes stands in w->out. *on: where ESP goes that is relayed; else its family is ADDR_NONE. */
int world_take_in(struct world *w, enum who to, const struct hip_path *path, bool esp, struct span octets,
                  struct hip_path *on);
/* One action of who's engine, carried out by its owner. */
void world_act(struct world *w, enum who who, const struct hip_action *v);
/* w->inject, now. */
void world_inject(struct world *w);
