/* SPDX-License-Identifier: Apache-2.0
 *
 * Control socket: ping {"name"|"hit"}: one probe; explain {"name"|"hit"}: each step towards a host. Both connect if need be and are
 * answered within 20 seconds.
 */
#pragma once

#include "common/rt/ctl.h"
#include "host/worker.h"

#define HOST_TICKET_PING (1ull << 62)

struct host_ctl_ping;
struct host_ctl_ping *host_ctl_ping_new(struct rt_loop *l, struct host_worker *w); /* NULL: out of memory */
void host_ctl_ping_free(
    struct host_ctl_ping *c); /* NULL is fine; who still waits is told that the daemon ends */
/* false: another command. */
bool host_ctl_ping_command(struct host_ctl_ping *c, struct rt_ctl_req *req, const char *cmd,
                           const json_t *args);
/* HOST_ACT_RESOLVED or HOST_ACT_PROBED; false: not ours. */
bool host_ctl_ping_told(struct host_ctl_ping *c, const struct host_action *a);
