/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/subs_hlr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aka/ipa.h"
#include "aka/osmo_ctrl.h"
#include "common/rt/stream.h"
#include "fa/core/naming.h"

#define OPEN_MAX       256  /* questions, to all HLRs */
#define REMEMBERED_MAX 1024 /* subscribers, of each */
#define CONNECT_US     3000000
#define RETRY_US       250000
#define RETRY_MAX_US   15000000
#define OUT_MAX        16384
#define LIE_TOLD_US    60000000
#define ID_PREFIX      "imsi:"

#define COUNTERS(X) \
    X(asked) \
    X(answered) \
    X(unknown) X(remembered) X(timeouts) X(failed) X(malformed) X(foreign) X(unsolicited) X(losses)

enum counter {
#define X(name) COUNT_##name,
    COUNTERS(X)
#undef X
        COUNT__N
};

struct known {
    uint64_t until_us; /* 0: free */
    struct osmo_subscriber sub;
};

struct link {
    struct subs_hlr *s;
    struct fa_hlr conf;
    struct rt_stream *stream;
    bool up, told_down;   /* told_down: people know already */
    uint64_t lie_told_us; /* 0: never */
    struct known *known;  /* REMEMBERED_MAX */
    uint64_t count[COUNT__N];
};

struct question {
    bool open, sent;
    size_t link; /* asked now; a claim goes from one to the next */
    uint32_t id;
    struct fa_job_ref ref;
    enum fa_job_type type;
    enum osmo_by by;
    char digits[OSMO_MSISDN_MAX + 1];
    char not_this[FA_ID_MAX]; /* claim: whose it may be */
    uint64_t until_us;
};

struct subs_hlr {
    const struct env *env;
    fa_done_fn done;
    subs_hlr_told_fn told;
    void *ctx;
    struct rt_timer *timer;
    struct link *links;
    size_t n;
    uint32_t next_id;
    struct question q[OPEN_MAX];
};

/* ---- whose is it ---- */

/* The HLR of this IMSI by the longest prefix, or s->n. */
static size_t link_of(const struct subs_hlr *s, const char *imsi)
{
    size_t best = s->n, longest = 0;
    for (size_t i = 0; i < s->n; i++)
        for (size_t j = 0; j < s->links[i].conf.n_prefix; j++) {
            const char *p = s->links[i].conf.prefix[j];
            size_t len = strlen(p);
            if (len > longest && strncmp(p, imsi, len) == 0) {
                best = i;
                longest = len;
            }
        }
    return best;
}

/* The number whose skeleton this is (fa_name_skeleton): o was 0 and l was 1. False: it is no number's. */
static bool number_of(const char *skeleton, char out[OSMO_MSISDN_MAX + 1])
{
    size_t n = strlen(skeleton);
    if (n < OSMO_MSISDN_MIN || n > OSMO_MSISDN_MAX || strspn(skeleton, "23456789ol") != n)
        return false;
    for (size_t i = 0; i <= n; i++)
        out[i] = skeleton[i] == 'o' ? '0' : skeleton[i] == 'l' ? '1' : skeleton[i];
    return true;
}

static void id_of(const struct osmo_subscriber *sub, char id[FA_ID_MAX])
{
    snprintf(id, FA_ID_MAX, ID_PREFIX "%s", sub->imsi);
}

/* ---- what is remembered ---- */

static struct known *known_find(struct link *k, const char *imsi)
{
    for (size_t i = 0; i < REMEMBERED_MAX; i++)
        if (k->known[i].until_us && strcmp(k->known[i].sub.imsi, imsi) == 0)
            return &k->known[i];
    return NULL;
}

static struct known *known_now(struct link *k, const char *imsi, uint64_t now)
{
    struct known *at = known_find(k, imsi);
    return at && now < at->until_us ? at : NULL;
}

static void remember(struct link *k, const struct osmo_subscriber *sub, uint64_t now)
{
    struct known *at = known_find(k, sub->imsi);
    if (!at) {
        at = &k->known[0];
        for (size_t i = 1; i < REMEMBERED_MAX; i++) /* a free one, or the one that goes first */
            if (k->known[i].until_us < at->until_us)
                at = &k->known[i];
    }
    *at = (struct known){ .until_us = now + k->conf.remember_us, .sub = *sub };
}

static void forget(struct link *k, const char *imsi)
{
    struct known *at = known_find(k, imsi);
    if (at)
        *at = (struct known){ 0 };
}

/* ---- what people hear ---- */

static void tell(const struct link *k, const char *what)
{
    if (k->s->told)
        k->s->told(k->s->ctx, k->conf.name, what);
}

