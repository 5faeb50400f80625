/* SPDX-License-Identifier: Apache-2.0 */
#include "as/hlr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aka/gsup.h"
#include "aka/ipa.h"
#include "as/kept.h"
#include "common/crypto/secret.h"

#define PONG_US 5000000 /* an HLR that is there answers PING sooner */
#define FRAME   (IPA_HEAD_LEN + 1 + GSUP_REQUEST_MAX)

enum link { LINK_DOWN, LINK_UP /* it has not asked for our name yet */, LINK_READY };

struct request {
    struct request *next; /* in order of arrival, or free */
    struct source_ref ref;
    char imsi[IMSI_MAX + 1];
    bool separated, resync, status; /* status: whether it is served still, no vector */
    uint8_t rand[AKA_RAND_LEN], auts[AKA_AUTS_LEN];
    uint64_t until_us;
    uint32_t session; /* under way with this id; 0: not sent */
};

struct hlr {
    const struct as_hlr *conf;
    const struct env *env;
    const struct hlr_ops *ops;
    void *ctx;
    enum link link;
    uint64_t heard_us, ping_us; /* ping_us: when PING went out; 0: none is out */
    struct request *all, *spare, *first, **last;
    size_t n;
    struct kept *kept;
    uint32_t session;
    bool due;       /* something is to be done at once */
    bool told_down; /* the log says so already */
    uint64_t count[HLR__COUNT];
};

_Static_assert(GSUP_TUPLES_MAX <= KEPT_VECTORS_MAX, "an answer's vectors must fit");

/* ---- requests ---- */

static void unlink_request(struct hlr *h, struct request *r)
{
    struct request **at = &h->first;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    if (!*at)
        h->last = at;
    h->n--;
    sec_wipe(r, sizeof *r);
    r->next = h->spare;
    h->spare = r;
}

/* Answers it and forgets it. The owner may ask again from inside. */
static void answer(struct hlr *h, struct request *r, enum aka_server_auc what, const struct aka_vector *v)
{
    struct source_ref ref = r->ref;
    unlink_request(h, r);
    h->due = true; /* one behind it may be for the same subscriber */
    h->ops->answer(h->ctx, &ref, what, v);
}

bool hlr_ask(struct hlr *h, const struct source_req *q, uint64_t now)
{
    struct request *r = h->spare;
    if (!r || strlen(q->imsi) > IMSI_MAX) {
        h->count[HLR_full]++;
        return false;
    }
    h->spare = r->next;
    *r = (struct request){ .ref = q->ref,
                           .separated = q->want != AKA_WANT_PLAIN,
                           .resync = q->auts != NULL,
                           .status = q->want == AKA_WANT_STATUS,
                           .until_us = now + h->conf->request_us };
    snprintf(r->imsi, sizeof r->imsi, "%s", q->imsi);
    if (q->auts) {
        memcpy(r->rand, q->rand, sizeof r->rand);
        memcpy(r->auts, q->auts, sizeof r->auts);
    }
    *h->last = r;
    h->last = &r->next;
    h->n++;
    h->due = true;
    return true;
}

static err say(struct hlr *h, enum ipa_stream stream, uint8_t type, struct span body)
{
    uint8_t b[FRAME];
    size_t n = ipa_write(b, sizeof b, stream, type, body);
    return n ? h->ops->send(h->ctx, span_of(b, n)) : ERR_SPACE;
}

/* It goes nowhere from here: those under way are sent again over the next connection. */
static void lost(struct hlr *h)
{
    h->link = LINK_DOWN;
    h->ping_us = 0;
    h->count[HLR_losses]++;
    for (struct request *r = h->first; r; r = r->next)
        r->session = 0;
}

static void give_up(struct hlr *h, const char *why)
{
    log_at(&h->env->log, LOG_LV_WARN, "hlr", "event=hlr_reset hlr=%s reason=\"%s\"", h->conf->name, why);
    lost(h);
    h->ops->reset(h->ctx);
}

