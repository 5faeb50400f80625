/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/group.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/rt/mail.h"
#include "fa/carrier_udp.h"
#include "fa/identity.h"
#include "fa/store_sqlite.h"
#include "fa/subs_sqlite.h"

#define MAIL_MAX 4096

struct member {
    struct group *g;
    struct worker_peers peers;
    struct rt_loop *loop; /* worker 0: the caller's */
    struct rt_mail *mail;
    struct worker *w;
    pthread_t thread;
    bool running;
};

struct group {
    struct group_config c;
    unsigned n;
    struct fa_flows *flows;
    struct fa_directory *directory;
    struct fa_locks locks;
    struct worker_said said;
    struct member m[FA_WORKERS_MAX];
};

/* ---- mail ---- */

struct packet {
    struct hip_path path;
    size_t n;
    uint8_t octets[];
};

static void on_packet(void *ctx, void *arg)
{
    struct member *m = ctx;
    struct packet *p = arg;
    worker_packet(m->w, &p->path, span_of(p->octets, p->n));
    free(p);
}

static bool post_packet(void *ctx, unsigned to, const struct hip_path *path, struct span octets)
{
    struct group *g = ctx;
    struct packet *p = to < g->n ? malloc(sizeof *p + octets.n) : NULL;
    if (!p)
        return false;
    p->path = *path;
    p->n = octets.n;
    memcpy(p->octets, octets.p, octets.n);
    if (rt_mail_post(g->m[to].mail, on_packet, free, p) == ERR_OK)
        return true;
    free(p);
    return false;
}

static void on_tell(void *ctx, void *arg)
{
    struct member *m = ctx;
    worker_tell(m->w, arg);
    free(arg);
}

/* To the worker whose host it would be. */
static void post_tell(void *ctx, const struct fa_tell *x)
{
    struct group *g = ctx;
    struct fa_tell *copy = malloc(sizeof *copy);
    if (!copy)
        return; /* it learns it at its next exchange */
    *copy = *x;
    if (rt_mail_post(g->m[fa_steer_hit(&g->m[0].peers.steer, &x->hit)].mail, on_tell, free, copy) != ERR_OK)
        free(copy);
}

void group_tell(struct group *g, const struct fa_tell *x)
{
    post_tell(g, x);
}

void group_audit(struct group *g, bool alarm, const char *what)
{
    worker_audit(g->m[0].w, alarm, what);
}

err group_store(struct group *g, void (*run)(void *arg, const struct store *s),
                void (*done)(void *arg, bool ran), void *arg)
{
    return worker_store(g->m[0].w, run, done, arg);
}

static void on_account(void *ctx, void *arg)
{
    acct_take(arg);
}

/* The accounting is worker 0's loop's. What is posted when that has ended is taken as the box ends. */
static bool post_account(void *ctx, struct acct_event *e)
{
    struct group *g = ctx;
    return rt_mail_post(g->m[0].mail, on_account, acct_take_late, e) == ERR_OK;
}

struct port {
    uint16_t port;
    int fd; /* -1: closed */
};

static void on_port(void *ctx, void *arg)
{
    struct member *m = ctx;
    struct port *p = arg;
    struct carrier_udp *u = worker_udp(m->w);
    if (p->fd < 0)
        carrier_udp_port_close(u, p->port);
    else if (carrier_udp_port_lent(u, p->port, p->fd) != ERR_OK)
        log_at(&m->g->c.env->log, LOG_LV_WARN, "io", "worker %u cannot send from relayed port %u",
               m->peers.index, p->port);
    free(p);
}

static void port_gone(void *arg)
{
    struct port *p = arg;
    if (p->fd >= 0)
        (void)close(p->fd);
    free(p);
}

static void post_port(void *ctx, unsigned from, uint16_t port, bool open)
{
    struct group *g = ctx;
    for (unsigned i = 0; i < g->n; i++) {
        struct port *p = i != from ? malloc(sizeof *p) : NULL;
        if (!p)
            continue;
        *p = (struct port){ .port = port, .fd = -1 };
        if (open && carrier_udp_port_dup(worker_udp(g->m[from].w), port, &p->fd) != ERR_OK) {
            free(p);
            continue;
        }
        if (rt_mail_post(g->m[i].mail, on_port, port_gone, p) != ERR_OK) {
            log_at(&g->c.env->log, LOG_LV_WARN, "io", "worker %u did not hear of relayed port %u", i, port);
            port_gone(p);
        }
    }
}

