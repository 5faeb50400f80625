/* SPDX-License-Identifier: Apache-2.0 */
#include "host/jobs.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/secret.h"
#include "common/rt/file.h"
#include "common/rt/work.h"

#define OPEN_MAX_JOBS 128

enum { LOOK_HIP, LOOK_A = 0, LOOK_AAAA, LOOKS };

/* In locked memory: it may hold a card's answers. */
struct running {
    struct host_jobs *owner; /* NULL: the owner is gone, nobody wants the result */
    struct running *next;
    struct host_job job;
    err e;
    uint8_t *octets; /* SAVE: what to write; LOAD: what was read (sec_alloc'ed) */
    size_t len;
    bool at_card; /* on the lane, which may never give it back */
    char why[USIM_WHY_MAX];
    struct usim_identity identity;
    struct usim_auth auth;
    struct host_local_key local;
    /* look-ups */
    int open;
    bool any_ok;
    uint32_t query[LOOKS];
    enum dnsu_security security;
    uint32_t ttl;
    size_t n_addr;
    struct addr addr[HOST_ADDRS_MAX];
};

struct host_jobs {
    struct rt_work *work;
    struct rt_timer *late; /* completes what could not even be begun */
    struct rt_resolver *resolve;
    const struct usim *card;
    struct rt_lane *lane;
    char folder[PATH_MAX];
    host_jobs_fn done;
    void *ctx;
    struct running *all; /* every one that is not complete */
    size_t n;
};

static void on_late(void *ctx);

struct host_jobs *host_jobs_new(struct rt_loop *l, const char *folder, const struct usim *card,
                                struct rt_lane *lane, struct rt_resolver *resolve, host_jobs_fn done,
                                void *ctx)
{
    struct host_jobs *j = calloc(1, sizeof(*j));

    if (j == NULL)
        return NULL;
    j->work = rt_work_new(l, OPEN_MAX_JOBS);
    j->late = rt_timer_new(l, on_late, j);
    if (j->work == NULL || j->late == NULL) {
        rt_work_free(j->work);
        rt_timer_free(j->late);
        free(j);
        return NULL;
    }
    j->resolve = resolve;
    j->card = card;
    j->lane = lane;
    (void)snprintf(j->folder, sizeof(j->folder), "%s", folder);
    j->done = done;
    j->ctx = ctx;
    return j;
}

static void forget(struct host_jobs *j, struct running *r)
{
    struct running **at = &j->all;

    while (*at != NULL && *at != r)
        at = &(*at)->next;
    if (*at == r) {
        *at = r->next;
        j->n--;
    }
    sec_free(r->octets);
    sec_free(r);
}

void host_jobs_free(struct host_jobs *j)
{
    if (j == NULL)
        return;
    j->done = NULL;
    rt_work_free(j->work);
    rt_timer_free(j->late);
    for (struct running *r = j->all, *next; r != NULL; r = next) {
        next = r->next;
        for (int i = 0; i < LOOKS && j->resolve; i++)
            rt_resolve_cancel(j->resolve, r->query[i]);
        if (r->at_card) /* a reader that does not come back has it: it stays */
            r->owner = NULL;
        else
            forget(j, r);
    }
    free(j);
}

static void complete(struct running *r, struct host_result *res)
{
    struct host_jobs *j = r->owner;

    res->id = r->job.id;
    res->e = r->e;
    if (j->done)
        j->done(j->ctx, res);
    forget(j, r);
}

/* ---- on the thread ---- */

/* What host/core calls its files is checked once more before it becomes a path. */
static bool file_name_ok(const char *name)
{
    size_t n = strlen(name);

    return n > 0 && n < HOST_FILE_NAME_MAX && name[0] != '.' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == n;
}

