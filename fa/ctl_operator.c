/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/ctl_operator.h"

#include <stdlib.h>
#include <string.h>

#define PAGE     64
#define SHOW_MAX 10000 /* rows of one answer */

/* ---- orders ---- */

struct order {
    struct group *g;
    struct rt_ctl_req *req;
    enum store_order what;
    bool by_name, by_hit;
    char text[FA_NAME_MAX]; /* name or subscriber */
    struct hit hit;
    err err;
    size_t n, cap;
    struct hit *hits; /* of the rows concerned */
};

static struct store_pick pick_of(const struct order *o)
{
    return (struct store_pick){ .name = o->by_name ? o->text : NULL,
                                .subscriber = o->by_name || o->by_hit ? NULL : o->text,
                                .hit = o->by_hit ? o->hit.b : NULL };
}

static err note(struct order *o, const struct fa_binding *b)
{
    if (o->n == o->cap) {
        size_t cap = o->cap ? 2 * o->cap : 16;
        struct hit *more = realloc(o->hits, cap * sizeof *more);
        if (!more)
            return ERR_MEMORY;
        o->hits = more;
        o->cap = cap;
    }
    memcpy(o->hits[o->n++].b, b->hit, sizeof b->hit);
    return ERR_OK;
}

/* On the store's thread. */
static void order_run(void *arg, const struct store *s)
{
    struct order *o = arg;
    struct store_pick pick = pick_of(o);
    struct store_answer *page = calloc(1, sizeof *page);
    o->err = page ? s->ops->order(s->ctx, o->what, &pick) : ERR_MEMORY;
    for (uint64_t after = 0; o->err == ERR_OK;) {
        o->err = s->ops->picked(s->ctx, &pick, after, page);
        for (uint8_t i = 0; o->err == ERR_OK && i < page->n; i++)
            o->err = note(o, &page->v[i]);
        if (o->err != ERR_OK || !page->more)
            break;
        after = page->v[page->n - 1].id;
    }
    free(page);
}

static void order_done(void *arg, bool ran)
{
    struct order *o = arg;
    struct fa_tell x = { .what = o->what == STORE_REKEY ? FA_TELL_REKEY : FA_TELL_SUSPENDED };
    for (size_t i = 0; ran && i < o->n && (o->what == STORE_REKEY || o->what == STORE_SUSPEND); i++) {
        x.hit = o->hits[i];
        group_tell(o->g, &x);
    }
    if (ran && o->err == ERR_OK)
        rt_ctl_reply(o->req, json_pack("{s:I}", "bindings", (json_int_t)o->n));
    else if (ran && o->err == ERR_NOT_FOUND)
        rt_ctl_error(o->req, o->what >= STORE_HOLD_ALLOW ? "nobody asks for that name" : "no such binding");
    else
        rt_ctl_error(o->req, "%s", err_text(ran ? o->err : ERR_IO));
    free(o->hits);
    free(o);
}

static void order(struct group *g, struct rt_ctl_req *req, enum store_order what, const json_t *args)
{
    const char *hit = json_string_value(json_object_get(args, "hit"));
    const char *name = json_string_value(json_object_get(args, "name"));
    const char *subscriber = json_string_value(json_object_get(args, "subscriber"));
    const char *text = name ? name : subscriber;
    struct order *o = NULL;
    if (!!hit + !!name + !!subscriber != 1) {
        rt_ctl_error(req, "a name, a HIT or a subscriber is needed");
    } else if (text && (!text[0] || strlen(text) >= sizeof o->text)) {
        rt_ctl_error(req, "expected 1 to %zu characters", sizeof o->text - 1);
    } else if (!(o = calloc(1, sizeof *o))) {
        rt_ctl_error(req, "%s", err_text(ERR_MEMORY));
    } else if (hit && hit_parse(hit, &o->hit) != ERR_OK) {
        rt_ctl_error(req, "\"%.46s\" is no HIT", hit);
        free(o);
    } else {
        o->g = g;
        o->req = req;
        o->what = what;
        o->by_name = name != NULL;
        o->by_hit = hit != NULL;
        if (text)
            memcpy(o->text, text, strlen(text) + 1);
        err e = group_store(g, order_run, order_done, o);
        if (e != ERR_OK) {
            rt_ctl_error(req, "%s", err_text(e));
            free(o);
        }
    }
}

/* ---- views ---- */

struct view {
    struct rt_ctl_req *req;
    const struct view_kind *kind;
    size_t most; /* rows */
    err err;
    json_t *rows;
};

/* A listing: a page of the store's, and one of its rows as JSON. */
struct view_kind {
    const char *name;
    size_t row; /* octets of one */
    err (*page)(const struct store *s, size_t after, void *v, size_t cap, size_t *n);
    json_t *(*shown)(const void *row);
};