/* ---- questions ---- */

static void sum_into(json_t *to, json_t *from)
{
    const char *key;
    json_t *v;
    json_object_foreach (from, key, v) {
        json_t *have = json_object_get(to, key);
        if (!have)
            json_object_set(to, key, v);
        else if (json_is_integer(have) && json_is_integer(v))
            json_integer_set(have, json_integer_value(have) + json_integer_value(v));
        else if (json_is_array(have) && json_is_array(v))
            json_array_extend(have, v);
        else if (json_is_object(have) && json_is_object(v))
            sum_into(have, v);
    }
}

struct question {
    struct group *g;
    group_part_fn part;
    group_sum_fn sum;
    void *ctx;
    unsigned waiting, index;
    json_t *all;
};

struct answer {
    struct question *q;
    unsigned index;
    json_t *part;
};

static void answered(struct question *q, json_t *part)
{
    if (part)
        sum_into(q->all, part);
    json_decref(part);
    if (--q->waiting)
        return;
    q->sum(q->ctx, q->all);
    free(q);
}

static void on_answer(void *ctx, void *arg)
{
    struct answer *a = arg;
    answered(a->q, a->part);
    free(a);
}

/* The process ends: nobody waits any more. */
static void answer_gone(void *arg)
{
    struct answer *a = arg;
    if (--a->q->waiting == 0) {
        json_decref(a->q->all);
        free(a->q);
    }
    json_decref(a->part);
    free(a);
}

static void on_question(void *ctx, void *arg)
{
    struct member *m = ctx;
    struct answer *a = arg;
    a->part = a->q->part(m->w, m->peers.index);
    if (rt_mail_post(m->g->m[0].mail, on_answer, answer_gone, a) != ERR_OK)
        log_at(&m->g->c.env->log, LOG_LV_ERROR, "fa", "worker %u has no place for its answer",
               m->peers.index);
}

err group_ask(struct group *g, group_part_fn part, group_sum_fn sum, void *ctx)
{
    struct question *q = calloc(1, sizeof *q);
    struct answer *a[FA_WORKERS_MAX] = { NULL };
    unsigned n = g->n;
    bool room = q != NULL && (q->all = json_object()) != NULL;
    for (unsigned i = 1; i < n; i++)
        room = (a[i] = calloc(1, sizeof *a[i])) && room;
    if (!room) {
        for (unsigned i = 1; i < n; i++)
            free(a[i]);
        if (q)
            json_decref(q->all);
        free(q);
        return ERR_MEMORY;
    }
    *q = (struct question){ .g = g, .part = part, .sum = sum, .ctx = ctx, .waiting = n, .all = q->all };
    for (unsigned i = 1; i < n; i++) {
        a[i]->q = q;
        if (rt_mail_post(g->m[i].mail, on_question, answer_gone, a[i]) == ERR_OK)
            continue;
        q->waiting--; /* its part is missing in the sum */
        free(a[i]);
    }
    answered(q, part(g->m[0].w, 0));
    return ERR_OK; /* NOLINT(clang-analyzer-unix.Malloc): the answers that are on their way hold q */
}

/* ---- revoking ---- */

struct revoke {
    struct group *g;
    bool by_name;
    char name[FA_NAME_MAX];
    struct hit hit;
    err err;
    void (*done)(void *ctx, err e);
    void *ctx;
};

static void on_revoked(void *ctx, void *arg)
{
    struct revoke *r = arg;
    r->done(r->ctx, r->err);
    free(r);
}

static void on_revoke(void *ctx, void *arg)
{
    struct member *m = ctx;
    struct revoke *r = arg;
    r->err = worker_revoke(m->w, r->by_name ? r->name : NULL, r->by_name ? NULL : &r->hit);
    if (rt_mail_post(m->g->m[0].mail, on_revoked, free, r) != ERR_OK)
        free(r);
}