static void run_file(struct running *r)
{
    char path[PATH_MAX], why[RT_FILE_WHY_MAX];

    if (!file_name_ok(r->job.file.name) ||
        snprintf(path, sizeof(path), "%s/%s", r->owner->folder, r->job.file.name) >= (int)sizeof(path)) {
        r->e = ERR_RANGE;
        return;
    }
    if (r->job.type == HOST_JOB_SAVE)
        r->e = rt_file_write(path, span_of(r->octets, r->len), why);
    else
        r->e = rt_file_read_secret(path, HOST_FILE_MAX, &r->octets, &r->len, why);
}

static void run_card(struct running *r)
{
    const struct usim *card = r->owner->card;

    r->e = ERR_NOT_FOUND;
    if (card == NULL)
        return;
    if (r->job.type == HOST_JOB_SIM_IDENTITY) {
        r->e = card->ops->identity(card->ctx, &r->identity, r->why);
        return;
    }
    if (r->job.type == HOST_JOB_SIM_AUTH) {
        card->ops->authenticate(card->ctx, r->job.auth.rand, r->job.auth.autn, &r->auth);
        r->e = ERR_OK;
        return;
    }
    r->e = card->ops->gsm ? ERR_OK : ERR_REFUSED;
    for (size_t i = 0; i < HOST_LOCAL_RANDS && r->e == ERR_OK; i++)
        r->e = card->ops->gsm(card->ctx, r->job.local.rand[i], r->local.sres[i], r->local.kc[i]);
}

static void run(void *arg)
{
    struct running *r = arg;

    if (r->job.type == HOST_JOB_LOAD || r->job.type == HOST_JOB_SAVE)
        run_file(r);
    else
        run_card(r);
}

static void ran(void *arg, bool did)
{
    struct running *r = arg;
    struct host_result res = { 0 };

    r->at_card = false;
    if (!did)
        r->e = ERR_STATE;
    res.why = r->why;
    switch (r->job.type) {
    case HOST_JOB_SIM_IDENTITY:
        res.identity = &r->identity;
        break;
    case HOST_JOB_SIM_AUTH:
        res.auth = &r->auth;
        break;
    case HOST_JOB_SIM_LOCAL:
        res.local = &r->local;
        break;
    default:
        res.octets = span_of(r->octets, r->job.type == HOST_JOB_LOAD ? r->len : 0);
        break;
    }
    complete(r, &res);
}

/* ---- look-ups ---- */

static enum dnsu_security security_of(enum rt_security s)
{
    return s == RT_DNS_SECURE ? DNSU_SECURE : s == RT_DNS_BOGUS ? DNSU_BOGUS : DNSU_INSECURE;
}

static void on_hip(void *ctx, const struct rt_answer *a)
{
    struct running *r = ctx;
    struct host_result res = { 0 };

    /* That it is bogus is what was found out, not a failure to find out. */
    r->e = a->err == ERR_AUTH ? ERR_OK : a->err;
    res.hip.security = security_of(a->security);
    res.hip.nxdomain = a->nxdomain;
    res.hip.ttl = a->ttl;
    res.hip.n = a->n;
    res.hip.rdata = a->rdata;
    complete(r, &res);
}

/* The worse of the two: an address that is not proven is as good as none is. */
static void add_addresses(struct running *r, const struct rt_answer *a, size_t octets)
{
    enum dnsu_security s = security_of(a->security);

    if (a->err == ERR_OK || a->err == ERR_AUTH) {
        r->any_ok = true;
        if (s > r->security)
            r->security = s;
    } else if (r->e == ERR_OK) {
        r->e = a->err;
    }
    if (a->n > 0 && a->ttl < r->ttl)
        r->ttl = a->ttl;
    for (size_t i = 0; i < a->n && r->n_addr < HOST_ADDRS_MAX; i++) {
        if (a->rdata[i].n != octets)
            continue;
        struct addr *to = &r->addr[r->n_addr++];
        memset(to, 0, sizeof(*to));
        to->family = octets == 4 ? ADDR_V4 : ADDR_V6;
        memcpy(to->ip, a->rdata[i].p, octets);
    }
}

