/* SPDX-License-Identifier: Apache-2.0 */
#include "as/source.h"

#include <stdlib.h>
#include <string.h>

#include "aka/ipa.h"
#include "as/auc_work.h"
#include "as/hlr.h"
#include "common/rt/stream.h"

#define CONNECT_US   3000000
#define RETRY_US     500000
#define RETRY_MAX_US 15000000
#define OUT_MAX      16384

/* One HLR: its client, and what that needs of the loop. */
struct link {
    struct source *s;
    const struct as_hlr *conf;
    struct hlr *hlr;
    struct rt_stream *stream;
    struct rt_timer *timer;
};

struct source {
    const struct as_conf *conf;
    struct auc_work *auc;
    struct link *links;
    size_t n_links;
    source_answer_fn answer;
    void *ctx;
};

int source_range(const struct as_range *ranges, size_t n, const char *imsi)
{
    int best = -1;
    size_t longest = 0;
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(ranges[i].prefix);
        if (strncmp(ranges[i].prefix, imsi, len) == 0 && (best < 0 || len > longest)) {
            best = (int)i;
            longest = len;
        }
    }
    return best;
}

/* ---- an HLR's connection and clock ---- */

static void rearm(struct link *k)
{
    rt_timer_at(k->timer, hlr_deadline(k->hlr));
}

static void on_up(void *ctx)
{
    struct link *k = ctx;
    hlr_up(k->hlr, rt_now_us());
    rearm(k);
}

static size_t on_frame(void *ctx, struct span in)
{
    return ipa_frame(in);
}

static void on_input(void *ctx, struct span frame)
{
    struct link *k = ctx;
    hlr_input(k->hlr, frame, rt_now_us());
    rearm(k);
}

static void on_down(void *ctx, err why)
{
    struct link *k = ctx;
    hlr_down(k->hlr, why, rt_now_us());
    rearm(k);
}

static const struct rt_stream_ops stream_ops = {
    .up = on_up, .frame = on_frame, .input = on_input, .down = on_down
};

static void on_timer(void *ctx)
{
    struct link *k = ctx;
    hlr_timeout(k->hlr, rt_now_us());
    rearm(k);
}

static err op_send(void *ctx, struct span octets)
{
    struct link *k = ctx;
    return rt_stream_send(k->stream, octets);
}

static void op_settled(void *ctx)
{
    struct link *k = ctx;
    rt_stream_settled(k->stream);
}

static void op_reset(void *ctx)
{
    struct link *k = ctx;
    rt_stream_reset(k->stream);
}

static void op_answer(void *ctx, const struct source_ref *ref, enum aka_server_auc what,
                      const struct aka_vector *v)
{
    struct link *k = ctx;
    k->s->answer(k->s->ctx, ref, what, v);
}

static const struct hlr_ops hlr_ops = {
    .send = op_send, .settled = op_settled, .reset = op_reset, .answer = op_answer
};

static bool link_open(struct link *k, struct source *s, struct rt_loop *l, const struct as_hlr *conf,
                      const struct env *env)
{
    struct rt_stream_conf c = { .peer = conf->address,
                                .in_max = IPA_HEAD_LEN + IPA_BODY_MAX,
                                .out_max = OUT_MAX,
                                .secret = true,
                                .connect_us = CONNECT_US,
                                .retry_us = RETRY_US,
                                .retry_max_us = RETRY_MAX_US };
    k->s = s;
    k->conf = conf;
    k->hlr = hlr_new(conf, env, &hlr_ops, k);
    k->timer = rt_timer_new(l, on_timer, k);
    k->stream = rt_stream_new(l, &c, &stream_ops, k);
    return k->hlr && k->timer && k->stream;
}

static void link_close(struct link *k)
{
    rt_stream_free(k->stream);
    rt_timer_free(k->timer);
    hlr_free(k->hlr);
}

/* ---- all of them ---- */

bool source_ask(struct source *s, const struct source_req *r)
{
    int i = source_range(s->conf->ranges, s->conf->n_ranges, r->imsi);
    if (i < 0 || s->conf->ranges[i].hlr < 0)
        return auc_work_ask(s->auc, r); /* which does not know a subscriber of nobody's */
    struct link *k = &s->links[s->conf->ranges[i].hlr];
    bool ok = hlr_ask(k->hlr, r, rt_now_us());
    rearm(k);
    return ok;
}

struct source *source_new(struct rt_loop *l, const struct as_conf *conf, struct auc *auc,
                          const struct env *env, source_answer_fn answer, void *ctx)
{
    struct source *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    *s = (struct source){ .conf = conf, .answer = answer, .ctx = ctx };
    s->auc = auc_work_new(l, auc, env, answer, ctx);
    s->links = calloc(conf->n_hlrs ? conf->n_hlrs : 1, sizeof *s->links);
    bool ok = s->auc && s->links;
    for (size_t i = 0; ok && i < conf->n_hlrs; i++, s->n_links++)
        ok = link_open(&s->links[i], s, l, &conf->hlrs[i], env);
    if (ok)
        return s;
    source_free(s);
    return NULL;
}

void source_free(struct source *s)
{
    if (!s)
        return;
    auc_work_free(s->auc);
    for (size_t i = 0; i < s->n_links; i++)
        link_close(&s->links[i]);
    free(s->links);
    free(s);
}

size_t source_jobs(const struct source *s)
{
    return auc_work_pending(s->auc);
}

static json_t *link_status(const struct link *k)
{
    char text[ADDR_TEXT_MAX];
    json_t *counters = json_object();
    const char *state = hlr_ready(k->hlr) ? "ready" : rt_stream_is_up(k->stream) ? "connected" : "down";
    for (int c = 0; c < HLR__COUNT; c++)
        json_object_set_new(counters, hlr_counter_name((enum hlr_counter)c),
                            json_integer((json_int_t)hlr_counter(k->hlr, (enum hlr_counter)c)));
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:o}", "name", k->conf->name, "address",
                     addr_format(&k->conf->address, text), "state", state, "waiting",
                     (json_int_t)hlr_waiting(k->hlr), "cached", (json_int_t)hlr_cached(k->hlr), "counters",
                     counters);
}

json_t *source_status(const struct source *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->n_links; i++)
        json_array_append_new(list, link_status(&s->links[i]));
    return list;
}
