/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/log.h"

#include <stdio.h>
#include <string.h>

static const char *const level_names[] = { "error", "warn", "notice", "info", "debug" };
#define LEVELS (sizeof level_names / sizeof level_names[0])

void log_at(const struct log *l, enum log_level lv, const char *cat, const char *fmt, ...)
{
    if (!log_wants(l, lv))
        return;
    char line[LOG_LINE_MAX];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    /* what a peer sent must not begin a line of its own or speak to the terminal */
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    l->write(l->ctx, lv, cat, line);
}

const char *log_level_name(enum log_level lv)
{
    return (unsigned)lv < LEVELS ? level_names[lv] : "unknown";
}

err log_level_parse(const char *text, enum log_level *out)
{
    for (unsigned i = 0; i < LEVELS; i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *out = (enum log_level)i;
            return ERR_OK;
        }
    }
    return ERR_NOT_FOUND;
}