static void view_run(void *arg, const struct store *s)
{
    struct view *v = arg;
    char *page = calloc(PAGE, v->kind->row);
    size_t n = PAGE;
    v->err = page ? ERR_OK : ERR_MEMORY;
    for (size_t at = 0; v->err == ERR_OK && n == PAGE && at < v->most; at += n) {
        size_t want = v->most - at < PAGE ? v->most - at : PAGE;
        v->err = v->kind->page(s, at, page, want, &n);
        for (size_t i = 0; v->err == ERR_OK && i < n; i++)
            if (json_array_append_new(v->rows, v->kind->shown(page + i * v->kind->row)) != 0)
                v->err = ERR_MEMORY;
    }
    free(page);
}

static void view_done(void *arg, bool ran)
{
    struct view *v = arg;
    if (ran && v->err == ERR_OK)
        rt_ctl_reply(v->req, json_pack("{s:O}", v->kind->name, v->rows));
    else
        rt_ctl_error(v->req, "%s", err_text(ran ? v->err : ERR_IO));
    json_decref(v->rows);
    free(v);
}

static void view(struct group *g, struct rt_ctl_req *req, const struct view_kind *kind, const json_t *args)
{
    json_int_t most = json_integer_value(json_object_get(args, "count"));
    struct view *v = malloc(sizeof *v);
    err e = ERR_MEMORY;
    if (v) {
        *v = (struct view){ .req = req,
                            .kind = kind,
                            .most = most > 0 && most < SHOW_MAX ? (size_t)most : SHOW_MAX,
                            .rows = json_array() };
        e = v->rows ? group_store(g, view_run, view_done, v) : ERR_MEMORY;
    }
    if (e == ERR_OK)
        return;
    rt_ctl_error(req, "%s", err_text(e));
    if (v)
        json_decref(v->rows);
    free(v);
}

static err holds_page(const struct store *s, size_t after, void *v, size_t cap, size_t *n)
{
    return s->ops->holds(s->ctx, after, v, cap, n);
}

static json_t *hold_shown(const void *row)
{
    static const char *const says[] = {
        [FA_HOLD_WAITS] = "waits", [FA_HOLD_ALLOWED] = "allowed", [FA_HOLD_REFUSED] = "refused"
    };
    const struct store_hold *h = row;
    return json_pack("{s:s, s:s, s:o, s:o, s:s, s:I, s:I}", "fqdn", h->name, "subscriber", h->subscriber,
                     "hit", ctl_hit(h->old_hit), "asked_by", ctl_hit(h->hit), "state",
                     (size_t)h->says < sizeof says / sizeof says[0] ? says[h->says] : "?", "asked_s",
                     (json_int_t)h->asked_s, "unseen_s", (json_int_t)h->unseen_s);
}

static err subscribers_page(const struct store *s, size_t after, void *v, size_t cap, size_t *n)
{
    return s->ops->subscribers(s->ctx, after, v, cap, n);
}

static json_t *subscriber_shown(const void *row)
{
    const struct store_subscriber *b = row;
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:o}", "subscriber", b->id, "state",
                     b->suspended ? "suspended" : "served", "bindings", (json_int_t)b->bindings, "remembered",
                     (json_int_t)b->revoked, "reserved", (json_int_t)b->reserved, "epoch",
                     ctl_number(b->epoch));
}

static err events_page(const struct store *s, size_t after, void *v, size_t cap, size_t *n)
{
    return s->ops->events(s->ctx, after, v, cap, n);
}

static json_t *event_shown(const void *row)
{
    static const uint8_t none[16];
    const struct store_event *x = row;
    return json_pack("{s:o, s:b, s:o, s:s, s:s, s:o}", "at", ctl_number(x->at_s), "alarm", x->alarm, "what",
                     ctl_shown(x->what), "fqdn", x->name, "subscriber", x->subscriber, "hit",
                     memcmp(x->hit, none, sizeof none) == 0 ? json_null() : ctl_hit(x->hit));
}

static const struct view_kind kinds[] = {
    { "holds", sizeof(struct store_hold), holds_page, hold_shown },
    { "subscribers", sizeof(struct store_subscriber), subscribers_page, subscriber_shown },
    { "events", sizeof(struct store_event), events_page, event_shown },
};

bool ctl_operator(struct group *g, struct rt_ctl_req *req, const char *cmd, const json_t *args)
{
    static const struct {
        const char *cmd;
        enum store_order what;
    } orders[] = {
        { "suspend", STORE_SUSPEND },  { "resume", STORE_RESUME },      { "rekey", STORE_REKEY },
        { "allow", STORE_HOLD_ALLOW }, { "refuse", STORE_HOLD_REFUSE },
    };
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
        if (strcmp(cmd, orders[i].cmd) == 0) {
            order(g, req, orders[i].what, args);
            return true;
        }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(cmd, kinds[i].name) == 0) {
            view(g, req, &kinds[i], args);
            return true;
        }
    return false;
}