static bool send_request(struct hlr *h, struct request *r)
{
    uint8_t b[GSUP_REQUEST_MAX];
    if (++h->session == 0)
        h->session = 1;
    struct gsup_auth_request q = { .imsi = r->imsi,
                                   .tuples = h->conf->vectors,
                                   .separated = r->separated,
                                   .session = h->session,
                                   .rand = r->resync ? r->rand : NULL,
                                   .auts = r->resync ? r->auts : NULL };
    size_t n = gsup_write_auth(b, sizeof b, &q);
    if (!n || say(h, IPA_OSMO, IPA_EXT_GSUP, span_of(b, n)) != ERR_OK)
        return false; /* the queue is full: later, or its time is over */
    r->session = h->session;
    h->count[HLR_requests]++;
    h->count[HLR_resyncs] += r->resync;
    return true;
}

static bool earlier(const struct hlr *h, const struct request *r)
{
    for (const struct request *e = h->first; e != r; e = e->next)
        if (strcmp(e->imsi, r->imsi) == 0)
            return true;
    return false;
}

/* Gives out what is kept. True: somebody was answered, and the list may have changed. */
static bool from_kept(struct hlr *h, struct request *r, uint64_t now)
{
    if (r->status) /* what the HLR said then tells nothing of now */
        return false;
    if (r->resync) { /* those of before have numbers that the card does not take */
        kept_drop(h->kept, r->imsi);
        return false;
    }
    struct aka_vector *v = sec_alloc(sizeof *v);
    bool have = v && kept_take(h->kept, r->imsi, r->separated, now, v);
    if (have) {
        h->count[HLR_cached]++;
        answer(h, r, AKA_AUC_OK, v);
    }
    sec_free(v);
    return have;
}

static bool pump_one(struct hlr *h, struct request *r, uint64_t now)
{
    if (now >= r->until_us) {
        h->count[HLR_timeouts]++;
        answer(h, r, AKA_AUC_UNAVAILABLE, NULL);
        return true;
    }
    if (r->session || earlier(h, r))
        return false;
    if (from_kept(h, r, now))
        return true;
    if (h->link == LINK_READY)
        (void)send_request(h, r);
    return false;
}

static void pump(struct hlr *h, uint64_t now)
{
    bool changed;
    h->due = false;
    do {
        changed = false;
        for (struct request *r = h->first; r && !changed; r = r->next)
            changed = pump_one(h, r, now);
    } while (changed);
    h->due = false;
}

/* ---- answers ---- */

static enum aka_server_auc refused(struct hlr *h, const struct request *r, uint8_t cause)
{
    switch (cause) {
    case GSUP_IMSI_UNKNOWN:
        /* osmo-hlr says the same of AUTS that it does not believe, and there was a vector for this IMSI before */
        h->count[r->resync ? HLR_bad_auts : HLR_unknown]++;
        return r->resync ? AKA_AUC_BAD_AUTS : AKA_AUC_UNKNOWN;
    case GSUP_ILLEGAL_MS:
    case GSUP_ILLEGAL_ME:
    case GSUP_GPRS_NOT_ALLOWED:
    case GSUP_SERVICES_NOT_ALLOWED:
    case GSUP_PLMN_NOT_ALLOWED:
        h->count[HLR_barred]++;
        return AKA_AUC_BARRED;
    default:
        h->count[HLR_failed]++;
        return AKA_AUC_UNAVAILABLE;
    }
}

/* lie: what is wrong with an answer that no honest HLR gives; left alone otherwise. */
static enum aka_server_auc judge(struct hlr *h, const struct request *r, const struct gsup_auth *a,
                                 const char **lie)
{
    if (strcmp(a->imsi, r->imsi) != 0) {
        h->count[HLR_foreign]++;
        *lie = "for another subscriber than asked for";
        return AKA_AUC_UNAVAILABLE;
    }
    if (a->type == GSUP_AUTH_ERROR)
        return refused(h, r, a->has_cause ? a->cause : 0);
    if (a->n_tuples == 0) { /* a SIM without AKA, or one that the HLR has no keys of */
        h->count[HLR_no_vectors]++;
        return AKA_AUC_UNKNOWN;
    }
    for (unsigned i = 0; i < a->n_tuples; i++)
        if (aka_autn_separated(a->v[i].autn) != r->separated) {
            h->count[HLR_wrong_kind]++;
            *lie = "AMF separation bit is not as asked for";
            return AKA_AUC_UNAVAILABLE;
        }
    h->count[HLR_results]++;
    return AKA_AUC_OK;
}