static void told_lie(struct link *k, const char *what, uint64_t now)
{
    char text[FA_TEXT_MAX];
    log_at(&k->s->env->log, LOG_LV_WARN, "subs", "event=hlr_bad_answer hlr=%s reason=\"%s\"", k->conf.name,
           what);
    if (k->lie_told_us && now < k->lie_told_us + LIE_TOLD_US)
        return;
    k->lie_told_us = now;
    snprintf(text, sizeof text, "gives wrong answers: %s", what);
    tell(k, text);
}

/* Once, until it is there again. */
static void told_gone(struct link *k, const char *why)
{
    char text[FA_TEXT_MAX];
    if (k->told_down)
        return;
    k->told_down = true;
    log_at(&k->s->env->log, LOG_LV_WARN, "subs", "event=hlr_down hlr=%s reason=\"%s\"", k->conf.name, why);
    snprintf(text, sizeof text, "is gone: %s", why);
    tell(k, text);
}

/* ---- answers ---- */

static void rearm(struct subs_hlr *s)
{
    uint64_t at = HEAP_NEVER;
    for (size_t i = 0; i < OPEN_MAX; i++)
        if (s->q[i].open && s->q[i].until_us < at)
            at = s->q[i].until_us;
    rt_timer_at(s->timer, at);
}

/* sub: of a FA_JOB_SUBSCRIBER that was found. */
static void finish(struct subs_hlr *s, struct question *q, err e, const struct osmo_subscriber *sub)
{
    const struct fa_hlr *h = &s->links[q->link].conf;
    struct fa_result r = { .ref = q->ref, .type = q->type, .err = e };
    struct fa_subscriber f = { 0 };
    if (sub) {
        id_of(sub, f.id);
        memcpy(f.imsi, sub->imsi, sizeof f.imsi);
        f.active = sub->packet_services;
        f.publish_number = h->publish_number;
        f.devices_max = h->devices_max;
        f.lifetime_max_s = h->lifetime_max_s;
        if (sub->msisdn[0])
            memcpy(f.msisdn[f.n_msisdn++], sub->msisdn, sizeof sub->msisdn);
        r.subscriber.s = &f;
    }
    *q = (struct question){ 0 };
    s->done(s->ctx, &r);
}

/* No answer to be had: the last word counts, if there is one that is not too old. */
static void unanswered(struct subs_hlr *s, struct question *q, err e, uint64_t now)
{
    struct link *k = &s->links[q->link];
    struct known *at = q->type == FA_JOB_SUBSCRIBER ? known_now(k, q->digits, now) : NULL;
    if (at) {
        struct osmo_subscriber sub = at->sub;
        k->count[COUNT_remembered]++;
        finish(s, q, ERR_OK, &sub);
    } else {
        finish(s, q, e, NULL);
    }
}

static void send_question(struct subs_hlr *s, struct question *q)
{
    struct link *k = &s->links[q->link];
    char text[OSMO_CTRL_GET_MAX];
    uint8_t b[IPA_HEAD_LEN + 1 + OSMO_CTRL_GET_MAX];
    q->id = s->next_id = s->next_id % INT32_MAX + 1;
    size_t n = osmo_ctrl_write_info(text, sizeof text, q->id, q->by, q->digits);
    n = n ? ipa_write(b, sizeof b, IPA_OSMO, IPA_EXT_CTRL, span_of(text, n)) : 0;
    q->sent = n && rt_stream_send(k->stream, span_of(b, n)) == ERR_OK;
    k->count[COUNT_asked] += q->sent;
}

/* This HLR has no such number: the next one is asked. */
static void claim_on(struct subs_hlr *s, struct question *q, uint64_t now)
{
    if (q->link + 1 == s->n) {
        finish(s, q, ERR_OK, NULL);
        return;
    }
    q->link++;
    q->until_us = now + s->links[q->link].conf.request_us;
    q->sent = false;
    if (s->links[q->link].up)
        send_question(s, q);
}

static void answered(struct subs_hlr *s, struct question *q, const struct osmo_subscriber *sub, uint64_t now)
{
    struct link *k = &s->links[q->link];
    char id[FA_ID_MAX];
    if (strcmp(q->by == OSMO_BY_IMSI ? sub->imsi : sub->msisdn, q->digits) != 0) {
        k->count[COUNT_foreign]++;
        told_lie(k, "for another subscriber than asked for", now);
        finish(s, q, ERR_MALFORMED, NULL);
        return;
    }
    k->count[COUNT_answered]++;
    if (q->type == FA_JOB_SUBSCRIBER) {
        if (k->conf.remember_us)
            remember(k, sub, now);
        finish(s, q, ERR_OK, sub);
        return;
    }
    id_of(sub, id);
    if (strcmp(id, q->not_this) == 0)
        claim_on(s, q, now);
    else
        finish(s, q, ERR_EXISTS, NULL);
}

