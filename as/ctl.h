/* SPDX-License-Identifier: Apache-2.0
 *
 * What hipakad says on its control socket.
 */
#pragma once

#include <jansson.h>

#include "as/aucsock_io.h"
#include "as/radiusd.h"
#include "as/source.h"

/* Answer to {"cmd":"status"}: a new object. */
json_t *as_status(const struct as_conf *conf, const struct radiusd *r, const struct source *s,
                  struct aucsock_io *const *aucs, uint64_t uptime_us);
