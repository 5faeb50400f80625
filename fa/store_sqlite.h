/* SPDX-License-Identifier: Apache-2.0
 *
 * Bindings, reserved names, R1 counters, booking and audit records in SQLite.
 *
 * A name is in one live row at most (unique index), and so are a name and the subscriber it is kept for. Wall-clock times in the
 * file; they are checked against lengths when they are read, so that a clock set back makes nothing last longer than it was granted.
 */
#pragma once

#include "fa/sql.h"
#include "fa/store.h"

#define STORE_HOLD_S \
    (90 * INT64_C(86400)) /* a name that became free stays its subscriber's; a revoked key is remembered */
#define STORE_ASKED_S \
    (7 * INT64_C(86400)) /* a takeover that was asked for, and what the operator said of it */

/* wall_s: seconds since 1970. ERR_* and why as in fa/sql.h. */
MUST_USE err store_sqlite_open(const char *path, uint64_t (*wall_s)(void), struct store *out,
                               char why[SQL_WHY_MAX]);
