/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/core.h"

const char *hip_pair_state_name(enum hip_pair_state s)
{
    static const char *const text[] = { "waiting", "in progress", "succeeded", "failed" };
    return (size_t)s < HIP_PAIR_STATE__COUNT ? text[s] : "unknown";
}

const char *hip_checks_name(enum hip_checks c)
{
    static const char *const text[] = { "none", "running", "direct", "relayed", "failed" };
    return (size_t)c < HIP_CHECKS__COUNT ? text[c] : "unknown";
}

err hip_candidates(struct hip_engine *e, struct hip_ref ref, const struct hip_path *path,
                   const struct hip_candidate *cand, size_t n, uint64_t now, struct hip_actions *out)
{
    return ERR_UNSUPPORTED;
}

void hip_path_silent(struct hip_engine *e, struct hip_ref ref, uint64_t now, struct hip_actions *out)
{
}

bool hip_pair_next(const struct hip_engine *e, struct hip_ref ref, size_t *pos, struct hip_pair_view *out)
{
    return false;
}

err hip_probe(struct hip_engine *e, struct hip_ref ref, uint64_t now, struct hip_actions *out, uint32_t *id)
{
    return ERR_UNSUPPORTED;
}
