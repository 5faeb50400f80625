/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/core.h"

bool hip_path_eq(const struct hip_path *a, const struct hip_path *b)
{
    return addr_eq(&a->local, &b->local) && addr_eq(&a->peer, &b->peer) && addr_eq(&a->to, &b->to);
}

err hip_update_on(struct hip_engine *e, struct hip_ref ref, const struct hip_path *path,
                  const struct hip_contents *c, uint64_t now, struct hip_actions *out)
{
    return ERR_UNSUPPORTED;
}
