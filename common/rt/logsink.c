/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rt/logsink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Quotes and backslashes are escaped; other control characters were replaced by log_at(). */
static size_t quote(const char *in, char *out, size_t cap)
{
    size_t n = 0;

    for (; *in != '\0' && n + 3 < cap; in++) {
        if (*in == '"' || *in == '\\')
            out[n++] = '\\';
        out[n++] = *in;
    }
    out[n] = '\0';
    return n;
}

static void sink_write(void *ctx, enum log_level lv, const char *cat, const char *line)
{
    static const int prio[] = { 3, 4, 5, 6, 7 }; /* syslog's err, warning, notice, info, debug */
    char head[96], msg[2 * LOG_LINE_MAX + 4], all[sizeof(head) + sizeof(msg) + 64];
    int n;

    (void)quote(line, msg, sizeof(msg));
    if (ctx != NULL) {
        (void)snprintf(head, sizeof(head), "<%d>", prio[lv]);
    } else {
        struct timespec ts;
        struct tm tm;
        char when[32];
        (void)clock_gettime(CLOCK_REALTIME, &ts);
        (void)gmtime_r(&ts.tv_sec, &tm);
        (void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
        (void)snprintf(head, sizeof(head), "ts=%s.%03ldZ ", when, ts.tv_nsec / 1000000);
    }
    n = snprintf(all, sizeof(all), "%slevel=%s cat=%s msg=\"%s\"\n", head, log_level_name(lv), cat, msg);
    if (n > 0)
        (void)!write(STDERR_FILENO, all, (size_t)n);
}

struct log rt_logsink(enum log_level max)
{
    static char journald;
    return (
        struct log){ .ctx = getenv("JOURNAL_STREAM") ? &journald : NULL, .write = sink_write, .max = max };
}
