/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/acct.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aka/radius_acct.h"
#include "common/rt/sock.h"
#include "common/rt/work.h"

#define ROWS_MAX      64 /* of the queue in memory */
#define WINDOW        32 /* requests under way at a time */
#define TRIES         3
#define UNWRITTEN_MAX 16384 /* events that wait for the disk */
#define DISK_AGAIN_US 1000000
#define SWEEP_US      60000000 /* the store is looked at even when nothing happens */

static const struct acct_times default_times = { 2000000, 6000000, 10000000, 5000000, 60000000, 2000000 };

enum state { WAITS, ASKED, DONE };

/* A record of the queue, oldest first; forgotten here once the disk has forgotten it. */
struct item {
    struct acct_row row;
    enum state state;
    uint8_t id, tries;
    uint64_t since_us, at_us; /* first sent; what is due next */
    uint8_t auth[RADIUS_AUTH_LEN];
    size_t len;
    uint8_t packet[RADIUS_MAX];
};

struct list {
    struct acct_event *first, **end;
    uint32_t n;
};

struct acct {
    struct acct_config c;
    struct acct_times times;
    char nas_id[48];
    struct acct_store *store;
    struct rt_work *work;
    struct rt_timer *timer;
    struct rt_sock *v4, *v6;
    struct acct_stats stats;
    struct list in;
    uint8_t current, next_id, failed; /* server in use; failed in a row */
    uint64_t not_before_us, pause_us; /* nobody answered: a pause */
    size_t n;
    struct item *v[ROWS_MAX];
    uint64_t last; /* row read last */
    uint64_t oldest_at_s, look_us, disk_us;
    bool turning, more, closing, over;
    bool down;     /* it was said that nobody answers */
    uint64_t lost; /* events that the disk did not take for too long */
    /* the turn under way */
    struct acct_turn turn;
    struct list writing;
    uint64_t acked[ROWS_MAX];
    struct acct_row rows[ROWS_MAX];
    err turn_err;
    uint64_t end_us;
};

static void go_on(struct acct *a);

static void list_init(struct list *l)
{
    *l = (struct list){ .end = &l->first };
}

static void list_free(struct list *l)
{
    while (l->first) {
        struct acct_event *e = l->first;
        l->first = e->next;
        free(e);
    }
    list_init(l);
}

/* What is in `from` comes before what is in `l`. */
static void list_put_back(struct list *l, struct list *from)
{
    if (!from->first)
        return;
    *from->end = l->first;
    if (l->first)
        from->end = l->end;
    l->first = from->first;
    l->end = from->end;
    l->n += from->n;
    list_init(from);
}

static void list_move(struct list *to, struct list *from)
{
    list_init(to);
    list_put_back(to, from);
}

/* In the log, and to whoever keeps what operators are shown. */
static void say(const struct acct *a, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say(const struct acct *a, enum log_level level, const char *format, ...)
{
    char what[FA_TEXT_MAX];
    va_list ap;
    va_start(ap, format);
    vsnprintf(what, sizeof what, format, ap);
    va_end(ap);
    log_at(&a->c.env->log, level, "acct", "%s", what);
    if (a->c.told && !a->closing)
        a->c.told(a->c.ctx, level == LOG_LV_ERROR, what);
}

/* ---- the disk ---- */

/* On a thread. */
static void turn_run(void *arg)
{
    struct acct *a = arg;
    a->turn_err = acct_store_turn(a->store, &a->turn);
}

/* Items that are done and forgotten on disk leave. */
static void drop_acked(struct acct *a)
{
    size_t left = 0;
    for (size_t i = 0; i < a->n; i++) {
        bool gone = false;
        for (size_t k = 0; a->v[i]->state == DONE && k < a->turn.n_acked; k++)
            gone |= a->acked[k] == a->v[i]->row.id;
        if (gone)
            free(a->v[i]);
        else
            a->v[left++] = a->v[i];
    }
    a->n = left;
}

static void take_rows(struct acct *a)
{
    for (size_t i = 0; i < a->turn.n; i++) {
        struct item *it = a->n < ROWS_MAX ? calloc(1, sizeof *it) : NULL;
        if (!it) { /* read again, later */
            a->more = true;
            return;
        }
        it->row = a->rows[i];
        a->v[a->n++] = it;
        a->last = it->row.id;
    }
    if (a->turn.cap)
        a->more = a->turn.n == a->turn.cap;
}

static void turn_done(void *arg, bool ran)
{
    struct acct *a = arg;
    a->turning = false;
    if (!ran || a->turn_err != ERR_OK) {
        list_put_back(&a->in, &a->writing);
        a->disk_us = rt_now_us() + DISK_AGAIN_US;
        if (ran)
            log_at(&a->c.env->log, LOG_LV_ERROR, "acct", "queue cannot be written: %s",
                   err_text(a->turn_err));
        if (ran)
            go_on(a);
        return;
    }
    if (a->turn.lost > a->stats.lost)
        say(a, LOG_LV_ERROR, "accounting queue is full: %llu records lost", (unsigned long long)a->turn.lost);
    list_free(&a->writing);
    a->stats.queued = a->turn.queued;
    a->stats.sessions = a->turn.sessions;
    a->stats.lost = a->turn.lost;
    a->stats.dropped = a->turn.dropped;
    a->oldest_at_s = a->turn.oldest_s;
    drop_acked(a);
    take_rows(a);
    go_on(a);
}

static size_t count(const struct acct *a, enum state s)
{
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++)
        n += a->v[i]->state == s;
    return n;
}