static void revoke_at(struct revoke *r, unsigned worker)
{
    if (worker == 0) {
        r->err = worker_revoke(r->g->m[0].w, r->by_name ? r->name : NULL, r->by_name ? NULL : &r->hit);
        on_revoked(NULL, r);
    } else if ((r->err = rt_mail_post(r->g->m[worker].mail, on_revoke, free, r)) != ERR_OK) {
        on_revoked(NULL, r);
    }
}

static void on_rows(void *ctx, err e, const struct store_counts *counts, const struct fa_binding *rows,
                    size_t n)
{
    struct revoke *r = ctx;
    unsigned worker = 0;
    for (size_t i = 0; e == ERR_OK && i < n; i++)
        if (strcmp(rows[i].name, r->name) == 0) {
            struct hit hit;
            memcpy(hit.b, rows[i].hit, sizeof hit.b);
            worker = fa_steer_hit(&r->g->m[0].peers.steer, &hit);
        }
    revoke_at(r, worker);
}

err group_revoke(struct group *g, const char *name, const struct hit *hit, void (*done)(void *ctx, err e),
                 void *ctx)
{
    if (!name == !hit || (name && strlen(name) >= FA_NAME_MAX))
        return ERR_RANGE;
    struct revoke *r = calloc(1, sizeof *r);
    if (!r)
        return ERR_MEMORY;
    *r = (struct revoke){ .g = g, .by_name = name != NULL, .done = done, .ctx = ctx };
    if (name) {
        memcpy(r->name, name, strlen(name) + 1);
        if (g->n > 1) {
            err e = worker_list(g->m[0].w, on_rows, r);
            if (e != ERR_OK)
                free(r);
            return e;
        }
    } else {
        r->hit = *hit;
    }
    revoke_at(r, name ? 0 : fa_steer_hit(&g->m[0].peers.steer, &r->hit));
    return ERR_OK;
}

err group_list(struct group *g, worker_list_fn done, void *ctx)
{
    return worker_list(g->m[0].w, done, ctx);
}

unsigned group_count(const struct group *g)
{
    return g->n;
}

/* ---- making and ending ---- */

static unsigned processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > FA_WORKERS_MAX ? FA_WORKERS_MAX : (unsigned)n;
}

static err open_worker(struct group *g, struct member *m, char why[SQL_WHY_MAX])
{
    const struct group_config *k = &g->c;
    struct worker_config c = { .loop = m->loop,
                               .env = k->env,
                               .settings = k->settings,
                               .identity = k->identity,
                               .key = k->key,
                               .realms = k->realms,
                               .ca = k->ca,
                               .acct = { .acct = k->acct,
                                         .post = m != &g->m[0] ? post_account : NULL,
                                         .ctx = g,
                                         .log = &k->env->log },
                               .peers = g->n > 1 ? &m->peers : NULL };
    struct subs_sqlite *subs = NULL;
    err e = fa_identity_log_key(k->identity, c.log_key);
    if (e == ERR_OK)
        e = store_sqlite_open(k->settings->store_path, rt_wall_s, &c.store, why);
    if (e != ERR_OK)
        return e;
    e = subs_sqlite_open(k->settings->subs_path, true, rt_wall_s, &subs, why);
    /* A block of its own, above every one that was ever used: what a client has seen never goes back, however many workers there are next time. */
    if (e == ERR_OK)
        e = c.store.ops->r1_reserve(c.store.ctx, k->identity->hit.b, WORKER_R1_BLOCK, &c.r1_counter);
    if (e != ERR_OK) {
        c.store.ops->close(c.store.ctx);
        subs_sqlite_close(subs);
        return e;
    }
    c.r1_counter_end = c.r1_counter + WORKER_R1_BLOCK;
    c.subs = subs_sqlite_ops(subs);
    e = worker_new(&c, &m->w);
    if (e != ERR_OK)
        snprintf(why, SQL_WHY_MAX, "%s",
                 e == ERR_REFUSED  ? "raw sockets need CAP_NET_RAW"
                 : e == ERR_EXISTS ? "another daemon has the UDP port"
                                   : "sockets and engine could not be set up");
    return e;
}

