/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/event.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/htab.h"
#include "common/rt/loop.h"

#define FIELD_MAX 320

static enum log_level level_of(enum fa_event_type t)
{
    switch (t) {
    case FA_EVENT_ALARM:
    case FA_EVENT_TAKEOVER:
        return LOG_LV_WARN;
    case FA_EVENT_REFUSED:
    case FA_EVENT_BOUND:
    case FA_EVENT_PENDING:
    case FA_EVENT_UNBOUND:
    case FA_EVENT_MOVED:
        return LOG_LV_NOTICE;
    case FA_EVENT_RELAYED:
        return LOG_LV_DEBUG;
    default:
        return LOG_LV_INFO;
    }
}

static const char *subscriber_text(const struct event_log *l, const char *id, char out[FIELD_MAX])
{
    if (!id[0])
        out[0] = 0;
    else if (l->clear)
        snprintf(out, FIELD_MAX, " subscriber=%s", id);
    else
        snprintf(out, FIELD_MAX, " subscriber=#%016" PRIx64, siphash24(l->key, span_str(id)));
    return out;
}

/* What somebody may want to act on. */
static const char *told_as(enum fa_event_type t)
{
    switch (t) {
    case FA_EVENT_BOUND:
        return "bound";
    case FA_EVENT_UNBOUND:
        return "unbound";
    case FA_EVENT_TAKEOVER:
        return "takeover";
    case FA_EVENT_MOVED:
        return "moved";
    case FA_EVENT_ALARM:
        return "alarm";
    default:
        return NULL;
    }
}

static void tell(const struct event_log *l, const struct fa_event *e, const char *hit)
{
    const char *as = l->hook ? told_as(e->type) : NULL;
    json_t *o =
        as ? json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "event", as, "subscriber", e->subscriber, "name",
                       e->name, "hit", hit, "detail", e->detail, "at", (json_int_t)rt_wall_s())
           : NULL;
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL; /* NULL also for what is not UTF-8 */
    if (text)
        rt_notify_send(l->hook, span_str(text));
    free(text);
    json_decref(o);
}

void event_write(const struct event_log *l, const struct fa_event *e)
{
    char hit[HIT_TEXT_MAX] = "", who[FIELD_MAX], name[FIELD_MAX] = "", number[32] = "";
    if (!hit_is_null(&e->peer))
        hit_format(&e->peer, hit);
    tell(l, e, hit);
    if (e->name[0])
        snprintf(name, sizeof name, " name=%s", e->name);
    if (e->number)
        snprintf(number, sizeof number, " number=%" PRIu32, e->number);
    log_at(l->log, level_of(e->type), "fa", "%s%s%s%s%s%s%s%s", fa_event_name(e->type),
           hit[0] ? " peer=" : "", hit, subscriber_text(l, e->subscriber, who), name, number,
           e->detail[0] ? ": " : "", e->detail);
}

void event_registration(const struct event_log *l, bool up, const struct fa_registration *r)
{
    char hit[HIT_TEXT_MAX], where[ADDR_TEXT_MAX];
    log_at(l->log, LOG_LV_INFO, "fa", "%s peer=%s at=%s%s%s lifetime_s=%" PRIu32,
           up ? "registered" : "registration ended", hit_format(&r->hit, hit),
           addr_format(&r->path.peer, where), r->name[0] ? " name=" : "", r->name, up ? r->lifetime_s : 0);
}
