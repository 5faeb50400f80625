/* SPDX-License-Identifier: Apache-2.0
 * Rendezvous server (RFC 8004 s4.3): an I1 for a HIT registered for RENDEZVOUS goes on to where its host is. */
#include "fa/core/core.h"
#include "hip/drop.h"
#include "hip/reg.h"

int fa_rendezvous(struct fa *f, const struct hit *to, const struct hip_path *path, struct span octets)
{
    struct fa_guest *g = htab_get(f->by_hit, to);
    if (!g || g->expires_us <= f->now || !hip_reg_has(g->type, g->n_type, FA_REG_RENDEZVOUS))
        return HIP_DROP_NOT_REGISTERED;
    int drop = hip_relay_i1(f->hip, g->ref, path, octets, f->now, fa_hip_out(f));
    if (drop != HIP_TAKEN)
        return drop;
    g->relayed++;
    f->st.relayed++;
    fa_emit_event(f, FA_EVENT_RELAYED, to, NULL, g->bound ? g->name : NULL, 0, NULL);
    return HIP_TAKEN;
}
