/* SPDX-License-Identifier: Apache-2.0 */
#include "host/core/host.h"

#define NAMES(type, fn, ...) \
    const char *fn(type v) \
    { \
        static const char *const names[] = { __VA_ARGS__ }; \
        return (size_t)v < sizeof names / sizeof names[0] ? names[v] : "?"; \
    }

NAMES(enum host_job_type, host_job_name, "sim-identity", "sim-auth", "sim-local", "load", "save",
      "lookup-hip", "lookup-addr")
NAMES(enum host_event, host_event_name, "sim", "store", "connect", "binding", "bound", "refused",
      "registered", "lost", "move", "peer", "notified", "name", "alarm")
NAMES(enum host_sim_state, host_sim_state_name, "none", "reading", "ready", "locked", "unusable", "damaged")
NAMES(enum host_seal_level, host_seal_level_name, "none", "sim-key", "sim-gate")
NAMES(enum host_bind_state, host_bind_state_name, "none", "running", "pending", "bound", "lost")
NAMES(enum host_fa_state, host_fa_state_name, "idle", "lookup", "connecting", "binding", "registered",
      "back-off")
NAMES(enum host_path_kind, host_path_kind_name, "none", "raw", "udp", "checking", "direct", "relayed",
      "failed")
NAMES(enum host_peer_state, host_peer_state_name, "known", "lookup", "connecting", "up", "failed")