static void no_such(struct subs_hlr *s, struct question *q, uint64_t now)
{
    struct link *k = &s->links[q->link];
    if (q->type == FA_JOB_CLAIM) {
        claim_on(s, q, now);
        return;
    }
    k->count[COUNT_unknown]++;
    forget(k, q->digits);
    finish(s, q, ERR_NOT_FOUND, NULL);
}

static struct question *question_of(struct subs_hlr *s, const struct link *k, uint32_t id)
{
    for (size_t i = 0; i < OPEN_MAX; i++)
        if (s->q[i].open && s->q[i].sent && s->q[i].id == id && &s->links[s->q[i].link] == k)
            return &s->q[i];
    return NULL;
}

/* ERR_MALFORMED: not the protocol, or nothing that it could say. */
static err on_message(struct link *k, struct span text, uint64_t now)
{
    struct subs_hlr *s = k->s;
    struct osmo_ctrl_msg m;
    struct osmo_subscriber sub;
    char what[OSMO_CTRL_GET_MAX];
    if (osmo_ctrl_parse(text, &m) != ERR_OK)
        return ERR_MALFORMED;
    struct question *q = m.kind != OSMO_CTRL_OTHER && m.has_id ? question_of(s, k, m.id) : NULL;
    if (!q) {
        k->count[COUNT_unsolicited]++;
        return ERR_OK;
    }
    if (m.kind == OSMO_CTRL_ERROR) {
        if (osmo_ctrl_is_unknown(&m)) {
            no_such(s, q, now);
        } else {
            k->count[COUNT_failed]++;
            unanswered(s, q, ERR_IO, now);
        }
        return ERR_OK;
    }
    size_t n = osmo_ctrl_variable(what, sizeof what, q->by, q->digits);
    if (!span_eq(m.variable, span_of(what, n)) || osmo_ctrl_info(m.value, &sub) != ERR_OK)
        return ERR_MALFORMED;
    answered(s, q, &sub, now);
    return ERR_OK;
}

/* ---- connections ---- */

/* What was sent over one that is gone is sent again over the next, as long as it has time. */
static void lost(struct link *k)
{
    k->up = false;
    k->count[COUNT_losses]++;
    for (size_t i = 0; i < OPEN_MAX; i++)
        if (k->s->q[i].open && &k->s->links[k->s->q[i].link] == k)
            k->s->q[i].sent = false;
}

static void give_up(struct link *k, const char *why)
{
    log_at(&k->s->env->log, LOG_LV_WARN, "subs", "event=hlr_reset hlr=%s reason=\"%s\"", k->conf.name, why);
    lost(k);
    rt_stream_reset(k->stream);
}

static void on_up(void *ctx)
{
    struct link *k = ctx;
    k->up = true;
    log_at(&k->s->env->log, LOG_LV_NOTICE, "subs", "event=hlr_up hlr=%s", k->conf.name);
    if (k->told_down)
        tell(k, "is there again");
    k->told_down = false;
    for (size_t i = 0; i < OPEN_MAX; i++)
        if (k->s->q[i].open && &k->s->links[k->s->q[i].link] == k)
            send_question(k->s, &k->s->q[i]);
}

static size_t on_frame(void *ctx, struct span in)
{
    return ipa_frame(in);
}

static void on_input(void *ctx, struct span frame)
{
    struct link *k = ctx;
    struct ipa_pkt p;
    err e = ipa_parse(frame, &p);
    if (e == ERR_OK && p.stream == IPA_OSMO && p.type == IPA_EXT_CTRL)
        e = on_message(k, p.body, rt_now_us());
    if (e == ERR_OK) {
        rt_stream_settled(k->stream);
    } else {
        k->count[COUNT_malformed]++;
        told_lie(k, "malformed", rt_now_us());
        give_up(k, "malformed answer");
    }
    rearm(k->s);
}

static void on_down(void *ctx, err why)
{
    struct link *k = ctx;
    if (k->up)
        lost(k);
    told_gone(k, why == ERR_OK ? "closed by the HLR" : err_text(why));
}

static const struct rt_stream_ops stream_ops = {
    .up = on_up, .frame = on_frame, .input = on_input, .down = on_down
};

