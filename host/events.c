/* SPDX-License-Identifier: Apache-2.0 */
#include "host/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHAT_MAX (HOST_TEXT_MAX + 16)

struct host_events {
    size_t next, n;
    struct {
        uint64_t at_s;
        bool alarm;
        struct hit hit;
        char what[WHAT_MAX];
    } v[HOST_EVENTS_MAX];
};

struct host_events *host_events_new(void)
{
    return calloc(1, sizeof(struct host_events));
}

void host_events_free(struct host_events *e)
{
    free(e);
}

/* Texts have in them what others say: names, reasons. */
static void printable(char *text)
{
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7E)
            *p = '?';
}

void host_events_add(struct host_events *e, const struct host_action *a, uint64_t at_s)
{
    if (a->event.level > LOG_LV_INFO)
        return;
    e->v[e->next].at_s = at_s;
    e->v[e->next].alarm = a->event.what == HOST_EV_ALARM;
    e->v[e->next].hit = a->peer;
    (void)snprintf(e->v[e->next].what, WHAT_MAX, "%s: %s", host_event_name(a->event.what), a->event.text);
    printable(e->v[e->next].what);
    e->next = (e->next + 1) % HOST_EVENTS_MAX;
    e->n += e->n < HOST_EVENTS_MAX;
}

json_t *host_events_json(const struct host_events *e, size_t count)
{
    json_t *rows = json_array();
    char hit[HIT_TEXT_MAX];

    for (size_t i = 0; i < e->n && i < count; i++) {
        size_t at = (e->next + HOST_EVENTS_MAX - 1 - i) % HOST_EVENTS_MAX;
        (void)json_array_append_new(
            rows, json_pack("{s:I, s:b, s:s, s:s?}", "at", (json_int_t)e->v[at].at_s, "alarm", e->v[at].alarm,
                            "what", e->v[at].what, "hit",
                            hit_is_null(&e->v[at].hit) ? NULL : hit_format(&e->v[at].hit, hit)));
    }
    return json_pack("{s:o}", "events", rows);
}
