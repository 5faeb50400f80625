/* SPDX-License-Identifier: Apache-2.0
 *
 * The process's log: logfmt lines on stderr, `ts=2026-01-02T03:04:05.678Z level=info cat=hip msg="..."`. Under journald
 * (JOURNAL_STREAM is set) the time is left out and the line begins with <priority>.
 * A line is one write(2); stderr that is full or gone loses lines, it never blocks the loop for ever.
 */
#pragma once

#include "common/base/log.h"

/* Valid as long as the process. */
struct log rt_logsink(enum log_level max);