/* Is there something to write or to read now? Acknowledgements are gathered as long as others are awaited: one write for many. */
static bool turn_due(const struct acct *a, uint64_t now)
{
    size_t done = count(a, DONE), asked = count(a, ASKED);
    if (a->turning || now < a->disk_us)
        return false;
    return a->in.first || (done && (asked == 0 || done >= WINDOW)) || (a->more && a->n < ROWS_MAX / 2) ||
           now >= a->look_us;
}

static void begin_turn(struct acct *a, uint64_t now)
{
    bool events = a->in.first != NULL;
    list_move(&a->writing, &a->in);
    a->turn = (struct acct_turn){
        .events = a->writing.first, .acked = a->acked, .after = a->last, .rows = a->rows
    };
    for (size_t i = 0; i < a->n; i++)
        if (a->v[i]->state == DONE)
            a->acked[a->turn.n_acked++] = a->v[i]->row.id;
    if (events || a->more || a->look_us == 0)
        a->turn.cap = ROWS_MAX - (a->n - a->turn.n_acked);
    a->look_us = now + SWEEP_US;
    a->more |= events;
    a->turning = rt_work_submit(a->work, turn_run, turn_done, a) == ERR_OK;
    if (!a->turning) {
        list_put_back(&a->in, &a->writing);
        a->disk_us = now + DISK_AGAIN_US;
    }
}

/* ---- requests ---- */

static bool take_id(struct acct *a, uint8_t *id)
{
    for (unsigned i = 0; i < 256; i++) {
        uint8_t try = (uint8_t)(a->next_id + i);
        bool used = false;
        for (size_t k = 0; k < a->n; k++)
            used |= a->v[k]->state == ASKED && a->v[k]->id == try;
        if (!used) {
            a->next_id = (uint8_t)(try + 1);
            *id = try;
            return true;
        }
    }
    return false;
}

static err build(const struct acct *a, struct item *it)
{
    uint64_t now = rt_wall_s();
    struct radius_wr w =
        radius_acct_begin(it->packet, sizeof it->packet, RADIUS_ACCOUNTING_REQUEST, it->id, NULL);
    radius_acct_put(&w, span_of(it->row.attrs, it->row.len));
    /* RFC 2866 s5.2: a new one makes a new request, never a retransmission */
    radius_wr_u32(&w, RADIUS_ACCT_DELAY_TIME, (uint32_t)(now > it->row.at_s ? now - it->row.at_s : 0));
    err e = radius_acct_end(&w, a->c.secret, &it->len);
    if (e == ERR_OK)
        memcpy(it->auth, it->packet + 4, sizeof it->auth);
    return e;
}

static void send_try(struct acct *a, struct item *it)
{
    const struct addr *to = &a->c.server[a->current];
    const struct acct_times *t = &a->times;
    if (rt_sock_send(to->family == ADDR_V4 ? a->v4 : a->v6, NULL, to, 0, span_of(it->packet, it->len)) ==
        ERR_OK)
        a->stats.sent++;
    it->tries++;
    it->at_us = it->since_us + (it->tries == 1   ? env_about(a->c.env, t->second_us)
                                : it->tries == 2 ? env_about(a->c.env, t->third_us)
                                                 : t->given_us);
}

static void ask(struct acct *a, struct item *it, uint64_t now)
{
    if (!take_id(a, &it->id))
        return;
    if (build(a, it) !=
        ERR_OK) { /* cannot be: it was written by us, and there is room for one attribute more */
        log_at(&a->c.env->log, LOG_LV_ERROR, "acct", "record %s cannot be sent", it->row.sid);
        it->state = DONE;
        return;
    }
    it->state = ASKED;
    it->tries = 0;
    it->since_us = now;
    send_try(a, it);
}

static bool is_daemon(const struct acct_row *r)
{
    return r->status == RADIUS_ACCT_ON || r->status == RADIUS_ACCT_OFF;
}

