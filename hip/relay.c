/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/core.h"

int hip_relay_to_client(struct hip_engine *e, struct hip_ref client, const struct hip_path *in,
                        const struct hip_path *out_path, struct span packet, uint64_t now,
                        struct hip_actions *out)
{
    return HIP_DROP_NOT_REGISTERED;
}

int hip_relay_wants(struct span packet, struct addr *to, bool *check)
{
    return HIP_DROP_PARAM_MISSING;
}

int hip_relay_from_client(struct hip_engine *e, const struct hip_path *path, struct span packet, uint64_t now,
                          struct hip_actions *out)
{
    return HIP_DROP_NOT_OUR_CLIENT;
}

err hip_relay_trust(struct hip_engine *e, struct hip_ref ref, bool on)
{
    return ERR_UNSUPPORTED;
}
