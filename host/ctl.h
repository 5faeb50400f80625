/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands of the control socket: status, peers, resolve {"name":...}, move {"interface":...}, events {"count":...}, retry; ping and explain: host/ctl_ping.h; sim and
 * pin: host/ctl_sim.h.
 */
#pragma once

#include "common/rt/ctl.h"
#include "host/stub.h"

struct host_ctl;
/* The socket is open afterwards. ERR_EXISTS: another daemon has it. */
/* stub, readers: NULL when there is none. */
MUST_USE err host_ctl_open(struct rt_loop *l, const struct env *env, struct host_worker *w,
                           const struct host_stub *stub, struct usim_pcsc *readers, const char *path,
                           struct host_ctl **out);
void host_ctl_close(struct host_ctl *c); /* NULL is fine */
/* The answer to a look-up or a probe that a command asked for. */
void host_ctl_resolved(void *ctx, const struct host_action *a);