/* Everything before it that it has to wait for is acknowledged. */
static bool may_go(const struct acct *a, size_t i)
{
    const struct acct_row *r = &a->v[i]->row;
    for (size_t k = 0; k < i; k++) {
        const struct item *b = a->v[k];
        if (b->state != DONE && (is_daemon(r) || is_daemon(&b->row) || strcmp(b->row.sid, r->sid) == 0))
            return false;
    }
    return true;
}

static void send_some(struct acct *a, uint64_t now)
{
    size_t asked = count(a, ASKED), window = a->stats.up ? WINDOW : 1;
    for (size_t i = 0; i < a->n && asked < window && now >= a->not_before_us; i++)
        if (a->v[i]->state == WAITS && may_go(a, i)) {
            ask(a, a->v[i], now);
            asked += a->v[i]->state == ASKED;
        }
}

/* The server in use does not answer: everything that waits for it goes to the next one, after a round of all of them not at once. */
static void next_server(struct acct *a, uint64_t now)
{
    char text[ADDR_TEXT_MAX];
    if (!a->down || a->stats.up)
        say(a, LOG_LV_WARN, "accounting server %s: no answer", addr_format(&a->c.server[a->current], text));
    a->down = true;
    a->stats.up = false;
    a->current = (uint8_t)((a->current + 1) % a->c.n_server);
    a->stats.moved += a->c.n_server > 1;
    if (++a->failed >= a->c.n_server) {
        a->failed = 0;
        a->not_before_us = now + env_about(a->c.env, a->pause_us);
        a->pause_us = 2 * a->pause_us < a->times.pause_max_us ? 2 * a->pause_us : a->times.pause_max_us;
    }
    for (size_t i = 0; i < a->n; i++)
        if (a->v[i]->state == ASKED)
            a->v[i]->state = WAITS;
}

static void time_out(struct acct *a, uint64_t now)
{
    for (size_t i = 0; i < a->n; i++) {
        struct item *it = a->v[i];
        if (it->state != ASKED || it->at_us > now)
            continue;
        if (it->tries < TRIES) {
            send_try(a, it);
            continue;
        }
        a->stats.timeouts++;
        next_server(a, now);
        return;
    }
}

static void on_packet(struct acct *a, const struct rt_pkt *pkt)
{
    const struct addr *from = &a->c.server[a->current];
    struct radius_pkt p;
    struct item *it = NULL;
    bool good = radius_parse(pkt->octets, &p) == ERR_OK && addr_eq(&pkt->peer, from);
    for (size_t i = 0; good && i < a->n; i++)
        if (a->v[i]->state == ASKED && a->v[i]->id == p.id)
            it = a->v[i];
    /* RFC 2866 s4.2: what does not fit or is not authentic is silently discarded. */
    if (!it || radius_acct_check_reply(&p, a->c.secret, it->id, it->auth) != ERR_OK) {
        a->stats.forged++;
        return;
    }
    it->state = DONE;
    a->stats.answered++;
    if (a->down) {
        char text[ADDR_TEXT_MAX];
        say(a, LOG_LV_NOTICE, "accounting server %s: answers", addr_format(from, text));
    }
    a->down = false;
    a->stats.up = true;
    a->failed = 0;
    a->not_before_us = 0;
    a->pause_us = a->times.pause_us;
}

static void on_packets(void *ctx, const struct rt_pkt *pkts, size_t n)
{
    struct acct *a = ctx;
    for (size_t i = 0; i < n; i++)
        on_packet(a, &pkts[i]);
    go_on(a);
}

/* ---- what is due ---- */

