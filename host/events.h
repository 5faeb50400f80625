/* SPDX-License-Identifier: Apache-2.0
 *
 * What happened lately, for hipctl events: the last of host/core's events, in memory only.
 */
#pragma once

#include <jansson.h>

#include "host/core/host.h"

#define HOST_EVENTS_MAX 256

struct host_events;
struct host_events *host_events_new(void); /* NULL: out of memory */
void host_events_free(struct host_events *e);
/* a is HOST_ACT_EVENT; at_s: wall clock. */
void host_events_add(struct host_events *e, const struct host_action *a, uint64_t at_s);
/* {"events": [...]}, the latest first, at most so many. */
json_t *host_events_json(const struct host_events *e, size_t count);
