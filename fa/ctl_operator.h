/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operator can order of hipfad by hipctl besides revoke, and look at in its store: suspend, resume, rekey, hold, subscribers, events.
 * An order is in the store when it is answered; hosts that are here hear of it at once, others at their next exchange.
 */
#pragma once

#include "common/rt/ctl.h"
#include "fa/group.h"

/* False: cmd is none of these. */
bool ctl_operator(struct group *g, struct rt_ctl_req *req, const char *cmd, const json_t *args);
/* A HIT for people; text that a host chose, made harmless; numbers. */
json_t *ctl_hit(const uint8_t b[16]);
json_t *ctl_shown(const char *text);
json_t *ctl_number(uint64_t n);
