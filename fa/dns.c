/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/dns.h"

#include <stdlib.h>
#include <string.h>

#include "common/rt/dns_io.h"
#include "dnsupd/zone.h"

#define OWN_TYPES  2 /* A, AAAA */
#define OWN_ROUNDS 3 /* somebody else may change our own name between our look and our update */

enum step { STEP_UPDATE, STEP_ASK_HIP, STEP_ASK_A, STEP_ASK_AAAA };

struct task {
    struct fa_dns *d;
    struct task *next;
    struct fa_job job;
    struct fa_result result;
    enum step step;
    unsigned round;
    struct dnsu_name owner;
    struct dnsu_set holds[OWN_TYPES];
    uint8_t holds_rdata[OWN_TYPES][DNSU_SET_MAX][16];
    uint8_t rdata[FA_RDATA_MAX]; /* of the result */
    struct dnsu_txn *txn;
    struct rt_dns *io;
    struct rt_timer *timer; /* the transaction's deadline; or the result, in the next round of the loop */
    bool finished;
};

struct fa_dns {
    struct fa_dns_config c;
    struct dnsu_txn_config txn;
    struct dnsu_name zone;
    void (*done)(void *ctx, const struct fa_result *r);
    void *ctx;
    struct task *open;
    struct fa_dns_stats stats;
};

err fa_dns_new(const struct fa_dns_config *c, void (*done)(void *ctx, const struct fa_result *r), void *ctx,
               struct fa_dns **out)
{
    struct dnsu_name zone;
    if (dnsu_name_from_text(c->zone, &zone) != ERR_OK)
        return ERR_MALFORMED;
    if (c->n_servers == 0 || c->n_servers > DNSU_SERVERS_MAX)
        return ERR_CONFIG;
    struct fa_dns *d = calloc(1, sizeof *d);
    if (!d)
        return ERR_MEMORY;
    d->c = *c;
    d->c.zone = NULL;
    d->c.jobs_max = c->jobs_max ? c->jobs_max : 256;
    d->zone = zone;
    d->done = done;
    d->ctx = ctx;
    d->txn = (struct dnsu_txn_config){ .env = c->env,
                                       .key = c->key,
                                       .n_servers = c->n_servers,
                                       .tries = c->tries,
                                       .first_us = c->first_us,
                                       .max_us = c->max_us,
                                       .tcp_us = c->tcp_us };
    for (size_t i = 0; i < c->n_servers; i++) {
        d->txn.server[i] = c->server[i];
        if (d->txn.server[i].port == 0)
            d->txn.server[i].port = 53;
    }
    *out = d;
    return ERR_OK;
}

static void free_task(struct task *t)
{
    rt_dns_free(t->io);
    dnsu_txn_free(t->txn);
    rt_timer_free(t->timer);
    free(t);
}

void fa_dns_free(struct fa_dns *d)
{
    if (!d)
        return;
    while (d->open) {
        struct task *t = d->open;
        d->open = t->next;
        free_task(t);
    }
    free(d);
}

void fa_dns_stats_get(const struct fa_dns *d, struct fa_dns_stats *out)
{
    *out = d->stats;
}

/* The result goes out in the next round of the loop: the core may be in the middle of the call that gave us the job. */
static void finish(struct task *t, err e)
{
    t->result.err = e;
    t->finished = true;
    rt_timer_at(t->timer, 1);
}

static void deliver(struct task *t)
{
    struct fa_dns *d = t->d;
    for (struct task **p = &d->open; *p; p = &(*p)->next)
        if (*p == t) {
            *p = t->next;
            break;
        }
    d->stats.pending--;
    d->done(d->ctx, &t->result);
    free_task(t);
}

static void on_txn_done(struct task *t, const struct dnsu_txn_act *a);

/* What the transaction wants. What cannot be sent is a dead server to it, which may want the next thing. */
static void carry_out(struct task *t, struct dnsu_txn_acts *acts)
{
    for (size_t i = 0; i < acts->n; i++) {
        struct dnsu_txn_act a = acts->v[i];
        err e = ERR_OK;
        if (a.type == DNSU_ACT_DONE) {
            on_txn_done(t, &a);
            return;
        }
        if (a.type == DNSU_ACT_TCP)
            e = rt_dns_tcp(t->io, a.tag, &a.server, a.message);
        else
            e = rt_dns_udp(t->io, a.tag, &a.server, a.message);
        if (e != ERR_OK) {
            struct dnsu_txn_acts more;
            dnsu_txn_failed(t->txn, a.tag, rt_now_us(), rt_wall_s(), &more);
            carry_out(t, &more);
            return;
        }
    }
    rt_timer_at(t->timer, dnsu_txn_deadline(t->txn));
}

static void on_reply(void *ctx, const struct addr *from, struct span msg)
{
    struct task *t = ctx;
    struct dnsu_txn_acts acts;
    if (t->finished)
        return;
    dnsu_txn_input(t->txn, from, msg, rt_now_us(), rt_wall_s(), &acts);
    carry_out(t, &acts);
}

