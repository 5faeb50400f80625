/* SPDX-License-Identifier: Apache-2.0
 *
 * What hipakad says on its control socket.
 */
#pragma once

#include <jansson.h>

#include "as/radiusd.h"

/* Answer to {"cmd":"status"}: a new object. */
json_t *as_status(const struct as_conf *conf, const struct radiusd *r, size_t jobs, uint64_t uptime_us);