static err make_shared(struct group *g)
{
    const struct fa_settings *s = g->c.settings;
    struct fa_relay_config r;
    uint8_t seed[16];
    fa_settings_relay(s, &r);
    if (!r.control && !r.data) /* nothing will stand in it */
        r.table.flows = r.table.clients = g->n;
    env_random(g->c.env, r.table.seed, sizeof r.table.seed);
    env_random(g->c.env, g->locks.seed, sizeof g->locks.seed);
    env_random(g->c.env, seed, sizeof seed);
    g->flows = fa_flows_new(&r.table);
    g->directory = fa_directory_new((s->registrations_max / g->n + 1) * g->n, (uint16_t)g->n, seed);
    return g->flows && g->directory ? ERR_OK : ERR_MEMORY;
}

static void introduce(struct group *g)
{
    struct fa_steer steer = { .workers = g->n, .n_own = 1, .own = { g->c.identity->hit } };
    env_random(g->c.env, steer.seed, sizeof steer.seed);
    for (unsigned i = 0; i < g->n; i++)
        g->m[i].peers = (struct worker_peers){ .index = i,
                                               .steer = steer,
                                               .flows = g->flows,
                                               .directory = g->directory,
                                               .locks = &g->locks,
                                               .said = &g->said,
                                               .ctx = g,
                                               .packet = post_packet,
                                               .tell = post_tell,
                                               .port = post_port };
}

err group_new(const struct group_config *c, struct group **out, char why[SQL_WHY_MAX])
{
    struct group *g = calloc(1, sizeof *g);
    if (!g)
        return ERR_MEMORY;
    g->c = *c;
    g->n = c->workers ? c->workers : processors();
    if (g->n > FA_WORKERS_MAX)
        g->n = FA_WORKERS_MAX;
    err e = g->n > 1 ? make_shared(g) : ERR_OK;
    introduce(g);
    for (unsigned i = 0; e == ERR_OK && i < g->n; i++) {
        struct member *m = &g->m[i];
        m->g = g;
        m->loop = i ? rt_loop_new() : c->loop;
        m->mail = m->loop ? rt_mail_new(m->loop, MAIL_MAX, m) : NULL;
        e = m->mail ? open_worker(g, m, why) : ERR_MEMORY;
    }
    if (e == ERR_OK && g->n > 1 && worker_udp(g->m[0].w)) {
        struct fa_steer_prog prog;
        fa_steer_udp_prog(&g->m[0].peers.steer, &prog);
        e = carrier_udp_steer(worker_udp(g->m[0].w), prog.v, prog.n);
    }
    if (e != ERR_OK) {
        group_free(g);
        return e;
    }
    *out = g;
    return ERR_OK;
}

static void *run(void *arg)
{
    struct member *m = arg;
    rt_loop_run(m->loop);
    return NULL;
}

err group_start(struct group *g)
{
    sigset_t all, was; /* signals are worker 0's */
    err e = ERR_OK;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &was);
    for (unsigned i = 1; e == ERR_OK && i < g->n; i++) {
        g->m[i].running = pthread_create(&g->m[i].thread, NULL, run, &g->m[i]) == 0;
        e = g->m[i].running ? ERR_OK : ERR_MEMORY;
    }
    (void)pthread_sigmask(SIG_SETMASK, &was, NULL);
    if (e == ERR_OK)
        worker_start(g->m[0].w);
    return e;
}

static void on_stop(void *ctx, void *arg)
{
    rt_loop_stop(((struct member *)ctx)->loop);
}

void group_free(struct group *g)
{
    if (!g)
        return;
    for (unsigned i = 1; i < g->n; i++)
        while (g->m[i].running && rt_mail_post(g->m[i].mail, on_stop, NULL, NULL) != ERR_OK)
            (void)usleep(1000); /* it works its mail off */
    for (unsigned i = 1; i < g->n; i++)
        if (g->m[i].running)
            (void)pthread_join(g->m[i].thread, NULL);
    for (unsigned i = 0; i < g->n; i++)
        worker_free(g->m[i].w);
    for (unsigned i = 0; i < g->n; i++) {
        rt_mail_free(g->m[i].mail);
        if (i)
            rt_loop_free(g->m[i].loop);
    }
    fa_flows_free(g->flows);
    fa_directory_free(g->directory);
    free(g);
}