static void on_failed(void *ctx, uint32_t tag)
{
    struct task *t = ctx;
    struct dnsu_txn_acts acts;
    if (t->finished)
        return;
    dnsu_txn_failed(t->txn, tag, rt_now_us(), rt_wall_s(), &acts);
    carry_out(t, &acts);
}

static const struct rt_dns_ops io_ops = { .reply = on_reply, .failed = on_failed };

static void on_timer(void *ctx)
{
    struct task *t = ctx;
    struct dnsu_txn_acts acts;
    if (t->finished) {
        deliver(t);
        return;
    }
    dnsu_txn_timeout(t->txn, rt_now_us(), rt_wall_s(), &acts);
    carry_out(t, &acts);
}

static void begin_txn(struct task *t, struct span message, struct span proof)
{
    struct dnsu_txn_acts acts;
    rt_dns_free(t->io);
    dnsu_txn_free(t->txn);
    t->io = rt_dns_new(t->d->c.loop, &io_ops, t);
    t->txn = dnsu_txn_new(&t->d->txn, message, proof);
    if (!t->io || !t->txn) {
        finish(t, ERR_MEMORY);
        return;
    }
    dnsu_txn_start(t->txn, rt_now_us(), rt_wall_s(), &acts);
    carry_out(t, &acts);
}

static void ask(struct task *t, enum step step, uint16_t type)
{
    uint8_t q[DNSU_HDR_LEN + DNSU_NAME_MAX + 4];
    size_t n;
    t->step = step;
    if (dnsu_query_build(q, sizeof q, &n, 0, &t->owner, type) != ERR_OK)
        finish(t, ERR_RANGE);
    else
        begin_txn(t, span_of(q, n), (struct span){ 0 });
}

static void update(struct task *t, const struct dnsu_zone_msgs *m)
{
    t->step = STEP_UPDATE;
    begin_txn(t, span_of(m->message, m->message_len), span_of(m->proof, m->proof_len));
}

/* ---- FA_JOB_DNS ---- */

static void start_write(struct task *t)
{
    struct dnsu_zone_msgs m;
    struct dnsu_set last = { .type = DNSU_TYPE_HIP }, want = last;
    if (t->job.dns.last_len)
        last.rdata[last.n++] = span_of(t->job.dns.last, t->job.dns.last_len);
    if (t->job.dns.want_len)
        want.rdata[want.n++] = span_of(t->job.dns.want, t->job.dns.want_len);
    want.ttl = t->job.dns.ttl_s;
    err e = dnsu_zone_write(&t->d->zone, &t->owner, &last, &want, &m);
    if (e != ERR_OK)
        finish(
            t,
            ERR_RANGE); /* a name outside of the zone, or nothing to do: not ERR_STATE, which says "the zone is otherwise" */
    else
        update(t, &m);
}

/* ---- FA_JOB_DNS_OWN ---- */

static void start_own_update(struct task *t)
{
    struct dnsu_zone_msgs m;
    enum dnsu_plan plan;
    struct dnsu_set want[OWN_TYPES] = { { .type = DNSU_TYPE_A }, { .type = DNSU_TYPE_AAAA } };
    for (size_t i = 0; i < t->job.dns_own.n_addr && i < FA_ADDRS_MAX; i++) {
        const struct addr *a = &t->job.dns_own.addr[i];
        struct dnsu_set *s = &want[a->family == ADDR_V6];
        struct span ip = span_of(a->ip, addr_ip_len(a));
        if (ip.n && !dnsu_set_has(s, ip))
            s->rdata[s->n++] = ip;
        s->ttl = t->job.dns_own.ttl_s;
    }
    err e = dnsu_zone_own(&t->d->zone, &t->owner, want, t->holds, OWN_TYPES, &plan, &m);
    if (e != ERR_OK)
        finish(t, ERR_RANGE);
    else if (plan == DNSU_PLAN_NOTHING)
        finish(t, ERR_OK);
    else
        update(t, &m);
}

/* Keeps what the reply said of one type. */
static err keep(struct task *t, size_t i, uint16_t type, struct span reply)
{
    uint8_t rcode;
    struct dnsu_set *s = &t->holds[i];
    err e = dnsu_reply_set(reply, &t->owner, type, s, &rcode);
    if (e != ERR_OK)
        return e;
    for (size_t k = 0; k < s->n; k++) {
        if (s->rdata[k].n > sizeof t->holds_rdata[i][k])
            return ERR_MALFORMED;
        memcpy(t->holds_rdata[i][k], s->rdata[k].p, s->rdata[k].n);
        s->rdata[k].p = t->holds_rdata[i][k];
    }
    return ERR_OK;
}

/* ---- FA_JOB_ZONE ---- */

