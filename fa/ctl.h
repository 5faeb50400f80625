/* SPDX-License-Identifier: Apache-2.0
 *
 * What hipctl can ask of hipfad: status, registrations, clients of the relays, bindings, revoke NAME or HIT; fa/ctl_operator.h has the rest.
 */
#pragma once

#include "common/rt/ctl.h"
#include "fa/group.h"

struct ctl {
    struct group *group;
    const struct fa_settings *settings;
    const struct hip_hi *identity;
    const struct acct *acct; /* NULL: none */
};

/* An rt_ctl_fn; ctx is a struct ctl. */
void ctl_request(void *ctx, struct rt_ctl_req *req, const char *cmd, const json_t *args);