static void on_timer(void *ctx)
{
    struct subs_hlr *s = ctx;
    uint64_t now = rt_now_us();
    for (size_t i = 0; i < OPEN_MAX; i++) {
        struct question *q = &s->q[i];
        if (!q->open || now < q->until_us)
            continue;
        struct link *k = &s->links[q->link];
        k->count[COUNT_timeouts]++;
        if (q->sent) { /* as good as gone: another connection may do better */
            give_up(k, "no answer");
            told_gone(k, "no answer");
        }
        unanswered(s, q, ERR_TIMEOUT, now);
    }
    rearm(s);
}

/* ---- questions ---- */

static err fill(const struct subs_hlr *s, const struct fa_job *job, struct question *q)
{
    if (job->type == FA_JOB_CLAIM) {
        if (!number_of(job->claim.skeleton, q->digits))
            return ERR_NOT_FOUND;
        q->by = OSMO_BY_MSISDN;
        memcpy(q->not_this, job->claim.subscriber, sizeof q->not_this);
        return ERR_OK;
    }
    const char *imsi = job->subscriber.imsi;
    if (!imsi[0] && strncmp(job->subscriber.id, ID_PREFIX, sizeof ID_PREFIX - 1) == 0)
        imsi = job->subscriber.id + sizeof ID_PREFIX - 1;
    q->link = link_of(s, imsi);
    if (!imsi_valid(imsi) || q->link == s->n)
        return ERR_NOT_FOUND;
    q->by = OSMO_BY_IMSI;
    snprintf(q->digits, sizeof q->digits, "%s", imsi);
    return ERR_OK;
}

err subs_hlr_ask(struct subs_hlr *s, const struct fa_job *job)
{
    struct question q = { .open = true, .ref = job->ref, .type = job->type };
    err e = fill(s, job, &q);
    if (e != ERR_OK)
        return e;
    uint64_t now = rt_now_us();
    q.until_us = now + s->links[q.link].conf.request_us;
    if (!s->links[q.link].up && job->type == FA_JOB_SUBSCRIBER && known_now(&s->links[q.link], q.digits, now))
        q.until_us = now; /* nothing to wait for: R2 does not wait for stores longer than half a second */
    for (size_t i = 0; i < OPEN_MAX; i++) {
        if (s->q[i].open)
            continue;
        s->q[i] = q;
        if (s->links[q.link].up)
            send_question(s, &s->q[i]);
        rearm(s);
        return ERR_OK;
    }
    return ERR_FULL;
}

/* ---- whole ---- */

static err link_open(struct subs_hlr *s, struct link *k, struct rt_loop *l, const struct fa_hlr *conf)
{
    struct rt_stream_conf c = { .peer = conf->address,
                                .in_max = IPA_HEAD_LEN + IPA_BODY_MAX,
                                .out_max = OUT_MAX,
                                .connect_us = CONNECT_US,
                                .retry_us = RETRY_US,
                                .retry_max_us = RETRY_MAX_US };
    k->s = s;
    k->conf = *conf;
    k->known = calloc(REMEMBERED_MAX, sizeof *k->known);
    k->stream = rt_stream_new(l, &c, &stream_ops, k);
    return k->known && k->stream ? ERR_OK : ERR_MEMORY;
}

err subs_hlr_open(struct rt_loop *l, const struct env *env, const struct fa_hlr *hlr, size_t n,
                  fa_done_fn done, subs_hlr_told_fn told, void *ctx, struct subs_hlr **out)
{
    struct subs_hlr *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_MEMORY;
    s->env = env;
    s->done = done;
    s->told = told;
    s->ctx = ctx;
    s->timer = rt_timer_new(l, on_timer, s);
    s->links = calloc(n, sizeof *s->links);
    err e = s->timer && s->links ? ERR_OK : ERR_MEMORY;
    for (; e == ERR_OK && s->n < n; s->n++)
        e = link_open(s, &s->links[s->n], l, &hlr[s->n]);
    if (e != ERR_OK) {
        subs_hlr_close(s);
        return e;
    }
    *out = s;
    return ERR_OK;
}

void subs_hlr_close(struct subs_hlr *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++) {
        rt_stream_free(s->links[i].stream);
        free(s->links[i].known);
    }
    rt_timer_free(s->timer);
    free(s->links);
    free(s);
}

json_t *subs_hlr_status(const struct subs_hlr *s)
{
    static const char *const names[COUNT__N] = {
#define X(name) #name,
        COUNTERS(X)
#undef X
    };
    json_t *all = json_object();
    for (size_t i = 0; s && i < s->n; i++) {
        const struct link *k = &s->links[i];
        json_t *o = json_pack("{s:i}", "connected", (int)k->up);
        for (int c = 0; c < COUNT__N; c++)
            json_object_set_new(o, names[c], json_integer((json_int_t)k->count[c]));
        json_object_set_new(all, k->conf.name, o);
    }
    return all;
}