/* Nothing is left that could still be done before the process ends. */
static bool ended(const struct acct *a, uint64_t now)
{
    bool unsent = a->stats.queued || a->n || a->more;
    return now >= a->end_us || (!a->turning && !a->in.first && !unsent);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Only what is still to come: a timer that is due in its own callback would be called for ever. */
static void set_timer(struct acct *a, uint64_t now)
{
    uint64_t at = a->turning ? HEAP_NEVER : a->disk_us > now ? a->disk_us : a->look_us;
    for (size_t i = 0; i < a->n; i++)
        if (a->v[i]->state == ASKED)
            at = least(at, a->v[i]->at_us);
    if (a->not_before_us > now && count(a, WAITS))
        at = least(at, a->not_before_us);
    if (a->closing)
        at = least(at, a->end_us);
    rt_timer_at(a->timer, at > now ? at : now + 1000);
}

static void go_on(struct acct *a)
{
    uint64_t now = rt_now_us();
    if (a->over)
        return;
    time_out(a, now);
    send_some(a, now);
    if (turn_due(a, now))
        begin_turn(a, now);
    if (a->closing && ended(a, now))
        rt_loop_stop(a->c.loop);
    else
        set_timer(a, now);
}

static void on_timer(void *ctx)
{
    go_on(ctx);
}

/* ---- events ---- */

struct acct_event *acct_event_new(struct acct *a, enum acct_event_type type)
{
    struct acct_event *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->type = type;
    e->at_s = rt_wall_s();
    e->to = a;
    return e;
}

void acct_take(struct acct_event *e)
{
    struct acct *a = e->to;
    if (a->in.n + a->writing.n >= UNWRITTEN_MAX) { /* the disk has failed for long */
        if (a->lost++ == 0)
            say(a, LOG_LV_ERROR, "accounting: too many events wait for the disk, records are lost");
        free(e);
        return;
    }
    e->next = NULL;
    *a->in.end = e;
    a->in.end = &e->next;
    a->in.n++;
    rt_timer_at(a->timer, 1); /* with what else comes in this round of the loop */
}

void acct_take_late(void *event)
{
    acct_take(event);
}

/* ---- making and ending ---- */

static err open_sockets(struct acct *a)
{
    struct addr any4 = addr_v4(0), any6 = { .family = ADDR_V6 };
    err e = ERR_OK;
    for (uint8_t i = 0; e == ERR_OK && i < a->c.n_server; i++) {
        bool v4 = a->c.server[i].family == ADDR_V4;
        struct rt_sock **s = v4 ? &a->v4 : &a->v6;
        if (!*s)
            e = rt_udp_open(a->c.loop, v4 ? &any4 : &any6, on_packets, a, s);
    }
    return e;
}

static void release(struct acct *a)
{
    a->over = true; /* what rt_work_free() waits for begins nothing new */
    if (a->work)
        rt_work_free(a->work);
    if (a->in.n)
        log_at(&a->c.env->log, LOG_LV_ERROR, "acct", "%u events could not be written", a->in.n);
    rt_timer_free(a->timer);
    rt_sock_close(a->v4);
    rt_sock_close(a->v6);
    acct_store_close(a->store);
    for (size_t i = 0; i < a->n; i++)
        free(a->v[i]);
    list_free(&a->in);
    list_free(&a->writing);
    free(a);
}

err acct_open(const struct acct_config *c, struct acct **out, char why[SQL_WHY_MAX])
{
    why[0] = 0;
    if (c->n_server == 0 || c->n_server > ACCT_SERVERS_MAX ||
        strlen(c->nas_id) >= sizeof((struct acct *)0)->nas_id)
        return ERR_RANGE;
    struct acct *a = calloc(1, sizeof *a);
    if (!a)
        return ERR_MEMORY;
    a->c = *c;
    a->times = c->times ? *c->times : default_times;
    a->pause_us = a->times.pause_us;
    list_init(&a->in);
    list_init(&a->writing);
    memcpy(a->nas_id, c->nas_id, strlen(c->nas_id) + 1);
    env_random(c->env, &a->next_id, 1); /* not the same identifiers after each restart */
    a->work = rt_work_new(c->loop, 4);
    a->timer = rt_timer_new(c->loop, on_timer, a);
    err e = a->work && a->timer ? open_sockets(a) : ERR_MEMORY;
    if (e == ERR_OK)
        e = acct_store_open(&(struct acct_store_conf){ .path = c->path,
                                                       .nas_id = a->nas_id,
                                                       .queue_max = c->queue_max,
                                                       .interim_s = c->interim_s,
                                                       .origin = env_random_u32(c->env),
                                                       .wall_s = rt_wall_s,
                                                       .boot_us = rt_now_us },
                            &a->store, why);
    if (e != ERR_OK) {
        release(a);
        return e;
    }
    rt_timer_at(a->timer, 1);
    *out = a;
    return ERR_OK;
}

void acct_close(struct acct *a)
{
    if (!a)
        return;
    struct acct_event *off = acct_event_new(a, ACCT_OFF);
    if (off)
        acct_take(off);
    a->closing = true;
    a->end_us = rt_now_us() + a->times.end_us;
    rt_timer_at(a->timer, 1);
    rt_loop_run(a->c.loop);
    release(a);
}

void acct_stats(const struct acct *a, struct acct_stats *out)
{
    uint64_t now = rt_wall_s();
    *out = a->stats;
    out->oldest_s = a->oldest_at_s && now > a->oldest_at_s ? now - a->oldest_at_s : 0;
    out->open = (uint32_t)count(a, ASKED);
    out->unwritten = a->in.n + a->writing.n;
    out->server = a->c.server[a->current];
    out->lost += a->lost;
}