static void addresses_done(struct running *r)
{
    struct host_result res = { 0 };

    if (--r->open > 0)
        return;
    if (r->any_ok)
        r->e = ERR_OK;
    res.addrs.security = r->security;
    res.addrs.ttl = r->n_addr ? r->ttl : 0;
    res.addrs.n = r->security == DNSU_BOGUS ? 0 : r->n_addr;
    res.addrs.v = r->addr;
    complete(r, &res);
}

static void on_a(void *ctx, const struct rt_answer *a)
{
    struct running *r = ctx;
    add_addresses(r, a, 4);
    addresses_done(r);
}

static void on_aaaa(void *ctx, const struct rt_answer *a)
{
    struct running *r = ctx;
    add_addresses(r, a, 16);
    addresses_done(r);
}

static err look_up(struct running *r)
{
    char name[DNSU_NAME_TEXT_MAX];
    struct rt_resolver *res = r->owner->resolve;
    err e;

    if (res == NULL)
        return ERR_UNREACHABLE;
    (void)dnsu_name_text(&r->job.name, name);
    if (r->job.type == HOST_JOB_LOOKUP_HIP)
        return rt_resolve(res, name, DNSU_TYPE_HIP, on_hip, r, &r->query[LOOK_HIP]);
    r->security = DNSU_SECURE;
    r->ttl = UINT32_MAX;
    e = rt_resolve(res, name, DNSU_TYPE_A, on_a, r, &r->query[LOOK_A]);
    if (e == ERR_OK)
        r->open++;
    if (rt_resolve(res, name, DNSU_TYPE_AAAA, on_aaaa, r, &r->query[LOOK_AAAA]) == ERR_OK)
        r->open++;
    return r->open > 0 ? ERR_OK : e;
}

/* ---- beginning ---- */

static err begin(struct running *r)
{
    if (r->job.type == HOST_JOB_LOOKUP_HIP || r->job.type == HOST_JOB_LOOKUP_ADDR)
        return look_up(r);
    if (r->job.type == HOST_JOB_SAVE) {
        if (r->job.file.octets.n > HOST_FILE_MAX)
            return ERR_RANGE;
        r->octets = sec_alloc(r->job.file.octets.n);
        if (r->octets == NULL)
            return ERR_MEMORY;
        memcpy(r->octets, r->job.file.octets.p, r->job.file.octets.n);
        r->len = r->job.file.octets.n;
    }
    if (r->job.type == HOST_JOB_SAVE || r->job.type == HOST_JOB_LOAD || r->owner->lane == NULL)
        return rt_work_submit(r->owner->work, run, ran, r);
    err e = rt_lane_submit(r->owner->lane, run, ran, r);
    r->at_card = e == ERR_OK;
    return e;
}

/* Marks a job that never began: it is completed with its error from the timer. */
#define NEVER_BEGAN (-1)

static void on_late(void *ctx)
{
    struct host_jobs *j = ctx;
    struct running *r, *next;

    for (r = j->all; r != NULL; r = next) {
        struct host_result res = { 0 };
        next = r->next;
        if (r->open != NEVER_BEGAN)
            continue;
        complete(r, &res);
        next = j->all; /* the list may be another one now */
    }
}

void host_jobs_start(struct host_jobs *j, const struct host_job *job)
{
    struct running *r = j->n < OPEN_MAX_JOBS ? sec_alloc(sizeof(*r)) : NULL;

    if (r == NULL)
        return; /* host/core holds far fewer open; its own time-outs end what is lost here */
    r->owner = j;
    r->job = *job;
    r->next = j->all;
    j->all = r;
    j->n++;
    err e = begin(r);
    if (e != ERR_OK) { /* once it began, r->e is the thread's */
        r->e = e;
        r->open = NEVER_BEGAN;
        rt_timer_at(j->late, rt_now_us());
    }
}
