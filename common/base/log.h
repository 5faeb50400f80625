/* SPDX-License-Identifier: Apache-2.0
 *
 * Log lines as text with a level and a category ("hip", "bind", "dns" ...). The sink decides where they go. Secrets have no printer (common/crypto/secret.h);
 * identities of subscribers are logged as keyed hashes unless the configuration says otherwise.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

#include "common/base/err.h"

enum log_level { LOG_LV_ERROR, LOG_LV_WARN, LOG_LV_NOTICE, LOG_LV_INFO, LOG_LV_DEBUG };

struct log {
    void *ctx;
    void (*write)(void *ctx, enum log_level lv, const char *cat, const char *line); /* NULL: silent */
    enum log_level max;
};

#define LOG_LINE_MAX 512

/* Whether a line of this level goes anywhere: where putting it together costs something. */
static inline bool log_wants(const struct log *l, enum log_level lv)
{
    return l && l->write && lv <= l->max;
}
/* A line longer than LOG_LINE_MAX is cut. Control characters in it are replaced by '?'. */
void log_at(const struct log *l, enum log_level lv, const char *cat, const char *fmt, ...) PRINTF_LIKE(4, 5);
const char *log_level_name(enum log_level lv);
MUST_USE err log_level_parse(const char *text, enum log_level *out);
