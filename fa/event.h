/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine's events as log lines, and those that somebody may want to act on as JSON for a program of the operator's (common/rt/notify.h). In the log a
 * subscriber appears as a keyed hash, unless the configuration wants ids in clear; the program gets the id.
 */
#pragma once

#include "common/base/log.h"
#include "common/rt/notify.h"
#include "fa/core/fa.h"

struct event_log {
    const struct log *log;
    uint8_t key[16];
    bool clear;
    struct rt_notify *hook; /* NULL: none */
};

void event_write(const struct event_log *l, const struct fa_event *e);
void event_registration(const struct event_log *l, bool up, const struct fa_registration *r);