static err zone_says(struct task *t, struct span reply)
{
    struct dnsu_set s;
    uint8_t rcode;
    err e = dnsu_reply_set(reply, &t->owner, DNSU_TYPE_HIP, &s, &rcode);
    if (e == ERR_FULL) { /* more records than we look at: certainly not our one */
        t->result.zone.says = FA_ZONE_HIP;
        return ERR_OK;
    }
    if (e != ERR_OK)
        return e;
    if (rcode == DNSU_RC_NXDOMAIN && s.n == 0)
        t->result.zone.says = FA_ZONE_FREE;
    else
        t->result.zone.says = s.n ? FA_ZONE_HIP : FA_ZONE_OTHER;
    if (s.n == 1 && s.rdata[0].n <= sizeof t->rdata) {
        memcpy(t->rdata, s.rdata[0].p, s.rdata[0].n);
        t->result.zone.rdata = span_of(t->rdata, s.rdata[0].n);
    }
    return ERR_OK;
}

/* ---- results ---- */

static void record(struct task *t, const struct dnsu_txn_act *a)
{
    struct fa_dns_stats *s = &t->d->stats;
    const struct dnsu_txn_stats *ts = dnsu_txn_stats(t->txn);
    uint64_t *const by_result[] = { &s->done, &s->in_use, &s->changed, &s->refused, &s->unreachable };
    char name[DNSU_NAME_TEXT_MAX];
    (*by_result[a->result])++;
    s->proved += ts->proved;
    s->tries += ts->tries;
    s->ignored += ts->ignored;
    log_at(&t->d->c.env->log, a->result == DNSU_DONE ? LOG_LV_INFO : LOG_LV_WARN, "dns",
           "%s name=%s result=\"%s\" rcode=%s tries=%u ignored=%u hint=%u%s",
           t->step == STEP_UPDATE ? "update" : "query", dnsu_name_text(&t->owner, name),
           dnsu_result_name(a->result), dnsu_rcode_name(a->rcode), ts->tries, ts->ignored, ts->hint,
           ts->proved ? " found done by an earlier try" : "");
}

static void on_updated(struct task *t, enum dnsu_result r)
{
    static const err errs[] = { ERR_OK, ERR_EXISTS, ERR_STATE, ERR_REFUSED, ERR_UNREACHABLE };
    bool raced = r == DNSU_NAME_IN_USE || r == DNSU_CHANGED;
    if (t->job.type == FA_JOB_DNS_OWN && raced && ++t->round < OWN_ROUNDS)
        ask(t, STEP_ASK_A, DNSU_TYPE_A); /* look again */
    else
        finish(t, errs[r]);
}

static void on_txn_done(struct task *t, const struct dnsu_txn_act *a)
{
    err e;
    record(t, a);
    if (t->step == STEP_UPDATE) {
        on_updated(t, a->result);
        return;
    }
    if (a->result != DNSU_DONE) {
        finish(t, a->result == DNSU_REFUSED ? ERR_REFUSED : ERR_UNREACHABLE);
        return;
    }
    switch (t->step) {
    case STEP_ASK_HIP:
        finish(t, zone_says(t, a->reply));
        break;
    case STEP_ASK_A:
        e = keep(t, 0, DNSU_TYPE_A, a->reply);
        if (e != ERR_OK)
            finish(t, e);
        else
            ask(t, STEP_ASK_AAAA, DNSU_TYPE_AAAA);
        break;
    default:
        e = keep(t, 1, DNSU_TYPE_AAAA, a->reply);
        if (e != ERR_OK)
            finish(t, e);
        else
            start_own_update(t);
        break;
    }
}

/* ---- jobs ---- */

static const char *job_name(const struct fa_job *j)
{
    switch (j->type) {
    case FA_JOB_DNS:
        return j->dns.name;
    case FA_JOB_DNS_OWN:
        return j->dns_own.name;
    case FA_JOB_ZONE:
        return j->zone.name;
    default:
        return NULL;
    }
}

err fa_dns_submit(struct fa_dns *d, const struct fa_job *job)
{
    if (!job_name(job))
        return ERR_UNSUPPORTED;
    if (d->stats.pending >= d->c.jobs_max)
        return ERR_FULL;
    struct task *t = calloc(1, sizeof *t);
    if (!t)
        return ERR_MEMORY;
    t->timer = rt_timer_new(d->c.loop, on_timer, t);
    if (!t->timer) {
        free(t);
        return ERR_MEMORY;
    }
    t->d = d;
    t->job = *job;
    t->result = (struct fa_result){ .ref = job->ref, .type = job->type };
    t->next = d->open;
    d->open = t;
    d->stats.pending++;
    if (dnsu_name_from_text(job_name(job), &t->owner) != ERR_OK || !dnsu_name_in(&t->owner, &d->zone))
        finish(t, ERR_RANGE);
    else if (job->type == FA_JOB_DNS)
        start_write(t);
    else if (job->type == FA_JOB_DNS_OWN)
        ask(t, STEP_ASK_A, DNSU_TYPE_A);
    else
        ask(t, STEP_ASK_HIP, DNSU_TYPE_HIP);
    return ERR_OK;
}
