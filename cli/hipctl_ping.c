/* SPDX-License-Identifier: Apache-2.0
 * hipctl ping, explain: of a host. */
#include <string.h>
#include <time.h>

#include "cli/hipctl.h"

#define COUNT    4
#define INTERVAL 1.0
#define WAIT     60.0

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void sleep_s(double s)
{
    struct timespec t = { .tv_sec = (time_t)s, .tv_nsec = (long)((s - (double)(time_t)s) * 1e9) };
    if (s > 0)
        (void)nanosleep(&t, NULL);
}

struct tally {
    unsigned sent, answered;
    double min, max, sum;
    bool direct;
    json_t *probes;
};

static int refused(const json_t *answer)
{
    char text[TABLE_CELL_MAX];
    (void)fprintf(stderr, "hipctl: %s\n", table_cell(json_object_get(answer, "error"), text));
    return HIPCTL_ERROR;
}

static void line(unsigned seq, const json_t *a)
{
    char to[TABLE_CELL_MAX], from[TABLE_CELL_MAX], path[TABLE_CELL_MAX], text[TABLE_CELL_MAX];

    if (!json_is_true(json_object_get(a, "answered"))) {
        (void)printf("seq=%u %s\n", seq, table_cell(json_object_get(a, "result"), text));
    } else {
        const char *p = table_cell(json_object_get(a, "path"), path);
        (void)printf("seq=%u time=%.1f ms %s%s%s, from %s\n", seq,
                     json_real_value(json_object_get(a, "rtt_ms")), p,
                     strcmp(p, "relayed") == 0 ? " via " : " to ", table_cell(json_object_get(a, "to"), to),
                     table_cell(json_object_get(a, "from"), from));
    }
    (void)fflush(stdout);
}

static void count(struct tally *t, json_t *a)
{
    const char *path = json_string_value(json_object_get(a, "path"));
    double ms = json_real_value(json_object_get(a, "rtt_ms"));

    t->sent++;
    (void)json_array_append(t->probes, a);
    if (!json_is_true(json_object_get(a, "answered")))
        return;
    t->direct = path != NULL && strcmp(path, "direct") == 0;
    t->min = t->answered == 0 || ms < t->min ? ms : t->min;
    t->max = t->answered == 0 || ms > t->max ? ms : t->max;
    t->sum += ms;
    t->answered++;
}

static void summary(const struct tally *t, bool json)
{
    double avg = t->answered ? t->sum / t->answered : 0;

    if (json) {
        json_t *o = json_pack("{s:i, s:i, s:f, s:f, s:f, s:b, s:O}", "sent", (int)t->sent, "answered",
                              (int)t->answered, "min_ms", t->min, "avg_ms", avg, "max_ms", t->max, "direct",
                              t->direct, "probes", t->probes);
        (void)json_dumpf(o, stdout, JSON_INDENT(2));
        (void)putchar('\n');
        json_decref(o);
    } else {
        (void)printf("%u sent, %u answered", t->sent, t->answered);
        if (t->answered)
            (void)printf(", min/avg/max %.1f/%.1f/%.1f ms", t->min, avg, t->max);
        (void)putchar('\n');
    }
}

int hipctl_ping(const struct hipctl_cmd *cmd, const char *path, const json_t *request,
                const struct hipctl_opts *o, bool json)
{
    double every = o->interval_s > 0 ? o->interval_s : INTERVAL;
    double end = now_s() + (o->wait_s > 0 ? o->wait_s : WAIT);
    unsigned most = o->count ? o->count : o->until_direct ? UINT32_MAX : COUNT;
    struct tally t = { .probes = json_array() };
    int code = HIPCTL_OK;

    while (t.sent < most) {
        double at = now_s();
        json_t *answer = NULL;
        code = hipctl_ask(cmd, path, request, &answer);
        if (code == HIPCTL_OK && !json_is_true(json_object_get(answer, "ok")))
            code = refused(answer);
        if (code == HIPCTL_OK) {
            count(&t, answer);
            if (!json)
                line(t.sent, answer);
        }
        json_decref(answer);
        if (code != HIPCTL_OK || (o->until_direct && (t.direct || now_s() + every > end)))
            break;
        if (t.sent < most)
            sleep_s(at + every - now_s());
    }
    if (code == HIPCTL_OK) {
        summary(&t, json);
        code = t.answered && (!o->until_direct || t.direct) ? HIPCTL_OK : HIPCTL_ERROR;
    }
    json_decref(t.probes);
    return code;
}

int hipctl_explain(const struct hipctl_cmd *cmd, const char *path, const json_t *request, bool json)
{
    char text[TABLE_CELL_MAX], what[TABLE_CELL_MAX];
    json_t *answer = NULL;
    const json_t *step;
    size_t i;
    int code = hipctl_ask(cmd, path, request, &answer);
    bool reached = json_is_true(json_object_get(answer, "reachable"));

    if (code == HIPCTL_OK && !json_is_true(json_object_get(answer, "ok")))
        code = refused(answer);
    if (code == HIPCTL_OK && json) {
        (void)json_dumpf(answer, stdout, JSON_INDENT(2));
        (void)putchar('\n');
    } else if (code == HIPCTL_OK) {
        (void)printf("%s\n", table_cell(json_object_get(answer, "hit"), text));
        json_array_foreach (json_object_get(answer, "steps"), i, step)
            (void)printf("  %-4s %-18s %s\n", json_is_true(json_object_get(step, "ok")) ? "ok" : "STOP",
                         table_cell(json_object_get(step, "step"), text),
                         table_cell(json_object_get(step, "what"), what));
        if (reached)
            (void)printf("reachable\n");
        else
            (void)printf("not reachable: it stopped at %s\n",
                         table_cell(json_object_get(answer, "stopped"), text));
    }
    json_decref(answer);
    return code == HIPCTL_OK && !reached ? HIPCTL_ERROR : code;
}
