/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine's events as log lines. A subscriber appears as a keyed hash, unless the configuration wants ids in clear.
 */
#pragma once

#include "common/base/log.h"
#include "fa/core/fa.h"

struct event_log {
    const struct log *log;
    uint8_t key[16];
    bool clear;
};

void event_write(const struct event_log *l, const struct fa_event *e);
void event_registration(const struct event_log *l, bool up, const struct fa_registration *r);