/* The request that this answers: by its session id, or by the subscriber where the HLR does not send it back. */
static struct request *asked(struct hlr *h, const struct gsup_auth *a)
{
    for (struct request *r = h->first; r; r = r->next)
        if (r->session && (a->has_session ? r->session == a->session : strcmp(r->imsi, a->imsi) == 0))
            return r;
    return NULL;
}

static void complain(struct hlr *h, const char *what)
{
    log_at(&h->env->log, LOG_LV_WARN, "hlr", "event=hlr_bad_answer hlr=%s reason=\"%s\"", h->conf->name,
           what);
}

/* Vectors `first` and on. */
static void keep(struct hlr *h, const struct gsup_auth *a, unsigned first, bool separated, uint64_t now)
{
    size_t n = h->conf->cache_us && a->n_tuples > first ? a->n_tuples - first : 0;
    kept_put(h->kept, a->imsi, separated, a->v + first, n, now + h->conf->cache_us);
}

static void on_auth(struct hlr *h, const struct gsup_auth *a, uint64_t now)
{
    bool answers = a->type == GSUP_AUTH_RESULT || a->type == GSUP_AUTH_ERROR;
    struct request *r = answers ? asked(h, a) : NULL;
    const char *lie = NULL;
    if (!r) {
        h->count[HLR_unsolicited]++;
        return;
    }
    enum aka_server_auc what = judge(h, r, a, &lie);
    if (lie)
        complain(h, lie);
    if (what == AKA_AUC_OK)
        keep(h, a, r->status ? 0 : 1, r->separated, now);
    answer(h, r, what, what == AKA_AUC_OK && !r->status ? &a->v[0] : NULL);
    pump(h, now);
}

static void on_gsup(struct hlr *h, struct span body, uint64_t now)
{
    struct gsup_auth *a = sec_alloc(sizeof *a);
    if (!a)
        return;
    if (gsup_parse_auth(body, a) == ERR_OK) {
        on_auth(h, a, now);
    } else {
        h->count[HLR_malformed]++;
        complain(h, "malformed");
    }
    sec_free(a);
}

static void tell_name(struct hlr *h, uint64_t now)
{
    uint8_t b[IPA_HEAD_LEN + 32 + 2 * (IPA_NAME_MAX + 1)];
    size_t n = ipa_write_id(b, sizeof b, h->conf->unit);
    if (!n || h->ops->send(h->ctx, span_of(b, n)) != ERR_OK ||
        say(h, IPA_CCM, IPA_ID_ACK, span_of(NULL, 0)) != ERR_OK) {
        give_up(h, "our name could not be sent");
        return;
    }
    if (h->link == LINK_READY)
        return;
    h->link = LINK_READY;
    h->told_down = false;
    h->count[HLR_connects]++;
    log_at(&h->env->log, LOG_LV_NOTICE, "hlr", "event=hlr_up hlr=%s", h->conf->name);
    h->ops->settled(h->ctx);
    pump(h, now);
}

static void on_ccm(struct hlr *h, uint8_t type, uint64_t now)
{
    if (type == IPA_PING && say(h, IPA_CCM, IPA_PONG, span_of(NULL, 0)) != ERR_OK)
        give_up(h, "PONG could not be sent");
    else if (type == IPA_PONG)
        h->ping_us = 0;
    else if (type == IPA_ID_GET)
        tell_name(h, now);
}

void hlr_input(struct hlr *h, struct span frame, uint64_t now)
{
    struct ipa_pkt p;
    if (h->link == LINK_DOWN)
        return;
    h->heard_us = now;
    if (ipa_parse(frame, &p) != ERR_OK) {
        h->count[HLR_malformed]++;
        give_up(h, "malformed IPA frame");
    } else if (p.stream == IPA_CCM) {
        on_ccm(h, p.type, now);
    } else if (p.stream == IPA_OSMO && p.type == IPA_EXT_GSUP) {
        on_gsup(h, p.body, now);
    } else {
        h->count[HLR_unsolicited]++;
    }
}

/* ---- the connection, and time ---- */

void hlr_up(struct hlr *h, uint64_t now)
{
    h->link = LINK_UP;
    h->heard_us = now;
    h->ping_us = 0;
}

void hlr_down(struct hlr *h, err why, uint64_t now)
{
    if (h->link != LINK_DOWN)
        lost(h);
    if (h->told_down)
        return;
    h->told_down = true;
    log_at(&h->env->log, LOG_LV_WARN, "hlr", "event=hlr_down hlr=%s reason=\"%s\"", h->conf->name,
           why == ERR_OK ? "closed by the HLR" : err_text(why));
}

/* When the connection is looked after again. */
static uint64_t link_due(const struct hlr *h)
{
    if (h->link == LINK_DOWN)
        return HEAP_NEVER;
    if (h->link == LINK_UP)
        return h->heard_us + PONG_US;
    return h->ping_us ? h->ping_us + PONG_US : h->heard_us + h->conf->keepalive_us;
}

void hlr_timeout(struct hlr *h, uint64_t now)
{
    if (now >= link_due(h)) {
        if (h->link == LINK_UP || h->ping_us) {
            h->count[HLR_silent]++;
            give_up(h, h->ping_us ? "no answer to PING" : "nobody asked for our name");
        } else if (say(h, IPA_CCM, IPA_PING, span_of(NULL, 0)) == ERR_OK) {
            h->ping_us = now;
        } else {
            give_up(h, "PING could not be sent");
        }
    }
    kept_timeout(h->kept, now);
    pump(h, now);
}

uint64_t hlr_deadline(const struct hlr *h)
{
    uint64_t at = h->due ? 0 : link_due(h);
    for (const struct request *r = h->first; r; r = r->next)
        at = r->until_us < at ? r->until_us : at;
    uint64_t kept = kept_deadline(h->kept);
    return kept < at ? kept : at;
}

/* ---- whole ---- */

struct hlr *hlr_new(const struct as_hlr *conf, const struct env *env, const struct hlr_ops *ops, void *ctx)
{
    struct hlr *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    *h = (struct hlr){ .conf = conf, .env = env, .ops = ops, .ctx = ctx };
    h->last = &h->first;
    h->all = calloc(conf->outstanding, sizeof *h->all);
    h->kept = kept_new(conf->cache_max);
    if (!h->all || !h->kept) {
        hlr_free(h);
        return NULL;
    }
    for (size_t i = conf->outstanding; i > 0; i--) {
        h->all[i - 1].next = h->spare;
        h->spare = &h->all[i - 1];
    }
    env_random(env, &h->session,
               sizeof h->session); /* answers to an earlier life's requests match none of ours */
    return h;
}

void hlr_free(struct hlr *h)
{
    if (!h)
        return;
    kept_free(h->kept);
    free(h->all);
    free(h);
}

bool hlr_ready(const struct hlr *h)
{
    return h->link == LINK_READY;
}

size_t hlr_waiting(const struct hlr *h)
{
    return h->n;
}

size_t hlr_cached(const struct hlr *h)
{
    return kept_count(h->kept);
}

uint64_t hlr_counter(const struct hlr *h, enum hlr_counter c)
{
    return c == HLR_dropped ? kept_dropped(h->kept) : h->count[c];
}

const char *hlr_counter_name(enum hlr_counter c)
{
    static const char *const names[HLR__COUNT] = {
#define X(name, doc) #name,
        HLR_COUNTER_LIST(X)
#undef X
    };
    return (unsigned)c < HLR__COUNT ? names[c] : "?";
}
